// SPDX-License-Identifier: Apache-2.0
// Special-purpose registers and MSR from translated code against the interpreter, and interrupts that MSR[EE] lets in.
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/test_random.h"
#include "cpu/exec/exec.h"
#include "cpu/mmu/access.h"
#include "cpu/test_machine.h"
#include "cpu/xlate/target.h"
#include "cpu/xlate/xlate.h"

#define I_ADDI(rt, ra, v) (I_LI(rt, v) | (u32)(ra) << 16)
#define I_BDNZ(offset)    (0x42000000u | ((u32)(offset)&0xfffc))
#define I_ISYNC           0x4c00012cu
#define I_MTMSR(rs, l)    (0x7c000124u | (u32)(rs) << 21 | (u32)(l) << 16)
#define BODY              12u

static unsigned gpr(void)
{
    return 3 + below(20);
}

// Numbers that exist, some that do not or that only hypervisors have; none that reads a clock, and not CTR, which counts the loop.
static unsigned spr_number(void)
{
    static const u16 numbers[] = {1,   3,   8,   13,  17,  18,  19,  26,  27,   28,  29,  48,  61,
                                  152, 153, 157, 159, 256, 259, 272, 273, 274,  275, 287, 815, 896,
                                  898, 895, 0,   4,   318, 808, 25,  304, 1023, 77,  500};
    return numbers[below(ARRAY_LEN(numbers))];
}

static u32 random_insn(void)
{
    unsigned spr = spr_number();
    switch (below(12)) {
    case 0:
    case 1:
    case 2: return I_MFSPR(gpr(), spr);
    case 3:
    case 4:
    case 5: return I_MTSPR(spr, gpr());
    case 6: return I_MFMSR(gpr());
    case 7: return I_MTMSRD(gpr(), 1);
    case 8: return below(2) ? I_MTMSRD(25, 0) : I_MTMSR(25, 0); // of a value that lets the program go on as a rule
    case 9: return I_ISYNC;
    case 10: return I_TLBIEL(gpr(), gpr(), 0, 0, 0);
    default: return I_ADDI(gpr(), gpr(), below(100));
    }
}

static void run(struct machine *m, const struct cpu_engine *engine, u64 nia, u64 msr)
{
    m->stopped_at = ~0ull;
    cpu_set_msr(m->cpu, msr);
    m->cpu->nia = nia;
    m->cpu->budget = 0;
    atomic_fetch_and(&m->cpu->attn, ~(u32)ATTN_STOP);
    CHECK_EQ(engine->run(m->cpu), EXIT_STOPPED);
}

static void start_state(struct cpu *cpu, u64 msr, u64 state_seed)
{
    test_seed = state_seed;
    for (unsigned i = 0; i < 32; i++)
        cpu->gpr[i] = random64();
    for (unsigned i = 0; i < 8; i++)
        cpu->crf[i] = (u8)below(16);
    cpu->gpr[25] =
        msr ^ (below(4) ? random64() & (MSR_EE | MSR_RI | MSR_FP | MSR_VEC | MSR_VSX) : random64() & ~MSR_SF);
    spr_xer_set(cpu, random64());
    cpu->lr = cpu->tar = 0;
    cpu->ctr = 60;
    cpu->cfar = 0;
    cpu->srr0 = cpu->srr1 = cpu->dar = cpu->dsisr = cpu->amr = cpu->iamr = cpu->uamor = cpu->dscr = cpu->ppr =
        cpu->pspb = cpu->wort = 0;
    cpu->fscr = random64();
    cpu->pidr = 0;
    cpu->vrsave = 0;
    cpu->ctrl = 0;
    memset(cpu->sprg, 0, sizeof(cpu->sprg));
    cpu->insns = 0;
}

