// SPDX-License-Identifier: Apache-2.0
// Unit tests that speak TAP (Test Anything Protocol). A test program lists its cases:
//
//     static void test_rotates(void) { CHECK_EQ(rotl32(1, 31), 0x80000000u); }
//     int main(void) { TEST(test_rotates); return test_done(); }
//
// Single-threaded unless the test itself takes care. A failed CHECK marks its case as failed and goes on.
#ifndef BASE_TEST_H
#define BASE_TEST_H

#include <stdio.h>
#include <string.h>

#include "base/types.h"

static int test_count, test_failures, test_case_failed;

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond)) {                                                                                                 \
            test_case_failed = 1;                                                                                      \
            printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);                                                        \
        }                                                                                                              \
    } while (0)

#define CHECK_EQ(got, want)                                                                                            \
    do {                                                                                                               \
        unsigned long long check_got = (unsigned long long)(got), check_want = (unsigned long long)(want);             \
        if (check_got != check_want) {                                                                                 \
            test_case_failed = 1;                                                                                      \
            printf("# %s:%d: %s is 0x%llx, not 0x%llx\n", __FILE__, __LINE__, #got, check_got, check_want);            \
        }                                                                                                              \
    } while (0)

#define CHECK_STR(got, want)                                                                                           \
    do {                                                                                                               \
        const char *check_got = (got), *check_want = (want);                                                           \
        if (!check_got || strcmp(check_got, check_want)) {                                                             \
            test_case_failed = 1;                                                                                      \
            printf("# %s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #got, check_got ? check_got : "(null)",  \
                   check_want);                                                                                        \
        }                                                                                                              \
    } while (0)

#define TEST(fn) test_run(fn, #fn)

static inline void test_run(void (*fn)(void), const char *name)
{
    test_case_failed = 0;
    fn();
    test_count++;
    test_failures += test_case_failed;
    printf("%sok %d - %s\n", test_case_failed ? "not " : "", test_count, name);
    fflush(stdout);
}

static inline void test_skip(const char *name, const char *reason)
{
    test_count++;
    printf("ok %d - %s # SKIP %s\n", test_count, name, reason);
}

// Prints the plan; the value is the program's exit status.
static inline int test_done(void)
{
    printf("1..%d\n", test_count);
    return test_failures != 0;
}

#endif
