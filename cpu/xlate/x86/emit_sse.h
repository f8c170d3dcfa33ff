// SPDX-License-Identifier: Apache-2.0
// Encoder for vector instructions on 128-bit registers, in the legacy form or, where the host has AVX, with VEX. Registers are XMM0 .. XMM15
// of enum reg. With AVX no operand needs to be the destination, and nothing in memory needs to be aligned.
#ifndef CPU_XLATE_X86_EMIT_SSE_H
#define CPU_XLATE_X86_EMIT_SSE_H

#include "cpu/xlate/x86/emit.h"

// An instruction: mandatory prefix, map (1: 0f, 2: 0f38, 3: 0f3a), opcode; W for those that need it.
#define SSE_NP(map, op) ((map) << 8 | (op))
#define SSE_66(map, op) (1u << 16 | (map) << 8 | (op))
#define SSE_F3(map, op) (2u << 16 | (map) << 8 | (op))
#define SSE_F2(map, op) (3u << 16 | (map) << 8 | (op))
#define SSE_W           (1u << 20)
#define SSE_256         (1u << 21) // of 256 bits, with AVX

enum {
    MOVUPS_LOAD = SSE_NP(1, 0x10),
    MOVUPS_STORE = SSE_NP(1, 0x11),
    MOVAPS = SSE_NP(1, 0x28),
    MOVQ_LOAD = SSE_F3(1, 0x7e), // xmm, 8 bytes: the rest becomes zero
    MOVQ_STORE = SSE_66(1, 0xd6),
    MOVD_LOAD = SSE_66(1, 0x6e), // with W: movq to and from general registers
    MOVD_STORE = SSE_66(1, 0x7e),
    PSHUFD = SSE_66(1, 0x70),
    PSHUFB = SSE_66(2, 0x00),
    PAND = SSE_66(1, 0xdb),
    PANDN = SSE_66(1, 0xdf), // ~first & second
    POR = SSE_66(1, 0xeb),
    PXOR = SSE_66(1, 0xef),
    PCMPEQB = SSE_66(1, 0x74),
    PCMPEQD = SSE_66(1, 0x76),
    PADDB = SSE_66(1, 0xfc),
    PADDW = SSE_66(1, 0xfd),
    PADDD = SSE_66(1, 0xfe),
    PADDQ = SSE_66(1, 0xd4),
    PSUBB = SSE_66(1, 0xf8),
    PSUBW = SSE_66(1, 0xf9),
    PSUBD = SSE_66(1, 0xfa),
    PSUBQ = SSE_66(1, 0xfb),
    SHUFPD = SSE_66(1, 0xc6),
    PUNPCKLQDQ = SSE_66(1, 0x6c),
    PUNPCKHQDQ = SSE_66(1, 0x6d),
    PEXTRQ = SSE_66(3, 0x16) | SSE_W,
    PINSRQ = SSE_66(3, 0x22) | SSE_W,
    PSRLDQ = 3, // ext of PSHIFT_BYTES
    PSLLDQ = 7,
    PSHIFT_BYTES = SSE_66(1, 0x73),
    PSHIFT_WORDS =
        SSE_66(1, 0x71), // ext 2: right, 4: right with sign, 6: left; 72 and 73 for doublewords of 32 and 64 bits
    PSHIFT_DWORDS = SSE_66(1, 0x72),
    PSHIFT_QWORDS = SSE_66(1, 0x73),
    PSHUFLW = SSE_F2(1, 0x70),
    PSHUFHW = SSE_F3(1, 0x70),
    PADDSB = SSE_66(1, 0xec),
    PADDSW = SSE_66(1, 0xed),
    PADDUSB = SSE_66(1, 0xdc),
    PADDUSW = SSE_66(1, 0xdd),
    PSUBSB = SSE_66(1, 0xe8),
    PSUBSW = SSE_66(1, 0xe9),
    PSUBUSB = SSE_66(1, 0xd8),
    PSUBUSW = SSE_66(1, 0xd9),
    PAVGB = SSE_66(1, 0xe0),
    PAVGW = SSE_66(1, 0xe3),
    PMINSB = SSE_66(2, 0x38),
    PMINSW = SSE_66(1, 0xea),
    PMINSD = SSE_66(2, 0x39),
    PMINUB = SSE_66(1, 0xda),
    PMINUW = SSE_66(2, 0x3a),
    PMINUD = SSE_66(2, 0x3b),
    PMAXSB = SSE_66(2, 0x3c),
    PMAXSW = SSE_66(1, 0xee),
    PMAXSD = SSE_66(2, 0x3d),
    PMAXUB = SSE_66(1, 0xde),
    PMAXUW = SSE_66(2, 0x3e),
    PMAXUD = SSE_66(2, 0x3f),
    PCMPEQW = SSE_66(1, 0x75),
    PCMPEQQ = SSE_66(2, 0x29),
    PCMPGTB = SSE_66(1, 0x64),
    PCMPGTW = SSE_66(1, 0x65),
    PCMPGTD = SSE_66(1, 0x66),
    PCMPGTQ = SSE_66(2, 0x37),
    PMULLW = SSE_66(1, 0xd5),
    PMULLD = SSE_66(2, 0x40),
    PMADDWD = SSE_66(1, 0xf5),
    PMADDUBSW = SSE_66(2, 0x04),
    PMULHUW = SSE_66(1, 0xe4),
    PMULUDQ = SSE_66(1, 0xf4),
    PMULDQ = SSE_66(2, 0x28),
    PSADBW = SSE_66(1, 0xf6),
    PUNPCKHBW = SSE_66(1, 0x68),
    PUNPCKHWD = SSE_66(1, 0x69),
    PUNPCKHDQ = SSE_66(1, 0x6a),
    PUNPCKLBW = SSE_66(1, 0x60),
    PUNPCKLWD = SSE_66(1, 0x61),
    PUNPCKLDQ = SSE_66(1, 0x62),
    PACKSSWB = SSE_66(1, 0x63),
    PACKSSDW = SSE_66(1, 0x6b),
    PACKUSWB = SSE_66(1, 0x67),
    PACKUSDW = SSE_66(2, 0x2b),
    PBLENDW = SSE_66(3, 0x0e),
    PALIGNR = SSE_66(3, 0x0f),
    PMOVSXBW = SSE_66(2, 0x20),
    PMOVSXWD = SSE_66(2, 0x23),
    PMOVSXDQ = SSE_66(2, 0x25),
    AESENC = SSE_66(2, 0xdc),
    AESENCLAST = SSE_66(2, 0xdd),
    AESDECLAST = SSE_66(2, 0xdf),
    AESIMC = SSE_66(2, 0xdb),
    PCLMULQDQ = SSE_66(3, 0x44),
    PMOVMSKB = SSE_66(1, 0xd7),
    PTEST = SSE_66(2, 0x17),
    VPSLLVD = SSE_66(2, 0x47),
    VPSRLVD = SSE_66(2, 0x45),
    VPSRAVD = SSE_66(2, 0x46),
    SHUFPS = SSE_NP(1, 0xc6),
    VPSLLVQ = SSE_66(2, 0x47) | SSE_W,
    VPSRLVQ = SSE_66(2, 0x45) | SSE_W,
    // AVX-512: x_v512() and its relatives.
    VPSLLVW = SSE_66(2, 0x12) | SSE_W,
    VPSRLVW = SSE_66(2, 0x10) | SSE_W,
    VPSRAVW = SSE_66(2, 0x11) | SSE_W,
    VPSRAVQ = SSE_66(2, 0x46) | SSE_W,
    VPROLVD = SSE_66(2, 0x15),
    VPROLVQ = SSE_66(2, 0x15) | SSE_W,
    VPROLD = SSE_66(1, 0x72), // ext 1
    VPROLQ = SSE_66(1, 0x72) | SSE_W,
    VPMINSQ = SSE_66(2, 0x39) | SSE_W,
    VPMINUQ = SSE_66(2, 0x3b) | SSE_W,
    VPMAXSQ = SSE_66(2, 0x3d) | SSE_W,
    VPMAXUQ = SSE_66(2, 0x3f) | SSE_W,
    VPOPCNTB = SSE_66(2, 0x54),
    VPOPCNTW = SSE_66(2, 0x54) | SSE_W,
    VPOPCNTD = SSE_66(2, 0x55),
    VPOPCNTQ = SSE_66(2, 0x55) | SSE_W,
    VPLZCNTD = SSE_66(2, 0x44),
    VPLZCNTQ = SSE_66(2, 0x44) | SSE_W,
    VPTERNLOGD = SSE_66(3, 0x25), // of dst and both operands: the table of truth
    // AVX.
    VINSERTF128 = SSE_66(3, 0x18) | SSE_256,
};

