// SPDX-License-Identifier: Apache-2.0
#include "hmc/hwres.h"

#include <stdlib.h>
#include <string.h>

#include "hmc/grammar.h"
#include "hmc/hardware.h"
#include "hmc/resources.h"
#include "hmc/session.h"

static int parse_id(const char *spelling, const char *text, u64 *id)
{
    char *end;
    *id = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && strlen(text) < 10 ? 0
                                                                      : options_refuse(spelling, "%s is no ID", text);
}

// Which object is meant: by name or by number. 0, or 1 with the message printed.
static int put_name(struct wire_record *where, const char *name_option, const char *name, const char *name_attr,
                    const char *id_option, const char *id, const char *id_attr)
{
    u64 number;
    if (name)
        wire_put_text(where, name_attr, name);
    if (!id)
        return name ? 0 : options_refuse(name_option, "it is named by %s NAME or by %s ID", name_option, id_option);
    if (parse_id(id_option, id, &number))
        return 1;
    wire_put_num(where, id_attr, number);
    return 0;
}

// What -a says. Values are attributes of `object`.
static int put_values(struct wire_record *values, const struct grammar *g, enum object object)
{
    char why[300];
    for (u32 i = 0; i < g->len; i++) {
        const struct grammar_pair *pair = &g->pairs[i];
        const struct attr *attr = attr_find(object, pair->name);
        struct wire_value v;
        if (!attr)
            return options_refuse("-a", "the attribute %s is invalid", pair->name);
        if (wire_get(values, pair->name))
            return options_refuse("-a", "the attribute %s is given twice", pair->name);
        if (attr_parse(attr, pair->value, &v, why, sizeof(why)))
            return options_refuse("-a", "%s=%s: %s", pair->name, pair->value, why);
        v.change = pair->change;
        wire_put(values, pair->name, v);
    }
    return 0;
}

// -r procpool -o s: a pool's maximum, reserve and name; with -p or --id the pool of a partition.
static int change_procpool(const struct options *o)
{
    struct grammar g;
    struct session s;
    char why[300];
    bool assign = o->partition || o->id;
    if (strcmp(o->operation, "s"))
        return options_refuse("-o", "%s is not s", o->operation);
    if (assign && (o->poolname || o->poolid))
        return options_refuse("--poolname", "a partition's pool is given by -a shared_proc_pool_name=NAME");
    if (!o->attributes)
        return options_refuse("-a", "-a RECORD is missing");
    if (grammar_record(&g, o->attributes, why, sizeof(why)))
        return options_refuse("-a", "%s", why);
    if (session_open(&s, o->system)) {
        grammar_free(&g);
        return 1;
    }
    struct wire_message *m = session_message(MESSAGE_CHANGE, OBJECT_PROCPOOL);
    int status =
        assign ? put_name(&m->where, "-p", o->partition, "lpar_name", "--id", o->id, "lpar_id")
               : put_name(&m->where, "--poolname", o->poolname, "name", "--poolid", o->poolid, "shared_proc_pool_id");
    if (!status)
        status = put_values(&m->values, &g, assign ? OBJECT_PROF : OBJECT_PROCPOOL);
    if (!status)
        status = session_call(&s, m, NULL, NULL, NULL);
    session_close(&s);
    grammar_free(&g);
    return status;
}

static enum message message_of(const char *operation)
{
    return !strcmp(operation, "a") ? MESSAGE_CREATE : !strcmp(operation, "r") ? MESSAGE_REMOVE : MESSAGE_CHANGE;
}

// -r virtualio: adapters of a partition by their slot, and virtual switches by their name.
static int change_virtual(const struct options *o, enum object object)
{
    struct grammar g = {.owned = NULL};
    struct session s;
    char why[300];
    u64 slot;
    bool is_switch = object == OBJECT_VSWITCH;
    if (strlen(o->operation) != 1 || !strchr("ars", *o->operation))
        return options_refuse("-o", "%s is none of a (add), r (remove) and s (set)", o->operation);
    if (is_switch && !o->vswitch)
        return options_refuse("--vswitch", "the switch is named by --vswitch NAME");
    if (!is_switch && !o->side && *o->operation != 'a')
        return options_refuse("-s", "the adapter is named by -s SLOT");
    if (!o->attributes && (*o->operation == 's' || (!is_switch && *o->operation == 'a')))
        return options_refuse("-a", "-a RECORD is missing");
    if (o->attributes && grammar_record(&g, o->attributes, why, sizeof(why)))
        return options_refuse("-a", "%s", why);
    if (session_open(&s, o->system)) {
        grammar_free(&g);
        return 1;
    }
    struct wire_message *m = session_message(message_of(o->operation), object);
    int status = is_switch ? 0 : put_name(&m->where, "-p", o->partition, "lpar_name", "--id", o->id, "lpar_id");
    if (is_switch)
        wire_put_text(*o->operation == 'a' ? &m->values : &m->where, "vswitch", o->vswitch);
    if (!status && !is_switch && o->side)
        status = parse_id("-s", o->side, &slot);
    if (!status && !is_switch && o->side)
        wire_put_num(&m->where, "slot_num", slot);
    if (!status)
        status = put_minutes(&m->where, o);
    if (!status)
        status = put_values(&m->values, &g, object);
    if (!status)
        status = session_call(&s, m, NULL, NULL, NULL);
    session_close(&s);
    grammar_free(&g);
    return status;
}

int cmd_chhwres(const struct options *o)
{
    const struct resource *r = resource_find("chhwres", o);
    if (!r)
        return 1;
    if (strcmp(r->resource, "virtualio") == 0)
        return change_virtual(o, r->object);
    return strcmp(r->resource, "procpool") == 0 ? change_procpool(o) : change_dynamic(o);
}
