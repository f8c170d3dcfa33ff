// SPDX-License-Identifier: Apache-2.0
#include "lpar/null_hv.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "papr/partition.h"

#define LOG_LINES_PER_SECOND 10u
#define CONFER_NS            50000 // a thread that has nothing better to do lets the console or another thread get on

static size_t hv_console_write(void *arg, const u8 *data, size_t size)
{
    struct null_hv *hv = arg;
    return hv->console ? console_write(hv->console, data, size) : size;
}

static size_t hv_console_read(void *arg, u8 *data, size_t size)
{
    struct null_hv *hv = arg;
    return hv->console ? console_read(hv->console, data, size) : 0;
}

static void hv_ended(void *arg, struct partition *lp)
{
    struct null_hv *hv = arg;
    u64 one = 1;
    ssize_t done = write(hv->ended_fd, &one, sizeof(one));
    (void)done; // full means that it was written before
}

static void hv_random(void *arg, void *data, size_t size)
{
    u8 *to = data;
    while (size) {
        ssize_t got = getrandom(to, size, 0);
        if (got > 0) {
            to += got;
            size -= (size_t)got;
        }
    }
}

static s64 host_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (s64)now.tv_sec * 1000000000 + now.tv_nsec;
}

static s64 hv_time_of_day(void *arg)
{
    struct null_hv *hv = arg;
    return host_time() + atomic_load(&hv->clock_offset);
}

static void hv_set_time_of_day(void *arg, s64 ns)
{
    struct null_hv *hv = arg;
    atomic_store(&hv->clock_offset, ns - host_time());
}

static void hv_dispatch_begin(void *arg, u32 thread)
{
    dispatch_begin(&((struct null_hv *)arg)->dispatcher, thread);
}

static void hv_dispatch_end(void *arg, u32 thread, bool ceded)
{
    dispatch_end(&((struct null_hv *)arg)->dispatcher, thread);
}

static bool hv_dispatch_over(void *arg, u32 thread)
{
    return dispatch_over(&((struct null_hv *)arg)->dispatcher, thread);
}

static bool hv_dispatch_alone(void *arg, u32 thread)
{
    struct dispatcher *d = &((struct null_hv *)arg)->dispatcher;
    return !atomic_load_explicit(&d->waiting, memory_order_relaxed) && !dispatch_crowded(d, thread);
}

static void hv_confer(void *arg, int to)
{
    struct null_hv *hv = arg;
    if (to >= 0)
        dispatch_promote(&hv->dispatcher, (u32)to);
    if (!atomic_load(&hv->dispatcher.waiting)) { // whoever it waits for runs already, or is no thread of ours
        struct timespec wait = {.tv_nsec = CONFER_NS};
        nanosleep(&wait, NULL);
    }
}

static void hv_log(void *arg, int level, const char *text)
{
    struct null_hv *hv = arg;
    s64 second = host_time() / 1000000000;
    if (atomic_exchange(&hv->log_second, second) != second)
        atomic_store(&hv->log_lines, 0);
    if (atomic_fetch_add(&hv->log_lines, 1) < LOG_LINES_PER_SECOND)
        fprintf(stderr, "openlpar: %s%s", text, console_is_raw() ? "\r\n" : "\n");
}

const struct hv_ops null_hv_ops = {
    .console_write = hv_console_write,
    .console_read = hv_console_read,
    .ended = hv_ended,
    .random = hv_random,
    .time_of_day = hv_time_of_day,
    .set_time_of_day = hv_set_time_of_day,
    .dispatch_begin = hv_dispatch_begin,
    .dispatch_end = hv_dispatch_end,
    .dispatch_over = hv_dispatch_over,
    .dispatch_alone = hv_dispatch_alone,
    .confer = hv_confer,
    .log = hv_log,
};
