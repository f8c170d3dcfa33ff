// SPDX-License-Identifier: Apache-2.0
// The intermediate form's checker and printer, and each pass on small regions.
#include "base/test.h"
#include "cpu/msr.h"
#include "cpu/xlate/lower.h"
#include "cpu/xlate/pass_tables.h"
#include "cpu/xlate/vector.h"

static struct ir_region region, scratch;
static struct pass_tables tables;

// A region of one block (more with next()), at the builder's end.
static struct ir_builder begin(void)
{
    region.len = 0;
    region.blocks_len = 1;
    region.entry = 0;
    region.blocks[0] = (struct ir_block){.weight = 1};
    return (struct ir_builder){.r = &region};
}

static void end(struct ir_builder *b, struct ir_insn last)
{
    struct ir_block *block = &region.blocks[region.blocks_len - 1];
    ir_emit(b, last);
    block->len = (u16)(region.len - block->first);
}

static void next(void)
{
    region.blocks[region.blocks_len++] = (struct ir_block){.first = region.len, .weight = 1};
}

static void optimise(void)
{
    CHECK_STR(ir_check(&region) ? ir_check(&region) : "right", "right");
    region = *pass_all(&tables, &region, &scratch);
    CHECK_STR(ir_check(&region) ? ir_check(&region) : "right", "right");
}

static unsigned count(enum ir_op op)
{
    unsigned n = 0;
    for (unsigned i = 0; i < region.len; i++)
        n += region.insns[i].op == op;
    return n;
}

static const struct ir_insn *find(enum ir_op op)
{
    for (unsigned i = 0; i < region.len; i++) {
        if (region.insns[i].op == op)
            return &region.insns[i];
    }
    static const struct ir_insn none = {.op = IR_OPS};
    return &none;
}

static const struct ir_insn exit_insn = {.op = IR_EXIT, .imm = 1};

static void loop_with_facility(unsigned behind_entry)
{
    struct ir_builder b = begin();
    ir_value v = ir_get(&b, 3);
    region.blocks[0].then = 1;
    region.blocks[0].other = 2;
    end(&b,
        behind_entry ? (struct ir_insn){.op = IR_BRANCH, .a = v, .b = ir_get(&b, 4)} : (struct ir_insn){.op = IR_JUMP});
    next();
    ir_emit(&b, (struct ir_insn){.op = IR_REQUIRE, .imm = MSR_FP});
    ir_put(&b, 3, ir_op2i(&b, IR_ADD, ir_get(&b, 3), 1));
    region.blocks[1].then = 1;
    region.blocks[1].other = 2;
    end(&b, (struct ir_insn){.op = IR_BRANCH, .a = ir_get(&b, 3), .b = ir_get(&b, 4)});
    next();
    region.blocks[2].returns = behind_entry == 2;
    if (behind_entry == 2)
        ir_emit(&b, (struct ir_insn){.op = IR_REQUIRE, .imm = MSR_FP});
    ir_put(&b, 5, ir_get(&b, 3));
    end(&b, exit_insn);
    optimise();
}

static void test_facilities(void)
{
    loop_with_facility(0); // every way from the entry comes to it
    CHECK_EQ(count(IR_REQUIRE), 0);
    CHECK_EQ(region.blocks[0].need, MSR_FP);
    CHECK_EQ(region.blocks[1].need, 0);
    loop_with_facility(1); // one does not
    CHECK_EQ(count(IR_REQUIRE), 1);
    CHECK_EQ(region.blocks[0].need, 0);
    loop_with_facility(2); // both do, and the block behind the loop has an entry of its own
    CHECK_EQ(count(IR_REQUIRE), 0);
    CHECK_EQ(region.blocks[0].need, MSR_FP);
    CHECK_EQ(region.blocks[2].need, MSR_FP);
    struct ir_builder b = begin(); // MSR may change
    region.blocks[0].then = 1;
    ir_emit(&b, (struct ir_insn){.op = IR_REQUIRE, .imm = MSR_FP});
    ir_emit(&b, (struct ir_insn){.op = IR_SET_FIELD, .a = ir_get(&b, 3), .imm = ir_field(msr)});
    end(&b, (struct ir_insn){.op = IR_JUMP});
    next();
    ir_emit(&b, (struct ir_insn){.op = IR_REQUIRE, .imm = MSR_FP});
    end(&b, exit_insn);
    optimise();
    CHECK_EQ(count(IR_REQUIRE), 1);
    CHECK_EQ(region.blocks[0].need, MSR_FP);
}

