// SPDX-License-Identifier: Apache-2.0
// The hypervisor of a partition that nobody manages: standard streams, the host's clock and scheduler.
#ifndef LPAR_NULL_HV_H
#define LPAR_NULL_HV_H

#include "lpar/console.h"
#include "lpar/dispatch.h"
#include "papr/hv_ops.h"

struct null_hv {
    struct console *console; // NULL: output goes nowhere
    struct dispatcher dispatcher;
    int ended_fd;             // an eventfd: written when the partition ended
    _Atomic s64 clock_offset; // nanoseconds that the OS set its clock off from the host's
    _Atomic s64 log_second;   // rate limit of log lines
    _Atomic u32 log_lines;
};

// hv_arg is a struct null_hv.
extern const struct hv_ops null_hv_ops;

#endif
