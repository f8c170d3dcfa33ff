// SPDX-License-Identifier: Apache-2.0
// The daemon's one thread: waits for commands, partitions' processes and signals, and serves each.
#ifndef HYPER_SERVER_H
#define HYPER_SERVER_H

#include "hyper/system.h"

#define CLIENTS_MAX 64u // more than that wait to be accepted

// Listens on `listen_fd` until the system is stopped or a signal asks for an end. The value is the exit status. With a signal partitions go on
// running, for the next daemon to adopt.
int server_run(struct sys *sys, int listen_fd);

#endif
