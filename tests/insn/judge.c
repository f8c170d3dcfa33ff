// SPDX-License-Identifier: Apache-2.0
// The guest side of the differential instruction test: runs single instructions on given register contents under the
// implementation that is compared with. Freestanding; see judge.h for the protocol and diff.c for the whole.
#include "judge.h"

enum { SYS_EXIT = 1, SYS_READ = 3, SYS_WRITE = 4, SYS_MMAP = 90, SYS_SIGACTION = 173, SYS_SIGALTSTACK = 185 };
enum { MAP_SHARED_ = 1, MAP_PRIVATE_ = 2, MAP_FIXED_ = 0x10, MAP_ANONYMOUS_ = 0x20 };

void judge_run(struct judge_state *state, uint64_t entry);
long judge_syscall(long nr, long a, long b, long c, long d, long e, long f);
void judge_main(void);
extern char judge_back[];

static struct judge_state *volatile current;

// The start of the kernel's signal frame for 64-bit PowerPC, up to FPSCR.
struct frame {
    uint64_t flags, link, stack[3], mask[16];
    uint64_t unused[4], signal, handler, oldmask, regs;
    uint64_t gpr[32], nip, more[15];
    uint64_t fpr[32], fpscr;
};

static void on_signal(int signal, void *info, struct frame *frame)
{
    current->outcome = (uint64_t)signal;
    current->nia = frame->nip;
    current->scratch[1] = frame->fpscr;
    frame->gpr[JUDGE_OWN_GPR] = (uint64_t)current;
    frame->nip = (uint64_t)judge_back;
    if (signal == OUTCOME_FPE)
        frame->fpscr = 0; // an enabled exception would signal again
}

static void *map(uint64_t at, uint64_t size, int flags, long fd)
{
    long p = judge_syscall(SYS_MMAP, (long)at, (long)size, 7, flags, fd, 0);
    if (p < 0 && p > -4096)
        judge_syscall(SYS_EXIT, 2, 0, 0, 0, 0, 0);
    return (void *)p;
}

static void catch_signals(void)
{
    static uint64_t stack[16384];
    uint64_t altstack[3] = {(uint64_t)stack, 0, sizeof(stack)};
    judge_syscall(SYS_SIGALTSTACK, (long)altstack, 0, 0, 0, 0, 0);
    static const int signals[] = {OUTCOME_ILL, OUTCOME_TRAP, OUTCOME_BUS, OUTCOME_FPE, OUTCOME_SEGV};
    for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        // handler, SA_SIGINFO | SA_ONSTACK | SA_NODEFER, restorer, mask
        uint64_t action[4] = {(uint64_t)on_signal, 4 | 0x08000000 | 0x40000000, 0, 0};
        judge_syscall(SYS_SIGACTION, signals[i], (long)action, 0, 8, 0, 0);
    }
}

static void write_slot(volatile uint32_t *at, uint32_t prepare, uint32_t insn)
{
    for (unsigned i = 0; i < JUDGE_SLOT_WORDS; i++)
        at[i] = 0;
    volatile uint32_t *p = at + JUDGE_SLOT_INSN - 4;
    p[0] = 0xe8000000 | JUDGE_OWN_GPR << 16 | JS_CTR; // ld 0,CTR(13)
    p[1] = 0x7c0903a6;                                // mtctr 0
    p[2] = 0xe8000000 | JUDGE_OWN_GPR << 16 | JS_GPR; // ld 0,GPR0(13)
    p[3] = prepare;
    p[4] = insn;
    p[5] = 0x48000000 | ((uint32_t)((uint64_t)judge_back - (uint64_t)(p + 5)) & 0x03fffffc); // b judge_back
}

static void run_batch(struct judge_batch *batch, uint32_t *code, volatile uint8_t *data)
{
    for (uint64_t i = 0; i < batch->slots_len; i++)
        write_slot(code + i * JUDGE_SLOT_WORDS, (uint32_t)batch->code[i][0], (uint32_t)batch->code[i][1]);
    for (uint64_t p = JUDGE_CODE; p < JUDGE_CODE + batch->slots_len * JUDGE_SLOT_WORDS * 4; p += 128)
        __asm__ volatile("dcbst 0,%0; sync; icbi 0,%0" : : "r"(p) : "memory");
    __asm__ volatile("sync; isync" : : : "memory");

    for (uint64_t i = 0; i < batch->records_len; i++) {
        struct judge_record *r = &batch->records[i];
        uint64_t at = JUDGE_CODE + (r->slot * JUDGE_SLOT_WORDS + JUDGE_SLOT_INSN) * 4;
        if (r->uses_memory)
            for (unsigned k = 0; k < JUDGE_DATA_SIZE / 8; k++)
                ((volatile uint64_t *)data)[k] = ((uint64_t *)r->state.mem)[k];
        r->state.outcome = OUTCOME_DONE;
        r->state.nia = at + 4;
        current = &r->state;
        judge_run(&r->state, at - 16);
        if (r->state.outcome != OUTCOME_DONE) // signals clear it
            r->state.fpscr = r->state.scratch[1];
        if (r->uses_memory)
            for (unsigned k = 0; k < JUDGE_DATA_SIZE / 8; k++)
                ((uint64_t *)r->state.mem)[k] = ((volatile uint64_t *)data)[k];
    }
}

void judge_main(void)
{
    struct judge_batch *batch = map(0, (sizeof(struct judge_batch) + 65535) & ~65535ul, MAP_SHARED_, JUDGE_FD);
    uint32_t *code = map(JUDGE_CODE, 65536, MAP_PRIVATE_ | MAP_ANONYMOUS_ | MAP_FIXED_, -1);
    map(JUDGE_DATA & ~65535ul, 65536, MAP_PRIVATE_ | MAP_ANONYMOUS_ | MAP_FIXED_, -1);
    volatile uint8_t *data = (volatile uint8_t *)JUDGE_DATA;
    catch_signals();
    for (;;) {
        char token;
        if (judge_syscall(SYS_READ, 0, (long)&token, 1, 0, 0, 0) != 1)
            judge_syscall(SYS_EXIT, 0, 0, 0, 0, 0, 0);
        run_batch(batch, code, data);
        judge_syscall(SYS_WRITE, 1, (long)&token, 1, 0, 0, 0);
    }
}
