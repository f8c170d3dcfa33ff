// SPDX-License-Identifier: Apache-2.0
// The file of translations: what it keeps, what it drops, and that no file whatever does harm.
#include "cpu/xlate/cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"

#define KEY      0x1234567890abcdefull
#define MAX_SIZE (1 * MIB)

static char folder[64], path[96];

static void begin(void)
{
    snprintf(folder, sizeof(folder), "/tmp/openlpar-cache-XXXXXX");
    if (!mkdtemp(folder))
        abort();
    snprintf(path, sizeof(path), "%s/code", folder);
}

static void end(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -r %s", folder);
    CHECK_EQ(system(command), 0);
}

// Record n is n % 200 + 1 bytes of n, by the name n / 2.
static void fill(u8 *record, size_t *size, unsigned n)
{
    *size = n % 200 + 1;
    memset(record, (int)n, *size);
}

static void add(struct cache *c, unsigned from, unsigned to)
{
    u8 record[256];
    size_t size;
    for (unsigned n = from; n < to; n++) {
        fill(record, &size, n);
        cache_add(c, n / 2, record, size);
    }
}

static bool has(struct cache *c, unsigned n)
{
    u8 want[256], got[256];
    size_t size;
    bool more = true;
    u32 number;
    fill(want, &size, n);
    for (unsigned i = 0; more; i++) {
        if (cache_read(c, n / 2, i, got, sizeof(got), &more, &number) == size && !memcmp(got, want, size))
            return true;
    }
    return false;
}

static unsigned count(unsigned len)
{
    struct cache *c = cache_open(path, KEY, MAX_SIZE);
    unsigned found = 0;
    for (unsigned n = 0; n < len; n++)
        found += has(c, n);
    cache_close(c);
    return found;
}

static int write_records(unsigned from, unsigned to, u64 max)
{
    struct cache *c = cache_open(path, KEY, max);
    add(c, from, to);
    return cache_close(c);
}

static void test_keeps_records(void)
{
    begin();
    CHECK_EQ(count(10), 0);
    CHECK_EQ(write_records(0, 1000, MAX_SIZE), 0);
    CHECK_EQ(count(1000), 1000);
    CHECK_EQ(write_records(900, 1100, MAX_SIZE), 0); // some of them again
    CHECK_EQ(count(1200), 1100);
    struct cache *c = cache_open(path, KEY, MAX_SIZE);
    CHECK_EQ(cache_records(c), 1100);
    CHECK(cache_has(c, 0));
    CHECK(!cache_has(c, 550));
    u8 small[8];
    bool more;
    u32 number;
    CHECK_EQ(cache_read(c, 30, 0, small, sizeof(small), &more, &number), 0); // does not fit
    CHECK(more);
    CHECK_EQ(cache_close(c), 0);
    c = cache_open(path, KEY + 1, MAX_SIZE); // another build
    CHECK_EQ(cache_records(c), 0);
    CHECK_EQ(cache_close(c), 0);
    CHECK_EQ(count(1100), 1100); // nothing was added: nothing was written
    c = cache_open(path, KEY + 1, MAX_SIZE);
    add(c, 0, 5);
    CHECK_EQ(cache_close(c), 0);
    CHECK_EQ(count(1100), 0);
    end();
}

// What is written during the run is there for others, and is not written again at the end.
static void test_written_early(void)
{
    begin();
    struct cache *c = cache_open(path, KEY, MAX_SIZE);
    struct stat before, after;
    CHECK_EQ(cache_write(c), 0); // nothing to write
    CHECK(stat(path, &before) != 0);
    add(c, 0, 100);
    CHECK_EQ(cache_unwritten(c), 100);
    CHECK_EQ(cache_write(c), 0);
    CHECK_EQ(cache_unwritten(c), 0);
    CHECK_EQ(count(200), 100);
    CHECK_EQ(write_records(150, 200, MAX_SIZE), 0); // another process
    add(c, 100, 150);
    CHECK_EQ(count(200), 150);
    CHECK_EQ(cache_write(c), 0);
    CHECK_EQ(count(200), 200);
    CHECK_EQ(stat(path, &before), 0);
    CHECK_EQ(cache_close(c), 0);
    CHECK_EQ(stat(path, &after), 0);
    CHECK_EQ(before.st_ino, after.st_ino);
    c = cache_open(path, KEY, MAX_SIZE);
    CHECK_EQ(cache_records(c), 200);
    cache_close(c);
    // Who holds the lock is not waited for.
    char lock[128];
    snprintf(lock, sizeof(lock), "%s.lock", path);
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK_EQ(flock(fd, LOCK_EX), 0);
    c = cache_open(path, KEY, MAX_SIZE);
    add(c, 200, 210);
    CHECK(cache_write(c) != 0);
    CHECK_EQ(cache_unwritten(c), 10);
    close(fd);
    CHECK_EQ(cache_write(c), 0);
    cache_close(c);
    CHECK_EQ(count(300), 210);
    end();
}

static void test_oldest_go(void)
{
    begin();
    u64 max = 64 * KIB;
    CHECK_EQ(write_records(0, 300, max), 0);
    struct cache *c = cache_open(path, KEY, max);
    for (unsigned n = 0; n < 20; n++)
        CHECK(has(c, n)); // used, so younger than the rest
    add(c, 1000, 1320);
    CHECK_EQ(cache_close(c), 0);
    struct stat st;
    CHECK(!stat(path, &st) && (u64)st.st_size <= max && (u64)st.st_size > max - 1024);
    c = cache_open(path, KEY, max);
    for (unsigned n = 1000; n < 1320; n++)
        CHECK(has(c, n));
    for (unsigned n = 0; n < 20; n++)
        CHECK(has(c, n));
    CHECK(!has(c, 20));
    CHECK(has(c, 299));
    cache_close(c);
    end();
}

