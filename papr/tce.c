// SPDX-License-Identifier: Apache-2.0
//
// Translation control entries. Each window is an array of doublewords, written by the OS's calls and read by adapters' threads, one
// atomic doubleword at a time: an entry that the OS replaces meanwhile is seen whole, old or new. The set of windows changes only while
// no hardware thread is inside guest code; threads of other adapters may use theirs meanwhile, so that a window keeps its place.
#include "papr/tce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/endian.h"
#include "papr/hcall_int.h"

#define TCE_LIST_PAGE 0x1000ull
#define TCE_LIST_MAX  512ull

struct tce_window {
    _Atomic u32 liobn; // 0: the place is free
    u8 page_shift;
    u64 len;            // entries
    _Atomic u64 *table; // host order
};

struct tce_space {
    struct tce_window windows[TCE_WINDOWS_MAX];
    _Atomic unsigned len; // places that were ever used
};

static struct tce_window *find(const struct partition *lp, u64 liobn)
{
    unsigned len = atomic_load_explicit(&lp->tce->len, memory_order_acquire);
    for (unsigned i = 0; liobn && i < len; i++) {
        if (atomic_load_explicit(&lp->tce->windows[i].liobn, memory_order_acquire) == liobn)
            return &lp->tce->windows[i];
    }
    return NULL;
}

int tce_init(struct partition *lp)
{
    lp->tce = calloc(1, sizeof(*lp->tce));
    return lp->tce ? 0 : -ENOMEM;
}

void tce_fini(struct partition *lp)
{
    if (!lp->tce)
        return;
    for (unsigned i = 0; i < lp->tce->len; i++)
        if (lp->tce->windows[i].liobn)
            tce_window_remove(lp, lp->tce->windows[i].liobn);
    free(lp->tce);
    lp->tce = NULL;
}

void tce_reset(struct partition *lp)
{
    for (unsigned i = 0; i < lp->tce->len; i++)
        if (lp->tce->windows[i].liobn)
            tce_window_clear(lp, lp->tce->windows[i].liobn);
}

