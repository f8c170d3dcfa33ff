// SPDX-License-Identifier: Apache-2.0
// The tree is written in one pass, node by node. It is built again after negotiation, so phandles must not depend on what else
// there is: each is a hash of its node's path.
#include "papr/tree.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/endian.h"
#include "isa/isa.h"
#include "papr/cas.h"
#include "papr/events.h"
#include "papr/hcall.h"
#include "papr/hpt.h"
#include "papr/irq.h"
#include "papr/nvram.h"
#include "papr/of.h"
#include "papr/rtas.h"
#include "papr/xive.h"
#include "papr/vdev_ops.h"

#define TREE_SIZE      (1 * MIB) // 64 virtual processors take about 100 KiB
#define RMA_MAX        (1 * GIB) // what firmware and the kernel's first steps may use; the rest is in logical memory blocks
#define RMA_MIN        (512 * MIB)
#define CPU_TREE_SIZE  (16 * KIB)
#define SLOT_TREE_SIZE (8 * KIB)
#define PATH_DEPTH     8
#define HYPERTAS_SIZE  1024

struct builder {
    const struct partition *lp;
    void *fdt;
    size_t size; // of the block that it is in
    int err;     // the first error of libfdt; everything after it does nothing
    char path[256];
    unsigned path_len[PATH_DEPTH]; // length of `path` before each open node
    unsigned depth;
};

u64 tree_lmb_size(u64 memory)
{
    u64 size = LMB_SIZE;
    while (memory % size && size > 16 * MIB)
        size /= 2;
    return size;
}

u64 tree_rma_size(const struct partition_config *c)
{
    u64 size = MIN(MAX(c->memory_min, RMA_MIN), RMA_MAX);
    return MIN(c->memory, (size + c->lmb - 1) / c->lmb * c->lmb);
}

static u32 phandle_of(const char *path)
{
    u32 hash = 2166136261u; // FNV-1a
    for (; *path; path++)
        hash = (hash ^ (u8)*path) * 16777619u;
    return (hash & 0x7fffffffu) | 0x100u; // never 0 or -1, and no small number that a mistake would hit
}

static void check(struct builder *b, int err)
{
    if (err < 0 && !b->err)
        b->err = err;
}

static void prop(struct builder *b, const char *name, const void *value, size_t size)
{
    if (!b->err)
        check(b, fdt_property(b->fdt, name, value, (int)size));
}

static void prop_empty(struct builder *b, const char *name)
{
    prop(b, name, "", 0);
}

static void prop_str(struct builder *b, const char *name, const char *value)
{
    prop(b, name, value, strlen(value) + 1);
}

#define PROP_CELLS(b, name, ...) \
    prop_cells(b, name, (const u32[]){__VA_ARGS__}, sizeof((const u32[]){__VA_ARGS__}) / sizeof(u32))

static void prop_cells(struct builder *b, const char *name, const u32 *cells, size_t len)
{
    be32 out[80];
    assert(len <= ARRAY_LEN(out));
    for (size_t i = 0; i < len; i++)
        out[i] = be32_of(cells[i]);
    prop(b, name, out, len * sizeof(be32));
}

static void node_begin(struct builder *b, const char *name)
{
    assert(b->depth < PATH_DEPTH);
    unsigned len = (unsigned)strlen(b->path);
    b->path_len[b->depth++] = len;
    if (len == 0 || b->path[len - 1] != '/')
        snprintf(b->path + len, sizeof(b->path) - len, "/%s", name);
    else
        snprintf(b->path + len, sizeof(b->path) - len, "%s", name);
    if (!b->err)
        check(b, fdt_begin_node(b->fdt, name));
    PROP_CELLS(b, "phandle", phandle_of(b->path));
}

static void node_end(struct builder *b)
{
    b->path[b->path_len[--b->depth]] = '\0';
    if (!b->err)
        check(b, fdt_end_node(b->fdt));
}

static bool negotiated(const struct partition *lp, unsigned index, u8 bits)
{
    return index < lp->vec5_len && (lp->vec5[index] & bits) == bits;
}

static bool power9(const struct partition *lp)
{
    return lp->config.isa_level >= LEVEL_V30;
}

static const char *model_name(const struct partition *lp)
{
    return power9(lp) ? "IBM,9009-22A" : "IBM,8286-41A";
}

