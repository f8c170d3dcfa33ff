// SPDX-License-Identifier: Apache-2.0
// Encoder for the x86-64 instructions that the translator uses. Operands are in Intel's order: destination first.
//
// `w` is the operand width: 1 for 64 bits, 0 for 32 bits (the upper half of a destination register becomes zero).
#ifndef CPU_XLATE_X86_EMIT_H
#define CPU_XLATE_X86_EMIT_H

#include "base/types.h"

enum reg {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    REGS,
    XMM0 = REGS,
    XMM1,
    XMM2,
    XMM3,
    XMM4,
    XMM5,
    XMM6,
    XMM7,
    XMM8,
    XMM9,
    XMM10,
    XMM11,
    XMM12,
    XMM13,
    XMM14,
    XMM15,
    ALL_REGS,
    NO_REG = 0xff
};

enum alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
enum shift { SHIFT_ROL, SHIFT_ROR, SHIFT_SHL = 4, SHIFT_SHR, SHIFT_SAR = 7 };
enum unary {
    UNARY_NOT = 2,
    UNARY_NEG,
    UNARY_MUL,
    UNARY_IMUL,
    UNARY_DIV,
    UNARY_IDIV
}; // MUL, IMUL: rdx:rax = rax * operand; DIV, IDIV: rax and rdx = rdx:rax / operand
enum bits { BITS_POPCNT = 0xb8, BITS_TZCNT = 0xbc, BITS_LZCNT = 0xbd }; // with prefix f3
enum scan { SCAN_FORWARD = 0xbc, SCAN_REVERSE };                        // bsf, bsr
enum cc { CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A, CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G };

// A place in the code that names something outside of it, for those who move the code (save.c).
enum reloc_kind { RELOC_REL32, RELOC_ABS64 };
struct reloc {
    u32 at; // offset from code.start
    u32 kind;
    u64 to; // address
};

struct code {
    u8 *start, *at, *end;
    intptr_t exec; // what to add to an address here for the address at which it runs
    bool full;     // it did not fit: what was written is worthless
    bool fixed;    // it depends on where something is in a way that `relocs` do not tell
    struct reloc *relocs; // NULL: nobody wants them
    u32 relocs_len, relocs_max;
};

// [base + index * scale + disp]; index NO_REG: none.
struct mem {
    u8 base, index, scale;
    s32 disp;
};
static inline struct mem mem_at(enum reg base, s32 disp)
{
    return (struct mem){(u8)base, NO_REG, 1, disp};
}
static inline struct mem mem_indexed(enum reg base, enum reg index, s32 disp)
{
    // As a base these need a displacement, with which the sum takes longer.
    if (!disp && (base & 7) == RBP && (index & 7) != RBP && index != RSP)
        return (struct mem){(u8)index, (u8)base, 1, 0};
    return (struct mem){(u8)base, (u8)index, 1, disp};
}

// A place in the code. Zero-initialised it is not bound; jumps to it are chained through their displacements until it is.
struct label {
    u32 at, chain; // offsets from code.start, plus one
};
void x_bind(struct code *c, struct label *l);
void x_jmp(struct code *c, struct label *l);
void x_jcc(struct code *c, enum cc cc, struct label *l);

// To an address outside of the code; uses rax where it is out of reach.
void x_call_to(struct code *c, const void *to);
void x_jmp_to(struct code *c, const void *to);
void x_jcc_to(struct code *c, enum cc cc, const void *to);    // must be in reach
void x_address(struct code *c, enum reg dst, const void *of); // dst = the address
void x_pointer(struct code *c, enum reg dst, const void *to); // likewise, of data that is anywhere: always 64 bits
void x_jmp_mem(struct code *c, struct mem m);
void x_ret(struct code *c);
void x_data(struct code *c, u64 v); // 8 bytes that are no instruction
void x_data_label(struct code *c, const struct label *l, const struct label *from); // 4 bytes: how far l is from there; both are bound
void x_lea_label(struct code *c, enum reg dst, struct label *l);                    // dst = its address
void x_align(struct code *c, unsigned n);
void x_push(struct code *c, enum reg r);
void x_push_mem(struct code *c, struct mem m);
void x_call(struct code *c, struct label *l);
void x_call_reg(struct code *c, enum reg r);
void x_call_mem(struct code *c, struct mem m);
void x_jmp_reg(struct code *c, enum reg r);
void x_push_imm(struct code *c, s8 imm);
void x_pop(struct code *c, enum reg r);

