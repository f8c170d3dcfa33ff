// SPDX-License-Identifier: Apache-2.0
#include "cpu/xlate/ir.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cpu/exec/fp_lazy.h"
#include "cpu/xlate/build.h"
#include "cpu/xlate/vector.h"

#define VALUE(c)  (sizeof(#c) == 2 && ((#c)[0] == 'V' || (#c)[0] == 'X' || (#c)[0] == 'D' || (#c)[0] == 'T'))
// Type of the value column `n` of a, b, c; an operation's value columns follow each other.
#define FIRST(a, b, c)  (VALUE(a) ? (#a)[0] : VALUE(b) ? (#b)[0] : VALUE(c) ? (#c)[0] : '-')
#define SECOND(a, b, c) (VALUE(a) && VALUE(b) ? (#b)[0] : (VALUE(a) || VALUE(b)) && VALUE(c) ? (#c)[0] : '-')
#define THIRD(a, b, c)  (VALUE(a) && VALUE(b) && VALUE(c) ? (#c)[0] : '-')

#define PURE IR_PURE
#define END IR_END
#define GUEST IR_GUEST
const struct ir_op_row ir_ops[IR_OPS] = {
#define IR(name_, result_, a, b, c, flags_) \
    [IR_##name_] = {.name = #name_, .result = (#result_)[0], .values = VALUE(a) + VALUE(b) + VALUE(c), .operand = {FIRST(a, b, c), SECOND(a, b, c), THIRD(a, b, c)}, .flags = flags_},
#include "cpu/xlate/ir.def"
#undef IR
};
#undef PURE
#undef END
#undef GUEST

#define SLOT8(name_, member) {.name = name_, .offset = offsetof(struct cpu, member), .bytes = 8, .type = 'V'}
#define SLOT1(name_, member) {.name = name_, .offset = offsetof(struct cpu, member), .bytes = 1, .type = 'V'}
#define VSR1(n) {.name = "vs" #n, .offset = offsetof(struct cpu, vsr[n]), .bytes = 16, .type = 'X'}
#define FPR1(n) {.name = "f" #n, .offset = offsetof(struct cpu, vsr[n].d[1]), .bytes = 8, .type = 'D'}
#define ROW8(row, a, b, c, d, e, f, g, h) row(a), row(b), row(c), row(d), row(e), row(f), row(g), row(h)
#define ROW64(row)                                                                                       \
    ROW8(row, 0, 1, 2, 3, 4, 5, 6, 7), ROW8(row, 8, 9, 10, 11, 12, 13, 14, 15),                          \
        ROW8(row, 16, 17, 18, 19, 20, 21, 22, 23), ROW8(row, 24, 25, 26, 27, 28, 29, 30, 31),            \
        ROW8(row, 32, 33, 34, 35, 36, 37, 38, 39), ROW8(row, 40, 41, 42, 43, 44, 45, 46, 47),            \
        ROW8(row, 48, 49, 50, 51, 52, 53, 54, 55), ROW8(row, 56, 57, 58, 59, 60, 61, 62, 63)
#define GPR4(n0, n1, n2, n3) SLOT8("r" #n0, gpr[n0]), SLOT8("r" #n1, gpr[n1]), SLOT8("r" #n2, gpr[n2]), SLOT8("r" #n3, gpr[n3])

const struct ir_slot_row ir_slots[IR_SLOTS] = {
    GPR4(0, 1, 2, 3), GPR4(4, 5, 6, 7), GPR4(8, 9, 10, 11), GPR4(12, 13, 14, 15),
    GPR4(16, 17, 18, 19), GPR4(20, 21, 22, 23), GPR4(24, 25, 26, 27), GPR4(28, 29, 30, 31),
    [SLOT_LR] = SLOT8("lr", lr),
    [SLOT_CTR] = SLOT8("ctr", ctr),
    [SLOT_TAR] = SLOT8("tar", tar),
    [SLOT_CFAR] = SLOT8("cfar", cfar),
    [SLOT_CRF] = SLOT1("cr0", crf[0]), SLOT1("cr1", crf[1]), SLOT1("cr2", crf[2]), SLOT1("cr3", crf[3]),
    SLOT1("cr4", crf[4]), SLOT1("cr5", crf[5]), SLOT1("cr6", crf[6]), SLOT1("cr7", crf[7]),
    [SLOT_SO] = SLOT1("so", so),
    [SLOT_OV] = SLOT1("ov", ov),
    [SLOT_CA] = SLOT1("ca", ca),
    [SLOT_OV32] = SLOT1("ov32", ov32),
    [SLOT_CA32] = SLOT1("ca32", ca32),
    [SLOT_VSR] = ROW64(VSR1),
    [SLOT_FPR] = ROW64(FPR1),
};

ir_value ir_and_mask(struct ir_builder *b, ir_value a, u64 mask)
{
    switch (mask) {
    case ~0ull: return a;
    case 0xffffffffull: return ir_op1(b, IR_ZEXT32, a);
    case 0xffff: return ir_op1(b, IR_ZEXT16, a);
    case 0xff: return ir_op1(b, IR_ZEXT8, a);
    default: return ir_op2i(b, IR_AND, a, mask);
    }
}

static const char *const cond_names[] = {"eq", "ne", "lt", "ge", "le", "gt", "ult", "uge", "ule", "ugt"};
static const char *const compare_names[] = {"s64", "u64", "s32", "u32"};

struct text {
    char *at;
    size_t left;
};

PRINTF_LIKE(2, 3) static void add(struct text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(t->at, t->left, fmt, ap);
    va_end(ap);
    size_t len = n > 0 ? MIN((size_t)n, t->left - 1) : 0;
    t->at += len;
    t->left -= len;
}

static void print_insn(struct text *t, const struct ir_region *r, const struct ir_block *block, unsigned at)
{
    const struct ir_insn *in = &r->insns[at];
    const struct ir_op_row *row = &ir_ops[in->op];
    add(t, "    ");
    if (row->result != '-')
        add(t, "v%u = ", at);
    add(t, "%s", row->name);
    if (in->op == IR_GET || in->op == IR_PUT)
        add(t, " %s", in->slot < IR_SLOTS && ir_slots[in->slot].bytes ? ir_slots[in->slot].name : "?");
    if (in->op == IR_SET || in->op == IR_BRANCH)
        add(t, " %s", in->cond < ARRAY_LEN(cond_names) ? cond_names[in->cond] : "?");
    if (in->op == IR_CRF)
        add(t, " %s", in->imm < ARRAY_LEN(compare_names) ? compare_names[in->imm] : "?");
    const ir_value values[] = {in->a, in->b, in->c};
    for (unsigned i = 0; i < row->values; i++)
        add(t, "%sv%u", i ? ", " : " ", values[i]);
    if (in->op == IR_CONST || in->op == IR_REQUIRE)
        add(t, " %#llx", (unsigned long long)in->imm);
    if (in->op >= IR_VX0 && in->op <= IR_VX3)
        vector_print(in->imm, t->at, t->left), t->left -= strlen(t->at), t->at += strlen(t->at);
    if (ir_is_float(in) || in->op == IR_FCMP)
        add(t, " %s", fp_kind_name((enum fp_kind)in->imm));
    if (in->op == IR_FBITS1)
        add(t, " %s", in->imm == FBITS_NEG ? "neg" : in->imm == FBITS_ABS ? "abs" : "nabs");
    if (in->op == IR_XTOV)
        add(t, " d%u", (unsigned)in->imm);
    if (in->op == IR_XTOD && in->imm)
        add(t, " low");
    if ((ir_access_bytes(in) && ir_access_bytes(in) < 16) || in->op == IR_LARX || in->op == IR_STCX ||
        in->op == IR_RMW || in->op == IR_CAS)
        add(t, " %u%s%s", 8u << (in->imm & MEM_SIZE), in->imm & MEM_SIGNED ? " signed" : "", in->imm & MEM_SWAP ? " swap" : "");
    if (in->op == IR_EXIT)
        add(t, " +%#x", (unsigned)in->imm * 4);
    if (in->op == IR_FIELD || in->op == IR_SET_FIELD)
        add(t, " [%d:%u]", IR_FIELD_OFFSET(in->imm), IR_FIELD_BYTES(in->imm));
    if ((in->op == IR_LARX || in->op == IR_STCX) && in->imm & MEM_PAIRED)
        add(t, " paired");
    if (in->op == IR_RMW && in->imm & RMW_ADD)
        add(t, " add");
    if (in->op == IR_REQUIRE && in->cond == COND_NE)
        add(t, " clear");
    if (in->op == IR_JUMP)
        add(t, " b%u", block->then);
    if (ir_successors(in->op) == 2)
        add(t, " ? b%u : b%u", block->then, block->other);
    if ((in->op == IR_EXIT || in->op == IR_EXIT_EA) && in->cond != WAY_JUMP)
        add(t, in->cond == WAY_CALL ? " call" : " return");
    if (in->op == IR_EXEC || in->op == IR_EXIT_INSN)
        add(t, " %08x", in->insn);
    if (ir_access_bytes(in) && in->cond == ACCESS_KNOWN)
        add(t, " known");
    if (in->op == IR_STRIP)
        add(t, " %#x", (unsigned)in->imm);
    if (row->flags & IR_GUEST || in->op == IR_EXIT_INSN)
        add(t, " @%#x", in->index * 4);
    add(t, "\n");
}

void ir_print(const struct ir_region *r, char *text, size_t size)
{
    struct text t = {text, size};
    if (!size)
        return;
    *text = 0;
    add(&t, "region at +%#x, %u instructions\n", r->entry * 4, r->guest_insns);
    for (unsigned n = 0; n < r->blocks_len; n++) {
        const struct ir_block *block = &r->blocks[n];
        add(&t, "b%u: +%#x, %u instructions, weight %u%s", n, block->index * 4, block->insns, block->weight,
            block->returns ? ", entered by returns" : "");
        if (block->landing)
            add(&t, ", switched to");
        if (block->switches)
            add(&t, ", switches");
        if (block->need)
            add(&t, ", needs MSR %#x", block->need);
        add(&t, "\n");
        for (unsigned i = 0; i < block->len; i++)
            print_insn(&t, r, block, block->first + i);
    }
}

static const char *check_insn(const struct ir_region *r, const struct ir_block *block, unsigned at)
{
    const struct ir_insn *in = &r->insns[at];
    if (in->op >= IR_OPS)
        return "unknown operation";
    const struct ir_op_row *row = &ir_ops[in->op];
    bool last = at + 1u == block->first + block->len;
    if (!!(row->flags & IR_END) != last)
        return last ? "a block does not end in an END operation" : "an END operation inside a block";
    const ir_value values[] = {in->a, in->b, in->c};
    if ((in->op == IR_GET || in->op == IR_PUT) && (in->slot >= IR_SLOTS || !ir_slots[in->slot].bytes))
        return "unknown slot";
    for (unsigned i = 0; i < 3; i++) {
        if (i >= row->values) {
            if (values[i] != IR_NO_VALUE)
                return "a value that the operation does not have";
            continue;
        }
        if (values[i] < block->first || values[i] >= at)
            return "a value from another block or from later";
        if (ir_ops[r->insns[values[i]].op].result == '-')
            return "a value of an operation that makes none";
        if (ir_type(&r->insns[values[i]]) != ir_operand_type(in, i))
            return "a value of the wrong type";
    }
    if (in->op >= IR_VX0 && in->op <= IR_VX3 && !vector_check(in->imm, in->op - IR_VX0))
        return "unknown vector operation";
    if ((in->op == IR_XTOV || in->op == IR_XTOD) && in->imm > 1)
        return "unknown doubleword";
    if ((in->op == IR_SET || in->op == IR_BRANCH) && in->cond > COND_UGT)
        return "unknown condition";
    if (in->op == IR_CRF && in->imm > COMPARE_U32)
        return "unknown comparison";
    if (ir_access_bytes(in) && in->imm & ~(u64)(MEM_SIZE | MEM_SIGNED | MEM_SWAP))
        return "unknown kind of access";
    if (in->op != IR_LOAD && ir_access_bytes(in) && in->imm & MEM_SIGNED)
        return "a signed store";
    if ((in->op == IR_EXIT || in->op == IR_EXIT_EA) && in->cond > WAY_RETURN)
        return "unknown way out";
    if ((in->op == IR_RMW || in->op == IR_CAS) && in->imm & ~(u64)(MEM_SIZE | (in->op == IR_RMW ? RMW_ADD : 0)))
        return "strange atomic operation";
    if ((in->op == IR_LARX || in->op == IR_STCX) && in->imm & ~(u64)(MEM_SIZE | MEM_SWAP | MEM_PAIRED))
        return "unknown kind of reservation";
    if (ir_access_bytes(in) && in->cond > ACCESS_KNOWN)
        return "an access that is known in an unknown way";
    if (in->op == IR_STRIP && r->insns[block->first + block->len - 1u].op != IR_BEGIN)
        return "a strip that does not begin";
    if (in->op == IR_EXIT && in->imm > GUEST_PAGE_SIZE / 4 - 1)
        return "an exit out of the page";
    unsigned bytes = IR_FIELD_BYTES(in->imm);
    if ((in->op == IR_FIELD || in->op == IR_SET_FIELD) && bytes != 1 && bytes != 4 && bytes != 8)
        return "a member of unknown width";
    if (last && block->switches && in->op != IR_EXIT_EA)
        return "a switch that does not leave";
    if (ir_successors(in->op) && block->then >= r->blocks_len)
        return "unknown successor";
    if (ir_successors(in->op) == 2 && block->other >= r->blocks_len)
        return "unknown other successor";
    return NULL;
}

const char *ir_check(const struct ir_region *r)
{
    if (!r->blocks_len || r->blocks_len > IR_BLOCKS_MAX || r->len > IR_INSNS_MAX)
        return "impossible sizes";
    if (r->blocks[0].index != r->entry)
        return "block 0 is not the entry";
    for (unsigned n = 0, next = 0; n < r->blocks_len; n++) {
        const struct ir_block *block = &r->blocks[n];
        if (block->first != next || !block->len || (unsigned)block->first + block->len > r->len)
            return "blocks do not follow each other";
        next = block->first + block->len;
        if (n + 1u == r->blocks_len && next != r->len)
            return "operations outside of blocks";
        for (unsigned at = block->first; at < next; at++) {
            const char *wrong = check_insn(r, block, at);
            if (wrong)
                return wrong;
        }
    }
    return NULL;
}
