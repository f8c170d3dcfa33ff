// SPDX-License-Identifier: Apache-2.0
// From words to a command that runs: the forms of its row say what may be given.
#include "vios/admin/ios_int.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void text_put(struct ios_text *text, const char *bytes, size_t len)
{
    if (text->len + len + 1 > text->size) {
        size_t size = MAX(text->size * 2, text->len + len + 256);
        char *grown = realloc(text->text, size);
        if (!grown)
            return; // what is printed is cut
        text->text = grown;
        text->size = size;
    }
    memcpy(text->text + text->len, bytes, len);
    text->len += len;
    text->text[text->len] = 0;
}

static void add(struct ios_text *text, const char *format, va_list values)
{
    char small[512], *big = NULL;
    va_list again;
    va_copy(again, values);
    int len = vsnprintf(small, sizeof(small), format, values);
    if (len >= (int)sizeof(small) && (big = malloc((size_t)len + 1)))
        vsnprintf(big, (size_t)len + 1, format, again);
    va_end(again);
    if (len > 0)
        text_put(text, big ? big : small, big ? (size_t)len : MIN((size_t)len, sizeof(small) - 1));
    free(big);
}

void text_add(struct ios_text *text, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    add(text, format, values);
    va_end(values);
}

void say(struct ios_call *call, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    add(&call->out->out, format, values);
    va_end(values);
}

int refuse(struct ios_call *call, const char *code, const char *format, ...)
{
    va_list values;
    if (code)
        text_add(&call->out->err, "%s ", code);
    va_start(values, format);
    add(&call->out->err, format, values);
    va_end(values);
    text_put(&call->out->err, "\n", 1);
    return 1;
}

void ios_out_fini(struct ios_out *out)
{
    free(out->out.text);
    free(out->err.text);
    *out = (struct ios_out){0};
}

const struct ios_command *ios_command_find(const char *name)
{
    for (u32 i = 0; i < ios_commands_len; i++)
        if (strcmp(ios_commands[i].name, name) == 0)
            return &ios_commands[i];
    return NULL;
}

bool ios_command_known(const char *command)
{
    return ios_command_find(command) != NULL;
}

const char *ios_command_name(u32 index)
{
    return index < ios_commands_len ? ios_commands[index].name : NULL;
}

bool ios_command_inside(const char *command)
{
    const struct ios_command *found = ios_command_find(command);
    return found && (found->flags & COMMAND_INSIDE);
}

// --- Forms

bool form_next(const char **form, struct form_word *word)
{
    const char *p = *form;
    while (*p == ' ')
        p++;
    memset(word, 0, sizeof(*word));
    word->needed = *p != '[';
    p += *p == '[';
    if (*p == '-') {
        size_t len = strcspn(p, "=] \n");
        memcpy(word->option, p, MIN(len, sizeof(word->option) - 1));
        p += len;
        if (*p == '=') {
            p++;
            word->value_optional = *p == '[';
            p += word->value_optional;
        }
    }
    size_t len = strcspn(p, ".] \n");
    memcpy(word->value, p, MIN(len, sizeof(word->value) - 1));
    p += len;
    if (*p == '.') {
        word->many = true;
        p += 3;
    }
    while (*p == ']')
        p++;
    *form = p;
    return *word->option || *word->value;
}

void form_print(const char *form, char *text, size_t size)
{
    snprintf(text, size, "%.*s", (int)strcspn(form, "\n"), form);
    for (char *p = text; *p; p++)
        if (*p == '=')
            *p = ' ';
}

static const char *next_form(const char *form)
{
    form += strcspn(form, "\n");
    return *form ? form + 1 : NULL;
}

// What kind of option it is for the command, whichever form it is in.
static bool find_option(const struct ios_command *command, const char *option, struct form_word *word)
{
    for (const char *form = command->forms; form; form = next_form(form))
        for (const char *p = form; form_next(&p, word);)
            if (*word->option && strcmp(word->option, option) == 0)
                return true;
    return false;
}

static int usage(struct ios_call *call)
{
    for (const char *form = call->command->forms; form; form = next_form(form)) {
        char text[600];
        form_print(form, text, sizeof(text));
        text_add(&call->out->err, "%s %s%s%s\n", form == call->command->forms ? "Usage:" : "      ",
                 call->command->name, *text ? " " : "", text);
    }
    return 1;
}

