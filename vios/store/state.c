// SPDX-License-Identifier: Apache-2.0
#include "vios/store/state.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/endian.h"

#define PLACE 4096u
#define MAGIC 0x4f4c5331u // "OLS1": layout, version 1
#define HEAD  64u
// Offsets in a place: magic (4), size (4), number (8), check (8), name.
#define AT_SIZE   4
#define AT_NUMBER 8
#define AT_CHECK  16
#define AT_NAME   24
static_assert(HEAD + STATE_VALUE_MAX <= PLACE, "a value in its place");

static u64 check_of(const u8 *d, u32 size)
{
    u64 hash = 14695981039346656037ull; // FNV-1a, without the sum itself
    for (u32 i = 0; i < HEAD + size; i++) {
        if (i < AT_CHECK || i >= AT_NAME)
            hash = (hash ^ d[i]) * 1099511628211ull;
    }
    return hash;
}

// Reads a place. Its number; 0: there is nothing whole.
static u64 read_place(int fd, unsigned which, u8 d[PLACE])
{
    memset(d, 0, PLACE);
    ssize_t got = pread(fd, d, PLACE, (off_t)(which * PLACE));
    u32 size = load_be32(d + AT_SIZE);
    bool whole = got >= (ssize_t)HEAD && load_be32(d) == MAGIC && size <= STATE_VALUE_MAX &&
                 got >= (ssize_t)(HEAD + size) && load_be64(d + AT_CHECK) == check_of(d, size);
    return whole ? load_be64(d + AT_NUMBER) : 0;
}

int state_get(int fd, const char *name, void *value, size_t size)
{
    u8 d[2][PLACE];
    u64 number[2] = {read_place(fd, 0, d[0]), read_place(fd, 1, d[1])};
    const u8 *newer = d[number[1] > number[0]];
    if (!(number[0] | number[1]) || strncmp((const char *)newer + AT_NAME, name, HEAD - AT_NAME))
        return -ENODATA;
    u32 has = load_be32(newer + AT_SIZE);
    memcpy(value, newer + HEAD, MIN(has, size));
    return (int)has;
}

int state_set(int fd, const char *name, const void *value, size_t size)
{
    u8 d[2][PLACE];
    if (size > STATE_VALUE_MAX || strlen(name) >= HEAD - AT_NAME)
        return -E2BIG;
    u64 number[2] = {read_place(fd, 0, d[0]), read_place(fd, 1, d[1])};
    unsigned older = number[1] < number[0];
    u8 *out = d[older];
    memset(out, 0, PLACE);
    store_be32(out, MAGIC);
    store_be32(out + AT_SIZE, (u32)size);
    store_be64(out + AT_NUMBER, MAX(number[0], number[1]) + 1);
    strcpy((char *)out + AT_NAME, name);
    memcpy(out + HEAD, value, size);
    store_be64(out + AT_CHECK, check_of(out, (u32)size));
    ssize_t put = pwrite(fd, out, PLACE, (off_t)(older * PLACE));
    if (put != (ssize_t)PLACE)
        return put < 0 ? -errno : -EIO;
    return fdatasync(fd) ? -errno : 0;
}
