// SPDX-License-Identifier: Apache-2.0
#include "hmc/complete.h"

#include <stdlib.h>
#include <string.h>

#include "hmc/output.h"
#include "hmc/resources.h"
#include "hmc/words.h"

// What is known of the command line when a value is completed.
struct context {
    const struct command *command;
    const struct words *words;
    FILE *to;
    const char *resource, *system, *partition, *level, *subtype; // of what was given so far, or NULL
    const char *other;
};

static void offer(const struct context *c, const char *candidate)
{
    words_offer(c->words, c->to, candidate);
}

static const char *typed(const struct context *c)
{
    return c->words->word[c->words->len - 1];
}

// "prefix" "item" "suffix", all in one.
static void offer_joined(const struct context *c, const char *prefix, size_t prefix_len, const char *item,
                         const char *suffix)
{
    char text[2048];
    if ((size_t)snprintf(text, sizeof(text), "%.*s%s%s", (int)prefix_len, prefix, item, suffix) < sizeof(text))
        offer(c, text);
}

static void offer_choices(const struct context *c, const char *choices, const char *prefix, size_t prefix_len)
{
    for (const char *p = choices; *p; p += strcspn(p, "|"), p += *p == '|') {
        char item[64];
        snprintf(item, sizeof(item), "%.*s", (int)strcspn(p, "|"), p);
        offer_joined(c, prefix, prefix_len, item, "");
    }
}

static int offer_system(void *arg, const char *name, const char *path)
{
    offer(arg, name);
    return 0;
}

// The values of an attribute among the objects of a kind, as the next item of a list.
struct asking {
    const struct context *c;
    const struct attr *attr;
    const char *prefix;
    size_t prefix_len;
    const char *lpar_name; // only of that partition; NULL: of all
};

static void offer_row(const struct asking *a, const struct wire_record *row)
{
    const struct wire_value *v = wire_get(row, a->attr->name);
    const char *lpar = wire_text(row, "lpar_name");
    char text[256];
    if (!v || (a->lpar_name && (!lpar || strcmp(lpar, a->lpar_name))))
        return;
    attr_format(a->attr, v, text, sizeof(text));
    const char *list = memchr(a->prefix, '=', a->prefix_len), *end = a->prefix + a->prefix_len;
    for (const char *p = list ? list + 1 : a->prefix; p < end; p += strcspn(p, ",") + 1)
        if (strcspn(p, ",") == strlen(text) && strncmp(p, text, strlen(text)) == 0)
            return; // in the list already
    offer_joined(a->c, a->prefix, a->prefix_len, text, "");
}

// Quietly: a system that does not answer has nothing to offer.
static void ask(const struct context *c, enum object object, const char *name, const char *prefix, size_t prefix_len,
                const char *lpar_name)
{
    static struct wire_message m; // large; one thread
    struct asking a = {c, attr_find(object, name), prefix, prefix_len, lpar_name};
    char path[PLACE_MAX];
    int fds[WIRE_FDS_MAX];
    struct link link;
    if (!c->system || !a.attr || !attr_system_name_valid(c->system) || place_of(c->system, path) ||
        place_open(path, &link))
        return;
    m = (struct wire_message){.type = MESSAGE_LIST, .serial = 1, .object = (u8)object};
    if (!link_send_all(&link, &m, NULL, 0))
        while (link_wait(&link, &m, fds) > 0 && m.type == MESSAGE_ROW)
            offer_row(&a, &m.values);
    link_fini(&link);
}

static enum object object_of(const struct context *c)
{
    for (u32 i = 0; i < hmc_resources_len; i++) {
        const struct resource *r = &hmc_resources[i];
        if (strcmp(r->command, c->command->name) == 0 &&
            (!*r->resource || (c->resource && strcmp(r->resource, c->resource) == 0)) &&
            (!r->subtype || (c->subtype && strcmp(r->subtype, c->subtype) == 0)) &&
            (!r->level || (c->level && strcmp(r->level, c->level) == 0)))
            return r->object;
    }
    return OBJECT_NONE;
}

