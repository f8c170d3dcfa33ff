// SPDX-License-Identifier: Apache-2.0
// What a process that reaches a disk elsewhere (openlpar-iscsi) sends to the server that uses it.
//
// The input is a row of steps of four bytes: what to do, which request, and two bytes of an answer's error or size.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/ring.h"
#include "proto/vio/remote.h"
#include "vios/store/remote.h"

#define IOS 200u

static struct store_io ios[IOS];
static bool busy[IOS];
static u8 memory[64 * KIB];
static unsigned under_way;

static void on_done(struct store_io *io, int err)
{
    if (!busy[io - ios] || err > 0)
        abort();
    busy[io - ios] = false;
    under_way--;
}

static void submit(struct store *store, u8 which, u8 op, u16 size)
{
    struct store_io *io = &ios[which % IOS];
    if (busy[io - ios])
        return;
    busy[io - ios] = true;
    under_way++;
    *io = (struct store_io){
        .op = op % 5, .data = memory, .offset = (u64)op << 9, .size = (size & 0x7fu) << 9, .done = on_done};
    store_submit(store, io);
}

static void put(struct ring *peer, const void *message, u32 size)
{
    void *room = ring_reserve(peer, size);
    if (!room)
        return;
    memcpy(room, message, size);
    ring_commit(peer, size);
}

static void turn(struct loop *loop)
{
    for (struct loop_source *s = loop->sources, *next; s; s = next) {
        next = s->next;
        s->work(s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct loop loop = {0};
    struct ring_fds link, theirs;
    int pair[2];
    struct vios_disk m = {.size = 64 * MIB, .physical = 512};
    const void *shared;
    u32 len;
    if (ring_create(REMOTE_RING_SIZE, REMOTE_DATA_SIZE, &link) || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair))
        abort();
    theirs = (struct ring_fds){dup(link.memory), {dup(link.bell[0]), dup(link.bell[1])}};
    struct ring *peer = ring_attach(&theirs, REMOTE_REACHES);
    struct store *store =
        remote_store_new(&loop, &m, (const int[]){link.memory, link.bell[0], link.bell[1], pair[0]}, -1);
    if (!peer || !store)
        abort();
    memset(busy, 0, sizeof(busy));
    under_way = 0;
    for (; size >= 4; data += 4, size -= 4) {
        struct remote_done done = {.id = data[1], .error = (s8)data[2]};
        u16 word = (u16)(data[2] << 8 | data[3]);
        switch (data[0] & 3) {
        case 0: submit(store, data[1], data[2], word); break;
        case 1: put(peer, &done, sizeof(done)); break;
        case 2: put(peer, data, data[3] & 3); break; // no message
        default:
            while ((shared = ring_peek(peer, &len))) {
                const struct remote_request *r = shared;
                if (len != sizeof(*r) || r->id >= REMOTE_REQUESTS || r->data > REMOTE_DATA_SIZE ||
                    ((r->op == REMOTE_READ || r->op == REMOTE_WRITE) && r->size > REMOTE_DATA_SIZE - r->data))
                    abort();
                ring_consume(peer);
            }
            break;
        }
        turn(&loop);
    }
    // Every operation ends, whatever came before.
    for (unsigned round = 0; under_way && round < 2 * IOS; round++) {
        while (ring_peek(peer, &len))
            ring_consume(peer);
        for (u32 id = 0; id < REMOTE_REQUESTS; id++)
            put(peer, &(struct remote_done){.id = id}, sizeof(struct remote_done));
        turn(&loop);
    }
    if (under_way)
        abort();
    store->ops->close(store);
    turn(&loop);
    close(pair[1]);
    ring_detach(peer);
    ring_close_fds(&theirs);
    return 0;
}
