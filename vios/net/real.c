// SPDX-License-Identifier: Apache-2.0
#include "vios/net/real.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/endian.h"
#include "proto/vio/offload.h"

#define TCP_CHECKSUM 16u
#define MACS         12u
#define TYPE_VLAN    0x8100u
#define NO_OUTGOING  23 // PACKET_IGNORE_OUTGOING, which older headers lack

static_assert(sizeof(struct virtio_net_hdr) == VNET_HEADER, "what the host's interfaces put before a frame");

PRINTF_LIKE(4, 5) static int wrong(char *why, size_t size, int err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, size, fmt, ap);
    va_end(ap);
    return err;
}

static int open_tap(struct real *real, const char *name, const char *device, char *why, size_t why_size)
{
    struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    int header = VNET_HEADER;
    real->fd = open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (real->fd < 0)
        return wrong(why, why_size, -errno, "%s: %s; whoever runs the system must be allowed to open it", device,
                     strerror(errno));
    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    if (ioctl(real->fd, TUNSETIFF, &ifr) || ioctl(real->fd, TUNSETVNETHDRSZ, &header) ||
        ioctl(real->fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6))
        return wrong(why, why_size, -errno, "%s: %s; make it for the user: ip tuntap add dev %s mode tap user NAME",
                     name, strerror(errno), name);
    return 0;
}

// The device of a macvtap interface has the interface's number.
static int open_macvtap(struct real *real, const char *name, char *why, size_t why_size)
{
    char device[32];
    unsigned index = if_nametoindex(name);
    if (!index)
        return wrong(why, why_size, -ENODEV,
                     "%s: there is no such interface; make it: ip link add link IF name %s type macvtap mode passthru",
                     name, name);
    snprintf(device, sizeof(device), "/dev/tap%u", index);
    return open_tap(real, name, device, why, why_size);
}

static int open_packet(struct real *real, const char *name, char *why, size_t why_size)
{
    int on = 1;
    struct sockaddr_ll where = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(name)};
    struct packet_mreq promiscuous = {.mr_ifindex = where.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
    if (!where.sll_ifindex)
        return wrong(why, why_size, -ENODEV, "%s: the host has no such interface; ip link lists them", name);
    real->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    real->strips_tag = true;
    if (real->fd < 0 || setsockopt(real->fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) ||
        setsockopt(real->fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) ||
        setsockopt(real->fd, SOL_PACKET, NO_OUTGOING, &on, sizeof(on)) ||
        setsockopt(real->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) ||
        bind(real->fd, (struct sockaddr *)&where, sizeof(where)))
        return wrong(why, why_size, -errno,
                     "%s: %s; an interface itself needs CAP_NET_RAW, a tap of the user's does not", name,
                     strerror(errno));
    return 0;
}

int real_open(struct real *real, const struct uplink_real *config, int fd, char *why, size_t why_size)
{
    int err = 0;
    *real = (struct real){.fd = -1};
    switch (config->kind) {
    case UPLINK_TAP: err = open_tap(real, config->name, "/dev/net/tun", why, why_size); break;
    case UPLINK_MACVTAP: err = open_macvtap(real, config->name, why, why_size); break;
    case UPLINK_PACKET: err = open_packet(real, config->name, why, why_size); break;
    default: // UPLINK_FD_GIVEN
        real->fd = fd;
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    }
    if (err)
        real_close(real);
    return err;
}

void real_close(struct real *real)
{
    if (real->fd >= 0)
        close(real->fd);
    real->fd = -1;
}

void real_put_header(u8 header[VNET_HEADER], const struct frame *frame, u8 *bytes, u32 shift)
{
    struct virtio_net_hdr h = {0};
    struct tcp_frame tcp;
    u8 head[OFFLOAD_HEAD_MAX];
    u32 head_size = MIN(frame->size, OFFLOAD_HEAD_MAX);
    memcpy(head, bytes, head_size); // the sender may change it meanwhile
    if (frame->flags & FRAME_CSUM_NEEDED && offload_parse(head, head_size, frame->size, &tcp)) {
        h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        h.csum_start = (u16)(tcp.l4 + shift);
        h.csum_offset = TCP_CHECKSUM;
        offload_pseudo(head, &tcp, bytes + tcp.l4 + TCP_CHECKSUM);
        if (frame->flags & FRAME_LARGE) {
            h.gso_type = tcp.v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
            h.gso_size = frame->mss;
            h.hdr_len = (u16)(tcp.payload + shift);
        }
    } else if (frame->flags & FRAME_CSUM_GOOD) {
        h.flags = VIRTIO_NET_HDR_F_DATA_VALID;
    }
    memcpy(header, &h, sizeof(h));
}

