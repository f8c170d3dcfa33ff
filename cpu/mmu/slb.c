// SPDX-License-Identifier: Apache-2.0
#include "cpu/mmu/slb.h"

#include "cpu/mmu/mmu_int.h"
#include "isa/isa.h"

int slb_find(const struct cpu *cpu, u64 ea)
{
    for (int i = 0; i < SLB_ENTRIES; i++) {
        u64 esid = cpu->slb[i].esid;
        if ((esid & SLB_ESID_V) && ((esid ^ ea) >> slb_segment_shift(cpu->slb[i].vsid)) == 0)
            return i;
    }
    return -1;
}

static void entry_set(struct cpu *cpu, unsigned i, u64 esid, u64 vsid)
{
    u64 old_esid = cpu->slb[i].esid, old_vsid = cpu->slb[i].vsid;
    cpu->slb[i].esid = esid;
    cpu->slb[i].vsid = vsid;
    mmu_slb_changed(cpu, old_esid & SLB_ESID_V ? old_esid : 0, old_vsid, esid & SLB_ESID_V ? esid : 0, vsid);
}

void slb_write(struct cpu *cpu, u64 rb, u64 rs)
{
    u64 index = rb & SLB_INDEX;
    if (index < SLB_ENTRIES)
        entry_set(cpu, (unsigned)index, rb & (SLB_ESID | SLB_ESID_V), rs);
}

void slb_invalidate(struct cpu *cpu, u64 rb)
{
    for (unsigned i = 0; i < SLB_ENTRIES; i++) {
        u64 esid = cpu->slb[i].esid;
        if ((esid & SLB_ESID_V) && ((esid ^ rb) >> slb_segment_shift(cpu->slb[i].vsid)) == 0)
            entry_set(cpu, i, esid & ~SLB_ESID_V, cpu->slb[i].vsid);
    }
}

// ISA 3.0B III "SLB Invalidate All": IH 3 takes only entries with C = 1, 4 entry 0 too, 7 none; earlier processors keep entry 0.
void slb_invalidate_all(struct cpu *cpu, unsigned ih)
{
    if (cpu->isa_level < LEVEL_V30)
        ih = 0;
    if (ih == 7)
        return;
    for (unsigned i = ih == 3 || ih == 4 ? 0 : 1; i < SLB_ENTRIES; i++) {
        if (!(cpu->slb[i].esid & SLB_ESID_V) || (ih == 3 && !(cpu->slb[i].vsid & SLB_C)))
            continue;
        entry_set(cpu, i, cpu->slb[i].esid & ~SLB_ESID_V, cpu->slb[i].vsid);
    }
}

void slb_clear(struct cpu *cpu)
{
    for (unsigned i = 0; i < SLB_ENTRIES; i++)
        entry_set(cpu, i, 0, 0);
}