// dst = op(a, b). Without AVX: dst must be a.
void x_v2(struct code *c, u32 op, enum reg dst, enum reg a, enum reg b);
void x_v2_imm(struct code *c, u32 op, enum reg dst, enum reg a, enum reg b, u8 imm);
void x_v2_mem(struct code *c, u32 op, enum reg dst, enum reg a, struct mem m); // without AVX the memory is aligned
void x_v2_mem_imm(struct code *c, u32 op, enum reg dst, enum reg a, struct mem m, u8 imm);
// dst = op(src): conversions, shuffles by an immediate; loads and stores (dst is what is stored).
void x_v1(struct code *c, u32 op, enum reg dst, enum reg src);
void x_v1_imm(struct code *c, u32 op, enum reg dst, enum reg src, u8 imm);
void x_v1_mem(struct code *c, u32 op, enum reg reg, struct mem m);
// With a constant of 16 aligned bytes at the label, which is bound later.
void x_v2_const(struct code *c, u32 op, enum reg dst, enum reg a, struct label *l);
void x_v1_const(struct code *c, u32 op, enum reg dst, struct label *l);
// Shifts by an immediate: `ext` extends the opcode. Without AVX: dst must be src.
void x_vshift_imm(struct code *c, u32 op, unsigned ext, enum reg dst, enum reg src, u8 imm);
// AVX-512VL, 128 bits, no mask.
void x_v512(struct code *c, u32 op, enum reg dst, enum reg a, enum reg b);
void x_v512_shift_imm(struct code *c, u32 op, unsigned ext, enum reg dst, enum reg src, u8 imm);
void x_v512_imm(struct code *c, u32 op, enum reg dst, enum reg a, enum reg b, u8 imm);

// The upper halves of all registers become zero, which the host then knows of (AVX).
void x_vzeroupper(struct code *c);
void x_vmov(struct code *c, enum reg dst, enum reg src);
// To and from general registers; w as elsewhere.
void x_vmov_from(struct code *c, int w, enum reg xmm, enum reg src);
void x_vmov_to(struct code *c, int w, enum reg dst, enum reg xmm);

#endif
