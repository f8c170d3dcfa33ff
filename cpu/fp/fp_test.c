// SPDX-License-Identifier: Apache-2.0
// Software floating point against the host's unit (single, double) and the compiler's quads, in all rounding modes, with flags; and
// against Power's own rules for NaNs, traps and conversions.
#include "base/test.h"
#include "cpu/fp/fp.h"
#include "cpu/fp/fp_num.h"

#define RANDOM_CASES 200000

static u64 seed = 88172645463325252ull;

static u64 rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * 0x2545f4914f6cdd1dull;
}

// Operands: special values, their neighbours, random numbers with close exponents, short significands, anything.
static u64 operand(int exp_bits, int frac_bits)
{
    u64 exp_max = (1ull << exp_bits) - 1, frac_mask = (1ull << frac_bits) - 1;
    u64 r = rnd(), exp, frac = rnd() & frac_mask;
    switch (r & 7) {
    case 0: exp = 0; break;
    case 1: exp = exp_max - (r >> 8 & 1); break;
    case 2: exp = 1 + (r >> 8 & 63) % exp_max; break;
    case 3: exp = rnd() & exp_max; break;
    default: exp = exp_max / 2 - 16 + (r >> 8 & 31); break;
    }
    switch (r >> 4 & 7) {
    case 0: frac = 0; break;
    case 1: frac = frac_mask; break;
    case 2: frac = 1ull << (r >> 16) % (unsigned)frac_bits; break;
    case 3: frac = frac >> frac_bits / 2 << frac_bits / 2; break;
    case 4: frac &= 3; break;
    }
    return r >> 63 << (exp_bits + frac_bits) | exp << frac_bits | frac;
}

static u64 operand64(void)
{
    return operand(11, 52);
}

static u32 operand32(void)
{
    return (u32)operand(8, 23);
}

static int report(const char *what, u32 round, u64 a, u64 b, u64 c, u64 got, u64 want, u32 flags, u32 want_flags)
{
    static int shown;
    test_case_failed = 1;
    if (shown++ < 20)
        printf("# %s mode %u: %016llx %016llx %016llx gives %016llx %08x, not %016llx %08x\n", what, round,
               (unsigned long long)a, (unsigned long long)b, (unsigned long long)c, (unsigned long long)got, flags,
               (unsigned long long)want, want_flags);
    return 0;
}

#ifdef __x86_64__
#include <immintrin.h>

#define MXCSR_MASKS 0x1f80u
static const u32 mxcsr_round[] = {0x0000, 0x6000, 0x4000, 0x2000};

// The host's flags as FPSCR bits; every invalid operation as VXSOFT.
static u32 host_flags(u32 mxcsr)
{
    return (mxcsr & 1 ? FPSCR_VXSOFT : 0) | (mxcsr & 4 ? FPSCR_ZX : 0) | (mxcsr & 8 ? FPSCR_OX : 0) |
           (mxcsr & 16 ? FPSCR_UX : 0) | (mxcsr & 32 ? FPSCR_XX : 0);
}

enum op { ADD, SUB, MUL, DIV, SQRT, MADD, OPS };
static const char *const op_names[] = {"add", "sub", "mul", "div", "sqrt", "madd"};

__attribute__((target("fma"), noinline)) static double fma64(double a, double c, double b)
{
    return _mm_cvtsd_f64(_mm_fmadd_sd(_mm_set_sd(a), _mm_set_sd(c), _mm_set_sd(b)));
}

__attribute__((target("fma"), noinline)) static float fma32(float a, float c, float b)
{
    return _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(c), _mm_set_ss(b)));
}

