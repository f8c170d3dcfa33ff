// SPDX-License-Identifier: Apache-2.0
// The engine that translates: the interpreter's loop, with hot places counted and regions entered from its threaded code.
#include "cpu/run.h"
#include "cpu/xlate/target.h"
#include "cpu/xlate/xlate.h"

static enum cpu_exit jit_run(struct cpu *cpu)
{
    if (!cpu->xlate)
        cpu->xlate = xlate_of(cpu); // NULL: interpreted
    return interp_engine.run(cpu);
}

static enum cpu_exit check_run(struct cpu *cpu)
{
    cpu->check = true;
    return jit_run(cpu);
}

static enum cpu_exit jit_step(struct cpu *cpu)
{
    return interp_engine.step(cpu);
}

const struct cpu_engine jit_engine = {.name = "jit", .run = jit_run, .step = jit_step};
const struct cpu_engine check_engine = {.name = "check", .run = check_run, .step = jit_step};

const struct cpu_engine *engine_auto(void)
{
    return target_available() ? &jit_engine : &interp_engine;
}
