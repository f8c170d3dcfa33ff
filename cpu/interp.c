// SPDX-License-Identifier: Apache-2.0
//
// The interpreter's core: decoding on first execution, branches, and the loop around threaded code.
//
// (1) Inside threaded code, cpu->d is the instruction being executed and cpu->page the predecoded page around it. Outside,
//     cpu->page is NULL and cpu->nia is the address of the next instruction.
// (2) Instructions are counted in runs: [block_d, d] is added to cpu->insns when control leaves the straight line.
// (3) cpu->attn and the budget are looked at on every taken branch, at the end of a page and after instructions that change
//     the context: at most 1024 instructions apart.
// (4) Branches whose target lies in their own page are decoded to operations that carry the target's index; they need no address.
#include "cpu/interp.h"

#include <string.h>

#include "cpu/debug.h"
#include "cpu/except.h"
#include "cpu/exec/exec.h"
#include "cpu/group.h"
#include "cpu/mmu/access.h"
#include "cpu/run.h"
#include "cpu/time.h"
#include "cpu/xlate/check.h"
#include "cpu/xlate/xlate.h"
#include "cpu/xlate/xlate_hooks.h"
#include "isa/isa.h"

#define COND_TAKEN_MASK 0x3ffu // aux of a local branch: the target's index in the page

_Noreturn void interp_raise_unavailable(struct cpu *cpu, unsigned facility)
{
    cpu_raise(cpu, facility == FAC_FP ? VEC_FP_UNAVAILABLE : facility == FAC_VMX ? VEC_VMX_UNAVAILABLE : VEC_VSX_UNAVAILABLE, 0);
}

_Noreturn void interp_raise_privilege(struct cpu *cpu, u32 insn, unsigned privilege)
{
    // ISA III "Hypervisor Emulation Assistance": hypervisor instructions in privileged state end in the hypervisor, which
    // hands them on as illegal; in problem state they are privileged.
    if (privilege == PRIV_H && !(cpu->msr & MSR_PR))
        cpu_raise_illegal(cpu);
    cpu_raise_program(cpu, SRR1_PROG_PRIVILEGED);
}

#ifdef OPENLPAR_LOOP_DISPATCH
#define DISPATCH(at)                                                                                                   \
    do {                                                                                                               \
        cpu->d = (at);                                                                                                 \
        return;                                                                                                        \
    } while (0)
#else
#define DISPATCH(at)                                                                                                   \
    do {                                                                                                               \
        d = (at);                                                                                                      \
        word = dinsn_load(d);                                                                                          \
        INTERP_JUMP interp_ops[word & 0xffff](cpu, d, word);                                                               \
    } while (0)
#endif

static inline void count_upto(struct cpu *cpu, const struct dinsn *next)
{
    s64 n = next - cpu->block_d;
    cpu->insns += (u64)n;
    cpu->budget -= n;
}

static inline bool must_leave(const struct cpu *cpu)
{
    return atomic_load_explicit(&cpu->attn, memory_order_relaxed) || cpu->budget < 0;
}

// Threaded code ends: nia is the next instruction. The run loop sees page == NULL.
static inline void leave(struct cpu *cpu)
{
    cpu->page = NULL;
}

// A place that became hot: translated if that is possible now, then executed.
static __attribute__((noinline, cold)) void heat_up(struct cpu *cpu, const struct dinsn *d, u64 word)
{
    xlate_hot(cpu, cpu->page, (unsigned)(cpu->block_d - cpu->page->insns));
    DISPATCH(cpu->block_d);
}

// Counts a taken branch to cpu->block_d; true when that became hot.
static inline bool heats(const struct cpu *cpu)
{
    struct cpage *page = cpu->page;
    unsigned index = (unsigned)(cpu->block_d - page->insns), heat = heat_get(page, index);
    if (heat == HEAT_DONE)
        return false;
    heat_set(page, index, heat + 1);
    return heat_is_hot(heat + 1);
}

