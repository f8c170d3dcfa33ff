// SPDX-License-Identifier: Apache-2.0
#include "vios/admin/data.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "ipc/child.h"
#include "ipc/ring.h"
#include "proto/vio/vscsi.h"
#include "vios/store/open.h"
#include "vios/store/remote.h"

#define ANSWER_MS  60000 // commands under way end before a unit goes
#define LOCK_MS    60000 // for what the kernel still does for an earlier server
#define RETRY_NS   200000000ll
#define EVENTS_MAX 64u
#define KEY_SIZE   (VIOS_PATH_MAX + 48)

struct port {
    int channel; // -1: there is no client
    u32 client, client_slot;
    u64 number;
    bool served;                   // the server knows it
    char *units[VIOS_TARGETS_MAX]; // what is at its places: a key of its backing, "" for an empty drive; NULL: nothing
};

struct data {
    struct data_hooks hooks;
    struct ios *ios;
    char *folder;
    pid_t pid;  // 0: there is none
    int socket; // -1
    u32 token;
    u64 dead_ms;
    s64 again; // not before: ns
    bool complained;
    bool power, restart;
    struct port ports[VIOS_ADAPTERS_MAX]; // by slot
    struct vios_event events[EVENTS_MAX];
    u32 events_len;
};

static bool wait_readable(int fd, s64 until)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        s64 left = until - clock_ns();
        if (left <= 0)
            return false;
        int got = poll(&p, 1, (int)(left / 1000000) + 1);
        if (got > 0)
            return true;
        if (got < 0 && errno != EINTR)
            return false;
    }
}

// Commands wait for answers, so that what comes in between is looked at later.
static void note_event(struct data *d, const struct vios_event *event)
{
    if (d->events_len < EVENTS_MAX)
        d->events[d->events_len++] = *event;
}

static void forget_units(struct port *port)
{
    for (u32 i = 0; i < VIOS_TARGETS_MAX; i++) {
        free(port->units[i]);
        port->units[i] = NULL;
    }
    port->served = false;
}

// The process is gone, or is to go. What it served waits.
static void end_server(struct data *d)
{
    struct rusage usage;
    if (d->socket >= 0)
        close(d->socket);
    d->socket = -1;
    if (d->pid) {
        kill(d->pid, SIGKILL);
        while (wait4(d->pid, NULL, 0, &usage) < 0 && errno == EINTR)
            ;
        d->dead_ms += (u64)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                      (u64)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
    }
    d->pid = 0;
    for (u32 slot = 0; slot < VIOS_ADAPTERS_MAX; slot++) {
        struct vios_place gone = {.header = vios_header(VIOS_REMOVE_ADAPTER), .adapter = slot};
        if (d->ports[slot].served)
            vios_send(d->ports[slot].channel, &gone, sizeof(gone), NULL, 0);
        forget_units(&d->ports[slot]);
    }
}

// The next message that is no event. false: the server ended, or says nothing, and is ended.
static bool hear(struct data *d, union vios_message *m, s64 until)
{
    int fds[VIOS_FDS_MAX];
    unsigned fds_len;
    while (wait_readable(d->socket, until)) {
        int got = vios_receive(d->socket, m, fds, &fds_len);
        if (got <= 0)
            return false;
        if (m->header.type != VIOS_EVENT)
            return true;
        note_event(d, &m->event);
    }
    return false;
}

// Sends a message and waits for its answer. 0, or a negative errno with `why`.
static int ask(struct data *d, struct vios_header *message, size_t size, const int *fds, unsigned fds_len,
               struct vios_done *answer, char *why)
{
    union vios_message m;
    message->token = ++d->token;
    int err = vios_send(d->socket, message, size, fds, fds_len);
    s64 until = clock_ns() + ANSWER_MS * 1000000ll;
    while (!err) {
        if (!hear(d, &m, until))
            err = -EPIPE;
        else if (m.header.type == VIOS_DONE && m.header.token == message->token)
            break;
    }
    if (err) {
        end_server(d);
        snprintf(why, IOS_WHY_MAX, "the data path ended; it is started again");
        return err;
    }
    if (m.done.error)
        snprintf(why, IOS_WHY_MAX, "%.*s", (int)IOS_WHY_MAX - 1, m.done.text);
    *answer = m.done;
    return m.done.error;
}