#define HOST(name, type, bits, sqrt_fn, fma_fn)                                 \
    static bits name(enum op op, u32 round, bits a, bits b, bits c, u32 *flags) \
    {                                                                           \
        volatile type x, y, z, r = 0;                                           \
        memcpy((void *)&x, &a, sizeof(a));                                      \
        memcpy((void *)&y, &b, sizeof(a));                                      \
        memcpy((void *)&z, &c, sizeof(a));                                      \
        u32 saved = _mm_getcsr();                                               \
        _mm_setcsr(MXCSR_MASKS | mxcsr_round[round]);                           \
        switch (op) {                                                           \
        case ADD: r = x + y; break;                                             \
        case SUB: r = x - y; break;                                             \
        case MUL: r = x * y; break;                                             \
        case DIV: r = x / y; break;                                             \
        case SQRT: r = sqrt_fn(x); break;                                       \
        default: r = fma_fn(x, y, z); break;                                    \
        }                                                                       \
        *flags = host_flags(_mm_getcsr());                                      \
        _mm_setcsr(saved);                                                      \
        bits v;                                                                 \
        memcpy(&v, (void *)&r, sizeof(v));                                      \
        return v;                                                               \
    }

__attribute__((noinline)) static double sqrt64(double a)
{
    return _mm_cvtsd_f64(_mm_sqrt_sd(_mm_set_sd(a), _mm_set_sd(a)));
}

__attribute__((noinline)) static float sqrt32(float a)
{
    return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(a)));
}

HOST(host64, double, u64, sqrt64, fma64)
HOST(host32, float, u32, sqrt32, fma32)

// Ours, also without the short cut through the host.
static u64 soft64(enum op op, struct fp_env *env, u64 a, u64 b, u64 c)
{
    struct fp_num x = fp_num_unpack(a, &fp_double), y = fp_num_unpack(b, &fp_double), z = fp_num_unpack(c, &fp_double),
                  r;
    switch (op) {
    case ADD: r = fp_num_add(env, x, y); break;
    case SUB:
        y.sign ^= !fp_num_is_nan(y);
        r = fp_num_add(env, x, y);
        break;
    case MUL: r = fp_num_mul(env, x, y); break;
    case DIV: r = fp_num_div(env, x, y, &fp_double); break;
    case SQRT: r = fp_num_sqrt(env, x, &fp_double); break;
    default: r = fp_num_muladd(env, x, y, z); break;
    }
    return (u64)fp_num_pack(fp_num_round(env, r, &fp_double), &fp_double);
}

#define OURS(name, fp, bits)                                                 \
    static bits name(enum op op, struct fp_env *env, bits a, bits b, bits c) \
    {                                                                        \
        switch (op) {                                                        \
        case ADD: return fp##_add(env, a, b);                                \
        case SUB: return fp##_sub(env, a, b);                                \
        case MUL: return fp##_mul(env, a, b);                                \
        case DIV: return fp##_div(env, a, b);                                \
        case SQRT: return fp##_sqrt(env, a);                                 \
        default: return fp##_muladd(env, a, b, c, 0);                        \
        }                                                                    \
    }
OURS(ours64, fp64, u64)
OURS(ours32, fp32, u32)
OURS(ours64s, fp64s, u64)

// Our flags in the host's terms. FR is checked by the caller, FI goes with XX.
static u32 comparable(u32 flags)
{
    u32 f = flags & (FPSCR_OX | FPSCR_UX | FPSCR_ZX | FPSCR_XX);
    if (flags & FPSCR_VX_ALL)
        f |= FPSCR_VXSOFT;
    return f;
}

static void check64(const char *what, enum op op, u32 round, u64 a, u64 b, u64 c, u64 got, u32 flags)
{
    u32 want_flags, cut_flags;
    u64 want = host64(op, round, a, b, c, &want_flags), cut = host64(op, FP_TRUNCATE, a, b, c, &cut_flags);
    bool nan = fp64_is_nan(want);
    u32 mine = comparable(flags);
    // Infinity times zero plus a NaN is no invalid operation for the host.
    if (op == MADD && fp64_is_nan(c))
        mine &= ~FPSCR_VXSOFT, want_flags &= ~FPSCR_VXSOFT;
    // The host looks for tininess after rounding: it says nothing when that reached the smallest normal number.
    if ((want & ~PPC_BIT(0)) == 1ull << 52)
        mine &= ~FPSCR_UX, want_flags &= ~FPSCR_UX;
    bool incremented = !nan && want_flags & FPSCR_XX && (want & ~PPC_BIT(0)) > (cut & ~PPC_BIT(0));
    if ((nan ? !fp64_is_nan(got) : got != want) || mine != want_flags || !(flags & FPSCR_FI) != !(flags & FPSCR_XX) ||
        !(flags & FPSCR_FR) != !incremented)
        report(what, round, a, b, c, got, want, flags, want_flags);
}

