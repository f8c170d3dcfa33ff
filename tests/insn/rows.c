// SPDX-License-Identifier: Apache-2.0
// The instruction table as the test reads it: patterns, operands, and a plain decoder to hold the real one against.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "tests/insn/insn_test.h"

const char *const group_names[GROUP_LEN] = {"branch", "fixed",  "storage",  "fp",    "dfp",
                                            "vmx",    "vsx_fp", "vsx_move", "system"};

struct row rows[INSN_COUNT] = {
#define INSN(id, mn, pat, ops, fac, priv, since, kind_, sec) \
    [INSN_##id] = {.name = #id,                              \
                   .mnemonic = mn,                           \
                   .pattern = pat,                           \
                   .operands = ops,                          \
                   .group = THIS_GROUP,                      \
                   .facility = FAC_##fac,                    \
                   .privilege = PRIV_##priv,                 \
                   .kind = KIND_##kind_},
#define THIS_GROUP GROUP_BRANCH
#include "isa/insn/branch.def"
#undef THIS_GROUP
#define THIS_GROUP GROUP_FIXED
#include "isa/insn/fixed.def"
#undef THIS_GROUP
#define THIS_GROUP GROUP_STORAGE
#include "isa/insn/storage.def"
#undef THIS_GROUP
#define THIS_GROUP GROUP_FP
#include "isa/insn/fp.def"
#undef THIS_GROUP
#define THIS_GROUP GROUP_DFP
#include "isa/insn/dfp.def"
#undef THIS_GROUP
#define THIS_GROUP GROUP_VMX
#include "isa/insn/vmx.def"
#undef THIS_GROUP
#define THIS_GROUP GROUP_VSX_FP
#include "isa/insn/vsx_fp.def"
#undef THIS_GROUP
#define THIS_GROUP GROUP_VSX_MOVE
#include "isa/insn/vsx_move.def"
#undef THIS_GROUP
#define THIS_GROUP GROUP_SYSTEM
#include "isa/insn/system.def"
#undef THIS_GROUP
#undef INSN
};

void rows_init(void)
{
    for (unsigned i = 1; i < INSN_COUNT; i++) {
        struct row *r = &rows[i];
        unsigned bits = 0;
        for (const char *p = r->pattern; *p; p++) {
            if (*p == ' ')
                continue;
            u32 bit = PPC_BIT32(bits);
            if (*p == '0' || *p == '1') {
                r->mask |= bit;
                r->value |= *p == '1' ? bit : 0;
            } else if (isalpha((unsigned char)*p)) {
                r->letters |= bit;
            }
            if (++bits > 32)
                break;
        }
        if (bits != 32) {
            fprintf(stderr, "row %s: the pattern has not 32 bits\n", r->name);
            exit(2);
        }
    }
}

enum insn_id rows_decode(u32 insn)
{
    enum insn_id best = INSN_ILLEGAL;
    int best_bits = -1;
    for (unsigned i = 1; i < INSN_COUNT; i++) {
        int bits = __builtin_popcount(rows[i].mask);
        if ((insn & rows[i].mask) == rows[i].value && bits > best_bits) {
            best = (enum insn_id)i;
            best_bits = bits;
        }
    }
    return best;
}

unsigned row_operands(const struct row *row, struct operand_ref refs[8])
{
    static const struct {
        const char *name;
        unsigned class, role, first, bits;
    } known[] = {
#define OPERAND(name, class, role, first, bits) {#name, CLASS_##class, ROLE_##role, first, bits},
#include "isa/operand.def"
#undef OPERAND
    };
    unsigned len = 0;
    for (const char *p = row->operands; *p && len < 8;) {
        size_t n = strcspn(p, ",() ");
        for (unsigned k = 0; n && k < ARRAY_LEN(known); k++)
            if (strlen(known[k].name) == n && !memcmp(p, known[k].name, n)) {
                refs[len++] = (struct operand_ref){known[k].name, known[k].class, known[k].first, known[k].bits};
                break;
            }
        p += n;
        p += strspn(p, ",() ");
    }
    return len;
}
