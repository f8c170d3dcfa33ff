// SPDX-License-Identifier: Apache-2.0
// Vector code: loops that the compiler makes vector code of, the C library's string functions, and intrinsic functions. Sums
// over floating-point numbers have a fixed order of four lanes, which all hosts keep.
#include "work.h"

#include <stdlib.h>

uint64_t work_saxpy(void)
{
    enum { N = 8192 };
    static float x[N], y[N];
    for (int i = 0; i < N; i++) {
        x[i] = (float)(i % 100) * 0.01f;
        y[i] = 1.0f;
    }
    for (int round = 0; round < 4500; round++) {
        float a = 0.25f - (float)(round & 1) * 0.5f;
        for (int i = 0; i < N; i++)
            y[i] += a * x[i];
    }
    double total = 0;
    uint64_t sum = SUM_START;
    for (int i = 0; i < N; i += 7) {
        total += (double)y[i];
        sum = sum_double(sum, (double)y[i]);
    }
    work_value = total;
    return sum;
}

uint64_t work_dgemm(void)
{
    enum { N = 128 };
    static double a[N][N], b[N][N], c[N][N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (i * 7 + j * 3) % 11 * 0.1;
            b[i][j] = (i * 5 + j) % 13 * 0.1;
            c[i][j] = 0;
        }
    for (int round = 0; round < 16; round++)
        for (int i = 0; i < N; i++)
            for (int k = 0; k < N; k++) {
                double factor = a[i][k];
                for (int j = 0; j < N; j++)
                    c[i][j] += factor * b[k][j];
            }
    uint64_t sum = SUM_START;
    work_value = 0;
    for (int i = 0; i < N; i++) {
        sum = sum_double(sum, c[i][N - 1 - i]);
        work_value += c[i][i];
    }
    return sum;
}

// Elements of every size: add, multiply, shift, compare, widen and narrow.
uint64_t work_integers(void)
{
    enum { N = 4096 };
    static uint8_t bytes[N];
    static int16_t halves[N];
    static uint32_t words[N];
    static uint64_t longs[N];
    uint64_t state = NUMBER_START, sum = SUM_START;
    for (int i = 0; i < N; i++) {
        uint64_t value = number_next(&state);
        bytes[i] = (uint8_t)value;
        halves[i] = (int16_t)(value >> 8);
        words[i] = (uint32_t)(value >> 24);
        longs[i] = value;
    }
    for (int round = 0; round < 6000; round++) {
        for (int i = 0; i < N; i++)
            bytes[i] = bytes[i] > 127 ? (uint8_t)(bytes[i] - 100) : (uint8_t)(bytes[i] + round);
        for (int i = 0; i < N; i++)
            halves[i] = (int16_t)(halves[i] * 3 + bytes[i]);
        for (int i = 0; i < N; i++)
            words[i] = (words[i] ^ words[i] >> 3) * 5 + (uint32_t)halves[i];
        for (int i = 0; i < N; i++)
            longs[i] = (longs[i] << 1) + (longs[i] > words[i] ? words[i] : 7);
        int32_t total = 0;
        for (int i = 0; i < N; i++)
            total += halves[i];
        sum = sum_add(sum, (uint32_t)total);
    }
    for (int i = 0; i < N; i++)
        sum = sum_add(sum, bytes[i] + words[i] + longs[i]);
    return sum;
}

// A picture, smoothed and sharpened.
uint64_t work_image(void)
{
    enum { W = 320, H = 200 };
    static uint8_t from[H][W], to[H][W];
    uint64_t state = NUMBER_START, sum = SUM_START;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            from[y][x] = (uint8_t)(number_next(&state) >> 50);
    for (int round = 0; round < 360; round++) {
        for (int y = 1; y < H - 1; y++)
            for (int x = 1; x < W - 1; x++)
                to[y][x] = (uint8_t)((from[y - 1][x] + from[y + 1][x] + from[y][x - 1] + from[y][x + 1] +
                                      4 * from[y][x] + 4) >>
                                     3);
        for (int y = 1; y < H - 1; y++)
            for (int x = 1; x < W - 1; x++) {
                int value = 2 * to[y][x] - ((to[y][x - 1] + to[y][x + 1]) >> 1);
                from[y][x] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
            }
    }
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            sum = sum_add(sum, from[y][x]);
    return sum;
}

// The C library's functions, which choose their code by the processor.
uint64_t work_text(void)
{
    enum { SIZE = 20000 };
    char *text = work_memory(SIZE + 1), *copy = work_memory(SIZE + 1);
    uint64_t state = NUMBER_START, sum = SUM_START;
    for (int i = 0; i < SIZE; i++)
        text[i] = (char)('a' + number_next(&state) % 25);
    for (int i = 0; i < 200000; i++) {
        size_t at = number_next(&state) % (SIZE - 1000), length = 10 + i % 500;
        char keep = text[at + length];
        text[at + length] = 0;
        sum += strlen(text + at);
        strcpy(copy + at, text + at);
        sum += (uint64_t)(strcmp(copy + at, text + at) == 0);
        text[at + length] = keep;
        const char *found = memchr(text + at, 'z', 300);
        sum += found != NULL;
        sum += memcmp(text + at, copy + at, length) == 0;
        memset(copy + (at ^ 77), i, length >> 1);
        memmove(copy + at + 3, copy + at, length);
    }
    for (int i = 0; i < SIZE; i++)
        sum = sum_add(sum, (uint8_t)copy[i]);
    free(text);
    free(copy);
    return sum;
}

