// SPDX-License-Identifier: Apache-2.0
// openlpar boot: options, checks, help.
#ifndef CLI_BOOT_CMD_H
#define CLI_BOOT_CMD_H

#include "lpar/boot.h"

// argv[0] is "boot". The value is the exit status.
int boot_command(int argc, char **argv);

// Parses into *options. 0; -1: help was printed; else a message was printed (exit status 1).
int boot_parse(int argc, char **argv, struct boot_options *options);

#endif
