// SPDX-License-Identifier: Apache-2.0
#include "hyper/vio.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "hyper/objects.h"
#include "hyper/vscsi.h"
#include "ipc/ring.h"
#include "proto/vio/vscsi.h"

bool vio_is_server(const struct lp *lp)
{
    return rec_is(lp->rec, "lpar_env", "vioserver");
}

void vio_folder(const struct sys *sys, const struct lp *lp, char path[VIO_FOLDER_MAX])
{
    snprintf(path, VIO_FOLDER_MAX, "%s/vios-%u", sys->path, lp->id);
}

void vio_removed(const struct sys *sys, const struct lp *lp)
{
    char from[VIO_FOLDER_MAX], to[VIO_FOLDER_MAX + 64];
    vio_folder(sys, lp, from);
    snprintf(to, sizeof(to), "%s-removed-%lld", from, (long long)time(NULL));
    if (rename(from, to) && errno != ENOENT)
        fprintf(stderr, "openlpard: %s cannot be renamed: %s\n", from, strerror(errno));
}

static void send_fds(struct lp *lp, enum message type, const struct wire_record *values, const int *fds, u32 len)
{
    static struct wire_message m; // large; one thread
    if (!lp->linked)
        return;
    m.type = (u16)type;
    m.values = *values;
    link_send(&lp->link, &m, fds, len);
    link_flush(&lp->link);
}

static void send_values(struct lp *lp, enum message type, const struct wire_record *values)
{
    send_fds(lp, type, values, NULL, 0);
}

static bool is_there(const struct lp *lp)
{
    return lp->linked && lp->greeted && lp_active(lp);
}

// To either side its end of the channel; to a server that is an operating system also the link, which it hands to the client.
static void send_joins(struct lp *client, u32 client_slot, struct lp *server, u32 slot, const int pair[2],
                       const struct ring_fds *link)
{
    struct wire_record v = {0};
    int fds[4] = {pair[1], link->memory, link->bell[0], link->bell[1]};
    wire_put_num(&v, "slot", client_slot);
    send_fds(client, MESSAGE_JOIN, &v, pair, 1);
    v.len = 0;
    wire_put_num(&v, "slot", slot);
    wire_put_num(&v, "client", client->id);
    wire_put_num(&v, "client_slot", client_slot);
    wire_put_num(&v, "number", server->joints[slot].number);
    send_fds(server, MESSAGE_JOIN, &v, fds, link->memory < 0 ? 1 : 4);
}

static void join(struct sys *sys, struct lp *client, u32 client_slot, struct lp *server, u32 slot)
{
    int pair[2], err = 0;
    struct ring_fds link = {-1, {-1, -1}};
    if (!vio_is_server(server))
        err = ring_create(VSCSI_RING_SIZE, VSCSI_DATA_SIZE, &link);
    if (err || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair)) {
        fprintf(stderr, "openlpard: %s, slot %u: its server cannot be told: %s\n", lp_name(client), client_slot,
                strerror(err ? -err : errno));
        ring_close_fds(&link);
        return;
    }
    server->joints[slot] = (struct joint){client->id, client_slot, ++sys->joints_made};
    client->joints[client_slot] = (struct joint){server->id, slot, sys->joints_made};
    send_joins(client, client_slot, server, slot, pair, &link);
    close(pair[0]);
    close(pair[1]);
    ring_close_fds(&link);
}

// What belongs together of these two, and is not yet.
static void join_all(struct sys *sys, struct lp *client, struct lp *server)
{
    struct vscsi_adapter c[VSCSI_ADAPTERS_MAX], s[VSCSI_ADAPTERS_MAX];
    u32 c_len = vscsi_of(client, c), s_len = vscsi_of(server, s);
    for (u32 i = 0; i < c_len; i++)
        for (u32 j = 0; j < s_len; j++)
            if (!client->joints[c[i].slot].lpar && !server->joints[s[j].slot].lpar &&
                vscsi_pair(sys, client, &c[i], server, &s[j]))
                join(sys, client, c[i].slot, server, s[j].slot);
}

static void join_with_all(struct sys *sys, struct lp *lp)
{
    for (u32 i = 0; i < sys->lps_len; i++) {
        struct lp *other = sys->lps[i];
        if (other == lp || !is_there(other))
            continue;
        join_all(sys, other, lp);
        join_all(sys, lp, other);
    }
}

static void tell_adapter(struct sys *sys, struct lp *lp, const struct vscsi_adapter *a)
{
    struct wire_record v = {0};
    wire_put_num(&v, "slot", a->slot);
    wire_put_num(&v, "server", a->server);
    if (a->server) {
        const struct lp *client = vscsi_remote(sys, a);
        wire_put_num(&v, "client", client ? client->id : a->remote_id);
        wire_put_num(&v, "client_slot", a->remote_slot);
    }
    send_values(lp, MESSAGE_VSCSI, &v);
}

void vio_attach(struct sys *sys, struct lp *lp)
{
    struct vscsi_adapter adapters[VSCSI_ADAPTERS_MAX];
    u32 len = vscsi_of(lp, adapters);
    for (u32 i = 0; i < len; i++)
        tell_adapter(sys, lp, &adapters[i]);
    join_with_all(sys, lp);
}

void vio_added(struct sys *sys, struct lp *lp, const struct vscsi_adapter *adapter)
{
    if (adapter)
        tell_adapter(sys, lp, adapter);
    join_with_all(sys, lp);
}

void vio_dropped(struct lp *lp, u32 slot)
{
    struct wire_record v = {0};
    wire_put_num(&v, "slot", slot);
    send_values(lp, MESSAGE_VSCSI_GONE, &v);
}

