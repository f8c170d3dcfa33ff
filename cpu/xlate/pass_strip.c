// SPDX-License-Identifier: Apache-2.0
//
// Loops that walk through memory look at the page of every access each time around, and at what others ask for. Here such a loop gets a copy
// without: a head (`strip`) finds out for how many repetitions all accesses stay in the pages where they are, by way of what the last ones
// found, and the copy does so many of them. Then, and where that is not known, an ordinary repetition goes on.
//
// A loop is taken when its blocks follow each other without a join, other ways leaving it; when nothing in it may go to a helper but accesses; and
// when all addresses are sums of slots that each repetition changes by a constant. Nothing in the copy raises an interrupt then, so
// what is overwritten before the loop is left need not be written (pass_dead).
#include <string.h>

#include "cpu/code.h"
#include "cpu/xlate/pass_tables.h"

#define LOOP_WEIGHT 8u   // accesses in loops remember their pages
#define OPERATIONS  400u // in a loop; in all of a region's copies
#define STRIDE      512
#define SPAN        1024 // of accesses that are looked at together
#define INSNS       768u // executed before somebody looks at what others ask for

static unsigned end_of(const struct ir_region *r, unsigned n)
{
    return r->blocks[n].first + r->blocks[n].len - 1u;
}

// The blocks from `head` to the one that jumps back to it.
static bool find_blocks(struct loop *l, unsigned head, unsigned latch)
{
    const struct ir_region *r = l->r;
    bool leads[IR_BLOCKS_MAX] = {0};
    for (unsigned n = latch + 1; n-- > head;) {
        unsigned len = ir_successors(r->insns[end_of(r, n)].op);
        leads[n] = n == latch;
        for (unsigned i = 0; n != latch && i < len; i++) {
            unsigned to = i ? r->blocks[n].other : r->blocks[n].then;
            leads[n] |= to > n && to <= latch && leads[to];
        }
    }
    l->blocks_len = l->operations = l->insns = 0;
    for (unsigned n = head;;) {
        const struct ir_block *block = &r->blocks[n];
        if (l->blocks_len == STRIP_BLOCKS || block->weight < LOOP_WEIGHT)
            return false;
        l->blocks[l->blocks_len++] = (u8)n;
        l->operations += block->len;
        l->insns += block->insns;
        if (n == latch)
            return true;
        u8 end = r->insns[end_of(r, n)].op;
        if (end != IR_JUMP && end != IR_BRANCH)
            return false;
        unsigned next = block->then, way = end == IR_BRANCH ? block->other : next;
        bool first = next > n && next <= latch && leads[next], second = way > n && way <= latch && leads[way];
        if ((way != next && first && second) || (!first && !second) || (way > head && way <= n) ||
            (next > head && next <= n)) // a join, or a loop inside of it
            return false;
        n = first ? next : way;
    }
}

// pass_tables.h
static unsigned find_entered(const struct loop *l)
{
    const struct ir_region *r = l->r;
    for (unsigned k = l->blocks_len; k-- > 1;) {
        const unsigned to = l->blocks[k];
        if (r->blocks[to].returns || r->blocks[to].landing)
            return k;
        for (unsigned n = 0; n < r->blocks_len; n++) {
            unsigned len = ir_successors(r->insns[end_of(r, n)].op);
            if (n != l->blocks[k - 1] && ((len && r->blocks[n].then == to) || (len > 1 && r->blocks[n].other == to)))
                return k;
        }
    }
    return 0;
}

static struct sum add(const struct sum *a, const struct sum *b)
{
    struct sum s = *a;
    s.known = a->known && b->known && !a->aligned && !b->aligned && a->terms + b->terms <= (int)STRIP_TERMS;
    for (unsigned i = 0; s.known && i < b->terms; i++)
        s.slot[s.terms++] = b->slot[i];
    s.plus += b->plus;
    return s;
}

static struct sum sum_of(const struct loop *l, const struct sum *sums, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_CONST: return (struct sum){.known = true, .plus = (s64)in->imm};
    case IR_GET: return in->slot < IR_SCALARS ? l->slots[in->slot] : (struct sum){0};
    case IR_ADD: return add(&sums[in->a], &sums[in->b]);
    case IR_AND:
        if (l->r->insns[in->b].op == IR_CONST && l->r->insns[in->b].imm == ~15ull && !sums[in->a].aligned) {
            struct sum s = sums[in->a];
            s.aligned = true;
            return s;
        }
        return (struct sum){0};
    default: return (struct sum){0};
    }
}

