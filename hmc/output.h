// SPDX-License-Identifier: Apache-2.0
// What commands that list print: rows in the console's output grammar, and the filters that choose them.
#ifndef HMC_OUTPUT_H
#define HMC_OUTPUT_H

#include "hmc/grammar.h"
#include "hmc/options.h"
#include "hmc/session.h"

struct listing {
    enum object object;
    const struct options *o;
    struct grammar_fields fields; // with -F
    bool chosen;
    u32 rows;
    FILE *to; // NULL: standard output
};

// Takes -F and --header. 0, or 1 with the message printed.
int listing_choose(struct listing *l);
// `arg` is the listing.
void listing_row(void *arg, const struct wire_record *row);
// No results? And whether everything could be written: the command's status.
int listing_finish(struct listing *l);

// --filter becomes `where`; texts are in `g`, which the caller frees. 0, or 1 with the message printed.
int listing_filters(struct session *s, enum object object, const char *text, struct wire_record *where,
                    struct grammar *g);
// The filters that a list of that kind has; how many.
#define LISTING_FILTERS_MAX 16u
u32 listing_filter_names(enum object object, const char *names[LISTING_FILTERS_MAX]);

#endif
