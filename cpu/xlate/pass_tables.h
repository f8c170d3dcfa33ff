// SPDX-License-Identifier: Apache-2.0
// What forming a region and the passes over it work in. It is too large for a stack, and belongs to who translates.
#ifndef CPU_XLATE_PASS_TABLES_H
#define CPU_XLATE_PASS_TABLES_H

#include "cpu/code.h"
#include "cpu/xlate/pass.h"
#include "cpu/xlate/pass_fields.h"

// pass_forward.c
struct forward {
    struct ir_builder b;
    struct fold_facts facts;
    ir_value now[PASS_VALUES]; // values of the old region in the new one
    ir_value known[IR_SLOTS];  // what slots hold, in the block
    bool put[64];              // the register was last written as SLOT_FPR + n, in the block
    bool both[64];             // the region has both views of the register: then it is SLOT_VSR + n everywhere
    u64 set, clear;            // bits of MSR that were found to be so
};

// pass_strip.c
#define STRIP_CHECKS 12u
#define STRIP_TERMS  3u

// The sum of what slots hold at the start of a repetition, and a constant.
struct sum {
    bool known;
    bool aligned; // without its last four bits: an address, nothing else
    u8 terms;
    u8 slot[STRIP_TERMS];
    s64 plus;
};

struct check {
    struct sum from;
    ir_value access;
    s64 high; // behind the last byte
};

struct loop {
    const struct ir_region *r;
    u8 blocks[STRIP_BLOCKS];
    unsigned blocks_len, operations, insns;
    unsigned entered; // the last block that is not only come to from the one before it
    struct sum slots[IR_SCALARS]; // what they hold, at some place in the loop
    struct check checks[STRIP_CHECKS];
    unsigned checks_len;
    struct fields fields;
};

struct pass_tables {
    struct forward forward;
    // pass_strip.c, by operation of the loop: sums of the values, and what they are in the copy.
    struct loop loop;
    struct sum sums[IR_INSNS_MAX];
    ir_value copied[IR_INSNS_MAX];
    struct ir_region before;
    // pass_dead.c
    u8 used[PASS_VALUES], dead[IR_INSNS_MAX];
    ir_value now[PASS_VALUES];
    // region.c, by instruction of the page. Valid where something is covered, or leads; not cleared for each region.
    u32 words[CODE_PAGE_INSNS];
    u16 ids[CODE_PAGE_INSNS];     // enum insn_id
    u16 numbers[CODE_PAGE_INSNS]; // block numbers of leaders
};

#endif
