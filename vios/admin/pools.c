// SPDX-License-Identifier: Apache-2.0
// Storage pools: a volume group is one of logical volumes; one of files has a part of a volume group's space for its own and a file for each backing device.
//
// Files lie in the VIOS's folder, beside the file that is its own disk, so only space on that one can be given to a pool of files: what the pool may hold is then taken
// from what the disk may hold.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "vios/admin/storage.h"

static void pool_folder(struct ios *ios, const char *pool, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%.512s/storagepools/%.80s", ios->config.folder ? ios->config.folder : "/nowhere", pool);
}

static bool is_files(struct ios *ios, const char *pool)
{
    return odm_number(ios, 0, "SELECT count(*) FROM pool WHERE name = ?", "s", pool) != 0;
}

// The pool that -sp names, or the default one.
static bool need_pool(struct ios_call *call, char pool[NAME_SIZE], bool *files)
{
    const char *given = call_value(call, "-sp");
    if (given)
        snprintf(pool, NAME_SIZE, "%s", given);
    else
        odm_setting(call->ios, "default_pool", pool, NAME_SIZE, "rootvg");
    *files = is_files(call->ios, pool);
    if (*files || odm_number(call->ios, 0, "SELECT count(*) FROM vg WHERE name = ?", "s", pool))
        return true;
    refuse(call, NULL, "\"%s\" is not a valid storage pool; lssp lists those that there are.", pool);
    return false;
}

static u64 files_used(struct ios *ios, const char *pool)
{
    return (u64)odm_number(ios, 0, "SELECT sum(size) FROM bd WHERE pool = ?", "s", pool);
}

// --- mksp, chsp, rmsp

static int make_files(struct ios_call *call, const char *name)
{
    struct group g;
    char path[PATH_SIZE];
    if (!group_need(call, call_value(call, "-sp"), &g))
        return 1;
    u64 size = call_size(call, call_value(call, "-size"), 0);
    if (!size || !call_name(call, name, VOLUME_NAME_MAX))
        return 1;
    pool_folder(call->ios, name, path);
    if (volume_make(call, &g, name, "fbpool", size, VOLUME_INTERNAL, OPERANDS_MAX))
        return 1;
    odm_run(call->ios, "INSERT INTO pool VALUES(?, ?)", "ss", name, name);
    int err = folder_make(call->ios, path); // an empty folder too many harms nobody
    if (err)
        return refuse(call, NULL, "The folder of the storage pool \"%s\" cannot be made: %s.", name, strerror(-err));
    say(call, "%s\nFile system created successfully.\n", name);
    return 0;
}

int cmd_mksp(struct ios_call *call)
{
    const char *name = call->operand[0];
    if (call_has(call, "-fb"))
        return make_files(call, name);
    if (group_make(call, name, 1))
        return 1;
    say(call, "%s\n", name);
    return 0;
}

int cmd_chsp(struct ios_call *call)
{
    char pool[NAME_SIZE];
    bool files;
    struct group g;
    const char *chosen = call_value(call, "-default");
    if (chosen) {
        if (!is_files(call->ios, chosen) && !group_need(call, chosen, &g))
            return 1;
        odm_set(call->ios, "default_pool", chosen);
        return 0;
    }
    if (!need_pool(call, pool, &files))
        return 1;
    const char *amount = call_value(call, "-size");
    if (files != (amount != NULL))
        return refuse(call, NULL,
                      files ? "\"%s\" is a pool of files: -size gives it more space."
                            : "\"%s\" is a pool of logical volumes: disks give it more space.",
                      pool);
    if (files) {
        u64 size = call_size(call, amount, 0);
        return size ? volume_extend(call, pool, size, OPERANDS_MAX) : 1;
    }
    if (!group_need(call, pool, &g))
        return 1;
    for (u32 i = 0; i < call->operands_len; i++)
        if (group_add_disk(call, &g, call->operand[i]))
            return 1;
    return 0;
}

