// SPDX-License-Identifier: Apache-2.0
//
// The virtual processor area and its relatives: registration, and what the hypervisor writes there when it dispatches a thread.
//
// A thread's registrations belong to its owner. Another thread that registers for it (LoPAR allows it, no OS does it while the
// owner runs) does so with everybody out of the way.
#include "papr/vpa.h"

#include <sched.h>

#include "base/endian.h"
#include "papr/hcall_int.h"
#include "papr/splpar.h"

// LoPAR "Per Virtual Processor Area": offsets
#define VPA_SIZE                0x004
#define VPA_STATUS              0x009
#define VPA_STATUS_SHARED       0x02
#define VPA_DTL_MASK            0x0b8
#define VPA_YIELD_COUNT         0x100
#define VPA_DISPERSION          0x104
#define VPA_ENQUEUE_DISPATCH_TB 0x158
#define VPA_DTL_INDEX           0x218

// LoPAR H_REGISTER_VPA: functions
enum { VPA_REG = 1, DTL_REG = 2, SLB_REG = 3, VPA_DEREG = 5, DTL_DEREG = 6, SLB_DEREG = 7 };

#define VPA_ALIGN       128u
#define DTL_ENTRY_SIZE  48u
#define DTL_LOG_CEDE    0x1u
#define DTL_LOG_PREEMPT 0x2u

void vpa_reset(struct papr_cpu *pc)
{
    pc->vpa = pc->vpa_size = 0;
    pc->slb_shadow = pc->slb_shadow_size = 0;
    pc->dtl = pc->dtl_size = pc->dtl_index = 0;
}

static void put32(struct papr_cpu *pc, u64 offset, u32 value)
{
    be32 v = be32_of(value);
    guest_mem_write(&pc->lp->mem, pc->vpa + offset, &v, sizeof(v));
}

static void put64(struct papr_cpu *pc, u64 offset, u64 value)
{
    be64 v = be64_of(value);
    guest_mem_write(&pc->lp->mem, pc->vpa + offset, &v, sizeof(v));
}

static bool crosses_page(u64 addr, u64 size)
{
    return (addr & ~0xfffull) != ((addr + size - 1) & ~0xfffull);
}

static long register_vpa(struct papr_cpu *pc, u64 addr)
{
    u8 head[6];
    if ((addr & (VPA_ALIGN - 1)) || !guest_mem_read(&pc->lp->mem, addr, head, sizeof(head)))
        return H_PARAMETER;
    u64 size = load_be16(&head[VPA_SIZE]);
    if (size < VPA_SIZE_MIN || crosses_page(addr, size) || !guest_mem_contains(&pc->lp->mem, addr, size))
        return H_PARAMETER;
    pc->vpa = addr;
    pc->vpa_size = size;
    u8 status = splpar_ppp(pc->lp).dedicated ? 0 : VPA_STATUS_SHARED;
    guest_mem_write(&pc->lp->mem, addr + VPA_STATUS, &status, 1);
    put32(pc, VPA_YIELD_COUNT, (u32)atomic_load(&pc->yield_count));
    return H_SUCCESS;
}

static long deregister_vpa(struct papr_cpu *pc)
{
    if (pc->slb_shadow || pc->dtl)
        return H_RESOURCE;
    pc->vpa = pc->vpa_size = 0;
    return H_SUCCESS;
}

// Both other areas begin with a word of theirs and their length.
static bool area_size(struct papr_cpu *pc, u64 addr, u64 *size)
{
    u8 head[8];
    if (!guest_mem_read(&pc->lp->mem, addr, head, sizeof(head)))
        return false;
    *size = load_be32(&head[4]);
    return guest_mem_contains(&pc->lp->mem, addr, *size);
}

static long register_slb_shadow(struct papr_cpu *pc, u64 addr)
{
    u64 size;
    if (!area_size(pc, addr, &size) || size < 8 || crosses_page(addr, size))
        return H_PARAMETER;
    if (!pc->vpa)
        return H_RESOURCE;
    pc->slb_shadow = addr;
    pc->slb_shadow_size = size;
    return H_SUCCESS;
}

