// SPDX-License-Identifier: Apache-2.0
#include "cli/boot_cmd.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/run.h"
#include "isa/isa.h"
#include "lpar/trace.h"

#define MEMORY_MIN  (128 * MIB)
#define MEMORY_STEP (64 * MIB)
#define MEMORY_MAX  (1ull << 46) // what a processor's real address can reach
#define VCPUS_MAX   64u

PRINTF_LIKE(1, 2) static int refuse(const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    for (char *p = text; *p; p++) // one line, whatever somebody passed
        if ((u8)*p < 0x20 || *p == 0x7f)
            *p = '?';
    fprintf(stderr, "openlpar: %s\n", text);
    return 1;
}

u64 parse_size(const char *text)
{
    u64 whole = 0, fraction = 0, scale = 1;
    const char *p = text;
    if (*p < '0' || *p > '9')
        return 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        whole = whole * 10 + (u64)(*p - '0');
        if (whole > 1ull << 40)
            return 0;
    }
    if (*p == '.') {
        for (p++; *p >= '0' && *p <= '9' && scale < 1000000; p++) {
            fraction = fraction * 10 + (u64)(*p - '0');
            scale *= 10;
        }
        if (scale == 1)
            return 0;
    }
    u64 unit;
    switch (*p) {
    case 'K':
    case 'k': unit = KIB; break;
    case 'M':
    case 'm': unit = MIB; break;
    case 'G':
    case 'g': unit = GIB; break;
    case 'T':
    case 't': unit = 1024 * GIB; break;
    default: return 0;
    }
    p++;
    if (*p == 'i')
        p++;
    if (*p == 'B')
        p++;
    if (*p || whole > UINT64_MAX / unit / 2)
        return 0;
    return whole * unit + (u64)((u128)fraction * unit / scale);
}

// A whole decimal number in [low, high].
static bool parse_number(const char *text, u64 low, u64 high, u64 *value)
{
    u64 v = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || v > (UINT64_MAX - 9) / 10)
            return false;
        v = v * 10 + (u64)(*text - '0');
    }
    *value = v;
    return v >= low && v <= high;
}

static int set_kernel(struct boot_options *o, const char *value)
{
    if (!*value)
        return refuse("--kernel: the file's name is empty");
    o->kernel = value;
    return 0;
}

static int set_initrd(struct boot_options *o, const char *value)
{
    if (!*value)
        return refuse("--initrd: the file's name is empty");
    o->initrd = value;
    return 0;
}

static int set_append(struct boot_options *o, const char *value)
{
    if (strlen(value) > BOOT_APPEND_MAX)
        return refuse("--append: %zu characters are more than the %u that a kernel takes", strlen(value),
                      BOOT_APPEND_MAX);
    o->append = value;
    return 0;
}

static int set_memory(struct boot_options *o, const char *value)
{
    o->memory = parse_size(value);
    if (!o->memory)
        return refuse("--memory '%s': write a size with its unit, like 512M, 1G or 1.5G", value);
    if (o->memory < MEMORY_MIN)
        return refuse("--memory %s: a partition needs at least 128M", value);
    if (o->memory > MEMORY_MAX)
        return refuse("--memory %s: a partition has at most %lluT", value, MEMORY_MAX / (1024 * GIB));
    if (o->memory % MEMORY_STEP)
        return refuse("--memory %s: memory comes in blocks of 64M; give %lluM or %lluM", value,
                      o->memory / MEMORY_STEP * (MEMORY_STEP / MIB),
                      (o->memory / MEMORY_STEP + 1) * (MEMORY_STEP / MIB));
    return 0;
}

static int set_vcpus(struct boot_options *o, const char *value)
{
    u64 n;
    if (!parse_number(value, 1, VCPUS_MAX, &n))
        return refuse("--vcpus '%s': give a number of virtual processors from 1 to %u", value, VCPUS_MAX);
    o->vcpus = (u32)n;
    return 0;
}

static int set_threads(struct boot_options *o, const char *value)
{
    u64 n;
    if (!parse_number(value, 1, 8, &n) || (n & (n - 1)))
        return refuse("--threads '%s': give 1, 2, 4 or 8 hardware threads for each virtual processor", value);
    o->threads = (u32)n;
    return 0;
}

static int set_cpu(struct boot_options *o, const char *value)
{
    if (strcmp(value, "power8") == 0)
        o->isa_level = LEVEL_V207;
    else if (strcmp(value, "power9") == 0)
        o->isa_level = LEVEL_V30;
    else if (strcmp(value, "power10") == 0)
        return refuse("--cpu power10: this version has no POWER10 yet; use power9 or power8");
    else
        return refuse("--cpu '%s': the processors are power9 and power8", value);
    return 0;
}

