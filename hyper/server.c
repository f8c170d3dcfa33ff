// SPDX-License-Identifier: Apache-2.0
#include "hyper/server.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "hyper/dlpar.h"
#include "hyper/guard.h"
#include "hyper/network.h"
#include "hyper/objects.h"
#include "hyper/outside.h"
#include "hyper/power.h"
#include "hyper/processors.h"
#include "hyper/refcode.h"
#include "hyper/utilisation.h"
#include "hyper/views.h"
#include "hyper/vio.h"

struct client {
    struct link link;
    bool used, greeted;
    u32 number; // of its connection: who waits for an answer may be gone when there is one
    // What the log of commands says of it.
    char command[WIRE_TEXT_MAX / 4], user[64], result[32];
    u32 acts, answers; // of those that may change something
};

enum watched { WATCH_LISTEN, WATCH_SIGNAL, WATCH_CLIENT, WATCH_LINK, WATCH_PROCESS, WATCH_TERMINAL, WATCH_NETWORK };

struct watch {
    enum watched what;
    struct client *client;
    struct lp *lp;
    u32 number; // of the terminal
};

struct server {
    struct sys *sys;
    int listen_fd, signal_fd;
    struct client clients[CLIENTS_MAX];
    u32 connections;
    bool stopping, ended; // asked to stop by a command; by a signal
    struct pollfd *polls;
    struct watch *watches;
    size_t room, len;
};

static void reply(struct client *client, u32 serial, const struct answer *answer, const int *fd)
{
    static struct wire_message m; // large; one thread
    if (client->answers < client->acts) {
        client->answers++;
        if (answer->refused && !*client->result)
            snprintf(client->result, sizeof(client->result), "%s", *answer->code ? answer->code : "refused");
    }
    m.type = MESSAGE_DONE;
    m.serial = serial;
    m.values.len = 0;
    wire_put_num(&m.values, "status", answer->refused);
    if (answer->refused) {
        wire_put_text(&m.values, "code", answer->code);
        wire_put_text(&m.values, "text", answer->text);
    }
    link_send(&client->link, &m, fd, fd ? 1 : 0);
}

struct rows {
    struct client *client;
    u32 serial;
    u8 object;
};

static void send_row(void *arg, const struct wire_record *values)
{
    static struct wire_message m; // large; one thread
    struct rows *rows = arg;
    m.type = MESSAGE_ROW;
    m.serial = rows->serial;
    m.object = rows->object;
    m.values = *values;
    link_send(&rows->client->link, &m, NULL, 0);
}

static int shut_down(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct lp *lp = objects_find_lp(sys, &m->where, "name", answer);
    const char *how = wire_text(&m->values, "how");
    if (!lp)
        return -1;
    return power_off(sys, lp,
                     how && strcmp(how, "os") == 0          ? OFF_OS
                     : how && strcmp(how, "dump") == 0      ? OFF_DUMP
                     : how && strcmp(how, "immediate") == 0 ? OFF_IMMEDIATE
                                                            : OFF_DELAYED,
                     wire_num(&m->values, "restart", 0), answer);
}

static int activate(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct lp *lp = objects_find_lp(sys, &m->where, "name", answer);
    if (!lp)
        return -1;
    int failed = power_on(sys, lp, wire_text(&m->values, "profile_name"), wire_text(&m->values, "boot_mode"), answer);
    if (!failed)
        lp->restarts = 0;
    return failed;
}

static void stop_all(struct sys *sys)
{
    struct answer answer = {0};
    for (u32 i = 0; i < sys->lps_len; i++)
        if (lp_active(sys->lps[i]))
            power_off(sys, sys->lps[i], OFF_IMMEDIATE, false, &answer);
}

static bool any_active(const struct sys *sys)
{
    for (u32 i = 0; i < sys->lps_len; i++)
        if (sys->lps[i]->pidfd >= 0)
            return true;
    return false;
}

