// SPDX-License-Identifier: Apache-2.0
//
// A unit is at one place, or shared by several; it goes when it is at none any more. What takes time, as commands are under way, is answered when it is over.
#include "vios/server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/endian.h"
#include "vios/srp.h"
#include "vios/store/open.h"
#include "vios/store/pieces.h"
#include "vios/store/remote.h"

#define EVENT_SECONDS 60 // between two of one kind of a unit

struct server;

struct unit {
    struct server *server;
    struct scsi_lu *lu;
    u32 places;
    time_t said[SCSI_EVENT_EJECTED]; // when the last event of each kind but the last was said; 0: never
};

struct place {
    struct server *server;
    struct unit *unit;
    u32 token;
    bool goes;
};

struct adapter {
    struct server *server;
    struct srp_port *port;
    struct ring_fds link;
    u32 partition, slot; // the client's
    u32 token;
    bool goes;
    struct place places[VIOS_TARGETS_MAX];
};

struct server {
    struct loop *loop;
    void (*say)(void *arg, const void *message, size_t size);
    void *arg;
    bool started;
    struct adapter adapters[VIOS_ADAPTERS_MAX];
};

// A change of a medium that is to be answered.
struct change {
    struct server *server;
    u32 token, type;
};

// What came of a message.
struct outcome {
    int error;
    bool later; // it is answered when it has taken effect
    bool taken; // its descriptors belong to a store
    char why[VIOS_TEXT_MAX];
};

PRINTF_LIKE(3, 4) static void refuse(struct outcome *o, int err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(o->why, sizeof(o->why), fmt, ap);
    va_end(ap);
    o->error = err;
}

static void answer(struct server *s, u32 token, u32 type, int err, const char *why)
{
    struct vios_done m = {.header = vios_header(VIOS_DONE), .error = err, .type = type};
    m.header.token = token;
    snprintf(m.text, sizeof(m.text), "%s", why);
    s->say(s->arg, &m, sizeof(m));
}

static void on_event(struct scsi_lu *lu, enum scsi_event event, int err)
{
    static const struct {
        u32 kind, level;
        const char *text;
    } rows[] = {
        [SCSI_EVENT_ERROR] = {VIOS_EVENT_IO_ERROR, VIOS_ERROR, "cannot be read or written"},
        [SCSI_EVENT_NO_SPACE] = {VIOS_EVENT_NO_SPACE, VIOS_ERROR,
                                 "there is no space for what the partition writes; it goes on when there is some"},
        [SCSI_EVENT_EJECTED] = {VIOS_EVENT_EJECTED, VIOS_INFORMATION, "the partition ejected the medium"},
    };
    struct unit *unit = lu->owner;
    struct server *s = unit->server;
    struct vios_event m = {.header = vios_header(VIOS_EVENT), .error = err};
    if (event < ARRAY_LEN(unit->said)) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (unit->said[event] && now.tv_sec - unit->said[event] < EVENT_SECONDS)
            return;
        unit->said[event] = MAX(now.tv_sec, 1);
    }
    m.kind = rows[event].kind;
    m.level = rows[event].level;
    for (u32 i = 0; i < VIOS_ADAPTERS_MAX * VIOS_TARGETS_MAX; i++) {
        if (s->adapters[i / VIOS_TARGETS_MAX].places[i % VIOS_TARGETS_MAX].unit == unit) {
            m.adapter = i / VIOS_TARGETS_MAX;
            m.target = i % VIOS_TARGETS_MAX;
            break;
        }
    }
    const char *name = lu->store ? lu->store->name : "optical drive";
    snprintf(m.text, sizeof(m.text), "%s: %s%s%s", name, rows[event].text, err ? ": " : "", err ? strerror(-err) : "");
    s->say(s->arg, &m, sizeof(m));
}

static void drop_place(struct place *place)
{
    struct unit *unit = place->unit;
    place->unit = NULL;
    place->goes = false;
    if (--unit->places)
        return;
    scsi_lu_free(unit->lu);
    free(unit);
}

