// SPDX-License-Identifier: Apache-2.0
#include "hmc/grammar.h"

#include <stdlib.h>
#include <string.h>

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static int bad(struct grammar *g, char *why, size_t size, const char *what, const char *pair)
{
    snprintf(why, size, "%s: %.200s", what, pair);
    grammar_free(g);
    return -1;
}

void grammar_free(struct grammar *g)
{
    free(g->owned);
    *g = (struct grammar){.owned = NULL};
}

// Takes the next pair out of *at into the buffer at *to, without quotes. false: a quote that does not end, or ends before its pair does.
static bool take_piece(const char **at, char **to, bool *quoted)
{
    const char *p = *at;
    char *out = *to;
    *quoted = *p == '"';
    if (*quoted)
        p++;
    for (;; p++) {
        if (*quoted ? *p == '"' && p[1] == '"' : false) {
            *out++ = '"';
            p++;
        } else if (*quoted && *p == '"') {
            p++;
            break;
        } else if (!*p || (!*quoted && *p == ',')) {
            if (*quoted)
                return false;
            break;
        } else {
            if (!*quoted && *p == '"')
                return false;
            *out++ = *p;
        }
    }
    if (*p && *p != ',')
        return false;
    *out++ = 0;
    *to = out;
    *at = p;
    return true;
}

// Quotes that a shell on the way left escaped.
static char *without_escapes(const char *text)
{
    char *copy = malloc(strlen(text) + 1), *out = copy;
    for (const char *p = text; copy && *p; p++)
        if (!(*p == '\\' && p[1] == '"'))
            *out++ = *p;
    if (copy)
        *out = 0;
    return copy;
}

// Splits "name+=value" in place.
static bool split(char *piece, struct grammar_pair *pair)
{
    char *equals = strchr(piece, '=');
    if (!equals || equals == piece)
        return false;
    char *end = equals;
    pair->change = end[-1] == '+' ? WIRE_ADD : end[-1] == '-' ? WIRE_TAKE : WIRE_SET;
    if (pair->change != WIRE_SET)
        end--;
    for (const char *p = piece; p < end; p++)
        if (!name_char(*p))
            return false;
    *end = 0;
    pair->name = piece;
    pair->value = equals + 1;
    return end > piece;
}

static int parse(struct grammar *g, const char *text, bool filter, char *why, size_t why_size)
{
    *g = (struct grammar){.owned = NULL};
    char *plain = without_escapes(text);
    g->owned = plain ? malloc(2 * strlen(plain) + 2) : NULL;
    if (!g->owned) {
        free(plain);
        return bad(g, why, why_size, "there is no memory for the record", "");
    }
    const char *at = plain, *name = NULL;
    char *to = g->owned;
    int err = 0;
    while (!err) {
        char *piece = to;
        bool quoted;
        struct grammar_pair pair;
        if (!take_piece(&at, &to, &quoted)) {
            err = bad(g, why, why_size, "a quotation mark is missing or in the wrong place", at);
            break;
        }
        bool more = *at == ',';
        at += more;
        if (filter && !quoted && !strchr(piece, '=') && name) {
            pair = (struct grammar_pair){.name = name, .value = piece};
        } else if (!split(piece, &pair) || (filter && pair.change)) {
            err = bad(g, why, why_size, "this is not of the form attribute=value", piece);
            break;
        } else if (!filter && !quoted && strpbrk(pair.value, "=")) {
            err =
                bad(g, why, why_size, "the value has to be in quotation marks, together with its attribute", pair.name);
            break;
        }
        name = pair.name;
        // A filter between quotes has several values.
        for (char *value = (char *)(uintptr_t)pair.value; value; value = filter ? strchr(value, ',') : NULL) {
            if (value != pair.value)
                *value++ = 0;
            if (g->len == GRAMMAR_PAIRS_MAX) {
                err = bad(g, why, why_size, "these are too many attributes", pair.name);
                break;
            }
            g->pairs[g->len++] = (struct grammar_pair){pair.name, value, pair.change};
            if (!filter)
                break;
        }
        if (!more)
            break;
    }
    free(plain);
    return err;
}

int grammar_record(struct grammar *g, const char *text, char *why, size_t why_size)
{
    return parse(g, text, false, why, why_size);
}

int grammar_filter(struct grammar *g, const char *text, char *why, size_t why_size)
{
    return parse(g, text, true, why, why_size);
}

void grammar_write(FILE *to, const char *name, const char *value, char delimiter)
{
    bool quote = strchr(value, '"') || strchr(value, name ? ',' : delimiter);
    if (quote)
        putc('"', to);
    if (name)
        fprintf(to, "%s=", name);
    for (const char *p = value; *p; p++) {
        if (*p == '"')
            putc('"', to);
        putc(*p, to);
    }
    if (quote)
        putc('"', to);
}

int grammar_fields(struct grammar_fields *f, const char *text)
{
    f->len = 0;
    f->delimiter = ',';
    if (strlen(text) >= sizeof(f->text))
        return -1;
    strcpy(f->text, text);
    bool known = false;
    for (char *p = f->text;;) {
        char *name = p;
        while (name_char(*p))
            p++;
        if (p == name || f->len == GRAMMAR_FIELDS_MAX)
            return -1;
        f->names[f->len++] = name;
        if (!*p)
            return 0;
        if (known && *p != f->delimiter)
            return -1;
        f->delimiter = *p;
        known = true;
        *p++ = 0;
    }
}
