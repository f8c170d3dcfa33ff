// SPDX-License-Identifier: Apache-2.0
//
// A region is found breadth-first from its entry, following direct branches inside the page both ways and what they fall
// through to. Its blocks are numbered in the order of their addresses (after the entry), so that back edges are loops.
//
// (1) Every branch ends a block, every target of a branch inside the region begins one.
// (2) CFAR changes only when a branch is taken: a conditional one gets a block of its own on that edge.
// (3) Calls, returns and branches out of the page are exits; what is behind a call belongs to the region where it is hot.
//     Instructions that change how the next ones execute, or may wait for other threads, are left to the interpreter (EXIT_INSN).
// (4) Where an indirect jump went to inside of the page before belongs to the region as well: switch statements and
//     interpreters' loops stay in it.
// (5) Successors are kept as instruction indices until all blocks have numbers.
#include "cpu/xlate/region.h"

#include "cpu/debug.h"
#include "cpu/exec/exec.h"
#include "cpu/group.h"
#include "cpu/xlate/atomic_loop.h"
#include "cpu/xlate/lower.h"
#include "cpu/xlate/pass_tables.h"
#include "cpu/xlate/xlate.h"

#define REGION_LEADERS 40u // each makes up to three blocks
#define LI_OFFSET      ((s64)((s32)(insn << 6) >> 6 & ~3))
#define BD_OFFSET      ((s64)(s16)(insn & 0xfffc))
#define BO             INSN_FIELD(6, 10)
#define LK_BIT         (insn & 1)
#define AA_BIT         (insn & 2)

// ISA I "BO Field Encodings"
enum { BO_NO_CR = 0x10, BO_CR_TRUE = 0x08, BO_NO_CTR = 0x04, BO_CTR_ZERO = 0x02 };

static_assert(3 * REGION_LEADERS <= IR_BLOCKS_MAX, "blocks");

struct form {
    struct ir_builder b;
    struct region_shape *shape;
    const struct cpu *cpu;
    struct cpage *page;
    u64 leaders[CODE_PAGE_INSNS / 64];
    unsigned leaders_len, queue_len, total, limit;
    u64 returns[CODE_PAGE_INSNS / 64];  // what calls return to
    u64 landings[CODE_PAGE_INSNS / 64]; // what indirect jumps go to
    u64 pruned[CODE_PAGE_INSNS / 64];   // what was never executed
    u64 stored[CODE_PAGE_INSNS / 64];   // stores of loops that one operation does
    unsigned splits;                    // blocks that traps may still add
    u16 queue[REGION_LEADERS];
    // pass_tables.h
    u32 *words; // of the instructions in shape->covered
    u16 *ids, *numbers;
};

static bool bit_test(const u64 *bits, unsigned i)
{
    return bits[i / 64] >> (i % 64) & 1;
}

static void bit_set(u64 *bits, unsigned i)
{
    bits[i / 64] |= 1ull << (i % 64);
}

enum ending { FLOWS, BRANCHES, STOPS };

static bool is_trap(enum insn_id id)
{
    return id == INSN_tw || id == INSN_twi || id == INSN_td || id == INSN_tdi;
}

static bool unconditional(enum insn_id id, u32 insn)
{
    return id == INSN_b || (BO & (BO_NO_CR | BO_NO_CTR)) == (BO_NO_CR | BO_NO_CTR);
}

static enum ending ending_of(enum insn_id id, u32 insn)
{
    const struct insn_row *row = &insn_rows[id];
    switch (id) {
    case INSN_ILLEGAL: return STOPS;
    case INSN_b:
    case INSN_bc: return BRANCHES;
    case INSN_bclr: // conditional with LK: the target would have to outlive the block that sets LR
        return LK_BIT && !unconditional(id, insn) ? STOPS : BRANCHES;
    case INSN_bcctr: return BO & BO_NO_CTR ? BRANCHES : STOPS;
    case INSN_isync:
    case INSN_tlbiel:
    case INSN_mtmsr:
    case INSN_mtmsrd: return FLOWS; // with a CHECK
    default: break;
    }
    if (is_trap(id) && RT == 31) // what follows is never reached
        return STOPS;
    bool may_flow = row->kind == KIND_PLAIN || row->kind == KIND_LOAD || row->kind == KIND_STORE;
    return may_flow && row->privilege != PRIV_H ? FLOWS : STOPS;
}

