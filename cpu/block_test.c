// SPDX-License-Identifier: Apache-2.0
// Memory that comes and goes, and threads that come, under threads that never stop storing.
#include "cpu/block.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/test.h"
#include "cpu/except.h"
#include "cpu/mem_file.h"
#include "cpu/reserve.h"
#include "cpu/run.h"
#include "cpu/xlate/xlate.h"
#include "isa/isa.h"

#define BLOCK   GUEST_BLOCK_SIZE
#define THREADS 2u
#define CODE(i) (0x1000ull * ((i) + 1))
#define DATA(i) (BLOCK * (1 + 2 * (i)))

static struct guest_mem mem;
static struct cpu_group group;
static pthread_t hosts[THREADS];

static const struct cpu_engine *engine = &interp_engine;

static void *host_main(void *arg)
{
    engine->run(arg);
    return NULL;
}

static u64 word(u64 gra)
{
    return __atomic_load_n((const u64 *)(const void *)(mem.base + gra), __ATOMIC_RELAXED);
}

static struct cpu *add_thread(u32 i)
{
    static const u32 program[] = {
        0x38630001, // 0: addi r3,r3,1
        0xf8640000, // 4: std r3,0(r4)
        0x7cc020a8, // 8: ldarx r6,0,r4
        0x7cc021ad, // c: stdcx. r6,0,r4
        0x4bfffff0, // 10: b 0
    };
    struct cpu *cpu = group_add_cpu(&group, i, 0, i, 0x4e1203);
    cpu->isa_level = LEVEL_V30;
    cpu->dec_expires = ~0ull >> 1;
    cpu_set_msr(cpu, MSR_SF | MSR_LE | MSR_ME);
    cpu->nia = CODE(i);
    cpu->gpr[4] = DATA(i);
    guest_mem_write(&mem, CODE(i), program, sizeof(program));
    return cpu;
}

static void start(u64 present)
{
    static const struct cpu_hooks hooks = {.hcall = NULL};
    CHECK_EQ(guest_mem_init_file(&mem, 8 * BLOCK, present, -1), 0);
    CHECK_EQ(group_init(&group, &mem, &hooks, NULL), 0);
    group.radix = true;
    u8 *check = guest_mem_at(&mem, 0x200, 4); // a machine check stays where it came
    store_be32(check, 0x48000000);
    pthread_create(&hosts[0], NULL, host_main, add_thread(0));
}

static void stop(void)
{
    for (u32 i = 0; i < group.len; i++)
        cpu_kick(group.cpus[i], ATTN_STOP);
    for (u32 i = 0; i < group.len; i++)
        pthread_join(hosts[i], NULL);
    group_fini(&group);
    guest_mem_fini(&mem);
}

static void wait_for_stores(u64 gra)
{
    u64 seen = word(gra);
    while (word(gra) == seen)
        usleep(100);
}

static u64 host_blocks(void)
{
    struct stat st;
    return fstat(mem.fd, &st) ? 0 : (u64)st.st_blocks;
}

static void test_range(void)
{
    start(4 * BLOCK);
    CHECK(guest_mem_contains(&mem, 0, 4 * BLOCK));
    CHECK(!guest_mem_contains(&mem, 4 * BLOCK, 1));
    CHECK(!guest_mem_contains(&mem, 4 * BLOCK - 8, 16));
    CHECK_EQ(block_give(&group, 5 * BLOCK, BLOCK), 0);
    CHECK(guest_mem_contains(&mem, 5 * BLOCK, BLOCK));
    CHECK(!guest_mem_contains(&mem, 5 * BLOCK, BLOCK + 1));
    CHECK(!guest_mem_contains(&mem, 3 * BLOCK, 3 * BLOCK));
    CHECK(!guest_mem_contains(&mem, 8 * BLOCK, 1));
    CHECK(!guest_mem_contains(&mem, ~0ull, 2));
    CHECK(block_give(&group, 8 * BLOCK, BLOCK) < 0);
    CHECK(block_give(&group, 6 * BLOCK + 4096, BLOCK) < 0);
    CHECK(block_take(&group, NULL, 7 * BLOCK, 2 * BLOCK) < 0);
    CHECK_EQ(block_give(&group, 4 * BLOCK, 4 * BLOCK), 0);
    CHECK_EQ(atomic_load(&mem.holes), 0);
    stop();
}

// Its thread meets a machine check, and what comes back is zero.
static void test_take_and_give(void)
{
    start(8 * BLOCK);
    struct cpu *cpu = group.cpus[0];
    wait_for_stores(DATA(0));
    memset(mem.base + DATA(0) + 4096, 0x55, BLOCK / 2);
    u64 before = host_blocks();
    CHECK_EQ(block_take(&group, NULL, DATA(0), BLOCK), 0);
    CHECK(host_blocks() + BLOCK / 2 / 512 <= before);
    while (true) { // it stays at its handler
        group_exclusive_begin(&group, NULL);
        bool met = cpu->srr1 && cpu->dar == DATA(0);
        group_exclusive_end(&group, NULL);
        if (met)
            break;
        usleep(100);
    }
    CHECK_EQ(word(DATA(0)), 0); // no store came through
    CHECK_EQ(block_give(&group, DATA(0), BLOCK), 0);
    CHECK_EQ(word(DATA(0)), 0);
    CHECK_EQ(word(DATA(0) + 4096), 0);
    CHECK(guest_mem_contains(&mem, DATA(0), BLOCK));
    stop();
}

static void test_reservations(void)
{
    CHECK_EQ(guest_mem_init_file(&mem, 4 * BLOCK, 4 * BLOCK, -1), 0);
    CHECK_EQ(group_init(&group, &mem, NULL, NULL), 0);
    struct cpu *cpu = group_add_cpu(&group, 0, 0, 0, 0x4e1203);
    cpu->reserve_addr = BLOCK + 64;
    CHECK_EQ(block_take(&group, NULL, 2 * BLOCK, BLOCK), 0);
    CHECK_EQ(cpu->reserve_addr, BLOCK + 64);
    CHECK_EQ(block_take(&group, NULL, BLOCK, BLOCK), 0);
    CHECK_EQ(cpu->reserve_addr, RESERVE_NONE);
    group_fini(&group);
    guest_mem_fini(&mem);
}

// A thread that was alone has company from now on: its reservations have versions.
static void test_second_thread(void)
{
    start(8 * BLOCK);
    wait_for_stores(DATA(0));
    CHECK(reserve_is_alone(group.cpus[0]));
    group_exclusive_begin(&group, NULL);
    struct cpu *cpu = add_thread(1);
    cpu->gpr[4] = DATA(1);
    group_exclusive_end(&group, NULL);
    CHECK(!reserve_is_alone(group.cpus[0]));
    pthread_create(&hosts[1], NULL, host_main, cpu);
    wait_for_stores(DATA(1));
    wait_for_stores(DATA(0));
    group_invalidate(&group, NULL, TLB_ALL, 0, 0, 0);
    CHECK_EQ(block_take(&group, NULL, 7 * BLOCK, BLOCK), 0);
    wait_for_stores(DATA(1));
    wait_for_stores(DATA(0));
    stop();
}

int main(void)
{
    isa_init();
    TEST(test_range);
    TEST(test_take_and_give);
    TEST(test_reservations);
    TEST(test_second_thread);
    engine = &jit_engine; // where there is no translator it interprets
    TEST(test_take_and_give);
    TEST(test_second_thread);
    return test_done();
}
