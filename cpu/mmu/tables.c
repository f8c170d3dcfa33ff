// SPDX-License-Identifier: Apache-2.0
//
// The tables of the software TLB: whose translations they hold, which of them count at the moment, and how they grow.
//
// (1) An entry's tag is nothing but its page. What else a translation depends on is what chooses its table.
// (2) Problem state: one table per address space, the last USER_TABLES of them. Radix: the space is the PID. Hash: what the SLB holds of
//     the lower half, and (guard) the AMR and IAMR bits of the keys that were met there. In problem state nothing of the upper half
//     gets an entry.
// (3) Supervisor: a table per guard, the AMR and IAMR bits that it is subject to: opening and closing access to user memory changes a
//     pointer. Their entries of the upper half stay when the process changes; those of the lower half go (a short log says where
//     they are).
// (4) Hash: a segment that joins the SLB changes no translation of the others: the user table goes on under the new name unless
//     there is one of that name already. When a segment leaves, the user table is chosen anew and the supervisor's tables lose its entries.
// (5) Real mode depends on nothing.
// (6) An invalidation goes to every table that may be concerned, chosen at the moment or not. Radix: a space is in mmu->held from before
//     its first entry until after its last; who takes translations of a PID away asks only threads that hold it. Both sides put a full
//     fence between their store (the table in memory; held) and their load (held; the table in memory).
// (7) A table begins small and doubles when entries lose their place too often.
// (8) The cache of walks spares the search of the tables in memory. What it holds does not depend on the thread's state: radix entries
//     belong to a space by its generation number, hash entries to a virtual page.
// (9) Pages become code all the time, and then their entries lose what lets stores through: these entries are found by the page (writers), the
//     tables are searched only where more of them fell together than are noted.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu/mmu/access.h"
#include "cpu/mmu/mmu_int.h"
#include "cpu/mmu/slb.h"

#define ENTRY_SHIFT 5
static_assert(sizeof(struct tlb_entry) == 1 << ENTRY_SHIFT, "masks are in bytes");

#define GROW_INSNS 256u // a lost entry per so many instructions is too much

static u64 mask_of(unsigned bits)
{
    return ((1ull << bits) - 1) << ENTRY_SHIFT;
}

static u64 table_len(const struct tlb_table *t)
{
    return (t->mask >> ENTRY_SHIFT) + 1;
}

// A memo matches what is less than a page above its tag; so one that holds nothing has a tag above which no access ever has an entry.
// Radix: addresses that begin with binary 01 are the hypervisor's. Real mode: there is no such memory. Hash: a terabyte of which nothing is in the SLB,
// chosen again when something comes.
#define MEMO_NONE 0x40u // all its bytes

static u64 memo_none_tag(unsigned byte)
{
    return byte * 0x0101010101010101ull;
}

static bool same_terabyte(u64 a, u64 b)
{
    return (a ^ b) >> 40 == 0;
}

static bool in_slb(const struct cpu *cpu, u64 ea)
{
    for (unsigned i = 0; i < ARRAY_LEN(cpu->slb); i++) {
        if (cpu->slb[i].esid & SLB_ESID_V && same_terabyte(cpu->slb[i].esid, ea))
            return true;
    }
    return false;
}

void tables_segment_comes(struct cpu *cpu, u64 esid)
{
    struct mmu *mmu = cpu_mmu(cpu);
    if (likely(!same_terabyte(esid, memo_none_tag(mmu->memo_none))))
        return;
    unsigned none = MEMO_NONE;
    while (same_terabyte(esid, memo_none_tag(none)) || in_slb(cpu, memo_none_tag(none)))
        none++; // the SLB has fewer entries than there are such bytes
    mmu->memo_none = (u8)none;
    tables_forget_memos(cpu);
}

void tables_forget_memos(struct cpu *cpu)
{
    // In pieces that are a few stores each: a string instruction takes longer to begin than this takes.
    static_assert(sizeof(cpu->memo_tag) % 64 == 0, "pieces");
    for (unsigned at = 0; at < sizeof(cpu->memo_tag); at += 64)
        memset((u8 *)cpu->memo_tag + at, cpu_mmu(cpu)->memo_none, 64);
}

