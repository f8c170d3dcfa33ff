// SPDX-License-Identifier: Apache-2.0
// Firmware's driver, and the methods of the client interface that use it, against an adapter that keeps LoPAR's rules.
#include "papr/of_llan.h"

#include <errno.h>
#include <libfdt.h>

#include "papr/of.h"
#include "papr/tce.h"
#include "papr/test_partition.h"
#include "papr/vdev_ops.h"

#define SLOT    5u
#define AREA    0x40000u
#define ARGS    0x10000u
#define TEXT    0x11000u
#define BUFFER  0x20000u
#define PATH    "/vdevice/l-lan@30000005"
#define BUFFERS 24u

static struct partition *lp;
static struct vdev vdev;
static const u8 mac[6] = {2, 0, 0, 0, 0, 5};
static u32 rets[2];

static struct adapter {
    bool open;
    u32 queue, queue_at, toggle;
    u32 buffers[64], len;
    u8 frame[1600];
    u32 size, busy; // busy: attempts that are still refused
    long refuse;    // what registering answers
} adapter;

static long lan_call(struct vdev *v, u32 number, u64 *args)
{
    switch (number) {
    case H_REGISTER_LOGICAL_LAN:
        if (adapter.refuse)
            return adapter.refuse;
        CHECK(!adapter.open && args[1] == 0 && args[3] == 0x1000 &&
              args[2] == (0x8000000000000000 | 0x1000ull << 32 | 0x2000));
        CHECK_EQ(args[4], 0x020000000005);
        adapter = (struct adapter){.open = true, .queue = 0x2000, .toggle = 0x80, .busy = adapter.busy};
        return H_SUCCESS;
    case H_FREE_LOGICAL_LAN: adapter.open = false; return H_SUCCESS;
    case H_ADD_LOGICAL_LAN_BUFFER:
        CHECK(adapter.open && adapter.len < BUFFERS);
        adapter.buffers[adapter.len++] = (u32)args[1];
        CHECK_EQ(args[1] >> 32, 0x80000800);
        return H_SUCCESS;
    case H_SEND_LOGICAL_LAN:
        if (adapter.busy) {
            CHECK(adapter.size == 0 || args[7] != 0);
            adapter.busy--;
            adapter.size = 1;
            args[0] = 77;
            return H_BUSY;
        }
        adapter.size = (u32)(args[1] >> 32) & 0xffffff;
        return tce_read(lp, v->liobn, (u32)args[1], adapter.frame, adapter.size) ? H_SUCCESS : H_PARAMETER;
    default: return H_PARAMETER;
    }
}

static void properties(const struct vdev *v, struct vdev_node *node)
{
    vdev_property(node, "local-mac-address", mac, 6);
}

static const struct vdev_ops ops = {.name = "l-lan",
                                    .device_type = "network",
                                    .compatible = "IBM,l-lan",
                                    .properties = properties,
                                    .logical_lan = lan_call};

// A frame of `size` bytes that begin with `first`, as the adapter delivers it.
static void deliver(u8 first, u32 size)
{
    u8 bytes[2040] = {first}, entry[16] = {0};
    CHECK(adapter.open && adapter.len > 0);
    u32 buffer = adapter.buffers[--adapter.len];
    CHECK(tce_read(lp, vdev.liobn, buffer, entry + 8, 8));
    CHECK(tce_write(lp, vdev.liobn, buffer + 8, bytes, size));
    store_be32(entry, (adapter.toggle | 0x40) << 24 | 8);
    store_be32(entry + 4, size);
    CHECK(tce_write(lp, vdev.liobn, adapter.queue + adapter.queue_at, entry, 16));
    adapter.queue_at += 16;
    if (adapter.queue_at == 0x1000) {
        adapter.queue_at = 0;
        adapter.toggle ^= 0x80;
    }
}

static void power_on(void)
{
    if (lp)
        partition_fini(lp);
    lp = test_partition(1, 1, LEVEL_V30);
    vdev = (struct vdev){.ops = &ops, .slot = SLOT, .window_size = 16 * MIB};
    adapter = (struct adapter){0};
    CHECK(vio_add(lp, &vdev) == 0 && of_attached(lp) == 0 && of_reserve(lp, AREA, OF_LLAN_AREA));
    of_llan_set_area(lp, AREA);
}

static void test_driver(void)
{
    u8 frame[2048], byte;
    power_on();
    CHECK(of_llan_get(lp, 0) == &vdev && !of_llan_get(lp, 1));
    CHECK_EQ(of_llan_receive(lp, frame, sizeof(frame), 0), 0);
    CHECK_EQ(of_llan_open(lp, &vdev), 0);
    CHECK_EQ(of_llan_open(lp, &vdev), -EBUSY);
    CHECK(memcmp(of_llan_mac(lp), mac, 6) == 0);
    CHECK_EQ(adapter.len, BUFFERS);
    // several times around the queue, each buffer given back
    for (u32 i = 0; i < 1000; i++) {
        deliver((u8)i, 60 + i);
        CHECK_EQ(of_llan_receive(lp, frame, sizeof(frame), 0), 60 + i);
        CHECK_EQ(frame[0], (u8)i);
        CHECK_EQ(adapter.len, BUFFERS);
        CHECK_EQ(of_llan_receive(lp, frame, sizeof(frame), 0), 0);
    }
    memset(frame, 0x55, sizeof(frame));
    CHECK(of_llan_send(lp, frame, 42));
    CHECK(adapter.size == 60 && adapter.frame[41] == 0x55 && adapter.frame[42] == 0);
    adapter.size = 0;
    adapter.busy = 3;
    CHECK(of_llan_send(lp, frame, 1514) && adapter.size == 1514);
    CHECK(!of_llan_send(lp, frame, 1515));
    of_llan_close(lp);
    CHECK(!adapter.open && !tce_read(lp, vdev.liobn, 0x4000, &byte, 1));
    CHECK(!of_llan_send(lp, frame, 60));
    adapter.refuse = H_RESOURCE;
    CHECK_EQ(of_llan_open(lp, &vdev), -EBUSY);
}

