// SPDX-License-Identifier: Apache-2.0
#include "hyper/slots.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "hyper/network.h"
#include "hyper/power.h"
#include "hyper/refcode.h"
#include "hyper/vio.h"
#include "hyper/vscsi.h"

#define SECOND          1000000000ll
#define DEFAULT_MINUTES 5
#define GRACE           10 // seconds beyond the partition's own time

void slots_name(const struct sys *sys, const struct lp *lp, u64 slot, char name[100])
{
    char model[64];
    snprintf(model, sizeof(model), "%.63s", rec_text(sys->rec, "type_model"));
    for (char *q = model; *q; q++)
        *q = *q == '-' ? '.' : *q;
    snprintf(name, 100, "U%s.%.15s-V%u-C%llu", model, rec_text(sys->rec, "serial_num"), lp->id,
             (unsigned long long)slot);
}

int slots_check(const struct lp *lp, struct answer *answer)
{
    if (lp->plug.waits)
        return refuse(answer, "HSCL3205",
                      "Another adapter of the partition %s is being added or removed. Try again when that is over.",
                      lp_name(lp));
    if (lp->state != LP_RUNNING || !lp->linked || !lp->dynamic)
        return refuse(answer, "HSCL2957",
                      "The operating system of the partition %s takes no dynamic operations: it is starting, has "
                      "ended, or has no support of hotplug events. Try again when rmc_state is active, or shut it "
                      "down first: adapters of a partition that is off are added and removed at once.",
                      lp_name(lp));
    return 0;
}

// Notes the change, and what its message has.
static void begin(struct sys *sys, struct lp *lp, u32 slot, bool add, bool eth, const struct wire_message *m,
                  struct wire_record *v)
{
    u64 seconds = MIN(wire_num(&m->where, "minutes", DEFAULT_MINUTES), 10000) * 60;
    lp->plug = (struct plug){.waits = true,
                             .add = add,
                             .eth = eth,
                             .number = lp->plug.number + 1,
                             .slot = slot,
                             .token = sys->asking,
                             .deadline = seconds ? clock_ns() + (s64)(seconds + GRACE) * SECOND : 0};
    wire_put_num(v, "number", lp->plug.number);
    wire_put_num(v, "slot", slot);
    wire_put_num(v, "seconds", seconds);
}

int slots_plug_scsi(struct sys *sys, struct lp *lp, const struct vscsi_adapter *adapter, const struct wire_message *m)
{
    struct wire_record v = {0};
    begin(sys, lp, adapter->slot, true, false, m, &v);
    wire_put_num(&v, "server", adapter->server);
    power_say(lp, MESSAGE_PLUG, &v);
    vio_added(sys, lp, NULL);
    return 1;
}

int slots_plug_eth(struct sys *sys, struct lp *lp, const struct veth *veth, const struct wire_message *m,
                   struct answer *answer)
{
    struct wire_record v = {0};
    begin(sys, lp, veth->slot, true, true, m, &v);
    int err = network_plug(sys, lp, veth, &v);
    if (!err)
        return 1;
    struct answer ignored = {0};
    lp->plug.waits = false;
    veth_forget(sys, lp, veth->slot, &ignored);
    return refuse(answer, "HSCL3205", "The adapter in slot %u of the partition %s cannot be connected: %s.", veth->slot,
                  lp_name(lp), strerror(-err));
}

int slots_unplug(struct sys *sys, struct lp *lp, u32 slot, bool eth, const struct wire_message *m)
{
    struct wire_record v = {0};
    begin(sys, lp, slot, false, eth, m, &v);
    power_say(lp, MESSAGE_UNPLUG, &v);
    return 1;
}

// It is not in its slot: not any more, or it never came there.
static int gone(struct sys *sys, struct lp *lp, const struct plug *plug, struct answer *answer)
{
    if (plug->eth)
        network_unplug(sys, lp, plug->slot);
    else
        vio_part(sys, lp, plug->slot);
    return plug->eth ? veth_forget(sys, lp, plug->slot, answer) : vscsi_forget(sys, lp, plug->slot, answer);
}

