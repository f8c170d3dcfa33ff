// SPDX-License-Identifier: Apache-2.0
// A connector starts allocated and unisolated: the OS owns what is behind it. An OS that gives a resource back isolates it and
// makes it unusable; taking it again goes the other way and ends in ibm,configure-connector, which hands out its node.
#include "papr/drc.h"

#include <errno.h>
#include <libfdt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "papr/of.h"
#include "papr/rtas.h"
#include "papr/tree.h"

enum { ISOLATED = 0, UNISOLATED = 1 };
enum { UNUSABLE = 0, USABLE = 1 };
enum { SENSE_EMPTY = 0, SENSE_PRESENT = 1, SENSE_UNUSABLE = 2 };

struct drc {
    u32 index;
    u8 isolation, allocation, indicator;
    bool configuring;
    bool started; // the node's name was returned
    int property; // offset of the property returned last
};

struct drc_table {
    pthread_mutex_t lock;
    unsigned len;
    struct drc rows[]; // processors, then memory blocks, then the console's slot
};

static struct drc *find(struct partition *lp, u32 index)
{
    struct drc_table *t = lp->drc;
    for (unsigned i = 0; i < t->len; i++)
        if (t->rows[i].index == index)
            return &t->rows[i];
    return NULL;
}

static bool is_cpu(u32 index)
{
    return (index & 0xf0000000u) == DRC_CPU;
}

static bool is_memory(u32 index)
{
    return (index & 0xf0000000u) == DRC_LMB;
}

int drc_entity_sense(struct partition *lp, u32 index, u32 *value)
{
    pthread_mutex_lock(&lp->drc->lock);
    const struct drc *drc = find(lp, index);
    if (drc)
        *value = drc->allocation == USABLE ? SENSE_PRESENT : SENSE_UNUSABLE;
    pthread_mutex_unlock(&lp->drc->lock);
    return drc ? RTAS_SUCCESS : RTAS_PARAMETER;
}

int drc_set_isolation(struct partition *lp, u32 index, u32 state)
{
    int rc = RTAS_PARAMETER;
    pthread_mutex_lock(&lp->drc->lock);
    struct drc *drc = find(lp, index);
    if (drc && state <= UNISOLATED) {
        rc = RTAS_SUCCESS;
        if (state == UNISOLATED && drc->allocation == UNUSABLE)
            rc = RTAS_PARAMETER;
        else
            drc->isolation = (u8)state;
        drc->configuring = false;
    }
    pthread_mutex_unlock(&lp->drc->lock);
    return rc;
}

int drc_set_allocation(struct partition *lp, u32 index, u32 state)
{
    int rc = RTAS_PARAMETER;
    pthread_mutex_lock(&lp->drc->lock);
    struct drc *drc = find(lp, index);
    // The real mode area's blocks and the console cannot be given back.
    bool fixed =
        drc &&
        ((!is_cpu(index) && !is_memory(index)) ||
         (is_memory(index) && (index - DRC_LMB) * tree_lmb_size(lp->config.memory) < tree_rma_size(lp->config.memory)));
    if (drc && state <= USABLE && !(fixed && state == UNUSABLE)) {
        rc = state == UNUSABLE && drc->isolation != ISOLATED ? RTAS_MULTI_LEVEL_ISOLATION : RTAS_SUCCESS;
        if (rc == RTAS_SUCCESS)
            drc->allocation = (u8)state;
    }
    pthread_mutex_unlock(&lp->drc->lock);
    return rc;
}

int drc_set_indicator(struct partition *lp, u32 index, u32 state)
{
    pthread_mutex_lock(&lp->drc->lock);
    struct drc *drc = find(lp, index);
    if (drc && state <= 3) // off, on, identify, action
        drc->indicator = (u8)state;
    pthread_mutex_unlock(&lp->drc->lock);
    return drc && state <= 3 ? RTAS_SUCCESS : RTAS_PARAMETER;
}

