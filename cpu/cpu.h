// SPDX-License-Identifier: Apache-2.0
// One hardware thread of a virtual processor: the architected state, and what an engine keeps beside it.
//
// A partition with N virtual processors of T SMT threads has N*T `struct cpu`, each run by one host thread (the owner).
// Everything here belongs to the owner while it runs guest code, except the members grouped as atomic. Others reach a
// running thread by cpu/group.h: requests are served at the next instruction boundary that ends a basic block.
#ifndef CPU_CPU_H
#define CPU_CPU_H

#include <setjmp.h>
#include <stdatomic.h>

#include "base/bits.h"
#include "base/types.h"
#include "cpu/msr.h"

struct cpu_group;
struct cpage;
struct xlate;

// A vector-scalar register as one 128-bit host integer: ISA bit 0 is the most significant bit.
union vsr {
    u128 q;
    u64 d[2];
    u32 w[4];
    u16 h[8];
    u8 b[16];
};

// Element i in the ISA's order (0 = most significant).
#define VSR_D(v, i) ((v)->d[1 - (i)])
#define VSR_W(v, i) ((v)->w[3 - (i)])
#define VSR_H(v, i) ((v)->h[7 - (i)])
#define VSR_B(v, i) ((v)->b[15 - (i)])

// A predecoded instruction; written and read as one aligned doubleword, so that threads may decode the same page.
struct dinsn {
    u16 op;  // enum insn_id, or one of the interpreter's own operations
    u16 aux; // free for the operation
    u32 insn;
};

#define CR_LT 8
#define CR_GT 4
#define CR_EQ 2
#define CR_SO 1

#define GUEST_PAGE_SHIFT 12 // granule of the software TLB, of predecoded code and of page tracking
#define GUEST_PAGE_SIZE (1ull << GUEST_PAGE_SHIFT)
#define GUEST_PAGE_MASK (~(GUEST_PAGE_SIZE - 1))

// Software TLB: direct-mapped, indexed by effective page: the entry for `ea` is at cpu->tlb + (ea >> 7 & cpu->tlb_mask), in bytes. A tag is
// the effective page address; TLB_NO_TAG never matches. wtag matches only where a plain store needs nothing else: change bit
// set, page marked dirty, no code in it. There is a table per address space and state (cpu/mmu/tables.c): cpu->tlb is the one that
// counts at the moment. Translated code may look tlb and tlb_mask up for each access only: a helper or an exit may change them.
#define TLB_BITS 10 // a table begins with so many entries (log2), and ends with
#define TLB_BITS_MAX 14
#define TLB_ENTRIES (1u << TLB_BITS)
#define TLB_NO_TAG (~0ull)

struct tlb_entry {
    u64 rtag;
    u64 wtag;
    uintptr_t addend; // host address = effective address + addend
    u64 meta;         // the MMU's own
};

// The same for instruction fetch: straight to the predecoded page. The entry for `ea` is cpu->ftlb[ftlb_index(ea >> 12)]; its tag is the
// effective page address. A kernel is a little longer than 16 MiB, and what is used most lies at both ends: the second one takes the
// places of drivers in the middle. An index depends on no more than the low 28 bits of the address, which are those of the virtual one.
#define FTLB_BITS 12
#define FTLB_ENTRIES (1u << FTLB_BITS)
#define FTLB_FOLD (FTLB_BITS - 2)

static inline u64 ftlb_index(u64 page)
{
    return (page ^ (page >> FTLB_BITS & 15) * 3 << FTLB_FOLD) & (FTLB_ENTRIES - 1);
}

struct ftlb_entry {
    u64 tag;
    struct cpage *page;
};

// Where translated code went lately from one page to another, or by a register: sets of two, an effective address and the code of the region there. The
// set of an address is at cpu->jumps + jump_offset(), in bytes; cpu/xlate/xlate.c (10) says what keeps that right.
#define JUMP_SETS 1024u
#define JUMP_WAYS 2u

struct jump {
    u64 ea;
    u64 code;
};

static inline u64 jump_offset(u64 ea)
{
    return (ea << 3 ^ ea >> 6) & (JUMP_SETS - 1) << 5;
}

// Translation regimes that have a table of their own: problem and supervisor state with relocation, and real mode.
enum mmu_mode { MMU_USER, MMU_KERNEL, MMU_REAL, MMU_MODES };

// Reasons to leave the fast path of an engine (cpu->attn).
enum cpu_attn {
    ATTN_INTERRUPT = 1 << 0, // an interrupt line, MSR[EE] or a timer changed: look at them
    ATTN_REQUEST = 1 << 1,   // cpu/group.h has queued requests (TLB and code invalidation)
    ATTN_STOP = 1 << 2,      // leave cpu_run(): stop, debugger, exclusive section
    ATTN_STEP = 1 << 3,      // single step, breakpoints armed: one instruction at a time
    ATTN_TIMER = 1 << 4,     // the engine's instruction budget is used up: look at the clock
};

