// SPDX-License-Identifier: Apache-2.0
#include "hmc/change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hmc/grammar.h"
#include "hmc/session.h"

// What a record becomes: `keys` (between commas) say which object is meant, the rest is its attributes.
static int take_record(const struct grammar *g, struct wire_message *m, const char *keys, enum object also)
{
    char why[2300];
    for (u32 i = 0; i < g->len; i++) {
        const struct grammar_pair *pair = &g->pairs[i];
        const struct attr *attr = attr_find(m->object, pair->name);
        struct wire_value v;
        if ((!attr || !attr->flags) && also)
            attr = attr_find(also, pair->name);
        if (!attr)
            return options_refuse("-i", "the attribute %s is invalid", pair->name);
        if (wire_get(&m->values, pair->name) || wire_get(&m->where, pair->name))
            return options_refuse("-i", "the attribute %s is given twice", pair->name);
        if (attr_parse(attr, pair->value, &v, why, sizeof(why)))
            return options_refuse("-i", "%s=%s: %s", pair->name, pair->value, why);
        v.change = pair->change;
        bool key = false;
        size_t len = strlen(pair->name);
        for (const char *p = keys; *p; p += strcspn(p, ","), p += *p == ',')
            key |= strcspn(p, ",") == len && strncmp(p, pair->name, len) == 0;
        wire_put(key ? &m->where : &m->values, pair->name, v);
    }
    return 0;
}

struct job {
    struct session s;
    enum message type;
    enum object object, also;
    const char *keys;
};

static int run_record(struct job *job, const char *text)
{
    struct grammar g;
    char why[300];
    if (grammar_record(&g, text, why, sizeof(why)))
        return options_refuse("-i", "%s", why);
    struct wire_message *m = session_message(job->type, job->object);
    int status = take_record(&g, m, job->keys, job->also);
    if (!status)
        status = session_call(&job->s, m, NULL, NULL, NULL);
    grammar_free(&g);
    return status;
}

// One record of -i, or each line of -f.
static int run_records(struct job *job, const struct options *o)
{
    if (!o->record == !o->file)
        return options_refuse("-i", "%s",
                              o->record ? "-i and -f exclude each other" : "a record is missing: -i RECORD or -f FILE");
    if (o->record)
        return run_record(job, o->record);
    char *line = NULL;
    size_t room = 0;
    int status = 0;
    FILE *from = fopen(o->file, "re");
    if (!from)
        return options_refuse("-f", "%s: %s", o->file, strerror(errno));
    while (getline(&line, &room, from) > 0) {
        line[strcspn(line, "\r\n")] = 0;
        if (line[strspn(line, " \t")])
            status |= run_record(job, line);
    }
    free(line);
    fclose(from);
    return status;
}

static int records(const struct options *o, enum message type, enum object object, const char *keys, enum object also)
{
    struct job job = {.type = type, .object = object, .keys = keys, .also = also};
    if (session_open(&job.s, o->system))
        return 1;
    int status = run_records(&job, o);
    session_close(&job.s);
    return status;
}

// -p L -n P: a profile of a partition.
static int on_profile(const struct options *o, enum message type)
{
    struct session s;
    if (!o->partition || !o->name)
        return options_refuse(o->partition ? "-n" : "-p", "the %s is missing",
                              o->partition ? "profile: -n NAME" : "partition: -p NAME");
    if (session_open(&s, o->system))
        return 1;
    struct wire_message *m = session_message(type, OBJECT_PROF);
    wire_put_text(&m->where, "lpar_name", o->partition);
    wire_put_text(&m->where, "name", o->name);
    wire_put_num(&m->values, "force", o->force != NULL);
    int status = session_call(&s, m, NULL, NULL, NULL);
    session_close(&s);
    return status;
}

int cmd_mksyscfg(const struct options *o)
{
    if (strcmp(o->resource, "lpar") == 0 && !o->operation)
        return records(o, MESSAGE_CREATE, OBJECT_LPAR, "", OBJECT_PROF);
    if (strcmp(o->resource, "prof") == 0 && !o->operation)
        return records(o, MESSAGE_CREATE, OBJECT_PROF, "", OBJECT_NONE);
    if (strcmp(o->resource, "prof") == 0 && strcmp(o->operation, "save") == 0)
        return on_profile(o, MESSAGE_SAVE);
    return o->operation ? options_refuse("-o", "%s is no operation on %s", o->operation, o->resource)
                        : options_refuse("-r", "%s is none of lpar and prof", o->resource);
}

int cmd_chsyscfg(const struct options *o)
{
    if (o->operation) {
        if (strcmp(o->operation, "apply") == 0 && strcmp(o->resource, "lpar") == 0)
            return on_profile(o, MESSAGE_APPLY);
        return options_refuse("-o", "%s is no operation on %s", o->operation, o->resource);
    }
    if (strcmp(o->resource, "lpar") == 0)
        return records(o, MESSAGE_CHANGE, OBJECT_LPAR, "name,lpar_id", OBJECT_NONE);
    if (strcmp(o->resource, "prof") == 0)
        return records(o, MESSAGE_CHANGE, OBJECT_PROF, "name,lpar_name,lpar_id", OBJECT_NONE);
    if (strcmp(o->resource, "sys") == 0)
        return records(o, MESSAGE_CHANGE, OBJECT_SYS, "", OBJECT_NONE);
    return options_refuse("-r", "%s is none of sys, lpar and prof", o->resource);
}

