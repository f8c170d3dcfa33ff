// SPDX-License-Identifier: Apache-2.0
#include "papr/tce.h"

#include <errno.h>

#include "papr/test_partition.h"

#define LIOBN 0x71000002u

static void test_windows(void)
{
    struct partition *lp = test_partition(1, 1, LEVEL_V30);
    struct cpu *cpu = lp->group.cpus[0];
    CHECK_EQ(tce_window_add(lp, LIOBN, 16 * 4096, 12), 0);
    CHECK_EQ(-tce_window_add(lp, LIOBN, 16 * 4096, 12), EEXIST);
    CHECK_EQ(-tce_window_add(lp, LIOBN + 1, 0, 12), EINVAL);

    CHECK_EQ(H(cpu, H_PUT_TCE, LIOBN, 0x2000, 0x5000 | TCE_READ), H_SUCCESS);
    CHECK_EQ(H(cpu, H_PUT_TCE, LIOBN, 0x3000, 0x9000 | TCE_READ | TCE_WRITE), H_SUCCESS);
    CHECK_EQ(H(cpu, H_GET_TCE, LIOBN, 0x2fff), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], 0x5000 | TCE_READ);
    CHECK_EQ(H(cpu, H_PUT_TCE, LIOBN, 0x10000, 0x5001), H_PARAMETER);
    CHECK_EQ(H(cpu, H_PUT_TCE, LIOBN, 0x1000, TEST_MEMORY | TCE_READ), H_PARAMETER);
    CHECK_EQ(H(cpu, H_PUT_TCE, LIOBN, 0x1000, ~0ull & ~3ull), H_SUCCESS); // permits nothing
    CHECK_EQ(H(cpu, H_PUT_TCE, LIOBN + 1, 0x1000, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_PUT_TCE, (1ull << 32) | LIOBN, 0x1000, 0), H_PARAMETER);

    char text[16];
    memcpy(lp->mem.base + 0x5ffc, "abcd", 4);
    memcpy(lp->mem.base + 0x9000, "efgh", 4);
    CHECK(tce_read(lp, LIOBN, 0x2ffc, text, 8)); // across pages that are not neighbours
    CHECK(!memcmp(text, "abcdefgh", 8));
    CHECK(!tce_read(lp, LIOBN, 0x3ffc, text, 8));
    CHECK(!tce_write(lp, LIOBN, 0x2000, "x", 1));
    CHECK(tce_write(lp, LIOBN, 0x3001, "x", 1));
    CHECK_EQ(lp->mem.base[0x9001], 'x');
    CHECK(!tce_read(lp, LIOBN, ~0ull - 3, text, 8));

    CHECK_EQ(H(cpu, H_STUFF_TCE, LIOBN, 0x8000, 0x7000 | TCE_WRITE, 8), H_SUCCESS);
    CHECK_EQ(H(cpu, H_STUFF_TCE, LIOBN, 0x8000, 0, 9), H_PARAMETER);
    CHECK_EQ(H(cpu, H_STUFF_TCE, LIOBN, 0, 0, 513), H_PARAMETER);
    CHECK_EQ(H(cpu, H_STUFF_TCE, LIOBN, ~0ull, 0, 1), H_PARAMETER);
    for (u64 i = 0; i < 4; i++)
        store_be64(lp->mem.base + 0x20000 + i * 8, i << 12 | TCE_READ);
    CHECK_EQ(H(cpu, H_PUT_TCE_INDIRECT, LIOBN, 0, 0x20000, 4), H_SUCCESS);
    H(cpu, H_GET_TCE, LIOBN, 0x3000);
    CHECK_EQ(cpu->gpr[4], 0x3000 | TCE_READ);
    store_be64(lp->mem.base + 0x20008, TEST_MEMORY | TCE_READ);
    CHECK_EQ(H(cpu, H_PUT_TCE_INDIRECT, LIOBN, 0x4000, 0x20000, 4), H_PARAMETER);
    H(cpu, H_GET_TCE, LIOBN, 0x4000);
    CHECK_EQ(cpu->gpr[4], 0); // all or nothing
    CHECK_EQ(H(cpu, H_PUT_TCE_INDIRECT, LIOBN, 0x4000, 0x20008, 4), H_PARAMETER);
    CHECK_EQ(H(cpu, H_PUT_TCE_INDIRECT, LIOBN, 0x4000, TEST_MEMORY, 4), H_PARAMETER);
    tce_reset(lp);
    H(cpu, H_GET_TCE, LIOBN, 0x3000);
    CHECK_EQ(cpu->gpr[4], 0);
    partition_fini(lp);
}

int main(void)
{
    TEST(test_windows);
    return test_done();
}
