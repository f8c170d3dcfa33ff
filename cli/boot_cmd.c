// SPDX-License-Identifier: Apache-2.0
#include "cli/boot_cmd.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cpu/run.h"
#include "isa/isa.h"
#include "lpar/trace.h"

#define MEMORY_MIN  (128 * MIB)
#define MEMORY_STEP (64 * MIB)
#define MEMORY_MAX  (1ull << 46) // what a processor's real address can reach
#define VCPUS_MAX   64u

static int set_kernel(void *options, const char *value)
{
    struct boot_options *o = options;
    if (!*value)
        return options_refuse("--kernel: the file's name is empty");
    o->kernel = value;
    return 0;
}

static int set_initrd(void *options, const char *value)
{
    struct boot_options *o = options;
    if (!*value)
        return options_refuse("--initrd: the file's name is empty");
    o->initrd = value;
    return 0;
}

static int set_append(void *options, const char *value)
{
    struct boot_options *o = options;
    if (strlen(value) > BOOT_APPEND_MAX)
        return options_refuse("--append: %zu characters are more than the %u that a kernel takes", strlen(value),
                              BOOT_APPEND_MAX);
    o->append = value;
    return 0;
}

static int set_memory(void *options, const char *value)
{
    struct boot_options *o = options;
    o->memory = parse_size(value);
    if (!o->memory)
        return options_refuse("--memory '%s': write a size with its unit, like 512M, 1G or 1.5G", value);
    if (o->memory < MEMORY_MIN)
        return options_refuse("--memory %s: a partition needs at least 128M", value);
    if (o->memory > MEMORY_MAX)
        return options_refuse("--memory %s: a partition has at most %lluT", value, MEMORY_MAX / (1024 * GIB));
    if (o->memory % MEMORY_STEP)
        return options_refuse("--memory %s: memory comes in blocks of 64M; give %lluM or %lluM", value,
                              o->memory / MEMORY_STEP * (MEMORY_STEP / MIB),
                              (o->memory / MEMORY_STEP + 1) * (MEMORY_STEP / MIB));
    return 0;
}

static int set_vcpus(void *options, const char *value)
{
    struct boot_options *o = options;
    u64 n;
    if (!parse_number(value, 1, VCPUS_MAX, &n))
        return options_refuse("--vcpus '%s': give a number of virtual processors from 1 to %u", value, VCPUS_MAX);
    o->vcpus = (u32)n;
    return 0;
}

static int set_threads(void *options, const char *value)
{
    struct boot_options *o = options;
    u64 n;
    if (!parse_number(value, 1, 8, &n) || (n & (n - 1)))
        return options_refuse("--threads '%s': give 1, 2, 4 or 8 hardware threads for each virtual processor", value);
    o->threads = (u32)n;
    return 0;
}

static int set_cpu(void *options, const char *value)
{
    struct boot_options *o = options;
    if (strcmp(value, "power8") == 0)
        o->isa_level = LEVEL_V207;
    else if (strcmp(value, "power9") == 0)
        o->isa_level = LEVEL_V30;
    else if (strcmp(value, "power10") == 0)
        return options_refuse("--cpu power10: this version has no POWER10 yet; use power9 or power8");
    else
        return options_refuse("--cpu '%s': the processors are power9 and power8", value);
    return 0;
}

static int set_mmu(void *options, const char *value)
{
    struct boot_options *o = options;
    bool any = strcmp(value, "auto") == 0, radix = strcmp(value, "radix") == 0, hash = strcmp(value, "hash") == 0;
    if (!any && !radix && !hash)
        return options_refuse("--mmu '%s': the kinds of translation are auto, radix and hash", value);
    o->radix_allowed = any || radix;
    o->hash_allowed = any || hash;
    return 0;
}

static int set_engine(void *options, const char *value)
{
    struct boot_options *o = options;
    if (strcmp(value, "auto") == 0)
        o->engine = engine_auto();
    else if (strcmp(value, "interp") == 0)
        o->engine = &interp_engine;
    else if (strcmp(value, "jit") == 0)
        o->engine = &jit_engine;
    else if (strcmp(value, "check") == 0)
        o->engine = &check_engine;
    else if (strcmp(value, "kvm") == 0)
        return options_refuse("--engine kvm: this version has no KVM engine yet; use auto");
    else
        return options_refuse("--engine '%s': the engines are auto, interp, jit and check", value);
    return 0;
}

