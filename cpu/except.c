// SPDX-License-Identifier: Apache-2.0
//
// Interrupts as a partition sees them: MSR[HV] is always 0, so each goes to the partition's own vectors, at the place and in the
// endianness that LPCR[AIL] and LPCR[ILE] say. ISA III "Interrupt Processing", "Interrupt Definitions".
#include "cpu/except.h"

#include "cpu/debug.h"
#include "cpu/group.h"
#include "cpu/interp.h"
#include "cpu/mmu/mmu.h"
#include "cpu/pmu.h"
#include "cpu/run.h"
#include "cpu/spr.h"
#include "cpu/time.h"
#include "isa/isa.h"

// SRR1 bits that an interrupt sets by itself; the others are MSR's.
#define SRR1_INFO (PPC_BITMASK(33, 36) | PPC_BITMASK(42, 47))

// All bits that the processor has. Transactional memory is absent.
#define MSR_IMPLEMENTED                                                                                              \
    (MSR_SF | MSR_VEC | MSR_VSX | MSR_EE | MSR_PR | MSR_FP | MSR_ME | MSR_FE0 | MSR_SE | MSR_BE | MSR_FE1 | MSR_IR | \
     MSR_DR | MSR_PMM | MSR_RI | MSR_LE)

// ISA III "Alternate Interrupt Location"
#define AIL_3_OFFSET 0xc000000000004000ull
#define AIL_3_SCV    0xc000000000003000ull
#define AIL_2_OFFSET 0x18000ull

u64 cpu_cia(const struct cpu *cpu)
{
    return cpu->page ? interp_cia(cpu, cpu->d) : cpu->nia;
}

_Noreturn void cpu_unwind(struct cpu *cpu)
{
    assert(cpu->unwind);
    siglongjmp(*cpu->unwind, 1);
}

static void select_state(struct cpu *cpu, u64 changed)
{
    u64 msr = cpu->msr;
    bool be = !(msr & MSR_LE);
    if (cpu->be != be) {
        cpu->be = be;
        // Predecoded pages belong to one byte order: the fetch tables are looked up again.
        mmu_forget_fetches(cpu);
    }
    cpu->ea_mask = msr & MSR_SF ? ~0ull : 0xffffffffull;
    if (changed & (MSR_PR | MSR_IR | MSR_DR))
        mmu_context_changed(cpu);
}

// ISA I "Floating-Point Exceptions": FEX and one of the two mode bits.
static bool fp_enabled_exception(const struct cpu *cpu)
{
    return (cpu->fpscr & FPSCR_FEX) && (cpu->msr & (MSR_FE0 | MSR_FE1));
}

void cpu_set_msr(struct cpu *cpu, u64 msr)
{
    u64 old = cpu->msr;
    msr &= MSR_IMPLEMENTED;
    u64 changed = old ^ msr;
    if ((changed & (MSR_PR | MSR_PMM)) && pmu_active(cpu))
        pmu_update(cpu);
    cpu->msr = msr;
    // The first call finds everything unset: a zero MSR is big-endian, 32-bit and real.
    select_state(cpu, cpu->tlb ? changed : ~0ull);
    if ((msr & MSR_EE) && atomic_load_explicit(&cpu->lines, memory_order_relaxed))
        atomic_fetch_or(&cpu->attn, ATTN_INTERRUPT);
    if (unlikely(fp_enabled_exception(cpu)))
        atomic_fetch_or(&cpu->attn, ATTN_INTERRUPT);
    if (likely(!((old | msr) & (MSR_SE | MSR_BE))) && likely(!(cpu->ciabr & 3)))
        return;
    // The run loop takes it back: an instruction that is executed by itself ends there, also when it ends the tracing.
    if (debug_trace_wanted(cpu))
        atomic_fetch_or(&cpu->attn, ATTN_STEP);
}

static u64 vector_address(const struct cpu *cpu, unsigned vector, bool relocated)
{
    bool scv = vector >= VEC_SCV;
    if (!relocated)
        return vector;
    if ((cpu->lpcr & LPCR_AIL) == LPCR_AIL_3)
        return scv ? AIL_3_SCV + (vector - VEC_SCV) : AIL_3_OFFSET + vector;
    return scv ? vector : AIL_2_OFFSET + vector;
}

