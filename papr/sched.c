// SPDX-License-Identifier: Apache-2.0
//
// Starting, stopping and idling hardware threads; H_CEDE, H_CONFER, H_PROD, H_JOIN, H_SIGNAL_SYS_RESET.
//
// papr_cpu.state goes STOPPED -> STARTING (whoever starts it, by compare-and-swap) -> RUNNING (the same, once nia and r3 are
// written) -> STOPPED (the owner) or JOINED -> RUNNING (the owner, under join_lock). A waiting owner sleeps on cpu->wake with the protocol of
// cpu_idle(): it writes 1, looks at what it waits for, and sleeps; cpu_kick() after a change wakes it.
#include "papr/sched.h"

#include <string.h>

#include "base/futex.h"
#include "cpu/except.h"
#include "cpu/time.h"
#include "isa/isa.h"
#include "papr/hcall_int.h"
#include "papr/rtas.h"
#include "papr/vpa.h"
#include "papr/xics.h"
#include "papr/xive.h"

static struct spin join_lock;

// The owner sleeps until done(); it does not count as running, and its time stands still.
static void sleep_until(struct cpu *cpu, bool (*done)(struct cpu *cpu))
{
    for (;;) {
        atomic_store(&cpu->wake, 1);
        atomic_thread_fence(memory_order_seq_cst);
        if (done(cpu))
            break;
        futex_wait(&cpu->wake, 1, -1);
    }
    atomic_store(&cpu->wake, 0);
}

static void block_until(struct cpu *cpu, bool (*done)(struct cpu *cpu))
{
    cpu_time_stop(cpu);
    cpu_leave(cpu);
    sleep_until(cpu, done);
    cpu_time_start(cpu);
    cpu_enter(cpu);
    cpu_kick(cpu, ATTN_INTERRUPT | ATTN_TIMER);
}

void sched_reset_thread(struct cpu *cpu)
{
    struct papr_cpu *pc = cpu_papr(cpu);
    vpa_reset(pc);
    atomic_store(&pc->state, THREAD_STOPPED);
    atomic_store(&pc->prodded, 0);
    atomic_store(&pc->idling, 0);
    atomic_store(&pc->yield_count, 1); // odd: not running
    pc->dispatched = false;
    pc->wait_reason = WAIT_STOPPED;
    pc->stolen_tb = 0;
    pc->host_cpu = -1;
    pc->last_hcalls_pos = 0;
    memset(pc->last_hcalls, 0, sizeof(pc->last_hcalls));
    // The decrementer is as wide as the processor has it: ibm,dec-bits.
    cpu->lpcr = cpu->isa_level >= LEVEL_V30 ? LPCR_LD : 0;
}

void sched_reset(struct partition *lp)
{
    for (u32 i = 0; i < lp->group.len; i++)
        sched_reset_thread(lp->group.cpus[i]);
}

static bool start(struct cpu *cpu, u64 nia, u64 r3)
{
    struct papr_cpu *pc = cpu_papr(cpu);
    u32 stopped = THREAD_STOPPED;
    if (!atomic_compare_exchange_strong(&pc->state, &stopped, THREAD_STARTING))
        return false;
    pc->start_nia = nia;
    pc->start_r3 = r3;
    pc->wait_reason = WAIT_STOPPED;
    atomic_store(&pc->state, THREAD_RUNNING);
    cpu_kick(cpu, ATTN_INTERRUPT);
    return true;
}

int sched_start_cpu(struct partition *lp, u64 server, u64 nia, u64 r3)
{
    struct cpu *cpu = partition_cpu(lp, server);
    if (!cpu || !atomic_load(&cpu_papr(cpu)->owned) || !guest_mem_contains(&lp->mem, nia, 4))
        return RTAS_PARAMETER;
    return start(cpu, nia, r3) ? RTAS_SUCCESS : RTAS_PARAMETER;
}

