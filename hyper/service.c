// SPDX-License-Identifier: Apache-2.0
#include "hyper/service.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hyper/objects.h"
#include "hyper/refcode.h"
#include "hyper/network.h"
#include "hyper/veth.h"
#include "hyper/vswitch.h"
#include "hyper/views.h"
#include "hyper/slots.h"
#include "hyper/vscsi.h"

struct listing {
    struct sys *sys;
    const struct wire_message *m;
    void (*give)(void *arg, const struct wire_record *values);
    void *arg;
    bool failed;
};

bool service_lists(enum object object)
{
    return object == OBJECT_LIC || object == OBJECT_LED_SYS || object == OBJECT_LED_LPAR || object == OBJECT_SVCEVENT ||
           object == OBJECT_CONSOLE_EVENT || object == OBJECT_VIO_SERIAL || object == OBJECT_VIO_LPAR ||
           object == OBJECT_VIO_SLOT || object == OBJECT_VIO_ETH || object == OBJECT_VIO_SCSI ||
           object == OBJECT_VSWITCH || object == OBJECT_VIO_ETH_SYS;
}

static void give(struct listing *l, struct rec *r)
{
    static struct wire_record row; // large; one thread
    row.len = 0;
    for (u32 i = 0; i < r->len; i++)
        wire_put(&row, r->attrs[i].name, r->v[i]);
    if (views_match(&l->m->where, &row))
        l->give(l->arg, &row);
}

static struct rec *start(struct listing *l)
{
    struct rec *r = rec_new(l->m->object);
    l->failed |= !r;
    return r;
}

static void mtms(const struct sys *sys, char text[64])
{
    snprintf(text, 64, "%s*%s", rec_text(sys->rec, "type_model"), rec_text(sys->rec, "serial_num"));
}

static void list_lic(struct listing *l)
{
    struct rec *r = start(l);
    char text[64];
    unsigned major = 0, minor = 0, patch = 0;
    if (!r)
        return;
    sscanf(OPENLPAR_VERSION, "%u.%u.%u", &major, &minor, &patch);
    snprintf(text, sizeof(text), "01OL%u%02u", major, minor);
    rec_set_text(r, "ecnumber", text);
    rec_set_num(r, "activated_level", patch);
    rec_set_num(r, "installed_level", patch);
    rec_set_num(r, "accepted_level", patch);
    rec_set_num(r, "platform_ipl_level", patch);
    snprintf(text, sizeof(text), "OL%u%02u.%02u", major, minor, patch);
    rec_set_text(r, "activated_spname", text);
    rec_set_text(r, "installed_spname", text);
    mtms(l->sys, text);
    rec_set_text(r, "mtms", text);
    give(l, r);
    rec_free(r);
}

static void list_leds(struct listing *l)
{
    bool of_lpars = l->m->object == OBJECT_LED_LPAR;
    for (u32 i = 0; i < (of_lpars ? l->sys->lps_len : 1); i++) {
        struct rec *r = start(l);
        bool on = false;
        if (!r)
            return;
        if (of_lpars) {
            rec_set_num(r, "lpar_id", l->sys->lps[i]->id);
            rec_set_text(r, "lpar_name", lp_name(l->sys->lps[i]));
        }
        l->failed |= store_led(l->sys->store, of_lpars ? l->sys->lps[i]->id : 0, &on) != 0;
        rec_set_text(r, "state", on ? "on" : "off");
        give(l, r);
        rec_free(r);
    }
}

static void time_text(s64 seconds, char text[32])
{
    time_t t = (time_t)seconds;
    struct tm tm;
    localtime_r(&t, &tm);
    strftime(text, 32, "%m/%d/%Y %H:%M:%S", &tm);
}

static s64 since(const struct listing *l)
{
    return (s64)MIN(wire_num(&l->m->values, "since", 0), (u64)INT64_MAX);
}

