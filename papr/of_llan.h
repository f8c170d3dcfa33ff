// SPDX-License-Identifier: Apache-2.0
// Firmware's driver for virtual Ethernet adapters: for booting from the network, and for boot programs through the client interface. It uses the calls that the
// OS's driver uses, for one adapter at a time, and leaves the adapter as it was.
//
// Threads: the client interface's lock is held, or no thread runs.
#ifndef PAPR_OF_LLAN_H
#define PAPR_OF_LLAN_H

#include "papr/partition.h"

struct vdev;

int of_llan_init(struct partition *lp);
void of_llan_fini(struct partition *lp);

// Guest real memory that the driver works in, 4 KiB aligned, in the real mode area and claimed. Before that no adapter can be opened.
#define OF_LLAN_AREA 0x10000u
void of_llan_set_area(struct partition *lp, u64 gra);

// The adapters, in the order of their slots, or NULL. Any time.
struct vdev *of_llan_get(const struct partition *lp, u32 index);
// The one in a slot, or NULL.
struct vdev *of_llan_at(const struct partition *lp, u32 slot);

// "/vdevice/l-lan@30000020"
#define OF_LLAN_PATH_MAX 48u
void of_llan_path(const struct vdev *vdev, char path[OF_LLAN_PATH_MAX]);

// 0, or a negative errno: -EBUSY when another one is open, or an OS has it.
int of_llan_open(struct partition *lp, struct vdev *vdev);
// Whatever is open.
void of_llan_close(struct partition *lp);

// Of the open adapter. A frame of up to 1514 bytes; false: it was lost. The next frame's size, which may be larger than what was copied, or 0: none has come until then.
bool of_llan_send(struct partition *lp, const void *frame, u32 size);
u32 of_llan_receive(struct partition *lp, void *frame, u32 size, s64 until);

// The open adapter's address.
const u8 *of_llan_mac(const struct partition *lp);

#endif