void vio_part(struct sys *sys, struct lp *lp, u32 slot)
{
    struct joint *j = &lp->joints[slot];
    struct lp *other = j->lpar ? sys_lp(sys, j->lpar) : NULL;
    if (other && other->joints[j->slot].number == j->number)
        other->joints[j->slot] = (struct joint){0};
    *j = (struct joint){0};
}

void vio_detach(struct sys *sys, struct lp *lp)
{
    for (u32 slot = 0; slot < VIO_SLOTS_MAX; slot++)
        vio_part(sys, lp, slot);
    lp->data_pid = 0;
    lp->data_dead_ms = 0; // counted by now
    for (u32 i = 0; i < LP_RUNS_MAX; i++)
        if (lp->runs[i].token) {
            struct answer answer = {0};
            refuse(&answer, "HSCL3205", "The Virtual I/O Server %s ended before the command did.", lp_name(lp));
            sys->answered(sys->answered_arg, lp->runs[i].token, &answer);
            lp->runs[i].token = 0;
        }
}

void vio_adopt(struct sys *sys, struct lp *lp, const char *joints)
{
    unsigned slot, client, client_slot;
    unsigned long long number;
    for (const char *p = joints; sscanf(p, "%u:%u:%u:%llu", &slot, &client, &client_slot, &number) == 4;) {
        struct lp *other = sys_lp(sys, client);
        if (other && slot < VIO_SLOTS_MAX && client_slot < VIO_SLOTS_MAX) {
            lp->joints[slot] = (struct joint){client, client_slot, number};
            other->joints[client_slot] = (struct joint){lp->id, slot, number};
            sys->joints_made = MAX(sys->joints_made, number);
        }
        p += strcspn(p, ",");
        p += *p == ',';
    }
}

// The client's end is closed: it ended, or broke the rules and gets another chance when it starts anew.
static void take_parted(struct sys *sys, struct lp *lp, const struct wire_record *v)
{
    u64 slot = wire_num(v, "slot", VIO_SLOTS_MAX);
    if (slot >= VIO_SLOTS_MAX || !lp->joints[slot].lpar || lp->joints[slot].number != wire_num(v, "number", 0))
        return;
    vio_part(sys, lp, (u32)slot);
}

static struct lp_run *find_run(struct lp *lp, const struct wire_record *v)
{
    u64 number = wire_num(v, "number", 0);
    for (u32 i = 0; i < LP_RUNS_MAX; i++)
        if (lp->runs[i].token && lp->runs[i].number == number)
            return &lp->runs[i];
    return NULL; // of a daemon before
}

static void take_printed(struct sys *sys, struct lp *lp, const struct wire_record *v)
{
    const struct lp_run *run = find_run(lp, v);
    const char *text = wire_text(v, "text");
    struct wire_record row = {0};
    if (!run || !text)
        return;
    wire_put_text(&row, "text", text);
    wire_put_num(&row, "error", wire_num(v, "error", 0));
    sys->printed(sys->answered_arg, run->token, &row);
}

static void take_ran(struct sys *sys, struct lp *lp, const struct wire_record *v)
{
    struct lp_run *run = find_run(lp, v);
    struct answer answer = {0};
    struct wire_record row = {0};
    if (!run)
        return;
    wire_put_num(&row, "exit", wire_num(v, "status", 1));
    sys->printed(sys->answered_arg, run->token, &row);
    sys->answered(sys->answered_arg, run->token, &answer);
    run->token = 0;
}

int vio_take(struct sys *sys, struct lp *lp, const struct wire_message *m)
{
    if (!vio_is_server(lp))
        return -EPROTO;
    switch (m->type) {
    case MESSAGE_PARTED: take_parted(sys, lp, &m->values); return 0;
    case MESSAGE_PRINTED: take_printed(sys, lp, &m->values); return 0;
    case MESSAGE_RAN: take_ran(sys, lp, &m->values); return 0;
    case MESSAGE_SERVES:
        lp->data_pid = (int)MIN(wire_num(&m->values, "pid", 0), (u64)INT32_MAX);
        lp->data_dead_ms = wire_num(&m->values, "dead_ms", 0);
        return 0;
    default: return -EPROTO;
    }
}

int vio_command(struct sys *sys, const struct wire_message *m, const char *user, u64 token, struct answer *answer)
{
    static struct wire_record v; // large; one thread
    struct lp *lp = objects_find_lp(sys, &m->where, "name", answer);
    struct lp_run *run = NULL;
    if (!lp)
        return -1;
    if (!vio_is_server(lp))
        return refuse(answer, "HSCL0622", "The partition %s is no Virtual I/O Server.", lp_name(lp));
    if (lp->state != LP_RUNNING || !lp->linked)
        return refuse(answer, "HSCL2957",
                      "The state of the Virtual I/O Server %s is %s; a command needs one that runs.", lp_name(lp),
                      lp_state_name(lp));
    for (u32 i = 0; i < LP_RUNS_MAX && !run; i++)
        run = lp->runs[i].token ? NULL : &lp->runs[i];
    if (!run)
        return refuse(answer, "HSCL3205",
                      "The Virtual I/O Server %s has %u commands that wait or run. Try again when one is over.",
                      lp_name(lp), LP_RUNS_MAX);
    run->token = token;
    run->number = ++lp->runs_made;
    v.len = 0;
    wire_put_num(&v, "number", run->number);
    wire_put_text(&v, "user", user);
    for (u32 i = 0; i < m->values.len; i++)
        if (m->values.pairs[i].value.kind == WIRE_TEXT)
            wire_put(&v, m->values.pairs[i].name, m->values.pairs[i].value);
    send_values(lp, MESSAGE_RUN, &v);
    return 1;
}
