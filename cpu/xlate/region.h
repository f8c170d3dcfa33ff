// SPDX-License-Identifier: Apache-2.0
// Forming a region: which instructions belong to it, and its first intermediate form.
#ifndef CPU_XLATE_REGION_H
#define CPU_XLATE_REGION_H

#include "cpu/code.h"
#include "cpu/xlate/ir.h"

#define REGION_INSNS 200u // a limit that suits most code
#define REGION_EXITS_MAX 64
#define REGION_PRUNED_MAX 8

struct pass_tables;

// What of the page a region depends on and where it leaves for.
struct region_shape {
    u64 covered[CODE_PAGE_INSNS / 64]; // instructions that were read
    u16 exits_len;
    u16 exits[REGION_EXITS_MAX]; // instructions of the page at which execution goes on outside of the region
    u16 pruned_len;
    u16 pruned[REGION_PRUNED_MAX]; // of these, those that a loop of the region branches to and that were never executed before
};

// Forms the region at instruction `entry` of `page` from what memory holds now. false: nothing there is worth translating
// (shape->exits: but what follows may be).
// At most `limit` instructions, for 64-bit mode. `cpu` may be running meanwhile: of it, only the group and the level count.
bool region_form(struct pass_tables *t, struct ir_region *r, struct region_shape *shape, const struct cpu *cpu, struct cpage *page, unsigned entry,
                 unsigned limit);

#endif
