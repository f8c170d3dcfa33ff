// SPDX-License-Identifier: Apache-2.0
// Intermediate form executed by a plain interpreter of it: what tests judge lowering and passes by, without a back end.
#ifndef CPU_XLATE_EVAL_H
#define CPU_XLATE_EVAL_H

#include <string.h>

#include "cpu/except.h"
#include "cpu/exec/fp_lazy.h"
#include "cpu/fp/fp.h"
#include "cpu/mmu/access.h"
#include "cpu/xlate/pass.h"
#include "cpu/xlate/vector.h"
#include "cpu/xlate/xlate_hooks.h"

static inline u64 eval_get(const struct cpu *cpu, unsigned slot)
{
    const u8 *at = (const u8 *)cpu + ir_slots[slot].offset;
    u64 v = *at;
    if (ir_slots[slot].bytes >= 8)
        memcpy(&v, at, 8);
    return v;
}

static inline void eval_put(struct cpu *cpu, unsigned slot, u64 v)
{
    u8 *at = (u8 *)cpu + ir_slots[slot].offset;
    if (ir_slots[slot].bytes == 8)
        memcpy(at, &v, 8);
    else
        *at = (u8)v;
}

// The access by way of the TLB; false when that misses.
static inline bool eval_access(struct cpu *cpu, const struct ir_insn *in, u64 ea, u64 *v)
{
    unsigned size = 1u << (in->imm & MEM_SIZE);
    const struct tlb_entry *e = tlb_slot(cpu, ea);
    bool store = ir_is_store(in);
    if ((store ? e->wtag : e->rtag) != tlb_tag(ea, size))
        return false;
    void *host = (void *)(ea + e->addend);
    u64 raw = *v;
    if (!store)
        memcpy(&raw, host, size), raw &= ~0ull >> (64 - 8 * size);
    if (in->imm & MEM_SWAP)
        raw = __builtin_bswap64(raw) >> (64 - 8 * size);
    if (store)
        memcpy(host, &raw, size);
    else
        *v = in->imm & MEM_SIGNED ? (u64)sext64(raw, 8 * size) : raw;
    return true;
}

static inline void eval_helper(struct cpu *cpu, const struct ir_region *r, const struct ir_insn *in)
{
    cpu->d = &r->page->insns[in->index];
    interp_exec[isa_decode(in->insn, cpu->isa_level)](cpu, in->insn);
}

// Vectors and scalars of type D, by the number of the operation.
static union vsr eval_x[IR_INSNS_MAX];

static inline union vsr *eval_vsr(struct cpu *cpu, unsigned slot)
{
    return &cpu->vsr[slot % 64];
}

// 16 bytes through the TLB, as eval_access().
static inline bool eval_access_x(struct cpu *cpu, const struct ir_insn *in, u64 ea, union vsr *v)
{
    const struct tlb_entry *e = tlb_slot(cpu, ea);
    if ((ir_is_store(in) ? e->wtag : e->rtag) != tlb_tag(ea, 16))
        return false;
    if (ir_is_store(in))
        memcpy((void *)(ea + e->addend), v, 16);
    else
        memcpy(v, (void *)(ea + e->addend), 16);
    return true;
}

static bool eval_left, eval_strip_missed;

// Behind a helper: values of the instruction that are in slots.
static inline unsigned eval_behind(struct cpu *cpu, const struct ir_region *r, const struct ir_block *block, unsigned at, u64 *v)
{
    unsigned next = at + 1;
    u64 known = 0; // of the values from `at` on
    for (; next < block->first + block->len - 1u && r->insns[next].index == r->insns[at].index; next++) {
        const struct ir_insn *in = &r->insns[next];
        if (in->op != IR_PUT || in->a < at)
            continue;
        if (ir_slots[in->slot].type == 'V')
            v[in->a] = eval_get(cpu, in->slot);
        else if (ir_slots[in->slot].type == 'X')
            eval_x[in->a] = *eval_vsr(cpu, in->slot);
        else
            eval_x[in->a].d[0] = eval_vsr(cpu, in->slot)->d[1];
        known |= 1ull << (in->a - at) % 64;
    }
    // What else the instruction made, and is used behind it, cannot be had: the region is left.
    for (unsigned k = next; k < block->first + (unsigned)block->len; k++) {
        const ir_value uses[] = {r->insns[k].a, r->insns[k].b, r->insns[k].c};
        for (unsigned i = 0; i < 3; i++) {
            const struct ir_insn *made = uses[i] >= at && uses[i] < next ? &r->insns[uses[i]] : NULL;
            eval_left |= made && made->op != IR_CONST && made->op != IR_GET && !(known >> (uses[i] - at) % 64 & 1);
        }
    }
    return next;
}

