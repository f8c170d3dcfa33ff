// SPDX-License-Identifier: Apache-2.0
// What decimal semantics share: operands in FPRs and pairs of them, and the end of an instruction.
#ifndef CPU_EXEC_DFP_INT_H
#define CPU_EXEC_DFP_INT_H

#include "cpu/exec/fp_int.h"
#include "cpu/fp/dec.h"

// DFP Extended operands are an even-odd pair of FPRs, the first more significant. ISA I "DFP Register Handling"
static inline u128 dfp_bits(struct cpu *cpu, const struct dec_format *f, unsigned n)
{
    if (f == &dec128)
        return (u128)FPR(n & 30) << 64 | FPR(n | 1);
    return FPR(n);
}

static inline void dfp_set_bits(struct cpu *cpu, const struct dec_format *f, unsigned n, u128 bits)
{
    if (f == &dec128) {
        fpr_set(cpu, n & 30, (u64)(bits >> 64));
        fpr_set(cpu, n | 1, (u64)bits);
    } else {
        fpr_set(cpu, n, (u64)bits);
    }
}

static inline struct dec dfp_get(struct cpu *cpu, const struct dec_format *f, unsigned n)
{
    return dec_unpack(f, dfp_bits(cpu, f, n));
}

static inline struct fp_env dfp_begin(struct cpu *cpu)
{
    fpu_settle(cpu);
    return (struct fp_env){.round = cpu->fpscr_hi & 7, .traps = cpu->fpscr & (FPSCR_OE | FPSCR_UE)};
}

// FPSCR with the class of the result, then the target, CR1 and the interrupt of an enabled exception.
static inline void dfp_finish(struct cpu *cpu, u32 insn, const struct fp_env *env, const struct dec_format *f,
                              struct dec r)
{
    if (likely(fpu_commit(cpu, env, dec_fprf(f, r))))
        dfp_set_bits(cpu, f, RT, dec_pack(f, r));
    if (RC_BIT)
        set_cr1(cpu);
    fpu_trap(cpu, env);
}

// RMC: rounding modes that instructions choose themselves. ISA I "DFP Quantum Adjustment Instructions"
static inline void dfp_choose_rounding(struct fp_env *env, unsigned r, unsigned rmc)
{
    static const u8 modes[2][4] = {
        {DEC_NEAREST, DEC_TRUNCATE, DEC_NEAREST_AWAY, 0},
        {DEC_UP, DEC_DOWN, DEC_AWAY, DEC_NEAREST_ZERO},
    };
    if (r || rmc != 3) // r = 0, RMC = 3: FPSCR[DRN]
        env->round = modes[r][rmc];
}

#define DFP_RMC INSN_FIELD(21, 22)

#endif
