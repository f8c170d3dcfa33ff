// SPDX-License-Identifier: Apache-2.0
#include "base/endian.h"
#include "base/test.h"
#include "vios/scsi/command.h"
#include "vios/store/memory.h"

static struct memory_store memory[2];
static struct scsi_lu *lu;
static struct scsi_nexus nexus[2];
static u8 data[1 << 16];
static struct scsi_task last;
static int ends, changes, ejections;

static void on_done(struct scsi_task *task)
{
    ends++;
}

static void on_changed(void *arg)
{
    changes++;
}

static void on_event(struct scsi_lu *unit, enum scsi_event event, int err)
{
    ejections += event == SCSI_EVENT_EJECTED;
}

static void insert(unsigned i)
{
    memory_store_init(&memory[i]);
    memset(memory[i].data, 'a' + (int)i, sizeof(memory[i].data));
    memory[i].store.read_only = true;
    scsi_change_medium(lu, &memory[i].store, on_changed, NULL);
}

static void begin(void)
{
    ends = changes = ejections = 0;
    lu = scsi_lu_new(NULL, true);
    lu->event = on_event;
    for (unsigned i = 0; i < 2; i++) {
        scsi_nexus_init(&nexus[i], 0x100000002 + i, lu);
        nexus[i].attention = 0;
    }
}

static void end(void)
{
    for (unsigned i = 0; i < 2; i++)
        scsi_nexus_fini(&nexus[i]);
    scsi_lu_free(lu);
}

// A command's sense, or 0.
static u32 command(unsigned who, const u8 *cdb, size_t size)
{
    last = (struct scsi_task){.nexus = &nexus[who], .data = data, .in_max = sizeof(data), .done = on_done};
    memcpy(last.cdb, cdb, size);
    int before = ends;
    scsi_start(&last);
    CHECK_EQ(ends, before + 1);
    return last.status ? SENSE(last.sense[2] & 15, last.sense[12], last.sense[13]) : 0;
}
#define RUN(who, ...) command(who, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))
#define READY(who)    RUN(who, 0, 0, 0, 0, 0, 0)

