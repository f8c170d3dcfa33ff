// SPDX-License-Identifier: Apache-2.0
// Which hardware threads run when there are more of them than host CPUs: the dispatcher of a partition that nobody manages.
//
// At most `tokens` threads run guest code at once, in turn, DISPATCH_QUANTUM_NS each. The guest learns from its virtual processor area who
// waits, and helps a preempted lock holder by H_CONFER: left to the host's scheduler, which knows neither, a guest's spin locks
// would be held by threads that do not run. Any thread may call everything here.
//
// Where the host has less than it says, because others use it, its scheduler puts two of our threads on one CPU, and they run in turn for
// milliseconds: one waits all that time, in a loop, for what the other would do. A thread that sees another one on its CPU gives way to
// it after DISPATCH_TURN_NS, and does not spend its turn on looking out for it.
#ifndef LPAR_DISPATCH_H
#define LPAR_DISPATCH_H

#include <pthread.h>

#include "cpu/group.h"

#define DISPATCH_QUANTUM_NS 4000000 // less than half a dispatch window of 10 ms
#define DISPATCH_TURN_NS    100000  // of its own time: the host's CPU may do something else meanwhile

struct dispatcher {
    pthread_mutex_t lock;
    // Under lock.
    u32 tokens;                // free ones
    u16 queue[GROUP_CPUS_MAX]; // ring of waiting threads, each at most once
    u32 first;
    // Atomic; written under lock.
    _Atomic u32 waiting; // in the queue
    _Atomic u32 len;     // threads that have run
    struct dispatch_thread {
        _Atomic u32 granted;  // futex word
        _Atomic s64 since;    // when it began to run (monotonic clock)
        _Atomic s32 host_cpu; // where it was last seen to run; -1 while it does not
        s64 turn;    // the owner's: its processor time when it first saw another thread on its CPU; 0: it did not yet
        bool yields; // likewise: it ends its turn
    } threads[GROUP_CPUS_MAX];
};

// As many tokens as host CPUs that this process may use.
void dispatch_init(struct dispatcher *d);
void dispatch_fini(struct dispatcher *d);

// Returns when the thread may run.
void dispatch_begin(struct dispatcher *d, u32 thread);
void dispatch_end(struct dispatcher *d, u32 thread);
// Its time is over and somebody waits: it should call dispatch_end() and dispatch_begin().
// The owner's.
bool dispatch_over(struct dispatcher *d, u32 thread);
// Another thread runs, and the host has them both on one CPU. The owner's.
bool dispatch_crowded(struct dispatcher *d, u32 thread);
// If it waits, it is next.
void dispatch_promote(struct dispatcher *d, u32 thread);

#endif
