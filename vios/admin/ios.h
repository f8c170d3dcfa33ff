// SPDX-License-Identifier: Apache-2.0
// The administration of a Virtual I/O Server: its database of devices, volume groups, pools, mappings and media, and the commands of ioscli on it.
//
// What commands do to the data path goes through struct ios_effects: the process binds it to its server, tests to a recorder. The database is the truth: an effect
// that was carried out when the process died before it was written down is gone with the server, which is told everything anew by ios_attach_all().
//
// All on one thread. Calls may wait for the disk.
#ifndef VIOS_ADMIN_IOS_H
#define VIOS_ADMIN_IOS_H

#include <stdio.h>

#include "base/types.h"

struct ios;

#define IOS_ANY         0xffffffffu // any partition, any slot
#define IOS_TARGETS_MAX 64u // of an adapter: 1 .. IOS_TARGETS_MAX - 1; as VIOS_TARGETS_MAX of proto/vio/config.h
#define IOS_WHY_MAX     512u

// What commands print. Texts always end with a zero byte once something was written; ios_out_fini() frees them.
struct ios_text {
    char *text;
    size_t len, size;
};

struct ios_out {
    struct ios_text out, err;
};

void ios_out_fini(struct ios_out *out);

// A piece of a file or block device.
struct ios_extent {
    const char *path;
    u64 offset, size; // multiples of 4096
};

enum ios_backing_flag {
    IOS_READ_ONLY = 1,
    IOS_WHOLE = 2, // the one extent is a whole file or device: its size is what it has when it is opened
};

// What is behind a target. Valid during the call that it is passed to.
struct ios_backing {
    const char *name; // for people
    u32 flags;
    u64 size;       // bytes
    u8 identity[8]; // of a list of extents; a whole file has its own
    const struct ios_extent *extents;
    u32 extents_len;
};

struct ios_disk_counters {
    u64 reads, writes, read_bytes, written_bytes;
};

struct ios_net_counters {
    u64 sent_packets, sent_bytes, send_failures, received_packets, received_bytes, receive_failures, no_buffer;
    bool link, active; // active: of a trunk adapter that bridges
};

// The data path. 0 or a negative errno with a sentence in `why` (IOS_WHY_MAX bytes). A callback that is NULL: there is no data path now; what is attached is told later.
struct ios_effects {
    // A target of the adapter in `slot` begins. backing NULL: an optical drive without a medium.
    int (*attach)(void *context, u32 slot, u32 target, bool optical, const struct ios_backing *backing, char *why);
    // It ends; nothing of the backing is used when this returns. -EBUSY: the client uses it, and not `force`.
    int (*detach)(void *context, u32 slot, u32 target, bool force, char *why);
    // What is behind it has grown.
    int (*resize)(void *context, u32 slot, u32 target, const struct ios_backing *backing, char *why);
    // Puts a medium into a drive, or takes it out (backing NULL). -EBUSY: the client has locked the drive, and not `force`.
    int (*load)(void *context, u32 slot, u32 target, const struct ios_backing *backing, bool force, char *why);
    // -ENOENT, -ENODATA: there are none.
    int (*disk_counters)(void *context, u32 slot, u32 target, struct ios_disk_counters *counters);
    // What a disk at such an address is (iscsi://...). It may take seconds.
    int (*look)(void *context, const char *address, u64 *size, char *why);
    // The partition ends, after the answer to the command went out.
    int (*power)(void *context, bool restart, char *why);
};

// --- Shared Ethernet Adapters

#define IOS_REALS_MAX  8u
#define IOS_TRUNKS_MAX 15u

enum ios_sea_mode { IOS_SEA_ALONE, IOS_SEA_STANDARD, IOS_SEA_8023AD, IOS_SEA_BACKUP };

// What it bridges. Valid during the call that it is passed to.
struct ios_sea {
    struct {
        const char *network; // as in ios_config.networks
        bool backup;         // used when none of the others has a link
    } reals[IOS_REALS_MAX];
    u32 reals_len;
    enum ios_sea_mode mode;
    bool hash_ports;           // which of several a frame takes follows from its ports, too
    u16 vlan;                  // not 0: of the real side it is this VLAN alone
    u16 default_id;            // VLAN of untagged frames of the real side
    u32 slots[IOS_TRUNKS_MAX]; // of trunk adapters, the default one first
    u32 slots_len;
    u32 control_slot; // of its control channel; 0: it is alone
    u32 priority;     // with a control channel: 1 is the best
    bool standby;     // bridges only when the other one does not
    bool sharing;     // two share the trunk adapters while both can bridge
};

