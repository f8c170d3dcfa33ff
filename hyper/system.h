// SPDX-License-Identifier: Apache-2.0
// The managed system as the daemon holds it: system, partitions, profiles, loaded from the database when it starts and changed only together
// with it. One thread.
//
// Invariants: (1) partitions are in the order of their numbers, numbers and names are unique; (2) every partition has a profile at least;
// (3) what a record holds is in the database; (4) a change is made to a copy, checked, committed, and only then takes the place of what was.
#ifndef HYPER_SYSTEM_H
#define HYPER_SYSTEM_H

#include "hyper/account.h"
#include "hyper/counters.h"
#include "hyper/record.h"
#include "hyper/store.h"
#include "proto/hyper/link.h"

#define LPARS_MAX     1000u
#define PROFILES_MAX  64u // of a partition
#define TERMINALS_MAX 7u  // sessions of a partition's virtual terminal
#define SERIAL_LEN    7u

enum lp_state { LP_OFF, LP_STARTING, LP_RUNNING, LP_FIRMWARE, LP_STOPPING, LP_ERROR };

struct profile {
    s64 id; // in the database
    struct rec *rec;
};

struct terminal {
    u32 number;
    int fd;    // the partition's side
    bool view; // only looks
    bool told; // a process of the partition has had it
};

// What the last row of utilisation knew (hyper/utilisation.c).
struct util_seen {
    bool known;
    const void *config;
    const char *state; // one of the names, which stay
    u64 procs, units, mem;
};

#define VIO_SLOTS_MAX 64u
#define LP_RUNS_MAX   16u

// Two virtual SCSI adapters that belong together (hyper/vio.c).
struct joint {
    u32 lpar, slot; // the other one's; lpar 0: there is none
    u64 number;
};

// An adapter that comes or goes while the operating system runs (hyper/slots.c).
struct plug {
    bool waits; // for the partition's answer
    bool add, eth;
    u32 number, slot;
    u64 token;    // of who asked
    s64 deadline; // ns; 0: none
};

// A command that a Virtual I/O Server runs for somebody.
struct lp_run {
    u64 token; // of who waits; 0: none
    u64 number;
};

struct change;
struct dispatcher;
struct guard;
struct network;
struct outside;

struct lp {
    u32 id;
    struct rec *rec;     // OBJECT_LPAR
    struct rec *current; // OBJECT_PROF: what it was activated with, or NULL
    struct profile *profiles;
    u32 profiles_len;

    // Its process.
    enum lp_state state;
    bool linked, greeted, end_known, restart;
    struct link link;
    int pid, pidfd;                    // 0, -1: none
    s64 started;                       // seconds since 1970
    s64 activated;                     // monotonic ns
    u64 activation_us;                 // from then to the guest's first instruction; 0: not yet
    u64 activation_cpu_us;             // of this, processor time of its process
    s64 deadline;                      // monotonic ns: the process is killed then; 0: none
    const char *overdue;               // what it had not done when it was killed; NULL: it was not
    u64 run_mem, run_procs, run_units; // what it has
    u64 pend_mem, pend_procs;          // what it will have after the change that goes on; 0: none does
    struct change *change;             // hyper/dlpar.c
    u32 change_number;
    char boot_mode[8];             // of this activation; "": its profile's
    bool dynamic;                  // its operating system takes changes
    u64 before_ms;                 // processor time of earlier processes
    struct dispatcher *dispatcher; // who dispatches it; NULL: nobody
    bool crowded;                  // its dedicated processors are shared: too few are left
    struct usage_time had;         // from dispatchers, before that one
    u32 restarts;                  // by policy, since somebody activated it
    u32 messages;                  // taken in the present second
    u32 floods;                    // seconds in a row in which it sent more than it may
    s64 second;
    s64 looked_at; // its memory and threads: seconds
    char refcode[16];
    char reason[256]; // of its end
    struct account account;
    struct counters_lp counted; // before it was given to the present dispatcher
    struct util_seen seen;
    struct joint joints[VIO_SLOTS_MAX]; // by its own slot
    struct plug plug;