static int split(struct ios_call *call, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct form_word word;
        bool number = argv[i][0] == '-' && isdigit((unsigned char)argv[i][1]);
        if (argv[i][0] != '-' || !argv[i][1] || number) {
            if (call->operands_len == OPERANDS_MAX)
                return refuse(call, NULL, "There are more than %u operands.", OPERANDS_MAX);
            call->operand[call->operands_len++] = argv[i];
            continue;
        }
        if (!find_option(call->command, argv[i], &word)) {
            refuse(call, NULL, "Option \"%s\" is not valid.", argv[i]);
            return usage(call);
        }
        if (call_has(call, argv[i]) || call->options_len == OPTIONS_MAX) {
            refuse(call, NULL, "Option \"%s\" is given twice.", argv[i]);
            return usage(call);
        }
        u32 at = call->options_len++;
        call->option[at].name = argv[i];
        call->option[at].values = argv + i + 1;
        if (!*word.value)
            continue;
        u32 most = word.many ? ~0u : 1u, len = 0;
        while (i + 1 < argc && len < most && (argv[i + 1][0] != '-' || (!len && !word.value_optional && !word.many))) {
            len++;
            i++;
        }
        if (!len && !word.value_optional) {
            refuse(call, NULL, "Option \"%s\" requires an argument.", argv[i]);
            return usage(call);
        }
        call->option[at].values_len = len;
    }
    return 0;
}

// How well a form takes what was given: all of it and nothing is missing; otherwise `lacks` names what is.
static bool form_fits(const struct ios_call *call, const char *form, u32 *known, char *lacks, size_t size)
{
    struct form_word word;
    u32 low = 0, high = 0, at = 0;
    *known = 0;
    *lacks = 0;
    for (const char *p = form; form_next(&p, &word);) {
        if (*word.option) {
            *known += call_has(call, word.option);
            if (word.needed && !call_has(call, word.option) && !*lacks)
                snprintf(lacks, size, "Command requires option \"%s\".", word.option);
            continue;
        }
        low += word.needed;
        high += word.many ? OPERANDS_MAX : 1;
        at++;
        if (word.needed && call->operands_len < low && !*lacks)
            snprintf(lacks, size, "Command requires the operand %s.", word.value);
    }
    if (call->operands_len > high && !*lacks)
        snprintf(lacks, size, "\"%s\" is an operand too many.", call->operand[high]);
    return !*lacks && *known == call->options_len;
}

static int check_forms(struct ios_call *call)
{
    char lacks[120], best[120] = "";
    u32 known, most = 0;
    for (const char *form = call->command->forms; form; form = next_form(form)) {
        if (form_fits(call, form, &known, lacks, sizeof(lacks)))
            return 0;
        if (!*best || known > most || (known == most && !*lacks))
            snprintf(best, sizeof(best), "%s", *lacks ? lacks : "These options cannot be given together.");
        most = MAX(most, known);
    }
    refuse(call, NULL, "%s", best);
    return usage(call);
}

static int find(const struct ios_call *call, const char *option)
{
    for (u32 i = 0; i < call->options_len; i++)
        if (strcmp(call->option[i].name, option) == 0)
            return (int)i;
    return -1;
}

bool call_has(const struct ios_call *call, const char *option)
{
    return find(call, option) >= 0;
}

const char *call_value(const struct ios_call *call, const char *option)
{
    int at = find(call, option);
    return at >= 0 && call->option[at].values_len ? call->option[at].values[0] : NULL;
}

char **call_values(const struct ios_call *call, const char *option, u32 *len)
{
    int at = find(call, option);
    *len = at >= 0 ? call->option[at].values_len : 0;
    return at >= 0 ? call->option[at].values : NULL;
}

// --- What arguments mean

u64 call_size(struct ios_call *call, const char *text, u64 unit)
{
    char *end;
    u64 number = strtoull(text, &end, 10);
    if (*end == 'M' || *end == 'm')
        unit = MIB;
    else if (*end == 'G' || *end == 'g')
        unit = GIB;
    else if (*end == 'T' || *end == 't')
        unit = 1024 * GIB;
    bool letter = *end && strchr("MmGgTt", *end);
    if (!isdigit((unsigned char)*text) || end[letter] || !number || !unit || number > (1ull << 60) / unit) {
        refuse(call, NULL, "\"%s\" is not a valid size; give it in megabytes, gigabytes or terabytes: 512M, 20G, 1T.",
               text);
        return 0;
    }
    return number * unit;
}

bool call_name(struct ios_call *call, const char *name, u32 max)
{
    size_t len = strlen(name);
    bool ok = len && len <= max &&
              strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+") == len &&
              *name != '.' && *name != '-';
    if (!ok)
        refuse(call, NULL,
               "\"%s\" is not a valid name: 1 to %u letters, digits and . _ - +, not beginning with . or -.", name,
               max);
    return ok;
}

// --- Tables

static bool choose(struct ios_table *table, u32 len)
{
    u32 fields_len;
    char **fields = call_values(table->call, "-field", &fields_len);
    for (u32 i = 0; i < fields_len; i++) {
        u32 at = 0;
        while (at < len && strcasecmp(table->columns[at].field, fields[i]))
            at++;
        if (at == len || table->chosen_len == COLUMNS_MAX) {
            refuse(table->call, NULL, "\"%s\" is not a valid field name.", fields[i]);
            text_add(&table->call->out->err, "Fields:");
            for (at = 0; at < len; at++)
                text_add(&table->call->out->err, " %s", table->columns[at].field);
            text_put(&table->call->out->err, "\n", 1);
            return false;
        }
        table->chosen[table->chosen_len++] = at;
    }
    while (!fields_len && table->chosen_len < len) {
        table->chosen[table->chosen_len] = table->chosen_len;
        table->chosen_len++;
    }
    return true;
}

