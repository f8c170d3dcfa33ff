// SPDX-License-Identifier: Apache-2.0
#include "papr/disk_label.h"

#include "base/test.h"
#include "base/test_random.h"
#include "papr/test_label.h"

#define BLOCKS 1000u

static u8 data[BLOCKS * 512];
static struct disk_partition parts[DISK_PARTITIONS_MAX];

static bool read_data(void *arg, u64 offset, void *to, u32 size)
{
    CHECK(offset + size <= sizeof(data));
    memcpy(to, data + offset, size);
    return true;
}

static const struct disk_source source = {512, sizeof(data), read_data, NULL};

static void test_mbr(void)
{
    memset(data, 0, sizeof(data));
    CHECK_EQ(disk_label_read(&source, parts), 0);
    test_mbr_entry(data, 0, TEST_MBR_PREP, 1, 20);
    test_mbr_entry(data, 1, TEST_MBR_LINUX, 21, 100);
    test_mbr_entry(data, 2, TEST_MBR_PREP, 990, 11); // beyond the end
    test_mbr_entry(data, 3, 0x05, 200, 300);
    test_mbr_entry(data + 200 * 512, 0, TEST_MBR_LINUX, 1, 9);
    test_mbr_entry(data + 200 * 512, 1, 0x05, 50, 10);
    test_mbr_entry(data + 250 * 512, 0, TEST_MBR_PREP, 2, 8);
    CHECK_EQ(disk_label_read(&source, parts), 4);
    CHECK_EQ(parts[0].number, 1);
    CHECK(parts[0].prep && parts[0].start == 512 && parts[0].size == 20 * 512);
    CHECK(!parts[1].prep && parts[1].number == 2);
    CHECK(parts[2].number == 5 && parts[2].start == 201 * 512);
    CHECK(parts[3].number == 6 && parts[3].prep && parts[3].start == 252 * 512 && parts[3].size == 8 * 512);

    test_mbr_entry(data + 250 * 512, 1, 0x05, 50, 10); // the chain ends in itself
    u32 len = disk_label_read(&source, parts);
    CHECK(len > 4 && len < DISK_PARTITIONS_MAX);
}

static void make_gpt(void)
{
    memset(data, 0, sizeof(data));
    test_mbr_entry(data, 0, 0xee, 1, BLOCKS - 1);
    u8 *entries = data + 2 * 512;
    static const u8 other[16] = {1, 2, 3};
    test_gpt_entry(entries, 0, other, 100, 199);
    test_gpt_entry(entries, 1, test_prep_guid, 40, 99);
    test_gpt_entry(entries, 2, test_prep_guid, 500, BLOCKS); // beyond the end
    test_gpt_entry(entries, 3, test_prep_guid, 99, 40);
    memcpy(data + (BLOCKS - 33) * 512, entries, 16384);
    test_gpt_header(data + 512, entries, 2, 128);
    test_gpt_header(data + (BLOCKS - 1) * 512, entries, BLOCKS - 33, 128);
}

static void check_gpt(void)
{
    CHECK_EQ(disk_label_read(&source, parts), 2);
    CHECK(parts[0].number == 1 && !parts[0].prep && parts[0].size == 100 * 512);
    CHECK(parts[1].number == 2 && parts[1].prep && parts[1].start == 40 * 512 && parts[1].size == 60 * 512);
}

static void test_gpt(void)
{
    make_gpt();
    check_gpt();
    data[512 + 60]++; // the first header is damaged: the second one counts
    check_gpt();
    make_gpt();
    data[2 * 512 + 5]++; // the entries of the first one are
    check_gpt();
    data[(BLOCKS - 33) * 512 + 5]++;
    CHECK_EQ(disk_label_read(&source, parts), 0);
}

static void test_wild(void)
{
    for (unsigned i = 0; i < 500; i++) {
        make_gpt();
        if (i & 1)
            test_mbr_entry(data, i / 2 % 4, 0x0f, below(BLOCKS), BLOCKS);
        for (unsigned k = 0; k < 4; k++)
            data[below(1536)] = (u8)random64();
        u32 len = disk_label_read(&source, parts);
        CHECK(len <= DISK_PARTITIONS_MAX);
        for (u32 p = 0; p < len; p++)
            CHECK(parts[p].size && parts[p].start + parts[p].size <= sizeof(data));
    }
}

int main(void)
{
    TEST(test_mbr);
    TEST(test_gpt);
    TEST(test_wild);
    return test_done();
}
