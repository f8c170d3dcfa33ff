// SPDX-License-Identifier: Apache-2.0
// Interrupts in the ISA's sense. ISA III "Interrupts".
//
// cpu_raise_*() are called from instruction semantics on the owner's thread; they set the interrupt's registers, change MSR and nia
// and unwind to the run loop: they do not return, and the instruction has had no effect beyond what the caller did.
#ifndef CPU_EXCEPT_H
#define CPU_EXCEPT_H

#include "cpu/cpu.h"

// Effective address of the instruction being executed (threaded code).
u64 cpu_cia(const struct cpu *cpu);

// SRR0 = cia, SRR1 = MSR with bits 33:36 and 42:47 replaced by srr1.
_Noreturn void cpu_raise(struct cpu *cpu, unsigned vector, u64 srr1);
_Noreturn void cpu_raise_program(struct cpu *cpu, u64 srr1_prog);
_Noreturn void cpu_raise_illegal(struct cpu *cpu); // program interrupt, or hypervisor emulation assistance seen as one
_Noreturn void cpu_raise_dsi(struct cpu *cpu, u64 ea, u64 dsisr);
_Noreturn void cpu_raise_dseg(struct cpu *cpu, u64 ea);
_Noreturn void cpu_raise_isi(struct cpu *cpu, u64 srr1);
_Noreturn void cpu_raise_iseg(struct cpu *cpu);
_Noreturn void cpu_raise_alignment(struct cpu *cpu, u64 ea);
_Noreturn void cpu_raise_facility(struct cpu *cpu, unsigned cause); // FSCR[IC] = cause
_Noreturn void cpu_raise_machine_check(struct cpu *cpu, u64 srr1, u64 dsisr, u64 ea);

// Interrupt after the instruction (system call, trace): SRR0 = next. Does not unwind: sets nia, MSR.
void cpu_deliver(struct cpu *cpu, unsigned vector, u64 srr0, u64 srr1);

// Delivers the highest-priority pending asynchronous interrupt that MSR allows; true when one was. nia is valid.
bool cpu_deliver_pending(struct cpu *cpu);

// Sets MSR (all bits that the processor has) and everything cached from it: endianness, address mask, MMU tables, attn.
void cpu_set_msr(struct cpu *cpu, u64 msr);

// Leaves the current instruction for the run loop with nia as it is (after an hcall that changed everything, stop ...).
_Noreturn void cpu_unwind(struct cpu *cpu);

// For what is done once: a piece that is checked (cpu/xlate/check.c) ends in front of the current instruction.
static inline void cpu_not_checked(struct cpu *cpu)
{
    if (likely(cpu->checked != CHECKED_TRANSLATED))
        return;
    cpu->unchecked = true;
    cpu->nia = cpu_cia(cpu);
    cpu_unwind(cpu);
}

#endif
