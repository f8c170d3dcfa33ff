// SPDX-License-Identifier: Apache-2.0
#include "cpu/debug.h"

#include <errno.h>
#include <stdlib.h>

#include "cpu/code.h"
#include "cpu/except.h"
#include "cpu/mmu/mmu.h"
#include "cpu/run.h"
#include "isa/isa.h"

// Hangs off group->debug; NULL while there was never a point.
struct debug_points {
    u32 breaks_len, watches_len;
    bool watch_off;
    u64 breaks[DEBUG_POINTS_MAX];
    struct {
        u64 ea, size;
        unsigned kinds;
    } watches[DEBUG_POINTS_MAX];
};

static struct debug_points *points(struct cpu_group *group)
{
    if (!group->debug)
        group->debug = calloc(1, sizeof(*group->debug));
    return group->debug;
}

static void forget(struct cpu_group *group)
{
    code_flush_all(group);
    for (u32 i = 0; i < group->len; i++)
        mmu_flush_local(group->cpus[i], TLB_ALL, 0, 0, 0);
}

static int set_breakpoint(struct cpu_group *group, u64 ea, bool set)
{
    struct debug_points *p = points(group);
    if (!p)
        return -ENOMEM;
    u32 i = 0;
    while (i < p->breaks_len && p->breaks[i] != ea)
        i++;
    bool found = i < p->breaks_len;
    if (!set && !found)
        return -ENOENT;
    if (set && !found) {
        if (p->breaks_len == DEBUG_POINTS_MAX)
            return -ENOSPC;
        p->breaks[p->breaks_len++] = ea;
    } else if (!set) {
        p->breaks[i] = p->breaks[--p->breaks_len];
    }
    forget(group);
    return 0;
}

int debug_set_breakpoint(struct cpu_group *group, u64 ea, bool set)
{
    pthread_mutex_lock(&group->outside);
    int err = set_breakpoint(group, ea, set);
    pthread_mutex_unlock(&group->outside);
    return err;
}

static int set_watchpoint(struct cpu_group *group, u64 ea, u64 size, unsigned kinds, bool set)
{
    struct debug_points *p = points(group);
    if (!p)
        return -ENOMEM;
    u32 i = 0;
    while (i < p->watches_len && (p->watches[i].ea != ea || p->watches[i].size != size || p->watches[i].kinds != kinds))
        i++;
    bool found = i < p->watches_len;
    if (!set && !found)
        return -ENOENT;
    if (set && !found) {
        if (p->watches_len == DEBUG_POINTS_MAX)
            return -ENOSPC;
        p->watches[i].ea = ea;
        p->watches[i].size = size;
        p->watches[i].kinds = kinds;
        p->watches_len++;
    } else if (!set) {
        p->watches[i] = p->watches[--p->watches_len];
    }
    forget(group);
    return 0;
}

int debug_set_watchpoint(struct cpu_group *group, u64 ea, u64 size, unsigned kinds, bool set)
{
    pthread_mutex_lock(&group->outside);
    int err = set_watchpoint(group, ea, size, kinds, set);
    pthread_mutex_unlock(&group->outside);
    return err;
}

void debug_clear(struct cpu_group *group)
{
    pthread_mutex_lock(&group->outside);
    if (group->debug) {
        free(group->debug);
        group->debug = NULL;
        forget(group);
    }
    pthread_mutex_unlock(&group->outside);
}

void debug_watch_enable(struct cpu_group *group, bool on)
{
    if (group->debug)
        group->debug->watch_off = !on;
}

bool debug_breakpoint_near(const struct cpu_group *group, u64 gra)
{
    const struct debug_points *p = group->debug;
    for (u32 i = 0; p && i < p->breaks_len; i++) {
        if (((p->breaks[i] ^ gra) & ~GUEST_PAGE_MASK) == 0)
            return true;
    }
    return false;
}

bool debug_breakpoint_at(const struct cpu *cpu, u64 ea)
{
    const struct debug_points *p = cpu->group->debug;
    for (u32 i = 0; p && i < p->breaks_len; i++) {
        if (p->breaks[i] == ea)
            return true;
    }
    return false;
}

bool debug_watch_page(const struct cpu_group *group, u64 ea)
{
    const struct debug_points *p = group->debug;
    if (likely(!p))
        return false;
    u64 first = ea & GUEST_PAGE_MASK, last = ea | ~GUEST_PAGE_MASK;
    for (u32 i = 0; i < p->watches_len; i++) {
        if (p->watches[i].ea <= last && p->watches[i].ea + p->watches[i].size - 1 >= first)
            return true;
    }
    return false;
}

void debug_watch_access(struct cpu *cpu, u64 ea, unsigned size, bool store)
{
    const struct debug_points *p = cpu->group->debug;
    if (likely(!p) || p->watch_off)
        return;
    for (u32 i = 0; i < p->watches_len; i++) {
        if (!(p->watches[i].kinds & (store ? WATCH_WRITE : WATCH_READ)))
            continue;
        if (ea <= p->watches[i].ea + p->watches[i].size - 1 && p->watches[i].ea <= ea + size - 1) {
            cpu->nia = cpu_cia(cpu);
            cpu->watch_ea = MAX(ea, p->watches[i].ea); // inside the watched range: the debugger looks for it by that
            cpu->exit_reason = EXIT_BREAKPOINT + 1;
            cpu_unwind(cpu);
        }
    }
}

// ISA III "Completed Instruction Address Breakpoint Register": the address in bits 0:61, the privilege in the rest.
static bool ciabr_enabled(const struct cpu *cpu)
{
    unsigned priv = cpu->ciabr & 3;
    return cpu->msr & MSR_PR ? priv == 1 : priv == 2;
}

bool debug_trace_wanted(const struct cpu *cpu)
{
    return (cpu->msr & (MSR_SE | MSR_BE)) || ciabr_enabled(cpu);
}

void debug_trace_deliver(struct cpu *cpu, u64 cia, u32 insn)
{
    const struct insn_row *row = &insn_rows[isa_decode(insn, cpu->isa_level)];
    u64 srr1 = PPC_BIT(33);
    bool due = false;
    if (ciabr_enabled(cpu) && (cpu->ciabr & ~3ull) == cia) {
        srr1 |= PPC_BIT(43);
        due = true;
    }
    due = due || (cpu->msr & MSR_SE) || ((cpu->msr & MSR_BE) && row->kind == KIND_BRANCH);
    if (!due)
        return;
    if (row->kind == KIND_LOAD)
        srr1 |= PPC_BIT(35);
    if (row->kind == KIND_STORE)
        srr1 |= PPC_BIT(36);
    // The sampled addresses of the traced instruction.
    cpu->pmu.siar = cia;
    cpu_deliver(cpu, VEC_TRACE, cpu->nia, srr1);
}
