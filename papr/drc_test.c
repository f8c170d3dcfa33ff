// SPDX-License-Identifier: Apache-2.0
// Processors and memory that a partition is given and gives back: the OS's side by RTAS calls, the hypervisor's by papr/drc.h.
#include "papr/drc.h"

#include <errno.h>
#include <libfdt.h>
#include <sys/stat.h>

#include "base/endian.h"
#include "cpu/spr.h"
#include "papr/cas.h"
#include "papr/events.h"
#include "papr/hpt.h"
#include "papr/irq.h"
#include "papr/of.h"
#include "papr/rtas.h"
#include "papr/sched.h"
#include "papr/test_partition.h"
#include "papr/tce.h"
#include "papr/tree.h"
#include "papr/vdev_ops.h"
#include "papr/xics.h"
#include "papr/xive.h"

#define ARGS   0x10000u
#define BUFFER 0x20000u
#define LMB    (256 * MIB)

static struct partition *lp;
static u32 ret[16];
static unsigned changes, threads_made;
static bool no_threads;

static void on_change(void *arg)
{
    changes++;
}

static int on_thread(void *arg, struct cpu *cpu)
{
    threads_made++;
    return no_threads ? -1 : 0;
}

// Threads made by two: 1 of 3 processors, 3 of 6 blocks, of which 2 are the real mode area.
static void begin(bool radix)
{
    static struct hv_ops ops;
    struct partition_config c = test_config(1, 2, radix ? LEVEL_V30 : LEVEL_V207);
    ops = test_hv_ops;
    ops.connectors_changed = on_change;
    ops.thread_added = on_thread;
    c.vcpus_max = 3;
    c.memory = 3 * LMB;
    c.memory_min = LMB;
    c.memory_max = 6 * LMB;
    c.hash_allowed = !radix;
    lp = test_partition_of(&c, &ops);
    changes = threads_made = 0;
    no_threads = false;
}

static int call(const char *name, u32 nargs, u32 nret, const u32 *args)
{
    be32 cells[20];
    for (unsigned i = 0; i < rtas_rows_len; i++)
        if (strcmp(rtas_rows[i].name, name) == 0)
            cells[0] = be32_of(rtas_rows[i].token);
    cells[1] = be32_of(nargs);
    cells[2] = be32_of(nret);
    for (u32 i = 0; i < nargs; i++)
        cells[3 + i] = be32_of(args[i]);
    guest_mem_write(&lp->mem, ARGS, cells, sizeof(cells));
    cpu_enter(lp->group.cpus[0]);
    rtas_call(lp->group.cpus[0], ARGS);
    cpu_leave(lp->group.cpus[0]);
    guest_mem_read(&lp->mem, ARGS, cells, sizeof(cells));
    for (u32 i = 0; i < nret; i++)
        ret[i] = be32_get(cells[3 + nargs + i]);
    return (int)ret[0];
}

static int indicator(u32 kind, u32 index, u32 state)
{
    return call("set-indicator", 3, 1, (const u32[]){kind, index, state});
}

static u32 sense(u32 index)
{
    CHECK_EQ(call("get-sensor-state", 2, 2, (const u32[]){9003, index}), 0);
    return ret[1];
}

static int start_cpu(u32 server)
{
    return call("start-cpu", 3, 1, (const u32[]){server, 0x100, 0});
}

// Returns the node's name and, of properties, the one asked for.
static int configure(u32 index, char name[64], const char *property, u8 *value, u32 *size)
{
    u8 area[4096] = {0};
    int rc;
    store_be32(area, index);
    guest_mem_write(&lp->mem, BUFFER, area, sizeof(area));
    while ((rc = call("ibm,configure-connector", 2, 1, (const u32[]){BUFFER, 0})) > 0) {
        guest_mem_read(&lp->mem, BUFFER, area, sizeof(area));
        const char *what = (const char *)area + load_be32(area + 8);
        if (rc == 2)
            snprintf(name, 64, "%s", what);
        if (rc == 3 && strcmp(what, property) == 0) {
            *size = load_be32(area + 12);
            memcpy(value, area + load_be32(area + 16), *size);
        }
    }
    return rc;
}

