// SPDX-License-Identifier: Apache-2.0
// First fit behind the last piece. Requests are short-lived and few, so that pieces next to each other become free soon.
#include "vios/area.h"

#include <errno.h>
#include <stdlib.h>

int area_init(struct area *area, u64 size)
{
    *area = (struct area){.pages = (u32)(size / AREA_PAGE)};
    area->taken = calloc((area->pages + 63) / 64 + 1, sizeof(u64));
    return area->taken ? 0 : -ENOMEM;
}

void area_fini(struct area *area)
{
    free(area->taken);
    area->taken = NULL;
}

static bool taken(const struct area *area, u32 page)
{
    return area->taken[page / 64] >> page % 64 & 1;
}

static void set(struct area *area, u32 first, u32 len, bool value)
{
    for (u32 i = first; i < first + len; i++) {
        if (value)
            area->taken[i / 64] |= 1ull << i % 64;
        else
            area->taken[i / 64] &= ~(1ull << i % 64);
    }
}

// The first free run of `len` pages in [from, to), or `to`.
static u32 search(const struct area *area, u32 from, u32 to, u32 len)
{
    u32 run = 0;
    for (u32 i = from; i < to; i++) {
        run = taken(area, i) ? 0 : run + 1;
        if (run == len)
            return i + 1 - len;
    }
    return to;
}

u64 area_take(struct area *area, u64 size)
{
    u64 pages = (size + AREA_PAGE - 1) / AREA_PAGE;
    if (!pages || pages > area->pages)
        return AREA_NONE;
    u32 len = (u32)pages, at = search(area, area->low, area->pages, len);
    if (at == area->pages)
        return AREA_NONE;
    set(area, at, len, true);
    while (area->low < area->pages && taken(area, area->low))
        area->low++;
    return (u64)at * AREA_PAGE;
}

void area_give(struct area *area, u64 offset, u64 size)
{
    u32 first = (u32)(offset / AREA_PAGE);
    set(area, first, (u32)((size + AREA_PAGE - 1) / AREA_PAGE), false);
    area->low = MIN(area->low, first);
}
