// SPDX-License-Identifier: Apache-2.0
// Partitions' processor configurations as the dispatcher (hyper/dispatch/) is told them.
#ifndef HYPER_PROCESSORS_H
#define HYPER_PROCESSORS_H

#include "hyper/system.h"

// The threads of the system's activated processors. Without them partitions run as the host divides its CPUs.
void processors_begin(struct sys *sys);
void processors_end(struct sys *sys);

// A partition's process is there: it is dispatched from now on. fds: for MESSAGE_DISPATCH, the caller's. 0 or a negative errno.
int processors_attach(struct sys *sys, struct lp *lp, int fds[2]);
// Its process is gone.
void processors_detach(struct lp *lp);

// To be called when what lp->current or lp->run_units and run_procs say has changed while the partition runs: entitlement, weight, sharing mode, pool,
// (virtual) processors. Takes effect at once.
void processors_changed(struct lp *lp);
// Does that for every partition for which it was forgotten, and when there are more or fewer processors: before each wait for something to happen.
void processors_follow(struct sys *sys);
// Pools' maxima or reserves have changed.
void processors_pools(struct sys *sys);

#endif