// Floating point by the reference semantics, FPSCR at once.
static inline u64 eval_float(struct cpu *cpu, enum fp_kind kind, const union vsr *a, const union vsr *b, const union vsr *c)
{
    const union vsr *const args[] = {a, b, c};
    for (unsigned i = 0; i < 3; i++)
        cpu->fp_arg[i].d[1] = args[i] ? args[i]->d[0] : 0;
    fp_lazy_compute(cpu, kind);
    if (kind == FPK_COMPARE || kind == FPK_COMPARE_ORDERED) {
        cpu->fp_last = FP_LAST_COMPARED;
        cpu->fp_compared[0] = a->d[0];
        cpu->fp_compared[1] = b->d[0];
    } else if (fp_kind_classifies(kind)) {
        cpu->fp_last = kind;
        for (unsigned i = 0; i < 3; i++)
            cpu->fp_operand[i] = cpu->fp_arg[i].d[1];
    }
    u64 r = cpu->fp_arg[3].d[1];
    fp_lazy_classify(cpu);
    return r;
}

// Operations that have to do with vectors; false: it is none, or its access missed.
static inline bool eval_vector(struct cpu *cpu, const struct ir_insn *in, unsigned at, u64 *v)
{
    union vsr *to = &eval_x[at], *a = in->a == IR_NO_VALUE ? NULL : &eval_x[in->a];
    union vsr *b = in->b == IR_NO_VALUE ? NULL : &eval_x[in->b], *c = in->c == IR_NO_VALUE ? NULL : &eval_x[in->c];
    switch (in->op) {
    case IR_GET:
        if (ir_slots[in->slot].type == 'X')
            *to = *eval_vsr(cpu, in->slot);
        else if (ir_slots[in->slot].type == 'D')
            to->d[0] = eval_vsr(cpu, in->slot)->d[1];
        return ir_slots[in->slot].type != 'V';
    case IR_PUT:
        if (ir_slots[in->slot].type == 'X')
            *eval_vsr(cpu, in->slot) = *a;
        else if (ir_slots[in->slot].type == 'D')
            *eval_vsr(cpu, in->slot) = (union vsr){.d = {0, a->d[0]}};
        return ir_slots[in->slot].type != 'V';
    case IR_VX0:
    case IR_VX1:
    case IR_VX2:
    case IR_VX3: *to = vector_eval(in->imm, a, b, c); return true;
    case IR_XMASK:
        v[at] = 0;
        for (unsigned i = 0; i < 16; i++)
            v[at] |= (u64)(a->b[i] >> 7) << i;
        return true;
    case IR_SATURATED:
        if (a->q)
            cpu->vscr |= VSCR_SAT;
        return true;
    case IR_XTOV: v[at] = a->d[in->imm]; return true;
    case IR_VTOX: *to = (union vsr){.d = {v[in->b], v[in->a]}}; return true;
    case IR_XTOD: *to = (union vsr){.d = {a->d[in->imm ? 0 : 1], 0}}; return true;
    case IR_DTOX: *to = (union vsr){.d = {0, a->d[0]}}; return true;
    case IR_VTOD: *to = (union vsr){.d = {v[in->a], 0}}; return true;
    case IR_DTOV: v[at] = a->d[0]; return true;
    case IR_FP1:
    case IR_FP2:
    case IR_FP3: *to = (union vsr){.d = {eval_float(cpu, (enum fp_kind)in->imm, a, b, c), 0}}; return true;
    case IR_FV1:
    case IR_FV2:
    case IR_FV3:
        cpu->fp_arg[0] = *a;
        cpu->fp_arg[1] = b ? *b : *a;
        cpu->fp_arg[2] = c ? *c : *a;
        fp_lazy_compute(cpu, (enum fp_kind)in->imm);
        *to = cpu->fp_arg[3];
        return true;
    case IR_FCMP: v[at] = eval_float(cpu, (enum fp_kind)in->imm, a, b, c); return true;
    case IR_FBITS1:
        to->d[0] = in->imm == FBITS_NEG ? a->d[0] ^ 1ull << 63 : in->imm == FBITS_ABS ? a->d[0] & ~0ull >> 1 : a->d[0] | 1ull << 63;
        return true;
    case IR_FBITS2: to->d[0] = (a->d[0] & 1ull << 63) | (b->d[0] & ~0ull >> 1); return true;
    case IR_FSEL: to->d[0] = fp64_compare(a->d[0], 0) & (FP_GREATER | FP_EQUAL) ? b->d[0] : c->d[0]; return true;
    case IR_FWIDEN: to->d[0] = fp_load_single((u32)a->d[0]); return true;
    case IR_FNARROW: to->d[0] = fp_store_single(a->d[0]); return true;
    case IR_LOADX: return eval_access_x(cpu, in, v[in->a], to);
    case IR_STOREX: return eval_access_x(cpu, in, v[in->a], b);
    case IR_LOADD: *to = (union vsr){.q = 0}; return eval_access(cpu, in, v[in->a], &to->d[0]);
    case IR_STORED: {
        u64 value = b->d[0];
        return eval_access(cpu, in, v[in->a], &value);
    }
    default: return false;
    }
}