struct ios_sea_state {
    const char *state; // PRIMARY, BACKUP, ...; its process does not run: STOPPED
    bool link;         // of the real side
    u64 times_primary, times_backup;
    u64 real_received, real_received_bytes, real_sent, real_sent_bytes, send_failures;
    u64 virtual_received, virtual_sent, dropped_vlan, dropped_full;
    struct {
        bool link, used;
    } reals[IOS_REALS_MAX];
};

// What carries frames. 0 or a negative errno with a sentence in `why` (IOS_WHY_MAX bytes).
struct ios_net_effects {
    // The adapter is to be like this from now on; NULL: it is gone.
    int (*bridge)(void *context, const char *name, const struct ios_sea *sea, char *why);
    // -ENOENT: there is no such adapter, nobody counts.
    int (*counters)(void *context, u32 slot, struct ios_net_counters *counters);
    int (*state)(void *context, const char *name, struct ios_sea_state *state);
};

struct ios_config {
    const char *folder;     // its own; made when it is missing. NULL: a database in memory, which has no folder
    const char *type_model; // of the system: 9009-42A
    const char *serial;
    const char *name; // the partition's
    u32 lpar_id;
    u64 rootvg_size; // bytes of rootvg when it is made; 0: what the file system has free
    const char *const *
        volumes; // paths of files and block devices that it may use as physical volumes, besides those in FOLDER/physical_volumes
    u32 volumes_len;
    const char *const *networks; // what are its physical Ethernet adapters, as in a profile's vios_networks
    u32 networks_len;
    const struct ios_effects *effects; // kept, not copied
    void *context;
    const struct ios_net_effects *net_effects; // as well; NULL: nothing carries frames
    void *net_context;
};

// NULL: *why says why, and what to do.
struct ios *ios_open(const struct ios_config *config, char why[IOS_WHY_MAX]);
void ios_close(struct ios *ios); // takes NULL

enum ios_adapter_kind { IOS_SCSI, IOS_ETHERNET };

struct ios_adapter {
    enum ios_adapter_kind kind;
    u32 slot;
    u32 client, client_slot; // IOS_SCSI: the client's, or IOS_ANY
    u32 pvid;                // IOS_ETHERNET
    bool trunk;
    u32 priority; // of a trunk
    u8 mac[6];
    const char *vswitch;
    const char *vlans; // tagged ones, with commas between them
};

// The partition has this adapter: it becomes, or is again, vhostN or entN; its targets are attached. Called for each one at the start. 0 or a negative errno.
int ios_adapter_added(struct ios *ios, const struct ios_adapter *adapter);
// It is gone; the name and the targets stay known (Defined) until rmdev.
int ios_adapter_removed(struct ios *ios, u32 slot);

// Tells what carries frames of every Shared Ethernet Adapter. Where it cannot be, the error log says so.
void ios_bridge_all(struct ios *ios);

// Tells a new server all targets, or those of one adapter's slot (otherwise IOS_ANY). What cannot be attached goes to the error log. The number of those.
u32 ios_attach_all(struct ios *ios, u32 slot);

// Puts an entry into the error log: kind 'H' hardware, 'S' software, 'O' information; label of at most 19 characters, as VSCSI_HOST.
void ios_report(struct ios *ios, char kind, const char *label, const char *resource, const char *text);

// The same about a target, by its name.
void ios_report_target(struct ios *ios, u32 slot, u32 target, char kind, const char *label, const char *text);
// The client ejected the medium of a drive: there is none any more.
void ios_ejected(struct ios *ios, u32 slot, u32 target);

// Runs a command: argv[0] is its name, or ioscli before it. Its exit status. `user` for the log of commands.
int ios_run(struct ios *ios, const char *user, int argc, char **argv, struct ios_out *out);

// The same of a line with quotes and pipes to grep, head, tail, wc and sort. The exit status of the last part.
int ios_run_line(struct ios *ios, const char *user, const char *line, struct ios_out *out);

// The documents that are made from the table of commands: command NULL: ioscli(1).
bool ios_command_known(const char *command);
const char *ios_command_name(u32 index); // NULL behind the last one
bool ios_command_inside(
    const char
        *command); // only in the server's shell and as an argument of ioscli: the host has a program of this name
void ios_manual(FILE *to, const char *command);
void ios_completion(FILE *to);
void ios_names(FILE *to); // of those that are not only for the server's shell

// A shell on a terminal: fed by bytes, writes bytes.
struct ios_shell;

struct ios_shell *ios_shell_new(struct ios *ios, const char *user,
                                void (*write)(void *context, const char *text, size_t len), void *context);
void ios_shell_input(struct ios_shell *shell, const u8 *bytes, size_t len);
void ios_shell_free(struct ios_shell *shell); // takes NULL

#endif