static void test_check_refuses(void)
{
    struct ir_builder b = begin();
    end(&b, exit_insn);
    CHECK(!ir_check(&region));
    region.insns[0].imm = 1024;
    CHECK_STR(ir_check(&region), "an exit out of the page");
    b = begin();
    ir_value v = ir_get(&b, SLOT_GPR);
    ir_put(&b, SLOT_GPR + 1, v);
    end(&b, exit_insn);
    region.insns[1].a = 2;
    CHECK_STR(ir_check(&region), "a value from another block or from later");
    region.insns[1].a = 0;
    region.insns[1].slot = IR_SLOTS;
    CHECK_STR(ir_check(&region), "unknown slot");
    region.insns[1] = exit_insn;
    CHECK_STR(ir_check(&region), "an END operation inside a block");
    b = begin();
    end(&b, (struct ir_insn){.op = IR_JUMP});
    region.blocks[0].then = 1;
    CHECK_STR(ir_check(&region), "unknown successor");
}

static void test_print(void)
{
    struct ir_builder b = begin();
    ir_value r3 = ir_get(&b, SLOT_GPR + 3), seven = ir_const(&b, 7);
    ir_put(&b, SLOT_CRF, ir_crf(&b, COMPARE_S32, r3, seven, ir_get(&b, SLOT_SO)));
    end(&b, (struct ir_insn){.op = IR_JUMP});
    char text[400], small[10];
    ir_print(&region, text, sizeof(text));
    CHECK(strstr(text, "    v0 = GET r3\n") != NULL);
    CHECK(strstr(text, "    v1 = CONST 0x7\n") != NULL);
    CHECK(strstr(text, "    v3 = CRF s32 v0, v1, v2\n    PUT cr0 v3\n    JUMP b0\n") != NULL);
    ir_print(&region, small, sizeof(small));
    CHECK_EQ(strlen(small), sizeof(small) - 1);
}

static void test_folds_constants(void)
{
    struct ir_builder b = begin();
    ir_value v = ir_op2i(&b, IR_ADD, ir_const(&b, 5), 7); // 12
    v = ir_op2i(&b, IR_MUL, v, 3);                        // 36
    v = ir_op2i(&b, IR_ROTL32, v, 31);                    // 18
    v = ir_op1(&b, IR_NEG, v);
    v = ir_op2i(&b, IR_SAR, v, 80); // -1
    v = ir_set(&b, COND_LT, v, ir_const(&b, 0));
    ir_put(&b, SLOT_GPR, v);
    end(&b, exit_insn);
    optimise();
    CHECK_EQ(region.len, 3);
    CHECK_EQ(find(IR_CONST)->imm, 1);
}

static void test_address_chains_meet(void)
{
    struct ir_builder b = begin();
    ir_put(&b, SLOT_GPR + 1, ir_op2i(&b, IR_ADD, ir_get(&b, SLOT_GPR + 1), (u64)-64));
    ir_put(&b, SLOT_GPR + 9, ir_op2i(&b, IR_ADD, ir_get(&b, SLOT_GPR + 1), 80));
    end(&b, exit_insn);
    optimise();
    CHECK_EQ(count(IR_GET), 1);
    const struct ir_insn *last = NULL;
    for (unsigned i = 0; i < region.len; i++) {
        if (region.insns[i].op == IR_ADD)
            last = &region.insns[i];
    }
    CHECK(last && region.insns[last->b].imm == 16 && region.insns[last->a].op == IR_GET);
}

static void test_useless_extensions(void)
{
    struct ir_builder b = begin();
    ir_value v = ir_emit(&b, (struct ir_insn){.op = IR_LOAD, .a = ir_get(&b, SLOT_GPR), .imm = MEM_32});
    ir_put(&b, SLOT_GPR + 1, ir_op1(&b, IR_ZEXT32, v));
    ir_put(&b, SLOT_GPR + 2, ir_op1(&b, IR_SEXT32, v)); // this one stays
    v = ir_op2i(&b, IR_AND, v, 0x7f);
    ir_put(&b, SLOT_GPR + 3, ir_op1(&b, IR_SEXT8, v));
    ir_put(&b, SLOT_GPR + 4, ir_op2i(&b, IR_AND, v, 0xff));
    end(&b, exit_insn);
    optimise();
    CHECK_EQ(count(IR_ZEXT32), 0);
    CHECK_EQ(count(IR_SEXT32), 1);
    CHECK_EQ(count(IR_SEXT8), 0);
    CHECK_EQ(count(IR_AND), 1);
}

