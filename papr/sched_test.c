// SPDX-License-Identifier: Apache-2.0
// Virtual processor areas, and threads that wait for each other.
#include "papr/sched.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "cpu/except.h"
#include "cpu/time.h"
#include "papr/rtas.h"
#include "papr/test_partition.h"
#include "papr/vpa.h"

#define REG(function) ((u64)(function) << 45)
#define VPA           0x10000ull

static struct partition *lp;
static struct cpu *a, *b;

static void begin(void)
{
    lp = test_partition(2, 1, LEVEL_V30);
    a = lp->group.cpus[0];
    b = lp->group.cpus[1];
}

static void test_vpa(void)
{
    begin();
    u8 *mem = lp->mem.base;
    store_be16(mem + VPA + 4, 1024);
    CHECK_EQ(H(a, H_REGISTER_VPA, REG(3), 0, 0x12000), H_PARAMETER); // length 0
    store_be32(mem + 0x12004, 64);
    CHECK_EQ(H(a, H_REGISTER_VPA, REG(3), 0, 0x12000), H_RESOURCE); // no VPA yet
    CHECK_EQ(H(a, H_REGISTER_VPA, REG(1), 0, VPA + 64), H_PARAMETER);
    store_be16(mem + VPA + 0xe80 + 4, 640);
    CHECK_EQ(H(a, H_REGISTER_VPA, REG(1), 0, VPA + 0xe80), H_PARAMETER); // crosses 4 KiB
    CHECK_EQ(H(a, H_REGISTER_VPA, REG(1), 0, TEST_MEMORY - 128), H_PARAMETER);
    CHECK_EQ(H(a, H_REGISTER_VPA, REG(1), 9, VPA), H_PARAMETER);
    CHECK_EQ(H(a, H_REGISTER_VPA, REG(1), 0, VPA), H_SUCCESS);
    CHECK_EQ(mem[VPA + 9] & 2, 2);
    CHECK_EQ(H(a, H_REGISTER_VPA, REG(3), 0, 0x12000), H_SUCCESS);
    store_be32(mem + 0x13004, 4 * 48);
    CHECK_EQ(H(a, H_REGISTER_VPA, REG(2), 0, 0x13000), H_SUCCESS);
    mem[VPA + 0xb8] = 3; // log everything

    for (unsigned i = 1; i <= 10; i++) {
        cpu_papr(a)->wait_reason = i == 10 ? WAIT_CEDE : cpu_papr(a)->wait_reason;
        vpa_dispatch(a, true);
        CHECK_EQ(load_be32(mem + VPA + 0x100), 2 * i);
        CHECK_EQ(load_be64(mem + VPA + 0x218), i);
        vpa_dispatch(a, false);
        CHECK_EQ(load_be32(mem + VPA + 0x100), 2 * i + 1);
    }
    CHECK_EQ(mem[0x13000 + 48 + 1], 2); // had ceded, before the tenth time
    CHECK_EQ(mem[0x13000 + 1], 4);      // before the ninth: nothing was said, so it was preempted
    CHECK(load_be64(mem + 0x13000 + 48 + 16) != 0);
    CHECK_EQ(load_be64(mem + 0x13000 + 4 * 48), 0); // not beyond its end

    CHECK_EQ(H(a, H_REGISTER_VPA, REG(5), 0, 0), H_RESOURCE);
    CHECK_EQ(H(a, H_REGISTER_VPA, REG(6), 0, 0), H_SUCCESS);
    CHECK_EQ(H(a, H_REGISTER_VPA, REG(7), 0, 0), H_SUCCESS);
    CHECK_EQ(H(a, H_REGISTER_VPA, REG(5), 0, 0), H_SUCCESS);
    CHECK_EQ(H(a, H_REGISTER_VPA, REG(4), 0, 0), H_PARAMETER);
    partition_fini(lp);
}

