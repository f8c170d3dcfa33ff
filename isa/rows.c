// SPDX-License-Identifier: Apache-2.0
// The instruction table as data.
#include "isa/isa.h"

struct insn_row insn_rows[INSN_COUNT] = {
#define INSN(id, mnemonic_, pattern_, operands_, fac, priv, since_, kind_, section_) \
    [INSN_##id] = {.name = #id,                                                      \
                   .mnemonic = mnemonic_,                                            \
                   .pattern = pattern_,                                              \
                   .operands = operands_,                                            \
                   .section = section_,                                              \
                   .facility = FAC_##fac,                                            \
                   .privilege = PRIV_##priv,                                         \
                   .since = LEVEL_##since_,                                          \
                   .kind = KIND_##kind_},
#include "isa/insn.def"
#undef INSN
};
