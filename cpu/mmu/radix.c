// SPDX-License-Identifier: Apache-2.0
//
// Radix tree translation, process-scoped; the hypervisor's own level is the identity, bounded by the partition's memory.
// ISA 3.0B III "Radix Tree Translation". Tables are big-endian in guest memory, changed by other threads at any time: each
// entry is read once.
#include <stdatomic.h>

#include "cpu/mem.h"
#include "cpu/mmu/mmu_int.h"

#define PRTB_BASE PPC_BITMASK(4, 51)
#define PRTB_SIZE 0x1full

// Process table entry and page directory entry
#define PRTE_RTS_HIGH          PPC_BITMASK(1, 2)
#define PRTE_RTS_LOW           PPC_BITMASK(56, 58)
#define PRTE_ROOT              PPC_BITMASK(4, 55)
#define PRTE_ROOT_SIZE         0x1full

#define PTE_VALID              PPC_BIT(0)
#define PTE_LEAF               PPC_BIT(1)
#define PDE_NEXT               PPC_BITMASK(4, 55)
#define PDE_NEXT_SIZE          0x1full
#define PTE_RPN                PPC_BITMASK(7, 51)
#define PTE_R                  PPC_BIT(55)
#define PTE_C                  PPC_BIT(56)
#define PTE_ATT                PPC_BITMASK(58, 59)
#define PTE_ATT_NON_IDEMPOTENT PPC_BIT(58)
#define PTE_EAA_PRIV           PPC_BIT(60)
#define PTE_EAA_READ           PPC_BIT(61)
#define PTE_EAA_RW             PPC_BIT(62)
#define PTE_EAA_EXEC           PPC_BIT(63)

#define QUADRANT(ea)           ((ea) >> 62)
#define AMR_KEY0_WRITE         PPC_BIT(0)
#define AMR_KEY0_READ          PPC_BIT(1)
#define IAMR_KEY0_EXEC         PPC_BIT(1)

static bool table_read(const struct cpu *cpu, u64 gra, u64 *value)
{
    const u64 *p = guest_mem_at(cpu->group->mem, gra & ~7ull, 8);
    if (!p)
        return false;
    *value = __builtin_bswap64(__atomic_load_n(p, __ATOMIC_RELAXED));
    return true;
}

// What the entry allows in the current state, the access's own privilege included.
static unsigned allowed(const struct cpu *cpu, u64 pte)
{
    bool problem = cpu->msr & MSR_PR;
    if (problem && (pte & PTE_EAA_PRIV))
        return 0;
    unsigned prot = 0;
    if (pte & (PTE_EAA_READ | PTE_EAA_RW))
        prot |= PROT_READ_OK;
    if (pte & PTE_EAA_RW)
        prot |= PROT_WRITE_OK;
    if (pte & PTE_EAA_EXEC)
        prot |= PROT_EXEC_OK;
    if (pte & PTE_ATT_NON_IDEMPOTENT) // cache-inhibited storage is guarded: no instruction fetch
        prot &= ~PROT_EXEC_OK;
    if (!problem && !(pte & PTE_EAA_PRIV)) { // the supervisor's use of problem-state storage: key 0
        if (cpu->amr & AMR_KEY0_WRITE)
            prot &= ~PROT_WRITE_OK;
        if (cpu->amr & AMR_KEY0_READ)
            prot &= ~PROT_READ_OK;
        if (cpu->iamr & IAMR_KEY0_EXEC)
            prot &= ~PROT_EXEC_OK;
    }
    return prot;
}

