// SPDX-License-Identifier: Apache-2.0
// Disks of iSCSI targets: physical volumes whose path is the address of a LUN, iscsi://PORTAL/TARGET/LUN. They are given to clients whole.
#include "vios/admin/ios_int.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SCHEME       "iscsi://"
#define PORT_DEFAULT 3260
#define LUN_MAX      16383

bool iscsi_is(const char *path)
{
    return strncmp(path, SCHEME, strlen(SCHEME)) == 0;
}

// The size of the LUN; 0: `why` says why there is none.
static u64 look(struct ios *ios, const char *path, char *why)
{
    u64 size = 0;
    if (!ios->config.effects->look) {
        snprintf(why, IOS_WHY_MAX, "this server has no network");
        return 0;
    }
    if (ios->config.effects->look(ios->config.context, path, &size, why))
        return 0;
    size = size / 4096 * 4096;
    if (!size)
        snprintf(why, IOS_WHY_MAX, "the LUN is empty");
    return size;
}

void iscsi_configure(struct ios *ios)
{
    char why[IOS_WHY_MAX];
    struct query q;
    query_begin(&q, ios, "SELECT name, path, size FROM pv WHERE path LIKE 'iscsi://%'", "");
    while (query_next(&q)) {
        const char *name = query_text(&q, 0);
        u64 size = look(ios, query_text(&q, 1), why);
        odm_run(ios, "UPDATE device SET state = ? WHERE name = ?", "is", (s64)(size != 0), name);
        if (size <= (u64)query_number(&q, 2))
            continue;
        odm_run(ios, "UPDATE pv SET size = ? WHERE name = ?", "is", (s64)size, name);
        mapping_grown(ios, "disk", name, "");
    }
    query_end(&q);
}

static bool consists_of(const char *text, const char *others)
{
    const char *p = text;
    while (isalnum((unsigned char)*p) || (*p && strchr(others, *p)))
        p++;
    return p != text && !*p && p - text <= 223; // RFC 3720: an iSCSI name's length
}

// A number of an option, or `other` without it; -1: it is none.
static long number(const struct ios_call *call, const char *option, long other, long max)
{
    const char *text = call_value(call, option);
    char *end;
    if (!text)
        return other;
    errno = 0;
    long n = strtol(text, &end, 10);
    return errno || end == text || *end || n < 0 || n > max ? -1 : n;
}

int cmd_mkiscsi(struct ios_call *call)
{
    char path[PATH_SIZE], name[NAME_SIZE], why[IOS_WHY_MAX];
    const char *target = call_value(call, "-t"), *address = call_value(call, "-i");
    long port = number(call, "-n", PORT_DEFAULT, 65535), lun = number(call, "-lun", 0, LUN_MAX);
    if (!consists_of(target, ".:-_"))
        return refuse(call, "0514-017", "\"%s\" is not the name of a target, as iqn.2026-01.com.example:disks.",
                      target);
    if (!consists_of(address, ".-") && !(*address == '[' && consists_of(address + 1, ":.]")))
        return refuse(call, "0514-017",
                      "\"%s\" is neither a host's name nor an address, as 192.0.2.7 or [2001:db8::7].", address);
    if (port <= 0 || lun < 0)
        return refuse(call, "0514-017", "A port is a number up to 65535, a LUN one up to %d.", LUN_MAX);
    snprintf(path, sizeof(path), SCHEME "%s:%ld/%s/%ld", address, port, target, lun);
    if (odm_text(call->ios, name, sizeof(name), "SELECT name FROM pv WHERE path = ?", "s", path))
        return refuse(call, "0514-520", "This LUN is %s already.", name);
    u64 size = look(call->ios, path, why);
    if (!size)
        return refuse(call, "0514-040", "Error initializing a device into the kernel: %s", why);
    if (!volume_add(call->ios, path, size, false) ||
        !odm_text(call->ios, name, sizeof(name), "SELECT name FROM pv WHERE path = ?", "s", path))
        return 1;
    say(call, "%s Available\n", name);
    return 0;
}

static const struct ios_column columns[] = {{"name", "NAME", 16},  {"target", "TARGET NAME", 44},
                                            {"address", "IP", 24}, {"port", "PORT", 8},
                                            {"lun", "LUN", 8},     {"status", "STATUS", 0}};

int cmd_lsiscsi(struct ios_call *call)
{
    struct ios_table table;
    struct query q;
    if (!table_begin(&table, call, columns, ARRAY_LEN(columns)))
        return 1;
    query_begin(&q, call->ios,
                "SELECT p.name, p.path, CASE d.state WHEN 1 THEN 'Available' ELSE 'Defined' END FROM pv p JOIN device "
                "d ON d.name = p.name WHERE p.path LIKE 'iscsi://%' ORDER BY length(p.name), p.name",
                "");
    while (query_next(&q)) {
        char path[PATH_SIZE];
        snprintf(path, sizeof(path), "%s", query_text(&q, 1));
        // As cmd_mkiscsi() puts it together.
        char *address = path + strlen(SCHEME), *target = strchr(address, '/'), *lun = strrchr(address, '/');
        *target++ = *lun++ = 0;
        char *port = strrchr(address, ':');
        *port++ = 0;
        const char *values[] = {query_text(&q, 0), target, address, port, lun, query_text(&q, 2)};
        table_row(&table, values);
    }
    query_end(&q);
    return 0;
}
