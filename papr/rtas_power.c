// SPDX-License-Identifier: Apache-2.0
// RTAS calls that start and stop things: the partition, its processors; its operator panel and clock.
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "papr/rtas_int.h"
#include "papr/sched.h"

int rtas_power_off(struct cpu *cpu, struct rtas_call *call)
{
    partition_end(cpu_partition(cpu), END_POWER_OFF, "power-off");
    return RTAS_SUCCESS;
}

int rtas_power_off_ups(struct cpu *cpu, struct rtas_call *call)
{
    partition_end(cpu_partition(cpu), END_POWER_OFF, "ibm,power-off-ups");
    return RTAS_SUCCESS;
}

int rtas_system_reboot(struct cpu *cpu, struct rtas_call *call)
{
    partition_end(cpu_partition(cpu), END_REBOOT, "system-reboot");
    return RTAS_SUCCESS;
}

// The OS gives up, with a text for whoever looks after it.
int rtas_os_term(struct cpu *cpu, struct rtas_call *call)
{
    struct partition *lp = cpu_partition(cpu);
    struct rtas *rtas = lp->rtas;
    pthread_mutex_lock(&rtas->lock);
    if (!rtas->os_term_text[0]) {
        int used = snprintf(rtas->os_term_text, sizeof(rtas->os_term_text), "the OS ended itself (ibm,os-term): ");
        size_t size = sizeof(rtas->os_term_text) - 1;
        for (size_t at = (size_t)used, i = 0; at < size; at++, i++) {
            u8 c;
            if (!guest_mem_read(&lp->mem, call->args[0] + (u64)i, &c, 1) || !c)
                break;
            rtas->os_term_text[at] = c >= 0x20 && c < 0x7f ? (char)c : ' ';
        }
    }
    pthread_mutex_unlock(&rtas->lock);
    partition_end(lp, END_CRASH, rtas->os_term_text);
    return RTAS_SUCCESS;
}

int rtas_start_cpu(struct cpu *cpu, struct rtas_call *call)
{
    return sched_start_cpu(cpu_partition(cpu), call->args[0], call->args[1], call->args[2]);
}

int rtas_stop_self(struct cpu *cpu, struct rtas_call *call)
{
    sched_stop_self(cpu);
    return RTAS_SUCCESS; // seen by nobody: the thread leaves the engine before its next instruction
}

int rtas_query_cpu_stopped_state(struct cpu *cpu, struct rtas_call *call)
{
    int state = sched_cpu_state(cpu_partition(cpu), call->args[0]);
    if (state < 0)
        return RTAS_PARAMETER;
    call->ret[1] = (u32)state;
    return RTAS_SUCCESS;
}

static void console_put(struct partition *lp, const u8 *text, size_t size)
{
    while (size && atomic_load(&lp->end) == END_NONE) {
        size_t taken = lp->hv->console_write(lp->hv_arg, text, size);
        text += taken;
        size -= taken;
        if (!taken && lp->hv->confer)
            lp->hv->confer(lp->hv_arg, -1);
    }
}

int rtas_display_character(struct cpu *cpu, struct rtas_call *call)
{
    u8 c = (u8)call->args[0];
    console_put(cpu_partition(cpu), &c, 1);
    return RTAS_SUCCESS;
}

// A message for the operator: 16-bit length, then text.
int rtas_display_message(struct cpu *cpu, struct rtas_call *call)
{
    struct partition *lp = cpu_partition(cpu);
    u8 head[2], text[256];
    if (!guest_mem_read(&lp->mem, call->args[0], head, sizeof(head)))
        return RTAS_PARAMETER;
    size_t size = MIN((size_t)(head[0] << 8 | head[1]), sizeof(text));
    if (!guest_mem_read(&lp->mem, call->args[0] + 2ull, text, size))
        return RTAS_PARAMETER;
    console_put(lp, text, size);
    console_put(lp, (const u8 *)"\r\n", 2);
    return RTAS_SUCCESS;
}

#define NS_PER_S 1000000000ll

int rtas_get_time_of_day(struct cpu *cpu, struct rtas_call *call)
{
    struct partition *lp = cpu_partition(cpu);
    s64 now = lp->hv->time_of_day(lp->hv_arg);
    time_t seconds = (time_t)(now / NS_PER_S);
    struct tm tm;
    if (now < 0 || !gmtime_r(&seconds, &tm))
        return RTAS_HARDWARE_ERROR;
    call->ret[1] = (u32)tm.tm_year + 1900;
    call->ret[2] = (u32)tm.tm_mon + 1;
    call->ret[3] = (u32)tm.tm_mday;
    call->ret[4] = (u32)tm.tm_hour;
    call->ret[5] = (u32)tm.tm_min;
    call->ret[6] = (u32)tm.tm_sec;
    call->ret[7] = (u32)(now % NS_PER_S);
    return RTAS_SUCCESS;
}

int rtas_set_time_of_day(struct cpu *cpu, struct rtas_call *call)
{
    struct partition *lp = cpu_partition(cpu);
    const u32 *a = call->args;
    if (a[0] < 1970 || a[0] > 2200 || a[1] < 1 || a[1] > 12 || a[2] < 1 || a[2] > 31 || a[3] > 23 || a[4] > 59 || a[5] > 60 ||
        a[6] >= NS_PER_S)
        return RTAS_PARAMETER;
    struct tm tm = {
        .tm_year = (int)a[0] - 1900,
        .tm_mon = (int)a[1] - 1,
        .tm_mday = (int)a[2],
        .tm_hour = (int)a[3],
        .tm_min = (int)a[4],
        .tm_sec = (int)a[5],
    };
    time_t seconds = timegm(&tm);
    if (seconds < 0)
        return RTAS_PARAMETER;
    lp->hv->set_time_of_day(lp->hv_arg, (s64)seconds * NS_PER_S + a[6]);
    return RTAS_SUCCESS;
}

// Suspending needs somebody who takes the partition over; a partition that nobody manages has none.
int rtas_suspend_me(struct cpu *cpu, struct rtas_call *call)
{
    return RTAS_NOT_SUSPENDABLE;
}
