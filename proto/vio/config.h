// SPDX-License-Identifier: Apache-2.0
// How a Virtual I/O Server's process (openlpar-viosd) is told what it serves, over the socket pair that it is started with (descriptor VIOS_FD, sequenced packets).
//
// Its starter sends one message for each adapter and each device, then VIOS_START; the server opens everything and answers VIOS_READY, or VIOS_FAILED and ends. Then it has
// shut itself in and opens nothing any more: what is added while it runs comes with the descriptors of what its starter opened (vios/store/open.h). Each message to a
// server that runs is answered by VIOS_DONE with the message's token, when it has taken effect. VIOS_EVENT comes at any time. When the starter is gone, so is the server.
#ifndef PROTO_VIO_CONFIG_H
#define PROTO_VIO_CONFIG_H

#include "base/types.h"

#define VIOS_FD       3
#define VIOS_VERSION  3u
#define VIOS_FDS_MAX  33u // of VIOS_FILES_MAX files, and the file of what outlives the server
#define VIOS_PATH_MAX 4096u
#define VIOS_TEXT_MAX 1024u

enum vios_type {
    // To the server, before VIOS_START or later.
    VIOS_ADAPTER = 1, // struct vios_adapter, with the descriptors of its link: memory, bells of side 0 and 1
    VIOS_DISK,        // struct vios_disk: a unit at a place of an adapter
    VIOS_SHARE,       // struct vios_share: the unit of another place at this one as well
    VIOS_START,       // struct vios_header
    // To one that runs.
    VIOS_REMOVE_ADAPTER, // struct vios_place (target 0): with all of its units
    VIOS_REMOVE_DISK,    // struct vios_place: commands under way end first; then nothing of it is open
    VIOS_RESIZE,         // struct vios_resize: its file or device has another size; its clients hear of that
    VIOS_LOAD,           // struct vios_disk with descriptors: a medium for the optical drive at that place
    VIOS_UNLOAD,         // struct vios_place
    VIOS_GROW, // struct vios_disk with descriptors and VIOS_DISK_PIECES: what the disk at that place, which it begins with, is now
    VIOS_COUNT, // struct vios_place: what was counted of the disk at that place, which VIOS_DONE says
    // From it.
    VIOS_READY = 64, // struct vios_header
    VIOS_FAILED,     // struct vios_text: why it cannot start
    VIOS_EVENT,      // struct vios_event
    VIOS_DONE,       // struct vios_done
};

struct vios_header {
    u16 type, version;
    u32 token; // the starter's, for the answer
};

enum vios_kind { VIOS_SCSI = 1 };

struct vios_adapter {
    struct vios_header header;
    u32 id;        // of this message's adapter; below VIOS_ADAPTERS_MAX
    u32 kind;      // enum vios_kind
    u32 partition; // the client's number
    u32 slot;      // the client's virtual slot
};

#define VIOS_ADAPTERS_MAX 64u
#define VIOS_TARGETS_MAX  64u

// A place: a target of an adapter, 1 .. VIOS_TARGETS_MAX - 1.
struct vios_place {
    struct vios_header header;
    u32 adapter, target;
    u32 force; // VIOS_UNLOAD: although the client has locked the drive
    u32 reserved;
};

struct vios_share {
    struct vios_header header;
    u32 adapter, target;
    u32 of_adapter, of_target;
};

struct vios_resize {
    struct vios_header header;
    u32 adapter, target;
    u64 size; // in bytes
};

enum vios_disk_flag {
    VIOS_DISK_READ_ONLY = 1,
    VIOS_DISK_OPTICAL = 2, // a drive, with a medium when there is a path or a descriptor
    // Which descriptors come along, in this order; none before VIOS_START: the server opens the path.
    VIOS_DISK_CACHED = 4,  // by way of the page cache
    VIOS_DISK_DIRECT = 8,  // past it (O_DIRECT)
    VIOS_DISK_STATE = 16,  // a file of the server's own for what is to outlive it: reservations
    VIOS_DISK_VALUES = 32, // the file keeps extended attributes: they are there, without VIOS_DISK_STATE
    VIOS_DISK_REMOTE =
        128, // another process reaches it (proto/vio/remote.h): its link's descriptors and the socket to it, then that of VIOS_DISK_STATE
    VIOS_DISK_PIECES = 64, // it is pieces of files: the descriptors of each file in turn, then that of VIOS_DISK_STATE
};

#define VIOS_FILES_MAX  16u
#define VIOS_PIECES_MAX 170u

struct vios_piece {
    u32 file, reserved;
    u64 offset, size; // multiples of 4096
};

struct vios_disk {
    struct vios_header header;
    u32 adapter, target;
    u32 flags;
    u32 wait_ms; // for another process that still has it, as an earlier server's may
    // With descriptors: what whoever opened them found out.
    u64 size;
    u32 place_unit, memory_unit; // of direct accesses
    u32 physical;                // block size below
    u32 pieces_len;
    u8 identity[8];
    char name[64]; // for people
    union {
        char path[VIOS_PATH_MAX];
        struct vios_piece pieces[VIOS_PIECES_MAX]; // VIOS_DISK_PIECES
    };
};

struct vios_text {
    struct vios_header header;
    u32 level; // enum vios_level
    char text[VIOS_TEXT_MAX];
};

enum vios_level { VIOS_ERROR, VIOS_WARNING, VIOS_INFORMATION };
enum vios_event_kind {
    VIOS_EVENT_IO_ERROR = 1, // what holds the data failed
    VIOS_EVENT_NO_SPACE,     // it is full
    VIOS_EVENT_EJECTED,      // the client ejected the medium, which is no longer open
};

struct vios_event {
    struct vios_header header;
    u32 kind, level;
    u32 adapter, target; // the place, one of several where the unit is shared
    s32 error;           // a negative errno
    u32 reserved;
    char text[VIOS_TEXT_MAX];
};

struct vios_done {
    struct vios_header header;                    // with the message's token
    s32 error;                                    // 0 or a negative errno
    u32 type;                                     // of the message
    u64 reads, writes, read_bytes, written_bytes; // VIOS_COUNT
    char text[VIOS_TEXT_MAX];                     // why
};

union vios_message {
    struct vios_header header;
    struct vios_adapter adapter;
    struct vios_place place;
    struct vios_share share;
    struct vios_resize resize;
    struct vios_disk disk;
    struct vios_text text;
    struct vios_event event;
    struct vios_done done;
};

struct vios_header vios_header(enum vios_type type);

// Sends a message of `size` bytes with descriptors. 0 or a negative errno.
int vios_send(int fd, const void *message, size_t size, const int *fds, unsigned fds_len);

// Tells the starter of a server's process why it cannot go on (VIOS_FAILED), and ends the process with status 1.
PRINTF_LIKE(2, 3) _Noreturn void vios_fail(int fd, const char *fmt, ...);

// Receives and checks one: its type, size and version, that texts end, that ids are in range. Descriptors are the caller's. 1; 0: the other side is gone; a negative errno, -EPROTO among them (no descriptor is left then).
int vios_receive(int fd, union vios_message *message, int fds[VIOS_FDS_MAX], unsigned *fds_len);

// How many files the pieces are of; 0: they are not in order.
u32 vios_disk_files(const struct vios_disk *disk);

// The check alone.
bool vios_message_valid(const union vios_message *message, size_t size, unsigned fds_len);

#endif