// One operation of a block on constants and values, or IR_OPS' other kinds; the next operation's number.
static inline unsigned eval_insn(struct cpu *cpu, const struct ir_region *r, const struct ir_block *block, unsigned at, u64 *v)
{
    static struct ir_region one;
    static struct fold_facts facts;
    const struct ir_insn *in = &r->insns[at];
    if (eval_vector(cpu, in, at, v))
        return at + 1;
    switch (in->op) {
    case IR_CONST: v[at] = in->imm; return at + 1;
    case IR_GET: v[at] = eval_get(cpu, in->slot); return at + 1;
    case IR_PUT: eval_put(cpu, in->slot, v[in->a]); return at + 1;
    case IR_FIELD:
        v[at] = 0;
        memcpy(&v[at], (const u8 *)cpu + IR_FIELD_OFFSET(in->imm), IR_FIELD_BYTES(in->imm));
        return at + 1;
    case IR_SET_FIELD:
        memcpy((u8 *)cpu + IR_FIELD_OFFSET(in->imm), &v[in->a], IR_FIELD_BYTES(in->imm));
        return at + 1;
    case IR_CHECK:
        if (v[in->a]) {
            cpu->d = &r->page->insns[in->index];
            (in->imm ? xlate_run_and_leave : xlate_leave_behind)(cpu, in->insn);
        }
        return at + 1;
    case IR_RMW:
    case IR_CAS:
        cpu->d = &r->page->insns[in->index];
        xlate_run_and_leave(cpu, in->insn);
    case IR_FENCE: atomic_thread_fence(memory_order_seq_cst); return at + 1;
    case IR_PAGE_EA: v[at] = cpu->page_ea; return at + 1;
    case IR_REQUIRE:
        if ((cpu->msr & in->imm) != (in->cond == COND_NE ? 0 : in->imm)) {
            cpu->d = &r->page->insns[in->index];
            xlate_require_slow(cpu, in->insn);
        }
        return at + 1;
    case IR_LOAD:
    case IR_STORE: {
        u64 value = in->op == IR_STORE ? v[in->b] : 0;
        if (eval_access(cpu, in, v[in->a], &value)) {
            v[at] = value;
            return at + 1;
        }
    } // fall through
    case IR_LOADX:
    case IR_STOREX:
    case IR_LOADD:
    case IR_STORED:
    case IR_LARX:
    case IR_STCX:
    case IR_ZERO:
    case IR_EXEC: eval_helper(cpu, r, in); return eval_behind(cpu, r, block, at, v);
    case IR_STRIP: { // as if what the TLB has were what was found last
        const struct tlb_entry *e = tlb_slot(cpu, v[in->a]);
        unsigned span = in->imm & STRIP_SPAN;
        u64 room = GUEST_PAGE_SIZE - span, from = v[in->a] % GUEST_PAGE_SIZE;
        eval_strip_missed |= (in->imm & STRIP_WRITE ? e->wtag : e->rtag) != tlb_tag(v[in->a], 1) || from > room;
        u64 n = ((in->imm & STRIP_DOWN ? from : room - from) >> (in->imm >> STRIP_SHIFT_AT & STRIP_SHIFT)) + 1;
        v[at] = in->imm & STRIP_STAYS ? v[in->b] : MIN(n, v[in->b]);
        return at + 1;
    }
    default: break;
    }
    // The rest has no state: the constant folder is not asked where it is itself under test, in pass_test.c.
    one.len = 0;
    struct ir_builder b = {.r = &one};
    struct ir_insn copy = *in;
    ir_value *operands[] = {&copy.a, &copy.b, &copy.c};
    for (unsigned i = 0; i < ir_ops[in->op].values; i++) {
        ir_value c = ir_const(&b, v[*operands[i]]);
        facts.mask[c] = v[*operands[i]];
        *operands[i] = c;
    }
    ir_value result = fold_emit(&b, &facts, copy);
    if (one.insns[result].op != IR_CONST)
        abort();
    v[at] = one.insns[result].imm;
    return at + 1;
}

