// SPDX-License-Identifier: Apache-2.0
// Firmware's driver against an adapter whose server answers at once, and one that misbehaves.
#include "papr/of_vscsi.h"

#include <errno.h>

#include "papr/crq.h"
#include "papr/of.h"
#include "papr/of_disk.h"
#include "papr/tce.h"
#include "papr/test_partition.h"

#define SLOT   5u
#define AREA   0x40000u
#define BUFFER 0x200000u
#define BLOCKS 5000u

static struct partition *lp;
static struct vdev vdev;
static u8 disk_data[BLOCKS * 512];

static struct server {
    struct crq crq;
    u32 logins, commands, attention; // how often a unit attention comes before an answer
    u32 vanish;                      // the command after this many is answered by a transport event
    u32 most;
    bool refuse; // no server
    bool garbage;
} server;

static void reply(const u8 *element, const void *iu, u32 size)
{
    u8 out[CRQ_ELEMENT];
    memcpy(out, element, sizeof(out));
    u64 tag = load_be64((const u8 *)iu + 8);
    CHECK(tce_write(lp, vdev.liobn, load_be64(element + 8), iu, size));
    store_be64(out + 8, tag);
    CHECK(crq_put(&server.crq, out));
}

static u32 answer_command(const u8 *cdb, u64 lun, u64 ioba, u32 size)
{
    u8 data[36] = {0};
    u32 target = (u32)(lun >> 56) & 63;
    CHECK_EQ(lun << 8, 0);
    switch (cdb[0]) {
    case 0x12:
        data[0] = target == 1 ? 0 : target == 2 ? 5 : target == 3 ? 0 : 0x7f;
        CHECK(tce_write(lp, vdev.liobn, ioba, data, MIN(size, 36)));
        return 0;
    case 0x25:
        if (target == 3)
            return 0x020000; // not ready
        store_be32(data, (target == 1 ? BLOCKS : BLOCKS / 4) - 1);
        store_be32(data + 4, target == 1 ? 512 : 2048);
        CHECK(tce_write(lp, vdev.liobn, ioba, data, 8));
        return 0;
    case 0x28:
    case 0x2a: {
        u64 at = load_be32(cdb + 2) * (target == 1 ? 512ull : 2048ull);
        CHECK(at + size <= sizeof(disk_data) && size <= server.most);
        CHECK(cdb[0] == 0x28 ? tce_write(lp, vdev.liobn, ioba, disk_data + at, size)
                             : tce_read(lp, vdev.liobn, ioba, disk_data + at, size));
        return 0;
    }
    default: return 0x052000; // ILLEGAL REQUEST
    }
}

static void serve(const u8 *element)
{
    u8 iu[256] = {0}, info[148] = {0};
    u32 size = load_be16(element + 6);
    CHECK(size <= sizeof(iu) && tce_read(lp, vdev.liobn, load_be64(element + 8), iu, size));
    if (element[1] == 2) {
        CHECK_EQ(load_be32(iu), 3);
        store_be32(info + 116, server.most);
        CHECK(tce_write(lp, vdev.liobn, load_be64(iu + 16), info, load_be16(iu + 6)));
        reply(element, iu, size);
    } else if (iu[0] == 0) {
        server.logins++;
        iu[0] = server.garbage ? 0xc2 : 0xc0;
        reply(element, iu, 52);
    } else {
        server.commands++;
        if (server.vanish && !--server.vanish) {
            crq_put_event(&server.crq, CRQ_EVENT_MIGRATED);
            return;
        }
        u32 sense = server.attention
                        ? 0x062900
                        : answer_command(iu + 32, load_be64(iu + 20), load_be64(iu + 48), load_be32(iu + 60));
        server.attention -= server.attention > 0;
        CHECK_EQ(iu[5], iu[32] == 0x2a ? 0x10 : 0x01);
        u8 tag[8];
        memcpy(tag, iu + 8, 8);
        memset(iu, 0, sizeof(iu));
        memcpy(iu + 8, tag, 8);
        iu[0] = 0xc1;
        if (sense) {
            iu[18] = 2;
            iu[19] = 2;
            store_be32(iu + 28, 18);
            iu[36] = 0x70;
            iu[38] = (u8)(sense >> 16);
        }
        reply(element, iu, 36 + 18);
    }
}

static long reg_crq(struct vdev *v, u64 ioba, u64 size)
{
    return crq_register(&server.crq, ioba, size);
}

static long free_crq(struct vdev *v)
{
    crq_release(&server.crq);
    return H_SUCCESS;
}