// Goes to cpu->nia; what ran so far has been counted.
static inline void go_far(struct cpu *cpu, const struct dinsn *d, u64 word)
{
    u64 target = cpu->nia;
    const struct ftlb_entry *e = ftlb_slot(cpu, target);
    if (unlikely(must_leave(cpu)) || unlikely(!ftlb_hit(e, target)))
        return leave(cpu);
    cpu->page = e->page;
    cpu->page_ea = target & GUEST_PAGE_MASK;
    cpu->block_d = &e->page->insns[(target & ~GUEST_PAGE_MASK) / 4];
    if (cpu->xlate && unlikely(heats(cpu)))
        INTERP_JUMP heat_up(cpu, d, word);
    DISPATCH(cpu->block_d);
}

// What a switch statement or an interpreter of its own has come to inside its page (cpu/xlate/region.c).
static inline void note_jump(const struct cpu *cpu, u64 word)
{
    const unsigned index = (unsigned)(cpu->block_d - cpu->page->insns);
    _Atomic u64 *bits = &cpu->page->jumped[index / 64];
    if ((word & 0xffff) == INSN_bcctr && !(word >> 32 & 1) &&
        !(atomic_load_explicit(bits, memory_order_relaxed) >> index % 64 & 1))
        atomic_fetch_or_explicit(bits, 1ull << index % 64, memory_order_relaxed);
}

void interp_branch(struct cpu *cpu, const struct dinsn *d, u64 word)
{
    u64 target = cpu->nia &= cpu->ea_mask;
    u64 offset = target - cpu->page_ea;
    u64 cia_offset = (u64)(d - cpu->page->insns) * 4;
    if (offset == cia_offset + 4 && offset < GUEST_PAGE_SIZE)
        DISPATCH(d + 1);
    count_upto(cpu, d + 1);
    if (likely(offset < GUEST_PAGE_SIZE) && likely(!must_leave(cpu))) {
        cpu->block_d = &cpu->page->insns[offset / 4];
        if (cpu->xlate)
            note_jump(cpu, word);
        if (cpu->xlate && unlikely(heats(cpu)))
            INTERP_JUMP heat_up(cpu, d, word);
        DISPATCH(cpu->block_d);
    }
    go_far(cpu, d, word);
}

// go_far() with what is most likely after translated code: in 64-bit mode, to another region.
void xlate_exit_far(struct cpu *cpu, const struct dinsn *d, u64 word)
{
    u64 target = cpu->nia;
    const struct ftlb_entry *e = ftlb_slot(cpu, target);
    if (unlikely(must_leave(cpu)) || unlikely(!ftlb_hit(e, target)))
        return leave(cpu);
    struct cpage *page = e->page;
    d = &page->insns[(target & ~GUEST_PAGE_MASK) / 4];
    cpu->page = page;
    cpu->page_ea = target & GUEST_PAGE_MASK;
    cpu->block_d = d;
    word = dinsn_load(d);
    if (likely((word & 0xffff) == OP_REGION))
        INTERP_JUMP cpu->xlate_enter(cpu, d, word);
    if (unlikely(heats(cpu)))
        INTERP_JUMP heat_up(cpu, d, word);
    DISPATCH(d);
}

void xlate_leave(struct cpu *cpu, const struct dinsn *d, u64 word)
{
    leave(cpu);
}

void interp_leave(struct cpu *cpu, const struct dinsn *d, u64 word)
{
    count_upto(cpu, d + 1);
    cpu->nia &= cpu->ea_mask;
    if (unlikely(cpu->exit_reason))
        return leave(cpu);
    go_far(cpu, d, word);
}

void interp_unchecked(struct cpu *cpu, const struct dinsn *d, u64 word)
{
    count_upto(cpu, d);
    cpu->nia = interp_cia(cpu, d);
    cpu->unchecked = true;
    leave(cpu);
}

