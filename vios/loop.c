// SPDX-License-Identifier: Apache-2.0
#include "vios/loop.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 1024u

int loop_init(struct loop *loop)
{
    *loop = (struct loop){0};
    struct io_uring_params p = {.flags =
                                    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED};
    int err = io_uring_queue_init_params(ENTRIES, &loop->ring, &p);
    if (err == -EINVAL) { // before Linux 6.1
        p = (struct io_uring_params){.flags = IORING_SETUP_R_DISABLED};
        err = io_uring_queue_init_params(ENTRIES, &loop->ring, &p);
    }
    return err;
}

void loop_fini(struct loop *loop)
{
    io_uring_queue_exit(&loop->ring);
}

// Not in every liburing: 2.3 has these two in its header alone.
static int register_ring(struct loop *loop, unsigned what, void *arg, unsigned len)
{
    return syscall(SYS_io_uring_register, loop->ring.ring_fd, what, arg, len) < 0 ? -errno : 0;
}

int loop_restrict(struct loop *loop)
{
    static const u8 allowed[] = {IORING_OP_READ,      IORING_OP_WRITE,   IORING_OP_FSYNC,      IORING_OP_POLL_ADD,
                                 IORING_OP_FALLOCATE, IORING_OP_TIMEOUT, IORING_OP_POLL_REMOVE};
    struct io_uring_restriction r[ARRAY_LEN(allowed)];
    memset(r, 0, sizeof(r));
    for (unsigned i = 0; i < ARRAY_LEN(allowed); i++) {
        r[i].opcode = IORING_RESTRICTION_SQE_OP;
        r[i].sqe_op = allowed[i];
    }
    return register_ring(loop, IORING_REGISTER_RESTRICTIONS, r, ARRAY_LEN(r));
}

static void poll_again(struct loop_source *source)
{
    struct io_uring_sqe *sqe = loop_get(source->loop, &source->poll);
    io_uring_prep_poll_multishot(sqe, source->bell, POLLIN);
    loop_prepare(sqe, &source->poll);
    source->armed = true;
}

static void polled(struct loop_op *op, int result)
{
    container_of(op, struct loop_source, poll)->rang = true;
}

void loop_add(struct loop *loop, struct loop_source *source)
{
    source->loop = loop;
    source->asleep = source->armed = source->leaves = source->cancelling = false;
    source->poll.done = polled;
    source->next = loop->sources;
    loop->sources = source;
}

// Once the kernel has nothing of it any more.
static void unlink_source(struct loop_source *source)
{
    if (source->armed || source->cancelling)
        return;
    struct loop_source **p = &source->loop->sources;
    while (*p != source)
        p = &(*p)->next;
    *p = source->next;
    source->gone(source);
}

static void cancelled(struct loop_op *op, int result)
{
    struct loop_source *source = container_of(op, struct loop_source, cancel);
    source->cancelling = false;
    unlink_source(source);
}

void loop_remove(struct loop_source *source, void (*gone)(struct loop_source *source))
{
    source->gone = gone;
    source->leaves = true;
    source->cancelling = source->armed;
    if (!source->armed) {
        unlink_source(source);
        return;
    }
    source->cancel.done = cancelled;
    struct io_uring_sqe *sqe = loop_get(source->loop, &source->cancel);
    io_uring_prep_poll_remove(sqe, (u64)(uintptr_t)&source->poll);
    loop_prepare(sqe, &source->cancel);
}

struct io_uring_sqe *loop_get(struct loop *loop, struct loop_op *op)
{
    struct io_uring_sqe *sqe;
    while (!(sqe = io_uring_get_sqe(&loop->ring)))
        io_uring_submit(&loop->ring);
    return sqe;
}

// Poll operations stay armed: whose last answer was final is armed anew.
static void disarm(struct loop_op *op)
{
    struct loop_source *s = container_of(op, struct loop_source, poll);
    s->armed = false;
    if (s->leaves)
        unlink_source(s);
}

static bool reap(struct loop *loop)
{
    struct io_uring_cqe *cqe;
    bool any = false;
    while (!io_uring_peek_cqe(&loop->ring, &cqe)) {
        struct loop_op *op = io_uring_cqe_get_data(cqe);
        int result = cqe->res;
        bool more = cqe->flags & IORING_CQE_F_MORE;
        io_uring_cqe_seen(&loop->ring, cqe);
        bool polls = op->done == polled;
        op->done(op, result);
        if (polls && !more)
            disarm(op);
        any = true;
    }
    return any;
}

static bool work(struct loop *loop)
{
    bool any = false;
    for (struct loop_source *s = loop->sources, *next; s; s = next) {
        next = s->next; // it may leave
        any |= !s->leaves && s->work(s);
    }
    return any;
}

static void wake(struct loop *loop)
{
    for (struct loop_source *s = loop->sources; s; s = s->next) {
        if (s->asleep && !s->leaves)
            s->woken(s);
        s->asleep = false;
    }
}

static bool fall_asleep(struct loop *loop)
{
    for (struct loop_source *s = loop->sources; s; s = s->next) {
        if (s->leaves)
            continue;
        if (!s->armed)
            poll_again(s);
        s->asleep = s->sleep(s);
        if (!s->asleep) {
            wake(loop);
            return false;
        }
    }
    return true;
}

bool loop_turn(struct loop *loop)
{
    bool any = work(loop);
    if (io_uring_sq_ready(&loop->ring))
        io_uring_submit_and_get_events(&loop->ring);
    return reap(loop) || any;
}

void loop_run(struct loop *loop)
{
    register_ring(loop, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    while (!loop->stopping) {
        if (loop_turn(loop) || loop->stopping || !fall_asleep(loop))
            continue;
        io_uring_submit_and_wait(&loop->ring, 1);
        wake(loop);
    }
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

void loop_run_until(struct loop *loop, bool (*done)(void *arg), void *arg)
{
    register_ring(loop, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    while (!done(arg)) {
        io_uring_submit_and_wait(&loop->ring, 1);
        reap(loop);
    }
}
