// SPDX-License-Identifier: Apache-2.0
#include "cpu/debug.h"

#include <errno.h>

#include "cpu/test_machine.h"

static enum cpu_exit resume(struct machine *m)
{
    atomic_fetch_and(&m->cpu->attn, ~(u32)ATTN_STOP);
    return interp_engine.run(m->cpu);
}

static void program(struct machine *m, u32 i0, u32 i1, u32 i2)
{
    machine_put(m, TEST_CODE, i0, false);
    machine_put(m, TEST_CODE + 4, i1, false);
    machine_put(m, TEST_CODE + 8, i2, false);
    machine_put(m, TEST_CODE + 12, I_SC1, false);
    cpu_set_msr(m->cpu, MSR_BASE);
    m->cpu->nia = TEST_CODE;
}

static void test_breakpoint(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    program(m, I_LI(3, 1), I_LI(3, 2), I_LI(3, 3));
    CHECK_EQ(resume(m), EXIT_STOPPED); // predecoded before the breakpoint is set
    CHECK_EQ(debug_set_breakpoint(&m->group, TEST_CODE + 4, true), 0);
    m->cpu->nia = TEST_CODE;
    CHECK_EQ(resume(m), EXIT_BREAKPOINT);
    CHECK_EQ(m->cpu->nia, TEST_CODE + 4);
    CHECK_EQ(m->cpu->gpr[3], 1);
    CHECK_EQ(interp_engine.step(m->cpu), EXIT_STEPPED);
    CHECK_EQ(m->cpu->nia, TEST_CODE + 8);
    CHECK_EQ(m->cpu->gpr[3], 2);
    CHECK_EQ(resume(m), EXIT_STOPPED);
    CHECK_EQ(m->cpu->gpr[3], 3);
    CHECK_EQ(debug_set_breakpoint(&m->group, TEST_CODE + 4, false), 0);
    CHECK_EQ(debug_set_breakpoint(&m->group, TEST_CODE + 4, false), -ENOENT);
    m->cpu->nia = TEST_CODE;
    CHECK_EQ(resume(m), EXIT_STOPPED);
    debug_clear(&m->group);
    machine_free(m);
}

static void test_watchpoint(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    m->cpu->gpr[4] = 0x20000;
    m->cpu->gpr[3] = 5;
    program(m, I_LD(5, 8, 4), I_STD(3, 16, 4), I_STD(3, 8, 4));
    CHECK_EQ(resume(m), EXIT_STOPPED); // the page is in the TLB
    CHECK_EQ(debug_set_watchpoint(&m->group, 0x2000a, 2, WATCH_WRITE, true), 0);
    m->cpu->gpr[3] = 6;
    m->cpu->nia = TEST_CODE;
    CHECK_EQ(resume(m), EXIT_BREAKPOINT);
    CHECK_EQ(m->cpu->nia, TEST_CODE + 8); // before the store
    CHECK_EQ(*(u8 *)guest_mem_at(&m->mem, 0x20008, 1), 5);
    debug_watch_enable(&m->group, false);
    CHECK_EQ(interp_engine.step(m->cpu), EXIT_STEPPED);
    debug_watch_enable(&m->group, true);
    CHECK_EQ(*(u8 *)guest_mem_at(&m->mem, 0x20008, 1), 6);
    CHECK_EQ(resume(m), EXIT_STOPPED);
    CHECK_EQ(debug_set_watchpoint(&m->group, 0x2000a, 2, WATCH_WRITE, false), 0);
    debug_clear(&m->group);
    machine_free(m);
}

static void test_step(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    program(m, I_LI(3, 1), 0x48000008u /* b .+8 */, I_LI(3, 2));
    u64 insns = m->cpu->insns;
    CHECK_EQ(interp_engine.step(m->cpu), EXIT_STEPPED);
    CHECK_EQ(m->cpu->nia, TEST_CODE + 4);
    CHECK_EQ(interp_engine.step(m->cpu), EXIT_STEPPED);
    CHECK_EQ(m->cpu->nia, TEST_CODE + 12);
    CHECK_EQ(m->cpu->insns - insns, 2);
    CHECK_EQ(m->cpu->gpr[3], 1);
    machine_free(m);
}

int main(void)
{
    TEST(test_breakpoint);
    TEST(test_watchpoint);
    TEST(test_step);
    return test_done();
}