// The system's serial number.
static void system_serial(const struct partition *lp, u32 offset, char text[8])
{
    if (*lp->config.serial)
        snprintf(text, 8, "%s", lp->config.serial);
    else
        snprintf(text, 8, "%07X", 0x78A5000u + offset);
}

// Location codes: U<type>.<model>.<serial>-V<partition>-C<slot>.
static void location_code(const struct partition *lp, unsigned slot, char *text, size_t size)
{
    char serial[8];
    system_serial(lp, lp->config.id, serial);
    snprintf(text, size, "U%s.%s-V%u-C%u", power9(lp) ? "9009.22A" : "8286.41A", serial, lp->config.id, slot);
}

void tree_identity(const struct partition *lp, char type[TREE_IDENTITY_MAX], char serial[TREE_IDENTITY_MAX],
                   char location[TREE_IDENTITY_MAX])
{
    snprintf(type, TREE_IDENTITY_MAX, "%s", model_name(lp) + strlen("IBM,"));
    system_serial(lp, lp->config.id, serial);
    snprintf(location, TREE_IDENTITY_MAX, "U%s.%s", power9(lp) ? "9009.22A" : "8286.41A", serial);
}

static void add_root(struct builder *b)
{
    const struct partition *lp = b->lp;
    char text[64];

    PROP_CELLS(b, "#address-cells", 2);
    PROP_CELLS(b, "#size-cells", 2);
    prop_str(b, "device_type", "chrp");
    prop_str(b, "model", model_name(lp));
    prop_str(b, "compatible", model_name(lp));
    memcpy(text, "IBM,02", 6);
    system_serial(lp, 0, text + 6);
    prop_str(b, "system-id", text);
    prop_str(b, "ibm,model-class", "E5");
    PROP_CELLS(b, "ibm,partition-no", lp->config.id);
    prop_str(b, "ibm,partition-name", lp->config.name);
    prop_empty(b, "ibm,lpar-capable");
    PROP_CELLS(b, "ibm,partition-performance-parameters-level", 1); // H_GET_PPP has its fifth register
    prop_str(b, "hmc-managed?", "FALSE");
    prop_str(b, "ibm,fw-vernum_encoded", "OL950_001");
    PROP_CELLS(b, "clock-frequency", 500000000);
    if (power9(lp)) // priorities of the interrupt controller that firmware keeps: 7 and what is beyond it
        PROP_CELLS(b, "ibm,plat-res-int-priorities", 7, 0xf8);
}

// Byte and bit meanings: LoPAR "ibm,pa-features". No transactional memory (byte 22).
static const u8 pa_features_207[] = {
    24,   0,                            // attribute length and type
    0xf6, 0x1f, 0xc7, 0xc0, 0x80, 0xf0, // 0..5
    0x80, 0x00, 0x00, 0x00, 0x00, 0x00, // 6..11: little-endian mode
    0x00, 0x00, 0x00, 0x00, 0x80, 0x00, // 12..17: 16 vector
    0x80, 0x00, 0x80, 0x00, 0x00, 0x00, // 18..23: 18 vector-scalar, 20 decimal floating point
};
static const u8 pa_features_300[] = {
    66,   0,                            //
    0xf6, 0x3f, 0xc7, 0xc0, 0x80, 0xf0, // 0..5
    0x80, 0x00, 0x00, 0x00, 0x00, 0x00, // 6..11
    0x00, 0x00, 0x00, 0x00, 0x80, 0x00, // 12..17
    0x80, 0x00, 0x80, 0x00, 0x00, 0x00, // 18..23
    0x80, 0x00, 0x80, 0x00, 0x80, 0x00, // 24..29: extended control facilities, cache hints, PMU format
    0x80, 0x00, 0x80, 0x00, 0xc0, 0x00, // 30..35: MMR, little-endian, quadword atomics
    0x80, 0x00, 0x80, 0x00, 0x80, 0x00, // 36..41: 40 radix
    0x80, 0x00, 0x80, 0x00, 0x80, 0x00, // 42..47: decimal, atomics, string
    0x80, 0x00, 0x80, 0x00, 0x80, 0x00, // 48..53
    0x80, 0x00, 0x80, 0x00, 0x80, 0x00, // 54..59
    0x80, 0x00, 0x80, 0x00, 0x00, 0x00, // 60..65
};
#define PA_FEATURES_RADIX (2 + 40)

