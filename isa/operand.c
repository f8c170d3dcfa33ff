// SPDX-License-Identifier: Apache-2.0
// Operands: where they are in the instruction word, and how they read.
#include "isa/isa.h"

#include <pthread.h>
#include <string.h>

#include "base/bits.h"

const struct operand operand_rows[] = {
#define OPERAND(name_, class_, role_, first_, bits_) \
    {.name = #name_, .class = CLASS_##class_, .role = ROLE_##role_, .first = first_, .bits = bits_},
#include "isa/operand.def"
#undef OPERAND
};

const unsigned operand_rows_len = ARRAY_LEN(operand_rows);

enum operand_id {
#define OPERAND(name, ...) OPERAND_##name,
#include "isa/operand.def"
#undef OPERAND
};

// A piece of a split operand: instruction bits first..first+bits-1. Pieces are listed from the most significant one.
struct piece {
    u8 first, bits;
};

struct split {
    struct piece pieces[3];
    u8 shift; // zero bits below the field (displacements, branch targets)
};

#define VSR_SPLIT(ext, reg)              \
    {                                    \
        .pieces = { {ext, 1}, {reg, 5} } \
    }

static const struct split splits[] = {
    [OPERAND_XT] = VSR_SPLIT(31, 6),
    [OPERAND_XTU] = VSR_SPLIT(31, 6),
    [OPERAND_XS] = VSR_SPLIT(31, 6),
    [OPERAND_XTQ] = VSR_SPLIT(28, 6),
    [OPERAND_XSQ] = VSR_SPLIT(28, 6),
    [OPERAND_XA] = VSR_SPLIT(29, 11),
    [OPERAND_XB] = VSR_SPLIT(30, 16),
    [OPERAND_XC] = VSR_SPLIT(28, 21),
    [OPERAND_LI] = {.pieces = {{6, 24}}, .shift = 2},
    [OPERAND_BD] = {.pieces = {{16, 14}}, .shift = 2},
    [OPERAND_DS] = {.pieces = {{16, 14}}, .shift = 2},
    [OPERAND_DQ] = {.pieces = {{16, 12}}, .shift = 4},
    [OPERAND_DX] = {.pieces = {{16, 10}, {11, 5}, {31, 1}}},
    [OPERAND_SH6] = {.pieces = {{30, 1}, {16, 5}}},
    [OPERAND_MB6] = {.pieces = {{26, 1}, {21, 5}}},
    [OPERAND_ME6] = {.pieces = {{26, 1}, {21, 5}}},
    [OPERAND_SPR] = {.pieces = {{16, 5}, {11, 5}}},
    [OPERAND_TBR] = {.pieces = {{16, 5}, {11, 5}}},
    [OPERAND_DCMX_SPLIT] = {.pieces = {{25, 1}, {29, 1}, {11, 5}}},
};

static struct split operand_split(const struct operand *op)
{
    size_t id = (size_t)(op - operand_rows);
    if (op->bits)
        return (struct split){.pieces = {{op->first, op->bits}}};
    return id < ARRAY_LEN(splits) ? splits[id] : (struct split){0};
}

static bool operand_signed(const struct operand *op)
{
    return op->class == CLASS_SIMM || op->class == CLASS_DISP || op->class == CLASS_TARGET;
}

s64 operand_get(const struct operand *op, u32 insn)
{
    struct split s = operand_split(op);
    u64 value = 0;
    unsigned bits = 0;
    for (unsigned i = 0; i < ARRAY_LEN(s.pieces) && s.pieces[i].bits; i++) {
        const struct piece *p = &s.pieces[i];
        value = value << p->bits | PPC_FIELD(insn, 32 + p->first, 31 + p->first + p->bits);
        bits += p->bits;
    }
    if (operand_signed(op) && bits)
        value = (u64)sext64(value, bits);
    return (s64)(value << s.shift);
}

u32 operand_put(const struct operand *op, u32 insn, s64 value)
{
    struct split s = operand_split(op);
    u64 rest = (u64)value >> s.shift;
    for (unsigned i = ARRAY_LEN(s.pieces); i-- > 0;) {
        const struct piece *p = &s.pieces[i];
        if (!p->bits)
            continue;
        u32 mask = (u32)PPC_BITMASK(32 + p->first, 31 + p->first + p->bits);
        insn = (insn & ~mask) | ((u32)(rest << (32 - p->first - p->bits)) & mask);
        rest >>= p->bits;
    }
    return insn;
}

const struct operand *operand_find(const char *name, size_t len)
{
    for (unsigned i = 0; i < operand_rows_len; i++) {
        if (strlen(operand_rows[i].name) == len && !memcmp(operand_rows[i].name, name, len))
            return &operand_rows[i];
    }
    return NULL;
}

static unsigned parse_operands(const struct insn_row *row, u8 ops[ISA_OPERANDS_MAX])
{
    unsigned len = 0;
    for (const char *p = row->operands; p && *p && len < ISA_OPERANDS_MAX;) {
        size_t n = strcspn(p, ",()");
        const struct operand *op = n ? operand_find(p, n) : NULL;
        if (op)
            ops[len++] = (u8)(op - operand_rows);
        p += n;
        p += strspn(p, ",()");
    }
    return len;
}

_Static_assert(ARRAY_LEN(operand_rows) < 256, "operand numbers are bytes");

static struct {
    u8 len, ops[ISA_OPERANDS_MAX];
} lists[INSN_COUNT];

static void lists_init(void)
{
    for (unsigned id = 1; id < INSN_COUNT; id++)
        lists[id].len = (u8)parse_operands(&insn_rows[id], lists[id].ops);
}

unsigned isa_operands(const struct insn_row *row, const struct operand *ops[ISA_OPERANDS_MAX])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, lists_init);
    size_t id = (size_t)(row - insn_rows);
    for (unsigned i = 0; i < lists[id].len; i++)
        ops[i] = &operand_rows[lists[id].ops[i]];
    return lists[id].len;
}
