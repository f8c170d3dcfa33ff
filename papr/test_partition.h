// SPDX-License-Identifier: Apache-2.0
// For unit tests: a partition in this process with a hypervisor that keeps console output and counts.
#ifndef PAPR_TEST_PARTITION_H
#define PAPR_TEST_PARTITION_H

#include <stdlib.h>

#include "base/endian.h"
#include "base/test.h"
#include "cpu/group.h"
#include "isa/isa.h"
#include "papr/hcall.h"
#include "papr/partition.h"

struct test_hv {
    u8 out[1 << 16];
    size_t out_len, accept; // console: bytes taken so far; how many more it takes
    const u8 *in;
    size_t in_len;
    unsigned confers, ends;
    u64 random;
};

static size_t test_console_write(void *arg, const u8 *data, size_t size)
{
    struct test_hv *hv = arg;
    size_t took = MIN(MIN(size, hv->accept), sizeof(hv->out) - hv->out_len);
    memcpy(hv->out + hv->out_len, data, took);
    hv->out_len += took;
    hv->accept -= took;
    return took;
}

static size_t test_console_read(void *arg, u8 *data, size_t size)
{
    struct test_hv *hv = arg;
    size_t took = MIN(size, hv->in_len);
    if (took)
        memcpy(data, hv->in, took);
    hv->in += took;
    hv->in_len -= took;
    return took;
}

static void test_ended(void *arg, struct partition *lp)
{
    ((struct test_hv *)arg)->ends++;
}

static void test_random_bytes(void *arg, void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((u8 *)data)[i] =
            (u8)(((struct test_hv *)arg)->random = ((struct test_hv *)arg)->random * 6364136223846793005u + 1) + i;
}

static s64 test_time(void *arg)
{
    return 1700000000ll * 1000000000;
}

static void test_set_time(void *arg, s64 ns) {}

static void test_confer(void *arg, int to)
{
    __atomic_fetch_add(&((struct test_hv *)arg)->confers, 1, __ATOMIC_RELAXED);
}

static void test_log(void *arg, int level, const char *text) {}

static const struct hv_ops test_hv_ops = {
    .console_write = test_console_write,
    .console_read = test_console_read,
    .ended = test_ended,
    .random = test_random_bytes,
    .time_of_day = test_time,
    .set_time_of_day = test_set_time,
    .confer = test_confer,
    .log = test_log,
};

static struct test_hv test_hv;
static struct partition test_lp;

#define TEST_MEMORY (256 * MIB)

static struct partition_config test_config(u32 vcpus, u32 threads, u8 level)
{
    return (struct partition_config){
        .name = "test",
        .id = 7,
        .vcpus = vcpus,
        .threads = threads,
        .memory = TEST_MEMORY,
        .isa_level = level,
        .radix_allowed = level >= LEVEL_V30,
        .hash_allowed = true,
        .bootargs = "",
    };
}

// All threads but the first are stopped; the first is marked as running.
static struct partition *test_partition_of(const struct partition_config *config, const struct hv_ops *hv)
{
    const char *why = NULL;
    memset(&test_hv, 0, sizeof(test_hv));
    test_hv.accept = sizeof(test_hv.out);
    int err = partition_init(&test_lp, config, hv, &test_hv, &why);
    if (err) {
        printf("Bail out! no partition: %s (%d)\n", why ? why : "", err);
        exit(1);
    }
    atomic_store(&cpu_papr(test_lp.group.cpus[0])->state, THREAD_RUNNING);
    for (u32 i = 0; i < test_lp.group.len; i++)
        test_lp.group.cpus[i]->dec_expires = ~0ull >> 1;
    return &test_lp;
}

static inline struct partition *test_partition(u32 vcpus, u32 threads, u8 level)
{
    struct partition_config config = test_config(vcpus, threads, level);
    return test_partition_of(&config, &test_hv_ops);
}

// Makes a call as the thread would; results are in gpr[4...]. Missing arguments are 0.
static inline long test_hcall(struct cpu *cpu, u64 number, const u64 *args, size_t len)
{
    cpu->gpr[3] = number;
    for (unsigned i = 0; i < 9; i++)
        cpu->gpr[4 + i] = i < len ? args[i] : 0;
    cpu_enter(cpu);
    hcall_dispatch(cpu);
    cpu_leave(cpu);
    return (long)cpu->gpr[3];
}

#define H(cpu, number, ...)                                        \
    test_hcall(cpu, number, &((const u64[]){0, ##__VA_ARGS__})[1], \
               sizeof((const u64[]){0, ##__VA_ARGS__}) / sizeof(u64) - 1)

#endif
