// SPDX-License-Identifier: Apache-2.0
#include "cli/system_cmd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/exporter_cmd.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/say.h"
#include "proto/hyper/attr.h"
#include "proto/hyper/place.h"
#include "proto/vio/net_option.h"

#define PROCESSORS_MAX 1024u
#define LMB_DEFAULT    256u // MB
#define STOP_SECONDS   60

struct arguments {
    const char *name, *number, *processors, *installed, *memory, *state, *lmb, *json, *repair, *network;
};

// The daemon's program is beside this one.
static int daemon_path(char path[PLACE_MAX])
{
    ssize_t len = readlink("/proc/self/exe", path, PLACE_MAX - 16);
    if (len <= 0)
        return -1;
    path[len] = 0;
    char *slash = strrchr(path, '/');
    strcpy(slash ? slash + 1 : path, "openlpard");
    return 0;
}

// Runs openlpard with these arguments, its standard output in a pipe when `output`. The process, or -1.
static pid_t start_daemon(char *const argv[], int *output)
{
    char path[PLACE_MAX];
    int ends[2];
    if (daemon_path(path) || (output && pipe2(ends, O_CLOEXEC)))
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        if (output) {
            int null = open("/dev/null", O_RDONLY);
            dup2(null, STDIN_FILENO);
            dup2(ends[1], STDOUT_FILENO);
            setsid();
            if (chdir("/"))
                _exit(127);
        }
        execv(path, argv);
        fprintf(stderr, "openlpar: %s: %s\n", path, strerror(errno));
        _exit(127);
    }
    if (output) {
        close(ends[1]);
        *output = ends[0];
    }
    return pid;
}

