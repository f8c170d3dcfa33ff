// SPDX-License-Identifier: Apache-2.0
#include "cpu/xlate/background.h"

#include <pthread.h>

#include "base/test.h"

// What the thread did, and a gate in front of each place.
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    u32 done[2 * BACKGROUND_MAX], done_len;
    u32 dropped[BACKGROUND_MAX], dropped_len;
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void begin(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&seen.lock);
    while (!seen.open)
        pthread_cond_wait(&seen.changed, &seen.lock);
}

static void end(void *arg)
{
    (void)arg;
    pthread_cond_signal(&seen.changed);
    pthread_mutex_unlock(&seen.lock);
}

static void do_work(void *arg, const struct work *work)
{
    (void)arg;
    seen.done[seen.done_len++] = (u32)work->ea;
}

static void drop(void *arg, const struct work *work)
{
    (void)arg;
    seen.dropped[seen.dropped_len++] = (u32)work->ea;
}

static bool between(void *arg, bool quiet)
{
    (void)arg, (void)quiet;
    return false;
}

static const struct background_calls calls = {
    .begin = begin, .do_work = do_work, .end = end, .drop = drop, .between = between};

static struct background *start(void)
{
    seen.open = false;
    seen.done_len = seen.dropped_len = 0;
    return background_new(&calls, NULL);
}

static bool put(struct background *b, u32 n)
{
    return background_put(b, (struct work){.index = (u16)n, .ea = n});
}

static void open_until(u32 done)
{
    pthread_mutex_lock(&seen.lock);
    seen.open = true;
    pthread_cond_broadcast(&seen.changed);
    while (seen.done_len < done)
        pthread_cond_wait(&seen.changed, &seen.lock);
    seen.open = false;
    pthread_mutex_unlock(&seen.lock);
}

static void test_hot_last_first(void)
{
    static const u32 want[] = {2, 4, 3, 1};
    struct background *b = start();
    for (u32 n = 1; n <= 4; n++)
        CHECK(put(b, n));
    CHECK(put(b, 2)); // executed while it waits
    open_until(ARRAY_LEN(want));
    for (u32 n = 0; n < ARRAY_LEN(want); n++)
        CHECK_EQ(seen.done[n], want[n]);
    CHECK_EQ(seen.done_len, 4);
    CHECK_EQ(seen.dropped_len, 0);
    background_free(b);
}

// All are done, or their owner hears that they are not, once.
static void test_full(void)
{
    struct background *b = start();
    u32 longest, dropped;
    for (u32 n = 0; n < BACKGROUND_MAX; n++)
        CHECK(put(b, n));
    CHECK(put(b, 0));
    CHECK_EQ(seen.dropped_len, 0);
    CHECK(put(b, BACKGROUND_MAX));
    CHECK(put(b, BACKGROUND_MAX + 1));
    CHECK_EQ(seen.dropped_len, 2);
    CHECK_EQ(seen.dropped[0], 1);
    CHECK_EQ(seen.dropped[1], 2);
    background_counts(b, &longest, &dropped);
    CHECK_EQ(longest, BACKGROUND_MAX);
    CHECK_EQ(dropped, 2);
    open_until(BACKGROUND_MAX);
    CHECK_EQ(seen.done[0], BACKGROUND_MAX + 1);
    CHECK_EQ(seen.done[1], BACKGROUND_MAX);
    CHECK_EQ(seen.done[2], 0);
    CHECK_EQ(seen.done[3], BACKGROUND_MAX - 1);
    CHECK_EQ(seen.done[BACKGROUND_MAX - 1], 3);
    background_free(b);
}

static void test_forgets(void)
{
    struct background *b = start();
    CHECK(put(b, 1));
    CHECK(put(b, 2));
    background_clear(b);
    CHECK(put(b, 3));
    open_until(1);
    CHECK_EQ(seen.done[0], 3);
    CHECK_EQ(seen.done_len, 1);
    seen.open = true; // or the thread would not end
    background_stop(b);
    CHECK_EQ(seen.done_len, 1);
    seen.open = false;
    CHECK(put(b, 4)); // it starts again
    open_until(2);
    CHECK_EQ(seen.done[1], 4);
    background_free(b);
}

int main(void)
{
    struct background *b = start();
    if (!put(b, 0)) {
        test_skip("background", "this host has a single processor");
        background_free(b);
        return test_done();
    }
    open_until(1);
    background_free(b);
    TEST(test_hot_last_first);
    TEST(test_full);
    TEST(test_forgets);
    return test_done();
}
