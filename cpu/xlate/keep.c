// SPDX-License-Identifier: Apache-2.0
#include "cpu/xlate/keep.h"

#include <link.h>
#include <string.h>

#include "cpu/interp.h"
#include "cpu/xlate/cache.h"

#define NAME_WORDS 4u // instructions from the entry on that make the name

// The words of the covered instructions, in their order, and the target's part follow.
struct record {
    u16 index;
    u8 big_endian, level;
    u16 words_len, exits_len;
    struct kept kept;
    u64 covered[CODE_PAGE_INSNS / 64];
    u16 exits[REGION_EXITS_MAX];
};

// All of the program that does not change: code, and tables that code was compiled for.
typedef u64 __attribute__((aligned(1), may_alias)) loose_u64;

// What lies between the program's constants is read as well, which the address sanitizer takes for an error.
__attribute__((no_sanitize("address"))) static u64 hash_segment(uintptr_t at, size_t size, u64 hash)
{
    u64 words[512];
    for (size_t n = 0; size >= sizeof(u64); n = 0) {
        for (; n < ARRAY_LEN(words) && size >= sizeof(u64); n++, at += sizeof(u64), size -= sizeof(u64))
            words[n] = *(const volatile loose_u64 *)at;
        hash = cache_hash(words, n * sizeof(u64), hash);
    }
    return hash;
}

static int hash_program(struct dl_phdr_info *info, size_t size, void *arg)
{
    u64 *hash = arg;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && !(p->p_flags & PF_W) && p->p_flags & PF_R)
            *hash = hash_segment(info->dlpi_addr + p->p_vaddr, p->p_memsz, *hash);
    }
    return 1; // the first one is the program
}

u64 keep_key(void)
{
    u64 hash = target_host();
    dl_iterate_phdr(hash_program, &hash);
    return hash;
}

static u32 word_at(const struct guest_mem *mem, const struct cpage *page, unsigned index)
{
    u32 word = __atomic_load_n((const u32 *)(const void *)(mem->base + page->gra + index * 4), __ATOMIC_RELAXED);
    return page->big_endian ? __builtin_bswap32(word) : word;
}

u64 keep_name(const struct guest_mem *mem, const struct cpage *page, unsigned index, unsigned level)
{
    u32 words[NAME_WORDS + 1] = {index | level << 16 | (u32)page->big_endian << 24};
    for (unsigned i = 0; i < NAME_WORDS && index + i < CODE_PAGE_INSNS; i++)
        words[1 + i] = word_at(mem, page, index + i);
    return cache_hash(words, sizeof(words), 1);
}

size_t keep_write(struct code_memory *m, const struct guest_mem *mem, const struct cpage *page, unsigned index,
                  unsigned level, const struct region_shape *shape, const struct target_code *code, struct kept kept,
                  void *to, size_t size)
{
    struct record r = {.index = (u16)index,
                       .big_endian = page->big_endian,
                       .level = (u8)level,
                       .exits_len = shape->exits_len,
                       .kept = kept};
    u32 *words = (u32 *)(void *)((u8 *)to + sizeof(r));
    if (size < sizeof(r) + CODE_PAGE_INSNS * sizeof(u32))
        return 0;
    memcpy(r.covered, shape->covered, sizeof(r.covered));
    memcpy(r.exits, shape->exits, shape->exits_len * sizeof(r.exits[0]));
    for (unsigned i = 0; i < CODE_PAGE_INSNS; i++) {
        if (shape->covered[i / 64] >> (i % 64) & 1)
            words[r.words_len++] = word_at(mem, page, i);
    }
    memcpy(to, &r, sizeof(r));
    size_t before = sizeof(r) + r.words_len * sizeof(u32);
    size_t target = target_save(m, page, code, (u8 *)to + before, size - before);
    return target ? before + target : 0;
}

// Where the target's part begins; 0: this is no record.
static size_t parse(struct record *r, const void *from, size_t size)
{
    if (size < sizeof(*r))
        return 0;
    memcpy(r, from, sizeof(*r));
    unsigned covered = 0;
    for (unsigned i = 0; i < ARRAY_LEN(r->covered); i++)
        covered += (unsigned)__builtin_popcountll(r->covered[i]);
    if (r->words_len != covered || r->exits_len > REGION_EXITS_MAX || size - sizeof(*r) < covered * sizeof(u32) ||
        r->index >= CODE_PAGE_INSNS || !(r->covered[r->index / 64] >> (r->index % 64) & 1))
        return 0;
    for (unsigned i = 0; i < r->exits_len; i++) {
        if (r->exits[i] >= CODE_PAGE_INSNS)
            return 0;
    }
    return sizeof(*r) + covered * sizeof(u32);
}

bool keep_ok(const void *from, size_t size)
{
    struct record r;
    size_t before = parse(&r, from, size);
    return before && target_saved_ok((const u8 *)from + before, size - before);
}

bool keep_read(struct code_memory *m, const struct guest_mem *mem, struct cpage *page, unsigned index, unsigned level,
               const void *from, size_t size, const void *there, struct region_shape *shape, struct target_code *code,
               struct kept *kept)
{
    struct record r;
    size_t before = parse(&r, from, size);
    if (!before || r.index != index || r.big_endian != page->big_endian || r.level != level)
        return false;
    const u8 *words = (const u8 *)from + sizeof(r);
    for (unsigned i = 0; i < ARRAY_LEN(r.covered); i++) {
        if (((atomic_load(&page->no_memo[i]) & ~r.kept.no_memo[i]) |
             (atomic_load(&page->no_share[i]) & ~r.kept.no_share[i])) &
            r.covered[i])
            return false;
        for (u64 left = r.covered[i]; left; left &= left - 1, words += sizeof(u32)) {
            u32 word = word_at(mem, page, i * 64 + (unsigned)__builtin_ctzll(left));
            if (memcmp(words, &word, sizeof(word)))
                return false;
        }
    }
    if (!target_load(m, page, (const u8 *)from + before, size - before, there, code))
        return false;
    memcpy(shape->covered, r.covered, sizeof(r.covered));
    memcpy(shape->exits, r.exits, sizeof(r.exits));
    shape->exits_len = r.exits_len;
    for (unsigned i = 0; i < ARRAY_LEN(r.covered); i++) { // for what is compiled around it
        atomic_fetch_or(&page->no_memo[i], r.covered[i] & r.kept.no_memo[i]);
        atomic_fetch_or(&page->no_share[i], r.covered[i] & r.kept.no_share[i]);
    }
    *kept = r.kept;
    return true;
}