// MSR and nia as the interrupt sets them. ISA III figure "MSR setting due to interrupt".
static void enter_vector(struct cpu *cpu, unsigned vector)
{
    u64 msr = cpu->msr;
    bool may_relocate = vector != VEC_RESET && vector != VEC_MACHINE_CHECK;
    u64 ail = cpu->lpcr & LPCR_AIL;
    bool relocated =
        may_relocate && (ail == LPCR_AIL_2 || ail == LPCR_AIL_3) && (msr & (MSR_IR | MSR_DR)) == (MSR_IR | MSR_DR);
    u64 new_msr = MSR_SF | (msr & MSR_ME);
    if (vector == VEC_MACHINE_CHECK)
        new_msr &= ~MSR_ME;
    if (vector >= VEC_SCV)
        new_msr |= msr & (MSR_EE | MSR_RI);
    if (relocated)
        new_msr |= MSR_IR | MSR_DR;
    if (cpu->lpcr & LPCR_ILE)
        new_msr |= MSR_LE;
    u64 address = vector_address(cpu, vector, relocated);
    const struct cpu_hooks *hooks = cpu->group->hooks;
    if (hooks && hooks->interrupt)
        hooks->interrupt(cpu, vector);
    cpu_set_msr(cpu, new_msr);
    cpu->nia = address;
    if (vector == VEC_RESET || vector == VEC_MACHINE_CHECK)
        cpu->reserve_addr = RESERVE_NONE;
}

void cpu_deliver(struct cpu *cpu, unsigned vector, u64 srr0, u64 srr1)
{
    u64 saved = (cpu->msr & ~SRR1_INFO) | (srr1 & SRR1_INFO);
    if (vector >= VEC_SCV) { // ISA III "System Call Vectored Interrupt": LR and CTR instead of SRR0 and SRR1
        cpu->lr = srr0;
        cpu->ctr = saved;
    } else {
        cpu->srr0 = srr0;
        cpu->srr1 = saved;
    }
    enter_vector(cpu, vector);
}

// System reset and machine check: firmware may know another handler than the vector's. False: not now.
static bool deliver_nmi(struct cpu *cpu, unsigned vector, u64 srr0, u64 srr1)
{
    const struct cpu_hooks *hooks = cpu->group->hooks;
    u64 address = hooks && hooks->nmi ? hooks->nmi(cpu, vector, srr1) : vector;
    if (address == NMI_LATER)
        return false;
    cpu_deliver(cpu, vector, srr0, srr1);
    cpu->nia = address;
    return true;
}

_Noreturn void cpu_raise(struct cpu *cpu, unsigned vector, u64 srr1)
{
    u64 cia = cpu_cia(cpu);
    // What completed before is counted by the run loop, which needs page, d and block_d as they are.
    cpu_deliver(cpu, vector, cia, srr1);
    cpu_unwind(cpu);
}

_Noreturn void cpu_raise_program(struct cpu *cpu, u64 srr1_prog)
{
    cpu_raise(cpu, VEC_PROGRAM, srr1_prog);
}

_Noreturn void cpu_raise_illegal(struct cpu *cpu)
{
    cpu_raise(cpu, VEC_PROGRAM, SRR1_PROG_ILLEGAL);
}

_Noreturn void cpu_raise_dsi(struct cpu *cpu, u64 ea, u64 dsisr)
{
    cpu->dar = ea;
    cpu->dsisr = dsisr;
    cpu_raise(cpu, VEC_DSI, 0);
}

_Noreturn void cpu_raise_dseg(struct cpu *cpu, u64 ea)
{
    cpu->dar = ea;
    cpu_raise(cpu, VEC_DATA_SEGMENT, 0);
}

// Fetches fail between instructions: nia is the address that could not be fetched from.
_Noreturn void cpu_raise_isi(struct cpu *cpu, u64 srr1)
{
    cpu_deliver(cpu, VEC_ISI, cpu->nia, srr1);
    cpu_unwind(cpu);
}

_Noreturn void cpu_raise_iseg(struct cpu *cpu)
{
    cpu_deliver(cpu, VEC_INSN_SEGMENT, cpu->nia, 0);
    cpu_unwind(cpu);
}

// What a handler needs to know about the instruction, gone since ISA 3.0. ISA 2.07 III "Alignment Interrupt"
static u32 alignment_dsisr(u32 insn)
{
    u32 dsisr = insn >> 16 & 0x3ff; // 54:63: RT, RA
    u32 primary = insn >> 26;
    if (primary == 31) // X-form: instruction bits 29:30, 25, 21:24
        return dsisr | (insn >> 1 & 3) << 15 | (insn >> 6 & 1) << 14 | (insn >> 7 & 0xf) << 10;
    if (primary >= 57) // DS-form: instruction bits 30:31
        dsisr |= (insn & 3) << 18;
    return dsisr | (primary & 1) << 14 | (primary >> 1 & 0xf) << 10; // D- and DS-form: instruction bits 5, 1:4
}

