# SPDX-License-Identifier: Apache-2.0
# R1 is a stack of firmware's; R3, R4, R5 are client_main's arguments.
    .section .head, "ax"
    .globl _start
_start:
    li 0, 0
    stwu 1, -32(1)
    stw 0, 0(1)
    b client_main
    .section .note.GNU-stack, "", @progbits
