// SPDX-License-Identifier: Apache-2.0
// XIVE exploitation mode: the interrupt virtualization engine as POWER9 partitions see it. LoPAR "XIVE Exploitation Mode".
#ifndef PAPR_XIVE_H
#define PAPR_XIVE_H

#include "papr/partition.h"

// Thread interrupt management area: four 64 KiB pages (physical, hypervisor, OS, user view), above any guest memory. The tree's
// interrupt controller node names it: reg = <user page, 64 KiB, OS page, 64 KiB>.
#define XIVE_PAGE_SIZE 0x10000ull
#define XIVE_TIMA_BASE 0x0006030203180000ull
#define XIVE_TIMA_OS   (XIVE_TIMA_BASE + 2 * XIVE_PAGE_SIZE)
#define XIVE_TIMA_USER (XIVE_TIMA_BASE + 3 * XIVE_PAGE_SIZE)
#define XIVE_TIMA_SIZE (4 * XIVE_PAGE_SIZE)

// Event state buffers of sources: two 64 KiB pages each, trigger then management.
#define XIVE_SOURCES  0x2000u // source numbers 0 .. XIVE_SOURCES-1: IPIs first, then IRQ_BASE ...
#define XIVE_ESB_BASE 0x0006010000000000ull
#define XIVE_ESB_SIZE (XIVE_SOURCES * 2 * XIVE_PAGE_SIZE)

// Event state buffers of event queues (notification), the same shape: server * 8 + priority.
#define XIVE_ESN_BASE 0x0006020000000000ull
#define XIVE_ESN_SIZE (PARTITION_THREADS_MAX * 8 * 2 * XIVE_PAGE_SIZE)

// What the tree's properties say.
#define XIVE_IPI_COUNT 0x1000u // ibm,xive-lisn-ranges = <0 XIVE_IPI_COUNT> is the most; the number of threads suffices
#define XIVE_EQ_SIZES  \
    {                  \
        12, 16, 21, 24 \
    }                             // ibm,xive-eq-sizes: log2 of the bytes of an event queue
#define XIVE_RESERVED_PRIORITY 7u // root's ibm,plat-res-int-priorities = <7 248>: priorities 7 .. 254 are ours

int xive_init(struct partition *lp);
void xive_fini(struct partition *lp);
// No thread runs, or the caller holds the group exclusively.
void xive_reset(struct partition *lp);
// A thread that came later, next in order. In an exclusive section.
void xive_add_cpu(struct partition *lp, struct cpu *cpu);

// A source's event (edge), and the level of a level-sensitive one. Any thread.
void xive_pulse(struct partition *lp, u32 source);
void xive_set_level(struct partition *lp, u32 source, bool level);
// Whether the OS takes the source's interrupts. Any thread.
bool xive_enabled(struct partition *lp, u32 source);

// Whether [gra, gra+size) lies in the pages above, and the access itself; false: no such register.
bool xive_contains(u64 gra, u64 size);
bool xive_mmio_read(struct cpu *cpu, u64 gra, unsigned size, u64 *value);
bool xive_mmio_write(struct cpu *cpu, u64 gra, unsigned size, u64 value);

// Whether an interrupt is signalled to the thread, and its line brought in step with that. Any thread.
bool xive_pending(struct cpu *cpu);
void xive_sync_line(struct cpu *cpu);

#endif
