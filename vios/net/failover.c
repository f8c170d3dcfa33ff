// SPDX-License-Identifier: Apache-2.0
#include "vios/net/failover.h"

#include <string.h>

#include "base/endian.h"

#define TYPE    0x88b5u // of IEEE for local use
#define MAGIC   0x4f4c5348u
#define VERSION 2u

const char *const failover_names[FAILOVER_STATES] = {"LISTENING", "PRIMARY",    "BACKUP",   "STANDBY",
                                                     "LIMBO",     "PRIMARY_SH", "BACKUP_SH"};

void failover_begin(struct failover *f, u8 priority, bool standby, bool sharing, const u8 mac[6], s64 now_ms)
{
    *f = (struct failover){.own = {.priority = priority, .standby = standby, .sharing = sharing},
                           .begun = now_ms,
                           .said_at = now_ms - FAILOVER_SAY_MS};
    memcpy(f->own.mac, mac, 6);
}

static bool better(const struct failover_word *a, const struct failover_word *b)
{
    if (a->standby != b->standby)
        return b->standby;
    return a->priority != b->priority ? a->priority < b->priority : memcmp(a->mac, b->mac, 6) < 0;
}

// Nobody takes what the other one still has.
static void choose(struct failover *f, bool link, s64 now)
{
    struct failover_word *own = &f->own;
    const struct failover_word *other = &f->other;
    bool there = f->heard && now - f->heard_at < FAILOVER_DEAD_MS,
         listens = !there && now - f->begun < FAILOVER_DEAD_MS;
    bool ahead = !there || other->state == FAILOVER_LIMBO || !better(other, own);
    bool share = there && other->state != FAILOVER_LIMBO && own->sharing && other->sharing;
    u8 wanted = share ? (ahead ? FAILOVER_EVEN : FAILOVER_ODD) : ahead ? FAILOVER_ALL : 0;
    own->bridges = link && !listens ? wanted & (own->bridges | (there ? (u8)~other->bridges : FAILOVER_ALL)) : 0;
    own->state = !link                          ? FAILOVER_LIMBO
                 : listens                      ? FAILOVER_LISTENING
                 : own->bridges == FAILOVER_ALL ? FAILOVER_PRIMARY
                 : share && ahead               ? FAILOVER_PRIMARY_SHARING
                 : share                        ? FAILOVER_BACKUP_SHARING
                 : own->standby                 ? FAILOVER_STANDBY
                                                : FAILOVER_BACKUP;
}

bool failover_step(struct failover *f, const struct failover_word *word, bool link, s64 now_ms)
{
    if (word && memcmp(word->mac, f->own.mac, 6) != 0) {
        f->other = *word;
        f->heard = true;
        f->heard_at = now_ms;
    }
    struct failover_word before = f->own;
    choose(f, link, now_ms);
    bool say =
        before.state != f->own.state || before.bridges != f->own.bridges || now_ms - f->said_at >= FAILOVER_SAY_MS;
    if (say)
        f->said_at = now_ms;
    return say;
}

s64 failover_wait(const struct failover *f, s64 now_ms)
{
    return MAX(f->said_at + FAILOVER_SAY_MS - now_ms, 0);
}

void failover_write(const struct failover_word *word, u8 frame[FAILOVER_FRAME])
{
    memset(frame, 0, FAILOVER_FRAME);
    memset(frame, 0xff, 6);
    memcpy(frame + 6, word->mac, 6);
    store_be16(frame + 12, TYPE);
    store_be32(frame + 14, MAGIC);
    frame[18] = VERSION;
    frame[19] = word->state;
    frame[20] = word->standby;
    frame[21] = word->priority;
    frame[22] = word->sharing;
    frame[23] = word->bridges;
}

bool failover_read(const u8 *frame, u32 size, struct failover_word *word)
{
    if (size < FAILOVER_FRAME || load_be16(frame + 12) != TYPE || load_be32(frame + 14) != MAGIC ||
        frame[18] != VERSION || frame[19] >= FAILOVER_STATES || frame[20] > 1 || frame[22] > 1 ||
        frame[23] > FAILOVER_ALL)
        return false;
    *word = (struct failover_word){
        .state = frame[19], .standby = frame[20], .priority = frame[21], .sharing = frame[22], .bridges = frame[23]};
    memcpy(word->mac, frame + 6, 6);
    return true;
}
