// SPDX-License-Identifier: Apache-2.0
// Service: firmware level, attention LEDs, serviceable events; and the virtual slots that partitions have.
//
// A LED is on as long as an event that switched it on was not acknowledged: one whose reference code is an error, or an operator's.
#ifndef HYPER_SERVICE_H
#define HYPER_SERVICE_H

#include "hyper/system.h"

bool service_lists(enum object object);
// LIST of such an object. 0 or -1 with the answer.
int service_list(struct sys *sys, const struct wire_message *m,
                 void (*give)(void *arg, const struct wire_record *values), void *arg, struct answer *answer);

// Whether some adapter is in that virtual slot of a partition that has a configuration.
bool service_slot_used(const struct lp *lp, u64 slot);

// CHANGE of OBJECT_LED_SYS and OBJECT_LED_LPAR: state. CHANGE of OBJECT_SVCEVENT: status, which can become Closed.
int service_change(struct sys *sys, const struct wire_message *m, struct answer *answer);

#endif
