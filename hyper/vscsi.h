// SPDX-License-Identifier: Apache-2.0
// Virtual SCSI adapters as profiles have them: slot/client|server/remote-id/remote-name/remote-slot/required, several with commas between them.
#ifndef HYPER_VSCSI_H
#define HYPER_VSCSI_H

#include "hyper/system.h"

#define VSCSI_ADAPTERS_MAX 60u // of a partition
#define VSCSI_SLOT_MAX     63u
#define VSCSI_ANY          0u

struct vscsi_adapter {
    u32 slot;
    bool server, required;
    u32 remote_id;        // VSCSI_ANY: any partition, or the one of that name
    u32 remote_slot;      // VSCSI_ANY: any
    char remote_name[32]; // "": none is given
};

// How many there are, or -1 with what is wrong. Items, and the whole, may be between quotation marks.
int vscsi_parse(const char *text, struct vscsi_adapter adapters[VSCSI_ADAPTERS_MAX], char *why, size_t why_size);

// Those that the partition was activated with: none when it never was.
u32 vscsi_of(const struct lp *lp, struct vscsi_adapter adapters[VSCSI_ADAPTERS_MAX]);

// Whom an adapter is for: the partition with that number or name. NULL: anybody, or one that is not there.
struct lp *vscsi_remote(const struct sys *sys, const struct vscsi_adapter *adapter);

// Whether a client's adapter and a server's belong together.
bool vscsi_pair(const struct sys *sys, const struct lp *client, const struct vscsi_adapter *c, const struct lp *server,
                const struct vscsi_adapter *s);

// Before it is activated with the profile: its kind of adapters, and that names and numbers of other partitions agree. 0, or -1 with the answer.
int vscsi_check(const struct sys *sys, const struct lp *lp, const struct rec *profile, struct answer *answer);

// CREATE and REMOVE of OBJECT_VIO_SCSI. 0, -1 with the answer, or 1: an operating system is asked, and the answer comes later (hyper/slots.h).
int vscsi_create(struct sys *sys, const struct wire_message *m, struct answer *answer);
int vscsi_remove(struct sys *sys, const struct wire_message *m, struct answer *answer);
// Takes the adapter in a slot out of the configuration. 0, or -1 with the answer.
int vscsi_forget(struct sys *sys, struct lp *lp, u64 slot, struct answer *answer);

#endif
