// SPDX-License-Identifier: Apache-2.0
// Boot images: what is accepted goes where it belongs, and no damaged file does more than be refused.
#include "lpar/image.h"

#include <elf.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/endian.h"
#include "base/test.h"

#define MEMORY (64 * MIB)
#define LIMIT  (48 * MIB)

static struct guest_mem mem;
static struct image image;
static char why[512];

// A kernel of one segment: 64 bytes of ELF header, one program header, `filesz` bytes.
struct kernel {
    bool wide, little;
    u16 machine, type;
    u64 vaddr, paddr, entry, filesz, memsz, offset;
    u16 phnum;
};

static void put(u8 *at, bool little, u64 v, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        at[little ? i : size - 1 - i] = (u8)(v >> (8 * i));
}

static size_t build(u8 *data, size_t size, const struct kernel *k)
{
    bool l = k->little;
    memset(data, 0, size);
    memcpy(data, ELFMAG, SELFMAG);
    data[EI_CLASS] = k->wide ? ELFCLASS64 : ELFCLASS32;
    data[EI_DATA] = l ? ELFDATA2LSB : ELFDATA2MSB;
    put(data + 16, l, k->type, 2);
    put(data + 18, l, k->machine, 2);
    if (k->wide) {
        put(data + 24, l, k->entry, 8);
        put(data + 32, l, 64, 8);
        put(data + 54, l, 56, 2);
        put(data + 56, l, k->phnum, 2);
        u8 *p = data + 64;
        put(p, l, PT_LOAD, 4);
        put(p + 8, l, k->offset, 8);
        put(p + 16, l, k->vaddr, 8);
        put(p + 24, l, k->paddr, 8);
        put(p + 32, l, k->filesz, 8);
        put(p + 40, l, k->memsz, 8);
    } else {
        put(data + 24, l, k->entry, 4);
        put(data + 28, l, 52, 4);
        put(data + 42, l, 32, 2);
        put(data + 44, l, k->phnum, 2);
        u8 *p = data + 52;
        put(p, l, PT_LOAD, 4);
        put(p + 4, l, k->offset, 4);
        put(p + 8, l, k->vaddr, 4);
        put(p + 12, l, k->paddr, 4);
        put(p + 16, l, k->filesz, 4);
        put(p + 20, l, k->memsz, 4);
    }
    for (size_t i = 0x100; i < size; i++)
        data[i] = (u8)i;
    return size;
}

static const struct kernel vmlinux = {
    .wide = true,
    .little = true,
    .machine = EM_PPC64,
    .type = ET_DYN,
    .vaddr = 0xc000000000000000,
    .paddr = 0xc000000000000000,
    .entry = 0xc000000000000000,
    .offset = 0x100,
    .filesz = 0x400,
    .memsz = 0x2000,
    .phnum = 1,
};

static u8 data[0x1000];

static int load(const struct kernel *k)
{
    size_t size = build(data, 0x800, k);
    why[0] = '\0';
    return image_load_elf(&mem, LIMIT, data, size, &image, why, sizeof(why));
}

static void test_vmlinux(void)
{
    CHECK_EQ(load(&vmlinux), 0);
    CHECK_EQ(image.start, 0x400000);
    CHECK_EQ(image.end, 0x402000);
    CHECK_EQ(image.entry, 0x400000);
    CHECK(image.little_endian);
    CHECK(memcmp(mem.base + 0x400000, data + 0x100, 0x400) == 0);

    struct kernel be = vmlinux;
    be.little = false;
    be.entry += 0x40;
    CHECK_EQ(load(&be), 0);
    CHECK_EQ(image.entry, 0x400040);
    CHECK(!image.little_endian);
}

static void test_wrapper(void)
{
    struct kernel k = {.machine = EM_PPC,
                       .type = ET_EXEC,
                       .vaddr = 0x1000000,
                       .paddr = 0x1000000,
                       .entry = 0x1000010,
                       .offset = 0x100,
                       .filesz = 0x100,
                       .memsz = 0x100,
                       .phnum = 1};
    CHECK_EQ(load(&k), 0);
    CHECK_EQ(image.start, 0x1000000);
    k.little = true;
    CHECK(load(&k) < 0);
}

static void refused(const struct kernel *k, const char *word)
{
    CHECK(load(k) < 0);
    CHECK(strstr(why, word) != NULL);
    if (!strstr(why, word))
        printf("# it says: %s\n", why);
}

