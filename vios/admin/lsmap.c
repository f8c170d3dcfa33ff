// SPDX-License-Identifier: Apache-2.0
// lsmap: the views of what is mapped.
#include "vios/admin/ios_int.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

// A field, its label in the sheet of a target (NULL: it is in the adapter's line), the width there.
static const struct {
    const char *field, *label;
    int width;
} fields[] = {
    {"svsa", "SVSA", 15},
    {"physloc", "Physloc", 44},
    {"clientid", "Client Partition ID", 18},
    {"vtd", "VTD", 0},
    {"status", "Status", 0},
    {"lun", "LUN", 0},
    {"backing", "Backing device", 0},
    {"bdphysloc", "Physloc", 0},
    {"mirrored", "Mirrored", 0},
};

#define ADAPTER_FIELDS 3u

struct view {
    struct ios_call *call;
    bool chosen[ARRAY_LEN(fields)];
    u32 order[ARRAY_LEN(fields)], order_len;
    const char *fmt;
    u32 adapters;
};

static bool choose(struct view *v)
{
    u32 len;
    char **names = call_values(v->call, "-field", &len);
    for (u32 i = 0; i < len; i++) {
        u32 at = 0;
        while (at < ARRAY_LEN(fields) && strcasecmp(fields[at].field, names[i]))
            at++;
        if (at == ARRAY_LEN(fields)) {
            refuse(v->call, NULL,
                   "\"%s\" is not a valid field name.\nFields: svsa physloc clientid vtd status lun backing bdphysloc "
                   "mirrored",
                   names[i]);
            return false;
        }
        if (!v->chosen[at])
            v->order[v->order_len++] = at;
        v->chosen[at] = true;
    }
    for (u32 i = 0; i < ARRAY_LEN(fields) && !len; i++) {
        v->chosen[i] = true;
        v->order[v->order_len++] = i;
    }
    return true;
}

static void put_adapter(struct view *v, const char values[][PATH_SIZE])
{
    static const char dashes[] = "--------------------------------------------------";
    bool any = false;
    if (v->adapters++)
        say(v->call, "\n");
    for (int line = 0; line < 3; line++) {
        u32 last = v->chosen[2] ? 2 : v->chosen[1] ? 1 : 0;
        for (u32 i = 0; i < ADAPTER_FIELDS; i++) {
            if (!v->chosen[i])
                continue;
            any = true;
            const char *text = line == 0 ? fields[i].label : line == 1 ? "" : values[i];
            if (line == 1)
                say(v->call, "%.*s%s", fields[i].width, dashes, i == last ? "\n" : " ");
            else
                say(v->call, "%-*s%s", i == last ? 0 : fields[i].width, text, i == last ? "\n" : " ");
        }
    }
    if (!any)
        v->adapters--;
}

static bool targets_chosen(const struct view *v)
{
    for (u32 i = ADAPTER_FIELDS; i < ARRAY_LEN(fields); i++)
        if (v->chosen[i])
            return true;
    return false;
}

static void put_line(struct view *v, u32 field, const char *value)
{
    say(v->call, *value ? "%-21s %s\n" : "%s\n", fields[field].label, value);
}

// -fmt: the adapter's values, then those of each target, on one line.
static void put_values(struct view *v, const char values[][PATH_SIZE], u32 from, u32 to, bool *first)
{
    for (u32 i = 0; i < v->order_len; i++) {
        u32 field = v->order[i];
        if (field < from || field >= to)
            continue;
        say(v->call, "%s%s", *first ? "" : v->fmt, values[field]);
        *first = false;
    }
}

static void fill_target(struct ios *ios, const struct mapping *m, char values[][PATH_SIZE])
{
    snprintf(values[3], PATH_SIZE, "%s", m->vtd);
    snprintf(values[4], PATH_SIZE, "%s", m->available ? "Available" : "Defined");
    snprintf(values[5], PATH_SIZE, "0x%02x00000000000000", 0x80 | m->target);
    mapping_backing(m, values[6], PATH_SIZE);
    values[7][0] = 0;
    if (strcmp(m->kind, "disk") == 0)
        odm_text(ios, values[7], PATH_SIZE, "SELECT location FROM device WHERE name = ?", "s", m->backing);
    snprintf(values[8], PATH_SIZE, "%s", m->optical ? "N/A" : m->mirrored ? "true" : "false");
}

static bool type_matches(u32 types_len, char **types, const struct mapping *m)
{
    for (u32 i = 0; i < types_len; i++)
        if (strcasecmp(types[i], m->kind) == 0)
            return true;
    return !types_len;
}

