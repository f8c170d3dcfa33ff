// SPDX-License-Identifier: Apache-2.0
// What floating-point semantics share: from FPSCR to an environment of cpu/fp, and back from its flags to FPSCR, CR1 and the program
// interrupt. ISA I "Floating-Point Exceptions".
//
// An instruction computes with fpu_begin()'s environment, then
//   1. fpu_commit() updates FPSCR and says whether the target may be written (an enabled invalid operation or zero divide leaves it);
//   2. the target and CR1 are written;
//   3. fpu_trap() raises the interrupt of what the instruction itself caused, when MSR[FE0] or MSR[FE1] asks for it.
#ifndef CPU_EXEC_FP_INT_H
#define CPU_EXEC_FP_INT_H

#include "cpu/exec/exec.h"
#include "cpu/fp/fp.h"

#define FPSCR_EXCEPTIONS   (FPSCR_OX | FPSCR_UX | FPSCR_ZX | FPSCR_XX | FPSCR_VX_ALL)
#define FPSCR_ENABLES      (FPSCR_VE | FPSCR_OE | FPSCR_UE | FPSCR_ZE | FPSCR_XE)
#define FPSCR_ENABLE_SHIFT 22 // VX OX UX ZX XX stand this far above VE OE UE ZE XE

static inline struct fp_env fpu_begin(struct cpu *cpu)
{
    fpu_settle(cpu);
    return (struct fp_env){.round = cpu->fpscr & FPSCR_RN, .traps = cpu->fpscr & (FPSCR_OE | FPSCR_UE)};
}

// The summary bits VX and FEX from the others.
static inline u32 fpscr_summarise(u32 fpscr)
{
    fpscr &= ~(FPSCR_FEX | FPSCR_VX);
    if (fpscr & FPSCR_VX_ALL)
        fpscr |= FPSCR_VX;
    if (fpscr >> FPSCR_ENABLE_SHIFT & fpscr & FPSCR_ENABLES)
        fpscr |= FPSCR_FEX;
    return fpscr;
}

// Adds exceptions, and FX when one of them is new.
static inline u32 fpscr_add(u32 fpscr, u32 exceptions)
{
    exceptions &= FPSCR_EXCEPTIONS;
    if (exceptions & ~fpscr)
        fpscr |= FPSCR_FX;
    return fpscr_summarise(fpscr | exceptions);
}

// The enable bits of those of these exceptions that are enabled.
static inline u32 fpu_enabled(const struct cpu *cpu, u32 flags)
{
    if (flags & FPSCR_VX_ALL)
        flags |= FPSCR_VX;
    return flags >> FPSCR_ENABLE_SHIFT & cpu->fpscr & FPSCR_ENABLES;
}

// Scalars: FR, FI, the exceptions and, unless the target stays, FPRF.
static inline bool fpu_commit(struct cpu *cpu, const struct fp_env *env, u32 fprf)
{
    u32 fpscr = cpu->fpscr & ~(FPSCR_FR | FPSCR_FI);
    if (unlikely(env->flags)) {
        fpscr = fpscr_add(fpscr, env->flags) | (env->flags & (FPSCR_FR | FPSCR_FI));
        if (unlikely(fpu_enabled(cpu, env->flags & (FPSCR_VX_ALL | FPSCR_ZX)))) {
            cpu->fpscr = fpscr & ~(FPSCR_FR | FPSCR_FI);
            return false;
        }
    }
    cpu->fpscr = (fpscr & ~FPSCR_FPRF) | fprf;
    return true;
}

// Vectors, compares and what else leaves FR, FI and FPRF alone. False when any enabled exception happened.
static inline bool fpu_commit_flags(struct cpu *cpu, const struct fp_env *env)
{
    fpu_settle(cpu);
    if (likely(!env->flags))
        return true;
    cpu->fpscr = fpscr_add(cpu->fpscr, env->flags);
    return !fpu_enabled(cpu, env->flags);
}

