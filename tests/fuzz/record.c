// SPDX-License-Identifier: Apache-2.0
// Fuzz target: input records, filters and lists of attributes of the console's commands.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hmc/grammar.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void try_text(const char *text)
{
    static struct grammar_fields fields;
    struct grammar g;
    char why[300];
    for (unsigned filter = 0; filter < 2; filter++) {
        if (filter ? grammar_filter(&g, text, why, sizeof(why)) : grammar_record(&g, text, why, sizeof(why)))
            continue;
        for (u32 i = 0; i < g.len; i++)
            if (!*g.pairs[i].name || strlen(g.pairs[i].value) > strlen(text))
                abort();
        grammar_free(&g);
    }
    grammar_fields(&fields, text);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = 0;
    try_text(text);
    free(text);
    return 0;
}
