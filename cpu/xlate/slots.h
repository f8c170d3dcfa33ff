// SPDX-License-Identifier: Apache-2.0
// Sets of guest slots (enum ir_slot).
#ifndef CPU_XLATE_SLOTS_H
#define CPU_XLATE_SLOTS_H

#include "base/types.h"

#define SLOT_WORDS 3

struct slot_set {
    u64 w[SLOT_WORDS];
};

#define SLOTS_NONE ((struct slot_set){{0}})
#define SLOTS_ALL  ((struct slot_set){{~0ull, ~0ull, ~0ull}})

static inline bool slots_have(const struct slot_set *s, unsigned slot)
{
    return s->w[slot / 64] >> (slot % 64) & 1;
}
static inline void slots_add(struct slot_set *s, unsigned slot)
{
    s->w[slot / 64] |= 1ull << (slot % 64);
}
static inline void slots_remove(struct slot_set *s, unsigned slot)
{
    s->w[slot / 64] &= ~(1ull << (slot % 64));
}
static inline struct slot_set slots_or(struct slot_set a, struct slot_set b)
{
    for (unsigned i = 0; i < SLOT_WORDS; i++)
        a.w[i] |= b.w[i];
    return a;
}
static inline struct slot_set slots_and(struct slot_set a, struct slot_set b)
{
    for (unsigned i = 0; i < SLOT_WORDS; i++)
        a.w[i] &= b.w[i];
    return a;
}
static inline struct slot_set slots_without(struct slot_set a, struct slot_set b)
{
    for (unsigned i = 0; i < SLOT_WORDS; i++)
        a.w[i] &= ~b.w[i];
    return a;
}
static inline bool slots_any(struct slot_set s)
{
    return (s.w[0] | s.w[1] | s.w[2]) != 0;
}
// a |= b; whether that changed it.
static inline bool slots_join(struct slot_set *a, struct slot_set b)
{
    bool more = slots_any(slots_without(b, *a));
    *a = slots_or(*a, b);
    return more;
}
// The first slot of the set from `slot` on, or 64 * SLOT_WORDS.
static inline unsigned slots_next(const struct slot_set *s, unsigned slot)
{
    for (; slot < 64 * SLOT_WORDS; slot = (slot / 64 + 1) * 64) {
        u64 rest = s->w[slot / 64] >> (slot % 64);
        if (rest)
            return slot + (unsigned)__builtin_ctzll(rest);
    }
    return slot;
}
#define SLOTS_EACH(s, set) for (unsigned s = slots_next(&(set), 0); s < 64 * SLOT_WORDS; s = slots_next(&(set), s + 1))

#endif
