// SPDX-License-Identifier: Apache-2.0
// openlpar-vios: the process of a Virtual I/O Server partition of a managed system. Started by openlpard, with a bound socket as descriptor 3.
//
// It administers: database, commands, the virtual terminal with its shell. What clients send it never sees; that is for the data path, a process of its own (vios/admin/data.c).
// One thread. When the daemon goes away everything goes on; the next one connects to the same socket and hears the same ANNOUNCE.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sanitized.h"
#include "proto/hyper/link.h"
#include "proto/hyper/terminals.h"
#include "vios/admin/data.h"
#include "vios/admin/sea.h"

SANITIZED_SHUT_IN

#define LISTEN_FD     3
#define FIRST_SECONDS 30 // without a daemon and without a configuration there is nothing to wait for
#define FLUSH_MS      1000
#define PIECE         3000u // of what a command printed, in one message
#define VOLUMES_MAX   64u
#define ARGUMENTS_MAX 128u
#define NETWORKS_MAX  16u

enum vios_state { WAITING, RUNNING, ENDED };

struct vios {
    int listen_fd;
    bool linked, quitting;
    struct link link;
    enum vios_state state;
    bool told; // the daemon knows the state
    const char *end;
    bool restart;
    char text[IOS_WHY_MAX];
    u32 id;
    u64 started, mem, procs, units; // as the daemon said
    char name[32], serial[16], type_model[32], folder[1024], volumes[4096], networks[2048];
    struct data *data;
    struct seas *seas;
    struct ios *ios;
    struct ios_shell *shell;
    struct terminals terminals;
};

static struct vios the;

static void send_values(enum message type, const struct wire_record *values, const int *fds, u32 len)
{
    static struct wire_message m; // large; one thread
    if (!the.linked)
        return;
    m.type = (u16)type;
    m.values = *values;
    link_send(&the.link, &m, fds, len);
}

static void log_line(const char *text)
{
    struct wire_record v = {0};
    wire_put_text(&v, "text", text);
    send_values(MESSAGE_LOG, &v, NULL, 0);
}

static void on_serves(int pid, u64 dead_ms)
{
    struct wire_record v = {0};
    wire_put_num(&v, "pid", (u64)pid);
    wire_put_num(&v, "dead_ms", dead_ms);
    send_values(MESSAGE_SERVES, &v, NULL, 0);
}

static void on_parted(u32 slot, u64 number)
{
    struct wire_record v = {0};
    wire_put_num(&v, "slot", slot);
    wire_put_num(&v, "number", number);
    send_values(MESSAGE_PARTED, &v, NULL, 0);
}

static void on_event(const struct vios_event *e)
{
    static const char *const labels[] = {[VIOS_EVENT_IO_ERROR] = "VTD_IO_ERROR",
                                         [VIOS_EVENT_NO_SPACE] = "VTD_NO_SPACE",
                                         [VIOS_EVENT_EJECTED] = "VTD_EJECTED"};
    const char *label = e->kind < ARRAY_LEN(labels) && labels[e->kind] ? labels[e->kind] : "VTD_EVENT";
    if (!the.ios)
        return;
    if (e->kind == VIOS_EVENT_EJECTED)
        ios_ejected(the.ios, e->adapter, e->target);
    ios_report_target(the.ios, e->adapter, e->target, e->level == VIOS_INFORMATION ? 'O' : 'H', label, e->text);
}

static const struct data_hooks hooks = {.serves = on_serves, .parted = on_parted, .event = on_event, .log = log_line};

static void on_ethernet(char kind, const char *label, const char *adapter, const char *text)
{
    if (the.ios)
        ios_report(the.ios, kind, label, adapter, text);
}