static int power_system(struct server *s, const struct wire_message *m, struct answer *answer)
{
    struct sys *sys = s->sys;
    bool on = wire_num(&m->values, "on", 0), standby = on && wire_num(&m->values, "standby", 0);
    if (on == sys->powered && (!on || standby || !sys->standby))
        return refuse(answer, "HSCL0622", "The managed system %s is powered %s already.", rec_text(sys->rec, "name"),
                      on ? "on" : "off");
    sys->powered = on;
    sys->standby = standby;
    sys_event(sys, NULL, on ? REFCODE_SYSTEM_STARTED : REFCODE_SYSTEM_STOPPED,
              standby ? "powered on to standby"
              : on    ? "powered on"
                      : "powered off");
    if (!on) {
        stop_all(sys);
    } else if (!standby) {
        rec_set_num(sys->rec, "stopped", 1); // partitions start as after a stop
        power_begin(sys);
    }
    return 0;
}

// An answer that took its time.
static void answered(void *arg, u64 token, const struct answer *answer)
{
    struct server *s = arg;
    for (u32 i = 0; i < CLIENTS_MAX; i++)
        if (s->clients[i].used && s->clients[i].number == token >> 32)
            reply(&s->clients[i], (u32)token, answer, NULL);
}

static void printed(void *arg, u64 token, const struct wire_record *row)
{
    struct server *s = arg;
    for (u32 i = 0; i < CLIENTS_MAX; i++)
        if (s->clients[i].used && s->clients[i].number == token >> 32) {
            struct rows rows = {&s->clients[i], (u32)token, OBJECT_NONE};
            send_row(&rows, row);
        }
}

static void serve(struct server *s, struct client *client, const struct wire_message *m)
{
    struct sys *sys = s->sys;
    struct answer answer = {0};
    struct rows rows = {client, m->serial, m->object};
    int fd = -1;
    sys->asking = (u64)client->number << 32 | m->serial;
    client->acts += m->type != MESSAGE_LIST;
    switch (m->type) {
    case MESSAGE_LIST: views_list(sys, m, send_row, &rows, &answer); break;
    case MESSAGE_CREATE:
        if (objects_create(sys, m, &answer) > 0)
            return;
        break;
    case MESSAGE_CHANGE:
        objects_change(sys, m, &answer);
        processors_pools(sys);
        if (m->object == OBJECT_SYS && wire_get(&m->values, "network") && !answer.refused)
            outside_changed(sys);
        break;
    case MESSAGE_REMOVE:
        if (objects_remove(sys, m, &answer) > 0)
            return;
        break;
    case MESSAGE_SAVE: objects_save(sys, m, &answer); break;
    case MESSAGE_APPLY: objects_apply(sys, m, &answer); break;
    case MESSAGE_ACTIVATE: activate(sys, m, &answer); break;
    case MESSAGE_SHUT_DOWN: shut_down(sys, m, &answer); break;
    case MESSAGE_POWER: power_system(s, m, &answer); break;
    case MESSAGE_DYNAMIC:
        if (dlpar_request(sys, m, sys->asking, &answer) > 0)
            return;
        break;
    case MESSAGE_VIOS_COMMAND:
        if (vio_command(sys, m, client->user, sys->asking, &answer) > 0)
            return;
        break;
    case MESSAGE_OPEN_TERMINAL: {
        struct lp *lp = objects_find_lp(sys, &m->where, "name", &answer);
        if (lp)
            power_open_terminal(sys, lp, wire_num(&m->values, "view", 0), &fd, &answer);
        break;
    }
    case MESSAGE_CLOSE_TERMINAL: {
        struct lp *lp = objects_find_lp(sys, &m->where, "name", &answer);
        if (lp)
            power_close_terminals(lp);
        break;
    }
    case MESSAGE_STOP:
        s->stopping = true;
        stop_all(sys);
        break;
    default: refuse(&answer, "HSCL3205", "Message %u is none that a command sends.", m->type); break;
    }
    reply(client, m->serial, &answer, fd >= 0 ? &fd : NULL);
    if (fd >= 0)
        close(fd);
}

// Who typed what, once it is over.
static void log_command(struct sys *sys, const struct client *client)
{
    struct store_command c = {.time = (s64)time(NULL),
                              .user = client->user,
                              .text = client->command,
                              .result = *client->result                  ? client->result
                                        : client->answers < client->acts ? "given up"
                                                                         : "succeeded"};
    if (client->acts && *client->command && store_add_command(sys->store, &c))
        fprintf(stderr, "openlpard: a command could not be kept (%s): %s %s\n", store_error(sys->store), c.user,
                c.text);
}

