// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "hyper/config.h"
#include "hyper/objects.h"
#include "hyper/service.h"
#include "hyper/slots.h"
#include "hyper/vio.h"
#include "hyper/vscsi.h"

static const char list_name[] = "virtual_scsi_adapters";

// The partition that is meant, which has a configuration.
static struct lp *find(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct lp *lp = objects_find_lp(sys, &m->where, "lpar_name", answer);
    if (lp && !lp->current)
        refuse(answer, "HSCL0622",
               "The partition %s was never activated: it has profiles, and no configuration yet. Change its profile "
               "(chsyscfg -r prof), or activate it.",
               lp_name(lp));
    return lp && lp->current ? lp : NULL;
}

// A server's process takes adapters as it is told to; an operating system is asked.
static int check_state(const struct lp *lp, struct answer *answer)
{
    if (!lp_active(lp) || (vio_is_server(lp) && lp->state == LP_RUNNING && lp->linked))
        return 0;
    return vio_is_server(lp)
               ? refuse(answer, "HSCL2957", "The state of the Virtual I/O Server %s is %s. Try again when it runs.",
                        lp_name(lp), lp_state_name(lp))
               : slots_check(lp, answer);
}

static int no_attribute(const struct wire_record *values, struct answer *answer)
{
    for (u32 i = 0; i < values->len; i++) {
        const struct attr *attr = attr_find(OBJECT_VIO_SCSI, values->pairs[i].name);
        char why[300];
        if (!attr || !(attr->flags & ATTR_MAKE))
            return refuse_parameter(answer, "-a", "%s is no attribute that can be given here", values->pairs[i].name);
        if (attr_check(attr, &values->pairs[i].value, why, sizeof(why)))
            return refuse_parameter(answer, "-a", "%s: %s", attr->name, why);
    }
    return 0;
}

static const char *text_of(const struct wire_record *values, const char *name)
{
    const char *text = wire_text(values, name);
    return text ? text : "";
}

int vscsi_create(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct vscsi_adapter all[VSCSI_ADAPTERS_MAX], added[VSCSI_ADAPTERS_MAX];
    char list[3072], why[256], item[256];
    struct lp *lp = find(sys, m, answer);
    if (!lp || check_state(lp, answer) || no_attribute(&m->values, answer))
        return -1;
    u64 slot = wire_num(&m->where, "slot_num", 0);
    for (u64 free = 2; !slot && free < rec_num(lp->current, "max_virtual_slots"); free++)
        slot = service_slot_used(lp, free) ? 0 : free;
    snprintf(item, sizeof(item), "%llu/%s/%s/%s/%s/%llu", (unsigned long long)slot, text_of(&m->values, "adapter_type"),
             text_of(&m->values, "remote_lpar_id"), text_of(&m->values, "remote_lpar_name"),
             text_of(&m->values, "remote_slot_num"), (unsigned long long)wire_num(&m->values, "is_required", 0));
    if (vscsi_parse(item, added, why, sizeof(why)) != 1)
        return refuse_parameter(answer, "-a", "%s", why);
    if (!added[0].server && vio_is_server(lp))
        return refuse_parameter(answer, "-a", "adapter_type=client: the partition %s is a Virtual I/O Server",
                                lp_name(lp));
    bool first = vscsi_of(lp, all) == 0;
    if (snprintf(list, sizeof(list), "%s%s%s", first ? "" : rec_text(lp->current, list_name), first ? "" : ",", item) >=
        (int)sizeof(list))
        return refuse(answer, "HSCL0622", "The partition %s has more adapters than its configuration can hold.",
                      lp_name(lp));
    if (config_set_text(sys, lp, list_name, list, answer))
        return -1;
    if (lp_active(lp) && !vio_is_server(lp))
        return slots_plug_scsi(sys, lp, &added[0], m);
    if (lp_active(lp))
        vio_added(sys, lp, &added[0]);
    return 0;
}

int vscsi_forget(struct sys *sys, struct lp *lp, u64 slot, struct answer *answer)
{
    char list[3072] = "";
    size_t used = 0;
    for (const char *p = rec_text(lp->current, list_name); *p;) {
        size_t len = strcspn(p, ",");
        unsigned at = 0;
        if (sscanf(p, "%u", &at) != 1 || at != slot)
            used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%.*s", used ? "," : "", (int)len, p);
        p += len + (p[len] == ',');
    }
    return config_set_text(sys, lp, list_name, list, answer);
}

int vscsi_remove(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct vscsi_adapter all[VSCSI_ADAPTERS_MAX];
    struct lp *lp = find(sys, m, answer);
    u64 slot = wire_num(&m->where, "slot_num", 0);
    if (!lp || check_state(lp, answer))
        return -1;
    u32 len = vscsi_of(lp, all), i = 0;
    while (i < len && all[i].slot != slot)
        i++;
    if (i == len)
        return refuse(answer, "HSCL0622", "The partition %s has no virtual SCSI adapter in slot %llu.", lp_name(lp),
                      (unsigned long long)slot);
    if (lp_active(lp) && !vio_is_server(lp))
        return slots_unplug(sys, lp, (u32)slot, false, m);
    if (lp->joints[slot].lpar)
        return refuse(
            answer, "HSCL0622",
            "The adapter in slot %llu of the partition %s serves the partition %u; remove that one's first, or "
            "shut it down.",
            (unsigned long long)slot, lp_name(lp), lp->joints[slot].lpar);
    if (vscsi_forget(sys, lp, slot, answer))
        return -1;
    if (lp_active(lp))
        vio_dropped(lp, (u32)slot);
    return 0;
}
