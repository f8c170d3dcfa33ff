// SPDX-License-Identifier: Apache-2.0
//
// Sequences: a loop on CTR over random instructions of the whole table, with branches that skip some, inner loops, switches, calls by way of
// every register that can hold a target, traps, atomic updates, system instructions, and code that rewrites itself.
//
// GPR 28-31 point into the data, 26 and 27 are small indices, 23-25 belong to the fixed parts; random instructions set 0-22. Now and then an
// address is wrong, or a facility unavailable, so that interrupts come from anywhere.
#include <string.h>

#include "cpu/msr.h"
#include "tests/lockstep/lockstep.h"

static u64 rng_state;

void rng_seed(u64 seed)
{
    rng_state = seed;
    rng_state = rng(); // or neighbours' streams would be the same one, a step apart
}

u64 rng(void) // splitmix64
{
    u64 z = rng_state += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

// --- The rows that may appear, by what they are about

enum theme { THEME_FIXED, THEME_STORAGE, THEME_FP, THEME_VMX, THEME_VSX, THEME_SYSTEM, THEMES };

static struct {
    u16 ids[INSN_COUNT];
    unsigned len;
} themes[THEMES];

// Not the same whenever it runs, or out of the machines' reach, or it would change the registers that the sequence needs.
static bool is_excluded(enum insn_id id)
{
    static const enum insn_id not [] = {INSN_mftb,    INSN_darn, INSN_mtctr, INSN_mtlr,  INSN_wait, INSN_mfbhrbe,
                                        INSN_clrbhrb, INSN_lmw,  INSN_lswx,  INSN_mfspr, INSN_mtspr};
    for (unsigned i = 0; i < sizeof(not ) / sizeof(*not ); i++) {
        if (not [i] == id)
            return true;
    }
    return false;
}

void gen_init(void)
{
    isa_init();
    for (unsigned id = 1; id < INSN_COUNT; id++) {
        const struct insn_row *row = &insn_rows[id];
        bool plain = row->kind == KIND_PLAIN || row->kind == KIND_LOAD || row->kind == KIND_STORE;
        if (is_excluded(id) || !plain)
            continue;
        enum theme theme = THEME_FIXED;
        if (row->privilege == PRIV_P && id != INSN_mfmsr)
            continue;
        if (row->privilege != PRIV_U)
            theme = THEME_SYSTEM;
        else if (row->facility == FAC_FP || row->facility == FAC_FPVEC)
            theme = THEME_FP;
        else if (row->facility == FAC_VMX)
            theme = THEME_VMX;
        else if (row->facility != FAC_NONE)
            theme = THEME_VSX;
        else if (row->kind != KIND_PLAIN)
            theme = THEME_STORAGE;
        themes[theme].ids[themes[theme].len++] = (u16)id;
    }
}

// --- Random instructions

static struct sequence *seq;
static unsigned at;  // where the next word goes
static unsigned mix; // what the sequence is about
static bool numbers; // and whether it is full of random_numbers()

static void put_word(u32 word, enum word kind)
{
    seq->words[at] = word;
    seq->kind[at] = kind;
    at++;
}

static void fixed(u32 word)
{
    put_word(word, WORD_FIXED);
}

// In real mode stores stay in the data, or would change the program and the vectors.
static bool may_be_wild(const struct insn_row *row)
{
    return row->kind == KIND_LOAD || seq->place != PLACE_REAL;
}

static u32 put_operand(u32 insn, const struct insn_row *row, const struct operand *op)
{
    bool memory = row->kind == KIND_LOAD || row->kind == KIND_STORE;
    bool wild = may_be_wild(row) && chance(64);
    switch (op->class) {
    case CLASS_GPR:
    case CLASS_GPR0:
        if (op->role == ROLE_OUT) // pairs and strings go on behind it
            return operand_put(op, insn,
                               row->value >> 26 == 31 && strncmp(row->name, "lsw", 3) == 0 ? below(15) : below(23));
        if (memory && op->first == 11)
            return operand_put(op, insn, wild && op->role == ROLE_IN ? below(32) : 28 + below(4));
        if (memory && op->first == 16)
            return operand_put(op, insn, wild ? below(32) : 26 + below(2));
        return op->role == ROLE_INOUT ? operand_put(op, insn, below(23)) : insn;
    case CLASS_DISP: return operand_put(op, insn, (s64)below(128) - 64);
    default: return insn;
    }
}

static u32 insn_of(enum insn_id id)
{
    const struct insn_row *row = &insn_rows[id];
    for (;;) {
        u32 insn = row->value | ((u32)rng() & ~row->mask);
        if (below(4))
            insn &= ~1u | row->value; // not always recording
        const struct operand *ops[ISA_OPERANDS_MAX];
        unsigned len = isa_operands(row, ops);
        for (unsigned i = 0; i < len; i++)
            insn = put_operand(insn, row, ops[i]);
        if (isa_decode(insn, seq->level) == id || row->since > seq->level) // else a more specific row
            return insn;
    }
}

static u32 random_spr(void)
{
    // Registers that hold what was put there; some are not for problem state, or do not exist.
    static const u16 sprs[] = {1,   1,   3,   18,  19,  26,  27,  28,  256, 256, 272,
                               273, 274, 275, 259, 815, 815, 896, 898, 17,  287, 500};
    unsigned n = sprs[below(sizeof(sprs) / sizeof(*sprs))];
    bool to = below(2) && n != 287;
    return (to ? 0x7c0003a6u : 0x7c0002a6u) | below(23) << 21 | (n & 31) << 16 | (n >> 5) << 11;
}

// Arithmetic on vectors of numbers, dense and on few registers: what is checked together.
static u32 random_numbers(void)
{
    static const u16 ids[] = {INSN_xvadddp,   INSN_xvsubdp,   INSN_xvmuldp,   INSN_xvdivdp,   INSN_xvmaddadp,
                              INSN_xvmaddmdp, INSN_xvmsubadp, INSN_xvmsubmdp, INSN_xvaddsp,   INSN_xvsubsp,
                              INSN_xvmulsp,   INSN_xvdivsp,   INSN_xvmaddasp, INSN_xvmaddmsp, INSN_xvmsubasp,
                              INSN_xvmsubmsp, INSN_xvnmsubadp};
    u32 target = below(5) << 21 | 1; // VSR 32 and on
    if (below(12) == 0)
        return insn_rows[INSN_xxlor].value | target | below(32) << 16 | below(32) << 11;
    return insn_rows[ids[below(ARRAY_LEN(ids))]].value | target | 6 | below(5) << 16 | below(5) << 11;
}

static u32 random_insn(void)
{
    if (numbers && below(12))
        return random_numbers();
    static const u8 mixes[][THEMES] = {
        // fixed, storage, fp, vmx, vsx, system; of 16
        {10, 6, 0, 0, 0, 0}, {5, 4, 2, 2, 2, 1}, {2, 3, 11, 0, 0, 0}, {2, 2, 0, 12, 0, 0},
        {2, 2, 0, 0, 12, 0}, {1, 2, 4, 4, 5, 0}, {6, 6, 0, 0, 0, 4},  {3, 13, 0, 0, 0, 0},
    };
    for (;;) {
        unsigned n = below(16), theme = 0;
        while (n >= mixes[mix][theme])
            n -= mixes[mix][theme++];
        if (theme == THEME_SYSTEM && below(4))
            return random_spr();
        if (chance(400))
            theme = THEME_SYSTEM;
        enum insn_id id = themes[theme].ids[below(themes[theme].len)];
        if (insn_rows[id].since > seq->level && below(64))
            continue;
        return insn_of(id);
    }
}

static void add_random(void)
{
    u32 insn = random_insn();
    put_word(insn, WORD_FREE);
    // What was loaded is moved on by the next instruction: values that outlive the access, wherever it was done.
    if (insn_rows[isa_decode(insn, seq->level)].kind == KIND_LOAD && chance(4))
        put_word(0x7c000378u | (insn >> 21 & 31) << 21 | below(23) << 16 | (insn >> 21 & 31) << 11, WORD_FREE);
}

// --- Fixed parts

#define ADDI(rt, ra, v)      (14u << 26 | (u32)(rt) << 21 | (u32)(ra) << 16 | ((u32)(v)&0xffff))
#define MFLR(rt)             (0x7c0802a6u | (u32)(rt) << 21)
#define MFCTR(rt)            (0x7c0902a6u | (u32)(rt) << 21)
#define MTCTR(rs)            (0x7c0903a6u | (u32)(rs) << 21)
#define MTLR(rs)             (0x7c0803a6u | (u32)(rs) << 21)
#define BCL_NEXT             0x429f0005u // bcl 20,31,.+4
#define BC(bo, bi, disp, lk) (16u << 26 | (u32)(bo) << 21 | (u32)(bi) << 16 | ((u32)(disp)*4 & 0xfffc) | (u32)(lk))
#define B(disp, lk)          (18u << 26 | ((u32)(disp)*4 & 0x03fffffc) | (u32)(lk))

// Leaves the address of the word after it, plus `words`, in r24.
static void add_address(int words)
{
    fixed(BCL_NEXT);
    fixed(MFLR(24));
    fixed(ADDI(24, 24, (words + 2) * 4)); // from the mflr, which is the first of two
}

static unsigned function_at[2];
static struct {
    unsigned at;   // the word to be patched once the functions have places
    unsigned from; // what its displacement counts from
    unsigned which;
    bool branch;
} patches[64];
static unsigned patches_len;

static void add_call(void)
{
    unsigned which = below(2);
    patches[patches_len].which = which;
    patches[patches_len].branch = true;
    patches[patches_len].at = patches[patches_len].from = at;
    patches_len++;
    fixed(chance(4) ? BC(4 + 8 * below(2), below(32), 0, 1) : B(0, 1));
}

// By way of a register. Every other time round another target, for what caches one.
static void add_indirect_call(void)
{
    unsigned reg = below(3); // CTR, LR, TAR
    fixed(BCL_NEXT);
    patches[patches_len].from = at;
    fixed(MFLR(24));
    patches[patches_len].which = 0;
    patches[patches_len].branch = false;
    patches[patches_len].at = at;
    patches_len++;
    fixed(ADDI(24, 24, 0));
    fixed(MFCTR(25));
    if (below(2)) {
        fixed(0x73370001u);          // andi. r23,r25,1
        fixed(0x1ef70000u | 16 * 4); // mulli r23,r23: functions are 16 words apart
        fixed(0x7f18ba14u);          // add r24,r24,r23
    }
    if (reg == 0) {
        fixed(MTCTR(24));
        fixed(0x4e800421u); // bctrl
        fixed(MTCTR(25));
    } else if (reg == 1) {
        fixed(MTLR(24));
        fixed(chance(3) ? 0x4c800021u | below(32) << 16 : 0x4e800021u); // bclrl 4,n / blrl
    } else {
        fixed(0x7c0003a6u | 24u << 21 | (815u & 31) << 16 | (815u >> 5) << 11); // mttar
        fixed(seq->level < LEVEL_V207 ? 0x60000000u : 0x4e800461u);             // bctarl
    }
}

// One of four cases by a register's value.
static void add_switch(void)
{
    enum { CASES = 4 };
    add_address(5);                                                                    // of the first case
    fixed(0x54000000u | below(23) << 21 | 23u << 16 | 3u << 11 | 27u << 6 | 28u << 1); // rlwinm r23,rx,3,27,28
    fixed(0x7f18ba14u);                                                                // add r24,r24,r23
    fixed(MFCTR(25));
    fixed(MTCTR(24));
    fixed(0x4e800420u); // bctr
    for (int i = 0; i < CASES; i++) {
        put_word(random_insn(), WORD_FREE);
        fixed(B(2 * (CASES - i) - 1, 0));
    }
    fixed(MTCTR(25));
}

static void add_inner_loop(void)
{
    static const u8 bo[] = {16, 16, 16, 0, 8, 2, 10, 24, 25};
    unsigned b = bo[below(sizeof(bo))];
    bool twice = b == 2 || b == 10; // CTR goes down by two: without end if it is odd and the condition does not come
    fixed(MFCTR(25));
    fixed(ADDI(24, 0, twice && below(16) ? 2 * (1 + below(3)) : 1 + below(5)));
    fixed(MTCTR(24));
    unsigned head = at;
    for (unsigned i = 1 + below(6); i; i--)
        add_random();
    if (twice) { // while CTR = 0 and the condition: rather leave the loop by it
        fixed(BC(b, below(32), 2, 0));
        b = 16;
    }
    fixed(BC(b, b < 16 ? below(32) : 0, (int)head - (int)at, 0));
    fixed(MTCTR(25));
}

// The usual loop around a reservation.
static void add_atomic(void)
{
    static const u32 pairs[][2] = {{0x7c000028u, 0x7c00012du},
                                   {0x7c0000a8u, 0x7c0001adu}, // lwarx stwcx. ldarx stdcx.
                                   {0x7c000068u, 0x7c00056du},
                                   {0x7c0000e8u, 0x7c0005adu}}; // lbarx stbcx. lharx sthcx.
    unsigned p = below(seq->level < LEVEL_V207 ? 2 : 4), base = 28 + below(4), rt = below(23);
    fixed(0x78000004u | base << 21 | 24u << 16 | 28u << 6 | 1u << 5); // rldicr r24,base,0,60: aligned
    unsigned head = at;
    fixed(pairs[p][0] | rt << 21 | 24u << 11);
    put_word(ADDI(23, rt, 1), WORD_FIXED);
    bool loops = below(2);
    if (!loops && chance(3)) // it may lose the reservation
        add_random();
    fixed(pairs[p][1] | 23u << 21 | 24u << 11);
    if (loops)
        fixed(BC(4, 2, (int)head - (int)at, 0)); // bne-
    if (below(3) == 0)
        fixed(0x4c00012cu); // isync
}

static void add_trap(void)
{
    static const u32 traps[] = {0x0c000000u, 0x08000000u, 0x7c000008u, 0x7c000088u};
    put_word(traps[below(4)] | below(31) << 21 | below(32) << 16 | ((u32)rng() & 0xf800), WORD_FREE);
}

static void add_system(void)
{
    static const u64 bits[] = {MSR_FP, MSR_VEC, MSR_VSX, MSR_EE, MSR_RI, MSR_FE0, MSR_FE1, MSR_FP, MSR_VEC};
    static const u32 barriers[] = {0x4c00012cu, 0x7c0004acu, 0x7c2004acu, 0x7c0006acu, 0x44000002u, 0x7c4004acu};
    u64 bit = bits[below(sizeof(bits) / sizeof(*bits))];
    switch (below(5)) {
    case 0: fixed(barriers[below(6)]); break; // isync sync lwsync eieio sc ptesync
    case 1:                                   // MSR
        fixed(0x7f2000a6u);                   // mfmsr r25
        fixed((bit > 0xffff ? 27u : 26u) << 26 | 25u << 21 | 24u << 16 |
              (u32)(bit > 0xffff ? bit >> 16 : bit));    // xori(s) r24,r25
        fixed(0x7f000164u | (chance(4) ? 0x10000u : 0)); // mtmsrd r24,l
        break;
    case 2: // return from interrupt to the next instruction, in another state
        if (chance(8))
            bit = below(2) ? MSR_SE : MSR_BE;
        add_address(5);
        fixed(0x7c0003a6u | 24u << 21 | 26u << 16); // mtsrr0
        fixed(0x7f2000a6u);
        fixed((bit > 0xffff ? 27u : 26u) << 26 | 25u << 21 | 24u << 16 | (u32)(bit > 0xffff ? bit >> 16 : bit));
        fixed(0x7c0003a6u | 24u << 21 | 27u << 16); // mtsrr1
        fixed(0x4c000024u);                         // rfid
        break;
    default: put_word(random_spr(), WORD_FREE);
    }
}

// Stores an instruction over a later one, as a program that makes code does.
static void add_patch_of_code(void)
{
    unsigned gap = 9 + below(4);
    add_address((int)(gap + 3));
    fixed(0x3f380000u | (seq->place == PLACE_REAL ? 0 : CODE_ALIAS >> 16)); // addis r25,r24: where code can be written
    fixed(0x82f90000u);                                                     // lwz r23,0(r25)
    fixed(0x6af70000u | 1u << below(5));                                    // xori r23,r23: another immediate
    fixed(0x92f90000u);                                                     // stw r23,0(r25)
    fixed(0x7c00c86cu);                                                     // dcbst 0,r25
    fixed(0x7c0004acu);                                                     // sync
    fixed(0x7c00c7acu);                                                     // icbi 0,r24
    fixed(0x7c0004acu);
    fixed(0x4c00012cu); // isync
    for (unsigned i = 9; i < gap; i++)
        fixed(0x60000000u);
    for (unsigned i = 0; i < 4; i++) // one of these is it
        fixed(ADDI(i, i, 100 + i));
}

static void add_skip(unsigned *skip)
{
    static const u8 bo[] = {4, 12, 4, 12, 20, 5, 13, 6, 14};
    *skip = 1 + below(chance(4) ? 14 : 4);
    put_word(BC(bo[below(sizeof(bo))], below(32), *skip + 1, chance(16)), WORD_FREE);
}

static void add_body(unsigned len)
{
    unsigned first = at, skip = 0;
    while (at - first < len) {
        if (skip) {
            put_word(random_insn(), WORD_FREE);
            skip--;
            continue;
        }
        switch (below(48)) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4:
        case 5:
        case 6:
        case 7:
            if (at - first + 20 < len) {
                add_skip(&skip);
                break;
            } // fall through
        case 8:
        case 9: add_trap(); break;
        case 10: add_inner_loop(); break;
        case 11: add_call(); break;
        case 12: add_indirect_call(); break;
        case 13: add_atomic(); break;
        case 14:
        case 15:
            if (mix == 6 || mix == 1)
                add_system();
            break;
        case 16:
            if (chance(8))
                add_patch_of_code();
            break;
        case 17: add_switch(); break;
        default: add_random(); break;
        }
    }
    while (skip--)
        put_word(random_insn(), WORD_FREE);
}

