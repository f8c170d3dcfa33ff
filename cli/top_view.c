// SPDX-License-Identifier: Apache-2.0
#include "cli/top_view.h"

#include <stdlib.h>
#include <string.h>

const struct top_order top_orders[SORTS] = {
    {'c', "use"}, {'e', "%entc"}, {'w', "wait"}, {'m', "memory"}, {'n', "name"}, {'i', "ID"},
};

struct sorting {
    const struct top_view *v;
    const struct snapshot *before, *now;
};

static int by_number(double a, double b) // the greatest first
{
    return (a < b) - (a > b);
}

static int compare(const void *a, const void *b, void *arg)
{
    const struct sorting *s = arg;
    const struct snapshot_lpar *x = &s->now->lpars[*(const u32 *)a], *y = &s->now->lpars[*(const u32 *)b];
    struct rates p = snapshot_rates(s->before, s->now, x), q = snapshot_rates(s->before, s->now, y);
    int order = 0;
    switch (s->v->sort) {
    case SORT_PHYSICAL: order = by_number(p.physical, q.physical); break;
    case SORT_ENTITLED: order = by_number(p.entitled, q.entitled); break;
    case SORT_WAIT: order = by_number(p.wait, q.wait); break;
    case SORT_MEMORY: order = by_number((double)x->mem, (double)y->mem); break;
    case SORT_NAME: order = strcmp(x->name, y->name); break;
    default: break;
    }
    if (!order)
        order = (x->id > y->id) - (x->id < y->id);
    return s->v->reverse ? -order : order;
}

void top_order(const struct top_view *v, const struct snapshot *before, const struct snapshot *now, u32 *order)
{
    struct sorting s = {v, before, now};
    for (u32 i = 0; i < now->lpars_len; i++)
        order[i] = i;
    if (now->lpars_len)
        qsort_r(order, now->lpars_len, sizeof(*order), compare, &s);
}

static u32 active(const struct snapshot *s)
{
    u32 sum = 0;
    for (u32 i = 0; i < s->lpars_len; i++)
        sum +=
            s->lpars[i].configured && strcmp(s->lpars[i].state, "Not Activated") && strcmp(s->lpars[i].state, "Error");
    return sum;
}

// Names take what a wide screen has more, up to what a name can have.
static int name_width(int width)
{
    return MIN(10 + MAX(width - TOP_WIDTH_MIN, 0), 31);
}

static double gb(u64 mb)
{
    return (double)mb / 1024;
}

void top_header_line(const struct top_view *v, const struct snapshot *before, const struct snapshot *now, unsigned line,
                     int width, char text[TOP_WIDTH_MAX + 1])
{
    double used = snapshot_shared_used(before, now), dedicated = snapshot_dedicated_used(before, now);
    int name = name_width(width);
    char left[160];
    width = MIN(width, TOP_WIDTH_MAX);
    switch (line) {
    case 0:
        snprintf(left, sizeof(left), "OpenLPAR  %s  %s  every %g s", now->name, now->state, v->interval);
        snprintf(text, (size_t)width + 1, "%-*.*s%s", MAX(width - (int)strlen(v->clock), 0),
                 MAX(width - (int)strlen(v->clock) - 1, 0), left, v->clock);
        break;
    case 1:
        snprintf(text, (size_t)width + 1,
                 "Partitions %u, active %u   Processors %.2f, free %.2f   Dedicated %.2f, used %.2f", now->lpars_len,
                 active(now), (double)now->units / 100, (double)now->units_available / 100,
                 (double)(now->units - MIN(now->pool_units, now->units)) / 100, dedicated);
        break;
    case 2:
        snprintf(text, (size_t)width + 1,
                 "Pool %.2f, used %.2f (%.0f%%)   Memory %.1f GB, free %.1f, hypervisor %.1f   by %s%s",
                 (double)now->pool_units / 100, used, now->pool_units ? 10000 * used / (double)now->pool_units : 0,
                 gb(now->mem), gb(now->mem_available), gb(now->mem_firmware), top_orders[v->sort].name,
                 v->reverse ? ", reversed" : "");
        break;
    default:
        if (v->pools)
            snprintf(text, (size_t)width + 1, "%4s %-*s %8s %6s", "ID", MAX(name, 20), "POOL", "PHYSC", "LPARS");
        else
            snprintf(text, (size_t)width + 1, "%4s %-*s %-8s %-3s %5s %2s %5s %5s %4s %4s %4s %5s %-8s", "ID", name,
                     "NAME", "STATE", "MOD", "ENT", "VP", "PHYSC", "%ENTC", "BUSY", "IDLE", "WAIT", "MEM", "REFCODE");
        break;
    }
}

