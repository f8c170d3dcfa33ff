// SPDX-License-Identifier: Apache-2.0
//
// Translation by the state of the thread, and how translations go away. The tables that hold them: tables.c.
#include "cpu/mmu/mmu.h"

#include <errno.h>
#include <stdlib.h>

#include "cpu/code.h"
#include "cpu/debug.h"
#include "cpu/mmu/access.h"
#include "cpu/mmu/mmu_int.h"
#include "cpu/mmu/slb.h"

#define REAL_ADDRESS_MASK (~0ull >> 4) // real mode ignores bits 0:3 of the effective address

void mmu_context_changed(struct cpu *cpu)
{
    struct mmu *mmu = cpu_mmu(cpu);
    if (unlikely(mmu->dawr0 != cpu->dawr0 || mmu->dawrx0 != cpu->dawrx0)) { // no page of a watchpoint may have an entry
        mmu->dawr0 = cpu->dawr0;
        mmu->dawrx0 = cpu->dawrx0;
        tables_clear_all(cpu);
    }
    tables_choose(cpu);
}

static u64 mix(u64 v)
{
    v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9ull;
    v = (v ^ (v >> 27)) * 0x94d049bb133111ebull;
    return v ^ (v >> 31);
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
    if (new_esid)
        tables_segment_comes(cpu, new_esid);
    if (cpu->group->radix)
        return;
    if (old_esid >> 63) {
        tables_purge_upper(cpu, old_esid);
    } else if (old_esid) {
        mmu->user_lost = true;
        tables_purge_lower(cpu);
    }
    tables_choose(cpu);
}

void mmu_key_met(struct cpu *cpu, u64 ea, unsigned key)
{
    struct mmu *mmu = cpu_mmu(cpu);
    unsigned half = ea >> 63;
    u64 bits = PPC_BITMASK(0, 1) >> (2 * key);
    if (likely((mmu->amr_mask[half] & bits) == bits))
        return;
    // What has entries already does not depend on this key.
    mmu->amr_mask[half] |= bits;
    tables_choose(cpu);
}

// Everything of one PID, and of PID 0 the kernel's half.
static void flush_pid(struct cpu *cpu, u64 pid)
{
    struct mmu *mmu = cpu_mmu(cpu);
    if (!cpu->group->radix) {
        tables_clear_all(cpu);
        return;
    }
    pid &= 0xffffffffull;
    for (unsigned i = 0; i < USER_TABLES; i++) {
        if (mmu->tables[i].space == pid)
            tables_clear(cpu, &mmu->tables[i]);
    }
    if (pid == 0) {
        for (unsigned i = 0; i < KERNEL_TABLES; i++)
            tables_clear(cpu, &mmu->tables[USER_TABLES + i]);
        mmu->kernel_gen = ++mmu->next_gen;
    } else if (pid == (cpu->pidr & 0xffffffffull)) {
        tables_purge_lower(cpu);
    }
}

static void entry_drop(struct tlb_entry *e)
{
    e->rtag = e->wtag = TLB_NO_TAG;
}

static u64 table_len(const struct tlb_table *t)
{
    return t->mask / sizeof(struct tlb_entry) + 1;
}

// Entries whose effective page matches `ea` under `mask`. The quadrant bits do not count.
static void table_drop_ea(struct tlb_table *t, u64 ea, unsigned shift)
{
    if (!t->fills)
        return;
    u64 mask = (~0ull << shift) & GUEST_PAGE_MASK & (~0ull >> 2);
    u64 first = ea >> GUEST_PAGE_SHIFT & ~0ull << (shift - GUEST_PAGE_SHIFT);
    u64 pages = 1ull << (shift - GUEST_PAGE_SHIFT), len = table_len(t);
    for (u64 i = 0; i < MIN(pages, len); i++) {
        struct tlb_entry *e = &t->data[(first + i) % len];
        if (((e->rtag ^ ea) & mask) == 0 || ((e->wtag ^ ea) & mask) == 0)
            entry_drop(e);
    }
    for (u64 i = 0; i < MIN(pages, FTLB_ENTRIES); i++) {
        struct ftlb_entry *f = &t->fetch[ftlb_index(first + i)];
        if (((f->tag ^ ea) & mask) == 0)
            f->tag = TLB_NO_TAG;
    }
    table_forget_jumps_to(t, first, pages);
}

