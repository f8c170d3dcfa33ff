// SPDX-License-Identifier: Apache-2.0
// Operations that may go to a helper: loads and stores through the software TLB, whole instructions, facility checks.
//
// A miss calls the instruction's reference semantics and goes on behind the instruction (ir.h). What lives in values across it is saved
// on the stack around the call: `keeps` notes where each value is when the lookup fails and where the code behind the instruction
// expects it.
#include <string.h>

#include "cpu/code.h"
#include "cpu/mmu/access.h"
#include "cpu/xlate/find.h"
#include "cpu/xlate/vector.h"
#include "cpu/xlate/x86/comp.h"
#include "cpu/xlate/xlate_hooks.h"

// Arguments of the region's helper routine: rax the function, rsi the instruction, rdx and rcx the entries of cpu->d and
// cpu->block_d as offsets in the page.
#define ENTRY(index) ((u64)(index) * sizeof(struct dinsn))

static_assert(sizeof(struct tlb_entry) == 1 << 5 && TLB_BITS_MAX + GUEST_PAGE_SHIFT <= 32,
              "the index is shifted, not multiplied");

struct cold *comp_cold(struct comp *x, enum cold_kind kind)
{
    if (x->colds_len == COLDS_MAX) {
        x->failed = true;
        x->colds_len = x->open = 0;
    }
    struct cold *cold = &x->colds[x->colds_len++];
    *cold = (struct cold){.kind = (u8)kind, .at = (u16)x->at, .block = (u16)x->block_no, .dirty = x->dirty_now};
    float_note(x, &cold->fp);
    return cold;
}

static void keep(struct comp *x, struct cold *cold, ir_value v)
{
    if (x->vals[v].last <= x->at)
        return;
    if (x->keeps_len == KEEPS_MAX) {
        x->failed = true;
        return;
    }
    x->keeps[x->keeps_len++] = (struct keep){.value = v, .from = x->vals[v].loc, .from_n = x->vals[v].n};
    cold->keeps_len++;
}

struct cold *memory_miss(struct comp *x)
{
    struct cold *cold = comp_cold(x, COLD_MISS);
    cold->keeps = (u16)x->keeps_len;
    for (unsigned r = 0; r < ALL_REGS; r++) {
        if (x->reg_value[r] != IR_NO_VALUE)
            keep(x, cold, x->reg_value[r]);
    }
    for (unsigned s = 0; s < XLATE_SPILLS; s++) {
        if (x->xspill_value[s] != IR_NO_VALUE)
            keep(x, cold, x->xspill_value[s]);
    }
    for (unsigned s = 0; s < x->spills_max; s++) {
        if (x->spill_value[s] != IR_NO_VALUE)
            keep(x, cold, x->spill_value[s]);
    }
    for (unsigned i = 0; i < x->aliases_len; i++) {
        if (x->vals[x->aliases[i]].loc == LOC_SLOT)
            keep(x, cold, x->aliases[i]);
    }
    return cold;
}

// The slot of struct cpu that holds, after the whole instruction, the value that operation i made; IR_SLOTS: none.
static unsigned slot_with(const struct comp *x, unsigned i, unsigned end)
{
    const struct ir_insn *insns = x->r->insns;
    unsigned slot = insns[i].op == IR_GET ? insns[i].slot : IR_SLOTS;
    for (unsigned k = i + 1; k < end; k++) {
        if (insns[k].op != IR_PUT)
            continue;
        if (insns[k].a == i && (ir_slots[insns[k].slot].bytes >= 8 || insns[i].op == IR_STCX))
            slot = insns[k].slot;
        else if (insns[k].slot == slot || ir_overlap(insns[k].slot) == slot)
            slot = IR_SLOTS;
    }
    return slot;
}

