// SPDX-License-Identifier: Apache-2.0
// viosbr and backupios: the configuration as a file NAME.tar.gz, which holds a copy of the database.
//
// Restoring adds what is missing and takes nothing away: devices keep their names, what is in use stays as it is.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "vios/admin/storage.h"

#define BLOCK      512u
#define MEMBER     "viosbr/odm.db"
#define BACKUP_MAX (256 * MIB)

// --- The archive: one member, as tar reads it (POSIX ustar)

struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], time[12], sum[8], type, link[100], magic[6], version[2],
        user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};

static_assert(sizeof(struct header) == BLOCK, "one block");

static u32 checksum(const struct header *h)
{
    u32 sum = 0;
    for (u32 i = 0; i < BLOCK; i++)
        sum += i >= 148 && i < 156 ? ' ' : ((const u8 *)h)[i];
    return sum;
}

static int pack(const char *from, const char *to)
{
    struct header h = {.type = '0', .magic = "ustar", .version = {'0', '0'}};
    u8 block[64 * KIB];
    struct stat st;
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int err = in < 0 || out < 0 || fstat(in, &st) ? -errno : 0;
    gzFile gz = err ? NULL : gzdopen(dup(out), "wb");
    if (!err) {
        snprintf(h.name, sizeof(h.name), MEMBER);
        snprintf(h.mode, sizeof(h.mode), "0000600");
        snprintf(h.uid, sizeof(h.uid), "0000000");
        snprintf(h.gid, sizeof(h.gid), "0000000");
        snprintf(h.size, sizeof(h.size), "%011llo", (unsigned long long)st.st_size & 077777777777);
        snprintf(h.time, sizeof(h.time), "%011llo", (unsigned long long)time(NULL) & 077777777777);
        snprintf(h.sum, sizeof(h.sum), "%06o", checksum(&h) & 0777777);
        h.sum[7] = ' ';
        err = gz && gzwrite(gz, &h, BLOCK) == BLOCK ? 0 : -EIO;
    }
    for (ssize_t got; !err && (got = read(in, block, sizeof(block))) != 0;)
        err = got < 0 ? -errno : gzwrite(gz, block, (unsigned)got) == got ? 0 : -EIO;
    memset(block, 0, sizeof(block));
    unsigned end = err ? 0 : (unsigned)(BLOCK - st.st_size % BLOCK) % BLOCK + 2 * BLOCK;
    if (!err && gzwrite(gz, block, end) != (int)end)
        err = -EIO;
    if (gz && gzclose(gz) != Z_OK && !err)
        err = -EIO;
    if (!err && fsync(out))
        err = -errno;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return err;
}

// Takes the member out of the archive. -EBADMSG: it is not one of ours.
static int unpack(const char *from, const char *to)
{
    struct header h;
    u8 block[64 * KIB];
    char number[13] = "";
    gzFile gz = gzopen(from, "rbe");
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), err = !gz || out < 0 ? -errno : 0;
    if (!err && (gzread(gz, &h, BLOCK) != BLOCK || strncmp(h.name, MEMBER, sizeof(h.name)) ||
                 strncmp(h.magic, "ustar", 5) || strtoul(h.sum, NULL, 8) != checksum(&h)))
        err = -EBADMSG;
    if (!err)
        memcpy(number, h.size, sizeof(h.size));
    u64 size = strtoull(number, NULL, 8);
    if (!err && (!size || size > BACKUP_MAX))
        err = -EBADMSG;
    while (!err && size) {
        int want = (int)MIN(size, sizeof(block)), got = gzread(gz, block, (unsigned)want);
        if (got != want)
            err = -EBADMSG;
        else if (write(out, block, (size_t)got) != got)
            err = errno ? -errno : -EIO;
        size -= (u64)want;
    }
    if (gz)
        gzclose(gz);
    if (out >= 0)
        close(out);
    return err;
}

// --- Files of the home folder