static void same(const struct cpu *a, const struct cpu *b)
{
    CHECK(!memcmp(a->gpr, b->gpr, sizeof(a->gpr)));
    CHECK(!memcmp(a->crf, b->crf, sizeof(a->crf)));
    CHECK(!memcmp(a->sprg, b->sprg, sizeof(a->sprg)));
    CHECK_EQ(spr_xer_get(a), spr_xer_get(b));
    CHECK_EQ(a->msr, b->msr);
    CHECK_EQ(a->srr0, b->srr0);
    CHECK_EQ(a->srr1, b->srr1);
    CHECK_EQ(a->dar, b->dar);
    CHECK_EQ(a->dsisr, b->dsisr);
    CHECK_EQ(a->lr, b->lr);
    CHECK_EQ(a->ctr, b->ctr);
    CHECK_EQ(a->tar, b->tar);
    CHECK_EQ(a->cfar, b->cfar);
    CHECK_EQ(a->amr, b->amr);
    CHECK_EQ(a->iamr, b->iamr);
    CHECK_EQ(a->pidr, b->pidr);
    CHECK_EQ(a->dscr, b->dscr);
    CHECK_EQ(a->ppr, b->ppr);
    CHECK_EQ(a->fscr, b->fscr);
    CHECK_EQ(a->vrsave, b->vrsave);
    CHECK_EQ(a->insns, b->insns);
}

static void test_random_moves(void)
{
    struct machine *interp = machine_new(1, LEVEL_V30), *jit = machine_new(1, LEVEL_V30);
    unsigned whole = 0;
    for (unsigned n = 0; n < 1500; n++) {
        u32 code[BODY + 2];
        for (unsigned i = 0; i < BODY; i++)
            code[i] = random_insn();
        code[BODY] = I_BDNZ(-(s32)BODY * 4);
        code[BODY + 1] = I_SC1;
        u64 at = TEST_CODE + n * 64;
        u64 state = random64() | 1, msr = MSR_BASE | (below(3) ? 0 : MSR_PR);
        struct machine *machines[] = {interp, jit};
        for (unsigned which = 0; which < 2; which++) {
            for (unsigned i = 0; i < ARRAY_LEN(code); i++)
                machine_put(machines[which], at + i * 4, code[i], false);
            start_state(machines[which]->cpu, msr, state);
            run(machines[which], which ? &jit_engine : &interp_engine, at, msr);
        }
        CHECK_EQ(interp->stopped_at, jit->stopped_at);
        same(interp->cpu, jit->cpu);
        whole += interp->stopped_at == at + (BODY + 1) * 4;
        test_seed = state;
    }
    CHECK(whole > 100); // programs that did not end in an interrupt
    CHECK(xlate_stats(jit->mem.xlate).regions > 100);
    machine_free(interp);
    machine_free(jit);
}

// In a region that runs with interrupts off, the instruction that switches them on is the last one before the interrupt.
static void test_pending_interrupt(void)
{
    static const u32 moves[] = {I_MTMSRD(5, 1), I_MTMSRD(6, 0), I_MTMSR(6, 0)};
    for (unsigned n = 0; n < ARRAY_LEN(moves); n++) {
        const u32 code[] = {I_ADDI(3, 3, 1), moves[n], I_ADDI(4, 4, 1), I_BDNZ(-12), I_SC1};
        struct machine *m = machine_new(1, LEVEL_V30);
        struct cpu *cpu = m->cpu;
        for (unsigned i = 0; i < ARRAY_LEN(code); i++)
            machine_put(m, TEST_CODE + i * 4, code[i], false);
        cpu->gpr[5] = 0;
        cpu->gpr[6] = MSR_BASE;
        cpu->ctr = 1000;
        run(m, &jit_engine, TEST_CODE, MSR_BASE);
        CHECK_EQ(m->stopped_at, TEST_CODE + 16);
        CHECK_EQ(cpu->gpr[4], 1000);
        cpu_raise_line(cpu, LINE_EXTERNAL);
        cpu->gpr[3] = cpu->gpr[4] = 0;
        cpu->ctr = 1000;
        run(m, &jit_engine, TEST_CODE, MSR_BASE); // off: nothing happens
        CHECK_EQ(cpu->gpr[4], 1000);
        cpu->gpr[5] = MSR_EE;
        cpu->gpr[6] = MSR_BASE | MSR_EE;
        cpu->gpr[3] = cpu->gpr[4] = 0;
        cpu->ctr = 1000;
        u64 insns = cpu->insns;
        run(m, &jit_engine, TEST_CODE, MSR_BASE);
        CHECK_EQ(m->stopped_at, VEC_EXTERNAL);
        CHECK_EQ(cpu->srr0, TEST_CODE + 8);
        CHECK_EQ(cpu->gpr[3], 1);
        CHECK_EQ(cpu->gpr[4], 0);
        CHECK_EQ(cpu->insns - insns, 3); // with the vector's sc
        machine_free(m);
    }
}

