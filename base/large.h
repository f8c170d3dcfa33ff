// SPDX-License-Identifier: Apache-2.0
// Large pages of the host, for memory that is used all over: a translation of the host's then covers 2 MiB instead of 4 KiB. They are an
// optimisation only; where the host has none, nothing changes.
#ifndef BASE_LARGE_H
#define BASE_LARGE_H

#include <stdint.h>
#include <sys/mman.h>

#include "base/types.h"

#define LARGE_PAGE_SHIFT 21
#define LARGE_PAGE       ((size_t)1 << LARGE_PAGE_SHIFT)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 // Linux 6.1
#endif

// Address space for `size` bytes, at a multiple of LARGE_PAGE, to be mapped over; MAP_FAILED: there is none.
static inline void *large_reserve(size_t size)
{
    size_t page = 4096, all = ((size + page - 1) & ~(page - 1)) + LARGE_PAGE;
    u8 *p = mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return p;
    size_t skip = -(uintptr_t)p & (LARGE_PAGE - 1);
    if (skip)
        munmap(p, skip);
    munmap(p + skip + (all - LARGE_PAGE), LARGE_PAGE - skip);
    return p + skip;
}

// The LARGE_PAGE bytes at this address of a shared mapping, some of which have been used, move to one large page. Any thread.
static inline void large_collapse(void *at)
{
    madvise(at, LARGE_PAGE, MADV_COLLAPSE);
}

#endif
