// SPDX-License-Identifier: Apache-2.0
// XIVE exploitation as Linux's sysdev/xive drives it: queues, sources, acknowledge, end of interrupt.
#include "papr/xive.h"

#include <pthread.h>

#include "papr/irq.h"
#include "papr/test_partition.h"

#define PRIORITY  6u
#define QUEUE     0x200000ull
#define ACK_OS    0x810
#define CPPR      0x11
#define PQ_GET    0x800
#define PQ_00     0xc00
#define PQ_01     0xd00
#define STORE_EOI 0x400

static struct partition *lp;
static struct cpu *a, *b;

static void store_cppr(struct cpu *cpu, u8 cppr)
{
    CHECK(xive_mmio_write(cpu, XIVE_TIMA_OS + CPPR, 1, cppr));
}

static u64 load(struct cpu *cpu, u64 gra, unsigned size)
{
    u64 value = 0xdead;
    CHECK(xive_mmio_read(cpu, gra, size, &value));
    return value;
}

static u64 esb(u32 source, u64 offset)
{
    return load(a, XIVE_ESB_BASE + source * 2 * XIVE_PAGE_SIZE + XIVE_PAGE_SIZE + offset, 8);
}

static void esb_store(u32 source, u64 page, u64 offset)
{
    CHECK(xive_mmio_write(a, XIVE_ESB_BASE + (source * 2 + page) * XIVE_PAGE_SIZE + offset, 8, 0));
}

static u32 entry(unsigned server, u32 index)
{
    const u8 *at = lp->mem.base + QUEUE + server * 0x10000 + index * 4;
    return __builtin_bswap32(__atomic_load_n((const u32 *)(const void *)at, __ATOMIC_ACQUIRE));
}

static bool external(struct cpu *cpu)
{
    return atomic_load(&cpu->lines) & LINE_EXTERNAL;
}

static void begin(void)
{
    lp = test_partition(2, 1, LEVEL_V30);
    lp->xive_mode = true;
    a = lp->group.cpus[0];
    b = lp->group.cpus[1];
    for (u64 i = 0; i < 2; i++) {
        CHECK_EQ(H(a, H_INT_SET_QUEUE_CONFIG, 1, i, PRIORITY, QUEUE + i * 0x10000, 16), H_SUCCESS);
        store_cppr(lp->group.cpus[i], 0xff);
    }
}

static void setup(u32 source, u64 server, u32 event)
{
    CHECK_EQ(H(a, H_INT_SET_SOURCE_CONFIG, 2, source, server, PRIORITY, event), H_SUCCESS);
    CHECK_EQ(esb(source, PQ_00), 1); // off until now
}

static void test_cycle(void)
{
    begin();
    setup(IRQ_VTY, 0, 0x1234);
    irq_pulse(lp, IRQ_VTY);
    CHECK(external(a));
    CHECK_EQ(entry(0, 0), 0x80001234u);
    CHECK_EQ(esb(IRQ_VTY, PQ_GET), 2);
    CHECK_EQ(load(a, XIVE_TIMA_OS + ACK_OS, 2), 0x8000 | PRIORITY);
    CHECK(!external(a));
    CHECK_EQ(load(a, XIVE_TIMA_OS + ACK_OS, 2), PRIORITY); // nothing more: NSR 0
    irq_pulse(lp, IRQ_VTY);                                // queued
    CHECK_EQ(esb(IRQ_VTY, PQ_GET), 3);
    irq_pulse(lp, IRQ_VTY);
    CHECK_EQ(entry(0, 1), 0);
    // Linux without store EOI: PQ to 00 by load, and a trigger when Q was set.
    CHECK_EQ(esb(IRQ_VTY, PQ_00), 3);
    esb_store(IRQ_VTY, 0, 0);
    CHECK_EQ(entry(0, 1), 0x80001234u);
    CHECK(!external(a)); // CPPR is still at the priority
    store_cppr(a, 0xff);
    CHECK(external(a));
    CHECK_EQ(load(a, XIVE_TIMA_OS + ACK_OS, 2), 0x8000 | PRIORITY);
    esb_store(IRQ_VTY, 1, STORE_EOI);
    CHECK_EQ(esb(IRQ_VTY, PQ_GET), 0);
    // By load EOI, with one queued.
    esb_store(IRQ_VTY, 0, 0);
    esb_store(IRQ_VTY, 0, 0);
    CHECK_EQ(esb(IRQ_VTY, 0), 1);
    CHECK_EQ(esb(IRQ_VTY, 0), 0);
    CHECK_EQ(entry(0, 3), 0x80001234u);
    CHECK_EQ(esb(IRQ_VTY, PQ_01), 0); // masked
    irq_pulse(lp, IRQ_VTY);
    CHECK_EQ(entry(0, 4), 0);
    partition_fini(lp);
}

