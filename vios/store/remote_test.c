// SPDX-License-Identifier: Apache-2.0
#include "vios/store/remote.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/test.h"
#include "ipc/ring.h"
#include "proto/vio/remote.h"

static struct loop loop;
static struct store *store;
static struct ring *peer; // the other process's side
static int peer_socket;
static struct store_io ios[REMOTE_REQUESTS + 4];
static int errors[ARRAY_LEN(ios)];
static u32 order[ARRAY_LEN(ios)], done_len;

static void on_done(struct store_io *io, int err)
{
    u32 i = (u32)(io - ios);
    errors[i] = err;
    order[done_len++] = i;
}

static void begin(void)
{
    struct ring_fds link, theirs;
    int pair[2];
    CHECK_EQ(loop_init(&loop), 0);
    CHECK_EQ(ring_create(REMOTE_RING_SIZE, REMOTE_DATA_SIZE, &link), 0);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    theirs = (struct ring_fds){dup(link.memory), {dup(link.bell[0]), dup(link.bell[1])}};
    peer = ring_attach(&theirs, REMOTE_REACHES);
    close(theirs.memory);
    peer_socket = pair[1];
    struct vios_disk m = {.size = 64 * MIB, .physical = 4096, .identity = "12345678", .name = "far"};
    store = remote_store_new(&loop, &m, (const int[]){link.memory, link.bell[0], link.bell[1], pair[0]}, -1);
    CHECK(store && peer);
    done_len = 0;
}

// All that the store has open goes with it.
static void end(void)
{
    store->ops->close(store);
    for (u32 i = 0; i < 4; i++)
        loop_turn(&loop);
    CHECK(!loop.sources);
    CHECK_EQ(send(peer_socket, "x", 1, MSG_NOSIGNAL), -1);
    close(peer_socket);
    ring_detach(peer);
    loop_fini(&loop);
}

static void start(u32 i, enum store_op op, u8 *data, u64 offset, u64 size)
{
    ios[i] = (struct store_io){.op = op, .data = data, .offset = offset, .size = size, .done = on_done};
    store_submit(store, &ios[i]);
}

static bool next(struct remote_request *m)
{
    u32 size;
    const void *shared = ring_peek(peer, &size);
    if (!shared)
        return false;
    CHECK_EQ(size, sizeof(*m));
    memcpy(m, shared, sizeof(*m));
    ring_consume(peer);
    return true;
}

static void answer(u32 id, int err)
{
    struct remote_done *m = ring_reserve(peer, sizeof(*m));
    CHECK(m);
    *m = (struct remote_done){.id = id, .error = err};
    ring_commit(peer, sizeof(*m));
    loop_turn(&loop);
}

static void test_data_goes_both_ways(void)
{
    static u8 data[8192], got[8192];
    struct remote_request m;
    begin();
    memset(data, 0x5a, sizeof(data));
    start(0, STORE_WRITE, data, 4096, sizeof(data));
    CHECK(next(&m) && m.op == REMOTE_WRITE && m.offset == 4096 && m.size == sizeof(data) && !m.durable);
    CHECK(!memcmp((u8 *)ring_data(peer) + m.data, data, sizeof(data)));
    CHECK_EQ(done_len, 0);
    answer(m.id, 0);
    CHECK(done_len == 1 && !errors[0]);
    start(1, STORE_READ, got, 0, sizeof(got));
    CHECK(next(&m) && m.op == REMOTE_READ);
    memset((u8 *)ring_data(peer) + m.data, 0x33, m.size);
    answer(m.id, 0);
    CHECK(done_len == 2 && !errors[1] && got[0] == 0x33 && got[8191] == 0x33);
    start(2, STORE_DISCARD, NULL, 0, 32 * MIB);
    CHECK(next(&m) && m.op == REMOTE_DISCARD && m.size == 32 * MIB);
    answer(m.id, -ENOSPC);
    CHECK_EQ(errors[2], -ENOSPC);
    end();
}

static void test_what_has_no_room_waits_in_order(void)
{
    struct remote_request m, first = {0};
    begin();
    for (u32 i = 0; i < ARRAY_LEN(ios); i++)
        start(i, STORE_FLUSH, NULL, 0, 0);
    u32 seen = 0;
    while (next(&m))
        if (!seen++)
            first = m;
    CHECK_EQ(seen, REMOTE_REQUESTS);
    for (u32 i = 0; i < 4; i++) {
        answer(first.id, 0);
        CHECK(next(&m) && m.id == first.id);
    }
    CHECK_EQ(done_len, 4);
    CHECK(!order[0] && order[1] == REMOTE_REQUESTS && order[3] == REMOTE_REQUESTS + 2);
    for (u32 id = 0; id < REMOTE_REQUESTS; id++)
        answer(id, 0);
    CHECK_EQ(done_len, ARRAY_LEN(ios));
    end();
}

static void test_nonsense_is_nobodys_answer(void)
{
    struct remote_request m;
    begin();
    start(0, STORE_FLUSH, NULL, 0, 0);
    CHECK(next(&m));
    answer(REMOTE_REQUESTS, 0);
    answer(m.id + 1, 0);
    CHECK_EQ(done_len, 0);
    answer(m.id, 5); // no errno
    CHECK(done_len == 1 && !errors[0]);
    answer(m.id, 0);
    CHECK_EQ(done_len, 1);
    end();
}

static void test_the_end_of_the_process_ends_the_server(void)
{
    begin();
    close(peer_socket);
    loop_run(&loop);
    CHECK(loop.stopping);
    ring_detach(peer);
    loop_fini(&loop);
}

static void test_descriptors_are_counted(void)
{
    union vios_message m = {.disk = {.header = vios_header(VIOS_DISK), .target = 1, .flags = VIOS_DISK_REMOTE}};
    CHECK(vios_message_valid(&m, sizeof(m.disk), 3));
    CHECK(!vios_message_valid(&m, sizeof(m.disk), 4)); // what is known of it?
    m.disk.size = 4096;
    m.disk.physical = m.disk.place_unit = m.disk.memory_unit = 512;
    CHECK(vios_message_valid(&m, sizeof(m.disk), 4));
    CHECK(!vios_message_valid(&m, sizeof(m.disk), 5));
    m.disk.flags |= VIOS_DISK_STATE;
    CHECK(vios_message_valid(&m, sizeof(m.disk), 5));
    CHECK(!vios_message_valid(&m, sizeof(m.disk), 0));
    m.disk.flags |= VIOS_DISK_CACHED;
    CHECK(!vios_message_valid(&m, sizeof(m.disk), 5));
    CHECK(remote_is("iscsi://host/target/1") && !remote_is("/iscsi://") && !remote_is("iscsi:"));
}

int main(void)
{
    TEST(test_data_goes_both_ways);
    TEST(test_what_has_no_room_waits_in_order);
    TEST(test_nonsense_is_nobodys_answer);
    TEST(test_the_end_of_the_process_ends_the_server);
    TEST(test_descriptors_are_counted);
    return test_done();
}
