// SPDX-License-Identifier: Apache-2.0
#include "isa/isa.h"

#include "base/test.h"

static u32 seed = 1;

static u32 random32(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static bool overlap(const struct insn_row *a, const struct insn_row *b)
{
    return !((a->value ^ b->value) & a->mask & b->mask);
}

static bool more_specific(const struct insn_row *a, const struct insn_row *b)
{
    return __builtin_popcount(a->mask) > __builtin_popcount(b->mask);
}

static void test_rows_differ(void)
{
    for (unsigned i = 1; i < INSN_COUNT; i++) {
        for (unsigned j = i + 1; j < INSN_COUNT; j++) {
            const struct insn_row *a = &insn_rows[i], *b = &insn_rows[j];
            if (!overlap(a, b) || more_specific(a, b) || more_specific(b, a))
                continue;
            printf("# %s and %s match the same words\n", a->name, b->name);
            CHECK(false);
        }
    }
}

// Any operand bits, reserved ones included: the row itself, or a more specific one that matches too.
static void test_rows_decode_to_themselves(void)
{
    for (unsigned id = 1; id < INSN_COUNT; id++) {
        for (unsigned round = 0; round < 200; round++) {
            const struct insn_row *row = &insn_rows[id];
            u32 insn = row->value | (random32() & ~row->mask);
            enum insn_id got = isa_decode(insn, LEVEL_V30);
            if (got == id)
                continue;
            const struct insn_row *other = &insn_rows[got];
            if (got != INSN_ILLEGAL && (insn & other->mask) == other->value && more_specific(other, row))
                continue;
            printf("# %08x of %s decodes to %s\n", insn, row->name, got ? other->name : "nothing");
            CHECK(false);
            break;
        }
    }
}

// The tables must find what a plain search finds.
static void test_tables_agree_with_search(void)
{
    for (unsigned round = 0; round < 20000; round++) {
        u32 insn = random32();
        if (round & 1)
            insn = (insn & 0x03ffffff) | (u32[]){4, 19, 31, 57, 59, 60, 61, 63}[insn >> 29] << 26;
        enum isa_level level = round & 2 ? LEVEL_V30 : LEVEL_V207;
        enum insn_id want = INSN_ILLEGAL;
        for (unsigned id = 1; id < INSN_COUNT; id++) {
            const struct insn_row *row = &insn_rows[id];
            if ((insn & row->mask) == row->value && row->since <= level &&
                (want == INSN_ILLEGAL || more_specific(row, &insn_rows[want])))
                want = (enum insn_id)id;
        }
        CHECK_EQ(isa_decode(insn, level), want);
    }
}

static void test_operands_are_known(void)
{
    for (unsigned id = 1; id < INSN_COUNT; id++) {
        for (const char *p = insn_rows[id].operands; *p;) {
            size_t n = strcspn(p, ",()");
            if (n && !operand_find(p, n)) {
                printf("# %s: no operand %.*s\n", insn_rows[id].name, (int)n, p);
                CHECK(false);
            }
            p += n;
            p += strspn(p, ",()");
        }
    }
}

// Operands lie in operand bits, without overlapping each other; one whose bits the pattern fixes altogether is shown as what it is.
static void test_operands_fit_patterns(void)
{
    for (unsigned id = 1; id < INSN_COUNT; id++) {
        const struct operand *ops[ISA_OPERANDS_MAX];
        unsigned len = isa_operands(&insn_rows[id], ops);
        u32 seen = 0;
        for (unsigned i = 0; i < len; i++) {
            u32 bits = operand_put(ops[i], 0, -1);
            u32 fixed = bits & insn_rows[id].mask;
            bool wrong = !bits || (fixed && fixed != bits) || bits & seen;
            if (wrong) {
                printf("# %s: operand %s covers %08x, fixed are %08x, taken %08x\n", insn_rows[id].name, ops[i]->name,
                       bits, insn_rows[id].mask, seen);
                CHECK(false);
            }
            seen |= bits;
        }
    }
}

static void test_operand_values(void)
{
    for (unsigned i = 0; i < operand_rows_len; i++) {
        for (unsigned round = 0; round < 100; round++) {
            u32 insn = random32();
            u32 back = operand_put(&operand_rows[i], ~insn, operand_get(&operand_rows[i], insn));
            CHECK_EQ(operand_get(&operand_rows[i], back), operand_get(&operand_rows[i], insn));
        }
    }
}

static void test_levels(void)
{
    CHECK_EQ(isa_decode(0x7c602a14, LEVEL_P1), INSN_add);
    CHECK_EQ(isa_decode(0x7c8323d2, LEVEL_V207), INSN_divd);
    CHECK_EQ(isa_decode(0x7c642e12, LEVEL_V207), INSN_ILLEGAL); // modsd: not before 3.0
    CHECK_EQ(isa_decode(0x7c642e12, LEVEL_V30), INSN_modsd);
    CHECK_EQ(isa_decode(0, LEVEL_V30), INSN_ILLEGAL);
}

int main(void)
{
    isa_init();
    TEST(test_rows_differ);
    TEST(test_rows_decode_to_themselves);
    TEST(test_tables_agree_with_search);
    TEST(test_operands_are_known);
    TEST(test_operands_fit_patterns);
    TEST(test_operand_values);
    TEST(test_levels);
    return test_done();
}
