// SPDX-License-Identifier: Apache-2.0
// How regions are entered and left: loops and what stops them, exits, links between regions, calls that return, interrupts, helpers that cannot
// go on in the region, code memory that is full.
#include <time.h>

#include "cpu/exec/fp_lazy.h"
#include "cpu/xlate/x86/region_test.h"

static s64 thread_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

// for (ctr = n; ctr; ctr--) r3 += *r4, r4 += 8: ldu, add, bdnz
static void test_loop(void)
{
    setup();
    region_start();
    block_start(0);
    region.blocks[0].weight = 100;
    b.insn = 0xe8a40009; // ldu r5,8(r4)
    ir_value ea = ir_op2i(&b, IR_ADD, ir_get(&b, 4), 8);
    ir_value v = ir_emit(&b, (struct ir_insn){.op = IR_LOAD, .imm = MEM_64, .a = ea});
    ir_put(&b, 5, v);
    ir_put(&b, 4, ea);
    b.index = 1;
    b.insn = 0x7c632a14; // add r3,r3,r5
    ir_put(&b, 3, ir_op2(&b, IR_ADD, ir_get(&b, 3), v));
    b.index = 2;
    b.insn = 0x4200fff8; // bdnz
    ir_value ctr = ir_op2i(&b, IR_ADD, ir_get(&b, SLOT_CTR), ~0ull);
    ir_put(&b, SLOT_CTR, ctr);
    block_end((struct ir_insn){.op = IR_BRANCH, .cond = COND_NE, .a = ctr, .b = ir_const(&b, 0)}, 0, 1, 3);
    block_start(3);
    block_exit(3, 0);
    const void *code = compile();
    const void *bytes;
    printf("# loop of 3 instructions: region of %zu bytes\n", target_last_code(&bytes));
    cpu->gpr[3] = 0;
    cpu->gpr[4] = DATA_GRA - 8;
    cpu->ctr = 1000;
    cpu->budget = 1000000;
    for (unsigned i = 0; i < 1000; i++) {
        u64 value = i;
        memcpy(data() + i * 8, &value, 8);
    }
    cpu->insns = 0;
    enter(code);
    CHECK_EQ(cpu->gpr[3], 999 * 500);
    CHECK_EQ(cpu->gpr[4], DATA_GRA - 8 + 8000);
    CHECK_EQ(cpu->ctr, 0);
    CHECK_EQ(cpu->insns, 3001);
    CHECK_EQ(m->stopped_at, CODE_GRA + 12);
    s64 before = thread_ns();
    for (unsigned i = 0; i < 1000; i++) {
        cpu->gpr[4] = DATA_GRA - 8;
        cpu->ctr = 2000;
        cpu->budget = 1000000;
        enter(code);
    }
    printf("# %.2f ns per guest instruction\n", (double)(thread_ns() - before) / (1000 * 2000 * 3));
    before = thread_ns();
    for (unsigned i = 0; i < 1000; i++) {
        if (i % 500 == 0)
            code_memory_reset(codes);
        target_compile(codes, &region, &compiled);
    }
    printf("# %.0f ns per compilation\n", (double)(thread_ns() - before) / 1000);
    teardown();
}

// Entries look at attn and the budget, and back edges; the state is in place and nia is where it goes on.
static void test_attn(void)
{
    setup();
    region_start();
    block_start(0);
    ir_put(&b, 3, ir_op2i(&b, IR_ADD, ir_get(&b, 3), 1));
    block_end((struct ir_insn){.op = IR_JUMP}, 0, 0, 2);
    const void *code = compile();
    cpu->gpr[3] = 7;
    cpu->insns = 0;
    cpu->budget = 1000000;
    atomic_fetch_or(&cpu->attn, ATTN_TIMER);
    enter(code);
    CHECK_EQ(cpu->gpr[3], 7);
    CHECK_EQ(cpu->insns, 0);
    CHECK_EQ(cpu->nia, CODE_GRA);
    CHECK(cpu->page == NULL);
    atomic_fetch_and(&cpu->attn, ~(u32)ATTN_TIMER);
    cpu->budget = 99;
    enter(code);
    CHECK_EQ(cpu->gpr[3], 7 + 50);
    CHECK_EQ(cpu->insns, 100);
    CHECK_EQ(cpu->budget, -1);
    enter(code);
    CHECK_EQ(cpu->gpr[3], 7 + 50);
    CHECK_EQ(cpu->insns, 100);
    teardown();
}

