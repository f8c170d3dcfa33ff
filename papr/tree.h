// SPDX-License-Identifier: Apache-2.0
// The partition's device tree: what it has and what was negotiated. LoPAR "Device Tree", Linux Documentation/powerpc.
#ifndef PAPR_TREE_H
#define PAPR_TREE_H

#include "papr/partition.h"

// A new tree in a block of its own, with room to grow (free() it). NULL: no memory.
void *tree_build(const struct partition *lp);

// Only the node of a processor, which the partition may not have yet, and where it hangs: *node is its offset. As tree_build().
void *tree_build_cpu(const struct partition *lp, u32 vcpu, int *node);

// Only the node of what is in a virtual slot, as above; NULL also: nothing is.
void *tree_build_slot(const struct partition *lp, u32 slot, int *node);

// Real mode area: the memory that memory@0 describes, bytes. The OS never gives it back.
u64 tree_rma_size(const struct partition_config *config);

// Machine type and model, serial number, and the system's location code: what vital product data say.
#define TREE_IDENTITY_MAX 64u
void tree_identity(const struct partition *lp, char type[TREE_IDENTITY_MAX], char serial[TREE_IDENTITY_MAX],
                   char location[TREE_IDENTITY_MAX]);

// Logical memory block that suits an amount of memory, bytes: LMB_SIZE, or smaller when the memory is no multiple of it.
u64 tree_lmb_size(u64 memory);

// Connector indices. LoPAR "Dynamic Reconfiguration Connectors (DRC)"
#define DRC_CPU 0x10000000u
#define DRC_PHB 0x20000001u // a PCI host bridge that nobody has: drmgr looks below nodes with connectors only, beginning at the root
#define DRC_VIO 0x30000000u
#define DRC_LMB 0x80000000u

// Path of the console's node.
#define TREE_CONSOLE_PATH "/vdevice/vty@30000000"

#endif
