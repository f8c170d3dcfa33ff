// SPDX-License-Identifier: Apache-2.0
// How instruction semantics are written.
//
//     EXEC(addi)
//     {
//         cpu->gpr[RT] = ra_or_zero(cpu, insn) + SI;
//     }
//
// EXEC(id) needs a row `id` in the instruction table. It defines exec_<id>(cpu, insn), the reference semantics that any engine may call
// (the facility and privilege of the row are NOT checked in it), and op_<id>, the interpreter's threaded operation, which checks them,
// runs the same code and goes on with the next instruction. The body may leave at any point through cpu_raise_*().
//
// In the body: `cpu`, `insn`, and the field names below. cpu_cia(cpu) is the instruction's effective address. Semantics of kind
// BRANCH or CTX may set cpu->nia, which holds cia + 4 at entry (to be masked with cpu->ea_mask).
#ifndef CPU_EXEC_EXEC_H
#define CPU_EXEC_EXEC_H

#include "base/bits.h"
#include "cpu/cpu.h"
#include "cpu/except.h"
#include "cpu/exec/fp_lazy.h"
#include "cpu/interp.h"
#include "cpu/mmu/access.h"
#include "isa/isa.h"

#define INSN_FIELD(first, last) ((insn >> (31 - (last))) & (~0u >> (31 - ((last) - (first)))))

// Register numbers and immediates of the instruction word.
#define RT INSN_FIELD(6, 10)
#define RS INSN_FIELD(6, 10)
#define RA INSN_FIELD(11, 15)
#define RB INSN_FIELD(16, 20)
#define RC INSN_FIELD(21, 25)
#define RC_BIT (insn & 1)
#define OE_BIT (insn & 0x400)
#define XT (INSN_FIELD(31, 31) << 5 | INSN_FIELD(6, 10))
#define XS XT
#define XTQ (INSN_FIELD(28, 28) << 5 | INSN_FIELD(6, 10))
#define XSQ XTQ
#define XA (INSN_FIELD(29, 29) << 5 | INSN_FIELD(11, 15))
#define XB (INSN_FIELD(30, 30) << 5 | INSN_FIELD(16, 20))
#define XC (INSN_FIELD(28, 28) << 5 | INSN_FIELD(21, 25))
#define BF INSN_FIELD(6, 8)
#define BFA INSN_FIELD(11, 13)
#define BT INSN_FIELD(6, 10)
#define BA INSN_FIELD(11, 15)
#define BB INSN_FIELD(16, 20)
#define SI ((s64)(s16)insn)
#define UI ((u64)(u16)insn)
#define DISP_D ((s64)(s16)insn)
#define DISP_DS ((s64)(s16)(insn & 0xfffc))
#define DISP_DQ ((s64)(s16)(insn & 0xfff0))

#define GPR(n) (cpu->gpr[n])
#define FPR(n) VSR_D(&cpu->vsr[n], 0)
#define VR(n) (&cpu->vsr[32 + (n)])
#define VSR(n) (&cpu->vsr[n])

// The base of an address or an addi: register RA, or zero for RA = 0.
static inline u64 ra_or_zero(const struct cpu *cpu, u32 insn)
{
    unsigned ra = RA;
    return ra ? cpu->gpr[ra] : 0;
}

// CR0 from a result as the record forms set it, in the current width.
static inline void set_cr0(struct cpu *cpu, u64 result)
{
    s64 v = likely(cpu->ea_mask == ~0ull) ? (s64)result : (s64)(s32)result;
    cpu->crf[0] = (u8)((v < 0) << 3 | (v > 0) << 2 | (v == 0) << 1 | cpu->so); // CR_LT, CR_GT, CR_EQ, CR_SO without branches
}

// CR1 from FPSCR, for record forms of floating-point instructions.
static inline void set_cr1(struct cpu *cpu)
{
    fpu_settle(cpu);
    cpu->crf[1] = (u8)(cpu->fpscr >> 28);
}

