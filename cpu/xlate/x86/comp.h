// SPDX-License-Identifier: Apache-2.0
// The compilation of one region for x86-64.
//
// Registers: rdi is the cpu, rsp the stack of translated code (link.c). Five (rax, rcx, rdx, rsi, r8) hold values; rbx, rbp, r9, r10 and
// r12..r15 hold guest slots for the whole region, the best ones first, or values where no slot wants them. r11 is cpu->budget in all
// translated code; cpu->insns is brought up to date from the difference.
//
// Vectors and scalars of type D are in xmm registers: xmm0..xmm5, and more where many are alive at once, hold values, the others slots or
// values. All of them are callers' own, so that whatever calls a function stores and loads them.
//
// Slots that have a register are loaded at entries, all of them, so that their registers are right everywhere. Exits write back those that
// may have changed on some path. Helpers are called through one routine per region (`helper`), which writes back every slot that the
// region changes anywhere, counts, calls, and loads all again. Instructions that cannot raise an interrupt are called in line: what they read and
// what the call destroys is written back before, that and what they write loaded after.
//
// Values are allocated in one pass over the block: in a register of the value pool, in the red zone below rsp when those run out, as a
// constant, or as another name for a slot's register until that slot is PUT. A value whose next use is a PUT is computed in the slot's
// register. Vectors that find no register, or live across a call, are in struct cpu. There is no frame: a call moves rsp below the red zone first.
//
// Accesses that have their address from one base share the software TLB's answer within a block: the first one is looked up as if it
// were all of them, and leaves the page's addend in a register (struct cache). Translations change only where requests are served: at the
// ends of blocks, and in helpers. Behind a helper the region is left where such an answer would be used; if that happens because the accesses are
// in two pages, they are translated anew, each on its own (memo.c).
#ifndef CPU_XLATE_X86_COMP_H
#define CPU_XLATE_X86_COMP_H

#include "cpu/xlate/ir.h"
#include "cpu/xlate/target.h"
#include "cpu/xlate/x86/emit.h"
#include "cpu/xlate/x86/emit_sse.h"
#include "cpu/xlate/x86/float.h"

#define CPU             RDI
#define BUDGET          R11
#define SPILLS          15
#define GPR_FILE        0x0000ffffu // sets of registers
#define XMM_FILE        0xffff0000u
#define RED_ZONE        128
#define CPU_MEM(member) mem_at(CPU, (s32)offsetof(struct cpu, member))

enum loc {
    LOC_NONE, // not computed yet, or dead
    LOC_CONST,
    LOC_REG,    // n: register of the pool
    LOC_SPILL,  // n: place in the red zone
    LOC_XSPILL, // n: place in cpu->xlate_spill
    LOC_SLOT,   // n: slot, in whose register it is
    LOC_FOLDED, // computed by those that use it: an address, a condition
};

struct val {
    u8 loc, n;
    u8 target; // slot in whose register it is best computed, or IR_SLOTS
    u16 last;  // position of the last use
    u16 uses;
    u16 folds; // uses that could compute it themselves
    u16 pair;  // FV: the other one of two that are checked together (float.h), plus one; 0: none
    // LOAD, STORE: later accesses of the block may use what this one looked up; from the base the bytes are at [low, high).
    bool shared;
    s64 low, high;
};

// What an access has found out about the page of `root` + [low, high).
struct cache {
    bool write;
    u8 addend; // register
    ir_value root;
    s64 low, high;
    u16 used; // last, by which access
};
#define CACHES_MAX  512
#define CACHES_LIVE 3
#define NO_CACHE    0xffffu

// A value that must survive a helper, and where it is before and after the guest instruction.
struct keep {
    ir_value value;
    u8 from, from_n, to, to_n;
    u8 order; // of the words in what it is made from (PSHUFD), when not 0
};

enum cold_kind {
    COLD_MISS,
    COLD_REQUIRE,
    COLD_CHECK,
    COLD_LEAVE,
    COLD_FP,
    COLD_ENTER,
    COLD_FP_ENTER,
    COLD_DIVIDE,
    COLD_JUMP
};

