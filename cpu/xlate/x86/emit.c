// SPDX-License-Identifier: Apache-2.0
#include "cpu/xlate/x86/emit.h"

#include <cpuid.h>
#include <string.h>

#include "cpu/xlate/x86/emit_int.h"

struct x86_features x86_features;

// What the operating system keeps of the registers (XCR0).
static u64 enabled_states(void)
{
    u32 low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (u64)high << 32 | low;
}

void x86_detect(void)
{
    unsigned a, b, c, d;
    u64 states = 0;
    x86_features = (struct x86_features){0};
    if (__get_cpuid(1, &a, &b, &c, &d)) {
        x86_features.movbe = c >> 22 & 1;
        x86_features.popcnt = c >> 23 & 1;
        x86_features.ssse3 = c >> 9 & 1;
        x86_features.sse41 = c >> 19 & 1 && c >> 20 & 1;
        x86_features.aes = c >> 25 & 1;
        x86_features.pclmul = c >> 1 & 1;
        if (c >> 27 & 1 && c >> 28 & 1)
            states = enabled_states();
        x86_features.avx = (states & 6) == 6;
        x86_features.fma = x86_features.avx && c >> 12 & 1;
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        x86_features.tzcnt = b >> 3 & 1;
        x86_features.bmi2 = b >> 8 & 1;
        x86_features.avx2 = x86_features.avx && b >> 5 & 1;
        bool avx512 = x86_features.avx2 && (states & 0xe6) == 0xe6 && b >> 16 & 1 && b >> 31 & 1; // F, VL
        x86_features.avx512 = avx512 && b >> 30 & 1 && b >> 17 & 1;                               // BW, DQ
        x86_features.avx512cd = x86_features.avx512 && b >> 28 & 1;
        x86_features.avx512bitalg = x86_features.avx512 && c >> 12 & 1 && c >> 14 & 1; // VPOPCNTDQ too
        x86_features.gfni = x86_features.avx && c >> 8 & 1;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d))
        x86_features.lzcnt = c >> 5 & 1;
}

static inline void byte(struct code *c, unsigned v)
{
    x_byte(c, v);
}

static inline void word(struct code *c, u32 v)
{
    memcpy(c->at, &v, 4);
    c->at += 4;
}

// What follows writes through a pointer of its own, which it hands on: through the member, each byte would wait for the one before.

// Opcodes of up to three bytes, written from the most significant one that is not zero (0f38f0: three bytes).
static inline u8 *put_opcode(u8 *at, u32 op)
{
    if (op >> 16)
        *at++ = (u8)(op >> 16);
    if (op >> 8)
        *at++ = (u8)(op >> 8);
    *at++ = (u8)op;
    return at;
}

enum { BYTE_REG = 2, BYTE_RM = 4, WIDE = 1, P66 = 8, PF3 = 16 }; // besides w: a byte register needs REX from spl on

static inline u8 *put_prefixes(struct code *c, unsigned how, unsigned reg, unsigned index, unsigned rm)
{
    x_begin(c);
    u8 *at = c->at;
    if (how & (P66 | PF3))
        *at++ = how & P66 ? 0x66 : 0xf3;
    unsigned rex = (how & WIDE) << 3 | (reg & 8) >> 1 | (index & 8) >> 2 | (rm & 8) >> 3;
    if (rex || (how & BYTE_REG && reg >= 4) || (how & BYTE_RM && rm >= 4))
        *at++ = (u8)(0x40 | rex);
    return at;
}

static void prefixes(struct code *c, unsigned how, unsigned reg, unsigned index, unsigned rm)
{
    c->at = put_prefixes(c, how, reg, index, rm);
}

static void opcode(struct code *c, u32 op)
{
    c->at = put_opcode(c->at, op);
}

static void reg_form(struct code *c, unsigned how, u32 op, unsigned reg, unsigned rm)
{
    u8 *at = put_opcode(put_prefixes(c, how, reg, 0, rm), op);
    *at++ = (u8)(0xc0 | (reg & 7) << 3 | (rm & 7));
    c->at = at;
}