// Index of a relative branch's target, or -1 when it is not in the page.
static int local_target(enum insn_id id, u32 insn, unsigned index)
{
    if ((id != INSN_b && id != INSN_bc) || AA_BIT)
        return -1;
    s64 target = (s64)index + (id == INSN_b ? LI_OFFSET : BD_OFFSET) / 4;
    return target >= 0 && target < (s64)CODE_PAGE_INSNS ? (int)target : -1;
}

static void lead(struct form *f, unsigned index)
{
    if (index >= CODE_PAGE_INSNS || bit_test(f->leaders, index) || f->leaders_len == REGION_LEADERS)
        return;
    bit_set(f->leaders, index);
    f->leaders_len++;
    f->queue[f->queue_len++] = (u16)index;
}

// Reads one instruction; false when the region must not have it.
static bool read_insn(struct form *f, unsigned i)
{
    if (i >= CODE_PAGE_INSNS || f->total == f->limit || bit_test(f->shape->covered, i))
        return false;
    u64 gra = f->page->gra + i * 4;
    if (debug_breakpoint_near(f->cpu->group, gra))
        return false;
    bit_set(f->shape->covered, i);
    u32 word = __atomic_load_n((const u32 *)(const void *)(f->cpu->group->mem->base + gra), __ATOMIC_RELAXED);
    f->words[i] = f->page->big_endian ? __builtin_bswap32(word) : word;
    f->ids[i] = (u16)isa_decode(f->words[i], f->cpu->isa_level);
    f->total++;
    return true;
}

// Whether what is behind a call belongs to the region: it is executed now and then, and is not the entry of another region. Places that are
// left out get regions of their own as soon as they are hot, which have everything behind them once more.
static bool returns_there(const struct form *f, unsigned index)
{
    if (index >= CODE_PAGE_INSNS || (dinsn_load(&f->page->insns[index]) & 0xffff) == OP_REGION)
        return false;
    return heat_get(f->page, index) >= xlate_heat_limit / 16;
}

// Whether the place was ever executed, as far as that is known: decoded by the interpreter, or part of a region. Much of the code around hot
// places never runs (what handles errors); it is an exit, and what it leads to becomes hot for itself if it ever does.
static bool seen(struct form *f, unsigned index)
{
    if (index >= CODE_PAGE_INSNS || bit_test(f->leaders, index))
        return true;
    const struct cpage *page = f->page;
    u16 op = (u16)dinsn_load(&page->insns[index]);
    if (op != OP_DECODE && op != OP_WARM)
        return true;
    if (op == OP_WARM && heat_get(page, index) > xlate_first_heat(f->cpu->group->mem->xlate))
        return true;
    if (atomic_load_explicit(&page->covered[index / 64], memory_order_relaxed) >> (index % 64) & 1)
        return true;
    bit_set(f->pruned, index);
    return false;
}

// (4)
static void lead_jumps(struct form *f)
{
    for (unsigned word = 0; word < ARRAY_LEN(f->landings); word++) {
        for (u64 left = atomic_load_explicit(&f->page->jumped[word], memory_order_relaxed); left; left &= left - 1) {
            unsigned to = word * 64 + (unsigned)__builtin_ctzll(left);
            lead(f, to);
            if (bit_test(f->leaders, to))
                bit_set(f->landings, to);
        }
    }
}

