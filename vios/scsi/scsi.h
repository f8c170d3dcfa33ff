// SPDX-License-Identifier: Apache-2.0
// The SCSI target: logical units on a store, and the commands that initiators send to them. SAM-5, SPC-4, SBC-3.
//
// Whoever brings the commands (vios/srp.c) makes a nexus for each pair of an initiator and a logical unit, and a task for each command. All on the loop's thread.
#ifndef VIOS_SCSI_SCSI_H
#define VIOS_SCSI_SCSI_H

#include "vios/store/store.h"

#define SCSI_BLOCK        512u
#define SCSI_SECTOR       2048u     // a block of an optical medium
#define SCSI_TRANSFER_MAX (1 * MIB) // of one command; VPD page B0
#define SCSI_CDB_MAX      16u
#define SCSI_SENSE_SIZE   18u

enum scsi_status {
    SCSI_GOOD = 0x00,
    SCSI_CHECK_CONDITION = 0x02,
    SCSI_RESERVATION_CONFLICT = 0x18,
    SCSI_TASK_SET_FULL = 0x28,
    SCSI_TASK_ABORTED = 0x40,
};

// SAM-5 "Task attributes". One of a logical unit's tasks is ordered: those before it end first, those behind it wait for it. The head of the queue runs at once, but not
// amid a COMPARE AND WRITE.
enum scsi_attribute { SCSI_SIMPLE, SCSI_HEAD_OF_QUEUE, SCSI_ORDERED };

struct scsi_task;

#define PR_REGISTRANTS_MAX 64u

// SPC-4 "Persistent Reservations". An initiator here is an I_T nexus: there is one target port.
struct scsi_registrations {
    u32 generation;
    bool persist; // over a loss of power: APTPL
    u8 type;      // of the reservation; 0: there is none
    u64 holder;   // initiator; not of the types "all registrants"
    u32 len;
    struct {
        u64 initiator, key;
    } registrants[PR_REGISTRANTS_MAX];
};

enum scsi_event {
    SCSI_EVENT_ERROR,    // the store failed
    SCSI_EVENT_NO_SPACE, // it is full
    SCSI_EVENT_EJECTED,  // the client ejected the medium, which is closed
};

struct scsi_lu {
    struct store *store; // NULL: a drive without a medium
    u64 blocks;
    u32 block; // bytes
    u8 identity[8];
    bool optical;
    void (*event)(struct scsi_lu *lu, enum scsi_event event,
                  int err);                       // for the administrator; NULL: nobody wants to know
    void *owner;                                  // whoever set `event`
    u64 reads, writes, read_bytes, written_bytes; // commands that moved data, since it was made
    // A change of the medium, as soon as no task has the one before.
    bool changing;
    struct store *next_store;
    void (*changed)(void *arg); // NULL: nobody waits for it
    void *changed_arg;
    bool write_cache; // mode page 8, WCE
    bool stopped;     // START STOP UNIT
    u64 reserved_by;  // RESERVE: the initiator; 0: none
    struct scsi_registrations registrations;
    struct scsi_nexus *nexuses;
    // Tasks that have begun, and those that wait until they are over, because one of them wants to be alone.
    struct scsi_task *tasks, *waiting, **waiting_end;
    u32 running;
    bool exclusive; // one of those that have begun is alone but for heads of the queue
    bool atomic;    // it is alone
};

struct scsi_nexus {
    u64 initiator;      // not 0; the same one after a restart
    struct scsi_lu *lu; // NULL: there is none at this place
    u16 attention;      // additional sense code and qualifier of a unit attention; 0: none
    bool locks;         // PREVENT ALLOW MEDIUM REMOVAL
    u8 media_event;     // of an optical drive: enum scsi_media_event
    struct scsi_nexus *next;
};

struct scsi_task {
    // Set by the caller. The data is shared with the initiator: what is looked at is copied first.
    struct scsi_nexus *nexus;
    u8 cdb[SCSI_CDB_MAX];
    u8 attribute; // enum scsi_attribute
    u8 *data;
    u32 out_size;                         // bytes that the initiator sent
    u32 in_max;                           // bytes that it takes; one of the two is 0
    void (*done)(struct scsi_task *task); // once; perhaps before scsi_start() returns
    // Results.
    u8 status;
    u8 sense[SCSI_SENSE_SIZE];
    u8 sense_size;
    u32 in_size; // bytes that the initiator gets
    bool aborted;
    // The target's.
    const struct scsi_command *command;
    struct store_io io;
    u64 lba, blocks;
    u8 *buffer;                     // malloc()
    u64 at, len;                    // of a loop over pieces
    struct scsi_task *next, **link; // in one of the unit's lists
    bool started, alone;
};

// The unit takes the store over, scsi_lu_free() closes it. An optical drive may be without one. NULL: no memory.
struct scsi_lu *scsi_lu_new(struct store *store, bool optical);
void scsi_lu_free(struct scsi_lu *lu); // no nexus is left; takes NULL
// The store has grown or shrunk; its size says how far. Initiators are told.
void scsi_lu_resized(struct scsi_lu *lu);
// Another medium, or none, for an optical drive that is not changing already. changed() when the one before is closed, perhaps before this returns.
void scsi_change_medium(struct scsi_lu *lu, struct store *store, void (*changed)(void *arg), void *arg);
bool scsi_locked(const struct scsi_lu *lu); // an initiator prevents the medium's removal
void scsi_ask_to_eject(struct scsi_lu *lu); // as the button of a locked drive does
// What initiators are told next: additional sense code and qualifier. All of them but `except`.
void scsi_attention(struct scsi_lu *lu, const struct scsi_nexus *except, u16 attention);
void scsi_nexus_attention(struct scsi_nexus *nexus, u16 attention);
#define SCSI_ATTENTION_LUNS 0x3f0eu // REPORTED LUNS DATA HAS CHANGED

void scsi_nexus_init(struct scsi_nexus *nexus, u64 initiator, struct scsi_lu *lu);
void scsi_nexus_fini(struct scsi_nexus *nexus); // no task is left
// The initiator logged in anew: a unit attention tells it so.
void scsi_nexus_reset(struct scsi_nexus *nexus);

void scsi_start(struct scsi_task *task);
// The initiator wants no answer any more: done() comes as soon as nothing touches its data, with `aborted`. Before this returns, perhaps.
void scsi_abort(struct scsi_task *task);
// LOGICAL UNIT RESET by this nexus; tasks of others end with TASK ABORTED, the caller aborts its own.
void scsi_lu_reset(struct scsi_nexus *nexus);
// CLEAR TASK SET: the part of it that concerns others.
void scsi_clear(struct scsi_nexus *nexus);

#endif
