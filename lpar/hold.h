// SPDX-License-Identifier: Apache-2.0
// Holding a partition still: between hold_stop() and hold_resume() none of its hardware threads executes, wherever it is.
// The debugger and the register dump use it; migration will.
#ifndef LPAR_HOLD_H
#define LPAR_HOLD_H

#include <pthread.h>

#include "cpu/run.h"
#include "papr/partition.h"

enum hold_action { HOLD_RUN, HOLD_STEP };

struct hold {
    struct partition *lp;
    // A thread came back by itself (EXIT_BREAKPOINT, EXIT_STEPPED); the partition is being stopped. On the thread's own host thread,
    // without locks. Fixed before threads run; NULL: nobody is interested.
    void (*event)(void *arg, struct cpu *cpu, enum cpu_exit why);
    void *arg;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    // Under lock.
    bool held, ending;
    s32 step;    // index of the thread that may take one step, -1: none
    u32 parked;  // host threads waiting in hold_gate()
    u32 present; // host threads between hold_join() and hold_part()
    s64 since;   // clock_ns() when the partition's time was stopped, 0: it runs
};

void hold_init(struct hold *h, struct partition *lp);
void hold_fini(struct hold *h);

// Whoever creates a hardware thread's host thread joins for it; the thread itself parts, last.
void hold_join(struct hold *h);
void hold_part(struct hold *h);

// Before each run of the engine: waits while the partition is held; takes ATTN_STOP back. What to do then: run, or one step.
enum hold_action hold_gate(struct hold *h, struct cpu *cpu);
// After it, with what it returned.
void hold_report(struct hold *h, struct cpu *cpu, enum cpu_exit why);

// Before any host thread exists: none begins until hold_resume().
void hold_closed(struct hold *h);
// Returns when no thread executes any more; the partition's time stands still from then on. Not from a hardware thread's host thread.
void hold_stop(struct hold *h);
// Lets all run (step < 0), or only thread `step` for one instruction, after which the partition is held again.
void hold_resume(struct hold *h, s32 step);
// The partition ends: nobody waits any more.
void hold_end(struct hold *h);

#endif
