// SPDX-License-Identifier: Apache-2.0
// The test is the client's side: it has the other side of the link.
#include "vios/srp.h"

#include "vios/store/memory.h"
#include "vios/test_client.h"

static struct memory_store memory;
static struct loop loop;
static struct ring_fds fds;
static struct srp_port *port;
static struct scsi_lu *lu;

static void work(void)
{
    while (loop.sources->work(loop.sources))
        ;
}

static void begin(void)
{
    memory_store_init(&memory);
    loop = (struct loop){0};
    CHECK_EQ(ring_create(VSCSI_RING_SIZE, 1 * MIB, &fds), 0);
    client = ring_attach(&fds, VSCSI_CLIENT);
    port = srp_port_new(&loop, &fds, "vhost0", 1, 2);
    lu = scsi_lu_new(&memory.store, false);
    CHECK(client && port && lu && srp_port_add(port, 1, lu));
    CHECK(!srp_port_add(port, 1, lu));
    lu->nexuses->attention = 0;
    login();
    const struct vscsi_send *m = take_send();
    CHECK_EQ(m->iu[0], SRP_LOGIN_RSP);
    CHECK_EQ(load_be32(m->iu + LOGIN_RSP_LIMIT), 128);
    CHECK_EQ(m->iu_ioba, IU_PLACE);
    CHECK_EQ(m->element[0], 0x80);
    CHECK(!memcmp(m->element + 8, "login000", 8));
    lu->nexuses->attention = 0;
}

static void end(void)
{
    put_header(VSCSI_CLOSED);
    work();
    srp_port_free(port);
    scsi_lu_free(lu);
    ring_detach(client);
    ring_close_fds(&fds);
}

static void test_read_and_write(void)
{
    begin();
    COMMAND("write000", true, 1024, 0x2a, 0, 0, 0, 0, 3, 0, 0, 2, 0);
    const struct vscsi_copy *c = take_copy();
    CHECK(c->segments_len == 1 && c->segments[0].ioba == 0x1000 && c->segments[0].size == 1024);
    memset((u8 *)ring_data(client) + c->offset, 'w', 1024);
    copied(c->id, false);
    const struct vscsi_send *m = take_send();
    CHECK(!m->segments_len && m->iu[0] == SRP_RSP && m->iu[RSP_STATUS] == SCSI_GOOD && m->iu[RSP_FLAGS] == 0);
    CHECK_EQ(load_be32(m->iu + RSP_LIMIT), 1);
    CHECK(memory.data[3 * 512] == 'w' && memory.data[5 * 512 - 1] == 'w' && !memory.data[5 * 512]);

    COMMAND("read0000", false, 2048, 0x28, 0, 0, 0, 0, 3, 0, 0, 2, 0); // takes more than there is
    m = take_send();
    CHECK(m->segments_len == 1 && m->segments[0].ioba == 0x1000 && m->segments[0].size == 1024);
    CHECK_EQ(((u8 *)ring_data(client))[m->offset], 'w');
    CHECK(m->iu[RSP_FLAGS] & RSP_IN_UNDER && load_be32(m->iu + RSP_IN_LEFT) == 1024);
    copied(m->id, false);

    COMMAND("wrong000", false, 512, 0x28, 0, 0xff, 0, 0, 3, 0, 0, 1, 0);
    m = take_send();
    CHECK(!m->segments_len && m->iu[RSP_STATUS] == SCSI_CHECK_CONDITION && m->iu[RSP_FLAGS] & RSP_SENSE);
    CHECK_EQ(m->iu[RSP_SIZE + 12], 0x21);
    COMMAND("unmapped", true, 512, 0x2a, 0, 0, 0, 0, 3, 0, 0, 1, 0);
    copied(take_copy()->id, true); // the client has no such memory
    CHECK_EQ(take_send()->iu[RSP_STATUS], SCSI_CHECK_CONDITION);
    CHECK_EQ(memory.data[3 * 512], 'w');
    end();
}

