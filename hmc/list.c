// SPDX-License-Identifier: Apache-2.0
#include "hmc/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hmc/grammar.h"
#include "hmc/session.h"

struct listing {
    enum object object;
    const struct options *o;
    struct grammar_fields fields; // with -F
    bool chosen;
    u32 rows;
};

static void write_attr(const struct attr *attr, const struct wire_value *v, bool named, char delimiter)
{
    static char text[WIRE_TEXT_MAX + 16];
    attr_format(attr, v, text, sizeof(text));
    grammar_write(stdout, named ? attr->name : NULL, text, delimiter);
}

static void print_row(void *arg, const struct wire_record *row)
{
    static const struct wire_value null;
    struct listing *l = arg;
    u32 printed = 0, len;
    const struct attr *attrs = attr_list(l->object, &len);
    if (!l->rows++ && l->chosen && l->o->header) {
        for (u32 i = 0; i < l->fields.len; i++)
            printf("%s%.1s", l->fields.names[i], i + 1 < l->fields.len ? &l->fields.delimiter : "");
        printf("\n");
    }
    if (l->chosen) {
        for (u32 i = 0; i < l->fields.len; i++) {
            const struct wire_value *v = wire_get(row, l->fields.names[i]);
            if (i)
                putchar(l->fields.delimiter);
            write_attr(attr_find(l->object, l->fields.names[i]), v ? v : &null, false, l->fields.delimiter);
        }
    } else {
        for (u32 i = 0; i < len; i++) {
            const struct wire_value *v = wire_get(row, attrs[i].name);
            if (!v || !(attrs[i].flags & ATTR_SHOWN))
                continue;
            if (printed++)
                putchar(',');
            write_attr(&attrs[i], v, !l->o->fields, ',');
        }
    }
    putchar('\n');
}

static int choose_fields(struct listing *l)
{
    if (l->o->header && !l->o->fields)
        return options_refuse("--header", "--header goes with -F");
    if (!l->o->fields || !*l->o->fields) // -F alone: every value, in the usual order
        return 0;
    if (grammar_fields(&l->fields, l->o->fields))
        return options_refuse("-F", "%s is no list of attributes", l->o->fields);
    for (u32 i = 0; i < l->fields.len; i++) {
        const struct attr *attr = attr_find(l->object, l->fields.names[i]);
        if (!attr || attr->flags == ATTR_MAKE || attr->flags == ATTR_CHANGE)
            return options_refuse("-F", "the attribute %s is invalid", l->fields.names[i]);
    }
    l->chosen = true;
    return 0;
}

static const struct {
    const char *filter, *attr, *of_lpar; // the attribute in general, and of partitions themselves
} filters[] = {
    {"lpar_names", "lpar_name", "name"}, {"lpar_ids", "lpar_id", "lpar_id"},
    {"profile_names", "name", NULL},     {"work_groups", "work_group_id", "work_group_id"},
    {"lpar_uuids", "uuid", "uuid"},      {"pools", "shared_proc_pool_id", NULL},
};

static void count_row(void *arg, const struct wire_record *row)
{
    ++*(u32 *)arg;
}

// Whoever names a partition wants to hear that there is none.
static int check_partition(struct session *s, const char *attr, const struct wire_value *v, const char *text)
{
    struct wire_message *m = session_message(MESSAGE_LIST, OBJECT_LPAR);
    u32 found = 0;
    wire_put(&m->where, attr, *v);
    if (session_call(s, m, count_row, &found, NULL))
        return 1;
    return found ? 0 : message_refuse("HSCL8012", "The managed system %s has no partition %s.", s->name, text);
}

static int add_filters(struct session *s, enum object object, const char *text, struct wire_record *where,
                       struct grammar *g)
{
    char why[300];
    if (grammar_filter(g, text, why, sizeof(why)))
        return options_refuse("--filter", "%s", why);
    for (u32 i = 0; i < g->len; i++) {
        const struct attr *attr = NULL;
        unsigned j;
        for (j = 0; j < ARRAY_LEN(filters); j++)
            if (strcmp(filters[j].filter, g->pairs[i].name) == 0)
                break;
        if (j < ARRAY_LEN(filters)) {
            const char *name = object == OBJECT_LPAR ? filters[j].of_lpar : filters[j].attr;
            bool is_profile = strcmp(filters[j].filter, "profile_names") == 0;
            if (name && is_profile == (object == OBJECT_PROF && strcmp(name, "name") == 0))
                attr = attr_find(object, name);
        }
        struct wire_value v;
        if (!attr)
            return options_refuse("--filter", "%s is no filter of this list", g->pairs[i].name);
        if (attr_parse(attr, g->pairs[i].value, &v, why, sizeof(why)))
            return options_refuse("--filter", "%s=%s: %s", g->pairs[i].name, g->pairs[i].value, why);
        if (strncmp(g->pairs[i].name, "lpar_", 5) == 0 && check_partition(s, filters[j].of_lpar, &v, g->pairs[i].value))
            return 1;
        wire_put(where, attr->name, v);
    }
    return 0;
}

static int finish(struct listing *l)
{
    if (!l->rows) {
        if (l->chosen && l->o->header)
            for (u32 i = 0; i < l->fields.len; i++)
                printf("%s%c", l->fields.names[i], i + 1 < l->fields.len ? l->fields.delimiter : '\n');
        printf("No results were found.\n");
    }
    return fflush(stdout) || ferror(stdout) ? 1 : 0;
}

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
    if (choose_fields(&l) || session_open(&s, o->system))
        return 1;
    int status = o->filter ? add_filters(&s, object, o->filter, &where, &g) : 0;
    if (!status) {
        struct wire_message *m = session_message(MESSAGE_LIST, object);
        m->where = where;
        if (max)
            wire_put_num(&m->values, "max", max);
        status = session_call(&s, m, print_row, &l, NULL);
    }
    grammar_free(&g);
    session_close(&s);
    return status ? status : finish(&l);
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
        print_row(l, &row);
        return 0;
    }
    int status = session_call(&s, session_message(MESSAGE_LIST, OBJECT_SYS), print_row, l, NULL);
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
    if (choose_fields(&l) || (o->system && session_find(o->system, name, path)))
        return 1;
    int status = o->system ? list_system(&l, name, path) : place_each(list_system, &l);
    return status > 0 ? 1 : finish(&l);
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
