// SPDX-License-Identifier: Apache-2.0
// Who is joined with whom, and adapters that come and go; the partitions' processes are played here.
#include "hyper/vio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/test.h"
#include "hyper/objects.h"
#include "hyper/slots.h"
#include "hyper/test_system.h"
#include "hyper/vscsi.h"

static char folder[] = "/tmp/openlpar-vio-XXXXXX";
static struct sys *sys;
static struct wire_message m; // large
static struct answer answer, late;
static u64 late_token;

// A partition, the other side of its link, and what was heard there last.
static struct player {
    struct lp *lp;
    struct link link;
    struct wire_message said;
    int fds[WIRE_FDS_MAX];
} vios, web, linux_server;

static void on_answer(void *arg, u64 token, const struct answer *a)
{
    late = *a;
    late_token = token;
}

static void start(struct player *p, const char *name, const char *env, const char *adapters)
{
    int fds[2];
    m = (struct wire_message){.object = OBJECT_LPAR};
    wire_put_text(&m.values, "name", name);
    wire_put_text(&m.values, "lpar_env", env);
    wire_put_num(&m.values, "min_mem", 512);
    wire_put_num(&m.values, "desired_mem", 512);
    wire_put_num(&m.values, "max_mem", 512);
    CHECK_EQ(objects_create(sys, &m, &answer), 0);
    p->lp = sys_lp_named(sys, name);
    p->lp->current = rec_copy(p->lp->profiles[0].rec);
    rec_set(p->lp->current, "virtual_scsi_adapters", (struct wire_value){.kind = WIRE_LIST, .text = adapters});
    p->lp->state = LP_RUNNING;
    p->lp->dynamic = p->lp->linked = p->lp->greeted = true;
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    link_init(&p->lp->link, fds[0]);
    link_init(&p->link, fds[1]);
}

// The type of what its process hears next; 0: nothing.
static u32 hear(struct player *p)
{
    if (link_next(&p->link, &p->said, p->fds) <= 0 &&
        (link_fill(&p->link) <= 0 || link_next(&p->link, &p->said, p->fds) <= 0))
        return 0;
    return p->said.type;
}

static u64 value(const struct player *p, const char *name)
{
    return wire_num(&p->said.values, name, 0);
}

// Each heard of the other, and has an end of the same channel.
static void check_joined(struct player *client, u32 client_slot, struct player *server, u32 slot, u32 fds)
{
    char byte = 0;
    CHECK_EQ(hear(client), MESSAGE_JOIN);
    CHECK_EQ(value(client, "slot"), client_slot);
    CHECK_EQ(client->said.fds, 1);
    CHECK_EQ(hear(server), MESSAGE_JOIN);
    CHECK_EQ(value(server, "slot"), slot);
    CHECK_EQ(value(server, "client"), client->lp->id);
    CHECK_EQ(value(server, "client_slot"), client_slot);
    CHECK_EQ(server->said.fds, fds);
    CHECK_EQ(write(client->fds[0], "x", 1), 1);
    CHECK_EQ(read(server->fds[0], &byte, 1), 1);
    CHECK_EQ(byte, 'x');
    close(client->fds[0]);
    for (u32 i = 0; i < server->said.fds; i++)
        close(server->fds[i]);
    CHECK_EQ(client->lp->joints[client_slot].lpar, server->lp->id);
    CHECK_EQ(server->lp->joints[slot].lpar, client->lp->id);
    CHECK_EQ(server->lp->joints[slot].number, client->lp->joints[client_slot].number);
}

static void test_joining(void)
{
    vio_attach(sys, web.lp);
    for (u32 slot = 4; slot <= 5; slot++) {
        CHECK_EQ(hear(&web), MESSAGE_VSCSI);
        CHECK_EQ(value(&web, "slot"), slot);
        CHECK_EQ(value(&web, "server"), 0);
    }
    check_joined(&web, 4, &vios, 10, 1);
    check_joined(&web, 5, &linux_server, 7, 4); // with the link, which it cannot make
    vio_attach(sys, vios.lp);                   // once
    CHECK_EQ(hear(&vios), MESSAGE_VSCSI);
    CHECK_EQ(value(&vios, "server"), 1);
    CHECK_EQ(value(&vios, "client"), 0); // any
    CHECK_EQ(hear(&vios), 0);
    CHECK_EQ(hear(&web), 0);
}

