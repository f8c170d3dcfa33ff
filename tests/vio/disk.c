// SPDX-License-Identifier: Apache-2.0
// Runs in a partition: asynchronous direct accesses to a disk, several at a time. (`measure` takes a file, too, to see what the host itself does.)
//
//     disk verify DEVICE SECONDS SEED      writes, reads, flushes at random places and sizes; each byte that is read is compared with what was written last
//     disk check DEVICE SEED               what an earlier `verify` of the same seed left there
//     disk measure DEVICE SIZE [NAME]      MB/s of sequential accesses, accesses in a second of 4 KiB at depth 1 and 32, with their latencies
//
// A block says its number, how often it was written and with which seed, in each of its 64-byte lines, so that what is found elsewhere or too old tells what it is.
// `verify` leaves the counts of all blocks in the last megabytes of the disk, for `check`.
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BLOCK       512u
#define LINE        64u
#define DEPTH       32u
#define REQUEST_MAX (256u * 1024)
#define SPAN_MAX    (128u << 20) // of the disk: what is verified

struct request {
    struct iocb cb;
    uint8_t *data;
    uint64_t first, len; // in blocks
    uint64_t began;      // nanoseconds
    int writes, busy;
};

static struct request requests[DEPTH];
static aio_context_t context;
static int fd;
static uint32_t *counts; // of each block: how often it was written
static uint64_t blocks, seed, state;

