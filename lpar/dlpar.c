// SPDX-License-Identifier: Apache-2.0
#include "lpar/dlpar.h"

#include "papr/events.h"

#define SECOND  1000000000ll
#define SILENCE (3 * SECOND)  // then it is asked whether it is still at it
#define REMIND  (5 * SECOND)  // an interrupt may have come before anybody listened
#define CONFIRM (30 * SECOND) // then what one sees of a processor is taken for what the OS made of it

void dlpar_begin(struct dlpar *d, u32 number, enum drc_kind kind, bool add, u32 wanted, u64 seconds, s64 now)
{
    *d = (struct dlpar){.active = true,
                        .add = add,
                        .kind = kind,
                        .number = number,
                        .wanted = wanted,
                        .next = add ? 0 : ~0u,
                        .deadline = seconds ? now + (s64)seconds * SECOND : 0};
}

static void settle(struct dlpar *d, struct partition *lp)
{
    enum drc_answer answer = drc_withdraw(lp, d->index);
    d->asked = d->probing = false;
    if (answer == DRC_DONE || answer == DRC_TAKEN) {
        d->done++;
        return;
    }
    d->refused++;
    // Linux takes one thread after the other offline; when one stays, it leaves the others as they are.
    d->halved += d->kind == DRC_KIND_CPU && !d->add && drc_threads(lp, d->index) < d->threads;
}

// False: it is still waited for.
static bool hear(struct dlpar *d, struct partition *lp, s64 now)
{
    u32 activity = drc_activity(lp);
    enum drc_answer answer = drc_answer(lp, d->index);
    if (activity != d->activity)
        d->heard_at = now;
    d->activity = activity;
    // A processor's first thread has started, others may not, and the OS then gives all of it back: it is added when the OS goes on to what comes next.
    bool confirm = answer == DRC_DONE && d->add && d->kind == DRC_KIND_CPU && now - d->heard_at < CONFIRM;
    if (confirm && !d->probing) {
        d->probing = true;
        drc_probe(lp);
    }
    if ((answer == DRC_DONE && !confirm) || answer == DRC_REFUSED || (d->probing && drc_probed(lp))) {
        settle(d, lp);
        return true;
    }
    if (d->deadline && now >= d->deadline) {
        settle(d, lp);
        d->timed_out = d->done < d->wanted;
        d->active = false;
        return true;
    }
    // One that refused once will again, as a rule.
    if (!d->probing && now - d->heard_at >= (d->refused ? SILENCE / 10 : SILENCE)) {
        d->probing = true;
        drc_probe(lp);
    }
    if (now - d->reminded_at >= REMIND) {
        d->reminded_at = now;
        events_remind(lp, EVENT_HOT_PLUG);
    }
    return false;
}

static bool ask(struct dlpar *d, struct partition *lp, s64 now)
{
    bool found =
        d->add ? drc_ask_add(lp, d->kind, d->next, &d->index) : drc_ask_remove(lp, d->kind, d->next, &d->index);
    if (!found)
        return false;
    d->asked = true;
    d->threads = d->kind == DRC_KIND_CPU ? drc_threads(lp, d->index) : 0;
    d->next = d->add ? d->index + 1 : d->index;
    d->activity = drc_activity(lp);
    d->heard_at = d->reminded_at = now;
    return true;
}

s64 dlpar_step(struct dlpar *d, struct partition *lp, s64 now)
{
    while (d->active) {
        if (d->asked && !hear(d, lp, now))
            break;
        if (d->active && !d->asked && (d->done == d->wanted || !ask(d, lp, now)))
            d->active = false;
    }
    s64 wait = d->deadline ? MIN(d->deadline - now, SILENCE / 10) : SILENCE / 10;
    return MAX(wait, 0);
}
