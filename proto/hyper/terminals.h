// SPDX-License-Identifier: Apache-2.0
// A managed partition's virtual terminal: output goes to the scroll-back, from there to every session at its own pace; input comes from the session
// that may write. A session that does not take output misses some; the guest never waits for one.
//
// put and get: the processors' threads. Everything else: the process's main thread.
#ifndef PROTO_HYPER_TERMINALS_H
#define PROTO_HYPER_TERMINALS_H

#include <poll.h>
#include <pthread.h>

#include "proto/hyper/scroll.h"

#define TERMINALS_MAX_SESSIONS 7u
#define TERMINALS_INPUT        4096u // a power of two

struct terminals {
    struct scroll *scroll; // NULL: not yet
    int scroll_fd;
    pthread_mutex_t lock; // around put and get
    u8 input[TERMINALS_INPUT];
    u64 input_head, input_tail;
    struct terminals_session {
        u32 number;
        int fd;
        bool view;
        u64 at; // what it gets next
    } sessions[TERMINALS_MAX_SESSIONS];
    u32 len;
};

void terminals_init(struct terminals *t);
// 0 or a negative errno.
int terminals_map(struct terminals *t, int scroll_fd);

void terminals_put(struct terminals *t, const u8 *data, size_t size);
size_t terminals_get(struct terminals *t, u8 *data, size_t size);

// A session, whose descriptor is taken over. `fresh`: it gets what was printed before, too.
void terminals_add(struct terminals *t, u32 number, int fd, bool view, bool fresh);
void terminals_end(struct terminals *t, u32 number);

// What to wait for; then what to do about it: true: there is input.
u32 terminals_poll(struct terminals *t, struct pollfd *p);
bool terminals_serve(struct terminals *t, const struct pollfd *p, u32 len);
// Gives sessions what is left, for so long.
void terminals_flush(struct terminals *t, int ms);

// For a new daemon: descriptors of scroll-back and sessions, and "number:view,...".
u32 terminals_describe(const struct terminals *t, int *fds, u32 max, char *sessions, size_t size);

#endif