static const char *short_state(const char *state)
{
    static const struct {
        const char *state, *text;
    } states[] = {{"Not Activated", "Off"}, {"Shutting Down", "Stopping"}, {"Open Firmware", "Firmware"}};
    for (unsigned i = 0; i < ARRAY_LEN(states); i++)
        if (strcmp(states[i].state, state) == 0)
            return states[i].text;
    return state;
}

static const char *mode(const struct snapshot_lpar *l)
{
    if (l->shared)
        return l->capped ? "Cap" : "Unc";
    return strcmp(l->sharing_mode, "share_idle_procs_active") == 0 ||
                   strcmp(l->sharing_mode, "share_idle_procs_always") == 0
               ? "Don"
               : "Ded";
}

void top_lpar_line(const struct snapshot *before, const struct snapshot *now, const struct snapshot_lpar *l, int width,
                   char text[TOP_WIDTH_MAX + 1])
{
    struct rates r = snapshot_rates(before, now, l);
    int name = name_width(width);
    char memory[16];
    width = MIN(width, TOP_WIDTH_MAX);
    if (!l->configured) {
        snprintf(text, (size_t)width + 1, "%4u %-*.*s %-8.8s", l->id, name, name, l->name, short_state(l->state));
        return;
    }
    if (l->mem < 1000)
        snprintf(memory, sizeof(memory), "%lluM", (unsigned long long)l->mem);
    else
        snprintf(memory, sizeof(memory), gb(l->mem) < 100 ? "%.1fG" : "%.0fG", gb(l->mem));
    snprintf(text, (size_t)width + 1, "%4u %-*.*s %-8.8s %-3s %5.2f %2llu %5.2f %5.1f %4.0f %4.0f %4.0f %5s %-8s",
             l->id, name, name, l->name, short_state(l->state), mode(l), (double)l->units / 100,
             (unsigned long long)l->procs, r.physical, MIN(r.entitled, 9999.0), r.busy, 100 - r.busy,
             MIN(r.wait, 9999.0), memory, l->refcode);
}

void top_pool_line(const struct snapshot *before, const struct snapshot *now, const struct snapshot_pool *p, int width,
                   char text[TOP_WIDTH_MAX + 1])
{
    int name = name_width(width);
    u32 members = 0;
    for (u32 i = 0; i < now->lpars_len; i++)
        members += now->lpars[i].shared && now->lpars[i].pool == p->id;
    snprintf(text, (size_t)MIN(width, TOP_WIDTH_MAX) + 1, "%4u %-*.*s %8.2f %6u", p->id, MAX(name, 20), MAX(name, 20),
             p->name, snapshot_pool_used(before, now, p), members);
}

void top_print(FILE *to, const struct top_view *v, const struct snapshot *before, const struct snapshot *now, int width)
{
    char text[TOP_WIDTH_MAX + 1];
    u32 *order = calloc(now->lpars_len + 1, sizeof(*order));
    for (unsigned i = 0; i < TOP_HEADER_LINES; i++) {
        top_header_line(v, before, now, i, width, text);
        fprintf(to, "%s\n", text);
    }
    if (order)
        top_order(v, before, now, order);
    for (u32 i = 0; order && i < now->lpars_len; i++) {
        top_lpar_line(before, now, &now->lpars[order[i]], width, text);
        size_t len = strlen(text);
        while (len && text[len - 1] == ' ')
            text[--len] = 0;
        fprintf(to, "%s\n", text);
    }
    free(order);
}
