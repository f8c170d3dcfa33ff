// SPDX-License-Identifier: Apache-2.0
// What a Virtual I/O Server serves: its adapters and units, as messages of proto/vio/config.h say, at its start and while it runs.
#ifndef VIOS_SERVER_H
#define VIOS_SERVER_H

#include "proto/vio/config.h"
#include "vios/loop.h"

struct server;

// say: a message to the starter (VIOS_DONE, VIOS_EVENT). NULL: no memory.
struct server *server_new(struct loop *loop, void (*say)(void *arg, const void *message, size_t size), void *arg);
void server_free(struct server *server); // no client is there any more; for unit tests

// From now on nothing is opened by its path, and messages are answered by VIOS_DONE.
void server_started(struct server *server);

// Takes a message that vios_receive() let through, and its descriptors, over. Before server_started(): false, and *why says what is wrong.
bool server_take(struct server *server, const union vios_message *m, const int *fds, unsigned fds_len, char *why,
                 size_t why_size);

#endif
