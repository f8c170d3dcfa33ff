// SPDX-License-Identifier: Apache-2.0
#include "cpu/spr.h"

#include "cpu/except.h"
#include "cpu/group.h"
#include "cpu/mmu/mmu.h"
#include "cpu/pmu.h"
#include "cpu/time.h"
#include "isa/isa.h"

u64 spr_xer_get(const struct cpu *cpu)
{
    // ISA I "Fixed-Point Exception Register": SO OV CA at 32:34, OV32 CA32 at 44:45 (3.0)
    return (u64)cpu->so << 31 | (u64)cpu->ov << 30 | (u64)cpu->ca << 29 | (u64)cpu->ov32 << 19 | (u64)cpu->ca32 << 18 |
           cpu->xer_rest;
}

void spr_xer_set(struct cpu *cpu, u64 value)
{
    cpu->so = value >> 31 & 1;
    cpu->ov = value >> 30 & 1;
    cpu->ca = value >> 29 & 1;
    if (cpu->isa_level >= LEVEL_V30) {
        cpu->ov32 = value >> 19 & 1;
        cpu->ca32 = value >> 18 & 1;
    }
    cpu->xer_rest = value & 0x7f;
}

// Facilities that problem state must have been given: ISA III "Facility Status and Control Register".
static void require(struct cpu *cpu, unsigned cause)
{
    if ((cpu->msr & MSR_PR) && !(cpu->fscr & FSCR_BIT(cause)))
        cpu_raise_facility(cpu, cause);
}

static u64 get_zero(struct cpu *cpu, unsigned spr)
{
    (void)cpu, (void)spr;
    return 0;
}

static void set_nothing(struct cpu *cpu, unsigned spr, u64 value)
{
    (void)cpu, (void)spr, (void)value;
}

static u64 get_xer(struct cpu *cpu, unsigned spr)
{
    (void)spr;
    return spr_xer_get(cpu);
}

static void set_xer(struct cpu *cpu, unsigned spr, u64 value)
{
    (void)spr;
    spr_xer_set(cpu, value);
}

static u64 get_udscr(struct cpu *cpu, unsigned spr)
{
    (void)spr;
    require(cpu, CAUSE_DSCR);
    return cpu->dscr;
}

static void set_udscr(struct cpu *cpu, unsigned spr, u64 value)
{
    (void)spr;
    require(cpu, CAUSE_DSCR);
    cpu->dscr = value;
}

// Problem state changes only the keys that UAMOR gives it, as does the supervisor through this number.
static void set_uamr(struct cpu *cpu, unsigned spr, u64 value)
{
    (void)spr;
    cpu->amr = (cpu->amr & ~cpu->uamor) | (value & cpu->uamor);
    mmu_context_changed(cpu);
}

static void set_amr(struct cpu *cpu, unsigned spr, u64 value)
{
    (void)spr;
    if (cpu->amr == value)
        return;
    cpu->amr = value;
    mmu_context_changed(cpu);
}

static void set_iamr(struct cpu *cpu, unsigned spr, u64 value)
{
    (void)spr;
    cpu->iamr = value & 0x5555555555555555ull;
    mmu_context_changed(cpu);
}

static void set_pidr(struct cpu *cpu, unsigned spr, u64 value)
{
    (void)spr;
    cpu->pidr = value & 0xfffff; // POWER9 has 20 bits
    mmu_context_changed(cpu);
}

static void set_dawr(struct cpu *cpu, unsigned spr, u64 value)
{
    if (spr == 180)
        cpu->dawr0 = value & ~7ull;
    else
        cpu->dawrx0 = value;
    mmu_context_changed(cpu);
}

static void set_dsisr(struct cpu *cpu, unsigned spr, u64 value)
{
    (void)spr;
    cpu->dsisr = (u32)value;
}

static void set_pspb(struct cpu *cpu, unsigned spr, u64 value)
{
    (void)spr;
    cpu->pspb = (u32)value;
}

static u64 get_dec(struct cpu *cpu, unsigned spr)
{
    (void)spr;
    return cpu_dec_get(cpu);
}

static void set_dec(struct cpu *cpu, unsigned spr, u64 value)
{
    (void)spr;
    cpu_dec_set(cpu, value);
}

// ISA III "Control Register": RUN, and in bits 48:55 which threads run.
static u64 get_ctrl(struct cpu *cpu, unsigned spr)
{
    (void)spr;
    u64 run = cpu->ctrl & CTRL_RUN;
    return cpu->msr & MSR_PR ? run : run | (run << 15 >> cpu->thread);
}

static void set_ctrl(struct cpu *cpu, unsigned spr, u64 value)
{
    (void)spr;
    if (pmu_active(cpu))
        pmu_update(cpu);
    cpu->ctrl = value & CTRL_RUN;
}

static u64 get_tb(struct cpu *cpu, unsigned spr)
{
    (void)spr;
    return cpu_timebase(cpu);
}

static u64 get_tbu(struct cpu *cpu, unsigned spr)
{
    (void)spr;
    return cpu_timebase(cpu) >> 32;
}

