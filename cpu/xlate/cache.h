// SPDX-License-Identifier: Apache-2.0
// A file of records that outlives the process: translated code by what it was translated from (xlate.c says what is in a record).
//
// The file belongs to one user and one key (build and host); one that is anything else, or damaged, counts as empty. It is never changed
// in place: who has something to add writes a new one beside it, with what others added meanwhile, and renames it. What was not
// used for longest is dropped when it becomes too large. Readers copy records out and check each one before it is used.
#ifndef CPU_XLATE_CACHE_H
#define CPU_XLATE_CACHE_H

#include <stddef.h>

#include "base/types.h"

#define CACHE_RECORD_MAX  (1 * MIB) // bytes of one record
#define CACHE_RECORDS_MAX 1000000u

struct cache;

// Bytes in any order of magnitude to a number: finds damage, not intent.
u64 cache_hash(const void *bytes, size_t size, u64 seed);

// Reads what there is. NULL: no memory. Never fails otherwise: with a file that cannot be used everything is new, and with a path that
// cannot be written nothing is kept. `max`: bytes of the file.
struct cache *cache_open(const char *path, u64 key, u64 max);

// Whether there are records by that name, from the file.
bool cache_has(const struct cache *c, u64 name);
// The n-th record by that name, the newest being 0, into `to`: its size, or 0 when there is none, or it is damaged, or does not fit.
// (Damaged ones leave a hole: *more says whether to go on.) *number: of the record among all of them. One thread at a time.
size_t cache_read(struct cache *c, u64 name, unsigned n, void *to, size_t size, bool *more, u32 *number);
// Another record. One thread at a time.
void cache_add(struct cache *c, u64 name, const void *bytes, size_t size);

// How many records were added since they were last written.
u32 cache_unwritten(const struct cache *c);
// Writes what was added, so that it is not lost when the process is. 0, or a negative errno: nothing is lost, it can be tried again. Does not
// wait for others who write. One thread at a time.
int cache_write(struct cache *c);

// Writes what was added, if anything, and frees everything. 0, or a negative errno when the file could not be written.
int cache_close(struct cache *c);

// How many records the file gave.
u32 cache_records(const struct cache *c);

#endif
