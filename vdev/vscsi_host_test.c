// SPDX-License-Identifier: Apache-2.0
// Client and server are two slots of one partition; the test is what stands between their processes.
#include "vdev/vscsi_host.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "papr/crq.h"
#include "papr/tce.h"
#include "papr/test_partition.h"
#include "proto/vio/config.h"
#include "vdev/io_thread.h"
#include "vdev/vscsi.h"

#define CLIENT       2
#define SERVER       3
#define C_UNIT       VIO_UNIT(CLIENT)
#define S_UNIT       VIO_UNIT(SERVER)
#define OWN          VIO_LIOBN(SERVER)
#define REMOTE       VIO_REMOTE_LIOBN(SERVER)
#define MEMORY(slot) ((slot)*0x100000u)        // its queue, at I/O bus address 0
#define BUFFER(slot) (MEMORY(slot) + 0x80000u) // at 0x10000: three pages, and one that is read only
#define INIT         0xc001000000000000ull
#define INIT_DONE    0xc002000000000000ull
#define COMMAND      0x8001000000000010ull

static struct partition *lp;
static struct cpu *cpu;
static struct io_thread *io;
static struct vscsi *client;
static struct vscsi_host *host;
static struct ring_fds link_of_client = {-1, {-1, -1}};
static int channel;

static void on_broken(void *arg) {}

static void map(u32 slot)
{
    u32 liobn = VIO_LIOBN(slot);
    CHECK_EQ(H(cpu, H_PUT_TCE, liobn, 0, MEMORY(slot) | TCE_READ | TCE_WRITE), H_SUCCESS);
    for (u64 i = 0; i < 4; i++)
        CHECK_EQ(H(cpu, H_PUT_TCE, liobn, 0x10000 + i * 4096,
                   (BUFFER(slot) + i * 4096) | TCE_READ | (i < 3 ? TCE_WRITE : 0)),
                 H_SUCCESS);
}

static void join(void)
{
    int pair[2];
    struct vscsi_client c = {.partition = 9, .slot = 4};
    CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    CHECK_EQ(ring_create(VSCSI_RING_SIZE, VSCSI_HOST_DATA_SIZE, &c.link), 0);
    channel = pair[0];
    c.channel = pair[1];
    vscsi_host_join(host, &c);
}

static void begin(void)
{
    lp = test_partition(1, 1, LEVEL_V30);
    cpu = lp->group.cpus[0];
    io = io_thread_start();
    client = vscsi_new(io, CLIENT, on_broken, NULL);
    host = vscsi_host_new(io, SERVER);
    CHECK(io && client && host);
    CHECK_EQ(vio_add(lp, vscsi_vdev(client)), 0);
    CHECK_EQ(vio_add(lp, vscsi_host_vdev(host)), 0);
    map(CLIENT);
    map(SERVER);
    join();
}

// The next message to the client's process, within a minute; 0: the channel ended.
static u32 hear(void)
{
    union vios_message m;
    int fds[VIOS_FDS_MAX];
    unsigned len = 0;
    struct pollfd p = {.fd = channel, .events = POLLIN};
    if (poll(&p, 1, 60000) != 1 || vios_receive(channel, &m, fds, &len) <= 0)
        return 0;
    if (m.header.type == VIOS_ADAPTER && len == 3) {
        ring_close_fds(&link_of_client);
        link_of_client = (struct ring_fds){fds[0], {fds[1], fds[2]}};
    }
    return m.header.type;
}

static void end(void)
{
    vscsi_disconnect(client, false);
    ring_close_fds(&link_of_client);
    vio_remove(lp, vscsi_vdev(client));
    H(cpu, H_FREE_CRQ, S_UNIT);
    vio_remove(lp, vscsi_host_vdev(host));
    close(channel);
    vscsi_host_free(host);
    vscsi_free(client);
    io_thread_stop(io);
    partition_fini(lp);
}

// What is in place `n` of a queue, waited for; the call takes the adapter's lock, under which the queue is written. 0: nothing within a minute.
static u64 element(u32 slot, u32 n)
{
    for (unsigned i = 0; i < 60000; i++) {
        H(cpu, H_ENABLE_CRQ, VIO_UNIT(slot));
        u64 high = load_be64(lp->mem.base + MEMORY(slot) + n * CRQ_ELEMENT);
        if (high)
            return high;
        usleep(1000);
    }
    return 0;
}