static bool same_terms(const struct sum *a, const struct sum *b)
{
    return a->aligned == b->aligned && a->terms == b->terms && !memcmp(a->slot, b->slot, a->terms);
}

// An aligned access is where its address is, whatever the last bits.
static bool add_check(struct loop *l, const struct sum *s, unsigned at)
{
    const struct ir_insn *in = &l->r->insns[at];
    s64 high = s->plus + (s->aligned ? 1 : (s64)ir_access_bytes(in));
    for (unsigned i = 0; i < l->checks_len; i++) {
        struct check *c = &l->checks[i];
        const struct ir_insn *other = &l->r->insns[c->access];
        s64 first = MIN(c->from.plus, s->plus), last = MAX(c->high, high);
        if (!same_terms(&c->from, s) || ir_is_store(other) != ir_is_store(in) ||
            ir_memo(other->insn) != ir_memo(in->insn) || last - first > SPAN)
            continue;
        c->from.plus = first;
        c->high = last;
        return true;
    }
    if (l->checks_len == STRIP_CHECKS || s->plus != (s32)s->plus)
        return false;
    l->checks[l->checks_len++] = (struct check){.from = *s, .access = (ir_value)at, .high = high};
    return true;
}

// What each repetition adds to the slot; false: that is not the same each time.
static bool step_of(const struct loop *l, unsigned slot, s64 *step)
{
    const struct sum *s = &l->slots[slot];
    *step = s->plus;
    return s->known && !s->aligned && s->terms == 1 && s->slot[0] == slot;
}

static bool stride_of(const struct loop *l, const struct sum *s, s64 *stride)
{
    *stride = 0;
    for (unsigned i = 0; i < s->terms; i++) {
        s64 step;
        if (!step_of(l, s->slot[i], &step) || step != (s32)step)
            return false;
        *stride += step;
    }
    return *stride >= -STRIDE && *stride <= STRIDE;
}

static bool may_be_in(const struct ir_insn *in)
{
    if (ir_access_bytes(in) && in->op != IR_ZERO)
        return true;
    return !(ir_ops[in->op].flags & IR_GUEST) && in->op != IR_SET_FIELD && in->op != IR_FIELD;
}

static bool look(struct loop *l, struct sum *sums)
{
    const struct ir_region *r = l->r;
    l->checks_len = 0;
    for (unsigned s = 0; s < IR_SCALARS; s++)
        l->slots[s] = (struct sum){.known = true, .terms = 1, .slot = {(u8)s}};
    for (unsigned k = 0; k < l->blocks_len; k++) {
        for (unsigned at = r->blocks[l->blocks[k]].first; at <= end_of(r, l->blocks[k]); at++) {
            const struct ir_insn *in = &r->insns[at];
            if (!may_be_in(in))
                return false;
            sums[at] = sum_of(l, sums, in);
            if (in->op == IR_PUT && in->slot < IR_SCALARS)
                l->slots[in->slot] = sums[in->a];
            if (!ir_access_bytes(in))
                continue;
            if (!sums[in->a].known || !add_check(l, &sums[in->a], at) ||
                atomic_load_explicit(&r->page->no_memo[in->index / 64], memory_order_relaxed) >> in->index % 64 & 1)
                return false;
        }
    }
    for (unsigned i = 0; i < l->checks_len; i++) {
        s64 stride;
        if (!stride_of(l, &l->checks[i].from, &stride))
            return false;
    }
    return l->checks_len && l->insns;
}

static struct ir_block *begin_block(struct ir_region *r, const struct ir_block *like)
{
    struct ir_block *block = &r->blocks[r->blocks_len++];
    *block = *like;
    block->returns = block->landing = block->switches = false;
    block->need = 0;
    block->first = r->len;
    block->insns = 0;
    return block;
}

// The address that is looked at, from slots as they are when a repetition starts.
static ir_value address(struct ir_builder *b, const struct sum *s)
{
    ir_value v = IR_NO_VALUE;
    for (unsigned i = 0; i < s->terms; i++) {
        ir_value term = ir_get(b, s->slot[i]);
        v = i ? ir_op2(b, IR_ADD, v, term) : term;
    }
    return !s->terms ? ir_const(b, (u64)s->plus) : s->plus ? ir_op2i(b, IR_ADD, v, (u64)s->plus) : v;
}

