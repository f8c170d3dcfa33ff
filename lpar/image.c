// SPDX-License-Identifier: Apache-2.0
#include "lpar/image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/endian.h"

#define KERNEL_BASE  0x400000ull // where kernels that are linked at a virtual address go; they move themselves to 0
#define SEGMENTS_MAX 64u
#define INFLATE_STEP (4 * MIB)

// Programs take what they need for their first steps behind what we load: page tables, the flattened tree.
#define RESERVE_FOR_KERNEL (16 * MIB)

#define FAIL(error, ...)                      \
    do {                                      \
        snprintf(why, why_size, __VA_ARGS__); \
        return -(error);                      \
    } while (0)

// Pages that are about to be read or written, at once: half of the time of loading a kernel went into faults for one after the other. A host
// that cannot do this does without.
static void populate(const u8 *at, u64 size, bool write)
{
#if defined(MADV_POPULATE_READ) && defined(MADV_POPULATE_WRITE)
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)at & ~(page - 1);
    madvise((void *)from, (uintptr_t)at + size - from, write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
#endif
}

static int inflate_all(struct image_file *file, u64 limit, char *why, size_t why_size)
{
    z_stream z = {.next_in = (u8 *)(uintptr_t)file->data, .avail_in = (uInt)MIN(file->size, UINT32_MAX)};
    size_t room = 0, used = 0;
    u8 *out = NULL;
    int rc = inflateInit2(&z, 16 + MAX_WBITS); // gzip only
    if (rc != Z_OK)
        FAIL(ENOMEM, "no memory to decompress it");
    while (rc == Z_OK) {
        if (used == room) {
            u8 *more = room >= limit ? NULL : realloc(out, room + INFLATE_STEP);
            if (!more) {
                inflateEnd(&z);
                free(out);
                FAIL(EFBIG, "decompressed it is larger than the partition's memory; give more with --memory");
            }
            out = more;
            room += INFLATE_STEP;
        }
        z.next_out = out + used;
        z.avail_out = (uInt)(room - used);
        rc = inflate(&z, Z_NO_FLUSH);
        used = room - z.avail_out;
    }
    inflateEnd(&z);
    if (rc != Z_STREAM_END) {
        free(out);
        if (rc == Z_BUF_ERROR)
            FAIL(EINVAL, "the gzip data is cut short; copy the file again");
        FAIL(EINVAL, "the gzip data is corrupt; copy the file again");
    }
    file->owned = out;
    file->data = out;
    file->size = used;
    return 0;
}

int image_open_file(const char *path, char *why, size_t why_size)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a FIFO must not hold us up
    if (fd < 0)
        FAIL(errno, "%s", strerror(errno));
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        close(fd);
        FAIL(EINVAL, "%s; name a file", S_ISDIR(st.st_mode) ? "it is a folder" : "it is not a regular file");
    }
    if (st.st_size == 0) {
        close(fd);
        FAIL(EINVAL, "the file is empty");
    }
    return fd;
}

int image_open(struct image_file *file, int fd, u64 limit, char *why, size_t why_size)
{
    struct stat st;
    int err;
    memset(file, 0, sizeof(*file));
    if (fstat(fd, &st) || !st.st_size)
        FAIL(EINVAL, "the file is empty");
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        FAIL(errno, "cannot be read: %s", strerror(errno));
    file->mapping = map;
    file->mapped = file->size = (size_t)st.st_size;
    file->data = map;
    if (file->size > 2 && file->data[0] == 0x1f && file->data[1] == 0x8b) {
        err = inflate_all(file, limit, why, why_size);
        munmap(file->mapping, file->mapped);
        file->mapping = NULL;
        return err;
    }
    return 0;
}

void image_close(struct image_file *file)
{
    if (file->mapping)
        munmap(file->mapping, file->mapped);
    free(file->owned);
    memset(file, 0, sizeof(*file));
}

// An ELF header's fields whichever its class and byte order.
struct elf {
    const u8 *data;
    size_t size;
    bool little, wide;
    u16 type, machine;
    u32 flags;
    u64 entry, phoff;
    u16 phentsize, phnum;
};

struct segment {
    u64 offset, vaddr, paddr, filesz, memsz;
};

static u64 field(const struct elf *e, size_t at, unsigned size)
{
    u64 v = 0;
    for (unsigned i = 0; i < size; i++)
        v = v << 8 | e->data[at + (e->little ? size - 1 - i : i)];
    return v;
}

static const char *machine_name(u16 machine)
{
    switch (machine) {
    case EM_X86_64: return "x86-64";
    case EM_386: return "32-bit x86";
    case EM_AARCH64: return "aarch64";
    case EM_S390: return "s390x";
    case EM_RISCV: return "RISC-V";
    default: return "another architecture";
    }
}