static void test_exits(void)
{
    setup();
    // EXIT_EA
    region_start();
    block_start(0);
    ir_value to = ir_op2i(&b, IR_ADD, (ir_emit(&b, (struct ir_insn){.op = IR_PAGE_EA})), 0x40);
    ir_put(&b, SLOT_LR, to);
    block_end((struct ir_insn){.op = IR_EXIT_EA, .a = to}, 0, 0, 3);
    const void *code = compile();
    cpu->insns = 0;
    cpu->budget = 1000;
    mmu_fetch_page(cpu, CODE_GRA);
    enter(code);
    CHECK_EQ(m->stopped_at, CODE_GRA + 0x40);
    CHECK_EQ(cpu->lr, CODE_GRA + 0x40);
    CHECK_EQ(cpu->insns, 4);
    // EXIT_INSN: `li r3,77` runs although the page says otherwise
    region_start();
    block_start(0);
    b.index = 2;
    b.insn = I_LI(3, 77);
    block_end((struct ir_insn){.op = IR_EXIT_INSN}, 0, 0, 2);
    code = compile();
    cpu->insns = 0;
    enter(code);
    CHECK_EQ(cpu->gpr[3], 77);
    CHECK_EQ(m->stopped_at, CODE_GRA + 12);
    CHECK_EQ(cpu->insns, 4);
    teardown();
}

// r4 counts to 100 in a loop through CTR, which then is what LR was.
static const void *switching(void)
{
    region_start();
    block_start(0);
    ir_put(&b, 4, ir_op2i(&b, IR_ADD, ir_get(&b, 4), 1));
    block_end((struct ir_insn){.op = IR_EXIT_EA, .a = ir_get(&b, SLOT_CTR)}, 0, 0, 2);
    region.blocks[0].switches = true;
    block_start(8);
    ir_value n = ir_get(&b, 4), last = ir_set(&b, COND_EQ, n, ir_const(&b, 100));
    ir_put(&b, 5, ir_op2(&b, IR_ADD, ir_get(&b, 5), n));
    ir_put(&b, SLOT_CTR, ir_select(&b, last, ir_get(&b, SLOT_LR), ir_get(&b, SLOT_CTR)));
    block_end((struct ir_insn){.op = IR_JUMP}, 0, 0, 3);
    block_start(12);
    ir_put(&b, 6, ir_op2i(&b, IR_ADD, ir_get(&b, 5), 7));
    block_end((struct ir_insn){.op = IR_EXIT, .imm = 16}, 0, 0, 1);
    region.blocks[1].landing = region.blocks[2].landing = true;
    for (unsigned i = 0; i < 3; i++)
        region.blocks[i].weight = 100;
    return compile();
}

// Indirect jumps inside of a region: to a landing, between landings, beyond them, out of the page; and while somebody asks for attention.
static void test_switch(void)
{
    static const u64 ends[] = {12 * 4, 10 * 4, 20 * 4, 4, 0x1000};
    setup();
    for (u64 at = 0; at < GUEST_PAGE_SIZE; at += 4)
        machine_put(m, CODE_GRA + 0x1000 + at, I_SC1, false);
    const void *code = switching();
    for (unsigned i = 0; i < ARRAY_LEN(ends); i++) {
        mmu_fetch_page(cpu, CODE_GRA);
        mmu_fetch_page(cpu, CODE_GRA + 0x1000);
        cpu->gpr[4] = cpu->gpr[5] = cpu->gpr[6] = cpu->insns = 0;
        cpu->ctr = CODE_GRA + 8 * 4;
        cpu->lr = CODE_GRA + ends[i];
        cpu->budget = 1000000;
        enter(code);
        CHECK_EQ(cpu->gpr[4], 101);
        CHECK_EQ(cpu->gpr[5], 5050);
        CHECK_EQ(cpu->gpr[6], i ? 0 : 5057);
        CHECK_EQ(m->stopped_at, CODE_GRA + (i ? ends[i] : 16 * 4));
        CHECK_EQ(cpu->insns, 100 * 5 + 2 + !i + 1);
    }
    cpu->gpr[4] = cpu->gpr[5] = cpu->insns = 0;
    cpu->ctr = CODE_GRA + 8 * 4;
    cpu->budget = 5 * 9 + 1;
    enter(code);
    CHECK_EQ(cpu->nia, CODE_GRA + 8 * 4);
    CHECK_EQ(cpu->gpr[4], 10);
    CHECK_EQ(cpu->gpr[5], 45);
    CHECK_EQ(cpu->insns, 5 * 9 + 2);
    teardown();
}

