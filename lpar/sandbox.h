// SPDX-License-Identifier: Apache-2.0
// Shuts this process in: what it has from now on is its memory and the descriptors that it holds.
//
// In this order, each as far as the host lets an ordinary user: an empty view of the file system and no network (namespaces), no new privileges, limits on
// descriptors and core files, and a list of the system calls that are left. What is not on the list answers with an error where a library may try it
// and can do without, and ends the process otherwise.
#ifndef LPAR_SANDBOX_H
#define LPAR_SANDBOX_H

#include "base/types.h"

enum sandbox_part { SANDBOX_MOUNTS = 1, SANDBOX_NETWORK = 2, SANDBOX_CALLS = 4 };

// While the process has one thread. What took effect (enum sandbox_part), or a negative errno when the system call filter, which works everywhere, did not.
int sandbox_enter(void);

#endif
