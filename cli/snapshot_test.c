// SPDX-License-Identifier: Apache-2.0
// Rates, their presentation, and metrics.
#include "cli/snapshot.h"

#include <stdlib.h>

#include "base/test.h"
#include "cli/metrics.h"
#include "cli/top_view.h"

#define HZ 512000000ull

static struct snapshot_lpar lpars[2][3] = {
    {
        {.id = 1,
         .name = "db01",
         .state = "Running",
         .sharing_mode = "keep_idle_procs",
         .configured = true,
         .units = 200,
         .procs = 2,
         .mem = 512},
        {.id = 2,
         .name = "web",
         .state = "Running",
         .sharing_mode = "uncap",
         .configured = true,
         .shared = true,
         .units = 50,
         .procs = 2,
         .mem = 4096},
        {.id = 10, .name = "new\"\\", .state = "Not Activated"},
    },
};
static struct snapshot_pool pools[2][1] = {{{.id = 0, .name = "DefaultPool"}}};
static struct snapshot before = {.name = "s1",
                                 .state = "Operating",
                                 .cycles_hz = HZ,
                                 .time = 100 * HZ,
                                 .units = 400,
                                 .units_available = 150,
                                 .pool_units = 200,
                                 .mem = 8192,
                                 .mem_available = 3328,
                                 .mem_firmware = 256,
                                 .pools = pools[0],
                                 .lpars = lpars[0],
                                 .pools_len = 1,
                                 .lpars_len = 3},
                       now;

static void set_up(void)
{
    memcpy(lpars[1], lpars[0], sizeof(lpars[0]));
    memcpy(pools[1], pools[0], sizeof(pools[0]));
    now = before;
    now.lpars = lpars[1];
    now.pools = pools[1];
    now.time += 10 * HZ;
    now.pool_total += 20 * HZ;
    now.pool_used += 8 * HZ;
    pools[1][0].used += 8 * HZ;
    lpars[1][0].entitled += 20 * HZ;
    lpars[1][0].used_capped += 5 * HZ;
    lpars[1][1].entitled += 5 * HZ;
    lpars[1][1].used_capped += 5 * HZ;
    lpars[1][1].used_uncapped += 3 * HZ;
    lpars[1][1].wait += HZ;
}

#define NEAR(a, b) CHECK((a) > (b)-1e-9 && (a) < (b) + 1e-9)

static void test_rates(void)
{
    struct rates r = snapshot_rates(&before, &now, &now.lpars[0]);
    NEAR(r.physical, 0.5);
    NEAR(r.entitled, 25);
    NEAR(r.busy, 25);
    r = snapshot_rates(&before, &now, &now.lpars[1]);
    NEAR(r.physical, 0.8);
    NEAR(r.entitled, 160);
    NEAR(r.busy, 40);
    NEAR(r.wait, 10);
    NEAR(snapshot_shared_used(&before, &now), 0.8);
    NEAR(snapshot_dedicated_used(&before, &now), 0.5);
    NEAR(snapshot_pool_used(&before, &now, &now.pools[0]), 0.8);
    NEAR(snapshot_rates(&now, &before, &before.lpars[1]).physical, 0); // counters went back
    NEAR(snapshot_rates(NULL, &now, &now.lpars[1]).physical, 0);
    NEAR(snapshot_rates(&now, &now, &now.lpars[1]).entitled, 0); // no time has passed
}

static void test_lines(void)
{
    struct top_view v = {.interval = 2, .clock = "Mon Dec  1 12:00:00 2025"};
    char text[TOP_WIDTH_MAX + 1];
    char *all = NULL;
    size_t size;
    FILE *to = open_memstream(&all, &size);
    top_print(to, &v, &before, &now, 80);
    fclose(to);
    CHECK_STR(all, "OpenLPAR  s1  Operating  every 2 s                      Mon Dec  1 12:00:00 2025\n"
                   "Partitions 3, active 2   Processors 4.00, free 1.50   Dedicated 2.00, used 0.50\n"
                   "Pool 2.00, used 0.80 (40%)   Memory 8.0 GB, free 3.2, hypervisor 0.2   by use\n"
                   "  ID NAME       STATE    MOD   ENT VP PHYSC %ENTC BUSY IDLE WAIT   MEM REFCODE \n"
                   "   2 web        Running  Unc  0.50  2  0.80 160.0   40   60   10  4.0G\n"
                   "   1 db01       Running  Ded  2.00  2  0.50  25.0   25   75    0  512M\n"
                   "  10 new\"\\      Off\n");
    free(all);
    top_lpar_line(&before, &now, &now.lpars[1], 300, text); // wider than any line
    CHECK(strlen(text) <= TOP_WIDTH_MAX);
    for (int width = 1; width < 100; width++)
        for (unsigned i = 0; i < TOP_HEADER_LINES; i++) {
            top_header_line(&v, &before, &now, i, width, text);
            CHECK(strlen(text) <= (size_t)width);
        }
}

static void test_orders(void)
{
    u32 order[3];
    struct top_view v = {.sort = SORT_NAME};
    top_order(&v, &before, &now, order);
    CHECK(order[0] == 0 && order[1] == 2 && order[2] == 1);
    v.reverse = true;
    top_order(&v, &before, &now, order);
    CHECK(order[0] == 1 && order[2] == 0);
    v = (struct top_view){.sort = SORT_MEMORY};
    top_order(&v, &before, &now, order);
    CHECK(order[0] == 1 && order[1] == 0 && order[2] == 2);
}

// One sample for each line, under the help and type of its metric, escaped.
static void test_metrics(void)
{
    char *all = NULL;
    size_t size;
    FILE *to = open_memstream(&all, &size);
    struct snapshot list[] = {now, {.name = "s2", .cycles_hz = 1}};
    metrics_write(to, list, 2);
    fclose(to);
    CHECK(strstr(all, "# HELP openlpar_partition_uncapped_seconds_total "));
    CHECK(strstr(all, "# TYPE openlpar_partition_uncapped_seconds_total counter\n"));
    CHECK(strstr(all, "\nopenlpar_partition_uncapped_seconds_total{system=\"s1\",partition=\"web\",id=\"2\"} 3\n"));
    CHECK(strstr(all, "\nopenlpar_partition_entitled_units{system=\"s1\",partition=\"web\",id=\"2\"} 0.5\n"));
    CHECK(strstr(all, "\nopenlpar_partition_memory_bytes{system=\"s1\",partition=\"web\",id=\"2\"} 4294967296\n"));
    CHECK(
        strstr(all, "partition=\"new\\\"\\\\\",id=\"10\",state=\"Not Activated\",refcode=\"\",sharing_mode=\"\"} 1\n"));
    CHECK(strstr(all, "\nopenlpar_system_up{system=\"s2\"} 0\n") &&
          strstr(all, "\nopenlpar_system_up{system=\"s1\"} 1\n"));
    CHECK(!strstr(all, "openlpar_partition_memory_bytes{system=\"s1\",partition=\"new"));
    CHECK(!strstr(all, "openlpar_system_memory_bytes{system=\"s2\""));
    free(all);
}

int main(void)
{
    set_up();
    TEST(test_rates);
    TEST(test_lines);
    TEST(test_orders);
    TEST(test_metrics);
    return test_done();
}
