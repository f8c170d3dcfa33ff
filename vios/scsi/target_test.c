// SPDX-License-Identifier: Apache-2.0
#include "vios/scsi/scsi.h"

#include "base/endian.h"
#include "base/test.h"
#include "vios/scsi/command.h"
#include "vios/store/memory.h"

static struct memory_store memory;
static struct scsi_lu *lu;
static struct scsi_nexus nexus[3]; // of two initiators; the third is at a place without a unit
static u8 data[1 << 20];

struct command {
    struct scsi_task task;
    int ends;
};

static void on_done(struct scsi_task *task)
{
    container_of(task, struct command, task)->ends++;
}

static void begin(void)
{
    memory_store_init(&memory);
    lu = scsi_lu_new(&memory.store, false);
    scsi_nexus_init(&nexus[0], 0x100000002, lu);
    scsi_nexus_init(&nexus[1], 0x200000002, lu);
    scsi_nexus_init(&nexus[2], 0x100000002, NULL);
    nexus[0].attention = nexus[1].attention = 0;
}

static void end(void)
{
    scsi_nexus_fini(&nexus[0]);
    scsi_nexus_fini(&nexus[1]);
    scsi_lu_free(lu);
    CHECK(memory.closed);
}

static struct command start(unsigned who, const u8 *cdb, size_t size, u32 out, u32 in)
{
    struct command c = {.task = {.nexus = &nexus[who], .data = data, .out_size = out, .in_max = in, .done = on_done}};
    memcpy(c.task.cdb, cdb, size);
    return c;
}

// Runs a command to its end. The value is its status; sense and size of the answer are in `last`.
static struct scsi_task last;
static unsigned command(unsigned who, const u8 *cdb, size_t size, u32 out, u32 in)
{
    struct command c = start(who, cdb, size, out, in);
    scsi_start(&c.task);
    CHECK_EQ(c.ends, 1);
    last = c.task;
    return last.status;
}

static u32 sense(void)
{
    return SENSE(last.sense[2] & 15, last.sense[12], last.sense[13]);
}

#define RUN(who, out, in, ...) command(who, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}), out, in)
#define CHECK_SENSE(who, out, in, want, ...)                            \
    do {                                                                \
        CHECK_EQ(RUN(who, out, in, __VA_ARGS__), SCSI_CHECK_CONDITION); \
        CHECK_EQ(sense(), want);                                        \
    } while (0)

static void test_inquiry(void)
{
    begin();
    CHECK_EQ(RUN(0, 0, 255, 0x12, 0, 0, 0, 255, 0), SCSI_GOOD);
    CHECK_EQ(last.in_size, 96);
    CHECK_EQ(data[0], 0);
    CHECK_EQ(data[4], 91);
    CHECK(!memcmp(data + 8, "OpenLPARVirtual Disk    0001", 28));
    CHECK_EQ(RUN(0, 0, 5, 0x12, 0, 0, 0, 255, 0), SCSI_GOOD); // the initiator takes less
    CHECK_EQ(last.in_size, 5);
    CHECK_EQ(RUN(2, 0, 255, 0x12, 0, 0, 0, 36, 0), SCSI_GOOD); // nothing here
    CHECK_EQ(data[0], 0x7f);
    CHECK_SENSE(0, 0, 255, SENSE_CDB, 0x12, 0, 1, 0, 255, 0);
    CHECK_SENSE(0, 0, 255, SENSE_CDB, 0x12, 1, 0x55, 0, 255, 0);
    CHECK_EQ(RUN(0, 0, 255, 0x12, 1, 0, 0, 255, 0), SCSI_GOOD);
    static const u8 pages[] = {0, 0, 0, 7, 0x00, 0x80, 0x83, 0x86, 0xb0, 0xb1, 0xb2};
    CHECK(last.in_size == sizeof(pages) && !memcmp(data, pages, sizeof(pages)));
    for (unsigned i = 4; i < sizeof(pages); i++) { // each says its number and its length
        CHECK_EQ(RUN(0, 0, 255, 0x12, 1, pages[i], 0, 255, 0), SCSI_GOOD);
        CHECK_EQ(data[1], pages[i]);
        CHECK_EQ(last.in_size, 4u + load_be16(data + 2));
    }
    RUN(0, 0, 255, 0x12, 1, 0x83, 0, 255, 0);
    CHECK_EQ(load_be64(data + 8), 0x323456789abcdef0);
    end();
}

