// SPDX-License-Identifier: Apache-2.0
// Threads: this one waits for the daemon, for terminals and the partition's end; another one runs the partition from start to start and waits
// for its processors' threads (vp.c). What they share is under `lock` or atomic.
//
// When the daemon goes away the partition goes on; the next daemon connects to the same socket and hears the same ANNOUNCE that the first one heard.
#include "lpar/managed.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "cpu/run.h"
#include "cpu/xlate/xlate.h"
#include "isa/isa.h"
#include "lpar/life.h"
#include "lpar/null_hv.h"
#include "lpar/resources.h"
#include "lpar/sandbox.h"
#include "lpar/servers.h"
#include "lpar/share.h"
#include "lpar/slots.h"
#include "proto/hyper/terminals.h"
#include "papr/events.h"
#include "papr/sched.h"
#include "papr/vdev_ops.h"
#include "proto/hyper/link.h"

#define FIRST_SECONDS 30   // without a daemon and without a partition there is nothing to wait for
#define LOG_MS        100  // between two lines of the log: the guest must not be able to make us flood the daemon
#define FLUSH_MS      1000 // terminals that do not take what was printed last are left behind then

enum managed_state { WAITING, STARTING, SMS, PROMPT, RUNNING, ENDED };
static const char *const state_names[] = {"waiting", "starting", "sms", "of", "running", "ended"};

struct managed {
    struct null_hv hv; // first: the null hypervisor's functions take it
    struct life life;
    struct life_image image;
    struct hv_ops ops;
    struct partition_config config;
    struct terminals terminals;
    struct share_client share;
    struct resources resources;
    struct vps vps;
    struct servers *servers; // NULL: it has no virtual SCSI adapters
    struct slots slots;
    int listen_fd, wake_fd, parts;
    bool linked;
    struct link link;
    char args[2048], compat[32];
    u64 units, started;
    s64 activated; // ns: when the daemon was asked to activate it
    int memory_fd;
    pthread_t thread;
    bool have_thread, quitting;
    s64 logged; // ns

    pthread_mutex_t lock;
    // Under lock.
    enum managed_state state;
    bool announced_state; // the daemon knows it
    u64 activation_us;    // until the first instruction
    u64 activation_cpu_us;
    char text[1024]; // what goes with the state: why it ended
    const char *end; // "power_off", "crash", "boot"
    char log[256];   // the last line, until it is sent
};

static struct managed the; // too large for some stacks

static void wake(void)
{
    u64 one = 1;
    ssize_t done = write(the.wake_fd, &one, sizeof(one));
    (void)done;
}

static void set_state(enum managed_state state, const char *end, const char *text)
{
    pthread_mutex_lock(&the.lock);
    the.state = state;
    the.end = end;
    snprintf(the.text, sizeof(the.text), "%s", text);
    the.announced_state = false;
    pthread_mutex_unlock(&the.lock);
    wake();
}

static void hv_firmware_waits(void *arg, const char *where)
{
    set_state(!where ? STARTING : strcmp(where, "sms") == 0 ? SMS : PROMPT, NULL, "firmware boots");
}

static size_t hv_console_write(void *arg, const u8 *data, size_t size)
{
    terminals_put(&the.terminals, data, size);
    wake();
    return size;
}

static size_t hv_console_read(void *arg, u8 *data, size_t size)
{
    size_t got = terminals_get(&the.terminals, data, size);
    if (got)
        wake(); // there is room for more
    return got;
}

static void hv_log(void *arg, int level, const char *text)
{
    pthread_mutex_lock(&the.lock);
    snprintf(the.log, sizeof(the.log), "%s", text);
    pthread_mutex_unlock(&the.lock);
    wake();
}

static void hv_dispatch_begin(void *arg, u32 thread)
{
    share_begin(&the.share, thread);
}

static void hv_dispatch_end(void *arg, u32 thread, bool ceded)
{
    share_end(&the.share, thread, ceded);
}

static bool hv_dispatch_over(void *arg, u32 thread)
{
    return share_over(&the.share, thread);
}

static bool hv_dispatch_alone(void *arg, u32 thread)
{
    return share_alone(&the.share, thread);
}

static void hv_conferring(void *arg, u32 thread, int to)
{
    share_conferring(&the.share, thread, to);
}

static void hv_confer(void *arg, int to)
{
    share_confer(&the.share, to);
}

static bool hv_ppp(void *arg, struct hv_ppp *ppp)
{
    return share_ppp(&the.share, ppp);
}

static bool hv_set_ppp(void *arg, u32 units, u32 weight)
{
    return share_set_ppp(&the.share, units, weight);
}

