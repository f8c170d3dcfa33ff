// SPDX-License-Identifier: Apache-2.0
#include "vios/admin/sea.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "ipc/uplink.h"
#include "proto/vio/counts.h"
#include "proto/vio/net_option.h"
#include "vios/net/failover.h"
#include "vios/net/port.h"

#define SLOTS       64u
#define RESTART_NS  1000000000ll // after it died soon after it was started
#define ANSWER_MS   20000
#define NETWORK_MAX 1024u
#define NAME_SIZE   32u

struct adapter {
    bool there;
    struct ring_fds link;
    u8 mac[6];
    u16 pvid, vlans[UPLINK_VLANS_MAX];
    u32 vlans_len;
    bool open; // a process bridges it now
};

struct sea {
    bool used;
    char name[NAME_SIZE];
    struct ios_sea plan; // its texts are `networks`
    char networks[IOS_REALS_MAX][NETWORK_MAX];
    struct uplink_process process;
    bool ready, complained;
    bool changed; // what it was started with is not what is wanted
    s64 started;
    struct uplink_state state; // as it was last told
    u64 times_primary, times_backup;
};

struct seas {
    seas_report report;
    struct adapter adapters[SLOTS];
    struct sea seas[SEAS_MAX];
};

struct seas *seas_new(seas_report report)
{
    struct seas *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->report = report;
    for (u32 i = 0; i < SEAS_MAX; i++)
        s->seas[i].process = UPLINK_NO_PROCESS;
    return s;
}

// --- Processes

static bool uses(const struct sea *sea, u32 slot)
{
    for (u32 i = 0; i < sea->plan.slots_len; i++)
        if (sea->plan.slots[i] == slot)
            return true;
    return sea->plan.control_slot == slot && slot;
}

static struct uplink_port port_of(const struct sea *sea, const struct adapter *a, u32 slot)
{
    bool control = sea->plan.control_slot == slot, alone = !sea->plan.control_slot;
    struct uplink_port port = {.side = 0,
                               .pvid = a->pvid,
                               .vlans_len = a->vlans_len,
                               .use = control ? UPLINK_CONTROL : UPLINK_TRUNK,
                               .starts_closed = !control && !alone};
    memcpy(port.mac, a->mac, sizeof(port.mac));
    memcpy(port.vlans, a->vlans, sizeof(port.vlans));
    if (control) {
        port.priority = sea->plan.priority;
        port.standby = sea->plan.standby;
        port.sharing = sea->plan.sharing;
    }
    return port;
}

// The switch hears that nobody is behind the trunk adapters any more: a process that was killed cannot say so.
static void close_trunks(struct seas *s, const struct sea *sea)
{
    for (u32 i = 0; i < sea->plan.slots_len; i++) {
        struct adapter *a = &s->adapters[sea->plan.slots[i]];
        struct uplink_port config = {.starts_closed = 1};
        struct port port;
        if (!a->there || !a->open)
            continue;
        a->open = false;
        memcpy(config.mac, a->mac, sizeof(config.mac));
        if (!port_open(&port, &config, &a->link))
            port_close(&port);
    }
}

static void stop(struct seas *s, struct sea *sea)
{
    uplink_end(&sea->process);
    sea->ready = false;
    sea->state = (struct uplink_state){0};
    close_trunks(s, sea);
}

void seas_free(struct seas *s)
{
    if (!s)
        return;
    for (u32 i = 0; i < SEAS_MAX; i++)
        if (s->seas[i].used)
            stop(s, &s->seas[i]);
    for (u32 slot = 0; slot < SLOTS; slot++)
        if (s->adapters[slot].there)
            ring_close_fds(&s->adapters[slot].link);
    free(s);
}

// What it needs at least is there: its default adapter, and whom it is to ask before it bridges.
static bool can_start(const struct seas *s, const struct sea *sea)
{
    return sea->plan.slots_len && s->adapters[sea->plan.slots[0]].there &&
           (!sea->plan.control_slot || s->adapters[sea->plan.control_slot].there);
}

static u32 list_ports(struct seas *s, const struct sea *sea, struct uplink_end *ends)
{
    u32 len = 0;
    for (u32 i = 0; i <= sea->plan.slots_len; i++) {
        u32 slot = i < sea->plan.slots_len ? sea->plan.slots[i] : sea->plan.control_slot;
        struct adapter *a = &s->adapters[slot];
        if (!slot || !a->there)
            continue;
        a->open = true;
        ends[len++] = (struct uplink_end){port_of(sea, a, slot), &a->link};
    }
    return len;
}

