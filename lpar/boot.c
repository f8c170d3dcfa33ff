// SPDX-License-Identifier: Apache-2.0
// Threads: this one waits for signals and the partition's end; one loads what is booted; one per hardware thread (vp.c); two of the console (console.c);
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
#include "cpu/run.h"
#include "cpu/xlate/check.h"
#include "cpu/xlate/xlate.h"
#include "lpar/gdb.h"
#include "lpar/life.h"
#include "lpar/null_hv.h"
#include "lpar/report.h"
#include "lpar/trace.h"
#include "lpar/vp.h"

struct boot {
    const struct boot_options *options;
    struct life life;
    struct life_image image;
    struct null_hv hv;
    struct gdb *gdb;
    struct embedded *vios; // NULL: no disks
    struct uplink *uplinks[NETS_MAX];
    int signal_fd;
    int loaded_fd; // readable: load_error is there
    int load_error;
    int end_signal; // that ended the partition, or 0
    u64 insns;      // of earlier starts
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

static int open_image(struct boot *b)
{
    const struct boot_options *o = b->options;
    char reason[256];
    b->image = (struct life_image){.kernel_name = o->kernel,
                                   .initrd_name = o->initrd,
                                   .kernel = -1,
                                   .initrd = -1,
                                   .client_interface = o->client_interface,
                                   .devices = o->devices};
    if (!o->kernel)
        return 0;
    b->image.kernel = image_open_file(o->kernel, reason, sizeof(reason));
    if (b->image.kernel < 0)
        return fail("kernel %s: %s", o->kernel, reason);
    b->image.initrd = o->initrd ? image_open_file(o->initrd, reason, sizeof(reason)) : -1;
    if (o->initrd && b->image.initrd < 0)
        return fail("initrd %s: %s", o->initrd, reason);
    return 0;
}

static void close_image(struct boot *b)
{
    if (b->image.kernel >= 0)
        close(b->image.kernel);
    if (b->image.initrd >= 0)
        close(b->image.initrd);
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

// Ethernet adapters are in slots from here on.
#define LAN_SLOT_FIRST 32u

// Locally administered, the same at each start of a partition of this name.
static void make_mac(const char *name, u32 place, u8 mac[6])
{
    u32 hash = 2166136261u; // FNV-1a
    for (; *name; name++)
        hash = (hash ^ (u8)*name) * 16777619u;
    const u8 made[6] = {
        0x02, (u8)(hash >> 24), (u8)(hash >> 16), (u8)(hash >> 8), (u8)hash, (u8)(LAN_SLOT_FIRST + place)};
    memcpy(mac, made, sizeof(made));
}

static int start_nets(struct boot *b)
{
    static const u8 none[6];
    const struct boot_options *o = b->options;
    for (u32 i = 0; i < o->nets_len; i++) {
        struct life_lan *lan = &b->life.lans[i];
        char why[512];
        if (uplink_start(&o->nets[i], &b->uplinks[i], why, sizeof(why)))
            return fail("--net: %s", why);
        lan->config.slot = LAN_SLOT_FIRST + i;
        lan->link = *uplink_link(b->uplinks[i]);
        if (memcmp(o->nets[i].mac, none, 6) != 0)
            memcpy(lan->config.mac, o->nets[i].mac, 6);
        else
            make_mac(o->name, i, lan->config.mac);
        b->life.lans_len++;
    }
    return 0;
}

static void stop_nets(struct boot *b)
{
    for (u32 i = 0; i < NETS_MAX; i++)
        uplink_stop(b->uplinks[i]);
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
        // A disk's boot program takes arguments for itself.
        .bootargs = !o->kernel && !o->append  ? NULL
                    : o->append && *o->append ? o->append
                                              : "console=hvc0",
    };
    snprintf(config.name, sizeof(config.name), "%s", o->name);
    snprintf(config.boot_mode, sizeof(config.boot_mode), "%s", boot_mode_name(o->mode));
    if (o->disks_len) {
        char why[1200];
        b->vios = embedded_start(config.id, o->disks, o->disks_len, why, sizeof(why));
        if (!b->vios)
            return fail("--disk: %s", why);
        life_attach(&b->life, embedded_adapter(b->vios));
    }
    return life_create(&b->life, &config, &null_hv_ops, &b->hv) ? fail("%s", b->life.why) : 0;
}

static void on_input(void *arg)
{
    life_input_ready(&((struct boot *)arg)->life);
}

static void on_drained(void *arg)
{
    life_output_ready(&((struct boot *)arg)->life);
}

static void on_key(void *arg, enum console_key key)
{
    struct boot *b = arg;
    if (key == CONSOLE_QUIT) {
        partition_end(&b->life.lp, END_POWER_OFF, "ended from the console");
        return;
    }
    group_exclusive_begin(&b->life.lp.group, NULL);
    report_registers(stderr, &b->life.lp, console_is_raw());
    group_exclusive_end(&b->life.lp.group, NULL);
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
    partition_end(&b->life.lp, END_POWER_OFF, "ended by a signal");
}

static void wait_for_end(struct boot *b)
{
    while (atomic_load(&b->life.lp.end) == END_NONE) {
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
    for (u32 i = 0; i < b->life.lp.group.len; i++)
        sum += b->life.lp.group.cpus[i]->insns;
    return sum;
}

// Hits are not counted, misses are: the rates take as many loads and stores to be executed as there are in what was translated.
static void print_tlb_stats(const struct boot *b)
{
    const struct xlate *x = b->life.lp.mem.xlate;
    struct xlate_stats s = x ? xlate_stats(b->life.lp.mem.xlate) : (struct xlate_stats){0};
    struct mmu_counts all = {0};
    u64 insns = 0;
    for (u32 i = 0; i < b->life.lp.group.len; i++) {
        struct mmu_counts c = mmu_counts(b->life.lp.group.cpus[i]);
        insns += b->life.lp.group.cpus[i]->insns;
        all.misses += c.misses;
        all.fills += c.fills;
        all.walks += c.walks;
        all.fetches += c.fetches;
        all.taken += c.taken;
        all.grown += c.grown;
    }
    double accesses = s.insns ? (double)insns * (double)s.accesses / (double)s.insns : 0;
    fprintf(stderr,
            "stats: tlb misses %llu fills %llu walks %llu fetch-misses %llu tables-taken %llu tables-grown %llu",
            (unsigned long long)all.misses, (unsigned long long)all.fills, (unsigned long long)all.walks,
            (unsigned long long)all.fetches, (unsigned long long)all.taken, (unsigned long long)all.grown);
    if (accesses > 0)
        fprintf(stderr, " out-of-line %llu accesses-estimated %.0f hit-rate %.3f%% in-line %.3f%%",
                (unsigned long long)s.finds, accesses, 100 - 100 * MIN((double)all.misses / accesses, 1.0),
                100 - 100 * MIN((double)s.finds / accesses, 1.0));
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
#define N(member)       ((unsigned long long)s.member)
#define SECONDS(member) ((double)s.member / 1e9)
    fprintf(stderr, "stats: executed in regions %llu (%llu %%) interpreted %llu\n", N(executed),
            percent(s.executed, insns), (unsigned long long)(insns - MIN(s.executed, insns)));
    fprintf(stderr,
            "stats: regions %llu refused %llu remade %llu instructions %llu operations %llu code %llu KiB flushes %llu "
            "evictions %llu "
            "seconds %.3f kept %llu loaded %llu in background %llu\n",
            N(regions), N(refused), N(remade), N(insns), N(ir_insns), N(code_size) / KIB, N(flushes), N(evictions),
            SECONDS(nanoseconds), N(kept), N(loaded), N(background));
    fprintf(stderr,
            "stats: queue longest %llu refused %llu, file loading seconds %.3f written %llu times seconds %.3f\n",
            N(queue_longest), N(queue_refused), SECONDS(load_nanoseconds), N(writes), SECONDS(write_nanoseconds));
#undef SECONDS
#undef N
    fprintf(stderr, "stats: exits");
    for (unsigned i = 0; i < XLATE_EXITS; i++)
        fprintf(stderr, " %s %llu", causes[i], (unsigned long long)s.exits[i]);
    fprintf(stderr, "\n");
}

static void *load_main(void *arg)
{
    struct boot *b = arg;
    u64 one = 1;
    b->load_error = life_load(&b->life, &b->image);
    ssize_t done = write(b->loaded_fd, &one, sizeof(one));
    (void)done;
    return NULL;
}

// Firmware's menus and the network may take long: signals are read meanwhile.
static int load(struct boot *b)
{
    pthread_t thread;
    u64 count;
    int err = -pthread_create(&thread, NULL, load_main, b);
    if (err)
        return fail("no thread to boot with: %s", strerror(-err));
    struct pollfd p[] = {{.fd = b->signal_fd, .events = POLLIN}, {.fd = b->loaded_fd, .events = POLLIN}};
    while (!(p[1].revents & POLLIN))
        if (poll(p, 2, -1) > 0 && p[0].revents & POLLIN)
            take_signal(b);
    ssize_t got = read(b->loaded_fd, &count, sizeof(count));
    (void)got;
    pthread_join(thread, NULL);
    if (!b->load_error || atomic_load(&b->life.lp.end) != END_NONE)
        return 0;
    console_drain(b->hv.console); // what firmware printed
    return fail("%s", b->life.why);
}

// From power on to the end: the partition and its devices are in their first state.
static int run(struct boot *b, bool first)
{
    struct vps vps = {.lp = &b->life.lp, .hold = &b->life.hold, .engine = b->options->engine};
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
    if (first) {
        struct console_events events = {.input = on_input, .drained = on_drained, .key = on_key, .arg = b};
        b->hv.console = console_start(&events);
        if (!b->hv.console)
            return fail("the console: no memory or no threads");
    }
    int err = load(b);
    if (err)
        return err;
    if (atomic_load(&b->life.lp.end) != END_NONE) { // in firmware's hands
        wait_for_end(b);
        return 0;
    }
    life_boot_msr(&b->life, &vps);
    if (b->options->gdb) {
        const char *why = NULL;
        b->gdb = gdb_start(&b->life.lp, &b->life.hold, b->options->gdb, &why);
        if (!b->gdb)
            return fail("--gdb %s: %s", b->options->gdb, why);
    }
    if (first && b->options->trace) {
        err = trace_start(&b->life.lp, b->options->trace, b->options->trace_file, b->options->trace_filter);
        if (err)
            return fail("--trace-file %s: %s", b->options->trace_file, strerror(-err));
    } else {
        trace_arm(&b->life.lp);
    }
    err = vps_start(&vps);
    if (!err && b->gdb && gdb_serve(b->gdb)) {
        partition_end(&b->life.lp, END_CRASH, "the host has no more threads");
        hold_end(&b->life.hold);
        vps_join(&vps);
        err = -EAGAIN;
    }
    if (err) {
        gdb_stop(b->gdb, true);
        b->gdb = NULL;
        return fail("%u hardware threads: %s; give fewer with --vcpus or --threads", b->life.lp.group.len,
                    strerror(-err));
    }
    wait_for_end(b);
    hold_end(&b->life.hold);
    vps_join(&vps);
    life_flush_output(&b->life);
    gdb_stop(b->gdb, atomic_load(&b->life.lp.end) == END_CRASH);
    b->gdb = NULL;
    return 0;
}

static int restart(struct boot *b)
{
    b->insns = count_insns(b);
    return life_restart(&b->life) ? fail("%s", b->life.why) : 0;
}

static int run_to_end(struct boot *b)
{
    int status = start_nets(b);
    if (!status)
        status = create(b);
    for (bool first = true; !status; first = false) {
        status = run(b, first);
        if (status || atomic_load(&b->life.lp.end) != END_REBOOT)
            break;
        if (atomic_load(&b->life.lp.report_wanted))
            report_crash(stderr, &b->life.lp, console_is_raw());
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

    int status = check_memory(options);
    if (status)
        return status;
    status = open_image(b);
    if (status) {
        close_image(b);
        return status;
    }
    status = catch_signals(b);
    if (status)
        return status;
    b->hv.ended_fd = eventfd(0, EFD_CLOEXEC);
    b->loaded_fd = eventfd(0, EFD_CLOEXEC);
    if (b->hv.ended_fd < 0 || b->loaded_fd < 0)
        return fail("events: %s", strerror(errno));
    dispatch_init(&b->hv.dispatcher);
    clock_gettime(CLOCK_MONOTONIC, &start);
    status = run_to_end(b);
    clock_gettime(CLOCK_MONOTONIC, &end);

    console_stop(b->hv.console);
    b->hv.console = NULL;
    if (!status && atomic_load(&b->life.lp.end) == END_CRASH) {
        report_crash(stderr, &b->life.lp, false);
        status = BOOT_CRASHED;
    } else if (!status && b->end_signal) {
        status = 128 + b->end_signal;
    }
    if (options->stats && b->life.have_partition)
        fprintf(stderr, "stats: instructions %llu seconds %.3f\n", (unsigned long long)count_insns(b),
                (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9);
    if (options->stats && b->life.have_partition && b->life.lp.mem.xlate)
        print_translator(&b->life.lp, count_insns(b));
    if (options->stats && b->life.have_partition)
        print_tlb_stats(b);
    if (options->stats && options->engine == &check_engine)
        fprintf(stderr, "stats: checked instructions %llu pieces %llu\n", (unsigned long long)check_stats().insns,
                (unsigned long long)check_stats().pieces);
    trace_stop();
    life_fini(&b->life);
    embedded_stop(b->vios);
    stop_nets(b);
    close_image(b);
    dispatch_fini(&b->hv.dispatcher);
    close(b->hv.ended_fd);
    close(b->loaded_fd);
    close(b->signal_fd);
    return status;
}
