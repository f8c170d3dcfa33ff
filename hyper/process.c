// SPDX-License-Identifier: Apache-2.0
#include "hyper/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sanitized.h"
#include "proto/hyper/place.h"

#define LINK_FD 3

// The child between fork and exec: async-signal-safe calls only.
static void become(char *name, int program, int socket, int error)
{
    char *argv[] = {name, NULL}, *envp[] = {NULL};
    sigset_t none;
    int null = open("/dev/null", O_RDWR);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int fd = 0; fd <= (SANITIZED ? 1 : 2); fd++) // a sanitizer's findings go into the hypervisor's log
        dup2(null, fd);
    // High first, so that no one of the three is overwritten.
    int high_socket = fcntl(socket, F_DUPFD_CLOEXEC, 10), high_program = fcntl(program, F_DUPFD_CLOEXEC, 10),
        high_error = fcntl(error, F_DUPFD_CLOEXEC, 10);
    if (null >= 0 && high_socket >= 0 && high_program >= 0 && high_error >= 0 &&
        dup2(high_socket, LINK_FD) == LINK_FD) {
        setsid();
        if (!chdir("/"))
            fexecve(high_program, argv, envp);
    }
    int err = errno;
    ssize_t done = write(high_error >= 0 ? high_error : error, &err, sizeof(err));
    (void)done;
    _exit(127);
}

static int open_program(const char *name)
{
    char path[PLACE_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 32);
    if (len <= 0)
        return -ENOENT;
    path[len] = 0;
    char *slash = strrchr(path, '/');
    strcpy(slash ? slash + 1 : path, name);
    int fd = open(path, O_PATH | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int process_start_program(const char *folder, const char *name, const char *file, int *pid, int *pidfd)
{
    char called[32];
    int error[2] = {-1, -1}, err = 0, said = 0;
    int program = open_program(file), socket = program < 0 ? -1 : place_bind(folder, name);
    snprintf(called, sizeof(called), "%s", file);
    *pid = 0;
    *pidfd = -1;
    if (program < 0 || socket < 0)
        err = program < 0 ? program : socket;
    else if (pipe2(error, O_CLOEXEC))
        err = -errno;
    if (!err) {
        pid_t child = fork();
        if (child == 0)
            become(called, program, socket, error[1]);
        if (child < 0) {
            err = -errno;
        } else {
            close(error[1]);
            error[1] = -1;
            if (read(error[0], &said, sizeof(said)) == sizeof(said)) {
                waitpid(child, NULL, 0);
                err = said ? -said : -EIO;
            } else {
                *pid = child;
                *pidfd = (int)syscall(SYS_pidfd_open, child, 0);
                if (*pidfd < 0) {
                    err = -errno;
                    kill(child, SIGKILL);
                    waitpid(child, NULL, 0);
                    *pid = 0;
                }
            }
        }
    }
    for (int i = 0; i < 2; i++)
        if (error[i] >= 0)
            close(error[i]);
    if (program >= 0)
        close(program);
    if (socket >= 0)
        close(socket);
    return err;
}

int process_open_image(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a FIFO must not hold us up
    if (fd < 0)
        return -errno;
    int err = fstat(fd, &st)         ? -errno
              : S_ISDIR(st.st_mode)  ? -EISDIR
              : !S_ISREG(st.st_mode) ? -EINVAL
              : st.st_size == 0      ? -ENODATA
                                     : 0;
    if (!err)
        return fd;
    close(fd);
    return err;
}

const char *process_image_error(int err)
{
    switch (err) {
    case -EINVAL: return "it is no regular file";
    case -ENODATA: return "it is empty";
    default: return strerror(-err);
    }
}

int process_memory(const char *name, u64 size)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, (off_t)size) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}
