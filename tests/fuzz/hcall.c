// SPDX-License-Identifier: Apache-2.0
// Fuzz target: hypervisor calls. The input is a series of steps, each a byte that chooses it: a call of the table with its
// arguments, bytes written to memory, or a look at the translation tables that the calls have made.
#include <stdlib.h>
#include <string.h>

#include "cpu/except.h"
#include "cpu/mmu/mmu.h"
#include "papr/hcall.h"
#include "papr/test_partition.h"
#include "papr/vdev_ops.h"
#include "vdev/vty.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define STEPS_MAX 64u
#define RUNS      500u // calls leave things behind: a new partition now and then

// Choices beyond the table's rows.
enum { STEP_WRITE = 0xf0, STEP_TRANSLATE, STEP_PROBLEM_STATE, STEP_UNKNOWN_CALL, STEP_MSR };

// Numbers that mean something: unit addresses, interrupt sources, LIOBNs, partition-wide selectors.
static const u64 meaningful[] = {
    0x30000000,
    0x71000000,
    0x10000000,
    0x1000,
    0x1001,
    0x1100,
    0x1200,
    0x1300,
    0x1301,
    0x2000,
    0x8000000000000000ull,
    0x0800000000000000ull,
    0x2000000000000000ull,
    0x4000000000000000ull,
    0x80000000,
    0x01020304,
    TEST_MEMORY - 0x1000,
    TEST_MEMORY - 1,
    TEST_MEMORY,
    0xc000000000000000ull,
    0xd000000000000000ull,
    0xffffffff00000000ull,
    0x7fffffffffffffffull,
};

static u64 argument(struct input *in, const struct cpu *cpu)
{
    u8 kind = take(in);
    switch (kind & 7) {
    case 0: return take(in);
    case 1: return 0ull - take(in);
    case 2: return take_bytes(in, 2) << 12;
    case 3: return take_bytes(in, 3);
    case 4: return 1ull << (take(in) & 63);
    case 5: return take_bytes(in, 8);
    case 6: return meaningful[take(in) % ARRAY_LEN(meaningful)] + (kind >> 3);
    default: return cpu->gpr[kind >> 3];
    }
}

static void write_memory(struct input *in)
{
    u64 gra = take_bytes(in, 2) << 12 | take(in) << 4;
    u8 bytes[64];
    size_t size = take(in) % sizeof(bytes) + 1;
    for (size_t i = 0; i < size; i++)
        bytes[i] = take(in);
    guest_mem_write(&test_lp.mem, gra, bytes, size);
}

static void one_step(struct input *in)
{
    u8 choice = take(in);
    struct cpu *cpu = test_lp.group.cpus[choice == STEP_WRITE ? 0 : take(in) % test_lp.group.len];
    u64 args[9] = {0}, number = 0, gra;
    cpu->msr &= ~MSR_PR;
    switch (choice) {
    case STEP_WRITE: write_memory(in); return;
    case STEP_MSR:
        cpu_set_msr(cpu, take_bytes(in, 8) & (MSR_SF | MSR_EE | MSR_ME | MSR_IR | MSR_DR | MSR_LE | MSR_RI));
        return;
    case STEP_TRANSLATE:
        number = argument(in, cpu);
        mmu_translate_debug(cpu, number, ACCESS_LOAD, &gra);
        mmu_translate_debug(cpu, number, ACCESS_FETCH, &gra);
        return;
    case STEP_PROBLEM_STATE: cpu->msr |= MSR_PR; break;
    case STEP_UNKNOWN_CALL: number = argument(in, cpu); break;
    default: break;
    }
    if (choice < STEP_WRITE)
        number = hcall_rows[choice % hcall_rows_len].number;
    if (number == HCALL_RTAS || number == HCALL_CLIENT)
        return; // the target `rtas` has them
    unsigned len = choice < STEP_WRITE ? hcall_rows[choice % hcall_rows_len].args : ARRAY_LEN(args);
    for (unsigned i = 0; i < len; i++)
        args[i] = argument(in, cpu);
    // No call may wait for another thread here: a thread that is asked to stop does not.
    atomic_fetch_or(&cpu->attn, ATTN_STOP);
    test_hcall(cpu, number, args, ARRAY_LEN(args));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static unsigned runs;
    static int level = -1;
    struct input in = {data, size};
    u8 flavour = take(&in);
    if (runs++ % RUNS == 0 || level != (flavour & 1)) {
        if (level >= 0) {
            vty_fini(&test_lp);
            partition_fini(&test_lp);
        }
        level = flavour & 1;
        test_partition(2, 2, level ? LEVEL_V30 : LEVEL_V207);
        if (vty_init(&test_lp))
            abort();
    }
    test_lp.xive_mode = flavour & 2 && level;
    test_hv.in = data;
    test_hv.in_len = size;
    test_hv.out_len = 0;
    test_hv.accept = flavour & 4 ? 0 : sizeof(test_hv.out);
    atomic_store(&test_lp.end, END_NONE);
    for (u32 i = 0; i < test_lp.group.len; i++) {
        cpu_set_msr(test_lp.group.cpus[i], MSR_SF | MSR_ME);
        atomic_store(&cpu_papr(test_lp.group.cpus[i])->state, THREAD_RUNNING);
    }
    for (unsigned steps = 0; in.size && steps < STEPS_MAX; steps++)
        one_step(&in);
    return 0;
}