// The same for a vector whose words or doublewords the instruction exchanges before it PUTs them: their order in the slot, which is its own
// inverse.
static unsigned slot_with_order(const struct comp *x, unsigned i, unsigned end, u8 *order)
{
    const struct ir_insn *insns = x->r->insns;
    for (unsigned k = i + 1; k < end; k++) {
        if (insns[k].op == IR_VX2 && insns[k].a == i && insns[k].b == i && insns[k].imm == vec_imm(VEC_DWORDS, 1))
            *order = 0x4e;
        else if (insns[k].op == IR_VX1 && insns[k].a == i && insns[k].imm == vec_imm(VEC_WORDS, 0x1b))
            *order = 0x1b;
        else
            continue;
        return slot_with(x, k, end);
    }
    return IR_SLOTS;
}

// Values that the rest of the instruction made and that live on.
static void keep_made(struct comp *x, struct cold *cold)
{
    for (unsigned i = cold->at; i < x->at; i++) {
        const struct val *val = &x->vals[i];
        if (ir_type(&x->r->insns[i]) == '-' || val->last < x->at ||
            (val->loc != LOC_REG && val->loc != LOC_SPILL && val->loc != LOC_XSPILL))
            continue;
        u8 order = 0;
        unsigned slot = slot_with(x, i, x->at);
        if (slot == IR_SLOTS && ir_type(&x->r->insns[i]) == 'X')
            slot = slot_with_order(x, i, x->at, &order);
        if (slot == IR_SLOTS || x->keeps_len == KEEPS_MAX) {
            cold->leaves = true;
            continue;
        }
        x->keeps[x->keeps_len++] = (struct keep){
            .value = (ir_value)i, .from = LOC_NONE, .from_n = (u8)slot, .to = val->loc, .to_n = val->n, .order = order};
    }
}

// Whether the value is what a slot held before, and still does, although the instruction sets the slot: the PUT was found dead. The helper
// changes the slot all the same.
static bool old_of_slot(const struct comp *x, const struct cold *cold, const struct keep *k, const struct val *val)
{
    u32 insn = x->r->insns[cold->at].insn;
    unsigned rt = insn >> 21 & 31, ra = insn >> 16 & 31;
    return val->loc == LOC_SLOT && k->from == LOC_SLOT && k->from_n == val->n &&
           (val->n >= SLOT_VSR ? val->n % 32u == rt : val->n == SLOT_GPR + rt || val->n == SLOT_GPR + ra);
}

// What is known of pages behind the instruction. The code after it counts on that; when the instruction goes to the helper, it cannot be
// had again.
static void note_caches(struct comp *x, struct cold *cold)
{
    cold->end = (u16)x->at;
    for (unsigned k = 0; k < CACHES_LIVE; k++)
        cold->cache[k] = x->cache[k];
}

void memory_close_misses(struct comp *x)
{
    for (; x->open < x->colds_len; x->open++) {
        struct cold *cold = &x->colds[x->open];
        if (cold->kind != COLD_MISS)
            continue;
        x_bind(&x->c, &cold->back);
        note_caches(x, cold);
        struct keep *keeps = &x->keeps[cold->keeps];
        for (unsigned i = 0; i < cold->keeps_len; i++) {
            const struct val *val = &x->vals[keeps[i].value];
            bool live = val->last >= x->at && (val->loc == LOC_REG || val->loc == LOC_SPILL || val->loc == LOC_XSPILL ||
                                               old_of_slot(x, cold, &keeps[i], val));
            keeps[i].to = live ? val->loc : LOC_NONE;
            keeps[i].to_n = val->n;
        }
        // Those are added behind all others: their own range.
        cold->made = (u16)x->keeps_len;
        keep_made(x, cold);
        cold->made_len = (u16)(x->keeps_len - cold->made);
    }
}

static void swap_in(struct code *c, unsigned bytes, enum reg dst, struct mem m)
{
    if (x86_features.movbe && bytes > 2) {
        x_movbe_load(c, bytes, dst, m);
        return;
    }
    x_load_zx(c, bytes, dst, m);
    if (bytes == 2)
        x_rol16_8(c, dst);
    else
        x_bswap(c, bytes == 8, dst);
}

