// SPDX-License-Identifier: Apache-2.0
// A partition of a managed system, in this process: what it is and has, it is told over the socket that it was started with.
#ifndef LPAR_MANAGED_H
#define LPAR_MANAGED_H

// `listen_fd` is bound to an address that the daemon knows. Serves until the partition has ended; the value is the exit status.
int managed_run(int listen_fd);

#endif
