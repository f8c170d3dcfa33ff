// SPDX-License-Identifier: Apache-2.0
// --trace: what the partition does, one readable line each.
#ifndef LPAR_TRACE_H
#define LPAR_TRACE_H

#include <stdio.h>

#include "papr/partition.h"

enum trace_what {
    TRACE_INSN = 1 << 0,
    TRACE_HCALL = 1 << 1,
    TRACE_RTAS = 1 << 2,
    TRACE_EXCEPT = 1 << 3,
    TRACE_IR = 1 << 4,  // each translated region, as it goes to the back end
    TRACE_ASM = 1 << 5, // its code, in hexadecimal
};

// The bits of a list ("insn,hcall"), or 0 when a name is unknown.
unsigned trace_parse(const char *list);

// Traces `what` to the file `path` (NULL: standard error), only lines in which `filter` (or NULL: all) occurs. Before threads run.
// 0 or a negative errno: the file cannot be written.
int trace_start(struct partition *lp, unsigned what, const char *path, const char *filter);
// Arms a partition that was reset.
void trace_arm(struct partition *lp);
void trace_stop(void);

#endif
