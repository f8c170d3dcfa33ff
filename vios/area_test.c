// SPDX-License-Identifier: Apache-2.0
#include "vios/area.h"

#include "base/test.h"

#define SIZE (64 * AREA_PAGE)

static void test_fits(void)
{
    struct area area;
    CHECK_EQ(area_init(&area, SIZE), 0);
    CHECK_EQ(area_take(&area, SIZE + 1), AREA_NONE);
    CHECK_EQ(area_take(&area, 0), AREA_NONE);
    CHECK_EQ(area_take(&area, SIZE), 0);
    CHECK_EQ(area_take(&area, 1), AREA_NONE);
    area_give(&area, 0, SIZE);
    CHECK_EQ(area_take(&area, AREA_PAGE + 1), 0);
    CHECK_EQ(area_take(&area, 1), 2 * AREA_PAGE);
    area_give(&area, 0, AREA_PAGE + 1);
    CHECK_EQ(area_take(&area, 61 * AREA_PAGE), 3 * AREA_PAGE);
    CHECK_EQ(area_take(&area, 2 * AREA_PAGE), 0); // around the end
    CHECK_EQ(area_take(&area, 1), AREA_NONE);
    area_fini(&area);
}

// Pieces never overlap.
static void test_random(void)
{
    struct area area;
    u64 offsets[16] = {0}, sizes[16] = {0}, state = 1;
    u8 owner[64] = {0};
    CHECK_EQ(area_init(&area, SIZE), 0);
    for (unsigned n = 0; n < 100000; n++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        unsigned i = (unsigned)(state >> 60);
        u64 size = 1 + (state >> 32) % (12 * AREA_PAGE);
        if (sizes[i]) {
            for (u64 p = offsets[i] / AREA_PAGE; p <= (offsets[i] + sizes[i] - 1) / AREA_PAGE; p++)
                owner[p] = 0;
            area_give(&area, offsets[i], sizes[i]);
            sizes[i] = 0;
        } else if ((offsets[i] = area_take(&area, size)) != AREA_NONE) {
            sizes[i] = size;
            for (u64 p = offsets[i] / AREA_PAGE; p <= (offsets[i] + size - 1) / AREA_PAGE; p++) {
                CHECK(p < 64 && !owner[p]);
                owner[p & 63] = 1;
            }
        }
    }
    area_fini(&area);
}

int main(void)
{
    TEST(test_fits);
    TEST(test_random);
    return test_done();
}
