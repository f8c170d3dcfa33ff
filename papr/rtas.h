// SPDX-License-Identifier: Apache-2.0
// Run-time abstraction services. LoPAR "RTAS Call Functions".
#ifndef PAPR_RTAS_H
#define PAPR_RTAS_H

#include "cpu/cpu.h"

// LoPAR "RTAS Status Codes"
struct partition;

enum rtas_status {
    RTAS_SUCCESS = 0,
    RTAS_HARDWARE_ERROR = -1,
    RTAS_BUSY = -2,
    RTAS_PARAMETER = -3,
    RTAS_NOT_AUTHORIZED = -9002,
    RTAS_NO_INDICATOR = -3,
    RTAS_NOT_SUPPORTED = -3,
    RTAS_MULTI_LEVEL_ISOLATION = -9000,
    RTAS_VALID_TRANSLATION = -9001,
    RTAS_NO_ERRORS_FOUND = 1,
    RTAS_MORE_DATA = 1,
    RTAS_CONFIG_CALL_AGAIN = -2003,
    RTAS_NOT_SUSPENDABLE = -9004,
    RTAS_NOT_CONFIGURABLE = -9003,
    RTAS_BAD_ARGUMENT = -9999,
};

// A call in progress: arguments are copied in before the handler runs, results copied out after it.
struct rtas_call {
    u32 nargs, nret; // as the guest says; args[] beyond nargs read as 0
    u32 args[16];
    u32 ret[16]; // ret[0] is the status, which the handler returns
};

typedef int rtas_fn(struct cpu *cpu, struct rtas_call *call);

struct rtas_row {
    u32 token;
    const char *name; // property of /rtas
    rtas_fn *handler;
    u8 nargs, nret; // exactly what the call takes and gives (nret includes the status)
    const char *section;
    u8 optional; // arguments beyond nargs that may be there
};

extern const struct rtas_row rtas_rows[];
extern const unsigned rtas_rows_len;

// Serves HCALL_RTAS: `addr` is the guest real address of the argument buffer (32-bit big-endian cells). Never fails: bad buffers
// are answered with a status where there is a place for one.
void rtas_call(struct cpu *cpu, u64 addr);

// When set, called after each call (row NULL: unknown token). Set while no thread runs.
extern void (*rtas_trace)(struct cpu *cpu, u32 token, const struct rtas_row *row, const struct rtas_call *call);

// The RTAS region as instantiate-rtas places it: the entry's code, then what a handler registered by ibm,nmi-register finds: R3 and
// the error log of a machine check (one at a time), and for each thread R3 of a system reset.
#define RTAS_BLOB_SIZE    0x3000u
#define RTAS_CHECK_AREA   0x100u
#define RTAS_RESET_AREA   0x1000u
#define RTAS_RESET_STRIDE 16u

// The cpu_hooks entry: where a system reset or machine check is to be handled (ibm,nmi-register).
u64 rtas_nmi(struct cpu *cpu, unsigned vector, u64 srr1);

// State of the calls: last error, indicators. 0 or a negative errno.
int rtas_init(struct partition *lp);
void rtas_fini(struct partition *lp);

// What the operator panel shows ("first line / second line"). False: nothing. Any thread.
bool rtas_panel_text(const struct partition *lp, char *text, size_t size);

#endif
