// SPDX-License-Identifier: Apache-2.0
// The firmware prompt: one command in a line. It is no Forth: a line is a word and its arguments, and `help` lists the words.
#include <ctype.h>
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "lpar/boot_search.h"
#include "lpar/firmware.h"
#include "lpar/fw_console.h"
#include "papr/nvram.h"
#include "papr/of.h"
#include "papr/of_disk.h"

#define LINE_MAX_SIZE 512u
#define STAY          100 // the prompt comes again

static int do_help(const struct firmware *fw, char *args);

static int do_boot(const struct firmware *fw, char *args)
{
    if (!*args)
        return FIRMWARE_NORMAL;
    return firmware_boot_list(fw, args) ? STAY : 0;
}

static int do_devalias(const struct firmware *fw, char *args)
{
    struct boot_device devices[64];
    u32 len = boot_devices(fw->lp, devices, ARRAY_LEN(devices));
    fw_print(fw->lp, "disk, cd, network: all devices of that kind, by their slots\n");
    for (u32 i = 0; i < len; i++)
        fw_print(fw->lp, "%-8s %s\n",
                 devices[i].lan           ? "network"
                 : devices[i].disk->cdrom ? "cd"
                                          : "disk",
                 devices[i].path);
    return STAY;
}

static void print_variable(void *arg, const char *name, const char *value)
{
    fw_print(arg, "%-24s %s\n", name, value);
}

static int do_printenv(const struct firmware *fw, char *args)
{
    char value[NVRAM_VALUE_MAX];
    if (!*args)
        nvram_each_variable(fw->lp, print_variable, fw->lp);
    else if (nvram_variable(fw->lp, args, value))
        print_variable(fw->lp, args, value);
    else
        fw_print(fw->lp, "%s is not set\n", args);
    return STAY;
}

static int do_setenv(const struct firmware *fw, char *args)
{
    char *value = args + strcspn(args, " ");
    if (*value)
        *value++ = '\0';
    value += strspn(value, " ");
    if (!*args || !*value)
        fw_print(fw->lp, "setenv NAME VALUE\n");
    else if (!nvram_set_variable(fw->lp, args, value))
        fw_print(fw->lp, "%s cannot be set: a name without '=' and room in the non-volatile memory are needed\n", args);
    return STAY;
}

static int do_unset(const struct firmware *fw, char *args)
{
    if (!*args)
        fw_print(fw->lp, "set-default NAME\n");
    else
        nvram_set_variable(fw->lp, args, NULL);
    return STAY;
}

// Children of a node, or of the root.
static int do_ls(const struct firmware *fw, char *args)
{
    const void *fdt = of_tree(fw->lp);
    int node = fdt_path_offset(fdt, *args ? args : "/"), child;
    if (node < 0)
        fw_print(fw->lp, "there is no %s\n", args);
    else
        fdt_for_each_subnode(child, fdt, node) fw_print(fw->lp, "%s\n", fdt_get_name(fdt, child, NULL));
    return STAY;
}

// A value as text, where it is one, else in hexadecimal.
static void print_value(const struct firmware *fw, const char *name, const u8 *value, int size)
{
    bool text = size > 1 && !value[size - 1];
    for (int i = 0; i + 1 < size && text; i++)
        text = isprint(value[i]) || (!value[i] && i && value[i - 1]);
    fw_print(fw->lp, "%-32s", name);
    for (int i = 0; i < size && text; i += (int)strlen((const char *)value + i) + 1)
        fw_print(fw->lp, "%s%s", i ? ", " : "", (const char *)value + i);
    for (int i = 0; i < MIN(size, 32) && !text; i++)
        fw_print(fw->lp, "%s%02x", i && i % 4 == 0 ? " " : "", value[i]);
    fw_print(fw->lp, "%s\n", !text && size > 32 ? " ..." : "");
}

static int do_properties(const struct firmware *fw, char *args)
{
    const void *fdt = of_tree(fw->lp);
    int node = fdt_path_offset(fdt, *args ? args : "/"), offset;
    if (node < 0) {
        fw_print(fw->lp, "there is no %s\n", args);
        return STAY;
    }
    fdt_for_each_property_offset(offset, fdt, node)
    {
        const char *name;
        int size;
        const void *value = fdt_getprop_by_offset(fdt, offset, &name, &size);
        if (value)
            print_value(fw, name, value, size);
    }
    return STAY;
}

static int end_partition(const struct firmware *fw, enum partition_end end, const char *reason)
{
    partition_end(fw->lp, end, reason);
    return -ECANCELED;
}

static int do_reset_all(const struct firmware *fw, char *args)
{
    return end_partition(fw, END_REBOOT, "the firmware prompt asked for a restart");
}

static int do_power_off(const struct firmware *fw, char *args)
{
    return end_partition(fw, END_POWER_OFF, "the firmware prompt shut down");
}

static int do_sms(const struct firmware *fw, char *args)
{
    return FIRMWARE_SMS;
}

static const struct word {
    const char *name, *args, *help;
    int (*run)(const struct firmware *fw, char *args); // STAY, or what fw_prompt_run() returns
} words[] = {
    {"boot", "[DEVICE ...]", "boots the first of these devices that can be; without one, in the usual order", do_boot},
    {"devalias", "", "the devices that can be booted from, and the words for them", do_devalias},
    {"printenv", "[NAME]", "variables of the non-volatile memory", do_printenv},
    {"setenv", "NAME VALUE", "sets one, like boot-device", do_setenv},
    {"set-default", "NAME", "takes one away", do_unset},
    {"ls", "[PATH]", "children of a node of the device tree", do_ls},
    {".properties", "[PATH]", "its properties", do_properties},
    {"sms", "", "the menus of the System Management Services", do_sms},
    {"reset-all", "", "restarts the partition", do_reset_all},
    {"power-off", "", "powers it off", do_power_off},
    {"help", "", "this list", do_help},
};

static int do_help(const struct firmware *fw, char *args)
{
    for (u32 i = 0; i < ARRAY_LEN(words); i++) {
        char left[40];
        snprintf(left, sizeof(left), "%s %s", words[i].name, words[i].args);
        fw_print(fw->lp, "  %-24s %s\n", left, words[i].help);
    }
    return STAY;
}

static int run_line(const struct firmware *fw, char *line)
{
    line += strspn(line, " ");
    size_t len = strlen(line);
    while (len && line[len - 1] == ' ')
        line[--len] = '\0';
    char *args = line + strcspn(line, " ");
    if (*args)
        *args++ = '\0';
    args += strspn(args, " ");
    for (u32 i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(line, words[i].name) == 0)
            return words[i].run(fw, args);
    if (*line)
        fw_print(fw->lp, "'%s' is no word of this prompt; help lists them\n", line);
    return STAY;
}

int fw_prompt_run(const struct firmware *fw)
{
    char line[LINE_MAX_SIZE];
    int next = STAY;
    fw_print(fw->lp, "\nOpenLPAR firmware: a prompt of a few words, and no Forth; help lists them.\n");
    while (next == STAY) {
        fw_print(fw->lp, "0 > ");
        next = fw_read_line(fw->lp, line, sizeof(line)) ? run_line(fw, line) : -ECANCELED;
    }
    return next;
}
