// SPDX-License-Identifier: Apache-2.0
// Parts of the differential instruction test: the generator of operand sets (gen.c), our engine on one record (engine.c), what is
// expected to differ from QEMU (except.c), and the driver (diff.c).
#ifndef TESTS_INSN_INSN_TEST_H
#define TESTS_INSN_INSN_TEST_H

#include "isa/isa.h"
#include "tests/insn/judge.h"

// The rows of the table as this test reads them, independent of the decoder under test.
enum group {
    GROUP_BRANCH,
    GROUP_FIXED,
    GROUP_STORAGE,
    GROUP_FP,
    GROUP_DFP,
    GROUP_VMX,
    GROUP_VSX_FP,
    GROUP_VSX_MOVE,
    GROUP_SYSTEM,
    GROUP_LEN
};
extern const char *const group_names[GROUP_LEN];

struct row {
    const char *name, *mnemonic, *pattern, *operands;
    u8 group, facility, privilege, kind;
    u32 mask, value; // fixed bits
    u32 letters;     // operand bits
};
extern struct row rows[INSN_COUNT]; // by enum insn_id
void rows_init(void);
enum insn_id rows_decode(u32 insn); // most specific match

// Random numbers; one generator, reseeded for each row.
void rng_seed(u64 seed, const char *name);
u64 rng(void);
static inline u64 rng_below(u64 n)
{
    return rng() % n;
}

// A random instruction word of a row, with the instruction that prepares it (a no-op unless it needs one).
u32 gen_word(const struct row *row, u32 *prepare);
// Operand values for that word, which runs at effective address `at`.
void gen_state(const struct row *row, u32 insn, u64 at, struct judge_state *s);
// Enable floating-point exceptions; engine_run() then takes the interrupt.
extern bool gen_traps;
bool row_uses_memory(const struct row *row);

// Calls fn for each operand of the row: token name and field value.
struct operand_ref {
    const char *name;
    unsigned class, first, bits;
};
unsigned row_operands(const struct row *row, struct operand_ref refs[8]);

// Our engine.
void engine_init(void);
bool engine_has(enum insn_id id);
void engine_run(enum insn_id id, u32 prepare, u32 insn, u64 at, bool big_endian, bool uses_memory,
                struct judge_state *s);
// The same by the translator. engine_translates: once, before; false without a back end for this host.
bool engine_translates(bool big_endian);
void engine_run_translated(enum insn_id id, u32 prepare, u32 insn, u64 at, bool big_endian, bool uses_memory,
                           struct judge_state *s);
u64 engine_regions(void); // that it has made

// What is compared: what the other side says, edited by the exceptions of except.def into what the ISA says; bits of FPSCR
// etc. that are not compared are cleared in both.
struct comparison {
    const struct row *row;
    u32 insn, prepare;
    bool big_endian;
    const struct judge_state *in;
    struct judge_state *ours, *want;
};
// The row is not run at all; with the reason.
const char *except_skip(const struct row *row);
// A word for the test of unknown ones, or 0 when QEMU knows it though the ISA does not have it, or must not see it.
u32 except_unknown_word(u32 word);
// QEMU's user mode ends itself on such a row: only except_apply() tells what to expect.
bool except_alone(const struct row *row, bool big_endian);
void except_apply(const struct comparison *c);

#endif
