// SPDX-License-Identifier: Apache-2.0
#include "proto/vio/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/vio/packet.h"

static_assert(VIOS_FDS_MAX <= PACKET_FDS_MAX, "a disk's files go with one message");

struct vios_header vios_header(enum vios_type type)
{
    return (struct vios_header){.type = (u16)type, .version = VIOS_VERSION};
}

int vios_send(int fd, const void *message, size_t size, const int *fds, unsigned fds_len)
{
    return packet_send(fd, message, size, fds, fds_len);
}

void vios_fail(int fd, const char *fmt, ...)
{
    struct vios_text m = {.header = vios_header(VIOS_FAILED)};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(m.text, sizeof(m.text), fmt, ap);
    va_end(ap);
    vios_send(fd, &m, sizeof(m), NULL, 0);
    exit(1);
}

static bool place_valid(u32 adapter, u32 target)
{
    return adapter < VIOS_ADAPTERS_MAX && target && target < VIOS_TARGETS_MAX;
}

u32 vios_disk_files(const struct vios_disk *d)
{
    u32 files = 0;
    u64 size = 0;
    if (!d->pieces_len || d->pieces_len > VIOS_PIECES_MAX)
        return 0;
    for (u32 i = 0; i < d->pieces_len; i++) {
        const struct vios_piece *p = &d->pieces[i];
        if (p->file >= VIOS_FILES_MAX || p->file > files || !p->size || (p->offset | p->size) % 4096 ||
            p->offset > 1ull << 62 || p->size > 1ull << 50)
            return 0;
        files = MAX(files, p->file + 1);
        size += p->size;
    }
    return size == d->size ? files : 0;
}

static bool pieces_valid(const struct vios_disk *d, unsigned fds_len)
{
    u32 files = vios_disk_files(d), each = d->flags & VIOS_DISK_DIRECT ? 2 : 1;
    return files && place_valid(d->adapter, d->target) && memchr(d->name, 0, sizeof(d->name)) &&
           (d->flags & VIOS_DISK_CACHED) && !(d->flags & VIOS_DISK_OPTICAL) && d->place_unit && d->memory_unit &&
           d->physical && fds_len == files * each + !!(d->flags & VIOS_DISK_STATE);
}

// One that another process reaches: to that process, or to the server.
static bool remote_valid(const struct vios_disk *d, unsigned fds_len)
{
    bool known = d->size && d->place_unit && d->memory_unit && d->physical;
    return place_valid(d->adapter, d->target) && memchr(d->path, 0, sizeof(d->path)) &&
           memchr(d->name, 0, sizeof(d->name)) && !(d->flags & (VIOS_DISK_CACHED | VIOS_DISK_DIRECT)) &&
           (fds_len == 3 || (known && fds_len == 4u + !!(d->flags & VIOS_DISK_STATE)));
}

static bool disk_valid(const struct vios_disk *d, unsigned fds_len)
{
    if (d->flags & VIOS_DISK_PIECES)
        return pieces_valid(d, fds_len);
    if (d->flags & VIOS_DISK_REMOTE)
        return remote_valid(d, fds_len);
    u32 with = d->flags & (VIOS_DISK_CACHED | VIOS_DISK_DIRECT | VIOS_DISK_STATE);
    return place_valid(d->adapter, d->target) && memchr(d->path, 0, sizeof(d->path)) &&
           memchr(d->name, 0, sizeof(d->name)) && (unsigned)__builtin_popcount(with) == fds_len &&
           (!with || (with & VIOS_DISK_CACHED && d->size && d->place_unit && d->memory_unit && d->physical));
}

bool vios_message_valid(const union vios_message *m, size_t size, unsigned fds_len)
{
    static const struct {
        size_t size;
        unsigned fds_min, fds_max;
    } rows[] = {
        [VIOS_ADAPTER] = {sizeof(struct vios_adapter), 3, 3},
        [VIOS_DISK] = {sizeof(struct vios_disk), 0, VIOS_FDS_MAX},
        [VIOS_SHARE] = {sizeof(struct vios_share), 0, 0},
        [VIOS_START] = {sizeof(struct vios_header), 0, 0},
        [VIOS_REMOVE_ADAPTER] = {sizeof(struct vios_place), 0, 0},
        [VIOS_REMOVE_DISK] = {sizeof(struct vios_place), 0, 0},
        [VIOS_RESIZE] = {sizeof(struct vios_resize), 0, 0},
        [VIOS_LOAD] = {sizeof(struct vios_disk), 1, 5},
        [VIOS_UNLOAD] = {sizeof(struct vios_place), 0, 0},
        [VIOS_GROW] = {sizeof(struct vios_disk), 1, VIOS_FDS_MAX},
        [VIOS_COUNT] = {sizeof(struct vios_place), 0, 0},
        [VIOS_READY] = {sizeof(struct vios_header), 0, 0},
        [VIOS_FAILED] = {sizeof(struct vios_text), 0, 0},
        [VIOS_EVENT] = {sizeof(struct vios_event), 0, 0},
        [VIOS_DONE] = {sizeof(struct vios_done), 0, 0},
    };
    u16 type = m->header.type;
    if (size < sizeof(m->header) || m->header.version != VIOS_VERSION || type >= ARRAY_LEN(rows) || !rows[type].size ||
        rows[type].size != size || fds_len < rows[type].fds_min || fds_len > rows[type].fds_max)
        return false;
    switch (type) {
    case VIOS_ADAPTER: return m->adapter.id < VIOS_ADAPTERS_MAX;
    case VIOS_REMOVE_ADAPTER: return m->place.adapter < VIOS_ADAPTERS_MAX;
    case VIOS_COUNT:
    case VIOS_REMOVE_DISK:
    case VIOS_UNLOAD: return place_valid(m->place.adapter, m->place.target);
    case VIOS_RESIZE: return place_valid(m->resize.adapter, m->resize.target) && m->resize.size;
    case VIOS_SHARE:
        return place_valid(m->share.adapter, m->share.target) && place_valid(m->share.of_adapter, m->share.of_target);
    case VIOS_DISK: return disk_valid(&m->disk, fds_len);
    case VIOS_LOAD: return !(m->disk.flags & VIOS_DISK_PIECES) && disk_valid(&m->disk, fds_len);
    case VIOS_GROW: return (m->disk.flags & VIOS_DISK_PIECES) && disk_valid(&m->disk, fds_len);
    case VIOS_FAILED: return memchr(m->text.text, 0, sizeof(m->text.text));
    case VIOS_EVENT: return memchr(m->event.text, 0, sizeof(m->event.text));
    case VIOS_DONE: return memchr(m->done.text, 0, sizeof(m->done.text));
    default: return true;
    }
}

int vios_receive(int fd, union vios_message *message, int fds[VIOS_FDS_MAX], unsigned *fds_len)
{
    ssize_t got = packet_receive(fd, message, sizeof(*message), fds, fds_len);
    if (got <= 0)
        return (int)got;
    if (vios_message_valid(message, (size_t)got, *fds_len))
        return 1;
    packet_close_fds(fds, *fds_len);
    *fds_len = 0;
    return -EPROTO;
}
