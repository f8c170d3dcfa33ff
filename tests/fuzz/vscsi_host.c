// SPDX-License-Identifier: Apache-2.0
// What a client's process sends to a server's adapter of this partition: link messages with elements for its queue and answers to copies.
//
// The input is a row of messages: a byte that says which, a byte of length, bytes.
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "papr/crq.h"
#include "papr/tce.h"
#include "papr/test_partition.h"
#include "proto/vio/config.h"
#include "vdev/io_thread.h"
#include "vdev/vscsi_host.h"

#define SLOT 2

static struct vscsi_host *make_adapter(struct partition **lp)
{
    *lp = test_partition(1, 1, LEVEL_V30);
    struct io_thread *io = io_thread_start();
    struct vscsi_host *host = io ? vscsi_host_new(io, SLOT) : NULL;
    if (!host || vio_add(*lp, vscsi_host_vdev(host)))
        abort();
    H((*lp)->group.cpus[0], H_PUT_TCE, VIO_LIOBN(SLOT), 0, 0x100000 | TCE_READ | TCE_WRITE);
    return host;
}

// Until the adapter says something of this type, or closes the channel.
static bool hear(int channel, enum vios_type type)
{
    union vios_message m;
    struct pollfd p = {.fd = channel, .events = POLLIN};
    int got;
    do {
        int fds[VIOS_FDS_MAX];
        unsigned len = 0;
        if (poll(&p, 1, 60000) != 1)
            abort();
        got = vios_receive(channel, &m, fds, &len);
        for (unsigned i = 0; i < len; i++)
            close(fds[i]);
    } while (got > 0 && m.header.type != type);
    return got > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const u16 types[] = {VSCSI_OPENED, VSCSI_CLOSED, VSCSI_ELEMENT, VSCSI_COPIED, VSCSI_ELEMENT, VSCSI_COPIED};
    static struct partition *lp;
    static struct vscsi_host *host;
    struct vscsi_client client = {.partition = 1, .slot = 1};
    struct ring_fds mine;
    int pair[2];
    if (!host)
        host = make_adapter(&lp);
    struct cpu *cpu = lp->group.cpus[0];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) ||
        ring_create(VSCSI_RING_SIZE, VSCSI_HOST_DATA_SIZE, &client.link))
        abort();
    mine = (struct ring_fds){dup(client.link.memory), {dup(client.link.bell[0]), dup(client.link.bell[1])}};
    client.channel = pair[1];
    vscsi_host_join(host, &client);
    H(cpu, H_REG_CRQ, VIO_UNIT(SLOT), 0, 4096);
    struct ring *ring = ring_attach(&mine, VSCSI_CLIENT);
    if (!ring || !hear(pair[0], VIOS_ADAPTER))
        abort();
    for (u32 len; size >= 2; data += 2 + len, size -= 2 + len) {
        len = (u32)MIN((size_t)data[1], size - 2);
        u32 kind = data[0] & 7;
        u8 *room = ring_reserve(ring, len + 8);
        if (!room)
            break;
        struct vscsi_header head = {kind < ARRAY_LEN(types) ? types[kind] : data[0], VSCSI_VERSION, data[0] >> 6};
        memcpy(room, &head, sizeof(head));
        memcpy(room + 8, data + 2, len);
        ring_commit(ring, len + 8);
        if (data[0] & 0x10)
            ring_notify(ring);
        if (data[0] & 0x20)
            H(cpu, H_SEND_CRQ, VIO_UNIT(SLOT), 0xc001000000000000ull, 0);
    }
    ring_notify(ring);
    H(cpu, H_VIO_SIGNAL, VIO_UNIT(SLOT), 1);
    H(cpu, H_FREE_CRQ, VIO_UNIT(SLOT));
    hear(pair[0], VIOS_REMOVE_ADAPTER);
    close(pair[0]);
    ring_detach(ring);
    ring_close_fds(&mine);
    return 0;
}
