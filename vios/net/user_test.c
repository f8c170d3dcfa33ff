// SPDX-License-Identifier: Apache-2.0
// The user-mode network as a partition sees it: an address by DHCP, ARP, and a connection to a server of this program; here side 0 of the link is played.
#include "vios/net/user.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/test.h"
#include "proto/vio/frame.h"
#include "proto/vio/offload.h"

static struct ring_fds fds;
static struct ring *ring;
static struct user_net *net;
static int control;
static pthread_t thread;
static u8 frame[2000];
static u32 frame_size;

static void *serve(void *arg)
{
    user_net_run(net, control);
    return NULL;
}

static void next(void)
{
    for (;;) {
        u32 size;
        struct frame f;
        const void *m = ring_peek(ring, &size);
        if (m) {
            bool good = frame_get(m, size, &f), data = good && f.kind == FRAME_DATA && f.size <= sizeof(frame);
            CHECK(good);
            if (data)
                memcpy(frame, (const u8 *)m + FRAME_HEADER, frame_size = f.size);
            ring_consume(ring);
            if (data)
                return;
            continue;
        }
        struct pollfd p = {.fd = ring_bell(ring), .events = POLLIN};
        if (ring_sleep(ring))
            poll(&p, 1, -1);
        ring_woken(ring);
    }
}

static void send_message(u8 kind, u16 flags, const u8 *bytes, u32 size)
{
    struct frame f = {kind, flags, size, 0};
    u8 *to = ring_reserve(ring, FRAME_HEADER + size);
    CHECK(to);
    frame_put(to, &f);
    memcpy(to + FRAME_HEADER, bytes, size);
    ring_commit(ring, FRAME_HEADER + size);
    ring_notify(ring);
}

static const u8 mac[6] = {2, 0, 0, 0, 0, 1};

static void ip_header(u8 protocol, const char *to, u32 carried)
{
    memset(frame, 0, sizeof(frame));
    memcpy(frame, "\xff\xff\xff\xff\xff\xff", 6);
    memcpy(frame + 6, mac, 6);
    store_be16(frame + 12, 0x0800);
    frame[14] = 0x45;
    store_be16(frame + 16, (u16)(20 + carried));
    frame[22] = 64;
    frame[23] = protocol;
    memcpy(frame + 26, protocol == 17 ? "\0\0\0\0" : "\x0a\x00\x02\x0f", 4);
    struct in_addr in;
    inet_pton(AF_INET, to, &in);
    memcpy(frame + 30, &in, 4);
    offload_ipv4_checksum(frame + 14, 20);
}

static void test_dhcp(void)
{
    ip_header(17, "255.255.255.255", 8 + 300);
    u8 *udp = frame + 34, *bootp = udp + 8;
    store_be16(udp, 68);
    store_be16(udp + 2, 67);
    store_be16(udp + 4, 308);
    memcpy(bootp, "\x01\x01\x06\x00\x12\x34\x56\x78", 8);
    memcpy(bootp + 28, mac, 6);
    memcpy(bootp + 236, "\x63\x82\x53\x63\x35\x01\x01\xff", 8); // DISCOVER
    send_message(FRAME_DATA, 0, frame, 342);
    do
        next();
    while (load_be16(frame + 12) != 0x0800 || frame[23] != 17);
    CHECK(!memcmp(frame + 42 + 4, "\x12\x34\x56\x78", 4));
    CHECK(!memcmp(frame + 42 + 16, "\x0a\x00\x02\x0f", 4));
}

static void tcp_segment(u32 port, u32 sequence, u32 ack, u8 flags, const char *text)
{
    u32 carried = (u32)strlen(text);
    ip_header(6, "10.0.2.2", 20 + carried);
    u8 *t = frame + 34;
    store_be16(t, 40000);
    store_be16(t + 2, (u16)port);
    store_be32(t + 4, sequence);
    store_be32(t + 8, ack);
    t[12] = 0x50;
    t[13] = flags;
    store_be16(t + 14, 0xffff);
    memcpy(t + 20, text, carried);
    send_message(FRAME_DATA, FRAME_CSUM_NEEDED | FRAME_CSUM_GOOD, frame, 54 + carried); // its checksum is not there
}

static void next_tcp(void)
{
    do {
        next();
        if (load_be16(frame + 12) == 0x0806 && load_be16(frame + 20) == 1) { // it asks who we are
            u8 answer[42];
            memcpy(answer, frame, 42);
            memcpy(answer, frame + 6, 6);
            memcpy(answer + 6, mac, 6);
            answer[21] = 2;
            memcpy(answer + 22, mac, 6);
            memcpy(answer + 28, "\x0a\x00\x02\x0f", 4);
            memcpy(answer + 32, frame + 22, 10);
            send_message(FRAME_DATA, 0, answer, 42);
        }
    } while (load_be16(frame + 12) != 0x0800 || frame[23] != 6);
}

static void test_connection(void)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(where);
    int server = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(!bind(server, (struct sockaddr *)&where, len) && !listen(server, 1) &&
          !getsockname(server, (struct sockaddr *)&where, &len));
    u32 port = ntohs(where.sin_port);
    tcp_segment(port, 100, 0, 0x02, "");
    next_tcp();
    CHECK_EQ(frame[34 + 13], 0x12);
    u32 theirs = load_be32(frame + 34 + 4);
    tcp_segment(port, 101, theirs + 1, 0x10, "");
    tcp_segment(port, 101, theirs + 1, 0x18, "hello");
    int connection = accept(server, NULL, NULL);
    char text[16] = "";
    CHECK_EQ(recv(connection, text, 5, MSG_WAITALL), 5);
    CHECK_STR(text, "hello");
    CHECK_EQ(send(connection, "goodbye", 7, 0), 7);
    do
        next_tcp();
    while (load_be16(frame + 16) == 40);
    CHECK(!memcmp(frame + 54, "goodbye", 7));
    close(connection);
    close(server);
}

int main(void)
{
    struct uplink_port config = {.side = 1};
    u8 port[6];
    memcpy(port, mac, 6);
    control = eventfd(0, 0);
    if (ring_create(FRAME_RING_SIZE, 0, &fds) || !(ring = ring_attach(&fds, 0)) ||
        !(net = user_net_new(&config, &fds))) {
        printf("Bail out! no network\n");
        return 1;
    }
    send_message(FRAME_PORT, PORT_OPEN, port, 6);
    pthread_create(&thread, NULL, serve, NULL);
    TEST(test_dhcp);
    TEST(test_connection);
    u64 one = 1;
    CHECK(write(control, &one, 8) == 8);
    pthread_join(thread, NULL);
    user_net_free(net);
    ring_detach(ring);
    ring_close_fds(&fds);
    return test_done();
}
