// SPDX-License-Identifier: Apache-2.0
//
// A piece is what threaded code executes from one look of the run loop to the next: regions with the links between them, and handlers.
//
// (1) The piece runs as it always does, then the registers and the memory that it changed are noted and put back, the interpreter executes
//     the same number of instructions one by one, and both ends are compared. Execution goes on with the interpreter's.
// (2) Meanwhile no other thread is inside guest code (group_exclusive_begin), so memory has one writer, and the time base stands still.
// (3) A piece ends in front of what cannot be done twice: hypervisor calls, invalidations, devices, random numbers, registers that
//     others see (interp_unchecked). Those are executed by themselves.
// (4) Guest memory is mapped read-only. The first store into a page faults, its old content is kept, and the page becomes writable until
//     the next piece that is checked. Stores outside of such pieces, by whoever, only make the page writable.
// (5) What differs is narrowed down: the piece is repeated with smaller budgets until the shortest that differs is found.
#include "cpu/xlate/check.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu/code.h"
#include "cpu/except.h"
#include "cpu/exec/fp_lazy.h"
#include "cpu/group.h"
#include "cpu/interp.h"
#include "cpu/mem.h"
#include "cpu/mmu/mmu.h"
#include "cpu/time.h"
#include "cpu/xlate/pass_tables.h"
#include "cpu/xlate/region.h"

#define PIECE_INSNS  3000 // budget of a checked piece: it ends at the next branch
#define JOURNAL_MAX  2048u
#define JOURNAL_STOP 1024u // then the piece ends at its next branch
#define PLACES       65536u
#define SHOWN_INSNS  60u
#define RADIX_R      0x100ull // ISA III "Radix Tree Page Table Entry"
#define RADIX_C      0x80ull
#define REPORT_SIZE  (1u << 20)

unsigned check_first = 4, check_every = 24;
void (*check_failed)(const char *report);

// The architected state. `block` is everything from srr0 to the engine's own members.
#define BLOCK_FIRST offsetof(struct cpu, srr0)
#define BLOCK_SIZE  (offsetof(struct cpu, group) - BLOCK_FIRST)

struct state {
    u64 gpr[32];
    u8 crf[8];
    u8 so, ov, ca, ov32, ca32;
    u32 xer_rest, fpscr_hi, fpscr, vscr, vrsave;
    u64 lr, ctr, tar, nia, msr, insns, reserve_addr;
    union vsr vsr[64];
    u8 block[BLOCK_SIZE];
};

struct page_copy {
    u64 number;
    u8 *before, *after; // after: what the piece left, NULL where only the interpreter wrote
};

// Of the one partition that a process checks; changed in exclusive sections only, but for `opened`.
static struct {
    struct guest_mem *mem;
    struct sigaction fallback;
    struct page_copy journal[JOURNAL_MAX];
    unsigned journal_len;
    bool overflow;
    u64 *opened; // numbers of pages that are writable
    _Atomic u64 opened_len;
    u64 opened_max;
    u8 seen[PLACES];
    unsigned since;
    struct check_stats stats;
    char *report;
    size_t report_len;
} check;

static _Thread_local struct cpu *checked_cpu; // the owner's, inside a checked piece

struct check_stats check_stats(void)
{
    return check.stats;
}

// --- Memory

static void protect(u64 number, int prot)
{
    if (mprotect(check.mem->base + number * GUEST_PAGE_SIZE, GUEST_PAGE_SIZE, prot))
        abort();
}

static void open_page(u64 number)
{
    u64 n = atomic_fetch_add(&check.opened_len, 1);
    if (n < check.opened_max)
        check.opened[n] = number;
    protect(number, PROT_READ | PROT_WRITE);
}

static void keep_page(u64 number)
{
    if (check.journal_len == JOURNAL_MAX) {
        check.overflow = true;
        return;
    }
    struct page_copy *copy = &check.journal[check.journal_len];
    if (!copy->before)
        copy->before = mmap(NULL, 2 * GUEST_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy->before == MAP_FAILED)
        abort();
    copy->number = number;
    copy->after = NULL;
    memcpy(copy->before, check.mem->base + number * GUEST_PAGE_SIZE, GUEST_PAGE_SIZE);
    if (++check.journal_len > JOURNAL_STOP)
        checked_cpu->budget = -1;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    u64 offset = (u64)((u8 *)info->si_addr - check.mem->base);
    if ((u8 *)info->si_addr < check.mem->base || offset >= check.mem->size) {
        sigaction(SIGSEGV, &check.fallback, NULL); // the access faults again, for whoever is concerned
        return;
    }
    if (checked_cpu)
        keep_page(offset >> GUEST_PAGE_SHIFT);
    open_page(offset >> GUEST_PAGE_SHIFT);
}

