// SPDX-License-Identifier: Apache-2.0
#include "ipc/uplink.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/child.h"

#define PROGRAM "openlpar-uplink"

static int tell_port(int socket, const struct uplink_port *port, const struct ring_fds *link)
{
    struct uplink_message m = {.type = UPLINK_PORT, .port = *port};
    int fds[3] = {link->memory, link->bell[0], link->bell[1]};
    return uplink_send(socket, &m, fds);
}

static int tell(int socket, const struct uplink_spec *spec)
{
    struct uplink_message m = {.type = UPLINK_REAL};
    int err = 0;
    for (u32 i = 0; !err && spec->real && i < MAX(spec->reals_len, 1); i++) {
        m.real = spec->real[i];
        err = uplink_send(socket, &m, NULL);
    }
    if (!err)
        err = tell_port(socket, &spec->port, spec->link);
    for (u32 i = 0; !err && i < spec->more_len; i++)
        err = tell_port(socket, &spec->more[i].port, spec->more[i].link);
    for (u32 i = 0; !err && i < spec->forwards_len; i++) {
        m = (struct uplink_message){.type = UPLINK_FORWARD, .forward = spec->forwards[i]};
        err = uplink_send(socket, &m, NULL);
    }
    m = (struct uplink_message){.type = UPLINK_START,
                                .start.first_address = spec->first_address ? spec->first_address : UPLINK_GUEST};
    return err ? err : uplink_send(socket, &m, NULL);
}

int uplink_begin(const struct uplink_spec *spec, struct uplink_process *process)
{
    int err = child_start(PROGRAM, UPLINK_FD, &process->pid, &process->socket);
    if (!err)
        err = tell(process->socket, spec);
    if (err == -EPIPE || err == -ECONNRESET)
        err = 0; // it ended before it had heard everything, and has said why
    if (err)
        uplink_end(process);
    return err;
}

int uplink_wait_ready(struct uplink_process *process, char *why, size_t why_size)
{
    struct uplink_message answer;
    int none[3], got = uplink_receive(process->socket, &answer, none);
    if (got == -ECONNRESET) // it ended with messages unread; its own last one comes behind that error
        got = uplink_receive(process->socket, &answer, none);
    if (got == 1 && answer.type == UPLINK_READY)
        return 0;
    if (got == 1 && answer.type == UPLINK_FAILED)
        snprintf(why, why_size, "%s", answer.text);
    else
        snprintf(why, why_size, PROGRAM ", which belongs beside this program: %s",
                 got < 0 ? strerror(-got) : "it ended");
    uplink_end(process);
    return got < 0 ? got : -EIO;
}

int uplink_query(const struct uplink_process *process)
{
    struct uplink_message m = {.type = UPLINK_QUERY};
    return uplink_send(process->socket, &m, NULL);
}

void uplink_end(struct uplink_process *process)
{
    if (process->socket >= 0)
        close(process->socket);
    if (process->pid > 0) {
        kill(process->pid, SIGKILL);
        while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    *process = UPLINK_NO_PROCESS;
}