static bool archive_name(struct ios_call *call, const char *name, const char *folder, bool reading,
                         char path[PATH_SIZE])
{
    char full[PATH_SIZE];
    bool ends = strlen(name) > 7 && strcmp(name + strlen(name) - 7, ".tar.gz") == 0, places = strchr(name, '/');
    snprintf(full, sizeof(full), "%s%s%s", places ? "" : folder, name, ends ? "" : ".tar.gz");
    return home_path(call, full, reading, path);
}

static void scratch(struct ios *ios, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%.900s/viosbr.db", ios->config.folder ? ios->config.folder : "");
}

// A copy of the database as it is now.
static int backup(struct ios_call *call, const char *path)
{
    char copy[PATH_SIZE], folder[PATH_SIZE];
    struct ios *ios = call->ios;
    scratch(ios, copy);
    unlink(copy);
    snprintf(folder, sizeof(folder), "%.900s/home/cfgbackups", ios->config.folder);
    folder_make(ios, folder);
    if (!odm_run(ios, "VACUUM INTO ?", "s", copy)) {
        ios->failed = false;
        return refuse(call, NULL, "The configuration cannot be copied: %s", sqlite3_errmsg(ios->db));
    }
    unlink(path);
    int err = pack(copy, path);
    unlink(copy);
    return err ? refuse(call, NULL, "The file %s cannot be written: %s.", path, strerror(-err)) : 0;
}

int cmd_backupios(struct ios_call *call)
{
    char path[PATH_SIZE];
    if (!archive_name(call, call_value(call, "-file"), "", false, path) || backup(call, path))
        return 1;
    say(call, "Backup of the configuration written to %s; the data of clients is not in it.\n", path);
    return 0;
}

static bool open_backup(struct ios_call *call, char copy[PATH_SIZE])
{
    char path[PATH_SIZE];
    scratch(call->ios, copy);
    if (!archive_name(call, call_value(call, "-file"), "cfgbackups/", true, path))
        return false;
    int err = unpack(path, copy);
    bool ok = !err && odm_run(call->ios, "ATTACH DATABASE ? AS old", "s", copy);
    if (ok &&
        odm_number(call->ios, -1, "PRAGMA old.user_version", "") ==
            odm_number(call->ios, -2, "PRAGMA main.user_version", "") &&
        !call->ios->failed)
        return true;
    if (ok)
        odm_run(call->ios, "DETACH DATABASE old", "");
    call->ios->failed = false;
    unlink(copy);
    refuse(call, NULL, "%s: %s.", path,
           err && err != -EBADMSG ? strerror(-err) : "is not a backup of a Virtual I/O Server of this version");
    return false;
}

static void close_backup(struct ios_call *call, const char *copy)
{
    odm_run(call->ios, "DETACH DATABASE old", "");
    unlink(copy);
}

// --- viosbr -view

static const struct {
    const char *type, *title, *sql;
} views[] = {
    {"pv", "Physical Volumes", "SELECT name, path, pvid, ifnull(vg, '') FROM old.pv ORDER BY length(name), name"},
    {"vg", "Volume Groups", "SELECT name, pp_size / 1048576 || ' MB', identifier, '' FROM old.vg ORDER BY name"},
    {"lv", "Logical Volumes",
     "SELECT l.name, l.vg, l.type, (SELECT sum(len) FROM old.extent WHERE lv = l.name) || ' PPs' FROM old.lv l ORDER "
     "BY l.name"},
    {"sp", "File Storage Pools",
     "SELECT p.name, ifnull(b.name, ''), ifnull(b.size / 1048576 || ' MB', ''), '' FROM old.pool p LEFT JOIN old.bd b "
     "ON b.pool = p.name ORDER BY 1, 2"},
    {"optical", "Optical Media",
     "SELECT name, size / 1048576 || ' MB', CASE WHEN read_only THEN 'ro' ELSE 'rw' END, '' FROM old.medium ORDER BY "
     "name"},
    {"svsa", "SVSA",
     "SELECT d.name, d.location, ifnull(m.vtd, ''), ifnull(m.backing, '') FROM old.device d LEFT JOIN old.mapping m ON "
     "m.vhost = d.name WHERE d.type = 'vhost' ORDER BY length(d.name), d.name, m.target"},
    {"net", "Ethernet Adapters",
     "SELECT name, location, description, '' FROM old.device WHERE type IN ('ent', 'pent', 'sea', 'lnagg', 'vlan') "
     "ORDER BY length(name), name"},
};