static int remove_files(struct ios_call *call, const char *pool)
{
    char path[PATH_SIZE], text[NAME_SIZE];
    struct query q;
    if (odm_text(call->ios, text, sizeof(text), "SELECT vtd FROM mapping WHERE kind = 'file' AND pool = ?", "s", pool))
        return refuse(
            call, NULL,
            "The storage pool \"%s\" is in use: %s has its backing device from it; rmvdev -vtd %s takes that away.",
            pool, text, text);
    if (!call_has(call, "-f") && odm_number(call->ios, 0, "SELECT count(*) FROM bd WHERE pool = ?", "s", pool))
        return refuse(call, NULL,
                      "The storage pool \"%s\" has backing devices; rmbdsp removes them, or -f with the pool.", pool);
    query_begin(&q, call->ios, "SELECT name FROM bd WHERE pool = ?", "s", pool);
    while (query_next(&q)) {
        storage_path(call->ios, pool, query_text(&q, 0), path);
        odm_clean_later(call->ios, path, 0, 0);
    }
    query_end(&q);
    pool_folder(call->ios, pool, path);
    odm_clean_later(call->ios, path, 0, 0);
    odm_run(call->ios, "DELETE FROM bd WHERE pool = ?", "s", pool);
    odm_run(call->ios, "DELETE FROM pool WHERE name = ?", "s", pool);
    return volume_remove(call, pool);
}

int cmd_rmsp(struct ios_call *call)
{
    const char *pool = call->operand[0];
    char chosen[NAME_SIZE];
    struct group g;
    odm_setting(call->ios, "default_pool", chosen, sizeof(chosen), "rootvg");
    if (strcmp(chosen, pool) == 0)
        odm_set(call->ios, "default_pool", "rootvg");
    if (is_files(call->ios, pool))
        return remove_files(call, pool);
    return group_need(call, pool, &g) ? group_remove(call, &g) : 1;
}

// --- lssp

static const struct ios_column pool_columns[] = {{"pool", "Pool", 16},      {"size", "Size(mb)", -11},
                                                 {"free", "Free(mb)", -10}, {"alloc", "Alloc Size(mb)", -15},
                                                 {"bds", "BDs", -6},        {"type", "Type", 0}};
static const struct ios_column bd_columns[] = {
    {"bdname", "Name", 40}, {"size", "Size(mb)", -8}, {"vtd", "VTD", 15}, {"svsa", "SVSA", 0}};
static const struct ios_column member_columns[] = {
    {"pvname", "PVname", 16}, {"pvid", "PVID", 36}, {"size", "Size(mb)", 0}};

static int list_backing_devices(struct ios_call *call, const char *pool, bool files)
{
    struct ios_table table;
    struct query q;
    if (!table_begin(&table, call, bd_columns, ARRAY_LEN(bd_columns)))
        return 1;
    if (files)
        query_begin(&q, call->ios,
                    "SELECT b.name, b.size / 1048576, ifnull(m.vtd, 'None'), ifnull(m.vhost, 'None') FROM bd b LEFT "
                    "JOIN mapping m ON m.kind = 'file' "
                    "AND m.backing = b.name AND m.pool = b.pool WHERE b.pool = ? ORDER BY b.name, m.vtd",
                    "s", pool);
    else
        query_begin(&q, call->ios,
                    "SELECT l.name, (SELECT sum(len) FROM extent WHERE lv = l.name) * g.pp_size / 1048576, "
                    "ifnull(m.vtd, 'None'), ifnull(m.vhost, "
                    "'None') FROM lv l JOIN vg g ON g.name = l.vg LEFT JOIN mapping m ON m.kind = 'lv' AND m.backing = "
                    "l.name WHERE l.vg = ? AND "
                    "l.type = 'jfs' ORDER BY l.name, m.vtd",
                    "s", pool);
    while (query_next(&q)) {
        const char *values[] = {query_text(&q, 0), query_text(&q, 1), query_text(&q, 2), query_text(&q, 3)};
        table_row(&table, values);
    }
    query_end(&q);
    return 0;
}

