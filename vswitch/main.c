// SPDX-License-Identifier: Apache-2.0
// openlpar-vswitch: the Ethernet switches of a managed system, and the links of its ports. Started by openlpard, with a bound socket as descriptor 3. It outlives its daemon: the
// next one connects and hears which ports there are. One thread.
#include <stdio.h>
#include <sys/socket.h>

#include "base/sanitized.h"
#include "vswitch/serve.h"

SANITIZED_SHUT_IN

#define LISTEN_FD 3

int main(int argc, char **argv)
{
    int type = 0;
    socklen_t size = sizeof(type);
    if (argc != 1 || getsockopt(LISTEN_FD, SOL_SOCKET, SO_TYPE, &type, &size) || type != SOCK_STREAM) {
        fprintf(stderr, "openlpar-vswitch: the hypervisor starts this program: openlpar system start NAME\n");
        return 1;
    }
    return serve_run(LISTEN_FD);
}
