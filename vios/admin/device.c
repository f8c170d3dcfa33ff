// SPDX-License-Identifier: Apache-2.0
// Devices: names that stay, attributes, lsdev and what changes devices.
#include "vios/admin/ios_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct attribute device_attributes[] = {
    {"sys", "modelname", NULL, "Machine name", false},
    {"sys", "systemid", NULL, "Hardware system identifier", false},
    {"vhost", "client_partition", "any", "Client partition ID", false},
    {"vhost", "client_slot", "any", "Client adapter's slot", false},
    {"ent", "mac_address", "", "MAC address", false},
    {"ent", "pvid", "", "Port VLAN ID", false},
    {"ent", "trunk", "no", "Bridges to networks outside of the system", false},
    {"ent", "trunk_priority", "0", "Priority of the trunk adapter", false},
    {"ent", "vlans", "", "Further VLANs, tagged", false},
    {"ent", "vswitch", "", "Virtual switch", false},
    {"pent", "network", "", "What it is of the host", false},
    {"sea", "ctl_chan", "", "Control channel", true},
    {"sea", "ha_mode", "disabled", "High availability: disabled, auto, standby or sharing", true},
    {"sea", "pvid", "1", "VLAN of untagged frames of the real adapter", true},
    {"sea", "pvid_adapter", "", "Default virtual adapter", true},
    {"sea", "real_adapter", "", "Physical adapter, VLAN or link aggregation", true},
    {"sea", "virt_adapters", "", "Virtual trunk adapters", true},
    {"vlan", "base_adapter", "", "Adapter whose VLAN it is", false},
    {"vlan", "vlan_tag_id", "", "VLAN ID", true},
    {"lnagg", "adapter_names", "", "Physical adapters", true},
    {"lnagg", "backup_adapter", "", "Used when none of the others has a link", true},
    {"lnagg", "hash_mode", "default", "What chooses the adapter of a frame: default (addresses) or src_dst_port", true},
    {"lnagg", "mode", "standard", "standard, 8023ad or backup", true},
    {"hdisk", "path", NULL, "File or block device of the host", false},
    {"hdisk", "pv", "no", "yes: give it a PVID; clear: take the PVID away", true},
    {"hdisk", "pvid", NULL, "Physical volume identifier", false},
    {"hdisk", "size_in_mb", NULL, "Size in megabytes", false},
    {"vtd", "LogicalUnitAddr", NULL, "Logical Unit Address", false},
    {"vtd", "aix_tdev", NULL, "Target Device Name", false},
    {"vtd", "mirrored", "false", "The client mirrors it to another server's", true},
};
const u32 device_attributes_len = ARRAY_LEN(device_attributes);

#define DEVICE_SELECT "SELECT name, class, type, parent, description, location, state, ifnull(slot, -1) FROM device "

static void device_read(struct query *q, struct device *d)
{
    snprintf(d->name, sizeof(d->name), "%s", query_text(q, 0));
    snprintf(d->class, sizeof(d->class), "%s", query_text(q, 1));
    snprintf(d->type, sizeof(d->type), "%s", query_text(q, 2));
    snprintf(d->parent, sizeof(d->parent), "%s", query_text(q, 3));
    snprintf(d->description, sizeof(d->description), "%s", query_text(q, 4));
    snprintf(d->location, sizeof(d->location), "%s", query_text(q, 5));
    d->available = query_number(q, 6) != 0;
    d->slot = query_number(q, 7);
}

bool device_find(struct ios *ios, const char *name, struct device *device)
{
    struct query q;
    query_begin(&q, ios, DEVICE_SELECT "WHERE name = ?", "s", name);
    bool found = query_next(&q);
    if (found)
        device_read(&q, device);
    query_end(&q);
    return found;
}

bool device_need(struct ios_call *call, const char *name, struct device *device)
{
    if (device_find(call->ios, name, device))
        return true;
    refuse(call, "0514-519",
           "The following device was not found in the customized device configuration database:\n"
           "        name = '%s'",
           name);
    return false;
}

