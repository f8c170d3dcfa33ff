// SPDX-License-Identifier: Apache-2.0
// The hardware threads of one partition together: what they share, and how one reaches the others while they run.
//
// A thread is `running` while it may use cached translations. Invalidations are queued for every other thread and the
// requester waits (letting the host run others) until each running one has served its queue; a thread that is not
// running serves it before it runs again. While a requester waits it counts as not running, so that two of them never
// wait for each other. Lock order: group->lock, then a thread's queue lock.
#ifndef CPU_GROUP_H
#define CPU_GROUP_H

#include <pthread.h>

#include "cpu/cpu.h"
#include "cpu/mem.h"

#define GROUP_CPUS_MAX 512 // 64 virtual processors of 8 threads

// What the layer above provides. Called on the cpu's own thread unless it says otherwise.
struct cpu_hooks {
    // `sc 1` from supervisor state: arguments in GPR3-12, results there. May block (cpu_idle), may stop the cpu.
    void (*hcall)(struct cpu *cpu);
    // Access to a guest real address that is not memory. size 1, 2, 4, 8; value in the guest's order of significance
    // (already swapped to host integers as a big-endian device sees it). false: no such device (machine check / DSI).
    bool (*mmio_read)(struct cpu *cpu, u64 gra, unsigned size, u64 *value);
    bool (*mmio_write)(struct cpu *cpu, u64 gra, unsigned size, u64 value);
    // The thread starts and stops using its host CPU (dispatch accounting); not `running` then. Starting may block.
    void (*dispatch)(struct cpu *cpu, bool running);
    // Asked now and then while the thread runs: true when it should stop using its host CPU for a moment. May be NULL.
    bool (*preempt)(struct cpu *cpu);
    // An idle thread may watch for its next interrupt a few microseconds instead of sleeping at once: nobody waits for its host CPU. NULL: no.
    bool (*may_spin)(struct cpu *cpu);
    // The owner wants to access a page that was taken away (cpu/track.h): returns when it is there again. May block, with cpu_leave() and
    // cpu_enter() around it; the instruction starts again afterwards. NULL: nobody takes pages.
    void (*page_in)(struct cpu *cpu, u64 gra);
    // An interrupt of this vector is about to be delivered to the partition; for tracing and H_CEDE bookkeeping. May be NULL.
    void (*interrupt)(struct cpu *cpu, unsigned vector);
    // A system reset or machine check is to be delivered (its bits of SRR1; DAR and DSISR are set): the real address of its handler, the
    // vector itself where nobody chose another, or NMI_LATER to try again soon. May change R3. NULL: always the vector.
    u64 (*nmi)(struct cpu *cpu, unsigned vector, u64 srr1);
};
#define NMI_LATER (~0ull)

// The hashed page table as the MMU reads it; papr/hpt.c owns and changes it.
struct hpt {
    u8 *base;  // 16-byte big-endian-free entries: two host-order u64 each, V then R (papr/hpt.c converts for the guest)
    u64 *vr;   // the same memory as doublewords
    u32 shift; // log2 of the size in bytes, 18..46
    _Atomic u32 *locks; // one lock bit per group of eight entries; see papr/hpt.c
};

struct cpu_group {
    // Fixed after start.
    struct guest_mem *mem;
    const struct cpu_hooks *hooks;
    void *owner; // the partition, for the hooks
    struct cpu *cpus[GROUP_CPUS_MAX];
    _Atomic u32 len; // grows, in an exclusive section; what is below it stays
    u32 threads_per_vcpu;
    struct reserve_line *reserve_lines;

    // Changed only while no thread runs, or exclusively.
    struct hpt *hpt;            // hash
    u64 prtb;                   // radix: process table, as H_REGISTER_PROC_TBL gave it (base | size)
    bool radix;                 // the partition uses radix translation (LPCR[HR])
    bool gtse;                  // tlbie in supervisor state is allowed
    u64 rma_size;               // real mode limit for hash
    u64 vrma_vsid;              // 0: real mode is offset 0 + limit; else the virtual real mode area
    struct debug_points *debug; // cpu/debug.c: breakpoints and watchpoints; NULL: none

