// SPDX-License-Identifier: Apache-2.0
// Booting from the network against a server in this process, whose clock stands still but when somebody waits.
#include "papr/netboot.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "base/test.h"

#define SERVER   0x0a000002u
#define CLIENT   0x0a00000fu
#define ROUTER   0x0a000001u
#define FAR_AWAY 0xc0a80102u
#define QUEUE    8u

static const u8 own_mac[6] = {2, 0, 0, 0, 0, 1}, server_mac[6] = {2, 0, 0, 0, 0, 2}, router_mac[6] = {2, 0, 0, 0, 0, 3};

static struct server {
    // What it does.
    bool silent, no_arp, bootp, nak, no_file, no_options, overload, refuse;
    u32 next; // the TFTP server it names
    u32 lose; // every so many frames of ours are lost
    u32 file_size;
    // What it saw.
    s64 now;
    u32 frames, requests, acks, repeats;
    u16 asked_port, block_size, last_ack;
    char file[64];
    // To be received.
    u8 queue[QUEUE][NETBOOT_FRAME_MAX];
    u32 sizes[QUEUE], len;
} server;

static u8 byte_at(u32 at)
{
    return (u8)(at * 7 + at / 256);
}

static u32 sum(u32 s, const u8 *data, u32 size)
{
    for (u32 i = 0; i < size; i++)
        s += i & 1 ? data[i] : (u32)data[i] << 8;
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return s;
}

static void reply(const u8 *frame, u32 size)
{
    CHECK(server.len < QUEUE && size <= NETBOOT_FRAME_MAX);
    memcpy(server.queue[server.len], frame, size);
    server.sizes[server.len++] = size;
}

static void reply_udp(u32 from, u16 port, u16 to_port, const u8 *data, u32 size)
{
    u8 frame[NETBOOT_FRAME_MAX] = {0}, *ip = frame + 14, *udp = ip + 20;
    memcpy(frame, own_mac, 6);
    memcpy(frame + 6, server_mac, 6);
    store_be16(frame + 12, 0x800);
    ip[0] = 0x45;
    store_be16(ip + 2, (u16)(28 + size));
    ip[8] = 64;
    ip[9] = 17;
    store_be32(ip + 12, from);
    store_be32(ip + 16, CLIENT);
    store_be16(ip + 10, (u16)~sum(0, ip, 20));
    store_be16(udp, port);
    store_be16(udp + 2, to_port);
    store_be16(udp + 4, (u16)(8 + size));
    memcpy(udp + 8, data, size);
    store_be16(udp + 6, (u16)~sum(sum(17 + 8 + size, ip + 12, 8), udp, 8 + size));
    reply(frame, 42 + size);
}

static void on_arp(const u8 *arp)
{
    u32 asked = load_be32(arp + 24);
    u8 frame[60] = {0}, *out = frame + 14;
    CHECK_EQ(load_be16(arp + 6), 1);
    CHECK_EQ(load_be32(arp + 14), CLIENT);
    if (server.no_arp || (asked != SERVER && asked != ROUTER))
        return;
    memcpy(frame, own_mac, 6);
    store_be16(frame + 12, 0x806);
    memcpy(out, arp, 8);
    store_be16(out + 6, 2);
    memcpy(out + 8, asked == ROUTER ? router_mac : server_mac, 6);
    store_be32(out + 14, asked);
    memcpy(out + 18, own_mac, 6);
    store_be32(out + 24, CLIENT);
    reply(frame, sizeof(frame));
}

static const u8 *option(const u8 *m, u8 code)
{
    for (const u8 *at = m + 240; *at != 255; at += 2 + at[1])
        if (*at == code)
            return at;
    return NULL;
}

static void on_dhcp(const u8 *m, u32 size)
{
    u8 out[340] = {2, 1, 6}, *at = out + 240;
    const u8 *type = option(m, 53);
    CHECK(m[0] == 1 && size >= 300 && memcmp(m + 28, own_mac, 6) == 0 && load_be32(m + 236) == 0x63825363);
    CHECK(type && (type[2] == 1 || type[2] == 3) && option(m, 55) && option(m, 93));
    if (server.silent)
        return;
    if (type[2] == 3) {
        CHECK_EQ(load_be32(option(m, 50) + 2), CLIENT);
        CHECK_EQ(load_be32(option(m, 54) + 2), SERVER);
    }
    memcpy(out + 4, m + 4, 4);
    store_be32(out + 16, server.nak && type[2] == 3 ? 0 : CLIENT);
    store_be32(out + 20, server.next);
    memcpy(out + 28, own_mac, 6);
    if (!server.no_file && !server.overload)
        strcpy((char *)out + 108, "boot/program");
    if (server.overload)
        memcpy(out + 108,
               "\x43\x0c"
               "boot/program\xff",
               15);
    if (!server.bootp) {
        store_be32(out + 236, 0x63825363);
        memcpy(at, (const u8[]){53, 1, type[2] == 1 ? 2 : server.nak ? 6 : 5}, 3);
        memcpy(at + 3, (const u8[]){54, 4, 10, 0, 0, 2, 1, 4, 255, 255, 255, 0, 3, 4, 10, 0, 0, 1}, 18);
        at += 21;
        if (server.overload)
            memcpy(at, (const u8[]){52, 1, 1}, 3), at += 3;
        *at = 255;
    }
    server.nak = server.nak && type[2] != 3; // once
    reply_udp(SERVER, 67, 68, out, sizeof(out));
}

