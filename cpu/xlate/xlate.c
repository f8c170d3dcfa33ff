// SPDX-License-Identifier: Apache-2.0
//
// Translated code comes and goes while other threads run it. What keeps that right:
//
// (1) A region is reached through predecoded entries of its page, OP_REGION with the address of its code, and through the cells by which other
//     regions are linked to the same places (target.h). Whoever takes the entries away and then unlinks their cells (any thread, one
//     atomic store each) keeps others from entering; those that are inside run on until they leave, on code that is still there. So do
//     predicted returns into it, until they are forgotten: whenever translated code is left.
// (2) Code memory and predecoded pages are reused only after a flush, which needs group_exclusive_begin: no other
//     thread is inside guest code then. A thread inside translated code counts as running, and it cannot begin to wait
//     there: only instructions of kind CTX or BRANCH wait for others. A region ends before them (EXIT_INSN), or is left by a jump
//     (EXIT, EXIT_EA); of kind CTX it has but isync and moves to MSR, which never wait. Loads, stores and EXEC call semantics that may
//     invalidate code (a store into a page with code) but never wait. So no frame of translated code outlives a flush.
// (3) A store into a page with regions: the thread that stores may be inside one of them. It runs on in old code until it leaves,
//     which the architecture allows: new instructions count only after a context synchronising instruction, and all of these
//     are of kind CTX. Other threads that loop inside an old region are kicked: they see attn at the next back edge or entry.
// (4) Writers store first, then count page->version up, then look whether a region covers what they wrote; if so they reset the page's
//     entries. The translator reads version, then the instructions; it marks the entries as its own (pending), notes what is covered, and
//     looks at version again. With full fences between, either the writer sees what is covered, or the translator sees the new version
//     and publishes nothing. It publishes by replacing its marks, which fails when a writer has reset them: nobody ever enters a region
//     of instructions that were written before. Links to an entry are made after it, and taken back if it is not there any more then;
//     writers unlink after they have reset entries.
// (5) When code memory is full the translator only says so; room is made by the run loop, outside of any page, with nobody inside guest code:
//     the oldest part of the code goes. Its entries are found by looking at all of them, which takes some milliseconds, once for many
//     thousands of regions.
// (6) Breakpoints: setting one flushes everything, and regions end in front of places that may have one. Single steps execute
//     from a scratch page, which has no regions. A region belongs to 64-bit mode and to its page's byte order: in 32-bit mode
//     OP_REGION executes the instruction that it replaced; a page that changes its order is reset.
// (7) The instruction set level of a partition changes (compatibility mode) with a flush.
// (8) Hot places are translated by a thread of their own (background.c), so that processors do not wait. It is not a thread of the group:
//     while it works it holds group->outside, which keeps exclusive sections from beginning, and with them flushes. So predecoded pages,
//     breakpoints and the level stay as they are. What it publishes is subject to (4) as anywhere else. What waits for it is forgotten
//     by a flush. A processor translates for itself where the host has but one processor.
// (9) Regions are kept from one run to the next (cache.c, keep.c). What is kept was made of exactly the instructions that are there now, read
//     after version as in (4), for the same level and byte order; with breakpoints, or a trace of what is made, nothing is taken from there.
//     A place is looked up there after a few branches to it.
// (10) Where a processor went lately it finds again without a look at the fetch TLB and the predecoded entry (cpu->jumps): by the effective address,
//     in a table that belongs to the fetch TLB's. cpu/mmu empties it when a translation goes that may be among these. Whoever takes predecoded entries
//     away marks all processors' jumps as stale before it sets their attn: as with predicted returns, what is gone is not entered any more by
//     those that have looked at attn since. A processor notes a jump and goes there at once, to an entry that looks at attn. Whoever frees code does
//     so with everybody out of guest code, and empties them all.
//
// Locks: group->outside, then xlate->lock: held while something is translated. A processor only tries it, and interprets when it
// does not get it.
#include "cpu/xlate/xlate.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cpu/except.h"
#include "cpu/group.h"
#include "cpu/mmu/access.h"
#include "cpu/xlate/background.h"
#include "cpu/xlate/cache.h"
#include "cpu/xlate/find.h"
#include "cpu/xlate/keep.h"
#include "cpu/xlate/pass_tables.h"
#include "cpu/xlate/region.h"
#include "cpu/xlate/target.h"

