// SPDX-License-Identifier: Apache-2.0
// The engine that checks the translator: what translated code did is undone and done again by the interpreter, and must come out the same.
#ifndef CPU_XLATE_CHECK_H
#define CPU_XLATE_CHECK_H

#include "cpu/cpu.h"

// Runs from cpu->nia until something asks for the run loop's attention. In place of the run loop's fetch and execution.
void check_piece(struct cpu *cpu);

// Each place is checked the first so many times that a piece begins there, then every so many pieces. Variables for tests.
extern unsigned check_first, check_every;

// Called with the report when a difference was found. NULL: it goes to standard error, and the process ends with status 3.
extern void (*check_failed)(const char *report);

struct check_stats {
    u64 pieces, insns; // checked
};
struct check_stats check_stats(void);

#endif
