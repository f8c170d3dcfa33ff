// SPDX-License-Identifier: Apache-2.0
// Integer kernels.
#include "work.h"

#include <stdlib.h>

uint64_t work_sieve(void)
{
    enum { LIMIT = 4000000 };
    uint8_t *composite = work_memory(LIMIT);
    uint64_t sum = SUM_START, count = 0;
    for (uint32_t round = 0; round < 10; round++) {
        memset(composite, 0, LIMIT);
        for (uint32_t i = 2; i * i < LIMIT; i++)
            if (!composite[i])
                for (uint32_t j = i * i; j < LIMIT; j += i)
                    composite[j] = 1;
        for (uint32_t i = 2; i < LIMIT; i++)
            count += !composite[i];
        sum = sum_add(sum, count);
    }
    free(composite);
    return sum;
}

uint64_t work_crc32(void)
{
    enum { SIZE = 1 << 20 };
    uint32_t table[256];
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? value >> 1 ^ 0xedb88320 : value >> 1;
        table[i] = value;
    }
    uint8_t *data = work_memory(SIZE);
    uint64_t state = NUMBER_START;
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)(number_next(&state) >> 56);
    uint32_t crc = ~0u;
    for (int round = 0; round < 40; round++)
        for (size_t i = 0; i < SIZE; i++)
            crc = table[(crc ^ data[i]) & 0xff] ^ crc >> 8;
    free(data);
    return crc;
}

static uint32_t rotate(uint32_t value, int by)
{
    return value >> by | value << (32 - by);
}

// FIPS 180-4; the constants are the fractions of the cube roots of the first primes.
static uint32_t sha_constants[64];

static void sha_make_constants(void)
{
    uint32_t found = 0;
    for (uint64_t p = 2; found < 64; p++) {
        int prime = 1;
        for (uint64_t d = 2; d * d <= p; d++)
            prime &= p % d != 0;
        if (!prime)
            continue;
        // the greatest x with x^3 <= p * 2^96, of which the low 32 bits are the fraction
        uint64_t x = 0;
        for (int bit = 35; bit >= 0; bit--) {
            unsigned __int128 y = x | 1ull << bit;
            if (y * y < ((unsigned __int128)1 << 72) && y * y / 2 * y <= (unsigned __int128)p << 95)
                x = (uint64_t)y;
        }
        sha_constants[found++] = (uint32_t)x;
    }
}

static void sha_block(uint32_t *state, const uint8_t *block)
{
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
               block[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10) + w[i - 7] +
               (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 16];
    memcpy(v, state, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = v[7] + (rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)) +
                      ((v[4] & v[5]) ^ (~v[4] & v[6])) + sha_constants[i] + w[i];
        uint32_t t2 =
            (rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        state[i] += v[i];
}

uint64_t work_sha256(void)
{
    enum { SIZE = 65536 };
    sha_make_constants();
    uint8_t *data = work_memory(SIZE);
    uint64_t random = NUMBER_START;
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)(number_next(&random) >> 56);
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    for (int round = 0; round < 180; round++)
        for (size_t i = 0; i < SIZE; i += 64)
            sha_block(state, data + i);
    free(data);
    return (uint64_t)state[0] << 32 | state[7];
}

static void sort_range(int32_t *first, int32_t *last)
{
    while (last - first > 12) {
        int32_t *low = first, *high = last, pivot = first[(last - first) / 2];
        while (low <= high) {
            while (*low < pivot)
                low++;
            while (*high > pivot)
                high--;
            if (low <= high) {
                int32_t t = *low;
                *low++ = *high;
                *high-- = t;
            }
        }
        if (high - first < last - low) {
            sort_range(first, high);
            first = low;
        } else {
            sort_range(low, last);
            last = high;
        }
    }
    for (int32_t *i = first + 1; i <= last; i++) {
        int32_t value = *i, *j = i;
        for (; j > first && j[-1] > value; j--)
            *j = j[-1];
        *j = value;
    }
}

uint64_t work_quicksort(void)
{
    enum { COUNT = 400000 };
    int32_t *values = work_memory(COUNT * sizeof *values);
    uint64_t state = NUMBER_START, sum = SUM_START;
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < COUNT; i++)
            values[i] = (int32_t)(number_next(&state) >> 32);
        sort_range(values, values + COUNT - 1);
        for (size_t i = 0; i < COUNT; i += 997)
            sum = sum_add(sum, (uint32_t)values[i]);
    }
    free(values);
    return sum;
}

