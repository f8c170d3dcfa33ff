// SPDX-License-Identifier: Apache-2.0
// Virtual adapters that come and go while the operating system runs.
//
// What comes is attached and offered; the operating system has it when it has configured the connector, and it stays on offer when it has not in time. What goes is wanted
// back, and detached when the operating system has let go of it. The hypervisor hears how it went (MESSAGE_PLUGGED). One at a time, on the thread that
// hears the hypervisor.
#ifndef LPAR_SLOTS_H
#define LPAR_SLOTS_H

#include "lpar/life.h"
#include "lpar/servers.h"
#include "proto/hyper/message.h"
#include "proto/hyper/wire.h"

struct slots {
    struct life *life;
    struct servers **servers; // made with the first adapter
    void (*send)(enum message type, const struct wire_record *values);
    bool waiting, add;       // for the operating system
    u32 number, slot;        // of the request
    u32 starts;              // of the partition, when it began
    s64 deadline, remind_at; // ns; deadline 0: none
};

void slots_init(struct slots *s, struct life *life, struct servers **servers,
                void (*send)(enum message type, const struct wire_record *values));

// MESSAGE_PLUG with the descriptors of an Ethernet adapter's link, MESSAGE_UNPLUG. `running`: the operating system does. false: it makes no sense.
bool slots_plug(struct slots *s, const struct wire_record *values, const int *fds, u32 len, bool running);
bool slots_unplug(struct slots *s, const struct wire_record *values, bool running);

// Looks, and says when it is over. The value: ms until the next look, -1: none.
int slots_step(struct slots *s);

// A daemon came: it does not know what another one asked for.
void slots_settle(struct slots *s);

#endif