static long register_dtl(struct papr_cpu *pc, u64 addr)
{
    u64 size;
    if (!area_size(pc, addr, &size) || size < DTL_ENTRY_SIZE)
        return H_PARAMETER;
    if (!pc->vpa)
        return H_RESOURCE;
    pc->dtl = addr;
    pc->dtl_size = size;
    pc->dtl_index = 0;
    put64(pc, VPA_DTL_INDEX, 0);
    return H_SUCCESS;
}

static long change(struct papr_cpu *pc, unsigned function, u64 addr)
{
    switch (function) {
    case VPA_REG: return register_vpa(pc, addr);
    case DTL_REG: return register_dtl(pc, addr);
    case SLB_REG: return register_slb_shadow(pc, addr);
    case VPA_DEREG: return deregister_vpa(pc);
    case DTL_DEREG: pc->dtl = pc->dtl_size = 0; return H_SUCCESS;
    case SLB_DEREG: pc->slb_shadow = pc->slb_shadow_size = 0; return H_SUCCESS;
    default: return H_PARAMETER;
    }
}

// flags, server, address
long h_register_vpa(struct cpu *cpu, u64 *args)
{
    unsigned function = PPC_FIELD(args[0], 16, 18);
    struct cpu *target = partition_cpu(cpu_partition(cpu), args[1]);
    if (!target)
        return H_PARAMETER;
    if (target == cpu)
        return change(cpu_papr(cpu), function, args[2]);
    group_exclusive_begin(cpu->group, cpu);
    long rc = change(cpu_papr(target), function, args[2]);
    group_exclusive_end(cpu->group, cpu);
    return rc;
}

// LoPAR "Dispatch Trace Log Buffer": why the thread was dispatched, and why it had stopped.
enum {
    DISPATCH_EXTERNAL = 0,
    DISPATCH_PROD = 2,
    DISPATCH_DECREMENTER = 3,
    DISPATCH_RESET = 4,
    DISPATCH_TIME_SLICE = 7
};
enum { PREEMPT_CEDE = 2, PREEMPT_TIME_SLICE = 4 };

static u8 dispatch_reason(const struct cpu *cpu)
{
    u32 lines = atomic_load(&cpu->lines);
    if (lines & LINE_RESET)
        return DISPATCH_RESET;
    if (lines & LINE_EXTERNAL)
        return DISPATCH_EXTERNAL;
    if (lines & LINE_PROD)
        return DISPATCH_PROD;
    return cpu_papr(cpu)->wait_reason == WAIT_CEDE ? DISPATCH_DECREMENTER : DISPATCH_TIME_SLICE;
}

// waited: since it stopped; for a processor: since it could have gone on.
static void log_dispatch(struct papr_cpu *pc, u64 now, u64 waited, u64 enqueued)
{
    struct cpu *cpu = pc->cpu;
    u8 mask = 0;
    guest_mem_read(&pc->lp->mem, pc->vpa + VPA_DTL_MASK, &mask, 1);
    bool ceded = pc->wait_reason != WAIT_PREEMPT;
    if (!(mask & (ceded ? DTL_LOG_CEDE : DTL_LOG_PREEMPT)))
        return;
    u8 entry[DTL_ENTRY_SIZE] = {dispatch_reason(cpu), ceded ? PREEMPT_CEDE : PREEMPT_TIME_SLICE};
    store_be16(&entry[2], (u16)MAX(pc->host_cpu, 0));
    // Enqueued -> dispatched; ready -> enqueued, which here is one; waiting -> ready.
    store_be32(&entry[4], (u32)MIN(enqueued, 0xffffffff));
    store_be32(&entry[8], 0);
    store_be32(&entry[12], ceded ? (u32)MIN(waited - MIN(enqueued, waited), 0xffffffff) : 0);
    store_be64(&entry[16], now);
    store_be64(&entry[32], cpu->nia);
    store_be64(&entry[40], cpu->msr);
    u64 len = pc->dtl_size / DTL_ENTRY_SIZE;
    guest_mem_write(&pc->lp->mem, pc->dtl + pc->dtl_index % len * DTL_ENTRY_SIZE, entry, sizeof(entry));
    pc->dtl_index++;
    put64(pc, VPA_DTL_INDEX, pc->dtl_index);
}

