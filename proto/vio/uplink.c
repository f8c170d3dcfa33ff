// SPDX-License-Identifier: Apache-2.0
#include "proto/vio/uplink.h"

#include <errno.h>
#include <string.h>

#include "proto/vio/packet.h"

#define FDS      3u
#define VID_LAST 4094u

static unsigned fds_of(const struct uplink_message *m)
{
    if (m->type == UPLINK_REAL)
        return m->real.kind == UPLINK_FD_GIVEN;
    return m->type == UPLINK_PORT ? FDS : 0;
}

int uplink_send(int fd, const struct uplink_message *message, const int fds[3])
{
    struct uplink_message copy = *message;
    copy.version = UPLINK_VERSION;
    return packet_send(fd, &copy, sizeof(copy), fds, fds_of(message));
}

static bool in_network(u32 address)
{
    return (address & 0xffffff00u) == UPLINK_NETWORK && address > UPLINK_DNS && address <= UPLINK_LAST;
}

bool uplink_message_valid(const struct uplink_message *m, size_t size)
{
    if (size != sizeof(*m) || m->version != UPLINK_VERSION)
        return false;
    switch (m->type) {
    case UPLINK_PORT:
        return m->port.side <= 1 && !(m->port.mac[0] & 1) && m->port.pvid <= VID_LAST &&
               m->port.vlans_len <= UPLINK_VLANS_MAX && m->port.use <= UPLINK_CONTROL && m->port.priority <= 15 &&
               m->port.standby <= 1 && m->port.sharing <= 1 && m->port.starts_closed <= 1 &&
               memchr(m->port.tftp, 0, sizeof(m->port.tftp)) && memchr(m->port.bootfile, 0, sizeof(m->port.bootfile));
    case UPLINK_REAL:
        return m->real.kind >= UPLINK_TAP && m->real.kind <= UPLINK_FD_GIVEN && m->real.default_id <= VID_LAST &&
               m->real.vlan <= VID_LAST && m->real.mode < UPLINK_MODES && m->real.hash_ports <= 1 && m->real.backup <= 1 && memchr(m->real.name, 0, sizeof(m->real.name));
    case UPLINK_LEASE: return in_network(m->lease.address) && !(m->lease.mac[0] & 1);
    case UPLINK_FORWARD:
        return m->forward.host_port && m->forward.guest_port && m->forward.udp <= 1 &&
               in_network(m->forward.guest_address);
    case UPLINK_START: return in_network(m->start.first_address);
    case UPLINK_QUERY:
    case UPLINK_STATE:
    case UPLINK_READY: return true;
    case UPLINK_FAILED:
    case UPLINK_EVENT: return memchr(m->text, 0, sizeof(m->text)) != NULL;
    default: return false;
    }
}

int uplink_receive(int fd, struct uplink_message *message, int fds[3])
{
    int passed[PACKET_FDS_MAX] = {-1, -1, -1};
    unsigned len;
    ssize_t got = packet_receive(fd, message, sizeof(*message), passed, &len);
    if (got <= 0)
        return (int)got;
    if (uplink_message_valid(message, (size_t)got) && len == fds_of(message)) {
        memcpy(fds, passed, FDS * sizeof(int));
        return 1;
    }
    packet_close_fds(passed, len);
    return -EPROTO;
}
