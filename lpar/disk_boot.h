// SPDX-License-Identifier: Apache-2.0
// Loads a boot program from a disk: from its PReP partition, or as a CD's \ppc\bootinfo.txt says. What is on disks is not trusted.
#ifndef LPAR_DISK_BOOT_H
#define LPAR_DISK_BOOT_H

#include "lpar/boot_search.h"

// false: the disk has none, which is noted.
bool disk_boot(struct boot_search *s, const struct of_disk *disk);

#endif
