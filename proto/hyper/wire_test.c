// SPDX-License-Identifier: Apache-2.0
#include "proto/hyper/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/test.h"
#include "proto/hyper/attr.h"
#include "proto/hyper/link.h"
#include "proto/hyper/message.h"

static struct wire_message m, got; // large

static u8 *example(size_t *size)
{
    m = (struct wire_message){.type = MESSAGE_CREATE, .serial = 7, .object = OBJECT_LPAR};
    wire_put_text(&m.where, "name", "web01");
    wire_put_num(&m.values, "min_mem", 1ull << 40);
    wire_put(&m.values, "list", (struct wire_value){.kind = WIRE_LIST, .change = WIRE_ADD, .text = "a,b"});
    wire_put(&m.values, "nothing", (struct wire_value){.kind = WIRE_NULL});
    return wire_encode(&m, size);
}

static void test_comes_back(void)
{
    size_t size;
    u8 *frame = example(&size);
    CHECK_EQ(wire_frame_size(frame, size), size);
    CHECK_EQ(wire_decode(frame, size, &got), 0);
    CHECK_EQ(got.type, MESSAGE_CREATE);
    CHECK_EQ(got.serial, 7);
    CHECK_EQ(got.object, OBJECT_LPAR);
    CHECK_STR(wire_text(&got.where, "name"), "web01");
    CHECK_EQ(wire_num(&got.values, "min_mem", 0), 1ull << 40);
    CHECK_EQ(wire_get(&got.values, "list")->change, WIRE_ADD);
    CHECK_EQ(wire_get(&got.values, "nothing")->kind, WIRE_NULL);
    CHECK(!wire_get(&got.values, "other") && wire_num(&got.values, "other", 5) == 5);
    free(frame);
}

// Whatever byte is another one, or is missing, the answer is a refusal or a well-formed message, and no byte beyond is read.
static void test_damage(void)
{
    size_t size;
    u8 *frame = example(&size);
    unsigned refused = 0;
    for (size_t cut = 0; cut < size; cut++) {
        u8 *copy = malloc(cut ? cut : 1); // the exact size: sanitizers see a read beyond it
        memcpy(copy, frame, cut);
        CHECK(wire_decode(copy, cut, &got) == -EPROTO);
        free(copy);
    }
    for (size_t at = 0; at < size; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            u8 *copy = malloc(size);
            memcpy(copy, frame, size);
            copy[at] ^= (u8)(1u << bit);
            int err = wire_decode(copy, size, &got);
            CHECK(err == 0 || err == -EPROTO);
            refused += err != 0;
            free(copy);
        }
    CHECK(refused > 100);
    free(frame);
}

static void test_limits(void)
{
    size_t size;
    u8 header[WIRE_HEADER] = {0xff, 0xff, 0xff, 0xff, 4, 0};
    CHECK_EQ(wire_frame_size(header, sizeof(header)), -EPROTO);
    CHECK_EQ(wire_frame_size(header, 5), 0);
    m = (struct wire_message){.type = MESSAGE_LIST};
    for (unsigned i = 0; i <= WIRE_PAIRS_MAX; i++)
        wire_put_num(&m.values, "n", i);
    CHECK(!wire_encode(&m, &size));
    m.values.len = 0;
    char *text = malloc(WIRE_TEXT_MAX + 1);
    memset(text, 'x', WIRE_TEXT_MAX);
    text[WIRE_TEXT_MAX] = 0;
    wire_put_text(&m.values, "t", text);
    CHECK(!wire_encode(&m, &size));
    free(text);
}

static void test_link_carries_messages_and_descriptors(void)
{
    int pair[2], fds[WIRE_FDS_MAX], pipe_ends[2], got_messages = 0, got_fds = 0;
    struct link a, b;
    char byte = 0;
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    CHECK_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
    link_init(&a, pair[0]);
    link_init(&b, pair[1]);
    size_t size;
    free(example(&size)); // fills in m
    for (unsigned i = 0; i < 100; i++)
        link_send(&a, &m, &pipe_ends[1], i % 10 == 0);
    for (unsigned round = 0; round < 1000 && got_messages < 100; round++) {
        link_flush(&a);
        link_fill(&b);
        while (link_next(&b, &got, fds) > 0) {
            got_messages++;
            for (unsigned i = 0; i < got.fds; i++) {
                CHECK_EQ(write(fds[i], "x", 1), 1);
                close(fds[i]);
                got_fds++;
            }
        }
    }
    CHECK_EQ(got_messages, 100);
    CHECK_EQ(got_fds, 10);
    CHECK_EQ(read(pipe_ends[0], &byte, 1), 1);
    CHECK_EQ(link_peer_uid(b.fd), geteuid());
    link_fini(&a);
    CHECK_EQ(link_fill(&b), 0);
    link_fini(&b);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

static void test_link_refuses_noise(void)
{
    int pair[2], fds[WIRE_FDS_MAX];
    struct link b;
    u8 noise[64];
    memset(noise, 0xee, sizeof(noise));
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    link_init(&b, pair[1]);
    CHECK_EQ(link_next(&b, &got, fds), 0);
    CHECK_EQ(write(pair[0], noise, sizeof(noise)), sizeof(noise));
    CHECK(link_fill(&b) > 0);
    CHECK_EQ(link_next(&b, &got, fds), -EPROTO);
    link_fini(&b);
    close(pair[0]);
}

int main(void)
{
    TEST(test_comes_back);
    TEST(test_damage);
    TEST(test_limits);
    TEST(test_link_carries_messages_and_descriptors);
    TEST(test_link_refuses_noise);
    return test_done();
}
