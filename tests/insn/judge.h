// SPDX-License-Identifier: Apache-2.0
// What the differential test and its guest program share: a mapped file that holds one batch of instructions with their
// operands, replaced by the results in place. Everything is in the guest's byte order; all fields are doublewords.
//
// Protocol: the test fills the file and writes one byte to the guest's standard input; the guest executes every record
// and writes one byte to its standard output.
#ifndef TESTS_INSN_JUDGE_H
#define TESTS_INSN_JUDGE_H

// Guest effective addresses.
#define JUDGE_CODE      0x11000000 // slots
#define JUDGE_DATA      0x12000f00 // the memory operands' buffer: lies across a page boundary
#define JUDGE_DATA_SIZE 512

// A slot: three words that load CTR and GPR0, the preparing instruction, then, in the middle, the instruction itself and a branch back.
// Everything else is illegal, so that a taken branch ends in a SIGILL that tells where it went.
#define JUDGE_SLOT_WORDS 32
#define JUDGE_SLOT_INSN  16
#define JUDGE_SLOTS      128
#define JUDGE_RECORDS    512
#define JUDGE_FD         3

// GPR that the guest keeps for itself: no instruction under test names it.
#define JUDGE_OWN_GPR 13

// Offsets in struct judge_state, for the assembler.
#define JS_GPR     0
#define JS_LR      256
#define JS_CTR     264
#define JS_XER     272
#define JS_CR      280
#define JS_FPSCR   288
#define JS_VSCR    296
#define JS_VRSAVE  304
#define JS_TAR     312
#define JS_NIA     320
#define JS_OUTCOME 328
#define JS_R1      336
#define JS_VSR     384
#define JS_MEM     1408
#define JS_SIZE    1920

#ifndef __ASSEMBLER__
#include <stdint.h>

// How the instruction ended: 0, or the Linux signal number.
enum judge_outcome {
    OUTCOME_DONE = 0,
    OUTCOME_ILL = 4,
    OUTCOME_TRAP = 5,
    OUTCOME_BUS = 7,
    OUTCOME_FPE = 8,
    OUTCOME_SEGV = 11
};

struct judge_state {
    uint64_t gpr[32];
    uint64_t lr, ctr, xer, cr, fpscr, vscr, vrsave, tar;
    uint64_t nia, outcome;
    uint64_t scratch[6]; // the guest's
    uint64_t vsr[64][2]; // doubleword 0, doubleword 1
    uint8_t mem[JUDGE_DATA_SIZE];
};

struct judge_record {
    uint64_t slot;
    uint64_t uses_memory;
    struct judge_state state;
};

struct judge_batch {
    uint64_t records_len, slots_len;
    uint64_t code[JUDGE_SLOTS][2]; // preparing instruction (or a no-op), instruction
    struct judge_record records[JUDGE_RECORDS];
};
#endif

#endif
