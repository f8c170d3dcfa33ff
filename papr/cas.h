// SPDX-License-Identifier: Apache-2.0
// ibm,client-architecture-support: which processor level, translation and interrupt presentation the OS runs with.
// LoPAR "Client Architecture Support" and "Architecture Option Vectors".
#ifndef PAPR_CAS_H
#define PAPR_CAS_H

#include "papr/partition.h"

// Option vector 5: byte indices and bits, as LoPAR counts them.
enum {
    OV5_PARTITION = 2, // LPAR, SPLPAR, dynamic reconfiguration memory, large pages ...
    OV5_AFFINITY = 5,
    OV5_OPTIONS = 6,
    OV5_DRMEM = 22,
    OV5_INTERRUPTS = 23,
    OV5_MMU = 24,
    OV5_HASH = 25,
    OV5_RADIX = 26,
    OV5_SIZE = 27,
};
#define OV5_LPAR           0x80u
#define OV5_SPLPAR         0x40u
#define OV5_DRCONF_MEMORY  0x20u
#define OV5_LARGE_PAGES    0x10u
#define OV5_FORM1_AFFINITY 0x80u
#define OV5_HOTPLUG_EVENTS 0x04u
#define OV5_RESIZE_HPT     0x01u
#define OV5_DRMEM_V2       0x80u
#define OV5_XIVE_EXPLOIT   0x40u
#define OV5_XIVE_EITHER    0x80u
#define OV5_MMU_RADIX_ONLY 0x40u
#define OV5_MMU_EITHER     0x80u
#define OV5_GTSE           0x40u

// What holds when nothing is negotiated: hash and XICS where the partition allows hash, no options.
void cas_reset(struct partition *lp);

// Negotiates from the vectors at guest real address `addr`, sets compat_level, radix, xive_mode and vec5 of the partition and
// the level of each of its threads. 0, or a negative errno: the OS and the partition have no mode in common (nothing changed),
// or the vectors are not in memory. *why says so in words.
int cas_negotiate(struct partition *lp, u64 addr, const char **why);

// The logical processor version (`cpu-version`) of what is in force.
u32 cas_cpu_version(const struct partition *lp);

#endif