uint64_t work_hashtable(void)
{
    enum { SLOTS = 1 << 16, KEYS = 40000 };
    struct slot {
        uint64_t key, count;
    } *slots = work_memory(SLOTS * sizeof *slots);
    uint64_t state = NUMBER_START, sum = SUM_START;
    for (int i = 0; i < 25000000; i++) {
        uint64_t key = number_next(&state) >> 33 & 0xffffffff;
        key = key % KEYS + 1;
        uint32_t at = (uint32_t)(key * 0x9e3779b97f4a7c15 >> 48) & (SLOTS - 1);
        while (slots[at].key && slots[at].key != key)
            at = (at + 1) & (SLOTS - 1);
        slots[at].key = key;
        slots[at].count++;
    }
    for (int i = 0; i < SLOTS; i++)
        sum = sum_add(sum, slots[i].key * slots[i].count);
    free(slots);
    return sum;
}

uint64_t work_matrix(void)
{
    enum { N = 160 };
    static int32_t a[N][N], b[N][N], c[N][N];
    uint64_t state = NUMBER_START, sum = SUM_START;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (int32_t)(number_next(&state) >> 40);
            b[i][j] = (int32_t)(number_next(&state) >> 40);
        }
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                int32_t dot = 0;
                for (int k = 0; k < N; k++)
                    dot = (int32_t)((uint32_t)dot + (uint32_t)a[i][k] * (uint32_t)b[k][j]);
                c[i][j] = dot;
            }
        memcpy(a, c, sizeof a);
        sum = sum_add(sum, (uint32_t)c[round][N - 1 - round]);
    }
    return sum;
}

// Records, lists, enumerations and short strings, in the manner of the classic synthetic programs.
struct record {
    struct record *next;
    int kind, number;
    char text[32];
};

__attribute__((noinline)) static int compare_text(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a - *b;
}

__attribute__((noinline)) static void change_record(struct record *record, int number)
{
    *record->next = *record;
    record->number += number % 5;
    record->next->number = record->number + 10;
    switch (record->next->kind) {
    case 0: record->kind = number & 1 ? 1 : 3; break;
    case 1: record->kind = number > 100 ? 2 : 4; break;
    case 2: record->kind = 0; break;
    default: record->kind = record->kind > 3 ? 1 : 0; break;
    }
    record->text[number % 31] = (char)('A' + number % 26);
}

uint64_t work_records(void)
{
    static struct record first, second;
    uint64_t sum = SUM_START;
    memset(&first, 0, sizeof first);
    memset(&second, 0, sizeof second);
    strcpy(first.text, "a line of plain text, number 1");
    strcpy(second.text, "a line of plain text, number 2");
    for (int i = 0; i < 3000000; i++) {
        first.next = &second;
        second.next = &first;
        change_record(i % 3 ? &first : &second, i);
        first.next = &second;
        if (compare_text(first.text, second.text) < 0)
            second.number ^= first.number;
        sum = sum_add(sum, (uint64_t)(first.number + second.kind));
    }
    return sum;
}

uint64_t work_bits(void)
{
    uint64_t state = NUMBER_START, sum = SUM_START;
    for (int i = 0; i < 40000000; i++) {
        uint64_t value = number_next(&state);
        uint32_t word = (uint32_t)value;
        sum += (uint64_t)__builtin_popcountll(value) + (uint64_t)__builtin_clzll(value | 1);
        sum ^= __builtin_bswap64(value) + __builtin_bswap32(word);
        sum += (uint64_t)__builtin_ctz(word | 0x100);
        sum = sum << 7 | sum >> 57;
        word = (word & 0x55555555) << 1 | (word >> 1 & 0x55555555);
        sum += word >> (value >> 59);
    }
    return sum;
}

