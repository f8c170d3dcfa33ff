// SPDX-License-Identifier: Apache-2.0
//
// Firmware-assisted non-maskable interrupts: ibm,nmi-register, ibm,nmi-interlock. LoPAR "Non-Maskable Interrupts".
//
// Registered handlers are entered in the state of the interrupt with R3 pointing at where the interrupted R3 was put, in big-endian
// order; behind it a machine check has its error log. There is one such place for machine checks: its owner gives it back by
// ibm,nmi-interlock, until then others wait. System resets have a place per thread and need no interlock.
#include "base/endian.h"
#include "cpu/spr.h"
#include "papr/events.h"
#include "papr/rtas_int.h"

static_assert(RTAS_RESET_AREA + GROUP_CPUS_MAX * RTAS_RESET_STRIDE <= RTAS_BLOB_SIZE, "a place for each thread");
static_assert(RTAS_CHECK_AREA + 8 + EVENT_MACHINE_CHECK_MAX <= RTAS_RESET_AREA, "a machine check's log fits");

#define HANDLER_LIMIT (32 * MIB) // LoPAR: handlers are in the first 32 MiB

static bool good_handler(const struct partition *lp, u32 addr)
{
    return addr && addr % 4 == 0 && addr < MIN(HANDLER_LIMIT, lp->group.rma_size);
}

// system reset handler, machine check handler: real addresses
int rtas_nmi_register(struct cpu *cpu, struct rtas_call *call)
{
    struct partition *lp = cpu_partition(cpu);
    if (!lp->rtas_base || !good_handler(lp, call->args[0]) || !good_handler(lp, call->args[1]))
        return RTAS_PARAMETER;
    atomic_store(&lp->rtas->nmi_reset, call->args[0]);
    atomic_store(&lp->rtas->nmi_check, call->args[1]);
    return RTAS_SUCCESS;
}

// A handler is done with the place. An OS may say so after a system reset, too: success, although there is nothing to give back.
int rtas_nmi_interlock(struct cpu *cpu, struct rtas_call *call)
{
    struct partition *lp = cpu_partition(cpu);
    u32 mine = cpu->server + 1;
    if (!atomic_load(&lp->rtas->nmi_check))
        return RTAS_PARAMETER;
    if (!atomic_compare_exchange_strong(&lp->rtas->nmi_owner, &mine, 0))
        return RTAS_SUCCESS;
    for (u32 i = 0; i < lp->group.len; i++)
        if (atomic_load(&lp->group.cpus[i]->lines) & LINE_MACHINE_CHECK)
            cpu_kick(lp->group.cpus[i], ATTN_INTERRUPT);
    return RTAS_SUCCESS;
}

static void save_r3(struct cpu *cpu, u64 addr)
{
    be64 r3 = be64_of(cpu->gpr[3]);
    guest_mem_write(&cpu_partition(cpu)->mem, addr, &r3, sizeof(r3));
    cpu->gpr[3] = addr;
}

static u64 system_reset(struct cpu *cpu, u32 handler)
{
    save_r3(cpu, cpu_partition(cpu)->rtas_base + RTAS_RESET_AREA + (u64)cpu->server * RTAS_RESET_STRIDE);
    return handler;
}

static u64 machine_check(struct cpu *cpu, u32 handler, u64 srr1)
{
    struct partition *lp = cpu_partition(cpu);
    u64 area = lp->rtas_base + RTAS_CHECK_AREA;
    u8 log[EVENT_MACHINE_CHECK_MAX];
    u32 owner = 0;
    if (!atomic_compare_exchange_strong(&lp->rtas->nmi_owner, &owner, cpu->server + 1)) {
        if (owner != cpu->server + 1)
            return NMI_LATER;
        // It happened to the handler itself: what it was told is not read yet, or not to be trusted.
        partition_end(lp, END_CRASH, "a machine check came while its thread handled another one");
        return handler;
    }
    // ISA III "Machine Check Interrupt": of a load or store, where the bit is set
    u32 size = events_machine_check(lp, log, cpu->server, !(srr1 & PPC_BIT(42)), cpu->dar);
    guest_mem_write(&lp->mem, area + sizeof(u64), log, size);
    save_r3(cpu, area);
    return handler;
}

u64 rtas_nmi(struct cpu *cpu, unsigned vector, u64 srr1)
{
    struct rtas *rtas = cpu_partition(cpu)->rtas;
    u32 handler = atomic_load(vector == VEC_RESET ? &rtas->nmi_reset : &rtas->nmi_check);
    if (!handler)
        return vector;
    return vector == VEC_RESET ? system_reset(cpu, handler) : machine_check(cpu, handler, srr1);
}