static int give_command(void *arg, const struct store_command *c)
{
    struct listing *l = arg;
    char when[32];
    struct rec *r = c->time < since(l) ? NULL : start(l);
    if (!r)
        return l->failed ? -1 : 0;
    time_text(c->time, when);
    rec_set_text(r, "time", when);
    rec_set_text(r, "userid", c->user);
    rec_set_text(r, "name", rec_text(l->sys->rec, "name"));
    rec_set_text(r, "text", c->text);
    rec_set_text(r, "result", c->result);
    give(l, r);
    rec_free(r);
    return 0;
}

static int give_event(void *arg, const struct store_event *e)
{
    struct listing *l = arg;
    char when[32], text[64];
    if (e->time < since(l) || *e->refcode != 'B')
        return 0;
    struct rec *r = start(l);
    if (!r)
        return -1;
    time_text(e->time, when);
    rec_set_num(r, "problem_num", (u64)e->number);
    rec_set_text(r, "refcode", e->refcode);
    rec_set_text(r, "status", e->flags & STORE_EVENT_CLOSED ? "Closed" : "Open");
    rec_set_text(r, "first_time", when);
    rec_set_text(r, "last_time", when);
    rec_set_text(r, "sys_name", rec_text(l->sys->rec, "name"));
    mtms(l->sys, text);
    rec_set_text(r, "sys_mtms", text);
    if (e->lpar_id) {
        rec_set_text(r, "lpar_name", e->lpar_name);
        rec_set_num(r, "lpar_id", e->lpar_id);
    }
    rec_set_text(r, "text", e->text);
    give(l, r);
    rec_free(r);
    return 0;
}

// One virtual serial adapter: slot/client|server/supports-hmc/remote-id/remote-name/remote-slot/required
struct serial {
    u64 slot;
    char fields[6][32];
};

static const char *parse_serial(const char *p, struct serial *s)
{
    *s = (struct serial){.slot = strtoull(p, NULL, 10)};
    size_t end = strcspn(p, ",");
    const char *q = p + MIN(strcspn(p, "/") + 1, end);
    for (unsigned i = 0; i < ARRAY_LEN(s->fields) && q <= p + end; i++) {
        size_t len = MIN(strcspn(q, "/,"), (size_t)(p + end - q));
        snprintf(s->fields[i], sizeof(s->fields[i]), "%.*s", (int)len, q);
        q += len + 1;
    }
    return p + end + (p[end] == ',');
}

static void put_remote(struct rec *r, const char *name, const char *text)
{
    rec_set_text(r, name, *text ? text : "any");
}

static void list_serial(struct listing *l)
{
    for (u32 i = 0; i < l->sys->lps_len; i++) {
        const struct lp *lp = l->sys->lps[i];
        struct serial s;
        if (!lp->current)
            continue;
        for (const char *p = rec_text(lp->current, "virtual_serial_adapters"); *p;) {
            struct rec *r = start(l);
            if (!r)
                return;
            p = parse_serial(p, &s);
            rec_set_text(r, "lpar_name", lp_name(lp));
            rec_set_num(r, "lpar_id", lp->id);
            rec_set_num(r, "slot_num", s.slot);
            rec_set_num(r, "state", lp_active(lp));
            rec_set_num(r, "is_required", s.fields[5][0] == '1');
            rec_set_text(r, "adapter_type", s.fields[0]);
            rec_set_num(r, "supports_hmc", s.fields[1][0] == '1');
            put_remote(r, "remote_lpar_id", s.fields[2]);
            put_remote(r, "remote_lpar_name", s.fields[3]);
            put_remote(r, "remote_slot_num", s.fields[4]);
            give(l, r);
            rec_free(r);
        }
    }
}

static int adapters_of(const struct lp *lp, struct veth adapters[VETH_MAX])
{
    char why[256];
    int len = lp->current ? veth_parse(rec_text(lp->current, "virtual_eth_adapters"), adapters, why, sizeof(why)) : 0;
    return MAX(len, 0); // checked when it was set
}

