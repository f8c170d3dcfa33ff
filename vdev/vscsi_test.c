// SPDX-License-Identifier: Apache-2.0
// The test is the server: it has the other side of the link.
#include "vdev/vscsi.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>

#include "ipc/ring.h"
#include "papr/crq.h"
#include "papr/tce.h"
#include "papr/test_partition.h"
#include "proto/vio/srp_wire.h"
#include "proto/vio/vscsi.h"
#include "vdev/io_thread.h"

#define SLOT   2
#define UNIT   VIO_UNIT(SLOT)
#define LIOBN  VIO_LIOBN(SLOT)
#define QUEUE  0x100000u // in memory; its I/O bus address is 0
#define BUFFER 0x200000u // at 0x10000
#define INIT   0xc001000000000000ull

static struct partition *lp;
static struct cpu *cpu;
static struct io_thread *io;
static struct vscsi *vscsi;
static struct ring_fds fds;
static struct ring *server;
static _Atomic int broken;

static void on_broken(void *arg)
{
    atomic_fetch_add(&broken, 1);
}

static void connect_server(void)
{
    CHECK_EQ(ring_create(VSCSI_RING_SIZE, 1 * MIB, &fds), 0);
    server = ring_attach(&fds, VSCSI_SERVER);
    CHECK(server);
    CHECK_EQ(vscsi_connect(vscsi, &fds), 0);
}

static void disconnect_server(bool returns)
{
    vscsi_disconnect(vscsi, returns);
    ring_detach(server);
    server = NULL;
    ring_close_fds(&fds);
}

static void begin(void)
{
    atomic_store(&broken, 0);
    lp = test_partition(1, 1, LEVEL_V30);
    cpu = lp->group.cpus[0];
    io = io_thread_start();
    vscsi = vscsi_new(io, SLOT, on_broken, NULL);
    CHECK(io && vscsi);
    CHECK_EQ(vio_add(lp, vscsi_vdev(vscsi)), 0);
    for (u64 i = 0; i < 4; i++) {
        CHECK_EQ(H(cpu, H_PUT_TCE, LIOBN, i * 4096, (QUEUE + i * 4096) | TCE_READ | TCE_WRITE), H_SUCCESS);
        CHECK_EQ(H(cpu, H_PUT_TCE, LIOBN, 0x10000 + i * 4096,
                   (BUFFER + i * 4096) | (i < 3 ? TCE_READ | TCE_WRITE : TCE_READ)),
                 H_SUCCESS);
    }
    connect_server();
}

static void end(void)
{
    if (server)
        disconnect_server(false);
    vio_remove(lp, vscsi_vdev(vscsi));
    vscsi_free(vscsi);
    io_thread_stop(io);
    partition_fini(lp);
}

// What the adapter sent next, copied; NULL: nothing within a minute.
static const void *receive(enum vscsi_type type)
{
    static _Alignas(8) u8 message[1024];
    const void *shared;
    u32 size;
    while (!(shared = ring_peek(server, &size))) {
        struct pollfd p = {.fd = ring_bell(server), .events = POLLIN};
        if (ring_sleep(server) && poll(&p, 1, 60000) != 1)
            return NULL;
        ring_woken(server);
    }
    memcpy(message, shared, MIN(size, sizeof(message)));
    ring_consume(server);
    CHECK_EQ(((struct vscsi_header *)message)->type, type);
    CHECK_EQ(((struct vscsi_header *)message)->version, VSCSI_VERSION);
    return message;
}

// Takes the adapter's lock: what this thread did to memory comes before what the I/O thread does from now on, and the other way round. The link orders them as well, but
// not so that the thread sanitizer sees it.
static void meet_adapter(void)
{
    H(cpu, H_ENABLE_CRQ, UNIT);
}

static void send_message(const void *message, u32 size)
{
    meet_adapter();
    void *room = ring_reserve(server, size);
    CHECK(room);
    memcpy(room, message, size);
    ring_commit(server, size);
    ring_notify(server);
}

static u32 opened(void)
{
    const struct vscsi_header *h = receive(VSCSI_OPENED);
    return h ? h->session : 0;
}

