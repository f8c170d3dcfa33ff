// SPDX-License-Identifier: Apache-2.0
#include "hyper/store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hyper/refcode.h"
#include "hyper/sql.h"

struct store {
    sqlite3 *db;
};

static const char schema[] =
    "CREATE TABLE partition(id INTEGER PRIMARY KEY CHECK(id BETWEEN 1 AND 1000), name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE profile(id INTEGER PRIMARY KEY AUTOINCREMENT, lpar_id INTEGER NOT NULL REFERENCES partition(id) ON "
    "DELETE CASCADE,"
    " name TEXT NOT NULL, UNIQUE(lpar_id, name));"
    "CREATE TABLE system_attr(owner INTEGER NOT NULL CHECK(owner = 0), name TEXT NOT NULL, value, PRIMARY KEY(owner, "
    "name)) WITHOUT ROWID;"
    "CREATE TABLE partition_attr(owner INTEGER NOT NULL REFERENCES partition(id) ON DELETE CASCADE, name TEXT NOT "
    "NULL, value,"
    " PRIMARY KEY(owner, name)) WITHOUT ROWID;"
    "CREATE TABLE profile_attr(owner INTEGER NOT NULL REFERENCES profile(id) ON DELETE CASCADE, name TEXT NOT NULL, "
    "value,"
    " PRIMARY KEY(owner, name)) WITHOUT ROWID;"
    "CREATE TABLE current_attr(owner INTEGER NOT NULL REFERENCES partition(id) ON DELETE CASCADE, name TEXT NOT NULL, "
    "value,"
    " PRIMARY KEY(owner, name)) WITHOUT ROWID;"
    "CREATE TABLE event(id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, lpar_id INTEGER NOT NULL, "
    "lpar_name TEXT NOT NULL,"
    " refcode TEXT NOT NULL, text TEXT NOT NULL);"
    "CREATE INDEX event_of_lpar ON event(lpar_id, id);";

// What makes a database of version n + 1 out of one of version n.
static const char *const upgrades[] = {
    schema,
    "CREATE TABLE pool_attr(owner INTEGER NOT NULL CHECK(owner BETWEEN 0 AND 63), name TEXT NOT NULL, value, PRIMARY "
    "KEY(owner, name)) WITHOUT ROWID;"
    "ALTER TABLE event ADD COLUMN closed INTEGER NOT NULL DEFAULT 0;",
    "CREATE TABLE command(id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, user TEXT NOT NULL, text TEXT "
    "NOT NULL, result TEXT NOT NULL);",
};

#define SCHEMA_VERSION ((s64)ARRAY_LEN(upgrades))

static const char *const tables[] = {"system_attr", "partition_attr", "profile_attr", "current_attr", "pool_attr"};

const char *store_error(struct store *store)
{
    return sqlite3_errmsg(store->db);
}

