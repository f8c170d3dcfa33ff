// SPDX-License-Identifier: Apache-2.0
// Regions built by hand and at random, compiled and run on a real thread, against an evaluation of the same intermediate form in C.
//
// Every instruction of the code page is `sc 1`, so a region that exits into it stops there.
#include "cpu/xlate/target.h"

#include <time.h>

#include "cpu/code.h"
#include "cpu/test_machine.h"
#include "cpu/time.h"
#include "cpu/xlate/build.h"
#include "cpu/xlate/x86/emit.h"

#define CODE_GRA  0x20000ull
#define DATA_GRA  0x100000ull // what loads and stores touch: 4 pages
#define DATA_SIZE 0x4000ull

static struct machine *m;
static struct cpu *cpu;
static struct code_memory *codes;
static struct cpage *page;
static struct ir_region region;
static struct ir_builder b;

static void setup_order(bool big_endian)
{
    m = machine_new(1, LEVEL_V30);
    cpu = m->cpu;
    target_prepare(cpu, false);
    for (u64 at = 0; at < GUEST_PAGE_SIZE; at += 4)
        machine_put(m, CODE_GRA + at, I_SC1, big_endian);
    codes = code_memory_new(4 * MIB);
    CHECK(codes != NULL);
    page = code_page(cpu, CODE_GRA, big_endian);
    cpu_set_msr(cpu, big_endian ? MSR_BASE & ~MSR_LE : MSR_BASE);
}

static void setup(void)
{
    setup_order(false);
}

static void teardown(void)
{
    code_memory_free(codes);
    machine_free(m);
}

static u64 random64(void)
{
    static u64 s = 0x9e3779b97f4a7c15;
    s ^= s << 13;
    s ^= s >> 7;
    s ^= s << 17;
    return s * 0x2545f4914f6cdd1d;
}

static unsigned pick(unsigned n)
{
    return (unsigned)(random64() >> 33) % n;
}

static u64 interesting(void)
{
    static const u64 some[] = {0,
                               1,
                               2,
                               31,
                               32,
                               33,
                               63,
                               64,
                               65,
                               127,
                               0x7f,
                               0x80,
                               0xff,
                               0x8000,
                               0xffff,
                               0x7fffffff,
                               0x80000000,
                               0xffffffff,
                               0x100000000,
                               ~0ull,
                               1ull << 63,
                               ~0ull >> 1,
                               -0x80000000ull,
                               -2ull};
    switch (pick(4)) {
    case 0: return some[pick(ARRAY_LEN(some))];
    case 1: return random64() >> pick(64);
    default: return random64();
    }
}

static void region_start(void)
{
    region = (struct ir_region){.page = page, .entry = 0};
    b = (struct ir_builder){.r = &region};
}

static void block_start(unsigned index)
{
    region.blocks[region.blocks_len++] = (struct ir_block){.first = region.len, .index = (u16)index, .weight = 1};
    b.index = (u16)index;
}

static void block_end(struct ir_insn end, unsigned then, unsigned other, unsigned insns)
{
    struct ir_block *block = &region.blocks[region.blocks_len - 1];
    ir_emit(&b, end);
    block->len = region.len - block->first;
    block->then = (u16)then;
    block->other = (u16)other;
    block->insns = (u16)insns;
}

static s64 thread_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void block_exit(unsigned to, unsigned insns)
{
    block_end((struct ir_insn){.op = IR_EXIT, .imm = to}, 0, 0, insns);
}

static struct target_code compiled;

static const void *compile(void)
{
    const char *wrong = ir_check(&region);
    CHECK_STR(wrong ? wrong : "", "");
    if (!target_compile(codes, &region, &compiled)) { // once more where a new part of code memory has to be begun
        CHECK_EQ(code_memory_room(codes), ROOM_MORE);
        CHECK(target_compile(codes, &region, &compiled));
    }
    return compiled.entry;
}

static void enter_at(const void *code, unsigned index)
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

static void enter(const void *code)
{
    enter_at(code, region.entry);
}

// --- evaluation in C

struct state {
    u64 slots[IR_SLOTS];
    u8 data[DATA_SIZE];
    u64 insns, stop;
    s64 budget;
};

static u64 slot_get(unsigned s)
{
    const u8 *at = (const u8 *)cpu + ir_slots[s].offset;
    u64 v = 0;
    memcpy(&v, at, ir_slots[s].bytes);
    return v;
}

static void slot_put(unsigned s, u64 v)
{
    memcpy((u8 *)cpu + ir_slots[s].offset, &v, ir_slots[s].bytes);
}

