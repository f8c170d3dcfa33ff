// SPDX-License-Identifier: Apache-2.0
#include "lpar/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "papr/drc.h"
#include "papr/events.h"
#include "papr/tree.h"
#include "papr/vdev_ops.h"

#define SECOND 1000000000ll
#define REMIND (5 * SECOND) // an interrupt may have come before anybody listened

void slots_init(struct slots *s, struct life *life, struct servers **servers,
                void (*send)(enum message type, const struct wire_record *values))
{
    *s = (struct slots){.life = life, .servers = servers, .send = send};
}

// there: the adapter is in the slot.
static void answer(struct slots *s, bool there, const char *why)
{
    struct wire_record v = {0};
    wire_put_num(&v, "number", s->number);
    wire_put_num(&v, "slot", s->slot);
    wire_put_num(&v, "there", there);
    wire_put_text(&v, "why", why);
    s->waiting = false;
    s->send(MESSAGE_PLUGGED, &v);
}

static void begin(struct slots *s, const struct wire_record *v, bool add)
{
    u64 seconds = MIN(wire_num(v, "seconds", 0), 1000000);
    s64 now = clock_ns();
    s->add = add;
    s->number = (u32)wire_num(v, "number", 0);
    s->slot = (u32)wire_num(v, "slot", 0);
    s->deadline = seconds ? now + (s64)seconds * SECOND : 0;
    s->remind_at = now + REMIND;
}

static bool sensible(const struct slots *s, const struct wire_record *v)
{
    u64 slot = wire_num(v, "slot", 0);
    return !s->waiting && slot && slot < VIO_SLOTS;
}

static int plug_scsi(struct slots *s, bool server)
{
    if (!*s->servers)
        *s->servers = servers_new();
    struct vdev *vdev = *s->servers ? servers_add(*s->servers, s->slot, server) : NULL;
    int err = vdev ? life_plug(s->life, vdev) : -ENOMEM;
    if (vdev && err)
        servers_remove(*s->servers, s->slot);
    return err;
}

static int plug_lan(struct slots *s, const struct wire_record *v, const u8 mac[6], const int *fds)
{
    struct llan_config config = {.slot = s->slot, .trunk_priority = (u8)wire_num(v, "trunk", 0)};
    memcpy(config.mac, mac, 6);
    struct ring_fds link = {fcntl(fds[0], F_DUPFD_CLOEXEC, 3),
                            {fcntl(fds[1], F_DUPFD_CLOEXEC, 3), fcntl(fds[2], F_DUPFD_CLOEXEC, 3)}};
    int err = life_plug_lan(s->life, &config, &link);
    if (err)
        ring_close_fds(&link);
    return err;
}

// Whether there is an adapter of ours; the partition is held.
static bool occupied(struct slots *s)
{
    return life_find_lan(s->life, s->slot) < s->life->lans_len || (*s->servers && servers_find(*s->servers, s->slot));
}

static void detach(struct slots *s)
{
    struct vdev *vdev = *s->servers ? servers_find(*s->servers, s->slot) : NULL;
    if (vdev) {
        life_unplug(s->life, vdev);
        servers_remove(*s->servers, s->slot);
    } else {
        life_unplug_lan(s->life, s->slot);
    }
}

static void wait_for_os(struct slots *s)
{
    s->starts = s->life->starts;
    s->waiting = drc_ask_slot(&s->life->lp, s->slot, s->add);
}

bool slots_plug(struct slots *s, const struct wire_record *v, const int *fds, u32 len, bool running)
{
    const char *mac = wire_text(v, "mac");
    unsigned b[6];
    if (!sensible(s, v) ||
        (mac && (len != 3 || sscanf(mac, "%2x%2x%2x%2x%2x%2x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]) != 6)))
        return false;
    begin(s, v, true);
    bool there = running && life_hold(s->life), listens = there && drc_listens(&s->life->lp);
    int err = listens && !occupied(s) ? 0 : -EBUSY;
    if (!err && mac) {
        u8 bytes[6];
        for (u32 i = 0; i < 6; i++)
            bytes[i] = (u8)b[i];
        err = plug_lan(s, v, bytes, fds);
    } else if (!err) {
        err = plug_scsi(s, wire_num(v, "server", 0));
    }
    if (!err)
        wait_for_os(s);
    if (there)
        life_release(s->life);
    if (err)
        answer(s, false, listens ? strerror(-err) : "deaf");
    return true;
}

bool slots_unplug(struct slots *s, const struct wire_record *v, bool running)
{
    if (!sensible(s, v))
        return false;
    begin(s, v, false);
    bool there = running && life_hold(s->life), found = there && occupied(s);
    // What the operating system has given back already needs nobody who listens.
    if (found)
        wait_for_os(s);
    bool deaf = s->waiting && !drc_listens(&s->life->lp) && drc_answer(&s->life->lp, DRC_VIO + s->slot) == DRC_WAITING;
    if (deaf)
        drc_withdraw(&s->life->lp, DRC_VIO + s->slot);
    if (there)
        life_release(s->life);
    if (deaf || !there)
        answer(s, true, "deaf");
    else if (!found)
        answer(s, false, "");
    else if (!s->waiting)
        answer(s, true, "busy");
    return true;
}

// The operating system was asked, and has answered.
static void settle(struct slots *s, enum drc_answer a, bool late)
{
    bool took = a == DRC_DONE || a == DRC_TAKEN;
    if (!s->add && took)
        detach(s);
    answer(s, s->add || !took, took ? "" : late ? "time" : "refused");
}

int slots_step(struct slots *s)
{
    if (!s->waiting)
        return -1;
    s64 now = clock_ns();
    bool there = life_hold(s->life), same = there && s->starts == s->life->starts;
    struct partition *lp = &s->life->lp;
    if (same) {
        enum drc_answer a = drc_answer(lp, DRC_VIO + s->slot);
        bool late = s->deadline && now >= s->deadline;
        if (a != DRC_WAITING || late)
            settle(s, drc_withdraw(lp, DRC_VIO + s->slot), late);
        if (s->waiting && now >= s->remind_at) {
            s->remind_at = now + REMIND;
            events_remind(lp, EVENT_HOT_PLUG);
        }
    } else { // what was there when it started anew, it has
        answer(s, true, s->add ? "" : "restart");
    }
    if (there)
        life_release(s->life);
    if (!s->waiting)
        return -1;
    s64 next = s->deadline ? MIN(s->deadline, s->remind_at) : s->remind_at;
    return (int)(MAX(next - now, 0) / 1000000) + 1;
}

void slots_settle(struct slots *s)
{
    if (s->waiting && life_hold(s->life)) {
        drc_withdraw(&s->life->lp, DRC_VIO + s->slot);
        life_release(s->life);
    }
    s->waiting = false;
}
