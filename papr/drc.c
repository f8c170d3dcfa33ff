// SPDX-License-Identifier: Apache-2.0
// An OS that gives a resource back isolates its connector and makes it unusable; taking one goes the other way and ends in
// ibm,configure-connector, which hands out its node. A resource changes hands with the allocation state.
//
// `lock` guards the rows. It is not held while other threads are waited for (taking memory away, adding threads): the row is `busy`
// meanwhile, and calls on it get RTAS_BUSY.
#include "papr/drc.h"

#include <errno.h>
#include <libfdt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "cpu/block.h"
#include "papr/cas.h"
#include "papr/events.h"
#include "papr/hpt.h"
#include "papr/irq.h"
#include "papr/rtas.h"
#include "papr/tree.h"
#include "papr/vdev_ops.h"

enum { ISOLATED = 0, UNISOLATED = 1 };
enum { UNUSABLE = 0, USABLE = 1 };
enum { SENSE_EMPTY = 0, SENSE_PRESENT = 1, SENSE_UNUSABLE = 2 };
enum asked { ASKED_NOTHING, ASKED_ADD, ASKED_REMOVE };

struct drc {
    u32 index;
    u8 kind; // enum drc_kind
    u8 isolation, allocation, indicator;
    bool busy;       // changes hands
    u8 asked;        // enum asked: what the hypervisor wants
    bool offered;    // the OS may allocate it
    bool attached;   // of a virtual slot: there is something in it, and the OS may allocate it
    bool refused;    // the OS let go of it, or would not
    bool configured; // the OS has its node
    bool configuring;
    bool started; // the node's name was returned
    int property; // offset of the property returned last
    void *tree;   // what is being returned
    int node;
};

struct drc_table {
    pthread_mutex_t lock;
    u32 activity;
    bool probing;
    u32 owned[DRC_KIND_PHB + 1];
    unsigned len;
    struct drc rows[]; // in the order of their indices: processors, the host bridge, virtual slots, memory blocks
};

