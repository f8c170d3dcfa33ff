// SPDX-License-Identifier: Apache-2.0
//
// A miss of the software TLB in translated code: most find their page at once, and then the access goes on in line. The code that calls has
// values and guest registers in every register, so the entry here saves all that C may change. Zero flag: there is no entry for it,
// the reference semantics have to do the access.
#include "cpu/mmu/mmu.h"
#include "cpu/xlate/find.h"
#include "cpu/xlate/target.h"

#define CROSSINGS_MAX  32u
#define CROSSINGS_SOON 512 // instructions

u64 xlate_refill(struct cpu *cpu, s64 budget);
extern const char xlate_refill_entry[], xlate_refill_none[];

// Accesses that share an answer are in two pages. One at a time they would be found: if that goes on they are better off so. Where they walk
// through memory it happens once in a page, and sharing gains more than it costs.
static void crossed(struct cpu *cpu, u32 what, s64 budget)
{
    s64 since = cpu->crossed_at - budget;
    cpu->crossed_at = budget;
    if (since < 0 || since > CROSSINGS_SOON) {
        cpu->crossings /= 2;
    } else if (++cpu->crossings >= CROSSINGS_MAX) {
        cpu->crossings = 0;
        cpu->memo_failed = what | FIND_CROSSED;
        cpu->memo_failed_page = cpu->page_ea;
    }
}

u64 xlate_refill(struct cpu *cpu, s64 budget)
{
    const u32 what = cpu->refill_what;
    unsigned span = (what & FIND_SPAN) + 1;
    cpu->refill_addend = mmu_refill(cpu, cpu->refill_ea, span, what & FIND_WRITE);
    if (!cpu->refill_addend && what & FIND_SHARED && (cpu->refill_ea & ~GUEST_PAGE_MASK) + span > GUEST_PAGE_SIZE)
        crossed(cpu, what, budget);
    return cpu->refill_addend;
}

#define SAVE(n)    "movups %xmm" #n ", 16*" #n "(%rsp)\n"
#define RESTORE(n) "movups 16*" #n "(%rsp), %xmm" #n "\n"
#define ALL(what)                                                                                              \
    what(0) what(1) what(2) what(3) what(4) what(5) what(6) what(7) what(8) what(9) what(10) what(11) what(12) \
        what(13) what(14) what(15)

// clang-format off
__asm__(".text\n"
        ".p2align 4\n"
        ".globl xlate_refill_entry\n"
        ".hidden xlate_refill_entry\n"
        "xlate_refill_entry:\n"
        "pushq %rbp\n"
        "movq %rsp, %rbp\n"
        "pushq %rax\n"
        "pushq %rcx\n"
        "pushq %rdx\n"
        "pushq %rsi\n"
        "pushq %rdi\n"
        "pushq %r8\n"
        "pushq %r9\n"
        "pushq %r10\n"
        "pushq %r11\n"
        "subq $256, %rsp\n"
        "andq $-16, %rsp\n" ALL(SAVE) // in memory order
        "movq %r11, %rsi\n"
        "call xlate_refill\n"
        "testq %rax, %rax\n" // nothing below changes flags
        ALL(RESTORE) "leaq -72(%rbp), %rsp\n"
        "popq %r11\n"
        "popq %r10\n"
        "popq %r9\n"
        "popq %r8\n"
        "popq %rdi\n"
        "popq %rsi\n"
        "popq %rdx\n"
        "popq %rcx\n"
        "popq %rax\n"
        "popq %rbp\n"
        "ret\n"
        ".globl xlate_refill_none\n"
        ".hidden xlate_refill_none\n"
        "xlate_refill_none:\n"
        "cmpq %rsp, %rsp\n"
        "ret\n");
// clang-format on

void target_prepare(struct cpu *cpu, bool refills)
{
    cpu->refill = refills ? xlate_refill_entry : xlate_refill_none;
    cpu->crf_bits[0] = CR_EQ;
    cpu->crf_bits[1] = CR_GT;
    cpu->crf_bits[2] = CR_LT;
    for (unsigned i = 0; i < 4; i++) {
        cpu->fp_least[0][i / 2].d[i % 2] = 0x0010000000000000;
        cpu->fp_least[1][i / 2].d[i % 2] = 0x0080000000800000;
        cpu->fp_abs[0][i / 2].d[i % 2] = 0x7fffffffffffffff;
        cpu->fp_abs[1][i / 2].d[i % 2] = 0x7fffffff7fffffff;
    }
}