// Nobody overtakes an ordered command, and it overtakes nobody, though data come late.
static void test_ordered(void)
{
    begin();
    COMMAND("write001", true, 512, 0x2a, 0, 0, 0, 0, 3, 0, 0, 1, 0);
    u32 first = take_copy()->id;
    COMMAND("ready001", false, 0, 0x00); // simple ones may
    CHECK(!memcmp(take_send()->element + 8, "ready001", 8));
    attribute = SCSI_ORDERED;
    COMMAND("write002", true, 512, 0x2a, 0, 0, 0, 0, 3, 0, 0, 1, 0);
    u32 second = take_copy()->id;
    COMMAND("ready002", false, 0, 0x00);
    attribute = SCSI_SIMPLE;
    COMMAND("ready003", false, 0, 0x00);
    CHECK(!take());
    attribute = SCSI_HEAD_OF_QUEUE;
    COMMAND("ready004", false, 0, 0x00);
    CHECK(!memcmp(take_send()->element + 8, "ready004", 8));
    attribute = SCSI_SIMPLE;
    copied(second, false);
    CHECK(!take());
    copied(first, false);
    static const char *const tags[] = {"write001", "write002", "ready002", "ready003"};
    for (u32 i = 0; i < ARRAY_LEN(tags); i++) {
        const struct vscsi_send *m = take_send();
        CHECK(!memcmp(m->element + 8, tags[i], 8) && m->iu[RSP_STATUS] == SCSI_GOOD);
    }
    // The first one's data cannot be had: the others go on.
    COMMAND("write003", true, 512, 0x2a, 0, 0, 0, 0, 3, 0, 0, 1, 0);
    first = take_copy()->id;
    attribute = SCSI_ORDERED;
    COMMAND("ready005", false, 0, 0x00);
    CHECK(!take());
    copied(first, true);
    CHECK_EQ(take_send()->iu[RSP_STATUS], SCSI_CHECK_CONDITION);
    CHECK(!memcmp(take_send()->element + 8, "ready005", 8));
    attribute = 4; // auto contingent allegiance: there is none
    COMMAND("ready006", false, 0, 0x00);
    CHECK_EQ(take_send()->iu[RSP_STATUS], SCSI_CHECK_CONDITION);
    // What waits is over with its session.
    attribute = SCSI_SIMPLE;
    COMMAND("write004", true, 512, 0x2a, 0, 0, 0, 0, 3, 0, 0, 1, 0);
    take_copy();
    attribute = SCSI_ORDERED;
    COMMAND("ready007", false, 0, 0x00);
    attribute = SCSI_SIMPLE;
    put_header(VSCSI_CLOSED);
    CHECK(!take());
    login();
    CHECK_EQ(take_send()->iu[0], SRP_LOGIN_RSP);
    lu->nexuses->attention = 0;
    COMMAND("ready008", false, 0, 0x00);
    CHECK(!memcmp(take_send()->element + 8, "ready008", 8));
    end();
}