static void check32(const char *what, enum op op, u32 round, u32 a, u32 b, u32 c, u32 got, u32 flags)
{
    u32 want_flags, cut_flags;
    u32 want = host32(op, round, a, b, c, &want_flags), cut = host32(op, FP_TRUNCATE, a, b, c, &cut_flags);
    bool nan = fp32_is_nan(want);
    u32 mine = comparable(flags);
    if (op == MADD && fp32_is_nan(c))
        mine &= ~FPSCR_VXSOFT, want_flags &= ~FPSCR_VXSOFT;
    if ((want & 0x7fffffff) == 1u << 23)
        mine &= ~FPSCR_UX, want_flags &= ~FPSCR_UX;
    bool incremented = !nan && want_flags & FPSCR_XX && (want & 0x7fffffff) > (cut & 0x7fffffff);
    if ((nan ? !fp32_is_nan(got) : got != want) || mine != want_flags || !(flags & FPSCR_FI) != !(flags & FPSCR_XX) ||
        !(flags & FPSCR_FR) != !incremented)
        report(what, round, a, b, c, got, want, flags, want_flags);
}

static void test_against_host(enum op op)
{
    if (op == MADD && !__builtin_cpu_supports("fma"))
        return;
    for (int i = 0; i < RANDOM_CASES; i++) {
        u32 round = (u32)i & 3;
        u64 a = operand64(), b = operand64(), c = operand64();
        if (op == MADD && i & 4) { // cancellation
            u32 ignored;
            c = (host64(MUL, FP_NEAREST, a, b, 0, &ignored) ^ PPC_BIT(0)) + (rnd() & 3) - 1;
        }
        struct fp_env env = {.round = round}, soft = {.round = round};
        u64 r = ours64(op, &env, a, b, c);
        check64(op_names[op], op, round, a, b, c, r, env.flags);
        r = soft64(op, &soft, a, b, c);
        check64("soft", op, round, a, b, c, r, soft.flags);

        u32 sa = operand32(), sb = operand32(), sc = operand32();
        if (op == MADD && i & 4) {
            u32 ignored;
            sc = (host32(MUL, FP_NEAREST, sa, sb, 0, &ignored) ^ PPC_BIT32(0)) + (u32)(rnd() & 3) - 1;
        }
        env = (struct fp_env){.round = round};
        u32 sr = ours32(op, &env, sa, sb, sc);
        check32(op_names[op], op, round, sa, sb, sc, sr, env.flags);

        // The same in double format.
        env = (struct fp_env){.round = round};
        r = ours64s(op, &env, fp_load_single(sa), fp_load_single(sb), fp_load_single(sc));
        check32("single", op, round, sa, sb, sc, fp_store_single(r), env.flags);
        if (fp_load_single(fp_store_single(r)) != r)
            report("single format", round, sa, sb, sc, r, fp_load_single(fp_store_single(r)), env.flags, 0);
    }
}

static void test_add(void)
{
    test_against_host(ADD);
}
static void test_sub(void)
{
    test_against_host(SUB);
}
static void test_mul(void)
{
    test_against_host(MUL);
}
static void test_div(void)
{
    test_against_host(DIV);
}
static void test_sqrt(void)
{
    test_against_host(SQRT);
}
static void test_madd(void)
{
    test_against_host(MADD);
}

// The compiler's quads honour MXCSR; no square root or multiply-add.
static u128 quad_bits(__float128 v)
{
    u128 bits;
    memcpy(&bits, &v, sizeof(bits));
    return bits;
}

static __float128 quad_value(u128 v)
{
    __float128 q;
    memcpy(&q, &v, sizeof(q));
    return q;
}