static long send_crq(struct vdev *v, u64 high, u64 low)
{
    u8 element[CRQ_ELEMENT];
    if (server.refuse)
        return H_CLOSED;
    store_be64(element, high);
    store_be64(element + 8, low);
    if (element[0] == CRQ_INITIAL && element[1] == CRQ_INITIALISE)
        crq_put(&server.crq, (const u8[CRQ_ELEMENT]){CRQ_INITIAL, CRQ_INITIALISED});
    else if (element[0] == CRQ_COMMAND)
        serve(element);
    return H_SUCCESS;
}

static const struct vdev_ops ops = {.name = "v-scsi",
                                    .device_type = "vscsi",
                                    .compatible = "IBM,v-scsi",
                                    .reg_crq = reg_crq,
                                    .free_crq = free_crq,
                                    .send_crq = send_crq};

static void power_on(void)
{
    if (lp)
        partition_fini(lp);
    lp = test_partition(1, 1, LEVEL_V30);
    vdev = (struct vdev){.ops = &ops, .slot = SLOT, .window_size = 16 * MIB};
    server = (struct server){.crq.vdev = &vdev, .most = 0x20000, .attention = 1};
    CHECK(vio_add(lp, &vdev) == 0 && of_attached(lp) == 0 && of_reserve(lp, AREA, OF_DISK_AREA));
    of_disk_set_area(lp, AREA);
}

static void test_find(void)
{
    power_on();
    CHECK_EQ(of_disk_count(lp), 2);
    const struct of_disk *disk = of_disk_get(lp, 0), *cd = of_disk_get(lp, 1);
    CHECK(disk->lun == 0x8100000000000000 && !disk->cdrom && disk->block_size == 512 && disk->blocks == BLOCKS);
    CHECK(cd->lun == 0x8200000000000000 && cd->cdrom && cd->block_size == 2048);
    CHECK_EQ(disk->most, 0x100);
    CHECK_EQ(server.logins, 1);
    CHECK(of_disk_by_path(lp, "/vdevice/v-scsi@30000005/disk@8100000000000000") == disk);
}

static void test_move(void)
{
    power_on();
    const struct of_disk *disk = of_disk_get(lp, 0);
    for (u32 i = 0; i < sizeof(disk_data); i++)
        disk_data[i] = (u8)(i * 31 + i / 512);
    // more than one request, from and to the middle of pages
    CHECK_EQ(of_disk_copy(lp, disk, false, 512 * 7, BUFFER + 0x200, 0x90000), 0);
    CHECK(memcmp(guest_mem_at(&lp->mem, BUFFER + 0x200, 0x90000), disk_data + 512 * 7, 0x90000) == 0);
    server.attention = 3;
    CHECK_EQ(of_disk_copy(lp, disk, true, 512 * 2000, BUFFER + 0x200, 0x90000), 0);
    CHECK(memcmp(disk_data + 512 * 2000, disk_data + 512 * 7, 0x90000) == 0);
    // nothing stays mapped for data
    u8 byte;
    CHECK(!tce_read(lp, vdev.liobn, 0x100000, &byte, 1));
    of_disk_quiesce(lp);
    CHECK(!server.crq.size && !tce_read(lp, vdev.liobn, 0, &byte, 1));
}

static void test_server_lost(void)
{
    power_on();
    const struct of_disk *disk = of_disk_get(lp, 0);
    server.vanish = 2;
    CHECK_EQ(of_disk_copy(lp, disk, false, 0, BUFFER, 0x90000), 0);
    CHECK(memcmp(guest_mem_at(&lp->mem, BUFFER, 0x90000), disk_data, 0x90000) == 0);
    CHECK_EQ(server.logins, 2);
    server.attention = 1000; // never an answer
    CHECK_EQ(of_disk_copy(lp, disk, false, 0, BUFFER, 512), -EIO);
}

static void test_no_server(void)
{
    power_on();
    server.garbage = true;
    CHECK_EQ(of_disk_count(lp), 0);
    CHECK(!server.crq.size);

    power_on();
    CHECK_EQ(crq_register(&server.crq, 0, 4096), H_PARAMETER);
    server.refuse = true;
    partition_end(lp, END_POWER_OFF, "test"); // else it is waited for
    CHECK_EQ(of_disk_count(lp), 0);

    power_on();
    server.crq.size = 4096; // an OS has the queue
    CHECK_EQ(of_disk_count(lp), 0);
    CHECK_EQ(server.crq.size, 4096);
}

int main(void)
{
    TEST(test_find);
    TEST(test_move);
    TEST(test_server_lost);
    TEST(test_no_server);
    partition_fini(lp);
    return test_done();
}
