// SPDX-License-Identifier: Apache-2.0
// Fuzz target: guest code, translated and interpreted from the same state (tests/lockstep/pair.c); the ends and every interrupt on the
// way must agree. The input is five bytes about the state that it begins in, and then the instructions: words, or rows of the instruction
// table with operands. They are a loop on CTR. Left out is only what reads a clock or waits, and what a supervisor would break the two
// machines with.
#include <stdio.h>
#include <stdlib.h>

#include "cpu/msr.h"
#include "cpu/xlate/target.h"
#include "cpu/xlate/xlate.h"
#include "tests/lockstep/lockstep.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define WORDS 200u // of the input
#define NOP   0x60000000u

static bool is_usable(u32 insn, enum place place)
{
    static const u16 sprs[] = {1,   3,   8,   9,   13,  17,  18,  19,  26,  27, 28,  256,
                               259, 272, 273, 274, 275, 287, 815, 896, 898, 4,  500, 1023};
    enum insn_id id = isa_decode(insn, LEVEL_V30);
    switch (id) {
    case INSN_ILLEGAL: return true;
    case INSN_mfspr:
    case INSN_mtspr:
        for (unsigned i = 0; i < ARRAY_LEN(sprs); i++) {
            if (sprs[i] == ((insn >> 16 & 31) | (insn >> 6 & 0x3e0)))
                return true;
        }
        return false;
    case INSN_mftb:
    case INSN_darn:
    case INSN_wait:
    case INSN_mfbhrbe: return false;
    case INSN_mfmsr: return true;
    default: return place == PLACE_USER || insn_rows[id].privilege == PRIV_U;
    }
}

static u32 take_insn(struct input *in, bool rows)
{
    if (!rows)
        return (u32)take_bytes(in, 4);
    const struct insn_row *row = &insn_rows[(u32)take_bytes(in, 2) % INSN_COUNT];
    return ((u32)take_bytes(in, 4) & ~row->mask) | row->value;
}

static void put(struct sequence *s, unsigned at, u32 word)
{
    s->words[at] = word;
    s->kind[at] = WORD_FREE;
}

static void show(const struct sequence *s)
{
    printf("# msr %#llx, entry %#x:\n", (unsigned long long)s->msr, s->start * 4);
    for (unsigned i = s->first; i < s->last; i++) {
        char text[96];
        if (s->words[i] != NOP)
            printf("#   %04x   %08x %s\n", i * 4, s->words[i],
                   isa_disassemble(s->words[i], i * 4, LEVEL_V30, text, sizeof(text)));
    }
    fflush(stdout);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct pair *pairs[2];
    static struct sequence s;
    struct input in = {data, size};
    if (!pairs[0]) {
        gen_init();
        xlate_in_background = false;
        pairs[0] = pair_new(false);
        pairs[1] = pair_new(true);
    }
    if (!target_available())
        return 0;
    u8 flavour = take(&in), more = take(&in);
    s = (struct sequence){.place = flavour & 1 ? PLACE_USER : PLACE_KERNEL,
                          .big_endian = flavour & 2,
                          .relocate = flavour & 4,
                          .level = flavour & 8 ? LEVEL_V30 : LEVEL_V207,
                          .heat = (u8)(1 + (flavour >> 4 & 1)),
                          .budget = (flavour >> 5) * 40,
                          .seed = (u32)take_bytes(&in, 3)};
    s.msr = MSR_ME | MSR_RI | MSR_IR | MSR_DR | (s.big_endian ? 0 : MSR_LE) | (s.place == PLACE_USER ? MSR_PR : 0) |
            (more & 1 && s.place == PLACE_USER ? 0 : MSR_SF) | (more & 2 ? 0 : MSR_FP | MSR_VEC | MSR_VSX) |
            (more & 4 ? MSR_FE0 | MSR_FE1 : 0) | ((more & 24) == 24 ? MSR_SE : 0);
    s.start = s.first = more & 32 ? 1024 - (more >> 6) * 8 - 1 : 0;
    unsigned at = s.start;
    for (unsigned n = 0; in.size >= 4 && n < WORDS; n++) {
        u32 word = take_insn(&in, !(more & 8));
        put(&s, at++, is_usable(word, (enum place)s.place) ? word : NOP);
    }
    put(&s, at, 0x42000000u | (((s.start - at) * 4) & 0xfffc)); // bdnz
    at++;
    put(&s, at, 0x44000002u); // sc
    s.end = at;
    s.last = at + 1;
    struct pair *pair = pairs[s.big_endian];
    pair_renew(pair); // so that an input does the same again
    if (pair_run(pair, &s, true) == DIFFERS) {
        show(&s);
        abort();
    }
    return 0;
}
