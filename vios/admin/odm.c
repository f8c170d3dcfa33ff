// SPDX-License-Identifier: Apache-2.0
//
// The database, odm.db in the VIOS's folder. A command is one transaction: what it changes, what it told the data path about and what it removes from the disk belong
// together, whenever the process dies.
//
// 1. A file that a command makes is noted in `cleanup` before it is made; the command's transaction takes the note away. So either the file has its object or it goes.
// 2. A file or a piece of a volume that a command removes is noted in the command's transaction and removed afterwards. So either the object has its data or it is gone.
// 3. What grows is told to clients when that is written down, so that none has seen a size that is not true; a file that is too large is cut at the next start.
// 4. Otherwise the data path is told before the transaction ends. If that fails to end, it is told what holds (mapping_restore()); if the process dies, the data path
//    dies with it and is told what holds when both are back.
#include "vios/admin/ios_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <linux/falloc.h>

static const char *const schema[] = {
    "CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL);"
    "CREATE TABLE device(name TEXT PRIMARY KEY, class TEXT NOT NULL, type TEXT NOT NULL, parent TEXT NOT NULL DEFAULT "
    "'', description TEXT NOT NULL, location TEXT NOT NULL DEFAULT '', state INTEGER NOT NULL DEFAULT 1, slot INTEGER "
    "UNIQUE);"
    "CREATE TABLE attribute(device TEXT NOT NULL REFERENCES device(name) ON DELETE CASCADE, name TEXT NOT NULL, value "
    "TEXT NOT NULL, PRIMARY KEY(device, name));"
    "CREATE TABLE vg(name TEXT PRIMARY KEY, pp_size INTEGER NOT NULL, identifier TEXT NOT NULL, active INTEGER NOT "
    "NULL DEFAULT 1);"
    "CREATE TABLE pv(name TEXT PRIMARY KEY REFERENCES device(name) ON DELETE CASCADE, path TEXT NOT NULL UNIQUE, size "
    "INTEGER NOT NULL, pvid TEXT NOT NULL DEFAULT '', vg TEXT REFERENCES vg(name), internal INTEGER NOT NULL DEFAULT "
    "0);"
    "CREATE TABLE lv(name TEXT PRIMARY KEY, vg TEXT NOT NULL REFERENCES vg(name), type TEXT NOT NULL, identity TEXT "
    "NOT NULL, thick INTEGER NOT NULL DEFAULT 0, file INTEGER NOT NULL);"
    "CREATE TABLE extent(lv TEXT NOT NULL REFERENCES lv(name) ON DELETE CASCADE, number INTEGER NOT NULL, pv TEXT NOT "
    "NULL REFERENCES pv(name), first INTEGER NOT NULL, len INTEGER NOT NULL, PRIMARY KEY(lv, number));"
    "CREATE INDEX extent_pv ON extent(pv, first);"
    "CREATE TABLE pool(name TEXT PRIMARY KEY, lv TEXT NOT NULL UNIQUE REFERENCES lv(name));"
    "CREATE TABLE bd(pool TEXT NOT NULL REFERENCES pool(name), name TEXT NOT NULL, size INTEGER NOT NULL, thick "
    "INTEGER "
    "NOT NULL DEFAULT 0, PRIMARY KEY(pool, name));"
    "CREATE TABLE medium(name TEXT PRIMARY KEY, size INTEGER NOT NULL, read_only INTEGER NOT NULL);"
    "CREATE TABLE mapping(vtd TEXT PRIMARY KEY REFERENCES device(name) ON DELETE CASCADE, vhost TEXT NOT NULL "
    "REFERENCES "
    "device(name), target INTEGER NOT NULL, kind TEXT NOT NULL, backing TEXT NOT NULL DEFAULT '', pool TEXT NOT NULL "
    "DEFAULT '', mirrored INTEGER NOT NULL DEFAULT 0, UNIQUE(vhost, target));"
    "CREATE INDEX mapping_backing ON mapping(kind, backing);"
    "CREATE TABLE error(id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, kind TEXT NOT NULL, label TEXT "
    "NOT "
    "NULL, resource TEXT NOT NULL, text TEXT NOT NULL);"
    "CREATE TABLE command(id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, user TEXT NOT NULL, text TEXT "
    "NOT "
    "NULL);"
    "CREATE TABLE cleanup(path TEXT NOT NULL, offset INTEGER NOT NULL, size INTEGER NOT NULL, PRIMARY KEY(path, "
    "offset));"
    "INSERT INTO device(name, class, type, parent, description) VALUES"
    "('sys0', 'sys', 'sys', '', 'System Object'), ('sysplanar0', 'planar', 'planar', 'sys0', 'System Planar'),"
    "('vio0', 'bus', 'vio', 'sysplanar0', 'Virtual I/O Bus'), ('vsa0', 'adapter', 'vsa', 'vio0', 'LPAR Virtual Serial "
    "Adapter'), ('vty0', 'tty', 'vty', 'vsa0', 'Asynchronous Terminal');",
};

