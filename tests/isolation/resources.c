// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/isolation/attacks.h"

#define MUCH_MEMORY  (64 * GIB)
#define MANY_THREADS 4000
#define MANY_FILES   4000
#define FATE_SECONDS 60 // in which the hypervisor must have noticed

// Addresses, never touched: the host must not suffer when the test fails.
static long much_memory(const struct target *t)
{
    for (u64 got = 0; got < MUCH_MEMORY; got += 64 * MIB)
        if (mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
            return -errno;
    return 1;
}

static long much_shared_memory(const struct target *t)
{
    for (u64 got = 0; got < MUCH_MEMORY; got += 64 * MIB)
        if (mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
            return -errno;
    return 1;
}

// Within its addresses, but more than a partition of its size needs: the hypervisor ends it.
static long touched_memory(const struct target *t)
{
    u64 size = 1280 * MIB;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return -errno;
    for (u64 at = 0; at < size; at += 4096)
        p[at] = 1;
    sleep(FATE_SECONDS);
    return 1;
}

static void *sleeper(void *arg)
{
    sleep(FATE_SECONDS * 2);
    return arg;
}

static long many_threads(const struct target *t)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, MIB); // with what is each thread's own
    for (unsigned i = 0; i < MANY_THREADS; i++) {
        int err = pthread_create(&thread, &attr, sleeper, NULL);
        if (err && i < 100)
            return -err;
        if (err)
            break; // as many as it gets: the hypervisor ends it
    }
    sleep(FATE_SECONDS);
    return 1;
}

// Those that it got are given back: without any it could not take the descriptors of the next message, and so not say how it went.
static long many_files(const struct target *t)
{
    static int got[MANY_FILES];
    unsigned len = 0;
    while (len < MANY_FILES && (got[len] = fcntl(0, F_DUPFD_CLOEXEC, 3)) >= 0)
        len++;
    long why = len < MANY_FILES ? -errno : 1;
    while (len)
        close(got[--len]);
    return why;
}

// What it was given keeps its size.
static long larger_file(const struct target *t)
{
    for (int fd = 4; fd < 128; fd++)
        if (fallocate(fd, 0, 0, (off_t)(64 * GIB)) == 0)
            return fd;
    return -EPERM;
}

const struct attack attacks_resources[] = {
    {"much_memory", much_memory, ENOMEM},
    {"much_shared_memory", much_shared_memory, ENOMEM},
    {"touched_memory", touched_memory, -1},
    {"many_threads", many_threads, -1},
    {"many_files", many_files, EMFILE},
    {"larger_file", larger_file, -1},
    {NULL, NULL, 0},
};
