// SPDX-License-Identifier: Apache-2.0
//
// The file: a header, the records one after the other, and an index with a row for each. All numbers are the host's: the key sees to it
// that no other host uses them.
//
// New records go to a file without a name in the same folder, so that they take no memory. When they are written, at the end or before, under a
// lock that all processes take (PATH.lock), the file is read again, as others may have replaced it: first come the records that nobody
// used this time, in their order, then those that we used or wrote before, then the new ones.
#include "cpu/xlate/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC       0x45444f4352504c4full // "OLPRCODE"
#define LOCK_TRIES  200u                  // of 10 ms
#define COPY_BUFFER (256 * KIB)

struct header {
    u64 magic, key;
    u64 index; // offset
    u32 records;
    u32 row_size;
    u64 index_hash;
    u64 hash; // of everything before
};

struct row {
    u64 name;
    u64 offset;
    u64 hash; // of the record
    u32 size;
    u32 zero;
};

struct file {
    int fd;
    u32 records;
    struct row *rows;
};

struct cache {
    char *path;
    u64 key, max;
    struct file file;
    bool *used; // by row of the file
    u32 *table; // row + 1 by name, open addressing; equal names lie behind each other, the newest first
    u32 table_mask;
    int spool; // -1: none yet, or none to be had
    bool spoolless;
    u64 spooled; // bytes
    struct row *added;
    u32 added_len, added_max;
    u32 written; // of them
};

u64 cache_hash(const void *bytes, size_t size, u64 seed)
{
    const u8 *at = bytes;
    u64 h = seed ^ size * 0x9e3779b97f4a7c15ull;
    for (; size >= 8; size -= 8, at += 8) {
        u64 v;
        memcpy(&v, at, 8);
        h = (h ^ v) * 0xff51afd7ed558ccdull;
        h ^= h >> 32;
    }
    if (size) {
        u64 v = 0;
        memcpy(&v, at, size);
        h = (h ^ v) * 0xff51afd7ed558ccdull;
        h ^= h >> 32;
    }
    h *= 0xc4ceb9fe1a85ec53ull;
    return h ^ h >> 29;
}

static bool read_all(int fd, void *to, size_t size, u64 offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pread(fd, (u8 *)to + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static int write_all(int fd, const void *from, size_t size, u64 offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(fd, (const u8 *)from + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        done += (size_t)n;
    }
    return 0;
}

// Nobody else's, nobody else may write it, and no other kind of file.
static bool is_ours(int fd, u64 *size)
{
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077)
        return false;
    *size = (u64)st.st_size;
    return true;
}

static bool rows_fit(const struct header *h, const struct row *rows)
{
    for (u32 i = 0; i < h->records; i++) {
        const struct row *r = &rows[i];
        if (!r->size || r->size > CACHE_RECORD_MAX || r->offset < sizeof(*h) || r->offset > h->index ||
            r->size > h->index - r->offset || r->zero)
            return false;
    }
    return true;
}

static void file_close(struct file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->rows);
    *f = (struct file){.fd = -1};
}

// Leaves an empty file where there is none that can be used.
static void file_open(struct file *f, const char *path, u64 key)
{
    struct header h;
    u64 size;
    *f = (struct file){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)};
    if (f->fd < 0)
        return;
    if (!is_ours(f->fd, &size) || size < sizeof(h) || !read_all(f->fd, &h, sizeof(h), 0) || h.magic != MAGIC ||
        h.key != key || h.hash != cache_hash(&h, offsetof(struct header, hash), 0) ||
        h.row_size != sizeof(struct row) || h.records > CACHE_RECORDS_MAX || h.index < sizeof(h) || h.index > size ||
        (u64)h.records * sizeof(struct row) != size - h.index)
        goto unusable;
    f->rows = malloc(MAX((size_t)h.records * sizeof(struct row), (size_t)1));
    if (!f->rows || !read_all(f->fd, f->rows, h.records * sizeof(struct row), h.index) ||
        cache_hash(f->rows, h.records * sizeof(struct row), 0) != h.index_hash || !rows_fit(&h, f->rows))
        goto unusable;
    f->records = h.records;
    return;
unusable:
    file_close(f);
}

static u32 slot_of(const struct cache *c, u64 name)
{
    return (u32)(name ^ name >> 32) & c->table_mask;
}

static bool make_table(struct cache *c)
{
    u32 size = 16;
    while (size < c->file.records * 2)
        size *= 2;
    c->table = calloc(size, sizeof(*c->table));
    c->used = calloc(c->file.records + 1, sizeof(*c->used));
    if (!c->table || !c->used)
        return false;
    c->table_mask = size - 1;
    for (u32 i = c->file.records; i-- > 0;) { // the newest of a name comes first
        u32 at = slot_of(c, c->file.rows[i].name);
        while (c->table[at])
            at = (at + 1) & c->table_mask;
        c->table[at] = i + 1;
    }
    return true;
}

