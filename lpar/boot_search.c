// SPDX-License-Identifier: Apache-2.0
#include "lpar/boot_search.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpar/disk_boot.h"
#include "lpar/net_boot.h"
#include "papr/nvram.h"
#include "papr/of.h"
#include "papr/of_disk.h"
#include "papr/of_llan.h"
#include "papr/vdev_ops.h"

#define TRIED_MAX 64u // bits of what was tried

void boot_search_note(struct boot_search *s, const char *device, const char *fmt, ...)
{
    size_t len = strlen(s->why);
    va_list ap;
    va_start(ap, fmt);
    len += (size_t)snprintf(s->why + len, s->why_size - len, "%s%s: ", len ? "; " : "", device);
    if (len < s->why_size)
        vsnprintf(s->why + len, s->why_size - len, fmt, ap);
    va_end(ap);
}

static bool try_disk(struct boot_search *s, u32 index)
{
    if (index >= TRIED_MAX || s->tried_disks >> index & 1)
        return false;
    s->tried_disks |= 1ull << index;
    const struct of_disk *disk = of_disk_get(s->lp, index);
    return disk_boot(s, disk) && of_set_boot_disk(s->lp, disk) == 0;
}

static bool try_lan(struct boot_search *s, struct vdev *lan, const char *args)
{
    if (s->tried_lans >> lan->slot & 1)
        return false;
    s->tried_lans |= 1ull << lan->slot;
    return net_boot(s, lan, args);
}
static_assert(VIO_SLOTS <= 64, "a bit for each");

static bool try_disks(struct boot_search *s, bool disks, bool cdroms)
{
    for (u32 i = 0; i < of_disk_count(s->lp); i++)
        if ((of_disk_get(s->lp, i)->cdrom ? cdroms : disks) && try_disk(s, i))
            return true;
    return false;
}

static bool try_lans(struct boot_search *s)
{
    struct vdev *lan;
    for (u32 i = 0; (lan = of_llan_get(s->lp, i)); i++)
        if (try_lan(s, lan, ""))
            return true;
    return false;
}

// "/vdevice/l-lan@30000020:args"
static struct vdev *lan_by_path(const struct partition *lp, const char *path, const char **args)
{
    size_t len = strcspn(path, ":");
    struct vdev *lan;
    for (u32 i = 0; (lan = of_llan_get(lp, i)); i++) {
        char own[OF_LLAN_PATH_MAX];
        of_llan_path(lan, own);
        if (strlen(own) == len && strncmp(own, path, len) == 0) {
            *args = path[len] ? path + len + 1 : "";
            return lan;
        }
    }
    return NULL;
}

static bool try_path(struct boot_search *s, const char *path)
{
    const char *args;
    struct vdev *lan = lan_by_path(s->lp, path, &args);
    if (lan)
        return try_lan(s, lan, args);
    const struct of_disk *disk = of_disk_by_path(s->lp, path);
    if (!disk)
        boot_search_note(s, path, "there is no such device");
    for (u32 i = 0; disk && i < of_disk_count(s->lp); i++)
        if (of_disk_get(s->lp, i) == disk)
            return try_disk(s, i);
    return false;
}

bool boot_search_list(struct boot_search *s, const char *list)
{
    char *copy = strdup(list), *rest = NULL;
    bool loaded = false;
    for (char *word = copy ? strtok_r(copy, " \t\n", &rest) : NULL; word && !loaded;
         word = strtok_r(NULL, " \t\n", &rest)) {
        if (strcmp(word, "disk") == 0)
            loaded = try_disks(s, true, false);
        else if (strcmp(word, "cd") == 0)
            loaded = try_disks(s, false, true);
        else if (strcmp(word, "network") == 0)
            loaded = try_lans(s);
        else
            loaded = try_path(s, word);
    }
    free(copy);
    return loaded;
}

int boot_search_load(struct partition *lp, u64 low, u64 limit, const char *list, struct image *image, char *why,
                     size_t why_size)
{
    char saved[NVRAM_VALUE_MAX], tried[768] = "";
    struct boot_search s = {
        .lp = lp, .low = low, .limit = limit, .image = image, .why = tried, .why_size = sizeof(tried)};
    memset(image, 0, sizeof(*image));
    if (list) {
        if (boot_search_list(&s, list))
            return 0;
    } else if ((nvram_variable(lp, "boot-device", saved) && boot_search_list(&s, saved)) || try_disks(&s, true, true) ||
               try_lans(&s)) {
        return 0;
    }
    if (!*tried)
        snprintf(why, why_size, "there is no %s to boot from; give one with --disk%s, or a kernel with --kernel",
                 list ? "such device" : "disk", list ? " or --net" : "");
    else
        snprintf(why, why_size, "no %s has a boot program: %s; give a kernel with --kernel, or another --disk",
                 list || s.tried_lans ? "device" : "disk", tried);
    return -ENODEV;
}

u32 boot_devices(struct partition *lp, struct boot_device *devices, u32 max)
{
    u32 len = 0;
    struct vdev *lan;
    for (u32 i = 0; i < of_disk_count(lp) && len < max; i++) {
        devices[len] = (struct boot_device){.disk = of_disk_get(lp, i)};
        of_disk_path(lp, devices[len].disk, devices[len].path);
        len++;
    }
    for (u32 i = 0; (lan = of_llan_get(lp, i)) && len < max; i++) {
        devices[len] = (struct boot_device){.lan = lan};
        of_llan_path(lan, devices[len].path);
        len++;
    }
    return len;
}