static void announce(void)
{
    static struct wire_record v; // large; one thread
    static const char *const names[] = {"waiting", "running", "starting"};
    static char joints[VIOS_ADAPTERS_MAX * 40];
    int fds[WIRE_FDS_MAX];
    char sessions[256];
    u32 len = terminals_describe(&the.terminals, fds, WIRE_FDS_MAX, sessions, sizeof(sessions));
    *joints = 0;
    if (the.data)
        data_describe(the.data, joints, sizeof(joints));
    v.len = 0;
    wire_put_num(&v, "version", WIRE_VERSION);
    wire_put_num(&v, "lpar_id", the.id);
    wire_put_num(&v, "started", the.started);
    wire_put_num(&v, "mem", the.mem);
    wire_put_num(&v, "procs", the.procs);
    wire_put_num(&v, "units", the.units);
    wire_put_text(&v, "sessions", sessions);
    wire_put_text(&v, "joints", joints);
    wire_put_text(&v, "state", names[the.state]);
    the.told = the.state == RUNNING;
    send_values(MESSAGE_ANNOUNCE, &v, fds, len);
    if (the.data)
        data_tell(the.data);
}

static void send_state(void)
{
    struct wire_record v = {0};
    if (the.told || the.state == WAITING || !the.linked)
        return;
    the.told = true;
    wire_put_text(&v, the.state == ENDED ? "end" : "state", the.state == ENDED ? the.end : "running");
    wire_put_text(&v, "text", the.text);
    wire_put_num(&v, "restart", the.restart);
    send_values(the.state == ENDED ? MESSAGE_END : MESSAGE_STATE, &v, NULL, 0);
}

static void set_state(enum vios_state state, const char *end, const char *text)
{
    the.state = state;
    the.end = end;
    the.told = false;
    snprintf(the.text, sizeof(the.text), "%s", text);
}

// What takes the place of the shell's terminal.
static void shell_write(void *context, const char *text, size_t len)
{
    terminals_put(&the.terminals, (const u8 *)text, len);
}

static u32 split(char *list, const char **items, u32 max)
{
    u32 len = 0;
    char *rest = *list ? list : NULL;
    for (char *item; len < max && (item = strsep(&rest, ",")) != NULL;)
        if (*item)
            items[len++] = item;
    return len;
}

static bool begin(char *why)
{
    const char *volumes[VOLUMES_MAX], *networks[NETWORKS_MAX];
    struct ios_config config = {.folder = the.folder,
                                .type_model = the.type_model,
                                .serial = the.serial,
                                .name = the.name,
                                .lpar_id = the.id,
                                .volumes = volumes,
                                .volumes_len = split(the.volumes, volumes, VOLUMES_MAX),
                                .networks = networks,
                                .networks_len = split(the.networks, networks, NETWORKS_MAX),
                                .effects = &data_effects,
                                .net_effects = &seas_effects};
    the.data = data_new(the.folder, &hooks);
    the.seas = seas_new(on_ethernet);
    if (!the.data || !the.seas) {
        snprintf(why, IOS_WHY_MAX, "no memory");
        return false;
    }
    config.context = the.data;
    config.net_context = the.seas;
    the.ios = ios_open(&config, why);
    if (!the.ios)
        return false;
    data_set_ios(the.data, the.ios);
    if (data_start(the.data, why))
        return false;
    ios_bridge_all(the.ios);
    the.shell = ios_shell_new(the.ios, "padmin", shell_write, NULL);
    return the.shell != NULL;
}

static bool take_start(const struct wire_record *v, const int *fds, u32 len)
{
    const char *name = wire_text(v, "name"), *serial = wire_text(v, "serial"), *model = wire_text(v, "type_model"),
               *folder = wire_text(v, "folder"), *volumes = wire_text(v, "volumes"),
               *networks = wire_text(v, "networks");
    char why[IOS_WHY_MAX] = "";
    if (the.state != WAITING || the.data || len != 1 || !name || !serial || !model || !folder ||
        terminals_map(&the.terminals, fds[0]))
        return false;
    the.id = (u32)wire_num(v, "lpar_id", 0);
    the.started = wire_num(v, "started", 0);
    the.mem = wire_num(v, "mem", 0);
    the.procs = wire_num(v, "procs", 0);
    the.units = wire_num(v, "units", 0);
    snprintf(the.name, sizeof(the.name), "%s", name);
    snprintf(the.serial, sizeof(the.serial), "%s", serial);
    snprintf(the.type_model, sizeof(the.type_model), "%s", model);
    snprintf(the.folder, sizeof(the.folder), "%s", folder);
    snprintf(the.volumes, sizeof(the.volumes), "%s", volumes ? volumes : "");
    snprintf(the.networks, sizeof(the.networks), "%s", networks ? networks : "");
    if (begin(why))
        set_state(RUNNING, NULL, "");
    else
        set_state(ENDED, "boot", why);
    return true;
}

