// SPDX-License-Identifier: Apache-2.0
#include "hmc/hardware.h"

#include <stdlib.h>
#include <string.h>

#include "hmc/grammar.h"
#include "hmc/session.h"

static int parse_num(const char *spelling, const char *text, u64 *num)
{
    char *end;
    *num = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end ? 0 : options_refuse(spelling, "%s is no number", text);
}

int put_minutes(struct wire_record *r, const struct options *o)
{
    u64 minutes;
    if (o->wait && parse_num("-w", o->wait, &minutes))
        return 1;
    if (o->wait)
        wire_put_num(r, "minutes", minutes);
    return 0;
}

// -p NAME or --id ID, of `where`; and as `to_name` and `to_id` the target.
static int put_partition(struct wire_record *r, const char *name, const char *id, const char *as_name,
                         const char *as_id, const char *spelling)
{
    u64 num;
    if (!name == !id)
        return options_refuse(spelling, "the partition is named by %s NAME or by its ID, one of them", spelling);
    if (id && parse_num(spelling, id, &num))
        return 1;
    if (id)
        wire_put_num(r, as_id, num);
    else
        wire_put_text(r, as_name, name);
    return 0;
}

// -a: attributes of `object`. The texts stay in *g.
static int put_attributes(struct wire_record *r, const char *text, enum object object, struct grammar *g)
{
    char why[2300];
    if (!text)
        return options_refuse("-a", "%s", "what to set is missing: -a ATTRIBUTE=VALUE");
    if (grammar_record(g, text, why, sizeof(why)))
        return options_refuse("-a", "%s", why);
    for (u32 i = 0; i < g->len; i++) {
        const struct attr *attr = attr_find(object, g->pairs[i].name);
        struct wire_value v;
        if (!attr)
            return options_refuse("-a", "the attribute %s is invalid", g->pairs[i].name);
        if (wire_get(r, g->pairs[i].name))
            return options_refuse("-a", "the attribute %s is given twice", g->pairs[i].name);
        if (attr_parse(attr, g->pairs[i].value, &v, why, sizeof(why)))
            return options_refuse("-a", "%s=%s: %s", g->pairs[i].name, g->pairs[i].value, why);
        v.change = g->pairs[i].change;
        wire_put(r, g->pairs[i].name, v);
    }
    return 0;
}

static int put_amounts(const struct options *o, struct wire_record *v, bool mem)
{
    u64 num;
    if (mem) {
        if (!o->quantity)
            return options_refuse("-q", "%s", "how many MB is missing: -q MB");
        if (parse_num("-q", o->quantity, &num))
            return 1;
        wire_put_num(v, "mem", num);
        return 0;
    }
    if (!o->procs && !o->procunits)
        return options_refuse("--procs", "%s", "how much is missing: --procs NUMBER, --procunits UNITS, or both");
    if (o->procs) {
        if (parse_num("--procs", o->procs, &num))
            return 1;
        wire_put_num(v, "procs", num);
    }
    if (o->procunits) {
        if (attr_parse_units(o->procunits, &num))
            return options_refuse("--procunits", "%s is no number with at most two decimals", o->procunits);
        wire_put_num(v, "units", num);
    }
    return 0;
}

static const struct {
    const char *letter, *name;
} operations[] = {{"a", "add"}, {"r", "remove"}, {"m", "move"}, {"s", "set"}};

static int fill(const struct options *o, struct wire_message *m, struct grammar *g, bool mem)
{
    const char *operation = NULL;
    for (unsigned i = 0; i < ARRAY_LEN(operations); i++)
        if (strcmp(operations[i].letter, o->operation) == 0)
            operation = operations[i].name;
    if (!operation)
        return options_refuse("-o", "%s is none of a (add), r (remove), m (move) and s (set)", o->operation);
    if (put_partition(&m->where, o->partition, o->id, "name", "lpar_id", "-p"))
        return 1;
    wire_put_text(&m->values, "operation", operation);
    wire_put_text(&m->values, "resource", mem ? "mem" : "proc");
    if (*o->operation == 's')
        return mem ? options_refuse("-a", "%s", "this version has nothing of memory to set")
                   : put_attributes(&m->values, o->attributes, OBJECT_PROF, g);
    if (*o->operation == 'm' && put_partition(&m->values, o->type, o->target_id, "to_name", "to_id", "-t"))
        return 1;
    if (put_minutes(&m->values, o))
        return 1;
    return put_amounts(o, &m->values, mem);
}

int change_dynamic(const struct options *o)
{
    struct grammar g = {.owned = NULL};
    struct session s;
    if (session_open(&s, o->system))
        return 1;
    struct wire_message *m = session_message(MESSAGE_DYNAMIC, OBJECT_LPAR);
    int status = fill(o, m, &g, strcmp(o->resource, "mem") == 0);
    if (!status)
        status = session_call(&s, m, NULL, NULL, NULL);
    session_close(&s);
    grammar_free(&g);
    return status;
}
