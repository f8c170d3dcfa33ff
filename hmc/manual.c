// SPDX-License-Identifier: Apache-2.0
#include "hmc/manual.h"

#include <string.h>

#include "base/roff.h"
#include "hmc/output.h"
#include "hmc/resources.h"

static void line(FILE *to, const char *macro, const char *text)
{
    if (*macro)
        fprintf(to, "%s \"", macro);
    for (const char *p = text; *p; p += strcspn(p, "\""), p += *p == '"') {
        char piece[4096];
        snprintf(piece, sizeof(piece), "%.*s", (int)strcspn(p, "\""), p);
        roff_text(to, piece);
        if (p[strcspn(p, "\"")])
            fputs(*macro ? "\\(dq" : "\"", to);
    }
    fputs(*macro ? "\"\n" : "\n", to);
}

static void tagged(FILE *to, const char *tag, const char *value, const char *text)
{
    fprintf(to, ".TP\n\\fB");
    roff_text(to, tag);
    fputs("\\fR", to);
    if (value && *value) {
        fputs(" \\fI", to);
        roff_text(to, value);
        fputs("\\fR", to);
    }
    fputc('\n', to);
    line(to, "", text);
}

static void heading(FILE *to, const char *name, const char *summary)
{
    char upper[64];
    size_t len = MIN(strlen(name), sizeof(upper) - 1);
    for (size_t i = 0; i < len; i++)
        upper[i] = (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 'a' + 'A' : name[i]);
    upper[len] = 0;
    fprintf(to,
            ".\\\" Made from the tables of hmc/; SPDX-License-Identifier: Apache-2.0\n.TH %s 1 \"\" \"OpenLPAR %s\" "
            "\"User Commands\"\n.SH NAME\n%s \\- ",
            upper, OPENLPAR_VERSION, name);
    char text[300];
    snprintf(text, sizeof(text), "%s", summary);
    size_t end = strlen(text);
    if (end && text[end - 1] == '.')
        text[end - 1] = 0;
    if (*text >= 'A' && *text <= 'Z')
        *text = (char)(*text - 'A' + 'a');
    line(to, "", text);
}

static void synopsis(FILE *to, const struct command *command, const struct option_use *uses, u32 len)
{
    fprintf(to, ".SH SYNOPSIS\n.SY %s\n", command->name);
    for (u32 i = 0; i < len; i++) {
        fputs(uses[i].needed ? "\\fB" : "[\\fB", to);
        roff_text(to, uses[i].spelling);
        fputs("\\fR", to);
        if (uses[i].value) {
            bool optional = strcmp(uses[i].spelling, "-F") == 0;
            fprintf(to, "\\~%s\\fI", optional ? "[" : "");
            roff_text(to, uses[i].value);
            fprintf(to, "\\fR%s", optional ? "]" : "");
        }
        fputs(uses[i].needed ? "\n" : "]\n", to);
    }
    fputs(".YS\n", to);
}

static void resources(FILE *to, const struct command *command)
{
    bool any = false;
    for (u32 i = 0; i < hmc_resources_len; i++) {
        const struct resource *r = &hmc_resources[i];
        char tag[100];
        if (strcmp(r->command, command->name) || !*r->resource)
            continue;
        if (!any)
            fputs(".SH RESOURCES\n", to);
        any = true;
        snprintf(tag, sizeof(tag), "-r %s%s%s%s%s", r->resource, r->subtype ? " --rsubtype " : "",
                 r->subtype ? r->subtype : "", r->level ? " --level " : "", r->level ? r->level : "");
        tagged(to, tag, NULL, r->help);
    }
    any = false;
    for (u32 i = 0; i < hmc_operations_len; i++) {
        const struct operation *o = &hmc_operations[i];
        char tag[100];
        if (strcmp(o->command, command->name))
            continue;
        if (!any)
            fputs(".SH OPERATIONS\n", to);
        any = true;
        snprintf(tag, sizeof(tag), "-r %s -o %s", o->resource, o->operation);
        tagged(to, tag, NULL, o->help);
    }
}

// What may be written for the attribute.
static void range(const struct attr *a, char *text, size_t size)
{
    *text = 0;
    switch (a->type) {
    case ATTR_NUM:
        if (a->high < 1ull << 40)
            snprintf(text, size, "%llu to %llu", (unsigned long long)a->low, (unsigned long long)a->high);
        break;
    case ATTR_UNITS:
    case ATTR_FACTOR: snprintf(text, size, "two decimals"); break;
    case ATTR_FLAG: snprintf(text, size, "0 or 1"); break;
    case ATTR_CHOICE: {
        size_t used = 0;
        for (const char *p = a->choices; *p && used < size; p += strcspn(p, "|"), p += *p == '|')
            used += (size_t)snprintf(text + used, size - used, "%s%.*s", used ? ", " : "", (int)strcspn(p, "|"), p);
        break;
    }
    case ATTR_LIST: snprintf(text, size, "a list"); break;
    case ATTR_PATH: snprintf(text, size, "an absolute path"); break;
    default: break;
    }
}

static void attribute(FILE *to, const struct attr *a, bool giving, bool making)
{
    char text[1500], values[600];
    range(a, values, sizeof(values));
    snprintf(text, sizeof(text), "%s%s%s%s%s%s%s.", a->help, *values ? " (" : "", values, *values ? ")" : "",
             making && a->initial && *a->initial ? "; without it " : "", making && a->initial ? a->initial : "",
             !giving && !(a->flags & ATTR_SHOWN) ? "; only with -F" : "");
    if (*text >= 'a' && *text <= 'z' && strncmp(a->help, "0: ", 3))
        *text = (char)(*text - 'a' + 'A');
    tagged(to, a->name, NULL, text);
}

