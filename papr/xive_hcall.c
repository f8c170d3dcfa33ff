// SPDX-License-Identifier: Apache-2.0
//
// H_INT_*: how an OS in XIVE exploitation mode configures sources and event queues. LoPAR "XIVE Exploitation Mode".
#include "papr/xive_int.h"

// H_INT_GET_SOURCE_INFO: what the source can do
#define SOURCE_LEVEL     PPC_BIT(61)
#define SOURCE_STORE_EOI PPC_BIT(63)
// H_INT_SET_SOURCE_CONFIG
#define SET_EVENT_NUMBER PPC_BIT(62)
#define SET_MASKED       PPC_BIT(63)
// H_INT_GET_QUEUE_CONFIG, H_INT_SET_QUEUE_CONFIG
#define QUEUE_DEBUG         PPC_BIT(62)
#define QUEUE_ALWAYS_NOTIFY PPC_BIT(63)
// H_INT_ESB
#define ESB_FLAG_STORE PPC_BIT(63)

#define ESB_SHIFT      16

static struct xive *engine(struct cpu *cpu)
{
    return cpu_partition(cpu)->xive_mode ? cpu_partition(cpu)->xive : NULL;
}

static bool priority_valid(u64 priority)
{
    return priority < XIVE_RESERVED_PRIORITY;
}

// flags, source -> characteristics, management page, trigger page, log2 of the pages' size
long h_int_get_source_info(struct cpu *cpu, u64 *args)
{
    struct xive *xive = engine(cpu);
    if (!xive)
        return H_FUNCTION;
    u64 number = args[1];
    if (args[0])
        return H_PARAMETER;
    struct xive_source *s = xive_find(xive, number);
    if (!s)
        return H_P2;
    u64 trigger = XIVE_ESB_BASE + number * 2 * XIVE_PAGE_SIZE;
    bool level = atomic_load(&s->level_type);
    args[0] = SOURCE_STORE_EOI | (level ? SOURCE_LEVEL : 0);
    args[1] = trigger + XIVE_PAGE_SIZE;
    args[2] = level ? ~0ull : trigger;
    args[3] = ESB_SHIFT;
    return H_SUCCESS;
}

// flags, source, server, priority (0xff: masked), event number
long h_int_set_source_config(struct cpu *cpu, u64 *args)
{
    struct xive *xive = engine(cpu);
    if (!xive)
        return H_FUNCTION;
    u64 flags = args[0], server = args[2], priority = args[3];
    if (flags & ~(SET_EVENT_NUMBER | SET_MASKED))
        return H_PARAMETER;
    struct xive_source *s = xive_find(xive, args[1]);
    if (!s)
        return H_P2;
    u64 old = atomic_load(&s->eas);
    u64 event = flags & SET_EVENT_NUMBER ? args[4] & 0x7fffffff : old & 0xffffffff;
    u64 eas = EAS_VALID | event;
    if (priority == XIVE_PRIORITY_MASKED) {
        eas = (old & ~0xffffffffull) | EAS_MASKED | event;
    } else {
        if (server >= xive->threads_len)
            return H_P3;
        if (!priority_valid(priority))
            return H_P4;
        eas |= priority << EAS_PRIORITY_SHIFT | server << EAS_SERVER_SHIFT;
        eas |= flags & SET_MASKED ? EAS_MASKED : 0;
    }
    atomic_store(&s->eas, eas);
    return H_SUCCESS;
}

// flags, source -> server, priority, event number
long h_int_get_source_config(struct cpu *cpu, u64 *args)
{
    struct xive *xive = engine(cpu);
    if (!xive)
        return H_FUNCTION;
    if (args[0])
        return H_PARAMETER;
    struct xive_source *s = xive_find(xive, args[1]);
    if (!s)
        return H_P2;
    u64 eas = atomic_load(&s->eas);
    args[0] = (eas >> EAS_SERVER_SHIFT) & 0xffff;
    args[1] = eas & EAS_MASKED ? XIVE_PRIORITY_MASKED : (eas >> EAS_PRIORITY_SHIFT) & 7;
    args[2] = eas & 0x7fffffff;
    return H_SUCCESS;
}

// flags, server, priority -> notification page, log2 of its size
long h_int_get_queue_info(struct cpu *cpu, u64 *args)
{
    struct xive *xive = engine(cpu);
    if (!xive)
        return H_FUNCTION;
    if (args[0])
        return H_PARAMETER;
    if (args[1] >= xive->threads_len)
        return H_P2;
    if (!priority_valid(args[2]))
        return H_P3;
    args[0] = XIVE_ESN_BASE + (args[1] * XIVE_PRIORITIES + args[2]) * 2 * XIVE_PAGE_SIZE;
    args[1] = ESB_SHIFT;
    return H_SUCCESS;
}

static bool queue_size_valid(u64 shift)
{
    static const u8 sizes[] = XIVE_EQ_SIZES;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        if (sizes[i] == shift)
            return true;
    }
    return false;
}

