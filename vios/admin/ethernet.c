// SPDX-License-Identifier: Apache-2.0
//
// Ethernet adapters in the database: virtual ones (type ent), what the server has of the host (pent), VLANs (vlan) and aggregations (lnagg) of those, and Shared Ethernet Adapters (sea). All are named
// entN. What belongs together is in attributes, which name adapters with commas between them.
#include "vios/admin/ios_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool ethernet_is_real(const struct device *d)
{
    return strcmp(d->type, "pent") == 0 || strcmp(d->type, "vlan") == 0 || strcmp(d->type, "lnagg") == 0;
}

bool ethernet_is(const struct device *d)
{
    return strcmp(d->type, "ent") == 0 || strcmp(d->type, "sea") == 0 || ethernet_is_real(d);
}

bool ethernet_user(struct ios *ios, const char *adapter, char user[NAME_SIZE])
{
    return odm_text(ios, user, NAME_SIZE,
                    "SELECT device FROM attribute WHERE name IN ('real_adapter', 'virt_adapters', 'ctl_chan', "
                    "'base_adapter', 'adapter_names', 'backup_adapter') AND ',' || value || ',' LIKE '%,' || ? || "
                    "',%'",
                    "s", adapter);
}

// --- What the process was given

static void add_network(struct ios *ios, const char *network, u32 number)
{
    char name[NAME_SIZE], base[LOCATION_SIZE];
    struct device d = {.class = "adapter", .type = "pent", .parent = "vio0", .available = true, .slot = -1};
    if (odm_text(ios, name, sizeof(name),
                 "SELECT a.device FROM attribute a JOIN device d ON d.name = a.device WHERE d.type = 'pent' AND a.name "
                 "= 'network' AND a.value = ?",
                 "s", network)) {
        odm_run(ios, "UPDATE device SET state = 1 WHERE name = ?", "s", name);
        return;
    }
    device_new_name(ios, "ent", d.name);
    device_base_location(ios, base);
    snprintf(d.location, sizeof(d.location), "%.*s-P1-T%u", (int)(strrchr(base, '-') - base), base, number);
    snprintf(d.description, sizeof(d.description), "Host Ethernet (%.60s)", network);
    device_add(ios, &d);
    device_set_attribute(ios, d.name, "network", network);
}

void ethernet_configure(struct ios *ios)
{
    if (!odm_begin(ios))
        return;
    odm_run(ios, "UPDATE device SET state = 0 WHERE type = 'pent'", "");
    for (u32 i = 0; i < ios->config.networks_len; i++)
        add_network(ios, ios->config.networks[i], i + 1);
    odm_commit(ios);
}

// --- What carries frames

struct plan {
    struct ios_sea sea;
    char networks[IOS_REALS_MAX][PATH_SIZE];
};

static u32 attribute_number(struct ios *ios, const char *device, const char *name)
{
    char text[NAME_SIZE];
    device_attribute(ios, device, name, text, sizeof(text));
    return (u32)strtoul(text, NULL, 10);
}

static int add_real(struct ios *ios, struct plan *p, const char *name, bool backup, char *why)
{
    struct device d;
    u32 at = p->sea.reals_len;
    if (!device_find(ios, name, &d) || strcmp(d.type, "pent") || !d.available || at == IOS_REALS_MAX) {
        snprintf(why, IOS_WHY_MAX,
                 "the adapter %.40s is not there; the list vios_networks of the partition's profile gives it", name);
        return -ENODEV;
    }
    device_attribute(ios, name, "network", p->networks[at], PATH_SIZE);
    p->sea.reals[at].network = p->networks[at];
    p->sea.reals[at].backup = backup;
    p->sea.reals_len++;
    return 0;
}

static int add_aggregation(struct ios *ios, struct plan *p, const char *name, char *why)
{
    char names[512], backup[NAME_SIZE], mode[16], hash[16], *rest = names;
    int err = 0;
    device_attribute(ios, name, "adapter_names", names, sizeof(names));
    device_attribute(ios, name, "backup_adapter", backup, sizeof(backup));
    device_attribute(ios, name, "mode", mode, sizeof(mode));
    device_attribute(ios, name, "hash_mode", hash, sizeof(hash));
    p->sea.mode = strcmp(mode, "8023ad") == 0   ? IOS_SEA_8023AD
                  : strcmp(mode, "backup") == 0 ? IOS_SEA_BACKUP
                                                : IOS_SEA_STANDARD;
    p->sea.hash_ports = strcmp(hash, "src_dst_port") == 0;
    for (char *one; !err && (one = strsep(&rest, ",")) != NULL;)
        err = add_real(ios, p, one, false, why);
    return err || !*backup ? err : add_real(ios, p, backup, true, why);
}

static int add_reals(struct ios *ios, struct plan *p, const char *name, char *why)
{
    struct device d;
    char base[NAME_SIZE];
    if (!device_find(ios, name, &d))
        return add_real(ios, p, name, false, why);
    if (strcmp(d.type, "vlan") == 0) {
        p->sea.vlan = (u16)attribute_number(ios, name, "vlan_tag_id");
        device_attribute(ios, name, "base_adapter", base, sizeof(base));
        return add_reals(ios, p, base, why);
    }
    return strcmp(d.type, "lnagg") == 0 ? add_aggregation(ios, p, name, why) : add_real(ios, p, name, false, why);
}

