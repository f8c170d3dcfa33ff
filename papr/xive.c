// SPDX-License-Identifier: Apache-2.0
//
// XIVE: sources, event queues, presentation, and their pages. What the calls change is in papr/xive_hcall.c.
#include "papr/xive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "papr/irq.h"
#include "papr/xive_int.h"

int xive_init(struct partition *lp)
{
    struct xive *xive = calloc(1, sizeof(*xive));
    if (!xive)
        return -ENOMEM;
    xive->threads_len = lp->group.len;
    xive->threads = calloc(lp->config.vcpus_max * lp->config.threads, sizeof(*xive->threads));
    if (!xive->threads) {
        free(xive);
        return -ENOMEM;
    }
    lp->xive = xive;
    xive_reset(lp);
    return 0;
}

void xive_fini(struct partition *lp)
{
    if (!lp->xive)
        return;
    free(lp->xive->threads);
    free(lp->xive);
    lp->xive = NULL;
}

void xive_reset(struct partition *lp)
{
    struct xive *xive = lp->xive;
    for (u32 i = 0; i < XIVE_SOURCES; i++) {
        struct xive_source *s = &xive->sources[i];
        atomic_store(&s->pq, PQ_OFF);
        atomic_store(&s->asserted, false);
        atomic_store(&s->eas, EAS_VALID | EAS_MASKED);
    }
    for (u32 i = 0; i < xive->threads_len; i++) {
        xive->threads[i] = (struct xive_thread){.cpu = lp->group.cpus[i], .pipr = 0xff, .age = 0xff};
        if (lp->xive_mode)
            cpu_lower_line(lp->group.cpus[i], LINE_EXTERNAL);
    }
}

void xive_add_cpu(struct partition *lp, struct cpu *cpu)
{
    struct xive *xive = lp->xive;
    xive->threads[cpu->index] = (struct xive_thread){.cpu = cpu, .pipr = 0xff, .age = 0xff};
    xive->threads_len = cpu->index + 1;
}

bool xive_enabled(struct partition *lp, u32 number)
{
    struct xive_source *s = xive_find(lp->xive, number);
    return s && !(atomic_load(&s->eas) & EAS_MASKED) && atomic_load(&s->pq) != PQ_OFF;
}

struct xive_source *xive_find(struct xive *xive, u64 number)
{
    return number < XIVE_SOURCES ? &xive->sources[number] : NULL;
}

u8 xive_set_pq(_Atomic u8 *state, u8 pq)
{
    return atomic_exchange(state, pq);
}

bool xive_trigger_pq(_Atomic u8 *state)
{
    static const u8 next[] = {
        [PQ_RESET] = PQ_PENDING, [PQ_OFF] = PQ_OFF, [PQ_PENDING] = PQ_QUEUED, [PQ_QUEUED] = PQ_QUEUED};
    u8 pq = atomic_load(state);
    while (!atomic_compare_exchange_weak(state, &pq, next[pq & 3]))
        ;
    return pq == PQ_RESET;
}

bool xive_end_pq(_Atomic u8 *state)
{
    static const u8 next[] = {
        [PQ_RESET] = PQ_RESET, [PQ_OFF] = PQ_OFF, [PQ_PENDING] = PQ_RESET, [PQ_QUEUED] = PQ_PENDING};
    u8 pq = atomic_load(state);
    while (!atomic_compare_exchange_weak(state, &pq, next[pq & 3]))
        ;
    return pq == PQ_QUEUED;
}

// Presentation: the thread is signalled while its most favoured pending priority is more favoured than its own. Under its lock.
static void update(struct xive_thread *thread)
{
    thread->pipr = thread->ipb ? clz32(thread->ipb) - 24 : 0xff;
    if (thread->pipr < thread->cppr) {
        if (!(thread->nsr & NSR_EO)) {
            thread->nsr |= NSR_EO;
            atomic_fetch_or(&thread->cpu->lines, LINE_EXTERNAL);
            thread->signal = true;
        }
    } else {
        thread->nsr &= ~NSR_EO;
        cpu_lower_line(thread->cpu, LINE_EXTERNAL);
    }
}

// The thread may be woken: that takes a while, and the first thing that it does takes the lock.
static void unlock(struct xive_thread *thread)
{
    bool signal = thread->signal;
    thread->signal = false;
    spin_unlock(&thread->lock);
    if (signal)
        cpu_kick(thread->cpu, ATTN_INTERRUPT);
}

static void set_pending(struct xive_thread *thread, unsigned priority)
{
    spin_lock(&thread->lock);
    thread->ipb |= 0x80u >> priority;
    update(thread);
    unlock(thread);
}