// Waits for it; true: it succeeded.
static bool succeeded(pid_t pid)
{
    int status;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int parse_count(const char *text, u64 max, u64 *value)
{
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return *text < '0' || *text > '9' || *end || errno || !*value || *value > max;
}

static int check_memory(const char *text, u64 lmb, u64 *mb)
{
    struct sysinfo info;
    u64 size = parse_size(text);
    if (!size || size % MIB)
        return say_refusal("--memory '%s': write a size with its unit, like 8G", text);
    *mb = size / MIB;
    if (*mb % lmb || *mb < 2 * lmb)
        return say_refusal("--memory %s: memory comes in blocks of %lluM, two at least", text, (unsigned long long)lmb);
    if (sysinfo(&info) == 0 && size > ((u64)info.totalram + info.totalswap) * info.mem_unit)
        return say_refusal("--memory %s: that is more than the host's %llu MiB; give less", text,
                           (unsigned long long)(((u64)info.totalram + info.totalswap) * info.mem_unit / MIB));
    return 0;
}

// The folder: in the place of all systems, or elsewhere with a link to it there.
static int make_folder(const struct arguments *a, char path[PLACE_MAX], char link_path[PLACE_MAX])
{
    char root[PLACE_MAX];
    int err = place_root(root, true);
    if (err || place_of(a->name, link_path))
        return say_refusal("the folder for state: %s; set XDG_STATE_HOME or HOME", strerror(err ? -err : ENAMETOOLONG));
    if (!a->state) {
        strcpy(path, link_path);
        return mkdir(path, 0700) ? say_refusal("%s: %s", path, strerror(errno)) : 0;
    }
    if (mkdir(a->state, 0700) && errno != EEXIST)
        return say_refusal("--state %s: %s", a->state, strerror(errno));
    char *real = realpath(a->state, NULL);
    if (!real || strlen(real) >= PLACE_MAX) {
        free(real);
        return say_refusal("--state %s: %s", a->state, strerror(errno));
    }
    strcpy(path, real);
    free(real);
    return symlink(path, link_path) ? say_refusal("%s: %s", link_path, strerror(errno)) : 0;
}

static void remove_files(const char *path)
{
    static const char *const files[] = {"system.db",    "system.db-wal", "system.db-shm", "usage.db", "usage.db-wal",
                                        "usage.db-shm", "counters",      "lock",          "log",      "socket"};
    char name[PLACE_MAX + 300];
    for (unsigned i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(name, sizeof(name), "%s/%s", path, files[i]);
        unlink(name);
    }
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (strncmp(entry->d_name, "lpar-", 5) == 0) { // sockets of processes that ended
            snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
            unlink(name);
        }
    if (dir)
        closedir(dir);
}

static void remove_folder(const char *name, const char *path)
{
    char link_path[PLACE_MAX];
    remove_files(path);
    if (!place_of(name, link_path)) {
        char *real = realpath(path, NULL);
        if (unlink(link_path) == 0 && real) // it was a link; the folder itself may have been there before us
            rmdir(real);
        else
            rmdir(link_path);
        free(real);
    }
}

static int create(const struct arguments *a)
{
    char path[PLACE_MAX], link_path[PLACE_MAX], database[PLACE_MAX + 16], procs_text[24], installed_text[24],
        mb_text[24], lmb_text[24], program[] = "openlpard", verb[] = "create";
    u64 procs, installed, mb = 0, lmb = LMB_DEFAULT;
    struct stat st;
    if (!attr_system_name_valid(a->name))
        return say_refusal("system '%s': a name has 1 to 31 letters, digits, dots, dashes and underscores", a->name);
    if (!a->processors || !a->memory)
        return say_refusal("%s is missing: openlpar system create %s --processors N --memory SIZE",
                           a->processors ? "--memory" : "--processors", a->name);
    if (parse_count(a->processors, PROCESSORS_MAX, &procs))
        return say_refusal("--processors '%s': give a number of physical processors from 1 to %u", a->processors,
                           PROCESSORS_MAX);
    installed = procs;
    if (a->installed && (parse_count(a->installed, PROCESSORS_MAX, &installed) || installed < procs))
        return say_refusal("--installed '%s': give a number of physical processors from %llu to %u", a->installed,
                           (unsigned long long)procs, PROCESSORS_MAX);
    struct net_options net;
    char why[512];
    if (a->network && strcmp(a->network, "none") &&
        !net_option_parse(a->network, NET_OF_SYSTEM, &net, why, sizeof(why)))
        return say_refusal("--network %s: %s", a->network, why);
    if (a->lmb) {
        u64 size = parse_size(a->lmb);
        lmb = size / MIB;
        if (!size || size % MIB || lmb < 16 || lmb > 4096 || (lmb & (lmb - 1)))
            return say_refusal("--lmb '%s': a logical memory block has 16M, 32M, 64M ... 4096M", a->lmb);
    }
    if (check_memory(a->memory, lmb, &mb))
        return 1;
    if (!place_of(a->name, link_path) && lstat(link_path, &st) == 0)
        return say_refusal("there is a managed system %s already; choose another name, or remove it first", a->name);
    if (a->state) {
        snprintf(database, sizeof(database), "%s/system.db", a->state);
        if (access(database, F_OK) == 0)
            return say_refusal("--state %s: that folder holds a managed system already", a->state);
    }
    if (make_folder(a, path, link_path))
        return 1;
    snprintf(procs_text, sizeof(procs_text), "%llu", (unsigned long long)procs);
    snprintf(installed_text, sizeof(installed_text), "%llu", (unsigned long long)installed);
    snprintf(mb_text, sizeof(mb_text), "%llu", (unsigned long long)mb);
    snprintf(lmb_text, sizeof(lmb_text), "%llu", (unsigned long long)lmb);
    char *argv[] = {program,        verb,    path,     (char *)(uintptr_t)a->name,    procs_text,
                    installed_text, mb_text, lmb_text, (char *)(uintptr_t)a->network, NULL};
    if (succeeded(start_daemon(argv, NULL)))
        return 0;
    remove_folder(a->name, path);
    return 1;
}

// One that was killed has its lock until the kernel has taken it down; it answers no more.
static bool started(const char *path)
{
    s64 end = clock_ns() + PLACE_PATIENCE_MS * 1000000ll;
    while (place_running(path)) {
        struct timespec wait = {.tv_nsec = 20000000};
        struct link link;
        int err = place_open(path, &link);
        if (!err)
            link_fini(&link);
        if (!err || clock_ns() >= end)
            return true;
        nanosleep(&wait, NULL);
    }
    return false;
}

static int start(const struct arguments *a)
{
    char path[PLACE_MAX], text[16] = "", program[] = "openlpard", verb[] = "run";
    int output;
    if (say_system(a->name, path))
        return 1;
    if (started(path))
        return say_refusal("the managed system %s is started already", a->name);
    char *argv[] = {program, verb, path, NULL};
    pid_t pid = start_daemon(argv, &output);
    if (pid < 0)
        return say_refusal("the managed system %s cannot be started: %s", a->name, strerror(errno));
    ssize_t got = read(output, text, sizeof(text) - 1);
    close(output);
    if (got > 0 && strncmp(text, "ready", 5) == 0)
        return 0;
    waitpid(pid, NULL, 0); // it said why
    return 1;
}

static int open_system(const char *name, const char *path, struct link *link)
{
    int err = place_open(path, link);
    return err ? say_no_answer(name, err) : 0;
}

static int stop(const struct arguments *a)
{
    static struct wire_message m; // large
    char path[PLACE_MAX];
    struct link link;
    int fds[WIRE_FDS_MAX];
    if (say_system(a->name, path))
        return 1;
    if (!place_running(path))
        return say_refusal("the managed system %s is stopped already", a->name);
    if (open_system(a->name, path, &link))
        return 1;
    m = (struct wire_message){.type = MESSAGE_STOP, .serial = 1};
    int err = link_send_all(&link, &m, NULL, 0);
    if (!err)
        link_wait(&link, &m, fds);
    link_fini(&link);
    for (int i = 0; i < STOP_SECONDS * 50; i++) {
        struct timespec wait = {.tv_nsec = 20000000};
        if (!place_running(path))
            return 0;
        nanosleep(&wait, NULL);
    }
    return say_refusal("the managed system %s has not stopped after %d seconds; its log is %s/log", a->name,
                       STOP_SECONDS, path);
}

struct counts {
    u32 partitions, active;
};

// All rows of a kind of object; the value is what `each` made of them.
static int list_objects(struct link *link, enum object object, void (*each)(void *arg, const struct wire_record *row),
                        void *arg)
{
    static struct wire_message m; // large
    int fds[WIRE_FDS_MAX], got;
    m = (struct wire_message){.type = MESSAGE_LIST, .serial = 1, .object = (u8)object};
    if (link_send_all(link, &m, NULL, 0))
        return -1;
    while ((got = link_wait(link, &m, fds)) > 0 && m.type == MESSAGE_ROW)
        each(arg, &m.values);
    return got > 0 && m.type == MESSAGE_DONE && !wire_num(&m.values, "status", 1) ? 0 : -1;
}

static void count(void *arg, const struct wire_record *row)
{
    struct counts *counts = arg;
    const char *state = wire_text(row, "state");
    counts->partitions++;
    counts->active += state && strcmp(state, "Not Activated") && strcmp(state, "Error");
}

// One attribute of a status, as text or as a member of a JSON object; numbers are numbers there.
static void print_value(const struct arguments *a, const char *name, const char *value)
{
    const struct attr *attr = attr_find(OBJECT_SYS, name);
    bool number = !attr || attr->type == ATTR_NUM;
    if (!a->json) {
        printf("%-16s %s\n", name, value);
        return;
    }
    printf(strcmp(name, "name") == 0 ? "{\"%s\": " : ", \"%s\": ", name);
    if (number)
        printf("%s", value);
    else
        json_text(stdout, value);
}

static void print_count(const struct arguments *a, const char *name, u32 count)
{
    char text[16];
    snprintf(text, sizeof(text), "%u", count);
    print_value(a, name, text);
}

// What a status shows of a system, but for its partitions. A stopped one has no state of its own.
static const char *const shown[] = {"name",          "type_model",      "serial_num",
                                    "state",         "installed_procs", "active_procs",
                                    "guarded_procs", "installed_mem",   "mem_region_size"};

static void print_row(void *arg, const struct wire_record *row)
{
    for (unsigned i = 0; i < ARRAY_LEN(shown); i++) {
        const struct wire_value *v = wire_get(row, shown[i]);
        char text[WIRE_TEXT_MAX];
        if (v && attr_format(attr_find(OBJECT_SYS, shown[i]), v, text, sizeof(text)) >= 0)
            print_value(arg, shown[i], text);
    }
}

static int finish_output(void)
{
    return fflush(stdout) || ferror(stdout) ? say_refusal("standard output: %s", strerror(errno)) : 0;
}

// What the daemon says of a stopped system, in the same form.
static int status_stopped(const struct arguments *a, char *path)
{
    char line[WIRE_TEXT_MAX + 64], program[] = "openlpard", verb[] = "show";
    char *argv[] = {program, verb, path, NULL};
    int output;
    pid_t pid = start_daemon(argv, &output);
    FILE *from = pid > 0 ? fdopen(output, "r") : NULL;
    while (from && fgets(line, sizeof(line), from)) {
        char *value = strchr(line, '=');
        line[strcspn(line, "\n")] = 0;
        if (!value)
            continue;
        *value++ = 0;
        bool show = strcmp(line, "partitions") == 0;
        for (unsigned i = 0; i < ARRAY_LEN(shown); i++)
            show |= strcmp(line, shown[i]) == 0;
        if (show)
            print_value(a, line, value);
        if (strcmp(line, "serial_num") == 0)
            print_value(a, "state", "stopped");
    }
    if (from)
        fclose(from);
    if (a->json)
        printf("}\n");
    return !succeeded(pid) || finish_output();
}

static int status(const struct arguments *a)
{
    char path[PLACE_MAX];
    struct link link;
    struct counts counts = {0};
    if (say_system(a->name, path))
        return 1;
    if (!place_running(path))
        return status_stopped(a, path);
    if (open_system(a->name, path, &link))
        return 1;
    int err = list_objects(&link, OBJECT_SYS, print_row, (void *)(uintptr_t)a);
    if (!err)
        err = list_objects(&link, OBJECT_LPAR, count, &counts);
    link_fini(&link);
    if (err)
        return say_refusal("the managed system %s did not answer", a->name);
    print_count(a, "partitions", counts.partitions);
    print_count(a, "active", counts.active);
    if (a->json)
        printf("}\n");
    return finish_output();
}

struct listed {
    bool json;
    u32 len;
};

static int print_system(void *arg, const char *name, const char *path)
{
    struct listed *listed = arg;
    const char *state = place_running(path) ? "running" : "stopped";
    if (!listed->json) {
        printf("%-31s %s\n", name, state);
        return 0;
    }
    printf(listed->len++ ? ",\n {\"name\": " : "\n {\"name\": ");
    json_text(stdout, name);
    printf(", \"state\": \"%s\", \"folder\": ", state);
    json_text(stdout, path);
    printf("}");
    return 0;
}

static int list(const struct arguments *a)
{
    struct listed listed = {.json = a->json != NULL};
    if (a->json)
        printf("[");
    place_each(print_system, &listed);
    if (a->json)
        printf(listed.len ? "\n]\n" : "]\n");
    return finish_output();
}

static int remove_system(const struct arguments *a)
{
    char path[PLACE_MAX];
    if (say_system(a->name, path))
        return 1;
    if (place_running(path))
        return say_refusal("the managed system %s is running; stop it first: openlpar system stop %s", a->name,
                           a->name);
    remove_folder(a->name, path);
    return 0;
}

// Reports a physical processor as failed, or as repaired.
static int fail_processor(const struct arguments *a)
{
    static struct wire_message m; // large
    char path[PLACE_MAX], *end;
    struct link link;
    int fds[WIRE_FDS_MAX];
    u64 number = a->number ? strtoull(a->number, &end, 10) : 0;
    if (!a->number || *a->number < '0' || *a->number > '9' || *end)
        return say_refusal(
            "which processor failed is missing: openlpar system fail-processor %s N, the first one being 0", a->name);
    if (say_system(a->name, path))
        return 1;
    if (!place_running(path))
        return say_refusal("the managed system %s is stopped; start it first: openlpar system start %s", a->name,
                           a->name);
    if (open_system(a->name, path, &link))
        return 1;
    m = (struct wire_message){.type = MESSAGE_CHANGE, .serial = 1, .object = OBJECT_PROCESSOR};
    wire_put_num(&m.where, "proc_num", number);
    wire_put_text(&m.values, "state", a->repair ? "Configured" : "Guarded");
    bool answered = !link_send_all(&link, &m, NULL, 0) && link_wait(&link, &m, fds) > 0 && m.type == MESSAGE_DONE;
    const char *text = answered ? wire_text(&m.values, "text") : NULL;
    int status = !answered                           ? say_refusal("the managed system %s did not answer", a->name)
                 : !wire_num(&m.values, "status", 1) ? 0
                                                     : say_refusal("%s", text ? text : "refused");
    link_fini(&link);
    return status;
}

static const struct verb {
    const char *name, *synopsis, *help;
    bool named;
    int (*run)(const struct arguments *a);
} verbs[] = {
    {"create", "NAME --processors N --memory SIZE [--installed N] [--lmb SIZE] [--network NET] [--state DIR]",
     "define a managed system", true, create},
    {"start", "NAME", "start it: partitions that start with the system are activated", true, start},
    {"stop", "NAME", "shut its partitions down at once and stop it", true, stop},
    {"status", "NAME [--json]", "show what it has, and its state", true, status},
    {"list", "[--json]", "list all systems", false, list},
    {"exporter", "[NAME] [--listen ADDRESS:PORT | --socket PATH]", "serve metrics of the systems to Prometheus", false,
     NULL},
    {"fail-processor", "NAME N [--repair]", "guard physical processor N, which failed (or use it again)", true,
     fail_processor},
    {"remove", "NAME", "remove a stopped system, with all of its partitions' definitions", true, remove_system},
};

static const struct {
    const char *name;
    size_t at;
    const char *help;
} options[] = {
    {"--processors", offsetof(struct arguments, processors), "N: physical processors, 1.00 processing units each"},
    {"--installed", offsetof(struct arguments, installed),
     "N: processors that are there (as many); those beyond replace failed ones"},
    {"--memory", offsetof(struct arguments, memory), "SIZE: physical memory, like 8G"},
    {"--lmb", offsetof(struct arguments, lmb), "SIZE: size of a logical memory block (256M)"},
    {"--network", offsetof(struct arguments, network),
     "NET: its own way outside: user or "
     "tap,name=INTERFACE[,vswitch=NAME][,vlan=N][,hostfwd=tcp:[ADDRESS:]PORT-PARTITION:PORT]... (none)"},
    {"--state", offsetof(struct arguments, state),
     "DIR: keep the system's state there ($XDG_STATE_HOME/openlpar/NAME)"},
};

static int help(void)
{
    printf("Usage: openlpar system VERB [arguments]\n\nManaged systems of this user on this host.\n\n");
    for (unsigned i = 0; i < ARRAY_LEN(verbs); i++)
        printf("  %s %s\n        %s\n", verbs[i].name, verbs[i].synopsis, verbs[i].help);
    printf("\nOptions of create:\n");
    for (unsigned i = 0; i < ARRAY_LEN(options); i++)
        printf("  %-14s %s\n", options[i].name, options[i].help);
    return finish_output();
}

int system_command(int argc, char **argv)
{
    struct arguments a = {0};
    const struct verb *verb = NULL;
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return help();
    for (unsigned i = 0; argc > 1 && i < ARRAY_LEN(verbs); i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            verb = &verbs[i];
    if (!verb)
        return say_refusal("openlpar system: %s%s; openlpar system --help lists the verbs",
                           argc > 1 ? "unknown verb " : "a verb is missing", argc > 1 ? argv[1] : "");
    if (!verb->run) // it has arguments of its own
        return exporter_command(argc - 1, argv + 1);
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return help();
        const char **value = NULL;
        if (strcmp(argv[i], "--json") == 0 && strstr(verb->synopsis, "--json")) {
            a.json = argv[i];
            continue;
        }
        if (strcmp(argv[i], "--repair") == 0 && strstr(verb->synopsis, "--repair")) {
            a.repair = argv[i];
            continue;
        }
        size_t len = strcspn(argv[i], "=");
        for (unsigned j = 0; strcmp(verb->name, "create") == 0 && j < ARRAY_LEN(options); j++)
            if (strlen(options[j].name) == len && strncmp(argv[i], options[j].name, len) == 0)
                value = (const char **)((char *)&a + options[j].at);
        if (value) {
            if (!argv[i][len] && i + 1 == argc)
                return say_refusal("%s needs a value", argv[i]);
            *value = argv[i][len] ? argv[i] + len + 1 : argv[++i];
        } else if (argv[i][0] != '-' && a.name && !a.number && strncmp(verb->synopsis, "NAME N ", 7) == 0) {
            a.number = argv[i];
        } else if (argv[i][0] == '-' || a.name || !verb->named) {
            return say_refusal("'%s' is no argument of openlpar system %s; openlpar system --help lists them", argv[i],
                               verb->name);
        } else {
            a.name = argv[i];
        }
    }
    if (verb->named && !a.name)
        return say_refusal("the system's name is missing: openlpar system %s %s", verb->name, verb->synopsis);
    return verb->run(&a);
}
