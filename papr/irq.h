// SPDX-License-Identifier: Apache-2.0
// Interrupt sources of a partition, whichever presentation the OS uses. LoPAR "Interrupt Controllers".
//
// One number space, the XICS one: a source is raised by its number and goes to the controller that was negotiated.
#ifndef PAPR_IRQ_H
#define PAPR_IRQ_H

#include "papr/partition.h"

#define IRQ_BASE            0x1000u // first source number
#define IRQ_COUNT           0x1000u
#define IRQ_IPI             2u // XICS: the interprocessor interrupt's number
#define IRQ_VTY             (IRQ_BASE + 0x000)
#define IRQ_EPOW            (IRQ_BASE + 0x001)
#define IRQ_HOTPLUG         (IRQ_BASE + 0x002)
#define IRQ_INTERNAL_ERRORS (IRQ_BASE + 0x003)
#define IRQ_VDEV_FIRST      (IRQ_BASE + 0x010)
#define IRQ_XIVE_IPI_FIRST  0x0u // XIVE: numbers that the OS takes for its IPIs (ibm,xive-lisn-ranges)

// Edge: one interrupt. Level: `level` 1 asserts, 0 releases. Any thread.
void irq_pulse(struct partition *lp, u32 source);
void irq_set_level(struct partition *lp, u32 source, bool level);
// Whether the OS has enabled the source. Any thread.
bool irq_listened(struct partition *lp, u32 source);

#endif