static void send_block(u32 from, u16 to_port, u16 number)
{
    static u32 base; // of numbers that went round
    u8 out[4 + 1500];
    if (number == 1 && server.last_ack == 0 && server.acks <= 1)
        base = 0;
    if (number == 0 && server.last_ack == 65535)
        base += 65536;
    u32 start = (base + number - 1) * server.block_size;
    u32 size = start > server.file_size ? 0 : MIN(server.file_size - start, server.block_size);
    store_be16(out, 3);
    store_be16(out + 2, number);
    for (u32 i = 0; i < size; i++)
        out[4 + i] = byte_at(start + i);
    if (start <= server.file_size)
        reply_udp(from, 3000, to_port, out, 4 + size);
}

static void on_tftp(const u8 *m, u32 size, u32 to, u16 port, u16 to_port)
{
    if (load_be16(m) == 1) {
        const char *file = (const char *)m + 2, *mode = file + strlen(file) + 1, *name = mode + 6, *value = name + 8;
        CHECK_EQ(to_port, 69);
        CHECK_STR(mode, "octet");
        CHECK_STR(name, "blksize");
        server.requests++;
        server.asked_port = port;
        server.last_ack = 0;
        snprintf(server.file, sizeof(server.file), "%s", file);
        if (server.refuse) {
            reply_udp(to, 3000, port, (const u8 *)"\0\5\0\1File not found", 19);
            return;
        }
        server.block_size = server.no_options ? 512 : (u16)atoi(value);
        if (server.no_options) {
            send_block(to, port, 1);
            return;
        }
        u8 out[64];
        store_be16(out, 6);
        int len = snprintf((char *)out + 2, sizeof(out) - 2, "blksize%c%u%ctsize%c%u", 0, server.block_size, 0, 0,
                           server.file_size);
        reply_udp(to, 3000, port, out, 2 + (u32)len + 1);
        return;
    }
    CHECK_EQ(load_be16(m), 4);
    CHECK_EQ(to_port, 3000);
    CHECK_EQ(port, server.asked_port);
    u16 number = load_be16(m + 2);
    server.acks++;
    server.repeats += number == server.last_ack && number;
    send_block(to, port, (u16)(number + 1));
    server.last_ack = number;
}

static void send_frame(void *arg, const u8 *frame, u32 size)
{
    server.frames++;
    CHECK(size >= 60 && size <= NETBOOT_FRAME_MAX && memcmp(frame + 6, own_mac, 6) == 0);
    if (server.lose && server.frames % server.lose == 0)
        return;
    if (load_be16(frame + 12) == 0x806) {
        on_arp(frame + 14);
        return;
    }
    const u8 *ip = frame + 14, *udp = ip + 20;
    u32 udp_size = load_be16(udp + 4), to = load_be32(ip + 16);
    CHECK_EQ(sum(0, ip, 20), 0xffff);
    CHECK_EQ(sum(sum(17 + udp_size, ip + 12, 8), udp, udp_size), 0xffff);
    if (load_be16(udp + 2) == 67) {
        on_dhcp(udp + 8, udp_size - 8);
        return;
    }
    CHECK(memcmp(frame, to == SERVER ? server_mac : router_mac, 6) == 0);
    on_tftp(udp + 8, udp_size - 8, to, load_be16(udp), load_be16(udp + 2));
}

static u32 receive_frame(void *arg, u8 frame[NETBOOT_FRAME_MAX], s64 until)
{
    if (!server.len) {
        server.now = until;
        return 0;
    }
    u32 size = server.sizes[0];
    memcpy(frame, server.queue[0], size);
    server.len--;
    memmove(server.queue, server.queue + 1, server.len * sizeof(server.queue[0]));
    memmove(server.sizes, server.sizes + 1, server.len * sizeof(u32));
    return size;
}

static s64 now(void *arg)
{
    return server.now;
}

static bool over(void *arg)
{
    return false;
}

static const struct netboot_ops ops = {send_frame, receive_frame, now, over};
static struct netboot net;
static u32 got;
static bool wrong;
static char why[256];

