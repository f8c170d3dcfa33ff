// SPDX-License-Identifier: Apache-2.0
// What is left of a server's administration: level, logs, counters, names, licence, the end of the partition.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vios/admin/storage.h"

// What programs that read it compare with; ours is in `ioslevel -openlpar`.
#define LEVEL "3.1.4.10"

int cmd_ioslevel(struct ios_call *call)
{
    say(call, "%s\n", call_has(call, "-openlpar") ? OPENLPAR_VERSION : LEVEL);
    return 0;
}

int cmd_hostname(struct ios_call *call)
{
    char name[NAME_SIZE];
    if (call->operands_len) {
        if (!call_name(call, call->operand[0], 63))
            return 1;
        odm_set(call->ios, "hostname", call->operand[0]);
        return 0;
    }
    odm_setting(call->ios, "hostname", name, sizeof(name), *call->ios->config.name ? call->ios->config.name : "vios");
    say(call, "%s\n", name);
    return 0;
}

int cmd_license(struct ios_call *call)
{
    char accepted[40];
    if (call_has(call, "-accept")) {
        struct tm tm;
        time_t now = time(NULL);
        strftime(accepted, sizeof(accepted), "%Y-%m-%d %H:%M:%S", localtime_r(&now, &tm));
        odm_set(call->ios, "license", accepted);
        return 0;
    }
    odm_setting(call->ios, "license", accepted, sizeof(accepted), "");
    if (*accepted)
        say(call, "The license was accepted on %s.\n", accepted);
    else
        say(call, "The license has not been accepted yet; license -accept does. OpenLPAR is under the Apache License "
                  "2.0 and asks for nothing.\n");
    return 0;
}

int cmd_motd(struct ios_call *call)
{
    char text[2048], joined[4096];
    bool append = call_has(call, "-append");
    const char *given = call_value(call, append ? "-append" : "-overwrite");
    odm_setting(call->ios, "motd", text, sizeof(text), "");
    if (!given) {
        say(call, *text ? "%s\n" : "%s", text);
        return 0;
    }
    snprintf(joined, sizeof(joined), "%s%s%s", append ? text : "", append && *text ? "\n" : "", given);
    if (strlen(joined) >= sizeof(text))
        return refuse(call, NULL, "The message of the day is longer than %zu characters.", sizeof(text) - 1);
    odm_set(call->ios, "motd", joined);
    return 0;
}

int cmd_shutdown(struct ios_call *call)
{
    s64 used =
        odm_number(call->ios, 0, "SELECT count(*) FROM mapping m JOIN device d ON d.name = m.vhost WHERE d.state", "");
    const struct ios_effects *e = call->ios->config.effects;
    if (!e || !e->power)
        return refuse(call, NULL, "The partition cannot be shut down from here.");
    if (used)
        say(call, "Clients with virtual target devices wait until the Virtual I/O Server is back.\n");
    say(call, "%s\n", call_has(call, "-restart") ? "Rebooting . . ." : "Halting . . .");
    call->ios->power = true;
    call->ios->restart = call_has(call, "-restart");
    return 0;
}

// --- Logs

static void stamp(s64 seconds, const char *format, char *text, size_t size)
{
    struct tm tm;
    time_t when = (time_t)seconds;
    strftime(text, size, format, localtime_r(&when, &tm));
}

// The same label always has the same identifier, as programs filter by it.
static u32 label_id(const char *label)
{
    u32 hash = 2166136261u; // FNV-1a
    for (; *label; label++)
        hash = (hash ^ (u8)*label) * 16777619u;
    return hash;
}

static const char *class_name(const char *kind)
{
    return *kind == 'H' ? "H" : *kind == 'O' ? "O" : "S";
}

static void list_error(struct ios_call *call, struct query *q)
{
    char when[64];
    const char *label = query_text(q, 3);
    stamp(query_number(q, 1), "%a %b %e %H:%M:%S %Z %Y", when, sizeof(when));
    say(call, "---------------------------------------------------------------------------\n");
    say(call, "LABEL:          %s\nIDENTIFIER:     %08X\n\nDate/Time:       %s\nSequence Number: %lld\n", label,
        label_id(label), when, (long long)query_number(q, 0));
    say(call,
        "Machine Id:      %s\nNode Id:         %s\nClass:           %s\nType:            %s\nResource Name:   "
        "%s\n\nDescription\n%s\n\n",
        call->ios->config.serial, call->ios->config.name, class_name(query_text(q, 2)),
        *query_text(q, 2) == 'O' ? "INFO" : "PERM", query_text(q, 4), query_text(q, 5));
}

int cmd_errlog(struct ios_call *call)
{
    struct query q;
    bool any = false, details = call_has(call, "-ls");
    const char *seq = call_value(call, "-seq"), *days = call_value(call, "-rm");
    if (days) {
        s64 limit = (s64)time(NULL) - (s64)strtoll(days, NULL, 10) * 86400;
        if (strspn(days, "0123456789") != strlen(days) || !*days || strlen(days) > 6)
            return refuse(call, NULL, "\"%s\" is not a number of days.", days);
        odm_run(call->ios, "DELETE FROM error WHERE time <= ?", "i", limit);
        return 0;
    }
    query_begin(&q, call->ios,
                "SELECT id, time, kind, label, resource, text FROM error WHERE ?1 IS NULL OR id = ?1 ORDER BY id DESC",
                "s", seq);
    while (query_next(&q)) {
        char when[16];
        if (details || seq) {
            list_error(call, &q);
            continue;
        }
        if (!any)
            say(call, "IDENTIFIER TIMESTAMP  T C RESOURCE_NAME  DESCRIPTION\n");
        any = true;
        stamp(query_number(&q, 1), "%m%d%H%M%y", when, sizeof(when));
        say(call, "%08X   %-10s %c %s %-14s %s\n", label_id(query_text(&q, 3)), when,
            *query_text(&q, 2) == 'O' ? 'I' : 'P', class_name(query_text(&q, 2)), query_text(&q, 4), query_text(&q, 5));
    }
    query_end(&q);
    return 0;
}

