// SPDX-License-Identifier: Apache-2.0
// Regions in intermediate form: what the front end (region formation, lowering), the passes and the back end agree on.
//
// A region is a set of basic blocks of guest code inside one 4 KiB page of guest real memory, loops included, for one state:
// 64-bit mode, one byte order. It does not know at which effective address the page is mapped (PAGE_EA does). Block 0 is the entry.
//
// Values are 64-bit, assigned once and used in the same block only; what lives across blocks are guest slots. Passes and register
// allocation are free to keep slots in host registers across the whole region, back edges included: a slot's memory is up to date only at
// END operations that leave the region and, by way of out-of-line code, where a GUEST operation goes to a helper.
//
// Helpers: every operation carries the `index` of its guest instruction. LOAD and STORE that miss, and EXEC, hand the whole instruction to its
// reference semantics. Afterwards execution goes on at the first later operation with another `index` (or at the block's END), all slots being
// read anew: operations of the same instruction that follow the LOAD or STORE are skipped. Therefore
// - LOADs and STOREs of an instruction come before its PUTs, and nothing of it moves to another instruction across them;
// - values made before the LOAD or STORE survive; one made by it or after it, and used beyond the instruction, should be PUT to a slot of
//   8 bytes by the same instruction: the helper's path takes it from there. Else that path leaves the region behind the instruction (right, slow).
//
// Counting and interrupts: each block has `insns`, the number of guest instructions that it completes. Leaving a block adds it to
// cpu->insns and takes it from cpu->budget; a JUMP or BRANCH to a block with a lower or the same number (a back edge) first looks
// at cpu->attn and cpu->budget and, when they ask for it, leaves the region instead with cpu->nia = the target.
#ifndef CPU_XLATE_IR_H
#define CPU_XLATE_IR_H

#include "cpu/cpu.h"
#include "isa/isa.h"

enum ir_op {
#define IR(name, ...) IR_##name,
#include "cpu/xlate/ir.def"
#undef IR
    IR_OPS,
};

// What ir.def's columns say. The values of an operation are a, b, c in the order of its V columns: PUT's value is `a`,
// SET and BRANCH compare `a` with `b`; PUT's slot is `slot`.
enum ir_flag { IR_PURE = 1, IR_END = 2, IR_GUEST = 4 };
struct ir_op_row {
    const char *name;
    char result;      // 'V' or '-'
    u8 values;        // how many of a, b, c it has
    u8 flags;         // enum ir_flag
};
extern const struct ir_op_row ir_ops[IR_OPS];

enum ir_cond { COND_EQ, COND_NE, COND_LT, COND_GE, COND_LE, COND_GT, COND_ULT, COND_UGE, COND_ULE, COND_UGT };
enum ir_compare { COMPARE_S64, COMPARE_U64, COMPARE_S32, COMPARE_U32 };

// imm of LOAD and STORE: log2 of the bytes, sign extension, byte reversal (relative to the host).
enum ir_memory { MEM_8, MEM_16, MEM_32, MEM_64, MEM_SIZE = 3, MEM_SIGNED = 4, MEM_SWAP = 8 };

// Guest state that lowering names. Names, offsets in struct cpu and widths are in ir_slots[].
enum ir_slot {
    SLOT_GPR,              // .. SLOT_GPR + 31
    SLOT_LR = SLOT_GPR + 32,
    SLOT_CTR,
    SLOT_TAR,
    SLOT_CFAR,
    SLOT_CRF,              // .. SLOT_CRF + 7, 4 bits in a byte. What is PUT into slots of a byte is in range: 0..15 here, else 0 or 1
    SLOT_SO = SLOT_CRF + 8,
    SLOT_OV,
    SLOT_CA,
    SLOT_OV32,
    SLOT_CA32,
    IR_SLOTS,
};

// imm of FIELD and SET_FIELD.
#define ir_field(member) ((u64)sizeof(((struct cpu *)0)->member) << 32 | offsetof(struct cpu, member))
#define IR_FIELD_BYTES(imm) ((unsigned)((imm) >> 32))
#define IR_FIELD_OFFSET(imm) ((s32)(u32)(imm))

struct ir_slot_row {
    const char *name;
    u16 offset;
    u8 bytes; // 1 or 8
};
extern const struct ir_slot_row ir_slots[IR_SLOTS];

typedef u16 ir_value; // index of the operation that made it, in the region's `insns`; IR_NO_VALUE: none
#define IR_NO_VALUE 0xffffu

struct ir_insn {
    u8 op;        // enum ir_op
    u8 cond;      // enum ir_cond
    u16 slot;     // enum ir_slot
    ir_value a, b, c;
    u16 index;    // the guest instruction's index in its page: for GUEST and EXIT_INSN
    u32 insn;     // its word: for EXEC, LOAD, STORE, REQUIRE (the helper repeats the whole instruction)
    u64 imm;
};

struct ir_block {
    u16 first, len;      // operations in ir_region.insns; the last one is its END
    u16 then, other;     // JUMP, BRANCH: successors
    u16 index;           // first guest instruction
    u16 insns;           // guest instructions completed when the block is left through its END
    u16 weight;          // estimated executions, for allocation: 1, or more inside loops
};

#define IR_INSNS_MAX 4096
#define IR_BLOCKS_MAX 128

struct ir_region {
    struct cpage *page;
    u16 entry;           // index of the first instruction
    bool big_endian;
    u16 len, blocks_len;
    u16 guest_insns;     // instructions covered
    struct ir_insn insns[IR_INSNS_MAX];
    struct ir_block blocks[IR_BLOCKS_MAX];
};

// Text of a region for --trace ir; writes at most size bytes with the NUL.
void ir_print(const struct ir_region *r, char *text, size_t size);
// The first broken rule of the above as static text, or NULL when the region is well-formed. For tests and debug builds.
const char *ir_check(const struct ir_region *r);

#endif
