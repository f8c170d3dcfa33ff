// SPDX-License-Identifier: Apache-2.0
// System Management Services: menus on the console, in which an item is chosen by its number and Enter. X leaves towards the usual boot, M goes to the main menu.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpar/boot_search.h"
#include "lpar/firmware.h"
#include "lpar/fw_console.h"
#include "papr/nvram.h"
#include "papr/of_disk.h"
#include "papr/of_llan.h"
#include "papr/tree.h"
#include "papr/vdev_ops.h"

#define DEVICES_MAX 64u
#define ORDER_MAX   5u // of the variable boot-device, as bootlist of powerpc-utils has it
#define RULE        "-------------------------------------------------------------------------------\n"

// What a menu came to, beside the numbers of its items.
enum { MAIN = -1, LEAVE = -2, ENDED = -3 };

static void head(const struct firmware *fw, const char *title)
{
    fw_print(fw->lp, "\n" RULE " %s\n" RULE, title);
}

// A number from 1 to `items`, MAIN, LEAVE or ENDED.
static int choose(const struct firmware *fw, u32 items)
{
    char line[16];
    fw_print(fw->lp, RULE " M = main menu                                  X = leave the menus and boot\n" RULE);
    for (;;) {
        fw_print(fw->lp, "Type the number of an item, or a letter, and press Enter: ");
        if (!fw_read_line(fw->lp, line, sizeof(line)))
            return ENDED;
        char *end;
        long number = strtol(line, &end, 10);
        if (end != line && !*end && number >= 1 && number <= (long)items)
            return (int)number;
        if (line[0] && !line[1] && (toupper(line[0]) == 'M' || toupper(line[0]) == 'X'))
            return toupper(line[0]) == 'M' ? MAIN : LEAVE;
        if (line[0])
            fw_print(fw->lp, "'%s' is no item of this menu.\n", line);
    }
}

static void print_device(const struct firmware *fw, u32 number, const struct boot_device *d)
{
    if (d->disk)
        fw_print(fw->lp, " %2u. SCSI %-5s %8llu MB  %s\n", number, d->disk->cdrom ? "CD" : "disk",
                 (unsigned long long)(of_disk_size(d->disk) / 1000000), d->path);
    else
        fw_print(fw->lp, " %2u. Ethernet                %s\n", number, d->path);
}

static u32 list_devices(const struct firmware *fw, struct boot_device devices[DEVICES_MAX])
{
    u32 len = boot_devices(fw->lp, devices, DEVICES_MAX);
    for (u32 i = 0; i < len; i++)
        print_device(fw, i + 1, &devices[i]);
    if (!len)
        fw_print(fw->lp, " This partition has no device to boot from.\n");
    return len;
}

// 0: there is an image.
static int boot_menu(const struct firmware *fw)
{
    struct boot_device devices[DEVICES_MAX];
    for (;;) {
        head(fw, "Boot from a device, this time");
        int chosen = choose(fw, list_devices(fw, devices));
        if (chosen < 0)
            return chosen;
        fw_print(fw->lp, "Booting from %s\n", devices[chosen - 1].path);
        if (!firmware_boot_list(fw, devices[chosen - 1].path))
            return 0;
    }
}

static void print_order(const struct firmware *fw)
{
    char value[NVRAM_VALUE_MAX], *rest = NULL;
    u32 number = 0;
    fw_print(fw->lp, " The order now:\n");
    if (nvram_variable(fw->lp, "boot-device", value))
        for (char *path = strtok_r(value, " ", &rest); path; path = strtok_r(NULL, " ", &rest))
            fw_print(fw->lp, "     %u. %s\n", ++number, path);
    fw_print(fw->lp, "     %u. all %sdevices: disks and CDs, then networks, by their slots\n\n", number + 1,
             number ? "other " : "");
}

// A device goes to the first place; what does not fit behind it falls off.
static void put_first(const struct firmware *fw, const char *path)
{
    char old[NVRAM_VALUE_MAX] = "", list[NVRAM_VALUE_MAX], *rest = NULL;
    nvram_variable(fw->lp, "boot-device", old);
    size_t len = (size_t)snprintf(list, sizeof(list), "%s", path);
    u32 number = 1;
    for (char *p = strtok_r(old, " ", &rest); p && number < ORDER_MAX; p = strtok_r(NULL, " ", &rest)) {
        if (strcmp(p, path) == 0 || len + strlen(p) + 2 > sizeof(list))
            continue;
        len += (size_t)snprintf(list + len, sizeof(list) - len, " %s", p);
        number++;
    }
    if (!nvram_set_variable(fw->lp, "boot-device", list))
        fw_print(fw->lp, " The non-volatile memory has no room for it.\n");
}

static int order_menu(const struct firmware *fw)
{
    struct boot_device devices[DEVICES_MAX];
    for (;;) {
        head(fw, "Boot order, kept in the non-volatile memory");
        print_order(fw);
        fw_print(fw->lp, " Which device comes first?\n");
        u32 len = list_devices(fw, devices);
        fw_print(fw->lp, " %2u. Back to the usual order\n", len + 1);
        int chosen = choose(fw, len + 1);
        if (chosen < 0)
            return chosen;
        if (chosen == (int)len + 1)
            nvram_set_variable(fw->lp, "boot-device", NULL);
        else
            put_first(fw, devices[chosen - 1].path);
    }
}

static int show_configuration(const struct firmware *fw)
{
    const struct partition_config *c = &fw->lp->config;
    char type[TREE_IDENTITY_MAX], serial[TREE_IDENTITY_MAX], location[TREE_IDENTITY_MAX];
    struct boot_device devices[DEVICES_MAX];
    head(fw, "Configuration");
    tree_identity(fw->lp, type, serial, location);
    fw_print(fw->lp, " Partition           %s, number %u\n", c->name, c->id);
    fw_print(fw->lp, " Machine             %s, serial number %s\n", type, serial);
    fw_print(fw->lp, " Memory              %llu MB\n", (unsigned long long)(c->memory / MIB));
    fw_print(fw->lp, " Processors          %u with %u thread%s each\n", c->vcpus, c->threads,
             c->threads == 1 ? "" : "s");
    fw_print(fw->lp, " Devices to boot from:\n");
    list_devices(fw, devices);
    return choose(fw, 0);
}

static int prompt(const struct firmware *fw)
{
    return FIRMWARE_PROMPT;
}

static const struct item {
    const char *text;
    int (*run)(const struct firmware *fw); // MAIN, LEAVE, ENDED, 0, or what comes next
} items[] = {
    {"Boot from a device, this time", boot_menu},
    {"Boot order", order_menu},
    {"Configuration", show_configuration},
    {"Firmware prompt", prompt},
};

int fw_sms_run(const struct firmware *fw)
{
    int next = MAIN;
    while (next == MAIN) {
        head(fw, "System Management Services");
        for (u32 i = 0; i < ARRAY_LEN(items); i++)
            fw_print(fw->lp, " %2u. %s\n", i + 1, items[i].text);
        next = choose(fw, ARRAY_LEN(items));
        if (next > 0)
            next = items[next - 1].run(fw);
    }
    return next == LEAVE ? FIRMWARE_NORMAL : next == ENDED ? -ECANCELED : next;
}
