// SPDX-License-Identifier: Apache-2.0
// The partition's I/O thread: waits for descriptors (the bells of links, above all) and calls whoever they belong to.
#ifndef VDEV_IO_THREAD_H
#define VDEV_IO_THREAD_H

#include "base/types.h"

struct io_thread;

#define IO_SOURCES_MAX 256u

// The memory is the caller's, who removes a source before that goes away.
struct io_source {
    // Set by the caller.
    int fd; // readable: ready() is called, again and again while it is
    void (*ready)(void *arg);
    void *arg;
    // The thread's.
    u32 place;
};

struct io_thread *io_thread_start(void);   // NULL: no memory or threads
void io_thread_stop(struct io_thread *io); // takes NULL; no source is left

// Any thread, ready() among them. After io_thread_remove() the callback does not run any more (the caller holds no lock that it takes). 0 or a negative errno.
int io_thread_add(struct io_thread *io, struct io_source *source);
void io_thread_remove(struct io_thread *io, struct io_source *source);

#endif
