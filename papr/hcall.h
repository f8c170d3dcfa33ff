// SPDX-License-Identifier: Apache-2.0
// Hypervisor calls: `sc 1` from a partition. LoPAR "Hypervisor Call Functions".
#ifndef PAPR_HCALL_H
#define PAPR_HCALL_H

#include "cpu/cpu.h"

// LoPAR "Hypervisor Call Return Codes"
enum hcall_rc {
    H_SUCCESS = 0,
    H_BUSY = 1,
    H_CLOSED = 2,
    H_NOT_AVAILABLE = 3,
    H_CONSTRAINED = 4,
    H_PARTIAL = 5,
    H_IN_PROGRESS = 14,
    H_PAGE_REGISTERED = 15,
    H_PARTIAL_STORE = 16,
    H_PENDING = 17,
    H_CONTINUE = 18,
    H_LONG_BUSY_ORDER_1_MSEC = 9900,
    H_LONG_BUSY_ORDER_10_MSEC = 9901,
    H_LONG_BUSY_ORDER_100_MSEC = 9902,
    H_HARDWARE = -1,
    H_FUNCTION = -2,
    H_PRIVILEGE = -3,
    H_PARAMETER = -4,
    H_BAD_MODE = -5,
    H_PTEG_FULL = -6,
    H_NOT_FOUND = -7,
    H_RESERVED_DABR = -8,
    H_NO_MEM = -9,
    H_AUTHORITY = -10,
    H_PERMISSION = -11,
    H_DROPPED = -12,
    H_SOURCE_PARM = -13,
    H_DEST_PARM = -14,
    H_REMOTE_PARM = -15,
    H_RESOURCE = -16,
    H_ADAPTER_PARM = -17,
    H_RH_PARM = -18,
    H_RCQ_PARM = -19,
    H_SCQ_PARM = -20,
    H_EQ_PARM = -21,
    H_P2 = -55,
    H_P3 = -56,
    H_P4 = -57,
    H_P5 = -58,
    H_P6 = -59,
    H_P7 = -60,
    H_P8 = -61,
    H_P9 = -62,
    H_NOOP = -63,
    H_TOO_BIG = -64,
    H_UNSUPPORTED = -67,
    H_OVERLAP = -68,
    H_INTERRUPT = -69,
    H_BAD_DATA = -70,
    H_NOT_ACTIVE = -71,
    H_SG_LIST = -72,
    H_OP_MODE = -73,
    H_COP_HW = -74,
    H_STATE = -75,
    H_ABORTED = -78,
};

#define HCALL(number, name, ...) name = number,
enum hcall_number {
#include "proto/papr/hcall.def"
    HCALL_NONE = -1,
};
#undef HCALL

typedef long hcall_fn(struct cpu *cpu, u64 *args);

struct hcall_row {
    u32 number;
    const char *name;
    hcall_fn *handler;
    u8 args, results;
    const char *function_set;
    const char *section;
};

extern const struct hcall_row hcall_rows[];
extern const unsigned hcall_rows_len;

// The cpu_hooks entry: finds the row, calls it, writes back R3 and the results. Unknown: H_FUNCTION.
void hcall_dispatch(struct cpu *cpu);

// The name of a call, or NULL: for reports.
const char *hcall_name(u64 number);

// When set, called after each call (row NULL: unknown number; in: R4.. as passed, out: as returned). Set while no thread runs.
extern void (*hcall_trace)(struct cpu *cpu, u64 number, const struct hcall_row *row, const u64 *in, const u64 *out, long rc);

// Private calls between our own firmware and us: outside the architected ranges, not in the table's function sets.
#define HCALL_RTAS 0xf000u   // R4 = guest real address of the RTAS argument buffer
#define HCALL_CLIENT 0xf001u // R4 = guest real address of the client interface argument array

#endif
