// SPDX-License-Identifier: Apache-2.0
// A process that serves partitions gives up what it does not need before it reads what they say.
#ifndef IPC_SHUT_IN_H
#define IPC_SHUT_IN_H

enum shut_in_right {
    SHUT_IN_READ_FILES = 1,  // opening files for reading, beside the calls that are listed
    SHUT_IN_WRITE_FILES = 2, // what it has open may grow
    SHUT_IN_REFUSE =
        4, // a call that is not listed fails with EPERM, for the sake of libraries; else it ends the process
};

// From now on: no new privileges, no core files, and of all system calls the listed ones (numbers as SCMP_SYS() says). While the process has one thread. 0 or a
// negative errno.
int shut_in(const int *calls, unsigned len, unsigned rights);

#endif
