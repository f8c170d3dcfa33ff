// SPDX-License-Identifier: Apache-2.0
//
// A flag is set on the page first; then every running thread drops its write translations (all of them for a whole partition:
// that is cheaper than page by page) and comes to the end of its instruction. From then on its stores meet the flag.
#include "cpu/track.h"

#include "cpu/code.h"

static u64 pages(const struct cpu_group *group)
{
    return group->mem->size >> GUEST_PAGE_SHIFT;
}

void track_start(struct cpu_group *group)
{
    for (u64 page = 0; page < pages(group); page++)
        atomic_fetch_or(&group->mem->flags[page], PAGE_CLEAN);
    group_invalidate(group, NULL, TLB_ALL, 0, 0, 0);
}

u64 track_collect(struct cpu_group *group, u64 *bitmap)
{
    u64 found = 0;
    for (u64 page = 0; page < pages(group); page++) {
        if (atomic_load_explicit(&group->mem->flags[page], memory_order_relaxed) & PAGE_CLEAN)
            continue;
        atomic_fetch_or(&group->mem->flags[page], PAGE_CLEAN);
        bitmap[page / 64] |= 1ull << page % 64;
        found++;
    }
    if (found)
        group_invalidate(group, NULL, TLB_ALL, 0, 0, 0);
    return found;
}

void track_stop(struct cpu_group *group)
{
    for (u64 page = 0; page < pages(group); page++)
        atomic_fetch_and(&group->mem->flags[page], (u8)~PAGE_CLEAN);
}

void page_take(struct cpu_group *group, u64 gra)
{
    _Atomic u8 *flags = &group->mem->flags[gra >> GUEST_PAGE_SHIFT];
    atomic_fetch_or(flags, PAGE_ABSENT);
    group_invalidate(group, NULL, TLB_REAL, gra & GUEST_PAGE_MASK, 0, 0);
    // A thread may be executing predecoded instructions of the page: they go, and with everybody out of the way it fetches anew.
    group_exclusive_begin(group, NULL);
    code_invalidate(group->mem, gra & GUEST_PAGE_MASK, GUEST_PAGE_SIZE);
    group_exclusive_end(group, NULL);
}

void page_give(struct cpu_group *group, u64 gra)
{
    atomic_fetch_and(&group->mem->flags[gra >> GUEST_PAGE_SHIFT], (u8)~PAGE_ABSENT);
}

bool page_absent(const struct cpu_group *group, u64 gra)
{
    return atomic_load(&group->mem->flags[gra >> GUEST_PAGE_SHIFT]) & PAGE_ABSENT;
}
