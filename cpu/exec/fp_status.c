// SPDX-License-Identifier: Apache-2.0
// ISA I "Floating-Point Status and Control Register Instructions".
#include "cpu/exec/fp_int.h"

// Reserved bits of FPSCR read as zero: in bits 32:63 only bit 52, of bits 0:31 all but DRN.
#define FPSCR_WRITABLE      (~(PPC_BIT32(20) | FPSCR_FEX | FPSCR_VX))
#define FPSCR_HIGH_WRITABLE 7u
#define FPSCR_CONTROL       0xffu                              // bits 56:63: enables, NI, RN
#define FPSCR_STATUS        (FPSCR_FR | FPSCR_FI | FPSCR_FPRF) // what mffsl adds to the control bits

static u64 fpscr_read(struct cpu *cpu)
{
    fpu_settle(cpu);
    return (u64)cpu->fpscr_hi << 32 | cpu->fpscr;
}

// Writes bits 32:63 under a mask. An exception that becomes or stays enabled and set interrupts as if an operation had caused it.
static void fpscr_write(struct cpu *cpu, u32 insn, u32 value, u32 mask, bool record)
{
    fpu_settle(cpu);
    mask &= FPSCR_WRITABLE;
    cpu->fpscr = fpscr_summarise((cpu->fpscr & ~mask) | (value & mask));
    if (record)
        set_cr1(cpu);
    if (unlikely(cpu->fpscr & FPSCR_FEX) && cpu->msr & (MSR_FE0 | MSR_FE1))
        cpu_raise_program(cpu, SRR1_PROG_FP);
}

static void fpscr_write_high(struct cpu *cpu, u32 value, u32 mask)
{
    mask &= FPSCR_HIGH_WRITABLE;
    cpu->fpscr_hi = (cpu->fpscr_hi & ~mask) | (value & mask);
}

EXEC(mffs)
{
    fpr_set(cpu, RT, fpscr_read(cpu));
    if (RC_BIT)
        set_cr1(cpu);
}

EXEC(mffsce)
{
    fpr_set(cpu, RT, fpscr_read(cpu));
    cpu->fpscr = fpscr_summarise(cpu->fpscr & ~FPSCR_ENABLES);
}

EXEC(mffsl)
{
    fpr_set(cpu, RT, fpscr_read(cpu) & ((u64)FPSCR_HIGH_WRITABLE << 32 | FPSCR_STATUS | FPSCR_CONTROL));
}

// The control bits to FRT, then a new rounding mode.
static void set_rounding(struct cpu *cpu, u32 insn, u32 rn)
{
    fpr_set(cpu, RT, fpscr_read(cpu) & ((u64)FPSCR_HIGH_WRITABLE << 32 | FPSCR_CONTROL));
    cpu->fpscr = (cpu->fpscr & ~FPSCR_RN) | (rn & FPSCR_RN);
}

static void set_decimal_rounding(struct cpu *cpu, u32 insn, u32 drn)
{
    fpr_set(cpu, RT, fpscr_read(cpu) & ((u64)FPSCR_HIGH_WRITABLE << 32 | FPSCR_CONTROL));
    cpu->fpscr_hi = drn & 7;
}

EXEC(mffscrn)
{
    set_rounding(cpu, insn, (u32)FPR(RB));
}

EXEC(mffscrni)
{
    set_rounding(cpu, insn, INSN_FIELD(19, 20));
}

EXEC(mffscdrn)
{
    set_decimal_rounding(cpu, insn, (u32)(FPR(RB) >> 32));
}

EXEC(mffscdrni)
{
    set_decimal_rounding(cpu, insn, INSN_FIELD(18, 20));
}

// The exception bits that were copied are reset; the summaries follow.
EXEC(mcrfs)
{
    unsigned shift = 28 - 4 * BFA;
    fpu_settle(cpu);
    cpu->crf[BF] = cpu->fpscr >> shift & 15;
    cpu->fpscr = fpscr_summarise(cpu->fpscr & ~(15u << shift & (FPSCR_FX | FPSCR_EXCEPTIONS)));
}

EXEC(mtfsfi)
{
    u32 value = INSN_FIELD(16, 19) << 28 >> 4 * BF, mask = 15u << 28 >> 4 * BF;
    if (INSN_FIELD(15, 15)) {
        fpscr_write_high(cpu, value, mask);
        mask = 0;
    }
    fpscr_write(cpu, insn, value, mask, RC_BIT);
}

EXEC(mtfsf)
{
    u64 v = FPR(RB);
    u32 mask = 0;
    for (unsigned i = 0; i < 8; i++) {
        if (insn & 1u << (17 + i))
            mask |= 15u << 4 * i;
    }
    bool all = INSN_FIELD(6, 6), high = INSN_FIELD(15, 15);
    if (all) {
        fpscr_write_high(cpu, (u32)(v >> 32), ~0u);
        mask = ~0u;
    } else if (high) {
        fpscr_write_high(cpu, (u32)(v >> 32), mask);
        mask = 0;
    }
    fpscr_write(cpu, insn, (u32)v, mask, RC_BIT);
}

EXEC(mtfsb0)
{
    fpscr_write(cpu, insn, 0, PPC_BIT32(BT), RC_BIT);
}

// Like an operation that causes the exception: FX follows.
EXEC(mtfsb1)
{
    u32 bit = PPC_BIT32(BT);
    fpu_settle(cpu);
    if (bit & FPSCR_EXCEPTIONS & ~cpu->fpscr)
        cpu->fpscr |= FPSCR_FX;
    fpscr_write(cpu, insn, bit, bit, RC_BIT);
}
