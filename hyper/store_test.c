// SPDX-License-Identifier: Apache-2.0
#include "hyper/store.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"

static char folder[] = "/tmp/openlpar-store-XXXXXX", path[64], why[512];

static void remove_all(void)
{
    char name[96];
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (unsigned i = 0; i < ARRAY_LEN(ends); i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        unlink(name);
    }
}

static struct store *fresh(void)
{
    remove_all();
    struct store *s = store_open(path, true, why, sizeof(why));
    CHECK(s != NULL);
    return s;
}

static void test_keeps_records(void)
{
    struct store *s = fresh();
    struct rec *rec = rec_new(OBJECT_LPAR), *back = rec_new(OBJECT_LPAR);
    bool found;
    rec_set_text(rec, "description", "it's a \"test\"");
    rec_set_num(rec, "auto_start", 1);
    CHECK_EQ(store_begin(s), 0);
    CHECK_EQ(store_add_partition(s, 3, "web01"), 0);
    CHECK_EQ(store_save(s, STORE_PARTITION, 3, rec), 0);
    CHECK_EQ(store_commit(s), 0);
    store_close(s);
    s = store_open(path, false, why, sizeof(why));
    CHECK(s != NULL);
    CHECK_EQ(store_load(s, STORE_PARTITION, 3, back, &found), 0);
    CHECK(found);
    CHECK_STR(rec_text(back, "description"), "it's a \"test\"");
    CHECK_EQ(rec_num(back, "auto_start"), 1);
    CHECK_EQ(store_load(s, STORE_PARTITION, 4, back, &found), 0);
    CHECK(!found);
    rec_free(rec);
    rec_free(back);
    store_close(s);
}

static void test_constraints(void)
{
    struct store *s = fresh();
    struct rec *rec = rec_new(OBJECT_PROF);
    s64 id;
    CHECK_EQ(store_begin(s), 0);
    CHECK_EQ(store_add_partition(s, 1, "a"), 0);
    CHECK_EQ(store_add_partition(s, 2, "a"), -EEXIST); // names are unique
    CHECK_EQ(store_add_partition(s, 1001, "b"), -EEXIST);
    CHECK_EQ(store_add_profile(s, 7, "p", &id), -EEXIST); // of no partition
    CHECK_EQ(store_add_profile(s, 1, "p", &id), 0);
    CHECK_EQ(store_save(s, STORE_PROFILE, id, rec), 0);
    CHECK_EQ(store_save(s, STORE_PROFILE, id + 1, rec), -EEXIST);
    CHECK_EQ(store_remove_partition(s, 1), 0);
    bool found;
    CHECK_EQ(store_load(s, STORE_PROFILE, id, rec, &found), 0);
    CHECK(!found); // went with its partition
    store_rollback(s);
    rec_free(rec);
    store_close(s);
}

static int count(void *arg, u32 id, const char *name)
{
    ++*(int *)arg;
    return 0;
}

// A writer is killed between begin and commit, again and again: what it had not committed is not there, the database opens.
static void test_killed_writer(void)
{
    struct store *s = fresh();
    store_close(s);
    for (u32 round = 1; round <= 10; round++) {
        pid_t pid = fork();
        if (pid == 0) {
            s = store_open(path, false, why, sizeof(why));
            char name[16];
            snprintf(name, sizeof(name), "lp%u", round);
            if (!s || store_begin(s) || store_add_partition(s, round, name) || store_commit(s) || store_begin(s) ||
                store_add_partition(s, 500 + round, "half"))
                _exit(1);
            kill(getpid(), SIGKILL);
        }
        int status, partitions = 0;
        waitpid(pid, &status, 0);
        CHECK(WIFSIGNALED(status));
        s = store_open(path, false, why, sizeof(why));
        CHECK(s != NULL);
        CHECK_EQ(store_each_partition(s, count, &partitions), 0);
        CHECK_EQ(partitions, round);
        store_close(s);
    }
}

static int last_event(void *arg, const struct store_event *e)
{
    snprintf(arg, 64, "%u %s %s", e->lpar_id, e->refcode, e->text);
    return 1;
}

static void test_events(void)
{
    struct store *s = fresh();
    char text[64] = "";
    for (unsigned i = 0; i < 5; i++)
        CHECK_EQ(store_add_event(s, 100 + i, i % 2, "x", "C0DE", i % 2 ? "odd" : "even"), 0);
    CHECK_EQ(store_each_event(s, -1, 10, last_event, text), 1);
    CHECK_STR(text, "0 C0DE even");
    CHECK_EQ(store_each_event(s, 1, 10, last_event, text), 1);
    CHECK_STR(text, "1 C0DE odd");
    store_close(s);
}

static void test_foreign_files_are_refused(void)
{
    remove_all();
    CHECK(!store_open(path, false, why, sizeof(why)));
    CHECK(*why);
    FILE *f = fopen(path, "we");
    fputs("this is no database, but long enough to look at: "
          "...............................................................................",
          f);
    fclose(f);
    CHECK(!store_open(path, false, why, sizeof(why)));
    CHECK(!store_open(path, true, why, sizeof(why)));
    remove_all();
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/db", folder);
    TEST(test_keeps_records);
    TEST(test_constraints);
    TEST(test_killed_writer);
    TEST(test_events);
    TEST(test_foreign_files_are_refused);
    rmdir(folder);
    return test_done();
}
