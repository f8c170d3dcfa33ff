// SPDX-License-Identifier: Apache-2.0
//
// Segments and the hashed page table. ISA 2.07 III "Virtual Address Translation": entries have the layout of that level (B in the
// first doubleword), in host byte order; the hypervisor services convert for the guest.
//
// Others change the table meanwhile (papr/hpt_int.h has their side). An entry is read V, R, V again. Reference and change bits are set by
// compare-and-swap against the R that was read, and V is looked at once more after that; else the search starts again.
// Who takes an entry away or changes it drops the translations made from it only when R[R] is set: either this
// thread's compare-and-swap came first and is seen, or it fails.
#include <stdatomic.h>

#include "cpu/mem.h"
#include "cpu/mmu/mmu_int.h"
#include "cpu/mmu/slb.h"

// First doubleword
#define HPTE_B    PPC_BITMASK(0, 1)
#define HPTE_AVPN PPC_BITMASK(2, 56)
#define HPTE_L    PPC_BIT(61)
#define HPTE_H    PPC_BIT(62)
#define HPTE_V    PPC_BIT(63)
// Second doubleword
#define HPTE_PP0      PPC_BIT(0)
#define HPTE_KEY_HIGH PPC_BITMASK(2, 3)
#define HPTE_RPN      PPC_BITMASK(4, 51)
#define HPTE_KEY_LOW  PPC_BITMASK(52, 54)
#define HPTE_R        PPC_BIT(55)
#define HPTE_C        PPC_BIT(56)
#define HPTE_I        PPC_BIT(58)
#define HPTE_G        PPC_BIT(60)
#define HPTE_N        PPC_BIT(61)
#define HPTE_PP       3ull

#define VSID_MASK     PPC_BITMASK(2, 51)

struct page_size {
    u8 shift;
    u16 code; // LP field and the bits above it, from the lowest bit of the real page number
};

// Base page sizes by SLB[L||LP], with the actual page sizes that a segment of them may mix.
struct base_size {
    u64 slb;
    u8 shift;
    struct page_size actual[3];
};

static const struct base_size base_sizes[] = {
    {0, 12, {{12, 0}, {16, 7}, {24, 0x38}}},
    {SLB_L | PPC_BIT(59), 16, {{16, 1}, {24, 8}}},
    {SLB_L, 24, {{24, 0}}},
    {SLB_L | PPC_BIT(58), 34, {{34, 3}}},
};

static const struct base_size *base_size_of(u64 vsid)
{
    for (unsigned i = 0; i < ARRAY_LEN(base_sizes); i++) {
        if ((vsid & (SLB_L | SLB_LP)) == base_sizes[i].slb)
            return &base_sizes[i];
    }
    return NULL;
}

// log2 of the page's size, 0 when the encoding is not one of this segment's.
static unsigned actual_shift(const struct base_size *base, u64 v, u64 r)
{
    if (!(v & HPTE_L))
        return base->shift == 12 ? 12 : 0;
    for (unsigned i = 0; i < ARRAY_LEN(base->actual); i++) {
        const struct page_size *a = &base->actual[i];
        if (a->shift <= 12)
            continue;
        u64 mask = ((1ull << a->shift) - 1) & HPTE_RPN;
        if ((r & mask) == (u64)a->code << 12)
            return a->shift;
    }
    return 0;
}

struct segment {
    u64 vsid;   // as in the SLB
    u64 id;     // the virtual segment number
    u64 offset; // of the address in the segment
    unsigned shift;
    bool problem; // the access's privilege, for the key
};

// An entry as it was at one moment.
struct found {
    u64 *e; // NULL: none
    u64 v, r;
    unsigned shift;
};