static void test_indirect(void)
{
    u8 iu[48 + 20 + 2 * 16] = {SRP_CMD};
    begin();
    iu[CMD_FORMATS] = BUFFER_INDIRECT << 4;
    iu[CMD_OUT_COUNT] = 2;
    iu[CMD_LUN] = 0x81;
    iu[CMD_CDB] = 0x2a;
    iu[CMD_CDB + 8] = 2;
    store_be64(iu + 48, 0x5000); // the table: in the unit as well
    store_be32(iu + 60, 32);
    store_be32(iu + 64, 1024);
    store_be64(iu + 68, 0x1000);
    store_be32(iu + 80, 1000);
    store_be64(iu + 84, 0x2000);
    store_be32(iu + 96, 24);
    put_unit(FORMAT_SRP, iu, sizeof(iu), "indirect");
    const struct vscsi_copy *c = take_copy();
    CHECK(c->segments_len == 2 && c->segments[1].ioba == 0x2000 && c->segments[1].size == 24);
    copied(c->id, false);
    CHECK_EQ(take_send()->iu[RSP_STATUS], SCSI_GOOD);
    // More than fit into the unit: the table is fetched.
    store_be32(iu + 60, 4 * 16);
    put_unit(FORMAT_SRP, iu, sizeof(iu), "external");
    c = take_copy();
    CHECK(c->segments_len == 1 && c->segments[0].ioba == 0x5000 && c->segments[0].size == 64);
    u8 *table = (u8 *)ring_data(client) + c->offset;
    memset(table, 0, 64);
    for (unsigned i = 0; i < 4; i++) {
        store_be64(table + 16 * i, 0x10000 * (i + 1));
        store_be32(table + 16 * i + 12, 256);
    }
    copied(c->id, false);
    c = take_copy();
    CHECK(c->segments_len == 4 && c->segments[3].ioba == 0x40000 && c->segments[3].size == 256);
    copied(c->id, false);
    CHECK_EQ(take_send()->iu[RSP_STATUS], SCSI_GOOD);
    end();
}

// A write's data in a place that the server granted.
static void put_write_in_place(const char *tag, u32 place, u32 data_size)
{
    struct vscsi_element m = {.header = {VSCSI_ELEMENT, VSCSI_VERSION, session},
                              .iu_size = 64,
                              .place = place,
                              .data_size = data_size,
                              .element = {0x80, FORMAT_SRP}};
    store_be64(m.element + 8, IU_PLACE);
    m.iu[0] = SRP_CMD;
    memcpy(m.iu + SRP_TAG, tag, 8);
    m.iu[CMD_FORMATS] = BUFFER_DIRECT << 4;
    m.iu[CMD_LUN] = 0x81;
    m.iu[CMD_CDB] = 0x2a;
    m.iu[CMD_CDB + 8] = 1;
    store_be32(m.iu + CMD_SIZE + 12, 512);
    put(&m, sizeof(m));
}

static void test_places(void)
{
    begin();
    CHECK(grant.places == 4 && grant.size == 64 * KIB && grant.header.session == session);
    u8 *second = (u8 *)ring_data(client) + grant.offset + grant.size;
    memset(second, 'p', 512);
    put_write_in_place("inplace0", 2, 512);
    const struct vscsi_send *m = take_send(); // at once
    CHECK(m->place == 2 && m->iu[RSP_STATUS] == SCSI_GOOD && memory.data[511] == 'p');
    // What does not fit what the unit says is asked for.
    put_write_in_place("wrong000", 2, 1024);
    const struct vscsi_copy *c = take_copy();
    CHECK(c->offset < grant.offset || c->offset >= grant.offset + grant.places * grant.size);
    copied(c->id, false);
    CHECK_EQ(take_send()->place, 2);
    put_write_in_place("none0000", 99, 512);
    copied(take_copy()->id, false);
    CHECK_EQ(take_send()->place, 0);
    // An aborted one has no answer: the place comes back by itself.
    u8 iu[48] = {SRP_TSK_MGMT};
    memory.held = true;
    put_write_in_place("aborted0", 3, 512);
    CHECK(!take());
    iu[TASK_LUN] = 0x81;
    iu[TASK_FUNCTION] = LUN_RESET;
    put_unit(FORMAT_SRP, iu, sizeof(iu), "reset000");
    CHECK(!take());
    memory_store_release(&memory);
    const struct vscsi_return *back = take();
    CHECK(back && back->header.type == VSCSI_RETURN && back->place == 3);
    CHECK_EQ(load_be32(take_send()->iu + RSP_SIZE), TASK_COMPLETE);
    end();
}

