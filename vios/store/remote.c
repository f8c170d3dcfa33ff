// SPDX-License-Identifier: Apache-2.0
//
// An operation's data is copied through the link's data area: the process that has the network never sees what lies in the areas of the partitions.
// Operations that find no room there wait, in order.
#include "vios/store/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/child.h"
#include "ipc/ring.h"
#include "proto/vio/remote.h"
#include "vios/area.h"
#include "vios/store/state.h"

struct waiter {
    struct store_io *io;
    struct waiter *next;
};

struct remote_store {
    struct store store;
    struct loop *loop;
    struct ring_fds link;
    int socket, state;
    struct ring *ring;
    struct area area;
    struct loop_source answers, life; // the link's bell; the process's end
    bool closing;
    u32 leaves; // sources that are still the loop's, once it closes
    struct slot {
        struct store_io *io; // NULL: free
        u64 area;            // AREA_NONE
    } slots[REMOTE_REQUESTS];
    struct waiter *waiting, **last; // the last one's `next`
};

static struct remote_store *of(struct store *store)
{
    return container_of(store, struct remote_store, store);
}

bool remote_is(const char *path)
{
    return strncmp(path, "iscsi://", 8) == 0;
}

// --- starting the process

// Its answer. The socket stays the caller's.
static bool ask(int socket, const struct vios_disk *m, const int *fds, unsigned fds_len, struct vios_disk *found,
                char *why, size_t why_size)
{
    union vios_message answer;
    int none[VIOS_FDS_MAX];
    unsigned none_len = 0;
    int err = vios_send(socket, m, sizeof(*m), fds, fds_len);
    int got = err ? err : vios_receive(socket, &answer, none, &none_len);
    while (none_len)
        close(none[--none_len]);
    if (got == 1 && answer.header.type == VIOS_DISK) {
        *found = answer.disk;
        return true;
    }
    snprintf(why, why_size, "%s",
             got == 1 && answer.header.type == VIOS_FAILED
                 ? answer.text.text
                 : "openlpar-iscsi, which belongs beside this program, ended at its start");
    return false;
}

static bool start(struct vios_disk *m, const struct ring_fds *link, int *socket, char *why, size_t why_size)
{
    pid_t pid;
    struct vios_disk request = *m, found;
    int err = child_start("openlpar-iscsi", VIOS_FD, &pid, socket);
    if (err) {
        snprintf(why, why_size, "openlpar-iscsi, which belongs beside this program: %s", strerror(-err));
        return false;
    }
    // What was started leaves the work to a child of its own and ends.
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    request.header = vios_header(VIOS_DISK);
    request.adapter = 0;
    request.target = 1;
    request.flags = (m->flags & VIOS_DISK_READ_ONLY) | (link ? VIOS_DISK_REMOTE : 0);
    int fds[3] = {link ? link->memory : -1, link ? link->bell[0] : -1, link ? link->bell[1] : -1};
    bool ok = ask(*socket, &request, fds, link ? 3 : 0, &found, why, why_size);
    if (!ok) {
        close(*socket);
        return false;
    }
    m->size = found.size;
    m->physical = found.physical;
    m->flags |= found.flags & VIOS_DISK_READ_ONLY;
    memcpy(m->identity, found.identity, sizeof(m->identity));
    return true;
}

bool remote_open(struct vios_disk *m, int fds[VIOS_FDS_MAX], unsigned *fds_len, char *why, size_t why_size)
{
    struct ring_fds link;
    int socket, err = ring_create(REMOTE_RING_SIZE, REMOTE_DATA_SIZE, &link);
    if (err) {
        snprintf(why, why_size, "%s", strerror(-err));
        return false;
    }
    if (!start(m, &link, &socket, why, why_size)) {
        ring_close_fds(&link);
        return false;
    }
    const int all[REMOTE_FDS] = {link.memory, link.bell[0], link.bell[1], socket};
    memcpy(fds, all, sizeof(all));
    *fds_len = REMOTE_FDS;
    m->flags |= VIOS_DISK_REMOTE;
    m->place_unit = m->memory_unit = 512;
    return true;
}

