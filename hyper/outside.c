// SPDX-License-Identifier: Apache-2.0
#include "hyper/outside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "hyper/network.h"
#include "hyper/refcode.h"
#include "hyper/veth.h"
#include "ipc/uplink.h"
#include "proto/vio/net_option.h"

#define RESTART_NS    1000000000ll // after it died
#define LPARS_KEPT    185u         // partitions whose address follows from their number
#define FIRST_ADDRESS (UPLINK_GUEST + LPARS_KEPT)

struct outside {
    struct net_options options;
    struct uplink_process process;
    s64 next_start; // not before
    bool complained;
};

int outside_check(const char *value, struct answer *answer)
{
    struct net_options options;
    char why[512];
    if (!strcmp(value, "none") || net_option_parse(value, NET_OF_SYSTEM, &options, why, sizeof(why)))
        return 0;
    return refuse_parameter(answer, "-i", "network=%s: it is none, or user,...: %s", value, why);
}

void outside_changed(struct sys *sys)
{
    const char *value = rec_text(sys->rec, "network");
    char why[512];
    outside_end(sys);
    if (!strcmp(value, "none"))
        return;
    sys->outside = calloc(1, sizeof(*sys->outside));
    if (!sys->outside)
        return;
    sys->outside->process = UPLINK_NO_PROCESS;
    if (!net_option_parse(value, NET_OF_SYSTEM, &sys->outside->options, why, sizeof(why)))
        outside_end(sys); // an older daemon's
}

void outside_end(struct sys *sys)
{
    if (!sys->outside)
        return;
    uplink_end(&sys->outside->process);
    network_trunk_gone(sys);
    free(sys->outside);
    sys->outside = NULL;
}

static u32 address_of(const struct lp *lp)
{
    return lp && lp->id <= LPARS_KEPT ? UPLINK_GUEST - 1 + lp->id : 0;
}

static void complain(struct sys *sys, const char *text)
{
    if (!sys->outside->complained)
        sys_event(sys, NULL, REFCODE_NETWORK, text);
    sys->outside->complained = true;
}

// A partition's first adapter on the network has the address that is kept for it.
static void tell_lease(struct sys *sys, const struct lp *lp)
{
    const struct outside *o = sys->outside;
    struct veth adapters[VETH_MAX];
    char why[256], mac[13];
    int len = lp->current ? veth_parse(rec_text(lp->current, "virtual_eth_adapters"), adapters, why, sizeof(why)) : 0;
    for (int i = 0; i < len; i++) {
        struct uplink_message m = {.type = UPLINK_LEASE, .lease.address = address_of(lp)};
        veth_mac(&adapters[i], rec_text(sys->rec, "serial_num"), lp->id, mac);
        if (adapters[i].pvid != o->options.vlan || strcmp(adapters[i].vswitch, o->options.vswitch) != 0 ||
            !m.lease.address || !veth_mac_bytes(mac, m.lease.mac))
            continue;
        uplink_send(o->process.socket, &m, NULL);
        return;
    }
}

// Those to a partition, or (NULL) to an address.
static void tell_forwards(struct sys *sys, const struct lp *lp)
{
    const struct outside *o = sys->outside;
    for (u32 i = 0; i < o->options.forwards_len; i++) {
        struct uplink_message m = {.type = UPLINK_FORWARD, .forward = o->options.forwards[i]};
        const char *name = o->options.names[i];
        if (lp ? strcmp(name, lp_name(lp)) != 0 : *name != 0)
            continue;
        if (lp)
            m.forward.guest_address = address_of(lp);
        if (m.forward.guest_address)
            uplink_send(o->process.socket, &m, NULL);
    }
}

void outside_attach(struct sys *sys, const struct lp *lp)
{
    if (!sys->outside || sys->outside->process.socket < 0 || sys->outside->options.kind)
        return;
    tell_lease(sys, lp);
    tell_forwards(sys, lp);
}

static void start(struct sys *sys)
{
    struct outside *o = sys->outside;
    struct uplink_spec spec = {.first_address = FIRST_ADDRESS, .port.pvid = o->options.vlan};
    struct uplink_real real = {.kind = o->options.kind, .default_id = o->options.vlan};
    memcpy(real.name, o->options.interface, sizeof(real.name));
    spec.real = o->options.kind ? &real : NULL;
    spec.link = network_trunk(sys, o->options.vswitch, o->options.vlan, spec.port.mac);
    int err = spec.link ? uplink_begin(&spec, &o->process) : -ENOMEM;
    o->next_start = clock_ns() + RESTART_NS;
    if (err) {
        char text[256];
        snprintf(text, sizeof(text), "the network of the system: openlpar-uplink cannot be started: %s",
                 strerror(-err));
        complain(sys, text);
        return;
    }
    if (!o->options.kind)
        tell_forwards(sys, NULL);
    for (u32 i = 0; i < sys->lps_len; i++)
        if (lp_active(sys->lps[i]))
            outside_attach(sys, sys->lps[i]);
}

s64 outside_tick(struct sys *sys)
{
    struct outside *o = sys->outside;
    if (!o || o->process.socket >= 0 || !network_used(sys))
        return -1;
    s64 now = clock_ns();
    if (now >= o->next_start)
        start(sys);
    return o->process.socket >= 0 ? -1 : MAX(o->next_start - now, 1);
}

int outside_socket(const struct sys *sys)
{
    return sys->outside ? sys->outside->process.socket : -1;
}

void outside_ready(struct sys *sys)
{
    struct outside *o = sys->outside;
    struct uplink_message m;
    int none[3], got = uplink_receive(o->process.socket, &m, none);
    char text[UPLINK_TEXT_MAX + 128];
    if (got == 1 && m.type == UPLINK_READY) {
        o->complained = false;
    } else if (got == 1 && m.type == UPLINK_STATE) {
        snprintf(text, sizeof(text), "the network of the system: the interface %s has %s link", o->options.interface,
                 m.state.link ? "a" : "no");
        sys_event(sys, NULL, REFCODE_NETWORK, text);
    } else if (got == 1 && m.type == UPLINK_EVENT) {
        snprintf(text, sizeof(text), "the network of the system: %s", m.text);
        sys_event(sys, NULL, REFCODE_NETWORK, text);
    } else {
        snprintf(text, sizeof(text), "the network of the system: openlpar-uplink ended%s%s, and is started again",
                 got == 1 && m.type == UPLINK_FAILED ? ": " : "", got == 1 && m.type == UPLINK_FAILED ? m.text : "");
        complain(sys, text);
        uplink_end(&o->process);
    }
}