// Ends the region with a branch where `test` is 0; what the passes make of it.
static const struct ir_insn *optimised_branch(struct ir_builder *b, ir_value test)
{
    end(b, (struct ir_insn){.op = IR_BRANCH, .cond = COND_EQ, .a = test, .b = ir_const(b, 0)});
    region.blocks[0].then = 1;
    region.blocks[0].other = 1;
    next();
    end(b, exit_insn);
    optimise();
    return find(IR_BRANCH);
}

static void test_compare_and_branch(void)
{
    struct ir_builder b = begin();
    ir_put(&b, SLOT_CRF + 7,
           ir_crf(&b, COMPARE_U64, ir_get(&b, SLOT_GPR + 3), ir_get(&b, SLOT_GPR + 4), ir_get(&b, SLOT_SO)));
    ir_value test = lower_cr_test(&b, 4 * 7 + 1); // greater
    const struct ir_insn *branch = optimised_branch(&b, test);
    CHECK_EQ(branch->cond, COND_ULE);
    CHECK_EQ(region.insns[branch->a].op, IR_GET);
    CHECK_EQ(count(IR_PUT), 1); // the field is visible behind the region
}

// The field of a vector compare: the branch tests the mask.
static void test_compare_of_vectors_and_branch(void)
{
    struct ir_builder b = begin();
    ir_value mask = ir_op1(&b, IR_XMASK, ir_get(&b, SLOT_VSR + 34));
    ir_value all = ir_op2i(&b, IR_SHL, ir_set(&b, COND_EQ, mask, ir_const(&b, 0xffff)), 3);
    ir_value none = ir_op2i(&b, IR_SHL, ir_set(&b, COND_EQ, mask, ir_const(&b, 0)), 1);
    ir_put(&b, SLOT_CRF + 6, ir_op2(&b, IR_OR, all, none));
    ir_value test = lower_cr_test(&b, 4 * 6); // all
    const struct ir_insn *branch = optimised_branch(&b, test);
    CHECK_EQ(branch->cond, COND_NE);
    CHECK_EQ(region.insns[branch->a].op, IR_XMASK);
    CHECK_EQ(region.insns[branch->b].imm, 0xffff);
}

// rlwimi rt,ra,rotate,mask
static ir_value insert(struct ir_builder *b, ir_value rt, ir_value ra, u64 rotate, u64 mask)
{
    ir_value part = ir_op2i(b, IR_AND, ir_op2i(b, IR_ROTL32, ra, rotate), mask);
    return ir_op2(b, IR_OR, part, ir_op2i(b, IR_AND, rt, ~mask));
}

static ir_value swap_word(struct ir_builder *b, ir_value v)
{
    ir_value swapped = ir_op2i(b, IR_ROTL32, v, 24);
    swapped = insert(b, swapped, v, 8, 0xff0000);
    return insert(b, swapped, v, 8, 0xff);
}

// The sequences of compilers for processors without an instruction for it.
static void test_swapped_bytes(void)
{
    struct ir_builder b = begin();
    ir_put(&b, SLOT_GPR + 3, swap_word(&b, ir_get(&b, SLOT_GPR + 4)));
    end(&b, exit_insn);
    optimise();
    CHECK_EQ(count(IR_BSWAP32), 1);
    CHECK_EQ(count(IR_ROTL32) + count(IR_AND) + count(IR_OR), 0);
    b = begin();
    ir_value v = ir_get(&b, SLOT_GPR + 4);
    ir_value low = swap_word(&b, v), high = swap_word(&b, ir_op2i(&b, IR_SHR, v, 32));
    ir_put(&b, SLOT_GPR + 3, ir_op2(&b, IR_OR, ir_op2i(&b, IR_SHL, low, 32), high));
    end(&b, exit_insn);
    optimise();
    CHECK_EQ(count(IR_BSWAP64), 1);
    CHECK_EQ(count(IR_BSWAP32) + count(IR_OR), 0);
}

