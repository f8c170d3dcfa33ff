// SPDX-License-Identifier: Apache-2.0
#include "hyper/record.h"

#include <stdlib.h>
#include <string.h>

static const struct wire_value null;

static bool assign(struct wire_value *to, struct wire_value from)
{
    char *copy = from.text ? strdup(from.text) : NULL;
    if (from.text && !copy)
        return false;
    free((char *)(uintptr_t)to->text);
    *to = from;
    to->text = copy;
    to->change = WIRE_SET;
    return true;
}

static struct rec *empty(enum object object)
{
    u32 len;
    const struct attr *attrs = attr_list(object, &len);
    struct rec *rec = calloc(1, sizeof(*rec) + len * sizeof(rec->v[0]));
    if (rec) {
        rec->object = object;
        rec->len = len;
        rec->attrs = attrs;
    }
    return rec;
}

struct rec *rec_new(enum object object)
{
    struct rec *rec = empty(object);
    for (u32 i = 0; rec && i < rec->len; i++) {
        struct wire_value v;
        char why[8];
        if (!rec->attrs[i].initial || attr_parse(&rec->attrs[i], rec->attrs[i].initial, &v, why, sizeof(why)))
            continue;
        if (!assign(&rec->v[i], v)) {
            rec_free(rec);
            return NULL;
        }
    }
    return rec;
}

struct rec *rec_copy(const struct rec *from)
{
    struct rec *rec = empty(from->object);
    for (u32 i = 0; rec && i < rec->len; i++)
        if (!assign(&rec->v[i], from->v[i])) {
            rec_free(rec);
            return NULL;
        }
    return rec;
}

void rec_free(struct rec *rec)
{
    for (u32 i = 0; rec && i < rec->len; i++)
        free((char *)(uintptr_t)rec->v[i].text);
    free(rec);
}

static s64 find(const struct rec *rec, const char *name)
{
    for (u32 i = 0; i < rec->len; i++)
        if (strcmp(rec->attrs[i].name, name) == 0)
            return i;
    return -1;
}

const struct wire_value *rec_get(const struct rec *rec, const char *name)
{
    s64 i = find(rec, name);
    return i < 0 ? &null : &rec->v[i];
}

u64 rec_num(const struct rec *rec, const char *name)
{
    const struct wire_value *v = rec_get(rec, name);
    return v->kind == WIRE_NUM ? v->num : 0;
}

const char *rec_text(const struct rec *rec, const char *name)
{
    const struct wire_value *v = rec_get(rec, name);
    return v->text ? v->text : "";
}

bool rec_is(const struct rec *rec, const char *name, const char *text)
{
    return strcmp(rec_text(rec, name), text) == 0;
}

bool rec_set(struct rec *rec, const char *name, struct wire_value value)
{
    s64 i = find(rec, name);
    return i >= 0 && assign(&rec->v[i], value);
}

bool rec_set_num(struct rec *rec, const char *name, u64 num)
{
    return rec_set(rec, name, (struct wire_value){.kind = WIRE_NUM, .num = num});
}

bool rec_set_text(struct rec *rec, const char *name, const char *text)
{
    return rec_set(rec, name, (struct wire_value){.kind = text ? WIRE_TEXT : WIRE_NULL, .text = text});
}
