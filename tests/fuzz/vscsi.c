// SPDX-License-Identifier: Apache-2.0
// What a Virtual I/O Server's process sends to a client adapter: link messages with requests to copy by I/O bus address; and what the partition asks of its queue meanwhile.
//
// The input is a row of messages: a byte that says which, a byte of length, bytes.
#include <stdint.h>
#include <stdlib.h>

#include "ipc/ring.h"
#include "papr/crq.h"
#include "papr/tce.h"
#include "papr/test_partition.h"
#include "proto/vio/vscsi.h"
#include "vdev/io_thread.h"
#include "vdev/vscsi.h"

#define SLOT      2
#define DATA_SIZE (1 * MIB)

static void on_broken(void *arg) {}

static struct vscsi *make_adapter(struct partition **lp)
{
    *lp = test_partition(1, 1, LEVEL_V30);
    struct io_thread *io = io_thread_start();
    struct vscsi *vscsi = io ? vscsi_new(io, SLOT, on_broken, NULL) : NULL;
    if (!vscsi || vio_add(*lp, vscsi_vdev(vscsi)))
        abort();
    for (u64 i = 0; i < 8; i++)
        H((*lp)->group.cpus[0], H_PUT_TCE, VIO_LIOBN(SLOT), i * 4096, (0x100000 + i * 4096) | (i & 3));
    H((*lp)->group.cpus[0], H_PUT_TCE, VIO_LIOBN(SLOT), 0, 0x100000 | TCE_READ | TCE_WRITE);
    return vscsi;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct partition *lp;
    static struct vscsi *vscsi;
    static struct ring_fds fds;
    if (!vscsi) {
        vscsi = make_adapter(&lp);
        if (ring_create(VSCSI_RING_SIZE, DATA_SIZE, &fds))
            abort();
    }
    struct cpu *cpu = lp->group.cpus[0];
    struct ring *server = ring_attach(&fds, VSCSI_SERVER);
    if (!server || vscsi_connect(vscsi, &fds))
        abort();
    H(cpu, H_REG_CRQ, VIO_UNIT(SLOT), 0, 4096);
    u32 session = 0, got;
    const struct vscsi_header *h;
    while ((h = ring_peek(server, &got))) {
        session = h->session;
        ring_consume(server);
    }
    while (size >= 2) {
        u8 what = data[0];
        size_t len = MIN((size_t)data[1], size - 2);
        u64 words[3] = {0};
        memcpy(words, data + 2, MIN(len, sizeof(words)));
        // Without the bell: the messages are served at once when the server goes away.
        u8 *room = ring_reserve(server, (u32)len + 8);
        if (room) {
            struct vscsi_header head = {what & 1   ? VSCSI_COPY
                                        : what & 2 ? VSCSI_SEND
                                                   : (u16)words[0],
                                        VSCSI_VERSION, session};
            memcpy(room, &head, sizeof(head));
            memcpy(room + 8, data + 2, len);
            ring_commit(server, (u32)len + 8);
        }
        if (what & 0x10)
            H(cpu, H_SEND_CRQ, VIO_UNIT(SLOT), words[0], words[1]);
        if (what & 0x20)
            H(cpu, H_PUT_TCE, VIO_LIOBN(SLOT), words[0] & 0x7000, words[1]);
        data += 2 + len;
        size -= 2 + len;
    }
    vscsi_disconnect(vscsi, true);
    H(cpu, H_ENABLE_CRQ, VIO_UNIT(SLOT));
    H(cpu, H_FREE_CRQ, VIO_UNIT(SLOT));
    ring_detach(server);
    ring_close_fds(&fds);
    if (ring_create(VSCSI_RING_SIZE, DATA_SIZE, &fds))
        abort();
    return 0;
}