// Where the last item of a list between commas begins.
static size_t last_item(const char *text)
{
    const char *comma = strrchr(text, ',');
    return comma ? (size_t)(comma - text) + 1 : 0;
}

static void complete_fields(const struct context *c)
{
    const char *text = typed(c);
    size_t at = strlen(text);
    u32 len;
    const struct attr *attrs = attr_list(object_of(c), &len);
    while (at && (text[at - 1] == '_' || (text[at - 1] >= 'a' && text[at - 1] <= 'z') ||
                  (text[at - 1] >= '0' && text[at - 1] <= '9')))
        at--;
    for (u32 i = 0; object_of(c) && i < len; i++)
        if (attrs[i].flags != ATTR_MAKE && attrs[i].flags != ATTR_CHANGE)
            offer_joined(c, text, at, attrs[i].name, "");
}

static void complete_filter(const struct context *c)
{
    const char *text = typed(c), *equals = strchr(text, '='), *names[LISTING_FILTERS_MAX];
    enum object object = object_of(c);
    u32 len = object ? listing_filter_names(object, names) : 0;
    if (!equals) {
        for (u32 i = 0; i < len; i++)
            offer_joined(c, "", 0, names[i], "=");
        return;
    }
    size_t name_len = (size_t)(equals - text), at = MAX(last_item(text), name_len + 1);
    for (u32 i = 0; i < len; i++) {
        if (strlen(names[i]) != name_len || strncmp(names[i], text, name_len))
            continue;
        if (strcmp(names[i], "lpar_names") == 0)
            ask(c, OBJECT_LPAR, "name", text, at, NULL);
        else if (strcmp(names[i], "lpar_ids") == 0)
            ask(c, OBJECT_LPAR, "lpar_id", text, at, NULL);
        else if (strcmp(names[i], "lpar_uuids") == 0)
            ask(c, OBJECT_LPAR, "uuid", text, at, NULL);
        else if (strcmp(names[i], "profile_names") == 0)
            ask(c, OBJECT_PROF, "name", text, at, NULL);
        else if (strcmp(names[i], "pools") == 0)
            ask(c, OBJECT_PROCPOOL, "shared_proc_pool_id", text, at, NULL);
        else if (strcmp(names[i], "event_types") == 0)
            offer_choices(c, attr_find(object, "event_type")->choices, text, at);
        else if (strcmp(names[i], "status") == 0)
            offer_choices(c, attr_find(object, "status")->choices, text, at);
    }
}

// attr=value,attr=value: names that the command takes, and values where there is a choice.
static void complete_record(const struct context *c)
{
    const char *text = typed(c);
    size_t at = last_item(text);
    const char *equals = strchr(text + at, '=');
    bool make = strcmp(c->command->name, "mksyscfg") == 0;
    enum object objects[] = {object_of(c), OBJECT_NONE};
    if (make && objects[0] == OBJECT_LPAR)
        objects[1] = OBJECT_PROF;
    for (unsigned o = 0; o < ARRAY_LEN(objects) && objects[o]; o++) {
        u32 len;
        const struct attr *attrs = attr_list(objects[o], &len);
        for (u32 i = 0; i < len; i++) {
            const struct attr *attr = &attrs[i];
            bool twice = o && attr_find(objects[0], attr->name) && attr_find(objects[0], attr->name)->flags;
            if (!(attr->flags & (make ? ATTR_MAKE : ATTR_CHANGE | ATTR_KEY)) || twice)
                continue;
            if (!equals) {
                offer_joined(c, text, at, attr->name, "=");
            } else if (strlen(attr->name) == (size_t)(equals - text) - at &&
                       strncmp(attr->name, text + at, strlen(attr->name)) == 0) {
                size_t value = (size_t)(equals - text) + 1;
                if (attr->type == ATTR_CHOICE || attr->type == ATTR_FLAG)
                    offer_choices(c, attr->type == ATTR_FLAG ? "0|1" : attr->choices, text, value);
                else if (strcmp(attr->name, "shared_proc_pool_name") == 0)
                    ask(c, OBJECT_PROCPOOL, "name", text, value, NULL);
                else if ((attr->flags & ATTR_KEY) && strcmp(attr->name, "lpar_id") == 0 && !make)
                    ask(c, OBJECT_LPAR, "lpar_id", text, value, NULL);
                else if ((attr->flags & ATTR_KEY) && strcmp(attr->name, "lpar_name") == 0)
                    ask(c, OBJECT_LPAR, "name", text, value, NULL);
                else if ((attr->flags & ATTR_KEY) && strcmp(attr->name, "name") == 0 && !make)
                    ask(c, objects[0], "name", text, value, NULL);
            }
        }
    }
}