static void cache_free(struct cache *c)
{
    file_close(&c->file);
    if (c->spool >= 0)
        close(c->spool);
    free(c->path);
    free(c->used);
    free(c->table);
    free(c->added);
    free(c);
}

struct cache *cache_open(const char *path, u64 key, u64 max)
{
    struct cache *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->spool = c->file.fd = -1;
    c->key = key;
    c->max = max;
    c->path = strdup(path);
    if (c->path)
        file_open(&c->file, path, key);
    if (!c->path || !make_table(c)) {
        cache_free(c);
        return NULL;
    }
    return c;
}

u32 cache_records(const struct cache *c)
{
    return c->file.records;
}

bool cache_has(const struct cache *c, u64 name)
{
    for (u32 at = slot_of(c, name); c->table[at]; at = (at + 1) & c->table_mask) {
        if (c->file.rows[c->table[at] - 1].name == name)
            return true;
    }
    return false;
}

size_t cache_read(struct cache *c, u64 name, unsigned n, void *to, size_t size, bool *more, u32 *number)
{
    *more = false;
    for (u32 at = slot_of(c, name); c->table[at]; at = (at + 1) & c->table_mask) {
        u32 i = c->table[at] - 1;
        const struct row *r = &c->file.rows[i];
        if (r->name != name || n--)
            continue;
        *more = true;
        if (r->size > size || !read_all(c->file.fd, to, r->size, r->offset) || cache_hash(to, r->size, name) != r->hash)
            return 0;
        c->used[i] = true;
        *number = i;
        return r->size;
    }
    return 0;
}

// A file without a name, in the folder of the path: there must be room where the records are going to be.
static int make_spool(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof(folder), "%.*s", slash ? MAX((int)(slash - path), 1) : 1, slash ? path : ".");
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    char name[4096 + 16];
    snprintf(name, sizeof(name), "%s.XXXXXX", path);
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        unlink(name);
    return fd;
}

void cache_add(struct cache *c, u64 name, const void *bytes, size_t size)
{
    if (c->spool < 0 && !c->spoolless) {
        c->spool = make_spool(c->path);
        c->spoolless = c->spool < 0;
    }
    if (c->spool < 0 || !size || size > CACHE_RECORD_MAX || c->spooled + size > c->max ||
        c->added_len == CACHE_RECORDS_MAX)
        return;
    if (c->added_len == c->added_max) {
        u32 max = c->added_max ? c->added_max * 2 : 256;
        struct row *rows = realloc(c->added, max * sizeof(*rows));
        if (!rows)
            return;
        c->added = rows;
        c->added_max = max;
    }
    if (write_all(c->spool, bytes, size, c->spooled)) {
        c->spoolless = true; // the disk is full: what is there is good
        return;
    }
    c->added[c->added_len++] =
        (struct row){.name = name, .offset = c->spooled, .hash = cache_hash(bytes, size, name), .size = (u32)size};
    c->spooled += size;
}

// A record of the new file and where it comes from.
struct source {
    struct row row;
    int fd;
};

static int by_identity(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->name != y->name)
        return x->name < y->name ? -1 : 1;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->size < y->size ? -1 : x->size > y->size;
}

static bool is_in(const struct row *sorted, u32 len, const struct row *row)
{
    return len && bsearch(row, sorted, len, sizeof(*row), by_identity);
}

// Those that we used or added, sorted. NULL: no memory.
static struct row *rows_used(const struct cache *c, u32 *len)
{
    struct row *out = malloc(((size_t)c->file.records + c->added_len + 1) * sizeof(*out));
    *len = 0;
    for (u32 i = 0; out && i < c->file.records; i++) {
        if (c->used[i])
            out[(*len)++] = c->file.rows[i];
    }
    for (u32 i = 0; out && i < c->added_len; i++)
        out[(*len)++] = c->added[i];
    if (out)
        qsort(out, *len, sizeof(*out), by_identity);
    return out;
}

