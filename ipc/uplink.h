// SPDX-License-Identifier: Apache-2.0
// The process of an uplink (openlpar-uplink), for whoever starts one: a partition by itself, the hypervisor, a Virtual I/O Server.
#ifndef IPC_UPLINK_H
#define IPC_UPLINK_H

#include <sys/types.h>

#include "ipc/ring.h"
#include "proto/vio/uplink.h"

struct uplink_process {
    pid_t pid;  // 0: none
    int socket; // readable: it says something (uplink_receive()), or is gone; -1: none
};

#define UPLINK_NO_PROCESS ((struct uplink_process){0, -1})

// Links' descriptors, and that of a real side that is given, stay the caller's.
struct uplink_end {
    struct uplink_port port;
    const struct ring_fds *link;
};

struct uplink_spec {
    struct uplink_port port;
    const struct ring_fds *link;
    // Of a Shared Ethernet Adapter: its real side, else it is the user-mode network; further trunk adapters, and its control channel.
    const struct uplink_real *real;
    u32 reals_len; // 0 is 1
    const struct uplink_end *more;
    u32 more_len;
    u32 first_address; // that DHCP gives to adapters without a lease; 0: UPLINK_GUEST
    const struct uplink_forward *forwards;
    u32 forwards_len;
};

// Starts it and tells it what it is to do; its answer comes by the socket. 0 or a negative errno, nothing being left then.
int uplink_begin(const struct uplink_spec *spec, struct uplink_process *process);
// Waits for its answer. 0, or a negative errno with `why`; it is ended then.
int uplink_wait_ready(struct uplink_process *process, char *why, size_t why_size);
// Asks it for UPLINK_STATE. 0 or a negative errno.
int uplink_query(const struct uplink_process *process);
// Ends it, if there is one.
void uplink_end(struct uplink_process *process);

#endif
