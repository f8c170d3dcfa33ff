// SPDX-License-Identifier: Apache-2.0
//
// The hashed page table and the hypervisor calls on single entries. The rules for concurrent walkers are in hpt_int.h.
#include "papr/hpt.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu/mmu/mmu.h"
#include "papr/hcall_int.h"
#include "papr/hpt_int.h"
#include "papr/xive.h"

// LoPAR "Register Flags for Page Frame Table Access hcall()s"
#define H_FLAG_EXACT     PPC_BIT(24)
#define H_FLAG_READ_4    PPC_BIT(26)
#define H_FLAG_AVPN      PPC_BIT(32)
#define H_FLAG_ANDCOND   PPC_BIT(33)
#define H_FLAG_ZERO_PAGE PPC_BIT(48)

#define HPTE_V_HV        PPC_BITMASK(57, 58) // software bits that the hypervisor keeps for itself: always 0 here

// ISA III "Page Table Entry": L || LP encodings, as POWER8 and POWER9 implement them. The LP field has as many low-order bits as
// the page's size leaves free of the page number, at most eight.
static const struct {
    u8 base, page;
    u16 mask, code;
} encodings[] = {
    {16, 16, 0x0f, 0x01}, {12, 16, 0x0f, 0x07}, {24, 24, 0xff, 0x00},
    {16, 24, 0xff, 0x08}, {12, 24, 0xff, 0x38}, {34, 34, 0xff, 0x03},
};

bool hpte_page_shift(u64 v, u64 r, unsigned *base_shift, unsigned *page_shift)
{
    *base_shift = *page_shift = 12;
    if (!(v & HPTE_V_L))
        return true;
    unsigned lp = (r & HPTE_R_LP) >> 12;
    // Eight-bit codes first: the four-bit ones match the low half of what is a page number's otherwise.
    for (unsigned exact = 0; exact < 2; exact++) {
        for (size_t i = 0; i < ARRAY_LEN(encodings); i++) {
            if ((encodings[i].mask == 0xff) != (exact == 0) || (lp & encodings[i].mask) != encodings[i].code)
                continue;
            *base_shift = encodings[i].base;
            *page_shift = encodings[i].page;
            return true;
        }
    }
    return false;
}

unsigned hpt_shift_for(u64 memory)
{
    unsigned shift = memory > 1 ? 64 - clz64(memory - 1) : 0;
    shift = shift > 7 ? shift - 7 : 0;
    return MIN(MAX(shift, HPT_SHIFT_MIN), HPT_SHIFT_MAX);
}

int hpt_alloc(struct hpt *hpt, unsigned shift)
{
    size_t size = 1ull << shift;
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return -ENOMEM;
    _Atomic u32 *locks = calloc((size >> 7) / 32 + 1, sizeof(*locks));
    if (!locks) {
        munmap(base, size);
        return -ENOMEM;
    }
    *hpt = (struct hpt){.base = base, .vr = base, .shift = shift, .locks = locks};
    return 0;
}

void hpt_free(struct hpt *hpt)
{
    if (hpt->base)
        munmap(hpt->base, 1ull << hpt->shift);
    free((void *)hpt->locks);
    *hpt = (struct hpt){0};
}

int hpt_init(struct partition *lp)
{
    struct hpt_state *state = calloc(1, sizeof(*state));
    if (!state)
        return -ENOMEM;
    if (hpt_alloc(&state->table, hpt_shift_for(lp->config.memory_max))) {
        free(state);
        return -ENOMEM;
    }
    pthread_mutex_init(&state->resize_lock, NULL);
    lp->hpt = state;
    lp->group.hpt = &state->table;
    return 0;
}

