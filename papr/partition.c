// SPDX-License-Identifier: Apache-2.0
#include "papr/partition.h"

#include <errno.h>
#include <string.h>

#include "cpu/mem_file.h"
#include "cpu/mmu/mmu.h"
#include "isa/isa.h"
#include "papr/cas.h"
#include "papr/drc.h"
#include "papr/events.h"
#include "papr/nvram.h"
#include "papr/of.h"
#include "papr/of_disk.h"
#include "papr/of_llan.h"
#include "papr/rtas.h"
#include "papr/sched.h"
#include "papr/services.h"
#include "papr/tree.h"

// Processor versions: POWER8 DD2.0, POWER9 DD2.3.
#define PVR_POWER8 0x004d0200u
#define PVR_POWER9 0x004e1203u

static struct cpu *add_thread(struct partition *lp, u32 vcpu, u32 t)
{
    u32 pvr = lp->config.isa_level >= LEVEL_V30 ? PVR_POWER9 : PVR_POWER8;
    struct cpu *cpu = group_add_cpu(&lp->group, vcpu, t, vcpu * lp->config.threads + t, pvr);
    if (!cpu || papr_cpu_init(lp, cpu))
        return NULL;
    cpu->isa_level = lp->config.isa_level;
    return cpu;
}

static int add_threads(struct partition *lp)
{
    lp->group.threads_per_vcpu = lp->config.threads;
    for (u32 vcpu = 0; vcpu < lp->config.vcpus; vcpu++)
        for (u32 t = 0; t < lp->config.threads; t++)
            if (!add_thread(lp, vcpu, t))
                return -ENOMEM;
    return 0;
}

// What the OS has chosen for all its processors: H_SET_MODE, H_REGISTER_PROC_TBL, negotiation.
static void join(struct partition *lp, struct cpu *cpu)
{
    const struct cpu *first = lp->group.cpus[0];
    services_add_cpu(lp, cpu);
    sched_reset_thread(cpu);
    cpu->isa_level = first->isa_level;
    cpu->pcr = first->pcr;
    cpu->lpcr = first->lpcr;
    cpu->trace_insn = first->trace_insn;
    mmu_context_changed(cpu);
}

int partition_add_vcpu(struct partition *lp, struct cpu *self, u32 vcpu)
{
    u32 threads = lp->config.threads;
    int err = 0;
    group_exclusive_begin(&lp->group, self);
    while (!err && lp->group.len < (vcpu + 1) * threads) {
        u32 next = lp->group.len;
        struct cpu *cpu = add_thread(lp, next / threads, next % threads);
        if (cpu)
            join(lp, cpu);
        else
            err = -ENOMEM;
    }
    group_exclusive_end(&lp->group, self);
    for (u32 i = vcpu * threads; !err && lp->hv->thread_added && i < (vcpu + 1) * threads; i++)
        err = lp->hv->thread_added(lp->hv_arg, lp->group.cpus[i]);
    return err;
}

// Services that firmware itself keeps, in the order in which they depend on each other.
static const struct {
    const char *what;
    int (*init)(struct partition *lp);
    void (*fini)(struct partition *lp);
} firmware[] = {
    {"hypervisor services", services_init, services_fini},
    {"non-volatile memory", nvram_init, nvram_fini},
    {"event log", events_init, events_fini},
    {"connectors", drc_init, drc_fini},
    {"run-time services", rtas_init, rtas_fini},
    {"disks of firmware", of_disk_init, of_disk_fini},
    {"network of firmware", of_llan_init, of_llan_fini},
    {"client interface", of_init, of_fini},
};

static void power_on_state(struct partition *lp)
{
    lp->rtas_base = 0;
    lp->fdt_addr = 0;
    lp->end_reason = NULL;
    atomic_store(&lp->report_wanted, false);
    atomic_store(&lp->end, END_NONE);
    cas_reset(lp);
    lp->group.rma_size = tree_rma_size(&lp->config);
}