static void test_computed_once(void)
{
    struct ir_builder b = begin();
    ir_value v = ir_get(&b, SLOT_GPR + 4);
    ir_put(&b, SLOT_GPR + 3, ir_op2i(&b, IR_MUL, v, 77));
    ir_put(&b, SLOT_GPR + 4, ir_op2i(&b, IR_MUL, v, 78));
    ir_put(&b, SLOT_GPR + 5, ir_op2i(&b, IR_MUL, v, 77));
    end(&b, (struct ir_insn){.op = IR_JUMP});
    region.blocks[0].then = 1;
    next();
    ir_put(&b, SLOT_GPR + 6, ir_op2i(&b, IR_MUL, ir_get(&b, SLOT_GPR + 4), 77)); // another block: nothing is known
    end(&b, exit_insn);
    optimise();
    CHECK_EQ(count(IR_MUL), 3);
}

// popcntw, of which only the low word is used
static void test_bits_without_use(void)
{
    struct ir_builder b = begin();
    ir_value v = ir_get(&b, SLOT_GPR + 4), low = ir_op1(&b, IR_POPCNT, ir_op1(&b, IR_ZEXT32, v));
    ir_value high = ir_op2i(&b, IR_SHL, ir_op1(&b, IR_POPCNT, ir_op2i(&b, IR_SHR, v, 32)), 32);
    ir_put(&b, SLOT_GPR + 3, ir_op1(&b, IR_SEXT32, ir_op2(&b, IR_OR, low, high)));
    end(&b, exit_insn);
    optimise();
    CHECK_EQ(count(IR_POPCNT), 1);
    CHECK_EQ(count(IR_OR) + count(IR_SHL) + count(IR_SEXT32), 0);
    b = begin();
    ir_put(&b, SLOT_GPR + 3,
           ir_op2i(&b, IR_AND, ir_op1(&b, IR_ZEXT16, ir_get(&b, SLOT_GPR + 4)), 0x1ffff)); // bit 16 is 0
    end(&b, exit_insn);
    optimise();
    CHECK_EQ(count(IR_ZEXT16), 1);
}

// Loads and stores of little-endian code exchange doublewords, and so does the code behind them.
static void test_exchanged_twice(void)
{
    struct ir_builder b = begin();
    ir_value v = ir_get(&b, SLOT_VSR + 1);
    v = ir_emit(&b, (struct ir_insn){.op = IR_VX2, .a = v, .b = v, .imm = 1ull << 16 | VEC_DWORDS});
    v = ir_emit(&b, (struct ir_insn){.op = IR_VX2, .a = v, .b = v, .imm = 1ull << 16 | VEC_DWORDS});
    ir_put(&b, SLOT_VSR + 2, v);
    end(&b, exit_insn);
    optimise();
    CHECK_EQ(count(IR_VX2), 0);
    CHECK_EQ(region.insns[find(IR_PUT)->a].op, IR_GET);
}

// Both views of a register in one region: one of them is left.
static void test_one_view(void)
{
    struct ir_builder b = begin();
    ir_put(&b, SLOT_FPR + 1, ir_op1(&b, IR_VTOD, ir_get(&b, SLOT_GPR)));
    ir_put(&b, SLOT_VSR + 2, ir_get(&b, SLOT_VSR + 1));
    ir_put(&b, SLOT_GPR + 1, ir_op1(&b, IR_DTOV, ir_get(&b, SLOT_FPR + 2)));
    end(&b, exit_insn);
    optimise();
    for (unsigned i = 0; i < region.len; i++)
        CHECK(region.insns[i].op == IR_CONST || region.insns[i].slot < SLOT_FPR);
    CHECK_EQ(count(IR_DTOX), 1);
    CHECK_EQ(count(IR_XTOD), 0); // the doubleword is the general register
}

// Scalars out of one vector: each once, seen through the exchange of doublewords.
static void test_scalars_of_a_vector(void)
{
    struct ir_builder b = begin();
    ir_value v = ir_get(&b, SLOT_VSR + 1);
    ir_value other = ir_emit(&b, (struct ir_insn){.op = IR_VX2, .a = v, .b = v, .imm = 1ull << 16 | VEC_DWORDS});
    ir_put(&b, SLOT_FPR + 2, ir_op1(&b, IR_XTOD, v));
    ir_put(&b, SLOT_FPR + 3, ir_op1(&b, IR_XTOD, v));
    ir_put(&b, SLOT_FPR + 4, ir_op1(&b, IR_XTOD, other));
    end(&b, exit_insn);
    optimise();
    CHECK_EQ(count(IR_XTOD), 2);
    CHECK_EQ(count(IR_VX2), 0);
    CHECK_EQ(find(IR_XTOD)->imm, 0);
}

