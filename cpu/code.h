// SPDX-License-Identifier: Apache-2.0
// Predecoded code: for each 4 KiB page of guest memory from which instructions were fetched, an array of `struct dinsn`.
//
// Pages are decoded lazily: an entry starts as OP_DECODE, which decodes and replaces itself. Entries are written as
// one atomic doubleword, so any thread may decode or reset an entry at any time. Pages are freed only while every
// thread is stopped (code_flush_all, when the bound on their memory is reached), so a thread may keep a pointer into one.
// A page that is fetched in both byte orders, by one thread after the other or by two at once, has one array for each.
#ifndef CPU_CODE_H
#define CPU_CODE_H

#include "cpu/cpu.h"
#include "cpu/mem.h"

#define CODE_PAGE_INSNS (GUEST_PAGE_SIZE / 4)

// A line: so many instructions that follow each other. Regions know which of the 64 of their page they were made of.
#define CODE_LINE_INSNS (CODE_PAGE_INSNS / 64)

struct cpage {
    struct dinsn insns[CODE_PAGE_INSNS];
    struct dinsn end; // OP_PAGE_END
    u64 gra;
    u8 big_endian;
    // The translator's (cpu/xlate/xlate.c).
    _Atomic u64 links;      // list of the back end's
    _Atomic u8 drops;       // how often its regions were invalidated lately
    _Atomic u32 dropped_at; // milliseconds
    _Atomic u32 version;    // counts writes into the page
    // Taken branches to each instruction, HEAT_DONE: not counted any more. Threads may lose each other's counts.
    _Atomic u8 heat[CODE_PAGE_INSNS];
    _Atomic u64 covered[CODE_PAGE_INSNS / 64]; // instructions that are part of a region
    _Atomic u64 probed[CODE_PAGE_INSNS / 64];  // instructions that were looked up among those of earlier runs
    _Atomic u64 jumped[CODE_PAGE_INSNS / 64];  // instructions that a bctr of the page went to
    _Atomic u64 no_memo[CODE_PAGE_INSNS / 64]; // accesses for which cpu->memo_tag does not pay
    _Atomic u64 no_share[CODE_PAGE_INSNS / 64]; // accesses whose neighbours are in another page
};

// Bound on predecoded pages of one partition (48 MiB); when it is reached all are dropped.
#define CODE_PAGES_MAX ((u32)(48 * MIB / sizeof(struct cpage)))

// The predecoded page at guest real address `gra` (page-aligned, must be memory), made when there is none. Marks the page
// PAGE_CODE, with the invalidation of other threads' write translations that this needs. Never NULL.
// May wait for other threads (group_invalidate, group_exclusive_begin): the caller must not rely on cpu->d afterwards.
struct cpage *code_page(struct cpu *cpu, u64 gra, bool big_endian);

// Memory [gra, gra+size) was written: resets the instructions there. Any thread.
void code_invalidate(struct guest_mem *mem, u64 gra, u64 size);

// An entry without a decoded instruction, like no other before it (interp.c, op_decode). op: OP_DECODE or OP_WARM.
struct dinsn code_unset(u16 op);

// Frees everything. The caller holds the group exclusively (group_exclusive_begin), or no thread runs and it holds group->outside.
void code_flush_all(struct cpu_group *group);

int code_init(struct guest_mem *mem);
void code_fini(struct guest_mem *mem);

#endif