// flags, server, priority, address, log2 of the size (0: no queue)
long h_int_set_queue_config(struct cpu *cpu, u64 *args)
{
    struct xive *xive = engine(cpu);
    if (!xive)
        return H_FUNCTION;
    u64 flags = args[0], server = args[1], priority = args[2], addr = args[3], shift = args[4];
    if (flags & ~QUEUE_ALWAYS_NOTIFY)
        return H_PARAMETER;
    if (server >= xive->threads_len)
        return H_P2;
    if (!priority_valid(priority))
        return H_P3;
    if (shift && !queue_size_valid(shift))
        return H_P5;
    if (shift && ((addr & ((1ull << shift) - 1)) || !guest_mem_contains(&cpu_partition(cpu)->mem, addr, 1ull << shift)))
        return H_P4;
    struct xive_queue *queue = &xive->threads[server].queues[priority];
    spin_lock(&queue->lock);
    queue->enabled = shift != 0;
    queue->always_notify = flags & QUEUE_ALWAYS_NOTIFY;
    queue->addr = shift ? addr : 0;
    queue->shift = shift;
    queue->index = 0;
    queue->generation = 1;
    atomic_store(&queue->esn, PQ_RESET);
    spin_unlock(&queue->lock);
    return H_SUCCESS;
}

// flags, server, priority -> flags, address, log2 of the size, generation and index (with QUEUE_DEBUG)
long h_int_get_queue_config(struct cpu *cpu, u64 *args)
{
    struct xive *xive = engine(cpu);
    if (!xive)
        return H_FUNCTION;
    u64 flags = args[0], server = args[1], priority = args[2];
    if (flags & ~QUEUE_DEBUG)
        return H_PARAMETER;
    if (server >= xive->threads_len)
        return H_P2;
    if (!priority_valid(priority))
        return H_P3;
    struct xive_queue *queue = &xive->threads[server].queues[priority];
    spin_lock(&queue->lock);
    args[0] = queue->always_notify ? QUEUE_ALWAYS_NOTIFY : 0;
    args[1] = queue->addr;
    args[2] = queue->shift;
    args[3] = flags & QUEUE_DEBUG ? (u64)queue->generation << 62 | queue->index : 0;
    spin_unlock(&queue->lock);
    return H_SUCCESS;
}

// Reporting lines are where the engine saves a thread's context when it is pulled. Threads of ours keep theirs, so that what is left
// is to remember the address.
long h_int_set_os_reporting_line(struct cpu *cpu, u64 *args)
{
    struct xive *xive = engine(cpu);
    if (!xive)
        return H_FUNCTION;
    if (args[0])
        return H_PARAMETER;
    if (args[1] >= xive->threads_len)
        return H_P2;
    if (args[2] != ~0ull && ((args[2] & 0x7f) || !guest_mem_contains(&cpu_partition(cpu)->mem, args[2], 128)))
        return H_P3;
    struct xive_thread *thread = &xive->threads[args[1]];
    spin_lock(&thread->lock);
    thread->reporting_line = args[2] == ~0ull ? 0 : args[2] + 1;
    spin_unlock(&thread->lock);
    return H_SUCCESS;
}

// flags, server, (unused) -> address
long h_int_get_os_reporting_line(struct cpu *cpu, u64 *args)
{
    struct xive *xive = engine(cpu);
    if (!xive)
        return H_FUNCTION;
    if (args[0])
        return H_PARAMETER;
    if (args[1] >= xive->threads_len)
        return H_P2;
    struct xive_thread *thread = &xive->threads[args[1]];
    spin_lock(&thread->lock);
    args[0] = thread->reporting_line - 1; // all ones: none
    spin_unlock(&thread->lock);
    return H_SUCCESS;
}

// flags, source, offset in the management page, data -> what a load returned, all ones for a store
long h_int_esb(struct cpu *cpu, u64 *args)
{
    struct xive *xive = engine(cpu);
    if (!xive)
        return H_FUNCTION;
    if (args[0] & ~ESB_FLAG_STORE)
        return H_PARAMETER;
    if (!xive_find(xive, args[1]))
        return H_P2;
    if (args[2] > 0xff8)
        return H_P3;
    u64 offset = XIVE_PAGE_SIZE + args[2];
    u32 number = (u32)args[1];
    if (args[0] & ESB_FLAG_STORE) {
        xive_esb_store(cpu_partition(cpu), number, offset);
        args[0] = ~0ull;
    } else {
        args[0] = xive_esb_load(cpu_partition(cpu), number, offset);
    }
    return H_SUCCESS;
}

// Events are in their queues when the store that caused them is done: nothing to wait for.
long h_int_sync(struct cpu *cpu, u64 *args)
{
    struct xive *xive = engine(cpu);
    if (!xive)
        return H_FUNCTION;
    if (args[0])
        return H_PARAMETER;
    return xive_find(xive, args[1]) ? H_SUCCESS : H_P2;
}

long h_int_reset(struct cpu *cpu, u64 *args)
{
    struct partition *lp = cpu_partition(cpu);
    if (!engine(cpu))
        return H_FUNCTION;
    if (args[0])
        return H_PARAMETER;
    group_exclusive_begin(&lp->group, cpu);
    xive_reset(lp);
    group_exclusive_end(&lp->group, cpu);
    return H_SUCCESS;
}
