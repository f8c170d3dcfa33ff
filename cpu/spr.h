// SPDX-License-Identifier: Apache-2.0
// Special-purpose registers: the table (cpu/spr.def), access as mfspr and mtspr do it, and the fields of registers that several
// parts of the processor look at.
#ifndef CPU_SPR_H
#define CPU_SPR_H

#include "base/bits.h"
#include "cpu/cpu.h"

// ISA III "Logical Partitioning Control Register"
#define LPCR_ILE   PPC_BIT(38)
#define LPCR_AIL   PPC_BITMASK(39, 40)
#define LPCR_AIL_2 PPC_BIT(39)
#define LPCR_AIL_3 LPCR_AIL
#define LPCR_UPRT  PPC_BIT(41)
#define LPCR_HR    PPC_BIT(43)
#define LPCR_LD    PPC_BIT(46)
#define LPCR_GTSE  PPC_BIT(53)

// ISA III "Facility Status and Control Register": a facility's bit is 1 << its cause.
enum facility_cause {
    CAUSE_FP = 0,
    CAUSE_VECTOR = 1,
    CAUSE_DSCR = 2,
    CAUSE_PMU = 3,
    CAUSE_BHRB = 4,
    CAUSE_TM = 5,
    CAUSE_EBB = 7,
    CAUSE_TAR = 8,
    CAUSE_STOP = 9,
    CAUSE_MSGP = 10,
    CAUSE_SCV = 12,
};
#define FSCR_BIT(cause) (1ull << (cause))
#define FSCR_IC_SHIFT   56

// ISA III "Branch Event Status and Control Register"
#define BESCR_GE       PPC_BIT(0)
#define BESCR_EE       PPC_BIT(30)
#define BESCR_PME      PPC_BIT(31)
#define BESCR_EEO      PPC_BIT(62)
#define BESCR_PMEO     PPC_BIT(63)

#define CTRL_RUN       1ull
#define DEC_BITS_LARGE 56 // POWER9's large decrementer (ibm,dec-bits)

#define SPR_COUNT      1024

// Who may do it: problem state, privileged, hypervisor only (never, in a partition), or nobody (no such register in this direction).
enum spr_right { SPR_U, SPR_P, SPR_H, SPR_X };

struct spr_row {
    const char *name;                          // NULL: not defined
    u8 read, write;                            // enum spr_right
    u8 since;                                  // enum isa_level
    u8 size;                                   // of the field: 4 or 8, 0 when the functions do it all
    u16 offset;                                // in struct cpu
    u64 (*get)(struct cpu *cpu, unsigned spr); // NULL: the field
    void (*set)(struct cpu *cpu, unsigned spr, u64 value);
};

extern const struct spr_row spr_rows[SPR_COUNT];

// As mfspr and mtspr in the current state: rights, facilities; raises what the ISA says (except.h).
// An undefined register that reads as no operation leaves *value alone.
void spr_read_checked(struct cpu *cpu, unsigned spr, u64 *value);
void spr_write_checked(struct cpu *cpu, unsigned spr, u64 value);

// Without checks, for debuggers and the hypervisor's own use; false when there is no such register.
bool spr_get(struct cpu *cpu, unsigned spr, u64 *value);
bool spr_set(struct cpu *cpu, unsigned spr, u64 value);

// The fixed-point exception register as one value. ISA I "Fixed-Point Exception Register"
u64 spr_xer_get(const struct cpu *cpu);
void spr_xer_set(struct cpu *cpu, u64 value);

#endif