static void bind(sqlite3_stmt *stmt, const char *types, va_list values)
{
    for (int i = 1; *types; types++, i++)
        if (*types == 's')
            sqlite3_bind_text(stmt, i, va_arg(values, const char *), -1, SQLITE_TRANSIENT);
        else
            sqlite3_bind_int64(stmt, i, va_arg(values, s64));
}

static void begin(struct query *q, struct ios *ios, const char *sql, const char *types, va_list values)
{
    q->ios = ios;
    q->stmt = NULL;
    if (sqlite3_prepare_v2(ios->db, sql, -1, &q->stmt, NULL) == SQLITE_OK && q->stmt)
        bind(q->stmt, types, values);
    else
        ios->failed = true;
}

void query_begin(struct query *q, struct ios *ios, const char *sql, const char *types, ...)
{
    va_list values;
    va_start(values, types);
    begin(q, ios, sql, types, values);
    va_end(values);
}

bool query_next(struct query *q)
{
    int rc = q->stmt ? sqlite3_step(q->stmt) : SQLITE_DONE;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        q->ios->failed = true;
    return rc == SQLITE_ROW;
}

const char *query_text(struct query *q, int column)
{
    const char *text = (const char *)sqlite3_column_text(q->stmt, column);
    return text ? text : "";
}

s64 query_number(struct query *q, int column)
{
    return sqlite3_column_int64(q->stmt, column);
}

void query_end(struct query *q)
{
    sqlite3_finalize(q->stmt);
    q->stmt = NULL;
}

bool odm_run(struct ios *ios, const char *sql, const char *types, ...)
{
    struct query q;
    va_list values;
    va_start(values, types);
    begin(&q, ios, sql, types, values);
    va_end(values);
    int rc = q.stmt ? sqlite3_step(q.stmt) : SQLITE_ERROR;
    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        ios->failed = true;
    query_end(&q);
    return rc == SQLITE_DONE || rc == SQLITE_ROW;
}

s64 odm_number(struct ios *ios, s64 other, const char *sql, const char *types, ...)
{
    struct query q;
    va_list values;
    va_start(values, types);
    begin(&q, ios, sql, types, values);
    va_end(values);
    if (query_next(&q) && sqlite3_column_type(q.stmt, 0) != SQLITE_NULL)
        other = query_number(&q, 0);
    query_end(&q);
    return other;
}

bool odm_text(struct ios *ios, char *text, size_t size, const char *sql, const char *types, ...)
{
    struct query q;
    va_list values;
    va_start(values, types);
    begin(&q, ios, sql, types, values);
    va_end(values);
    bool found = query_next(&q);
    if (found)
        snprintf(text, size, "%s", query_text(&q, 0));
    query_end(&q);
    return found;
}

bool odm_begin(struct ios *ios)
{
    ios->failed = false;
    ios->touched_len = ios->grown_len = 0;
    *ios->bridged = 0;
    ios->writing = odm_run(ios, "BEGIN IMMEDIATE", "");
    return ios->writing;
}