    // Time: tb = (CLOCK_MONOTONIC ns + tb_offset_ns) * 512 MHz.
    s64 tb_offset_ns;
    _Atomic u64 tb_stopped; // not 0: what the time base says

    pthread_mutex_t lock;
    pthread_cond_t changed; // a thread stopped running, or an exclusive section ended
    // Held throughout exclusive sections, and by a thread that is none of the group's while it reads what changes only there.
    pthread_mutex_t outside;

    // Atomic; written under lock.
    _Atomic u32 exclusive; // an exclusive section is wanted or in progress
};

#define TIMEBASE_HZ 512000000ull

int group_init(struct cpu_group *group, struct guest_mem *mem, const struct cpu_hooks *hooks, void *owner);
void group_fini(struct cpu_group *group);

// A new thread in its reset state, added to the group, before any thread runs or in an exclusive section. NULL: no memory, or too many.
struct cpu *group_add_cpu(struct cpu_group *group, u32 vcpu, u32 thread, u32 server, u32 pvr);

// Only instructions of kind CTX or BRANCH may end in a call of what follows: predecoded pages may go away meanwhile.

// Marks the owner as inside (outside) guest code. Entering serves queued invalidations and waits for an exclusive section
// of another thread to end. Engines call them around guest code, services around anything that blocks.
void cpu_enter(struct cpu *cpu);
void cpu_leave(struct cpu *cpu);

// Serves queued invalidations (ATTN_REQUEST), and lets an exclusive section pass. Owner, at an instruction boundary.
void cpu_serve_requests(struct cpu *cpu);

// Between these two calls no other thread of the group is inside guest code, and none enters. `self` may be NULL (called
// from a thread that is no cpu). They nest not. Who changes what is to be changed exclusively while no thread runs anyway, without these
// calls, still needs group->outside.
void group_exclusive_begin(struct cpu_group *group, struct cpu *self);
void group_exclusive_end(struct cpu_group *group, struct cpu *self);

// TLB invalidation on every thread of the group, complete when the call returns. `self` is the calling thread or NULL.
enum tlb_scope {
    TLB_ALL,     // everything
    TLB_EA_PAGE, // one effective page of one PID: arg0 = effective address, arg1 = pid, arg2 = log2 of the page size
    TLB_PID,     // everything of one PID: arg1 = pid
    TLB_VPN, // hash: arg0 = virtual address >> 12 (its low 64 bits), arg1 = log2 page size, arg2 = log2 segment size
    TLB_REAL_WRITE, // write translations to guest real page arg0
    TLB_REAL,       // all translations to guest real page arg0
};
void group_invalidate(struct cpu_group *group, struct cpu *self, enum tlb_scope scope, u64 arg0, u64 arg1, u64 arg2);

// Asks a thread to leave the fast path (sets attn bits) and, if it idles, wakes it. Any thread.
void cpu_kick(struct cpu *cpu, u32 attn);

// Raises or lowers interrupt lines of a thread and kicks it. Any thread.
void cpu_raise_line(struct cpu *cpu, u32 lines);
void cpu_lower_line(struct cpu *cpu, u32 lines);

// Blocks the owner until a line is up, its decrementer expires, attn asks to stop, or deadline (time base value; ~0ull: none). The
// thread does not count as running meanwhile and uses no host CPU, but for a short look-out where sleeps turned out to be short. PURR stands still. Used by H_CEDE and stopped threads.
void cpu_idle(struct cpu *cpu, u64 deadline_tb);

// Stops using the host CPU and starts again when the hypervisor dispatches the thread anew. Owner, at an instruction boundary.
void cpu_give_way(struct cpu *cpu);

u64 group_timebase(const struct cpu_group *group);
// Time stands still between the two. In an exclusive section.
void group_stop_time(struct cpu_group *group);
void group_start_time(struct cpu_group *group);
static inline u64 cpu_timebase(const struct cpu *cpu)
{
    return group_timebase(cpu->group);
}

#endif
