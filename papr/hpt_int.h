// SPDX-License-Identifier: Apache-2.0
// The hashed page table's own: shared by papr/hpt*.c.
//
// An entry is V and R, host doublewords. Who may change what, while threads walk the table:
// (1) A thread that changes an entry holds the lock of its group of eight. The lock is never held across an invalidation.
// (2) Walkers take no lock. They read V, R, V again, and set R[R] and R[C] by compare-and-swap against the R they read; a
//     failure, or a changed V after it, starts the walk again.
// (3) An entry appears by storing R, then V (release). It goes away by storing V = 0, then taking R by exchange: a
//     walker's compare-and-swap either came before, and then R[R] is seen here and translations are flushed, or fails.
// (4) R changes by compare-and-swap; when R[R] was set, translations made from it are flushed before the call returns.
#ifndef PAPR_HPT_INT_H
#define PAPR_HPT_INT_H

#include "papr/hpt.h"

struct hpt_state {
    struct hpt table;            // what the MMU reads (group->hpt)
    struct hpt prepared;         // H_RESIZE_HPT_PREPARE; base NULL: none
    pthread_mutex_t resize_lock; // `prepared`
};

static inline u64 hpt_groups(const struct hpt *hpt)
{
    return 1ull << (hpt->shift - 7);
}

static inline bool hpt_index_valid(const struct hpt *hpt, u64 ptex)
{
    return ptex < hpt_groups(hpt) * 8;
}

static inline _Atomic u64 *hpt_v(const struct hpt *hpt, u64 ptex)
{
    return (_Atomic u64 *)&hpt->vr[ptex * 2];
}

static inline _Atomic u64 *hpt_r(const struct hpt *hpt, u64 ptex)
{
    return (_Atomic u64 *)&hpt->vr[ptex * 2 + 1];
}

void hpt_lock_group(const struct hpt *hpt, u64 ptex);
void hpt_unlock_group(const struct hpt *hpt, u64 ptex);

// What a removed or changed entry translated, for the invalidation.
struct hpt_page {
    u64 vpn; // virtual address >> 12
    unsigned page_shift, segment_shift;
};
void hpt_page_of(const struct hpt *hpt, u64 ptex, u64 v, u64 r, struct hpt_page *page);
void hpt_invalidate(struct cpu *cpu, const struct hpt_page *page);

enum hpt_match { MATCH_ANY, MATCH_AVPN, MATCH_ANDCOND };

// Takes an entry out of the table without flushing translations: H_SUCCESS with its V and R, H_NOT_FOUND or H_PARAMETER. *flush: it
// was used, so the caller must hpt_invalidate(page) before the guest hears of it.
long hpt_take(struct hpt *hpt, u64 ptex, enum hpt_match match, u64 avpn, u64 *v, u64 *r, struct hpt_page *page,
              bool *flush);

// 0 or -ENOMEM; a fresh table is all invalid entries.
int hpt_alloc(struct hpt *hpt, unsigned shift);
void hpt_free(struct hpt *hpt);

#endif