int partition_init(struct partition *lp, const struct partition_config *config, const struct hv_ops *hv, void *hv_arg,
                   const char **why)
{
    memset(lp, 0, sizeof(*lp));
    lp->config = *config;
    lp->config.vcpus_max = MAX(config->vcpus_max, config->vcpus);
    lp->config.memory_max = MAX(config->memory_max, config->memory);
    lp->config.memory_min = config->memory_min ? config->memory_min : config->memory;
    lp->config.lmb = config->lmb ? config->lmb : tree_lmb_size(config->memory);
    lp->hv = hv;
    lp->hv_arg = hv_arg;
    isa_init(); // does nothing but for the first partition of a process

    *why = "the host has not got the memory";
    int err = guest_mem_init_file(&lp->mem, lp->config.memory_max, config->memory,
                                  config->memory_fd ? config->memory_fd : -1);
    if (err)
        return err;
    err = group_init(&lp->group, &lp->mem, &papr_cpu_hooks, lp);
    if (err) {
        guest_mem_fini(&lp->mem);
        return err;
    }
    err = add_threads(lp);
    if (err)
        *why = "no memory for the processors";
    power_on_state(lp);
    for (unsigned i = 0; !err && i < ARRAY_LEN(firmware); i++) {
        *why = firmware[i].what;
        err = firmware[i].init(lp);
        if (err) // undo what came before; this one has cleaned up after itself
            while (i--)
                firmware[i].fini(lp);
    }
    if (err) {
        for (u32 i = 0; i < lp->group.len; i++)
            papr_cpu_fini(lp->group.cpus[i]);
        group_fini(&lp->group);
        guest_mem_fini(&lp->mem);
        return err;
    }
    services_reset(lp);
    *why = NULL;
    return 0;
}

void partition_fini(struct partition *lp)
{
    if (!lp->mem.base)
        return;
    for (unsigned i = ARRAY_LEN(firmware); i--;)
        firmware[i].fini(lp);
    for (u32 i = 0; i < lp->group.len; i++)
        papr_cpu_fini(lp->group.cpus[i]);
    group_fini(&lp->group);
    guest_mem_fini(&lp->mem);
    lp->mem.base = NULL;
}

int partition_reset(struct partition *lp, const char **why)
{
    // Power on gives everything its first state; what must survive is the non-volatile memory alone.
    static const u64 chunk = 4096;
    u8 nvram[NVRAM_SIZE];
    struct partition_config config = lp->config;
    const struct hv_ops *hv = lp->hv;
    void *hv_arg = lp->hv_arg;
    s64 tb_offset_ns = lp->group.tb_offset_ns;

    // It keeps what it has, in a row.
    config.vcpus = drc_owned(lp, DRC_KIND_CPU);
    config.memory += drc_owned(lp, DRC_KIND_LMB) * config.lmb - config.memory / config.lmb * config.lmb;
    for (u32 at = 0; at < NVRAM_SIZE; at += chunk)
        nvram_read(lp, at, nvram + at, chunk);
    partition_fini(lp);
    int err = partition_init(lp, &config, hv, hv_arg, why);
    if (err)
        return err;
    lp->group.tb_offset_ns = tb_offset_ns;
    nvram_restore(lp, nvram);
    return 0;
}

void partition_end(struct partition *lp, enum partition_end end, const char *reason)
{
    static atomic_flag first = ATOMIC_FLAG_INIT; // orders two threads that end a partition at once
    while (atomic_flag_test_and_set(&first))
        ;
    bool mine = atomic_load(&lp->end) == END_NONE;
    if (mine) {
        lp->end_reason = reason;
        atomic_store(&lp->end, end);
    }
    atomic_flag_clear(&first);
    if (!mine)
        return;
    for (u32 i = 0; i < lp->group.len; i++)
        cpu_kick(lp->group.cpus[i], ATTN_STOP);
    if (lp->hv->ended)
        lp->hv->ended(lp->hv_arg, lp);
}

struct cpu *partition_cpu(struct partition *lp, u64 server)
{
    return server < lp->group.len ? lp->group.cpus[server] : NULL;
}