// MSR[FP] that a region switches on and off counts for the floating point in it.
static void test_facility_in_region(void)
{
    const u32 code[] = {I_MTMSRD(5, 0), I_FADD, I_ADDI(3, 3, 1), I_BDNZ(-12), I_SC1};
    struct machine *m = machine_new(1, LEVEL_V30);
    for (unsigned i = 0; i < ARRAY_LEN(code); i++)
        machine_put(m, TEST_CODE + i * 4, code[i], false);
    m->cpu->gpr[5] = MSR_BASE | MSR_FP;
    m->cpu->ctr = 500;
    run(m, &jit_engine, TEST_CODE, MSR_BASE);
    CHECK_EQ(m->stopped_at, TEST_CODE + 16);
    CHECK_EQ(m->cpu->gpr[3], 500);
    m->cpu->gpr[5] = MSR_BASE;
    m->cpu->gpr[3] = 0;
    m->cpu->ctr = 500;
    run(m, &jit_engine, TEST_CODE, MSR_BASE | MSR_FP);
    CHECK_EQ(m->stopped_at, VEC_FP_UNAVAILABLE);
    CHECK_EQ(m->cpu->srr0, TEST_CODE + 4);
    CHECK_EQ(m->cpu->gpr[3], 0);
    machine_free(m);
}

static void *run_until_stopped(void *arg)
{
    jit_engine.run(arg);
    return NULL;
}

// Whatever a processor does, a request stops it before it has gone round a loop again. The guest counts its rounds in memory, and
// what was counted after the request is compared, not a time: a loaded host delays threads, sanitizers slow them down. Stores
// that were still under way in the host's store buffer when the count was read are allowed for.
static void test_stops_soon(void)
{
    enum { LONG = 900, COUNT = TEST_CODE + 0x8000, IN_FLIGHT = 256 };
    enum { B = 0x48000000, BL = 0x48000001, BLR = 0x4e800020, BCTR = 0x4e800420 };
    for (unsigned kind = 0; kind < 5; kind++) {
        struct machine *m = machine_new(1, LEVEL_V30);
        u64 at = TEST_CODE;
        unsigned len = kind == 0 ? LONG : 1;
        for (unsigned i = 0; i < len; i++, at += 4)
            machine_put(m, at, I_ADDI(3, 3, 1), false);
        switch (kind) {
        case 1: // a call of the page after the next one
            machine_put(m, at, BL | (0x2000 - 4), false);
            machine_put(m, TEST_CODE + 0x2000, I_ADDI(4, 4, 1), false);
            machine_put(m, TEST_CODE + 0x2004, BLR, false);
            at += 4;
            break;
        case 2: // by way of a register, through three pages
            machine_put(m, at, BCTR, false);
            machine_put(m, TEST_CODE + 0x3000, B | 0x2000, false);
            machine_put(m, TEST_CODE + 0x5000, (B | (-0x5000 & 0x3fffffc)), false);
            m->cpu->ctr = TEST_CODE + 0x3000;
            break;
        case 3: // state that changes all the time
            machine_put(m, at, I_MTMSRD(5, 1), false);
            machine_put(m, at + 4, I_ISYNC, false);
            at += 8;
            break;
        case 4: // interrupts and returns
            machine_put(m, VEC_SYSCALL, I_RFID, false);
            machine_put(m, at, I_SC, false);
            at += 4;
            break;
        default: break;
        }
        machine_put(m, at, I_ADDI(7, 7, 1), false);
        machine_put(m, at + 4, I_STD(7, 0, 6), false);
        at += 8;
        machine_put(m, at, B | ((u32)(TEST_CODE - at) & 0x3fffffc), false);
        const u64 *count = guest_mem_at(&m->mem, COUNT, 8);
        s64 best = -1;
        m->cpu->gpr[6] = COUNT;
        for (unsigned tries = 0; tries < 20; tries++) {
            pthread_t thread;
            m->cpu->gpr[5] = 0;
            cpu_set_msr(m->cpu, MSR_BASE);
            m->cpu->nia = TEST_CODE;
            atomic_fetch_and(&m->cpu->attn, ~(u32)ATTN_STOP);
            u64 begun = m->cpu->gpr[7] + 1000;
            pthread_create(&thread, NULL, run_until_stopped, m->cpu);
            while (__atomic_load_n(count, __ATOMIC_RELAXED) < begun)
                usleep(100);
            s64 asked = clock_ns();
            cpu_kick(m->cpu, ATTN_STOP);
            u64 rounds = __atomic_load_n(count, __ATOMIC_SEQ_CST);
            pthread_join(thread, NULL);
            s64 took = clock_ns() - asked;
            best = best < 0 ? took : MIN(best, took);
            CHECK(*count - rounds <= IN_FLIGHT);
        }
        printf("# kind %u: stopped within %.1f us at best\n", kind, (double)best / 1000);
        CHECK(xlate_stats(m->mem.xlate).regions > 0);
        machine_free(m);
    }
}

