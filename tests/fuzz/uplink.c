// SPDX-License-Identifier: Apache-2.0
// Fuzz target: what an uplink reads from others: its starter's messages, clients' DHCP, the host's description of a frame, the other adapter's word on the control channel, a switch's on
// aggregation. What is passed on keeps to the
// protocol.
#include <stdlib.h>
#include <string.h>

#include "proto/vio/frame.h"
#include "proto/vio/uplink.h"
#include "vios/net/aggregate.h"
#include "vios/net/dhcp.h"
#include "vios/net/failover.h"
#include "vios/net/lacp.h"
#include "vios/net/real.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void try_message(const u8 *data, size_t size)
{
    struct uplink_message m = {0};
    memcpy(&m, data, MIN(size, sizeof(m)));
    if (uplink_message_valid(&m, size) && m.type == UPLINK_PORT)
        require(m.port.vlans_len <= UPLINK_VLANS_MAX && strlen(m.port.bootfile) < UPLINK_FILE_MAX);
}

// Two clients, of which one is known; a lease is never given twice.
static void try_dhcp(const u8 *data, size_t size)
{
    struct dhcp dhcp;
    struct uplink_lease lease = {.address = UPLINK_GUEST + 2, .mac = {2, 0, 0, 0, 0, 1}};
    u8 reply[DHCP_REPLY_MAX];
    u32 reply_size;
    dhcp_begin(&dhcp, UPLINK_GUEST);
    dhcp_keep(&dhcp, &lease);
    for (size_t at = 0, part; at < size; at += part) {
        part = MIN(size - at, (size_t)400);
        u8 *frame = malloc(part); // so that a read behind it is seen
        require(frame);
        memcpy(frame, data + at, part);
        dhcp_take(&dhcp, frame, (u32)part, reply, &reply_size);
        require(reply_size <= DHCP_REPLY_MAX);
        free(frame);
    }
    for (u32 i = 0; i < dhcp.len; i++)
        for (u32 j = 0; j < i; j++)
            require(dhcp.leases[i].address != dhcp.leases[j].address);
}

static void try_frame(const u8 *data, size_t size)
{
    if (size < VNET_HEADER + FRAME_SIZE_MIN || size > VNET_HEADER + FRAME_SIZE_MAX)
        return;
    struct frame frame = {.size = (u32)(size - VNET_HEADER)}, again;
    u8 *bytes = malloc(frame.size), header[VNET_HEADER];
    require(bytes);
    memcpy(bytes, data + VNET_HEADER, frame.size);
    if (real_take_header(data, &frame, bytes)) {
        u8 *message = malloc(FRAME_HEADER + frame.size);
        require(message);
        frame_put(message, &frame);
        require(frame_get(message, FRAME_HEADER + frame.size, &again));
        free(message);
        real_put_header(header, &frame, bytes, 4);
    }
    free(bytes);
}

static void try_word(const u8 *data, size_t size)
{
    struct failover f;
    struct failover_word word;
    failover_begin(&f, 1, false, size & 1, (const u8[6]){2, 0, 0, 0, 0, 1}, 0);
    for (s64 now = 0; size >= FAILOVER_FRAME; now += 100, data += FAILOVER_FRAME, size -= FAILOVER_FRAME) {
        bool good = failover_read(data, FAILOVER_FRAME, &word);
        failover_step(&f, good ? &word : NULL, data[22] & 1, now);
        require(f.own.bridges <= FAILOVER_ALL);
        require(f.own.state < FAILOVER_STATES && (data[22] & 1 || f.own.state == FAILOVER_LIMBO));
    }
}

// Frames at two ports in turn. Who sends may receive, and only ports with a link do.
static void try_lacp(const u8 *data, size_t size)
{
    struct lacp lacp;
    s64 now = 0;
    u8 said[LACP_FRAME];
    lacp_begin(&lacp, 2, (const u8[6]){2, 0, 0, 0, 0, 1});
    for (size_t at = 0, part; at < size; at += part, now += 500) {
        bool links[2] = {data[at] & 1, data[at] & 2};
        u32 port = data[at] >> 2 & 1;
        part = MIN(size - at, (size_t)LACP_FRAME);
        lacp_step(&lacp, links, now);
        u8 *frame = malloc(part);
        require(frame);
        memcpy(frame, data + at, part);
        if (part == LACP_FRAME && data[at] & 8) // mostly frames of the protocol, whose rest is anything
            memcpy(frame, "\x01\x80\xc2\0\0\x02\x02\0\0\0\0\x02\x88\x09\x01\x01\x01\x14", 18);
        lacp_take(&lacp, port, frame, (u32)part, now);
        aggregate_hash(frame, (u32)part, true);
        free(frame);
        lacp_say(&lacp, port, said, now);
        lacp_step(&lacp, links, now);
        for (u32 i = 0; i < 2; i++)
            require((!lacp_distributes(&lacp, i) || lacp_collects(&lacp, i)) && (links[i] || !lacp_collects(&lacp, i)));
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    if (!size)
        return 0;
    static void (*const tries[])(const u8 *, size_t) = {try_message, try_dhcp, try_frame, try_word, try_lacp};
    tries[data[0] % ARRAY_LEN(tries)](data + 1, size - 1);
    return 0;
}
