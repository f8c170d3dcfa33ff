// SPDX-License-Identifier: Apache-2.0
// The interrupt virtualization engine's state: shared by papr/xive*.c.
//
// A source's event goes: state bits P and Q (atomic) -> assignment: queue and event number (atomic doubleword) -> event queue in guest
// memory (lock of the queue) -> presentation: the thread's pending bits and line (lock of the thread). One lock at a time.
#ifndef PAPR_XIVE_INT_H
#define PAPR_XIVE_INT_H

#include "papr/hcall_int.h"
#include "papr/xive.h"

#define XIVE_PRIORITIES      8u
#define XIVE_PRIORITY_MASKED 0xffu

// State bits: P an event was sent and has not ended, Q another came meanwhile.
enum { PQ_RESET = 0, PQ_OFF = 1, PQ_PENDING = 2, PQ_QUEUED = 3 };

// Event assignment as one doubleword.
#define EAS_VALID          PPC_BIT(0)
#define EAS_MASKED         PPC_BIT(1)
#define EAS_PRIORITY_SHIFT 48
#define EAS_SERVER_SHIFT   32

struct xive_source {
    _Atomic u8 pq;
    _Atomic bool level_type, asserted;
    _Atomic u64 eas;
};

struct xive_queue {
    struct spin lock;
    bool enabled, always_notify;
    u8 shift;       // log2 bytes
    u8 generation;  // of the entries written now
    u64 addr;       // guest real
    u32 index;      // next entry
    _Atomic u8 esn; // state bits of its notification
};

// A thread's ring as the OS view shows it. ISA-level names: the QW1 bytes of the thread context.
struct xive_thread {
    struct spin lock;
    struct cpu *cpu;
    u8 nsr, cppr, ipb, lsmfb, ack_count, inc, age, pipr;
    bool signal; // its line was raised under the lock: whoever unlocks kicks it
    u64 reporting_line;
    struct xive_queue queues[XIVE_PRIORITIES];
};

struct xive {
    _Atomic u32 threads_len;
    struct xive_thread *threads;
    struct xive_source sources[XIVE_SOURCES];
};

#define NSR_EO 0x80u // exception for the OS

// The source exists: an OS's own number or one of the partition's devices.
struct xive_source *xive_find(struct xive *xive, u64 number);

// State bits to `pq`; the old ones.
u8 xive_set_pq(_Atomic u8 *state, u8 pq);
// An event on these state bits: whether it goes on. And its end: whether a queued one goes on.
bool xive_trigger_pq(_Atomic u8 *state);
bool xive_end_pq(_Atomic u8 *state);

// Sends a source's event to its queue.
void xive_notify(struct partition *lp, u32 number);
// A store or load on a source's pages; `offset` within the two pages.
u64 xive_esb_load(struct partition *lp, u32 number, u64 offset);
void xive_esb_store(struct partition *lp, u32 number, u64 offset);

#endif
