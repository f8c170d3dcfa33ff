// SPDX-License-Identifier: Apache-2.0
// A partition's side of being dispatched by the daemon (proto/hyper/share.h). While there is no daemon, its threads run as those of a partition that nobody manages
// (lpar/dispatch.h), but no longer than it is entitled to (lpar/lease.h); a daemon that comes back takes over as each of them is dispatched the next time.
//
// The hardware threads of a virtual processor run together: the first one that has work asks for a processor, the last one that has none gives
// it back, and when the time is over all of them stop. Each of them binds itself to the host CPU of the processor.
#ifndef LPAR_SHARE_H
#define LPAR_SHARE_H

#include <pthread.h>

#include "lpar/dispatch.h"
#include "lpar/lease.h"
#include "proto/hyper/share.h"

struct hv_ppp;

struct share_client {
    struct dispatcher *alone; // who dispatches while nobody else does
    u32 threads;              // of a virtual processor
    struct share *map;        // fixed from the first attachment on; NULL: there was none
    _Atomic u32 attached;     // the daemon dispatches
    struct lease lease;       // while nobody dispatches it
    int bell;                 // -1: none. Changed while nobody is attached
    struct share_gate {
        pthread_mutex_t lock;
        // Under lock.
        u32 active;       // threads that run
        bool closing;     // its time is over: nobody goes in until all are out
        u32 outside;      // threads that wait to go in
        _Atomic u32 turn; // futex: changes when all are out
    } gates[SHARE_VPS_MAX];
    struct share_thread { // the thread's own
        bool alone;       // it runs without the daemon
        bool gives_way;   // H_CONFER: it will be back
        bool naps;        // nobody else waits for the processor: it gives whoever it waits for a moment
        s32 host_cpu;     // to which it is bound; -1: to none
        s64 began_ns;     // its processor time when it began
        s64 lease_until;  // while it is alone: its turn is over then
    } each[GROUP_CPUS_MAX];
};

void share_init(struct share_client *c, struct dispatcher *alone);
void share_fini(struct share_client *c);
// Before the partition's threads start.
void share_set_threads(struct share_client *c, u32 threads_per_vp);

// The daemon's memory and bell; descriptors are duplicated. 0 or a negative errno. One thread attaches and detaches.
int share_attach(struct share_client *c, int memory_fd, int bell_fd);
void share_detach(struct share_client *c);
// No thread of the partition runs: nothing of it is wanted.
void share_quiet(struct share_client *c);

// As struct hv_ops says.
void share_begin(struct share_client *c, u32 thread);
void share_end(struct share_client *c, u32 thread, bool ceded);
bool share_over(struct share_client *c, u32 thread);
bool share_alone(struct share_client *c, u32 thread);
void share_conferring(struct share_client *c, u32 thread, s32 to);
void share_confer(struct share_client *c, s32 to);
// false: the daemon does not say.
bool share_ppp(struct share_client *c, struct hv_ppp *ppp);
bool share_set_ppp(struct share_client *c, u32 units, u32 weight);

#endif
