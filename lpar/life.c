// SPDX-License-Identifier: Apache-2.0
#include "lpar/life.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "papr/of.h"
#include "papr/of_disk.h"
#include "papr/of_llan.h"
#include "papr/rtas.h"
#include "papr/sched.h"
#include "papr/tree.h"
#include "papr/vdev_ops.h"
#include "vdev/vty.h"
#include "cpu/msr.h"

PRINTF_LIKE(3, 4) static int fail(struct life *b, int err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(b->why, sizeof(b->why), fmt, ap);
    va_end(ap);
    return err;
}

// Our part of low memory: the client interface's entry, what disks and networks need, and the boot program's first stack, on which GRUB stays. LoPAR leaves
// the place to firmware.
#define FIRMWARE_LOW   0x8000u
#define FIRMWARE_DISKS 0x1000u
#define FIRMWARE_LAN   (FIRMWARE_DISKS + OF_DISK_AREA)
#define FIRMWARE_STACK 0x20000u
#define FIRMWARE_SIZE  (FIRMWARE_LAN + OF_LLAN_AREA + FIRMWARE_STACK)

static u64 align64k(u64 addr)
{
    return (addr + 0xffff) & ~0xffffull;
}

static u64 image_end(const struct image *image)
{
    return align64k(MAX(image->end, image->initrd + image->initrd_size));
}

// Firmware's memory, at `base`.
static void place_firmware(struct life *b, u64 base)
{
    of_place_entry(&b->lp, base);
    of_reserve(&b->lp, base, FIRMWARE_SIZE);
    of_disk_set_area(&b->lp, base + FIRMWARE_DISKS);
    of_llan_set_area(&b->lp, base + FIRMWARE_LAN);
}

// Registers at the boot program's entry. IEEE 1275 PowerPC binding: R1 stack, R5 client interface; Linux: R3, R4 initial RAM disk.
static void enter_client(struct life *b, u64 firmware)
{
    const struct image *image = &b->image;
    struct cpu *cpu = b->lp.group.cpus[0];
    of_reserve(&b->lp, image->start, image->end - image->start);
    if (image->initrd_size)
        of_reserve(&b->lp, image->initrd, image->initrd_size);
    cpu->gpr[1] = firmware + FIRMWARE_SIZE - 0x200;
    cpu->gpr[4] = image->initrd_size;
    cpu->gpr[5] = firmware;
    sched_start_boot(cpu, image->entry, image->initrd);
}

static int enter_kernel(struct life *b, u64 limit)
{
    u64 base = b->image.start >= FIRMWARE_LOW + FIRMWARE_SIZE ? FIRMWARE_LOW : image_end(&b->image);
    if (base + FIRMWARE_SIZE > limit)
        return fail(b, -ENOMEM,
                    "the kernel and the initial RAM disk leave no memory for firmware; give more with --memory");
    place_firmware(b, base);
    enter_client(b, base);
    return 0;
}

// From a device: firmware must be there first.
static int load_from_device(struct life *b, const struct life_image *from, u64 limit)
{
    struct firmware fw = {.lp = &b->lp,
                          .low = FIRMWARE_LOW + FIRMWARE_SIZE,
                          .limit = limit,
                          .list = from->devices,
                          .image = &b->image,
                          .why = b->why,
                          .why_size = sizeof(b->why)};
    enum boot_mode mode = BOOT_MODE_NORMAL;
    if (b->starts == 1) // restarts boot as usual
        boot_mode_parse(b->lp.config.boot_mode, &mode);
    place_firmware(b, FIRMWARE_LOW);
    int err = firmware_boot(&fw, mode);
    if (err)
        return err;
    if (b->image.start < fw.low) { // a kernel from the network: firmware makes room
        of_release(&b->lp, FIRMWARE_LOW, FIRMWARE_SIZE);
        return enter_kernel(b, limit);
    }
    enter_client(b, FIRMWARE_LOW);
    return 0;
}