static u32 mode_of(const struct ios_sea *plan)
{
    static const u8 modes[] = {[IOS_SEA_ALONE] = UPLINK_ALONE,
                               [IOS_SEA_STANDARD] = UPLINK_STANDARD,
                               [IOS_SEA_8023AD] = UPLINK_8023AD,
                               [IOS_SEA_BACKUP] = UPLINK_BACKUP};
    return modes[plan->mode];
}

static int start(struct seas *s, struct sea *sea, char *why)
{
    struct uplink_end ends[IOS_TRUNKS_MAX + 1];
    struct uplink_real reals[IOS_REALS_MAX];
    struct net_options options;
    struct uplink_spec spec = {0};
    sea->changed = false;
    sea->started = clock_ns();
    for (u32 i = 0; i < sea->plan.reals_len; i++) {
        if (!net_option_parse(sea->networks[i], NET_OF_SERVER, &options, why, IOS_WHY_MAX))
            return -EINVAL;
        reals[i] = (struct uplink_real){.kind = options.kind,
                                        .default_id = sea->plan.default_id,
                                        .vlan = sea->plan.vlan,
                                        .mode = mode_of(&sea->plan),
                                        .hash_ports = sea->plan.hash_ports,
                                        .backup = sea->plan.reals[i].backup};
        memcpy(reals[i].name, options.interface, sizeof(reals[i].name));
    }
    u32 len = list_ports(s, sea, ends);
    spec.port = ends[0].port;
    spec.link = ends[0].link;
    spec.more = ends + 1;
    spec.more_len = len - 1;
    spec.real = reals[0].kind ? reals : NULL;
    spec.reals_len = sea->plan.reals_len;
    spec.forwards = options.forwards;
    spec.forwards_len = options.forwards_len;
    int err = uplink_begin(&spec, &sea->process);
    if (err)
        snprintf(why, IOS_WHY_MAX, "openlpar-uplink, which belongs beside this program: %s", strerror(-err));
    return err;
}

static bool is_primary(const struct uplink_state *state)
{
    return state->failover == FAILOVER_PRIMARY || state->failover == FAILOVER_PRIMARY_SHARING;
}

// How often it was primary and backup is counted here: the process may be another one meanwhile.
static void take_state(struct sea *sea, const struct uplink_state *state)
{
    if (state->failover != sea->state.failover) {
        sea->times_primary += is_primary(state);
        sea->times_backup += state->failover == FAILOVER_BACKUP || state->failover == FAILOVER_BACKUP_SHARING;
    }
    sea->state = *state;
}

static void tell_state(struct seas *s, const struct sea *sea, u32 before)
{
    char text[160];
    if (sea->state.failover == before)
        return;
    snprintf(text, sizeof(text), "it is %s now%s", failover_names[sea->state.failover % FAILOVER_STATES],
             sea->state.link ? "" : ", as its real adapter has no link");
    s->report(sea->state.link ? 'O' : 'H', is_primary(&sea->state) ? "SEA_PRIMARY" : "SEA_BACKUP", sea->name, text);
}

// The next message. 1; 0: it ended, with `why`.
static int hear(struct seas *s, struct sea *sea, struct uplink_message *m, char *why)
{
    int none[3], got = uplink_receive(sea->process.socket, m, none);
    if (got == -ECONNRESET)
        got = uplink_receive(sea->process.socket, m, none);
    u32 before = sea->state.failover;
    if (got == 1 && m->type == UPLINK_READY) {
        sea->ready = true;
        sea->complained = false;
    } else if (got == 1 && m->type == UPLINK_STATE && m->state.failover < FAILOVER_STATES) {
        take_state(sea, &m->state);
        tell_state(s, sea, before);
    } else if (got == 1 && m->type == UPLINK_EVENT) {
        s->report('S', "SEA_EVENT", sea->name, m->text);
    } else {
        snprintf(why, IOS_WHY_MAX, "%s", got == 1 && m->type == UPLINK_FAILED ? m->text : "openlpar-uplink ended");
        return 0;
    }
    return 1;
}

