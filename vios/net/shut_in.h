// SPDX-License-Identifier: Apache-2.0
// An uplink's process reads what a partition sends with a library that was not written for hostile partitions alone: it gives up what it does not need before it reads the first frame.
#ifndef VIOS_NET_SHUT_IN_H
#define VIOS_NET_SHUT_IN_H

// From now on: sockets, memory, and reading files (the host's resolver configuration may change); no programs, processes, files to write, or privileges. Where the host has no
// filters of system calls: no privileges. 0 or a negative errno.
int shut_in(void);

#endif
