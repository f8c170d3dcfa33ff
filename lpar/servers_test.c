// SPDX-License-Identifier: Apache-2.0
// The test is the other process of each channel: a Virtual I/O Server, or a client.
#include "lpar/servers.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "papr/crq.h"
#include "papr/tce.h"
#include "papr/test_partition.h"
#include "proto/vio/config.h"

#define SLOT  2
#define UNIT  VIO_UNIT(SLOT)
#define QUEUE 0x100000u

static struct partition *lp;
static struct cpu *cpu;
static struct servers *servers;
static int channel = -1;

static void begin(bool server)
{
    lp = test_partition(1, 1, LEVEL_V30);
    cpu = lp->group.cpus[0];
    servers = servers_new();
    struct vdev *vdev = servers_add(servers, SLOT, server);
    CHECK(servers && vdev);
    CHECK_EQ(vio_add(lp, vdev), 0);
    CHECK_EQ(H(cpu, H_PUT_TCE, VIO_LIOBN(SLOT), 0, QUEUE | TCE_READ | TCE_WRITE), H_SUCCESS);
    CHECK(servers_find(servers, SLOT) == vdev);
    CHECK(!servers_find(servers, SLOT + 1));
}

static void end(void)
{
    struct vdev *vdev = servers_find(servers, SLOT);
    if (vdev) {
        H(cpu, H_FREE_CRQ, UNIT);
        vio_remove(lp, vdev);
    }
    servers_free(servers);
    if (channel >= 0)
        close(channel);
    channel = -1;
    partition_fini(lp);
}

// Takes the place of the channel before it.
static bool join(u32 slot, const struct ring_fds *link)
{
    int pair[2];
    struct vscsi_client c = {.link = link ? *link : (struct ring_fds){-1, {-1, -1}}, .partition = 5, .slot = 6};
    CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    c.channel = pair[1];
    if (!servers_join(servers, slot, &c)) {
        close(pair[0]);
        close(pair[1]);
        return false;
    }
    channel = pair[0];
    return true;
}

// Whether the other side closes a channel, within a minute.
static bool closes(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char byte;
    return poll(&p, 1, 60000) == 1 && recv(fd, &byte, 1, 0) == 0;
}

static struct ring *send_link(struct ring_fds *fds)
{
    struct vios_adapter m = {.header = vios_header(VIOS_ADAPTER), .kind = VIOS_SCSI};
    CHECK_EQ(ring_create(VSCSI_RING_SIZE, MIB, fds), 0);
    CHECK_EQ(vios_send(channel, &m, sizeof(m), (int[]){fds->memory, fds->bell[0], fds->bell[1]}, 3), 0);
    return ring_attach(fds, VSCSI_SERVER);
}

// The type of the next message of the client's adapter, within a minute.
static u32 hear(struct ring *ring)
{
    struct vscsi_header h;
    const void *shared;
    u32 size;
    while (!(shared = ring_peek(ring, &size))) {
        struct pollfd p = {.fd = ring_bell(ring), .events = POLLIN};
        if (ring_sleep(ring) && poll(&p, 1, 60000) != 1)
            return 0;
        ring_woken(ring);
    }
    memcpy(&h, shared, sizeof(h));
    ring_consume(ring);
    return h.type;
}

// Each life of a server's data path has a link of its own; a server that says what it may not say, or ends, is left.
static void test_client(void)
{
    struct ring_fds first, second;
    begin(false);
    CHECK(!join(SLOT + 1, NULL));
    CHECK(join(SLOT, NULL));
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, 0, 4096), H_SUCCESS);
    struct ring *ring = send_link(&first);
    CHECK_EQ(hear(ring), VSCSI_OPENED);
    struct ring *other = send_link(&second);
    while (H(cpu, H_ENABLE_CRQ, UNIT) != H_SUCCESS || load_be64(lp->mem.base + QUEUE) != 0xff06000000000000ull)
        usleep(1000); // it moved
    CHECK_EQ(hear(other), VSCSI_OPENED);
    CHECK(!ring_peek(ring, &(u32){0}));
    int old = channel;
    CHECK(join(SLOT, NULL));
    CHECK(closes(old));
    close(old);
    CHECK_EQ(send(channel, "nonsense", 8, 0), 8);
    CHECK(closes(channel));
    ring_detach(ring);
    ring_detach(other);
    ring_close_fds(&first);
    ring_close_fds(&second);
    end();
}

static void test_removal(void)
{
    begin(false);
    CHECK(join(SLOT, NULL));
    vio_remove(lp, servers_find(servers, SLOT));
    servers_remove(servers, SLOT);
    CHECK(!servers_find(servers, SLOT));
    CHECK(closes(channel));
    CHECK(servers_add(servers, SLOT, false)); // another one there
    CHECK_EQ(vio_add(lp, servers_find(servers, SLOT)), 0);
    end();
}

// A server's adapter takes a link with its channel, and hands it on when there is a queue.
static void test_server(void)
{
    struct ring_fds link;
    union vios_message m;
    int fds[VIOS_FDS_MAX];
    unsigned len = 0;
    begin(true);
    CHECK(!join(SLOT, NULL));
    CHECK_EQ(ring_create(VSCSI_RING_SIZE, VSCSI_HOST_DATA_SIZE, &link), 0);
    CHECK(join(SLOT, &link));
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, 0, 4096), H_CLOSED);
    struct pollfd p = {.fd = channel, .events = POLLIN};
    CHECK_EQ(poll(&p, 1, 60000), 1);
    CHECK_EQ(vios_receive(channel, &m, fds, &len), 1);
    CHECK_EQ(m.header.type, VIOS_ADAPTER);
    CHECK_EQ(len, 3);
    for (unsigned i = 0; i < len; i++)
        close(fds[i]);
    end();
}

int main(void)
{
    TEST(test_client);
    TEST(test_removal);
    TEST(test_server);
    return test_done();
}
