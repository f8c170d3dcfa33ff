// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_INSN_EXCEPT_TRAPS_H
#define TESTS_INSN_EXCEPT_TRAPS_H

#include "tests/insn/insn_test.h"

void except_traps(const struct comparison *c);

#endif
