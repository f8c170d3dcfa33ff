// SPDX-License-Identifier: Apache-2.0
// LoPAR "Interpartition Logical LAN". I/O bus addresses are offsets into the driver's memory.
#include "papr/of_llan.h"

#include <errno.h>
#include <libfdt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/endian.h"
#include "papr/hcall_int.h"
#include "papr/of.h"
#include "papr/tce.h"
#include "papr/vdev_ops.h"

#define PAGE         0x1000u
#define LIST         0u
#define FILTERS      PAGE
#define QUEUE        (2 * PAGE)
#define SEND         (3 * PAGE)
#define BUFFERS      (4 * PAGE)
#define BUFFER_SIZE  0x800u
#define BUFFERS_LEN  ((OF_LLAN_AREA - BUFFERS) / BUFFER_SIZE)

#define ENTRY        16u // of the queue
#define ENTRY_TOGGLE 0x80u
#define ENTRY_VALID  0x40u

#define VALID        0x8000000000000000ull // a descriptor: this, length, address
#define FRAME_MIN    60u
#define FRAME_MOST   1514u
#define SEND_TRIES   1000u
#define SPIN_NS      100000 // answers usually take less
#define NAP          (&(struct timespec){.tv_nsec = 50000})

struct of_llan {
    u64 area; // guest real; 0: none
    u32 slot; // of the adapter that is open; 0: none is
    u8 mac[6];
    u32 next;  // entry of the queue that comes next
    u8 toggle; // what it has when it is new
};

int of_llan_init(struct partition *lp)
{
    lp->firmware_lan = calloc(1, sizeof(*lp->firmware_lan));
    return lp->firmware_lan ? 0 : -ENOMEM;
}

void of_llan_fini(struct partition *lp)
{
    free(lp->firmware_lan);
    lp->firmware_lan = NULL;
}

void of_llan_set_area(struct partition *lp, u64 gra)
{
    lp->firmware_lan->area = gra;
}

struct vdev *of_llan_at(const struct partition *lp, u32 slot)
{
    struct vdev *vdev = slot < VIO_SLOTS ? vio_slot(lp, slot) : NULL;
    return vdev && vdev->ops->logical_lan ? vdev : NULL;
}

struct vdev *of_llan_get(const struct partition *lp, u32 index)
{
    for (u32 slot = 0; slot < VIO_SLOTS; slot++)
        if (of_llan_at(lp, slot) && index-- == 0)
            return of_llan_at(lp, slot);
    return NULL;
}

void of_llan_path(const struct vdev *vdev, char path[OF_LLAN_PATH_MAX])
{
    snprintf(path, OF_LLAN_PATH_MAX, "/vdevice/l-lan@%x", VIO_UNIT(vdev->slot));
}

static u8 *at(const struct partition *lp, u32 offset, u32 size)
{
    return guest_mem_at(&lp->mem, lp->firmware_lan->area + offset, size);
}

static bool map(struct partition *lp, const struct vdev *vdev, bool on)
{
    for (u64 page = 0; page < OF_LLAN_AREA; page += PAGE) {
        u64 args[] = {vdev->liobn, page, on ? (lp->firmware_lan->area + page) | TCE_READ | TCE_WRITE : 0};
        if (h_put_tce(lp->group.cpus[0], args) != H_SUCCESS)
            return false;
    }
    return true;
}

static long call(struct vdev *vdev, u32 number, u64 first, u64 second, u64 third, u64 fourth)
{
    u64 args[9] = {vdev->unit, first, second, third, fourth};
    return vdev->ops->logical_lan(vdev, number, args);
}

static u64 descriptor(u32 ioba, u32 size)
{
    return VALID | (u64)size << 32 | ioba;
}

static bool give_buffer(struct vdev *vdev, u32 index)
{
    return call(vdev, H_ADD_LOGICAL_LAN_BUFFER, descriptor(BUFFERS + index * BUFFER_SIZE, BUFFER_SIZE), 0, 0, 0) ==
           H_SUCCESS;
}

// NULL: none is.
static struct vdev *open_adapter(const struct partition *lp)
{
    return lp->firmware_lan->slot ? of_llan_at(lp, lp->firmware_lan->slot) : NULL;
}

// What the tree says, as the adapter itself does not.
static bool read_mac(const struct partition *lp, const struct vdev *vdev, u8 mac[6])
{
    char path[OF_LLAN_PATH_MAX];
    int size;
    of_llan_path(vdev, path);
    const void *value = fdt_getprop(of_tree(lp), fdt_path_offset(of_tree(lp), path), "local-mac-address", &size);
    if (!value || size != 6)
        return false;
    memcpy(mac, value, 6);
    return true;
}

