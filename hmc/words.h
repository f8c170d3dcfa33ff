// SPDX-License-Identifier: Apache-2.0
// A line that somebody is typing into a shell, taken apart as far as completion needs it.
#ifndef HMC_WORDS_H
#define HMC_WORDS_H

#include <stdio.h>

#include "base/types.h"

#define WORDS_MAX 128u

struct words {
    char *owned;
    const char *word[WORDS_MAX]; // without quotes; the last one is the one that is typed, maybe empty
    u32 len;
    char quote;   // that the last one is in; 0: none
    size_t start; // where in it the shell takes up: after an unquoted = or :, or what opened the quotes
};

// What stands before the cursor. false: no memory, or too many words.
bool words_split(struct words *w, const char *line, size_t point);
void words_free(struct words *w);

// A candidate for the last word, printed as the shell wants it: from `start` on, with what is special to the shell escaped. Nothing, if it does
// not begin like the word.
void words_offer(const struct words *w, FILE *to, const char *candidate);

#endif
