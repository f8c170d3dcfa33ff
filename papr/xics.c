// SPDX-License-Identifier: Apache-2.0
//
// XICS. A source has a server and a priority; a server presents one interrupt at a time, the most favoured (lowest) one that is more
// favoured than its current processor priority. What a server cannot take is rejected back to its source, which offers it again
// when the server's priority falls. Priority 0xff: never presented.
//
// One lock for all of it: each operation is short. A thread's external line follows its server's state under that lock.
#include "papr/xics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "papr/hcall_int.h"
#include "papr/irq.h"
#include "papr/rtas.h"

#define PRIORITY_NONE 0xffu
#define XISR_MASK     0xffffffu

struct source {
    u8 priority, saved_priority;
    u16 server;
    bool level_type;     // level-sensitive
    bool asserted, sent; // level: the line; presented and not yet ended
    bool masked_pending; // edge: came while masked
    bool rejected;       // edge: to be offered again
};

struct server {
    struct cpu *cpu;
    u8 cppr, mfrr;
    u8 pending_priority;
    u32 xisr; // 0: nothing presented
};

#define KICKS_MAX 4u

struct xics {
    struct spin lock;
    u32 kicks_len; // threads whose line was raised under the lock: whoever unlocks kicks them
    struct cpu *kicks[KICKS_MAX];
    u32 rejected; // sources waiting to be offered again; 0 saves the search
    u32 levels;   // level-sensitive sources, likewise
    _Atomic u32 servers_len;
    struct server servers[PARTITION_THREADS_MAX];
    struct source sources[IRQ_COUNT];
};

int xics_init(struct partition *lp)
{
    lp->xics = calloc(1, sizeof(*lp->xics));
    if (!lp->xics)
        return -ENOMEM;
    xics_reset(lp);
    return 0;
}

void xics_fini(struct partition *lp)
{
    free(lp->xics);
    lp->xics = NULL;
}

void xics_reset(struct partition *lp)
{
    struct xics *x = lp->xics;
    memset(x, 0, sizeof(*x));
    x->servers_len = lp->group.len;
    for (u32 i = 0; i < x->servers_len; i++)
        x->servers[i] = (struct server){.cpu = lp->group.cpus[i], .mfrr = 0xff, .pending_priority = 0xff};
    for (u32 i = 0; i < IRQ_COUNT; i++)
        x->sources[i] = (struct source){.priority = PRIORITY_NONE, .saved_priority = PRIORITY_NONE};
    for (u32 i = 0; i < x->servers_len; i++)
        cpu_lower_line(lp->group.cpus[i], LINE_EXTERNAL);
}

void xics_add_cpu(struct partition *lp, struct cpu *cpu)
{
    struct xics *x = lp->xics;
    spin_lock(&x->lock);
    x->servers[cpu->index] = (struct server){.cpu = cpu, .mfrr = 0xff, .pending_priority = 0xff};
    x->servers_len = cpu->index + 1;
    spin_unlock(&x->lock);
}

static struct source *find_source(struct xics *x, u64 number)
{
    return number >= IRQ_BASE && number - IRQ_BASE < IRQ_COUNT ? &x->sources[number - IRQ_BASE] : NULL;
}

static u32 number_of(const struct xics *x, const struct source *s)
{
    return IRQ_BASE + (u32)(s - x->sources);
}

static void update_line(struct xics *x, struct server *server)
{
    if (server->xisr && x->kicks_len < KICKS_MAX) {
        atomic_fetch_or(&server->cpu->lines, LINE_EXTERNAL);
        x->kicks[x->kicks_len++] = server->cpu;
    } else if (server->xisr) {
        cpu_raise_line(server->cpu, LINE_EXTERNAL);
    } else {
        cpu_lower_line(server->cpu, LINE_EXTERNAL);
    }
}

// Threads may be woken: that takes a while, and the first thing that they do takes the lock.
static void unlock(struct xics *x)
{
    struct cpu *kicks[KICKS_MAX];
    u32 len = x->kicks_len;
    memcpy(kicks, x->kicks, sizeof(kicks));
    x->kicks_len = 0;
    spin_unlock(&x->lock);
    for (u32 i = 0; i < len; i++)
        cpu_kick(kicks[i], ATTN_INTERRUPT);
}

// A presented interrupt was displaced, or never got in.
static void reject(struct xics *x, u32 number)
{
    struct source *s = find_source(x, number);
    if (!s) // an interprocessor interrupt: MFRR remembers it
        return;
    if (s->level_type) {
        s->sent = false;
    } else if (!s->rejected) {
        s->rejected = true;
        x->rejected++;
    }
}

