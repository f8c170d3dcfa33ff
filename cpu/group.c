// SPDX-License-Identifier: Apache-2.0
//
// How hardware threads reach each other while they run guest code.
//
// (1) A thread uses cached translations and predecoded pages only while cpu->running is 1.
// (2) Whoever takes a translation away queues a request for each other thread and then waits until that thread has
//     served it, or is seen not running. A thread that starts to run serves its queue first. Both sides put a full
//     fence between their store (queue; running) and their load (running; queue), so one of them sees the other.
// (3) While a requester waits it does not run itself: two requesters never wait for each other.
// (4) A queue that is full collapses into one request that covers everything, so posting never waits.
//
// Locks: group->lock, then one queue's lock. Neither is held while a thread waits for another to serve. group->outside is taken alone.
#include "cpu/group.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/futex.h"
#include "cpu/code.h"
#include "cpu/mmu/mmu.h"
#include "cpu/reserve.h"
#include "cpu/time.h"
#include "cpu/xlate/target.h"
#include "cpu/xlate/xlate.h"

struct request {
    enum tlb_scope scope;
    u64 arg0, arg1, arg2;
};

#define QUEUE_MAX 64u

struct request_queue {
    pthread_mutex_t lock;
    u32 len;    // under lock
    u32 posted; // under lock: requests posted so far (wraps)
    struct request requests[QUEUE_MAX];
    _Atomic u32 served;  // `posted` as of the last time that the queue was emptied; futex word
    _Atomic u32 waiters; // requesters asleep on `served`
};

int group_init(struct cpu_group *group, struct guest_mem *mem, const struct cpu_hooks *hooks, void *owner)
{
    *group = (struct cpu_group){.mem = mem, .hooks = hooks, .owner = owner, .tb_offset_ns = -clock_ns()};
    pthread_mutex_init(&group->lock, NULL);
    pthread_cond_init(&group->changed, NULL);
    pthread_mutex_init(&group->outside, NULL);
    return 0;
}

static void cpu_free(struct cpu *cpu)
{
    mmu_cpu_fini(cpu);
    free((void *)cpu->reserve_counts);
    free(cpu->step_page);
    free(cpu->requests);
    free(cpu);
}

void group_fini(struct cpu_group *group)
{
    if (group->mem && group->mem->xlate)
        xlate_stop(group->mem->xlate);
    for (u32 i = 0; i < group->len; i++)
        cpu_free(group->cpus[i]);
    group->len = 0;
    free(group->reserve_lines);
    group->reserve_lines = NULL;
    pthread_cond_destroy(&group->changed);
    pthread_mutex_destroy(&group->outside);
    pthread_mutex_destroy(&group->lock);
}

struct cpu *group_add_cpu(struct cpu_group *group, u32 vcpu, u32 thread, u32 server, u32 pvr)
{
    if (group->len == GROUP_CPUS_MAX)
        return NULL;
    if (!group->reserve_lines) {
        group->reserve_lines = aligned_alloc(64, RESERVE_LINES * sizeof(struct reserve_line));
        if (!group->reserve_lines)
            return NULL;
        memset((void *)group->reserve_lines, 0, RESERVE_LINES * sizeof(struct reserve_line));
    }
    struct cpu *cpu = aligned_alloc(64, (sizeof(*cpu) + 63) & ~63ull);
    if (!cpu)
        return NULL;
    memset(cpu, 0, sizeof(*cpu));
    cpu->group = group;
    cpu->index = group->len;
    cpu->vcpu = vcpu;
    cpu->thread = thread;
    cpu->server = server;
    cpu->pir = server;
    cpu->tir = thread;
    cpu->pvr = pvr;
    cpu->reserve_addr = RESERVE_NONE;
    cpu->reserve_lines = group->reserve_lines;
    cpu->mem_base = group->mem->base;
    cpu->ea_mask = ~0ull;
    cpu->requests = calloc(1, sizeof(*cpu->requests));
    cpu->step_page = calloc(1, sizeof(*cpu->step_page));
    cpu->reserve_counts = aligned_alloc(64, RESERVE_LINES * sizeof(*cpu->reserve_counts));
    if (!cpu->requests || !cpu->step_page || !cpu->reserve_counts || mmu_cpu_init(cpu)) {
        free((void *)cpu->reserve_counts);
        free(cpu->step_page);
        free(cpu->requests);
        free(cpu);
        return NULL;
    }
    memset((void *)cpu->reserve_counts, 0, RESERVE_LINES * sizeof(*cpu->reserve_counts));
    pthread_mutex_init(&cpu->requests->lock, NULL);
    target_prepare(cpu, true);
    group->cpus[group->len] = cpu;
    group->len++;
    for (u32 i = 0; i < group->len; i++) {
        group->cpus[i]->reserve_alone = group->len == 1;
        group->cpus[i]->reserve_slow = group->len > RESERVE_COUNTED_MAX ? RESERVE_SLOW_GROUP : 0;
        group->cpus[i]->reserve_addr = RESERVE_NONE; // what a version is has changed
    }
    return cpu;
}