static void close_pages(void)
{
    u64 len = atomic_exchange(&check.opened_len, 0);
    if (len > check.opened_max || len > 512) {
        mprotect(check.mem->base, check.mem->size, PROT_READ);
        return;
    }
    for (u64 i = 0; i < len; i++)
        protect(check.opened[i], PROT_READ);
}

// Once, by the first thread that checks.
static void begin_checking(struct cpu *cpu)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    if (check.mem == cpu->group->mem)
        return;
    check.mem = cpu->group->mem;
    check.opened_max = check.mem->size >> GUEST_PAGE_SHIFT;
    free(check.opened);
    check.opened = malloc(check.opened_max * sizeof(*check.opened));
    if (!check.report)
        check.report = malloc(REPORT_SIZE);
    if (!check.opened || !check.report)
        abort();
    atomic_store(&check.opened_len, check.opened_max + 1);
    struct sigaction old;
    sigaction(SIGSEGV, &action, &old);
    if (!(old.sa_flags & SA_SIGINFO) || old.sa_sigaction != on_fault)
        check.fallback = old;
}

// Notes what the pages hold now, and puts back what they held.
static void undo_memory(void)
{
    for (unsigned i = 0; i < check.journal_len; i++) {
        struct page_copy *copy = &check.journal[i];
        u8 *page = check.mem->base + copy->number * GUEST_PAGE_SIZE;
        copy->after = copy->before + GUEST_PAGE_SIZE;
        memcpy(copy->after, page, GUEST_PAGE_SIZE);
        if (memcmp(page, copy->before, GUEST_PAGE_SIZE) == 0)
            continue;
        memcpy(page, copy->before, GUEST_PAGE_SIZE);
        guest_mem_wrote(check.mem, copy->number * GUEST_PAGE_SIZE, GUEST_PAGE_SIZE);
    }
}

// --- Registers

#define EACH_REGISTER(X) \
    X(so)                \
    X(ov)                \
    X(ca)                \
    X(ov32)              \
    X(ca32) X(xer_rest) X(fpscr_hi) X(fpscr) X(vscr) X(vrsave) X(lr) X(ctr) X(tar) X(nia) X(insns) X(reserve_addr)

static void state_get(struct state *s, struct cpu *cpu)
{
    fpu_settle(cpu);
    memcpy(s->gpr, cpu->gpr, sizeof(s->gpr));
    memcpy(s->crf, cpu->crf, sizeof(s->crf));
    memcpy(s->vsr, cpu->vsr, sizeof(s->vsr));
    memcpy(s->block, (const u8 *)cpu + BLOCK_FIRST, BLOCK_SIZE);
#define X(member) s->member = cpu->member;
    EACH_REGISTER(X)
    X(msr)
#undef X
}

static void state_set(struct cpu *cpu, const struct state *s)
{
    cpu->page = NULL;
    cpu_set_msr(cpu, s->msr); // first: it brings counters up to date
    fpu_settle(cpu);
    memcpy(cpu->gpr, s->gpr, sizeof(s->gpr));
    memcpy(cpu->crf, s->crf, sizeof(s->crf));
    memcpy(cpu->vsr, s->vsr, sizeof(s->vsr));
    memcpy((u8 *)cpu + BLOCK_FIRST, s->block, BLOCK_SIZE);
#define X(member) cpu->member = s->member;
    EACH_REGISTER(X)
#undef X
    mmu_context_changed(cpu);
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(check.report + check.report_len, REPORT_SIZE - check.report_len, format, args);
    va_end(args);
    check.report_len = MIN(check.report_len + (size_t)MAX(n, 0), REPORT_SIZE - 1);
}

