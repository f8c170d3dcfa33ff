// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int options_refuse(const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    for (char *p = text; *p; p++) // one line, whatever somebody passed
        if ((u8)*p < 0x20 || *p == 0x7f)
            *p = '?';
    fprintf(stderr, "openlpar: %s\n", text);
    return 1;
}

u64 parse_size(const char *text)
{
    u64 whole = 0, fraction = 0, scale = 1;
    const char *p = text;
    if (*p < '0' || *p > '9')
        return 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        whole = whole * 10 + (u64)(*p - '0');
        if (whole > 1ull << 40)
            return 0;
    }
    if (*p == '.') {
        for (p++; *p >= '0' && *p <= '9' && scale < 1000000; p++) {
            fraction = fraction * 10 + (u64)(*p - '0');
            scale *= 10;
        }
        if (scale == 1)
            return 0;
    }
    u64 unit;
    switch (*p) {
    case 'K':
    case 'k': unit = KIB; break;
    case 'M':
    case 'm': unit = MIB; break;
    case 'G':
    case 'g': unit = GIB; break;
    case 'T':
    case 't': unit = 1024 * GIB; break;
    default: return 0;
    }
    p++;
    if (*p == 'i')
        p++;
    if (*p == 'B')
        p++;
    if (*p || whole > UINT64_MAX / unit / 2)
        return 0;
    return whole * unit + (u64)((u128)fraction * unit / scale);
}

bool parse_number(const char *text, u64 low, u64 high, u64 *value)
{
    u64 v = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || v > (UINT64_MAX - 9) / 10)
            return false;
        v = v * 10 + (u64)(*text - '0');
    }
    *value = v;
    return v >= low && v <= high;
}

bool options_want_help(const char *arg)
{
    return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

static const struct option_row *find_row(const struct option_table *table, const char *name, size_t len)
{
    for (unsigned i = 0; i < table->len; i++)
        if (strlen(table->rows[i].name) == len && strncmp(table->rows[i].name, name, len) == 0)
            return &table->rows[i];
    return NULL;
}

int options_take(const struct option_table *table, void *options, int argc, char **argv, int *i)
{
    const char *name = argv[*i] + 2;
    size_t len = strcspn(name, "=");
    const struct option_row *row = find_row(table, name, len);
    if (!row)
        return options_refuse("unknown option '--%.*s'; %s --help lists them", (int)len, name, table->command);
    const char *value = name[len] ? name + len + 1 : NULL;
    if (!row->value && value)
        return options_refuse("--%s takes no value", row->name);
    if (row->value && !value) {
        if (*i + 1 == argc)
            return options_refuse("--%s needs a value: --%s %s", row->name, row->name, row->value);
        value = argv[++*i];
    }
    return row->set(options, value);
}

void options_print(const struct option_table *table)
{
    for (unsigned i = 0; i < table->len; i++) {
        const struct option_row *row = &table->rows[i];
        char left[64];
        snprintf(left, sizeof(left), "--%s%s%s", row->name, row->value ? " " : "", row->value ? row->value : "");
        printf("  %-24s %s\n", left, row->help);
    }
    printf("  %-24s %s\n", "--help", "this text");
}

int options_end_help(void)
{
    return fflush(stdout) || ferror(stdout) ? options_refuse("standard output: %s", strerror(errno)) : -1;
}