static void load(struct comp *x, const struct ir_insn *in, enum reg dst, struct mem m)
{
    struct code *c = &x->c;
    unsigned bytes = 1u << (in->imm & MEM_SIZE);
    bool swap = in->imm & MEM_SWAP && bytes > 1;
    if (!swap) {
        if (in->imm & MEM_SIGNED)
            x_load_sx(c, bytes, dst, m);
        else
            x_load_zx(c, bytes, dst, m);
        return;
    }
    swap_in(c, bytes, dst, m);
    if (in->imm & MEM_SIGNED && bytes < 8)
        x_movsx(c, bytes, dst, dst);
}

static void store(struct comp *x, const struct ir_insn *in, enum reg value, enum reg scratch, struct mem m)
{
    struct code *c = &x->c;
    unsigned bytes = 1u << (in->imm & MEM_SIZE);
    bool swap = in->imm & MEM_SWAP && bytes > 1;
    if (value == NO_REG) {
        u64 imm = comp_insn(x, in->b)->imm;
        if (swap)
            imm = __builtin_bswap64(imm) >> (64 - 8 * bytes);
        x_store_imm(c, bytes, m, (s32)imm);
    } else if (!swap) {
        x_store(c, bytes, m, value);
    } else if (x86_features.movbe) {
        x_movbe_store(c, bytes, m, value);
    } else {
        x_mov(c, 1, scratch, value);
        if (bytes == 2)
            x_rol16_8(c, scratch);
        else
            x_bswap(c, bytes == 8, scratch);
        x_store(c, bytes, m, scratch);
    }
}

// A constant that a store of this kind can hold in the instruction.
static bool storable(const struct comp *x, const struct ir_insn *in)
{
    if (!is_const(x, in->b))
        return false;
    u64 imm = comp_insn(x, in->b)->imm;
    if ((in->imm & MEM_SIZE) != MEM_64)
        return true;
    return is_s32(in->imm & MEM_SWAP ? __builtin_bswap64(imm) : imm);
}

// The base that an address is counted from, and how far it is from there.
static ir_value root_of(const struct comp *x, ir_value v, s64 *disp)
{
    *disp = 0;
    for (const struct ir_insn *in = comp_insn(x, v);
         in->op == IR_ADD && is_const(x, in->b) && is_s32(comp_insn(x, in->b)->imm); in = comp_insn(x, v)) {
        *disp += (s64)comp_insn(x, in->b)->imm;
        v = in->a;
    }
    return v;
}

// Notes which accesses have later ones of the same kind from the same base, no whole instruction in between, and where they all are.
void memory_scan(struct comp *x, unsigned first, unsigned end)
{
    enum { SEEN = 8 };
    struct {
        ir_value root, at;
        bool write;
    } seen[SEEN];
    unsigned seen_len = 0, next = 0;
    for (unsigned i = end; i-- > first;) {
        const struct ir_insn *in = &x->r->insns[i];
        if (in->op == IR_EXEC)
            seen_len = next = 0;
        if (!ir_access_bytes(in))
            continue;
        struct val *val = &x->vals[i];
        s64 disp;
        ir_value root = root_of(x, in->a, &disp);
        bool write = ir_is_store(in);
        unsigned k = 0;
        while (k < seen_len && (seen[k].root != root || seen[k].write != write))
            k++;
        if (k == seen_len) {
            k = next;
            next = (next + 1) % SEEN;
            seen_len = MAX(seen_len, k + 1);
        } else if (!page_bit(x->r->page->no_share, in->index)) {
            const struct val *later = &x->vals[seen[k].at];
            s64 low = MIN(disp, later->low), high = MAX(disp + ir_access_bytes(in), later->high);
            val->shared = high - low <= FIND_SHARED_MAX;
            val->low = low;
            val->high = high;
        }
        if (!val->shared) {
            val->low = disp;
            val->high = disp + ir_access_bytes(in);
        }
        seen[k].root = root;
        seen[k].at = (ir_value)i;
        seen[k].write = write;
    }
}

void memory_drop_caches(struct comp *x, u32 regs)
{
    x->held = 0;
    for (unsigned k = 0; k < CACHES_LIVE; k++) {
        if (x->cache[k] == NO_CACHE)
            continue;
        const struct cache *cache = &x->caches[x->cache[k]];
        u16 its = (u16)(1 << cache->addend);
        if (its & regs)
            x->cache[k] = NO_CACHE;
        else
            x->held |= its;
    }
}

