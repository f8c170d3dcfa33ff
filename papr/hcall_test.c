// SPDX-License-Identifier: Apache-2.0
// The table of hypervisor calls, modes, storage calls; and every call with arguments that no OS would pass.
#include "papr/hcall.h"

#include "cpu/except.h"
#include "cpu/spr.h"
#include "papr/sched.h"
#include "papr/tce.h"
#include "papr/test_partition.h"
#include "papr/xive.h"

static struct partition *lp;
static struct cpu *cpu;

static void begin(u8 level)
{
    lp = test_partition(2, 2, level);
    cpu = lp->group.cpus[0];
    cpu_set_msr(cpu, MSR_SF | MSR_ME);
}

static void test_table(void)
{
    begin(LEVEL_V30);
    for (unsigned i = 0; i < hcall_rows_len; i++) {
        CHECK(hcall_rows[i].handler && hcall_rows[i].section[0]);
        CHECK_STR(hcall_name(hcall_rows[i].number), hcall_rows[i].name);
        for (unsigned j = 0; j < i; j++)
            CHECK(hcall_rows[i].number != hcall_rows[j].number);
    }
    static const u64 unknown[] = {0, 1, 3, 5, 0x2, 0x4fc, 0x500, 0xf002, 0xfffc, ~0ull, 0x100000004ull};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        CHECK_EQ(H(cpu, unknown[i], 1, 2, 3), H_FUNCTION);
    CHECK_EQ(cpu->gpr[4], 1);
    CHECK_EQ(cpu->gpr[5], 2);
    cpu->msr |= MSR_PR;
    CHECK_EQ(H(cpu, H_RANDOM), H_PRIVILEGE);
    partition_fini(lp);
}

static u64 lpcr(u32 i)
{
    return lp->group.cpus[i]->lpcr;
}

static void test_set_mode(void)
{
    begin(LEVEL_V30);
    CHECK_EQ(H(cpu, H_SET_MODE, 1, 4, 0, 0), H_SUCCESS);
    CHECK(lpcr(0) & LPCR_ILE && lpcr(3) & LPCR_ILE);
    CHECK_EQ(H(cpu, H_SET_MODE, 3, 3, 0, 0), H_SUCCESS);
    CHECK_EQ(lpcr(3) & LPCR_AIL, LPCR_AIL_3);
    CHECK_EQ(H(cpu, H_SET_MODE, 2, 3, 0, 0), H_SUCCESS);
    CHECK_EQ(lpcr(1) & LPCR_AIL, LPCR_AIL_2);
    CHECK(H(cpu, H_SET_MODE, 1, 3, 0, 0) <= -256);
    CHECK(H(cpu, H_SET_MODE, 4, 3, 0, 0) <= -256);
    CHECK_EQ(H(cpu, H_SET_MODE, 3, 3, 1, 0), H_P3);
    CHECK_EQ(H(cpu, H_SET_MODE, 3, 3, 0, 1), H_P4);
    CHECK_EQ(H(cpu, H_SET_MODE, 0, 4, 0, 0), H_SUCCESS);
    CHECK(!(lpcr(2) & LPCR_ILE));
    CHECK_EQ(H(cpu, H_SET_MODE, 0, 99, 0, 0), H_P2);
    CHECK_EQ(H(cpu, H_SET_MODE, 0, 1, 0x1003, 0), H_P3);
    CHECK_EQ(H(cpu, H_SET_MODE, 0, 1, 0x1001, 0), H_SUCCESS);
    CHECK_EQ(cpu->ciabr, 0x1001);
    CHECK_EQ(H(cpu, H_SET_MODE, 0, 2, 0x2000, 4), H_P4);
    CHECK_EQ(H(cpu, H_SET_MODE, 0, 2, 0x2000, 0x63), H_SUCCESS);
    CHECK_EQ(cpu->dawr0, 0x2000);
    CHECK_EQ(H(cpu, H_SET_XDABR, 0x3003, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_SET_XDABR, 0x3007, 3), H_SUCCESS);
    CHECK_EQ(cpu->dawr0, 0x3000);
    partition_fini(lp);
}

