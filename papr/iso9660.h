// SPDX-License-Identifier: Apache-2.0
// Files of an ISO 9660 file system, as ECMA-119 lays it out, by their plain names. What is on the disk is not trusted.
#ifndef PAPR_ISO9660_H
#define PAPR_ISO9660_H

#include "papr/disk_label.h"

struct iso_file {
    u64 start, size; // bytes: one piece, all of it on the disk
    bool folder;
};

// A file by its path, with slashes or backslashes; upper and lower case are the same. false: it is not there.
bool iso_find(const struct disk_source *disk, const char *path, struct iso_file *file);

#endif
