// SPDX-License-Identifier: Apache-2.0
//
// Two fields are lists, with the same commas that stand between adapters. What follows a comma is told apart by its place: the list of VLANs goes on to the next slash, and that of addresses
// goes on when twelve hexadecimal digits follow.
#include "hyper/veth.h"

#include <stdio.h>
#include <string.h>

#include "hyper/adapter.h"

#define FIELDS    11u
#define FIELD_MAX 128u
#define VID_LAST  4094u

enum field { SLOT, IEEE, PVID, VLANS, TRUNK, REQUIRED, VSWITCH, MAC, MACS, QOS, RATE };

static bool is_mac(const char *text)
{
    return strspn(text, "0123456789abcdefABCDEF") == 12;
}

// The next adapter's fields; NULL: too many, or one that is too long.
static const char *take_fields(const char *p, char fields[FIELDS][FIELD_MAX])
{
    u32 field = 0, len = 0;
    memset(fields, 0, FIELDS * FIELD_MAX);
    for (; *p; p++) {
        if (*p == '"')
            continue;
        if (*p == ',' && field != VLANS && !(field == MACS && is_mac(p + 1)))
            return p + 1;
        if (*p == '/') {
            if (++field == FIELDS)
                return NULL;
            len = 0;
        } else if (len + 1 < FIELD_MAX) {
            fields[field][len++] = *p;
        } else {
            return NULL;
        }
    }
    return p;
}

size_t veth_item(const char *text)
{
    char fields[FIELDS][FIELD_MAX];
    const char *next = take_fields(text, fields);
    if (!next)
        return strlen(text);
    return (size_t)(next - text) - (next > text && next[-1] == ',');
}

static bool take_vlans(char *text, struct veth *v)
{
    char *rest = *text ? text : NULL;
    for (char *item; (item = strsep(&rest, ","));) {
        u32 vlan;
        if (v->vlans_len == VETH_VLANS_MAX || !adapter_number(item, 1, VID_LAST, &vlan) || vlan == v->pvid)
            return false;
        for (u32 i = 0; i < v->vlans_len; i++)
            if (v->vlans[i] == vlan)
                return false;
        v->vlans[v->vlans_len++] = (u16)vlan;
    }
    return true;
}

static bool take_macs(const char *text, struct veth *v)
{
    snprintf(v->macs, sizeof(v->macs), "%s", *text ? text : "all");
    if (!strcmp(v->macs, "all") || !strcmp(v->macs, "none"))
        return true;
    u32 len = 0;
    for (const char *p = text; is_mac(p); p += 13, len++)
        if (!p[12])
            return len < 4;
    return false;
}

static int take(char fields[FIELDS][FIELD_MAX], struct veth *v, char *why, size_t size)
{
    u32 ieee, pvid, trunk, required, qos = VETH_QOS_NONE;
    *v = (struct veth){0};
    if (!adapter_number(fields[SLOT], 2, VETH_SLOT_MAX, &v->slot))
        return adapter_wrong(why, size, "the slot '%s' is none of 2 to %u", fields[SLOT], VETH_SLOT_MAX);
    if (!adapter_number(fields[IEEE], 0, 1, &ieee))
        return adapter_wrong(why, size, "slot %u: whether it has 802.1Q is 0 or 1", v->slot);
    if (!adapter_number(fields[PVID], 1, VID_LAST, &pvid))
        return adapter_wrong(why, size, "slot %u: the port VLAN is 1 to %u", v->slot, VID_LAST);
    v->pvid = (u16)pvid;
    v->ieee = ieee;
    if (!take_vlans(fields[VLANS], v))
        return adapter_wrong(
            why, size, "slot %u: further VLANs are up to %u numbers from 1 to %u, each once, without the port VLAN",
            v->slot, VETH_VLANS_MAX, VID_LAST);
    if (v->vlans_len && !ieee)
        return adapter_wrong(why, size, "slot %u: an adapter with further VLANs needs 802.1Q (the second field is 1)",
                             v->slot);
    if (!adapter_number(fields[TRUNK], 0, 15, &trunk))
        return adapter_wrong(why, size, "slot %u: the priority of a trunk is 1 to 15, and 0 is no trunk", v->slot);
    if (!adapter_number(fields[REQUIRED], 0, 1, &required))
        return adapter_wrong(why, size, "slot %u: whether it is required is 0 or 1", v->slot);
    v->trunk = (u8)trunk;
    v->required = required;
    const char *vswitch = *fields[VSWITCH] ? fields[VSWITCH] : "ETHERNET0";
    if (strlen(vswitch) >= sizeof(v->vswitch))
        return adapter_wrong(why, size, "slot %u: the name of its switch is too long", v->slot);
    snprintf(v->vswitch, sizeof(v->vswitch), "%.31s", vswitch);
    if (*fields[MAC] && (!is_mac(fields[MAC]) || fields[MAC][12] || strchr("13579bBdDfF", fields[MAC][1])))
        return adapter_wrong(why, size, "slot %u: an address is twelve hexadecimal digits, the second of them even",
                             v->slot);
    snprintf(v->mac, sizeof(v->mac), "%.12s", fields[MAC]);
    if (!take_macs(fields[MACS], v))
        return adapter_wrong(why, size, "slot %u: addresses that are allowed are all, none, or up to four", v->slot);
    if (*fields[QOS] && strcmp(fields[QOS], "none") != 0 && !adapter_number(fields[QOS], 0, 7, &qos))
        return adapter_wrong(why, size, "slot %u: the quality of service is none or 0 to 7", v->slot);
    v->qos = (u8)qos;
    if (*fields[RATE] && !adapter_number(fields[RATE], 0, VETH_RATE_MAX, &v->rate))
        return adapter_wrong(why, size, "slot %u: the rate is 0 (no limit) to %u Mbit/s", v->slot, VETH_RATE_MAX);
    return 0;
}