static bool take_vscsi(const struct wire_record *v)
{
    u64 slot = wire_num(v, "slot", 0), client = wire_num(v, "client", 0), client_slot = wire_num(v, "client_slot", 0);
    struct ios_adapter a = {.kind = IOS_SCSI,
                            .slot = (u32)slot,
                            .client = client ? (u32)client : IOS_ANY,
                            .client_slot = client_slot ? (u32)client_slot : IOS_ANY};
    if (!slot || slot >= VIOS_ADAPTERS_MAX)
        return false;
    int err = the.ios ? ios_adapter_added(the.ios, &a) : 0;
    if (err)
        log_line("an adapter could not be configured; the virtual terminal's errlog says more");
    return true;
}

static bool take_adapter(const struct wire_record *v, const int *fds, u32 len)
{
    const char *mac = wire_text(v, "mac"), *vlans = wire_text(v, "vlans"), *vswitch = wire_text(v, "vswitch");
    u64 slot = wire_num(v, "slot", 0), pvid = wire_num(v, "pvid", 0), trunk = wire_num(v, "trunk", 0);
    struct ios_adapter a = {.kind = IOS_ETHERNET,
                            .slot = (u32)slot,
                            .pvid = (u32)pvid,
                            .trunk = trunk != 0,
                            .priority = (u32)trunk,
                            .vswitch = vswitch,
                            .vlans = vlans};
    struct ring_fds link = {-1, {-1, -1}};
    unsigned bytes[6];
    if (!slot || slot >= VIOS_ADAPTERS_MAX || !mac || !vlans || !vswitch || (len && len != 3) ||
        sscanf(mac, "%2x%2x%2x%2x%2x%2x", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4], &bytes[5]) != 6)
        return false;
    if (!the.ios)
        return true;
    for (u32 i = 0; i < 6; i++)
        a.mac[i] = (u8)bytes[i];
    if (ios_adapter_added(the.ios, &a))
        log_line("an adapter could not be configured; the virtual terminal's errlog says more");
    struct seas_adapter end = {.pvid = (u16)pvid, .vlans = vlans, .link = len ? &link : NULL};
    memcpy(end.mac, a.mac, sizeof(end.mac));
    if (len)
        link = (struct ring_fds){fcntl(fds[0], F_DUPFD_CLOEXEC, 3),
                                 {fcntl(fds[1], F_DUPFD_CLOEXEC, 3), fcntl(fds[2], F_DUPFD_CLOEXEC, 3)}};
    seas_adapter(the.seas, (u32)slot, &end);
    return true;
}

static bool take_vscsi_gone(const struct wire_record *v)
{
    u64 slot = wire_num(v, "slot", 0);
    if (!slot || slot >= VIOS_ADAPTERS_MAX)
        return false;
    if (the.ios) {
        ios_adapter_removed(the.ios, (u32)slot);
        data_part(the.data, (u32)slot);
    }
    return true;
}

static bool take_join(const struct wire_record *v, const int *fds, u32 len)
{
    u64 slot = wire_num(v, "slot", 0);
    if (!slot || slot >= VIOS_ADAPTERS_MAX || len != 1)
        return false;
    int fd = the.ios ? fcntl(fds[0], F_DUPFD_CLOEXEC, 3) : -1;
    if (fd >= 0)
        data_join(the.data, (u32)slot, (u32)wire_num(v, "client", 0), (u32)wire_num(v, "client_slot", 0),
                  wire_num(v, "number", 0), fd);
    return true;
}

