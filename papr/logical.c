// SPDX-License-Identifier: Apache-2.0
//
// Storage access on the OS's behalf: for code that runs without translation, debuggers, and page initialisation.
#include <string.h>

#include "papr/hcall_int.h"

#include "base/endian.h"
#include "papr/xive.h"

static bool size_valid(u64 size, u64 addr)
{
    return (size == 1 || size == 2 || size == 4 || size == 8) && !(addr & (size - 1));
}

static u64 load_be(const u8 *p, u64 size)
{
    switch (size) {
    case 1: return *p;
    case 2: return load_be16(p);
    case 4: return load_be32(p);
    default: return load_be64(p);
    }
}

static void store_be(u8 *p, u64 size, u64 value)
{
    switch (size) {
    case 1: *p = value; break;
    case 2: store_be16(p, value); break;
    case 4: store_be32(p, value); break;
    default: store_be64(p, value); break;
    }
}

static long load_memory(struct cpu *cpu, u64 *args)
{
    const u8 *p = guest_mem_at(&cpu_partition(cpu)->mem, args[1], args[0]);
    if (!p)
        return H_PARAMETER;
    args[0] = load_be(p, args[0]);
    return H_SUCCESS;
}

static long store_memory(struct cpu *cpu, u64 *args)
{
    struct guest_mem *mem = &cpu_partition(cpu)->mem;
    u8 *p = guest_mem_at(mem, args[1], args[0]);
    if (!p)
        return H_PARAMETER;
    store_be(p, args[0], args[2]);
    guest_mem_wrote(mem, args[1], args[0]);
    return H_SUCCESS;
}

// size, address -> value
long h_logical_ci_load(struct cpu *cpu, u64 *args)
{
    u64 value;
    if (!size_valid(args[0], args[1]))
        return H_PARAMETER;
    if (!xive_contains(args[1], args[0]))
        return load_memory(cpu, args);
    if (!xive_mmio_read(cpu, args[1], args[0], &value))
        return H_PARAMETER;
    args[0] = value;
    return H_SUCCESS;
}

// size, address, value
long h_logical_ci_store(struct cpu *cpu, u64 *args)
{
    if (!size_valid(args[0], args[1]))
        return H_PARAMETER;
    if (!xive_contains(args[1], args[0]))
        return store_memory(cpu, args);
    return xive_mmio_write(cpu, args[1], args[0], args[2]) ? H_SUCCESS : H_PARAMETER;
}

long h_logical_cache_load(struct cpu *cpu, u64 *args)
{
    return size_valid(args[0], args[1]) ? load_memory(cpu, args) : H_PARAMETER;
}

long h_logical_cache_store(struct cpu *cpu, u64 *args)
{
    return size_valid(args[0], args[1]) ? store_memory(cpu, args) : H_PARAMETER;
}

// Instruction and data caches are coherent here; what is left of these two is the check.
long h_logical_icbi(struct cpu *cpu, u64 *args)
{
    return guest_mem_contains(&cpu_partition(cpu)->mem, args[0], 1) ? H_SUCCESS : H_PARAMETER;
}

long h_logical_dcbf(struct cpu *cpu, u64 *args)
{
    return guest_mem_contains(&cpu_partition(cpu)->mem, args[0], 1) ? H_SUCCESS : H_PARAMETER;
}

// LoPAR H_PAGE_INIT: flags
#define PAGE_INIT_ZERO   PPC_BIT(48)
#define PAGE_INIT_COPY   PPC_BIT(49)
#define PAGE_INIT_ICACHE (PPC_BIT(40) | PPC_BIT(41))
#define PAGE_INIT_STATE \
    PPC_BITMASK(28, 31) // page states of shared memory: without it they are accepted and mean nothing

// flags, destination, source; pages of 4 KiB
long h_page_init(struct cpu *cpu, u64 *args)
{
    struct guest_mem *mem = &cpu_partition(cpu)->mem;
    u64 flags = args[0], to = args[1], from = args[2];
    if (flags & ~(PAGE_INIT_ZERO | PAGE_INIT_COPY | PAGE_INIT_ICACHE | PAGE_INIT_STATE))
        return H_PARAMETER;
    if ((flags & PAGE_INIT_ZERO) && (flags & PAGE_INIT_COPY))
        return H_PARAMETER;
    u8 *page = to & 0xfff ? NULL : guest_mem_at(mem, to, 0x1000);
    if (!page)
        return H_PARAMETER;
    if (flags & PAGE_INIT_COPY) {
        const u8 *source = from & 0xfff ? NULL : guest_mem_at(mem, from, 0x1000);
        if (!source)
            return H_PARAMETER;
        memmove(page, source, 0x1000);
    } else if (flags & PAGE_INIT_ZERO) {
        memset(page, 0, 0x1000);
    } else {
        return H_SUCCESS;
    }
    guest_mem_wrote(mem, to, 0x1000);
    return H_SUCCESS;
}

long h_random(struct cpu *cpu, u64 *args)
{
    struct partition *lp = cpu_partition(cpu);
    u64 value = 0;
    lp->hv->random(lp->hv_arg, &value, sizeof(value));
    args[0] = value;
    return H_SUCCESS;
}
