// SPDX-License-Identifier: Apache-2.0
// Floating-point state around the operations (float.h).
#include "cpu/xlate/x86/float.h"

#include "cpu/exec/fp_lazy.h"
#include "cpu/xlate/x86/codemem.h"
#include "cpu/xlate/x86/comp.h"

#define FP_OPERAND(i)  mem_at(CPU, (s32)(offsetof(struct cpu, fp_operand) + 8 * (i)))
#define FP_COMPARED(i) mem_at(CPU, (s32)(offsetof(struct cpu, fp_compared) + 8 * (i)))

// What translated code calls with cpu in rdi and rsp below the red zone; all registers stay as they are.
void xlate_fp_call(void);
void xlate_fp_work(struct cpu *cpu);

// clang-format off
__asm__(".text\n"
        ".p2align 4\n"
        ".globl xlate_fp_call\n"
        ".type xlate_fp_call, @function\n"
        "xlate_fp_call:\n"
        "    push %rbp\n"
        "    mov %rsp, %rbp\n"
        "    push %rax\n    push %rcx\n    push %rdx\n    push %rsi\n    push %rdi\n"
        "    push %r8\n    push %r9\n    push %r10\n    push %r11\n"
        "    sub $256, %rsp\n"
        "    and $-16, %rsp\n"
        "    movaps %xmm0, (%rsp)\n    movaps %xmm1, 16(%rsp)\n    movaps %xmm2, 32(%rsp)\n    movaps %xmm3, 48(%rsp)\n"
        "    movaps %xmm4, 64(%rsp)\n    movaps %xmm5, 80(%rsp)\n    movaps %xmm6, 96(%rsp)\n    movaps %xmm7, 112(%rsp)\n"
        "    movaps %xmm8, 128(%rsp)\n    movaps %xmm9, 144(%rsp)\n    movaps %xmm10, 160(%rsp)\n"
        "    movaps %xmm11, 176(%rsp)\n    movaps %xmm12, 192(%rsp)\n    movaps %xmm13, 208(%rsp)\n"
        "    movaps %xmm14, 224(%rsp)\n    movaps %xmm15, 240(%rsp)\n"
        "    call xlate_fp_work\n"
        "    movaps (%rsp), %xmm0\n    movaps 16(%rsp), %xmm1\n    movaps 32(%rsp), %xmm2\n    movaps 48(%rsp), %xmm3\n"
        "    movaps 64(%rsp), %xmm4\n    movaps 80(%rsp), %xmm5\n    movaps 96(%rsp), %xmm6\n    movaps 112(%rsp), %xmm7\n"
        "    movaps 128(%rsp), %xmm8\n    movaps 144(%rsp), %xmm9\n    movaps 160(%rsp), %xmm10\n"
        "    movaps 176(%rsp), %xmm11\n    movaps 192(%rsp), %xmm12\n    movaps 208(%rsp), %xmm13\n"
        "    movaps 224(%rsp), %xmm14\n    movaps 240(%rsp), %xmm15\n"
        "    lea -72(%rbp), %rsp\n"
        "    pop %r11\n    pop %r10\n    pop %r9\n    pop %r8\n"
        "    pop %rdi\n    pop %rsi\n    pop %rdx\n    pop %rcx\n    pop %rax\n"
        "    pop %rbp\n"
        "    ret\n"
        ".size xlate_fp_call, . - xlate_fp_call\n");
// clang-format on

__attribute__((used)) void xlate_fp_work(struct cpu *cpu)
{
    cpu->fp_call = xlate_fp_call;
    if (cpu->fp_kind)
        fp_lazy_compute(cpu, (enum fp_kind)cpu->fp_kind);
    else
        fp_lazy_enter(cpu);
}

void float_scan_region(struct comp *x)
{
    const struct ir_region *r = x->r;
    x->fp = x->wide = false;
    x->fp_sites_len = 0;
    for (unsigned i = 0; i < r->len && !x->fp; i++)
        x->fp = ir_needs_float(&r->insns[i]);
    for (unsigned n = 0; n < r->blocks_len && x->fp && !x->wide; n++) {
        unsigned pairs = 0;
        for (unsigned i = r->blocks[n].first; i < (unsigned)r->blocks[n].first + r->blocks[n].len; i++)
            pairs += float_pairs(&r->insns[i]);
        x->wide = pairs > 1;
    }
}

bool float_pairs(const struct ir_insn *in)
{
    if (!x86_features.avx || (in->op != IR_FV2 && in->op != IR_FV3) || (in->op == IR_FV3 && !x86_features.fma))
        return false;
    switch (in->imm) {
    case FPK_VADD64:
    case FPK_VSUB64:
    case FPK_VMUL64:
    case FPK_VDIV64:
    case FPK_VMADD64:
    case FPK_VMSUB64:
    case FPK_VADD32:
    case FPK_VSUB32:
    case FPK_VMUL32:
    case FPK_VDIV32:
    case FPK_VMADD32:
    case FPK_VMSUB32: return true;
    default: return false;
    }
}

