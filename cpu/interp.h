// SPDX-License-Identifier: Apache-2.0
// The interpreter's threaded dispatch: each operation ends by jumping to the next one's handler.
//
// A handler gets the cpu, its predecoded instruction and that instruction's doubleword (op | aux << 16 | insn << 32).
// With OPENLPAR_LOOP_DISPATCH (sanitizers, unoptimised builds) handlers return to a loop instead.
#ifndef CPU_INTERP_H
#define CPU_INTERP_H

#include "cpu/code.h"
#include "cpu/cpu.h"
#include "isa/isa.h"

// clang promises the jump that gcc makes by itself at -O2.
#if defined(__clang__) && !defined(OPENLPAR_LOOP_DISPATCH)
#define INTERP_JUMP __attribute__((musttail)) return
#else
#define INTERP_JUMP return
#endif

typedef void interp_op(struct cpu *cpu, const struct dinsn *d, u64 word);

// Operations beyond the instruction table.
enum {
    OP_DECODE = INSN_COUNT, // not decoded yet
    OP_PAGE_END,            // fell off the page
    OP_BREAK,               // debugger's breakpoint
    OP_STEP_END,            // end of a single step
    OP_B_LOCAL,             // branches within their page, aux = index of the target
    OP_BL_LOCAL,
    OP_BT_LOCAL,            // on a condition bit, no CTR
    OP_BF_LOCAL,
    OP_BDNZ_LOCAL,          // on CTR alone
    OP_B_COUNTED,           // the same, counting how often they are taken (translation)
    OP_BL_COUNTED,
    OP_BT_COUNTED,
    OP_BF_COUNTED,
    OP_BDNZ_COUNTED,
    OP_REGION,              // translated: the address of the region's code is in the rest of the doubleword
    OP_WARM,                // not translated yet: counted whenever it is executed. aux: enum warm
    OP_COUNT,
};

enum warm { WARM_PENDING = 1, WARM_AGAIN }; // a region is just being put here; translation was put off once

extern interp_op *const interp_ops[OP_COUNT];

static inline u64 dinsn_load(const struct dinsn *d)
{
    return __atomic_load_n((const u64 *)(const void *)d, __ATOMIC_RELAXED);
}

static inline u64 interp_cia(const struct cpu *cpu, const struct dinsn *d)
{
    return cpu->page_ea + (u64)(d - cpu->page->insns) * 4;
}

// Raises the interrupt when the facility is unavailable or the state has not the privilege. Constants fold.
static inline void interp_require(struct cpu *cpu, u32 insn, unsigned facility, unsigned privilege);

// Cold paths of interp_require().
_Noreturn void interp_raise_unavailable(struct cpu *cpu, unsigned facility);
_Noreturn void interp_raise_privilege(struct cpu *cpu, u32 insn, unsigned privilege);

static inline void interp_require(struct cpu *cpu, u32 insn, unsigned facility, unsigned privilege)
{
    if (privilege == PRIV_P && unlikely(cpu->msr & MSR_PR))
        interp_raise_privilege(cpu, insn, privilege);
    if (privilege == PRIV_H) // partitions never run with MSR[HV] = 1
        interp_raise_privilege(cpu, insn, privilege);
    u64 need = 0;
    switch (facility) {
    case FAC_FP: need = MSR_FP; break;
    case FAC_VMX: need = MSR_VEC; break;
    case FAC_VSX: need = MSR_VSX; break;
    case FAC_VSX_T: need = insn & 1 ? MSR_VEC : MSR_VSX; break;
    case FAC_VSX_TQ: need = insn & 8 ? MSR_VEC : MSR_VSX; break;
    case FAC_FPVEC: need = insn & 1 ? MSR_VEC : MSR_FP; break;
    default: return;
    }
    if (unlikely(!(cpu->msr & need)))
        interp_raise_unavailable(cpu, need == MSR_FP ? FAC_FP : need == MSR_VEC ? FAC_VMX : FAC_VSX);
}

// Continues at cpu->nia: in the same page directly, else through the fetch TLB; counts instructions, and leaves when attn is set.
interp_op interp_branch;
// After an instruction of kind CTX, which may have changed everything and let others run: counts it and goes to cpu->nia anew.
interp_op interp_leave;
// Leaves in front of the instruction, which is not for a piece that is checked.
interp_op interp_unchecked;

// Parts of the run loop, for cpu/xlate/check.c. The predecoded instruction at nia, fetched if need be; or NULL where it is not at hand.
const struct dinsn *interp_fetch(struct cpu *cpu);
const struct dinsn *interp_peek(struct cpu *cpu);
// Threaded code from there until it leaves. interp_piece: true when it was unwound, by an interrupt or cpu_unwind().
void interp_run_piece(struct cpu *cpu, const struct dinsn *d);
bool interp_piece(struct cpu *cpu, const struct dinsn *d);
// One instruction by its own handler, whatever is translated; true when it was unwound. interp_step_over: for the run loop.
bool interp_single(struct cpu *cpu);
void interp_step_over(struct cpu *cpu);

#ifdef OPENLPAR_LOOP_DISPATCH
#define INTERP_NEXT()                                                                                                  \
    do {                                                                                                               \
        cpu->d = d + 1;                                                                                                \
        return;                                                                                                        \
    } while (0)
#else
#define INTERP_NEXT()                                                                                                  \
    do {                                                                                                               \
        d++;                                                                                                           \
        word = dinsn_load(d);                                                                                          \
        INTERP_JUMP interp_ops[word & 0xffff](cpu, d, word);                                                               \
    } while (0)
#endif

#define INTERP_TAIL(kind)                                                                                              \
    do {                                                                                                               \
        if ((kind) == KIND_BRANCH)                                                                                     \
            INTERP_JUMP interp_branch(cpu, d, word);                                                                   \
        if ((kind) == KIND_CTX)                                                                                        \
            INTERP_JUMP interp_leave(cpu, d, word);                                                                    \
        INTERP_NEXT();                                                                                                 \
    } while (0)

#endif
