// SPDX-License-Identifier: Apache-2.0
// One partition: its memory, its hardware threads, and the state of the hypervisor services that concern it alone.
//
// The services here know nothing about other partitions, host files or terminals: what lies outside goes through hv_ops.
// Threads: services are called on the calling hardware thread's host thread, several at once; each service's file says how its
// state is protected.
#ifndef PAPR_PARTITION_H
#define PAPR_PARTITION_H

#include "cpu/cpu.h"
#include "cpu/group.h"
#include "cpu/mem.h"
#include "papr/hv_ops.h"

struct hpt_state;
struct xics;
struct xive;
struct tce_space;
struct rtas;
struct nvram;
struct event_log;
struct vty;
struct vio;
struct of_state;
struct of_disks;
struct of_llan;
struct drc_table;
struct watchdogs;

// What the partition was defined with. Fixed after start.
struct partition_config {
    char name[48];
    u32 id;      // 1..
    u32 vcpus;   // 1..64
    u32 threads; // 1, 2, 4 or 8 per virtual processor
    u64 memory;  // bytes, a multiple of LMB_SIZE
    // What it may be given while it runs. 0: what it has; a real mode area as large as it may be; the block that suits the memory.
    u32 vcpus_max;
    u64 memory_min, memory_max,
        lmb;       // bytes; the last: of a logical memory block, a multiple of 16 MiB that divides the others
    u32 vcpus_min; // with which it could have started; 0: 1
    u32 units_min,
        units_max; // likewise of its entitlement, hundredths of a processor, and the most that it can be given. 0: what its processors are worth
    char boot_mode[8];  // how it starts: "norm" or "", "of" (stop at the prompt of the firmware), "sms" (its menus)
    u8 isa_level;       // the processor: LEVEL_V207 or LEVEL_V30
    bool radix_allowed; // --mmu
    bool hash_allowed;
    const char *bootargs;         // borrowed
    u64 initrd_addr, initrd_size; // guest real
    int memory_fd;                // the file that is its memory; 0: one of its own
    char serial[8];               // of the managed system; "": one that is not managed
};

#define LMB_SIZE              (256 * MIB) // logical memory block
#define PARTITION_THREADS_MAX GROUP_CPUS_MAX

// Why a partition's threads stopped for good.
enum partition_end { END_NONE, END_POWER_OFF, END_REBOOT, END_CRASH };

struct partition {
    // Fixed after start.
    struct partition_config config;
    struct guest_mem mem;
    struct cpu_group group;
    const struct hv_ops *hv;
    void *hv_arg;
    u64 rtas_base; // guest real address of the RTAS blob, set by instantiate-rtas
    u64 fdt_addr;

    // Owned by the service of the same name.
    struct hpt_state *hpt;
    struct xics *xics;
    struct xive *xive;
    struct tce_space *tce;
    struct rtas *rtas;
    struct nvram *nvram;
    struct event_log *events;
    struct vty *vty;
    struct vio *vio;              // papr/vdev_ops.h
    struct of_state *of;          // client interface
    struct of_disks *disks;       // papr/of_disk.h
    struct of_llan *firmware_lan; // papr/of_llan.h
    struct drc_table *drc;
    struct watchdogs *watchdogs;

    // Negotiated by client-architecture-support, before the OS runs.
    bool radix;      // the OS chose radix
    bool xive_mode;  // the OS chose XIVE exploitation
    u8 compat_level; // enum isa_level in force
    u8 vec5[32];     // /chosen/ibm,architecture-vec-5 as answered
    u32 vec5_len;

    // Atomic.
    _Atomic u32 end;            // enum partition_end; set once, by partition_end()
    _Atomic bool report_wanted; // the partition's state is to be reported before it restarts
    const char *end_reason;     // static text, written before `end`
};

// The hypervisor services' part of a hardware thread (cpu->papr): virtual processor area and friends. Owner: that thread, unless
// it says otherwise (papr/vpa.c, papr/sched.c).
struct papr_cpu {
    struct partition *lp;
    struct cpu *cpu;
    u64 vpa, vpa_size; // guest real addresses; 0: not registered
    u64 slb_shadow, slb_shadow_size;
    u64 dtl, dtl_size, dtl_index;
    _Atomic u32 state; // enum thread_state: stopped (RTAS), running, joined
    _Atomic u32 prodded;
    _Atomic u32 idling;      // in H_CEDE or H_CONFER: H_PROD must wake it
    u64 start_nia, start_r3; // for RTAS start-cpu
    _Atomic bool owned;      // the OS has its processor (papr/drc.c)
    _Atomic u64 yield_count;
    u64 last_hcalls[16]; // for the crash report: a ring of opcodes
    u32 last_hcalls_pos;

    // Dispatch accounting (papr/vpa.c).
    bool dispatched;                  // between dispatch(true) and dispatch(false)
    u8 wait_reason;                   // enum wait_reason of the wait in progress
    s16 host_cpu;                     // of the last dispatch
    u64 dispatched_at, waiting_since; // time base
    u64 dispatched_purr;              // at dispatch
    u64 stolen_tb;                    // time base ticks ready but not running, so far
};

enum wait_reason { WAIT_PREEMPT, WAIT_CEDE, WAIT_STOPPED };

enum thread_state { THREAD_STOPPED, THREAD_RUNNING, THREAD_STOPPING, THREAD_STARTING, THREAD_JOINED };

static inline struct partition *cpu_partition(const struct cpu *cpu)
{
    return cpu->group->owner;
}
static inline struct papr_cpu *cpu_papr(const struct cpu *cpu)
{
    return cpu->papr;
}

// Builds the partition in its powered-off state: memory, threads, services. 0, or a negative errno with *why (static text) set.
int partition_init(struct partition *lp, const struct partition_config *config, const struct hv_ops *hv, void *hv_arg,
                   const char **why);
void partition_fini(struct partition *lp);

// Back to the state before the boot image is loaded (reboot): everything as partition_init() leaves it, but for the non-volatile
// memory and the time base. No thread runs, no thread of the host refers to a cpu. 0, or a negative errno with *why set, the
// partition then being as after partition_fini().
int partition_reset(struct partition *lp, const char **why);

// Ends the partition: asks every thread to stop. Any thread; the first reason wins.
void partition_end(struct partition *lp, enum partition_end end, const char *reason);

// Another processor's threads, where they are not there yet, and the host's threads for them. `self` is the calling hardware thread, inside
// guest code. Processors are added in their order. 0 or a negative errno.
int partition_add_vcpu(struct partition *lp, struct cpu *self, u32 vcpu);

// The hardware thread with this interrupt server number, or NULL.
struct cpu *partition_cpu(struct partition *lp, u64 server);

#endif
