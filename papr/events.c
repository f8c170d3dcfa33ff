// SPDX-License-Identifier: Apache-2.0
// Logs are built when the event happens and wait in a short queue. LoPAR "Error Log Format, version 6".
#include "papr/events.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "papr/irq.h"

#define QUEUE_LEN 64u // beyond it the oldest event is dropped: the OS has stopped listening
#define LOG_SIZE  256u

struct event {
    u32 class;
    u32 size;
    u8 log[LOG_SIZE];
};

struct event_log {
    pthread_mutex_t lock;
    struct event queue[QUEUE_LEN];
    unsigned len;
    u32 next_id;
};

// LoPAR "RTAS Event Return Format": the fixed part.
#define LOG_VERSION           6u
#define SEVERITY_EVENT        1u
#define DISPOSITION_RECOVERED 0u
#define INITIATOR_HOTPLUG     6u
#define TYPE_EPOW             0x40u
#define TYPE_HOTPLUG          0xe5u
#define FIXED_SIZE            8u
#define EXTENDED_HEADER_SIZE  16u

struct log {
    u8 *data;
    u32 size;
};

static u8 *section(struct log *log, const char *id, u32 size)
{
    u8 *at = log->data + log->size;
    memset(at, 0, size);
    memcpy(at, id, 2);
    store_be16(at + 2, (u16)size);
    at[4] = 1; // section version
    log->size += size;
    return at;
}

static void log_begin(struct log *log, u8 type, u8 initiator, u32 id)
{
    memset(log->data, 0, FIXED_SIZE + EXTENDED_HEADER_SIZE);
    log->data[0] = LOG_VERSION;
    log->data[1] = SEVERITY_EVENT << 5 | DISPOSITION_RECOVERED << 3 | 1 << 2; // with an extended log
    log->data[2] = (u8)(initiator << 4);
    log->data[3] = type;
    u8 *extended = log->data + FIXED_SIZE;
    extended[0] = 0x80;        // valid
    extended[2] = 0x80 | 0x0e; // big-endian, platform event log
    memcpy(extended + 12, "IBM", 4);
    log->size = FIXED_SIZE + EXTENDED_HEADER_SIZE;

    u8 *ph = section(log, "PH", 48); // private header
    ph[24] = 'H';                    // creator: hypervisor
    ph[27] = 1;                      // sections: counted at the end
    store_be32(ph + 40, id);
    store_be32(ph + 44, id);
    u8 *uh = section(log, "UH", 24); // user header
    uh[8] = 0x60;                    // subsystem: software
    uh[10] = 0;                      // informational
    log->data[FIXED_SIZE + EXTENDED_HEADER_SIZE + 27] = 2;
}

static void log_end(struct log *log)
{
    log->data[FIXED_SIZE + EXTENDED_HEADER_SIZE + 27]++;
    store_be32(log->data + 4, log->size - FIXED_SIZE);
}

static void queue_event(struct partition *lp, u32 class, u32 source,
                        void (*build)(struct log *log, u32 id, const void *arg), const void *arg)
{
    struct event_log *events = lp->events;
    pthread_mutex_lock(&events->lock);
    if (events->len == QUEUE_LEN)
        memmove(&events->queue[0], &events->queue[1], --events->len * sizeof(events->queue[0]));
    struct event *event = &events->queue[events->len++];
    struct log log = {.data = event->log};
    event->class = class;
    build(&log, ++events->next_id, arg);
    event->size = log.size;
    pthread_mutex_unlock(&events->lock);
    irq_pulse(lp, source);
}

u32 events_take(struct partition *lp, u32 mask, u8 *log, u32 size)
{
    struct event_log *events = lp->events;
    u32 found = 0;
    pthread_mutex_lock(&events->lock);
    for (unsigned i = 0; i < events->len; i++) {
        const struct event *event = &events->queue[i];
        if (!(event->class & mask))
            continue;
        found = event->size;
        memcpy(log, event->log, MIN(found, size));
        events->len--;
        memmove(&events->queue[i], &events->queue[i + 1], (events->len - i) * sizeof(*event));
        break;
    }
    pthread_mutex_unlock(&events->lock);
    return found;
}

