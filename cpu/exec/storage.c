// SPDX-License-Identifier: Apache-2.0
// Fixed-point loads and stores. ISA I "Fixed-Point Load Instructions" and following.
//
// Update forms write RA after the target: with RA = RT (an invalid form) the address wins, and with RA = 0 GPR 0 is base and
// target, as processors do. Nothing is changed before the access has succeeded.
//
// The handlers of the common ones keep everything that needs a stack frame out of the way: a TLB miss jumps to a copy of the
// handler that does the whole instruction again by way of its reference semantics. Only that one can raise an interrupt, so only
// that one notes where it is in cpu->d.
#include "cpu/exec/storage_int.h"

// The handler of a load or store `id`. `tag` is the TLB tag that must match; `hit` does the access at `host` and what follows.
#define ACCESS_HANDLER(id, bits, address, tag, hit)                                                              \
    void op_##id(struct cpu *cpu, const struct dinsn *d, u64 word);                                              \
    static __attribute__((noinline, cold)) void op_##id##_slow(struct cpu *cpu, const struct dinsn *d, u64 word) \
    {                                                                                                            \
        cpu->d = d;                                                                                              \
        exec_##id(cpu, (u32)(word >> 32));                                                                       \
        INTERP_NEXT();                                                                                           \
    }                                                                                                            \
    void op_##id(struct cpu *cpu, const struct dinsn *d, u64 word)                                               \
    {                                                                                                            \
        u32 insn = (u32)(word >> 32);                                                                            \
        u64 base = (address), ea = base & cpu->ea_mask;                                                          \
        const struct tlb_entry *e = tlb_slot(cpu, ea);                                                           \
        if (unlikely(e->tag != tlb_tag(ea, bits / 8)))                                                      \
            return op_##id##_slow(cpu, d, word);                                                                 \
        void *host = (void *)(ea + e->addend);                                                                   \
        hit;                                                                                                     \
        INTERP_NEXT();                                                                                           \
    }

// At a host address, in the current byte order.
#define HOST_ACCESSORS(bits, swap)                                                        \
    static inline u##bits host_read##bits(const struct cpu *cpu, const void *host)        \
    {                                                                                     \
        u##bits v;                                                                        \
        memcpy(&v, host, sizeof(v));                                                      \
        return unlikely(cpu->be) ? swap(v) : v;                                           \
    }                                                                                     \
    static inline void host_write##bits(const struct cpu *cpu, void *host, u##bits value) \
    {                                                                                     \
        u##bits v = unlikely(cpu->be) ? swap(value) : value;                              \
        memcpy(host, &v, sizeof(v));                                                      \
    }

HOST_ACCESSORS(8, swap8)
HOST_ACCESSORS(16, __builtin_bswap16)
HOST_ACCESSORS(32, __builtin_bswap32)
HOST_ACCESSORS(64, __builtin_bswap64)