// Without the client interface: R3 flattened tree, R4 where the kernel is, R5 zero.
static int enter_flat(struct life *b, u64 limit)
{
    struct cpu *cpu = b->lp.group.cpus[0];
    u64 rtas = image_end(&b->image), fdt = align64k(rtas + RTAS_BLOB_SIZE), size;
    int err = of_flatten(&b->lp, rtas, fdt, limit, &size);
    if (err)
        return fail(b, -ENOMEM,
                    "the kernel and the initial RAM disk leave no memory for the device tree; give more with --memory");
    u64 stack = align64k(fdt + size) + 0x10000;
    if (stack > limit)
        return fail(b, -ENOMEM,
                    "the kernel and the initial RAM disk leave no memory for a stack; give more with --memory");
    cpu->gpr[1] = stack - 0x200;
    cpu->gpr[4] = b->image.start;
    cpu->gpr[5] = 0;
    cpu->gpr[6] = 0x65504150; // ePAPR's magic number for boot wrappers
    cpu->gpr[7] = limit;
    sched_start_boot(cpu, b->image.entry, fdt);
    return 0;
}

int life_load(struct life *b, const struct life_image *from)
{
    u64 limit = tree_rma_size(&b->lp.config);
    if (from->kernel < 0)
        return load_from_device(b, from, limit);
    int err = image_load_files(&b->lp.mem, limit, from->kernel, from->kernel_name, from->initrd, from->initrd_name,
                               &b->image, b->why, sizeof(b->why));
    if (err)
        return err;
    b->lp.config.initrd_addr = b->image.initrd;
    b->lp.config.initrd_size = b->image.initrd_size;
    return from->client_interface ? enter_kernel(b, limit) : enter_flat(b, limit);
}

static void remove_lans(struct life *b)
{
    for (u32 i = 0; i < b->lans_len; i++) {
        llan_free(b->lans[i].llan, false);
        b->lans[i].llan = NULL;
    }
}

static int add_lans(struct life *b)
{
    for (u32 i = 0; i < b->lans_len; i++) {
        struct life_lan *lan = &b->lans[i];
        lan->llan = llan_new(&b->lp, &lan->config, &lan->link);
        if (!lan->llan)
            return fail(b, -errno, "the Ethernet adapter in slot %u: %s", lan->config.slot, strerror(errno));
    }
    int err = b->lans_len ? of_attached(&b->lp) : 0;
    return err ? fail(b, err, "the device tree: %s", strerror(-err)) : 0;
}

static int add_devices(struct life *b)
{
    int err = vty_init(&b->lp);
    if (err)
        return fail(b, err, "the console: %s", strerror(-err));
    b->vty = true;
    err = add_lans(b);
    if (err)
        return err;
    for (u32 i = 0; !err && i < b->adapters_len; i++)
        err = vio_add(&b->lp, b->adapters[i]);
    if (!err && b->adapters_len)
        err = of_attached(&b->lp);
    if (err)
        return fail(b, err, "virtual adapters: %s", strerror(-err));
    pthread_mutex_lock(&b->devices);
    b->there = true;
    b->starts++;
    pthread_mutex_unlock(&b->devices);
    return 0;
}

void life_attach(struct life *b, struct vdev *vdev)
{
    assert(b->adapters_len < LIFE_ADAPTERS_MAX);
    b->adapters[b->adapters_len++] = vdev;
}

static void remove_devices(struct life *b)
{
    pthread_mutex_lock(&b->devices);
    b->there = false;
    pthread_mutex_unlock(&b->devices);
    remove_lans(b);
    // First all of them lose their memory, then the windows to it go.
    for (u32 i = 0; i < b->adapters_len; i++) {
        if (vio_slot(&b->lp, b->adapters[i]->slot) == b->adapters[i] && b->adapters[i]->ops->reset)
            b->adapters[i]->ops->reset(b->adapters[i]);
    }
    for (u32 i = 0; i < b->adapters_len; i++)
        vio_remove(&b->lp, b->adapters[i]);
    if (b->vty)
        vty_fini(&b->lp);
    b->vty = false;
}

