// SPDX-License-Identifier: Apache-2.0
// What the monitor shows, as lines of text: the same on a screen, in a pipe and in tests.
#ifndef CLI_TOP_VIEW_H
#define CLI_TOP_VIEW_H

#include <stdio.h>

#include "cli/snapshot.h"

#define TOP_WIDTH_MIN 80
#define TOP_WIDTH_MAX 200

enum top_sort { SORT_PHYSICAL, SORT_ENTITLED, SORT_WAIT, SORT_MEMORY, SORT_NAME, SORT_ID, SORTS };

// The key that chooses an order, and what it is.
struct top_order {
    char key;
    const char *name;
};
extern const struct top_order top_orders[SORTS];

struct top_view {
    enum top_sort sort;
    bool reverse, pools; // pools: their lines instead of the partitions'
    double interval;
    char clock[32];
};

// The partitions in the view's order, as indices into now->lpars.
void top_order(const struct top_view *v, const struct snapshot *before, const struct snapshot *now, u32 *order);

#define TOP_HEADER_LINES 4
// A line of the header (the last one names the columns), of a partition, of a pool; without a newline, at most `width` characters.
void top_header_line(const struct top_view *v, const struct snapshot *before, const struct snapshot *now, unsigned line,
                     int width, char text[TOP_WIDTH_MAX + 1]);
void top_lpar_line(const struct snapshot *before, const struct snapshot *now, const struct snapshot_lpar *l, int width,
                   char text[TOP_WIDTH_MAX + 1]);
void top_pool_line(const struct snapshot *before, const struct snapshot *now, const struct snapshot_pool *p, int width,
                   char text[TOP_WIDTH_MAX + 1]);

// All of it.
void top_print(FILE *to, const struct top_view *v, const struct snapshot *before, const struct snapshot *now,
               int width);

#endif