// Sets reference and change bits; false when the entry changed meanwhile.
static bool update_rc(struct cpu *cpu, u64 gra, u64 *pte, u64 set)
{
    u64 *p = guest_mem_at(cpu->group->mem, gra, 8);
    u64 old = __builtin_bswap64(*pte), new = __builtin_bswap64(*pte | set);
    if (!__atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        return false;
    *pte |= set;
    if (atomic_load_explicit(&cpu->group->mem->flags[gra >> GUEST_PAGE_SHIFT], memory_order_relaxed) &
        (PAGE_CLEAN | PAGE_CODE))
        guest_mem_wrote(cpu->group->mem, gra, 8);
    return true;
}

static enum mmu_fault storage(struct translation *tr, u64 cause)
{
    tr->cause = cause;
    return FAULT_STORAGE;
}

// Follows the tree for `offset` (the address within its quadrant). *at: where the leaf lies; *shift: its page size.
static enum mmu_fault walk(struct cpu *cpu, u64 root, u64 offset, u64 *pte, u64 *at, unsigned *shift,
                           struct translation *tr)
{
    unsigned bits = (unsigned)(PPC_FIELD(root, 1, 2) << 3 | PPC_FIELD(root, 56, 58)) + 31;
    unsigned level = (unsigned)(root & PRTE_ROOT_SIZE);
    u64 table = root & PRTE_ROOT;
    if (bits > 62 || offset >> bits)
        return FAULT_SEGMENT;
    for (;;) {
        // A level of fewer than 32 entries, or one that reaches below a 4 KiB page, is no valid configuration.
        if (level < 5 || level > 16 || bits < level + 12)
            return storage(tr, DSISR_BAD_RADIX_CFG);
        bits -= level;
        u64 gra = (table & ~((8ull << level) - 1)) + ((offset >> bits) & ((1ull << level) - 1)) * 8;
        if (!table_read(cpu, gra, pte))
            return storage(tr, DSISR_BAD_RADIX_CFG);
        if (!(*pte & PTE_VALID))
            return storage(tr, DSISR_NOPTE);
        if (*pte & PTE_LEAF) {
            *at = gra;
            *shift = bits;
            return FAULT_NONE;
        }
        table = *pte & PDE_NEXT;
        level = (unsigned)(*pte & PDE_NEXT_SIZE);
    }
}

static enum mmu_fault root_of(const struct cpu *cpu, u64 pid, u64 *root, struct translation *tr)
{
    u64 prtb = cpu->group->prtb;
    if (pid * 16 >= 1ull << (12 + MIN(prtb & PRTB_SIZE, 24)))
        return storage(tr, DSISR_NOPTE);
    if (!table_read(cpu, (prtb & PRTB_BASE) + pid * 16, root))
        return storage(tr, DSISR_BAD_RADIX_CFG);
    return FAULT_NONE;
}

static void result(u64 ea, u64 pte, unsigned shift, unsigned prot, struct translation *tr)
{
    u64 page = (1ull << shift) - 1;
    if (!(pte & PTE_C))
        prot &= ~PROT_WRITE_OK;
    tr->gra = (pte & PTE_RPN & ~page) | (ea & page);
    tr->prot = (u8)prot;
}

enum mmu_fault mmu_radix_translate(struct cpu *cpu, u64 ea, enum mmu_access access, bool probe, struct translation *tr)
{
    u64 quadrant = QUADRANT(ea);
    if (quadrant == 1 || quadrant == 2) // the hypervisor's view of other partitions: none for HV = 0
        return FAULT_SEGMENT;
    const struct mmu *mmu = cpu_mmu(cpu);
    u64 gen = quadrant ? mmu->kernel_gen : mmu->now[MMU_USER]->gen;
    u64 offset = ea & ~PPC_BITMASK(0, 1);
    u64 want = PTE_R | (access == ACCESS_STORE ? PTE_C : 0);
    const struct walk *known = walk_find(cpu, offset >> GUEST_PAGE_SHIFT, gen, 0);
    if (likely(known && (known->pte & want) == want)) {
        unsigned prot = allowed(cpu, known->pte);
        if (likely(prot & mmu_prot_needed(access))) {
            result(ea, known->pte, known->shift, prot, tr);
            return FAULT_NONE;
        }
    }
    u64 root;
    enum mmu_fault fault = root_of(cpu, quadrant ? 0 : cpu->pidr & 0xffffffffull, &root, tr);
    if (fault)
        return fault;
    for (;;) {
        u64 pte, at;
        unsigned shift;
        fault = walk(cpu, root, offset, &pte, &at, &shift, tr);
        if (fault)
            return fault;
        unsigned prot = allowed(cpu, pte);
        if (!(prot & mmu_prot_needed(access)))
            return storage(tr, access == ACCESS_FETCH ? DSISR_NOEXEC : DSISR_PROTECTION);
        if (!probe && (pte & want) != want && !update_rc(cpu, at, &pte, want))
            continue;
        if (!probe)
            walk_note(cpu, offset >> GUEST_PAGE_SHIFT, gen, 0, pte, shift);
        result(ea, pte, shift, prot, tr);
        return FAULT_NONE;
    }
}