// What is new goes to the file when the helper thread comes to rest and it is much, else after so long; and the file, which is written as a
// whole, takes no more than that part of a processor.
#define WRITE_RECORDS  256u
#define WRITE_AFTER_NS 30000000000ll
#define WRITE_SHARE    200

#define DROPS_MAX      8u   // a page whose regions are invalidated again and again is left to the interpreter ...
#define DROPS_WITHIN   500u // ... when less than so many milliseconds lie in between ...
#define DROPS_QUIET    500u // ... until it was left alone for so many

#define PRUNED_LEN     1024u // a power of two
#define REMAKES        2u    // a region is made anew so often

u8 xlate_heat_limit = 48;
bool xlate_in_background = true;
const char *xlate_cache_path;
u64 xlate_cache_size = 256 * MIB;
FILE *xlate_perf_map;
size_t xlate_code_size = 256 * MIB;
bool xlate_links = true;
void (*xlate_trace)(const struct ir_region *r, const void *code, size_t size);

struct xlate {
    struct cpu_group *group;
    struct code_memory *memory;
    struct background *background; // NULL: everything is translated where it is asked for
    struct cache *cache;           // NULL: nothing is kept
    s64 written_at, writing_took;  // the helper thread's: when, and how long
    // By record of the cache, where it was loaded last: the pages of programs come and go with the same code. Under lock.
    struct placed {
        const struct cpage *page;
        const void *code;
        u32 changes;
    } * placed;
    u32 changes; // how often code has gone, plus one
    // By place: the region with a loop that has left it out. Under lock.
    struct pruned {
        struct cpage *page;
        const void *start; // the region's code
        size_t size;
        u32 changes;
        u16 index, entry;
        u8 times;                 // how often the region was made anew
    } pruned[PRUNED_LEN], remade; // remade: what is made anew just now
    pthread_mutex_t lock;
    _Atomic bool full;
    // Under lock.
    struct region_shape shape;
    struct ir_region region, optimised;
    struct pass_tables tables;
    struct target_code code;
    u64 ea; // of the place, for those who look at the code
    struct xlate_stats stats;
    alignas(8) u8 record[128 * KIB];
};

static void work_begin(void *arg)
{
    struct xlate *x = arg;
    pthread_mutex_lock(&x->group->outside);
    pthread_mutex_lock(&x->lock);
}

static void work_end(void *arg)
{
    struct xlate *x = arg;
    pthread_mutex_unlock(&x->lock);
    pthread_mutex_unlock(&x->group->outside);
}

static s64 processor_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (s64)t.tv_sec * 1000000000 + t.tv_nsec;
}

// What is new goes to the file while the guest has nothing to translate, so that it outlives a process that is killed. Processors go on meanwhile,
// and interpret what they would translate for themselves. True: others write just now.
static bool write_cache(void *arg, bool quiet)
{
    struct xlate *x = arg;
    if (!x->cache)
        return false;
    int err = 0;
    s64 since = clock_ns() - x->written_at;
    pthread_mutex_lock(&x->lock);
    u32 waiting = cache_unwritten(x->cache);
    bool many = !x->stats.writes || waiting >= WRITE_RECORDS; // an idle system still finds something hot now and then
    s64 pause = quiet && many ? 0 : WRITE_AFTER_NS;
    if (waiting && since >= MAX(pause, WRITE_SHARE * x->writing_took)) {
        s64 start = processor_time();
        err = cache_write(x->cache);
        x->writing_took = processor_time() - start;
        x->stats.writes += !err;
        x->stats.write_nanoseconds += (u64)x->writing_took;
        x->written_at = clock_ns();
    }
    pthread_mutex_unlock(&x->lock);
    return err == -ETIMEDOUT;
}

