// SPDX-License-Identifier: Apache-2.0
#include "vios/net/dhcp.h"

#include <string.h>

#include "base/endian.h"
#include "proto/vio/offload.h"

#define ETHER      14u
#define IP         20u
#define UDP        8u
#define BOOTP      236u // up to the magic cookie
#define FILE_AT    108u // in it
#define OPTIONS    (ETHER + IP + UDP + BOOTP + 4)
#define FRAME_MAX  1518u
#define COOKIE     0x63825363u
#define LEASE_TIME 86400u

enum { PORT_SERVER = 67, PORT_CLIENT = 68 };
enum { REQUEST = 1, REPLY = 2 };
enum { DISCOVER = 1, OFFER, ASKED, DECLINE, ACK, NAK, RELEASE, INFORM };
enum {
    OPTION_MASK = 1,
    OPTION_ROUTER = 3,
    OPTION_DNS = 6,
    OPTION_ADDRESS = 50,
    OPTION_TIME = 51,
    OPTION_TYPE = 53,
    OPTION_SERVER = 54,
    OPTION_END = 255,
};

struct request {
    u8 type; // 0: BOOTP
    u32 wanted, server, current;
    const u8 *bootp;
};

void dhcp_begin(struct dhcp *dhcp, u32 first)
{
    *dhcp = (struct dhcp){.first = first};
}

static struct dhcp_lease *of_mac(struct dhcp *dhcp, const u8 *mac)
{
    for (u32 i = 0; i < dhcp->len; i++)
        if (!memcmp(dhcp->leases[i].mac, mac, 6))
            return &dhcp->leases[i];
    return NULL;
}

static bool is_free(const struct dhcp *dhcp, u32 address)
{
    for (u32 i = 0; i < dhcp->len; i++)
        if (dhcp->leases[i].address == address)
            return false;
    return true;
}

static void forget(struct dhcp *dhcp, struct dhcp_lease *lease)
{
    *lease = dhcp->leases[--dhcp->len];
}

static struct dhcp_lease *add(struct dhcp *dhcp, const u8 *mac, u32 address, bool kept)
{
    if (dhcp->len == DHCP_LEASES)
        return NULL;
    struct dhcp_lease *lease = &dhcp->leases[dhcp->len++];
    *lease = (struct dhcp_lease){.address = address, .kept = kept};
    memcpy(lease->mac, mac, 6);
    return lease;
}

void dhcp_keep(struct dhcp *dhcp, const struct uplink_lease *lease)
{
    for (u32 i = dhcp->len; i-- > 0;)
        if (dhcp->leases[i].address == lease->address || !memcmp(dhcp->leases[i].mac, lease->mac, 6))
            forget(dhcp, &dhcp->leases[i]);
    add(dhcp, lease->mac, lease->address, true);
}

// The adapter's address; wanted: what it would like. NULL: there is none left.
static struct dhcp_lease *lease_of(struct dhcp *dhcp, const u8 *mac, u32 wanted)
{
    struct dhcp_lease *lease = of_mac(dhcp, mac);
    u32 address = dhcp->first;
    if (lease)
        return lease;
    if (wanted >= dhcp->first && wanted <= UPLINK_LAST && is_free(dhcp, wanted))
        return add(dhcp, mac, wanted, false);
    while (address <= UPLINK_LAST && !is_free(dhcp, address))
        address++;
    return address <= UPLINK_LAST ? add(dhcp, mac, address, false) : NULL;
}

static void parse_options(const u8 *at, const u8 *end, struct request *r)
{
    while (at < end && *at != OPTION_END) {
        if (!*at) { // padding
            at++;
            continue;
        }
        if (end - at < 2 || end - at - 2 < at[1])
            return;
        if (at[0] == OPTION_TYPE && at[1] == 1)
            r->type = at[2];
        if (at[0] == OPTION_ADDRESS && at[1] == 4)
            r->wanted = load_be32(at + 2);
        if (at[0] == OPTION_SERVER && at[1] == 4)
            r->server = load_be32(at + 2);
        at += 2 + at[1];
    }
}

static bool parse(const u8 *frame, u32 size, struct request *r)
{
    const u8 *ip = frame + ETHER, *udp = ip + IP, *bootp = udp + UDP;
    if (load_be16(frame + 12) != 0x0800 || ip[0] != 0x45 || ip[9] != 17 || load_be16(ip + 6) & 0x3fff ||
        load_be16(udp + 2) != PORT_SERVER || bootp[0] != REQUEST || bootp[1] != 1 || bootp[2] != 6 ||
        load_be32(bootp + BOOTP) != COOKIE)
        return false;
    u32 whole = ETHER + load_be16(ip + 2);
    *r = (struct request){.bootp = bootp, .current = load_be32(bootp + 12)};
    parse_options(frame + OPTIONS, frame + MIN(whole, size), r);
    return true;
}