static u64 strip_imm(s64 span, s64 stride, bool write)
{
    u64 size = (u64)(stride < 0 ? -stride : stride), shift = size < 2 ? 0 : 64u - (unsigned)__builtin_clzll(size - 1);
    return (u64)span | shift << STRIP_SHIFT_AT | (stride < 0 ? STRIP_DOWN : 0) | (stride ? 0 : STRIP_STAYS) |
           (write ? STRIP_WRITE : 0);
}

// The head: counted loops that are nearly over do without.
static unsigned make_head(struct ir_region *r, const struct loop *l)
{
    struct ir_builder b = {.r = r};
    const struct ir_block *head = &r->blocks[l->blocks[0]];
    unsigned first = r->blocks_len;
    s64 step;
    u64 most = INSNS / l->insns;
    b.index = head->index;
    if (step_of(l, SLOT_CTR, &step) && step == -1) {
        struct ir_block *block = begin_block(r, head);
        ir_emit(&b, (struct ir_insn){
                        .op = IR_BRANCH, .cond = COND_ULT, .a = ir_get(&b, SLOT_CTR), .b = ir_const(&b, STRIP_LEAST)});
        block->then = l->blocks[0];
        block->other = (u16)(first + 1);
        block->len = (u16)(r->len - block->first);
    }
    r->blocks[first].strip = true;
    struct ir_block *block = begin_block(r, head);
    ir_value n = ir_const(&b, most);
    for (unsigned i = 0; i < l->checks_len; i++) {
        const struct check *c = &l->checks[i];
        const struct ir_insn *access = &r->insns[c->access];
        s64 stride;
        stride_of(l, &c->from, &stride);
        b.index = access->index;
        b.insn = access->insn;
        n = ir_emit(&b, (struct ir_insn){.op = IR_STRIP,
                                         .a = address(&b, &c->from),
                                         .b = n,
                                         .imm = strip_imm(c->high - c->from.plus, stride, ir_is_store(access))});
    }
    b.index = head->index;
    for (unsigned c = 0; c < 8; c++) {
        if (l->fields.kept >> c & 1)
            fields_keep_first(&b, l->fields.at[l->blocks_len - 1], c);
    }
    ir_emit(&b, (struct ir_insn){.op = IR_BEGIN, .a = n, .imm = l->insns});
    block->then = r->blocks_len;
    block->other = l->blocks[0];
    block->strip = block == &r->blocks[first];
    block->len = (u16)(r->len - block->first);
    return first;
}

// Whether all repetitions write the same to the slot, once each, in block k. The one before the copy has, wherever it began.
static bool writes_same(const struct ir_region *r, const struct loop *l, unsigned k, const struct ir_insn *put)
{
    const struct ir_insn *v = &r->insns[put->a];
    if (put->slot != SLOT_CFAR || v->op != IR_ADD || r->insns[v->a].op != IR_PAGE_EA || r->insns[v->b].op != IR_CONST)
        return false;
    unsigned puts = 0;
    for (unsigned n = 0; n < l->blocks_len; n++) {
        for (unsigned at = r->blocks[l->blocks[n]].first; at < end_of(r, l->blocks[n]); at++)
            puts += r->insns[at].op == IR_PUT && r->insns[at].slot == put->slot;
    }
    return puts == 1 && k >= l->entered;
}

// The way out of the copy of block k, by way of the fields that the loop has left out: the block that it goes to.
static u16 way_out(struct ir_region *r, const struct loop *l, unsigned k, unsigned to)
{
    struct ir_builder b = {.r = r, .index = r->blocks[l->blocks[k]].index};
    if (!l->fields.out)
        return (u16)to;
    struct ir_block *block = begin_block(r, &r->blocks[l->blocks[k]]);
    for (unsigned c = 0; c < 8; c++) {
        if (l->fields.out >> c & 1)
            ir_put(&b, SLOT_CRF + c, fields_value(&b, l->fields.at[k], c));
    }
    ir_emit(&b, (struct ir_insn){.op = IR_JUMP});
    block->weight = 1;
    block->copied = true;
    block->then = (u16)to;
    block->len = (u16)(r->len - block->first);
    return (u16)(r->blocks_len - 1);
}

static bool is_left_out(const struct loop *l, const struct ir_insn *in)
{
    return in->slot >= SLOT_CRF && in->slot < SLOT_CRF + 8 && l->fields.out >> (in->slot - SLOT_CRF) & 1;
}

