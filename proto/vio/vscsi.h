// SPDX-License-Identifier: Apache-2.0
// Messages on the link (ipc/ring.h) between a virtual SCSI client adapter, in the process of its partition (side 0), and the server (side 1).
//
// The server never sees the partition's memory: it asks the client's side to copy between I/O bus addresses, which that side checks against the
// adapter's TCE table, and the link's data area, all of which is the server's to give out.
//
// Data of small writes comes along with the command: the server grants places in the data area that the client's side fills as it sees fit. A place is the server's
// from the element that names it to the message that gives it back.
//
// A session is the time from H_REG_CRQ to H_FREE_CRQ, or to a reset. What belongs to an earlier session is dropped by whoever gets it; once
// VSCSI_CLOSED has been sent nothing of that session touches the data area or the partition's memory.
#ifndef PROTO_VIO_VSCSI_H
#define PROTO_VIO_VSCSI_H

#include "base/types.h"

#define VSCSI_VERSION 2u
#define VSCSI_CLIENT  0u // the sides of the link
#define VSCSI_SERVER  1u
#define VSCSI_RING_SIZE \
    0x200000u // holds a message of the largest size for each request that can be open, with much to spare
#define VSCSI_DATA_SIZE    (64 * MIB)
#define VSCSI_IU_MAX       256u
#define VSCSI_SEGMENTS_MAX 256u
#define VSCSI_TABLE_MAX    (VSCSI_SEGMENTS_MAX * 16) // bytes of a table of descriptors
#define VSCSI_PLACES_MAX   64u

enum vscsi_type {
    // From the client's side.
    VSCSI_OPENED = 1, // struct vscsi_header: a session begins
    VSCSI_CLOSED,     // struct vscsi_header: it is over
    VSCSI_ELEMENT,    // struct vscsi_element
    VSCSI_COPIED,     // struct vscsi_copied
    // From the server.
    VSCSI_COPY = 16, // struct vscsi_copy
    VSCSI_SEND,      // struct vscsi_send
    VSCSI_NUDGE,     // struct vscsi_header: ring the bell when you have come here
    VSCSI_GRANT,     // struct vscsi_grant: at the start of a session
    VSCSI_RETURN,    // struct vscsi_return
    VSCSI_PUT,       // struct vscsi_copy: the other way
};

struct vscsi_header {
    u16 type, version;
    u32 session;
};

// The OS sent an element of its queue. The information unit that it points to comes along: the server's first question would be for that; as does the table of
// descriptors that the unit points to, and the data of a write that fits a place.
struct vscsi_element {
    struct vscsi_header header;
    u32 iu_size;    // 0: there is none, or the adapter cannot reach it
    u32 place;      // 1 .. the number of places: where the data is; 0: the server asks for it
    u32 data_size;  // in the place: all that the descriptors say
    u32 table_size; // 0: the server asks for it, where there is one
    u8 element[16];
    u8 iu[VSCSI_IU_MAX];
    u8 table[]; // the message ends behind the unit where there is none
};

// Places of `size` bytes, from `offset` of the data area on, none of which is taken.
struct vscsi_grant {
    struct vscsi_header header;
    u64 offset;
    u32 size;
    u32 places; // VSCSI_PLACES_MAX at most
};

// A place whose command has no answer.
struct vscsi_return {
    struct vscsi_header header;
    u32 place;
    u32 reserved;
};

// A piece of the partition's memory.
struct vscsi_segment {
    u64 ioba;
    u32 size;
    u32 reserved;
};

// Copy the segments to the data area, one behind the other; VSCSI_PUT: from it. Answered by VSCSI_COPIED.
struct vscsi_copy {
    struct vscsi_header header;
    u32 id; // the server's
    u32 segments_len;
    u64 offset; // in the data area
    struct vscsi_segment segments[];
};

// An answer: to VSCSI_COPY and VSCSI_PUT at once; to VSCSI_SEND with data whenever the client's side next has something to say, as it only gives the place back.
struct vscsi_copied {
    struct vscsi_header header;
    u32 id;
    u32 failed; // 1: some page was not mapped for it
};

// Copy from the data area to the segments, then the information unit to its place, then put the element on the queue; its status byte (the fourth) becomes
// 1, "non-recoverable error", when the copying fails. With segments it is answered by VSCSI_COPIED.
struct vscsi_send {
    struct vscsi_header header;
    u32 id;
    u32 segments_len;
    u64 offset;
    u64 iu_ioba;
    u32 iu_size; // 0: none
    u32 place;   // given back; 0: none
    u8 element[16];
    u8 iu[VSCSI_IU_MAX];
    struct vscsi_segment segments[];
};

#endif