// Behind the main part, or in the other page.
static void add_functions(void)
{
    unsigned behind = at + 1 + below(8), other = 1344;
    unsigned functions = patches_len == 0                                             ? 0
                         : behind + 32 < PLACE_WORDS && (behind > other || chance(2)) ? behind
                                                                                      : other;
    for (unsigned f = 0; f < 2 && functions; f++) {
        function_at[f] = at = functions + 16 * f;
        for (unsigned i = below(9); i; i--)
            put_word(random_insn(), WORD_FREE);
        if (chance(4))
            fixed(0x4c000020u | (4 + 8 * below(2)) << 21 | below(32) << 16); // returns early
        for (unsigned i = below(5); i; i--)
            put_word(random_insn(), WORD_FREE);
        fixed(0x4e800020u); // blr
    }
    for (unsigned i = 0; i < patches_len; i++) {
        int words = (int)function_at[patches[i].which] - (int)patches[i].from;
        u32 *word = &seq->words[patches[i].at];
        u32 mask = !patches[i].branch ? 0xffff : *word >> 26 == 18 ? 0x03fffffcu : 0xfffcu;
        *word |= (u32)words * 4 & mask;
    }
}

void gen_sequence(struct sequence *s)
{
    static const u8 heats[] = {1, 2, 2, 3};
    seq = s;
    patches_len = 0;
    memset(s->kind, WORD_UNUSED, sizeof(s->kind));
    s->seed = rng();
    s->place = (u8)below(3);
    s->level = chance(4) ? LEVEL_V207 : LEVEL_V30;
    s->heat = heats[below(4)];
    s->relocate = below(2);
    s->budget = below(2) ? 0 : (s64)below(400);
    s->msr = MSR_ME | (chance(12) && s->place != PLACE_KERNEL ? 0 : MSR_SF) | (s->big_endian ? 0 : MSR_LE) |
             (below(8) ? MSR_FP | MSR_VEC | MSR_VSX : rng() & (MSR_FP | MSR_VEC | MSR_VSX)) |
             (chance(4) ? MSR_FE0 | MSR_FE1 : 0) | (s->place == PLACE_REAL ? 0 : MSR_IR | MSR_DR) |
             (s->place == PLACE_USER ? MSR_PR : 0) | (below(2) ? MSR_RI : 0);
    mix = below(8);
    numbers = below(8) == 0;
    // At the start of a page, across its end, or anywhere.
    unsigned len = chance(2) ? 4 + below(12) : 6 + below(chance(3) ? MAIN_MAX - 130 : 30);
    s->start = at = below(3) == 0 ? 0 : below(2) ? 1024 - below(50) : below(1024);
    add_body(len);
    fixed(BC(16, 0, (int)s->start - (int)at, 0)); // bdnz
    s->end = at;
    fixed(0x44000002u); // sc
    s->first = s->start;
    s->last = s->end;
    add_functions();
    if (at > s->last)
        s->last = at;
}
