// SPDX-License-Identifier: Apache-2.0
// The back end's interface: intermediate form in, host code out. x86/ implements it; another host is a sibling folder.
//
// Translated code is an interp_op (cpu, d, word): it is entered by a jump from the interpreter's threaded code and leaves by a jump to
// the handler of the next predecoded instruction, so that neither side returns to a loop in between. On entry cpu->page and cpu->page_ea
// are those of the region's page, everything before the entry is counted, and all guest state is in struct cpu. At exit:
// - EXIT: cpu->block_d = the target's entry in the page, everything counted, then its handler;
// - EXIT_EA: cpu->nia = target, counted, then xlate_exit_far(cpu, d, word) (interp.c's continuation at nia);
// - attn or budget at a back edge: cpu->nia set, counted, then xlate_leave(cpu, d, word);
// - EXIT_INSN: cpu->block_d = that entry, counted up to it, then the handler that its own row has (interp_ops[id], not OP_REGION).
// Out-of-line code of GUEST operations stores what is held in host registers, sets cpu->d to the instruction's predecoded entry and
// cpu->block_d to the entry from which instructions are not yet counted, calls exec_<id>(cpu, insn), and reloads. The helper may unwind.
#ifndef CPU_XLATE_TARGET_H
#define CPU_XLATE_TARGET_H

#include "cpu/interp.h"
#include "cpu/xlate/ir.h"

struct code_memory;

// Host code memory of one partition: `size` bytes mapped twice, once writable, once executable (no page is both through one address).
// NULL: no memory. Any thread may emit, one at a time (a lock inside).
struct code_memory *code_memory_new(size_t size);
void code_memory_free(struct code_memory *m);
// Forgets all code; the caller has made sure that none is in use.
void code_memory_reset(struct code_memory *m);
size_t code_memory_used(const struct code_memory *m);

// Compiles a region. NULL when code memory is full, or the region is too large for the allocator.
interp_op *target_compile(struct code_memory *m, const struct ir_region *r);

// Disassembly is left to tools: writes the bytes of the last compilation of this thread in hexadecimal (--trace asm).
size_t target_last_code(const void **code);

// Whether the back end does this operation on vectors (enum ir_vector) on this host; lowering makes no others.
bool target_vector(unsigned op);

// For tests: from now on the host is taken to lack some of its features, the more the larger `less` is. False: it has none left to lack.
bool target_limit(unsigned less);

// Whether this host has a back end (x86-64 with what it needs: BMI2, LZCNT, MOVBE are chosen at run time, none is required).
bool target_available(void);

#endif