static int set_mmu(struct boot_options *o, const char *value)
{
    bool any = strcmp(value, "auto") == 0, radix = strcmp(value, "radix") == 0, hash = strcmp(value, "hash") == 0;
    if (!any && !radix && !hash)
        return refuse("--mmu '%s': the kinds of translation are auto, radix and hash", value);
    o->radix_allowed = any || radix;
    o->hash_allowed = any || hash;
    return 0;
}

static int set_engine(struct boot_options *o, const char *value)
{
    if (strcmp(value, "auto") == 0)
        o->engine = engine_auto();
    else if (strcmp(value, "interp") == 0)
        o->engine = &interp_engine;
    else if (strcmp(value, "jit") == 0)
        o->engine = &jit_engine;
    else if (strcmp(value, "check") == 0)
        o->engine = &check_engine;
    else if (strcmp(value, "kvm") == 0)
        return refuse("--engine kvm: this version has no KVM engine yet; use auto");
    else
        return refuse("--engine '%s': the engines are auto, interp, jit and check", value);
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

static int set_disk(struct boot_options *o, const char *value)
{
    static char paths[EMBEDDED_DISKS_MAX][PATH_MAX];
    if (o->disks_len == EMBEDDED_DISKS_MAX)
        return refuse("--disk %s: a partition has at most %u disks here", value, EMBEDDED_DISKS_MAX);
    if (strlen(value) >= PATH_MAX)
        return refuse("--disk: the file's name is too long");
    char *path = paths[o->disks_len];
    strcpy(path, value);
    bool optical = take_suffix(path, ",optical"), read_only = take_suffix(path, ",ro") || optical;
    if (!*path)
        return refuse("--disk: the file's name is empty");
    for (unsigned i = 0; i < o->disks_len; i++) {
        if (strcmp(o->disks[i].path, path) == 0)
            return refuse("--disk %s: is given twice", path);
    }
    o->disks[o->disks_len++] = (struct embedded_disk){.path = path, .read_only = read_only, .optical = optical};
    return 0;
}

static int set_net(struct boot_options *o, const char *value)
{
    char why[512];
    if (o->nets_len == NETS_MAX)
        return refuse("--net %s: a partition has at most %u networks", value, NETS_MAX);
    if (!net_option_parse(value, NET_OF_PARTITION, &o->nets[o->nets_len], why, sizeof(why)))
        return refuse("--net %s: %s", value, why);
    o->nets_len++;
    return 0;
}

static int set_gdb(struct boot_options *o, const char *value)
{
    const char *colon = strrchr(value, ':');
    u64 port;
    if (!parse_number(colon ? colon + 1 : value, 1, 65535, &port))
        return refuse("--gdb '%s': write ADDRESS:PORT with a port from 1 to 65535, like 127.0.0.1:1234", value);
    static char address[300];
    if (strlen(value) + 2 > sizeof(address))
        return refuse("--gdb: the address is too long");
    snprintf(address, sizeof(address), "%s%s", colon ? "" : ":", value);
    o->gdb = address;
    return 0;
}

static int set_trace(struct boot_options *o, const char *value)
{
    o->trace = trace_parse(value);
    if (!o->trace)
        return refuse("--trace '%s': name what to trace: insn, hcall, rtas, except, ir, asm, several with commas",
                      value);
    return 0;
}

static int set_trace_file(struct boot_options *o, const char *value)
{
    if (!*value)
        return refuse("--trace-file: the file's name is empty");
    o->trace_file = value;
    return 0;
}

static int set_trace_filter(struct boot_options *o, const char *value)
{
    o->trace_filter = value;
    return 0;
}

static int set_code_cache(struct boot_options *o, const char *value)
{
    if (!*value)
        return refuse("--code-cache '': name a file, or none");
    o->code_cache = value;
    return 0;
}

static int set_name(struct boot_options *o, const char *value)
{
    size_t len = strlen(value);
    bool plain = true;
    for (size_t i = 0; i < len; i++)
        if ((u8)value[i] <= 0x20 || (u8)value[i] >= 0x7f)
            plain = false;
    if (!plain || len == 0 || len > 47)
        return refuse("--name '%s': a partition's name has 1 to 47 printable characters without blanks", value);
    o->name = value;
    return 0;
}

static int set_stats(struct boot_options *o, const char *value)
{
    o->stats = true;
    return 0;
}

static int set_perf_map(struct boot_options *o, const char *value)
{
    o->perf_map = true;
    return 0;
}

static int set_no_client_interface(struct boot_options *o, const char *value)
{
    o->client_interface = false;
    return 0;
}

// The one table of options: parsing, help, and (through --help) the completion and the manual page.
static const struct option_row {
    const char *name;
    const char *value; // what stands for it in help; NULL: takes none
    int (*set)(struct boot_options *o, const char *value);
    const char *help;
} option_rows[] = {
    {"kernel", "FILE", set_kernel, "kernel: vmlinux (ELF, either byte order), zImage, or vmlinux compressed by gzip"},
    {"initrd", "FILE", set_initrd, "initial RAM disk"},
    {"disk", "FILE[,ro|,optical]", set_disk,
     "virtual disk: a raw file or a block device; ro: read-only; optical: a CD or DVD in a drive; repeat it for more "
     "disks; booted without --kernel"},
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
     "network: user-mode, with hostfwd=tcp:PORT-:PORT (may be repeated) and mac=; see openlpar(1)"},
};