// RT = convert(bits at address); with `update`, RA = address.
#define EXEC_LOAD(id, bits, address, convert, update)       \
    void exec_##id(struct cpu *cpu, u32 insn);              \
    void exec_##id(struct cpu *cpu, u32 insn)               \
    {                                                       \
        u64 base = (address);                               \
        GPR(RT) = (u64)convert(mem_read##bits(cpu, base));  \
        if (update)                                         \
            GPR(RA) = base;                                 \
    }                                                       \
    ACCESS_HANDLER(id, bits, address, rtag, {               \
        GPR(RT) = (u64)convert(host_read##bits(cpu, host)); \
        if (update)                                         \
            GPR(RA) = base;                                 \
    })

#define EXEC_STORE(id, bits, address, convert, update)          \
    void exec_##id(struct cpu *cpu, u32 insn);                  \
    void exec_##id(struct cpu *cpu, u32 insn)                   \
    {                                                           \
        u64 base = (address);                                   \
        mem_write##bits(cpu, base, convert((u##bits)GPR(RS)));  \
        if (update)                                             \
            GPR(RA) = base;                                     \
    }                                                           \
    ACCESS_HANDLER(id, bits, address, wtag, {                   \
        host_write##bits(cpu, host, convert((u##bits)GPR(RS))); \
        if (update)                                             \
            GPR(RA) = base;                                     \
    })

// The four forms: displacement, with update, indexed, indexed with update.
#define EXEC_FORMS(exec, id, bits, disp, convert)                                                                 \
    exec(id, bits, ra_or_zero(cpu, insn) + (u64)(disp), convert, 0)                                               \
        exec(id##u, bits, GPR(RA) + (u64)(disp), convert, 1) exec(id##x, bits, ea_indexed(cpu, insn), convert, 0) \
            exec(id##ux, bits, GPR(RA) + GPR(RB), convert, 1)

#define AS_IT_IS(v)    (v)
#define ALGEBRAIC16(v) ((s64)(s16)(v))
#define ALGEBRAIC32(v) ((s64)(s32)(v))

EXEC_FORMS(EXEC_LOAD, lbz, 8, DISP_D, AS_IT_IS)
EXEC_FORMS(EXEC_LOAD, lhz, 16, DISP_D, AS_IT_IS)
EXEC_FORMS(EXEC_LOAD, lha, 16, DISP_D, ALGEBRAIC16)
EXEC_FORMS(EXEC_LOAD, lwz, 32, DISP_D, AS_IT_IS)
EXEC_FORMS(EXEC_LOAD, ld, 64, DISP_DS, AS_IT_IS)
EXEC_LOAD(lwa, 32, ra_or_zero(cpu, insn) + (u64)DISP_DS, ALGEBRAIC32, 0)
EXEC_LOAD(lwax, 32, ea_indexed(cpu, insn), ALGEBRAIC32, 0)
EXEC_LOAD(lwaux, 32, GPR(RA) + GPR(RB), ALGEBRAIC32, 1)

EXEC_FORMS(EXEC_STORE, stb, 8, DISP_D, AS_IT_IS)
EXEC_FORMS(EXEC_STORE, sth, 16, DISP_D, AS_IT_IS)
EXEC_FORMS(EXEC_STORE, stw, 32, DISP_D, AS_IT_IS)
EXEC_FORMS(EXEC_STORE, std, 64, DISP_DS, AS_IT_IS)

EXEC_LOAD(lhbrx, 16, ea_indexed(cpu, insn), __builtin_bswap16, 0)
EXEC_LOAD(lwbrx, 32, ea_indexed(cpu, insn), __builtin_bswap32, 0)
EXEC_LOAD(ldbrx, 64, ea_indexed(cpu, insn), __builtin_bswap64, 0)
EXEC_STORE(sthbrx, 16, ea_indexed(cpu, insn), __builtin_bswap16, 0)
EXEC_STORE(stwbrx, 32, ea_indexed(cpu, insn), __builtin_bswap32, 0)
EXEC_STORE(stdbrx, 64, ea_indexed(cpu, insn), __builtin_bswap64, 0)

// Hypervisor privileged: the handler has refused them in a partition. As reference semantics, plain accesses.
#define EXEC_LOAD_INHIBITED(id, bits)                         \
    EXEC(id)                                                  \
    {                                                         \
        GPR(RT) = mem_read##bits(cpu, ea_indexed(cpu, insn)); \
    }
#define EXEC_STORE_INHIBITED(id, bits)                                 \
    EXEC(id)                                                           \
    {                                                                  \
        mem_write##bits(cpu, ea_indexed(cpu, insn), (u##bits)GPR(RS)); \
    }

EXEC_LOAD_INHIBITED(lbzcix, 8)
EXEC_LOAD_INHIBITED(lhzcix, 16)
EXEC_LOAD_INHIBITED(lwzcix, 32)
EXEC_LOAD_INHIBITED(ldcix, 64)
EXEC_STORE_INHIBITED(stbcix, 8)
EXEC_STORE_INHIBITED(sthcix, 16)
EXEC_STORE_INHIBITED(stwcix, 32)
EXEC_STORE_INHIBITED(stdcix, 64)

// Quadwords. The even register holds the more significant half in both byte orders; an odd one, or RA among the targets of
// the load, is an invalid form.
EXEC(lq)
{
    u64 ea = (ra_or_zero(cpu, insn) + (u64)DISP_DQ) & cpu->ea_mask;
    if (unlikely(RT & 1) || unlikely(RA && RA == RT))
        cpu_raise_illegal(cpu);
    u128 v = atomic_read128(cpu, ea);
    GPR(RT) = (u64)(v >> 64);
    GPR(RT + 1) = (u64)v;
}

EXEC(stq)
{
    u64 ea = (ra_or_zero(cpu, insn) + (u64)DISP_DS) & cpu->ea_mask;
    if (unlikely(RS & 1))
        cpu_raise_illegal(cpu);
    atomic_write128(cpu, ea, (u128)GPR(RS) << 64 | GPR(RS + 1));
}
