// SPDX-License-Identifier: Apache-2.0
// Each form of the encoder against the bytes that the GNU assembler makes of the instruction in the comment.
#include "cpu/xlate/x86/emit.h"

#include "cpu/xlate/x86/emit_check.h"

static u8 buffer[4096];

static struct code code_new(void)
{
    return (struct code){.start = buffer, .at = buffer, .end = buffer + sizeof(buffer)};
}

#define FORM(call, want)              \
    do {                              \
        struct code c = code_new();   \
        call;                         \
        check_bytes(&c, want, #call); \
    } while (0);

// clang-format off
static void test_forms(void)
{
    FORM(x_alu(&c, ALU_ADD, 0, RAX, R9), "4401c8") // add eax,r9d
    FORM(x_alu(&c, ALU_ADD, 1, R12, RBX), "4901dc") // add r12,rbx
    FORM(x_alu_imm(&c, ALU_ADD, 0, R11, -1), "4183c3ff") // add r11d,-1
    FORM(x_alu_imm(&c, ALU_ADD, 1, RBX, 0x12345), "4881c345230100") // add rbx,0x12345
    FORM(x_alu_load(&c, ALU_ADD, 0, R8, mem_at(RDI, 0)), "440307") // add r8d,[rdi]
    FORM(x_alu_store(&c, ALU_ADD, 0, mem_at(RDI, 0), RSI), "0137") // add [rdi],esi
    FORM(x_alu_mem_imm(&c, ALU_ADD, 1, mem_at(RDI, 0), 5), "48830705") // add qword ptr [rdi],5
    FORM(x_alu_mem_imm(&c, ALU_ADD, 0, mem_at(RDI, 0), 500), "8107f4010000") // add dword ptr [rdi],500
    FORM(x_alu(&c, ALU_OR, 1, RAX, R9), "4c09c8") // or rax,r9
    FORM(x_alu(&c, ALU_OR, 0, R12, RBX), "4109dc") // or r12d,ebx
    FORM(x_alu_imm(&c, ALU_OR, 1, R11, -2), "4983cbfe") // or r11,-2
    FORM(x_alu_imm(&c, ALU_OR, 0, RBX, 0x12345), "81cb45230100") // or ebx,0x12345
    FORM(x_alu_load(&c, ALU_OR, 1, R8, mem_at(RBP, 0)), "4c0b4500") // or r8,[rbp+0]
    FORM(x_alu_store(&c, ALU_OR, 1, mem_at(RBP, 0), RSI), "48097500") // or [rbp+0],rsi
    FORM(x_alu_mem_imm(&c, ALU_OR, 1, mem_at(RBP, 0), 5), "48834d0005") // or qword ptr [rbp+0],5
    FORM(x_alu_mem_imm(&c, ALU_OR, 0, mem_at(RBP, 0), 500), "814d00f4010000") // or dword ptr [rbp+0],500
    FORM(x_alu(&c, ALU_ADC, 0, RAX, R9), "4411c8") // adc eax,r9d
    FORM(x_alu(&c, ALU_ADC, 1, R12, RBX), "4911dc") // adc r12,rbx
    FORM(x_alu_imm(&c, ALU_ADC, 0, R11, -3), "4183d3fd") // adc r11d,-3
    FORM(x_alu_imm(&c, ALU_ADC, 1, RBX, 0x12345), "4881d345230100") // adc rbx,0x12345
    FORM(x_alu_load(&c, ALU_ADC, 0, R8, mem_at(R13, 8)), "45134508") // adc r8d,[r13+8]
    FORM(x_alu_store(&c, ALU_ADC, 0, mem_at(R13, 8), RSI), "41117508") // adc [r13+8],esi
    FORM(x_alu_mem_imm(&c, ALU_ADC, 1, mem_at(R13, 8), 5), "4983550805") // adc qword ptr [r13+8],5
    FORM(x_alu_mem_imm(&c, ALU_ADC, 0, mem_at(R13, 8), 500), "41815508f4010000") // adc dword ptr [r13+8],500
    FORM(x_alu(&c, ALU_SBB, 1, RAX, R9), "4c19c8") // sbb rax,r9
    FORM(x_alu(&c, ALU_SBB, 0, R12, RBX), "4119dc") // sbb r12d,ebx
    FORM(x_alu_imm(&c, ALU_SBB, 1, R11, -4), "4983dbfc") // sbb r11,-4
    FORM(x_alu_imm(&c, ALU_SBB, 0, RBX, 0x12345), "81db45230100") // sbb ebx,0x12345
    FORM(x_alu_load(&c, ALU_SBB, 1, R8, mem_at(R12, -128)), "4d1b442480") // sbb r8,[r12-128]
    FORM(x_alu_store(&c, ALU_SBB, 1, mem_at(R12, -128), RSI), "4919742480") // sbb [r12-128],rsi
    FORM(x_alu_mem_imm(&c, ALU_SBB, 1, mem_at(R12, -128), 5), "49835c248005") // sbb qword ptr [r12-128],5
    FORM(x_alu_mem_imm(&c, ALU_SBB, 0, mem_at(R12, -128), 500), "41815c2480f4010000") // sbb dword ptr [r12-128],500
    FORM(x_alu(&c, ALU_AND, 0, RAX, R9), "4421c8") // and eax,r9d
    FORM(x_alu(&c, ALU_AND, 1, R12, RBX), "4921dc") // and r12,rbx
    FORM(x_alu_imm(&c, ALU_AND, 0, R11, -5), "4183e3fb") // and r11d,-5
    FORM(x_alu_imm(&c, ALU_AND, 1, RBX, 0x12345), "4881e345230100") // and rbx,0x12345
    FORM(x_alu_load(&c, ALU_AND, 0, R8, mem_at(RSP, 0x1234)), "4423842434120000") // and r8d,[rsp+0x1234]
    FORM(x_alu_store(&c, ALU_AND, 0, mem_at(RSP, 0x1234), RSI), "21b42434120000") // and [rsp+0x1234],esi
    FORM(x_alu_mem_imm(&c, ALU_AND, 1, mem_at(RSP, 0x1234), 5), "4883a4243412000005") // and qword ptr [rsp+0x1234],5
    FORM(x_alu_mem_imm(&c, ALU_AND, 0, mem_at(RSP, 0x1234), 500), "81a42434120000f4010000") // and dword ptr [rsp+0x1234],500
    FORM(x_alu(&c, ALU_SUB, 1, RAX, R9), "4c29c8") // sub rax,r9
    FORM(x_alu(&c, ALU_SUB, 0, R12, RBX), "4129dc") // sub r12d,ebx
    FORM(x_alu_imm(&c, ALU_SUB, 1, R11, -6), "4983ebfa") // sub r11,-6
    FORM(x_alu_imm(&c, ALU_SUB, 0, RBX, 0x12345), "81eb45230100") // sub ebx,0x12345
    FORM(x_alu_load(&c, ALU_SUB, 1, R8, mem_indexed(RAX, R9, 0)), "4e2b0408") // sub r8,[rax+r9*1]
    FORM(x_alu_store(&c, ALU_SUB, 1, mem_indexed(RAX, R9, 0), RSI), "4a293408") // sub [rax+r9*1],rsi
    FORM(x_alu_mem_imm(&c, ALU_SUB, 1, mem_indexed(RAX, R9, 0), 5), "4a832c0805") // sub qword ptr [rax+r9*1],5
    FORM(x_alu_mem_imm(&c, ALU_SUB, 0, mem_indexed(RAX, R9, 0), 500), "42812c08f4010000") // sub dword ptr [rax+r9*1],500
    FORM(x_alu(&c, ALU_XOR, 0, RAX, R9), "4431c8") // xor eax,r9d
    FORM(x_alu(&c, ALU_XOR, 1, R12, RBX), "4931dc") // xor r12,rbx
    FORM(x_alu_imm(&c, ALU_XOR, 0, R11, -7), "4183f3f9") // xor r11d,-7
    FORM(x_alu_imm(&c, ALU_XOR, 1, RBX, 0x12345), "4881f345230100") // xor rbx,0x12345
    FORM(x_alu_load(&c, ALU_XOR, 0, R8, mem_indexed(R13, RSI, -4)), "45334435fc") // xor r8d,[r13+rsi*1-4]
    FORM(x_alu_store(&c, ALU_XOR, 0, mem_indexed(R13, RSI, -4), RSI), "41317435fc") // xor [r13+rsi*1-4],esi
    FORM(x_alu_mem_imm(&c, ALU_XOR, 1, mem_indexed(R13, RSI, -4), 5), "49837435fc05") // xor qword ptr [r13+rsi*1-4],5
    FORM(x_alu_mem_imm(&c, ALU_XOR, 0, mem_indexed(R13, RSI, -4), 500), "41817435fcf4010000") // xor dword ptr [r13+rsi*1-4],500
    FORM(x_alu(&c, ALU_CMP, 1, RAX, R9), "4c39c8") // cmp rax,r9
    FORM(x_alu(&c, ALU_CMP, 0, R12, RBX), "4139dc") // cmp r12d,ebx
    FORM(x_alu_imm(&c, ALU_CMP, 1, R11, -8), "4983fbf8") // cmp r11,-8
    FORM(x_alu_imm(&c, ALU_CMP, 0, RBX, 0x12345), "81fb45230100") // cmp ebx,0x12345
    FORM(x_alu_load(&c, ALU_CMP, 1, R8, (struct mem){RDI, R10, 8, 0x170}), "4e3b84d770010000") // cmp r8,[rdi+r10*8+0x170]
    FORM(x_alu_store(&c, ALU_CMP, 1, (struct mem){RDI, R10, 8, 0x170}, RSI), "4a39b4d770010000") // cmp [rdi+r10*8+0x170],rsi
    FORM(x_alu_mem_imm(&c, ALU_CMP, 1, (struct mem){RDI, R10, 8, 0x170}, 5), "4a83bcd77001000005") // cmp qword ptr [rdi+r10*8+0x170],5
    FORM(x_alu_mem_imm(&c, ALU_CMP, 0, (struct mem){RDI, R10, 8, 0x170}, 500), "4281bcd770010000f4010000") // cmp dword ptr [rdi+r10*8+0x170],500
    FORM(x_test(&c, 0, R10, RDX), "4185d2") // test r10d,edx
    FORM(x_test_imm(&c, 0, R10, 0x1000), "41f7c200100000") // test r10d,0x1000
    FORM(x_imul(&c, 0, R10, RDX), "440fafd2") // imul r10d,edx
    FORM(x_imul_imm(&c, 0, RCX, R15, 100), "416bcf64") // imul ecx,r15d,100
    FORM(x_imul_imm(&c, 0, RCX, R15, 1000), "4169cfe8030000") // imul ecx,r15d,1000
    FORM(x_unary(&c, UNARY_NOT, 0, R9), "41f7d1") // not r9d
    FORM(x_unary(&c, UNARY_NEG, 0, R9), "41f7d9") // neg r9d
    FORM(x_unary(&c, UNARY_MUL, 0, R9), "41f7e1") // mul r9d
    FORM(x_unary(&c, UNARY_IMUL, 0, R9), "41f7e9") // imul r9d
    FORM(x_shift(&c, SHIFT_ROL, 0, RDI, 7), "c1c707") // rol edi,7
    FORM(x_shift(&c, SHIFT_ROL, 0, R14, 1), "41d1c6") // rol r14d,1
    FORM(x_shift_cl(&c, SHIFT_ROL, 0, R14), "41d3c6") // rol r14d,cl
    FORM(x_shift(&c, SHIFT_ROR, 0, RDI, 7), "c1cf07") // ror edi,7
    FORM(x_shift(&c, SHIFT_ROR, 0, R14, 1), "41d1ce") // ror r14d,1
    FORM(x_shift_cl(&c, SHIFT_ROR, 0, R14), "41d3ce") // ror r14d,cl
    FORM(x_shift(&c, SHIFT_SHL, 0, RDI, 7), "c1e707") // shl edi,7
    FORM(x_shift(&c, SHIFT_SHL, 0, R14, 1), "41d1e6") // shl r14d,1
    FORM(x_shift_cl(&c, SHIFT_SHL, 0, R14), "41d3e6") // shl r14d,cl
    FORM(x_shift(&c, SHIFT_SHR, 0, RDI, 7), "c1ef07") // shr edi,7
    FORM(x_shift(&c, SHIFT_SHR, 0, R14, 1), "41d1ee") // shr r14d,1
    FORM(x_shift_cl(&c, SHIFT_SHR, 0, R14), "41d3ee") // shr r14d,cl
    FORM(x_shift(&c, SHIFT_SAR, 0, RDI, 7), "c1ff07") // sar edi,7
    FORM(x_shift(&c, SHIFT_SAR, 0, R14, 1), "41d1fe") // sar r14d,1
    FORM(x_shift_cl(&c, SHIFT_SAR, 0, R14), "41d3fe") // sar r14d,cl
    FORM(x_shiftx(&c, SHIFT_SHL, 0, R14, RDX, R9), "c46231f7f2") // shlx r14d,edx,r9d
    FORM(x_shiftx(&c, SHIFT_SHL, 0, RAX, R8, RBX), "c4c261f7c0") // shlx eax,r8d,ebx
    FORM(x_shiftx(&c, SHIFT_SHR, 0, R14, RDX, R9), "c46233f7f2") // shrx r14d,edx,r9d
    FORM(x_shiftx(&c, SHIFT_SHR, 0, RAX, R8, RBX), "c4c263f7c0") // shrx eax,r8d,ebx
    FORM(x_shiftx(&c, SHIFT_SAR, 0, R14, RDX, R9), "c46232f7f2") // sarx r14d,edx,r9d
    FORM(x_shiftx(&c, SHIFT_SAR, 0, RAX, R8, RBX), "c4c262f7c0") // sarx eax,r8d,ebx
    FORM(x_rorx(&c, 0, R8, RSI, 13), "c4637bf0c60d") // rorx r8d,esi,13
    FORM(x_mov(&c, 0, R8, RSI), "4189f0") // mov r8d,esi
    FORM(x_load(&c, 0, RBP, mem_at(RDI, 0)), "8b2f") // mov ebp,[rdi]
    FORM(x_load(&c, 0, RBP, mem_at(RBP, 0)), "8b6d00") // mov ebp,[rbp+0]
    FORM(x_load(&c, 0, RBP, mem_at(R13, 8)), "418b6d08") // mov ebp,[r13+8]
    FORM(x_load(&c, 0, RBP, mem_at(R12, -128)), "418b6c2480") // mov ebp,[r12-128]
    FORM(x_load(&c, 0, RBP, mem_at(RSP, 0x1234)), "8bac2434120000") // mov ebp,[rsp+0x1234]
    FORM(x_load(&c, 0, RBP, mem_indexed(RAX, R9, 0)), "428b2c08") // mov ebp,[rax+r9*1]
    FORM(x_load(&c, 0, RBP, mem_indexed(R13, RSI, -4)), "418b6c35fc") // mov ebp,[r13+rsi*1-4]
    FORM(x_load(&c, 0, RBP, (struct mem){RDI, R10, 8, 0x170}), "428bacd770010000") // mov ebp,[rdi+r10*8+0x170]
    FORM(x_lea(&c, 0, R9, mem_indexed(R12, RBP, 0x80)), "458d8c2c80000000") // lea r9d,[r12+rbp*1+0x80]
    FORM(x_bits(&c, BITS_POPCNT, 0, R9, RDI), "f3440fb8cf") // popcnt r9d,edi
    FORM(x_bits(&c, BITS_TZCNT, 0, R9, RDI), "f3440fbccf") // tzcnt r9d,edi
    FORM(x_bits(&c, BITS_LZCNT, 0, R9, RDI), "f3440fbdcf") // lzcnt r9d,edi
    FORM(x_scan(&c, SCAN_FORWARD, 0, R9, RDI), "440fbccf") // bsf r9d,edi
    FORM(x_scan(&c, SCAN_REVERSE, 0, RCX, R12), "410fbdcc") // bsr ecx,r12d
    FORM(x_bswap(&c, 0, R12), "410fcc") // bswap r12d
    FORM(x_bswap(&c, 0, RSI), "0fce") // bswap esi
    FORM(x_test(&c, 1, R10, RDX), "4985d2") // test r10,rdx
    FORM(x_test_imm(&c, 1, R10, 0x1000), "49f7c200100000") // test r10,0x1000
    FORM(x_imul(&c, 1, R10, RDX), "4c0fafd2") // imul r10,rdx
    FORM(x_imul_imm(&c, 1, RCX, R15, 100), "496bcf64") // imul rcx,r15,100
    FORM(x_imul_imm(&c, 1, RCX, R15, 1000), "4969cfe8030000") // imul rcx,r15,1000
    FORM(x_unary(&c, UNARY_NOT, 1, R9), "49f7d1") // not r9
    FORM(x_unary(&c, UNARY_NEG, 1, R9), "49f7d9") // neg r9
    FORM(x_unary(&c, UNARY_MUL, 1, R9), "49f7e1") // mul r9
    FORM(x_unary(&c, UNARY_IMUL, 1, R9), "49f7e9") // imul r9
    FORM(x_unary(&c, UNARY_DIV, 0, R9), "41f7f1") // div r9d
    FORM(x_unary(&c, UNARY_IDIV, 1, RCX), "48f7f9") // idiv rcx
    FORM(x_sign_rax(&c, 0), "99") // cdq
    FORM(x_sign_rax(&c, 1), "4899") // cqo
    FORM(x_shift(&c, SHIFT_ROL, 1, RDI, 7), "48c1c707") // rol rdi,7
    FORM(x_shift(&c, SHIFT_ROL, 1, R14, 1), "49d1c6") // rol r14,1
    FORM(x_shift_cl(&c, SHIFT_ROL, 1, R14), "49d3c6") // rol r14,cl
    FORM(x_shift(&c, SHIFT_ROR, 1, RDI, 7), "48c1cf07") // ror rdi,7
    FORM(x_shift(&c, SHIFT_ROR, 1, R14, 1), "49d1ce") // ror r14,1
    FORM(x_shift_cl(&c, SHIFT_ROR, 1, R14), "49d3ce") // ror r14,cl
    FORM(x_shift(&c, SHIFT_SHL, 1, RDI, 7), "48c1e707") // shl rdi,7
    FORM(x_shift(&c, SHIFT_SHL, 1, R14, 1), "49d1e6") // shl r14,1
    FORM(x_shift_cl(&c, SHIFT_SHL, 1, R14), "49d3e6") // shl r14,cl
    FORM(x_shift(&c, SHIFT_SHR, 1, RDI, 7), "48c1ef07") // shr rdi,7
    FORM(x_shift(&c, SHIFT_SHR, 1, R14, 1), "49d1ee") // shr r14,1
    FORM(x_shift_cl(&c, SHIFT_SHR, 1, R14), "49d3ee") // shr r14,cl
    FORM(x_shift(&c, SHIFT_SAR, 1, RDI, 7), "48c1ff07") // sar rdi,7
    FORM(x_shift(&c, SHIFT_SAR, 1, R14, 1), "49d1fe") // sar r14,1
    FORM(x_shift_cl(&c, SHIFT_SAR, 1, R14), "49d3fe") // sar r14,cl
    FORM(x_shiftx(&c, SHIFT_SHL, 1, R14, RDX, R9), "c462b1f7f2") // shlx r14,rdx,r9
    FORM(x_shiftx(&c, SHIFT_SHL, 1, RAX, R8, RBX), "c4c2e1f7c0") // shlx rax,r8,rbx
    FORM(x_shiftx(&c, SHIFT_SHR, 1, R14, RDX, R9), "c462b3f7f2") // shrx r14,rdx,r9
    FORM(x_shiftx(&c, SHIFT_SHR, 1, RAX, R8, RBX), "c4c2e3f7c0") // shrx rax,r8,rbx
    FORM(x_shiftx(&c, SHIFT_SAR, 1, R14, RDX, R9), "c462b2f7f2") // sarx r14,rdx,r9
    FORM(x_shiftx(&c, SHIFT_SAR, 1, RAX, R8, RBX), "c4c2e2f7c0") // sarx rax,r8,rbx
    FORM(x_rorx(&c, 1, R8, RSI, 13), "c463fbf0c60d") // rorx r8,rsi,13
    FORM(x_mov(&c, 1, R8, RSI), "4989f0") // mov r8,rsi
    FORM(x_load(&c, 1, RBP, mem_at(RDI, 0)), "488b2f") // mov rbp,[rdi]
    FORM(x_load(&c, 1, RBP, mem_at(RBP, 0)), "488b6d00") // mov rbp,[rbp+0]
    FORM(x_load(&c, 1, RBP, mem_at(R13, 8)), "498b6d08") // mov rbp,[r13+8]
    FORM(x_load(&c, 1, RBP, mem_at(R12, -128)), "498b6c2480") // mov rbp,[r12-128]
    FORM(x_load(&c, 1, RBP, mem_at(RSP, 0x1234)), "488bac2434120000") // mov rbp,[rsp+0x1234]
    FORM(x_load(&c, 1, RBP, mem_indexed(RAX, R9, 0)), "4a8b2c08") // mov rbp,[rax+r9*1]
    FORM(x_load(&c, 1, RBP, mem_indexed(R13, RSI, -4)), "498b6c35fc") // mov rbp,[r13+rsi*1-4]
    FORM(x_load(&c, 1, RBP, (struct mem){RDI, R10, 8, 0x170}), "4a8bacd770010000") // mov rbp,[rdi+r10*8+0x170]
    FORM(x_lea(&c, 1, R9, mem_indexed(R12, RBP, 0x80)), "4d8d8c2c80000000") // lea r9,[r12+rbp*1+0x80]
    FORM(x_bits(&c, BITS_POPCNT, 1, R9, RDI), "f34c0fb8cf") // popcnt r9,rdi
    FORM(x_bits(&c, BITS_TZCNT, 1, R9, RDI), "f34c0fbccf") // tzcnt r9,rdi
    FORM(x_bits(&c, BITS_LZCNT, 1, R9, RDI), "f34c0fbdcf") // lzcnt r9,rdi
    FORM(x_scan(&c, SCAN_FORWARD, 1, R9, RDI), "4c0fbccf") // bsf r9,rdi
    FORM(x_scan(&c, SCAN_REVERSE, 1, RCX, R12), "490fbdcc") // bsr rcx,r12
    FORM(x_bswap(&c, 1, R12), "490fcc") // bswap r12
    FORM(x_bswap(&c, 1, RSI), "480fce") // bswap rsi
    FORM(x_test8_imm(&c, RSI, 4), "40f6c604") // test sil,4
    FORM(x_test8_imm(&c, R9, 128), "41f6c180") // test r9b,128
    FORM(x_test8_mem_imm(&c, mem_at(RDI, 0x191), 0x20), "f6879101000020") // test byte ptr [rdi+0x191],0x20
    FORM(x_mulx(&c, RAX, R9, RSI), "c4e2b3f6c6") // mulx rax,r9,rsi
    FORM(x_rol16_8(&c, RSI), "66c1c608") // rol si,8
    FORM(x_rol16_8(&c, R12), "6641c1c408") // rol r12w,8
    FORM(x_mov_imm(&c, R9, 0), "41b900000000") // mov r9d,0
    FORM(x_mov_imm(&c, RSI, 0xffffffff), "beffffffff") // mov esi,0xffffffff
    FORM(x_mov_imm(&c, RSI, -5ull), "48c7c6fbffffff") // mov rsi,-5
    FORM(x_mov_imm(&c, R15, 0x123456789abcdef0), "49bff0debc9a78563412") // movabs r15,0x123456789abcdef0
    FORM(x_store(&c, 1, mem_at(RDI, 0x100), RDX), "889700010000") // mov byte ptr [rdi+0x100],dl
    FORM(x_store(&c, 1, mem_at(RDI, 0x100), RSI), "4088b700010000") // mov byte ptr [rdi+0x100],sil
    FORM(x_store(&c, 1, mem_at(RDI, 0x100), R9), "44888f00010000") // mov byte ptr [rdi+0x100],r9b
    FORM(x_store_imm(&c, 1, mem_at(R9, 8), 0x45), "41c6410845") // mov byte ptr [r9+8],0x45
    FORM(x_load_zx(&c, 1, RSI, mem_indexed(R9, RBX, 3)), "410fb6741903") // movzx esi,byte ptr [r9+rbx*1+3]
    FORM(x_load_sx(&c, 1, R10, mem_indexed(RAX, RBX, 3)), "4c0fbe541803") // movsx r10,byte ptr [rax+rbx*1+3]
    FORM(x_movzx(&c, 1, R9, RBX), "440fb6cb") // movzx r9d,bl
    FORM(x_movsx(&c, 1, RAX, RBX), "480fbec3") // movsx rax,bl
    FORM(x_movzx(&c, 1, R9, RDI), "440fb6cf") // movzx r9d,dil
    FORM(x_movsx(&c, 1, RAX, RDI), "480fbec7") // movsx rax,dil
    FORM(x_movzx(&c, 1, R9, R11), "450fb6cb") // movzx r9d,r11b
    FORM(x_movsx(&c, 1, RAX, R11), "490fbec3") // movsx rax,r11b
    FORM(x_store(&c, 2, mem_at(RDI, 0x100), RDX), "66899700010000") // mov word ptr [rdi+0x100],dx
    FORM(x_store(&c, 2, mem_at(RDI, 0x100), RSI), "6689b700010000") // mov word ptr [rdi+0x100],si
    FORM(x_store(&c, 2, mem_at(RDI, 0x100), R9), "6644898f00010000") // mov word ptr [rdi+0x100],r9w
    FORM(x_store_imm(&c, 2, mem_at(R9, 8), 0x45), "6641c741084500") // mov word ptr [r9+8],0x45
    FORM(x_load_zx(&c, 2, RSI, mem_indexed(R9, RBX, 3)), "410fb7741903") // movzx esi,word ptr [r9+rbx*1+3]
    FORM(x_load_sx(&c, 2, R10, mem_indexed(RAX, RBX, 3)), "4c0fbf541803") // movsx r10,word ptr [rax+rbx*1+3]
    FORM(x_movbe_load(&c, 2, R10, mem_at(RSI, 1)), "66440f38f05601") // movbe r10w,[rsi+1]
    FORM(x_movbe_store(&c, 2, mem_indexed(R8, RCX, 1), RDX), "66410f38f1540801") // movbe [r8+rcx*1+1],dx
    FORM(x_movzx(&c, 2, R9, RBX), "440fb7cb") // movzx r9d,bx
    FORM(x_movsx(&c, 2, RAX, RBX), "480fbfc3") // movsx rax,bx
    FORM(x_movzx(&c, 2, R9, RDI), "440fb7cf") // movzx r9d,di
    FORM(x_movsx(&c, 2, RAX, RDI), "480fbfc7") // movsx rax,di
    FORM(x_movzx(&c, 2, R9, R11), "450fb7cb") // movzx r9d,r11w
    FORM(x_movsx(&c, 2, RAX, R11), "490fbfc3") // movsx rax,r11w
    FORM(x_store(&c, 4, mem_at(RDI, 0x100), RDX), "899700010000") // mov dword ptr [rdi+0x100],edx
    FORM(x_store(&c, 4, mem_at(RDI, 0x100), RSI), "89b700010000") // mov dword ptr [rdi+0x100],esi
    FORM(x_store(&c, 4, mem_at(RDI, 0x100), R9), "44898f00010000") // mov dword ptr [rdi+0x100],r9d
    FORM(x_store_imm(&c, 4, mem_at(R9, 8), 0x45), "41c7410845000000") // mov dword ptr [r9+8],0x45
    FORM(x_load_zx(&c, 4, RSI, mem_indexed(R9, RBX, 3)), "418b741903") // mov esi,dword ptr [r9+rbx*1+3]
    FORM(x_load_sx(&c, 4, R10, mem_indexed(RAX, RBX, 3)), "4c63541803") // movsxd r10,dword ptr [rax+rbx*1+3]
    FORM(x_movbe_load(&c, 4, R10, mem_at(RSI, 1)), "440f38f05601") // movbe r10d,[rsi+1]
    FORM(x_movbe_store(&c, 4, mem_indexed(R8, RCX, 1), RDX), "410f38f1540801") // movbe [r8+rcx*1+1],edx
    FORM(x_movzx(&c, 4, R9, RBX), "4189d9") // mov r9d,ebx
    FORM(x_movsx(&c, 4, RAX, RBX), "4863c3") // movsxd rax,ebx
    FORM(x_movzx(&c, 4, R9, RDI), "4189f9") // mov r9d,edi
    FORM(x_movsx(&c, 4, RAX, RDI), "4863c7") // movsxd rax,edi
    FORM(x_movzx(&c, 4, R9, R11), "4589d9") // mov r9d,r11d
    FORM(x_movsx(&c, 4, RAX, R11), "4963c3") // movsxd rax,r11d
    FORM(x_store(&c, 8, mem_at(RDI, 0x100), RDX), "48899700010000") // mov qword ptr [rdi+0x100],rdx
    FORM(x_store(&c, 8, mem_at(RDI, 0x100), RSI), "4889b700010000") // mov qword ptr [rdi+0x100],rsi
    FORM(x_store(&c, 8, mem_at(RDI, 0x100), R9), "4c898f00010000") // mov qword ptr [rdi+0x100],r9
    FORM(x_store_imm(&c, 8, mem_at(R9, 8), 0x45), "49c7410845000000") // mov qword ptr [r9+8],0x45
    FORM(x_load_zx(&c, 8, RSI, mem_indexed(R9, RBX, 3)), "498b741903") // mov rsi,qword ptr [r9+rbx*1+3]
    FORM(x_load_sx(&c, 8, R10, mem_indexed(RAX, RBX, 3)), "4c8b541803") // mov r10,qword ptr [rax+rbx*1+3]
    FORM(x_movbe_load(&c, 8, R10, mem_at(RSI, 1)), "4c0f38f05601") // movbe r10,[rsi+1]
    FORM(x_movbe_store(&c, 8, mem_indexed(R8, RCX, 1), RDX), "490f38f1540801") // movbe [r8+rcx*1+1],rdx
    FORM(x_setcc(&c, CC_O, RAX), "0f90c0") // seto al
    FORM(x_cmov(&c, CC_O, 0, R9, RSI), "440f40ce") // cmovo r9d,esi
    FORM(x_setcc(&c, CC_NO, RSI), "400f91c6") // setno sil
    FORM(x_cmov(&c, CC_NO, 1, R9, RSI), "4c0f41ce") // cmovno r9,rsi
    FORM(x_setcc(&c, CC_B, R9), "410f92c1") // setb r9b
    FORM(x_cmov(&c, CC_B, 0, R9, RSI), "440f42ce") // cmovb r9d,esi
    FORM(x_setcc(&c, CC_AE, RAX), "0f93c0") // setae al
    FORM(x_cmov(&c, CC_AE, 1, R9, RSI), "4c0f43ce") // cmovae r9,rsi
    FORM(x_setcc(&c, CC_E, RSI), "400f94c6") // sete sil
    FORM(x_cmov(&c, CC_E, 0, R9, RSI), "440f44ce") // cmove r9d,esi
    FORM(x_setcc(&c, CC_NE, R9), "410f95c1") // setne r9b
    FORM(x_cmov(&c, CC_NE, 1, R9, RSI), "4c0f45ce") // cmovne r9,rsi
    FORM(x_setcc(&c, CC_BE, RAX), "0f96c0") // setbe al
    FORM(x_cmov(&c, CC_BE, 0, R9, RSI), "440f46ce") // cmovbe r9d,esi
    FORM(x_setcc(&c, CC_A, RSI), "400f97c6") // seta sil
    FORM(x_cmov(&c, CC_A, 1, R9, RSI), "4c0f47ce") // cmova r9,rsi
    FORM(x_setcc(&c, CC_S, R9), "410f98c1") // sets r9b
    FORM(x_cmov(&c, CC_S, 0, R9, RSI), "440f48ce") // cmovs r9d,esi
    FORM(x_setcc(&c, CC_NS, RAX), "0f99c0") // setns al
    FORM(x_cmov(&c, CC_NS, 1, R9, RSI), "4c0f49ce") // cmovns r9,rsi
    FORM(x_setcc(&c, CC_P, RSI), "400f9ac6") // setp sil
    FORM(x_cmov(&c, CC_P, 0, R9, RSI), "440f4ace") // cmovp r9d,esi
    FORM(x_setcc(&c, CC_NP, R9), "410f9bc1") // setnp r9b
    FORM(x_cmov(&c, CC_NP, 1, R9, RSI), "4c0f4bce") // cmovnp r9,rsi
    FORM(x_setcc(&c, CC_L, RAX), "0f9cc0") // setl al
    FORM(x_cmov(&c, CC_L, 0, R9, RSI), "440f4cce") // cmovl r9d,esi
    FORM(x_setcc(&c, CC_GE, RSI), "400f9dc6") // setge sil
    FORM(x_cmov(&c, CC_GE, 1, R9, RSI), "4c0f4dce") // cmovge r9,rsi
    FORM(x_setcc(&c, CC_LE, R9), "410f9ec1") // setle r9b
    FORM(x_cmov(&c, CC_LE, 0, R9, RSI), "440f4ece") // cmovle r9d,esi
    FORM(x_setcc(&c, CC_G, RAX), "0f9fc0") // setg al
    FORM(x_cmov(&c, CC_G, 1, R9, RSI), "4c0f4fce") // cmovg r9,rsi
    FORM(x_cmov_load(&c, CC_E, 0, R9, mem_at(RDI, 0x1234)), "440f448f34120000") // cmove r9d,[rdi+0x1234]
    FORM(x_cmov_load(&c, CC_L, 1, RCX, mem_at(RSI, 8)), "480f4c4e08") // cmovl rcx,[rsi+8]
    FORM(x_push(&c, RBX), "53") // push rbx
    FORM(x_push(&c, R12), "4154") // push r12
    FORM(x_pop(&c, RBP), "5d") // pop rbp
    FORM(x_pop(&c, R15), "415f") // pop r15
    FORM(x_push_mem(&c, mem_at(RSP, 0x78)), "ff742478") // push qword ptr [rsp+0x78]
    FORM(x_call_reg(&c, RAX), "ffd0") // call rax
    FORM(x_ret(&c), "c3") // ret
    FORM(x_jmp_mem(&c, (struct mem){RCX, RAX, 8, 0}), "ff24c1") // jmp qword ptr [rcx+rax*8]
}

// clang-format on

static s32 disp_at(unsigned at)
{
    s32 d;
    memcpy(&d, buffer + at, 4);
    return d;
}

static void test_labels(void)
{
    struct code c = code_new();
    struct label l = {0};
    x_jmp(&c, &l);       // e9 at 0
    x_jcc(&c, CC_E, &l); // 0f 84 at 5
    x_call(&c, &l);      // e8 at 11
    x_bind(&c, &l);      // 16
    CHECK_EQ(disp_at(1), 16 - 5);
    CHECK_EQ(disp_at(7), 16 - 11);
    CHECK_EQ(disp_at(12), 0);
    x_jmp(&c, &l);
    CHECK_EQ(buffer[16], 0xeb);
    CHECK_EQ((s8)buffer[17], -2);
    x_jcc(&c, CC_L, &l);
    CHECK_EQ(buffer[18], 0x7c);
    CHECK_EQ((s8)buffer[19], -4);
    x_call(&c, &l); // has no short form
    CHECK_EQ(buffer[20], 0xe8);
    CHECK_EQ(disp_at(21), 16 - 25);
    for (unsigned i = 0; i < 40; i++)
        x_mov_imm(&c, RAX, 1);
    x_jcc(&c, CC_L, &l);
    CHECK_EQ(c.at - buffer, 25 + 200 + 6);
    CHECK_EQ(disp_at(227), 16 - 231);
}

static void test_far_and_near(void)
{
    struct code c = code_new();
    x_call_to(&c, buffer + 100);
    CHECK_EQ(disp_at(1), 95);
    c = code_new();
    x_address(&c, R9, buffer + 50);
    CHECK_EQ(buffer[1], 0x8d);
    CHECK_EQ(disp_at(3), 43);
    c = code_new();
    c.exec = (intptr_t)(1ull << 40); // far away
    x_jmp_to(&c, buffer);
    CHECK_EQ(c.at - buffer, 12);
    CHECK_EQ(buffer[0], 0x48);
    CHECK_EQ(buffer[1], 0xb8);
    CHECK_EQ(buffer[10], 0xff);
    CHECK_EQ(buffer[11], 0xe0);
}

static void test_full(void)
{
    struct code c = code_new();
    for (unsigned i = 0; i < 2000; i++)
        x_mov_imm(&c, RAX, ~0ull >> 1);
    CHECK(c.full);
    CHECK(c.at <= c.end);
}

int main(void)
{
    TEST(test_forms);
    TEST(test_labels);
    TEST(test_far_and_near);
    TEST(test_full);
    return test_done();
}