// Of an adapter that is there now.
static void put_counts(const struct sys *sys, struct rec *r, u32 lpar_id, u32 slot)
{
    static const char *const causes[DROP_CAUSES] = {
#define DROP(name, text, why) [DROP_##name] = text,
        PORT_DROPS(DROP)
#undef DROP
    };
    struct network_counts c;
    if (!network_counts(sys, lpar_id, slot, &c))
        return;
    u64 drops = c.adapter.send_drops + c.adapter.no_buffer;
    for (u32 i = 0; i < DROP_CAUSES; i++) {
        rec_set_num(r, causes[i], c.port.drops[i]);
        drops += c.port.drops[i];
    }
    rec_set_num(r, "sent_packets", c.port.sent);
    rec_set_num(r, "sent_bytes", c.port.sent_bytes);
    rec_set_num(r, "received_packets", c.port.received);
    rec_set_num(r, "received_bytes", c.port.received_bytes);
    rec_set_num(r, "multicast_packets", c.port.multicast_sent);
    rec_set_num(r, "broadcast_packets", c.port.broadcast_sent);
    rec_set_num(r, "dropped_packets", drops);
    rec_set_num(r, "send_failures", c.adapter.send_drops);
    rec_set_num(r, "no_buffers", c.adapter.no_buffer);
    rec_set_num(r, "filtered_packets", c.adapter.filtered);
    rec_set_num(r, "interrupts", c.adapter.interrupts);
    rec_set_num(r, "buffers", c.adapter.buffers);
    rec_set_num(r, "buffers_max", c.adapter.buffers_max);
}

static void list_eth(struct listing *l)
{
    for (u32 i = 0; i < l->sys->lps_len; i++) {
        const struct lp *lp = l->sys->lps[i];
        struct veth adapters[VETH_MAX];
        int len = adapters_of(lp, adapters);
        for (int n = 0; n < len; n++) {
            const struct veth *v = &adapters[n];
            struct rec *r = start(l);
            char text[128], mac[13];
            if (!r)
                return;
            rec_set_text(r, "lpar_name", lp_name(lp));
            rec_set_num(r, "lpar_id", lp->id);
            rec_set_num(r, "slot_num", v->slot);
            rec_set_num(r, "state", lp_active(lp));
            rec_set_num(r, "is_required", v->required);
            rec_set_num(r, "is_trunk", v->trunk != 0);
            rec_set_num(r, "trunk_priority", v->trunk);
            rec_set_num(r, "ieee_virtual_eth", v->ieee);
            rec_set_num(r, "port_vlan_id", v->pvid);
            rec_set_text(r, "vswitch", v->vswitch);
            veth_vlans(v, text, sizeof(text));
            rec_set_text(r, "addl_vlan_ids", text);
            veth_mac(v, rec_text(l->sys->rec, "serial_num"), lp->id, mac);
            for (char *p = mac; *p; p++)
                *p = (char)toupper((unsigned char)*p);
            rec_set_text(r, "mac_addr", mac);
            rec_set_text(r, "allowed_os_mac_addrs", v->macs);
            snprintf(text, sizeof(text), "%u", v->qos);
            rec_set_text(r, "qos_priority", v->qos == VETH_QOS_NONE ? "none" : text);
            rec_set_num(r, "rate_limit", v->rate);
            put_counts(l->sys, r, lp->id, v->slot);
            give(l, r);
            rec_free(r);
        }
    }
}

static void put_number_or_any(struct rec *r, const char *name, u32 number)
{
    char text[16];
    snprintf(text, sizeof(text), "%u", number);
    rec_set_text(r, name, number ? text : "any");
}

