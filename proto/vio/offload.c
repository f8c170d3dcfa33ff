// SPDX-License-Identifier: Apache-2.0
#include "proto/vio/offload.h"

#include <string.h>

#include "base/endian.h"

#define ETHER_SIZE    14u
#define TAG_SIZE      4u
#define TYPE_VLAN     0x8100u
#define TYPE_IPV4     0x0800u
#define TYPE_IPV6     0x86ddu
#define IPPROTO_TCP_  6u
#define IPV6_SIZE     40u
#define TCP_SIZE_MIN  20u
#define TCP_CHECKSUM  16u // offsets in TCP's header
#define TCP_SEQUENCE  4u
#define TCP_FLAGS     13u
#define TCP_LAST_ONLY 0x09u // FIN, PSH: in the last segment
#define TCP_CWR       0x80u // in the first segment

static bool parse_ipv4(const u8 *ip, u32 head, u32 size, u32 *header, u32 *whole)
{
    if (head < 20 || ip[0] >> 4 != 4)
        return false;
    *header = (ip[0] & 15u) * 4;
    *whole = load_be16(ip + 2);
    bool fragment = load_be16(ip + 6) & 0x3fff;
    return *header >= 20 && *header <= head && *whole <= size && !fragment && ip[9] == IPPROTO_TCP_;
}

// Extension headers are left to whoever sends them.
static bool parse_ipv6(const u8 *ip, u32 head, u32 size, u32 *header, u32 *whole)
{
    if (head < IPV6_SIZE || ip[0] >> 4 != 6)
        return false;
    *header = IPV6_SIZE;
    *whole = IPV6_SIZE + load_be16(ip + 4);
    return *whole <= size && ip[6] == IPPROTO_TCP_;
}

bool offload_parse(const u8 *head, u32 head_size, u32 size, struct tcp_frame *tcp)
{
    u32 l3 = ETHER_SIZE, header, whole;
    head_size = MIN(MIN(head_size, size), OFFLOAD_HEAD_MAX);
    if (head_size < l3)
        return false;
    u32 type = load_be16(head + 12);
    if (type == TYPE_VLAN) {
        l3 += TAG_SIZE;
        if (head_size < l3)
            return false;
        type = load_be16(head + 16);
    }
    bool v6 = type == TYPE_IPV6;
    if ((type != TYPE_IPV4 && !v6) ||
        !(v6 ? parse_ipv6 : parse_ipv4)(head + l3, head_size - l3, size - l3, &header, &whole))
        return false;
    u32 l4 = l3 + header;
    if (head_size < l4 + TCP_SIZE_MIN)
        return false;
    u32 tcp_header = (head[l4 + 12] >> 4) * 4u, payload = l4 + tcp_header;
    if (tcp_header < TCP_SIZE_MIN || payload > head_size || payload > l3 + whole)
        return false;
    *tcp = (struct tcp_frame){.l3 = (u16)l3, .l4 = (u16)l4, .payload = (u16)payload, .v6 = v6, .size = l3 + whole};
    return true;
}

// Sums of 16-bit words, as they lie in memory: folding at the end gives the same whatever the byte order (RFC 1071).
static u64 sum(const u8 *p, u32 size, u64 start)
{
    u64 a = start, b = 0, c = 0, d = 0;
    u32 words[4], last = 0;
    for (; size >= 16; p += 16, size -= 16) {
        memcpy(words, p, 16);
        a += words[0];
        b += words[1];
        c += words[2];
        d += words[3];
    }
    for (; size >= 4; p += 4, size -= 4) {
        memcpy(&last, p, 4);
        a += last;
    }
    last = 0;
    memcpy(&last, p, size);
    return a + b + c + d + last;
}

static u16 fold(u64 value)
{
    while (value >> 16)
        value = (value & 0xffff) + (value >> 16);
    return (u16)~value;
}

static void put_sum(u8 *at, u64 value)
{
    u16 folded = fold(value);
    memcpy(at, &folded, 2);
}

static u64 pseudo_header(const u8 *head, const struct tcp_frame *tcp)
{
    u8 length_and_protocol[8] = {0};
    store_be32(length_and_protocol, tcp->size - tcp->l4);
    length_and_protocol[7] = IPPROTO_TCP_;
    u64 pseudo = sum(length_and_protocol, 8, 0);
    return tcp->v6 ? sum(head + tcp->l3 + 8, 32, pseudo) : sum(head + tcp->l3 + 12, 8, pseudo);
}

void offload_checksum(u8 *frame, const struct tcp_frame *tcp)
{
    u64 pseudo = pseudo_header(frame, tcp);
    memset(frame + tcp->l4 + TCP_CHECKSUM, 0, 2);
    put_sum(frame + tcp->l4 + TCP_CHECKSUM, sum(frame + tcp->l4, tcp->size - tcp->l4, pseudo));
}

void offload_pseudo(const u8 *head, const struct tcp_frame *tcp, u8 *at)
{
    u16 folded = (u16)~fold(pseudo_header(head, tcp));
    memcpy(at, &folded, 2);
}

void offload_ones_complement(const u8 *bytes, u32 size, u8 *at)
{
    put_sum(at, sum(bytes, size, 0));
}

void offload_ipv4_checksum(u8 *ip, u32 size)
{
    memset(ip + 10, 0, 2);
    put_sum(ip + 10, sum(ip, size, 0));
}

u32 offload_segments(const struct tcp_frame *tcp, u16 mss)
{
    u32 carried = tcp->size - tcp->payload;
    return carried ? (carried + mss - 1) / mss : 1;
}

static u32 carried_by(const struct tcp_frame *tcp, u16 mss, u32 index)
{
    return MIN((u32)mss, tcp->size - tcp->payload - index * mss);
}

u32 offload_segment_size(const struct tcp_frame *tcp, u16 mss, u32 index)
{
    return tcp->payload + carried_by(tcp, mss, index);
}

void offload_segment(const u8 *head, const u8 *payload, const struct tcp_frame *tcp, u16 mss, u32 index, u8 *to)
{
    u32 carried = carried_by(tcp, mss, index), last = offload_segments(tcp, mss) - 1;
    struct tcp_frame segment = *tcp;
    segment.size = tcp->payload + carried;
    memcpy(to, head, tcp->payload);
    memcpy(to + tcp->payload, payload + index * mss, carried);
    u8 *ip = to + tcp->l3, *header = to + tcp->l4;
    if (tcp->v6) {
        store_be16(ip + 4, (u16)(segment.size - tcp->l3 - IPV6_SIZE));
    } else {
        store_be16(ip + 2, (u16)(segment.size - tcp->l3));
        store_be16(ip + 4, (u16)(load_be16(ip + 4) + index)); // each its own identification
        offload_ipv4_checksum(ip, (u32)tcp->l4 - tcp->l3);
    }
    store_be32(header + TCP_SEQUENCE, load_be32(header + TCP_SEQUENCE) + index * mss);
    if (index)
        header[TCP_FLAGS] &= (u8)~TCP_CWR;
    if (index < last)
        header[TCP_FLAGS] &= (u8)~TCP_LAST_ONLY;
    offload_checksum(to, &segment);
}