static unsigned say_value(const char *name, u64 start, u64 got, u64 want)
{
    if (got == want)
        return 0;
    say("  %-12s %016llx: translated %016llx, interpreted %016llx\n", name, (unsigned long long)start,
        (unsigned long long)got, (unsigned long long)want);
    return 1;
}

// Where the ends differ; how much.
static unsigned compare(const struct state *start, const struct state *got, const struct state *want)
{
    static const struct {
        const char *name;
        size_t offset;
    } known[] = {{"srr0", offsetof(struct cpu, srr0)},     {"srr1", offsetof(struct cpu, srr1)},
                 {"dar", offsetof(struct cpu, dar)},       {"dsisr", offsetof(struct cpu, dsisr)},
                 {"cfar", offsetof(struct cpu, cfar)},     {"sprg0", offsetof(struct cpu, sprg[0])},
                 {"sprg1", offsetof(struct cpu, sprg[1])}, {"sprg2", offsetof(struct cpu, sprg[2])},
                 {"sprg3", offsetof(struct cpu, sprg[3])}, {"dscr", offsetof(struct cpu, dscr)},
                 {"ppr", offsetof(struct cpu, ppr)},       {"amr", offsetof(struct cpu, amr)}};
    unsigned differences = 0;
    char name[24];
    for (unsigned i = 0; i < 32; i++) {
        snprintf(name, sizeof(name), "gpr%u", i);
        differences += say_value(name, start->gpr[i], got->gpr[i], want->gpr[i]);
    }
    for (unsigned i = 0; i < 8; i++) {
        snprintf(name, sizeof(name), "cr%u", i);
        differences += say_value(name, start->crf[i], got->crf[i], want->crf[i]);
    }
    for (unsigned i = 0; i < 128; i++) {
        snprintf(name, sizeof(name), "vsr%u.%u", i / 2, i % 2);
        differences += say_value(name, VSR_D(&start->vsr[i / 2], i % 2), VSR_D(&got->vsr[i / 2], i % 2),
                                 VSR_D(&want->vsr[i / 2], i % 2));
    }
#define X(member) differences += say_value(#member, (u64)start->member, (u64)got->member, (u64)want->member);
    EACH_REGISTER(X)
    X(msr)
#undef X
    if (!memcmp(got->block, want->block, BLOCK_SIZE))
        return differences;
    for (size_t at = 0; at + 8 <= BLOCK_SIZE; at += 8) {
        u64 v[3];
        memcpy(&v[0], start->block + at, 8);
        memcpy(&v[1], got->block + at, 8);
        memcpy(&v[2], want->block + at, 8);
        snprintf(name, sizeof(name), "cpu+%zu", BLOCK_FIRST + at);
        for (unsigned k = 0; k < ARRAY_LEN(known); k++) {
            if (known[k].offset == BLOCK_FIRST + at)
                snprintf(name, sizeof(name), "%s", known[k].name);
        }
        differences += say_value(name, v[0], v[1], v[2]);
    }
    return differences;
}

// A leaf of a radix tree, changed in its reference and change bits alone: the second walk found the translation in the TLB. The bits stay.
static bool settle_pte(u64 number, unsigned at, u64 got, u64 want)
{
    u64 entry = __builtin_bswap64(want), differs = __builtin_bswap64(got ^ want);
    if (entry >> 62 != 3 || differs & ~(RADIX_R | RADIX_C))
        return false;
    got |= want;
    memcpy(check.mem->base + number * GUEST_PAGE_SIZE + at, &got, 8);
    return true;
}

static unsigned compare_memory(void)
{
    unsigned differences = 0;
    for (unsigned i = 0; i < check.journal_len; i++) {
        const struct page_copy *copy = &check.journal[i];
        const u8 *got = copy->after ? copy->after : copy->before;
        const u8 *want = check.mem->base + copy->number * GUEST_PAGE_SIZE;
        if (!memcmp(got, want, GUEST_PAGE_SIZE))
            continue;
        for (unsigned at = 0; at < GUEST_PAGE_SIZE && differences < 32; at += 8) {
            u64 v[3];
            char name[24];
            memcpy(&v[0], copy->before + at, 8);
            memcpy(&v[1], got + at, 8);
            memcpy(&v[2], want + at, 8);
            if (v[1] != v[2] && settle_pte(copy->number, at, v[1], v[2]))
                continue;
            snprintf(name, sizeof(name), "@%llx", (unsigned long long)(copy->number * GUEST_PAGE_SIZE + at));
            differences += say_value(name, v[0], v[1], v[2]);
        }
    }
    return differences;
}