static size_t read_file(u8 *bytes, size_t size)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, bytes, size);
    close(fd);
    return n < 0 ? 0 : (size_t)n;
}

static void write_bytes(const u8 *bytes, size_t size)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    CHECK_EQ(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

// Any bit that is wrong, and any end that is missing: fewer records, never wrong ones, and the file can be added to.
static void test_damage(void)
{
    static u8 bytes[8192], bad[8192 + 1];
    begin();
    CHECK_EQ(write_records(0, 20, MAX_SIZE), 0);
    size_t size = read_file(bytes, sizeof(bytes));
    CHECK(size > 800 && size < sizeof(bytes));
    for (size_t at = 0; at < size; at++) {
        memcpy(bad, bytes, size);
        bad[at] ^= (u8)(1 << at % 8);
        write_bytes(bad, size);
        CHECK(count(20) < 20);
    }
    for (size_t len = 0; len < size; len += 7) {
        write_bytes(bytes, len);
        CHECK_EQ(count(20), 0);
    }
    memcpy(bad, bytes, size);
    bad[size] = 0;
    write_bytes(bad, size + 1);
    CHECK_EQ(count(20), 0);
    bad[70] ^= 1; // inside of a record
    write_bytes(bad, size);
    CHECK_EQ(write_records(20, 30, MAX_SIZE), 0);
    CHECK_EQ(count(30), 29); // the damaged one has gone for good
    bad[5] ^= 1;
    write_bytes(bad, size);
    CHECK_EQ(write_records(20, 30, MAX_SIZE), 0);
    CHECK_EQ(count(30), 10);
    end();
}

static void test_foreign(void)
{
    static u8 bytes[8192];
    char other[128];
    begin();
    CHECK_EQ(write_records(0, 20, MAX_SIZE), 0);
    CHECK_EQ(chmod(path, 0640), 0); // others may look
    CHECK_EQ(count(20), 0);
    CHECK_EQ(chmod(path, 0602), 0);
    CHECK_EQ(count(20), 0);
    CHECK_EQ(chmod(path, 0600), 0);
    CHECK_EQ(count(20), 20);
    if (geteuid() == 0) {
        CHECK_EQ(chown(path, 12345, 12345), 0);
        CHECK_EQ(count(20), 0);
        CHECK_EQ(write_records(0, 3, MAX_SIZE), 0); // in our folder: replaced
        CHECK_EQ(count(20), 3);
        CHECK_EQ(write_records(0, 20, MAX_SIZE), 0);
    }
    snprintf(other, sizeof(other), "%s/other", folder);
    CHECK_EQ(rename(path, other), 0);
    CHECK_EQ(symlink(other, path), 0);
    CHECK_EQ(count(20), 0);
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(mkfifo(path, 0600), 0); // does not wait
    CHECK_EQ(count(20), 0);
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(mkdir(path, 0700), 0);
    CHECK_EQ(count(20), 0);
    CHECK(write_records(0, 20, MAX_SIZE) < 0);
    CHECK_EQ(rmdir(path), 0);
    snprintf(path, sizeof(path), "%s/none/code", folder);
    CHECK_EQ(count(20), 0);
    CHECK_EQ(write_records(0, 20, MAX_SIZE), 0); // nowhere to keep anything: nothing was added
    (void)bytes;
    end();
}

// A file that shrinks or goes while it is open.
static void test_changed_while_open(void)
{
    begin();
    CHECK_EQ(write_records(0, 100, MAX_SIZE), 0);
    struct cache *c = cache_open(path, KEY, MAX_SIZE);
    CHECK(has(c, 99));
    CHECK_EQ(truncate(path, 300), 0);
    CHECK(!has(c, 99));
    add(c, 200, 210);
    CHECK_EQ(cache_close(c), 0);
    CHECK_EQ(count(300), 10);
    c = cache_open(path, KEY, MAX_SIZE);
    CHECK_EQ(unlink(path), 0);
    CHECK(has(c, 205));
    add(c, 0, 1);
    CHECK_EQ(cache_close(c), 0);
    CHECK_EQ(count(300), 1);
    end();
}

static void test_many_processes(void)
{
    enum { PROCESSES = 6, EACH = 40 };
    begin();
    for (unsigned p = 0; p < PROCESSES; p++) {
        if (fork() == 0) {
            int err = 0;
            for (unsigned round = 0; round < 4; round++) {
                struct cache *c = cache_open(path, KEY, MAX_SIZE);
                add(c, (p * 4 + round) * EACH, (p * 4 + round + 1) * EACH);
                err |= cache_close(c);
            }
            _exit(err != 0);
        }
    }
    for (unsigned p = 0; p < PROCESSES; p++) {
        int status;
        CHECK(wait(&status) > 0);
        CHECK_EQ(status, 0);
    }
    CHECK_EQ(count(PROCESSES * 4 * EACH), PROCESSES * 4 * EACH);
    end();
}

int main(void)
{
    TEST(test_keeps_records);
    TEST(test_written_early);
    TEST(test_oldest_go);
    TEST(test_damage);
    TEST(test_foreign);
    TEST(test_changed_while_open);
    TEST(test_many_processes);
    return test_done();
}
