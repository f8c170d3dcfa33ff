// SPDX-License-Identifier: Apache-2.0
// For tests: a boot program that can be told from others.
#ifndef PAPR_TEST_PROGRAM_H
#define PAPR_TEST_PROGRAM_H

#include <elf.h>
#include <string.h>

#include "base/endian.h"

#define TEST_PROGRAM_ENTRY 0x200000u

// A 32-bit big-endian program that differs in its first word.
static inline u32 test_program(u8 *at, u32 word)
{
    static const u32 offset = 0x1000, size = 0x800;
    memset(at, 0, offset + size);
    memcpy(at, ELFMAG, SELFMAG);
    at[EI_CLASS] = ELFCLASS32;
    at[EI_DATA] = ELFDATA2MSB;
    store_be16(at + 16, ET_EXEC);
    store_be16(at + 18, EM_PPC);
    store_be32(at + 24, TEST_PROGRAM_ENTRY);
    store_be32(at + 28, 52);
    store_be16(at + 42, 32);
    store_be16(at + 44, 1);
    u8 *segment = at + 52;
    store_be32(segment, PT_LOAD);
    store_be32(segment + 4, offset);
    store_be32(segment + 8, TEST_PROGRAM_ENTRY);
    store_be32(segment + 12, TEST_PROGRAM_ENTRY);
    store_be32(segment + 16, size);
    store_be32(segment + 20, size);
    store_be32(at + offset, word);
    return offset + size;
}

#endif
