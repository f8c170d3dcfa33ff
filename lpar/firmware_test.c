// SPDX-License-Identifier: Apache-2.0
// Firmware's dialogues: what is typed, what is shown, and what is booted in the end.
#include "lpar/firmware.h"

#include <errno.h>

#include "papr/nvram.h"
#include "papr/test_disk.h"
#include "papr/test_label.h"
#include "papr/test_partition.h"
#include "papr/test_program.h"

#define LIMIT (64 * MIB)
#define DISK1 "/vdevice/v-scsi@30000002/disk@8100000000000000"
#define DISK2 "/vdevice/v-scsi@30000002/disk@8200000000000000"

static struct partition *lp;
static u8 data[2][400 * 512];
static struct test_disk disks[2];
static char why[1024];
static int error;

static char waits[64]; // where firmware waited, in turn

static void on_wait(void *arg, const char *where)
{
    size_t len = strlen(waits);
    snprintf(waits + len, sizeof(waits) - len, "%s ", where ? where : "boots");
}

// Two disks; only the second one has a boot program.
static void power_on(void)
{
    if (lp)
        partition_fini(lp);
    memset(data, 0, sizeof(data));
    static struct hv_ops ops;
    ops = test_hv_ops;
    ops.firmware_waits = on_wait;
    lp = test_partition(1, 1, LEVEL_V30);
    lp->hv = &ops;
    test_disk_adapter(lp);
    for (unsigned i = 0; i < 2; i++) {
        disks[i] = (struct test_disk){.data = data[i], .size = sizeof(data[i])};
        CHECK_EQ(test_disk_add(lp, &disks[i], 0x8100000000000000 + ((u64)i << 56), 512, false), 0);
    }
    test_mbr_entry(data[1], 1, TEST_MBR_PREP, 10, 100);
    test_program(data[1] + 10 * 512, 0x1234);
}

// The first word of the program that was loaded after this was typed, or 0.
static u32 boot(enum boot_mode mode, const char *typed)
{
    struct image image;
    struct firmware fw = {.lp = lp, .limit = LIMIT, .image = &image, .why = why, .why_size = sizeof(why)};
    why[0] = waits[0] = '\0';
    test_hv.in = (const u8 *)typed;
    test_hv.in_len = strlen(typed);
    test_hv.out_len = 0;
    error = firmware_boot(&fw, mode);
    CHECK_EQ(test_hv.in_len, 0);
    if (error)
        return 0;
    const be32 *word = guest_mem_at(&lp->mem, TEST_PROGRAM_ENTRY, 4);
    CHECK_EQ(image.entry, TEST_PROGRAM_ENTRY);
    return be32_get(*word);
}

static bool shown(const char *text)
{
    return memmem(test_hv.out, test_hv.out_len, text, strlen(text)) != NULL;
}

static const char *order(void)
{
    static char value[NVRAM_VALUE_MAX];
    return nvram_variable(lp, "boot-device", value) ? value : "";
}

static void test_modes(void)
{
    enum boot_mode mode;
    CHECK(boot_mode_parse("norm", &mode) && mode == BOOT_MODE_NORMAL);
    CHECK(boot_mode_parse("sms", &mode) && mode == BOOT_MODE_SMS);
    CHECK(boot_mode_parse("of", &mode) && mode == BOOT_MODE_PROMPT);
    CHECK(!boot_mode_parse("dd", &mode));
    power_on();
    CHECK_EQ(boot(BOOT_MODE_NORMAL, ""), 0x1234);
    CHECK_EQ(test_hv.out_len, 0);
}

static void test_sms_boot(void)
{
    power_on();
    CHECK_EQ(boot(BOOT_MODE_SMS, "x\r"), 0x1234); // the usual order
    CHECK_STR(waits, "sms boots ");
    CHECK(shown("System Management Services") && shown("  1. Boot from a device"));
    // the first disk has nothing, which is said; the menu comes again
    CHECK_EQ(boot(BOOT_MODE_SMS, "1\r1\r2\r"), 0x1234);
    CHECK(shown("Booting from " DISK1) && shown("it has no partition table") && shown("Booting from " DISK2));
    // what is no item; corrections while typing
    CHECK_EQ(boot(BOOT_MODE_SMS, "9\ry\r17\b\b\b\b1\rM\r\025zz\0251\r2\r"), 0x1234);
    CHECK(shown("'9' is no item of this menu") && shown("'y' is no item"));
    CHECK_STR(order(), "");
}

static void test_sms_order(void)
{
    power_on();
    CHECK_EQ(boot(BOOT_MODE_SMS, "2\r2\r1\rx\r"), 0x1234);
    CHECK_STR(order(), DISK1 " " DISK2);
    CHECK_EQ(boot(BOOT_MODE_SMS, "2\r2\rm\rx\r"), 0x1234);
    CHECK_STR(order(), DISK2 " " DISK1);
    CHECK(shown("1. " DISK1) && shown("all other devices"));
    CHECK_EQ(boot(BOOT_MODE_SMS, "2\r3\rx\r"), 0x1234); // back to the usual one
    CHECK_STR(order(), "");
}

static void test_sms_configuration(void)
{
    power_on();
    CHECK_EQ(boot(BOOT_MODE_SMS, "3\rm\r3\rx\r"), 0x1234);
    CHECK(shown("test, number 7") && shown("256 MB") && shown(DISK2));
}

static void test_prompt(void)
{
    power_on();
    CHECK_EQ(boot(BOOT_MODE_PROMPT, "help\r  printenv  \rsetenv boot-device " DISK2 " x\rprintenv boot-device\rboot\r"),
             0x1234);
    CHECK(shown("reset-all") && shown("0 > ") && shown("boot-device              " DISK2 " x"));
    CHECK_STR(order(), DISK2 " x");
    CHECK_EQ(
        boot(BOOT_MODE_PROMPT, "set-default boot-device\rboot " DISK1 "\rboot nowhere\rboot cd\rdevalias\rboot disk\r"),
        0x1234);
    CHECK(shown("it has no partition table") && shown("nowhere: there is no such device") &&
          shown("there is no such device to boot from"));
    CHECK_STR(order(), "");
    CHECK_EQ(boot(BOOT_MODE_PROMPT, "ls\rls /vdevice\r.properties /\r.properties /nowhere\rwhat is\rsms\r4\rsms\rx\r"),
             0x1234);
    CHECK_STR(waits, "of boots sms boots of boots sms boots ");
    CHECK(shown("vdevice") && shown("v-scsi@30000002") && shown("IBM,9009-22A") && shown("there is no /nowhere") &&
          shown("'what' is no word"));
}

static void test_ends(void)
{
    power_on();
    CHECK_EQ(boot(BOOT_MODE_PROMPT, "reset-all\r"), 0);
    CHECK_EQ(error, -ECANCELED);
    CHECK_EQ(atomic_load(&lp->end), END_REBOOT);
    power_on();
    CHECK_EQ(boot(BOOT_MODE_PROMPT, "sms\r4\rpower-off\r"), 0);
    CHECK_EQ(atomic_load(&lp->end), END_POWER_OFF);
    // an end from outside, while a menu waits
    power_on();
    partition_end(lp, END_POWER_OFF, "test");
    CHECK_EQ(boot(BOOT_MODE_SMS, ""), 0);
    CHECK_EQ(error, -ECANCELED);
}

int main(void)
{
    TEST(test_modes);
    TEST(test_sms_boot);
    TEST(test_sms_order);
    TEST(test_sms_configuration);
    TEST(test_prompt);
    TEST(test_ends);
    partition_fini(lp);
    return test_done();
}
