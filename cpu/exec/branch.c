// SPDX-License-Identifier: Apache-2.0
// Branches, condition register logic, traps. ISA I "Branch Facility".
//
// The come-from register is set by taken branches. Hints (BO's "at" bits, BH) have no effect.
#include "cpu/exec/exec.h"

#define BO     INSN_FIELD(6, 10)
#define BI     INSN_FIELD(11, 15)
#define LK_BIT (insn & 1)
#define AA_BIT (insn & 2)

// ISA I "BO Field Encodings": bits of BO.
enum {
    BO_NO_CR = 0x10,   // do not test a CR bit
    BO_CR_TRUE = 0x08, // the value that the CR bit must have
    BO_NO_CTR = 0x04,  // do not decrement CTR
    BO_CTR_ZERO = 0x02,
};

static inline bool cr_ok(const struct cpu *cpu, u32 insn)
{
    return BO & BO_NO_CR || cr_bit(cpu, BI) == (BO & BO_CR_TRUE ? 1u : 0u);
}

// Decrements CTR where BO says so; in 32-bit mode only its low word is tested.
static inline bool ctr_ok(struct cpu *cpu, u32 insn)
{
    if (BO & BO_NO_CTR)
        return true;
    cpu->ctr--;
    return ((cpu->ctr & cpu->ea_mask) == 0) == !!(BO & BO_CTR_ZERO);
}

// nia is the address of the next instruction when the semantics start. The link register is set whether the branch is taken or not.
static inline void branch_to(struct cpu *cpu, u32 insn, bool taken, u64 target)
{
    if (LK_BIT)
        cpu->lr = cpu->nia & cpu->ea_mask;
    if (!taken)
        return;
    cpu->cfar = cpu->nia - 4;
    cpu->nia = target;
}

EXEC(b)
{
    u64 li = (u64)(s64)((s32)(insn << 6) >> 6 & ~3);
    branch_to(cpu, insn, true, AA_BIT ? li : cpu->nia - 4 + li);
}

EXEC(bc)
{
    u64 bd = (u64)(s64)(s16)(insn & 0xfffc);
    bool taken = ctr_ok(cpu, insn) && cr_ok(cpu, insn);
    branch_to(cpu, insn, taken, AA_BIT ? bd : cpu->nia - 4 + bd);
}

EXEC(bclr)
{
    bool taken = ctr_ok(cpu, insn) && cr_ok(cpu, insn);
    branch_to(cpu, insn, taken, cpu->lr & ~3ull);
}

EXEC(bcctr)
{
    // "If the decrement and test CTR option is specified, the instruction form is invalid."
    if (unlikely(!(BO & BO_NO_CTR)))
        cpu_raise_illegal(cpu);
    branch_to(cpu, insn, cr_ok(cpu, insn), cpu->ctr & ~3ull);
}

// FSCR bit 55 makes TAR available in problem state; the cause is the bit's number counted from the right.
#define FSCR_TAR_CAUSE 8u

EXEC(bctar)
{
    if (unlikely(cpu->msr & MSR_PR && !(cpu->fscr >> FSCR_TAR_CAUSE & 1)))
        cpu_raise_facility(cpu, FSCR_TAR_CAUSE);
    bool taken = ctr_ok(cpu, insn) && cr_ok(cpu, insn);
    branch_to(cpu, insn, taken, cpu->tar & ~3ull);
}

#define EXEC_CR_LOGIC(id, expression)                      \
    EXEC_PURE(id)                                          \
    {                                                      \
        unsigned a = cr_bit(cpu, BA), b = cr_bit(cpu, BB); \
        set_cr_bit(cpu, BT, (expression)&1);               \
    }

EXEC_CR_LOGIC(crand, a &b)
EXEC_CR_LOGIC(crnand, ~(a &b))
EXEC_CR_LOGIC(cror, a | b)
EXEC_CR_LOGIC(crxor, a ^ b)
EXEC_CR_LOGIC(crnor, ~(a | b))
EXEC_CR_LOGIC(creqv, ~(a ^ b))
EXEC_CR_LOGIC(crandc, a & ~b)
EXEC_CR_LOGIC(crorc, a | ~b)

EXEC_PURE(mcrf)
{
    cpu->crf[BF] = cpu->crf[BFA];
}

EXEC_PURE(isel)
{
    u64 a = ra_or_zero(cpu, insn), b = GPR(RB);
    GPR(RT) = cr_bit(cpu, RC) ? a : b;
}

EXEC_PURE(setb)
{
    unsigned field = cpu->crf[BFA];
    GPR(RT) = field & CR_LT ? ~0ull : field & CR_GT ? 1 : 0;
}

// TO: less, greater, equal, less and greater unsigned.
static inline void trap_on(struct cpu *cpu, unsigned to, s64 a, s64 b)
{
    if (unlikely((to & 0x10 && a < b) || (to & 0x08 && a > b) || (to & 0x04 && a == b) ||
                 (to & 0x02 && (u64)a < (u64)b) || (to & 0x01 && (u64)a > (u64)b)))
        cpu_raise_program(cpu, SRR1_PROG_TRAP);
}

EXEC(twi)
{
    trap_on(cpu, RT, (s32)GPR(RA), SI);
}

EXEC(tdi)
{
    trap_on(cpu, RT, (s64)GPR(RA), SI);
}

EXEC(tw)
{
    trap_on(cpu, RT, (s32)GPR(RA), (s32)GPR(RB));
}

EXEC(td)
{
    trap_on(cpu, RT, (s64)GPR(RA), (s64)GPR(RB));
}
