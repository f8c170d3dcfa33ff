// SPDX-License-Identifier: Apache-2.0
//
// The software TLB: which entries count at the moment, and how they go away.
//
// (1) Each entry carries the generation of the address space for which it was made. A generation belongs to a context key:
//     everything besides the tables in memory that a translation of that half of the address space depends on. Radix: the
//     PID and, for accesses of the supervisor to the lower half, AMR and IAMR key 0. Hash: the SLB's entries of that half, and
//     the AMR and IAMR bits of the keys that were met there. Switching to another context and back keeps its entries.
// (2) A small cache maps keys to generations. A key that fell out gets a new generation; its old entries are never met again.
//     When the numbers run out, everything is flushed.
// (3) Problem state, supervisor and real mode have tables of their own, so MSR[PR], IR and DR are in no key (except for
//     the supervisor's use of AMR in radix). Entries of the real mode tables depend on nothing that has a key.
// (4) In hash mode a segment that joins the SLB changes no translation of the others: the generation goes on under the new key.
//     A segment that leaves must not be met again: the generation changes.
// (5) No entry is made for a page that a watchpoint touches.
#include "cpu/mmu/mmu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/code.h"
#include "cpu/debug.h"
#include "cpu/mmu/mmu_int.h"
#include "cpu/mmu/slb.h"

#define KEY_RADIX         PPC_BIT(0)
#define KEY_RADIX_KERNEL  (KEY_RADIX | PPC_BIT(1))
#define REAL_ADDRESS_MASK (~0ull >> 4) // real mode ignores bits 0:3 of the effective address

static u64 mix(u64 v)
{
    v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9ull;
    v = (v ^ (v >> 27)) * 0x94d049bb133111ebull;
    return v ^ (v >> 31);
}

static u64 radix_key(const struct cpu *cpu, unsigned half)
{
    if (half)
        return KEY_RADIX_KERNEL;
    u64 guard = cpu->msr & MSR_PR ? 0 : (cpu->amr >> 62) << 1 | (cpu->iamr >> 62 & 1);
    return KEY_RADIX | (cpu->pidr & 0xffffffffull) << 3 | guard;
}

static u64 hash_key(const struct cpu *cpu, unsigned half)
{
    const struct mmu *mmu = cpu_mmu(cpu);
    u64 key = mmu->slb_sum[half] + mix((cpu->amr & mmu->amr_mask[half]) + 1);
    key = mix(key + half) ^ mix((cpu->iamr & mmu->amr_mask[half]) + 2);
    return key & ~KEY_RADIX;
}

static u64 context_key(const struct cpu *cpu, unsigned half)
{
    return cpu->group->radix ? radix_key(cpu, half) : hash_key(cpu, half);
}

static unsigned context_slot(u64 key)
{
    return (unsigned)(mix(key) % CONTEXTS);
}

static u64 context_find(const struct cpu *cpu, unsigned half)
{
    const struct mmu *mmu = cpu_mmu(cpu);
    u64 key = context_key(cpu, half);
    unsigned slot = context_slot(key);
    return mmu->ctx_gen[slot] && mmu->ctx_key[slot] == key ? mmu->ctx_gen[slot] : GEN_NONE;
}

static void context_set(struct cpu *cpu, unsigned half, u64 gen)
{
    struct mmu *mmu = cpu_mmu(cpu);
    u64 key = context_key(cpu, half);
    unsigned slot = context_slot(key);
    mmu->ctx_key[slot] = key;
    mmu->ctx_gen[slot] = (u16)gen;
}

static void flush_all(struct cpu *cpu)
{
    struct mmu *mmu = cpu_mmu(cpu);
    for (unsigned mode = 0; mode < MMU_MODES; mode++) {
        memset(cpu->tlbs[mode], 0xff, TLB_ENTRIES * sizeof(struct tlb_entry));
        memset(cpu->ftlbs[mode], 0xff, FTLB_ENTRIES * sizeof(struct ftlb_entry));
    }
    memset(mmu->ctx_gen, 0, sizeof(mmu->ctx_gen));
    mmu->next_gen = GEN_FIRST;
    for (unsigned half = 0; half < 2; half++) {
        if (cpu->tlb_gen[half] != GEN_REAL)
            cpu->tlb_gen[half] = GEN_NONE;
    }
}

