// SPDX-License-Identifier: Apache-2.0
// Volume groups: disks whose space logical volumes and pools are made of.
#include "vios/admin/ios_int.h"

#include <string.h>
#include <strings.h>

#include "vios/admin/storage.h"

bool group_need(struct ios_call *call, const char *name, struct group *g)
{
    struct query q;
    query_begin(&q, call->ios,
                "SELECT g.name, g.identifier, g.pp_size, g.active, (SELECT ifnull(sum((size - ?2) / g.pp_size), 0) "
                "FROM pv WHERE vg = "
                "g.name), (SELECT ifnull(sum(len), 0) FROM extent e JOIN pv p ON p.name = e.pv WHERE p.vg = g.name), "
                "(SELECT count(*) "
                "FROM pv WHERE vg = g.name), (SELECT count(*) FROM lv WHERE vg = g.name), (SELECT count(DISTINCT "
                "m.backing) FROM mapping m JOIN lv l "
                "ON l.name = m.backing WHERE m.kind = 'lv' AND l.vg = g.name), (SELECT count(*) FROM pv p JOIN device "
                "d ON d.name = p.name WHERE vg = g.name AND d.state) FROM vg g WHERE g.name = ?1",
                "si", name, (s64)VOLUME_START);
    bool found = query_next(&q);
    if (found) {
        snprintf(g->name, sizeof(g->name), "%s", query_text(&q, 0));
        snprintf(g->identifier, sizeof(g->identifier), "%s", query_text(&q, 1));
        g->pp = (u64)query_number(&q, 2);
        g->active = query_number(&q, 3) != 0;
        g->total = (u64)query_number(&q, 4);
        g->used = (u64)query_number(&q, 5);
        g->disks = (u32)query_number(&q, 6);
        g->volumes = (u32)query_number(&q, 7);
        g->mapped = (u32)query_number(&q, 8);
        g->present = (u32)query_number(&q, 9);
    }
    query_end(&q);
    if (!found)
        refuse(call, "0516-306",
               "Unable to find volume group %s in the Device Configuration Database; lsvg lists those that there are.",
               name);
    return found;
}

// A disk joins the group.
static int add_disk(struct ios_call *call, const char *vg, u64 pp, const char *disk)
{
    struct device d;
    char text[NAME_SIZE];
    struct ios *ios = call->ios;
    if (!device_need(call, disk, &d))
        return 1;
    if (strcmp(d.type, "hdisk") || !d.available)
        return refuse(call, "0516-320", "\"%s\" is not a physical volume that is available.", disk);
    if (odm_number(ios, 0, "SELECT path LIKE 'iscsi:%' FROM pv WHERE name = ?", "s", disk))
        return refuse(
            call, "0516-1163",
            "The physical volume %s is a LUN of an iSCSI target, which is given to a client as a whole: mkvdev "
            "-vdev %s.",
            disk, disk);
    if (odm_text(ios, text, sizeof(text), "SELECT vg FROM pv WHERE name = ? AND vg IS NOT NULL", "s", disk))
        return refuse(call, "0516-1254", "The physical volume %s belongs to volume group %s.", disk, text);
    if (mapping_count(ios, "disk", disk, ""))
        return refuse(call, "0516-1398",
                      "The physical volume %s appears to belong to a client: it is a backing device.", disk);
    if (!call_has(call, "-f") &&
        odm_text(ios, text, sizeof(text), "SELECT pvid FROM pv WHERE name = ? AND pvid <> ''", "s", disk))
        return refuse(
            call, "0516-1397",
            "The physical volume %s has the identifier %s and may hold data. Use the -f flag to take it anyway.", disk,
            text);
    if (!odm_number(ios, 0, "SELECT size - ?2 >= ?3 FROM pv WHERE name = ?1", "sii", disk, (s64)VOLUME_START, (s64)pp))
        return refuse(call, "0516-1163",
                      "The physical volume %s is smaller than a physical partition of %s (%llu megabytes).", disk, vg,
                      (unsigned long long)(pp / MIB));
    odm_run(
        ios,
        "UPDATE pv SET vg = ?2, pvid = CASE pvid WHEN '' THEN lower(hex(randomblob(8))) ELSE pvid END WHERE name = ?1",
        "ss", disk, vg);
    return 0;
}

