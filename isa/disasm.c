// SPDX-License-Identifier: Apache-2.0
// Disassembly in the syntax of GNU as -mregnames, without extended mnemonics.
#include "isa/isa.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct out {
    char *text;
    size_t size, len;
};

static void put(struct out *out, const char *format, ...) PRINTF_LIKE(2, 3);

static void put(struct out *out, const char *format, ...)
{
    if (out->len >= out->size)
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out->text + out->len, out->size - out->len, format, args);
    va_end(args);
    if (n > 0)
        out->len += (size_t)n;
}

static void put_crb(struct out *out, unsigned bit)
{
    static const char names[4][3] = {"lt", "gt", "eq", "so"};
    if (bit >= 4)
        put(out, "4*cr%u+", bit / 4);
    put(out, "%s", names[bit & 3]);
}

static void put_operand(struct out *out, const struct operand *op, u32 insn, u64 ea)
{
    s64 v = operand_get(op, insn);
    switch ((enum operand_class)op->class) {
    case CLASS_GPR0:
        if (!v) {
            put(out, "0");
            break;
        }
        // fallthrough
    case CLASS_GPR: put(out, "r%d", (int)v); break;
    case CLASS_FPR: put(out, "f%d", (int)v); break;
    case CLASS_VR: put(out, "v%d", (int)v); break;
    case CLASS_VSR: put(out, "vs%d", (int)v); break;
    case CLASS_CRF: put(out, "cr%d", (int)v); break;
    case CLASS_CRB: put_crb(out, (unsigned)v); break;
    case CLASS_SIMM:
    case CLASS_UIMM:
    case CLASS_DISP:
    case CLASS_SPR: put(out, "%" PRId64, v); break;
    case CLASS_TARGET: put(out, "0x%" PRIx64, (insn & 2 ? 0 : ea) + (u64)v); break; // bit 30: AA
    }
}

// A letter of the pattern names the bit above it: R the record bit, O overflow, A and K absolute and link (branches only).
static bool letter_set(const struct insn_row *row, u32 insn, char letter)
{
    unsigned bit = 0;
    for (const char *p = row->pattern; *p; p++) {
        if (*p == ' ')
            continue;
        if (*p == letter)
            return insn >> (31 - bit) & 1;
        bit++;
    }
    return false;
}

static void put_mnemonic(struct out *out, const struct insn_row *row, u32 insn)
{
    put(out, "%s", row->mnemonic);
    if (row->kind == KIND_BRANCH) {
        if (letter_set(row, insn, 'K'))
            put(out, "l");
        if (letter_set(row, insn, 'A'))
            put(out, "a");
        return;
    }
    if (letter_set(row, insn, 'O'))
        put(out, "o");
    if (letter_set(row, insn, 'R'))
        put(out, ".");
}

char *isa_disassemble(u32 insn, u64 ea, enum isa_level level, char *text, size_t size)
{
    struct out out = {.text = text, .size = size};
    if (size)
        text[0] = 0;
    enum insn_id id = isa_decode(insn, level);
    if (id == INSN_ILLEGAL) {
        put(&out, ".long 0x%08x", insn);
        return text;
    }
    const struct insn_row *row = &insn_rows[id];
    put_mnemonic(&out, row, insn);
    if (row->operands[0])
        put(&out, " ");
    for (const char *p = row->operands; *p;) {
        size_t n = strcspn(p, ",()");
        const struct operand *op = n ? operand_find(p, n) : NULL;
        if (op)
            put_operand(&out, op, insn, ea);
        else if (n)
            put(&out, "%.*s", (int)n, p);
        p += n;
        if (*p)
            put(&out, "%c", *p++);
    }
    return text;
}
