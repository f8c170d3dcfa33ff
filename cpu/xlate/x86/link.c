// SPDX-License-Identifier: Apache-2.0
// Links between regions: cells, and the code that regions share.
//
// (1) A cell starts unlinked. It is linked when its place's region is published (under the translator's lock), and unlinked by whoever
//     takes the region's predecoded entry away, after that. As with entries (xlate.c (4)), whoever links marks the cell before looking at
//     what it depends on, and replaces the mark, which fails when it has been unlinked meanwhile. The mark is a stub, too.
// (2) Cells go away only with all code. A page may still name cells of before: its list carries the number of the reset.
#include "cpu/xlate/x86/link.h"

#include <assert.h>

#include "cpu/code.h"
#include "cpu/xlate/x86/codemem.h"
#include "cpu/xlate/x86/comp.h"
#include "cpu/xlate/xlate.h"
#include "cpu/xlate/xlate_hooks.h"

static struct link_cell *first_of(const struct code_memory *m, const struct cpage *page)
{
    u64 list = atomic_load(&page->links);
    u32 n = (u32)list;
    return list >> 32 == m->resets && n ? &m->cells[n - 1] : NULL;
}

static struct link_cell *next_of(const struct code_memory *m, const struct link_cell *cell)
{
    return cell->next ? &m->cells[cell->next - 1] : NULL;
}

// The code that the predecoded entry names, or the stub.
static u64 code_of(const struct code_memory *m, const struct dinsn *d)
{
    u64 word = dinsn_load(d);
    return xlate_links && (word & 0xffff) == OP_REGION ? word >> 16 : (uintptr_t)m->stubs.unlinked;
}

static void replace_mark(const struct code_memory *m, struct link_cell *cell, u64 code)
{
    u64 pending = (uintptr_t)m->stubs.pending;
    atomic_compare_exchange_strong(&cell->code, &pending, code);
}

struct link_cell *link_cell(struct code_memory *m, struct cpage *page, unsigned index)
{
    const u32 offset = (u32)(index * sizeof(struct dinsn));
    struct link_cell *first = first_of(m, page), *cell;
    for (cell = first; cell; cell = next_of(m, cell)) {
        if (cell->offset == offset)
            return cell;
    }
    if (m->cells_used == m->cells_max) {
        __atomic_store_n(&m->cells_full, true, __ATOMIC_RELAXED);
        return NULL;
    }
    u32 n = m->cells_used++;
    cell = &m->cells[n];
    cell->page = page;
    cell->offset = offset;
    cell->next = first ? (u32)(first - m->cells) + 1 : 0;
    atomic_store(&cell->code, (uintptr_t)m->stubs.pending);
    atomic_store(&page->links, m->resets << 32 | (n + 1));
    replace_mark(m, cell, code_of(m, &page->insns[index])); // (1)
    return cell;
}

static struct link_cell *cell_at(const struct code_memory *m, const struct cpage *page, unsigned index)
{
    struct link_cell *cell = first_of(m, page);
    while (cell && cell->offset != index * sizeof(struct dinsn))
        cell = next_of(m, cell);
    return cell;
}

void target_expect_link(struct code_memory *m, struct cpage *page, unsigned index)
{
    struct link_cell *cell = cell_at(m, page, index);
    if (cell)
        atomic_store(&cell->code, (uintptr_t)m->stubs.pending);
}

void target_link(struct code_memory *m, struct cpage *page, unsigned index, const void *code)
{
    struct link_cell *cell = cell_at(m, page, index);
    if (cell && !code)
        atomic_store(&cell->code, (uintptr_t)m->stubs.unlinked);
    else if (cell)
        replace_mark(m, cell, (uintptr_t)(xlate_links ? code : m->stubs.unlinked));
}

void target_unlink(struct code_memory *m, const struct cpage *page, const u64 *places)
{
    for (struct link_cell *cell = first_of(m, page); cell; cell = next_of(m, cell)) {
        unsigned index = cell->offset / (u32)sizeof(struct dinsn);
        if (places[index / 64] >> (index % 64) & 1)
            atomic_store(&cell->code, (uintptr_t)m->stubs.unlinked);
    }
}

void link_unlink_range(struct code_memory *m, struct code_range range)
{
    for (u32 i = 0; i < m->cells_used; i++) {
        if (atomic_load(&m->cells[i].code) - range.start < range.size)
            atomic_store(&m->cells[i].code, (uintptr_t)m->stubs.unlinked);
    }
}

interp_op *target_enter(const struct code_memory *m)
{
    return (interp_op *)(uintptr_t)m->stubs.enter;
}

// --- stubs

static const u8 saved[] = {RBX, RBP, R12, R13, R14, R15};
#define SAVED ((unsigned)sizeof(saved))

static const void *here(const struct code *c)
{
    return c->at + c->exec;
}