// What the OS does when it is asked to take or to return a connector.
static int take(u32 index)
{
    if (sense(index) != 2)
        return -1;
    int rc = indicator(9003, index, 1);
    return rc ? rc : indicator(9001, index, 1);
}

static int give_back(u32 index)
{
    if (sense(index) != 1)
        return -1;
    int rc = indicator(9001, index, 0);
    return rc ? rc : indicator(9003, index, 0);
}

static const u8 *hotplug_event(void)
{
    static u8 log[EVENT_LOG_MAX];
    return events_take(lp, EVENT_HOT_PLUG, log, sizeof(log)) ? log + 8 + 16 + 48 + 24 : NULL;
}

static void test_processor(void)
{
    u32 index = 0, size = 0;
    char name[64];
    u8 value[64];
    begin(true);
    CHECK_EQ(drc_owned(lp, DRC_KIND_CPU), 1);
    CHECK_EQ(take(DRC_CPU + 2), RTAS_NO_INDICATOR); // not offered
    CHECK(start_cpu(2) != 0);
    CHECK(drc_ask_add(lp, DRC_KIND_CPU, 0, &index));
    CHECK_EQ(index, DRC_CPU + 2);
    const u8 *event = hotplug_event();
    CHECK(event && memcmp(event, "HP", 2) == 0 && event[8] == 1 && event[9] == 1 && event[10] == 2 &&
          load_be32(event + 12) == index);
    CHECK_EQ(drc_answer(lp, index), DRC_WAITING);
    CHECK_EQ(lp->group.len, 2);
    lp->group.cpus[0]->lpcr |= LPCR_GTSE;
    CHECK_EQ(take(index), 0);
    CHECK_EQ(threads_made, 2);
    CHECK(changes >= 3);
    CHECK_EQ(lp->group.len, 4);
    CHECK_EQ(lp->group.cpus[3]->server, 3);
    CHECK_EQ(lp->group.cpus[3]->vcpu, 1);
    CHECK_EQ(lp->group.cpus[3]->lpcr, lp->group.cpus[0]->lpcr); // what the OS chose
    CHECK_EQ(drc_answer(lp, index), DRC_WAITING);
    CHECK_EQ(configure(index, name, "ibm,ppc-interrupt-server#s", value, &size), 0);
    CHECK_STR(name, "PowerPC,POWER9@2");
    CHECK_EQ(size, 8);
    CHECK(load_be32(value) == 2 && load_be32(value + 4) == 3);
    CHECK_EQ(drc_answer(lp, index), DRC_TAKEN);
    CHECK_EQ(start_cpu(2), 0);
    CHECK_EQ(drc_answer(lp, index), DRC_DONE);
    CHECK_EQ(drc_owned(lp, DRC_KIND_CPU), 2);
    CHECK_EQ(drc_withdraw(lp, index), DRC_DONE);

    // Back: not while it runs.
    CHECK(drc_ask_remove(lp, DRC_KIND_CPU, ~0u, &index));
    CHECK_EQ(index, DRC_CPU + 2);
    CHECK_EQ(give_back(index), RTAS_MULTI_LEVEL_ISOLATION);
    CHECK_EQ(drc_answer(lp, index), DRC_WAITING);
    CHECK_EQ(indicator(9001, index, 1), 0); // it will not
    CHECK_EQ(drc_answer(lp, index), DRC_REFUSED);
    CHECK(drc_ask_remove(lp, DRC_KIND_CPU, ~0u, &index));
    sched_stop_self(lp->group.cpus[2]);
    CHECK_EQ(give_back(index), 0);
    CHECK_EQ(drc_answer(lp, index), DRC_DONE);
    CHECK_EQ(drc_owned(lp, DRC_KIND_CPU), 1);
    CHECK(start_cpu(2) != 0);
    CHECK_EQ(take(index), RTAS_NO_INDICATOR); // it is the hypervisor's again
    // And a second time: the same threads.
    CHECK(drc_ask_add(lp, DRC_KIND_CPU, 0, &index));
    CHECK_EQ(take(index), 0);
    CHECK_EQ(lp->group.len, 4);
    CHECK_EQ(drc_owned(lp, DRC_KIND_CPU), 2);
    // As long as it does not run, the other one is the last that does.
    u32 other = 0;
    CHECK(!drc_ask_remove(lp, DRC_KIND_CPU, index, &other));
    CHECK_EQ(start_cpu(3), 0);
    CHECK(drc_ask_remove(lp, DRC_KIND_CPU, index, &other));
    CHECK_EQ(other, DRC_CPU);
    CHECK_EQ(drc_withdraw(lp, other), DRC_WAITING);
    // Interrupts can be sent to it.
    lp->xive_mode = false;
    CHECK_EQ(xics_set_xive(lp, IRQ_VTY, 3, 5), 0);
    CHECK(xics_set_xive(lp, IRQ_VTY, 4, 5) != 0);
    // What it has stays after a restart.
    const char *why;
    CHECK_EQ(partition_reset(lp, &why), 0);
    CHECK_EQ(lp->group.len, 4);
    CHECK_EQ(drc_owned(lp, DRC_KIND_CPU), 2);
    partition_fini(lp);
}

