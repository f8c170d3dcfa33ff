// SPDX-License-Identifier: Apache-2.0
//
// The slow path of loads, stores and fetches: what the inline lookup of access.h does not find. Translates, fills the TLB where an
// entry may stand for the following accesses, and does this one access.
#include "cpu/mmu/access.h"

#include <string.h>

#include "cpu/code.h"
#include "cpu/debug.h"
#include "cpu/except.h"
#include "cpu/mmu/mmu_int.h"

// ISA III "Machine Check Interrupt", POWER9's encoding: load from, and fetch from, a bad real address.
#define SRR1_MC_DATA           PPC_BIT(42)
#define DSISR_MC_BAD_REAL      0x40u
#define SRR1_MC_FETCH_BAD_REAL 0x080c0000u

// ISA III "Data Address Watchpoint Register Extension"
#define DAWRX_MRD(x) ((x) >> 10 & 0x3f)
#define DAWRX_DW     PPC_BIT(57)
#define DAWRX_DR     PPC_BIT(58)
#define DAWRX_WT     PPC_BIT(59)
#define DAWRX_WTI    PPC_BIT(60)
#define DAWRX_PNH    PPC_BIT(62)
#define DAWRX_PRO    PPC_BIT(63)

static u64 dawr_last(const struct cpu *cpu)
{
    return (cpu->dawr0 & ~7ull) + 8 * DAWRX_MRD(cpu->dawrx0) + 7;
}

bool mmu_dawr_page(const struct cpu *cpu, u64 ea)
{
    if (likely(!(cpu->dawrx0 & (DAWRX_DW | DAWRX_DR))))
        return false;
    return (cpu->dawr0 & GUEST_PAGE_MASK) <= ea && (ea & GUEST_PAGE_MASK) <= dawr_last(cpu);
}

static bool dawr_match(const struct cpu *cpu, u64 ea, unsigned size, bool store)
{
    u64 x = cpu->dawrx0;
    if (likely(!(x & (store ? DAWRX_DW : DAWRX_DR))))
        return false;
    if (!(x & (cpu->msr & MSR_PR ? DAWRX_PRO : DAWRX_PNH)))
        return false;
    if (!(x & DAWRX_WTI) && !(x & DAWRX_WT) != !(cpu->msr & MSR_DR))
        return false;
    return ea <= dawr_last(cpu) && (cpu->dawr0 & ~7ull) <= ea + size - 1;
}

static _Noreturn void raise_data_fault(struct cpu *cpu, u64 ea, enum mmu_fault fault, const struct translation *tr,
                                       bool store)
{
    if (fault == FAULT_SEGMENT)
        cpu_raise_dseg(cpu, ea);
    if (fault == FAULT_MACHINE_CHECK)
        cpu_raise_machine_check(cpu, SRR1_MC_DATA, DSISR_MC_BAD_REAL, ea);
    cpu_raise_dsi(cpu, ea, tr->cause | (store ? DSISR_STORE : 0));
}

// Puts the page into the TLB. A write translation is announced in the page's flags first: whoever wants to track stores afterwards
// sees the announcement and asks for its removal.
static void fill(struct cpu *cpu, u64 ea, const struct translation *tr)
{
    struct guest_mem *mem = cpu->group->mem;
    u64 page_gra = tr->gra & GUEST_PAGE_MASK;
    if (debug_watch_page(cpu->group, ea) || mmu_dawr_page(cpu, ea))
        return;
    _Atomic u8 *flags = &mem->flags[page_gra >> GUEST_PAGE_SHIFT];
    u8 now = atomic_load_explicit(flags, memory_order_relaxed);
    if (unlikely(now & PAGE_ABSENT))
        return;
    guest_mem_touched(mem, page_gra);
    bool write = tr->prot & PROT_WRITE_OK;
    if (write && !(now & PAGE_WRITABLE))
        now = atomic_fetch_or(flags, PAGE_WRITABLE);
    if (now & (PAGE_CODE | PAGE_CLEAN | PAGE_ABSENT))
        write = false;
    u64 tag = ea & GUEST_PAGE_MASK;
    struct tlb_entry *e = tables_place(cpu, ea);
    if (unlikely(!e))
        return;
    e->rtag = tr->prot & PROT_READ_OK ? tag : TLB_NO_TAG;
    e->wtag = write ? tag : TLB_NO_TAG;
    e->addend = (uintptr_t)mem->base + page_gra - (ea & GUEST_PAGE_MASK);
    e->meta = tr->va;
    if (write)
        tables_note_writer(cpu, e);
}

