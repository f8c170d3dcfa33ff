// SPDX-License-Identifier: Apache-2.0
//
// Decoding: an index by primary opcode (bits 0:5) and, below it, by bits 21:31, which hold every extended opcode. Each slot
// is a list of the rows that can match there, the most specific first, ended by INSN_ILLEGAL; what remains is a comparison
// under each row's mask. Opcodes whose rows do not depend on bits 21:31 share one list.
#include "isa/isa.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define PRIMARY_LEN   64u
#define EXTENDED_LEN  2048u
#define EXTENDED_MASK (EXTENDED_LEN - 1)
#define INDEXED_MAX   16u           // primary opcodes with extended ones
#define POOL_LEN      (192u * 1024) // list entries; isa_init() checks

static u16 pool[POOL_LEN];
static u32 pool_used = 1; // pool[0] ends the empty list
static u32 slots[INDEXED_MAX][EXTENDED_LEN];
static unsigned slots_used;

static struct {
    const u32 *slots; // by bits 21:31, or NULL: `list` for all of them
    u32 list;
} primaries[PRIMARY_LEN];

static void parse_pattern(struct insn_row *row)
{
    unsigned bits = 0;
    for (const char *p = row->pattern; *p; p++) {
        if (*p == ' ')
            continue;
        row->mask = row->mask << 1 | (*p == '0' || *p == '1');
        row->value = row->value << 1 | (*p == '1');
        bits++;
    }
    if (bits != 32 || row->mask >> 26 != 0x3f) {
        fprintf(stderr, "instruction table: the pattern of %s is wrong\n", row->name);
        abort();
    }
}

static int more_specific(const void *a, const void *b)
{
    u16 x = *(const u16 *)a, y = *(const u16 *)b;
    int fixed = __builtin_popcount(insn_rows[y].mask) - __builtin_popcount(insn_rows[x].mask);
    return fixed ? fixed : (int)x - (int)y;
}

// Appends the list of those rows that can match extended index `ext`; an equal neighbour is shared.
static u32 make_list(const u16 *rows, unsigned len, u32 ext, u32 last)
{
    u32 start = pool_used, at = start;
    for (unsigned i = 0; i < len; i++) {
        const struct insn_row *row = &insn_rows[rows[i]];
        if ((ext ^ row->value) & row->mask & EXTENDED_MASK)
            continue;
        if (at >= POOL_LEN - 1) {
            fprintf(stderr, "instruction table: POOL_LEN is too small\n");
            abort();
        }
        pool[at++] = rows[i];
    }
    if (at == start)
        return 0;
    pool[at++] = INSN_ILLEGAL;
    u32 same = 0;
    while (pool[last + same] == pool[start + same] && pool[start + same] != INSN_ILLEGAL)
        same++;
    if (last && pool[last + same] == INSN_ILLEGAL && pool[start + same] == INSN_ILLEGAL)
        return last;
    pool_used = at;
    return start;
}

static void build_primary(unsigned op)
{
    static u16 rows[INSN_COUNT];
    unsigned len = 0;
    u32 extended = 0;
    for (unsigned id = 1; id < INSN_COUNT; id++) {
        if (insn_rows[id].value >> 26 != op)
            continue;
        rows[len++] = (u16)id;
        extended |= insn_rows[id].mask & EXTENDED_MASK;
    }
    qsort(rows, len, sizeof(rows[0]), more_specific);
    if (!extended) {
        primaries[op].list = make_list(rows, len, 0, 0);
        return;
    }
    if (slots_used == INDEXED_MAX) {
        fprintf(stderr, "instruction table: INDEXED_MAX is too small\n");
        abort();
    }
    u32 *to = slots[slots_used++];
    u32 last = 0;
    for (u32 ext = 0; ext < EXTENDED_LEN; ext++) {
        to[ext] = make_list(rows, len, ext, last);
        last = to[ext];
    }
    primaries[op].slots = to;
}

static void init_once(void)
{
    for (unsigned id = 1; id < INSN_COUNT; id++)
        parse_pattern(&insn_rows[id]);
    for (unsigned op = 0; op < PRIMARY_LEN; op++)
        build_primary(op);
}

void isa_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_once);
}

enum insn_id isa_decode(u32 insn, enum isa_level level)
{
    unsigned op = insn >> 26;
    u32 list = primaries[op].slots ? primaries[op].slots[insn & EXTENDED_MASK] : primaries[op].list;
    for (const u16 *p = &pool[list]; *p != INSN_ILLEGAL; p++) {
        const struct insn_row *row = &insn_rows[*p];
        if ((insn & row->mask) == row->value && row->since <= level)
            return (enum insn_id) * p;
    }
    return INSN_ILLEGAL;
}
