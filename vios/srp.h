// SPDX-License-Identifier: Apache-2.0
// The server's side of a virtual SCSI adapter: the SCSI RDMA protocol over a command/response queue, as the clients of a Virtual I/O Server speak it. T10 SRP revision 16a; LoPAR
// "Virtual SCSI".
#ifndef VIOS_SRP_H
#define VIOS_SRP_H

#include "ipc/ring.h"
#include "vios/scsi/scsi.h"

#define SRP_TARGETS_MAX 64u

struct srp_port;

// name: what the client is told that the server's adapter is called. partition, slot: the client's, which make the initiator's identity. The link's descriptors stay the caller's, for as long as the port is there. NULL with errno set.
struct srp_port *srp_port_new(struct loop *loop, const struct ring_fds *fds, const char *name, u32 partition, u32 slot);
// The unit is the caller's, and outlives the port. false: there is one already.
bool srp_port_add(struct srp_port *port, u32 target, struct scsi_lu *lu);
// Commands under way end first, others find nothing there any more. removed(): no nexus of the port knows the unit; perhaps before this returns. false: there is none, or it
// goes already.
bool srp_port_remove(struct srp_port *port, u32 target, void (*removed)(void *arg), void *arg);
// The port and all that is on it, as the end of a session does; then it is freed. closed(): units and descriptors are the caller's again. Not from the port's callbacks.
void srp_port_close(struct srp_port *port, void (*closed)(void *arg), void *arg);
void srp_port_free(struct srp_port *port); // nothing is under way; takes NULL

#endif