// One that covers [low, high) from the root.
static struct cache *find_cache(struct comp *x, ir_value root, bool write, s64 low, s64 high)
{
    for (unsigned k = 0; k < CACHES_LIVE; k++) {
        if (x->cache[k] == NO_CACHE)
            continue;
        struct cache *cache = &x->caches[x->cache[k]];
        if (cache->root == root && cache->write == write && cache->low <= low && high <= cache->high)
            return cache;
    }
    return NULL;
}

// The answer that has just been found stays in its register. It takes the place of what was used longest ago.
static void make_cache(struct comp *x, ir_value root, bool write, s64 low, s64 high, enum reg addend)
{
    if (x->caches_len == CACHES_MAX)
        return;
    unsigned oldest = 0;
    for (unsigned k = 0; k < CACHES_LIVE; k++) {
        if (x->cache[k] == NO_CACHE) {
            oldest = k;
            break;
        }
        if (x->caches[x->cache[k]].used < x->caches[x->cache[oldest]].used)
            oldest = k;
    }
    x->caches[x->caches_len] = (struct cache){
        .write = write, .addend = (u8)addend, .root = root, .low = low, .high = high, .used = (u16)x->at};
    x->cache[oldest] = (u16)x->caches_len++;
    memory_drop_caches(x, 0);
}

// What is in an xmm register; bytes in the other order go through a general one.
static void access_xmm(struct comp *x, const struct ir_insn *in, enum reg value, enum reg scratch, struct mem m)
{
    struct code *c = &x->c;
    unsigned bytes = ir_access_bytes(in);
    bool swap = in->imm & MEM_SWAP && bytes > 1;
    if (bytes == 16) {
        x_v1_mem(c, in->op == IR_LOADX ? MOVUPS_LOAD : MOVUPS_STORE, value, m);
    } else if (in->op == IR_LOADD && !swap && bytes >= 4) {
        x_v1_mem(c, bytes == 8 ? MOVQ_LOAD : MOVD_LOAD, value, m);
    } else if (in->op == IR_STORED && !swap && bytes >= 4) {
        x_v1_mem(c, bytes == 8 ? MOVQ_STORE : MOVD_STORE, value, m);
    } else if (in->op == IR_LOADD) {
        if (swap)
            swap_in(c, bytes, scratch, m);
        else
            x_load_zx(c, bytes, scratch, m);
        x_vmov_from(c, 1, value, scratch);
    } else {
        x_vmov_to(c, 1, scratch, value);
        if (swap && bytes == 2)
            x_rol16_8(c, scratch);
        else if (swap)
            x_bswap(c, bytes == 8, scratch);
        x_store(c, bytes, m, scratch);
    }
}

static struct address address_of(struct comp *x, ir_value v)
{
    struct address a = {.value = v};
    if (x->vals[v].loc == LOC_FOLDED) {
        a.disp = (s32)comp_insn(x, comp_insn(x, v)->b)->imm;
        a.value = comp_insn(x, v)->a;
    }
    a.base = value_reg(x, a.value);
    return a;
}