int veth_parse(const char *text, struct veth adapters[VETH_MAX], char *why, size_t why_size)
{
    char fields[FIELDS][FIELD_MAX];
    u32 len = 0;
    if (!strcmp(text, "none"))
        return 0;
    while (*text) {
        if (len == VETH_MAX)
            return adapter_wrong(why, why_size, "a partition has at most %u adapters", VETH_MAX);
        text = take_fields(text, fields);
        if (!text)
            return adapter_wrong(why, why_size,
                                 "an adapter is slot/ieee/pvid/vlans/trunk/required/vswitch/mac/allowed/qos/rate");
        if (take(fields, &adapters[len], why, why_size))
            return -1;
        for (u32 i = 0; i < len; i++)
            if (adapters[i].slot == adapters[len].slot)
                return adapter_wrong(why, why_size, "two adapters are in slot %u", adapters[i].slot);
        len++;
    }
    return (int)len;
}

int veth_format(const struct veth *adapters, u32 len, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s", len ? "" : "none");
    for (u32 i = 0; i < len; i++) {
        const struct veth *v = &adapters[i];
        char vlans[128], qos[8] = "none", rate[16] = "";
        veth_vlans(v, vlans, sizeof(vlans));
        if (v->qos != VETH_QOS_NONE)
            snprintf(qos, sizeof(qos), "%u", v->qos);
        if (v->rate)
            snprintf(rate, sizeof(rate), "/%u", v->rate);
        const char *quote = v->vlans_len > 1 || strchr(v->macs, ',') ? "\"" : "";
        used += (size_t)snprintf(used < size ? text + used : NULL, used < size ? size - used : 0,
                                 "%s%s%u/%u/%u/%s/%u/%u/%s/%s/%s/%s%s%s", i ? "," : "", quote, v->slot, v->ieee,
                                 v->pvid, vlans, v->trunk, v->required, v->vswitch, v->mac, v->macs, qos, rate, quote);
    }
    return (int)used;
}

bool veth_mac_bytes(const char mac[13], u8 bytes[6])
{
    unsigned b[6];
    if (sscanf(mac, "%2x%2x%2x%2x%2x%2x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]) != 6)
        return false;
    for (u32 i = 0; i < 6; i++)
        bytes[i] = (u8)b[i];
    return true;
}

void veth_vlans(const struct veth *veth, char *text, size_t size)
{
    size_t used = 0;
    *text = 0;
    for (u32 i = 0; i < veth->vlans_len && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%u", i ? "," : "", veth->vlans[i]);
}

void veth_mac(const struct veth *veth, const char *serial, u32 lpar_id, char mac[13])
{
    u32 hash = 2166136261u; // FNV-1a
    for (; *serial; serial++)
        hash = (hash ^ (u8)*serial) * 16777619u;
    if (*veth->mac)
        memcpy(mac, veth->mac, 13);
    else
        snprintf(mac, 13, "02%04x%04x%02x", hash & 0xffff, lpar_id & 0xffff, veth->slot & 0xff);
}
