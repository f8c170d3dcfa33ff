// SPDX-License-Identifier: Apache-2.0
// Random numbers for tests: the same in every run, one stream for each program. A test that must repeat a part keeps test_seed and sets it again.
#ifndef BASE_TEST_RANDOM_H
#define BASE_TEST_RANDOM_H

#include "base/types.h"

static u64 test_seed = 0x9e3779b97f4a7c15; // never 0

static inline u64 random64(void) // xorshift64*
{
    test_seed ^= test_seed << 13;
    test_seed ^= test_seed >> 7;
    test_seed ^= test_seed << 17;
    return test_seed * 0x2545f4914f6cdd1d;
}

static inline unsigned below(unsigned n)
{
    return (unsigned)(random64() >> 33) % n;
}

#endif