static void op_page_end(struct cpu *cpu, const struct dinsn *d, u64 word)
{
    count_upto(cpu, d);
    cpu->nia = (cpu->page_ea + GUEST_PAGE_SIZE) & cpu->ea_mask;
    go_far(cpu, d, word);
}

// Branch within the page, already known to be taken. (Two functions, as a jump that clang promises needs the handlers' signature.)
#define LOCAL_JUMP(name, counted)                                                             \
    static inline void name(struct cpu *cpu, const struct dinsn *d, u64 word)                 \
    {                                                                                         \
        const struct dinsn *target = &cpu->page->insns[word >> 16 & COND_TAKEN_MASK];         \
        cpu->cfar = interp_cia(cpu, d);                                                       \
        count_upto(cpu, d + 1);                                                               \
        cpu->block_d = target;                                                                \
        if (unlikely(must_leave(cpu))) {                                                      \
            cpu->nia = interp_cia(cpu, target);                                               \
            return leave(cpu);                                                                \
        }                                                                                     \
        if ((counted) && unlikely(heats(cpu)))                                                \
            INTERP_JUMP heat_up(cpu, d, word);                                                \
        DISPATCH(target);                                                                     \
    }

LOCAL_JUMP(branch_local, false)
LOCAL_JUMP(branch_counted, true)

// A kind of local branch: op_<id>_local, and op_<id>_counted where translation wants to know how often it is taken.
#define LOCAL_BRANCH(id, link, taken)                                         \
    static void op_##id##_local(struct cpu *cpu, const struct dinsn *d, u64 word)   \
    {                                                                         \
        u32 insn = (u32)(word >> 32);                                         \
        (void)insn;                                                           \
        link;                                                                 \
        if (taken)                                                            \
            return branch_local(cpu, d, word);                                \
        INTERP_NEXT();                                                        \
    }                                                                         \
    static void op_##id##_counted(struct cpu *cpu, const struct dinsn *d, u64 word) \
    {                                                                         \
        u32 insn = (u32)(word >> 32);                                         \
        (void)insn;                                                           \
        link;                                                                 \
        if (taken)                                                            \
            return branch_counted(cpu, d, word);                             \
        INTERP_NEXT();                                                        \
    }

LOCAL_BRANCH(b, , true)
LOCAL_BRANCH(bl, cpu->lr = interp_cia(cpu, d) + 4, true)
LOCAL_BRANCH(bt, , cr_bit(cpu, BA))
LOCAL_BRANCH(bf, , !cr_bit(cpu, BA))
LOCAL_BRANCH(bdnz, , (--cpu->ctr & cpu->ea_mask) != 0)

static void op_illegal(struct cpu *cpu, const struct dinsn *d, u64 word)
{
    (void)word;
    cpu->d = d;
    cpu_raise_illegal(cpu);
}

static void op_break(struct cpu *cpu, const struct dinsn *d, u64 word)
{
    cpu->d = d;
    if (debug_breakpoint_at(cpu, interp_cia(cpu, d))) {
        count_upto(cpu, d);
        cpu->nia = interp_cia(cpu, d);
        cpu->exit_reason = EXIT_BREAKPOINT + 1;
        return leave(cpu);
    }
    enum insn_id id = isa_decode((u32)(word >> 32), cpu->isa_level);
    INTERP_JUMP interp_ops[id](cpu, d, word);
}