static void add_adapter(struct server *s, const struct vios_adapter *m, const int *fds, struct outcome *o)
{
    struct adapter *a = &s->adapters[m->id];
    char name[16];
    if (m->kind != VIOS_SCSI || a->port) {
        refuse(o, -EEXIST, "adapter %u: is of no known kind, or there already", m->id);
        return;
    }
    snprintf(name, sizeof(name), "vhost%u", m->id);
    a->link = (struct ring_fds){fds[0], {fds[1], fds[2]}};
    a->server = s;
    a->partition = m->partition;
    a->slot = m->slot;
    a->port = srp_port_new(s->loop, &a->link, name, m->partition, m->slot);
    if (!a->port)
        refuse(o, -errno, "adapter %u: %s", m->id, strerror(errno));
}

// The place that a message names, at an adapter that stays. NULL: refused.
static struct place *find_place(struct server *s, u32 adapter, u32 target, bool taken, struct outcome *o)
{
    struct adapter *a = &s->adapters[adapter];
    struct place *place = &a->places[target];
    if (!a->port || a->goes) {
        refuse(o, -ENODEV, "there is no adapter %u", adapter);
    } else if (taken != (place->unit && !place->goes)) {
        refuse(o, taken ? -ENOENT : -EEXIST, "target %u of adapter %u: %s", target, adapter,
               taken ? "there is nothing" : "there is something already");
    } else {
        place->server = s;
        return place;
    }
    return NULL;
}

static struct unit *unit_at(struct server *s, u32 adapter, u32 target, struct outcome *o)
{
    struct place *place = find_place(s, adapter, target, true, o);
    return place ? place->unit : NULL;
}

static const char *label(const struct vios_disk *m)
{
    return m->flags & VIOS_DISK_PIECES ? m->name : m->path;
}

static struct store *open_store(struct server *s, const struct vios_disk *m, const int *fds, unsigned fds_len,
                                struct outcome *o)
{
    struct vios_disk found = *m;
    int opened[VIOS_FDS_MAX];
    char why[256];
    if (!fds_len && s->started) {
        refuse(o, -EINVAL, "%s: a server that runs opens nothing by itself", label(m));
        return NULL;
    }
    if (m->flags & VIOS_DISK_REMOTE && fds_len < REMOTE_FDS) {
        refuse(o, -EINVAL, "%s: the socket to the process that reaches it is missing", label(m));
        return NULL;
    }
    if (!fds_len) {
        if (!store_open(&found, NULL, opened, &fds_len, why, sizeof(why))) {
            refuse(o, -EIO, "%s: %s", m->path, why);
            return NULL;
        }
        fds = opened;
    }
    struct store *store = store_from_descriptors(s->loop, &found, fds);
    o->taken = store;
    if (!store) {
        refuse(o, -ENOMEM, "%s: no memory", label(m));
        while (fds == opened && fds_len)
            close(opened[--fds_len]);
    }
    return store;
}

static bool add_to_place(struct server *s, struct place *place, u32 adapter, u32 target, struct unit *unit)
{
    if (!srp_port_add(s->adapters[adapter].port, target, unit->lu))
        return false;
    place->unit = unit;
    unit->places++;
    return true;
}

// A drive is the same one, whatever is in it.
static void identify_drive(struct scsi_lu *lu, const struct adapter *a, u32 target)
{
    store_be32(lu->identity, a->partition);
    store_be32(lu->identity + 4, a->slot << 8 | target);
}

static void add_disk(struct server *s, const struct vios_disk *m, const int *fds, unsigned fds_len, struct outcome *o)
{
    struct place *place = find_place(s, m->adapter, m->target, false, o);
    bool optical = m->flags & VIOS_DISK_OPTICAL, empty = optical && !fds_len && !m->path[0];
    struct store *store = place && !empty ? open_store(s, m, fds, fds_len, o) : NULL;
    if (!place || (!store && !empty))
        return;
    struct unit *unit = calloc(1, sizeof(*unit));
    struct scsi_lu *lu = unit ? scsi_lu_new(store, optical) : NULL;
    if (lu) {
        *unit = (struct unit){.server = s, .lu = lu};
        lu->owner = unit;
        lu->event = on_event;
        if (optical)
            identify_drive(lu, &s->adapters[m->adapter], m->target);
        if (add_to_place(s, place, m->adapter, m->target, unit))
            return;
    }
    refuse(o, -ENOMEM, "%s: no memory", label(m));
    if (lu)
        scsi_lu_free(lu);
    else if (store)
        store->ops->close(store);
    free(unit);
}