static void take_over_processors(struct hv_ops *ops)
{
    ops->dispatch_begin = hv_dispatch_begin;
    ops->dispatch_end = hv_dispatch_end;
    ops->dispatch_over = hv_dispatch_over;
    ops->dispatch_alone = hv_dispatch_alone;
    ops->conferring = hv_conferring;
    ops->confer = hv_confer;
    ops->ppp = hv_ppp;
    ops->set_ppp = hv_set_ppp;
}

static void hv_connectors_changed(void *arg)
{
    wake();
}

static int hv_thread_added(void *arg, struct cpu *cpu)
{
    return vps_add(&the.vps, cpu);
}

static void wait_for_end(void)
{
    u64 count;
    while (atomic_load(&the.life.lp.end) == END_NONE) {
        struct pollfd p = {.fd = the.hv.ended_fd, .events = POLLIN};
        poll(&p, 1, -1);
    }
    ssize_t got = read(the.hv.ended_fd, &count, sizeof(count));
    (void)got;
}

// A processor is about to execute the first instruction.
static void on_entered(void *arg)
{
    pthread_mutex_lock(&the.lock);
    struct timespec t;
    if (!the.activation_us && !clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t)) {
        the.activation_us = (u64)MAX(clock_ns() - the.activated, 1000) / 1000;
        the.activation_cpu_us = (u64)t.tv_sec * 1000000 + (u64)t.tv_nsec / 1000;
    }
    pthread_mutex_unlock(&the.lock);
    set_state(RUNNING, NULL, "");
}

// From power on to the end. 0, or a negative errno.
static int run_once(void)
{
    the.vps = (struct vps){.lp = &the.life.lp, .hold = &the.life.hold, .engine = engine_auto(), .entered = on_entered};
    set_state(STARTING, NULL, "memory and processors are there");
    int err = life_load(&the.life, &the.image);
    if (atomic_load(&the.life.lp.end) != END_NONE) { // in firmware's hands
        wait_for_end();
        return 0;
    }
    if (err)
        return err;
    life_boot_msr(&the.life, &the.vps);
    err = vps_start(&the.vps);
    if (err) {
        snprintf(the.life.why, sizeof(the.life.why), "%u hardware threads: %s", the.life.lp.group.len, strerror(-err));
        return err;
    }
    wait_for_end();
    hold_end(&the.life.hold);
    vps_join(&the.vps);
    share_quiet(&the.share);
    life_flush_output(&the.life);
    return 0;
}

static void *partition_main(void *arg)
{
    int err = life_create(&the.life, &the.config, &the.ops, &the);
    while (!err) {
        err = run_once();
        if (err || atomic_load(&the.life.lp.end) != END_REBOOT)
            break;
        the.life.lp.config.boot_mode[0] = 0; // it was asked for once
        err = life_restart(&the.life);
    }
    if (err)
        set_state(ENDED, "boot", the.life.why);
    else if (atomic_load(&the.life.lp.end) == END_CRASH)
        set_state(ENDED, "crash", the.life.lp.end_reason);
    else
        set_state(ENDED, "power_off", "the operating system powered off");
    return NULL;
}

static void send_values(enum message type, const struct wire_record *values, const int *fds, u32 len)
{
    static struct wire_message m; // large; this thread
    m.type = (u16)type;
    m.values = *values;
    link_send(&the.link, &m, fds, len);
}

static void announce(void)
{
    static struct wire_record v; // large; this thread
    int fds[WIRE_FDS_MAX];
    char sessions[256];
    u32 len = terminals_describe(&the.terminals, fds, WIRE_FDS_MAX, sessions, sizeof(sessions));
    resources_settle(&the.resources);
    slots_settle(&the.slots);
    pthread_mutex_lock(&the.lock);
    v.len = 0;
    wire_put_num(&v, "version", WIRE_VERSION);
    wire_put_num(&v, "lpar_id", the.config.id);
    wire_put_num(&v, "mem", the.resources.procs ? the.resources.mem : the.config.memory / MIB);
    wire_put_num(&v, "procs", the.resources.procs ? the.resources.procs : the.config.vcpus);
    wire_put_num(&v, "units", the.units);
    wire_put_num(&v, "started", the.started);
    wire_put_num(&v, "activation_us", the.activation_us);
    wire_put_num(&v, "activation_cpu_us", the.activation_cpu_us);
    wire_put_num(&v, "sandbox", (u64)the.parts);
    wire_put_text(&v, "sessions", sessions);
    wire_put_text(&v, "state", state_names[the.state == ENDED ? STARTING : the.state]);
    the.announced_state = the.state != ENDED;
    pthread_mutex_unlock(&the.lock);
    send_values(MESSAGE_ANNOUNCE, &v, fds, len);
}

