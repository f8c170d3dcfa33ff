// SPDX-License-Identifier: Apache-2.0
#include "papr/rtas.h"

#include <libfdt.h>

#include "cpu/spr.h"
#include "papr/drc.h"
#include "papr/events.h"
#include "papr/nvram.h"
#include "papr/of.h"
#include "papr/test_partition.h"
#include "papr/tree.h"

#define ARGS   0x10000u
#define BUFFER 0x20000u

static struct partition *lp;
static u32 ret[16];

static const struct rtas_row *row_of(const char *name)
{
    for (unsigned i = 0; i < rtas_rows_len; i++)
        if (strcmp(rtas_rows[i].name, name) == 0)
            return &rtas_rows[i];
    return NULL;
}

static int call(u32 token, u32 nargs, u32 nret, const u32 *args)
{
    be32 cells[40] = {be32_of(token), be32_of(nargs), be32_of(nret)};
    for (u32 i = 0; i < nargs && i < 16; i++)
        cells[3 + i] = be32_of(args[i]);
    guest_mem_write(&lp->mem, ARGS, cells, sizeof(cells));
    cpu_enter(lp->group.cpus[0]);
    rtas_call(lp->group.cpus[0], ARGS);
    cpu_leave(lp->group.cpus[0]);
    guest_mem_read(&lp->mem, ARGS, cells, sizeof(cells));
    for (u32 i = 0; i < nret && i < 16; i++)
        ret[i] = be32_get(cells[3 + nargs + i]);
    return (int)ret[0];
}

