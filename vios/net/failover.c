// SPDX-License-Identifier: Apache-2.0
#include "vios/net/failover.h"

#include <string.h>

#include "base/endian.h"

#define TYPE    0x88b5u // of IEEE for local use
#define MAGIC   0x4f4c5348u
#define VERSION 1u

const char *const failover_names[FAILOVER_STATES] = {"LISTENING", "PRIMARY", "BACKUP", "STANDBY", "LIMBO"};

void failover_begin(struct failover *f, u8 priority, bool standby, const u8 mac[6], s64 now_ms)
{
    *f = (struct failover){
        .own = {.priority = priority, .standby = standby}, .begun = now_ms, .said_at = now_ms - FAILOVER_SAY_MS};
    memcpy(f->own.mac, mac, 6);
}

static bool better(const struct failover_word *a, const struct failover_word *b)
{
    if (a->standby != b->standby)
        return b->standby;
    return a->priority != b->priority ? a->priority < b->priority : memcmp(a->mac, b->mac, 6) < 0;
}

static u8 choose(const struct failover *f, bool link, s64 now)
{
    u8 waiting = f->own.standby ? FAILOVER_STANDBY : FAILOVER_BACKUP;
    bool there = f->heard && now - f->heard_at < FAILOVER_DEAD_MS;
    if (!link)
        return FAILOVER_LIMBO;
    if (!there)
        return now - f->begun < FAILOVER_DEAD_MS ? FAILOVER_LISTENING : FAILOVER_PRIMARY;
    if (f->other.state == FAILOVER_LIMBO)
        return FAILOVER_PRIMARY;
    if (better(&f->other, &f->own))
        return waiting;
    return f->other.state == FAILOVER_PRIMARY && f->own.state != FAILOVER_PRIMARY ? waiting : FAILOVER_PRIMARY;
}

bool failover_step(struct failover *f, const struct failover_word *word, bool link, s64 now_ms)
{
    if (word && memcmp(word->mac, f->own.mac, 6) != 0) {
        f->other = *word;
        f->heard = true;
        f->heard_at = now_ms;
    }
    u8 state = choose(f, link, now_ms);
    bool say = state != f->own.state || now_ms - f->said_at >= FAILOVER_SAY_MS;
    f->own.state = state;
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
}

bool failover_read(const u8 *frame, u32 size, struct failover_word *word)
{
    if (size < FAILOVER_FRAME || load_be16(frame + 12) != TYPE || load_be32(frame + 14) != MAGIC ||
        frame[18] != VERSION || frame[19] >= FAILOVER_STATES || frame[20] > 1)
        return false;
    *word = (struct failover_word){.state = frame[19], .standby = frame[20], .priority = frame[21]};
    memcpy(word->mac, frame + 6, 6);
    return true;
}
