// SPDX-License-Identifier: Apache-2.0
// A small partition for tests of the supervisor state: 16 MiB, one or more threads, and programs of a few instructions that end by
// `sc 1`. Every interrupt vector holds `sc 1` too, so a run ends where it was interrupted.
#ifndef CPU_TEST_MACHINE_H
#define CPU_TEST_MACHINE_H

#include <stdlib.h>

#include "base/endian.h"
#include "base/test.h"
#include "cpu/except.h"
#include "cpu/group.h"
#include "cpu/mem.h"
#include "cpu/mmu/mmu.h"
#include "cpu/run.h"
#include "cpu/spr.h"
#include "isa/isa.h"

#define TEST_MEMORY (16 * MIB)
#define TEST_CODE   0x10000ull // programs, in real memory

// Instructions.
#define I_LI(rt, v)      (0x38000000u | (u32)(rt) << 21 | ((u32)(v)&0xffff))
#define I_LD(rt, d, ra)  (0xe8000000u | (u32)(rt) << 21 | (u32)(ra) << 16 | ((u32)(d)&0xfffc))
#define I_LWZ(rt, d, ra) (0x80000000u | (u32)(rt) << 21 | (u32)(ra) << 16 | ((u32)(d)&0xffff))
#define I_STD(rt, d, ra) (0xf8000000u | (u32)(rt) << 21 | (u32)(ra) << 16 | ((u32)(d)&0xfffc))
#define I_SC             0x44000002u
#define I_SC1            0x44000022u
#define I_SCV(lev)       (0x44000001u | (u32)(lev) << 5)
#define I_RFID           0x4c000024u
#define I_RFSCV          0x4c0000a4u
#define I_HRFID          0x4c000224u
#define I_MFMSR(rt)      (0x7c0000a6u | (u32)(rt) << 21)
#define I_MTMSRD(rs, l)  (0x7c000164u | (u32)(rs) << 21 | (u32)(l) << 16)
#define I_SPR(op, r, n)  ((op) | (u32)(r) << 21 | ((u32)(n)&31) << 16 | ((u32)(n) >> 5) << 11)
#define I_MFSPR(rt, n)   I_SPR(0x7c0002a6u, rt, n)
#define I_MTSPR(n, rs)   I_SPR(0x7c0003a6u, rs, n)
#define I_SLBMTE(rs, rb) (0x7c000324u | (u32)(rs) << 21 | (u32)(rb) << 11)
#define I_SLBIE(rb)      (0x7c000364u | (u32)(rb) << 11)
#define I_TLBIE(rb, rs, ric, prs, r) \
    (0x7c000264u | (u32)(rs) << 21 | (u32)(ric) << 18 | (u32)(prs) << 17 | (u32)(r) << 16 | (u32)(rb) << 11)
#define I_TLBIEL(rb, rs, ric, prs, r) (I_TLBIE(rb, rs, ric, prs, r) - 0x40u)
#define I_MSGSNDP(rb)                 (0x7c00011cu | (u32)(rb) << 11)
#define I_B_SELF                      0x48000000u
#define I_NOP                         0x60000000u
#define I_TW                          0x7fe00008u
#define I_FADD                        0xfc00002au
#define I_VXOR                        0x100004c4u
#define I_XXLXOR                      0xf00004d0u

#define MSR_BASE                      (MSR_SF | MSR_ME | MSR_LE)

struct machine {
    struct guest_mem mem;
    struct cpu_group group;
    struct cpu *cpu;
    u64 stopped_at; // address of the `sc 1` that ended the run
    u64 mmio_gra, mmio_value;
    unsigned mmio_size, mmio_writes;
};

static inline struct machine *machine_of(struct cpu *cpu)
{
    return cpu->group->owner;
}