static int parse_id(const char *text, u64 *id)
{
    char *end;
    *id = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end ? 0 : options_refuse("--id", "%s is no partition's number", text);
}

int cmd_rmsyscfg(const struct options *o)
{
    struct session s;
    u64 id = 0;
    if (strcmp(o->resource, "prof") == 0)
        return on_profile(o, MESSAGE_REMOVE);
    if (strcmp(o->resource, "lpar"))
        return options_refuse("-r", "%s is none of lpar and prof", o->resource);
    if (!o->name == !o->id)
        return options_refuse("-n", "the partition is named by -n NAME or by --id ID");
    if ((o->id && parse_id(o->id, &id)) || session_open(&s, o->system))
        return 1;
    struct wire_message *m = session_message(MESSAGE_REMOVE, OBJECT_LPAR);
    if (o->id)
        wire_put_num(&m->where, "lpar_id", id);
    else
        wire_put_text(&m->where, "name", o->name);
    int status = session_call(&s, m, NULL, NULL, NULL);
    session_close(&s);
    return status;
}

static int system_state(const struct options *o, struct session *s)
{
    bool on = strcmp(o->operation, "on") == 0, standby = strcmp(o->operation, "onstandby") == 0;
    if (strcmp(o->operation, "rebuild") == 0 || strcmp(o->operation, "recover") == 0)
        return session_call(s, session_message(MESSAGE_LIST, OBJECT_SYS), NULL, NULL, NULL); // whether it answers
    if (!on && !standby && strcmp(o->operation, "off"))
        return options_refuse("-o", "%s: a system knows on, onstandby, off, rebuild and recover", o->operation);
    struct wire_message *m = session_message(MESSAGE_POWER, OBJECT_SYS);
    wire_put_num(&m->values, "on", on || standby);
    wire_put_num(&m->values, "standby", standby);
    return session_call(s, m, NULL, NULL, NULL);
}

static int turn_key(const struct options *o, struct session *s, const char *name, const char *id_text)
{
    u64 id = 0;
    if (!o->keylock || (strcmp(o->keylock, "norm") && strcmp(o->keylock, "manual")))
        return options_refuse("-k", "%s is none of norm and manual", o->keylock ? o->keylock : "nothing");
    if (id_text && parse_id(id_text, &id))
        return 1;
    struct wire_message *m = session_message(MESSAGE_CHANGE, OBJECT_LPAR);
    if (id_text)
        wire_put_num(&m->where, "lpar_id", id);
    else
        wire_put_text(&m->where, "name", name);
    wire_put_text(&m->values, "lpar_keylock", o->keylock);
    return session_call(s, m, NULL, NULL, NULL);
}

static int partition_state(const struct options *o, struct session *s, const char *name, const char *id_text)
{
    bool on = strcmp(o->operation, "on") == 0, os = strcmp(o->operation, "osshutdown") == 0,
         dump = strcmp(o->operation, "dumprestart") == 0;
    u64 id = 0;
    if (strcmp(o->operation, "chkey") == 0)
        return turn_key(o, s, name, id_text);
    if (!on && !os && !dump && strcmp(o->operation, "shutdown"))
        return options_refuse("-o", "%s is none of on, shutdown, osshutdown, dumprestart and chkey", o->operation);
    if (id_text && parse_id(id_text, &id))
        return 1;
    if (on && o->keylock && turn_key(o, s, name, id_text))
        return 1;
    struct wire_message *m = session_message(on ? MESSAGE_ACTIVATE : MESSAGE_SHUT_DOWN, OBJECT_LPAR);
    if (id_text)
        wire_put_num(&m->where, "lpar_id", id);
    else
        wire_put_text(&m->where, "name", name);
    if (on && o->file)
        wire_put_text(&m->values, "profile_name", o->file);
    if (on && o->boot_mode)
        wire_put_text(&m->values, "boot_mode", o->boot_mode);
    if (!on) {
        wire_put_text(&m->values, "how", os ? "os" : dump ? "dump" : o->immed ? "immediate" : "delayed");
        wire_put_num(&m->values, "restart", o->restart != NULL);
    }
    return session_call(s, m, NULL, NULL, NULL);
}

int cmd_chsysstate(const struct options *o)
{
    struct session s;
    bool system = strcmp(o->resource, "sys") == 0;
    if (!system && strcmp(o->resource, "lpar"))
        return options_refuse("-r", "%s is none of sys and lpar", o->resource);
    if (!system && !o->name == !o->id)
        return options_refuse("-n", "the partition is named by -n NAME or by --id ID");
    if (session_open(&s, o->system))
        return 1;
    int status = system ? system_state(o, &s) : 0;
    char *list = system ? NULL : strdup(o->id ? o->id : o->name), *rest = list;
    for (char *item;
         rest && (item = strsep(&rest, ",")) != NULL;) // one after the other; one that fails does not keep the others
        status |= partition_state(o, &s, item, o->id ? item : NULL);
    free(list);
    session_close(&s);
    return status;
}