void memory_access(struct comp *x)
{
    const struct ir_insn *in = &x->r->insns[x->at];
    const struct val *val = &x->vals[x->at];
    unsigned bytes = ir_access_bytes(in);
    bool write = ir_is_store(in), xmm = in->op != IR_LOAD && in->op != IR_STORE;
    s64 disp;
    ir_value root = root_of(x, in->a, &disp);
    struct address a = address_of(x, in->a);
    enum reg rv = write && (xmm || !storable(x, in)) ? value_reg(x, in->b) : NO_REG;
    struct cache *cache = find_cache(x, root, write, disp, disp + bytes);
    bool swaps = write && !xmm && rv != NO_REG && in->imm & MEM_SWAP && bytes > 1 &&
                 !x86_features.movbe; // in a register of its own
    enum reg addend, scratch = NO_REG;
    if (cache) {
        cache->used = (u16)x->at;
        addend = cache->addend;
        x->locked |= 1u << addend;
    } else if (in->cond == ACCESS_KNOWN) {
        addend = value_scratch(x);
        memory_known(x, addend);
        if (val->shared)
            make_cache(x, root, write, val->low, val->high, addend);
    } else {
        s64 low = a.disp + (val->low - disp);
        bool shared = val->shared && is_s32((u64)low) && is_s32((u64)low + FIND_SHARED_MAX);
        enum reg tag = value_scratch(x);
        addend = value_scratch(x);
        struct address from = a;
        if (shared)
            from.disp = (s32)low;
        memory_find(x, from, shared ? (unsigned)(val->high - val->low) : bytes, write,
                    shared && val->high - val->low > bytes, tag, addend);
        if (shared)
            make_cache(x, root, write, val->low, val->high, addend);
        if (swaps)
            scratch = tag;
        else
            x->locked &= ~(1u << tag);
    }
    struct mem m = mem_indexed(addend, a.base, a.disp);
    if (xmm) {
        bool through = bytes < 4 || (bytes < 16 && in->imm & MEM_SWAP);
        scratch = through ? value_scratch(x) : NO_REG;
        access_xmm(x, in, write ? rv : value_result(x, IR_NO_VALUE, IR_NO_VALUE, 0), scratch, m);
        return;
    }
    if (!write)
        load(x, in, value_result(x, a.value, IR_NO_VALUE, 0), m);
    else
        store(x, in, rv, swaps && scratch == NO_REG ? value_scratch(x) : scratch, m);
}

void memory_zero(struct comp *x)
{
    const struct ir_insn *in = &x->r->insns[x->at];
    struct address a = address_of(x, in->a);
    enum reg tag = value_scratch(x), addend = value_scratch(x), zero = value_xscratch(x);
    memory_find(x, a, 1, true, false, tag, addend);
    x_v2(&x->c, PXOR, zero, zero, zero);
    for (s32 at = 0; at < 128; at += 16)
        x_v1_mem(&x->c, MOVUPS_STORE, zero, mem_indexed(addend, a.base, a.disp + at));
}

static void call_helper(struct comp *x, const void *fn, u32 insn, unsigned index, unsigned block)
{
    struct code *c = &x->c;
    x_mov_imm(c, RSI, insn);
    x_mov_imm(c, RDX, ENTRY(index));
    x_mov_imm(c, RCX, ENTRY(x->r->blocks[block].index));
    x_address(c, RAX, fn);
    x_call(c, &x->helper);
    x->helper_used = true;
}

static const void *semantics(const struct comp *x, u32 insn)
{
    return (const void *)(uintptr_t)interp_exec[isa_decode(insn, LEVEL_V30 - x->r->older)];
}

static struct mem keep_mem(unsigned place)
{
    return mem_at(CPU, (s32)(offsetof(struct cpu, xlate_keep) + 16 * place));
}

// Vectors that live on, to struct cpu before a call or back after it.
static void keep_vectors(struct comp *x, u32 op)
{
    unsigned place = 0;
    for (unsigned r = XMM0; r < ALL_REGS; r++) {
        if (x->reg_value[r] != IR_NO_VALUE && x->vals[x->reg_value[r]].last > x->at)
            x_v1_mem(&x->c, op, r, keep_mem(place++));
    }
}

static bool call_destroys(enum reg r)
{
    return r >= XMM0 || (r >= R8 && r <= R11) || r == RAX || r == RCX || r == RDX || r == RSI;
}

// Calls semantics that need nothing but the slots that they read: rsp is as in the region's code, or `pushes` doublewords below.
static void call_plain(struct comp *x, const struct ir_insn *in, const struct ir_effects *e, unsigned pushes)
{
    struct code *c = &x->c;
    struct slot_set touched = slots_or(e->reads, e->writes);
    SLOTS_EACH (s, x->slots) {
        if (slots_have(&x->dirty_now, s) && (slots_have(&touched, s) || call_destroys(x->slot_reg[s]))) {
            leave_store_slot(x, s);
            slots_remove(&x->dirty_now, s);
        }
    }
    x_push(c, BUDGET);
    x_push(c, CPU);
    bool pad = !(pushes & 1); // rsp is 8 more than a multiple of 16 in the region's code
    if (pad)
        x_push(c, CPU);
    x_mov_imm(c, RSI, in->insn);
    x_call_to(c, semantics(x, in->insn));
    if (pad)
        x_pop(c, CPU);
    x_pop(c, CPU);
    x_pop(c, BUDGET);
    SLOTS_EACH (s, x->slots) {
        if (slots_have(&e->writes, s) || call_destroys(x->slot_reg[s]))
            leave_load_slot(x, s);
    }
}