// Waits for a message of this type. 0 or a negative errno.
static int await(struct seas *s, struct sea *sea, u16 type, struct uplink_message *m, char *why)
{
    s64 end = clock_ns() + ANSWER_MS * 1000000ll;
    for (;;) {
        struct pollfd p = {.fd = sea->process.socket, .events = POLLIN};
        s64 left = end - clock_ns();
        int got = left > 0 ? poll(&p, 1, (int)(left / 1000000) + 1) : 0;
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            snprintf(why, IOS_WHY_MAX, "openlpar-uplink does not answer");
            return -ETIMEDOUT;
        }
        if (!hear(s, sea, m, why))
            return -EIO;
        if (m->type == type)
            return 0;
    }
}

// --- What is wanted

static struct sea *find(struct seas *s, const char *name)
{
    for (u32 i = 0; i < SEAS_MAX; i++)
        if (s->seas[i].used && strcmp(s->seas[i].name, name) == 0)
            return &s->seas[i];
    return NULL;
}

static struct sea *add(struct seas *s, const char *name)
{
    for (u32 i = 0; i < SEAS_MAX; i++)
        if (!s->seas[i].used) {
            s->seas[i] = (struct sea){.used = true, .process = UPLINK_NO_PROCESS};
            snprintf(s->seas[i].name, sizeof(s->seas[i].name), "%s", name);
            return &s->seas[i];
        }
    return NULL;
}

static void keep_plan(struct sea *sea, const struct ios_sea *plan)
{
    sea->plan = *plan;
    for (u32 i = 0; i < plan->reals_len; i++) {
        snprintf(sea->networks[i], sizeof(sea->networks[i]), "%s", plan->reals[i].network);
        sea->plan.reals[i].network = sea->networks[i];
    }
}

static int bridge(void *context, const char *name, const struct ios_sea *plan, char *why)
{
    struct seas *s = context;
    struct sea *sea = find(s, name);
    struct uplink_message m;
    if (sea)
        stop(s, sea);
    if (!plan) {
        if (sea)
            sea->used = false;
        return 0;
    }
    for (u32 i = 0; i < plan->slots_len; i++)
        if (plan->slots[i] >= SLOTS || plan->control_slot >= SLOTS)
            return -EINVAL;
    if (!sea)
        sea = add(s, name);
    if (!sea) {
        snprintf(why, IOS_WHY_MAX, "there are %u Shared Ethernet Adapters already", SEAS_MAX);
        return -ENOSPC;
    }
    keep_plan(sea, plan);
    sea->changed = true;
    if (!can_start(s, sea))
        return 0; // when the adapters are there
    int err = start(s, sea, why);
    if (!err)
        err = await(s, sea, UPLINK_READY, &m, why);
    if (err)
        stop(s, sea);
    sea->complained = err != 0; // whoever asked is told
    return err;
}

// Whether frames of its trunk adapter in this slot pass now.
static bool is_bridged(const struct seas *s, const struct sea *sea, u32 slot)
{
    u32 number = 0;
    for (u32 i = 0; sea->used && sea->ready && i < sea->plan.slots_len; i++) {
        if (sea->plan.slots[i] == slot)
            return s->adapters[slot].there && sea->state.bridging >> (number % 2) & 1;
        number += s->adapters[sea->plan.slots[i]].there;
    }
    return false;
}

static int counters(void *context, u32 slot, struct ios_net_counters *c)
{
    struct seas *s = context;
    struct adapter_counts counts = {0};
    const struct adapter *a = slot < SLOTS ? &s->adapters[slot] : NULL;
    if (!a || !a->there)
        return -ENOENT;
    ring_read_data(&a->link, &counts, sizeof(counts));
    *c = (struct ios_net_counters){.sent_packets = counts.sent,
                                   .sent_bytes = counts.sent_bytes,
                                   .send_failures = counts.send_drops,
                                   .received_packets = counts.received,
                                   .received_bytes = counts.received_bytes,
                                   .link = true};
    for (u32 i = 0; i < SEAS_MAX; i++)
        c->active |= is_bridged(s, &s->seas[i], slot);
    return 0;
}