static void test_decided_branch(void)
{
    struct ir_builder b = begin();
    ir_value v = ir_set(&b, COND_ULT, ir_const(&b, 3), ir_const(&b, 2));
    end(&b, (struct ir_insn){.op = IR_BRANCH, .cond = COND_NE, .a = v, .b = ir_const(&b, 0)});
    region.blocks[0].then = 1;
    region.blocks[0].other = 2;
    next();
    end(&b, exit_insn);
    next();
    end(&b, exit_insn);
    optimise();
    CHECK_EQ(count(IR_BRANCH), 0);
    CHECK_EQ(region.blocks[0].then, 2);
}

static void put_flag(struct ir_builder *b, unsigned slot, unsigned gpr)
{
    ir_put(b, slot, ir_set(b, COND_NE, ir_get(b, SLOT_GPR + gpr), ir_const(b, 0)));
}

static void test_dead_puts(void)
{
    struct ir_builder b = begin();
    put_flag(&b, SLOT_CA, 3); // overwritten in the next block
    put_flag(&b, SLOT_OV, 4); // seen by the load
    ir_emit(&b, (struct ir_insn){.op = IR_LOAD, .a = ir_get(&b, SLOT_GPR), .imm = MEM_8});
    put_flag(&b, SLOT_OV, 5); // overwritten below
    put_flag(&b, SLOT_CA, 6); // overwritten on both ways
    end(&b, (struct ir_insn){.op = IR_JUMP});
    region.blocks[0].then = 1;
    next();
    put_flag(&b, SLOT_CA, 7);
    put_flag(&b, SLOT_OV, 8);
    end(&b, exit_insn);
    optimise();
    CHECK_EQ(count(IR_PUT), 4);
    // A back edge may leave the region: everything is in place there.
    b = begin();
    put_flag(&b, SLOT_CA, 3);
    end(&b, (struct ir_insn){.op = IR_JUMP});
    region.blocks[0].then = 0;
    optimise();
    CHECK_EQ(count(IR_PUT), 1);
}

static void test_known_slots(void)
{
    struct ir_builder b = begin();
    ir_put(&b, SLOT_GPR + 3, ir_get(&b, SLOT_GPR + 3)); // or r3,r3,r3
    ir_value v = ir_get(&b, SLOT_GPR + 4);
    ir_put(&b, SLOT_GPR + 5, v);
    ir_put(&b, SLOT_GPR + 6, ir_get(&b, SLOT_GPR + 5));
    ir_emit(&b, (struct ir_insn){.op = IR_EXEC});
    ir_put(&b, SLOT_GPR + 7, ir_get(&b, SLOT_GPR + 4)); // may have changed
    end(&b, exit_insn);
    optimise();
    CHECK_EQ(count(IR_PUT), 3);
    CHECK_EQ(count(IR_GET), 2);
}

// What was loaded stays where the helper's path finds it, even when it is overwritten.
static void test_loaded_value_is_kept(void)
{
    struct ir_builder b = begin();
    b.index = 0;
    ir_value v = ir_emit(&b, (struct ir_insn){.op = IR_LOAD, .a = ir_get(&b, SLOT_GPR), .imm = MEM_64});
    ir_put(&b, SLOT_GPR + 3, v);
    b.index = 1;
    ir_put(&b, SLOT_GPR + 4, v);
    ir_put(&b, SLOT_GPR + 3, ir_const(&b, 0));
    end(&b, exit_insn);
    optimise();
    CHECK_EQ(count(IR_PUT), 3);
}

