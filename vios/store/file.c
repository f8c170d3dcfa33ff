// SPDX-License-Identifier: Apache-2.0
//
// Disks in files and on block devices, by io_uring. Data goes past the host's page cache where place and size allow that (O_DIRECT), so that what is in the link's data
// area is what the device reads.
//
// A server that is killed leaves operations behind that the kernel still carries out. They hold the open file, and with it the file's lock: the next server
// gets the lock when the last one of them is done, so that an old write never comes after a newer one. For this reason each open file locks a byte of
// its own, for all others' writers to meet.
#include "vios/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define SECTOR     512u
#define ZEROS_SIZE (256 * KIB)
#define VALUE_NAME "user.openlpar."
#define IDENTITY   "identity"
#define TRANSFER   (16 * MIB) // at once; the kernel's own limit is 2 GiB

struct file_store {
    struct store store;
    struct loop *loop;
    int direct, cached;     // descriptors; direct may be -1
    u32 place_unit;         // what offset and size are multiples of for direct ones
    u32 memory_unit;        // and the address of the data
    bool no_punch, no_zero; // the file system said that it cannot
};

static struct file_store *of(struct store *store)
{
    return container_of(store, struct file_store, store);
}

static void advance(struct store_io *io);

static void finish(struct store_io *io, int err)
{
    free(io->zeros);
    io->zeros = NULL;
    io->done(io, err);
}

static void write_zeros(struct store_io *io)
{
    if (!io->zeros && posix_memalign((void **)&io->zeros, 4096, ZEROS_SIZE)) {
        io->zeros = NULL;
        finish(io, -ENOMEM);
        return;
    }
    memset(io->zeros, 0, ZEROS_SIZE);
    advance(io);
}

static void on_done(struct loop_op *op, int result)
{
    struct store_io *io = container_of(op, struct store_io, loop_op);
    struct file_store *f = of(io->store);
    if (result == -EINTR || result == -EAGAIN) {
        advance(io);
        return;
    }
    if (result == -EOPNOTSUPP && io->op == STORE_ZERO && !f->no_zero) {
        f->no_zero = true;
        advance(io);
        return;
    }
    if (result == -EOPNOTSUPP && (io->op == STORE_ZERO || io->op == STORE_DISCARD) && !io->zeros) {
        f->no_punch = true;
        write_zeros(io);
        return;
    }
    if (result < 0) {
        finish(io, result);
        return;
    }
    bool moves = io->op == STORE_READ || io->op == STORE_WRITE || io->zeros;
    if (moves && !result) { // beyond the end of a file that somebody made shorter
        finish(io, -EIO);
        return;
    }
    io->moved += moves ? (u64)result : io->size;
    if (io->op != STORE_FLUSH && io->moved < io->size)
        advance(io);
    else
        finish(io, 0);
}

// The descriptor for an access.
static int descriptor(const struct file_store *f, const void *data, u64 offset, u64 size)
{
    bool fits = !(((uintptr_t)data) % f->memory_unit) && !(offset % f->place_unit) && !(size % f->place_unit);
    return f->direct >= 0 && (fits || f->cached < 0) ? f->direct : f->cached;
}

// Starts what is left of an operation.
static void advance(struct store_io *io)
{
    struct file_store *f = of(io->store);
    u64 offset = io->offset + io->moved, rest = io->size - io->moved;
    io->loop_op.done = on_done;
    struct io_uring_sqe *sqe = loop_get(f->loop, &io->loop_op);
    unsigned size = (unsigned)MIN(rest, io->zeros ? ZEROS_SIZE : TRANSFER);
    const u8 *from = io->zeros ? io->zeros : io->data + io->moved;
    int any = f->direct >= 0 ? f->direct : f->cached;
    if (io->op == STORE_READ) {
        io_uring_prep_read(sqe, descriptor(f, from, offset, size), io->data + io->moved, size, offset);
    } else if (io->op == STORE_WRITE || io->zeros) {
        io_uring_prep_write(sqe, descriptor(f, from, offset, size), from, size, offset);
        sqe->rw_flags = io->durable ? RWF_DSYNC : 0;
    } else if (io->op == STORE_FLUSH) {
        io_uring_prep_fsync(sqe, any, IORING_FSYNC_DATASYNC);
    } else {
        int mode = io->op == STORE_ZERO && !f->no_zero ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE;
        io_uring_prep_fallocate(sqe, any, mode | FALLOC_FL_KEEP_SIZE, offset, rest);
    }
    loop_prepare(sqe, &io->loop_op);
}

static void submit(struct store *store, struct store_io *io)
{
    struct file_store *f = of(store);
    io->zeros = NULL;
    if ((io->op == STORE_DISCARD && f->no_punch) || (io->op == STORE_ZERO && f->no_punch && f->no_zero))
        write_zeros(io);
    else
        advance(io);
}

static int get_value(struct store *store, const char *name, void *value, size_t size)
{
    char full[64];
    snprintf(full, sizeof(full), VALUE_NAME "%s", name);
    struct file_store *f = of(store);
    ssize_t got = fgetxattr(f->direct >= 0 ? f->direct : f->cached, full, value, size);
    return got < 0 ? -errno : (int)got;
}