// The word being executed. Its predecoded entry may hold anything else by now.
static u32 current_insn(const struct cpu *cpu)
{
    u64 gra = cpu->page->gra + (u64)(cpu->d - cpu->page->insns) * 4;
    u32 insn = __atomic_load_n((const u32 *)(const void *)(cpu->group->mem->base + gra), __ATOMIC_RELAXED);
    return cpu->be ? __builtin_bswap32(insn) : insn;
}

_Noreturn void cpu_raise_alignment(struct cpu *cpu, u64 ea)
{
    cpu->dar = ea;
    if (cpu->isa_level < LEVEL_V30 && cpu->page)
        cpu->dsisr = alignment_dsisr(current_insn(cpu));
    cpu_raise(cpu, VEC_ALIGNMENT, 0);
}

_Noreturn void cpu_raise_facility(struct cpu *cpu, unsigned cause)
{
    cpu->fscr = (cpu->fscr & ~(0xffull << FSCR_IC_SHIFT)) | (u64)cause << FSCR_IC_SHIFT;
    cpu_raise(cpu, VEC_FACILITY_UNAVAILABLE, 0);
}

// Without a handler (MSR[ME] = 0) the thread stops: ISA III "Machine Check Interrupt", checkstop.
_Noreturn void cpu_raise_machine_check(struct cpu *cpu, u64 srr1, u64 dsisr, u64 ea)
{
    if (!(cpu->msr & MSR_ME)) {
        cpu->nia = cpu_cia(cpu);
        cpu->exit_reason = EXIT_CHECKSTOP + 1;
        cpu_unwind(cpu);
    }
    cpu->dar = ea;
    cpu->dsisr = dsisr;
    u64 cia = cpu_cia(cpu);
    if (!deliver_nmi(cpu, VEC_MACHINE_CHECK, cia, srr1))
        cpu->nia = cia; // the instruction starts again
    cpu_unwind(cpu);
}

// ISA II "Event-Based Branch Facility": a branch in problem state instead of an interrupt.
static bool event_based_branch(struct cpu *cpu, u32 lines)
{
    if (!(lines & LINE_PMU) || !(cpu->pmu.mmcr0 & MMCR0_EBE) || !(cpu->msr & MSR_PR))
        return false;
    if (!(cpu->fscr & FSCR_BIT(CAUSE_EBB)) || (cpu->bescr & (BESCR_GE | BESCR_PME)) != (BESCR_GE | BESCR_PME))
        return false;
    cpu->bescr = (cpu->bescr & ~(BESCR_GE | BESCR_PME)) | BESCR_PMEO;
    cpu->ebbrr = cpu->nia;
    cpu->nia = cpu->ebbhr & ~3ull & cpu->ea_mask;
    cpu_lower_line(cpu, LINE_PMU);
    return true;
}

// ISA III "Interrupt Priorities": the asynchronous ones, highest first.
bool cpu_deliver_pending(struct cpu *cpu)
{
    u32 lines = atomic_load(&cpu->lines);
    if (lines & LINE_RESET) {
        cpu_lower_line(cpu, LINE_RESET);
        if (deliver_nmi(cpu, VEC_RESET, cpu->nia, 0))
            return true;
        cpu_raise_line(cpu, LINE_RESET);
    }
    if ((lines & LINE_MACHINE_CHECK) && (cpu->msr & MSR_ME)) {
        cpu_lower_line(cpu, LINE_MACHINE_CHECK);
        if (deliver_nmi(cpu, VEC_MACHINE_CHECK, cpu->nia, 0))
            return true;
        atomic_fetch_or(&cpu->lines, LINE_MACHINE_CHECK); // whoever makes the way free kicks
    }
    // MSR[FE0] or MSR[FE1] was switched on while an enabled exception was there: the instruction that did so is not the one that
    // SRR0 names. Where it is switched on already the instruction that causes the exception interrupts.
    if (fp_enabled_exception(cpu)) {
        cpu_deliver(cpu, VEC_PROGRAM, cpu->nia, SRR1_PROG_FP | SRR1_PROG_LATE);
        return true;
    }
    if (event_based_branch(cpu, lines))
        return true;
    if (!(cpu->msr & MSR_EE))
        return false;
    cpu_dec_update(cpu);
    lines = atomic_load(&cpu->lines);
    unsigned vector;
    if (lines & LINE_EXTERNAL)
        vector = VEC_EXTERNAL;
    else if (lines & LINE_DECREMENTER)
        vector = VEC_DECREMENTER;
    else if ((lines & LINE_PMU) && !(cpu->pmu.mmcr0 & MMCR0_EBE))
        vector = VEC_PERFMON;
    else if (lines & LINE_DOORBELL) {
        cpu_lower_line(cpu, LINE_DOORBELL);
        vector = VEC_DOORBELL;
    } else
        return false;
    cpu_deliver(cpu, vector, cpu->nia, 0);
    return true;
}