u64 mmu_generation(struct cpu *cpu, unsigned half)
{
    struct mmu *mmu = cpu_mmu(cpu);
    if (likely(cpu->tlb_gen[half] != GEN_NONE))
        return cpu->tlb_gen[half];
    if (mmu->next_gen > GEN_LAST)
        flush_all(cpu);
    cpu->tlb_gen[half] = mmu->next_gen++;
    context_set(cpu, half, cpu->tlb_gen[half]);
    return cpu->tlb_gen[half];
}

void mmu_context_changed(struct cpu *cpu)
{
    struct mmu *mmu = cpu_mmu(cpu);
    u64 msr = cpu->msr;
    unsigned relocated = msr & MSR_PR ? MMU_USER : MMU_KERNEL;
    unsigned data = msr & MSR_DR ? relocated : MMU_REAL;
    unsigned code = msr & MSR_IR ? relocated : MMU_REAL;
    cpu->mmu_mode = (u8)data;
    cpu->tlb = cpu->tlbs[data];
    cpu->ftlb = cpu->ftlbs[code];
    if (unlikely(mmu->dawr0 != cpu->dawr0 || mmu->dawrx0 != cpu->dawrx0)) {
        mmu->dawr0 = cpu->dawr0;
        mmu->dawrx0 = cpu->dawrx0;
        flush_all(cpu);
    }
    for (unsigned half = 0; half < 2; half++)
        cpu->tlb_gen[half] = data == MMU_REAL && code == MMU_REAL ? GEN_REAL : context_find(cpu, half);
}

static u64 slb_digest(u64 esid, u64 vsid)
{
    return esid ? mix((esid & SLB_ESID) + mix(vsid + 0x9e3779b97f4a7c15ull)) : 0;
}

void mmu_slb_changed(struct cpu *cpu, u64 old_esid, u64 old_vsid, u64 new_esid, u64 new_vsid)
{
    struct mmu *mmu = cpu_mmu(cpu);
    if (old_esid == new_esid && (!new_esid || old_vsid == new_vsid))
        return;
    if (old_esid)
        mmu->slb_sum[old_esid >> 63] -= slb_digest(old_esid, old_vsid);
    if (new_esid)
        mmu->slb_sum[new_esid >> 63] += slb_digest(new_esid, new_vsid);
    if (cpu->group->radix)
        return;
    for (unsigned half = 0; half < 2; half++) {
        bool lost = old_esid && old_esid >> 63 == half, won = new_esid && new_esid >> 63 == half;
        if ((!lost && !won) || cpu->tlb_gen[half] == GEN_REAL)
            continue;
        u64 gen = context_find(cpu, half);
        if (gen == GEN_NONE && !lost && cpu->tlb_gen[half] != GEN_NONE) { // (4)
            gen = cpu->tlb_gen[half];
            for (unsigned slot = 0; slot < CONTEXTS; slot++) {
                if (mmu->ctx_gen[slot] == gen)
                    mmu->ctx_gen[slot] = 0;
            }
            context_set(cpu, half, gen);
        }
        cpu->tlb_gen[half] = gen;
    }
}

void mmu_key_met(struct cpu *cpu, u64 ea, unsigned key)
{
    struct mmu *mmu = cpu_mmu(cpu);
    unsigned half = ea >> 63;
    u64 bits = PPC_BITMASK(0, 1) >> (2 * key);
    if (likely((mmu->amr_mask[half] & bits) == bits))
        return;
    mmu->amr_mask[half] |= bits;
    if (cpu->tlb_gen[half] != GEN_REAL)
        cpu->tlb_gen[half] = context_find(cpu, half);
}