static int parse_header(struct elf *e, const u8 *data, size_t size, char *why, size_t why_size)
{
    if (size < EI_NIDENT || memcmp(data, ELFMAG, SELFMAG) != 0)
        FAIL(EINVAL,
             "it is no kernel; vmlinux (ELF), zImage or a gzip-compressed vmlinux for ppc64 or ppc64el is needed");
    memset(e, 0, sizeof(*e));
    e->data = data;
    e->size = size;
    e->little = data[EI_DATA] == ELFDATA2LSB;
    e->wide = data[EI_CLASS] == ELFCLASS64;
    if (size < (e->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)))
        FAIL(EINVAL, "the file is cut short; copy it again");
    e->type = (u16)field(e, 16, 2);
    e->machine = (u16)field(e, 18, 2);
    if (e->machine != EM_PPC64 && e->machine != EM_PPC)
        FAIL(EINVAL, "it is for %s (ELF machine %u); a ppc64 or ppc64el kernel is needed", machine_name(e->machine),
             e->machine);
    if (e->machine == EM_PPC64 ? !e->wide : e->wide || e->little) // a zImage's wrapper may be 32-bit big-endian
        FAIL(EINVAL, "it is for 32-bit PowerPC; a ppc64 or ppc64el kernel is needed");
    if (e->type != ET_EXEC && e->type != ET_DYN)
        FAIL(EINVAL, "it is no executable ELF file (type %u)", e->type);
    if (e->wide) {
        e->entry = field(e, 24, 8);
        e->phoff = field(e, 32, 8);
        e->flags = (u32)field(e, 48, 4);
        e->phentsize = (u16)field(e, 54, 2);
        e->phnum = (u16)field(e, 56, 2);
    } else {
        e->entry = field(e, 24, 4);
        e->phoff = field(e, 28, 4);
        e->flags = (u32)field(e, 36, 4);
        e->phentsize = (u16)field(e, 42, 2);
        e->phnum = (u16)field(e, 44, 2);
    }
    size_t need = e->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    if (e->phnum == 0 || e->phnum > SEGMENTS_MAX || e->phentsize < need)
        FAIL(EINVAL, "it has no usable program headers; is it an object file?");
    if (e->phoff > size || (size - e->phoff) / e->phentsize < e->phnum)
        FAIL(EINVAL, "the file is cut short; copy it again");
    return 0;
}

static struct segment get_segment(const struct elf *e, unsigned i, u32 *type)
{
    size_t at = (size_t)e->phoff + (size_t)i * e->phentsize;
    *type = (u32)field(e, at, 4);
    if (e->wide)
        return (struct segment){field(e, at + 8, 8), field(e, at + 16, 8), field(e, at + 24, 8), field(e, at + 32, 8),
                                field(e, at + 40, 8)};
    return (struct segment){field(e, at + 4, 4), field(e, at + 8, 4), field(e, at + 12, 4), field(e, at + 16, 4),
                            field(e, at + 20, 4)};
}

// Kernels are linked at c000000000000000; the wrapper and freestanding programs where they run.
#define REGION_MASK 0xf000000000000000ull

static bool linked_virtual(u64 addr)
{
    return (addr & REGION_MASK) != 0;
}

static u64 place(u64 vaddr, u64 paddr)
{
    u64 addr = linked_virtual(vaddr) ? vaddr : paddr;
    return linked_virtual(addr) ? (addr & ~REGION_MASK) + KERNEL_BASE : addr;
}

u64 image_elf_extent(const u8 *data, size_t size)
{
    struct elf e;
    char why[256];
    u64 extent = 0;
    if (parse_header(&e, data, size, why, sizeof(why)))
        return 0;
    for (unsigned i = 0; i < e.phnum; i++) {
        u32 type;
        struct segment s = get_segment(&e, i, &type);
        if (type == PT_LOAD && s.filesz < UINT64_MAX / 2 && s.offset < UINT64_MAX / 2)
            extent = MAX(extent, s.offset + s.filesz);
    }
    return extent;
}

