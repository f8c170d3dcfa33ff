// SPDX-License-Identifier: Apache-2.0
// Code memory: one file in memory, mapped once for writing and once for running, filled from the bottom.
#include "cpu/xlate/x86/codemem.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define CODE_ALIGN 16

// Near the program's text, so that calls and address computations are short; it works anywhere.
static void *hint(size_t size)
{
    uintptr_t text = (uintptr_t)&interp_ops[0] & ~(uintptr_t)0xfffff;
    uintptr_t below = text - size - (uintptr_t)(64 * MIB);
    return size < GIB && text > 2 * GIB ? (void *)below : NULL;
}

struct code_memory *code_memory_new(size_t size)
{
    size = (size + 4095) & ~(size_t)4095;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, x86_detect);
    struct code_memory *m = calloc(1, sizeof(*m));
    int fd = memfd_create("openlpar-code", MFD_CLOEXEC);
    if (!m || fd < 0 || !size || ftruncate(fd, (off_t)size) < 0)
        goto failed;
    void *write = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (write == MAP_FAILED)
        goto failed;
    void *exec = mmap(hint(size), size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (exec == MAP_FAILED) {
        munmap(write, size);
        goto failed;
    }
    close(fd);
    m->write = write;
    m->exec = (intptr_t)exec - (intptr_t)write;
    m->size = size;
    pthread_mutex_init(&m->lock, NULL);
    return m;
failed:
    if (fd >= 0)
        close(fd);
    free(m);
    return NULL;
}

void code_memory_free(struct code_memory *m)
{
    if (!m)
        return;
    munmap(m->write + m->exec, m->size);
    munmap(m->write, m->size);
    pthread_mutex_destroy(&m->lock);
    free(m->comp);
    free(m);
}

void code_memory_reset(struct code_memory *m)
{
    pthread_mutex_lock(&m->lock);
    // The pages go back to the host.
    madvise(m->write, m->used, MADV_REMOVE);
    m->used = 0;
    pthread_mutex_unlock(&m->lock);
}

size_t code_memory_used(const struct code_memory *m)
{
    return __atomic_load_n(&m->used, __ATOMIC_RELAXED);
}

struct code code_memory_begin(const struct code_memory *m)
{
    u8 *at = m->write + m->used;
    return (struct code){
        .start = at, .at = at, .end = m->write + m->size, .exec = m->exec, .full = m->size - m->used < 64};
}

const void *code_memory_commit(struct code_memory *m, const struct code *c)
{
    size_t used = (size_t)(c->at - m->write);
    used = (used + CODE_ALIGN - 1) & ~(size_t)(CODE_ALIGN - 1);
    __atomic_store_n(&m->used, MIN(used, m->size), __ATOMIC_RELAXED);
    return c->start + c->exec;
}
