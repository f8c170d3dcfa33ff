// SPDX-License-Identifier: Apache-2.0
// Random instruction sequences: the translator against the interpreter.
//
//     lockstep --seconds 15          as many as that time allows (the default)
//     lockstep --count 10000000      so many
//     lockstep --seed N              the first one's number; each has its own, so that one is repeated by --seed N --count 1
//     --endian le|be                 only that byte order; else both in turn
//     --fails N (3)                  ends after so many that differ
//     --ir                           shows the regions of a sequence that differs
//
// A sequence that differs is made as small as it goes (instructions that do not matter become no-ops) and shown with both states at
// the first interrupt at which they differ, or at the end. Speaks TAP; exit status 0 when none differs.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cpu/msr.h"
#include "cpu/xlate/ir.h"
#include "cpu/xlate/target.h"
#include "cpu/xlate/xlate.h"
#include "tests/lockstep/lockstep.h"

#define NOP 0x60000000u

static struct {
    u64 seed, count;
    unsigned seconds, fails;
    int big_endian; // -1: both
    bool ir;
} opt = {.seconds = 15, .fails = 3, .big_endian = -1};

static void show_region(const struct ir_region *r, const void *code, size_t size)
{
    static char text[400000];
    ir_print(r, text, sizeof(text));
    printf("# region:\n%s", text);
}

// A pair without a past.
static enum outcome run_alone(const struct sequence *s, bool report)
{
    struct pair *pair = pair_new(s->big_endian);
    if (report && opt.ir)
        xlate_trace = show_region;
    enum outcome outcome = pair_run(pair, s, report);
    xlate_trace = NULL;
    pair_free(pair);
    return outcome;
}

// Replaces what is not needed for the difference, in pieces that become smaller.
static void minimise(struct sequence *s)
{
    for (unsigned piece = 64; piece; piece /= 2) {
        for (unsigned first = 0; first < PLACE_WORDS; first += piece) {
            static struct sequence try;
            try = *s;
            bool changed = false;
            for (unsigned i = first; i < first + piece; i++) {
                if (try.kind[i] == WORD_FREE && try.words[i] != NOP) {
                    try.words[i] = NOP;
                    changed = true;
                }
            }
            if (changed && run_alone(&try, false) == DIFFERS)
                *s = try;
        }
    }
}

static void show(const struct sequence *s)
{
    static const char *const places[] = {"real mode", "supervisor state", "problem state"};
    printf("# %s, %s-endian, msr %#llx, level %u, translated after %u, first budget %lld; entry %#x\n",
           places[s->place], s->big_endian ? "big" : "little", (unsigned long long)s->msr, s->level, s->heat,
           (long long)s->budget, s->start * 4);
    unsigned nops = 0;
    for (unsigned i = 0; i < PLACE_WORDS; i++) {
        char text[96];
        bool nop = s->kind[i] == WORD_FREE && s->words[i] == NOP;
        if (nops && (!nop || s->kind[i] == WORD_UNUSED))
            printf("#          (%u no-ops)\n", nops);
        nops = nop ? nops + 1 : 0;
        if (s->kind[i] != WORD_UNUSED && !nop)
            printf("#   %04x   %08x %s\n", i * 4, s->words[i],
                   isa_disassemble(s->words[i], i * 4, LEVEL_V30, text, sizeof(text)));
    }
}

// first: the sequence that found the machines as they are at first.
static void fail(struct sequence *s, u64 seed, u64 first)
{
    printf("# sequence %llu differs; repeat it by --seed %llu --count 1 --endian %s\n", (unsigned long long)seed,
           (unsigned long long)seed, s->big_endian ? "be" : "le");
    if (run_alone(s, false) != DIFFERS)
        printf("# not by itself: what ran before has a part in it (--seed %llu --count %llu)\n",
               (unsigned long long)first, (unsigned long long)(seed - first + 1));
    else
        minimise(s);
    show(s);
    run_alone(s, true);
    fflush(stdout);
}

static u64 number(const char *text)
{
    char *end;
    u64 v = strtoull(text, &end, 0);
    if (!*text || *end) {
        fprintf(stderr, "lockstep: '%s' is no number\n", text);
        exit(2);
    }
    return v;
}

static void parse(int argc, char **argv)
{
    static const struct option options[] = {{"seconds", 1, NULL, 's'},
                                            {"count", 1, NULL, 'c'},
                                            {"seed", 1, NULL, 'S'},
                                            {"endian", 1, NULL, 'e'},
                                            {"fails", 1, NULL, 'f'},
                                            {"ir", 0, NULL, 'i'},
                                            {0}};
    opt.seed = (u64)clock_ns(); // others in each run
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 's': opt.seconds = (unsigned)number(optarg); break;
        case 'c': opt.count = number(optarg); break;
        case 'S': opt.seed = number(optarg); break;
        case 'e': opt.big_endian = strcmp(optarg, "be") == 0; break;
        case 'f': opt.fails = (unsigned)number(optarg); break;
        case 'i': opt.ir = true; break;
        default: exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    gen_init();
    xlate_in_background = false;
    if (!target_available()) {
        printf("1..0 # SKIP no back end for this host\n");
        return 0;
    }
    struct pair *pairs[2] = {pair_new(false), pair_new(true)};
    pair_tell(pairs[0]);
    pair_tell(pairs[1]);
    bool seen = pair_hash_works(pairs[0]) && pair_hash_works(pairs[1]);
    s64 start = clock_ns(), end = start + opt.seconds * 1000000000ll;
    u64 n = 0, runaways = 0, first[2] = {0};
    unsigned failed = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("# --seed %llu\n", (unsigned long long)opt.seed);
    for (; failed < opt.fails && (opt.count ? n < opt.count : clock_ns() < end); n++) {
        static struct sequence s;
        rng_seed(opt.seed + n);
        s.big_endian = below(3) == 0;
        if (opt.big_endian >= 0)
            s.big_endian = opt.big_endian;
        gen_sequence(&s);
        if (pair_is_new(pairs[s.big_endian]))
            first[s.big_endian] = opt.seed + n;
        switch (pair_run(pairs[s.big_endian], &s, false)) {
        case SAME: break;
        case RUNAWAY: runaways++; break;
        case DIFFERS: fail(&s, opt.seed + n, first[s.big_endian]); failed++;
        }
        if (n % 1000000 == 999999)
            printf("# %llu sequences, %u differ\n", (unsigned long long)n + 1, failed);
    }
    double seconds = (double)(clock_ns() - start) / 1e9;
    struct pair_stats le = pair_stats(pairs[0]), be = pair_stats(pairs[1]);
    printf("# %llu sequences in %.1f s, %.0f each second; to their end %llu, without end %llu\n", (unsigned long long)n,
           seconds, (double)n / seconds, (unsigned long long)(le.ended + be.ended), (unsigned long long)runaways);
    printf("# %llu regions, %llu instructions, %llu interrupts\n", (unsigned long long)(le.regions + be.regions),
           (unsigned long long)(le.insns + be.insns), (unsigned long long)(le.events + be.events));
    bool idle = n > 1000 && le.regions + be.regions < n / 2; // else the test would be none
    printf("1..3\n%s 1 - random sequences agree\n%s 2 - they were translated\n%s 3 - a difference in any register is "
           "seen\n",
           failed ? "not ok" : "ok", idle ? "not ok" : "ok", seen ? "ok" : "not ok");
    pair_free(pairs[0]);
    pair_free(pairs[1]);
    return failed || idle || !seen;
}
