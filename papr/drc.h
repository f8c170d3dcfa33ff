// SPDX-License-Identifier: Apache-2.0
// Dynamic reconfiguration connectors: the states of processors, memory blocks and virtual slots that an OS may give back or
// receive. LoPAR "Dynamic Reconfiguration Connectors (DRC)".
#ifndef PAPR_DRC_H
#define PAPR_DRC_H

#include "papr/partition.h"

struct rtas_call;

int drc_init(struct partition *lp);
void drc_fini(struct partition *lp);

// LoPAR "get-sensor-state" dr-entity-sense, "set-indicator" isolation-state, allocation-state, dr-indicator. RTAS status codes;
// *value only on success. Any thread.
int drc_entity_sense(struct partition *lp, u32 index, u32 *value);
int drc_set_isolation(struct partition *lp, u32 index, u32 state);
int drc_set_allocation(struct partition *lp, u32 index, u32 state);
int drc_set_indicator(struct partition *lp, u32 index, u32 state);

// LoPAR "ibm,configure-connector": one step with the work area at guest real address `area`.
int drc_configure(struct partition *lp, u64 area);

#endif