bool remote_look(struct vios_disk *m, char *why, size_t why_size)
{
    int socket;
    if (!start(m, NULL, &socket, why, why_size))
        return false;
    close(socket);
    return true;
}

// --- operations

static bool has_data(const struct store_io *io)
{
    return io->op == STORE_READ || io->op == STORE_WRITE;
}

static struct slot *find_slot(struct remote_store *r)
{
    for (u32 i = 0; i < REMOTE_REQUESTS; i++) {
        if (!r->slots[i].io)
            return &r->slots[i];
    }
    return NULL;
}

// false: there is no room now.
static bool send_request(struct remote_store *r, struct store_io *io)
{
    static const enum remote_op ops[] = {
        [STORE_READ] = REMOTE_READ,       [STORE_WRITE] = REMOTE_WRITE, [STORE_FLUSH] = REMOTE_FLUSH,
        [STORE_DISCARD] = REMOTE_DISCARD, [STORE_ZERO] = REMOTE_ZERO,
    };
    struct slot *slot = find_slot(r);
    u64 area = slot && has_data(io) ? area_take(&r->area, io->size) : AREA_NONE;
    if (!slot || (has_data(io) && area == AREA_NONE))
        return false;
    struct remote_request *m = ring_reserve(r->ring, sizeof(*m));
    if (!m) {
        if (area != AREA_NONE)
            area_give(&r->area, area, io->size);
        return false;
    }
    *m = (struct remote_request){.op = ops[io->op],
                                 .id = (u32)(slot - r->slots),
                                 .offset = io->offset,
                                 .size = io->size,
                                 .data = area == AREA_NONE ? 0 : area,
                                 .durable = io->durable};
    if (io->op == STORE_WRITE)
        memcpy((u8 *)ring_data(r->ring) + area, io->data, io->size);
    *slot = (struct slot){io, area};
    ring_commit(r->ring, sizeof(*m));
    return true;
}

static void submit(struct store *store, struct store_io *io)
{
    struct remote_store *r = of(store);
    if (has_data(io) && (!io->size || io->size > REMOTE_DATA_SIZE)) {
        io->done(io, io->size ? -EINVAL : 0);
        return;
    }
    if (!r->waiting && send_request(r, io)) {
        ring_notify(r->ring);
        return;
    }
    struct waiter *waiter = malloc(sizeof(*waiter));
    if (!waiter) {
        io->done(io, -ENOMEM);
        return;
    }
    *waiter = (struct waiter){.io = io};
    *r->last = waiter;
    r->last = &waiter->next;
}

static void retry_waiting(struct remote_store *r)
{
    while (r->waiting && send_request(r, r->waiting->io)) {
        struct waiter *sent = r->waiting;
        r->waiting = sent->next;
        if (!r->waiting)
            r->last = &r->waiting;
        free(sent);
    }
    ring_notify(r->ring);
}

static void take_answer(struct remote_store *r, const void *shared, u32 size)
{
    struct remote_done m;
    if (size < sizeof(m))
        return;
    memcpy(&m, shared, sizeof(m));
    struct slot *slot = m.id < REMOTE_REQUESTS ? &r->slots[m.id] : NULL;
    struct store_io *io = slot ? slot->io : NULL;
    if (!io)
        return;
    if (io->op == STORE_READ && !m.error)
        memcpy(io->data, (u8 *)ring_data(r->ring) + slot->area, io->size);
    if (slot->area != AREA_NONE)
        area_give(&r->area, slot->area, io->size);
    slot->io = NULL;
    io->done(io, m.error < 0 ? MAX(m.error, -4095) : 0);
}

static void free_store(struct remote_store *r)
{
    ring_detach(r->ring);
    area_fini(&r->area);
    free(r);
}

