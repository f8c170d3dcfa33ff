// SPDX-License-Identifier: Apache-2.0
#include "hmc/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hmc/resources.h"

static const struct row {
    const char *spelling, *value, *help;
    size_t at;
} rows[] = {
#define OPTION(field, spelling, value, help) {spelling, value, help, offsetof(struct options, field)},
    HMC_OPTIONS(OPTION)
#undef OPTION
};

static void say(const char *what, const char *spelling)
{
    char line[3000];
    snprintf(line, sizeof(line), "%s", what);
    for (char *p = line; *p; p++) // one line, whatever somebody passed
        if ((u8)*p < 0x20 || *p == 0x7f)
            *p = '?';
    fprintf(stderr,
            "A required parameter is missing or a parameter has an invalid value: %s. "
            "The parameters that are missing or have an invalid value are %s. Check the command and try it again.\n",
            line, spelling);
}

int options_refuse(const char *spelling, const char *fmt, ...)
{
    char what[3000];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    say(what, spelling);
    return 1;
}

int message_refuse(const char *code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "%s%s", code, *code ? " " : "");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    return 1;
}

// Whether the command has the option, and needs it.
static bool takes(const struct command *command, const char *spelling, bool *needed)
{
    size_t len = strlen(spelling);
    for (const char *p = command->options; *p; p += strcspn(p, " "), p += *p == ' ') {
        size_t item = strcspn(p, " !");
        if (item != len || strncmp(p, spelling, len))
            continue;
        *needed = p[item] == '!';
        return true;
    }
    return false;
}

u32 options_of(const struct command *command, struct option_use uses[OPTIONS_MAX])
{
    u32 len = 0;
    bool needed;
    for (unsigned i = 0; i < ARRAY_LEN(rows) && len < OPTIONS_MAX; i++) {
        if (!takes(command, rows[i].spelling, &needed))
            continue;
        uses[len] = (struct option_use){rows[i].spelling, rows[i].value, rows[i].help, needed};
        for (u32 j = 0; j < hmc_notes_len; j++)
            if (strcmp(hmc_notes[j].command, command->name) == 0 &&
                strcmp(hmc_notes[j].spelling, rows[i].spelling) == 0) {
                uses[len].value = hmc_notes[j].value;
                uses[len].help = hmc_notes[j].help;
            }
        len++;
    }
    return len;
}

static int print_help(const struct command *command)
{
    struct option_use uses[OPTIONS_MAX];
    u32 len = options_of(command, uses);
    printf("Usage: %s", command->name);
    for (u32 i = 0; i < len; i++)
        printf(uses[i].needed ? " %s%s%s" : " [%s%s%s]", uses[i].spelling, uses[i].value ? " " : "",
               uses[i].value ? uses[i].value : "");
    printf(" [--help]\n\n%s\n\n", command->summary);
    for (u32 i = 0; i < len; i++) {
        char left[64];
        snprintf(left, sizeof(left), "%s %s", uses[i].spelling, uses[i].value ? uses[i].value : "");
        printf("  %-22s %s\n", left, uses[i].help);
    }
    bool first = true;
    for (u32 i = 0; i < hmc_resources_len; i++) {
        const struct resource *r = &hmc_resources[i];
        if (strcmp(r->command, command->name) || !*r->resource)
            continue;
        printf("%s  -r %s%s%s%s%s: %s\n", first ? "\nResources:\n" : "", r->resource, r->subtype ? " --rsubtype " : "",
               r->subtype ? r->subtype : "", r->level ? " --level " : "", r->level ? r->level : "", r->help);
        first = false;
    }
    first = true;
    for (u32 i = 0; i < hmc_operations_len; i++) {
        const struct operation *o = &hmc_operations[i];
        if (strcmp(o->command, command->name))
            continue;
        printf("%s  -r %s -o %s: %s\n", first ? "\nOperations:\n" : "", o->resource, o->operation, o->help);
        first = false;
    }
    return -1;
}

int options_parse(const struct command *command, int argc, char **argv, struct options *o)
{
    bool needed;
    *o = (struct options){0};
    for (int i = 1; i < argc; i++) {
        const struct row *row = NULL;
        size_t len = strncmp(argv[i], "--", 2) == 0 ? strcspn(argv[i], "=") : strlen(argv[i]);
        for (unsigned j = 0; j < ARRAY_LEN(rows); j++)
            if (strlen(rows[j].spelling) == len && strncmp(rows[j].spelling, argv[i], len) == 0)
                row = &rows[j];
        if (row && row->at == offsetof(struct options, help))
            return print_help(command);
        if (!row || !takes(command, row->spelling, &needed))
            return options_refuse(argv[i], "%s is no parameter of %s", argv[i], command->name);
        const char **field = (const char **)((char *)o + row->at), *value = argv[i][len] ? argv[i] + len + 1 : NULL;
        bool optional = row->at == offsetof(struct options, fields);
        if (*field)
            return options_refuse(row->spelling, "%s is given twice", row->spelling);
        if (!row->value) {
            *field = "1";
        } else if (value) {
            *field = value;
        } else if (i + 1 < argc && (!optional || argv[i + 1][0] != '-')) {
            *field = argv[++i];
        } else if (optional) {
            *field = "";
        } else {
            return options_refuse(row->spelling, "%s needs a value", row->spelling);
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        if (takes(command, rows[i].spelling, &needed) && needed && !*(const char **)((char *)o + rows[i].at))
            return options_refuse(rows[i].spelling, "%s %s is missing", rows[i].spelling, rows[i].value);
    return 0;
}
