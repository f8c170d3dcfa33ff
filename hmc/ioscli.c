// SPDX-License-Identifier: Apache-2.0
// ioscli: a command of a Virtual I/O Server, run over its system's socket.
#include <string.h>

#include "hmc/viosrvcmd.h"

int main(int argc, char **argv)
{
    const char *slash = argc ? strrchr(argv[0], '/') : NULL;
    return ioscli_main(slash ? slash + 1 : argc ? argv[0] : "ioscli", argc, argv);
}
