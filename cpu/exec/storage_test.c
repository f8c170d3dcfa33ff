// SPDX-License-Identifier: Apache-2.0
// Storage access through a translation put into the software TLB by hand: both byte orders, update forms, quadwords,
// reservations, atomic memory operations, also from two host threads at once.
#include "base/test.h"

#include <pthread.h>
#include <stdlib.h>

#include "cpu/cpu.h"
#include "cpu/group.h"
#include "isa/isa.h"

typedef void exec_fn(struct cpu *cpu, u32 insn);

#define INSN(id, ...) exec_fn exec_##id;
#include "isa/insn/storage.def"
#undef INSN

#define PAGE_EA 0x10000ull

static alignas(4096) u8 page[4096];
static struct guest_mem mem = {.base = page, .size = sizeof(page)};
static struct cpu_group group = {.mem = &mem};

struct thread_state {
    struct cpu cpu;
    struct tlb_entry tlb[TLB_ENTRIES];
};

static struct cpu *new_cpu(bool big_endian)
{
    struct thread_state *t = aligned_alloc(64, (sizeof(*t) + 63) & ~63ull);
    memset(t, 0, sizeof(*t));
    memset(t->tlb, 0xff, sizeof(t->tlb));
    t->tlb[(PAGE_EA >> GUEST_PAGE_SHIFT) & (TLB_ENTRIES - 1)] =
        (struct tlb_entry){.rtag = PAGE_EA, .wtag = PAGE_EA, .addend = (uintptr_t)page - PAGE_EA};
    t->cpu.tlb = t->tlb;
    t->cpu.tlb_mask = sizeof(t->tlb) - sizeof(t->tlb[0]);
    t->cpu.group = &group;
    t->cpu.ea_mask = ~0ull;
    t->cpu.be = big_endian;
    t->cpu.reserve_addr = RESERVE_NONE;
    t->cpu.gpr[4] = PAGE_EA;
    return &t->cpu;
}

static void free_cpu(struct cpu *cpu)
{
    free(container_of(cpu, struct thread_state, cpu));
}

static u32 fields(unsigned r6, unsigned r11, unsigned r16)
{
    return r6 << 21 | r11 << 16 | r16 << 11;
}

static void set_bytes(void)
{
    for (unsigned i = 0; i < 64; i++)
        page[i] = (u8)(0x81 + i);
}

static void test_loads(void)
{
    struct cpu *le = new_cpu(false), *be = new_cpu(true);
    set_bytes();
    exec_lbz(le, fields(3, 4, 0) | 1);
    CHECK_EQ(le->gpr[3], 0x82);
    exec_lha(le, fields(3, 4, 0));
    CHECK_EQ(le->gpr[3], 0xffffffffffff8281);
    exec_lha(be, fields(3, 4, 0));
    CHECK_EQ(be->gpr[3], 0xffffffffffff8182);
    exec_lwz(be, fields(3, 4, 0) | 1);
    CHECK_EQ(be->gpr[3], 0x82838485);
    exec_lwa(be, fields(3, 4, 0) | 4 | 2);
    CHECK_EQ(be->gpr[3], 0xffffffff85868788);
    exec_ld(le, fields(3, 4, 0) | 8);
    CHECK_EQ(le->gpr[3], 0x908f8e8d8c8b8a89);
    exec_lwbrx(le, fields(3, 0, 4));
    CHECK_EQ(le->gpr[3], 0x81828384);
    exec_lq(be, fields(6, 4, 0) | 16);
    CHECK_EQ(be->gpr[6], 0x9192939495969798);
    CHECK_EQ(be->gpr[7], 0x999a9b9c9d9e9fa0);
    exec_lq(le, fields(6, 4, 0) | 16);
    CHECK_EQ(le->gpr[6], 0xa09f9e9d9c9b9a99);
    CHECK_EQ(le->gpr[7], 0x9897969594939291);
    exec_ldu(le, fields(3, 4, 0) | 8 | 1);
    CHECK_EQ(le->gpr[4], PAGE_EA + 8);
    exec_lwzu(be, fields(4, 4, 0) | 4); // RA = RT: the address wins
    CHECK_EQ(be->gpr[4], PAGE_EA + 4);
    free_cpu(le);
    free_cpu(be);
}

