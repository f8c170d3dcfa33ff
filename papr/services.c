// SPDX-License-Identifier: Apache-2.0
//
// The list of a partition's services, and the hooks through which the processor reaches them.
#include "papr/services.h"

#include <errno.h>
#include <stdlib.h>

#include "papr/hcall.h"
#include "papr/hpt.h"
#include "papr/irq.h"
#include "papr/rtas.h"
#include "papr/sched.h"
#include "papr/tce.h"
#include "papr/vdev_ops.h"
#include "papr/vpa.h"
#include "papr/watchdog.h"
#include "papr/xics.h"
#include "papr/xive.h"

const struct cpu_hooks papr_cpu_hooks = {
    .hcall = hcall_dispatch,
    .mmio_read = xive_mmio_read,
    .mmio_write = xive_mmio_write,
    .dispatch = vpa_dispatch,
    .preempt = vpa_preempt,
    .may_spin = vpa_may_spin,
    .nmi = rtas_nmi,
};

int papr_cpu_init(struct partition *lp, struct cpu *cpu)
{
    struct papr_cpu *pc = calloc(1, sizeof(*pc));
    if (!pc)
        return -ENOMEM;
    pc->lp = lp;
    pc->cpu = cpu;
    cpu->papr = pc;
    return 0;
}

void papr_cpu_fini(struct cpu *cpu)
{
    free(cpu->papr);
    cpu->papr = NULL;
}

static const struct {
    int (*init)(struct partition *lp);
    void (*fini)(struct partition *lp);
    void (*reset)(struct partition *lp);
} services[] = {
    {hpt_init, hpt_fini, hpt_reset}, {xics_init, xics_fini, xics_reset}, {xive_init, xive_fini, xive_reset},
    {tce_init, tce_fini, tce_reset}, {vio_init, vio_fini, vio_reset},    {watchdog_init, watchdog_fini, watchdog_reset},
};

int services_init(struct partition *lp)
{
    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        int err = services[i].init(lp);
        if (!err)
            continue;
        while (i-- > 0)
            services[i].fini(lp);
        return err;
    }
    sched_reset(lp);
    return 0;
}

void services_fini(struct partition *lp)
{
    for (size_t i = ARRAY_LEN(services); i-- > 0;)
        services[i].fini(lp);
}

void services_reset(struct partition *lp)
{
    sched_reset(lp);
    for (size_t i = 0; i < ARRAY_LEN(services); i++)
        services[i].reset(lp);
}

void irq_pulse(struct partition *lp, u32 source)
{
    if (lp->xive_mode)
        xive_pulse(lp, source);
    else
        xics_pulse(lp, source);
}

void irq_set_level(struct partition *lp, u32 source, bool level)
{
    if (lp->xive_mode)
        xive_set_level(lp, source, level);
    else
        xics_set_level(lp, source, level);
}

bool irq_listened(struct partition *lp, u32 source)
{
    return lp->xive_mode ? xive_enabled(lp, source) : xics_enabled(lp, source);
}

void services_add_cpu(struct partition *lp, struct cpu *cpu)
{
    xics_add_cpu(lp, cpu);
    xive_add_cpu(lp, cpu);
}
