// SPDX-License-Identifier: Apache-2.0
// For unit tests: a Virtual I/O Server in a folder of its own, with a recorder in place of a data path.
#ifndef VIOS_ADMIN_TEST_IOS_H
#define VIOS_ADMIN_TEST_IOS_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"
#include "vios/admin/ios.h"

static char test_folder[64], test_disk[2][80];
static struct ios *test_ios;
static struct ios_out test_out;
static int test_status;

// What the data path was told, since test_told().
static char test_record[8192];
static int test_attach_error, test_detach_error; // that it answers with
static bool test_kill;                           // the process dies when the data path is told

static inline void record(const char *what, u32 slot, u32 target, const struct ios_backing *b)
{
    size_t len = strlen(test_record);
    if (test_kill)
        kill(getpid(), SIGKILL);
    snprintf(test_record + len, sizeof(test_record) - len, "%s%s %u:%u", len ? ", " : "", what, slot, target);
    len = strlen(test_record);
    if (b)
        snprintf(test_record + len, sizeof(test_record) - len, " %s %llu MiB%s", b->name,
                 (unsigned long long)(b->size / MIB), b->flags & IOS_READ_ONLY ? " ro" : "");
}

static inline int test_attach(void *context, u32 slot, u32 target, bool optical, const struct ios_backing *b, char *why)
{
    if (test_attach_error)
        snprintf(why, IOS_WHY_MAX, "%s", strerror(-test_attach_error));
    else
        record(optical ? "attach drive" : "attach", slot, target, b);
    return test_attach_error;
}

static inline int test_detach(void *context, u32 slot, u32 target, bool force, char *why)
{
    if (!test_detach_error || force)
        record("detach", slot, target, NULL);
    return force ? 0 : test_detach_error;
}

static inline int test_resize(void *context, u32 slot, u32 target, const struct ios_backing *b, char *why)
{
    record("resize", slot, target, b);
    return 0;
}

static inline int test_load(void *context, u32 slot, u32 target, const struct ios_backing *b, bool force, char *why)
{
    if (test_detach_error && !force)
        return test_detach_error;
    record(b ? "load" : "unload", slot, target, b);
    return 0;
}

static inline int test_disk_counters(void *context, u32 slot, u32 target, struct ios_disk_counters *c)
{
    *c = (struct ios_disk_counters){.reads = 10, .writes = 20, .read_bytes = 40960, .written_bytes = 81920};
    return target == 1 ? 0 : -ENOENT;
}

static inline int test_net_counters(void *context, u32 slot, struct ios_net_counters *c)
{
    *c = (struct ios_net_counters){.sent_packets = 7,
                                   .sent_bytes = 700,
                                   .received_packets = 9,
                                   .received_bytes = 900,
                                   .receive_failures = 1,
                                   .no_buffer = 1,
                                   .link = true};
    return 0;
}

static inline int test_power(void *context, bool restart, char *why)
{
    record(restart ? "restart" : "shutdown", 0, 0, NULL);
    return 0;
}

static const struct ios_effects test_effects = {.attach = test_attach,
                                                .detach = test_detach,
                                                .resize = test_resize,
                                                .load = test_load,
                                                .disk_counters = test_disk_counters,
                                                .power = test_power};

static u32 test_networks;             // how many physical Ethernet adapters it has
static const char *test_bridge_error; // what it answers with

static inline int test_bridge(void *context, const char *name, const struct ios_sea *sea, char *why)
{
    size_t len = strlen(test_record);
    char *to = test_record + len, *end = test_record + sizeof(test_record);
    if (test_bridge_error && sea) {
        snprintf(why, IOS_WHY_MAX, "%s", test_bridge_error);
        return -EIO;
    }
    to += snprintf(to, (size_t)(end - to), "%s%s", len ? ", " : "", sea ? "bridge " : "unbridge ");
    to += snprintf(to, (size_t)(end - to), "%s", name);
    for (u32 i = 0; sea && i < sea->reals_len; i++)
        to += snprintf(to, (size_t)(end - to), " %s%s", sea->reals[i].network, sea->reals[i].backup ? "(backup)" : "");
    if (sea && sea->mode)
        to += snprintf(to, (size_t)(end - to), " mode %u%s", sea->mode, sea->hash_ports ? " ports" : "");
    if (sea && sea->vlan)
        to += snprintf(to, (size_t)(end - to), " vlan %u", sea->vlan);
    for (u32 i = 0; sea && i < sea->slots_len; i++)
        to += snprintf(to, (size_t)(end - to), "%s%u", i ? "," : " C", sea->slots[i]);
    if (sea)
        to += snprintf(to, (size_t)(end - to), " id %u", sea->default_id);
    if (sea && sea->control_slot)
        snprintf(to, (size_t)(end - to), " control C%u priority %u%s%s", sea->control_slot, sea->priority,
                 sea->standby ? " standby" : "", sea->sharing ? " sharing" : "");
    return 0;
}