static inline void fpu_trap(struct cpu *cpu, const struct fp_env *env)
{
    if (unlikely(env->flags) && unlikely(fpu_enabled(cpu, env->flags)) && cpu->msr & (MSR_FE0 | MSR_FE1))
        cpu_raise_program(cpu, SRR1_PROG_FP);
}

static inline u32 fpu_fprf_kept(const struct cpu *cpu)
{
    return cpu->fpscr & FPSCR_FPRF;
}

static inline u32 fpu_fprf64(u64 v)
{
    if (likely((v >> 52 & 0x7ff) - 1 < 0x7fe))
        return v >> 63 ? FPSCR_FL : FPSCR_FG;
    return fp64_fprf(v);
}

// Of a single-precision result in double format: the class is the one in single format.
static inline u32 fpu_fprf64s(u64 v)
{
    u32 fprf = fpu_fprf64(v);
    unsigned exp = v >> 52 & 0x7ff;
    return exp && exp < 897 ? fprf | FPSCR_C : fprf;
}

// Doubleword 1 of a vector-scalar register becomes zero when a scalar is written (ISA 3.0; before it was undefined).
static inline void vsr_set_scalar(union vsr *v, u64 value)
{
    VSR_D(v, 0) = value;
    VSR_D(v, 1) = 0;
}

static inline void fpr_set(struct cpu *cpu, unsigned n, u64 value)
{
    vsr_set_scalar(&cpu->vsr[n], value);
}

// The end of an instruction with an FPR or scalar VSR as target.
static inline void fpr_finish(struct cpu *cpu, u32 insn, const struct fp_env *env, u64 result, u32 fprf)
{
    if (likely(fpu_commit(cpu, env, fprf)))
        fpr_set(cpu, RT, result);
    if (RC_BIT)
        set_cr1(cpu);
    fpu_trap(cpu, env);
}

static inline void xt_finish(struct cpu *cpu, u32 insn, const struct fp_env *env, u64 result, u32 fprf)
{
    if (likely(fpu_commit(cpu, env, fprf)))
        vsr_set_scalar(VSR(XT), result);
    fpu_trap(cpu, env);
}

static inline void xt_finish_vector(struct cpu *cpu, u32 insn, const struct fp_env *env, union vsr result)
{
    if (likely(fpu_commit_flags(cpu, env)))
        *VSR(XT) = result;
    fpu_trap(cpu, env);
}

// ISA I "Floating-Point Compare Instructions", which VSX's follow: exceptions of comparing operands of which some are NaNs. An ordered
// comparison with a signaling NaN is also an invalid compare unless that exception is enabled.
static inline u32 fpu_compare_flags(const struct cpu *cpu, bool snan, bool nan, bool ordered)
{
    u32 flags = snan ? FPSCR_VXSNAN : 0;
    if (ordered && nan && (!snan || !(cpu->fpscr & FPSCR_VE)))
        flags |= FPSCR_VXVC;
    return flags;
}

// CR field and FPCC of a comparison.
static inline void fpu_compare_finish(struct cpu *cpu, unsigned field, unsigned order, u32 flags)
{
    struct fp_env env = {.flags = flags};
    fpu_commit_flags(cpu, &env);
    cpu->fpscr = (cpu->fpscr & ~FPSCR_FPCC) | order << 12;
    cpu->crf[field] = (u8)order;
    fpu_trap(cpu, &env);
}

// Tests for software division and square root (fp_arith.c): the CR field.
unsigned fpu_test_divide64(u64 a, u64 b);
unsigned fpu_test_sqrt64(u64 b);
unsigned fpu_test_divide32(u32 a, u32 b);
unsigned fpu_test_sqrt32(u32 b);

// IEEE 754-2008 maximum (wanted = FP_GREATER) and minimum (FP_LESS), vsx_fp_scalar.c.
u64 fpu_minmax64(struct fp_env *env, u64 a, u64 b, unsigned wanted);
u32 fpu_minmax32(struct fp_env *env, u32 a, u32 b, unsigned wanted);
// The same as C's a > b ? a : b.
u64 fpu_minmax64_c(struct fp_env *env, u64 a, u64 b, unsigned wanted);

#endif