static int state(void *context, const char *name, struct ios_sea_state *to)
{
    struct seas *s = context;
    struct sea *sea = find(s, name);
    struct uplink_message m;
    char why[IOS_WHY_MAX];
    *to = (struct ios_sea_state){.state = "STOPPED"};
    if (!sea)
        return -ENOENT;
    if (sea->ready && (uplink_query(&sea->process) || await(s, sea, UPLINK_STATE, &m, why)))
        stop(s, sea);
    const struct uplink_state *u = &sea->state;
    if (sea->ready)
        to->state = failover_names[u->failover];
    to->link = u->link;
    to->times_primary = sea->times_primary;
    to->times_backup = sea->times_backup;
    to->real_received = u->real_received;
    to->real_received_bytes = u->real_received_bytes;
    to->real_sent = u->real_sent;
    to->real_sent_bytes = u->real_sent_bytes;
    to->send_failures = u->send_failures;
    to->virtual_received = u->virtual_received;
    to->virtual_sent = u->virtual_sent;
    to->dropped_vlan = u->dropped_vlan;
    to->dropped_full = u->dropped_full;
    for (u32 i = 0; i < IOS_REALS_MAX; i++) {
        to->reals[i].link = u->reals_link >> i & 1;
        to->reals[i].used = u->reals_used >> i & 1;
    }
    return 0;
}

const struct ios_net_effects seas_effects = {.bridge = bridge, .counters = counters, .state = state};

// --- Adapters, and what happens by itself

static void take_vlans(struct adapter *a, const char *text)
{
    unsigned vid;
    int used;
    a->vlans_len = 0;
    for (; a->vlans_len < UPLINK_VLANS_MAX && sscanf(text, "%u%n", &vid, &used) == 1; text += *text == ',') {
        a->vlans[a->vlans_len++] = (u16)vid;
        text += used;
    }
}

void seas_adapter(struct seas *s, u32 slot, const struct seas_adapter *new)
{
    struct adapter *a = &s->adapters[slot];
    if (slot >= SLOTS || (!new->link && !a->there))
        return;
    for (u32 i = 0; i < SEAS_MAX; i++) {
        struct sea *sea = &s->seas[i];
        if (!sea->used || !uses(sea, slot))
            continue;
        if (new->link)
            stop(s, sea);
        sea->changed = true;
    }
    if (new->link) {
        if (a->there)
            ring_close_fds(&a->link);
        *a = (struct adapter){.there = true, .link = *new->link};
    }
    memcpy(a->mac, new->mac, sizeof(a->mac));
    a->pvid = new->pvid;
    take_vlans(a, new->vlans);
}

static void ended(struct seas *s, struct sea *sea, const char *why)
{
    char text[IOS_WHY_MAX + 64];
    stop(s, sea);
    snprintf(text, sizeof(text), "%.*s; it is started again", (int)IOS_WHY_MAX - 1, why);
    if (!sea->complained)
        s->report('H', "SEA_FAILED", sea->name, text);
    sea->complained = true;
}

// One that ran for a while is followed at once.
static s64 wait_of(const struct sea *sea, s64 now)
{
    return sea->changed || !sea->started ? 0 : MAX(sea->started + RESTART_NS - now, 0);
}

u32 seas_poll(struct seas *s, struct pollfd polls[SEAS_MAX], int *wait_ms)
{
    s64 now = clock_ns();
    *wait_ms = -1;
    for (u32 i = 0; i < SEAS_MAX; i++) {
        const struct sea *sea = &s->seas[i];
        polls[i] = (struct pollfd){.fd = sea->used ? sea->process.socket : -1, .events = POLLIN};
        if (!sea->used || !can_start(s, sea) || (sea->process.socket >= 0 && !sea->changed))
            continue;
        int wait = (int)((wait_of(sea, now) + 999999) / 1000000);
        *wait_ms = *wait_ms < 0 ? wait : MIN(*wait_ms, wait);
    }
    return SEAS_MAX;
}

void seas_serve(struct seas *s, const struct pollfd *polls, u32 len)
{
    char why[IOS_WHY_MAX] = "";
    for (u32 i = 0; i < len; i++) {
        struct sea *sea = &s->seas[i];
        struct uplink_message m;
        if (!sea->used)
            continue;
        if (sea->process.socket >= 0 && polls[i].fd == sea->process.socket && polls[i].revents &&
            !hear(s, sea, &m, why))
            ended(s, sea, why);
        if (sea->changed && sea->process.socket >= 0)
            stop(s, sea);
        if (sea->process.socket < 0 && can_start(s, sea) && !wait_of(sea, clock_ns()) && start(s, sea, why))
            ended(s, sea, why);
    }
}