static void serve(struct cpu *cpu)
{
    struct request_queue *q = cpu->requests;
    pthread_mutex_lock(&q->lock);
    for (u32 i = 0; i < q->len; i++) {
        const struct request *r = &q->requests[i];
        mmu_flush_local(cpu, r->scope, r->arg0, r->arg1, r->arg2);
    }
    q->len = 0;
    atomic_store(&q->served, q->posted);
    pthread_mutex_unlock(&q->lock);
    if (atomic_load(&q->waiters))
        futex_wake_all(&q->served);
}

void cpu_leave(struct cpu *cpu)
{
    atomic_store(&cpu->running, 0);
    if (atomic_load(&cpu->requests->waiters))
        futex_wake_all(&cpu->requests->served);
    struct cpu_group *group = cpu->group;
    if (unlikely(atomic_load(&group->exclusive))) {
        pthread_mutex_lock(&group->lock);
        pthread_cond_broadcast(&group->changed);
        pthread_mutex_unlock(&group->lock);
    }
}

void cpu_enter(struct cpu *cpu)
{
    struct cpu_group *group = cpu->group;
    for (;;) {
        atomic_store(&cpu->running, 1);
        atomic_thread_fence(memory_order_seq_cst); // (2)
        if (likely(!atomic_load(&group->exclusive)))
            break;
        cpu_leave(cpu);
        pthread_mutex_lock(&group->lock);
        while (atomic_load(&group->exclusive))
            pthread_cond_wait(&group->changed, &group->lock);
        pthread_mutex_unlock(&group->lock);
    }
    serve(cpu);
}

void cpu_serve_requests(struct cpu *cpu)
{
    if (unlikely(atomic_load(&cpu->group->exclusive))) {
        cpu_leave(cpu);
        cpu_enter(cpu);
        return;
    }
    serve(cpu);
}

static u32 post(struct cpu *target, const struct request *r)
{
    struct request_queue *q = target->requests;
    pthread_mutex_lock(&q->lock);
    if (q->len == QUEUE_MAX) { // (4)
        q->len = 1;
        q->requests[0] = (struct request){.scope = TLB_ALL};
    } else {
        q->requests[q->len++] = *r;
    }
    u32 number = ++q->posted;
    pthread_mutex_unlock(&q->lock);
    return number;
}

static bool served(const struct cpu *target, u32 number)
{
    return (s32)(atomic_load(&target->requests->served) - number) >= 0 || !atomic_load(&target->running);
}

#define SPIN_LIMIT 200 // then the host's other threads get the processor

static void wait_served(struct cpu *target, u32 number)
{
    struct request_queue *q = target->requests;
    for (unsigned i = 0; i < SPIN_LIMIT; i++) {
        if (served(target, number))
            return;
        __builtin_ia32_pause();
    }
    atomic_fetch_add(&q->waiters, 1);
    for (;;) {
        u32 seen = atomic_load(&q->served);
        if (served(target, number))
            break;
        futex_wait(&q->served, seen, 200000);
    }
    atomic_fetch_sub(&q->waiters, 1);
}

// Whether the thread may have what the invalidation is for.
static bool concerned(const struct cpu *target, enum tlb_scope scope, u64 pid)
{
    return (scope != TLB_EA_PAGE && scope != TLB_PID) || mmu_may_hold(target, pid);
}

void group_invalidate(struct cpu_group *group, struct cpu *self, enum tlb_scope scope, u64 arg0, u64 arg1, u64 arg2)
{
    struct request r = {scope, arg0, arg1, arg2};
    const u32 len = group->len; // one that is added meanwhile has nothing
    u32 numbers[GROUP_CPUS_MAX];
    bool asked[GROUP_CPUS_MAX];
    if (self)
        mmu_flush_local(self, scope, arg0, arg1, arg2);
    atomic_thread_fence(memory_order_seq_cst); // cpu/mmu/tables.c (6)
    for (u32 i = 0; i < len; i++) {
        struct cpu *target = group->cpus[i];
        asked[i] = target != self && concerned(target, scope, arg1);
        if (!asked[i])
            continue;
        numbers[i] = post(target, &r);
        atomic_fetch_or(&target->attn, ATTN_REQUEST);
    }
    atomic_thread_fence(memory_order_seq_cst); // (2)
    bool left = false;
    for (u32 i = 0; i < len; i++) {
        struct cpu *target = group->cpus[i];
        if (!asked[i] || served(target, numbers[i]))
            continue;
        if (self && !left) { // (3)
            cpu_leave(self);
            left = true;
        }
        wait_served(target, numbers[i]);
    }
    if (left)
        cpu_enter(self);
}

void group_exclusive_begin(struct cpu_group *group, struct cpu *self)
{
    if (self)
        cpu_leave(self);
    pthread_mutex_lock(&group->lock);
    while (atomic_load(&group->exclusive))
        pthread_cond_wait(&group->changed, &group->lock);
    atomic_store(&group->exclusive, 1);
    atomic_thread_fence(memory_order_seq_cst);
    for (u32 i = 0; i < group->len; i++) {
        struct cpu *target = group->cpus[i];
        if (target == self)
            continue;
        atomic_fetch_or(&target->attn, ATTN_REQUEST);
        while (atomic_load(&target->running))
            pthread_cond_wait(&group->changed, &group->lock);
    }
    pthread_mutex_unlock(&group->lock);
    pthread_mutex_lock(&group->outside);
    if (self) // who posted something meanwhile saw that it was not running
        serve(self);
}