static u128 operand128(void)
{
    u64 high = operand(15, 48), r = rnd(), low = rnd();
    switch (r & 3) {
    case 0: low = 0; break;
    case 1: low = ~0ull << (r >> 8 & 63); break;
    }
    return (u128)high << 64 | low;
}

static u128 host128(enum op op, u32 round, u128 a, u128 b, u32 *flags)
{
    u32 saved = _mm_getcsr();
    _mm_setcsr(MXCSR_MASKS | mxcsr_round[round]);
    volatile __float128 x = quad_value(a), y = quad_value(b), r;
    switch (op) {
    case ADD: r = x + y; break;
    case SUB: r = x - y; break;
    case MUL: r = x * y; break;
    default: r = x / y; break;
    }
    *flags = host_flags(_mm_getcsr());
    _mm_setcsr(saved);
    return quad_bits(r);
}

static void test_quad(void)
{
    for (int i = 0; i < RANDOM_CASES; i++) {
        u32 round = (u32)i & 3, want_flags;
        enum op op = (enum op)(i >> 2 & 3);
        u128 a = operand128(), b = operand128();
        struct fp_env env = {.round = round};
        u128 r = op == ADD   ? fp128_add(&env, a, b)
                 : op == SUB ? fp128_sub(&env, a, b)
                 : op == MUL ? fp128_mul(&env, a, b)
                             : fp128_div(&env, a, b);
        u128 want = host128(op, round, a, b, &want_flags);
        // The compiler's library reports overflow and underflow elsewhere.
        u32 mine = comparable(env.flags) & ~(FPSCR_OX | FPSCR_UX);
        want_flags &= ~(FPSCR_OX | FPSCR_UX);
        if ((fp128_is_nan(want) ? !fp128_is_nan(r) : r != want) || mine != want_flags)
            report(op_names[op], round, (u64)(a >> 64), (u64)(b >> 64), (u64)b, (u64)(r >> 64), (u64)(want >> 64),
                   env.flags, want_flags);
    }
}

// Products of short significands are exact in a quad, so that multiply-add equals the addition. And the general one is checked by
// its error: a * c + b with b = -(a * c rounded) is exactly the rounding error of the product.
static void test_quad_madd(void)
{
    for (int i = 0; i < RANDOM_CASES / 4; i++) {
        u32 round = (u32)i & 3;
        struct fp_env env = {.round = round}, exact = {.round = round};
        u128 a = fp64_to_fp128(&exact, operand64()), c = fp64_to_fp128(&exact, operand64()), b = operand128();
        if (fp128_is_nan(a) || fp128_is_nan(b) || fp128_is_nan(c))
            continue;
        u128 r = fp128_muladd(&env, a, c, b, 0), p = fp128_mul(&exact, a, c);
        u128 want = fp128_add(&exact, p, b);
        if (r != want || env.flags != exact.flags)
            report("quad madd", round, (u64)(a >> 64), (u64)(c >> 64), (u64)(b >> 64), (u64)r, (u64)want, env.flags,
                   exact.flags);

        // a1 * c1 in halves: high * c + low * c, each exact.
        u128 wide = ((u128)0x3fff << 112) | ((u128)rnd() << 48) | (rnd() & 0xffffffffffff);
        u128 other = ((u128)0x3fff << 112) | ((u128)rnd() << 48) | (rnd() & 0xffffffffffff);
        struct fp_env e = {.round = FP_NEAREST};
        u128 product = fp128_mul(&e, wide, other), error = fp128_muladd(&e, wide, other, product, FP_NEGATE_ADDEND);
        // |error| is at most half a unit in the last place, and fma with the error added back is exact.
        u128 back = fp128_muladd(&e, wide, other, error, FP_NEGATE_ADDEND);
        if (back != product)
            report("quad error", 0, (u64)(wide >> 64), (u64)(other >> 64), 0, (u64)back, (u64)product, e.flags, 0);
    }
}
#endif

