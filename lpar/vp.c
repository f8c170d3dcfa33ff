// SPDX-License-Identifier: Apache-2.0
#include "lpar/vp.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "cpu/except.h"
#include "cpu/group.h"
#include "cpu/xlate/xlate.h"
#include "papr/sched.h"

// The interpreter and hypervisor calls take a few KiB; thread-local memory of the translator is in it, too, and 16 bytes for each call of a budget
// (cpu/xlate/target.h, "Links").
#define HOST_STACK (1408 * KIB)

struct vp {
    struct vps *vps;
    struct cpu *cpu;
    pthread_t thread;
};

static void run_once(struct vps *vps, struct cpu *cpu)
{
    enum cpu_exit why = hold_gate(vps->hold, cpu) == HOLD_STEP ? vps->engine->step(cpu) : vps->engine->run(cpu);
    hold_report(vps->hold, cpu, why);
    if (why == EXIT_CHECKSTOP)
        partition_end(vps->lp, END_CRASH, "checkstop: a processor's state cannot continue");
}

static void *vp_main(void *arg)
{
    struct vp *vp = arg;
    struct vps *vps = vp->vps;
    struct cpu *cpu = vp->cpu;
    bool first = true;

    while (atomic_load(&vps->lp->end) == END_NONE) {
        if (!sched_wait_runnable(cpu)) { // asked to stop: held, or the end
            hold_gate(vps->hold, cpu);
            continue;
        }
        if (first && cpu->index == 0) {
            cpu_set_msr(cpu, (cpu->msr & ~vps->boot_msr_clear) | vps->boot_msr_set);
            if (vps->entered)
                vps->entered(vps->entered_arg);
        }
        first = false;
        run_once(vps, cpu);
    }
    hold_part(vps->hold);
    return NULL;
}

static int start(struct vps *vps, struct cpu *cpu)
{
    struct vp *vp = &vps->each[vps->len];
    pthread_attr_t attr;
    char name[16];
    vp->vps = vps;
    vp->cpu = cpu;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, HOST_STACK);
    hold_join(vps->hold);
    int err = pthread_create(&vp->thread, &attr, vp_main, vp);
    pthread_attr_destroy(&attr);
    if (err) {
        hold_part(vps->hold);
        return -err;
    }
    vps->len++;
    snprintf(name, sizeof(name), "vp%u.%u", cpu->vcpu, cpu->thread);
    pthread_setname_np(vp->thread, name);
    return 0;
}

int vps_start(struct vps *vps)
{
    struct cpu_group *group = &vps->lp->group;
    int err = 0;

    vps->len = 0;
    pthread_mutex_init(&vps->lock, NULL);
    vps->each = calloc(vps->lp->config.vcpus_max * vps->lp->config.threads, sizeof(*vps->each));
    if (!vps->each)
        return -ENOMEM;
    pthread_mutex_lock(&vps->lock); // a thread that runs already may add one
    for (u32 i = 0, len = group->len; i < len && !err; i++)
        err = start(vps, group->cpus[i]);
    pthread_mutex_unlock(&vps->lock);
    if (err) {
        partition_end(vps->lp, END_CRASH, "the host has no more threads");
        vps_join(vps);
    }
    return err;
}

int vps_add(struct vps *vps, struct cpu *cpu)
{
    int err = 0;
    bool found = false;
    pthread_mutex_lock(&vps->lock);
    for (u32 i = 0; i < vps->len; i++)
        found |= vps->each[i].cpu == cpu;
    if (!found)
        err = start(vps, cpu);
    pthread_mutex_unlock(&vps->lock);
    return err;
}

// The next one to wait for: threads are added by others, which are waited for in turn.
static bool next(struct vps *vps, u32 i, pthread_t *thread)
{
    pthread_mutex_lock(&vps->lock);
    bool found = i < vps->len;
    if (found)
        *thread = vps->each[i].thread;
    pthread_mutex_unlock(&vps->lock);
    return found;
}

void vps_join(struct vps *vps)
{
    pthread_t thread;
    for (u32 i = 0; next(vps, i, &thread); i++)
        pthread_join(thread, NULL);
    if (vps->lp->mem.xlate)
        xlate_stop(vps->lp->mem.xlate);
    pthread_mutex_destroy(&vps->lock);
    free(vps->each);
    vps->each = NULL;
    vps->len = 0;
}
