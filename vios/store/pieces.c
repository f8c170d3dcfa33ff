// SPDX-License-Identifier: Apache-2.0
//
// A disk in pieces of several files or block devices, as a logical volume on disks of a volume group is: each file is a store of its own, and an operation becomes one for
// each piece that it touches.
#include "vios/store/pieces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vios/store/state.h"

struct piece {
    struct store *file;
    u64 start, offset, size; // in the disk, in the file
};

struct pieces_store {
    struct store store;
    struct piece *piece;
    u32 len;
    struct store **file;
    u32 files;
    int state; // -1
};

// An operation under way: the parts of it.
struct part {
    struct store_io io;
    struct job *job;
    u64 at; // from the operation's beginning
};

struct job {
    struct store_io *io;
    u32 waiting;
    int err;
    u64 moved; // before the first part that failed
    struct part part[];
};

static struct pieces_store *of(struct store *store)
{
    return container_of(store, struct pieces_store, store);
}

static void part_done(struct store_io *io, int err)
{
    struct part *part = container_of(io, struct part, io);
    struct job *job = part->job;
    u64 moved = part->at + (err ? io->moved : io->size);
    if (err && (!job->err || moved < job->moved)) {
        job->err = err;
        job->moved = moved;
    }
    if (--job->waiting)
        return;
    struct store_io *whole = job->io;
    err = job->err;
    whole->moved = err ? job->moved : whole->size;
    free(job);
    whole->done(whole, err);
}

// The piece that a place is in. Pieces have no gaps.
static u32 find_piece(const struct pieces_store *p, u64 at)
{
    u32 low = 0, high = p->len;
    while (low + 1 < high) {
        u32 middle = (low + high) / 2;
        if (p->piece[middle].start <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static struct job *new_job(struct store_io *io, u32 len)
{
    struct job *job = calloc(1, sizeof(*job) + len * sizeof(job->part[0]));
    if (job)
        *job = (struct job){.io = io, .waiting = len};
    return job;
}

static void add_part(struct job *job, u32 i, u64 at, u64 offset, u64 size)
{
    const struct store_io *io = job->io;
    job->part[i] = (struct part){.job = job,
                                 .at = at,
                                 .io = {.op = io->op,
                                        .durable = io->durable,
                                        .data = io->data ? io->data + at : NULL,
                                        .offset = offset,
                                        .size = size,
                                        .done = part_done}};
}

static void submit_flush(struct pieces_store *p, struct store_io *io)
{
    u32 files = p->files;
    struct job *job = new_job(io, files);
    if (!job) {
        io->done(io, -ENOMEM);
        return;
    }
    for (u32 i = 0; i < files; i++)
        add_part(job, i, 0, 0, 0);
    for (u32 i = 0; i < files; i++) // the last answer ends the job
        store_submit(p->file[i], &job->part[i].io);
}

static void submit(struct store *store, struct store_io *io)
{
    struct pieces_store *p = of(store);
    if (io->op == STORE_FLUSH) {
        submit_flush(p, io);
        return;
    }
    if (!io->size || io->offset > store->size || io->size > store->size - io->offset) {
        io->done(io, io->size ? -EIO : 0);
        return;
    }
    u32 first = find_piece(p, io->offset), last = find_piece(p, io->offset + io->size - 1), len = last - first + 1;
    struct job *job = new_job(io, len);
    if (!job) {
        io->done(io, -ENOMEM);
        return;
    }
    u64 at = 0;
    for (u32 i = 0; i < len; i++) {
        const struct piece *piece = &p->piece[first + i];
        u64 inside = io->offset + at - piece->start, size = MIN(io->size - at, piece->size - inside);
        add_part(job, i, at, piece->offset + inside, size);
        at += size;
    }
    for (u32 i = 0; i < len; i++)
        store_submit(p->piece[first + i].file, &job->part[i].io);
}

static int get_value(struct store *store, const char *name, void *value, size_t size)
{
    struct pieces_store *p = of(store);
    return p->state < 0 ? -ENODATA : state_get(p->state, name, value, size);
}

static int set_value(struct store *store, const char *name, const void *value, size_t size)
{
    struct pieces_store *p = of(store);
    return p->state < 0 ? -EOPNOTSUPP : state_set(p->state, name, value, size);
}

static void close_store(struct store *store)
{
    struct pieces_store *p = of(store);
    for (u32 i = 0; i < p->files; i++)
        p->file[i]->ops->close(p->file[i]);
    if (p->state >= 0)
        close(p->state);
    free(p->file);
    free(p->piece);
    free(p);
}

static const struct store_ops pieces_ops = {
    .submit = submit,
    .get_value = get_value,
    .set_value = set_value,
    .close = close_store,
};

struct store *pieces_new(const struct store *like, struct store *const *files, u32 files_len,
                         const struct vios_piece *pieces, u32 len, int state)
{
    struct pieces_store *p = calloc(1, sizeof(*p));
    struct piece *piece = calloc(len, sizeof(*piece));
    struct store **file = calloc(files_len, sizeof(struct store *));
    if (!p || !piece || !file) {
        free(p);
        free(piece);
        free(file);
        return NULL;
    }
    p->store = *like;
    p->store.ops = &pieces_ops;
    p->store.size = 0;
    for (u32 i = 0; i < len; i++) {
        piece[i] = (struct piece){files[pieces[i].file], p->store.size, pieces[i].offset, pieces[i].size};
        p->store.size += pieces[i].size;
    }
    memcpy(file, files, files_len * sizeof(struct store *));
    p->piece = piece;
    p->len = len;
    p->file = file;
    p->files = files_len;
    p->state = state;
    return &p->store;
}

// What the larger one begins with is what there is: operations under way go on.
static bool begins_with(const struct pieces_store *larger, const struct pieces_store *p)
{
    for (u32 i = 0; i < p->len; i++) {
        const struct piece *a = &p->piece[i], *b = i < larger->len ? &larger->piece[i] : NULL;
        if (!b || b->offset != a->offset || b->start != a->start ||
            (i + 1 < p->len ? b->size != a->size : b->size < a->size))
            return false;
    }
    return true;
}

int pieces_grow(struct store *store, struct store *larger)
{
    if (store->ops != &pieces_ops || larger->ops != &pieces_ops || !begins_with(of(larger), of(store)))
        return -EINVAL;
    struct pieces_store *p = of(store), *l = of(larger);
    struct store **all = calloc(p->files + l->files, sizeof(struct store *));
    if (!all)
        return -ENOMEM;
    // The files of before stay open until the end: operations on them may be under way.
    memcpy(all, l->file, l->files * sizeof(struct store *));
    memcpy(all + l->files, p->file, p->files * sizeof(struct store *));
    free(p->file);
    free(p->piece);
    p->file = all;
    p->files += l->files;
    p->piece = l->piece;
    p->len = l->len;
    p->store.size = l->store.size;
    if (l->state >= 0)
        close(l->state); // the same file
    free(l->file);
    free(l);
    return 0;
}
