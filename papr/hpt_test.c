// SPDX-License-Identifier: Apache-2.0
#include "papr/hpt.h"

#include <pthread.h>

#include "papr/hpt_int.h"
#include "papr/test_partition.h"

#define FLAG_EXACT   PPC_BIT(24)
#define FLAG_READ_4  PPC_BIT(26)
#define FLAG_AVPN    PPC_BIT(32)
#define FLAG_ANDCOND PPC_BIT(33)
#define FLAG_ZERO    PPC_BIT(48)

static struct partition *lp;
static struct cpu *cpu;

static void begin(void)
{
    lp = test_partition(2, 1, LEVEL_V30);
    cpu = lp->group.cpus[0];
}

// V and R of a page as Linux encodes them: 256 MiB segment.
static u64 make_v(u64 va, u64 more)
{
    return (va >> 23) << 7 | more;
}

static u64 make_r(u64 gra)
{
    return gra | HPTE_R_M | 2;
}

static u64 group_of(u64 va, unsigned base_shift)
{
    u64 vsid = va >> 28, hash = vsid ^ ((va & 0xfffffff) >> base_shift);
    return hash & (hpt_groups(&lp->hpt->table) - 1);
}

static void test_sizes(void)
{
    CHECK_EQ(hpt_shift_for(256 * MIB), 21);
    CHECK_EQ(hpt_shift_for(2 * GIB), 24);
    CHECK_EQ(hpt_shift_for(2 * GIB + 1), 25);
    CHECK_EQ(hpt_shift_for(1), HPT_SHIFT_MIN);
    static const struct {
        u64 v, r;
        unsigned base, page;
        bool ok;
    } cases[] = {
        {0, 0xff000, 12, 12, true},        {HPTE_V_L, 0x1000, 16, 16, true}, {HPTE_V_L, 0x51000, 16, 16, true},
        {HPTE_V_L, 0x7000, 12, 16, true},  {HPTE_V_L, 0, 24, 24, true},      {HPTE_V_L, 0x8000, 16, 24, true},
        {HPTE_V_L, 0x38000, 12, 24, true}, {HPTE_V_L, 0x3000, 34, 34, true}, {HPTE_V_L, 0x2000, 0, 0, false},
        {HPTE_V_L, 0x18000, 0, 0, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        unsigned base, page;
        CHECK(hpte_page_shift(cases[i].v, cases[i].r, &base, &page) == cases[i].ok);
        if (cases[i].ok) {
            CHECK_EQ(base, cases[i].base);
            CHECK_EQ(page, cases[i].page);
        }
    }
}

static void test_enter_remove(void)
{
    begin();
    u64 va = 0x123456789000, v = make_v(va, HPTE_V_BOLTED), r = make_r(0x40000);
    u64 group = group_of(va, 12) * 8;
    CHECK_EQ(H(cpu, H_ENTER, 0, group + 3, v, r), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], group);
    CHECK_EQ(H(cpu, H_ENTER, FLAG_EXACT, group, v, r), H_PTEG_FULL);
    CHECK_EQ(H(cpu, H_ENTER, FLAG_EXACT, group + 5, v, r), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], group + 5);
    for (int i = 0; i < 6; i++)
        CHECK_EQ(H(cpu, H_ENTER, 0, group, v, r), H_SUCCESS);
    CHECK_EQ(H(cpu, H_ENTER, 0, group, v, r), H_PTEG_FULL);
    CHECK_EQ(H(cpu, H_READ, 0, group), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], v | HPTE_V_V);
    CHECK_EQ(cpu->gpr[5], r);
    CHECK_EQ(H(cpu, H_READ, FLAG_READ_4, group + 2), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], v | HPTE_V_V);
    CHECK_EQ(cpu->gpr[11], r);

    CHECK_EQ(H(cpu, H_REMOVE, FLAG_AVPN, group, v ^ 0x10000), H_NOT_FOUND);
    CHECK_EQ(H(cpu, H_REMOVE, FLAG_ANDCOND, group, HPTE_V_BOLTED), H_NOT_FOUND);
    CHECK_EQ(H(cpu, H_REMOVE, FLAG_AVPN, group, v), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], v | HPTE_V_V);
    CHECK_EQ(cpu->gpr[5], r);
    CHECK_EQ(H(cpu, H_REMOVE, 0, group, 0), H_NOT_FOUND);
    CHECK_EQ(H(cpu, H_REMOVE, 0, ~0ull, 0), H_PARAMETER);
    partition_fini(lp);
}

