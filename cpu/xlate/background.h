// SPDX-License-Identifier: Apache-2.0
// Work that waits for a thread of its own: hot places of one partition. What became hot last is served first, and who waits is put again by
// those that go on executing it: a loop that runs now does not wait for what ran once. The thread is started when there is something to do
// for the first time.
#ifndef CPU_XLATE_BACKGROUND_H
#define CPU_XLATE_BACKGROUND_H

#include "base/types.h"

struct cpage;
struct cpu;

struct work {
    struct cpu *cpu; // who asked
    struct cpage *page;
    u64 ea; // of the place
    u16 index;
    bool again; // it was put off before
};

#define BACKGROUND_MAX 512u

struct background;

// do_work is called on the thread, one place at a time, with `begin` before and `end` after it: what is queued between `begin` and `end`
// of somebody else (who calls background_clear() there) is not worked on. NULL: no memory.
struct background_calls {
    void (*begin)(void *arg);
    void (*do_work)(void *arg, const struct work *work);
    void (*end)(void *arg);
    // There is no room for this place any more, the one that was put longest ago. By who puts another one; must not call back.
    void (*drop)(void *arg, const struct work *work);
    // Between places: `quiet` when there was nothing to do for background_quiet_ms; true: once more after that time.
    bool (*between)(void *arg, bool quiet);
};
extern u32 background_quiet_ms; // a variable for tests
struct background *background_new(const struct background_calls *calls, void *arg);
// Stops the thread.
void background_free(struct background *b);

// What waits already comes first again. False: this host has a single processor, or there is no thread to be had. Any thread that keeps
// pages from going away; never waits for work.
bool background_put(struct background *b, struct work work);
// How many places waited at once at most, and how many were dropped or refused.
void background_counts(struct background *b, u32 *longest, u32 *dropped);
// Forgets what waits. What is being worked on is kept from going on by the caller (begin).
void background_clear(struct background *b);
// Ends the thread after what it is working on, and forgets what waits. It starts again when something is put.
void background_stop(struct background *b);

#endif