static void test_refused(void)
{
    struct kernel k = vmlinux;
    k.machine = EM_X86_64;
    refused(&k, "x86-64");
    k = vmlinux, k.type = ET_REL;
    refused(&k, "executable");
    k = vmlinux, k.phnum = 0;
    refused(&k, "program headers");
    k = vmlinux, k.phnum = 60;
    refused(&k, "cut short");
    k = vmlinux, k.filesz = 0x4000;
    k.memsz = 0x4000;
    refused(&k, "cut short");
    k = vmlinux, k.offset = ~0ull - 4;
    refused(&k, "cut short");
    k = vmlinux, k.memsz = 0x10;
    refused(&k, "cut short");
    k = vmlinux, k.memsz = LIMIT;
    refused(&k, "--memory");
    k = vmlinux, k.memsz = ~0ull - 10;
    refused(&k, "--memory");
    k = vmlinux, k.vaddr = k.entry = 0xcfffffffffffff00;
    refused(&k, "--memory");
    k = vmlinux, k.entry = 0x10;
    refused(&k, "entry");
    CHECK(image_load_elf(&mem, LIMIT, data, 3, &image, why, sizeof(why)) < 0);
    CHECK(image_load_elf(&mem, LIMIT, (const u8 *)"hello, I am a text", 18, &image, why, sizeof(why)) < 0);
}

// Every prefix, and every byte changed: refused or accepted, nothing else. Valgrind and the sanitizers watch.
static void test_damaged(void)
{
    build(data, 0x800, &vmlinux);
    for (size_t size = 0; size < 0x200; size++) {
        u8 *copy = malloc(size + 1);
        memcpy(copy, data, size);
        CHECK(image_load_elf(&mem, LIMIT, copy, size, &image, why, sizeof(why)) < 0);
        free(copy);
    }
    for (size_t i = 0; i < 0x100; i++)
        for (unsigned v = 0; v < 256; v += 15) {
            u8 old = data[i];
            data[i] = (u8)v;
            if (image_load_elf(&mem, LIMIT, data, 0x800, &image, why, sizeof(why)) == 0)
                CHECK(image.end <= LIMIT && image.start < image.end && image.entry >= image.start &&
                      image.entry < image.end);
            data[i] = old;
        }
}

static char folder[] = "/tmp/openlpar-image-XXXXXX", path[64], path2[64];

static void write_file(const char *name, const void *bytes, size_t size)
{
    FILE *f = fopen(name, "w");
    CHECK(f && fwrite(bytes, 1, size, f) == size);
    if (f)
        fclose(f);
}

static void test_files(void)
{
    build(data, 0x800, &vmlinux);
    write_file(path, data, 0x800);
    write_file(path2, "initial RAM disk", 16);
    CHECK_EQ(image_load(&mem, LIMIT, path, path2, &image, why, sizeof(why)), 0);
    CHECK_EQ(image.initrd_size, 16);
    CHECK(image.initrd >= image.end && (image.initrd & 0xffff) == 0);
    CHECK(memcmp(mem.base + image.initrd, "initial RAM disk", 16) == 0);
    CHECK(image_load(&mem, LIMIT, folder, NULL, &image, why, sizeof(why)) < 0 && strstr(why, "folder"));
    CHECK(image_load(&mem, LIMIT, "/nowhere/at/all", NULL, &image, why, sizeof(why)) < 0);
    CHECK(truncate(path2, (off_t)LIMIT) == 0);
    CHECK(image_load(&mem, LIMIT, path, path2, &image, why, sizeof(why)) < 0 && strstr(why, "fit"));

    // compressed, whole and cut at every place
    build(data, 0x800, &vmlinux);
    gzFile z = gzopen(path, "wb");
    gzwrite(z, data, 0x800);
    gzclose(z);
    memset(mem.base + 0x400000, 0, 0x400);
    CHECK_EQ(image_load(&mem, LIMIT, path, NULL, &image, why, sizeof(why)), 0);
    CHECK(memcmp(mem.base + 0x400000, data + 0x100, 0x400) == 0);
    FILE *f = fopen(path, "r");
    u8 packed[0x1000];
    size_t size = fread(packed, 1, sizeof(packed), f);
    fclose(f);
    for (size_t cut = 0; cut < size; cut += 7) {
        write_file(path2, packed, cut);
        CHECK(image_load(&mem, LIMIT, path2, NULL, &image, why, sizeof(why)) < 0);
    }
    // a bomb ends at the limit
    u8 *zeros = calloc(1, MIB);
    z = gzopen(path, "wb");
    for (unsigned i = 0; i < 64; i++)
        gzwrite(z, zeros, MIB);
    gzclose(z);
    free(zeros);
    CHECK(image_load(&mem, LIMIT, path, NULL, &image, why, sizeof(why)) < 0 && strstr(why, "larger"));
}

int main(void)
{
    if (guest_mem_init(&mem, MEMORY) || !mkdtemp(folder)) {
        printf("Bail out! no memory or no folder\n");
        return 1;
    }
    snprintf(path, sizeof(path), "%s/kernel", folder);
    snprintf(path2, sizeof(path2), "%s/initrd", folder);
    TEST(test_vmlinux);
    TEST(test_wrapper);
    TEST(test_refused);
    TEST(test_damaged);
    TEST(test_files);
    unlink(path);
    unlink(path2);
    rmdir(folder);
    guest_mem_fini(&mem);
    return test_done();
}
