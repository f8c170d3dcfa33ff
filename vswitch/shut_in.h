// SPDX-License-Identifier: Apache-2.0
// The switch reads what partitions send: before it does, it gives up all but its links and its daemon's socket.
#ifndef VSWITCH_SHUT_IN_H
#define VSWITCH_SHUT_IN_H

// From now on: no files, programs, processes, connections, privileges. Where the host has no filters of system calls: no privileges. 0 or a negative errno.
int shut_in(void);

#endif
