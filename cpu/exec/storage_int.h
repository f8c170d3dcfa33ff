// SPDX-License-Identifier: Apache-2.0
// What the files of storage access semantics share.
#ifndef CPU_EXEC_STORAGE_INT_H
#define CPU_EXEC_STORAGE_INT_H

#include "cpu/exec/exec.h"
#include "cpu/group.h"

static inline u64 ea_indexed(const struct cpu *cpu, u32 insn)
{
    return ra_or_zero(cpu, insn) + GPR(RB);
}

// Host address of the aligned operand at ea (masked) for loading, and with `write` for storing. Alignment interrupt when it is
// not aligned; data storage interrupt when it is not memory.
static inline void *atomic_host(struct cpu *cpu, u64 ea, unsigned size, bool write, u64 *gra)
{
    if (unlikely(ea & (size - 1)))
        cpu_raise_alignment(cpu, ea);
    const struct tlb_entry *e = tlb_slot(cpu, ea);
    u64 tag = tlb_tag(ea, 1);
    if (likely(e->rtag == tag && (!write || e->wtag == tag))) {
        u8 *host = (u8 *)(ea + e->addend);
        *gra = (u64)(host - cpu->group->mem->base);
        return host;
    }
    return mmu_atomic_host(cpu, ea, size, write, gra);
}

// Single-copy atomic quadword accesses; ea is masked (atomic.c).
u128 atomic_read128(struct cpu *cpu, u64 ea);
void atomic_write128(struct cpu *cpu, u64 ea, u128 value);

#endif