// While it is stopped although it has work, from the moment when it stops; and from when its decrementer wakes it up.
static void test_stolen(void)
{
    begin();
    u8 *mem = lp->mem.base;
    store_be16(mem + VPA + 4, 1024);
    CHECK_EQ(H(a, H_REGISTER_VPA, REG(1), 0, VPA), H_SUCCESS);
    cpu_time_start(a);
    cpu_time_stop(a);
    u64 stolen = load_be64(mem + VPA + 0x158);
    u64 stopped = cpu_papr(a)->waiting_since, now;
    CHECK_EQ(cpu_papr(a)->wait_reason, WAIT_PREEMPT);
    while ((now = cpu_timebase(a)) == stopped)
        ;
    cpu_time_start(a);
    CHECK(load_be64(mem + VPA + 0x158) - stolen >= now - stopped);
    cpu_time_stop(a);
    stolen = load_be64(mem + VPA + 0x158);
    cpu_papr(a)->wait_reason = WAIT_CEDE;
    a->dec_expires = ~0ull >> 1;
    now = cpu_timebase(a);
    cpu_time_start(a); // it had nothing to do until now
    CHECK(load_be64(mem + VPA + 0x158) - stolen <= cpu_timebase(a) - now);
    cpu_time_stop(a);
    stolen = load_be64(mem + VPA + 0x158);
    cpu_papr(a)->wait_reason = WAIT_CEDE;
    a->dec_expires = cpu_timebase(a) + 1;
    while ((s64)((now = cpu_timebase(a)) - a->dec_expires) <= 0)
        ;
    cpu_time_start(a); // it could have gone on
    CHECK(load_be64(mem + VPA + 0x158) - stolen >= now - a->dec_expires);
    cpu_time_stop(a);
    partition_fini(lp);
}

static _Atomic pid_t waiter; // the thread that cedes, joins or waits to be started; 0 before it runs

// Until `waiter` sleeps in the kernel, as seen a few times in a row: a thread that polls never comes to that, and the test hangs.
static void await_sleep(void)
{
    for (unsigned asleep = 0; asleep < 5; usleep(1000)) {
        char path[64], state = 0;
        snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)atomic_load(&waiter));
        FILE *f = fopen(path, "r");
        if (!f)
            continue; // has not begun
        if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
            state = 0;
        fclose(f);
        asleep = state == 'S' ? asleep + 1 : 0;
    }
}

static void *cede(void *arg)
{
    struct cpu *cpu = arg;
    atomic_store(&waiter, gettid());
    cpu_set_msr(cpu, MSR_SF | MSR_ME);
    H(cpu, H_CEDE);
    return NULL;
}

static void *join(void *arg)
{
    struct cpu *cpu = arg;
    atomic_store(&waiter, gettid());
    cpu_set_msr(cpu, MSR_SF | MSR_ME);
    return (void *)H(cpu, H_JOIN);
}

static void test_cede(void)
{
    begin();
    pthread_t thread;
    static const u64 how[] = {0, 1, 2, 3};
    for (size_t i = 0; i < ARRAY_LEN(how); i++) {
        if (i == 3)
            b->dec_expires = cpu_timebase(b) + TIMEBASE_HZ / 20;
        atomic_store(&waiter, 0);
        pthread_create(&thread, NULL, cede, b);
        if (i < 3)
            await_sleep();
        if (i == 0)
            CHECK_EQ(H(a, H_PROD, 1), H_SUCCESS);
        else if (i == 1)
            cpu_raise_line(b, LINE_EXTERNAL);
        else if (i == 2)
            cpu_kick(b, ATTN_STOP);
        pthread_join(thread, NULL);
        CHECK(b->msr & MSR_EE);
        CHECK_EQ(atomic_load(&b->lines) & LINE_PROD, 0);
        cpu_lower_line(b, ~0u);
        atomic_fetch_and(&b->attn, ~(u32)ATTN_STOP);
        b->dec_expires = ~0ull >> 1;
    }
    // A prod that comes before is not lost.
    CHECK_EQ(H(a, H_PROD, 1), H_SUCCESS);
    cede(b);
    CHECK_EQ(H(a, H_PROD, 2), H_PARAMETER);
    CHECK_EQ(H(a, H_CONFER, 2, 0), H_PARAMETER);
    CHECK_EQ(H(a, H_CONFER, ~0ull, 0), H_SUCCESS);
    CHECK_EQ(test_hv.confers, 1);
    CHECK_EQ(H(a, H_CONFER, 1, atomic_load(&cpu_papr(b)->yield_count) + 1), H_SUCCESS);
    CHECK_EQ(test_hv.confers, 1); // dispatched since
    CHECK_EQ(H(a, H_CONFER, 1, atomic_load(&cpu_papr(b)->yield_count)), H_SUCCESS);
    CHECK_EQ(test_hv.confers, 2);
    partition_fini(lp);
}