// Everything of one PID, and of PID 0 the kernel's half, loses its generation (2).
static void flush_pid(struct cpu *cpu, u64 pid)
{
    struct mmu *mmu = cpu_mmu(cpu);
    for (unsigned slot = 0; slot < CONTEXTS; slot++) {
        u64 key = mmu->ctx_key[slot];
        if (!mmu->ctx_gen[slot] || !(key & KEY_RADIX))
            continue;
        bool kernel = key == KEY_RADIX_KERNEL;
        if (kernel ? pid == 0 : (key >> 3 & 0xffffffffull) == (pid & 0xffffffffull))
            mmu->ctx_gen[slot] = 0;
    }
    for (unsigned half = 0; half < 2; half++) {
        if (cpu->tlb_gen[half] != GEN_REAL)
            cpu->tlb_gen[half] = context_find(cpu, half);
    }
}

static void entry_drop(struct tlb_entry *e)
{
    e->rtag = e->wtag = TLB_NO_TAG;
}

// Entries whose effective page matches `ea` under `mask`, whatever their address space. The quadrant bits do not count.
static void flush_ea(struct cpu *cpu, u64 ea, unsigned shift)
{
    u64 mask = (~0ull << shift) & GUEST_PAGE_MASK & (~0ull >> 2);
    u64 first = ea >> GUEST_PAGE_SHIFT & ~0ull << (shift - GUEST_PAGE_SHIFT);
    u64 pages = 1ull << (shift - GUEST_PAGE_SHIFT);
    for (unsigned mode = 0; mode < MMU_REAL; mode++) {
        for (u64 i = 0; i < MIN(pages, TLB_ENTRIES); i++) {
            struct tlb_entry *e = &cpu->tlbs[mode][(first + i) % TLB_ENTRIES];
            if (((e->rtag ^ ea) & mask) == 0 || ((e->wtag ^ ea) & mask) == 0)
                entry_drop(e);
        }
        for (u64 i = 0; i < MIN(pages, FTLB_ENTRIES); i++) {
            struct ftlb_entry *f = &cpu->ftlbs[mode][(first + i) % FTLB_ENTRIES];
            if (((f->tag ^ ea) & mask) == 0)
                f->tag = TLB_NO_TAG;
        }
    }
}

// Entries for a virtual page (va = address >> 12). Their place depends on the address within the segment, the same in both.
static void flush_va(struct cpu *cpu, u64 va, unsigned shift)
{
    shift = MAX(shift, GUEST_PAGE_SHIFT);
    u64 pages = 1ull << (shift - GUEST_PAGE_SHIFT);
    u64 first = va & ~(pages - 1);
    for (unsigned mode = 0; mode < MMU_MODES; mode++) {
        for (u64 i = 0; i < MIN(pages, TLB_ENTRIES); i++) {
            struct tlb_entry *e = &cpu->tlbs[mode][(first + i) % TLB_ENTRIES];
            if ((e->meta & ~(pages - 1)) == first)
                entry_drop(e);
        }
        for (u64 i = 0; i < MIN(pages, FTLB_ENTRIES); i++) {
            u64 slot = (first + i) % FTLB_ENTRIES;
            if ((cpu_mmu(cpu)->ftlb_va[mode][slot] & ~(pages - 1)) == first)
                cpu->ftlbs[mode][slot].tag = TLB_NO_TAG;
        }
    }
}

static void flush_real(struct cpu *cpu, u64 gra, bool writes_only)
{
    uintptr_t host = (uintptr_t)cpu->group->mem->base + (gra & GUEST_PAGE_MASK);
    for (unsigned mode = 0; mode < MMU_MODES; mode++) {
        for (unsigned i = 0; i < TLB_ENTRIES; i++) {
            struct tlb_entry *e = &cpu->tlbs[mode][i];
            u64 tag = e->wtag != TLB_NO_TAG ? e->wtag : e->rtag;
            if (tag == TLB_NO_TAG || (tag & GUEST_PAGE_MASK) + e->addend != host)
                continue;
            e->wtag = TLB_NO_TAG;
            if (!writes_only)
                e->rtag = TLB_NO_TAG;
        }
        for (unsigned i = 0; !writes_only && i < FTLB_ENTRIES; i++) {
            struct ftlb_entry *f = &cpu->ftlbs[mode][i];
            if (f->tag != TLB_NO_TAG && f->page->gra == (gra & GUEST_PAGE_MASK))
                f->tag = TLB_NO_TAG;
        }
    }
}