static void test_parting(void)
{
    struct wire_record v = {0};
    wire_put_num(&v, "slot", 10);
    wire_put_num(&v, "number", vios.lp->joints[10].number + 1);
    m = (struct wire_message){.type = MESSAGE_PARTED, .values = v};
    CHECK_EQ(vio_take(sys, web.lp, &m), -EPROTO); // a client does not say that
    CHECK_EQ(vio_take(sys, vios.lp, &m), 0);      // of another channel
    CHECK_EQ(vios.lp->joints[10].lpar, web.lp->id);
    m.values = (struct wire_record){0};
    wire_put_num(&m.values, "slot", 10);
    wire_put_num(&m.values, "number", vios.lp->joints[10].number);
    CHECK_EQ(vio_take(sys, vios.lp, &m), 0);
    CHECK_EQ(vios.lp->joints[10].lpar, 0);
    CHECK_EQ(web.lp->joints[4].lpar, 0);
    CHECK_EQ(web.lp->joints[5].lpar, linux_server.lp->id);
    // The client's process is gone, and another one comes.
    vio_detach(sys, web.lp);
    CHECK_EQ(linux_server.lp->joints[7].lpar, 0);
    vio_attach(sys, web.lp);
    CHECK_EQ(hear(&web), MESSAGE_VSCSI);
    CHECK_EQ(hear(&web), MESSAGE_VSCSI);
    check_joined(&web, 4, &vios, 10, 1);
    check_joined(&web, 5, &linux_server, 7, 4);
}

// A server that goes on says what is joined; what it says of partitions and slots that cannot be is left out.
static void test_adoption(void)
{
    char text[64];
    vio_detach(sys, vios.lp);
    snprintf(text, sizeof(text), "10:%u:4:77,11:99:4:78,99:%u:4:79,nonsense", web.lp->id, web.lp->id);
    vio_adopt(sys, vios.lp, text);
    CHECK_EQ(vios.lp->joints[10].lpar, web.lp->id);
    CHECK_EQ(web.lp->joints[4].number, 77);
    CHECK_EQ(vios.lp->joints[11].lpar, 0);
    CHECK(sys->joints_made >= 77);
}

static int change(int (*call)(struct sys *, const struct wire_message *, struct answer *), u32 slot, const char *type)
{
    m = (struct wire_message){.object = OBJECT_VIO_SCSI};
    wire_put_text(&m.where, "lpar_name", "web");
    wire_put_num(&m.where, "slot_num", slot);
    if (type) {
        wire_put_text(&m.values, "adapter_type", type);
        wire_put_text(&m.values, "remote_lpar_name", "vios");
        wire_put_text(&m.values, "remote_slot_num", "11");
    }
    answer = late = (struct answer){0};
    late_token = 0;
    sys->asking = 55;
    return call(sys, &m, &answer);
}

static void plugged(u64 number, u32 slot, bool there, const char *reason)
{
    struct wire_record v = {0};
    wire_put_num(&v, "number", number);
    wire_put_num(&v, "slot", slot);
    wire_put_num(&v, "there", there);
    wire_put_text(&v, "why", reason);
    CHECK_EQ(slots_take(sys, web.lp, &v), 0);
}

static bool listed(u32 slot)
{
    struct vscsi_adapter all[VSCSI_ADAPTERS_MAX];
    u32 len = vscsi_of(web.lp, all), i = 0;
    while (i < len && all[i].slot != slot)
        i++;
    return i < len;
}

