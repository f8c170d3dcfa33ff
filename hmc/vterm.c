// SPDX-License-Identifier: Apache-2.0
#include "hmc/vterm.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "hmc/session.h"

enum { LINE_START, TILDE, INSIDE };

size_t vterm_filter(u8 *data, size_t size, int *state, bool *end)
{
    size_t kept = 0;
    u8 out[8192];
    for (size_t i = 0; i < size && i < sizeof(out) / 2 && !*end; i++) {
        u8 c = data[i];
        if (*state == TILDE && c == '.') {
            *end = true;
        } else if (*state == LINE_START && c == '~') {
            *state = TILDE;
        } else {
            if (*state == TILDE && c != '~')
                out[kept++] = '~';
            out[kept++] = c;
            *state = c == '\r' || c == '\n' ? LINE_START : INSIDE;
        }
    }
    memcpy(data, out, kept);
    return kept;
}

static bool write_all(int fd, const u8 *data, size_t size)
{
    while (size) {
        ssize_t done = write(fd, data, size);
        if (done >= 0) {
            data += done;
            size -= (size_t)done;
        } else if (errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            poll(&p, 1, 1000);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

// Until somebody ends it. Where there is nothing to read, or only looking is wanted, the terminal's end is waited for.
static void relay(int fd, bool view)
{
    u8 data[4096];
    int state = LINE_START;
    bool end = false;
    struct pollfd p[] = {{.fd = fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    while (!end) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return;
        if (p[0].revents) {
            ssize_t got = read(fd, data, sizeof(data));
            if (got <= 0 || !write_all(STDOUT_FILENO, data, (size_t)got))
                return;
        }
        if (!p[1].revents)
            continue;
        ssize_t got = read(STDIN_FILENO, data, sizeof(data));
        if (got <= 0) {
            if (!view)
                return;
            p[1].fd = -1;
            continue;
        }
        size_t kept = vterm_filter(data, (size_t)got, &state, &end);
        if (!view && !write_all(fd, data, kept))
            return;
    }
}

static int find_partition(const struct options *o, struct wire_message *m)
{
    char *end;
    if (!o->partition == !o->id)
        return options_refuse("-p", "the partition is named by -p NAME or by --id ID");
    if (o->partition) {
        wire_put_text(&m->where, "name", o->partition);
        return 0;
    }
    u64 id = strtoull(o->id, &end, 10);
    if (*end || *o->id < '0' || *o->id > '9')
        return options_refuse("--id", "%s is no partition's number", o->id);
    wire_put_num(&m->where, "lpar_id", id);
    return 0;
}

int cmd_mkvterm(const struct options *o)
{
    struct session s;
    struct termios saved, raw;
    bool busy = false, is_terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &saved) == 0;
    int fd = -1;
    struct wire_message *m = session_message(MESSAGE_OPEN_TERMINAL, OBJECT_LPAR);
    if (find_partition(o, m))
        return 1;
    struct wire_record where = m->where;
    if (session_open(&s, o->system)) // uses the message for itself
        return 1;
    m = session_message(MESSAGE_OPEN_TERMINAL, OBJECT_LPAR);
    m->where = where;
    wire_put_num(&m->values, "view", o->view != NULL);
    int status = session_call_expecting(&s, m, "BUSY", &busy, &fd);
    session_close(&s);
    if (busy) {
        printf("A terminal session is already open for this partition.\nOnly one open session is allowed for a "
               "partition.\nExiting....\n");
        return 0;
    }
    if (status || fd < 0)
        return 1;
    printf(" Open in progress\n\nOpen Completed.\n");
    fflush(stdout);
    signal(SIGPIPE, SIG_IGN);
    if (is_terminal) {
        raw = saved;
        cfmakeraw(&raw);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    relay(fd, o->view != NULL);
    close(fd);
    if (is_terminal)
        tcsetattr(STDIN_FILENO, TCSANOW, &saved);
    return 0;
}

int cmd_rmvterm(const struct options *o)
{
    struct session s;
    struct wire_message *m = session_message(MESSAGE_CLOSE_TERMINAL, OBJECT_LPAR);
    if (find_partition(o, m))
        return 1;
    struct wire_record where = m->where;
    if (session_open(&s, o->system))
        return 1;
    m = session_message(MESSAGE_CLOSE_TERMINAL, OBJECT_LPAR);
    m->where = where;
    int status = session_call(&s, m, NULL, NULL, NULL);
    session_close(&s);
    return status;
}
