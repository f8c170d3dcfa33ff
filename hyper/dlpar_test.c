// SPDX-License-Identifier: Apache-2.0
// Changes of running partitions, whose processes are played here.
#include "hyper/dlpar.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/test.h"
#include "hyper/objects.h"
#include "hyper/test_system.h"
#include "hyper/usage.h"

static char folder[] = "/tmp/openlpar-dlpar-XXXXXX";
static struct sys *sys;
static struct lp *one, *two;
static struct link peer[2];   // the partitions' side
static struct wire_message m; // large
static struct answer answer, late;
static u64 late_token;

static void on_answer(void *arg, u64 token, const struct answer *a)
{
    late = *a;
    late_token = token;
}

// Running, with a link whose other side is ours.
static struct lp *running(const char *name, struct link *other)
{
    int fds[2];
    m = (struct wire_message){.object = OBJECT_LPAR};
    wire_put_text(&m.values, "name", name);
    wire_put_num(&m.values, "min_mem", 512);
    wire_put_num(&m.values, "desired_mem", 1024);
    wire_put_num(&m.values, "max_mem", 2048);
    wire_put_num(&m.values, "desired_procs", 2);
    wire_put_num(&m.values, "max_procs", 4);
    wire_put_num(&m.values, "desired_proc_units", 100);
    wire_put_num(&m.values, "max_proc_units", 300);
    CHECK_EQ(objects_create(sys, &m, &answer), 0);
    struct lp *lp = sys_lp_named(sys, name);
    lp->current = rec_copy(lp->profiles[0].rec);
    lp->state = LP_RUNNING;
    lp->run_mem = 1024;
    lp->run_procs = 2;
    lp->run_units = 100;
    lp->dynamic = lp->linked = true;
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    link_init(&lp->link, fds[0]);
    link_init(other, fds[1]);
    return lp;
}

static int request(const char *name, const char *operation, const char *resource, const char *what, u64 amount,
                   const char *to)
{
    m = (struct wire_message){.object = OBJECT_LPAR};
    wire_put_text(&m.where, "name", name);
    wire_put_text(&m.values, "operation", operation);
    wire_put_text(&m.values, "resource", resource);
    wire_put_num(&m.values, what, amount);
    if (to)
        wire_put_text(&m.values, "to_name", to);
    answer = late = (struct answer){0};
    late_token = 0;
    return dlpar_request(sys, &m, 77, &answer);
}

// The next DLPAR that a partition heard; its amount, negative when it is to be removed. 0: none.
static s64 heard(struct link *l, u64 *number)
{
    static struct wire_message got; // large
    int fds[WIRE_FDS_MAX];
    while (link_next(l, &got, fds) > 0 || (link_fill(l) > 0 && link_next(l, &got, fds) > 0)) {
        if (got.type != MESSAGE_DLPAR)
            continue;
        *number = wire_num(&got.values, "number", 0);
        s64 amount = (s64)wire_num(&got.values, "amount", 0);
        return wire_num(&got.values, "add", 0) ? amount : -amount;
    }
    return 0;
}

static int done(struct lp *lp, u64 number, u64 amount, u64 mem, u64 procs, const char *reason)
{
    struct wire_record v = {0};
    wire_put_num(&v, "number", number);
    wire_put_num(&v, "done", amount);
    wire_put_num(&v, "mem", mem);
    wire_put_num(&v, "procs", procs);
    wire_put_text(&v, "why", reason);
    return dlpar_take_done(sys, lp, &v);
}

// What the system has is free, assigned or the hypervisor's.
static void check_sum(u64 used)
{
    struct usage u = usage_of(sys);
    CHECK_EQ(u.mem_used, used);
    CHECK_EQ(u.mem, u.mem_used + u.mem_firmware + u.mem_available);
}

static void test_add(void)
{
    u64 number = 0;
    check_sum(2048);
    CHECK_EQ(request("one", "add", "mem", "mem", 512, NULL), 1);
    CHECK_EQ(heard(&peer[0], &number), 512);
    check_sum(2560); // promised
    CHECK_EQ(request("one", "add", "mem", "mem", 256, NULL), -1);
    CHECK_STR(answer.code, "HSCL3205");                   // one at a time
    CHECK_EQ(done(one, number + 1, 512, 1536, 2, ""), 0); // of something else: that it has more is true all the same
    CHECK_EQ(late_token, 0);
    CHECK_EQ(done(one, number, 512, 1536, 2, ""), 0);
    CHECK_EQ(late_token, 77);
    CHECK(!late.refused);
    CHECK_EQ(one->run_mem, 1536);
    CHECK_EQ(rec_num(one->current, "desired_mem"), 1536); // and so the next time
    check_sum(2560);
}

static void test_partial(void)
{
    u64 number = 0;
    CHECK_EQ(request("one", "remove", "mem", "mem", 1024, NULL), 1);
    CHECK_EQ(heard(&peer[0], &number), -1024);
    check_sum(2560); // not free before it is given back
    CHECK_EQ(done(one, number, 256, 1280, 2, "refused"), 0);
    CHECK_STR(late.code, "HSCL2932");
    CHECK(strstr(late.text, "Amount of memory removed: 256 MB of 1024 MB.") != NULL);
    check_sum(2304);
    CHECK_EQ(request("one", "remove", "mem", "mem", 256, NULL), 1);
    heard(&peer[0], &number);
    CHECK_EQ(done(one, number, 0, 1280, 2, "time"), 0);
    CHECK_STR(late.code, "HSCL294D");
    struct wire_record v = {0}; // it does it after all
    wire_put_num(&v, "mem", 1024);
    wire_put_num(&v, "procs", 2);
    CHECK_EQ(dlpar_take_resources(sys, one, &v), 0);
    check_sum(2048);
}

