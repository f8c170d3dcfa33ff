// SPDX-License-Identifier: Apache-2.0
// Code that outlives the process: what it names outside of itself is replaced by what these things are (target.h).
#include <string.h>

#include "cpu/code.h"
#include "cpu/xlate/x86/codemem.h"
#include "cpu/xlate/x86/comp.h"
#include "cpu/xlate/xlate.h"

// The program, as the linker has laid it out.
extern const char __executable_start[], _end[];

enum saved_kind {
    SAVED_PROGRAM, // value: offset in the program
    SAVED_STUB,    // which of struct link_stubs
    SAVED_FINDER,  // which one, by its registers
    SAVED_CELL,    // the cell of this instruction of the page
    SAVED_PAGE,    // 64 bits: the predecoded page
    SAVED_KINDS,
};

struct saved_reloc {
    u32 at, kind, value;
};

struct saved_return {
    u32 index, offset;
};

// Returns, relocs and the code follow.
struct saved {
    u64 lines;
    u32 code_size, entry;
    u32 returns_len, relocs_len;
};

#define STUBS (sizeof(struct link_stubs) / sizeof(void *))

static const void *stub(const struct code_memory *m, unsigned n)
{
    const void *out;
    memcpy(&out, (const u8 *)&m->stubs + n * sizeof(out), sizeof(out));
    return out;
}

static bool classify(const struct code_memory *m, const struct cpage *page, const struct reloc *r,
                     struct saved_reloc *out)
{
    const u64 program = (uintptr_t)__executable_start, cells = (uintptr_t)m->cells;
    out->at = r->at;
    if (r->kind == RELOC_ABS64) {
        out->kind = SAVED_PAGE;
        out->value = 0;
        return r->to == (uintptr_t)page;
    }
    if (r->to >= program && r->to < (uintptr_t)_end) {
        out->kind = SAVED_PROGRAM;
        out->value = (u32)(r->to - program);
        return (r->to - program) >> 32 == 0;
    }
    if (r->to >= cells && r->to < cells + m->cells_used * sizeof(struct link_cell)) {
        const struct link_cell *cell = &m->cells[(r->to - cells) / sizeof(struct link_cell)];
        out->kind = SAVED_CELL;
        out->value = cell->offset / (u32)sizeof(struct dinsn);
        return cell->page == page && r->to == (uintptr_t)cell;
    }
    const u64 finders = (uintptr_t)link_finder(m, 0, 0);
    if (r->to - finders < FINDERS * FINDER_SIZE) {
        out->kind = SAVED_FINDER;
        out->value = (u32)(r->to - finders) / FINDER_SIZE;
        return (r->to - finders) % FINDER_SIZE == 0;
    }
    out->kind = SAVED_STUB;
    for (out->value = 0; out->value < STUBS; out->value++) {
        if (r->to == (uintptr_t)stub(m, out->value))
            return true;
    }
    return false;
}

static u32 width(u32 kind)
{
    return kind == SAVED_PAGE ? 8 : 4;
}

size_t target_save(struct code_memory *m, const struct cpage *page, const struct target_code *code, void *to,
                   size_t size)
{
    size_t all = 0;
    pthread_mutex_lock(&m->lock);
    const struct code *c = &m->comp->c;
    const uintptr_t run = (uintptr_t)c->start + (uintptr_t)c->exec;
    struct saved head = {.lines = m->comp->r->lines, .code_size = (u32)(c->at - c->start), .relocs_len = c->relocs_len};
    head.entry = (u32)((uintptr_t)code->entry - run);
    for (unsigned i = 0; i < code->returns_len; i++)
        head.returns_len += code->returns[i].code != NULL;
    size_t needed = sizeof(head) + head.returns_len * sizeof(struct saved_return) +
                    head.relocs_len * sizeof(struct saved_reloc) + head.code_size;
    if (c->fixed || needed > size)
        goto out;
    u8 *at = to;
    memcpy(at, &head, sizeof(head));
    at += sizeof(head);
    for (unsigned i = 0; i < code->returns_len; i++) {
        if (!code->returns[i].code)
            continue;
        struct saved_return r = {code->returns[i].index, (u32)((uintptr_t)code->returns[i].code - run)};
        memcpy(at, &r, sizeof(r));
        at += sizeof(r);
    }
    u8 *bytes = at + head.relocs_len * sizeof(struct saved_reloc);
    memcpy(bytes, c->start, head.code_size);
    for (u32 i = 0; i < head.relocs_len; i++) {
        struct saved_reloc r;
        if (!classify(m, page, &c->relocs[i], &r))
            goto out;
        memcpy(at, &r, sizeof(r));
        at += sizeof(r);
        memset(bytes + r.at, 0, width(r.kind));
    }
    all = needed;
out:
    pthread_mutex_unlock(&m->lock);
    return all;
}

struct view {
    struct saved head;
    const u8 *returns, *relocs, *code;
};

