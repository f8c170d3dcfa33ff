// SPDX-License-Identifier: Apache-2.0
// openlpar system exporter: metrics for Prometheus over HTTP, in a process of its own. A scrape is a few questions to each system, at most one
// round in a second.
#ifndef CLI_EXPORTER_CMD_H
#define CLI_EXPORTER_CMD_H

#include "base/types.h"

int exporter_command(int argc, char **argv);

// "127.0.0.1:9817", "[::1]:9817", "localhost:9817" or a port alone. false: that is no address of this host's own.
bool exporter_parse_listen(const char *text, bool *ipv6, u16 *port);

#endif