static int list_members(struct ios_call *call, const char *pool)
{
    struct ios_table table;
    struct query q;
    if (!table_begin(&table, call, member_columns, ARRAY_LEN(member_columns)))
        return 1;
    query_begin(&q, call->ios,
                "SELECT name, pvid, size / 1048576 FROM pv WHERE vg = ?1 OR name IN (SELECT e.pv FROM extent e JOIN "
                "pool p ON p.lv = e.lv WHERE "
                "p.name = ?1) ORDER BY length(name), name",
                "s", pool);
    while (query_next(&q)) {
        const char *values[] = {query_text(&q, 0), query_text(&q, 1), query_text(&q, 2)};
        table_row(&table, values);
    }
    query_end(&q);
    return 0;
}

static void list_group(struct ios_call *call, struct ios_table *table, const char *name)
{
    struct group g;
    char text[4][24];
    if (!group_need(call, name, &g))
        return;
    s64 count = odm_number(call->ios, 0, "SELECT count(*) FROM lv WHERE vg = ? AND type = 'jfs'", "s", name);
    const u64 numbers[] = {g.total * g.pp / MIB, (g.total - g.used) * g.pp / MIB, g.pp / MIB, (u64)count};
    for (u32 i = 0; i < ARRAY_LEN(numbers); i++)
        snprintf(text[i], sizeof(text[i]), "%llu", (unsigned long long)numbers[i]);
    const char *values[] = {name, text[0], text[1], text[2], text[3], "LVPOOL"};
    table_row(table, values);
}

static void list_files(struct ios_call *call, struct ios_table *table, const char *name)
{
    char text[4][24];
    u64 size = volume_size(call->ios, name);
    s64 count = odm_number(call->ios, 0, "SELECT count(*) FROM bd WHERE pool = ?", "s", name);
    s64 pp =
        odm_number(call->ios, 0, "SELECT g.pp_size FROM lv l JOIN vg g ON g.name = l.vg WHERE l.name = ?", "s", name);
    const u64 numbers[] = {size / MIB, (size - files_used(call->ios, name)) / MIB, (u64)pp / MIB, (u64)count};
    for (u32 i = 0; i < ARRAY_LEN(numbers); i++)
        snprintf(text[i], sizeof(text[i]), "%llu", (unsigned long long)numbers[i]);
    const char *values[] = {name, text[0], text[1], text[2], text[3], "FBPOOL"};
    table_row(table, values);
}

static int list_pools(struct ios_call *call, const char *only)
{
    struct ios_table table;
    struct query q;
    if (!table_begin(&table, call, pool_columns, ARRAY_LEN(pool_columns)))
        return 1;
    query_begin(&q, call->ios,
                "SELECT name, files FROM (SELECT name, 0 AS files FROM vg UNION ALL SELECT name, 1 FROM pool) WHERE ?1 "
                "IS NULL OR name = ?1 "
                "ORDER BY files, name <> 'rootvg', name",
                "s", only);
    while (query_next(&q)) {
        if (query_number(&q, 1))
            list_files(call, &table, query_text(&q, 0));
        else
            list_group(call, &table, query_text(&q, 0));
    }
    query_end(&q);
    return 0;
}

int cmd_lssp(struct ios_call *call)
{
    char pool[NAME_SIZE];
    bool files;
    if (call_has(call, "-default")) {
        odm_setting(call->ios, "default_pool", pool, sizeof(pool), "rootvg");
        say(call, "%s\n", pool);
        return 0;
    }
    if (!call_has(call, "-sp") && !call_has(call, "-bd") && !call_has(call, "-detail"))
        return list_pools(call, NULL);
    if (!need_pool(call, pool, &files))
        return 1;
    if (call_has(call, "-bd"))
        return list_backing_devices(call, pool, files);
    return call_has(call, "-detail") ? list_members(call, pool) : list_pools(call, pool);
}

// --- Backing devices