// --- Both ways

static u32 word_at(struct cpu *cpu, u64 ea, u64 *gra)
{
    u32 insn = 0;
    *gra = ~0ull;
    if (!mmu_translate_debug(cpu, ea, ACCESS_FETCH, gra) && guest_mem_read(check.mem, *gra, &insn, 4) && cpu->be)
        insn = __builtin_bswap32(insn);
    return insn;
}

struct trace {
    struct {
        u64 nia, gra;
        u32 insn;
    } at[SHOWN_INSNS];
    unsigned len; // executed; those that are kept are the last
};

// The interpreter's way to where `got` is. False: it did not come there.
static bool run_interpreted(struct cpu *cpu, const struct state *got, bool unwound, struct trace *trace)
{
    for (;;) {
        u64 before = cpu->insns;
        bool there = before == got->insns;
        if (there && (!unwound || cpu->nia == got->nia))
            return true;
        if (trace) {
            unsigned n = trace->len++ % SHOWN_INSNS;
            trace->at[n].nia = cpu->nia;
            trace->at[n].insn = word_at(cpu, cpu->nia, &trace->at[n].gra);
        }
        bool raised = interp_single(cpu);
        if (raised || there) // the last one is interrupted both ways
            return raised && there;
        if (cpu->insns == before || cpu->insns > got->insns)
            return false;
    }
}

// Runs a piece of about so many instructions both ways. 0: the same. Else the report is in check.report.
static unsigned run_both(struct cpu *cpu, const struct dinsn *d, const struct state *start, s64 budget,
                         struct state *got, struct trace *trace)
{
    static struct state want;
    check.journal_len = 0;
    check.overflow = false;
    close_pages();
    cpu->budget = budget;
    cpu->unchecked = false;
    checked_cpu = cpu;
    cpu->checked = CHECKED_TRANSLATED;
    bool unwound = interp_piece(cpu, d);
    state_get(got, cpu);
    check.report_len = 0;
    if (check.overflow || cpu->exit_reason) {
        checked_cpu = NULL;
        return 0;
    }
    undo_memory();
    state_set(cpu, start);
    cpu->checked = CHECKED_INTERPRETED;
    bool arrived = run_interpreted(cpu, got, unwound, trace);
    checked_cpu = NULL;
    state_get(&want, cpu);
    unsigned differences = compare(start, got, &want) + compare_memory();
    if (!arrived && !differences)
        say("  translated code %s interrupted, the interpreter %s\n", unwound ? "was" : "was not",
            unwound ? "was not" : "was");
    return differences + !arrived;
}

static void back_to(struct cpu *cpu, const struct state *start)
{
    for (unsigned i = 0; i < check.journal_len; i++) {
        const struct page_copy *copy = &check.journal[i];
        memcpy(check.mem->base + copy->number * GUEST_PAGE_SIZE, copy->before, GUEST_PAGE_SIZE);
        guest_mem_wrote(check.mem, copy->number * GUEST_PAGE_SIZE, GUEST_PAGE_SIZE);
    }
    state_set(cpu, start);
}

// --- The report

static void say_region(struct cpu *cpu, u64 gra)
{
    static struct ir_region region, optimised;
    static struct pass_tables tables;
    static struct region_shape shape;
    static char text[200000];
    struct cpage *page = atomic_load(&check.mem->code[gra >> GUEST_PAGE_SHIFT][cpu->be]);
    unsigned index = (unsigned)(gra & ~GUEST_PAGE_MASK) / 4;
    if (!page || (u16)dinsn_load(&page->insns[index]) != OP_REGION ||
        !region_form(&tables, &region, &shape, cpu, page, index, REGION_INSNS))
        return;
    ir_print(pass_all(&tables, &region, &optimised), text, sizeof(text));
    say("region at real %llx:\n%s", (unsigned long long)gra, text);
}

