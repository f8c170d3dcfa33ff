// SPDX-License-Identifier: Apache-2.0
// Address translation behind the software TLB. ISA III "Storage Control".
#ifndef CPU_MMU_MMU_H
#define CPU_MMU_MMU_H

#include "cpu/cpu.h"
#include "cpu/group.h"

enum mmu_access { ACCESS_LOAD, ACCESS_STORE, ACCESS_FETCH };

// Called when the inline lookup misses: translate, fill the TLB where allowed, and do the access; raise the
// architected interrupt where it fails. Sizes 1, 2, 4, 8, 16; any alignment, page crossing included (both pages are checked before
// a store changes anything). Values are in register order (already swapped for the access's endianness).
u128 mmu_read_slow(struct cpu *cpu, u64 ea, unsigned size);
void mmu_write_slow(struct cpu *cpu, u64 ea, unsigned size, u128 value);

// Puts the page of an access into the TLB if an entry may stand for it: its addend, 0 where there is none (a fault, two pages, a
// watchpoint, a page with code that is stored into). Raises nothing; what it notes in the tables in memory is the access's.
uintptr_t mmu_refill(struct cpu *cpu, u64 ea, unsigned size, bool write);

// Host address of an aligned operand of `size` bytes in memory for larx/stcx. and atomic memory operations, checked for loading
// and, with `write`, for storing (page marked dirty, code dropped). Raises the interrupt when it is not possible
// (not memory: DSI). Also reports the guest real address. size 1..16, 128 for dcbz.
void *mmu_atomic_host(struct cpu *cpu, u64 ea, unsigned size, bool write, u64 *gra);

// Fetch translation of the page of `ea` (fills the fetch TLB), raises ISI/ISEG. Never NULL.
struct cpage *mmu_fetch_page(struct cpu *cpu, u64 ea);

// Debug translation: no side effects, no interrupts; -1 when there is none. For the debugger and traces.
int mmu_translate_debug(struct cpu *cpu, u64 ea, enum mmu_access access, u64 *gra);

// The current thread's translations changed (MSR, PID, AMR, SLB, LPCR ...): chooses tables again.
void mmu_context_changed(struct cpu *cpu);
// Empties the fetch tables.
void mmu_forget_fetches(struct cpu *cpu);
// Empties cpu->jumps, in all tables. The owner, or with everybody out of guest code.
void mmu_forget_jumps(struct cpu *cpu);
// Whether the thread may hold translations of this PID. Any thread; see (6) in tables.c.
bool mmu_may_hold(const struct cpu *cpu, u64 pid);

struct mmu_counts {
    u64 fills; // entries made, of which walks
    u64 walks; // were searched in the tables in memory
    u64 taken, grown;
    u64 misses;  // loads and stores whose page had no entry
    u64 fetches; // likewise, fetches that went on in another page
};
struct mmu_counts mmu_counts(const struct cpu *cpu);
void mmu_flush_local(struct cpu *cpu, enum tlb_scope scope, u64 arg0, u64 arg1, u64 arg2);

int mmu_cpu_init(struct cpu *cpu);
void mmu_cpu_fini(struct cpu *cpu);

#endif
