// SPDX-License-Identifier: Apache-2.0
// openlpar-uplink: what is on the other side of a partition's virtual Ethernet adapter when that is no switch: the user-mode network. A process of its own, for it parses what the partition
// sends and opens connections. One thread. Started with a socket as descriptor 3 (proto/vio/uplink.h).
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vios/net/shut_in.h"
#include "vios/net/user.h"

static int failed(const char *why)
{
    struct uplink_message answer = {.type = UPLINK_FAILED};
    snprintf(answer.text, sizeof(answer.text), "%s", why);
    uplink_send(UPLINK_FD, &answer, NULL);
    return 1;
}

int main(int argc, char **argv)
{
    int type = 0, fds[3];
    socklen_t size = sizeof(type);
    if (argc != 1 || getsockopt(UPLINK_FD, SOL_SOCKET, SO_TYPE, &type, &size) || type != SOCK_SEQPACKET) {
        fprintf(stderr, "openlpar-uplink: openlpar starts this program: openlpar boot --net user\n");
        return 1;
    }
    struct uplink_message start;
    if (uplink_receive(UPLINK_FD, &start, fds) != 1 || start.type != UPLINK_START)
        return 1;
    signal(SIGPIPE, SIG_IGN);
    const char *why = NULL;
    struct ring_fds link = {fds[0], {fds[1], fds[2]}};
    struct user_net *net = user_net_new(&start, &link, &why);
    if (!net)
        return failed(why);
    int err = shut_in();
    if (err)
        return failed(strerror(-err));
    struct uplink_message ready = {.type = UPLINK_READY};
    if (!uplink_send(UPLINK_FD, &ready, NULL))
        user_net_run(net, UPLINK_FD);
    user_net_free(net);
    return 0;
}
