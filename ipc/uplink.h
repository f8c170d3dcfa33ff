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

struct uplink_spec {
    struct uplink_port port;
    const struct ring_fds *link; // stays the caller's
    u32 first_address;           // that DHCP gives to adapters without a lease; 0: UPLINK_GUEST
    const struct uplink_forward *forwards;
    u32 forwards_len;
};

// Starts it and tells it what it is to do; its answer comes by the socket. 0 or a negative errno, nothing being left then.
int uplink_begin(const struct uplink_spec *spec, struct uplink_process *process);
// Waits for its answer. 0, or a negative errno with `why`; it is ended then.
int uplink_wait_ready(struct uplink_process *process, char *why, size_t why_size);
// Ends it, if there is one.
void uplink_end(struct uplink_process *process);

#endif
