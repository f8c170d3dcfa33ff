// SPDX-License-Identifier: Apache-2.0
// VSX: extract and insert exponents and significands, test data class. ISA I "VSX Binary Floating-Point Math Support Instructions".
// No exceptions. Instructions on quads are in vsx_fp_quad.c.
#include "cpu/exec/fp_int.h"
#include "cpu/exec/vsx_fp_class.h"

#define B VSR_D(VSR(XB), 0)

static u64 exponent64(u64 v)
{
    return v >> 52 & 0x7ff;
}

// The fraction with its implicit bit, which only normal numbers have.
static u64 significand64(u64 v)
{
    u64 exp = exponent64(v), frac = v & 0xfffffffffffff;
    return exp && exp != 0x7ff ? frac | 1ull << 52 : frac;
}

static u32 exponent32(u32 v)
{
    return v >> 23 & 0xff;
}

static u32 significand32(u32 v)
{
    u32 exp = exponent32(v), frac = v & 0x7fffff;
    return exp && exp != 0xff ? frac | 1u << 23 : frac;
}

static u64 insert64(u64 significand, u64 exp)
{
    return (significand & 0x800fffffffffffff) | (exp & 0x7ff) << 52;
}

EXEC(xsxexpdp)
{
    GPR(RT) = exponent64(B);
}

EXEC(xsxsigdp)
{
    GPR(RT) = significand64(B);
}

EXEC(xsiexpdp)
{
    vsr_set_scalar(VSR(XT), insert64(GPR(RA), GPR(RB)));
}

#define XV_EACH(id, lanes, lane, value)          \
    EXEC(id)                                     \
    {                                            \
        union vsr a = *VSR(XA), b = *VSR(XB), r; \
        (void)a;                                 \
        for (unsigned i = 0; i < lanes; i++)     \
            r.lane[i] = value;                   \
        *VSR(XT) = r;                            \
    }

XV_EACH(xvxexpdp, 2, d, exponent64(b.d[i]))
XV_EACH(xvxsigdp, 2, d, significand64(b.d[i]))
XV_EACH(xvxexpsp, 4, w, exponent32(b.w[i]))
XV_EACH(xvxsigsp, 4, w, significand32(b.w[i]))
XV_EACH(xviexpdp, 2, d, insert64(a.d[i], b.d[i]))
XV_EACH(xviexpsp, 4, w, (a.w[i] & 0x807fffff) | (b.w[i] & 0xff) << 23)

// Test data class.
static unsigned class64(u64 v)
{
    return fp_data_class(fp64_fprf(v), v >> 63);
}

static unsigned class32(u32 v)
{
    return fp_data_class(fp32_fprf(v), v >> 31);
}

#define DCMX_XV (INSN_FIELD(25, 25) << 6 | INSN_FIELD(29, 29) << 5 | INSN_FIELD(11, 15))

XV_EACH(xvtstdcdp, 2, d, class64(b.d[i]) & DCMX_XV ? ~0ull : 0)
XV_EACH(xvtstdcsp, 4, w, class32(b.w[i]) & DCMX_XV ? ~0u : 0)

EXEC(xststdcdp)
{
    u64 v = B;
    fp_class_finish(cpu, insn, v >> 63, class64(v) & DCMX, false);
}

// The class is that in single precision; SO says that the operand is not representable in it.
EXEC(xststdcsp)
{
    fpu_settle(cpu);
    u64 v = B, exp = exponent64(v);
    unsigned class = class64(v);
    if (exp && exp <= 896)
        class = v >> 63 ? DCMX_DENORMAL_MINUS : DCMX_DENORMAL_PLUS;
    bool exact;
    if (exp == 0x7ff) {
        exact = !(v & 0x1fffffff);
    } else {
        struct fp_env env = fp_env_default();
        exact = fp64s_round(&env, v) == v;
    }
    fp_class_finish(cpu, insn, v >> 63, class & DCMX, !exact);
}
