// SPDX-License-Identifier: Apache-2.0
#include "vswitch/deliver.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "proto/vio/offload.h"

#define MACS_SIZE 12u
#define TAG_SIZE  4u

// The frame's first bytes, as they are at the receiver; the value is their number. *skip: bytes of the frame that they stand for.
static u32 make_head(u8 *head, const u8 *bytes, u32 size, const struct hop *hop, u32 *skip)
{
    u8 old[OFFLOAD_HEAD_MAX];
    u32 len = MIN(size, OFFLOAD_HEAD_MAX - TAG_SIZE);
    memcpy(old, bytes, len);
    bool had = len >= MACS_SIZE + TAG_SIZE && load_be16(old + MACS_SIZE) == 0x8100;
    bool drop = had && (hop->tagging == TAG_REMOVE || hop->tagging == TAG_INSERT);
    u32 at = MACS_SIZE, from = MACS_SIZE + (drop ? TAG_SIZE : 0);
    memcpy(head, old, MACS_SIZE);
    if (hop->tagging == TAG_INSERT) {
        store_be16(head + at, 0x8100);
        store_be16(head + at + 2, hop->tci);
        at += TAG_SIZE;
    }
    memcpy(head + at, old + from, len - from);
    *skip = len;
    return at + len - from;
}

static int put(struct ring *to, const struct frame *frame, const u8 *head, u32 head_size, const u8 *rest,
               const struct tcp_frame *checksum)
{
    u8 *at = ring_reserve(to, FRAME_HEADER + frame->size);
    if (!at)
        return 0;
    frame_put(at, frame);
    memcpy(at + FRAME_HEADER, head, head_size);
    memcpy(at + FRAME_HEADER + head_size, rest, frame->size - head_size);
    if (checksum)
        offload_checksum(at + FRAME_HEADER, checksum);
    ring_commit(to, FRAME_HEADER + frame->size);
    return (int)frame->size;
}

static int put_segments(struct ring *to, const u8 *head, const u8 *payload, const struct tcp_frame *tcp, u16 mss)
{
    u32 count = offload_segments(tcp, mss);
    int sum = 0;
    for (u32 i = 0; i < count; i++) {
        struct frame segment = {FRAME_DATA, FRAME_CSUM_GOOD, offload_segment_size(tcp, mss, i), 0};
        u8 *at = ring_reserve(to, FRAME_HEADER + segment.size);
        if (!at)
            return 0;
        frame_put(at, &segment);
        offload_segment(head, payload, tcp, mss, i, at + FRAME_HEADER);
        ring_commit(to, FRAME_HEADER + segment.size);
        sum += (int)segment.size;
    }
    return sum;
}

int deliver(struct ring *to, u16 flags, const struct frame *frame, const u8 *bytes, const struct hop *hop)
{
    u8 head[OFFLOAD_HEAD_MAX];
    u32 skip, head_size = make_head(head, bytes, frame->size, hop, &skip);
    struct frame out = *frame;
    out.size = head_size + frame->size - skip;
    if (out.size < FRAME_SIZE_MIN || out.size > FRAME_SIZE_MAX)
        return -EPROTO;
    bool cut = frame->flags & FRAME_LARGE && !(flags & PORT_LARGE);
    bool sum = frame->flags & FRAME_CSUM_NEEDED && (!(flags & PORT_CSUM) || cut);
    struct tcp_frame tcp;
    if ((cut || sum) && !offload_parse(head, head_size, out.size, &tcp))
        return -EPROTO;
    if (cut)
        return put_segments(to, head, bytes + skip - (head_size - tcp.payload), &tcp, frame->mss);
    if (sum)
        out.flags &= (u16)~FRAME_CSUM_NEEDED;
    return put(to, &out, head, head_size, bytes + skip, sum ? &tcp : NULL);
}
