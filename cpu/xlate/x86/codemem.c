// SPDX-License-Identifier: Apache-2.0
// Code memory: shared memory, mapped once for writing and once for running, filled segment by segment. Behind the mapping for running
// are the cells, which code reads. Both mappings are at multiples of large pages, which the memory gets as it is filled. It is no file: a
// partition's process may not make any.
#include "cpu/xlate/x86/codemem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/large.h"

#define CODE_ALIGN 16
#define CODE_SPARE (256 * KIB) // a region that does not fit while more than this is left is too large by itself

// Near the program's text, so that calls and address computations are short; it works anywhere.
static void *hint(size_t size)
{
    uintptr_t text = (uintptr_t)&interp_ops[0] & ~(uintptr_t)0xfffff;
    uintptr_t below = text - size - (uintptr_t)(64 * MIB);
    return size < GIB && text > 2 * GIB ? (void *)(below & ~(LARGE_PAGE - 1)) : NULL;
}

static void *reserve_near(size_t size)
{
    void *at = mmap(hint(size), size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED || (uintptr_t)at % LARGE_PAGE == 0)
        return at;
    munmap(at, size);
    return large_reserve(size);
}

// One for 32 bytes of code: more than it has, and places stay when code is evicted.
static size_t cells_size(size_t size)
{
    size_t bytes = size / 32 * sizeof(struct link_cell);
    return (bytes + 4095) & ~(size_t)4095;
}

struct code_memory *code_memory_new(size_t size)
{
    size = (size + 4095) & ~(size_t)4095;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, x86_detect);
    struct code_memory *m = calloc(1, sizeof(*m));
    size_t all = size + STUBS_SIZE, cells = cells_size(size);
    if (!m || !size)
        goto failed;
    void *write = large_reserve(all);
    if (write == MAP_FAILED)
        goto failed;
    void *exec = reserve_near(all + cells);
    if (exec == MAP_FAILED) {
        munmap(write, all);
        goto failed;
    }
    void *behind = (u8 *)exec + all;
    // A move of nothing maps the same memory once more.
    if (mmap(write, all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) ==
            MAP_FAILED ||
        mremap(write, 0, all, MREMAP_MAYMOVE | MREMAP_FIXED, exec) == MAP_FAILED ||
        mprotect(exec, all, PROT_READ | PROT_EXEC) || mprotect(behind, cells, PROT_READ | PROT_WRITE)) {
        munmap(write, all);
        munmap(exec, all + cells);
        goto failed;
    }
    madvise(behind, cells, MADV_HUGEPAGE);
    m->write = (u8 *)write + STUBS_SIZE;
    m->exec = (intptr_t)exec - (intptr_t)write;
    m->size = size;
    m->segment_size = MAX(size / CODE_SEGMENTS & ~(size_t)4095, (size_t)4096);
    m->cells = (void *)((u8 *)exec + all);
    m->cells_max = (u32)(cells / sizeof(struct link_cell));
    m->resets = 1;
    pthread_mutex_init(&m->lock, NULL);
    link_emit_stubs(m);
    return m;
failed:
    free(m);
    return NULL;
}

void code_memory_free(struct code_memory *m)
{
    if (!m)
        return;
    munmap(m->write - STUBS_SIZE + m->exec, STUBS_SIZE + m->size + cells_size(m->size));
    munmap(m->write - STUBS_SIZE, STUBS_SIZE + m->size);
    pthread_mutex_destroy(&m->lock);
    free(m->comp);
    free(m);
}

// Small memories have fewer segments.
static unsigned segments(const struct code_memory *m)
{
    return (unsigned)(m->size / m->segment_size);
}

static u8 *segment_start(const struct code_memory *m, unsigned n)
{
    return m->write + n * m->segment_size;
}

void code_memory_reset(struct code_memory *m)
{
    pthread_mutex_lock(&m->lock);
    // The pages go back to the host.
    madvise(m->write, m->size, MADV_REMOVE);
    madvise(m->cells, cells_size(m->size), MADV_DONTNEED);
    for (unsigned i = 0; i < CODE_SEGMENTS; i++)
        __atomic_store_n(&m->filled[i], 0, __ATOMIC_RELAXED);
    m->segment = 0;
    m->cells_used = 0;
    m->cells_full = false;
    m->large = 0;
    m->resets++;
    pthread_mutex_unlock(&m->lock);
}

size_t code_memory_used(const struct code_memory *m)
{
    size_t sum = 0;
    for (unsigned i = 0; i < CODE_SEGMENTS; i++)
        sum += __atomic_load_n(&m->filled[i], __ATOMIC_RELAXED);
    return sum;
}

enum code_room code_memory_room(struct code_memory *m)
{
    enum code_room room = ROOM_ENOUGH;
    pthread_mutex_lock(&m->lock);
    unsigned next = (m->segment + 1) % segments(m);
    if (m->cells_full) {
        room = ROOM_RESET;
    } else if (m->segment_size - m->filled[m->segment] < MIN((size_t)CODE_SPARE, m->segment_size / 4)) {
        room = next == m->segment ? ROOM_RESET : m->filled[next] ? ROOM_EVICT : ROOM_MORE;
        if (room == ROOM_MORE)
            m->segment = next;
    }
    pthread_mutex_unlock(&m->lock);
    return room;
}

struct code_range code_memory_evict(struct code_memory *m)
{
    pthread_mutex_lock(&m->lock);
    unsigned next = (m->segment + 1) % segments(m);
    u8 *start = segment_start(m, next);
    struct code_range range = {(uintptr_t)start + (uintptr_t)m->exec, m->filled[next]};
    link_unlink_range(m, range);
    madvise(start, m->segment_size, MADV_REMOVE);
    __atomic_store_n(&m->filled[next], 0, __ATOMIC_RELAXED);
    m->segment = next;
    pthread_mutex_unlock(&m->lock);
    return range;
}

struct code code_memory_begin(const struct code_memory *m, u64 lines)
{
    u8 *start = segment_start(m, m->segment), *at = start + m->filled[m->segment];
    bool full = m->segment_size - m->filled[m->segment] < CODE_ALIGN + 64;
    if (!full) {
        at += CODE_ALIGN;
        memcpy(at - sizeof(lines), &lines, sizeof(lines));
    }
    return (struct code){.start = at, .at = at, .end = start + m->segment_size, .exec = m->exec, .full = full};
}

// The first code in a part of the file that can be a large page makes it one.
static void enlarge(struct code_memory *m, const u8 *last)
{
    u8 *file = m->write - STUBS_SIZE;
    size_t part = (size_t)(last - file) / LARGE_PAGE;
    if (part + 1 == m->large || (part + 1) * LARGE_PAGE > m->size)
        return;
    m->large = part + 1;
    large_collapse(file + part * LARGE_PAGE);
}

u64 target_lines(const void *code)
{
    u64 lines;
    memcpy(&lines, (const u8 *)code - sizeof(lines), sizeof(lines));
    return lines;
}

const void *code_memory_commit(struct code_memory *m, const struct code *c)
{
    size_t used = (size_t)(c->at - segment_start(m, m->segment));
    used = (used + CODE_ALIGN - 1) & ~(size_t)(CODE_ALIGN - 1);
    __atomic_store_n(&m->filled[m->segment], MIN(used, m->segment_size), __ATOMIC_RELAXED);
    enlarge(m, c->at - 1);
    return c->start + c->exec;
}
