// SPDX-License-Identifier: Apache-2.0
#include "hmc/output.h"

#include <string.h>

static void write_attr(FILE *to, const struct attr *attr, const struct wire_value *v, bool named, char delimiter)
{
    static char text[WIRE_TEXT_MAX + 16];
    attr_format(attr, v, text, sizeof(text));
    grammar_write(to, named ? attr->name : NULL, text, delimiter);
}

static void print_header(const struct listing *l, FILE *to)
{
    for (u32 i = 0; l->chosen && l->o->header && i < l->fields.len; i++)
        fprintf(to, "%s%c", l->fields.names[i], i + 1 < l->fields.len ? l->fields.delimiter : '\n');
}

void listing_row(void *arg, const struct wire_record *row)
{
    static const struct wire_value null;
    struct listing *l = arg;
    u32 printed = 0, len;
    const struct attr *attrs = attr_list(l->object, &len);
    FILE *to = l->to ? l->to : stdout;
    if (!l->rows++)
        print_header(l, to);
    if (l->chosen) {
        for (u32 i = 0; i < l->fields.len; i++) {
            const struct wire_value *v = wire_get(row, l->fields.names[i]);
            if (i)
                putc(l->fields.delimiter, to);
            write_attr(to, attr_find(l->object, l->fields.names[i]), v ? v : &null, false, l->fields.delimiter);
        }
    } else {
        for (u32 i = 0; i < len; i++) {
            const struct wire_value *v = wire_get(row, attrs[i].name);
            if (!v || !(attrs[i].flags & ATTR_SHOWN))
                continue;
            if (printed++)
                putc(',', to);
            write_attr(to, &attrs[i], v, !l->o->fields, ',');
        }
    }
    putc('\n', to);
}

int listing_choose(struct listing *l)
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
    {"lpar_names", "lpar_name", "name"},    {"lpar_ids", "lpar_id", "lpar_id"},
    {"lpar_uuids", "lpar_uuid", "uuid"},    {"profile_names", "name", NULL},
    {"work_groups", NULL, "work_group_id"}, {"pools", "shared_proc_pool_id", NULL},
    {"event_types", "event_type", NULL},    {"status", "status", NULL},
};

// *of_lpar: the attribute of a partition that the filter names; NULL: it names something else.
static const struct attr *filter_attr(enum object object, const char *name, const char **of_lpar)
{
    for (unsigned i = 0; i < ARRAY_LEN(filters); i++) {
        if (strcmp(filters[i].filter, name))
            continue;
        bool of_profiles = strcmp(name, "profile_names") == 0;
        const char *attr = object == OBJECT_LPAR ? filters[i].of_lpar : filters[i].attr;
        *of_lpar = strncmp(name, "lpar_", 5) == 0 ? filters[i].of_lpar : NULL;
        return attr && (!of_profiles || object == OBJECT_PROF) ? attr_find(object, attr) : NULL;
    }
    return NULL;
}

u32 listing_filter_names(enum object object, const char *names[LISTING_FILTERS_MAX])
{
    u32 len = 0;
    const char *of_lpar;
    for (unsigned i = 0; i < ARRAY_LEN(filters); i++)
        if (filter_attr(object, filters[i].filter, &of_lpar))
            names[len++] = filters[i].filter;
    return len;
}

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

int listing_filters(struct session *s, enum object object, const char *text, struct wire_record *where,
                    struct grammar *g)
{
    char why[300];
    if (grammar_filter(g, text, why, sizeof(why)))
        return options_refuse("--filter", "%s", why);
    for (u32 i = 0; i < g->len; i++) {
        const char *of_lpar = NULL;
        const struct attr *attr = filter_attr(object, g->pairs[i].name, &of_lpar);
        struct wire_value v;
        if (!attr)
            return options_refuse("--filter", "%s is no filter of this list", g->pairs[i].name);
        if (attr_parse(attr, g->pairs[i].value, &v, why, sizeof(why)))
            return options_refuse("--filter", "%s=%s: %s", g->pairs[i].name, g->pairs[i].value, why);
        if (of_lpar && object != OBJECT_UTIL_LPAR && // samples outlive partitions
            check_partition(s, of_lpar, &v, g->pairs[i].value))
            return 1;
        wire_put(where, attr->name, v);
    }
    return 0;
}

int listing_finish(struct listing *l)
{
    if (!l->rows) {
        print_header(l, stdout);
        printf("No results were found.\n");
    }
    return fflush(stdout) || ferror(stdout) ? 1 : 0;
}
