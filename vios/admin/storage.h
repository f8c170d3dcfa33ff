// SPDX-License-Identifier: Apache-2.0
// Volume groups, logical volumes, storage pools and media, among themselves.
#ifndef VIOS_ADMIN_STORAGE_H
#define VIOS_ADMIN_STORAGE_H

#include "vios/admin/ios_int.h"

#define VOLUME_NAME_MAX  15u
#define BACKING_NAME_MAX 64u
#define LIBRARY          "VMLibrary"

// --- groups.c

struct group {
    char name[NAME_SIZE], identifier[40];
    u64 pp;          // bytes of a physical partition
    u64 total, used; // physical partitions
    u32 disks, present, volumes, mapped;
    bool active;
};

bool group_need(struct ios_call *call, const char *name, struct group *group);
// Of the disks that are operands from `from` on. The exit status, as of all below.
int group_make(struct ios_call *call, const char *name, u32 from);
int group_add_disk(struct ios_call *call, const struct group *group, const char *disk);
int group_remove(struct ios_call *call, const struct group *group);

// --- logical.c

enum { VOLUME_THICK = 1, VOLUME_INTERNAL = 2 }; // takes its space at once; only on what the VIOS has of its own

int volume_make(struct ios_call *call, const struct group *group, const char *name, const char *type, u64 size,
                u32 flags, u32 disks_from);
int volume_extend(struct ios_call *call, const char *name, u64 size, u32 disks_from);
int volume_remove(struct ios_call *call, const char *name);
u64 volume_size(struct ios *ios, const char *name);
// Whether a group, volume, pool or device has this name; says so.
bool storage_name_used(struct ios_call *call, const char *name);

// --- pools.c

int backing_remove(struct ios_call *call, const char *pool, const char *name);

// --- files.c: files of pools and of the library. 0 or a negative errno

int file_make(struct ios *ios, const char *path, u64 size, bool thick);
int file_grow(struct ios *ios, const char *path, u64 size, bool thick);
int file_copy(const char *from, const char *to);
int folder_make(struct ios *ios, const char *path);
// Where commands may read and write files: the home folder, and what the host's administrator listed in FOLDER/import_folders. Says why not.
bool home_path(struct ios_call *call, const char *name, bool reading, char path[PATH_SIZE]);

#endif