static void fail(const char *what, long long a, long long b)
{
    printf("DISK FAILED %s %lld %lld: %s\n", what, a, b, strerror(errno));
    exit(1);
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t random_number(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 24;
}

static void open_disk(const char *path, int flags)
{
    uint64_t size;
    struct stat st;
    fd = open(path, flags | O_DIRECT);
    if (fd < 0 || fstat(fd, &st) || (!S_ISREG(st.st_mode) && ioctl(fd, BLKGETSIZE64, &size)))
        fail("open", 0, 0);
    if (S_ISREG(st.st_mode))
        size = (uint64_t)st.st_size;
    blocks = size / BLOCK;
    if (syscall(SYS_io_setup, DEPTH, &context))
        fail("io_setup", 0, 0);
    for (unsigned i = 0; i < DEPTH; i++) {
        void *data;
        if (posix_memalign(&data, 65536, 1 << 20))
            fail("memory", 0, 0);
        memset(data, (int)i, 1 << 20);
        requests[i].data = data;
    }
}

static void begin(struct request *r, int writes, uint64_t first, uint64_t len)
{
    struct iocb *cb = &r->cb;
    memset(cb, 0, sizeof(*cb));
    cb->aio_data = (uintptr_t)r;
    cb->aio_lio_opcode = writes ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
    cb->aio_fildes = (uint32_t)fd;
    cb->aio_buf = (uintptr_t)r->data;
    cb->aio_nbytes = len * BLOCK;
    cb->aio_offset = (int64_t)(first * BLOCK);
    r->first = first;
    r->len = len;
    r->writes = writes;
    r->busy = 1;
    r->began = now();
    if (syscall(SYS_io_submit, context, 1, &(struct iocb *){cb}) != 1)
        fail("io_submit", (long long)first, (long long)len);
}

// One that is over.
static struct request *wait_for_one(void)
{
    struct io_event event;
    long got;
    do
        got = syscall(SYS_io_getevents, context, 1, 1, &event, NULL);
    while (got < 0 && errno == EINTR);
    struct request *r = (struct request *)(uintptr_t)event.data;
    if (got != 1)
        fail("io_getevents", got, 0);
    if (event.res != (int64_t)(r->len * BLOCK)) {
        errno = event.res < 0 ? (int)-event.res : 0;
        fail(r->writes ? "write" : "read", (long long)r->first, event.res);
    }
    r->busy = 0;
    return r;
}

static void fill(uint8_t *data, uint64_t block, uint32_t count)
{
    for (unsigned i = 0; i < BLOCK; i += LINE) {
        uint64_t words[LINE / 8] = {block, count, seed, i};
        for (unsigned n = 4; n < LINE / 8; n++)
            words[n] = (block * 0x9e3779b97f4a7c15u) ^ (words[n - 1] + count * 0xff51afd7ed558ccdu) ^ seed;
        memcpy(data + i, words, LINE);
    }
}

static void compare(const struct request *r)
{
    uint8_t want[BLOCK];
    for (uint64_t i = 0; i < r->len; i++) {
        uint64_t block = r->first + i;
        const uint8_t *got = r->data + i * BLOCK;
        if (!counts[block])
            continue; // never written
        fill(want, block, counts[block]);
        if (!memcmp(want, got, BLOCK))
            continue;
        uint64_t words[4];
        memcpy(words, got, sizeof(words));
        printf("block %llu has: block %llu count %llu seed %llu, not count %u\n", (unsigned long long)block, (unsigned long long)words[0],
               (unsigned long long)words[1], (unsigned long long)words[2], counts[block]);
        errno = 0;
        fail("mismatch", (long long)block, counts[block]);
    }
}

static int overlaps(uint64_t first, uint64_t len)
{
    for (unsigned i = 0; i < DEPTH; i++) {
        const struct request *r = &requests[i];
        if (r->busy && first < r->first + r->len && r->first < first + len)
            return 1;
    }
    return 0;
}

static struct request *find_free(unsigned depth)
{
    for (unsigned i = 0; i < depth; i++) {
        if (!requests[i].busy)
            return &requests[i];
    }
    return NULL;
}

static void finish_one(void)
{
    struct request *r = wait_for_one();
    if (!r->writes)
        compare(r);
}

static void begin_random(struct request *r, uint64_t span)
{
    uint64_t len, first;
    do {
        unsigned kind = (unsigned)(random_number() % 4); // small ones, single blocks, all sizes
        uint64_t most = kind == 0 ? REQUEST_MAX / BLOCK : kind == 1 ? 1 : 16;
        len = 1 + random_number() % most;
        first = random_number() % (span - len);
    } while (overlaps(first, len));
    int writes = random_number() % 3 != 0;
    for (uint64_t i = 0; writes && i < len; i++)
        fill(r->data + i * BLOCK, first + i, ++counts[first + i]);
    begin(r, writes, first, len);
}

static uint64_t span_of(void)
{
    uint64_t span = SPAN_MAX / BLOCK, table = SPAN_MAX / BLOCK * sizeof(*counts) / BLOCK;
    if (blocks < span + table + 1)
        fail("the disk is too small", (long long)blocks, (long long)(span + table));
    void *p;
    if (posix_memalign(&p, 65536, span * sizeof(*counts)))
        fail("memory", 0, 0);
    counts = p;
    memset(counts, 0, span * sizeof(*counts));
    return span;
}

static uint64_t read_all(uint64_t span)
{
    uint64_t at = 0, sum = 0;
    for (unsigned busy = 0; at < span || busy;) {
        struct request *r = find_free(DEPTH);
        if (r && at < span) {
            uint64_t len = span - at < REQUEST_MAX / BLOCK ? span - at : REQUEST_MAX / BLOCK;
            begin(r, 0, at, len);
            at += len;
            busy++;
        } else {
            finish_one();
            busy--;
        }
    }
    for (uint64_t i = 0; i < span; i++)
        sum += counts[i];
    return sum;
}

static int verify(uint64_t seconds)
{
    uint64_t span = span_of(), end = now() + seconds * 1000000000u, done = 0, flushes = 0;
    state = seed;
    while (now() < end) {
        unsigned depth = 1 + (unsigned)(random_number() % DEPTH);
        for (unsigned i = 0; i < 64; i++) {
            struct request *r = find_free(depth);
            if (r)
                begin_random(r, span), done++;
            else
                finish_one();
        }
        if (random_number() % 8 == 0) {
            if (fdatasync(fd))
                fail("flush", 0, 0);
            flushes++;
        }
    }
    for (unsigned i = 0; i < DEPTH; i++)
        if (requests[i].busy)
            finish_one(), i = (unsigned)-1;
    uint64_t written = read_all(span);
    if (pwrite(fd, counts, span * sizeof(*counts), (off_t)(span * BLOCK)) != (ssize_t)(span * sizeof(*counts)) || fdatasync(fd))
        fail("counts", 0, 0);
    printf("DISK VERIFIED requests %llu flushes %llu blocks written %llu\n", (unsigned long long)done, (unsigned long long)flushes,
           (unsigned long long)written);
    return 0;
}

static int check(void)
{
    uint64_t span = span_of();
    if (pread(fd, counts, span * sizeof(*counts), (off_t)(span * BLOCK)) != (ssize_t)(span * sizeof(*counts)))
        fail("counts", 0, 0);
    printf("DISK CHECKED blocks written %llu\n", (unsigned long long)read_all(span));
    return 0;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

// Keeps `depth` accesses of `size` bytes under way for some seconds.
static void measure_one(const char *name, int writes, int random, uint64_t size, unsigned depth, uint64_t span)
{
    static uint32_t latencies[1 << 20];
    uint64_t start = now(), end = start + 3000000000u, done = 0, at = 0, len = size / BLOCK, last = start;
    unsigned busy = 0;
    while (last < end || busy) {
        struct request *r = last < end ? find_free(depth) : NULL;
        if (r) {
            begin(r, writes, random ? random_number() % (span / len) * len : at, len);
            at = at + 2 * len > span ? 0 : at + len;
            busy++;
            continue;
        }
        r = wait_for_one();
        busy--;
        last = now();
        if (done < sizeof(latencies) / sizeof(latencies[0]))
            latencies[done] = (uint32_t)((last - r->began) / 1000);
        done++;
    }
    uint64_t kept = done < sizeof(latencies) / sizeof(latencies[0]) ? done : sizeof(latencies) / sizeof(latencies[0]);
    double seconds = (double)(last - start) / 1e9;
    qsort(latencies, kept, sizeof(latencies[0]), by_value);
    printf("DISK MEASURED %s %.1f MB/s %.0f /s p50 %u us p99 %u us count %llu\n", name, (double)(done * size) / seconds / 1e6, (double)done / seconds,
           latencies[kept / 2], latencies[kept * 99 / 100], (unsigned long long)done);
    fflush(stdout);
}

static int measure(uint64_t size, const char *only)
{
    uint64_t span = size / BLOCK;
    if (span > blocks)
        fail("the disk is too small", (long long)blocks, (long long)span);
    static const struct {
        const char *name;
        int writes, random;
        uint64_t size;
        unsigned depth;
    } rows[] = {
        {"write-sequential", 1, 0, 1 << 20, 8}, {"read-sequential", 0, 0, 1 << 20, 8}, {"read-random-1", 0, 1, 4096, 1},
        {"read-random-32", 0, 1, 4096, 32},     {"write-random-1", 1, 1, 4096, 1},     {"write-random-32", 1, 1, 4096, 32},
    };
    printf("DISK MEASURING\n");
    fflush(stdout);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!only || strstr(rows[i].name, only))
            measure_one(rows[i].name, rows[i].writes, rows[i].random, rows[i].size, rows[i].depth, span);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    state = 1;
    if (!strcmp(what, "verify") && argc == 5) {
        open_disk(argv[2], O_RDWR);
        seed = strtoull(argv[4], NULL, 0);
        return verify(strtoull(argv[3], NULL, 0));
    }
    if (!strcmp(what, "check") && argc == 4) {
        open_disk(argv[2], O_RDONLY);
        seed = strtoull(argv[3], NULL, 0);
        return check();
    }
    if (!strcmp(what, "measure") && (argc == 4 || argc == 5)) {
        open_disk(argv[2], O_RDWR);
        return measure(strtoull(argv[3], NULL, 0) << 20, argc == 5 ? argv[4] : NULL);
    }
    fprintf(stderr, "usage: disk verify DEVICE SECONDS SEED | check DEVICE SEED | measure DEVICE MIB [NAME]\n");
    return 2;
}