// Behind everything that was sent before.
static void settle(u32 session)
{
    struct vscsi_copy copy = {.header = {VSCSI_COPY, VSCSI_VERSION, session}, .id = 99};
    send_message(&copy, sizeof(copy));
    const struct vscsi_copied *copied;
    do
        copied = receive(VSCSI_COPIED);
    while (copied && copied->id != 99);
    CHECK(copied);
    meet_adapter();
}

static void test_queue(void)
{
    begin();
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT + 1, 0, 4096), H_PARAMETER);
    CHECK_EQ(H(cpu, H_REG_CRQ, VTY_UNIT, 0, 4096), H_PARAMETER);
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, 0x800, 4096), H_PARAMETER);
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, 0, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, 0, 100), H_PARAMETER);
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, 0x20000, 4096), H_PARAMETER); // no entry
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, ~0xfffull, 4096), H_PARAMETER);
    CHECK_EQ(H(cpu, H_SEND_CRQ, UNIT, INIT, 0), H_CLOSED);
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, 0, 4096), H_SUCCESS);
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, 0, 4096), H_RESOURCE);
    u32 session = opened();
    CHECK_EQ(H(cpu, H_SEND_CRQ, UNIT, 0xff06000000000000ull, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_SEND_CRQ, UNIT, INIT, 5), H_SUCCESS);
    const struct vscsi_element *e = receive(VSCSI_ELEMENT);
    CHECK_EQ(e->header.session, session);
    CHECK_EQ(load_be64(e->element), INIT);
    CHECK_EQ(load_be64(e->element + 8), 5);
    CHECK_EQ(e->iu_size, 0);
    CHECK_EQ(H(cpu, H_ENABLE_CRQ, UNIT), H_SUCCESS);
    CHECK_EQ(H(cpu, H_FREE_CRQ, UNIT), H_SUCCESS);
    CHECK_EQ(((const struct vscsi_header *)receive(VSCSI_CLOSED))->session, session);
    CHECK_EQ(H(cpu, H_FREE_CRQ, UNIT), H_SUCCESS);
    CHECK_EQ(H(cpu, H_ENABLE_CRQ, UNIT), H_CLOSED);
    end();
}

static void test_unit(void)
{
    begin();
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, 0, 4096), H_SUCCESS);
    opened();
    memcpy(lp->mem.base + BUFFER + 0xff8, "information unit", 16); // across a page
    CHECK_EQ(H(cpu, H_SEND_CRQ, UNIT, 0x8001000000000000ull | 16, 0x10ff8), H_SUCCESS);
    const struct vscsi_element *e = receive(VSCSI_ELEMENT);
    CHECK_EQ(e->iu_size, 16);
    CHECK(!memcmp(e->iu, "information unit", 16));
    CHECK_EQ(H(cpu, H_SEND_CRQ, UNIT, 0x8001000000000000ull | 16, 0x20000), H_SUCCESS);
    CHECK_EQ(((const struct vscsi_element *)receive(VSCSI_ELEMENT))->iu_size, 0);
    CHECK_EQ(H(cpu, H_SEND_CRQ, UNIT, 0x8001000000000000ull | 257, 0x10000), H_SUCCESS);
    CHECK_EQ(((const struct vscsi_element *)receive(VSCSI_ELEMENT))->iu_size, 0);
    end();
}

static _Alignas(8) u8 copy_bytes[sizeof(struct vscsi_copy) + 2 * sizeof(struct vscsi_segment)];
static _Alignas(8) u8 send_bytes[sizeof(struct vscsi_send) + 2 * sizeof(struct vscsi_segment)];
static struct vscsi_copy *const copy_message = (struct vscsi_copy *)copy_bytes;
static struct vscsi_send *const send_data = (struct vscsi_send *)send_bytes;

