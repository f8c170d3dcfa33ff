// SPDX-License-Identifier: Apache-2.0
#include "hyper/objects.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "hyper/pools.h"
#include "hyper/usage.h"
#include "hyper/utilisation.h"
#include "hyper/views.h"
#include "proto/hyper/message.h"

static char folder[] = "/dev/shm/openlpar-objects-XXXXXX", why[512]; // in memory: thousands of transactions
static struct sys *sys;
static struct wire_message m; // large
static struct answer answer;

// "name=value ..." of numbers and texts, units in hundredths.
static void put_all(struct wire_record *r, enum object object, enum object also, char *text)
{
    r->len = 0;
    for (char *save, *p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
        char *value = strchr(p, '=');
        struct wire_value v;
        *value++ = 0;
        const struct attr *attr = attr_find(object, p);
        if (!attr || !attr->flags)
            attr = attr_find(also, p);
        if (attr && attr_parse(attr, value, &v, why, sizeof(why)) == 0)
            wire_put(r, p, v);
        else
            wire_put_text(r, p, value); // wrong on purpose
    }
}

static int create(enum object object, const char *text)
{
    static char copy[1024];
    snprintf(copy, sizeof(copy), "%s", text);
    m = (struct wire_message){.object = (u8)object};
    put_all(&m.values, object, OBJECT_PROF, copy);
    answer = (struct answer){0};
    return objects_create(sys, &m, &answer);
}

static int change(enum object object, const char *where, const char *values)
{
    static char copies[2][1024];
    snprintf(copies[0], sizeof(copies[0]), "%s", where);
    snprintf(copies[1], sizeof(copies[1]), "%s", values);
    m = (struct wire_message){.object = (u8)object};
    put_all(&m.where, object, OBJECT_NONE, copies[0]);
    put_all(&m.values, object, OBJECT_NONE, copies[1]);
    answer = (struct answer){0};
    return objects_change(sys, &m, &answer);
}

static int remove_object(enum object object, const char *where)
{
    static char copy[1024];
    snprintf(copy, sizeof(copy), "%s", where);
    m = (struct wire_message){.object = (u8)object};
    put_all(&m.where, object, OBJECT_NONE, copy);
    answer = (struct answer){0};
    return objects_remove(sys, &m, &answer);
}

// What the daemon that comes next would know.
static void reopen(void)
{
    sys_close(sys);
    sys = sys_open(folder, why, sizeof(why));
    CHECK(sys != NULL);
}

static void test_partitions(void)
{
    CHECK_EQ(create(OBJECT_LPAR, "name=a desired_mem=512 boot_args=quiet"), 0);
    CHECK_EQ(create(OBJECT_LPAR, "name=c lpar_id=7 profile_name=first"), 0);
    CHECK_EQ(create(OBJECT_LPAR, "name=b"), 0); // the lowest free number
    CHECK_EQ(sys_lp_named(sys, "b")->id, 2);
    CHECK(create(OBJECT_LPAR, "name=a") < 0);
    CHECK_STR(answer.code, "HSCL0622");
    CHECK(create(OBJECT_LPAR, "name=d lpar_id=7") < 0 && create(OBJECT_LPAR, "lpar_id=9") < 0);
    CHECK_EQ(sys->lps_len, 3);
    reopen();
    CHECK_EQ(sys->lps_len, 3);
    struct lp *lp = sys_lp(sys, 1);
    CHECK_STR(lp_name(lp), "a");
    CHECK_EQ(rec_num(lp_profile(lp, "default_profile")->rec, "desired_mem"), 512);
    CHECK_STR(rec_text(lp_profile(lp, "default_profile")->rec, "boot_args"), "quiet");
    CHECK(lp_profile(sys_lp(sys, 7), "first") != NULL);
}

// As many as there can be, without one too many; the database takes them all.
static void test_thousand(void)
{
    char text[64];
    u32 had = sys->lps_len, made = 0;
    for (u32 i = had; i < LPARS_MAX; i++) {
        snprintf(text, sizeof(text), "name=m%u", i);
        made += create(OBJECT_LPAR, text) == 0;
    }
    CHECK_EQ(made, LPARS_MAX - had);
    CHECK(create(OBJECT_LPAR, "name=more") < 0 && strstr(answer.text, "1000") != NULL);
    reopen();
    CHECK_EQ(sys->lps_len, LPARS_MAX);
    CHECK_STR(lp_name(sys_lp(sys, LPARS_MAX)), "m999");
    for (u32 i = had; i < LPARS_MAX; i++) {
        snprintf(text, sizeof(text), "name=m%u", i);
        made -= remove_object(OBJECT_LPAR, text) == 0;
    }
    CHECK_EQ(made, 0);
    CHECK_EQ(sys->lps_len, had);
}