// Code out of line.
struct cold {
    u8 kind;
    bool leaves; // MISS: a value cannot be had after the helper: go on in the interpreter
    u16 at;      // operation
    u16 block;
    u16 to;                 // LEAVE: block
    u16 keeps, keeps_len;   // values from before the instruction
    u16 made, made_len;     // values that the instruction made: from slots in memory
    struct slot_set dirty;  // LEAVE: slots to write back
    u16 cache[CACHES_LIVE]; // MISS: those behind the instruction,
    u16 end;                // which is this operation
    // MISS that `finds`: the address is in `base`, plus disp; the registers for finding its page, and what is asked (find.h).
    bool finds;
    u8 base, tag, addend; // DIVIDE: the divisor is in `base`, the dividend in `tag`
    s32 disp;
    u32 what;
    struct fp_pending fp;
    struct label start, back;
    struct label hit; // MISS: behind the lookup
};

#define COLDS_MAX     1024
#define CONSTANTS_MAX 64
#define KEEPS_MAX     8192

#define RELOCS_MAX    4096

struct comp {
    struct code c;
    struct reloc relocs[RELOCS_MAX];
    struct code_memory *memory;
    const struct ir_region *r;
    const struct ir_block *block;
    unsigned block_no, at;
    bool failed;

    u8 slot_reg[IR_SLOTS];                // NO_REG: in memory
    struct slot_set slots;                // those in registers
    struct slot_set changed;              // of them, those that the region PUTs
    struct slot_set dirty[IR_BLOCKS_MAX]; // at the block's start, those that may differ from memory
    struct slot_set dirty_now;            // likewise, at this operation
    struct slot_set zeroed; // of type D, those whose register's other doubleword is zero in memory, in this block
    u32 pool;               // registers for values

    struct val vals[IR_INSNS_MAX];
    ir_value reg_value[ALL_REGS];
    ir_value spill_value[SPILLS], xspill_value[XLATE_SPILLS];
    unsigned spills_max;
    u32 locked; // registers that the current operation uses
    struct cache caches[CACHES_MAX];
    unsigned caches_len;
    u16 cache[CACHES_LIVE]; // the valid ones
    u16 held;               // their registers
    ir_value aliases[IR_INSNS_MAX];
    u16 last_use[IR_INSNS_MAX]; // xmm_pressure()'s
    unsigned aliases_len;

    struct label blocks[IR_BLOCKS_MAX];
    struct label loads[IR_BLOCKS_MAX]; // of blocks that are entered from outside: where slots are loaded
    struct label entry_away;           // attn or the budget ask at the region's entry
    struct label helper;
    bool helper_used;
    // Switches (leave.c): by instruction from the first landing on, where to go.
    struct label table, no_landing;
    unsigned landing_first, landings;
    struct slot_set switch_dirty; // at the ends of the blocks that switch
    struct cold colds[COLDS_MAX];
    unsigned colds_len, open; // misses from `open` on wait for the end of their instruction
    struct keep keeps[KEEPS_MAX];
    unsigned keeps_len;
    struct {
        u64 high, low;
        struct label label;
    } constants[CONSTANTS_MAX];
    unsigned constants_len;

    bool fp;   // the region needs the host's floating-point unit
    bool wide; // and may use upper halves of its registers
    ir_value fp_last, fp_compared;
    struct fp_site fp_sites[FP_SITES_MAX], fp_site_spare;
    unsigned fp_sites_len;
};

static inline const struct ir_insn *comp_insn(const struct comp *x, ir_value v)
{
    return &x->r->insns[v];
}
static inline bool is_const(const struct comp *x, ir_value v)
{
    return x->r->insns[v].op == IR_CONST;
}
static inline bool page_bit(const _Atomic u64 *bits, unsigned index)
{
    return atomic_load_explicit(&bits[index / 64], memory_order_relaxed) >> (index % 64) & 1;
}
static inline bool is_s32(u64 imm)
{
    return (s64)imm == (s32)imm;
}
static inline struct mem slot_mem(unsigned slot)
{
    return mem_at(CPU, ir_slots[slot].offset);
}
static inline struct mem xspill_mem(unsigned place)
{
    return mem_at(CPU, (s32)(offsetof(struct cpu, xlate_spill) + 16 * place));
}
static inline struct mem spill_mem(unsigned place, s32 below)
{
    return mem_at(RSP, below - 8 * (s32)(place + 2)); // above is room for a return address
}

// alloc.c: which slots get registers; uses of values in a block.
void comp_choose_slots(struct comp *x);
void comp_scan_block(struct comp *x);

