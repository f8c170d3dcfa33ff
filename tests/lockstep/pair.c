// SPDX-License-Identifier: Apache-2.0
//
// Two partitions of one thread, which differ in the engine. Interrupts end in `sc 1; rfid`: the hypervisor call notes the whole state as
// a hash, and steps over the instruction. A few sequences share two pages, over each other, as code does that is loaded where other code was;
// after that come the next two. When all are used up, both partitions are made as they were at first.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "cpu/code.h"
#include "cpu/except.h"
#include "cpu/exec/fp_lazy.h"
#include "cpu/group.h"
#include "cpu/mem.h"
#include "cpu/mmu/mmu.h"
#include "cpu/run.h"
#include "cpu/spr.h"
#include "cpu/xlate/xlate.h"
#include "tests/lockstep/lockstep.h"

#define MEMORY       (8 * MIB)
#define DATA         0x40000ull // guest real, DATA_SIZE of it
#define DATA_SIZE    0x8000ull
#define CODE         0x400000ull
#define PLACE_SIZE   (PLACE_WORDS * 4ull)
#define SLOTS        64u
#define SLOT_USES    16u
#define PRTB         0x100000ull
#define TABLES       0x200000ull
#define KERNEL_EA    0xc000000000000000ull
#define USER_CODE    0x10000000ull
#define USER_DATA    0x20000000ull
#define VIRT_VECTORS 0x4000ull // where relocating interrupts go
#define INSNS_MAX    12000u    // a sequence that runs on for longer is given up

#define PTE_V        PPC_BIT(0)
#define PTE_L        PPC_BIT(1)
#define PTE_R        0x100ull
#define PTE_C        0x80ull
#define PTE_PRIV     8ull
#define PTE_READ     4ull
#define PTE_RW       6ull
#define PTE_EXEC     1ull

#define I_SC1        0x44000022u
#define I_RFID       0x4c000024u

struct side {
    struct guest_mem mem;
    struct cpu_group group;
    struct cpu *cpu;
    struct pair *pair;
    u64 tables_next;
    u64 end;             // SRR0 of the system call that ends the sequence
    u64 ended_at;        // 0: given up
    unsigned stop_after; // events
    unsigned asked;
    bool ran_away;
    unsigned events_len;
    struct event events[EVENTS_MAX];
};

struct pair {
    struct side by_interp, by_jit;
    bool big_endian, tell;
    unsigned slot, uses;
    unsigned old_first, old_last; // words of the sequence before, in the same pages
    u8 data[DATA_SIZE];
    u8 *low; // memory as it is at first, up to the end of the tables; behind that it is zero
    u64 low_size;
    u64 events, insns, ended, regions;
};

// Four at a time, so that one's multiplication does not wait for another's.
struct hash {
    u64 lanes[4];
};

static void mix(struct hash *h, const u64 *from, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        u64 *lane = &h->lanes[i & 3];
        *lane = (*lane ^ from[i]) * 0x9ddfea08eb382d69ull;
        *lane ^= *lane >> 29;
    }
}

static u64 hash_state(const struct cpu *cpu)
{
    struct hash h = {{0x9ae16a3b2f90404full, 1, 2, 3}};
    u64 crf;
    memcpy(&crf, cpu->crf, 8);
    const u64 rest[] = {crf,           (u64)(cpu->so | cpu->ov << 1 | cpu->ca << 2 | cpu->ov32 << 3 | cpu->ca32 << 4),
                        cpu->xer_rest, cpu->lr,
                        cpu->ctr,      cpu->tar,
                        cpu->cfar,     cpu->msr,
                        cpu->insns,    cpu->reserve_addr,
                        cpu->fpscr,    cpu->fpscr_hi,
                        cpu->vscr,     cpu->vrsave,
                        cpu->srr0,     cpu->srr1,
                        cpu->dar,      cpu->dsisr,
                        cpu->dscr,     cpu->ppr};
    mix(&h, cpu->gpr, 32);
    mix(&h, cpu->vsr[0].d, 128);
    mix(&h, rest, ARRAY_LEN(rest));
    mix(&h, cpu->sprg, 4);
    u64 all = 0;
    for (unsigned i = 0; i < 4; i++) {
        all = (all ^ h.lanes[i]) * 0x9ddfea08eb382d69ull;
        all ^= all >> 29;
    }
    return all;
}

