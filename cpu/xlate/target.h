// SPDX-License-Identifier: Apache-2.0
// The back end's interface: intermediate form in, host code out. x86/ implements it; another host is a sibling folder.
//
// Translated code is entered from the interpreter's threaded code by the interp_op target_enter(m), whose doubleword has the address of the
// code in its upper 48 bits, and leaves by a jump to the handler of the next predecoded instruction, so that neither side returns to a
// loop in between. On entry cpu->page_ea is that of the region's page, everything before the entry is counted, and all guest state is
// in struct cpu. At exit:
// - EXIT: to the code of the target (Links), or cpu->page, cpu->block_d = the target's entry, everything counted, then its handler;
// - EXIT_EA: to the code of the region there, or cpu->nia = target, counted, then xlate_exit_far(cpu, d, word) (interp.c);
// - attn or budget at a back edge or an entry: cpu->nia set, counted, then xlate_leave(cpu, d, word);
// - EXIT_INSN: cpu->page, cpu->block_d = that entry, counted up to it, then the handler that its own row has (interp_ops[id], not OP_REGION).
// Out-of-line code of GUEST operations stores what is held in host registers, sets cpu->page, cpu->d to the instruction's predecoded entry
// and cpu->block_d to the entry from which instructions are not yet counted, calls exec_<id>(cpu, insn), and reloads. The helper may
// unwind. In between cpu->page, cpu->d and cpu->block_d mean nothing.
//
// Links. From region to region code jumps with all guest state but the budget in struct cpu, and cpu->page_ea that of the target's page.
// Every entry but that of a predicted return looks at attn and the budget first: no cycle is without one.
// - Within the page: an indirect jump through the cell of the target place, a doubleword of data. Unlinking a place is one store.
// - To an effective address, calls and jumps: cpu->jumps has the code, looked up in line, by a jump of its own for each place; else the fetch TLB
//   has the page, and the page's predecoded entry the code, and cpu->jumps has it from then on. It is emptied when a translation or code goes:
//   such changes become visible only where requests are served, outside of translated code.
// - Returns: calls are host calls, below the address that LR then has. A return that finds LR below its return address is a host
//   return; else the predictions are forgotten, and it is any other indirect branch. They are also forgotten, with the stack, whenever
//   translated code is left: so a predicted return goes to code that was right when the call was made, and nothing that would have
//   to be seen since then has been seen. The budget bounds how deep the stack becomes.
#ifndef CPU_XLATE_TARGET_H
#define CPU_XLATE_TARGET_H

#include "cpu/interp.h"
#include "cpu/xlate/ir.h"

struct code_memory;

// What a compilation gave: the entry, and the places behind calls (ir_block.returns).
struct target_code {
    const void *start; // all of it
    size_t size;
    const void *entry;
    u16 returns_len;
    struct {
        u16 index;
        const void *code;
    } returns[IR_BLOCKS_MAX];
};

// Host code memory of one partition: `size` bytes mapped twice, once writable, once executable (no page is both through one address).
// NULL: no memory. Any thread may emit, one at a time (a lock inside).
struct code_memory *code_memory_new(size_t size);
void code_memory_free(struct code_memory *m);
// Forgets all code; the caller has made sure that none is in use.
void code_memory_reset(struct code_memory *m);
size_t code_memory_used(const struct code_memory *m);

// Why a compilation failed: it did not for want of room; there was none, and now there is; there will be some when the oldest code is evicted,
// or only when all of it goes.
enum code_room { ROOM_ENOUGH, ROOM_MORE, ROOM_EVICT, ROOM_RESET };
enum code_room code_memory_room(struct code_memory *m);

// Makes room where the oldest code was, whose cells are unlinked. The caller has made sure that none is in use, and takes the predecoded
// entries away that name it.
struct code_range {
    u64 start;
    size_t size;
};
struct code_range code_memory_evict(struct code_memory *m);

// Compiles a region. False when code memory is full, or the region is too large for the allocator.
bool target_compile(struct code_memory *m, const struct ir_region *r, struct target_code *out);

interp_op *target_enter(const struct code_memory *m);

// Exits to the place go to `code` from now on, if they were not unlinked since target_expect_link(); NULL: to the interpreter. Under the translator's lock, in the
// order of xlate.c (4).
void target_expect_link(struct code_memory *m, struct cpage *page, unsigned index);
void target_link(struct code_memory *m, struct cpage *page, unsigned index, const void *code);
// None of these places of the page is linked any more, bits by instruction. Any thread.
void target_unlink(struct code_memory *m, const struct cpage *page, const u64 *places);
// ir_region.lines of the region that a predecoded entry leads into. Any thread; where the code goes away meanwhile any number, and the entry
// does not lead there any more.
u64 target_lines(const void *code);

// Keeping code. target_save() puts the region that was compiled last, for this page, into a form that outlives the process: its size, or 0
// where that cannot be done or does not fit. target_load() makes it code again, for a page with the same instructions in the covered places;
// false: there is no room, or it is nothing of ours (target_saved_ok() says so without a code memory). `there`: where the same was loaded for
// the same page before and still is, so that it need not be loaded; or NULL. What it depends on besides the
// instructions is part of target_host() (known once there is a code memory), and of the program itself.
size_t target_save(struct code_memory *m, const struct cpage *page, const struct target_code *code, void *to, size_t size);
bool target_load(struct code_memory *m, struct cpage *page, const void *from, size_t size, const void *there, struct target_code *out);
bool target_saved_ok(const void *from, size_t size);
u64 target_host(void);

// Disassembly is left to tools: writes the bytes of the last compilation of this thread in hexadecimal (--trace asm).
size_t target_last_code(const void **code);

// Whether the back end does this operation on vectors (enum ir_vector) on this host; lowering makes no others.
bool target_vector(unsigned op);

// For tests: from now on the host is taken to lack some of its features, the more the larger `less` is. False: it has none left to lack.
bool target_limit(unsigned less);

// What translated code needs in a thread's state. Before it runs. refills: misses of the TLB may be mended in line; false for tests of
// what happens where they are not.
void target_prepare(struct cpu *cpu, bool refills);

// Whether this host has a back end (x86-64 with what it needs: BMI2, LZCNT, MOVBE are chosen at run time, none is required).
bool target_available(void);

#endif