static void test_changes(void)
{
    CHECK_EQ(change(OBJECT_LPAR, "name=a", "new_name=web description=x,y"), 0);
    CHECK_EQ(change(OBJECT_LPAR, "lpar_id=1", "auto_start=1"), 0);
    CHECK(change(OBJECT_LPAR, "name=a", "auto_start=1") < 0);
    CHECK_STR(answer.code, "HSCL8012");
    CHECK(change(OBJECT_LPAR, "name=b", "new_name=web") < 0);
    CHECK(change(OBJECT_LPAR, "name=b", "state=Running") < 0 && strstr(answer.text, "state"));
    CHECK_EQ(change(OBJECT_PROF, "lpar_name=web name=default_profile", "new_name=p1 desired_mem=1024"), 0);
    CHECK(change(OBJECT_PROF, "lpar_name=web name=p1", "min_mem=2048") < 0 && strstr(answer.text, "desired_mem"));
    reopen();
    CHECK_STR(lp_name(sys_lp(sys, 1)), "web");
    CHECK_STR(rec_text(sys_lp(sys, 1)->rec, "description"), "x,y");
    CHECK_STR(rec_text(sys_lp(sys, 1)->rec, "default_profile"), "p1");
    CHECK_EQ(rec_num(lp_profile(sys_lp(sys, 1), "p1")->rec, "min_mem"), 256);
}

