// SPDX-License-Identifier: Apache-2.0
#include "ipc/child.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/types.h"

extern char **environ;

static int find(const char *name, char path[PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", path, PATH_MAX);
    if (len <= 0 || len == PATH_MAX)
        return -ENOENT;
    while (len && path[len - 1] != '/')
        len--;
    size_t room = PATH_MAX - (size_t)len;
    return (size_t)snprintf(path + len, room, "%s", name) < room ? 0 : -ENAMETOOLONG;
}

static int spawn(const char *name, int fd, int socket, pid_t *pid)
{
    char path[PATH_MAX], called[NAME_MAX + 1], *argv[] = {called, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, defaults;
    int err = find(name, path);
    if (err)
        return err;
    snprintf(called, sizeof(called), "%s", name);
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", 0, 0);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, socket, fd);
    posix_spawn_file_actions_addclosefrom_np(&actions, fd + 1);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &defaults);
    err = -posix_spawn(pid, path, &actions, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return err;
}

int child_start(const char *name, int fd, pid_t *pid, int *socket)
{
    int pair[2];
    *pid = 0;
    *socket = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return -errno;
    int err = spawn(name, fd, pair[1], pid);
    close(pair[1]);
    if (err) {
        close(pair[0]);
        *pid = 0;
    } else {
        *socket = pair[0];
    }
    return err;
}
