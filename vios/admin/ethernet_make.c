// SPDX-License-Identifier: Apache-2.0
//
// Commands that make, change and remove Shared Ethernet Adapters, VLANs and aggregations. A command writes what is to be into the database, looks whether that makes sense, and tells what
// carries frames; whatever goes wrong undoes all of it.
#include "vios/admin/ios_int.h"

#include <stdlib.h>
#include <string.h>

#define LIST_SIZE 512u
#define VID_LAST  4094u

static int not_valid(struct ios_call *call, const char *what)
{
    return refuse(call, "0514-018", "The values specified for the following attributes are not valid:\n     %s", what);
}

static bool valid_vlan(const char *text)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && number >= 1 && number <= VID_LAST;
}

static bool one_of(const char *text, const char *const *words, u32 len)
{
    for (u32 i = 0; i < len; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

// What one attribute alone may be. NULL: it is good.
static const char *wrong_value(const char *name, const char *value)
{
    static const char *const ha_modes[] = {"disabled", "auto", "standby", "sharing"};
    static const char *const modes[] = {"standard", "8023ad", "backup"}, *const hashes[] = {"default", "src_dst_port"};
    if (strlen(value) >= LIST_SIZE)
        return "too long";
    if (strcmp(name, "ha_mode") == 0)
        return one_of(value, ha_modes, ARRAY_LEN(ha_modes)) ? NULL : "disabled, auto, standby or sharing";
    if (strcmp(name, "mode") == 0)
        return one_of(value, modes, ARRAY_LEN(modes)) ? NULL : "standard, 8023ad or backup";
    if (strcmp(name, "hash_mode") == 0)
        return one_of(value, hashes, ARRAY_LEN(hashes)) ? NULL : "default or src_dst_port";
    if (strcmp(name, "pvid") == 0 || strcmp(name, "vlan_tag_id") == 0)
        return valid_vlan(value) ? NULL : "a VLAN from 1 to 4094";
    return NULL;
}

static int set(struct ios_call *call, const struct device *d, const char *name, const char *value)
{
    char text[LIST_SIZE + 200];
    const char *wrong = wrong_value(name, value);
    snprintf(text, sizeof(text), "%s=%.*s (%s)", name, (int)LIST_SIZE, value, wrong ? wrong : "");
    if (wrong)
        return not_valid(call, text);
    device_set_attribute(call->ios, d->name, name, value);
    return 0;
}

static int set_all(struct ios_call *call, const struct device *d, char **values, u32 len)
{
    for (u32 i = 0; i < len; i++) {
        char name[NAME_SIZE], text[NAME_SIZE + 200];
        const char *equals = strchr(values[i], '=');
        snprintf(name, sizeof(name), "%.*s", (int)MIN(strcspn(values[i], "="), sizeof(name) - 1), values[i]);
        const struct attribute *a = attribute_find(d->type, name);
        snprintf(text, sizeof(text), "%s (%s)", name,
                 !equals ? "give it as ATTRIBUTE=VALUE"
                 : a     ? "it cannot be set"
                         : "the device has none of that name");
        if (!equals || !a || !a->settable)
            return not_valid(call, text);
        if (set(call, d, name, equals + 1))
            return 1;
    }
    return 0;
}

// --- What makes sense

static void get(struct ios_call *call, const char *device, const char *name, char *text, size_t size)
{
    device_attribute(call->ios, device, name, text, size);
}

// An adapter of one of these kinds that nobody else has.
static bool take_adapter(struct ios_call *call, const struct device *owner, const char *name, bool real,
                         struct device *d)
{
    char user[NAME_SIZE];
    s64 users;
    if (!device_find(call->ios, name, d) || !(real ? ethernet_is_real(d) : strcmp(d->type, "ent") == 0)) {
        refuse(call, NULL, "\"%s\" is not a valid %s adapter; lsdev -type %s lists them.", name,
               real ? "physical" : "virtual Ethernet", real ? "ent4sea" : "ent4ip");
        return false;
    }
    users = odm_number(call->ios, 0,
                       "SELECT count(*) FROM attribute WHERE name IN ('real_adapter', 'virt_adapters', 'ctl_chan', "
                       "'base_adapter', 'adapter_names', 'backup_adapter') AND ',' || value || ',' LIKE '%,' || ? || "
                       "',%'",
                       "s", name);
    if (users <= 1)
        return true;
    odm_text(call->ios, user, sizeof(user),
             "SELECT device FROM attribute WHERE name IN ('real_adapter', 'virt_adapters', 'ctl_chan', 'base_adapter', "
             "'adapter_names', 'backup_adapter') AND ',' || value || ',' LIKE '%,' || ?1 || ',%' ORDER BY device = ?2",
             "ss", name, owner->name);
    refuse(call, "0514-062", "Cannot perform the requested function because %s is used by %s already.", name, user);
    return false;
}

static bool is_user_mode(struct ios_call *call, const char *real)
{
    char network[PATH_SIZE];
    get(call, real, "network", network, sizeof(network));
    return strncmp(network, "user", 4) == 0;
}

// VLANs of a trunk adapter that an earlier one has, too.
static int take_vlans(struct ios_call *call, const char *name, u8 taken[VID_LAST + 1])
{
    char vlans[256], pvid[16], *rest = vlans;
    get(call, name, "vlans", vlans, sizeof(vlans));
    get(call, name, "pvid", pvid, sizeof(pvid));
    for (const char *one = pvid; one; one = *vlans ? strsep(&rest, ",") : NULL) {
        u32 vid = (u32)strtoul(one, NULL, 10);
        if (vid > VID_LAST || taken[vid])
            return refuse(call, NULL, "The VLAN %u is one of two trunk adapters; each VLAN has one way outside.", vid);
        taken[vid] = 1;
    }
    return 0;
}

static int check_trunks(struct ios_call *call, const struct device *sea, bool alone, u32 *len)
{
    char list[LIST_SIZE], first[NAME_SIZE], text[NAME_SIZE], priority[16], *rest = list;
    u8 taken[VID_LAST + 1] = {0};
    bool has_first = false;
    struct device d;
    get(call, sea->name, "virt_adapters", list, sizeof(list));
    get(call, sea->name, "pvid_adapter", first, sizeof(first));
    get(call, first, "trunk_priority", priority, sizeof(priority));
    *len = 0;
    for (char *one; (one = strsep(&rest, ",")) != NULL; ++*len) {
        if (!take_adapter(call, sea, one, false, &d))
            return 1;
        has_first |= strcmp(one, first) == 0;
        get(call, one, "trunk", text, sizeof(text));
        if (strcmp(text, "yes"))
            return refuse(call, NULL,
                          "%s is no trunk adapter; give it a trunk priority in the partition's profile or with chhwres "
                          "-r virtualio --rsubtype eth -o s -a is_trunk=1,trunk_priority=1.",
                          one);
        get(call, one, "trunk_priority", text, sizeof(text));
        if (!alone && strcmp(text, priority))
            return refuse(call, NULL,
                          "%s has the trunk priority %s and %s has %s; those of one Shared Ethernet Adapter have the "
                          "same.",
                          one, text, first, priority);
        if (take_vlans(call, one, taken))
            return 1;
    }
    if (!has_first)
        return refuse(call, NULL, "The default adapter %s is none of the virtual adapters.", first);
    return *len > IOS_TRUNKS_MAX ? refuse(call, NULL, "There can be %u virtual adapters.", IOS_TRUNKS_MAX) : 0;
}

static int check_sea(struct ios_call *call, const struct device *sea)
{
    char real[NAME_SIZE], control[NAME_SIZE], mode[16], trunk[8];
    struct device d;
    u32 trunks;
    get(call, sea->name, "real_adapter", real, sizeof(real));
    get(call, sea->name, "ctl_chan", control, sizeof(control));
    get(call, sea->name, "ha_mode", mode, sizeof(mode));
    bool alone = !*mode || strcmp(mode, "disabled") == 0;
    if (!take_adapter(call, sea, real, true, &d) || check_trunks(call, sea, alone, &trunks))
        return 1;
    if (is_user_mode(call, real) && (!alone || trunks > 1))
        return refuse(
            call, NULL,
            "A network without privileges (%s) has one virtual adapter and no failover; two servers each have "
            "one of their own.",
            real);
    if (!alone && !*control)
        return refuse(call, NULL, "ha_mode=%s needs a control channel: ctl_chan=ADAPTER.", mode);
    if (strcmp(mode, "sharing") == 0 && trunks < 2)
        return refuse(call, NULL, "ha_mode=sharing needs two or more virtual adapters.");
    if (!*control)
        return 0;
    if (!take_adapter(call, sea, control, false, &d))
        return 1;
    get(call, control, "trunk", trunk, sizeof(trunk));
    return strcmp(trunk, "yes") ? 0
                                : refuse(call, NULL, "The control channel %s must not be a trunk adapter.", control);
}

static int check_vlan(struct ios_call *call, const struct device *vlan)
{
    char base[NAME_SIZE];
    struct device d;
    get(call, vlan->name, "base_adapter", base, sizeof(base));
    if (!take_adapter(call, vlan, base, true, &d))
        return 1;
    if (strcmp(d.type, "vlan") == 0 || is_user_mode(call, base))
        return refuse(call, NULL, "%s has no VLANs: name a physical adapter or an aggregation.", base);
    return 0;
}

static int check_aggregation(struct ios_call *call, const struct device *lnagg)
{
    char list[LIST_SIZE], backup[NAME_SIZE], mode[16], *rest = list;
    struct device d;
    u32 len = 0;
    get(call, lnagg->name, "adapter_names", list, sizeof(list) - NAME_SIZE - 1);
    get(call, lnagg->name, "backup_adapter", backup, sizeof(backup));
    get(call, lnagg->name, "mode", mode, sizeof(mode));
    if (*backup)
        strcat(strcat(list, ","), backup);
    for (char *one; (one = strsep(&rest, ",")) != NULL; len++) {
        if (!take_adapter(call, lnagg, one, true, &d))
            return 1;
        if (strcmp(d.type, "pent") || is_user_mode(call, one))
            return refuse(call, NULL, "%s cannot be in an aggregation, which is of interfaces of the host.", one);
    }
    if (len > IOS_REALS_MAX)
        return refuse(call, NULL, "There can be %u adapters in an aggregation.", IOS_REALS_MAX);
    if (strcmp(mode, "backup") == 0 && !*backup)
        return refuse(call, NULL, "mode=backup needs backup_adapter=ADAPTER.");
    return 0;
}

// --- What is told

// The Shared Ethernet Adapter that a real adapter is part of. false: none.
static bool find_sea(struct ios *ios, const char *name, char sea[NAME_SIZE])
{
    struct device d;
    snprintf(sea, NAME_SIZE, "%s", name);
    while (device_find(ios, sea, &d) && strcmp(d.type, "sea")) {
        char user[NAME_SIZE];
        if (!ethernet_user(ios, sea, user))
            return false;
        memcpy(sea, user, NAME_SIZE);
    }
    return true;
}

// Looks whether it makes sense now, and tells those who carry its frames.
static int settle(struct ios_call *call, const struct device *d)
{
    char why[IOS_WHY_MAX] = "", sea[NAME_SIZE];
    bool is_sea = strcmp(d->type, "sea") == 0;
    int status = is_sea                          ? check_sea(call, d)
                 : strcmp(d->type, "vlan") == 0  ? check_vlan(call, d)
                 : strcmp(d->type, "lnagg") == 0 ? check_aggregation(call, d)
                                                 : 0;
    if (status || !find_sea(call->ios, d->name, sea))
        return status;
    if (ethernet_tell(call->ios, sea, why))
        return refuse(call, "0514-040", "Error initializing a device into the kernel: %s: %s", sea, why);
    return 0;
}

static void make(struct ios_call *call, struct device *d, const char *type, const char *description)
{
    *d = (struct device){.class = "adapter", .available = true, .slot = -1};
    snprintf(d->type, sizeof(d->type), "%s", type);
    snprintf(d->description, sizeof(d->description), "%s", description);
    device_new_name(call->ios, "ent", d->name);
    device_add(call->ios, d);
}

static int made(struct ios_call *call, const struct device *d)
{
    u32 len;
    char **values = call_values(call, "-attr", &len);
    if (set_all(call, d, values, len) || settle(call, d))
        return 1;
    say(call, "%s Available\n", d->name);
    return 0;
}

int ethernet_make_sea(struct ios_call *call)
{
    struct device d;
    make(call, &d, "sea", "Shared Ethernet Adapter");
    if (set(call, &d, "real_adapter", call_value(call, "-sea")) ||
        set(call, &d, "virt_adapters", call_value(call, "-vadapter")) ||
        set(call, &d, "pvid_adapter", call_value(call, "-default")) ||
        set(call, &d, "pvid", call_value(call, "-defaultid")))
        return 1;
    return made(call, &d);
}

int ethernet_make_vlan(struct ios_call *call)
{
    struct device d;
    make(call, &d, "vlan", "VLAN");
    if (set(call, &d, "base_adapter", call_value(call, "-vlan")) ||
        set(call, &d, "vlan_tag_id", call_value(call, "-tagid")))
        return 1;
    return made(call, &d);
}

int ethernet_make_aggregation(struct ios_call *call)
{
    struct device d;
    char list[LIST_SIZE] = "";
    u32 len;
    char **names = call_values(call, "-lnagg", &len);
    for (u32 i = 0; i < len; i++)
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? "," : "", names[i]);
    make(call, &d, "lnagg", "EtherChannel / IEEE 802.3ad Link Aggregation");
    if (set(call, &d, "adapter_names", list))
        return 1;
    return made(call, &d);
}

int ethernet_change(struct ios_call *call, const struct device *d, char **values, u32 len)
{
    if (set_all(call, d, values, len) || settle(call, d))
        return 1;
    say(call, "%s changed\n", d->name);
    return 0;
}

int ethernet_remove(struct ios_call *call, const struct device *d)
{
    char user[NAME_SIZE], why[IOS_WHY_MAX] = "";
    if (ethernet_user(call->ios, d->name, user))
        return refuse(call, "0514-062", "Cannot perform the requested function because %s is used by %s.", d->name,
                      user);
    if (strcmp(d->type, "pent") == 0 && d->available)
        return refuse(call, "0514-062",
                      "Cannot perform the requested function because the partition has the adapter %s; take it out of "
                      "vios_networks of its profile first.",
                      d->name);
    device_remove(call->ios, d->name);
    if (strcmp(d->type, "sea") == 0)
        ethernet_tell(call->ios, d->name, why);
    return 0;
}
