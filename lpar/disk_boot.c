// SPDX-License-Identifier: Apache-2.0
#include "lpar/disk_boot.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "papr/bootinfo.h"
#include "papr/disk_label.h"
#include "papr/iso9660.h"
#include "papr/nvram.h"
#include "papr/of.h"
#include "papr/of_disk.h"

#define PROGRAM_MAX (32 * MIB) // of a boot program; PReP partitions have some MiB
#define HEAD_SIZE   (64 * KIB) // what is read first of one

struct search {
    struct partition *lp;
    u64 limit;
    struct image *image;
    bool tried[64]; // disks, by their position
    char *why;      // grows
    size_t why_size;
};

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

PRINTF_LIKE(3, 4) static void note(struct search *s, const char *device, const char *fmt, ...)
{
    size_t len = strlen(s->why);
    va_list ap;
    va_start(ap, fmt);
    len += (size_t)snprintf(s->why + len, s->why_size - len, "%s%s: ", len ? "; " : "", device);
    if (len < s->why_size)
        vsnprintf(s->why + len, s->why_size - len, fmt, ap);
    va_end(ap);
}

// An ELF program in [offset, offset+size) of the disk, which may be larger than it.
static bool load_program(struct search *s, const struct reader *from, const char *name, u64 offset, u64 size)
{
    char reason[256];
    u8 *data = malloc(PROGRAM_MAX);
    u64 head = MIN(size, HEAD_SIZE);
    bool loaded = false;
    if (!data || of_disk_read(from->lp, from->disk, offset, data, head)) {
        note(s, name, data ? "it cannot be read" : "no memory");
    } else {
        u64 extent = MIN(MAX(image_elf_extent(data, head), head), MIN(size, PROGRAM_MAX));
        if (of_disk_read(from->lp, from->disk, offset + head, data + head, extent - head))
            note(s, name, "it cannot be read");
        else if (image_load_elf(&s->lp->mem, s->limit, data, extent, s->image, reason, sizeof(reason)))
            note(s, name, "%s", reason);
        else
            loaded = true;
    }
    free(data);
    return loaded;
}

static bool boot_cd(struct search *s, const struct reader *from, const char *path)
{
    struct disk_source source = {from->disk->block_size, of_disk_size(from->disk), read_disk, (void *)(uintptr_t)from};
    struct iso_file file;
    char text[BOOTINFO_MAX + 1], program[256];
    if (!iso_find(&source, "\\ppc\\bootinfo.txt", &file)) {
        note(s, path, "it has no \\ppc\\bootinfo.txt");
        return false;
    }
    u32 size = (u32)MIN(file.size, BOOTINFO_MAX);
    if (!read_disk((void *)(uintptr_t)from, file.start, text, size)) {
        note(s, path, "\\ppc\\bootinfo.txt cannot be read");
        return false;
    }
    text[size] = '\0';
    if (!bootinfo_program(text, program, sizeof(program)) || !iso_find(&source, program, &file)) {
        note(s, path, "its \\ppc\\bootinfo.txt names no program that is there");
        return false;
    }
    return load_program(s, from, path, file.start, file.size);
}

static bool boot_disk(struct search *s, const struct reader *from, const char *path)
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
        note(s, path, len ? "it has no PReP partition" : "it has no partition table");
    return false;
}

static bool try_disk(struct search *s, u32 index)
{
    struct reader from = {s->lp, of_disk_get(s->lp, index)};
    char path[OF_DISK_PATH_MAX];
    if (s->tried[index])
        return false;
    s->tried[index] = true;
    of_disk_path(s->lp, from.disk, path);
    bool loaded = from.disk->cdrom ? boot_cd(s, &from, path) : boot_disk(s, &from, path);
    return loaded && of_set_boot_disk(s->lp, from.disk) == 0;
}

// Paths, with blanks between them.
static bool try_listed(struct search *s, char *list)
{
    char *rest = NULL;
    for (char *path = strtok_r(list, " \t\n", &rest); path; path = strtok_r(NULL, " \t\n", &rest)) {
        const struct of_disk *disk = of_disk_by_path(s->lp, path);
        if (!disk)
            note(s, path, "there is no such disk");
        for (u32 i = 0; disk && i < of_disk_count(s->lp); i++)
            if (of_disk_get(s->lp, i) == disk && try_disk(s, i))
                return true;
    }
    return false;
}

int disk_boot_load(struct partition *lp, u64 limit, struct image *image, char *why, size_t why_size)
{
    char list[NVRAM_VALUE_MAX], tried[768] = "";
    struct search s = {.lp = lp, .limit = limit, .image = image, .why = tried, .why_size = sizeof(tried)};
    memset(image, 0, sizeof(*image));
    if (nvram_variable(lp, "boot-device", list) && try_listed(&s, list))
        return 0;
    for (u32 i = 0; i < of_disk_count(lp) && i < ARRAY_LEN(s.tried); i++)
        if (try_disk(&s, i))
            return 0;
    if (!of_disk_count(lp) && !*tried)
        snprintf(why, why_size, "there is no disk to boot from; give one with --disk, or a kernel with --kernel");
    else
        snprintf(why, why_size, "no disk has a boot program: %s; give a kernel with --kernel, or another --disk",
                 tried);
    return -ENODEV;
}
