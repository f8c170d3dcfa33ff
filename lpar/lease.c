// SPDX-License-Identifier: Apache-2.0
#include "lpar/lease.h"

#define UNITS_PER_PROCESSOR 100
#define PASSED_MAX_NS       1000000000ll // what it could have had before that is lost
#define WINDOW_NS           10000000ll

void lease_init(struct lease *l)
{
    *l = (struct lease){0};
    pthread_mutex_init(&l->lock, NULL);
}

void lease_fini(struct lease *l)
{
    pthread_mutex_destroy(&l->lock);
}

void lease_set(struct lease *l, u32 units, s64 now)
{
    pthread_mutex_lock(&l->lock);
    l->units = units;
    l->credit = LEASE_TURN_NS;
    l->at = now;
    pthread_mutex_unlock(&l->lock);
}

static void fill(struct lease *l, s64 now)
{
    s64 most = l->units * WINDOW_NS / UNITS_PER_PROCESSOR + LEASE_TURN_NS;
    s64 passed = MIN(MAX(now - l->at, 0), PASSED_MAX_NS);
    l->credit = MIN(l->credit + passed * l->units / UNITS_PER_PROCESSOR, most);
    l->at = now;
}

s64 lease_wait(struct lease *l, s64 now, s64 *turn)
{
    s64 wait = 0;
    *turn = INT64_MAX;
    pthread_mutex_lock(&l->lock);
    if (l->units) {
        fill(l, now);
        *turn = LEASE_TURN_NS;
        if (l->credit < LEASE_TURN_NS)
            wait = (LEASE_TURN_NS - l->credit) * UNITS_PER_PROCESSOR / l->units + 1;
    }
    pthread_mutex_unlock(&l->lock);
    return wait;
}

void lease_pay(struct lease *l, s64 ns, s64 now)
{
    pthread_mutex_lock(&l->lock);
    if (l->units) {
        fill(l, now);
        l->credit -= ns;
    }
    pthread_mutex_unlock(&l->lock);
}