// Arguments by `format`: i s64, t text (copied by SQLite), v const struct wire_value *.
static int bind_all(sqlite3_stmt *s, const char *format, va_list ap)
{
    int rc = SQLITE_OK;
    for (int i = 1; *format && rc == SQLITE_OK; format++, i++) {
        if (*format == 'i') {
            rc = sqlite3_bind_int64(s, i, va_arg(ap, s64));
        } else if (*format == 't') {
            rc = sqlite3_bind_text(s, i, va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
        } else {
            rc = sql_bind(s, i, va_arg(ap, const struct wire_value *));
        }
    }
    return rc;
}

static sqlite3_stmt *prepare(struct store *store, int *err, const char *sql, const char *format, ...)
{
    sqlite3_stmt *s = NULL;
    va_list ap;
    va_start(ap, format);
    int rc = sqlite3_prepare_v2(store->db, sql, -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = bind_all(s, format, ap);
    va_end(ap);
    *err = sql_errno(rc);
    if (rc != SQLITE_OK) {
        sqlite3_finalize(s);
        s = NULL;
    }
    return s;
}

static int finish(sqlite3_stmt *s)
{
    return s ? sql_errno(sqlite3_finalize(s)) : 0;
}

#define RUN(store, err, ...)                                     \
    do {                                                         \
        sqlite3_stmt *run = prepare(store, &(err), __VA_ARGS__); \
        if (run) {                                               \
            sqlite3_step(run);                                   \
            err = finish(run);                                   \
        }                                                        \
    } while (0)

int store_begin(struct store *store)
{
    return sql_run(store->db, "BEGIN IMMEDIATE");
}

int store_commit(struct store *store)
{
    return sql_commit(store->db);
}

void store_rollback(struct store *store)
{
    sql_rollback(store->db);
}

static int schema_version(struct store *store, s64 *version)
{
    int err;
    sqlite3_stmt *s = prepare(store, &err, "PRAGMA user_version", "");
    *version = s && sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
    return s ? finish(s) : err;
}

static int bring_up(struct store *store, bool make, char *why, size_t why_size)
{
    s64 version;
    int err = sql_run(store->db, "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL");
    if (!err)
        err = store_begin(store);
    if (!err)
        err = schema_version(store, &version);
    if (!err && version > SCHEMA_VERSION) {
        snprintf(why, why_size, "the database has schema %lld, which only a later version of OpenLPAR reads",
                 (long long)version);
        return -EPROTO;
    }
    if (!err && version == 0 && !make) {
        snprintf(why, why_size, "the database is not that of a managed system");
        return -EPROTO;
    }
    for (; !err && version < SCHEMA_VERSION; version++) {
        char set[64];
        snprintf(set, sizeof(set), "PRAGMA user_version = %lld", (long long)version + 1);
        err = sql_run(store->db, upgrades[version]);
        if (!err)
            err = sql_run(store->db, set);
    }
    return err ? err : store_commit(store);
}

struct store *store_open(const char *path, bool make, char *why, size_t why_size)
{
    struct store *store = calloc(1, sizeof(*store));
    *why = 0;
    if (!store) {
        snprintf(why, why_size, "no memory");
        return NULL;
    }
    int err = sql_open(path, make, &store->db);
    if (!err) {
        sqlite3_busy_timeout(store->db, 5000);
        err = bring_up(store, make, why, why_size);
    }
    if (!err)
        return store;
    if (!*why)
        snprintf(why, why_size, "%s: %s", path, store->db ? sqlite3_errmsg(store->db) : "no memory");
    store_close(store);
    return NULL;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    sqlite3_close(store->db);
    free(store);
}

int store_save(struct store *store, enum store_owner owner, s64 id, const struct rec *rec)
{
    char sql[160];
    int err = 0;
    snprintf(sql, sizeof(sql),
             "INSERT INTO %s(owner, name, value) VALUES(?, ?, ?) ON CONFLICT(owner, name) DO UPDATE SET value = "
             "excluded.value",
             tables[owner]);
    for (u32 i = 0; i < rec->len && !err; i++)
        if (rec->attrs[i].flags & ATTR_STORED)
            RUN(store, err, sql, "itv", id, rec->attrs[i].name, &rec->v[i]);
    return err;
}

int store_load(struct store *store, enum store_owner owner, s64 id, struct rec *rec, bool *found)
{
    char sql[100];
    int err;
    snprintf(sql, sizeof(sql), "SELECT name, value FROM %s WHERE owner = ?", tables[owner]);
    sqlite3_stmt *s = prepare(store, &err, sql, "i", id);
    *found = false;
    while (s && !err && sqlite3_step(s) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(s, 0);
        const struct attr *attr = name ? attr_find(rec->object, name) : NULL;
        *found = true;
        if (!attr) // of a version that knew more
            continue;
        struct wire_value v = sql_column(s, 1);
        char why[8];
        if (v.kind == WIRE_TEXT && attr->type == ATTR_LIST)
            v.kind = WIRE_LIST;
        if (attr_check(attr, &v, why, sizeof(why)) == 0 && !rec_set(rec, name, v))
            err = -ENOMEM;
    }
    int closed = finish(s);
    return err ? err : closed;
}

int store_forget_current(struct store *store, s64 lpar_id)
{
    int err;
    RUN(store, err, "DELETE FROM current_attr WHERE owner = ?", "i", lpar_id);
    return err;
}

int store_add_partition(struct store *store, u32 id, const char *name)
{
    int err;
    RUN(store, err, "INSERT INTO partition(id, name) VALUES(?, ?)", "it", (s64)id, name);
    return err;
}

int store_rename_partition(struct store *store, u32 id, const char *name)
{
    int err;
    RUN(store, err, "UPDATE partition SET name = ? WHERE id = ?", "ti", name, (s64)id);
    return err;
}

int store_remove_partition(struct store *store, u32 id)
{
    int err;
    RUN(store, err, "DELETE FROM partition WHERE id = ?", "i", (s64)id);
    return err;
}

int store_add_profile(struct store *store, u32 lpar_id, const char *name, s64 *id)
{
    int err;
    RUN(store, err, "INSERT INTO profile(lpar_id, name) VALUES(?, ?)", "it", (s64)lpar_id, name);
    *id = sqlite3_last_insert_rowid(store->db);
    return err;
}

int store_rename_profile(struct store *store, s64 id, const char *name)
{
    int err;
    RUN(store, err, "UPDATE profile SET name = ? WHERE id = ?", "ti", name, id);
    return err;
}

int store_remove_profile(struct store *store, s64 id)
{
    int err;
    RUN(store, err, "DELETE FROM profile WHERE id = ?", "i", id);
    return err;
}

int store_each_partition(struct store *store, int (*each)(void *arg, u32 id, const char *name), void *arg)
{
    int err;
    sqlite3_stmt *s = prepare(store, &err, "SELECT id, name FROM partition ORDER BY id", "");
    while (s && !err && sqlite3_step(s) == SQLITE_ROW)
        err = each(arg, (u32)sqlite3_column_int64(s, 0), (const char *)sqlite3_column_text(s, 1));
    int closed = finish(s);
    return err ? err : closed;
}

int store_each_profile(struct store *store, u32 lpar_id, int (*each)(void *arg, s64 id, const char *name), void *arg)
{
    int err;
    sqlite3_stmt *s =
        prepare(store, &err, "SELECT id, name FROM profile WHERE lpar_id = ? ORDER BY id", "i", (s64)lpar_id);
    while (s && !err && sqlite3_step(s) == SQLITE_ROW)
        err = each(arg, sqlite3_column_int64(s, 0), (const char *)sqlite3_column_text(s, 1));
    int closed = finish(s);
    return err ? err : closed;
}

int store_add_event(struct store *store, s64 time, u32 lpar_id, const char *lpar_name, const char *refcode,
                    const char *text)
{
    int err;
    // What happened is no configuration: nobody waits for the disk. (In a transaction of somebody else's the first one does nothing.)
    sql_run(store->db, "PRAGMA synchronous = NORMAL");
    RUN(store, err, "INSERT INTO event(time, lpar_id, lpar_name, refcode, text) VALUES(?, ?, ?, ?, ?)", "iittt", time,
        (s64)lpar_id, lpar_name, refcode, text);
    if (!err && sqlite3_last_insert_rowid(store->db) % 100 == 0)
        RUN(store, err, "DELETE FROM event WHERE id <= ?", "i",
            sqlite3_last_insert_rowid(store->db) - STORE_EVENTS_MAX);
    sql_run(store->db, "PRAGMA synchronous = FULL");
    return err;
}

int store_each_event(struct store *store, s64 lpar_id, u32 max, int (*each)(void *arg, const struct store_event *event),
                     void *arg)
{
    int err;
    sqlite3_stmt *s =
        lpar_id < 0
            ? prepare(store, &err,
                      "SELECT id, time, lpar_id, lpar_name, refcode, text, closed FROM event ORDER BY id DESC LIMIT ?",
                      "i", (s64)max)
            : prepare(store, &err,
                      "SELECT id, time, lpar_id, lpar_name, refcode, text, closed FROM event WHERE lpar_id = ? ORDER "
                      "BY id DESC LIMIT ?",
                      "ii", lpar_id, (s64)max);
    while (s && !err && sqlite3_step(s) == SQLITE_ROW) {
        struct store_event e = {.number = sqlite3_column_int64(s, 0),
                                .time = sqlite3_column_int64(s, 1),
                                .lpar_id = (u32)sqlite3_column_int64(s, 2),
                                .lpar_name = (const char *)sqlite3_column_text(s, 3),
                                .refcode = (const char *)sqlite3_column_text(s, 4),
                                .text = (const char *)sqlite3_column_text(s, 5),
                                .flags = (u32)sqlite3_column_int64(s, 6)};
        err = each(arg, &e);
    }
    int closed = finish(s);
    return err ? err : closed;
}

int store_add_command(struct store *store, const struct store_command *c)
{
    int err;
    sql_run(store->db, "PRAGMA synchronous = NORMAL");
    RUN(store, err, "INSERT INTO command(time, user, text, result) VALUES(?, ?, ?, ?)", "ittt", c->time, c->user,
        c->text, c->result);
    if (!err && sqlite3_last_insert_rowid(store->db) % 100 == 0)
        RUN(store, err, "DELETE FROM command WHERE id <= ?", "i",
            sqlite3_last_insert_rowid(store->db) - STORE_EVENTS_MAX);
    sql_run(store->db, "PRAGMA synchronous = FULL");
    return err;
}

int store_each_command(struct store *store, int (*each)(void *arg, const struct store_command *command), void *arg)
{
    int err;
    sqlite3_stmt *s = prepare(store, &err, "SELECT time, user, text, result FROM command ORDER BY id DESC", "");
    while (s && !err && sqlite3_step(s) == SQLITE_ROW) {
        struct store_command c = {.time = sqlite3_column_int64(s, 0),
                                  .user = (const char *)sqlite3_column_text(s, 1),
                                  .text = (const char *)sqlite3_column_text(s, 2),
                                  .result = (const char *)sqlite3_column_text(s, 3)};
        err = each(arg, &c);
    }
    int closed = finish(s);
    return err ? err : closed;
}

int store_led(struct store *store, u32 lpar_id, bool *on)
{
    int err;
    sqlite3_stmt *s = prepare(store, &err,
                              "SELECT 1 FROM event WHERE lpar_id = ? AND (closed & 2) = 0 AND (refcode LIKE 'B%' OR "
                              "refcode = ?) LIMIT 1",
                              "it", (s64)lpar_id, REFCODE_LED_ON);
    *on = s && sqlite3_step(s) == SQLITE_ROW;
    return s ? finish(s) : err;
}

int store_led_off(struct store *store, u32 lpar_id)
{
    int err;
    RUN(store, err, "UPDATE event SET closed = closed | 2 WHERE lpar_id = ? AND (closed & 2) = 0", "i", (s64)lpar_id);
    return err;
}

int store_close_event(struct store *store, s64 number, bool *found)
{
    int err;
    RUN(store, err, "UPDATE event SET closed = closed | 1 WHERE id = ? AND refcode LIKE 'B%'", "i", number);
    *found = sqlite3_changes(store->db) > 0;
    return err;
}