static u8 *put_option(u8 *at, u8 option, u32 value)
{
    at[0] = option;
    at[1] = 4;
    store_be32(at + 2, value);
    return at + 6;
}

// What a lease says; address: 0 with INFORM and NAK.
static u32 answer(const struct dhcp *dhcp, const struct request *r, u8 type, u32 address, u8 reply[DHCP_REPLY_MAX])
{
    static const u8 server_mac[6] = {0x52, 0x55, 0x0a, 0x00, 0x02, 0x02}; // libslirp's
    u8 *ip = reply + ETHER, *udp = ip + IP, *bootp = udp + UDP, *at = reply + OPTIONS;
    bool broadcast = type == NAK || load_be16(r->bootp + 10) & 0x8000;
    memset(reply, 0, DHCP_REPLY_MAX);
    memset(reply, 0xff, 6);
    if (!broadcast)
        memcpy(reply, r->bootp + 28, 6);
    memcpy(reply + 6, server_mac, 6);
    store_be16(reply + 12, 0x0800);
    ip[0] = 0x45;
    store_be16(ip + 2, DHCP_REPLY_MAX - ETHER);
    ip[8] = 64;
    ip[9] = 17;
    store_be32(ip + 12, UPLINK_HOST);
    store_be32(ip + 16, !broadcast && r->current ? r->current : 0xffffffffu);
    offload_ipv4_checksum(ip, IP);
    store_be16(udp, PORT_SERVER);
    store_be16(udp + 2, PORT_CLIENT);
    store_be16(udp + 4, DHCP_REPLY_MAX - ETHER - IP);
    bootp[0] = REPLY;
    memcpy(bootp + 1, r->bootp + 1, 2);
    memcpy(bootp + 4, r->bootp + 4, 4);   // transaction
    memcpy(bootp + 10, r->bootp + 10, 6); // flags, the client's present address
    store_be32(bootp + 16, address);
    store_be32(bootp + 20, UPLINK_HOST);
    memcpy(bootp + 24, r->bootp + 24, 4 + 16); // relay, hardware address
    memcpy(bootp + FILE_AT, dhcp->file, sizeof(dhcp->file));
    store_be32(bootp + BOOTP, COOKIE);
    if (r->type) {
        *at++ = OPTION_TYPE;
        *at++ = 1;
        *at++ = type;
        at = put_option(at, OPTION_SERVER, UPLINK_HOST);
    }
    if (address && r->type)
        at = put_option(at, OPTION_TIME, LEASE_TIME);
    if (type != NAK) {
        at = put_option(at, OPTION_MASK, 0xffffff00u);
        at = put_option(at, OPTION_ROUTER, UPLINK_HOST);
        at = put_option(at, OPTION_DNS, UPLINK_DNS);
    }
    *at = OPTION_END;
    return DHCP_REPLY_MAX;
}

static u32 respond(struct dhcp *dhcp, const struct request *r, u8 reply[DHCP_REPLY_MAX])
{
    const u8 *mac = r->bootp + 28;
    u32 wanted = r->wanted ? r->wanted : r->current;
    struct dhcp_lease *lease;
    switch (r->type) {
    case 0: // BOOTP
    case DISCOVER:
        lease = lease_of(dhcp, mac, wanted);
        return lease ? answer(dhcp, r, OFFER, lease->address, reply) : 0;
    case ASKED:
        if (r->server && r->server != UPLINK_HOST)
            return 0;
        lease = lease_of(dhcp, mac, wanted);
        return lease && lease->address == wanted ? answer(dhcp, r, ACK, wanted, reply) : answer(dhcp, r, NAK, 0, reply);
    case INFORM: return answer(dhcp, r, ACK, 0, reply);
    case DECLINE:
    case RELEASE:
        lease = of_mac(dhcp, mac);
        if (lease && !lease->kept)
            forget(dhcp, lease);
        return 0;
    default: return 0;
    }
}

bool dhcp_take(struct dhcp *dhcp, const u8 *frame, u32 size, u8 reply[DHCP_REPLY_MAX], u32 *reply_size)
{
    u8 copy[FRAME_MAX];
    struct request request;
    *reply_size = 0;
    if (size < OPTIONS || size > sizeof(copy) || load_be16(frame + ETHER + IP + 2) != PORT_SERVER)
        return false;
    memcpy(copy, frame, size);
    if (!parse(copy, size, &request))
        return false;
    *reply_size = respond(dhcp, &request, reply);
    return true;
}
