// SPDX-License-Identifier: Apache-2.0
// One change of what a running partition has: connectors are asked for one after the other until there are as many as wanted, none is left to
// ask for, or time is up. What came of each is what the OS does with it (papr/drc.h); nothing in the OS has to know of us.
//
// An OS that fails says nothing. When it has been silent for a while it is asked what tells that everything before is over (drc_probe).
#ifndef LPAR_DLPAR_H
#define LPAR_DLPAR_H

#include "papr/drc.h"

struct dlpar {
    bool active, add;
    enum drc_kind kind;
    u32 number; // the request's
    u32 wanted, done, refused;
    u32 halved;  // processors that it would not give back, but took threads offline of
    u32 threads; // that ran of the processor asked for last
    bool timed_out;
    bool asked, probing;
    u32 index; // asked for last
    u32 next;  // adding: the first to ask for; removing: all that are asked for are below
    u32 activity;
    s64 deadline;              // ns; 0: none
    s64 heard_at, reminded_at; // when the OS last did something; was last reminded
};

// `seconds` 0: no limit.
void dlpar_begin(struct dlpar *d, u32 number, enum drc_kind kind, bool add, u32 wanted, u64 seconds, s64 now);

// To be called when a connector changed (hv_ops.connectors_changed), and when the time passed that the last call returned, ns. It ends
// with `active` false.
s64 dlpar_step(struct dlpar *d, struct partition *lp, s64 now);

#endif
