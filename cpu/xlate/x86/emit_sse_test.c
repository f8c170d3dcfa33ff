// SPDX-License-Identifier: Apache-2.0
// Each form of the encoder of vector instructions against the bytes that the GNU assembler makes of the instruction in the comment.
#include "cpu/xlate/x86/emit_sse.h"

#include "cpu/xlate/x86/emit_check.h"

alignas(16) static u8 buffer[64];

#define FORM(has_avx, call, want)                                                        \
    do {                                                                                 \
        struct code c = {.start = buffer, .at = buffer, .end = buffer + sizeof(buffer)}; \
        x86_features.avx = has_avx;                                                      \
        call;                                                                            \
        check_bytes(&c, want, #call);                                                    \
    } while (0);

// clang-format off
static void test_legacy(void)
{
    FORM(false, x_v2(&c, PADDD, XMM1, XMM1, XMM9), "66410ffec9") // paddd xmm1,xmm9
    FORM(false, x_v2_mem(&c, PSHUFB, XMM12, XMM12, mem_indexed(RDI, RAX, 0)), "66440f38002407") // pshufb xmm12,[rdi+rax]
    FORM(false, x_v1_imm(&c, PSHUFD, XMM8, XMM3, 0x4e), "66440f70c34e") // pshufd xmm8,xmm3,0x4e
    FORM(false, x_vshift_imm(&c, PSHIFT_BYTES, PSRLDQ, XMM10, XMM10, 5), "66410f73da05") // psrldq xmm10,5
    FORM(false, x_v1_mem(&c, MOVUPS_LOAD, XMM14, mem_at(RDI, 0x100)), "440f10b700010000") // movups xmm14,[rdi+0x100]
    FORM(false, x_v1_mem(&c, MOVQ_STORE, XMM1, mem_at(RDI, 0x10)), "660fd64f10") // movq [rdi+0x10],xmm1
    FORM(false, x_vmov_from(&c, 1, XMM9, RDX), "664c0f6eca") // movq xmm9,rdx
    FORM(false, x_v1_imm(&c, PEXTRQ, XMM9, R8, 1), "664d0f3a16c801") // pextrq r8,xmm9,1
    FORM(false, x_v2(&c, AESENC, XMM1, XMM1, XMM8), "66410f38dcc8") // aesenc xmm1,xmm8
    FORM(false, x_v1(&c, PTEST, XMM9, XMM9), "66450f3817c9") // ptest xmm9,xmm9
    FORM(false, x_vmov(&c, XMM9, XMM9), "") // nothing
}

static void test_vex(void)
{
    FORM(true, x_v2(&c, PADDD, XMM1, XMM2, XMM9), "c4c169fec9") // vpaddd xmm1,xmm2,xmm9
    FORM(true, x_v2(&c, PADDD, XMM9, XMM10, XMM1), "c529fec9") // vpaddd xmm9,xmm10,xmm1
    FORM(true, x_v2(&c, PSHUFB, XMM1, XMM2, XMM11), "c4c26900cb") // vpshufb xmm1,xmm2,xmm11
    FORM(true, x_v1_imm(&c, PSHUFD, XMM8, XMM3, 0x4e), "c57970c34e") // vpshufd xmm8,xmm3,0x4e
    FORM(true, x_vshift_imm(&c, PSHIFT_BYTES, PSRLDQ, XMM1, XMM10, 5), "c4c17173da05") // vpsrldq xmm1,xmm10,5
    FORM(true, x_v1_mem(&c, MOVUPS_STORE, XMM14, mem_indexed(RSP, R12, 8)), "c4217811742408") // vmovups [rsp+r12+8],xmm14
    FORM(true, x_vmov_to(&c, 1, R8, XMM9), "c441f97ec8") // vmovq r8,xmm9
    FORM(true, x_v1_imm(&c, PEXTRQ, XMM9, R8, 1), "c443f916c801") // vpextrq r8,xmm9,1
    FORM(true, x_v1_mem(&c, MOVQ_LOAD, XMM1, mem_at(RDI, 0x10)), "c5fa7e4f10") // vmovq xmm1,[rdi+0x10]
    FORM(true, x_v2(&c, VPSLLVQ, XMM1, XMM12, XMM3), "c4e29947cb") // vpsllvq xmm1,xmm12,xmm3
    FORM(true, x_v1(&c, PMOVMSKB, RCX, XMM9), "c4c179d7c9") // vpmovmskb ecx,xmm9
    FORM(true, x_v2_imm(&c, SHUFPD, XMM6, XMM7, XMM8, 1), "c4c141c6f001") // vshufpd xmm6,xmm7,xmm8,1
}

static void test_evex(void)
{
    FORM(true, x_v512(&c, VPSRAVQ, XMM9, XMM12, XMM3), "62729d0846cb") // vpsravq xmm9,xmm12,xmm3
    FORM(true, x_v512_imm(&c, VPTERNLOGD, XMM1, XMM2, XMM9, 0xca), "62d36d0825c9ca") // vpternlogd xmm1,xmm2,xmm9,0xca
    FORM(true, x_v512_shift_imm(&c, VPROLD, 1, XMM1, XMM9, 7), "62d1750872c907") // vprold xmm1,xmm9,7
    FORM(true, x_v512(&c, VPOPCNTQ, XMM1, 0, XMM9), "62d2fd0855c9") // vpopcntq xmm1,xmm9
    FORM(true, x_v512(&c, VPLZCNTD, XMM10, 0, XMM1), "62727d0844d1") // vplzcntd xmm10,xmm1
}
// clang-format on

// A constant behind the code: the displacement is counted from the end of the instruction.
static void test_constant(void)
{
    struct code c = {.start = buffer, .at = buffer, .end = buffer + sizeof(buffer)};
    struct label l = {0};
    x86_features.avx = true;
    x_v2_const(&c, PAND, XMM1, XMM2, &l); // vpand xmm1,xmm2,[rip+...]
    x_align(&c, 16);
    x_bind(&c, &l);
    x_data(&c, 0x1122334455667788ull);
    CHECK_EQ(buffer[0], 0xc5);
    CHECK_EQ(buffer[3], 0x0d);
    u32 displacement;
    memcpy(&displacement, buffer + 4, 4);
    CHECK_EQ(displacement, 8);
    CHECK_EQ(buffer[16], 0x88);
}

int main(void)
{
    TEST(test_legacy);
    TEST(test_vex);
    TEST(test_evex);
    TEST(test_constant);
    return test_done();
}
