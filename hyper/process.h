// SPDX-License-Identifier: Apache-2.0
// What a partition's process is made of: the program, its memory, the files that it boots from.
#ifndef HYPER_PROCESS_H
#define HYPER_PROCESS_H

#include "base/types.h"

// Starts the program `file` (beside this one) with the socket `name`, bound in `folder`, as descriptor 3 and nothing else that is ours.
// 0 or a negative errno.
int process_start_program(const char *folder, const char *name, const char *file, int *pid, int *pidfd);

// A regular file, not empty, for reading. The descriptor, or a negative errno; process_image_error() words it.
int process_open_image(const char *path);
const char *process_image_error(int err);

// A partition's memory, all zero, sealed against changes of its size. The descriptor or a negative errno.
int process_memory(const char *name, u64 size);

#endif
