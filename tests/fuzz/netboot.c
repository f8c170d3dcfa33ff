// SPDX-License-Identifier: Apache-2.0
// Fuzz target: what firmware receives when it boots from the network. The input is a series of answers, each a byte that says what it is like and its bytes; headers
// and what must match to be looked at are put in where that byte asks for it.
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "papr/netboot.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define ADDRESS 0x0a00000fu
#define SERVER  0x0a000002u

static const u8 mac[6] = {2, 0, 0, 0, 0, 1};

static struct input in;
static struct {
    s64 now;
    u32 id;
    u16 port; // of the last datagram that was sent
} wire;

static u32 sum(u32 s, const u8 *at, u32 size)
{
    for (u32 i = 0; i < size; i++)
        s += i & 1 ? at[i] : (u32)at[i] << 8;
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return s;
}

static void send_frame(void *arg, const u8 *frame, u32 size)
{
    if (size > NETBOOT_FRAME_MAX || size < 60)
        abort();
    if (load_be16(frame + 12) != 0x800)
        return;
    wire.port = load_be16(frame + 34);
    if (load_be16(frame + 36) == 67)
        wire.id = load_be32(frame + 46);
}

static void put_ip(u8 *frame, u32 payload)
{
    u8 *ip = frame + 14;
    store_be16(frame + 12, 0x800);
    memset(ip, 0, 28);
    ip[0] = 0x45;
    store_be16(ip + 2, (u16)(28 + payload));
    ip[9] = 17;
    store_be32(ip + 12, SERVER);
    store_be32(ip + 16, ADDRESS);
    store_be16(ip + 10, (u16)~sum(0, ip, 20));
    store_be16(ip + 20, wire.port == 68 ? 67 : 3000);
    store_be16(ip + 22, wire.port);
    store_be16(ip + 24, (u16)(8 + payload));
}

static u32 receive_frame(void *arg, u8 frame[NETBOOT_FRAME_MAX], s64 until)
{
    if (!in.size) {
        wire.now = until;
        return 0;
    }
    u8 kind = take(&in);
    u32 size = kind & 64 ? NETBOOT_FRAME_MAX : 42u + take(&in) * 2u;
    for (u32 i = 0; i < size; i++)
        frame[i] = take(&in);
    u8 *payload = frame + 42;
    if (kind & 1)
        put_ip(frame, size - 42);
    if (kind & 2 && size >= 42 + 244) { // DHCP
        memcpy(payload, "\2\1\6", 3);
        store_be32(payload + 4, wire.id);
        memcpy(payload + 28, mac, 6);
        store_be32(payload + 236, 0x63825363);
        if (kind & 4)
            store_be32(payload + 16, ADDRESS);
    } else if (kind & 2) { // the answer to ARP
        memcpy(frame + 12, "\x08\x06\0\1\x08\0\6\4\0\2", 10);
        store_be32(frame + 28, SERVER);
        store_be32(frame + 38, ADDRESS);
    }
    if (kind & 8 && kind & 1) { // TFTP
        payload[0] = 0;
        payload[1] = kind >> 4 & 3 ? 3 : 6;
    }
    return size;
}

static s64 now(void *arg)
{
    return wire.now;
}

static bool over(void *arg)
{
    return false;
}

static bool sink(void *arg, const u8 *data, u32 size)
{
    u32 *left = arg;
    if (size > *left)
        return false;
    *left -= size;
    return sum(0, data, size) <= 0xffff; // all of it is there
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static const struct netboot_ops ops = {send_frame, receive_frame, now, over};
    struct netboot net = {.ops = &ops, .id = 1};
    char why[64], text[257];
    u32 left = 100000, used = (u32)MIN(size ? data[0] : 0u, size ? size - 1 : 0);
    memcpy(net.mac, mac, 6);
    if (size)
        memcpy(text, data + 1, used);
    text[used] = '\0';
    netboot_parse_args(text, &net.args);
    memset(&wire, 0, sizeof(wire));
    in = (struct input){.data = data + used + (size > 0), .size = size - used - (size > 0)};
    if (!netboot_configure(&net, why, sizeof(why)))
        netboot_fetch(&net, sink, &left, why, sizeof(why));
    return 0;
}