// Until it took effect.
static int tell(struct data *d, struct vios_header *message, size_t size, const int *fds, unsigned fds_len, char *why)
{
    struct vios_done answer;
    return ask(d, message, size, fds, fds_len, &answer, why);
}

// A link of its own for each server, so that nothing of an earlier one can be taken for the next one's.
static int serve_port(struct data *d, u32 slot)
{
    struct port *port = &d->ports[slot];
    struct ring_fds link;
    char why[IOS_WHY_MAX] = "";
    struct vios_adapter a = {.header = vios_header(VIOS_ADAPTER),
                             .id = slot,
                             .kind = VIOS_SCSI,
                             .partition = port->client,
                             .slot = port->client_slot};
    int err = ring_create(VSCSI_RING_SIZE, VSCSI_DATA_SIZE, &link);
    if (err)
        return err;
    int fds[3] = {link.memory, link.bell[0], link.bell[1]};
    err = tell(d, &a.header, sizeof(a), fds, 3, why);
    if (!err) {
        port->served = true;
        ios_attach_all(d->ios, slot);
        // Its server may have ended meanwhile.
        err = port->served ? vios_send(port->channel, &a, sizeof(a), fds, 3) : -EPIPE;
    } else if (*why) {
        d->hooks.log(why);
    }
    ring_close_fds(&link);
    return err;
}

static int start_server(struct data *d, char *why)
{
    union vios_message m;
    struct vios_header start = vios_header(VIOS_START);
    int err = child_start("openlpar-viosd", VIOS_FD, &d->pid, &d->socket);
    snprintf(why, IOS_WHY_MAX, "openlpar-viosd, which belongs beside this program: %s", strerror(-err));
    if (!err)
        err = vios_send(d->socket, &start, sizeof(start), NULL, 0);
    if (!err && (!hear(d, &m, clock_ns() + ANSWER_MS * 1000000ll) || m.header.type != VIOS_READY)) {
        err = -EPIPE;
        snprintf(why, IOS_WHY_MAX, "%.*s", (int)IOS_WHY_MAX - 1,
                 m.header.type == VIOS_FAILED ? m.text.text : "openlpar-viosd ended at its start");
    }
    if (err) {
        end_server(d);
        return err;
    }
    d->complained = false;
    d->hooks.serves(d->pid, d->dead_ms);
    return 0;
}

static void serve_all(struct data *d)
{
    for (u32 slot = 0; slot < VIOS_ADAPTERS_MAX && d->pid; slot++)
        if (d->ports[slot].channel >= 0 && !d->ports[slot].served)
            serve_port(d, slot);
}

static void start_again(struct data *d)
{
    char why[IOS_WHY_MAX];
    if (d->pid || clock_ns() < d->again)
        return;
    if (start_server(d, why)) {
        d->again = clock_ns() + RETRY_NS;
        if (!d->complained)
            d->hooks.log(why);
        d->complained = true;
        return;
    }
    serve_all(d);
}

struct data *data_new(const char *folder, const struct data_hooks *hooks)
{
    struct data *d = calloc(1, sizeof(*d));
    char *name = d ? strdup(folder) : NULL;
    if (!name) {
        free(d);
        return NULL;
    }
    d->folder = name;
    d->hooks = *hooks;
    d->socket = -1;
    for (u32 slot = 0; slot < VIOS_ADAPTERS_MAX; slot++)
        d->ports[slot].channel = -1;
    return d;
}

void data_set_ios(struct data *d, struct ios *ios)
{
    d->ios = ios;
}

void data_free(struct data *d)
{
    if (!d)
        return;
    end_server(d);
    for (u32 slot = 0; slot < VIOS_ADAPTERS_MAX; slot++)
        if (d->ports[slot].channel >= 0)
            close(d->ports[slot].channel);
    free(d->folder);
    free(d);
}

int data_start(struct data *d, char *why)
{
    return start_server(d, why);
}

void data_tell(const struct data *d)
{
    if (d->pid)
        d->hooks.serves(d->pid, d->dead_ms);
}