static void test_quad_sqrt(void)
{
    for (int i = 0; i < 20000; i++) {
        struct fp_env env = {.round = FP_DOWN};
        u128 a = ((u128)(0x3000 + (rnd() & 0x1fff)) << 112) | ((u128)(rnd() >> 16) << 64) | rnd();
        u128 s = fp128_sqrt(&env, a);
        // s * s <= a < (s + 1)^2, each product rounded towards the safe side.
        struct fp_env down = {.round = FP_DOWN}, up = {.round = FP_UP};
        CHECK(fp128_compare(fp128_mul(&down, s, s), a) != FP_GREATER);
        CHECK(fp128_compare(fp128_mul(&up, s + 1, s + 1), a) == FP_GREATER);
        env = (struct fp_env){.round = FP_NEAREST};
        u128 q = fp128_mul(&env, s, s);
        env.flags = 0;
        if (!(s & (((u128)1 << 58) - 1)))
            CHECK(q != a || fp128_sqrt(&env, a) == s);
    }
}

// Single results from operands that are no singles: one rounding, which the quad rounded to odd shows.
static void test_single_rounding(void)
{
    for (int i = 0; i < RANDOM_CASES; i++) {
        u32 round = (u32)i & 3;
        u64 a = operand64(), b = operand64();
        if (fp64_is_nan(a) || fp64_is_nan(b))
            continue;
        struct fp_env env = {.round = round}, odd = {.round = FP_ODD}, to_double = {.round = FP_ODD},
                      last = {.round = round};
        u64 r = fp64s_add(&env, a, b);
        u128 sum = fp128_add(&odd, fp64_to_fp128(&odd, a), fp64_to_fp128(&odd, b));
        u64 want = fp64s_round(&last, fp128_to_fp64(&to_double, sum));
        if (!(sum << 1)) // the sign of an exact zero follows the rounding mode
            want = r & PPC_BIT(0);
        if (r != want && !fp64_is_nan(r))
            report("fadds", round, a, b, 0, r, want, env.flags, last.flags);
        u128 product = fp128_mul(&odd, fp64_to_fp128(&odd, a), fp64_to_fp128(&odd, b));
        env.flags = 0;
        last.flags = to_double.flags = 0;
        r = fp64s_mul(&env, a, b);
        want = fp64s_round(&last, fp128_to_fp64(&to_double, product));
        if (r != want && !fp64_is_nan(r))
            report("fmuls", round, a, b, 0, r, want, env.flags, last.flags);
    }
}

#define QNAN1       0x7ff8000000000001ull
#define QNAN2       0xfff8000000000002ull
#define SNAN1       0x7ff0000000000001ull
#define SNAN2       0x7ff4000000000002ull
#define INF         0x7ff0000000000000ull
#define ONE         0x3ff0000000000000ull
#define TWO         0x4000000000000000ull
#define MINUS       0x8000000000000000ull
#define DEFAULT_NAN 0x7ff8000000000000ull