// One event into the queue: true when the thread is to be told. A queue that is not there loses it, as on hardware.
static bool enqueue(struct partition *lp, struct xive_queue *queue, u32 event)
{
    bool tell = false;
    spin_lock(&queue->lock);
    if (queue->enabled) {
        be32 entry = be32_of((u32)queue->generation << 31 | (event & 0x7fffffff));
        u64 addr = queue->addr + queue->index * 4ull;
        _Atomic u32 *slot = guest_mem_at(&lp->mem, addr, 4);
        if (slot) {
            atomic_store_explicit(slot, entry.raw, memory_order_release);
            guest_mem_wrote(&lp->mem, addr, 4);
        }
        queue->index = (queue->index + 1) & ((1u << (queue->shift - 2)) - 1);
        queue->generation ^= queue->index == 0;
        tell = queue->always_notify || xive_trigger_pq(&queue->esn);
    }
    spin_unlock(&queue->lock);
    return tell;
}

void xive_notify(struct partition *lp, u32 number)
{
    struct xive *xive = lp->xive;
    u64 eas = atomic_load(&xive->sources[number].eas);
    if (!(eas & EAS_VALID) || (eas & EAS_MASKED))
        return;
    u32 server = (eas >> EAS_SERVER_SHIFT) & 0xffff;
    unsigned priority = (eas >> EAS_PRIORITY_SHIFT) & 7;
    if (server >= xive->threads_len)
        return;
    struct xive_thread *thread = &xive->threads[server];
    if (enqueue(lp, &thread->queues[priority], (u32)eas))
        set_pending(thread, priority);
}

void xive_pulse(struct partition *lp, u32 number)
{
    struct xive_source *s = xive_find(lp->xive, number);
    if (s && xive_trigger_pq(&s->pq))
        xive_notify(lp, number);
}

// A level's event is sent once while it is asserted and not pending; its end sends it again.
void xive_set_level(struct partition *lp, u32 number, bool level)
{
    struct xive_source *s = xive_find(lp->xive, number);
    if (!s)
        return;
    atomic_store(&s->level_type, true);
    atomic_store(&s->asserted, level);
    u8 reset = PQ_RESET;
    if (level && atomic_compare_exchange_strong(&s->pq, &reset, PQ_PENDING))
        xive_notify(lp, number);
}

static bool end_source(struct partition *lp, u32 number)
{
    struct xive_source *s = &lp->xive->sources[number];
    bool again = xive_end_pq(&s->pq);
    if (!again && atomic_load(&s->level_type) && atomic_load(&s->asserted)) {
        u8 reset = PQ_RESET;
        again = atomic_compare_exchange_strong(&s->pq, &reset, PQ_PENDING);
    }
    if (again)
        xive_notify(lp, number);
    return again;
}

// POWER9 XIVE "Event State Buffer": offsets in the management page.
#define ESB_STORE_EOI 0x400
#define ESB_GET       0x800
#define ESB_SET       0xc00

u64 xive_esb_load(struct partition *lp, u32 number, u64 offset)
{
    struct xive_source *s = &lp->xive->sources[number];
    if (offset < XIVE_PAGE_SIZE) // trigger page: stores only
        return ~0ull;
    offset &= 0xfff;
    if (offset < ESB_GET)
        return end_source(lp, number);
    if (offset < ESB_SET)
        return atomic_load(&s->pq);
    u8 wanted = (offset >> 8) & 3;
    u8 old = xive_set_pq(&s->pq, wanted);
    // Unmasking a level that is asserted is its event.
    if (wanted == PQ_RESET && atomic_load(&s->level_type) && atomic_load(&s->asserted))
        xive_set_level(lp, number, true);
    return old;
}

void xive_esb_store(struct partition *lp, u32 number, u64 offset)
{
    u64 in_page = offset & 0xfff;
    if (offset < XIVE_PAGE_SIZE || in_page < ESB_STORE_EOI) {
        xive_pulse(lp, number);
        return;
    }
    if (in_page < ESB_GET) {
        end_source(lp, number);
        return;
    }
    if (in_page >= ESB_SET)
        xive_esb_load(lp, number, offset);
}

// Notification state of event queues: the same offsets; the even page is ESn, the odd one (escalation) has nothing behind it.
static u64 esn_load(struct partition *lp, u32 number, u64 offset)
{
    struct xive *xive = lp->xive;
    if (number / XIVE_PRIORITIES >= xive->threads_len || offset >= XIVE_PAGE_SIZE)
        return ~0ull;
    _Atomic u8 *esn = &xive->threads[number / XIVE_PRIORITIES].queues[number % XIVE_PRIORITIES].esn;
    offset &= 0xfff;
    if (offset < ESB_GET)
        return xive_end_pq(esn);
    if (offset < ESB_SET)
        return atomic_load(esn);
    return xive_set_pq(esn, (offset >> 8) & 3);
}

// Thread interrupt management area: registers of the OS ring (second quadword) and the special operations. POWER9 XIVE "TIMA".
#define TM_RING_OS        0x10
#define TM_CPPR           0x11
#define TM_ACK_OS         0x810
#define TM_SET_OS_PENDING 0x812

static void ring_bytes(const struct xive_thread *thread, u8 *ring)
{
    const u8 words[8] = {thread->nsr,       thread->cppr, thread->ipb, thread->lsmfb,
                         thread->ack_count, thread->inc,  thread->age, thread->pipr};
    memcpy(ring, words, sizeof(words));
    store_be32(&ring[8], 0x80000000u | thread->cpu->server); // valid, logical server
    store_be32(&ring[12], 0);
}

