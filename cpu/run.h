// SPDX-License-Identifier: Apache-2.0
// Running a hardware thread: the engine seam.
#ifndef CPU_RUN_H
#define CPU_RUN_H

#include "cpu/cpu.h"

// Why cpu_run() came back.
enum cpu_exit {
    EXIT_STOPPED,    // ATTN_STOP: somebody asked
    EXIT_STEPPED,    // one instruction was executed (cpu_step)
    EXIT_BREAKPOINT, // debugger's breakpoint or watchpoint at nia (see debug.h)
    EXIT_CHECKSTOP,  // the state cannot continue (machine check with ME off, ...)
};

// An engine executes guest instructions of one thread until it has a reason to leave. Called on the thread's host
// thread. At return the architected state in `struct cpu` is complete and nia is the next instruction's address.
struct cpu_engine {
    const char *name;
    enum cpu_exit (*run)(struct cpu *cpu);
    // Executes exactly one instruction, or the interrupt that it raises, then EXIT_STEPPED. Interrupts that others raise stay pending,
    // or a step would end in their handler more often than at the next instruction.
    enum cpu_exit (*step)(struct cpu *cpu);
};

extern const struct cpu_engine interp_engine;
extern const struct cpu_engine jit_engine; // translates what is hot; all threads of a group use one engine
extern const struct cpu_engine check_engine; // translates, and compares with the interpreter: cpu/xlate/check.c

// The engine for this host: the translator where it has a back end.
const struct cpu_engine *engine_auto(void);

#endif
