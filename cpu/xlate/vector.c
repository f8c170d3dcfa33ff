// SPDX-License-Identifier: Apache-2.0
#include "cpu/xlate/vector.h"

#include <stdio.h>

static const struct {
    const char *name;
    unsigned operands;
} rows[VEC_OPS] = {
#define LANES(name, operands, f, type, expr) {#name, operands},
#define WHOLE(name, operands, expr)          {#name, operands},
#include "cpu/xlate/vector.def"
#undef LANES
#undef WHOLE
};

bool vector_check(u64 imm, unsigned operands)
{
    return VEC_OP(imm) < VEC_OPS && rows[VEC_OP(imm)].operands == operands;
}

void vector_print(u64 imm, char *text, size_t size)
{
    if (VEC_OP(imm) < VEC_OPS)
        snprintf(text, size, " %s#%llx", rows[VEC_OP(imm)].name, (unsigned long long)VEC_IMM(imm));
}

static union vsr vec_splat64(u64 n)
{
    return (union vsr){.d = {n, n}};
}

static union vsr vec_dwords(const union vsr *a, const union vsr *b, u64 n)
{
    return (union vsr){.d = {b->d[n & 1], a->d[n >> 1 & 1]}};
}

static union vsr vec_words(const union vsr *a, u64 n)
{
    return (union vsr){.w = {a->w[n & 3], a->w[n >> 2 & 3], a->w[n >> 4 & 3], a->w[n >> 6 & 3]}};
}

static union vsr vec_reverse(const union vsr *a, u64 n)
{
    union vsr v;
    for (unsigned i = 0; i < 16; i++)
        v.b[i] = a->b[i ^ (n - 1)];
    return v;
}

#define ELEMENTS(f) ARRAY_LEN(((union vsr *)0)->f)
#define ELEMENT(f)  __typeof__(((union vsr *)0)->f[0])

union vsr vector_eval(u64 imm, const union vsr *pa, const union vsr *pb, const union vsr *pc)
{
    static const union vsr zero;
    u64 n = VEC_IMM(imm);
    union vsr v = zero;
    pa = pa ? pa : &zero;
    pb = pb ? pb : &zero;
    pc = pc ? pc : &zero;
    switch (VEC_OP(imm)) {
#define LANES(name, operands, f, type, expr)                                 \
    case VEC_##name:                                                         \
        for (unsigned i = 0; i < ELEMENTS(f); i++) {                         \
            type a = (type)pa->f[i], b = (type)pb->f[i], c = (type)pc->f[i]; \
            (void)a, (void)b, (void)c;                                       \
            v.f[i] = (ELEMENT(f))(expr);                                     \
        }                                                                    \
        return v;
#define WHOLE(name, operands, expr)                \
    case VEC_##name: {                             \
        const union vsr *a = pa, *b = pb, *c = pc; \
        (void)a, (void)b, (void)c, (void)n;        \
        return expr;                               \
    }
#include "cpu/xlate/vector.def"
#undef LANES
#undef WHOLE
    default: return v;
    }
}