void odm_rollback(struct ios *ios)
{
    ios->grown_len = 0;
    ios->writing = false;
    odm_run(ios, "ROLLBACK", "");
    mapping_restore(ios);
    ethernet_restore(ios);
    odm_clean(ios);
}

bool odm_commit(struct ios *ios)
{
    if (ios->failed || !odm_run(ios, "COMMIT", "")) {
        odm_rollback(ios);
        return false;
    }
    ios->writing = false;
    ios->touched_len = 0;
    odm_clean(ios);
    mapping_tell_grown(ios);
    return true;
}

void odm_setting(struct ios *ios, const char *name, char *text, size_t size, const char *other)
{
    if (!odm_text(ios, text, size, "SELECT value FROM setting WHERE name = ?", "s", name))
        snprintf(text, size, "%s", other);
}

bool odm_set(struct ios *ios, const char *name, const char *value)
{
    return odm_run(ios, "REPLACE INTO setting VALUES(?, ?)", "ss", name, value);
}

bool odm_clean_later(struct ios *ios, const char *path, u64 offset, u64 size)
{
    return odm_run(ios, "REPLACE INTO cleanup VALUES(?, ?, ?)", "sii", path, (s64)offset, (s64)size);
}

bool odm_prepare(struct ios *ios, const char *path)
{
    return odm_run(ios, "COMMIT", "") && odm_clean_later(ios, path, 0, 0) && odm_run(ios, "BEGIN IMMEDIATE", "");
}

bool odm_keep(struct ios *ios, const char *path)
{
    return odm_run(ios, "DELETE FROM cleanup WHERE path = ? AND size = 0", "s", path);
}

// Space goes back to the file system where that can be. What is given out again is zeroed then in any case.
static void punch(const char *path, s64 offset, s64 size)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return;
    if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size))
        errno = 0;
    close(fd);
}

void odm_clean(struct ios *ios)
{
    struct query q;
    bool any = false, failed = ios->failed;
    query_begin(&q, ios, "SELECT path, offset, size FROM cleanup ORDER BY path DESC", "");
    while (query_next(&q)) {
        any = true;
        if (query_number(&q, 2))
            punch(query_text(&q, 0), query_number(&q, 1), query_number(&q, 2));
        else if (unlink(query_text(&q, 0)) && errno == EISDIR)
            rmdir(query_text(&q, 0));
    }
    query_end(&q);
    if (any)
        odm_run(ios, "DELETE FROM cleanup", "");
    ios->failed = failed;
}

static bool migrate(struct ios *ios, char *why)
{
    s64 version = odm_number(ios, -1, "PRAGMA user_version", "");
    if (version > (s64)ARRAY_LEN(schema)) {
        snprintf(why, IOS_WHY_MAX, "%s/odm.db is of a newer version of OpenLPAR (%lld); use that one",
                 ios->config.folder, (long long)version);
        return false;
    }
    for (; version >= 0 && version < (s64)ARRAY_LEN(schema); version++) {
        char set[64];
        snprintf(set, sizeof(set), "PRAGMA user_version = %lld", (long long)version + 1);
        if (!odm_begin(ios) || sqlite3_exec(ios->db, schema[version], NULL, NULL, NULL) != SQLITE_OK ||
            !odm_run(ios, set, "") || ios->failed || !odm_run(ios, "COMMIT", ""))
            version = -2;
    }
    ios->writing = false;
    if (version < 0)
        snprintf(why, IOS_WHY_MAX,
                 "%s/odm.db cannot be read or made: %s; restore it with viosbr, or remove it to begin anew",
                 ios->config.folder ? ios->config.folder : "", sqlite3_errmsg(ios->db));
    return version >= 0;
}

