// SPDX-License-Identifier: Apache-2.0
// Fuzz target: bytes from a debugger, against a session whose partition is one stopped thread with a little memory.
#include <stdlib.h>
#include <string.h>

#include "cpu/group.h"
#include "isa/isa.h"
#include "lpar/gdb_session.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static u8 memory[8192];
static struct cpu_group group;
static const struct cpu_hooks hooks;
static struct guest_mem mem;
static struct gdb_session *running;

static unsigned threads(void *arg)
{
    return 2;
}

static struct cpu *thread(void *arg, unsigned index)
{
    return group.cpus[index];
}

static bool inside(u64 ea, size_t size)
{
    return ea < sizeof(memory) && size <= sizeof(memory) - ea;
}

static bool read_memory(void *arg, struct cpu *cpu, u64 ea, void *to, size_t size)
{
    if (!inside(ea, size))
        return false;
    memcpy(to, memory + ea, size);
    return true;
}

static bool write_memory(void *arg, struct cpu *cpu, u64 ea, const void *from, size_t size)
{
    if (!inside(ea, size))
        return false;
    memcpy(memory + ea, from, size);
    return true;
}

static bool point(void *arg, bool insert, unsigned kind, u64 ea, u64 size)
{
    return ea % 3 != 0;
}

static void resume(void *arg, int step)
{
    // The stop comes at once, as if the first instruction had a breakpoint.
    gdb_session_stopped(running, step < 0 ? 0 : (unsigned)step, step < 0 ? GDB_BREAKPOINT : GDB_STEP, 0);
}

static void nothing(void *arg) {}

static void monitor(void *arg, struct cpu *cpu, const char *command, char *text, size_t size)
{
    strncpy(text, command, size - 1);
    text[size - 1] = 0;
}

static const struct gdb_target target = {
    .threads = threads,
    .cpu = thread,
    .read = read_memory,
    .write = write_memory,
    .point = point,
    .resume = resume,
    .interrupt = nothing,
    .kill = nothing,
    .detach = nothing,
    .monitor = monitor,
};

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    if (!group.len) {
        isa_init();
        if (guest_mem_init(&mem, 64 * KIB) || group_init(&group, &mem, &hooks, NULL))
            abort();
        group_add_cpu(&group, 0, 0, 0, 0x4e1203);
        group_add_cpu(&group, 1, 0, 1, 0x4e1203);
    }
    struct gdb_session s;
    if (gdb_session_init(&s, &target))
        abort();
    running = &s;
    gdb_session_input(&s, data, size);
    gdb_session_fini(&s);
    return 0;
}