static void test_processor_fails(void)
{
    u32 index = 0;
    begin(true);
    CHECK(drc_ask_add(lp, DRC_KIND_CPU, DRC_CPU + 3, &index)); // the second one may be passed over
    CHECK_EQ(index, DRC_CPU + 4);
    CHECK_EQ(drc_withdraw(lp, index), DRC_WAITING);
    CHECK_EQ(take(index), RTAS_NO_INDICATOR); // too late
    CHECK(drc_ask_add(lp, DRC_KIND_CPU, 0, &index));
    no_threads = true;
    CHECK_EQ(take(index), RTAS_HARDWARE_ERROR);
    CHECK_EQ(drc_answer(lp, index), DRC_REFUSED);
    CHECK_EQ(drc_owned(lp, DRC_KIND_CPU), 1);
    CHECK(start_cpu(2) != 0);
    no_threads = false;
    CHECK(drc_ask_add(lp, DRC_KIND_CPU, 0, &index));
    CHECK_EQ(take(index), 0);
    CHECK_EQ(give_back(index), 0); // taken, and let go
    CHECK_EQ(drc_answer(lp, index), DRC_REFUSED);
    partition_fini(lp);
}

static u64 host_blocks(void)
{
    struct stat st;
    return fstat(lp->mem.fd, &st) ? 0 : (u64)st.st_blocks;
}

