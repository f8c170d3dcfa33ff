// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the file of translated code, as a whole and as one record of it.
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpu/xlate/cache.h"
#include "cpu/xlate/keep.h"

#define KEY 1

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static u8 record[65536];
    char path[64];
    keep_ok(data, size);
    snprintf(path, sizeof(path), "/tmp/openlpar-fuzz-%d", (int)getpid());
    FILE *f = fopen(path, "we");
    if (!f || fchmod(fileno(f), 0600) || fwrite(data, 1, size, f) != size || fclose(f))
        abort();
    struct cache *c = cache_open(path, KEY, 1 * MIB);
    bool more = c != NULL;
    u32 number;
    for (unsigned n = 0; more; n++) {
        size_t len = cache_read(c, 0, n, record, sizeof(record), &more, &number);
        if (len)
            keep_ok(record, len);
    }
    if (c)
        cache_close(c);
    unlink(path);
    return 0;
}
