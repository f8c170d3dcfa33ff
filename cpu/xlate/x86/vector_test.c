// SPDX-License-Identifier: Apache-2.0
// Every operation on vectors (cpu/xlate/vector.def), compiled and run, against its meaning in C: in random company, so that operands and
// results are in all places, and on hosts that lack more and more.
#include "cpu/xlate/vector.h"

#include "cpu/code.h"
#include "cpu/test_machine.h"
#include "cpu/time.h"
#include "cpu/xlate/target.h"

#define CODE_GRA 0x20000ull

static struct machine *m;
static struct cpu *cpu;
static struct code_memory *codes;
static struct cpage *page;
static struct ir_region region;
static struct ir_builder b;
static union vsr values[IR_INSNS_MAX];

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
                               ~0ull,
                               0x8000000080000000ull,
                               0x7fff7fff7fff7fffull,
                               0x8000800080008000ull,
                               0x8080808080808080ull,
                               0x0102030405060708ull,
                               0x1f1f1f1f0f0f0f0full,
                               0x00ff00ff00ff00ffull,
                               1ull << 63};
    return pick(3) ? random64() : some[pick(ARRAY_LEN(some))];
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
    case VEC_SARI16: return pick(16);
    case VEC_SHLI32:
    case VEC_SHRI32:
    case VEC_SARI32:
    case VEC_ROLI32: return pick(32);
    case VEC_SHLI64:
    case VEC_SHRI64:
    case VEC_ROLI64: return pick(64);
    case VEC_MULU8:
    case VEC_MULS8:
    case VEC_MULU16:
    case VEC_MULS16:
    case VEC_MULU32:
    case VEC_MULS32: return pick(2);
    case VEC_DWORDS: return pick(4);
    case VEC_WORDS: return pick(256);
    case VEC_REVERSE: return 2u << pick(4);
    case VEC_SPLAT8:
    case VEC_BYTES_LEFT:
    case VEC_BYTES_RIGHT: return pick(16);
    case VEC_SPLAT16: return pick(8);
    case VEC_ALIGN: return 1 + pick(15);
    case VEC_PERMUTE: return pick(2) * 31;
    default: return 0;
    }
}

static void enter(const void *code)
{
    sigjmp_buf unwind;
    cpu->unwind = &unwind;
    cpu_time_start(cpu);
    cpu_enter(cpu);
    atomic_fetch_and(&cpu->attn, ~(u32)ATTN_STOP);
    cpu->page = page;
    cpu->page_ea = CODE_GRA;
    const struct dinsn *d = &page->insns[0];
    cpu->block_d = cpu->d = d;
    cpu->budget = 1000;
    if (sigsetjmp(unwind, 0)) {
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

// A vector from before, or the register's.
static ir_value operand(ir_value *made, unsigned *made_len)
{
    if (*made_len && pick(3))
        return made[pick(*made_len)];
    unsigned slot = SLOT_VSR + pick(12);
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
    struct target_code compiled;
    for (unsigned i = 0; i < 64; i++)
        cpu->vsr[i] = (union vsr){.d = {interesting(), interesting()}};
    region = (struct ir_region){.page = page, .blocks_len = 1, .blocks = {{.weight = 1 + pick(8), .insns = 1}}};
    b = (struct ir_builder){.r = &region};
    memcpy(want, cpu->vsr, sizeof(want));
    unsigned steps = 1 + pick(12);
    for (unsigned i = 0; i < steps; i++) {
        unsigned now = i + 1 == steps ? op : pick(VEC_OPS);
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
        if (i + 1 == steps || pick(2)) {
            unsigned slot = SLOT_VSR + 12 + pick(20); // never one that is read
            ir_put(&b, slot, result);
            want[slot - SLOT_VSR] = values[result];
        }
    }
    ir_emit(&b, (struct ir_insn){.op = IR_EXIT, .imm = 1});
    region.blocks[0].len = region.len;
    if (ir_check(&region) || !target_compile(codes, &region, &compiled))
        return false;
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
    m = machine_new(1, LEVEL_V30);
    cpu = m->cpu;
    for (u64 at = 0; at < GUEST_PAGE_SIZE; at += 4)
        machine_put(m, CODE_GRA + at, I_SC1, false);
    codes = code_memory_new(16 * MIB);
    page = code_page(cpu, CODE_GRA, false);
    cpu_set_msr(cpu, MSR_BASE);
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
    code_memory_free(codes);
    machine_free(m);
}

int main(void)
{
    TEST(test_operations);
    return test_done();
}
