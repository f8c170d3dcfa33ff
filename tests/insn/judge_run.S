// SPDX-License-Identifier: Apache-2.0
// void judge_run(struct judge_state *state, uint64_t entry): loads the state, runs the slot at `entry`, stores the state.
#include "judge.h"

    .abiversion 2
    .machine power9
    .text

    .globl _start
    .type _start, @function
_start:
    lis 2, .TOC.@ha
    addi 2, 2, .TOC.@l
    li 0, 0
    stdu 0, -64(1)
    bl judge_main
    nop
    trap

    .globl judge_run
    .type judge_run, @function
judge_run:
    mflr 0
    std 0, 16(1)
    mfcr 0
    stw 0, 8(1)
    stdu 1, -320(1)
    .irp n, 2,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    std \n, 32+8*\n(1)
    .endr
    mr 13, 3
    std 1, JS_R1(13)
    mtctr 4

    ld 5, JS_VSCR(13)
    mtvsrdd 32, 5, 5
    mtvscr 0
    lfd 0, JS_FPSCR(13)
    mtfsf 255, 0, 1, 0
    ld 5, JS_VRSAVE(13)
    mtspr 256, 5
    ld 5, JS_TAR(13)
    mtspr 815, 5
    .altmacro
    .macro each64 op, n
    li 5, JS_VSR+16*\n
    \op \n, 13, 5
    .if \n < 63
    each64 \op, %(\n+1)
    .endif
    .endm
    each64 lxvd2x, 0
    ld 5, JS_XER(13)
    mtxer 5
    ld 5, JS_CR(13)
    mtcr 5
    ld 5, JS_LR(13)
    mtlr 5
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld \n, JS_GPR+8*\n(13)
    .endr
    bctr

    // Slots branch here; the handler of a signal returns here.
    .globl judge_back
judge_back:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    std \n, JS_GPR+8*\n(13)
    .endr
    mflr 5
    std 5, JS_LR(13)
    mfctr 5
    std 5, JS_CTR(13)
    mfxer 5
    std 5, JS_XER(13)
    mfcr 5
    std 5, JS_CR(13)
    mfspr 5, 256
    std 5, JS_VRSAVE(13)
    mfspr 5, 815
    std 5, JS_TAR(13)
    each64 stxvd2x, 0
    mffs 0
    stfd 0, JS_FPSCR(13)
    mfvscr 0
    mfvsrld 5, 32
    std 5, JS_VSCR(13)
    li 5, 0
    mtvsrdd 32, 5, 5
    mtfsf 255, 32-32, 1, 0

    ld 1, JS_R1(13)
    .irp n, 2,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,13
    ld \n, 32+8*\n(1)
    .endr
    addi 1, 1, 320
    lwz 0, 8(1)
    mtcr 0
    ld 0, 16(1)
    mtlr 0
    blr

    .globl judge_syscall
    .type judge_syscall, @function
judge_syscall:
    mr 0, 3
    mr 3, 4
    mr 4, 5
    mr 5, 6
    mr 6, 7
    mr 7, 8
    mr 8, 9
    sc
    bns 1f
    neg 3, 3
1:  blr

    .section .note.GNU-stack, "", @progbits
