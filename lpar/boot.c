// SPDX-License-Identifier: Apache-2.0
// Threads: this one waits for signals and the partition's end; one per hardware thread (vp.c); two of the console (console.c);
// the debugger's (gdb.c). Signals are blocked in all of them and read here.
#include "lpar/boot.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "cpu/mmu/mmu.h"
#include "cpu/msr.h"
#include "cpu/run.h"
#include "cpu/xlate/check.h"
#include "cpu/xlate/xlate.h"
#include "lpar/gdb.h"
#include "lpar/hold.h"
#include "lpar/image.h"
#include "lpar/null_hv.h"
#include "lpar/report.h"
#include "lpar/trace.h"
#include "lpar/vp.h"
#include "papr/of.h"
#include "papr/rtas.h"
#include "papr/sched.h"
#include "papr/tree.h"
#include "vdev/vty.h"

struct boot {
    const struct boot_options *options;
    struct partition lp;
    struct null_hv hv;
    struct hold hold;
    struct gdb *gdb;
    struct image image;
    int signal_fd;
    int end_signal; // that ended the partition, or 0
    u64 insns;      // of earlier starts
    bool have_partition;
    pthread_mutex_t devices; // around what the console's threads do with devices
    bool have_vty;           // under `devices`
};

PRINTF_LIKE(1, 2) static int fail(const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    fprintf(stderr, "openlpar: %s%s", text, console_is_raw() ? "\r\n" : "\n");
    return BOOT_SETUP_ERROR;
}

// Our part of low memory: the client interface's entry and the boot program's first stack. LoPAR leaves the place to firmware.
#define FIRMWARE_SIZE 0x8000u
#define FIRMWARE_LOW  0x8000u

static u64 align64k(u64 addr)
{
    return (addr + 0xffff) & ~0xffffull;
}

static u64 image_end(const struct image *image)
{
    return align64k(MAX(image->end, image->initrd + image->initrd_size));
}

// Registers at the boot program's entry. IEEE 1275 PowerPC binding: R1 stack, R5 client interface; Linux: R3, R4 initial RAM disk.
static int enter_client(struct boot *b, u64 limit)
{
    const struct image *image = &b->image;
    struct cpu *cpu = b->lp.group.cpus[0];
    u64 base = image->start >= FIRMWARE_LOW + FIRMWARE_SIZE ? FIRMWARE_LOW : image_end(image);
    if (base + FIRMWARE_SIZE > limit)
        return fail("the kernel and the initial RAM disk leave no memory for firmware; give more with --memory");
    of_place_entry(&b->lp, base);
    of_reserve(&b->lp, base, FIRMWARE_SIZE);
    of_reserve(&b->lp, image->start, image->end - image->start);
    if (image->initrd_size)
        of_reserve(&b->lp, image->initrd, image->initrd_size);
    cpu->gpr[1] = base + FIRMWARE_SIZE - 0x200;
    cpu->gpr[4] = image->initrd_size;
    cpu->gpr[5] = base;
    sched_start_boot(cpu, image->entry, image->initrd);
    return 0;
}

// Without the client interface: R3 flattened tree, R4 where the kernel is, R5 zero.
static int enter_flat(struct boot *b, u64 limit)
{
    struct cpu *cpu = b->lp.group.cpus[0];
    u64 rtas = image_end(&b->image), fdt = align64k(rtas + RTAS_BLOB_SIZE), size;
    int err = of_flatten(&b->lp, rtas, fdt, limit, &size);
    if (err)
        return fail("the kernel and the initial RAM disk leave no memory for the device tree; give more with --memory");
    u64 stack = align64k(fdt + size) + 0x10000;
    if (stack > limit)
        return fail("the kernel and the initial RAM disk leave no memory for a stack; give more with --memory");
    cpu->gpr[1] = stack - 0x200;
    cpu->gpr[4] = b->image.start;
    cpu->gpr[5] = 0;
    cpu->gpr[6] = 0x65504150; // ePAPR's magic number for boot wrappers
    cpu->gpr[7] = limit;
    sched_start_boot(cpu, b->image.entry, fdt);
    return 0;
}

static int load(struct boot *b)
{
    const struct boot_options *o = b->options;
    u64 limit = tree_rma_size(b->lp.config.memory);
    char why[512];
    if (image_load(&b->lp.mem, limit, o->kernel, o->initrd, &b->image, why, sizeof(why)))
        return fail("%s", why);
    b->lp.config.initrd_addr = b->image.initrd;
    b->lp.config.initrd_size = b->image.initrd_size;
    return o->client_interface ? enter_client(b, limit) : enter_flat(b, limit);
}