void sched_start_boot(struct cpu *cpu, u64 nia, u64 r3)
{
    start(cpu, nia, r3);
}

void sched_stop_self(struct cpu *cpu)
{
    struct papr_cpu *pc = cpu_papr(cpu);
    pc->start_nia = ~0ull;
    vpa_reset(pc); // LoPAR stop-self: what was registered for the thread is gone when it starts again
    cpu_papr(cpu)->wait_reason = WAIT_STOPPED;
    atomic_store(&pc->state, THREAD_STOPPED);
    cpu_kick(cpu, ATTN_STOP);
}

static bool started(struct cpu *cpu)
{
    return atomic_load(&cpu_papr(cpu)->state) >= THREAD_RUNNING &&
           atomic_load(&cpu_papr(cpu)->state) != THREAD_STARTING;
}

static bool wait_over(struct cpu *cpu)
{
    return started(cpu) || atomic_load(&cpu_partition(cpu)->end) != END_NONE || (atomic_load(&cpu->attn) & ATTN_STOP);
}

// LoPAR start-cpu: real mode, 64-bit, big-endian; the OS's code at nia knows where it is.
static void take_over(struct cpu *cpu)
{
    struct papr_cpu *pc = cpu_papr(cpu);
    cpu->nia = pc->start_nia;
    cpu->gpr[3] = pc->start_r3;
    cpu->reserve_addr = RESERVE_NONE;
    pc->start_nia = ~0ull;
    atomic_store(&pc->prodded, 0);
    cpu_set_msr(cpu, MSR_SF | MSR_ME);
    if (cpu_partition(cpu)->xive_mode)
        xive_sync_line(cpu);
    else
        xics_sync_line(cpu);
}

bool sched_wait_runnable(struct cpu *cpu)
{
    struct papr_cpu *pc = cpu_papr(cpu);
    sleep_until(cpu, wait_over);
    if (atomic_load(&cpu_partition(cpu)->end) != END_NONE || !started(cpu))
        return false;
    if (pc->start_nia != ~0ull)
        take_over(cpu);
    return true;
}

int sched_cpu_state(struct partition *lp, u64 server)
{
    struct cpu *cpu = partition_cpu(lp, server);
    if (!cpu)
        return -1;
    u32 state = atomic_load(&cpu_papr(cpu)->state);
    return state == THREAD_STOPPED ? (atomic_load(&cpu->running) ? 1 : 0) : state == THREAD_STOPPING ? 1 : 2;
}

static bool take_prod(struct papr_cpu *pc)
{
    return atomic_exchange(&pc->prodded, 0);
}

// Idles until an interrupt line is up or H_PROD came; `idling` and `prodded` are read and written in opposite order by h_prod().
static void idle(struct cpu *cpu, enum wait_reason reason)
{
    struct papr_cpu *pc = cpu_papr(cpu);
    atomic_store(&pc->idling, 1);
    if (!take_prod(pc)) {
        pc->wait_reason = reason;
        cpu_idle(cpu, ~0ull);
        pc->wait_reason = WAIT_PREEMPT;
    }
    atomic_store(&pc->idling, 0);
    atomic_store(&pc->prodded, 0);
    cpu_lower_line(cpu, LINE_PROD);
}

// Returns with external interrupts enabled, for whatever reason: an OS looks for work itself.
long h_cede(struct cpu *cpu, u64 *args)
{
    cpu_set_msr(cpu, cpu->msr | MSR_EE);
    idle(cpu, WAIT_CEDE);
    return H_SUCCESS;
}

// server
long h_prod(struct cpu *cpu, u64 *args)
{
    struct cpu *target = partition_cpu(cpu_partition(cpu), args[0]);
    if (!target)
        return H_PARAMETER;
    struct papr_cpu *pc = cpu_papr(target);
    atomic_store(&pc->prodded, 1);
    if (atomic_load(&pc->idling))
        cpu_raise_line(target, LINE_PROD);
    else if (atomic_load(&pc->state) == THREAD_JOINED)
        cpu_kick(target, ATTN_INTERRUPT);
    return H_SUCCESS;
}

