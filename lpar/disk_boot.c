// SPDX-License-Identifier: Apache-2.0
#include "lpar/disk_boot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "papr/bootinfo.h"
#include "papr/disk_label.h"
#include "papr/iso9660.h"
#include "papr/of_disk.h"

#define PROGRAM_MAX (32 * MIB) // of a boot program; PReP partitions have some MiB
#define HEAD_SIZE   (64 * KIB) // what is read first of one

// What reads a disk.
struct reader {
    struct partition *lp;
    const struct of_disk *disk;
};

static bool read_disk(void *arg, u64 offset, void *to, u32 size)
{
    const struct reader *r = arg;
    return of_disk_read(r->lp, r->disk, offset, to, size) == 0;
}

// An ELF program in [offset, offset+size) of the disk, which may be larger than it.
static bool load_program(struct boot_search *s, const struct reader *from, const char *name, u64 offset, u64 size)
{
    char reason[256];
    u8 *data = malloc(PROGRAM_MAX);
    u64 head = MIN(size, HEAD_SIZE);
    bool loaded = false;
    if (!data || of_disk_read(from->lp, from->disk, offset, data, head)) {
        boot_search_note(s, name, data ? "it cannot be read" : "no memory");
    } else {
        u64 extent = MIN(MAX(image_elf_extent(data, head), head), MIN(size, PROGRAM_MAX));
        if (of_disk_read(from->lp, from->disk, offset + head, data + head, extent - head))
            boot_search_note(s, name, "it cannot be read");
        else if (image_load_elf(&s->lp->mem, s->limit, data, extent, s->image, reason, sizeof(reason)))
            boot_search_note(s, name, "%s", reason);
        else if (s->image->start < s->low)
            boot_search_note(s, name, "its boot program wants memory that is firmware's (below %llu KiB)",
                             (unsigned long long)s->low / KIB);
        else
            loaded = true;
    }
    free(data);
    return loaded;
}

static bool boot_cd(struct boot_search *s, const struct reader *from, const char *path)
{
    struct disk_source source = {from->disk->block_size, of_disk_size(from->disk), read_disk, (void *)(uintptr_t)from};
    struct iso_file file;
    char text[BOOTINFO_MAX + 1], program[256];
    if (!iso_find(&source, "\\ppc\\bootinfo.txt", &file)) {
        boot_search_note(s, path, "it has no \\ppc\\bootinfo.txt");
        return false;
    }
    u32 size = (u32)MIN(file.size, BOOTINFO_MAX);
    if (!read_disk((void *)(uintptr_t)from, file.start, text, size)) {
        boot_search_note(s, path, "\\ppc\\bootinfo.txt cannot be read");
        return false;
    }
    text[size] = '\0';
    if (!bootinfo_program(text, program, sizeof(program)) || !iso_find(&source, program, &file)) {
        boot_search_note(s, path, "its \\ppc\\bootinfo.txt names no program that is there");
        return false;
    }
    return load_program(s, from, path, file.start, file.size);
}

static bool boot_disk(struct boot_search *s, const struct reader *from, const char *path)
{
    struct disk_source source = {from->disk->block_size, of_disk_size(from->disk), read_disk, (void *)(uintptr_t)from};
    struct disk_partition parts[DISK_PARTITIONS_MAX];
    u32 len = disk_label_read(&source, parts), prep = 0;
    for (u32 i = 0; i < len; i++) {
        char name[OF_DISK_PATH_MAX + 16];
        if (!parts[i].prep)
            continue;
        prep++;
        snprintf(name, sizeof(name), "%s:%u", path, parts[i].number);
        if (load_program(s, from, name, parts[i].start, parts[i].size))
            return true;
    }
    if (!prep)
        boot_search_note(s, path, len ? "it has no PReP partition" : "it has no partition table");
    return false;
}

bool disk_boot(struct boot_search *s, const struct of_disk *disk)
{
    struct reader from = {s->lp, disk};
    char path[OF_DISK_PATH_MAX];
    of_disk_path(s->lp, disk, path);
    return disk->cdrom ? boot_cd(s, &from, path) : boot_disk(s, &from, path);
}
