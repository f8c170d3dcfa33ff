// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hyper/config.h"
#include "hyper/network.h"
#include "hyper/objects.h"
#include "hyper/slots.h"
#include "hyper/veth.h"

struct adapters {
    struct lp *lp;
    struct veth each[VETH_MAX];
    u32 len;
};

static void read_all(struct adapters *a, struct lp *lp)
{
    char why[256];
    a->lp = lp;
    int len = veth_parse(rec_text(lp->current, "virtual_eth_adapters"), a->each, why, sizeof(why));
    a->len = (u32)MAX(len, 0); // checked when it was set
}

// The configuration of the partition that is meant.
static int load(struct sys *sys, const struct wire_message *m, struct adapters *a, struct answer *answer)
{
    struct lp *lp = objects_find_lp(sys, &m->where, "lpar_name", answer);
    if (!lp)
        return -1;
    if (!lp->current)
        return refuse(answer, "HSCL0622",
                      "The partition %s was never activated: it has profiles, and no configuration yet. Change its "
                      "profile (chsyscfg -r prof), or activate it.",
                      lp_name(lp));
    read_all(a, lp);
    return 0;
}

static int save(struct sys *sys, struct adapters *a, struct answer *answer)
{
    char text[1024];
    if (veth_format(a->each, a->len, text, sizeof(text)) >= (int)sizeof(text))
        return refuse(answer, "HSCL0622", "The partition %s has more adapters than its configuration can hold.",
                      lp_name(a->lp));
    return config_set_text(sys, a->lp, "virtual_eth_adapters", text, answer);
}

static struct veth *in_slot(struct adapters *a, u64 slot)
{
    for (u32 i = 0; i < a->len; i++)
        if (a->each[i].slot == slot)
            return &a->each[i];
    return NULL;
}

static int no_slot(const struct adapters *a, u64 slot, struct answer *answer)
{
    return refuse(answer, "HSCL0622", "The partition %s has no virtual Ethernet adapter in slot %llu.", lp_name(a->lp),
                  (unsigned long long)slot);
}

static bool take_flag(const struct wire_record *v, const char *name, bool old)
{
    return wire_num(v, name, old) != 0;
}

static bool vlan_at(const struct veth *v, u32 vlan, u32 *at)
{
    for (*at = 0; *at < v->vlans_len; ++*at)
        if (v->vlans[*at] == vlan)
            return true;
    return false;
}

// A list that replaces, adds to or takes from the further VLANs.
static int take_vlans(const struct wire_value *given, struct veth *v, struct answer *answer)
{
    const char *p = given->text && strcmp(given->text, "none") != 0 ? given->text : "";
    if (given->change == WIRE_SET)
        v->vlans_len = 0;
    while (*p) {
        char *end;
        unsigned long vlan = strtoul(p, &end, 10);
        u32 at;
        bool there = vlan_at(v, (u32)vlan, &at);
        if (end == p || (*end && *end != ',') || vlan > 0xffff)
            return refuse_parameter(answer, "-a", "addl_vlan_ids=%s: VLANs are numbers with commas between them",
                                    given->text);
        if (given->change == WIRE_TAKE && there)
            v->vlans[at] = v->vlans[--v->vlans_len];
        if (given->change != WIRE_TAKE && !there) {
            if (v->vlans_len == VETH_VLANS_MAX)
                return refuse_parameter(answer, "-a", "addl_vlan_ids: an adapter has up to %u", VETH_VLANS_MAX);
            v->vlans[v->vlans_len++] = (u16)vlan;
        }
        p = *end ? end + 1 : end;
    }
    return 0;
}

static int take_text(const struct wire_record *values, const char *name, char *to, size_t size, struct answer *answer)
{
    const char *text = wire_text(values, name);
    if (text && (size_t)snprintf(to, size, "%s", text) >= size)
        return refuse_parameter(answer, "-a", "%s=%s is too long", name, text);
    return 0;
}