static void put_one(struct view *v, const struct device *host, u32 types_len, char **types)
{
    static char values[ARRAY_LEN(fields)][PATH_SIZE];
    struct query q;
    struct ios *ios = v->call->ios;
    bool first = true, any = false;
    u32 client = 0;
    char text[32];
    if (odm_text(ios, text, sizeof(text), "SELECT value FROM attribute WHERE device = ? AND name = 'client_partition'",
                 "s", host->name))
        client = (u32)strtoul(text, NULL, 10);
    snprintf(values[0], PATH_SIZE, "%s", host->name);
    snprintf(values[1], PATH_SIZE, "%s", host->location);
    snprintf(values[2], PATH_SIZE, "0x%08x", client);
    query_begin(&q, ios, MAPPING_SELECT "WHERE m.vhost = ? ORDER BY m.target", "s", host->name);
    while (query_next(&q)) {
        struct mapping m;
        mapping_read(&q, &m);
        if (!type_matches(types_len, types, &m))
            continue;
        fill_target(ios, &m, values);
        if (v->fmt) {
            put_values(v, values, any ? ADAPTER_FIELDS : 0, ARRAY_LEN(fields), &first);
        } else {
            if (!any)
                put_adapter(v, values);
            if (targets_chosen(v) && v->adapters)
                say(v->call, "\n");
            for (u32 i = ADAPTER_FIELDS; i < ARRAY_LEN(fields); i++)
                if (v->chosen[i])
                    put_line(v, i, values[i]);
        }
        any = true;
    }
    query_end(&q);
    if (!any && types_len)
        return; // it has none of these
    if (!any && v->fmt) {
        put_values(v, values, 0, ADAPTER_FIELDS, &first);
    } else if (!any) {
        put_adapter(v, values);
        if (v->chosen[3])
            say(v->call, "%sVTD                   NO VIRTUAL TARGET DEVICE FOUND\n", v->adapters ? "\n" : "");
    }
    if (v->fmt && !first)
        say(v->call, "\n");
}

int cmd_lsmap(struct ios_call *call)
{
    static const char *const types[] = {"disk", "lv", "file", "optical", "tape", "usb_disk"};
    struct view v = {.call = call, .fmt = call_value(call, "-fmt")};
    struct query q;
    u32 types_len, adapters = 0;
    char **wanted = call_values(call, "-type", &types_len);
    const char *only = call_value(call, "-vadapter"), *place = call_value(call, "-plc"),
               *client = call_value(call, "-cpid");
    if (call_has(call, "-net"))
        return ethernet_list(call);
    if (call_has(call, "-npiv"))
        return only ? refuse(call, NULL,
                             "\"%s\" is not a valid virtual Fibre Channel server adapter; this server has none.", only)
                    : 0;
    for (u32 i = 0; i < types_len; i++) {
        u32 at = 0;
        while (at < ARRAY_LEN(types) && strcasecmp(types[at], wanted[i]))
            at++;
        if (at == ARRAY_LEN(types))
            return refuse(call, NULL, "\"%s\" is not a valid type: disk, lv, file, optical, tape or usb_disk.",
                          wanted[i]);
    }
    if (!choose(&v))
        return 1;
    query_begin(&q, call->ios,
                "SELECT d.name, d.location FROM device d LEFT JOIN attribute a ON a.device = d.name AND a.name = "
                "'client_partition' WHERE d.type = 'vhost' "
                "AND (?1 IS NULL OR d.name = ?1) AND (?2 IS NULL OR d.location = ?2) AND (?3 < 0 OR a.value = CAST(?3 "
                "AS TEXT)) ORDER BY length(d.name), d.name",
                "ssi", only, place, client ? (s64)strtoul(client, NULL, 0) : (s64)-1);
    while (query_next(&q)) {
        struct device host = {0};
        snprintf(host.name, sizeof(host.name), "%s", query_text(&q, 0));
        snprintf(host.location, sizeof(host.location), "%s", query_text(&q, 1));
        adapters++;
        put_one(&v, &host, types_len, wanted);
    }
    query_end(&q);
    if (adapters || (!only && !place))
        return 0;
    if (only)
        return refuse(call, NULL,
                      "\"%s\" is not a valid virtual server adapter; lsmap -all lists those that there are.", only);
    return refuse(call, NULL, "\"%s\" is not the location of a virtual server adapter; lsmap -all lists them.", place);
}
