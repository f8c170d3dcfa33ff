// SPDX-License-Identifier: Apache-2.0
#include "papr/iso9660.h"

#include <string.h>
#include <strings.h>

#include "base/endian.h"

#define SECTOR           2048u
#define DESCRIPTOR_FIRST 16u
#define DESCRIPTORS_MAX  16u
#define PRIMARY          1u
#define ROOT_RECORD      156u       // of the primary descriptor
#define FOLDER_MAX       (1u << 20) // bytes of a folder that are looked at
#define RECORD_MIN       34u
#define FLAG_FOLDER      2u

// The piece that a folder's record describes. false: it is not on the disk.
static bool parse_record(const struct disk_source *disk, const u8 *record, struct iso_file *file)
{
    file->start = (u64)load_le32(record + 2) * SECTOR;
    file->size = load_le32(record + 10);
    file->folder = record[25] & FLAG_FOLDER;
    return file->start <= disk->size && file->size <= disk->size - file->start;
}

// "BOOTINFO.TXT;1", "POWERPC.;1": a version and an empty extension do not count.
static bool same_name(const u8 *name, u32 len, const char *wanted, size_t wanted_len)
{
    const u8 *version = memchr(name, ';', len);
    if (version)
        len = (u32)(version - name);
    if (len && name[len - 1] == '.')
        len--;
    return len == wanted_len && strncasecmp((const char *)name, wanted, len) == 0;
}

static bool find_in(const struct disk_source *disk, const struct iso_file *folder, const char *name, size_t name_len,
                    struct iso_file *file)
{
    u8 sector[SECTOR];
    for (u64 at = 0; at < MIN(folder->size, FOLDER_MAX); at += SECTOR) {
        if (folder->size - at < SECTOR || !disk->read(disk->arg, folder->start + at, sector, SECTOR))
            return false;
        // A record never crosses sectors; a length of zero ends this one.
        for (u32 pos = 0; pos + RECORD_MIN <= SECTOR && sector[pos];) {
            const u8 *record = sector + pos;
            u32 size = record[0], len = record[32];
            if (size < RECORD_MIN || pos + size > SECTOR || 33 + len > size)
                return false;
            if (same_name(record + 33, len, name, name_len))
                return parse_record(disk, record, file);
            pos += size;
        }
    }
    return false;
}

static bool find_root(const struct disk_source *disk, struct iso_file *root)
{
    u8 sector[SECTOR];
    for (u32 i = 0; i < DESCRIPTORS_MAX; i++) {
        u64 at = (u64)(DESCRIPTOR_FIRST + i) * SECTOR;
        if (disk->size < at + SECTOR || !disk->read(disk->arg, at, sector, SECTOR) ||
            memcmp(sector + 1, "CD001", 5) != 0)
            return false;
        if (sector[0] == PRIMARY)
            return parse_record(disk, sector + ROOT_RECORD, root) && root->folder;
    }
    return false;
}

bool iso_find(const struct disk_source *disk, const char *path, struct iso_file *file)
{
    if (!find_root(disk, file))
        return false;
    while (*path) {
        path += strspn(path, "/\\");
        size_t len = strcspn(path, "/\\");
        struct iso_file folder = *file;
        if (!len)
            break;
        if (!folder.folder || !find_in(disk, &folder, path, len, file))
            return false;
        path += len;
    }
    return !file->folder;
}
