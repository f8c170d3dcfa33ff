// SPDX-License-Identifier: Apache-2.0
// Floating point in translated code (cpu/exec/fp_lazy.h): what the rest of the back end has to do for it.
//
// A region with floating-point operations is entered with the host's unit taken for the guest (float_enter). Operations that set FPRF, FR
// and FI leave nothing in memory: which one was the last, and where its operands are, is known to the compiler until the block ends, and is
// written where guest state is (float_flush), out of line in front of a helper (float_flush_cold). Results that the host's unit does not
// give as Power defines them are computed out of line by fp_lazy_compute(), with everything else left in its register.
#ifndef CPU_XLATE_X86_FLOAT_H
#define CPU_XLATE_X86_FLOAT_H

#include "cpu/xlate/ir.h"
#include "cpu/xlate/x86/emit.h"

struct comp;

// The last operation, and the comparison after it: their numbers (IR_NO_VALUE: what memory says), and at some place in the code where the
// operands are.
struct fp_pending {
    ir_value last, compared;
    u8 loc[5], n[5]; // operands of `last`, then of `compared`
};

// Operations on vectors of which the second one is soon behind the first, with nothing in between that anybody could see, are checked as one,
// in 256 bits: a pair. Where one of the two checks finds something, each is looked at out of line, the first one done by reference
// semantics where it must be, and the second one done again. The first one's operands and result live until then.

// An operation that may go out of line.
struct fp_site {
    u16 at;
    u8 kind; // enum fp_kind
    u8 args[3], result, scratch[2], bits;
    bool holds_last;     // the result's register has the last operand, too
    bool waits;          // the first one of a pair
    u16 before;          // of the second one: the number of the first one's site, plus one
    u8 quick;            // enum quick
    struct label start;  // the host's result is not known to be the one
    struct label middle; // in single precision: the value to be rounded is half way between two
    struct label resume; // the result is what follows from here on
    struct label rounded;
    struct label back; // the result is in place
};
#define FP_SITES_MAX    1024
#define FP_QUICK_VECTOR 16 // fp_site.quick: float_cold_vector()

void float_scan_region(struct comp *x);                              // sets x->fp
void float_scan_block(struct comp *x, unsigned first, unsigned end); // how long operands are needed
void float_start_block(struct comp *x);
void float_enter(struct comp *x, unsigned block); // where the region is entered for a block of it
void select_float(struct comp *x, const struct ir_insn *in);
void select_float_vector(struct comp *x, const struct ir_insn *in);
void float_cold(struct comp *x, struct fp_site *site);
void float_cold_vector(struct comp *x, struct fp_site *site); // what is looked at before anything is called
void float_cold_pair(struct comp *x, struct fp_site *first, struct fp_site *second);
bool float_pairs(const struct ir_insn *in); // whether it may be one of a pair

// select_float.c, for select_float_vector.c. dst = op(a, b), dst not b.
void float_two(struct comp *x, u32 op, enum reg dst, enum reg a, enum reg b);
void float_two_const(struct comp *x, u32 op, enum reg dst, enum reg a, struct label *l);
// Operands and result in registers that differ. What else an operation needs is asked for before its first jump: a value may have to be
// moved for it. Operands outlive the operation (float_scan_block): where the result gets the register of a slot, they have others then.
struct fp_site *float_begin(struct comp *x, const struct ir_insn *in);
void float_out_of_line(struct comp *x, struct fp_site *s); // always
void float_call(struct comp *x, const struct fp_site *s);  // the reference semantics
// The integer that the operand of a conversion to floating point was moved from, or IR_NO_VALUE.
ir_value float_moved_from(const struct comp *x, const struct ir_insn *in);

void float_flush(struct comp *x);
void float_note(const struct comp *x, struct fp_pending *p);
void float_flush_cold(struct comp *x, const struct fp_pending *p);
// Behind an instruction's reference semantics, which may have given the host's unit back.
struct cold;
void float_after_exec(struct comp *x, u32 insn);
void float_cold_exec(struct comp *x, struct cold *cold);

#endif