// Two regions of the page that are linked to each other, until the budget is used up; then one is unlinked. And a call that returns.
static void test_links(void)
{
    setup();
    const void *code[2];
    for (unsigned i = 0; i < 2; i++) {
        region_start();
        region.entry = (u16)(10 * i);
        block_start(10 * i);
        ir_put(&b, 3 + i, ir_op2i(&b, IR_ADD, ir_get(&b, 3 + i), 1));
        block_exit(10 - 10 * i, 1);
        code[i] = compile();
    }
    cpu->gpr[3] = cpu->gpr[4] = cpu->insns = 0;
    cpu->budget = 1000;
    enter_at(code[0], 0); // nothing is linked
    CHECK_EQ(m->stopped_at, CODE_GRA + 40);
    CHECK_EQ(cpu->insns, 2);
    target_expect_link(codes, page, 10);
    target_link(codes, page, 10, code[1]);
    enter_at(code[0], 0);
    CHECK_EQ(m->stopped_at, CODE_GRA);
    CHECK_EQ(cpu->gpr[4], 1);
    target_expect_link(codes, page, 0);
    target_link(codes, page, 0, code[0]);
    cpu->insns = 0;
    cpu->budget = 100;
    enter_at(code[0], 0);
    CHECK_EQ(m->stopped_at, ~0ull);
    CHECK_EQ(cpu->insns, 101);
    CHECK_EQ(cpu->nia, CODE_GRA + 40);
    CHECK_EQ(cpu->gpr[3] + cpu->gpr[4], 3 + 101);
    cpu->budget = 100;
    static const u64 places[CODE_PAGE_INSNS / 64] = {1};
    target_unlink(codes, page, places);
    enter_at(code[1], 10);
    CHECK_EQ(m->stopped_at, CODE_GRA);
    // A call to the other region, and what is behind it in this one. The function returns where LR says, or elsewhere.
    for (unsigned i = 0; i < 2; i++) {
        region_start();
        region.entry = 10;
        block_start(10);
        ir_put(&b, 4, ir_op2i(&b, IR_ADD, ir_get(&b, 4), 1));
        ir_put(&b, SLOT_LR, ir_op2i(&b, IR_ADD, ir_get(&b, SLOT_LR), 0x400 * i));
        block_end((struct ir_insn){.op = IR_EXIT_EA, .cond = WAY_RETURN, .a = ir_get(&b, SLOT_LR)}, 0, 0, 2);
        target_expect_link(codes, page, 10);
        target_link(codes, page, 10, compile());
        region_start();
        region.entry = 0;
        block_start(0);
        ir_value ea = ir_op2i(&b, IR_ADD, ir_emit(&b, (struct ir_insn){.op = IR_PAGE_EA}), 4);
        ir_put(&b, SLOT_LR, ea);
        for (unsigned k = 0; k < 4; k++)
            ir_put(&b, 5, ir_op2i(&b, IR_ADD, ir_get(&b, 5), 1));
        block_end((struct ir_insn){.op = IR_EXIT, .cond = WAY_CALL, .imm = 10}, 0, 0, 1);
        block_start(1);
        region.blocks[1].returns = true;
        for (unsigned k = 0; k < 4; k++)
            ir_put(&b, 5, ir_op2i(&b, IR_ADD, ir_get(&b, 5), 1));
        block_exit(20, 1);
        const void *caller = compile();
        CHECK_EQ(compiled.returns_len, 1);
        CHECK_EQ(compiled.returns[0].index, 1);
        target_expect_link(codes, page, 0);
        target_link(codes, page, 0, caller);
        cpu->gpr[4] = cpu->gpr[5] = cpu->insns = 0;
        cpu->budget = 100;
        mmu_fetch_page(cpu, CODE_GRA);
        enter_at(caller, 0);
        CHECK_EQ(cpu->gpr[4], 1);
        CHECK_EQ(cpu->gpr[5], i ? 4 : 8);
        CHECK_EQ(m->stopped_at, CODE_GRA + (i ? 0x404 : 80));
        CHECK_EQ(cpu->insns, i ? 1 + 2 + 1 : 1 + 2 + 1 + 1);
    }
    // From outside to what is behind the call.
    cpu->gpr[5] = 0;
    enter_at(compiled.returns[0].code, 1);
    CHECK_EQ(cpu->gpr[5], 4);
    CHECK_EQ(m->stopped_at, CODE_GRA + 80);
    teardown();
}