// ISA I "Floating-Point Invalid Operation Exception" and the propagation of NaNs.
static void test_nans(void)
{
    static const struct {
        u64 a, c, b;
        unsigned how;
        u64 result;
        u32 flags;
    } madd[] = {
        {QNAN1, QNAN2, ONE, 0, QNAN1, 0},
        {ONE, QNAN2, QNAN1, 0, QNAN1, 0}, // A, then B, then C
        {ONE, QNAN2, ONE, FP_NEGATE_RESULT, QNAN2, 0},
        {SNAN1, SNAN2, ONE, 0, SNAN1 | PPC_BIT(12), FPSCR_VXSNAN},
        {QNAN1, ONE, SNAN2, 0, QNAN1, FPSCR_VXSNAN},
        {ONE, SNAN2, QNAN1, FP_NEGATE_ADDEND, QNAN1, FPSCR_VXSNAN},
        {INF, 0, QNAN2, 0, QNAN2, FPSCR_VXIMZ},
        {INF, 0, SNAN2, 0, SNAN2 | PPC_BIT(12), FPSCR_VXIMZ | FPSCR_VXSNAN},
        {INF, 0, ONE, FP_NEGATE_RESULT, DEFAULT_NAN, FPSCR_VXIMZ},
        {INF, ONE, INF, FP_NEGATE_ADDEND, DEFAULT_NAN, FPSCR_VXISI},
        {INF, ONE, INF | MINUS, FP_NEGATE_ADDEND | FP_NEGATE_RESULT, INF | MINUS, 0},
        {ONE, ONE, ONE, FP_NEGATE_ADDEND, 0, 0},
        {ONE, ONE, ONE, FP_NEGATE_ADDEND | FP_NEGATE_RESULT, MINUS, 0},
    };
    for (unsigned i = 0; i < ARRAY_LEN(madd); i++) {
        struct fp_env env = {0};
        CHECK_EQ(fp64_muladd(&env, madd[i].a, madd[i].c, madd[i].b, madd[i].how), madd[i].result);
        CHECK_EQ(env.flags, madd[i].flags);
    }
    struct fp_env env = {0};
    CHECK_EQ(fp64_add(&env, QNAN2, QNAN1), QNAN2);
    CHECK_EQ(fp64_sub(&env, ONE, QNAN1), QNAN1);
    CHECK_EQ(env.flags, 0);
    CHECK_EQ(fp64_sub(&env, INF, INF), DEFAULT_NAN);
    CHECK_EQ(env.flags, FPSCR_VXISI);
    env.flags = 0;
    CHECK_EQ(fp64_div(&env, 0, MINUS), DEFAULT_NAN);
    CHECK_EQ(env.flags, FPSCR_VXZDZ);
    env.flags = 0;
    CHECK_EQ(fp64_div(&env, INF, INF), DEFAULT_NAN);
    CHECK_EQ(env.flags, FPSCR_VXIDI);
    env.flags = 0;
    CHECK_EQ(fp64_div(&env, ONE, MINUS), INF | MINUS);
    CHECK_EQ(env.flags, FPSCR_ZX);
    env.flags = 0;
    CHECK_EQ(fp64_sqrt(&env, ONE | MINUS), DEFAULT_NAN);
    CHECK_EQ(env.flags, FPSCR_VXSQRT);
    env.flags = 0;
    CHECK_EQ(fp64_sqrt(&env, MINUS), MINUS);
    CHECK_EQ(fp64s_round(&env, 0x7ff8000000000001ull), DEFAULT_NAN); // the payload is cut
    CHECK_EQ(env.flags, 0);
}

// ISA I "Overflow Exception", "Underflow Exception": with the exception enabled the exponent is adjusted.
static void test_traps(void)
{
    struct fp_env env = {.traps = FPSCR_OE | FPSCR_UE};
    CHECK_EQ(fp64_mul(&env, 0x7fe0000000000000, TWO), 0x7ff0000000000000 - (1536ull << 52));
    CHECK_EQ(env.flags, FPSCR_OX);
    env.flags = 0;
    CHECK_EQ(fp64_mul(&env, 0x0010000000000000, 0x3fe0000000000001),
             (1536ull << 52) + 1); // tiny, exact: still an underflow
    CHECK_EQ(env.flags, FPSCR_UX);
    env.flags = 0;
    CHECK_EQ(fp64s_round(&env, 0x47f0000000000000), 0x47f0000000000000 - (192ull << 52));
    CHECK_EQ(env.flags, FPSCR_OX);
    env.flags = 0;
    CHECK_EQ(fp64s_round(&env, 0x3800000000000000), 0x3800000000000000 + (192ull << 52));
    CHECK_EQ(env.flags, FPSCR_UX);
    env = (struct fp_env){0};
    CHECK_EQ(fp64_mul(&env, 0x0010000000000000, 0x3fe0000000000000),
             0x0008000000000000); // exact denormal: no underflow
    CHECK_EQ(env.flags, 0);
    // Tininess before rounding: this one rounds up to the smallest normal number.
    CHECK_EQ(fp64_mul(&env, 0x001fffffffffffff, 0x3fe0000000000000), 0x0010000000000000);
    CHECK_EQ(env.flags, FPSCR_UX | FPSCR_XX | FPSCR_FI | FPSCR_FR);
}