static bool page_missing(const struct cpu *cpu, u64 gra)
{
    u8 flags = atomic_load_explicit(&cpu->group->mem->flags[gra >> GUEST_PAGE_SHIFT], memory_order_relaxed);
    return unlikely(flags & PAGE_ABSENT) && cpu->group->hooks && cpu->group->hooks->page_in;
}

// Waits for a page that was taken away, and starts the instruction again: what it found before may not hold any more.
static _Noreturn void page_in(struct cpu *cpu, u64 gra)
{
    cpu->nia = cpu_cia(cpu);
    cpu->group->hooks->page_in(cpu, gra & GUEST_PAGE_MASK);
    cpu_unwind(cpu);
}

// Translates one byte range inside a page. The host address, or NULL with *gra outside memory.
static u8 *translate_data(struct cpu *cpu, u64 ea, enum mmu_access access, u64 *gra)
{
    struct translation tr;
    enum mmu_fault fault = mmu_translate(cpu, ea, access, false, &tr);
    if (unlikely(fault))
        raise_data_fault(cpu, ea, fault, &tr, access == ACCESS_STORE);
    *gra = tr.gra;
    if (unlikely(!guest_mem_contains(cpu->group->mem, tr.gra, 1)))
        return NULL;
    if (unlikely(page_missing(cpu, tr.gra)))
        page_in(cpu, tr.gra);
    fill(cpu, ea, &tr);
    return cpu->group->mem->base + tr.gra;
}

static void check_watch(struct cpu *cpu, u64 ea, unsigned size, bool store)
{
    debug_watch_access(cpu, ea, size, store);
    if (unlikely(dawr_match(cpu, ea, size, store)))
        cpu_raise_dsi(cpu, MAX(ea, cpu->dawr0 & ~7ull), DSISR_DAWR | (store ? DSISR_STORE : 0));
}

static unsigned bytes_in_page(u64 ea, unsigned size)
{
    u64 left = GUEST_PAGE_SIZE - (ea & ~GUEST_PAGE_MASK);
    return size <= left ? size : (unsigned)left;
}

static u64 swap_sized(u64 v, unsigned size)
{
    return __builtin_bswap64(v) >> (64 - 8 * size);
}

static bool is_mmio_size(u64 gra, unsigned size)
{
    return (size == 1 || size == 2 || size == 4 || size == 8) && (gra & (size - 1)) == 0;
}

// Devices are big-endian: the value in the register is the device's as it is for a big-endian thread.
static u64 mmio_read(struct cpu *cpu, u64 ea, u64 gra, unsigned size)
{
    const struct cpu_hooks *hooks = cpu->group->hooks;
    u64 value = 0;
    cpu_not_checked(cpu); // devices are accessed once
    if (!is_mmio_size(gra, size))
        cpu_raise_alignment(cpu, ea);
    if (!hooks || !hooks->mmio_read || !hooks->mmio_read(cpu, gra, size, &value))
        cpu_raise_machine_check(cpu, SRR1_MC_DATA, DSISR_MC_BAD_REAL, ea);
    return cpu->be ? value : swap_sized(value, size);
}

static void mmio_write(struct cpu *cpu, u64 ea, u64 gra, unsigned size, u64 value)
{
    const struct cpu_hooks *hooks = cpu->group->hooks;
    cpu_not_checked(cpu); // devices are accessed once
    if (!is_mmio_size(gra, size))
        cpu_raise_alignment(cpu, ea);
    if (!cpu->be)
        value = swap_sized(value, size);
    if (!hooks || !hooks->mmio_write || !hooks->mmio_write(cpu, gra, size, value))
        cpu_raise_machine_check(cpu, SRR1_MC_DATA, DSISR_MC_BAD_REAL, ea);
}

