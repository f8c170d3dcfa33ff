// SPDX-License-Identifier: Apache-2.0
// Guest real memory: one mapping of a memfd, with state per 4 KiB page so that pages can be tracked as dirty, hold
// predecoded code, be taken away and given back while the partition runs.
//
// There may be less memory than addresses: what is no memory, in blocks of 16 MiB, is like what lies beyond the end (cpu/block.h).
//
// Any thread may call everything here. A page's flags only tell what cached translations must not bypass; the protocol
// for turning a flag on while other threads run is in cpu/group.h (group_invalidate_real_page).
#ifndef CPU_MEM_H
#define CPU_MEM_H

#include <stdatomic.h>

#include "base/large.h"
#include "cpu/cpu.h"

enum page_flag {
    PAGE_CODE = 1 << 0,     // predecoded instructions exist: stores take the slow path
    PAGE_CLEAN = 1 << 1,    // dirty tracking is on and the page was not written since: stores take the slow path
    PAGE_ABSENT = 1 << 2,   // taken away: every access takes the slow path
    PAGE_WRITABLE = 1 << 3, // some thread's TLB may hold a write translation
};

struct guest_mem {
    u8 *base;                         // host address of guest real address 0
    u64 size;                         // of the address range, bytes, a multiple of 64 KiB
    int fd;                           // the memfd
    _Atomic u8 *blocks;               // per 16 MiB: 1: memory
    _Atomic u32 holes;                // how many of them are none
    _Atomic u8 *flags;                // per page, enum page_flag
    struct cpage *_Atomic (*code)[2]; // per page: predecoded little- and big-endian instructions, or NULL (cpu/code.h)
    _Atomic u8 *touches;              // per 2 MiB: how often a page of them got a translation, up to MEM_TOUCHES
    struct cpage *code_arena;         // where those live: CODE_PAGES_MAX of them, reserved
    _Atomic u32 code_used;            // how many of the arena are in use
    struct xlate *xlate;              // the translator of a partition that has one (cpu/xlate)
};

// Reserves `size` bytes without touching them. 0 or a negative errno (-ENOMEM when the host has not got them).
int guest_mem_init(struct guest_mem *mem, u64 size);
void guest_mem_fini(struct guest_mem *mem);

#define GUEST_BLOCK_SHIFT 24
#define GUEST_BLOCK_SIZE  (1ull << GUEST_BLOCK_SHIFT)

// Whether [gra, gra+size), which is in the address range, has no hole.
bool guest_mem_whole(const struct guest_mem *mem, u64 gra, u64 size);

static inline bool guest_mem_contains(const struct guest_mem *mem, u64 gra, u64 size)
{
    return gra < mem->size && size <= mem->size - gra &&
           (likely(!atomic_load_explicit(&mem->holes, memory_order_relaxed)) || guest_mem_whole(mem, gra, size));
}

// Host address of [gra, gra+size), or NULL when it is not all memory. Reading needs no more than this.
static inline void *guest_mem_at(const struct guest_mem *mem, u64 gra, u64 size)
{
    return guest_mem_contains(mem, gra, size) ? mem->base + gra : NULL;
}

// Counts a translation made for a page. Memory that is used much gets large pages of the host.
#define MEM_TOUCHES 16u
void guest_mem_enlarge(struct guest_mem *mem, u64 gra);
static inline void guest_mem_touched(struct guest_mem *mem, u64 gra)
{
    _Atomic u8 *touches = &mem->touches[gra >> LARGE_PAGE_SHIFT];
    unsigned n = atomic_load_explicit(touches, memory_order_relaxed);
    if (likely(n == MEM_TOUCHES))
        return;
    atomic_store_explicit(touches, (u8)(n + 1), memory_order_relaxed);
    if (n + 1 == MEM_TOUCHES)
        guest_mem_enlarge(mem, gra);
}

// To be called by whoever writes guest memory other than through a thread's stores (hypervisor calls, firmware, DMA),
// after writing: marks the pages as dirty and drops predecoded instructions.
void guest_mem_wrote(struct guest_mem *mem, u64 gra, u64 size);

// Checked copies; false when the range is not all memory (nothing is copied then).
bool guest_mem_read(const struct guest_mem *mem, u64 gra, void *to, u64 size);
bool guest_mem_write(struct guest_mem *mem, u64 gra, const void *from, u64 size);

#endif
