// SPDX-License-Identifier: Apache-2.0
// Dirty tracking and pages taken away, under threads that never stop storing.
#include "cpu/track.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "cpu/except.h"
#include "cpu/run.h"
#include "isa/isa.h"

#define THREADS    2u
#define MEMORY     (4 * MIB)
#define PAGES      (MEMORY / GUEST_PAGE_SIZE)
#define CODE(i)    (0x1000ull * ((i) + 1))
#define DATA(i)    (0x100000ull * ((i) + 1)) // 16 pages each thread walks over
#define DATA_PAGES 16u

static struct guest_mem mem;
static struct cpu_group group;
static pthread_t hosts[THREADS];
static _Atomic u32 page_ins;

static void hook_page_in(struct cpu *cpu, u64 gra)
{
    cpu_leave(cpu);
    atomic_fetch_add(&page_ins, 1);
    while (page_absent(cpu->group, gra) && !(atomic_load(&cpu->attn) & ATTN_STOP))
        usleep(100);
    cpu_enter(cpu);
}

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

// r3 counts rounds; each round stores r3 into the first word of each of the pages at r4.
static void start(void)
{
    static const struct cpu_hooks hooks = {.page_in = hook_page_in};
    static const u32 program[] = {
        0x38630001,              // 0: addi r3,r3,1
        0x7c852378,              // 4: mr r5,r4
        0x38c00000 | DATA_PAGES, // 8: li r6,16
        0x7cc903a6,              // c: mtctr r6
        0xf8650000,              // 10: std r3,0(r5)
        0x38a51000,              // 14: addi r5,r5,4096
        0x4200fff8,              // 18: bdnz 10
        0x4bffffe4,              // 1c: b 0
    };
    CHECK_EQ(guest_mem_init(&mem, MEMORY), 0);
    CHECK_EQ(group_init(&group, &mem, &hooks, NULL), 0);
    group.radix = true;
    atomic_store(&page_ins, 0);
    for (u32 i = 0; i < THREADS; i++) {
        struct cpu *cpu = group_add_cpu(&group, i, 0, i, 0x4e1203);
        cpu->isa_level = LEVEL_V30;
        cpu->dec_expires = ~0ull >> 1;
        cpu_set_msr(cpu, MSR_SF | MSR_LE);
        cpu->nia = CODE(i);
        cpu->gpr[4] = DATA(i);
        guest_mem_write(&mem, CODE(i), program, sizeof(program));
    }
    for (u32 i = 0; i < THREADS; i++)
        pthread_create(&hosts[i], NULL, host_main, group.cpus[i]);
}

static void stop(void)
{
    for (u32 i = 0; i < THREADS; i++)
        cpu_kick(group.cpus[i], ATTN_STOP);
    for (u32 i = 0; i < THREADS; i++)
        pthread_join(hosts[i], NULL);
    group_fini(&group);
    guest_mem_fini(&mem);
}

static void wait_for_round(u32 thread)
{
    u64 last = DATA(thread) + (DATA_PAGES - 1) * GUEST_PAGE_SIZE, seen = word(last);
    while (word(last) < seen + 2)
        usleep(100);
}

// A copy kept up to date by the bitmap alone is, at the end, the memory itself.
static void test_copy_by_dirty_pages(void)
{
    u8 *copy = malloc(MEMORY);
    start();
    track_start(&group);
    memcpy(copy, mem.base, MEMORY);
    for (unsigned round = 0; round < 20; round++) {
        u64 bitmap[PAGES / 64] = {0};
        wait_for_round(round % THREADS);
        CHECK(track_collect(&group, bitmap) >= DATA_PAGES);
        for (u64 page = 0; page < PAGES; page++) {
            if (bitmap[page / 64] >> page % 64 & 1)
                memcpy(copy + page * GUEST_PAGE_SIZE, mem.base + page * GUEST_PAGE_SIZE, GUEST_PAGE_SIZE);
        }
        // Nothing but the threads' own pages is ever written.
        CHECK_EQ(bitmap[0], 0);
    }
    group_exclusive_begin(&group, NULL);
    u64 bitmap[PAGES / 64] = {0};
    for (u64 page = 0; page < PAGES; page++) {
        if (!(atomic_load(&mem.flags[page]) & PAGE_CLEAN))
            memcpy(copy + page * GUEST_PAGE_SIZE, mem.base + page * GUEST_PAGE_SIZE, GUEST_PAGE_SIZE);
    }
    CHECK_EQ(memcmp(copy, mem.base, MEMORY), 0);
    group_exclusive_end(&group, NULL);
    track_collect(&group, bitmap);
    track_stop(&group);
    wait_for_round(0);
    stop();
    free(copy);
}