// Everything in values is saved around the call, whatever the registers; names of slots that it may change get registers of their own first.
void memory_exec(struct comp *x)
{
    struct code *c = &x->c;
    const struct ir_insn *in = &x->r->insns[x->at];
    struct ir_effects e;
    bool known = ir_effects(in->insn, &e);
    float_flush(x);
    x->zeroed = known ? slots_without(x->zeroed, e.writes) : SLOTS_NONE;
    SLOTS_EACH (s, x->slots) {
        if (!known || slots_have(&e.writes, s))
            value_evict_aliases(x, s);
    }
    memory_drop_caches(x, ~0u);
    keep_vectors(x, MOVUPS_STORE);
    u16 saved = 0;
    unsigned pushes = 0;
    bool spilled = false;
    for (unsigned r = 0; r < REGS; r++) {
        if (x->reg_value[r] != IR_NO_VALUE && x->vals[x->reg_value[r]].last > x->at)
            saved |= (u16)(1 << r);
    }
    for (unsigned s = 0; s < x->spills_max; s++)
        spilled |= x->spill_value[s] != IR_NO_VALUE;
    if (spilled)
        x_alu_imm(c, ALU_ADD, 1, RSP, -RED_ZONE);
    for (unsigned r = 0; r < REGS; r++) {
        if (saved >> r & 1) {
            x_push(c, r);
            pushes++;
        }
    }
    if (known && !e.raises) {
        call_plain(x, in, &e, pushes);
    } else {
        if (pushes & 1)
            x_push(c, CPU);
        call_helper(x, semantics(x, in->insn), in->insn, in->index, x->block_no);
        if (pushes & 1)
            x_pop(c, CPU);
    }
    for (unsigned r = REGS; r-- > 0;) {
        if (saved >> r & 1)
            x_pop(c, r);
    }
    if (spilled)
        x_alu_imm(c, ALU_SUB, 1, RSP, -RED_ZONE);
    keep_vectors(x, MOVUPS_LOAD);
    float_after_exec(x, in->insn);
}

void memory_require(struct comp *x)
{
    struct code *c = &x->c;
    u64 need = x->r->insns[x->at].imm;
    bool clear = x->r->insns[x->at].cond == COND_NE;
    if (!need)
        return;
    struct cold *cold = comp_cold(x, COLD_REQUIRE);
    if (!(need & (need - 1)) && need >> 32 == 0) {
        unsigned shift = (unsigned)__builtin_ctzll(need) / 8 * 8;
        x_test8_mem_imm(c, mem_at(CPU, (s32)offsetof(struct cpu, msr) + (s32)shift / 8), (u8)(need >> shift));
        x_jcc(c, clear ? CC_NE : CC_E, &cold->start);
        return;
    }
    enum reg bits = value_scratch(x), mask = value_scratch(x);
    x_mov_imm(c, mask, need);
    x_load(c, 1, bits, CPU_MEM(msr));
    x_alu(c, ALU_AND, 1, bits, mask);
    if (!clear)
        x_alu(c, ALU_CMP, 1, bits, mask);
    x_jcc(c, CC_NE, &cold->start);
}

void memory_check(struct comp *x)
{
    struct cold *cold = comp_cold(x, COLD_CHECK);
    enum reg r = value_reg(x, x->r->insns[x->at].a);
    x_test(&x->c, 1, r, r);
    x_jcc(&x->c, CC_NE, &cold->start);
}

// What was known of pages is used behind the instruction whose miss this is.
static bool caches_behind(const struct comp *x, const struct cold *cold)
{
    for (unsigned k = 0; k < CACHES_LIVE; k++) {
        if (cold->cache[k] != NO_CACHE && x->caches[cold->cache[k]].used >= cold->end)
            return true;
    }
    return false;
}