// A change of any register changes the hash.
bool pair_hash_works(struct pair *pair)
{
    struct cpu *cpu = pair->by_interp.cpu;
    u64 first = hash_state(cpu);
    bool works = true;
    for (unsigned i = 0; i < 32; i++) {
        cpu->gpr[i] ^= 1ull << i;
        works &= hash_state(cpu) != first;
        cpu->gpr[i] ^= 1ull << i;
    }
    for (unsigned i = 0; i < 128; i++) {
        cpu->vsr[i / 2].d[i % 2] ^= 1ull << (i % 64);
        works &= hash_state(cpu) != first;
        cpu->vsr[i / 2].d[i % 2] ^= 1ull << (i % 64);
    }
#define SEEN(member, bit)              \
    cpu->member ^= (bit);              \
    works &= hash_state(cpu) != first; \
    cpu->member ^= (bit);
    SEEN(crf[0], 1)
    SEEN(crf[7], 8)
    SEEN(so, 1)
    SEEN(ov, 1)
    SEEN(ca, 1)
    SEEN(ov32, 1)
    SEEN(ca32, 1)
    SEEN(xer_rest, 1)
    SEEN(lr, 4)
    SEEN(ctr, 1ull << 63)
    SEEN(tar, 8)
    SEEN(cfar, 4)
    SEEN(msr, MSR_EE)
    SEEN(insns, 1)
    SEEN(reserve_addr, 8)
    SEEN(fpscr, 1)
    SEEN(fpscr_hi, 1)
    SEEN(vscr, 1)
    SEEN(vrsave, 1)
    SEEN(srr0, 4)
    SEEN(srr1, 1)
    SEEN(dar, 1)
    SEEN(dsisr, 1)
    SEEN(dscr, 1)
    SEEN(ppr, 1)
    SEEN(sprg[0], 1)
    SEEN(sprg[3], 1)
#undef SEEN
    return works && hash_state(cpu) == first;
}

static void stop(struct side *s)
{
    atomic_fetch_or(&s->cpu->attn, ATTN_STOP);
}

// Every interrupt comes here.
static void hcall(struct cpu *cpu)
{
    struct side *s = cpu->group->owner;
    u64 vector = cpu_cia(cpu) & 0xfff;
    fpu_settle(cpu);
    struct event *e = &s->events[s->events_len++];
    *e = (struct event){vector, hash_state(cpu)};
    if (vector == VEC_SYSCALL && cpu->srr0 == s->end) {
        s->ended_at = cpu->srr0;
        stop(s);
    } else if (s->events_len >= s->stop_after) {
        stop(s);
    } else if (vector != VEC_SYSCALL && vector != VEC_TRACE) {
        cpu->srr0 += 4;
    }
}

static bool no_read(struct cpu *cpu, u64 gra, unsigned size, u64 *value)
{
    return false;
}

static bool no_write(struct cpu *cpu, u64 gra, unsigned size, u64 value)
{
    return false;
}

// Asked after some ten thousand instructions, or so many interrupts that nothing of ours sees.
static bool runs_away(struct cpu *cpu)
{
    struct side *s = cpu->group->owner;
    if (cpu->insns > INSNS_MAX || s->asked++ > 3) {
        s->ran_away = true;
        stop(s);
    }
    return false;
}

static const struct cpu_hooks hooks = {
    .hcall = hcall, .mmio_read = no_read, .mmio_write = no_write, .preempt = runs_away};

// --- Making them

static void put64(struct side *s, u64 gra, u64 value)
{
    store_be64(guest_mem_at(&s->mem, gra, 8), value);
}