static bool open_folder(struct ios *ios, char *path, size_t size, char *why)
{
    const char *folder = ios->config.folder;
    snprintf(path, size, "%s/odm.db", folder);
    if (mkdir(folder, 0700) && errno != EEXIST) {
        snprintf(why, IOS_WHY_MAX, "the folder %s cannot be made: %s", folder, strerror(errno));
        return false;
    }
    ios->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (ios->folder_fd < 0 || flock(ios->folder_fd, LOCK_EX | LOCK_NB)) {
        snprintf(why, IOS_WHY_MAX, "the folder %s %s", folder,
                 errno == EWOULDBLOCK ? "is in use by another Virtual I/O Server" : strerror(errno));
        return false;
    }
    return true;
}

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

static char **copy_all(const char *const *texts, u32 len)
{
    char **all = calloc(len + 1, sizeof(*all));
    for (u32 i = 0; all && i < len; i++)
        all[i] = copy(texts[i]);
    return all;
}

static void free_all(char **texts, u32 len)
{
    for (u32 i = 0; texts && i < len; i++)
        free(texts[i]);
    free(texts);
}

static struct ios *allocate(const struct ios_config *config)
{
    struct ios *ios = calloc(1, sizeof(*ios));
    char **volumes = copy_all(config->volumes, config->volumes_len);
    char **networks = copy_all(config->networks, config->networks_len);
    if (!ios || !volumes || !networks) {
        free(ios);
        free_all(volumes, config->volumes_len);
        free_all(networks, config->networks_len);
        return NULL;
    }
    ios->config = *config;
    ios->config.folder = copy(config->folder);
    ios->config.type_model = copy(config->type_model ? config->type_model : "");
    ios->config.serial = copy(config->serial ? config->serial : "");
    ios->config.name = copy(config->name ? config->name : "");
    ios->config.volumes = (const char *const *)volumes;
    ios->config.networks = (const char *const *)networks;
    ios->folder_fd = -1;
    return ios;
}

struct ios *ios_open(const struct ios_config *config, char why[IOS_WHY_MAX])
{
    char path[PATH_SIZE] = ":memory:";
    struct ios *ios = allocate(config);
    if (!ios) {
        snprintf(why, IOS_WHY_MAX, "no memory");
        return NULL;
    }
    bool ok = !config->folder || open_folder(ios, path, sizeof(path), why);
    if (ok && sqlite3_open(path, &ios->db) != SQLITE_OK) {
        snprintf(why, IOS_WHY_MAX, "%s: %s", path, sqlite3_errmsg(ios->db));
        ok = false;
    }
    ok = ok && sqlite3_exec(ios->db,
                            "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA synchronous = FULL; PRAGMA "
                            "journal_mode = WAL; PRAGMA "
                            "journal_size_limit = 4194304",
                            NULL, NULL, NULL) == SQLITE_OK;
    ok = ok && migrate(ios, why);
    if (ok) {
        odm_clean(ios);
        files_settle(ios);
        ethernet_configure(ios);
        ok = !volumes_configure(ios, why);
    }
    if (ok)
        return ios;
    ios_close(ios);
    return NULL;
}

void ios_close(struct ios *ios)
{
    if (!ios)
        return;
    sqlite3_close(ios->db);
    if (ios->folder_fd >= 0)
        close(ios->folder_fd);
    free_all((char **)ios->config.volumes, ios->config.volumes_len);
    free_all((char **)ios->config.networks, ios->config.networks_len);
    free((char *)ios->config.folder);
    free((char *)ios->config.type_model);
    free((char *)ios->config.serial);
    free((char *)ios->config.name);
    free(ios);
}

// The newest entries are kept.
#define ERRORS_KEPT 1000

void ios_report(struct ios *ios, char kind, const char *label, const char *resource, const char *text)
{
    char letter[2] = {kind, 0};
    odm_run(ios, "INSERT INTO error(time, kind, label, resource, text) VALUES(?, ?, ?, ?, ?)", "issss", (s64)time(NULL),
            letter, label, resource, text);
    odm_run(ios, "DELETE FROM error WHERE id <= (SELECT max(id) FROM error) - ?", "i", (s64)ERRORS_KEPT);
}