static int view(struct ios_call *call, const char *type)
{
    char copy[PATH_SIZE];
    bool known = !type;
    for (u32 i = 0; i < ARRAY_LEN(views) && type; i++)
        known |= strcmp(views[i].type, type) == 0;
    if (!known)
        return refuse(call, NULL, "\"%s\" is not a valid type: pv, vg, lv, sp, optical, svsa or net.", type);
    if (!open_backup(call, copy))
        return 1;
    for (u32 i = 0; i < ARRAY_LEN(views); i++) {
        struct query q;
        if (type && strcmp(views[i].type, type))
            continue;
        say(call, "%s:\n", views[i].title);
        query_begin(&q, call->ios, views[i].sql, "");
        while (query_next(&q))
            say(call, "  %-16s %-40s %-16s %s\n", query_text(&q, 0), query_text(&q, 1), query_text(&q, 2),
                query_text(&q, 3));
        query_end(&q);
        say(call, "\n");
    }
    close_backup(call, copy);
    return 0;
}

// --- viosbr -restore

// What may be added: nothing that would take the place of something else, or whose data is not there.
static const char *const restore[] = {
    "INSERT OR IGNORE INTO main.setting SELECT * FROM old.setting",
    "INSERT OR IGNORE INTO main.device SELECT * FROM old.device WHERE type IN ('vhost', 'ent') AND slot NOT IN (SELECT "
    "slot FROM main.device WHERE slot IS NOT NULL)",
    "INSERT OR IGNORE INTO main.attribute SELECT * FROM old.attribute WHERE device IN (SELECT name FROM main.device)",
    "INSERT OR IGNORE INTO main.medium SELECT * FROM old.medium WHERE name IN (SELECT name FROM temp.there WHERE kind "
    "= 'optical')",
    "INSERT OR IGNORE INTO main.bd SELECT * FROM old.bd WHERE pool IN (SELECT name FROM main.pool) AND (pool, name) IN "
    "(SELECT pool, name FROM temp.there WHERE kind = 'file')",
    "INSERT OR IGNORE INTO main.device SELECT d.* FROM old.device d JOIN old.mapping m ON m.vtd = d.name JOIN "
    "temp.targets t ON t.vtd = m.vtd",
    "INSERT OR IGNORE INTO main.mapping SELECT m.* FROM old.mapping m JOIN temp.targets t ON t.vtd = m.vtd",
};

static const char targets[] =
    "INSERT INTO temp.targets SELECT m.vtd FROM old.mapping m JOIN old.device o ON o.name = m.vhost JOIN main.device h "
    "ON h.name = m.vhost AND h.slot = o.slot WHERE NOT "
    "EXISTS (SELECT * FROM main.device WHERE name = m.vtd) AND NOT EXISTS (SELECT * FROM main.mapping x WHERE x.vhost "
    "= m.vhost AND x.target = m.target) AND CASE m.kind WHEN "
    "'disk' THEN EXISTS (SELECT * FROM main.pv p JOIN old.pv q ON q.path = p.path WHERE p.name = m.backing AND q.name "
    "= m.backing AND p.vg IS NULL) WHEN 'lv' THEN EXISTS "
    "(SELECT * FROM main.lv l JOIN old.lv k ON k.identity = l.identity WHERE l.name = m.backing) WHEN 'file' THEN "
    "EXISTS (SELECT * FROM main.bd WHERE pool = m.pool AND name "
    "= m.backing) ELSE m.backing = '' OR EXISTS (SELECT * FROM main.medium WHERE name = m.backing) END";

// A backup may be anybody's: its names are no paths.
static bool plain_name(const char *name)
{
    return *name && *name != '.' && !strchr(name, '/') && strlen(name) <= BACKING_NAME_MAX;
}

