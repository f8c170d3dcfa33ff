// SPDX-License-Identifier: Apache-2.0
#include "cpu/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/large.h"
#include "cpu/code.h"
#include "cpu/mem_file.h"

static void *reserve(u64 size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

// A guest's threads race on its memory as they like, and hypervisor calls with them: the architecture says what comes of it. The
// thread sanitizer looks at everything else.
#if defined(__SANITIZE_THREAD__)
#define OPENLPAR_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define OPENLPAR_TSAN 1
#endif
#endif
#ifdef OPENLPAR_TSAN
void AnnotateBenignRaceSized(const char *file, int line, const volatile void *mem, size_t size, const char *why);
static void expect_races(const struct guest_mem *mem)
{
    AnnotateBenignRaceSized(__FILE__, __LINE__, mem->base, mem->size, "guest memory");
}
#else
static void expect_races(const struct guest_mem *mem) {}
#endif

// A file of the right size, all zero, in mem->fd.
static int open_file(struct guest_mem *mem, int fd)
{
    mem->fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : memfd_create("openlpar-guest", MFD_CLOEXEC);
    if (mem->fd < 0)
        return -errno;
    int failed = fd >= 0 ? fallocate(mem->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)mem->size)
                         : ftruncate(mem->fd, (off_t)mem->size);
    return failed ? -errno : 0;
}

int guest_mem_init(struct guest_mem *mem, u64 size)
{
    return guest_mem_init_file(mem, size, size, -1);
}

static u64 blocks_of(const struct guest_mem *mem)
{
    return (mem->size + GUEST_BLOCK_SIZE - 1) >> GUEST_BLOCK_SHIFT;
}

int guest_mem_init_file(struct guest_mem *mem, u64 size, u64 present, int fd)
{
    *mem = (struct guest_mem){.size = size, .fd = -1};
    u64 pages = size >> GUEST_PAGE_SHIFT;
    u64 host = (u64)sysconf(_SC_PHYS_PAGES) * (u64)sysconf(_SC_PAGESIZE);
    int err = -ENOMEM;
    if (!size || size % (64 * KIB) || present > MIN(size, host) || (present < size && present % GUEST_BLOCK_SIZE))
        goto fail;
    err = open_file(mem, fd);
    if (err)
        goto fail;
    err = -ENOMEM;
    void *base = large_reserve(size);
    if (base == MAP_FAILED)
        goto fail;
    if (mmap(base, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, mem->fd, 0) == MAP_FAILED) {
        munmap(base, size);
        goto fail;
    }
    madvise(base, size, MADV_HUGEPAGE); // where the host gives them to files in memory
    mem->base = base;
    expect_races(mem);
    mem->flags = reserve(pages);
    mem->code = reserve(pages * sizeof(*mem->code));
    mem->touches = reserve((size >> LARGE_PAGE_SHIFT) + 1);
    mem->blocks = reserve(blocks_of(mem));
    if (!mem->flags || !mem->code || !mem->touches || !mem->blocks)
        goto fail;
    for (u64 i = 0; i < blocks_of(mem); i++)
        if (i << GUEST_BLOCK_SHIFT < present)
            atomic_store(&mem->blocks[i], 1);
        else
            atomic_fetch_add(&mem->holes, 1);
    err = code_init(mem);
    if (err)
        goto fail;
    return 0;
fail:
    guest_mem_fini(mem);
    return err;
}

void guest_mem_fini(struct guest_mem *mem)
{
    u64 pages = mem->size >> GUEST_PAGE_SHIFT;
    code_fini(mem);
    if (mem->code)
        munmap((void *)mem->code, pages * sizeof(*mem->code));
    if (mem->flags)
        munmap((void *)mem->flags, pages);
    if (mem->touches)
        munmap((void *)mem->touches, (mem->size >> LARGE_PAGE_SHIFT) + 1);
    if (mem->blocks)
        munmap((void *)mem->blocks, blocks_of(mem));
    if (mem->base)
        munmap(mem->base, mem->size);
    if (mem->fd >= 0)
        close(mem->fd);
    *mem = (struct guest_mem){.fd = -1};
}

bool guest_mem_whole(const struct guest_mem *mem, u64 gra, u64 size)
{
    u64 last = (gra + MAX(size, 1ull) - 1) >> GUEST_BLOCK_SHIFT;
    for (u64 i = gra >> GUEST_BLOCK_SHIFT; i <= last; i++)
        if (!atomic_load_explicit(&mem->blocks[i], memory_order_relaxed))
            return false;
    return true;
}

void guest_mem_enlarge(struct guest_mem *mem, u64 gra)
{
    gra &= ~(u64)(LARGE_PAGE - 1);
    if (guest_mem_contains(mem, gra, LARGE_PAGE))
        large_collapse(mem->base + gra);
}

void guest_mem_wrote(struct guest_mem *mem, u64 gra, u64 size)
{
    if (!size || !guest_mem_contains(mem, gra, size))
        return;
    for (u64 page = gra >> GUEST_PAGE_SHIFT; page <= (gra + size - 1) >> GUEST_PAGE_SHIFT; page++) {
        u8 flags = atomic_load_explicit(&mem->flags[page], memory_order_relaxed);
        if (flags & PAGE_CLEAN)
            atomic_fetch_and(&mem->flags[page], (u8)~PAGE_CLEAN);
        if (flags & PAGE_CODE) {
            u64 first = MAX(gra, page << GUEST_PAGE_SHIFT);
            u64 end = MIN(gra + size, (page + 1) << GUEST_PAGE_SHIFT);
            code_invalidate(mem, first, end - first);
        }
    }
}

bool guest_mem_read(const struct guest_mem *mem, u64 gra, void *to, u64 size)
{
    const void *from = guest_mem_at(mem, gra, size);
    if (!from)
        return false;
    memcpy(to, from, size);
    return true;
}

bool guest_mem_write(struct guest_mem *mem, u64 gra, const void *from, u64 size)
{
    void *to = guest_mem_at(mem, gra, size);
    if (!to)
        return false;
    memcpy(to, from, size);
    guest_mem_wrote(mem, gra, size);
    return true;
}
