// SPDX-License-Identifier: Apache-2.0
// Loads and stores of instruction semantics: the software TLB's inline lookup. Addresses are effective addresses before
// truncation to 32 bits (done here); a failed access raises its interrupt and does not return.
#ifndef CPU_MMU_ACCESS_H
#define CPU_MMU_ACCESS_H

#include <string.h>

#include "cpu/cpu.h"
#include "cpu/mmu/mmu.h"

static inline struct tlb_entry *tlb_slot(const struct cpu *cpu, u64 ea)
{
    return (struct tlb_entry *)(void *)((u8 *)cpu->tlb + (ea >> (GUEST_PAGE_SHIFT - 5) & cpu->tlb_mask));
}

// The last byte's page makes the tag, the first byte's page the index: an access across pages never matches.
static inline u64 tlb_tag(u64 ea, unsigned size)
{
    return (ea + size - 1) & GUEST_PAGE_MASK;
}

static inline struct ftlb_entry *ftlb_slot(const struct cpu *cpu, u64 ea)
{
    return &cpu->ftlb[ftlb_index(ea >> GUEST_PAGE_SHIFT)];
}

static inline bool ftlb_hit(const struct ftlb_entry *e, u64 ea)
{
    return e->tag == (ea & GUEST_PAGE_MASK);
}

#define MEM_ACCESSORS(bits, swap)                                                \
    static inline u##bits mem_read##bits(struct cpu *cpu, u64 addr)              \
    {                                                                            \
        u64 ea = addr & cpu->ea_mask;                                            \
        const struct tlb_entry *e = tlb_slot(cpu, ea);                           \
        if (likely(e->rtag == tlb_tag(ea, bits / 8))) {                          \
            u##bits v;                                                           \
            memcpy(&v, (const void *)(ea + e->addend), sizeof(v));               \
            return unlikely(cpu->be) ? swap(v) : v;                              \
        }                                                                        \
        return (u##bits)mmu_read_slow(cpu, ea, bits / 8);                        \
    }                                                                            \
    static inline void mem_write##bits(struct cpu *cpu, u64 addr, u##bits value) \
    {                                                                            \
        u64 ea = addr & cpu->ea_mask;                                            \
        const struct tlb_entry *e = tlb_slot(cpu, ea);                           \
        if (likely(e->wtag == tlb_tag(ea, bits / 8))) {                          \
            u##bits v = unlikely(cpu->be) ? swap(value) : value;                 \
            memcpy((void *)(ea + e->addend), &v, sizeof(v));                     \
            return;                                                              \
        }                                                                        \
        mmu_write_slow(cpu, ea, bits / 8, value);                                \
    }

static inline u8 swap8(u8 v)
{
    return v;
}
static inline u128 swap128(u128 v)
{
    return (u128)__builtin_bswap64((u64)v) << 64 | __builtin_bswap64((u64)(v >> 64));
}

MEM_ACCESSORS(8, swap8)
MEM_ACCESSORS(16, __builtin_bswap16)
MEM_ACCESSORS(32, __builtin_bswap32)
MEM_ACCESSORS(64, __builtin_bswap64)
MEM_ACCESSORS(128, swap128)

#endif