static void test_queue_wraps(void)
{
    begin();
    H(a, H_INT_SET_QUEUE_CONFIG, 1, 1, PRIORITY, 0x300000, 12);
    setup(3, 1, 7);
    for (unsigned i = 0; i < 1024 + 5; i++) {
        esb_store(3, 0, 0);
        esb(3, 0);
    }
    CHECK_EQ(load_be32(lp->mem.base + 0x300000 + 4 * 4), 7); // generation 0 the second time
    CHECK_EQ(load_be32(lp->mem.base + 0x300000 + 5 * 4), 0x80000007u);
    CHECK_EQ(H(a, H_INT_GET_QUEUE_CONFIG, 2, 1, PRIORITY), H_SUCCESS);
    CHECK_EQ(a->gpr[4], 1);
    CHECK_EQ(a->gpr[5], 0x300000);
    CHECK_EQ(a->gpr[6], 12);
    CHECK_EQ(a->gpr[7], 5);
    partition_fini(lp);
}

static void test_ipis_and_priorities(void)
{
    begin();
    H(a, H_INT_SET_QUEUE_CONFIG, 1, 1, 2, 0x300000, 12);
    setup(0, 1, 0x100);
    CHECK_EQ(H(a, H_INT_SET_SOURCE_CONFIG, 2, 1, 1, 2, 0x101), H_SUCCESS);
    esb(1, PQ_00);
    esb_store(0, 0, 0);
    esb_store(1, 0, 0);
    CHECK_EQ(load(b, XIVE_TIMA_OS + ACK_OS, 2), 0x8002); // the more favoured one first
    CHECK(!external(b));
    store_cppr(b, 0xff);
    CHECK_EQ(load(b, XIVE_TIMA_OS + ACK_OS, 2), 0x8000 | PRIORITY);
    CHECK_EQ(load(b, XIVE_TIMA_OS + 0x10, 8), 0x000600000000ffffull); // ring: NSR CPPR IPB ... PIPR
    store_cppr(b, 9);
    CHECK_EQ(load(b, XIVE_TIMA_OS + CPPR, 1), 0xff);
    CHECK(xive_mmio_write(b, XIVE_TIMA_OS + 0x812, 1, 5)); // pending set by hand
    CHECK(external(b));
    store_cppr(b, 0);
    CHECK(!external(b));
    partition_fini(lp);
}

static void test_level(void)
{
    begin();
    irq_set_level(lp, IRQ_HOTPLUG, false);
    H(a, H_INT_GET_SOURCE_INFO, 0, IRQ_HOTPLUG);
    CHECK_EQ(a->gpr[4] & 4, 4);
    setup(IRQ_HOTPLUG, 0, 9);
    irq_set_level(lp, IRQ_HOTPLUG, true);
    CHECK_EQ(entry(0, 0), 0x80000009u);
    irq_set_level(lp, IRQ_HOTPLUG, true);
    CHECK_EQ(entry(0, 1), 0);
    esb(IRQ_HOTPLUG, 0); // EOI while asserted: again
    CHECK_EQ(entry(0, 1), 0x80000009u);
    irq_set_level(lp, IRQ_HOTPLUG, false);
    esb(IRQ_HOTPLUG, 0);
    CHECK_EQ(entry(0, 2), 0);
    CHECK_EQ(esb(IRQ_HOTPLUG, PQ_GET), 0);
    partition_fini(lp);
}

