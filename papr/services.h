// SPDX-License-Identifier: Apache-2.0
// What partition_init() builds a partition's services from, in order.
//
//   group_init(&lp->group, &lp->mem, &papr_cpu_hooks, lp), then per thread group_add_cpu() and papr_cpu_init();
//   services_init(lp) after the threads exist; services_reset(lp) at power on and reboot, after group and memory were reset.
#ifndef PAPR_SERVICES_H
#define PAPR_SERVICES_H

#include "papr/partition.h"

// Hypervisor calls, memory-mapped interrupt registers, dispatch accounting.
extern const struct cpu_hooks papr_cpu_hooks;

// The thread's part (cpu->papr). 0 or a negative errno.
int papr_cpu_init(struct partition *lp, struct cpu *cpu);
void papr_cpu_fini(struct cpu *cpu);

// Page table, XICS, XIVE, TCE windows, virtual I/O bus. 0 or a negative errno, with everything undone.
int services_init(struct partition *lp);
void services_fini(struct partition *lp);
// What services keep for a thread, of one that came later. In an exclusive section.
void services_add_cpu(struct partition *lp, struct cpu *cpu);
// No thread runs.
void services_reset(struct partition *lp);

#endif