static void test_coming(void)
{
    CHECK_EQ(change(vscsi_create, 6, "client"), 1);
    CHECK_EQ(hear(&web), MESSAGE_PLUG);
    u64 number = value(&web, "number");
    CHECK_EQ(value(&web, "slot"), 6);
    CHECK_EQ(value(&web, "seconds"), 300);
    CHECK(listed(6));
    CHECK_EQ(change(vscsi_create, 7, "client"), -1); // one at a time
    CHECK_STR(answer.code, "HSCL3205");
    plugged(number + 1, 6, true, "");
    CHECK_EQ(late_token, 0);
    plugged(number, 6, true, "");
    CHECK_EQ(late_token, 55);
    CHECK(!late.refused && listed(6));
    // Not taken in time: it is there all the same, and the answer says what to do.
    CHECK_EQ(change(vscsi_create, 7, "client"), 1);
    CHECK_EQ(hear(&web), MESSAGE_PLUG);
    plugged(value(&web, "number"), 7, true, "time");
    CHECK_STR(late.code, "HSCL294D");
    CHECK(strstr(late.text, "-C7 -a'") != NULL);
    CHECK(listed(7));
    // Nobody listens: nothing has changed.
    CHECK_EQ(change(vscsi_create, 8, "client"), 1);
    CHECK_EQ(hear(&web), MESSAGE_PLUG);
    plugged(value(&web, "number"), 8, false, "deaf");
    CHECK_STR(late.code, "HSCL2957");
    CHECK(!listed(8));
    web.lp->dynamic = false;
    CHECK_EQ(change(vscsi_create, 8, "client"), -1);
    CHECK_STR(answer.code, "HSCL2957");
    web.lp->dynamic = true;
}

static void test_going(void)
{
    CHECK_EQ(change(vscsi_remove, 9, NULL), -1);
    CHECK_EQ(change(vscsi_remove, 7, NULL), 1);
    CHECK_EQ(hear(&web), MESSAGE_UNPLUG);
    plugged(value(&web, "number"), 7, true, "time");
    CHECK_STR(late.code, "HSCL294D");
    CHECK(strstr(late.text, "-C7 -r'") != NULL);
    CHECK(listed(7));
    CHECK_EQ(change(vscsi_remove, 7, NULL), 1);
    CHECK_EQ(hear(&web), MESSAGE_UNPLUG);
    plugged(value(&web, "number"), 7, false, "");
    CHECK(!late.refused && !listed(7) && listed(6));
    CHECK_EQ(change(vscsi_remove, 4, NULL), 1); // one that is served
    CHECK_EQ(hear(&web), MESSAGE_UNPLUG);
    plugged(value(&web, "number"), 4, false, "");
    CHECK_EQ(vios.lp->joints[10].lpar, 0);
    CHECK_EQ(web.lp->joints[4].lpar, 0);
    // It ends, or says nothing.
    CHECK_EQ(change(vscsi_remove, 6, NULL), 1);
    slots_gone(sys, web.lp);
    CHECK_STR(late.code, "HSCL2957");
    CHECK(listed(6));
    CHECK_EQ(change(vscsi_remove, 6, NULL), 1);
    CHECK(slots_tick(sys, 0) > 0);
    CHECK_EQ(slots_tick(sys, INT64_MAX), -1);
    CHECK_STR(late.code, "HSCL294D");
    CHECK(listed(6));
}

static void stop(struct player *p)
{
    link_fini(&p->link);
    link_fini(&p->lp->link);
    p->lp->linked = false;
    p->lp->state = LP_OFF;
}

int main(void)
{
    sys = test_system(folder);
    sys->answered = on_answer;
    start(&vios, "vios", "vioserver", "10/server/any//any/0");
    start(&linux_server, "target", "aixlinux", "7/server/any//any/0");
    start(&web, "web", "aixlinux", "4/client//vios/10/1,5/client//target/7/1");
    TEST(test_joining);
    TEST(test_parting);
    TEST(test_adoption);
    TEST(test_coming);
    TEST(test_going);
    stop(&vios);
    stop(&linux_server);
    stop(&web);
    sys_close(sys);
    char command[128];
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return test_done() || system(command) != 0;
}