// now: values of the loop in the copy.
static void copy_block(struct ir_region *r, const struct loop *l, unsigned k, ir_value *now)
{
    const struct ir_block *from = &r->blocks[l->blocks[k]];
    struct ir_block *to = begin_block(r, from);
    struct ir_builder b = {.r = r};
    ir_value fields[8];
    b.index = from->index;
    for (unsigned c = 0; c < 8; c++)
        fields[c] = IR_NO_VALUE;
    to->insns = from->insns;
    to->copied = true;
    for (unsigned at = from->first; at < (unsigned)from->first + from->len;
         at++) { // what an earlier block has compared
        const struct ir_insn *in = &r->insns[at];
        unsigned before = (k + l->blocks_len - 1) % l->blocks_len, c = in->slot - SLOT_CRF;
        if (in->op == IR_GET && is_left_out(l, in) && fields[c] == IR_NO_VALUE)
            fields[c] = fields_value(&b, l->fields.at[before], c);
    }
    for (unsigned at = from->first; at < (unsigned)from->first + from->len; at++) {
        struct ir_insn in = r->insns[at];
        ir_value *values[] = {&in.a, &in.b, &in.c};
        if (in.op == IR_PUT && is_left_out(l, &in)) {
            const struct ir_insn *compares = &r->insns[in.a];
            if (l->fields.kept >> (in.slot - SLOT_CRF) & 1)
                fields_keep(&b, in.slot - SLOT_CRF, now[compares->a], now[compares->b]);
            continue;
        }
        if (in.op == IR_PUT && writes_same(r, l, k, &in))
            continue;
        if (in.op == IR_GET && is_left_out(l, &in)) {
            now[at] = fields[in.slot - SLOT_CRF];
            continue;
        }
        for (unsigned n = 0; n < ir_ops[in.op].values; n++)
            *values[n] = now[*values[n]];
        if (ir_access_bytes(&in))
            in.cond = ACCESS_KNOWN;
        b.index = in.index;
        b.insn = in.insn;
        now[at] = ir_append(&b, &in);
    }
    to->len = (u16)(r->len - to->first);
}

// From one copy to the next, from the last one to the first; out by the ways that the loop has.
static void connect(struct ir_region *r, const struct loop *l, unsigned k, unsigned head, unsigned copies)
{
    struct ir_block *block = &r->blocks[copies + k];
    if (k + 1 == l->blocks_len) {
        r->insns[end_of(r, copies + k)].op = IR_AGAIN;
        block->then = (u16)copies;
        block->other = way_out(r, l, k, head);
        return;
    }
    unsigned next = l->blocks[k + 1], then = block->then, other = block->other;
    bool branches = r->insns[end_of(r, copies + k)].op == IR_BRANCH;
    block->then = then == next ? (u16)(copies + k + 1) : way_out(r, l, k, then);
    if (branches)
        block->other = other == next ? (u16)(copies + k + 1) : way_out(r, l, k, other);
}

void pass_strip(struct pass_tables *t, struct ir_region *r)
{
    struct loop *l = &t->loop;
    unsigned added = 0, blocks_len = r->blocks_len;
    bool compares = false;
    for (unsigned latch = 0; latch < blocks_len; latch++) {
        unsigned head = r->blocks[latch].then;
        if (r->insns[end_of(r, latch)].op != IR_JUMP || head > latch)
            continue;
        l->r = r;
        if (!find_blocks(l, head, latch) || added + l->operations > OPERATIONS ||
            r->len + 2 * l->operations + 16 * STRIP_CHECKS + 96 * l->blocks_len > IR_INSNS_MAX ||
            r->blocks_len + 2 * l->blocks_len + 2 > IR_BLOCKS_MAX || !look(l, t->sums) ||
            INSNS / l->insns < STRIP_LEAST)
            continue;
        l->entered = find_entered(l);
        fields_find(r, l->blocks, l->blocks_len, l->entered, &l->fields);
        added += l->operations;
        compares |= l->fields.out != 0;
        unsigned strip = make_head(r, l), copies = r->blocks_len;
        for (unsigned k = 0; k < l->blocks_len; k++)
            copy_block(r, l, k, t->copied);
        for (unsigned k = 0; k < l->blocks_len; k++)
            connect(r, l, k, strip, copies);
        r->blocks[latch].then = (u16)strip;
    }
    if (compares) { // comparisons are now where branches are
        t->before = *r;
        pass_forward(t, &t->before, r);
        for (unsigned n = 0; n < r->blocks_len; n++)
            r->blocks[n].need |= t->before.blocks[n].need;
        r->lines = t->before.lines;
    }
    if (added)
        pass_dead(t, r);
}
