// SPDX-License-Identifier: Apache-2.0
// Performance counters as `perf stat` uses them: cycles and instructions of a loop of known length.
#define _GNU_SOURCE
#include "checks.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_counter(uint64_t event)
{
    struct perf_event_attr attribute = {.type = PERF_TYPE_HARDWARE, .size = sizeof attribute, .config = event, .disabled = 1,
                                        .exclude_kernel = 1, .exclude_hv = 1};
    return (int)syscall(SYS_perf_event_open, &attribute, 0, -1, -1, 0);
}

static void loop(uint64_t count)
{
#ifdef __powerpc64__
    __asm__ volatile("mtctr %0\n1: addi 9,9,1\n bdnz 1b" : : "r"(count) : "ctr", "r9");
#else
    for (volatile uint64_t i = 0; i < count; i++)
        ;
#endif
}

void checks_perf(void)
{
    int instructions = open_counter(PERF_COUNT_HW_INSTRUCTIONS), cycles = open_counter(PERF_COUNT_HW_CPU_CYCLES);
    if (instructions < 0 || cycles < 0) {
        // A kernel that has no driver for this processor's counters says ENOENT; then there is nothing to judge.
        check("perf-counters", errno == ENOENT || errno == EOPNOTSUPP || errno == ENODEV, "perf_event_open: %s", strerror(errno));
        return;
    }
    uint64_t counted = 0, cycled = 0;
    ioctl(cycles, PERF_EVENT_IOC_ENABLE, 0);
    ioctl(instructions, PERF_EVENT_IOC_ENABLE, 0);
    loop(2000000);
    ioctl(instructions, PERF_EVENT_IOC_DISABLE, 0);
    ioctl(cycles, PERF_EVENT_IOC_DISABLE, 0);
    if (read(instructions, &counted, 8) != 8 || read(cycles, &cycled, 8) != 8)
        counted = 0;
    check("perf-instructions", counted >= 4000000 && counted < 4400000, "%llu for a loop of 4000000", (unsigned long long)counted);
    check("perf-cycles", cycled > 0, "none counted");
    close(instructions);
    close(cycles);
}
