// SPDX-License-Identifier: Apache-2.0
// Fuzz target: instructions, on the real engine, in a small partition. The input is four bytes about the state that they begin in
// and then the instructions: words, or rows of the instruction table with operands. Whatever they do, the run ends, and no byte beyond the partition's memory is touched: what follows it in
// the host's address space cannot be accessed.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/endian.h"
#include "cpu/except.h"
#include "cpu/group.h"
#include "cpu/mem.h"
#include "cpu/mmu/mmu.h"
#include "cpu/run.h"
#include "cpu/spr.h"
#include "isa/isa.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define MEMORY (1 * MIB)
#define GUARD  (1 * MIB) // behind it
#define CODE   0x10000ull
#define PRTB   0x40000ull
#define ROOT   0x50000ull // 64 KiB
#define LEVEL1 0x60000ull
#define LEVEL2 0x61000ull
#define LEVEL3 0x62000ull
#define INSNS  200u // that a run may take, about
#define WORDS  256u // of them given

static unsigned steps;

static void stop(struct cpu *cpu)
{
    atomic_fetch_or(&cpu->attn, ATTN_STOP);
}

static void hcall(struct cpu *cpu)
{
    cpu->gpr[3] = 0;
    stop(cpu);
}

static bool mmio_read(struct cpu *cpu, u64 gra, unsigned size, u64 *value)
{
    *value = gra * 0x0101010101010101ull;
    return gra >> 32 == 6;
}

static bool mmio_write(struct cpu *cpu, u64 gra, unsigned size, u64 value)
{
    return gra >> 32 == 6;
}

// The clock is looked at when the instruction budget is used up: that is where an endless loop ends.
static bool preempt(struct cpu *cpu)
{
    stop(cpu);
    return false;
}

static void count_insn(struct cpu *cpu, u64 cia, u32 insn)
{
    if (++steps > INSNS)
        stop(cpu);
}

static const struct cpu_hooks hooks = {
    .hcall = hcall, .mmio_read = mmio_read, .mmio_write = mmio_write, .preempt = preempt};

static void put(struct guest_mem *mem, u64 gra, u64 value)
{
    store_be64(guest_mem_at(mem, gra, 8), value);
}

// A radix tree as Linux has it: the memory at 0 for PID 1 and at 0xc000... for PID 0, in pages of 64 KiB.
static void map_memory(struct guest_mem *mem, struct cpu_group *group)
{
    u64 entry = (21ull >> 3) << 61 | (21ull & 7) << 5 | ROOT | 13;
    put(mem, PRTB, entry);
    put(mem, PRTB + 16, entry);
    put(mem, ROOT, PPC_BIT(0) | LEVEL1 | 9);
    put(mem, LEVEL1, PPC_BIT(0) | LEVEL2 | 9);
    put(mem, LEVEL2, PPC_BIT(0) | LEVEL3 | 5);
    for (u64 page = 0; page < MEMORY >> 16; page++)
        put(mem, LEVEL3 + page * 8, PPC_BIT(0) | PPC_BIT(1) | page << 16 | 0x187);
    group->radix = true;
    group->gtse = true;
    group->prtb = PRTB;
}

