// SPDX-License-Identifier: Apache-2.0
#include "hyper/power.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "hyper/dlpar.h"
#include "hyper/guard.h"
#include "hyper/limits.h"
#include "hyper/network.h"
#include "hyper/objects.h"
#include "hyper/pools.h"
#include "hyper/dispatch/dispatcher.h"
#include "hyper/process.h"
#include "hyper/processors.h"
#include "hyper/refcode.h"
#include "hyper/rules.h"
#include "hyper/slots.h"
#include "hyper/terminal.h"
#include "hyper/usage.h"
#include "hyper/views.h"
#include "hyper/vio.h"
#include "hyper/vscsi.h"
#include "proto/hyper/place.h"

#define SECOND              1000000000ll
#define CONNECT_SECONDS     60
#define QUIT_SECONDS        5
#define DELAYED_SECONDS     1
#define OS_SECONDS          300
#define MESSAGES_PER_SECOND 200u
#define FLOODS_MAX          3u
#define LOOK_SECONDS        2
#define RESTARTS_MAX        3u

static void set_refcode(struct sys *sys, struct lp *lp, const char *refcode, const char *text)
{
    if (refcode != lp->refcode)
        snprintf(lp->refcode, sizeof(lp->refcode), "%s", refcode);
    sys_event(sys, lp, refcode, text);
}

// Whether it should run is kept, so that a new daemon knows what to look for.
static void save_activated(struct sys *sys, struct lp *lp, bool activated)
{
    rec_set_num(lp->rec, "activated", activated);
    rec_set_num(lp->rec, "cpu_time_ms", lp->before_ms);
    if (store_begin(sys->store) || store_save(sys->store, STORE_PARTITION, lp->id, lp->rec) ||
        store_commit(sys->store)) {
        fprintf(stderr, "openlpard: partition %u: its state could not be kept: %s\n", lp->id, store_error(sys->store));
        store_rollback(sys->store);
    }
}

static void say(struct lp *lp, enum message type, const struct wire_record *values, const int *fds, u32 fds_len)
{
    static struct wire_message m; // large; one thread
    m.type = (u16)type;
    m.values.len = 0;
    if (values)
        m.values = *values;
    link_send(&lp->link, &m, fds, fds_len);
    link_flush(&lp->link);
}

void power_say(struct lp *lp, enum message type, const struct wire_record *values)
{
    say(lp, type, values, NULL, 0);
}

static void socket_name(const struct lp *lp, char name[32])
{
    snprintf(name, 32, "lpar-%u", lp->id);
}

// What is left when its process is gone.
static void process_gone(struct sys *sys, struct lp *lp)
{
    char name[32];
    processors_detach(lp);
    network_detach(sys, lp);
    vio_detach(sys, lp);
    if (lp->linked)
        link_fini(&lp->link);
    if (lp->pidfd >= 0)
        close(lp->pidfd);
    dlpar_gone(sys, lp);
    slots_gone(sys, lp);
    lp->linked = lp->greeted = false;
    lp->overdue = NULL;
    lp->pid = 0;
    lp->pidfd = -1;
    lp->deadline = 0;
    socket_name(lp, name);
    unlinkat(sys->folder, name, 0);
}

static void kill_process(struct lp *lp)
{
    if (lp->pidfd >= 0)
        syscall(SYS_pidfd_send_signal, lp->pidfd, SIGKILL, NULL, 0);
}

// Amounts between min and desired that there are, in steps; 0: not even the minimum.
static u64 reduce(u64 min, u64 desired, u64 available, u64 step)
{
    u64 given = MIN(desired, available / step * step);
    return given >= min ? given : 0;
}

