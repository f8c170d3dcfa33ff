// SPDX-License-Identifier: Apache-2.0
//
// The decrementer costs nothing while it counts: it is kept as the time base value at which it becomes negative, and the engine's
// budget is chosen so that the clock is looked at about then. The speed of the thread is estimated from the last budget.
//
// The PURR counts what the thread had of a processor: the processor time of its host thread. So the PURRs of threads that share a processor add up to
// its time, and what the host does beside them is nobody's. Asking the host costs a system call: in between the PURR goes with the time base, and stands still afterwards where that was too much.
#include "cpu/time.h"

#include <time.h>

#include "cpu/group.h"
#include "cpu/pmu.h"
#include "cpu/spr.h"

#define BUDGET_MIN 64
#define PURR_LOOK  (TIMEBASE_HZ / 1000) // so long the PURR may follow the time base before the host's clock is asked

// spr_extra slots of the budget's estimate.
enum { EXTRA_CHECK_TB, EXTRA_CHECK_INSNS, EXTRA_TICKS_PER_KINSN };

u64 cpu_insns_now(const struct cpu *cpu)
{
    return cpu->insns + (cpu->page ? (u64)(cpu->d - cpu->block_d) : 0);
}

static u64 host_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

// Brings the PURR up to date with the host's clock.
static void look_at_host(struct cpu *cpu)
{
    u64 host = host_ns();
    cpu->purr += (host - cpu->purr_host_ns) / 125 * 64; // what is left over counts the next time
    cpu->purr_host_ns = host - (host - cpu->purr_host_ns) % 125;
    cpu->purr_tb = cpu_timebase(cpu);
}

void cpu_time_start(struct cpu *cpu)
{
    cpu->tb_entered = cpu_timebase(cpu);
    if (cpu->group->hooks && cpu->group->hooks->dispatch)
        cpu->group->hooks->dispatch(cpu, true);
    cpu->tb_entered = cpu->purr_tb = cpu_timebase(cpu);
    cpu->purr_host_ns = host_ns();
    cpu->spr_extra[EXTRA_CHECK_TB] = cpu->tb_entered;
    cpu->spr_extra[EXTRA_CHECK_INSNS] = cpu->insns;
}

// Ticks since the thread was started; none while it stands still (tb_entered is 0).
static u64 ticks_running(const struct cpu *cpu)
{
    return cpu->tb_entered ? cpu_timebase(cpu) - cpu->tb_entered : 0;
}

void cpu_time_stop(struct cpu *cpu)
{
    pmu_update(cpu);
    if (cpu->tb_entered)
        look_at_host(cpu);
    cpu->vtb += ticks_running(cpu);
    cpu->tb_entered = 0;
    if (cpu->group->hooks && cpu->group->hooks->dispatch)
        cpu->group->hooks->dispatch(cpu, false);
}

static unsigned dec_bits(const struct cpu *cpu)
{
    return cpu->lpcr & LPCR_LD ? DEC_BITS_LARGE : 32;
}

u64 cpu_dec_get(const struct cpu *cpu)
{
    s64 value = (s64)(cpu->dec_expires - 1 - cpu_timebase(cpu));
    return cpu->lpcr & LPCR_LD ? (u64)value : (u32)value;
}

// ISA III "Decrementer Interrupt": the exception exists while bit 0 of the register is one. left: ticks until then.
static void dec_line(struct cpu *cpu, s64 left)
{
    if (left <= 0) {
        if (!(atomic_fetch_or(&cpu->lines, LINE_DECREMENTER) & LINE_DECREMENTER) && (cpu->msr & MSR_EE))
            atomic_fetch_or(&cpu->attn, ATTN_INTERRUPT);
    } else if (atomic_load_explicit(&cpu->lines, memory_order_relaxed) & LINE_DECREMENTER) {
        atomic_fetch_and(&cpu->lines, ~(u32)LINE_DECREMENTER);
    }
}

void cpu_dec_set(struct cpu *cpu, u64 value)
{
    s64 left = sext64(value, dec_bits(cpu)) + 1;
    cpu->dec_expires = cpu_timebase(cpu) + (u64)left;
    dec_line(cpu, left);
    // The budget in force was chosen for the old value.
    if (left < (s64)cpu->spr_extra[EXTRA_TICKS_PER_KINSN] * BUDGET_MAX / 1000)
        atomic_fetch_or(&cpu->attn, ATTN_TIMER);
}

void cpu_dec_update(struct cpu *cpu)
{
    dec_line(cpu, (s64)(cpu->dec_expires - cpu_timebase(cpu)));
}

void cpu_time_check(struct cpu *cpu)
{
    u64 now = cpu_timebase(cpu);
    u64 insns = cpu->insns - cpu->spr_extra[EXTRA_CHECK_INSNS];
    u64 ticks = now - cpu->spr_extra[EXTRA_CHECK_TB];
    u64 rate = cpu->spr_extra[EXTRA_TICKS_PER_KINSN];
    if (insns >= 1000 && ticks < TIMEBASE_HZ) {
        u64 sample = ticks * 1000 / insns;
        rate = rate ? (rate * 7 + sample) / 8 : sample;
        rate = MAX(rate, 100); // never believe in more than 5 instructions per nanosecond
        cpu->spr_extra[EXTRA_TICKS_PER_KINSN] = rate;
        cpu->spr_extra[EXTRA_CHECK_TB] = now;
        cpu->spr_extra[EXTRA_CHECK_INSNS] = cpu->insns;
    }
    s64 budget = BUDGET_MAX;
    s64 left = (s64)(cpu->dec_expires - now);
    dec_line(cpu, left);
    if (rate && left > 0 && left < (s64)(rate * BUDGET_MAX / 1000))
        budget = MAX(left * 1000 / (s64)rate, BUDGET_MIN);
    u64 overflow = pmu_check(cpu);
    if (overflow && overflow < (u64)budget)
        budget = MAX((s64)overflow, BUDGET_MIN);
    cpu->budget = budget;
}

u64 cpu_purr(struct cpu *cpu)
{
    u64 value = cpu->purr;
    if (cpu->tb_entered) {
        u64 since = cpu_timebase(cpu) - cpu->purr_tb;
        // While the time base stands still (--engine check) the same question has the same answer: no more than is right on a busy host, or the
        // PURR would have to wait until it is.
        if (since > PURR_LOOK && atomic_load_explicit(&cpu->group->tb_stopped, memory_order_relaxed)) {
            since = PURR_LOOK;
        } else if (since > PURR_LOOK) {
            look_at_host(cpu);
            since = 0;
        }
        value = cpu->purr + since;
    }
    cpu->purr_seen = MAX(cpu->purr_seen, value);
    return cpu->purr_seen;
}

u64 cpu_vtb(const struct cpu *cpu)
{
    return cpu->vtb + ticks_running(cpu);
}
