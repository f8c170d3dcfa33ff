// SPDX-License-Identifier: Apache-2.0
// Programs of ours that another one of ours starts to serve it.
#ifndef IPC_CHILD_H
#define IPC_CHILD_H

#include <sys/types.h>

// Starts the program `name`, which lies beside this one, with its end of a pair of sockets for sequenced packets as descriptor `fd`, and of what is ours the standard error
// alone. It is in a process group of its own: keys of the terminal are not for it. *socket is the other end. 0 or a negative errno, nothing being left then.
int child_start(const char *name, int fd, pid_t *pid, int *socket);

#endif