static void test_stores(void)
{
    struct cpu *le = new_cpu(false), *be = new_cpu(true);
    memset(page, 0, sizeof(page));
    be->gpr[3] = le->gpr[3] = 0x1122334455667788;
    be->gpr[6] = 0x0001020304050607;
    be->gpr[7] = 0x08090a0b0c0d0e0f;
    exec_stw(be, fields(3, 4, 0) | 2);
    CHECK(!memcmp(page + 2, "\x55\x66\x77\x88", 4));
    exec_sthbrx(be, fields(3, 0, 4));
    CHECK(!memcmp(page, "\x88\x77", 2));
    exec_stdu(le, fields(3, 4, 0) | 16 | 1);
    CHECK(!memcmp(page + 16, "\x88\x77\x66\x55\x44\x33\x22\x11", 8));
    CHECK_EQ(le->gpr[4], PAGE_EA + 16);
    exec_stq(be, fields(6, 4, 0) | 32 | 2);
    for (unsigned i = 0; i < 16; i++)
        CHECK_EQ(page[32 + i], i);
    free_cpu(le);
    free_cpu(be);
}

static void test_multiple_and_string(void)
{
    struct cpu *be = new_cpu(true);
    set_bytes();
    exec_lmw(be, fields(30, 4, 0) | 1);
    CHECK_EQ(be->gpr[30], 0x82838485);
    CHECK_EQ(be->gpr[31], 0x86878889);
    exec_lswi(be, fields(31, 4, 6)); // wraps to GPR 0
    CHECK_EQ(be->gpr[31], 0x81828384);
    CHECK_EQ(be->gpr[0], 0x85860000);
    be->xer_rest = 5;
    exec_stswx(be, fields(31, 4, 10));
    CHECK(!memcmp(page, "\x81\x82\x83\x84\x85\x86", 6));
    be->gpr[10] = 64;
    exec_stswx(be, fields(31, 4, 10));
    CHECK(!memcmp(page + 64, "\x81\x82\x83\x84\x85\0", 6));
    free_cpu(be);
}

static void test_reservations(void)
{
    struct cpu *cpu = new_cpu(false), *be = new_cpu(true);
    memset(page, 0, sizeof(page));
    cpu->gpr[5] = 7;
    cpu->so = 1;
    exec_stwcx_r(cpu, fields(5, 0, 4)); // none
    CHECK_EQ(cpu->crf[0], CR_SO);
    exec_lwarx(cpu, fields(3, 0, 4));
    exec_stwcx_r(cpu, fields(5, 0, 4));
    CHECK_EQ(cpu->crf[0], CR_EQ | CR_SO);
    CHECK_EQ(page[0], 7);
    exec_stwcx_r(cpu, fields(3, 0, 4)); // used up
    CHECK_EQ(cpu->crf[0], CR_SO);
    exec_lwarx(cpu, fields(3, 0, 4));
    CHECK_EQ(cpu->gpr[3], 7);
    page[0] = 8; // somebody stores
    exec_stwcx_r(cpu, fields(5, 0, 4));
    CHECK_EQ(cpu->crf[0], CR_SO);
    CHECK_EQ(page[0], 8);
    exec_ldarx(cpu, fields(3, 0, 4));
    exec_stwcx_r(cpu, fields(5, 0, 4)); // other size
    CHECK_EQ(cpu->crf[0], CR_SO);
    cpu->gpr[6] = PAGE_EA + 8;
    exec_ldarx(cpu, fields(3, 0, 4));
    exec_stdcx_r(cpu, fields(5, 0, 6)); // other address
    CHECK_EQ(cpu->crf[0], CR_SO);
    exec_ldarx(be, fields(3, 0, 4));
    CHECK_EQ(be->gpr[3], 8ull << 56);
    be->gpr[3]++;
    exec_stdcx_r(be, fields(3, 0, 4));
    CHECK_EQ(be->crf[0], CR_EQ);
    CHECK(!memcmp(page, "\x08\0\0\0\0\0\0\x01", 8));
    be->gpr[10] = PAGE_EA + 16;
    exec_lqarx(be, fields(6, 0, 10));
    be->gpr[6] = 1;
    be->gpr[7] = 2;
    exec_stqcx_r(be, fields(6, 0, 10));
    CHECK_EQ(be->crf[0], CR_EQ);
    CHECK_EQ(page[16 + 7], 1);
    CHECK_EQ(page[16 + 15], 2);
    free_cpu(cpu);
    free_cpu(be);
}

static u32 word_at(unsigned offset)
{
    u32 v;
    memcpy(&v, page + offset, sizeof(v));
    return v;
}

