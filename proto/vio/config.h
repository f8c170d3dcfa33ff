// SPDX-License-Identifier: Apache-2.0
// How a Virtual I/O Server's process (openlpar-viosd) is told what it serves, over the socket pair that it is started with (descriptor VIOS_FD, sequenced packets).
//
// Its starter sends one message for each adapter and each device, then VIOS_START; the server opens everything and answers VIOS_READY, or VIOS_FAILED and ends.
// Later it sends VIOS_EVENT. When the starter is gone, so is the server.
#ifndef PROTO_VIO_CONFIG_H
#define PROTO_VIO_CONFIG_H

#include "base/types.h"

#define VIOS_FD       3
#define VIOS_VERSION  1u
#define VIOS_FDS_MAX  4u
#define VIOS_PATH_MAX 4096u
#define VIOS_TEXT_MAX 1024u

enum vios_type {
    // To the server.
    VIOS_ADAPTER = 1, // struct vios_adapter, with the descriptors of its link: memory, bells of side 0 and 1
    VIOS_DISK,        // struct vios_disk
    VIOS_START,       // struct vios_header
    // From it.
    VIOS_READY = 64, // struct vios_header
    VIOS_FAILED,     // struct vios_text: why it cannot start
    VIOS_EVENT,      // struct vios_text
};

struct vios_header {
    u16 type, version;
    u32 reserved;
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

enum vios_disk_flag {
    VIOS_DISK_READ_ONLY = 1,
    VIOS_DISK_OPTICAL = 2,
};

struct vios_disk {
    struct vios_header header;
    u32 adapter; // an id
    u32 target;  // of it: 1 .. VIOS_TARGETS_MAX - 1
    u32 flags;
    u32 wait_ms; // for another process that still has it, as an earlier server's may
    char path[VIOS_PATH_MAX];
};

struct vios_text {
    struct vios_header header;
    u32 level; // 0 error, 1 warning, 2 information
    char text[VIOS_TEXT_MAX];
};

union vios_message {
    struct vios_header header;
    struct vios_adapter adapter;
    struct vios_disk disk;
    struct vios_text text;
};

struct vios_header vios_header(enum vios_type type);

// Sends a message of `size` bytes with descriptors. 0 or a negative errno.
int vios_send(int fd, const void *message, size_t size, const int *fds, unsigned fds_len);

// Receives and checks one: its type, size and version, that texts end, that ids are in range. Descriptors are the caller's. 1; 0: the other side is gone; a negative errno, -EPROTO among them (no descriptor is left then).
int vios_receive(int fd, union vios_message *message, int fds[VIOS_FDS_MAX], unsigned *fds_len);

// The check alone.
bool vios_message_valid(const union vios_message *message, size_t size, unsigned fds_len);

#endif
