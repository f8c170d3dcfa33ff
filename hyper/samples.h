// SPDX-License-Identifier: Apache-2.0
// Samples of utilisation: usage.db beside the system's database, a table for each kind of resource, a column for each attribute of it that
// attr.def marks as kept. Counters only ever count up, so a coarser picture is fewer of the same rows: the first row of an hour, a day or a month
// stays longer than the others.
//
// Losing a sample is no harm: nothing is forced to the disk, and a file that cannot be read is begun anew.
#ifndef HYPER_SAMPLES_H
#define HYPER_SAMPLES_H

#include "hyper/record.h"

struct samples;

enum samples_tier { TIER_SAMPLED, TIER_HOURLY, TIER_DAILY, TIER_MONTHLY, TIERS };

// How long rows of a tier stay, seconds; and how many rows of a kind there are at most.
#define SAMPLES_KEPT     ((const s64[TIERS]){3 * 86400, 62 * 86400, 731 * 86400, 3653 * 86400ll})
#define SAMPLES_ROWS_MAX 1000000

// NULL with *why.
struct samples *samples_open(const char *path, char *why, size_t why_size);
void samples_close(struct samples *samples);
const char *samples_error(struct samples *samples);

// A sample is the rows between begin and commit. Values: 0 or a negative errno.
int samples_begin(struct samples *samples);
int samples_add(struct samples *samples, s64 time, enum samples_tier tier, const struct rec *rec);
int samples_commit(struct samples *samples);
void samples_rollback(struct samples *samples);

// Takes away what is too old for its tier, and of what is left over `max` rows of a kind the oldest of the finest tier.
int samples_thin(struct samples *samples, s64 now, s64 max);

struct samples_query {
    s64 since, until; // seconds since 1970, both included
    s64 before;       // rows before this number; 0: all
    enum samples_tier tier;
    u32 max;
    const struct wire_record *where; // of one attribute any, of several all must match
};

// Newest first. `each` returns non-zero to stop, and the record is its to change. Values: 0, that, or a negative errno; -EINVAL: there is no
// such column.
int samples_each(struct samples *samples, enum object object, const struct samples_query *query,
                 int (*each)(void *arg, s64 number, s64 time, struct rec *rec), void *arg);

// The tier of a sample, by the one before it (0: there is none): the first of a month, day or hour in local time.
enum samples_tier samples_tier(s64 before, s64 time);

#endif