// What is given; whether it goes together, is checked by writing the adapter and reading it again.
static int take(const struct wire_record *values, struct veth *v, struct answer *answer)
{
    const struct wire_value *vlans = wire_get(values, "addl_vlan_ids");
    const char *qos = wire_text(values, "qos_priority");
    for (u32 i = 0; i < values->len; i++) {
        const struct attr *attr = attr_find(OBJECT_VIO_ETH, values->pairs[i].name);
        char why[300];
        if (!attr || !(attr->flags & (ATTR_MAKE | ATTR_CHANGE)))
            return refuse_parameter(answer, "-a", "%s is no attribute that can be given here", values->pairs[i].name);
        if (attr_check(attr, &values->pairs[i].value, why, sizeof(why)))
            return refuse_parameter(answer, "-a", "%s: %s", attr->name, why);
    }
    bool trunk = take_flag(values, "is_trunk", v->trunk != 0);
    v->ieee = take_flag(values, "ieee_virtual_eth", v->ieee || (vlans && vlans->change != WIRE_TAKE));
    v->required = take_flag(values, "is_required", v->required);
    v->pvid = (u16)wire_num(values, "port_vlan_id", v->pvid);
    v->trunk = (u8)wire_num(values, "trunk_priority", trunk ? MAX(v->trunk, 1) : 0);
    v->rate = (u32)wire_num(values, "rate_limit", v->rate);
    if (qos)
        v->qos = strcmp(qos, "none") ? (u8)strtoul(qos, NULL, 10) : VETH_QOS_NONE;
    return (vlans && take_vlans(vlans, v, answer)) ||
           take_text(values, "vswitch", v->vswitch, sizeof(v->vswitch), answer) ||
           take_text(values, "mac_addr", v->mac, sizeof(v->mac), answer) ||
           take_text(values, "allowed_os_mac_addrs", v->macs, sizeof(v->macs), answer);
}

int veth_create(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct adapters a;
    struct veth v = {.vswitch = "ETHERNET0", .macs = "all", .qos = VETH_QOS_NONE};
    if (load(sys, m, &a, answer))
        return -1;
    if (lp_active(a.lp) && slots_check(a.lp, answer))
        return -1;
    if (!wire_get(&m->values, "port_vlan_id") || !wire_get(&m->values, "ieee_virtual_eth"))
        return refuse_parameter(answer, "-a", "ieee_virtual_eth and port_vlan_id are needed");
    u64 slot = wire_num(&m->where, "slot_num", 0);
    for (u64 free = 2; !slot && free <= VETH_SLOT_MAX; free++)
        slot = in_slot(&a, free) ? 0 : free;
    if (a.len == VETH_MAX || in_slot(&a, slot))
        return refuse(answer, "HSCL0622", "The partition %s has an adapter in slot %llu already, or %u adapters.",
                      lp_name(a.lp), (unsigned long long)slot, VETH_MAX);
    v.slot = (u32)slot;
    if (take(&m->values, &v, answer))
        return -1;
    a.each[a.len++] = v;
    if (save(sys, &a, answer))
        return -1;
    return lp_active(a.lp) ? slots_plug_eth(sys, a.lp, &v, m, answer) : 0;
}

int veth_forget(struct sys *sys, struct lp *lp, u64 slot, struct answer *answer)
{
    struct adapters a;
    read_all(&a, lp);
    struct veth *v = in_slot(&a, slot);
    if (!v)
        return 0;
    memmove(v, v + 1, (size_t)(&a.each[--a.len] - v) * sizeof(*v));
    return save(sys, &a, answer);
}

int veth_remove(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct adapters a;
    u64 slot = wire_num(&m->where, "slot_num", 0);
    if (load(sys, m, &a, answer))
        return -1;
    if (!in_slot(&a, slot))
        return no_slot(&a, slot, answer);
    if (!lp_active(a.lp))
        return veth_forget(sys, a.lp, slot, answer);
    return slots_check(a.lp, answer) ? -1 : slots_unplug(sys, a.lp, (u32)slot, true, m);
}

int veth_change(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct adapters a;
    u64 slot = wire_num(&m->where, "slot_num", 0);
    static const char *const fixed[] = {"is_trunk", "trunk_priority", "mac_addr", "vswitch"};
    if (load(sys, m, &a, answer))
        return -1;
    struct veth *v = in_slot(&a, slot);
    if (!v)
        return no_slot(&a, slot, answer);
    for (unsigned i = 0; lp_active(a.lp) && i < ARRAY_LEN(fixed); i++)
        if (wire_get(&m->values, fixed[i]))
            return refuse(answer, "HSCL2957", "%s of an adapter is changed while the partition %s is off.", fixed[i],
                          lp_name(a.lp));
    if (take(&m->values, v, answer) || save(sys, &a, answer))
        return -1;
    network_changed(sys);
    return 0;
}
