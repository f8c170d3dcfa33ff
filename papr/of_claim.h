// SPDX-License-Identifier: Apache-2.0
// Memory that a boot program or firmware has claimed, before the OS runs. IEEE 1275 "claim", "release".
#ifndef PAPR_OF_CLAIM_H
#define PAPR_OF_CLAIM_H

#include "base/types.h"

#define OF_CLAIMS_MAX 512u

struct of_claims {
    struct of_claim {
        u64 start, end;
    } list[OF_CLAIMS_MAX]; // sorted by start, not touching the same byte twice
    unsigned len;
};

// Below it are the interrupt vectors, which nobody gets without asking for the address.
#define OF_VECTORS_END 0x4000u

// false: there are too many, or it is empty.
bool of_claim_insert(struct of_claims *claims, u64 start, u64 end);

// Takes [start, end) out of the claims, splitting what reaches beyond it.
void of_claim_remove(struct of_claims *claims, u64 start, u64 end);

// align 0 asks for the address itself, else for any with that alignment, below `limit`. All ones: not to be had.
u32 of_claim(struct of_claims *claims, u64 limit, u32 addr, u32 size, u32 align);

#endif
