// SPDX-License-Identifier: Apache-2.0
#include "cli/metrics.h"

#include <string.h>

#define MB 1048576.0

// METRIC(suffix, type, help, value): a value for each object of its kind.
#define SYSTEM_METRICS(METRIC)                                                                               \
    METRIC("processor_units", "gauge", "Activated processors.", (double)s->units / 100)                      \
    METRIC("processor_units_available", "gauge", "Processor units that no partition has.",                   \
           (double)s->units_available / 100)                                                                 \
    METRIC("memory_bytes", "gauge", "Memory that can be used.", (double)s->mem *MB)                          \
    METRIC("memory_available_bytes", "gauge", "Memory that no partition has.", (double)s->mem_available *MB) \
    METRIC("memory_firmware_bytes", "gauge", "Memory of the hypervisor.", (double)s->mem_firmware *MB)       \
    METRIC("time_seconds_total", "counter", "Time that the system has been running.", seconds(s, s->time))   \
    METRIC("shared_pool_units", "gauge", "Processors that are shared.", (double)s->pool_units / 100)         \
    METRIC("shared_pool_seconds_total", "counter", "Time of shared processors.", seconds(s, s->pool_total))  \
    METRIC("shared_pool_used_seconds_total", "counter", "Time of shared processors that partitions used.",   \
           seconds(s, s->pool_used))

#define POOL_METRICS(METRIC)                                                                      \
    METRIC("seconds_total", "counter", "Processor time that the pool had.", seconds(s, p->total)) \
    METRIC("used_seconds_total", "counter", "Processor time that the pool's partitions used.", seconds(s, p->used))

#define PARTITION_METRICS(METRIC)                                                                                      \
    METRIC("entitled_units", "gauge", "Entitlement; of dedicated processors their number.", (double)l->units / 100)    \
    METRIC("virtual_processors", "gauge", "Virtual or dedicated processors.", (double)l->procs)                        \
    METRIC("memory_bytes", "gauge", "Memory of the partition.", (double)l->mem *MB)                                    \
    METRIC("uptime_seconds", "gauge", "Time since it was started; 0 while it is off.", (double)l->uptime)              \
    METRIC("weight", "gauge", "Uncapped weight; 0 where it is not uncapped.", (double)l->weight)                       \
    METRIC("entitled_seconds_total", "counter", "Processor time that it was entitled to.", seconds(s, l->entitled))    \
    METRIC("capped_seconds_total", "counter", "Processor time that it used within its entitlement.",                   \
           seconds(s, l->used_capped))                                                                                 \
    METRIC("uncapped_seconds_total", "counter", "Processor time that it used beyond its entitlement.",                 \
           seconds(s, l->used_uncapped))                                                                               \
    METRIC("donated_seconds_total", "counter", "Time of its dedicated processors that it gave away.",                  \
           seconds(s, l->donated))                                                                                     \
    METRIC("idle_seconds_total", "counter", "Time of its dedicated processors that nobody used.", seconds(s, l->idle)) \
    METRIC("dispatch_wait_seconds_total", "counter",                                                                   \
           "Time in which a virtual processor was ready and waited for a physical one.", seconds(s, l->wait))

static double seconds(const struct snapshot *s, u64 cycles)
{
    return s->cycles_hz ? (double)cycles / (double)s->cycles_hz : 0;
}

