// SPDX-License-Identifier: Apache-2.0
// Disks through the client interface, as a boot program uses them.
#include "papr/of_disk.h"

#include <libfdt.h>

#include "papr/test_disk.h"
#include "papr/test_label.h"
#include "papr/test_partition.h"

#define ARGS      0x10000u
#define STRINGS   0x11000u
#define BUFFER    0x200000u

#define DISK_PATH "/vdevice/v-scsi@30000002/disk@8100000000000000"
#define CD_PATH   "/vdevice/v-scsi@30000002/disk@8200000000000000"

static struct partition *lp;
static u8 disk_data[300 * 512], cd_data[40 * 2048];
static struct test_disk disk = {.data = disk_data, .size = sizeof(disk_data)},
                        cd = {.data = cd_data, .size = sizeof(cd_data)};
static u32 strings_used, rets[4];

static u32 text(const char *s)
{
    u32 at = STRINGS + 0x200 * (strings_used++ % 8);
    guest_mem_write(&lp->mem, at, s, strlen(s) + 1);
    return at;
}

static u32 call(const char *service, const u32 *args, u32 nargs, u32 nrets)
{
    be32 array[16] = {be32_of(text(service)), be32_of(nargs), be32_of(nrets)};
    for (u32 i = 0; i < nargs; i++)
        array[3 + i] = be32_of(args[i]);
    guest_mem_write(&lp->mem, ARGS, array, sizeof(array));
    CHECK_EQ(of_client_call(lp->group.cpus[0], ARGS), 0);
    guest_mem_read(&lp->mem, ARGS, array, sizeof(array));
    for (u32 i = 0; i < nrets; i++)
        rets[i] = be32_get(array[3 + nargs + i]);
    return rets[0];
}

#define CALL(service, nrets, ...) \
    call(service, (const u32[]){__VA_ARGS__}, sizeof((const u32[]){__VA_ARGS__}) / sizeof(u32), nrets)

static void test_paths(void)
{
    char path[128];
    u32 node = CALL("finddevice", 1, text(DISK_PATH));
    CHECK(node != ~0u);
    CHECK_EQ(CALL("finddevice", 1, text(DISK_PATH ":1,\\boot\\grub")), node);
    CHECK_EQ(CALL("finddevice", 1, text("/vdevice/v-scsi@30000002/disk@8300000000000000")), ~0u);
    CHECK_EQ(CALL("finddevice", 1, text("/vdevice/vty@30000000/disk@8100000000000000")), ~0u);
    CHECK_EQ(CALL("finddevice", 1, text("/vdevice/v-scsi@30000002/disk@")), ~0u);
    CHECK_EQ(CALL("getprop", 1, node, text("device_type"), BUFFER, 16), 6);
    guest_mem_read(&lp->mem, BUFFER, path, 6);
    CHECK_STR(path, "block");

    CHECK_EQ(of_set_boot_disk(lp, of_disk_get(lp, 0)), 0);
    u32 handle = CALL("open", 1, text("disk:0"));
    CHECK(handle != 0);
    CHECK_EQ(CALL("instance-to-package", 1, handle), node);
    CHECK_EQ(CALL("instance-to-path", 1, handle, BUFFER, 128), strlen(DISK_PATH));
    guest_mem_read(&lp->mem, BUFFER, path, sizeof(path));
    CHECK_STR(path, DISK_PATH);
    CHECK_EQ(CALL("canon", 1, text("cdrom"), BUFFER, 128), strlen(CD_PATH));
    CALL("close", 0, handle);
    CHECK_EQ(CALL("seek", 1, handle, 0, 0), ~0u);
    CHECK_EQ(CALL("open", 1, text("/vdevice/v-scsi@30000002/disk")), 0); // which one?
    CHECK_EQ(CALL("open", 1, text(DISK_PATH ":7")), 0);
    CHECK_EQ(CALL("getprop", 1, CALL("finddevice", 1, text("/chosen")), text("bootpath"), BUFFER, 128),
             sizeof(DISK_PATH));
}

static bool same(u64 gra, const u8 *data, u64 size)
{
    return memcmp(guest_mem_at(&lp->mem, gra, size), data, size) == 0;
}

static void test_read_write(void)
{
    u32 handle = CALL("open", 1, text(DISK_PATH));
    CHECK_EQ(CALL("seek", 1, handle, 0, 0), 0);
    CHECK_EQ(CALL("read", 1, handle, BUFFER, 200 * 512), 200 * 512);
    CHECK(same(BUFFER, disk_data, 200 * 512));
    CHECK_EQ(CALL("read", 1, handle, BUFFER, 200 * 512), 100 * 512); // what is left
    CHECK(same(BUFFER, disk_data + 200 * 512, 100 * 512));
    CHECK_EQ(CALL("read", 1, handle, BUFFER, 512), 0);
    // neither whole blocks nor at their start
    CHECK_EQ(CALL("seek", 1, handle, 0, 700), 0);
    CHECK_EQ(CALL("read", 1, handle, BUFFER + 3, 2000), 2000);
    CHECK(same(BUFFER + 3, disk_data + 700, 2000));

    u8 before[512];
    memcpy(before, disk_data + 1024, sizeof(before));
    guest_mem_write(&lp->mem, BUFFER, "written", 7);
    CHECK_EQ(CALL("seek", 1, handle, 0, 1030), 0);
    CHECK_EQ(CALL("write", 1, handle, BUFFER, 7), 7);
    CHECK(memcmp(disk_data + 1030, "written", 7) == 0 && memcmp(disk_data + 1024, before, 6) == 0 &&
          memcmp(disk_data + 1037, before + 13, 512 - 13) == 0);

    CHECK_EQ(CALL("seek", 1, handle, 0, sizeof(disk_data) + 1), ~0u);
    CHECK_EQ(CALL("seek", 1, handle, 1, 0), ~0u);
    CHECK_EQ(CALL("seek", 1, handle, 0, 0), 0);
    CHECK_EQ(CALL("read", 1, handle, (u32)TEST_MEMORY - 512, 1024), ~0u);
    disk.bad = 30;
    CHECK_EQ(CALL("read", 1, handle, BUFFER, 100 * 512), ~0u);
    disk.bad = 0;
    CALL("close", 0, handle);
}

