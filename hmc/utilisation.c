// SPDX-License-Identifier: Apache-2.0
#include "hmc/utilisation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hmc/output.h"
#include "hmc/resources.h"

#define PAGE 500u // rows in a request

static int parse(const char *spelling, const char *text, u64 low, u64 high, u64 *value)
{
    char *end;
    *value = text ? strtoull(text, &end, 10) : 0;
    if (!text || (*text >= '0' && *text <= '9' && !*end && strlen(text) < 10 && *value >= low && *value <= high))
        return 0;
    return options_refuse(spelling, "%s is no whole number from %llu to %llu", text, (unsigned long long)low,
                          (unsigned long long)high);
}

// One end of a span that is given as a date. What is left out is the first of it, or of the end the last.
struct date_options {
    const char *spelling[5], *text[5];
};

static int parse_date(const struct date_options *d, bool end, s64 now, s64 *value)
{
    static const u64 low[] = {1970, 1, 1, 0, 0}, high[] = {9999, 12, 31, 23, 59};
    u64 v[5];
    bool given = false;
    time_t t = (time_t)now;
    struct tm tm;
    localtime_r(&t, &tm);
    for (unsigned i = 0; i < 5; i++) {
        if (parse(d->spelling[i], d->text[i], low[i], high[i], &v[i]))
            return 1;
        given |= d->text[i] != NULL;
        if (!d->text[i])
            v[i] = i == 0 ? (u64)tm.tm_year + 1900 : end ? high[i] : low[i];
    }
    if (!given)
        return 0;
    struct tm first = {.tm_year = (int)v[0] - 1900, .tm_mon = (int)v[1] - 1, .tm_mday = 1, .tm_isdst = -1},
              last = first;
    last.tm_mon++;
    last.tm_mday = 0; // the day before the next month begins
    mktime(&last);
    if (v[2] > (u64)last.tm_mday && d->text[2])
        return options_refuse(d->spelling[2], "the month has %d days", last.tm_mday);
    first.tm_mday = (int)MIN(v[2], (u64)last.tm_mday);
    first.tm_hour = (int)v[3];
    first.tm_min = (int)v[4];
    first.tm_sec = end ? 59 : 0;
    *value = (s64)mktime(&first);
    return 0;
}

int utilisation_span(const struct options *o, s64 now, s64 *since, s64 *until)
{
    struct date_options start = {{"--startyear", "--startmonth", "--startday", "--starthour", "--startminute"},
                                 {o->startyear, o->startmonth, o->startday, o->starthour, o->startminute}},
                        end = {{"--endyear", "--endmonth", "--endday", "--endhour", "--endminute"},
                               {o->endyear, o->endmonth, o->endday, o->endhour, o->endminute}};
    u64 days, hours, minutes;
    if (parse("-d", o->days, 0, 100000, &days) || parse("-h", o->hours, 0, 1000000, &hours) ||
        parse("--minutes", o->minutes, 0, 100000000, &minutes))
        return 1;
    *since = 0;
    *until = INT64_MAX;
    if (parse_date(&start, false, now, since) || parse_date(&end, true, now, until))
        return 1;
    if (o->days || o->hours || o->minutes) {
        if (*since)
            return options_refuse("--startyear", "a start, and -d, -h or --minutes exclude each other");
        *since = now - (s64)(days * 86400 + hours * 3600 + minutes * 60);
    }
    if (*since < 0)
        *since = 0;
    return *since <= *until ? 0 : options_refuse("--endyear", "the end is before the start");
}

static int parse_tier(const struct options *o, u64 *tier)
{
    static const char letters[] = "shdm";
    const char *at = o->side && *o->side && !o->side[1] ? strchr(letters, *o->side) : NULL;
    *tier = at ? (u64)(at - letters) : 0;
    return at || !o->side ? 0 : options_refuse("-s", "%s is none of s, h, d and m", o->side);
}

// Rows of a kind, page by page; the lines of several kinds are put in order afterwards.
struct lines {
    struct line {
        s64 number; // among those of its time
        char time[32], *text;
    } * line;
    size_t len;
    bool failed;
};

struct gathering {
    struct listing *l;
    struct lines *lines; // NULL: lines are printed at once
    u64 last, rows, left;
};

static void keep_line(struct gathering *g, const struct wire_record *row)
{
    struct lines *lines = g->lines;
    const char *when = wire_text(row, "time");
    char *text = NULL;
    size_t size = 0;
    struct line *more = realloc(lines->line, (lines->len + 1) * sizeof(*more));
    g->l->to = open_memstream(&text, &size);
    if (more)
        lines->line = more;
    if (g->l->to) {
        listing_row(g->l, row);
        if (fclose(g->l->to))
            lines->failed = true;
    }
    if (!more || !text) {
        lines->failed = true;
        free(text);
        return;
    }
    struct line *line = &lines->line[lines->len];
    *line = (struct line){.number = (s64)lines->len, .text = text};
    snprintf(line->time, sizeof(line->time), "%s", when ? when : "");
    lines->len++;
}

static void take_row(void *arg, const struct wire_record *row)
{
    struct gathering *g = arg;
    g->last = wire_num(row, "number", 0);
    g->rows++;
    if (!g->left)
        return;
    g->left--;
    if (g->lines)
        keep_line(g, row);
    else
        listing_row(g->l, row);
}

struct request {
    enum object object;
    s64 since, until;
    u64 tier, max;
};