static void tally(struct code *c, enum xlate_exit cause)
{
    x_alu_mem_imm(c, ALU_ADD, 1, mem_at(CPU, (s32)(offsetof(struct cpu, xlate_exits) + 8 * cause)), 1);
}

// Back to the stack and the registers of whoever entered, everything counted; changes rax.
static void finish(struct code *c, enum xlate_exit cause)
{
    tally(c, cause);
    x_load(c, 1, RAX, CPU_MEM(budget));
    x_alu(c, ALU_SUB, 1, RAX, BUDGET);
    x_alu_store(c, ALU_ADD, 1, CPU_MEM(insns), RAX);
    x_alu_store(c, ALU_ADD, 1, CPU_MEM(xlate_insns), RAX);
    x_store(c, 8, CPU_MEM(budget), BUDGET);
    x_load(c, 1, RSP, CPU_MEM(xlate_stack));
    for (unsigned i = SAVED; i-- > 0;)
        x_pop(c, saved[i]);
}

// To the handler of the entry in rsi.
static void dispatch(struct code *c)
{
#ifdef OPENLPAR_LOOP_DISPATCH
    x_store(c, 8, CPU_MEM(d), RSI);
    x_ret(c);
#else
    x_load(c, 1, RDX, mem_at(RSI, 0));
    x_address(c, RCX, interp_ops);
    x_movzx(c, 2, RAX, RDX);
    x_jmp_mem(c, (struct mem){RCX, RAX, 8, 0});
#endif
}

// The stack of translated code: the caller's registers, then for each call that is expected to return the address (host) after the
// address (guest) of the return. Below the first one is what no guest address is equal to.
static void enter(struct code *c)
{
    for (unsigned i = 0; i < SAVED; i++)
        x_push(c, saved[i]);
    x_store(c, 8, CPU_MEM(xlate_stack), RSP);
    x_push_imm(c, 1);
    x_push_imm(c, 1);
    x_load(c, 1, BUDGET, CPU_MEM(budget));
    x_shift(c, SHIFT_SHR, 1, RDX, 16);
    x_jmp_reg(c, RDX);
}

static struct mem way_mem(enum reg set, unsigned way, size_t member)
{
    return mem_at(set, (s32)(way * sizeof(struct jump) + member));
}

// To the code of the region at rsi: jumps there, or (note) makes it the first of the set rcx in cpu->jumps and returns.
static void far(struct code *c, bool note)
{
    struct label slow = {0};
    static_assert(sizeof(struct ftlb_entry) == 16, "the index is shifted, not multiplied");
    if (xlate_links) {
        if (note)
            x_mov(c, 1, R8, RCX);
        // The address's page; the entry for it.
        x_mov(c, 1, RCX, RSI);
        x_alu_imm(c, ALU_AND, 1, RCX, (s32)GUEST_PAGE_MASK);
        x_mov(c, 0, RDX, RSI);
        x_shift(c, SHIFT_SHR, 0, RDX, GUEST_PAGE_SHIFT - 4);
        x_mov(c, 0, RAX, RSI); // as ftlb_index()
        x_shift(c, SHIFT_SHR, 0, RAX, GUEST_PAGE_SHIFT + FTLB_BITS);
        x_alu_imm(c, ALU_AND, 0, RAX, 15);
        x_lea(c, 0, RAX, (struct mem){RAX, RAX, 2, 0});
        x_shift(c, SHIFT_SHL, 0, RAX, FTLB_FOLD + 4);
        x_alu(c, ALU_XOR, 0, RDX, RAX);
        x_alu_imm(c, ALU_AND, 0, RDX, (s32)((FTLB_ENTRIES - 1) << 4));
        x_alu_load(c, ALU_ADD, 1, RDX, CPU_MEM(ftlb));
        x_alu_load(c, ALU_CMP, 1, RCX, mem_at(RDX, offsetof(struct ftlb_entry, tag)));
        x_jcc(c, CC_NE, &slow);
        // The predecoded entry's code.
        x_load(c, 1, RDX, mem_at(RDX, offsetof(struct ftlb_entry, page)));
        x_mov(c, 0, RAX, RSI);
        x_alu_imm(c, ALU_AND, 0, RAX, (s32)(~GUEST_PAGE_MASK & ~3ull));
        x_load(c, 1, RAX, (struct mem){RDX, RAX, 2, 0});
        x_movzx(c, 2, RDX, RAX);
        x_alu_imm(c, ALU_CMP, 0, RDX, OP_REGION);
        x_jcc(c, CC_NE, &slow);
        x_shift(c, SHIFT_SHR, 1, RAX, 16);
        if (note) {
            for (size_t member = 0; member < sizeof(struct jump); member += 8) {
                x_load(c, 1, RDX, way_mem(R8, 0, member));
                x_store(c, 8, way_mem(R8, 1, member), RDX);
            }
            x_store(c, 8, way_mem(R8, 0, offsetof(struct jump, ea)), RSI);
            x_store(c, 8, way_mem(R8, 0, offsetof(struct jump, code)), RAX);
            x_mov(c, 1, RCX, R8);
            x_ret(c);
        } else {
            x_store(c, 8, CPU_MEM(page_ea), RCX);
            x_jmp_reg(c, RAX);
        }
    }
    x_bind(c, &slow);
    x_store(c, 8, CPU_MEM(nia), RSI);
    finish(c, XLATE_EXIT_FAR);
    x_jmp_to(c, (const void *)(uintptr_t)xlate_exit_far);
}