static inline u8 *put_mem_operand(u8 *at, unsigned reg, struct mem m)
{
    bool sib = m.index != NO_REG || (m.base & 7) == RSP;
    unsigned mod = m.disp == 0 && (m.base & 7) != RBP ? 0 : m.disp == (s8)m.disp ? 1 : 2;
    *at++ = (u8)(mod << 6 | (reg & 7) << 3 | (sib ? 4 : m.base & 7));
    if (sib) {
        unsigned scale = m.scale == 8 ? 3 : m.scale == 4 ? 2 : m.scale == 2 ? 1 : 0;
        *at++ = (u8)(scale << 6 | (m.index == NO_REG ? 4 : m.index & 7) << 3 | (m.base & 7));
    }
    memcpy(at, &m.disp, 4); // there is room, whether it counts or not
    return at + (mod == 1 ? 1 : 2 * mod);
}

void x_mem_operand(struct code *c, unsigned reg, struct mem m)
{
    c->at = put_mem_operand(c->at, reg, m);
}

static void mem_form(struct code *c, unsigned how, u32 op, unsigned reg, struct mem m)
{
    u8 *at = put_prefixes(c, how, reg, m.index == NO_REG ? 0 : m.index, m.base);
    c->at = put_mem_operand(put_opcode(at, op), reg, m);
}

static u32 offset(const struct code *c)
{
    return (u32)(c->at - c->start);
}

void x_bind(struct code *c, struct label *l)
{
    l->at = offset(c) + 1;
    for (u32 at = l->chain; at && !c->full;) {
        u32 next, to = l->at - 1 - (at - 1) - 4;
        memcpy(&next, c->start + at - 1, 4);
        memcpy(c->start + at - 1, &to, 4);
        at = next;
    }
    l->chain = 0;
}

void x_displacement(struct code *c, struct label *l)
{
    if (l->at) {
        word(c, l->at - 1 - offset(c) - 4);
        return;
    }
    u32 here = offset(c) + 1;
    word(c, l->chain);
    l->chain = here;
}

// short_op 0: there is no short form.
static void jump(struct code *c, unsigned short_op, u32 long_op, struct label *l)
{
    x_begin(c);
    if (l->at) {
        s64 near = (s64)l->at - 1 - (s64)offset(c) - 2;
        if (short_op && near == (s8)near) {
            byte(c, short_op);
            byte(c, (u8)near);
            return;
        }
    }
    opcode(c, long_op);
    x_displacement(c, l);
}

void x_jmp(struct code *c, struct label *l)
{
    jump(c, 0xeb, 0xe9, l);
}

void x_call(struct code *c, struct label *l)
{
    jump(c, 0, 0xe8, l);
}

void x_jcc(struct code *c, enum cc cc, struct label *l)
{
    jump(c, 0x70 | cc, 0x0f80 | cc, l);
}

// Displacement of `to` for an instruction that ends `after` bytes from here; false: out of reach.
static bool reach(const struct code *c, const void *to, unsigned after, s32 *disp)
{
    s64 d = (s64)((uintptr_t)to - ((uintptr_t)c->at + (uintptr_t)c->exec + after));
    *disp = (s32)d;
    return d == *disp;
}

// What is written next names `to`.
static void note(struct code *c, enum reloc_kind kind, const void *to)
{
    if (!c->relocs)
        return;
    if (c->relocs_len == c->relocs_max)
        c->fixed = true;
    else
        c->relocs[c->relocs_len++] = (struct reloc){.at = offset(c), .kind = kind, .to = (uintptr_t)to};
}

static void transfer(struct code *c, unsigned op, unsigned ext, const void *to)
{
    s32 disp;
    x_begin(c);
    if (reach(c, to, 5, &disp)) {
        byte(c, op);
        note(c, RELOC_REL32, to);
        word(c, (u32)disp);
        return;
    }
    c->fixed = true;
    x_mov_imm(c, RAX, (uintptr_t)to);
    reg_form(c, 0, 0xff, ext, RAX);
}

void x_call_to(struct code *c, const void *to)
{
    transfer(c, 0xe8, 2, to);
}

void x_jmp_to(struct code *c, const void *to)
{
    transfer(c, 0xe9, 4, to);
}

void x_jcc_to(struct code *c, enum cc cc, const void *to)
{
    s32 disp;
    x_begin(c);
    if (!reach(c, to, 6, &disp)) {
        c->full = true;
        return;
    }
    opcode(c, 0x0f80 | cc);
    note(c, RELOC_REL32, to);
    word(c, (u32)disp);
}

void x_address(struct code *c, enum reg dst, const void *of)
{
    s32 disp;
    x_begin(c);
    if ((uintptr_t)of >> 32 && reach(c, of, 7, &disp)) {
        prefixes(c, WIDE, dst, 0, 0);
        byte(c, 0x8d);
        byte(c, (dst & 7u) << 3 | 5);
        note(c, RELOC_REL32, of);
        word(c, (u32)disp);
        return;
    }
    c->fixed = true;
    x_mov_imm(c, dst, (uintptr_t)of);
}

