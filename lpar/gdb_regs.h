// SPDX-License-Identifier: Apache-2.0
// Registers as gdb numbers them, from one table: target description, g/G, p/P.
#ifndef LPAR_GDB_REGS_H
#define LPAR_GDB_REGS_H

#include "cpu/cpu.h"

// The target description (XML): NUL-terminated, static after the first call.
const char *gdb_regs_xml(void);

unsigned gdb_regs_len(void);
// Bytes of register n (4, 8 or 16), 0 when there is none.
unsigned gdb_reg_size(unsigned n);
// Bytes of the g packet: the registers before the special purpose ones.
unsigned gdb_regs_g_len(void);
// In the thread's byte order, gdb_reg_size(n) bytes.
void gdb_reg_get(const struct cpu *cpu, unsigned n, u8 *to);
void gdb_reg_set(struct cpu *cpu, unsigned n, const u8 *from);

#endif
