// SPDX-License-Identifier: Apache-2.0
// Cells: through which exits jump to places of guest code (target.h, "Links").
#ifndef CPU_XLATE_X86_LINK_H
#define CPU_XLATE_X86_LINK_H

#include <stdatomic.h>

#include "cpu/xlate/target.h"
#include "cpu/xlate/x86/emit.h"

// One place: where its code is at the moment. All exits to it jump through `code`, whatever region they belong to; those whose place has
// no code come to the stub `unlinked` with rsi = the cell.
struct link_cell {
    _Atomic u64 code;
    struct cpage *page;
    u32 offset; // of its predecoded entry in the page
    u32 next;   // of the same page: number plus one
};

// The cell of a place, made when there is none. NULL: no room. The caller holds the code memory's lock.
struct link_cell *link_cell(struct code_memory *m, struct cpage *page, unsigned index);

// Code that all regions of a code memory share (link.c); each is jumped to, guest state is in memory, R11 the budget.
struct link_stubs {
    const void *enter;    // interp_op: into the code in the upper 48 bits of the doubleword
    const void *unlinked; // rsi: the cell. Goes on at its place in the interpreter
    const void *pending;  // the same, and the mark of whoever is about to link it
    const void *far;      // rsi: effective address. Goes on there, in the code of its region if it has one
    const void *jump; // called with rsi: effective address, rcx: its set in cpu->jumps. Returns with rcx: its place there; or goes on as `far`
    const void *return_miss; // likewise, after the prediction of a return was wrong
    const void *leave;       // rsi: effective address. Leaves threaded code in front of it
    const void *behind;      // goes on behind the instruction at cpu->d, which has been executed
    const void *plain; // rsi: offset of the entry in the page r8, whose instruction is executed by the interpreter
    const void *insn;  // rsi: offset of the entry in the page r8; rdx: doubleword of a plain row, which is executed
};

// Finders (memo.c), one for each pair of registers, behind the other stubs.
#define FINDER_SIZE 320u
#define FINDERS     256u
const void *link_finder(const struct code_memory *m, enum reg t, enum reg a);

// Cells whose code is in the range are unlinked. Nobody is inside translated code; the caller holds the code memory's lock.
void link_unlink_range(struct code_memory *m, struct code_range range);

void link_emit_stubs(struct code_memory *m);

#endif
