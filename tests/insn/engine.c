// SPDX-License-Identifier: Apache-2.0
// Our engine on one record: the reference semantics exec_<row> on a thread in problem state, real mode, with the buffer as memory.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "cpu/except.h"
#include "cpu/group.h"
#include "cpu/interp.h"
#include "cpu/mem.h"
#include "cpu/mmu/mmu.h"
#include "tests/insn/insn_test.h"

typedef void exec_fn(struct cpu *cpu, u32 insn);

#define INSN(id, ...) extern exec_fn exec_##id;
#include "isa/insn.def"
#undef INSN

static exec_fn *const exec_fns[INSN_COUNT] = {
#define INSN(id, ...) [INSN_##id] = exec_##id,
#include "isa/insn.def"
#undef INSN
};

static struct cpu_group group;
static struct guest_mem mem;
static struct cpu *cpu;
static struct cpage *page;

static void no_hcall(struct cpu *self) {}
static bool no_read(struct cpu *self, u64 gra, unsigned size, u64 *value)
{
    return false;
}
static bool no_write(struct cpu *self, u64 gra, unsigned size, u64 value)
{
    return false;
}
static void no_dispatch(struct cpu *self, bool running) {}
static const struct cpu_hooks hooks = {
    .hcall = no_hcall, .mmio_read = no_read, .mmio_write = no_write, .dispatch = no_dispatch};

void engine_init(void)
{
    isa_init();
    u64 size = (JUDGE_DATA + 2 * MIB) & ~(MIB - 1);
    if (guest_mem_init(&mem, size) || group_init(&group, &mem, &hooks, NULL)) {
        fprintf(stderr, "no memory for the engine\n");
        exit(2);
    }
    group.rma_size = size;
    cpu = group_add_cpu(&group, 0, 0, 0, 0x004e1202);
    page = aligned_alloc(8192, (sizeof(*page) + 8191) & ~8191ul);
    if (!cpu || !page)
        exit(2);
    memset(page, 0, sizeof(*page));
    cpu->page = page;
    cpu->isa_level = LEVEL_V30;
    cpu->fscr = ~0ull; // as Linux has it: everything that there is
}

bool engine_has(enum insn_id id)
{
    return exec_fns[id] != NULL;
}

static void load_state(const struct judge_state *s)
{
    memcpy(cpu->gpr, s->gpr, sizeof(cpu->gpr));
    for (unsigned i = 0; i < 8; i++)
        cpu->crf[i] = (u8)(s->cr >> (28 - 4 * i) & 15);
    cpu->so = s->xer >> 31 & 1;
    cpu->ov = s->xer >> 30 & 1;
    cpu->ca = s->xer >> 29 & 1;
    cpu->ov32 = s->xer >> 19 & 1;
    cpu->ca32 = s->xer >> 18 & 1;
    cpu->xer_rest = (u32)s->xer & 0x7f;
    cpu->lr = s->lr;
    cpu->ctr = s->ctr;
    cpu->tar = s->tar;
    cpu->fpscr = (u32)s->fpscr;
    cpu->fpscr_hi = (u32)(s->fpscr >> 32);
    cpu->vscr = (u32)s->vscr;
    cpu->vrsave = (u32)s->vrsave;
    for (unsigned i = 0; i < 64; i++) {
        VSR_D(&cpu->vsr[i], 0) = s->vsr[i][0];
        VSR_D(&cpu->vsr[i], 1) = s->vsr[i][1];
    }
    cpu->reserve_addr = RESERVE_NONE;
}

static void store_state(struct judge_state *s)
{
    memcpy(s->gpr, cpu->gpr, sizeof(cpu->gpr));
    s->cr = 0;
    for (unsigned i = 0; i < 8; i++)
        s->cr = s->cr << 4 | cpu->crf[i];
    s->xer = (u64)cpu->so << 31 | (u64)cpu->ov << 30 | (u64)cpu->ca << 29 | (u64)cpu->ov32 << 19 |
             (u64)cpu->ca32 << 18 | cpu->xer_rest;
    s->lr = cpu->lr;
    s->ctr = cpu->ctr;
    s->tar = cpu->tar;
    s->fpscr = (u64)cpu->fpscr_hi << 32 | cpu->fpscr;
    s->vscr = cpu->vscr;
    s->vrsave = cpu->vrsave;
    for (unsigned i = 0; i < 64; i++) {
        s->vsr[i][0] = VSR_D(&cpu->vsr[i], 0);
        s->vsr[i][1] = VSR_D(&cpu->vsr[i], 1);
    }
}

// The signal that Linux makes of an interrupt.
static u64 outcome_of(u64 vector, u64 srr1)
{
    switch (vector) {
    case VEC_DSI:
    case VEC_DATA_SEGMENT:
    case VEC_ISI:
    case VEC_INSN_SEGMENT: return OUTCOME_SEGV;
    case VEC_ALIGNMENT: return OUTCOME_BUS;
    case VEC_PROGRAM:
        if (srr1 & SRR1_PROG_FP)
            return OUTCOME_FPE;
        if (srr1 & SRR1_PROG_TRAP)
            return OUTCOME_TRAP;
        return OUTCOME_ILL;
    default: return OUTCOME_ILL;
    }
}

void engine_run(enum insn_id id, u32 prepare, u32 insn, u64 at, bool big_endian, bool uses_memory,
                struct judge_state *s)
{
    u8 *data = mem.base + JUDGE_DATA;
    u64 msr = MSR_SF | MSR_VEC | MSR_VSX | MSR_PR | MSR_FP | MSR_ME | (big_endian ? 0 : MSR_LE) |
              (gen_traps ? MSR_FE0 | MSR_FE1 : 0);
    if (cpu->msr != msr) // an interrupt changed it
        cpu_set_msr(cpu, msr);
    load_state(s);
    if (uses_memory)
        memcpy(data, s->mem, sizeof(s->mem));

    sigjmp_buf unwind;
    cpu->unwind = &unwind;
    cpu->page = page;
    cpu->page_ea = at & GUEST_PAGE_MASK;
    struct dinsn *d = &page->insns[(at & ~GUEST_PAGE_MASK) / 4];
    cpu->d = d;
    cpu->block_d = d;
    if (!sigsetjmp(unwind, 0)) {
        cpu->nia = at + 4;
        if (prepare != 0x60000000) {
            d->insn = prepare;
            exec_fns[rows_decode(prepare)](cpu, prepare);
        }
        d->insn = insn;
        cpu->nia = at + 4;
        exec_fns[id](cpu, insn);
        s->outcome = OUTCOME_DONE;
        s->nia = cpu->nia;
    } else {
        s->outcome = outcome_of(cpu->nia, cpu->srr1);
        s->nia = cpu->srr0;
    }
    store_state(s);
    if (uses_memory)
        memcpy(s->mem, data, sizeof(s->mem));
}