bool hpt_maps(const struct partition *lp, u64 gra, u64 size)
{
    const struct hpt *hpt = &lp->hpt->table;
    for (u64 ptex = 0; ptex < hpt_groups(hpt) * 8; ptex++) {
        u64 v = atomic_load_explicit(hpt_v(hpt, ptex), memory_order_relaxed), r;
        unsigned base_shift, page_shift;
        if (!(v & HPTE_V_V))
            continue;
        r = atomic_load_explicit(hpt_r(hpt, ptex), memory_order_relaxed);
        if (!hpte_page_shift(v, r, &base_shift, &page_shift))
            continue;
        u64 page = r & HPTE_R_RPN & ~((1ull << page_shift) - 1);
        if (page < gra + size && gra < page + (1ull << page_shift))
            return true;
    }
    return false;
}

void hpt_fini(struct partition *lp)
{
    if (!lp->hpt)
        return;
    hpt_free(&lp->hpt->table);
    hpt_free(&lp->hpt->prepared);
    pthread_mutex_destroy(&lp->hpt->resize_lock);
    free(lp->hpt);
    lp->hpt = NULL;
    lp->group.hpt = NULL;
}

void hpt_reset(struct partition *lp)
{
    struct hpt_state *state = lp->hpt;
    hpt_free(&state->prepared);
    struct hpt fresh;
    unsigned shift = hpt_shift_for(lp->config.memory_max);
    if (state->table.shift != shift && !hpt_alloc(&fresh, shift)) {
        hpt_free(&state->table);
        state->table = fresh;
    } else {
        // Gives the memory back as well; what is read next is zero.
        madvise(state->table.base, 1ull << state->table.shift, MADV_DONTNEED);
    }
    lp->group.radix = false;
    lp->group.gtse = false;
    lp->group.prtb = 0;
    for (u32 i = 0; i < lp->group.len; i++)
        mmu_flush_local(lp->group.cpus[i], TLB_ALL, 0, 0, 0);
}

void hpt_lock_group(const struct hpt *hpt, u64 ptex)
{
    u64 group = ptex >> 3;
    _Atomic u32 *word = &hpt->locks[group >> 5];
    u32 bit = 1u << (group & 31);
    for (unsigned i = 0; atomic_fetch_or_explicit(word, bit, memory_order_acquire) & bit; i++) {
        if (i % 64 == 63)
            sched_yield(); // its holder may be waiting for this host CPU
        else
            __builtin_ia32_pause();
    }
}

void hpt_unlock_group(const struct hpt *hpt, u64 ptex)
{
    u64 group = ptex >> 3;
    atomic_fetch_and_explicit(&hpt->locks[group >> 5], ~(1u << (group & 31)), memory_order_release);
}

// V leaves out the low 23 bits of the virtual address; the group's number is the hash that gives them back. ISA III "Page Table
// Search".
void hpt_page_of(const struct hpt *hpt, u64 ptex, u64 v, u64 r, struct hpt_page *page)
{
    unsigned base_shift;
    bool large_segment = (v & HPTE_V_B) == HPTE_V_B_1T;
    hpte_page_shift(v, r, &base_shift, &page->page_shift);
    page->segment_shift = large_segment ? 40 : 28;
    u64 avpn = (v & HPTE_V_AVA) >> 7;
    page->vpn = avpn << (23 - 12);
    if (base_shift >= 23)
        return;
    u64 hash = ptex >> 3;
    if (v & HPTE_V_H)
        hash = ~hash;
    u64 vsid = avpn >> (page->segment_shift - 23);
    hash ^= large_segment ? vsid ^ (vsid << 25) : vsid;
    hash &= hpt_groups(hpt) - 1;
    page->vpn |= ((hash << base_shift) & ((1ull << 23) - 1)) >> 12;
}

void hpt_invalidate(struct cpu *cpu, const struct hpt_page *page)
{
    group_invalidate(cpu->group, cpu, TLB_VPN, page->vpn & ~((1ull << (page->page_shift - 12)) - 1), page->page_shift,
                     page->segment_shift);
}

static bool matches(u64 v, enum hpt_match match, u64 avpn)
{
    if (!(v & HPTE_V_V))
        return false;
    switch (match) {
    case MATCH_AVPN: return (v & (HPTE_V_B | HPTE_V_AVA)) == (avpn & (HPTE_V_B | HPTE_V_AVA));
    case MATCH_ANDCOND: return !(v & avpn);
    default: return true;
    }
}

