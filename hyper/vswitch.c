// SPDX-License-Identifier: Apache-2.0
//
// The system's attribute `vswitches` is NAME:MODE,...; a switch that is not in it is there as long as an adapter names it, and in VEB mode.
#include "hyper/vswitch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hyper/network.h"
#include "hyper/veth.h"

static struct vswitch *find(struct vswitch *all, u32 len, const char *name)
{
    for (u32 i = 0; i < len; i++)
        if (!strcmp(all[i].name, name))
            return &all[i];
    return NULL;
}

static struct vswitch *add(struct vswitch *all, u32 *len, const char *name)
{
    struct vswitch *v = find(all, *len, name);
    if (v || *len == VSWITCHES_MAX)
        return v;
    v = &all[(*len)++];
    memset(v, 0, sizeof(*v));
    snprintf(v->name, sizeof(v->name), "%s", name);
    return v;
}

// Those that are kept.
static u32 kept(const struct sys *sys, struct vswitch *all)
{
    char text[WIRE_TEXT_MAX], *rest = text;
    u32 len = 0;
    add(all, &len, VSWITCH_FIRST);
    snprintf(text, sizeof(text), "%s", rec_text(sys->rec, "vswitches"));
    for (char *item; *text && (item = strsep(&rest, ","));) {
        char *mode = strchr(item, ':');
        if (mode)
            *mode++ = 0;
        struct vswitch *v = add(all, &len, item);
        if (v)
            v->vepa = mode && !strcmp(mode, "VEPA");
    }
    return len;
}

static void add_adapters(const struct rec *config, struct vswitch *all, u32 *len)
{
    struct veth adapters[VETH_MAX];
    char why[256];
    int count = config ? veth_parse(rec_text(config, "virtual_eth_adapters"), adapters, why, sizeof(why)) : 0;
    for (int n = 0; n < count; n++) {
        const struct veth *a = &adapters[n];
        struct vswitch *v = add(all, len, a->vswitch);
        if (!v)
            continue;
        v->vlans[a->pvid / 8] |= (u8)(1 << a->pvid % 8);
        for (u32 k = 0; k < a->vlans_len; k++)
            v->vlans[a->vlans[k] / 8] |= (u8)(1 << a->vlans[k] % 8);
    }
}

u32 vswitch_list(const struct sys *sys, struct vswitch *all)
{
    u32 len = kept(sys, all);
    for (u32 i = 0; i < sys->lps_len; i++)
        add_adapters(sys->lps[i]->current, all, &len);
    return len;
}

bool vswitch_is_vepa(const struct sys *sys, const char *name)
{
    struct vswitch *all = calloc(VSWITCHES_MAX, sizeof(*all));
    const struct vswitch *v = all ? find(all, kept(sys, all), name) : NULL;
    bool vepa = v && v->vepa;
    free(all);
    return vepa;
}

// Whether an adapter in a configuration or a profile names it.
static bool is_used(const struct sys *sys, const char *name)
{
    struct vswitch *all = calloc(VSWITCHES_MAX, sizeof(*all));
    u32 len = 0;
    for (u32 i = 0; all && i < sys->lps_len; i++) {
        const struct lp *lp = sys->lps[i];
        add_adapters(lp->current, all, &len);
        for (u32 j = 0; j < lp->profiles_len; j++)
            add_adapters(lp->profiles[j].rec, all, &len);
    }
    bool used = all && find(all, len, name);
    free(all);
    return used;
}

static int save(struct sys *sys, const struct vswitch *all, u32 len, struct answer *answer)
{
    char text[WIRE_TEXT_MAX] = "";
    size_t used = 0;
    for (u32 i = 0; i < len; i++)
        if (*all[i].name)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s:%s", used ? "," : "", all[i].name,
                                     all[i].vepa ? "VEPA" : "VEB");
    struct rec *rec = rec_copy(sys->rec);
    if (rec && !rec_set_text(rec, "vswitches", text)) {
        rec_free(rec);
        rec = NULL;
    }
    int failed = sys_replace(sys, rec, answer);
    if (!failed)
        network_changed(sys);
    return failed;
}