static u64 next_random(u64 *state)
{
    u64 z = *state += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

// Values that matter: addresses in memory, at its end, in the kernel's half; numbers at the edges of their formats.
static void set_registers(struct cpu *cpu, u64 seed)
{
    static const u64 special[] = {0,
                                  0x8000000000000000ull,
                                  0x7ff0000000000000ull,
                                  0x7ff8000000000000ull,
                                  0x7ff4000000000000ull,
                                  1,
                                  0x3ff0000000000000ull,
                                  0x7fefffffffffffffull,
                                  0x000fffffffffffffull,
                                  ~0ull,
                                  0x7f800000ull,
                                  0x2238000000000000ull,
                                  0x7800000000000000ull,
                                  0xffffffff00000000ull,
                                  0x123456789012345cull,
                                  64};
    for (unsigned i = 0; i < 32; i++) {
        u64 r = next_random(&seed);
        switch (r & 7) {
        case 0: cpu->gpr[i] = r >> 60; break;
        case 1: cpu->gpr[i] = MEMORY - (r >> 58); break;
        case 2: cpu->gpr[i] = r; break;
        case 3: cpu->gpr[i] = 0xc000000000000000ull + (r >> 45); break;
        case 4: cpu->gpr[i] = special[r >> 60]; break;
        default: cpu->gpr[i] = r >> 45 & ~(r >> 3 & 7); break;
        }
    }
    for (unsigned i = 0; i < 64; i++) {
        u64 r = next_random(&seed);
        VSR_D(&cpu->vsr[i], 0) = r & 1 ? special[r >> 60] : r;
        VSR_D(&cpu->vsr[i], 1) = r & 2 ? special[r >> 56 & 15] : next_random(&seed);
    }
    cpu->fpscr = (u32)next_random(&seed);
    cpu->fpscr_hi = (u32)next_random(&seed) & 7;
    cpu->ctr = next_random(&seed) & 0xff;
    cpu->lr = CODE + (next_random(&seed) & 0xfc);
    u32 cr = (u32)next_random(&seed);
    for (unsigned i = 0; i < 8; i++)
        cpu->crf[i] = cr >> (4 * i) & 15;
    cpu->xer_rest = (u32)next_random(&seed) & 0x7f;
}

static u32 take_insn(struct input *in, bool rows)
{
    if (!rows)
        return (u32)take_bytes(in, 4);
    const struct insn_row *row = &insn_rows[take_bytes(in, 2) % INSN_COUNT];
    u32 operands = (u32)take_bytes(in, 4);
    return (operands & ~row->mask) | row->value;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct input in = {data, size};
    struct guest_mem mem;
    struct cpu_group group;
    isa_init();
    if (guest_mem_init(&mem, MEMORY + GUARD) || group_init(&group, &mem, &hooks, NULL) ||
        mprotect(mem.base + MEMORY, GUARD, PROT_NONE))
        abort();
    mem.size = MEMORY;
    u8 flavour = take(&in), more = take(&in);
    struct cpu *cpu = group_add_cpu(&group, 0, 0, 0, flavour & 1 ? 0x4e1202 : 0x4d0200);
    struct cpu *other = group_add_cpu(&group, 0, 1, 1, flavour & 1 ? 0x4e1202 : 0x4d0200);
    if (!cpu || !other)
        abort();
    group.threads_per_vcpu = 2;
    group.rma_size = MEMORY;
    cpu->isa_level = other->isa_level = flavour & 1 ? LEVEL_V30 : LEVEL_V207;
    cpu->lpcr = flavour & 0x40 ? LPCR_ILE : 0;
    if (flavour & 1 && flavour & 2) {
        map_memory(&mem, &group);
        cpu->lpcr |= LPCR_HR | LPCR_UPRT | LPCR_GTSE;
        cpu->pidr = 1;
    }
    u64 msr = (flavour & 4 ? MSR_PR | MSR_EE : 0) | (flavour & 8 ? MSR_LE : 0) | (flavour & 0x10 ? 0 : MSR_SF) |
              MSR_ME | (flavour & 0x20 ? 0 : MSR_FP | MSR_VEC | MSR_VSX) | (more & 1 ? MSR_SE : 0) |
              (more & 2 ? MSR_BE : 0) | (flavour & 2 ? MSR_IR | MSR_DR : 0);
    if (flavour & 4 && !(flavour & 2))
        msr |= MSR_IR | MSR_DR; // problem state has no real mode
    cpu->fscr = cpu->hfscr = ~0ull;
    cpu->dec_expires = more & 4 ? 0 : ~0ull >> 1;
    set_registers(cpu, take_bytes(&in, 2));
    cpu_set_msr(cpu, msr);
    cpu->nia = more & 8 ? CODE + 0x1000 - 8 : CODE;
    for (unsigned n = 0; in.size >= 4 && n < WORDS; n++) {
        u32 word = take_insn(&in, !(more & 0x20));
        if (flavour & 8)
            word = __builtin_bswap32(word);
        store_be32(guest_mem_at(&mem, cpu->nia + n * 4, 4), word);
    }
    if (more & 0x10)
        cpu->trace_insn = count_insn;
    for (unsigned i = 0; i < 2; i++) {
        cpu->budget = INSNS;
        steps = 0;
        interp_engine.run(cpu);
        atomic_fetch_and(&cpu->attn, ~(u32)ATTN_STOP);
        interp_engine.step(cpu);
    }
    mem.size = MEMORY + GUARD;
    group_fini(&group);
    guest_mem_fini(&mem);
    return 0;
}
