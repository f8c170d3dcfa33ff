// SPDX-License-Identifier: Apache-2.0
#include "hyper/samples.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hyper/sql.h"

static const struct {
    enum object object;
    const char *table;
} kinds[] = {
    {OBJECT_UTIL_SYS, "sys"},
    {OBJECT_UTIL_POOL, "pool"},
    {OBJECT_UTIL_PROCPOOL, "procpool"},
    {OBJECT_UTIL_LPAR, "lpar"},
};

struct samples {
    sqlite3 *db;
    sqlite3_stmt *insert[ARRAY_LEN(kinds)];
};

const char *samples_error(struct samples *samples)
{
    return sqlite3_errmsg(samples->db);
}

static bool has_column(struct samples *s, const char *table, const char *name)
{
    return sqlite3_table_column_metadata(s->db, NULL, table, name, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
}

// Every column of the kind: what stands before it, and `text`, or its name where that is empty.
static void put_columns(unsigned kind, FILE *to, const char *before, const char *text)
{
    u32 len;
    const struct attr *attrs = attr_list(kinds[kind].object, &len);
    for (u32 i = 0; i < len; i++)
        if (attrs[i].flags & ATTR_STORED) {
            fputs(before, to);
            fputs(*text ? text : attrs[i].name, to);
        }
}

// A table that an earlier version made lacks columns.
static int make_table(struct samples *s, unsigned kind)
{
    const char *table = kinds[kind].table;
    char *sql = NULL, alter[200];
    size_t size;
    u32 len;
    const struct attr *attrs = attr_list(kinds[kind].object, &len);
    FILE *to = open_memstream(&sql, &size);
    if (!to)
        return -ENOMEM;
    fprintf(to,
            "CREATE TABLE IF NOT EXISTS %s(id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, tier INTEGER "
            "NOT NULL",
            table);
    put_columns(kind, to, ", ", "");
    fprintf(to, "); CREATE INDEX IF NOT EXISTS %s_time ON %s(time)", table, table);
    int err = fclose(to) ? -ENOMEM : sql_run(s->db, sql);
    free(sql);
    for (u32 i = 0; i < len && !err; i++)
        if ((attrs[i].flags & ATTR_STORED) && !has_column(s, table, attrs[i].name)) {
            const char *first = attrs[i].initial; // what it was in rows that an earlier version made
            snprintf(alter, sizeof(alter), "ALTER TABLE %s ADD COLUMN %s%s%s%s", table, attrs[i].name,
                     first ? " DEFAULT '" : "", first ? first : "", first ? "'" : "");
            err = sql_run(s->db, alter);
        }
    return err;
}

static int make_insert(struct samples *s, unsigned kind)
{
    char *sql = NULL;
    size_t size;
    FILE *to = open_memstream(&sql, &size);
    if (!to)
        return -ENOMEM;
    fprintf(to, "INSERT INTO %s(time, tier", kinds[kind].table);
    put_columns(kind, to, ", ", "");
    fprintf(to, ") VALUES(?, ?");
    put_columns(kind, to, ", ", "?");
    fprintf(to, ")");
    int err = fclose(to) ? -ENOMEM : 0;
    if (!err)
        err = sql_errno(sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->insert[kind], NULL));
    free(sql);
    return err;
}

