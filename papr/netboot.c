// SPDX-License-Identifier: Apache-2.0
#include "papr/netboot.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

#define SECOND            1000000000ll
#define TRIES             4u // of DHCP; each waits twice as long as the one before
#define ARP_TRIES         3u
#define TFTP_TRIES        6u

#define ETHER_HEADER      14u
#define ETHER_IPV4        0x0800u
#define ETHER_ARP         0x0806u
#define ARP_SIZE          28u
#define IP_HEADER         20u
#define IP_UDP            17u
#define UDP_HEADER        8u
#define PAYLOAD_AT        (ETHER_HEADER + IP_HEADER + UDP_HEADER)
#define PAYLOAD_MAX       (NETBOOT_FRAME_MAX - PAYLOAD_AT)
#define BROADCAST         0xffffffffu

#define PORT_SERVER       67u
#define PORT_CLIENT       68u
#define BOOTP_SIZE        236u
#define BOOTP_COOKIE      0x63825363u
#define BOOTP_MIN         300u // relays and old servers take no less
#define BOOTP_SNAME       44u
#define BOOTP_FILE        108u

#define DHCP_DISCOVER     1u
#define DHCP_OFFER        2u
#define DHCP_REQUEST      3u
#define DHCP_ACK          5u
#define DHCP_NAK          6u

#define PORT_TFTP         69u
#define TFTP_RRQ          1u
#define TFTP_DATA         3u
#define TFTP_ACK          4u
#define TFTP_ERROR        5u
#define TFTP_OACK         6u
#define TFTP_BLOCK        512u              // without an option
#define TFTP_BLOCK_MAX    (PAYLOAD_MAX - 4) // so that nothing is fragmented
#define TFTP_BLOCK_WANTED 1428u             // leaves room for what tunnels add

PRINTF_LIKE(4, 5) static int fail(int err, char *why, size_t why_size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, why_size, fmt, ap);
    va_end(ap);
    return err;
}

const char *netboot_address(u32 address, char text[NETBOOT_ADDRESS_MAX])
{
    snprintf(text, NETBOOT_ADDRESS_MAX, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xff, address >> 8 & 0xff,
             address & 0xff);
    return text;
}

static s64 now(const struct netboot *net)
{
    return net->ops->now(net->arg);
}

static bool waiting(const struct netboot *net, s64 until)
{
    return !net->ops->over(net->arg) && now(net) < until;
}

