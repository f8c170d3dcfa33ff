// SPDX-License-Identifier: Apache-2.0
// The names and modes of the system's virtual switches: ETHERNET0, which every system has, those that somebody made (chhwres --rsubtype vswitch), and those that adapters name.
#ifndef HYPER_VSWITCH_H
#define HYPER_VSWITCH_H

#include "hyper/system.h"

#define VSWITCH_FIRST "ETHERNET0"
#define VSWITCHES_MAX 64u
#define VSWITCH_NAME  32u

struct vswitch {
    char name[VSWITCH_NAME];
    bool vepa;
    u8 vlans[4096 / 8]; // of its adapters, a bit for each
};

// Room for VSWITCHES_MAX; how many there are, ETHERNET0 first.
u32 vswitch_list(const struct sys *sys, struct vswitch *all);
bool vswitch_is_vepa(const struct sys *sys, const char *name);

// 0, or -1 with the answer.
int vswitch_create(struct sys *sys, const struct wire_message *m, struct answer *answer);
int vswitch_remove(struct sys *sys, const struct wire_message *m, struct answer *answer);
int vswitch_change(struct sys *sys, const struct wire_message *m, struct answer *answer);

#endif
