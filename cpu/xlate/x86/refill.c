// SPDX-License-Identifier: Apache-2.0
//
// A miss of the software TLB in translated code: most find their page at once, and then the access goes on in line. The code that calls has
// values and guest registers in every register, so the entries here save all that C may change. There is one for each kind of access
// (cpu->refills): 1, 2, 4, 8, 16 bytes, loads, then stores. Zero flag: there is no entry for it, the reference semantics
// have to do the access.
#include "cpu/mmu/mmu.h"
#include "cpu/xlate/target.h"

#define KINDS      10
#define ENTRY_SIZE 16

u64 xlate_refill(struct cpu *cpu, unsigned kind);
extern const char xlate_refill_entries[], xlate_refill_none[];

u64 xlate_refill(struct cpu *cpu, unsigned kind)
{
    cpu->refill_addend = mmu_refill(cpu, cpu->refill_ea, 1u << kind % 5, kind >= 5);
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
        ".globl xlate_refill_entries\n"
        ".hidden xlate_refill_entries\n"
        "xlate_refill_entries:\n"
        ".irp kind, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9\n"
        ".p2align 4\n"
        "pushq $\\kind\n"
        "jmp 1f\n"
        ".endr\n"
        ".p2align 4\n"
        "1: pushq %rbp\n"
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
        "movl 8(%rbp), %esi\n"
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
        "leaq 8(%rsp), %rsp\n"
        "ret\n"
        ".globl xlate_refill_none\n"
        ".hidden xlate_refill_none\n"
        "xlate_refill_none:\n"
        "cmpq %rsp, %rsp\n"
        "ret\n");
// clang-format on

void target_prepare(struct cpu *cpu, bool refills)
{
    for (unsigned i = 0; i < KINDS; i++)
        cpu->refills[i] = refills ? xlate_refill_entries + i * ENTRY_SIZE : xlate_refill_none;
}
