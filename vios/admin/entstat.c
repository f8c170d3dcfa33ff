// SPDX-License-Identifier: Apache-2.0
// entstat: counters and states of Ethernet adapters.
#include "vios/admin/ios_int.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define HEADER \
    "-------------------------------------------------------------\nETHERNET STATISTICS (%s) :\nDevice Type: %s\n"

struct figures {
    bool known;
    u64 sent, received, sent_bytes, received_bytes, send_failures, receive_failures, no_buffer;
};

static const char *number(char text[24], bool known, u64 value)
{
    snprintf(text, 24, known ? "%llu" : "-", (unsigned long long)value);
    return text;
}

static void put_figures(struct ios_call *call, const struct figures *f)
{
    char n[7][24];
    bool known = f->known;
    say(call, "%-45s%s\n%-45s%s\n", "Transmit Statistics:", "Receive Statistics:", "--------------------",
        "-------------------");
    say(call, "Packets: %-36sPackets: %s\n", number(n[0], known, f->sent), number(n[1], known, f->received));
    say(call, "Bytes: %-38sBytes: %s\n", number(n[2], known, f->sent_bytes), number(n[3], known, f->received_bytes));
    say(call, "Transmit Errors: %-28sReceive Errors: %s\n", number(n[4], known, f->send_failures),
        number(n[5], known, f->receive_failures));
    say(call, "%-45sNo Resource Errors: %s\n\n", "", number(n[6], known, f->no_buffer));
}

