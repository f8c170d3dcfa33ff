// SPDX-License-Identifier: Apache-2.0
// Who runs next on a physical processor, and until when: the rules of micro-partitioning. No clock, no thread, no I/O: whoever calls says what
// time it is (nanoseconds, from anywhere), so that tests can play minutes in no time. Not locked: one caller at a time.
//
// A virtual processor of a shared partition earns credit all the time, at the rate of its entitlement, and pays for what it runs. With credit it is entitled: among those
// the earliest due time goes first (when its credit should be used up: for one that got what it should have, a turn's worth from now; the longer it was kept waiting, the
// earlier), and one that cannot wait any more (no laxity) before all. One whose credit is used up saves a turn's worth first, a window's share or POLICY_SLICE_MIN_NS
// (shorter turns would cost more than they are worth). Meanwhile it waits if its partition is capped or has weight 0; otherwise it gets what the entitled ones leave, by weight.
// What a partition has used beyond its entitlement is its virtual time: the least one is next.
//
// One that wakes up goes before all others that have credit, too, and what runs stops for it; until it has run POLICY_WAKE_NS or its share of a window. As it pays for that, others get theirs a
// little later, but no less.
//
// Credit that it had no chance to use, because of others or of the host, is kept up to POLICY_LAG_NS: it is made good when there is time. Where
// there never is, since more is promised than the host has, time counts for less: all lose the same part of their share. While it sleeps no more than one turn's worth is kept.
// What it overran is a debt.
//
// Dedicated processors belong to a virtual processor each; others run there only while it idles, if the partition lends them.
#ifndef HYPER_DISPATCH_POLICY_H
#define HYPER_DISPATCH_POLICY_H

#include "base/types.h"

#define POLICY_PROCESSORS_MAX 1024u
#define POLICY_LPS_MAX        1000u
#define POLICY_VPS_MAX        64u // of a partition
#define POLICY_POOLS_MAX      64u
#define POLICY_UNITS          100 // of a processor

#define POLICY_WINDOW_NS      10000000ll // LoPAR: dispatch window
#define POLICY_SLICE_MIN_NS   4000000ll
#define POLICY_SLICE_NS       2000000ll // of what nobody is entitled to
#define POLICY_WAKE_NS        1000000ll
#define POLICY_LAG_NS         200000000ll
#define POLICY_NEVER          INT64_MAX

enum policy_mode { POLICY_DEDICATED, POLICY_CAPPED, POLICY_UNCAPPED };
// Dedicated processors are lent: never, or while the partition's virtual processor idles.
enum policy_lend { POLICY_KEEP, POLICY_LEND };

struct policy_config {
    enum policy_mode mode;
    enum policy_lend lend;
    u32 units; // hundredths of a processor: entitlement of the whole partition (dedicated: 100 for each virtual processor)
    u32 vps;    // virtual processors
    u32 weight; // 0..255
    u32 pool;   // shared processor pool
};

enum policy_class { POLICY_OWNER, POLICY_ENTITLED, POLICY_RESERVED, POLICY_BEYOND };

struct policy_vp {
    struct policy_lp *lp;
    u32 index;
    bool wanting;          // it has work (it may be running)
    s32 running;           // the processor where it runs, or -1
    s32 last;              // where it ran last, or -1
    s32 home;              // its own processor, or -1
    s64 credit, credit_at; // processor time that it may have, as of
    s64 missing_seen;      // of policy.missing
    s64 due;               // of its credit, as of when it last waited
    s64 first;             // of its first turn after it woke up: what is left
    bool saving;           // its credit was used up
    s64 since;             // when it began to want, or to run
    u32 place;             // among the waiting ones
    // Totals.
    u64 ran_ns, waited_ns, dispatches, moves;
};

struct policy_lp {
    struct policy *policy;
    u32 id;
    struct policy_config config;
    u32 used;              // virtual processors that ever had work: those below
    u32 busy;              // that have work
    s64 rate, turn;        // of each of its virtual processors: thousandths of a hundredth of a processor; nanoseconds
    s64 tokens, tokens_at; // of a partition with several virtual processors: what is left of all of its entitlement
    s64 owed;              // processor time beside its virtual processors, to be taken from their credit
    u64 vtime;             // what it had beyond its entitlement, by weight
    u64 entitled_ns, beyond_ns;
    struct policy_vp vps[POLICY_VPS_MAX]; // last: that of a partition that has one is beside the above
};

struct policy_processor {
    bool usable;
    struct policy_vp *owner;   // of a dedicated processor
    struct policy_vp *running; // or NULL
    bool resting; // what runs there idles at the moment, and could be taken off: set by the caller before it calls
    enum policy_class class;
    s64 since, until;
    s64 contended; // since when somebody else could use the processor; POLICY_NEVER: nobody
};

struct policy_pool {
    u32 max, reserved; // units; max 0: no limit
    s64 left, reserve, at;
};

struct policy {
    u32 processors_len;
    struct policy_processor processors[POLICY_PROCESSORS_MAX];
    struct policy_lp *lps[POLICY_LPS_MAX + 1]; // by number
    struct policy_pool pools[POLICY_POOLS_MAX];
    struct policy_vp **waiting;
    u32 waiting_len, waiting_room;
    u64 vclock;  // virtual time of whoever was last chosen by it
    s64 missing; // time that was not there for who was entitled to it: nobody earns for it
};

int policy_init(struct policy *p, u32 processors); // 0 or -ENOMEM
void policy_fini(struct policy *p);

// A partition comes, or its configuration changes while it runs. Dedicated ones get their processors here: where a virtual processor finds none it is
// served like a shared one with an entitlement of 1.00. 0, or -ENOMEM and nothing has changed.
int policy_set_lp(struct policy *p, u32 id, const struct policy_config *config, s64 now);
// Nothing of it runs or wants to.
void policy_remove_lp(struct policy *p, u32 id);
void policy_set_pool(struct policy *p, u32 pool, u32 max_units, u32 reserved_units, s64 now);
// A processor fails or comes back. What runs there is to be stopped by the caller.
void policy_set_processor(struct policy *p, u32 processor, bool usable, s64 now);

// A virtual processor has work. The processor on which it should be looked at now (what runs there is to be stopped when its `until` says so), or -1: it waits its turn.
s32 policy_wake(struct policy *p, u32 id, u32 vp, s64 now);
// It does not want to run any more, and does not run.
void policy_sleep(struct policy *p, u32 id, u32 vp, s64 now);
// What ran on the processor stops after `ran` ns of use; `wants`: it has more work.
void policy_stop(struct policy *p, u32 processor, bool wants, s64 ran, s64 now);
// H_CONFER, after policy_stop(): its credit goes to another one of the partition that waits: to `to`, or (to < 0) to any.
void policy_confer(struct policy *p, u32 id, u32 from, s32 to, s64 now);
// Chooses what runs on a processor where nothing does. NULL: nothing, before policy_next().
struct policy_vp *policy_pick(struct policy *p, u32 processor, s64 now);
// When the choice on an unused processor should be made anew.
s64 policy_next(struct policy *p, u32 processor, s64 now);
// Brings `until` and `contended` of a used processor up to date with who waits now.
void policy_refresh(struct policy *p, u32 processor, s64 now);
// Processor time that the host spent for a partition beside its virtual processors. Taken from a quarter of what they earn, so that what wakes up does not wait for long;
// from all of it when it grows.
void policy_charge(struct policy *p, u32 id, s64 ns);

#endif
