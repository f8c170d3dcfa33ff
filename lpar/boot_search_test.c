// SPDX-License-Identifier: Apache-2.0
// Which disk is booted, from what, and what is said when there is nothing.
#include "lpar/boot_search.h"

#include <libfdt.h>

#include "papr/nvram.h"
#include "papr/test_disk.h"
#include "papr/test_label.h"
#include "papr/test_partition.h"
#include "papr/test_program.h"

#define LIMIT (64 * MIB)

static struct partition *lp;
static u8 data[3][400 * 512];
static struct test_disk disks[3];
static char why[1024];

static void add_disk(unsigned i, u32 block_size, bool cdrom)
{
    disks[i] = (struct test_disk){.data = data[i], .size = sizeof(data[i])};
    CHECK_EQ(test_disk_add(lp, &disks[i], 0x8100000000000000 + ((u64)i << 56), block_size, cdrom), 0);
}

static void power_on(void)
{
    if (lp)
        partition_fini(lp);
    memset(data, 0, sizeof(data));
    lp = test_partition(1, 1, LEVEL_V30);
    test_disk_adapter(lp);
}

// The first word of the program that was loaded, or 0.
static u32 boot(void)
{
    struct image image;
    why[0] = '\0';
    if (boot_search_load(lp, 0, LIMIT, NULL, &image, why, sizeof(why)))
        return 0;
    CHECK_EQ(image.entry, TEST_PROGRAM_ENTRY);
    CHECK(image.narrow && !image.little_endian);
    const be32 *word = guest_mem_at(&lp->mem, TEST_PROGRAM_ENTRY, 4);
    return be32_get(*word);
}

static const char *boot_path(void)
{
    return fdt_getprop(of_tree(lp), fdt_path_offset(of_tree(lp), "/chosen"), "bootpath", NULL);
}

static void set_boot_device(const char *list)
{
    char text[256];
    int len = snprintf(text, sizeof(text), "other=1%cboot-device=%s%c", 0, list, 0);
    CHECK(nvram_write(lp, 16, text, (u32)len + 1));
}

static void test_order(void)
{
    power_on();
    for (unsigned i = 0; i < 3; i++) {
        add_disk(i, 512, false);
        test_mbr_entry(data[i], 1, TEST_MBR_PREP, 10, 100);
        test_program(data[i] + 10 * 512, 0x11111111 * (i + 1));
    }
    CHECK_EQ(boot(), 0x11111111);
    CHECK_STR(boot_path(), "/vdevice/v-scsi@30000002/disk@8100000000000000");
    set_boot_device("/vdevice/v-scsi@30000002/disk@8300000000000000");
    CHECK_EQ(boot(), 0x33333333);
    CHECK_STR(boot_path(), "/vdevice/v-scsi@30000002/disk@8300000000000000");
    // what is not there, or has no program any more, is passed over
    set_boot_device("/vdevice/v-scsi@30000009/disk@1 /vdevice/v-scsi@30000002/disk@8200000000000000:1,\\x");
    CHECK_EQ(boot(), 0x22222222);
    memset(data[1], 0, 512);
    CHECK_EQ(boot(), 0x11111111);
}

static void test_nothing(void)
{
    power_on();
    CHECK_EQ(boot(), 0);
    CHECK(strstr(why, "no disk") && strstr(why, "--disk"));
    for (unsigned i = 0; i < 3; i++)
        add_disk(i, i == 2 ? 2048 : 512, i == 2);
    test_mbr_entry(data[1], 0, TEST_MBR_PREP, 10, 100);
    CHECK_EQ(boot(), 0);
    CHECK(strstr(why, "disk@8100000000000000: it has no partition table"));
    CHECK(strstr(why, "disk@8200000000000000:1: it is no kernel"));
    CHECK(strstr(why, "disk@8300000000000000: it has no \\ppc\\bootinfo.txt"));
    test_mbr_entry(data[1], 0, TEST_MBR_LINUX, 10, 100);
    disks[0].bad = 1;
    test_mbr_entry(data[0], 0, TEST_MBR_PREP, 1, 100);
    CHECK_EQ(boot(), 0);
    CHECK(strstr(why, "disk@8200000000000000: it has no PReP partition"));
    CHECK(strstr(why, "disk@8100000000000000:1: it cannot be read"));
}

static void test_cd(void)
{
    static u8 program[0x1800];
    power_on();
    u32 size = test_program(program, 0x44444444);
    test_iso(data[0], "<chrp-boot><boot-script>boot &device;:\\boot\\grub\\powerpc.elf</boot-script></chrp-boot>",
             program, size);
    add_disk(0, 2048, true);
    CHECK_EQ(boot(), 0x44444444);
    test_iso(data[0], "<chrp-boot><boot-script>boot &device;:\\boot\\grub\\powerpc.abc</boot-script></chrp-boot>",
             program, size);
    CHECK_EQ(boot(), 0);
    CHECK(strstr(why, "names no program"));
}

static void test_large_program(void)
{
    power_on();
    add_disk(0, 512, false);
    test_mbr_entry(data[0], 0, TEST_MBR_PREP, 1, 399);
    test_program(data[0] + 512, 7);
    store_be32(data[0] + 512 + 52 + 16, 300 * 512); // what is read behind the first part counts
    store_be32(data[0] + 512 + 52 + 20, 300 * 512);
    store_be32(data[0] + 512 + 0x1000 + 299 * 512, 0x12345678);
    CHECK_EQ(boot(), 7);
    const be32 *word = guest_mem_at(&lp->mem, TEST_PROGRAM_ENTRY + 299 * 512, 4);
    CHECK_EQ(be32_get(*word), 0x12345678);
    store_be32(data[0] + 512 + 52 + 16, 400 * 512); // more than the partition has
    store_be32(data[0] + 512 + 52 + 20, 400 * 512);
    CHECK_EQ(boot(), 0);
}

int main(void)
{
    TEST(test_order);
    TEST(test_nothing);
    TEST(test_cd);
    TEST(test_large_program);
    partition_fini(lp);
    return test_done();
}
