// SPDX-License-Identifier: Apache-2.0
#include "cpu/xlate/vector.h"

#include <stdio.h>

#include "base/bits.h"
#include "cpu/xlate/xlate_hooks.h"

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

static union vsr vec_quad(u128 q)
{
    return (union vsr){.q = q};
}

#define MULTIPLY(name, sf, type, f, wide)                                                               \
    static union vsr vec_multiply_##name(const union vsr *a, const union vsr *b, u64 n)                 \
    {                                                                                                   \
        union vsr v;                                                                                    \
        for (unsigned i = 0; i < ARRAY_LEN(v.f); i++)                                                   \
            v.f[i] = (__typeof__(v.f[0]))((wide)(type)a->sf[2 * i + n] * (wide)(type)b->sf[2 * i + n]); \
        return v;                                                                                       \
    }
MULTIPLY(u8, b, u8, h, u32)
MULTIPLY(s8, b, s8, h, s32)
MULTIPLY(u16, h, u16, w, u32)
MULTIPLY(s16, h, s16, w, s32)
MULTIPLY(u32, w, u32, d, u64)
MULTIPLY(s32, w, s32, d, s64)

static union vsr vec_multiply_add(const union vsr *a, const union vsr *b)
{
    union vsr v;
    for (unsigned i = 0; i < 4; i++)
        v.w[i] =
            (u32)((s32)(s16)a->h[2 * i] * (s16)b->h[2 * i]) + (u32)((s32)(s16)a->h[2 * i + 1] * (s16)b->h[2 * i + 1]);
    return v;
}

static union vsr vec_permute(const union vsr *a, const union vsr *b, const union vsr *c, u64 n)
{
    union vsr v;
    for (unsigned i = 0; i < 16; i++) {
        unsigned k = (c->b[i] ^ (unsigned)n) & 31;
        v.b[i] = k < 16 ? b->b[k] : a->b[k - 16];
    }
    return v;
}

static union vsr vec_merge(const union vsr *a, const union vsr *b, unsigned size, unsigned first)
{
    union vsr v;
    for (unsigned i = 0; i < 16; i++) {
        unsigned from = first + i / (2 * size) * size + i % size;
        v.b[i] = i / size & 1 ? a->b[from] : b->b[from];
    }
    return v;
}

static union vsr vec_pack(const union vsr *a, const union vsr *b, unsigned size)
{
    union vsr v;
    for (unsigned i = 0; i < 16; i++) {
        unsigned half = size / 2, from = i % 8 / half * size + i % half;
        v.b[i] = i < 8 ? b->b[from] : a->b[from];
    }
    return v;
}

static union vsr vec_pack_clamped(const union vsr *a, const union vsr *b, unsigned size, s32 low, s32 high)
{
    union vsr ca, cb;
    for (unsigned i = 0; i < 8; i++) {
        ca.h[i] = (u16)MAX(MIN((s16)a->h[i], high), low);
        cb.h[i] = (u16)MAX(MIN((s16)b->h[i], high), low);
    }
    for (unsigned i = 0; size == 4 && i < 4; i++) {
        ca.w[i] = (u32)MAX(MIN((s32)a->w[i], high), low);
        cb.w[i] = (u32)MAX(MIN((s32)b->w[i], high), low);
    }
    return vec_pack(&ca, &cb, size);
}

static union vsr vec_extend(const union vsr *a, unsigned size)
{
    union vsr v;
    for (unsigned i = 0; i < 16; i++) {
        unsigned lane = i / (2 * size);
        v.b[i] = i % (2 * size) < size ? a->b[lane * size + i % size] : a->b[lane * size + size - 1] >> 7 ? 0xff : 0;
    }
    return v;
}

// By the instruction's own semantics, which count the bytes from the other end.
static union vsr vec_aes(const union vsr *a, const union vsr *b, enum insn_id id)
{
    struct cpu cpu; // its vectors are all that counts
    cpu.vsr[33] = vec_reverse(a, 16);
    cpu.vsr[34] = vec_reverse(b, 16);
    interp_exec[id](&cpu, insn_rows[id].value | 1 << 16 | 2 << 11);
    return vec_reverse(&cpu.vsr[32], 16);
}

// vncipher of what the inverse S-box and the inverse of the rows' shift undo.
static union vsr vec_aes_inverse_mix(const union vsr *a)
{
    static const union vsr zero;
    union vsr v = vec_aes(&zero, a, INSN_vncipher), none = vec_aes(&zero, &zero, INSN_vncipher);
    return (union vsr){.q = v.q ^ none.q};
}

static u128 vec_clmul(u64 a, u64 b)
{
    u128 v = 0;
    for (unsigned i = 0; i < 64; i++)
        v ^= b >> i & 1 ? (u128)a << i : 0;
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