static void machine_hcall(struct cpu *cpu)
{
    __atomic_store_n(&machine_of(cpu)->stopped_at, cpu_cia(cpu), __ATOMIC_RELAXED); // threads may stop at once
    atomic_fetch_or(&cpu->attn, ATTN_STOP);
}

static bool machine_mmio_read(struct cpu *cpu, u64 gra, unsigned size, u64 *value)
{
    struct machine *m = machine_of(cpu);
    m->mmio_gra = gra;
    m->mmio_size = size;
    *value = m->mmio_value;
    return gra >> 32 == 6;
}

static bool machine_mmio_write(struct cpu *cpu, u64 gra, unsigned size, u64 value)
{
    struct machine *m = machine_of(cpu);
    m->mmio_gra = gra;
    m->mmio_size = size;
    m->mmio_value = value;
    m->mmio_writes++;
    return gra >> 32 == 6;
}

static const struct cpu_hooks machine_hooks = {
    .hcall = machine_hcall,
    .mmio_read = machine_mmio_read,
    .mmio_write = machine_mmio_write,
};

static inline void machine_put(struct machine *m, u64 gra, u32 insn, bool big_endian)
{
    u32 word = big_endian ? __builtin_bswap32(insn) : insn;
    guest_mem_write(&m->mem, gra, &word, 4);
}

// Vectors at `base` (0, or the place that AIL 3 relocates to) in one byte order.
static inline void machine_vectors(struct machine *m, u64 base, bool big_endian)
{
    for (u64 v = 0x100; v < 0x1000; v += 0x20)
        machine_put(m, base + v, I_SC1, big_endian);
}

static inline struct machine *machine_new(unsigned threads, enum isa_level level)
{
    struct machine *m = calloc(1, sizeof(*m));
    isa_init();
    if (!m || guest_mem_init(&m->mem, TEST_MEMORY) || group_init(&m->group, &m->mem, &machine_hooks, m))
        abort();
    for (unsigned t = 0; t < threads; t++) {
        struct cpu *cpu = group_add_cpu(&m->group, 0, t, t, 0x004e1202);
        if (!cpu)
            abort();
        cpu->isa_level = (u8)level;
        cpu->lpcr = LPCR_ILE;
        cpu->dec_expires = ~0ull >> 1;
        cpu_set_msr(cpu, MSR_BASE);
    }
    m->group.threads_per_vcpu = threads;
    m->cpu = m->group.cpus[0];
    machine_vectors(m, 0, false);
    return m;
}

static inline void machine_free(struct machine *m)
{
    group_fini(&m->group);
    guest_mem_fini(&m->mem);
    free(m);
}

// Runs from `nia` in state `msr` until `sc 1`; the address where that was.
static inline u64 machine_run(struct machine *m, u64 nia, u64 msr)
{
    struct cpu *cpu = m->cpu;
    m->stopped_at = ~0ull;
    cpu_set_msr(cpu, msr);
    cpu->nia = nia;
    atomic_fetch_and(&cpu->attn, ~(u32)ATTN_STOP);
    cpu->budget = 0;
    CHECK_EQ(interp_engine.run(cpu), EXIT_STOPPED);
    return m->stopped_at;
}

// The same for a program of up to three instructions at TEST_CODE, little-endian, which is at `ea` there; `sc 1` follows them.
static inline u64 machine_exec_at(struct machine *m, u64 ea, u64 msr, u32 i0, u32 i1, u32 i2)
{
    u32 insns[] = {i0, i1, i2};
    u64 at = TEST_CODE;
    for (unsigned i = 0; i < 3; i++) {
        if (insns[i]) {
            machine_put(m, at, insns[i], false);
            at += 4;
        }
    }
    machine_put(m, at, I_SC1, false);
    return machine_run(m, ea, msr);
}

// In real mode.
static inline u64 machine_exec(struct machine *m, u64 msr, u32 i0, u32 i1, u32 i2)
{
    return machine_exec_at(m, TEST_CODE, msr, i0, i1, i2);
}

#endif
