// SPDX-License-Identifier: Apache-2.0
// The boot image: kernel and initial RAM disk from files into the partition's memory.
#ifndef LPAR_IMAGE_H
#define LPAR_IMAGE_H

#include "papr/partition.h"

struct image {
    u64 start, end; // what the kernel takes, guest real
    u64 entry;
    bool little_endian;
    bool narrow;             // a 32-bit program
    u64 initrd, initrd_size; // 0, 0: none
};

// A kernel file in host memory, decompressed. Bytes are borrowed until image_close().
struct image_file {
    const u8 *data;
    size_t size;
    void *mapping; // to unmap, or NULL
    size_t mapped;
    void *owned; // to free, or NULL
};

// A regular file that is not empty, for reading. The descriptor, or a negative errno with *why set to a sentence about it.
int image_open_file(const char *path, char *why, size_t why_size);

// Maps the file, decompressing gzip (at most `limit` bytes come out). 0, or a negative errno with *why set. The descriptor stays the caller's.
int image_open(struct image_file *file, int fd, u64 limit, char *why, size_t why_size);
void image_close(struct image_file *file);

// Loads an ELF image (vmlinux, or a zImage's wrapper) into memory, all of it below `limit`. Nothing is written before
// everything was checked. 0, or a negative errno with *why set. Trusts nothing in the file.
int image_load_elf(struct guest_mem *mem, u64 limit, const u8 *data, size_t size, struct image *image, char *why,
                   size_t why_size);

// How many bytes of an ELF file loading it takes, by its first ones; 0: these do not tell.
u64 image_elf_extent(const u8 *data, size_t size);

// Both files (initrd may be -1), below `limit`. `why` names the file, the problem and the remedy.
int image_load_files(struct guest_mem *mem, u64 limit, int kernel, const char *kernel_name, int initrd,
                     const char *initrd_name, struct image *image, char *why, size_t why_size);

// The same by name; `initrd` may be NULL.
int image_load(struct guest_mem *mem, u64 limit, const char *kernel, const char *initrd, struct image *image, char *why,
               size_t why_size);

#endif
