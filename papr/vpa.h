// SPDX-License-Identifier: Apache-2.0
// Virtual processor area, SLB shadow buffer, dispatch trace log. LoPAR "H_REGISTER_VPA".
#ifndef PAPR_VPA_H
#define PAPR_VPA_H

#include "papr/partition.h"

#define VPA_SIZE_MIN 640u

// Forgets all registrations of a thread. Its owner, or no thread runs.
void vpa_reset(struct papr_cpu *pc);

// cpu_hooks.dispatch and cpu_hooks.preempt: the hypervisor's dispatcher, and what the guest learns of it.
void vpa_dispatch(struct cpu *cpu, bool running);
bool vpa_preempt(struct cpu *cpu);
bool vpa_may_spin(struct cpu *cpu);

#endif