// Both have queues, and the client has said the first word.
static void connect_both(void)
{
    CHECK_EQ(H(cpu, H_REG_CRQ, S_UNIT, 0, 4096), H_CLOSED);
    CHECK_EQ(hear(), VIOS_ADAPTER);
    CHECK_EQ(vscsi_connect(client, &link_of_client), 0);
    CHECK_EQ(H(cpu, H_REG_CRQ, C_UNIT, 0, 4096), H_SUCCESS);
    CHECK_EQ(H(cpu, H_SEND_CRQ, C_UNIT, INIT, 0), H_SUCCESS);
    CHECK_EQ(element(SERVER, 0), INIT);
}

static void test_queues(void)
{
    begin();
    CHECK_EQ(H(cpu, H_SEND_CRQ, S_UNIT, INIT, 0), H_CLOSED);
    CHECK_EQ(H(cpu, H_ENABLE_CRQ, S_UNIT), H_CLOSED);
    connect_both();
    CHECK_EQ(H(cpu, H_REG_CRQ, S_UNIT, 0, 4096), H_RESOURCE);
    CHECK_EQ(H(cpu, H_SEND_CRQ, S_UNIT, 0xff01000000000000ull, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_SEND_CRQ, S_UNIT, INIT_DONE, 0), H_SUCCESS);
    CHECK_EQ(element(CLIENT, 0), INIT_DONE);
    CHECK_EQ(H(cpu, H_SEND_CRQ, C_UNIT, COMMAND, 0x10000), H_SUCCESS);
    CHECK_EQ(element(SERVER, 1), COMMAND);
    CHECK_EQ(load_be64(lp->mem.base + MEMORY(SERVER) + CRQ_ELEMENT + 8), 0x10000);
    // The partner's number and unit address.
    CHECK_EQ(H(cpu, H_VIOCTL, S_UNIT, 8, 0x10000 | 4096ull << 32), H_SUCCESS);
    CHECK_EQ(load_be64(lp->mem.base + BUFFER(SERVER)), 9);
    CHECK_EQ(load_be64(lp->mem.base + BUFFER(SERVER) + 8), VIO_UNIT(4));
    CHECK_EQ(H(cpu, H_VIOCTL, S_UNIT, 8, 0x10000 | 8ull << 32), H_PARAMETER);
    CHECK_EQ(H(cpu, H_VIOCTL, S_UNIT, 8, 0x13000 | 4096ull << 32), H_PARAMETER); // read only
    CHECK_EQ(H(cpu, H_VIOCTL, S_UNIT, 0x1d, 0), H_NOT_FOUND);
    CHECK_EQ(H(cpu, H_VIOCTL, C_UNIT, 8, 0), H_NOT_FOUND);
    // The server's queue goes, and comes back: the client waits for it.
    CHECK_EQ(H(cpu, H_FREE_CRQ, S_UNIT), H_SUCCESS);
    CHECK_EQ(hear(), VIOS_REMOVE_ADAPTER);
    vscsi_disconnect(client, true);
    CHECK_EQ(element(CLIENT, 1), 0xff06000000000000ull);
    memset(lp->mem.base + MEMORY(SERVER), 0, 4096);
    CHECK_EQ(H(cpu, H_REG_CRQ, S_UNIT, 0, 4096), H_CLOSED);
    CHECK_EQ(hear(), VIOS_ADAPTER);
    CHECK_EQ(vscsi_connect(client, &link_of_client), 0);
    CHECK_EQ(H(cpu, H_ENABLE_CRQ, C_UNIT), H_SUCCESS);
    CHECK_EQ(H(cpu, H_SEND_CRQ, C_UNIT, INIT, 0), H_SUCCESS);
    CHECK_EQ(element(SERVER, 0), INIT); // and nothing of before
    // The client's queue goes.
    CHECK_EQ(H(cpu, H_FREE_CRQ, C_UNIT), H_SUCCESS);
    CHECK_EQ(element(SERVER, 1), 0xff02000000000000ull);
    CHECK_EQ(H(cpu, H_SEND_CRQ, S_UNIT, INIT, 0), H_CLOSED);
    end();
}

static long copy(u64 size, u64 from, u64 from_ioba, u64 to, u64 to_ioba)
{
    return H(cpu, H_COPY_RDMA, size, from, from_ioba, to, to_ioba);
}

