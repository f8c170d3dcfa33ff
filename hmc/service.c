// SPDX-License-Identifier: Apache-2.0
#include "hmc/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hmc/output.h"
#include "hmc/resources.h"

static int parse(const char *spelling, const char *text, u64 *value)
{
    char *end;
    *value = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && strlen(text) < 10
               ? 0
               : options_refuse(spelling, "%s is no number", text);
}

static int list(const char *system, const struct options *o, enum object object, u64 since)
{
    static struct listing l; // large
    static struct wire_record where;
    struct grammar g = {.owned = NULL};
    struct session s;
    l = (struct listing){.object = object, .o = o};
    where.len = 0;
    if (listing_choose(&l) || session_open(&s, system))
        return 1;
    int status = o->filter ? listing_filters(&s, object, o->filter, &where, &g) : 0;
    if (!status) {
        struct wire_message *m = session_message(MESSAGE_LIST, object);
        m->where = where;
        wire_put_num(&m->values, "since", since);
        status = session_call(&s, m, listing_row, &l, NULL);
    }
    grammar_free(&g);
    session_close(&s);
    return status ? status : listing_finish(&l);
}

int cmd_lslic(const struct options *o)
{
    return list(o->system, o, OBJECT_LIC, 0);
}

// -r sa, and -t phys or virtuallpar.
static int led_kind(const struct options *o, enum object *object)
{
    if (strcmp(o->resource, "sa"))
        return options_refuse("-r", "%s is not sa, the attention LEDs", o->resource);
    *object = strcmp(o->type, "phys") == 0 ? OBJECT_LED_SYS : OBJECT_LED_LPAR;
    return *object == OBJECT_LED_SYS || strcmp(o->type, "virtuallpar") == 0
               ? 0
               : options_refuse("-t", "%s is none of phys and virtuallpar", o->type);
}

int cmd_lsled(const struct options *o)
{
    enum object object;
    return led_kind(o, &object) ? 1 : list(o->system, o, object, 0);
}

int cmd_chled(const struct options *o)
{
    enum object object;
    struct session s;
    u64 id = 0;
    if (led_kind(o, &object))
        return 1;
    if (strcmp(o->operation, "on") && strcmp(o->operation, "off"))
        return options_refuse("-o", "%s is none of on and off", o->operation);
    if (object == OBJECT_LED_LPAR && !o->partition == !o->id)
        return options_refuse("-p", "the partition is named by -p NAME or by --id ID");
    if ((o->id && parse("--id", o->id, &id)) || session_open(&s, o->system))
        return 1;
    struct wire_message *m = session_message(MESSAGE_CHANGE, object);
    if (o->id)
        wire_put_num(&m->where, "lpar_id", id);
    else if (o->partition)
        wire_put_text(&m->where, "lpar_name", o->partition);
    wire_put_text(&m->values, "state", o->operation);
    int status = session_call(&s, m, NULL, NULL, NULL);
    session_close(&s);
    return status;
}

int cmd_lssvcevents(const struct options *o)
{
    enum object object = strcmp(o->type, "hardware") == 0 ? OBJECT_SVCEVENT : OBJECT_CONSOLE_EVENT;
    u64 days = 7, now = (u64)time(NULL);
    if (object == OBJECT_CONSOLE_EVENT && strcmp(o->type, "console"))
        return options_refuse("-t", "%s is none of hardware and console", o->type);
    if (o->days && parse("-d", o->days, &days))
        return 1;
    return list(o->system, o, object, now - MIN(days * 86400, now));
}

int cmd_chsvcevent(const struct options *o)
{
    struct session s;
    u64 number;
    if (strcmp(o->operation, "close"))
        return options_refuse("-o", "%s is not close", o->operation);
    if (parse("-p", o->partition, &number) || session_open(&s, o->system))
        return 1;
    struct wire_message *m = session_message(MESSAGE_CHANGE, OBJECT_SVCEVENT);
    wire_put_num(&m->where, "problem_num", number);
    wire_put_text(&m->values, "status", "Closed");
    int status = session_call(&s, m, NULL, NULL, NULL);
    session_close(&s);
    return status;
}
