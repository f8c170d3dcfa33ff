// SPDX-License-Identifier: Apache-2.0
// What the files of the SCSI target share: the table of commands, ends of tasks, sense data.
#ifndef VIOS_SCSI_COMMAND_H
#define VIOS_SCSI_COMMAND_H

#include "base/endian.h"
#include "vios/scsi/scsi.h"

// Additional sense with its key. SPC-4 "Sense Key and Additional Sense Code Definitions"
#define SENSE(key, asc, ascq) ((u32)(key) << 16 | (u32)(asc) << 8 | (ascq))
enum scsi_sense {
    SENSE_NONE = 0,
    SENSE_STOPPED = SENSE(2, 0x04, 0x02),
    SENSE_NO_MEDIUM = SENSE(2, 0x3a, 0x00),
    SENSE_READ_ERROR = SENSE(3, 0x11, 0x00),
    SENSE_WRITE_ERROR = SENSE(3, 0x0c, 0x00),
    SENSE_TARGET_FAILURE = SENSE(4, 0x44, 0x00),
    SENSE_LIST_LENGTH = SENSE(5, 0x1a, 0x00),
    SENSE_OPCODE = SENSE(5, 0x20, 0x00),
    SENSE_RANGE = SENSE(5, 0x21, 0x00),
    SENSE_CDB = SENSE(5, 0x24, 0x00),
    SENSE_UNIT = SENSE(5, 0x25, 0x00),
    SENSE_LIST = SENSE(5, 0x26, 0x00),
    SENSE_NOT_RESERVED = SENSE(5, 0x26, 0x04), // INVALID RELEASE OF PERSISTENT RESERVATION
    SENSE_NO_SAVING = SENSE(5, 0x39, 0x00),
    SENSE_LOCKED = SENSE(5, 0x53, 0x02),           // MEDIUM REMOVAL PREVENTED
    SENSE_TRACK_MODE = SENSE(5, 0x64, 0x00),       // ILLEGAL MODE FOR THIS TRACK
    SENSE_NO_REGISTRATIONS = SENSE(5, 0x55, 0x04), // INSUFFICIENT REGISTRATION RESOURCES
    SENSE_PROTECTED = SENSE(7, 0x27, 0x00),
    SENSE_NO_SPACE = SENSE(7, 0x27, 0x07), // SPACE ALLOCATION FAILED WRITE PROTECT
    SENSE_MISCOMPARE = SENSE(14, 0x1d, 0x00),
};

// Unit attentions: code and qualifier.
#define ATTENTION_MEDIUM        0x2800u // NOT READY TO READY CHANGE, MEDIUM MAY HAVE CHANGED
#define ATTENTION_POWER_ON      0x2900u
#define ATTENTION_RESET         0x2903u // BUS DEVICE RESET FUNCTION OCCURRED
#define ATTENTION_NEXUS_LOSS    0x2907u
#define ATTENTION_MODE          0x2a01u // MODE PARAMETERS CHANGED
#define ATTENTION_CAPACITY      0x2a09u // CAPACITY DATA HAS CHANGED
#define ATTENTION_PREEMPTED     0x2a03u // RESERVATIONS PREEMPTED
#define ATTENTION_RELEASED      0x2a04u // RESERVATIONS RELEASED
#define ATTENTION_REGISTRATIONS 0x2a05u // REGISTRATIONS PREEMPTED

// What a reservation of another initiator does to a command. SPC-4 "Commands that are allowed in the presence of various reservations"
enum scsi_access {
    ACCESS_ALWAYS,
    ACCESS_READ,     // refused by exclusive access
    ACCESS_WRITE,    // refused by any reservation
    ACCESS_REGISTER, // refused unless registered
};

enum {
    COMMAND_EARLY = 1,   // runs although a unit attention waits
    COMMAND_MEDIUM = 2,  // needs a started unit
    COMMAND_WRITES = 4,  // refused when the unit is read-only
    COMMAND_ALONE = 8,   // runs while no other one does
    COMMAND_ACTION = 16, // the operation has service actions
    COMMAND_ABSENT = 32, // runs where there is no unit
    COMMAND_DISK = 64,   // of one kind of units only
    COMMAND_OPTICAL = 128,
};

struct scsi_command {
    u8 opcode, action;
    u8 flags;
    u8 access; // enum scsi_access
    void (*run)(struct scsi_task *task);
    u8 size;                // of the descriptor block
    u8 usage[SCSI_CDB_MAX]; // which bits may be set: REPORT SUPPORTED OPERATION CODES, and checked
    const char *name;
};

// The table.
extern const struct scsi_command scsi_commands[];
extern const unsigned scsi_commands_len;
bool scsi_has_command(const struct scsi_lu *lu, const struct scsi_command *command); // of its kind; lu: or NULL
const struct scsi_command *scsi_find_command(const struct scsi_lu *lu, const u8 *cdb);

// Ends of tasks.
void scsi_end(struct scsi_task *task, enum scsi_status status);
void scsi_good(struct scsi_task *task);
void scsi_fail(struct scsi_task *task, enum scsi_sense sense);
void scsi_fail_at(struct scsi_task *task, enum scsi_sense sense, u64 lba); // with the block that failed
void scsi_fail_store(struct scsi_task *task, int err, u64 lba);            // what a store's error is to an initiator
// Answers with the first bytes of a structure, at most `allocated` of them.
void scsi_reply(struct scsi_task *task, const void *data, size_t size, u64 allocated);
// A copy of what the initiator sent: at most `max` bytes, the number of which is the value.
u32 scsi_take(const struct scsi_task *task, void *to, u32 max);

// Sense data of a unit attention or other sense without a task.
void scsi_make_sense(u8 sense[SCSI_SENSE_SIZE], u32 code);

// Ends what other initiators (one of them, or all: 0) have under way with TASK ABORTED.
void scsi_abort_others(struct scsi_lu *lu, const struct scsi_nexus *except, u64 initiator);

// optical.c
void scsi_settle_medium(struct scsi_lu *lu); // no task runs: the change takes place
void scsi_start_stop_optical(struct scsi_task *task, bool start, bool load);

// block.c
bool scsi_in_range(const struct scsi_task *task);                           // task->lba and blocks
void scsi_transfer(struct scsi_task *task, enum store_op op, bool durable); // them, to or from the initiator's data

// reserve.c
bool scsi_conflicts(const struct scsi_task *task);
void scsi_load_registrations(struct scsi_lu *lu);

// What commands do, by file.
#define RUN(name) void scsi_run_##name(struct scsi_task *task);
// inquiry.c
RUN(inquiry)
RUN(report_luns)
RUN(request_sense)
RUN(test_unit_ready)
RUN(start_stop) RUN(report_opcodes) RUN(report_functions)
    // mode.c
    RUN(mode_sense) RUN(mode_select)
    // block.c
    RUN(read) RUN(write) RUN(verify) RUN(write_same) RUN(unmap) RUN(compare_and_write) RUN(synchronize) RUN(capacity_10)
        RUN(capacity_16)
    // optical.c
    RUN(prevent) RUN(read_toc) RUN(configuration) RUN(event_status) RUN(disc_information) RUN(track_information)
        RUN(mechanism_status) RUN(read_cd) RUN(nothing)
    // reserve.c
    RUN(reserve) RUN(release) RUN(persistent_in) RUN(persistent_out)
#undef RUN

#endif