void group_exclusive_end(struct cpu_group *group, struct cpu *self)
{
    pthread_mutex_unlock(&group->outside);
    pthread_mutex_lock(&group->lock);
    atomic_store(&group->exclusive, 0);
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->lock);
    if (self)
        cpu_enter(self);
}

void cpu_kick(struct cpu *cpu, u32 attn)
{
    atomic_fetch_or(&cpu->attn, attn);
    if (atomic_exchange(&cpu->wake, 0))
        futex_wake_all(&cpu->wake);
}

void cpu_raise_line(struct cpu *cpu, u32 lines)
{
    atomic_fetch_or(&cpu->lines, lines);
    cpu_kick(cpu, ATTN_INTERRUPT);
}

void cpu_lower_line(struct cpu *cpu, u32 lines)
{
    atomic_fetch_and(&cpu->lines, ~lines);
}

// Time base ticks to nanoseconds, rounded up so that a sleeper does not wake just before its time.
static s64 ticks_to_ns(u64 ticks)
{
    return (s64)(((u128)ticks * 1000000000 + TIMEBASE_HZ - 1) / TIMEBASE_HZ);
}

// Falling asleep and being woken takes the host tens of microseconds. The owner watches for what would wake it as long as that has paid of
// late: the time grows with sleeps that it would have spared, and is zero again after one that it would not.
#define SPIN_MIN_NS 8000u
#define SPIN_MAX_NS 60000u

static bool idle_over(struct cpu *cpu)
{
    return atomic_load(&cpu->lines) || (atomic_load(&cpu->attn) & ATTN_STOP);
}

static bool idle_spin(struct cpu *cpu, u64 until)
{
    const struct cpu_hooks *hooks = cpu->group->hooks;
    if (!cpu->idle_spin_ns)
        return false;
    s64 end = clock_ns() + cpu->idle_spin_ns;
    while (hooks->may_spin(cpu) && (s64)(until - cpu_timebase(cpu)) > 0) {
        for (unsigned i = 0; i < 16; i++) {
            if (idle_over(cpu))
                return true;
            __builtin_ia32_pause();
        }
        if (clock_ns() >= end)
            break;
    }
    return idle_over(cpu);
}

static void idle_slept(struct cpu *cpu, s64 ns)
{
    if (ns > SPIN_MAX_NS || !cpu->group->hooks || !cpu->group->hooks->may_spin)
        cpu->idle_spin_ns = 0;
    else
        cpu->idle_spin_ns = MIN(MAX(cpu->idle_spin_ns * 2, SPIN_MIN_NS), SPIN_MAX_NS);
}

void cpu_idle(struct cpu *cpu, u64 deadline_tb)
{
    cpu_leave(cpu);
    if (idle_spin(cpu, MIN(deadline_tb, cpu->dec_expires))) {
        cpu_enter(cpu);
        atomic_fetch_or(&cpu->attn, ATTN_INTERRUPT | ATTN_TIMER);
        return;
    }
    s64 began = clock_ns();
    cpu_time_stop(cpu);
    for (;;) {
        atomic_store(&cpu->wake, 1);
        atomic_thread_fence(memory_order_seq_cst);
        if (idle_over(cpu))
            break;
        u64 now = cpu_timebase(cpu);
        u64 until = MIN(deadline_tb, cpu->dec_expires);
        if ((s64)(until - now) <= 0 && until != ~0ull)
            break;
        s64 ns = until == ~0ull ? -1 : ticks_to_ns(until - now);
        futex_wait(&cpu->wake, 1, ns);
    }
    atomic_store(&cpu->wake, 0);
    idle_slept(cpu, clock_ns() - began);
    cpu_time_start(cpu);
    cpu_enter(cpu);
    atomic_fetch_or(&cpu->attn, ATTN_INTERRUPT | ATTN_TIMER);
}

void cpu_give_way(struct cpu *cpu)
{
    cpu_time_stop(cpu);
    cpu_leave(cpu);
    cpu_time_start(cpu);
    cpu_enter(cpu);
}

void group_stop_time(struct cpu_group *group)
{
    atomic_store(&group->tb_stopped, group_timebase(group));
}

void group_start_time(struct cpu_group *group)
{
    atomic_store(&group->tb_stopped, 0);
}

u64 group_timebase(const struct cpu_group *group)
{
    u64 stopped = atomic_load_explicit(&group->tb_stopped, memory_order_relaxed);
    if (unlikely(stopped))
        return stopped;
    static_assert(TIMEBASE_HZ / 64 * 125 == 1000000000, "ratio");
    u64 ns = (u64)(clock_ns() + group->tb_offset_ns);
    return ns / 125 * 64 + ns % 125 * 64 / 125;
}
