// SPDX-License-Identifier: Apache-2.0
#include "cli/top_cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/say.h"
#include "cli/top_screen.h"
#include "proto/hyper/attr.h"
#include "proto/hyper/place.h"

static int help(void)
{
    printf("Usage: openlpar top [SYSTEM] [--interval S] [--once | --batch [--count N]]\n\n"
           "A monitor of a managed system: its processors and memory, and each partition's use of them. Without "
           "SYSTEM, the "
           "one that runs.\n\n"
           "  --interval S   seconds between looks, 0.5 to 600 (2)\n"
           "  --batch        print text instead, one block for each look; also where there is no terminal\n"
           "  --count N      with --batch: end after N blocks\n"
           "  --once         the same as --batch --count 1\n"
           "  --help         this text\n\nOn the screen, h lists the keys.\n");
    return fflush(stdout) ? 1 : 0;
}

struct choice {
    char name[64], path[PLACE_MAX];
    u32 found;
};

static int take_running(void *arg, const char *name, const char *path)
{
    struct choice *c = arg;
    if (!place_running(path))
        return 0;
    c->found++;
    snprintf(c->name, sizeof(c->name), "%s", name);
    snprintf(c->path, sizeof(c->path), "%s", path);
    return 0;
}

static int choose(const char *name, struct choice *c)
{
    if (!name) {
        place_each(take_running, c);
        return c->found == 1 ? 0
                             : say_refusal(c->found ? "several managed systems run; name one: openlpar top SYSTEM"
                                                    : "no managed system runs; start one: openlpar system start NAME");
    }
    if (say_system(name, c->path))
        return 1;
    snprintf(c->name, sizeof(c->name), "%s", name);
    return place_running(c->path)
               ? 0
               : say_refusal("the managed system %s is stopped; start it: openlpar system start %s", name, name);
}

static void set_clock(struct top_view *v)
{
    time_t t = time(NULL);
    struct tm tm;
    localtime_r(&t, &tm);
    strftime(v->clock, sizeof(v->clock), "%a %b %e %H:%M:%S %Y", &tm);
}

static int batch(const struct choice *c, double interval, u64 count)
{
    struct snapshot before, now;
    struct top_view view = {.interval = interval, .sort = SORT_ID};
    struct timespec wait = {.tv_sec = (time_t)interval};
    wait.tv_nsec = (long)((interval - (double)wait.tv_sec) * 1e9);
    int err = snapshot_open(c->path, &before), status = 0;
    for (u64 i = 0; !err && (!count || i < count) && !status; i++) {
        nanosleep(&wait, NULL);
        err = snapshot_open(c->path, &now);
        if (err) {
            snapshot_free(&now);
            break;
        }
        set_clock(&view);
        if (i)
            printf("\n");
        top_print(stdout, &view, &before, &now, TOP_WIDTH_MIN);
        status = fflush(stdout) || ferror(stdout);
        snapshot_free(&before);
        before = now;
    }
    snapshot_free(&before);
    return err ? say_no_answer(c->name, err) : status;
}

static int parse_seconds(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return *text >= '0' && *text <= '9' && !*end && *value >= 0.5 && *value <= 600
               ? 0
               : say_refusal("--interval '%s': give seconds from 0.5 to 600", text);
}

static int parse_count(const char *text, u64 *value)
{
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno && *value
               ? 0
               : say_refusal("--count '%s': give a number from 1 on", text);
}

int top_command(int argc, char **argv)
{
    static struct choice c;
    const char *name = NULL;
    double interval = 2;
    u64 count = 0;
    bool text = !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO), counted = false;
    for (int i = 1; i < argc; i++) {
        size_t len = strcspn(argv[i], "=");
        bool is_interval = strncmp(argv[i], "--interval", MAX(len, 10)) == 0,
             is_count = strncmp(argv[i], "--count", MAX(len, 7)) == 0;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return help();
        if (is_interval || is_count) {
            const char *value = argv[i][len] ? argv[i] + len + 1 : i + 1 < argc ? argv[++i] : NULL;
            if (!value)
                return say_refusal("%s needs a value", is_interval ? "--interval" : "--count");
            if (is_interval ? parse_seconds(value, &interval) : parse_count(value, &count))
                return 1;
            counted |= is_count;
        } else if (strcmp(argv[i], "--once") == 0) {
            text = true;
            count = 1;
        } else if (strcmp(argv[i], "--batch") == 0) {
            text = true;
        } else if (argv[i][0] == '-' || name) {
            return say_refusal("'%s' is no argument of openlpar top; openlpar top --help lists them", argv[i]);
        } else {
            name = argv[i];
        }
    }
    if (counted && !text)
        return say_refusal("--count goes with --batch");
    if (choose(name, &c))
        return 1;
    return text ? batch(&c, interval, count) : top_screen(c.name, c.path, interval);
}
