// SPDX-License-Identifier: Apache-2.0
// For tests of the code generator: regions built by hand or at random, compiled and run on a real thread.
//
// Every instruction of the code page is `sc 1`, so a region that exits into it stops there.
#ifndef CPU_XLATE_X86_REGION_TEST_H
#define CPU_XLATE_X86_REGION_TEST_H

#include "base/test_random.h"
#include "cpu/code.h"
#include "cpu/test_machine.h"
#include "cpu/time.h"
#include "cpu/xlate/build.h"
#include "cpu/xlate/target.h"

#define CODE_GRA  0x20000ull
#define DATA_GRA  0x100000ull // what loads and stores touch: 4 pages
#define DATA_SIZE 0x4000ull

static struct machine *m;
static struct cpu *cpu;
static struct code_memory *codes;
static struct cpage *page;
static struct ir_region region;
static struct ir_builder b;

static inline void setup_order(bool big_endian)
{
    m = machine_new(1, LEVEL_V30);
    cpu = m->cpu;
    target_prepare(cpu, false);
    for (u64 at = 0; at < GUEST_PAGE_SIZE; at += 4)
        machine_put(m, CODE_GRA + at, I_SC1, big_endian);
    codes = code_memory_new(16 * MIB);
    CHECK(codes != NULL);
    page = code_page(cpu, CODE_GRA, big_endian);
    cpu_set_msr(cpu, big_endian ? MSR_BASE & ~MSR_LE : MSR_BASE);
}

static inline void setup(void)
{
    setup_order(false);
}

static inline void teardown(void)
{
    code_memory_free(codes);
    machine_free(m);
}

static inline void region_start(void)
{
    region = (struct ir_region){.page = page, .entry = 0};
    b = (struct ir_builder){.r = &region};
}

static inline void block_start(unsigned index)
{
    region.blocks[region.blocks_len++] = (struct ir_block){.first = region.len, .index = (u16)index, .weight = 1};
    b.index = (u16)index;
}

static inline void block_end(struct ir_insn end, unsigned then, unsigned other, unsigned insns)
{
    struct ir_block *block = &region.blocks[region.blocks_len - 1];
    ir_emit(&b, end);
    block->len = region.len - block->first;
    block->then = (u16)then;
    block->other = (u16)other;
    block->insns = (u16)insns;
}

static inline void block_exit(unsigned to, unsigned insns)
{
    block_end((struct ir_insn){.op = IR_EXIT, .imm = to}, 0, 0, insns);
}

static struct target_code compiled;

static inline const void *compile(void)
{
    const char *wrong = ir_check(&region);
    CHECK_STR(wrong ? wrong : "", "");
    if (!target_compile(codes, &region, &compiled)) { // once more where a new part of code memory has to be begun
        CHECK_EQ(code_memory_room(codes), ROOM_MORE);
        CHECK(target_compile(codes, &region, &compiled));
    }
    return compiled.entry;
}

static inline void enter_at(const void *code, unsigned index)
{
    sigjmp_buf unwind;
    cpu->unwind = &unwind;
    cpu_time_start(cpu);
    cpu_enter(cpu);
    m->stopped_at = ~0ull;
    atomic_fetch_and(&cpu->attn, ~(u32)ATTN_STOP);
    cpu->page = page;
    cpu->page_ea = CODE_GRA;
    const struct dinsn *d = &page->insns[index];
    cpu->block_d = cpu->d = d;
    if (sigsetjmp(unwind, 0)) {
        cpu->insns += (u64)(cpu->d - cpu->block_d);
        cpu->page = NULL;
    } else {
        target_enter(codes)(cpu, d, (u64)(uintptr_t)code << 16);
        while (cpu->page) { // loop dispatch
            d = cpu->d;
            u64 word = dinsn_load(d);
            interp_ops[word & 0xffff](cpu, d, word);
        }
    }
    cpu_time_stop(cpu);
    cpu_leave(cpu);
    cpu->unwind = NULL;
}

static inline void enter(const void *code)
{
    enter_at(code, region.entry);
}

static inline u8 *data(void)
{
    return m->mem.base + DATA_GRA;
}

#endif