static void test_enter_refuses(void)
{
    begin();
    u64 v = make_v(0x1000000, 0);
    CHECK_EQ(H(cpu, H_ENTER, 0, hpt_groups(&lp->hpt->table) * 8, v, make_r(0)), H_PARAMETER);
    CHECK_EQ(H(cpu, H_ENTER, 0, 0, v, make_r(TEST_MEMORY)), H_PARAMETER);
    CHECK_EQ(H(cpu, H_ENTER, 0, 0, v, 0x1000 | 2), H_PARAMETER); // not coherent
    CHECK_EQ(H(cpu, H_ENTER, 0, 0, v | HPTE_V_L, make_r(TEST_MEMORY - 0x8000)), H_PARAMETER);
    CHECK_EQ(H(cpu, H_ENTER, 0, 0, v | PPC_BIT(0), make_r(0)), H_PARAMETER); // reserved segment size
    CHECK_EQ(H(cpu, H_ENTER, 0, 0, v, 0x0006030203190000ull | HPTE_R_I | HPTE_R_G | 2), H_PARAMETER);
    CHECK_EQ(H(cpu, H_ENTER, 0, 0, v, 0x00060302031a0000ull | HPTE_R_I | HPTE_R_G | 2), H_SUCCESS);
    memset(lp->mem.base + 0x5000, 0xaa, 0x1000);
    CHECK_EQ(H(cpu, H_ENTER, FLAG_ZERO, 8, v, make_r(0x5000)), H_SUCCESS);
    CHECK_EQ(lp->mem.base[0x5abc], 0);
    partition_fini(lp);
}

static void test_protect_and_bits(void)
{
    begin();
    u64 va = 0x1230000, v = make_v(va, 0), r = make_r(0x10000) | HPTE_R_R | HPTE_R_C;
    CHECK_EQ(H(cpu, H_ENTER, FLAG_EXACT, 77, v, r), H_SUCCESS);
    // N, pp 3, pp0 by bit 55, key 31.
    CHECK_EQ(H(cpu, H_PROTECT, FLAG_AVPN | 0x3000 | 0xe00 | 0x100 | 4 | 3, 77, v), H_SUCCESS);
    H(cpu, H_READ, 0, 77);
    CHECK_EQ(cpu->gpr[5],
             0x10000 | HPTE_R_M | HPTE_R_R | HPTE_R_C | HPTE_R_PP0 | HPTE_R_KEY_HI | HPTE_R_KEY_LO | HPTE_R_N | 3);
    CHECK_EQ(H(cpu, H_PROTECT, FLAG_AVPN | 2, 77, v ^ 0x80), H_NOT_FOUND);
    CHECK_EQ(H(cpu, H_PROTECT, 2, 77, 0), H_SUCCESS);
    CHECK_EQ(H(cpu, H_CLEAR_MOD, 0, 77), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], r);
    CHECK_EQ(H(cpu, H_CLEAR_REF, 0, 77), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], r & ~HPTE_R_C);
    H(cpu, H_READ, 0, 77);
    CHECK_EQ(cpu->gpr[5], make_r(0x10000));
    CHECK_EQ(H(cpu, H_CLEAR_REF, 0, 78), H_NOT_FOUND);
    partition_fini(lp);
}

static void test_bulk(void)
{
    begin();
    u64 v = make_v(0x5550000, 0);
    for (u64 i = 0; i < 3; i++)
        H(cpu, H_ENTER, FLAG_EXACT, 16 + i, v | (i == 1 ? HPTE_V_BOLTED : 0),
          make_r(i << 12) | (i == 2 ? HPTE_R_R : 0));
    CHECK_EQ(H(cpu, H_BULK_REMOVE, PPC_BIT(1) | PPC_BIT(6) | 16, v, PPC_BIT(1) | PPC_BIT(7) | 17, HPTE_V_BOLTED,
               PPC_BIT(1) | 18, 0, PPC_BITMASK(0, 1)),
             H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], PPC_BIT(0) | 16);
    CHECK_EQ(cpu->gpr[6], PPC_BIT(0) | PPC_BIT(3) | 17);
    CHECK_EQ(cpu->gpr[8], PPC_BIT(0) | PPC_BIT(4) | 18);
    CHECK_EQ(cpu->gpr[10], PPC_BITMASK(0, 1));
    CHECK_EQ(H(cpu, H_BULK_REMOVE, PPC_BIT(1) | 0xffffffffffffffull), H_PARAMETER);
    CHECK_EQ(cpu->gpr[4], PPC_BIT(0) | PPC_BIT(2) | 0xffffffffffffffull);
    CHECK_EQ(H(cpu, H_BULK_REMOVE, 0), H_PARAMETER);

    CHECK_EQ(H(cpu, H_BLOCK_REMOVE, v, PPC_BIT(1) | PPC_BIT(7) | 17, PPC_BITMASK(0, 1)), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], PPC_BIT(0) | 17);
    CHECK_EQ(H(cpu, H_BLOCK_REMOVE, v, PPC_BIT(1) | PPC_BIT(7) | 17, PPC_BITMASK(0, 1)), H_PARTIAL);
    CHECK_EQ(cpu->gpr[4], 0x8800000000000000ull | 17);
    partition_fini(lp);
}