void x_pointer(struct code *c, enum reg dst, const void *to)
{
    prefixes(c, WIDE, 0, 0, dst);
    byte(c, 0xb8 | (dst & 7));
    note(c, RELOC_ABS64, to);
    word(c, (u32)(uintptr_t)to);
    word(c, (u32)((uintptr_t)to >> 32));
}

void x_jmp_mem(struct code *c, struct mem m)
{
    mem_form(c, 0, 0xff, 4, m);
}

void x_ret(struct code *c)
{
    x_begin(c);
    byte(c, 0xc3);
}

void x_data(struct code *c, u64 v)
{
    x_begin(c);
    word(c, (u32)v);
    word(c, (u32)(v >> 32));
}

void x_data_label(struct code *c, const struct label *l, const struct label *from)
{
    x_begin(c);
    word(c, l->at - from->at);
}

void x_lea_label(struct code *c, enum reg dst, struct label *l)
{
    x_begin(c);
    byte(c, 0x48 | (dst >> 3) << 2);
    byte(c, 0x8d);
    byte(c, (dst & 7) << 3 | 5);
    x_displacement(c, l);
}

void x_align(struct code *c, unsigned n)
{
    x_begin(c);
    while ((uintptr_t)c->at % n)
        byte(c, 0xcc);
}

void x_push(struct code *c, enum reg r)
{
    prefixes(c, 0, 0, 0, r);
    byte(c, 0x50 | (r & 7));
}

void x_push_mem(struct code *c, struct mem m)
{
    mem_form(c, 0, 0xff, 6, m);
}

void x_call_reg(struct code *c, enum reg r)
{
    reg_form(c, 0, 0xff, 2, r);
}

void x_call_mem(struct code *c, struct mem m)
{
    mem_form(c, 0, 0xff, 2, m);
}

void x_jmp_reg(struct code *c, enum reg r)
{
    reg_form(c, 0, 0xff, 4, r);
}

void x_push_imm(struct code *c, s8 imm)
{
    x_begin(c);
    byte(c, 0x6a);
    byte(c, (u8)imm);
}

void x_pop(struct code *c, enum reg r)
{
    prefixes(c, 0, 0, 0, r);
    byte(c, 0x58 | (r & 7));
}

void x_alu(struct code *c, enum alu op, int w, enum reg dst, enum reg src)
{
    reg_form(c, (unsigned)w, (u32)op << 3 | 1, src, dst);
}

void x_alu_imm(struct code *c, enum alu op, int w, enum reg dst, s32 imm)
{
    bool small = imm == (s8)imm;
    reg_form(c, (unsigned)w, small ? 0x83 : 0x81, op, dst);
    if (small)
        byte(c, (u8)imm);
    else
        word(c, (u32)imm);
}

void x_alu_load(struct code *c, enum alu op, int w, enum reg dst, struct mem m)
{
    mem_form(c, (unsigned)w, (u32)op << 3 | 3, dst, m);
}

void x_alu_store(struct code *c, enum alu op, int w, struct mem m, enum reg src)
{
    mem_form(c, (unsigned)w, (u32)op << 3 | 1, src, m);
}

void x_alu_mem_imm(struct code *c, enum alu op, int w, struct mem m, s32 imm)
{
    bool small = imm == (s8)imm;
    mem_form(c, (unsigned)w, small ? 0x83 : 0x81, op, m);
    if (small)
        byte(c, (u8)imm);
    else
        word(c, (u32)imm);
}

void x_test(struct code *c, int w, enum reg a, enum reg b)
{
    reg_form(c, (unsigned)w, 0x85, b, a);
}

void x_test_imm(struct code *c, int w, enum reg a, s32 imm)
{
    reg_form(c, (unsigned)w, 0xf7, 0, a);
    word(c, (u32)imm);
}

void x_test8_imm(struct code *c, enum reg a, u8 imm)
{
    reg_form(c, BYTE_RM, 0xf6, 0, a);
    byte(c, imm);
}

void x_test8_mem_imm(struct code *c, struct mem m, u8 imm)
{
    mem_form(c, 0, 0xf6, 0, m);
    byte(c, imm);
}