// Of the congruence classes that a thread names one after the other all but the first are empty.
static void test_local_invalidation(void)
{
    const u32 code[] = {I_LD(6, 0, 7), I_TLBIEL(4, 5, 0, 0, 0), I_ADDI(3, 3, 1), I_BDNZ(-12), I_SC1};
    const struct cpu_engine *engines[] = {&interp_engine, &jit_engine};
    for (unsigned which = 0; which < 2; which++) {
        struct machine *m = machine_new(1, LEVEL_V30);
        struct cpu *cpu = m->cpu;
        for (unsigned i = 0; i < ARRAY_LEN(code); i++)
            machine_put(m, TEST_CODE + i * 4, code[i], false);
        for (unsigned set = 0; set < 3; set++) {
            u64 data = 0x40000, leaves = cpu->xlate_exits[XLATE_EXIT_BEHIND] + cpu->xlate_exits[XLATE_EXIT_ATTN];
            cpu->gpr[3] = 0;
            cpu->gpr[4] = (u64)set << 12 | 3u << 10;
            cpu->gpr[5] = 0;
            cpu->gpr[7] = data;
            cpu->ctr = 1000;
            run(m, engines[which], TEST_CODE, MSR_BASE);
            CHECK_EQ(m->stopped_at, TEST_CODE + 16);
            CHECK_EQ(cpu->gpr[3], 1000);
            CHECK_EQ(tlb_slot(cpu, data)->rtag == data, set != 0);
            if (set)
                CHECK(cpu->xlate_exits[XLATE_EXIT_BEHIND] + cpu->xlate_exits[XLATE_EXIT_ATTN] - leaves < 100);
        }
        machine_free(m);
    }
}

int main(void)
{
    xlate_heat_limit = 10;
    xlate_in_background = false; // what is tested is the regions
    if (target_available()) {
        TEST(test_random_moves);
        TEST(test_pending_interrupt);
        TEST(test_facility_in_region);
        TEST(test_stops_soon);
        TEST(test_local_invalidation);
    } else {
        test_skip("test_random_moves", "no back end for this host");
        test_skip("test_pending_interrupt", "no back end for this host");
        test_skip("test_facility_in_region", "no back end for this host");
        test_skip("test_stops_soon", "no back end for this host");
        test_skip("test_local_invalidation", "no back end for this host");
    }
    return test_done();
}
