// SPDX-License-Identifier: Apache-2.0
#include "lpar/dlpar.h"

#include "papr/events.h"

#define SECOND  1000000000ll
#define SILENCE (3 * SECOND) // then it is asked whether it is still at it
#define REMIND  (5 * SECOND) // an interrupt may have come before anybody listened

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

static void settle(struct dlpar *d, enum drc_answer answer)
{
    d->asked = d->probing = false;
    if (answer == DRC_DONE || answer == DRC_TAKEN)
        d->done++;
    else
        d->refused++;
}

// False: it is still waited for.
static bool hear(struct dlpar *d, struct partition *lp, s64 now)
{
    u32 activity = drc_activity(lp);
    enum drc_answer answer = drc_answer(lp, d->index);
    if (activity != d->activity)
        d->heard_at = now;
    d->activity = activity;
    if (answer == DRC_DONE || answer == DRC_REFUSED || (d->probing && drc_probed(lp))) {
        settle(d, drc_withdraw(lp, d->index));
        return true;
    }
    if (d->deadline && now >= d->deadline) {
        settle(d, drc_withdraw(lp, d->index));
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