static void drop(struct server *s, struct client *client)
{
    log_command(s->sys, client);
    link_fini(&client->link);
    client->used = false;
}

static void client_ready(struct server *s, struct client *client)
{
    static struct wire_message m; // large; one thread
    int fds[WIRE_FDS_MAX], got = 1, err = link_fill(&client->link);
    while (err > 0 && !client->link.failed && (got = link_next(&client->link, &m, fds)) > 0) {
        for (u32 i = 0; i < m.fds; i++) // commands have none to send
            close(fds[i]);
        if (client->greeted) {
            serve(s, client, &m);
        } else if (m.type == MESSAGE_HELLO) {
            const char *command = wire_text(&m.values, "command");
            client->greeted = true;
            snprintf(client->command, sizeof(client->command), "%s", command ? command : "");
            for (char *p = client->command; *p; p++)
                *p = (u8)*p < ' ' || *p == 0x7f ? '?' : *p;
            m.serial = 0;
            m.where.len = m.values.len = 0;
            wire_put_num(&m.values, "version", WIRE_VERSION);
            link_send(&client->link, &m, NULL, 0);
        } else {
            got = -EPROTO;
            break;
        }
    }
    if (err == 0 || (err < 0 && err != -EAGAIN) || got < 0 || client->link.failed)
        drop(s, client);
}

static void accept_client(struct server *s)
{
    int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    s64 uid = link_peer_uid(fd);
    for (u32 i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &s->clients[i];
        if (client->used || (uid != (s64)geteuid() && uid != 0))
            continue;
        *client = (struct client){.used = true, .number = ++s->connections};
        const struct passwd *user = getpwuid((uid_t)uid);
        if (user)
            snprintf(client->user, sizeof(client->user), "%s", user->pw_name);
        else
            snprintf(client->user, sizeof(client->user), "%lld", (long long)uid);
        link_init(&client->link, fd);
        return;
    }
    close(fd);
}

static void watch(struct server *s, int fd, short events, struct watch w)
{
    if (s->len == s->room) {
        size_t room = s->room ? s->room * 2 : 64;
        struct pollfd *polls = realloc(s->polls, room * sizeof(*polls));
        if (polls)
            s->polls = polls;
        struct watch *watches = polls ? realloc(s->watches, room * sizeof(*watches)) : NULL;
        if (!watches)
            return; // looked at the next time
        s->watches = watches;
        s->room = room;
    }
    s->polls[s->len] = (struct pollfd){.fd = fd, .events = events};
    s->watches[s->len++] = w;
}

static void watch_all(struct server *s, struct network_wait network)
{
    bool room = false;
    s->len = 0;
    watch(s, s->signal_fd, POLLIN, (struct watch){.what = WATCH_SIGNAL});
    for (u32 i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &s->clients[i];
        room |= !client->used;
        if (client->used)
            watch(s, client->link.fd, (short)(POLLIN | (client->link.out ? POLLOUT : 0)),
                  (struct watch){.what = WATCH_CLIENT, .client = client});
    }
    if (room && !s->stopping)
        watch(s, s->listen_fd, POLLIN, (struct watch){.what = WATCH_LISTEN});
    if (network.link >= 0)
        watch(s, network.link, (short)(POLLIN | (network.out ? POLLOUT : 0)), (struct watch){.what = WATCH_NETWORK});
    if (network.outside >= 0)
        watch(s, network.outside, POLLIN, (struct watch){.what = WATCH_NETWORK});
    if (network.process >= 0)
        watch(s, network.process, POLLIN, (struct watch){.what = WATCH_NETWORK});
    for (u32 i = 0; i < s->sys->lps_len; i++) {
        struct lp *lp = s->sys->lps[i];
        if (lp->linked)
            watch(s, lp->link.fd, (short)((power_listens(lp) ? POLLIN : 0) | (lp->link.out ? POLLOUT : 0)),
                  (struct watch){.what = WATCH_LINK, .lp = lp});
        if (lp->pidfd >= 0)
            watch(s, lp->pidfd, POLLIN, (struct watch){.what = WATCH_PROCESS, .lp = lp});
        for (u32 j = 0; j < lp->terminals_len; j++)
            watch(s, lp->terminals[j].fd, POLLRDHUP,
                  (struct watch){.what = WATCH_TERMINAL, .lp = lp, .number = lp->terminals[j].number});
    }
}