static u64 get64(struct side *s, u64 gra)
{
    return load_be64(guest_mem_at(&s->mem, gra, 8));
}

static u64 table_new(struct side *s, unsigned bits)
{
    u64 at = (s->tables_next + (8ull << bits) - 1) & ~((8ull << bits) - 1);
    s->tables_next = at + (8ull << bits);
    return at;
}

// Radix: 52 bits as 13, 9, 9, 9 and 4 KiB pages, leaves of 2 MiB allowed.
static void map(struct side *s, u64 pid, u64 ea, u64 gra, unsigned shift, u64 bits)
{
    static const unsigned levels[] = {13, 9, 9, 9};
    u64 entry = PRTB + pid * 16;
    if (!get64(s, entry))
        put64(s, entry, (21ull >> 3) << 61 | (21ull & 7) << 5 | table_new(s, 13) | 13);
    u64 table = get64(s, entry) & PPC_BITMASK(4, 55);
    unsigned at = 52;
    for (unsigned l = 0;; l++) {
        at -= levels[l];
        u64 slot = table + ((ea >> at) & ((1ull << levels[l]) - 1)) * 8;
        if (at == shift) {
            put64(s, slot, PTE_V | PTE_L | gra | bits);
            return;
        }
        if (!get64(s, slot))
            put64(s, slot, PTE_V | table_new(s, levels[l + 1]) | levels[l + 1]);
        table = get64(s, slot) & PPC_BITMASK(4, 55);
    }
}

static void put_insn(struct side *s, u64 gra, u32 insn)
{
    u32 word = s->pair->big_endian ? __builtin_bswap32(insn) : insn;
    guest_mem_write(&s->mem, gra, &word, 4);
}

static void side_init(struct side *s, struct pair *pair)
{
    s->pair = pair;
    s->tables_next = TABLES;
    if (guest_mem_init(&s->mem, MEMORY) || group_init(&s->group, &s->mem, &hooks, s))
        abort();
    s->cpu = group_add_cpu(&s->group, 0, 0, 0, 0x004e1202);
    if (!s->cpu)
        abort();
    s->group.threads_per_vcpu = 1;
    s->group.radix = s->group.gtse = true;
    s->group.prtb = PRTB | 4;
    s->cpu->dec_expires = ~0ull >> 1;
    for (u64 at = 0; at < MEMORY; at += 2 * MIB)
        map(s, 0, KERNEL_EA + at, at, 21, PTE_PRIV | PTE_READ | PTE_EXEC | PTE_R | PTE_C);
    for (u64 at = 0; at < SLOTS * PLACE_SIZE; at += 2 * MIB) {
        map(s, 1, USER_CODE + at, CODE + at, 21, PTE_READ | PTE_EXEC);
        map(s, 1, USER_CODE + CODE_ALIAS + at, CODE + at, 21, PTE_RW);
        map(s, 0, KERNEL_EA + CODE + CODE_ALIAS + at, CODE + at, 21, PTE_PRIV | PTE_RW);
    }
    // Neighbours are none in real memory. Pages without rights in the middle.
    static const u64 rights[] = {PTE_RW, PTE_RW, PTE_RW, PTE_RW, PTE_READ, PTE_RW, PTE_PRIV | PTE_RW, 0};
    for (unsigned i = 0; i < ARRAY_LEN(rights); i++) {
        if (rights[i])
            map(s, 1, USER_DATA + i * GUEST_PAGE_SIZE, DATA + (i ^ 1) * GUEST_PAGE_SIZE, 12, rights[i]);
    }
    for (unsigned v = 0x100; v < 0x1000; v += 0x20) {
        put_insn(s, v, I_SC1);
        put_insn(s, v + 4, I_RFID);
        put_insn(s, VIRT_VECTORS + v, I_SC1);
        put_insn(s, VIRT_VECTORS + v + 4, I_RFID);
    }
}