// The local form of a relative branch, or its plain row (4).
static struct dinsn specialise(enum insn_id id, u32 insn, unsigned index, bool counted)
{
    const u16 offset = counted ? OP_B_COUNTED - OP_B_LOCAL : 0;
    struct dinsn out = {.op = (u16)id, .insn = insn};
    s64 target = -1;
    if (insn & 2) // absolute
        return out;
    if (id == INSN_b)
        target = (s64)index + (s64)(sext64(insn & 0x03fffffc, 26) / 4);
    else if (id == INSN_bc && !(insn & 1))
        target = (s64)index + (s64)((s16)(insn & 0xfffc) / 4);
    if (target < 0 || target >= (s64)CODE_PAGE_INSNS)
        return out;
    out.aux = (u16)target;
    if (id == INSN_b) {
        out.op = (insn & 1 ? OP_BL_LOCAL : OP_B_LOCAL) + offset;
        return out;
    }
    switch (INSN_FIELD(6, 10) & 0x1e) { // BO without its hint: ISA I "Branch Instructions"
    case 0x0c: case 0x0e: out.op = OP_BT_LOCAL + offset; break;
    case 0x04: case 0x06: out.op = OP_BF_LOCAL + offset; break;
    case 0x10: case 0x18: out.op = OP_BDNZ_LOCAL + offset; break;
    default: break;
    }
    return out;
}

static u32 fetch_word(const struct cpu *cpu, u64 gra)
{
    u32 insn = __atomic_load_n((const u32 *)(const void *)(cpu->group->mem->base + gra), __ATOMIC_RELAXED);
    return cpu->be ? __builtin_bswap32(insn) : insn;
}