void mmu_flush_local(struct cpu *cpu, enum tlb_scope scope, u64 arg0, u64 arg1, u64 arg2)
{
    cpu_mmu(cpu)->flushes++;
    switch (scope) {
    case TLB_ALL: flush_all(cpu); break;
    case TLB_EA_PAGE:
        if (arg2 > 24) // a gigabyte page: most of the address space of a process anyway
            flush_pid(cpu, arg1);
        else
            flush_ea(cpu, arg0, MAX((unsigned)arg2, GUEST_PAGE_SHIFT));
        break;
    case TLB_PID: flush_pid(cpu, arg1); break;
    case TLB_VPN:
        if (arg1 > 24)
            flush_all(cpu);
        else
            flush_va(cpu, arg0, (unsigned)arg1);
        break;
    case TLB_REAL_WRITE: flush_real(cpu, arg0, true); break;
    case TLB_REAL: flush_real(cpu, arg0, false); break;
    }
}

static enum mmu_fault real_translate(struct cpu *cpu, u64 ea, enum mmu_access access, bool probe,
                                     struct translation *tr)
{
    const struct cpu_group *group = cpu->group;
    u64 gra = ea & REAL_ADDRESS_MASK;
    if (!group->radix && group->hpt && group->vrma_vsid)
        return mmu_vrma_translate(cpu, gra, access, probe, tr);
    // ISA III "Real Mode Offset": the limit. A partition that chose radix, or has not chosen yet, has none.
    if (!group->radix && group->rma_size && gra >= group->rma_size) {
        tr->cause = DSISR_PROTECTION;
        return FAULT_STORAGE;
    }
    tr->gra = gra;
    tr->prot = PROT_READ_OK | PROT_WRITE_OK | PROT_EXEC_OK;
    return FAULT_NONE;
}

enum mmu_fault mmu_translate(struct cpu *cpu, u64 ea, enum mmu_access access, bool probe, struct translation *tr)
{
    *tr = (struct translation){0};
    if (!(cpu->msr & (access == ACCESS_FETCH ? MSR_IR : MSR_DR)))
        return real_translate(cpu, ea, access, probe, tr);
    if (cpu->group->radix)
        return mmu_radix_translate(cpu, ea, access, probe, tr);
    return mmu_hash_translate(cpu, ea, access, probe, tr);
}

int mmu_translate_debug(struct cpu *cpu, u64 ea, enum mmu_access access, u64 *gra)
{
    struct translation tr;
    if (mmu_translate(cpu, ea & cpu->ea_mask, access, true, &tr) != FAULT_NONE ||
        !guest_mem_contains(cpu->group->mem, tr.gra, 1))
        return -1;
    *gra = tr.gra;
    return 0;
}

int mmu_cpu_init(struct cpu *cpu)
{
    struct mmu *mmu = calloc(1, sizeof(*mmu));
    cpu->mmu = mmu;
    if (!mmu)
        return -ENOMEM;
    for (unsigned mode = 0; mode < MMU_MODES; mode++) {
        cpu->tlbs[mode] = aligned_alloc(64, TLB_ENTRIES * sizeof(struct tlb_entry));
        cpu->ftlbs[mode] = aligned_alloc(64, FTLB_ENTRIES * sizeof(struct ftlb_entry));
        if (!cpu->tlbs[mode] || !cpu->ftlbs[mode]) {
            mmu_cpu_fini(cpu);
            return -ENOMEM;
        }
    }
    flush_all(cpu);
    mmu_context_changed(cpu);
    return 0;
}

void mmu_cpu_fini(struct cpu *cpu)
{
    for (unsigned mode = 0; mode < MMU_MODES; mode++) {
        free(cpu->tlbs[mode]);
        free(cpu->ftlbs[mode]);
        cpu->tlbs[mode] = NULL;
        cpu->ftlbs[mode] = NULL;
    }
    free(cpu->mmu);
    cpu->mmu = NULL;
}