int tce_window_add(struct partition *lp, u32 liobn, u64 size, unsigned page_shift)
{
    struct tce_space *space = lp->tce;
    u64 len = size >> page_shift;
    unsigned place = 0;
    if (!liobn || find(lp, liobn))
        return -EEXIST;
    while (place < space->len && space->windows[place].liobn)
        place++;
    if (place == TCE_WINDOWS_MAX || !len || len > 1ull << 32 || page_shift < 12 || page_shift > 24)
        return -EINVAL;
    void *table = mmap(NULL, len * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (table == MAP_FAILED)
        return -ENOMEM;
    struct tce_window *window = &space->windows[place];
    window->page_shift = (u8)page_shift;
    window->len = len;
    window->table = table;
    atomic_store_explicit(&window->liobn, liobn, memory_order_release);
    if (place == space->len)
        atomic_store_explicit(&space->len, place + 1, memory_order_release);
    return 0;
}

void tce_window_remove(struct partition *lp, u32 liobn)
{
    struct tce_window *window = find(lp, liobn);
    if (!window)
        return;
    atomic_store(&window->liobn, 0);
    munmap((void *)window->table, window->len * 8);
}

void tce_window_clear(struct partition *lp, u32 liobn)
{
    struct tce_window *window = find(lp, liobn);
    if (window)
        madvise((void *)window->table, window->len * 8, MADV_DONTNEED);
}

// An entry that permits something must name memory of the partition.
static bool entry_valid(const struct partition *lp, const struct tce_window *window, u64 tce)
{
    u64 size = 1ull << window->page_shift;
    return !(tce & (TCE_READ | TCE_WRITE)) || guest_mem_contains(&lp->mem, tce & ~(size - 1), size);
}

// Window and first entry of [ioba, ioba + count pages), or NULL.
static struct tce_window *find_range(const struct partition *lp, u64 liobn, u64 ioba, u64 count, u64 *first)
{
    struct tce_window *window = find(lp, liobn);
    if (!window)
        return NULL;
    *first = ioba >> window->page_shift;
    return *first < window->len && count <= window->len - *first ? window : NULL;
}

// LIOBN, I/O bus address -> entry
long h_get_tce(struct cpu *cpu, u64 *args)
{
    u64 first;
    struct tce_window *window = find_range(cpu_partition(cpu), args[0], args[1], 1, &first);
    if (!window)
        return H_PARAMETER;
    args[0] = atomic_load_explicit(&window->table[first], memory_order_relaxed);
    return H_SUCCESS;
}

// LIOBN, I/O bus address, entry
long h_put_tce(struct cpu *cpu, u64 *args)
{
    const struct partition *lp = cpu_partition(cpu);
    u64 first;
    struct tce_window *window = find_range(lp, args[0], args[1], 1, &first);
    if (!window || !entry_valid(lp, window, args[2]))
        return H_PARAMETER;
    atomic_store(&window->table[first], args[2]);
    return H_SUCCESS;
}

// LIOBN, I/O bus address, entry, count
long h_stuff_tce(struct cpu *cpu, u64 *args)
{
    const struct partition *lp = cpu_partition(cpu);
    u64 first, count = args[3];
    if (count > TCE_LIST_MAX)
        return H_PARAMETER;
    struct tce_window *window = find_range(lp, args[0], args[1], count, &first);
    if (!window || !entry_valid(lp, window, args[2]))
        return H_PARAMETER;
    for (u64 i = 0; i < count; i++)
        atomic_store(&window->table[first + i], args[2]);
    return H_SUCCESS;
}

// LIOBN, I/O bus address, list of entries in one 4 KiB page, count
long h_put_tce_indirect(struct cpu *cpu, u64 *args)
{
    const struct partition *lp = cpu_partition(cpu);
    u64 list = args[2], count = args[3], first;
    u8 entries[TCE_LIST_MAX * 8];
    if (count > TCE_LIST_MAX || (list & (TCE_LIST_PAGE - 1)) || !guest_mem_read(&lp->mem, list, entries, count * 8))
        return H_PARAMETER;
    struct tce_window *window = find_range(lp, args[0], args[1], count, &first);
    if (!window)
        return H_PARAMETER;
    for (u64 i = 0; i < count; i++) {
        if (!entry_valid(lp, window, load_be64(&entries[i * 8])))
            return H_PARAMETER;
    }
    for (u64 i = 0; i < count; i++)
        atomic_store(&window->table[first + i], load_be64(&entries[i * 8]));
    return H_SUCCESS;
}

// The next piece of [ioba, ioba+size) that lies in one page: its host address and length, or NULL.
static u8 *piece(struct partition *lp, u32 liobn, u64 ioba, u64 size, u64 permission, u64 *gra, u64 *len)
{
    u64 first;
    struct tce_window *window = find_range(lp, liobn, ioba, 1, &first);
    if (!window)
        return NULL;
    u64 tce = atomic_load(&window->table[first]);
    if (!(tce & permission))
        return NULL;
    u64 page = 1ull << window->page_shift, offset = ioba & (page - 1);
    *len = MIN(size, page - offset);
    *gra = (tce & ~(page - 1)) + offset;
    return guest_mem_at(&lp->mem, *gra, *len);
}

bool tce_read(struct partition *lp, u32 liobn, u64 ioba, void *to, u64 size)
{
    u64 gra, len;
    for (u8 *out = to; size; out += len, ioba += len, size -= len) {
        const u8 *p = piece(lp, liobn, ioba, size, TCE_READ, &gra, &len);
        if (!p)
            return false;
        memcpy(out, p, len);
    }
    return true;
}

bool tce_write(struct partition *lp, u32 liobn, u64 ioba, const void *from, u64 size)
{
    u64 gra, len;
    for (const u8 *in = from; size; in += len, ioba += len, size -= len) {
        u8 *p = piece(lp, liobn, ioba, size, TCE_WRITE, &gra, &len);
        if (!p)
            return false;
        memcpy(p, in, len);
        guest_mem_wrote(&lp->mem, gra, len);
    }
    return true;
}

bool tce_permits(struct partition *lp, u32 liobn, u64 ioba, u64 size, u64 permission)
{
    u64 gra, len;
    for (; size; ioba += len, size -= len) {
        for (u64 bit = TCE_READ; bit <= TCE_WRITE; bit <<= 1) {
            if (permission & bit && !piece(lp, liobn, ioba, size, bit, &gra, &len))
                return false;
        }
    }
    return true;
}

bool tce_store_be32(struct partition *lp, u32 liobn, u64 ioba, u32 value)
{
    u64 gra, len;
    u8 *p = ioba & 3 ? NULL : piece(lp, liobn, ioba, 4, TCE_WRITE, &gra, &len);
    if (!p)
        return false;
    __atomic_store_n((u32 *)p, be32_of(value).raw, __ATOMIC_RELEASE);
    guest_mem_wrote(&lp->mem, gra, 4);
    return true;
}
