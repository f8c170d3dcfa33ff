// SPDX-License-Identifier: Apache-2.0
//
// Callbacks run under one lock, which whoever removes a source takes, too: afterwards none of its callbacks runs. An event that was there before names its
// source by place and generation, and is dropped when that one is gone.
#include "vdev/io_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct io_thread {
    int epoll, stop;
    pthread_t thread;
    pthread_mutex_t lock; // recursive: callbacks add and remove sources
    struct {
        struct io_source *source; // under lock; NULL: free
        u32 generation;           // under lock
    } places[IO_SOURCES_MAX];
};

#define STOP (~0ull)

static void dispatch(struct io_thread *io, u64 name)
{
    u32 place = (u32)name, generation = (u32)(name >> 32);
    pthread_mutex_lock(&io->lock);
    struct io_source *source = io->places[place].source;
    if (source && io->places[place].generation == generation)
        source->ready(source->arg);
    pthread_mutex_unlock(&io->lock);
}

static void *run(void *arg)
{
    struct io_thread *io = arg;
    struct epoll_event events[16];
    for (;;) {
        int len = epoll_wait(io->epoll, events, ARRAY_LEN(events), -1);
        for (int i = 0; i < len; i++) {
            if (events[i].data.u64 == STOP)
                return NULL;
            dispatch(io, events[i].data.u64);
        }
    }
}

struct io_thread *io_thread_start(void)
{
    struct io_thread *io = calloc(1, sizeof(*io));
    if (!io)
        return NULL;
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&io->lock, &attr);
    pthread_mutexattr_destroy(&attr);
    io->epoll = epoll_create1(EPOLL_CLOEXEC);
    io->stop = eventfd(0, EFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = STOP};
    if (io->epoll >= 0 && io->stop >= 0 && !epoll_ctl(io->epoll, EPOLL_CTL_ADD, io->stop, &event) &&
        !pthread_create(&io->thread, NULL, run, io))
        return io;
    if (io->epoll >= 0)
        close(io->epoll);
    if (io->stop >= 0)
        close(io->stop);
    pthread_mutex_destroy(&io->lock);
    free(io);
    return NULL;
}

void io_thread_stop(struct io_thread *io)
{
    if (!io)
        return;
    u64 one = 1;
    ssize_t done = write(io->stop, &one, sizeof(one));
    (void)done;
    pthread_join(io->thread, NULL);
    close(io->epoll);
    close(io->stop);
    pthread_mutex_destroy(&io->lock);
    free(io);
}

int io_thread_add(struct io_thread *io, struct io_source *source)
{
    u32 place = 0;
    int err = -ENOSPC;
    pthread_mutex_lock(&io->lock);
    while (place < IO_SOURCES_MAX && io->places[place].source)
        place++;
    if (place < IO_SOURCES_MAX) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = (u64)(++io->places[place].generation) << 32 | place};
        source->place = place;
        err = epoll_ctl(io->epoll, EPOLL_CTL_ADD, source->fd, &event) ? -errno : 0;
        if (!err)
            io->places[place].source = source;
    }
    pthread_mutex_unlock(&io->lock);
    return err;
}

void io_thread_remove(struct io_thread *io, struct io_source *source)
{
    pthread_mutex_lock(&io->lock);
    if (io->places[source->place].source == source) {
        epoll_ctl(io->epoll, EPOLL_CTL_DEL, source->fd, NULL);
        io->places[source->place].source = NULL;
    }
    pthread_mutex_unlock(&io->lock);
}
