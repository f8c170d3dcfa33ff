// SPDX-License-Identifier: Apache-2.0
#include "hyper/samples.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/test.h"

static char folder[] = "/tmp/openlpar-samples-XXXXXX", path[64], why[1300];

static void remove_all(void)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[96];
    for (unsigned i = 0; i < ARRAY_LEN(ends); i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        unlink(name);
    }
}

static struct samples *fresh(void)
{
    remove_all();
    struct samples *s = samples_open(path, why, sizeof(why));
    CHECK(s != NULL);
    return s;
}

static void add(struct samples *s, s64 when, enum samples_tier tier, u32 id, u64 cycles)
{
    struct rec *r = rec_new(OBJECT_UTIL_LPAR);
    char name[32];
    snprintf(name, sizeof(name), "lpar%u", id);
    rec_set_num(r, "lpar_id", id);
    rec_set_text(r, "lpar_name", name);
    rec_set_num(r, "capped_cycles", cycles);
    CHECK_EQ(samples_begin(s), 0);
    CHECK_EQ(samples_add(s, when, tier, r), 0);
    CHECK_EQ(samples_commit(s), 0);
    rec_free(r);
}

static char found[2000];
static s64 last;

static int collect(void *arg, s64 number, s64 when, struct rec *r)
{
    size_t len = strlen(found);
    snprintf(found + len, sizeof(found) - len, "%s%lld:%s:%llu", len ? " " : "", (long long)when,
             rec_text(r, "lpar_name"), (unsigned long long)rec_num(r, "capped_cycles"));
    last = number;
    return 0;
}

static const char *query(struct samples *s, struct samples_query q)
{
    static const struct wire_record all;
    found[0] = 0;
    if (!q.where)
        q.where = &all;
    if (!q.until)
        q.until = INT64_MAX;
    if (!q.max)
        q.max = 100;
    CHECK_EQ(samples_each(s, OBJECT_UTIL_LPAR, &q, collect, NULL), 0);
    return found;
}

static void test_queries(void)
{
    static struct wire_record where;
    struct samples *s = fresh();
    for (u32 i = 0; i < 4; i++) {
        add(s, 1000 + 60 * i, i == 2 ? TIER_HOURLY : TIER_SAMPLED, 1, i);
        add(s, 1000 + 60 * i, i == 2 ? TIER_HOURLY : TIER_SAMPLED, 2, 10 + i);
    }
    CHECK_STR(query(s, (struct samples_query){.max = 3}), "1180:lpar2:13 1180:lpar1:3 1120:lpar2:12");
    CHECK_STR(query(s, (struct samples_query){.max = 2, .before = last}), "1120:lpar1:2 1060:lpar2:11");
    CHECK_STR(query(s, (struct samples_query){.since = 1060, .until = 1060}), "1060:lpar2:11 1060:lpar1:1");
    CHECK_STR(query(s, (struct samples_query){.tier = TIER_HOURLY}), "1120:lpar2:12 1120:lpar1:2");
    wire_put_num(&where, "lpar_id", 1);
    wire_put_text(&where, "lpar_name", "lpar2");
    wire_put_num(&where, "lpar_id", 2);
    CHECK_STR(query(s, (struct samples_query){.where = &where, .since = 1120}), "1180:lpar2:13 1120:lpar2:12");
    wire_put_text(&where, "time; DROP TABLE lpar", "x");
    CHECK_EQ(samples_each(s, OBJECT_UTIL_LPAR, &(struct samples_query){.where = &where}, collect, NULL), -EINVAL);
    samples_close(s);
    s = samples_open(path, why, sizeof(why)); // as it was, with one that comes after
    CHECK_STR(query(s, (struct samples_query){.max = 1}), "1180:lpar2:13");
    samples_close(s);
}

static void test_thinning(void)
{
    struct samples *s = fresh();
    s64 now = 2000000000;
    add(s, now - SAMPLES_KEPT[TIER_MONTHLY] - 1, TIER_MONTHLY, 1, 0);
    add(s, now - SAMPLES_KEPT[TIER_DAILY] - 1, TIER_MONTHLY, 1, 1);
    add(s, now - SAMPLES_KEPT[TIER_DAILY] - 1, TIER_DAILY, 1, 2);
    add(s, now - SAMPLES_KEPT[TIER_SAMPLED] - 1, TIER_HOURLY, 1, 3);
    add(s, now - SAMPLES_KEPT[TIER_SAMPLED] - 1, TIER_SAMPLED, 1, 4);
    add(s, now - 1, TIER_SAMPLED, 1, 5);
    add(s, now, TIER_SAMPLED, 1, 6);
    CHECK_EQ(samples_thin(s, now, 100), 0);
    const char *row = query(s, (struct samples_query){.max = 100});
    CHECK(strstr(row, "lpar1:6 ") && strstr(row, "lpar1:5 ") && strstr(row, "lpar1:3 ") && strstr(row, "lpar1:1"));
    CHECK(!strstr(row, "lpar1:0") && !strstr(row, "lpar1:2") && !strstr(row, "lpar1:4"));
    CHECK_EQ(samples_thin(s, now, 3), 0); // the oldest of the finest goes
    row = query(s, (struct samples_query){.max = 100});
    CHECK(strstr(row, "lpar1:6 ") && !strstr(row, "lpar1:5") && strstr(row, "lpar1:3 ") && strstr(row, "lpar1:1"));
    samples_close(s);
}

static void test_a_broken_file_is_begun_anew(void)
{
    struct samples *s = fresh();
    add(s, 1000, TIER_SAMPLED, 1, 1);
    samples_close(s);
    remove_all();
    FILE *f = fopen(path, "w");
    for (unsigned i = 0; i < 5000; i++)
        fputs("no database", f);
    fclose(f);
    s = samples_open(path, why, sizeof(why));
    CHECK(s != NULL);
    CHECK_STR(query(s, (struct samples_query){.max = 1}), "");
    samples_close(s);
    CHECK(!samples_open("/nowhere/usage.db", why, sizeof(why)) && strstr(why, "/nowhere"));
}

// A column that an earlier version did not have.
static void test_an_older_table(void)
{
    sqlite3 *db;
    remove_all();
    CHECK_EQ(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_EQ(sqlite3_exec(db,
                          "CREATE TABLE lpar(id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, tier INTEGER "
                          "NOT NULL, lpar_name, capped_cycles); INSERT INTO lpar VALUES(1, 900, 0, 'old', 7)",
                          NULL, NULL, NULL),
             SQLITE_OK);
    sqlite3_close(db);
    struct samples *s = samples_open(path, why, sizeof(why));
    CHECK(s != NULL);
    add(s, 1000, TIER_SAMPLED, 1, 1);
    CHECK_STR(query(s, (struct samples_query){.max = 9}), "1000:lpar1:1 900:old:7");
    samples_close(s);
}

static void test_tiers(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    s64 month = 1764547200; // 1 December 2025
    CHECK_EQ(samples_tier(0, month), TIER_MONTHLY);
    CHECK_EQ(samples_tier(month - 1, month), TIER_MONTHLY);
    CHECK_EQ(samples_tier(month + 86399, month + 86400), TIER_DAILY);
    CHECK_EQ(samples_tier(month + 3599, month + 3600), TIER_HOURLY);
    CHECK_EQ(samples_tier(month + 3600, month + 3660), TIER_SAMPLED);
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/usage.db", folder);
    TEST(test_queries);
    TEST(test_thinning);
    TEST(test_a_broken_file_is_begun_anew);
    TEST(test_an_older_table);
    TEST(test_tiers);
    remove_all();
    rmdir(folder);
    return test_done();
}