static void choose_pointers(struct cpu *cpu)
{
    struct mmu *mmu = cpu_mmu(cpu);
    const struct tlb_table *data = mmu->now[cpu->mmu_mode];
    if (cpu->tlb != data->data)
        tables_forget_memos(cpu);
    cpu->tlb = data->data;
    cpu->tlb_mask = data->mask;
    cpu->ftlb = mmu->now[mmu->code_mode]->fetch;
    cpu->jumps = mmu->now[mmu->code_mode]->jumps;
}

void table_forget_jumps(struct tlb_table *t)
{
    memset(t->jumps, 0xff, JUMP_SETS * JUMP_WAYS * sizeof(struct jump)); // no address of an instruction
}

// What lost its place in `fetch` is not found there any more, but jumps may still go there: so `fetched` counts.
void table_forget_jumps_to(struct tlb_table *t, u64 first, u64 pages)
{
    bool any = pages >= FETCHED_BITS;
    for (u64 n = first; !any && n < first + pages; n++)
        any = t->fetched[n % FETCHED_BITS / 64] >> n % 64 & 1;
    if (any)
        table_forget_jumps(t);
}

static void table_empty(struct mmu *mmu, struct tlb_table *t)
{
    memset(t->data, 0xff, t->mask + sizeof(struct tlb_entry));
    memset(t->fetch, 0xff, FTLB_ENTRIES * sizeof(struct ftlb_entry));
    memset(t->fetched, 0, sizeof(t->fetched));
    table_forget_jumps(t);
    t->fills = t->evictions = t->lower_len = 0;
    t->lower_fetch = false;
    t->ready = true;
    t->gen = ++mmu->next_gen;
}

void tables_clear(struct cpu *cpu, struct tlb_table *t)
{
    struct mmu *mmu = cpu_mmu(cpu);
    tables_forget_memos(cpu);
    if (!t->fills && t->ready) {
        t->gen = ++mmu->next_gen;
        return;
    }
    table_empty(mmu, t);
}

void tables_clear_all(struct cpu *cpu)
{
    struct mmu *mmu = cpu_mmu(cpu);
    for (unsigned i = 0; i < TABLES; i++) {
        if (mmu->tables[i].ready)
            tables_clear(cpu, &mmu->tables[i]);
    }
    mmu->kernel_gen = ++mmu->next_gen;
    mmu->upper_seen = 0;
}

void tables_forget_walks(struct cpu *cpu)
{
    struct mmu *mmu = cpu_mmu(cpu);
    for (unsigned i = 0; i < USER_TABLES; i++)
        mmu->tables[i].gen = ++mmu->next_gen;
    mmu->kernel_gen = ++mmu->next_gen;
}

static void entry_drop(struct tlb_entry *e)
{
    e->rtag = e->wtag = TLB_NO_TAG;
}

static bool is_lower(const struct tlb_entry *e) // TLB_NO_TAG is none
{
    return !(e->rtag >> 63) || !(e->wtag >> 63);
}

static void purge_lower(struct tlb_table *t)
{
    if (t->lower_len > LOWER_LOG) {
        for (u64 i = 0; i < table_len(t); i++) {
            if (is_lower(&t->data[i]))
                entry_drop(&t->data[i]);
        }
    } else {
        for (unsigned i = 0; i < t->lower_len; i++) {
            if (is_lower(&t->data[t->lower[i]]))
                entry_drop(&t->data[t->lower[i]]);
        }
    }
    t->lower_len = 0;
    if (unlikely(t->lower_fetch)) {
        for (unsigned i = 0; i < FTLB_ENTRIES; i++) {
            if (!(t->fetch[i].tag >> 63))
                t->fetch[i].tag = TLB_NO_TAG;
        }
        table_forget_jumps(t);
        t->lower_fetch = false;
    }
}

void tables_purge_lower(struct cpu *cpu)
{
    struct tlb_table *kernel = &cpu_mmu(cpu)->tables[USER_TABLES];
    tables_forget_memos(cpu);
    for (unsigned i = 0; i < KERNEL_TABLES; i++)
        purge_lower(&kernel[i]);
}

// Terabytes of the upper half, which segments do not cross.
static unsigned upper_bucket(u64 ea)
{
    return (unsigned)(ea >> 40) & 63;
}

static bool in_bucket(u64 tag, unsigned bucket)
{
    return tag != TLB_NO_TAG && tag >> 63 && upper_bucket(tag) == bucket;
}

