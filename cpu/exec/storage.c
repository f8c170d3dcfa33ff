// SPDX-License-Identifier: Apache-2.0
// Fixed-point loads and stores. ISA I "Fixed-Point Load Instructions" and following.
//
// Update forms write RA after the target: with RA = RT (an invalid form) the address wins, and with RA = 0 GPR 0 is base and
// target, as processors do. Nothing is changed before the access has succeeded.
#include "cpu/exec/storage_int.h"

// `value` is the expression that goes to RT; ea is the address.
#define EXEC_LOAD(id, address, value)                                                                                  \
    EXEC(id)                                                                                                           \
    {                                                                                                                  \
        u64 ea = (address);                                                                                            \
        GPR(RT) = (u64)(value);                                                                                        \
    }
#define EXEC_LOAD_UPDATE(id, address, value)                                                                           \
    EXEC(id)                                                                                                           \
    {                                                                                                                  \
        u64 ea = (address);                                                                                            \
        GPR(RT) = (u64)(value);                                                                                        \
        GPR(RA) = ea;                                                                                                  \
    }

// A load's four forms: displacement, with update, indexed, indexed with update.
#define EXEC_LOADS(id, disp, value)                                                                                    \
    EXEC_LOAD(id, ra_or_zero(cpu, insn) + (u64)(disp), value)                                                          \
    EXEC_LOAD_UPDATE(id##u, GPR(RA) + (u64)(disp), value)                                                              \
    EXEC_LOAD(id##x, ea_indexed(cpu, insn), value)                                                                     \
    EXEC_LOAD_UPDATE(id##ux, GPR(RA) + GPR(RB), value)

EXEC_LOADS(lbz, DISP_D, mem_read8(cpu, ea))
EXEC_LOADS(lhz, DISP_D, mem_read16(cpu, ea))
EXEC_LOADS(lha, DISP_D, (s64)(s16)mem_read16(cpu, ea))
EXEC_LOADS(lwz, DISP_D, mem_read32(cpu, ea))
EXEC_LOADS(ld, DISP_DS, mem_read64(cpu, ea))
EXEC_LOAD(lwa, ra_or_zero(cpu, insn) + (u64)DISP_DS, (s64)(s32)mem_read32(cpu, ea))
EXEC_LOAD(lwax, ea_indexed(cpu, insn), (s64)(s32)mem_read32(cpu, ea))
EXEC_LOAD_UPDATE(lwaux, GPR(RA) + GPR(RB), (s64)(s32)mem_read32(cpu, ea))

#define EXEC_STORE(id, address, write)                                                                                 \
    EXEC(id)                                                                                                           \
    {                                                                                                                  \
        u64 ea = (address);                                                                                            \
        write;                                                                                                         \
    }
#define EXEC_STORE_UPDATE(id, address, write)                                                                          \
    EXEC(id)                                                                                                           \
    {                                                                                                                  \
        u64 ea = (address);                                                                                            \
        write;                                                                                                         \
        GPR(RA) = ea;                                                                                                  \
    }
#define EXEC_STORES(id, disp, write)                                                                                   \
    EXEC_STORE(id, ra_or_zero(cpu, insn) + (u64)(disp), write)                                                         \
    EXEC_STORE_UPDATE(id##u, GPR(RA) + (u64)(disp), write)                                                             \
    EXEC_STORE(id##x, ea_indexed(cpu, insn), write)                                                                    \
    EXEC_STORE_UPDATE(id##ux, GPR(RA) + GPR(RB), write)

EXEC_STORES(stb, DISP_D, mem_write8(cpu, ea, (u8)GPR(RS)))
EXEC_STORES(sth, DISP_D, mem_write16(cpu, ea, (u16)GPR(RS)))
EXEC_STORES(stw, DISP_D, mem_write32(cpu, ea, (u32)GPR(RS)))
EXEC_STORES(std, DISP_DS, mem_write64(cpu, ea, GPR(RS)))

EXEC_LOAD(lhbrx, ea_indexed(cpu, insn), __builtin_bswap16(mem_read16(cpu, ea)))
EXEC_LOAD(lwbrx, ea_indexed(cpu, insn), __builtin_bswap32(mem_read32(cpu, ea)))
EXEC_LOAD(ldbrx, ea_indexed(cpu, insn), __builtin_bswap64(mem_read64(cpu, ea)))
EXEC_STORE(sthbrx, ea_indexed(cpu, insn), mem_write16(cpu, ea, __builtin_bswap16((u16)GPR(RS))))
EXEC_STORE(stwbrx, ea_indexed(cpu, insn), mem_write32(cpu, ea, __builtin_bswap32((u32)GPR(RS))))
EXEC_STORE(stdbrx, ea_indexed(cpu, insn), mem_write64(cpu, ea, __builtin_bswap64(GPR(RS))))

// Hypervisor privileged: the handler has refused them in a partition. As reference semantics, plain accesses.
EXEC_LOAD(lbzcix, ea_indexed(cpu, insn), mem_read8(cpu, ea))
EXEC_LOAD(lhzcix, ea_indexed(cpu, insn), mem_read16(cpu, ea))
EXEC_LOAD(lwzcix, ea_indexed(cpu, insn), mem_read32(cpu, ea))
EXEC_LOAD(ldcix, ea_indexed(cpu, insn), mem_read64(cpu, ea))
EXEC_STORE(stbcix, ea_indexed(cpu, insn), mem_write8(cpu, ea, (u8)GPR(RS)))
EXEC_STORE(sthcix, ea_indexed(cpu, insn), mem_write16(cpu, ea, (u16)GPR(RS)))
EXEC_STORE(stwcix, ea_indexed(cpu, insn), mem_write32(cpu, ea, (u32)GPR(RS)))
EXEC_STORE(stdcix, ea_indexed(cpu, insn), mem_write64(cpu, ea, GPR(RS)))

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