static void send_text(u64 number, const struct ios_text *text, bool error)
{
    char piece[PIECE + 1];
    for (size_t at = 0; at < text->len;) {
        struct wire_record v = {0};
        size_t len = MIN(text->len - at, (size_t)PIECE);
        memcpy(piece, text->text + at, len);
        piece[len] = 0;
        wire_put_num(&v, "number", number);
        wire_put_text(&v, "text", piece);
        wire_put_num(&v, "error", error);
        send_values(MESSAGE_PRINTED, &v, NULL, 0);
        at += len;
    }
}

static bool take_run(const struct wire_record *v)
{
    struct ios_out out = {0};
    const char *user = wire_text(v, "user"), *line = wire_text(v, "line");
    char *argv[ARGUMENTS_MAX + 1], name[16];
    u64 number = wire_num(v, "number", 0);
    int argc = 0, status = 1;
    for (; argc < (int)ARGUMENTS_MAX; argc++) {
        snprintf(name, sizeof(name), "arg%d", argc);
        const char *text = wire_text(v, name);
        if (!text)
            break;
        argv[argc] = (char *)(uintptr_t)text; // not written to
    }
    argv[argc] = NULL;
    if (!the.ios || !user || (!line && !argc))
        return false;
    status = line ? ios_run_line(the.ios, user, line, &out) : ios_run(the.ios, user, argc, argv, &out);
    send_text(number, &out.out, false);
    send_text(number, &out.err, true);
    ios_out_fini(&out);
    struct wire_record r = {0};
    wire_put_num(&r, "number", number);
    wire_put_num(&r, "status", (u64)(status & 0xff));
    send_values(MESSAGE_RAN, &r, NULL, 0);
    return true;
}

// false: what it says makes no sense.
static bool take_message(const struct wire_message *m, const int *fds)
{
    switch (m->type) {
    case MESSAGE_START: return take_start(&m->values, fds, m->fds);
    case MESSAGE_ADAPTER: return take_adapter(&m->values, fds, m->fds);
    case MESSAGE_VSCSI: return take_vscsi(&m->values);
    case MESSAGE_VSCSI_GONE: return take_vscsi_gone(&m->values);
    case MESSAGE_JOIN: return take_join(&m->values, fds, m->fds);
    case MESSAGE_RUN: return take_run(&m->values);
    case MESSAGE_QUIT: the.quitting = true; return true;
    case MESSAGE_TERMINAL:
        if (m->fds)
            terminals_add(&the.terminals, (u32)wire_num(&m->values, "session", 0), fcntl(fds[0], F_DUPFD_CLOEXEC, 3),
                          wire_num(&m->values, "view", 0), wire_num(&m->values, "fresh", 1));
        return m->fds == 1;
    case MESSAGE_TERMINAL_END: terminals_end(&the.terminals, (u32)wire_num(&m->values, "session", 0)); return true;
    default: return false;
    }
}

static void drop_link(void)
{
    link_fini(&the.link);
    the.linked = false;
}

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

static void feed_shell(void)
{
    u8 bytes[256];
    size_t len;
    while (the.shell && (len = terminals_get(&the.terminals, bytes, sizeof(bytes))) > 0)
        ios_shell_input(the.shell, bytes, len);
}

static bool over(s64 start)
{
    return the.quitting || (the.state == ENDED && the.told && (!the.linked || !the.link.out)) ||
           (the.state == WAITING && !the.linked && clock_ns() - start > FIRST_SECONDS * 1000000000ll);
}

static void look_at_power(void)
{
    if (the.state == RUNNING && data_power(the.data, &the.restart))
        set_state(ENDED, "power_off", "shut down by a command");
}

