// SPDX-License-Identifier: Apache-2.0
// Condition register fields in the copy of a loop (pass_strip.c), which are computed where the loop is left.
#ifndef CPU_XLATE_PASS_FIELDS_H
#define CPU_XLATE_PASS_FIELDS_H

#include "cpu/xlate/build.h"

#define STRIP_BLOCKS 16u // in a loop

enum field_place { FIELD_CONST, FIELD_SLOT, FIELD_KEPT };

// Where what was compared is: slot `imm`, or cpu->strip_compared.
struct field_operand {
    enum field_place place;
    u64 imm;
};

// What a field is where a block ends: a comparison of what slots hold there, or else of what was kept.
struct field {
    bool in_slots;
    u64 how; // enum ir_compare
    struct field_operand slots[3], kept[3];
};

struct fields {
    u8 out;  // those that need not be PUT, one bit each,
    u8 kept; // of them, those whose operands are kept instead
    struct field at[STRIP_BLOCKS][8];
};

// Of a loop's blocks, one behind the other; `entered`: the last one that other ways lead to than from the one before it.
void fields_find(const struct ir_region *r, const u8 *blocks, unsigned len, unsigned entered, struct fields *f);
// The value of field c, where the block that *at tells of ends.
ir_value fields_value(struct ir_builder *b, const struct field *at, unsigned c);
// Keeps what field c compares: a and v; or, where the copy is entered, what *at tells of.
void fields_keep(struct ir_builder *b, unsigned c, ir_value a, ir_value v);
void fields_keep_first(struct ir_builder *b, const struct field *at, unsigned c);

#endif