static void share(struct server *s, const struct vios_share *m, struct outcome *o)
{
    struct unit *unit = unit_at(s, m->of_adapter, m->of_target, o);
    struct place *place = unit ? find_place(s, m->adapter, m->target, false, o) : NULL;
    if (place && !add_to_place(s, place, m->adapter, m->target, unit))
        refuse(o, -EEXIST, "target %u of adapter %u is taken", m->target, m->adapter);
}

static void removed(void *arg)
{
    struct place *place = arg;
    struct server *s = place->server;
    drop_place(place);
    answer(s, place->token, VIOS_REMOVE_DISK, 0, "");
}

static void remove_disk(struct server *s, const struct vios_place *m, struct outcome *o)
{
    struct place *place = find_place(s, m->adapter, m->target, true, o);
    if (!place)
        return;
    place->goes = o->later = true;
    place->token = m->header.token;
    srp_port_remove(s->adapters[m->adapter].port, m->target, removed, place);
}

static void adapter_closed(void *arg)
{
    struct adapter *a = arg;
    struct server *s = a->server;
    u32 token = a->token;
    for (u32 i = 0; i < VIOS_TARGETS_MAX; i++) {
        struct place *place = &a->places[i];
        bool asked = place->goes;
        if (place->unit)
            drop_place(place);
        if (asked)
            answer(s, place->token, VIOS_REMOVE_DISK, 0, "");
    }
    ring_close_fds(&a->link);
    *a = (struct adapter){0};
    answer(s, token, VIOS_REMOVE_ADAPTER, 0, "");
}

static void remove_adapter(struct server *s, const struct vios_place *m, struct outcome *o)
{
    struct adapter *a = &s->adapters[m->adapter];
    if (!a->port || a->goes) {
        refuse(o, -ENODEV, "there is no adapter %u", m->adapter);
        return;
    }
    a->goes = o->later = true;
    a->token = m->header.token;
    srp_port_close(a->port, adapter_closed, a);
}

static void resize(struct server *s, const struct vios_resize *m, struct outcome *o)
{
    struct unit *unit = unit_at(s, m->adapter, m->target, o);
    if (!unit)
        return;
    if (unit->lu->optical || m->size < unit->lu->block) {
        refuse(o, -EINVAL, "a medium has the size that it has, and a disk has one block at least");
        return;
    }
    unit->lu->store->size = m->size / unit->lu->block * unit->lu->block;
    scsi_lu_resized(unit->lu);
}

static void count(struct server *s, const struct vios_place *m, struct outcome *o)
{
    const struct unit *unit = unit_at(s, m->adapter, m->target, o);
    if (!unit)
        return;
    struct vios_done done = {.header = vios_header(VIOS_DONE),
                             .type = VIOS_COUNT,
                             .reads = unit->lu->reads,
                             .writes = unit->lu->writes,
                             .read_bytes = unit->lu->read_bytes,
                             .written_bytes = unit->lu->written_bytes};
    done.header.token = m->header.token;
    o->later = true; // it is answered here
    s->say(s->arg, &done, sizeof(done));
}

static void grow(struct server *s, const struct vios_disk *m, const int *fds, unsigned fds_len, struct outcome *o)
{
    struct unit *unit = unit_at(s, m->adapter, m->target, o);
    struct store *larger = unit ? open_store(s, m, fds, fds_len, o) : NULL;
    if (!larger)
        return;
    int err = unit->lu->optical ? -EINVAL : pieces_grow(unit->lu->store, larger);
    if (err) {
        refuse(o, err, "%s: is not what the disk there was, and more", m->name);
        larger->ops->close(larger);
        return;
    }
    scsi_lu_resized(unit->lu);
}

