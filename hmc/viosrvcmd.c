// SPDX-License-Identifier: Apache-2.0
#include "hmc/viosrvcmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hmc/session.h"

#define ARGUMENTS_MAX 120u

static void print_row(void *arg, const struct wire_record *v)
{
    int *status = arg;
    const char *text = wire_text(v, "text");
    if (text) // both streams come in the order in which they were written
        fputs(text, wire_num(v, "error", 0) ? stderr : stdout);
    fflush(stdout);
    *status = (int)wire_num(v, "exit", (u64)*status);
}

// The message says which server and what. The command's exit status, or 1.
static int run(struct session *s, const struct wire_message *m)
{
    int status = 1;
    return session_call(s, m, print_row, &status, NULL) ? 1 : status;
}

static int parse_id(const char *text, u64 *id)
{
    char *end;
    *id = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end ? 0 : options_refuse("--id", "%s is no partition's number", text);
}

static void put_server(struct wire_message *m, const char *name, u64 id)
{
    if (name)
        wire_put_text(&m->where, "name", name);
    else
        wire_put_num(&m->where, "lpar_id", id);
}

int cmd_viosrvcmd(const struct options *o)
{
    struct session s;
    u64 id = 0;
    int status = 0;
    if (!o->partition == !o->id)
        return options_refuse("-p", "the Virtual I/O Server is named by -p NAME or by --id ID");
    if (o->id && parse_id(o->id, &id))
        return 1;
    if (strlen(o->command) >= WIRE_TEXT_MAX)
        return options_refuse("-c", "the command has more than %u characters", WIRE_TEXT_MAX - 1);
    if (session_open(&s, o->system))
        return 1;
    // Of several lines each is a command; the last one's status counts.
    char *list = strdup(o->command), *rest = list;
    for (char *line; rest && (line = strsep(&rest, "\n")) != NULL;) {
        if (!line[strspn(line, " \t\r")])
            continue;
        struct wire_message *m = session_message(MESSAGE_VIOS_COMMAND, OBJECT_LPAR);
        put_server(m, o->partition, id);
        wire_put_text(&m->values, "line", line);
        status = run(&s, m);
    }
    free(list);
    session_close(&s);
    return status;
}

static int usage(FILE *to, const char *name)
{
    bool alone = strcmp(name, "ioscli") != 0;
    fprintf(to,
            "usage: %s --system SYSTEM --vios NAME%s [ARGUMENT...]\n\n"
            "Runs a command of a Virtual I/O Server. Without the options, the environment's OPENLPAR_SYSTEM and "
            "OPENLPAR_VIOS are taken.\n"
            "What commands there are says: ioscli --system SYSTEM --vios NAME help\n",
            name, alone ? "" : " COMMAND");
    return to == stdout ? 0 : 1;
}

int ioscli_main(const char *name, int argc, char **argv)
{
    struct session s;
    const char *system = getenv("OPENLPAR_SYSTEM"), *vios = getenv("OPENLPAR_VIOS");
    static char names[ARGUMENTS_MAX][16];
    int at = 1;
    u32 len = 0;
    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
        if (strcmp(argv[at], "--system") == 0)
            system = argv[at + 1];
        else if (strcmp(argv[at], "--vios") == 0)
            vios = argv[at + 1];
        else
            return usage(stderr, name);
    }
    bool alone = strcmp(name, "ioscli") != 0;
    if (at < argc && strcmp(argv[at], "--help") == 0)
        return usage(stdout, name);
    if (!system || !vios || (at == argc && !alone) || argc - at + 1 > (int)ARGUMENTS_MAX)
        return usage(stderr, name);
    if (session_open(&s, system))
        return 1;
    struct wire_message *m = session_message(MESSAGE_VIOS_COMMAND, OBJECT_LPAR);
    put_server(m, vios, 0);
    for (int i = alone ? at - 1 : at; i < argc; i++, len++) {
        snprintf(names[len], sizeof(names[len]), "arg%u", len);
        wire_put_text(&m->values, names[len], i < at ? name : argv[i]);
    }
    int status = run(&s, m);
    session_close(&s);
    return status;
}
