// SPDX-License-Identifier: Apache-2.0
// A partition's life, from power on to its end, whoever manages it: `openlpar boot` (boot.c) or the daemon of a managed system (managed.c).
#ifndef LPAR_LIFE_H
#define LPAR_LIFE_H

#include <pthread.h>

#include "lpar/firmware.h"
#include "lpar/hold.h"
#include "lpar/image.h"
#include "lpar/vp.h"
#include "papr/partition.h"
#include "vdev/llan.h"

// What a partition boots. Files are descriptors, kept open: a restart reads them again.
struct life_image {
    const char *kernel_name, *initrd_name; // for complaints
    int kernel, initrd;                    // -1: the boot program of a disk; no initial RAM disk
    bool client_interface;                 // false: enter with a flattened tree, R5 = 0
    const char *devices;                   // to boot from (firmware.h); NULL: the usual order
};

#define LIFE_ADAPTERS_MAX 64u
// A virtual Ethernet adapter, attached at each start.
struct life_lan {
    struct llan_config config;
    struct ring_fds link; // stays the caller's
    struct llan *llan;    // NULL: not attached
};
#define LIFE_LANS_MAX 16u

struct life {
    struct partition lp;
    struct hold hold;
    struct image image;
    bool have_partition;
    pthread_mutex_t devices; // around what other threads than the processors' do with devices
    bool vty;                // there is a terminal
    bool there;              // under `devices`: life_hold()
    // Adapters that are attached at each start: see life_attach(). Under `devices` while the partition is there.
    struct vdev *adapters[LIFE_ADAPTERS_MAX];
    u32 adapters_len;
    struct life_lan lans[LIFE_LANS_MAX]; // set before life_create(), and by life_plug_lan()
    u32 lans_len;
    u32 starts;     // under `devices`: how often it was powered on
    char why[1024]; // what failed
};

// Before life_create(): an adapter of the partition's, which stays the caller's beyond life_fini(). It is attached at each start, and reset and detached at each end.
void life_attach(struct life *life, struct vdev *vdev);

// Each: 0, or a negative errno with `why`. life_load() may take as long as somebody sits at firmware's menus; it returns when the partition ends.
int life_create(struct life *life, const struct partition_config *config, const struct hv_ops *hv, void *hv_arg);
int life_load(struct life *life, const struct life_image *image);
// After an end that asks for it: as after life_create().
int life_restart(struct life *life);
void life_fini(struct life *life);

// The processors' state when the boot program is entered.
void life_boot_msr(const struct life *life, struct vps *vps);

// Between the two the partition is there and stays: not while it starts, ends or restarts. Any thread but the processors'. hold: false: it is not.
bool life_hold(struct life *life);
void life_release(struct life *life);

// Between the two, of a partition whose OS runs: an adapter more, which the OS has to take (papr/drc.h: drc_ask_slot), attached at each start from now on; or one
// less, which the OS gave back or never took. 0 or a negative errno.
int life_plug(struct life *life, struct vdev *vdev);
int life_plug_lan(struct life *life, const struct llan_config *config, const struct ring_fds *link);
void life_unplug(struct life *life, struct vdev *vdev);
void life_unplug_lan(struct life *life, u32 slot); // closes its link
// The place in `lans` of the Ethernet adapter in a slot; lans_len: there is none.
u32 life_find_lan(const struct life *life, u32 slot);

// Input is waiting; there is room for output again. Any thread.
void life_input_ready(struct life *life);
void life_output_ready(struct life *life);
// What the terminal still holds when the partition has ended.
void life_flush_output(struct life *life);

#endif