    // Of a Virtual I/O Server.
    int data_pid;     // the process of its data path; 0: none
    u64 data_dead_ms; // processor time of those before
    struct lp_run runs[LP_RUNS_MAX];
    u64 runs_made;

    // Its virtual terminal: scroll-back is a file in memory that outlives processes (proto/hyper/scroll.h).
    int scroll_fd; // -1: none yet
    struct terminal terminals[TERMINALS_MAX];
    u32 terminals_len, terminals_made;
};

struct answer;

struct sys {
    char path[1024]; // of its folder
    int folder;      // a descriptor of it
    struct store *store;
    struct rec *rec;       // OBJECT_SYS
    bool powered, standby; // standby: powered on, but no partition may be
    struct lp *lps[LPARS_MAX];
    u32 lps_len;
    void (*answered)(void *arg, u64 token, const struct answer *answer);  // of what takes its time; NULL: nobody waits
    void (*printed)(void *arg, u64 token, const struct wire_record *row); // a row of such an answer
    void *answered_arg;
    u64 asking;                   // the token of the request that is being served
    struct rec *pools[SYS_POOLS]; // OBJECT_PROCPOOL
    struct account_system account;
    struct util_seen seen;
    struct dispatcher *dispatcher; // NULL: there are no threads for it
    u64 joints_made;
    struct network *network; // NULL: no partition had an adapter yet (hyper/network.c)
    struct outside *outside; // NULL: it has no network of its own (hyper/outside.c)
    struct guard *guard;     // of processors that failed (hyper/guard.c)
    struct samples *samples; // NULL: none can be kept
    s64 sampled;             // seconds since 1970 of the last sample; 0: none

    struct counters_sys counted; // by dispatchers before the present one
    int counters_fd;             // -1: they are not kept
    s64 counters_at;             // clock_ns() when they were written
};

// The answer to a request that was refused: a message code or "", and a sentence or more.
struct answer {
    bool refused;
    char code[12], text[1024];
};

// Fills in the answer; always -1.
PRINTF_LIKE(3, 4) int refuse(struct answer *answer, const char *code, const char *fmt, ...);
// The console's form of complaints about parameters.
PRINTF_LIKE(3, 4) int refuse_parameter(struct answer *answer, const char *option, const char *fmt, ...);
int refuse_store(struct answer *answer, struct sys *sys);

// Writes a changed copy of the system's record, which takes the record's place; it is the system's from now on. NULL: there was no memory for it.
int sys_replace(struct sys *sys, struct rec *rec, struct answer *answer);

// Makes the database in an existing folder. 0, or -1 with *why.
int sys_create(const char *path, const char *name, u64 procs, u64 installed, u64 mem, u64 lmb, char *why,
               size_t why_size);
// Loads it. NULL with *why.
struct sys *sys_open(const char *path, char *why, size_t why_size);
void sys_close(struct sys *sys);

struct lp *sys_lp(const struct sys *sys, u64 id);
struct lp *sys_lp_named(const struct sys *sys, const char *name);
struct profile *lp_profile(const struct lp *lp, const char *name);
const char *lp_name(const struct lp *lp);
const char *sys_state_name(const struct sys *sys);
const char *lp_state_name(const struct lp *lp);
static inline bool lp_active(const struct lp *lp)
{
    return lp->state == LP_STARTING || lp->state == LP_RUNNING || lp->state == LP_FIRMWARE || lp->state == LP_STOPPING;
}

struct lp *lp_new(u32 id);
void lp_free(struct lp *lp);
// Keeps the order. false: no room.
bool sys_insert(struct sys *sys, struct lp *lp);
void sys_take_out(struct sys *sys, struct lp *lp);

// Logs an event, of a partition or (NULL) of the system. A database that refuses is not a reason to stop what happens.
void sys_event(struct sys *sys, const struct lp *lp, const char *refcode, const char *text);

#endif
