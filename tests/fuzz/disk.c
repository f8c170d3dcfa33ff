// SPDX-License-Identifier: Apache-2.0
// Fuzz target: what firmware reads from a disk or CD before there is an OS: partition tables, file system, bootinfo.txt, boot program. The input's
// first byte says which kind of disk it is; the rest is the disk, which has zeros behind it.
#include <stdlib.h>

#include "lpar/boot_search.h"
#include "papr/test_disk.h"
#include "papr/test_partition.h"

#define DISK_SIZE (256 * KIB)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct partition *lp;
    static u8 bytes[DISK_SIZE];
    struct test_disk disk = {.data = bytes, .size = DISK_SIZE};
    struct image image;
    char why[512];
    if (!lp) {
        lp = test_partition(1, 1, LEVEL_V30);
        test_disk_adapter(lp);
    }
    if (!size)
        return 0;
    memset(bytes, 0, sizeof(bytes));
    memcpy(bytes, data + 1, MIN(size - 1, sizeof(bytes)));
    bool cdrom = data[0] & 1;
    if (test_disk_add(lp, &disk, 1, cdrom ? 2048 : data[0] & 2 ? 4096 : 512, cdrom))
        abort();
    if (boot_search_load(lp, 0, 64 * MIB, NULL, &image, why, sizeof(why)) == 0 &&
        (image.end > 64 * MIB || image.entry < image.start || image.entry >= image.end))
        abort();
    of_disk_quiesce(lp);
    return 0;
}
