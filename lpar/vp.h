// SPDX-License-Identifier: Apache-2.0
// The host threads that run a partition's hardware threads.
#ifndef LPAR_VP_H
#define LPAR_VP_H

#include <pthread.h>

#include "cpu/run.h"
#include "lpar/hold.h"
#include "papr/partition.h"

struct vps {
    struct partition *lp;
    struct hold *hold;
    const struct cpu_engine *engine;
    u64 boot_msr_set, boot_msr_clear; // what the boot program needs in MSR other than a started thread
    void (*entered)(
        void *arg); // the first instruction is about to be executed; thread 0 calls it. NULL: nobody wants to know
    void *entered_arg;
    pthread_mutex_t lock; // around what follows
    struct vp *each;
    u32 len;
};

// Starts one host thread per hardware thread. 0 or a negative errno: the partition was ended and all threads are gone.
int vps_start(struct vps *vps);

// The host's thread of a hardware thread that was added; nothing when it has one. A hardware thread's own. 0 or a negative errno.
int vps_add(struct vps *vps, struct cpu *cpu);

// Waits for all of them to end, which they do when the partition has ended.
void vps_join(struct vps *vps);

#endif
