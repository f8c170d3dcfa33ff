// SPDX-License-Identifier: Apache-2.0
// The hashed page table: owned by the hypervisor, changed by hypervisor calls only. LoPAR "Page Frame Table Access".
#ifndef PAPR_HPT_H
#define PAPR_HPT_H

#include "papr/partition.h"

#define HPT_SHIFT_MIN 18u
#define HPT_SHIFT_MAX 46u

// ISA III "Page Table Entry", the layout of ISA 2.07 that the hypervisor calls use at every level.
#define HPTE_V_B      PPC_BITMASK(0, 1) // segment size: 0 256 MiB, 1 1 TiB
#define HPTE_V_B_1T   PPC_BIT(1)
#define HPTE_V_AVA    PPC_BITMASK(2, 56)
#define HPTE_V_BOLTED PPC_BIT(59) // Linux's software bit; what H_RESIZE_HPT_COMMIT must keep
#define HPTE_V_L      PPC_BIT(61)
#define HPTE_V_H      PPC_BIT(62)
#define HPTE_V_V      PPC_BIT(63)
#define HPTE_R_PP0    PPC_BIT(0)
#define HPTE_R_KEY_HI PPC_BITMASK(2, 3)
#define HPTE_R_RPN    PPC_BITMASK(4, 51)
#define HPTE_R_LP     PPC_BITMASK(44, 51)
#define HPTE_R_KEY_LO PPC_BITMASK(52, 54)
#define HPTE_R_R      PPC_BIT(55)
#define HPTE_R_C      PPC_BIT(56)
#define HPTE_R_WIMG   PPC_BITMASK(57, 60)
#define HPTE_R_W      PPC_BIT(57)
#define HPTE_R_I      PPC_BIT(58)
#define HPTE_R_M      PPC_BIT(59)
#define HPTE_R_G      PPC_BIT(60)
#define HPTE_R_N      PPC_BIT(61)
#define HPTE_R_PP     PPC_BITMASK(62, 63)

// Page sizes of an entry from its V[L] and R[LP]: the segment's base page and the page itself. False: a reserved encoding.
bool hpte_page_shift(u64 v, u64 r, unsigned *base_shift, unsigned *page_shift);

// The size of table that suits the partition's memory: log2 bytes, at least 1/128 of the memory.
// The tree's ibm,pft-size = <0 shift>.
unsigned hpt_shift_for(u64 memory);

// Whether an entry translates to [gra, gra+size). A hardware thread, inside guest code, or nobody runs.
bool hpt_maps(const struct partition *lp, u64 gra, u64 size);

// An empty table of hpt_shift_for() bytes. 0 or a negative errno.
int hpt_init(struct partition *lp);
void hpt_fini(struct partition *lp);
// Empties it and gives it the default size again; hash, no process table. No thread runs.
void hpt_reset(struct partition *lp);

#endif
