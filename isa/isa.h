// SPDX-License-Identifier: Apache-2.0
// The Power ISA as data: decoding and disassembly from the instruction table (isa/insn.def).
// Everything is read-only after isa_init(); any thread may call.
#ifndef ISA_ISA_H
#define ISA_ISA_H

#include "base/types.h"

enum insn_id {
    INSN_ILLEGAL, // no row matches
#define INSN(id, ...) INSN_##id,
#include "isa/insn.def"
#undef INSN
    INSN_COUNT,
};

enum isa_level { LEVEL_P1, LEVEL_PPC, LEVEL_V203, LEVEL_V205, LEVEL_V206, LEVEL_V207, LEVEL_V30 };

// What must be available for an instruction (MSR and register-dependent), checked before it executes.
enum insn_facility {
    FAC_NONE,
    FAC_FP,     // MSR[FP]
    FAC_VMX,    // MSR[VEC]
    FAC_VSX,    // MSR[VSX]
    FAC_VSX_T,  // bit 31 (TX/SX) chooses: 0 MSR[VSX], 1 MSR[VEC]   (lxvx, stxvx, lxvl ... "if TX=0 VSX else VEC")
    FAC_VSX_TQ, // the same with bit 28 (DQ form: lxv, stxv)
    FAC_FPVEC,  // bit 31: 0 MSR[FP], 1 MSR[VEC]            (mfvsrd, mtvsrd, ...)
};

enum insn_privilege { PRIV_U, PRIV_P, PRIV_H };
enum insn_kind { KIND_PLAIN, KIND_BRANCH, KIND_CTX, KIND_LOAD, KIND_STORE };

struct insn_row {
    const char *name;     // identifier
    const char *mnemonic;
    const char *pattern;
    const char *operands;
    const char *section;
    u8 facility, privilege, since, kind;
    u32 mask, value;      // from the pattern, by isa_init()
};

// Row INSN_ILLEGAL is empty.
extern struct insn_row insn_rows[INSN_COUNT];

// The columns of each row as constants, for code that is compiled per instruction (cpu/exec/exec.h).
enum {
#define INSN(id, mnemonic, pattern, operands, fac, priv, since, kind, section)                                         \
    ROW_FAC_##id = FAC_##fac, ROW_PRIV_##id = PRIV_##priv, ROW_KIND_##id = KIND_##kind,
#include "isa/insn.def"
#undef INSN
};

// Parses the patterns and builds the decode tables. Once, before anything else here; a second call does nothing.
void isa_init(void);

// The row that `insn` is at this level, or INSN_ILLEGAL.
enum insn_id isa_decode(u32 insn, enum isa_level level);

// Disassembles into text as GNU as would read it (without extended mnemonics): "addi r3,r1,-16". `ea` resolves branch targets. Always
// ends with a NUL; returns text.
char *isa_disassemble(u32 insn, u64 ea, enum isa_level level, char *text, size_t size);

// Operands, for disassembly and for the operand generator of tests.
enum operand_class { CLASS_GPR, CLASS_GPR0, CLASS_FPR, CLASS_VR, CLASS_VSR, CLASS_CRF, CLASS_CRB, CLASS_SIMM, CLASS_UIMM, CLASS_DISP, CLASS_TARGET, CLASS_SPR };
enum operand_role { ROLE_NONE, ROLE_IN, ROLE_OUT, ROLE_INOUT };

struct operand {
    const char *name;
    u8 class, role, first, bits;
};

extern const struct operand operand_rows[];
extern const unsigned operand_rows_len;

// The value of an operand in an instruction word (sign-extended where it is signed).
s64 operand_get(const struct operand *op, u32 insn);

// `insn` with the operand set to `value` (truncated to its bits).
u32 operand_put(const struct operand *op, u32 insn, s64 value);

// The row of the operand whose name is the first `len` characters of `name`, or NULL.
const struct operand *operand_find(const char *name, size_t len);

// The operands of an instruction in assembler order; their number.
#define ISA_OPERANDS_MAX 8
unsigned isa_operands(const struct insn_row *row, const struct operand *ops[ISA_OPERANDS_MAX]);

#endif