static void add_pa_features(struct builder *b)
{
    if (b->lp->compat_level < LEVEL_V30) {
        prop(b, "ibm,pa-features", pa_features_207, sizeof(pa_features_207));
        return;
    }
    u8 features[sizeof(pa_features_300)];
    memcpy(features, pa_features_300, sizeof(features));
    if (!b->lp->config.radix_allowed)
        features[PA_FEATURES_RADIX] &= (u8)~0x80;
    prop(b, "ibm,pa-features", features, sizeof(features));
}

static void add_cpu(struct builder *b, u32 vcpu)
{
    const struct partition *lp = b->lp;
    u32 threads = lp->config.threads, first = vcpu * threads;
    u32 servers[8], gservers[16];
    char name[48];

    snprintf(name, sizeof(name), "PowerPC,%s@%x", power9(lp) ? "POWER9" : "POWER8", first);
    node_begin(b, name);
    prop_str(b, "device_type", "cpu");
    PROP_CELLS(b, "reg", first);
    prop_str(b, "status", "okay");
    PROP_CELLS(b, "ibm,my-drc-index", DRC_CPU | first);
    PROP_CELLS(b, "cpu-version", cas_cpu_version(lp));
    for (u32 t = 0; t < threads; t++) {
        servers[t] = first + t;
        gservers[2 * t] = first + t;
        gservers[2 * t + 1] = 0;
    }
    prop_cells(b, "ibm,ppc-interrupt-server#s", servers, threads);
    prop_cells(b, "ibm,ppc-interrupt-gserver#s", gservers, 2 * threads);
    prop_empty(b, "64-bit");
    add_pa_features(b);
    PROP_CELLS(b, "ibm,pft-size", 0, hpt_shift_for(lp->config.memory_max));
    PROP_CELLS(b, "slb-size", 32);
    PROP_CELLS(b, "ibm,slb-size", 32);
    PROP_CELLS(b, "ibm,processor-segment-sizes", 28, 40, ~0u, ~0u);
    // base size, SLB encoding, count, then (actual size, PTE encoding); sizes as log2
    PROP_CELLS(b, "ibm,segment-page-sizes", 12, 0x000, 3, 12, 0, 16, 7, 24, 0x38, 16, 0x110, 2, 16, 1, 24, 8, 24, 0x100,
               1, 24, 0);
    PROP_CELLS(b, "ibm,processor-page-sizes", 12, 16, 24);
    PROP_CELLS(b, "ibm,processor-storage-keys", 32, 0);
    if (lp->config.radix_allowed && lp->compat_level >= LEVEL_V30) // log2 of the size, AP in the top three bits
        PROP_CELLS(b, "ibm,processor-radix-AP-encodings", 0x0000000c, 0xa0000010, 0x20000015, 0x4000001e);
    PROP_CELLS(b, "ibm,vmx", 2);
    PROP_CELLS(b, "ibm,dfp", 1);
    PROP_CELLS(b, "ibm,purr", 1);
    PROP_CELLS(b, "ibm,spurr", 1);
    if (lp->compat_level >= LEVEL_V30)
        PROP_CELLS(b, "ibm,dec-bits", 56);
    PROP_CELLS(b, "timebase-frequency", (u32)TIMEBASE_HZ);
    PROP_CELLS(b, "ibm,extended-timebase-frequency", 0, (u32)TIMEBASE_HZ);
    PROP_CELLS(b, "clock-frequency", 3000000000u);
    PROP_CELLS(b, "ibm,extended-clock-frequency", 0, 3000000000u);
    PROP_CELLS(b, "d-cache-size", 0x8000);
    PROP_CELLS(b, "d-cache-sets", 0x20);
    PROP_CELLS(b, "d-cache-line-size", 128);
    PROP_CELLS(b, "d-cache-block-size", 128);
    PROP_CELLS(b, "i-cache-size", 0x8000);
    PROP_CELLS(b, "i-cache-sets", 0x20);
    PROP_CELLS(b, "i-cache-line-size", 128);
    PROP_CELLS(b, "i-cache-block-size", 128);
    PROP_CELLS(b, "reservation-granule-size", 128);
    PROP_CELLS(b, "ibm,chip-id", 0);
    PROP_CELLS(b, "ibm,associativity", 5, 0, 0, 0, 0, vcpu);
    node_end(b);
}