static bool find_in_group(const struct hpt *hpt, u64 group, u64 want, const struct base_size *base, struct found *found)
{
    u64 *e = &hpt->vr[group * 16];
    for (unsigned i = 0; i < 8; i++, e += 2) {
        u64 v = __atomic_load_n(&e[0], __ATOMIC_ACQUIRE);
        if ((v & (HPTE_V | HPTE_H | HPTE_B)) != (want & (HPTE_V | HPTE_H | HPTE_B)))
            continue;
        u64 r = __atomic_load_n(&e[1], __ATOMIC_ACQUIRE);
        unsigned shift = actual_shift(base, v, r);
        if (!shift || (((v & HPTE_L) == 0) != (shift == 12)))
            continue;
        // Pages above 8 MiB have no meaningful low bits in the abbreviated virtual page number.
        u64 mask = HPTE_AVPN;
        if (shift > 23)
            mask &= ~(((1ull << (shift - 23)) - 1) << 7);
        if (((v ^ want) & mask) == 0 && __atomic_load_n(&e[0], __ATOMIC_RELAXED) == v) {
            *found = (struct found){e, v, r, shift};
            return true;
        }
    }
    return false;
}

static bool find_entry(const struct hpt *hpt, const struct segment *s, const struct base_size *base,
                       struct found *found)
{
    // ISA III "Hashed Page Table Search"
    u64 page = s->offset >> base->shift;
    u64 hash = s->shift == 40 ? s->id ^ (s->id << 25) ^ page : (s->id & PPC_BITMASK(25, 63)) ^ page;
    u64 groups_mask = (1ull << (hpt->shift - 7)) - 1;
    u64 avpn = s->id << (s->shift - 23) | s->offset >> 23;
    u64 want = (s->vsid & HPTE_B) | (avpn << 7 & HPTE_AVPN) | HPTE_V;
    return find_in_group(hpt, hash & groups_mask, want, base, found) ||
           find_in_group(hpt, ~hash & groups_mask, want | HPTE_H, base, found);
}

