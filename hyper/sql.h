// SPDX-License-Identifier: Apache-2.0
// What the files of a managed system (store.c, samples.c) do with SQLite alike. Values: 0 or a negative errno.
#ifndef HYPER_SQL_H
#define HYPER_SQL_H

#include <sqlite3.h>

#include "proto/hyper/wire.h"

int sql_errno(int rc); // of SQLite's result codes
// Opens a file that only this user may read; *db is to be closed in all cases.
int sql_open(const char *path, bool make, sqlite3 **db);
int sql_run(sqlite3 *db, const char *sql);
int sql_commit(sqlite3 *db); // what cannot be committed is undone
void sql_rollback(sqlite3 *db);
// As sqlite3_bind_*(), with their result codes.
int sql_bind(sqlite3_stmt *statement, int at, const struct wire_value *value);
// A column as a value; a text is borrowed until the next step.
struct wire_value sql_column(sqlite3_stmt *statement, int at);

#endif