// larx; a branch or not; an operation in between; stcx. How many of the two are marked.
static unsigned paired(enum ir_op between, bool branch, bool loop)
{
    struct ir_builder b = begin();
    ir_value ea = ir_get(&b, SLOT_GPR + 4);
    ir_value v = ir_emit(&b, (struct ir_insn){.op = IR_LARX, .a = ea, .imm = MEM_32});
    ir_put(&b, SLOT_GPR + 3, v);
    if (branch) {
        end(&b, (struct ir_insn){.op = IR_BRANCH, .cond = COND_EQ, .a = v, .b = ir_const(&b, 0)});
        region.blocks[0].then = 1;
        region.blocks[0].other = 2;
        next();
    }
    ea = ir_get(&b, SLOT_GPR + 4);
    if (between == IR_LOAD)
        ir_put(&b, SLOT_GPR + 5, ir_emit(&b, (struct ir_insn){.op = IR_LOAD, .a = ea, .imm = MEM_32}));
    else
        ir_put(&b, SLOT_GPR + 5, ir_op1(&b, between, ea));
    v = ir_emit(&b, (struct ir_insn){.op = IR_STCX, .a = ea, .b = ir_get(&b, SLOT_GPR + 5), .imm = MEM_32});
    ir_put(&b, SLOT_CRF, v);
    end(&b, exit_insn);
    next();
    if (loop) {
        end(&b, (struct ir_insn){.op = IR_JUMP});
        region.blocks[region.blocks_len - 1].then = 1;
    } else {
        end(&b, exit_insn);
    }
    pass_pair(&region);
    CHECK_STR(ir_check(&region) ? ir_check(&region) : "right", "right");
    return !!(find(IR_LARX)->imm & MEM_PAIRED) + !!(find(IR_STCX)->imm & MEM_PAIRED);
}

static void test_pairs(void)
{
    CHECK_EQ(paired(IR_NOT, false, false), 2);
    CHECK_EQ(paired(IR_LOAD, false, false), 0);
    CHECK_EQ(paired(IR_NOT, true, false), 2);
    CHECK_EQ(paired(IR_LOAD, true, false), 0);
    CHECK_EQ(paired(IR_NOT, true, true), 0); // there is another way to the store
}

static enum ir_vector packed(enum ir_vector pack, enum ir_vector first, enum ir_vector second)
{
    struct ir_builder b = begin();
    ir_value a = ir_get(&b, SLOT_VSR + 1), v = ir_get(&b, SLOT_VSR + 2);
    ir_value x = ir_vec2(&b, first, a, v, 0), y = ir_vec2(&b, second, a, v, 0);
    ir_put(&b, SLOT_VSR + 3, ir_vec2(&b, pack, x, ir_vec2(&b, VEC_NOR, y, y, 0), 0));
    end(&b, exit_insn);
    optimise();
    return (enum ir_vector)VEC_OP(region.insns[find(IR_PUT)->a].imm);
}

static void test_packed_masks(void)
{
    static const union vsr masks[] = {{.w = {~0u, 0, 0, ~0u}}, {.h = {0, 0, 0xffff, 0xffff, 0xffff, 0xffff, 0, 0}}};
    CHECK_EQ(packed(VEC_PACK32, VEC_GTS32, VEC_EQ32), VEC_PACKS32);
    CHECK_EQ(packed(VEC_PACK16, VEC_EQ16, VEC_GTU16), VEC_PACKS16);
    CHECK_EQ(packed(VEC_PACK32, VEC_GTS32, VEC_EQ16), VEC_PACK32); // the elements are others
    CHECK_EQ(packed(VEC_PACK16, VEC_ADD16, VEC_EQ16), VEC_PACK16);
    for (unsigned i = 0; i < 4; i++) {
        const union vsr *a = &masks[i & 1], *v = &masks[i >> 1];
        u128 whole = vector_eval(vec_imm(VEC_PACK32, 0), a, v, NULL).q;
        CHECK(whole == vector_eval(vec_imm(VEC_PACKS32, 0), a, v, NULL).q);
    }
}

int main(void)
{
    TEST(test_facilities);
    TEST(test_check_refuses);
    TEST(test_print);
    TEST(test_folds_constants);
    TEST(test_address_chains_meet);
    TEST(test_useless_extensions);
    TEST(test_compare_and_branch);
    TEST(test_compare_of_vectors_and_branch);
    TEST(test_swapped_bytes);
    TEST(test_computed_once);
    TEST(test_bits_without_use);
    TEST(test_exchanged_twice);
    TEST(test_one_view);
    TEST(test_scalars_of_a_vector);
    TEST(test_decided_branch);
    TEST(test_dead_puts);
    TEST(test_known_slots);
    TEST(test_loaded_value_is_kept);
    TEST(test_pairs);
    TEST(test_packed_masks);
    return test_done();
}