static int print_help(void)
{
    printf("Usage: openlpar boot --kernel FILE [options]\n       openlpar boot --disk FILE [options]\n\nRuns one "
           "partition in the foreground, its console on "
           "standard input "
           "and output.\n\nOptions:\n");
    for (unsigned i = 0; i < ARRAY_LEN(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        char left[64];
        snprintf(left, sizeof(left), "--%s%s%s", row->name, row->value ? " " : "", row->value ? row->value : "");
        printf("  %-24s %s\n", left, row->help);
    }
    printf("  %-24s %s\n", "--help", "this text");
    printf("\nOn a terminal Ctrl-a h shows the console's keys, Ctrl-a x ends the partition.\n"
           "Exit status: 0 the guest powered off, 1 wrong options or files, 2 the guest crashed (with a report).\n\n"
           "Examples:\n"
           "  openlpar boot --disk debian-12.raw\n"
           "  openlpar boot --kernel vmlinux --initrd initrd.img --append 'console=hvc0 quiet'\n"
           "  openlpar boot --kernel vmlinux --initrd initrd.img --disk debian.img --disk data.img,ro\n"
           "  openlpar boot --kernel vmlinux --memory 4G --vcpus 4 --threads 2 --cpu power8 --mmu hash\n"
           "  openlpar boot --kernel vmlinux --trace hcall,rtas --trace-file trace.txt\n"
           "  openlpar boot --kernel vmlinux --gdb 127.0.0.1:1234\n");
    return fflush(stdout) || ferror(stdout) ? refuse("standard output: %s", strerror(errno)) : -1;
}

static const struct option_row *find_option(const char *name, size_t len)
{
    for (unsigned i = 0; i < ARRAY_LEN(option_rows); i++)
        if (strlen(option_rows[i].name) == len && strncmp(option_rows[i].name, name, len) == 0)
            return &option_rows[i];
    return NULL;
}

static int check_together(const struct boot_options *o)
{
    if (!o->kernel && !o->disks_len)
        return refuse("a kernel is missing; name one with --kernel FILE, or a disk to boot from with --disk FILE");
    if (!o->kernel && (o->initrd || o->append || !o->client_interface))
        return refuse("%s needs --kernel FILE: a disk's own boot program says what the kernel gets",
                      o->initrd   ? "--initrd"
                      : o->append ? "--append"
                                  : "--no-client-interface");
    if (o->isa_level < LEVEL_V30 && o->radix_allowed && !o->hash_allowed)
        return refuse("--mmu radix: a POWER8 has no radix translation; use --mmu hash or --cpu power9");
    if (!o->trace && (o->trace_file || o->trace_filter))
        return refuse("--trace-file and --trace-filter need --trace WHAT");
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
        const char *arg = argv[i];
        if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
            return print_help();
        if (strncmp(arg, "--", 2) != 0)
            return refuse("'%s' is no option; openlpar boot --help lists them", arg);
        size_t len = strcspn(arg + 2, "=");
        const struct option_row *row = find_option(arg + 2, len);
        if (!row)
            return refuse("unknown option '%.*s'; openlpar boot --help lists them", (int)len + 2, arg);
        const char *value = arg[2 + len] ? arg + 3 + len : NULL;
        if (!row->value && value)
            return refuse("--%s takes no value", row->name);
        if (row->value && !value) {
            if (i + 1 == argc)
                return refuse("--%s needs a value: --%s %s", row->name, row->name, row->value);
            value = argv[++i];
        }
        int status = row->set(options, value);
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
