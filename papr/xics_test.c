// SPDX-License-Identifier: Apache-2.0
// XICS as Linux's icp-hv and ics-rtas use it.
#include "papr/xics.h"

#include "papr/irq.h"
#include "papr/rtas.h"
#include "papr/test_partition.h"

#define DEFAULT_PRIORITY 5u
#define IPI_PRIORITY     4u
#define BASE_PRIORITY    0xffu

static struct partition *lp;
static struct cpu *a, *b;

static void begin(void)
{
    lp = test_partition(2, 1, LEVEL_V30);
    lp->xive_mode = false;
    a = lp->group.cpus[0];
    b = lp->group.cpus[1];
    H(a, H_CPPR, BASE_PRIORITY);
    H(b, H_CPPR, BASE_PRIORITY);
}

static bool external(struct cpu *cpu)
{
    return atomic_load(&cpu->lines) & LINE_EXTERNAL;
}

static void test_edge(void)
{
    begin();
    CHECK_EQ(xics_set_xive(lp, IRQ_VTY, 0, DEFAULT_PRIORITY), RTAS_SUCCESS);
    irq_pulse(lp, IRQ_VTY);
    CHECK(external(a));
    CHECK_EQ(H(a, H_XIRR, 0), H_SUCCESS);
    CHECK_EQ(a->gpr[4], 0xff000000u | IRQ_VTY);
    CHECK(!external(a));
    CHECK_EQ(H(a, H_IPOLL, 0), H_SUCCESS);
    CHECK_EQ(a->gpr[4], DEFAULT_PRIORITY << 24);
    CHECK_EQ(a->gpr[5], 0xff);
    irq_pulse(lp, IRQ_VTY); // while it is handled: comes again after the end
    CHECK(!external(a));
    CHECK_EQ(H(a, H_EOI, 0xff000000u | IRQ_VTY), H_SUCCESS);
    CHECK(external(a));
    H(a, H_XIRR, 0);
    CHECK_EQ(a->gpr[4] & 0xffffff, IRQ_VTY);
    H(a, H_EOI, a->gpr[4]);
    CHECK(!external(a));
    H(a, H_XIRR, 0);
    CHECK_EQ(a->gpr[4], 0xff000000u); // spurious
    partition_fini(lp);
}

static void test_masking(void)
{
    begin();
    u32 server, priority;
    irq_pulse(lp, IRQ_EPOW); // masked since power on
    CHECK(!external(a));
    CHECK_EQ(xics_set_xive(lp, IRQ_EPOW, 1, DEFAULT_PRIORITY), RTAS_SUCCESS);
    CHECK(external(b));
    CHECK_EQ(xics_int_off(lp, IRQ_EPOW), RTAS_SUCCESS);
    CHECK_EQ(xics_get_xive(lp, IRQ_EPOW, &server, &priority), RTAS_SUCCESS);
    CHECK_EQ(server, 1);
    CHECK_EQ(priority, 0xff);
    CHECK_EQ(xics_int_on(lp, IRQ_EPOW), RTAS_SUCCESS);
    xics_get_xive(lp, IRQ_EPOW, &server, &priority);
    CHECK_EQ(priority, DEFAULT_PRIORITY);
    CHECK_EQ(xics_set_xive(lp, IRQ_BASE - 1, 0, 5), RTAS_PARAMETER);
    CHECK_EQ(xics_set_xive(lp, IRQ_BASE + IRQ_COUNT, 0, 5), RTAS_PARAMETER);
    CHECK_EQ(xics_set_xive(lp, IRQ_EPOW, 2, 5), RTAS_PARAMETER);
    CHECK_EQ(xics_set_xive(lp, IRQ_EPOW, 0, 256), RTAS_PARAMETER);
    partition_fini(lp);
}

static void test_ipi_preempts(void)
{
    begin();
    xics_set_xive(lp, IRQ_VTY, 1, DEFAULT_PRIORITY);
    irq_pulse(lp, IRQ_VTY);
    CHECK_EQ(H(a, H_IPI, 1, IPI_PRIORITY), H_SUCCESS); // displaces the other, which waits
    CHECK_EQ(H(b, H_XIRR_X, 0), H_SUCCESS);
    CHECK_EQ(b->gpr[4], 0xff000000u | IRQ_IPI);
    CHECK(!external(b));
    H(b, H_IPI, 1, 0xff);
    H(b, H_EOI, 0xff000000u | IRQ_IPI);
    CHECK(external(b));
    H(b, H_XIRR, 0);
    CHECK_EQ(b->gpr[4] & 0xffffff, IRQ_VTY);
    H(b, H_CPPR, IPI_PRIORITY - 1);
    H(a, H_IPI, 1, IPI_PRIORITY);
    CHECK(!external(b));
    H(b, H_CPPR, 0xff);
    CHECK(external(b));
    H(b, H_CPPR, 0); // takes a presented one back
    CHECK(!external(b));
    H(b, H_CPPR, 0xff);
    CHECK(external(b));
    CHECK_EQ(H(a, H_IPI, 2, 0), H_PARAMETER);
    partition_fini(lp);
}

static void test_level(void)
{
    begin();
    xics_set_xive(lp, IRQ_HOTPLUG, 0, DEFAULT_PRIORITY);
    irq_set_level(lp, IRQ_HOTPLUG, true);
    H(a, H_XIRR, 0);
    CHECK_EQ(a->gpr[4] & 0xffffff, IRQ_HOTPLUG);
    irq_set_level(lp, IRQ_HOTPLUG, true);
    CHECK(!external(a));
    H(a, H_EOI, 0xff000000u | IRQ_HOTPLUG); // still asserted
    CHECK(external(a));
    H(a, H_XIRR, 0);
    irq_set_level(lp, IRQ_HOTPLUG, false);
    H(a, H_EOI, 0xff000000u | IRQ_HOTPLUG);
    CHECK(!external(a));
    partition_fini(lp);
}

static void test_not_in_xive_mode(void)
{
    begin();
    lp->xive_mode = true;
    static const u64 calls[] = {H_XIRR, H_XIRR_X, H_EOI, H_CPPR, H_IPI, H_IPOLL};
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        CHECK_EQ(H(a, calls[i], 0, 0), H_FUNCTION);
    partition_fini(lp);
}

int main(void)
{
    TEST(test_edge);
    TEST(test_masking);
    TEST(test_ipi_preempts);
    TEST(test_level);
    TEST(test_not_in_xive_mode);
    return test_done();
}
