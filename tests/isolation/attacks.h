// SPDX-License-Identifier: Apache-2.0
// What a partition's process whose guest has taken it over could try. Each attack is ATTACK(name, expression): a negative errno or -1 with errno
// says that it was refused, anything else that it went through.
#ifndef TESTS_ISOLATION_ATTACKS_H
#define TESTS_ISOLATION_ATTACKS_H

#include "base/types.h"

struct target {
    int daemon, other;  // processes
    const char *folder; // of the system
};

struct attack {
    const char *name;
    long (*run)(const struct target *t);
    // What stops it: the filter ends the process with SIGSYS (0), or answers with this errno, which the kernel itself would not give; or a limit does. -1: the hypervisor does, or
    // the host ends it.
    int refusal;
};

extern const struct attack attacks_calls[];     // single system calls
extern const struct attack attacks_resources[]; // more of the host than it was given
extern const struct attack attacks_messages[];  // on the socket to the hypervisor

#endif