static void test_blocks(void)
{
    begin();
    for (unsigned i = 0; i < 4096; i++)
        data[i] = (u8)(i * 7);
    CHECK_EQ(RUN(0, 4096, 0, 0x2a, 0, 0, 0, 0, 100, 0, 0, 8, 0), SCSI_GOOD);
    CHECK(!memcmp(memory.data + 100 * 512, data, 4096));
    memset(data, 0, 4096);
    static const struct {
        u8 cdb[16], size;
    } reads[] = {
        {{0x08, 0, 0, 100, 8, 0}, 6},
        {{0x28, 0x08, 0, 0, 0, 100, 0, 0, 8, 0}, 10},
        {{0xa8, 0, 0, 0, 0, 100, 0, 0, 0, 8}, 12},
        {{0x88, 0, 0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 8}, 16},
    };
    for (unsigned i = 0; i < ARRAY_LEN(reads); i++) {
        memset(data, 0, 4096);
        CHECK_EQ(command(0, reads[i].cdb, reads[i].size, 0, 4096), SCSI_GOOD);
        CHECK_EQ(last.in_size, 4096);
        CHECK(data[1] == 7 && !memcmp(memory.data + 100 * 512, data, 4096));
    }
    CHECK_EQ(RUN(0, 0, 0, 0x28, 0, 0, 0, 0x10, 0, 0, 0, 0, 0), SCSI_GOOD); // nothing, at the end
    CHECK_SENSE(0, 0, 512, SENSE_RANGE, 0x28, 0, 0, 0, 0x10, 0, 0, 0, 1, 0);
    CHECK_SENSE(0, 0, 512, SENSE_RANGE, 0x88, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0);
    CHECK_SENSE(0, 0, 512, SENSE_CDB, 0x28, 0, 0, 0, 0, 0, 0, 0, 2, 0);    // more than the initiator takes
    CHECK_SENSE(0, 0, 512, SENSE_CDB, 0x28, 0x20, 0, 0, 0, 0, 0, 0, 1, 0); // protection information
    CHECK_SENSE(0, 512, 0, SENSE_CDB, 0x2a, 0, 0, 0, 0, 0, 0, 0, 2, 0);
    CHECK_SENSE(0, 0, 0, SENSE_OPCODE, 0xe5, 0, 0, 0, 0, 0);
    CHECK_SENSE(2, 0, 512, SENSE_UNIT, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0);
    CHECK_EQ(memory.durable, 0);
    CHECK_EQ(RUN(0, 512, 0, 0x2a, 0x08, 0, 0, 0, 0, 0, 0, 1, 0), SCSI_GOOD); // FUA
    CHECK_EQ(memory.durable, 1);
    CHECK_EQ(RUN(0, 0, 0, 0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0), SCSI_GOOD);
    CHECK_EQ(memory.flushes, 1);
    CHECK_EQ(RUN(0, 0, 8, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), SCSI_GOOD);
    CHECK_EQ(load_be64(data), 0x00000fff00000200);
    CHECK_EQ(RUN(0, 0, 32, 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0), SCSI_GOOD);
    CHECK_EQ(load_be64(data), 0xfff);
    CHECK_EQ(data[13], 3);
    CHECK_EQ(data[14], 0xc0);
    CHECK_SENSE(0, 0, 32, SENSE_CDB, 0x9e, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0);
    end();
}