void device_new_name(struct ios *ios, const char *prefix, char name[NAME_SIZE])
{
    struct device d;
    u32 number = 0;
    do
        snprintf(name, NAME_SIZE, "%s%u", prefix, number++);
    while (device_find(ios, name, &d));
}

bool device_add(struct ios *ios, const struct device *d)
{
    if (d->slot >= 0)
        return odm_run(ios,
                       "INSERT INTO device(name, class, type, parent, description, location, state, slot) VALUES(?, ?, "
                       "?, ?, ?, ?, ?, ?)",
                       "ssssssii", d->name, d->class, d->type, d->parent, d->description, d->location,
                       (s64)d->available, d->slot);
    return odm_run(
        ios, "INSERT INTO device(name, class, type, parent, description, location, state) VALUES(?, ?, ?, ?, ?, ?, ?)",
        "ssssssi", d->name, d->class, d->type, d->parent, d->description, d->location, (s64)d->available);
}

bool device_remove(struct ios *ios, const char *name)
{
    return odm_run(ios, "DELETE FROM device WHERE name = ?", "s", name);
}

void device_base_location(struct ios *ios, char location[LOCATION_SIZE])
{
    char model[LOCATION_SIZE];
    snprintf(model, sizeof(model), "%s", ios->config.type_model);
    for (char *p = model; *p; p++)
        if (*p == '-')
            *p = '.';
    snprintf(location, LOCATION_SIZE, "U%.32s.%.32s-V%u", model, ios->config.serial, ios->config.lpar_id);
}

// --- Adapters

void device_set_attribute(struct ios *ios, const char *device, const char *name, const char *value)
{
    odm_run(ios, "REPLACE INTO attribute VALUES(?, ?, ?)", "sss", device, name, value);
}

bool device_attribute(struct ios *ios, const char *device, const char *name, char *text, size_t size)
{
    *text = 0;
    return odm_text(ios, text, size, "SELECT value FROM attribute WHERE device = ? AND name = ?", "ss", device, name);
}

static void set_number(struct ios *ios, const char *device, const char *name, u32 value)
{
    char text[16];
    snprintf(text, sizeof(text), "%u", value);
    device_set_attribute(ios, device, name, value == IOS_ANY ? "any" : text);
}

static void describe(struct ios *ios, const char *name, const struct ios_adapter *a)
{
    if (a->kind == IOS_SCSI) {
        set_number(ios, name, "client_partition", a->client);
        set_number(ios, name, "client_slot", a->client_slot);
        return;
    }
    char mac[16];
    snprintf(mac, sizeof(mac), "%02X%02X%02X%02X%02X%02X", a->mac[0], a->mac[1], a->mac[2], a->mac[3], a->mac[4],
             a->mac[5]);
    device_set_attribute(ios, name, "mac_address", mac);
    set_number(ios, name, "pvid", a->pvid);
    device_set_attribute(ios, name, "trunk", a->trunk ? "yes" : "no");
    set_number(ios, name, "trunk_priority", a->priority);
    device_set_attribute(ios, name, "vlans", a->vlans ? a->vlans : "");
    device_set_attribute(ios, name, "vswitch", a->vswitch ? a->vswitch : "");
}

// The slot's device; one of another kind gives way when nothing depends on it.
static bool find_slot(struct ios *ios, u32 slot, struct device *d)
{
    struct query q;
    query_begin(&q, ios, DEVICE_SELECT "WHERE slot = ?", "i", (s64)slot);
    bool found = query_next(&q);
    if (found)
        device_read(&q, d);
    query_end(&q);
    return found;
}

