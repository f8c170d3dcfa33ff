// SPDX-License-Identifier: Apache-2.0
// Exceptions of except.def.
#include <fnmatch.h>
#include <string.h>

#include "cpu/msr.h"
#include "tests/insn/insn_test.h"

// Rows whose target is an FPR: both results get zero in the half that is undefined.
static void except_fpr_low(const struct comparison *c)
{
    static const char *const targets[] = {"FRT", "FRTP"};
    struct operand_ref ops[8];
    unsigned len = row_operands(c->row, ops);
    for (unsigned i = 0; i < len; i++)
        for (unsigned k = 0; k < ARRAY_LEN(targets); k++)
            if (!strcmp(ops[i].name, targets[k])) {
                u32 reg = c->insn >> 21 & 31;
                for (unsigned n = 0; n <= k; n++)
                    c->ours->vsr[(reg + n) & 31][1] = c->want->vsr[(reg + n) & 31][1] = 0;
            }
}

static void except_fraction_rounded(const struct comparison *c)
{
    c->ours->fpscr &= ~(u64)FPSCR_FR;
    c->want->fpscr &= ~(u64)FPSCR_FR;
}

static void except_fp_enabled(const struct comparison *c)
{
    if (c->want->outcome == OUTCOME_FPE)
        *c->want = *c->ours;
}

static const struct {
    const char *row, *reason;
} skips[] = {
#define SKIP(row, reason) {row, reason},
#define EXCEPT(row, check, section, what)
#include "tests/insn/except.def"
#undef SKIP
#undef EXCEPT
};

static const struct {
    const char *row;
    void (*check)(const struct comparison *c);
} excepts[] = {
#define SKIP(row, reason)
#define EXCEPT(row, check, section, what) {row, except_##check},
#include "tests/insn/except.def"
#undef SKIP
#undef EXCEPT
};

const char *except_skip(const struct row *row)
{
    if (row->privilege != PRIV_U)
        return "privileged";
    for (unsigned i = 0; i < ARRAY_LEN(skips); i++)
        if (!fnmatch(skips[i].row, row->name, 0))
            return skips[i].reason;
    return NULL;
}

void except_apply(const struct comparison *c)
{
    for (unsigned i = 0; i < ARRAY_LEN(excepts); i++)
        if (!fnmatch(excepts[i].row, c->row->name, 0))
            excepts[i].check(c);
}