uint64_t work_strings(void)
{
    enum { SIZE = 1 << 18 };
    static const char *const words[] = {"partition", "processor", "page", "queue", "adapter",
                                        "timer",     "link",      "a",    "of"};
    static const char *const sought[] = {"adapter timer link", "page page queue a", "processor of of the"};
    char *text = work_memory(SIZE + 16);
    uint64_t state = NUMBER_START, sum = SUM_START;
    size_t at = 0;
    while (at < SIZE - 16) {
        const char *word = words[number_next(&state) % 9];
        while (*word)
            text[at++] = *word++;
        text[at++] = ' ';
    }
    size_t size = at;
    for (int round = 0; round < 60; round++)
        for (int s = 0; s < 3; s++) {
            const char *what = sought[s];
            uint64_t found = 0;
            for (size_t i = 0; i < size; i++) {
                size_t k = 0;
                while (what[k] && text[i + k] == what[k])
                    k++;
                found += !what[k];
            }
            // Horspool's search finds the same
            size_t length = strlen(what), skip[256], again = 0;
            for (int c = 0; c < 256; c++)
                skip[c] = length;
            for (size_t k = 0; k + 1 < length; k++)
                skip[(uint8_t)what[k]] = length - 1 - k;
            for (size_t i = length - 1; i < size; i += skip[(uint8_t)text[i]]) {
                size_t k = 0;
                while (k < length && what[length - 1 - k] == text[i - k])
                    k++;
                again += k == length;
            }
            if (again != found)
                work_fail("searches disagree");
            sum = sum_add(sum, found);
        }
    free(text);
    return sum;
}

uint64_t work_division(void)
{
    uint64_t state = NUMBER_START, sum = SUM_START;
    for (int i = 0; i < 30000000; i++) {
        uint64_t a = number_next(&state), b = (number_next(&state) >> (i & 31)) | 1;
        sum += a / b + a % b;
        int32_t c = (int32_t)a, d = (int32_t)(b >> 7 | 1);
        if (d != -1)
            sum ^= (uint64_t)(int64_t)(c / d) + (uint64_t)(int64_t)(c % d) + (uint32_t)a / (uint32_t)d;
    }
    return sum;
}

__attribute__((noinline)) static uint64_t fibonacci(uint64_t n)
{
    uint64_t sum = 1;
    HIDE(n);
    if (n >= 2) {
        sum = fibonacci(n - 1);
        HIDE(sum);
        sum += fibonacci(n - 2);
    }
    return sum;
}

static uint64_t ackermann(uint64_t m, uint64_t n)
{
    HIDE(m);
    if (m == 0)
        return n + 1;
    if (n == 0)
        return ackermann(m - 1, 1);
    uint64_t inner = ackermann(m, n - 1);
    HIDE(inner);
    return ackermann(m - 1, inner) + 0 * inner;
}

uint64_t work_calls(void)
{
    return sum_add(sum_add(SUM_START, fibonacci(37)), ackermann(2, 1500));
}

// A program for a machine with eight registers, dispatched by a switch and by a table of functions.
static uint64_t op_add(uint64_t a, uint64_t b)
{
    return a + b;
}
static uint64_t op_xor(uint64_t a, uint64_t b)
{
    return a ^ b;
}
static uint64_t op_shift(uint64_t a, uint64_t b)
{
    return a << (b & 15) | a >> 40;
}
static uint64_t op_multiply(uint64_t a, uint64_t b)
{
    return a * (b | 1);
}

uint64_t work_dispatch(void)
{
    static uint64_t (*const table[])(uint64_t, uint64_t) = {op_add, op_xor, op_shift, op_multiply};
    enum { LENGTH = 512 };
    uint8_t code[LENGTH][4];
    uint64_t state = NUMBER_START, r[8] = {1, 2, 3, 5, 8, 13, 21, 34};
    for (int i = 0; i < LENGTH; i++) {
        uint64_t value = number_next(&state);
        code[i][0] = (uint8_t)(value >> 60);
        code[i][1] = value >> 50 & 7;
        code[i][2] = value >> 40 & 7;
        code[i][3] = value >> 30 & 7;
    }
    for (int round = 0; round < 20000; round++)
        for (int i = 0; i < LENGTH; i++) {
            uint64_t a = r[code[i][2]], b = r[code[i][3]], *to = &r[code[i][1]];
            switch (code[i][0]) {
            case 0: *to = a + b; break;
            case 1: *to = a - b; break;
            case 2: *to = a & b; break;
            case 3: *to = a | b; break;
            case 4: *to = a ^ ~b; break;
            case 5: *to = a << (b & 63); break;
            case 6: *to = a >> (b & 63); break;
            case 7: *to = a * b; break;
            case 8: *to = (uint64_t)(uint32_t)a; break;
            case 9: *to = a < b ? a : b; break;
            case 10: *to = a + 0x9e3779b97f4a7c15; break;
            case 11:
                if (a & 1)
                    i++;
                break;
            default: *to = table[code[i][0] & 3](a, b); break;
            }
        }
    uint64_t sum = SUM_START;
    for (int i = 0; i < 8; i++)
        sum = sum_add(sum, r[i]);
    return sum;
}
