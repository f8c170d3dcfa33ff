// SPDX-License-Identifier: Apache-2.0
// What the hypervisor holds about an object: a value for each of its attributes, in the order of the table (proto/hyper/attr.def).
#ifndef HYPER_RECORD_H
#define HYPER_RECORD_H

#include "proto/hyper/attr.h"

struct rec {
    enum object object;
    u32 len;
    const struct attr *attrs;
    struct wire_value v[]; // texts are owned
};

// Every attribute has its first value. NULL: no memory.
struct rec *rec_new(enum object object);
struct rec *rec_copy(const struct rec *rec);
void rec_free(struct rec *rec);

// The attribute must exist: names are ours here.
const struct wire_value *rec_get(const struct rec *rec, const char *name);
u64 rec_num(const struct rec *rec, const char *name);          // 0 when null
const char *rec_text(const struct rec *rec, const char *name); // "" when null
bool rec_is(const struct rec *rec, const char *name, const char *text);

// The value is copied; false: no memory.
bool rec_set(struct rec *rec, const char *name, struct wire_value value);
bool rec_set_num(struct rec *rec, const char *name, u64 num);
bool rec_set_text(struct rec *rec, const char *name, const char *text);

#endif
