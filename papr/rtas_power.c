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

// The OS gives up, with a text for whoever looks after it. Linux up to 6.12 at least passes a null pointer instead: its own console
// has the text then.
int rtas_os_term(struct cpu *cpu, struct rtas_call *call)
{
    struct partition *lp = cpu_partition(cpu);
    struct rtas *rtas = lp->rtas;
    char text[160];
    size_t len = 0;
    while (call->args[0] && len < sizeof(text) - 1) {
        u8 c;
        if (!guest_mem_read(&lp->mem, call->args[0] + (u64)len, &c, 1) || !c)
            break;
        text[len++] = c >= 0x20 && c < 0x7f ? (char)c : ' ';
    }
    text[len] = '\0';
    pthread_mutex_lock(&rtas->lock);
    if (!rtas->os_term_text[0]) // the first call's: partition_end() keeps a pointer to it
        snprintf(rtas->os_term_text, sizeof(rtas->os_term_text), "the OS ended itself (ibm,os-term)%s%s",
                 len ? ": " : "; its last console output says why", text);
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

// The operator panel: form feed clears it, carriage return goes to the start of the line, line feed to the next one.
static void panel_put(struct rtas *rtas, char c)
{
    char *line = rtas->panel[rtas->panel_line];
    switch (c) {
    case '\f':
        memset(rtas->panel, 0, sizeof(rtas->panel));
        rtas->panel_line = rtas->panel_column = 0;
        break;
    case '\r': rtas->panel_column = 0; break;
    case '\n':
        if (rtas->panel_line + 1 < RTAS_PANEL_LINES)
            rtas->panel_line++;
        else
            memmove(rtas->panel[0], rtas->panel[1], sizeof(rtas->panel) - sizeof(rtas->panel[0]));
        memset(rtas->panel[rtas->panel_line], 0, sizeof(rtas->panel[0]));
        rtas->panel_column = 0;
        break;
    default:
        for (size_t i = strlen(line); i < rtas->panel_column; i++)
            line[i] = ' ';
        if (rtas->panel_column < RTAS_PANEL_WIDTH && c >= 0x20 && c < 0x7f)
            line[rtas->panel_column++] = c;
    }
}

int rtas_display_character(struct cpu *cpu, struct rtas_call *call)
{
    struct rtas *rtas = cpu_partition(cpu)->rtas;
    pthread_mutex_lock(&rtas->lock);
    panel_put(rtas, (char)call->args[0]);
    pthread_mutex_unlock(&rtas->lock);
    return RTAS_SUCCESS;
}

// A message for the operator: 16-bit length, then text, which goes to the log.
int rtas_display_message(struct cpu *cpu, struct rtas_call *call)
{
    struct partition *lp = cpu_partition(cpu);
    u8 head[2];
    char text[256];
    if (!guest_mem_read(&lp->mem, call->args[0], head, sizeof(head)))
        return RTAS_PARAMETER;
    size_t size = MIN((size_t)(head[0] << 8 | head[1]), sizeof(text) - 1);
    if (!guest_mem_read(&lp->mem, call->args[0] + 2ull, text, size))
        return RTAS_PARAMETER;
    text[size] = '\0';
    for (size_t i = 0; i < size; i++)
        if (text[i] < 0x20 || text[i] >= 0x7f)
            text[i] = ' ';
    if (lp->hv->log)
        lp->hv->log(lp->hv_arg, 2, text);
    return RTAS_SUCCESS;
}

bool rtas_panel_text(const struct partition *lp, char *text, size_t size)
{
    struct rtas *rtas = lp->rtas;
    pthread_mutex_lock(&rtas->lock);
    snprintf(text, size, "%s / %s", rtas->panel[0], rtas->panel[1]);
    bool any = rtas->panel[0][0] || rtas->panel[1][0];
    pthread_mutex_unlock(&rtas->lock);
    return any;
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
    if (a[0] < 1970 || a[0] > 2200 || a[1] < 1 || a[1] > 12 || a[2] < 1 || a[2] > 31 || a[3] > 23 || a[4] > 59 ||
        a[5] > 60 || a[6] >= NS_PER_S)
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
