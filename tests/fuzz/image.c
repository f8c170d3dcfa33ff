// SPDX-License-Identifier: Apache-2.0
// Fuzz target: a kernel file, as it is and as what a gzip file holds.
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lpar/image.h"

#define MEMORY (32 * MIB)
#define LIMIT  (24 * MIB)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct guest_mem mem;
    static int fd = -1;
    static char path[64];
    struct image image;
    char why[512];
    if (fd < 0) {
        fd = memfd_create("kernel", MFD_CLOEXEC);
        if (fd < 0 || guest_mem_init(&mem, MEMORY))
            abort();
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    if (image_load(&mem, LIMIT, path, NULL, &image, why, sizeof(why)) == 0 &&
        (image.end > LIMIT || image.start >= image.end || image.entry < image.start || image.entry >= image.end))
        abort();
    return 0;
}