static int reserve(struct sys *sys, struct lp *lp, const struct rec *p, struct answer *answer)
{
    struct usage u = usage_of(sys);
    u64 overhead = (usage_overhead(p) + u.lmb - 1) / u.lmb * u.lmb;
    u64 left = u.mem_available > overhead ? u.mem_available - overhead : 0;
    u64 mem = reduce(rec_num(p, "min_mem"), rec_num(p, "desired_mem"), left, u.lmb);
    if (!mem)
        return refuse(answer, "HSCL03EC",
                      "The partition %s needs %llu MB at least (min_mem), and %llu MB are free. Stop a partition, or "
                      "lower min_mem.",
                      lp_name(lp), (unsigned long long)rec_num(p, "min_mem"), (unsigned long long)left);
    if (rec_is(p, "proc_mode", "shared")) {
        u32 pool = (u32)rec_num(p, "shared_proc_pool_id");
        u64 in_pool = pool_left(sys, pool, lp),
            units = reduce(rec_num(p, "min_proc_units"), rec_num(p, "desired_proc_units"),
                           MIN(u.units_available, in_pool), 1);
        if (!units && in_pool < u.units_available)
            return refuse(answer, "HSCL03F4",
                          "The partition %s needs %llu.%02llu processing units at least (min_proc_units), and its pool "
                          "%s has room for %llu.%02llu. Raise max_pool_proc_units, or lower it.",
                          lp_name(lp), (unsigned long long)rec_num(p, "min_proc_units") / 100,
                          (unsigned long long)rec_num(p, "min_proc_units") % 100, pool_name(sys, pool),
                          (unsigned long long)in_pool / 100, (unsigned long long)in_pool % 100);
        if (!units)
            return refuse(answer, "HSCL03F4",
                          "The partition %s needs %llu.%02llu processing units at least (min_proc_units), and "
                          "%llu.%02llu are free. Stop a partition, or lower it.",
                          lp_name(lp), (unsigned long long)rec_num(p, "min_proc_units") / 100,
                          (unsigned long long)rec_num(p, "min_proc_units") % 100,
                          (unsigned long long)u.units_available / 100, (unsigned long long)u.units_available % 100);
        lp->run_units = units;
        lp->run_procs = MIN(rec_num(p, "desired_procs"), units / UNITS_PER_PROC_MIN);
    } else {
        u64 procs = reduce(rec_num(p, "min_procs"), rec_num(p, "desired_procs"), u.units_available / 100, 1);
        if (!procs)
            return refuse(answer, "HSCL03F4",
                          "The partition %s needs %llu dedicated processors at least (min_procs), and %llu are free. "
                          "Stop a partition, or lower it.",
                          lp_name(lp), (unsigned long long)rec_num(p, "min_procs"),
                          (unsigned long long)u.units_available / 100);
        lp->run_procs = procs;
        lp->run_units = procs * 100;
    }
    lp->run_mem = mem;
    return 0;
}

// Empty: there is none.
static int check_image(const struct lp *lp, const char *what, const char *path, struct answer *answer)
{
    if (!*path)
        return 0;
    int fd = process_open_image(path);
    if (fd < 0)
        return refuse(answer, "HSCL0622", "The %s of the partition %s, %s, cannot be used: %s.", what, lp_name(lp),
                      path, process_image_error(fd));
    close(fd);
    return 0;
}

// What it starts from: a kernel, or a disk.
static int check_boot(const struct lp *lp, const struct rec *p, struct answer *answer)
{
    if (vio_is_server(lp))
        return 0;
    if (!*rec_text(p, "boot_image") && !*rec_text(p, "virtual_scsi_adapters"))
        return refuse(answer, "HSCL0622",
                      "The profile %s of the partition %s names nothing to boot from; set boot_image to a kernel, or "
                      "virtual_scsi_adapters for disks.",
                      rec_text(p, "name"), lp_name(lp));
    return check_image(lp, "boot image", rec_text(p, "boot_image"), answer) ||
                   check_image(lp, "initial RAM disk", rec_text(p, "boot_initrd"), answer)
               ? -1
               : 0;
}

// The configuration with which it starts becomes its current one. 0, or -1 with the answer and nothing changed.
static int configure(struct sys *sys, struct lp *lp, const struct rec *p, struct answer *answer)
{
    struct rec *current = rec_copy(p), *rec = rec_copy(lp->rec);
    u64 mem = lp->run_mem, procs = lp->run_procs, units = lp->run_units;
    int failed =
        current && rec ? 0 : refuse(answer, "HSCL3205", "The hypervisor has no memory for it. Nothing was changed.");
    if (!failed)
        failed = rules_check_profile(sys, current, answer);
    if (!failed)
        failed = check_boot(lp, current, answer);
    if (!failed)
        failed = vscsi_check(sys, lp, current, answer);
    if (!failed)
        failed = reserve(sys, lp, current, answer);
    if (!failed && !(rec_set_text(rec, "curr_profile", rec_text(current, "name")) && rec_set_num(rec, "activated", 1) &&
                     rec_set_text(rec, "curr_lpar_proc_compat_mode", rec_text(current, "lpar_proc_compat_mode"))))
        failed = refuse(answer, "HSCL3205", "The hypervisor has no memory for it. Nothing was changed.");
    if (!failed && (store_begin(sys->store) || store_save(sys->store, STORE_CURRENT, lp->id, current) ||
                    store_save(sys->store, STORE_PARTITION, lp->id, rec) || store_commit(sys->store)))
        failed = refuse_store(answer, sys);
    if (failed) {
        lp->run_mem = mem;
        lp->run_procs = procs;
        lp->run_units = units;
        rec_free(current);
        rec_free(rec);
        return failed;
    }
    rec_free(lp->current);
    lp->current = current;
    rec_free(lp->rec);
    lp->rec = rec;
    return 0;
}