int group_add_disk(struct ios_call *call, const struct group *g, const char *disk)
{
    return add_disk(call, g->name, g->pp, disk);
}

static int add_disks(struct ios_call *call, const char *vg, u64 pp, u32 from)
{
    int status = 0;
    for (u32 i = from; !status && i < call->operands_len; i++)
        status = add_disk(call, vg, pp, call->operand[i]);
    return status;
}

int group_make(struct ios_call *call, const char *name, u32 from)
{
    u64 largest = 0;
    if (!call_name(call, name, 15))
        return 1;
    if (storage_name_used(call, name))
        return 1;
    for (u32 i = from; i < call->operands_len; i++)
        largest =
            MAX(largest, (u64)odm_number(call->ios, 0, "SELECT size FROM pv WHERE name = ?", "s", call->operand[i]));
    u64 pp = largest > VOLUME_START ? volume_partition_size(largest) : MIB;
    while (pp > 4 * MIB && largest / pp < 64)
        pp /= 2; // small disks have some, too
    odm_run(call->ios, "INSERT INTO vg(name, pp_size, identifier) VALUES(?, ?, lower(hex(randomblob(16))))", "si", name,
            (s64)pp);
    return add_disks(call, name, pp, from);
}

int cmd_mkvg(struct ios_call *call)
{
    char name[NAME_SIZE];
    const char *given = call_value(call, "-vg");
    for (u32 i = 0; !given; i++) {
        snprintf(name, sizeof(name), "vg%02u", i);
        if (!odm_number(call->ios, 0, "SELECT count(*) FROM vg WHERE name = ?", "s", name))
            given = name;
    }
    int status = group_make(call, given, 0);
    if (!status)
        say(call, "%s\n", given);
    return status;
}

int cmd_extendvg(struct ios_call *call)
{
    struct group g;
    return group_need(call, call->operand[0], &g) ? add_disks(call, g.name, g.pp, 1) : 1;
}

int cmd_reducevg(struct ios_call *call)
{
    struct group g;
    char text[NAME_SIZE];
    if (!group_need(call, call->operand[0], &g))
        return 1;
    for (u32 i = 1; i < call->operands_len; i++) {
        const char *disk = call->operand[i];
        if (!odm_number(call->ios, 0, "SELECT count(*) FROM pv WHERE name = ? AND vg = ?", "ss", disk, g.name))
            return refuse(call, "0516-1284", "The physical volume %s does not belong to volume group %s.", disk,
                          g.name);
        if (odm_text(call->ios, text, sizeof(text), "SELECT lv FROM extent WHERE pv = ? LIMIT 1", "s", disk))
            return refuse(call, "0516-016",
                          "Cannot delete physical volume %s: it holds the logical volume %s; rmlv removes that.", disk,
                          text);
        if (odm_number(call->ios, 0, "SELECT internal FROM pv WHERE name = ?", "s", disk))
            return refuse(call, "0516-016",
                          "The physical volume %s is what the Virtual I/O Server has of its own; it stays in %s.", disk,
                          g.name);
        odm_run(call->ios, "UPDATE pv SET vg = NULL, pvid = '' WHERE name = ?", "s", disk);
        g.disks--;
    }
    if (!g.disks)
        odm_run(call->ios, "DELETE FROM vg WHERE name = ?", "s", g.name);
    if (!g.disks)
        say(call, "ldeletepv: Volume Group deleted since it contains no physical volumes.\n");
    return 0;
}

