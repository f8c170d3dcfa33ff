// SPDX-License-Identifier: Apache-2.0
// Enabled floating-point exceptions (--traps): what QEMU does otherwise than the ISA says.
#include "tests/insn/except_traps.h"

#include <fnmatch.h>
#include <string.h>

#include "cpu/msr.h"

static bool named(const struct comparison *c, const char *pattern)
{
    return !fnmatch(pattern, c->row->name, 0);
}

// ISA I "VSX Vector ... Instructions": an enabled exception in any element leaves the whole target.
static void vector_target(const struct comparison *c)
{
    unsigned t = (c->insn & 1) << 5 | (c->insn >> 21 & 31);
    memcpy(c->want->vsr[t], c->in->vsr[t], sizeof(c->want->vsr[t]));
}

// An inexact conversion has its result even when that exception is enabled.
static void converted_target(const struct comparison *c)
{
    unsigned t = c->insn >> 21 & 31;
    if (!(c->want->fpscr & FPSCR_VX & ~c->in->fpscr))
        memcpy(c->want->vsr[t], c->ours->vsr[t], sizeof(c->want->vsr[t]));
}

// Single precision: where even the adjusted exponent does not fit the format, the result is undefined.
static bool adjusted_out_of_range(const struct comparison *c)
{
    u32 traps = (u32)c->in->fpscr & (FPSCR_OE | FPSCR_UE);
    unsigned t = c->row->name[0] == 'x' ? (c->insn & 1) << 5 | (c->insn >> 21 & 31) : c->insn >> 21 & 31;
    u64 exp = c->ours->vsr[t][0] >> 52 & 0x7ff;
    return traps && (c->ours->fpscr & (FPSCR_OX | FPSCR_UX)) && (exp < 897 || exp > 1150);
}

void except_traps(const struct comparison *c)
{
    if (!gen_traps || c->want->outcome != OUTCOME_FPE)
        return;
    if (named(c, "xv*"))
        vector_target(c);
    if (named(c, "fcfid*"))
        converted_target(c);
    if ((named(c, "f*s") || named(c, "frsp") || named(c, "xs*sp")) && adjusted_out_of_range(c))
        *c->want = *c->ours;
}
