// SPDX-License-Identifier: Apache-2.0
// The threads that carry out what policy.h decides: one for each physical processor, which is bound to the host CPU that the processor is, and one that hears
// virtual processors wake up.
//
// A virtual processor's threads bind themselves to the host CPU of the processor that they are given, so that passing the processor on is two switches on one CPU
// (tests/bench/handover.c: 4 us; across CPUs 50 and more). They end their time themselves when it is over (proto/hyper/share.h); the processor's thread sleeps meanwhile, and looks
// after one that does not. A system in which nothing runs has no timer.
//
// What a process says about its time is checked: it is charged for processor time beyond it (its helper threads), and is held up by SIGSTOP when it goes on using the host while it has no processor.
//
// Any thread may call these functions; the daemon's one does.
#ifndef HYPER_DISPATCH_DISPATCHER_H
#define HYPER_DISPATCH_DISPATCHER_H

#include "hyper/dispatch/policy.h"

struct dispatcher;

// Threads for physical processors 0..n-1, on this process's host CPUs in turn. NULL: no memory or threads.
struct dispatcher *dispatcher_new(u32 processors);
void dispatcher_free(struct dispatcher *d); // partitions' processes notice by their link that nobody dispatches them

// From now on the partition's virtual processors run when they are told to. `pid` is its process. fds: its part, which the caller sends to it and
// closes: the memory (struct share), and the bell. 0 or a negative errno.
int dispatcher_attach(struct dispatcher *d, u32 id, const struct policy_config *config, int pid, int fds[2]);
// The process is gone.
void dispatcher_detach(struct dispatcher *d, u32 id);
// The configuration of a partition that is attached has changed: entitlement, weight, mode, pool, virtual processors. Takes effect at once. 0 or
// a negative errno and nothing has changed; -ENOENT: it is not attached (it will come with its configuration).
int dispatcher_configure(struct dispatcher *d, u32 id, const struct policy_config *config);
void dispatcher_set_pool(struct dispatcher *d, u32 pool, u32 max_units, u32 reserved_units);
// A physical processor is guarded, or comes back. What ran there goes elsewhere within a window.
void dispatcher_set_processor(struct dispatcher *d, u32 processor, bool usable);

// What a partition has had since it was attached.
struct dispatcher_usage {
    s64 elapsed_ns;  // since dispatcher_new()
    u64 ran_ns;      // on processors: what its PURRs say together
    u64 entitled_ns; // of this within its entitlement, as far as it is settled
    u64 beyond_ns;   // and what others had left
    u64 waited_ns;   // virtual processors with work but without a processor
    u64 charged_ns;  // processor time of its process beside that
    u64 dispatches, moves;
    u32 running, waiting; // virtual processors, now
    bool held_up;         // it is stopped because it took what it was not given
};
bool dispatcher_usage(struct dispatcher *d, u32 id, struct dispatcher_usage *usage);

// The processors.
struct dispatcher_totals {
    s64 elapsed_ns; // since dispatcher_new(), of one processor
    u32 processors; // that are usable
    u64 room_ns;    // processor time that there was, of each processor while it was usable
    u64 ran_ns;     // of all partitions, those that are gone included
    u64 idle_ns;    // room - ran
    u64 lost_ns; // of this: virtual processors had work and a processor, but the host or the dispatcher had its CPU, as far as it is settled
    u64 decisions; // how often something was chosen to run
    u64 own_ns;    // processor time of the dispatcher's own threads
};
void dispatcher_totals(struct dispatcher *d, struct dispatcher_totals *totals);

// Looks after what no thread of its own sees while nothing runs; the value is in how many ns to call again, at most a second while something is amiss.
s64 dispatcher_tick(struct dispatcher *d);
// Why its process was ended by the dispatcher, or NULL: it was not.
const char *dispatcher_offence(struct dispatcher *d, u32 id);

#endif
