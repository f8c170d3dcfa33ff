// SPDX-License-Identifier: Apache-2.0
// Processes: fork, exec, wait, pipes, sockets.
#define _GNU_SOURCE
#include "checks.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static bool spawn_and_wait(void)
{
    pid_t child = fork();
    if (!child) {
        execl("/proc/self/exe", "guest-checks", "exit7", (char *)NULL);
        _exit(1);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

static uint64_t send_through(int reader, int writer, size_t size)
{
    static unsigned char buffer[5000];
    uint64_t hash = HASH_START, state = 23;
    pid_t child = fork();
    if (!child) {
        close(reader);
        for (size_t done = 0; done < size;) {
            size_t part = 1 + number_next(&state) % sizeof buffer;
            if (part > size - done)
                part = size - done;
            for (size_t i = 0; i < part; i++)
                buffer[i] = (unsigned char)((done + i) * 131 >> 3);
            for (size_t sent = 0; sent < part;) {
                ssize_t n = write(writer, buffer + sent, part - sent);
                if (n < 0)
                    _exit(1);
                sent += n;
            }
            done += part;
        }
        _exit(0);
    }
    close(writer);
    size_t got = 0;
    for (;;) {
        ssize_t n = read(reader, buffer, sizeof buffer);
        if (n <= 0)
            break;
        for (ssize_t i = 0; i < n; i++)
            if (buffer[i] != (unsigned char)((got + i) * 131 >> 3))
                hash = 0;
        got += n;
    }
    close(reader);
    int status = -1;
    waitpid(child, &status, 0);
    return hash == HASH_START && status == 0 ? got : 0;
}

void checks_processes(void)
{
    int good = 0;
    for (int i = 0; i < 30; i++)
        good += spawn_and_wait();
    check_value("process-exec", good, 30);

    int pair[2];
    check_value("process-pipe", pipe(pair) ? 0 : send_through(pair[0], pair[1], 1 << 20), 1 << 20);
    check_value("process-socket", socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ? 0 : send_through(pair[0], pair[1], 1 << 19),
                1 << 19);

    pid_t child = fork();
    if (!child) {
        for (;;)
            pause();
    }
    int status = 0;
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    check("process-kill", WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %x", status);
}