static void complete_name(const struct context *c)
{
    const char *text = typed(c);
    bool of_profile = c->partition || (c->resource && strcmp(c->resource, "prof") == 0);
    if (of_profile)
        ask(c, OBJECT_PROF, "name", "", 0, c->partition);
    else if (c->resource && strcmp(c->resource, "lpar") == 0 && strncmp(c->command->name, "ls", 2))
        ask(c, OBJECT_LPAR, "name", text, last_item(text), NULL);
}

static void complete_value(const struct context *c, const char *spelling)
{
    static const struct {
        const char *command, *spelling, *choices;
    } fixed[] = {{NULL, "-b", "norm|of|sms"},
                 {NULL, "-k", "norm|manual"},
                 {"lslparutil", "-s", "s|h|d|m"},
                 {"lsrefcode", "-s", "p|s"},
                 {NULL, "--bootstring", "network-all"},
                 {"lsled", "-t", "phys|virtuallpar"},
                 {"chled", "-t", "phys|virtuallpar"},
                 {"lssvcevents", "-t", "hardware|console"},
                 {"chsvcevent", "-o", "close"}};
    const char *values[RESOURCE_VALUES_MAX], *text = typed(c);
    u32 len = 0;
    for (unsigned i = 0; i < ARRAY_LEN(fixed); i++)
        if (strcmp(fixed[i].spelling, spelling) == 0 &&
            (!fixed[i].command || strcmp(fixed[i].command, c->command->name) == 0))
            offer_choices(c, fixed[i].choices, "", 0);
    if (strcmp(spelling, "-m") == 0)
        place_each(offer_system, (void *)(uintptr_t)c);
    else if (strcmp(spelling, "-r") == 0)
        len = resource_values(c->command->name, NULL, false, values);
    else if (strcmp(spelling, "--level") == 0 && c->resource)
        len = resource_values(c->command->name, c->resource, false, values);
    else if (strcmp(spelling, "--rsubtype") == 0 && c->resource)
        len = resource_values(c->command->name, c->resource, true, values);
    else if (strcmp(spelling, "-o") == 0)
        len = operation_values(c->command->name, c->resource, values);
    else if (strcmp(spelling, "-p") == 0)
        ask(c, OBJECT_LPAR, "name", "", 0, NULL);
    else if (strcmp(spelling, "--id") == 0 || strcmp(spelling, "--tid") == 0)
        ask(c, OBJECT_LPAR, "lpar_id", text, last_item(text), NULL);
    else if (strcmp(spelling, "--poolname") == 0)
        ask(c, OBJECT_PROCPOOL, "name", "", 0, NULL);
    else if (strcmp(spelling, "--poolid") == 0)
        ask(c, OBJECT_PROCPOOL, "shared_proc_pool_id", "", 0, NULL);
    else if (strcmp(spelling, "-n") == 0)
        complete_name(c);
    else if (strcmp(spelling, "-F") == 0)
        complete_fields(c);
    else if (strcmp(spelling, "--filter") == 0)
        complete_filter(c);
    else if (strcmp(spelling, "-i") == 0 || strcmp(spelling, "-a") == 0)
        complete_record(c);
    else if (strcmp(spelling, "-s") == 0 && strcmp(c->command->name, "chlparutil") == 0)
        offer_choices(c, attr_find(OBJECT_UTIL_CONFIG, "sample_rate")->choices, "", 0);
    else if (strcmp(spelling, "-f") == 0 && strcmp(c->command->name, "chsysstate") == 0)
        ask(c, OBJECT_PROF, "name", "", 0, NULL);
    for (u32 i = 0; i < len; i++)
        offer(c, values[i]);
}

