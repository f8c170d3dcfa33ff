// SPDX-License-Identifier: Apache-2.0
// Time base, decrementer, PURR, SPURR, VTB, and the engine's instruction budget. Owner's thread only.
#ifndef CPU_TIME_H
#define CPU_TIME_H

#include "cpu/cpu.h"

#define BUDGET_MAX \
    20000 // instructions between two looks at the clock, and calls on the stack of translated code (lpar/vp.c)

// The thread starts (stops) using its host CPU: PURR and its relatives run in between.
void cpu_time_start(struct cpu *cpu);
void cpu_time_stop(struct cpu *cpu);

// The engine's budget is used up: brings LINE_DECREMENTER up to date and sets the next budget.
void cpu_time_check(struct cpu *cpu);

// ISA III "Decrementer": the register's value now, and a new one. 32 bits, or DEC_BITS_LARGE with LPCR[LD].
u64 cpu_dec_get(const struct cpu *cpu);
void cpu_dec_set(struct cpu *cpu, u64 value);

// LINE_DECREMENTER as the clock says.
void cpu_dec_update(struct cpu *cpu);

// PURR; and SPURR, which is the same: processors have one speed.
u64 cpu_purr(struct cpu *cpu);
u64 cpu_vtb(const struct cpu *cpu);

// Instructions completed before the one that executes now.
u64 cpu_insns_now(const struct cpu *cpu);

#endif
