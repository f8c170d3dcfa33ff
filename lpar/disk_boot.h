// SPDX-License-Identifier: Apache-2.0
// Finds and loads a boot program: from the PReP partition of a disk, or as a CD's \ppc\bootinfo.txt says. What is on disks is not trusted.
#ifndef LPAR_DISK_BOOT_H
#define LPAR_DISK_BOOT_H

#include "lpar/image.h"

// Devices in the order of the variable boot-device of the non-volatile memory, then all others. 0, or a negative errno with `why`, which names
// what was tried: -ENODEV when no disk has a boot program. The tree then says where the program is from.
int disk_boot_load(struct partition *lp, u64 limit, struct image *image, char *why, size_t why_size);

#endif
