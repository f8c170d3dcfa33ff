// SPDX-License-Identifier: Apache-2.0
// Vector loads and stores, alignment support, VSCR. ISA I "Vector Storage Access Instructions".
//
// The low address bits are ignored, there is no alignment interrupt. In little-endian mode the byte at the lowest address is
// the register's least significant one, hence byte element 15: memory order is then the host's order of the elements.
#include "cpu/exec/exec.h"

static inline u64 vmx_ea(const struct cpu *cpu, u32 insn)
{
    return ra_or_zero(cpu, insn) + GPR(RB);
}

// The other elements of VRT are undefined; they are left alone.
#define LOAD_ELEMENT(id, bits, f)                          \
    EXEC(id)                                               \
    {                                                      \
        u64 ea = vmx_ea(cpu, insn) & ~(u64)(bits / 8 - 1); \
        unsigned i = (unsigned)(ea & 15) / (bits / 8);     \
        u##bits v = mem_read##bits(cpu, ea);               \
        VR(RT)->f[cpu->be ? 128 / bits - 1 - i : i] = v;   \
    }

#define STORE_ELEMENT(id, bits, f)                                             \
    EXEC(id)                                                                   \
    {                                                                          \
        u64 ea = vmx_ea(cpu, insn) & ~(u64)(bits / 8 - 1);                     \
        unsigned i = (unsigned)(ea & 15) / (bits / 8);                         \
        mem_write##bits(cpu, ea, VR(RS)->f[cpu->be ? 128 / bits - 1 - i : i]); \
    }

LOAD_ELEMENT(lvebx, 8, b)
LOAD_ELEMENT(lvehx, 16, h)
LOAD_ELEMENT(lvewx, 32, w)
STORE_ELEMENT(stvebx, 8, b)
STORE_ELEMENT(stvehx, 16, h)
STORE_ELEMENT(stvewx, 32, w)

EXEC(lvx)
{
    VR(RT)->q = mem_read128(cpu, vmx_ea(cpu, insn) & ~15ull);
}

EXEC(lvxl)
{
    VR(RT)->q = mem_read128(cpu, vmx_ea(cpu, insn) & ~15ull);
}

EXEC(stvx)
{
    mem_write128(cpu, vmx_ea(cpu, insn) & ~15ull, VR(RS)->q);
}

EXEC(stvxl)
{
    mem_write128(cpu, vmx_ea(cpu, insn) & ~15ull, VR(RS)->q);
}

// Sixteen consecutive byte values, the first one in byte element 0.
static inline u128 byte_sequence(unsigned first)
{
    u64 ones = 0x0101010101010101ull;
    u64 high = 0x0001020304050607ull + first * ones, low = 0x08090a0b0c0d0e0full + first * ones;
    return (u128)high << 64 | low;
}

EXEC(lvsl)
{
    VR(RT)->q = byte_sequence(vmx_ea(cpu, insn) & 15);
}

EXEC(lvsr)
{
    VR(RT)->q = byte_sequence(16 - (vmx_ea(cpu, insn) & 15));
}

EXEC(mfvscr)
{
    VR(RT)->q = cpu->vscr;
}

EXEC(mtvscr)
{
    cpu->vscr = VSR_W(VR(RB), 3) & (VSCR_NJ | VSCR_SAT);
}