int ios_adapter_added(struct ios *ios, const struct ios_adapter *a)
{
    const char *type = a->kind == IOS_SCSI ? "vhost" : "ent";
    struct device d;
    if (!odm_begin(ios))
        return -EIO;
    bool found = find_slot(ios, a->slot, &d);
    if (found && strcmp(d.type, type)) {
        odm_run(ios, "DELETE FROM device WHERE name IN (SELECT vtd FROM mapping WHERE vhost = ?)", "s", d.name);
        device_remove(ios, d.name);
        found = false;
    }
    if (!found) {
        char base[LOCATION_SIZE];
        d = (struct device){.class = "adapter", .parent = "vio0", .slot = a->slot};
        device_base_location(ios, base);
        snprintf(d.location, sizeof(d.location), "%.80s-C%u%s", base, a->slot, a->kind == IOS_SCSI ? "" : "-T1");
        snprintf(d.type, sizeof(d.type), "%s", type);
        snprintf(d.description, sizeof(d.description), "%s",
                 a->kind == IOS_SCSI ? "Virtual SCSI Server Adapter" : "Virtual I/O Ethernet Adapter (l-lan)");
        device_new_name(ios, type, d.name);
        d.available = true;
        device_add(ios, &d);
    }
    odm_run(ios, "UPDATE device SET state = 1 WHERE name = ?", "s", d.name);
    describe(ios, d.name, a);
    if (!odm_commit(ios))
        return -EIO;
    if (a->kind == IOS_SCSI)
        ios_attach_all(ios, a->slot);
    return 0;
}

int ios_adapter_removed(struct ios *ios, u32 slot)
{
    return odm_run(ios, "UPDATE device SET state = 0 WHERE slot = ?", "i", (s64)slot) ? 0 : -EIO;
}

// --- Attributes

const struct attribute *attribute_find(const char *type, const char *name)
{
    for (u32 i = 0; i < device_attributes_len; i++)
        if (strcmp(device_attributes[i].type, type) == 0 && strcmp(device_attributes[i].name, name) == 0)
            return &device_attributes[i];
    return NULL;
}

void attribute_value(struct ios *ios, const struct device *d, const struct attribute *a, char *text, size_t size)
{
    struct mapping m;
    snprintf(text, size, "%s", a->initial ? a->initial : "");
    if (a->initial && strcmp(a->name, "pv") && strcmp(a->name, "mirrored")) {
        odm_text(ios, text, size, "SELECT value FROM attribute WHERE device = ? AND name = ?", "ss", d->name, a->name);
    } else if (strcmp(a->type, "sys") == 0) {
        bool model = strcmp(a->name, "modelname") == 0;
        snprintf(text, size, "IBM,%s", model ? ios->config.type_model : ios->config.serial);
    } else if (strcmp(a->name, "path") == 0) {
        odm_text(ios, text, size, "SELECT path FROM pv WHERE name = ?", "s", d->name);
    } else if (strcmp(a->name, "pvid") == 0) {
        odm_text(ios, text, size, "SELECT CASE pvid WHEN '' THEN 'none' ELSE pvid END FROM pv WHERE name = ?", "s",
                 d->name);
    } else if (strcmp(a->name, "pv") == 0) {
        odm_text(ios, text, size, "SELECT CASE pvid WHEN '' THEN 'no' ELSE 'yes' END FROM pv WHERE name = ?", "s",
                 d->name);
    } else if (strcmp(a->name, "size_in_mb") == 0) {
        odm_text(ios, text, size, "SELECT size / 1048576 FROM pv WHERE name = ?", "s", d->name);
    } else if (mapping_find(ios, d->name, &m)) {
        if (strcmp(a->name, "LogicalUnitAddr") == 0)
            snprintf(text, size, "0x%02x00000000000000", 0x80 | m.target);
        else if (strcmp(a->name, "aix_tdev") == 0)
            mapping_backing(&m, text, size);
        else
            snprintf(text, size, "%s", m.mirrored ? "true" : "false");
    }
}

// --- lsdev

