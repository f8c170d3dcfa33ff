// SPDX-License-Identifier: Apache-2.0
// What the MMU's files share. Owner's thread only.
#ifndef CPU_MMU_MMU_INT_H
#define CPU_MMU_MMU_INT_H

#include "cpu/cpu.h"
#include "cpu/mmu/mmu.h"

#define PROT_READ_OK  1u
#define PROT_WRITE_OK 2u
#define PROT_EXEC_OK  4u

enum mmu_fault { FAULT_NONE, FAULT_STORAGE, FAULT_SEGMENT, FAULT_MACHINE_CHECK };

// The result of a translation: valid for the 4 KiB page around the effective address.
struct translation {
    u64 gra;       // of the address that was asked for
    u64 va;        // hash: virtual address >> 12, for invalidation
    u8 prot;       // PROT_*_OK: what may be done without asking again (write: only when the change bit is set)
    bool uncached; // must not stay in the TLB
    u64 cause;     // FAULT_STORAGE: DSISR (without the store bit) or SRR1 bits
};

// One access of `cpu` in its current state; `probe`: change nothing (reference and change bits), ignore no fault.
enum mmu_fault mmu_translate(struct cpu *cpu, u64 ea, enum mmu_access access, bool probe, struct translation *tr);
enum mmu_fault mmu_radix_translate(struct cpu *cpu, u64 ea, enum mmu_access access, bool probe, struct translation *tr);
enum mmu_fault mmu_hash_translate(struct cpu *cpu, u64 ea, enum mmu_access access, bool probe, struct translation *tr);
// Hash, real mode through the virtual real mode area.
enum mmu_fault mmu_vrma_translate(struct cpu *cpu, u64 ea, enum mmu_access access, bool probe, struct translation *tr);

static inline unsigned mmu_prot_needed(enum mmu_access access)
{
    return access == ACCESS_LOAD ? PROT_READ_OK : access == ACCESS_STORE ? PROT_WRITE_OK : PROT_EXEC_OK;
}

// Address-space generations (mmu.c). NONE is current until something is to be put into the TLB.
#define GEN_FIRST 1u
#define GEN_LAST  0xffcu
#define GEN_REAL  0xffdu // both relocations off
#define GEN_NONE  0xffeu

#define CONTEXTS  128u

struct mmu {
    u64 ctx_key[CONTEXTS];
    u16 ctx_gen[CONTEXTS]; // 0: empty
    u32 next_gen;
    u32 flushes;       // counts invalidations, for code that lets others run between translation and use
    u64 slb_sum[2];    // content of the SLB, by half of the address space
    u64 amr_mask[2];   // hash: AMR and IAMR bits of the keys that were met
    u64 dawr0, dawrx0; // as of the last look
    u64 ftlb_va[MMU_MODES][FTLB_ENTRIES];
};

static inline struct mmu *cpu_mmu(const struct cpu *cpu)
{
    return cpu->mmu;
}

// The current generation of a half of the address space, a new one when it has none.
u64 mmu_generation(struct cpu *cpu, unsigned half);
// The SLB's content changed by these entries (valid ones; 0, 0: none).
void mmu_slb_changed(struct cpu *cpu, u64 old_esid, u64 old_vsid, u64 new_esid, u64 new_vsid);
// A page with this key was met in hash translation: from now on its AMR bits select generations.
void mmu_key_met(struct cpu *cpu, u64 ea, unsigned key);

// True when the data address watchpoint may match somewhere in the page of ea.
bool mmu_dawr_page(const struct cpu *cpu, u64 ea);

#endif
