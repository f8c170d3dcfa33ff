// SPDX-License-Identifier: Apache-2.0
// openlpar-lpar: the process of one partition of a managed system. Started by openlpard, with a bound socket as descriptor 3.
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sanitized.h"
#include "lpar/managed.h"

#define LISTEN_FD 3

SANITIZED_SHUT_IN

int main(void)
{
    int type = 0;
    socklen_t size = sizeof(type);
    if (getsockopt(LISTEN_FD, SOL_SOCKET, SO_TYPE, &type, &size) || type != SOCK_STREAM) {
        fprintf(stderr,
                "openlpar-lpar: the hypervisor starts this program: openlpar system start NAME, then chsysstate\n");
        return 1;
    }
    _exit(managed_run(LISTEN_FD));
}
