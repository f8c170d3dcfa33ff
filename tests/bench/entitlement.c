// SPDX-License-Identifier: Apache-2.0
// The guest of tests/bench/run-entitlement: it is the partition's init. Its arguments come from the kernel's command line, after `--`:
//
//     busy N         N processes that compute
//     wake US        one that sleeps so long, again and again, and prints how late it woke up in the last 500 times: LATE count p50 p99 worst (microseconds)
//     stat N         likewise busy, and prints each second: STAT user system idle stolen (ticks) PURR time (microseconds)
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

static void compute(void)
{
    for (volatile unsigned long n = 0;; n++)
        ;
}

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    long long x = *(const long long *)a, y = *(const long long *)b;
    return (x > y) - (x < y);
}

#define BLOCK 500

static void wake(long us)
{
    static long long late[BLOCK];
    for (;;) {
        for (int n = -1; n < BLOCK; n++) { // what comes after the printing is not counted
            long long start = now();
            struct timespec t = {us / 1000000, us % 1000000 * 1000};
            nanosleep(&t, NULL);
            if (n >= 0)
                late[n] = now() - start - us * 1000ll;
        }
        qsort(late, BLOCK, sizeof(late[0]), compare);
        printf("LATE %d %lld %lld %lld\n", BLOCK, late[BLOCK / 2] / 1000, late[BLOCK * 99 / 100] / 1000,
               late[BLOCK - 1] / 1000);
    }
}

static unsigned long long number_in(const char *path, int base)
{
    char text[64] = "";
    FILE *f = fopen(path, "r");
    if (f && !fgets(text, sizeof(text), f))
        text[0] = 0;
    if (f)
        fclose(f);
    return strtoull(text, NULL, base);
}

static void stat_each_second(void)
{
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    for (;; sleep(1)) {
        unsigned long long v[8] = {0}, purr = number_in("/sys/devices/system/cpu/cpu0/purr", 16);
        long long at = now();
        FILE *f = fopen("/proc/stat", "r");
        if (f && fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6,
                        v + 7) == 8)
            printf("STAT %llu %llu %llu %llu %llu %lld\n", v[0] + v[1], v[2] + v[5] + v[6], v[3] + v[4], v[7],
                   purr / 512, at / 1000);
        if (f)
            fclose(f);
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "busy";
    long n = argc > 2 ? atol(argv[2]) : 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("GUEST %s\n", what);
    if (strcmp(what, "wake") == 0)
        wake(n);
    if (strcmp(what, "stat") == 0 && fork() == 0)
        stat_each_second();
    for (long i = 1; i < n; i++)
        if (fork() == 0)
            compute();
    compute();
    return 0;
}
