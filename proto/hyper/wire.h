// SPDX-License-Identifier: Apache-2.0
// What commands, the daemon of a managed system and its partitions' processes say to each other: the bytes of one message.
//
// A message is a frame: a header of 12 bytes and a body. All numbers are little-endian.
//
//     u32 size     of the body, at most WIRE_BODY_MAX
//     u16 type     enum message (message.def)
//     u16 fds      how many descriptors travel with the frame, at most WIRE_FDS_MAX
//     u32 serial   a request's number; what answers it has the same one
//
// Every body has the same form: u8 object (enum object), record `where`, record `values`. A record is u16 count, then pairs:
// u8 size of the name, the name, u8 change << 4 | kind, and by kind nothing, u64, or u16 size and text. Names and texts end in a zero that
// their size counts, and hold no other.
//
// wire_decode() is the boundary: it reads what anybody may have sent, and what it accepts is well-formed. Whoever handles a message
// still checks what names and values mean.
#ifndef PROTO_HYPER_WIRE_H
#define PROTO_HYPER_WIRE_H

#include "base/types.h"

#define WIRE_VERSION   1u
#define WIRE_HEADER    12u
#define WIRE_BODY_MAX  0x40000u
#define WIRE_FDS_MAX   8u
#define WIRE_PAIRS_MAX 160u
#define WIRE_TEXT_MAX  4096u // with its zero

enum wire_kind { WIRE_NULL, WIRE_NUM, WIRE_TEXT, WIRE_LIST, WIRE_KINDS };
enum wire_change { WIRE_SET, WIRE_ADD, WIRE_TAKE, WIRE_CHANGES };

struct wire_value {
    u8 kind;   // enum wire_kind
    u8 change; // enum wire_change
    u64 num;
    const char *text; // borrowed; WIRE_TEXT and WIRE_LIST (items between commas)
};

struct wire_pair {
    const char *name; // borrowed
    struct wire_value value;
};

struct wire_record {
    u32 len;
    struct wire_pair pairs[WIRE_PAIRS_MAX];
};

struct wire_message {
    u16 type;
    u16 fds;
    u32 serial;
    u8 object;
    struct wire_record where, values;
};

// How long the frame at `data` is, once its header is there. 0: more bytes are needed; -EPROTO: this is no frame.
s64 wire_frame_size(const u8 *data, size_t have);

// Takes the frame apart; texts are borrowed from it. 0 or -EPROTO.
int wire_decode(const u8 *frame, size_t size, struct wire_message *message);

// The frame of a message, to be freed; NULL: no memory, or it is too large.
u8 *wire_encode(const struct wire_message *message, size_t *size);

// Building: a name or text is borrowed. What does not fit any more is dropped and makes wire_encode() fail.
void wire_put_num(struct wire_record *record, const char *name, u64 num);
void wire_put_text(struct wire_record *record, const char *name, const char *text);
void wire_put(struct wire_record *record, const char *name, struct wire_value value);

// The first pair of that name, or NULL; its text (NULL when it has none) or number (`otherwise` when it has none).
const struct wire_value *wire_get(const struct wire_record *record, const char *name);
const char *wire_text(const struct wire_record *record, const char *name);
u64 wire_num(const struct wire_record *record, const char *name, u64 otherwise);

#endif