void data_part(struct data *d, u32 slot)
{
    struct port *port = &d->ports[slot];
    char why[IOS_WHY_MAX];
    struct vios_place gone = {.header = vios_header(VIOS_REMOVE_ADAPTER), .adapter = slot};
    if (port->channel < 0)
        return;
    if (port->served)
        tell(d, &gone.header, sizeof(gone), NULL, 0, why);
    forget_units(port);
    close(port->channel);
    port->channel = -1;
}

void data_join(struct data *d, u32 slot, u32 client, u32 client_slot, u64 number, int channel)
{
    data_part(d, slot);
    struct port *port = &d->ports[slot];
    port->channel = channel;
    port->client = client;
    port->client_slot = client_slot;
    port->number = number;
    if (d->pid)
        serve_port(d, slot);
}

void data_describe(const struct data *d, char *text, size_t size)
{
    size_t used = 0;
    *text = 0;
    for (u32 slot = 0; slot < VIOS_ADAPTERS_MAX && used < size; slot++) {
        const struct port *port = &d->ports[slot];
        if (port->channel >= 0)
            used += (size_t)snprintf(text + used, size - used, "%s%u:%u:%u:%llu", used ? "," : "", slot, port->client,
                                     port->client_slot, (unsigned long long)port->number);
    }
}

// What is behind two targets is the same when these are.
static void key_of(const struct ios_backing *b, char key[KEY_SIZE])
{
    snprintf(key, KEY_SIZE, "%s:%llu:%u", b->extents[0].path, (unsigned long long)b->extents[0].offset,
             b->flags & IOS_READ_ONLY);
}

static bool find_unit(const struct data *d, const char *key, u32 *slot, u32 *target)
{
    for (*slot = 0; *slot < VIOS_ADAPTERS_MAX; ++*slot)
        for (*target = 0; *target < VIOS_TARGETS_MAX; ++*target)
            if (d->ports[*slot].units[*target] && strcmp(d->ports[*slot].units[*target], key) == 0)
                return true;
    return false;
}

// A volume on disks that were given.
static bool open_pieces(const struct ios_backing *b, struct vios_disk *m, const char *state, bool grows, int *fds,
                        unsigned *fds_len, char *why)
{
    const char *paths[VIOS_FILES_MAX];
    u32 files = 0;
    m->size = b->size;
    memcpy(m->identity, b->identity, sizeof(m->identity));
    for (u32 i = 0; i < b->extents_len; i++) {
        const struct ios_extent *e = &b->extents[i];
        u32 file = 0;
        while (file < files && strcmp(paths[file], e->path))
            file++;
        if (file == VIOS_FILES_MAX || i == VIOS_PIECES_MAX) {
            snprintf(why, IOS_WHY_MAX, "it is in more than %u pieces or on more than %u disks; make it anew in one run",
                     VIOS_PIECES_MAX, VIOS_FILES_MAX);
            return false;
        }
        if (file == files)
            paths[files++] = e->path;
        m->pieces[i] = (struct vios_piece){.file = file, .offset = e->offset, .size = e->size};
        m->pieces_len = i + 1;
    }
    return store_open_pieces(m, paths, state, grows, fds, fds_len, why, IOS_WHY_MAX);
}

// A file for what outlives the server, of this very thing: a later one of the same name is another.
static void state_of(const struct data *d, const struct ios_backing *b, char state[VIOS_PATH_MAX])
{
    struct stat st;
    u64 id;
    memcpy(&id, b->identity, sizeof(id));
    const char *path = b->extents[0].path;
    if (b->flags & IOS_WHOLE && remote_is(path))
        for (id = 0; *path; path++)
            id = id * 31 + (u8)*path;
    else if (b->flags & IOS_WHOLE)
        id = stat(path, &st) ? 0 : st.st_ino;
    snprintf(state, VIOS_PATH_MAX, "%s/reservations-%s-%llx", d->folder, b->name, (unsigned long long)id);
}

