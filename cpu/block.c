// SPDX-License-Identifier: Apache-2.0
// Threads look whether there is memory when they make a translation, with `running` set. Taking a block first says that there is none, and then
// waits until nobody runs: a thread made its translation before, and then it is dropped here, or looks afterwards.
#include "cpu/block.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cpu/code.h"
#include "cpu/mmu/mmu.h"

static int empty(struct guest_mem *mem, u64 gra, u64 size)
{
    if (fallocate(mem->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)gra, (off_t)size) == 0)
        return 0;
    int err = -errno;
    memset(mem->base + gra, 0, size);
    return err;
}

static bool valid(const struct guest_mem *mem, u64 gra, u64 size)
{
    return !((gra | size) & (GUEST_BLOCK_SIZE - 1)) && size && gra < mem->size && size <= mem->size - gra;
}

int block_give(struct cpu_group *group, u64 gra, u64 size)
{
    struct guest_mem *mem = group->mem;
    if (!valid(mem, gra, size))
        return -EINVAL;
    for (u64 at = gra; at < gra + size; at += GUEST_BLOCK_SIZE) {
        _Atomic u8 *block = &mem->blocks[at >> GUEST_BLOCK_SHIFT];
        if (atomic_load(block))
            continue;
        empty(mem, at, GUEST_BLOCK_SIZE);
        atomic_store(block, 1);
        atomic_fetch_sub(&mem->holes, 1);
    }
    return 0;
}

static void forget_code(struct guest_mem *mem, u64 gra, u64 size)
{
    for (u64 at = gra; at < gra + size; at += GUEST_PAGE_SIZE)
        if (atomic_load_explicit(&mem->flags[at >> GUEST_PAGE_SHIFT], memory_order_relaxed) & PAGE_CODE)
            code_invalidate(mem, at, GUEST_PAGE_SIZE);
}

int block_take(struct cpu_group *group, struct cpu *self, u64 gra, u64 size)
{
    struct guest_mem *mem = group->mem;
    int err = 0;
    if (!valid(mem, gra, size))
        return -EINVAL;
    for (u64 at = gra; at < gra + size; at += GUEST_BLOCK_SIZE)
        if (atomic_exchange(&mem->blocks[at >> GUEST_BLOCK_SHIFT], 0))
            atomic_fetch_add(&mem->holes, 1);
    group_exclusive_begin(group, self);
    forget_code(mem, gra, size);
    for (u32 i = 0; i < group->len; i++) {
        struct cpu *cpu = group->cpus[i];
        mmu_flush_local(cpu, TLB_ALL, 0, 0, 0);
        if (cpu->reserve_addr >= gra && cpu->reserve_addr < gra + size)
            cpu->reserve_addr = RESERVE_NONE;
    }
    for (u64 at = gra; at < gra + size; at += LARGE_PAGE)
        atomic_store(&mem->touches[at >> LARGE_PAGE_SHIFT], 0);
    err = empty(mem, gra, size);
    group_exclusive_end(group, self);
    return err;
}
