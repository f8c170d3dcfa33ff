// SPDX-License-Identifier: Apache-2.0
// Benchmark programs: fixed work, the same sources for the guest and for the host. work.def lists them.
#ifndef WORK_H
#define WORK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Each does its fixed work from the start at every call and returns a sum over its results.
#define WORK(group, name) uint64_t work_##name(void);
#define VECTOR_WORK(name) uint64_t work_##name(void);
#include "work.def"
#undef WORK
#undef VECTOR_WORK

// What floating-point work found, of which host and guest agree in six digits only: they fuse other operations.
extern double work_value;

// A repeatable stream of numbers (xorshift64*, Vigna 2014).
static inline uint64_t number_next(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1d;
}
#define NUMBER_START 0x9e3779b97f4a7c15ull

// FNV-1a, eight bytes at a time.
static inline uint64_t sum_add(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * 0x100000001b3;
}
static inline uint64_t sum_double(uint64_t sum, double value)
{
    uint64_t image;
    memcpy(&image, &value, 8);
    return sum_add(sum, image);
}
#define SUM_START 0xcbf29ce484222325ull

// Zeroed memory; ends the program when there is none. Free with free().
void *work_memory(size_t size);

// Ends the program and says what failed.
_Noreturn void work_fail(const char *what);

// Keeps the compiler from seeing what VALUE is.
#define HIDE(value) __asm__ volatile("" : "+r"(value))

#endif
