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

static int tell(int socket, const struct uplink_spec *spec)
{
    struct uplink_message m = {.type = UPLINK_PORT, .port = spec->port};
    int fds[3] = {spec->link->memory, spec->link->bell[0], spec->link->bell[1]};
    int err = uplink_send(socket, &m, fds);
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