// Sets bits in the entry's R; false when the entry is no longer what was found.
static bool set_r(struct found *found, u64 set)
{
    u64 r = found->r | set;
    if (!__atomic_compare_exchange_n(&found->e[1], &found->r, r, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return false;
    found->r = r;
    return __atomic_load_n(&found->e[0], __ATOMIC_SEQ_CST) == found->v;
}

// ISA III "Basic Storage Protection": by PP and the segment's key.
static unsigned pp_allowed(u64 r, bool key)
{
    unsigned pp = (unsigned)((r & HPTE_PP0 ? 4 : 0) | (r & HPTE_PP));
    switch (pp) {
    case 0: return key ? 0 : PROT_READ_OK | PROT_WRITE_OK;
    case 1: return key ? PROT_READ_OK : PROT_READ_OK | PROT_WRITE_OK;
    case 2: return PROT_READ_OK | PROT_WRITE_OK;
    case 3: return PROT_READ_OK;
    case 6: return key ? 0 : PROT_READ_OK;
    default: return 0;
    }
}

// "Virtual Page Class Key Protection": what the key's bits in AMR and IAMR forbid.
static unsigned key_denied(const struct cpu *cpu, unsigned key)
{
    u64 write = PPC_BIT(0) >> (2 * key), read = PPC_BIT(1) >> (2 * key);
    return (cpu->amr & write ? PROT_WRITE_OK : 0) | (cpu->amr & read ? PROT_READ_OK : 0) |
           (cpu->iamr & read ? PROT_EXEC_OK : 0);
}

static enum mmu_fault storage(struct translation *tr, u64 cause)
{
    tr->cause = cause;
    return FAULT_STORAGE;
}

// What an entry allows, by its second doubleword.
struct rights {
    unsigned key, basic, denied;
    bool execute;
};

static struct rights rights_of(const struct cpu *cpu, const struct segment *s, u64 r, bool ignore_keys)
{
    unsigned key = (unsigned)((r & HPTE_KEY_HIGH) >> 57 | (r & HPTE_KEY_LOW) >> 9);
    return (struct rights){
        .key = key,
        .basic = pp_allowed(r, s->vsid & (s->problem ? SLB_KP : SLB_KS)),
        .denied = ignore_keys ? 0 : key_denied(cpu, key),
        .execute = !(r & (HPTE_N | HPTE_G)) && !(s->vsid & SLB_N),
    };
}

// Why the access is refused, 0 when it is not.
static u64 fault_cause(const struct rights *rights, enum mmu_access access)
{
    unsigned need = mmu_prot_needed(access);
    u64 cause = rights->denied & need ? DSISR_KEY : 0;
    if (access != ACCESS_FETCH)
        return cause | (rights->basic & need ? 0 : DSISR_PROTECTION);
    if (!rights->execute)
        cause |= DSISR_NOEXEC;
    return cause | (rights->basic & PROT_READ_OK ? 0 : DSISR_PROTECTION);
}

static void result(u64 ea, u64 va, u64 r, unsigned shift, const struct rights *rights, struct translation *tr)
{
    unsigned prot = rights->basic;
    if (rights->execute && (prot & PROT_READ_OK))
        prot |= PROT_EXEC_OK;
    prot &= ~rights->denied;
    if (!(r & HPTE_C))
        prot &= ~PROT_WRITE_OK;
    u64 page = (1ull << shift) - 1;
    tr->gra = (r & HPTE_RPN & ~page) | (ea & page);
    tr->va = va;
    tr->prot = (u8)prot;
}

static enum mmu_fault search(struct cpu *cpu, u64 ea, const struct segment *s, bool ignore_keys, enum mmu_access access,
                             bool probe, struct translation *tr)
{
    const struct hpt *hpt = cpu->group->hpt;
    const struct base_size *base = base_size_of(s->vsid);
    if (!hpt || !base || base->shift > s->shift)
        return storage(tr, DSISR_NOPTE);
    // A segment of no execution needs no table search.
    if (access == ACCESS_FETCH && (s->vsid & SLB_N))
        return storage(tr, DSISR_NOEXEC);
    struct mmu *mmu = cpu_mmu(cpu);
    u64 va = s->id << (s->shift - 12) | s->offset >> 12;
    u64 set = HPTE_R | (access == ACCESS_STORE ? HPTE_C : 0);
    u32 kind = base->shift | (u32)(s->shift == 40) << 8;
    const struct walk *known = walk_find(cpu, va, mmu->kernel_gen, kind);
    if (likely(known && (known->pte & set) == set)) {
        struct rights rights = rights_of(cpu, s, known->pte, ignore_keys);
        if (likely(!fault_cause(&rights, access))) {
            if (!ignore_keys && !probe)
                mmu_key_met(cpu, ea, rights.key);
            result(ea, va, known->pte, known->shift, &rights, tr);
            return FAULT_NONE;
        }
    }
    struct found found;
again:
    if (!find_entry(hpt, s, base, &found))
        return storage(tr, DSISR_NOPTE);
    struct rights rights = rights_of(cpu, s, found.r, ignore_keys);
    if (!ignore_keys && !probe)
        mmu_key_met(cpu, ea, rights.key);
    u64 cause = fault_cause(&rights, access);
    if (cause)
        return storage(tr, cause);
    if (!probe && (found.r & set) != set && !set_r(&found, set))
        goto again;
    if (!probe)
        walk_note(cpu, va, mmu->kernel_gen, kind, found.r, found.shift);
    result(ea, va, found.r, found.shift, &rights, tr);
    return FAULT_NONE;
}

static struct segment segment_of(u64 vsid, u64 ea, bool problem)
{
    unsigned shift = slb_segment_shift(vsid);
    return (struct segment){
        .vsid = vsid,
        .id = (vsid & VSID_MASK) >> (shift == 40 ? 24 : 12),
        .offset = ea & ((1ull << shift) - 1),
        .shift = shift,
        .problem = problem,
    };
}

enum mmu_fault mmu_hash_translate(struct cpu *cpu, u64 ea, enum mmu_access access, bool probe, struct translation *tr)
{
    int i = slb_find(cpu, ea);
    if (i < 0)
        return FAULT_SEGMENT;
    struct segment s = segment_of(cpu->slb[i].vsid, ea, cpu->msr & MSR_PR);
    return search(cpu, ea, &s, false, access, probe, tr);
}

// ISA III "Virtual Real Mode": one segment of 1 TB, storage key 0 without its protection.
enum mmu_fault mmu_vrma_translate(struct cpu *cpu, u64 ea, enum mmu_access access, bool probe, struct translation *tr)
{
    if (ea >> 40)
        return storage(tr, DSISR_NOPTE);
    u64 vsid = (cpu->group->vrma_vsid & ~(SLB_B | SLB_KS | SLB_KP | SLB_N)) | SLB_B_1T;
    struct segment s = segment_of(vsid, ea, false);
    return search(cpu, ea, &s, true, access, probe, tr);
}