static void test_integers(void)
{
    static const struct {
        u64 v;
        enum fp_int format;
        enum fp_round round;
        u64 result;
        u32 flags;
    } cases[] = {
        {0x3ff8000000000000, FP_S32, FP_NEAREST, 2, FPSCR_XX | FPSCR_FI | FPSCR_FR},
        {0x4004000000000000, FP_S32, FP_NEAREST, 2, FPSCR_XX | FPSCR_FI},
        {0x4004000000000000, FP_S32, FP_AWAY, 3, FPSCR_XX | FPSCR_FI | FPSCR_FR},
        {0xbff8000000000000, FP_S64, FP_DOWN, -2ull, FPSCR_XX | FPSCR_FI | FPSCR_FR},
        {0xbff8000000000000, FP_S64, FP_UP, -1ull, FPSCR_XX | FPSCR_FI},
        {0xbfe0000000000000, FP_U32, FP_NEAREST, 0, FPSCR_XX | FPSCR_FI},
        {0xbff0000000000000, FP_U32, FP_NEAREST, 0, FPSCR_VXCVI},
        {0x41e0000000000000, FP_S32, FP_NEAREST, 0x7fffffff, FPSCR_VXCVI},
        {0xc1e0000000000000, FP_S32, FP_NEAREST, 0xffffffff80000000, 0},
        {0xc1e0000000100000, FP_S32, FP_NEAREST, 0xffffffff80000000, FPSCR_XX | FPSCR_FI},
        {0xc3e0000000000000, FP_S64, FP_NEAREST, 0x8000000000000000, 0},
        {0x43e0000000000000, FP_S64, FP_NEAREST, 0x7fffffffffffffff, FPSCR_VXCVI},
        {0x43efffffffffffff, FP_U64, FP_NEAREST, 0xfffffffffffff800, 0},
        {0x43f0000000000000, FP_U64, FP_NEAREST, ~0ull, FPSCR_VXCVI},
        {INF, FP_S64, FP_NEAREST, 0x7fffffffffffffff, FPSCR_VXCVI},
        {QNAN1, FP_S64, FP_NEAREST, 0x8000000000000000, FPSCR_VXCVI},
        {SNAN1, FP_U64, FP_NEAREST, 0, FPSCR_VXCVI | FPSCR_VXSNAN},
        {1, FP_S32, FP_UP, 1, FPSCR_XX | FPSCR_FI | FPSCR_FR},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct fp_env env = {0};
        CHECK_EQ(fp64_to_int(&env, cases[i].v, cases[i].format, cases[i].round), cases[i].result);
        CHECK_EQ(env.flags, cases[i].flags);
    }
    for (int i = 0; i < RANDOM_CASES; i++) {
        struct fp_env env = {0};
        s64 v = (s64)rnd() >> (rnd() & 63);
        double d = (double)v, u = (double)(u64)v;
        u64 bits;
        memcpy(&bits, &d, 8);
        CHECK_EQ(fp64_from_s64(&env, v), bits);
        memcpy(&bits, &u, 8);
        CHECK_EQ(fp64_from_u64(&env, (u64)v), bits);
        float f = (float)v;
        u32 single;
        memcpy(&single, &f, 4);
        CHECK_EQ(fp32_from_s64(&env, v), single);
        CHECK_EQ(fp64s_from_s64(&env, v), fp_load_single(single));
        env.flags = 0;
        CHECK_EQ(fp128_to_int(&env, fp128_from_s64(&env, v), FP_S64, FP_TRUNCATE), v);
        CHECK_EQ(fp128_to_int(&env, fp128_from_u64(&env, (u64)v), FP_U64, FP_TRUNCATE), v);
        CHECK_EQ(env.flags, 0);
    }
}

static void test_single_moves(void)
{
    static const u32 values[] = {0,          0x80000000, 1,          0x807fffff, 0x00400000, 0x00800000,
                                 0x3f800000, 0x7f7fffff, 0x7f800000, 0xff800001, 0x7fc00000, 0x7fbfffff};
    for (unsigned i = 0; i < ARRAY_LEN(values); i++)
        CHECK_EQ(fp_store_single(fp_load_single(values[i])), values[i]);
    for (int i = 0; i < RANDOM_CASES; i++) {
        u32 v = operand32();
        CHECK_EQ(fp_store_single(fp_load_single(v)), v);
        if (fp32_is_snan(v))
            continue;
        struct fp_env env = {0};
        CHECK_EQ(fp32_to_fp64(&env, v), fp_load_single(v));
        CHECK_EQ(fp64_to_fp32(&env, fp_load_single(v)), v);
        CHECK_EQ(env.flags, 0);
    }
}