// server or -1 for all, dispatch count that was seen
long h_confer(struct cpu *cpu, u64 *args)
{
    struct partition *lp = cpu_partition(cpu);
    s64 to = (s64)args[0];
    if (to != -1) {
        struct cpu *target = partition_cpu(lp, args[0]);
        if (!target)
            return H_PARAMETER;
        if (target == cpu) {
            idle(cpu, WAIT_CEDE);
            return H_SUCCESS;
        }
        // It was dispatched since: there is nothing to help with.
        if ((u32)atomic_load(&cpu_papr(target)->yield_count) != (u32)args[1])
            return H_SUCCESS;
    }
    if (lp->hv->conferring)
        lp->hv->conferring(lp->hv_arg, cpu->index, to < 0 ? -1 : (int)partition_cpu(lp, args[0])->index);
    cpu_time_stop(cpu);
    cpu_leave(cpu);
    if (lp->hv->confer)
        lp->hv->confer(lp->hv_arg, (int)to);
    cpu_time_start(cpu);
    cpu_enter(cpu);
    return H_SUCCESS;
}

static bool join_over(struct cpu *cpu)
{
    return atomic_load(&cpu_papr(cpu)->prodded) || (atomic_load(&cpu->lines) & (LINE_RESET | LINE_MACHINE_CHECK)) ||
           (atomic_load(&cpu->attn) & ATTN_STOP);
}

// True when no other thread of the partition is active.
static bool is_last(const struct cpu *cpu)
{
    const struct cpu_group *group = cpu->group;
    for (u32 i = 0; i < group->len; i++) {
        u32 state = atomic_load(&cpu_papr(group->cpus[i])->state);
        if (group->cpus[i] != cpu && (state == THREAD_RUNNING || state == THREAD_STARTING))
            return false;
    }
    return true;
}

// With interrupts off, until H_PROD; the last thread of the partition does not wait.
long h_join(struct cpu *cpu, u64 *args)
{
    struct papr_cpu *pc = cpu_papr(cpu);
    if (cpu->msr & MSR_EE)
        return H_BAD_MODE;
    spin_lock(&join_lock);
    bool last = is_last(cpu);
    if (!last)
        atomic_store(&pc->state, THREAD_JOINED);
    spin_unlock(&join_lock);
    if (last)
        return H_CONTINUE;
    pc->wait_reason = WAIT_CEDE;
    block_until(cpu, join_over);
    pc->wait_reason = WAIT_PREEMPT;
    atomic_store(&pc->prodded, 0);
    spin_lock(&join_lock);
    atomic_store(&pc->state, THREAD_RUNNING);
    spin_unlock(&join_lock);
    return H_SUCCESS;
}

// -1 all, -2 all others, or a server
long h_signal_sys_reset(struct cpu *cpu, u64 *args)
{
    struct partition *lp = cpu_partition(cpu);
    s64 target = (s64)args[0];
    if (target < -2 || (target >= 0 && !partition_cpu(lp, args[0])))
        return H_PARAMETER;
    for (u32 i = 0; i < lp->group.len; i++) {
        struct cpu *each = lp->group.cpus[i];
        bool wanted = target == -1 || (target == -2 && each != cpu) || (target >= 0 && each->server == (u64)target);
        if (wanted && atomic_load(&cpu_papr(each)->state) != THREAD_STOPPED)
            cpu_raise_line(each, LINE_RESET);
    }
    return H_SUCCESS;
}

void sched_system_reset(struct partition *lp)
{
    for (u32 i = 0; i < lp->group.len; i++)
        if (atomic_load(&cpu_papr(lp->group.cpus[i])->state) != THREAD_STOPPED)
            cpu_raise_line(lp->group.cpus[i], LINE_RESET);
}