// The node behind a connector, in the live tree.
static int node_of(const struct partition *lp, const void *fdt, u32 index)
{
    be32 value = be32_of(index);
    if (is_memory(index)) // blocks share one description: what they tell the OS is where they are near
        return fdt_path_offset(fdt, "/memory@0");
    return fdt_node_offset_by_prop_value(fdt, -1, "ibm,my-drc-index", &value, sizeof(value));
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

static int step(struct partition *lp, struct drc *drc, u8 *area)
{
    const void *fdt = of_tree(lp);
    int node = node_of(lp, fdt, drc->index), len;
    if (node < 0)
        return RTAS_HARDWARE_ERROR;
    if (!drc->started) {
        const char *name = fdt_get_name(fdt, node, &len);
        if (!name || (size_t)len + 1 > CC_AREA_SIZE - CC_DATA)
            return RTAS_HARDWARE_ERROR;
        memcpy(area + CC_DATA, name, (size_t)len + 1);
        store_be32(area + 8, CC_DATA);
        drc->started = true;
        drc->property = fdt_first_property_offset(fdt, node);
        return CC_NEXT_CHILD;
    }
    for (; drc->property >= 0; drc->property = fdt_next_property_offset(fdt, drc->property)) {
        const char *name;
        const void *value = fdt_getprop_by_offset(fdt, drc->property, &name, &len);
        if (!value)
            return RTAS_HARDWARE_ERROR;
        if (is_memory(drc->index) && strcmp(name, "ibm,associativity") != 0)
            continue;
        size_t name_size = strlen(name) + 1;
        if (CC_DATA + name_size + (size_t)len > CC_AREA_SIZE)
            continue;
        memcpy(area + CC_DATA, name, name_size);
        memcpy(area + CC_DATA + name_size, value, (size_t)len);
        store_be32(area + 8, CC_DATA);
        store_be32(area + 12, (u32)len);
        store_be32(area + 16, (u32)(CC_DATA + name_size));
        drc->property = fdt_next_property_offset(fdt, drc->property);
        return CC_NEXT_PROPERTY;
    }
    drc->configuring = false;
    return CC_COMPLETE;
}

int drc_configure(struct partition *lp, u64 addr)
{
    u8 area[CC_AREA_SIZE];
    int rc = RTAS_PARAMETER;
    if (!guest_mem_read(&lp->mem, addr, area, sizeof(area)))
        return RTAS_PARAMETER;
    pthread_mutex_lock(&lp->drc->lock);
    struct drc *drc = find(lp, load_be32(area));
    if (drc) {
        if (load_be32(area + 4) == 0) { // a new sequence
            drc->configuring = true;
            drc->started = false;
            store_be32(area + 4, 1);
        }
        if (drc->isolation != UNISOLATED || drc->allocation != USABLE)
            rc = RTAS_NOT_CONFIGURABLE;
        else if (drc->configuring)
            rc = step(lp, drc, area);
    }
    pthread_mutex_unlock(&lp->drc->lock);
    if (rc >= 0 && !guest_mem_write(&lp->mem, addr, area, sizeof(area)))
        return RTAS_PARAMETER;
    return rc;
}

int drc_init(struct partition *lp)
{
    const struct partition_config *c = &lp->config;
    u32 blocks = (u32)(c->memory / tree_lmb_size(c->memory)), len = c->vcpus + blocks + 1;
    struct drc_table *t = calloc(1, sizeof(*t) + len * sizeof(struct drc));
    if (!t)
        return -ENOMEM;
    pthread_mutex_init(&t->lock, NULL);
    t->len = len;
    for (u32 i = 0; i < len; i++) {
        u32 index = i < c->vcpus ? DRC_CPU + i * c->threads : i < c->vcpus + blocks ? DRC_LMB + i - c->vcpus : DRC_VIO;
        t->rows[i] = (struct drc){.index = index, .isolation = UNISOLATED, .allocation = USABLE};
    }
    lp->drc = t;
    return 0;
}

void drc_fini(struct partition *lp)
{
    if (!lp->drc)
        return;
    pthread_mutex_destroy(&lp->drc->lock);
    free(lp->drc);
    lp->drc = NULL;
}
