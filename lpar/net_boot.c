// SPDX-License-Identifier: Apache-2.0
#include "lpar/net_boot.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lpar/fw_console.h"
#include "papr/hv_ops.h"
#include "papr/netboot.h"
#include "papr/of.h"
#include "papr/of_disk.h"
#include "papr/of_llan.h"
#include "papr/vdev_ops.h"

#define PROGRAM_MAX (256 * MIB)
#define REPORT_STEP (16 * MIB) // bytes between two dots

struct file {
    struct partition *lp;
    u8 *data;
    size_t size, room, reported;
};

static void send_frame(void *arg, const u8 *frame, u32 size)
{
    of_llan_send(arg, frame, size);
}

static u32 receive_frame(void *arg, u8 frame[NETBOOT_FRAME_MAX], s64 until)
{
    u32 got = of_llan_receive(arg, frame, NETBOOT_FRAME_MAX, until);
    return got <= NETBOOT_FRAME_MAX ? got : 0;
}

static s64 now(void *arg)
{
    return clock_ns();
}

static bool over(void *arg)
{
    return atomic_load(&((struct partition *)arg)->end) != END_NONE;
}

static const struct netboot_ops ops = {send_frame, receive_frame, now, over};

static bool take(void *arg, const u8 *data, u32 size)
{
    struct file *f = arg;
    if (size > PROGRAM_MAX - f->size)
        return false;
    if (size > f->room - f->size) {
        size_t room = MAX(f->room * 2, 1 * MIB);
        u8 *larger = realloc(f->data, room);
        if (!larger)
            return false;
        f->data = larger;
        f->room = room;
    }
    memcpy(f->data + f->size, data, size);
    f->size += size;
    if (f->size - f->reported >= REPORT_STEP) {
        fw_print(f->lp, ".");
        f->reported = f->size;
    }
    return true;
}

static bool fetch(struct boot_search *s, struct netboot *net, const char *path, struct file *file)
{
    char why[256], address[NETBOOT_ADDRESS_MAX], server[NETBOOT_ADDRESS_MAX];
    struct partition *lp = s->lp;
    fw_print(lp, "Network: %s", path);
    if (netboot_configure(net, why, sizeof(why))) {
        fw_print(lp, ": %s\n", why);
        boot_search_note(s, path, "%s", why);
        return false;
    }
    fw_print(lp, ", address %s, file %s from %s ", netboot_address(net->address, address), net->file,
             netboot_address(net->server, server));
    if (netboot_fetch(net, take, file, why, sizeof(why))) {
        fw_print(lp, ": %s\n", why);
        boot_search_note(s, path, "%s", why);
        return false;
    }
    fw_print(lp, "%zu bytes\n", file->size);
    return true;
}

bool net_boot(struct boot_search *s, struct vdev *lan, const char *args)
{
    struct partition *lp = s->lp;
    struct netboot net = {.ops = &ops, .arg = lp};
    struct file file = {.lp = lp};
    char path[OF_LLAN_PATH_MAX], reason[256];
    of_llan_path(lan, path);
    if (of_llan_open(lp, lan)) {
        boot_search_note(s, path, "the adapter cannot be opened");
        return false;
    }
    memcpy(net.mac, of_llan_mac(lp), sizeof(net.mac));
    netboot_parse_args(args, &net.args);
    lp->hv->random(lp->hv_arg, &net.id, sizeof(net.id));
    bool loaded = fetch(s, &net, path, &file);
    of_llan_close(lp);
    if (loaded)
        of_disk_quiesce(lp);
    if (loaded && image_load_elf(&lp->mem, s->limit, file.data, file.size, s->image, reason, sizeof(reason))) {
        boot_search_note(s, path, "%s: %s", net.file, reason);
        loaded = false;
    }
    free(file.data);
    return loaded && of_set_boot_network(lp, path, net.reply, net.reply_size) == 0;
}