static int take_mode(const struct wire_message *m, struct vswitch *v, struct answer *answer)
{
    const char *mode = wire_text(&m->values, "switch_mode");
    if (mode && strcmp(mode, "VEB") != 0 && strcmp(mode, "VEPA") != 0)
        return refuse_parameter(answer, "-a", "switch_mode=%s is none of VEB and VEPA", mode);
    if (mode)
        v->vepa = !strcmp(mode, "VEPA");
    return 0;
}

static int check_name(const char *name, struct answer *answer)
{
    if (name && attr_name_valid(name) && !strpbrk(name, "/:,"))
        return 0;
    return refuse_parameter(answer, "--vswitch",
                            "a switch has a name of 1 to 31 characters without slashes, colons and commas");
}

int vswitch_create(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct vswitch *all = calloc(VSWITCHES_MAX, sizeof(*all));
    const char *name = wire_text(&m->values, "vswitch");
    u32 len = all ? kept(sys, all) : 0;
    int failed = all ? check_name(name, answer) : refuse(answer, "HSCL3205", "The hypervisor has no memory for it.");
    if (!failed && find(all, len, name))
        failed = refuse(answer, "HSCL0622", "There is a virtual switch %s already; give another name.", name);
    if (!failed && len == VSWITCHES_MAX)
        failed =
            refuse(answer, "HSCL0622", "The managed system has %u virtual switches, as many as there can be.", len);
    struct vswitch *v = failed ? NULL : add(all, &len, name);
    if (v && !(failed = take_mode(m, v, answer)))
        failed = save(sys, all, len, answer);
    free(all);
    return failed;
}

static struct vswitch *named(struct vswitch *all, u32 len, const struct wire_message *m, struct answer *answer)
{
    const char *name = wire_text(&m->where, "vswitch");
    struct vswitch *v = name ? find(all, len, name) : NULL;
    if (!v)
        refuse(answer, "HSCL0622", "There is no virtual switch %s; lshwres -r virtualio --rsubtype vswitch lists them.",
               name ? name : "without a name");
    return v;
}

// Neither ETHERNET0, nor one that adapters name, may go or change its name.
static int check_free(const struct sys *sys, const struct vswitch *v, const char *what, struct answer *answer)
{
    if (!strcmp(v->name, VSWITCH_FIRST))
        return refuse(answer, "HSCL0622", "The virtual switch %s is part of every system and cannot be %s.", v->name,
                      what);
    if (is_used(sys, v->name))
        return refuse(answer, "HSCL0622",
                      "The virtual switch %s cannot be %s: adapters in partitions' configurations or profiles are on "
                      "it; change virtual_eth_adapters there first.",
                      v->name, what);
    return 0;
}

int vswitch_remove(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct vswitch *all = calloc(VSWITCHES_MAX, sizeof(*all));
    u32 len = all ? kept(sys, all) : 0;
    struct vswitch *v = named(all, len, m, answer);
    int failed = v ? check_free(sys, v, "removed", answer) : -1;
    if (!failed) {
        *v->name = 0;
        failed = save(sys, all, len, answer);
    }
    free(all);
    return failed;
}

int vswitch_change(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct vswitch *all = calloc(VSWITCHES_MAX, sizeof(*all));
    u32 len = all ? kept(sys, all) : 0;
    struct vswitch *v = named(all, len, m, answer);
    const char *name = wire_text(&m->values, "new_name");
    int failed = v ? take_mode(m, v, answer) : -1;
    if (!failed && name) {
        failed = check_name(name, answer) || check_free(sys, v, "renamed", answer);
        if (!failed && find(all, len, name))
            failed = refuse(answer, "HSCL0622", "There is a virtual switch %s already; give another name.", name);
        if (!failed)
            snprintf(v->name, sizeof(v->name), "%s", name);
    }
    if (!failed)
        failed = save(sys, all, len, answer);
    free(all);
    return failed;
}
