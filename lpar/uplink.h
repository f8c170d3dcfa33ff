// SPDX-License-Identifier: Apache-2.0
// Networks of `openlpar boot`: a link for each adapter, and the process on its other side, which is started again when it dies. The link outlives both
// that process and the partition's reboots.
#ifndef LPAR_UPLINK_H
#define LPAR_UPLINK_H

#include "ipc/ring.h"
#include "proto/vio/net_option.h"

#define NETS_MAX 4u

struct uplink;

// 0, or a negative errno with `why`; the network is up then.
int uplink_start(const struct net_options *options, struct uplink **uplink, char *why, size_t why_size);
void uplink_stop(struct uplink *uplink); // takes NULL

const struct ring_fds *uplink_link(const struct uplink *uplink);

#endif
