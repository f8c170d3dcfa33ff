// SPDX-License-Identifier: Apache-2.0
// Moves between general-purpose and special-purpose registers. ISA I, II, III "Move To/From System Register Instructions".
#include "cpu/exec/exec.h"
#include "cpu/group.h"
#include "cpu/spr.h"

// The number's halves are swapped in the instruction.
#define SPR_NUMBER (INSN_FIELD(16, 20) << 5 | INSN_FIELD(11, 15))

EXEC(mfspr)
{
    if (SPR_NUMBER == 268) { // the time base: what programs ask for all the time
        GPR(RT) = cpu_timebase(cpu);
        return;
    }
    spr_read_checked(cpu, SPR_NUMBER, &GPR(RT));
}

EXEC(mtspr)
{
    spr_write_checked(cpu, SPR_NUMBER, GPR(RS));
}

EXEC(mflr)
{
    GPR(RT) = cpu->lr;
}

EXEC(mtlr)
{
    cpu->lr = GPR(RS);
}

EXEC(mfctr)
{
    GPR(RT) = cpu->ctr;
}

EXEC(mtctr)
{
    cpu->ctr = GPR(RS);
}

EXEC(mfxer)
{
    GPR(RT) = spr_xer_get(cpu);
}

EXEC(mtxer)
{
    spr_xer_set(cpu, GPR(RS));
}

EXEC(mftb)
{
    unsigned tbr = SPR_NUMBER;
    if (tbr != 268 && tbr != 269)
        cpu_raise_illegal(cpu);
    u64 tb = cpu_timebase(cpu);
    GPR(RT) = tbr == 268 ? tb : tb >> 32;
}
