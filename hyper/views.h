// SPDX-License-Identifier: Apache-2.0
// What is listed: one row for each object of a kind.
#ifndef HYPER_VIEWS_H
#define HYPER_VIEWS_H

#include "hyper/system.h"

// Calls `row` for every object of the request's kind that matches it. 0 or -1 with the answer.
int views_list(struct sys *sys, const struct wire_message *m, void (*row)(void *arg, const struct wire_record *values),
               void *arg, struct answer *answer);

// Whether a row has what was asked for: of one name any value, of several names all.
bool views_match(const struct wire_record *where, const struct wire_record *values);

// Processor time that the partition has used since it was made, milliseconds.
u64 lp_cpu_ms(const struct lp *lp);

#endif