void tables_purge_upper(struct cpu *cpu, u64 ea)
{
    struct mmu *mmu = cpu_mmu(cpu);
    unsigned bucket = upper_bucket(ea);
    if (!(mmu->upper_seen >> bucket & 1))
        return;
    mmu->upper_seen &= ~(1ull << bucket);
    tables_forget_memos(cpu);
    for (struct tlb_table *t = &mmu->tables[USER_TABLES]; t < &mmu->tables[USER_TABLES + KERNEL_TABLES]; t++) {
        for (u64 i = 0; t->fills && i < table_len(t); i++) {
            if (in_bucket(t->data[i].rtag, bucket) || in_bucket(t->data[i].wtag, bucket))
                entry_drop(&t->data[i]);
        }
        for (unsigned i = 0; t->fills && i < FTLB_ENTRIES; i++) {
            if (in_bucket(t->fetch[i].tag, bucket))
                t->fetch[i].tag = TLB_NO_TAG;
        }
        if (t->fills)
            table_forget_jumps(t);
    }
}

// Back to the size that tables begin with; what a large one used goes back to the host.
static void table_shrink(struct tlb_table *t)
{
    size_t least = sizeof(struct tlb_entry) << TLB_BITS, size = table_len(t) * sizeof(struct tlb_entry);
    if (size > least)
        madvise((u8 *)t->data + least, size - least, MADV_DONTNEED);
    t->mask = mask_of(TLB_BITS);
}

static struct tlb_table *table_find(struct mmu *mmu, struct tlb_table *from, unsigned len, u64 space, u64 guard)
{
    for (struct tlb_table *t = from; t < from + len; t++) {
        if (t->space == space && t->guard == guard) {
            t->used = ++mmu->clock;
            return t;
        }
    }
    return NULL;
}

// The one that was not used for the longest time, emptied.
static struct tlb_table *table_take(struct cpu *cpu, struct tlb_table *from, unsigned len)
{
    struct mmu *mmu = cpu_mmu(cpu);
    struct tlb_table *oldest = from;
    for (struct tlb_table *t = from; t < from + len; t++) {
        if (t->used < oldest->used)
            oldest = t;
    }
    table_shrink(oldest);
    tables_clear(cpu, oldest);
    oldest->used = ++mmu->clock;
    mmu->counts.taken++;
    return oldest;
}

static u64 mix(u64 v)
{
    v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9ull;
    v = (v ^ (v >> 27)) * 0x94d049bb133111ebull;
    return v ^ (v >> 31);
}

static u64 key_guard(const struct cpu *cpu, u64 mask)
{
    return mask ? mix(mix((cpu->amr & mask) + 1) + (cpu->iamr & mask)) : 0;
}

static void choose_user(struct cpu *cpu)
{
    struct mmu *mmu = cpu_mmu(cpu);
    bool radix = cpu->group->radix;
    u64 space = radix ? cpu->pidr & 0xffffffffull : mmu->slb_sum[0];
    u64 guard = radix ? 0 : key_guard(cpu, mmu->amr_mask[0]);
    struct tlb_table *t = mmu->now[MMU_USER];
    if (likely(t->space == space) && likely(t->guard == guard))
        return;
    if (radix)
        tables_purge_lower(cpu); // (3)
    struct tlb_table *found = table_find(mmu, mmu->tables, USER_TABLES, space, guard);
    if (!found && !radix && !mmu->user_lost && t->guard == guard && t->space != SPACE_NONE)
        found = t; // (4)
    if (!found)
        found = table_take(cpu, mmu->tables, USER_TABLES);
    if (found->space != space) {
        found->space = space;
        atomic_store(&mmu->held[found - mmu->tables], space); // (6)
        atomic_thread_fence(memory_order_seq_cst);
    }
    found->guard = guard;
    mmu->user_lost = false;
    mmu->now[MMU_USER] = found;
}

static void choose_kernel(struct cpu *cpu)
{
    struct mmu *mmu = cpu_mmu(cpu);
    u64 guard;
    if (cpu->group->radix)
        guard = cpu->amr >> 62 << 1 | (cpu->iamr >> 62 & 1);
    else
        guard = key_guard(cpu, mmu->amr_mask[0] | mmu->amr_mask[1]);
    if (likely(mmu->now[MMU_KERNEL]->guard == guard))
        return;
    struct tlb_table *from = &mmu->tables[USER_TABLES], *found = table_find(mmu, from, KERNEL_TABLES, 0, guard);
    if (!found)
        found = table_take(cpu, from, KERNEL_TABLES);
    found->guard = guard;
    mmu->now[MMU_KERNEL] = found;
}

