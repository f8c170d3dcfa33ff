// SPDX-License-Identifier: Apache-2.0
// Regions in intermediate form: what the front end (region formation, lowering), the passes and the back end agree on.
//
// A region is a set of basic blocks of guest code inside one 4 KiB page of guest real memory, loops included, for one state:
// 64-bit mode, one byte order. It does not know at which effective address the page is mapped (PAGE_EA does). Block 0 is the entry.
//
// Values are assigned once and used in the same block only; what lives across blocks are guest slots. Each has a type:
// - V: 64 bits;
// - X: a 128-bit vector as union vsr holds it, one host integer: lane 0 is its least significant end, the ISA's last element;
// - D: a scalar of 64 bits that lives where vectors do (an FPR's image, a double).
// Slots have types as well. A vector-scalar register is two slots, SLOT_VSR + n (all of it) and SLOT_FPR + n (its doubleword 0), that
// overlap: what is PUT to one changes all of the other. PUT of SLOT_FPR + n makes doubleword 1 of the register zero. Passes and register
// allocation are free to keep slots in host registers across the whole region, back edges included: a slot's memory is up to date only at
// END operations that leave the region and, by way of out-of-line code, where a GUEST operation goes to a helper.
//
// Helpers: every operation carries the `index` of its guest instruction. LOAD and STORE that miss, and EXEC, hand the whole instruction to its
// reference semantics. Afterwards execution goes on at the first later operation with another `index` (or at the block's END), all slots being
// read anew: operations of the same instruction that follow the LOAD or STORE are skipped. Therefore
// - LOADs and STOREs of an instruction come before its PUTs, and nothing of it moves to another instruction across them;
// - values made before the LOAD or STORE survive; one made by it or after it, and used beyond the instruction, should be PUT to a slot of
//   its size by the same instruction: the helper's path takes it from there. Else that path leaves the region behind the instruction (right, slow).
// An EXEC whose instruction has ir_effects() that cannot raise an interrupt is no such place: it reads and writes those slots, and no others.
//
// Ways in and out: block 0 is the region's entry. A block with `returns` is the place behind a call in the same region: it is entered from
// outside, too, with all guest state in memory. EXIT and EXIT_EA say in `cond` whether they are calls, which return to the instruction
// behind theirs (LR has been PUT), or returns.
// An EXIT_EA of a block that `switches` stays in the region where it goes to a `landing`, which is a back edge. To the passes it is a way out, and
// nothing is known where a landing begins.
//
// Counting and interrupts: each block has `insns`, the number of guest instructions that it completes. Leaving a block adds it to
// cpu->insns and takes it from cpu->budget; a JUMP or BRANCH to a block with a lower or the same number (a back edge) first looks
// at cpu->attn and cpu->budget and, when they ask for it, leaves the region instead with cpu->nia = the target.
#ifndef CPU_XLATE_IR_H
#define CPU_XLATE_IR_H

#include "cpu/cpu.h"
#include "cpu/xlate/slots.h"
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
    char result;      // 'V', 'X', 'D', '-', or 'T': as the slot is
    char operand[3];  // likewise, of a, b, c; '-' behind the last one
    u8 values;        // how many of a, b, c it has
    u8 flags;         // enum ir_flag
};
extern const struct ir_op_row ir_ops[IR_OPS];

enum ir_cond { COND_EQ, COND_NE, COND_LT, COND_GE, COND_LE, COND_GT, COND_ULT, COND_UGE, COND_ULE, COND_UGT };
enum ir_compare { COMPARE_S64, COMPARE_U64, COMPARE_S32, COMPARE_U32 };

// imm of LOAD and STORE: log2 of the bytes, sign extension, byte reversal (relative to the host). LARX and STCX: a pair (pass_pair.c).
enum ir_memory { MEM_8, MEM_16, MEM_32, MEM_64, MEM_SIZE = 3, MEM_SIGNED = 4, MEM_SWAP = 8, MEM_PAIRED = 16, RMW_ADD = 32 };

// LOAD, STORE, LOADX, STOREX, LOADD, STORED: `cond` of one whose page a STRIP has found: it cannot miss, and is no GUEST.
#define ACCESS_KNOWN 1

// imm of STRIP: bytes; log2 of what each repetition moves the address by, or a little more; how.
enum ir_strip {
    STRIP_SPAN = 0xfff,
    STRIP_SHIFT_AT = 12,
    STRIP_SHIFT = 15,
    STRIP_DOWN = 1 << 16,  // to lower addresses
    STRIP_STAYS = 1 << 17, // it does not move
    STRIP_WRITE = 1 << 18, // for storing
};
#define STRIP_LEAST 4u // repetitions that are worth it

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
    IR_SCALARS,            // those of type V end here
    SLOT_VSR = 64,         // .. SLOT_VSR + 63, type X
    SLOT_FPR = 128,        // .. SLOT_FPR + 63, type D: doubleword 0 of the same register
    IR_SLOTS = 192,
};

// imm of FIELD and SET_FIELD.
#define ir_field(member) ((u64)sizeof(((struct cpu *)0)->member) << 32 | offsetof(struct cpu, member))
#define IR_FIELD_BYTES(imm) ((unsigned)((imm) >> 32))
#define IR_FIELD_OFFSET(imm) ((s32)(u32)(imm))

