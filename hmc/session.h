// SPDX-License-Identifier: Apache-2.0
// A command's conversation with a managed system.
#ifndef HMC_SESSION_H
#define HMC_SESSION_H

#include "proto/hyper/attr.h"
#include "proto/hyper/place.h"

struct session {
    char name[64];
    struct link link;
};

// By name or by type-model*serial. 0, or 1 with the message printed.
int session_open(struct session *s, const char *system);
void session_close(struct session *s);

// Finds a system's folder. 0, or 1 with the message printed.
int session_find(const char *system, char name[64], char path[PLACE_MAX]);

// A message to fill in, empty.
struct wire_message *session_message(enum message type, enum object object);

// Sends it; rows go to `row`. 0, or 1 with the message printed. *fd, where not NULL, gets the descriptor that the answer brought.
int session_call(struct session *s, const struct wire_message *m,
                 void (*row)(void *arg, const struct wire_record *values), void *arg, int *fd);
// The same, the refusal's code kept in code[12] and nothing printed when it is `expected`.
int session_call_expecting(struct session *s, const struct wire_message *m, const char *expected, bool *met, int *fd);

#endif