static void test_thin(void)
{
    begin();
    memset(memory.data, 0xaa, sizeof(memory.data));
    memset(data, 0x55, 512);
    CHECK_EQ(RUN(0, 512, 0, 0x93, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 4, 0, 0, 0), SCSI_GOOD); // 1024 blocks
    CHECK(memory.data[8 * 512] == 0x55 && memory.data[1032 * 512 - 1] == 0x55);
    CHECK(memory.data[8 * 512 - 1] == 0xaa && memory.data[1032 * 512] == 0xaa);
    memset(data, 0, 512);
    CHECK_EQ(RUN(0, 512, 0, 0x41, 0x08, 0, 0, 0, 8, 0, 0, 8, 0), SCSI_GOOD);
    CHECK_EQ(memory.discards, 1);
    CHECK_EQ(memory.data[8 * 512], 0);
    CHECK_EQ(RUN(0, 0, 0, 0x93, 0x01, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 8, 0, 0), SCSI_GOOD); // without data
    CHECK_EQ(memory.data[16 * 512], 0);
    CHECK_SENSE(0, 512, 0, SENSE_CDB, 0x93, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    CHECK_SENSE(0, 0, 0, SENSE_CDB, 0x93, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0); // no data came

    memset(data, 0, 40);
    store_be16(data, 38);
    store_be16(data + 2, 32);
    store_be64(data + 8, 100);
    store_be32(data + 16, 2);
    store_be64(data + 24, 200);
    store_be32(data + 32, 1);
    CHECK_EQ(RUN(0, 40, 0, 0x42, 0, 0, 0, 0, 0, 0, 0, 40, 0), SCSI_GOOD);
    CHECK_EQ(memory.discards, 3);
    CHECK(!memory.data[100 * 512] && !memory.data[102 * 512 - 1] && !memory.data[200 * 512]);
    CHECK_SENSE(0, 39, 0, SENSE_LIST_LENGTH, 0x42, 0, 0, 0, 0, 0, 0, 0, 40, 0);
    store_be64(data + 24, 4096);
    CHECK_SENSE(0, 40, 0, SENSE_RANGE, 0x42, 0, 0, 0, 0, 0, 0, 0, 40, 0);
    store_be16(data + 2, 64);
    CHECK_SENSE(0, 40, 0, SENSE_LIST, 0x42, 0, 0, 0, 0, 0, 0, 0, 40, 0);
    end();
}

static void test_compare(void)
{
    begin();
    memset(memory.data, 1, 1024);
    memset(data, 1, 1024);
    memset(data + 1024, 2, 1024);
    CHECK_EQ(RUN(0, 2048, 0, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0), SCSI_GOOD);
    CHECK(memory.data[0] == 2 && memory.data[1023] == 2);
    CHECK_SENSE(0, 2048, 0, SENSE_MISCOMPARE, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0);
    CHECK_EQ(load_be32(last.sense + 3), 0);
    memset(data, 2, 1024);
    data[700] = 3;
    CHECK_SENSE(0, 2048, 0, SENSE_MISCOMPARE, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0);
    CHECK_EQ(load_be32(last.sense + 3), 700);
    CHECK_SENSE(0, 2047, 0, SENSE_CDB, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0);
    CHECK_SENSE(0, 1024, 0, SENSE_MISCOMPARE, 0x2f, 0x02, 0, 0, 0, 0, 0, 0, 2, 0); // VERIFY
    data[700] = 2;
    CHECK_EQ(RUN(0, 1024, 0, 0x2f, 0x02, 0, 0, 0, 0, 0, 0, 2, 0), SCSI_GOOD);
    CHECK_EQ(RUN(0, 0, 0, 0x8f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0), SCSI_GOOD);

    // Nothing comes between comparing and writing.
    static const u8 cas[16] = {0x89, [13] = 1}, write[16] = {0x8a, [13] = 1};
    memset(data, 2, 512);
    memory.held = true;
    struct command a = start(0, write, 16, 512, 0), b = start(0, cas, 16, 1024, 0), c = start(1, write, 16, 512, 0);
    scsi_start(&a.task);
    scsi_start(&b.task);
    scsi_start(&c.task);
    CHECK_EQ(memory.waiting_len, 1);
    memory_store_release(&memory);
    CHECK_EQ(a.ends, 1);
    CHECK_EQ(memory.waiting_len, 1); // reads
    memory_store_release(&memory);
    CHECK_EQ(memory.waiting_len, 1); // writes
    memory_store_release(&memory);
    CHECK_EQ(b.ends, 1);
    CHECK_EQ(b.task.status, SCSI_GOOD);
    memory_store_release(&memory);
    CHECK_EQ(c.ends, 1);
    // One that waits can go, one that runs ends first.
    struct command d = start(0, write, 16, 512, 0), e = start(0, cas, 16, 1024, 0);
    scsi_start(&d.task);
    scsi_start(&e.task);
    scsi_abort(&e.task);
    CHECK(e.ends == 1 && e.task.aborted);
    scsi_abort(&d.task);
    CHECK_EQ(d.ends, 0);
    memory_store_release(&memory);
    CHECK(d.ends == 1 && d.task.aborted);
    end();
}

static void test_attributes(void)
{
    static const u8 write[16] = {0x8a, [13] = 1}, cas[16] = {0x89, [13] = 1};
    begin();
    memory.held = true;
    struct command a = start(0, write, 16, 512, 0), b = a, ordered = a, c = a, head = a, final = a;
    ordered.task.attribute = final.task.attribute = SCSI_ORDERED;
    head.task.attribute = SCSI_HEAD_OF_QUEUE;
    scsi_start(&a.task);
    scsi_start(&b.task);
    CHECK_EQ(memory.waiting_len, 2);
    scsi_start(&ordered.task);
    scsi_start(&c.task);
    scsi_start(&final.task);
    CHECK_EQ(memory.waiting_len, 2);
    memory_store_release(&memory);
    CHECK_EQ(memory.waiting_len, 1); // `ordered` waits for both
    scsi_start(&head.task);
    CHECK_EQ(memory.waiting_len, 2);
    memory_store_release(&memory);
    memory_store_release(&memory);
    CHECK(a.ends && b.ends && head.ends && !ordered.ends);
    CHECK_EQ(memory.waiting_len, 1);
    // While it runs the head of the queue does, and nothing else.
    head.ends = 0;
    scsi_start(&head.task);
    CHECK_EQ(memory.waiting_len, 2);
    memory_store_release(&memory);
    CHECK(ordered.ends && !c.ends);
    CHECK_EQ(memory.waiting_len, 2); // `head` and `c`
    memory_store_release(&memory);
    memory_store_release(&memory);
    CHECK(head.ends && c.ends && !final.ends);
    CHECK_EQ(memory.waiting_len, 1);
    memory_store_release(&memory);
    CHECK_EQ(final.ends, 1);

    // COMPARE AND WRITE is alone, whatever comes; the head is the next one.
    memset(data, 0, 1024);
    memset(memory.data, 0, 512);
    struct command whole = start(0, cas, 16, 1024, 0), after = start(0, write, 16, 512, 0);
    head.ends = 0;
    scsi_start(&whole.task);
    scsi_start(&after.task);
    scsi_start(&head.task);
    CHECK_EQ(memory.waiting_len, 1);
    memory_store_release(&memory);
    memory_store_release(&memory);
    CHECK(whole.ends && !head.ends);
    CHECK_EQ(memory.waiting_len, 2);
    memory_store_release(&memory);
    CHECK(head.ends && !after.ends);
    memory_store_release(&memory);
    CHECK_EQ(after.ends, 1);
    end();
}

static void test_errors(void)
{
    static const struct {
        int err;
        u8 opcode;
        u32 sense;
    } rows[] = {
        {-EIO, 0x28, SENSE_READ_ERROR},    {-EIO, 0x2a, SENSE_WRITE_ERROR}, {-ENOSPC, 0x2a, SENSE_NO_SPACE},
        {-EDQUOT, 0x2a, SENSE_NO_SPACE},   {-EROFS, 0x2a, SENSE_PROTECTED}, {-ENOMEM, 0x28, SENSE_TARGET_FAILURE},
        {-ENODEV, 0x28, SENSE_READ_ERROR},
    };
    begin();
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        memory.error = rows[i].err;
        bool writes = rows[i].opcode == 0x2a;
        CHECK_SENSE(0, writes ? 4096 : 0, writes ? 0 : 4096, rows[i].sense, rows[i].opcode, 0, 0, 0, 0, 8, 0, 0, 8, 0);
    }
    memory.error = -EIO;
    memory.error_at = 13 * 512 + 5; // the block that failed is named
    CHECK_SENSE(0, 0, 4096, SENSE_READ_ERROR, 0x28, 0, 0, 0, 0, 8, 0, 0, 8, 0);
    CHECK_EQ(last.sense[0], 0xf0);
    CHECK_EQ(load_be32(last.sense + 3), 13);
    memory.error_at = ~0ull;
    CHECK_SENSE(0, 0, 0, SENSE_READ_ERROR, 0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    memory.error = 0;
    memory.store.read_only = true;
    CHECK_SENSE(0, 512, 0, SENSE_PROTECTED, 0x2a, 0, 0, 0, 0, 8, 0, 0, 1, 0);
    end();
}

static void test_attention(void)
{
    begin();
    nexus[0].attention = ATTENTION_POWER_ON;
    CHECK_EQ(RUN(0, 0, 36, 0x12, 0, 0, 0, 36, 0), SCSI_GOOD);
    CHECK_EQ(RUN(0, 0, 64, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0), SCSI_GOOD);
    CHECK_EQ(load_be32(data), 8);
    CHECK_SENSE(0, 0, 0, SENSE(6, 0x29, 0), 0x00, 0, 0, 0, 0, 0);
    CHECK_EQ(RUN(0, 0, 0, 0x00, 0, 0, 0, 0, 0), SCSI_GOOD);
    nexus[0].attention = ATTENTION_MODE;
    CHECK_EQ(RUN(0, 0, 18, 0x03, 0, 0, 0, 18, 0), SCSI_GOOD);
    CHECK_EQ(data[2], 6);
    CHECK_EQ(load_be16(data + 12), 0x2a01);
    CHECK_EQ(RUN(0, 0, 0, 0x00, 0, 0, 0, 0, 0), SCSI_GOOD);
    nexus[0].attention = ATTENTION_MODE;
    CHECK_EQ(RUN(0, 0, 18, 0x03, 1, 0, 0, 18, 0), SCSI_GOOD); // in the other format
    CHECK_EQ(last.in_size, 8);
    CHECK_EQ(load_be32(data), 0x72062a01);
    scsi_lu_reset(&nexus[1]);
    CHECK_SENSE(0, 0, 0, SENSE(6, 0x29, 3), 0x00, 0, 0, 0, 0, 0);
    CHECK_EQ(RUN(1, 0, 0, 0x00, 0, 0, 0, 0, 0), SCSI_GOOD);
    // Stopped: nothing on the medium, until it is started.
    CHECK_EQ(RUN(0, 0, 0, 0x1b, 0, 0, 0, 0, 0), SCSI_GOOD);
    CHECK_SENSE(0, 0, 0, SENSE_STOPPED, 0x00, 0, 0, 0, 0, 0);
    CHECK_EQ(RUN(0, 0, 36, 0x12, 0, 0, 0, 36, 0), SCSI_GOOD);
    CHECK_EQ(RUN(0, 0, 0, 0x1b, 0, 0, 0, 1, 0), SCSI_GOOD);
    CHECK_EQ(RUN(0, 0, 0, 0x00, 0, 0, 0, 0, 0), SCSI_GOOD);
    end();
}

static void test_mode(void)
{
    begin();
    CHECK_EQ(RUN(0, 0, 255, 0x1a, 0, 0x3f, 0, 255, 0), SCSI_GOOD);
    CHECK_EQ(data[0], last.in_size - 1);
    CHECK_EQ(data[2], 0x10);
    CHECK_EQ(RUN(0, 0, 255, 0x5a, 0x08, 0x08, 0, 0, 0, 0, 0, 255, 0), SCSI_GOOD);
    CHECK_EQ(load_be16(data), last.in_size - 2);
    CHECK_EQ(data[8], 0x08);
    CHECK_EQ(data[10], 0x04);
    CHECK_SENSE(0, 0, 255, SENSE_NO_SAVING, 0x1a, 0, 0xc8, 0, 255, 0);
    CHECK_SENSE(0, 0, 255, SENSE_CDB, 0x1a, 0, 0x2a, 0, 255, 0);
    RUN(0, 0, 255, 0x1a, 0x08, 0x48, 0, 255, 0); // what may be changed
    CHECK_EQ(data[6], 0x04);
    // The write cache off: each write is durable, and the other initiator is told.
    RUN(0, 0, 255, 0x1a, 0x08, 0x08, 0, 255, 0);
    data[0] = 0;
    data[6] = 0;
    CHECK_EQ(RUN(0, 24, 0, 0x15, 0x10, 0, 0, 24, 0), SCSI_GOOD);
    CHECK_SENSE(1, 0, 0, SENSE(6, 0x2a, 1), 0x00, 0, 0, 0, 0, 0);
    memory.durable = 0;
    RUN(0, 512, 0, 0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0);
    CHECK_EQ(memory.durable, 1);
    RUN(0, 0, 255, 0x1a, 0x08, 0x08, 0, 255, 0);
    CHECK_EQ(data[6], 0);
    data[0] = 0;
    data[7] = 1; // not to be changed
    CHECK_SENSE(0, 24, 0, SENSE_LIST, 0x15, 0x10, 0, 0, 24, 0);
    CHECK_SENSE(0, 24, 0, SENSE_CDB, 0x15, 0x11, 0, 0, 24, 0); // saving
    end();
}

static void test_opcodes(void)
{
    u32 len = 0;
    begin();
    for (unsigned i = 0; i < scsi_commands_len; i++)
        len += scsi_has_command(lu, &scsi_commands[i]);
    CHECK(len && len < scsi_commands_len);
    CHECK_EQ(RUN(0, 0, 4096, 0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0), SCSI_GOOD);
    CHECK_EQ(load_be32(data), len * 8);
    CHECK_EQ(RUN(0, 0, 4096, 0xa3, 0x0c, 0x80, 0, 0, 0, 0, 0, 0x10, 0, 0, 0), SCSI_GOOD);
    CHECK_EQ(load_be32(data), len * 20);
    CHECK_EQ(RUN(0, 0, 4096, 0xa3, 0x0c, 1, 0x28, 0, 0, 0, 0, 0x10, 0, 0, 0), SCSI_GOOD);
    CHECK_EQ(data[1], 3);
    CHECK_EQ(data[4], 0x28);
    CHECK_EQ(RUN(0, 0, 4096, 0xa3, 0x0c, 1, 0xe5, 0, 0, 0, 0, 0x10, 0, 0, 0), SCSI_GOOD);
    CHECK_EQ(data[1], 1);
    CHECK_SENSE(0, 0, 4096, SENSE_CDB, 0xa3, 0x0c, 1, 0x9e, 0, 0, 0, 0, 0x10, 0, 0, 0);
    CHECK_EQ(RUN(0, 0, 4096, 0xa3, 0x0c, 2, 0x9e, 0, 0x10, 0, 0, 0x10, 0, 0, 0), SCSI_GOOD);
    CHECK_EQ(data[1], 3);
    // Rows are in order, and bits that must be zero are refused for each of them.
    for (unsigned i = 0; i < scsi_commands_len; i++) {
        const struct scsi_command *c = &scsi_commands[i];
        CHECK(!i || c[-1].opcode < c->opcode || (c[-1].opcode == c->opcode && c[-1].action < c->action));
        u8 cdb[16] = {c->opcode, c->flags & COMMAND_ACTION ? c->action : 0};
        cdb[c->size - 1] |= 0x04; // NACA
        CHECK_EQ(command(0, cdb, 16, 0, 0), SCSI_CHECK_CONDITION);
        CHECK_EQ(sense(), scsi_has_command(lu, c) ? SENSE_CDB : SENSE_OPCODE);
    }
    end();
}

static unsigned pr_out(unsigned who, u8 action, u8 type, u64 key, u64 service_key, bool persist)
{
    memset(data, 0, 24);
    store_be64(data, key);
    store_be64(data + 8, service_key);
    data[20] = persist;
    return RUN(who, 24, 0, 0x5f, action, type, 0, 0, 0, 0, 0, 24, 0);
}

// Status of: a read, a write, a test unit ready.
static bool access_is(unsigned who, bool reads, bool writes)
{
    bool read = RUN(who, 0, 512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0) != SCSI_RESERVATION_CONFLICT;
    bool write = RUN(who, 512, 0, 0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0) != SCSI_RESERVATION_CONFLICT;
    return read == reads && write == writes && RUN(who, 0, 0, 0x00, 0, 0, 0, 0, 0) == SCSI_GOOD;
}

static void test_persistent_reservations(void)
{
    static const struct {
        u8 type;
        bool reads, writes, registered_writes; // the other initiator's rights: unregistered; then registered
    } rows[] = {{1, true, false, false}, {3, false, false, false}, {5, true, false, true},
                {6, false, false, true}, {7, true, false, true},   {8, false, false, true}};
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        begin();
        CHECK_EQ(pr_out(0, 0, 0, 0, 0xa, false), SCSI_GOOD);
        CHECK_EQ(pr_out(0, 1, rows[i].type, 0xb, 0, false), SCSI_RESERVATION_CONFLICT); // not its key
        CHECK_EQ(pr_out(0, 1, rows[i].type, 0xa, 0, false), SCSI_GOOD);
        CHECK(access_is(0, true, true));
        CHECK(access_is(1, rows[i].reads, rows[i].writes));
        CHECK_EQ(pr_out(1, 1, rows[i].type, 0, 0, false), SCSI_RESERVATION_CONFLICT);
        CHECK_EQ(RUN(1, 0, 64, 0x5e, 1, 0, 0, 0, 0, 0, 0, 64, 0), SCSI_GOOD);
        CHECK_EQ(load_be32(data + 4), 16);
        CHECK_EQ(load_be64(data + 8), rows[i].type >= 7 ? 0 : 0xa);
        CHECK_EQ(data[21], rows[i].type);
        CHECK_EQ(pr_out(1, 6, 0, 0, 0xc, false), SCSI_GOOD);
        CHECK(access_is(1, rows[i].registered_writes || rows[i].reads, rows[i].registered_writes));
        CHECK_EQ(RUN(1, 0, 512, 0x5e, 3, 0, 0, 0, 0, 0, 2, 0, 0), SCSI_GOOD);
        CHECK_EQ(load_be32(data + 4), 96);
        // The other one takes it over. 0 stands for the key of all.
        CHECK_EQ(pr_out(1, 4, 1, 0xc, rows[i].type >= 7 ? 0 : 0xa, false), SCSI_GOOD);
        CHECK_SENSE(0, 0, 0, SENSE(6, 0x2a, 5), 0x00, 0, 0, 0, 0, 0);
        CHECK(access_is(0, true, false));
        CHECK(access_is(1, true, true));
        CHECK_EQ(pr_out(1, 2, 3, 0xc, 0, false), SCSI_CHECK_CONDITION); // of another type
        CHECK_EQ(sense(), SENSE_NOT_RESERVED);
        CHECK_EQ(pr_out(1, 2, 1, 0xc, 0, false), SCSI_GOOD);
        CHECK(access_is(0, true, true));
        CHECK_EQ(pr_out(1, 3, 0, 0xc, 0, false), SCSI_GOOD);
        CHECK_EQ(RUN(1, 0, 64, 0x5e, 0, 0, 0, 0, 0, 0, 0, 64, 0), SCSI_GOOD);
        CHECK_EQ(load_be32(data + 4), 0);
        end();
    }
}

