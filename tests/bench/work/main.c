// SPDX-License-Identifier: Apache-2.0
//   work NAME            prints `START NAME`, does the work, prints `END NAME sum value`: the reader's clock counts
//   work --native NAME   repeats it for 0.3 s by the own clock and prints `NATIVE NAME wall cpu sum value`, microseconds
//   work --nothing       ends at once
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

double work_value;

static const struct {
    const char *name;
    uint64_t (*run)(void);
} works[] = {
#ifdef WORK_SUFFIX
#define WORK(group, name)
#define VECTOR_WORK(name) {#name WORK_SUFFIX, work_##name},
#else
#define WORK(group, name) {#name, work_##name},
#define VECTOR_WORK(name)
#endif
#include "work.def"
};

void *work_memory(size_t size)
{
    void *memory = calloc(1, size);
    if (!memory)
        work_fail("no memory");
    return memory;
}

void work_fail(const char *what)
{
    printf("FAILED %s\n", what);
    exit(1);
}

static uint64_t microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

// Of this process and of those that it waited for.
static uint64_t processor_microseconds(void)
{
    struct rusage self, children;
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    return (uint64_t)(self.ru_utime.tv_sec + self.ru_stime.tv_sec + children.ru_utime.tv_sec +
                      children.ru_stime.tv_sec) *
               1000000 +
           (uint64_t)(self.ru_utime.tv_usec + self.ru_stime.tv_usec + children.ru_utime.tv_usec +
                      children.ru_stime.tv_usec);
}

static void keep_smaller(uint64_t *least, uint64_t value)
{
    if (value < *least)
        *least = value;
}

// The smallest time is what the host can do.
static void run_native(const char *name, uint64_t (*run)(void))
{
    uint64_t start = microseconds(), least = UINT64_MAX, least_processor = UINT64_MAX, sum;
    do {
        uint64_t before = microseconds(), processor = processor_microseconds();
        sum = run();
        keep_smaller(&least, microseconds() - before);
        keep_smaller(&least_processor, processor_microseconds() - processor);
    } while (microseconds() - start < 300000);
    printf("NATIVE %s %llu %llu %016llx %.6g\n", name, (unsigned long long)least, (unsigned long long)least_processor,
           (unsigned long long)sum, work_value);
}

int main(int argc, char **argv)
{
    const char *name = argv[argc - 1];
    if (argc == 2 && strcmp(name, "--nothing") == 0)
        return 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof works / sizeof works[0]; i++) {
        if (strcmp(works[i].name, name) != 0)
            continue;
        if (argc == 3) {
            run_native(name, works[i].run);
            return 0;
        }
        printf("START %s\n", name);
        uint64_t sum = works[i].run();
        printf("END %s %016llx %.6g\n", name, (unsigned long long)sum, work_value);
        return 0;
    }
    work_fail("there is no such work");
}