static bool is_vector(const struct comp *x, const struct keep *k)
{
    return ir_type(comp_insn(x, k->value)) != 'V';
}

// It is dead behind the instruction, or in memory all the time.
static bool stays(const struct comp *x, const struct keep *k)
{
    return k->to == LOC_NONE ||
           ((k->to == LOC_SPILL || k->to == LOC_XSPILL) && k->from == k->to && k->from_n == k->to_n);
}

static void keep_vectors_at_miss(struct comp *x, const struct cold *cold)
{
    for (unsigned pass = 0; pass < 2; pass++) { // registers, then what was spilled, by way of xmm0
        unsigned place = 0;
        for (unsigned i = 0; i < cold->keeps_len; i++) {
            const struct keep *k = &x->keeps[cold->keeps + i];
            if (stays(x, k) || !is_vector(x, k))
                continue;
            struct mem to = keep_mem(place++);
            if ((k->from == LOC_XSPILL) != pass)
                continue;
            enum reg r = k->from == LOC_XSPILL ? XMM0 : k->from == LOC_SLOT ? x->slot_reg[k->from_n] : k->from_n;
            if (k->from == LOC_XSPILL)
                x_v1_mem(&x->c, MOVUPS_LOAD, r, xspill_mem(k->from_n));
            x_v1_mem(&x->c, MOVUPS_STORE, r, to);
        }
        if (place > 2 * XLATE_SPILLS)
            x->failed = true;
    }
}

// Where the code behind the instruction expects them: those in memory by way of xmm0, then those in registers.
static void vectors_behind_miss(struct comp *x, const struct cold *cold)
{
    struct code *c = &x->c;
    for (unsigned pass = LOC_XSPILL;; pass = LOC_REG) {
        unsigned place = 0;
        for (unsigned i = 0; i < cold->keeps_len; i++) {
            const struct keep *k = &x->keeps[cold->keeps + i];
            if (stays(x, k) || !is_vector(x, k))
                continue;
            struct mem from = keep_mem(place++);
            if ((k->to == LOC_XSPILL) != (pass == LOC_XSPILL))
                continue;
            x_v1_mem(c, MOVUPS_LOAD, k->to == LOC_SLOT ? x->slot_reg[k->to_n] : pass == LOC_REG ? k->to_n : XMM0, from);
            if (pass == LOC_XSPILL)
                x_v1_mem(c, MOVUPS_STORE, XMM0, xspill_mem(k->to_n));
        }
        for (unsigned i = 0; i < cold->made_len; i++) {
            const struct keep *k = &x->keeps[cold->made + i];
            if (k->to != pass || !is_vector(x, k))
                continue;
            x_v1_mem(c, ir_slots[k->from_n].bytes == 16 ? MOVUPS_LOAD : MOVQ_LOAD, pass == LOC_REG ? k->to_n : XMM0,
                     slot_mem(k->from_n));
            if (k->order)
                x_v1_imm(c, PSHUFD, pass == LOC_REG ? k->to_n : XMM0, pass == LOC_REG ? k->to_n : XMM0, k->order);
            if (pass == LOC_XSPILL)
                x_v1_mem(c, MOVUPS_STORE, XMM0, xspill_mem(k->to_n));
        }
        if (pass == LOC_REG)
            break;
    }
}