static void put_cell(struct ios_table *table, u32 i, const char *text)
{
    const struct ios_column *column = &table->columns[table->chosen[i]];
    bool last = i + 1 == table->chosen_len;
    if (table->fmt)
        say(table->call, "%s%s", text, last ? "\n" : table->fmt);
    else if (column->width < 0)
        say(table->call, "%*s%s", -column->width, text, last ? "\n" : "  ");
    else
        say(table->call, "%-*s%s", last ? 0 : column->width, text, last ? "" : " ");
    struct ios_text *out = &table->call->out->out;
    if (!last || table->fmt || column->width < 0)
        return;
    while (out->len && out->text[out->len - 1] == ' ')
        out->len--;
    text_put(out, "\n", 1);
}

bool table_begin(struct ios_table *table, struct ios_call *call, const struct ios_column *columns, u32 len)
{
    *table = (struct ios_table){.call = call, .columns = columns, .fmt = call_value(call, "-fmt")};
    if (!choose(table, len))
        return false;
    for (u32 i = 0; i < table->chosen_len && !table->fmt; i++)
        put_cell(table, i, columns[table->chosen[i]].title);
    return true;
}

void table_row(struct ios_table *table, const char *const *values)
{
    for (u32 i = 0; i < table->chosen_len; i++)
        put_cell(table, i, values[table->chosen[i]]);
}

// --- Running

#define COMMANDS_KEPT 5000

static void log_command(struct ios *ios, const char *user, int argc, char **argv)
{
    struct ios_text line = {0};
    for (int i = 0; i < argc; i++)
        text_add(&line, "%s%s", i ? " " : "", argv[i]);
    odm_run(ios, "INSERT INTO command(time, user, text) VALUES(?, ?, ?)", "iss", (s64)time(NULL), user,
            line.text ? line.text : "");
    odm_run(ios, "DELETE FROM command WHERE id <= (SELECT max(id) FROM command) - ?", "i", (s64)COMMANDS_KEPT);
    free(line.text);
}

static int run_change(struct ios_call *call)
{
    struct ios *ios = call->ios;
    if (!odm_begin(ios))
        return refuse(call, "0514-041", "The device configuration database cannot be written: %s",
                      sqlite3_errmsg(ios->db));
    size_t printed = call->out->out.len;
    int status = call->command->run(call);
    if (status) {
        odm_rollback(ios);
        return status;
    }
    if (odm_commit(ios))
        return 0;
    call->out->out.len = printed; // nothing of it happened
    if (call->out->out.text)
        call->out->out.text[printed] = 0;
    return refuse(call, "0514-041", "The device configuration database cannot be written: %s; nothing was changed.",
                  sqlite3_errmsg(ios->db));
}

int ios_run(struct ios *ios, const char *user, int argc, char **argv, struct ios_out *out)
{
    struct ios_call call = {.ios = ios, .out = out, .user = user};
    if (argc && strcmp(argv[0], "ioscli") == 0) {
        argc--;
        argv++;
    }
    if (!argc) {
        refuse(&call, NULL, "A command is missing; help lists them.");
        return 1;
    }
    call.command = ios_command_find(argv[0]);
    if (!call.command) {
        refuse(&call, NULL, "Command \"%s\" is not valid; help lists those that are.", argv[0]);
        return 127;
    }
    if (argc == 2 && (strcmp(argv[1], "-help") == 0 || strcmp(argv[1], "--help") == 0)) {
        char *help[] = {(char *)"help", argv[0]};
        return ios_run(ios, user, 2, help, out);
    }
    int status = split(&call, argc, argv);
    if (!status)
        status = check_forms(&call);
    if (status)
        return status;
    if (call.command->flags & (COMMAND_CHANGES | COMMAND_LOGGED))
        log_command(ios, user, argc, argv);
    ios->failed = false;
    status = call.command->flags & COMMAND_CHANGES ? run_change(&call) : call.command->run(&call);
    if (!status && ios->failed)
        status =
            refuse(&call, "0514-041", "The device configuration database cannot be read: %s", sqlite3_errmsg(ios->db));
    if (ios->power) {
        char why[IOS_WHY_MAX] = "";
        bool restart = ios->restart;
        ios->power = ios->restart = false;
        if (ios->config.effects && ios->config.effects->power &&
            ios->config.effects->power(ios->config.context, restart, why))
            return refuse(&call, NULL, "The partition cannot be shut down: %s", why);
    }
    return status;
}