static void test_kept_reservations(void)
{
    begin();
    CHECK_EQ(pr_out(0, 0, 0, 0, 0xa, true), SCSI_GOOD);
    CHECK_EQ(pr_out(0, 1, 3, 0xa, 0, false), SCSI_GOOD);
    CHECK_EQ(pr_out(1, 0, 0, 0, 0xb, true), SCSI_GOOD);
    // The server starts anew.
    struct scsi_lu *again = scsi_lu_new(&memory.store, false);
    CHECK_EQ(again->registrations.len, 2);
    CHECK_EQ(again->registrations.type, 3);
    CHECK_EQ(again->registrations.holder, nexus[0].initiator);
    scsi_lu_free(again);
    memory.error = -EIO; // what cannot be kept is not granted
    CHECK_EQ(pr_out(0, 2, 3, 0xa, 0, false), SCSI_CHECK_CONDITION);
    CHECK_EQ(lu->registrations.type, 3);
    memory.error = 0;
    CHECK_EQ(pr_out(0, 6, 0, 0, 0xa, false), SCSI_GOOD); // no longer over a loss of power
    again = scsi_lu_new(&memory.store, false);
    CHECK_EQ(again->registrations.len, 0);
    scsi_lu_free(again);
    // What is kept may have been spoilt.
    memory.value[11] = 200;
    again = scsi_lu_new(&memory.store, false);
    CHECK_EQ(again->registrations.len, 0);
    scsi_lu_free(again);
    memory.store.keeps_values = false;
    CHECK_EQ(pr_out(0, 6, 0, 0, 0xd, true), SCSI_CHECK_CONDITION);
    end();
}