// One page of a PID. The supervisor's tables are looked through whatever the PID: an entry too few costs little.
static void flush_ea(struct cpu *cpu, u64 ea, unsigned shift, u64 pid)
{
    struct mmu *mmu = cpu_mmu(cpu);
    bool radix = cpu->group->radix;
    pid &= 0xffffffffull;
    u64 page = (ea & ~PPC_BITMASK(0, 1)) >> GUEST_PAGE_SHIFT;
    for (unsigned i = 0; i < USER_TABLES; i++) {
        struct tlb_table *t = &mmu->tables[i];
        if (radix && t->space != pid)
            continue;
        table_drop_ea(t, ea, shift);
        if (!walk_forget(cpu, page, t->gen, shift))
            t->gen = ++mmu->next_gen;
    }
    for (unsigned i = 0; i < KERNEL_TABLES; i++)
        table_drop_ea(&mmu->tables[USER_TABLES + i], ea, shift);
    if ((!radix || !pid) && !walk_forget(cpu, page, mmu->kernel_gen, shift))
        mmu->kernel_gen = ++mmu->next_gen;
}

// Entries for a virtual page (va = address >> 12). Their place depends on the address within the segment, the same in both.
static void flush_va(struct cpu *cpu, u64 va, unsigned shift)
{
    struct mmu *mmu = cpu_mmu(cpu);
    shift = MAX(shift, GUEST_PAGE_SHIFT);
    u64 pages = 1ull << (shift - GUEST_PAGE_SHIFT);
    u64 first = va & ~(pages - 1);
    if (!walk_forget(cpu, va, mmu->kernel_gen, shift))
        mmu->kernel_gen = ++mmu->next_gen;
    for (struct tlb_table *t = mmu->tables; t < mmu->tables + TABLES; t++) {
        u64 len = table_len(t);
        if (!t->fills)
            continue;
        for (u64 i = 0; i < MIN(pages, len); i++) {
            struct tlb_entry *e = &t->data[(first + i) % len];
            if ((e->meta & ~(pages - 1)) == first)
                entry_drop(e);
        }
        for (u64 i = 0; i < MIN(pages, FTLB_ENTRIES); i++) {
            u64 slot = ftlb_index(first + i);
            if ((t->fetch_va[slot] & ~(pages - 1)) == first)
                t->fetch[slot].tag = TLB_NO_TAG;
        }
        table_forget_jumps_to(t, first, pages);
    }
}

static void flush_real(struct cpu *cpu, u64 gra)
{
    struct mmu *mmu = cpu_mmu(cpu);
    uintptr_t host = (uintptr_t)cpu->group->mem->base + (gra & GUEST_PAGE_MASK);
    tables_forget_walks(cpu);
    for (struct tlb_table *t = mmu->tables; t < mmu->tables + TABLES; t++) {
        for (u64 i = 0; t->fills && i < table_len(t); i++) {
            struct tlb_entry *e = &t->data[i];
            u64 tag = e->wtag != TLB_NO_TAG ? e->wtag : e->rtag;
            if (tag != TLB_NO_TAG && tag + e->addend == host)
                entry_drop(e);
        }
        for (unsigned i = 0; t->fills && i < FTLB_ENTRIES; i++) {
            struct ftlb_entry *f = &t->fetch[i];
            if (f->tag != TLB_NO_TAG && f->page->gra == (gra & GUEST_PAGE_MASK))
                f->tag = TLB_NO_TAG;
        }
    }
    mmu_forget_jumps(cpu);
}

void mmu_flush_local(struct cpu *cpu, enum tlb_scope scope, u64 arg0, u64 arg1, u64 arg2)
{
    cpu_mmu(cpu)->flushes++;
    tables_forget_memos(cpu);
    switch (scope) {
    case TLB_ALL: tables_clear_all(cpu); break;
    case TLB_EA_PAGE:
        if (arg2 > 24) // a gigabyte page: most of the address space of a process anyway
            flush_pid(cpu, arg1);
        else
            flush_ea(cpu, arg0, MAX((unsigned)arg2, GUEST_PAGE_SHIFT), arg1);
        break;
    case TLB_PID: flush_pid(cpu, arg1); break;
    case TLB_VPN:
        if (arg1 > 24)
            tables_clear_all(cpu);
        else
            flush_va(cpu, arg0, (unsigned)arg1);
        break;
    case TLB_REAL_WRITE: tables_forget_writers(cpu, arg0); break;
    case TLB_REAL: flush_real(cpu, arg0); break;
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
    cpu->mmu = calloc(1, sizeof(struct mmu));
    if (!cpu->mmu)
        return -ENOMEM;
    if (tables_init(cpu)) {
        mmu_cpu_fini(cpu);
        return -ENOMEM;
    }
    mmu_context_changed(cpu);
    return 0;
}

void mmu_cpu_fini(struct cpu *cpu)
{
    tables_fini(cpu);
    free(cpu->mmu);
    cpu->mmu = NULL;
}
