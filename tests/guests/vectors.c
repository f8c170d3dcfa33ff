// SPDX-License-Identifier: Apache-2.0
// Vector loops (VMX and VSX in a partition), against values that an x86-64 processor computed.
#include "checks.h"

#include <string.h>

typedef uint8_t vu8 __attribute__((vector_size(16)));
typedef uint16_t vu16 __attribute__((vector_size(16)));
typedef int32_t vs32 __attribute__((vector_size(16)));
typedef uint32_t vu32 __attribute__((vector_size(16)));
typedef uint64_t vu64 __attribute__((vector_size(16)));
typedef float vf32 __attribute__((vector_size(16)));
typedef double vf64 __attribute__((vector_size(16)));

static uint64_t hash_vector(uint64_t hash, const void *vector)
{
    uint64_t halves[2];
    memcpy(halves, vector, 16);
    return hash_add(hash_add(hash, halves[0]), halves[1]);
}

static uint64_t integers(void)
{
    uint64_t hash = HASH_START, state = 11;
    for (int i = 0; i < 4000; i++) {
        vu64 a = {number_next(&state), number_next(&state)}, b = {number_next(&state), number_next(&state)};
        vu8 bytes = (vu8)a + (vu8)b * 3, mask = (vu8)((vu8)a > (vu8)b);
        vu16 halves = (vu16)a * (vu16)b - (vu16)a;
        vu32 words = ((vu32)a << ((vu32)b & 31)) ^ ((vu32)a >> ((vu32)b & 31));
        vs32 signs = ((vs32)a >> ((vs32)b & 31)) | (vs32)((vs32)a < (vs32)b);
        vu64 doubles = (a << (b & 63)) + (a >> (b & 63)) * 5;
        vu8 order = {15, 3, 9, 1, 0, 0, 7, 12, 14, 2, 5, 11, 31, 16, 24, 8};
        vu8 mixed = __builtin_shuffle((vu8)a, (vu8)b, order);
        bytes = (bytes & mask) | (mixed & ~mask);
        hash = hash_vector(hash, &bytes);
        hash = hash_vector(hash, &halves);
        hash = hash_vector(hash, &words);
        hash = hash_vector(hash, &signs);
        hash = hash_vector(hash, &doubles);
    }
    return hash;
}

static uint64_t floats(void)
{
    uint64_t hash = HASH_START, state = 13;
    vf64 total = {0, 0};
    vf32 singles = {1, 2, 3, 4};
    for (int i = 0; i < 4000; i++) {
        vf64 a = {(double)(int32_t)number_next(&state), (double)(int32_t)number_next(&state)};
        vf64 b = {(double)(i + 1), (double)(2 * i + 1)};
        total = total * 0.75 + a / b - b;
        singles = singles * 0.5f + (vf32){(float)a[0], (float)a[1], (float)b[0], 1.25f};
        vs32 less = singles < (vf32){0, 1, 2, 3};
        hash = hash_vector(hash, &total);
        hash = hash_vector(hash, &singles);
        hash = hash_vector(hash, &less);
    }
    return hash;
}

void checks_vectors(void)
{
    check_value("vector-integers", integers(), 0x016b9b217aadc580ull);
    check_value("vector-floats", floats(), 0x5e13a3d035413334ull);

    // Copies of every length and alignment: the C library's vector loops.
    static unsigned char from[8192], to[8192];
    uint64_t state = 17;
    bool ok = true;
    for (int i = 0; i < 8192; i++)
        from[i] = (unsigned char)number_next(&state);
    for (int size = 0; size < 300; size++) {
        int source = size * 7 % 61, target = size * 5 % 67;
        memset(to, 0xa5, sizeof to);
        memcpy(to + target, from + source, size);
        ok = ok && !memcmp(to + target, from + source, size) && to[target + size] == 0xa5;
    }
    check("vector-copies", ok, "memcpy and memcmp disagree");
    from[8000] = 0;
    for (int i = 0; i < 8000; i++)
        from[i] = from[i] ? from[i] : 1;
    check("vector-strings", strlen((char *)from) == 8000 && memchr(from, 0, 8192) == from + 8000, "strlen or memchr");
}