// A load that raises an interrupt, and a facility that is off: what came before is in place and counted.
static void test_interrupts(void)
{
    setup();
    region_start();
    block_start(0);
    ir_put(&b, 3, ir_op2i(&b, IR_ADD, ir_get(&b, 3), 1));
    ir_put(&b, 3, ir_op2i(&b, IR_ADD, ir_get(&b, 3), 1));
    ir_put(&b, 3, ir_op2i(&b, IR_ADD, ir_get(&b, 3), 1));
    b.index = 3;
    b.insn = I_LD(5, 0, 4);
    ir_put(&b, 5, ir_emit(&b, (struct ir_insn){.op = IR_LOAD, .imm = MEM_64, .a = ir_get(&b, 4)}));
    b.index = 4;
    b.insn = I_FADD;
    ir_emit(&b, (struct ir_insn){.op = IR_REQUIRE, .imm = MSR_FP});
    ir_put(&b, 6, ir_const(&b, 1));
    block_exit(9, 5);
    const void *code = compile();
    cpu->gpr[3] = 0;
    cpu->gpr[4] = 0x40000000; // beyond memory
    cpu->insns = 0;
    cpu->budget = 1000;
    enter(code);
    CHECK_EQ(cpu->gpr[3], 3);
    CHECK_EQ(cpu->insns, 3);
    CHECK_EQ(cpu->srr0, CODE_GRA + 12);
    CHECK_EQ(cpu->dar, 0x40000000);
    cpu_set_msr(cpu, MSR_BASE);
    cpu->gpr[4] = DATA_GRA;
    cpu->gpr[6] = 0;
    cpu->insns = 0;
    enter(code);
    CHECK_EQ(cpu->gpr[6], 0);
    CHECK_EQ(cpu->insns, 4);
    CHECK_EQ(cpu->srr0, CODE_GRA + 16);
    cpu_set_msr(cpu, MSR_BASE | MSR_FP);
    cpu->insns = 0;
    enter(code);
    CHECK_EQ(cpu->gpr[6], 1);
    CHECK_EQ(m->stopped_at, CODE_GRA + 36);
    CHECK_EQ(cpu->insns, 6);
    teardown();
}

// The loaded value is used beyond its instruction but its PUT was found dead: the miss leaves for the interpreter behind the load.
// A facility that every way needs is looked at where the region is entered: without it the interpreter executes the instruction there.
static void test_facility_at_entry(void)
{
    static const u64 need[] = {MSR_FP, MSR_VEC | MSR_VSX};
    for (unsigned n = 0; n < ARRAY_LEN(need); n++) {
        setup();
        region_start();
        block_start(2);
        region.entry = 2;
        region.blocks[0].need = (u32)need[n];
        ir_put(&b, 3, ir_op2i(&b, IR_ADD, ir_get(&b, 3), 1));
        block_exit(9, 5);
        const void *code = compile();
        cpu->gpr[3] = 0;
        cpu->insns = 0;
        cpu->budget = 1000;
        cpu_set_msr(cpu, MSR_BASE | (need[n] & MSR_VEC));
        enter(code);
        CHECK_EQ(cpu->gpr[3], 0);
        CHECK_EQ(m->stopped_at, CODE_GRA + 8);
        cpu_set_msr(cpu, MSR_BASE | need[n]);
        enter(code);
        CHECK_EQ(cpu->gpr[3], 1);
        CHECK_EQ(m->stopped_at, CODE_GRA + 36);
        teardown();
    }
}

// An integer that is moved and converted, and a sum in a register that an operation both reads and makes.
static void test_moved_integer(void)
{
    static const struct {
        u64 integer, sum;
    } steps[] = {{7, 0x4035800000000000}, {~0ull, 0x4032800000000000}, {1ull << 40, 0x4288000000009400}};
    setup();
    region_start();
    block_start(0);
    region.blocks[0].weight = 64;
    ir_value moved = ir_op1(&b, IR_VTOD, ir_get(&b, 3));
    ir_value a = ir_emit(&b, (struct ir_insn){.op = IR_FP1, .a = moved, .imm = FPK_FROM_S64});
    ir_value sum = ir_emit(
        &b, (struct ir_insn){
                .op = IR_FP3, .a = a, .b = ir_get(&b, SLOT_FPR + 2), .c = ir_get(&b, SLOT_FPR + 1), .imm = FPK_MADD});
    ir_put(&b, SLOT_FPR + 4, moved);
    ir_put(&b, SLOT_FPR + 1, sum);
    block_exit(9, 5);
    const void *code = compile();
    cpu_set_msr(cpu, MSR_BASE | MSR_FP);
    cpu->budget = 1000;
    VSR_D(&cpu->vsr[1], 0) = 0x3fe0000000000000; // 0.5
    VSR_D(&cpu->vsr[2], 0) = 0x4008000000000000; // 3
    for (unsigned n = 0; n < ARRAY_LEN(steps); n++) {
        cpu->gpr[3] = steps[n].integer;
        enter(code);
        fpu_settle(cpu);
        CHECK_EQ(m->stopped_at, CODE_GRA + 36);
        CHECK_EQ(cpu->gpr[3], steps[n].integer);
        CHECK_EQ(VSR_D(&cpu->vsr[4], 0), steps[n].integer);
        CHECK_EQ(VSR_D(&cpu->vsr[1], 0), steps[n].sum);
        CHECK_EQ(cpu->fpscr & FPSCR_FPRF, FPSCR_FG);
    }
    teardown();
}