static void test_copies(void)
{
    begin();
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, 0, 4096), H_SUCCESS);
    u32 session = opened();
    u8 *data = ring_data(server), *memory = lp->mem.base;
    memcpy(memory + BUFFER + 100, "from", 4);
    memcpy(memory + BUFFER + 0x2000, "memory", 6);
    *copy_message = (struct vscsi_copy){{VSCSI_COPY, VSCSI_VERSION, session}, 7, 2, 0x3000};
    copy_message->segments[0] = (struct vscsi_segment){0x10064, 4, 0};
    copy_message->segments[1] = (struct vscsi_segment){0x12000, 6, 0};
    send_message(copy_message, sizeof(copy_bytes));
    const struct vscsi_copied *copied = receive(VSCSI_COPIED);
    CHECK_EQ(copied->id, 7);
    CHECK_EQ(copied->failed, 0);
    CHECK(!memcmp(data + 0x3000, "frommemory", 10));

    memcpy(data + 0x5000, "to memory", 9);
    *send_data = (struct vscsi_send){.header = {VSCSI_SEND, VSCSI_VERSION, session},
                                     .id = 8,
                                     .segments_len = 2,
                                     .offset = 0x5000,
                                     .iu_ioba = 0x10800,
                                     .iu_size = 8,
                                     .element = {0x80, 1},
                                     .iu = "response"};
    send_data->segments[0] = (struct vscsi_segment){0x11000, 2, 0};
    send_data->segments[1] = (struct vscsi_segment){0x12800, 7, 0};
    send_message(send_data, sizeof(send_bytes));
    settle(session); // the answer to SEND comes before, and without the bell
    CHECK(!memcmp(memory + BUFFER + 0x1000, "to", 2));
    CHECK(!memcmp(memory + BUFFER + 0x2800, " memory", 7));
    CHECK(!memcmp(memory + BUFFER + 0x800, "response", 8));
    CHECK_EQ(load_be32(memory + QUEUE), 0x80010000u);
    end();
}

static void test_refused_copies(void)
{
    begin();
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, 0, 4096), H_SUCCESS);
    u32 session = opened();
    static const struct {
        u64 offset, ioba;
        u32 size, session;
    } rows[] = {
        {0, 0x20000, 8, 0},           // no entry
        {1 * MIB - 4, 0x10000, 8, 0}, // beyond the data area
        {~0ull, 0x10000, 8, 0},       // as well
        {0, 0x10000, 2 * MIB, 0},     // longer than it
        {0, ~7ull, 16, 0},            // around the end of addresses
        {0, 0x10000, 8, 1},           // of another session
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        *copy_message =
            (struct vscsi_copy){{VSCSI_COPY, VSCSI_VERSION, session + rows[i].session}, i, 1, rows[i].offset};
        copy_message->segments[0] = (struct vscsi_segment){rows[i].ioba, rows[i].size, 0};
        send_message(copy_message, sizeof(copy_bytes));
        const struct vscsi_copied *copied = receive(VSCSI_COPIED);
        CHECK_EQ(copied->id, i);
        CHECK_EQ(copied->failed, 1);
    }
    // To a page that permits reading only: the OS hears of it.
    *send_data =
        (struct vscsi_send){.header = {VSCSI_SEND, VSCSI_VERSION, session}, .segments_len = 1, .element = {0x80, 1}};
    send_data->segments[0] = (struct vscsi_segment){0x13000, 8, 0};
    send_message(send_data, sizeof(send_bytes));
    struct vscsi_header nudge = {VSCSI_NUDGE, VSCSI_VERSION, session};
    send_message(&nudge, sizeof(nudge)); // an answer to SEND has no bell of its own
    CHECK_EQ(((const struct vscsi_copied *)receive(VSCSI_COPIED))->failed, 1);
    settle(session);
    CHECK_EQ(load_be32(lp->mem.base + QUEUE), 0x80010001u);
    // An answer to a session that is over is nobody's.
    CHECK_EQ(H(cpu, H_FREE_CRQ, UNIT), H_SUCCESS);
    receive(VSCSI_CLOSED);
    memset(lp->mem.base + QUEUE, 0, 4096);
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, 0, 4096), H_SUCCESS);
    opened();
    send_data->segments_len = 0;
    send_message(send_data, sizeof(send_bytes));
    settle(session);
    CHECK_EQ(load_be32(lp->mem.base + QUEUE), 0);
    end();
}