static void list_scsi(struct listing *l)
{
    for (u32 i = 0; i < l->sys->lps_len; i++) {
        const struct lp *lp = l->sys->lps[i];
        struct vscsi_adapter adapters[VSCSI_ADAPTERS_MAX];
        u32 len = vscsi_of(lp, adapters);
        for (u32 n = 0; n < len; n++) {
            const struct vscsi_adapter *a = &adapters[n];
            const struct lp *remote = vscsi_remote(l->sys, a);
            struct rec *r = start(l);
            if (!r)
                return;
            rec_set_text(r, "lpar_name", lp_name(lp));
            rec_set_num(r, "lpar_id", lp->id);
            rec_set_num(r, "slot_num", a->slot);
            rec_set_num(r, "state", lp_active(lp));
            rec_set_num(r, "is_required", a->required);
            rec_set_text(r, "adapter_type", a->server ? "server" : "client");
            put_number_or_any(r, "remote_lpar_id", remote ? remote->id : a->remote_id);
            rec_set_text(r, "remote_lpar_name", remote ? lp_name(remote) : a->remote_name);
            put_number_or_any(r, "remote_slot_num", a->remote_slot);
            give(l, r);
            rec_free(r);
        }
    }
}

static void list_vswitches(struct listing *l)
{
    struct vswitch *all = calloc(VSWITCHES_MAX, sizeof(*all));
    u32 len = all ? vswitch_list(l->sys, all) : 0;
    l->failed |= !all;
    for (u32 i = 0; i < len; i++) {
        struct rec *r = start(l);
        char text[1024] = "";
        size_t used = 0;
        for (u32 vlan = 1; vlan < 4095 && used < sizeof(text) - 8; vlan++)
            if (all[i].vlans[vlan / 8] >> vlan % 8 & 1)
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u", used ? "," : "", vlan);
        if (!r)
            break;
        rec_set_text(r, "vswitch", all[i].name);
        rec_set_text(r, "switch_mode", all[i].vepa ? "VEPA" : "VEB");
        rec_set_text(r, "allowed_lpars", "all");
        rec_set_text(r, "vlans", text);
        give(l, r);
        rec_free(r);
    }
    free(all);
}

