// SPDX-License-Identifier: Apache-2.0
// Which of two Shared Ethernet Adapters bridges. Each says over the control channel, every FAILOVER_SAY_MS, what its priority and state is; who hears nothing for FAILOVER_DEAD_MS takes over, and who hears of a better
// one that can bridge steps down at once and lets the other one know, who only then takes its place. Two that both want to share have half of the trunk adapters each while both can bridge: the better
// one the even ones. No clock, no I/O: the caller says what time it is.
#ifndef VIOS_NET_FAILOVER_H
#define VIOS_NET_FAILOVER_H

#include "base/types.h"

#define FAILOVER_SAY_MS  200
#define FAILOVER_DEAD_MS 1000

enum failover_state {
    FAILOVER_LISTENING, // since the start, until the other one spoke or could have
    FAILOVER_PRIMARY,   // bridges
    FAILOVER_BACKUP,
    FAILOVER_STANDBY, // backup as its administrator wants it to be
    FAILOVER_LIMBO,   // its real side has no link
    FAILOVER_PRIMARY_SHARING,
    FAILOVER_BACKUP_SHARING,
    FAILOVER_STATES,
};

extern const char *const failover_names[FAILOVER_STATES];

// Halves of the trunk adapters.
#define FAILOVER_EVEN 1u
#define FAILOVER_ODD  2u
#define FAILOVER_ALL  3u

// What one says.
struct failover_word {
    u8 state;    // enum failover_state
    u8 standby;  // it bridges only when nobody else does
    u8 priority; // 1 is the best
    u8 sharing;  // it leaves half to the other one, if that does, too
    u8 bridges;  // FAILOVER_EVEN and FAILOVER_ODD
    u8 mac[6];   // decides between equal ones
};

struct failover {
    struct failover_word own, other;
    bool heard; // other is known
    s64 begun, heard_at, said_at;
};

void failover_begin(struct failover *f, u8 priority, bool standby, bool sharing, const u8 mac[6], s64 now_ms);
// Something happened, or some time has passed: what the other one said (NULL: nothing), and whether the real side has a link. true: own is to be said now.
bool failover_step(struct failover *f, const struct failover_word *word, bool link, s64 now_ms);
// How long until the next step at the latest, ms.
s64 failover_wait(const struct failover *f, s64 now_ms);

// The frame that carries a word.
#define FAILOVER_FRAME 60u
void failover_write(const struct failover_word *word, u8 frame[FAILOVER_FRAME]);
bool failover_read(const u8 *frame, u32 size, struct failover_word *word);

#endif
