// SPDX-License-Identifier: Apache-2.0
// Exceptions of except.def for the floating-point facility and VSX floating-point.
#ifndef TESTS_INSN_EXCEPT_FP_H
#define TESTS_INSN_EXCEPT_FP_H

#include "tests/insn/insn_test.h"

void except_fp_single_class(const struct comparison *c);
void except_fp_twice(const struct comparison *c);
void except_fp_word(const struct comparison *c);
void except_fp_class_missing(const struct comparison *c);
void except_fp_divide_zero(const struct comparison *c);
void except_fp_no_class(const struct comparison *c);
void except_fp_compare(const struct comparison *c);
void except_fp_vector(const struct comparison *c);
void except_fp_vector_invalid(const struct comparison *c);
void except_fp_estimate(const struct comparison *c);
void except_fp_negated(const struct comparison *c);
void except_fp_class_single(const struct comparison *c);
void except_fp_snan(const struct comparison *c);
void except_fp_round_current(const struct comparison *c);
void except_fp_max_zeros(const struct comparison *c);

#endif
