// SPDX-License-Identifier: Apache-2.0
// What a sender left to others: TCP's checksum, and cutting a large frame into segments.
#ifndef PROTO_VIO_OFFLOAD_H
#define PROTO_VIO_OFFLOAD_H

#include "base/types.h"

// As many of a frame's first bytes as hold all of its headers.
#define OFFLOAD_HEAD_MAX 256u

// Where things are in a frame with TCP.
struct tcp_frame {
    u16 l3, l4, payload; // offsets of the IP header, of TCP's, and of what it carries
    bool v6;
    u32 size; // of the frame, as IP says: what is padding behind it does not count
};

// Looks at the first bytes of a frame of `size` bytes. false: no TCP over IPv4 or IPv6 (a fragment neither), or its headers are not whole.
bool offload_parse(const u8 *head, u32 head_size, u32 size, struct tcp_frame *tcp);

// Puts the checksum in. `frame` has tcp->size bytes.
void offload_checksum(u8 *frame, const struct tcp_frame *tcp);

// Puts the sum of TCP's pseudo header to `at`, as who computes the rest of the checksum wants to find it. `head`: the frame's first bytes.
void offload_pseudo(const u8 *head, const struct tcp_frame *tcp, u8 *at);
// Puts the checksum of `size` bytes, which include `at` with what is to be added, to `at`.
void offload_ones_complement(const u8 *bytes, u32 size, u8 *at);

// Puts the checksum of an IPv4 header of `size` bytes in.
void offload_ipv4_checksum(u8 *ip, u32 size);

// A large frame's segments: how many, and number `index` of them, headers and checksums included, which takes offload_segment_size(). `head` is
// what was parsed; payload, all that TCP carries, is only copied.
u32 offload_segments(const struct tcp_frame *tcp, u16 mss);
u32 offload_segment_size(const struct tcp_frame *tcp, u16 mss, u32 index);
void offload_segment(const u8 *head, const u8 *payload, const struct tcp_frame *tcp, u16 mss, u32 index, u8 *to);

#endif