static bool is_operand(const struct ir_insn *in, ir_value v)
{
    return in->a == v || in->b == v || in->c == v;
}

// Whether the operation may be between the first one of a pair and the second: nobody sees the result that is not known to be the one, and
// nothing is lost by doing what follows without it.
static bool may_be_between(const struct comp *x, const struct ir_insn *in, ir_value first)
{
    unsigned target = x->vals[first].target;
    if (in->op == IR_PUT && in->a == first)
        return in->slot == target;
    if (in->op == IR_GET)
        return in->slot != target;
    if (is_operand(in, first))
        return false;
    if (in->op == IR_PUT || (ir_access_bytes(in) && in->cond == ACCESS_KNOWN))
        return true;
    return ir_ops[in->op].flags & IR_PURE && !(in->op >= IR_FBITS1 && in->op <= IR_FNARROW);
}

static void need(struct comp *x, ir_value v, unsigned at)
{
    if (v != IR_NO_VALUE && x->vals[v].last < at)
        x->vals[v].last = (u16)at;
}

static void need_all(struct comp *x, const struct ir_insn *in, unsigned at)
{
    need(x, in->a, at);
    need(x, in->b, at);
    need(x, in->c, at);
}

ir_value float_moved_from(const struct comp *x, const struct ir_insn *in)
{
    if (in->op != IR_FP1 || comp_insn(x, in->a)->op != IR_VTOD)
        return IR_NO_VALUE;
    switch (in->imm) {
    case FPK_FROM_S64:
    case FPK_FROM_U64:
    case FPK_FROM_S64S:
    case FPK_FROM_U64S:
    case FPK_FROM_S64F: return comp_insn(x, in->a)->a;
    default: return IR_NO_VALUE;
    }
}

static bool classifies(const struct ir_insn *in)
{
    return ir_is_float(in) && fp_kind_classifies((enum fp_kind)in->imm);
}

static void find_pairs(struct comp *x, unsigned first, unsigned end)
{
    const struct ir_insn *insns = x->r->insns;
    for (unsigned i = first; i < end; i++) {
        unsigned n = i + 1;
        if (!float_pairs(&insns[i]))
            continue;
        while (n < end && !float_pairs(&insns[n]) && may_be_between(x, &insns[n], (ir_value)i))
            n++;
        if (n == end || !float_pairs(&insns[n]) || (insns[n].imm >= FPK_VADD32) != (insns[i].imm >= FPK_VADD32))
            continue;
        x->vals[i].pair = (u16)(n + 1);
        x->vals[n].pair = (u16)(i + 1);
        need_all(x, &insns[i], n + 1);
        need(x, (ir_value)i, n + 1);
        i = n;
    }
}

// Operands of the last operation that sets FPRF are needed while somebody may ask for them: code out of line up to the next such operation, and
// the block's end. Those of the others while code out of line of their own may.
void float_scan_block(struct comp *x, unsigned first, unsigned end)
{
    unsigned asks = end - 1;         // the last place that asks before the next operation that sets FPRF; 0: none does
    unsigned asks_compare = end - 1; // that sets FPCC
    for (unsigned i = end; i-- > first;) {
        const struct ir_insn *in = &x->r->insns[i];
        need(x, float_moved_from(x, in), i);
        if (in->op == IR_FCMP) {
            need_all(x, in, MAX(asks_compare, i + 1));
            asks_compare = 0;
        } else if (classifies(in)) {
            need_all(x, in, MAX(asks, i + 1));
            asks = asks_compare = 0;
        } else if (ir_is_float(in) || (in->op >= IR_FBITS1 && in->op <= IR_FNARROW)) {
            need_all(x, in, i + 1);
        } else if (ir_is_guest(in)) {
            asks = MAX(asks, i);
            asks_compare = MAX(asks_compare, i);
        }
    }
    if (x->wide)
        find_pairs(x, first, end);
}

void float_start_block(struct comp *x)
{
    x->fp_last = x->fp_compared = IR_NO_VALUE;
}

void float_enter(struct comp *x, unsigned block)
{
    struct code *c = &x->c;
    if (!x->fp)
        return;
    struct cold *cold = comp_cold(x, COLD_FP_ENTER);
    cold->to = (u16)block;
    x_alu_mem_imm(c, ALU_CMP, 0, CPU_MEM(fp_live), 0);
    x_jcc(c, CC_E, &cold->start);
    x_bind(c, &cold->back);
}

// Where the unit cannot be had the interpreter executes the instruction at the entry.
static void enter_cold(struct comp *x, struct cold *cold)
{
    struct code *c = &x->c;
    x_store_imm(c, 4, CPU_MEM(fp_kind), 0);
    x_call_to(c, (const void *)(uintptr_t)xlate_fp_call);
    x_alu_mem_imm(c, ALU_CMP, 0, CPU_MEM(fp_live), 0);
    x_jcc(c, CC_NE, &cold->back);
    leave_to_plain(x, cold->to);
}