static void cold_miss(struct comp *x, struct cold *cold)
{
    struct code *c = &x->c;
    const struct ir_insn *in = &x->r->insns[cold->at];
    const struct keep *keeps = &x->keeps[cold->keeps], *made = &x->keeps[cold->made];
    const void *fn = semantics(x, in->insn);
    if (cold->leaves || caches_behind(x, cold)) {
        call_helper(x, fn, in->insn, in->index, cold->block);
        leave_behind(x);
        return;
    }
    s32 below = x->spills_max ? RED_ZONE : 0;
    unsigned pushes = 0;
    keep_vectors_at_miss(x, cold);
    if (below)
        x_alu_imm(c, ALU_ADD, 1, RSP, -RED_ZONE);
    for (unsigned i = 0; i < cold->keeps_len; i++) {
        const struct keep *k = &keeps[i];
        if (stays(x, k) || is_vector(x, k))
            continue;
        if (k->from == LOC_SPILL)
            x_push_mem(c, spill_mem(k->from_n, below + 8 * (s32)pushes));
        else
            x_push(c, k->from == LOC_SLOT ? x->slot_reg[k->from_n] : k->from_n);
        pushes++;
    }
    s32 pad = pushes & 1 ? 8 : 0;
    if (pad)
        x_push(c, CPU);
    call_helper(x, fn, in->insn, in->index, cold->block);
    // Those that belong below rsp by way of rax, then the registers. The stack holds the kept ones, the last on top.
    s32 frame = below + 8 * (s32)pushes + pad;
    for (unsigned pass = LOC_SPILL;; pass = LOC_REG) {
        unsigned n = 0;
        for (unsigned i = 0; i < cold->keeps_len; i++) {
            const struct keep *k = &keeps[i];
            if (stays(x, k) || is_vector(x, k))
                continue;
            n++;
            if ((k->to == LOC_SPILL) != (pass == LOC_SPILL))
                continue;
            unsigned to = k->to == LOC_SLOT ? x->slot_reg[k->to_n] : k->to_n;
            x_load(c, 1, pass == LOC_REG ? to : RAX, mem_at(RSP, pad + 8 * (s32)(pushes - n)));
            if (pass == LOC_SPILL)
                x_store(c, 8, spill_mem(k->to_n, frame), RAX);
        }
        for (unsigned i = 0; i < cold->made_len; i++) {
            const struct keep *k = &made[i];
            if (k->to != pass || is_vector(x, k))
                continue;
            x_load_zx(c, ir_slots[k->from_n].bytes, pass == LOC_REG ? k->to_n : RAX, slot_mem(k->from_n));
            if (pass == LOC_SPILL)
                x_store(c, 8, spill_mem(k->to_n, frame), RAX);
        }
        if (pass == LOC_REG)
            break;
    }
    vectors_behind_miss(x, cold);
    if (frame == RED_ZONE)
        x_alu_imm(c, ALU_SUB, 1, RSP, -RED_ZONE);
    else if (frame)
        x_alu_imm(c, ALU_ADD, 1, RSP, frame);
    x_jmp(c, &cold->back);
}

static const void *way_out(unsigned kind, const struct ir_insn *in)
{
    if (kind == COLD_REQUIRE)
        return (const void *)(uintptr_t)xlate_require_slow;
    return (const void *)(uintptr_t)(in->imm ? xlate_run_and_leave : xlate_leave_behind);
}

void memory_cold(struct comp *x, struct cold *cold)
{
    const struct ir_insn *in = &x->r->insns[cold->at];
    x_bind(&x->c, &cold->start);
    if (cold->finds)
        memory_find_cold(x, cold);
    float_flush_cold(x, &cold->fp);
    if (cold->kind == COLD_MISS) {
        cold_miss(x, cold);
    } else { // does not return
        call_helper(x, way_out(cold->kind, in), in->insn, in->index, cold->block);
    }
}

// rsp is as in the region's code when this is called, or an even number of doublewords below.
void memory_helper(struct comp *x)
{
    struct code *c = &x->c;
    x_bind(c, &x->helper);
    leave_write_back(x, x->changed);
    leave_sync(x, R8);
    leave_page(x, R8);
    x_store(c, 8, CPU_MEM(page), R8);
    x_alu(c, ALU_ADD, 1, RDX, R8);
    x_store(c, 8, CPU_MEM(d), RDX);
    x_alu(c, ALU_ADD, 1, RCX, R8);
    x_store(c, 8, CPU_MEM(block_d), RCX);
    x_push(c, CPU);
    x_push(c, CPU);
    x_call_reg(c, RAX);
    x_pop(c, CPU);
    x_pop(c, CPU);
    x_load(c, 1, BUDGET, CPU_MEM(budget));
    leave_load_slots(x);
    x_ret(c);
}