static void test_half(void)
{
    for (u32 v = 0; v < 0x10000; v++) {
        struct fp_env env = {0};
        u64 d = fp16_to_fp64(&env, (u16)v);
        bool snan = (v & 0x7c00) == 0x7c00 && v & 0x3ff && !(v & 0x200);
        CHECK_EQ(env.flags, snan ? FPSCR_VXSNAN : 0);
        env.flags = 0;
        CHECK_EQ(fp64_to_fp16(&env, d), snan ? v | 0x200 : v);
        CHECK_EQ(fp32_to_fp16(&env, fp16_to_fp32(&env, (u16)v)), snan ? v | 0x200 : v);
    }
    struct fp_env env = {0};
    CHECK_EQ(fp64_to_fp16(&env, 0x40effe0000000000), 0x7bff + 1); // 65504 + 16 overflows
    CHECK_EQ(env.flags, FPSCR_OX | FPSCR_XX | FPSCR_FI | FPSCR_FR);
}

static void test_round_integral(void)
{
    struct fp_env env = {0};
    CHECK_EQ(fp64_round_integral(&env, 0x3fe0000000000000, FP_NEAREST), 0);
    CHECK_EQ(fp64_round_integral(&env, 0x3fe0000000000000, FP_AWAY), ONE);
    CHECK_EQ(fp64_round_integral(&env, 0xbfe0000000000000, FP_UP), MINUS);
    CHECK_EQ(fp64_round_integral(&env, 0x8000000000000001, FP_DOWN), ONE | MINUS);
    CHECK_EQ(fp64_round_integral(&env, 0x4330000000000001, FP_NEAREST), 0x4330000000000001);
    CHECK_EQ(fp64_round_integral(&env, 0x4320000000000001, FP_NEAREST), 0x4320000000000000);
    CHECK_EQ(fp64_round_integral(&env, 0x4320000000000001, FP_AWAY), 0x4320000000000002);
    CHECK_EQ(fp32_round_integral(&env, 0x3fc00000, FP_NEAREST), 0x40000000);
    u128 half = (u128)0x3ffe << 112, quad = ((u128)(0x3fff + 111) << 112) | 1;
    CHECK(fp128_round_integral(&env, half, FP_NEAREST) == 0);
    CHECK(fp128_round_integral(&env, half, FP_AWAY) == (u128)0x3fff << 112);
    CHECK(fp128_round_integral(&env, quad, FP_NEAREST) == quad - 1);
    CHECK(fp128_round_integral(&env, quad, FP_UP) == quad + 1);
}

static void test_odd(void)
{
    struct fp_env env = {.round = FP_ODD};
    u128 one = (u128)0x3fff << 112, tiny = (u128)0x3f00 << 112;
    CHECK(fp128_add(&env, one, tiny) == (one | 1));
    CHECK(fp128_sub(&env, one, tiny) == one - 1);
    CHECK(fp128_add(&env, one | 1, tiny) == (one | 1));
    // Overflow gives the largest finite number.
    u128 max = ((u128)0x7fff << 112) - 1;
    CHECK(fp128_add(&env, max, max) == max);
}

int main(void)
{
#ifdef __x86_64__
    TEST(test_add);
    TEST(test_sub);
    TEST(test_mul);
    TEST(test_div);
    TEST(test_sqrt);
    TEST(test_madd);
    TEST(test_quad);
    TEST(test_quad_madd);
#endif
    TEST(test_quad_sqrt);
    TEST(test_single_rounding);
    TEST(test_nans);
    TEST(test_traps);
    TEST(test_integers);
    TEST(test_single_moves);
    TEST(test_half);
    TEST(test_round_integral);
    TEST(test_odd);
    return test_done();
}
