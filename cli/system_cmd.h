// SPDX-License-Identifier: Apache-2.0
// openlpar system: managed systems on this host.
#ifndef CLI_SYSTEM_CMD_H
#define CLI_SYSTEM_CMD_H

// argv[0] is "system". The value is the exit status.
int system_command(int argc, char **argv);

#endif
