// SPDX-License-Identifier: Apache-2.0
// For tests of the encoder: what was emitted, as text.
#ifndef CPU_XLATE_X86_EMIT_CHECK_H
#define CPU_XLATE_X86_EMIT_CHECK_H

#include "base/test.h"
#include "cpu/xlate/x86/emit.h"

// `want`: the bytes in hexadecimal; `what` is printed where they differ.
static inline void check_bytes(const struct code *c, const char *want, const char *what)
{
    char got[64] = "";
    for (const u8 *at = c->start; at < c->at && at < c->start + 30; at++)
        snprintf(got + 2 * (at - c->start), 3, "%02x", *at);
    if (strcmp(got, want) != 0)
        printf("# %s\n", what);
    CHECK_STR(got, want);
}

#endif