static void attributes(FILE *to, const struct command *command)
{
    bool making = strcmp(command->name, "mksyscfg") == 0, changing = strncmp(command->name, "ch", 2) == 0,
         listing = strncmp(command->name, "ls", 2) == 0;
    if (strcmp(command->name, "chsysstate") == 0 || !(making || changing || listing))
        return;
    for (u32 i = 0; i < hmc_resources_len; i++) {
        const struct resource *r = &hmc_resources[i];
        const char *filters[LISTING_FILTERS_MAX];
        char title[120];
        u32 len;
        if (strcmp(r->command, command->name) || !r->object)
            continue;
        const struct attr *attrs = attr_list(r->object, &len);
        snprintf(title, sizeof(title), *r->resource ? "ATTRIBUTES OF %s%s%s" : "ATTRIBUTES", r->resource,
                 r->level ? " --level " : "", r->level ? r->level : "");
        line(to, ".SH", title);
        for (u32 j = 0; j < len; j++)
            if (listing ? attrs[j].flags != ATTR_MAKE && attrs[j].flags != ATTR_CHANGE
                        : (attrs[j].flags & (making ? ATTR_MAKE : ATTR_CHANGE | ATTR_KEY)))
                attribute(to, &attrs[j], !listing, making);
        if (!listing || !strstr(command->options, "--filter"))
            continue;
        u32 filters_len = listing_filter_names(r->object, filters);
        if (!filters_len)
            continue;
        fputs(".PP\nFilters: ", to);
        for (u32 j = 0; j < filters_len; j++)
            fprintf(to, "%s\\fB%s\\fR", j ? ", " : "", filters[j]);
        fputs(".\n", to);
    }
}

static void ending(FILE *to, const struct command *command)
{
    bool any = false;
    fputs(".SH EXIT STATUS\n0: done. 1: refused; the reason is on standard error, with its code where the console has "
          "one.\n",
          to);
    for (u32 i = 0; i < hmc_examples_len; i++) {
        if (strcmp(hmc_examples[i].command, command->name))
            continue;
        if (!any)
            fputs(".SH EXAMPLES\n", to);
        any = true;
        fputs(".PP\n", to);
        line(to, "", hmc_examples[i].help);
        fputs(".PP\n.in +4n\n.nf\n", to);
        line(to, "", hmc_examples[i].line);
        fputs(".fi\n.in\n", to);
    }
    fputs(".SH SEE ALSO\n.BR hmc (1),\n.BR openlpar (1)\n", to);
}

static void overview(FILE *to)
{
    heading(to, "hmc", "the commands of a hardware management console");
    fputs(".SH SYNOPSIS\n.B hmc\n.I COMMAND\n.RI [ OPTION ...]\n.br\n.I COMMAND\n.RI [ OPTION ...]\n.SH DESCRIPTION\n",
          to);
    line(to, "",
         "The commands that PowerVM's administrators type, for managed systems of OpenLPAR that run on this host. Each "
         "one "
         "is also a program of its own name.");
    fputs(".SH COMMANDS\n", to);
    for (u32 i = 0; i < hmc_commands_len; i++)
        tagged(to, hmc_commands[i].name, NULL, hmc_commands[i].summary);
    fputs(".SH OUTPUT\n", to);
    line(to, "",
         "A line for each object: attr=value,attr=value. A value that holds commas is a list, and its pair stands "
         "between "
         "quotes: \"power_ctrl_lpar_ids=1,5\". With -F there are values alone, in the order of the names, and what "
         "stands between the names stands between the values; --header repeats the names first. null: no value; none: "
         "an empty list. Nothing to list: No results were found.");
    fputs(".SH RECORDS\n", to);
    line(to, "",
         "What -i takes is written in the same way. += and -= add to and take from a list. With -f each line of a file "
         "is a record.");
    fputs(".SH FILTERS\n", to);
    line(to, "",
         "--filter name=value chooses objects; several values stand between commas, and then, beside other filters, "
         "between quotes: --filter \"\\\"lpar_names=a,b\\\",profile_names=p\".");
    fputs(".SH SEE ALSO\n.BR openlpar (1)", to);
    for (u32 i = 0; i < hmc_commands_len; i++)
        fprintf(to, ",\n.BR %s (1)", hmc_commands[i].name);
    fputc('\n', to);
}

void manual_print(FILE *to, const struct command *command)
{
    struct option_use uses[OPTIONS_MAX];
    if (!command) {
        overview(to);
        return;
    }
    u32 len = options_of(command, uses);
    heading(to, command->name, command->summary);
    synopsis(to, command, uses, len);
    fputs(".SH DESCRIPTION\n", to);
    line(to, "", command->summary);
    fputs("It is a command of\n.BR hmc (1),\nwhich describes records, filters and output.\n.SH OPTIONS\n", to);
    for (u32 i = 0; i < len; i++)
        tagged(to, uses[i].spelling, uses[i].value, uses[i].help);
    tagged(to, "--help", NULL, "a summary of the options");
    resources(to, command);
    attributes(to, command);
    ending(to, command);
}
