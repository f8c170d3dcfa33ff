// SPDX-License-Identifier: Apache-2.0
// What a partition of a managed system has, changes of it, and what the daemon hears of both. One thread, which is not the one that
// starts and ends the partition.
#ifndef LPAR_RESOURCES_H
#define LPAR_RESOURCES_H

#include "lpar/dlpar.h"
#include "lpar/life.h"
#include "proto/hyper/message.h"
#include "proto/hyper/wire.h"

struct resources {
    struct life *life;
    void (*send)(enum message type, const struct wire_record *values);
    u64 mem, procs; // MB; processors
    bool listens;   // the OS takes hotplug events
    u64 told_mem, told_procs;
    bool told_listens, told;
    u32 starts; // of the partition, when the change began
    struct dlpar change;
    bool changing; // the daemon waits for an answer
};

void resources_init(struct resources *r, struct life *life,
                    void (*send)(enum message type, const struct wire_record *values));

// MESSAGE_DLPAR. false: it makes no sense.
bool resources_take(struct resources *r, const struct wire_record *values);

// Looks, goes on with a change, and says what is new. `linked`: there is a daemon to say it to. The value: ms until the next look, -1: none.
int resources_step(struct resources *r, bool running, bool linked);

// A daemon came: it is to hear what there is (mem, procs), and a change that another one asked for ends: nobody reserves anything for it.
void resources_settle(struct resources *r);

#endif
