// SPDX-License-Identifier: Apache-2.0
// The console's input records and output lines: attr=value,"list=a,b",...
#ifndef HMC_GRAMMAR_H
#define HMC_GRAMMAR_H

#include <stdio.h>

#include "proto/hyper/attr.h"

#define GRAMMAR_PAIRS_MAX WIRE_PAIRS_MAX

struct grammar_pair {
    const char *name, *value;
    u8 change; // enum wire_change: = += -=
};

// A record taken apart; texts are in `owned`.
struct grammar {
    char *owned;
    u32 len;
    struct grammar_pair pairs[GRAMMAR_PAIRS_MAX];
};

// "name=a,\"list=1,2\",list+=3". In a pair between quotes "" stands for one quote; \" is taken for ". 0, or -1 with *why naming the pair.
int grammar_record(struct grammar *g, const char *text, char *why, size_t why_size);
// "lpar_names=a,b" or "\"lpar_names=a,b\",lpar_ids=3": one pair for each value.
int grammar_filter(struct grammar *g, const char *text, char *why, size_t why_size);
void grammar_free(struct grammar *g);

// One pair of an output line, quoted where its value has commas or is a list of several; without `name` the value alone, quoted where it holds
// the delimiter.
void grammar_write(FILE *to, const char *name, const char *value, char delimiter);

// "name:state": names and the delimiter between them. 0, or -1: an empty name, or two different delimiters.
#define GRAMMAR_FIELDS_MAX 160u
struct grammar_fields {
    char text[8192];
    char delimiter;
    u32 len;
    const char *names[GRAMMAR_FIELDS_MAX];
};
int grammar_fields(struct grammar_fields *f, const char *text);

#endif