static void test_medium(void)
{
    begin();
    CHECK_EQ(READY(0), SENSE_NO_MEDIUM);
    CHECK_EQ(RUN(0, 0x12, 0, 0, 0, 96, 0), 0);
    CHECK_EQ(data[0], 5);
    CHECK_EQ(data[1], 0x80);
    CHECK_EQ(RUN(0, 0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0), SENSE_OPCODE); // a disk's
    insert(0);
    CHECK_EQ(changes, 1);
    CHECK_EQ(READY(0), 0x062800);
    CHECK_EQ(READY(1), 0x062800);
    CHECK_EQ(READY(0), 0);
    CHECK_EQ(RUN(0, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0);
    CHECK_EQ(load_be64(data), (u64)(MEMORY_SIZE / 2048 - 1) << 32 | 2048);
    memory[0].data[3 * 2048] = 'x';
    CHECK_EQ(RUN(0, 0x28, 0, 0, 0, 0, 3, 0, 0, 2, 0), 0);
    CHECK(last.in_size == 4096 && data[0] == 'x' && data[1] == 'a');
    CHECK_EQ(RUN(0, 0xbe, 0, 0, 0, 0, 3, 0, 0, 2, 0x10, 0, 0), 0);
    CHECK(last.in_size == 4096 && data[0] == 'x');
    CHECK_EQ(RUN(0, 0xbe, 0, 0, 0, 0, 3, 0, 0, 2, 0xf8, 0, 0), SENSE_TRACK_MODE);
    CHECK_EQ(RUN(0, 0x28, 0, 0, 0, 4, 0, 0, 0, 1, 0), SENSE_RANGE);
    // Not while a command has it.
    memory[0].held = true;
    struct scsi_task read = {.nexus = &nexus[0], .data = data, .in_max = 2048, .done = on_done, .cdb = {0x28, [8] = 1}};
    scsi_start(&read);
    scsi_change_medium(lu, NULL, on_changed, NULL);
    CHECK(changes == 1 && !memory[0].closed);
    CHECK_EQ(READY(0), SENSE_NO_MEDIUM);
    memory_store_release(&memory[0]);
    CHECK(changes == 2 && memory[0].closed && read.status == SCSI_GOOD);
    CHECK_EQ(READY(0), SENSE_NO_MEDIUM);
    end();
}

static void test_lock(void)
{
    begin();
    insert(0);
    READY(0);
    READY(1);
    CHECK_EQ(RUN(0, 0x1e, 0, 0, 0, 1, 0), 0);
    CHECK(scsi_locked(lu));
    CHECK_EQ(RUN(1, 0x1b, 0, 0, 0, 2, 0), SENSE_LOCKED);
    CHECK_EQ(RUN(0, 0x5a, 0x08, 0x2a, 0, 0, 0, 0, 0, 64, 0), 0);
    CHECK_EQ(data[8], 0x2a);
    CHECK_EQ(data[14] & 2, 2);
    CHECK_EQ(RUN(0, 0x1e, 0, 0, 0, 0, 0), 0);
    CHECK_EQ(RUN(1, 0x1b, 0, 0, 0, 2, 0), 0);
    CHECK(memory[0].closed && ejections == 1);
    CHECK_EQ(RUN(1, 0x1b, 0, 0, 0, 2, 0), 0); // again: nothing
    CHECK_EQ(ejections, 1);
    CHECK_EQ(RUN(1, 0x1b, 0, 0, 0, 3, 0), 0); // and there is nothing to load
    CHECK_EQ(READY(1), SENSE_NO_MEDIUM);
    // An initiator that logs in anew has forgotten its lock.
    insert(1);
    READY(0);
    RUN(0, 0x1e, 0, 0, 0, 1, 0);
    scsi_nexus_reset(&nexus[0]);
    CHECK(!scsi_locked(lu));
    // Stopped without leaving the drive.
    nexus[0].attention = 0;
    CHECK_EQ(RUN(0, 0x1b, 0, 0, 0, 0, 0), 0);
    CHECK_EQ(READY(0), SENSE_STOPPED);
    CHECK_EQ(RUN(0, 0x1b, 0, 0, 0, 1, 0), 0);
    CHECK_EQ(READY(0), 0);
    end();
}

static u32 media_event(unsigned who)
{
    CHECK_EQ(RUN(who, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8, 0), 0);
    CHECK_EQ(load_be32(data), 0x00060410);
    return (u32)data[4] << 8 | data[5];
}

static void test_events(void)
{
    begin();
    CHECK_EQ(media_event(0), 0);
    insert(0);
    CHECK_EQ(media_event(0), 0x0202); // although a unit attention waits
    CHECK_EQ(media_event(0), 0x0002);
    CHECK_EQ(READY(0), 0x062800);
    scsi_ask_to_eject(lu);
    CHECK_EQ(media_event(0), 0x0102);
    scsi_change_medium(lu, NULL, NULL, NULL);
    CHECK_EQ(media_event(0), 0x0300);
    CHECK_EQ(media_event(1), 0x0300); // each its own
    CHECK_EQ(RUN(0, 0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8, 0), SENSE_CDB);
    CHECK_EQ(RUN(0, 0x4a, 1, 0, 0, 0x02, 0, 0, 0, 8, 0), 0); // of classes that there are not
    CHECK(last.in_size == 4 && data[2] == 0x80);
    end();
}

static void test_contents(void)
{
    begin();
    insert(0);
    nexus[0].attention = 0;
    u32 sectors = MEMORY_SIZE / 2048;
    CHECK_EQ(RUN(0, 0x43, 0, 0, 0, 0, 0, 0, 0, 20, 0), 0);
    CHECK_EQ(load_be32(data), 0x00120101);
    CHECK(data[6] == 1 && load_be32(data + 8) == 0 && data[14] == 0xaa && load_be32(data + 16) == sectors);
    CHECK_EQ(RUN(0, 0x43, 2, 0, 0, 0, 0, 0xaa, 0, 20, 0), 0); // in minutes, seconds, frames
    CHECK_EQ(last.in_size, 12);
    CHECK_EQ((data[9] * 60u + data[10]) * 75 + data[11], sectors + 150);
    CHECK_EQ(RUN(0, 0x43, 0, 1, 0, 0, 0, 0, 0, 20, 0), 0); // sessions
    CHECK_EQ(last.in_size, 12);
    CHECK_EQ(RUN(0, 0x43, 0, 0, 0, 0, 0, 0, 0, 12, 0x40), 0); // as old drives are asked
    CHECK_EQ(RUN(0, 0x43, 0, 2, 0, 0, 0, 0, 0, 20, 0), SENSE_CDB);
    CHECK_EQ(RUN(0, 0x43, 0, 0, 0, 0, 0, 2, 0, 20, 0), SENSE_CDB); // the second track
    CHECK_EQ(RUN(0, 0x51, 0, 0, 0, 0, 0, 0, 0, 34, 0), 0);
    CHECK_EQ(load_be32(data), 0x00200e01);
    CHECK_EQ(RUN(0, 0x52, 1, 0, 0, 0, 1, 0, 0, 36, 0), 0);
    CHECK_EQ(load_be32(data + 24), sectors);
    CHECK_EQ(RUN(0, 0x52, 0, 0, 0, 0x40, 0, 0, 0, 36, 0), SENSE_RANGE);
    // What the drive can do, with a CD and without.
    CHECK_EQ(RUN(0, 0x46, 0, 0, 0, 0, 0, 0, 0, 255, 0), 0);
    CHECK_EQ(load_be32(data), last.in_size - 4);
    CHECK_EQ(load_be16(data + 6), 0x0008);
    u32 all = last.in_size, len = 0;
    for (u32 at = 8; at < all; at += 4u + data[at + 3])
        len++;
    CHECK_EQ(len, 6);
    CHECK_EQ(RUN(0, 0x46, 2, 0, 0x1e, 0, 0, 0, 0, 255, 0), 0);
    CHECK(last.in_size == 16 && data[10] & 1);
    scsi_change_medium(lu, NULL, NULL, NULL);
    CHECK_EQ(RUN(0, 0x46, 1, 0, 0, 0, 0, 0, 0, 255, 0), 0);
    CHECK(last.in_size < all && load_be16(data + 6) == 0);
    CHECK_EQ(RUN(0, 0x46, 3, 0, 0, 0, 0, 0, 0, 255, 0), SENSE_CDB);
    CHECK_EQ(RUN(0, 0x43, 0, 0, 0, 0, 0, 0, 0, 20, 0), SENSE_NO_MEDIUM);
    end();
}

int main(void)
{
    TEST(test_medium);
    TEST(test_lock);
    TEST(test_events);
    TEST(test_contents);
    return test_done();
}
