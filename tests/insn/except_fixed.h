// SPDX-License-Identifier: Apache-2.0
// Exceptions of except.def for fixed-point, storage access and system instructions.
#ifndef TESTS_INSN_EXCEPT_FIXED_H
#define TESTS_INSN_EXCEPT_FIXED_H

#include "tests/insn/insn_test.h"

void except_divide(const struct comparison *c);
void except_xer_reserved(const struct comparison *c);
void except_vrsave_width(const struct comparison *c);
void except_stcx_alignment(const struct comparison *c);
void except_stqcx(const struct comparison *c);
void except_amo_bounded(const struct comparison *c);
void except_dcbf(const struct comparison *c);
void except_le_alignment(const struct comparison *c);

#endif