static void put_address(struct ios_call *call, const char *adapter)
{
    char mac[16];
    device_attribute(call->ios, adapter, "mac_address", mac, sizeof(mac));
    if (strlen(mac) != 12)
        snprintf(mac, sizeof(mac), "000000000000");
    for (char *p = mac; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    say(call, "Hardware Address: %.2s:%.2s:%.2s:%.2s:%.2s:%.2s\n\n", mac, mac + 2, mac + 4, mac + 6, mac + 8, mac + 10);
}

static void put_virtual(struct ios_call *call, const struct device *d)
{
    const struct ios_net_effects *e = call->ios->config.net_effects;
    struct ios_net_counters c = {0};
    char trunk[8], pvid[8], vlans[256], vswitch[NAME_SIZE], priority[8], n[2][24];
    bool known = e && e->counters && !e->counters(call->ios->config.net_context, (u32)d->slot, &c);
    struct figures f = {
        known,           c.sent_packets,     c.received_packets, c.sent_bytes, c.received_bytes,
        c.send_failures, c.receive_failures, c.no_buffer,
    };
    device_attribute(call->ios, d->name, "trunk", trunk, sizeof(trunk));
    device_attribute(call->ios, d->name, "trunk_priority", priority, sizeof(priority));
    device_attribute(call->ios, d->name, "pvid", pvid, sizeof(pvid));
    device_attribute(call->ios, d->name, "vlans", vlans, sizeof(vlans));
    device_attribute(call->ios, d->name, "vswitch", vswitch, sizeof(vswitch));
    bool is_trunk = strcmp(trunk, "yes") == 0;
    say(call, HEADER, d->name, "Virtual I/O Ethernet Adapter (l-lan)");
    put_address(call, d->name);
    put_figures(call, &f);
    say(call, "Virtual I/O Ethernet Adapter (l-lan) Specific "
              "Statistics:\n---------------------------------------------------------\n");
    say(call, "Link Status: %s\nTrunk Adapter: %s\n",
        !known   ? "Unknown"
        : c.link ? "Up"
                 : "Down",
        is_trunk ? "True" : "False");
    if (is_trunk)
        say(call, "  Priority: %s  Active: %s\n", priority, c.active ? "True" : "False");
    say(call, "Port VLAN ID: %s\nVLAN Tag IDs: %s\nSwitch ID: %s\n", pvid, *vlans ? vlans : "None", vswitch);
    say(call, "Hypervisor Send Failures: %s\nHypervisor Receive Failures: %s\n", number(n[0], known, c.send_failures),
        number(n[1], known, c.receive_failures));
}

static bool state_of(struct ios_call *call, const char *sea, struct ios_sea_state *state)
{
    const struct ios_net_effects *e = call->ios->config.net_effects;
    memset(state, 0, sizeof(*state));
    return e && e->state && !e->state(call->ios->config.net_context, sea, state);
}

static void show(struct ios_call *call, const struct device *d, bool all);

static void show_each(struct ios_call *call, const char *sea, const char *attribute)
{
    char list[512], *rest = list;
    struct device d;
    device_attribute(call->ios, sea, attribute, list, sizeof(list));
    for (char *one; *list && (one = strsep(&rest, ",")) != NULL;)
        if (device_find(call->ios, one, &d)) {
            say(call, "\n");
            show(call, &d, false);
        }
}

static struct figures outside(const struct ios_sea_state *s, bool known)
{
    return (struct figures){
        .known = known,
        .sent = s->real_sent,
        .sent_bytes = s->real_sent_bytes,
        .received = s->real_received,
        .received_bytes = s->real_received_bytes,
        .send_failures = s->send_failures,
        .receive_failures = s->dropped_vlan + s->dropped_full,
        .no_buffer = s->dropped_full,
    };
}

static void put_sea(struct ios_call *call, const struct device *d, bool all)
{
    struct ios_sea_state s;
    char mode[16], control[NAME_SIZE], first[NAME_SIZE], priority[8];
    bool known = state_of(call, d->name, &s);
    struct figures f = outside(&s, known);
    device_attribute(call->ios, d->name, "ha_mode", mode, sizeof(mode));
    device_attribute(call->ios, d->name, "ctl_chan", control, sizeof(control));
    device_attribute(call->ios, d->name, "pvid_adapter", first, sizeof(first));
    device_attribute(call->ios, first, "trunk_priority", priority, sizeof(priority));
    bool alone = !*mode || strcmp(mode, "disabled") == 0;
    say(call, HEADER, d->name, "Shared Ethernet Adapter");
    put_address(call, first);
    put_figures(call, &f);
    say(call,
        "Statistics for adapters in the Shared Ethernet Adapter %s\n"
        "--------------------------------------------------------------\n",
        d->name);
    say(call, "State: %s\nLink Status: %s\nPriority: %s\n", known ? s.state : "Unknown",
        !known   ? "Unknown"
        : s.link ? "Up"
                 : "Down",
        priority);
    say(call, "High Availability Mode: %s\nControl Channel Adapter: %s\n",
        alone                          ? "Disabled"
        : strcmp(mode, "auto") == 0    ? "Auto"
        : strcmp(mode, "standby") == 0 ? "Standby"
                                       : "Sharing",
        *control ? control : "None");
    say(call,
        "Number of Times Server became Primary: %llu\nNumber of Times Server became Backup: %llu\n"
        "Packets from Virtual Adapters: %llu\nPackets to Virtual Adapters: %llu\n"
        "Dropped, no Virtual Adapter has the VLAN: %llu\nDropped, no Room: %llu\n",
        (unsigned long long)s.times_primary, (unsigned long long)s.times_backup, (unsigned long long)s.virtual_received,
        (unsigned long long)s.virtual_sent, (unsigned long long)s.dropped_vlan, (unsigned long long)s.dropped_full);
    if (!all)
        return;
    show_each(call, d->name, "real_adapter");
    show_each(call, d->name, "virt_adapters");
    show_each(call, d->name, "ctl_chan");
}

// What it carries is counted by the Shared Ethernet Adapter above it.
static void put_real(struct ios_call *call, const struct device *d, bool all)
{
    struct ios_sea_state s = {0};
    struct device above = *d;
    char user[NAME_SIZE], network[PATH_SIZE];
    while (strcmp(above.type, "sea") && ethernet_user(call->ios, above.name, user) &&
           device_find(call->ios, user, &above))
        ;
    bool known = strcmp(above.type, "sea") == 0 && state_of(call, above.name, &s);
    struct figures f = outside(&s, known);
    device_attribute(call->ios, d->name, "network", network, sizeof(network));
    say(call, HEADER "\n", d->name, d->description);
    put_figures(call, &f);
    say(call, "Link Status: %s\nUsed by: %s\n",
        !known   ? "Unknown"
        : s.link ? "Up"
                 : "Down",
        strcmp(above.name, d->name) ? above.name : "None");
    if (strcmp(d->type, "lnagg") == 0 && known) {
        char list[512], backup[NAME_SIZE], *rest = list;
        u32 at = 0;
        device_attribute(call->ios, d->name, "adapter_names", list, sizeof(list) - NAME_SIZE - 1);
        device_attribute(call->ios, d->name, "backup_adapter", backup, sizeof(backup));
        if (*backup)
            strcat(strcat(list, ","), backup);
        for (char *one; at < IOS_REALS_MAX && (one = strsep(&rest, ",")) != NULL; at++)
            say(call, "Adapter %s: link %s, %s\n", one, s.reals[at].link ? "up" : "down",
                s.reals[at].used ? "used" : "not used");
    }
    if (all && strcmp(d->type, "lnagg") == 0)
        show_each(call, d->name, "adapter_names");
}

static void show(struct ios_call *call, const struct device *d, bool all)
{
    if (strcmp(d->type, "ent") == 0)
        put_virtual(call, d);
    else if (strcmp(d->type, "sea") == 0)
        put_sea(call, d, all);
    else
        put_real(call, d, all);
}

int cmd_entstat(struct ios_call *call)
{
    struct device d;
    if (!device_need(call, call->operand[0], &d))
        return 1;
    if (!ethernet_is(&d))
        return refuse(call, NULL, "\"%s\" is not an Ethernet adapter; lsdev -type ent4ip lists them.", d.name);
    show(call, &d, call_has(call, "-all"));
    return 0;
}
