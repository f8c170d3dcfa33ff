// SPDX-License-Identifier: Apache-2.0
// openlpard: the hypervisor of one managed system. Started by `openlpar system`.
//
//   openlpard create FOLDER NAME PROCESSORS INSTALLED MB LMB [NETWORK]    makes the system's database
//   openlpard run FOLDER                              runs the system; prints `ready` when commands are answered
//   openlpard show FOLDER                             prints a stopped system's attributes, one name=value on each line
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/slice.h"
#include "hyper/outside.h"
#include "hyper/refcode.h"
#include "hyper/server.h"
#include "proto/hyper/place.h"

#define LOCK_PATIENCE_NS 2000000000ll

PRINTF_LIKE(1, 2) static int fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "openlpar: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    return 1;
}

static int set_network(const char *path, const char *network)
{
    char why[512];
    struct answer answer = {0};
    struct sys *sys = sys_open(path, why, sizeof(why));
    struct rec *rec = sys ? rec_copy(sys->rec) : NULL;
    int failed = sys ? outside_check(network, &answer) : fail("%s", why);
    if (!failed && rec && !rec_set_text(rec, "network", network)) {
        rec_free(rec);
        rec = NULL;
    }
    if (!failed)
        failed = sys_replace(sys, rec, &answer);
    else
        rec_free(rec);
    if (answer.refused)
        fail("%s", answer.text);
    sys_close(sys);
    return failed ? 1 : 0;
}

static int create(char **argv)
{
    char why[512];
    if (!attr_system_name_valid(argv[1]))
        return fail("'%s' is no name of a system", argv[1]);
    if (sys_create(argv[0], argv[1], strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10),
                   strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10), why, sizeof(why)))
        return fail("%s", why);
    return argv[6] ? set_network(argv[0], argv[6]) : 0;
}

static int show(const char *path)
{
    char why[512], text[WIRE_TEXT_MAX];
    struct sys *sys = sys_open(path, why, sizeof(why));
    if (!sys)
        return fail("%s", why);
    for (u32 i = 0; i < sys->rec->len; i++)
        if (sys->rec->attrs[i].flags & ATTR_STORED) {
            attr_format(&sys->rec->attrs[i], &sys->rec->v[i], text, sizeof(text));
            printf("%s=%s\n", sys->rec->attrs[i].name, text);
        }
    printf("partitions=%u\n", sys->lps_len);
    sys_close(sys);
    return fflush(stdout) ? 1 : 0;
}

// Whoever looks whether the system is started has the lock for a moment.
static int take_lock(const char *path)
{
    s64 end = clock_ns() + LOCK_PATIENCE_NS;
    char lock[PLACE_MAX + 16];
    snprintf(lock, sizeof(lock), "%s/lock", path);
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    while (flock(fd, LOCK_EX | LOCK_NB)) {
        int err = -errno;
        struct timespec wait = {.tv_nsec = 10000000};
        if (err != -EWOULDBLOCK || clock_ns() >= end) {
            close(fd);
            return err;
        }
        nanosleep(&wait, NULL);
    }
    return fd;
}

// Standard streams: nothing to read, what is printed goes to the log.
static void detach(const char *path)
{
    char log[PLACE_MAX + 16];
    snprintf(log, sizeof(log), "%s/log", path);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(null, 0);
    dup2(null, 1);
    dup2(fd < 0 ? null : fd, 2);
    setvbuf(stderr, NULL, _IOLBF, 0);
    close(null);
    if (fd >= 0)
        close(fd);
}

static int run(const char *path)
{
    char why[512], socket[PLACE_MAX + 16];
    int lock = take_lock(path);
    if (lock == -EWOULDBLOCK)
        return fail("the system is started already");
    if (lock < 0)
        return fail("%s/lock: %s", path, strerror(-lock));
    struct sys *sys = sys_open(path, why, sizeof(why));
    if (!sys)
        return fail("%s", why);
    struct rlimit files = {.rlim_cur = 4096, .rlim_max = 4096};
    struct rlimit now;
    if (!getrlimit(RLIMIT_NOFILE, &now) && now.rlim_cur < files.rlim_cur) {
        files.rlim_max = now.rlim_max;
        files.rlim_cur = MIN(files.rlim_cur, now.rlim_max);
        setrlimit(RLIMIT_NOFILE, &files);
    }
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    slice_shortest(); // partitions' processes have it from here
    snprintf(socket, sizeof(socket), "%s/socket", path);
    unlink(socket); // of a daemon that was killed; the lock is ours
    int fd = place_bind(path, "socket");
    if (fd < 0 || listen(fd, 64)) {
        int err = fd < 0 ? -fd : errno;
        sys_close(sys);
        return fail("%s: %s", socket, strerror(err));
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    sys_event(sys, NULL, REFCODE_SYSTEM_STARTED, "started");
    printf("ready\n");
    fflush(stdout);
    detach(path);
    int status = server_run(sys, fd);
    unlink(socket);
    sys_close(sys);
    close(fd);
    close(lock);
    return status;
}

int main(int argc, char **argv)
{
    if ((argc == 8 || argc == 9) && strcmp(argv[1], "create") == 0)
        return create(argv + 2);
    if (argc == 3 && strcmp(argv[1], "run") == 0)
        return run(argv[2]);
    if (argc == 3 && strcmp(argv[1], "show") == 0)
        return show(argv[2]);
    return fail("openlpard is started by: openlpar system start NAME");
}
