// SPDX-License-Identifier: Apache-2.0
//
// Disks in files and on block devices, by io_uring. Data goes past the host's page cache where place and size allow that (O_DIRECT), so that what is in the link's data
// area is what the device reads.
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "vios/store/open.h"
#include "vios/store/pieces.h"
#include "vios/store/remote.h"
#include "vios/store/state.h"
#include "vios/store/store.h"

#define ZEROS_SIZE (256 * KIB)
#define TRANSFER   (16 * MIB) // at once; the kernel's own limit is 2 GiB

struct file_store {
    struct store store;
    struct loop *loop;
    int direct, cached;     // descriptors; direct may be -1
    int state;              // -1: values are extended attributes of the file
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
    return f->direct >= 0 && fits ? f->direct : f->cached;
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
    struct file_store *f = of(store);
    if (f->state >= 0)
        return state_get(f->state, name, value, size);
    snprintf(full, sizeof(full), STORE_VALUE_PREFIX "%s", name);
    ssize_t got = fgetxattr(f->cached, full, value, size);
    return got < 0 ? -errno : (int)got;
}

static int set_value(struct store *store, const char *name, const void *value, size_t size)
{
    char full[64];
    struct file_store *f = of(store);
    if (f->state >= 0)
        return state_set(f->state, name, value, size);
    snprintf(full, sizeof(full), STORE_VALUE_PREFIX "%s", name);
    if (fsetxattr(f->cached, full, value, size, 0) || fsync(f->cached))
        return -errno;
    return 0;
}

static void close_store(struct store *store)
{
    struct file_store *f = of(store);
    int fds[] = {f->direct, f->cached, f->state};
    for (unsigned i = 0; i < ARRAY_LEN(fds); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    free(f);
}

static const struct store_ops file_store_ops = {
    .submit = submit,
    .get_value = get_value,
    .set_value = set_value,
    .close = close_store,
};

static struct store *file_store_new(struct loop *loop, const struct vios_disk *m, int cached, int direct, int state)
{
    struct file_store *f = calloc(1, sizeof(*f));
    if (!f)
        return NULL;
    f->store = (struct store){.ops = &file_store_ops,
                              .size = m->size,
                              .physical = m->physical,
                              .read_only = m->flags & (VIOS_DISK_READ_ONLY | VIOS_DISK_OPTICAL),
                              .thin = true,
                              .keeps_values = m->flags & (VIOS_DISK_VALUES | VIOS_DISK_STATE)};
    memcpy(f->store.identity, m->identity, sizeof(f->store.identity));
    snprintf(f->store.name, sizeof(f->store.name), "%s", m->name);
    f->loop = loop;
    f->place_unit = m->place_unit;
    f->memory_unit = m->memory_unit;
    f->cached = cached;
    f->direct = direct;
    f->state = state;
    return &f->store;
}

static struct store *pieces_from_descriptors(struct loop *loop, const struct vios_disk *m, const int *fds)
{
    struct store *files[VIOS_FILES_MAX];
    u32 len = vios_disk_files(m), made = 0;
    bool direct = m->flags & VIOS_DISK_DIRECT;
    const int *last = fds + len * (direct ? 2 : 1);
    for (; made < len; made++) {
        files[made] = file_store_new(loop, m, fds[direct ? 2 * made : made], direct ? fds[2 * made + 1] : -1, -1);
        if (!files[made])
            break;
        files[made]->keeps_values = false; // several disks are in one file
    }
    struct store *like = made ? files[0] : NULL, *store = NULL;
    if (made == len && len) {
        struct store named = *like;
        named.keeps_values = m->flags & VIOS_DISK_STATE;
        store = pieces_new(&named, files, len, m->pieces, m->pieces_len, m->flags & VIOS_DISK_STATE ? *last : -1);
    }
    for (u32 i = 0; !store && i < made; i++)
        free(of(files[i])); // the descriptors are still the caller's
    return store;
}

struct store *store_from_descriptors(struct loop *loop, const struct vios_disk *m, const int *fds)
{
    if (m->flags & VIOS_DISK_REMOTE)
        return remote_store_new(loop, m, fds, m->flags & VIOS_DISK_STATE ? fds[REMOTE_FDS] : -1);
    if (m->flags & VIOS_DISK_PIECES)
        return pieces_from_descriptors(loop, m, fds);
    bool direct = m->flags & VIOS_DISK_DIRECT;
    return file_store_new(loop, m, fds[0], direct ? fds[1] : -1, m->flags & VIOS_DISK_STATE ? fds[1 + direct] : -1);
}
