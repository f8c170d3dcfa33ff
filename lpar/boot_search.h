// SPDX-License-Identifier: Apache-2.0
// Which device a partition boots from, when it was given no kernel: the order, and what was tried.
#ifndef LPAR_BOOT_SEARCH_H
#define LPAR_BOOT_SEARCH_H

#include "lpar/image.h"

struct of_disk;
struct vdev;

struct boot_search {
    // The caller's.
    struct partition *lp;
    u64 low, limit; // where a disk's boot program may lie
    struct image *image;
    char *why; // grows: what was tried, and why it was nothing
    size_t why_size;
    // The search's.
    u64 tried_disks, tried_lans; // by position
};

// A device that can be booted from.
struct boot_device {
    const struct of_disk *disk; // one of the two
    struct vdev *lan;
    char path[96];
};

// The devices in the order in which they are tried when nothing else is said: disks and CDs by their slots, then networks. How many; at most `max` are stored.
u32 boot_devices(struct partition *lp, struct boot_device *devices, u32 max);

// Paths and words, with blanks between them: "disk", "cd" and "network" stand for all devices of that kind. true: there is an image, and the tree says where it is from.
bool boot_search_list(struct boot_search *s, const char *list);

// The list, or without one (NULL) what the variable boot-device of the non-volatile memory lists and then all devices. 0, or -ENODEV with a sentence for `why`, which
// names what was tried.
int boot_search_load(struct partition *lp, u64 low, u64 limit, const char *list, struct image *image, char *why,
                     size_t why_size);

PRINTF_LIKE(3, 4) void boot_search_note(struct boot_search *s, const char *device, const char *fmt, ...);

#endif
