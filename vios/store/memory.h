// SPDX-License-Identifier: Apache-2.0
// For unit tests: a disk in memory that keeps what it is asked for, fails when told to, and answers at once or when it is let.
#ifndef VIOS_STORE_MEMORY_H
#define VIOS_STORE_MEMORY_H

#include <errno.h>
#include <string.h>

#include "vios/store/store.h"

#define MEMORY_BLOCKS 4096u
#define MEMORY_SIZE   (MEMORY_BLOCKS * 512u)

struct memory_store {
    struct store store;
    u8 data[MEMORY_SIZE];
    int error;    // of the next operations; 0: they succeed
    u64 error_at; // of those that touch this byte; ~0: of all
    bool held;    // operations wait for memory_store_release()
    struct store_io *waiting[64];
    u32 waiting_len;
    u32 flushes, discards, durable; // how many there were
    u8 value[2048];                 // the only one that is kept
    int value_size;
    bool closed;
};

static inline void memory_store_serve(struct memory_store *m, struct store_io *io)
{
    bool touches = m->error_at == ~0ull || (io->offset <= m->error_at && m->error_at < io->offset + io->size);
    if (m->error && touches) {
        io->moved = m->error_at == ~0ull ? 0 : m->error_at - io->offset;
        io->done(io, m->error);
        return;
    }
    if (io->op == STORE_READ)
        memcpy(io->data, m->data + io->offset, io->size);
    else if (io->op == STORE_WRITE)
        memcpy(m->data + io->offset, io->data, io->size);
    else if (io->op != STORE_FLUSH)
        memset(m->data + io->offset, 0, io->size);
    m->flushes += io->op == STORE_FLUSH;
    m->discards += io->op == STORE_DISCARD;
    m->durable += io->op == STORE_WRITE && io->durable;
    io->moved = io->size;
    io->done(io, 0);
}

static inline void memory_store_submit(struct store *store, struct store_io *io)
{
    struct memory_store *m = container_of(store, struct memory_store, store);
    if (m->held)
        m->waiting[m->waiting_len++] = io;
    else
        memory_store_serve(m, io);
}

// The oldest one that waits goes on.
static inline void memory_store_release(struct memory_store *m)
{
    struct store_io *io = m->waiting[0];
    memmove(m->waiting, m->waiting + 1, --m->waiting_len * sizeof(io));
    memory_store_serve(m, io);
}

static inline int memory_store_get(struct store *store, const char *name, void *value, size_t size)
{
    struct memory_store *m = container_of(store, struct memory_store, store);
    if (!m->value_size)
        return -ENODATA;
    memcpy(value, m->value, MIN((size_t)m->value_size, size));
    return m->value_size;
}

static inline int memory_store_set(struct store *store, const char *name, const void *value, size_t size)
{
    struct memory_store *m = container_of(store, struct memory_store, store);
    if (m->error || size > sizeof(m->value))
        return -EIO;
    memcpy(m->value, value, size);
    m->value_size = (int)size;
    return 0;
}

static inline void memory_store_close(struct store *store)
{
    container_of(store, struct memory_store, store)->closed = true;
}

static const struct store_ops memory_store_ops = {
    .submit = memory_store_submit,
    .get_value = memory_store_get,
    .set_value = memory_store_set,
    .close = memory_store_close,
};

static inline void memory_store_init(struct memory_store *m)
{
    memset(m, 0, sizeof(*m));
    m->error_at = ~0ull;
    m->store = (struct store){.ops = &memory_store_ops,
                              .size = MEMORY_SIZE,
                              .physical = 4096,
                              .thin = true,
                              .keeps_values = true,
                              .identity = {0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0},
                              .name = "memory"};
}

#endif
