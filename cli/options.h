// SPDX-License-Identifier: Apache-2.0
// Options of the commands: one table for each, from which parsing and help come, and (through the help) completion and the manual page.
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/types.h"

struct option_row {
    const char *name;
    const char *value;                            // what stands for it in help; NULL: takes none
    int (*set)(void *options, const char *value); // 0, or what options_refuse() returned
    const char *help;
};

struct option_table {
    const char *command; // "openlpar boot"
    const struct option_row *rows;
    unsigned len;
};

// Takes argv[*i], which begins with "--", and the word behind it when that is its value; *i is the last one that was taken. 0, or 1: it was refused.
int options_take(const struct option_table *table, void *options, int argc, char **argv, int *i);

bool options_want_help(const char *arg);

// The lines about the options, --help included.
void options_print(const struct option_table *table);

// After a help text: -1, or 1 when standard output does not take it.
int options_end_help(void);

// Says it in one line on standard error, whatever somebody passed. The value is 1.
PRINTF_LIKE(1, 2) int options_refuse(const char *fmt, ...);

// "512M", "1.5G": bytes, or 0 when it is no size. A suffix K, M, G or T is required.
u64 parse_size(const char *text);

// A whole decimal number in [low, high].
bool parse_number(const char *text, u64 low, u64 high, u64 *value);

#endif