static void scan(struct form *f, unsigned i)
{
    for (; read_insn(f, i); i++) {
        u32 insn = f->words[i];
        enum insn_id id = f->ids[i];
        enum ending end = ending_of(id, insn);
        if (end == STOPS)
            return;
        if (end == FLOWS)
            continue;
        int target = local_target(id, insn, i);
        bool call = LK_BIT && target != (int)i + 1; // (3)
        if (target >= 0 && !call && seen(f, (unsigned)target))
            lead(f, (unsigned)target);
        if (call && returns_there(f, i + 1)) {
            bit_set(f->returns, i + 1);
            lead(f, i + 1);
        }
        if (!unconditional(id, insn) && seen(f, i + 1))
            lead(f, i + 1);
        if (id == INSN_bcctr && !LK_BIT)
            lead_jumps(f);
        return;
    }
}

static void leave_at(struct form *f, unsigned index)
{
    struct region_shape *s = f->shape;
    for (unsigned i = 0; i < s->exits_len; i++) {
        if (s->exits[i] == index)
            return;
    }
    if (index < CODE_PAGE_INSNS && s->exits_len < REGION_EXITS_MAX)
        s->exits[s->exits_len++] = (u16)index;
}

static void begin_block(struct form *f, unsigned index)
{
    struct ir_region *r = f->b.r;
    r->blocks[r->blocks_len] = (struct ir_block){.first = r->len, .index = (u16)index, .weight = 1};
}

static void end_block(struct form *f, struct ir_insn end, unsigned insns)
{
    struct ir_region *r = f->b.r;
    struct ir_block *block = &r->blocks[r->blocks_len++];
    ir_emit(&f->b, end);
    block->insns = (u16)insns;
    block->len = (u16)(r->len - block->first);
}

static ir_value page_address(struct form *f, u64 offset)
{
    ir_value page = ir_emit(&f->b, (struct ir_insn){.op = IR_PAGE_EA});
    return ir_op2i(&f->b, IR_ADD, page, offset);
}

static bool inside(const struct form *f, int index)
{
    return index >= 0 && index < (int)CODE_PAGE_INSNS && bit_test(f->leaders, (unsigned)index) &&
           bit_test(f->shape->covered, (unsigned)index);
}

// Ends the block by going to the instruction with that index, which may be the first one of the next page.
static void end_at(struct form *f, unsigned index, unsigned insns)
{
    struct ir_block *block = &f->b.r->blocks[f->b.r->blocks_len];
    if (inside(f, (int)index)) {
        block->then = (u16)index;
        end_block(f, (struct ir_insn){.op = IR_JUMP}, insns);
    } else if (index < CODE_PAGE_INSNS) {
        leave_at(f, index);
        end_block(f, (struct ir_insn){.op = IR_EXIT, .imm = index}, insns);
    } else {
        end_block(f, (struct ir_insn){.op = IR_EXIT_EA, .a = page_address(f, index * 4)}, insns);
    }
}

// Ends the block by the taken branch at `i`.
static void end_taken(struct form *f, enum insn_id id, u32 insn, unsigned i, ir_value indirect, unsigned insns)
{
    int target = local_target(id, insn, i);
    bool call = LK_BIT && target != (int)i + 1;
    ir_put(&f->b, SLOT_CFAR, page_address(f, i * 4));
    if (target >= 0 && !call) {
        end_at(f, (unsigned)target, insns);
        return;
    }
    f->b.r->blocks[f->b.r->blocks_len].switches = id == INSN_bcctr && !LK_BIT;
    u8 way = call ? WAY_CALL : id == INSN_bclr ? WAY_RETURN : WAY_JUMP;
    if (call && !inside(f, (int)i + 1))
        leave_at(f, i + 1);
    if (target >= 0) {
        leave_at(f, (unsigned)target);
        end_block(f, (struct ir_insn){.op = IR_EXIT, .cond = way, .imm = (u64)target}, insns);
    } else {
        u64 offset = (u64)(id == INSN_b ? LI_OFFSET : BD_OFFSET);
        ir_value ea = indirect;
        if (ea == IR_NO_VALUE)
            ea = AA_BIT ? ir_const(&f->b, offset) : page_address(f, i * 4 + offset);
        end_block(f, (struct ir_insn){.op = IR_EXIT_EA, .cond = way, .a = ea}, insns);
    }
}

