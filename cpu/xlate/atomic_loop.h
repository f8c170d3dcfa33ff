// SPDX-License-Identifier: Apache-2.0
// The usual loops around larx and stcx. that one atomic operation of the host does:
//
//     exchange            add                    compare and swap
//     1: larx  t,a,b      1: larx  t,a,b         1: larx  t,a,b
//        stcx. s,a,b         add   s,t,x            cmp   t,x
//        bne-  1b            stcx. s,a,b            bne-  elsewhere
//                            bne-  1b               stcx. s,a,b
//                                                   bne-  1b
//
// The operation takes the place of the larx; stcx. only sets CR field 0, as it has succeeded. Contended, the loop would fetch the cache line
// twice, and often in vain.
#ifndef CPU_XLATE_ATOMIC_LOOP_H
#define CPU_XLATE_ATOMIC_LOOP_H

#include "cpu/xlate/build.h"

#define ATOMIC_LOOP_MAX 5u

struct atomic_loop {
    u8 op;    // IR_RMW or IR_CAS
    u8 store; // how many instructions behind the first one stcx. is
    u8 len;
    u64 kind;  // imm
    u8 change; // the register that is exchanged, added, or stored; with `immediate` and `negative` where it is added
    u8 expect; // CAS: the register that is compared
    bool immediate, negative;
    s64 value; // instead of a register
};

// Whether the n instructions are, or begin with, such a loop.
bool atomic_loop_match(const u32 *words, const u16 *ids, unsigned n, struct atomic_loop *loop);

// Instead of the larx `insn`, and of the stcx.
void atomic_loop_lower(struct ir_builder *b, u32 insn, const struct atomic_loop *loop);
void atomic_loop_lower_store(struct ir_builder *b);

#endif
