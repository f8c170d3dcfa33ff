// SPDX-License-Identifier: Apache-2.0
#include "hyper/rules.h"

#include "hyper/veth.h"
#include "hyper/vscsi.h"

#include <stdio.h>
#include <string.h>

#include "hyper/pools.h"
#include "proto/vio/net_option.h"

static void write_value(const struct rec *rec, const char *name, char *text, size_t size)
{
    attr_format(attr_find(rec->object, name), rec_get(rec, name), text, size);
}

// min_X <= desired_X <= max_X
static int check_order(const struct rec *p, const char *what, struct answer *answer)
{
    char low[48], middle[48], high[48], v[3][32];
    snprintf(low, sizeof(low), "min_%s", what);
    snprintf(middle, sizeof(middle), "desired_%s", what);
    snprintf(high, sizeof(high), "max_%s", what);
    if (rec_num(p, low) <= rec_num(p, middle) && rec_num(p, middle) <= rec_num(p, high))
        return 0;
    write_value(p, low, v[0], sizeof(v[0]));
    write_value(p, middle, v[1], sizeof(v[1]));
    write_value(p, high, v[2], sizeof(v[2]));
    return refuse_parameter(answer, "-i", "%s=%s, %s=%s and %s=%s must be in ascending order", low, v[0], middle, v[1],
                            high, v[2]);
}

static int check_memory(const struct sys *sys, const struct rec *p, struct answer *answer)
{
    static const char *const names[] = {"min_mem", "desired_mem", "max_mem"};
    u64 lmb = rec_num(sys->rec, "mem_region_size");
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (rec_num(p, names[i]) % lmb)
            return refuse_parameter(answer, "-i", "%s=%llu is no multiple of the memory region size, %llu MB", names[i],
                                    (unsigned long long)rec_num(p, names[i]), (unsigned long long)lmb);
    return check_order(p, "mem", answer);
}

static int check_shared(const struct sys *sys, const struct rec *p, struct answer *answer)
{
    static const char *const ends[] = {"min", "desired", "max"};
    if (check_order(p, "proc_units", answer))
        return -1;
    for (unsigned i = 0; i < ARRAY_LEN(ends); i++) {
        char units_name[32], procs_name[32];
        snprintf(units_name, sizeof(units_name), "%s_proc_units", ends[i]);
        snprintf(procs_name, sizeof(procs_name), "%s_procs", ends[i]);
        u64 units = rec_num(p, units_name), procs = rec_num(p, procs_name);
        if (units >= procs * UNITS_PER_PROC_MIN && units <= procs * 100)
            continue;
        return refuse(
            answer, "HSCL1566",
            "%llu virtual processors (%s) need from %llu.%02llu to %llu.00 processing units, and %s is %llu.%02llu.",
            (unsigned long long)procs, procs_name, (unsigned long long)procs * UNITS_PER_PROC_MIN / 100,
            (unsigned long long)procs * UNITS_PER_PROC_MIN % 100, (unsigned long long)procs, units_name,
            (unsigned long long)units / 100, (unsigned long long)units % 100);
    }
    if (!pool_usable(sys, rec_num(p, "shared_proc_pool_id")))
        return refuse_parameter(answer, "-i",
                                "shared_proc_pool_id=%llu: the pool has no maximum yet, so it cannot be used; 0 is the "
                                "default pool",
                                (unsigned long long)rec_num(p, "shared_proc_pool_id"));
    return 0;
}

// Of each adapter: one in a slot, which is below the highest one. taken: a bit for each slot.
static int take_slot(const struct rec *p, const char *list, u32 slot, u64 *taken, struct answer *answer)
{
    if (slot >= rec_num(p, "max_virtual_slots"))
        return refuse_parameter(answer, "-i", "%s: slot %u needs max_virtual_slots=%u", list, slot, slot + 1);
    if (*taken >> slot & 1)
        return refuse_parameter(answer, "-i", "%s: there is another adapter in slot %u", list, slot);
    *taken |= 1ull << slot;
    return 0;
}

static int check_adapters(const struct rec *p, struct answer *answer)
{
    static const char eth_list[] = "virtual_eth_adapters", scsi_list[] = "virtual_scsi_adapters";
    struct veth eth[VETH_MAX];
    struct vscsi_adapter scsi[VSCSI_ADAPTERS_MAX];
    u64 taken = 0;
    char why[256];
    int len = veth_parse(rec_text(p, eth_list), eth, why, sizeof(why));
    if (len < 0)
        return refuse_parameter(answer, "-i", "%s: %s", eth_list, why);
    for (int i = 0; i < len; i++)
        if (take_slot(p, eth_list, eth[i].slot, &taken, answer))
            return -1;
    len = vscsi_parse(rec_text(p, scsi_list), scsi, why, sizeof(why));
    if (len < 0)
        return refuse_parameter(answer, "-i", "%s: %s", scsi_list, why);
    for (int i = 0; i < len; i++)
        if (take_slot(p, scsi_list, scsi[i].slot, &taken, answer))
            return -1;
    return 0;
}

static int check_networks(const struct rec *p, struct answer *answer)
{
    static const char list[] = "vios_networks";
    struct net_options options;
    char items[2048], why[512], *rest = items;
    snprintf(items, sizeof(items), "%s", rec_text(p, list));
    for (char *item; *items && (item = strsep(&rest, ",")) != NULL;)
        if (!net_option_parse(item, NET_OF_SERVER, &options, why, sizeof(why)))
            return refuse_parameter(answer, "-i", "%s: %s: %s", list, item, why);
    return 0;
}

int rules_check_profile(const struct sys *sys, const struct rec *p, struct answer *answer)
{
    bool shared = rec_is(p, "proc_mode", "shared"),
         pooled = rec_is(p, "sharing_mode", "cap") || rec_is(p, "sharing_mode", "uncap");
    u64 threads = rec_num(p, "threads_per_proc");
    if (check_memory(sys, p, answer) || check_order(p, "procs", answer))
        return -1;
    if (shared != pooled)
        return refuse_parameter(answer, "-i", "sharing_mode=%s does not go with proc_mode=%s; %s",
                                rec_text(p, "sharing_mode"), rec_text(p, "proc_mode"),
                                shared ? "shared processors are cap or uncap"
                                       : "dedicated ones are keep_idle_procs, share_idle_procs, "
                                         "share_idle_procs_active or share_idle_procs_always");
    if (shared && check_shared(sys, p, answer))
        return -1;
    if (threads & (threads - 1))
        return refuse_parameter(answer, "-i", "threads_per_proc=%llu is none of 1, 2, 4 and 8",
                                (unsigned long long)threads);
    if (rec_is(p, "lpar_proc_compat_mode", "POWER8") && rec_is(p, "mmu", "radix"))
        return refuse_parameter(answer, "-i",
                                "mmu=radix does not go with lpar_proc_compat_mode=POWER8, which has hash only");
    if (check_adapters(p, answer) || check_networks(p, answer))
        return -1;
    if (rec_num(p, "desired_num_huge_pages") || rec_num(p, "min_num_huge_pages") || rec_num(p, "max_num_huge_pages"))
        return refuse_parameter(answer, "-i", "the system has no huge pages; their numbers must be 0");
    if (rec_num(p, "mem_expansion"))
        return refuse_parameter(answer, "-i", "the system has no memory expansion; mem_expansion must be 0.0");
    return 0;
}