static inline unsigned cr_bit(const struct cpu *cpu, unsigned bit)
{
    return cpu->crf[bit >> 2] >> (3 - (bit & 3)) & 1;
}

static inline void set_cr_bit(struct cpu *cpu, unsigned bit, unsigned value)
{
    unsigned shift = 3 - (bit & 3);
    cpu->crf[bit >> 2] = (u8)((cpu->crf[bit >> 2] & ~(1u << shift)) | value << shift);
}

// What others see, or what is another thing the second time: not inside a piece that is checked (cpu/xlate/check.c).
static inline bool exec_once(enum insn_id id, unsigned kind, unsigned privilege, u32 insn)
{
    switch (id) {
    case INSN_isync:
    case INSN_rfid:
    case INSN_mfmsr:
    case INSN_mtmsr:
    case INSN_mtmsrd:
    case INSN_scv: return false;
    case INSN_sc: return insn & 0x20;
    case INSN_mtspr: return true;
    default: return kind == KIND_CTX || privilege != PRIV_U;
    }
}

#define EXEC(id)                                                                                                       \
    static inline void sem_##id(struct cpu *cpu, u32 insn);                                                            \
    void exec_##id(struct cpu *cpu, u32 insn);                                                                         \
    void op_##id(struct cpu *cpu, const struct dinsn *d, u64 word);                                                    \
    void exec_##id(struct cpu *cpu, u32 insn)                                                                          \
    {                                                                                                                  \
        if (exec_once(INSN_##id, ROW_KIND_##id, ROW_PRIV_##id, insn))                                                  \
            cpu_not_checked(cpu);                                                                                      \
        sem_##id(cpu, insn);                                                                                           \
    }                                                                                                                  \
    void op_##id(struct cpu *cpu, const struct dinsn *d, u64 word)                                                     \
    {                                                                                                                  \
        u32 insn = (u32)(word >> 32);                                                                                  \
        if (exec_once(INSN_##id, ROW_KIND_##id, ROW_PRIV_##id, insn) && unlikely(cpu->checked == CHECKED_TRANSLATED))  \
            INTERP_JUMP interp_unchecked(cpu, d, word);                                                                \
        cpu->d = d;                                                                                                    \
        interp_require(cpu, insn, ROW_FAC_##id, ROW_PRIV_##id);                                                         \
        if ((int)ROW_KIND_##id == KIND_BRANCH || (int)ROW_KIND_##id == KIND_CTX)                                       \
            cpu->nia = interp_cia(cpu, d) + 4;                                                                         \
        sem_##id(cpu, insn);                                                                                           \
        INTERP_TAIL((int)ROW_KIND_##id);                                                                               \
    }                                                                                                                  \
    static inline void sem_##id(struct cpu *cpu, u32 insn)

// The same for semantics that cannot leave by cpu_raise_*() and do not ask for cpu_cia(): the handler need not note where it is.
#define EXEC_PURE(id)                                                                                                  \
    static inline void sem_##id(struct cpu *cpu, u32 insn);                                                            \
    void exec_##id(struct cpu *cpu, u32 insn);                                                                         \
    void op_##id(struct cpu *cpu, const struct dinsn *d, u64 word);                                                    \
    void exec_##id(struct cpu *cpu, u32 insn)                                                                          \
    {                                                                                                                  \
        sem_##id(cpu, insn);                                                                                           \
    }                                                                                                                  \
    void op_##id(struct cpu *cpu, const struct dinsn *d, u64 word)                                                     \
    {                                                                                                                  \
        static_assert((int)ROW_KIND_##id == KIND_PLAIN && !ROW_FAC_##id && !ROW_PRIV_##id, "can raise");               \
        sem_##id(cpu, (u32)(word >> 32));                                                                              \
        INTERP_NEXT();                                                                                                 \
    }                                                                                                                  \
    static inline void sem_##id(struct cpu *cpu, u32 insn)

#endif
