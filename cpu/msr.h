// SPDX-License-Identifier: Apache-2.0
// Machine state register, SRR1, DSISR and FPSCR bits; interrupt vectors.
#ifndef CPU_MSR_H
#define CPU_MSR_H

#include "base/bits.h"

// ISA III "Machine State Register"
#define MSR_SF PPC_BIT(0)
#define MSR_HV PPC_BIT(3)
#define MSR_TS PPC_BITMASK(29, 30)
#define MSR_TM PPC_BIT(31)
#define MSR_VEC PPC_BIT(38)
#define MSR_VSX PPC_BIT(40)
#define MSR_EE PPC_BIT(48)
#define MSR_PR PPC_BIT(49)
#define MSR_FP PPC_BIT(50)
#define MSR_ME PPC_BIT(51)
#define MSR_FE0 PPC_BIT(52)
#define MSR_SE PPC_BIT(53)
#define MSR_BE PPC_BIT(54)
#define MSR_FE1 PPC_BIT(55)
#define MSR_IR PPC_BIT(58)
#define MSR_DR PPC_BIT(59)
#define MSR_PMM PPC_BIT(61)
#define MSR_RI PPC_BIT(62)
#define MSR_LE PPC_BIT(63)

// ISA III "Program Interrupt": SRR1
#define SRR1_PROG_FP PPC_BIT(43)
#define SRR1_PROG_ILLEGAL PPC_BIT(44)
#define SRR1_PROG_PRIVILEGED PPC_BIT(45)
#define SRR1_PROG_TRAP PPC_BIT(46)
#define SRR1_PROG_LATE PPC_BIT(47) // SRR0 holds the address of a later instruction

// ISA III "Data Storage Interrupt": DSISR; "Instruction Storage Interrupt": SRR1
#define DSISR_NOPTE PPC_BIT(33)
#define DSISR_NOEXEC PPC_BIT(35) // SRR1: no-execute or guarded
#define DSISR_PROTECTION PPC_BIT(36)
#define DSISR_BAD_CI PPC_BIT(37)
#define DSISR_STORE PPC_BIT(38)
#define DSISR_DAWR PPC_BIT(41)
#define DSISR_KEY PPC_BIT(42)
#define DSISR_BAD_RADIX_CFG PPC_BIT(44)
#define DSISR_BAD_RC PPC_BIT(45)
#define DSISR_BAD_AMO PPC_BIT(61) // 3.0: unsupported atomic memory operation
#define DSISR_BAD_COPYPASTE PPC_BIT(60)

// ISA III "Interrupt Vector Locations"
enum interrupt_vector {
    VEC_RESET = 0x100,
    VEC_MACHINE_CHECK = 0x200,
    VEC_DSI = 0x300,
    VEC_DATA_SEGMENT = 0x380,
    VEC_ISI = 0x400,
    VEC_INSN_SEGMENT = 0x480,
    VEC_EXTERNAL = 0x500,
    VEC_ALIGNMENT = 0x600,
    VEC_PROGRAM = 0x700,
    VEC_FP_UNAVAILABLE = 0x800,
    VEC_DECREMENTER = 0x900,
    VEC_HDECREMENTER = 0x980,
    VEC_DOORBELL = 0xa00,
    VEC_SYSCALL = 0xc00,
    VEC_TRACE = 0xd00,
    VEC_HDSI = 0xe00,
    VEC_HISI = 0xe20,
    VEC_HEMULATION = 0xe40,
    VEC_PERFMON = 0xf00,
    VEC_VMX_UNAVAILABLE = 0xf20,
    VEC_VSX_UNAVAILABLE = 0xf40,
    VEC_FACILITY_UNAVAILABLE = 0xf60,
    VEC_HFACILITY_UNAVAILABLE = 0xf80,
    VEC_SCV = 0x17000, // LEV adds 0x20; relocated to c000000000003000 by LPCR[AIL] = 3
};

// ISA I "Floating-Point Status and Control Register", as the low word
#define FPSCR_FX PPC_BIT32(0)
#define FPSCR_FEX PPC_BIT32(1)
#define FPSCR_VX PPC_BIT32(2)
#define FPSCR_OX PPC_BIT32(3)
#define FPSCR_UX PPC_BIT32(4)
#define FPSCR_ZX PPC_BIT32(5)
#define FPSCR_XX PPC_BIT32(6)
#define FPSCR_VXSNAN PPC_BIT32(7)
#define FPSCR_VXISI PPC_BIT32(8)
#define FPSCR_VXIDI PPC_BIT32(9)
#define FPSCR_VXZDZ PPC_BIT32(10)
#define FPSCR_VXIMZ PPC_BIT32(11)
#define FPSCR_VXVC PPC_BIT32(12)
#define FPSCR_FR PPC_BIT32(13)
#define FPSCR_FI PPC_BIT32(14)
#define FPSCR_C PPC_BIT32(15)
#define FPSCR_FL PPC_BIT32(16)
#define FPSCR_FG PPC_BIT32(17)
#define FPSCR_FE PPC_BIT32(18)
#define FPSCR_FU PPC_BIT32(19)
#define FPSCR_FPCC (FPSCR_FL | FPSCR_FG | FPSCR_FE | FPSCR_FU)
#define FPSCR_FPRF (FPSCR_C | FPSCR_FPCC)
#define FPSCR_VXSOFT PPC_BIT32(21)
#define FPSCR_VXSQRT PPC_BIT32(22)
#define FPSCR_VXCVI PPC_BIT32(23)
#define FPSCR_VE PPC_BIT32(24)
#define FPSCR_OE PPC_BIT32(25)
#define FPSCR_UE PPC_BIT32(26)
#define FPSCR_ZE PPC_BIT32(27)
#define FPSCR_XE PPC_BIT32(28)
#define FPSCR_NI PPC_BIT32(29)
#define FPSCR_RN 3u
#define FPSCR_VX_ALL                                                                                                   \
    (FPSCR_VXSNAN | FPSCR_VXISI | FPSCR_VXIDI | FPSCR_VXZDZ | FPSCR_VXIMZ | FPSCR_VXVC | FPSCR_VXSOFT | FPSCR_VXSQRT | \
     FPSCR_VXCVI)

#define VSCR_NJ PPC_BIT32(15)
#define VSCR_SAT PPC_BIT32(31)

#endif