static void add_drc_arrays(struct builder *b, const u32 *indices, const char *names, size_t names_size,
                           const char *type, u32 len)
{
    // All four: a count, then one element per connector. LoPAR "Dynamic Reconfiguration Connectors"
    size_t size = 4 + len * 16 + names_size;
    u8 *buffer = malloc(size);
    if (!buffer) {
        check(b, -FDT_ERR_NOSPACE);
        return;
    }
    store_be32(buffer, len);
    for (u32 i = 0; i < len; i++)
        store_be32(buffer + 4 + 4 * i, indices[i]);
    prop(b, "ibm,drc-indexes", buffer, 4 + 4 * len);
    for (u32 i = 0; i < len; i++)
        store_be32(buffer + 4 + 4 * i, ~0u); // no power domain of its own
    prop(b, "ibm,drc-power-domains", buffer, 4 + 4 * len);
    memcpy(buffer + 4, names, names_size);
    prop(b, "ibm,drc-names", buffer, 4 + names_size);
    size_t at = 4;
    for (u32 i = 0; i < len; i++) {
        memcpy(buffer + at, type, strlen(type) + 1);
        at += strlen(type) + 1;
    }
    prop(b, "ibm,drc-types", buffer, at);
    free(buffer);
}

static void add_drc_series(struct builder *b, u32 first, u32 step, u32 len, const char *prefix, const char *type)
{
    u32 *indices = calloc(len, sizeof(*indices));
    char *names = malloc(len * 16);
    size_t used = 0;
    if (indices && names) {
        for (u32 i = 0; i < len; i++) {
            indices[i] = first + i * step;
            used += (size_t)snprintf(names + used, 16, "%s %u", prefix, i + 1) + 1;
        }
        add_drc_arrays(b, indices, names, used, type, len);
    } else {
        check(b, -FDT_ERR_NOSPACE);
    }
    free(indices);
    free(names);
}

static void add_bridge_connector(struct builder *b)
{
    static const u32 index = DRC_PHB;
    static const char name[] = "PHB 1";
    add_drc_arrays(b, &index, name, sizeof(name), "PHB", 1);
}

static void add_cpus(struct builder *b)
{
    node_begin(b, "cpus");
    PROP_CELLS(b, "#address-cells", 1);
    PROP_CELLS(b, "#size-cells", 0);
    add_drc_series(b, DRC_CPU, b->lp->config.threads, b->lp->config.vcpus_max, "CPU", "CPU");
    for (u32 i = 0; i < b->lp->config.vcpus; i++)
        add_cpu(b, i);
    node_end(b);
}

static void add_memory(struct builder *b, u64 start, u64 size)
{
    char name[32];
    snprintf(name, sizeof(name), "memory@%llx", (unsigned long long)start);
    node_begin(b, name);
    prop_str(b, "device_type", "memory");
    PROP_CELLS(b, "reg", (u32)(start >> 32), (u32)start, (u32)(size >> 32), (u32)size);
    PROP_CELLS(b, "ibm,associativity", 4, 0, 0, 0, 0);
    if (start == 0) {
        PROP_CELLS(b, "available", (u32)(start >> 32), (u32)start, (u32)(size >> 32), (u32)size);
        PROP_CELLS(b, "ibm,preservable", 0);
    }
    node_end(b);
}

#define LMB_ASSIGNED 0x08u
#define LMB_RESERVED 0x80u // present, but described by memory@0
#define LMB_NOWHERE  (~0u) // of what is not assigned: no associativity
#define LMB_SETS     3u

// Blocks in a row that are alike: the real mode area, what else there is, what there could be.
struct lmb_set {
    u32 first, len, associativity, flags;
};

static u32 lmb_sets(const struct partition *lp, struct lmb_set sets[LMB_SETS])
{
    const struct partition_config *c = &lp->config;
    u32 fixed = (u32)((tree_rma_size(c) + c->lmb - 1) / c->lmb), have = (u32)(c->memory / c->lmb),
        all = (u32)(c->memory_max / c->lmb), len = 0;
    sets[len++] = (struct lmb_set){0, fixed, 0, LMB_RESERVED};
    if (have > fixed)
        sets[len++] = (struct lmb_set){fixed, have - fixed, 0, LMB_ASSIGNED};
    if (all > MAX(have, fixed))
        sets[len++] = (struct lmb_set){MAX(have, fixed), all - MAX(have, fixed), LMB_NOWHERE, 0};
    return len;
}