static void fail_start(struct sys *sys, struct lp *lp, const char *refcode, const char *text)
{
    lp->state = LP_ERROR;
    snprintf(lp->reason, sizeof(lp->reason), "%s", text);
    set_refcode(sys, lp, refcode, text);
    save_activated(sys, lp, false);
}

int power_on(struct sys *sys, struct lp *lp, const char *profile, const char *boot_mode, struct answer *answer)
{
    const struct rec *p = lp->current;
    char name[32];
    s64 asked = clock_ns();
    if (sys->standby)
        return refuse(answer, "HSCL0622", "The managed system %s is in standby; power it on first.",
                      rec_text(sys->rec, "name"));
    if (!sys->powered)
        return refuse(answer, "HSCL0622", "The managed system %s is powered off; power it on first.",
                      rec_text(sys->rec, "name"));
    if (lp_active(lp))
        return refuse(answer, "HSCL3681", "The partition %s is on already: its state is %s.", lp_name(lp),
                      lp_state_name(lp));
    if (profile || !p) {
        const char *wanted = profile ? profile : rec_text(lp->rec, "default_profile");
        const struct profile *found = lp_profile(lp, wanted);
        if (!found)
            return refuse_parameter(answer, "-f", "the partition %s has no profile %s", lp_name(lp), wanted);
        p = found->rec;
    }
    if (boot_mode && strcmp(boot_mode, "norm") && strcmp(boot_mode, "of") && strcmp(boot_mode, "sms"))
        return refuse_parameter(
            answer, "-b", "%s: partitions boot in the modes norm, of and sms; there are no diagnostics", boot_mode);
    if (boot_mode && strcmp(boot_mode, "norm") && *rec_text(p, "boot_image"))
        return refuse_parameter(answer, "-b",
                                "%s: the partition %s boots the kernel that its profile names (boot_image), without "
                                "firmware that could stop; "
                                "menus and prompt are those of partitions that boot from a device",
                                boot_mode, lp_name(lp));
    if (configure(sys, lp, p, answer))
        return -1;
    snprintf(lp->boot_mode, sizeof(lp->boot_mode), "%s", boot_mode ? boot_mode : "");
    lp->end_known = lp->restart = false;
    lp->reason[0] = 0;
    lp->activated = asked;
    lp->activation_us = 0;
    socket_name(lp, name);
    unlinkat(sys->folder, name, 0);
    int err = process_start_program(sys->path, name, vio_is_server(lp) ? "openlpar-vios" : "openlpar-lpar", &lp->pid,
                                    &lp->pidfd);
    if (err) {
        process_gone(sys, lp);
        fail_start(sys, lp, REFCODE_LPAR_PROCESS, "its process could not be started");
        return refuse(answer, "HSCL0622", "The partition %s could not be started: its process: %s.", lp_name(lp),
                      strerror(-err));
    }
    lp->state = LP_STARTING;
    lp->started = (s64)time(NULL);
    lp->deadline = clock_ns() + CONNECT_SECONDS * SECOND;
    set_refcode(sys, lp, REFCODE_LPAR_ACTIVATED, "activated");
    return 0;
}

int power_off(struct sys *sys, struct lp *lp, enum power_off_how how, bool restart, struct answer *answer)
{
    if (lp->state == LP_ERROR) { // what failed is over already; acknowledged
        lp->state = LP_OFF;
        set_refcode(sys, lp, REFCODE_LPAR_POWERED_OFF, "the error was acknowledged");
        return restart ? power_on(sys, lp, NULL, NULL, answer) : 0;
    }
    if (lp->state == LP_OFF)
        return refuse(answer, "HSCL1558", "The partition %s is off already.", lp_name(lp));
    if (how == OFF_OS && lp->state != LP_RUNNING)
        return refuse(answer, "HSCL0DB4",
                      "The operating system of the partition %s cannot be asked: the state is %s. Shut the partition "
                      "down immediately.",
                      lp_name(lp), lp_state_name(lp));
    if (how == OFF_DUMP) {
        struct wire_record values = {0};
        if (lp->state != LP_RUNNING || !lp->linked || vio_is_server(lp))
            return refuse(answer, "HSCL0622", "The partition %s cannot be dumped: the state is %s.", lp_name(lp),
                          lp_state_name(lp));
        wire_put_text(&values, "how", "dump");
        say(lp, MESSAGE_QUIT, &values, NULL, 0);
        lp->deadline = clock_ns() + OS_SECONDS * SECOND; // one that does not answer is ended, and started again, too
        lp->restart = true;
        sys_event(sys, lp, REFCODE_LPAR_DUMP, "a dump was asked for");
        return 0;
    }
    struct wire_record values = {0};
    wire_put_text(&values, "how", how == OFF_OS ? "os" : how == OFF_DELAYED ? "delayed" : "immediate");
    if (lp->linked)
        say(lp, MESSAGE_QUIT, &values, NULL, 0);
    s64 patience = how == OFF_OS ? OS_SECONDS : how == OFF_DELAYED ? DELAYED_SECONDS + QUIT_SECONDS : QUIT_SECONDS;
    lp->deadline = clock_ns() + patience * SECOND;
    lp->restart = restart;
    lp->state = LP_STOPPING;
    if (!lp->linked)
        kill_process(lp);
    return 0;
}