static bool holds(unsigned cond, u64 x, u64 y)
{
    switch (cond) {
    case COND_EQ: return x == y;
    case COND_NE: return x != y;
    case COND_LT: return (s64)x < (s64)y;
    case COND_GE: return (s64)x >= (s64)y;
    case COND_LE: return (s64)x <= (s64)y;
    case COND_GT: return (s64)x > (s64)y;
    case COND_ULT: return x < y;
    case COND_UGE: return x >= y;
    case COND_ULE: return x <= y;
    default: return x > y;
    }
}

static u64 crf_of(unsigned how, u64 x, u64 y, u64 so)
{
    if (how == COMPARE_S32 || how == COMPARE_U32) {
        x = how == COMPARE_S32 ? (u64)(s32)x : (u32)x;
        y = how == COMPARE_S32 ? (u64)(s32)y : (u32)y;
    }
    bool is_signed = how == COMPARE_S32 || how == COMPARE_S64;
    bool less = is_signed ? (s64)x < (s64)y : x < y;
    return (x == y ? 2u : less ? 8u : 4u) | so;
}

static u64 divided(u8 op, bool word, u64 x, u64 y)
{
    if (word) {
        s64 sx = (s32)x, sy = (s32)y;
        switch (op) {
        case IR_DIVS: return !sy || (sx == INT32_MIN && sy == -1) ? 0 : (u32)(sx / sy);
        case IR_DIVU: return (u32)y ? (u32)x / (u32)y : 0;
        case IR_REMS: return sy ? (u32)(sx % sy) : 0;
        default: return (u32)y ? (u32)x % (u32)y : 0;
        }
    }
    switch (op) {
    case IR_DIVS: return !y || (x == 1ull << 63 && y == ~0ull) ? 0 : (u64)((s128)(s64)x / (s64)y);
    case IR_DIVU: return y ? x / y : 0;
    case IR_REMS: return y ? (u64)((s128)(s64)x % (s64)y) : 0;
    default: return y ? x % y : 0;
    }
}

static u64 compute(const struct ir_insn *in, u64 x, u64 y, u64 z)
{
    switch (in->op) {
    case IR_CONST: return in->imm;
    case IR_PAGE_EA: return CODE_GRA;
    case IR_ADD: return x + y;
    case IR_SUB: return x - y;
    case IR_AND: return x & y;
    case IR_OR: return x | y;
    case IR_XOR: return x ^ y;
    case IR_NOT: return ~x;
    case IR_NEG: return -x;
    case IR_MUL: return x * y;
    case IR_MULHS: return (u64)(((s128)(s64)x * (s64)y) >> 64);
    case IR_MULHU: return (u64)(((u128)x * y) >> 64);
    case IR_DIVS:
    case IR_DIVU:
    case IR_REMS:
    case IR_REMU: return divided(in->op, in->imm == 32, x, y);
    case IR_SHL: return y > 63 ? 0 : x << y;
    case IR_SHR: return y > 63 ? 0 : x >> y;
    case IR_SAR: return (u64)((s64)x >> MIN(y, 63u));
    case IR_ROTL: return x << (y & 63) | x >> (-y & 63);
    case IR_ROTL32: return (u32)((u32)x << (y & 31) | (u32)x >> (-y & 31));
    case IR_SEXT8: return (u64)(s8)x;
    case IR_SEXT16: return (u64)(s16)x;
    case IR_SEXT32: return (u64)(s32)x;
    case IR_ZEXT8: return (u8)x;
    case IR_ZEXT16: return (u16)x;
    case IR_ZEXT32: return (u32)x;
    case IR_CLZ: return x ? (u64)__builtin_clzll(x) : 64;
    case IR_CTZ: return x ? (u64)__builtin_ctzll(x) : 64;
    case IR_POPCNT: return (u64)__builtin_popcountll(x);
    case IR_BSWAP16: return __builtin_bswap16((u16)x);
    case IR_BSWAP32: return __builtin_bswap32((u32)x);
    case IR_BSWAP64: return __builtin_bswap64(x);
    case IR_SET: return holds(in->cond, x, y);
    case IR_SELECT: return x ? y : z;
    case IR_CRF: return crf_of((unsigned)in->imm, x, y, z);
    default: return 0;
    }
}