static void test_process_table(void)
{
    begin(LEVEL_V30);
    CHECK_EQ(H(cpu, H_REGISTER_PROC_TBL, 0, 0, 0, 0), H_SUCCESS); // hash, as it is
    CHECK(!lp->group.radix);
    CHECK_EQ(H(cpu, H_REGISTER_PROC_TBL, 0x1d, 0x1000001, 0, 12), H_P2);
    CHECK_EQ(H(cpu, H_REGISTER_PROC_TBL, 0x1d, 0x1000000, 1, 12), H_P3);
    CHECK_EQ(H(cpu, H_REGISTER_PROC_TBL, 0x1d, 0x1000000, 0, 25), H_P4);
    CHECK_EQ(H(cpu, H_REGISTER_PROC_TBL, 0x1d, TEST_MEMORY, 0, 4), H_P2);
    CHECK_EQ(H(cpu, H_REGISTER_PROC_TBL, 0x3d, 0x1000000, 0, 4), H_PARAMETER);
    CHECK_EQ(H(cpu, H_RPT_INVALIDATE, 1, 1, 2, ~0ull, 0, ~0ull), H_FUNCTION);
    CHECK_EQ(H(cpu, H_REGISTER_PROC_TBL, 0x1d, 0x1000000, 0, 4), H_SUCCESS);
    CHECK(lp->group.radix && lp->group.gtse);
    CHECK_EQ(lp->group.prtb, 0x1000004);
    CHECK_EQ(lpcr(3) & (LPCR_HR | LPCR_UPRT | LPCR_GTSE), LPCR_HR | LPCR_UPRT | LPCR_GTSE);
    CHECK_EQ(H(cpu, H_RPT_INVALIDATE, 1, 1, 2, ~0ull, 0, ~0ull), H_SUCCESS);
    CHECK_EQ(H(cpu, H_RPT_INVALIDATE, 1, 1, 2, 3, 0x10000, 0x30000), H_SUCCESS);
    CHECK_EQ(H(cpu, H_RPT_INVALIDATE, 1, 1, 6, 1, ~0xfffull, ~0ull), H_SUCCESS);
    CHECK_EQ(H(cpu, H_RPT_INVALIDATE, 1, 8, 2, 3, 0, 1), H_P2);
    CHECK_EQ(H(cpu, H_RPT_INVALIDATE, 1, 1, 1, 3, 0, 1), H_P3);
    CHECK_EQ(H(cpu, H_RPT_INVALIDATE, 1, 1, 2, 3, 2, 1), H_P5);
    CHECK_EQ(H(cpu, H_REGISTER_PROC_TBL, 0x18, 0, 0, 0), H_SUCCESS);
    CHECK(!lp->group.radix && !lp->group.prtb);
    partition_fini(lp);
    begin(LEVEL_V207);
    CHECK_EQ(H(cpu, H_REGISTER_PROC_TBL, 0x1c, 0, 0, 0), H_FUNCTION);
    partition_fini(lp);
}

static u32 set_units, set_weight;

static bool test_ppp(void *arg, struct hv_ppp *ppp)
{
    *ppp = (struct hv_ppp){.units = 60,
                           .units_max = 80,
                           .weight = 64,
                           .weight_max = 100,
                           .capped = true,
                           .pool = 3,
                           .pool_units = 150,
                           .pool_processors = 2,
                           .processors = 4,
                           .pool_idle_ns = 1000};
    return true;
}

static bool test_set_ppp(void *arg, u32 units, u32 weight)
{
    set_units = units;
    set_weight = weight;
    return true;
}