static u64 acknowledge(struct xive_thread *thread)
{
    u8 nsr = thread->nsr;
    if (nsr & NSR_EO) {
        thread->cppr = thread->pipr;
        thread->ipb &= ~(0x80u >> thread->cppr);
        thread->nsr &= ~NSR_EO;
    }
    update(thread);
    return (u64)nsr << 8 | thread->cppr;
}

static bool tima_load(struct xive_thread *thread, u64 page, u64 offset, unsigned size, u64 *value)
{
    if (page < 2)
        return false; // the hypervisor's own views
    if (page == 2 && offset == TM_ACK_OS && size == 2) {
        *value = acknowledge(thread);
        return true;
    }
    u8 view[64] = {0}; // the user ring and the OS ring; the hypervisor's read as zero
    if (offset + size > sizeof(view)) {
        *value = ~0ull;
        return true;
    }
    if (page == 2)
        ring_bytes(thread, &view[TM_RING_OS]);
    *value = 0;
    for (unsigned i = 0; i < size; i++)
        *value = *value << 8 | view[offset + i];
    return true;
}

static bool tima_store(struct xive_thread *thread, u64 page, u64 offset, unsigned size, u64 value)
{
    if (page < 2)
        return false;
    if (page == 2 && size == 1 && offset == TM_CPPR) {
        thread->cppr = (u8)value >= XIVE_PRIORITIES ? 0xff : (u8)value;
        update(thread);
    } else if (page == 2 && size == 1 && offset == TM_SET_OS_PENDING) {
        if ((u8)value < XIVE_PRIORITIES)
            thread->ipb |= 0x80u >> value;
        update(thread);
    }
    return true; // other registers ignore stores
}

static bool in(u64 gra, u64 size, u64 base, u64 len)
{
    return gra >= base && size <= len && gra - base <= len - size;
}

bool xive_contains(u64 gra, u64 size)
{
    return in(gra, size, XIVE_TIMA_OS, 2 * XIVE_PAGE_SIZE) || in(gra, size, XIVE_ESB_BASE, XIVE_ESB_SIZE) ||
           in(gra, size, XIVE_ESN_BASE, XIVE_ESN_SIZE);
}

bool xive_mmio_read(struct cpu *cpu, u64 gra, unsigned size, u64 *value)
{
    struct partition *lp = cpu_partition(cpu);
    if (!lp->xive_mode || !xive_contains(gra, size))
        return false;
    if (in(gra, size, XIVE_TIMA_BASE, XIVE_TIMA_SIZE)) {
        struct xive_thread *thread = &lp->xive->threads[cpu->index];
        u64 offset = gra - XIVE_TIMA_BASE;
        spin_lock(&thread->lock);
        bool ok = tima_load(thread, offset / XIVE_PAGE_SIZE, offset % XIVE_PAGE_SIZE, size, value);
        unlock(thread);
        return ok;
    }
    bool source = in(gra, size, XIVE_ESB_BASE, XIVE_ESB_SIZE);
    u64 offset = gra - (source ? XIVE_ESB_BASE : XIVE_ESN_BASE);
    u32 number = (u32)(offset / (2 * XIVE_PAGE_SIZE));
    offset %= 2 * XIVE_PAGE_SIZE;
    *value = source ? xive_esb_load(lp, number, offset) : esn_load(lp, number, offset);
    return true;
}

bool xive_mmio_write(struct cpu *cpu, u64 gra, unsigned size, u64 value)
{
    struct partition *lp = cpu_partition(cpu);
    if (!lp->xive_mode || !xive_contains(gra, size))
        return false;
    if (in(gra, size, XIVE_TIMA_BASE, XIVE_TIMA_SIZE)) {
        struct xive_thread *thread = &lp->xive->threads[cpu->index];
        u64 offset = gra - XIVE_TIMA_BASE;
        spin_lock(&thread->lock);
        bool ok = tima_store(thread, offset / XIVE_PAGE_SIZE, offset % XIVE_PAGE_SIZE, size, value);
        unlock(thread);
        return ok;
    }
    if (in(gra, size, XIVE_ESB_BASE, XIVE_ESB_SIZE)) {
        u64 offset = gra - XIVE_ESB_BASE;
        xive_esb_store(lp, (u32)(offset / (2 * XIVE_PAGE_SIZE)), offset % (2 * XIVE_PAGE_SIZE));
    }
    return true; // notification state changes by loads only
}

bool xive_pending(struct cpu *cpu)
{
    struct xive_thread *thread = &cpu_partition(cpu)->xive->threads[cpu->index];
    spin_lock(&thread->lock);
    bool pending = thread->nsr & NSR_EO;
    unlock(thread);
    return pending;
}

void xive_sync_line(struct cpu *cpu)
{
    struct xive_thread *thread = &cpu_partition(cpu)->xive->threads[cpu->index];
    spin_lock(&thread->lock);
    thread->nsr &= ~NSR_EO;
    update(thread);
    unlock(thread);
}