int of_llan_open(struct partition *lp, struct vdev *vdev)
{
    struct of_llan *lan = lp->firmware_lan;
    u8 mac[8] = {0};
    if (open_adapter(lp))
        return -EBUSY;
    if (!lan->area || !read_mac(lp, vdev, mac + 2))
        return -ENODEV;
    long rc = map(lp, vdev, true)
                  ? call(vdev, H_REGISTER_LOGICAL_LAN, LIST, descriptor(QUEUE, PAGE), FILTERS, load_be64(mac))
                  : H_HARDWARE;
    if (rc == H_RESOURCE) // an OS has it, and its own window
        return -EBUSY;
    if (rc != H_SUCCESS) {
        map(lp, vdev, false);
        return -EIO;
    }
    lan->slot = vdev->slot;
    lan->next = 0;
    lan->toggle = ENTRY_TOGGLE;
    memcpy(lan->mac, mac + 2, 6);
    for (u32 i = 0; i < BUFFERS_LEN; i++) {
        store_be64(at(lp, BUFFERS + i * BUFFER_SIZE, 8), i);
        give_buffer(vdev, i);
    }
    return 0;
}

void of_llan_close(struct partition *lp)
{
    struct vdev *vdev = open_adapter(lp);
    lp->firmware_lan->slot = 0;
    if (!vdev)
        return;
    call(vdev, H_FREE_LOGICAL_LAN, 0, 0, 0, 0);
    map(lp, vdev, false);
}

bool of_llan_send(struct partition *lp, const void *frame, u32 size)
{
    struct vdev *vdev = open_adapter(lp);
    if (!vdev || !size || size > FRAME_MOST)
        return false;
    u8 *to = at(lp, SEND, FRAME_MOST);
    memset(to, 0, FRAME_MIN);
    memcpy(to, frame, size);
    u64 args[9] = {vdev->unit, descriptor(SEND, MAX(size, FRAME_MIN))};
    for (u32 i = 0; i < SEND_TRIES; i++) {
        long rc = vdev->ops->logical_lan(vdev, H_SEND_LOGICAL_LAN, args);
        if (rc != H_BUSY)
            return rc == H_SUCCESS;
        args[7] = args[0]; // the token of the next attempt
        args[0] = vdev->unit;
    }
    return false;
}

// What a new entry of the queue is about. Nobody but the guest itself and the adapter writes there, but the guest may write anything.
static u32 take_entry(struct partition *lp, struct vdev *vdev, void *frame, u32 size)
{
    struct of_llan *lan = lp->firmware_lan;
    const u8 *entry = at(lp, QUEUE + lan->next * ENTRY, ENTRY);
    u8 flags = entry[0];
    u32 offset = load_be16(entry + 2), length = load_be32(entry + 4);
    u64 index = load_be64(entry + 8);
    lan->next = (lan->next + 1) % (PAGE / ENTRY);
    if (!lan->next)
        lan->toggle ^= ENTRY_TOGGLE;
    if (index >= BUFFERS_LEN)
        return 0;
    bool good = flags & ENTRY_VALID && length && offset < BUFFER_SIZE && length <= BUFFER_SIZE - offset;
    if (good)
        memcpy(frame, at(lp, BUFFERS + (u32)index * BUFFER_SIZE + offset, length), MIN(length, size));
    store_be64(at(lp, BUFFERS + (u32)index * BUFFER_SIZE, 8), index);
    give_buffer(vdev, (u32)index);
    return good ? length : 0;
}

u32 of_llan_receive(struct partition *lp, void *frame, u32 size, s64 until)
{
    struct of_llan *lan = lp->firmware_lan;
    struct vdev *vdev = open_adapter(lp);
    s64 spin = clock_ns() + SPIN_NS;
    while (vdev && atomic_load(&lp->end) == END_NONE) {
        const u8 *entry = at(lp, QUEUE + lan->next * ENTRY, ENTRY);
        if ((__atomic_load_n(entry, __ATOMIC_ACQUIRE) & ENTRY_TOGGLE) == lan->toggle) {
            u32 got = take_entry(lp, vdev, frame, size);
            if (got)
                return got;
            continue;
        }
        s64 now = clock_ns();
        if (now >= until)
            break;
        if (now > spin)
            nanosleep(NAP, NULL);
        else
            sched_yield();
    }
    return 0;
}

const u8 *of_llan_mac(const struct partition *lp)
{
    return lp->firmware_lan->mac;
}
