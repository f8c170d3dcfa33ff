// SPDX-License-Identifier: Apache-2.0
// For hosts without a back end: everything is interpreted.
#include "cpu/xlate/target.h"

struct code_memory *code_memory_new(size_t size)
{
    return NULL;
}

void code_memory_free(struct code_memory *m) {}
void code_memory_reset(struct code_memory *m) {}

size_t code_memory_used(const struct code_memory *m)
{
    return 0;
}

bool target_compile(struct code_memory *m, const struct ir_region *r, struct target_code *out)
{
    return false;
}

interp_op *target_enter(const struct code_memory *m)
{
    return NULL;
}

void target_expect_link(struct code_memory *m, struct cpage *page, unsigned index) {}
void target_link(struct code_memory *m, struct cpage *page, unsigned index, const void *code) {}
void target_unlink(struct code_memory *m, const struct cpage *page, const u64 *places) {}
u64 target_lines(const void *code)
{
    return ~0ull;
}

size_t target_last_code(const void **code)
{
    *code = NULL;
    return 0;
}

bool target_available(void)
{
    return false;
}

bool target_vector(unsigned op)
{
    return true;
}

bool target_limit(unsigned less)
{
    return false;
}

size_t target_save(struct code_memory *m, const struct cpage *page, const struct target_code *code, void *to, size_t size)
{
    return 0;
}

bool target_load(struct code_memory *m, struct cpage *page, const void *from, size_t size, const void *there, struct target_code *out)
{
    return false;
}

bool target_saved_ok(const void *from, size_t size)
{
    return false;
}

u64 target_host(void)
{
    return 0;
}

void target_prepare(struct cpu *cpu, bool refills)
{
    (void)cpu, (void)refills;
}

enum code_room code_memory_room(struct code_memory *m)
{
    return ROOM_ENOUGH;
}

struct code_range code_memory_evict(struct code_memory *m)
{
    return (struct code_range){0};
}