// What the other thread has to say.
static void send_news(void)
{
    static struct wire_record v;
    static char text[sizeof(the.text)], log[sizeof(the.log)];
    const char *end;
    pthread_mutex_lock(&the.lock);
    bool state = !the.announced_state;
    enum managed_state now = the.state;
    memcpy(text, the.text, sizeof(text));
    memcpy(log, the.log, sizeof(log));
    end = the.end;
    u64 activation_us = the.activation_us, activation_cpu_us = the.activation_cpu_us;
    the.announced_state = true;
    bool logs = *log && clock_ns() - the.logged >= LOG_MS * 1000000ll;
    if (logs)
        the.log[0] = 0;
    pthread_mutex_unlock(&the.lock);
    if (logs) {
        the.logged = clock_ns();
        v.len = 0;
        wire_put_text(&v, "text", log);
        send_values(MESSAGE_LOG, &v, NULL, 0);
    }
    if (!state)
        return;
    v.len = 0;
    wire_put_text(&v, now == ENDED ? "end" : "state", now == ENDED ? end : state_names[now]);
    wire_put_text(&v, "text", text);
    wire_put_num(&v, "activation_us", activation_us);
    wire_put_num(&v, "activation_cpu_us", activation_cpu_us);
    send_values(now == ENDED ? MESSAGE_END : MESSAGE_STATE, &v, NULL, 0);
}

static bool take_start(const struct wire_record *v, const int *fds, u32 len)
{
    const char *name = wire_text(v, "name"), *serial = wire_text(v, "serial"), *compat = wire_text(v, "compat"),
               *mmu = wire_text(v, "mmu"), *args = wire_text(v, "args");
    u32 files = 2; // memory and scroll-back; a kernel, and an initial RAM disk with it
    if (the.have_thread || len < files || !name || !serial || !compat || !mmu || !args)
        return false;
    the.memory_fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 3);
    the.image =
        (struct life_image){.kernel_name = "boot_image", .initrd_name = "boot_initrd", .client_interface = true};
    the.image.kernel = len > files ? fcntl(fds[files++], F_DUPFD_CLOEXEC, 3) : -1;
    the.image.initrd = len > files ? fcntl(fds[files], F_DUPFD_CLOEXEC, 3) : -1;
    bool power8 = strcmp(compat, "POWER8") == 0;
    the.config = (struct partition_config){
        .id = (u32)wire_num(v, "lpar_id", 1),
        .vcpus = (u32)wire_num(v, "procs", 1),
        .threads = (u32)wire_num(v, "threads", 1),
        .memory = wire_num(v, "mem", 0) * MIB,
        .vcpus_min = (u32)wire_num(v, "min_procs", 0),
        .vcpus_max = (u32)wire_num(v, "max_procs", 0),
        .units_min = (u32)wire_num(v, "min_units", 0),
        .units_max = (u32)wire_num(v, "max_units", 0),
        .memory_min = wire_num(v, "min_mem", 0) * MIB,
        .memory_max = wire_num(v, "max_mem", 0) * MIB,
        .lmb = wire_num(v, "lmb", 0) * MIB,
        .isa_level = power8 ? LEVEL_V207 : LEVEL_V30,
        .radix_allowed = strcmp(mmu, "hash") != 0 && !power8,
        .hash_allowed = strcmp(mmu, "radix") != 0,
        .memory_fd = the.memory_fd,
        .bootargs = the.args,
    };
    snprintf(the.config.name, sizeof(the.config.name), "%s", name);
    snprintf(the.config.serial, sizeof(the.config.serial), "%s", serial);
    snprintf(the.config.boot_mode, sizeof(the.config.boot_mode), "%s",
             wire_text(v, "boot_mode") ? wire_text(v, "boot_mode") : "norm");
    snprintf(the.args, sizeof(the.args), "%s", *args ? args : "console=hvc0");
    share_set_threads(&the.share, MAX(the.config.threads, 1u));
    the.units = wire_num(v, "units", 0);
    the.started = wire_num(v, "started", 0);
    the.activated = (s64)wire_num(v, "activated", (u64)clock_ns());
    if (the.memory_fd < 0 || (len > 2 && the.image.kernel < 0) || terminals_map(&the.terminals, fds[1]) ||
        pthread_create(&the.thread, NULL, partition_main, NULL))
        return false;
    the.have_thread = true;
    return true;
}

