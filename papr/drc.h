// SPDX-License-Identifier: Apache-2.0
// Dynamic reconfiguration connectors: the states of processors, memory blocks and virtual slots that an OS may give back or
// receive. LoPAR "Dynamic Reconfiguration Connectors (DRC)".
//
// There is a connector for each processor and block that the partition can ever have. The hypervisor asks for one thing at a time: it offers a
// connector, or wants one back, and queues a hotplug event. What the OS does then with the connector's indicators is its answer; an OS that fails
// says nothing, as a rule. Events are handled in order, so a question whose answer is always the same, but which makes the OS look at a
// connector (drc_probe), tells that everything before it is over.
#ifndef PAPR_DRC_H
#define PAPR_DRC_H

#include "papr/partition.h"

int drc_init(struct partition *lp);
void drc_fini(struct partition *lp);

// LoPAR "get-sensor-state" dr-entity-sense, "set-indicator" isolation-state, allocation-state, dr-indicator. RTAS status codes;
// *value only on success. The calling thread's own; it is inside guest code.
int drc_entity_sense(struct cpu *cpu, u32 index, u32 *value);
int drc_set_isolation(struct cpu *cpu, u32 index, u32 state);
int drc_set_allocation(struct cpu *cpu, u32 index, u32 state);
int drc_set_indicator(struct cpu *cpu, u32 index, u32 state);

// LoPAR "ibm,configure-connector": one step with the work area at guest real address `area`.
int drc_configure(struct partition *lp, u64 area);

// A virtual slot got its adapter before the OS runs, or lost it. No thread is inside guest code.
void drc_slot_attached(struct partition *lp, u32 slot, bool attached);

enum drc_kind { DRC_KIND_CPU, DRC_KIND_LMB, DRC_KIND_SLOT, DRC_KIND_PHB };

// How many of a kind the OS has. Any thread, as everything below.
u32 drc_owned(struct partition *lp, enum drc_kind kind);
// How many threads of a processor run.
u32 drc_threads(struct partition *lp, u32 index);
// Counts what the OS does with connectors, and whoever has one.
u32 drc_activity(struct partition *lp);
// Whether the OS takes hotplug events: it negotiated them and has enabled their interrupt.
bool drc_listens(struct partition *lp);

// Offers the lowest connector of the kind that the OS does not have and whose index is at least `from`, or asks for the highest one that it has
// and may give back below `below`. False: there is none.
bool drc_ask_add(struct partition *lp, enum drc_kind kind, u32 from, u32 *index);
bool drc_ask_remove(struct partition *lp, enum drc_kind kind, u32 below, u32 *index);

// Offers the adapter in a virtual slot (vio_plug()), which stays on offer, or wants it back; drc_answer() by DRC_VIO + slot. What Linux makes of the event is a line in
// its log of events: a program in the partition acts on that, or somebody does. False: it changes hands at this moment, or is the console.
bool drc_ask_slot(struct partition *lp, u32 slot, bool add);

enum drc_answer {
    DRC_WAITING, // nothing yet
    DRC_TAKEN,   // added: configured, but not in use as far as one can see (a processor that was not started)
    DRC_DONE,
    DRC_REFUSED, // it said so, or took it and gave it back
};
enum drc_answer drc_answer(struct partition *lp, u32 index);
// The question is withdrawn, with what was offered: an answer comes too late from now on. The answer until then.
enum drc_answer drc_withdraw(struct partition *lp, u32 index);

// Asks what tells that all that was asked before is over; whether it is.
void drc_probe(struct partition *lp);
bool drc_probed(struct partition *lp);

// What configure-connector and the rest share (papr/drc_node.c): a device tree with the connector's node, at *node.
void *drc_node_tree(struct partition *lp, u32 index, int *node);

#endif