static void head(FILE *to, const char *name, const char *type, const char *help)
{
    fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

// A label's value: quotes, backslashes and line ends have a backslash.
static void label(FILE *to, const char *name, const char *text, bool first)
{
    fprintf(to, "%s%s=\"", first ? "{" : ",", name);
    for (; *text; text++) {
        if (*text == '\n')
            fputs("\\n", to);
        else
            fprintf(to, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
    }
    fputc('"', to);
}

static void lpar_labels(FILE *to, const char *name, const struct snapshot *s, const struct snapshot_lpar *l)
{
    char id[16];
    snprintf(id, sizeof(id), "%u", l->id);
    fputs(name, to);
    label(to, "system", s->name, true);
    label(to, "partition", l->name, false);
    label(to, "id", id, false);
}

// Whole numbers without a fraction, others as exactly as a double is.
static void value(FILE *to, double v)
{
    if (v < 9e15 && v == (double)(u64)v)
        fprintf(to, "} %llu\n", (unsigned long long)v);
    else
        fprintf(to, "} %.17g\n", v);
}

static double system_number(const struct snapshot *s, unsigned i)
{
#define METRIC(suffix, type, help, number) number,
    const double all[] = {SYSTEM_METRICS(METRIC)};
#undef METRIC
    return all[i];
}

static double pool_number(const struct snapshot *s, const struct snapshot_pool *p, unsigned i)
{
#define METRIC(suffix, type, help, number) number,
    const double all[] = {POOL_METRICS(METRIC)};
#undef METRIC
    return all[i];
}

static double lpar_number(const struct snapshot *s, const struct snapshot_lpar *l, unsigned i)
{
#define METRIC(suffix, type, help, number) number,
    const double all[] = {PARTITION_METRICS(METRIC)};
#undef METRIC
    return all[i];
}

struct metric {
    const char *name, *type, *help;
};

static void write_systems(FILE *to, const struct snapshot *list, u32 len)
{
    static const struct metric metrics[] = {
#define METRIC(suffix, type, help, number) {"openlpar_system_" suffix, type, help},
        SYSTEM_METRICS(METRIC)
#undef METRIC
    };
    head(to, "openlpar_system_up", "gauge", "Whether the managed system answers.");
    for (u32 i = 0; i < len; i++) {
        fputs("openlpar_system_up", to);
        label(to, "system", list[i].name, true);
        value(to, *list[i].state != 0);
    }
    head(to, "openlpar_system_info", "gauge", "Always 1; what the system is.");
    for (u32 i = 0; i < len; i++) {
        if (!*list[i].state)
            continue;
        fputs("openlpar_system_info", to);
        label(to, "system", list[i].name, true);
        label(to, "type_model", list[i].type_model, false);
        label(to, "serial", list[i].serial, false);
        label(to, "state", list[i].state, false);
        value(to, 1);
    }
    for (unsigned m = 0; m < ARRAY_LEN(metrics); m++) {
        head(to, metrics[m].name, metrics[m].type, metrics[m].help);
        for (u32 i = 0; i < len; i++) {
            if (!*list[i].state)
                continue;
            fputs(metrics[m].name, to);
            label(to, "system", list[i].name, true);
            value(to, system_number(&list[i], m));
        }
    }
}

static void write_pools(FILE *to, const struct snapshot *list, u32 len)
{
    static const struct metric metrics[] = {
#define METRIC(suffix, type, help, number) {"openlpar_processor_pool_" suffix, type, help},
        POOL_METRICS(METRIC)
#undef METRIC
    };
    for (unsigned m = 0; m < ARRAY_LEN(metrics); m++) {
        head(to, metrics[m].name, metrics[m].type, metrics[m].help);
        for (u32 i = 0; i < len; i++)
            for (u32 j = 0; j < list[i].pools_len; j++) {
                const struct snapshot_pool *p = &list[i].pools[j];
                char id[16];
                snprintf(id, sizeof(id), "%u", p->id);
                fputs(metrics[m].name, to);
                label(to, "system", list[i].name, true);
                label(to, "pool", p->name, false);
                label(to, "id", id, false);
                value(to, pool_number(&list[i], p, m));
            }
    }
}

static void write_lpars(FILE *to, const struct snapshot *list, u32 len)
{
    static const struct metric metrics[] = {
#define METRIC(suffix, type, help, number) {"openlpar_partition_" suffix, type, help},
        PARTITION_METRICS(METRIC)
#undef METRIC
    };
    head(to, "openlpar_partition_state", "gauge", "Always 1; the partition's state and reference code.");
    for (u32 i = 0; i < len; i++)
        for (u32 j = 0; j < list[i].lpars_len; j++) {
            const struct snapshot_lpar *l = &list[i].lpars[j];
            lpar_labels(to, "openlpar_partition_state", &list[i], l);
            label(to, "state", l->state, false);
            label(to, "refcode", l->refcode, false);
            label(to, "sharing_mode", l->sharing_mode, false);
            value(to, 1);
        }
    for (unsigned m = 0; m < ARRAY_LEN(metrics); m++) {
        head(to, metrics[m].name, metrics[m].type, metrics[m].help);
        for (u32 i = 0; i < len; i++)
            for (u32 j = 0; j < list[i].lpars_len; j++) {
                const struct snapshot_lpar *l = &list[i].lpars[j];
                if (!l->configured)
                    continue;
                lpar_labels(to, metrics[m].name, &list[i], l);
                value(to, lpar_number(&list[i], l, m));
            }
    }
}

void metrics_write(FILE *to, const struct snapshot *list, u32 len)
{
    write_systems(to, list, len);
    write_pools(to, list, len);
    write_lpars(to, list, len);
}
