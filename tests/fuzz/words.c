// SPDX-License-Identifier: Apache-2.0
// Fuzz target: a command line that is completed. No system is there, so that nobody is asked.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hmc/complete.h"
#include "hmc/words.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static FILE *to;
    struct words w;
    char *line = malloc(size + 1);
    if (!to) {
        setenv("XDG_STATE_HOME", "/nowhere", 1);
        to = fopen("/dev/null", "w");
    }
    memcpy(line, data, size);
    line[size] = 0;
    complete(line, size, to);
    if (words_split(&w, line, size / 2)) {
        if (!w.len || w.start > strlen(w.word[w.len - 1]))
            abort();
        words_free(&w);
    }
    free(line);
    return 0;
}
