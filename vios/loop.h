// SPDX-License-Identifier: Apache-2.0
// The server's event loop on io_uring: one thread, on which everything here and its callbacks run.
#ifndef VIOS_LOOP_H
#define VIOS_LOOP_H

#include <liburing.h>

#include "base/types.h"

struct loop_op {
    void (*done)(struct loop_op *op, int result); // what the operation returned: 0 or more, or a negative errno
};

// Something that is looked at in each turn: a link.
struct loop_source {
    // Set by the owner.
    int bell;                                  // readable: it wants to be looked at
    bool (*work)(struct loop_source *source);  // true: there was something to do
    bool (*sleep)(struct loop_source *source); // about to wait for the bell; false: there is something to do
    void (*woken)(struct loop_source *source); // after a sleep() that said true, whatever the reason
    bool rang;                                 // the bell did, since the last woken(), which clears it
    // The loop's.
    struct loop_op poll;
    struct loop *loop;
    bool asleep, armed, leaves, cancelling;
    void (*gone)(struct loop_source *source);
    struct loop_op cancel;
    struct loop_source *next;
};

struct loop {
    struct io_uring ring;
    struct loop_source *sources;
    bool stopping;
};

// 0 or a negative errno.
int loop_init(struct loop *loop);
void loop_fini(struct loop *loop);

// From now on only what the server needs can be asked of the ring: reads, writes, syncs, allocation, polls. Before loop_run(). 0 or a negative errno.
int loop_restrict(struct loop *loop);

void loop_add(struct loop *loop, struct loop_source *source);
// Not from another source's callbacks. Nothing of it is called any more but gone(), after which it is the caller's; perhaps before this returns.
void loop_remove(struct loop_source *source, void (*gone)(struct loop_source *source));

// An operation to fill in with io_uring_prep_*(), which is submitted at the end of the turn. Its done() is called once.
struct io_uring_sqe *loop_get(struct loop *loop, struct loop_op *op);
#define loop_prepare(sqe, op) io_uring_sqe_set_data(sqe, op)

// Until loop_stop().
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
// One turn that does not wait. true: there was something to do.
bool loop_turn(struct loop *loop);
// Turns until `done` says so; operations only, no sources (unit tests).
void loop_run_until(struct loop *loop, bool (*done)(void *arg), void *arg);

#endif