// It has to become hot once more.
static void drop_work(void *arg, const struct work *work)
{
    (void)arg;
    heat_set(work->page, work->index, xlate_heat_limit / 2u);
}

static void do_work(void *arg, const struct work *work);
static const struct background_calls background_calls = {
    .begin = work_begin, .do_work = do_work, .end = work_end, .drop = drop_work, .between = write_cache};

static struct xlate *xlate_new(struct cpu_group *group)
{
    struct xlate *x = calloc(1, sizeof(*x));
    if (!x)
        return NULL;
    x->group = group;
    pthread_mutex_init(&x->lock, NULL);
    x->memory = code_memory_new(xlate_code_size);
    if (xlate_in_background)
        x->background = background_new(&background_calls, x);
    if (!x->memory) {
        xlate_free(x);
        return NULL;
    }
    if (xlate_cache_path)
        x->cache = cache_open(xlate_cache_path, keep_key(), xlate_cache_size);
    if (x->cache)
        x->placed = calloc(cache_records(x->cache) + 1, sizeof(*x->placed)); // untouched where nothing is loaded
    if (x->cache && !x->placed) {
        cache_close(x->cache);
        x->cache = NULL;
    }
    x->changes = 1;
    x->written_at = clock_ns();
    return x;
}

struct xlate *xlate_of(struct cpu *cpu)
{
    struct guest_mem *mem = cpu->group->mem;
    if (!target_available())
        return NULL;
    pthread_mutex_lock(&cpu->group->lock);
    if (!mem->xlate)
        mem->xlate = xlate_new(cpu->group);
    struct xlate *x = mem->xlate;
    if (mem->xlate)
        cpu->xlate_enter = target_enter(mem->xlate->memory);
    pthread_mutex_unlock(&cpu->group->lock);
    return x;
}

void xlate_stop(struct xlate *x)
{
    if (x->background)
        background_stop(x->background);
}

void xlate_free(struct xlate *x)
{
    if (!x)
        return;
    background_free(x->background);
    free(x->placed);
    cache_close(x->cache); // a file that cannot be written costs the next run some time, no more
    if (x->memory)
        code_memory_free(x->memory);
    pthread_mutex_destroy(&x->lock);
    free(x);
}

static void entry_store(struct dinsn *d, struct dinsn value)
{
    u64 word;
    memcpy(&word, &value, sizeof(word));
    __atomic_store_n((u64 *)(void *)d, word, __ATOMIC_RELEASE);
}

static u16 entry_op(const struct dinsn *d)
{
    return (u16)dinsn_load(d);
}

// Where execution leaves the region for code that is reached in no other way than by falling into it, count that.
static void mark_exits(const struct region_shape *shape, struct cpage *page)
{
    for (unsigned i = 0; i < shape->exits_len; i++) {
        struct dinsn *d = &page->insns[shape->exits[i]];
        u16 op = entry_op(d);
        if (op != OP_REGION && op != OP_BREAK && heat_get(page, shape->exits[i]) != HEAT_DONE)
            entry_store(d, code_unset(OP_WARM));
    }
}

static u64 word_of(struct dinsn value)
{
    u64 word;
    memcpy(&word, &value, sizeof(word));
    return word;
}