// Whether the name ends in this, which is cut off then.
static bool take_suffix(char *path, const char *suffix)
{
    size_t len = strlen(path), cut = strlen(suffix);
    if (len <= cut || strcmp(path + len - cut, suffix) != 0)
        return false;
    path[len - cut] = '\0';
    return true;
}

static int set_disk(void *options, const char *value)
{
    struct boot_options *o = options;
    static char paths[EMBEDDED_DISKS_MAX][PATH_MAX];
    if (o->disks_len == EMBEDDED_DISKS_MAX)
        return options_refuse("--disk %s: a partition has at most %u disks here", value, EMBEDDED_DISKS_MAX);
    if (strlen(value) >= PATH_MAX)
        return options_refuse("--disk: the file's name is too long");
    char *path = paths[o->disks_len];
    strcpy(path, value);
    bool optical = take_suffix(path, ",optical"), read_only = take_suffix(path, ",ro") || optical;
    if (!*path)
        return options_refuse("--disk: the file's name is empty");
    for (unsigned i = 0; i < o->disks_len; i++) {
        if (strcmp(o->disks[i].path, path) == 0)
            return options_refuse("--disk %s: is given twice", path);
    }
    o->disks[o->disks_len++] = (struct embedded_disk){.path = path, .read_only = read_only, .optical = optical};
    return 0;
}

static int set_boot_mode(void *options, const char *value)
{
    struct boot_options *o = options;
    if (!boot_mode_parse(value, &o->mode))
        return options_refuse("--boot-mode '%s': the modes are norm, sms (menus on the console) and of (a prompt)",
                              value);
    return 0;
}

// Words with commas, or a path as it is: its arguments have commas.
static int set_boot(void *options, const char *value)
{
    static const char *const words[] = {"disk", "cd", "network"};
    static char list[256];
    struct boot_options *o = options;
    o->devices = list;
    if (strlen(value) >= sizeof(list))
        return options_refuse("--boot: the value is too long");
    strcpy(list, value);
    if (value[0] == '/' && !strpbrk(value, " \t\n"))
        return 0;
    for (char *p = list; *p || p == list;) {
        size_t len = strcspn(p, ",");
        bool known = false;
        for (unsigned i = 0; i < ARRAY_LEN(words); i++)
            known |= strlen(words[i]) == len && strncmp(words[i], p, len) == 0;
        if (!known)
            return options_refuse("--boot '%s': name disk, cd, network, several with commas, or a device's path",
                                  value);
        p += len;
        if (*p)
            *p++ = ' ';
    }
    return 0;
}

static int set_net(void *options, const char *value)
{
    struct boot_options *o = options;
    char why[512];
    if (o->nets_len == NETS_MAX)
        return options_refuse("--net %s: a partition has at most %u networks", value, NETS_MAX);
    if (!net_option_parse(value, NET_OF_PARTITION, &o->nets[o->nets_len], why, sizeof(why)))
        return options_refuse("--net %s: %s", value, why);
    o->nets_len++;
    return 0;
}

static int set_gdb(void *options, const char *value)
{
    struct boot_options *o = options;
    const char *colon = strrchr(value, ':');
    u64 port;
    if (!parse_number(colon ? colon + 1 : value, 1, 65535, &port))
        return options_refuse("--gdb '%s': write ADDRESS:PORT with a port from 1 to 65535, like 127.0.0.1:1234", value);
    static char address[300];
    if (strlen(value) + 2 > sizeof(address))
        return options_refuse("--gdb: the address is too long");
    snprintf(address, sizeof(address), "%s%s", colon ? "" : ":", value);
    o->gdb = address;
    return 0;
}

static int set_trace(void *options, const char *value)
{
    struct boot_options *o = options;
    o->trace = trace_parse(value);
    if (!o->trace)
        return options_refuse(
            "--trace '%s': name what to trace: insn, hcall, rtas, except, ir, asm, several with commas", value);
    return 0;
}