static u64 memory_op(struct state *s, const struct ir_insn *in, u64 ea, u64 value)
{
    unsigned bytes = 1u << (in->imm & MEM_SIZE);
    u8 *at = &s->data[ea - DATA_GRA];
    if (in->op == IR_STORE) {
        if (in->imm & MEM_SWAP)
            value = __builtin_bswap64(value) >> (64 - 8 * bytes);
        memcpy(at, &value, bytes);
        return 0;
    }
    u64 v = 0;
    memcpy(&v, at, bytes);
    if (in->imm & MEM_SWAP)
        v = __builtin_bswap64(v) >> (64 - 8 * bytes);
    if (in->imm & MEM_SIGNED)
        v = (u64)((s64)(v << (64 - 8 * bytes)) >> (64 - 8 * bytes));
    return v;
}

// Until the region is left, or in front of the instruction before which `limit` have been completed.
static void evaluate(struct state *s, u64 limit)
{
    static u64 v[IR_INSNS_MAX];
    for (unsigned n = 0;;) {
        const struct ir_block *block = &region.blocks[n];
        unsigned to = 0;
        for (unsigned i = block->first; i < (unsigned)block->first + block->len; i++) {
            const struct ir_insn *in = &region.insns[i];
            u64 done = s->insns + in->index - block->index;
            if (done >= limit) {
                s->insns = done;
                s->stop = CODE_GRA + in->index * 4u;
                return;
            }
            u64 x = in->a == IR_NO_VALUE ? 0 : v[in->a], y = in->b == IR_NO_VALUE ? 0 : v[in->b],
                z = in->c == IR_NO_VALUE ? 0 : v[in->c];
            switch (in->op) {
            case IR_GET: v[i] = s->slots[in->slot]; break;
            case IR_PUT: s->slots[in->slot] = ir_slots[in->slot].bytes == 1 ? (u8)x : x; break;
            case IR_LOAD:
            case IR_STORE: v[i] = memory_op(s, in, x, y); break;
            case IR_EXEC:
                s->slots[in->insn >> 21 & 31] = s->slots[in->insn >> 16 & 31] + s->slots[in->insn >> 11 & 31];
                break;
            case IR_JUMP: to = block->then; break;
            case IR_BRANCH: to = holds(in->cond, x, y) ? block->then : block->other; break;
            case IR_EXIT:
                s->insns += block->insns;
                s->stop = CODE_GRA + in->imm * 4;
                return;
            default: v[i] = compute(in, x, y, z); break;
            }
        }
        s->insns += block->insns;
        s->budget -= block->insns;
        if (to <= n && s->budget < 0) {
            s->stop = CODE_GRA + region.blocks[to].index * 4u;
            return;
        }
        n = to;
    }
}

static u8 *data(void)
{
    return m->mem.base + DATA_GRA;
}

static struct state start, expected;
static unsigned left_early;

static void state_from_cpu(void)
{
    for (unsigned s = 0; s < IR_SCALARS; s++)
        start.slots[s] = slot_get(s);
    memcpy(start.data, data(), DATA_SIZE);
    start.insns = cpu->insns;
    start.budget = cpu->budget;
    expected = start;
}

// Runs the region and its evaluation from the same state and compares. A helper may leave the region early.
static bool agree(const void *code)
{
    int failed = test_case_failed;
    test_case_failed = 0;
    state_from_cpu();
    evaluate(&expected, ~0ull);
    enter(code);
    if (m->stopped_at != ~0ull && cpu->insns < expected.insns + 1) {
        expected = start;
        evaluate(&expected, cpu->insns - 1);
        left_early++;
    }
    for (unsigned s = 0; s < IR_SCALARS; s++)
        CHECK_EQ(slot_get(s), expected.slots[s]);
    CHECK(memcmp(data(), expected.data, DATA_SIZE) == 0);
    if (m->stopped_at == ~0ull) { // attn or budget
        CHECK_EQ(cpu->nia, expected.stop);
        CHECK_EQ(cpu->insns, expected.insns);
    } else {
        CHECK_EQ(m->stopped_at, expected.stop);
        CHECK_EQ(cpu->insns, expected.insns + 1);
    }
    bool ok = !test_case_failed;
    test_case_failed |= failed;
    return ok;
}

static void dump(void)
{
    static char text[1 << 18];
    ir_print(&region, text, sizeof(text));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        printf("# %s\n", line);
    const void *code;
    size_t len = target_last_code(&code);
    FILE *f = fopen("target_test.bin", "wb");
    if (f) {
        fwrite(code, 1, len, f);
        fclose(f);
    }
}

static void random_slots(void)
{
    for (unsigned s = 0; s < IR_SCALARS; s++)
        slot_put(s, ir_slots[s].bytes == 8 ? interesting() : s >= SLOT_SO ? pick(2) : pick(16));
}