// values.c: where values are.
enum reg value_reg(struct comp *x, ir_value v); // in a register, kept there during the operation
enum reg value_scratch(struct comp *x);         // a register for the rest of the operation
enum reg value_xscratch(struct comp *x);        // likewise, an xmm register
enum reg
value_spare(const struct comp *x); // one that holds nothing, until the next is asked for; NO_REG: there is none
void value_claim(struct comp *x, enum reg r); // this one; before the operands are asked for
// The register for the result of the current operation. It may be that of `a` or `b` when they die here (IR_NO_VALUE: no), and that
// of the slot that the result is for; never one of the set `avoid`.
enum reg value_result(struct comp *x, ir_value a, ir_value b, u32 avoid);
void value_result_in(struct comp *x, enum reg r); // the result is in this register of the pool, which was claimed
void value_alias(struct comp *x, ir_value v, unsigned slot); // v is what the slot's register holds
void value_evict_aliases(struct comp *x, unsigned slot);
void value_end_operation(struct comp *x);
void value_start_block(struct comp *x);
u64 value_max(const struct comp *x, ir_value v); // no greater than this

// select_vector.c: VX0 .. DTOV
void select_vector(struct comp *x, const struct ir_insn *in);
struct label *select_constant(struct comp *x, u64 high, u64 low); // where 16 bytes are, aligned
void select_constants(struct comp *x);                            // behind the code

// select.c
void select_operation(struct comp *x);
// Compares and returns the condition under which `a cond b`.
enum cc select_condition(struct comp *x, enum ir_cond cond, ir_value a, ir_value b);
// Whether the test `v != 0` is done by who uses it.
bool select_folds_condition(const struct comp *x, ir_value v);
// Whether `a cond b` is a comparison of what they are extended from, to doublewords, or of constants.
bool select_compares_words(const struct comp *x, enum ir_cond cond, ir_value a, ir_value b);

// memory.c
struct address {
    enum reg base;
    s32 disp;
    ir_value value; // in base
};
// Finds the page of `span` bytes from `a` on; its addend is in `at` then, and `tag` is changed. With a miss of its own. shared: the bytes are
// those of several accesses.
void memory_find(struct comp *x, struct address a, unsigned span, bool write, bool shared, enum reg tag, enum reg at);
// The same for an access whose page a STRIP has found.
void memory_known(struct comp *x, enum reg at);
void memory_strip(struct comp *x);
void memory_find_cold(struct comp *x, struct cold *cold);
// The way out of line for the current operation: its whole instruction by reference semantics.
struct cold *memory_miss(struct comp *x);
void memory_access(struct comp *x);
void memory_drop_caches(struct comp *x, u32 regs); // those in any of these registers
void memory_scan(struct comp *x, unsigned first, unsigned end);
void memory_exec(struct comp *x);
void memory_zero(struct comp *x);
void memory_require(struct comp *x);
void memory_check(struct comp *x);
void memory_close_misses(struct comp *x);
void memory_cold(struct comp *x, struct cold *cold);
void memory_helper(struct comp *x);

// memo.c
void memo_emit_finder(struct code *c, enum reg t, enum reg a);

// divide.c
void divide(struct comp *x);
void divide_cold(struct comp *x, struct cold *cold);

// atomic.c
void atomic_load_reserve(struct comp *x);
void atomic_store_conditional(struct comp *x);
void atomic_loop(struct comp *x);

// leave.c
void leave_entry(struct comp *x);                            // the region's
void leave_entries(struct comp *x, struct target_code *out); // the others, out of line
void leave_end(struct comp *x);
void leave_find_landings(struct comp *x);
void leave_table(struct comp *x);      // of switches, behind the code
void leave_no_landing(struct comp *x); // where the table has nothing
void leave_cold(struct comp *x, struct cold *cold);
void leave_entry_cold(struct comp *x, struct cold *cold);
void leave_jump_cold(struct comp *x, struct cold *cold);
// The interpreter executes the instruction at the block's entry; nothing is in registers.
void leave_to_plain(struct comp *x, unsigned block);
void leave_behind(struct comp *x); // in the interpreter, behind the instruction at cpu->d, which a helper has executed
void leave_behind_if(struct comp *x, enum cc cc);
void leave_write_back(struct comp *x, struct slot_set slots);
void leave_load_slot(struct comp *x, unsigned slot);
void leave_store_slot(struct comp *x, unsigned slot);
void leave_store_xmm(struct comp *x, unsigned slot, enum reg r); // to a slot of type X or D
void leave_load_slots(struct comp *x);
void leave_sync(struct comp *x, enum reg scratch); // cpu->budget and cpu->insns
void leave_page(struct comp *x, enum reg dst);     // the address of the region's page
struct cold *comp_cold(struct comp *x, enum cold_kind kind);

#endif
