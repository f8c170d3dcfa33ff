// SPDX-License-Identifier: Apache-2.0
// Every operation on vectors (cpu/xlate/vector.def), compiled and run, against its meaning in C: in random company, so that operands and
// results are in all places, and on hosts that lack more and more.
#include "cpu/xlate/vector.h"

#include "cpu/xlate/x86/region_test.h"

static union vsr values[IR_INSNS_MAX];

static u64 interesting(void)
{
    static const u64 some[] = {0,
                               ~0ull,
                               0x8000000080000000ull,
                               0x7fff7fff7fff7fffull,
                               0x8000800080008000ull,
                               0x8080808080808080ull,
                               0x0102030405060708ull,
                               0x1f1f1f1f0f0f0f0full,
                               0x00ff00ff00ff00ffull,
                               1ull << 63};
    return below(3) ? random64() : some[below(ARRAY_LEN(some))];
}

static unsigned operands_of(unsigned op)
{
    unsigned n = 0;
    while (!vector_check(op, n))
        n++;
    return n;
}

// An immediate that the operation may have.
static u64 immediate(unsigned op)
{
    switch (op) {
    case VEC_CONST: return (u64)((s64)(random64() << 16) >> 16);
    case VEC_SHLI16:
    case VEC_SHRI16:
    case VEC_SARI16: return below(16);
    case VEC_SHLI32:
    case VEC_SHRI32:
    case VEC_SARI32:
    case VEC_ROLI32: return below(32);
    case VEC_SHLI64:
    case VEC_SHRI64:
    case VEC_ROLI64: return below(64);
    case VEC_MULU8:
    case VEC_MULS8:
    case VEC_MULU16:
    case VEC_MULS16:
    case VEC_MULU32:
    case VEC_MULS32: return below(2);
    case VEC_DWORDS: return below(4);
    case VEC_WORDS: return below(256);
    case VEC_REVERSE: return 2u << below(4);
    case VEC_SPLAT8:
    case VEC_BYTES_LEFT:
    case VEC_BYTES_RIGHT: return below(16);
    case VEC_SPLAT16: return below(8);
    case VEC_ALIGN: return 1 + below(15);
    case VEC_PERMUTE: return below(2) * 31;
    default: return 0;
    }
}

// A vector from before, or the register's.
static ir_value operand(ir_value *made, unsigned *made_len)
{
    if (*made_len && below(3))
        return made[below(*made_len)];
    unsigned slot = SLOT_VSR + below(12);
    ir_value v = ir_get(&b, slot);
    values[v] = cpu->vsr[slot - SLOT_VSR];
    made[(*made_len)++] = v;
    return v;
}

static bool try_operation(unsigned op)
{
    ir_value made[64];
    unsigned made_len = 0;
    union vsr want[64];
    for (unsigned i = 0; i < 64; i++)
        cpu->vsr[i] = (union vsr){.d = {interesting(), interesting()}};
    region = (struct ir_region){.page = page, .blocks_len = 1, .blocks = {{.weight = 1 + below(8), .insns = 1}}};
    b = (struct ir_builder){.r = &region};
    memcpy(want, cpu->vsr, sizeof(want));
    unsigned steps = 1 + below(12);
    for (unsigned i = 0; i < steps; i++) {
        unsigned now = i + 1 == steps ? op : below(VEC_OPS);
        if (!target_vector(now))
            continue;
        u64 imm = vec_imm((enum ir_vector)now, immediate(now));
        unsigned n = operands_of(now);
        ir_value v[3] = {IR_NO_VALUE, IR_NO_VALUE, IR_NO_VALUE};
        for (unsigned k = 0; k < n; k++)
            v[k] = operand(made, &made_len);
        ir_value result =
            ir_emit(&b, (struct ir_insn){.op = (u8)(IR_VX0 + n), .a = v[0], .b = v[1], .c = v[2], .imm = imm});
        values[result] =
            vector_eval(imm, n > 0 ? &values[v[0]] : NULL, n > 1 ? &values[v[1]] : NULL, n > 2 ? &values[v[2]] : NULL);
        made[made_len++] = result;
        if (i + 1 == steps || below(2)) {
            unsigned slot = SLOT_VSR + 12 + below(20); // never one that is read
            ir_put(&b, slot, result);
            want[slot - SLOT_VSR] = values[result];
        }
    }
    ir_emit(&b, (struct ir_insn){.op = IR_EXIT, .imm = 1});
    region.blocks[0].len = region.len;
    if (ir_check(&region) || !target_compile(codes, &region, &compiled))
        return false;
    cpu->budget = 1000;
    enter(compiled.entry);
    if (!memcmp(want, cpu->vsr, sizeof(want)))
        return true;
    static char text[20000];
    ir_print(&region, text, sizeof(text));
    printf("# %s", text);
    return false;
}

static void test_operations(void)
{
    setup();
    unsigned hosts = 0;
    for (unsigned less = 0; target_limit(less); less++, hosts++) {
        unsigned done = 0;
        for (unsigned op = 0; op < VEC_OPS; op++) {
            if (!target_vector(op))
                continue;
            done++;
            for (unsigned i = 0; i < 40; i++) {
                if (!try_operation(op)) {
                    printf("# operation %u on host %u\n", op, less);
                    CHECK(false);
                    break;
                }
            }
        }
        printf("# host %u: %u of %u operations\n", less, done, (unsigned)VEC_OPS);
        code_memory_reset(codes);
    }
    CHECK(hosts > 3);
    target_limit(0);
    teardown();
}

int main(void)
{
    TEST(test_operations);
    return test_done();
}