static int set_trace_file(void *options, const char *value)
{
    struct boot_options *o = options;
    if (!*value)
        return options_refuse("--trace-file: the file's name is empty");
    o->trace_file = value;
    return 0;
}

static int set_trace_filter(void *options, const char *value)
{
    struct boot_options *o = options;
    o->trace_filter = value;
    return 0;
}

static int set_code_cache(void *options, const char *value)
{
    struct boot_options *o = options;
    if (!*value)
        return options_refuse("--code-cache '': name a file, or none");
    o->code_cache = value;
    return 0;
}

static int set_name(void *options, const char *value)
{
    struct boot_options *o = options;
    size_t len = strlen(value);
    bool plain = true;
    for (size_t i = 0; i < len; i++)
        if ((u8)value[i] <= 0x20 || (u8)value[i] >= 0x7f)
            plain = false;
    if (!plain || len == 0 || len > 47)
        return options_refuse("--name '%s': a partition's name has 1 to 47 printable characters without blanks", value);
    o->name = value;
    return 0;
}

static int set_stats(void *options, const char *value)
{
    struct boot_options *o = options;
    o->stats = true;
    return 0;
}

static int set_perf_map(void *options, const char *value)
{
    struct boot_options *o = options;
    o->perf_map = true;
    return 0;
}

static int set_no_client_interface(void *options, const char *value)
{
    struct boot_options *o = options;
    o->client_interface = false;
    return 0;
}

static const struct option_row rows[] = {
    {"kernel", "FILE", set_kernel, "kernel: vmlinux (ELF, either byte order), zImage, or vmlinux compressed by gzip"},
    {"initrd", "FILE", set_initrd, "initial RAM disk"},
    {"disk", "FILE[,ro|,optical]", set_disk,
     "virtual disk: a raw file, a block device, or a LUN of an iSCSI target "
     "(iscsi://[USER%PASSWORD@]HOST[:PORT]/TARGET/LUN); ro: read-only; optical: a CD or DVD in a drive; repeat it for "
     "more disks; booted without --kernel"},
    {"boot", "DEVICES", set_boot,
     "without --kernel: boot from disk, cd, network, in this order, or from a path (disk,cd,network)"},
    {"boot-mode", "MODE", set_boot_mode, "norm, sms: menus on the console, or of: the firmware prompt (norm)"},
    {"append", "TEXT", set_append, "kernel command line (console=hvc0)"},
    {"memory", "SIZE", set_memory, "memory, like 512M, 1.5G, 4G (1G)"},
    {"vcpus", "N", set_vcpus, "virtual processors, 1 to 64 (1)"},
    {"threads", "N", set_threads, "hardware threads for each: 1, 2, 4 or 8 (1)"},
    {"cpu", "NAME", set_cpu, "processor: power9 or power8 (power9)"},
    {"mmu", "KIND", set_mmu, "address translation that the kernel may use: auto, radix or hash (auto)"},
    {"engine", "NAME", set_engine, "how instructions are executed: auto, jit, interp, or check (auto)"},
    {"code-cache", "FILE", set_code_cache, "keep translated code in this file, or none (~/.cache/openlpar/code)"},
    {"name", "NAME", set_name, "the partition's name (lpar1)"},
    {"no-client-interface", NULL, set_no_client_interface, "enter the kernel with a flattened tree in R3 and R5 = 0"},
    {"gdb", "ADDR:PORT", set_gdb, "wait there for a debugger (gdb-multiarch: target remote ADDR:PORT)"},
    {"trace", "WHAT", set_trace, "trace insn, hcall, rtas, except, ir, asm; several with commas"},
    {"trace-file", "FILE", set_trace_file, "write the trace there (standard error)"},
    {"trace-filter", "TEXT", set_trace_filter, "only trace lines that contain TEXT"},
    {"stats", NULL, set_stats, "print the number of instructions and the time at the end"},
    {"perf-map", NULL, set_perf_map, "name translated code in /tmp/perf-PID.map, for perf on the host"},
    {"net", "user[,...]", set_net,
     "network: user-mode, with hostfwd=tcp:PORT-:PORT (may be repeated), mac=, tftp= and bootfile=; see openlpar(1)"},
};

