// SPDX-License-Identifier: Apache-2.0
// Shared by the files that implement RTAS calls.
#ifndef PAPR_RTAS_INT_H
#define PAPR_RTAS_INT_H

#include <pthread.h>

#include "papr/partition.h"
#include "papr/rtas.h"

#define RTAS_PANEL_LINES 2u
#define RTAS_PANEL_WIDTH 16u

struct rtas {
    pthread_mutex_t lock; // around what follows
    char os_term_text[256];
    char panel[RTAS_PANEL_LINES][RTAS_PANEL_WIDTH + 1]; // what the operator panel shows
    unsigned panel_line, panel_column;

    // Atomic: the registered handlers' real addresses, 0: none (papr/nmi.c).
    _Atomic u32 nmi_reset, nmi_check;
    _Atomic u32 nmi_owner; // the thread that handles a machine check: its server number + 1, 0: none
};

// Power, processors, terminal, time (rtas.c, rtas_power.c).
rtas_fn rtas_power_off, rtas_system_reboot, rtas_power_off_ups, rtas_os_term;
rtas_fn rtas_start_cpu, rtas_stop_self, rtas_query_cpu_stopped_state;
rtas_fn rtas_display_character, rtas_display_message;
rtas_fn rtas_get_time_of_day, rtas_set_time_of_day;
rtas_fn rtas_suspend_me;

// Platform state: parameters, sensors, connectors, NVRAM, events (rtas_platform.c, rtas_parameter.c).
rtas_fn rtas_get_system_parameter, rtas_set_system_parameter;
rtas_fn rtas_nvram_fetch, rtas_nvram_store;
rtas_fn rtas_check_exception, rtas_event_scan, rtas_last_error;
rtas_fn rtas_set_indicator, rtas_get_sensor_state, rtas_set_power_level, rtas_get_power_level;
rtas_fn rtas_configure_connector;
rtas_fn rtas_get_vpd, rtas_update_nodes, rtas_update_properties;

// Machine checks and system resets that firmware takes first (nmi.c).
rtas_fn rtas_nmi_register, rtas_nmi_interlock;
rtas_fn rtas_set_xive, rtas_get_xive, rtas_int_on, rtas_int_off;

#endif