void tables_choose(struct cpu *cpu)
{
    struct mmu *mmu = cpu_mmu(cpu);
    u64 msr = cpu->msr;
    u8 relocated = msr & MSR_PR ? MMU_USER : MMU_KERNEL;
    cpu->mmu_mode = msr & MSR_DR ? relocated : MMU_REAL;
    mmu->code_mode = msr & MSR_IR ? relocated : MMU_REAL;
    if (cpu->group->radix || relocated == MMU_USER)
        choose_user(cpu);
    choose_kernel(cpu);
    choose_pointers(cpu);
}

static u32 slot_of(const struct mmu *mmu, const struct tlb_entry *e)
{
    return (u32)(e - mmu->tables[0].data); // one array for all tables
}

static u64 host_of(const struct cpu *cpu, u64 page)
{
    return (uintptr_t)cpu->group->mem->base + (page << GUEST_PAGE_SHIFT);
}

static bool lets_through(const struct tlb_entry *e, u64 host)
{
    return e->wtag != TLB_NO_TAG && e->wtag + e->addend == host;
}

void tables_note_writer(struct cpu *cpu, const struct tlb_entry *e)
{
    struct mmu *mmu = cpu_mmu(cpu);
    u32 page = (u32)((e->wtag + e->addend - (uintptr_t)cpu->group->mem->base) >> GUEST_PAGE_SHIFT), slot = slot_of(mmu, e);
    struct writers *w = &mmu->writers[page % WRITER_SETS];
    for (unsigned i = 0; i < WRITER_WAYS; i++) {
        if (w->page[i] == page && w->slot[i] == slot)
            return;
    }
    for (unsigned i = 0; i < WRITER_WAYS; i++) {
        if (lets_through(&mmu->tables[0].data[w->slot[i]], host_of(cpu, w->page[i])))
            continue;
        w->page[i] = page;
        w->slot[i] = slot;
        return;
    }
    w->lost = true;
}

void tables_forget_writers(struct cpu *cpu, u64 gra)
{
    struct mmu *mmu = cpu_mmu(cpu);
    u32 page = (u32)(gra >> GUEST_PAGE_SHIFT);
    u64 host = host_of(cpu, page);
    struct writers *w = &mmu->writers[page % WRITER_SETS];
    for (unsigned i = 0; i < WRITER_WAYS; i++) {
        struct tlb_entry *e = &mmu->tables[0].data[w->slot[i]];
        if (w->page[i] == page && lets_through(e, host))
            e->wtag = TLB_NO_TAG;
    }
    if (likely(!w->lost))
        return;
    w->lost = false;
    for (struct tlb_table *t = mmu->tables; t < mmu->tables + TABLES; t++) {
        for (u64 i = 0; t->fills && i < table_len(t); i++) {
            struct tlb_entry *e = &t->data[i];
            if (e->wtag == TLB_NO_TAG)
                continue;
            u64 at = e->wtag + e->addend - (uintptr_t)cpu->group->mem->base;
            if (at >> GUEST_PAGE_SHIFT == page)
                e->wtag = TLB_NO_TAG;
            else if ((at >> GUEST_PAGE_SHIFT) % WRITER_SETS == page % WRITER_SETS)
                tables_note_writer(cpu, e);
        }
    }
}

// (7) In place: an entry stays where it is or goes as far up as the table was long.
static void table_grow(struct cpu *cpu, struct tlb_table *t)
{
    u64 len = table_len(t);
    memset(&t->data[len], 0xff, len * sizeof(struct tlb_entry));
    for (u64 i = 0; i < len; i++) {
        struct tlb_entry *e = &t->data[i];
        u64 tag = e->rtag != TLB_NO_TAG ? e->rtag : e->wtag;
        if (tag == TLB_NO_TAG || !(tag >> GUEST_PAGE_SHIFT & len))
            continue;
        t->data[i + len] = *e;
        entry_drop(e);
        if (t->data[i + len].wtag != TLB_NO_TAG)
            tables_note_writer(cpu, &t->data[i + len]);
    }
    t->mask = t->mask << 1 | 1 << ENTRY_SHIFT;
    if (t->lower_len)
        t->lower_len = LOWER_LOG + 1;
}