// What was watched may be gone by something that was served before it: each is looked up again.
static struct lp *still_there(const struct server *s, const struct lp *lp)
{
    for (u32 i = 0; i < s->sys->lps_len; i++)
        if (s->sys->lps[i] == lp)
            return s->sys->lps[i];
    return NULL;
}

static void terminal_ready(struct lp *lp, u32 number)
{
    for (u32 i = 0; i < lp->terminals_len; i++)
        if (lp->terminals[i].number == number) {
            power_terminal_closed(lp, i);
            return;
        }
}

static void dispatch(struct server *s, const struct watch *w, const struct pollfd *p)
{
    struct lp *lp = w->lp ? still_there(s, w->lp) : NULL;
    if (w->lp && !lp)
        return;
    switch (w->what) {
    case WATCH_LISTEN: accept_client(s); break;
    case WATCH_SIGNAL: s->ended = true; break;
    case WATCH_CLIENT:
        if (!w->client->used || w->client->link.fd != p->fd)
            break;
        if (p->revents & (POLLIN | POLLHUP | POLLERR))
            client_ready(s, w->client);
        break;
    case WATCH_LINK:
        if (lp->linked && lp->link.fd == p->fd)
            power_link_ready(s->sys, lp, p->revents & (POLLIN | POLLHUP | POLLERR));
        break;
    case WATCH_PROCESS:
        if (lp->pidfd == p->fd)
            power_process_ended(s->sys, lp);
        break;
    case WATCH_TERMINAL: terminal_ready(lp, w->number); break;
    case WATCH_NETWORK: network_ready(s->sys, p->fd); break;
    }
}

static void flush_clients(struct server *s)
{
    for (u32 i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &s->clients[i];
        if (!client->used)
            continue;
        int err = link_flush(&client->link);
        if (client->link.failed || (err && err != -EAGAIN))
            drop(s, client);
    }
}

static int open_signals(void)
{
    sigset_t set;
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int server_run(struct sys *sys, int listen_fd)
{
    static struct server server; // large
    struct server *s = &server;
    s->sys = sys;
    s->listen_fd = listen_fd;
    sys->answered = answered;
    sys->printed = printed;
    sys->answered_arg = s;
    s->signal_fd = open_signals();
    bool killed = !rec_num(sys->rec, "stopped");
    processors_begin(sys);
    guard_begin(sys);
    network_begin(sys);
    power_begin(sys);
    util_begin(sys, killed);
    while (!s->ended && !(s->stopping && !any_active(sys))) {
        guard_watch(sys);
        int timeout = power_tick(sys), sample = util_tick(sys);
        if (sample >= 0 && (timeout < 0 || sample < timeout))
            timeout = sample;
        flush_clients(s);
        struct network_wait network = network_wait(sys);
        int soon = network.time < 0 ? -1 : (int)(network.time / 1000000 + 1);
        if (soon >= 0 && (timeout < 0 || soon < timeout))
            timeout = soon;
        watch_all(s, network);
        int ready = poll(s->polls, s->len, timeout);
        for (size_t i = 0, len = s->len; ready > 0 && i < len; i++)
            if (s->polls[i].revents)
                dispatch(s, &s->watches[i], &s->polls[i]);
    }
    flush_clients(s);
    util_end(sys);
    guard_end(sys);
    network_end(sys, s->stopping);
    processors_end(sys);
    if (s->stopping) {
        sys_event(sys, NULL, REFCODE_SYSTEM_STOPPED, "stopped");
        rec_set_num(sys->rec, "stopped", 1);
        if (store_begin(sys->store) || store_save(sys->store, STORE_SYSTEM, 0, sys->rec) || store_commit(sys->store))
            store_rollback(sys->store);
    }
    for (u32 i = 0; i < CLIENTS_MAX; i++)
        if (s->clients[i].used)
            drop(s, &s->clients[i]);
    close(s->signal_fd);
    free(s->polls);
    free(s->watches);
    return 0;
}