static void test_value_lost_in_helper(void)
{
    setup();
    region_start();
    block_start(0);
    b.insn = I_LD(5, 0, 4);
    ir_value v = ir_emit(&b, (struct ir_insn){.op = IR_LOAD, .imm = MEM_64, .a = ir_get(&b, 4)});
    b.index = 1;
    ir_put(&b, 5, ir_op2i(&b, IR_ADD, v, 1));
    block_exit(9, 2);
    const void *code = compile();
    u64 value = 41;
    memcpy(data(), &value, 8);
    cpu->gpr[4] = DATA_GRA;
    cpu->budget = 1000;
    cpu->insns = 0;
    mmu_flush_local(cpu, TLB_ALL, 0, 0, 0);
    enter(code);
    CHECK_EQ(cpu->gpr[5], 41);
    CHECK_EQ(m->stopped_at, CODE_GRA + 4);
    CHECK_EQ(cpu->insns, 2);
    cpu->insns = 0;
    enter(code);
    CHECK_EQ(cpu->gpr[5], 42);
    CHECK_EQ(m->stopped_at, CODE_GRA + 36);
    CHECK_EQ(cpu->insns, 3);
    teardown();
}

// mr r5,r3; ld r3,0(r4); addi r6,r5,1; li r3,0: the load's PUT is dead, r5 is known to be the old r3. A miss changes r3 in memory.
static void test_dead_put_in_helper(void)
{
    setup();
    region_start();
    block_start(0);
    region.blocks[0].weight = 100;
    ir_value v = ir_get(&b, 3);
    ir_put(&b, 5, v);
    b.index = 1;
    b.insn = I_LD(3, 0, 4);
    ir_emit(&b, (struct ir_insn){.op = IR_LOAD, .imm = MEM_64, .a = ir_get(&b, 4)});
    b.index = 2;
    ir_put(&b, 6, ir_op2i(&b, IR_ADD, v, 1));
    b.index = 3;
    ir_put(&b, 3, ir_const(&b, 0));
    block_exit(9, 4);
    const void *code = compile();
    for (unsigned i = 0; i < 2; i++) {
        if (!i)
            mmu_flush_local(cpu, TLB_ALL, 0, 0, 0);
        cpu->gpr[3] = 10;
        cpu->gpr[4] = DATA_GRA;
        cpu->budget = 1000;
        cpu->insns = 0;
        enter(code);
        CHECK_EQ(cpu->gpr[3], 0);
        CHECK_EQ(cpu->gpr[5], 10);
        CHECK_EQ(cpu->gpr[6], 11);
        CHECK_EQ(cpu->insns, 5);
    }
    teardown();
}

static void test_memory_full(void)
{
    setup();
    region_start();
    block_start(0);
    for (unsigned i = 0; i < 200; i++)
        ir_put(&b, i % 32, ir_op2i(&b, IR_ADD, ir_get(&b, i % 32), 1));
    block_exit(9, 1);
    struct code_memory *small = code_memory_new(4096);
    unsigned n = 0;
    while (n < 100 && target_compile(small, &region, &compiled))
        n++;
    CHECK(n > 0 && n < 20);
    CHECK(code_memory_used(small) <= 4096);
    code_memory_reset(small);
    CHECK_EQ(code_memory_used(small), 0);
    CHECK(target_compile(small, &region, &compiled));
    code_memory_free(small);
    teardown();
}

int main(void)
{
    TEST(test_loop);
    TEST(test_attn);
    TEST(test_exits);
    TEST(test_switch);
    TEST(test_links);
    TEST(test_interrupts);
    TEST(test_facility_at_entry);
    TEST(test_moved_integer);
    TEST(test_value_lost_in_helper);
    TEST(test_dead_put_in_helper);
    TEST(test_memory_full);
    return test_done();
}