static inline int test_sea_state(void *context, const char *name, struct ios_sea_state *state)
{
    *state = (struct ios_sea_state){.state = "PRIMARY",
                                    .link = true,
                                    .times_primary = 2,
                                    .times_backup = 1,
                                    .real_received = 9,
                                    .real_sent = 8,
                                    .dropped_vlan = 3,
                                    .reals = {{true, true}, {true, false}}};
    return 0;
}

static const struct ios_net_effects test_net_effects = {test_bridge, test_net_counters, test_sea_state};

static inline struct ios_config test_config(const char *const volumes[2])
{
    static const char *const networks[] = {"tap/name=tap0", "packet/name=eth1", "user"};
    return (struct ios_config){.folder = test_folder,
                               .type_model = "9009-42A",
                               .serial = "21AB12C",
                               .name = "vios1",
                               .lpar_id = 1,
                               .rootvg_size = 16 * GIB,
                               .volumes = volumes,
                               .volumes_len = 2,
                               .networks = networks,
                               .networks_len = test_networks,
                               .effects = &test_effects,
                               .net_effects = &test_net_effects};
}

static inline void test_open(void)
{
    char why[IOS_WHY_MAX] = "";
    const char *const volumes[2] = {test_disk[0], test_disk[1]};
    struct ios_config config = test_config(volumes);
    test_ios = ios_open(&config, why);
    if (!test_ios) {
        printf("Bail out! %s\n", why);
        exit(1);
    }
    for (u32 i = 0; i < 2; i++)
        ios_adapter_added(
            test_ios, &(struct ios_adapter){
                          .kind = IOS_SCSI, .slot = 14 + i, .client = i ? IOS_ANY : 3, .client_slot = i ? IOS_ANY : 2});
    ios_bridge_all(test_ios);
}

static inline void test_begin(void)
{
    const char *base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
    snprintf(test_folder, sizeof(test_folder), "%s/ios-test-XXXXXX", base);
    if (!mkdtemp(test_folder))
        exit(1);
    for (u32 i = 0; i < 2; i++) {
        snprintf(test_disk[i], sizeof(test_disk[i]), "%s/given%u", test_folder, i);
        int fd = open(test_disk[i], O_CREAT | O_RDWR, 0600);
        if (fd < 0 || ftruncate(fd, (off_t)(4 * GIB)))
            exit(1);
        close(fd);
    }
    *test_record = 0;
    test_open();
}

static inline void test_reopen(void)
{
    ios_close(test_ios);
    test_open();
}

static inline void test_end(void)
{
    char command[128];
    ios_out_fini(&test_out);
    ios_close(test_ios);
    test_ios = NULL;
    snprintf(command, sizeof(command), "rm -rf '%s'", test_folder);
    if (system(command))
        exit(1);
}

// What a line prints: its output, then what it says.
static inline const char *run(const char *line)
{
    ios_out_fini(&test_out);
    test_status = ios_run_line(test_ios, "padmin", line, &test_out);
    if (test_out.err.len) {
        char *err = strdup(test_out.err.text);
        for (const char *p = err; *p; p++) {
            struct ios_text *t = &test_out.out;
            if (t->len + 2 > t->size) {
                t->size = t->len + 1024;
                t->text = realloc(t->text, t->size);
            }
            t->text[t->len++] = *p;
            t->text[t->len] = 0;
        }
        free(err);
    }
    return test_out.out.text ? test_out.out.text : "";
}

// The process dies after the data path was told and before that was written down.
static inline void test_killed_by(const char *line)
{
    int status;
    ios_close(test_ios);
    pid_t child = fork();
    if (!child) {
        test_open();
        test_kill = true;
        run(line);
        _exit(1);
    }
    waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    *test_record = 0;
    test_open();
}

// Lines that succeed, for what comes first.
static inline void prepare(const char *const *lines)
{
    for (; *lines; lines++) {
        const char *said = run(*lines);
        if (test_status) {
            test_case_failed = 1;
            printf("# %s: %s\n", *lines, said);
        }
    }
    *test_record = 0;
}

#pragma GCC diagnostic ignored "-Wmissing-field-initializers" // most steps tell the data path nothing

// A line, what it prints (NULL: anything) and what the data path hears of it.
struct step {
    const char *line;
    int status;
    const char *printed, *told;
};

static inline void play(const struct step *steps, u32 len)
{
    for (u32 i = 0; i < len; i++) {
        *test_record = 0;
        const char *got = run(steps[i].line);
        bool same = !steps[i].printed || strcmp(got, steps[i].printed) == 0;
        bool told = strcmp(test_record, steps[i].told ? steps[i].told : "") == 0;
        if (same && told && test_status == steps[i].status)
            continue;
        test_case_failed = 1;
        printf("# $ %s\n# exit status %d, not %d\n", steps[i].line, test_status, steps[i].status);
        if (!same)
            printf("# printed:\n%s# instead of:\n%s", got, steps[i].printed);
        if (!told)
            printf("# told: %s; not %s\n", test_record, steps[i].told ? steps[i].told : "");
    }
}

#endif
