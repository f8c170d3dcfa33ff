// SPDX-License-Identifier: Apache-2.0
// A CD's files, and the script that names the boot program.
#include "papr/iso9660.h"

#include "base/test.h"
#include "papr/bootinfo.h"
#include "papr/test_label.h"

static u8 data[24 * 2048];

static bool read_data(void *arg, u64 offset, void *to, u32 size)
{
    CHECK(offset + size <= sizeof(data));
    memcpy(to, data + offset, size);
    return true;
}

static const struct disk_source source = {2048, sizeof(data), read_data, NULL};

static void test_find(void)
{
    struct iso_file file;
    memset(data, 0, sizeof(data));
    CHECK(!iso_find(&source, "\\ppc\\bootinfo.txt", &file));
    test_iso(data, "hello", (const u8 *)"program", 7);
    CHECK(iso_find(&source, "\\ppc\\bootinfo.txt", &file));
    CHECK(file.start == 20 * 2048 && file.size == 5);
    CHECK(iso_find(&source, "/Boot//grub/POWERPC.elf", &file) && file.start == 21 * 2048);
    CHECK(!iso_find(&source, "\\ppc", &file)); // a folder
    CHECK(!iso_find(&source, "\\ppc\\bootinfo", &file));
    CHECK(!iso_find(&source, "\\ppc\\bootinfo.txt\\x", &file));
    data[18 * 2048] -= 2; // a record that is shorter than its name
    CHECK(!iso_find(&source, "\\ppc\\bootinfo.txt", &file));
    data[18 * 2048] += 2;
    test_put_le32(data + 18 * 2048 + 2, 24); // beyond the end
    CHECK(!iso_find(&source, "\\ppc\\bootinfo.txt", &file));
}

static void test_bootinfo(void)
{
    static const struct {
        const char *text, *program;
    } cases[] = {
        {"<chrp-boot>\n<boot-script>boot &device;:\\boot\\grub\\powerpc.elf</boot-script>",
         "\\boot\\grub\\powerpc.elf"},
        {"<chrp-boot><boot-script>boot &device;:1,\\install\\yaboot</boot-script>", "\\install\\yaboot"},
        {"<boot-script>boot &device;:&partition;,\\a b", "\\a"},
        {"<boot-script>boot net</boot-script>", NULL},
        {"boot &device;:\\x", NULL},
        {"<boot-script>boot &device;:x", NULL},
        {"<boot-script>boot &device;:\\a-program-with-a-name-that-is-too-long", NULL},
        {"", NULL},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        char program[32] = "";
        CHECK_EQ(bootinfo_program(cases[i].text, program, sizeof(program)), cases[i].program != NULL);
        CHECK_STR(program, cases[i].program ? cases[i].program : "");
    }
}

int main(void)
{
    TEST(test_find);
    TEST(test_bootinfo);
    return test_done();
}
