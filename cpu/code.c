// SPDX-License-Identifier: Apache-2.0
#include "cpu/code.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/large.h"
#include "cpu/group.h"
#include "cpu/interp.h"
#include "cpu/mmu/mmu.h"
#include "cpu/xlate/xlate.h"

struct dinsn code_unset(u16 op)
{
    static _Atomic u32 stamps;
    return (struct dinsn){.op = op, .insn = atomic_fetch_add_explicit(&stamps, 1, memory_order_relaxed)};
}

static void entry_store(struct dinsn *d, struct dinsn value)
{
    u64 word;
    memcpy(&word, &value, sizeof(word));
    __atomic_store_n((u64 *)(void *)d, word, __ATOMIC_RELEASE);
}

int code_init(struct guest_mem *mem)
{
    const size_t size = CODE_PAGES_MAX * sizeof(struct cpage);
    void *p = large_reserve(size);
    if (p == MAP_FAILED)
        return -ENOMEM;
    if (mprotect(p, size, PROT_READ | PROT_WRITE)) {
        munmap(p, size);
        return -ENOMEM;
    }
    madvise(p, size, MADV_HUGEPAGE); // filled from the start
    mem->code_arena = p;
    return 0;
}

void code_fini(struct guest_mem *mem)
{
    xlate_free(mem->xlate);
    mem->xlate = NULL;
    if (mem->code_arena)
        munmap(mem->code_arena, CODE_PAGES_MAX * sizeof(struct cpage));
    mem->code_arena = NULL;
}

static void page_reset(const struct guest_mem *mem, struct cpage *page)
{
    for (unsigned i = 0; i < CODE_PAGE_INSNS; i++)
        entry_store(&page->insns[i], (struct dinsn){.op = OP_DECODE});
    page->end = (struct dinsn){.op = OP_PAGE_END};
    atomic_store(&page->links, 0);
    memset((void *)page->heat, (int)xlate_first_heat(mem->xlate), sizeof(page->heat));
}

// A page from the arena, emptying the arena when it is full. Under group->lock otherwise: two threads may want one at once.
static struct cpage *page_new(struct cpu *cpu, u64 gra)
{
    struct guest_mem *mem = cpu->group->mem;
    for (;;) {
        u32 n = atomic_load(&mem->code_used);
        while (n < CODE_PAGES_MAX && !atomic_compare_exchange_weak(&mem->code_used, &n, n + 1))
            ;
        if (n < CODE_PAGES_MAX) {
            struct cpage *page = &mem->code_arena[n];
            page_reset(mem, page);
            page->gra = gra;
            return page;
        }
        group_exclusive_begin(cpu->group, cpu);
        if (atomic_load(&mem->code_used) == CODE_PAGES_MAX)
            code_flush_all(cpu->group);
        group_exclusive_end(cpu->group, cpu);
    }
}

struct cpage *code_page(struct cpu *cpu, u64 gra, bool big_endian)
{
    struct guest_mem *mem = cpu->group->mem;
    u64 number = gra >> GUEST_PAGE_SHIFT;
    struct cpage *_Atomic *slot = &mem->code[number][big_endian];
    struct cpage *page = atomic_load_explicit(slot, memory_order_acquire);
    if (!page) {
        struct cpage *made = page_new(cpu, gra);
        made->big_endian = big_endian;
        // Another thread may have been faster: its page is as good, ours stays unused until the next flush.
        if (atomic_compare_exchange_strong(slot, &page, made))
            page = made;
        // From here on nobody makes a write translation; those that exist go before the first instruction is decoded.
        u8 old = atomic_fetch_or(&mem->flags[number], PAGE_CODE);
        if (old & PAGE_WRITABLE) {
            atomic_fetch_and(&mem->flags[number], (u8)~PAGE_WRITABLE);
            group_invalidate(cpu->group, cpu, TLB_REAL_WRITE, gra, 0, 0);
            // An exclusive section may have emptied the arena while we waited.
            if (atomic_load(slot) != page)
                return code_page(cpu, gra, big_endian);
        }
    }
    return page;
}

void code_invalidate(struct guest_mem *mem, u64 gra, u64 size)
{
    u64 end = gra + size;
    for (u64 at = gra; at < end; at = (at | ~GUEST_PAGE_MASK) + 1) {
        unsigned first = (at & ~GUEST_PAGE_MASK) / 4;
        unsigned last = (MIN(end - 1, at | ~GUEST_PAGE_MASK) & ~GUEST_PAGE_MASK) / 4;
        for (unsigned order = 0; order < 2; order++) {
            struct cpage *page = atomic_load_explicit(&mem->code[at >> GUEST_PAGE_SHIFT][order], memory_order_acquire);
            if (!page)
                continue;
            for (unsigned i = first; i <= last; i++)
                entry_store(&page->insns[i], code_unset(OP_DECODE));
            if (mem->xlate)
                xlate_written(mem->xlate, page, first, last);
        }
    }
}

void code_flush_all(struct cpu_group *group)
{
    struct guest_mem *mem = group->mem;
    u32 used = MIN(atomic_load(&mem->code_used), CODE_PAGES_MAX);
    for (u32 i = 0; i < used; i++) {
        u64 number = mem->code_arena[i].gra >> GUEST_PAGE_SHIFT;
        atomic_store(&mem->code[number][0], NULL);
        atomic_store(&mem->code[number][1], NULL);
        atomic_fetch_and(&mem->flags[number], (u8)~PAGE_CODE);
    }
    for (u32 i = 0; i < group->len; i++)
        mmu_forget_fetches(group->cpus[i]);
    madvise(mem->code_arena, CODE_PAGES_MAX * sizeof(struct cpage), MADV_DONTNEED);
    atomic_store(&mem->code_used, 0);
    if (mem->xlate)
        xlate_reset(mem->xlate);
}
