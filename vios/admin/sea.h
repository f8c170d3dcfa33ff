// SPDX-License-Identifier: Apache-2.0
// What carries the frames of a Virtual I/O Server: a process (openlpar-uplink) for each Shared Ethernet Adapter, and the links of the server's virtual adapters to the system's switch, which outlive it.
// It is started again whenever it ends; meanwhile its trunk adapters are closed, so that another server's can take their place.
//
// One thread. A command waits for the process that it starts.
#ifndef VIOS_ADMIN_SEA_H
#define VIOS_ADMIN_SEA_H

#include <poll.h>

#include "ipc/ring.h"
#include "vios/admin/ios.h"

#define SEAS_MAX 16u

struct seas;

// kind, label, adapter and text go to the error log.
typedef void (*seas_report)(char kind, const char *label, const char *adapter, const char *text);

struct seas *seas_new(seas_report report); // NULL: no memory
void seas_free(struct seas *seas);         // ends the processes; takes NULL

// A virtual adapter of the server's, with its link, whose descriptors are taken over; NULL: it has one, and something else about it is new.
struct seas_adapter {
    u8 mac[6];
    u16 pvid;
    const char *vlans; // with commas between them
    const struct ring_fds *link;
};
void seas_adapter(struct seas *seas, u32 slot, const struct seas_adapter *adapter);

// Of commands; the context is the struct seas.
extern const struct ios_net_effects seas_effects;

// What to wait for, and for how long at most (ms; -1: for ever); then what to do about it.
u32 seas_poll(struct seas *seas, struct pollfd polls[SEAS_MAX], int *wait_ms);
void seas_serve(struct seas *seas, const struct pollfd *polls, u32 len);

#endif