static void add_dynamic_memory(struct builder *b)
{
    u64 lmb = b->lp->config.lmb;
    struct lmb_set sets[LMB_SETS];
    u32 len = lmb_sets(b->lp, sets);

    node_begin(b, "ibm,dynamic-reconfiguration-memory");
    PROP_CELLS(b, "ibm,lmb-size", (u32)(lmb >> 32), (u32)lmb);
    PROP_CELLS(b, "ibm,memory-flags-mask", 0xff);
    PROP_CELLS(b, "ibm,memory-preservation-time", 0);
    PROP_CELLS(b, "ibm,associativity-lookup-arrays", 1, 4, 0, 0, 0, 0);
    if (negotiated(b->lp, OV5_DRMEM, OV5_DRMEM_V2)) {
        u32 cells[1 + 6 * LMB_SETS], at = 0;
        cells[at++] = len;
        for (u32 i = 0; i < len; i++) {
            u64 start = sets[i].first * lmb;
            cells[at++] = sets[i].len;
            cells[at++] = (u32)(start >> 32);
            cells[at++] = (u32)start;
            cells[at++] = DRC_LMB + sets[i].first;
            cells[at++] = sets[i].associativity;
            cells[at++] = sets[i].flags;
        }
        prop_cells(b, "ibm,dynamic-memory-v2", cells, at);
    } else {
        u32 total = sets[len - 1].first + sets[len - 1].len;
        size_t size = 4 + (size_t)total * 24;
        u8 *list = malloc(size);
        if (!list) {
            check(b, -FDT_ERR_NOSPACE);
            node_end(b);
            return;
        }
        store_be32(list, total);
        for (u32 i = 0; i < len; i++)
            for (u32 j = sets[i].first; j < sets[i].first + sets[i].len; j++) {
                u8 *entry = list + 4 + (size_t)j * 24;
                store_be64(entry, j * lmb);
                store_be32(entry + 8, DRC_LMB + j);
                store_be32(entry + 12, 0);
                store_be32(entry + 16, sets[i].associativity);
                store_be32(entry + 20, sets[i].flags);
            }
        prop(b, "ibm,dynamic-memory", list, size);
        free(list);
    }
    node_end(b);
}

static void add_memories(struct builder *b)
{
    u64 memory = b->lp->config.memory, rma = tree_rma_size(&b->lp->config);
    add_memory(b, 0, rma);
    // Without the negotiated option every block has a node of its own kind.
    if (negotiated(b->lp, OV5_PARTITION, OV5_DRCONF_MEMORY))
        add_dynamic_memory(b);
    else if (memory > rma)
        add_memory(b, rma, memory - rma);
}

static size_t hypertas_functions(char *list)
{
    size_t used = 0;
    for (unsigned i = 0; i < hcall_rows_len; i++) {
        const char *set = hcall_rows[i].function_set;
        size_t len = strlen(set) + 1;
        bool found = len == 1;
        for (size_t at = 0; at < used && !found; at += strlen(list + at) + 1)
            found = strcmp(list + at, set) == 0;
        if (!found && used + len <= HYPERTAS_SIZE) {
            memcpy(list + used, set, len);
            used += len;
        }
    }
    return used;
}