static void list_eth_sys(struct listing *l)
{
    struct rec *r = start(l);
    char mac[13];
    if (!r)
        return;
    veth_mac(&(struct veth){0}, rec_text(l->sys->rec, "serial_num"), 0, mac);
    mac[6] = 0; // what is the system's
    for (char *p = mac; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    rec_set_text(r, "mac_prefix", mac);
    rec_set_num(r, "max_adapters", VETH_MAX);
    rec_set_num(r, "max_vlans_per_port", VETH_VLANS_MAX);
    rec_set_num(r, "max_vswitches", VSWITCHES_MAX);
    give(l, r);
    rec_free(r);
}

bool service_slot_used(const struct lp *lp, u64 slot)
{
    struct serial s;
    struct veth adapters[VETH_MAX];
    struct vscsi_adapter scsi[VSCSI_ADAPTERS_MAX];
    int len = adapters_of(lp, adapters);
    u32 scsi_len = vscsi_of(lp, scsi);
    for (int i = 0; i < len; i++)
        if (adapters[i].slot == slot)
            return true;
    for (u32 i = 0; i < scsi_len; i++)
        if (scsi[i].slot == slot)
            return true;
    for (const char *p = rec_text(lp->current, "virtual_serial_adapters"); *p;) {
        p = parse_serial(p, &s);
        if (s.slot == slot)
            return true;
    }
    return false;
}

static void list_vio_lpar(struct listing *l)
{
    for (u32 i = 0; i < l->sys->lps_len; i++) {
        const struct lp *lp = l->sys->lps[i];
        struct rec *r = lp->current ? start(l) : NULL;
        if (!r)
            continue;
        u64 max = rec_num(lp->current, "max_virtual_slots"), next = 2; // 0 and 1 are serial adapters
        while (next < max && service_slot_used(lp, next))
            next++;
        rec_set_text(r, "lpar_name", lp_name(lp));
        rec_set_num(r, "lpar_id", lp->id);
        rec_set_num(r, "curr_max_virtual_slots", max);
        rec_set_num(r, "pend_max_virtual_slots", max);
        if (next < max)
            rec_set_num(r, "next_avail_virtual_slot", next);
        give(l, r);
        rec_free(r);
    }
}

static void give_slot(struct listing *l, const struct lp *lp, u64 slot, const char *config)
{
    char text[100];
    struct rec *r = start(l);
    if (!r)
        return;
    rec_set_num(r, "slot_num", slot);
    rec_set_text(r, "lpar_name", lp_name(lp));
    rec_set_num(r, "lpar_id", lp->id);
    rec_set_text(r, "config", config);
    rec_set_num(r, "state", lp_active(lp));
    slots_name(l->sys, lp, slot, text);
    rec_set_text(r, "drc_name", text);
    give(l, r);
    rec_free(r);
}

static void list_vio_slot(struct listing *l)
{
    for (u32 i = 0; i < l->sys->lps_len; i++) {
        const struct lp *lp = l->sys->lps[i];
        struct serial s;
        struct veth eth[VETH_MAX];
        struct vscsi_adapter scsi[VSCSI_ADAPTERS_MAX];
        int eth_len = adapters_of(lp, eth);
        u32 scsi_len = vscsi_of(lp, scsi);
        for (const char *p = lp->current ? rec_text(lp->current, "virtual_serial_adapters") : ""; *p;) {
            p = parse_serial(p, &s);
            give_slot(l, lp, s.slot, "serial");
        }
        for (int n = 0; n < eth_len; n++)
            give_slot(l, lp, eth[n].slot, "ethernet");
        for (u32 n = 0; n < scsi_len; n++)
            give_slot(l, lp, scsi[n].slot, "scsi");
    }
}

int service_list(struct sys *sys, const struct wire_message *m,
                 void (*row)(void *arg, const struct wire_record *values), void *arg, struct answer *answer)
{
    struct listing l = {sys, m, row, arg, false};
    switch (m->object) {
    case OBJECT_LIC: list_lic(&l); break;
    case OBJECT_LED_SYS:
    case OBJECT_LED_LPAR: list_leds(&l); break;
    case OBJECT_CONSOLE_EVENT: l.failed |= store_each_command(sys->store, give_command, &l) != 0; break;
    case OBJECT_SVCEVENT: l.failed |= store_each_event(sys->store, -1, STORE_EVENTS_MAX, give_event, &l) != 0; break;
    case OBJECT_VIO_SERIAL: list_serial(&l); break;
    case OBJECT_VIO_LPAR: list_vio_lpar(&l); break;
    case OBJECT_VIO_ETH: list_eth(&l); break;
    case OBJECT_VIO_SCSI: list_scsi(&l); break;
    case OBJECT_VSWITCH: list_vswitches(&l); break;
    case OBJECT_VIO_ETH_SYS: list_eth_sys(&l); break;
    default: list_vio_slot(&l); break;
    }
    return l.failed ? refuse(answer, "HSCL3205", "The list could not be made: %s.", store_error(sys->store)) : 0;
}

static int change_led(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    const char *state = wire_text(&m->values, "state");
    struct lp *lp = m->object == OBJECT_LED_LPAR ? objects_find_lp(sys, &m->where, "lpar_name", answer) : NULL;
    if (m->object == OBJECT_LED_LPAR && !lp)
        return -1;
    if (!state || (strcmp(state, "on") && strcmp(state, "off")))
        return refuse_parameter(answer, "-o", "a LED can be switched on and off");
    if (strcmp(state, "on") == 0) {
        sys_event(sys, lp, REFCODE_LED_ON, "the attention LED was switched on");
        return 0;
    }
    return store_led_off(sys->store, lp ? lp->id : 0) ? refuse_store(answer, sys) : 0;
}

static int close_event(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    u64 number = wire_num(&m->where, "problem_num", 0);
    const char *status = wire_text(&m->values, "status");
    bool found;
    if (!number || !status || strcmp(status, "Closed"))
        return refuse_parameter(answer, "-p", "the number of the event to be closed is missing");
    if (store_close_event(sys->store, (s64)MIN(number, (u64)INT64_MAX), &found))
        return refuse_store(answer, sys);
    return found ? 0
                 : refuse(answer, "HSCL0622", "There is no serviceable event with the number %llu.",
                          (unsigned long long)number);
}

int service_change(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    return m->object == OBJECT_SVCEVENT ? close_event(sys, m, answer) : change_led(sys, m, answer);
}