// What the new file has, oldest first. `now`: the file as it is now. Returns how many, or -1.
static s64 choose(const struct cache *c, const struct file *now, struct source *out)
{
    u32 used_len, len = 0;
    struct row *used = rows_used(c, &used_len), *old = malloc(MAX(now->records, 1u) * sizeof(*old));
    if (!used || !old) {
        free(used);
        free(old);
        return -1;
    }
    for (unsigned round = 0; round < 2; round++) {
        for (u32 i = 0; i < now->records; i++) {
            if (is_in(used, used_len, &now->rows[i]) == (round == 1))
                out[len++] = (struct source){now->rows[i], now->fd};
        }
    }
    for (u32 i = 0; i < now->records; i++)
        old[i] = now->rows[i];
    qsort(old, now->records, sizeof(*old), by_identity);
    for (u32 i = 0; i < c->added_len; i++) {
        if (!is_in(old, now->records, &c->added[i]))
            out[len++] = (struct source){c->added[i], c->spool};
    }
    free(used);
    free(old);
    return len;
}

static int copy_records(int to, struct source *sources, u32 len, u64 *offset)
{
    u8 *record = malloc(CACHE_RECORD_MAX);
    int err = record ? 0 : -ENOMEM;
    for (u32 i = 0; i < len && !err; i++) {
        struct row *row = &sources[i].row;
        if (!read_all(sources[i].fd, record, row->size, row->offset) ||
            cache_hash(record, row->size, row->name) != row->hash) {
            row->size = 0; // damaged: it goes
            continue;
        }
        err = write_all(to, record, row->size, *offset);
        row->offset = *offset;
        *offset += row->size;
    }
    free(record);
    return err;
}

static int write_file(const struct cache *c, int to, struct source *sources, u32 len)
{
    struct header h = {.magic = MAGIC, .key = c->key, .row_size = sizeof(struct row), .index = sizeof(h)};
    struct row *rows = calloc(MAX(len, 1u), sizeof(*rows));
    int err = rows ? copy_records(to, sources, len, &h.index) : -ENOMEM;
    for (u32 i = 0; i < len && !err; i++) {
        if (sources[i].row.size)
            rows[h.records++] = sources[i].row;
    }
    if (!err) {
        h.index_hash = cache_hash(rows, h.records * sizeof(*rows), 0);
        h.hash = cache_hash(&h, offsetof(struct header, hash), 0);
        err = write_all(to, rows, h.records * sizeof(*rows), h.index);
    }
    if (!err)
        err = write_all(to, &h, sizeof(h), 0);
    free(rows);
    return err;
}

// Drops the oldest until the others fit.
static u32 too_many(const struct cache *c, const struct source *sources, u32 len)
{
    u64 size = sizeof(struct header);
    u32 first = len;
    while (first > 0 && len - first < CACHE_RECORDS_MAX &&
           size + sources[first - 1].row.size + sizeof(struct row) <= c->max) {
        first--;
        size += sources[first].row.size + sizeof(struct row);
    }
    return first;
}

static int replace(const struct cache *c, const char *temporary)
{
    struct file now;
    file_open(&now, c->path, c->key);
    struct source *sources = malloc(((size_t)now.records + c->added_len + 1) * sizeof(*sources));
    s64 len = sources ? choose(c, &now, sources) : -1;
    int err = len < 0 ? -ENOMEM : 0, to = -1;
    if (!err) {
        unlink(temporary); // of a process that died
        to = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        err = to < 0 ? -errno : 0;
    }
    if (!err) {
        u32 first = too_many(c, sources, (u32)len);
        err = write_file(c, to, sources + first, (u32)len - first);
        if (!err && rename(temporary, c->path))
            err = -errno;
        if (err)
            unlink(temporary);
    }
    if (to >= 0)
        close(to);
    free(sources);
    file_close(&now);
    return err;
}

// `tries`: how long to wait for others.
static int locked_replace(const struct cache *c, unsigned tries_max)
{
    size_t size = strlen(c->path) + 8;
    char *lock = malloc(size), *temporary = malloc(size);
    int err = -ENOMEM, fd = -1;
    if (!lock || !temporary)
        goto out;
    snprintf(lock, size, "%s.lock", c->path);
    snprintf(temporary, size, "%s.new", c->path);
    fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    err = fd < 0 ? -errno : 0;
    for (unsigned tries = 0; !err && flock(fd, LOCK_EX | LOCK_NB); tries++) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            err = -errno;
        else if (tries >= tries_max)
            err = -ETIMEDOUT;
        else
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    if (!err)
        err = replace(c, temporary);
out:
    if (fd >= 0)
        close(fd);
    free(lock);
    free(temporary);
    return err;
}

u32 cache_unwritten(const struct cache *c)
{
    return c->added_len - c->written;
}

int cache_write(struct cache *c)
{
    int err = cache_unwritten(c) ? locked_replace(c, 0) : 0;
    if (!err)
        c->written = c->added_len;
    return err;
}

int cache_close(struct cache *c)
{
    if (!c)
        return 0;
    int err = cache_unwritten(c) ? locked_replace(c, LOCK_TRIES) : 0;
    cache_free(c);
    return err;
}
