// SPDX-License-Identifier: Apache-2.0
#include "hmc/words.h"

#include <stdlib.h>
#include <string.h>

bool words_split(struct words *w, const char *line, size_t point)
{
    size_t len = strnlen(line, point);
    char *out;
    bool inside = false;
    *w = (struct words){.owned = malloc(2 * len + 2)};
    if (!w->owned)
        return false;
    out = w->owned;
    for (size_t i = 0; i <= len; i++) {
        char c = i < len ? line[i] : 0;
        bool blank = c == ' ' || c == '\t' || c == '\n';
        if (!inside) {
            if (blank)
                continue;
            if (w->len == WORDS_MAX) {
                words_free(w);
                return false;
            }
            w->word[w->len++] = out;
            w->start = 0;
            inside = true;
        }
        if (i == len)
            break;
        if (w->quote) {
            if (c == w->quote) {
                w->quote = 0;
                continue;
            }
            if (c == '\\' && w->quote == '"' && i + 1 < len && strchr("\"\\$`", line[i + 1]))
                c = line[++i];
        } else if (blank) {
            *out++ = 0;
            inside = false;
            continue;
        } else if (c == '"' || c == '\'') {
            w->quote = c;
            w->start = (size_t)(out - w->word[w->len - 1]);
            continue;
        } else if (c == '\\' && i + 1 < len) {
            c = line[++i];
        } else if (c == '=' || c == ':') {
            w->start = (size_t)(out - w->word[w->len - 1]) + 1;
        }
        *out++ = c;
    }
    *out = 0;
    return true;
}

void words_free(struct words *w)
{
    free(w->owned);
    *w = (struct words){.owned = NULL};
}

void words_offer(const struct words *w, FILE *to, const char *candidate)
{
    const char *word = w->word[w->len - 1];
    size_t len = strlen(word);
    if (strncmp(candidate, word, len) || strlen(candidate) < w->start || strpbrk(candidate, "\n\r"))
        return;
    for (const char *p = candidate + w->start; *p; p++) {
        if (w->quote == '"' ? strchr("\"\\$`", *p) != NULL : !w->quote && strchr(" \t\"'\\$`;&|<>()*?[]!{}#~", *p))
            fputc('\\', to);
        fputc(*p, to);
    }
    fputc('\n', to);
}
