// SPDX-License-Identifier: Apache-2.0
#include "hyper/sql.h"

#include <errno.h>
#include <sys/stat.h>

int sql_errno(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return 0;
    case SQLITE_NOMEM: return -ENOMEM;
    case SQLITE_FULL: return -ENOSPC;
    case SQLITE_CONSTRAINT: return -EEXIST;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return -EBUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return -EBADMSG;
    default: return -EIO;
    }
}

int sql_open(const char *path, bool make, sqlite3 **db)
{
    mode_t mask = umask(0077);
    int rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE | (make ? SQLITE_OPEN_CREATE : 0), NULL);
    umask(mask);
    return sql_errno(rc);
}

int sql_run(sqlite3 *db, const char *sql)
{
    return sql_errno(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int sql_commit(sqlite3 *db)
{
    int err = sql_run(db, "COMMIT");
    if (err)
        sql_rollback(db);
    return err;
}

void sql_rollback(sqlite3 *db)
{
    if (!sqlite3_get_autocommit(db))
        sql_run(db, "ROLLBACK");
}

int sql_bind(sqlite3_stmt *statement, int at, const struct wire_value *value)
{
    return value->kind == WIRE_NULL  ? sqlite3_bind_null(statement, at)
           : value->kind == WIRE_NUM ? sqlite3_bind_int64(statement, at, (s64)value->num)
                                     : sqlite3_bind_text(statement, at, value->text, -1, SQLITE_TRANSIENT);
}

struct wire_value sql_column(sqlite3_stmt *statement, int at)
{
    switch (sqlite3_column_type(statement, at)) {
    case SQLITE_INTEGER: return (struct wire_value){.kind = WIRE_NUM, .num = (u64)sqlite3_column_int64(statement, at)};
    case SQLITE_TEXT:
        return (struct wire_value){.kind = WIRE_TEXT, .text = (const char *)sqlite3_column_text(statement, at)};
    default: return (struct wire_value){.kind = WIRE_NULL};
    }
}
