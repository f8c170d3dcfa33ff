// SPDX-License-Identifier: Apache-2.0
#include "papr/of_claim.h"

#include <string.h>

#define NOT_TO_BE_HAD 0xffffffffu

static bool claimed(const struct of_claims *claims, u64 start, u64 end)
{
    for (unsigned i = 0; i < claims->len; i++)
        if (start < claims->list[i].end && claims->list[i].start < end)
            return true;
    return false;
}

bool of_claim_insert(struct of_claims *claims, u64 start, u64 end)
{
    if (claims->len == OF_CLAIMS_MAX || start >= end)
        return false;
    unsigned at = claims->len++;
    for (; at > 0 && claims->list[at - 1].start > start; at--)
        claims->list[at] = claims->list[at - 1];
    claims->list[at] = (struct of_claim){start, end};
    return true;
}

void of_claim_remove(struct of_claims *claims, u64 start, u64 end)
{
    struct of_claim kept[2];
    for (unsigned i = 0; i < claims->len;) {
        struct of_claim c = claims->list[i];
        if (start >= c.end || end <= c.start) {
            i++;
            continue;
        }
        memmove(&claims->list[i], &claims->list[i + 1], (--claims->len - i) * sizeof(c));
        unsigned n = 0;
        if (c.start < start)
            kept[n++] = (struct of_claim){c.start, start};
        if (end < c.end)
            kept[n++] = (struct of_claim){end, c.end};
        for (unsigned k = 0; k < n; k++)
            of_claim_insert(claims, kept[k].start, kept[k].end);
        if (n)
            i = 0; // what was put back does not overlap any more
    }
}

u32 of_claim(struct of_claims *claims, u64 limit, u32 addr, u32 size, u32 align)
{
    if (limit > 4 * GIB)
        limit = 4 * GIB; // addresses are 32-bit cells
    if (size == 0)
        return NOT_TO_BE_HAD;
    if (align == 0) {
        u64 end = (u64)addr + size;
        return end <= limit && !claimed(claims, addr, end) && of_claim_insert(claims, addr, end) ? addr : NOT_TO_BE_HAD;
    }
    if (align & (align - 1))
        return NOT_TO_BE_HAD;
    u64 start = MAX(align, OF_VECTORS_END);
    start = (start + align - 1) & ~(u64)(align - 1);
    for (unsigned i = 0; i < claims->len; i++) { // sorted: step over each that is in the way
        const struct of_claim *c = &claims->list[i];
        if (start < c->end && c->start < start + size)
            start = (c->end + align - 1) & ~(u64)(align - 1);
    }
    return start + size <= limit && of_claim_insert(claims, start, start + size) ? (u32)start : NOT_TO_BE_HAD;
}
