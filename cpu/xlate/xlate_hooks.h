// SPDX-License-Identifier: Apache-2.0
// What translated code calls and jumps to (target.h), implemented beside the interpreter and the engine.
#ifndef CPU_XLATE_XLATE_HOOKS_H
#define CPU_XLATE_XLATE_HOOKS_H

#include "cpu/interp.h"

// Reference semantics by row, as the interpreter runs them, without the checks of facility and privilege.
extern void (*const interp_exec[INSN_COUNT])(struct cpu *cpu, u32 insn);

// Continues at cpu->nia, which may be in another page; everything so far is counted.
interp_op xlate_exit_far;
// Leaves threaded code in front of cpu->nia: attn or the budget ask for it. Everything so far is counted.
interp_op xlate_leave;

// Executes the instruction at d by the interpreter, whatever is predecoded there; cpu->block_d is d or in front of it. `word` does not matter.
interp_op xlate_plain;

// CHECK asks for it: leaves behind the instruction at cpu->d, for the run loop to look at everything (or runs its semantics before that).
// Everything before the instruction is in place, counted from block_d.
_Noreturn void xlate_leave_behind(struct cpu *cpu, u32 insn);
_Noreturn void xlate_run_and_leave(struct cpu *cpu, u32 insn);

// REQUIRE found the state wanting: raises the interrupt of the instruction at cpu->d. Everything before it is in place, counted from block_d.
_Noreturn void xlate_require_slow(struct cpu *cpu, u32 insn);

#endif