// The register that an indirect branch goes to, as it is before LK changes it.
static ir_value indirect_target(struct form *f, enum insn_id id)
{
    if (id != INSN_bclr && id != INSN_bcctr)
        return IR_NO_VALUE;
    return ir_op2i(&f->b, IR_AND, ir_get(&f->b, id == INSN_bclr ? SLOT_LR : SLOT_CTR), ~3ull);
}

static void lower_branch(struct form *f, enum insn_id id, u32 insn, unsigned i, unsigned insns)
{
    struct ir_builder *b = &f->b;
    ir_value indirect = unconditional(id, insn) ? indirect_target(f, id) : IR_NO_VALUE;
    if (unconditional(id, insn)) {
        if (LK_BIT)
            ir_put(b, SLOT_LR, page_address(f, i * 4 + 4));
        end_taken(f, id, insn, i, indirect, insns);
        return;
    }
    ir_value ctr_left = IR_NO_VALUE, test = IR_NO_VALUE;
    if (!(BO & BO_NO_CTR)) {
        ctr_left = ir_op2i(b, IR_SUB, ir_get(b, SLOT_CTR), 1);
        ir_put(b, SLOT_CTR, ctr_left);
    }
    if (!(BO & BO_NO_CR))
        test = lower_cr_test(b, BA);
    if (LK_BIT)
        ir_put(b, SLOT_LR, page_address(f, i * 4 + 4));
    enum ir_cond ctr_cond = BO & BO_CTR_ZERO ? COND_EQ : COND_NE, cr_cond = BO & BO_CR_TRUE ? COND_NE : COND_EQ;
    ir_value zero = ir_const(b, 0);
    struct ir_insn branch = {.op = IR_BRANCH, .b = zero};
    if (ctr_left != IR_NO_VALUE && test != IR_NO_VALUE) {
        branch.a = ir_op2(b, IR_AND, ir_set(b, ctr_cond, ctr_left, zero), ir_set(b, cr_cond, test, zero));
        branch.cond = COND_NE;
    } else {
        branch.a = test != IR_NO_VALUE ? test : ctr_left;
        branch.cond = (u8)(test != IR_NO_VALUE ? cr_cond : ctr_cond);
    }
    // (2), (5): the taken edge's block is the next one, the other edge's the one after it where it leaves the region.
    struct ir_region *r = b->r;
    struct ir_block *block = &r->blocks[r->blocks_len];
    bool falls_inside = inside(f, (int)i + 1);
    block->then = (u16)(0x8000 | (r->blocks_len + 1));
    block->other = falls_inside ? (u16)(i + 1) : (u16)(0x8000 | (r->blocks_len + 2));
    end_block(f, branch, insns);
    begin_block(f, i);
    end_taken(f, id, insn, i, indirect_target(f, id), 0);
    if (!falls_inside) {
        begin_block(f, i);
        end_at(f, i + 1, 0);
    }
}

// The MSR bits that an instruction's facility needs: as interp_require().
static u64 facility_bits(unsigned facility, u32 insn)
{
    switch (facility) {
    case FAC_FP: return MSR_FP;
    case FAC_VMX: return MSR_VEC;
    case FAC_VSX: return MSR_VSX;
    case FAC_VSX_T: return insn & 1 ? MSR_VEC : MSR_VSX;
    case FAC_VSX_TQ: return insn & 8 ? MSR_VEC : MSR_VSX;
    case FAC_FPVEC: return insn & 1 ? MSR_VEC : MSR_FP;
    default: return 0;
    }
}

