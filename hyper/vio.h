// SPDX-License-Identifier: Apache-2.0
// Virtual I/O Servers, and who is served by which of their adapters.
//
// A client's virtual SCSI adapter and a server's that belong together (hyper/vscsi.h) are joined as soon as both partitions have a process: the two processes get the ends of a
// channel, of which the daemon keeps nothing. So the clients go on, and a data path that dies is replaced, while the daemon is away; the next one hears from the server
// what is joined. The daemon's thread only.
#ifndef HYPER_VIO_H
#define HYPER_VIO_H

#include "hyper/system.h"

bool vio_is_server(const struct lp *lp);

// The folder of a server's own, in the system's.
#define VIO_FOLDER_MAX 1056u
void vio_folder(const struct sys *sys, const struct lp *lp, char path[VIO_FOLDER_MAX]);

// The partition was removed. What it stored stays, under another name: what has its number next begins anew.
void vio_removed(const struct sys *sys, const struct lp *lp);

// Messages about a partition's adapters to its process, which has just said who it is: before START to a client, after it to a server. Then everything that belongs together is joined.
void vio_attach(struct sys *sys, struct lp *lp);
// A server that runs has another adapter, or one less, which serves nobody; a client has another one that its process knows (NULL).
struct vscsi_adapter;
void vio_added(struct sys *sys, struct lp *lp, const struct vscsi_adapter *adapter);
void vio_dropped(struct lp *lp, u32 slot);

// An adapter and its partner are joined no more: its process let go of the channel.
void vio_part(struct sys *sys, struct lp *lp, u32 slot);
// Its process is gone.
void vio_detach(struct sys *sys, struct lp *lp);
// A server that goes on from before says what it serves: "slot:client:client slot:number,...".
void vio_adopt(struct sys *sys, struct lp *lp, const char *joints);

// A message from a server. 0, or -EPROTO: none that it may send.
int vio_take(struct sys *sys, struct lp *lp, const struct wire_message *m);

// A command for a server. 1: it is under way, and its output goes to sys->printed, its end to sys->answered, with the token; -1 with the answer.
int vio_command(struct sys *sys, const struct wire_message *m, const char *user, u64 token, struct answer *answer);

#endif
