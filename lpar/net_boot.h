// SPDX-License-Identifier: Apache-2.0
// Loads a boot program from the network, by papr/netboot.h over an adapter of the partition.
#ifndef LPAR_NET_BOOT_H
#define LPAR_NET_BOOT_H

#include "lpar/boot_search.h"

// args: of the boot device, behind its path's colon, or "". Afterwards firmware has neither disks nor networks open, as the program may be a kernel, which takes the
// memory in which they are. false: there is none, which is noted.
bool net_boot(struct boot_search *s, struct vdev *lan, const char *args);

#endif
