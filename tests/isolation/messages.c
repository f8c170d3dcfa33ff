// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/hyper/message.h"
#include "proto/hyper/wire.h"
#include "tests/isolation/attacks.h"

#define FATE_SECONDS 60 // in which the hypervisor must have ended this process
#define DESCRIPTORS  100

// The socket to the hypervisor: connected, not the one that listens.
static int door(void)
{
    for (int fd = 3; fd < 128; fd++) {
        int listens = 1, type = 0;
        socklen_t size = sizeof(int);
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
            getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && !listens)
            return fd;
    }
    return -1;
}

static void push(const void *data, size_t size)
{
    const u8 *at = data;
    while (size) {
        ssize_t done = send(door(), at, size, MSG_NOSIGNAL);
        if (done < 0 && errno != EAGAIN && errno != EINTR)
            return; // it was closed: this process is about to be ended
        if (done > 0) {
            at += done;
            size -= (size_t)done;
        }
    }
}

static long await_fate(void)
{
    sleep(FATE_SECONDS);
    return 1;
}

static long say(enum message type, const char *name, const char *text)
{
    static struct wire_message m;
    size_t size;
    m.type = (u16)type;
    wire_put_text(&m.values, name, text);
    u8 *frame = wire_encode(&m, &size);
    if (frame)
        push(frame, size);
    free(frame);
    m.values.len = 0;
    return 1;
}

static long no_message(const struct target *t)
{
    u8 data[4096];
    memset(data, 0xff, sizeof(data));
    push(data, sizeof(data));
    return await_fate();
}

static long endless_body(const struct target *t)
{
    static const u8 header[WIRE_HEADER] = {0xff, 0xff, 0xff, 0x7f, MESSAGE_LOG};
    push(header, sizeof(header));
    return await_fate();
}

static long broken_record(const struct target *t)
{
    // object 0; `where` has no pairs, `values` 1: a name of 4 bytes that does not end in a zero
    static const u8 frame[] = {12, 0, 0, 0, MESSAGE_LOG, 0, 0,   0,   0,   0,   0, 0,
                               0,  0, 0, 1, 0,           4, 't', 'e', 'x', 't', 2, 0};
    push(frame, sizeof(frame));
    return await_fate();
}

// Descriptors that are promised and do not come.
static long promised_descriptors(const struct target *t)
{
    static const u8 frame[] = {5, 0, 0, 0, MESSAGE_LOG, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    push(frame, sizeof(frame));
    return await_fate();
}

static long many_descriptors(const struct target *t)
{
    alignas(struct cmsghdr) char control[CMSG_SPACE(DESCRIPTORS * sizeof(int))] = {0};
    char byte = 0;
    struct iovec iov = {&byte, 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(DESCRIPTORS * sizeof(int));
    int standard = 0;
    for (unsigned i = 0; i < DESCRIPTORS; i++)
        memcpy(CMSG_DATA(c) + i * sizeof(int), &standard, sizeof(standard));
    sendmsg(door(), &msg, MSG_NOSIGNAL);
    return await_fate();
}

static long closes_door(const struct target *t)
{
    shutdown(door(), SHUT_RDWR);
    return await_fate();
}

#define SAYS(function, type, name, text)         \
    static long function(const struct target *t) \
    {                                            \
        say(type, name, text);                   \
        return await_fate();                     \
    }
SAYS(says_unknown, 999, "text", "x")
SAYS(says_twice_who, MESSAGE_ANNOUNCE, "state", "running")
SAYS(says_stop_system, MESSAGE_STOP, "text", "x")
SAYS(says_power_off, MESSAGE_POWER, "on", "0")
SAYS(says_remove, MESSAGE_REMOVE, "name", "victim1")
SAYS(says_activate, MESSAGE_ACTIVATE, "profile_name", "default_profile")
SAYS(says_terminal, MESSAGE_OPEN_TERMINAL, "view", "0")
SAYS(says_start, MESSAGE_START, "name", "x")

#define FLOODS(function, type, name, text)       \
    static long function(const struct target *t) \
    {                                            \
        while (door() >= 0)                      \
            say(type, name, text);               \
        return await_fate();                     \
    }
FLOODS(flood_log, MESSAGE_LOG, "text", "a line of the log")
FLOODS(flood_state, MESSAGE_STATE, "state", "starting")
FLOODS(flood_terminals, MESSAGE_TERMINAL_END, "session", "1")
FLOODS(flood_end, MESSAGE_END, "end", "power_off")

#define ROW(name)       \
    {                   \
#name, name, -1 \
    }
const struct attack attacks_messages[] = {
    ROW(no_message),       ROW(endless_body), ROW(broken_record),  ROW(promised_descriptors),
    ROW(many_descriptors), ROW(says_unknown), ROW(says_twice_who), ROW(says_stop_system),
    ROW(says_power_off),   ROW(says_remove),  ROW(says_activate),  ROW(says_terminal),
    ROW(says_start),       ROW(flood_log),    ROW(flood_state),    ROW(flood_terminals),
    ROW(flood_end),        ROW(closes_door),  {NULL, NULL, 0},
};