static void consider_growth(struct cpu *cpu, struct tlb_table *t)
{
    u64 passed = cpu->insns - t->insns, len = table_len(t);
    t->insns = cpu->insns;
    t->evictions = 0;
    if (passed > len * GROW_INSNS || len >= 1u << TLB_BITS_MAX)
        return;
    table_grow(cpu, t);
    cpu_mmu(cpu)->counts.grown++;
    choose_pointers(cpu);
}

struct tlb_entry *tables_place(struct cpu *cpu, u64 ea)
{
    struct mmu *mmu = cpu_mmu(cpu);
    struct tlb_table *t = mmu->now[cpu->mmu_mode];
    struct tlb_entry *e = tlb_slot(cpu, ea);
    if (e->rtag != TLB_NO_TAG && e->rtag != (ea & GUEST_PAGE_MASK) && ++t->evictions > table_len(t) / 2) {
        consider_growth(cpu, t);
        e = tlb_slot(cpu, ea);
    }
    t->fills++;
    mmu->counts.fills++;
    if (cpu->mmu_mode == MMU_KERNEL) {
        u32 slot = (u32)(e - t->data);
        if (ea >> 63)
            mmu->upper_seen |= 1ull << upper_bucket(ea);
        else if (t->lower_len < LOWER_LOG)
            t->lower[t->lower_len++] = slot;
        else if (t->lower_len == LOWER_LOG && t->lower[LOWER_LOG - 1] != slot)
            t->lower_len++;
    } else if (cpu->mmu_mode == MMU_USER && ea >> 63) { // (2)
        return NULL;
    }
    return e;
}

void tables_fetch_fill(struct cpu *cpu, u64 ea, struct cpage *page, u64 va)
{
    struct mmu *mmu = cpu_mmu(cpu);
    struct tlb_table *t = mmu->now[mmu->code_mode];
    u64 slot = ftlb_index(ea >> GUEST_PAGE_SHIFT);
    if (mmu->code_mode == MMU_USER && ea >> 63) // (2)
        return;
    if (mmu->code_mode == MMU_KERNEL) {
        if (ea >> 63)
            mmu->upper_seen |= 1ull << upper_bucket(ea);
        else
            t->lower_fetch = true;
    }
    t->fills++;
    u64 page_bit = (ea >> GUEST_PAGE_SHIFT) % FETCHED_BITS;
    t->fetched[page_bit / 64] |= 1ull << page_bit % 64;
    t->fetch[slot] = (struct ftlb_entry){.tag = ea & GUEST_PAGE_MASK, .page = page};
    t->fetch_va[slot] = va;
}

void mmu_forget_fetches(struct cpu *cpu)
{
    struct mmu *mmu = cpu_mmu(cpu);
    for (unsigned i = 0; i < TABLES; i++) {
        if (mmu->tables[i].fills)
            memset(mmu->tables[i].fetch, 0xff, FTLB_ENTRIES * sizeof(struct ftlb_entry));
    }
    mmu_forget_jumps(cpu);
}

void mmu_forget_jumps(struct cpu *cpu)
{
    struct mmu *mmu = cpu_mmu(cpu);
    atomic_store(&cpu->jumps_stale, false);
    for (unsigned i = 0; i < TABLES; i++) {
        if (mmu->tables[i].fills)
            table_forget_jumps(&mmu->tables[i]);
    }
}

bool mmu_may_hold(const struct cpu *cpu, u64 pid)
{
    struct mmu *mmu = cpu_mmu(cpu);
    if (!cpu->group->radix || !pid)
        return true;
    for (unsigned i = 0; i < USER_TABLES; i++) {
        if (atomic_load(&mmu->held[i]) == pid)
            return true;
    }
    return false;
}

struct mmu_counts mmu_counts(const struct cpu *cpu)
{
    return cpu_mmu(cpu)->counts;
}

// (8) Pages of 64 KiB and more are found by their 64 KiB, others by their 4 KiB.
#define BIG_SHIFT 16u

static struct walk *walk_at(const struct mmu *mmu, u64 page, u64 gen, bool big)
{
    u64 number = big ? (page >> (BIG_SHIFT - GUEST_PAGE_SHIFT)) + WALKS / 2 : page;
    return &mmu->walks[(number + gen * 0x9e3779b1u) % WALKS];
}

static bool walk_covers(const struct walk *w, u64 page)
{
    return (page ^ w->page) >> (w->shift - GUEST_PAGE_SHIFT) == 0;
}