static void report(struct cpu *cpu, const struct dinsn *d, const struct state *start, const struct state *first)
{
    static struct state got;
    static struct trace trace;
    static char at_first[4000];
    snprintf(at_first, sizeof(at_first), "%.*s", (int)check.report_len, check.report);
    u64 differs = first->insns - start->insns, same = 0;
    back_to(cpu, start);
    while (differs - same > 1) { // (5)
        u64 budget = same + (differs - same) / 2;
        if (run_both(cpu, d, start, (s64)budget - 1, &got, NULL) && got.insns - start->insns < differs)
            differs = got.insns - start->insns;
        else
            same = budget;
        back_to(cpu, start);
    }
    trace.len = 0;
    static char head[256];
    unsigned found = run_both(cpu, d, start, (s64)differs - 1, &got, &trace);
    snprintf(
        head, sizeof(head),
        "check: translated code differs from the interpreter after %llu instructions from %llx (msr %llx), thread %u\n",
        (unsigned long long)(got.insns - start->insns), (unsigned long long)start->nia, (unsigned long long)start->msr,
        cpu->index);
    size_t len = strlen(head);
    memmove(check.report + len, check.report, MIN(check.report_len, REPORT_SIZE - len));
    memcpy(check.report, head, len);
    check.report_len += len;
    if (!found)
        say("  not when it was repeated; at first, after %llu instructions:\n%s",
            (unsigned long long)(first->insns - start->insns), at_first);
    unsigned first_shown = trace.len > SHOWN_INSNS ? trace.len - SHOWN_INSNS : 0;
    say("instructions %u to %u:\n", first_shown, trace.len);
    for (unsigned i = first_shown; i < trace.len; i++) {
        char text[96];
        u64 nia = trace.at[i % SHOWN_INSNS].nia;
        u32 insn = trace.at[i % SHOWN_INSNS].insn;
        say("  %016llx %08x %s\n", (unsigned long long)nia, insn,
            isa_disassemble(insn, nia, cpu->isa_level, text, sizeof(text)));
    }
    for (unsigned i = trace.len, shown = 0; i-- > first_shown && shown < 3;) {
        size_t before = check.report_len;
        say_region(cpu, trace.at[i % SHOWN_INSNS].gra);
        shown += check.report_len != before;
    }
    check.report[check.report_len] = 0;
    if (check_failed) {
        check_failed(check.report);
        return;
    }
    fputs(check.report, stderr);
    fflush(NULL);
    exit(3);
}

// --- Pieces

static bool wanted(const struct cpu *cpu)
{
    u64 place = (cpu->nia >> 2) * 0x9e3779b97f4a7c15ull;
    u8 *seen = &check.seen[place >> 48 & (PLACES - 1)];
    if (*seen < check_first)
        ++*seen;
    else if (++check.since < check_every)
        return false;
    check.since = 0;
    return true;
}

static void run_checked(struct cpu *cpu)
{
    static struct state start, got; // in an exclusive section
    const struct dinsn *d = interp_peek(cpu);
    if (!d) // waiting for the others has taken its page away
        return;
    cpu->reserve_addr = RESERVE_NONE; // it would not hold for both ways; no program can tell
    state_get(&start, cpu);
    s64 budget = cpu->budget;
    group_stop_time(cpu->group);
    if (run_both(cpu, d, &start, MIN(budget, PIECE_INSNS), &got, NULL))
        report(cpu, d, &start, &got);
    cpu->checked = CHECKED_NOT;
    cpu->budget = budget - (s64)(cpu->insns - start.insns);
    check.stats.pieces++;
    check.stats.insns += cpu->insns - start.insns;
    group_start_time(cpu->group);
}

void check_piece(struct cpu *cpu)
{
    struct cpu_group *group = cpu->group;
    const struct dinsn *d = interp_fetch(cpu); // for its interrupts
    if (!wanted(cpu)) {
        s64 budget = cpu->budget;
        if (budget > PIECE_INSNS) // places are looked at again soon
            cpu->budget = PIECE_INSNS;
        s64 given = cpu->budget;
        interp_run_piece(cpu, d);
        cpu->budget += budget - given;
        return;
    }
    u64 before = cpu->insns;
    group_exclusive_begin(group, cpu);
    begin_checking(cpu);
    run_checked(cpu);
    bool alone = cpu->insns == before && cpu->unchecked;
    group_exclusive_end(group, cpu);
    if (alone) // (3)
        interp_step_over(cpu);
}
