// SPDX-License-Identifier: Apache-2.0
// RTAS calls on the platform's state: parameters, NVRAM, events, indicators and sensors, connectors, interrupt sources.
#include <stdio.h>
#include <string.h>

#include "papr/drc.h"
#include "papr/events.h"
#include "papr/nvram.h"
#include "papr/rtas_int.h"
#include "papr/splpar.h"
#include "papr/xics.h"

// LoPAR "ibm,get-system-parameter": token numbers.
enum system_parameter {
    PARAM_SPLPAR = 20,
    PARAM_RUN_MODE = 42, // diagnostics run mode
    PARAM_LPAR_NAME = 55,
};

static size_t splpar_characteristics(struct partition *lp, char *text, size_t size)
{
    const struct partition_config *c = &lp->config;
    u32 vcpus = drc_owned(lp, DRC_KIND_CPU);
    struct hv_ppp ppp = splpar_ppp(lp);
    int len = snprintf(text, size,
                       "MaxEntCap=%u,MinEntCap=%u,DesEntCap=%u,MinEntCapPerVP=5,CapInc=1,DisWheRotPer=5120000,"
                       "DesVarCapWt=%u,MaxMem=%u,MinMem=%u,DesMem=%u,MinProcs=%u,DesProcs=%u,MaxPlatProcs=%u",
                       c->units_max ? c->units_max : c->vcpus_max * 100, c->units_min ? c->units_min : 5, ppp.units_max,
                       ppp.weight_max, (u32)(c->memory_max / MIB), (u32)(c->memory_min / MIB), (u32)(c->memory / MIB),
                       MAX(c->vcpus_min, 1u), vcpus, c->vcpus_max);
    return (size_t)len + 1; // the text with its terminator
}

int rtas_get_system_parameter(struct cpu *cpu, struct rtas_call *call)
{
    struct partition *lp = cpu_partition(cpu);
    u32 addr = call->args[1], size = call->args[2];
    char value[1024];
    size_t len;

    switch (call->args[0]) {
    case PARAM_SPLPAR: len = splpar_characteristics(lp, value, sizeof(value)); break;
    case PARAM_LPAR_NAME: len = (size_t)snprintf(value, sizeof(value), "%s", lp->config.name) + 1; break;
    case PARAM_RUN_MODE:
        value[0] = 0; // disabled
        len = 1;
        break;
    default: return RTAS_NOT_SUPPORTED;
    }
    // 16-bit length, then as much of the value as there is room for.
    u8 out[2 + sizeof(value)];
    out[0] = (u8)(len >> 8);
    out[1] = (u8)len;
    memcpy(out + 2, value, len);
    if (size < 2 || !guest_mem_write(&lp->mem, addr, out, MIN(size, len + 2)))
        return RTAS_BAD_ARGUMENT;
    return RTAS_SUCCESS;
}

int rtas_set_system_parameter(struct cpu *cpu, struct rtas_call *call)
{
    switch (call->args[0]) {
    case PARAM_SPLPAR:
    case PARAM_LPAR_NAME:
    case PARAM_RUN_MODE: return RTAS_NOT_AUTHORIZED;
    default: return RTAS_NOT_SUPPORTED;
    }
}

#define NVRAM_CHUNK 1024u

// Fetch and store: offset, buffer, size; results: status and how much was moved.
static int move_nvram(struct partition *lp, struct rtas_call *call, bool store)
{
    u32 offset = call->args[0], addr = call->args[1], size = call->args[2];
    call->ret[1] = 0;
    if (offset > NVRAM_SIZE || size > NVRAM_SIZE - offset || !guest_mem_contains(&lp->mem, addr, MAX(size, 1u)))
        return RTAS_PARAMETER;
    while (call->ret[1] < size) {
        u8 chunk[NVRAM_CHUNK];
        u32 at = call->ret[1], part = MIN(size - at, NVRAM_CHUNK);
        bool moved =
            store ? guest_mem_read(&lp->mem, addr + (u64)at, chunk, part) && nvram_write(lp, offset + at, chunk, part)
                  : nvram_read(lp, offset + at, chunk, part) && guest_mem_write(&lp->mem, addr + (u64)at, chunk, part);
        if (!moved)
            return RTAS_HARDWARE_ERROR;
        call->ret[1] += part;
    }
    return RTAS_SUCCESS;
}

int rtas_nvram_fetch(struct cpu *cpu, struct rtas_call *call)
{
    return move_nvram(cpu_partition(cpu), call, false);
}

int rtas_nvram_store(struct cpu *cpu, struct rtas_call *call)
{
    return move_nvram(cpu_partition(cpu), call, true);
}