#define EPOW_SYSTEM_SHUTDOWN 3u
#define EPOW_SHUTDOWN_NORMAL 1u

static void build_shutdown(struct log *log, u32 id, const void *arg)
{
    log_begin(log, TYPE_EPOW, 0, id);
    u8 *ep = section(log, "EP", 20);
    ep[8] = EPOW_SYSTEM_SHUTDOWN;
    ep[9] = EPOW_SHUTDOWN_NORMAL << 4 | EPOW_SHUTDOWN_NORMAL;
    ep[10] = 1; // the whole system, not one partition's resource
    log_end(log);
}

void events_shutdown(struct partition *lp)
{
    queue_event(lp, EVENT_EPOW, IRQ_EPOW, build_shutdown, NULL);
}

struct hotplug {
    enum event_resource resource;
    enum event_hotplug action;
    enum event_by by;
    u32 count, drc_index;
};

// LoPAR "Machine Check Interrupt, Platform Event Log": uncorrectable error.
#define SEVERITY_ERROR_SYNC       3u
#define DISPOSITION_NOT_RECOVERED 2u
#define INITIATOR_MEMORY          4u
#define TYPE_ECC_UNCORRECTED      0x09u
#define UE_ADDRESS_VALID          0x40u
#define UE_FETCH                  1u
#define UE_LOAD_STORE             3u

u32 events_machine_check(struct partition *lp, u8 data[EVENT_MACHINE_CHECK_MAX], u32 server, bool fetch, u64 ea)
{
    struct event_log *events = lp->events;
    struct log log = {.data = data};
    pthread_mutex_lock(&events->lock);
    u32 id = ++events->next_id;
    pthread_mutex_unlock(&events->lock);
    log_begin(&log, TYPE_ECC_UNCORRECTED, INITIATOR_MEMORY, id);
    data[1] = SEVERITY_ERROR_SYNC << 5 | DISPOSITION_NOT_RECOVERED << 3 | 1 << 2;
    u8 *mc = section(&log, "MC", 40);
    store_be32(mc + 12, server); // 8: FRU, which nothing names; error type 0: uncorrectable error
    mc[17] = UE_ADDRESS_VALID | (fetch ? UE_FETCH : UE_LOAD_STORE);
    store_be64(mc + 24, ea);
    log_end(&log);
    return log.size;
}

static void build_hotplug(struct log *log, u32 id, const void *arg)
{
    const struct hotplug *h = arg;
    log_begin(log, TYPE_HOTPLUG, INITIATOR_HOTPLUG, id);
    u8 *hp = section(log, "HP", h->by == HOTPLUG_BY_INDEXED_COUNT ? 20 : 16);
    hp[8] = (u8)h->resource;
    hp[9] = (u8)h->action;
    hp[10] = (u8)h->by;
    store_be32(hp + 12, h->by == HOTPLUG_BY_INDEX ? h->drc_index : h->count);
    if (h->by == HOTPLUG_BY_INDEXED_COUNT)
        store_be32(hp + 16, h->drc_index);
    log_end(log);
}

void events_hotplug(struct partition *lp, enum event_resource resource, enum event_hotplug action, enum event_by by,
                    u32 count, u32 drc_index)
{
    struct hotplug h = {resource, action, by, count, drc_index};
    queue_event(lp, EVENT_HOT_PLUG, IRQ_HOTPLUG, build_hotplug, &h);
}

bool events_remind(struct partition *lp, u32 class)
{
    struct event_log *events = lp->events;
    bool found = false;
    pthread_mutex_lock(&events->lock);
    for (unsigned i = 0; i < events->len; i++)
        found |= (events->queue[i].class & class) != 0;
    pthread_mutex_unlock(&events->lock);
    if (found)
        irq_pulse(lp, class == EVENT_EPOW ? IRQ_EPOW : IRQ_HOTPLUG);
    return found;
}

int events_init(struct partition *lp)
{
    lp->events = calloc(1, sizeof(*lp->events));
    if (!lp->events)
        return -ENOMEM;
    pthread_mutex_init(&lp->events->lock, NULL);
    return 0;
}

void events_fini(struct partition *lp)
{
    if (!lp->events)
        return;
    pthread_mutex_destroy(&lp->events->lock);
    free(lp->events);
    lp->events = NULL;
}