static void source_gone(struct remote_store *r)
{
    if (--r->leaves)
        return;
    ring_close_fds(&r->link);
    close(r->socket);
    if (r->state >= 0)
        close(r->state);
    free_store(r);
}

static void answers_gone(struct loop_source *source)
{
    source_gone(container_of(source, struct remote_store, answers));
}

static void life_gone(struct loop_source *source)
{
    source_gone(container_of(source, struct remote_store, life));
}

static bool take_answers(struct loop_source *source)
{
    struct remote_store *r = container_of(source, struct remote_store, answers);
    const void *message;
    u32 size;
    bool any = false;
    if (r->closing) {
        loop_remove(source, answers_gone);
        return false;
    }
    while ((message = ring_peek(r->ring, &size))) {
        take_answer(r, message, size);
        ring_consume(r->ring);
        any = true;
    }
    if (r->waiting)
        retry_waiting(r);
    return any;
}

static bool sleep_for_answers(struct loop_source *source)
{
    struct remote_store *r = container_of(source, struct remote_store, answers);
    return !r->closing && ring_sleep(r->ring);
}

static void answers_woken(struct loop_source *source)
{
    struct remote_store *r = container_of(source, struct remote_store, answers);
    if (source->rang)
        ring_woken(r->ring);
    else
        ring_awake(r->ring);
    source->rang = false;
}

static bool look_at_life(struct loop_source *source)
{
    struct remote_store *r = container_of(source, struct remote_store, life);
    if (r->closing)
        loop_remove(source, life_gone);
    else if (source->rang)
        loop_stop(r->loop);
    return false;
}

static bool sleep_for_life(struct loop_source *source)
{
    return !container_of(source, struct remote_store, life)->closing && !source->rang;
}

static void life_woken(struct loop_source *source) {}

static int get_value(struct store *store, const char *name, void *value, size_t size)
{
    struct remote_store *r = of(store);
    return r->state < 0 ? -ENODATA : state_get(r->state, name, value, size);
}

static int set_value(struct store *store, const char *name, const void *value, size_t size)
{
    struct remote_store *r = of(store);
    return r->state < 0 ? -EOPNOTSUPP : state_set(r->state, name, value, size);
}

// The loop looks at both sources once more, who then leave.
static void close_store(struct store *store)
{
    of(store)->closing = true;
}

static const struct store_ops remote_ops = {
    .submit = submit,
    .get_value = get_value,
    .set_value = set_value,
    .close = close_store,
};

struct store *remote_store_new(struct loop *loop, const struct vios_disk *m, const int fds[REMOTE_FDS], int state)
{
    struct remote_store *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->link = (struct ring_fds){fds[0], {fds[1], fds[2]}};
    r->ring = ring_attach(&r->link, REMOTE_SERVER);
    if (!r->ring || ring_data_size(r->ring) < REMOTE_DATA_SIZE || area_init(&r->area, REMOTE_DATA_SIZE)) {
        free_store(r);
        return NULL;
    }
    r->store = (struct store){.ops = &remote_ops,
                              .size = m->size,
                              .physical = m->physical,
                              .read_only = m->flags & (VIOS_DISK_READ_ONLY | VIOS_DISK_OPTICAL),
                              .thin = true,
                              .keeps_values = state >= 0};
    memcpy(r->store.identity, m->identity, sizeof(r->store.identity));
    snprintf(r->store.name, sizeof(r->store.name), "%s", m->name);
    r->loop = loop;
    r->socket = fds[3];
    r->state = state;
    r->last = &r->waiting;
    r->leaves = 2;
    r->answers = (struct loop_source){
        .bell = ring_bell(r->ring), .work = take_answers, .sleep = sleep_for_answers, .woken = answers_woken};
    r->life =
        (struct loop_source){.bell = r->socket, .work = look_at_life, .sleep = sleep_for_life, .woken = life_woken};
    loop_add(loop, &r->answers);
    loop_add(loop, &r->life);
    return &r->store;
}
