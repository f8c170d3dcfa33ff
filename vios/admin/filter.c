// SPDX-License-Identifier: Apache-2.0
#include "vios/admin/filter.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "vios/admin/ios_int.h"

#define PATTERN_MAX 128u

struct lines {
    char *text, **line;
    u32 len;
};

struct filter {
    const char *name, *letters, *usage;
    int (*run)(struct filter *f, struct lines *lines);
    struct ios_out *out;
    bool given[128];
    long number; // -N, -n N
    bool has_number;
    const char *operand;
};

static bool lines_split(struct lines *l, const struct ios_text *input)
{
    u32 len = 0;
    l->text = malloc(input->len + 1);
    l->len = 0;
    for (size_t i = 0; i < input->len; i++)
        len += input->text[i] == '\n';
    l->line = calloc(len + 1, sizeof(*l->line));
    if (!l->text || !l->line)
        return false;
    if (input->len)
        memcpy(l->text, input->text, input->len);
    l->text[input->len] = 0;
    for (char *p = l->text; *p;) {
        l->line[l->len++] = p;
        p += strcspn(p, "\n");
        if (*p)
            *p++ = 0;
    }
    return true;
}

static void put(struct filter *f, const char *line)
{
    text_put(&f->out->out, line, strlen(line));
    text_put(&f->out->out, "\n", 1);
}

// What takes the library of expressions long, or much memory, is not needed to find a line.
static bool costly(const char *pattern, bool extended)
{
    for (const char *p = pattern; *p; p++) {
        bool escaped = *p == '\\' && p[1];
        p += escaped;
        if ((*p == '{' && escaped != extended) || (escaped && isdigit((unsigned char)*p)))
            return true;
    }
    return strlen(pattern) > PATTERN_MAX;
}

static int grep(struct filter *f, struct lines *l)
{
    regex_t regex;
    u32 found = 0;
    if (!f->operand) {
        text_add(&f->out->err, "Usage: %s\n", f->usage);
        return 2;
    }
    if (costly(f->operand, f->given['E']) ||
        regcomp(&regex, f->operand, REG_NOSUB | (f->given['E'] ? REG_EXTENDED : 0) | (f->given['i'] ? REG_ICASE : 0))) {
        text_add(&f->out->err, "grep: \"%s\" is not a valid pattern.\n", f->operand);
        return 2;
    }
    for (u32 i = 0; i < l->len; i++) {
        if ((regexec(&regex, l->line[i], 0, NULL, 0) == 0) == f->given['v'])
            continue;
        found++;
        if (f->given['c'])
            continue;
        if (f->given['n'])
            text_add(&f->out->out, "%u:", i + 1);
        put(f, l->line[i]);
    }
    regfree(&regex);
    if (f->given['c'])
        text_add(&f->out->out, "%u\n", found);
    return !found;
}

static int head(struct filter *f, struct lines *l)
{
    u32 len = f->has_number ? (u32)MIN(f->number, 1l << 30) : 10;
    for (u32 i = 0; i < MIN(len, l->len); i++)
        put(f, l->line[i]);
    return 0;
}

static int tail(struct filter *f, struct lines *l)
{
    u32 len = f->has_number ? (u32)MIN(f->number, 1l << 30) : 10;
    for (u32 i = l->len - MIN(len, l->len); i < l->len; i++)
        put(f, l->line[i]);
    return 0;
}

static int count(struct filter *f, struct lines *l)
{
    size_t words = 0, chars = 0;
    for (u32 i = 0; i < l->len; i++) {
        chars += strlen(l->line[i]) + 1;
        for (const char *p = l->line[i]; *p; p++)
            words += !isspace((unsigned char)*p) && (p == l->line[i] || isspace((unsigned char)p[-1]));
    }
    bool all = !f->given['l'] && !f->given['w'] && !f->given['c'];
    if (all || f->given['l'])
        text_add(&f->out->out, "%s%u", all ? "       " : "", l->len);
    if (all || f->given['w'])
        text_add(&f->out->out, "%s%zu", all || f->given['l'] ? "       " : "", words);
    if (all || f->given['c'])
        text_add(&f->out->out, "%s%zu", all || f->given['l'] || f->given['w'] ? "       " : "", chars);
    text_put(&f->out->out, "\n", 1);
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_number(const void *a, const void *b)
{
    double left = strtod(*(char *const *)a, NULL), right = strtod(*(char *const *)b, NULL);
    return left < right ? -1 : left > right ? 1 : by_text(a, b);
}

static int sort(struct filter *f, struct lines *l)
{
    const char *last = NULL;
    if (l->len)
        qsort(l->line, l->len, sizeof(*l->line), f->given['n'] ? by_number : by_text);
    for (u32 i = 0; i < l->len; i++) {
        const char *line = l->line[f->given['r'] ? l->len - 1 - i : i];
        if (!f->given['u'] || !last || strcmp(last, line))
            put(f, line);
        last = line;
    }
    return 0;
}

static int more(struct filter *f, struct lines *l)
{
    for (u32 i = 0; i < l->len; i++)
        put(f, l->line[i]);
    return 0;
}

static const struct filter filters[] = {
    {.name = "grep", .letters = "ivncE", .usage = "grep [-ivncE] PATTERN", .run = grep},
    {.name = "head", .letters = "#", .usage = "head [-n] [-NUMBER]", .run = head},
    {.name = "tail", .letters = "#", .usage = "tail [-n] [-NUMBER]", .run = tail},
    {.name = "wc", .letters = "lwc", .usage = "wc [-lwc]", .run = count},
    {.name = "sort", .letters = "rnu", .usage = "sort [-rnu]", .run = sort},
    {.name = "more", .letters = "", .usage = "more", .run = more},
};

static bool take_number(struct filter *f, const char *text)
{
    char *end;
    f->number = strtol(text, &end, 10);
    f->has_number = true;
    return isdigit((unsigned char)*text) && !*end;
}

static bool parse(struct filter *f, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        bool numbers = *f->letters == '#';
        if (*word != '-' || !word[1]) {
            if (f->operand || f->run != grep)
                return false;
            f->operand = word;
        } else if (numbers) {
            word += word[1] == 'n' ? 2 : 1;
            if (!*word && ++i < argc)
                word = argv[i];
            if (!take_number(f, word))
                return false;
        } else {
            for (word++; *word; word++) {
                if (!strchr(f->letters, *word))
                    return false;
                f->given[(unsigned char)*word] = true;
            }
        }
    }
    return true;
}

int filter_run(int argc, char **argv, const struct ios_text *input, struct ios_out *out)
{
    struct lines l = {0};
    for (u32 i = 0; i < ARRAY_LEN(filters); i++) {
        struct filter f = filters[i];
        if (strcmp(f.name, argv[0]))
            continue;
        f.out = out;
        if (!parse(&f, argc, argv)) {
            text_add(&out->err, "Usage: %s\n", f.usage);
            return 2;
        }
        int status = lines_split(&l, input) ? f.run(&f, &l) : 1;
        free(l.text);
        free(l.line);
        return status;
    }
    text_add(&out->err, "\"%s\" is not something that a pipe may lead to: grep, head, tail, wc, sort, more.\n",
             argv[0]);
    return 127;
}