// Whether control comes to the instruction only from the one before it.
static bool only_falls_into(const struct form *f, unsigned index)
{
    if (index == f->b.r->entry || bit_test(f->returns, index) || bit_test(f->landings, index))
        return false;
    for (unsigned i = 0; i < CODE_PAGE_INSNS; i++) {
        if (bit_test(f->shape->covered, i) && ending_of(f->ids[i], f->words[i]) == BRANCHES &&
            local_target(f->ids[i], f->words[i], i) == (int)index)
            return false;
    }
    return true;
}

// A loop around larx and stcx. that one operation does, entered from nowhere but its beginning.
static bool lower_atomic_loop(struct form *f, unsigned i)
{
    struct atomic_loop loop;
    unsigned n = 0;
    while (n < ATOMIC_LOOP_MAX && i + n < CODE_PAGE_INSNS && bit_test(f->shape->covered, i + n))
        n++;
    if (f->page->big_endian || !atomic_loop_match(f->words + i, f->ids + i, n, &loop))
        return false;
    for (unsigned k = 1; k < loop.len; k++) {
        bool behind_branch = loop.op == IR_CAS && k == loop.store;
        if (inside(f, (int)(i + k)) != behind_branch || (behind_branch && !only_falls_into(f, i + k)))
            return false;
    }
    atomic_loop_lower(&f->b, f->words[i], &loop);
    bit_set(f->stored, i + loop.store);
    return true;
}

static void lower_flowing(struct form *f, enum insn_id id, u32 insn)
{
    const struct lower_row *row = lower_find(id);
    if (insn_rows[id].privilege == PRIV_P)
        ir_emit(&f->b, (struct ir_insn){.op = IR_REQUIRE, .cond = COND_NE, .imm = MSR_PR});
    u64 need = facility_bits(insn_rows[id].facility, insn);
    if (need)
        ir_emit(&f->b, (struct ir_insn){.op = IR_REQUIRE, .imm = need});
    if (row) {
        row->fn(&f->b, insn, row->arg);
    } else {
        ir_emit(&f->b, (struct ir_insn){.op = IR_EXEC});
    }
}

// TO where one condition says it all.
static bool trap_condition(unsigned to, enum ir_cond *cond)
{
    static const struct {
        u8 to, cond;
    } table[] = {
        {4, COND_EQ},  {24, COND_NE}, {16, COND_LT}, {8, COND_GT},  {20, COND_LE}, {12, COND_GE},
        {2, COND_ULT}, {1, COND_UGT}, {6, COND_ULE}, {5, COND_UGE}, {3, COND_NE},
    };
    for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i].to == to) {
            *cond = table[i].cond;
            return true;
        }
    }
    return false;
}

// A trap ends the block and begins a new one with itself: when it traps, the interpreter executes it. False: not this one.
static bool lower_trap(struct form *f, enum insn_id id, u32 insn, unsigned i, unsigned done)
{
    struct ir_builder *b = &f->b;
    enum ir_cond cond;
    if (!is_trap(id) || f->splits < 2 || !trap_condition(RT, &cond))
        return false;
    f->splits -= 2;
    ir_value a = ir_get(b, SLOT_GPR + RA);
    ir_value v = id == INSN_twi || id == INSN_tdi ? ir_const(b, (u64)SI) : ir_get(b, SLOT_GPR + RB);
    if (id == INSN_tw || id == INSN_twi) {
        a = ir_op1(b, IR_SEXT32, a);
        v = ir_op1(b, IR_SEXT32, v);
    }
    struct ir_region *r = b->r;
    struct ir_block *block = &r->blocks[r->blocks_len];
    block->then = (u16)(0x8000 | (r->blocks_len + 1));
    block->other = (u16)(0x8000 | (r->blocks_len + 2));
    end_block(f, (struct ir_insn){.op = IR_BRANCH, .cond = (u8)cond, .a = a, .b = v}, done);
    begin_block(f, i);
    end_block(f, (struct ir_insn){.op = IR_EXIT_INSN}, 0);
    begin_block(f, i);
    return true;
}