static void test_memory(void)
{
    u32 index = 0, size = 0;
    char name[64];
    u8 value[64], byte = 0x55;
    begin(true);
    CHECK_EQ(drc_owned(lp, DRC_KIND_LMB), 3);
    CHECK(guest_mem_contains(&lp->mem, 3 * LMB - 1, 1));
    CHECK(!guest_mem_contains(&lp->mem, 3 * LMB, 1));
    CHECK(drc_ask_add(lp, DRC_KIND_LMB, 0, &index));
    CHECK_EQ(index, DRC_LMB + 3);
    CHECK(!guest_mem_contains(&lp->mem, 3 * LMB, 1)); // offered is not had
    CHECK_EQ(take(index), 0);
    CHECK(guest_mem_contains(&lp->mem, 3 * LMB, LMB));
    CHECK(!guest_mem_contains(&lp->mem, 4 * LMB, 1));
    CHECK_EQ(configure(index, name, "ibm,associativity", value, &size), 0);
    CHECK_EQ(size, 20);
    CHECK_EQ(drc_answer(lp, index), DRC_DONE);
    CHECK_EQ(drc_owned(lp, DRC_KIND_LMB), 4);
    guest_mem_write(&lp->mem, 3 * LMB + 5000, &byte, 1);
    u64 before = host_blocks();
    CHECK(drc_ask_remove(lp, DRC_KIND_LMB, ~0u, &index));
    CHECK_EQ(index, DRC_LMB + 3);
    CHECK_EQ(give_back(index), 0);
    CHECK_EQ(drc_answer(lp, index), DRC_DONE);
    CHECK(host_blocks() < before);
    CHECK(!guest_mem_write(&lp->mem, 3 * LMB + 5000, &byte, 1));
    CHECK(drc_ask_remove(lp, DRC_KIND_LMB, index, &index)); // another one instead
    CHECK_EQ(index, DRC_LMB + 2);
    CHECK_EQ(give_back(index), 0);
    CHECK(!drc_ask_remove(lp, DRC_KIND_LMB, ~0u, &index)); // the rest is the real mode area
    CHECK_EQ(indicator(9003, DRC_LMB + 1, 0), RTAS_PARAMETER);
    CHECK(drc_ask_add(lp, DRC_KIND_LMB, DRC_LMB + 3, &index));
    CHECK_EQ(take(index), 0);
    CHECK_EQ(*(lp->mem.base + 3 * LMB + 5000), 0);    // nothing of what was there
    CHECK(!guest_mem_contains(&lp->mem, 2 * LMB, 1)); // a hole
    CHECK(!guest_mem_contains(&lp->mem, 2 * LMB - 8, LMB + 16));
    // After a restart it is in a row.
    const char *why;
    CHECK_EQ(partition_reset(lp, &why), 0);
    CHECK_EQ(drc_owned(lp, DRC_KIND_LMB), 3);
    CHECK(guest_mem_contains(&lp->mem, 0, 3 * LMB));
    CHECK(!guest_mem_contains(&lp->mem, 3 * LMB, 1));
    partition_fini(lp);
}

// What is mapped stays. LoPAR "set-indicator", valid outstanding translations
static void test_translations(void)
{
    begin(false);
    struct cpu *cpu = lp->group.cpus[0];
    u64 v = HPTE_V_V | 5ull << 7, r = (2 * LMB + 0x3000) | HPTE_R_M | 2;
    CHECK_EQ(H(cpu, 0x08, 0, 16, v, r), H_SUCCESS); // H_ENTER
    CHECK_EQ(give_back(DRC_LMB + 2), RTAS_VALID_TRANSLATION);
    CHECK_EQ(H(cpu, 0x04, 0, cpu->gpr[4], 0), H_SUCCESS); // H_REMOVE
    CHECK_EQ(give_back(DRC_LMB + 2), 0);
    CHECK_EQ(H(cpu, 0x08, 0, 16, v, r), H_PARAMETER);
    partition_fini(lp);
}

static void test_probe(void)
{
    begin(true);
    drc_probe(lp);
    CHECK(!drc_probed(lp));
    const u8 *event = hotplug_event();
    CHECK(event && event[8] == 2 && event[9] == 1 && load_be32(event + 12) == DRC_LMB);
    CHECK_EQ(sense(DRC_CPU), 1);
    CHECK(!drc_probed(lp));
    CHECK_EQ(take(DRC_LMB), -1); // has it
    CHECK(drc_probed(lp));
    // Listening: negotiated, and the interrupt is on.
    CHECK(!drc_listens(lp));
    lp->vec5[0] = OV5_SIZE - 2;
    lp->vec5[OV5_OPTIONS] = OV5_HOTPLUG_EVENTS;
    CHECK(!drc_listens(lp));
    lp->xive_mode = false;
    CHECK_EQ(xics_set_xive(lp, IRQ_HOTPLUG, 0, 5), 0);
    CHECK(drc_listens(lp));
    partition_fini(lp);
}

static unsigned resets;

