// SPDX-License-Identifier: Apache-2.0
#include "cpu/exec/fp_lazy.h"

#include "cpu/exec/fp_int.h"

#ifdef __SSE2__
#include <xmmintrin.h>

// MXCSR: all exceptions masked; the sticky flags; the rounding mode.
#define MXCSR_DEFAULT 0x1f80u
enum { MXCSR_ZE = 4, MXCSR_OE = 8, MXCSR_UE = 16, MXCSR_PE = 32, MXCSR_ROUND_SHIFT = 13 };

static bool host_take(u32 rn)
{
    static const u8 modes[] = {[FP_NEAREST] = 0, [FP_TRUNCATE] = 3, [FP_UP] = 2, [FP_DOWN] = 1};
    _mm_setcsr(MXCSR_DEFAULT | (u32)modes[rn] << MXCSR_ROUND_SHIFT);
    return true;
}

// The exceptions since, as FPSCR bits; the unit is C's again.
static u32 host_give_back(void)
{
    u32 csr = _mm_getcsr();
    _mm_setcsr(MXCSR_DEFAULT);
    return (csr & MXCSR_ZE ? FPSCR_ZX : 0) | (csr & MXCSR_OE ? FPSCR_OX : 0) | (csr & MXCSR_UE ? FPSCR_UX : 0) |
           (csr & MXCSR_PE ? FPSCR_XX : 0);
}
#else
static bool host_take(u32 rn)
{
    return false;
}

static u32 host_give_back(void)
{
    return 0;
}
#endif

static u32 no_fprf(u64 v)
{
    return 0;
}

// Values in single format, in the low word.
static u64 widen(u64 v)
{
    return fp_load_single((u32)v);
}

static u64 narrow(u64 v)
{
    return fp_store_single(v);
}

static u32 fprf_single(u64 v)
{
    return fpu_fprf64s(widen(v));
}

static u64 round_quiet(struct fp_env *env, u64 a, enum fp_round round)
{
    u32 before = env->flags;
    u64 r = fp64_round_integral(env, a, round);
    env->flags = before | (env->flags & FPSCR_VXSNAN);
    return r;
}

static u32 round_quiet32(struct fp_env *env, u32 a, enum fp_round round)
{
    u32 before = env->flags;
    u32 r = fp32_round_integral(env, a, round);
    env->flags = before | (env->flags & FPSCR_VXSNAN);
    return r;
}

// No exception is enabled: a signaling NaN in an ordered comparison is both.
static unsigned unordered(struct fp_env *env, bool snan, bool ordered)
{
    env->flags |= (snan ? FPSCR_VXSNAN : 0) | (ordered ? FPSCR_VXVC : 0);
    return FP_UNORDERED;
}

static unsigned compare(struct fp_env *env, u64 a, u64 b, bool ordered)
{
    unsigned order = fp64_compare(a, b);
    return order == FP_UNORDERED ? unordered(env, fp64_is_snan(a) || fp64_is_snan(b), ordered) : order;
}

static unsigned compare32(struct fp_env *env, u32 a, u32 b, bool ordered)
{
    unsigned order = fp32_compare(a, b);
    return order == FP_UNORDERED ? unordered(env, fp32_is_snan(a) || fp32_is_snan(b), ordered) : order;
}

static u64 all_ones64(unsigned is_true)
{
    return is_true ? ~0ull : 0;
}

static u32 all_ones32(unsigned is_true)
{
    return is_true ? ~0u : 0;
}

static u64 both_words(u32 v)
{
    return (u64)v << 32 | v;
}

static u64 compute_scalar(struct fp_env *env, enum fp_kind kind, u64 a, u64 b, u64 c, u32 *fprf)
{
    u64 r;
    switch (kind) {
#define FP_SCALAR(name, operands, result, class) \
    case FPK_##name:                             \
        r = result;                              \
        *fprf = class(r);                        \
        return r;
#define FP_QUIET(name, operands, result) \
    case FPK_##name:                     \
        return result;
#define FP_DOUBLES(...)
#define FP_SINGLES(...)
#include "cpu/exec/fp_kinds.def"
#undef FP_SCALAR
#undef FP_QUIET
#undef FP_DOUBLES
#undef FP_SINGLES
    default: return 0;
    }
}