static const struct ios_column device_columns[] = {
    {"name", "name", 16}, {"status", "status", 11}, {"description", "description", 0}, {"physloc", "physloc", 0}};
#define DEVICE_COLUMNS 3u // those that are shown without -field

static const char *status_of(const struct device *d)
{
    return d->available ? "Available" : "Defined";
}

// WORD, or !WORD for all others.
static bool passes(const char *filter, const char *value)
{
    if (!filter)
        return true;
    bool negated = *filter == '!';
    return (strcasecmp(filter + negated, value) == 0) != negated;
}

// The kinds that -type knows.
static const char *const device_types[] = {"adapter", "disk", "lv",     "optical",  "tape",   "sea",    "tty",
                                           "bus",     "sys",  "target", "usb_disk", "ent4ip", "ent4sea"};

static bool of_type(const struct device *d, const char *filter)
{
    if (!filter)
        return true;
    bool negated = *filter == '!';
    const char *want = filter + negated;
    bool is = strcasecmp(want, d->class) == 0 || (strcasecmp(want, "sea") == 0 && strcmp(d->type, "sea") == 0) ||
              (strcasecmp(want, "ent4ip") == 0 && ethernet_is(d)) ||
              (strcasecmp(want, "ent4sea") == 0 && ethernet_is_real(d));
    return is != negated;
}

static bool type_known(struct ios_call *call, const char *type)
{
    for (u32 i = 0; type && i < ARRAY_LEN(device_types); i++)
        if (strcasecmp(type + (*type == '!'), device_types[i]) == 0)
            return true;
    if (type) {
        refuse(call, NULL, "\"%s\" is not a valid device type.", type);
        text_add(&call->out->err, "Types:");
        for (u32 i = 0; i < ARRAY_LEN(device_types); i++)
            text_add(&call->out->err, " %s", device_types[i]);
        text_put(&call->out->err, "\n", 1);
    }
    return !type;
}

static bool is_virtual(const struct device *d)
{
    static const char *const types[] = {"vsa", "vty", "vhost", "ent", "vtd"};
    for (u32 i = 0; i < ARRAY_LEN(types); i++)
        if (strcmp(d->type, types[i]) == 0)
            return true;
    return false;
}

static void put_device(struct ios_table *table, const struct device *d)
{
    const char *values[] = {d->name, status_of(d), d->description, d->location};
    table_row(table, values);
}

static bool devices_begin(struct ios_table *table, struct ios_call *call)
{
    return table_begin(table, call, device_columns,
                       call_has(call, "-field") ? ARRAY_LEN(device_columns) : DEVICE_COLUMNS);
}

// Logical volumes are devices, too.
static void list_volumes(struct ios_call *call, struct ios_table *table)
{
    struct query q;
    query_begin(&q, call->ios, "SELECT name FROM lv ORDER BY name", "");
    while (query_next(&q)) {
        struct device d = {.description = "Logical volume", .available = true};
        snprintf(d.name, sizeof(d.name), "%s", query_text(&q, 0));
        put_device(table, &d);
    }
    query_end(&q);
}

// Names in the order that people expect: hdisk2 before hdisk10.
#define BY_NAME "ORDER BY rtrim(name, '0123456789'), length(name), name"

static int list_all(struct ios_call *call)
{
    const char *type = call_value(call, "-type"), *state = call_value(call, "-state");
    struct ios_table table;
    struct query q;
    if (!type_known(call, type))
        return 1;
    if (state && strcasecmp(state + (*state == '!'), "available") && strcasecmp(state + (*state == '!'), "defined"))
        return refuse(call, NULL, "\"%s\" is not a valid state; available or defined.", state);
    if (!devices_begin(&table, call))
        return 1;
    query_begin(&q, call->ios, DEVICE_SELECT BY_NAME, "");
    while (query_next(&q)) {
        struct device d;
        device_read(&q, &d);
        if (of_type(&d, type) && passes(state, status_of(&d)) && (!call_has(call, "-virtual") || is_virtual(&d)))
            put_device(&table, &d);
    }
    query_end(&q);
    if (type && strcasecmp(type, "lv") == 0 && passes(state, "Available"))
        list_volumes(call, &table);
    return 0;
}

