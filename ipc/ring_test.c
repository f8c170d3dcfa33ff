// SPDX-License-Identifier: Apache-2.0
#include "ipc/ring.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/test.h"
#include "base/test_random.h"

struct pair {
    struct ring_fds fds;
    struct ring *sides[2];
};

static void open_pair(struct pair *p, u32 ring_size, u64 data_size)
{
    CHECK_EQ(ring_create(ring_size, data_size, &p->fds), 0);
    for (unsigned side = 0; side < 2; side++)
        p->sides[side] = ring_attach(&p->fds, side);
    CHECK(p->sides[0] && p->sides[1]);
}

static void close_pair(struct pair *p)
{
    ring_detach(p->sides[0]);
    ring_detach(p->sides[1]);
    ring_close_fds(&p->fds);
}

static bool send_text(struct ring *ring, const char *text)
{
    char *to = ring_reserve(ring, (u32)strlen(text));
    if (!to)
        return false;
    memcpy(to, text, strlen(text));
    ring_commit(ring, (u32)strlen(text));
    ring_notify(ring);
    return true;
}

static bool next_is(struct ring *ring, const char *text)
{
    u32 size = 0;
    const char *got = ring_peek(ring, &size);
    bool same = got && size == strlen(text) && !memcmp(got, text, size);
    if (got)
        ring_consume(ring);
    return same;
}

