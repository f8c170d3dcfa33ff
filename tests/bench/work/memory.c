// SPDX-License-Identifier: Apache-2.0
// Memory: streams beyond the caches, copies, chains of loads, updates at random places.
#include "work.h"

#include <stdlib.h>

enum { STREAM = 1 << 20, ROUNDS = 16 };

static uint64_t stream(int what)
{
    double *a = work_memory(STREAM * sizeof *a), *b = work_memory(STREAM * sizeof *b),
           *c = work_memory(STREAM * sizeof *c);
    for (size_t i = 0; i < STREAM; i++) {
        a[i] = (double)i;
        b[i] = 2.0;
        c[i] = 0.5;
    }
    for (int round = 0; round < ROUNDS; round++) {
        double *to = round & 1 ? c : b, *from = round & 1 ? b : c;
        switch (what) {
        case 0:
            for (size_t i = 0; i < STREAM; i++)
                to[i] = a[i];
            break;
        case 1:
            for (size_t i = 0; i < STREAM; i++)
                to[i] = 3.0 * a[i];
            break;
        case 2:
            for (size_t i = 0; i < STREAM; i++)
                to[i] = a[i] + from[i];
            break;
        default:
            for (size_t i = 0; i < STREAM; i++)
                to[i] = a[i] + 0.25 * from[i];
        }
        a[round] += to[round + 1];
    }
    uint64_t sum = SUM_START;
    for (size_t i = 0; i < STREAM; i += 4099)
        sum = sum_double(sum_double(sum, b[i]), c[i]);
    free(a);
    free(b);
    free(c);
    return sum;
}

uint64_t work_copy(void)
{
    return stream(0);
}
uint64_t work_scale(void)
{
    return stream(1);
}
uint64_t work_add(void)
{
    return stream(2);
}
uint64_t work_triad(void)
{
    return stream(3);
}

static uint64_t copies(size_t area, size_t most, int count)
{
    uint8_t *from = work_memory(area), *to = work_memory(area);
    uint64_t state = NUMBER_START, sum = SUM_START;
    for (size_t i = 0; i < area; i += 8) {
        uint64_t value = number_next(&state);
        memcpy(from + i, &value, 8);
    }
    for (int i = 0; i < count; i++) {
        uint64_t value = number_next(&state);
        size_t size = (value >> 40) % most, space = area - size;
        memcpy(to + (value & 0xfffff) % space, from + (value >> 20 & 0xfffff) % space, size);
    }
    for (size_t i = 0; i < area; i += 8) {
        uint64_t value;
        memcpy(&value, to + i, 8);
        sum = sum_add(sum, value);
    }
    free(from);
    free(to);
    return sum;
}

uint64_t work_memcpy_small(void)
{
    return copies(32768, 200, 1500000);
}
uint64_t work_memcpy_large(void)
{
    return copies(8 << 20, 4 << 20, 100);
}

// A chain through every line of an area, in one random cycle (Sattolo's algorithm).
static uint64_t chase(size_t area, int steps)
{
    enum { LINE = 128 };
    size_t lines = area / LINE;
    uint32_t *order = work_memory(lines * sizeof *order);
    uint8_t *memory = work_memory(area);
    uint64_t state = NUMBER_START;
    for (size_t i = 0; i < lines; i++)
        order[i] = (uint32_t)i;
    for (size_t i = lines - 1; i > 0; i--) {
        size_t j = number_next(&state) % i;
        uint32_t t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    for (size_t i = 0; i < lines; i++)
        *(uint64_t *)(memory + i * LINE) = (uint64_t)order[i] * LINE;
    uint64_t at = 0, sum = 0;
    for (int i = 0; i < steps; i++) {
        at = *(const uint64_t *)(memory + at);
        sum += at;
    }
    free(order);
    free(memory);
    return sum;
}

uint64_t work_chase_near(void)
{
    return chase(256 << 10, 60000000);
}
uint64_t work_chase_far(void)
{
    return chase(64 << 20, 2500000);
}

uint64_t work_update(void)
{
    enum { COUNT = 4 << 20 };
    uint64_t *table = work_memory(COUNT * sizeof *table), state = NUMBER_START, sum = SUM_START;
    for (int i = 0; i < 2000000; i++) {
        uint64_t value = number_next(&state);
        table[value >> 42] ^= value;
    }
    for (size_t i = 0; i < COUNT; i += 64)
        sum = sum_add(sum, table[i]);
    free(table);
    return sum;
}
