# SPDX-License-Identifier: Apache-2.0
# Entry of a freestanding big-endian guest (ELFv2): firmware enters in real mode with R5 = client interface, maybe in 32-bit mode.
        .machine power8
        .section .head, "ax"
        .globl _start
_start: mfmsr   3
        li      4, 1
        rldicr  4, 4, 63, 0
        or      3, 3, 4
        mtmsrd  3
        bcl     20, 31, 1f
1:      mflr    30
        addis   2, 30, (.TOC. - 1b)@ha
        addi    2, 2, (.TOC. - 1b)@l
        addis   1, 2, stack_top@toc@ha
        addi    1, 1, stack_top@toc@l
        addi    1, 1, -128
        li      0, 0
        std     0, 0(1)
        mr      4, 5
        bl      guest_main
        nop
2:      b       2b

        .text
# long call3(long entry, long r3, long r4): calls firmware at an address, whatever its ABI.
        .globl  firmware_call
firmware_call:
        mflr    0
        std     0, 16(1)
        stdu    1, -64(1)
        std     2, 24(1)
        mtctr   3
        mr      3, 4
        mr      4, 5
        bctrl
        ld      2, 24(1)
        addi    1, 1, 64
        ld      0, 16(1)
        mtlr    0
        blr

# long hcall(long number, long r4, long r5, long r6, long r7)
        .globl  hcall
hcall:  sc      1
        blr

        .bss
        .balign 16
stack:  .space  32768
stack_top:
        .space  16
