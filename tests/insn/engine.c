// SPDX-License-Identifier: Apache-2.0
// Our engine on one record: the reference semantics exec_<row> on a thread in problem state, real mode, with the buffer as memory; and
// the translator, with the same words in memory. Translated code ends in an interrupt, if only of the illegal word behind it; at each vector
// is a hypervisor call, which stops the thread.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/code.h"
#include "cpu/cpu.h"
#include "cpu/except.h"
#include "cpu/exec/fp_lazy.h"
#include "cpu/group.h"
#include "cpu/interp.h"
#include "cpu/mem.h"
#include "cpu/mmu/mmu.h"
#include "cpu/run.h"
#include "cpu/spr.h"
#include "cpu/xlate/target.h"
#include "cpu/xlate/xlate.h"
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

static u64 stopped_at; // the vector

static void stop(struct cpu *self)
{
    stopped_at = cpu_cia(self) & 0xfff;
    atomic_fetch_or(&self->attn, ATTN_STOP);
}

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
    .hcall = stop, .mmio_read = no_read, .mmio_write = no_write, .dispatch = no_dispatch};

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

static u64 msr_of(bool big_endian)
{
    return MSR_SF | MSR_VEC | MSR_VSX | MSR_PR | MSR_FP | MSR_ME | (big_endian ? 0 : MSR_LE) |
           (gen_traps ? MSR_FE0 | MSR_FE1 : 0);
}

void engine_run(enum insn_id id, u32 prepare, u32 insn, u64 at, bool big_endian, bool uses_memory,
                struct judge_state *s)
{
    u8 *data = mem.base + JUDGE_DATA;
    u64 msr = msr_of(big_endian);
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

// --- The translator

#define I_SC1 0x44000022u

static void put_insn(u64 gra, u32 insn, bool big_endian)
{
    u32 word = big_endian ? __builtin_bswap32(insn) : insn;
    guest_mem_write(&mem, gra, &word, 4);
}

bool engine_translates(bool big_endian)
{
    xlate_in_background = false;
    cpu->xlate = target_available() ? xlate_of(cpu) : NULL;
    if (!cpu->xlate)
        return false;
    for (u64 vector = 0x100; vector < 0x1000; vector += 0x20)
        put_insn(vector, I_SC1, big_endian);
    cpu->lpcr = big_endian ? 0 : LPCR_ILE;
    cpu->dec_expires = ~0ull >> 1;
    return true;
}

u64 engine_regions(void)
{
    return mem.xlate ? xlate_stats(mem.xlate).regions : 0;
}

static bool put_code(u64 gra, u32 insn, bool big_endian)
{
    u32 old = 0;
    guest_mem_read(&mem, gra, &old, 4);
    if ((big_endian ? __builtin_bswap32(old) : old) == insn)
        return false;
    put_insn(gra, insn, big_endian);
    return true;
}

void engine_run_translated(enum insn_id id, u32 prepare, u32 insn, u64 at, bool big_endian, bool uses_memory,
                           struct judge_state *s)
{
    u8 *data = mem.base + JUDGE_DATA;
    cpu->page = NULL;
    cpu_set_msr(cpu, msr_of(big_endian));
    load_state(s);
    if (uses_memory)
        memcpy(data, s->mem, sizeof(s->mem));
    bool changed = put_code(at - 4, prepare, big_endian);
    changed |= put_code(at, insn, big_endian);
    changed |= put_code(at + 4, 0, big_endian);
    u64 start = prepare == 0x60000000 ? at : at - 4;
    if (changed) {
        struct cpage *code = mmu_fetch_page(cpu, start);
        code->drops = 0; // pages that change as often as this one are left alone otherwise
        cpu->page_ea = start & GUEST_PAGE_MASK;
        xlate_hot(cpu, code, (start & ~GUEST_PAGE_MASK) / 4);
    }
    cpu->nia = start;
    cpu->budget = 1000;
    atomic_fetch_and(&cpu->attn, ~(u32)ATTN_STOP);
    jit_engine.run(cpu);
    fpu_settle(cpu);

    bool over = stopped_at == VEC_PROGRAM && !(cpu->srr1 & (SRR1_PROG_FP | SRR1_PROG_TRAP)) && cpu->srr0 == at + 4;
    bool branched = insn_rows[id].kind == KIND_BRANCH && cpu->srr0 != at && cpu->srr0 != at - 4;
    s->outcome = over || branched ? OUTCOME_DONE : outcome_of(stopped_at, cpu->srr1);
    s->nia = cpu->srr0 == at - 4 ? at : cpu->srr0;
    store_state(s);
    if (uses_memory)
        memcpy(s->mem, data, sizeof(s->mem));
}