static void test_partition_of_disk(void)
{
    u32 handle = CALL("open", 1, text(DISK_PATH ":2,\\file"));
    CHECK_EQ(CALL("read", 1, handle, BUFFER, 100 * 512), 50 * 512);
    CHECK(same(BUFFER, disk_data + 100 * 512, 50 * 512));
    CALL("close", 0, handle);
}

static void test_methods(void)
{
    u32 handle = CALL("open", 1, text(CD_PATH));
    CHECK_EQ(CALL("call-method", 2, text("block-size"), handle), 0);
    CHECK_EQ(rets[1], 2048);
    CHECK_EQ(CALL("call-method", 2, text("#blocks"), handle), 0);
    CHECK_EQ(rets[1], 40);
    CHECK_EQ(CALL("call-method", 3, text("#blocks64"), handle), 0);
    CHECK_EQ(rets[2], 40);
    CHECK_EQ(CALL("call-method", 2, text("vscsi-report-luns"), handle), ~0u); // of the adapter
    CALL("close", 0, handle);

    handle = CALL("open", 1, text("/vdevice/v-scsi@30000002"));
    CHECK_EQ(CALL("call-method", 3, text("vscsi-report-luns"), handle), 0);
    CHECK_EQ(rets[1], 1);
    const be32 *entry = guest_mem_at(&lp->mem, rets[2], 8);
    const be64 *units = guest_mem_at(&lp->mem, be32_get(entry[1]), 24);
    CHECK_EQ(be64_get(units[0]), 0x8100000000000000);
    CHECK_EQ(be64_get(units[1]), 0x8200000000000000);
    CHECK_EQ(be64_get(units[2]), 0);
    CALL("close", 0, handle);
    u32 console = CALL("open", 1, text("/vdevice/vty@30000000"));
    CHECK_EQ(CALL("call-method", 2, text("block-size"), console), ~0u);
}

// What is claimed is not available, and comes back.
static u64 available(void)
{
    int size;
    const be64 *list = fdt_getprop(of_tree(lp), fdt_path_offset(of_tree(lp), "/memory@0"), "available", &size);
    u64 sum = 0, end = 0;
    for (int i = 0; i < size / 16; i++) {
        u64 at = be64_get(list[2 * i]), length = be64_get(list[2 * i + 1]);
        CHECK(at >= end && length);
        CHECK(at >= TEST_DISK_AREA + OF_DISK_AREA || at + length <= TEST_DISK_AREA);
        sum += length;
        end = at + length;
    }
    CHECK_EQ(end, TEST_MEMORY);
    return sum;
}

static void test_available(void)
{
    u64 all = available();
    CHECK_EQ(CALL("claim", 1, 0x1000000, 0x10000, 0), 0x1000000);
    CHECK_EQ(available(), all - 0x10000);
    CALL("release", 0, 0x1000000, 0x10000);
    CHECK_EQ(available(), all);
}

static void test_refused(void)
{
    struct test_disk none = {.data = disk_data, .size = 0};
    CHECK_EQ(test_disk_add(lp, &none, 1, 512, false), -EINVAL);
    none.size = 8192;
    CHECK_EQ(test_disk_add(lp, &none, 1, 256, false), -EINVAL);
    CHECK_EQ(test_disk_add(lp, &none, 1, 8192, false), -EINVAL);
    CHECK_EQ(test_disk_add(lp, &none, 1, 768, false), -EINVAL);
}

static void test_quiesce(void)
{
    u32 handle = CALL("open", 1, text(DISK_PATH));
    call("quiesce", NULL, 0, 0);
    CHECK_EQ(disk.quiesced, 1);
    CHECK_EQ(of_disk_count(lp), 0);
    CHECK_EQ(CALL("seek", 1, handle, 0, 0), ~0u);
    CHECK_EQ(CALL("read", 1, handle, BUFFER, 512), ~0u);
}

int main(void)
{
    for (u32 i = 0; i < sizeof(disk_data); i++)
        disk_data[i] = (u8)(i * 7 + i / 512);
    memset(disk_data, 0, 512);
    test_mbr_entry(disk_data, 0, TEST_MBR_PREP, 1, 10);
    test_mbr_entry(disk_data, 1, TEST_MBR_LINUX, 100, 50);
    lp = test_partition(1, 1, LEVEL_V30);
    test_disk_adapter(lp);
    CHECK_EQ(test_disk_add(lp, &cd, 0x8200000000000000, 2048, true), 0);
    CHECK_EQ(test_disk_add(lp, &disk, 0x8100000000000000, 512, false), 0); // sorted in before
    TEST(test_paths);
    TEST(test_read_write);
    TEST(test_partition_of_disk);
    TEST(test_methods);
    TEST(test_available);
    TEST(test_refused);
    TEST(test_quiesce);
    partition_fini(lp);
    return test_done();
}
