// SPDX-License-Identifier: Apache-2.0
// Sessions of a partition's virtual terminal.
//
// A session is a socket pair: one side for its user, the other one for the partition's process, which writes output and reads input
// there itself; no byte passes through the daemon. The daemon keeps a descriptor of the partition's side, to give it to the partition's next
// process, and so that a terminal can be open while the partition is off. One session writes; the others only look.
#ifndef HYPER_TERMINAL_H
#define HYPER_TERMINAL_H

#include "hyper/system.h"

// Makes the scroll-back where there is none. 0 or -1 with errno.
int terminal_scroll(struct lp *lp);
// Hands a session to the process, if there is one.
void terminal_give(struct lp *lp, u32 index);
// The process's own descriptors of scroll-back and sessions, when it is adopted.
void terminal_adopt(struct lp *lp, const struct wire_record *values, const int *fds, u32 len);
// The process says that the user of a session has gone.
void terminal_end(struct lp *lp, u32 number);

#endif
