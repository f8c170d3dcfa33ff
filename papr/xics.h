// SPDX-License-Identifier: Apache-2.0
// XICS: interrupt presentation by hypervisor calls. LoPAR "PowerPC External Interrupt Architecture".
#ifndef PAPR_XICS_H
#define PAPR_XICS_H

#include "papr/partition.h"

int xics_init(struct partition *lp);
void xics_fini(struct partition *lp);
// No thread runs, or the caller holds the group exclusively.
void xics_reset(struct partition *lp);
// A thread that came later, next in order. In an exclusive section.
void xics_add_cpu(struct partition *lp, struct cpu *cpu);

// A source's event (edge), and the level of a level-sensitive one. Any thread.
void xics_pulse(struct partition *lp, u32 source);
void xics_set_level(struct partition *lp, u32 source, bool level);
// Whether the OS takes the source's interrupts. Any thread.
bool xics_enabled(struct partition *lp, u32 source);

// RTAS ibm,set-xive, ibm,get-xive, ibm,int-on, ibm,int-off. enum rtas_status; any thread.
int xics_set_xive(struct partition *lp, u32 source, u32 server, u32 priority);
int xics_get_xive(struct partition *lp, u32 source, u32 *server, u32 *priority);
int xics_int_on(struct partition *lp, u32 source);
int xics_int_off(struct partition *lp, u32 source);

// Whether an interrupt is presented to the thread, and its line brought in step with that. Any thread.
bool xics_pending(struct cpu *cpu);
void xics_sync_line(struct cpu *cpu);

#endif