// Opens it and fills in what the server is told. false: `why` says why.
static bool open_backing(const struct data *d, const struct ios_backing *b, struct vios_disk *m, bool grows, int *fds,
                         unsigned *fds_len, char *why)
{
    char state[VIOS_PATH_MAX];
    bool read_only = b->flags & IOS_READ_ONLY;
    m->flags |= read_only ? VIOS_DISK_READ_ONLY : 0;
    m->wait_ms = grows ? 0 : LOCK_MS;
    snprintf(m->name, sizeof(m->name), "%.63s", b->name);
    state_of(d, b, state);
    if (!(b->flags & IOS_WHOLE))
        return open_pieces(b, m, read_only ? NULL : state, grows, fds, fds_len, why);
    snprintf(m->path, sizeof(m->path), "%s", b->extents[0].path);
    return store_open(m, read_only ? NULL : state, fds, fds_len, why, IOS_WHY_MAX);
}

static int look(void *context, const char *address, u64 *size, char *why)
{
    struct vios_disk m = {0};
    snprintf(m.path, sizeof(m.path), "%s", address);
    if (!remote_look(&m, why, IOS_WHY_MAX))
        return -EIO;
    *size = m.size;
    return 0;
}

static void close_all(const int *fds, unsigned len)
{
    for (unsigned i = 0; i < len; i++)
        close(fds[i]);
}

static int attach(void *context, u32 slot, u32 target, bool optical, const struct ios_backing *backing, char *why)
{
    struct data *d = context;
    struct port *port = &d->ports[slot];
    char key[KEY_SIZE] = "";
    struct vios_share share = {.header = vios_header(VIOS_SHARE), .adapter = slot, .target = target};
    int fds[VIOS_FDS_MAX], err;
    unsigned fds_len = 0;
    if (!port->served)
        return 0; // told when there is a client
    if (backing)
        key_of(backing, key);
    if (backing && !optical && find_unit(d, key, &share.of_adapter, &share.of_target)) {
        err = tell(d, &share.header, sizeof(share), NULL, 0, why);
    } else {
        struct vios_disk m = {.header = vios_header(VIOS_DISK), .adapter = slot, .target = target};
        m.flags = optical ? VIOS_DISK_OPTICAL : 0;
        if (backing && !open_backing(d, backing, &m, false, fds, &fds_len, why))
            return -EIO;
        err = tell(d, &m.header, sizeof(m), fds, fds_len, why);
        close_all(fds, fds_len);
    }
    if (!err)
        port->units[target] = strdup(key);
    return err;
}

static int detach(void *context, u32 slot, u32 target, bool force, char *why)
{
    struct data *d = context;
    struct port *port = &d->ports[slot];
    struct vios_place place = {.header = vios_header(VIOS_REMOVE_DISK), .adapter = slot, .target = target};
    if (!port->served || !port->units[target])
        return 0;
    int err = tell(d, &place.header, sizeof(place), NULL, 0, why);
    if (err && err != -EPIPE)
        return err;
    free(port->units[target]); // without a server it is not open either
    port->units[target] = NULL;
    return 0;
}

static int resize(void *context, u32 slot, u32 target, const struct ios_backing *backing, char *why)
{
    struct data *d = context;
    struct vios_resize m = {
        .header = vios_header(VIOS_RESIZE), .adapter = slot, .target = target, .size = backing->size};
    struct vios_disk grown = {.header = vios_header(VIOS_GROW), .adapter = slot, .target = target};
    int fds[VIOS_FDS_MAX];
    unsigned fds_len = 0;
    if (!d->ports[slot].served)
        return 0;
    if (backing->flags & IOS_WHOLE)
        return tell(d, &m.header, sizeof(m), NULL, 0, why);
    if (!open_backing(d, backing, &grown, true, fds, &fds_len, why))
        return -EIO;
    int err = tell(d, &grown.header, sizeof(grown), fds, fds_len, why);
    close_all(fds, fds_len);
    return err;
}

