// SPDX-License-Identifier: Apache-2.0
#include "vios/net/join.h"

#include <string.h>

#include "base/endian.h"
#include "proto/vio/frame.h"

#define JOINED_MAX   65000u // with its headers in the OS's largest buffer, and in IP's length
#define SEQUENCE     4u     // offsets in TCP's header
#define FLAGS        13u
#define CHECKSUM     16u
#define FLAG_ACK     0x10u
#define FLAG_PUSH    0x08u
#define IPV4_LENGTH  2u
#define IPV6_LENGTH  4u
#define IPV6_SIZE    40u
#define IPV4_ID_SUMS 12u // IPv4: what differs between segments is before this offset

static void send_whole(struct ring *ring, const u8 *frame, u32 size)
{
    struct frame message = {FRAME_DATA, FRAME_CSUM_GOOD, size, 0};
    u8 *to = ring_reserve(ring, FRAME_HEADER + size);
    if (!to)
        return;
    frame_put(to, &message);
    memcpy(to + FRAME_HEADER, frame, size);
    ring_commit(ring, FRAME_HEADER + size);
}

void join_end(struct join *join, struct ring *ring)
{
    struct frame message = {FRAME_DATA, FRAME_CSUM_GOOD, join->size, 0};
    if (!join->to)
        return;
    u8 *frame = join->to + FRAME_HEADER, *ip = frame + join->tcp.l3;
    if (join->segments > 1) {
        message.flags = FRAME_LARGE | FRAME_CSUM_NEEDED | FRAME_CSUM_GOOD;
        message.mss = join->mss;
        if (join->tcp.v6) {
            store_be16(ip + IPV6_LENGTH, (u16)(join->size - join->tcp.l3 - IPV6_SIZE));
        } else {
            store_be16(ip + IPV4_LENGTH, (u16)(join->size - join->tcp.l3));
            offload_ipv4_checksum(ip, (u32)join->tcp.l4 - join->tcp.l3);
        }
        memset(frame + join->tcp.l4 + CHECKSUM, 0, 2);
    }
    frame_put(join->to, &message);
    ring_commit(ring, FRAME_HEADER + join->size);
    join->to = NULL;
}

// The same connection, and the same but for length, sequence number, identification, checksums and PSH.
static bool follows(const struct join *join, const u8 *frame, const struct tcp_frame *tcp)
{
    const u8 *kept = join->head, *ip = frame + tcp->l3, *kept_ip = kept + tcp->l3;
    if (tcp->l3 != join->tcp.l3 || tcp->l4 != join->tcp.l4 || tcp->payload != join->tcp.payload ||
        tcp->v6 != join->tcp.v6 || memcmp(frame, kept, tcp->l3) != 0)
        return false;
    bool same_ip = tcp->v6
                       ? !memcmp(ip, kept_ip, IPV6_LENGTH) && !memcmp(ip + 6, kept_ip + 6, IPV6_SIZE - 6)
                       : !memcmp(ip, kept_ip, IPV4_LENGTH) && !memcmp(ip + 6, kept_ip + 6, 4) &&
                             !memcmp(ip + IPV4_ID_SUMS, kept_ip + IPV4_ID_SUMS, (u32)tcp->l4 - tcp->l3 - IPV4_ID_SUMS);
    const u8 *t = frame + tcp->l4, *kept_t = kept + tcp->l4;
    return same_ip && load_be32(t + SEQUENCE) == join->next_sequence && !memcmp(t, kept_t, SEQUENCE) &&
           !memcmp(t + 8, kept_t + 8, FLAGS - 8) && (t[FLAGS] & ~FLAG_PUSH) == FLAG_ACK &&
           !memcmp(t + FLAGS + 1, kept_t + FLAGS + 1, CHECKSUM - FLAGS - 1) &&
           !memcmp(t + CHECKSUM + 2, kept_t + CHECKSUM + 2, (u32)tcp->payload - tcp->l4 - CHECKSUM - 2);
}

static bool keep(struct join *join, struct ring *ring, const u8 *frame, u32 size, const struct tcp_frame *tcp)
{
    u32 carried = tcp->size - tcp->payload;
    if ((frame[tcp->l4 + FLAGS] & ~FLAG_PUSH) != FLAG_ACK || carried < FRAME_MSS_MIN || tcp->size != size ||
        size > JOINED_MAX)
        return false;
    join->to = ring_reserve(ring, FRAME_HEADER + JOINED_MAX);
    if (!join->to)
        return false;
    join->size = size;
    join->mss = (u16)carried;
    join->segments = 1;
    join->next_sequence = load_be32(frame + tcp->l4 + SEQUENCE) + carried;
    join->tcp = *tcp;
    memcpy(join->head, frame, tcp->payload);
    memcpy(join->to + FRAME_HEADER, frame, size);
    return true;
}

void join_frame(struct join *join, struct ring *ring, const u8 *frame, u32 size, bool allowed)
{
    struct tcp_frame tcp;
    bool is_tcp = allowed && offload_parse(frame, MIN(size, OFFLOAD_HEAD_MAX), size, &tcp);
    u32 carried = is_tcp ? tcp.size - tcp.payload : 0;
    if (join->to) {
        if (is_tcp && carried && carried <= join->mss && join->size + carried <= JOINED_MAX && tcp.size == size &&
            follows(join, frame, &tcp)) {
            memcpy(join->to + FRAME_HEADER + join->size, frame + tcp.payload, carried);
            join->size += carried;
            join->segments++;
            join->next_sequence += carried;
            join->to[FRAME_HEADER + join->tcp.l4 + FLAGS] |= frame[tcp.l4 + FLAGS] & FLAG_PUSH;
            if (carried < join->mss || frame[tcp.l4 + FLAGS] & FLAG_PUSH)
                join_end(join, ring); // the last one of a group may be shorter; none follows it
            return;
        }
        join_end(join, ring);
    }
    if (!is_tcp || !keep(join, ring, frame, size, &tcp))
        send_whole(ring, frame, size);
}