static void explain(const struct sys *sys, const struct lp *lp, const struct plug *plug, bool there, const char *why,
                    struct answer *answer)
{
    char name[100];
    slots_name(sys, lp, plug->slot, name);
    if (!*why || answer->refused)
        return;
    if (strcmp(why, "deaf") == 0)
        refuse(answer, "HSCL2957",
               "The operating system of the partition %s takes no dynamic operations: it is starting, has ended, or "
               "has no support of hotplug events. Nothing was changed.",
               lp_name(lp));
    else if (strcmp(why, "end") == 0)
        refuse(answer, "HSCL2957",
               "The partition %s ended during the operation. The adapter in slot %u is in its configuration, for its "
               "next activation.",
               lp_name(lp), plug->slot);
    else if (strcmp(why, "restart") == 0)
        refuse(answer, "HSCL2957",
               "The partition %s was restarted during the operation, and has the adapter in slot %u. Try again.",
               lp_name(lp), plug->slot);
    else if (!there)
        refuse(answer, "HSCL3205",
               "The adapter in slot %u of the partition %s cannot be made: %s. Nothing was changed.", plug->slot,
               lp_name(lp), why);
    else if (plug->add)
        refuse(answer, "HSCL294D",
               "The adapter is in slot %u of the partition %s and in its configuration, but the operating system has "
               "not taken it%s. In the partition, 'drmgr -c slot -s %s -a' takes it, now or later.",
               plug->slot, lp_name(lp), strcmp(why, "time") ? "" : " in time", name);
    else
        refuse(answer, "HSCL294D",
               "The operating system of the partition %s has not given the adapter in slot %u back%s. Nothing was "
               "changed. In the partition, 'drmgr -c slot -s %s -r' gives it back; then it can be removed.",
               lp_name(lp), plug->slot, strcmp(why, "time") ? "" : " in time", name);
}

static void finish(struct sys *sys, struct lp *lp, bool there, const char *why)
{
    struct plug plug = lp->plug;
    struct answer answer = {0};
    char text[128];
    lp->plug.waits = false;
    if (!there)
        gone(sys, lp, &plug, &answer);
    if (there == plug.add) {
        snprintf(text, sizeof(text), "virtual %s adapter %s slot %u", plug.eth ? "Ethernet" : "SCSI",
                 plug.add ? "added in" : "removed from", plug.slot);
        sys_event(sys, lp, REFCODE_LPAR_DYNAMIC, text);
    }
    explain(sys, lp, &plug, there, why, &answer);
    if (sys->answered && plug.token)
        sys->answered(sys->answered_arg, plug.token, &answer);
}

int slots_take(struct sys *sys, struct lp *lp, const struct wire_record *v)
{
    const char *why = wire_text(v, "why");
    if (lp->plug.waits && wire_num(v, "number", 0) == lp->plug.number && wire_num(v, "slot", 0) == lp->plug.slot)
        finish(sys, lp, wire_num(v, "there", 0), why ? why : "");
    return 0;
}

void slots_gone(struct sys *sys, struct lp *lp)
{
    if (lp->plug.waits)
        finish(sys, lp, true, "end");
}

s64 slots_tick(struct sys *sys, s64 now)
{
    s64 next = -1;
    for (u32 i = 0; i < sys->lps_len; i++) {
        const struct plug *plug = &sys->lps[i]->plug;
        if (!plug->waits || !plug->deadline)
            continue;
        if (now >= plug->deadline) // what it still does, it tells the configuration's next reader: the slot is listed
            finish(sys, sys->lps[i], true, "time");
        else
            next = next < 0 ? plug->deadline - now : MIN(next, plug->deadline - now);
    }
    return next;
}