// One's complement sum. RFC 1071
static u32 sum_up(u32 sum, const u8 *data, u32 size)
{
    for (u32 i = 0; i + 1 < size; i += 2)
        sum += load_be16(data + i);
    if (size & 1)
        sum += (u32)data[size - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static u32 sum_udp(const u8 *ip, u32 udp_size)
{
    return sum_up(sum_up(IP_UDP + udp_size, ip + 12, 8), ip + IP_HEADER, udp_size);
}

static void send_arp(struct netboot *net, u16 operation, const u8 to_mac[6], u32 to)
{
    static const u8 everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    u8 frame[60] = {0}, *arp = frame + ETHER_HEADER;
    memcpy(frame, to_mac ? to_mac : everybody, 6);
    memcpy(frame + 6, net->mac, 6);
    store_be16(frame + 12, ETHER_ARP);
    store_be16(arp, 1); // Ethernet
    store_be16(arp + 2, ETHER_IPV4);
    arp[4] = 6;
    arp[5] = 4;
    store_be16(arp + 6, operation);
    memcpy(arp + 8, net->mac, 6);
    store_be32(arp + 14, net->address);
    if (to_mac)
        memcpy(arp + 18, to_mac, 6);
    store_be32(arp + 24, to);
    net->ops->send(net->arg, frame, sizeof(frame));
}

static void take_arp(struct netboot *net, const u8 *arp)
{
    u16 operation = load_be16(arp + 6);
    u32 from = load_be32(arp + 14);
    if (load_be16(arp) != 1 || load_be16(arp + 2) != ETHER_IPV4 || arp[4] != 6 || arp[5] != 4 || !net->address ||
        load_be32(arp + 24) != net->address)
        return;
    if (operation == 1)
        send_arp(net, 2, arp + 8, from);
    else if (operation == 2 && from == net->hop)
        memcpy(net->hop_mac, arp + 8, 6);
}

struct datagram {
    u32 from, size;
    u16 from_port;
    const u8 *data; // in net->frame
};

// A datagram to one of our ports. false: it is something else, or broken.
static bool take_ip(const struct netboot *net, u32 frame_size, u16 port, struct datagram *d)
{
    const u8 *ip = net->frame + ETHER_HEADER, *udp = ip + IP_HEADER;
    if (frame_size < PAYLOAD_AT || ip[0] != 0x45) // options: nobody sends any
        return false;
    u32 total = load_be16(ip + 2), to = load_be32(ip + 16);
    if (total > frame_size - ETHER_HEADER || total < IP_HEADER + UDP_HEADER || ip[9] != IP_UDP ||
        load_be16(ip + 6) & 0x3fff || sum_up(0, ip, IP_HEADER) != 0xffff)
        return false;
    u32 udp_size = load_be16(udp + 4);
    if (udp_size < UDP_HEADER || udp_size > total - IP_HEADER || load_be16(udp + 2) != port)
        return false;
    if (load_be16(udp + 6) && sum_udp(ip, udp_size) != 0xffff)
        return false;
    if (net->address && to != net->address && to != BROADCAST)
        return false;
    *d = (struct datagram){load_be32(ip + 12), udp_size - UDP_HEADER, load_be16(udp), udp + UDP_HEADER};
    return true;
}

// The next datagram for a port; who asks for our hardware address gets it. false: none came until then.
static bool await(struct netboot *net, u16 port, s64 until, struct datagram *d)
{
    while (waiting(net, until)) {
        u32 size = net->ops->receive(net->arg, net->frame, until);
        if (size < ETHER_HEADER || size > NETBOOT_FRAME_MAX)
            continue;
        u16 type = load_be16(net->frame + 12);
        if (type == ETHER_ARP && size >= ETHER_HEADER + ARP_SIZE) {
            take_arp(net, net->frame + ETHER_HEADER);
            if (!port && net->hop_mac[0] != 0xff)
                return true; // who waits for nothing else
        } else if (type == ETHER_IPV4 && port && take_ip(net, size, port, d)) {
            return true;
        }
    }
    return false;
}

// Puts headers before the payload that is at PAYLOAD_AT, and sends it.
static void send_udp(struct netboot *net, u8 *frame, u32 size, u32 to, u16 port, u16 to_port)
{
    u8 *ip = frame + ETHER_HEADER, *udp = ip + IP_HEADER;
    u32 udp_size = UDP_HEADER + size;
    memset(frame, 0, PAYLOAD_AT);
    if (to == BROADCAST)
        memset(frame, 0xff, 6);
    else
        memcpy(frame, net->hop_mac, 6);
    memcpy(frame + 6, net->mac, 6);
    store_be16(frame + 12, ETHER_IPV4);
    ip[0] = 0x45;
    store_be16(ip + 2, (u16)(IP_HEADER + udp_size));
    store_be16(ip + 4, ++net->packets);
    ip[8] = 64;
    ip[9] = IP_UDP;
    store_be32(ip + 12, net->address);
    store_be32(ip + 16, to);
    store_be16(ip + 10, (u16)~sum_up(0, ip, IP_HEADER));
    store_be16(udp, port);
    store_be16(udp + 2, to_port);
    store_be16(udp + 4, (u16)udp_size);
    u16 sum = (u16)~sum_udp(ip, udp_size);
    store_be16(udp + 6, sum ? sum : 0xffff);
    net->ops->send(net->arg, frame, MAX(PAYLOAD_AT + size, 60u));
}

// The hardware address of whoever takes what is for `to`. false: nobody says.
static bool find_hop(struct netboot *net, u32 to)
{
    bool near = !net->router || (to & net->mask) == (net->address & net->mask);
    net->hop = near ? to : net->router;
    memset(net->hop_mac, 0xff, 6);
    for (u32 i = 0; i < ARP_TRIES; i++) {
        struct datagram d;
        send_arp(net, 1, NULL, net->hop);
        if (await(net, 0, now(net) + SECOND, &d))
            return true;
    }
    return false;
}

// What a DHCP or BOOTP server says.
struct offer {
    u8 type;                                    // 0: BOOTP
    u32 address, mask, router, id, next, named; // next: BOOTP's server; named: option 66
    u8 overload;
    char file[NETBOOT_FILE_MAX];
};

static bool parse_address(const char *text, size_t len, u32 *address)
{
    u32 value = 0, parts = 0;
    for (size_t i = 0; parts < 4; parts++, i++) {
        u32 number = 0, digits = 0;
        for (; i < len && text[i] >= '0' && text[i] <= '9' && digits < 4; i++, digits++)
            number = number * 10 + (u32)(text[i] - '0');
        if (!digits || number > 255 || (parts < 3 ? i >= len || text[i] != '.' : i != len))
            return false;
        value = value << 8 | number;
    }
    *address = value;
    return true;
}

static void copy_text(char *to, size_t room, const u8 *from, size_t size)
{
    size_t len = MIN(strnlen((const char *)from, size), room - 1);
    memcpy(to, from, len);
    to[len] = '\0';
}

static void take_option(struct offer *o, u8 code, const u8 *value, u8 size)
{
    u32 number = size >= 4 ? load_be32(value) : 0;
    switch (code) {
    case 1: o->mask = number; break;
    case 3: o->router = number; break;
    case 52: o->overload = size ? value[0] : 0; break;
    case 53: o->type = size ? value[0] : 0; break;
    case 54: o->id = number; break;
    case 66: parse_address((const char *)value, strnlen((const char *)value, size), &o->named); break;
    case 67: copy_text(o->file, sizeof(o->file), value, size); break;
    default: break;
    }
}

static void take_options(struct offer *o, const u8 *at, u32 size)
{
    for (u32 i = 0; i < size && at[i] != 255;) {
        if (at[i] == 0) {
            i++;
            continue;
        }
        if (size - i < 2 || at[i + 1] > size - i - 2)
            return;
        take_option(o, at[i], at + i + 2, at[i + 1]);
        i += 2u + at[i + 1];
    }
}

static bool take_offer(const struct netboot *net, const struct datagram *d, struct offer *o)
{
    const u8 *m = d->data;
    memset(o, 0, sizeof(*o));
    if (d->from_port != PORT_SERVER || d->size < BOOTP_SIZE || m[0] != 2 || m[1] != 1 || m[2] != 6 ||
        load_be32(m + 4) != net->id || memcmp(m + 28, net->mac, 6) != 0)
        return false;
    if (d->size >= BOOTP_SIZE + 4 && load_be32(m + BOOTP_SIZE) == BOOTP_COOKIE)
        take_options(o, m + BOOTP_SIZE + 4, d->size - BOOTP_SIZE - 4);
    // The fields of the fixed part may hold options instead. RFC 2132 "Option Overload"
    if (o->overload & 1)
        take_options(o, m + BOOTP_FILE, 128);
    else if (!o->file[0])
        copy_text(o->file, sizeof(o->file), m + BOOTP_FILE, 128);
    if (o->overload & 2)
        take_options(o, m + BOOTP_SNAME, 64);
    o->address = load_be32(m + 16);
    o->next = load_be32(m + 20);
    o->id = o->id ? o->id : d->from;
    return true;
}

static u8 *put_option(u8 *at, u8 code, u8 size, const void *value)
{
    at[0] = code;
    at[1] = size;
    memcpy(at + 2, value, size);
    return at + 2 + size;
}

static void send_dhcp(struct netboot *net, u8 type, const struct offer *o)
{
    // Subnet mask, router, name servers, host and domain name, root path, server name, boot file.
    static const u8 wanted[] = {1, 3, 6, 12, 15, 17, 66, 67};
    u8 frame[PAYLOAD_AT + 512] = {0}, *m = frame + PAYLOAD_AT, number[4];
    m[0] = 1;
    m[1] = 1;
    m[2] = 6;
    store_be32(m + 4, net->id);
    memcpy(m + 28, net->mac, 6);
    store_be32(m + BOOTP_SIZE, BOOTP_COOKIE);
    u8 client[7] = {1}, *at = put_option(m + BOOTP_SIZE + 4, 53, 1, &type);
    memcpy(client + 1, net->mac, 6);
    at = put_option(at, 61, sizeof(client), client);
    store_be16(number, NETBOOT_REPLY_MAX + IP_HEADER + UDP_HEADER);
    at = put_option(at, 57, 2, number);
    store_be16(number, 12); // RFC 4578, IANA: PowerPC Open Firmware
    at = put_option(at, 93, 2, number);
    if (type == DHCP_REQUEST) {
        store_be32(number, o->address);
        at = put_option(at, 50, 4, number);
        store_be32(number, o->id);
        at = put_option(at, 54, 4, number);
    }
    at = put_option(at, 55, sizeof(wanted), wanted);
    *at++ = 255;
    send_udp(net, frame, MAX((u32)(at - m), BOOTP_MIN), BROADCAST, PORT_CLIENT, PORT_SERVER);
}

// The wanted kind of answer. A plain BOOTP server's is the last word at once.
static bool await_offer(struct netboot *net, u8 type, s64 until, struct offer *o)
{
    struct datagram d;
    while (await(net, PORT_CLIENT, until, &d)) {
        if (!take_offer(net, &d, o))
            continue;
        if (o->type == DHCP_NAK && type == DHCP_ACK)
            return false;
        if ((o->type && o->type != type) || !o->address || o->address == BROADCAST)
            continue;
        net->reply_size = MIN(d.size, NETBOOT_REPLY_MAX);
        memcpy(net->reply, d.data, net->reply_size);
        return true;
    }
    return false;
}

static bool lease(struct netboot *net, struct offer *o)
{
    u32 tries = net->args.tries ? net->args.tries : TRIES;
    for (u32 i = 0; i < tries && !net->ops->over(net->arg); i++) {
        s64 wait = SECOND << MIN(i, 3u);
        net->id += i << 16;
        send_dhcp(net, DHCP_DISCOVER, o);
        if (!await_offer(net, DHCP_OFFER, now(net) + wait, o))
            continue;
        if (!o->type)
            return true;
        struct offer chosen = *o;
        send_dhcp(net, DHCP_REQUEST, &chosen);
        if (!await_offer(net, DHCP_ACK, now(net) + wait, o))
            continue;
        if (!o->file[0]) // servers may say it only once
            memcpy(o->file, chosen.file, sizeof(o->file));
        o->next = o->next ? o->next : chosen.next;
        return true;
    }
    return false;
}

// Without a mask it is the class's.
static u32 class_mask(u32 address)
{
    return address < 0x80000000u ? 0xff000000u : address < 0xc0000000u ? 0xffff0000u : 0xffffff00u;
}

int netboot_configure(struct netboot *net, char *why, size_t why_size)
{
    const struct netboot_args *a = &net->args;
    struct offer o = {0};
    net->address = net->hop = net->reply_size = 0;
    if (!(a->client && a->server && a->file[0]) && !lease(net, &o))
        return fail(-ETIMEDOUT, why, why_size, "no DHCP server answers");
    net->address = a->client ? a->client : o.address;
    net->mask = a->mask ? a->mask : o.mask ? o.mask : class_mask(net->address);
    net->router = a->gateway ? a->gateway : o.router;
    net->server = a->server ? a->server : o.next ? o.next : o.named ? o.named : o.id;
    memcpy(net->file, a->file[0] ? a->file : o.file, sizeof(net->file));
    if (!net->file[0])
        return fail(-ENOENT, why, why_size, "the DHCP server names no boot file");
    if (!net->server)
        return fail(-ENOENT, why, why_size, "the DHCP server names no TFTP server");
    return 0;
}

// A transfer.
struct tftp {
    u16 port, server_port; // server_port 0: it has not answered
    u32 block_size;
    u16 block; // the last one that came
    bool done;
};

static void send_request(struct netboot *net, const struct tftp *t)
{
    u8 frame[PAYLOAD_AT + 4 + NETBOOT_FILE_MAX + 64], *m = frame + PAYLOAD_AT;
    u32 wanted = net->args.block_size ? net->args.block_size : TFTP_BLOCK_WANTED;
    store_be16(m, TFTP_RRQ);
    int size = snprintf((char *)m + 2, sizeof(frame) - PAYLOAD_AT - 2, "%s%coctet%cblksize%c%u%ctsize%c0", net->file, 0,
                        0, 0, wanted, 0, 0);
    send_udp(net, frame, 2 + (u32)size + 1, net->server, t->port, PORT_TFTP);
}

static void send_ack(struct netboot *net, const struct tftp *t)
{
    u8 frame[PAYLOAD_AT + 4];
    store_be16(frame + PAYLOAD_AT, TFTP_ACK);
    store_be16(frame + PAYLOAD_AT + 2, t->block);
    send_udp(net, frame, 4, net->server, t->port, t->server_port);
}

// An option of the server's answer; 0: it is not there, or no number.
static u32 option_of(const u8 *at, u32 size, const char *name)
{
    while (size) {
        u32 len = (u32)strnlen((const char *)at, size);
        if (len == size)
            return 0;
        const u8 *value = at + len + 1;
        u32 rest = size - len - 1, value_len = (u32)strnlen((const char *)value, rest);
        if (value_len == rest)
            return 0;
        if (strcasecmp((const char *)at, name) == 0)
            return value_len <= 9 ? (u32)strtoul((const char *)value, NULL, 10) : 0;
        at = value + value_len + 1;
        size = rest - value_len - 1;
    }
    return 0;
}

// 1: it is something new; 0: it is not; or a negative errno.
static int take_packet(struct netboot *net, struct tftp *t, const struct datagram *d, netboot_sink *sink,
                       void *sink_arg, char *why, size_t why_size)
{
    const u8 *m = d->data;
    char server[NETBOOT_ADDRESS_MAX];
    if (d->from != net->server || d->size < 4 || (t->server_port && d->from_port != t->server_port))
        return 0;
    u16 operation = load_be16(m), number = load_be16(m + 2);
    if (operation == TFTP_ERROR) {
        char text[100];
        copy_text(text, sizeof(text), m + 4, d->size - 4);
        for (char *p = text; *p; p++)
            *p = *p >= 0x20 && *p < 0x7f ? *p : '?';
        return fail(-EIO, why, why_size, "%s does not give %s: %s (TFTP error %u)",
                    netboot_address(net->server, server), net->file, text, number);
    }
    if (operation == TFTP_OACK && !t->block && !t->server_port) {
        u32 size = option_of(m + 2, d->size - 2, "blksize");
        if (size > TFTP_BLOCK_MAX || (size && size < 8))
            return fail(-EPROTO, why, why_size, "%s wants blocks of %u bytes", netboot_address(net->server, server),
                        size);
        t->block_size = size ? size : TFTP_BLOCK;
        t->server_port = d->from_port;
        return 1;
    }
    if (operation != TFTP_DATA || (u16)(t->block + 1) != number || d->size - 4 > t->block_size)
        return 0;
    t->server_port = d->from_port;
    t->block = number;
    t->done = d->size - 4 < t->block_size;
    return sink(sink_arg, m + 4, d->size - 4) ? 1 : fail(-EFBIG, why, why_size, "%s is too large", net->file);
}

int netboot_fetch(struct netboot *net, netboot_sink *sink, void *sink_arg, char *why, size_t why_size)
{
    char server[NETBOOT_ADDRESS_MAX];
    u32 failures = 0, most = net->args.tftp_tries ? net->args.tftp_tries : TFTP_TRIES;
    struct tftp t = {.port = (u16)(0xc000 | (net->id & 0x3fff)), .block_size = TFTP_BLOCK};
    netboot_address(net->server, server);
    if (!find_hop(net, net->server))
        return fail(-EHOSTUNREACH, why, why_size, "%s does not answer", server);
    send_request(net, &t);
    while (!t.done) {
        s64 until = now(net) + SECOND;
        struct datagram d;
        int got = 0;
        while (!got && await(net, t.port, until, &d))
            got = take_packet(net, &t, &d, sink, sink_arg, why, why_size);
        if (got < 0)
            return got;
        if (got)
            failures = 0;
        else if (++failures == most || net->ops->over(net->arg))
            return fail(-ETIMEDOUT, why, why_size, "%s %s %s", server,
                        t.server_port ? "stopped in the middle of" : "does not answer when asked for", net->file);
        if (t.server_port)
            send_ack(net, &t);
        else
            send_request(net, &t);
    }
    return 0;
}

void netboot_parse_args(const char *text, struct netboot_args *args)
{
    memset(args, 0, sizeof(*args));
    u32 *const addresses[] = {&args->server, NULL, &args->client, &args->gateway, NULL, NULL, &args->mask};
    u32 *const numbers[] = {NULL, NULL, NULL, NULL, &args->tries, &args->tftp_tries, NULL, &args->block_size};
    u32 at = 0;
    for (const char *p = text; *p && at < ARRAY_LEN(numbers); p += *p == ',') {
        size_t len = strcspn(p, ",");
        bool keyword = memchr(p, '=', len) || (len == 5 && strncmp(p, "bootp", 5) == 0) ||
                       (len == 4 && (strncmp(p, "dhcp", 4) == 0 || strncmp(p, "ipv4", 4) == 0));
        if (keyword && at == 0) {
            p += len;
            continue;
        }
        if (at == 1)
            copy_text(args->file, sizeof(args->file), (const u8 *)p, len);
        else if (at < ARRAY_LEN(addresses) && addresses[at])
            parse_address(p, len, addresses[at]);
        else if (numbers[at] && len <= 5)
            *numbers[at] = (u32)strtoul(p, NULL, 10);
        at++;
        p += len;
    }
    args->tries = MIN(args->tries, 10u);
    args->tftp_tries = MIN(args->tftp_tries, 20u);
    if (args->block_size < 8 || args->block_size > TFTP_BLOCK_MAX)
        args->block_size = 0;
    for (char *p = args->file; *p; p++) // as Open Firmware writes paths
        if (*p == '\\')
            *p = '/';
}
