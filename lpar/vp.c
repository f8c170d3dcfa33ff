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

#define HOST_STACK (1408 * KIB) // the interpreter and hypervisor calls take a few KiB; thread-local memory of the translator is in it, too,
                                // and 16 bytes for each call of a budget (cpu/xlate/target.h, "Links")

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

int vps_start(struct vps *vps)
{
    struct cpu_group *group = &vps->lp->group;
    pthread_attr_t attr;
    int err = 0;

    vps->len = 0;
    vps->each = calloc(group->len, sizeof(*vps->each));
    if (!vps->each)
        return -ENOMEM;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, HOST_STACK);
    for (u32 i = 0; i < group->len && !err; i++) {
        struct vp *vp = &vps->each[i];
        char name[16];
        vp->vps = vps;
        vp->cpu = group->cpus[i];
        hold_join(vps->hold);
        err = pthread_create(&vp->thread, &attr, vp_main, vp);
        if (err) {
            hold_part(vps->hold);
            break;
        }
        vps->len++;
        snprintf(name, sizeof(name), "vp%u.%u", vp->cpu->vcpu, vp->cpu->thread);
        pthread_setname_np(vp->thread, name);
    }
    pthread_attr_destroy(&attr);
    if (err) {
        partition_end(vps->lp, END_CRASH, "the host has no more threads");
        vps_join(vps);
    }
    return -err;
}

void vps_join(struct vps *vps)
{
    for (u32 i = 0; i < vps->len; i++)
        pthread_join(vps->each[i].thread, NULL);
    if (vps->lp->mem.xlate)
        xlate_stop(vps->lp->mem.xlate);
    free(vps->each);
    vps->each = NULL;
    vps->len = 0;
}