struct ir_slot_row {
    const char *name;
    u16 offset;
    u8 bytes; // 1, 8 or 16; 0: there is no such slot
    char type;
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

// The type of what the operation makes, '-' where it makes nothing; of its operand k.
static inline char ir_type(const struct ir_insn *in)
{
    char t = ir_ops[in->op].result;
    return t == 'T' ? ir_slots[in->slot].type : t;
}
static inline char ir_operand_type(const struct ir_insn *in, unsigned k)
{
    char t = ir_ops[in->op].operand[k];
    return t == 'T' ? ir_slots[in->slot].type : t;
}

enum ir_fbits { FBITS_NEG, FBITS_ABS, FBITS_NABS };

static inline bool ir_is_float(const struct ir_insn *in)
{
    return in->op >= IR_FP1 && in->op <= IR_FV3;
}
// Needs the host's unit: cpu/exec/fp_lazy.h.
static inline bool ir_needs_float(const struct ir_insn *in)
{
    return ir_is_float(in) || in->op == IR_FCMP || in->op == IR_FWIDEN || in->op == IR_FNARROW;
}

// Bytes that a load or store of any type accesses; 0: it is none.
static inline unsigned ir_access_bytes(const struct ir_insn *in)
{
    switch (in->op) {
    case IR_LOAD:
    case IR_STORE:
    case IR_LOADD:
    case IR_STORED: return 1u << (in->imm & MEM_SIZE);
    case IR_LOADX:
    case IR_STOREX: return 16;
    case IR_ZERO: return 128;
    default: return 0;
    }
}
static inline bool ir_is_store(const struct ir_insn *in)
{
    return in->op == IR_STORE || in->op == IR_STORED || in->op == IR_STOREX || in->op == IR_ZERO;
}

// Whether it may fault or look at any guest state.
static inline bool ir_is_guest(const struct ir_insn *in)
{
    return ir_ops[in->op].flags & IR_GUEST && !(in->cond == ACCESS_KNOWN && ir_access_bytes(in));
}

// Which memo an access uses (x86/memo.c): that of the register that it counts from. Where two are added it is one of the pair, as either may be
// what other accesses of a loop have in common; and none of the stack pointer's or r13's, which are used everywhere.
static inline unsigned ir_memo(u32 insn)
{
    unsigned ra = insn >> 16 & 31, rb = insn >> 11 & 31, pair = ra ^ rb ^ 16;
    if (insn >> 26 != 31)
        return ra ? ra : rb;
    return !ra ? rb : pair == 1 || pair == 13 ? 0 : pair;
}

// How many blocks an END goes to: `then`, and `other`.
static inline unsigned ir_successors(u8 op)
{
    return op == IR_BRANCH || op == IR_BEGIN || op == IR_AGAIN ? 2 : op == IR_JUMP;
}

// The slot that is another view of a vector-scalar register, or IR_SLOTS.
static inline unsigned ir_overlap(unsigned slot)
{
    return slot >= SLOT_FPR ? slot - SLOT_FPR + SLOT_VSR : slot >= SLOT_VSR ? slot - SLOT_VSR + SLOT_FPR : IR_SLOTS;
}

// What an EXEC of this instruction reads and writes. `raises`: an interrupt may come of it, or it looks at more than slots, so that
// everything must be in place before it. False: nothing is known, it may read and write anything.
struct ir_effects {
    struct slot_set reads, writes;
    bool raises;
};
bool ir_effects(u32 insn, struct ir_effects *e);

struct ir_block {
    u16 first, len;      // operations in ir_region.insns; the last one is its END
    u16 then, other;     // JUMP, BRANCH: successors
    u16 index;           // first guest instruction
    u16 insns;           // guest instructions completed when the block is left through its END
    u16 weight;          // estimated executions, for allocation: 1, or more inside loops
    u32 need;            // bits of MSR: where it is entered from outside with one clear, the interpreter executes its first instruction
    bool strip;          // a JUMP or BRANCH to it is a back edge, wherever from (pass_strip.c)
    bool copied;         // a BRANCH from it to a block with a lower number is none
    bool returns;        // entered from outside: what a call returns to
    bool switches;       // EXIT_EA: goes to any of the blocks that are `landing` where the address is that of their first instruction
    bool landing;
};

enum ir_way { WAY_JUMP, WAY_CALL, WAY_RETURN };

#define IR_INSNS_MAX 4096
#define IR_BLOCKS_MAX 128

struct ir_region {
    struct cpage *page;
    u16 entry;           // index of the first instruction
    bool big_endian;
    u8 older;            // levels by which the instruction set is older than LEVEL_V30
    u16 len, blocks_len;
    u16 guest_insns;     // instructions covered
    u64 lines;           // of the page, those that any of them is in (cpu/code.h)
    struct ir_insn insns[IR_INSNS_MAX];
    struct ir_block blocks[IR_BLOCKS_MAX];
};

// Text of a region for --trace ir; writes at most size bytes with the NUL.
void ir_print(const struct ir_region *r, char *text, size_t size);
// The first broken rule of the above as static text, or NULL when the region is well-formed. For tests and debug builds.
const char *ir_check(const struct ir_region *r);

#endif
