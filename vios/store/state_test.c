// SPDX-License-Identifier: Apache-2.0
#include "vios/store/state.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/test.h"

static void test_keeps(void)
{
    int fd = memfd_create("state", MFD_CLOEXEC);
    char got[16] = {0};
    CHECK_EQ(state_get(fd, "a", got, sizeof(got)), -ENODATA);
    for (unsigned i = 0; i < 5; i++) {
        char value[8] = {'v', (char)('0' + i)};
        CHECK_EQ(state_set(fd, "a", value, sizeof(value)), 0);
        CHECK_EQ(state_get(fd, "a", got, sizeof(got)), 8);
        CHECK(!memcmp(got, value, 8));
    }
    CHECK_EQ(state_get(fd, "b", got, sizeof(got)), -ENODATA);
    static const u8 large[STATE_VALUE_MAX + 1];
    CHECK_EQ(state_set(fd, "a", large, sizeof(large)), -E2BIG);
    close(fd);
}

// A write that was cut off leaves the value before it.
static void test_torn(void)
{
    int fd = memfd_create("state", MFD_CLOEXEC);
    char got[4];
    CHECK_EQ(state_set(fd, "a", "one", 4), 0); // at the first place
    CHECK_EQ(state_set(fd, "a", "two", 4), 0);
    for (unsigned at = 0; at < 68; at += 4) {
        u8 whole[4096];
        CHECK_EQ(pread(fd, whole, sizeof(whole), 4096), (ssize_t)sizeof(whole));
        u8 spoilt = whole[at] ^ 1;
        CHECK_EQ(pwrite(fd, &spoilt, 1, 4096 + at), 1);
        CHECK_EQ(state_get(fd, "a", got, sizeof(got)), 4);
        CHECK(!strcmp(got, "one"));
        CHECK_EQ(pwrite(fd, whole, sizeof(whole), 4096), (ssize_t)sizeof(whole));
    }
    CHECK_EQ(state_get(fd, "a", got, sizeof(got)), 4);
    CHECK(!strcmp(got, "two"));
    CHECK_EQ(ftruncate(fd, 4096 + 30), 0);
    CHECK_EQ(state_get(fd, "a", got, sizeof(got)), 4);
    CHECK(!strcmp(got, "one"));
    close(fd);
}

int main(void)
{
    TEST(test_keeps);
    TEST(test_torn);
    return test_done();
}