int group_remove(struct ios_call *call, const struct group *g)
{
    if (g->volumes)
        return refuse(call, "0516-306",
                      "The storage pool %s still has %u logical volumes; rmbdsp, rmsp and rmlv remove them.", g->name,
                      g->volumes);
    if (odm_number(call->ios, 0, "SELECT count(*) FROM pv WHERE vg = ? AND internal", "s", g->name))
        return refuse(call, "0516-016", "%s is what the Virtual I/O Server has of its own, and stays.", g->name);
    odm_run(call->ios, "UPDATE pv SET vg = NULL, pvid = '' WHERE vg = ?", "s", g->name);
    odm_run(call->ios, "DELETE FROM vg WHERE name = ?", "s", g->name);
    return 0;
}

static int set_active(struct ios_call *call, bool active)
{
    struct group g;
    if (!group_need(call, call->operand[0], &g))
        return 1;
    if (!active && g.mapped)
        return refuse(call, "0516-012", "The volume group %s is in use: %u of its logical volumes are backing devices.",
                      g.name, g.mapped);
    if (!active && odm_number(call->ios, 0, "SELECT count(*) FROM pv WHERE vg = ? AND internal", "s", g.name))
        return refuse(call, "0516-012",
                      "The volume group %s is what the Virtual I/O Server works with, and stays active.", g.name);
    odm_run(call->ios, "UPDATE vg SET active = ? WHERE name = ?", "is", (s64)active, g.name);
    return 0;
}

int cmd_activatevg(struct ios_call *call)
{
    return set_active(call, true);
}

int cmd_deactivatevg(struct ios_call *call)
{
    return set_active(call, false);
}

// --- lsvg

static void line(struct ios_call *call, const char *left, const char *value, const char *right, const char *other)
{
    say(call, "%-19s %-24s %-15s %s\n", left, value, right, other);
}

static const char *state_of(const struct group *g)
{
    return !g->active ? "varied off" : g->present < g->disks ? "degraded" : "active";
}

static void count(char text[64], u64 number, const struct group *g)
{
    snprintf(text, 64, "%llu (%llu megabytes)", (unsigned long long)number,
             (unsigned long long)(number * (g->pp / MIB)));
}

static void sheet(struct ios_call *call, const struct group *g)
{
    char numbers[6][64];
    snprintf(numbers[0], 64, "%llu megabyte(s)", (unsigned long long)(g->pp / MIB));
    count(numbers[1], g->total, g);
    count(numbers[2], g->total - g->used, g);
    count(numbers[3], g->used, g);
    snprintf(numbers[4], 64, "%u", g->volumes);
    snprintf(numbers[5], 64, "%u", g->mapped);
    line(call, "VOLUME GROUP:", g->name, "VG IDENTIFIER:", g->identifier);
    line(call, "VG STATE:", state_of(g), "PP SIZE:", numbers[0]);
    line(call, "VG PERMISSION:", "read/write", "TOTAL PPs:", numbers[1]);
    line(call, "LVs:", numbers[4], "FREE PPs:", numbers[2]);
    line(call, "OPEN LVs:", numbers[5], "USED PPs:", numbers[3]);
    snprintf(numbers[4], 64, "%u", g->disks);
    snprintf(numbers[5], 64, "%u", g->present);
    line(call, "TOTAL PVs:", numbers[4], "ACTIVE PVs:", numbers[5]);
}

static const struct ios_column group_columns[] = {
    {"vgname", "VOLUME GROUP", 16}, {"vgstate", "VG STATE", 10}, {"ppsize", "PP SIZE", 8},
    {"pps", "TOTAL PPs", 10},       {"freepps", "FREE PPs", 10}, {"usedpps", "USED PPs", 10},
    {"numpvs", "TOTAL PVs", 9},     {"numlvs", "LVs", 0},        {"vgid", "VG IDENTIFIER", 0}};

static int list_fields(struct ios_call *call, const struct group *g)
{
    struct ios_table table;
    char n[6][24];
    const u64 numbers[] = {g->pp / MIB, g->total, g->total - g->used, g->used, g->disks, g->volumes};
    for (u32 i = 0; i < ARRAY_LEN(n); i++)
        snprintf(n[i], sizeof(n[i]), "%llu", (unsigned long long)numbers[i]);
    const char *values[] = {g->name, state_of(g), n[0], n[1], n[2], n[3], n[4], n[5], g->identifier};
    if (!table_begin(&table, call, group_columns, ARRAY_LEN(group_columns)))
        return 1;
    table_row(&table, values);
    return 0;
}

