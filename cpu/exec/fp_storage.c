// SPDX-License-Identifier: Apache-2.0
// ISA I "Floating-Point Load Instructions", "Floating-Point Store Instructions", "... Double Pair Instructions".
#include "cpu/exec/fp_int.h"

#define EA_D  (ra_or_zero(cpu, insn) + (u64)DISP_D)
#define EA_DU (GPR(RA) + (u64)DISP_D)
#define EA_X  (ra_or_zero(cpu, insn) + GPR(RB))
#define EA_XU (GPR(RA) + GPR(RB))

// Update forms write RA after the access, which may not return.
#define FP_LOAD(id, address, value, update) \
    EXEC(id)                                \
    {                                       \
        u64 ea = (address);                 \
        u64 v = (value);                    \
        fpr_set(cpu, RT, v);                \
        if (update)                         \
            GPR(RA) = ea;                   \
    }

#define FP_STORE(id, address, store, update) \
    EXEC(id)                                 \
    {                                        \
        u64 ea = (address);                  \
        store;                               \
        if (update)                          \
            GPR(RA) = ea;                    \
    }

#define LOAD_SINGLE  fp_load_single(mem_read32(cpu, ea))
#define STORE_SINGLE mem_write32(cpu, ea, fp_store_single(FPR(RS)))
#define STORE_DOUBLE mem_write64(cpu, ea, FPR(RS))

FP_LOAD(lfs, EA_D, LOAD_SINGLE, 0)
FP_LOAD(lfsu, EA_DU, LOAD_SINGLE, 1)
FP_LOAD(lfsx, EA_X, LOAD_SINGLE, 0)
FP_LOAD(lfsux, EA_XU, LOAD_SINGLE, 1)
FP_LOAD(lfd, EA_D, mem_read64(cpu, ea), 0)
FP_LOAD(lfdu, EA_DU, mem_read64(cpu, ea), 1)
FP_LOAD(lfdx, EA_X, mem_read64(cpu, ea), 0)
FP_LOAD(lfdux, EA_XU, mem_read64(cpu, ea), 1)
FP_LOAD(lfiwax, EA_X, (u64)(s64)(s32)mem_read32(cpu, ea), 0)
FP_LOAD(lfiwzx, EA_X, mem_read32(cpu, ea), 0)

FP_STORE(stfs, EA_D, STORE_SINGLE, 0)
FP_STORE(stfsu, EA_DU, STORE_SINGLE, 1)
FP_STORE(stfsx, EA_X, STORE_SINGLE, 0)
FP_STORE(stfsux, EA_XU, STORE_SINGLE, 1)
FP_STORE(stfd, EA_D, STORE_DOUBLE, 0)
FP_STORE(stfdu, EA_DU, STORE_DOUBLE, 1)
FP_STORE(stfdx, EA_X, STORE_DOUBLE, 0)
FP_STORE(stfdux, EA_XU, STORE_DOUBLE, 1)
FP_STORE(stfiwx, EA_X, mem_write32(cpu, ea, (u32)FPR(RS)), 0)

// A pair is one quadword in storage: the even register is its high half, in either byte order.
static void load_pair(struct cpu *cpu, u32 insn, u64 ea)
{
    u128 v = mem_read128(cpu, ea);
    fpr_set(cpu, RT & ~1u, (u64)(v >> 64));
    fpr_set(cpu, RT | 1u, (u64)v);
}

static void store_pair(struct cpu *cpu, u32 insn, u64 ea)
{
    mem_write128(cpu, ea, (u128)FPR(RS & ~1u) << 64 | FPR(RS | 1u));
}

EXEC(lfdp)
{
    load_pair(cpu, insn, ra_or_zero(cpu, insn) + (u64)DISP_DS);
}

EXEC(lfdpx)
{
    load_pair(cpu, insn, EA_X);
}

EXEC(stfdp)
{
    store_pair(cpu, insn, ra_or_zero(cpu, insn) + (u64)DISP_DS);
}

EXEC(stfdpx)
{
    store_pair(cpu, insn, EA_X);
}
