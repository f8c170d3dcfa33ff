// SPDX-License-Identifier: Apache-2.0
// Making, changing and removing partitions and profiles: everything is checked first, then one transaction, then memory follows.
#ifndef HYPER_OBJECTS_H
#define HYPER_OBJECTS_H

#include "hyper/system.h"

// Each: 0, or -1 with the answer filled in and nothing changed.
int objects_create(struct sys *sys, const struct wire_message *m, struct answer *answer);
int objects_change(struct sys *sys, const struct wire_message *m, struct answer *answer);
int objects_remove(struct sys *sys, const struct wire_message *m, struct answer *answer);
int objects_save(struct sys *sys, const struct wire_message *m,
                 struct answer *answer); // the configuration becomes a profile
int objects_apply(struct sys *sys, const struct wire_message *m,
                  struct answer *answer); // a profile becomes the configuration

// The partition that `where` names, by lpar_name or name (as `by_name`), or lpar_id; NULL with the answer.
struct lp *objects_find_lp(struct sys *sys, const struct wire_record *where, const char *by_name,
                           struct answer *answer);

#endif