static void test_rules(void)
{
    static const struct {
        const char *text, *code, *says;
    } cases[] = {
        {"min_mem=300", "", "multiple"},
        {"min_mem=2048 desired_mem=1024", "", "ascending"},
        {"max_procs=4 desired_procs=8", "", "ascending"},
        {"proc_mode=ded", "", "sharing_mode"},
        {"sharing_mode=keep_idle_procs", "", "sharing_mode"},
        {"desired_procs=20 max_procs=20 desired_proc_units=0.50", "HSCL1566", "1.00"},
        {"desired_proc_units=1.50 max_proc_units=2.00", "HSCL1566", "desired_proc_units"},
        {"threads_per_proc=3", "", "threads_per_proc"},
        {"lpar_proc_compat_mode=POWER8 mmu=radix", "", "mmu"},
        {"shared_proc_pool_id=5", "", "pool"},
        {"bogus=1", "", "bogus"},
        {"state=Running", "", "state"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        char text[256];
        snprintf(text, sizeof(text), "name=rule %s", cases[i].text);
        CHECK(create(OBJECT_LPAR, text) < 0);
        CHECK_STR(answer.code, cases[i].code);
        if (!strstr(answer.text, cases[i].says))
            printf("# %s: %s\n", cases[i].text, answer.text);
        CHECK(strstr(answer.text, cases[i].says));
    }
    CHECK(!sys_lp_named(sys, "rule"));
}

static void test_lists(void)
{
    CHECK_EQ(create(OBJECT_LPAR, "name=lists io_slots=21010010/none/1"), 0);
    m = (struct wire_message){.object = OBJECT_PROF};
    wire_put_text(&m.where, "lpar_name", "lists");
    wire_put_text(&m.where, "name", "default_profile");
    wire_put(&m.values, "io_slots",
             (struct wire_value){.kind = WIRE_LIST, .change = WIRE_ADD, .text = "21010011/none/0"});
    CHECK_EQ(objects_change(sys, &m, &answer), 0);
    CHECK_STR(rec_text(lp_profile(sys_lp_named(sys, "lists"), "default_profile")->rec, "io_slots"),
              "21010010/none/1,21010011/none/0");
    m.values.len = 0;
    wire_put(&m.values, "io_slots", (struct wire_value){.kind = WIRE_LIST, .change = WIRE_TAKE, .text = "21010010"});
    CHECK_EQ(objects_change(sys, &m, &answer), 0);
    CHECK_STR(rec_text(lp_profile(sys_lp_named(sys, "lists"), "default_profile")->rec, "io_slots"), "21010011/none/0");
}

static void test_profiles(void)
{
    CHECK_EQ(create(OBJECT_PROF,
                    "name=p2 lpar_name=b proc_mode=ded sharing_mode=keep_idle_procs desired_procs=2 max_procs=4"),
             0);
    CHECK(create(OBJECT_PROF, "name=p2 lpar_id=2") < 0);
    CHECK(create(OBJECT_PROF, "name=p3 lpar_name=nobody") < 0);
    CHECK_STR(answer.code, "HSCL8012");
    CHECK(remove_object(OBJECT_PROF, "lpar_name=b name=default_profile") < 0); // the default one
    CHECK_EQ(change(OBJECT_LPAR, "name=b", "default_profile=p2"), 0);
    CHECK_EQ(remove_object(OBJECT_PROF, "lpar_name=b name=default_profile"), 0);
    m = (struct wire_message){.object = OBJECT_PROF};
    wire_put_text(&m.where, "lpar_name", "b");
    wire_put_text(&m.where, "name", "p2");
    CHECK_EQ(objects_apply(sys, &m, &answer), 0);
    m.where.len = 1;
    wire_put_text(&m.where, "name", "saved");
    CHECK_EQ(objects_save(sys, &m, &answer), 0);
    CHECK(objects_save(sys, &m, &answer) < 0); // there already
    wire_put_num(&m.values, "force", 1);
    CHECK_EQ(objects_save(sys, &m, &answer), 0);
    reopen();
    CHECK_EQ(sys_lp(sys, 2)->profiles_len, 2);
    CHECK_EQ(rec_num(lp_profile(sys_lp(sys, 2), "saved")->rec, "desired_procs"), 2);
    CHECK_STR(rec_text(sys_lp(sys, 2)->current, "sharing_mode"), "keep_idle_procs");
}

static void count(void *arg, const struct wire_record *row)
{
    ++*(u32 *)arg;
}

static void test_pools(void)
{
    CHECK(change(OBJECT_PROF, "lpar_name=b name=saved", "shared_proc_pool_id=2") == 0); // dedicated: it does not matter
    CHECK(change(OBJECT_PROF, "lpar_name=web name=p1", "shared_proc_pool_id=2") < 0 && strstr(answer.text, "maximum"));
    CHECK(change(OBJECT_PROCPOOL, "shared_proc_pool_id=0", "max_pool_proc_units=2") < 0);
    CHECK(change(OBJECT_PROCPOOL, "shared_proc_pool_id=64", "max_pool_proc_units=2") < 0);
    CHECK(change(OBJECT_PROCPOOL, "name=SharedPool02", "max_pool_proc_units=1.5") < 0 && strstr(answer.text, "whole"));
    CHECK(change(OBJECT_PROCPOOL, "name=SharedPool02", "reserved_pool_proc_units=0.5") < 0);
    CHECK(change(OBJECT_PROCPOOL, "name=SharedPool02", "max_pool_proc_units=2 reserved_pool_proc_units=2.5") < 0);
    CHECK(change(OBJECT_PROCPOOL, "name=SharedPool02", "max_pool_proc_units=9 reserved_pool_proc_units=5") < 0);
    CHECK(change(OBJECT_PROCPOOL, "name=SharedPool02", "new_name=DefaultPool") < 0);
    CHECK(change(OBJECT_PROCPOOL, "name=SharedPool02", "lpar_ids=2") < 0 && change(OBJECT_PROCPOOL, "", "") < 0);
    u64 before = usage_of(sys).units_available;
    CHECK_EQ(change(OBJECT_PROCPOOL, "name=SharedPool02",
                    "new_name=prod max_pool_proc_units=2 reserved_pool_proc_units=0.5"),
             0);
    CHECK_EQ(usage_of(sys).units_available, before - 50);
    reopen();
    CHECK_STR(pool_name(sys, 2), "prod");
    CHECK_EQ(pool_max(sys, 2), 200);
    CHECK_EQ(pool_left(sys, 2, NULL), 150);
    CHECK_EQ(change(OBJECT_PROF, "lpar_name=web name=p1", "shared_proc_pool_name=prod"), 0);
    CHECK_EQ(rec_num(lp_profile(sys_lp(sys, 1), "p1")->rec, "shared_proc_pool_id"), 2);
    CHECK(change(OBJECT_PROF, "lpar_name=web name=p1", "shared_proc_pool_name=none") < 0);
    CHECK(change(OBJECT_PROF, "lpar_name=web name=p1", "shared_proc_pool_name=prod shared_proc_pool_id=1") < 0);
    CHECK(change(OBJECT_PROCPOOL, "name=prod", "max_pool_proc_units=0 reserved_pool_proc_units=0") < 0 &&
          strstr(answer.text, "web"));
    CHECK(change(OBJECT_PROCPOOL, "lpar_name=web", "shared_proc_pool_name=prod") < 0 && strstr(answer.text, "never"));
    struct lp *lp = sys_lp(sys, 1);
    lp->current = rec_copy(lp_profile(lp, "p1")->rec);
    CHECK_EQ(change(OBJECT_PROCPOOL, "lpar_name=web", "shared_proc_pool_id=0"), 0);
    CHECK_EQ(rec_num(lp->current, "shared_proc_pool_id"), 0);
    CHECK(change(OBJECT_PROCPOOL, "lpar_name=web", "shared_proc_pool_id=9") < 0);
    lp->state = LP_RUNNING;
    lp->run_units = 180;
    CHECK(change(OBJECT_PROCPOOL, "lpar_name=web", "shared_proc_pool_name=prod") < 0 && strstr(answer.text, "room"));
    lp->run_units = 150;
    CHECK_EQ(change(OBJECT_PROCPOOL, "lpar_name=web", "shared_proc_pool_name=prod"), 0);
    CHECK_EQ(pool_left(sys, 2, NULL), 0);
    CHECK(change(OBJECT_PROCPOOL, "name=prod", "max_pool_proc_units=1 reserved_pool_proc_units=0") < 0);
    lp->state = LP_OFF;
}

static void last_row(void *arg, const struct wire_record *row)
{
    *(struct wire_record *)arg = *row;
}

static void test_utilisation(void)
{
    static struct wire_record row;
    u32 rows = 0;
    util_begin(sys, false);
    CHECK_EQ(change(OBJECT_UTIL_CONFIG, "", "sample_rate=300"), 0);
    CHECK(change(OBJECT_UTIL_CONFIG, "", "sample_rate=7") < 0 && change(OBJECT_UTIL_CONFIG, "", "") < 0);
    CHECK(util_tick(sys) > 0); // takes the first one
    sys_lp(sys, 1)->before_ms += 1000;
    m = (struct wire_message){.object = OBJECT_UTIL_LPAR};
    CHECK_EQ(views_list(sys, &m, count, &rows, &answer), 0);
    CHECK_EQ(rows, 2);
    wire_put_num(&m.values, "live", 1);
    wire_put_num(&m.where, "lpar_id", 1);
    CHECK_EQ(views_list(sys, &m, last_row, &row, &answer), 0);
    CHECK_EQ(wire_num(&row, "capped_cycles", 0) + wire_num(&row, "uncapped_cycles", 0), 512000000);
    wire_put_text(&m.where, "event_type", "config_change");
    rows = 0;
    CHECK_EQ(views_list(sys, &m, count, &rows, &answer), 0);
    CHECK_EQ(rows, 0);
    // What changes is a row at once; its number and the accounts are those of that moment.
    sys_lp(sys, 1)->run_mem += 256;
    CHECK(util_tick(sys) > 0);
    sys_lp(sys, 1)->state = LP_RUNNING;
    CHECK(util_tick(sys) > 0);
    CHECK(util_tick(sys) > 0); // nothing changed
    sys_lp(sys, 1)->state = LP_OFF;
    CHECK(util_tick(sys) > 0);
    static const struct {
        const char *type;
        u32 rows;
    } types[] = {{"sample", 1}, {"config_change", 1}, {"state_change", 2}};
    for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
        m = (struct wire_message){.object = OBJECT_UTIL_LPAR};
        wire_put_num(&m.where, "lpar_id", 1);
        wire_put_text(&m.where, "event_type", types[i].type);
        rows = 0;
        CHECK_EQ(views_list(sys, &m, count, &rows, &answer), 0);
        CHECK_EQ(rows, types[i].rows);
    }
    util_end(sys); // with a sample
    util_begin(sys, true);
    m = (struct wire_message){.object = OBJECT_UTIL_LPAR};
    wire_put_num(&m.where, "lpar_id", 1);
    wire_put_num(&m.values, "max", 1);
    CHECK_EQ(views_list(sys, &m, last_row, &row, &answer), 0);
    CHECK_EQ(wire_num(&row, "capped_cycles", 0) + wire_num(&row, "uncapped_cycles", 0), 512000000);
    CHECK_EQ(change(OBJECT_UTIL_CONFIG, "", "sample_rate=0"), 0);
    CHECK(util_tick(sys) < 0);
}