static void on_reset(struct vdev *vdev)
{
    resets++;
}

static long on_reg_crq(struct vdev *vdev, u64 ioba, u64 size)
{
    return H_SUCCESS;
}

// An adapter that comes and goes while the OS runs.
static void test_slot(void)
{
    static const struct vdev_ops ops = {
        .name = "v-scsi", .device_type = "vscsi", .compatible = "IBM,v-scsi", .reg_crq = on_reg_crq, .reset = on_reset};
    struct vdev vdev = {.ops = &ops, .slot = 5, .window_size = MIB};
    const u32 index = DRC_VIO + 5;
    char name[64] = "";
    u8 value[64];
    u32 size = 0;
    begin(true);
    struct cpu *cpu = lp->group.cpus[0];
    u32 owned = drc_owned(lp, DRC_KIND_SLOT);
    resets = 0;
    CHECK_EQ(take(index), RTAS_NO_INDICATOR); // nothing is there
    CHECK_EQ(take(DRC_PHB), RTAS_NO_INDICATOR);
    CHECK_EQ(vio_plug(lp, &vdev), 0);
    CHECK_EQ(vio_plug(lp, &vdev), -EEXIST);
    CHECK_EQ(take(index), RTAS_NO_INDICATOR); // nobody offered it
    CHECK_EQ(H(cpu, 0xfc, vdev.unit, 0, 4096, 0), H_PARAMETER);
    CHECK(drc_ask_slot(lp, 5, true));
    const u8 *event = hotplug_event();
    CHECK(event && event[8] == HOTPLUG_SLOT && event[9] == HOTPLUG_ADD && load_be32(event + 12) == index);
    CHECK_EQ(drc_answer(lp, index), DRC_WAITING);
    CHECK_EQ(drc_withdraw(lp, index), DRC_WAITING); // it stays on offer
    CHECK_EQ(take(index), 0);
    CHECK_EQ(configure(index, name, "ibm,my-dma-window", value, &size), 0);
    CHECK(strcmp(name, "v-scsi@30000005") == 0);
    CHECK(size == 20 && load_be32(value) == vdev.liobn && load_be32(value + 16) == MIB);
    CHECK(drc_ask_slot(lp, 5, true)); // it has it
    CHECK(!hotplug_event());
    CHECK_EQ(drc_answer(lp, index), DRC_DONE);
    CHECK_EQ(drc_owned(lp, DRC_KIND_SLOT), owned + 1);
    CHECK_EQ(H(cpu, 0xfc, vdev.unit, 0, 4096, 0), H_SUCCESS);
    CHECK_EQ(H(cpu, 0x20, vdev.liobn, 0, 0x3000 | TCE_READ, 0), H_SUCCESS); // H_PUT_TCE
    CHECK(tce_permits(lp, vdev.liobn, 0, 1, TCE_READ));
    // Back: it reaches no memory, and can be taken again.
    CHECK(drc_ask_slot(lp, 5, false));
    event = hotplug_event();
    CHECK(event && event[8] == HOTPLUG_SLOT && event[9] == HOTPLUG_REMOVE && load_be32(event + 12) == index);
    CHECK_EQ(drc_answer(lp, index), DRC_WAITING);
    CHECK_EQ(indicator(9003, index, 0), RTAS_MULTI_LEVEL_ISOLATION);
    CHECK_EQ(give_back(index), 0);
    CHECK_EQ(drc_answer(lp, index), DRC_DONE);
    CHECK_EQ(resets, 1);
    CHECK(!tce_permits(lp, vdev.liobn, 0, 1, TCE_READ));
    CHECK_EQ(H(cpu, 0xfc, vdev.unit, 0, 4096, 0), H_PARAMETER);
    CHECK_EQ(take(index), 0);
    CHECK_EQ(give_back(index), 0);
    vio_unplug(lp, &vdev);
    CHECK_EQ(drc_owned(lp, DRC_KIND_SLOT), owned);
    CHECK_EQ(take(index), RTAS_NO_INDICATOR);
    CHECK_EQ(H(cpu, 0x20, vdev.liobn, 0, 0, 0), H_PARAMETER);
    CHECK(!drc_ask_slot(lp, 0, false)); // the console stays
    CHECK_EQ(vio_plug(lp, &vdev), 0);
    vio_unplug(lp, &vdev);
    partition_fini(lp);
}