static bool rings(const struct ring *ring)
{
    struct pollfd p = {.fd = ring_bell(ring), .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void test_messages_arrive_in_order(void)
{
    struct pair p;
    u32 size;
    open_pair(&p, RING_SIZE_MIN, 0);
    CHECK(!ring_peek(p.sides[1], &size));
    CHECK(send_text(p.sides[0], "one"));
    CHECK(send_text(p.sides[0], ""));
    CHECK(send_text(p.sides[0], "the third"));
    CHECK(send_text(p.sides[1], "back"));
    CHECK(next_is(p.sides[1], "one"));
    CHECK(next_is(p.sides[1], ""));
    CHECK(next_is(p.sides[1], "the third"));
    CHECK(!ring_peek(p.sides[1], &size));
    CHECK(next_is(p.sides[0], "back"));
    CHECK(!ring_data(p.sides[0]));
    close_pair(&p);
}

static void test_a_commit_may_be_shorter(void)
{
    struct pair p;
    open_pair(&p, RING_SIZE_MIN, 0);
    char *to = ring_reserve(p.sides[0], 1000);
    CHECK(to != NULL);
    memcpy(to, "short", 5);
    ring_commit(p.sides[0], 5);
    CHECK(next_is(p.sides[1], "short"));
    close_pair(&p);
}

static void test_the_bell_rings_for_sleepers_only(void)
{
    struct pair p;
    open_pair(&p, RING_SIZE_MIN, 0);
    CHECK(send_text(p.sides[0], "a"));
    CHECK(!rings(p.sides[1]));
    CHECK(!ring_sleep(p.sides[1])); // there is something
    CHECK(next_is(p.sides[1], "a"));
    CHECK(ring_sleep(p.sides[1]));
    CHECK(!rings(p.sides[1]));
    CHECK(send_text(p.sides[0], "b"));
    CHECK(rings(p.sides[1]));
    ring_woken(p.sides[1]);
    CHECK(!rings(p.sides[1]));
    CHECK(next_is(p.sides[1], "b"));
    close_pair(&p);
}

static void test_room_comes_back_with_a_bell(void)
{
    struct pair p;
    open_pair(&p, RING_SIZE_MIN, 0);
    unsigned sent = 0;
    while (send_text(p.sides[0], "sixteen byte text"))
        sent++;
    CHECK_EQ(sent, RING_SIZE_MIN / 32);
    CHECK(!rings(p.sides[0]));
    CHECK(next_is(p.sides[1], "sixteen byte text"));
    CHECK(rings(p.sides[0]));
    ring_woken(p.sides[0]);
    CHECK(send_text(p.sides[0], "sixteen byte text"));
    CHECK(!ring_reserve(p.sides[0], RING_MESSAGE_MAX(RING_SIZE_MIN) + 1));
    close_pair(&p);
}

static void test_the_largest_message_always_fits_an_empty_ring(void)
{
    struct pair p;
    open_pair(&p, RING_SIZE_MIN, 0);
    for (u32 before = 0; before < RING_SIZE_MIN; before += 8) {
        u32 size;
        CHECK(send_text(p.sides[0], "moves on"));
        CHECK(next_is(p.sides[1], "moves on"));
        u8 *to = ring_reserve(p.sides[0], RING_MESSAGE_MAX(RING_SIZE_MIN));
        CHECK(to != NULL);
        if (!to)
            break;
        memset(to, (int)(before & 0xff), RING_MESSAGE_MAX(RING_SIZE_MIN));
        ring_commit(p.sides[0], RING_MESSAGE_MAX(RING_SIZE_MIN));
        const u8 *got = ring_peek(p.sides[1], &size);
        CHECK(got && size == RING_MESSAGE_MAX(RING_SIZE_MIN) && got[0] == (before & 0xff) && got[size - 1] == got[0]);
        ring_consume(p.sides[1]);
    }
    close_pair(&p);
}

static void test_both_see_the_data_area(void)
{
    struct pair p;
    open_pair(&p, RING_SIZE_MIN, 0x2000);
    CHECK_EQ(ring_data_size(p.sides[0]), 0x2000);
    memcpy((u8 *)ring_data(p.sides[0]) + 0x1ffc, "end", 4);
    CHECK_STR((char *)ring_data(p.sides[1]) + 0x1ffc, "end");
    CHECK(send_text(p.sides[0], "beside it"));
    CHECK(next_is(p.sides[1], "beside it"));
    close_pair(&p);
}

// Where the host has no large pages nothing happens, which is as good.
static void test_large_pages_hold_the_same_data(void)
{
    enum { SIZE = 8 * MIB };
    struct pair p;
    open_pair(&p, RING_SIZE_MIN, SIZE);
    u8 *a = ring_data(p.sides[0]), *b = ring_data(p.sides[1]);
    for (u32 i = 0; i < SIZE; i += 4096)
        a[i] = (u8)(i / 4096 * 7);
    CHECK(send_text(p.sides[0], "before"));
    for (u32 i = 0; i < 6; i++)
        ring_enlarge_data(p.sides[1], i * MIB, 3 * MIB); // over both ends of what could be large
    ring_enlarge_data(p.sides[0], 0, 0);
    u32 wrong = 0;
    for (u32 i = 0; i < SIZE; i += 4096)
        wrong += b[i] != (u8)(i / 4096 * 7);
    CHECK_EQ(wrong, 0);
    CHECK(next_is(p.sides[1], "before"));
    b[5 * MIB + 17] = 42;
    CHECK_EQ(a[5 * MIB + 17], 42);
    close_pair(&p);
}

static void test_a_side_that_comes_back_loses_nothing(void)
{
    struct pair p;
    u32 size;
    open_pair(&p, RING_SIZE_MIN, 0);
    CHECK(send_text(p.sides[0], "taken"));
    CHECK(send_text(p.sides[0], "looked at"));
    CHECK(next_is(p.sides[1], "taken"));
    CHECK(ring_peek(p.sides[1], &size) != NULL);
    ring_detach(p.sides[1]);
    p.sides[1] = ring_attach(&p.fds, 1);
    CHECK(p.sides[1] && next_is(p.sides[1], "looked at"));
    close_pair(&p);
}

#define MESSAGES 20000u

static u32 size_of_message(u32 i)
{
    return 4 + (i * 2654435761u >> 12) % 600;
}

static void wait_on(struct ring *ring)
{
    struct pollfd p = {.fd = ring_bell(ring), .events = POLLIN};
    poll(&p, 1, -1);
    ring_woken(ring);
}

// Its ring carries nothing the other way, so that it wakes up for room alone.
static void *send_many(void *arg)
{
    struct ring *ring = arg;
    for (u32 i = 0; i < MESSAGES; i++) {
        u32 size = size_of_message(i), *to;
        while (!(to = ring_reserve(ring, size)))
            wait_on(ring);
        memset(to, (int)(i & 0xff), size);
        *to = i;
        ring_commit(ring, size);
        if (i % 3 == 0 || i == MESSAGES - 1)
            ring_notify(ring);
    }
    return NULL;
}

static void test_two_threads(void)
{
    struct pair p;
    open_pair(&p, RING_SIZE_MIN, 0);
    pthread_t thread;
    pthread_create(&thread, NULL, send_many, p.sides[0]);
    u32 wrong = 0;
    for (u32 i = 0; i < MESSAGES; i++) {
        u32 size, want = size_of_message(i);
        const u8 *got;
        while (!(got = ring_peek(p.sides[1], &size)))
            if (ring_sleep(p.sides[1]))
                wait_on(p.sides[1]);
        wrong += size != want || *(const u32 *)got != i || (size > 4 && got[size - 1] != (i & 0xff));
        ring_consume(p.sides[1]);
    }
    pthread_join(thread, NULL);
    CHECK_EQ(wrong, 0);
    CHECK(!ring_broken(p.sides[0]) && !ring_broken(p.sides[1]));
    close_pair(&p);
}

// Whatever a peer writes into the shared memory, one reads inside of the ring and stops.
static void test_a_peer_that_breaks_the_rules(void)
{
    unsigned broken = 0, sum = 0; // sum: all of a message is read
    for (unsigned round = 0; round < 2000; round++) {
        struct pair p;
        open_pair(&p, RING_SIZE_MIN, 0);
        u8 *memory = mmap(NULL, 0x3000, PROT_READ | PROT_WRITE, MAP_SHARED, p.fds.memory, 0);
        CHECK(memory != MAP_FAILED);
        for (unsigned i = 0; i < 5; i++)
            send_text(p.sides[0], "something");
        for (unsigned i = 0; i < 4; i++) {
            u32 at = below(2) ? 0x40 + below(0x200) / 4 * 4 : 0x1000 + below(0x80) / 4 * 4;
            u32 value = below(2) ? (u32)random64() : below(64);
            memcpy(memory + at, &value, 4);
        }
        u32 size, seen = 0;
        const u8 *got;
        while (seen < 10000 && (got = ring_peek(p.sides[1], &size))) {
            CHECK(size <= RING_MESSAGE_MAX(RING_SIZE_MIN));
            for (u32 i = 0; i < size; i++)
                sum += got[i];
            ring_consume(p.sides[1]);
            seen++;
        }
        CHECK(seen < 10000);
        broken += ring_broken(p.sides[1]);
        for (unsigned i = 0; i < 5; i++)
            send_text(p.sides[0], "goes on");
        munmap(memory, 0x3000);
        close_pair(&p);
    }
    CHECK(broken > 100 && sum > 100);
}

static void test_what_is_no_link_is_refused(void)
{
    struct ring_fds fds;
    CHECK_EQ(ring_create(RING_SIZE_MIN + 8, 0, &fds), -EINVAL);
    CHECK_EQ(ring_create(RING_SIZE_MIN, 100, &fds), -EINVAL);
    CHECK_EQ(ring_create(RING_SIZE_MIN, 0, &fds), 0);
    CHECK(!ring_attach(&fds, 2));
    u32 other = 0;
    CHECK(pwrite(fds.memory, &other, 4, 0) == 4);
    CHECK(!ring_attach(&fds, 0));
    ring_close_fds(&fds);
    // Its size could change under who maps it.
    fds = (struct ring_fds){memfd_create("unsealed", MFD_CLOEXEC), {-1, -1}};
    CHECK(ftruncate(fds.memory, 0x3000) == 0);
    CHECK(!ring_attach(&fds, 0));
    ring_close_fds(&fds);
}

int main(void)
{
    TEST(test_messages_arrive_in_order);
    TEST(test_a_commit_may_be_shorter);
    TEST(test_the_bell_rings_for_sleepers_only);
    TEST(test_room_comes_back_with_a_bell);
    TEST(test_the_largest_message_always_fits_an_empty_ring);
    TEST(test_both_see_the_data_area);
    TEST(test_large_pages_hold_the_same_data);
    TEST(test_a_side_that_comes_back_loses_nothing);
    TEST(test_two_threads);
    TEST(test_a_peer_that_breaks_the_rules);
    TEST(test_what_is_no_link_is_refused);
    return test_done();
}
