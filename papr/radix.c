// SPDX-License-Identifier: Apache-2.0
//
// H_REGISTER_PROC_TBL and H_RPT_INVALIDATE: choosing the kind of translation, and invalidating radix translations by call.
#include "cpu/mmu/mmu.h"
#include "isa/isa.h"
#include "papr/hcall_int.h"
#include "papr/sched.h"

// LoPAR H_REGISTER_PROC_TBL: flags
#define PROC_TBL_FLAGS      0x1full
#define PROC_TBL_CHANGE     0x10ull
#define PROC_TBL_REGISTER   0x08ull
#define PROC_TBL_RADIX      0x04ull
#define PROC_TBL_HASH_TABLE 0x02ull // hash with segment tables under a process table
#define PROC_TBL_GTSE       0x01ull
#define PROC_TBL_SIZE_MAX   24ull

// flags, base, page size, table size
long h_register_proc_tbl(struct cpu *cpu, u64 *args)
{
    struct partition *lp = cpu_partition(cpu);
    struct cpu_group *group = &lp->group;
    u64 flags = args[0], base = args[1], page_size = args[2], size = args[3];
    if (flags & ~PROC_TBL_FLAGS)
        return H_PARAMETER;
    if (lp->compat_level < LEVEL_V30 && flags)
        return H_FUNCTION;
    bool radix = flags & PROC_TBL_RADIX;
    bool registers = (flags & (PROC_TBL_CHANGE | PROC_TBL_REGISTER)) == (PROC_TBL_CHANGE | PROC_TBL_REGISTER);
    if (radix && (!lp->config.radix_allowed || (flags & PROC_TBL_HASH_TABLE)))
        return H_PARAMETER;
    if (!radix && registers && !lp->config.hash_allowed)
        return H_PARAMETER;
    if ((flags & PROC_TBL_HASH_TABLE) || (!(flags & PROC_TBL_CHANGE) && (flags & PROC_TBL_REGISTER)))
        return H_PARAMETER; // segment tables in memory: no processor of ours has them
    if (registers && radix) {
        if ((base & 0xfff) || (base >> 60))
            return H_P2;
        if (page_size)
            return H_P3;
        if (size > PROC_TBL_SIZE_MAX)
            return H_P4;
        if (!guest_mem_contains(&lp->mem, base, 1ull << (size + 12)))
            return H_P2;
    } else if (base || page_size || size) {
        return base ? H_P2 : page_size ? H_P3 : H_P4;
    }

    group_exclusive_begin(group, cpu);
    if (registers)
        group->prtb = radix ? base | size : 0;
    else if (flags & PROC_TBL_CHANGE)
        group->prtb = 0;
    if (flags & PROC_TBL_CHANGE) {
        group->radix = registers && radix;
        group->gtse = group->radix && (flags & PROC_TBL_GTSE);
    } else {
        group->gtse = group->radix && (flags & PROC_TBL_GTSE);
        group->radix = group->radix && radix;
    }
    for (u32 i = 0; i < group->len; i++) {
        struct cpu *each = group->cpus[i];
        each->lpcr &= ~(LPCR_HR | LPCR_UPRT | LPCR_GTSE);
        each->lpcr |= (group->radix ? LPCR_HR | LPCR_UPRT : 0) | (group->gtse ? LPCR_GTSE : 0);
        mmu_flush_local(each, TLB_ALL, 0, 0, 0);
        mmu_context_changed(each);
    }
    group_exclusive_end(group, cpu);
    return H_SUCCESS;
}

// LoPAR H_RPT_INVALIDATE
#define RPTI_TARGETS          0x7ull
#define RPTI_TARGET_LOCAL     0x2ull
#define RPTI_TYPE_NESTED      0x1ull
#define RPTI_TYPES            0xfull
#define RPTI_PAGES_ONE_BY_ONE 32u // beyond it the whole process is cheaper

static const struct {
    u64 bit;
    u8 shift;
} rpti_pages[] = {{0x01, 12}, {0x02, 16}, {0x04, 21}, {0x08, 30}};

static void rpt_flush(struct cpu *cpu, bool local, enum tlb_scope scope, u64 ea, u64 pid, u64 shift)
{
    if (local)
        mmu_flush_local(cpu, scope, ea, pid, shift);
    else
        group_invalidate(cpu->group, cpu, scope, ea, pid, shift);
}

// PID, target, type, page sizes, start, end
long h_rpt_invalidate(struct cpu *cpu, u64 *args)
{
    struct partition *lp = cpu_partition(cpu);
    u64 pid = args[0], target = args[1], type = args[2], sizes = args[3], start = args[4], end = args[5];
    if (!lp->group.radix)
        return H_FUNCTION;
    if (pid >> 32)
        return H_PARAMETER;
    if (!target || (target & ~RPTI_TARGETS))
        return H_P2;
    if (!type || (type & ~RPTI_TYPES) || (type & RPTI_TYPE_NESTED))
        return H_P3; // nested partitions: none here
    if (end < start)
        return H_P5;

    bool local = target == RPTI_TARGET_LOCAL;
    unsigned shift = 0;
    for (size_t i = 0; i < ARRAY_LEN(rpti_pages); i++) {
        if ((sizes & rpti_pages[i].bit) && !shift)
            shift = rpti_pages[i].shift; // the smallest covers the others' ranges
    }
    bool everything = !start && end == ~0ull;
    if (everything || !shift || sizes == ~0ull || ((end - start) >> shift) >= RPTI_PAGES_ONE_BY_ONE) {
        rpt_flush(cpu, local, TLB_PID, 0, pid, 0);
        return H_SUCCESS;
    }
    for (u64 ea = start & ~((1ull << shift) - 1); ea < end; ea += 1ull << shift) {
        for (size_t i = 0; i < ARRAY_LEN(rpti_pages); i++) {
            if (sizes & rpti_pages[i].bit)
                rpt_flush(cpu, local, TLB_EA_PAGE, ea, pid, rpti_pages[i].shift);
        }
        if (ea + (1ull << shift) < ea)
            break;
    }
    return H_SUCCESS;
}