static struct saved_return return_at(const struct view *v, u32 i)
{
    struct saved_return r;
    memcpy(&r, v->returns + i * sizeof(r), sizeof(r));
    return r;
}

static struct saved_reloc reloc_at(const struct view *v, u32 i)
{
    struct saved_reloc r;
    memcpy(&r, v->relocs + i * sizeof(r), sizeof(r));
    return r;
}

static bool parse(struct view *v, const void *from, size_t size)
{
    if (size < sizeof(v->head))
        return false;
    memcpy(&v->head, from, sizeof(v->head));
    const struct saved *h = &v->head;
    if (h->returns_len > IR_BLOCKS_MAX || h->relocs_len > RELOCS_MAX || !h->code_size || h->entry >= h->code_size)
        return false;
    v->returns = (const u8 *)from + sizeof(*h);
    v->relocs = v->returns + h->returns_len * sizeof(struct saved_return);
    v->code = v->relocs + h->relocs_len * sizeof(struct saved_reloc);
    size_t before = (size_t)(v->code - (const u8 *)from);
    if (size < before || size - before != h->code_size)
        return false;
    for (u32 i = 0; i < h->returns_len; i++) {
        struct saved_return r = return_at(v, i);
        if (r.index >= CODE_PAGE_INSNS || r.offset >= h->code_size)
            return false;
    }
    u64 end = 0;
    const u64 program = (u64)(_end - __executable_start);
    for (u32 i = 0; i < h->relocs_len; i++) { // in the order of their places, none within another
        struct saved_reloc r = reloc_at(v, i);
        const u64 limits[SAVED_KINDS] = {[SAVED_PROGRAM] = program,
                                         [SAVED_STUB] = STUBS,
                                         [SAVED_FINDER] = FINDERS,
                                         [SAVED_CELL] = CODE_PAGE_INSNS,
                                         [SAVED_PAGE] = 1};
        if (r.kind >= SAVED_KINDS || r.value >= limits[r.kind] || r.at < end || r.at > h->code_size ||
            width(r.kind) > h->code_size - r.at)
            return false;
        end = (u64)r.at + width(r.kind);
    }
    return true;
}

bool target_saved_ok(const void *from, size_t size)
{
    struct view v;
    return parse(&v, from, size);
}

static bool relocate(struct code_memory *m, struct cpage *page, const struct code *c, const struct saved_reloc *r)
{
    u64 to = 0;
    u8 *at = c->start + r->at;
    switch (r->kind) {
    case SAVED_PAGE:
        to = (uintptr_t)page;
        memcpy(at, &to, 8);
        return true;
    case SAVED_PROGRAM: to = (uintptr_t)__executable_start + r->value; break;
    case SAVED_STUB: to = (uintptr_t)stub(m, r->value); break;
    case SAVED_FINDER: to = (uintptr_t)link_finder(m, r->value / 16, r->value % 16); break;
    default: to = (uintptr_t)link_cell(m, page, r->value); break;
    }
    s64 disp = (s64)(to - ((uintptr_t)at + (uintptr_t)c->exec + 4));
    u32 field = (u32)disp;
    memcpy(at, &field, 4);
    return to && disp == (s32)disp;
}

// The code in memory; NULL: there is no room, or something is out of reach. Under lock.
static const u8 *place(struct code_memory *m, struct cpage *page, const struct view *v)
{
    struct code c = code_memory_begin(m, v->head.lines);
    if (c.full || (size_t)(c.end - c.start) < v->head.code_size)
        return NULL;
    memcpy(c.start, v->code, v->head.code_size);
    for (u32 i = 0; i < v->head.relocs_len; i++) {
        struct saved_reloc r = reloc_at(v, i);
        if (!relocate(m, page, &c, &r))
            return NULL;
    }
    c.at = c.start + v->head.code_size;
    return code_memory_commit(m, &c);
}

bool target_load(struct code_memory *m, struct cpage *page, const void *from, size_t size, const void *there,
                 struct target_code *out)
{
    struct view v;
    if (!parse(&v, from, size))
        return false;
    const u8 *run = there;
    if (!run) {
        pthread_mutex_lock(&m->lock);
        run = place(m, page, &v);
        pthread_mutex_unlock(&m->lock);
    }
    if (!run)
        return false;
    out->start = run;
    out->size = v.head.code_size;
    out->entry = run + v.head.entry;
    out->returns_len = (u16)v.head.returns_len;
    for (u32 i = 0; i < v.head.returns_len; i++) {
        struct saved_return r = return_at(&v, i);
        out->returns[i].index = (u16)r.index;
        out->returns[i].code = run + r.offset;
    }
    return true;
}

u64 target_host(void)
{
    u64 out = xlate_links;
    const u8 *features = (const u8 *)&x86_features;
    for (size_t i = 0; i < sizeof(x86_features); i++)
        out = (out ^ features[i]) * 0x100000001b3ull;
    return out;
}