static void test_storage(void)
{
    begin(LEVEL_V30);
    CHECK_EQ(H(cpu, H_LOGICAL_CI_STORE, 4, 0x1000, 0x11223344), H_SUCCESS);
    CHECK_EQ(lp->mem.base[0x1000], 0x11);
    CHECK_EQ(H(cpu, H_LOGICAL_CACHE_LOAD, 2, 0x1002), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], 0x3344);
    CHECK_EQ(H(cpu, H_LOGICAL_CI_LOAD, 8, 0x1004), H_PARAMETER);
    CHECK_EQ(H(cpu, H_LOGICAL_CI_LOAD, 3, 0x1000), H_PARAMETER);
    CHECK_EQ(H(cpu, H_LOGICAL_CI_LOAD, 8, TEST_MEMORY), H_PARAMETER);
    CHECK_EQ(H(cpu, H_LOGICAL_ICBI, TEST_MEMORY), H_PARAMETER);
    CHECK_EQ(H(cpu, H_PAGE_INIT, PPC_BIT(49), 0x3000, 0x1000), H_SUCCESS);
    CHECK_EQ(lp->mem.base[0x3003], 0x44);
    CHECK_EQ(H(cpu, H_PAGE_INIT, PPC_BIT(48), 0x3000, 0), H_SUCCESS);
    CHECK_EQ(lp->mem.base[0x3003], 0);
    CHECK_EQ(H(cpu, H_PAGE_INIT, PPC_BIT(48), 0x3001, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_PAGE_INIT, PPC_BIT(49), 0x3000, ~0ull), H_PARAMETER);
    CHECK_EQ(H(cpu, H_RANDOM), H_SUCCESS);
    CHECK_EQ(H(cpu, H_GET_PPP), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], 200);
    CHECK_EQ(cpu->gpr[6] >> 16 & 0xffff, 7);
    CHECK_EQ(H(cpu, H_PIC), H_AUTHORITY);
    CHECK_EQ(H(cpu, H_SET_PPP, 200, 128), H_SUCCESS);
    CHECK_EQ(H(cpu, H_SET_PPP, 100, 128), H_CONSTRAINED); // nobody is there to take it
    struct hv_ops ops = *lp->hv;
    ops.ppp = test_ppp;
    ops.set_ppp = test_set_ppp;
    lp->hv = &ops;
    CHECK_EQ(H(cpu, H_GET_PPP), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], 60);
    CHECK_EQ(cpu->gpr[5], 20);
    CHECK_EQ(cpu->gpr[6], 7 << 16 | 3);
    CHECK_EQ(cpu->gpr[7], 1ull << 48 | 64ull << 40 | 36ull << 32 | 2 << 16 | 4);
    CHECK_EQ(cpu->gpr[8], 2ull << 48 | 200ull << 24 | 150);
    CHECK_EQ(H(cpu, H_PIC), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], 512);
    CHECK_EQ(cpu->gpr[5], 2);
    CHECK_EQ(H(cpu, H_SET_PPP, 201, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_SET_PPP, 70, 256), H_PARAMETER);
    CHECK_EQ(H(cpu, H_SET_PPP, 9, 100), H_CONSTRAINED); // two virtual processors need more
    CHECK_EQ(set_units, 0);
    CHECK_EQ(H(cpu, H_SET_PPP, 70, 90), H_SUCCESS);
    CHECK_EQ(set_units << 8 | set_weight, 70 << 8 | 90);
    CHECK_EQ(H(cpu, H_SET_PPP, 90, 128), H_CONSTRAINED); // as much as there is
    CHECK_EQ(set_units << 8 | set_weight, 80 << 8 | 100);
    CHECK_EQ(H(cpu, H_PERFMON, PPC_BIT(0), 0), H_SUCCESS); // as Linux enables the counters
    CHECK_EQ(cpu->gpr[4], PPC_BIT(0));
    CHECK_EQ(H(cpu, H_PERFMON, 1, 0), H_PARAMETER);
    partition_fini(lp);
}

