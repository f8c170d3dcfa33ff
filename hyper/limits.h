// SPDX-License-Identifier: Apache-2.0
// What a partition's process may take of the host, set and looked at from outside of it.
#ifndef HYPER_LIMITS_H
#define HYPER_LIMITS_H

#include "base/types.h"

// Address space, by the memory (MB) and the hardware threads that the partition can ever have.
void limits_set(int pid, u64 max_mem, u64 threads);

// Whether its own memory and its threads are what such a partition can need. false with *why.
bool limits_kept(int pid, u64 max_mem, u64 threads, char *why, size_t size);

#endif
