// SPDX-License-Identifier: Apache-2.0
// The system's own way outside, its attribute `network`: a user-mode network (openlpar-uplink), or an interface of the host, as a trunk adapter of a switch, for systems without a Virtual I/O Server. A partition with the number N has the
// address 10.0.2.(14 + N) there. The process is there while a partition has an adapter. The daemon's thread only.
#ifndef HYPER_OUTSIDE_H
#define HYPER_OUTSIDE_H

#include "hyper/system.h"

// A value of the attribute. 0, or -1 with the answer.
int outside_check(const char *value, struct answer *answer);

// The attribute has a value: at the start, and after each change.
void outside_changed(struct sys *sys);
void outside_end(struct sys *sys);

// A partition that starts has its adapters.
void outside_attach(struct sys *sys, const struct lp *lp);

// Starts the process where it should be there. How long until the next look, ns; -1: for ever.
s64 outside_tick(struct sys *sys);
// What to wait for; -1: nothing.
int outside_socket(const struct sys *sys);
void outside_ready(struct sys *sys);

#endif