static void test_halved(void)
{
    u64 number = 0;
    struct wire_record v = {0};
    u64 had = one->run_procs, mem = one->run_mem;
    CHECK_EQ(request("one", "remove", "proc", "procs", 1, NULL), 1);
    CHECK_EQ(heard(&peer[0], &number), -1);
    wire_put_num(&v, "number", number);
    wire_put_num(&v, "done", 0);
    wire_put_num(&v, "mem", mem);
    wire_put_num(&v, "procs", had);
    wire_put_num(&v, "halved", 1);
    wire_put_text(&v, "why", "refused");
    CHECK_EQ(dlpar_take_done(sys, one, &v), 0);
    CHECK_STR(late.code, "HSCL2930");
    CHECK(strstr(late.text, "Amount of processors removed: 0 of 1.\nIt took threads of 1 processors offline") != NULL);
}

// It cannot have what it was not given.
static void test_claims(void)
{
    struct wire_record v = {0};
    wire_put_num(&v, "mem", 1280);
    wire_put_num(&v, "procs", 2);
    CHECK(dlpar_take_resources(sys, one, &v) < 0);
    v.len = 0;
    wire_put_num(&v, "mem", 1000);
    wire_put_num(&v, "procs", 2);
    CHECK(dlpar_take_resources(sys, one, &v) < 0);
    v.len = 0;
    wire_put_num(&v, "mem", 1024);
    wire_put_num(&v, "procs", 3);
    CHECK(dlpar_take_resources(sys, one, &v) < 0);
    CHECK_EQ(one->run_mem, 1024);
    check_sum(2048);
}

// What the target does not take goes back.
static void test_move(void)
{
    u64 number = 0;
    CHECK_EQ(request("one", "move", "mem", "mem", 512, "two"), 1);
    CHECK_EQ(heard(&peer[0], &number), -512);
    CHECK_EQ(done(one, number, 512, 512, 2, ""), 0);
    CHECK_EQ(heard(&peer[1], &number), 512);
    check_sum(2048);
    CHECK_EQ(done(two, number, 256, 1280, 2, "refused"), 0);
    CHECK_EQ(late_token, 0);
    CHECK_EQ(heard(&peer[0], &number), 256);
    CHECK_EQ(done(one, number, 256, 768, 2, ""), 0);
    CHECK_EQ(late_token, 77);
    CHECK(strstr(late.text, "Amount of memory moved: 256 MB of 512 MB.") != NULL);
    CHECK_EQ(one->run_mem + two->run_mem, 2048);
    check_sum(2048);
}

static void test_processors(void)
{
    u64 number = 0;
    CHECK_EQ(request("one", "add", "proc", "units", 50, NULL), 0); // the operating system has no part in it
    CHECK_EQ(one->run_units, 150);
    CHECK_EQ(rec_num(one->current, "desired_proc_units"), 150);
    CHECK_EQ(request("one", "remove", "proc", "procs", 1, NULL), -1);
    CHECK_STR(answer.code, "HSCL1566"); // 1.50 units need two
    CHECK_EQ(request("one", "add", "proc", "procs", 2, NULL), 1);
    CHECK_EQ(heard(&peer[0], &number), 2);
    CHECK_EQ(done(one, number, 1, 768, 3, "refused"), 0);
    CHECK_STR(late.code, "HSCL294E");
    CHECK_EQ(one->run_procs, 3);
    CHECK_EQ(request("one", "add", "proc", "procs", 2, NULL), -1);
    CHECK_STR(answer.code, "HSCL0622"); // max_procs
    CHECK_EQ(request("one", "add", "proc", "units", 400, NULL), -1);
}

static void test_ends(void)
{
    u64 number = 0;
    CHECK_EQ(request("two", "add", "mem", "mem", 256, NULL), 1);
    heard(&peer[1], &number);
    dlpar_gone(sys, two);
    CHECK_STR(late.code, "HSCL2957");
    CHECK_EQ(request("two", "add", "mem", "mem", 256, NULL), -1);
    CHECK_STR(answer.code, "HSCL2957"); // nobody listens
    CHECK_EQ(done(two, number, 256, 1280, 2, ""), 0);
    CHECK_EQ(request("none", "add", "mem", "mem", 256, NULL), -1);
    CHECK_STR(answer.code, "HSCL8012");
    two->state = LP_OFF;
    CHECK_EQ(request("two", "add", "mem", "mem", 256, NULL), 0); // its configuration
    CHECK_EQ(rec_num(two->current, "desired_mem"), 1536);
    CHECK_EQ(request("two", "add", "mem", "mem", 4096, NULL), -1);
    CHECK_EQ(rec_num(two->current, "desired_mem"), 1536);
}

int main(void)
{
    sys = test_system(folder);
    sys->answered = on_answer;
    one = running("one", &peer[0]);
    two = running("two", &peer[1]);
    TEST(test_add);
    TEST(test_partial);
    TEST(test_halved);
    TEST(test_claims);
    TEST(test_move);
    TEST(test_processors);
    TEST(test_ends);
    for (unsigned i = 0; i < 2; i++) {
        link_fini(&peer[i]);
        link_fini(&(i ? two : one)->link);
    }
    one->linked = two->linked = false;
    one->state = LP_OFF;
    sys_close(sys);
    char command[128];
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return test_done() || system(command) != 0;
}