static void serve(void)
{
    s64 start = clock_ns();
    while (!over(start)) {
        struct pollfd p[2 + DATA_POLLS_MAX + SEAS_MAX + TERMINALS_MAX_SESSIONS] = {
            {.fd = the.listen_fd, .events = POLLIN}, {.fd = -1}};
        int wait = the.state == WAITING ? 1000 : -1, soon;
        u32 data_len = 0, seas_len = 0;
        look_at_power();
        send_state();
        if (the.linked) {
            int err = link_flush(&the.link);
            if (the.link.failed || (err && err != -EAGAIN))
                drop_link();
        }
        if (the.linked)
            p[1] = (struct pollfd){.fd = the.link.fd, .events = (short)(POLLIN | (the.link.out ? POLLOUT : 0))};
        if (the.state == RUNNING) {
            data_len = data_poll(the.data, p + 2, &soon);
            wait = soon;
            seas_len = seas_poll(the.seas, p + 2 + data_len, &soon);
            wait = wait < 0 || (soon >= 0 && soon < wait) ? soon : wait;
        }
        struct pollfd *terminals = p + 2 + data_len + seas_len;
        u32 sessions = terminals_poll(&the.terminals, terminals);
        if (over(start))
            break;
        if (poll(p, 2 + data_len + seas_len + sessions, wait) < 0 && errno != EINTR)
            break;
        if (terminals_serve(&the.terminals, terminals, sessions))
            feed_shell();
        if (data_len)
            data_serve(the.data, p + 2, data_len);
        if (seas_len)
            seas_serve(the.seas, p + 2 + data_len, seas_len);
        if (p[1].revents && !link_serve(&the.link, take_message))
            drop_link();
        if (p[0].revents)
            take_daemon();
    }
}

// What no administration needs: other processes, the host's devices and name spaces. Files it opens, as its user may; so there is no list of what is allowed.
static const int denied[] = {
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(acct),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(sethostname),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(open_by_handle_at),
};

static bool shut_in(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return false;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int err = filter ? 0 : -ENOMEM;
    // Networks are for its processes (openlpar-uplink); nobody of the host itself listens for it.
    if (!err)
        err = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                                     &(struct scmp_arg_cmp){.arg = 0, .op = SCMP_CMP_EQ, .datum_a = AF_UNIX});
    for (unsigned i = 0; !err && i < ARRAY_LEN(denied); i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), denied[i], 0);
    if (!err)
        err = seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
    return !err;
}

static int run(int listen_fd)
{
    the.listen_fd = listen_fd;
    the.link.fd = -1;
    terminals_init(&the.terminals);
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    if (listen(listen_fd, 4))
        return 1;
    fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) | O_NONBLOCK);
    fcntl(listen_fd, F_SETFD, FD_CLOEXEC);
    if (!shut_in())
        return 1;
    serve();
    terminals_flush(&the.terminals, FLUSH_MS);
    ios_shell_free(the.shell);
    ios_close(the.ios);
    data_free(the.data);
    seas_free(the.seas);
    return 0;
}

// openlpar-vios --manual [COMMAND] | --completion | --names: documents of ioscli's commands.
static int documents(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "--completion") == 0)
        ios_completion(stdout);
    else if (argc >= 2 && strcmp(argv[1], "--names") == 0)
        ios_names(stdout);
    else if (argc >= 2 && strcmp(argv[1], "--manual") == 0 && (argc == 2 || ios_command_known(argv[2])))
        ios_manual(stdout, argc > 2 ? argv[2] : NULL);
    else
        return -1;
    return fflush(stdout) ? 1 : 0;
}

int main(int argc, char **argv)
{
    int type = 0, status = documents(argc, argv);
    socklen_t size = sizeof(type);
    if (status >= 0)
        return status;
    if (getsockopt(LISTEN_FD, SOL_SOCKET, SO_TYPE, &type, &size) || type != SOCK_STREAM) {
        fprintf(stderr, "openlpar-vios: the hypervisor starts this program for a partition with lpar_env=vioserver: "
                        "chsysstate -r lpar -o on\n");
        return 1;
    }
    return run(LISTEN_FD);
}