static bool exists(struct ios *ios, const char *pool, bool files, const char *name)
{
    return files ? odm_number(ios, 0, "SELECT count(*) FROM bd WHERE pool = ? AND name = ?", "ss", pool, name) != 0
                 : odm_number(ios, 0, "SELECT count(*) FROM lv WHERE vg = ? AND name = ? AND type = 'jfs'", "ss", pool,
                              name) != 0;
}

static int make_file(struct ios_call *call, const char *pool, const char *name, u64 size, bool thick)
{
    struct ios *ios = call->ios;
    char path[PATH_SIZE];
    u64 space = volume_size(ios, pool), used = files_used(ios, pool);
    if (!call_name(call, name, BACKING_NAME_MAX))
        return 1;
    if (size > space - MIN(used, space))
        return refuse(call, NULL,
                      "The storage pool \"%s\" has %llu megabytes free, less than the %llu that are asked for; chsp "
                      "-add -sp %s -size SIZE gives it more.",
                      pool, (unsigned long long)((space - MIN(used, space)) / MIB), (unsigned long long)(size / MIB),
                      pool);
    storage_path(ios, pool, name, path);
    if (ios->config.folder && access(path, F_OK) == 0) // not ours: it must not be removed if this fails
        return refuse(call, NULL, "The file %s is there already, and is no backing device; move it away.", path);
    if (!odm_prepare(ios, path))
        return refuse(call, "0514-041", "The device configuration database cannot be written.");
    int err = file_make(ios, path, size, thick);
    if (err)
        return refuse(call, NULL, "The file \"%s\" cannot be made: %s.", name, strerror(-err));
    odm_keep(ios, path);
    odm_run(ios, "INSERT INTO bd VALUES(?, ?, ?, ?)", "ssii", pool, name, (s64)size, (s64)thick);
    return 0;
}

static int make_volume(struct ios_call *call, const char *pool, const char *name, u64 size, bool thick)
{
    struct group g;
    return group_need(call, pool, &g) ? volume_make(call, &g, name, "jfs", size, thick ? VOLUME_THICK : 0, OPERANDS_MAX)
                                      : 1;
}

int cmd_mkbdsp(struct ios_call *call)
{
    char pool[NAME_SIZE];
    bool files;
    const char *name = call_value(call, "-bd");
    if (!need_pool(call, pool, &files))
        return 1;
    const char *what = files ? "file" : "logical volume";
    bool there = exists(call->ios, pool, files, name);
    if (call->operands_len) {
        u64 size = call_size(call, call->operand[0], 0);
        if (!size)
            return 1;
        if (there)
            return refuse(call, "0516-360", "The device name \"%s\" is already used; choose a different name.", name);
        bool thick = call_has(call, "-thick");
        if (files ? make_file(call, pool, name, size, thick) : make_volume(call, pool, name, size, thick))
            return 1;
        say(call, "Creating %s \"%s\" in storage pool \"%s\".\n", what, name, pool);
    } else if (!there) {
        return refuse(call, NULL, "\"%s\" is not a backing device of the storage pool \"%s\"; give a size to make it.",
                      name, pool);
    }
    if (!call_has(call, "-vadapter"))
        return call_has(call, "-tn") ? refuse(call, NULL, "Command requires option \"-vadapter\" with -tn.") : 0;
    const struct mapping_request r = {.vhost = call_value(call, "-vadapter"),
                                      .vtd = call_value(call, "-tn"),
                                      .kind = files ? "file" : "lv",
                                      .backing = name,
                                      .pool = files ? pool : ""};
    if (mapping_check_free(call, r.kind, r.backing, r.pool))
        return 1;
    say(call, "Assigning %s \"%s\" as a backing device.\n\n", what, name);
    return mapping_make(call, &r);
}