static bool take(void *arg, const u8 *data, u32 size)
{
    for (u32 i = 0; i < size; i++)
        wrong |= data[i] != byte_at(got + i);
    got += size;
    return got <= 200 * MIB;
}

static void begin(const char *args)
{
    memset(&server, 0, sizeof(server));
    server.file_size = 10000;
    net = (struct netboot){.ops = &ops, .id = 0x12345678};
    memcpy(net.mac, own_mac, 6);
    netboot_parse_args(args, &net.args);
    got = 0;
    wrong = false;
    why[0] = '\0';
}

static bool boot(void)
{
    return !netboot_configure(&net, why, sizeof(why)) && !netboot_fetch(&net, take, NULL, why, sizeof(why));
}

static void test_plain(void)
{
    begin("");
    CHECK(boot() && got == 10000 && !wrong);
    CHECK_STR(server.file, "boot/program");
    CHECK_EQ(server.block_size, 1428);
    CHECK(net.address == CLIENT && net.mask == 0xffffff00 && net.router == ROUTER && net.server == SERVER);
    CHECK(net.reply_size == 340 && net.reply[0] == 2);
    CHECK_EQ(server.repeats, 0);
    // whole blocks only: an empty one is the last
    begin("");
    server.file_size = 1428 * 3;
    CHECK(boot() && got == 1428 * 3 && !wrong);
    begin("");
    server.file_size = 0;
    CHECK(boot() && got == 0);
}

static void test_servers(void)
{
    begin("");
    server.bootp = true;
    CHECK(boot() && got == 10000);
    CHECK_EQ(net.mask, 0xff000000);
    begin("");
    server.no_options = true;
    CHECK(boot() && got == 10000 && !wrong);
    begin("");
    server.overload = true;
    CHECK(boot() && got == 10000);
    CHECK_STR(server.file, "boot/program");
    begin("");
    server.nak = true; // the first request
    CHECK(boot() && got == 10000);
    // behind the router
    begin("");
    server.next = FAR_AWAY;
    CHECK(boot() && got == 10000 && net.server == FAR_AWAY);
}

static void test_losses(void)
{
    begin("");
    server.lose = 5;
    server.file_size = 200000;
    CHECK(boot() && got == 200000 && !wrong);
    CHECK(server.requests >= 1);
}

// Numbers of blocks have 16 bits.
static void test_large(void)
{
    begin("");
    server.file_size = 70000 * 1428 + 5;
    CHECK(boot() && got == 70000 * 1428 + 5 && !wrong);
}

static void test_complaints(void)
{
    begin("");
    server.silent = true;
    CHECK(!boot());
    CHECK_STR(why, "no DHCP server answers");
    CHECK(server.now >= 15000000000);
    begin("");
    server.no_file = true;
    CHECK(!boot());
    CHECK_STR(why, "the DHCP server names no boot file");
    begin("");
    server.no_arp = true;
    CHECK(!boot());
    CHECK_STR(why, "10.0.0.2 does not answer");
    begin("");
    server.refuse = true;
    CHECK(!boot());
    CHECK_STR(why, "10.0.0.2 does not give boot/program: File not found (TFTP error 1)");
    begin("");
    server.file_size = 201 * MIB;
    CHECK(!boot());
    CHECK_STR(why, "boot/program is too large");
}

static void test_args(void)
{
    struct netboot_args a;
    netboot_parse_args("speed=auto,duplex=auto,bootp,10.0.0.2,boot\\other,010.000.000.015,0.0.0.0,3,7,255.255.0.0,512",
                       &a);
    CHECK(a.server == SERVER && a.client == CLIENT && !a.gateway && a.mask == 0xffff0000);
    CHECK(a.tries == 3 && a.tftp_tries == 7 && a.block_size == 512);
    CHECK_STR(a.file, "boot/other");
    netboot_parse_args("bootp,0.0.0.0,,0.0.0.0,0.0.0.0", &a);
    CHECK(!a.server && !a.client && !a.file[0]);
    netboot_parse_args("10.0.0.256,x,1.2.3,4.5.6.7.8,,,,99999", &a);
    CHECK(!a.server && !a.client && !a.gateway && !a.block_size);
    // addresses that are given need no DHCP
    begin("10.0.0.2,boot/given,10.0.0.15,,,,255.255.255.0,512");
    server.silent = true;
    CHECK(boot() && got == 10000 && server.block_size == 512);
    CHECK_STR(server.file, "boot/given");
    CHECK_EQ(net.reply_size, 0);
    // a file that is given, the rest from DHCP
    begin(",boot/given");
    CHECK(boot());
    CHECK_STR(server.file, "boot/given");
}

int main(void)
{
    TEST(test_plain);
    TEST(test_servers);
    TEST(test_losses);
    TEST(test_large);
    TEST(test_complaints);
    TEST(test_args);
    return test_done();
}