long hpt_take(struct hpt *hpt, u64 ptex, enum hpt_match match, u64 avpn, u64 *v, u64 *r, struct hpt_page *page,
              bool *flush)
{
    *flush = false;
    if (!hpt_index_valid(hpt, ptex))
        return H_PARAMETER;
    hpt_lock_group(hpt, ptex);
    *v = atomic_load_explicit(hpt_v(hpt, ptex), memory_order_relaxed);
    if (!matches(*v, match, avpn)) {
        hpt_unlock_group(hpt, ptex);
        return H_NOT_FOUND;
    }
    atomic_store(hpt_v(hpt, ptex), 0); // (3)
    *r = atomic_exchange(hpt_r(hpt, ptex), 0);
    hpt_unlock_group(hpt, ptex);
    hpt_page_of(hpt, ptex, *v, *r, page);
    *flush = *r & HPTE_R_R;
    return H_SUCCESS;
}

// The entry's page must be memory of the partition, cached; or registers of its interrupt controller, cache inhibited.
static bool target_valid(const struct partition *lp, u64 v, u64 r)
{
    unsigned base_shift, page_shift;
    if (!hpte_page_shift(v, r, &base_shift, &page_shift))
        return false;
    u64 size = 1ull << page_shift;
    u64 gra = r & HPTE_R_RPN & ~(size - 1);
    u64 wimg = r & HPTE_R_WIMG;
    if (guest_mem_contains(&lp->mem, gra, size))
        return wimg == HPTE_R_M || wimg == (HPTE_R_W | HPTE_R_I | HPTE_R_M); // the second: strong access order
    return xive_contains(gra, size) && (wimg & (HPTE_R_W | HPTE_R_I | HPTE_R_M)) == HPTE_R_I;
}

static void zero_page(struct partition *lp, u64 v, u64 r)
{
    unsigned base_shift, page_shift;
    hpte_page_shift(v, r, &base_shift, &page_shift);
    u64 size = 1ull << page_shift;
    u64 gra = r & HPTE_R_RPN & ~(size - 1);
    u8 *page = guest_mem_at(&lp->mem, gra, size);
    if (!page) // I/O: ignored
        return;
    memset(page, 0, size);
    guest_mem_wrote(&lp->mem, gra, size);
}

// flags, pte index, V, R -> the slot taken
long h_enter(struct cpu *cpu, u64 *args)
{
    struct partition *lp = cpu_partition(cpu);
    struct hpt *hpt = &lp->hpt->table;
    u64 flags = args[0], ptex = args[1];
    u64 v = (args[2] & ~HPTE_V_HV) | HPTE_V_V, r = args[3] & ~PPC_BIT(1);
    if (!hpt_index_valid(hpt, ptex) || (v & HPTE_V_B & ~HPTE_V_B_1T) || !target_valid(lp, v, r))
        return H_PARAMETER;
    if (flags & H_FLAG_ZERO_PAGE)
        zero_page(lp, v, r);

    u64 slot = flags & H_FLAG_EXACT ? ptex : ptex & ~7ull;
    u64 end = flags & H_FLAG_EXACT ? ptex + 1 : slot + 8;
    hpt_lock_group(hpt, slot);
    while (slot < end && atomic_load_explicit(hpt_v(hpt, slot), memory_order_relaxed) & HPTE_V_V)
        slot++;
    if (slot < end) {
        atomic_store(hpt_r(hpt, slot), r);
        atomic_store_explicit(hpt_v(hpt, slot), v, memory_order_release);
    }
    hpt_unlock_group(hpt, ptex);
    if (slot == end)
        return H_PTEG_FULL;
    args[0] = slot;
    return H_SUCCESS;
}