int image_load_elf(struct guest_mem *mem, u64 limit, const u8 *data, size_t size, struct image *image, char *why,
                   size_t why_size)
{
    struct elf e;
    struct segment load[SEGMENTS_MAX];
    unsigned len = 0;
    int err = parse_header(&e, data, size, why, why_size);
    if (err)
        return err;

    limit = MIN(limit, mem->size);
    image->start = ~0ull;
    image->end = 0;
    bool entry_inside = false;
    u64 entry = 0;
    for (unsigned i = 0; i < e.phnum; i++) {
        u32 type;
        struct segment s = get_segment(&e, i, &type);
        if (type != PT_LOAD || s.memsz == 0)
            continue;
        if (s.filesz > s.memsz || s.offset > size || s.filesz > size - s.offset)
            FAIL(EINVAL, "the file is cut short or corrupt (segment %u); copy it again", i);
        u64 at = place(s.vaddr, s.paddr);
        if (at > limit || s.memsz > limit - at)
            FAIL(EFBIG, "it needs memory up to %llu MiB, more than there is for it; give more with --memory",
                 (unsigned long long)((at > limit ? at : at + MIN(s.memsz, 1ull << 48)) / MIB));
        if (e.entry >= s.vaddr && e.entry - s.vaddr < s.memsz) {
            entry_inside = true;
            entry = at + (e.entry - s.vaddr);
        }
        image->start = MIN(image->start, at);
        image->end = MAX(image->end, at + s.memsz);
        s.paddr = at;
        load[len++] = s;
    }
    if (!len || !entry_inside)
        FAIL(EINVAL, "it is damaged: %s", len ? "its entry point is in no segment" : "it has nothing to load");

    for (unsigned i = 0; i < len; i++) {
        // Memory is zero at power on; zeros are written only where another segment was.
        if (!load[i].filesz)
            continue;
        populate(data + load[i].offset, load[i].filesz, false);
        populate(mem->base + load[i].paddr, load[i].filesz, true);
        guest_mem_write(mem, load[i].paddr, data + load[i].offset, load[i].filesz);
    }
    image->entry = entry;
    image->little_endian = e.little;
    image->narrow = !e.wide;
    return 0;
}

static int load_initrd(struct guest_mem *mem, u64 limit, int fd, struct image *image, char *why, size_t why_size)
{
    // Read, not mapped: it goes straight to where it will be.
    struct stat st;
    if (fstat(fd, &st))
        FAIL(errno, "%s", strerror(errno));
    u64 size = (u64)st.st_size, at = (MAX(image->end, KERNEL_BASE) + 0x1ffff) & ~0xffffull;
    if (size == 0)
        FAIL(EINVAL, "the file is empty");
    if (at > limit || size > limit - at || limit - at - size < RESERVE_FOR_KERNEL) {
        if (limit < mem->size)
            FAIL(EFBIG, "%llu MiB do not fit behind the kernel in the first %llu MiB of memory; make it smaller",
                 (unsigned long long)(size / MIB), (unsigned long long)(limit / MIB));
        FAIL(EFBIG,
             "%llu MiB do not fit into the memory behind the kernel; give more with --memory, or make it smaller",
             (unsigned long long)(size / MIB));
    }
    populate(mem->base + at, size, true);
    for (u64 done = 0; done < size;) {
        ssize_t got = pread(fd, mem->base + at + done, MIN(size - done, 1ull << 30), (off_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            int err = got < 0 ? errno : EIO;
            FAIL(err, "cannot be read: %s", got < 0 ? strerror(err) : "it became shorter meanwhile");
        }
        done += (u64)got;
    }
    guest_mem_wrote(mem, at, size);
    image->initrd = at;
    image->initrd_size = size;
    return 0;
}

int image_load_files(struct guest_mem *mem, u64 limit, int kernel, const char *kernel_name, int initrd,
                     const char *initrd_name, struct image *image, char *why, size_t why_size)
{
    struct image_file file;
    char reason[256];
    memset(image, 0, sizeof(*image));
    int err = image_open(&file, kernel, limit, reason, sizeof(reason));
    if (!err) {
        err = image_load_elf(mem, limit, file.data, file.size, image, reason, sizeof(reason));
        image_close(&file);
    }
    if (err) {
        snprintf(why, why_size, "kernel %s: %s", kernel_name, reason);
        return err;
    }
    if (initrd >= 0) {
        err = load_initrd(mem, limit, initrd, image, reason, sizeof(reason));
        if (err)
            snprintf(why, why_size, "initrd %s: %s", initrd_name, reason);
    }
    return err;
}

int image_load(struct guest_mem *mem, u64 limit, const char *kernel, const char *initrd, struct image *image, char *why,
               size_t why_size)
{
    char reason[256];
    int fds[2] = {image_open_file(kernel, reason, sizeof(reason)), -1}, err = MIN(fds[0], 0);
    if (err)
        snprintf(why, why_size, "kernel %s: %s", kernel, reason);
    else if (initrd && (fds[1] = image_open_file(initrd, reason, sizeof(reason))) < 0)
        snprintf(why, why_size, "initrd %s: %s", initrd, reason);
    if (!err && initrd)
        err = MIN(fds[1], 0);
    if (!err)
        err = image_load_files(mem, limit, fds[0], kernel, fds[1], initrd, image, why, why_size);
    for (unsigned i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    return err;
}