static int bring_up(struct samples *s)
{
    int err =
        sql_run(s->db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 4194304");
    if (!err)
        err = samples_begin(s);
    for (unsigned i = 0; i < ARRAY_LEN(kinds) && !err; i++)
        err = make_table(s, i);
    if (!err)
        err = samples_commit(s);
    for (unsigned i = 0; i < ARRAY_LEN(kinds) && !err; i++)
        err = make_insert(s, i);
    return err;
}

static void remove_files(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[1200];
    for (unsigned i = 0; i < ARRAY_LEN(ends); i++)
        if ((size_t)snprintf(name, sizeof(name), "%s%s", path, ends[i]) < sizeof(name))
            unlink(name);
}

static struct samples *try_open(const char *path, int *err, char *why, size_t why_size)
{
    struct samples *s = calloc(1, sizeof(*s));
    *err = -ENOMEM;
    snprintf(why, why_size, "no memory");
    if (!s)
        return NULL;
    *err = sql_open(path, true, &s->db);
    if (!*err)
        *err = bring_up(s);
    if (!*err)
        return s;
    snprintf(why, why_size, "%s: %s", path, s->db ? sqlite3_errmsg(s->db) : "no memory");
    samples_close(s);
    return NULL;
}

struct samples *samples_open(const char *path, char *why, size_t why_size)
{
    int err;
    struct samples *s = try_open(path, &err, why, why_size);
    if (!s && err == -EBADMSG) {
        remove_files(path);
        s = try_open(path, &err, why, why_size);
    }
    return s;
}

void samples_close(struct samples *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
        sqlite3_finalize(s->insert[i]);
    sqlite3_close(s->db);
    free(s);
}

int samples_begin(struct samples *s)
{
    return sql_run(s->db, "BEGIN IMMEDIATE");
}

int samples_commit(struct samples *s)
{
    return sql_commit(s->db);
}

void samples_rollback(struct samples *s)
{
    sql_rollback(s->db);
}

static int kind_of(enum object object)
{
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].object == object)
            return (int)i;
    return -1;
}

int samples_add(struct samples *s, s64 time, enum samples_tier tier, const struct rec *rec)
{
    int kind = kind_of(rec->object), at = 3, rc;
    if (kind < 0)
        return -EINVAL;
    sqlite3_stmt *st = s->insert[kind];
    rc = sqlite3_bind_int64(st, 1, time);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(st, 2, tier);
    for (u32 i = 0; i < rec->len && rc == SQLITE_OK; i++)
        if (rec->attrs[i].flags & ATTR_STORED)
            rc = sql_bind(st, at++, &rec->v[i]);
    if (rc == SQLITE_OK)
        sqlite3_step(st);
    int reset = sqlite3_reset(st);
    return sql_errno(rc == SQLITE_OK ? reset : rc);
}

int samples_thin(struct samples *s, s64 now, s64 max)
{
    char sql[300];
    int err = samples_begin(s);
    for (unsigned i = 0; i < ARRAY_LEN(kinds) && !err; i++) {
        for (unsigned tier = 0; tier < TIERS && !err; tier++) {
            snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE time < %lld AND tier = %u", kinds[i].table,
                     (long long)(now - SAMPLES_KEPT[tier]), tier);
            err = sql_run(s->db, sql);
        }
        if (err)
            break;
        snprintf(sql, sizeof(sql),
                 "DELETE FROM %s WHERE id IN (SELECT id FROM %s ORDER BY tier, id LIMIT max(0, (SELECT count(*) FROM "
                 "%s) - %lld))",
                 kinds[i].table, kinds[i].table, kinds[i].table, (long long)max);
        err = sql_run(s->db, sql);
    }
    if (err) {
        samples_rollback(s);
        return err;
    }
    return samples_commit(s);
}

// " AND (a = ? OR a = ?) AND (b = ?)": names are columns, values are bound.
static int put_where(FILE *to, enum object object, const struct wire_record *where)
{
    for (u32 i = 0; i < where->len; i++) {
        const char *name = where->pairs[i].name;
        const struct attr *attr = attr_find(object, name);
        bool again = false;
        if (!attr || !(attr->flags & ATTR_STORED))
            return -EINVAL;
        for (u32 j = 0; j < i; j++)
            again |= strcmp(where->pairs[j].name, name) == 0;
        for (u32 j = i; j < where->len && !again; j++)
            if (strcmp(where->pairs[j].name, name) == 0)
                fprintf(to, "%s%s = ?", j == i ? " AND (" : " OR ", name);
        if (!again)
            fputc(')', to);
    }
    return 0;
}

