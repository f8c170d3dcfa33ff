// SPDX-License-Identifier: Apache-2.0
// What its starter says to a Virtual I/O Server, at its start and while it runs.
//
// The input is a row of messages: a byte each for type, adapter, target, and flags or size; then, for type 0, a length and the bytes of a message of any kind.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipc/ring.h"
#include "proto/vio/vscsi.h"
#include "vios/server.h"

static unsigned answers;

static void on_said(void *arg, const void *message, size_t size)
{
    const union vios_message *m = message;
    if (!vios_message_valid(m, size, 0))
        abort();
    answers += m->header.type == VIOS_DONE;
}

// A message as its starter would make it, and its descriptors.
static size_t make(union vios_message *m, const uint8_t *b, int fds[VIOS_FDS_MAX], unsigned *fds_len)
{
    u32 adapter = b[1] & 3, target = b[2] & 7;
    struct ring_fds link;
    memset(m, 0, sizeof(*m));
    m->header = vios_header(b[0] % (VIOS_UNLOAD + 1));
    *fds_len = 0;
    switch (m->header.type) {
    case VIOS_ADAPTER:
        if (ring_create(RING_SIZE_MIN, 4096, &link))
            abort();
        m->adapter = (struct vios_adapter){.header = m->header, .id = adapter, .kind = b[3] & 3, .partition = 1};
        memcpy(fds, (int[]){link.memory, link.bell[0], link.bell[1]}, 3 * sizeof(int));
        *fds_len = 3;
        return sizeof(m->adapter);
    case VIOS_DISK:
    case VIOS_LOAD:
        m->disk.adapter = adapter;
        m->disk.target = target;
        m->disk.flags = b[3];
        m->disk.size = (u64)b[3] << 10;
        m->disk.place_unit = m->disk.memory_unit = m->disk.physical = 512;
        for (u32 flag = VIOS_DISK_CACHED; flag <= VIOS_DISK_STATE; flag <<= 1) {
            if (m->disk.flags & flag)
                fds[(*fds_len)++] = memfd_create("disk", MFD_CLOEXEC);
        }
        return sizeof(m->disk);
    case VIOS_SHARE:
        m->share = (struct vios_share){m->header, adapter, target, b[3] & 3, b[3] >> 2 & 7};
        return sizeof(m->share);
    case VIOS_RESIZE:
        m->resize = (struct vios_resize){m->header, adapter, target, (u64)b[3] << 8};
        return sizeof(m->resize);
    default:
        m->place = (struct vios_place){.header = m->header, .adapter = adapter, .target = target, .force = b[3] & 1};
        return m->header.type == VIOS_START ? sizeof(m->header) : sizeof(m->place);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct loop loop = {0};
    struct server *server = server_new(&loop, on_said, NULL);
    unsigned asked = 0;
    bool started = false;
    char why[VIOS_TEXT_MAX];
    answers = 0;
    if (!server)
        abort();
    while (size >= 4) {
        union vios_message m;
        int fds[VIOS_FDS_MAX];
        unsigned fds_len;
        size_t len = make(&m, data, fds, &fds_len), used = 4;
        if (!data[0] && size > 5) {
            len = MIN((size_t)data[4], size - 5);
            memcpy(&m, data + 5, len);
            used = 5 + len;
        }
        bool valid = vios_message_valid(&m, len, fds_len);
        if (valid && m.header.type == VIOS_START) {
            server_started(server);
            started = true;
        } else if (valid && !(m.header.type == VIOS_DISK && !started && !fds_len && m.disk.path[0])) {
            asked += started;
            server_take(server, &m, fds, fds_len, why, sizeof(why));
        } else {
            while (fds_len)
                close(fds[--fds_len]);
        }
        data += used;
        size -= used;
    }
    if (answers != asked) // nothing runs that an answer could wait for
        abort();
    server_free(server);
    return 0;
}
