// SPDX-License-Identifier: Apache-2.0
// Physical processors that failed are guarded: an operator says so and it is kept, or the host's CPU that one is goes away (offline, or taken from the daemon), until
// it is back. The ones with the lowest numbers that are neither, as many as are activated, are those that are used; so a processor that was not
// activated takes the place of one that failed, and where there is none the system has less. Processors that dedicated partitions keep while they are off (hyper/usage.h) are
// not used either.
#ifndef HYPER_GUARD_H
#define HYPER_GUARD_H

#include "hyper/system.h"

#define GUARD_PROCESSORS_MAX 1024u

// After processors_begin() and before processors_end().
void guard_begin(struct sys *sys);
void guard_end(struct sys *sys);

// Looks which of the host's CPUs are there.
void guard_watch(struct sys *sys);

// Uses what should be used now: partitions were activated, or are off.
void guard_follow(struct sys *sys);

// How many processors the system can use, and how many failed.
u32 guard_usable(const struct sys *sys);
u32 guard_failed(const struct sys *sys);
u32 guard_used(const struct sys *sys); // of the usable ones, those that are used now
// Their numbers, between commas.
void guard_list(const struct sys *sys, char *text, size_t size);

// What the state of a processor is called, of OBJECT_PROCESSOR.
const char *guard_state(const struct sys *sys, u32 number);

// CHANGE of OBJECT_PROCESSOR: proc_num has failed (state Guarded), or is repaired (Configured).
int guard_change(struct sys *sys, const struct wire_message *m, struct answer *answer);

#endif