static void say_last(struct comp *x, ir_value last, ir_value compared)
{
    if (last != IR_NO_VALUE)
        x_store_imm(&x->c, 8, CPU_MEM(fp_last), (s32)comp_insn(x, last)->imm);
    if (compared != IR_NO_VALUE)
        x_store_imm(&x->c, 4, mem_at(CPU, (s32)offsetof(struct cpu, fp_last) + 4), FP_LAST_COMPARED >> 32);
}

static unsigned operands(const struct comp *x, ir_value last, ir_value compared, ir_value out[5])
{
    unsigned n = 0;
    for (unsigned i = 0; i < 5; i++)
        out[i] = IR_NO_VALUE;
    if (last != IR_NO_VALUE) {
        const struct ir_insn *in = comp_insn(x, last);
        out[0] = in->a;
        out[1] = in->b;
        out[2] = in->c;
        n = 3;
    }
    if (compared != IR_NO_VALUE) {
        out[3] = comp_insn(x, compared)->a;
        out[4] = comp_insn(x, compared)->b;
        n = 5;
    }
    return n;
}

static struct mem operand_mem(unsigned i)
{
    return i < 3 ? FP_OPERAND(i) : FP_COMPARED(i - 3);
}

void float_flush(struct comp *x)
{
    ir_value v[5];
    unsigned n = operands(x, x->fp_last, x->fp_compared, v);
    for (unsigned i = 0; i < n; i++) {
        if (v[i] != IR_NO_VALUE)
            x_v1_mem(&x->c, MOVQ_STORE, value_reg(x, v[i]), operand_mem(i));
    }
    say_last(x, x->fp_last, x->fp_compared);
    x->fp_last = x->fp_compared = IR_NO_VALUE;
    x->locked = 0;
}

void float_note(const struct comp *x, struct fp_pending *p)
{
    ir_value v[5];
    p->last = x->fp_last;
    p->compared = x->fp_compared;
    unsigned n = operands(x, p->last, p->compared, v);
    for (unsigned i = 0; i < n; i++) {
        if (v[i] == IR_NO_VALUE)
            continue;
        p->loc[i] = x->vals[v[i]].loc;
        p->n[i] = x->vals[v[i]].n;
    }
}

void float_flush_cold(struct comp *x, const struct fp_pending *p)
{
    struct code *c = &x->c;
    ir_value v[5];
    unsigned n = operands(x, p->last, p->compared, v);
    bool moved = false;
    for (unsigned i = 0; i < n; i++) {
        if (v[i] == IR_NO_VALUE)
            continue;
        if (p->loc[i] != LOC_XSPILL) {
            x_v1_mem(c, MOVQ_STORE, p->loc[i] == LOC_SLOT ? x->slot_reg[p->n[i]] : p->n[i], operand_mem(i));
            continue;
        }
        if (!moved) {
            x_lea(c, 1, RSP, mem_at(RSP, -RED_ZONE));
            x_push(c, RAX);
        }
        moved = true;
        x_load(c, 1, RAX, xspill_mem(p->n[i]));
        x_store(c, 8, operand_mem(i), RAX);
    }
    if (moved) {
        x_pop(c, RAX);
        x_lea(c, 1, RSP, mem_at(RSP, RED_ZONE));
    }
    say_last(x, p->last, p->compared);
}

void float_after_exec(struct comp *x, u32 insn)
{
    struct code *c = &x->c;
    const struct insn_row *row = &insn_rows[isa_decode(insn, LEVEL_V30)];
    if (!x->fp || row->kind != KIND_PLAIN || row->facility == FAC_NONE)
        return;
    struct cold *cold = comp_cold(x, COLD_FP);
    x_alu_mem_imm(c, ALU_CMP, 0, CPU_MEM(fp_live), 0);
    x_jcc(c, CC_E, &cold->start);
    x_bind(c, &cold->back);
}

void float_cold_exec(struct comp *x, struct cold *cold)
{
    struct code *c = &x->c;
    x_bind(c, &cold->start);
    if (cold->kind == COLD_FP_ENTER) {
        enter_cold(x, cold);
        return;
    }
    x_store_imm(c, 4, CPU_MEM(fp_kind), 0);
    x_lea(c, 1, RSP, mem_at(RSP, -RED_ZONE));
    x_call_mem(c, CPU_MEM(fp_call));
    x_lea(c, 1, RSP, mem_at(RSP, RED_ZONE));
    x_alu_mem_imm(c, ALU_CMP, 0, CPU_MEM(fp_live), 0);
    x_jcc(c, CC_NE, &cold->back);
    leave_behind(x); // an exception has been enabled, by semantics that were called with everything in place
}
