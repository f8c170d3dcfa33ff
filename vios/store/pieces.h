// SPDX-License-Identifier: Apache-2.0
// A disk that is pieces of several files: a logical volume.
#ifndef VIOS_STORE_PIECES_H
#define VIOS_STORE_PIECES_H

#include "proto/vio/config.h"
#include "vios/store/store.h"

// Takes the files, which pieces name by number, and the descriptor of a state file (-1: none) over. Identity, block size and name are those of `like`. NULL: no memory, and
// they are still the caller's.
struct store *pieces_new(const struct store *like, struct store *const *files, u32 files_len,
                         const struct vios_piece *pieces, u32 len, int state);

// `store` becomes what `larger` is, which begins with the same pieces and is no more then. Operations under way go on. Otherwise -EINVAL or -ENOMEM, and both stay.
int pieces_grow(struct store *store, struct store *larger);

#endif