// The second of the set, or what becomes its first.
static void jump(struct code *c)
{
    struct label other = {0};
    static_assert(JUMP_WAYS == 2, "one more");
    x_alu_load(c, ALU_CMP, 1, RSI, way_mem(RCX, 1, offsetof(struct jump, ea)));
    x_jcc(c, CC_NE, &other);
    x_alu_imm(c, ALU_ADD, 1, RCX, sizeof(struct jump));
    x_ret(c);
    x_bind(c, &other);
    far(c, true);
}

static u8 *finder_at(const struct code_memory *m, unsigned n)
{
    return m->write - (FINDERS - n) * FINDER_SIZE;
}

const void *link_finder(const struct code_memory *m, enum reg t, enum reg a)
{
    return finder_at(m, (unsigned)t * 16 + (unsigned)a) + m->exec;
}

static void emit_finders(const struct code_memory *m)
{
    const u16 never = 1u << CPU | 1u << RSP | 1u << BUDGET;
    for (unsigned n = 0; n < FINDERS; n++) {
        enum reg t = n / 16, a = n % 16;
        struct code c = {.start = finder_at(m, n), .at = finder_at(m, n), .end = finder_at(m, n + 1), .exec = m->exec};
        if (t == a || (never >> t & 1) || (never >> a & 1))
            continue;
        memo_emit_finder(&c, t, a);
        assert(!c.full);
    }
}

void link_emit_stubs(struct code_memory *m)
{
    emit_finders(m);
    struct code code = {
        .start = m->write - STUBS_SIZE, .at = m->write - STUBS_SIZE, .end = finder_at(m, 0), .exec = m->exec};
    struct code *c = &code;
    m->stubs.enter = here(c);
    enter(c);
    m->stubs.pending = here(c);
    x_mov(c, 1, RAX, RAX);
    m->stubs.unlinked = here(c);
    finish(c, XLATE_EXIT_UNLINKED);
    x_load(c, 1, RAX, mem_at(RSI, offsetof(struct link_cell, page)));
    x_store(c, 8, CPU_MEM(page), RAX);
    x_load(c, 0, RSI, mem_at(RSI, offsetof(struct link_cell, offset)));
    x_alu(c, ALU_ADD, 1, RSI, RAX);
    x_store(c, 8, CPU_MEM(block_d), RSI);
    dispatch(c);
    m->stubs.return_miss = here(c);
    tally(c, XLATE_EXIT_RETURN);
    x_load(c, 1, RSP, CPU_MEM(xlate_stack));
    x_alu_imm(c, ALU_SUB, 1, RSP, 16);
    m->stubs.far = here(c);
    far(c, false);
    m->stubs.jump = here(c);
    jump(c);
    m->stubs.leave = here(c);
    x_store(c, 8, CPU_MEM(nia), RSI);
    finish(c, XLATE_EXIT_ATTN);
    x_jmp_to(c, (const void *)(uintptr_t)xlate_leave);
    m->stubs.behind = here(c);
    finish(c, XLATE_EXIT_BEHIND);
    x_load(c, 1, RSI, CPU_MEM(d));
    x_alu_imm(c, ALU_ADD, 1, RSI, sizeof(struct dinsn));
    dispatch(c);
    m->stubs.plain = here(c);
    finish(c, XLATE_EXIT_INSN);
    x_store(c, 8, CPU_MEM(page), R8);
    x_alu(c, ALU_ADD, 1, RSI, R8);
    x_store(c, 8, CPU_MEM(block_d), RSI);
    x_jmp_to(c, (const void *)(uintptr_t)xlate_plain);
    m->stubs.insn = here(c);
    finish(c, XLATE_EXIT_INSN);
    x_store(c, 8, CPU_MEM(page), R8);
    x_alu(c, ALU_ADD, 1, RSI, R8);
    x_store(c, 8, CPU_MEM(block_d), RSI);
    x_address(c, RCX, interp_ops);
    x_movzx(c, 2, RAX, RDX);
    x_jmp_mem(c, (struct mem){RCX, RAX, 8, 0});
}
