// SPDX-License-Identifier: Apache-2.0
// The memory in which openlpard dispatches a partition's virtual processors: a file that it makes for that partition's process, and that nobody else has.
// Sealed against changes of its size.
//
// A virtual processor's `word` says who has to act. The partition's process: OUT -> WANT (and writes to the bell), IDLE -> RUN, RUN -> IDLE, RUN
// -> OUT or WANT, IDLE -> OUT (and changes `event`). The daemon: WANT -> RUN, IDLE -> OUT, and RUN -> OUT where a time that is over is ignored. Both by compare-and-swap. IDLE
// is a processor that is kept over an idle moment, as nobody waits for it: going on costs no message. Whoever keeps it looks at `contended` once more
// after it wrote IDLE; the daemon writes `contended` before it looks at the word.
//
// The daemon uses nothing that it has written here. What the process writes may be anything: time used is checked against the kernel's clocks.
// Times are the host's monotonic clock in nanoseconds, which both read.
#ifndef PROTO_HYPER_SHARE_H
#define PROTO_HYPER_SHARE_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/types.h"

#define SHARE_VPS_MAX 64u

enum share_word {
    SHARE_OUT,  // no work, no processor
    SHARE_WANT, // work, but no processor
    SHARE_RUN,  // has a processor
    SHARE_IDLE, // has one, and no work
    SHARE_GONE, // written by the process when the daemon went away
};

struct share_vp {
    _Alignas(64) _Atomic u32 word; // futex: the process waits for RUN
    _Atomic u32 event;             // futex: the daemon waits for a change
    // The daemon's.
    _Atomic u32 contended; // somebody else waits for the processor
    _Atomic u32 host_cpu;  // where to run
    _Atomic s64 until;     // RUN ends then
    _Atomic u32 processor; // the physical processor's number
    // The process's.
    _Alignas(64) _Atomic u64 ran_ns; // processor time in RUN of all of its threads, without the present turns
    _Atomic s64 run_since;           // > 0: in RUN since then; < 0: idle since that time's negative
    _Atomic s32 confer;              // SHARE_NOBODY, SHARE_ANYBODY, or who gets the rest of its time
};
#define SHARE_NOBODY  (-2)
#define SHARE_ANYBODY (-1)

// What the partition may know of its own configuration and of its pool.
struct share_facts {
    _Atomic u32 capped, dedicated, weight, pool;
    _Atomic u32 units, max_units; // entitlement; as far as the configuration lets it rise: hundredths of a processor
    _Atomic u32 max_weight;       // likewise
    _Atomic u32 pool_units;       // of its pool
    _Atomic u32 processors, system_processors; // physical ones of the shared pool, and activated in all
    _Atomic u64 pool_idle_ns;                  // as of pool_idle_at; since then it grows by pool_idle_processors
    _Atomic s64 pool_idle_at;
    _Atomic u32 pool_idle_processors;
    // The process's (H_SET_PPP): what the partition wants of that; ~0: all of it.
    _Atomic u32 wanted_units, wanted_weight;
};

struct share {
    _Alignas(4096) struct share_facts facts;
    _Alignas(4096) struct share_vp vps[SHARE_VPS_MAX];
};

// Between processes. ns < 0: no limit.
static inline void share_wait(_Atomic u32 *word, u32 value, s64 ns)
{
    struct timespec limit = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    syscall(SYS_futex, word, FUTEX_WAIT, value, ns < 0 ? NULL : &limit, NULL, 0);
}

static inline void share_wake(_Atomic u32 *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

#endif