static void lower_block(struct form *f, unsigned first)
{
    begin_block(f, first);
    f->numbers[first] = f->b.r->blocks_len;
    f->b.r->blocks[f->b.r->blocks_len].returns = bit_test(f->returns, first);
    f->b.r->blocks[f->b.r->blocks_len].landing = bit_test(f->landings, first);
    for (unsigned i = first;; i++) {
        unsigned done = i - first;
        if (i > first && (i == CODE_PAGE_INSNS || inside(f, (int)i) || !bit_test(f->shape->covered, i))) {
            end_at(f, i, done);
            return;
        }
        u32 insn = f->words[i];
        enum insn_id id = f->ids[i];
        f->b.index = (u16)i;
        f->b.insn = insn;
        switch (ending_of(id, insn)) {
        case FLOWS:
            if (lower_trap(f, id, insn, i, done))
                first = i;
            else if (bit_test(f->stored, i))
                atomic_loop_lower_store(&f->b);
            else if ((id != INSN_lwarx && id != INSN_ldarx) || !lower_atomic_loop(f, i))
                lower_flowing(f, id, insn);
            continue;
        case BRANCHES: lower_branch(f, id, insn, i, done + 1); return;
        case STOPS:
            if (insn_rows[id].kind == KIND_PLAIN)
                leave_at(f, i + 1);
            end_block(f, (struct ir_insn){.op = IR_EXIT_INSN}, done);
            return;
        }
    }
}

static u16 resolve(const struct form *f, u16 successor)
{
    return successor & 0x8000 ? successor & 0x7fff : f->numbers[successor];
}

struct flow {
    struct ir_region *r;
    // Way 1 + 2 n is block n's to its first successor. Each leads to the next way to the same block.
    u16 last_way[IR_BLOCKS_MAX], ways[2 * IR_BLOCKS_MAX + 1];
    u8 switches[IR_BLOCKS_MAX]; // what jumps to any landing
    unsigned switches_len;
};

static void note_flow(struct flow *f, struct ir_region *r)
{
    static_assert(IR_BLOCKS_MAX <= 256, "numbers of blocks");
    f->r = r;
    f->switches_len = 0;
    memset(f->last_way, 0, sizeof(f->last_way));
    for (unsigned n = 0; n < r->blocks_len; n++) {
        const struct ir_block *block = &r->blocks[n];
        unsigned successors = ir_successors(r->insns[block->first + block->len - 1].op);
        for (unsigned i = 0; i < successors; i++) {
            unsigned to = i ? block->other : block->then, way = 1 + 2 * n + i;
            f->ways[way] = f->last_way[to];
            f->last_way[to] = (u16)way;
        }
        if (block->switches)
            f->switches[f->switches_len++] = (u8)n;
    }
}

// The blocks that lead to `latch` without its loop's head are in the loop: eight times as heavy. They need not lie between the two: a region that is entered
// at an inner loop has the outer ones behind it.
static void weigh_loop(const struct flow *f, unsigned head, unsigned latch)
{
    u8 found[IR_BLOCKS_MAX];
    bool in[IR_BLOCKS_MAX] = {0};
    unsigned len = 0;
    in[head] = in[latch] = true;
    found[len++] = (u8)head;
    if (latch != head)
        found[len++] = (u8)latch;
    for (unsigned k = 0; k < len; k++) {
        struct ir_block *block = &f->r->blocks[found[k]];
        block->weight = (u16)MIN(block->weight * 8u, 4096u);
        if (found[k] == head)
            continue;
        for (unsigned way = f->last_way[found[k]]; way; way = f->ways[way]) {
            unsigned from = (way - 1) / 2;
            if (!in[from])
                found[len++] = (u8)from;
            in[from] = true;
        }
        for (unsigned i = 0; block->landing && i < f->switches_len; i++) {
            if (!in[f->switches[i]])
                found[len++] = f->switches[i];
            in[f->switches[i]] = true;
        }
    }
}

