// SPDX-License-Identifier: Apache-2.0
// Variables of the non-volatile memory, as `nvram` of powerpc-utils lays them out.
#include "papr/nvram.h"

#include <stdio.h>

#include "papr/test_partition.h"

static struct partition *lp;
static char seen[4096];

static void note(void *arg, const char *name, const char *value)
{
    size_t len = strlen(seen);
    snprintf(seen + len, sizeof(seen) - len, "%s:%s;", name, value);
}

static const char *all(void)
{
    seen[0] = '\0';
    nvram_each_variable(lp, note, NULL);
    return seen;
}

static void test_variables(void)
{
    char value[NVRAM_VALUE_MAX] = "";
    CHECK_STR(all(), "");
    CHECK(nvram_set_variable(lp, "boot-device",
                             "/vdevice/v-scsi@30000002/disk@8100000000000000 /vdevice/l-lan@30000003"));
    CHECK(nvram_set_variable(lp, "a", "1") && nvram_set_variable(lp, "ab", "2"));
    CHECK(nvram_variable(lp, "a", value));
    CHECK_STR(value, "1");
    CHECK(nvram_set_variable(lp, "boot-device", "x"));
    CHECK_STR(all(), "a:1;ab:2;boot-device:x;");
    CHECK(nvram_set_variable(lp, "a", NULL));
    CHECK(!nvram_variable(lp, "a", value));
    CHECK_STR(all(), "ab:2;boot-device:x;");
    CHECK(nvram_set_variable(lp, "nothing", NULL));
    CHECK(!nvram_set_variable(lp, "", "x") && !nvram_set_variable(lp, "a=b", "x"));
    // the bytes of the partition
    u8 head[32];
    CHECK(nvram_read(lp, 16, head, sizeof(head)) && memcmp(head, "ab=2\0boot-device=x\0\0", 20) == 0);
}

static void test_full(void)
{
    char value[NVRAM_VALUE_MAX + 1], name[8];
    unsigned kept = 0;
    memset(value, 'v', sizeof(value));
    value[NVRAM_VALUE_MAX] = '\0';
    CHECK(!nvram_set_variable(lp, "long", value));
    value[NVRAM_VALUE_MAX - 1] = '\0';
    for (; kept < 10; kept++) {
        snprintf(name, sizeof(name), "n%u", kept);
        if (!nvram_set_variable(lp, name, value))
            break;
    }
    CHECK_EQ(kept, 3); // of 4080 bytes
    CHECK(nvram_variable(lp, "n2", value) && strlen(value) == NVRAM_VALUE_MAX - 1);
    CHECK(nvram_variable(lp, "ab", value));
    CHECK_STR(value, "2");
}

// What an OS wrote there may be anything.
static void test_wild(void)
{
    char value[NVRAM_VALUE_MAX];
    static u8 bytes[NVRAM_SIZE];
    memset(bytes, 'x', sizeof(bytes));
    CHECK(nvram_write(lp, 16, bytes, 0xff0));
    CHECK(!nvram_variable(lp, "x", value));
    CHECK_STR(all(), "");
    CHECK(nvram_write(lp, 0, bytes, NVRAM_SIZE));
    CHECK(!nvram_variable(lp, "x", value) && !nvram_set_variable(lp, "x", "y"));
}

int main(void)
{
    lp = test_partition(1, 1, LEVEL_V30);
    TEST(test_variables);
    TEST(test_full);
    TEST(test_wild);
    partition_fini(lp);
    return test_done();
}