int cmd_lsgcl(struct ios_call *call)
{
    struct query q;
    query_begin(&q, call->ios, "SELECT time, user, text FROM command ORDER BY id", "");
    while (query_next(&q)) {
        char when[32];
        stamp(query_number(&q, 0), "%b %d %Y, %H:%M:%S", when, sizeof(when));
        say(call, "%s %-8s %s\n", when, query_text(&q, 1), query_text(&q, 2));
    }
    query_end(&q);
    return 0;
}

// --- Counters

static const char *if_unknown(char text[24], bool known, u64 value)
{
    snprintf(text, 24, known ? "%llu" : "-", (unsigned long long)value);
    return text;
}

static const struct ios_column counter_columns[] = {{"vtd", "Disks:", 15},      {"vadapter", "Adapter", 10},
                                                    {"reads", "Reads", -12},    {"writes", "Writes", -12},
                                                    {"kbread", "Kb_read", -14}, {"kbwritten", "Kb_wrtn", -14}};

int cmd_viostat(struct ios_call *call)
{
    const struct ios_effects *e = call->ios->config.effects;
    struct ios_table table;
    struct query q;
    if (!table_begin(&table, call, counter_columns, ARRAY_LEN(counter_columns)))
        return 1;
    query_begin(&q, call->ios, MAPPING_SELECT "WHERE NOT m.kind = 'optical' ORDER BY a.slot, m.target", "");
    while (query_next(&q)) {
        struct mapping m;
        struct ios_disk_counters c = {0};
        char n[4][24];
        mapping_read(&q, &m);
        bool known =
            m.available && e && e->disk_counters && !e->disk_counters(call->ios->config.context, m.slot, m.target, &c);
        const char *values[] = {m.vtd,
                                m.vhost,
                                if_unknown(n[0], known, c.reads),
                                if_unknown(n[1], known, c.writes),
                                if_unknown(n[2], known, c.read_bytes / KIB),
                                if_unknown(n[3], known, c.written_bytes / KIB)};
        table_row(&table, values);
    }
    query_end(&q);
    return 0;
}

// --- Names and addresses

int cmd_lstcpip(struct ios_call *call)
{
    struct query q;
    char name[NAME_SIZE];
    odm_setting(call->ios, "hostname", name, sizeof(name), *call->ios->config.name ? call->ios->config.name : "vios");
    if (call_has(call, "-hostname")) {
        say(call, "%s\n", name);
        return 0;
    }
    say(call, "%-6s %-16s %-16s %s\n", "Name", "Mac", "Address", "State");
    query_begin(&q, call->ios,
                "SELECT d.name, ifnull(a.value, ''), d.state FROM device d LEFT JOIN attribute a ON a.device = d.name "
                "AND a.name = 'mac_address' WHERE d.type = 'ent' ORDER BY d.slot",
                "");
    while (query_next(&q))
        say(call, "en%-4s %-16s %-16s %s\n", query_text(&q, 0) + 3, query_text(&q, 1), "none",
            query_number(&q, 2) ? "detach" : "missing");
    query_end(&q);
    say(call, "\nHostname: %s\n", name);
    return 0;
}

// --- Backing devices by what they are

static const struct ios_column check_columns[] = {{"name", "NAME", 16},
                                                  {"identifier", "IDENTIFIER", 40},
                                                  {"phys2virt_capable", "PHYS2VIRT_CAPABLE", 17},
                                                  {"virt2phys_capable", "VIRT2PHYS_CAPABLE", 17},
                                                  {"pvid", "PVID", 16},
                                                  {"vtd", "VTD", 0}};

int cmd_chkdev(struct ios_call *call)
{
    struct ios_table table;
    struct query q;
    struct device d;
    const char *only = call_value(call, "-dev");
    if (only && !device_need(call, only, &d))
        return 1;
    if (!table_begin(&table, call, check_columns, ARRAY_LEN(check_columns)))
        return 1;
    query_begin(&q, call->ios,
                "SELECT p.name, p.path, CASE WHEN p.vg IS NULL THEN 'YES' ELSE 'NO' END, p.pvid, "
                "ifnull(group_concat(m.vtd, ' '), '') FROM pv p LEFT JOIN mapping m ON m.kind = 'disk' AND "
                "m.backing = p.name WHERE ?1 IS NULL OR p.name = ?1 GROUP BY p.name ORDER BY length(p.name), p.name",
                "s", only);
    while (query_next(&q)) {
        const char *values[] = {query_text(&q, 0), query_text(&q, 1),
                                query_text(&q, 2), *query_text(&q, 4) ? "YES" : "NA",
                                query_text(&q, 3), query_text(&q, 4)};
        table_row(&table, values);
    }
    query_end(&q);
    return 0;
}