static u64 get_purr(struct cpu *cpu, unsigned spr)
{
    (void)spr;
    return cpu_purr(cpu);
}

static u64 get_spurr(struct cpu *cpu, unsigned spr)
{
    (void)spr;
    return cpu_purr(cpu);
}

static u64 get_vtb(struct cpu *cpu, unsigned spr)
{
    (void)spr;
    return cpu_vtb(cpu);
}

static u64 get_ic(struct cpu *cpu, unsigned spr)
{
    (void)spr;
    return cpu_insns_now(cpu);
}

// ISA III "Directed Privileged Doorbell Exception State": one bit for each thread of the processor.
static u64 get_dpdes(struct cpu *cpu, unsigned spr)
{
    (void)spr;
    const struct cpu_group *group = cpu->group;
    u64 state = 0;
    for (u32 i = cpu->index - cpu->thread; i < group->len && group->cpus[i]->vcpu == cpu->vcpu; i++) {
        if (atomic_load(&group->cpus[i]->lines) & LINE_DOORBELL)
            state |= 1ull << group->cpus[i]->thread;
    }
    return state;
}

static u64 get_ppr32(struct cpu *cpu, unsigned spr)
{
    (void)spr;
    return cpu->ppr >> 32;
}

#define PPR_PRI PPC_BITMASK(11, 13)

static void set_ppr(struct cpu *cpu, unsigned spr, u64 value)
{
    (void)spr;
    // Problem state chooses among the priorities 2 to 4 (PSPB would allow 5 for a while); others leave it alone.
    u64 priority = PPC_FIELD(value, 11, 13);
    if ((cpu->msr & MSR_PR) && (priority < 1 || priority > 4))
        return;
    cpu->ppr = value & PPR_PRI;
}

static void set_ppr32(struct cpu *cpu, unsigned spr, u64 value)
{
    set_ppr(cpu, spr, value << 32);
}

static u64 get_tar(struct cpu *cpu, unsigned spr)
{
    (void)spr;
    require(cpu, CAUSE_TAR);
    return cpu->tar;
}

static void set_tar(struct cpu *cpu, unsigned spr, u64 value)
{
    (void)spr;
    require(cpu, CAUSE_TAR);
    cpu->tar = value;
}

// ISA 3.0B III "Processor Stop Status and Control Register": the fields of the privileged number.
#define PSSCR_SU_FIELDS (PPC_BITMASK(0, 3) | PPC_BIT(41) | PPC_BIT(42) | PPC_BIT(43) | PPC_BITMASK(54, 63))

static u64 get_psscr(struct cpu *cpu, unsigned spr)
{
    (void)spr;
    return cpu->psscr & PSSCR_SU_FIELDS;
}

static void set_psscr(struct cpu *cpu, unsigned spr, u64 value)
{
    (void)spr;
    cpu->psscr = (cpu->psscr & ~PSSCR_SU_FIELDS) | (value & PSSCR_SU_FIELDS);
}

static u64 get_ebb(struct cpu *cpu, unsigned spr)
{
    require(cpu, CAUSE_EBB);
    switch (spr) {
    case 804: return cpu->ebbhr;
    case 805: return cpu->ebbrr;
    case 801:
    case 803: return cpu->bescr >> 32;
    default: return cpu->bescr;
    }
}

static void set_ebb(struct cpu *cpu, unsigned spr, u64 value)
{
    require(cpu, CAUSE_EBB);
    switch (spr) {
    case 804: cpu->ebbhr = value & ~3ull; break;
    case 805: cpu->ebbrr = value & ~3ull; break;
    default: cpu->bescr = value;
    }
    if (atomic_load(&cpu->lines) & LINE_PMU)
        atomic_fetch_or(&cpu->attn, ATTN_INTERRUPT);
}

// BESCRS and BESCRR set and reset the bits that are one; the ...U numbers reach the upper word.
static void set_bescr_set(struct cpu *cpu, unsigned spr, u64 value)
{
    set_ebb(cpu, 806, cpu->bescr | (spr & 1 ? value << 32 : value));
}

static void set_bescr_reset(struct cpu *cpu, unsigned spr, u64 value)
{
    set_ebb(cpu, 806, cpu->bescr & ~(spr & 1 ? value << 32 : value));
}

// Problem state's view of the performance monitor, as MMCR0[PMCC] gives it: ISA III "Monitor Mode Control Register 0".
// 00: read only (writes: emulation assistance); 01: nothing; 10: PMC1-6 and MMCR0, 2, A; 11: the same without PMC5 and 6.
#define UMMCR0_BITS (MMCR0_FC | MMCR0_PMAE | MMCR0_PMAO)
#define UMMCR2_BITS 0x4020100804020000ull

static unsigned pmcc(const struct cpu *cpu)
{
    return (unsigned)PPC_FIELD(cpu->pmu.mmcr0, 44, 45);
}