void x_unary(struct code *c, enum unary op, int w, enum reg r)
{
    reg_form(c, (unsigned)w, 0xf7, op, r);
}

void x_sign_rax(struct code *c, int w)
{
    prefixes(c, (unsigned)w, 0, 0, 0);
    byte(c, 0x99);
}

void x_imul(struct code *c, int w, enum reg dst, enum reg src)
{
    reg_form(c, (unsigned)w, 0x0faf, dst, src);
}

void x_imul_imm(struct code *c, int w, enum reg dst, enum reg src, s32 imm)
{
    bool small = imm == (s8)imm;
    reg_form(c, (unsigned)w, small ? 0x6b : 0x69, dst, src);
    if (small)
        byte(c, (u8)imm);
    else
        word(c, (u32)imm);
}

// VEX in its three-byte form: map (2: 0f38, 3: 0f3a), pp (1: 66, 2: f3, 3: f2).
static void vex(struct code *c, unsigned map, unsigned pp, int w, unsigned op, unsigned reg, unsigned v, unsigned rm)
{
    x_begin(c);
    byte(c, 0xc4);
    byte(c, (reg & 8 ? 0 : 0x80) | 0x40 | (rm & 8 ? 0 : 0x20) | map);
    byte(c, (w ? 0x80u : 0) | (~v & 15) << 3 | pp);
    byte(c, op);
    byte(c, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

void x_mulx(struct code *c, enum reg high, enum reg low, enum reg src)
{
    vex(c, 2, 3, 1, 0xf6, high, low, src);
}

void x_shift(struct code *c, enum shift op, int w, enum reg r, u8 count)
{
    reg_form(c, (unsigned)w, count == 1 ? 0xd1 : 0xc1, op, r);
    if (count != 1)
        byte(c, count);
}

void x_shift_cl(struct code *c, enum shift op, int w, enum reg r)
{
    reg_form(c, (unsigned)w, 0xd3, op, r);
}

void x_shiftx(struct code *c, enum shift op, int w, enum reg dst, enum reg src, enum reg count)
{
    vex(c, 2, op == SHIFT_SHL ? 1 : op == SHIFT_SHR ? 3 : 2, w, 0xf7, dst, count, src);
}

void x_rorx(struct code *c, int w, enum reg dst, enum reg src, u8 count)
{
    vex(c, 3, 3, w, 0xf0, dst, 0, src);
    byte(c, count);
}

void x_rol16_8(struct code *c, enum reg r)
{
    reg_form(c, P66, 0xc1, SHIFT_ROL, r);
    byte(c, 8);
}

void x_mov(struct code *c, int w, enum reg dst, enum reg src)
{
    reg_form(c, (unsigned)w, 0x89, src, dst);
}

// Where a host's pointers are: a constant that looks like one may be one.
static bool like_pointer(u64 imm)
{
    return imm >> 44 == 5 || imm >> 44 == 7;
}

void x_mov_imm(struct code *c, enum reg dst, u64 imm)
{
    c->fixed |= like_pointer(imm);
    if (imm >> 32 == 0) {
        prefixes(c, 0, 0, 0, dst);
        byte(c, 0xb8 | (dst & 7));
        word(c, (u32)imm);
    } else if ((s64)imm == (s32)imm) {
        reg_form(c, WIDE, 0xc7, 0, dst);
        word(c, (u32)imm);
    } else {
        prefixes(c, WIDE, 0, 0, dst);
        byte(c, 0xb8 | (dst & 7));
        word(c, (u32)imm);
        word(c, (u32)(imm >> 32));
    }
}

void x_load(struct code *c, int w, enum reg dst, struct mem m)
{
    mem_form(c, (unsigned)w, 0x8b, dst, m);
}

void x_load_zx(struct code *c, unsigned bytes, enum reg dst, struct mem m)
{
    if (bytes >= 4)
        x_load(c, bytes == 8, dst, m);
    else
        mem_form(c, 0, bytes == 1 ? 0x0fb6 : 0x0fb7, dst, m);
}

void x_load_sx(struct code *c, unsigned bytes, enum reg dst, struct mem m)
{
    if (bytes == 8)
        x_load(c, 1, dst, m);
    else
        mem_form(c, WIDE, bytes == 4 ? 0x63 : bytes == 2 ? 0x0fbf : 0x0fbe, dst, m);
}

void x_store(struct code *c, unsigned bytes, struct mem m, enum reg src)
{
    unsigned how = bytes == 8 ? WIDE : bytes == 2 ? P66 : bytes == 1 ? BYTE_REG : 0;
    mem_form(c, how, bytes == 1 ? 0x88 : 0x89, src, m);
}

void x_store_imm(struct code *c, unsigned bytes, struct mem m, s32 imm)
{
    mem_form(c, bytes == 8 ? WIDE : bytes == 2 ? P66 : 0, bytes == 1 ? 0xc6 : 0xc7, 0, m);
    if (bytes == 1)
        byte(c, (u8)imm);
    else if (bytes == 2) {
        byte(c, (u8)imm);
        byte(c, (u8)(imm >> 8));
    } else
        word(c, (u32)imm);
}

void x_movzx(struct code *c, unsigned bytes, enum reg dst, enum reg src)
{
    if (bytes == 4)
        x_mov(c, 0, dst, src);
    else
        reg_form(c, bytes == 1 ? BYTE_RM : 0, bytes == 1 ? 0x0fb6 : 0x0fb7, dst, src);
}

void x_movsx(struct code *c, unsigned bytes, enum reg dst, enum reg src)
{
    reg_form(c, WIDE, bytes == 4 ? 0x63 : bytes == 2 ? 0x0fbf : 0x0fbe, dst, src);
}

void x_lea(struct code *c, int w, enum reg dst, struct mem m)
{
    mem_form(c, (unsigned)w, 0x8d, dst, m);
}

void x_setcc(struct code *c, enum cc cc, enum reg r)
{
    reg_form(c, BYTE_RM, 0x0f90 | cc, 0, r);
}

void x_cmov(struct code *c, enum cc cc, int w, enum reg dst, enum reg src)
{
    reg_form(c, (unsigned)w, 0x0f40 | cc, dst, src);
}

void x_cmov_load(struct code *c, enum cc cc, int w, enum reg dst, struct mem m)
{
    mem_form(c, (unsigned)w, 0x0f40 | cc, dst, m);
}

void x_bits(struct code *c, enum bits op, int w, enum reg dst, enum reg src)
{
    reg_form(c, (unsigned)w | PF3, 0x0f00 | op, dst, src);
}

void x_scan(struct code *c, enum scan op, int w, enum reg dst, enum reg src)
{
    reg_form(c, (unsigned)w, 0x0f00 | op, dst, src);
}

void x_bswap(struct code *c, int w, enum reg r)
{
    prefixes(c, (unsigned)w, 0, 0, r);
    byte(c, 0x0f);
    byte(c, 0xc8 | (r & 7));
}

void x_movbe_load(struct code *c, unsigned bytes, enum reg dst, struct mem m)
{
    mem_form(c, bytes == 8 ? WIDE : bytes == 2 ? P66 : 0, 0x0f38f0, dst, m);
}

void x_movbe_store(struct code *c, unsigned bytes, struct mem m, enum reg src)
{
    mem_form(c, bytes == 8 ? WIDE : bytes == 2 ? P66 : 0, 0x0f38f1, src, m);
}

// A locked operation is a full fence and costs less than MFENCE. What is at rsp stays as it is.
void x_fence(struct code *c)
{
    x_begin(c);
    byte(c, 0xf0);
    mem_form(c, 0, 0x83, ALU_OR, mem_at(RSP, 0));
    byte(c, 0);
}

void x_lock_cmpxchg(struct code *c, unsigned bytes, struct mem m, enum reg src)
{
    unsigned how = bytes == 8 ? WIDE : bytes == 2 ? P66 : bytes == 1 ? BYTE_REG : 0;
    x_begin(c);
    byte(c, 0xf0);
    mem_form(c, how, bytes == 1 ? 0x0fb0 : 0x0fb1, src, m);
}

void x_lock_xadd(struct code *c, unsigned bytes, struct mem m, enum reg r)
{
    x_begin(c);
    byte(c, 0xf0);
    mem_form(c, bytes == 8 ? WIDE : 0, 0x0fc1, r, m);
}

void x_xchg_mem(struct code *c, unsigned bytes, struct mem m, enum reg r)
{
    x_begin(c);
    mem_form(c, bytes == 8 ? WIDE : 0, 0x87, r, m);
}

void x_pause(struct code *c)
{
    x_begin(c);
    byte(c, 0xf3);
    byte(c, 0x90);
}

void x_lock_inc(struct code *c, struct mem m)
{
    x_begin(c);
    byte(c, 0xf0);
    mem_form(c, WIDE, 0xff, 0, m);
}