static void complete_command(struct context *c, u32 first)
{
    struct option_use uses[OPTIONS_MAX];
    u32 len = options_of(c->command, uses);
    const struct words *w = c->words;
    bool given[OPTIONS_MAX] = {false};
    const char *waiting = NULL; // an option whose value comes next
    for (u32 i = first; i + 1 < w->len; i++) {
        const struct option_use *use = NULL;
        for (u32 j = 0; j < len; j++)
            if (!waiting && strcmp(uses[j].spelling, w->word[i]) == 0) {
                use = &uses[j];
                given[j] = true;
            }
        if (use) {
            waiting = use->value ? use->spelling : NULL;
            continue;
        }
        if (waiting)
            *(strcmp(waiting, "-m") == 0           ? &c->system
              : strcmp(waiting, "-r") == 0         ? &c->resource
              : strcmp(waiting, "-p") == 0         ? &c->partition
              : strcmp(waiting, "--level") == 0    ? &c->level
              : strcmp(waiting, "--rsubtype") == 0 ? &c->subtype
                                                   : &c->other) = w->word[i];
        waiting = NULL;
    }
    if (waiting) {
        complete_value(c, waiting);
        if (strcmp(waiting, "-F")) // whose value may be left out
            return;
    }
    for (u32 i = 0; i < len; i++)
        if (!given[i])
            offer(c, uses[i].spelling);
    offer(c, "--help");
}

void complete(const char *line, size_t point, FILE *to)
{
    struct words w;
    if (!words_split(&w, line, point))
        return;
    struct context c = {.words = &w, .to = to};
    const char *slash = strrchr(w.word[0], '/'), *name = slash ? slash + 1 : w.word[0];
    u32 first = 1;
    if (strcmp(name, "hmc") == 0 && w.len > 1) {
        name = w.word[1];
        first = 2;
    }
    for (u32 i = 0; i < hmc_commands_len; i++) {
        if (strcmp(hmc_commands[i].name, name) == 0)
            c.command = &hmc_commands[i];
        if (first == 2 && w.len == 2)
            offer(&c, hmc_commands[i].name);
    }
    if (first == 2 && w.len == 2)
        offer(&c, "--help");
    else if (c.command && w.len > first)
        complete_command(&c, first);
    words_free(&w);
}

void complete_script(FILE *to)
{
    fprintf(to, "# bash completion for hmc(1) and the console's commands under their own names\n\n"
                "_openlpar_hmc()\n{\n"
                "    local candidate\n"
                "    COMPREPLY=()\n"
                "    while IFS= read -r candidate; do\n"
                "        COMPREPLY+=(\"$candidate\")\n"
                "        [[ $candidate != *= ]] || compopt -o nospace 2>/dev/null\n"
                "    done < <(hmc --complete \"$COMP_LINE\" \"$COMP_POINT\" 2>/dev/null)\n"
                "}\n"
                "complete -o bashdefault -o default -o nosort -F _openlpar_hmc hmc");
    for (u32 i = 0; i < hmc_commands_len; i++)
        fprintf(to, " %s", hmc_commands[i].name);
    fprintf(to, "\n");
}
