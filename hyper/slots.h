// SPDX-License-Identifier: Apache-2.0
// Virtual adapters of a partition that come and go while its operating system runs: hyper/vscsi_change.c and hyper/veth_change.c change the configuration, this asks the partition.
//
// The configuration has an adapter from the moment when it is offered until the operating system gave it back. One change of a partition at a time. The daemon's thread only.
#ifndef HYPER_SLOTS_H
#define HYPER_SLOTS_H

#include "hyper/veth.h"

// Whether the partition, which is active, takes such a change now. 0, or -1 with the answer.
int slots_check(const struct lp *lp, struct answer *answer);

// The adapter is in the configuration; it is offered, for as long as the request `m` says (minutes). 1: its answer comes later (sys->answered, sys->asking); -1 with the answer, nothing changed.
struct vscsi_adapter;
int slots_plug_scsi(struct sys *sys, struct lp *lp, const struct vscsi_adapter *adapter, const struct wire_message *m);
int slots_plug_eth(struct sys *sys, struct lp *lp, const struct veth *veth, const struct wire_message *m,
                   struct answer *answer);
// It is wanted back, and leaves the configuration when it was given. 1: as above.
int slots_unplug(struct sys *sys, struct lp *lp, u32 slot, bool eth, const struct wire_message *m);

// MESSAGE_PLUGGED. 0.
int slots_take(struct sys *sys, struct lp *lp, const struct wire_record *values);
// Its process is gone.
void slots_gone(struct sys *sys, struct lp *lp);
// Gives up what takes too long. ns until the next look, -1: none.
s64 slots_tick(struct sys *sys, s64 now);

// What the operating system calls a virtual slot.
void slots_name(const struct sys *sys, const struct lp *lp, u64 slot, char name[100]);

#endif
