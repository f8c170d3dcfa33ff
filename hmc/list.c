// SPDX-License-Identifier: Apache-2.0
#include "hmc/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hmc/output.h"
#include "hmc/resources.h"

static int list(const struct options *o, enum object object, u64 max)
{
    static struct listing l; // large
    static struct wire_record where;
    struct grammar g = {.owned = NULL};
    struct session s;
    l = (struct listing){.object = object, .o = o};
    where.len = 0;
    if (!o->system)
        return options_refuse("-m", "-m SYSTEM is missing");
    if (listing_choose(&l) || session_open(&s, o->system))
        return 1;
    int status = o->filter ? listing_filters(&s, object, o->filter, &where, &g) : 0;
    if (!status) {
        struct wire_message *m = session_message(MESSAGE_LIST, object);
        m->where = where;
        if (max)
            wire_put_num(&m->values, "max", max);
        status = session_call(&s, m, listing_row, &l, NULL);
    }
    grammar_free(&g);
    session_close(&s);
    return status ? status : listing_finish(&l);
}

// A system that does not run is known by its name alone.
static int list_system(void *arg, const char *name, const char *path)
{
    static struct wire_record row;
    struct listing *l = arg;
    struct session s = {0};
    snprintf(s.name, sizeof(s.name), "%s", name);
    if (place_open(path, &s.link)) {
        row.len = 0;
        wire_put_text(&row, "name", name);
        wire_put_text(&row, "state", "No Connection");
        listing_row(l, &row);
        return 0;
    }
    int status = session_call(&s, session_message(MESSAGE_LIST, OBJECT_SYS), listing_row, l, NULL);
    session_close(&s);
    return status;
}

static int list_systems(const struct options *o)
{
    static struct listing l; // large
    char name[64], path[PLACE_MAX];
    l = (struct listing){.object = OBJECT_SYS, .o = o};
    if (o->filter)
        return options_refuse("--filter", "systems have no filter; -m chooses one");
    if (listing_choose(&l) || (o->system && session_find(o->system, name, path)))
        return 1;
    int status = o->system ? list_system(&l, name, path) : place_each(list_system, &l);
    return status > 0 ? 1 : listing_finish(&l);
}

static int list_none(void)
{
    printf("No results were found.\n");
    return fflush(stdout) ? 1 : 0;
}

int cmd_lssyscfg(const struct options *o)
{
    const struct resource *r = resource_find("lssyscfg", o);
    if (!r)
        return 1;
    return r->object == OBJECT_SYS ? list_systems(o) : r->object ? list(o, r->object, 0) : list_none();
}

int cmd_lshwres(const struct options *o)
{
    const struct resource *r = resource_find("lshwres", o);
    if (!r)
        return 1;
    return r->object ? list(o, r->object, 0) : list_none();
}

static int parse_max(const struct options *o, u64 *max)
{
    char *end;
    *max = 1;
    if (!o->name)
        return 0;
    *max = strtoull(o->name, &end, 10);
    return *o->name >= '0' && *o->name <= '9' && !*end && *max ? 0 : options_refuse("-n", "%s is no number", o->name);
}

int cmd_lsrefcode(const struct options *o)
{
    const struct resource *r = resource_find("lsrefcode", o);
    u64 max;
    if (!r || parse_max(o, &max))
        return 1;
    if (o->side && strcmp(o->side, "p") && strcmp(o->side, "s"))
        return options_refuse("-s", "%s is none of p and s", o->side);
    return list(o, r->object, max);
}

int cmd_lsevents(const struct options *o)
{
    u64 max;
    if (parse_max(o, &max))
        return 1;
    return list(o, OBJECT_EVENT, o->name ? max : 100);
}
