// SPDX-License-Identifier: Apache-2.0
// A connection over a Unix stream socket: frames in, frames out, descriptors with them.
//
// One thread owns a link. The socket is non-blocking for link_fill() and link_flush(); link_call() waits.
#ifndef PROTO_HYPER_LINK_H
#define PROTO_HYPER_LINK_H

#include "proto/hyper/message.h"
#include "proto/hyper/wire.h"

#define LINK_OUT_MAX (8 * MIB) // a peer that takes nothing is dropped when this much waits for it

struct link_frame;

struct link {
    int fd; // owned
    u8 *in;
    size_t in_size, in_used;   // bytes there, and of these handled
    int fds[WIRE_FDS_MAX * 4]; // received, not yet taken
    u32 fds_len;
    struct link_frame *out, **out_end;
    size_t out_size;
    bool failed;     // memory, or too much waits: the owner closes it
    int patience_ms; // how long link_send_all() and link_wait() wait for the peer to do anything; 0: for ever
};

void link_init(struct link *link, int fd);
void link_fini(struct link *link); // closes

// Reads what is there. > 0: something came; 0: the peer closed; -EAGAIN: nothing; another negative errno: broken.
int link_fill(struct link *link);
// The next whole message: 1; 0: none; -EPROTO. Texts are borrowed until the next call. fds[] gets m->fds descriptors, which the caller then
// owns, in all cases.
int link_next(struct link *link, struct wire_message *message, int fds[WIRE_FDS_MAX]);

// Takes what is there, one message after the other; the descriptors are closed after each. false: the peer closed, it is broken, or `take` found that a message
// makes no sense. One thread of the process.
bool link_serve(struct link *link, bool (*take)(const struct wire_message *message, const int *fds));

// Queues a message. Descriptors are duplicated.
void link_send(struct link *link, const struct wire_message *message, const int *fds, u32 fds_len);
// Writes what waits. 0: all of it; -EAGAIN; another negative errno: broken.
int link_flush(struct link *link);

// The next connection of the same user as this process, close-on-exec; -1: none, or another user's, which is closed.
int link_accept(int listen_fd);

// The uid of the peer, or -1; its process, or 0.
s64 link_peer_uid(int fd);
int link_peer_pid(int fd);

// Sends and waits until all is out, then waits for the next message: as link_next(), 0: the peer closed, -ETIMEDOUT. For commands.
int link_send_all(struct link *link, const struct wire_message *message, const int *fds, u32 fds_len);
int link_wait(struct link *link, struct wire_message *message, int fds[WIRE_FDS_MAX]);

#endif
