// SPDX-License-Identifier: Apache-2.0
// Event log: what check-exception and event-scan report. LoPAR "Error and Event Notification", RTAS error log version 6.
#ifndef PAPR_EVENTS_H
#define PAPR_EVENTS_H

#include "papr/partition.h"

#define EVENT_LOG_MAX 2048u // rtas-error-log-max

// Event classes as check-exception's mask counts them. LoPAR "Event Sources"
#define EVENT_INTERNAL_ERRORS  0x80000000u
#define EVENT_EPOW             0x40000000u
#define EVENT_POWER_MANAGEMENT 0x20000000u
#define EVENT_HOT_PLUG         0x10000000u
#define EVENT_IO               0x08000000u

int events_init(struct partition *lp);
void events_fini(struct partition *lp);

// Takes the oldest event of the classes in `mask` and copies up to `size` bytes of its log. The value is the log's whole size, 0
// when there is no event. Any thread.
u32 events_take(struct partition *lp, u32 mask, u8 *log, u32 size);

// A synchronous machine check that nobody recovered from, on thread `server`: an access (or fetch) at effective address `ea` to what is
// no memory. Builds the log in `log` and returns its size. Any thread.
#define EVENT_MACHINE_CHECK_MAX 256u
u32 events_machine_check(struct partition *lp, u8 log[EVENT_MACHINE_CHECK_MAX], u32 server, bool fetch, u64 ea);

// Asks the OS to shut down (EPOW, action system shutdown): queues the event and raises its source. Any thread.
void events_shutdown(struct partition *lp);

// Asks the OS to take connectors of a kind or to give them back: the one with an index, as many as `count`, or `count` from an index on. LoPAR
// "Hotplug Event Section".
enum event_hotplug { HOTPLUG_ADD = 1, HOTPLUG_REMOVE = 2 };
enum event_by { HOTPLUG_BY_INDEX = 2, HOTPLUG_BY_COUNT = 3, HOTPLUG_BY_INDEXED_COUNT = 4 };
enum event_resource { HOTPLUG_CPU = 1, HOTPLUG_MEMORY = 2, HOTPLUG_SLOT = 3, HOTPLUG_PHB = 4 };
void events_hotplug(struct partition *lp, enum event_resource resource, enum event_hotplug action, enum event_by by,
                    u32 count, u32 drc_index);

// Raises the source of a class (EPOW, hotplug) again when the OS has left an event of it in the queue. Whether it has.
bool events_remind(struct partition *lp, u32 class);

#endif
