// SPDX-License-Identifier: Apache-2.0
//
// A loop compares, branches, and compares again; the condition register field matters to nobody once the branch is a comparison itself, but to those
// whom the loop is left for. In a copy that is left at the ends of its blocks only, the field is computed there, from slots that still hold what was
// compared; where they do not, what was compared is kept beside them. Where a block reads what another one has compared, it compares again.
#include "cpu/xlate/pass_fields.h"

#include <string.h>

static unsigned end_of(const struct ir_region *r, unsigned n)
{
    return r->blocks[n].first + r->blocks[n].len - 1u;
}

static u64 kept(unsigned c, unsigned operand)
{
    return ir_field(strip_compared[0][0]) + 16 * c + 8 * operand;
}

// The value as a slot that holds it where the block ends, or as a constant.
static bool describe(const struct ir_region *r, const ir_value last[IR_SCALARS], ir_value v, struct field_operand *o)
{
    *o = (struct field_operand){.imm = r->insns[v].imm};
    if (r->insns[v].op == IR_CONST)
        return true;
    for (unsigned s = 0; s < IR_SCALARS; s++) {
        if (last[s] == v && (ir_slots[s].bytes == 8 || (s == SLOT_SO && r->insns[v].op == IR_GET))) {
            *o = (struct field_operand){FIELD_SLOT, s};
            return true;
        }
    }
    return false;
}

// What the block compares last.
static bool describe_field(const struct ir_region *r, const ir_value last[IR_SCALARS], ir_value v, unsigned c,
                           struct field *field)
{
    const struct ir_insn *in = &r->insns[v];
    const ir_value values[] = {in->a, in->b, in->c};
    if (in->op != IR_CRF)
        return false;
    *field = (struct field){.in_slots = true, .how = in->imm};
    for (unsigned i = 0; i < 3; i++) {
        field->in_slots &= describe(r, last, values[i], &field->slots[i]);
        field->kept[i] = (struct field_operand){FIELD_KEPT, kept(c, i)};
        if (r->insns[values[i]].op == IR_CONST || i == 2)
            field->kept[i] = field->slots[i];
    }
    return r->insns[in->c].op == IR_CONST || field->slots[2].place == FIELD_SLOT;
}

// One block: the fields that it compares, and the slots that it changes. Those that are something else leave `may`.
static void look(const struct ir_region *r, unsigned n, struct field at[8], u8 *put, u8 *may, struct slot_set *changed)
{
    ir_value last[IR_SCALARS], fields[8];
    memset(last, 0xff, sizeof(last));
    *put = 0;
    for (unsigned i = r->blocks[n].first; i < end_of(r, n); i++) {
        const struct ir_insn *in = &r->insns[i];
        if ((in->op != IR_GET && in->op != IR_PUT) || in->slot >= IR_SCALARS)
            continue;
        last[in->slot] = in->op == IR_GET ? (ir_value)i : in->a;
        if (in->op == IR_GET)
            continue;
        slots_add(changed, in->slot);
        if (in->slot >= SLOT_CRF && in->slot < SLOT_CRF + 8) {
            fields[in->slot - SLOT_CRF] = in->a;
            *put |= (u8)(1 << (in->slot - SLOT_CRF));
        }
    }
    for (unsigned c = 0; c < 8; c++) {
        if (*put >> c & 1 && !describe_field(r, last, fields[c], c, &at[c]))
            *may &= (u8) ~(1 << c);
    }
}

static bool holds(const struct field *field, const struct slot_set *changed)
{
    bool same = field->in_slots;
    for (unsigned i = 0; i < 3; i++)
        same &= field->slots[i].place != FIELD_SLOT || !slots_have(changed, (unsigned)field->slots[i].imm);
    return same;
}

static bool reads(const struct ir_region *r, unsigned n, unsigned slot)
{
    for (unsigned i = r->blocks[n].first; i < end_of(r, n); i++) {
        if (r->insns[i].op == IR_GET && r->insns[i].slot == slot)
            return true;
    }
    return false;
}

void fields_find(const struct ir_region *r, const u8 *blocks, unsigned len, unsigned entered, struct fields *f)
{
    struct slot_set changed[STRIP_BLOCKS], all = SLOTS_NONE;
    u8 put[STRIP_BLOCKS], may = 0xff, any = 0; // any: that every way to the loop's end compares
    memset(f, 0, sizeof(*f));
    for (unsigned k = 0; k < len; k++) {
        changed[k] = SLOTS_NONE;
        look(r, blocks[k], f->at[k], &put[k], &may, &changed[k]);
        slots_join(&all, changed[k]);
        any |= k < entered ? 0 : put[k];
    }
    f->out = any & may;
    if (slots_have(&all, SLOT_SO))
        f->out = 0;
    for (unsigned c = 0; c < 8; c++) {
        unsigned start = 0;
        if (!(f->out >> c & 1))
            continue;
        while (!(put[start] >> c & 1))
            start++;
        for (unsigned i = 1; i <= len; i++) { // round the loop, from a block that compares
            unsigned k = (start + i) % len, before = (start + i - 1) % len;
            bool leaves = r->insns[end_of(r, blocks[k])].op == IR_BRANCH || k + 1 == len;
            if (!(put[k] >> c & 1)) {
                f->at[k][c] = f->at[before][c];
                f->at[k][c].in_slots = holds(&f->at[before][c], &changed[k]);
            }
            if ((leaves && !f->at[k][c].in_slots) || (reads(r, blocks[k], SLOT_CRF + c) && !f->at[before][c].in_slots))
                f->kept |= (u8)(1 << c);
        }
        if (f->kept >> c & 1 && !f->at[len - 1][c].in_slots) // nobody knows it where the copy is entered
            f->out &= (u8) ~(1 << c);
    }
    f->kept &= f->out;
}

static ir_value operand(struct ir_builder *b, const struct field_operand *o)
{
    return o->place == FIELD_CONST  ? ir_const(b, o->imm)
           : o->place == FIELD_SLOT ? ir_get(b, (unsigned)o->imm)
                                    : ir_emit(b, (struct ir_insn){.op = IR_FIELD, .imm = o->imm});
}

ir_value fields_value(struct ir_builder *b, const struct field *at, unsigned c)
{
    const struct field *field = &at[c];
    ir_value v[3];
    for (unsigned i = 0; i < 3; i++)
        v[i] = operand(b, field->in_slots ? &field->slots[i] : &field->kept[i]);
    return ir_crf(b, (enum ir_compare)field->how, v[0], v[1], v[2]);
}

void fields_keep(struct ir_builder *b, unsigned c, ir_value a, ir_value v)
{
    if (b->r->insns[a].op != IR_CONST)
        ir_emit(b, (struct ir_insn){.op = IR_SET_FIELD, .a = a, .imm = kept(c, 0)});
    if (b->r->insns[v].op != IR_CONST)
        ir_emit(b, (struct ir_insn){.op = IR_SET_FIELD, .a = v, .imm = kept(c, 1)});
}

void fields_keep_first(struct ir_builder *b, const struct field *at, unsigned c)
{
    ir_value a = operand(b, &at[c].slots[0]), v = operand(b, &at[c].slots[1]);
    fields_keep(b, c, a, v);
}