static int list_attributes(struct ios_call *call, const struct device *d)
{
    const char *name = call_value(call, "-attr"), *fmt = call_value(call, "-fmt");
    char text[PATH_SIZE];
    int widths[3] = {9, 5, 11};
    if (name) {
        const struct attribute *a = attribute_find(d->type, name);
        if (!a)
            return refuse(call, "0514-018",
                          "The device \"%s\" has no attribute \"%s\"; lsdev -dev %s -attr lists them.", d->name, name,
                          d->name);
        attribute_value(call->ios, d, a, text, sizeof(text));
        say(call, fmt ? "%s\n" : "value\n\n%s\n", text);
        return 0;
    }
    for (u32 i = 0; i < device_attributes_len; i++) {
        const struct attribute *a = &device_attributes[i];
        if (strcmp(a->type, d->type))
            continue;
        attribute_value(call->ios, d, a, text, sizeof(text));
        widths[0] = MAX(widths[0], (int)strlen(a->name));
        widths[1] = MAX(widths[1], (int)strlen(text));
        widths[2] = MAX(widths[2], (int)strlen(a->text));
    }
    if (!fmt)
        say(call, "%-*s %-*s %-*s user_settable\n\n", widths[0], "attribute", widths[1], "value", widths[2],
            "description");
    for (u32 i = 0; i < device_attributes_len; i++) {
        const struct attribute *a = &device_attributes[i];
        if (strcmp(a->type, d->type))
            continue;
        attribute_value(call->ios, d, a, text, sizeof(text));
        const char *settable = a->settable ? "True" : "False";
        if (fmt)
            say(call, "%s%s%s%s%s%s%s\n", a->name, fmt, text, fmt, a->text, fmt, settable);
        else
            say(call, "%-*s %-*s %-*s %s\n", widths[0], a->name, widths[1], text, widths[2], a->text, settable);
    }
    return 0;
}

static int list_children(struct ios_call *call, const struct device *parent)
{
    struct ios_table table;
    struct query q;
    if (!devices_begin(&table, call))
        return 1;
    query_begin(&q, call->ios, DEVICE_SELECT "WHERE parent = ? " BY_NAME, "s", parent->name);
    while (query_next(&q)) {
        struct device d;
        device_read(&q, &d);
        put_device(&table, &d);
    }
    query_end(&q);
    return 0;
}

static void put_vpd(struct ios_call *call, const struct device *d)
{
    say(call, "  %-16s %-33s %s\n", d->name, d->location, d->description);
}

static int list_vpd(struct ios_call *call)
{
    struct query q;
    say(call, "INSTALLED RESOURCE LIST WITH VPD\n\n  Model Architecture: chrp\n  Model Implementation: Multiple "
              "Processor, PCI bus\n\n");
    query_begin(&q, call->ios, DEVICE_SELECT BY_NAME, "");
    while (query_next(&q)) {
        struct device d;
        device_read(&q, &d);
        put_vpd(call, &d);
    }
    query_end(&q);
    return 0;
}

static int list_slots(struct ios_call *call)
{
    struct query q;
    char base[LOCATION_SIZE];
    device_base_location(call->ios, base);
    say(call, "# Slot                           Description       Device(s)\n%-32s Virtual I/O Slot  vsa0\n",
        strcat(base, "-C0"));
    query_begin(&q, call->ios, DEVICE_SELECT "WHERE slot IS NOT NULL AND state ORDER BY slot", "");
    while (query_next(&q)) {
        struct device d;
        device_read(&q, &d);
        char *port = strstr(d.location, "-T");
        if (port)
            *port = 0;
        say(call, "%-32s Virtual I/O Slot  %s\n", d.location, d.name);
    }
    query_end(&q);
    return 0;
}