static void present(struct xics *x, struct server *server, u32 number, u8 priority)
{
    if (priority >= server->cppr || (server->xisr && server->pending_priority <= priority)) {
        reject(x, number);
        return;
    }
    u32 displaced = server->xisr;
    server->xisr = number;
    server->pending_priority = priority;
    if (displaced)
        reject(x, displaced);
    update_line(x, server);
}

static void offer(struct xics *x, struct source *s)
{
    if (s->server < x->servers_len)
        present(x, &x->servers[s->server], number_of(x, s), s->priority);
}

static void offer_level(struct xics *x, struct source *s)
{
    if (!s->asserted || s->sent || s->priority == PRIORITY_NONE)
        return;
    s->sent = true;
    offer(x, s);
}

static void check_ipi(struct xics *x, struct server *server)
{
    if (server->mfrr < server->cppr && !(server->xisr && server->pending_priority <= server->mfrr))
        present(x, server, IRQ_IPI, server->mfrr);
}

// The server may take more than before: everything that waits for it is offered again.
static void resend(struct xics *x, struct server *server)
{
    check_ipi(x, server);
    if (!x->rejected && !x->levels)
        return;
    u32 index = (u32)(server - x->servers);
    for (u32 i = 0; i < IRQ_COUNT; i++) {
        struct source *s = &x->sources[i];
        if (s->server != index)
            continue;
        if (s->level_type) {
            offer_level(x, s);
        } else if (s->rejected) {
            s->rejected = false;
            x->rejected--;
            if (s->priority != PRIORITY_NONE)
                offer(x, s);
            else
                s->masked_pending = true;
        }
    }
}

static void set_cppr(struct xics *x, struct server *server, u8 cppr)
{
    u8 old = server->cppr;
    server->cppr = cppr;
    if (cppr < old) {
        if (server->xisr && cppr <= server->pending_priority) {
            u32 displaced = server->xisr;
            server->xisr = 0;
            server->pending_priority = PRIORITY_NONE;
            update_line(x, server);
            reject(x, displaced);
        }
    } else if (!server->xisr) {
        resend(x, server);
    }
}

void xics_pulse(struct partition *lp, u32 number)
{
    struct xics *x = lp->xics;
    struct source *s = find_source(x, number);
    if (!s)
        return;
    spin_lock(&x->lock);
    if (s->priority == PRIORITY_NONE)
        s->masked_pending = true;
    else if (!s->rejected)
        offer(x, s);
    unlock(x);
}

void xics_set_level(struct partition *lp, u32 number, bool level)
{
    struct xics *x = lp->xics;
    struct source *s = find_source(x, number);
    if (!s)
        return;
    spin_lock(&x->lock);
    if (!s->level_type) {
        s->level_type = true;
        x->levels++;
    }
    s->asserted = level;
    offer_level(x, s);
    unlock(x);
}

static void route(struct xics *x, struct source *s, u32 server, u8 priority)
{
    s->server = server;
    s->priority = priority;
    if (s->level_type) {
        offer_level(x, s);
    } else if (s->masked_pending && priority != PRIORITY_NONE) {
        s->masked_pending = false;
        offer(x, s);
    } else if (s->rejected && priority != PRIORITY_NONE) {
        s->rejected = false;
        x->rejected--;
        offer(x, s);
    }
}

int xics_set_xive(struct partition *lp, u32 number, u32 server, u32 priority)
{
    struct xics *x = lp->xics;
    struct source *s = find_source(x, number);
    if (!s || server >= x->servers_len || priority > 0xff)
        return RTAS_PARAMETER;
    spin_lock(&x->lock);
    s->saved_priority = priority;
    route(x, s, server, priority);
    unlock(x);
    return RTAS_SUCCESS;
}

int xics_get_xive(struct partition *lp, u32 number, u32 *server, u32 *priority)
{
    struct xics *x = lp->xics;
    struct source *s = find_source(x, number);
    if (!s)
        return RTAS_PARAMETER;
    spin_lock(&x->lock);
    *server = s->server;
    *priority = s->priority;
    unlock(x);
    return RTAS_SUCCESS;
}

int xics_int_off(struct partition *lp, u32 number)
{
    struct xics *x = lp->xics;
    struct source *s = find_source(x, number);
    if (!s)
        return RTAS_PARAMETER;
    spin_lock(&x->lock);
    if (s->priority != PRIORITY_NONE)
        s->saved_priority = s->priority;
    route(x, s, s->server, PRIORITY_NONE);
    unlock(x);
    return RTAS_SUCCESS;
}

int xics_int_on(struct partition *lp, u32 number)
{
    struct xics *x = lp->xics;
    struct source *s = find_source(x, number);
    if (!s)
        return RTAS_PARAMETER;
    spin_lock(&x->lock);
    route(x, s, s->server, s->saved_priority);
    unlock(x);
    return RTAS_SUCCESS;
}

