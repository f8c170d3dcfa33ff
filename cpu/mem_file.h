// SPDX-License-Identifier: Apache-2.0
// Guest memory in a file that somebody else made.
#ifndef CPU_MEM_FILE_H
#define CPU_MEM_FILE_H

#include "cpu/mem.h"

// As guest_mem_init(), in a file of that size; what was in it is gone. The descriptor is duplicated; -1: a file of its own. Only the first
// `present` bytes are memory to begin with: all, or whole blocks.
int guest_mem_init_file(struct guest_mem *mem, u64 size, u64 present, int fd);

#endif