static int take_event(struct partition *lp, u32 mask, u32 addr, u32 size)
{
    u8 log[EVENT_LOG_MAX];
    // The buffer is checked before an event is taken: a wrong one loses nothing.
    size = MIN(size, EVENT_LOG_MAX);
    if (!guest_mem_contains(&lp->mem, addr, MAX(size, 1u)))
        return RTAS_PARAMETER;
    u32 len = events_take(lp, mask, log, sizeof(log));
    if (!len)
        return RTAS_NO_ERRORS_FOUND;
    guest_mem_write(&lp->mem, addr, log, MIN(len, size));
    return RTAS_SUCCESS;
}

// Vector, additional information (source), mask, critical, buffer, size.
int rtas_check_exception(struct cpu *cpu, struct rtas_call *call)
{
    return take_event(cpu_partition(cpu), call->args[2], call->args[4], call->args[5]);
}

// Mask, critical, buffer, size. Events that have an interrupt are reported by check-exception alone.
int rtas_event_scan(struct cpu *cpu, struct rtas_call *call)
{
    return take_event(cpu_partition(cpu), call->args[0] & EVENT_INTERNAL_ERRORS, call->args[2], call->args[3]);
}

// Buffer, size: what the last call that failed with a hardware error has to add. None of ours adds anything.
int rtas_last_error(struct cpu *cpu, struct rtas_call *call)
{
    struct partition *lp = cpu_partition(cpu);
    if (!guest_mem_contains(&lp->mem, call->args[0], MAX(call->args[1], 1u)))
        return RTAS_PARAMETER;
    return RTAS_NO_ERRORS_FOUND;
}

// LoPAR "Indicators" and "Sensors".
enum {
    SENSOR_EPOW = 9,
    INDICATOR_SURVEILLANCE = 5,
    INDICATOR_GLOBAL_INTERRUPT_QUEUE = 9005,
    INDICATOR_ISOLATION = 9001,
    INDICATOR_DR = 9002,
    INDICATOR_ALLOCATION = 9003,
    SENSOR_ENTITY_SENSE = 9003,
};

int rtas_set_indicator(struct cpu *cpu, struct rtas_call *call)
{
    u32 index = call->args[1], state = call->args[2];
    switch (call->args[0]) {
    case INDICATOR_ISOLATION: return drc_set_isolation(cpu, index, state);
    case INDICATOR_DR: return drc_set_indicator(cpu, index, state);
    case INDICATOR_ALLOCATION: return drc_set_allocation(cpu, index, state);
    case INDICATOR_GLOBAL_INTERRUPT_QUEUE:
        // Whether the thread takes part in the global server's queue: sources always name a server here.
        return state <= 1 ? RTAS_SUCCESS : RTAS_PARAMETER;
    case INDICATOR_SURVEILLANCE: return state <= 255 ? RTAS_SUCCESS : RTAS_PARAMETER;
    default: return RTAS_NO_INDICATOR;
    }
}

int rtas_get_sensor_state(struct cpu *cpu, struct rtas_call *call)
{
    switch (call->args[0]) {
    case SENSOR_ENTITY_SENSE: return drc_entity_sense(cpu, call->args[1], &call->ret[1]);
    case SENSOR_EPOW:
        call->ret[1] = 0; // no power or thermal warning; a shutdown request is an event, not a state
        return call->args[1] == 0 ? RTAS_SUCCESS : RTAS_PARAMETER;
    default: return RTAS_NO_INDICATOR;
    }
}

#define POWER_DOMAIN_LIVE_INSERTION (~0u)
#define POWER_FULL                  100u

int rtas_set_power_level(struct cpu *cpu, struct rtas_call *call)
{
    if (call->args[0] != POWER_DOMAIN_LIVE_INSERTION || call->args[1] > POWER_FULL)
        return RTAS_PARAMETER;
    call->ret[1] = POWER_FULL;
    return RTAS_SUCCESS;
}

int rtas_get_power_level(struct cpu *cpu, struct rtas_call *call)
{
    if (call->args[0] != POWER_DOMAIN_LIVE_INSERTION)
        return RTAS_PARAMETER;
    call->ret[1] = POWER_FULL;
    return RTAS_SUCCESS;
}

int rtas_configure_connector(struct cpu *cpu, struct rtas_call *call)
{
    return drc_configure(cpu_partition(cpu), call->args[0]);
}

int rtas_set_xive(struct cpu *cpu, struct rtas_call *call)
{
    return xics_set_xive(cpu_partition(cpu), call->args[0], call->args[1], call->args[2]);
}

int rtas_get_xive(struct cpu *cpu, struct rtas_call *call)
{
    return xics_get_xive(cpu_partition(cpu), call->args[0], &call->ret[1], &call->ret[2]);
}

int rtas_int_on(struct cpu *cpu, struct rtas_call *call)
{
    return xics_int_on(cpu_partition(cpu), call->args[0]);
}

int rtas_int_off(struct cpu *cpu, struct rtas_call *call)
{
    return xics_int_off(cpu_partition(cpu), call->args[0]);
}