// What the guest itself writes into the queue reaches nothing.
static void test_wild_queue(void)
{
    u8 frame[2048], *entry;
    power_on();
    CHECK_EQ(of_llan_open(lp, &vdev), 0);
    entry = guest_mem_at(&lp->mem, AREA + 0x2000, 0x1000);
    for (u32 i = 0; i < 256; i++, entry += 16) {
        store_be32(entry, 0xc0000000 | (i & 1 ? 0xffff : 8));
        store_be32(entry + 4, i & 2 ? 0xffffffff : 0x7f9);
        store_be64(entry + 8, i & 4 ? ~0ull : i & 8 ? BUFFERS : 1);
        adapter.len = MIN(adapter.len, BUFFERS - 1);
        u32 got = of_llan_receive(lp, frame, sizeof(frame), 0);
        CHECK(got <= sizeof(frame));
    }
    of_llan_close(lp);
}

static u32 call(const char *service, const u32 *args, u32 nargs, u32 nrets)
{
    be32 array[12] = {be32_of(TEXT), be32_of(nargs), be32_of(nrets)};
    guest_mem_write(&lp->mem, TEXT, service, strlen(service) + 1);
    for (u32 i = 0; i < nargs; i++)
        array[3 + i] = be32_of(args[i]);
    guest_mem_write(&lp->mem, ARGS, array, sizeof(array));
    of_client_call(lp->group.cpus[0], ARGS);
    guest_mem_read(&lp->mem, ARGS, array, sizeof(array));
    for (u32 i = 0; i < nrets; i++)
        rets[i] = be32_get(array[3 + nargs + i]);
    return rets[0];
}

#define CALL(service, nrets, ...) \
    call(service, (const u32[]){__VA_ARGS__}, sizeof((const u32[]){__VA_ARGS__}) / sizeof(u32), nrets)

static void test_client_interface(void)
{
    static const char path[] = PATH ":speed=auto,duplex=auto,1.1.1.1,dummy,1.1.1.1,1.1.1.1,5,5,1.1.1.1,512";
    u8 bytes[4];
    power_on();
    guest_mem_write(&lp->mem, TEXT + 0x100, path, sizeof(path));
    u32 handle = CALL("open", 1, TEXT + 0x100);
    CHECK(handle && adapter.open);
    CHECK_EQ(CALL("open", 1, TEXT + 0x100), 0);
    CHECK_EQ(CALL("read", 1, handle, BUFFER, 1514), 0xfffffffe);
    deliver(0x77, 100);
    CHECK_EQ(CALL("read", 1, handle, BUFFER, 1514), 100);
    guest_mem_read(&lp->mem, BUFFER, bytes, 1);
    CHECK_EQ(bytes[0], 0x77);
    deliver(1, 100);
    CHECK_EQ(CALL("read", 1, handle, BUFFER, 10), 10);
    deliver(1, 100);
    CHECK_EQ(CALL("read", 1, handle, 0xfffffff0, 1514), ~0u);
    CHECK_EQ(CALL("write", 1, handle, BUFFER, 1514), 1514);
    CHECK_EQ(CALL("write", 1, handle, BUFFER, 4000), ~0u);
    CHECK_EQ(CALL("write", 1, handle, (u32)TEST_MEMORY - 10, 100), ~0u);
    CALL("close", 0, handle);
    CHECK(!adapter.open);
    CHECK_EQ(CALL("read", 1, handle, BUFFER, 1514), ~0u);
    handle = CALL("open", 1, TEXT + 0x100);
    CHECK(handle && adapter.open);
    call("quiesce", NULL, 0, 0);
    CHECK(!adapter.open);
    CHECK_EQ(CALL("write", 1, handle, BUFFER, 60), ~0u);
}

static void test_boot_network(void)
{
    power_on();
    CHECK_EQ(of_set_boot_network(lp, PATH, "answer", 6), 0);
    int chosen = fdt_path_offset(of_tree(lp), "/chosen"), size;
    CHECK_STR((const char *)fdt_getprop(of_tree(lp), chosen, "bootpath", NULL), PATH);
    const char *reply = fdt_getprop(of_tree(lp), chosen, "bootp-response", &size);
    CHECK(reply && size == 6 && memcmp(reply, "answer", 6) == 0);
}

int main(void)
{
    TEST(test_driver);
    TEST(test_wild_queue);
    TEST(test_client_interface);
    TEST(test_boot_network);
    partition_fini(lp);
    return test_done();
}