int life_plug(struct life *b, struct vdev *vdev)
{
    int err = b->adapters_len < LIFE_ADAPTERS_MAX ? vio_plug(&b->lp, vdev) : -ENOSPC;
    if (!err)
        b->adapters[b->adapters_len++] = vdev;
    return err;
}

void life_unplug(struct life *b, struct vdev *vdev)
{
    u32 i = 0;
    while (i < b->adapters_len && b->adapters[i] != vdev)
        i++;
    if (i == b->adapters_len)
        return;
    vio_unplug(&b->lp, vdev);
    b->adapters_len--;
    memmove(&b->adapters[i], &b->adapters[i + 1], (b->adapters_len - i) * sizeof(struct vdev *));
}

int life_plug_lan(struct life *b, const struct llan_config *config, const struct ring_fds *link)
{
    if (b->lans_len == LIFE_LANS_MAX)
        return -ENOSPC;
    struct life_lan *lan = &b->lans[b->lans_len];
    struct llan_config hot = *config;
    hot.hot = true;
    *lan = (struct life_lan){*config, *link, llan_new(&b->lp, &hot, link)};
    if (!lan->llan)
        return -errno;
    b->lans_len++;
    return 0;
}

u32 life_find_lan(const struct life *b, u32 slot)
{
    u32 i = 0;
    while (i < b->lans_len && b->lans[i].config.slot != slot)
        i++;
    return i;
}

void life_unplug_lan(struct life *b, u32 slot)
{
    u32 i = life_find_lan(b, slot);
    if (i == b->lans_len)
        return;
    llan_free(b->lans[i].llan, true);
    ring_close_fds(&b->lans[i].link);
    b->lans_len--;
    memmove(&b->lans[i], &b->lans[i + 1], (b->lans_len - i) * sizeof(b->lans[0]));
}

int life_create(struct life *b, const struct partition_config *config, const struct hv_ops *hv, void *hv_arg)
{
    const char *why = NULL;
    pthread_mutex_init(&b->devices, NULL);
    int err = partition_init(&b->lp, config, hv, hv_arg, &why);
    if (err == -ENOMEM)
        return fail(b, err, "%s; give less with --memory or --vcpus", why);
    if (err)
        return fail(b, err, "%s: %s", why, strerror(-err));
    b->have_partition = true;
    hold_init(&b->hold, &b->lp);
    return add_devices(b);
}

int life_restart(struct life *b)
{
    const char *why = NULL;
    remove_devices(b);
    hold_fini(&b->hold);
    int err = partition_reset(&b->lp, &why);
    if (err) {
        b->have_partition = false;
        return fail(b, err, "restart: %s: %s", why, strerror(-err));
    }
    hold_init(&b->hold, &b->lp);
    return add_devices(b);
}

void life_fini(struct life *b)
{
    if (!b->have_partition)
        return;
    remove_devices(b);
    hold_fini(&b->hold);
    partition_fini(&b->lp);
    b->have_partition = false;
}

void life_boot_msr(const struct life *b, struct vps *vps)
{
    vps->boot_msr_set = b->image.little_endian ? MSR_LE : 0;
    vps->boot_msr_clear = b->image.narrow ? MSR_SF : 0;
}

bool life_hold(struct life *b)
{
    pthread_mutex_lock(&b->devices);
    bool there = b->there;
    if (!there)
        pthread_mutex_unlock(&b->devices);
    return there;
}

void life_release(struct life *b)
{
    pthread_mutex_unlock(&b->devices);
}

void life_input_ready(struct life *b)
{
    pthread_mutex_lock(&b->devices);
    if (b->there)
        vty_input_ready(&b->lp);
    pthread_mutex_unlock(&b->devices);
}

void life_output_ready(struct life *b)
{
    pthread_mutex_lock(&b->devices);
    if (b->there)
        vty_flush(&b->lp);
    pthread_mutex_unlock(&b->devices);
}

void life_flush_output(struct life *b)
{
    for (unsigned i = 0; i < 10000 && !vty_flush(&b->lp); i++)
        usleep(1000);
}
