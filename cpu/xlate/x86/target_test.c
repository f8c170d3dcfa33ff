// SPDX-License-Identifier: Apache-2.0
// Operations and random regions, compiled and run, against an evaluation of the same intermediate form in C.
#include "cpu/xlate/x86/emit.h"
#include "cpu/xlate/x86/region_test.h"

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
    switch (below(4)) {
    case 0: return some[below(ARRAY_LEN(some))];
    case 1: return random64() >> below(64);
    default: return random64();
    }
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
        slot_put(s, ir_slots[s].bytes == 8 ? interesting() : s >= SLOT_SO ? below(2) : below(16));
}

// Each operation alone, its operands in registers and as constants.
static void test_operations(void)
{
    setup();
    for (unsigned round = 0; round < 3000; round++) {
        unsigned op = IR_ADD + below(IR_VX0 - IR_ADD);
        if (round % 500 == 0)
            code_memory_reset(codes);
        region_start();
        block_start(0);
        random_slots();
        cpu->budget = 1000;
        ir_value v[3];
        for (unsigned k = 0; k < 3; k++)
            v[k] = below(3) ? ir_get(&b, 3 + below(3)) : ir_const(&b, interesting());
        if (op == IR_CRF)
            v[2] = below(2) ? ir_get(&b, SLOT_SO) : ir_const(&b, below(2));
        ir_value r = ir_emit(&b, (struct ir_insn){.op = (u8)op,
                                                  .cond = (u8)below(10),
                                                  .imm = op == IR_CRF ? below(4)
                                                         : below(2)   ? 32
                                                                      : 64,
                                                  .a = v[0],
                                                  .b = v[1],
                                                  .c = v[2]});
        ir_put(&b, 3 + below(5), r);
        for (unsigned k = below(6); k > 0; k--) // the operands' slots are worth registers, or not
            ir_put(&b, 10 + k, ir_get(&b, 3 + below(3)));
        if (below(2))
            ir_put(&b, 9, v[below(3)]);
        block_exit(1, 1);
        const void *code = compile();
        if (!code || !agree(code)) {
            dump();
            break;
        }
    }
    teardown();
}

static const u64 edges[] = {0,           1,           2,          0x7fffffff, 0x80000000, 0xffffffff,
                            0x100000000, 0x100000001, ~0ull >> 1, 1ull << 63, ~0ull};

// One region of one instruction with these in GPR 3 and 4.
static void begin_with(u64 x, u64 y)
{
    static unsigned made;
    if (made++ % 500 == 0)
        code_memory_reset(codes);
    region_start();
    block_start(0);
    random_slots();
    slot_put(SLOT_GPR + 3, x);
    slot_put(SLOT_GPR + 4, y);
    cpu->budget = 1000;
}

static bool end_and_agree(void)
{
    block_exit(1, 1);
    const void *code = compile();
    return code && agree(code);
}

// Fields of what is compared with zero: of values that may be negative, and of those that cannot.
static void test_compare_with_zero(void)
{
    enum { FORMS = 4 };
    setup();
    for (unsigned n = 0; n < ARRAY_LEN(edges) * FORMS * 4 * 2; n++) {
        unsigned form = n % FORMS, how = n / FORMS % 4;
        begin_with(edges[n / FORMS / 4 / 2], 0);
        ir_value a = ir_get(&b, SLOT_GPR + 3);
        if (form == 1)
            a = ir_op1(&b, IR_ZEXT32, a);
        else if (form == 2)
            a = ir_op2i(&b, IR_AND, a, 0x7f);
        else if (form == 3)
            a = ir_op2i(&b, IR_SHR, a, 33);
        ir_value so = n / FORMS / 4 % 2 ? ir_get(&b, SLOT_SO) : ir_const(&b, 1);
        ir_put(&b, SLOT_CRF + 1,
               ir_emit(&b, (struct ir_insn){.op = IR_CRF, .imm = how, .a = a, .b = ir_const(&b, 0), .c = so}));
        CHECK(end_and_agree());
    }
    teardown();
}