static const struct option_table table = {"openlpar boot", rows, ARRAY_LEN(rows)};

static int print_help(void)
{
    printf("Usage: openlpar boot --kernel FILE [options]\n       openlpar boot --disk FILE [options]\n\nRuns one "
           "partition in the foreground, its console on "
           "standard input "
           "and output.\n\nOptions:\n");
    options_print(&table);
    printf("\nOn a terminal Ctrl-a h shows the console's keys, Ctrl-a x ends the partition.\n"
           "Exit status: 0 the guest powered off, 1 wrong options or files, 2 the guest crashed (with a report).\n\n"
           "Examples:\n"
           "  openlpar boot --disk debian-12.raw\n"
           "  openlpar boot --disk debian-12.raw --net user,hostfwd=tcp:2222-:22 --boot-mode sms\n"
           "  openlpar boot --boot network --net user,tftp=/srv/tftp,bootfile=boot/grub/core.elf\n"
           "  openlpar boot --kernel vmlinux --initrd initrd.img --append 'console=hvc0 quiet'\n"
           "  openlpar boot --kernel vmlinux --initrd initrd.img --disk debian.img --disk data.img,ro\n"
           "  openlpar boot --kernel vmlinux --memory 4G --vcpus 4 --threads 2 --cpu power8 --mmu hash\n"
           "  openlpar boot --kernel vmlinux --trace hcall,rtas --trace-file trace.txt\n"
           "  openlpar boot --kernel vmlinux --gdb 127.0.0.1:1234\n");
    return options_end_help();
}

static int check_together(const struct boot_options *o)
{
    bool firmware = o->devices || o->mode != BOOT_MODE_NORMAL || o->disks_len;
    if (!o->kernel && !firmware)
        return options_refuse(
            "a kernel is missing; name one with --kernel FILE, or a disk to boot from with --disk FILE");
    if (!o->kernel && (o->initrd || (o->append && !o->devices) || !o->client_interface))
        return options_refuse("%s needs --kernel FILE: a disk's own boot program says what the kernel gets",
                              o->initrd   ? "--initrd"
                              : o->append ? "--append"
                                          : "--no-client-interface");
    if (o->kernel && (o->devices || o->mode != BOOT_MODE_NORMAL))
        return options_refuse("%s chooses what is booted, and so does --kernel: leave one of them out",
                              o->devices ? "--boot" : "--boot-mode");
    if (o->isa_level < LEVEL_V30 && o->radix_allowed && !o->hash_allowed)
        return options_refuse("--mmu radix: a POWER8 has no radix translation; use --mmu hash or --cpu power9");
    if (!o->trace && (o->trace_file || o->trace_filter))
        return options_refuse("--trace-file and --trace-filter need --trace WHAT");
    return 0;
}

int boot_parse(int argc, char **argv, struct boot_options *options)
{
    *options = (struct boot_options){
        .name = "lpar1",
        .memory = 1 * GIB,
        .vcpus = 1,
        .threads = 1,
        .isa_level = LEVEL_V30,
        .radix_allowed = true,
        .hash_allowed = true,
        .client_interface = true,
        .engine = engine_auto(),
    };
    for (int i = 1; i < argc; i++) {
        if (options_want_help(argv[i]))
            return print_help();
        if (strncmp(argv[i], "--", 2) != 0)
            return options_refuse("'%s' is no option; openlpar boot --help lists them", argv[i]);
        int status = options_take(&table, options, argc, argv, &i);
        if (status)
            return status;
    }
    // Without a command line Debian's kernels use one of their own, which puts the console on a screen.
    if (options->kernel && (!options->append || !*options->append))
        options->append = "console=hvc0";
    if (options->isa_level < LEVEL_V30 && options->hash_allowed)
        options->radix_allowed = false;
    return check_together(options);
}

int boot_command(int argc, char **argv)
{
    struct boot_options options;
    int status = boot_parse(argc, argv, &options);
    if (status)
        return status < 0 ? 0 : status;
    return boot_run(&options);
}
