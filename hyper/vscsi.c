// SPDX-License-Identifier: Apache-2.0
#include "hyper/vscsi.h"

#include <stdio.h>
#include <string.h>

#include "hyper/adapter.h"
#include "proto/hyper/attr.h"

#define FIELDS    6u
#define FIELD_MAX 40u

enum field { SLOT, TYPE, REMOTE_ID, REMOTE_NAME, REMOTE_SLOT, REQUIRED };

// The next adapter's fields; NULL: not six, or one that is too long.
static const char *take_fields(const char *p, char fields[FIELDS][FIELD_MAX])
{
    u32 field = 0, len = 0;
    memset(fields, 0, FIELDS * FIELD_MAX);
    for (; *p && *p != ','; p++) {
        if (*p == '"')
            continue;
        if (*p == '/') {
            if (++field == FIELDS)
                return NULL;
            len = 0;
        } else if (len + 1 < FIELD_MAX) {
            fields[field][len++] = *p;
        } else {
            return NULL;
        }
    }
    return field + 1 == FIELDS ? p + (*p == ',') : NULL;
}

static bool is_any(const char *text)
{
    return !*text || strcmp(text, "any") == 0;
}

static int take(char fields[FIELDS][FIELD_MAX], struct vscsi_adapter *a, char *why, size_t size)
{
    u32 required;
    *a = (struct vscsi_adapter){.server = strcmp(fields[TYPE], "server") == 0};
    if (!adapter_number(fields[SLOT], 2, VSCSI_SLOT_MAX, &a->slot))
        return adapter_wrong(why, size, "the slot '%s' is none of 2 to %u", fields[SLOT], VSCSI_SLOT_MAX);
    if (!a->server && strcmp(fields[TYPE], "client") != 0)
        return adapter_wrong(why, size, "slot %u: an adapter is client or server, not '%s'", a->slot, fields[TYPE]);
    if (!is_any(fields[REMOTE_ID]) && !adapter_number(fields[REMOTE_ID], 1, LPARS_MAX, &a->remote_id))
        return adapter_wrong(why, size, "slot %u: the other partition's number is 1 to %u%s", a->slot, LPARS_MAX,
                             a->server ? ", or any" : "");
    if (*fields[REMOTE_NAME] && !attr_name_valid(fields[REMOTE_NAME]))
        return adapter_wrong(why, size, "slot %u: '%s' is no name of a partition", a->slot, fields[REMOTE_NAME]);
    snprintf(a->remote_name, sizeof(a->remote_name), "%.31s", fields[REMOTE_NAME]);
    if (!is_any(fields[REMOTE_SLOT]) && !adapter_number(fields[REMOTE_SLOT], 2, VSCSI_SLOT_MAX, &a->remote_slot))
        return adapter_wrong(why, size, "slot %u: the other adapter's slot is 2 to %u%s", a->slot, VSCSI_SLOT_MAX,
                             a->server ? ", or any" : "");
    if (!a->server && ((!a->remote_id && !*a->remote_name) || !a->remote_slot))
        return adapter_wrong(
            why, size, "slot %u: a client's adapter names its server (by number, name or both) and the server's slot",
            a->slot);
    if (!adapter_number(fields[REQUIRED], 0, 1, &required))
        return adapter_wrong(why, size, "slot %u: whether it is required is 0 or 1", a->slot);
    a->required = required;
    return 0;
}

int vscsi_parse(const char *text, struct vscsi_adapter adapters[VSCSI_ADAPTERS_MAX], char *why, size_t why_size)
{
    char fields[FIELDS][FIELD_MAX];
    u32 len = 0;
    if (!strcmp(text, "none"))
        return 0;
    while (*text) {
        if (len == VSCSI_ADAPTERS_MAX)
            return adapter_wrong(why, why_size, "a partition has at most %u adapters", VSCSI_ADAPTERS_MAX);
        text = take_fields(text, fields);
        if (!text)
            return adapter_wrong(why, why_size,
                                 "an adapter is slot/client|server/remote-id/remote-name/remote-slot/required");
        if (take(fields, &adapters[len], why, why_size))
            return -1;
        for (u32 i = 0; i < len; i++)
            if (adapters[i].slot == adapters[len].slot)
                return adapter_wrong(why, why_size, "two adapters are in slot %u", adapters[i].slot);
        len++;
    }
    return (int)len;
}

u32 vscsi_of(const struct lp *lp, struct vscsi_adapter adapters[VSCSI_ADAPTERS_MAX])
{
    char why[256];
    int len = lp->current ? vscsi_parse(rec_text(lp->current, "virtual_scsi_adapters"), adapters, why, sizeof(why)) : 0;
    return (u32)MAX(len, 0); // checked when it was set
}

struct lp *vscsi_remote(const struct sys *sys, const struct vscsi_adapter *adapter)
{
    return adapter->remote_id      ? sys_lp(sys, adapter->remote_id)
           : *adapter->remote_name ? sys_lp_named(sys, adapter->remote_name)
                                   : NULL;
}

bool vscsi_pair(const struct sys *sys, const struct lp *client, const struct vscsi_adapter *c, const struct lp *server,
                const struct vscsi_adapter *s)
{
    bool anybody = !s->remote_id && !*s->remote_name;
    return !c->server && s->server && c->remote_slot == s->slot && vscsi_remote(sys, c) == server &&
           (anybody || vscsi_remote(sys, s) == client) && (!s->remote_slot || s->remote_slot == c->slot);
}

int vscsi_check(const struct sys *sys, const struct lp *lp, const struct rec *profile, struct answer *answer)
{
    struct vscsi_adapter adapters[VSCSI_ADAPTERS_MAX];
    char why[256];
    int len = vscsi_parse(rec_text(profile, "virtual_scsi_adapters"), adapters, why, sizeof(why));
    bool vios = rec_is(lp->rec, "lpar_env", "vioserver");
    for (int i = 0; i < len; i++) {
        const struct vscsi_adapter *a = &adapters[i];
        const struct lp *remote = vscsi_remote(sys, a);
        if (vios && !a->server)
            return refuse(answer, "HSCL0622",
                          "The partition %s is a Virtual I/O Server, which has no client adapters (slot %u).",
                          lp_name(lp), a->slot);
        if (a->remote_id && *a->remote_name && remote && strcmp(lp_name(remote), a->remote_name) != 0)
            return refuse_parameter(answer, "-i", "virtual_scsi_adapters: slot %u: partition %u is %s, not %s", a->slot,
                                    a->remote_id, lp_name(remote), a->remote_name);
        if (!a->server && remote == lp)
            return refuse(answer, "HSCL0622", "The adapter in slot %u of the partition %s names that partition itself.",
                          a->slot, lp_name(lp));
        if (a->server || remote)
            continue;
        if (!remote && *a->remote_name)
            return refuse(answer, "HSCL8012", "The partition %s, whose adapter in slot %u needs it, is not there.",
                          a->remote_name, a->slot);
        return refuse(answer, "HSCL8012", "The partition %u, which the adapter in slot %u needs, is not there.",
                      a->remote_id, a->slot);
    }
    return 0;
}
