// SPDX-License-Identifier: Apache-2.0
// Processor time that a partition may use while nobody dispatches it: a bucket that fills at the rate of its entitlement. It keeps what it is entitled to, and gets no more,
// so that all of them together do not need more than there is.
#ifndef LPAR_LEASE_H
#define LPAR_LEASE_H

#include <pthread.h>

#include "base/types.h"

#define LEASE_TURN_NS 4000000 // shorter turns would cost more than they are worth

struct lease {
    pthread_mutex_t lock;
    // Under lock.
    u32 units;  // hundredths of a processor; 0: no limit
    s64 credit; // nanoseconds of processor time, as of
    s64 at;
};

void lease_init(struct lease *l);
void lease_fini(struct lease *l);
// From now on, with one turn.
void lease_set(struct lease *l, u32 units, s64 now);
// In how many nanoseconds to ask again; 0: a thread may run now, for *turn nanoseconds.
s64 lease_wait(struct lease *l, s64 now, s64 *turn);
// A thread has used so much.
void lease_pay(struct lease *l, s64 ns, s64 now);

#endif
