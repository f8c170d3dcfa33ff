// SPDX-License-Identifier: Apache-2.0
// Segment lookaside buffer. ISA III "Segment Lookaside Buffer".
#ifndef CPU_MMU_SLB_H
#define CPU_MMU_SLB_H

#include "cpu/cpu.h"

#define SLB_ENTRIES 32

// RB of slbmte: ESID, V, index.
#define SLB_ESID_V PPC_BIT(36)
#define SLB_ESID   PPC_BITMASK(0, 35)
#define SLB_INDEX  0xfffull
// RS of slbmte.
#define SLB_B    PPC_BITMASK(0, 1)
#define SLB_B_1T PPC_BIT(1)
#define SLB_KS   PPC_BIT(52)
#define SLB_KP   PPC_BIT(53)
#define SLB_N    PPC_BIT(54)
#define SLB_L    PPC_BIT(55)
#define SLB_C    PPC_BIT(56)
#define SLB_LP   PPC_BITMASK(58, 59)

static inline unsigned slb_segment_shift(u64 vsid)
{
    return vsid & SLB_B ? 40 : 28;
}

// Index of the entry that translates ea, or -1.
int slb_find(const struct cpu *cpu, u64 ea);

// slbmte, slbie, slbia. Undefined indexes are ignored.
void slb_write(struct cpu *cpu, u64 rb, u64 rs);
void slb_invalidate(struct cpu *cpu, u64 rb);
void slb_invalidate_all(struct cpu *cpu, unsigned ih);
// Every entry, for reset and migration.
void slb_clear(struct cpu *cpu);

#endif