static u64 find(u64 va, u64 v)
{
    u64 group = group_of(va, 12) * 8;
    for (u64 i = group; i < group + 8; i++) {
        if ((*hpt_v(&lp->hpt->table, i) & ~0x7full) == (v & ~0x7full))
            return i;
    }
    return ~0ull;
}

static void test_resize(void)
{
    begin();
    unsigned shift = lp->hpt->table.shift;
    enum { PAGES = 2000 };
    for (u64 i = 0; i < PAGES; i++) {
        u64 va = 0x7fff000000ull + i * 0x1000 + (i % 7) * 0x10000000ull;
        CHECK_EQ(H(cpu, H_ENTER, 0, group_of(va, 12) * 8, make_v(va, HPTE_V_BOLTED), make_r(i << 12)), H_SUCCESS);
    }
    CHECK_EQ(H(cpu, H_RESIZE_HPT_COMMIT, 0, shift + 1), H_CLOSED);
    CHECK_EQ(H(cpu, H_RESIZE_HPT_PREPARE, 0, shift + 2), H_RESOURCE);
    CHECK_EQ(H(cpu, H_RESIZE_HPT_PREPARE, 0, 17), H_PARAMETER);
    CHECK_EQ(H(cpu, H_RESIZE_HPT_PREPARE, 1, shift), H_PARAMETER);
    for (unsigned to = shift + 1; to >= HPT_SHIFT_MIN + 1; to--) {
        CHECK_EQ(H(cpu, H_RESIZE_HPT_PREPARE, 0, to), H_SUCCESS);
        CHECK_EQ(H(cpu, H_RESIZE_HPT_PREPARE, 0, to), H_SUCCESS);
        CHECK_EQ(H(cpu, H_RESIZE_HPT_COMMIT, 0, to), H_SUCCESS);
        CHECK_EQ(lp->hpt->table.shift, to);
        for (u64 i = 0; i < PAGES; i++) {
            u64 va = 0x7fff000000ull + i * 0x1000 + (i % 7) * 0x10000000ull;
            u64 at = find(va, make_v(va, 0));
            CHECK(at != ~0ull && *hpt_r(&lp->hpt->table, at) == make_r(i << 12));
        }
    }
    CHECK_EQ(H(cpu, H_CLEAR_HPT), H_SUCCESS);
    CHECK_EQ(H(cpu, H_RESIZE_HPT_PREPARE, 0, 0), H_SUCCESS);
    partition_fini(lp);
}

// Two threads enter and remove in the same few groups; each keeps to its own virtual pages, and every entry that one of them gets back
// must be one that it made.
struct worker {
    struct cpu *cpu;
    u64 mark;
    unsigned errors, full;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    u64 slots[16], len = 0, seed = w->mark;
    for (unsigned i = 0; i < 100000; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        u64 v = make_v(w->mark << 28 | (seed >> 60) << 23, 0);
        if (len < 16 && (seed >> 40) & 1) {
            long rc = H(w->cpu, H_ENTER, 0, (seed >> 50) & 0x18, v, make_r(w->mark << 12));
            if (rc == H_SUCCESS)
                slots[len++] = w->cpu->gpr[4];
            else if (rc == H_PTEG_FULL)
                w->full++;
            else
                w->errors++;
        } else if (len) {
            u64 slot = slots[--len];
            // Part of the time with everybody's invalidation.
            if ((seed >> 41) % 8 == 0)
                w->errors += H(w->cpu, H_PROTECT, 3, slot) != H_SUCCESS;
            w->errors += H(w->cpu, H_REMOVE, 0, slot) != H_SUCCESS;
            w->errors += (w->cpu->gpr[4] >> 12 & 0xff00) != (make_v(w->mark << 28, 0) >> 12 & 0xff00);
            w->errors += (w->cpu->gpr[5] & HPTE_R_RPN) != w->mark << 12;
        }
    }
    return NULL;
}

static void test_concurrent(void)
{
    begin();
    struct worker workers[2] = {{lp->group.cpus[0], 0x11, 0, 0}, {lp->group.cpus[1], 0x22, 0, 0}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, work, &workers[i]);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(workers[i].errors, 0);
    }
    partition_fini(lp);
}

int main(void)
{
    TEST(test_sizes);
    TEST(test_enter_remove);
    TEST(test_enter_refuses);
    TEST(test_protect_and_bits);
    TEST(test_bulk);
    TEST(test_resize);
    TEST(test_concurrent);
    return test_done();
}
