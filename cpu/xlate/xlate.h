// SPDX-License-Identifier: Apache-2.0
// The translator of one partition: which places are hot, their regions' code, and how it goes away. Shared by all threads.
#ifndef CPU_XLATE_XLATE_H
#define CPU_XLATE_XLATE_H

#include <stdio.h>

#include "cpu/code.h"
#include "cpu/interp.h"

struct ir_region;
struct xlate;

// A region's predecoded entry: OP_REGION in the low 16 bits, the address of its code in the others; cpu->xlate_enter goes there.

static inline unsigned heat_get(const struct cpage *page, unsigned index)
{
    return atomic_load_explicit(&page->heat[index], memory_order_relaxed);
}

static inline void heat_set(struct cpage *page, unsigned index, unsigned heat)
{
    atomic_store_explicit(&page->heat[index], (u8)heat, memory_order_relaxed);
}

struct xlate_stats {
    u64 regions, refused; // translated, and places that were not worth it or too large
    u64 remade;           // of regions: once more, with what had not been executed before
    u64 insns;            // instructions in regions
    u64 ir_insns;         // operations, after optimisation
    u64 loaded, kept;     // of the regions: from the file; put into it
    u64 background;       // of regions and refused: by the helper thread
    // Processor time: of translating, of taking code from the file instead, of writing the file during the run.
    u64 nanoseconds, load_nanoseconds, write_nanoseconds;
    u64 writes;         // of the file during the run
    u64 queue_longest;  // places that waited for the helper thread at once
    u64 queue_refused;  // places that found no room there, and had to become hot once more
    u64 executed;       // instructions executed in translated code, of all threads
    u64 code_size;        // of all regions, those that have gone included
    u64 flushes, evictions;
    u64 exits[XLATE_EXITS]; // of all threads
    u64 accesses;           // loads and stores among `insns`
    u64 finds;              // loads and stores executed that did not find their page in line
};

// Taken branches to one place before it is translated, and the size of a partition's code memory. Variables for tests; fixed
// while partitions run.
extern u8 xlate_heat_limit;
extern size_t xlate_code_size;
// Hot places are translated by a thread of their own; else, in tests that count, by whoever finds them hot.
extern bool xlate_in_background;
extern bool xlate_links; // false: every way out of a region ends in the interpreter
#define HEAT_DONE  255u // translated, or not worth it
#define HEAT_WAITS 128u // waits for the helper thread, and is counted from there meanwhile

static inline bool heat_waits(unsigned heat)
{
    return heat >= HEAT_WAITS && heat != HEAT_DONE;
}

// So often executed: hot, or hot once more while it waits.
static inline bool heat_is_hot(unsigned heat)
{
    return (heat & ~HEAT_WAITS) >= xlate_heat_limit;
}

// The file in which regions are kept (NULL: none), and its bound.
extern const char *xlate_cache_path;
extern u64 xlate_cache_size;

// Where each region's address, size and name is written, as `perf` wants it. NULL: nowhere.
extern FILE *xlate_perf_map;

// Called with each new region, after optimisation and compilation (--trace ir, asm). May be NULL.
extern void (*xlate_trace)(const struct ir_region *r, const void *code, size_t size);

// The translator of the cpu's partition, made by the first caller. NULL: this host has no back end, or no memory for one.
struct xlate *xlate_of(struct cpu *cpu);
void xlate_free(struct xlate *x);
// The partition's threads have ended, for now: so does the helper.
void xlate_stop(struct xlate *x);

// Instruction `index` of the page is hot: it will be translated, now or soon. Owner, inside guest code, cpu->d and what is
// counted do not matter. Afterwards the predecoded entry may be another.
void xlate_hot(struct cpu *cpu, struct cpage *page, unsigned index);

// The heat of a place that was never branched to. x: NULL is none.
unsigned xlate_first_heat(const struct xlate *x);

// Code memory is full, and something has to go: at an instruction boundary outside of any page.
bool xlate_wants_flush(const struct xlate *x);
void xlate_flush(struct cpu *cpu);

// Instructions first..last of the page were written, and their predecoded entries reset. Any thread.
void xlate_written(struct xlate *x, struct cpage *page, unsigned first, unsigned last);

// The access of cpu->memo_failed is better off without a memo, or a lookup of its own (cpu.h): its page's regions are dropped. The owner,
// outside of any page.
void xlate_memo_failed(struct cpu *cpu);

// Everything was flushed (code_flush_all): no thread is inside guest code.
void xlate_reset(struct xlate *x);

struct xlate_stats xlate_stats(struct xlate *x);

#endif