static int check_memory(const struct boot_options *o)
{
    struct sysinfo info;
    if (sysinfo(&info))
        return 0;
    u64 total = ((u64)info.totalram + info.totalswap) * info.mem_unit;
    if (o->memory > total)
        return fail("--memory: %llu MiB are more than the host's %llu MiB; give less",
                    (unsigned long long)(o->memory / MIB), (unsigned long long)(total / MIB));
    return 0;
}

static int create(struct boot *b)
{
    const struct boot_options *o = b->options;
    struct partition_config config = {
        .id = 1,
        .vcpus = o->vcpus,
        .threads = o->threads,
        .memory = o->memory,
        .isa_level = o->isa_level,
        .radix_allowed = o->radix_allowed,
        .hash_allowed = o->hash_allowed,
        // With no command line at all a kernel takes one that it was built with, often for another console.
        .bootargs = o->append && *o->append ? o->append : "console=hvc0",
    };
    snprintf(config.name, sizeof(config.name), "%s", o->name);
    const char *why = NULL;
    int err = partition_init(&b->lp, &config, &null_hv_ops, &b->hv, &why);
    if (err == -ENOMEM)
        return fail("%s; give less with --memory or --vcpus", why);
    if (err)
        return fail("%s: %s", why, strerror(-err));
    b->have_partition = true;
    return 0;
}

static int add_devices(struct boot *b)
{
    int err = vty_init(&b->lp);
    if (err)
        return fail("the console: %s", strerror(-err));
    pthread_mutex_lock(&b->devices);
    b->have_vty = true;
    pthread_mutex_unlock(&b->devices);
    return 0;
}

static void remove_devices(struct boot *b)
{
    pthread_mutex_lock(&b->devices);
    if (b->have_vty)
        vty_fini(&b->lp);
    b->have_vty = false;
    pthread_mutex_unlock(&b->devices);
}

static void on_input(void *arg)
{
    struct boot *b = arg;
    pthread_mutex_lock(&b->devices);
    if (b->have_vty)
        vty_input_ready(&b->lp);
    pthread_mutex_unlock(&b->devices);
}

static void on_drained(void *arg)
{
    struct boot *b = arg;
    pthread_mutex_lock(&b->devices);
    if (b->have_vty)
        vty_flush(&b->lp);
    pthread_mutex_unlock(&b->devices);
}

// What the terminal device still holds when the partition has ended.
static void flush_output(struct boot *b)
{
    for (unsigned i = 0; i < 10000 && !vty_flush(&b->lp); i++)
        usleep(1000);
}

static void on_key(void *arg, enum console_key key)
{
    struct boot *b = arg;
    if (key == CONSOLE_QUIT) {
        partition_end(&b->lp, END_POWER_OFF, "ended from the console");
        return;
    }
    group_exclusive_begin(&b->lp.group, NULL);
    report_registers(stderr, &b->lp, console_is_raw());
    group_exclusive_end(&b->lp.group, NULL);
}

// Our own end must not leave the terminal raw.
static void on_fatal_signal(int number)
{
    console_restore_terminal();
    raise(number); // SA_RESETHAND: the default action now
}

