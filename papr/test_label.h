// SPDX-License-Identifier: Apache-2.0
// For tests: partition tables, and a file system for a CD.
#ifndef PAPR_TEST_LABEL_H
#define PAPR_TEST_LABEL_H

#include <string.h>

#include "base/types.h"

#define TEST_MBR_PREP  0x41u
#define TEST_MBR_LINUX 0x83u

static const u8 test_prep_guid[16] = {0x38, 0x2d, 0x1a, 0x9e, 0x12, 0xc6, 0x16, 0x43,
                                      0xaa, 0x26, 0x8b, 0x49, 0x52, 0x1e, 0x5a, 0x8b};

static inline void test_put_le32(u8 *at, u32 value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (u8)(value >> (8 * i));
}

// Entry 0 .. 3 of the table in the block at `mbr`.
static inline void test_mbr_entry(u8 *mbr, unsigned entry, u8 type, u32 first, u32 count)
{
    u8 *at = mbr + 446 + 16 * entry;
    at[4] = type;
    test_put_le32(at + 8, first);
    test_put_le32(at + 12, count);
    mbr[510] = 0x55;
    mbr[511] = 0xaa;
}

static inline u32 test_crc32(const u8 *data, size_t size)
{
    u32 crc = ~0u;
    for (size_t i = 0; i < size * 8; i++) {
        u32 bit = (crc ^ (u32)(data[i / 8] >> (i % 8))) & 1;
        crc = crc >> 1 ^ (bit ? 0xedb88320u : 0);
    }
    return ~crc;
}

// A header in `block` for the `len` entries of 128 bytes that are at `entries`, which is block `entries_block`.
static inline void test_gpt_header(u8 *block, const u8 *entries, u32 entries_block, u32 len)
{
    memset(block, 0, 512);
    memcpy(block, "EFI PART", 8);
    test_put_le32(block + 8, 0x10000);
    test_put_le32(block + 12, 92);
    test_put_le32(block + 72, entries_block);
    test_put_le32(block + 80, len);
    test_put_le32(block + 84, 128);
    test_put_le32(block + 88, test_crc32(entries, len * 128u));
    test_put_le32(block + 16, test_crc32(block, 92));
}

static inline void test_gpt_entry(u8 *entries, u32 entry, const u8 type[16], u32 first, u32 last)
{
    memcpy(entries + 128 * entry, type, 16);
    test_put_le32(entries + 128 * entry + 32, first);
    test_put_le32(entries + 128 * entry + 40, last);
}

// A folder's record; how many bytes it takes.
static inline u32 test_iso_record(u8 *at, const char *name, u32 sector, u32 size, bool folder)
{
    u32 len = *name ? (u32)strlen(name) : 1, all = (33 + len + 1) & ~1u;
    at[0] = (u8)all;
    test_put_le32(at + 2, sector);
    test_put_le32(at + 10, size);
    at[25] = folder ? 2 : 0;
    at[32] = (u8)len;
    memcpy(at + 33, name, len);
    return all;
}

// \ppc\bootinfo.txt in sector 20 and \boot\grub\powerpc.elf from sector 21, on 18 + 3 sectors and what the program takes.
static inline void test_iso(u8 *disk, const char *bootinfo, const u8 *program, u32 program_size)
{
    u8 *primary = disk + 16 * 2048, *root = disk + 17 * 2048, *ppc = disk + 18 * 2048, *boot = disk + 19 * 2048;
    primary[0] = 1;
    memcpy(primary + 1, "CD001", 5);
    test_iso_record(primary + 156, "", 17, 2048, true);
    root += test_iso_record(root, "", 17, 2048, true);
    root += test_iso_record(root, "BOOT", 19, 2048, true);
    test_iso_record(root, "PPC", 18, 2048, true);
    test_iso_record(ppc, "BOOTINFO.TXT;1", 20, (u32)strlen(bootinfo), false);
    boot += test_iso_record(boot, "GRUB", 19, 2048, true); // a folder in itself
    test_iso_record(boot, "POWERPC.ELF;1", 21, program_size, false);
    memcpy(disk + 20 * 2048, bootinfo, strlen(bootinfo));
    memcpy(disk + 21 * 2048, program, program_size);
}

#endif
