// SPDX-License-Identifier: Apache-2.0
// Floating point computed on the host's unit by translated code, and FPSCR derived from it when somebody looks.
//
// While cpu->fp_live is set, the host's floating-point environment of this thread belongs to the guest: its rounding mode is FPSCR[RN], its
// sticky flags are the inexact, overflow, underflow and zero divide exceptions of the operations since it was taken. No exception is
// enabled in FPSCR then. cpu->fpscr is complete but for these, and for what the last operation leaves in FPRF, FR and FI: cpu->fp_last
// names it, and its operands are kept. Invalid operations never happen in translated code: their results are NaNs, which it hands to
// fp_lazy_compute().
//
// Who reads or changes FPSCR, or computes on the host's unit in C, calls fpu_settle() first: fpu_begin() and its relatives do (fp_int.h).
// Everything else that a virtual processor's thread executes while it runs leaves floating point alone. fpu_settle() is also called when
// cpu_run() returns, so that a stopped processor's FPSCR is in cpu->fpscr.
#ifndef CPU_EXEC_FP_LAZY_H
#define CPU_EXEC_FP_LAZY_H

#include "cpu/cpu.h"

enum fp_kind {
    FPK_NONE,
#define FP_SCALAR(name, ...)  FPK_##name,
#define FP_QUIET(name, ...)   FPK_##name,
#define FP_DOUBLES(name, ...) FPK_##name,
#define FP_SINGLES(name, ...) FPK_##name,
#include "cpu/exec/fp_kinds.def"
#undef FP_SCALAR
#undef FP_QUIET
#undef FP_DOUBLES
#undef FP_SINGLES
    FPK_COUNT,
};

// Whether the operation sets FPRF, FR and FI; its operands.
bool fp_kind_classifies(enum fp_kind kind);
unsigned fp_kind_operands(enum fp_kind kind);
const char *fp_kind_name(enum fp_kind kind);

// In cpu->fp_last above the kind: a comparison of cpu->fp_compared came after the operation (FPCC).
#define FP_LAST_COMPARED (1ull << 32)

// Takes the host's unit for the guest; nothing when it has it. False: an exception is enabled, or the host cannot.
bool fp_lazy_enter(struct cpu *cpu);

void fp_lazy_settle(struct cpu *cpu);
// The part of it that has nothing to do with the host's unit: FPRF, FR and FI, which fp_last stands for.
void fp_lazy_classify(struct cpu *cpu);

static inline void fpu_settle(struct cpu *cpu)
{
    if (unlikely(cpu->fp_live))
        fp_lazy_settle(cpu);
}

// The reference semantics of one operation on cpu->fp_arg[0..2] (scalars in doubleword 0), its result to cpu->fp_arg[3]. Exceptions go to FPSCR; what else
// the operation leaves there is the caller's to note in fp_last. Called by translated code, while live or (tests) not. No exception may be enabled.
void fp_lazy_compute(struct cpu *cpu, enum fp_kind kind);

#endif
