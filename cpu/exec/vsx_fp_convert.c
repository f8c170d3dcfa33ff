// SPDX-License-Identifier: Apache-2.0
// VSX conversions between formats and to and from integers. ISA I "VSX Binary Floating-Point Convert Instructions".
// Where the ISA leaves the words beside a 32-bit result undefined, the result fills the doubleword, as processors do.
#include "cpu/exec/fp_int.h"

#define B VSR_D(VSR(XB), 0)

static u64 both_words(u32 v)
{
    return (u64)v << 32 | v;
}

// The class of a result in single or half precision: FPRF as of its own format.
static u32 fprf16(u16 v)
{
    struct fp_env env = fp_env_default();
    bool denormal = !(v & 0x7c00) && v & 0x3ff;
    return fpu_fprf64(fp16_to_fp64(&env, v)) | (denormal ? FPSCR_C : 0);
}

EXEC(xscvdpsp)
{
    struct fp_env env = fpu_begin(cpu);
    u32 r = fp64_to_fp32(&env, B);
    xt_finish(cpu, insn, &env, both_words(r), fp32_fprf(r));
}

EXEC(xscvspdp)
{
    struct fp_env env = fpu_begin(cpu);
    u64 r = fp32_to_fp64(&env, (u32)(B >> 32));
    xt_finish(cpu, insn, &env, r, fpu_fprf64(r));
}

EXEC(xscvdphp)
{
    struct fp_env env = fpu_begin(cpu);
    u16 r = fp64_to_fp16(&env, B);
    xt_finish(cpu, insn, &env, r, fprf16(r));
}

EXEC(xscvhpdp)
{
    struct fp_env env = fpu_begin(cpu);
    u64 r = fp16_to_fp64(&env, (u16)B);
    xt_finish(cpu, insn, &env, r, fpu_fprf64(r));
}

// Without signaling: the rearrangements of single stores and loads.
EXEC(xscvdpspn)
{
    vsr_set_scalar(VSR(XT), both_words(fp_store_single(B)));
}

EXEC(xscvspdpn)
{
    vsr_set_scalar(VSR(XT), fp_load_single((u32)(B >> 32)));
}

#define XS_TO_INT(id, format, place)                              \
    EXEC(id)                                                      \
    {                                                             \
        struct fp_env env = fpu_begin(cpu);                       \
        u64 r = fp64_to_int(&env, B, format, FP_TRUNCATE);        \
        xt_finish(cpu, insn, &env, place(r), 0);                  \
    }
#define PLACE_DOUBLEWORD(r) (r)
#define PLACE_WORDS(r)      both_words((u32)(r))

XS_TO_INT(xscvdpsxds, FP_S64, PLACE_DOUBLEWORD)
XS_TO_INT(xscvdpuxds, FP_U64, PLACE_DOUBLEWORD)
XS_TO_INT(xscvdpsxws, FP_S32, PLACE_WORDS)
XS_TO_INT(xscvdpuxws, FP_U32, PLACE_WORDS)

// Vectors: one statement per doubleword (d) or word (w) of the result.
#define XV_CONVERT(id, elements, body)          \
    EXEC(id)                                    \
    {                                           \
        struct fp_env env = fpu_begin(cpu);     \
        union vsr b = *VSR(XB), r;              \
        for (unsigned i = 0; i < elements; i++) \
            body;                               \
        xt_finish_vector(cpu, insn, &env, r);   \
    }

XV_CONVERT(xvcvdpsp, 2, r.d[i] = both_words(fp64_to_fp32(&env, b.d[i])))
XV_CONVERT(xvcvspdp, 2, r.d[i] = fp32_to_fp64(&env, (u32)(b.d[i] >> 32)))
XV_CONVERT(xvcvhpsp, 4, r.w[i] = fp16_to_fp32(&env, (u16)b.w[i]))
XV_CONVERT(xvcvsphp, 4, r.w[i] = fp32_to_fp16(&env, b.w[i]))

XV_CONVERT(xvcvdpsxds, 2, r.d[i] = fp64_to_int(&env, b.d[i], FP_S64, FP_TRUNCATE))
XV_CONVERT(xvcvdpuxds, 2, r.d[i] = fp64_to_int(&env, b.d[i], FP_U64, FP_TRUNCATE))
XV_CONVERT(xvcvdpsxws, 2, r.d[i] = both_words((u32)fp64_to_int(&env, b.d[i], FP_S32, FP_TRUNCATE)))
XV_CONVERT(xvcvdpuxws, 2, r.d[i] = both_words((u32)fp64_to_int(&env, b.d[i], FP_U32, FP_TRUNCATE)))
XV_CONVERT(xvcvspsxds, 2, r.d[i] = fp32_to_int(&env, (u32)(b.d[i] >> 32), FP_S64, FP_TRUNCATE))
XV_CONVERT(xvcvspuxds, 2, r.d[i] = fp32_to_int(&env, (u32)(b.d[i] >> 32), FP_U64, FP_TRUNCATE))
XV_CONVERT(xvcvspsxws, 4, r.w[i] = (u32)fp32_to_int(&env, b.w[i], FP_S32, FP_TRUNCATE))
XV_CONVERT(xvcvspuxws, 4, r.w[i] = (u32)fp32_to_int(&env, b.w[i], FP_U32, FP_TRUNCATE))

XV_CONVERT(xvcvsxddp, 2, r.d[i] = fp64_from_s64(&env, (s64)b.d[i]))
XV_CONVERT(xvcvuxddp, 2, r.d[i] = fp64_from_u64(&env, b.d[i]))
XV_CONVERT(xvcvsxwdp, 2, r.d[i] = fp64_from_s64(&env, (s32)(b.d[i] >> 32)))
XV_CONVERT(xvcvuxwdp, 2, r.d[i] = fp64_from_u64(&env, b.d[i] >> 32))
XV_CONVERT(xvcvsxdsp, 2, r.d[i] = both_words(fp32_from_s64(&env, (s64)b.d[i])))
XV_CONVERT(xvcvuxdsp, 2, r.d[i] = both_words(fp32_from_u64(&env, b.d[i])))
XV_CONVERT(xvcvsxwsp, 4, r.w[i] = fp32_from_s64(&env, (s32)b.w[i]))
XV_CONVERT(xvcvuxwsp, 4, r.w[i] = fp32_from_u64(&env, b.w[i]))