static void test_views(void)
{
    u32 rows = 0;
    for (unsigned o = 1; o < OBJECTS; o++) {
        m = (struct wire_message){.object = (u8)o};
        wire_put_num(&m.values, "max", 50);
        CHECK_EQ(views_list(sys, &m, count, &rows, &answer), 0);
    }
    CHECK(rows > 10);
    rows = 0;
    m = (struct wire_message){.object = OBJECT_LPAR};
    wire_put_text(&m.where, "name", "web");
    wire_put_text(&m.where, "name", "b");
    CHECK_EQ(views_list(sys, &m, count, &rows, &answer), 0);
    CHECK_EQ(rows, 2);
    wire_put_num(&m.where, "lpar_id", 1);
    rows = 0;
    CHECK_EQ(views_list(sys, &m, count, &rows, &answer), 0);
    CHECK_EQ(rows, 1);
    struct usage u = usage_of(sys);
    CHECK_EQ(u.mem_available + u.mem_firmware + u.mem_used, u.mem);
}

static void collect_states(void *arg, const struct wire_record *row)
{
    char *text = arg;
    size_t len = strlen(text);
    snprintf(text + len, 64 - len, "%.1s", wire_text(row, "state"));
}

// Configured, Guarded and Not Activated ones, by their initials.
static const char *processor_states(void)
{
    static char text[64];
    *text = 0;
    m = (struct wire_message){.object = OBJECT_PROCESSOR};
    views_list(sys, &m, collect_states, text, &answer);
    return text;
}

