// SPDX-License-Identifier: Apache-2.0
// The value of --net: user[,hostfwd=tcp|udp:[ADDRESS:]PORT-[ADDRESS:]PORT]...[,mac=ADDRESS]
#ifndef CLI_NET_OPTION_H
#define CLI_NET_OPTION_H

#include "lpar/uplink.h"

// false, with a text that names the fix.
bool net_option_parse(const char *value, struct net_options *net, char *why, size_t why_size);

#endif