// Interrupt lines that others may raise (cpu->lines); level-sensitive unless cleared by delivery.
enum cpu_line {
    LINE_EXTERNAL = 1 << 0,    // presentation controller asserts
    LINE_DOORBELL = 1 << 1,    // directed privileged doorbell, cleared by delivery
    LINE_PMU = 1 << 2,         // performance monitor alert
    LINE_RESET = 1 << 3,       // system reset (H_SIGNAL_SYS_RESET, debugger), cleared by delivery
    LINE_MACHINE_CHECK = 1 << 4,
    LINE_DECREMENTER = 1 << 5, // kept by the owner
    LINE_PROD = 1 << 6,        // H_PROD: wakes from H_CEDE, no interrupt
};

// Ways out of translated code into the interpreter or the run loop, and returns that were not the predicted ones.
enum xlate_exit {
    XLATE_EXIT_UNLINKED, // the place in the same page is not translated
    XLATE_EXIT_FAR,      // the effective address is not in the fetch TLB, or not translated
    XLATE_EXIT_ATTN,     // attn or the budget
    XLATE_EXIT_INSN,     // an instruction that the interpreter executes
    XLATE_EXIT_BEHIND,   // behind a load or store that a helper has executed
    XLATE_EXIT_RETURN,
    XLATE_EXITS,
};

struct cpu_pmu {
    u64 mmcr0, mmcr1, mmcr2, mmcra, siar, sdar, sier;
    u32 pmc[6];
    u64 cycles_base, insns_base; // when the counters were last brought up to date
};

#define XLATE_SPILLS 16

struct cpu {
    // Hot: this thread only.
    u64 gpr[32];
    u8 crf[8];
    u8 so, ov, ca, ov32, ca32;
    u8 be; // accesses are big-endian: !MSR[LE]
    u8 mmu_mode;
    u8 isa_level;       // enum isa_level in force (compatibility mode)
    u32 xer_rest;       // the string length (bits 57:63) and the bits that only mtxer touches
    u64 lr, ctr, tar;
    u64 ea_mask;        // 0xffffffff when MSR[SF] is 0
    u64 nia;            // next instruction: valid outside threaded code, and what branch semantics set
    u64 page_ea;        // effective address of the page being executed
    const struct dinsn *d;       // the instruction being executed (threaded code)
    const struct dinsn *block_d; // first instruction not yet counted in `insns`
    struct cpage *page;          // NULL while no instruction is being executed: then nia is the address
    struct tlb_entry *tlb;       // tables of the current state
    u64 tlb_mask;                // (entries - 1) * sizeof(struct tlb_entry)
    struct ftlb_entry *ftlb;
    struct jump *jumps; // of the same table
    // What translated code found in `tlb` last, for reads and for writes, by the number of the base register: a comparison with a place
    // that does not depend on the address instead of a lookup. A tag is that of a TLB entry; cpu/mmu forgets them all whenever an
    // entry goes or the table is changed for another.
    u64 memo_tag[2][32];
    uintptr_t memo_addend[2][32];
    u64 memo_when[2][32];      // cpu->budget when the memo was last replaced
    u32 memo_bad[2][32];       // how often that was too soon
    u32 crossings;             // how often accesses that share a lookup were in two pages, soon after others that were
    s64 crossed_at;            // cpu->budget then
    // What translated code asks to be put into the TLB (cpu/xlate/find.h), the answer, and who is asked (cpu/xlate/x86/refill.c).
    u32 refill_what;
    u64 refill_ea;
    uintptr_t refill_addend;
    const void *refill;
    u32 crf_bits[3];           // fixed: CR_EQ, CR_GT, CR_LT, which translated code selects from
    union vsr fp_least[2][2];  // fixed: the smallest normal numbers, doubles and singles, twice
    union vsr fp_abs[2][2];    // fixed: all bits but signs, likewise
    u64 finds;                 // accesses of translated code that did not find their page at once
    // An access that is better translated in another way: what it asked for, and the effective address of its page. 0: none.
    u32 memo_failed;
    u64 memo_failed_page;
    s64 strip_end;               // the budget behind the repetitions of a loop that were begun (cpu/xlate/pass_strip.c)
    u64 strip_compared[8][2];    // in such a loop: what condition register fields are to be computed from
    s64 budget;                  // instructions until the clock is looked at
    _Atomic u32 attn;            // set by anybody (release), read by the owner (relaxed), then acquired
    _Atomic u32 lines;           // likewise
    _Atomic bool jumps_stale;    // likewise: `jumps` may name code that nobody enters any more
    u64 msr;
    u64 insns;                   // instructions completed, up to block_d