// flags, pte index, AVPN -> V, R
long h_remove(struct cpu *cpu, u64 *args)
{
    u64 flags = args[0], v, r;
    enum hpt_match match = flags & H_FLAG_AVPN ? MATCH_AVPN : flags & H_FLAG_ANDCOND ? MATCH_ANDCOND : MATCH_ANY;
    struct hpt_page page;
    bool flush;
    long rc = hpt_take(&cpu_partition(cpu)->hpt->table, args[1], match, args[2], &v, &r, &page, &flush);
    if (rc != H_SUCCESS)
        return rc;
    if (flush)
        hpt_invalidate(cpu, &page);
    args[0] = v;
    args[1] = r;
    return H_SUCCESS;
}

// Changes R of a valid entry and flushes what was made from it. *old is R before.
static long change_r(struct cpu *cpu, u64 ptex, enum hpt_match match, u64 avpn, u64 clear, u64 set, bool keep_fast,
                     u64 *old)
{
    struct hpt *hpt = &cpu_partition(cpu)->hpt->table;
    if (!hpt_index_valid(hpt, ptex))
        return H_PARAMETER;
    hpt_lock_group(hpt, ptex);
    u64 v = atomic_load_explicit(hpt_v(hpt, ptex), memory_order_relaxed);
    if (!matches(v, match, avpn)) {
        hpt_unlock_group(hpt, ptex);
        return H_NOT_FOUND;
    }
    u64 r = atomic_load(hpt_r(hpt, ptex));
    while (!atomic_compare_exchange_weak(hpt_r(hpt, ptex), &r, (r & ~clear) | set)) // (4)
        ;
    hpt_unlock_group(hpt, ptex);
    *old = r;
    if ((r & HPTE_R_R) && !(keep_fast && ((r & ~clear) | set) == r)) {
        struct hpt_page page;
        hpt_page_of(hpt, ptex, v, r, &page);
        hpt_invalidate(cpu, &page);
    }
    return H_SUCCESS;
}

// flags, pte index, AVPN
long h_protect(struct cpu *cpu, u64 *args)
{
    u64 flags = args[0], old;
    u64 fields = HPTE_R_PP0 | HPTE_R_KEY_HI | HPTE_R_KEY_LO | HPTE_R_N | HPTE_R_PP;
    // The flags hold pp0 in bit 55 and the key's high bits in 50:51; the rest where R has it.
    u64 set = ((flags << 55) & HPTE_R_PP0) | ((flags << 48) & HPTE_R_KEY_HI) |
              (flags & (HPTE_R_KEY_LO | HPTE_R_N | HPTE_R_PP));
    // H_PROTECT is also how an OS says "look again": translations always go.
    return change_r(cpu, args[1], flags & H_FLAG_AVPN ? MATCH_AVPN : MATCH_ANY, args[2], fields, set, false, &old);
}

// flags, pte index -> R as it was
long h_clear_ref(struct cpu *cpu, u64 *args)
{
    u64 old;
    long rc = change_r(cpu, args[1], MATCH_ANY, 0, HPTE_R_R, 0, true, &old);
    if (rc == H_SUCCESS)
        args[0] = old;
    return rc;
}

long h_clear_mod(struct cpu *cpu, u64 *args)
{
    u64 old;
    long rc = change_r(cpu, args[1], MATCH_ANY, 0, HPTE_R_C, 0, true, &old);
    if (rc == H_SUCCESS)
        args[0] = old;
    return rc;
}

// flags, pte index -> V, R; with READ_4 of the four entries from a multiple of four
long h_read(struct cpu *cpu, u64 *args)
{
    struct hpt *hpt = &cpu_partition(cpu)->hpt->table;
    u64 flags = args[0], ptex = args[1];
    if (!hpt_index_valid(hpt, ptex))
        return H_PARAMETER;
    unsigned len = 1;
    if (flags & H_FLAG_READ_4) {
        ptex &= ~3ull;
        len = 4;
    }
    hpt_lock_group(hpt, ptex);
    for (unsigned i = 0; i < len; i++) {
        args[2 * i] = atomic_load_explicit(hpt_v(hpt, ptex + i), memory_order_relaxed);
        args[2 * i + 1] = atomic_load_explicit(hpt_r(hpt, ptex + i), memory_order_relaxed);
    }
    hpt_unlock_group(hpt, ptex);
    return H_SUCCESS;
}