static void test_calls_check(void)
{
    begin();
    CHECK_EQ(H(a, H_INT_GET_SOURCE_INFO, 0, 5), H_SUCCESS);
    CHECK_EQ(a->gpr[5], XIVE_ESB_BASE + 11 * XIVE_PAGE_SIZE);
    CHECK_EQ(a->gpr[6], XIVE_ESB_BASE + 10 * XIVE_PAGE_SIZE);
    CHECK_EQ(a->gpr[7], 16);
    CHECK_EQ(H(a, H_INT_GET_SOURCE_INFO, 1, 5), H_PARAMETER);
    CHECK_EQ(H(a, H_INT_GET_SOURCE_INFO, 0, XIVE_SOURCES), H_P2);
    CHECK_EQ(H(a, H_INT_SET_SOURCE_CONFIG, 2, 5, 2, 6, 1), H_P3);
    CHECK_EQ(H(a, H_INT_SET_SOURCE_CONFIG, 2, 5, 1, 7, 1), H_P4);
    CHECK_EQ(H(a, H_INT_SET_SOURCE_CONFIG, 2, 5, 1, 6, 0x55), H_SUCCESS);
    CHECK_EQ(H(a, H_INT_SET_SOURCE_CONFIG, 0, 5, 0, 0xff, 0), H_SUCCESS);
    CHECK_EQ(H(a, H_INT_GET_SOURCE_CONFIG, 0, 5), H_SUCCESS);
    CHECK_EQ(a->gpr[4], 1);
    CHECK_EQ(a->gpr[5], 0xff);
    CHECK_EQ(a->gpr[6], 0x55);
    CHECK_EQ(H(a, H_INT_SET_QUEUE_CONFIG, 1, 2, 6, 0, 16), H_P2);
    CHECK_EQ(H(a, H_INT_SET_QUEUE_CONFIG, 1, 0, 7, 0, 16), H_P3);
    CHECK_EQ(H(a, H_INT_SET_QUEUE_CONFIG, 1, 0, 6, 0x1000, 16), H_P4);
    CHECK_EQ(H(a, H_INT_SET_QUEUE_CONFIG, 1, 0, 6, TEST_MEMORY, 16), H_P4);
    CHECK_EQ(H(a, H_INT_SET_QUEUE_CONFIG, 1, 0, 6, 0, 15), H_P5);
    CHECK_EQ(H(a, H_INT_SET_QUEUE_CONFIG, 2, 0, 6, 0, 16), H_PARAMETER);
    CHECK_EQ(H(a, H_INT_ESB, 0, 5, PQ_GET, 0), H_SUCCESS);
    CHECK_EQ(a->gpr[4], 1);
    CHECK_EQ(H(a, H_INT_ESB, 0, 5, 0x1000, 0), H_P3);
    CHECK_EQ(H(a, H_INT_SET_OS_REPORTING_LINE, 0, 1, 0x1000), H_SUCCESS);
    CHECK_EQ(H(a, H_INT_GET_OS_REPORTING_LINE, 0, 1), H_SUCCESS);
    CHECK_EQ(a->gpr[4], 0x1000);
    CHECK_EQ(H(a, H_INT_SYNC, 0, 5), H_SUCCESS);
    CHECK_EQ(H(a, H_INT_RESET, 0), H_SUCCESS);
    H(a, H_INT_GET_SOURCE_CONFIG, 0, 5);
    CHECK_EQ(a->gpr[5], 0xff);
    lp->xive_mode = false;
    for (u64 call = H_INT_GET_SOURCE_INFO; call <= H_INT_RESET; call += 4)
        CHECK_EQ(H(a, call, 0, 0, 0), H_FUNCTION);
    u64 value;
    CHECK(!xive_mmio_read(a, XIVE_TIMA_OS, 8, &value));
    lp->xive_mode = true;
    CHECK(!xive_mmio_read(a, XIVE_TIMA_BASE, 8, &value));
    CHECK(!xive_mmio_read(a, XIVE_ESB_BASE + XIVE_ESB_SIZE - 4, 8, &value));
    partition_fini(lp);
}

// Conditional notification: one signal until the OS has looked.
static void test_conditional_queue(void)
{
    begin();
    H(a, H_INT_SET_QUEUE_CONFIG, 0, 0, PRIORITY, 0x300000, 12);
    setup(2, 0, 1);
    H(a, H_INT_GET_QUEUE_INFO, 0, 0, PRIORITY);
    u64 esn = a->gpr[4];
    esb_store(2, 0, 0);
    CHECK_EQ(load(a, XIVE_TIMA_OS + ACK_OS, 2), 0x8000 | PRIORITY);
    store_cppr(a, 0xff);
    esb(2, 0);
    esb_store(2, 0, 0);
    CHECK(!external(a));
    CHECK_EQ(load(a, esn + PQ_GET, 8), 3);
    partition_fini(lp);
}

// Triggers from another thread are neither lost nor doubled.
static void *trigger(void *arg)
{
    for (unsigned i = 0; i < 100000; i++)
        xive_mmio_write(b, XIVE_ESB_BASE + 4 * 2 * XIVE_PAGE_SIZE, 8, 0);
    *(_Atomic bool *)arg = true;
    return NULL;
}

static void test_concurrent(void)
{
    begin();
    setup(4, 0, 1);
    _Atomic bool done = false;
    pthread_t thread;
    u32 events = 0, index = 0, generation = 1;
    pthread_create(&thread, NULL, trigger, (void *)&done);
    for (bool last = false; !last;) {
        last = done;
        while (entry(0, index) >> 31 == generation) {
            events++;
            index = (index + 1) % 16384;
            generation ^= index == 0;
            esb(4, 0);
        }
    }
    pthread_join(thread, NULL);
    CHECK(events > 0);
    CHECK_EQ(esb(4, PQ_GET), 0);
    partition_fini(lp);
}

int main(void)
{
    TEST(test_cycle);
    TEST(test_queue_wraps);
    TEST(test_ipis_and_priorities);
    TEST(test_level);
    TEST(test_calls_check);
    TEST(test_conditional_queue);
    TEST(test_concurrent);
    return test_done();
}