// Files that are there, of those that the backup knows.
static void find_files(struct ios *ios)
{
    struct query q;
    query_begin(&q, ios, "SELECT 'optical', '', name FROM old.medium UNION ALL SELECT 'file', pool, name FROM old.bd",
                "");
    while (query_next(&q)) {
        char path[PATH_SIZE];
        bool medium = *query_text(&q, 0) == 'o';
        if (!plain_name(query_text(&q, 2)) || (!medium && !plain_name(query_text(&q, 1))))
            continue;
        storage_path(ios, medium ? NULL : query_text(&q, 1), query_text(&q, 2), path);
        if (access(path, F_OK) == 0)
            odm_run(ios, "INSERT INTO temp.there VALUES(?, ?, ?)", "sss", query_text(&q, 0), query_text(&q, 1),
                    query_text(&q, 2));
    }
    query_end(&q);
}

static void restore_all(struct ios_call *call)
{
    struct ios *ios = call->ios;
    odm_run(ios, "CREATE TEMP TABLE there(kind TEXT, pool TEXT, name TEXT)", "");
    odm_run(ios, "CREATE TEMP TABLE targets(vtd TEXT PRIMARY KEY)", "");
    find_files(ios);
    for (u32 i = 0; i < ARRAY_LEN(restore); i++) {
        if (i == 5) // when all is there that they need
            odm_run(ios, targets, "");
        odm_run(ios, restore[i], "");
    }
}

static void attach_restored(struct ios_call *call)
{
    struct query q;
    query_begin(&q, call->ios, MAPPING_SELECT "JOIN temp.targets t ON t.vtd = m.vtd ORDER BY a.slot, m.target", "");
    while (query_next(&q)) {
        struct mapping m;
        mapping_read(&q, &m);
        say(call, "%s %s\n", m.vtd, m.available ? "Available" : "Defined");
    }
    query_end(&q);
}

static int do_restore(struct ios_call *call)
{
    struct ios *ios = call->ios;
    char copy[PATH_SIZE];
    if (!open_backup(call, copy))
        return 1;
    bool ok = odm_begin(ios);
    if (ok)
        restore_all(call);
    ok = ok && odm_number(ios, 0, "SELECT count(*) FROM old.mapping", "") >= 0 && !ios->failed;
    if (ok && call_has(call, "-validate")) {
        say(call,
            "%lld of %lld virtual target devices would be restored; the others are there, or what is behind them is "
            "not.\n",
            (long long)odm_number(ios, 0, "SELECT count(*) FROM temp.targets", ""),
            (long long)odm_number(ios, 0, "SELECT count(*) FROM old.mapping", ""));
        odm_rollback(ios);
        close_backup(call, copy);
        return 0;
    }
    if (ok)
        attach_restored(call);
    u32 failures = 0;
    struct query q;
    query_begin(&q, ios, MAPPING_SELECT "JOIN temp.targets t ON t.vtd = m.vtd WHERE a.state AND d.state", "");
    while (ok && query_next(&q)) {
        struct mapping m;
        mapping_read(&q, &m);
        failures += mapping_attach(call, &m) != 0;
    }
    query_end(&q);
    odm_run(ios, "DROP TABLE temp.there", "");
    odm_run(ios, "DROP TABLE temp.targets", "");
    if (ok)
        ok = odm_commit(ios);
    else
        odm_rollback(ios);
    close_backup(call, copy);
    if (!ok)
        return refuse(call, "0514-041", "The device configuration database cannot be written; nothing was changed.");
    return failures != 0;
}

int cmd_viosbr(struct ios_call *call)
{
    char path[PATH_SIZE], name[PATH_SIZE];
    const char *file = call_value(call, "-file");
    if (call_has(call, "-view"))
        return view(call, call_value(call, "-type"));
    if (call_has(call, "-restore"))
        return do_restore(call);
    snprintf(name, sizeof(name), "%s", file);
    if (!archive_name(call, name, "cfgbackups/", false, path) || backup(call, path))
        return 1;
    say(call, "Backup of this node (%s) successful\n", call->ios->config.name);
    return 0;
}