// Values with which guests have hurt hypervisors.
static u64 nasty(u64 *seed)
{
    *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
    u64 r = *seed >> 17 ^ *seed << 23;
    // clang-format off
    static const u64 values[] = {
        0, 1, 2, 3, 7, 8, 0xff, 0x100, 0xfff, 0x1000, 0x10000, 0x30000000, 0x7fffffff, 0x80000000,
        TEST_MEMORY - 1, TEST_MEMORY, TEST_MEMORY - 8, TEST_MEMORY - 0x1000,
        0x7fffffffffffffff, 0x8000000000000000, ~0ull, ~0ull - 7, 0xffffffff00000000,
        0xc000000000000000, 0x6030203180000, 0x60302031a0810, 0x6010000000000,
    };
    // clang-format on
    switch (*seed >> 60) {
    case 0 ... 4: return values[r % ARRAY_LEN(values)];
    case 5 ... 7: return r % TEST_MEMORY;
    case 8: return (r % TEST_MEMORY) & ~0xfffull;
    case 9: return r & 0xff;
    case 10: return 1ull << (r & 63);
    case 11: return values[r % ARRAY_LEN(values)] + (r >> 60);
    case 12: return r & 0x1fff;
    default: return r;
    }
}

static void hostile(u8 level, bool xive, unsigned rounds)
{
    begin(level);
    CHECK_EQ(tce_window_add(lp, 0x71000002, 1 * MIB, 12), 0);
    lp->xive_mode = xive;
    u64 seed = 0x1234567 + level + xive;
    for (unsigned i = 0; i < rounds; i++) {
        const struct hcall_row *row = &hcall_rows[i % hcall_rows_len];
        cpu = lp->group.cpus[(i / 1024) % 2]; // two threads of one processor
        struct papr_cpu *pc = cpu_papr(cpu);
        cpu->gpr[3] = row->number;
        for (unsigned r = 4; r < 13; r++)
            cpu->gpr[r] = nasty(&seed);
        if ((seed & 3) == 0 && !strcmp(row->function_set, seed & 4 ? "hcall-tce" : "hcall-multi-tce"))
            cpu->gpr[4] = 0x71000002;
        u64 kept = cpu->gpr[3 + 9];
        // Nobody else is there to wake it.
        atomic_store(&pc->prodded, 1);
        atomic_store(&pc->state, THREAD_RUNNING);
        cpu->dec_expires = 1;
        cpu_set_msr(cpu, MSR_SF | MSR_ME | (i & 1 ? MSR_EE : 0));
        cpu_enter(cpu);
        hcall_dispatch(cpu);
        cpu_leave(cpu);
        long rc = (long)cpu->gpr[3];
        CHECK(rc == H_SUCCESS || rc == H_PENDING || rc == H_CONTINUE || rc == H_PARTIAL || rc == H_CONSTRAINED ||
              rc == H_BUSY || rc == H_CLOSED || (rc < 0 && rc >= -511));
        if (row->results < 9)
            CHECK(cpu->gpr[3 + 9] == kept);
        // Its registers, too.
        u64 gra = nasty(&seed), value;
        bool ok =
            xive_mmio_read(cpu, gra, 1u << (seed & 3), &value) && xive_mmio_write(cpu, gra, 1u << (seed & 3), seed);
        CHECK(!ok || xive);
    }
    partition_fini(lp);
}

static void test_hostile_xive(void)
{
    hostile(LEVEL_V30, true, 200000);
}

static void test_hostile_xics(void)
{
    hostile(LEVEL_V207, false, 200000);
}

// RTAS and the client interface take guest pointers as well.
static void test_hostile_firmware(void)
{
    begin(LEVEL_V30);
    u64 seed = 99;
    for (unsigned i = 0; i < 20000; i++) {
        u64 addr = nasty(&seed);
        if (guest_mem_contains(&lp->mem, addr, 256)) {
            for (unsigned j = 0; j < 16; j++)
                store_be32(lp->mem.base + addr + 4 * j, (u32)nasty(&seed) & (j ? ~0u : 0x3fff));
        }
        atomic_store(&cpu_papr(cpu)->state, THREAD_RUNNING);
        H(cpu, i & 1 ? HCALL_RTAS : HCALL_CLIENT, addr);
    }
    partition_fini(lp);
}

int main(void)
{
    TEST(test_table);
    TEST(test_set_mode);
    TEST(test_process_table);
    TEST(test_storage);
    TEST(test_hostile_xive);
    TEST(test_hostile_xics);
    TEST(test_hostile_firmware);
    return test_done();
}