static void test_join(void)
{
    begin();
    atomic_store(&cpu_papr(b)->state, THREAD_RUNNING);
    a->msr |= MSR_EE;
    CHECK_EQ(H(a, H_JOIN), H_BAD_MODE);
    a->msr &= ~MSR_EE;
    pthread_t thread;
    atomic_store(&waiter, 0);
    pthread_create(&thread, NULL, join, b);
    await_sleep();
    cpu_raise_line(b, LINE_EXTERNAL); // does not wake it
    await_sleep();
    CHECK_EQ(atomic_load(&cpu_papr(b)->state), THREAD_JOINED);
    CHECK_EQ(H(a, H_JOIN), H_CONTINUE);
    CHECK_EQ(H(a, H_PROD, 1), H_SUCCESS);
    void *rc;
    pthread_join(thread, &rc);
    CHECK_EQ((long)rc, H_SUCCESS);
    CHECK_EQ(atomic_load(&cpu_papr(b)->state), THREAD_RUNNING);
    partition_fini(lp);
}

static void *wait_started(void *arg)
{
    atomic_store(&waiter, gettid());
    return (void *)(uintptr_t)sched_wait_runnable(arg);
}

static void test_start_stop(void)
{
    begin();
    pthread_t thread;
    void *ok;
    CHECK_EQ(sched_cpu_state(lp, 1), 0);
    CHECK_EQ(sched_cpu_state(lp, 0), 2);
    CHECK_EQ(sched_cpu_state(lp, 2), -1);
    atomic_store(&waiter, 0);
    pthread_create(&thread, NULL, wait_started, b);
    await_sleep();
    CHECK_EQ(sched_start_cpu(lp, 1, TEST_MEMORY, 0), RTAS_PARAMETER);
    CHECK_EQ(sched_start_cpu(lp, 0, 0x100, 0), RTAS_PARAMETER); // runs already
    CHECK_EQ(sched_start_cpu(lp, 1, 0x4000, 42), RTAS_SUCCESS);
    CHECK_EQ(sched_start_cpu(lp, 1, 0x5000, 43), RTAS_PARAMETER);
    pthread_join(thread, &ok);
    CHECK(ok);
    CHECK_EQ(b->nia, 0x4000);
    CHECK_EQ(b->gpr[3], 42);
    CHECK_EQ(b->msr, MSR_SF | MSR_ME);
    CHECK(sched_wait_runnable(b)); // at once, nothing changed
    sched_stop_self(b);
    CHECK(atomic_load(&b->attn) & ATTN_STOP);
    CHECK(!sched_wait_runnable(b));
    CHECK_EQ(sched_cpu_state(lp, 1), 0);
    atomic_fetch_and(&b->attn, ~(u32)ATTN_STOP);
    CHECK_EQ(sched_start_cpu(lp, 1, 0x6000, 1), RTAS_SUCCESS);
    CHECK(sched_wait_runnable(b));
    CHECK_EQ(b->nia, 0x6000);
    CHECK_EQ(H(a, H_SIGNAL_SYS_RESET, ~1ull), H_SUCCESS); // -2
    CHECK(!(atomic_load(&a->lines) & LINE_RESET) && (atomic_load(&b->lines) & LINE_RESET));
    CHECK_EQ(H(a, H_SIGNAL_SYS_RESET, ~2ull), H_PARAMETER);
    partition_fini(lp);
}

int main(void)
{
    TEST(test_vpa);
    TEST(test_stolen);
    TEST(test_cede);
    TEST(test_join);
    TEST(test_start_stop);
    return test_done();
}
