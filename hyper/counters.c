// SPDX-License-Identifier: Apache-2.0
#include "hyper/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hyper/system.h"

#define SECOND  1000000000ll
#define MAGIC   0x4f4c5043u // "OLPC"
#define VERSION 1u

struct counters_head {
    u32 magic, version, bytes_lp, reserved;
    struct counters_sys all;
};

static off_t place_of(u32 id)
{
    return (off_t)(sizeof(struct counters_head) + id * sizeof(struct counters_lp));
}

static u64 key_of(const struct lp *lp)
{
    u64 hash = 14695981039346656037u; // FNV-1a
    for (const char *p = rec_text(lp->rec, "uuid"); *p; p++)
        hash = (hash ^ (u8)*p) * 1099511628211u;
    return hash;
}

struct counters_lp counters_of(const struct lp *lp)
{
    struct counters_lp c = lp->counted;
    struct dispatcher_usage u;
    if (!lp->dispatcher || !dispatcher_usage(lp->dispatcher, lp->id, &u))
        return c;
    c.ran += u.ran_ns;
    c.beyond += u.beyond_ns;
    c.waited += u.waited_ns;
    c.charged += u.charged_ns;
    c.dispatches += u.dispatches;
    c.moves += u.moves;
    return c;
}

struct counters_sys counters_all(const struct sys *sys)
{
    struct counters_sys c = sys->counted;
    struct dispatcher_totals t;
    if (!sys->dispatcher)
        return c;
    dispatcher_totals(sys->dispatcher, &t);
    c.elapsed += (u64)t.elapsed_ns;
    c.room += t.room_ns;
    c.ran += t.ran_ns;
    c.lost += t.lost_ns;
    c.own += t.own_ns;
    c.decisions += t.decisions;
    return c;
}

void counters_detach(struct lp *lp)
{
    lp->counted = counters_of(lp);
}

void counters_begin(struct sys *sys)
{
    struct counters_head h;
    sys->counters_fd = openat(sys->folder, "counters", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (sys->counters_fd < 0) {
        fprintf(stderr, "openlpard: counters of processors are not kept: counters: %s\n", strerror(errno));
        return;
    }
    ssize_t got = pread(sys->counters_fd, &h, sizeof(h), 0);
    if (got == (ssize_t)sizeof(h) && h.magic == MAGIC && h.version == VERSION &&
        h.bytes_lp == sizeof(struct counters_lp)) {
        sys->counted = h.all;
    } else if (got != 0 && ftruncate(sys->counters_fd, 0)) { // another version's, or broken
        close(sys->counters_fd);
        sys->counters_fd = -1;
        return;
    }
    for (u32 i = 0; i < sys->lps_len; i++) {
        struct lp *lp = sys->lps[i];
        struct counters_lp c;
        got = pread(sys->counters_fd, &c, sizeof(c), place_of(lp->id));
        if (got == (ssize_t)sizeof(c) && c.key == key_of(lp))
            lp->counted = c;
    }
}

void counters_keep(struct sys *sys, s64 now, bool must)
{
    if (sys->counters_fd < 0 || (!must && now - sys->counters_at < SECOND))
        return;
    struct counters_head h = {
        .magic = MAGIC, .version = VERSION, .bytes_lp = sizeof(struct counters_lp), .all = counters_all(sys)};
    bool kept = pwrite(sys->counters_fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h);
    sys->counters_at = now;
    for (u32 i = 0; i < sys->lps_len; i++) {
        struct lp *lp = sys->lps[i];
        if (!lp->dispatcher && !must)
            continue;
        struct counters_lp c = counters_of(lp);
        c.key = key_of(lp);
        kept &= pwrite(sys->counters_fd, &c, sizeof(c), place_of(lp->id)) == (ssize_t)sizeof(c);
    }
    if (kept)
        return;
    fprintf(stderr, "openlpard: counters of processors are not kept any more: counters: %s\n", strerror(errno));
    close(sys->counters_fd);
    sys->counters_fd = -1;
}

void counters_end(struct sys *sys)
{
    if (sys->counters_fd < 0)
        return;
    counters_keep(sys, 0, true);
    if (sys->counters_fd >= 0)
        close(sys->counters_fd);
    sys->counters_fd = -1;
}
