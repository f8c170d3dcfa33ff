// SPDX-License-Identifier: Apache-2.0
// Non-volatile memory. LoPAR "NVRAM": partitions with 16-byte headers.
#ifndef PAPR_NVRAM_H
#define PAPR_NVRAM_H

#include "papr/partition.h"

#define NVRAM_SIZE 0x10000u

// A formatted NVRAM: a `common` partition and one for the OS. 0 or a negative errno.
int nvram_init(struct partition *lp);
void nvram_fini(struct partition *lp);

// Takes over saved contents (NVRAM_SIZE bytes); before the partition runs.
void nvram_restore(struct partition *lp, const u8 *data);

// Any thread. false when [offset, offset+size) is not all inside.
bool nvram_read(struct partition *lp, u32 offset, void *to, u32 size);
bool nvram_write(struct partition *lp, u32 offset, const void *from, u32 size);

// A variable of the partition "common" ("name=value"): false when there is none, or it is longer.
#define NVRAM_VALUE_MAX 1024u
bool nvram_variable(const struct partition *lp, const char *name, char value[NVRAM_VALUE_MAX]);

// Sets one, or takes it away (value NULL). false: the name or the value cannot be kept so, or there is no room.
bool nvram_set_variable(struct partition *lp, const char *name, const char *value);

// Each one's name and value, as they are at this moment.
void nvram_each_variable(const struct partition *lp, void (*each)(void *arg, const char *name, const char *value),
                         void *arg);

#endif