int cmd_chbdsp(struct ios_call *call)
{
    char pool[NAME_SIZE], path[PATH_SIZE];
    bool files;
    const char *name = call_value(call, "-bd");
    struct ios *ios = call->ios;
    if (!need_pool(call, pool, &files))
        return 1;
    if (!exists(ios, pool, files, name))
        return refuse(
            call, NULL,
            "\"%s\" is not a backing device of the storage pool \"%s\"; lssp -bd -sp %s lists those that there are.",
            name, pool, pool);
    u64 more = call_size(call, call_value(call, "-size"), 0);
    if (!more)
        return 1;
    if (!files)
        return volume_extend(call, name, more, OPERANDS_MAX);
    u64 space = volume_size(ios, pool), used = files_used(ios, pool);
    if (more > space - MIN(used, space))
        return refuse(call, NULL,
                      "The storage pool \"%s\" has %llu megabytes free; chsp -add -sp %s -size SIZE gives it more.",
                      pool, (unsigned long long)((space - MIN(used, space)) / MIB), pool);
    u64 size = more + (u64)odm_number(ios, 0, "SELECT size FROM bd WHERE pool = ? AND name = ?", "ss", pool, name);
    storage_path(ios, pool, name, path);
    int err = file_grow(ios, path, size,
                        odm_number(ios, 0, "SELECT thick FROM bd WHERE pool = ? AND name = ?", "ss", pool, name) != 0);
    if (err)
        return refuse(call, NULL, "The file \"%s\" cannot grow: %s.", name, strerror(-err));
    odm_run(ios, "UPDATE bd SET size = ? WHERE pool = ? AND name = ?", "iss", (s64)size, pool, name);
    mapping_grown(ios, "file", name, pool);
    return 0;
}

int backing_remove(struct ios_call *call, const char *pool, const char *name)
{
    char path[PATH_SIZE];
    if (!*pool)
        return volume_remove(call, name);
    if (mapping_count(call->ios, "file", name, pool))
        return refuse(call, NULL, "\"%s\" is in use as a backing device.", name);
    storage_path(call->ios, pool, name, path);
    odm_clean_later(call->ios, path, 0, 0);
    odm_run(call->ios, "DELETE FROM bd WHERE pool = ? AND name = ?", "ss", pool, name);
    return 0;
}

static int unmap_all(struct ios_call *call, const char *kind, const char *name, const char *pool)
{
    char vtd[NAME_SIZE];
    struct mapping m;
    while (odm_text(call->ios, vtd, sizeof(vtd), "SELECT vtd FROM mapping WHERE kind = ? AND backing = ? AND pool = ?",
                    "sss", kind, name, pool)) {
        if (!mapping_find(call->ios, vtd, &m) || mapping_remove(call, &m, call_has(call, "-f")))
            return 1;
        say(call, "%s deleted\n", vtd);
    }
    return 0;
}

int cmd_rmbdsp(struct ios_call *call)
{
    char pool[NAME_SIZE];
    bool files;
    struct mapping m;
    const char *vtd = call_value(call, "-vtd"), *name = call_value(call, "-bd");
    if (vtd) {
        if (!mapping_find(call->ios, vtd, &m) || (strcmp(m.kind, "lv") && strcmp(m.kind, "file")))
            return refuse(
                call, NULL,
                "\"%s\" is not a virtual target device with a backing device of a storage pool; lsmap -all lists them.",
                vtd);
        if (mapping_remove(call, &m, call_has(call, "-f")))
            return 1;
        say(call, "%s deleted\n", vtd);
        return call_has(call, "-savebd") ? 0 : backing_remove(call, m.pool, m.backing);
    }
    if (!need_pool(call, pool, &files))
        return 1;
    if (!exists(call->ios, pool, files, name))
        return refuse(
            call, NULL,
            "\"%s\" is not a backing device of the storage pool \"%s\"; lssp -bd -sp %s lists those that there are.",
            name, pool, pool);
    if (unmap_all(call, files ? "file" : "lv", name, files ? pool : ""))
        return 1;
    return call_has(call, "-savebd") ? 0 : backing_remove(call, files ? pool : "", name);
}