// Each operation alone, its operands in registers and as constants.
static void test_operations(void)
{
    setup();
    for (unsigned round = 0; round < 3000; round++) {
        unsigned op = IR_ADD + pick(IR_VX0 - IR_ADD);
        if (round % 500 == 0)
            code_memory_reset(codes);
        region_start();
        block_start(0);
        random_slots();
        cpu->budget = 1000;
        ir_value v[3];
        for (unsigned k = 0; k < 3; k++)
            v[k] = pick(3) ? ir_get(&b, 3 + pick(3)) : ir_const(&b, interesting());
        if (op == IR_CRF)
            v[2] = pick(2) ? ir_get(&b, SLOT_SO) : ir_const(&b, pick(2));
        ir_value r = ir_emit(&b, (struct ir_insn){.op = (u8)op,
                                                  .cond = (u8)pick(10),
                                                  .imm = op == IR_CRF ? pick(4)
                                                         : pick(2)    ? 32
                                                                      : 64,
                                                  .a = v[0],
                                                  .b = v[1],
                                                  .c = v[2]});
        ir_put(&b, 3 + pick(5), r);
        for (unsigned k = pick(6); k > 0; k--) // the operands' slots are worth registers, or not
            ir_put(&b, 10 + k, ir_get(&b, 3 + pick(3)));
        if (pick(2))
            ir_put(&b, 9, v[pick(3)]);
        block_exit(1, 1);
        const void *code = compile();
        if (!code || !agree(code)) {
            dump();
            break;
        }
    }
    teardown();
}

static const struct {
    u32 word;
    u8 memory;
    bool store, update;
} accesses[] = {
    {0x88000000, MEM_8, false, false},               // lbz
    {0xa0000000, MEM_16, false, false},              // lhz
    {0xa8000000, MEM_16 | MEM_SIGNED, false, false}, // lha
    {0x80000000, MEM_32, false, false},              // lwz
    {0xe8000002, MEM_32 | MEM_SIGNED, false, false}, // lwa
    {0xe8000000, MEM_64, false, false},              // ld
    {0x98000000, MEM_8, true, false},                // stb
    {0xb0000000, MEM_16, true, false},               // sth
    {0x90000000, MEM_32, true, false},               // stw
    {0xf8000000, MEM_64, true, false},               // std
    {0x84000000, MEM_32, false, true},               // lwzu
    {0xe8000001, MEM_64, false, true},               // ldu
    {0xf8000001, MEM_64, true, true},                // stdu
};

#define FIRST_BASE 26 // GPRs from here on hold addresses
#define VALUES     40

static ir_value pool[VALUES], bases[32];
static unsigned pool_len;

static ir_value any_value(void)
{
    if (!pool_len || pick(6) == 0)
        return ir_const(&b, interesting());
    return pool[pick(pool_len)];
}

static void keep_value(ir_value v)
{
    if (pool_len < VALUES)
        pool[pool_len++] = v;
    else
        pool[pick(VALUES)] = v;
}

static void random_access(bool swap, unsigned few)
{
    unsigned kind = pick(ARRAY_LEN(accesses)), ra = FIRST_BASE + pick(few), rt = 3 + pick(8);
    s32 disp = accesses[kind].update ? 0 : (s32)(pick(32) * 4) * (pick(3) ? 1 : -1);
    b.insn = accesses[kind].word | rt << 21 | ra << 16 | ((u32)disp & 0xffff);
    if (bases[ra] == IR_NO_VALUE || pick(8) == 0)
        bases[ra] = ir_get(&b, ra);
    ir_value base = bases[ra], ea = disp || pick(2) ? ir_op2i(&b, IR_ADD, base, (u64)(s64)disp) : base;
    u64 imm = accesses[kind].memory | (swap ? MEM_SWAP : 0u);
    if (accesses[kind].store) {
        ir_emit(&b, (struct ir_insn){.op = IR_STORE, .imm = imm, .a = ea, .b = ir_get(&b, rt)});
    } else {
        ir_value v = ir_emit(&b, (struct ir_insn){.op = IR_LOAD, .imm = imm, .a = ea});
        ir_put(&b, rt, v);
        keep_value(v);
    }
    if (accesses[kind].update) {
        ir_put(&b, ra, ea);
        bases[ra] = ea;
        keep_value(ea);
    }
}

