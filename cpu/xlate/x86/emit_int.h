// SPDX-License-Identifier: Apache-2.0
// Between the parts of the encoder: emit.c, emit_sse.c.
#ifndef CPU_XLATE_X86_EMIT_INT_H
#define CPU_XLATE_X86_EMIT_INT_H

#include "cpu/xlate/x86/emit.h"

// Room for one instruction; the longest one here is shorter than that.
#define X_ROOM 24

static inline void x_begin(struct code *c)
{
    if (unlikely(c->end - c->at < X_ROOM)) {
        c->full = true;
        c->at = c->start;
    }
}

void x_displacement(struct code *c, struct label *l); // to the label, as the last part of an instruction
void x_mem_operand(struct code *c, unsigned reg, struct mem m);

static inline void x_byte(struct code *c, unsigned v)
{
    *c->at++ = (u8)v;
}

#endif