static int catch_signals(struct boot *b)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
    struct sigaction action = {.sa_handler = on_fatal_signal, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
    sigset_t set;
    for (unsigned i = 0; i < ARRAY_LEN(fatal); i++)
        sigaction(fatal[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    sigaddset(&set, SIGTSTP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    b->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
    return b->signal_fd < 0 ? fail("signals: %s", strerror(errno)) : 0;
}

static void take_signal(struct boot *b)
{
    struct signalfd_siginfo info;
    if (read(b->signal_fd, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo == SIGTSTP) {
        console_restore_terminal();
        raise(SIGSTOP);
        console_raw_terminal(); // continued
        return;
    }
    b->end_signal = (int)info.ssi_signo;
    partition_end(&b->lp, END_POWER_OFF, "ended by a signal");
}

static void wait_for_end(struct boot *b)
{
    while (atomic_load(&b->lp.end) == END_NONE) {
        struct pollfd p[] = {{.fd = b->signal_fd, .events = POLLIN}, {.fd = b->hv.ended_fd, .events = POLLIN}};
        if (poll(p, 2, -1) > 0 && p[0].revents & POLLIN)
            take_signal(b);
    }
    u64 count;
    ssize_t got = read(b->hv.ended_fd, &count, sizeof(count)); // waits for the announcement of this end
    (void)got;
}

static u64 count_insns(const struct boot *b)
{
    u64 sum = b->insns;
    for (u32 i = 0; i < b->lp.group.len; i++)
        sum += b->lp.group.cpus[i]->insns;
    return sum;
}

// Hits are not counted, misses are: the rates take as many loads and stores to be executed as there are in what was translated.
static void print_tlb_stats(const struct boot *b)
{
    const struct xlate *x = b->lp.mem.xlate;
    struct xlate_stats s = x ? xlate_stats(b->lp.mem.xlate) : (struct xlate_stats){0};
    struct mmu_counts all = {0};
    u64 insns = 0;
    for (u32 i = 0; i < b->lp.group.len; i++) {
        struct mmu_counts c = mmu_counts(b->lp.group.cpus[i]);
        insns += b->lp.group.cpus[i]->insns;
        all.misses += c.misses;
        all.fills += c.fills;
        all.walks += c.walks;
        all.fetches += c.fetches;
        all.taken += c.taken;
        all.grown += c.grown;
    }
    double accesses = s.insns ? (double)insns * (double)s.accesses / (double)s.insns : 0;
    fprintf(stderr, "stats: tlb misses %llu fills %llu walks %llu fetch-misses %llu tables-taken %llu tables-grown %llu",
            (unsigned long long)all.misses, (unsigned long long)all.fills, (unsigned long long)all.walks,
            (unsigned long long)all.fetches, (unsigned long long)all.taken, (unsigned long long)all.grown);
    if (accesses > 0)
        fprintf(stderr, " out-of-line %llu accesses-estimated %.0f hit-rate %.3f%% in-line %.3f%%", (unsigned long long)s.finds, accesses,
                100 - 100 * MIN((double)all.misses / accesses, 1.0), 100 - 100 * MIN((double)s.finds / accesses, 1.0));
    fprintf(stderr, "\n");
}

static unsigned long long percent(u64 part, u64 whole)
{
    return whole ? part * 100 / whole : 0;
}

// The translator's share of --stats. What each number means: docs, "Statistics of the translator" in ARCHITECTURE.md.
static void print_translator(const struct partition *lp, u64 insns)
{
    static const char *const causes[] = {"unlinked", "far", "attention", "instruction", "behind", "return-missed"};
    static_assert(ARRAY_LEN(causes) == XLATE_EXITS, "a name for each");
    struct xlate_stats s = xlate_stats(lp->mem.xlate);
#define N(member) ((unsigned long long)s.member)
#define SECONDS(member) ((double)s.member / 1e9)
    fprintf(stderr, "stats: executed in regions %llu (%llu %%) interpreted %llu\n", N(executed), percent(s.executed, insns),
            (unsigned long long)(insns - MIN(s.executed, insns)));
    fprintf(stderr,
            "stats: regions %llu refused %llu remade %llu instructions %llu operations %llu code %llu KiB flushes %llu evictions %llu "
            "seconds %.3f kept %llu loaded %llu in background %llu\n",
            N(regions), N(refused), N(remade), N(insns), N(ir_insns), N(code_size) / KIB, N(flushes), N(evictions),
            SECONDS(nanoseconds), N(kept), N(loaded), N(background));
    fprintf(stderr, "stats: queue longest %llu refused %llu, file loading seconds %.3f written %llu times seconds %.3f\n",
            N(queue_longest), N(queue_refused), SECONDS(load_nanoseconds), N(writes), SECONDS(write_nanoseconds));
#undef SECONDS
#undef N
    fprintf(stderr, "stats: exits");
    for (unsigned i = 0; i < XLATE_EXITS; i++)
        fprintf(stderr, " %s %llu", causes[i], (unsigned long long)s.exits[i]);
    fprintf(stderr, "\n");
}

// From power on to the end: the partition and its devices are in their first state.
static int run(struct boot *b, bool first)
{
    struct vps vps = {.lp = &b->lp, .hold = &b->hold, .engine = b->options->engine};
    const char *kept = b->options->code_cache;
    xlate_cache_path = !kept ? code_cache_path() : strcmp(kept, "none") != 0 ? kept : NULL;
    if (first && b->options->perf_map) {
        char path[64];
        snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
        unlink(path);
        xlate_perf_map = fopen(path, "wxe");
        if (!xlate_perf_map)
            return fail("%s: %s", path, strerror(errno));
        setvbuf(xlate_perf_map, NULL, _IOLBF, 0);
    }
    int err = load(b);
    if (err)
        return err;
    vps.boot_msr_set = b->image.little_endian ? MSR_LE : 0;
    vps.boot_msr_clear = b->image.narrow ? MSR_SF : 0;
    if (b->options->gdb) {
        const char *why = NULL;
        b->gdb = gdb_start(&b->lp, &b->hold, b->options->gdb, &why);
        if (!b->gdb)
            return fail("--gdb %s: %s", b->options->gdb, why);
    }
    if (first && b->options->trace) {
        err = trace_start(&b->lp, b->options->trace, b->options->trace_file, b->options->trace_filter);
        if (err)
            return fail("--trace-file %s: %s", b->options->trace_file, strerror(-err));
    } else {
        trace_arm(&b->lp);
    }
    if (first) {
        struct console_events events = {.input = on_input, .drained = on_drained, .key = on_key, .arg = b};
        b->hv.console = console_start(&events);
        if (!b->hv.console)
            return fail("the console: no memory or no threads");
    }
    err = vps_start(&vps);
    if (!err && b->gdb && gdb_serve(b->gdb)) {
        partition_end(&b->lp, END_CRASH, "the host has no more threads");
        hold_end(&b->hold);
        vps_join(&vps);
        err = -EAGAIN;
    }
    if (err) {
        gdb_stop(b->gdb, true);
        b->gdb = NULL;
        return fail("%u hardware threads: %s; give fewer with --vcpus or --threads", b->lp.group.len, strerror(-err));
    }
    wait_for_end(b);
    hold_end(&b->hold);
    vps_join(&vps);
    flush_output(b);
    gdb_stop(b->gdb, atomic_load(&b->lp.end) == END_CRASH);
    b->gdb = NULL;
    return 0;
}

static int restart(struct boot *b)
{
    const char *why = NULL;
    b->insns = count_insns(b);
    remove_devices(b);
    hold_fini(&b->hold);
    int err = partition_reset(&b->lp, &why);
    if (err) {
        b->have_partition = false;
        return fail("restart: %s: %s", why, strerror(-err));
    }
    hold_init(&b->hold, &b->lp);
    return add_devices(b);
}

static int run_to_end(struct boot *b)
{
    int status = create(b);
    if (status)
        return status;
    hold_init(&b->hold, &b->lp);
    status = add_devices(b);
    for (bool first = true; !status; first = false) {
        status = run(b, first);
        if (status || atomic_load(&b->lp.end) != END_REBOOT)
            break;
        if (atomic_load(&b->lp.report_wanted))
            report_crash(stderr, &b->lp, console_is_raw());
        status = restart(b);
    }
    return status;
}

int boot_run(const struct boot_options *options)
{
    static struct boot boot; // too large for some stacks
    struct boot *b = &boot;
    struct timespec start, end;
    memset(b, 0, sizeof(*b));
    b->options = options;
    b->signal_fd = -1;
    pthread_mutex_init(&b->devices, NULL);

    int status = check_memory(options);
    if (status)
        return status;
    status = catch_signals(b);
    if (status)
        return status;
    b->hv.ended_fd = eventfd(0, EFD_CLOEXEC);
    if (b->hv.ended_fd < 0)
        return fail("events: %s", strerror(errno));
    dispatch_init(&b->hv.dispatcher);
    clock_gettime(CLOCK_MONOTONIC, &start);
    status = run_to_end(b);
    clock_gettime(CLOCK_MONOTONIC, &end);

    console_stop(b->hv.console);
    b->hv.console = NULL;
    if (!status && atomic_load(&b->lp.end) == END_CRASH) {
        report_crash(stderr, &b->lp, false);
        status = BOOT_CRASHED;
    } else if (!status && b->end_signal) {
        status = 128 + b->end_signal;
    }
    if (options->stats && b->have_partition)
        fprintf(stderr, "stats: instructions %llu seconds %.3f\n", (unsigned long long)count_insns(b),
                (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9);
    if (options->stats && b->have_partition && b->lp.mem.xlate)
        print_translator(&b->lp, count_insns(b));
    if (options->stats && b->have_partition)
        print_tlb_stats(b);
    if (options->stats && options->engine == &check_engine)
        fprintf(stderr, "stats: checked instructions %llu pieces %llu\n", (unsigned long long)check_stats().insns,
                (unsigned long long)check_stats().pieces);
    trace_stop();
    remove_devices(b);
    if (b->have_partition) {
        hold_fini(&b->hold);
        partition_fini(&b->lp);
    }
    dispatch_fini(&b->hv.dispatcher);
    close(b->hv.ended_fd);
    close(b->signal_fd);
    return status;
}
