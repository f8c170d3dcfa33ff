// SPDX-License-Identifier: Apache-2.0
// The test-data-class instructions' mask and result. ISA I "VSX Scalar Test Data Class Double-Precision".
#ifndef CPU_EXEC_VSX_FP_CLASS_H
#define CPU_EXEC_VSX_FP_CLASS_H

#include "cpu/exec/fp_int.h"

enum {
    DCMX_NAN = 0x40,
    DCMX_INF_PLUS = 0x20,
    DCMX_INF_MINUS = 0x10,
    DCMX_ZERO_PLUS = 0x08,
    DCMX_ZERO_MINUS = 0x04,
    DCMX_DENORMAL_PLUS = 0x02,
    DCMX_DENORMAL_MINUS = 0x01,
};

#define DCMX INSN_FIELD(9, 15)

// From a value's FPRF; 0 for normal numbers.
static inline unsigned fp_data_class(u32 fprf, bool negative)
{
    if ((fprf & FPSCR_FPRF) == (FPSCR_C | FPSCR_FU))
        return DCMX_NAN;
    if (fprf & FPSCR_FU)
        return negative ? DCMX_INF_MINUS : DCMX_INF_PLUS;
    if (fprf & FPSCR_FE)
        return negative ? DCMX_ZERO_MINUS : DCMX_ZERO_PLUS;
    if (fprf & FPSCR_C)
        return negative ? DCMX_DENORMAL_MINUS : DCMX_DENORMAL_PLUS;
    return 0;
}

static inline void fp_class_finish(struct cpu *cpu, u32 insn, bool negative, bool match, bool inexact)
{
    fpu_compare_finish(cpu, BF, (negative ? CR_LT : 0) | (match ? CR_EQ : 0) | (inexact ? CR_SO : 0), 0);
}

#endif