static void dispatched(struct papr_cpu *pc, u64 now, u64 ready)
{
    int host_cpu = sched_getcpu();
    u32 count = (u32)atomic_fetch_add(&pc->yield_count, 1) + 1;
    bool moved = pc->host_cpu >= 0 && host_cpu != pc->host_cpu;
    pc->host_cpu = (s16)host_cpu;
    pc->dispatched_at = now;
    pc->dispatched_purr = pc->cpu->purr;
    if (!pc->vpa)
        return;
    if (moved) {
        const u8 *dispersion = guest_mem_at(&pc->lp->mem, pc->vpa + VPA_DISPERSION, 4);
        put32(pc, VPA_DISPERSION, (dispersion ? load_be32(dispersion) : 0) + 1);
    }
    put64(pc, VPA_ENQUEUE_DISPATCH_TB, pc->stolen_tb); // before the first tick that should leave it out
    if (pc->dtl)
        log_dispatch(pc, now, pc->waiting_since ? now - pc->waiting_since : 0, now - ready);
    put32(pc, VPA_YIELD_COUNT, count);
}

static void stopped(struct papr_cpu *pc, u64 now)
{
    u32 count = (u32)atomic_fetch_add(&pc->yield_count, 1) + 1;
    // What the host took away while the thread was ready: elapsed time less the time that it had of a processor.
    u64 elapsed = now - pc->dispatched_at, used = pc->cpu->purr - pc->dispatched_purr;
    if (elapsed > used)
        pc->stolen_tb += elapsed - used;
    pc->waiting_since = now;
    if (!pc->vpa)
        return;
    put64(pc, VPA_ENQUEUE_DISPATCH_TB, pc->stolen_tb);
    put32(pc, VPA_YIELD_COUNT, count);
}

// The areas are written here while the thread is outside guest code: not while another one does something twice (cpu/xlate/check.c).
static void not_meanwhile(struct cpu *cpu, bool begin)
{
    if (likely(!cpu->check))
        return;
    if (begin)
        pthread_mutex_lock(&cpu->group->outside);
    else
        pthread_mutex_unlock(&cpu->group->outside);
}

// Since when it could have gone on: since it was stopped, or since its decrementer woke it up. When other interrupts came is not known.
static u64 ready_since(const struct cpu *cpu, u64 now)
{
    const struct papr_cpu *pc = cpu_papr(cpu);
    if (pc->wait_reason == WAIT_PREEMPT && pc->waiting_since)
        return pc->waiting_since;
    if (pc->wait_reason == WAIT_CEDE && atomic_load(&pc->state) != THREAD_JOINED && (s64)(now - cpu->dec_expires) > 0)
        return MAX(cpu->dec_expires, pc->waiting_since);
    return now;
}

void vpa_dispatch(struct cpu *cpu, bool running)
{
    struct papr_cpu *pc = cpu_papr(cpu);
    if (pc->dispatched == running)
        return;
    pc->dispatched = running;
    const struct partition *lp = pc->lp;
    if (!running) {
        not_meanwhile(cpu, true);
        stopped(pc, cpu_timebase(cpu));
        not_meanwhile(cpu, false);
        if (lp->hv->dispatch_end)
            lp->hv->dispatch_end(lp->hv_arg, cpu->index, pc->wait_reason != WAIT_PREEMPT);
        return;
    }
    u64 ready = ready_since(cpu, cpu_timebase(cpu));
    if (lp->hv->dispatch_begin)
        lp->hv->dispatch_begin(lp->hv_arg, cpu->index);
    u64 now = cpu_timebase(cpu);
    pc->stolen_tb += now - ready; // ready, but without a processor
    not_meanwhile(cpu, true);
    dispatched(pc, now, ready);
    not_meanwhile(cpu, false);
    pc->wait_reason = WAIT_PREEMPT; // until it says otherwise, it stops because it has to
}

bool vpa_preempt(struct cpu *cpu)
{
    const struct partition *lp = cpu_partition(cpu);
    return lp->hv->dispatch_over && lp->hv->dispatch_over(lp->hv_arg, cpu->index);
}

bool vpa_may_spin(struct cpu *cpu)
{
    const struct partition *lp = cpu_partition(cpu);
    return lp->hv->dispatch_alone && lp->hv->dispatch_alone(lp->hv_arg, cpu->index);
}