int cmd_lsdev(struct ios_call *call)
{
    struct device d;
    struct ios_table table;
    const char *name = call_value(call, "-dev");
    if (call_has(call, "-slots"))
        return list_slots(call);
    if (!name)
        return call_has(call, "-vpd") ? list_vpd(call) : list_all(call);
    if (!device_need(call, name, &d))
        return 1;
    if (call_has(call, "-attr"))
        return list_attributes(call, &d);
    if (call_has(call, "-child"))
        return list_children(call, &d);
    if (call_has(call, "-parent")) {
        say(call, call_has(call, "-fmt") ? "%s\n" : "parent\n\n%s\n", d.parent);
        return 0;
    }
    if (call_has(call, "-vpd")) {
        put_vpd(call, &d);
        say(call, "\n        Hardware Location Code......%s\n", d.location);
        return 0;
    }
    if (!devices_begin(&table, call))
        return 1;
    put_device(&table, &d);
    return 0;
}

// --- What changes devices

static int change_mirrored(struct ios_call *call, const struct device *d, const char *value)
{
    if (strcmp(value, "true") && strcmp(value, "false"))
        return refuse(call, "0514-018",
                      "The values specified for the following attributes are not valid: mirrored; true or false.");
    odm_run(call->ios, "UPDATE mapping SET mirrored = ? WHERE vtd = ?", "is", (s64)(*value == 't'), d->name);
    return 0;
}

static int change_pv(struct ios_call *call, const struct device *d, const char *value)
{
    bool clear = strcmp(value, "clear") == 0;
    if (!clear && strcmp(value, "yes"))
        return refuse(call, "0514-018",
                      "The values specified for the following attributes are not valid: pv; yes or clear.");
    if (odm_number(call->ios, 0, "SELECT vg IS NOT NULL FROM pv WHERE name = ?", "s", d->name))
        return clear ? refuse(call, "0514-062",
                              "Cannot perform the requested function because %s belongs to a volume group.", d->name)
                     : 0;
    if (clear)
        odm_run(call->ios, "UPDATE pv SET pvid = '' WHERE name = ?", "s", d->name);
    else
        odm_run(call->ios, "UPDATE pv SET pvid = lower(hex(randomblob(8))) WHERE name = ? AND pvid = ''", "s", d->name);
    return 0;
}

int cmd_chdev(struct ios_call *call)
{
    struct device d;
    u32 len;
    char **values = call_values(call, "-attr", &len);
    if (!device_need(call, call_value(call, "-dev"), &d))
        return 1;
    if (ethernet_is(&d))
        return ethernet_change(call, &d, values, len);
    for (u32 i = 0; i < len; i++) {
        char name[NAME_SIZE];
        const char *equals = strchr(values[i], '=');
        snprintf(name, sizeof(name), "%.*s", (int)MIN(strcspn(values[i], "="), sizeof(name) - 1), values[i]);
        const struct attribute *a = attribute_find(d.type, name);
        if (!equals || !a || !a->settable)
            return refuse(call, "0514-018",
                          "The values specified for the following attributes are not valid:\n     %s%s", name,
                          !equals ? " (give it as ATTRIBUTE=VALUE)"
                          : a     ? " (it cannot be set)"
                                  : "");
        int status = strcmp(name, "pv") == 0 ? change_pv(call, &d, equals + 1) : change_mirrored(call, &d, equals + 1);
        if (status)
            return status;
    }
    say(call, "%s changed\n", d.name);
    return 0;
}

static int remove_target(struct ios_call *call, const struct device *d, bool keep)
{
    struct mapping m;
    if (!mapping_find(call->ios, d->name, &m))
        return refuse(call, "0514-519", "The device \"%s\" is not mapped.", d->name);
    if (!keep)
        return mapping_remove(call, &m, call_has(call, "-f"));
    odm_run(call->ios, "UPDATE device SET state = 0 WHERE name = ?", "s", d->name);
    return mapping_detach(call, &m, call_has(call, "-f"));
}