// A checksum that is not TCP's, as of UDP from the host itself: it is put in here.
static bool finish_checksum(u8 *bytes, u32 size, u32 start, u32 offset)
{
    if (start >= size || start + offset + 2 > size)
        return false;
    offload_ones_complement(bytes + start, size - start, bytes + start + offset);
    return true;
}

bool real_take_header(const u8 header[VNET_HEADER], struct frame *frame, u8 *bytes)
{
    struct virtio_net_hdr h;
    struct tcp_frame tcp;
    memcpy(&h, header, sizeof(h));
    u8 gso = h.gso_type & (u8)~VIRTIO_NET_HDR_GSO_ECN;
    bool is_tcp = offload_parse(bytes, MIN(frame->size, OFFLOAD_HEAD_MAX), frame->size, &tcp);
    bool large = gso == VIRTIO_NET_HDR_GSO_TCPV4 || gso == VIRTIO_NET_HDR_GSO_TCPV6;
    frame->kind = FRAME_DATA;
    frame->mss = 0;
    frame->flags = h.flags & VIRTIO_NET_HDR_F_DATA_VALID ? FRAME_CSUM_GOOD : 0;
    if ((gso && !large) || (large && (!is_tcp || h.gso_size < FRAME_MSS_MIN)))
        return false;
    if (!(h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) && !large)
        return true;
    if (!is_tcp || h.csum_offset != TCP_CHECKSUM) {
        frame->flags = FRAME_CSUM_GOOD;
        return finish_checksum(bytes, frame->size, h.csum_start, h.csum_offset);
    }
    memset(bytes + tcp.l4 + TCP_CHECKSUM, 0, 2);
    frame->flags = FRAME_CSUM_NEEDED | FRAME_CSUM_GOOD | (large ? FRAME_LARGE : 0);
    frame->mss = large ? h.gso_size : 0;
    return true;
}

// The tag that the host took out, if it did; 0: none.
static u32 tag_beside(struct msghdr *msg)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        struct tpacket_auxdata aux;
        if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
            continue;
        memcpy(&aux, CMSG_DATA(c), sizeof(aux));
        if (aux.tp_status & TP_STATUS_VLAN_VALID)
            return TYPE_VLAN << 16 | aux.tp_vlan_tci;
    }
    return 0;
}

int real_receive(struct real *real, struct frame *frame, u8 *bytes)
{
    u8 header[VNET_HEADER];
    _Alignas(struct cmsghdr) u8 control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
    struct iovec iov[] = {{header, sizeof(header)}, {bytes, FRAME_SIZE_MAX - VLAN_TAG}};
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof(control)};
    ssize_t got;
    do
        got = real->strips_tag ? recvmsg(real->fd, &msg, 0) : readv(real->fd, iov, 2);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return 0;
    u32 tag = real->strips_tag ? tag_beside(&msg) : 0;
    if (got < (ssize_t)(VNET_HEADER + FRAME_SIZE_MIN))
        return -EPROTO;
    frame->size = (u32)got - VNET_HEADER;
    if (!real_take_header(header, frame, bytes))
        return -EPROTO;
    if (tag) {
        memmove(bytes + MACS + VLAN_TAG, bytes + MACS, frame->size - MACS);
        store_be32(bytes + MACS, tag);
        frame->size += VLAN_TAG;
    }
    return 1;
}

bool real_send(struct real *real, const struct frame *frame, u8 *bytes, int tci)
{
    u8 header[VNET_HEADER], tag[VLAN_TAG];
    u32 shift = tci >= 0 ? VLAN_TAG : 0;
    real_put_header(header, frame, bytes, shift);
    store_be32(tag, TYPE_VLAN << 16 | (u32)(tci & 0xffff));
    struct iovec iov[] = {{header, sizeof(header)}, {bytes, MACS}, {tag, shift}, {bytes + MACS, frame->size - MACS}};
    ssize_t done;
    do
        done = writev(real->fd, iov, ARRAY_LEN(iov));
    while (done < 0 && errno == EINTR);
    real->send_failures += done < 0;
    return done >= 0;
}
