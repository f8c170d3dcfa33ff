// SPDX-License-Identifier: Apache-2.0
// Where managed systems are: a folder each, in $XDG_STATE_HOME/openlpar (by default ~/.local/state/openlpar), or a symbolic link there to a
// folder elsewhere. In it: `system.db`, the configuration; `lock`, held while the system runs; `socket`, its door; `lpar-N`, the socket
// on which the process of partition N listens; `log`.
#ifndef PROTO_HYPER_PLACE_H
#define PROTO_HYPER_PLACE_H

#include "proto/hyper/link.h"

#define PLACE_MAX         1024u

#define PLACE_PATIENCE_MS 10000 // so long may a hypervisor say nothing before it is taken to hang

// The folder of all systems, made where it was missing (0700) when `make`. 0 or a negative errno.
int place_root(char path[PLACE_MAX], bool make);
// The folder of one.
int place_of(const char *name, char path[PLACE_MAX]);

// Calls `each` for every system, by name; until it returns non-zero, which is the value.
int place_each(int (*each)(void *arg, const char *name, const char *path), void *arg);

// Whether somebody holds the lock: the system runs.
bool place_running(const char *path);

// A path of any length: connects to, or binds, a socket in that folder. The descriptor or a negative errno.
int place_connect(const char *folder, const char *name);
int place_bind(const char *folder, const char *name);

// What was typed to start this program, for the log of every system that place_open() connects to.
void place_typed(int argc, char **argv);

// Connects to the system in that folder and exchanges HELLO. 0; -ENOENT, -ECONNREFUSED: it does not run; -EPROTO: it speaks another version;
// -ETIMEDOUT: it hangs.
int place_open(const char *folder, struct link *link);

#endif
