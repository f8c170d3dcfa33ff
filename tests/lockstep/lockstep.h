// SPDX-License-Identifier: Apache-2.0
// Random instruction sequences, run by the interpreter and by the translator from the same state: parts of the program (main.c).
#ifndef TESTS_LOCKSTEP_LOCKSTEP_H
#define TESTS_LOCKSTEP_LOCKSTEP_H

#include "cpu/cpu.h"
#include "isa/isa.h"

// --- Random numbers (gen.c): one stream, begun anew for each sequence.
void rng_seed(u64 seed);
u64 rng(void);
static inline unsigned below(unsigned n)
{
    return (unsigned)((u128)rng() * n >> 64);
}
static inline bool chance(unsigned n) // one in n
{
    return below(n) == 0;
}

// --- A sequence: words in two pages of code, a main part (a loop) and functions. Made by gen.c.
#define PLACE_WORDS 2048u
#define MAIN_MAX    220u

#define CODE_ALIAS  0x40000000u // so far behind its code a sequence with relocation finds it writable

enum place { PLACE_REAL, PLACE_KERNEL, PLACE_USER };

struct sequence {
    u64 seed; // of the state it starts in
    u64 msr;
    u8 place;                  // enum place
    u8 level;                  // enum isa_level
    u8 heat;                   // xlate_heat_limit
    bool big_endian, relocate; // interrupts keep relocation on
    s64 budget;                // the translator's first one
    unsigned start, end;       // the main part's words: entry, and the `sc` that ends it
    unsigned first, last;      // words that are not WORD_UNUSED are in here
    u32 words[PLACE_WORDS];
    u8 kind[PLACE_WORDS]; // enum word
};
enum word { WORD_UNUSED, WORD_FREE, WORD_FIXED }; // FREE: any other instruction would do

void gen_init(void);
void gen_sequence(struct sequence *s);

// --- The two machines (pair.c)
#define EVENTS_MAX 60u // interrupts until a sequence is given up

struct event {
    u64 vector, hash; // of the interrupt, and of the whole state then
};

enum outcome { SAME, DIFFERS, RUNAWAY };

struct pair;
struct pair *pair_new(bool big_endian);
void pair_free(struct pair *pair);

// Runs the sequence in two pages that others were in before: what they left stays around it. report: says what differs.
enum outcome pair_run(struct pair *pair, const struct sequence *s, bool report);

// Differences are told when they are found, with the state at the end, too.
void pair_tell(struct pair *pair);

// Makes both machines as they were at first.
void pair_renew(struct pair *pair);

// The next sequence is the first one in a machine without a past.
bool pair_is_new(const struct pair *pair);

// Whether the comparison of interrupts would see a difference in any register.
bool pair_hash_works(struct pair *pair);

// So far. ended: sequences that came to their end.
struct pair_stats {
    u64 regions, insns, events, ended;
};
struct pair_stats pair_stats(const struct pair *pair);

#endif