static void side_fini(struct side *s)
{
    struct xlate *x = s->mem.xlate;
    s->pair->regions += x ? xlate_stats(x).regions : 0;
    group_fini(&s->group);
    guest_mem_fini(&s->mem);
}

// As at first, and nothing is known of it. Sequences store all over memory: into vectors and tables, too.
static void side_renew(struct side *s)
{
    memcpy(s->mem.base, s->pair->low, s->pair->low_size);
    memset(s->mem.base + s->pair->low_size, 0, MEMORY - s->pair->low_size);
    code_flush_all(&s->group);
    mmu_flush_local(s->cpu, TLB_ALL, 0, 0, 0);
}

void pair_renew(struct pair *pair)
{
    side_renew(&pair->by_interp);
    side_renew(&pair->by_jit);
    pair->slot = pair->uses = pair->old_first = pair->old_last = 0;
}

void pair_tell(struct pair *pair)
{
    pair->tell = true;
}

bool pair_is_new(const struct pair *pair)
{
    return pair->slot == 0 && pair->uses == 0;
}

struct pair *pair_new(bool big_endian)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    if (!pair)
        abort();
    pair->big_endian = big_endian;
    side_init(&pair->by_interp, pair);
    side_init(&pair->by_jit, pair);
    pair->low_size = pair->by_jit.tables_next;
    pair->low = malloc(pair->low_size);
    if (!pair->low)
        abort();
    memcpy(pair->low, pair->by_jit.mem.base, pair->low_size);
    rng_seed(big_endian);
    for (u64 at = 0; at < DATA_SIZE; at++)
        pair->data[at] = (u8)rng();
    return pair;
}

void pair_free(struct pair *pair)
{
    side_fini(&pair->by_interp);
    side_fini(&pair->by_jit);
    free(pair->low);
    free(pair);
}

// --- State

static u64 random_double(void)
{
    static const u64 special[] = {0,
                                  1,
                                  0x8000000000000001,
                                  0x0010000000000000,
                                  0x000fffffffffffff,
                                  0x7ff0000000000000,
                                  0x7ff8000000000000,
                                  0x7ff4000000000000,
                                  0x3ff0000000000000,
                                  0x7fefffffffffffff,
                                  0x36a0000000000000,
                                  0x3810000000000000,
                                  0x47efffffe0000000,
                                  0x41dfffffffc00000};
    switch (below(8)) {
    case 0:
    case 1: return special[below(ARRAY_LEN(special))] | (u64)below(2) << 63;
    case 2: return rng();
    case 3: return (rng() & PPC_BIT(0)) | (u64)(0x380 + below(256)) << 52 | (rng() & 0xfffffe0000000ull); // a single's
    default: return (rng() & (PPC_BIT(0) | PPC_BITMASK(12, 63))) | (u64)(0x3e0 + below(64)) << 52;
    }
}

static u64 random_lanes(void)
{
    switch (below(4)) {
    case 0: return random_double();
    case 1: // two singles
        return (rng() & 0x807fffff807fffff) | (u64)(100 + below(56)) << 55 | (u64)(100 + below(56)) << 23;
    case 2: { // few different bytes
        u64 v = rng();
        return v & 0x0707070707070707ull << below(5);
    }
    default: return rng();
    }
}

static u64 data_address(const struct sequence *s)
{
    u64 base = s->place == PLACE_REAL ? DATA : USER_DATA;
    u64 page = 1 + below(3); // pages 1 to 3, which have neighbours that can be written ...
    if (s->place != PLACE_REAL && chance(10))
        page = 4 + below(4);
    u64 offset = below(2) ? below(4096) : 4096 - below(32);
    return base + page * GUEST_PAGE_SIZE + (chance(3) ? offset : offset & ~7ull);
}

