// SPDX-License-Identifier: Apache-2.0
// The database of a managed system: SQLite, one file, written in transactions.
//
// Attributes are rows of (owner, name, value), so a new attribute needs no new schema; names and numbers that must be unique, and what
// belongs to what, are columns with constraints. The schema's version is PRAGMA user_version; a database of a later version is refused, one of
// an earlier version is brought up in the transaction that opens it.
#ifndef HYPER_STORE_H
#define HYPER_STORE_H

#include "hyper/record.h"

struct store;

enum store_owner {
    STORE_SYSTEM,
    STORE_PARTITION,
    STORE_PROFILE,
    STORE_CURRENT, // the configuration of a partition, by its number
    STORE_POOL
};

#define STORE_EVENT_CLOSED 1u // somebody looked at it
#define STORE_EVENT_SEEN   2u // its LED was switched off

struct store_event {
    s64 number, time; // seconds since 1970
    u32 lpar_id;      // 0: the system
    u32 flags;        // STORE_EVENT_
    const char *lpar_name, *refcode, *text;
};

// Opens, or makes it where `make` and none is there. NULL with *why, one line.
struct store *store_open(const char *path, bool make, char *why, size_t why_size);
void store_close(struct store *store);

// Everything between begin and commit happens, or nothing. Values: 0 or a negative errno; store_error() says more.
int store_begin(struct store *store);
int store_commit(struct store *store);
void store_rollback(struct store *store);
const char *store_error(struct store *store);

// What attr.def marks as kept.
int store_save(struct store *store, enum store_owner owner, s64 id, const struct rec *rec);
int store_load(struct store *store, enum store_owner owner, s64 id, struct rec *rec, bool *found);
int store_forget_current(struct store *store, s64 lpar_id);

int store_add_partition(struct store *store, u32 id, const char *name);
int store_rename_partition(struct store *store, u32 id, const char *name);
int store_remove_partition(struct store *store, u32 id); // with its profiles
int store_add_profile(struct store *store, u32 lpar_id, const char *name, s64 *id);
int store_rename_profile(struct store *store, s64 id, const char *name);
int store_remove_profile(struct store *store, s64 id);

// `each` returns non-zero to stop. Values: 0, that, or a negative errno.
int store_each_partition(struct store *store, int (*each)(void *arg, u32 id, const char *name), void *arg);
int store_each_profile(struct store *store, u32 lpar_id, int (*each)(void *arg, s64 id, const char *name), void *arg);

#define STORE_EVENTS_MAX 10000 // older ones go

int store_add_event(struct store *store, s64 time, u32 lpar_id, const char *lpar_name, const char *refcode,
                    const char *text);
// Newest first, at most `max`; of one partition, or of all (lpar_id < 0).
int store_each_event(struct store *store, s64 lpar_id, u32 max, int (*each)(void *arg, const struct store_event *event),
                     void *arg);

// What users typed that changed something: kept as events are, listed newest first.
struct store_command {
    s64 time; // seconds since 1970
    const char *user, *text, *result;
};

int store_add_command(struct store *store, const struct store_command *command);
int store_each_command(struct store *store, int (*each)(void *arg, const struct store_command *command), void *arg);

// Whether the LED of a partition, or of the system (0), is on; switches it off.
int store_led(struct store *store, u32 lpar_id, bool *on);
int store_led_off(struct store *store, u32 lpar_id);
// Closes an event that is an error. *found: there is such a one.
int store_close_event(struct store *store, s64 number, bool *found);

#endif