static void test_atomic_memory_operations(void)
{
    static const struct {
        u32 fc, old, a, b, new;
    } cases[] = {
        {0, 5, 0xffffffff, 0, 4},
        {1, 5, 1, 0, 4},
        {2, 4, 1, 0, 5},
        {3, 5, 4, 0, 4},
        {4, 5, 0xffffffff, 0, 0xffffffff},
        {5, 5, 0xffffffff, 0, 5},
        {6, 5, ~0u, 0, 5},
        {7, 5, ~0u, 0, ~0u},
        {8, 5, 9, 0, 9},
        {16, 5, 5, 9, 5},
        {16, 5, 6, 9, 9},
    };
    struct cpu *cpu = new_cpu(false);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        memcpy(page, &cases[i].old, 4);
        cpu->gpr[7] = cases[i].a;
        cpu->gpr[8] = cases[i].b;
        exec_lwat(cpu, fields(6, 4, cases[i].fc));
        CHECK_EQ(cpu->gpr[6], 5 - (cases[i].fc == 2));
        CHECK_EQ(word_at(0), cases[i].new);
    }
    static const struct {
        u32 fc, words[3], result, new; // EA is the middle word
    } bounded[] = {
        {24, {0, 5, 6}, 5, 6},          {24, {0, 5, 5}, 0x80000000, 5}, {25, {0, 5, 5}, 5, 6},
        {25, {0, 5, 6}, 0x80000000, 5}, {28, {0, 5, 0}, 5, 4},          {28, {5, 5, 0}, 0x80000000, 5},
    };
    cpu->gpr[4] = PAGE_EA + 4;
    for (size_t i = 0; i < ARRAY_LEN(bounded); i++) {
        memcpy(page, bounded[i].words, 12);
        exec_lwat(cpu, fields(6, 4, bounded[i].fc));
        CHECK_EQ(cpu->gpr[6], bounded[i].result);
        CHECK_EQ(word_at(4), bounded[i].new);
        CHECK_EQ(word_at(0), bounded[i].words[0]);
        CHECK_EQ(word_at(8), bounded[i].words[2]);
    }
    u32 twins[] = {1, 5, 5, 1};
    memcpy(page, twins, sizeof(twins));
    cpu->gpr[6] = 9;
    exec_stwat(cpu, fields(6, 4, 24));
    CHECK_EQ(word_at(4), 9);
    CHECK_EQ(word_at(8), 9);
    CHECK_EQ(word_at(0), 1);
    CHECK_EQ(word_at(12), 1);
    u64 wide[] = {0, 5, 6, 0};
    memcpy(page, wide, sizeof(wide));
    cpu->gpr[4] = PAGE_EA + 8; // not an aligned quadword
    exec_ldat(cpu, fields(6, 4, 24));
    CHECK_EQ(cpu->gpr[6], 5);
    CHECK_EQ(page[8], 6);
    free_cpu(cpu);
}

#define ROUNDS 20000

// Counts up the word, the quadword and, by an atomic memory operation, the doubleword.
static void *count_up(void *arg)
{
    struct cpu *cpu = arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        do {
            exec_lwarx(cpu, fields(3, 0, 4));
            cpu->gpr[3]++;
            exec_stwcx_r(cpu, fields(3, 0, 4));
        } while (!(cpu->crf[0] & CR_EQ));
        cpu->gpr[10] = PAGE_EA + 16;
        do {
            exec_lqarx(cpu, fields(6, 0, 10));
            cpu->gpr[6]++;
            cpu->gpr[7]--;
            exec_stqcx_r(cpu, fields(6, 0, 10));
        } while (!(cpu->crf[0] & CR_EQ));
        cpu->gpr[10] = PAGE_EA + 32;
        cpu->gpr[13] = 3;
        exec_ldat(cpu, fields(12, 10, 0));
    }
    return NULL;
}

static void test_two_threads(void)
{
    memset(page, 0, sizeof(page));
    struct cpu *a = new_cpu(false), *b = new_cpu(false);
    pthread_t other;
    CHECK_EQ(pthread_create(&other, NULL, count_up, b), 0);
    count_up(a);
    pthread_join(other, NULL);
    u64 quad[2], dword;
    memcpy(quad, page + 16, 16);
    memcpy(&dword, page + 32, 8);
    CHECK_EQ(word_at(0), 2 * ROUNDS);
    CHECK_EQ(quad[1], 2 * ROUNDS);
    CHECK_EQ(quad[0], (u64)-2 * ROUNDS);
    CHECK_EQ(dword, 6 * ROUNDS);
    free_cpu(a);
    free_cpu(b);
}

static void test_cache_block_zero(void)
{
    struct cpu *cpu = new_cpu(false);
    memset(page, 0xff, sizeof(page));
    cpu->gpr[4] = PAGE_EA + 200;
    exec_dcbz(cpu, fields(0, 0, 4));
    CHECK_EQ(page[127], 0xff);
    CHECK_EQ(page[128], 0);
    CHECK_EQ(page[255], 0);
    CHECK_EQ(page[256], 0xff);
    free_cpu(cpu);
}

int main(void)
{
    TEST(test_loads);
    TEST(test_stores);
    TEST(test_multiple_and_string);
    TEST(test_reservations);
    TEST(test_atomic_memory_operations);
    TEST(test_two_threads);
    TEST(test_cache_block_zero);
    return test_done();
}