static void test_reserve(void)
{
    begin();
    CHECK_EQ(RUN(0, 0, 0, 0x16, 0, 0, 0, 0, 0), SCSI_GOOD);
    CHECK_EQ(RUN(1, 0, 0, 0x00, 0, 0, 0, 0, 0), SCSI_RESERVATION_CONFLICT);
    CHECK_EQ(RUN(1, 0, 36, 0x12, 0, 0, 0, 36, 0), SCSI_GOOD);
    CHECK_EQ(RUN(1, 0, 0, 0x17, 0, 0, 0, 0, 0), SCSI_GOOD); // of no effect
    CHECK_EQ(RUN(1, 0, 0, 0x00, 0, 0, 0, 0, 0), SCSI_RESERVATION_CONFLICT);
    CHECK_EQ(pr_out(0, 0, 0, 0, 0xa, false), SCSI_RESERVATION_CONFLICT); // one kind at a time
    CHECK_EQ(RUN(0, 0, 0, 0x17, 0, 0, 0, 0, 0), SCSI_GOOD);
    CHECK_EQ(RUN(1, 0, 0, 0x00, 0, 0, 0, 0, 0), SCSI_GOOD);
    CHECK_EQ(RUN(0, 0, 0, 0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0), SCSI_GOOD);
    scsi_lu_reset(&nexus[1]);
    CHECK_EQ(RUN(1, 0, 0, 0x00, 0, 0, 0, 0, 0), SCSI_GOOD);
    end();
}

int main(void)
{
    TEST(test_inquiry);
    TEST(test_blocks);
    TEST(test_thin);
    TEST(test_compare);
    TEST(test_attributes);
    TEST(test_errors);
    TEST(test_attention);
    TEST(test_mode);
    TEST(test_opcodes);
    TEST(test_persistent_reservations);
    TEST(test_kept_reservations);
    TEST(test_reserve);
    return test_done();
}