bool xics_pending(struct cpu *cpu)
{
    struct xics *x = cpu_partition(cpu)->xics;
    spin_lock(&x->lock);
    bool pending = x->servers[cpu->index].xisr;
    unlock(x);
    return pending;
}

void xics_sync_line(struct cpu *cpu)
{
    struct xics *x = cpu_partition(cpu)->xics;
    spin_lock(&x->lock);
    update_line(x, &x->servers[cpu->index]);
    unlock(x);
}

// Where the OS chose XIVE exploitation, these calls do not exist. LoPAR "XIVE Exploitation Mode".
static struct server *own_server(struct cpu *cpu)
{
    return cpu_partition(cpu)->xive_mode ? NULL : &cpu_partition(cpu)->xics->servers[cpu->index];
}

static u64 xirr_of(const struct server *server)
{
    return (u64)server->cppr << 24 | server->xisr;
}

// CPPR as of last time -> XIRR, whose interrupt is hereby accepted
long h_xirr(struct cpu *cpu, u64 *args)
{
    struct server *server = own_server(cpu);
    if (!server)
        return H_FUNCTION;
    struct xics *x = cpu_partition(cpu)->xics;
    spin_lock(&x->lock);
    args[0] = xirr_of(server);
    if (server->xisr) {
        server->cppr = server->pending_priority;
        server->xisr = 0;
        server->pending_priority = PRIORITY_NONE;
    }
    update_line(x, server);
    unlock(x);
    return H_SUCCESS;
}

long h_xirr_x(struct cpu *cpu, u64 *args)
{
    long rc = h_xirr(cpu, args);
    if (rc == H_SUCCESS)
        args[1] = cpu_timebase(cpu); // when the interrupt was received: now
    return rc;
}

// XIRR: the interrupt that ends and the priority to return to
long h_eoi(struct cpu *cpu, u64 *args)
{
    struct server *server = own_server(cpu);
    if (!server)
        return H_FUNCTION;
    struct xics *x = cpu_partition(cpu)->xics;
    u32 number = args[0] & XISR_MASK;
    struct source *s = find_source(x, number);
    if (!s && number != IRQ_IPI && number)
        return H_PARAMETER;
    spin_lock(&x->lock);
    if (s && s->level_type)
        s->sent = false;
    server->cppr = (args[0] >> 24) & 0xff;
    if (server->xisr && server->cppr <= server->pending_priority) {
        u32 displaced = server->xisr;
        server->xisr = 0;
        server->pending_priority = PRIORITY_NONE;
        update_line(x, server);
        reject(x, displaced);
    }
    if (!server->xisr)
        resend(x, server);
    if (s && s->level_type && s->server != cpu->index)
        offer_level(x, s);
    unlock(x);
    return H_SUCCESS;
}

long h_cppr(struct cpu *cpu, u64 *args)
{
    struct server *server = own_server(cpu);
    if (!server)
        return H_FUNCTION;
    struct xics *x = cpu_partition(cpu)->xics;
    spin_lock(&x->lock);
    set_cppr(x, server, args[0] & 0xff);
    unlock(x);
    return H_SUCCESS;
}

// server, MFRR
long h_ipi(struct cpu *cpu, u64 *args)
{
    if (!own_server(cpu))
        return H_FUNCTION;
    struct xics *x = cpu_partition(cpu)->xics;
    struct cpu *target = partition_cpu(cpu_partition(cpu), args[0]);
    if (!target)
        return H_PARAMETER;
    struct server *server = &x->servers[target->index];
    spin_lock(&x->lock);
    server->mfrr = args[1] & 0xff;
    check_ipi(x, server);
    unlock(x);
    return H_SUCCESS;
}

// server -> XIRR without accepting it, MFRR
long h_ipoll(struct cpu *cpu, u64 *args)
{
    if (!own_server(cpu))
        return H_FUNCTION;
    struct xics *x = cpu_partition(cpu)->xics;
    struct cpu *target = partition_cpu(cpu_partition(cpu), args[0]);
    if (!target)
        return H_PARAMETER;
    struct server *server = &x->servers[target->index];
    spin_lock(&x->lock);
    args[0] = xirr_of(server);
    args[1] = server->mfrr;
    unlock(x);
    return H_SUCCESS;
}

bool xics_enabled(struct partition *lp, u32 number)
{
    struct xics *x = lp->xics;
    spin_lock(&x->lock);
    const struct source *s = find_source(x, number);
    bool enabled = s && s->priority != PRIORITY_NONE;
    spin_unlock(&x->lock);
    return enabled;
}