// A write of a session that is over comes before whatever the next one asks for.
static void test_sessions(void)
{
    begin();
    memory.held = true;
    COMMAND("write000", true, 512, 0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0);
    copied(take_copy()->id, false);
    COMMAND("fetching", true, 512, 0x2a, 0, 0, 0, 0, 1, 0, 0, 1, 0);
    take_copy();
    CHECK_EQ(memory.waiting_len, 1);
    put_header(VSCSI_CLOSED);
    login();
    CHECK(!take()); // not yet
    memory_store_release(&memory);
    CHECK_EQ(take_send()->iu[0], SRP_LOGIN_RSP);
    copied(1, false); // of what was: nobody's
    CHECK(!take());
    CHECK_EQ(memory.waiting_len, 0);
    // More room is needed than there is: a request waits for it.
    memory.held = false;
    lu->nexuses->attention = 0;
    static const u8 read[10] = {0x28, 0, 0, 0, 0, 0, 0, 3, 0, 0};
    put_command("reads000", false, 384 * 1024, read, 10);
    put_command("reads001", false, 384 * 1024, read, 10);
    put_command("reads002", false, 384 * 1024, read, 10);
    u32 first = take_send()->id;
    take_send();
    const struct vscsi_header *h = take();
    CHECK(h && h->type == VSCSI_NUDGE);
    CHECK(!take());
    copied(first, false);
    CHECK(!memcmp(take_send()->element + 8, "reads002", 8));
    end();
}

static void test_task_management(void)
{
    u8 iu[48] = {SRP_TSK_MGMT};
    begin();
    memory.held = true;
    COMMAND("write000", true, 512, 0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0);
    copied(take_copy()->id, false);
    CHECK(!take());
    iu[TASK_LUN] = 0x81;
    iu[TASK_FUNCTION] = ABORT_TASK;
    memcpy(iu + TASK_TAG, "write000", 8);
    put_unit(FORMAT_SRP, iu, sizeof(iu), "abort000");
    CHECK(!take()); // its data is still in use
    memory_store_release(&memory);
    const struct vscsi_send *m = take_send();
    CHECK(!memcmp(m->element + 8, "abort000", 8) && m->iu[RSP_FLAGS] == RSP_VALID);
    CHECK_EQ(load_be32(m->iu + RSP_SIZE), TASK_COMPLETE);
    CHECK(!take());                                   // the task itself has no answer
    put_unit(FORMAT_SRP, iu, sizeof(iu), "abort001"); // there is none any more
    CHECK_EQ(load_be32(take_send()->iu + RSP_SIZE), TASK_COMPLETE);
    iu[TASK_FUNCTION] = 0x40;
    put_unit(FORMAT_SRP, iu, sizeof(iu), "abort002");
    CHECK_EQ(load_be32(take_send()->iu + RSP_SIZE), TASK_UNSUPPORTED);
    iu[TASK_LUN] = 0x82;
    iu[TASK_FUNCTION] = LUN_RESET;
    put_unit(FORMAT_SRP, iu, sizeof(iu), "abort003");
    CHECK_EQ(load_be32(take_send()->iu + RSP_SIZE), TASK_FAILED);
    end();
}

static void test_limit(void)
{
    begin();
    memory.held = true;
    u32 full = 0, sent = 0;
    for (unsigned i = 0; i < 160; i++)
        COMMAND("verify00", false, 0, 0x00, 0, 0, 0, 0, 0); // ends at once
    while (take())
        sent++;
    CHECK_EQ(sent, 160);
    for (unsigned i = 0; i < 160; i++)
        COMMAND("write000", true, 512, 0x2a, 0, 0, 0, 0, (u8)i, 0, 0, 1, 0);
    for (const struct vscsi_header *h; (h = take());) {
        const struct vscsi_send *m = (const struct vscsi_send *)h;
        full += h->type == VSCSI_SEND && m->iu[RSP_STATUS] == SCSI_TASK_SET_FULL;
    }
    CHECK_EQ(full, 160 - 144);
    end();
}

int main(void)
{
    TEST(test_read_and_write);
    TEST(test_ordered);
    TEST(test_indirect);
    TEST(test_places);
    TEST(test_sessions);
    TEST(test_task_management);
    TEST(test_limit);
    return test_done();
}