static void compute_vector(struct fp_env *env, enum fp_kind kind, const union vsr *args, union vsr *out)
{
    switch (kind) {
#define FP_SCALAR(...)
#define FP_QUIET(...)
#define FP_VECTOR(name, type, lanes, lane, result)                              \
    case FPK_##name:                                                            \
        for (unsigned i = 0; i < lanes; i++) {                                  \
            type a = args[0].lane[i], b = args[1].lane[i], c = args[2].lane[i]; \
            (void)a, (void)b, (void)c;                                          \
            out->lane[i] = result;                                              \
        }                                                                       \
        return;
#define FP_DOUBLES(name, operands, result) FP_VECTOR(name, u64, 2, d, result)
#define FP_SINGLES(name, operands, result) FP_VECTOR(name, u32, 4, w, result)
#include "cpu/exec/fp_kinds.def"
#undef FP_SCALAR
#undef FP_QUIET
#undef FP_DOUBLES
#undef FP_SINGLES
    default: out->q = 0;
    }
}

#define KIND_QUIET    0x10
#define KIND_VECTOR   0x20
#define KIND_OPERANDS 0x0f
static const struct {
    u8 flags;
    const char *name;
} kinds[FPK_COUNT] = {
#define FP_SCALAR(name_, operands, ...)  [FPK_##name_] = {(operands), #name_},
#define FP_QUIET(name_, operands, ...)   [FPK_##name_] = {(operands) | KIND_QUIET, #name_},
#define FP_DOUBLES(name_, operands, ...) [FPK_##name_] = {(operands) | KIND_QUIET | KIND_VECTOR, #name_},
#define FP_SINGLES(name_, operands, ...) [FPK_##name_] = {(operands) | KIND_QUIET | KIND_VECTOR, #name_},
#include "cpu/exec/fp_kinds.def"
#undef FP_SCALAR
#undef FP_QUIET
#undef FP_DOUBLES
#undef FP_SINGLES
};

bool fp_kind_classifies(enum fp_kind kind)
{
    return !(kinds[kind].flags & KIND_QUIET);
}

unsigned fp_kind_operands(enum fp_kind kind)
{
    return kinds[kind].flags & KIND_OPERANDS;
}

const char *fp_kind_name(enum fp_kind kind)
{
    return kind < FPK_COUNT && kinds[kind].name ? kinds[kind].name : "?";
}

bool fp_lazy_enter(struct cpu *cpu)
{
    if (cpu->fp_live)
        return true;
    if (cpu->fpscr & FPSCR_ENABLES || !host_take(cpu->fpscr & FPSCR_RN))
        return false;
    cpu->fp_last = 0;
    cpu->fp_live = 1;
    return true;
}

void fp_lazy_classify(struct cpu *cpu)
{
    u32 exceptions = 0, fpscr = cpu->fpscr;
    u64 last = cpu->fp_last;
    cpu->fp_last = 0;
    if ((u32)last) {
        struct fp_env env = {.round = fpscr & FPSCR_RN};
        u32 fprf = 0;
        compute_scalar(&env, (enum fp_kind)(u32)last, cpu->fp_operand[0], cpu->fp_operand[1], cpu->fp_operand[2],
                       &fprf);
        fpscr = (fpscr & ~(FPSCR_FR | FPSCR_FI | FPSCR_FPRF)) | fprf | (env.flags & (FPSCR_FR | FPSCR_FI));
        exceptions = env.flags;
    }
    if (last & FP_LAST_COMPARED)
        fpscr = (fpscr & ~FPSCR_FPCC) | (u32)fp64_compare(cpu->fp_compared[0], cpu->fp_compared[1]) << 12;
    cpu->fpscr = fpscr_add(fpscr, exceptions);
}

void fp_lazy_settle(struct cpu *cpu)
{
    u32 exceptions = host_give_back();
    cpu->fp_live = 0;
    cpu->fpscr = fpscr_add(cpu->fpscr, exceptions);
    fp_lazy_classify(cpu);
}

void fp_lazy_compute(struct cpu *cpu, enum fp_kind kind)
{
    u32 live = cpu->fp_live, exceptions = live ? host_give_back() : 0;
    struct fp_env env = {.round = cpu->fpscr & FPSCR_RN};
    u32 fprf;
    union vsr r = {.q = 0};
    if (kinds[kind].flags & KIND_VECTOR)
        compute_vector(&env, kind, cpu->fp_arg, &r);
    else
        r.d[1] = compute_scalar(&env, kind, cpu->fp_arg[0].d[1], cpu->fp_arg[1].d[1], cpu->fp_arg[2].d[1], &fprf);
    cpu->fp_arg[3] = r;
    cpu->fpscr = fpscr_add(cpu->fpscr, exceptions | env.flags);
    if (live)
        host_take(cpu->fpscr & FPSCR_RN);
}
