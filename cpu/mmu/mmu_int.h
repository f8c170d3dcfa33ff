// SPDX-License-Identifier: Apache-2.0
// What the MMU's files share. Owner's thread only, except where it says otherwise.
#ifndef CPU_MMU_MMU_INT_H
#define CPU_MMU_MMU_INT_H

#include "cpu/cpu.h"
#include "cpu/mmu/mmu.h"

#define PROT_READ_OK  1u
#define PROT_WRITE_OK 2u
#define PROT_EXEC_OK  4u

enum mmu_fault { FAULT_NONE, FAULT_STORAGE, FAULT_SEGMENT, FAULT_MACHINE_CHECK };

// The result of a translation: valid for the 4 KiB page around the effective address.
struct translation {
    u64 gra;   // of the address that was asked for
    u64 va;    // hash: virtual address >> 12, for invalidation
    u8 prot;   // PROT_*_OK: what may be done without asking again (write: only when the change bit is set)
    u64 cause; // FAULT_STORAGE: DSISR (without the store bit) or SRR1 bits
};

// One access of `cpu` in its current state; `probe`: change nothing (reference and change bits), ignore no fault.
enum mmu_fault mmu_translate(struct cpu *cpu, u64 ea, enum mmu_access access, bool probe, struct translation *tr);
enum mmu_fault mmu_radix_translate(struct cpu *cpu, u64 ea, enum mmu_access access, bool probe, struct translation *tr);
enum mmu_fault mmu_hash_translate(struct cpu *cpu, u64 ea, enum mmu_access access, bool probe, struct translation *tr);
// Hash, real mode through the virtual real mode area.
enum mmu_fault mmu_vrma_translate(struct cpu *cpu, u64 ea, enum mmu_access access, bool probe, struct translation *tr);

static inline unsigned mmu_prot_needed(enum mmu_access access)
{
    return access == ACCESS_LOAD ? PROT_READ_OK : access == ACCESS_STORE ? PROT_WRITE_OK : PROT_EXEC_OK;
}

// Tables of translations (tables.c).
#define USER_TABLES   8u
#define KERNEL_TABLES 4u
#define TABLES        (USER_TABLES + KERNEL_TABLES + 1u)
#define LOWER_LOG     32u
#define SPACE_NONE    (~0ull)
#define FETCHED_BITS  4096u

struct tlb_table {
    struct tlb_entry *data; // room for TLB_BITS_MAX
    struct ftlb_entry *fetch;
    struct jump *jumps; // to what `fetch` has, or had
    // A bit for each page that `fetch` has had since it was empty, by its number modulo the length.
    u64 fetched[FETCHED_BITS / 64];
    u64 *fetch_va;    // for each of `fetch`: hash, virtual address >> 12
    u64 mask;         // as cpu->tlb_mask
    u64 space, guard; // whose they are
    u64 gen;          // user: of its space in the cache of walks
    u64 used;         // when it was last chosen
    bool ready;       // false: never chosen, without content
    u32 fills;        // since it was empty
    u32 evictions;    // entries that lost their place since `insns`
    u64 insns;
    u32 lower_len; // kernel: entries of the lower half; more than LOWER_LOG: not all are in the log
    bool lower_fetch;
    u32 lower[LOWER_LOG];
};

// What walks of the tables in memory found: independent of the state of the thread.
#define WALKS 4096u

struct walk {
    u64 page; // address >> 12, rounded down to the page
    u64 gen;  // 0: none
    u64 pte;  // radix: the entry; hash: its second doubleword
    u32 shift, kind;
};

// Which entries let stores through to a page of memory: by number of the page, several of the same remainder. What an entry holds says whether it still
// does. `lost`: there are more of them than fit.
#define WRITER_SETS 4096u
#define WRITER_WAYS 4u

struct writers {
    u32 page[WRITER_WAYS], slot[WRITER_WAYS]; // slot: number of the table << TLB_BITS_MAX | entry
    bool lost;
};

struct mmu {
    struct tlb_table tables[TABLES]; // user, kernel, real
    struct tlb_table *now[MMU_MODES];
    u8 code_mode;   // as cpu->mmu_mode, for fetches
    bool user_lost; // hash: a segment of the lower half left the SLB since a user table was chosen
    u8 memo_none;   // all bytes of the tag of a memo that holds nothing
    u64 clock;      // for tlb_table.used
    u64 next_gen, kernel_gen;
    u32 flushes;       // counts invalidations, for code that lets others run between translation and use
    u64 upper_seen;    // hash: parts of the upper half (upper_bucket()) with entries
    u64 slb_sum[2];    // content of the SLB, by half of the address space
    u64 amr_mask[2];   // hash: AMR and IAMR bits of the keys that were met
    u64 dawr0, dawrx0; // as of the last look
    struct walk *walks;
    struct writers *writers;
    struct mmu_counts counts;
    // Atomic: spaces of the user tables, read by mmu_may_hold() on other threads.
    _Atomic u64 held[USER_TABLES];
};

static inline struct mmu *cpu_mmu(const struct cpu *cpu)
{
    return cpu->mmu;
}

int tables_init(struct cpu *cpu);
void tables_fini(struct cpu *cpu);
// Chooses the tables for the current state. `full`: more than MSR may have changed.
void tables_choose(struct cpu *cpu);
void tables_forget_memos(struct cpu *cpu); // an entry of the chosen table goes away
void tables_segment_comes(struct cpu *cpu, u64 esid); // hash: into the SLB
void tables_clear(struct cpu *cpu, struct tlb_table *t);
void tables_clear_all(struct cpu *cpu);
// Translations go, those of these pages (effective or virtual numbers: what counts is the same in both) or any: so do jumps to there.
void table_forget_jumps_to(struct tlb_table *t, u64 first, u64 pages);
void table_forget_jumps(struct tlb_table *t);
void tables_forget_walks(struct cpu *cpu);
// The supervisor's entries of the lower half.
void tables_purge_lower(struct cpu *cpu);
// Hash: the supervisor's entries of the segment around this address of the upper half.
void tables_purge_upper(struct cpu *cpu, u64 ea);
// Puts the page that instructions at ea come from into the fetch TLB; va as in struct translation.
void tables_fetch_fill(struct cpu *cpu, u64 ea, struct cpage *page, u64 va);
// Where the entry for a data access at ea goes, what was there being lost; NULL: it must not have one.
struct tlb_entry *tables_place(struct cpu *cpu, u64 ea);

// The entry lets stores through.
void tables_note_writer(struct cpu *cpu, const struct tlb_entry *e);
// No entry lets stores through to the page at this guest real address any more.
void tables_forget_writers(struct cpu *cpu, u64 gra);

// The SLB's content changed by these entries (valid ones; 0, 0: none).
void mmu_slb_changed(struct cpu *cpu, u64 old_esid, u64 old_vsid, u64 new_esid, u64 new_vsid);
// A page with this key was met in hash translation: from now on its AMR bits choose tables.
void mmu_key_met(struct cpu *cpu, u64 ea, unsigned key);

// The cache of walks: what was found for the page around `page` (address >> 12), or NULL.
const struct walk *walk_find(const struct cpu *cpu, u64 page, u64 gen, u32 kind);
void walk_note(struct cpu *cpu, u64 page, u64 gen, u32 kind, u64 pte, unsigned shift);
// Forgets what overlaps a page of 1 << shift bytes; false: too large for that, a new generation is due.
bool walk_forget(struct cpu *cpu, u64 page, u64 gen, unsigned shift);

// True when the data address watchpoint may match somewhere in the page of ea.
bool mmu_dawr_page(const struct cpu *cpu, u64 ea);

#endif