static void start_state(struct cpu *cpu, const struct sequence *s)
{
    static const u64 special[] = {0, 1, ~0ull, 1ull << 63, ~0ull >> 1, 0x80000000, 0x7fffffff, 0xffffffff};
    rng_seed(s->seed);
    for (unsigned i = 0; i < 26; i++)
        cpu->gpr[i] = below(3) ? rng() >> below(64) : special[below(8)];
    cpu->gpr[26] = below(16) * (below(2) ? 1 : 8);
    cpu->gpr[27] = (u64)((s64)below(64) - 32) * (below(2) ? 1 : 16);
    for (unsigned i = 28; i < 32; i++)
        cpu->gpr[i] = data_address(s);
    if (chance(16))
        cpu->gpr[28 + below(4)] = below(2) ? 5ull << 32 : rng();
    for (unsigned i = 0; i < 8; i++)
        cpu->crf[i] = (u8)below(16);
    cpu->so = (u8)below(2);
    cpu->ov = cpu->ov32 = (u8)below(2);
    cpu->ca = cpu->ca32 = (u8)below(2);
    cpu->xer_rest = below(16);
    bool floats = below(4);
    for (unsigned i = 0; i < 64; i++)
        cpu->vsr[i] = floats && i < 32 ? (union vsr){.d = {rng(), random_double()}}
                                       : (union vsr){.d = {random_lanes(), random_lanes()}};
    cpu->fpscr = below(4) | (chance(4) ? (u32)rng() & (FPSCR_VE | FPSCR_OE | FPSCR_UE | FPSCR_ZE | FPSCR_XE) : 0) |
                 (chance(8) ? FPSCR_NI : 0);
    cpu->fpscr_hi = chance(8) ? below(8) : 0;
    cpu->vscr = chance(3) ? VSCR_NJ : 0;
    cpu->ctr = 1 + below(chance(4) ? 24 : 8);
    cpu->lr = cpu->tar = 0;
    cpu->cfar = cpu->insns = cpu->srr0 = cpu->srr1 = cpu->dar = cpu->dsisr = cpu->vrsave = 0;
    cpu->reserve_addr = RESERVE_NONE;
    cpu->dscr = cpu->amr = cpu->iamr = cpu->uamor = 0;
    memset(cpu->sprg, 0, sizeof(cpu->sprg));
    cpu->fscr = chance(16) ? 0 : ~0ull & ~FSCR_BIT(CAUSE_SCV);
    cpu->ppr = 0;
    cpu->pidr = 1;
    cpu->lpcr = LPCR_HR | LPCR_UPRT | LPCR_GTSE | (s->relocate ? LPCR_AIL_3 : 0) | (s->big_endian ? 0 : LPCR_ILE);
}

static u64 code_address(const struct pair *pair, const struct sequence *s)
{
    u64 offset = pair->slot * PLACE_SIZE;
    return s->place == PLACE_REAL     ? CODE + offset
           : s->place == PLACE_KERNEL ? KERNEL_EA + CODE + offset
                                      : USER_CODE + offset;
}

static void put_code(struct side *side, const struct sequence *s)
{
    const struct pair *pair = side->pair;
    u64 gra = CODE + pair->slot * PLACE_SIZE;
    u32 *words = guest_mem_at(&side->mem, gra, PLACE_SIZE);
    memset(words + pair->old_first, 0, (pair->old_last - pair->old_first) * 4ull);
    for (unsigned i = s->first; i < s->last; i++)
        words[i] = s->kind[i] == WORD_UNUSED ? 0 : s->big_endian ? __builtin_bswap32(s->words[i]) : s->words[i];
    if (pair->old_last)
        guest_mem_wrote(&side->mem, gra + pair->old_first * 4, (pair->old_last - pair->old_first) * 4ull);
    guest_mem_wrote(&side->mem, gra + s->first * 4, (s->last - s->first) * 4ull);
    for (unsigned i = 0; i < PLACE_SIZE / GUEST_PAGE_SIZE;
         i++) { // pages that change so often would be left to the interpreter
        struct cpage *page = atomic_load(&side->mem.code[(gra >> GUEST_PAGE_SHIFT) + i][s->big_endian]);
        if (page)
            page->drops = 0;
    }
}

