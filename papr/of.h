// SPDX-License-Identifier: Apache-2.0
// The client interface: what a boot program asks of firmware before the OS runs. IEEE 1275, LoPAR "Client Interface".
//
// It serves the live device tree, memory claims, the console, and two methods that start everything else: instantiate-rtas and
// ibm,client-architecture-support. One thread of the partition runs while it is in use; calls are serialised by a lock all the
// same, as a guest may do as it likes.
#ifndef PAPR_OF_H
#define PAPR_OF_H

#include "papr/partition.h"

struct of_state;

// Builds the live tree of the powered-off partition. 0 or a negative errno.
int of_init(struct partition *lp);
void of_fini(struct partition *lp);

// Adapters were attached or detached: the live tree shows them. No thread runs, and the boot program has not. 0 or -ENOMEM.
int of_attached(struct partition *lp);

// Serves HCALL_CLIENT: `addr` is the guest real address of the argument array (32-bit big-endian cells). The value is R3 for the
// client: 0, or -1 when there is no such service or the array is no memory.
long of_client_call(struct cpu *cpu, u64 addr);

// Memory that belongs to the boot image: [addr, addr+size) cannot be claimed. false when there are too many ranges.
bool of_reserve(struct partition *lp, u64 addr, u64 size);

// Gives it back.
void of_release(struct partition *lp, u64 addr, u64 size);

// The disk that a path or an alias names, whatever its arguments are, or NULL. Before the processors run.
struct of_disk;
const struct of_disk *of_disk_by_path(struct partition *lp, const char *path);

// The boot program comes from this disk: /chosen and /aliases say so. Before the processors run. 0, or -ENOSPC.
int of_set_boot_disk(struct partition *lp, const struct of_disk *disk);

// The boot program comes from the network, through the adapter that the path names; `reply`: what configured it, from the BOOTP header on. As above.
int of_set_boot_network(struct partition *lp, const char *path, const void *reply, u32 reply_size);

// Writes the client interface's entry point at `addr` (OF_ENTRY_SIZE bytes, in memory).
#define OF_ENTRY_SIZE 32u
void of_place_entry(struct partition *lp, u64 addr);

// For an OS that skips the client interface: instantiates RTAS at rtas_addr and writes the flattened tree, complete, at fdt_addr.
// 0, or a negative errno when it does not fit below `limit`. *fdt_size is what it takes.
int of_flatten(struct partition *lp, u64 rtas_addr, u64 fdt_addr, u64 limit, u64 *fdt_size);

// The live tree, for the services that answer from it (read only, while no client call runs).
const void *of_tree(const struct partition *lp);

// The client program ran `quiesce`: the tree is now the OS's.
bool of_quiesced(const struct partition *lp);

#endif