static struct drc *find(struct partition *lp, u32 index)
{
    struct drc_table *t = lp->drc;
    unsigned low = 0, high = t->len;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (t->rows[middle].index == index)
            return &t->rows[middle];
        if (t->rows[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

u32 drc_threads(struct partition *lp, u32 index)
{
    u32 running = 0;
    for (u32 t = 0; t < lp->config.threads; t++) {
        struct cpu *cpu = partition_cpu(lp, index - DRC_CPU + t);
        running += cpu && atomic_load(&cpu_papr(cpu)->state) != THREAD_STOPPED;
    }
    return running;
}

static bool threads_stopped(struct partition *lp, u32 index)
{
    return !drc_threads(lp, index);
}

static void own_threads(struct partition *lp, u32 index, bool owned)
{
    for (u32 t = 0; t < lp->config.threads; t++) {
        struct cpu *cpu = partition_cpu(lp, index - DRC_CPU + t);
        if (cpu)
            atomic_store(&cpu_papr(cpu)->owned, owned);
    }
}

static u64 block_address(const struct partition *lp, u32 index)
{
    return (u64)(index - DRC_LMB) * lp->config.lmb;
}

// The real mode area's blocks and the console cannot be given back.
static bool is_fixed(const struct partition *lp, const struct drc *drc)
{
    return drc->index == DRC_VIO ||
           (drc->kind == DRC_KIND_LMB && block_address(lp, drc->index) < tree_rma_size(&lp->config));
}

static void changed(struct partition *lp)
{
    lp->drc->activity++;
    if (lp->hv->connectors_changed)
        lp->hv->connectors_changed(lp->hv_arg);
}

int drc_entity_sense(struct cpu *cpu, u32 index, u32 *value)
{
    struct partition *lp = cpu_partition(cpu);
    pthread_mutex_lock(&lp->drc->lock);
    const struct drc *drc = find(lp, index);
    if (drc) {
        *value = drc->allocation == USABLE ? SENSE_PRESENT : SENSE_UNUSABLE;
        if (index == DRC_LMB)
            lp->drc->probing = false;
        changed(lp);
    }
    pthread_mutex_unlock(&lp->drc->lock);
    return drc ? RTAS_SUCCESS : RTAS_PARAMETER;
}

static int isolate(struct partition *lp, struct drc *drc)
{
    if (drc->kind == DRC_KIND_CPU && !threads_stopped(lp, drc->index))
        return RTAS_MULTI_LEVEL_ISOLATION;
    if (drc->kind == DRC_KIND_LMB && !lp->group.radix && hpt_maps(lp, block_address(lp, drc->index), lp->config.lmb))
        return RTAS_VALID_TRANSLATION;
    drc->isolation = ISOLATED;
    drc->configured = false;
    return RTAS_SUCCESS;
}

int drc_set_isolation(struct cpu *cpu, u32 index, u32 state)
{
    struct partition *lp = cpu_partition(cpu);
    int rc = RTAS_PARAMETER;
    pthread_mutex_lock(&lp->drc->lock);
    struct drc *drc = find(lp, index);
    if (drc && drc->busy) {
        rc = RTAS_BUSY;
    } else if (drc && state == ISOLATED) {
        rc = isolate(lp, drc);
    } else if (drc && state == UNISOLATED && drc->allocation == USABLE) {
        // It has it and says so again: LoPAR does not, but Linux tells that it will not give it back in this way.
        if (drc->isolation == UNISOLATED && drc->asked == ASKED_REMOVE)
            drc->refused = true;
        drc->isolation = UNISOLATED;
        rc = RTAS_SUCCESS;
    }
    if (drc && rc == RTAS_SUCCESS)
        drc->configuring = false;
    changed(lp);
    pthread_mutex_unlock(&lp->drc->lock);
    return rc;
}

// Without the lock; the row is busy. RTAS status.
static int hand_over(struct partition *lp, struct cpu *cpu, const struct drc *drc, bool to_os)
{
    u32 index = drc->index;
    switch (drc->kind) {
    case DRC_KIND_CPU:
        if (to_os && partition_add_vcpu(lp, cpu, (index - DRC_CPU) / lp->config.threads))
            return RTAS_HARDWARE_ERROR;
        own_threads(lp, index, to_os);
        return RTAS_SUCCESS;
    case DRC_KIND_LMB:
        if (to_os)
            return block_give(&lp->group, block_address(lp, index), lp->config.lmb) ? RTAS_HARDWARE_ERROR
                                                                                    : RTAS_SUCCESS;
        block_take(&lp->group, cpu, block_address(lp, index), lp->config.lmb);
        return RTAS_SUCCESS;
    case DRC_KIND_SLOT: vio_hand_over(lp, index - DRC_VIO, to_os); return RTAS_SUCCESS;
    default: return RTAS_NO_INDICATOR;
    }
}

static int change_hands(struct partition *lp, struct cpu *cpu, struct drc *drc, bool to_os)
{
    drc->busy = true;
    lp->drc->owned[drc->kind] += to_os; // counted from the beginning, and to the end
    pthread_mutex_unlock(&lp->drc->lock);
    int rc = hand_over(lp, cpu, drc, to_os);
    pthread_mutex_lock(&lp->drc->lock);
    drc->busy = false;
    if (rc == RTAS_SUCCESS)
        drc->allocation = to_os ? USABLE : UNUSABLE;
    lp->drc->owned[drc->kind] -= drc->allocation == UNUSABLE;
    drc->offered = !to_os && !lp->hv->connectors_changed; // where nobody manages them, it may have it again
    drc->refused |= drc->asked == ASKED_ADD && (!to_os || rc != RTAS_SUCCESS);
    return rc;
}

int drc_set_allocation(struct cpu *cpu, u32 index, u32 state)
{
    struct partition *lp = cpu_partition(cpu);
    int rc = RTAS_PARAMETER;
    pthread_mutex_lock(&lp->drc->lock);
    struct drc *drc = find(lp, index);
    if (drc && drc->busy)
        rc = RTAS_BUSY;
    else if (drc && state == drc->allocation)
        rc = RTAS_SUCCESS;
    else if (drc && state == USABLE)
        rc = drc->offered || drc->attached ? change_hands(lp, cpu, drc, true) : RTAS_NO_INDICATOR;
    else if (drc && state == UNUSABLE && !is_fixed(lp, drc))
        rc = drc->isolation == ISOLATED ? change_hands(lp, cpu, drc, false) : RTAS_MULTI_LEVEL_ISOLATION;
    changed(lp);
    pthread_mutex_unlock(&lp->drc->lock);
    return rc;
}

int drc_set_indicator(struct cpu *cpu, u32 index, u32 state)
{
    struct partition *lp = cpu_partition(cpu);
    pthread_mutex_lock(&lp->drc->lock);
    struct drc *drc = find(lp, index);
    if (drc && state <= 3) // off, on, identify, action
        drc->indicator = (u8)state;
    pthread_mutex_unlock(&lp->drc->lock);
    return drc && state <= 3 ? RTAS_SUCCESS : RTAS_PARAMETER;
}

// Work area (LoPAR "ibm,configure-connector"), cells: connector, 0 or our state, offset of the name, size and offset of the value.
enum {
    CC_COMPLETE = 0,
    CC_NEXT_SIBLING = 1,
    CC_NEXT_CHILD = 2,
    CC_NEXT_PROPERTY = 3,
    CC_NO_MEMORY = 5,
    CC_AREA_SIZE = 4096
};
#define CC_DATA 64u

static int begin(struct drc *drc, u8 *area)
{
    int len;
    const char *name = fdt_get_name(drc->tree, drc->node, &len);
    if (!name || (size_t)len + 1 > CC_AREA_SIZE - CC_DATA)
        return RTAS_HARDWARE_ERROR;
    memcpy(area + CC_DATA, name, (size_t)len + 1);
    store_be32(area + 8, CC_DATA);
    drc->started = true;
    drc->property = fdt_first_property_offset(drc->tree, drc->node);
    return CC_NEXT_CHILD;
}

static void end_tree(struct drc *drc)
{
    free(drc->tree);
    drc->tree = NULL;
    drc->configuring = drc->started = false;
}

static int step(struct drc *drc, u8 *area)
{
    if (!drc->started)
        return begin(drc, area);
    for (; drc->property >= 0; drc->property = fdt_next_property_offset(drc->tree, drc->property)) {
        const char *name;
        int len;
        const void *value = fdt_getprop_by_offset(drc->tree, drc->property, &name, &len);
        if (!value)
            return RTAS_HARDWARE_ERROR;
        if (drc->kind == DRC_KIND_LMB && strcmp(name, "ibm,associativity") != 0)
            continue;
        size_t name_size = strlen(name) + 1;
        if (CC_DATA + name_size + (size_t)len > CC_AREA_SIZE)
            continue;
        memcpy(area + CC_DATA, name, name_size);
        memcpy(area + CC_DATA + name_size, value, (size_t)len);
        store_be32(area + 8, CC_DATA);
        store_be32(area + 12, (u32)len);
        store_be32(area + 16, (u32)(CC_DATA + name_size));
        drc->property = fdt_next_property_offset(drc->tree, drc->property);
        return CC_NEXT_PROPERTY;
    }
    end_tree(drc);
    drc->configured = true;
    return CC_COMPLETE;
}

static int configure(struct partition *lp, struct drc *drc, u8 *area)
{
    if (load_be32(area + 4) == 0) { // a new sequence
        end_tree(drc);
        drc->configuring = true;
        store_be32(area + 4, 1);
    }
    if (drc->isolation != UNISOLATED || drc->allocation != USABLE)
        return RTAS_NOT_CONFIGURABLE;
    if (!drc->configuring)
        return RTAS_PARAMETER;
    if (!drc->tree)
        drc->tree = drc_node_tree(lp, drc->index, &drc->node);
    return drc->tree ? step(drc, area) : RTAS_HARDWARE_ERROR;
}

int drc_configure(struct partition *lp, u64 addr)
{
    u8 area[CC_AREA_SIZE];
    int rc = RTAS_PARAMETER;
    if (!guest_mem_read(&lp->mem, addr, area, sizeof(area)))
        return RTAS_PARAMETER;
    pthread_mutex_lock(&lp->drc->lock);
    struct drc *drc = find(lp, load_be32(area));
    if (drc)
        rc = configure(lp, drc, area);
    changed(lp);
    pthread_mutex_unlock(&lp->drc->lock);
    if (rc >= 0 && !guest_mem_write(&lp->mem, addr, area, sizeof(area)))
        return RTAS_PARAMETER;
    return rc;
}

u32 drc_owned(struct partition *lp, enum drc_kind kind)
{
    pthread_mutex_lock(&lp->drc->lock);
    u32 owned = lp->drc->owned[kind];
    pthread_mutex_unlock(&lp->drc->lock);
    return owned;
}

u32 drc_activity(struct partition *lp)
{
    pthread_mutex_lock(&lp->drc->lock);
    u32 activity = lp->drc->activity;
    pthread_mutex_unlock(&lp->drc->lock);
    return activity;
}

bool drc_listens(struct partition *lp)
{
    return OV5_OPTIONS < lp->vec5_len && (lp->vec5[OV5_OPTIONS] & OV5_HOTPLUG_EVENTS) && lp->vec5[0] &&
           irq_listened(lp, IRQ_HOTPLUG);
}

static void ask(struct partition *lp, struct drc *drc, enum asked what)
{
    drc->asked = (u8)what;
    drc->refused = false;
    drc->offered = what == ASKED_ADD && drc->kind != DRC_KIND_SLOT;
    static const enum event_resource resources[] = {HOTPLUG_CPU, HOTPLUG_MEMORY, HOTPLUG_SLOT, HOTPLUG_PHB};
    events_hotplug(lp, resources[drc->kind], what == ASKED_ADD ? HOTPLUG_ADD : HOTPLUG_REMOVE, HOTPLUG_BY_INDEX, 1,
                   drc->index);
}

bool drc_ask_slot(struct partition *lp, u32 slot, bool add)
{
    pthread_mutex_lock(&lp->drc->lock);
    struct drc *drc = find(lp, DRC_VIO + slot);
    bool asks = drc && !drc->busy && !is_fixed(lp, drc);
    if (asks) {
        drc->attached = true;
        drc->asked = add ? ASKED_ADD : ASKED_REMOVE;
        drc->refused = false;
        if (drc->allocation != (add ? USABLE : UNUSABLE))
            ask(lp, drc, drc->asked);
    }
    pthread_mutex_unlock(&lp->drc->lock);
    return asks;
}

bool drc_ask_add(struct partition *lp, enum drc_kind kind, u32 from, u32 *index)
{
    bool found = false;
    pthread_mutex_lock(&lp->drc->lock);
    for (u32 i = 0; i < lp->drc->len && !found; i++) {
        struct drc *drc = &lp->drc->rows[i];
        found = drc->kind == kind && drc->allocation == UNUSABLE && !drc->busy && drc->index >= from;
        if (found) {
            *index = drc->index;
            ask(lp, drc, ASKED_ADD);
        }
    }
    pthread_mutex_unlock(&lp->drc->lock);
    return found;
}

// An OS may own a processor that it does not use, or does not know of any more; it would give all threads but one of its last one that it runs on.
static bool runs_without(struct partition *lp, const struct drc *drc)
{
    for (u32 i = 0; i < lp->drc->len; i++) {
        const struct drc *other = &lp->drc->rows[i];
        if (other != drc && other->kind == DRC_KIND_CPU && other->allocation == USABLE && !other->busy &&
            !threads_stopped(lp, other->index))
            return true;
    }
    return false;
}

bool drc_ask_remove(struct partition *lp, enum drc_kind kind, u32 below, u32 *index)
{
    bool found = false;
    pthread_mutex_lock(&lp->drc->lock);
    for (u32 i = lp->drc->len; i-- > 0 && !found;) {
        struct drc *drc = &lp->drc->rows[i];
        found = drc->kind == kind && drc->allocation == USABLE && !drc->busy && drc->index < below &&
                !is_fixed(lp, drc) && (kind != DRC_KIND_CPU || runs_without(lp, drc));
        if (found) {
            *index = drc->index;
            ask(lp, drc, ASKED_REMOVE);
        }
    }
    pthread_mutex_unlock(&lp->drc->lock);
    return found;
}

static enum drc_answer answer(struct partition *lp, const struct drc *drc)
{
    if (drc->busy)
        return DRC_WAITING;
    if (drc->asked == ASKED_REMOVE)
        return drc->allocation == UNUSABLE ? DRC_DONE : drc->refused ? DRC_REFUSED : DRC_WAITING;
    if (drc->refused)
        return DRC_REFUSED;
    if (drc->allocation == UNUSABLE || !drc->configured)
        return DRC_WAITING;
    return drc->kind == DRC_KIND_CPU && threads_stopped(lp, drc->index) ? DRC_TAKEN : DRC_DONE;
}

enum drc_answer drc_answer(struct partition *lp, u32 index)
{
    pthread_mutex_lock(&lp->drc->lock);
    const struct drc *drc = find(lp, index);
    enum drc_answer a = drc ? answer(lp, drc) : DRC_REFUSED;
    pthread_mutex_unlock(&lp->drc->lock);
    return a;
}

enum drc_answer drc_withdraw(struct partition *lp, u32 index)
{
    pthread_mutex_lock(&lp->drc->lock);
    struct drc *drc = find(lp, index);
    enum drc_answer a = DRC_REFUSED;
    if (drc) {
        a = answer(lp, drc);
        // An offer that is being taken up this moment is taken up.
        if (drc->asked == ASKED_ADD && a == DRC_WAITING && (drc->busy || drc->allocation == USABLE))
            a = DRC_TAKEN;
        drc->asked = ASKED_NOTHING;
        drc->offered = drc->refused = false;
    }
    pthread_mutex_unlock(&lp->drc->lock);
    return a;
}

void drc_probe(struct partition *lp)
{
    pthread_mutex_lock(&lp->drc->lock);
    lp->drc->probing = true;
    pthread_mutex_unlock(&lp->drc->lock);
    // The OS has block 0, always: it looks at its connector, and leaves it at that.
    events_hotplug(lp, HOTPLUG_MEMORY, HOTPLUG_ADD, HOTPLUG_BY_INDEX, 1, DRC_LMB);
}

bool drc_probed(struct partition *lp)
{
    pthread_mutex_lock(&lp->drc->lock);
    bool probed = !lp->drc->probing;
    pthread_mutex_unlock(&lp->drc->lock);
    return probed;
}

static void add_rows(struct drc_table *t, enum drc_kind kind, u32 first, u32 step_size, u32 len, u32 owned)
{
    for (u32 i = 0; i < len; i++)
        t->rows[t->len++] = (struct drc){.index = first + i * step_size,
                                         .kind = (u8)kind,
                                         .isolation = i < owned ? UNISOLATED : ISOLATED,
                                         .allocation = i < owned ? USABLE : UNUSABLE,
                                         .configured = i < owned};
    t->owned[kind] = owned;
}

int drc_init(struct partition *lp)
{
    const struct partition_config *c = &lp->config;
    u32 blocks = (u32)(c->memory_max / c->lmb);
    struct drc_table *t = calloc(1, sizeof(*t) + (c->vcpus_max + blocks + VIO_SLOTS + 1) * sizeof(struct drc));
    if (!t)
        return -ENOMEM;
    pthread_mutex_init(&t->lock, NULL);
    add_rows(t, DRC_KIND_CPU, DRC_CPU, c->threads, c->vcpus_max, c->vcpus);
    add_rows(t, DRC_KIND_PHB, DRC_PHB, 1, 1, 0);
    add_rows(t, DRC_KIND_SLOT, DRC_VIO, 1, VIO_SLOTS, 1); // the console
    add_rows(t, DRC_KIND_LMB, DRC_LMB, 1, blocks, (u32)(c->memory / c->lmb));
    lp->drc = t;
    for (u32 i = 0; i < c->vcpus; i++)
        own_threads(lp, DRC_CPU + i * c->threads, true);
    return 0;
}

void drc_slot_attached(struct partition *lp, u32 slot, bool attached)
{
    if (!lp->drc)
        return;
    pthread_mutex_lock(&lp->drc->lock);
    struct drc *drc = find(lp, DRC_VIO + slot);
    lp->drc->owned[DRC_KIND_SLOT] += (u32)attached - (drc->allocation == USABLE);
    drc->isolation = attached ? UNISOLATED : ISOLATED;
    drc->allocation = attached ? USABLE : UNUSABLE;
    drc->configured = drc->attached = attached;
    drc->asked = ASKED_NOTHING;
    pthread_mutex_unlock(&lp->drc->lock);
}

void drc_fini(struct partition *lp)
{
    if (!lp->drc)
        return;
    for (u32 i = 0; i < lp->drc->len; i++)
        free(lp->drc->rows[i].tree);
    pthread_mutex_destroy(&lp->drc->lock);
    free(lp->drc);
    lp->drc = NULL;
}