static void op_decode(struct cpu *cpu, const struct dinsn *d, u64 word)
{
    unsigned index = (unsigned)(d - cpu->page->insns);
    u64 gra = cpu->page->gra + index * 4, was = word;
    u32 insn = fetch_word(cpu, gra);
    struct dinsn made = specialise(isa_decode(insn, cpu->isa_level), insn, index, cpu->xlate);
    if (unlikely(debug_breakpoint_near(cpu->group, gra)))
        made = (struct dinsn){.op = OP_BREAK, .insn = insn};
    memcpy(&word, &made, sizeof(word));
    // Whoever changes the word stores first, and then resets the entry to another one than was found here (code_unset): what was read before
    // that never gets into the page, not even for a moment in which the one who stored might execute it. Nor is what others put there lost.
    if (!__atomic_compare_exchange_n((u64 *)(uintptr_t)d, &was, word, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        word = was;
    INTERP_JUMP interp_ops[word & 0xffff](cpu, d, word);
}

// The instruction at d as memory holds it, executed without a look at its predecoded entry.
__attribute__((noinline)) void xlate_plain(struct cpu *cpu, const struct dinsn *d, u64 word)
{
    unsigned index = (unsigned)(d - cpu->page->insns);
    u32 insn = fetch_word(cpu, cpu->page->gra + index * 4);
    struct dinsn plain = specialise(isa_decode(insn, cpu->isa_level), insn, index, true);
    memcpy(&word, &plain, sizeof(word));
    INTERP_JUMP interp_ops[word & 0xffff](cpu, d, word);
}

// The entry of a translated region.
static void op_region(struct cpu *cpu, const struct dinsn *d, u64 word)
{
    count_upto(cpu, d);
    cpu->block_d = d;
    if (unlikely(must_leave(cpu))) {
        cpu->nia = interp_cia(cpu, d);
        return leave(cpu);
    }
    if (unlikely(cpu->ea_mask != ~0ull))
        INTERP_JUMP xlate_plain(cpu, d, word);
    INTERP_JUMP cpu->xlate_enter(cpu, d, word);
}

// Where a region is left for code that no branch leads to: it becomes hot by being executed.
static void op_warm(struct cpu *cpu, const struct dinsn *d, u64 word)
{
    struct cpage *page = cpu->page;
    unsigned index = (unsigned)(d - page->insns);
    unsigned heat = heat_get(page, index);
    if (unlikely((word >> 16 & 0xffff) == WARM_PENDING)) // about to become a region: xlate.c's mark has to stay
        INTERP_JUMP xlate_plain(cpu, d, word);
    if (heat == HEAT_DONE || cpu->ea_mask != ~0ull || debug_breakpoint_near(cpu->group, page->gra + index * 4))
        INTERP_JUMP op_decode(cpu, d, word);
    unsigned sum = heat + 1 + ((word >> 16 & 0xffff) == WARM_AGAIN ? 0 : xlate_heat_limit / 8);
    heat_set(page, index, MIN(sum, HEAT_DONE - 1));
    if (heat_is_hot(sum)) {
        count_upto(cpu, d);
        cpu->block_d = d;
        xlate_hot(cpu, page, index);
        word = dinsn_load(d);
        if ((word & 0xffff) != OP_WARM)
            DISPATCH(d);
    }
    INTERP_JUMP xlate_plain(cpu, d, word);
}

// The end of the scratch page of a single step.
static void op_step_end(struct cpu *cpu, const struct dinsn *d, u64 word)
{
    (void)word;
    count_upto(cpu, d);
    cpu->nia = interp_cia(cpu, d) & cpu->ea_mask;
    leave(cpu);
}

#define INSN(id, ...) interp_op op_##id;
#include "isa/insn.def"
#undef INSN

interp_op *const interp_ops[OP_COUNT] = {
    [INSN_ILLEGAL] = op_illegal,
#define INSN(id, ...) [INSN_##id] = op_##id,
#include "isa/insn.def"
#undef INSN
    [OP_DECODE] = op_decode,
    [OP_PAGE_END] = op_page_end,
    [OP_BREAK] = op_break,
    [OP_STEP_END] = op_step_end,
    [OP_B_LOCAL] = op_b_local,
    [OP_BL_LOCAL] = op_bl_local,
    [OP_BT_LOCAL] = op_bt_local,
    [OP_BF_LOCAL] = op_bf_local,
    [OP_BDNZ_LOCAL] = op_bdnz_local,
    [OP_B_COUNTED] = op_b_counted,
    [OP_BL_COUNTED] = op_bl_counted,
    [OP_BT_COUNTED] = op_bt_counted,
    [OP_BF_COUNTED] = op_bf_counted,
    [OP_BDNZ_COUNTED] = op_bdnz_counted,
    [OP_REGION] = op_region,
    [OP_WARM] = op_warm,
};

#define INSN(id, ...) void exec_##id(struct cpu *cpu, u32 insn);
#include "isa/insn.def"
#undef INSN

void (*const interp_exec[INSN_COUNT])(struct cpu *cpu, u32 insn) = {
#define INSN(id, ...) [INSN_##id] = exec_##id,
#include "isa/insn.def"
#undef INSN
};

_Noreturn void xlate_require_slow(struct cpu *cpu, u32 insn)
{
    const struct insn_row *row = &insn_rows[isa_decode(insn, cpu->isa_level)];
    interp_require(cpu, insn, row->facility, row->privilege);
    interp_exec[row - insn_rows](cpu, insn); // the privilege may be that of a register
    cpu_raise_illegal(cpu);
}

_Noreturn void xlate_leave_behind(struct cpu *cpu, u32 insn)
{
    (void)insn;
    cpu->nia = interp_cia(cpu, cpu->d) + 4;
    count_upto(cpu, cpu->d + 1);
    cpu->block_d = cpu->d;
    atomic_fetch_or(&cpu->attn, ATTN_INTERRUPT);
    cpu_unwind(cpu);
}

_Noreturn void xlate_run_and_leave(struct cpu *cpu, u32 insn)
{
    cpu->nia = interp_cia(cpu, cpu->d) + 4;
    interp_exec[isa_decode(insn, cpu->isa_level)](cpu, insn);
    cpu->nia &= cpu->ea_mask;
    count_upto(cpu, cpu->d + 1);
    cpu->block_d = cpu->d;
    cpu_unwind(cpu);
}

// Runs threaded code from d until it leaves.
static void execute(struct cpu *cpu, const struct dinsn *d)
{
    u64 word = dinsn_load(d);
#ifdef OPENLPAR_LOOP_DISPATCH
    cpu->d = d;
    while (cpu->page) {
        d = cpu->d;
        word = dinsn_load(d);
        interp_ops[word & 0xffff](cpu, d, word);
    }
#else
    interp_ops[word & 0xffff](cpu, d, word);
#endif
}

// An instruction unwound: it did not complete, those before it did.
static void unwound(struct cpu *cpu)
{
    if (cpu->page)
        count_upto(cpu, cpu->d);
    cpu->budget--; // a storm of interrupts in which no instruction completes must come to (3), too
    leave(cpu);
}

// Everything that attn and the budget ask for; true when the run is over. nia is valid.
static bool attend(struct cpu *cpu, enum cpu_exit *why)
{
    if (atomic_load(&cpu->attn) & ATTN_STOP) {
        *why = EXIT_STOPPED;
        return true;
    }
    // What is taken back is what is attended to: a request that arrives in between must not be lost, its poster waits for it.
    u32 attn = atomic_fetch_and(&cpu->attn, ~(u32)(ATTN_REQUEST | ATTN_INTERRUPT | ATTN_TIMER));
    if (unlikely(atomic_load(&cpu->jumps_stale)))
        mmu_forget_jumps(cpu);
    if (attn & ATTN_REQUEST)
        cpu_serve_requests(cpu);
    if (attn & ATTN_TIMER || cpu->budget < 0) {
        cpu_time_check(cpu);
        const struct cpu_hooks *hooks = cpu->group->hooks;
        if (hooks->preempt && hooks->preempt(cpu))
            cpu_give_way(cpu);
    }
    cpu_deliver_pending(cpu);
    return false;
}

static const struct dinsn *fetch(struct cpu *cpu)
{
    u64 ea = cpu->nia;
    const struct ftlb_entry *e = ftlb_slot(cpu, ea);
    struct cpage *page = e->page;
    if (unlikely(!ftlb_hit(e, ea)))
        page = mmu_fetch_page(cpu, ea);
    cpu->page_ea = ea & GUEST_PAGE_MASK;
    return &page->insns[(ea & ~GUEST_PAGE_MASK) / 4];
}

static void set_page_of(struct cpu *cpu, const struct dinsn *d)
{
    cpu->page = (struct cpage *)(d - (cpu->nia & ~GUEST_PAGE_MASK) / 4);
}

// One instruction: predecoded into a scratch page that ends after it. ATTN_STEP, which is set meanwhile, keeps branches from
// going on. An instruction that raises an interrupt unwinds past the caller.
static void execute_one(struct cpu *cpu)
{
    u64 cia = cpu->nia, gra;
    const struct dinsn *d = fetch(cpu); // for its interrupts
    struct cpage *page = (struct cpage *)(d - (cia & ~GUEST_PAGE_MASK) / 4);
    gra = page->gra + (cia & ~GUEST_PAGE_MASK);
    u32 insn = fetch_word(cpu, gra);
    bool traced = debug_trace_wanted(cpu);
    if (cpu->trace_insn)
        cpu->trace_insn(cpu, cia, insn);
    struct cpage *scratch = cpu->step_page;
    scratch->insns[0] = (struct dinsn){.op = (u16)isa_decode(insn, cpu->isa_level), .insn = insn};
    scratch->insns[1] = (struct dinsn){.op = OP_STEP_END};
    scratch->gra = gra;
    cpu->page_ea = cia;
    cpu->page = scratch;
    cpu->block_d = cpu->d = scratch->insns;
    execute(cpu, scratch->insns);
    if (traced)
        debug_trace_deliver(cpu, cia, insn);
}

const struct dinsn *interp_fetch(struct cpu *cpu)
{
    return fetch(cpu);
}

const struct dinsn *interp_peek(struct cpu *cpu)
{
    return ftlb_hit(ftlb_slot(cpu, cpu->nia), cpu->nia) ? fetch(cpu) : NULL;
}

inline void interp_run_piece(struct cpu *cpu, const struct dinsn *d)
{
    cpu->page_ea = cpu->nia & GUEST_PAGE_MASK;
    set_page_of(cpu, d);
    cpu->block_d = cpu->d = d;
    execute(cpu, d);
}

// d NULL: one instruction.
static bool catch_unwinding(struct cpu *cpu, const struct dinsn *d)
{
    sigjmp_buf unwind, *outer = cpu->unwind;
    cpu->unwind = &unwind;
    if (sigsetjmp(unwind, 0)) {
        unwound(cpu);
        cpu->unwind = outer;
        return true;
    }
    if (d)
        interp_run_piece(cpu, d);
    else
        execute_one(cpu);
    cpu->unwind = outer;
    return false;
}

bool interp_piece(struct cpu *cpu, const struct dinsn *d)
{
    return catch_unwinding(cpu, d);
}

bool interp_single(struct cpu *cpu)
{
    atomic_fetch_or(&cpu->attn, ATTN_STEP);
    bool out = catch_unwinding(cpu, NULL);
    atomic_fetch_and(&cpu->attn, ~(u32)ATTN_STEP);
    return out;
}

void interp_step_over(struct cpu *cpu)
{
    atomic_fetch_or(&cpu->attn, ATTN_STEP); // taken back by the run loop
    execute_one(cpu);
}

static bool stepping(const struct cpu *cpu)
{
    return cpu->trace_insn || debug_trace_wanted(cpu);
}

static enum cpu_exit interp_run(struct cpu *cpu)
{
    sigjmp_buf unwind;
    enum cpu_exit why = EXIT_STOPPED;
    cpu->unwind = &unwind;
    cpu->page = NULL;
    cpu->exit_reason = 0;
    cpu_time_start(cpu);
    cpu_enter(cpu);
    atomic_fetch_or(&cpu->attn, ATTN_STEP); // looked at, and taken back where it is not needed
    if (sigsetjmp(unwind, 0))
        unwound(cpu);
    for (;;) {
        if (cpu->exit_reason) {
            why = cpu->exit_reason - 1;
            break;
        }
        if (unlikely(must_leave(cpu))) {
            if (attend(cpu, &why))
                break;
            if (unlikely(cpu->memo_failed))
                xlate_memo_failed(cpu);
            if (unlikely(cpu->xlate != NULL) && unlikely(xlate_wants_flush(cpu->xlate)))
                xlate_flush(cpu);
            if (atomic_load(&cpu->attn) & ATTN_STEP) {
                if (stepping(cpu)) {
                    if (unlikely(debug_breakpoint_at(cpu, cpu->nia))) {
                        why = EXIT_BREAKPOINT;
                        break;
                    }
                    execute_one(cpu);
                    continue;
                }
                atomic_fetch_and(&cpu->attn, ~(u32)ATTN_STEP);
            }
        }
        if (unlikely(cpu->check))
            check_piece(cpu);
        else
            interp_run_piece(cpu, fetch(cpu));
    }
    cpu->exit_reason = 0;
    fpu_settle(cpu);
    cpu_time_stop(cpu);
    cpu_leave(cpu);
    cpu->unwind = NULL;
    return why;
}

static enum cpu_exit interp_step(struct cpu *cpu)
{
    sigjmp_buf unwind;
    cpu->unwind = &unwind;
    cpu->page = NULL;
    cpu->exit_reason = 0;
    cpu_time_start(cpu);
    cpu_enter(cpu);
    atomic_fetch_or(&cpu->attn, ATTN_STEP);
    if (sigsetjmp(unwind, 0))
        unwound(cpu);
    else if (atomic_load(&cpu->attn) & ATTN_STOP)
        cpu->exit_reason = EXIT_STOPPED + 1;
    else
        execute_one(cpu);
    enum cpu_exit why = cpu->exit_reason ? cpu->exit_reason - 1 : EXIT_STEPPED;
    cpu->exit_reason = 0;
    fpu_settle(cpu);
    cpu_time_stop(cpu);
    cpu_leave(cpu);
    cpu->unwind = NULL;
    return why;
}

const struct cpu_engine interp_engine = {.name = "interp", .run = interp_run, .step = interp_step};
