// SPDX-License-Identifier: Apache-2.0
#include "papr/disk_label.h"

#include <string.h>

#include "base/endian.h"

#define BLOCK_MAX 4096u

// MBR: four entries, the type of each, first block and how many, little-endian.
#define MBR_ENTRIES    446u
#define MBR_ENTRY_SIZE 16u
#define MBR_PREP       0x41u
#define MBR_GPT        0xeeu
#define LOGICAL_FIRST  5u
#define LOGICAL_LINKS  60u

// UEFI "GUID Partition Table": the header in block 1 and in the last one.
#define GPT_ENTRIES_MAX    DISK_PARTITIONS_MAX
#define GPT_ENTRY_SIZE_MAX 512u
#define GPT_HEADER_SIZE    92u

// 9E1A2D38-C612-4316-AA26-8B49521E5A8B, as it is stored
static const u8 gpt_prep[16] = {0x38, 0x2d, 0x1a, 0x9e, 0x12, 0xc6, 0x16, 0x43,
                                0xaa, 0x26, 0x8b, 0x49, 0x52, 0x1e, 0x5a, 0x8b};

struct list {
    const struct disk_source *disk;
    struct disk_partition *parts;
    u32 len;
};

// Blocks [first, first+count) when they are on the disk.
static void add(struct list *list, u32 number, u64 first, u64 count, bool prep)
{
    u64 blocks = list->disk->size / list->disk->block_size;
    if (!count || first >= blocks || count > blocks - first || list->len == DISK_PARTITIONS_MAX)
        return;
    list->parts[list->len++] = (struct disk_partition){
        .number = number,
        .prep = prep,
        .start = first * list->disk->block_size,
        .size = count * list->disk->block_size,
    };
}

static bool read_block(const struct disk_source *disk, u64 block, u8 *to)
{
    return block < disk->size / disk->block_size &&
           disk->read(disk->arg, block * disk->block_size, to, disk->block_size);
}

static u32 crc32_of(u32 crc, const u8 *data, size_t size)
{
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static bool gpt_header_valid(u8 *header, u32 block_size)
{
    static const u8 zero[4];
    u32 size = load_le32(header + 12), crc = load_le32(header + 16);
    if (memcmp(header, "EFI PART", 8) != 0 || size < GPT_HEADER_SIZE || size > block_size)
        return false;
    memcpy(header + 16, zero, sizeof(zero)); // the sum is made without itself
    return crc32_of(0, header, size) == crc;
}

// The table that the header in this block describes. false: it is none, or damaged.
static bool read_gpt(struct list *list, u64 block)
{
    u8 header[BLOCK_MAX], entry[GPT_ENTRY_SIZE_MAX];
    if (!read_block(list->disk, block, header) || !gpt_header_valid(header, list->disk->block_size))
        return false;
    u64 at = load_le64(header + 72), blocks = list->disk->size / list->disk->block_size;
    u32 len = load_le32(header + 80), size = load_le32(header + 84), sum = load_le32(header + 88), crc = 0;
    if (at >= blocks || size < 128 || size > GPT_ENTRY_SIZE_MAX || (size & (size - 1)) || !len ||
        len > GPT_ENTRIES_MAX || (u64)len * size > (blocks - at) * list->disk->block_size)
        return false;
    list->len = 0;
    for (u32 i = 0; i < len; i++) {
        static const u8 unused[16];
        if (!list->disk->read(list->disk->arg, at * list->disk->block_size + (u64)i * size, entry, size))
            return false;
        crc = crc32_of(crc, entry, size);
        u64 first = load_le64(entry + 32), last = load_le64(entry + 40);
        if (memcmp(entry, unused, sizeof(unused)) != 0 && last >= first && last < blocks)
            add(list, i + 1, first, last - first + 1, memcmp(entry, gpt_prep, sizeof(gpt_prep)) == 0);
    }
    if (crc != sum)
        list->len = 0;
    return crc == sum;
}

static bool extended(u8 type)
{
    return type == 0x05 || type == 0x0f || type == 0x85;
}

// Logical partitions: a chain of tables, each with one partition, relative to that table, and the next table, relative to the first.
static void read_logical(struct list *list, u64 base)
{
    u8 block[BLOCK_MAX];
    u64 at = base;
    for (u32 i = 0; i < LOGICAL_LINKS && read_block(list->disk, at, block); i++) {
        const u8 *first = block + MBR_ENTRIES, *next = first + MBR_ENTRY_SIZE;
        if (block[510] != 0x55 || block[511] != 0xaa)
            return;
        if (first[4])
            add(list, LOGICAL_FIRST + i, at + load_le32(first + 8), load_le32(first + 12), first[4] == MBR_PREP);
        if (!extended(next[4]) || !load_le32(next + 8))
            return;
        at = base + load_le32(next + 8);
    }
}

u32 disk_label_read(const struct disk_source *disk, struct disk_partition parts[DISK_PARTITIONS_MAX])
{
    struct list list = {disk, parts, 0};
    u8 block[BLOCK_MAX];
    if (disk->block_size < 512 || disk->block_size > BLOCK_MAX || !read_block(disk, 0, block) || block[510] != 0x55 ||
        block[511] != 0xaa)
        return 0;
    u64 chain = 0;
    for (u32 i = 0; i < 4; i++) {
        const u8 *entry = block + MBR_ENTRIES + i * MBR_ENTRY_SIZE;
        u8 type = entry[4];
        if (type == MBR_GPT && (read_gpt(&list, 1) || read_gpt(&list, disk->size / disk->block_size - 1)))
            return list.len;
        if (extended(type))
            chain = load_le32(entry + 8);
        else if (type && type != MBR_GPT)
            add(&list, i + 1, load_le32(entry + 8), load_le32(entry + 12), type == MBR_PREP);
    }
    if (chain)
        read_logical(&list, chain);
    return list.len;
}