static void test_copies(void)
{
    begin();
    u8 *c = lp->mem.base + BUFFER(CLIENT), *s = lp->mem.base + BUFFER(SERVER);
    CHECK_EQ(copy(8, REMOTE, 0x10000, OWN, 0x10000), H_PERMISSION); // no client
    connect_both();
    memcpy(c + 0xffa, "across a page", 13);
    CHECK_EQ(copy(13, REMOTE, 0x10ffa, OWN, 0x11ff8), H_SUCCESS);
    CHECK(!memcmp(s + 0x1ff8, "across a page", 13));
    memcpy(s + 3, "and back again", 14);
    CHECK_EQ(copy(14, OWN, 0x10003, REMOTE, 0x11ffb), H_SUCCESS);
    CHECK(!memcmp(c + 0x1ffb, "and back again", 14));
    CHECK_EQ(copy(0x3000, REMOTE, 0x10000, OWN, 0x10000), H_SUCCESS);
    CHECK(!memcmp(s, c, 0x3000));
    CHECK_EQ(copy(0, REMOTE, 0x10000, OWN, 0x10000), H_SUCCESS);
    // What either table does not allow.
    CHECK_EQ(copy(8, REMOTE, 0x13000, OWN, 0x10000), H_SUCCESS);
    CHECK_EQ(copy(8, OWN, 0x10000, REMOTE, 0x13000), H_DEST_PARM);
    CHECK_EQ(copy(8, OWN, 0x13000, REMOTE, 0x10000), H_SUCCESS);
    CHECK_EQ(copy(8, REMOTE, 0x10000, OWN, 0x13000), H_DEST_PARM);
    CHECK_EQ(copy(8, REMOTE, 0x20000, OWN, 0x10000), H_SOURCE_PARM);
    CHECK_EQ(copy(8, OWN, 0x20000, REMOTE, 0x10000), H_SOURCE_PARM);
    CHECK_EQ(H(cpu, H_PUT_TCE, VIO_LIOBN(CLIENT), 0x11000, 0), H_SUCCESS);
    CHECK_EQ(copy(8, REMOTE, 0x11000, OWN, 0x10000), H_SOURCE_PARM); // any more
    CHECK_EQ(copy(VSCSI_HOST_COPY_MAX + 1, REMOTE, 0x10000, OWN, 0x10000), H_PARAMETER);
    CHECK_EQ(copy(8, OWN, 0x10000, OWN, 0x11000), H_PARAMETER);
    CHECK_EQ(copy(8, REMOTE, 0x10000, VIO_LIOBN(CLIENT), 0x10000), H_PARAMETER);
    CHECK_EQ(copy(8, VIO_LIOBN(CLIENT), 0x10000, OWN, 0x10000), H_PARAMETER);
    CHECK_EQ(H(cpu, H_PUT_TCE, REMOTE, 0x10000, 0), H_PARAMETER); // not its own
    // The client's process ends: the queue says so before the copy does.
    vscsi_disconnect(client, false);
    close(channel);
    CHECK_EQ(element(SERVER, 1), 0xff01000000000000ull);
    CHECK_EQ(copy(8, REMOTE, 0x10000, OWN, 0x10000), H_PERMISSION);
    join(); // another one
    CHECK_EQ(hear(), VIOS_ADAPTER);
    end();
}

// A client that breaks the link's rules loses its channel.
static void test_rules(void)
{
    static const struct vscsi_header wrong[] = {{VSCSI_OPENED, VSCSI_VERSION + 1, 1},
                                                {VSCSI_GRANT, VSCSI_VERSION, 1},
                                                {VSCSI_ELEMENT, VSCSI_VERSION, 1},
                                                {VSCSI_COPIED, VSCSI_VERSION, 1}};
    for (unsigned i = 0; i < ARRAY_LEN(wrong); i++) {
        begin();
        CHECK_EQ(H(cpu, H_REG_CRQ, S_UNIT, 0, 4096), H_CLOSED);
        CHECK_EQ(hear(), VIOS_ADAPTER);
        struct ring *ring = ring_attach(&link_of_client, VSCSI_CLIENT);
        memcpy(ring_reserve(ring, sizeof(wrong[i])), &wrong[i], sizeof(wrong[i]));
        ring_commit(ring, sizeof(wrong[i]));
        ring_notify(ring);
        u32 heard = hear();
        CHECK(!heard || heard == VIOS_REMOVE_ADAPTER);
        ring_detach(ring);
        end();
    }
}

int main(void)
{
    TEST(test_queues);
    TEST(test_copies);
    TEST(test_rules);
    return test_done();
}
