// SPDX-License-Identifier: Apache-2.0
// System linkage, machine state, segment and translation lookaside buffers, messages. ISA III.
//
// Instructions of the hypervisor have rows so that they are known; their privilege keeps partitions from executing them.
#include "cpu/exec/exec.h"
#include "cpu/group.h"
#include "cpu/mmu/mmu.h"
#include "cpu/mmu/slb.h"
#include "cpu/spr.h"

#define LEV INSN_FIELD(20, 26)

// "System Call": the low bit of LEV chooses the hypervisor, the others are reserved.
EXEC(sc)
{
    if (!(LEV & 1)) {
        cpu_deliver(cpu, VEC_SYSCALL, cpu->nia & cpu->ea_mask, 0);
        return;
    }
    // From problem state the hypervisor answers as if the instruction were privileged.
    if (cpu->msr & MSR_PR)
        cpu_raise_program(cpu, SRR1_PROG_PRIVILEGED);
    if (!cpu->group->hooks || !cpu->group->hooks->hcall)
        cpu_raise_illegal(cpu);
    cpu->nia &= cpu->ea_mask;
    cpu->group->hooks->hcall(cpu);
}

EXEC(scv)
{
    if (!(cpu->fscr & FSCR_BIT(CAUSE_SCV)))
        cpu_raise_facility(cpu, CAUSE_SCV);
    cpu_deliver(cpu, VEC_SCV + LEV * 0x20, cpu->nia & cpu->ea_mask, 0);
}

// MSR[HV] = 0: HV and ME stay. Problem state implies external interrupts and relocation.
static void return_from_interrupt(struct cpu *cpu, u64 msr, u64 address)
{
    if (msr & MSR_PR)
        msr |= MSR_EE | MSR_IR | MSR_DR;
    cpu_set_msr(cpu, (msr & ~MSR_ME) | (cpu->msr & MSR_ME));
    cpu->nia = address & ~3ull & cpu->ea_mask;
}

EXEC(rfid)
{
    return_from_interrupt(cpu, cpu->srr1, cpu->srr0);
}

EXEC(rfscv)
{
    return_from_interrupt(cpu, cpu->ctr, cpu->lr);
}

EXEC(rfebb)
{
    if ((cpu->msr & MSR_PR) && !(cpu->fscr & FSCR_BIT(CAUSE_EBB)))
        cpu_raise_facility(cpu, CAUSE_EBB);
    if (INSN_FIELD(20, 20))
        cpu->bescr |= BESCR_GE;
    else
        cpu->bescr &= ~BESCR_GE;
    cpu->nia = cpu->ebbrr & ~3ull;
    if (atomic_load(&cpu->lines) & LINE_PMU)
        atomic_fetch_or(&cpu->attn, ATTN_INTERRUPT);
}

#define EXEC_HYPERVISOR(id)     \
    EXEC(id)                    \
    {                           \
        (void)insn;             \
        cpu_raise_illegal(cpu); \
    }
EXEC_HYPERVISOR(hrfid)
EXEC_HYPERVISOR(doze)
EXEC_HYPERVISOR(nap)
EXEC_HYPERVISOR(sleep)
EXEC_HYPERVISOR(rvwinkle)
EXEC_HYPERVISOR(stop)
EXEC_HYPERVISOR(msgsnd)
EXEC_HYPERVISOR(msgclr)
EXEC_HYPERVISOR(msgsync)

EXEC(mfmsr)
{
    GPR(RT) = cpu->msr;
}

// EE and RI only: "Move To MSR" with L = 1.
static void set_ee_ri(struct cpu *cpu, u64 value)
{
    u64 msr = (cpu->msr & ~(MSR_EE | MSR_RI)) | (value & (MSR_EE | MSR_RI));
    cpu->msr = msr;
    if ((msr & MSR_EE) && atomic_load_explicit(&cpu->lines, memory_order_relaxed))
        atomic_fetch_or(&cpu->attn, ATTN_INTERRUPT);
}

// HV, ME and LE do not change by a move.
static void set_msr_by_move(struct cpu *cpu, u64 value, u64 mask)
{
    mask &= ~(MSR_HV | MSR_ME | MSR_LE);
    if (value & MSR_PR)
        value |= MSR_EE | MSR_IR | MSR_DR;
    cpu_set_msr(cpu, (cpu->msr & ~mask) | (value & mask));
}

EXEC(mtmsr)
{
    if (INSN_FIELD(15, 15))
        set_ee_ri(cpu, GPR(RS));
    else
        set_msr_by_move(cpu, GPR(RS), 0xffffffff);
}

EXEC(mtmsrd)
{
    if (INSN_FIELD(15, 15))
        set_ee_ri(cpu, GPR(RS));
    else
        set_msr_by_move(cpu, GPR(RS), ~0ull);
}

EXEC(mtmsrd_ee)
{
    set_ee_ri(cpu, GPR(RS));
}

// The branch history buffer is always empty: an entry of zero ends it.
static void require_bhrb(struct cpu *cpu)
{
    if ((cpu->msr & MSR_PR) && !(cpu->fscr & FSCR_BIT(CAUSE_BHRB)))
        cpu_raise_facility(cpu, CAUSE_BHRB);
}

EXEC(mfbhrbe)
{
    require_bhrb(cpu);
    GPR(RT) = 0;
}

