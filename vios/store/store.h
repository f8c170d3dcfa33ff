// SPDX-License-Identifier: Apache-2.0
// The seam to what holds a disk's data: a file or block device (file.c), memory (memory.h, for tests).
#ifndef VIOS_STORE_STORE_H
#define VIOS_STORE_STORE_H

#include "vios/loop.h"

struct store;

enum store_op {
    STORE_READ,
    STORE_WRITE,
    STORE_FLUSH,   // what was written, and answered, is on stable storage
    STORE_DISCARD, // reads as zero afterwards; its space is given back where that can be
    STORE_ZERO,    // reads as zero, keeps its space where that can be
};

// One operation. The memory is the caller's until done().
struct store_io {
    // Set by the caller.
    enum store_op op;
    bool durable;                               // STORE_WRITE: done when it is on stable storage
    u8 *data;                                   // STORE_READ, STORE_WRITE
    u64 offset, size;                           // within the store
    void (*done)(struct store_io *io, int err); // 0 or a negative errno; perhaps before submit() returns
    // The store's.
    struct loop_op loop_op;
    struct store *store;
    u64 moved;
    u8 *zeros;
};

// All on the loop's thread. submit() does not block and never fails otherwise than through done().
struct store_ops {
    void (*submit)(struct store *store, struct store_io *io);
    // Small values that stay with the data and outlive the server, written to stable storage before this returns. 0 or the size, or a negative errno. NULL:
    // the store keeps none.
    int (*get_value)(struct store *store, const char *name, void *value, size_t size);
    int (*set_value)(struct store *store, const char *name, const void *value, size_t size);
    void (*close)(struct store *store);
};

struct store {
    const struct store_ops *ops;
    u64 size;
    u32 physical; // bytes that are written at once below: a multiple of 512
    bool read_only;
    bool thin;         // STORE_DISCARD gives space back
    bool keeps_values; // set_value() works
    u8 identity[8];    // the same for as long as it is the same store
    char name[64];     // for people
};

#define STORE_VALUE_PREFIX "user.openlpar." // names of values that are extended attributes

struct vios_disk;
// What store_open() opened (vios/store/open.h). It takes the descriptors over. NULL: no memory, and they are still the caller's.
struct store *store_from_descriptors(struct loop *loop, const struct vios_disk *m, const int *fds);

static inline void store_submit(struct store *store, struct store_io *io)
{
    io->store = store;
    io->moved = 0;
    store->ops->submit(store, io);
}

#endif