#define RTAS(name, ...)                                                                                      \
    call(row_of(name)->token, sizeof((const u32[]){0, ##__VA_ARGS__}) / sizeof(u32) - 1, row_of(name)->nret, \
         &((const u32[]){0, ##__VA_ARGS__})[1])

static void test_table(void)
{
    for (unsigned i = 0; i < rtas_rows_len; i++) {
        CHECK_EQ(rtas_rows[i].token, rtas_rows[0].token + i);
        CHECK(rtas_rows[i].handler && rtas_rows[i].nret >= 1);
        CHECK(rtas_rows[i].nargs + rtas_rows[i].nret <= 16);
        for (unsigned j = 0; j < i; j++)
            CHECK(strcmp(rtas_rows[i].name, rtas_rows[j].name) != 0);
    }
}

static void test_arguments(void)
{
    u32 none[16] = {0};
    CHECK_EQ(call(0x1, 0, 1, none), RTAS_PARAMETER);
    CHECK_EQ(call(rtas_rows[0].token + rtas_rows_len, 0, 1, none), RTAS_PARAMETER);
    CHECK_EQ(call(row_of("start-cpu")->token, 2, 1, none), RTAS_PARAMETER);
    CHECK_EQ(call(row_of("get-time-of-day")->token, 0, 7, none), RTAS_PARAMETER);
    // counts beyond the buffer's shape: nothing is written
    ret[0] = 77;
    call(row_of("get-time-of-day")->token, 0xffffffff, 1, none);
    rtas_call(lp->group.cpus[0], TEST_MEMORY - 4);
    rtas_call(lp->group.cpus[0], 0xfffffffc);
    rtas_call(lp->group.cpus[0], ~0ull);
}

static void test_clock(void)
{
    CHECK_EQ(RTAS("get-time-of-day"), 0);
    CHECK_EQ(ret[1], 2023);
    CHECK_EQ(ret[2], 11);
    CHECK_EQ(ret[3], 14);
    CHECK_EQ(RTAS("set-time-of-day", 2026, 2, 3, 4, 5, 6, 7), 0);
    CHECK_EQ(RTAS("set-time-of-day", 2026, 13, 3, 4, 5, 6, 7), RTAS_PARAMETER);
    CHECK_EQ(RTAS("set-time-of-day", 0xffffffff, 1, 3, 4, 5, 6, 7), RTAS_PARAMETER);
}

static void test_nvram(void)
{
    char text[16];
    CHECK_EQ(RTAS("nvram-fetch", 0, BUFFER, 16), 0);
    CHECK_EQ(ret[1], 16);
    guest_mem_read(&lp->mem, BUFFER, text, 16);
    CHECK(text[0] == 0x70 && memcmp(text + 4, "common", 7) == 0);
    guest_mem_write(&lp->mem, BUFFER, "boot list", 10);
    CHECK_EQ(RTAS("nvram-store", NVRAM_SIZE - 10, BUFFER, 10), 0);
    CHECK_EQ(RTAS("nvram-fetch", NVRAM_SIZE - 10, BUFFER + 32, 10), 0);
    guest_mem_read(&lp->mem, BUFFER + 32, text, 10);
    CHECK_STR(text, "boot list");
    CHECK_EQ(RTAS("nvram-fetch", NVRAM_SIZE - 10, BUFFER, 11), RTAS_PARAMETER);
    CHECK_EQ(RTAS("nvram-store", 0xffffffff, BUFFER, 2), RTAS_PARAMETER);
    CHECK_EQ(RTAS("nvram-fetch", 0, 0xffffff00, NVRAM_SIZE), RTAS_PARAMETER);
    CHECK_EQ(RTAS("nvram-fetch", 0, BUFFER, NVRAM_SIZE), 0);
    CHECK_EQ(ret[1], NVRAM_SIZE);
}

static void test_parameters(void)
{
    char text[64] = "";
    CHECK_EQ(RTAS("ibm,get-system-parameter", 55, BUFFER, 64), 0);
    guest_mem_read(&lp->mem, BUFFER, text, sizeof(text));
    CHECK_EQ(load_be16(text), 5);
    CHECK_STR(text + 2, "test");
    CHECK_EQ(RTAS("ibm,get-system-parameter", 20, BUFFER, 1026), 0);
    CHECK_EQ(RTAS("ibm,get-system-parameter", 20, BUFFER, 1), RTAS_BAD_ARGUMENT);
    CHECK_EQ(RTAS("ibm,get-system-parameter", 20, 0xfffffff0, 1026), RTAS_BAD_ARGUMENT);
    CHECK_EQ(RTAS("ibm,get-system-parameter", 9999, BUFFER, 64), RTAS_NOT_SUPPORTED);
    CHECK_EQ(RTAS("ibm,set-system-parameter", 55, BUFFER), RTAS_NOT_AUTHORIZED);
}

static void test_processors(void)
{
    CHECK_EQ(RTAS("query-cpu-stopped-state", 1), 0);
    CHECK_EQ(ret[1], 0);
    CHECK_EQ(RTAS("query-cpu-stopped-state", 99), RTAS_PARAMETER);
    CHECK_EQ(RTAS("start-cpu", 99, 0x100, 0), RTAS_PARAMETER);
    CHECK_EQ(RTAS("start-cpu", 1, 0x100, 42), 0);
    CHECK_EQ(RTAS("query-cpu-stopped-state", 1), 0);
    CHECK_EQ(ret[1], 2);
    CHECK(RTAS("start-cpu", 1, 0x100, 42) != 0);
}

static void test_events(void)
{
    u8 log[EVENT_LOG_MAX];
    CHECK_EQ(RTAS("check-exception", 0x500, 0, EVENT_EPOW | EVENT_HOT_PLUG, 0, BUFFER, EVENT_LOG_MAX),
             RTAS_NO_ERRORS_FOUND);
    events_shutdown(lp);
    CHECK_EQ(RTAS("check-exception", 0x500, 0, EVENT_EPOW, 0, 0xffffff00, EVENT_LOG_MAX),
             RTAS_PARAMETER); // nothing lost
    CHECK_EQ(RTAS("check-exception", 0x500, 0, EVENT_HOT_PLUG, 0, BUFFER, EVENT_LOG_MAX), RTAS_NO_ERRORS_FOUND);
    CHECK_EQ(RTAS("check-exception", 0x500, 0, EVENT_EPOW, 0, BUFFER, EVENT_LOG_MAX, 0), 0);
    guest_mem_read(&lp->mem, BUFFER, log, sizeof(log));
    CHECK_EQ(log[0], 6);
    CHECK_EQ(log[3], 0x40);
    CHECK(memcmp(log + 8 + 12, "IBM", 4) == 0);
    // sections follow each other up to the end: PH, UH, EP
    u32 end = 8 + load_be32(log + 4), at = 24;
    const char *ids[] = {"PH", "UH", "EP"};
    for (unsigned i = 0; i < 3; i++) {
        CHECK(memcmp(log + at, ids[i], 2) == 0);
        at += load_be16(log + at + 2);
    }
    CHECK_EQ(at, end);
    CHECK_EQ(RTAS("check-exception", 0x500, 0, EVENT_EPOW, 0, BUFFER, EVENT_LOG_MAX), RTAS_NO_ERRORS_FOUND);
    for (unsigned i = 0; i < 200; i++) // a flood drops the oldest
        events_hotplug(lp, HOTPLUG_CPU, HOTPLUG_ADD, HOTPLUG_BY_INDEX, 1, DRC_CPU + i);
    CHECK_EQ(RTAS("check-exception", 0x500, 0, EVENT_HOT_PLUG, 0, BUFFER, EVENT_LOG_MAX), 0);
    CHECK_EQ(RTAS("event-scan", ~0u, 0, BUFFER, EVENT_LOG_MAX), RTAS_NO_ERRORS_FOUND);
}

static void test_connectors(void)
{
    CHECK_EQ(RTAS("get-sensor-state", 9003, (DRC_CPU + 2)), 0);
    CHECK_EQ(ret[1], 1);
    CHECK_EQ(RTAS("get-sensor-state", 9003, 0x12345), RTAS_PARAMETER);
    CHECK_EQ(RTAS("set-indicator", 9001, DRC_CPU, 0), RTAS_MULTI_LEVEL_ISOLATION);       // it runs
    CHECK_EQ(RTAS("set-indicator", 9003, (DRC_CPU + 2), 0), RTAS_MULTI_LEVEL_ISOLATION); // not isolated yet
    CHECK_EQ(RTAS("set-indicator", 9001, (DRC_CPU + 2), 0), 0);
    CHECK_EQ(RTAS("set-indicator", 9003, (DRC_CPU + 2), 0), 0);
    CHECK_EQ(RTAS("get-sensor-state", 9003, (DRC_CPU + 2)), 0);
    CHECK_EQ(ret[1], 2);
    CHECK(RTAS("set-indicator", 9001, (DRC_CPU + 2), 1) != 0);
    CHECK_EQ(RTAS("set-indicator", 9003, DRC_LMB, 0), RTAS_PARAMETER); // the real mode area
    // and back, with its node handed out
    CHECK_EQ(RTAS("set-indicator", 9003, (DRC_CPU + 2), 1), 0);
    CHECK_EQ(RTAS("set-indicator", 9001, (DRC_CPU + 2), 1), 0);
    u8 area[4096] = {0};
    store_be32(area, (DRC_CPU + 2));
    guest_mem_write(&lp->mem, BUFFER, area, sizeof(area));
    CHECK_EQ(RTAS("ibm,configure-connector", BUFFER, 0), 2); // the node
    unsigned properties = 0;
    int rc;
    while ((rc = RTAS("ibm,configure-connector", BUFFER, 0)) == 3 && properties < 200)
        properties++;
    CHECK_EQ(rc, 0);
    CHECK(properties > 20 && properties < 200);
    CHECK_EQ(RTAS("ibm,configure-connector", 0xffffff00, 0), RTAS_PARAMETER);
}

#define RTAS_AT 0x40000u

// Handlers that the OS registers; what is where its R3 points.
static void test_nmi(void)
{
    struct cpu *cpu = lp->group.cpus[0], *other = lp->group.cpus[1];
    u8 area[512];
    cpu->gpr[3] = 0x1122334455667788;
    CHECK_EQ(rtas_nmi(cpu, VEC_RESET, 0), VEC_RESET);
    CHECK_EQ(rtas_nmi(cpu, VEC_MACHINE_CHECK, 0), VEC_MACHINE_CHECK);
    CHECK_EQ(cpu->gpr[3], 0x1122334455667788);
    CHECK_EQ(RTAS("ibm,nmi-interlock"), RTAS_PARAMETER);
    CHECK_EQ(RTAS("ibm,nmi-register", 0x8100, 0x8200), RTAS_PARAMETER); // no region yet
    lp->rtas_base = RTAS_AT;
    CHECK_EQ(RTAS("ibm,nmi-register", 32 * MIB, 0x8200), RTAS_PARAMETER);
    CHECK_EQ(RTAS("ibm,nmi-register", 0x8100, 0x8202), RTAS_PARAMETER);
    CHECK_EQ(RTAS("ibm,nmi-register", 0x8100, 0x8200), 0);

    cpu->gpr[3] = 0x1122334455667788;
    CHECK_EQ(rtas_nmi(cpu, VEC_RESET, 0), 0x8100);
    CHECK_EQ(cpu->gpr[3], RTAS_AT + RTAS_RESET_AREA);
    guest_mem_read(&lp->mem, cpu->gpr[3], area, 8);
    CHECK_EQ(load_be64(area), 0x1122334455667788);
    CHECK_EQ(rtas_nmi(other, VEC_RESET, 0), 0x8100);
    CHECK_EQ(other->gpr[3], RTAS_AT + RTAS_RESET_AREA + RTAS_RESET_STRIDE);
    CHECK_EQ(RTAS("ibm,nmi-interlock"), 0); // needs none, and is allowed

    cpu->gpr[3] = 42;
    cpu->dar = 0xc000123456789abc;
    CHECK_EQ(rtas_nmi(cpu, VEC_MACHINE_CHECK, PPC_BIT(42)), 0x8200);
    CHECK_EQ(cpu->gpr[3], RTAS_AT + RTAS_CHECK_AREA);
    guest_mem_read(&lp->mem, cpu->gpr[3], area, sizeof(area));
    CHECK_EQ(load_be64(area), 42);
    CHECK_EQ(area[8], 6);
    CHECK_EQ(area[9], 3 << 5 | 2 << 3 | 1 << 2);
    const u8 *mc = area + 8 + 8 + 16 + 48 + 24;
    CHECK(memcmp(mc, "MC", 2) == 0);
    CHECK_EQ(mc[16], 0);
    CHECK_EQ(mc[17], 0x43);
    CHECK_EQ(load_be64(mc + 24), 0xc000123456789abc);
    CHECK_EQ(load_be32(area + 12), 16 + 48 + 24 + 40);

    // One at a time; a thread that waits is told when the place is free.
    other->gpr[3] = 43;
    CHECK_EQ(rtas_nmi(other, VEC_MACHINE_CHECK, 0), NMI_LATER);
    CHECK_EQ(other->gpr[3], 43);
    atomic_fetch_or(&other->lines, LINE_MACHINE_CHECK);
    atomic_store(&other->attn, 0);
    CHECK_EQ(RTAS("ibm,nmi-interlock"), 0);
    CHECK(atomic_load(&other->attn) & ATTN_INTERRUPT);
    CHECK_EQ(rtas_nmi(other, VEC_MACHINE_CHECK, 0), 0x8200);
    CHECK_EQ(RTAS("ibm,nmi-interlock"), 0); // not its owner
    CHECK_EQ(rtas_nmi(cpu, VEC_MACHINE_CHECK, 0), NMI_LATER);
    CHECK_EQ(atomic_load(&lp->end), END_NONE);
    CHECK_EQ(rtas_nmi(other, VEC_MACHINE_CHECK, 0), 0x8200); // in its own handler
    CHECK_EQ(atomic_load(&lp->end), END_CRASH);

    const char *why;
    CHECK_EQ(partition_reset(lp, &why), 0);
    CHECK_EQ(rtas_nmi(lp->group.cpus[0], VEC_RESET, 0), VEC_RESET);
    atomic_store(&cpu_papr(lp->group.cpus[0])->state, THREAD_RUNNING);
    test_hv.ends = 0;
}

static void test_vpd(void)
{
    u8 vpd[512];
    u32 len = 0, sequence = 1;
    guest_mem_write(&lp->mem, BUFFER + 1024, "", 1);
    int rc;
    do { // in pieces of 7 bytes
        rc = RTAS("ibm,get-vpd", BUFFER + 1024, BUFFER, 7, sequence);
        CHECK(rc == 0 || rc == RTAS_MORE_DATA);
        CHECK(ret[2] >= 1 && ret[2] <= 7 && len + ret[2] <= sizeof(vpd));
        guest_mem_read(&lp->mem, BUFFER, vpd + len, ret[2]);
        len += ret[2];
        sequence = ret[1];
    } while (rc == RTAS_MORE_DATA && len < 500);
    CHECK_EQ(vpd[0], 0x84);
    CHECK_EQ(vpd[1] + vpd[2] * 256u, len - 4);
    CHECK(memcmp(vpd + 3,
                 "RT\4VSYSTM\x08"
                 "9009-22ASE\x07"
                 "78A5007",
                 28) == 0);
    CHECK_EQ(vpd[len - 1], 0x78);
    CHECK_EQ(sequence, 1);
    CHECK_EQ(RTAS("ibm,get-vpd", BUFFER + 1024, BUFFER, 512, 1), 0);
    CHECK_EQ(ret[2], len);
    guest_mem_write(&lp->mem, BUFFER + 1024, "U9009.22A.78A5007", 18);
    CHECK_EQ(RTAS("ibm,get-vpd", BUFFER + 1024, BUFFER, 512, 1), 0);
    guest_mem_write(&lp->mem, BUFFER + 1024, "U9009.22A.78A5008", 18);
    CHECK_EQ(RTAS("ibm,get-vpd", BUFFER + 1024, BUFFER, 512, 1), RTAS_PARAMETER);
    guest_mem_write(&lp->mem, BUFFER + 1024, "", 1);
    CHECK_EQ(RTAS("ibm,get-vpd", BUFFER + 1024, BUFFER, 0, 1), RTAS_PARAMETER);
    CHECK_EQ(RTAS("ibm,get-vpd", BUFFER + 1024, BUFFER, 512, 0), RTAS_PARAMETER);
    CHECK_EQ(RTAS("ibm,get-vpd", BUFFER + 1024, BUFFER, 512, 600), RTAS_PARAMETER);
    CHECK_EQ(RTAS("ibm,get-vpd", 0xffffffff, BUFFER, 512, 1), RTAS_PARAMETER);
    CHECK_EQ(RTAS("ibm,get-vpd", BUFFER + 1024, 0xfffffff0, 512, 1), RTAS_PARAMETER);
}

static void test_updates(void)
{
    u8 area[24] = {0};
    memset(area + 16, 0xff, 8);
    guest_mem_write(&lp->mem, BUFFER, area, sizeof(area));
    CHECK_EQ(RTAS("ibm,update-nodes", BUFFER, 1), 0);
    guest_mem_read(&lp->mem, BUFFER, area, sizeof(area));
    CHECK_EQ(load_be32(area + 16), 0);
    CHECK_EQ(load_be32(area + 20), 0xffffffff);
    CHECK_EQ(RTAS("ibm,update-nodes", BUFFER, 2), RTAS_PARAMETER);
    CHECK_EQ(RTAS("ibm,update-nodes", 0xfffffff0, 1), RTAS_PARAMETER);
    store_be32(area, 0x12345); // no such node
    guest_mem_write(&lp->mem, BUFFER, area, sizeof(area));
    CHECK_EQ(RTAS("ibm,update-nodes", BUFFER, 1), RTAS_PARAMETER);
    CHECK_EQ(RTAS("ibm,update-properties", BUFFER, 1), RTAS_PARAMETER);
    const void *tree = of_tree(lp);
    int node = fdt_path_offset(tree, "/cpus");
    store_be32(area, fdt_get_phandle(tree, node));
    memset(area + 16, 0xff, 8);
    guest_mem_write(&lp->mem, BUFFER, area, sizeof(area));
    CHECK_EQ(RTAS("ibm,update-properties", BUFFER, 1), 0);
    guest_mem_read(&lp->mem, BUFFER, area, sizeof(area));
    CHECK_EQ(load_be32(area + 16), 0);
}

static void test_panel(void)
{
    char text[64];
    for (const char *s = "\fLinux ppc64le\n#1 SMP Debian 6.12.107"; *s; s++)
        CHECK_EQ(RTAS("display-character", (u32)*s), 0);
    CHECK(rtas_panel_text(lp, text, sizeof(text)));
    CHECK_STR(text, "Linux ppc64le / #1 SMP Debian 6.");
    CHECK_EQ(test_hv.out_len, 0);
}

// Any token but those that end the partition, any arguments: an answer, and the partition still stands.
static void test_wild(void)
{
    u64 seed = 2;
    for (unsigned i = 0; i < 50000; i++) {
        const struct rtas_row *row = &rtas_rows[i % rtas_rows_len];
        if (strcmp(row->name, "stop-self") == 0 || strcmp(row->name, "start-cpu") == 0)
            continue;
        u32 args[16];
        for (unsigned a = 0; a < 16; a++) {
            static const u32 odd[] = {
                0,    1,    ~0u,     0x7fffffff, BUFFER, ARGS, (u32)TEST_MEMORY - 1, (u32)TEST_MEMORY,
                9001, 9003, DRC_CPU, DRC_LMB,    0x1000};
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            u32 v = (u32)(seed >> 32);
            args[a] = v & 1 ? odd[v / 2 % ARRAY_LEN(odd)] : v;
        }
        call(row->token, row->nargs, row->nret, args);
        atomic_store(&lp->end, END_NONE);
    }
    CHECK_EQ(RTAS("get-time-of-day"), 0);
}

static void test_ends(void)
{
    atomic_store(&lp->end, END_NONE);
    guest_mem_write(&lp->mem, BUFFER, "OS panic: no init\nfound", 24);
    // a fresh partition: the first reason wins
    partition_fini(lp);
    lp = test_partition(1, 1, LEVEL_V30);
    guest_mem_write(&lp->mem, BUFFER, "OS panic: no init\nfound", 24);
    CHECK_EQ(RTAS("ibm,os-term", BUFFER), 0);
    CHECK_EQ(atomic_load(&lp->end), END_CRASH);
    CHECK_STR(lp->end_reason, "the OS ended itself (ibm,os-term): OS panic: no init found");
    CHECK_EQ(RTAS("power-off", 0, 0), 0);
    CHECK_EQ(atomic_load(&lp->end), END_CRASH);
    CHECK_EQ(test_hv.ends, 1);
}

int main(void)
{
    lp = test_partition(3, 1, LEVEL_V30);
    TEST(test_table);
    TEST(test_arguments);
    TEST(test_clock);
    TEST(test_nvram);
    TEST(test_parameters);
    TEST(test_processors);
    TEST(test_events);
    TEST(test_connectors);
    TEST(test_nmi);
    TEST(test_vpd);
    TEST(test_updates);
    TEST(test_panel);
    TEST(test_wild);
    TEST(test_ends);
    partition_fini(lp);
    return test_done();
}