// Hardware threads that it can ever have.
static u64 most_threads(const struct lp *lp)
{
    return lp->current ? rec_num(lp->current, "max_procs") * rec_num(lp->current, "threads_per_proc") : 0;
}

static void close_all(const int *fds, int len)
{
    for (int i = 0; i < len; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static void fail_boot(struct lp *lp, const char *what, int err)
{
    lp->end_known = true;
    snprintf(lp->reason, sizeof(lp->reason), "%s: %s", what, strerror(-err));
    snprintf(lp->refcode, sizeof(lp->refcode), "%s", REFCODE_LPAR_BOOT);
    kill_process(lp);
}

static void give_terminals(struct lp *lp)
{
    for (u32 i = 0; i < lp->terminals_len; i++)
        terminal_give(lp, i);
}

static void start_server(struct sys *sys, struct lp *lp)
{
    struct wire_record v = {0};
    char folder[VIO_FOLDER_MAX];
    int fd = terminal_scroll(lp) ? -errno : lp->scroll_fd;
    if (fd < 0) {
        fail_boot(lp, "its terminal", fd);
        return;
    }
    vio_folder(sys, lp, folder);
    wire_put_text(&v, "name", lp_name(lp));
    wire_put_num(&v, "lpar_id", lp->id);
    wire_put_text(&v, "serial", rec_text(sys->rec, "serial_num"));
    wire_put_text(&v, "type_model", rec_text(sys->rec, "type_model"));
    wire_put_text(&v, "folder", folder);
    wire_put_text(&v, "volumes", rec_text(lp->current, "vios_volumes"));
    wire_put_text(&v, "networks", rec_text(lp->current, "vios_networks"));
    wire_put_num(&v, "started", (u64)lp->started);
    wire_put_num(&v, "mem", lp->run_mem); // nothing of it is used up there; it is what ANNOUNCE says again
    wire_put_num(&v, "procs", lp->run_procs);
    wire_put_num(&v, "units", lp->run_units);
    say(lp, MESSAGE_START, &v, &fd, 1);
    vio_attach(sys, lp);
    int err = network_attach(sys, lp);
    if (err)
        fail_boot(lp, "its virtual Ethernet adapters", err);
    give_terminals(lp);
}

static void send_start(struct sys *sys, struct lp *lp)
{
    const struct rec *c = lp->current;
    bool shared = rec_is(c, "proc_mode", "shared");
    struct wire_record v = {0};
    int fds[4], len = 0, err = 0;
    fds[len++] = process_memory(lp_name(lp), rec_num(c, "max_mem") * MIB);
    fds[len++] = terminal_scroll(lp) ? -errno : fcntl(lp->scroll_fd, F_DUPFD_CLOEXEC, 3);
    if (*rec_text(c, "boot_image"))
        fds[len++] = process_open_image(rec_text(c, "boot_image"));
    if (*rec_text(c, "boot_image") && *rec_text(c, "boot_initrd"))
        fds[len++] = process_open_image(rec_text(c, "boot_initrd"));
    for (int i = 0; i < len; i++)
        if (fds[i] < 0)
            err = fds[i];
    if (!err)
        err = network_attach(sys, lp);
    wire_put_text(&v, "name", lp_name(lp));
    wire_put_num(&v, "lpar_id", lp->id);
    wire_put_text(&v, "serial", rec_text(sys->rec, "serial_num"));
    wire_put_num(&v, "mem", lp->run_mem);
    wire_put_num(&v, "procs", lp->run_procs);
    wire_put_num(&v, "min_mem", rec_num(c, "min_mem"));
    wire_put_num(&v, "max_mem", rec_num(c, "max_mem"));
    wire_put_num(&v, "lmb", rec_num(sys->rec, "mem_region_size"));
    wire_put_num(&v, "min_procs", rec_num(c, "min_procs"));
    wire_put_num(&v, "max_procs", rec_num(c, "max_procs"));
    wire_put_num(&v, "min_units", shared ? rec_num(c, "min_proc_units") : rec_num(c, "min_procs") * 100);
    wire_put_num(&v, "max_units", shared ? rec_num(c, "max_proc_units") : rec_num(c, "max_procs") * 100);
    wire_put_text(&v, "boot_mode", *lp->boot_mode ? lp->boot_mode : rec_text(c, "boot_mode"));
    wire_put_num(&v, "threads", rec_num(c, "threads_per_proc"));
    wire_put_num(&v, "units", lp->run_units);
    wire_put_num(&v, "started", (u64)lp->started);
    wire_put_num(&v, "activated", (u64)lp->activated);
    wire_put_text(&v, "compat", rec_text(c, "lpar_proc_compat_mode"));
    wire_put_text(&v, "mmu", rec_text(c, "mmu"));
    wire_put_text(&v, "args", rec_text(c, "boot_args"));
    limits_set(lp->pid, rec_num(c, "max_mem"), most_threads(lp));
    if (!err) {
        vio_attach(sys, lp);
        say(lp, MESSAGE_START, &v, fds, (u32)len);
    }
    close_all(fds, len);
    if (err)
        fail_boot(lp, "its memory, boot image or links", err);
    else
        give_terminals(lp);
}

// From now on its virtual processors run when they are told to. Where that cannot be, they run as the host lets them.
static void send_dispatch(struct sys *sys, struct lp *lp)
{
    int fds[2];
    if (processors_attach(sys, lp, fds))
        return;
    say(lp, MESSAGE_DISPATCH, NULL, fds, 2);
    close(fds[0]);
    close(fds[1]);
}

static enum lp_state state_of(const char *text)
{
    if (!text)
        return LP_STARTING;
    return strcmp(text, "running") == 0                          ? LP_RUNNING
           : strcmp(text, "sms") == 0 || strcmp(text, "of") == 0 ? LP_FIRMWARE
                                                                 : LP_STARTING;
}

static const char *refcode_of(const char *state)
{
    static const char *const codes[][2] = {
        {"running", REFCODE_LPAR_RUNNING}, {"sms", REFCODE_LPAR_SMS}, {"of", REFCODE_LPAR_PROMPT}};
    for (unsigned i = 0; i < ARRAY_LEN(codes); i++)
        if (state && strcmp(state, codes[i][0]) == 0)
            return codes[i][1];
    return REFCODE_LPAR_FIRMWARE;
}

static void take_state(struct sys *sys, struct lp *lp, const struct wire_record *v)
{
    const char *text = wire_text(v, "text");
    if (lp->state == LP_STOPPING || lp->state == LP_ERROR)
        return;
    enum lp_state before = lp->state;
    lp->activation_us = wire_num(v, "activation_us", 0);
    lp->activation_cpu_us = wire_num(v, "activation_cpu_us", 0);
    if (lp->restart) { // it was to dump, and started again by itself
        lp->restart = false;
        lp->deadline = 0;
    }
    const char *state = wire_text(v, "state");
    lp->state = state_of(state);
    // Its process tells the newest state only: what lies between was passed.
    if (lp->state == LP_RUNNING && before == LP_STARTING && strcmp(lp->refcode, REFCODE_LPAR_ACTIVATED) == 0)
        set_refcode(sys, lp, REFCODE_LPAR_FIRMWARE, "firmware");
    if (lp->state == LP_RUNNING && before != LP_RUNNING)
        set_refcode(sys, lp, REFCODE_LPAR_RUNNING, "the operating system runs");
    else if (lp->state == LP_FIRMWARE)
        set_refcode(sys, lp, refcode_of(state), "firmware waits at the console");
    else if (lp->state == LP_STARTING)
        set_refcode(sys, lp, before == LP_RUNNING ? REFCODE_LPAR_REBOOTED : REFCODE_LPAR_FIRMWARE,
                    text ? text : "firmware");
}

static int take_announce(struct sys *sys, struct lp *lp, const struct wire_message *m, const int *fds)
{
    const char *state = wire_text(&m->values, "state");
    if (lp->greeted || wire_num(&m->values, "version", 0) != WIRE_VERSION || !state)
        return -EPROTO;
    lp->greeted = true;
    lp->deadline = 0;
    if (strcmp(state, "waiting") == 0) {
        struct answer answer = {0};
        // Made by a daemon that ended before it could say more: what it gets was not reserved by us.
        if (lp->state != LP_STARTING || !lp->current || (!lp->run_mem && reserve(sys, lp, lp->current, &answer))) {
            lp->end_known = true;
            snprintf(lp->reason, sizeof(lp->reason), "the hypervisor ended while it was being activated");
            snprintf(lp->refcode, sizeof(lp->refcode), "%s", REFCODE_LPAR_LOST);
            kill_process(lp);
            return 0;
        }
        if (vio_is_server(lp)) {
            start_server(sys, lp);
        } else {
            send_start(sys, lp);
            send_dispatch(sys, lp);
        }
        return 0;
    }
    // It goes on from before. What it has was ours to give: it cannot claim more than its configuration allows.
    lp->state = state_of(state);
    lp->run_mem = MIN(wire_num(&m->values, "mem", 0), lp->current ? rec_num(lp->current, "max_mem") : 0);
    lp->run_procs = MIN(wire_num(&m->values, "procs", 0), lp->current ? rec_num(lp->current, "max_procs") : 0);
    lp->run_units = MIN(wire_num(&m->values, "units", 0), lp->current ? lp->run_procs * 100 : 0);
    lp->activation_us = wire_num(&m->values, "activation_us", 0);
    lp->activation_cpu_us = wire_num(&m->values, "activation_cpu_us", 0);
    lp->started = (s64)wire_num(&m->values, "started", (u64)time(NULL));
    terminal_adopt(lp, &m->values, fds, m->fds);
    if (vio_is_server(lp))
        vio_adopt(sys, lp, wire_text(&m->values, "joints") ? wire_text(&m->values, "joints") : "");
    else
        send_dispatch(sys, lp);
    set_refcode(sys, lp, REFCODE_LPAR_ADOPTED, "found running, and adopted");
    snprintf(lp->refcode, sizeof(lp->refcode), "%s", refcode_of(state));
    return 0;
}

static int take_message(struct sys *sys, struct lp *lp, const struct wire_message *m, const int *fds)
{
    const char *text = wire_text(&m->values, "text");
    if (!lp->greeted && m->type != MESSAGE_ANNOUNCE)
        return -EPROTO;
    switch (m->type) {
    case MESSAGE_ANNOUNCE: return take_announce(sys, lp, m, fds);
    case MESSAGE_STATE: take_state(sys, lp, &m->values); return 0;
    case MESSAGE_END:
        lp->end_known = true;
        snprintf(lp->reason, sizeof(lp->reason), "%s", text ? text : "it ended");
        snprintf(lp->refcode, sizeof(lp->refcode), "%s", REFCODE_LPAR_POWERED_OFF);
        if (wire_text(&m->values, "end") && strcmp(wire_text(&m->values, "end"), "crash") == 0)
            snprintf(lp->refcode, sizeof(lp->refcode), "%s", REFCODE_LPAR_CRASHED);
        else if (wire_text(&m->values, "end") && strcmp(wire_text(&m->values, "end"), "boot") == 0)
            snprintf(lp->refcode, sizeof(lp->refcode), "%s", REFCODE_LPAR_BOOT);
        rec_set_num(lp->rec, "cpu_time_ms", lp_cpu_ms(lp)); // its clock goes with it
        lp->restart |= vio_is_server(lp) && wire_num(&m->values, "restart", 0);
        lp->deadline = clock_ns() + QUIT_SECONDS * SECOND;
        return 0;
    case MESSAGE_RESOURCES: return dlpar_take_resources(sys, lp, &m->values);
    case MESSAGE_DLPAR_DONE: return dlpar_take_done(sys, lp, &m->values);
    case MESSAGE_PLUGGED: return slots_take(sys, lp, &m->values);
    case MESSAGE_TERMINAL_END: terminal_end(lp, (u32)wire_num(&m->values, "session", 0)); return 0;
    case MESSAGE_LOG: fprintf(stderr, "openlpard: %s: %s\n", lp_name(lp), text ? text : ""); return 0;
    default: return vio_take(sys, lp, m);
    }
}

static void break_off(struct lp *lp, const char *why)
{
    fprintf(stderr, "openlpard: %s: %s; its process is ended\n", lp_name(lp), why);
    if (!lp->end_known) {
        lp->end_known = true;
        snprintf(lp->reason, sizeof(lp->reason), "%s", why);
        snprintf(lp->refcode, sizeof(lp->refcode), "%s", REFCODE_LPAR_PROTOCOL);
    }
    if (lp->linked)
        link_fini(&lp->link);
    lp->linked = false;
    kill_process(lp);
}

bool power_listens(const struct lp *lp)
{
    return lp->linked && (vio_is_server(lp) || lp->messages < MESSAGES_PER_SECOND || lp->second != clock_ns() / SECOND);
}

// One more message; false: its process was broken off.
static bool count_message(struct lp *lp)
{
    s64 second = clock_ns() / SECOND;
    if (lp->second != second) {
        lp->floods = lp->second == second - 1 && lp->messages >= MESSAGES_PER_SECOND ? lp->floods + 1 : 0;
        lp->second = second;
        lp->messages = 0;
    }
    // A server's process runs no guest, and prints what its user asks for.
    if (++lp->messages < MESSAGES_PER_SECOND || lp->floods < FLOODS_MAX || vio_is_server(lp))
        return true;
    break_off(lp, "it sent too many messages");
    return false;
}

// `in`: there is something to read; else what was read before, and had to wait.
void power_link_ready(struct sys *sys, struct lp *lp, bool in)
{
    static struct wire_message m; // large; one thread
    int fds[WIRE_FDS_MAX], err = link_flush(&lp->link), got = 0;
    if (in) // also where it takes nothing any more: what it said before it closed is there still
        err = link_fill(&lp->link);
    while (err != -EPROTO && power_listens(lp) && (got = link_next(&lp->link, &m, fds)) != 0) {
        if (got < 0) {
            break_off(lp, "it sent what is no message");
            return;
        }
        int bad = take_message(sys, lp, &m, fds);
        for (u32 i = 0; i < m.fds; i++)
            close(fds[i]);
        if (bad) {
            break_off(lp, "it sent a message that it may not send");
            return;
        }
        if (!count_message(lp))
            return;
    }
    if (err == -EPROTO) {
        break_off(lp, "it sent more descriptors than it may");
        return;
    }
    if (lp->linked && in && err <= 0 && err != -EAGAIN) { // closed: it ends, or is ended
        link_fini(&lp->link);
        lp->linked = false;
        if (!lp->deadline)
            lp->deadline = clock_ns() + SECOND;
    }
    if (lp->linked && lp->link.failed)
        break_off(lp, "it does not take its messages");
}

// Its process's number is a child's, or (adopted) nobody's.
static u64 reap(struct lp *lp, char *how, size_t size)
{
    struct rusage usage;
    siginfo_t info = {0};
    snprintf(how, size, "%s", lp->overdue ? lp->overdue : "its process ended");
    if (syscall(SYS_waitid, P_PIDFD, lp->pidfd, &info, WEXITED | WNOHANG, &usage) || !info.si_pid)
        return MAX(rec_num(lp->rec, "cpu_time_ms"), lp->before_ms);
    if (info.si_code == CLD_EXITED)
        snprintf(how, size, "its process ended with status %d", info.si_status);
    else if (!lp->overdue || info.si_status != SIGKILL)
        snprintf(how, size, "its process was ended by signal %d (%s)", info.si_status, strsignal(info.si_status));
    u64 ms = lp->before_ms + (u64)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
             (u64)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
    return MAX(ms, vio_is_server(lp) ? rec_num(lp->rec, "cpu_time_ms") : 0); // with the process of its data path
}

void power_process_ended(struct sys *sys, struct lp *lp)
{
    char how[256];
    struct answer answer = {0};
    const char *offence = lp->dispatcher ? dispatcher_offence(lp->dispatcher, lp->id) : NULL;
    if (lp->linked) // what it said last
        power_link_ready(sys, lp, true);
    if (offence && !lp->end_known) {
        lp->end_known = true;
        snprintf(lp->reason, sizeof(lp->reason), "%s", offence);
        snprintf(lp->refcode, sizeof(lp->refcode), "%s", REFCODE_LPAR_OVERDRAWN);
    }
    bool asked = lp->state == LP_STOPPING, crash;
    lp->before_ms = reap(lp, how, sizeof(how));
    process_gone(sys, lp);
    if (asked) {
        snprintf(lp->refcode, sizeof(lp->refcode), "%s", REFCODE_LPAR_POWERED_OFF);
        snprintf(lp->reason, sizeof(lp->reason), "shut down");
    } else if (!lp->end_known) {
        snprintf(lp->refcode, sizeof(lp->refcode), "%s", REFCODE_LPAR_PROCESS);
        snprintf(lp->reason, sizeof(lp->reason), "%s", how);
    }
    crash = lp->refcode[0] == 'B';
    lp->state = crash ? LP_ERROR : LP_OFF;
    set_refcode(sys, lp, lp->refcode, lp->reason);
    save_activated(sys, lp, false);
    bool policy = crash && rec_is(lp->rec, "restart_policy", "error") && lp->restarts < RESTARTS_MAX;
    if (!lp->restart && !policy) {
        lp->restarts = 0;
        return;
    }
    lp->restarts += policy;
    lp->restart = false;
    if (power_on(sys, lp, NULL, NULL, &answer)) {
        fprintf(stderr, "openlpard: %s: the restart failed: %s\n", lp_name(lp), answer.text);
        lp->state = LP_ERROR;
        set_refcode(sys, lp, REFCODE_LPAR_PROCESS, answer.text);
    }
}

static void connect_process(struct sys *sys, struct lp *lp)
{
    char name[32];
    socket_name(lp, name);
    int fd = place_connect(sys->path, name);
    if (fd < 0)
        return; // not yet
    if (link_peer_uid(fd) != (s64)geteuid()) {
        close(fd);
        return;
    }
    link_init(&lp->link, fd);
    lp->linked = true;
    lp->greeted = false;
}

// A process that takes more of the host than a partition of its size can need.
static void look_at(struct lp *lp, s64 now)
{
    char why[128];
    if (now / SECOND - lp->looked_at < LOOK_SECONDS)
        return;
    lp->looked_at = now / SECOND;
    if (limits_kept(lp->pid, rec_num(lp->current, "max_mem"), most_threads(lp), why, sizeof(why)))
        return;
    break_off(lp, why);
}

static const char *overdue(const struct lp *lp)
{
    if (!lp->greeted)
        return "its process did not announce itself in time";
    return lp->linked ? "its process did not do in time what it was asked to"
                      : "its process closed its connection to the hypervisor and did not end within a second";
}

int power_tick(struct sys *sys)
{
    s64 now = clock_ns(), next = dlpar_tick(sys, now), slots = slots_tick(sys, now);
    if (slots >= 0)
        next = next < 0 ? slots : MIN(next, slots);
    guard_follow(sys);
    counters_keep(sys, now, false);
    s64 audit = sys->dispatcher ? dispatcher_tick(sys->dispatcher) : 10 * SECOND;
    for (u32 i = 0; i < sys->lps_len; i++) {
        struct lp *lp = sys->lps[i];
        if (lp->pidfd < 0)
            continue;
        if (!lp->linked && lp->state == LP_STARTING && !lp->end_known && !lp->greeted)
            connect_process(sys, lp);
        if (lp->current && lp->greeted)
            look_at(lp, now);
        s64 wait = MIN(lp->deadline ? lp->deadline - now : LOOK_SECONDS * SECOND, audit);
        if (lp->deadline && wait <= 0) {
            lp->overdue = overdue(lp);
            kill_process(lp); // its end is noticed by its descriptor
            lp->deadline = 0;
            wait = SECOND;
        }
        if (!lp->linked && lp->state == LP_STARTING && !lp->greeted && !lp->end_known)
            wait = MIN(wait, SECOND / 200);
        if (lp->linked && lp->link.in_size > lp->link.in_used && power_listens(lp))
            power_link_ready(sys, lp, false);
        if (lp->linked && !power_listens(lp))
            wait = MIN(wait, SECOND / 10);
        if (!lp->deadline)
            rec_set_num(lp->rec, "cpu_time_ms", lp_cpu_ms(lp)); // in memory: what is known of it when it is killed
        next = next < 0 ? wait : MIN(next, wait);
    }
    return next < 0 ? -1 : (int)(next / 1000000 + 1);
}

// A process that an earlier daemon left. false: there is none.
static bool adopt(struct sys *sys, struct lp *lp)
{
    connect_process(sys, lp);
    if (!lp->linked)
        return false;
    lp->pid = link_peer_pid(lp->link.fd); // it called listen() itself
    lp->pidfd = (int)syscall(SYS_pidfd_open, lp->pid, 0);
    if (lp->pid <= 0 || lp->pidfd < 0) {
        link_fini(&lp->link);
        lp->linked = false;
        lp->pid = 0;
        return false;
    }
    lp->state = LP_STARTING;
    lp->started = (s64)time(NULL);
    lp->deadline = clock_ns() + CONNECT_SECONDS * SECOND;
    return true;
}

static int keep_refcode(void *arg, const struct store_event *e)
{
    snprintf(arg, sizeof(((struct lp *)0)->refcode), "%s", e->refcode);
    return 0;
}

// Whether it was activated, but its process had not come to say that the guest can run.
static bool never_ran(struct sys *sys, const struct lp *lp)
{
    char refcode[sizeof(lp->refcode)] = "";
    store_each_event(sys->store, lp->id, 1, keep_refcode, refcode);
    return strcmp(refcode, REFCODE_LPAR_ACTIVATED) == 0;
}

void power_begin(struct sys *sys)
{
    bool clean = rec_num(sys->rec, "stopped"), recover = rec_is(sys->rec, "power_on_lpar_start_policy", "autorecovery");
    for (u32 i = 0; i < sys->lps_len; i++) {
        struct lp *lp = sys->lps[i];
        struct answer answer = {0};
        bool was_active = rec_num(lp->rec, "activated");
        if (adopt(sys, lp))
            continue;
        if (was_active && never_ran(sys, lp)) {
            rec_set_num(lp->rec, "activated", 0);
        } else if (was_active) {
            fail_start(sys, lp, REFCODE_LPAR_LOST, "its process ended while the hypervisor was away");
            if (!recover)
                continue;
        } else if (!clean || !rec_num(lp->rec, "auto_start") ||
                   rec_is(sys->rec, "power_on_lpar_start_policy", "userinit")) {
            continue;
        }
        if (power_on(sys, lp, NULL, NULL, &answer))
            fprintf(stderr, "openlpard: %s is not started: %s\n", lp_name(lp), answer.text);
    }
    rec_set_num(sys->rec, "stopped", 0);
    if (store_begin(sys->store) || store_save(sys->store, STORE_SYSTEM, 0, sys->rec) || store_commit(sys->store))
        store_rollback(sys->store);
}