static void add_trunk(struct ios *ios, struct plan *p, const char *name)
{
    struct device d;
    if (!device_find(ios, name, &d) || d.slot < 0 || p->sea.slots_len == IOS_TRUNKS_MAX)
        return;
    for (u32 i = 0; i < p->sea.slots_len; i++)
        if (p->sea.slots[i] == (u32)d.slot)
            return;
    p->sea.slots[p->sea.slots_len++] = (u32)d.slot;
}

static int make_plan(struct ios *ios, const char *name, struct plan *p, char *why)
{
    char real[NAME_SIZE], trunks[512], first[NAME_SIZE], control[NAME_SIZE], mode[16], *rest = trunks;
    struct device d;
    memset(p, 0, sizeof(*p));
    device_attribute(ios, name, "real_adapter", real, sizeof(real));
    device_attribute(ios, name, "virt_adapters", trunks, sizeof(trunks));
    device_attribute(ios, name, "pvid_adapter", first, sizeof(first));
    device_attribute(ios, name, "ctl_chan", control, sizeof(control));
    device_attribute(ios, name, "ha_mode", mode, sizeof(mode));
    p->sea.default_id = (u16)attribute_number(ios, name, "pvid");
    add_trunk(ios, p, first);
    for (char *one; (one = strsep(&rest, ",")) != NULL;)
        add_trunk(ios, p, one);
    if (*mode && strcmp(mode, "disabled") && device_find(ios, control, &d)) {
        p->sea.control_slot = (u32)d.slot;
        p->sea.priority = attribute_number(ios, first, "trunk_priority");
        p->sea.standby = strcmp(mode, "standby") == 0;
        p->sea.sharing = strcmp(mode, "sharing") == 0;
    }
    return add_reals(ios, p, real, why);
}

int ethernet_tell(struct ios *ios, const char *name, char *why)
{
    const struct ios_net_effects *e = ios->config.net_effects;
    struct plan p;
    struct device d;
    bool there = device_find(ios, name, &d);
    int err = there ? make_plan(ios, name, &p, why) : 0;
    if (ios->writing)
        snprintf(ios->bridged, sizeof(ios->bridged), "%s", name);
    if (err || !e || !e->bridge)
        return err;
    return e->bridge(ios->config.net_context, name, there ? &p.sea : NULL, why);
}

static void tell_or_report(struct ios *ios, const char *name)
{
    char why[IOS_WHY_MAX] = "";
    if (ethernet_tell(ios, name, why))
        ios_report(ios, 'H', "SEA_FAILED", name, why);
}

void ethernet_restore(struct ios *ios)
{
    char name[NAME_SIZE];
    memcpy(name, ios->bridged, sizeof(name));
    *ios->bridged = 0;
    if (*name)
        tell_or_report(ios, name);
}

void ios_bridge_all(struct ios *ios)
{
    struct query q;
    query_begin(&q, ios, "SELECT name FROM device WHERE type = 'sea' ORDER BY length(name), name", "");
    while (query_next(&q))
        tell_or_report(ios, query_text(&q, 0));
    query_end(&q);
}

// --- lsmap -net

static void put_sea(struct ios_call *call, const char *name, const char *fmt)
{
    struct device sea, real = {0};
    char backing[NAME_SIZE];
    device_attribute(call->ios, name, "real_adapter", backing, sizeof(backing));
    if (!device_find(call->ios, name, &sea))
        return;
    device_find(call->ios, backing, &real);
    const char *status = sea.available ? "Available" : "Defined";
    if (fmt)
        say(call, "%s%s%s%s%s%s%s%s\n", fmt, name, fmt, backing, fmt, status, fmt, real.location);
    else
        say(call,
            "\nSEA                   %s\nBacking device        %s\nStatus                %s\nPhysloc               "
            "%s\n",
            name, backing, status, real.location);
}

int ethernet_list(struct ios_call *call)
{
    const char *only = call_value(call, "-vadapter"), *fmt = call_value(call, "-fmt");
    struct query q;
    bool any = false;
    query_begin(
        &q, call->ios,
        "SELECT d.name, d.location, ifnull((SELECT a.device FROM attribute a WHERE a.name = 'virt_adapters' AND "
        "',' || a.value || ',' LIKE '%,' || d.name || ',%'), '') FROM device d WHERE d.type = 'ent' AND "
        "(?1 IS NULL OR d.name = ?1) ORDER BY d.slot",
        "s", only);
    while (query_next(&q)) {
        if (fmt)
            say(call, "%s%s%s", query_text(&q, 0), fmt, query_text(&q, 1));
        else
            say(call, "%sSVEA   Physloc\n------ --------------------------------------------\n%-6s %s\n",
                any ? "\n" : "", query_text(&q, 0), query_text(&q, 1));
        if (*query_text(&q, 2))
            put_sea(call, query_text(&q, 2), fmt);
        else
            say(call, fmt ? "\n" : "\nSEA                   NO SHARED ETHERNET ADAPTER FOUND\n");
        any = true;
    }
    query_end(&q);
    if (only && !any)
        return refuse(call, NULL, "\"%s\" is not a valid virtual Ethernet adapter.", only);
    return 0;
}