// Before START: it is there from the first power on.
static bool take_adapter(const struct wire_record *v, const int *fds, u32 len)
{
    const char *mac = wire_text(v, "mac");
    unsigned bytes[6];
    if (the.have_thread || len != 3 || !mac || the.life.lans_len == LIFE_LANS_MAX ||
        sscanf(mac, "%2x%2x%2x%2x%2x%2x", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4], &bytes[5]) != 6)
        return false;
    struct life_lan *lan = &the.life.lans[the.life.lans_len++];
    lan->config.slot = (u32)wire_num(v, "slot", 0);
    lan->config.trunk_priority = (u8)wire_num(v, "trunk", 0);
    for (u32 i = 0; i < 6; i++)
        lan->config.mac[i] = (u8)bytes[i];
    lan->link = (struct ring_fds){fcntl(fds[0], F_DUPFD_CLOEXEC, 3),
                                  {fcntl(fds[1], F_DUPFD_CLOEXEC, 3), fcntl(fds[2], F_DUPFD_CLOEXEC, 3)}};
    return lan->link.memory >= 0 && lan->link.bell[0] >= 0 && lan->link.bell[1] >= 0;
}

// Before START: a virtual SCSI adapter.
static bool take_vscsi(const struct wire_record *v)
{
    u64 slot = wire_num(v, "slot", 0);
    if (the.have_thread || !slot || slot >= VIO_SLOTS || the.life.adapters_len == LIFE_ADAPTERS_MAX)
        return false;
    if (!the.servers)
        the.servers = servers_new();
    struct vdev *vdev = the.servers ? servers_add(the.servers, (u32)slot, wire_num(v, "server", 0)) : NULL;
    if (vdev)
        life_attach(&the.life, vdev);
    return vdev;
}