// A command's unit at I/O bus address 0x10000; its only descriptor, or its table's place and size.
static void put_command(u8 formats, u64 ioba, u32 size)
{
    u8 *iu = lp->mem.base + BUFFER;
    memset(iu, 0, 256);
    iu[0] = SRP_CMD;
    iu[CMD_FORMATS] = formats;
    store_be64(iu + CMD_SIZE, ioba);
    store_be32(iu + CMD_SIZE + 12, size);
}

static const struct vscsi_element *send_command(void)
{
    CHECK_EQ(H(cpu, H_SEND_CRQ, UNIT, 0x8001000000000000ull | 100, 0x10000), H_SUCCESS);
    return receive(VSCSI_ELEMENT);
}

static void test_data_along(void)
{
    begin();
    u8 *data = ring_data(server), *memory = lp->mem.base;
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, 0, 4096), H_SUCCESS);
    u32 session = opened();
    memcpy(memory + BUFFER + 0x1000, "written", 8);
    put_command(BUFFER_DIRECT << 4, 0x11000, 4096);
    CHECK_EQ(send_command()->place, 0); // there are no places yet
    struct vscsi_grant grant = {{VSCSI_GRANT, VSCSI_VERSION, session}, 0x8000, 0x2000, 2};
    send_message(&grant, sizeof(grant));
    settle(session);
    const struct vscsi_element *e = send_command();
    CHECK(e->place == 1 && e->data_size == 4096 && !e->table_size);
    CHECK(!memcmp(data + 0x8000, "written", 8));
    put_command(BUFFER_DIRECT << 4, 0x11000, 0x2001); // more than a place takes
    CHECK_EQ(send_command()->place, 0);
    put_command(BUFFER_DIRECT << 4, 0x14000, 512); // not mapped
    CHECK_EQ(send_command()->place, 0);
    put_command(BUFFER_DIRECT, 0x11000, 512); // a read
    CHECK_EQ(send_command()->place, 0);
    // The table comes along, and the data that it names.
    put_command(BUFFER_INDIRECT << 4, 0x12000, 2 * 16);
    u8 *table = memory + BUFFER + 0x2000;
    memset(table, 0, 32);
    store_be64(table, 0x11004);
    store_be32(table + 12, 4);
    store_be64(table + 16, 0x11000);
    store_be32(table + 28, 4);
    e = send_command();
    CHECK(e->place == 2 && e->data_size == 8 && e->table_size == 32 && !memcmp(e->table, table, 32));
    CHECK(!memcmp(data + 0xa000, "ten\0writ", 8));
    put_command(BUFFER_DIRECT << 4, 0x11000, 512);
    CHECK_EQ(send_command()->place, 0); // both are taken
    *send_data = (struct vscsi_send){.header = {VSCSI_SEND, VSCSI_VERSION, session}, .element = {0x80, 1}, .place = 2};
    send_message(send_data, sizeof(*send_data));
    settle(session);
    CHECK_EQ(send_command()->place, 2);
    struct vscsi_return back = {.header = {VSCSI_RETURN, VSCSI_VERSION, session}, .place = 1};
    send_message(&back, sizeof(back));
    settle(session);
    CHECK_EQ(send_command()->place, 1);
    // The next session has none before it is given some.
    CHECK_EQ(H(cpu, H_FREE_CRQ, UNIT), H_SUCCESS);
    receive(VSCSI_CLOSED);
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, 0, 4096), H_SUCCESS);
    CHECK(opened() != session);
    send_message(&back, sizeof(back));
    send_message(&grant, sizeof(grant)); // of the session before
    settle(session);
    CHECK_EQ(send_command()->place, 0);
    end();
}

