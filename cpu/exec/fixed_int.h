// SPDX-License-Identifier: Apache-2.0
// Flags of fixed-point instructions, shared by the files of that facility. ISA I "Fixed-Point Exception Register".
#ifndef CPU_EXEC_FIXED_INT_H
#define CPU_EXEC_FIXED_INT_H

#include "cpu/exec/exec.h"

// Both record bits at once: most instructions have neither.
#define OE_RC_BITS (insn & 0x401)

static inline bool mode64(const struct cpu *cpu)
{
    return likely(cpu->ea_mask == ~0ull);
}

static inline void record(struct cpu *cpu, u32 insn, u64 result)
{
    if (unlikely(RC_BIT))
        set_cr0(cpu, result);
}

// OV and OV32 from bit 0 and bit 32 of `over`: the signs in which a 64-bit and a 32-bit sum are wrong.
static inline void set_ov_signs(struct cpu *cpu, u64 over)
{
    cpu->ov32 = over >> 31 & 1;
    cpu->ov = mode64(cpu) ? over >> 63 : cpu->ov32;
    cpu->so |= cpu->ov;
}

// Multiply and divide: one condition for both.
static inline void set_ov_both(struct cpu *cpu, bool over)
{
    cpu->ov = cpu->ov32 = over;
    cpu->so |= over;
}

// CA and CA32: `carries` has in bit 32 (from the right) the carry out of the low word.
static inline void set_ca_sum(struct cpu *cpu, bool carry64, u64 carries)
{
    cpu->ca32 = carries >> 32 & 1;
    cpu->ca = mode64(cpu) ? carry64 : cpu->ca32;
}

static inline void set_ca_both(struct cpu *cpu, bool carry)
{
    cpu->ca = cpu->ca32 = carry;
}

#endif