// At any time: the channel between an adapter and its partner; of a server's adapter also the link.
static bool take_join(const struct wire_record *v, const int *fds, u32 len)
{
    struct vscsi_client client = {.channel = -1,
                                  .link = {-1, {-1, -1}},
                                  .partition = (u32)wire_num(v, "client", 0),
                                  .slot = (u32)wire_num(v, "client_slot", 0)};
    int *const to[] = {&client.channel, &client.link.memory, &client.link.bell[0], &client.link.bell[1]};
    if (len != 1 && len != ARRAY_LEN(to))
        return false;
    bool ok = the.servers;
    for (u32 i = 0; i < len && ok; i++) {
        *to[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
        ok = *to[i] >= 0;
    }
    if (ok && servers_join(the.servers, (u32)wire_num(v, "slot", 0), &client))
        return true;
    for (u32 i = 0; i < len; i++) // it was removed while the hypervisor sent this
        if (*to[i] >= 0)
            close(*to[i]);
    return true;
}

// Processors are there once the operating system runs.
static bool is_running(void)
{
    pthread_mutex_lock(&the.lock);
    bool running = the.state == RUNNING;
    pthread_mutex_unlock(&the.lock);
    return running;
}

static void dump(void)
{
    if (is_running())
        sched_system_reset(&the.life.lp);
}

static void take_quit(const struct wire_record *v)
{
    const char *how = wire_text(v, "how");
    if (the.have_thread && how && strcmp(how, "os") == 0)
        events_shutdown(&the.life.lp);
    else if (how && strcmp(how, "dump") == 0)
        dump();
    else
        the.quitting = true;
}

// false: what it says makes no sense.
static bool take_message(const struct wire_message *m, const int *fds)
{
    switch (m->type) {
    case MESSAGE_START: return take_start(&m->values, fds, m->fds);
    case MESSAGE_ADAPTER: return take_adapter(&m->values, fds, m->fds);
    case MESSAGE_VSCSI: return take_vscsi(&m->values);
    case MESSAGE_PLUG: return slots_plug(&the.slots, &m->values, fds, m->fds, is_running());
    case MESSAGE_UNPLUG: return slots_unplug(&the.slots, &m->values, is_running());
    case MESSAGE_JOIN: return take_join(&m->values, fds, m->fds);
    case MESSAGE_DISPATCH: return m->fds == 2 && !share_attach(&the.share, fds[0], fds[1]);
    case MESSAGE_DLPAR: return the.have_thread && resources_take(&the.resources, &m->values);
    case MESSAGE_ENTITLED: the.units = wire_num(&m->values, "units", the.units); return true;
    case MESSAGE_QUIT: take_quit(&m->values); return true;
    case MESSAGE_TERMINAL:
        if (m->fds)
            terminals_add(&the.terminals, (u32)wire_num(&m->values, "session", 0), fcntl(fds[0], F_DUPFD_CLOEXEC, 3),
                          wire_num(&m->values, "view", 0), wire_num(&m->values, "fresh", 1));
        return m->fds == 1;
    case MESSAGE_TERMINAL_END: terminals_end(&the.terminals, (u32)wire_num(&m->values, "session", 0)); return true;
    default: return false;
    }
}

static void send_resources(enum message type, const struct wire_record *values)
{
    send_values(type, values, NULL, 0);
}

static int look_at_resources(void)
{
    if (!the.have_thread)
        return 1000;
    int resources = resources_step(&the.resources, is_running(), the.linked), slots = slots_step(&the.slots);
    return resources < 0 ? slots : slots < 0 ? resources : MIN(resources, slots);
}

static void drop_link(void)
{
    link_fini(&the.link);
    the.linked = false;
    share_detach(&the.share);
}

// A daemon that comes while another one is there takes its place: there is one at a time, by the lock in the system's folder.
static void take_daemon(void)
{
    int fd = link_accept(the.listen_fd);
    if (fd < 0)
        return;
    if (the.linked)
        drop_link();
    link_init(&the.link, fd);
    the.linked = true;
    announce();
}

static bool over(s64 start)
{
    pthread_mutex_lock(&the.lock);
    bool ended = the.state == ENDED && the.announced_state && (!the.linked || !the.link.out);
    pthread_mutex_unlock(&the.lock);
    return the.quitting || ended ||
           (!the.have_thread && !the.linked && clock_ns() - start > FIRST_SECONDS * 1000000000ll);
}

static bool log_waits(void)
{
    pthread_mutex_lock(&the.lock);
    bool waits = the.linked && the.log[0];
    pthread_mutex_unlock(&the.lock);
    return waits;
}

static void serve(void)
{
    s64 start = clock_ns();
    while (!over(start)) {
        struct pollfd p[3 + TERMINALS_MAX_SESSIONS] = {
            {.fd = the.wake_fd, .events = POLLIN}, {.fd = the.listen_fd, .events = POLLIN}, {.fd = -1}};
        int wait = look_at_resources();
        if (the.linked) {
            send_news();
            int err = link_flush(&the.link);
            if (the.link.failed || (err && err != -EAGAIN))
                drop_link();
        }
        if (the.linked)
            p[2] = (struct pollfd){.fd = the.link.fd, .events = (short)(POLLIN | (the.link.out ? POLLOUT : 0))};
        u32 sessions = terminals_poll(&the.terminals, p + 3);
        if (over(start))
            break;
        if (poll(p, 3 + sessions, log_waits() && (wait < 0 || wait > LOG_MS) ? LOG_MS : wait) < 0 && errno != EINTR)
            break;
        u64 count;
        if (p[0].revents && read(the.wake_fd, &count, sizeof(count)) < 0)
            continue;
        if (terminals_serve(&the.terminals, p + 3, sessions) && the.have_thread)
            life_input_ready(&the.life);
        if (p[2].revents && !link_serve(&the.link, take_message))
            drop_link();
        if (p[1].revents)
            take_daemon();
    }
}

int managed_run(int listen_fd)
{
    the.listen_fd = listen_fd;
    the.link.fd = -1;
    the.config.id = 0;
    pthread_mutex_init(&the.lock, NULL);
    terminals_init(&the.terminals);
    signal(SIGPIPE, SIG_IGN);
    the.ops = null_hv_ops;
    the.ops.console_write = hv_console_write;
    the.ops.console_read = hv_console_read;
    the.ops.log = hv_log;
    the.ops.firmware_waits = hv_firmware_waits;
    the.ops.connectors_changed = hv_connectors_changed;
    the.ops.thread_added = hv_thread_added;
    resources_init(&the.resources, &the.life, send_resources);
    slots_init(&the.slots, &the.life, &the.servers, send_resources);
    the.hv.ended_fd = eventfd(0, EFD_CLOEXEC);
    the.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    take_over_processors(&the.ops);
    dispatch_init(&the.hv.dispatcher);
    share_init(&the.share, &the.hv.dispatcher);
    isa_init();
    if (the.hv.ended_fd < 0 || the.wake_fd < 0 || listen(listen_fd, 4))
        return 1;
    fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) | O_NONBLOCK);
    the.parts = sandbox_enter();
    if (the.parts < 0)
        return 1;
    serve();
    terminals_flush(&the.terminals, FLUSH_MS);
    return 0; // threads of a partition that was told to quit end with the process
}
