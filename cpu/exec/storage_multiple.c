// SPDX-License-Identifier: Apache-2.0
// Load and store multiple, move assist. ISA I "Fixed-Point Load and Store Multiple Instructions", "Fixed-Point Move Assist".
//
// In little-endian mode they cause an alignment interrupt. Loads collect everything first, so that an interrupt in the
// middle leaves the registers, RA among them, as they were. Registers follow each other modulo 32.
#include "cpu/exec/storage_int.h"

static void require_big_endian(struct cpu *cpu, u64 ea)
{
    if (!cpu->be)
        cpu_raise_alignment(cpu, ea & cpu->ea_mask);
}

EXEC(lmw)
{
    u64 ea = ra_or_zero(cpu, insn) + (u64)DISP_D;
    require_big_endian(cpu, ea);
    u32 words[32];
    unsigned first = RT, len = 32 - first;
    for (unsigned i = 0; i < len; i++)
        words[i] = mem_read32(cpu, ea + 4 * i);
    for (unsigned i = 0; i < len; i++)
        GPR(first + i) = words[i];
}

EXEC(stmw)
{
    u64 ea = ra_or_zero(cpu, insn) + (u64)DISP_D;
    require_big_endian(cpu, ea);
    for (unsigned i = RS; i < 32; i++, ea += 4)
        mem_write32(cpu, ea, (u32)GPR(i));
}

// Bytes fill the low words of the registers from the left; the last one is padded with zeros.
static void load_string(struct cpu *cpu, u32 insn, u64 ea, unsigned size)
{
    u8 bytes[128];
    require_big_endian(cpu, ea);
    for (unsigned i = 0; i < size; i++)
        bytes[i] = mem_read8(cpu, ea + i);
    for (unsigned i = 0; i < size; i += 4) {
        u32 word = 0;
        for (unsigned j = 0; j < 4; j++)
            word = word << 8 | (i + j < size ? bytes[i + j] : 0);
        GPR((RT + i / 4) & 31) = word;
    }
}

static void store_string(struct cpu *cpu, u32 insn, u64 ea, unsigned size)
{
    require_big_endian(cpu, ea);
    for (unsigned i = 0; i < size; i++)
        mem_write8(cpu, ea + i, (u8)(GPR((RS + i / 4) & 31) >> (24 - 8 * (i & 3))));
}

static inline unsigned immediate_size(u32 insn)
{
    return RB ? RB : 32;
}

static inline unsigned xer_size(const struct cpu *cpu)
{
    return cpu->xer_rest & 0x7f;
}

EXEC(lswi)
{
    load_string(cpu, insn, ra_or_zero(cpu, insn), immediate_size(insn));
}

EXEC(lswx)
{
    load_string(cpu, insn, ea_indexed(cpu, insn), xer_size(cpu));
}

EXEC(stswi)
{
    store_string(cpu, insn, ra_or_zero(cpu, insn), immediate_size(insn));
}

EXEC(stswx)
{
    store_string(cpu, insn, ea_indexed(cpu, insn), xer_size(cpu));
}