static void weigh(struct ir_region *r)
{
    struct flow f;
    unsigned landing = 0;
    note_flow(&f, r);
    for (unsigned n = 0; n < r->blocks_len; n++) {
        for (unsigned way = f.last_way[n]; way; way = f.ways[way]) {
            if ((way - 1) / 2 >= n)
                weigh_loop(&f, n, (way - 1) / 2);
        }
    }
    while (landing < r->blocks_len && !r->blocks[landing].landing)
        landing++;
    if (f.switches_len && landing <= f.switches[f.switches_len - 1])
        weigh_loop(&f, landing, f.switches[f.switches_len - 1]);
}

// Exits to what was left out of a loop's middle. What is behind a loop's end is no part of it.
static void note_pruned(const struct form *f)
{
    const struct ir_region *r = f->b.r;
    struct region_shape *s = f->shape;
    unsigned last[IR_BLOCKS_MAX] = {0},
             end = 0; // the last block that jumps back to each one; where loops from here on end
    for (unsigned n = 0; n < r->blocks_len; n++) {
        const struct ir_block *block = &r->blocks[n];
        unsigned successors = ir_successors(r->insns[block->first + block->len - 1].op);
        if (successors && block->then <= n)
            last[block->then] = n;
        if (successors > 1 && block->other <= n)
            last[block->other] = n;
    }
    for (unsigned n = 0; n < r->blocks_len && s->pruned_len < REGION_PRUNED_MAX; n++) {
        const struct ir_insn *leaves = &r->insns[r->blocks[n].first + r->blocks[n].len - 1];
        end = MAX(end, last[n]);
        if (n < end && leaves->op == IR_EXIT && bit_test(f->pruned, (unsigned)leaves->imm))
            s->pruned[s->pruned_len++] = (u16)leaves->imm;
    }
}

bool region_form(struct pass_tables *t, struct ir_region *r, struct region_shape *shape, const struct cpu *cpu,
                 struct cpage *page, unsigned entry, unsigned limit)
{
    struct form f = {.b.r = r,
                     .b.level = cpu->isa_level,
                     .shape = shape,
                     .cpu = cpu,
                     .page = page,
                     .limit = limit,
                     .words = t->words,
                     .ids = t->ids,
                     .numbers = t->numbers};
    *shape = (struct region_shape){0};
    r->page = page;
    r->entry = (u16)entry;
    r->big_endian = page->big_endian;
    r->older = (u8)(LEVEL_V30 - cpu->isa_level);
    r->len = r->blocks_len = 0;
    lead(&f, entry);
    for (unsigned i = 0; i < f.queue_len; i++)
        scan(&f, f.queue[i]);
    if (!bit_test(shape->covered, entry))
        return false;
    enum insn_id id = f.ids[entry];
    if (ending_of(id, f.words[entry]) == STOPS) {
        if (insn_rows[id].kind == KIND_PLAIN)
            leave_at(&f, entry + 1);
        return false;
    }
    r->guest_insns = (u16)f.total;
    f.splits = IR_BLOCKS_MAX - 3 * f.leaders_len;
    lower_block(&f, entry);
    for (unsigned word = 0; word < ARRAY_LEN(f.leaders); word++) {
        for (u64 left = f.leaders[word] & shape->covered[word]; left; left &= left - 1) {
            unsigned i = word * 64 + (unsigned)__builtin_ctzll(left);
            if (i != entry)
                lower_block(&f, i);
        }
    }
    if (f.b.full)
        return false;
    for (unsigned n = 0; n < r->blocks_len; n++) {
        struct ir_block *block = &r->blocks[n];
        u8 op = r->insns[block->first + block->len - 1].op;
        if (op == IR_JUMP || op == IR_BRANCH)
            block->then = resolve(&f, block->then);
        if (op == IR_BRANCH)
            block->other = resolve(&f, block->other);
    }
    weigh(r);
    pass_pair(r);
    note_pruned(&f);
    return true;
}