static void test_processors(void)
{
    rec_set_num(sys->rec, "active_procs", 3);
    CHECK_STR(processor_states(), "CCCN");
    CHECK_EQ(change(OBJECT_PROCESSOR, "proc_num=1", "state=Guarded"), 0);
    CHECK_STR(processor_states(), "CGCC"); // the one that was not activated takes its place
    CHECK_EQ(usage_of(sys).units, 300);
    CHECK_EQ(change(OBJECT_PROCESSOR, "proc_num=0", "state=Guarded"), 0);
    CHECK_STR(processor_states(), "GGCC");
    CHECK_EQ(usage_of(sys).units, 200);
    CHECK(change(OBJECT_PROCESSOR, "proc_num=0", "state=Guarded") < 0 &&
          change(OBJECT_PROCESSOR, "proc_num=2", "state=Configured") < 0 &&
          change(OBJECT_PROCESSOR, "proc_num=4", "state=Guarded") < 0);
    reopen();
    CHECK_STR(processor_states(), "GGCC");
    CHECK_EQ(change(OBJECT_PROCESSOR, "proc_num=2", "state=Guarded"), 0);
    CHECK(change(OBJECT_PROCESSOR, "proc_num=3", "state=Guarded") < 0); // the last one
    CHECK_STR(answer.code, "HSCL0622");
    CHECK_EQ(change(OBJECT_PROCESSOR, "proc_num=1", "state=Configured"), 0);
    CHECK_STR(rec_text(sys->rec, "guarded_procs"), "0,2");
    CHECK_EQ(change(OBJECT_PROCESSOR, "proc_num=0", "state=Configured"), 0);
    CHECK_EQ(change(OBJECT_PROCESSOR, "proc_num=2", "state=Configured"), 0);
    CHECK_STR(processor_states(), "CCCN");
}

static void test_removal(void)
{
    CHECK(remove_object(OBJECT_LPAR, "name=nobody") < 0);
    CHECK_STR(answer.code, "HSCL8012");
    CHECK_EQ(remove_object(OBJECT_LPAR, "lpar_id=7"), 0);
    reopen();
    CHECK(!sys_lp(sys, 7) && sys_lp(sys, 1));
}

int main(void)
{
    static const char *const files[] = {"system.db", "system.db-wal", "system.db-shm",
                                        "usage.db",  "usage.db-wal",  "usage.db-shm"};
    if (!mkdtemp(folder)) {
        snprintf(folder, sizeof(folder), "/tmp/openlpar-objects-XXXXXX");
        if (!mkdtemp(folder))
            *folder = 0;
    }
    if (!*folder || sys_create(folder, "test", 4, 4, 8192, 256, why, sizeof(why)) ||
        !(sys = sys_open(folder, why, sizeof(why)))) {
        printf("Bail out! %s\n", why);
        return 1;
    }
    TEST(test_partitions);
    TEST(test_thousand);
    TEST(test_changes);
    TEST(test_rules);
    TEST(test_lists);
    TEST(test_profiles);
    TEST(test_pools);
    TEST(test_utilisation);
    TEST(test_views);
    TEST(test_processors);
    TEST(test_removal);
    sys_close(sys);
    for (unsigned i = 0; i < ARRAY_LEN(files); i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s/%s", folder, files[i]);
        unlink(name);
    }
    rmdir(folder);
    return test_done();
}