static int gather(struct session *s, const struct request *r, struct listing *l, struct lines *lines)
{
    static struct wire_record where; // large
    struct grammar g = {.owned = NULL};
    struct gathering gathering = {.l = l, .lines = lines, .left = r->max};
    int status = 0;
    where.len = 0;
    if (l->o->filter)
        status = listing_filters(s, r->object, l->o->filter, &where, &g);
    do {
        struct wire_message *m = session_message(MESSAGE_LIST, r->object);
        u64 page = MIN(gathering.left, PAGE);
        m->where = where;
        wire_put_num(&m->values, "since", (u64)r->since);
        wire_put_num(&m->values, "until", (u64)r->until);
        wire_put_num(&m->values, "tier", r->tier);
        wire_put_num(&m->values, "max", page);
        wire_put_num(&m->values, "before", gathering.last);
        gathering.rows = 0;
        if (!status)
            status = session_call(s, m, take_row, &gathering, NULL);
    } while (!status && gathering.rows == PAGE && gathering.left && gathering.last);
    grammar_free(&g);
    return status;
}

// MM/DD/YYYY HH:MM:SS, newest first; within one time as the kinds came.
static int by_time(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    int order = strncmp(y->time + 6, x->time + 6, 4);
    if (!order)
        order = strncmp(y->time, x->time, 5);
    if (!order)
        order = strcmp(y->time + 10, x->time + 10);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

static int list_samples(const struct options *o, const struct request *requests, u32 len)
{
    static struct listing l; // large
    struct lines lines = {0};
    struct session s;
    int status = 0;
    l = (struct listing){.object = requests[0].object, .o = o};
    if (!o->system)
        return options_refuse("-m", "-m SYSTEM is missing");
    if (len > 1 && o->fields && *o->fields)
        return options_refuse("-F", "the kinds of -r all have different attributes; choose one of them");
    if (listing_choose(&l) || session_open(&s, o->system))
        return 1;
    for (u32 i = 0; i < len && !status; i++) {
        l.object = requests[i].object;
        status = gather(&s, &requests[i], &l, len > 1 ? &lines : NULL);
    }
    session_close(&s);
    if (lines.len)
        qsort(lines.line, lines.len, sizeof(*lines.line), by_time);
    for (size_t i = 0; i < lines.len; i++) {
        if (!status && i < requests[0].max)
            fputs(lines.line[i].text, stdout);
        free(lines.line[i].text);
    }
    free(lines.line);
    if (!status && lines.failed)
        status = message_refuse("HSCL3205", "There is no memory for so many samples; give a shorter time.");
    return status ? status : listing_finish(&l);
}

// Each system that answers.
struct visit {
    struct listing *l;
    const char *rate;
};

static int visit_system(void *arg, const char *name, const char *path)
{
    struct visit *v = arg;
    struct session s = {0};
    snprintf(s.name, sizeof(s.name), "%s", name);
    if (place_open(path, &s.link))
        return 0; // it does not run
    struct wire_message *m = session_message(v->rate ? MESSAGE_CHANGE : MESSAGE_LIST, OBJECT_UTIL_CONFIG);
    if (v->rate)
        wire_put_text(&m->values, "sample_rate", v->rate);
    int status = session_call(&s, m, v->rate ? NULL : listing_row, v->l, NULL);
    session_close(&s);
    return status;
}

static int config(const struct options *o, const char *rate)
{
    static struct listing l; // large
    struct visit v = {&l, rate};
    char name[64], path[PLACE_MAX];
    struct session s;
    int status;
    l = (struct listing){.object = OBJECT_UTIL_CONFIG, .o = o};
    if (listing_choose(&l))
        return 1;
    if (o->system) { // which is to run, then
        if (session_find(o->system, name, path) || session_open(&s, name))
            return 1;
        session_close(&s);
        status = visit_system(&v, name, path);
    } else {
        status = place_each(visit_system, &v);
    }
    return status ? 1 : rate ? 0 : listing_finish(&l);
}

int cmd_lslparutil(const struct options *o)
{
    const struct resource *kind = resource_find("lslparutil", o);
    struct request requests[8], r = {.max = UINT64_MAX};
    u32 len = 0;
    if (!kind)
        return 1;
    if (kind->object == OBJECT_UTIL_CONFIG)
        return config(o, NULL);
    if (utilisation_span(o, (s64)time(NULL), &r.since, &r.until) || parse_tier(o, &r.tier) ||
        (o->name && parse("-n", o->name, 1, 100000000, &r.max)))
        return 1;
    bool all = strcmp(o->resource, "all") == 0;
    for (u32 i = 0; i < hmc_resources_len && len < ARRAY_LEN(requests); i++) {
        const struct resource *other = &hmc_resources[i];
        r.object = other->object;
        if (strcmp(other->command, "lslparutil") == 0 && (all || other == kind) && r.object &&
            r.object != OBJECT_UTIL_CONFIG)
            requests[len++] = r;
    }
    if (len)
        return list_samples(o, requests, len);
    printf("No results were found.\n");
    return fflush(stdout) ? 1 : 0;
}

int cmd_chlparutil(const struct options *o)
{
    struct wire_value v;
    char why[300];
    if (!resource_find("chlparutil", o))
        return 1;
    if (attr_parse(attr_find(OBJECT_UTIL_CONFIG, "sample_rate"), o->side, &v, why, sizeof(why)))
        return options_refuse("-s", "%s: %s", o->side, why);
    return config(o, o->side);
}
