// SPDX-License-Identifier: Apache-2.0
// Fuzz target: run-time services and the client interface. The input is a series of calls: a byte that chooses the interface and
// what it names, a byte with the number of arguments and results, then arguments of one byte (small numbers, addresses that mean
// something) or four.
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "papr/of.h"
#include "papr/rtas.h"
#include "papr/test_partition.h"
#include "papr/tree.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define ARGS   0x10000u
#define NAMES  0x11000u // 32 bytes each
#define BUFFER 0x20000u
#define INPUT  0x30000u // the input itself, for strings and vectors
#define RUNS   2000u    // calls leave things behind: a new partition now and then

static const char *const services[] = {
    "test", "finddevice", "peer", "child", "parent", "getproplen", "getprop", "nextprop", "setprop", "canon",
    "package-to-path", "instance-to-path", "open", "close", "read", "write", "seek", "claim", "release", "call-method",
    "interpret", "milliseconds", "quiesce", "boot", "exit", "instance-to-package",
    // words that calls take as strings
    "ibm,client-architecture-support", "instantiate-rtas", "/", "/rtas", "/chosen", "/cpus", "stdout", "name", "reg"};

static u32 argument(struct input *in)
{
    u8 kind = take(in), value = take(in);
    switch (kind & 7) {
    case 0: return value;
    case 1: return 0u - value;
    case 2: return NAMES + 32u * value;
    case 3: return BUFFER + value;
    case 4: return INPUT + value;
    case 5: return (u32)TEST_MEMORY - value;
    case 6: { // handles that exist
        int node = fdt_next_node(of_tree(&test_lp), -1, NULL);
        for (; value && node >= 0; value--)
            node = fdt_next_node(of_tree(&test_lp), node, NULL);
        return node < 0 ? value : fdt_get_phandle(of_tree(&test_lp), node);
    }
    default: return (u32)value << 24 | (u32)take(in) << 16 | (u32)take(in) << 8 | take(in);
    }
}

static void one_call(struct input *in)
{
    be32 cells[40] = {0};
    u8 choice = take(in), counts = take(in);
    u32 nargs = counts & 15, nret = counts >> 4;
    bool rtas = choice & 0x80;
    cells[0] = be32_of(rtas ? rtas_rows[0].token + (choice & 0x7f) : NAMES + 32u * (choice & 0x7f));
    cells[1] = be32_of(nargs);
    cells[2] = be32_of(nret);
    for (u32 i = 0; i < nargs; i++)
        cells[3 + i] = be32_of(argument(in));
    guest_mem_write(&test_lp.mem, ARGS, cells, sizeof(cells));
    if (rtas)
        rtas_call(test_lp.group.cpus[0], ARGS);
    else
        of_client_call(test_lp.group.cpus[0], ARGS);
}

static void place_names(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(services); i++)
        guest_mem_write(&test_lp.mem, NAMES + 32u * i, services[i], strlen(services[i]) + 1);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static unsigned runs;
    if (runs++ % RUNS == 0) {
        partition_fini(&test_lp);
        test_partition(2, 2, LEVEL_V30);
    }
    place_names();
    guest_mem_write(&test_lp.mem, INPUT, data, MIN(size, 4096));
    test_hv.out_len = 0;
    test_hv.accept = sizeof(test_hv.out);
    struct input in = {data, size};
    for (unsigned calls = 0; in.size && calls < 64; calls++) {
        one_call(&in);
        atomic_store(&test_lp.end, END_NONE);
        atomic_store(&cpu_papr(test_lp.group.cpus[0])->state, THREAD_RUNNING);
    }
    return 0;
}
