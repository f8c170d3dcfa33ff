// SPDX-License-Identifier: Apache-2.0
// Translated regions as records of the cache: what they were made of, where they are left, and their code.
#ifndef CPU_XLATE_KEEP_H
#define CPU_XLATE_KEEP_H

#include "cpu/code.h"
#include "cpu/xlate/region.h"
#include "cpu/xlate/target.h"

// What is the same for every record of a file: the program and the host. After code_memory_new().
u64 keep_key(void);

// The name of the records for instruction `index` of the page as it is now. Not exact: other regions may have the same.
u64 keep_name(const struct guest_mem *mem, const struct cpage *page, unsigned index, unsigned level);

struct kept {
    u32 guest_insns, ir_insns, accesses; // for statistics
    // Those that the page had when it was compiled (code.h). Code with a memo where it has turned out not to pay is none that fits.
    u64 no_memo[CODE_PAGE_INSNS / 64], no_share[CODE_PAGE_INSNS / 64];
};

// The region that was just compiled, for what memory holds now: bytes of the record, or 0.
size_t keep_write(struct code_memory *m, const struct guest_mem *mem, const struct cpage *page, unsigned index,
                  unsigned level, const struct region_shape *shape, const struct target_code *code, struct kept kept,
                  void *to, size_t size);
// The opposite, when the record is of exactly these instructions in exactly this state: shape and code. False: it is not. `there`: as
// target_load() has it.
bool keep_read(struct code_memory *m, const struct guest_mem *mem, struct cpage *page, unsigned index, unsigned level,
               const void *from, size_t size, const void *there, struct region_shape *shape, struct target_code *code,
               struct kept *kept);
// Whether a record is one at all.
bool keep_ok(const void *from, size_t size);

#endif