static void test_full_queue(void)
{
    begin();
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, 0, 4096), H_SUCCESS);
    u32 session = opened();
    *send_data = (struct vscsi_send){.header = {VSCSI_SEND, VSCSI_VERSION, session}, .element = {0x80, 1}};
    for (u32 i = 0; i < 257; i++) { // one more than there are
        store_be64(send_data->element + 8, i);
        send_message(send_data, sizeof(*send_data));
        settle(session);
    }
    CHECK_EQ(load_be64(lp->mem.base + QUEUE + 8), 0);
    CHECK_EQ(load_be64(lp->mem.base + QUEUE + 255 * 16 + 8), 255);
    lp->mem.base[QUEUE] = 0; // the OS takes one
    send_message(send_data, sizeof(*send_data));
    settle(session);
    CHECK_EQ(load_be64(lp->mem.base + QUEUE + 8), 256);
    end();
}

static void test_server_moves(void)
{
    begin();
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, 0, 4096), H_SUCCESS);
    u32 session = opened();
    // What was answered before the end is delivered.
    *send_data = (struct vscsi_send){.header = {VSCSI_SEND, VSCSI_VERSION, session}, .element = {0x80, 1}};
    send_message(send_data, sizeof(*send_data));
    disconnect_server(true);
    CHECK_EQ(load_be16(lp->mem.base + QUEUE), 0x8001);
    CHECK_EQ(load_be16(lp->mem.base + QUEUE + 16), 0xff06);
    CHECK_EQ(H(cpu, H_SEND_CRQ, UNIT, INIT, 0), H_CLOSED);
    CHECK_EQ(H(cpu, H_ENABLE_CRQ, UNIT), H_LONG_BUSY_ORDER_10_MSEC);
    connect_server();
    u32 size;
    CHECK(!ring_peek(server, &size)); // not before the OS is ready
    CHECK_EQ(H(cpu, H_SEND_CRQ, UNIT, INIT, 0), H_CLOSED);
    CHECK_EQ(H(cpu, H_ENABLE_CRQ, UNIT), H_SUCCESS);
    CHECK(opened() > session);
    CHECK_EQ(H(cpu, H_SEND_CRQ, UNIT, INIT, 0), H_SUCCESS);
    receive(VSCSI_ELEMENT);
    // For good.
    disconnect_server(false);
    CHECK_EQ(load_be16(lp->mem.base + QUEUE + 32), 0xff01);
    CHECK_EQ(H(cpu, H_FREE_CRQ, UNIT), H_SUCCESS);
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, 0, 4096), H_CLOSED);
    end();
}

// The OS starts while the server is away: it does not notice.
static void test_server_late(void)
{
    begin();
    disconnect_server(true);
    CHECK_EQ(H(cpu, H_REG_CRQ, UNIT, 0, 4096), H_SUCCESS);
    CHECK_EQ(H(cpu, H_SEND_CRQ, UNIT, INIT, 0), H_SUCCESS);
    CHECK_EQ(H(cpu, H_SEND_CRQ, UNIT, 0x8001000000000000ull, 0), H_CLOSED);
    connect_server();
    opened();
    CHECK_EQ(load_be64(((const struct vscsi_element *)receive(VSCSI_ELEMENT))->element), INIT);
    end();
}

static void test_broken_server(void)
{
    static const struct vscsi_header wrong[] = {{VSCSI_ELEMENT, VSCSI_VERSION, 0},
                                                {VSCSI_NUDGE, VSCSI_VERSION + 1, 0},
                                                {VSCSI_COPY, VSCSI_VERSION, 0},
                                                {VSCSI_GRANT, VSCSI_VERSION, 0}};
    for (unsigned i = 0; i < ARRAY_LEN(wrong); i++) {
        begin();
        send_message(&wrong[i], sizeof(wrong[i]));
        for (unsigned n = 0; n < 60000 && !atomic_load(&broken); n++)
            poll(NULL, 0, 1);
        CHECK_EQ(atomic_load(&broken), 1);
        end();
    }
}

int main(void)
{
    TEST(test_queue);
    TEST(test_unit);
    TEST(test_copies);
    TEST(test_refused_copies);
    TEST(test_data_along);
    TEST(test_full_queue);
    TEST(test_server_moves);
    TEST(test_server_late);
    TEST(test_broken_server);
    return test_done();
}