static void changed(void *arg)
{
    struct change *change = arg;
    answer(change->server, change->token, change->type, 0, "");
    free(change);
}

static void change_medium(struct server *s, const union vios_message *m, const int *fds, unsigned fds_len,
                          struct outcome *o)
{
    bool load = m->header.type == VIOS_LOAD;
    u32 adapter = load ? m->disk.adapter : m->place.adapter, target = load ? m->disk.target : m->place.target;
    struct unit *unit = unit_at(s, adapter, target, o);
    if (!unit)
        return;
    struct scsi_lu *lu = unit->lu;
    if (!lu->optical) {
        refuse(o, -EINVAL, "target %u of adapter %u is not an optical drive", target, adapter);
        return;
    }
    if (lu->changing || (load && lu->store)) {
        refuse(o, -EBUSY, "%s",
               lu->changing ? "the medium is being changed" : "there is a medium already; unload it first");
        return;
    }
    if (!load && !m->place.force && scsi_locked(lu)) {
        scsi_ask_to_eject(lu);
        refuse(o, -EBUSY, "the partition uses the medium and was asked to eject it; force takes it away");
        return;
    }
    struct change *change = calloc(1, sizeof(*change));
    struct store *store = change && load ? open_store(s, &m->disk, fds, fds_len, o) : NULL;
    if (!change || (load && !store)) {
        if (!change)
            refuse(o, -ENOMEM, "no memory");
        free(change);
        return;
    }
    *change = (struct change){s, m->header.token, m->header.type};
    o->later = true;
    scsi_change_medium(lu, store, changed, change);
}

static void take(struct server *s, const union vios_message *m, const int *fds, unsigned fds_len, struct outcome *o)
{
    if (!s->started && m->header.type > VIOS_START) {
        refuse(o, -EINVAL, "a message of kind %u is not for a server that starts", m->header.type);
        return;
    }
    switch (m->header.type) {
    case VIOS_ADAPTER: add_adapter(s, &m->adapter, fds, o); break;
    case VIOS_DISK: add_disk(s, &m->disk, fds, fds_len, o); break;
    case VIOS_SHARE: share(s, &m->share, o); break;
    case VIOS_REMOVE_ADAPTER: remove_adapter(s, &m->place, o); break;
    case VIOS_REMOVE_DISK: remove_disk(s, &m->place, o); break;
    case VIOS_RESIZE: resize(s, &m->resize, o); break;
    case VIOS_COUNT: count(s, &m->place, o); break;
    case VIOS_GROW: grow(s, &m->disk, fds, fds_len, o); break;
    case VIOS_LOAD:
    case VIOS_UNLOAD: change_medium(s, m, fds, fds_len, o); break;
    default: refuse(o, -EINVAL, "a message of kind %u is not for a server that runs", m->header.type); break;
    }
}

bool server_take(struct server *s, const union vios_message *m, const int *fds, unsigned fds_len, char *why,
                 size_t why_size)
{
    struct outcome o = {0};
    take(s, m, fds, fds_len, &o);
    for (unsigned i = 0; o.error && !o.taken && i < fds_len; i++)
        close(fds[i]);
    if (s->started && !o.later)
        answer(s, m->header.token, m->header.type, o.error, o.why);
    snprintf(why, why_size, "%s", o.why);
    return !o.error;
}

struct server *server_new(struct loop *loop, void (*say)(void *arg, const void *message, size_t size), void *arg)
{
    struct server *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->loop = loop;
    s->say = say;
    s->arg = arg;
    return s;
}

void server_started(struct server *s)
{
    s->started = true;
}

void server_free(struct server *s)
{
    for (u32 i = 0; i < VIOS_ADAPTERS_MAX; i++) {
        struct adapter *a = &s->adapters[i];
        if (!a->port)
            continue;
        srp_port_free(a->port);
        for (u32 n = 0; n < VIOS_TARGETS_MAX; n++) {
            if (a->places[n].unit)
                drop_place(&a->places[n]);
        }
        ring_close_fds(&a->link);
    }
    free(s);
}
