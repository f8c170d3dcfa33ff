// SPDX-License-Identifier: Apache-2.0
#include "hyper/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/sanitized.h"

// Measured with a Debian kernel: 1 GiB of addresses and 25 MiB of memory beside the guest's (code, tables of the translator), 6 MiB of
// addresses and at most 10 MiB of memory for each hardware thread; tables by guest memory are 1/32 of it.
#define ADDRESSES_MB        3072u
#define THREAD_ADDRESSES_MB 64u
#define OWN_MB              512u
#define THREAD_OWN_MB       32u
#define SPARE_THREADS       32u // of the process itself, and of its adapters

void limits_set(int pid, u64 max_mem, u64 threads)
{
    u64 bytes = (ADDRESSES_MB + 2 * max_mem + threads * THREAD_ADDRESSES_MB) * MIB;
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};
    if (!SANITIZED && prlimit(pid, RLIMIT_AS, &limit, NULL))
        perror("openlpard: the limit of a process's memory");
}

static u64 status_value(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

bool limits_kept(int pid, u64 max_mem, u64 threads, char *why, size_t size)
{
    char path[64], text[4096];
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return true; // it is gone
    size_t got = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[got] = 0;
    u64 own = status_value(text, "\nRssAnon:") / 1024, have = status_value(text, "\nThreads:");
    u64 own_max = OWN_MB + max_mem / 16 + threads * THREAD_OWN_MB, threads_max = threads + SPARE_THREADS;
    if (!SANITIZED && own > own_max) {
        snprintf(why, size, "it has %llu MB of memory of its own, more than the %llu MB that it can need",
                 (unsigned long long)own, (unsigned long long)own_max);
        return false;
    }
    if (have > threads_max) {
        snprintf(why, size, "it has %llu threads, more than the %llu that it can need", (unsigned long long)have,
                 (unsigned long long)threads_max);
        return false;
    }
    return true;
}