static int bind_where(sqlite3_stmt *st, int at, const struct wire_record *where)
{
    int rc = SQLITE_OK;
    for (u32 i = 0; i < where->len; i++) {
        bool again = false;
        for (u32 j = 0; j < i; j++)
            again |= strcmp(where->pairs[j].name, where->pairs[i].name) == 0;
        for (u32 j = i; j < where->len && !again && rc == SQLITE_OK; j++)
            if (strcmp(where->pairs[j].name, where->pairs[i].name) == 0)
                rc = sql_bind(st, at++, &where->pairs[j].value);
    }
    return rc;
}

static sqlite3_stmt *prepare_query(struct samples *s, unsigned kind, const struct samples_query *q, int *err)
{
    char *sql = NULL;
    size_t size;
    sqlite3_stmt *st = NULL;
    FILE *to = open_memstream(&sql, &size);
    *err = -ENOMEM;
    if (!to)
        return NULL;
    fprintf(to, "SELECT id, time");
    put_columns(kind, to, ", ", "");
    fprintf(to, " FROM %s WHERE time BETWEEN ? AND ? AND tier >= ? AND id < ?", kinds[kind].table);
    int bad = put_where(to, kinds[kind].object, q->where);
    fprintf(to, " ORDER BY id DESC LIMIT ?999");
    int failed = fclose(to);
    *err = bad ? bad : failed ? -ENOMEM : sql_errno(sqlite3_prepare_v2(s->db, sql, -1, &st, NULL));
    free(sql);
    if (*err)
        return NULL;
    int rc = sqlite3_bind_int64(st, 1, q->since);
    rc = rc ? rc : sqlite3_bind_int64(st, 2, q->until);
    rc = rc ? rc : sqlite3_bind_int64(st, 3, q->tier);
    rc = rc ? rc : sqlite3_bind_int64(st, 4, q->before ? q->before : INT64_MAX);
    rc = rc ? rc : bind_where(st, 5, q->where);
    rc = rc ? rc : sqlite3_bind_int64(st, 999, q->max);
    *err = sql_errno(rc);
    if (rc == SQLITE_OK)
        return st;
    sqlite3_finalize(st);
    return NULL;
}

static bool load(sqlite3_stmt *st, struct rec *rec)
{
    int at = 2;
    for (u32 i = 0; i < rec->len; i++) {
        if (!(rec->attrs[i].flags & ATTR_STORED))
            continue;
        if (!rec_set(rec, rec->attrs[i].name, sql_column(st, at++)))
            return false;
    }
    return true;
}

int samples_each(struct samples *s, enum object object, const struct samples_query *q,
                 int (*each)(void *arg, s64 number, s64 time, struct rec *rec), void *arg)
{
    int kind = kind_of(object), err;
    if (kind < 0)
        return -EINVAL;
    struct rec *rec = rec_new(object);
    sqlite3_stmt *st = prepare_query(s, (unsigned)kind, q, &err);
    if (!rec)
        err = -ENOMEM;
    while (!err && sqlite3_step(st) == SQLITE_ROW)
        err = load(st, rec) ? each(arg, sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1), rec) : -ENOMEM;
    int closed = sql_errno(sqlite3_finalize(st));
    rec_free(rec);
    return err ? err : closed;
}

enum samples_tier samples_tier(s64 before, s64 now)
{
    struct tm a, b;
    time_t t[] = {(time_t)before, (time_t)now};
    localtime_r(&t[0], &a);
    localtime_r(&t[1], &b);
    if (!before || a.tm_year != b.tm_year || a.tm_mon != b.tm_mon)
        return TIER_MONTHLY;
    return a.tm_mday != b.tm_mday ? TIER_DAILY : a.tm_hour != b.tm_hour ? TIER_HOURLY : TIER_SAMPLED;
}
