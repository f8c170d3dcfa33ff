// SPDX-License-Identifier: Apache-2.0
//
// H_RESIZE_HPT_PREPARE, H_RESIZE_HPT_COMMIT, H_CLEAR_HPT. A new table costs only address space until it is filled, so preparing is done at
// once. Committing moves the bolted entries: an OS finds others by the slot that it remembers, which is of no use in a table of
// another size, so they are dropped, as LoPAR allows.
#include <errno.h>
#include <sys/mman.h>

#include "papr/hcall_int.h"
#include "papr/hpt_int.h"

// flags, log2 of the size in bytes; 0 gives up what was prepared
long h_resize_hpt_prepare(struct cpu *cpu, u64 *args)
{
    struct partition *lp = cpu_partition(cpu);
    struct hpt_state *state = lp->hpt;
    u64 shift = args[1];
    if (args[0])
        return H_PARAMETER;
    if (shift && (shift < HPT_SHIFT_MIN || shift > HPT_SHIFT_MAX))
        return H_PARAMETER;
    // One size above what the memory calls for, no more: the table is the hypervisor's memory.
    if (shift > hpt_shift_for(lp->mem.size) + 1)
        return H_RESOURCE;
    long rc = H_SUCCESS;
    pthread_mutex_lock(&state->resize_lock);
    if (state->prepared.base && state->prepared.shift != shift)
        hpt_free(&state->prepared);
    if (shift && !state->prepared.base && hpt_alloc(&state->prepared, shift))
        rc = H_NO_MEM;
    pthread_mutex_unlock(&state->resize_lock);
    return rc;
}

static bool insert(struct hpt *to, u64 group, u64 v, u64 r)
{
    for (u64 ptex = group * 8; ptex < group * 8 + 8; ptex++) {
        if (*hpt_v(to, ptex) & HPTE_V_V)
            continue;
        *hpt_r(to, ptex) = r;
        *hpt_v(to, ptex) = v;
        return true;
    }
    return false;
}

// ISA III "Page Table Search": the hash is of the virtual segment and the base page's number in it.
static bool rehash(const struct hpt *from, struct hpt *to, u64 ptex)
{
    u64 v = *hpt_v(from, ptex), r = *hpt_r(from, ptex);
    if (!(v & HPTE_V_V) || !(v & HPTE_V_BOLTED))
        return true;
    struct hpt_page page;
    unsigned base_shift, page_shift;
    hpt_page_of(from, ptex, v, r, &page);
    hpte_page_shift(v, r, &base_shift, &page_shift);
    u64 vsid = ((v & HPTE_V_AVA) >> 7) >> (page.segment_shift - 23);
    u64 offset = (page.vpn << 12) & ((1ull << page.segment_shift) - 1);
    u64 hash = vsid ^ (offset >> base_shift);
    if (page.segment_shift == 40)
        hash ^= vsid << 25;
    if (v & HPTE_V_H)
        hash = ~hash;
    return insert(to, hash & (hpt_groups(to) - 1), v, r);
}

static long commit(struct hpt_state *state)
{
    struct hpt *from = &state->table, *to = &state->prepared;
    for (u64 ptex = 0; ptex < hpt_groups(from) * 8; ptex++) {
        if (!rehash(from, to, ptex)) {
            madvise(to->base, 1ull << to->shift, MADV_DONTNEED); // stays prepared, empty
            return H_PTEG_FULL;
        }
    }
    hpt_free(from);
    *from = *to;
    *to = (struct hpt){0};
    return H_SUCCESS;
}

// flags, log2 of the size in bytes
long h_resize_hpt_commit(struct cpu *cpu, u64 *args)
{
    struct partition *lp = cpu_partition(cpu);
    struct hpt_state *state = lp->hpt;
    if (args[0])
        return H_PARAMETER;
    group_exclusive_begin(&lp->group, cpu);
    pthread_mutex_lock(&state->resize_lock);
    long rc = H_CLOSED;
    if (state->prepared.base && state->prepared.shift == args[1])
        rc = commit(state);
    pthread_mutex_unlock(&state->resize_lock);
    group_exclusive_end(&lp->group, cpu);
    if (rc == H_SUCCESS)
        group_invalidate(&lp->group, cpu, TLB_ALL, 0, 0, 0);
    return rc;
}

// Every entry goes: what a crashed or replaced kernel does before the next one starts.
long h_clear_hpt(struct cpu *cpu, u64 *args)
{
    struct partition *lp = cpu_partition(cpu);
    struct hpt *hpt = &lp->hpt->table;
    group_exclusive_begin(&lp->group, cpu);
    madvise(hpt->base, 1ull << hpt->shift, MADV_DONTNEED);
    group_exclusive_end(&lp->group, cpu);
    group_invalidate(&lp->group, cpu, TLB_ALL, 0, 0, 0);
    return H_SUCCESS;
}
