// SPDX-License-Identifier: Apache-2.0
// The data path of a Virtual I/O Server: its process (openlpar-viosd), the clients that it serves, and what it is told. It is started again whenever it ends, with a new link for
// each client, and told everything anew; the clients hear of that over their channels (lpar/servers.h).
//
// One thread, which waits for each answer of that process: it answers at once, or is ended.
#ifndef VIOS_ADMIN_DATA_H
#define VIOS_ADMIN_DATA_H

#include <poll.h>

#include "proto/vio/config.h"
#include "vios/admin/ios.h"

#define DATA_POLLS_MAX (1 + VIOS_ADAPTERS_MAX)

struct data;

struct data_hooks {
    void (*serves)(int pid, u64 dead_ms); // there is another process; processor time of those before
    void (*parted)(u32 slot, u64 number); // a client's end of its channel is closed
    void (*event)(const struct vios_event *event);
    void (*log)(const char *text);
};

// folder: of files that keep reservations. NULL: no memory.
struct data *data_new(const char *folder, const struct data_hooks *hooks);
// What to tell a server comes from here; to be set before the first data_serve().
void data_set_ios(struct data *data, struct ios *ios);
void data_free(struct data *data); // ends the process; takes NULL

// Starts the process. 0, or a negative errno with `why` (IOS_WHY_MAX).
int data_start(struct data *data, char *why);

// Calls serves() once more, for a new hypervisor.
void data_tell(const struct data *data);

// The adapter in `slot` has a client, which is at the other end of the channel, whose descriptor is taken over.
void data_join(struct data *data, u32 slot, u32 client, u32 client_slot, u64 number, int channel);
// It has none any more.
void data_part(struct data *data, u32 slot);
// "slot:client:client slot:number,..."
void data_describe(const struct data *data, char *text, size_t size);

// Of commands; the context is the data path.
extern const struct ios_effects data_effects;

// What to wait for, and for how long at most (ms; -1: for ever); then what to do about it.
u32 data_poll(struct data *data, struct pollfd polls[DATA_POLLS_MAX], int *wait_ms);
void data_serve(struct data *data, const struct pollfd *polls, u32 len);

// For data_effects.power and whoever asks for it: the partition is to end.
bool data_power(const struct data *data, bool *restart);

#endif