static void run(struct side *side, const struct sequence *s, const struct cpu_engine *engine, s64 budget)
{
    struct cpu *cpu = side->cpu;
    u64 base = code_address(side->pair, s);
    put_code(side, s);
    memcpy(guest_mem_at(&side->mem, DATA, DATA_SIZE), side->pair->data, DATA_SIZE);
    start_state(cpu, s);
    cpu->isa_level = s->level;
    cpu_set_msr(cpu, s->msr);
    mmu_context_changed(cpu);
    cpu->nia = base + s->start * 4;
    cpu->insns = 0;
    side->end = base + s->end * 4 + 4;
    side->ended_at = 0;
    side->events_len = side->asked = 0;
    side->ran_away = false;
    atomic_store(&cpu->attn, 0);
    cpu->budget = budget;
    engine->run(cpu);
}

// --- Comparing

static unsigned differences;

static void differ(const char *what, u64 got, u64 want)
{
    if (differences++ < 24)
        printf("#   %-8s %016llx, not %016llx\n", what, (unsigned long long)got, (unsigned long long)want);
}

static void compare_state(const struct cpu *got, const struct cpu *want)
{
    char name[24];
    for (unsigned i = 0; i < 32; i++) {
        snprintf(name, sizeof(name), "gpr%u", i);
        if (got->gpr[i] != want->gpr[i])
            differ(name, got->gpr[i], want->gpr[i]);
    }
    for (unsigned i = 0; i < 8; i++) {
        snprintf(name, sizeof(name), "cr%u", i);
        if (got->crf[i] != want->crf[i])
            differ(name, got->crf[i], want->crf[i]);
    }
    for (unsigned i = 0; i < 64; i++) {
        for (unsigned d = 0; d < 2; d++) {
            snprintf(name, sizeof(name), "vsr%u.%u", i, 1 - d);
            if (got->vsr[i].d[d] != want->vsr[i].d[d])
                differ(name, got->vsr[i].d[d], want->vsr[i].d[d]);
        }
    }
#define COMPARE(member)              \
    if (got->member != want->member) \
    differ(#member, got->member, want->member)
    COMPARE(so);
    COMPARE(ov);
    COMPARE(ca);
    COMPARE(ov32);
    COMPARE(ca32);
    COMPARE(xer_rest);
    COMPARE(lr);
    COMPARE(ctr);
    COMPARE(tar);
    COMPARE(cfar);
    COMPARE(msr);
    COMPARE(nia);
    COMPARE(insns);
    COMPARE(fpscr);
    COMPARE(fpscr_hi);
    COMPARE(vscr);
    COMPARE(vrsave);
    COMPARE(srr0);
    COMPARE(srr1);
    COMPARE(dar);
    COMPARE(dsisr);
    COMPARE(dscr);
    COMPARE(ppr);
    COMPARE(reserve_addr);
    COMPARE(sprg[0]);
    COMPARE(sprg[1]);
    COMPARE(sprg[2]);
    COMPARE(sprg[3]);
#undef COMPARE
}

// Of memory beyond the data, which is looked at once before it is made anew. In the tables the processors set bits, and need not do so at the same time.
static bool rest_differs(const struct pair *pair)
{
    const u8 *a = pair->by_interp.mem.base, *b = pair->by_jit.mem.base;
    return memcmp(a, b, TABLES) || memcmp(a + pair->low_size, b + pair->low_size, MEMORY - pair->low_size);
}

static void run_both(struct pair *pair, const struct sequence *s, unsigned stop_after)
{
    struct side *a = &pair->by_interp, *b = &pair->by_jit;
    xlate_heat_limit = s->heat;
    a->stop_after = b->stop_after = stop_after;
    run(a, s, &interp_engine, 0);
    run(b, s, &jit_engine, s->budget);
}

static enum outcome judge(struct pair *pair)
{
    struct side *a = &pair->by_interp, *b = &pair->by_jit;
    if (a->ran_away || b->ran_away) { // given up after more or less than the other: what both have done
        unsigned len = MIN(a->events_len, b->events_len);
        return memcmp(a->events, b->events, len * sizeof(*a->events)) ? DIFFERS : RUNAWAY;
    }
    bool same = a->events_len == b->events_len && a->ended_at == b->ended_at &&
                !memcmp(a->events, b->events, a->events_len * sizeof(*a->events)) &&
                !memcmp(a->mem.base + DATA, b->mem.base + DATA, DATA_SIZE);
    return same ? SAME : DIFFERS;
}

static void compare_data(const struct pair *pair)
{
    for (u64 i = 0; i < DATA_SIZE; i += 8) {
        u64 got, want;
        memcpy(&got, pair->by_jit.mem.base + DATA + i, 8);
        memcpy(&want, pair->by_interp.mem.base + DATA + i, 8);
        char name[24];
        snprintf(name, sizeof(name), "@%llx", (unsigned long long)(DATA + i));
        if (got != want)
            differ(name, got, want);
    }
}

// How both ended, in this very run: it may not come out so again.
static void report_ends(struct pair *pair)
{
    struct side *a = &pair->by_interp, *b = &pair->by_jit;
    unsigned at = 0;
    while (at < a->events_len && at < b->events_len && !memcmp(&a->events[at], &b->events[at], sizeof(*a->events)))
        at++;
    printf("# %u interrupts agree; of %u translated, %u interpreted; ended at %llx, %llx; at the end:\n", at,
           b->events_len, a->events_len, (unsigned long long)b->ended_at, (unsigned long long)a->ended_at);
    differences = 0;
    compare_state(b->cpu, a->cpu);
    compare_data(pair);
}

static void report_difference(struct pair *pair, const struct sequence *s)
{
    struct side *a = &pair->by_interp, *b = &pair->by_jit;
    unsigned at = 0;
    while (at < a->events_len && at < b->events_len && !memcmp(&a->events[at], &b->events[at], sizeof(*a->events)))
        at++;
    pair_renew(pair);
    run_both(pair, s, MIN(at + 1, EVENTS_MAX)); // to the first interrupt that differs
    differences = 0;
    printf("# after %u interrupts that agree, translated against interpreted (interrupt %llx, %llx):\n", at,
           (unsigned long long)b->events[MIN(at, EVENTS_MAX - 1)].vector,
           (unsigned long long)a->events[MIN(at, EVENTS_MAX - 1)].vector);
    compare_state(b->cpu, a->cpu);
    compare_data(pair);
    if (!differences)
        printf("#   nothing, this time\n");
}

enum outcome pair_run(struct pair *pair, const struct sequence *s, bool report)
{
    run_both(pair, s, EVENTS_MAX);
    enum outcome outcome = judge(pair);
    pair->events += pair->by_interp.events_len;
    pair->insns += pair->by_interp.cpu->insns;
    pair->ended += pair->by_interp.ended_at != 0;
    if (outcome == DIFFERS && pair->tell)
        report_ends(pair);
    if (outcome == DIFFERS && report)
        report_difference(pair, s);
    pair->old_first = s->first;
    pair->old_last = s->last;
    if (++pair->uses == SLOT_USES) {
        pair->uses = pair->old_first = pair->old_last = 0;
        pair->slot++;
    }
    if (outcome == SAME && pair->slot == SLOTS && rest_differs(pair)) {
        printf("# one of the last sequences stored something else beyond the data\n");
        outcome = DIFFERS;
    }
    if (outcome != SAME || pair->slot == SLOTS) // when they differ, they were stopped at different places
        pair_renew(pair);
    return outcome;
}

struct pair_stats pair_stats(const struct pair *pair)
{
    struct xlate *x = pair->by_jit.mem.xlate;
    return (struct pair_stats){.regions = pair->regions + (x ? xlate_stats(x).regions : 0),
                               .insns = pair->insns,
                               .events = pair->events,
                               .ended = pair->ended};
}
