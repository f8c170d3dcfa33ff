// SPDX-License-Identifier: Apache-2.0
#include "checks.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void check(const char *name, bool ok, const char *why, ...)
{
    char line[512], text[400] = "";
    if (!ok) {
        va_list arguments;
        va_start(arguments, why);
        vsnprintf(text, sizeof text, why, arguments);
        va_end(arguments);
    }
    // One write, so that lines of several processes do not mix.
    int size = snprintf(line, sizeof line, "CHECK %s %s%s%s\n", name, ok ? "ok" : "FAILED", ok ? "" : " ", text);
    if (write(STDOUT_FILENO, line, size) != size)
        _exit(3);
}

void check_value(const char *name, uint64_t got, uint64_t known)
{
    check(name, got == known, "got 0x%016" PRIx64 ", known 0x%016" PRIx64, got, known);
}

uint64_t number_next(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1dull;
}

uint64_t hash_add(uint64_t hash, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        hash = (hash ^ ((value >> (8 * i)) & 0xff)) * 0x100000001b3ull;
    return hash;
}

// Text-like data that compresses, the same everywhere.
static int print_data(size_t size)
{
    static const char *const words[] = {"partition ", "processor ", "memory ", "radix ", "hash ", "\n", "hypervisor ", "0x"};
    uint64_t state = 42;
    size_t done = 0;
    while (done < size) {
        char number[24];
        uint64_t value = number_next(&state);
        const char *word = words[value >> 61];
        if ((value & 7) == 0) {
            snprintf(number, sizeof number, "%" PRIu64, value >> 40);
            word = number;
        }
        size_t length = strlen(word);
        if (length > size - done)
            length = size - done;
        fwrite(word, 1, length, stdout);
        done += length;
    }
    return fflush(stdout) ? 1 : 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } groups[] = {
        {"floats", checks_floats},   {"vectors", checks_vectors}, {"memory", checks_memory},
        {"signals", checks_signals}, {"threads", checks_threads}, {"processes", checks_processes},
        {"time", checks_time},       {"perf", checks_perf},       {"power9", checks_power9},
    };
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 3 && !strcmp(argv[1], "data"))
        return print_data(strtoul(argv[2], NULL, 0));
    if (argc == 2 && !strcmp(argv[1], "exit7"))
        return 7;
    if (argc == 2 && !strcmp(argv[1], "page"))
        return printf("%ld\n", sysconf(_SC_PAGESIZE)) < 0;
    for (int i = 1; i < argc; i++)
        for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++)
            if (!strcmp(argv[i], groups[g].name) || !strcmp(argv[i], "all"))
                groups[g].run();
    return argc < 2;
}