static void random_arithmetic(void)
{
    for (unsigned n = 1 + pick(3); n > 0; n--) {
        unsigned op = IR_ADD + pick(IR_VX0 - IR_ADD), slot = 3 + pick(10);
        if (pick(2))
            keep_value(ir_get(&b, slot));
        if (pick(4) == 0)
            ir_put(&b, 3 + pick(10), any_value());
        struct ir_insn in = {.op = (u8)op, .cond = (u8)pick(10), .a = any_value(), .b = any_value(), .c = any_value()};
        if (op == IR_CRF) {
            in.imm = pick(4);
            in.c = ir_get(&b, SLOT_SO);
        }
        ir_value v = ir_emit(&b, in);
        if (op == IR_CRF)
            ir_put(&b, SLOT_CRF + pick(3), v);
        else if (op == IR_SET && pick(2))
            ir_put(&b, SLOT_CA, v);
        else if (pick(3))
            ir_put(&b, pick(8) ? slot : (unsigned)SLOT_CTR, v);
        keep_value(v);
    }
}

static void random_region(bool swap)
{
    unsigned blocks = 1 + pick(5), index = 0;
    region_start();
    for (unsigned n = 0; n < blocks; n++) {
        unsigned insns = 1 + pick(14);
        block_start(index);
        region.blocks[n].weight = (u16)(1 + pick(20));
        pool_len = 0;
        memset(bases, 0xff, sizeof(bases));
        unsigned few = pick(2) ? 6 : 1 + pick(2); // base registers: many accesses from one, or not
        for (unsigned i = 0; i < insns; i++) {
            b.index = (u16)(index + i);
            b.insn = 0x60000000;
            if (pick(3) == 0) {
                random_access(swap, few);
            } else if (pick(12) == 0) {
                b.insn = 0x7c000214u | (3 + pick(8)) << 21 | (3 + pick(8)) << 16 | (3 + pick(8)) << 11; // add
                ir_emit(&b, (struct ir_insn){.op = IR_EXEC});
            } else {
                random_arithmetic();
            }
        }
        index += insns++;
        b.index = (u16)index++; // the branch at the end
        if (n + 1 == blocks && pick(3))
            block_exit(pick(1024), insns);
        else if (pick(6) == 0)
            block_end((struct ir_insn){.op = IR_JUMP}, pick(blocks), 0, insns);
        else if (pick(8) == 0)
            block_exit(pick(1024), insns);
        else
            block_end((struct ir_insn){.op = IR_BRANCH, .cond = (u8)pick(10), .a = any_value(), .b = any_value()},
                      pick(blocks), pick(blocks), insns);
    }
}

// Whole regions: several blocks, loops until the budget is used up, values across misses, more values than registers.
static void random_regions(bool swap)
{
    setup_order(swap);
    for (unsigned round = 0; round < 4000; round++) {
        if (round % 200 == 0)
            code_memory_reset(codes);
        random_region(swap);
        const void *code = compile();
        if (!code) {
            dump();
            break;
        }
        bool ok = true;
        for (unsigned again = 0; again < 3 && ok; again++) {
            random_slots();
            for (unsigned r = FIRST_BASE; r < 32; r++)
                cpu->gpr[r] =
                    DATA_GRA + 256 +
                    (pick(2) ? pick(DATA_SIZE - 512) : (1 + pick(3)) * GUEST_PAGE_SIZE - 256 + pick(64) * 4 - 128);
            cpu->budget = 30 + pick(200);
            target_prepare(cpu, pick(2));
            if (again != 1)
                mmu_flush_local(cpu, TLB_ALL, 0, 0, 0);
            for (unsigned i = 0; i < DATA_SIZE; i += 8) {
                u64 v = interesting();
                memcpy(data() + i, &v, 8);
            }
            ok = agree(code);
        }
        if (!ok) {
            printf("# round %u\n", round);
            dump();
            break;
        }
    }
    printf("# left early: %u\n", left_early);
    teardown();
}

static void test_random_regions(void)
{
    random_regions(false);
}

static void test_random_regions_swapped(void)
{
    random_regions(true);
}

static void test_old_hosts(void)
{
    struct x86_features had = x86_features;
    x86_features = (struct x86_features){0};
    test_operations();
    random_regions(false);
    random_regions(true);
    x86_features = had;
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
    CHECK(agree(code));
    CHECK_EQ(cpu->gpr[3], 999 * 500);
    CHECK_EQ(cpu->ctr, 0);
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
    target_unlink_page(codes, page);
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
    TEST(test_links);
    TEST(test_interrupts);
    TEST(test_value_lost_in_helper);
    TEST(test_dead_put_in_helper);
    TEST(test_memory_full);
    TEST(test_operations);
    TEST(test_random_regions);
    TEST(test_random_regions_swapped);
    TEST(test_old_hosts);
    return test_done();
}
