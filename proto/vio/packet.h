// SPDX-License-Identifier: Apache-2.0
// Packets with descriptors over a socket of type SOCK_SEQPACKET.
#ifndef PROTO_VIO_PACKET_H
#define PROTO_VIO_PACKET_H

#include <sys/types.h>

#include "base/types.h"

#define PACKET_FDS_MAX 33u // that one packet carries

// The descriptors stay the caller's. Returns 0, or -errno.
int packet_send(int fd, const void *packet, size_t size, const int *fds, unsigned fds_len);

// Up to `size` bytes and PACKET_FDS_MAX descriptors, which become the caller's. Returns the size; 0 when the other side is gone; -EPROTO for a packet with more of either;
// -errno. `fds_len` is 0 unless the size is returned.
ssize_t packet_receive(int fd, void *packet, size_t size, int fds[PACKET_FDS_MAX], unsigned *fds_len);

void packet_close_fds(const int *fds, unsigned fds_len);

#endif