static u64 get_upmu(struct cpu *cpu, unsigned spr)
{
    bool problem = cpu->msr & MSR_PR;
    if (problem && (pmcc(cpu) == 1 || (pmcc(cpu) == 3 && (spr == 775 || spr == 776))))
        cpu_raise_facility(cpu, CAUSE_PMU);
    u64 value = pmu_read(cpu, spr + 16);
    if (problem && spr == 779)
        value &= UMMCR0_BITS;
    if (problem && spr == 769)
        value &= UMMCR2_BITS;
    return value;
}

static void set_upmu(struct cpu *cpu, unsigned spr, u64 value)
{
    if (cpu->msr & MSR_PR) {
        if (pmcc(cpu) == 0)
            cpu_raise_illegal(cpu);
        if (pmcc(cpu) == 1 || (pmcc(cpu) == 3 && (spr == 775 || spr == 776)))
            cpu_raise_facility(cpu, CAUSE_PMU);
        u64 mask = spr == 779 ? UMMCR0_BITS : spr == 769 ? UMMCR2_BITS : ~0ull;
        value = (pmu_read(cpu, spr + 16) & ~mask) | (value & mask);
    }
    pmu_write(cpu, spr + 16, value);
}

#define FIELD(member) sizeof(((struct cpu *)0)->member), offsetof(struct cpu, member)
#define FIELD32       FIELD
#define NOFIELD       0, 0
#define SPR(number, id, rd, wr, level, field, getter, setter) \
    [number] = {#id, SPR_##rd, SPR_##wr, LEVEL_##level, field, getter, setter},
const struct spr_row spr_rows[SPR_COUNT] = {
#include "cpu/spr.def"
};
#undef SPR

static u64 row_get(struct cpu *cpu, const struct spr_row *row, unsigned spr)
{
    if (row->get)
        return row->get(cpu, spr);
    const void *p = (const char *)cpu + row->offset;
    return row->size == 4 ? *(const u32 *)p : *(const u64 *)p;
}

static void row_set(struct cpu *cpu, const struct spr_row *row, unsigned spr, u64 value)
{
    if (row->set) {
        row->set(cpu, spr, value);
        return;
    }
    void *p = (char *)cpu + row->offset;
    if (row->size == 4)
        *(u32 *)p = (u32)value;
    else if (row->size == 8)
        *(u64 *)p = value;
}

// ISA III "Move From Special Purpose Register", "Move To Special Purpose Register": numbers without a register.
// Privileged numbers (spr bit 0 of the swapped field, 0x10) are privileged in problem state. The supervisor finds no operation, but
// for a few numbers that earlier architectures gave another meaning.
static void undefined(struct cpu *cpu, unsigned spr, bool write)
{
    if (spr >= 808 && spr <= 811) // reserved, no operation in any state
        return;
    if (cpu->msr & MSR_PR) {
        if (spr & 0x10)
            cpu_raise_program(cpu, SRR1_PROG_PRIVILEGED);
        cpu_raise_illegal(cpu);
    }
    if (spr == 0 || (!write && (spr == 4 || spr == 5 || spr == 6)))
        cpu_raise_illegal(cpu);
}

// True when the access may go on.
static bool permitted(struct cpu *cpu, const struct spr_row *row, unsigned spr, bool write)
{
    unsigned right = write ? row->write : row->read;
    if (likely(row->name && cpu->isa_level >= row->since && right != SPR_X)) {
        if (right == SPR_U || (right == SPR_P && !(cpu->msr & MSR_PR)))
            return true;
        cpu_raise_program(cpu, SRR1_PROG_PRIVILEGED);
    }
    undefined(cpu, spr, write);
    return false;
}

void spr_read_checked(struct cpu *cpu, unsigned spr, u64 *value)
{
    const struct spr_row *row = &spr_rows[spr & (SPR_COUNT - 1)];
    if (permitted(cpu, row, spr, false))
        *value = row_get(cpu, row, spr);
}

void spr_write_checked(struct cpu *cpu, unsigned spr, u64 value)
{
    const struct spr_row *row = &spr_rows[spr & (SPR_COUNT - 1)];
    if (permitted(cpu, row, spr, true))
        row_set(cpu, row, spr, value);
}

bool spr_get(struct cpu *cpu, unsigned spr, u64 *value)
{
    if (spr >= SPR_COUNT || !spr_rows[spr].name || spr_rows[spr].read == SPR_X)
        return false;
    u64 msr = cpu->msr;
    cpu->msr &= ~MSR_PR; // no facility is missing to the supervisor
    *value = row_get(cpu, &spr_rows[spr], spr);
    cpu->msr = msr;
    return true;
}

bool spr_set(struct cpu *cpu, unsigned spr, u64 value)
{
    if (spr >= SPR_COUNT || !spr_rows[spr].name || spr_rows[spr].write == SPR_X)
        return false;
    u64 msr = cpu->msr;
    cpu->msr &= ~MSR_PR;
    row_set(cpu, &spr_rows[spr], spr, value);
    cpu->msr = msr;
    mmu_context_changed(cpu);
    return true;
}