EXEC(clrbhrb)
{
    (void)insn;
    require_bhrb(cpu);
}

EXEC(slbmte)
{
    slb_write(cpu, GPR(RB), GPR(RS));
}

EXEC(slbie)
{
    slb_invalidate(cpu, GPR(RB));
}

// The global form is for operating systems that share segment tables with accelerators: the table is the hypervisor's here.
EXEC(slbieg)
{
    (void)insn;
    if (!cpu->group->gtse)
        cpu_raise_program(cpu, SRR1_PROG_PRIVILEGED);
    slb_invalidate(cpu, GPR(RB));
}

EXEC(slbia)
{
    slb_invalidate_all(cpu, INSN_FIELD(8, 10));
}

EXEC(slbmfev)
{
    u64 index = GPR(RB) & SLB_INDEX;
    bool valid = index < SLB_ENTRIES && (cpu->slb[index].esid & SLB_ESID_V);
    GPR(RT) = valid ? cpu->slb[index].vsid : 0;
}

EXEC(slbmfee)
{
    u64 index = GPR(RB) & SLB_INDEX;
    bool valid = index < SLB_ENTRIES && (cpu->slb[index].esid & SLB_ESID_V);
    GPR(RT) = valid ? cpu->slb[index].esid : 0;
}

EXEC(slbfee)
{
    int i = slb_find(cpu, GPR(RB));
    GPR(RT) = i < 0 ? 0 : cpu->slb[i].vsid;
    cpu->crf[0] = (u8)((i < 0 ? 0 : CR_EQ) | cpu->so);
}

EXEC(slbsync)
{
    (void)cpu, (void)insn;
}

// ISA 3.0B III "TLB Invalidate Entry": fields of RB.
#define TLBIE_IS(rb)  PPC_FIELD(rb, 52, 53)
#define TLBIE_SET(rb) PPC_FIELD(rb, 40, 51)
#define TLBIE_AP(rb)  PPC_FIELD(rb, 56, 58)
#define TLBIE_PID(rs) ((rs) >> 32)

struct tlb_invalidation {
    enum tlb_scope scope;
    u64 arg0, arg1, arg2;
};

// Radix page sizes by AP: "Radix Actual Page Size".
static unsigned radix_page_shift(u64 ap)
{
    switch (ap) {
    case 0: return 12;
    case 5: return 16;
    case 1: return 21;
    default: return 30;
    }
}

static struct tlb_invalidation decode_radix(u64 rb, u64 rs)
{
    switch (TLBIE_IS(rb)) {
    case 0:
        return (struct tlb_invalidation){TLB_EA_PAGE, rb & PPC_BITMASK(0, 51), TLBIE_PID(rs),
                                         radix_page_shift(TLBIE_AP(rb))};
    case 1: return (struct tlb_invalidation){TLB_PID, 0, TLBIE_PID(rs), 0};
    default: return (struct tlb_invalidation){.scope = TLB_ALL};
    }
}

// Broadcast invalidation is the supervisor's only when the partition was given it (LPCR[GTSE]), for its radix tables; a hashed
// page table belongs to the hypervisor.
static void require_gtse(struct cpu *cpu)
{
    if (!cpu->group->radix || !cpu->group->gtse)
        cpu_raise_program(cpu, SRR1_PROG_PRIVILEGED);
}

EXEC(tlbie)
{
    require_gtse(cpu);
    struct tlb_invalidation i = decode_radix(GPR(RB), GPR(RS));
    group_invalidate(cpu->group, cpu, i.scope, i.arg0, i.arg1, i.arg2);
}

// Everything is in the first congruence class. Whoever means all that belongs to a process or to the partition names one class after
// the other; the translator knows that the others are empty (cpu/xlate/lower_state.c).
EXEC(tlbiel)
{
    if (TLBIE_IS(GPR(RB)) && TLBIE_SET(GPR(RB)))
        return;
    if (!cpu->group->radix) { // the thread's own copies of the hashed page table
        mmu_flush_local(cpu, TLB_ALL, 0, 0, 0);
        return;
    }
    struct tlb_invalidation i = decode_radix(GPR(RB), GPR(RS));
    mmu_flush_local(cpu, i.scope, i.arg0, i.arg1, i.arg2);
}

// Invalidations are complete when their instruction is.
EXEC(tlbsync)
{
    (void)insn;
    require_gtse(cpu);
}

// "Message Send Privileged": type 5 in bits 32:36, the thread of the same (virtual) processor in 57:63.
#define MESSAGE_TYPE(rb) PPC_FIELD(rb, 32, 36)
#define MESSAGE_DOORBELL 5

EXEC(msgsndp)
{
    u64 rb = GPR(RB), thread = rb & 0x7f;
    struct cpu_group *group = cpu->group;
    if (MESSAGE_TYPE(rb) != MESSAGE_DOORBELL)
        return;
    u64 index = cpu->index - cpu->thread + thread;
    if (index < group->len && group->cpus[index]->vcpu == cpu->vcpu)
        cpu_raise_line(group->cpus[index], LINE_DOORBELL);
}

EXEC(msgclrp)
{
    if (MESSAGE_TYPE(GPR(RB)) == MESSAGE_DOORBELL)
        cpu_lower_line(cpu, LINE_DOORBELL);
}
