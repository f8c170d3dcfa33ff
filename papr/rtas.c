// SPDX-License-Identifier: Apache-2.0
#include "papr/rtas.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "papr/rtas_int.h"

// Tokens are ours to choose: one per row, in the order of the table.
const struct rtas_row rtas_rows[] = {
    {0x2001, "power-off", rtas_power_off, 2, 1, "LoPAR power-off", 0},
    {0x2002, "system-reboot", rtas_system_reboot, 0, 1, "LoPAR system-reboot", 0},
    {0x2003, "ibm,power-off-ups", rtas_power_off_ups, 0, 1, "LoPAR ibm,power-off-ups", 0},
    {0x2004, "ibm,os-term", rtas_os_term, 1, 1, "LoPAR ibm,os-term", 0},
    {0x2005, "start-cpu", rtas_start_cpu, 3, 1, "LoPAR start-cpu", 0},
    {0x2006, "stop-self", rtas_stop_self, 0, 1, "LoPAR stop-self", 0},
    {0x2007, "query-cpu-stopped-state", rtas_query_cpu_stopped_state, 1, 2, "LoPAR query-cpu-stopped-state", 0},
    {0x2008, "display-character", rtas_display_character, 1, 1, "LoPAR display-character", 0},
    {0x2009, "ibm,display-message", rtas_display_message, 1, 1, "LoPAR ibm,display-message", 0},
    {0x200a, "get-time-of-day", rtas_get_time_of_day, 0, 8, "LoPAR get-time-of-day", 0},
    {0x200b, "set-time-of-day", rtas_set_time_of_day, 7, 1, "LoPAR set-time-of-day", 0},
    {0x200c, "ibm,get-system-parameter", rtas_get_system_parameter, 3, 1, "LoPAR ibm,get-system-parameter", 0},
    {0x200d, "ibm,set-system-parameter", rtas_set_system_parameter, 2, 1, "LoPAR ibm,set-system-parameter", 0},
    {0x200e, "nvram-fetch", rtas_nvram_fetch, 3, 2, "LoPAR nvram-fetch", 0},
    {0x200f, "nvram-store", rtas_nvram_store, 3, 2, "LoPAR nvram-store", 0},
    {0x2010, "check-exception", rtas_check_exception, 6, 1, "LoPAR check-exception", 1},
    {0x2011, "event-scan", rtas_event_scan, 4, 1, "LoPAR event-scan", 0},
    {0x2012, "rtas-last-error", rtas_last_error, 2, 1, "LoPAR rtas-last-error", 0},
    {0x2013, "set-indicator", rtas_set_indicator, 3, 1, "LoPAR set-indicator", 0},
    {0x2014, "get-sensor-state", rtas_get_sensor_state, 2, 2, "LoPAR get-sensor-state", 0},
    {0x2015, "set-power-level", rtas_set_power_level, 2, 2, "LoPAR set-power-level", 0},
    {0x2016, "get-power-level", rtas_get_power_level, 1, 2, "LoPAR get-power-level", 0},
    {0x2017, "ibm,configure-connector", rtas_configure_connector, 2, 1, "LoPAR ibm,configure-connector", 0},
    {0x2018, "ibm,set-xive", rtas_set_xive, 3, 1, "LoPAR ibm,set-xive", 0},
    {0x2019, "ibm,get-xive", rtas_get_xive, 1, 3, "LoPAR ibm,get-xive", 0},
    {0x201a, "ibm,int-on", rtas_int_on, 1, 1, "LoPAR ibm,int-on", 0},
    {0x201b, "ibm,int-off", rtas_int_off, 1, 1, "LoPAR ibm,int-off", 0},
    {0x201c, "ibm,suspend-me", rtas_suspend_me, 0, 1, "LoPAR ibm,suspend-me", 0},
    {0x201d, "ibm,nmi-register", rtas_nmi_register, 2, 1, "LoPAR ibm,nmi-register", 0},
    {0x201e, "ibm,nmi-interlock", rtas_nmi_interlock, 0, 1, "LoPAR ibm,nmi-interlock", 0},
    {0x201f, "ibm,get-vpd", rtas_get_vpd, 4, 3, "LoPAR ibm,get-vpd", 0},
    {0x2020, "ibm,update-nodes", rtas_update_nodes, 2, 1, "LoPAR ibm,update-nodes", 0},
    {0x2021, "ibm,update-properties", rtas_update_properties, 2, 1, "LoPAR ibm,update-properties", 0},
};
const unsigned rtas_rows_len = ARRAY_LEN(rtas_rows);

void (*rtas_trace)(struct cpu *cpu, u32 token, const struct rtas_row *row, const struct rtas_call *call);

static const struct rtas_row *find_row(u32 token)
{
    u32 first = rtas_rows[0].token;
    return token >= first && token - first < rtas_rows_len ? &rtas_rows[token - first] : NULL;
}

static int serve(struct cpu *cpu, const struct rtas_row *row, struct rtas_call *call)
{
    if (!row || call->nret < row->nret || call->nargs < row->nargs || call->nargs > row->nargs + row->optional)
        return RTAS_PARAMETER;
    return row->handler(cpu, call);
}

// The argument buffer: token, number of arguments, number of results, arguments, results. LoPAR "RTAS Call"
void rtas_call(struct cpu *cpu, u64 addr)
{
    struct partition *lp = cpu_partition(cpu);
    struct rtas_call call = {0};
    be32 head[3], cells[ARRAY_LEN(call.args)];

    addr &= 0xffffffffu; // RTAS runs with 32-bit addresses
    if (!guest_mem_read(&lp->mem, addr, head, sizeof(head)))
        return;
    u32 token = be32_get(head[0]);
    call.nargs = be32_get(head[1]);
    call.nret = be32_get(head[2]);
    if (call.nargs > ARRAY_LEN(call.args) || call.nret > ARRAY_LEN(call.ret))
        return; // no place that we could trust for a status
    u64 ret_addr = addr + sizeof(head) + call.nargs * sizeof(be32);
    if (!guest_mem_read(&lp->mem, addr + sizeof(head), cells, call.nargs * sizeof(be32)) ||
        (call.nret && !guest_mem_contains(&lp->mem, ret_addr, call.nret * sizeof(be32))))
        return;
    for (u32 i = 0; i < call.nargs; i++)
        call.args[i] = be32_get(cells[i]);

    const struct rtas_row *row = find_row(token);
    call.ret[0] = (u32)serve(cpu, row, &call);
    if (rtas_trace)
        rtas_trace(cpu, token, row, &call);
    for (u32 i = 0; i < call.nret; i++)
        cells[i] = be32_of(call.ret[i]);
    if (call.nret)
        guest_mem_write(&lp->mem, ret_addr, cells, call.nret * sizeof(be32));
}

int rtas_init(struct partition *lp)
{
    lp->rtas = calloc(1, sizeof(*lp->rtas));
    if (!lp->rtas)
        return -ENOMEM;
    pthread_mutex_init(&lp->rtas->lock, NULL);
    return 0;
}

void rtas_fini(struct partition *lp)
{
    if (!lp->rtas)
        return;
    pthread_mutex_destroy(&lp->rtas->lock);
    free(lp->rtas);
    lp->rtas = NULL;
}