static int remove_adapter(struct ios_call *call, const struct device *d)
{
    struct query q;
    char user[NAME_SIZE];
    int status = 0;
    if (ethernet_user(call->ios, d->name, user))
        return refuse(call, "0514-062", "Cannot perform the requested function because %s is used by %s.", d->name,
                      user);
    s64 children = odm_number(call->ios, 0, "SELECT count(*) FROM mapping WHERE vhost = ?", "s", d->name);
    if (children && !call_has(call, "-recursive"))
        return refuse(call, "0514-029",
                      "Cannot perform the requested function because %s has virtual target devices; give -recursive to "
                      "remove them, too.",
                      d->name);
    if (d->available)
        return refuse(call, "0514-062",
                      "Cannot perform the requested function because the partition has the adapter %s; take its "
                      "virtual slot away first (chhwres -r virtualio -o r).",
                      d->name);
    query_begin(&q, call->ios, MAPPING_SELECT "WHERE m.vhost = ?", "s", d->name);
    while (!status && query_next(&q)) {
        struct mapping m;
        mapping_read(&q, &m);
        status = device_remove(call->ios, m.vtd) ? 0 : 1;
    }
    query_end(&q);
    if (!status)
        device_remove(call->ios, d->name);
    return status;
}

int cmd_rmdev(struct ios_call *call)
{
    struct device d;
    int status;
    bool keep = call_has(call, "-ucfg");
    if (!device_need(call, call_value(call, "-dev"), &d))
        return 1;
    if (strcmp(d.type, "vtd") == 0) {
        status = remove_target(call, &d, keep);
    } else if (keep) {
        return refuse(call, "0514-062", "Cannot perform the requested function: -ucfg is for virtual target devices.");
    } else if (ethernet_is(&d) && strcmp(d.type, "ent")) {
        status = ethernet_remove(call, &d);
    } else if (strcmp(d.type, "vhost") == 0 || strcmp(d.type, "ent") == 0) {
        status = remove_adapter(call, &d);
    } else if (strcmp(d.type, "hdisk") == 0) {
        if (odm_number(call->ios, 0, "SELECT vg IS NOT NULL FROM pv WHERE name = ?", "s", d.name) ||
            mapping_count(call->ios, "disk", d.name, ""))
            return refuse(call, "0514-062",
                          "Cannot perform the requested function because the specified device is busy: %s belongs to a "
                          "volume group or is mapped.",
                          d.name);
        status = !device_remove(call->ios, d.name);
    } else {
        return refuse(call, "0514-062", "Cannot perform the requested function because %s is part of the system.",
                      d.name);
    }
    if (!status)
        say(call, "%s %s\n", d.name, keep ? "Defined" : "deleted");
    return status;
}

int cmd_cfgdev(struct ios_call *call)
{
    char why[IOS_WHY_MAX];
    struct query q;
    const char *only = call_value(call, "-dev");
    struct device d;
    int status = 0;
    if (only && !device_need(call, only, &d))
        return 1;
    if (volumes_configure(call->ios, why))
        return refuse(call, "0514-040", "Error configuring devices: %s", why);
    iscsi_configure(call->ios);
    query_begin(&q, call->ios, MAPPING_SELECT "WHERE NOT d.state AND a.state", "");
    while (!status && query_next(&q)) {
        struct mapping m;
        mapping_read(&q, &m);
        if (only && strcmp(only, m.vtd) && strcmp(only, m.vhost))
            continue;
        odm_run(call->ios, "UPDATE device SET state = 1 WHERE name = ?", "s", m.vtd);
        status = mapping_attach(call, &m);
    }
    query_end(&q);
    return status;
}