static void add_rtas(struct builder *b)
{
    const struct partition *lp = b->lp;
    char functions[HYPERTAS_SIZE];
    u64 lmb = lp->config.lmb, memory_max = lp->config.memory_max;

    node_begin(b, "rtas");
    for (unsigned i = 0; i < rtas_rows_len; i++)
        PROP_CELLS(b, rtas_rows[i].name, rtas_rows[i].token);
    PROP_CELLS(b, "rtas-version", 1);
    PROP_CELLS(b, "rtas-size", RTAS_BLOB_SIZE);
    PROP_CELLS(b, "rtas-event-scan-rate", 1); // per minute: events come by interrupt
    PROP_CELLS(b, "rtas-error-log-max", EVENT_LOG_MAX);
    prop_empty(b, "ibm,extended-os-term");
    PROP_CELLS(b, "ibm,display-number-of-lines", 2);
    PROP_CELLS(b, "ibm,display-line-length", 16, 16);
    PROP_CELLS(b, "ibm,form-feed", 0x0c);
    prop(b, "ibm,hypertas-functions", functions, hypertas_functions(functions));
    PROP_CELLS(b, "ibm,associativity-reference-points", 4, 4, 2);
    PROP_CELLS(b, "ibm,max-associativity-domains", 5, 1, 1, 1, 1, lp->config.vcpus_max);
    PROP_CELLS(b, "ibm,current-associativity-domains", 5, 1, 1, 1, 1, lp->config.vcpus);
    PROP_CELLS(b, "ibm,lrdr-capacity", (u32)(memory_max >> 32), (u32)memory_max, (u32)(lmb >> 32), (u32)lmb,
               lp->config.vcpus_max);
    // sensors: token, count of them less one: entity sense of connectors; indicators likewise
    PROP_CELLS(b, "rtas-sensors", 9, 0, 9003, 0);
    PROP_CELLS(b, "rtas-indicators", 5, 0, 9001, 0, 9002, 0, 9003, 0, 9005, 0);
    if (lp->rtas_base) {
        PROP_CELLS(b, "linux,rtas-base", (u32)lp->rtas_base);
        PROP_CELLS(b, "linux,rtas-entry", (u32)lp->rtas_base);
    }
    node_end(b);
}

static void add_chosen(struct builder *b)
{
    const struct partition *lp = b->lp;
    u8 seed[32];

    node_begin(b, "chosen");
    if (lp->config.bootargs)
        prop_str(b, "bootargs", lp->config.bootargs);
    if (lp->config.initrd_size) {
        u64 start = lp->config.initrd_addr, end = start + lp->config.initrd_size;
        PROP_CELLS(b, "linux,initrd-start", (u32)(start >> 32), (u32)start);
        PROP_CELLS(b, "linux,initrd-end", (u32)(end >> 32), (u32)end);
    }
    prop_str(b, "linux,stdout-path", TREE_CONSOLE_PATH);
    prop_str(b, "stdout-path", TREE_CONSOLE_PATH);
    if (getrandom(seed, sizeof(seed), GRND_NONBLOCK) == (ssize_t)sizeof(seed))
        prop(b, "rng-seed", seed, sizeof(seed));
    prop(b, "ibm,architecture-vec-5", lp->vec5, lp->vec5_len);
    // What may be asked for: index and value pairs of option vector 5. A POWER8 has neither radix nor XIVE.
    if (power9(lp)) {
        const struct partition_config *c = &lp->config;
        u8 mmu = c->radix_allowed ? c->hash_allowed ? OV5_MMU_EITHER : OV5_MMU_RADIX_ONLY : 0;
        u8 support[] = {
            OV5_INTERRUPTS, OV5_XIVE_EITHER, OV5_MMU, mmu, OV5_HASH, 0, OV5_RADIX, c->radix_allowed ? OV5_GTSE : 0};
        prop(b, "ibm,arch-vec-5-platform-support", support, sizeof(support));
    }
    node_end(b);
}

static void add_xics(struct builder *b)
{
    const struct partition_config *c = &b->lp->config;
    node_begin(b, "interrupt-controller");
    prop_str(b, "device_type", "PowerPC-External-Interrupt-Presentation");
    prop_str(b, "compatible", "IBM,ppc-xicp");
    prop_empty(b, "interrupt-controller");
    PROP_CELLS(b, "#interrupt-cells", 2);
    PROP_CELLS(b, "#address-cells", 0);
    PROP_CELLS(b, "ibm,interrupt-server-ranges", 0, c->vcpus_max * c->threads);
    node_end(b);
}