    // Reservation (cpu/reserve.h): guest real address, or RESERVE_NONE, with the bytes that were loaded.
    u64 reserve_addr, reserve_version;
    u128 reserve_value;
    u32 reserve_size;
    u8 reserve_alone;                   // fixed: the group has no other thread
    u8 reserve_slow;                    // RESERVE_SLOW_*
    _Atomic u64 *reserve_counts;        // fixed: its own table, written by the owner
    struct reserve_line *reserve_lines; // fixed: the group's
    u8 *mem_base;                       // fixed: group->mem->base

    u32 fpscr_hi;  // FPSCR bits 0:31 (DRN lives here)
    u32 fpscr;     // FPSCR bits 32:63
    u32 vscr;      // NJ and SAT
    u32 vrsave;
    alignas(16) union vsr vsr[64];
    union vsr xlate_spill[XLATE_SPILLS], xlate_keep[2 * XLATE_SPILLS]; // vectors of translated code (cpu/xlate)

    // Floating point that translated code computes on the host's unit: cpu/exec/fp_lazy.h.
    u32 fp_live;            // it has the host's floating-point environment
    u32 fp_kind;            // enum fp_kind of an operation that it leaves to fp_lazy_compute()
    u64 fp_last;            // enum fp_kind of the last operation, and FP_LAST_COMPARED
    u64 fp_operand[3];      // of that operation
    u64 fp_compared[2];     // of the last comparison
    void (*fp_call)(void);  // how translated code gets there (xlate/x86/float.c)
    union vsr fp_arg[4];

    // SPRs: this thread only.
    u64 srr0, srr1, hsrr0, hsrr1, dar, dsisr, hdar, hdsisr, asdr;
    u64 sprg[4], sprg_vdso; // SPRG0-3; SPRG3 is readable in problem state (259)
    u64 cfar, ctrl, pir, tir, pvr, pcr, lpcr, lpidr, hid[8];
    u64 dscr, uamor, amr, iamr, amor, fscr, hfscr, ppr, psscr, pspb, dpdes;
    u64 ciabr, dawr0, dawrx0;
    u64 bescr, ebbhr, ebbrr;
    u64 pidr, ptcr;         // radix; the partition's process table is group->prtb
    u64 sdr1, rmor, hrmor;
    u64 wort, trig[3], acop, csigr, tfhar, tfiar, texasr;
    struct {
        u64 esid, vsid; // as slbmte's RB and RS hold them, ESID[V] included
    } slb[32];
    struct cpu_pmu pmu;

    // Time. The decrementer is kept as the time base value at which it goes negative.
    u64 dec_expires;
    bool dec_pending_ack;
    u64 tb_entered;           // 0: it does not run
    u64 vtb;                  // as of tb_entered; it runs only while the thread runs
    u64 purr;                 // as of purr_tb, when the host's thread had had purr_host_ns of processor time
    u64 purr_tb, purr_host_ns;
    u64 purr_seen;            // the highest value that was read
    u64 spr_extra[16];        // the MMU's and others' few rarely used registers

    // Fixed after start.
    struct cpu_group *group;
    u32 index;       // position in group->cpus
    u32 server;      // interrupt server number, PIR
    u32 vcpu, thread;
    void *papr;      // the hypervisor services' state of this thread
    void *mmu;       // cpu/mmu's own state

    // Engine.
    sigjmp_buf *unwind;  // where cpu_raise() returns to
    struct xlate *xlate; // the partition's translator; NULL: everything is interpreted
    void (*xlate_enter)(struct cpu *cpu, const struct dinsn *d, u64 word); // into the region of an OP_REGION
    u64 xlate_exits[XLATE_EXITS]; // how often translated code was left, by cause
    u64 xlate_insns;              // of insns: in translated code
    u64 xlate_stack;     // rsp of whoever entered translated code, below its registers
    struct request_queue *requests; // cpu/group.c
    struct cpage *step_page;        // scratch page of the single step
    u32 idle_spin_ns;               // cpu_idle()
    u32 exit_reason;                // enum cpu_exit + 1 when threaded code asks the run loop to leave
    u64 watch_ea;                   // the access that met a watchpoint
    // Fixed while it runs; non-NULL: called before each instruction, which are then executed one by one.
    void (*trace_insn)(struct cpu *cpu, u64 cia, u32 insn);
    u64 step_count;
    // cpu/xlate/check.c. Fixed while it runs: pieces are checked; inside such a piece; it ended in front of what is done once.
    bool check;
    u8 checked; // enum cpu_checked
    bool unchecked;

    // Atomic; see cpu/group.c for the protocol.
    _Atomic u32 running;      // 1: may be inside guest code with cached translations
    _Atomic u32 wake;         // futex word of cpu_idle(): 1 while it sleeps
};

enum cpu_checked { CHECKED_NOT, CHECKED_TRANSLATED, CHECKED_INTERPRETED };

#define RESERVE_NONE (~0ull)
#define RESERVE_GRANULE 128u // bytes: POWER's reservation granule

#endif
