// SPDX-License-Identifier: Apache-2.0
// The seam between a partition's own services and whoever manages partitions: the null hypervisor of `openlpar boot`, or the
// daemon. Every callback may be called from any of the partition's threads, must not block for longer than a lock, and never fails
// by ending the process.
#ifndef PAPR_HV_OPS_H
#define PAPR_HV_OPS_H

#include "base/types.h"

struct cpu;
struct partition;

// What a partition has of the processors, in hundredths of one where it says units.
struct hv_ppp {
    u32 units, units_max;   // entitlement; as far as the partition may raise it itself
    u32 weight, weight_max; // of an uncapped one
    bool capped, dedicated;
    u32 pool;                        // its shared processor pool
    u32 pool_units;                  // that the pool can have
    u32 pool_processors, processors; // physical ones: of all pools, of the system
    u64 pool_idle_ns;                // processor time of the pools that nobody used
};

struct hv_ops {
    // Console output of the virtual terminal: takes up to `size` bytes and returns how many it took (0: busy, the guest tries again).
    size_t (*console_write)(void *arg, const u8 *data, size_t size);
    // Console input: up to `size` bytes waiting for the guest, 0 when there are none. Whoever feeds the console calls
    // vty_input_ready() when there are.
    size_t (*console_read)(void *arg, u8 *data, size_t size);
    // The partition ended (enum partition_end); its threads leave guest code.
    void (*ended)(void *arg, struct partition *lp);
    // True random bytes.
    void (*random)(void *arg, void *data, size_t size);
    // Wall-clock time, nanoseconds since 1970 (UTC), and setting the partition's offset to it.
    s64 (*time_of_day)(void *arg);
    void (*set_time_of_day)(void *arg, s64 ns);
    // A hardware thread (its index) may use a host CPU when begin returns, which may take as long as others run, until end. over: it should
    // end and begin again, as another one waits. Each may be NULL: the host's scheduler decides. The thread does not count as running
    // during begin.
    void (*dispatch_begin)(void *arg, u32 thread);
    void (*dispatch_end)(void *arg, u32 thread, bool ceded); // ceded: it has nothing to do
    bool (*dispatch_over)(void *arg, u32 thread);
    bool (*dispatch_alone)(void *arg, u32 thread); // no thread waits for a host CPU, or for this one's
    // The thread is about to give up its time (before end) to thread `to` of the partition, or to anybody (to < 0). May be NULL.
    void (*conferring)(void *arg, u32 thread, int to);
    // A thread that gave up its time (between end and begin): to thread `to` of the partition, or to anybody (to < 0).
    void (*confer)(void *arg, int to);
    // The OS did something with its connectors (papr/drc.h). May be NULL.
    void (*connectors_changed)(void *arg);
    // The partition got a hardware thread, which needs a thread of the host; where it has one already: 0. Else a negative errno. NULL: there
    // are no more threads than at its start.
    int (*thread_added)(void *arg, struct cpu *cpu);
    // Processor configuration; false: nobody divides the processors. And what the partition wants of what it may have (within the maxima). NULL: nobody does.
    bool (*ppp)(void *arg, struct hv_ppp *ppp);
    bool (*set_ppp)(void *arg, u32 units, u32 weight);
    // Non-volatile memory was written: [offset, offset+size) of `data`. May keep it on disk, later. May be NULL.
    void (*nvram_changed)(void *arg, const u8 *data, size_t offset, size_t size);
    // Firmware waits for somebody at the console: in its menus ("sms"), at its prompt ("of"), or (NULL) no more. May be NULL.
    void (*firmware_waits)(void *arg, const char *where);
    // A line for the log about the partition (rate-limited by the callee). level: 0 error, 1 warning, 2 information.
    void (*log)(void *arg, int level, const char *text);
};

#endif