// Bytes in storage order to the register's value and back.
static u128 from_bytes(const struct cpu *cpu, const u8 *bytes, unsigned size)
{
    u128 v = 0;
    for (unsigned i = 0; i < size; i++)
        v = v << 8 | bytes[cpu->be ? i : size - 1 - i];
    return v;
}

static void to_bytes(const struct cpu *cpu, u8 *bytes, unsigned size, u128 v)
{
    for (unsigned i = 0; i < size; i++, v >>= 8)
        bytes[cpu->be ? size - 1 - i : i] = (u8)v;
}

// Aligned operands of up to a doubleword are single copies.
static u128 load(const struct cpu *cpu, const u8 *host, unsigned size)
{
    switch (size) {
    case 1: return *host;
    case 2: {
        u16 v;
        memcpy(&v, host, 2);
        return cpu->be ? __builtin_bswap16(v) : v;
    }
    case 4: {
        u32 v;
        memcpy(&v, host, 4);
        return cpu->be ? __builtin_bswap32(v) : v;
    }
    case 8: {
        u64 v;
        memcpy(&v, host, 8);
        return cpu->be ? __builtin_bswap64(v) : v;
    }
    default: return from_bytes(cpu, host, size);
    }
}

static void store(const struct cpu *cpu, u8 *host, unsigned size, u128 value)
{
    switch (size) {
    case 1: *host = (u8)value; break;
    case 2: {
        u16 v = cpu->be ? __builtin_bswap16((u16)value) : (u16)value;
        memcpy(host, &v, 2);
        break;
    }
    case 4: {
        u32 v = cpu->be ? __builtin_bswap32((u32)value) : (u32)value;
        memcpy(host, &v, 4);
        break;
    }
    case 8: {
        u64 v = cpu->be ? __builtin_bswap64((u64)value) : (u64)value;
        memcpy(host, &v, 8);
        break;
    }
    default: to_bytes(cpu, host, size, value);
    }
}

// After a store that did not go through a write translation.
static void wrote(struct cpu *cpu, u64 gra, unsigned size)
{
    struct guest_mem *mem = cpu->group->mem;
    u8 flags = atomic_load_explicit(&mem->flags[gra >> GUEST_PAGE_SHIFT], memory_order_relaxed);
    if (flags & (PAGE_CODE | PAGE_CLEAN))
        guest_mem_wrote(mem, gra, size);
}

u128 mmu_read_slow(struct cpu *cpu, u64 ea, unsigned size)
{
    cpu_mmu(cpu)->counts.misses++;
    check_watch(cpu, ea, size, false);
    u64 gra, gra2;
    unsigned first = bytes_in_page(ea, size);
    u8 *host = translate_data(cpu, ea, ACCESS_LOAD, &gra);
    if (likely(first == size))
        return likely(host != NULL) ? load(cpu, host, size) : mmio_read(cpu, ea, gra, size);
    u8 *host2 = translate_data(cpu, (ea + first) & cpu->ea_mask, ACCESS_LOAD, &gra2);
    if (!host || !host2)
        cpu_raise_alignment(cpu, ea);
    u8 bytes[16];
    memcpy(bytes, host, first);
    memcpy(bytes + first, host2, size - first);
    return from_bytes(cpu, bytes, size);
}

