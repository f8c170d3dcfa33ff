// SPDX-License-Identifier: Apache-2.0
// Host code memory as this back end uses it (target.h has what others see).
#ifndef CPU_XLATE_X86_CODEMEM_H
#define CPU_XLATE_X86_CODEMEM_H

#include <pthread.h>

#include "cpu/xlate/target.h"
#include "cpu/xlate/x86/emit.h"
#include "cpu/xlate/x86/link.h"

#define STUBS_SIZE (4096 + FINDERS * FINDER_SIZE) // whole pages in front of the code

#define CODE_SEGMENTS 8u

struct code_memory {
    u8 *write;     // the writable mapping, behind the shared stubs
    intptr_t exec; // distance to the executable one
    size_t size;
    // Code is put into one segment after the other. When the last one is full, the oldest one is emptied.
    size_t segment_size, filled[CODE_SEGMENTS];
    unsigned segment; // that code is put into
    size_t large;     // number of the part of the file that became a large page last, from 1
    struct link_stubs stubs;
    struct link_cell *cells; // in reach of the code, never executable
    u32 cells_used, cells_max;
    bool cells_full;
    u64 resets;
    pthread_mutex_t lock; // held while code is emitted
    struct comp *comp;    // the compiler's working memory
};

// The free space as a place to emit a region's code to; the caller holds the lock. In front of each of its entries are the lines that it was
// made of (ir.h): in front of the first one by this.
struct code code_memory_begin(const struct code_memory *m, u64 lines);
// What was emitted stays; the address at which it runs.
const void *code_memory_commit(struct code_memory *m, const struct code *c);

#endif
