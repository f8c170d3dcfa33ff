// SPDX-License-Identifier: Apache-2.0
// Layouts of what a client and its server exchange: SRP information units (T10 SRP revision 16a) and management datagrams (LoPAR "Virtual SCSI", as
// clients send them). Big-endian; offsets of fields.
#ifndef PROTO_VIO_SRP_WIRE_H
#define PROTO_VIO_SRP_WIRE_H

#include "base/types.h"

// An element of the queue: header, format, -, status, timeout (2), length (2), address or tag (8).
#define ELEMENT_HEADER 0
#define ELEMENT_FORMAT 1
#define ELEMENT_STATUS 3
#define ELEMENT_LENGTH 6
#define ELEMENT_WORD   8
enum { FORMAT_SRP = 1, FORMAT_MAD = 2 };

// Operations of information units.
enum {
    SRP_LOGIN_REQ = 0x00,
    SRP_TSK_MGMT = 0x01,
    SRP_CMD = 0x02,
    SRP_I_LOGOUT = 0x03,
    SRP_LOGIN_RSP = 0xc0,
    SRP_RSP = 0xc1,
    SRP_LOGIN_REJ = 0xc2,
};
#define SRP_TAG           8 // in all of them, and in datagrams

#define LOGIN_SIZE        64
#define LOGIN_IU_SIZE     16 // SRP_LOGIN_REQ: the largest unit that the initiator sends
#define LOGIN_FORMATS     24 // buffer formats that it uses
#define FORMAT_DIRECT     0x2
#define FORMAT_INDIRECT   0x4

#define LOGIN_RSP_SIZE    52
#define LOGIN_RSP_LIMIT   4
#define LOGIN_RSP_TO_SIZE 16
#define LOGIN_RSP_SIZE_OF 20 // of units to the initiator
#define LOGIN_RSP_FORMATS 24

#define LOGIN_REJ_SIZE    32
#define LOGIN_REJ_REASON  4
#define LOGIN_REJ_FORMATS 24
#define REJ_IU_TOO_LARGE  0x00010002u
#define REJ_FORMATS       0x00010005u

#define CMD_SIZE          48 // and what follows
#define CMD_FORMATS       5  // of the data-out descriptors in the upper half, data-in in the lower
#define CMD_OUT_COUNT     6
#define CMD_IN_COUNT      7
#define CMD_LUN           20
#define CMD_ATTRIBUTE     29 // of the task, in the lower three bits
#define CMD_ADDITIONAL    31 // bytes of command descriptor block beyond the sixteen; a multiple of four
#define CMD_CDB           32
enum { BUFFER_NONE, BUFFER_DIRECT, BUFFER_INDIRECT };
#define DESCRIPTOR_SIZE 16 // address (8), key (4), length (4)
#define INDIRECT_SIZE \
    20 // descriptor of the table, length of all the data (4); then as many descriptors as the count says

#define TASK_SIZE     48
#define TASK_LUN      20
#define TASK_FUNCTION 30
#define TASK_TAG      32
enum { ABORT_TASK = 0x01, ABORT_TASK_SET = 0x02, CLEAR_TASK_SET = 0x04, LUN_RESET = 0x08 };

#define RSP_SIZE       36 // and sense or response data
#define RSP_LIMIT      4
#define RSP_FLAGS      18
#define RSP_STATUS     19
#define RSP_OUT_LEFT   20
#define RSP_IN_LEFT    24
#define RSP_SENSE_SIZE 28
#define RSP_DATA_SIZE  32
enum {
    RSP_VALID = 0x01,
    RSP_SENSE = 0x02,
    RSP_OUT_OVER = 0x04,
    RSP_OUT_UNDER = 0x08,
    RSP_IN_OVER = 0x10,
    RSP_IN_UNDER = 0x20
};
enum { TASK_COMPLETE = 0, TASK_UNSUPPORTED = 4, TASK_FAILED = 5 };

// Management datagrams.
enum {
    MAD_EMPTY_IU = 1,
    MAD_ERROR_LOG = 2,
    MAD_ADAPTER_INFO = 3,
    MAD_HOST_CONFIG = 4,
    MAD_CAPABILITIES = 5,
    MAD_FAST_FAIL = 8
};
#define MAD_TYPE   0
#define MAD_STATUS 4
#define MAD_LENGTH 6
#define MAD_BUFFER 16
#define MAD_SIZE   24
enum { MAD_SUCCESS = 0, MAD_UNSUPPORTED = 0xf1, MAD_FAILED = 0xf7 };

// Adapter information, in the client's buffer: each side tells the other.
#define INFO_SIZE      152
#define INFO_VERSION   0 // 8 characters
#define INFO_PARTITION 8 // 96 characters
#define INFO_NUMBER    104
#define INFO_MAD       108 // version of datagrams
#define INFO_OS        112
#define INFO_TRANSFER  116 // eight of them: the largest transfer of each port

// Capabilities: flags, name and location, then a list.
#define CAPS_FLAGS    0
#define CAPS_NAME     4
#define CAPS_LOCATION 36
#define CAPS_LIST     68 // each: type (4), length (2), support (2), more
#define CAPS_MAX      256
enum { CAP_MIGRATION = 1, CAP_RESERVATION = 2 };

// What a command's unit says of its data: descriptors in the unit, or where a table of them is.
struct srp_buffers {
    bool out, in;          // the initiator's data, or what it gets; neither: there is none
    const u8 *descriptors; // NULL: they are in the table
    u32 len;
    u64 table;
    u32 table_size;
};

// `size` bytes of a unit of type SRP_CMD, CMD_SIZE at least. false: it is none.
bool srp_buffers(const u8 *iu, u32 size, struct srp_buffers *buffers);

#endif