void mmu_write_slow(struct cpu *cpu, u64 ea, unsigned size, u128 value)
{
    cpu_mmu(cpu)->counts.misses++;
    check_watch(cpu, ea, size, true);
    u64 gra, gra2;
    unsigned first = bytes_in_page(ea, size);
    u8 *host = translate_data(cpu, ea, ACCESS_STORE, &gra);
    if (likely(first == size)) {
        if (unlikely(!host))
            return mmio_write(cpu, ea, gra, size, (u64)value);
        store(cpu, host, size, value);
        return wrote(cpu, gra, size);
    }
    u8 *host2 = translate_data(cpu, (ea + first) & cpu->ea_mask, ACCESS_STORE, &gra2);
    if (!host || !host2)
        cpu_raise_alignment(cpu, ea);
    u8 bytes[16];
    to_bytes(cpu, bytes, size, value);
    memcpy(host, bytes, first);
    memcpy(host2, bytes + first, size - first);
    wrote(cpu, gra, first);
    wrote(cpu, gra2, size - first);
}

uintptr_t mmu_refill(struct cpu *cpu, u64 ea, unsigned size, bool write)
{
    struct translation tr;
    if (bytes_in_page(ea, size) != size ||
        mmu_translate(cpu, ea, write ? ACCESS_STORE : ACCESS_LOAD, false, &tr) != FAULT_NONE ||
        !guest_mem_contains(cpu->group->mem, tr.gra, 1))
        return 0;
    fill(cpu, ea, &tr);
    const struct tlb_entry *e = tlb_slot(cpu, ea);
    bool found = (write ? e->wtag : e->rtag) == (ea & GUEST_PAGE_MASK);
    cpu_mmu(cpu)->counts.misses += found; // else the reference semantics count it
    return found ? e->addend : 0;
}

void *mmu_atomic_host(struct cpu *cpu, u64 ea, unsigned size, bool write, u64 *gra)
{
    const struct guest_mem *mem = cpu->group->mem;
    const struct tlb_entry *e = tlb_slot(cpu, ea);
    if (likely((write ? e->wtag : e->rtag) == tlb_tag(ea, size))) {
        u8 *hit = (u8 *)(uintptr_t)(ea + e->addend);
        *gra = (u64)(hit - mem->base);
        return hit;
    }
    check_watch(cpu, ea, size, write);
    if (bytes_in_page(ea, size) != size)
        cpu_raise_alignment(cpu, ea);
    u8 *host = translate_data(cpu, ea, write ? ACCESS_STORE : ACCESS_LOAD, gra);
    // ISA II "Atomic Update": neither reservations nor dcbz work on storage that is not memory.
    if (!host)
        cpu_raise_dsi(cpu, ea, DSISR_BAD_CI | (write ? DSISR_STORE : 0));
    if (write)
        wrote(cpu, *gra, size);
    return host;
}

static _Noreturn void raise_fetch_fault(struct cpu *cpu, u64 ea, enum mmu_fault fault, const struct translation *tr)
{
    cpu->nia = ea;
    if (fault == FAULT_SEGMENT)
        cpu_raise_iseg(cpu);
    if (fault == FAULT_MACHINE_CHECK)
        cpu_raise_machine_check(cpu, SRR1_MC_FETCH_BAD_REAL, cpu->dsisr, cpu->dar);
    cpu_raise_isi(cpu, tr->cause);
}

struct cpage *mmu_fetch_page(struct cpu *cpu, u64 ea)
{
    struct mmu *mmu = cpu_mmu(cpu);
    mmu->counts.fetches++;
    for (;;) {
        struct translation tr;
        u32 flushes = mmu->flushes;
        enum mmu_fault fault = mmu_translate(cpu, ea, ACCESS_FETCH, false, &tr);
        if (!fault && !guest_mem_contains(cpu->group->mem, tr.gra, 1))
            fault = FAULT_MACHINE_CHECK;
        if (unlikely(fault))
            raise_fetch_fault(cpu, ea, fault, &tr);
        if (unlikely(page_missing(cpu, tr.gra))) {
            cpu->group->hooks->page_in(cpu, tr.gra & GUEST_PAGE_MASK);
            continue;
        }
        struct cpage *page = code_page(cpu, tr.gra & GUEST_PAGE_MASK, cpu->be);
        // Making the page may have let other threads run, and take away what was found.
        if (unlikely(mmu->flushes != flushes))
            continue;
        tables_fetch_fill(cpu, ea, page, tr.va);
        return page;
    }
}