const struct walk *walk_find(const struct cpu *cpu, u64 page, u64 gen, u32 kind)
{
    const struct mmu *mmu = cpu_mmu(cpu);
    const struct walk *w = walk_at(mmu, page, gen, true);
    if (w->gen == gen && walk_covers(w, page) && w->kind == kind)
        return w;
    w = walk_at(mmu, page, gen, false);
    return w->gen == gen && walk_covers(w, page) && w->kind == kind ? w : NULL;
}

void walk_note(struct cpu *cpu, u64 page, u64 gen, u32 kind, u64 pte, unsigned shift)
{
    struct mmu *mmu = cpu_mmu(cpu);
    mmu->counts.walks++;
    *walk_at(mmu, page, gen, shift >= BIG_SHIFT) =
        (struct walk){.page = page, .gen = gen, .pte = pte, .shift = shift, .kind = kind};
}

static void forget(struct walk *w, u64 page, u64 gen, unsigned shift)
{
    unsigned larger = MAX(w->shift, shift) - GUEST_PAGE_SHIFT;
    if (w->gen == gen && (w->page ^ page) >> larger == 0)
        w->gen = 0;
}

bool walk_forget(struct cpu *cpu, u64 page, u64 gen, unsigned shift)
{
    const struct mmu *mmu = cpu_mmu(cpu);
    if (shift > BIG_SHIFT)
        return false;
    forget(walk_at(mmu, page, gen, true), page, gen, shift);
    u64 pages = 1ull << (shift - GUEST_PAGE_SHIFT);
    for (u64 i = 0; i < pages; i++)
        forget(walk_at(mmu, (page & ~(pages - 1)) + i, gen, false), page, gen, shift);
    return true;
}

int tables_init(struct cpu *cpu)
{
    struct mmu *mmu = cpu_mmu(cpu);
    size_t data = sizeof(struct tlb_entry) << TLB_BITS_MAX, fetch = sizeof(struct ftlb_entry) * FTLB_ENTRIES;
    u8 *p = mmap(NULL, TABLES * data, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return -ENOMEM;
    u8 *f = aligned_alloc(64, TABLES * fetch);
    struct jump *jumps = aligned_alloc(64, TABLES * JUMP_SETS * JUMP_WAYS * sizeof(*jumps));
    u64 *va = calloc(TABLES * FTLB_ENTRIES, sizeof(u64));
    mmu->walks = calloc(WALKS, sizeof(*mmu->walks));
    mmu->writers = calloc(WRITER_SETS, sizeof(*mmu->writers));
    for (unsigned i = 0; i < TABLES; i++) {
        struct tlb_table *t = &mmu->tables[i];
        *t = (struct tlb_table){.data = (void *)(p + i * data), .mask = mask_of(TLB_BITS), .guard = SPACE_NONE};
        t->space = i < USER_TABLES ? SPACE_NONE : 0;
        if (i < USER_TABLES)
            atomic_store(&mmu->held[i], SPACE_NONE);
        t->fetch = f ? (void *)(f + i * fetch) : NULL;
        t->jumps = jumps ? jumps + i * JUMP_SETS * JUMP_WAYS : NULL;
        t->fetch_va = va ? va + i * FTLB_ENTRIES : NULL;
    }
    if (!f || !jumps || !va || !mmu->walks || !mmu->writers) {
        free(f);
        free(jumps);
        free(va);
        mmu->tables[0].fetch = NULL;
        mmu->tables[0].jumps = NULL;
        mmu->tables[0].fetch_va = NULL;
        return -ENOMEM;
    }
    mmu->memo_none = MEMO_NONE;
    mmu->kernel_gen = ++mmu->next_gen;
    mmu->now[MMU_USER] = &mmu->tables[0];
    mmu->now[MMU_KERNEL] = &mmu->tables[USER_TABLES];
    mmu->now[MMU_REAL] = &mmu->tables[USER_TABLES + KERNEL_TABLES];
    for (unsigned i = 0; i < MMU_MODES; i++)
        table_empty(mmu, mmu->now[i]);
    return 0;
}

void tables_fini(struct cpu *cpu)
{
    struct mmu *mmu = cpu_mmu(cpu);
    if (mmu->tables[0].data)
        munmap(mmu->tables[0].data, (size_t)TABLES * sizeof(struct tlb_entry) << TLB_BITS_MAX);
    free(mmu->tables[0].fetch);
    free(mmu->tables[0].jumps);
    free(mmu->tables[0].fetch_va);
    free(mmu->walks);
    free(mmu->writers);
}