// While a page is away its content stays as it is; given back, its thread goes on as if nothing had been.
static void test_take_and_give(void)
{
    start();
    for (unsigned round = 0; round < 10; round++) {
        u32 thread = round % THREADS;
        u64 gra = DATA(thread) + round % DATA_PAGES * GUEST_PAGE_SIZE;
        wait_for_round(thread);
        u32 before = atomic_load(&page_ins);
        page_take(&group, gra);
        u64 content = word(gra);
        while (atomic_load(&page_ins) == before)
            usleep(100);
        usleep(500);
        CHECK_EQ(word(gra), content);
        page_give(&group, gra);
        wait_for_round(thread);
        CHECK(word(gra) > content);
    }
    stop();
}

// The same for the page that holds the code.
static void test_take_code(void)
{
    start();
    for (unsigned round = 0; round < 5; round++) {
        u32 before = atomic_load(&page_ins);
        wait_for_round(0);
        page_take(&group, CODE(0));
        u64 at = DATA(0) + (DATA_PAGES - 1) * GUEST_PAGE_SIZE;
        while (atomic_load(&page_ins) == before)
            usleep(100);
        u64 seen = word(at);
        usleep(1000);
        CHECK_EQ(word(at), seen);
        page_give(&group, CODE(0));
        wait_for_round(0);
    }
    stop();
}

// A thread that stores into nothing but one page for ever is noticed again after each collection.
static void test_one_page(void)
{
    static const u32 program[] = {
        0x38630001, // addi r3,r3,1
        0xf8640000, // std r3,0(r4)
        0x4bfffff8, // b .-8
    };
    start();
    for (u32 i = 0; i < THREADS; i++) { // at another place than the program that runs now
        guest_mem_write(&mem, CODE(i) + 0x100, program, sizeof(program));
        cpu_kick(group.cpus[i], ATTN_STOP);
        pthread_join(hosts[i], NULL);
        group.cpus[i]->nia = CODE(i) + 0x100;
        atomic_fetch_and(&group.cpus[i]->attn, ~(u32)ATTN_STOP);
    }
    for (u32 i = 0; i < THREADS; i++)
        pthread_create(&hosts[i], NULL, host_main, group.cpus[i]);
    track_start(&group);
    for (unsigned round = 0; round < 20; round++) {
        u64 bitmap[PAGES / 64] = {0}, gra = DATA(round % THREADS), page = gra / GUEST_PAGE_SIZE;
        u64 before = word(gra);
        while (word(gra) < before + 10000)
            usleep(100);
        track_collect(&group, bitmap);
        CHECK(bitmap[page / 64] >> page % 64 & 1);
    }
    track_stop(&group);
    stop();
}

// Memory that is used much moves to large pages of the host, where it has them, while others write to it; nothing else changes. The rest
// behind the last whole one stays where it is.
static _Atomic u64 *moving;
static _Atomic bool moved;

static void *count_there(void *arg)
{
    u64 *count = arg;
    while (!atomic_load(&moved)) {
        atomic_fetch_add(moving, 1);
        ++*count;
    }
    return NULL;
}

static void test_large_pages(void)
{
    struct guest_mem own;
    const u64 size = 2 * LARGE_PAGE + 64 * KIB;
    u64 count = 0;
    pthread_t host;
    CHECK_EQ(guest_mem_init(&own, size), 0);
    CHECK_EQ((uintptr_t)own.base % LARGE_PAGE, 0);
    for (u64 at = 0; at < size; at += 8 * GUEST_PAGE_SIZE)
        *(u64 *)(void *)(own.base + at) = at + 1;
    moving = (void *)(own.base + LARGE_PAGE + 64);
    atomic_store(&moved, false);
    CHECK(!pthread_create(&host, NULL, count_there, &count));
    for (unsigned n = 0; n < 2 * MEM_TOUCHES; n++) {
        for (u64 at = 0; at < size; at += LARGE_PAGE)
            guest_mem_touched(&own, at + n * GUEST_PAGE_SIZE % (64 * KIB));
    }
    atomic_store(&moved, true);
    pthread_join(host, NULL);
    CHECK_EQ(atomic_load(moving), count);
    u64 wrong = 0;
    for (u64 at = 0; at < size; at += 8 * GUEST_PAGE_SIZE)
        wrong += *(u64 *)(void *)(own.base + at) != at + 1;
    CHECK_EQ(wrong, 0);
    guest_mem_fini(&own);
}

int main(void)
{
    isa_init();
    TEST(test_large_pages);
    TEST(test_copy_by_dirty_pages);
    TEST(test_take_and_give);
    TEST(test_take_code);
    TEST(test_one_page);
    engine = &jit_engine; // where there is no translator it interprets
    TEST(test_copy_by_dirty_pages);
    TEST(test_take_and_give);
    TEST(test_take_code);
    TEST(test_one_page);
    return test_done();
}