uint64_t work_particles(void)
{
    enum { N = 2048 };
    static double x[N], v[N];
    for (int i = 0; i < N; i++) {
        x[i] = i * 0.001;
        v[i] = 0;
    }
    for (int round = 0; round < 3000; round++) {
        for (int i = 0; i < N; i++) {
            double force = 1.0 / (1.0 + x[i] * x[i]);
            v[i] = v[i] * 0.99 - x[i] * force;
            x[i] += 0.01 * v[i];
        }
    }
    uint64_t sum = SUM_START;
    double lanes[4] = {0};
    for (int i = 0; i < N; i++) {
        sum = sum_double(sum, x[i]);
        lanes[i & 3] += x[i] > 0 ? x[i] : -x[i];
    }
    work_value = lanes[0] + lanes[1] + lanes[2] + lanes[3];
    return sum;
}

// ---- what only intrinsic functions reach: one round of AES, products without carries, permutes ----
#if defined(__powerpc64__)
#include <altivec.h>
typedef __vector unsigned long long block;
// Bytes in the order of the standard, which is that of a big-endian register.
static block block_load(const uint8_t *p)
{
    return (block)vec_xl_be(0, (unsigned char *)p);
}
static void block_store(uint8_t *p, block v)
{
    vec_xst_be((__vector unsigned char)v, 0, p);
}
static block block_aes(block v, block key)
{
    return __builtin_crypto_vcipher(v, key);
}
static block block_product(block a, block b)
{
    return __builtin_crypto_vpmsumd(a, b);
}
static block block_permute(block a, block b, block c)
{
    return (block)vec_perm((__vector unsigned char)a, (__vector unsigned char)b, (__vector unsigned char)c);
}
static block block_xor(block a, block b)
{
    return a ^ b;
}
#else
#include <immintrin.h>
#define INTEL __attribute__((target("aes,pclmul,ssse3")))
typedef __m128i block;
INTEL static block block_swap(block v)
{
    return _mm_shuffle_epi8(v, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}
static block block_load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}
static void block_store(uint8_t *p, block v)
{
    _mm_storeu_si128((__m128i *)p, v);
}
INTEL static block block_aes(block v, block key)
{
    return _mm_aesenc_si128(v, key);
}
INTEL static block block_product(block a, block b)
{
    a = block_swap(a);
    b = block_swap(b);
    return block_swap(_mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x00), _mm_clmulepi64_si128(a, b, 0x11)));
}
// Byte i, counted from the least significant one, is byte c[i] mod 32 of a and b, which the compiler's function counts so too.
INTEL static block block_permute(block a, block b, block c)
{
    __m128i index = _mm_and_si128(c, _mm_set1_epi8(31)), second = _mm_cmpgt_epi8(index, _mm_set1_epi8(15));
    __m128i low = _mm_andnot_si128(index, _mm_set1_epi8(15));
    return _mm_or_si128(_mm_andnot_si128(second, _mm_shuffle_epi8(a, low)),
                        _mm_and_si128(second, _mm_shuffle_epi8(b, low)));
}
static block block_xor(block a, block b)
{
    return _mm_xor_si128(a, b);
}
#endif
#ifndef INTEL
#define INTEL
#endif

enum { BLOCKS = 512 };

static void fill_blocks(uint8_t *data, uint64_t *state)
{
    for (int i = 0; i < BLOCKS * 16; i++)
        data[i] = (uint8_t)(number_next(state) >> 56);
}

static uint64_t sum_blocks(const uint8_t *data)
{
    uint64_t sum = SUM_START, value;
    for (int i = 0; i < BLOCKS * 16; i += 8) {
        memcpy(&value, data + i, 8);
        sum = sum_add(sum, value);
    }
    return sum;
}

INTEL uint64_t work_aes(void)
{
    uint8_t data[BLOCKS * 16], key_bytes[16];
    uint64_t state = NUMBER_START;
    fill_blocks(data, &state);
    memcpy(key_bytes, data + 64, 16);
    block keys[10];
    for (int i = 0; i < 10; i++) {
        key_bytes[i]++;
        keys[i] = block_load(key_bytes);
    }
    for (int round = 0; round < 8000; round++)
        for (int i = 0; i < BLOCKS * 16; i += 16) {
            block v = block_load(data + i);
            for (int k = 0; k < 10; k++)
                v = block_aes(v, keys[k]);
            block_store(data + i, v);
        }
    return sum_blocks(data);
}

INTEL uint64_t work_polynomials(void)
{
    uint8_t data[BLOCKS * 16];
    uint64_t state = NUMBER_START;
    fill_blocks(data, &state);
    block sum = block_load(data);
    for (int round = 0; round < 10000; round++)
        for (int i = 0; i < BLOCKS * 16; i += 16)
            sum = block_xor(block_product(sum, block_load(data + i)), block_load(data + (i ^ 16)));
    block_store(data, sum);
    return sum_blocks(data);
}

INTEL uint64_t work_permutes(void)
{
    uint8_t data[BLOCKS * 16];
    uint64_t state = NUMBER_START;
    fill_blocks(data, &state);
    block a = block_load(data), b = block_load(data + 16);
    for (int round = 0; round < 15000; round++)
        for (int i = 0; i < BLOCKS * 16; i += 16) {
            block c = block_permute(a, b, block_load(data + i));
            a = block_xor(b, block_load(data + (i ^ 32)));
            b = c;
        }
    block_store(data, block_xor(a, b));
    return sum_blocks(data);
}
