// SPDX-License-Identifier: Apache-2.0
// Cache management, barriers, copy-paste. ISA II "Storage Control Instructions".
//
// The host's caches are coherent and the MMU drops predecoded code when it is written: what is left of cache management
// is its translation, which may fault like a load's. Hints never fault.
#include "cpu/exec/storage_int.h"

#define CACHE_BLOCK 128u

// The block's address translates for loading, or the interrupt that a load would cause.
static inline void touch_block(struct cpu *cpu, u32 insn)
{
    (void)mem_read8(cpu, ea_indexed(cpu, insn) & ~(u64)(CACHE_BLOCK - 1));
}

EXEC(dcbt)
{
    (void)cpu, (void)insn;
}

EXEC(dcbtst)
{
    (void)cpu, (void)insn;
}

EXEC(icbt)
{
    (void)cpu, (void)insn;
}

EXEC(dcbst)
{
    touch_block(cpu, insn);
}

EXEC(dcbf)
{
    touch_block(cpu, insn);
}

EXEC(icbi)
{
    touch_block(cpu, insn);
}

EXEC(dcbz)
{
    u64 ea = ea_indexed(cpu, insn) & cpu->ea_mask & ~(u64)(CACHE_BLOCK - 1);
    u64 gra;
    memset(atomic_host(cpu, ea, CACHE_BLOCK, true, &gra), 0, CACHE_BLOCK);
}

// Data streams: hints that are no longer there.
EXEC(dst)
{
    (void)cpu, (void)insn;
}

EXEC(dstt)
{
    (void)cpu, (void)insn;
}

EXEC(dstst)
{
    (void)cpu, (void)insn;
}

EXEC(dststt)
{
    (void)cpu, (void)insn;
}

EXEC(dss)
{
    (void)cpu, (void)insn;
}

EXEC(dssall)
{
    (void)cpu, (void)insn;
}

// ISA II "Synchronize": L = 0 and 2 (ptesync) order stores before later loads; L = 1 (lwsync) orders all else, which x86 hosts do by
// themselves: on these the release-acquire fence is a compiler barrier.
EXEC(sync)
{
    if (INSN_FIELD(9, 10) == 1)
        atomic_thread_fence(memory_order_acq_rel);
    else
        atomic_thread_fence(memory_order_seq_cst);
}

// Orders stores among themselves, and accesses to devices.
EXEC(eieio)
{
    (void)cpu, (void)insn;
    atomic_thread_fence(memory_order_seq_cst);
}

// The kind CTX does what it is for: what follows is fetched and translated anew.
EXEC(isync)
{
    (void)cpu, (void)insn;
    atomic_thread_fence(memory_order_acq_rel);
}

// Waiting may end at any time; programs loop.
EXEC(wait)
{
    (void)cpu, (void)insn;
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
}

// ISA II "Copy-Paste Facility". No accelerator is mapped into a partition: copying reads, and every paste goes to normal
// memory, which is the data storage interrupt for the wrong type of memory. So nothing is ever outstanding.
EXEC(copy)
{
    u64 ea = ea_indexed(cpu, insn) & cpu->ea_mask, gra;
    (void)atomic_host(cpu, ea, CACHE_BLOCK, false, &gra);
}

EXEC(paste_r)
{
    u64 ea = ea_indexed(cpu, insn) & cpu->ea_mask, gra;
    (void)atomic_host(cpu, ea, CACHE_BLOCK, true, &gra);
    cpu_raise_dsi(cpu, ea, DSISR_BAD_COPYPASTE | DSISR_STORE);
}

EXEC(cp_abort)
{
    (void)cpu, (void)insn;
}
