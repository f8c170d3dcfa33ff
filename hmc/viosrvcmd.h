// SPDX-License-Identifier: Apache-2.0
// Commands that a Virtual I/O Server runs: viosrvcmd, and the program ioscli.
#ifndef HMC_VIOSRVCMD_H
#define HMC_VIOSRVCMD_H

#include "hmc/options.h"

int cmd_viosrvcmd(const struct options *o);

// ioscli --system S --vios V COMMAND...: `name` is that of the program, and itself the command where it is not ioscli. The command's exit status.
int ioscli_main(const char *name, int argc, char **argv);

#endif