static const struct ios_column lv_columns[] = {
    {"lvname", "LV NAME", 19}, {"type", "TYPE", 10},        {"lps", "LPs", 7},          {"pps", "PPs", 7},
    {"pvs", "PVs", 4},         {"lvstate", "LV STATE", 13}, {"mount", "MOUNT POINT", 0}};
static const struct ios_column pv_columns[] = {
    {"pvname", "PV_NAME", 17}, {"pvstate", "PV STATE", 11}, {"totalpps", "TOTAL PPs", 11}, {"freepps", "FREE PPs", 10}};
static const struct ios_column map_columns[] = {
    {"pv", "PHYSICAL VOLUME", 16}, {"first", "FIRST PP", 10}, {"len", "PPs", 8}, {"lv", "LOGICAL VOLUME", 0}};

static int list_query(struct ios_call *call, const struct group *g, const struct ios_column *columns, u32 len,
                      const char *sql)
{
    struct ios_table table;
    struct query q;
    if (!call_has(call, "-fmt"))
        say(call, "%s:\n", g->name);
    if (!table_begin(&table, call, columns, len))
        return 1;
    query_begin(&q, call->ios, sql, "sii", g->name, (s64)VOLUME_START, (s64)g->pp);
    while (query_next(&q)) {
        const char *values[COLUMNS_MAX] = {0};
        for (u32 i = 0; i < len; i++)
            values[i] = query_text(&q, (int)i);
        table_row(&table, values);
    }
    query_end(&q);
    return 0;
}

int cmd_lsvg(struct ios_call *call)
{
    struct group g;
    struct query q;
    if (!call->operands_len) {
        query_begin(&q, call->ios, "SELECT name FROM vg ORDER BY name <> 'rootvg', name", "");
        while (query_next(&q))
            say(call, "%s\n", query_text(&q, 0));
        query_end(&q);
        return 0;
    }
    if (!group_need(call, call->operand[0], &g))
        return 1;
    if (call_has(call, "-lv"))
        return list_query(call, &g, lv_columns, ARRAY_LEN(lv_columns),
                          "SELECT l.name, l.type, sum(e.len), sum(e.len), count(DISTINCT e.pv), CASE WHEN l.type <> "
                          "'jfs' OR EXISTS (SELECT * FROM "
                          "mapping WHERE kind = 'lv' AND backing = l.name) THEN 'open/syncd' ELSE 'closed/syncd' END, "
                          "CASE l.type WHEN 'jfs' THEN 'N/A' WHEN "
                          "'medialib' THEN '/var/vio/VMLibrary' ELSE '/var/vio/storagepools/' || l.name END FROM lv l "
                          "JOIN extent e ON e.lv = "
                          "l.name WHERE l.vg = ?1 GROUP BY l.name ORDER BY l.name");
    if (call_has(call, "-pv"))
        return list_query(call, &g, pv_columns, ARRAY_LEN(pv_columns),
                          "SELECT p.name, CASE WHEN d.state THEN 'active' ELSE 'missing' END, (p.size - ?2) / ?3, "
                          "(p.size - ?2) / ?3 - (SELECT "
                          "ifnull(sum(len), 0) FROM extent WHERE pv = p.name) FROM pv p JOIN device d ON d.name = "
                          "p.name WHERE p.vg = ?1 ORDER BY length(p.name), p.name");
    if (call_has(call, "-map"))
        return list_query(call, &g, map_columns, ARRAY_LEN(map_columns),
                          "SELECT e.pv, e.first, e.len, e.lv FROM extent e JOIN pv p ON p.name = e.pv WHERE p.vg = ?1 "
                          "ORDER BY length(e.pv), e.pv, e.first");
    if (call_has(call, "-field") || call_has(call, "-fmt"))
        return list_fields(call, &g);
    sheet(call, &g);
    return 0;
}