static void test_events(void)
{
    begin(true);
    events_hotplug(lp, HOTPLUG_MEMORY, HOTPLUG_REMOVE, HOTPLUG_BY_COUNT, 7, 0);
    CHECK(events_remind(lp, EVENT_HOT_PLUG));
    const u8 *event = hotplug_event();
    CHECK(event && event[8] == 2 && event[9] == 2 && event[10] == 3 && load_be32(event + 12) == 7);
    CHECK(!events_remind(lp, EVENT_HOT_PLUG));
    events_hotplug(lp, HOTPLUG_MEMORY, HOTPLUG_ADD, HOTPLUG_BY_INDEXED_COUNT, 7, DRC_LMB + 3);
    event = hotplug_event();
    CHECK(event && load_be16(event + 2) == 20 && event[10] == 4 && load_be32(event + 12) == 7 &&
          load_be32(event + 16) == DRC_LMB + 3);
    partition_fini(lp);
}

static const void *get(const void *fdt, const char *path, const char *name, int *size)
{
    int node = fdt_path_offset(fdt, path);
    const void *value = node >= 0 ? fdt_getprop(fdt, node, name, size) : NULL;
    if (!value)
        *size = 0;
    return value;
}

// What there could be is in the tree.
static void test_tree(void)
{
    int size;
    begin(true);
    lp->vec5[OV5_PARTITION] |= OV5_DRCONF_MEMORY;
    lp->vec5[OV5_DRMEM] |= OV5_DRMEM_V2;
    void *fdt = tree_build(lp);
    const u8 *v = get(fdt, "/ibm,dynamic-reconfiguration-memory", "ibm,dynamic-memory-v2", &size);
    static const u32 sets[] = {3,           2, 0, 0, DRC_LMB, 0,        0x80,        1,   0, 2 * LMB,
                               DRC_LMB + 2, 0, 8, 3, 0,       3u * LMB, DRC_LMB + 3, ~0u, 0};
    CHECK_EQ(size, sizeof(sets));
    for (unsigned i = 0; i < ARRAY_LEN(sets) && size == sizeof(sets); i++)
        CHECK_EQ(load_be32(v + 4 * i), sets[i]);
    v = get(fdt, "/cpus", "ibm,drc-indexes", &size);
    CHECK_EQ(size, 16);
    CHECK(v && load_be32(v) == 3 && load_be32(v + 12) == DRC_CPU + 4);
    v = get(fdt, "/rtas", "ibm,lrdr-capacity", &size);
    CHECK(v && load_be64(v) == 6 * LMB && load_be64(v + 8) == LMB && load_be32(v + 16) == 3);
    CHECK(fdt_path_offset(fdt, "/cpus/PowerPC,POWER9@2") < 0);
    free(fdt);
    lp->vec5[OV5_DRMEM] = 0;
    fdt = tree_build(lp);
    v = get(fdt, "/ibm,dynamic-reconfiguration-memory", "ibm,dynamic-memory", &size);
    CHECK_EQ(size, 4 + 6 * 24);
    CHECK(v && load_be32(v + 4 + 5 * 24 + 8) == DRC_LMB + 5 && load_be32(v + 4 + 5 * 24 + 20) == 0);
    free(fdt);
    partition_fini(lp);
}

int main(void)
{
    TEST(test_processor);
    TEST(test_processor_fails);
    TEST(test_memory);
    TEST(test_translations);
    TEST(test_probe);
    TEST(test_slot);
    TEST(test_events);
    TEST(test_tree);
    return test_done();
}