static int set_value(struct store *store, const char *name, const void *value, size_t size)
{
    char full[64];
    struct file_store *f = of(store);
    int fd = f->direct >= 0 ? f->direct : f->cached;
    snprintf(full, sizeof(full), VALUE_NAME "%s", name);
    if (fsetxattr(fd, full, value, size, 0) || fsync(fd))
        return -errno;
    return 0;
}

static void close_store(struct store *store)
{
    struct file_store *f = of(store);
    if (f->direct >= 0)
        close(f->direct);
    if (f->cached >= 0)
        close(f->cached);
    free(f);
}

static const struct store_ops file_store_ops = {
    .submit = submit,
    .get_value = get_value,
    .set_value = set_value,
    .close = close_store,
};

// Byte `byte` for this open file; for readers others' reading is no obstacle.
static bool lock(int fd, bool read_only, s64 byte, u32 wait_ms)
{
    struct flock fl = {.l_type = read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    for (u32 waited = 0; fcntl(fd, F_OFD_SETLK, &fl); waited++) {
        if ((errno != EAGAIN && errno != EACCES) || waited >= wait_ms)
            return errno != EAGAIN && errno != EACCES; // a file system without locks has no other users to fear either
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return true;
}

// Where the file has no place for it, the identity comes from the path.
static void find_identity(struct file_store *f, const char *path)
{
    char full[PATH_MAX];
    u8 *id = f->store.identity;
    if (get_value(&f->store, IDENTITY, id, sizeof(f->store.identity)) == (int)sizeof(f->store.identity)) {
        f->store.keeps_values = !f->store.read_only;
        return;
    }
    ssize_t got = getrandom(id, sizeof(f->store.identity), 0);
    if (!f->store.read_only && got == (ssize_t)sizeof(f->store.identity) &&
        !set_value(&f->store, IDENTITY, id, sizeof(f->store.identity))) {
        f->store.keeps_values = true;
        return;
    }
    u64 hash = 14695981039346656037ull; // FNV-1a
    for (const char *p = realpath(path, full) ? full : path; *p; p++)
        hash = (hash ^ (u8)*p) * 1099511628211ull;
    memcpy(id, &hash, sizeof(hash));
}

static void find_units(struct file_store *f, const char *path, const struct stat *st)
{
    struct statx x;
    int sector = SECTOR;
    f->place_unit = f->memory_unit = SECTOR;
    f->store.physical = (u32)MIN(MAX(st->st_blksize, (long)SECTOR), 4096l);
    if (S_ISBLK(st->st_mode)) {
        unsigned physical = SECTOR;
        if (!ioctl(f->direct >= 0 ? f->direct : f->cached, BLKPBSZGET, &physical) && physical >= SECTOR)
            f->store.physical = physical;
        if (!ioctl(f->direct >= 0 ? f->direct : f->cached, BLKSSZGET, &sector) && sector > (int)SECTOR)
            f->place_unit = f->memory_unit = (u32)sector;
    }
#ifdef STATX_DIOALIGN
    if (!statx(AT_FDCWD, path, 0, STATX_DIOALIGN, &x) && (x.stx_mask & STATX_DIOALIGN) && x.stx_dio_offset_align) {
        f->place_unit = MAX(x.stx_dio_offset_align, SECTOR);
        f->memory_unit = MAX(x.stx_dio_mem_align, 1u);
    }
#else
    (void)x;
#endif
}

static struct store *fail(struct file_store *f, char *why, size_t why_size, const char *text, int err)
{
    snprintf(why, why_size, text, strerror(err));
    close_store(&f->store);
    return NULL;
}

struct store *store_open_file(struct loop *loop, const char *path, bool read_only, u32 wait_ms, char *why,
                              size_t why_size)
{
    struct file_store *f = calloc(1, sizeof(*f));
    if (!f) {
        snprintf(why, why_size, "no memory");
        return NULL;
    }
    struct stat st;
    int flags = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK;
    f->store.ops = &file_store_ops;
    f->store.read_only = read_only;
    f->loop = loop;
    f->direct = -1;
    f->cached = open(path, flags);
    if (f->cached < 0 && errno == ENOENT)
        return fail(f, why, why_size, "there is no such file; make one with: truncate -s 20G FILE", 0);
    if (f->cached < 0 && (errno == EACCES || errno == EROFS) && !read_only)
        return fail(f, why, why_size, "%s; allow writing, or give it as read-only (FILE,ro)", errno);
    if (f->cached < 0)
        return fail(f, why, why_size, "%s", errno);
    if (fstat(f->cached, &st) || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)))
        return fail(f, why, why_size, "is neither a file nor a block device", 0);
    s64 size = lseek(f->cached, 0, SEEK_END);
    f->store.size = size > 0 ? (u64)size / SECTOR * SECTOR : 0;
    if (!f->store.size)
        return fail(f, why, why_size, "is empty; give it its size with: truncate -s 20G FILE", 0);
    f->direct = open(path, flags | O_DIRECT);
    if (!lock(f->cached, read_only, 0, wait_ms) || (f->direct >= 0 && !lock(f->direct, read_only, 1, wait_ms)))
        return fail(
            f, why, why_size,
            "is in use by another partition; a disk that several use must be read-only (FILE,ro) for all of them", 0);
    find_units(f, path, &st);
    find_identity(f, path);
    f->store.thin = true;
    const char *name = strrchr(path, '/');
    snprintf(f->store.name, sizeof(f->store.name), "%s", name ? name + 1 : path);
    return &f->store;
}