// (4): replaces the mark; false: it is not there any more.
static bool publish_entry(struct xlate *x, struct cpage *page, unsigned index, struct dinsn mark, const void *code)
{
    u64 address = (uintptr_t)code, pending = word_of(mark);
    assert(address >> 48 == 0);
    u64 region = word_of((struct dinsn){.op = OP_REGION, .aux = (u16)address, .insn = (u32)(address >> 16)});
    u64 *entry = (u64 *)(void *)&page->insns[index];
    if (!__atomic_compare_exchange_n(entry, &pending, region, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return false;
    heat_set(page, index, HEAT_DONE);
    target_link(x->memory, page, index, code);
    return true;
}

// The entry leads into the region that is being made anew.
static bool is_remade(const struct xlate *x, const struct dinsn *d)
{
    u64 word = dinsn_load(d);
    return x->remade.page && (word & 0xffff) == OP_REGION && (word >> 16) - (uintptr_t)x->remade.start < x->remade.size;
}

// (10)
static void mark_jumps_stale(struct xlate *x)
{
    for (u32 i = 0; i < x->group->len; i++)
        atomic_store(&x->group->cpus[i]->jumps_stale, true);
}

// Exclusively.
static void forget_all_jumps(struct xlate *x)
{
    for (u32 i = 0; i < x->group->len; i++)
        mmu_forget_jumps(x->group->cpus[i]);
}

// (4), the places behind calls being entries, too, where there are no others; false: something was written in the meantime.
static bool publish(struct xlate *x, struct cpage *page, unsigned index, u32 version)
{
    struct target_code *code = &x->code;
    const struct dinsn mark = {.op = OP_WARM, .aux = WARM_PENDING};
    entry_store(&page->insns[index], mark);
    target_expect_link(x->memory, page, index);
    for (unsigned i = 0; i < code->returns_len; i++) {
        struct dinsn *d = &page->insns[code->returns[i].index];
        if ((entry_op(d) == OP_REGION && !is_remade(x, d)) || entry_op(d) == OP_BREAK) {
            code->returns[i].code = NULL;
            continue;
        }
        entry_store(d, mark);
        target_expect_link(x->memory, page, code->returns[i].index);
    }
    for (unsigned i = 0; i < ARRAY_LEN(page->covered); i++) {
        if (x->shape.covered[i])
            atomic_fetch_or(&page->covered[i], x->shape.covered[i]);
    }
    atomic_thread_fence(memory_order_seq_cst);
    bool current = atomic_load(&page->version) == version;
    bool published = current && publish_entry(x, page, index, mark, code->entry);
    if (!current)
        entry_store(&page->insns[index], code_unset(OP_DECODE));
    for (unsigned i = 0; i < code->returns_len; i++) {
        if (!code->returns[i].code)
            continue;
        if (!current)
            entry_store(&page->insns[code->returns[i].index], code_unset(OP_DECODE));
        else
            publish_entry(x, page, code->returns[i].index, mark, code->returns[i].code);
    }
    if (x->remade.page) // the old one is as right, but slower
        mark_jumps_stale(x);
    return published;
}

// Under lock: from the cache.
static bool load(struct xlate *x, struct cpu *cpu, struct cpage *page, unsigned index, struct kept *kept)
{
    const struct guest_mem *mem = x->group->mem;
    if (!x->cache || xlate_trace || x->group->debug)
        return false;
    u64 name = keep_name(mem, page, index, cpu->isa_level);
    bool more = true;
    for (unsigned n = 0; more; n++) {
        u32 number;
        size_t size = cache_read(x->cache, name, n, x->record, sizeof(x->record), &more, &number);
        if (!size)
            continue;
        struct placed *placed = &x->placed[number];
        const void *there = placed->page == page && placed->changes == x->changes ? placed->code : NULL;
        if (!keep_read(x->memory, mem, page, index, cpu->isa_level, x->record, size, there, &x->shape, &x->code, kept))
            continue;
        *placed = (struct placed){page, x->code.start, x->changes};
        return true;
    }
    return false;
}

// Under lock: `made` was published, so what is in memory is what it was made of as long as version stays.
static void save(struct xlate *x, struct cpu *cpu, struct cpage *page, unsigned index, struct kept kept, u32 version)
{
    const struct guest_mem *mem = x->group->mem;
    if (!x->cache || x->group->debug)
        return;
    u64 name = keep_name(mem, page, index, cpu->isa_level);
    size_t size = keep_write(x->memory, mem, page, index, cpu->isa_level, &x->shape, &x->code, kept, x->record,
                             sizeof(x->record));
    atomic_thread_fence(memory_order_seq_cst);
    if (!size || atomic_load(&page->version) != version)
        return;
    cache_add(x->cache, name, x->record, size);
    x->stats.kept++;
}

static u64 lines_covered(const struct region_shape *shape)
{
    static_assert(CODE_LINE_INSNS == 16, "four lines in a word");
    u64 lines = 0;
    for (unsigned i = 0; i < 64; i++)
        lines |= (u64)((shape->covered[i / 4] >> i % 4 * CODE_LINE_INSNS & 0xffff) != 0) << i;
    return lines;
}

// Under lock: forms and compiles.
static bool make(struct xlate *x, struct cpu *cpu, struct cpage *page, unsigned index, struct kept *kept)
{
    const struct ir_region *r = NULL;
    bool made = false;
    // Before they are looked at: more of them only make it better than it says.
    for (unsigned i = 0; i < ARRAY_LEN(kept->no_memo); i++) {
        kept->no_memo[i] = atomic_load(&page->no_memo[i]);
        kept->no_share[i] = atomic_load(&page->no_share[i]);
    }
    for (unsigned limit = REGION_INSNS; !made && limit > 8; limit /= 4) { // smaller where the back end cannot do it
        if (!region_form(&x->tables, &x->region, &x->shape, cpu, page, index, limit)) {
            mark_exits(&x->shape, page);
            return false;
        }
        r = pass_all(&x->tables, &x->region, &x->optimised);
        x->region.lines = x->optimised.lines = lines_covered(&x->shape);
        u16 len = r->len;
        pass_strip(&x->tables, &x->optimised);
        made = target_compile(x->memory, r, &x->code);
        if (!made && r->len != len) { // too large with copies of loops
            r = pass_all(&x->tables, &x->region, &x->optimised);
            made = target_compile(x->memory, r, &x->code);
        }
    }
    if (made && xlate_trace) {
        const void *bytes;
        size_t size = target_last_code(&bytes);
        xlate_trace(r, bytes, size);
    }
    if (made) {
        kept->guest_insns = r->guest_insns;
        kept->ir_insns = r->len;
        kept->accesses = 0;
        for (unsigned i = 0; i < r->len; i++)
            kept->accesses += ir_access_bytes(&r->insns[i]) != 0;
    }
    return made;
}

static struct pruned *pruned_at(struct xlate *x, const struct cpage *page, unsigned index)
{
    return &x->pruned[((uintptr_t)page / sizeof(*page) * 37 + index) % PRUNED_LEN];
}

// Under lock: places that the region just made left out.
static void note_pruned(struct xlate *x, struct cpage *page, unsigned entry)
{
    unsigned times = x->remade.page ? x->remade.times + 1u : 0;
    for (unsigned i = 0; i < x->shape.pruned_len && times < REMAKES; i++) {
        *pruned_at(x, page, x->shape.pruned[i]) = (struct pruned){.page = page,
                                                                  .start = x->code.start,
                                                                  .size = x->code.size,
                                                                  .changes = x->changes,
                                                                  .index = x->shape.pruned[i],
                                                                  .entry = (u16)entry,
                                                                  .times = (u8)times};
    }
}

// Under lock.
static bool translate(struct xlate *x, struct cpu *cpu, struct cpage *page, unsigned index)
{
    struct kept kept;
    const bool again = x->remade.page != NULL;
    if (entry_op(&page->insns[index]) == OP_REGION && !again) // two threads wanted it
        return true;
    u32 version = atomic_load(&page->version); // (4)
    atomic_thread_fence(memory_order_seq_cst);
    bool loaded = !again && load(x, cpu, page, index, &kept);
    if (!loaded && !make(x, cpu, page, index, &kept)) {
        enum code_room room = code_memory_room(x->memory);
        if (room == ROOM_MORE)
            return translate(x, cpu, page, index);
        if (room != ROOM_ENOUGH) {
            atomic_store(&x->full, true);
            cpu_kick(cpu, ATTN_REQUEST);
        }
        return false;
    }
    if (xlate_perf_map)
        fprintf(xlate_perf_map, "%llx %zx guest_%016llx\n", (unsigned long long)(uintptr_t)x->code.start, x->code.size,
                (unsigned long long)x->ea);
    struct target_code code = x->code; // publishing leaves out what others were faster with
    if (!publish(x, page, index, version)) {
        heat_set(page, index, 0);
        return true;
    }
    mark_exits(&x->shape, page);
    x->code = code;
    if (!loaded)
        note_pruned(x, page, index);
    if (!loaded)
        save(x, cpu, page, index, kept, version);
    x->stats.loaded += loaded;
    x->stats.regions++;
    x->stats.insns += kept.guest_insns;
    x->stats.ir_insns += kept.ir_insns;
    x->stats.accesses += kept.accesses;
    return true;
}

static u32 now_ms(void)
{
    return (u32)(clock_ns() / 1000000);
}

static bool is_left_alone(const struct cpage *page)
{
    return page->drops >= DROPS_MAX && now_ms() - page->dropped_at < DROPS_QUIET;
}

// Under lock. A place that a loop's region left out is executed after all: the region is made anew. False: it is no such place.
static bool remake(struct xlate *x, struct cpu *cpu, struct cpage *page, unsigned index)
{
    struct pruned *p = pruned_at(x, page, index);
    x->remade = *p;
    if (p->page != page || p->index != index || p->changes != x->changes || !is_remade(x, &page->insns[p->entry])) {
        x->remade.page = NULL;
        return false;
    }
    p->page = NULL;
    bool made = translate(x, cpu, page, x->remade.entry);
    x->remade.page = NULL;
    if (made)
        heat_set(page, index, xlate_heat_limit / 2u); // for others that come here
    x->stats.remade += made;
    return made;
}

// Under lock.
static void translate_hot(struct xlate *x, struct cpu *cpu, struct cpage *page, unsigned index)
{
    if (is_left_alone(page)) {
        heat_set(page, index, 0); // later
        return;
    }
    s64 start = processor_time();
    u64 loaded = x->stats.loaded;
    if (!remake(x, cpu, page, index) && !translate(x, cpu, page, index)) {
        bool full = atomic_load(&x->full);
        heat_set(page, index, full ? xlate_heat_limit / 2u : HEAT_DONE);
        x->stats.refused += !full;
    }
    u64 *sum = x->stats.loaded != loaded ? &x->stats.load_nanoseconds : &x->stats.nanoseconds;
    *sum += (u64)(processor_time() - start);
}

static bool covers(const struct cpage *page, unsigned first, unsigned last);

static void do_work(void *arg, const struct work *work)
{
    struct xlate *x = arg;
    struct cpage *page = work->page;
    struct dinsn *d = &page->insns[work->index];
    if (!heat_waits(heat_get(page, work->index))) // done, or gone, in the meantime
        return;
    if (entry_op(d) == OP_REGION) { // done, and a processor's count has come after that
        heat_set(page, work->index, HEAT_DONE);
        return;
    }
    // Places of one loop become hot together, and the region of the first one has them all: they have to become hot once more.
    if (!work->again && covers(page, work->index, work->index)) {
        heat_set(page, work->index, 0);
        entry_store(d, (struct dinsn){.op = OP_WARM, .aux = WARM_AGAIN});
        return;
    }
    x->ea = work->ea;
    heat_set(page, work->index, HEAT_DONE);
    translate_hot(x, work->cpu, page, work->index);
    x->stats.background++;
}

void xlate_hot(struct cpu *cpu, struct cpage *page, unsigned index)
{
    struct xlate *x = cpu->xlate;
    if (cpu->ea_mask != ~0ull || atomic_load(&x->full)) {
        heat_set(page, index, xlate_heat_limit / 2);
        return;
    }
    if (is_left_alone(page)) { // nobody is woken for that
        heat_set(page, index, 0);
        return;
    }
    if (x->cache &&
        !(atomic_load_explicit(&page->probed[index / 64], memory_order_relaxed) >> (index % 64) & 1)) { // (9)
        atomic_fetch_or_explicit(&page->probed[index / 64], 1ull << (index % 64), memory_order_relaxed);
        if (!cache_has(x->cache, keep_name(x->group->mem, page, index, cpu->isa_level))) {
            heat_set(page, index, 1);
            return;
        }
    }
    u64 word = dinsn_load(&page->insns[index]);
    struct work work = {.cpu = cpu,
                        .page = page,
                        .index = (u16)index,
                        .ea = cpu->page_ea + index * 4,
                        .again = (u32)word == (OP_WARM | WARM_AGAIN << 16)};
    heat_set(page, index, HEAT_WAITS); // counted from there: it comes first again
    if (x->background && background_put(x->background, work))
        return;
    if (pthread_mutex_trylock(&x->lock)) {
        heat_set(page, index, xlate_heat_limit / 2);
        return;
    }
    x->ea = work.ea;
    heat_set(page, index, HEAT_DONE); // nobody counts any more
    translate_hot(x, cpu, page, index);
    pthread_mutex_unlock(&x->lock);
}

// Code that is there is worth having earlier than code that has to be made.
unsigned xlate_first_heat(const struct xlate *x)
{
    return x && x->cache && cache_records(x->cache) ? xlate_heat_limit / 2u : 0;
}

bool xlate_wants_flush(const struct xlate *x)
{
    return atomic_load_explicit(&x->full, memory_order_relaxed);
}

// (5) Exclusively.
static void evict(struct xlate *x)
{
    const struct guest_mem *mem = x->group->mem;
    struct code_range gone = code_memory_evict(x->memory);
    u32 pages = MIN(atomic_load(&mem->code_used), CODE_PAGES_MAX);
    for (u32 n = 0; n < pages; n++) {
        struct cpage *page = &mem->code_arena[n];
        u64 covered = 0;
        for (unsigned i = 0; i < ARRAY_LEN(page->covered); i++)
            covered |= atomic_load(&page->covered[i]);
        for (unsigned i = 0; covered && i < CODE_PAGE_INSNS; i++) {
            u64 word = dinsn_load(&page->insns[i]);
            if ((word & 0xffff) != OP_REGION || (word >> 16) - gone.start >= gone.size)
                continue;
            entry_store(&page->insns[i], code_unset(OP_WARM));
            heat_set(page, i, 0);
        }
    }
    forget_all_jumps(x);
    x->changes++;
    x->stats.code_size += gone.size;
    x->stats.evictions++;
    atomic_store(&x->full, false);
}

void xlate_flush(struct cpu *cpu)
{
    struct xlate *x = cpu->xlate;
    group_exclusive_begin(cpu->group, cpu);
    if (atomic_load(&x->full)) {
        enum code_room room = code_memory_room(x->memory);
        if (room == ROOM_RESET)
            code_flush_all(cpu->group);
        else if (room == ROOM_EVICT)
            evict(x);
        else
            atomic_store(&x->full, false);
    }
    group_exclusive_end(cpu->group, cpu);
}

void xlate_reset(struct xlate *x)
{
    x->stats.code_size += code_memory_used(x->memory);
    x->stats.flushes++;
    x->changes++;
    if (x->background)
        background_clear(x->background);
    code_memory_reset(x->memory);
    forget_all_jumps(x);
    atomic_store(&x->full, false);
}

static bool covers(const struct cpage *page, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++) {
        if (atomic_load_explicit(&page->covered[i / 64], memory_order_relaxed) >> (i % 64) & 1)
            return true;
    }
    return false;
}

static u64 lines_of(unsigned first, unsigned last)
{
    return ~0ull >> (63 - last / CODE_LINE_INSNS) & ~0ull << first / CODE_LINE_INSNS;
}

// (4): those that were made of any of the lines around [first, last], and those that somebody is about to publish, whatever they are made of. No region
// covers anything there then. Their places become `hot` so far.
static void drop_regions(struct xlate *x, struct cpage *page, unsigned first, unsigned last, unsigned hot)
{
    const u64 lines = lines_of(first, last);
    u64 gone[CODE_PAGE_INSNS / 64] = {0};
    for (unsigned i = 0; i < 64; i++) {
        const u64 line = 0xffffull << i % 4 * CODE_LINE_INSNS;
        if (!(lines >> i & 1))
            continue;
        atomic_fetch_and(&page->covered[i / 4], ~line);
        atomic_fetch_and_explicit(&page->jumped[i / 4], ~line, memory_order_relaxed);
    }
    atomic_thread_fence(memory_order_seq_cst);
    for (unsigned i = 0; i < CODE_PAGE_INSNS; i++) {
        u64 word = dinsn_load(&page->insns[i]);
        bool written = lines >> i / CODE_LINE_INSNS & 1, region = (word & 0xffff) == OP_REGION,
             warm = (word & 0xffff) == OP_WARM;
        if (region ? !(target_lines((const void *)(uintptr_t)(word >> 16)) & lines)
                   : !written && (u32)word != (OP_WARM | WARM_PENDING << 16))
            continue;
        gone[i / 64] |= 1ull << i % 64;
        if (region || warm)
            entry_store(&page->insns[i], code_unset(OP_DECODE));
        heat_set(page, i, region ? hot : 0);
    }
    target_unlink(x->memory, page, gone);
}

void xlate_written(struct xlate *x, struct cpage *page, unsigned first, unsigned last)
{
    atomic_fetch_add(&page->version, 1);
    atomic_thread_fence(memory_order_seq_cst); // (4)
    if (likely(!covers(page, first, last)))
        return;
    drop_regions(x, page, first, last, 0);
    u32 now = now_ms();
    page->drops = now - page->dropped_at > DROPS_WITHIN ? 1u : MIN(page->drops + 1u, DROPS_MAX);
    page->dropped_at = now;
    mark_jumps_stale(x);
    for (u32 i = 0; i < x->group->len; i++) // (3)
        atomic_fetch_or(&x->group->cpus[i]->attn, ATTN_REQUEST);
}

#define MEMO_NEAR 32u

// The memo of a load or store.
static u32 memo_of(const struct cpu *cpu, const struct cpage *page, unsigned index)
{
    u32 insn =
        __atomic_load_n((const u32 *)(const void *)(cpu->group->mem->base + page->gra + index * 4), __ATOMIC_RELAXED);
    insn = page->big_endian ? __builtin_bswap32(insn) : insn;
    return ir_memo(insn);
}

void xlate_memo_failed(struct cpu *cpu)
{
    const u32 what = cpu->memo_failed;
    const struct ftlb_entry *fetch = ftlb_slot(cpu, cpu->memo_failed_page);
    unsigned index = what >> FIND_INDEX_SHIFT & FIND_INDEX_MASK;
    cpu->memo_failed = 0;
    if (!ftlb_hit(fetch, cpu->memo_failed_page)) // it will be back
        return;
    struct cpage *page = fetch->page;
    // Accesses nearby share the memo, and its misses.
    u32 memo = memo_of(cpu, page, index);
    for (unsigned i = index - MIN(index, MEMO_NEAR); i <= MIN(index + MEMO_NEAR, CODE_PAGE_INSNS - 1u); i++) {
        if (memo_of(cpu, page, i) == memo)
            atomic_fetch_or(what & FIND_CROSSED ? &page->no_share[i / 64] : &page->no_memo[i / 64], 1ull << i % 64);
    }
    drop_regions(cpu->xlate, page, index, index, xlate_heat_limit / 4 * 3);
    mark_jumps_stale(cpu->xlate);
    mmu_forget_jumps(cpu);
}

struct xlate_stats xlate_stats(struct xlate *x)
{
    pthread_mutex_lock(&x->lock); // the helper thread may be at work
    struct xlate_stats s = x->stats;
    pthread_mutex_unlock(&x->lock);
    s.code_size += code_memory_used(x->memory);
    u32 longest = 0, refused = 0;
    if (x->background)
        background_counts(x->background, &longest, &refused);
    s.queue_longest = longest;
    s.queue_refused = refused;
    for (u32 i = 0; i < x->group->len; i++) {
        for (unsigned cause = 0; cause < XLATE_EXITS; cause++)
            s.exits[cause] += x->group->cpus[i]->xlate_exits[cause];
        s.finds += x->group->cpus[i]->finds;
        s.executed += x->group->cpus[i]->xlate_insns;
    }
    return s;
}
