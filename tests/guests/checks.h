// SPDX-License-Identifier: Apache-2.0
// Checks that run in a partition's user space. Each prints `CHECK name ok` or `CHECK name FAILED why`; work.sh calls them
// and the boot driver reads the lines. The same sources run on the host, which is where the known values come from.
#ifndef CHECKS_H
#define CHECKS_H

#include <stdbool.h>
#include <stdint.h>

// Prints the line of one check. WHY is a printf format and is printed when OK is false.
void check(const char *name, bool ok, const char *why, ...) __attribute__((format(printf, 3, 4)));

// A value that must equal what is known; prints both when it does not.
void check_value(const char *name, uint64_t got, uint64_t known);

// A repeatable stream of 64-bit numbers (xorshift64*, Vigna 2014).
uint64_t number_next(uint64_t *state);

// FNV-1a over eight bytes, to sum up a sequence of results in one value.
uint64_t hash_add(uint64_t hash, uint64_t value);
#define HASH_START 0xcbf29ce484222325ull

void checks_floats(void);
void checks_vectors(void);
void checks_memory(void);
void checks_signals(void);
void checks_threads(void);
void checks_processes(void);
void checks_time(void);
void checks_perf(void);
void checks_power9(void);

#endif
