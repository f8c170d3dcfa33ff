// SPDX-License-Identifier: Apache-2.0
// What it costs to pass a host CPU from one process to another by a third one's decision: the figures behind hyper/dispatch/.
//
//     cc -O2 -o handover tests/bench/handover.c && ./handover [CPU [OTHER CPU]]
//
// Two processes take turns; a dispatcher between them hears that one is done and wakes the other one. Printed is the time of one turn
// (done -> dispatcher -> granted), the median and the 90th percentile of batches, for a futex in shared memory with all three on one CPU, the same
// with the dispatcher on another CPU, and an eventfd instead of the first futex.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 41
#define TURNS   500

struct shared {
    _Alignas(64) _Atomic uint32_t grant[2];
    _Alignas(64) _Atomic uint32_t done;
};

static void bind_to(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set)) {
        perror("handover: sched_setaffinity");
        exit(1);
    }
}

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
    syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void take_turns(struct shared *s, int me, int fd)
{
    for (uint64_t one = 1;;) {
        while (!atomic_load(&s->grant[me]))
            futex_wait(&s->grant[me], 0);
        atomic_store(&s->grant[me], 0);
        if (fd >= 0) {
            if (write(fd, &one, sizeof(one)) != sizeof(one))
                _exit(1);
        } else {
            atomic_fetch_add(&s->done, 1);
            futex_wake(&s->done);
        }
    }
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void measure(const char *what, int cpu, int dispatcher_cpu, int fd)
{
    struct shared *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int64_t times[BATCHES];
    pid_t child[2];
    if (s == MAP_FAILED)
        exit(1);
    for (int i = 0; i < 2; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            bind_to(cpu);
            take_turns(s, i, fd);
        }
    }
    bind_to(dispatcher_cpu);
    for (int b = 0; b < BATCHES; b++) {
        int64_t start = now();
        for (int i = 0; i < TURNS; i++) {
            uint32_t seen = atomic_load(&s->done);
            uint64_t count;
            atomic_store(&s->grant[i & 1], 1);
            futex_wake(&s->grant[i & 1]);
            if (fd >= 0) {
                if (read(fd, &count, sizeof(count)) < 0)
                    exit(1);
                continue;
            }
            while (atomic_load(&s->done) == seen)
                futex_wait(&s->done, seen);
        }
        times[b] = (now() - start) / TURNS;
    }
    for (int i = 0; i < 2; i++) {
        kill(child[i], SIGKILL);
        waitpid(child[i], NULL, 0);
    }
    qsort(times, BATCHES, sizeof(times[0]), compare);
    printf("%-44s %6.2f us  p90 %6.2f us  best %6.2f us\n", what, (double)times[BATCHES / 2] / 1000,
           (double)times[BATCHES * 9 / 10] / 1000, (double)times[0] / 1000);
    munmap(s, 4096);
}

int main(int argc, char **argv)
{
    int cpu = argc > 1 ? atoi(argv[1]) : 0, other = argc > 2 ? atoi(argv[2]) : -1, fd = eventfd(0, 0);
    measure("futex, one CPU", cpu, cpu, -1);
    measure("eventfd, one CPU", cpu, cpu, fd);
    if (other >= 0) {
        measure("futex, the dispatcher on another CPU", cpu, other, -1);
        measure("eventfd, the dispatcher on another CPU", cpu, other, fd);
    }
    return 0;
}
