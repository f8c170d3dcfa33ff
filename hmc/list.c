// SPDX-License-Identifier: Apache-2.0
#include "hmc/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hmc/output.h"

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

int cmd_lssyscfg(const struct options *o)
{
    if (strcmp(o->resource, "sys") == 0)
        return list_systems(o);
    if (strcmp(o->resource, "lpar") == 0)
        return list(o, OBJECT_LPAR, 0);
    if (strcmp(o->resource, "prof") == 0)
        return list(o, OBJECT_PROF, 0);
    if (strcmp(o->resource, "frame") == 0 || strcmp(o->resource, "cage") == 0 || strcmp(o->resource, "sysprof") == 0) {
        printf("No results were found.\n");
        return 0;
    }
    return options_refuse("-r", "%s is none of sys, lpar, prof, sysprof, frame and cage", o->resource);
}

int cmd_lshwres(const struct options *o)
{
    static const struct {
        const char *resource, *level;
        enum object object;
    } kinds[] = {
        {"proc", "sys", OBJECT_PROC_SYS}, {"proc", "lpar", OBJECT_PROC_LPAR}, {"proc", "pool", OBJECT_PROC_POOL},
        {"mem", "sys", OBJECT_MEM_SYS},   {"mem", "lpar", OBJECT_MEM_LPAR},   {"procpool", NULL, OBJECT_PROCPOOL},
    };
    bool known = false;
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i].resource, o->resource))
            continue;
        known = true;
        if (!kinds[i].level || (o->level && strcmp(kinds[i].level, o->level) == 0))
            return list(o, kinds[i].object, 0);
    }
    if (known)
        return options_refuse("--level", "%s: the levels are sys, lpar and, of processors, pool",
                              o->level ? o->level : "it is missing");
    return options_refuse("-r", "%s is none of proc, mem and procpool", o->resource);
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
    u64 max;
    if (parse_max(o, &max))
        return 1;
    if (strcmp(o->resource, "lpar") == 0)
        return list(o, OBJECT_REFCODE_LPAR, max);
    if (strcmp(o->resource, "sys") == 0)
        return list(o, OBJECT_REFCODE_SYS, max);
    return options_refuse("-r", "%s is none of lpar and sys", o->resource);
}

int cmd_lsevents(const struct options *o)
{
    u64 max;
    if (parse_max(o, &max))
        return 1;
    return list(o, OBJECT_EVENT, o->name ? max : 100);
}
