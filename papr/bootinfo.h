// SPDX-License-Identifier: Apache-2.0
// The file that tells firmware what to boot from a medium without a PReP partition. CHRP "bootinfo.txt"
#ifndef PAPR_BOOTINFO_H
#define PAPR_BOOTINFO_H

#include "base/types.h"

#define BOOTINFO_MAX 0x4000u // bytes of it that are looked at

// The path of the program that the boot script in `text` starts from the medium itself ("boot &device;:\boot\grub\powerpc.elf"). false: there is
// none, or it is longer than `size`.
bool bootinfo_program(const char *text, char *program, size_t size);

#endif