static inline bool eval_fp_allowed(const struct cpu *cpu)
{
    return !(cpu->fpscr & (FPSCR_VE | FPSCR_OE | FPSCR_UE | FPSCR_ZE | FPSCR_XE));
}

// Executes the region from its entry, with cpu->page and page_ea set, until it leaves; then cpu->nia is where it goes on, and everything is
// counted. true: the instruction there is to be executed by other means. Raises interrupts like any code.
static inline bool eval_region(struct cpu *cpu, const struct ir_region *r)
{
    static u64 v[IR_INSNS_MAX];
    unsigned n = 0;
    bool fp = false;
    for (unsigned i = 0; i < r->len; i++)
        fp |= ir_needs_float(&r->insns[i]);
    if ((fp && !eval_fp_allowed(cpu)) || (cpu->msr & r->blocks[0].need) != r->blocks[0].need) {
        cpu->nia = cpu->page_ea + r->entry * 4;
        return true;
    }
    for (unsigned hops = 0;; hops++) {
        const struct ir_block *block = &r->blocks[n];
        unsigned last = block->first + block->len - 1u;
        cpu->block_d = &r->page->insns[block->index];
        for (unsigned at = block->first; at < last;) {
            unsigned index = r->insns[at].index;
            bool exec = r->insns[at].op == IR_EXEC;
            eval_left = false;
            at = eval_insn(cpu, r, block, at, v);
            if (!eval_left && !(exec && fp && !eval_fp_allowed(cpu))) // that is, not any more
                continue;
            cpu->insns += index + 1 - block->index;
            cpu->budget -= index + 1 - block->index;
            cpu->nia = cpu->page_ea + (index + 1) * 4;
            return false;
        }
        const struct ir_insn *end = &r->insns[last];
        cpu->insns += block->insns;
        cpu->budget -= block->insns;
        switch (end->op) {
        case IR_EXIT: cpu->nia = cpu->page_ea + end->imm * 4; return false;
        case IR_EXIT_EA: cpu->nia = v[end->a]; return false;
        case IR_EXIT_INSN: cpu->nia = cpu->page_ea + end->index * 4; return true;
        default: break;
        }
        unsigned to = block->then;
        if (end->op == IR_BEGIN) {
            bool enough = !eval_strip_missed && v[end->a] >= STRIP_LEAST;
            to = enough ? block->then : block->other;
            cpu->strip_end = MAX(cpu->budget - (s64)(v[end->a] * end->imm), 0);
            eval_strip_missed = false;
        }
        if (end->op == IR_AGAIN && cpu->budget <= cpu->strip_end)
            to = block->other;
        if (end->op == IR_BRANCH && !ir_compare_values(end->cond, v[end->a], v[end->b]))
            to = block->other;
        if (to <= n && hops > 40) { // as if attn were set
            cpu->nia = cpu->page_ea + r->blocks[to].index * 4;
            return false;
        }
        n = to;
    }
}

#endif