void x_alu(struct code *c, enum alu op, int w, enum reg dst, enum reg src);
void x_alu_imm(struct code *c, enum alu op, int w, enum reg dst, s32 imm);
void x_alu_load(struct code *c, enum alu op, int w, enum reg dst, struct mem m);
void x_alu_store(struct code *c, enum alu op, int w, struct mem m, enum reg src);
void x_alu_mem_imm(struct code *c, enum alu op, int w, struct mem m, s32 imm);
void x_test(struct code *c, int w, enum reg a, enum reg b);
void x_test_imm(struct code *c, int w, enum reg a, s32 imm);
void x_test8_imm(struct code *c, enum reg a, u8 imm);
void x_test8_mem_imm(struct code *c, struct mem m, u8 imm);
void x_unary(struct code *c, enum unary op, int w, enum reg r);
void x_sign_rax(struct code *c, int w); // rdx = the sign of rax in all bits
void x_imul(struct code *c, int w, enum reg dst, enum reg src);
void x_imul_imm(struct code *c, int w, enum reg dst, enum reg src, s32 imm);
void x_mulx(struct code *c, enum reg high, enum reg low, enum reg src); // BMI2: high:low = rdx * src
void x_shift(struct code *c, enum shift op, int w, enum reg r, u8 count);
void x_shift_cl(struct code *c, enum shift op, int w, enum reg r);
void x_shiftx(struct code *c, enum shift op, int w, enum reg dst, enum reg src, enum reg count); // BMI2, SHL SHR SAR
void x_rorx(struct code *c, int w, enum reg dst, enum reg src, u8 count);                        // BMI2
void x_rol16_8(struct code *c, enum reg r); // swaps the two low bytes

void x_mov(struct code *c, int w, enum reg dst, enum reg src);
void x_mov_imm(struct code *c, enum reg dst, u64 imm); // the shortest form; leaves flags alone
void x_load(struct code *c, int w, enum reg dst, struct mem m);
void x_load_zx(struct code *c, unsigned bytes, enum reg dst, struct mem m); // 1, 2, 4, 8 bytes
void x_load_sx(struct code *c, unsigned bytes, enum reg dst, struct mem m);
void x_store(struct code *c, unsigned bytes, struct mem m, enum reg src);
void x_store_imm(struct code *c, unsigned bytes, struct mem m, s32 imm);
void x_movzx(struct code *c, unsigned bytes, enum reg dst, enum reg src); // 1, 2, 4
void x_movsx(struct code *c, unsigned bytes, enum reg dst, enum reg src);
void x_lea(struct code *c, int w, enum reg dst, struct mem m);
void x_setcc(struct code *c, enum cc cc, enum reg r); // the low byte only
void x_cmov(struct code *c, enum cc cc, int w, enum reg dst, enum reg src);
void x_cmov_load(struct code *c, enum cc cc, int w, enum reg dst, struct mem m);
void x_bits(struct code *c, enum bits op, int w, enum reg dst, enum reg src);
void x_scan(struct code *c, enum scan op, int w, enum reg dst, enum reg src);
void x_bswap(struct code *c, int w, enum reg r);
void x_movbe_load(struct code *c, unsigned bytes, enum reg dst, struct mem m); // 2 (keeps the upper bits), 4, 8
void x_fence(struct code *c);                                                   // a locked operation that changes nothing
void x_lock_cmpxchg(struct code *c, unsigned bytes, struct mem m, enum reg src); // expected, then found: rax
void x_lock_xadd(struct code *c, unsigned bytes, struct mem m, enum reg r);      // 4, 8
void x_xchg_mem(struct code *c, unsigned bytes, struct mem m, enum reg r);       // 4, 8; locked
void x_pause(struct code *c);
void x_lock_inc(struct code *c, struct mem m);                                   // 64 bits
void x_movbe_store(struct code *c, unsigned bytes, struct mem m, enum reg src);

// What the host has; found at start by x86_detect(), and settable by tests.
struct x86_features {
    bool bmi2, lzcnt, tzcnt, popcnt, movbe;
    bool ssse3, sse41, aes, pclmul, avx, fma, avx2, gfni; // sse41: and SSE4.2
    bool avx512;                                          // F, VL, BW, DQ
    bool avx512cd, avx512bitalg;
};
extern struct x86_features x86_features;
void x86_detect(void);

#endif
