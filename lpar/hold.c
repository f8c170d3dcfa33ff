// SPDX-License-Identifier: Apache-2.0
//
// `held` closes the gate in front of the engine; a thread that is behind it is asked to come back by ATTN_STOP. The stop is complete
// when as many host threads wait at the gate as there are. Locks: hold->lock is innermost.
#include "lpar/hold.h"

#include "base/clock.h"
#include "cpu/debug.h"
#include "cpu/group.h"

void hold_init(struct hold *h, struct partition *lp)
{
    *h = (struct hold){.lp = lp, .step = -1};
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->changed, NULL);
}

void hold_fini(struct hold *h)
{
    pthread_cond_destroy(&h->changed);
    pthread_mutex_destroy(&h->lock);
}

void hold_join(struct hold *h)
{
    pthread_mutex_lock(&h->lock);
    h->present++;
    pthread_mutex_unlock(&h->lock);
}

void hold_part(struct hold *h)
{
    pthread_mutex_lock(&h->lock);
    h->present--;
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->lock);
}

enum hold_action hold_gate(struct hold *h, struct cpu *cpu)
{
    enum hold_action action = HOLD_RUN;
    pthread_mutex_lock(&h->lock);
    if (h->held && !h->ending) {
        h->parked++;
        pthread_cond_broadcast(&h->changed);
        while (h->held && !h->ending && h->step != (s32)cpu->index)
            pthread_cond_wait(&h->changed, &h->lock);
        h->parked--;
        if (h->held && h->step == (s32)cpu->index) {
            h->step = -1;
            action = HOLD_STEP;
        }
    }
    cpu->watch_ea = WATCH_NONE;
    // Whoever ends the partition sets `ending` (or partition.end) before it asks for the stop.
    if (!h->ending)
        atomic_fetch_and(&cpu->attn, ~(u32)ATTN_STOP);
    pthread_mutex_unlock(&h->lock);
    return action;
}

// Time that passes while the partition is held is not the guest's: its timers would all be due when it goes on.
static void stop_time(struct hold *h)
{
    if (!h->since)
        h->since = clock_ns();
}

static void start_time(struct hold *h)
{
    if (h->since)
        h->lp->group.tb_offset_ns -= clock_ns() - h->since;
    h->since = 0;
}

void hold_closed(struct hold *h)
{
    pthread_mutex_lock(&h->lock);
    h->held = true;
    stop_time(h);
    pthread_mutex_unlock(&h->lock);
}

static void close_gate(struct hold *h)
{
    pthread_mutex_lock(&h->lock);
    h->held = true;
    h->step = -1;
    pthread_mutex_unlock(&h->lock);
    for (u32 i = 0; i < h->lp->group.len; i++)
        cpu_kick(h->lp->group.cpus[i], ATTN_STOP);
}

void hold_report(struct hold *h, struct cpu *cpu, enum cpu_exit why)
{
    if (!h->event || (why != EXIT_BREAKPOINT && why != EXIT_STEPPED))
        return;
    close_gate(h);
    h->event(h->arg, cpu, why);
}

void hold_stop(struct hold *h)
{
    close_gate(h);
    pthread_mutex_lock(&h->lock);
    while (h->parked < h->present && !h->ending)
        pthread_cond_wait(&h->changed, &h->lock);
    stop_time(h);
    pthread_mutex_unlock(&h->lock);
}

void hold_resume(struct hold *h, s32 step)
{
    pthread_mutex_lock(&h->lock);
    start_time(h);
    h->held = step >= 0;
    h->step = step;
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->lock);
}

void hold_end(struct hold *h)
{
    pthread_mutex_lock(&h->lock);
    h->ending = true;
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->lock);
}