static void add_xive(struct builder *b)
{
    const struct partition_config *c = &b->lp->config;
    u64 user = XIVE_TIMA_USER, os = XIVE_TIMA_OS;
    char name[48];
    snprintf(name, sizeof(name), "interrupt-controller@%llx", (unsigned long long)user);
    node_begin(b, name);
    prop_str(b, "device_type", "power-ivpe");
    prop_str(b, "compatible", "ibm,power-ivpe");
    PROP_CELLS(b, "reg", (u32)(user >> 32), (u32)user, 0, (u32)XIVE_PAGE_SIZE, (u32)(os >> 32), (u32)os, 0,
               (u32)XIVE_PAGE_SIZE);
    PROP_CELLS(b, "ibm,xive-eq-sizes", 12, 16, 21, 24);
    PROP_CELLS(b, "ibm,xive-lisn-ranges", IRQ_XIVE_IPI_FIRST, c->vcpus_max * c->threads);
    prop_empty(b, "interrupt-controller");
    PROP_CELLS(b, "#interrupt-cells", 2);
    PROP_CELLS(b, "#address-cells", 0);
    node_end(b);
}

static void add_event_source(struct builder *b, const char *name, u32 source)
{
    node_begin(b, name);
    PROP_CELLS(b, "interrupts", source, 0);
    node_end(b);
}

static void add_event_sources(struct builder *b)
{
    node_begin(b, "event-sources");
    prop_empty(b, "interrupt-controller");
    PROP_CELLS(b, "#interrupt-cells", 2);
    PROP_CELLS(b, "interrupt-ranges", IRQ_EPOW, 1, IRQ_HOTPLUG, 1, IRQ_INTERNAL_ERRORS, 1);
    add_event_source(b, "internal-errors", IRQ_INTERNAL_ERRORS);
    add_event_source(b, "epow-events", IRQ_EPOW);
    if (negotiated(b->lp, OV5_OPTIONS, OV5_HOTPLUG_EVENTS))
        add_event_source(b, "hot-plug-events", IRQ_HOTPLUG);
    node_end(b);
}

struct vdev_node {
    struct builder *b;
};

void vdev_property(struct vdev_node *node, const char *name, const void *value, size_t size)
{
    prop(node->b, name, value, size);
}

void vdev_property_cells(struct vdev_node *node, const char *name, const u32 *cells, u32 len)
{
    prop_cells(node->b, name, cells, len);
}

static void vdevice_begin(struct builder *b, const char *name, const char *type, const char *compatible, u32 slot)
{
    char node[48], location[64];
    snprintf(node, sizeof(node), "%s@%x", name, VIO_UNIT(slot));
    node_begin(b, node);
    prop_str(b, "device_type", type);
    prop_str(b, "compatible", compatible);
    PROP_CELLS(b, "reg", VIO_UNIT(slot));
    PROP_CELLS(b, "interrupts", slot ? IRQ_VDEV_FIRST + slot : IRQ_VTY, 0);
    PROP_CELLS(b, "ibm,my-drc-index", DRC_VIO + slot);
    location_code(b->lp, slot, location, sizeof(location));
    prop_str(b, "ibm,loc-code", location);
}

// Stands for every disk at the adapter: a path's unit address says which one (papr/of_disk.h).
static void add_disk_node(struct builder *b)
{
    PROP_CELLS(b, "#address-cells", 2);
    PROP_CELLS(b, "#size-cells", 0);
    node_begin(b, "disk");
    prop_str(b, "device_type", "block");
    node_end(b);
}

static void add_adapter(struct builder *b, const struct vdev *vdev)
{
    struct vdev_node node = {b};
    vdevice_begin(b, vdev->ops->name, vdev->ops->device_type, vdev->ops->compatible, vdev->slot);
    if (vdev->window_size) {
        PROP_CELLS(b, "ibm,#dma-address-cells", 2);
        PROP_CELLS(b, "ibm,#dma-size-cells", 2);
        u32 high = (u32)(vdev->window_size >> 32), low = (u32)vdev->window_size;
        const u32 windows[] = {vdev->liobn, 0, 0, high, low, vdev->remote_liobn, 0, 0, high, low};
        prop_cells(b, "ibm,my-dma-window", windows, vdev->remote_liobn ? 10 : 5);
    }
    if (vdev->ops->properties)
        vdev->ops->properties(vdev, &node);
    if (strcmp(vdev->ops->device_type, "vscsi") == 0)
        add_disk_node(b);
    node_end(b);
}

static void add_slot_connectors(struct builder *b)
{
    u32 indices[VIO_SLOTS];
    char names[VIO_SLOTS * 64];
    size_t used = 0;
    for (u32 slot = 0; slot < VIO_SLOTS; slot++) {
        indices[slot] = DRC_VIO + slot;
        location_code(b->lp, slot, names + used, 64);
        used += strlen(names + used) + 1;
    }
    add_drc_arrays(b, indices, names, used, "SLOT", VIO_SLOTS);
}

