// SPDX-License-Identifier: Apache-2.0
#include "cpu/xlate/x86/emit_sse.h"

#include "cpu/xlate/x86/emit_int.h"

#define PREFIX(op) ((op) >> 16 & 3)
#define MAP(op)    ((op) >> 8 & 15)
#define W(op)      (!!((op)&SSE_W))
#define L(op)      ((op)&SSE_256 ? 4u : 0)
#define NO_VECTOR  0 // of the second source, where an instruction has none: its field is then all ones

// Prefixes and opcode. `v`: the second source; index and base (rm) are numbers of general or vector registers.
static void head(struct code *c, u32 op, unsigned reg, unsigned v, unsigned index, unsigned rm)
{
    static const u8 prefixes[] = {0, 0x66, 0xf3, 0xf2};
    x_begin(c);
    if (x86_features.avx) {
        if (MAP(op) == 1 && !W(op) && !(index & 8) && !(rm & 8)) {
            x_byte(c, 0xc5);
            x_byte(c, (reg & 8 ? 0 : 0x80u) | (~v & 15) << 3 | L(op) | PREFIX(op));
        } else {
            x_byte(c, 0xc4);
            x_byte(c, (reg & 8 ? 0 : 0x80u) | (index & 8 ? 0 : 0x40) | (rm & 8 ? 0 : 0x20) | MAP(op));
            x_byte(c, (W(op) ? 0x80u : 0) | (~v & 15) << 3 | L(op) | PREFIX(op));
        }
        x_byte(c, op & 0xff);
        return;
    }
    if (PREFIX(op))
        x_byte(c, prefixes[PREFIX(op)]);
    unsigned rex = (W(op) ? 8u : 0) | (reg & 8) >> 1 | (index & 8) >> 2 | (rm & 8) >> 3;
    if (rex)
        x_byte(c, 0x40 | rex);
    x_byte(c, 0x0f);
    if (MAP(op) > 1)
        x_byte(c, MAP(op) == 2 ? 0x38 : 0x3a);
    x_byte(c, op & 0xff);
}

static void regs(struct code *c, unsigned reg, unsigned rm)
{
    x_byte(c, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

void x_v2(struct code *c, u32 op, enum reg dst, enum reg a, enum reg b)
{
    head(c, op, dst, a & 15u, 0, b);
    regs(c, dst, b);
}

void x_v2_imm(struct code *c, u32 op, enum reg dst, enum reg a, enum reg b, u8 imm)
{
    x_v2(c, op, dst, a, b);
    x_byte(c, imm);
}

void x_v2_mem(struct code *c, u32 op, enum reg dst, enum reg a, struct mem m)
{
    head(c, op, dst, a & 15u, m.index == NO_REG ? 0 : m.index, m.base);
    x_mem_operand(c, dst, m);
}

void x_v2_mem_imm(struct code *c, u32 op, enum reg dst, enum reg a, struct mem m, u8 imm)
{
    x_v2_mem(c, op, dst, a, m);
    x_byte(c, imm);
}

void x_v1(struct code *c, u32 op, enum reg dst, enum reg src)
{
    head(c, op, dst, NO_VECTOR, 0, src);
    regs(c, dst, src);
}

void x_v1_imm(struct code *c, u32 op, enum reg dst, enum reg src, u8 imm)
{
    x_v1(c, op, dst, src);
    x_byte(c, imm);
}

void x_v1_mem(struct code *c, u32 op, enum reg reg, struct mem m)
{
    head(c, op, reg, NO_VECTOR, m.index == NO_REG ? 0 : m.index, m.base);
    x_mem_operand(c, reg, m);
}

void x_vshift_imm(struct code *c, u32 op, unsigned ext, enum reg dst, enum reg src, u8 imm)
{
    head(c, op, ext, dst & 15u, 0, x86_features.avx ? src : dst);
    regs(c, ext, x86_features.avx ? src : dst);
    x_byte(c, imm);
}

static void evex(struct code *c, u32 op, unsigned reg, unsigned v, unsigned rm)
{
    x_begin(c);
    x_byte(c, 0x62);
    x_byte(c, (reg & 8 ? 0 : 0x80u) | 0x40 | (rm & 8 ? 0 : 0x20) | 0x10 | MAP(op));
    x_byte(c, (W(op) ? 0x80u : 0) | (~v & 15u) << 3 | 4 | PREFIX(op));
    x_byte(c, 0x08);
    x_byte(c, op & 0xff);
    regs(c, reg, rm);
}

void x_v512(struct code *c, u32 op, enum reg dst, enum reg a, enum reg b)
{
    evex(c, op, dst, a, b);
}

void x_v512_shift_imm(struct code *c, u32 op, unsigned ext, enum reg dst, enum reg src, u8 imm)
{
    evex(c, op, ext, dst, src);
    x_byte(c, imm);
}

void x_v512_imm(struct code *c, u32 op, enum reg dst, enum reg a, enum reg b, u8 imm)
{
    x_v512(c, op, dst, a, b);
    x_byte(c, imm);
}

void x_vzeroupper(struct code *c)
{
    head(c, SSE_NP(1, 0x77), 0, NO_VECTOR, 0, 0);
}

void x_vmov(struct code *c, enum reg dst, enum reg src)
{
    if (dst != src)
        x_v1(c, MOVAPS, dst, src);
}

void x_vmov_from(struct code *c, int w, enum reg xmm, enum reg src)
{
    x_v1(c, MOVD_LOAD | (w ? SSE_W : 0), xmm, src);
}

void x_vmov_to(struct code *c, int w, enum reg dst, enum reg xmm)
{
    x_v1(c, MOVD_STORE | (w ? SSE_W : 0), xmm, dst);
}

static void label_operand(struct code *c, unsigned reg, struct label *l)
{
    x_byte(c, (reg & 7) << 3 | 5);
    x_displacement(c, l);
}

void x_v2_const(struct code *c, u32 op, enum reg dst, enum reg a, struct label *l)
{
    head(c, op, dst, a & 15u, 0, 0);
    label_operand(c, dst, l);
}

void x_v1_const(struct code *c, u32 op, enum reg dst, struct label *l)
{
    head(c, op, dst, NO_VECTOR, 0, 0);
    label_operand(c, dst, l);
}
