// SPDX-License-Identifier: Apache-2.0
// openlpar top: the monitor of a managed system.
#ifndef CLI_TOP_CMD_H
#define CLI_TOP_CMD_H

int top_command(int argc, char **argv);

#endif