static int load(void *context, u32 slot, u32 target, const struct ios_backing *backing, bool force, char *why)
{
    struct data *d = context;
    struct port *port = &d->ports[slot];
    char key[KEY_SIZE] = "";
    int fds[VIOS_FDS_MAX], err;
    unsigned fds_len = 0;
    if (!port->served)
        return 0;
    if (backing) {
        struct vios_disk m = {.header = vios_header(VIOS_LOAD), .adapter = slot, .target = target};
        m.flags = VIOS_DISK_OPTICAL;
        if (!open_backing(d, backing, &m, false, fds, &fds_len, why))
            return -EIO;
        err = tell(d, &m.header, sizeof(m), fds, fds_len, why);
        close_all(fds, fds_len);
        key_of(backing, key);
    } else {
        struct vios_place m = {.header = vios_header(VIOS_UNLOAD), .adapter = slot, .target = target, .force = force};
        err = tell(d, &m.header, sizeof(m), NULL, 0, why);
    }
    if (err)
        return err;
    free(port->units[target]);
    port->units[target] = strdup(key);
    return 0;
}

static int power(void *context, bool restart, char *why)
{
    struct data *d = context;
    d->power = true;
    d->restart = restart;
    return 0;
}

static int disk_counters(void *context, u32 slot, u32 target, struct ios_disk_counters *counters)
{
    struct data *d = context;
    struct vios_place place = {.header = vios_header(VIOS_COUNT), .adapter = slot, .target = target};
    struct vios_done answer;
    char why[IOS_WHY_MAX];
    if (!d->ports[slot].served || !d->ports[slot].units[target])
        return -ENOENT;
    int err = ask(d, &place.header, sizeof(place), NULL, 0, &answer, why);
    if (!err)
        *counters = (struct ios_disk_counters){answer.reads, answer.writes, answer.read_bytes, answer.written_bytes};
    return err;
}

const struct ios_effects data_effects = {
    .attach = attach,
    .detach = detach,
    .resize = resize,
    .load = load,
    .look = look,
    .disk_counters = disk_counters,
    .power = power,
};

bool data_power(const struct data *d, bool *restart)
{
    *restart = d->restart;
    return d->power;
}

u32 data_poll(struct data *d, struct pollfd polls[DATA_POLLS_MAX], int *wait_ms)
{
    u32 len = 0;
    *wait_ms = d->events_len ? 0 : -1;
    if (!d->pid) {
        s64 left = d->again - clock_ns();
        *wait_ms = left > 0 ? (int)(left / 1000000) + 1 : 0;
    }
    polls[len++] = (struct pollfd){.fd = d->socket, .events = POLLIN};
    for (u32 slot = 0; slot < VIOS_ADAPTERS_MAX; slot++)
        polls[len++] = (struct pollfd){.fd = d->ports[slot].channel, .events = POLLIN};
    return len;
}

// A client's side has nothing to say but its end.
static void look_at_channel(struct data *d, u32 slot)
{
    struct port *port = &d->ports[slot];
    char byte;
    if (port->channel < 0 || (recv(port->channel, &byte, 1, MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    u64 number = port->number;
    data_part(d, slot);
    d->hooks.parted(slot, number);
}

// What was in the drive is free for another one.
static void note_ejected(struct data *d, u32 slot, u32 target)
{
    char **unit = slot < VIOS_ADAPTERS_MAX && target < VIOS_TARGETS_MAX ? &d->ports[slot].units[target] : NULL;
    if (unit && *unit)
        **unit = 0;
}

void data_serve(struct data *d, const struct pollfd *polls, u32 len)
{
    if (d->socket >= 0 && polls[0].fd == d->socket && polls[0].revents) {
        union vios_message m;
        int fds[VIOS_FDS_MAX];
        unsigned fds_len;
        int got = vios_receive(d->socket, &m, fds, &fds_len);
        if (got > 0 && m.header.type == VIOS_EVENT)
            note_event(d, &m.event);
        else if (got <= 0)
            end_server(d);
    }
    for (u32 i = 0; i < d->events_len; i++) {
        if (d->events[i].kind == VIOS_EVENT_EJECTED)
            note_ejected(d, d->events[i].adapter, d->events[i].target);
        d->hooks.event(&d->events[i]);
    }
    d->events_len = 0;
    start_again(d);
    for (u32 slot = 0; slot + 1 < len; slot++)
        if (polls[slot + 1].revents && polls[slot + 1].fd == d->ports[slot].channel)
            look_at_channel(d, slot);
}