static void add_vdevice(struct builder *b)
{
    node_begin(b, "vdevice");
    prop_str(b, "device_type", "vdevice");
    prop_str(b, "compatible", "IBM,vdevice");
    PROP_CELLS(b, "#address-cells", 1);
    PROP_CELLS(b, "#size-cells", 0);
    prop_empty(b, "interrupt-controller");
    PROP_CELLS(b, "#interrupt-cells", 2);
    add_slot_connectors(b);
    vdevice_begin(b, "vty", "serial", "hvterm1", 0); // every partition has it
    node_end(b);
    for (u32 slot = 1; slot < VIO_SLOTS; slot++) {
        const struct vdev *vdev = vio_slot(b->lp, slot);
        if (vdev)
            add_adapter(b, vdev);
    }
    node_end(b);
}

static void add_nvram(struct builder *b)
{
    node_begin(b, "nvram");
    prop_str(b, "device_type", "nvram");
    PROP_CELLS(b, "#bytes", NVRAM_SIZE);
    node_end(b);
}

static void add_small_nodes(struct builder *b)
{
    char boot_device[NVRAM_VALUE_MAX];
    node_begin(b, "options");
    prop_str(b, "auto-boot?", "true");
    prop_str(b, "boot-device", nvram_variable(b->lp, "boot-device", boot_device) ? boot_device : "");
    prop_str(b, "little-endian?", "true");
    node_end(b);

    node_begin(b, "aliases");
    prop_str(b, "console", TREE_CONSOLE_PATH);
    node_end(b);

    node_begin(b, "openprom");
    prop_str(b, "device_type", "open-prom");
    prop_str(b, "model", "IBM,OL950_001");
    prop_str(b, "ibm,fw-vernum_encoded", "OL950_001");
    prop_empty(b, "relative-addressing");
    node_end(b);

    node_begin(b, "packages");
    node_end(b);
}

// Either tree, finished; NULL: no memory.
static void *finish(struct builder *b)
{
    if (!b->err)
        check(b, fdt_finish(b->fdt));
    if (!b->err)
        check(b, fdt_open_into(b->fdt, b->fdt, (int)b->size));
    if (!b->err)
        return b->fdt;
    free(b->fdt);
    return NULL;
}

static bool start(struct builder *b)
{
    b->fdt = malloc(b->size);
    if (!b->fdt)
        return false;
    check(b, fdt_create(b->fdt, (int)b->size));
    if (!b->err)
        check(b, fdt_finish_reservemap(b->fdt));
    node_begin(b, "");
    return true;
}

void *tree_build_cpu(const struct partition *lp, u32 vcpu, int *node)
{
    struct builder builder = {.lp = lp, .size = CPU_TREE_SIZE}, *b = &builder;
    if (!start(b))
        return NULL;
    node_begin(b, "cpus");
    add_cpu(b, vcpu);
    node_end(b);
    node_end(b);
    void *fdt = finish(b);
    int cpus = fdt ? fdt_path_offset(fdt, "/cpus") : 0;
    *node = fdt ? fdt_first_subnode(fdt, cpus) : 0;
    return fdt;
}

void *tree_build_slot(const struct partition *lp, u32 slot, int *node)
{
    struct builder builder = {.lp = lp, .size = SLOT_TREE_SIZE}, *b = &builder;
    const struct vdev *vdev = vio_slot(lp, slot);
    if (!vdev || !start(b))
        return NULL;
    add_adapter(b, vdev);
    node_end(b);
    void *fdt = finish(b);
    *node = fdt ? fdt_first_subnode(fdt, 0) : 0;
    return fdt;
}

void *tree_build(const struct partition *lp)
{
    struct builder builder = {.lp = lp, .size = TREE_SIZE}, *b = &builder;
    if (!start(b))
        return NULL;
    add_root(b);
    add_bridge_connector(b);
    add_chosen(b);
    add_cpus(b);
    add_memories(b);
    add_rtas(b);
    if (lp->xive_mode)
        add_xive(b);
    else
        add_xics(b);
    add_event_sources(b);
    add_vdevice(b);
    add_nvram(b);
    add_small_nodes(b);
    node_end(b);
    return finish(b);
}