// Comparisons of words: of both signs, in all conditions, with registers and with constants, where the extension is used besides and where not.
static void test_words_compared(void)
{
    setup();
    for (unsigned x = 0; x < ARRAY_LEN(edges); x++) {
        for (unsigned y = 0; y < ARRAY_LEN(edges); y++) {
            for (unsigned n = 0; n < 2 * 10 * 3; n++) {
                u8 extend = n % 2 ? IR_SEXT32 : IR_ZEXT32, cond = (u8)(n / 2 % 10);
                unsigned form = n / 20;
                begin_with(edges[x], edges[y]);
                ir_value a = ir_op1(&b, extend, ir_get(&b, SLOT_GPR + 3));
                ir_value v = form == 1 ? ir_const(&b, n % 2 ? (u64)(s64)(s32)edges[y] : (u32)edges[y])
                                       : ir_op1(&b, extend, ir_get(&b, SLOT_GPR + 4));
                ir_put(&b, SLOT_GPR + 5, ir_set(&b, cond, a, v));
                if (form == 2)
                    ir_put(&b, SLOT_GPR + 6, a);
                CHECK(end_and_agree());
            }
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
    if (!pool_len || below(6) == 0)
        return ir_const(&b, interesting());
    return pool[below(pool_len)];
}

static void keep_value(ir_value v)
{
    if (pool_len < VALUES)
        pool[pool_len++] = v;
    else
        pool[below(VALUES)] = v;
}

static void random_access(bool swap, unsigned few)
{
    unsigned kind = below(ARRAY_LEN(accesses)), ra = FIRST_BASE + below(few), rt = 3 + below(8);
    s32 disp = accesses[kind].update ? 0 : (s32)(below(32) * 4) * (below(3) ? 1 : -1);
    b.insn = accesses[kind].word | rt << 21 | ra << 16 | ((u32)disp & 0xffff);
    if (bases[ra] == IR_NO_VALUE || below(8) == 0)
        bases[ra] = ir_get(&b, ra);
    ir_value base = bases[ra], ea = disp || below(2) ? ir_op2i(&b, IR_ADD, base, (u64)(s64)disp) : base;
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
    for (unsigned n = 1 + below(3); n > 0; n--) {
        unsigned op = IR_ADD + below(IR_VX0 - IR_ADD), slot = 3 + below(10);
        if (below(2))
            keep_value(ir_get(&b, slot));
        if (below(4) == 0)
            ir_put(&b, 3 + below(10), any_value());
        struct ir_insn in = {.op = (u8)op, .cond = (u8)below(10), .a = any_value(), .b = any_value(), .c = any_value()};
        if (op == IR_CRF) {
            in.imm = below(4);
            in.c = ir_get(&b, SLOT_SO);
        }
        ir_value v = ir_emit(&b, in);
        if (op == IR_CRF)
            ir_put(&b, SLOT_CRF + below(3), v);
        else if (op == IR_SET && below(2))
            ir_put(&b, SLOT_CA, v);
        else if (below(3))
            ir_put(&b, below(8) ? slot : (unsigned)SLOT_CTR, v);
        keep_value(v);
    }
}

static void random_region(bool swap)
{
    unsigned blocks = 1 + below(5), index = 0;
    region_start();
    for (unsigned n = 0; n < blocks; n++) {
        unsigned insns = 1 + below(14);
        block_start(index);
        region.blocks[n].weight = (u16)(1 + below(20));
        pool_len = 0;
        memset(bases, 0xff, sizeof(bases));
        unsigned few = below(2) ? 6 : 1 + below(2); // base registers: many accesses from one, or not
        for (unsigned i = 0; i < insns; i++) {
            b.index = (u16)(index + i);
            b.insn = 0x60000000;
            if (below(3) == 0) {
                random_access(swap, few);
            } else if (below(12) == 0) {
                b.insn = 0x7c000214u | (3 + below(8)) << 21 | (3 + below(8)) << 16 | (3 + below(8)) << 11; // add
                ir_emit(&b, (struct ir_insn){.op = IR_EXEC});
            } else {
                random_arithmetic();
            }
        }
        index += insns++;
        b.index = (u16)index++; // the branch at the end
        if (n + 1 == blocks && below(3))
            block_exit(below(1024), insns);
        else if (below(6) == 0)
            block_end((struct ir_insn){.op = IR_JUMP}, below(blocks), 0, insns);
        else if (below(8) == 0)
            block_exit(below(1024), insns);
        else
            block_end((struct ir_insn){.op = IR_BRANCH, .cond = (u8)below(10), .a = any_value(), .b = any_value()},
                      below(blocks), below(blocks), insns);
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
                    (below(2) ? below(DATA_SIZE - 512) : (1 + below(3)) * GUEST_PAGE_SIZE - 256 + below(64) * 4 - 128);
            cpu->budget = 30 + below(200);
            target_prepare(cpu, below(2));
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

int main(void)
{
    TEST(test_operations);
    TEST(test_compare_with_zero);
    TEST(test_words_compared);
    TEST(test_random_regions);
    TEST(test_random_regions_swapped);
    TEST(test_old_hosts);
    return test_done();
}
