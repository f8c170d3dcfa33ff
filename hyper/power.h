// SPDX-License-Identifier: Apache-2.0
// Partitions' power: activation, shutdown, and what their processes do.
//
// The process of an active partition listens on a socket in the system's folder, made for it before it was started; the daemon connects and hears
// who it is and what it does (ANNOUNCE). A new daemon does the same with processes that the old one left, so adoption is no special
// case. A process that breaks the protocol is killed; one that ends without having said why leaves its partition in the state Error.
#ifndef HYPER_POWER_H
#define HYPER_POWER_H

#include "hyper/system.h"

// 0: it starts; -1 with the answer. `profile` may be NULL: the configuration of last time, or the default profile.
int power_on(struct sys *sys, struct lp *lp, const char *profile, const char *boot_mode, struct answer *answer);

// DUMP: the operating system is interrupted so that it dumps, ends, and is started again.
enum power_off_how { OFF_IMMEDIATE, OFF_DELAYED, OFF_OS, OFF_DUMP };
int power_off(struct sys *sys, struct lp *lp, enum power_off_how how, bool restart, struct answer *answer);

// When the daemon starts: adopts what runs, notices what does not any more, starts what the policy says.
void power_begin(struct sys *sys);

// The link has something; the process ended; time passed (the value is ms until the next look, -1: none).
void power_link_ready(struct sys *sys, struct lp *lp, bool in);
void power_process_ended(struct sys *sys, struct lp *lp);
int power_tick(struct sys *sys);
// Whether its link is listened to: not when it sends more than anybody should.
bool power_listens(const struct lp *lp);

// A message to its process, which is linked.
void power_say(struct lp *lp, enum message type, const struct wire_record *values);

// Terminals. open: the caller's side is *fd. The terminal's own side was closed by its user when power_terminal_closed() is called.
int power_open_terminal(struct sys *sys, struct lp *lp, bool view, int *fd, struct answer *answer);
void power_close_terminals(struct lp *lp);
void power_terminal_closed(struct lp *lp, u32 index);

#endif
