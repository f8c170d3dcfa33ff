// SPDX-License-Identifier: Apache-2.0
#include "hyper/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hyper/power.h"
#include "hyper/process.h"
#include "proto/hyper/scroll.h"

int terminal_scroll(struct lp *lp)
{
    if (lp->scroll_fd < 0)
        lp->scroll_fd = process_memory("scroll-back", sizeof(struct scroll));
    if (lp->scroll_fd >= 0)
        return 0;
    errno = -lp->scroll_fd;
    lp->scroll_fd = -1;
    return -1;
}

static void tell(struct lp *lp, enum message type, const struct terminal *t, const int *fd)
{
    static struct wire_message m; // large; one thread
    m.type = (u16)type;
    m.values.len = 0;
    wire_put_num(&m.values, "session", t->number);
    wire_put_num(&m.values, "view", t->view);
    wire_put_num(&m.values, "fresh", !t->told);
    link_send(&lp->link, &m, fd, fd ? 1 : 0);
    link_flush(&lp->link);
}

void terminal_give(struct lp *lp, u32 index)
{
    struct terminal *t = &lp->terminals[index];
    if (!lp->linked || !lp->greeted)
        return;
    tell(lp, MESSAGE_TERMINAL, t, &t->fd);
    t->told = true;
}

static void remove_terminal(struct lp *lp, u32 index)
{
    close(lp->terminals[index].fd);
    lp->terminals_len--;
    memmove(&lp->terminals[index], &lp->terminals[index + 1], (lp->terminals_len - index) * sizeof(lp->terminals[0]));
}

void terminal_end(struct lp *lp, u32 number)
{
    for (u32 i = 0; i < lp->terminals_len; i++)
        if (lp->terminals[i].number == number) {
            remove_terminal(lp, i);
            return;
        }
}

void power_terminal_closed(struct lp *lp, u32 index)
{
    if (lp->linked && lp->greeted)
        tell(lp, MESSAGE_TERMINAL_END, &lp->terminals[index], NULL);
    remove_terminal(lp, index);
}

void power_close_terminals(struct lp *lp)
{
    while (lp->terminals_len) {
        shutdown(lp->terminals[0].fd, SHUT_RDWR);
        power_terminal_closed(lp, 0);
    }
}

// What a partition that is off printed last. As much as the socket takes at once, which is all of it.
static void show_scroll(struct terminal *t, int scroll_fd)
{
    int size = 2 * (int)SCROLL_SIZE;
    setsockopt(t->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    const struct scroll *s = mmap(NULL, sizeof(*s), PROT_READ, MAP_SHARED, scroll_fd, 0);
    if (s == MAP_FAILED)
        return;
    u64 total = atomic_load(&s->total), from = total > SCROLL_SIZE ? total - SCROLL_SIZE : 0;
    while (from < total) {
        u64 at = from % SCROLL_SIZE, len = MIN(total - from, SCROLL_SIZE - at);
        ssize_t done = send(t->fd, s->data + at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (done <= 0)
            break;
        from += (u64)done;
    }
    munmap((void *)(uintptr_t)s, sizeof(*s));
}

int power_open_terminal(struct sys *sys, struct lp *lp, bool view, int *fd, struct answer *answer)
{
    int pair[2];
    for (u32 i = 0; !view && i < lp->terminals_len; i++)
        if (!lp->terminals[i].view)
            return refuse(answer, "BUSY", "A terminal session is already open for this partition.");
    if (lp->terminals_len == TERMINALS_MAX)
        return refuse(answer, "HSCL0622", "The partition %s has %u terminal sessions, as many as can be open.",
                      lp_name(lp), TERMINALS_MAX);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return refuse(answer, "HSCL3205", "The terminal could not be opened: %s.", strerror(errno));
    struct terminal *t = &lp->terminals[lp->terminals_len++];
    *t = (struct terminal){.number = ++lp->terminals_made, .fd = pair[0], .view = view};
    fcntl(pair[0], F_SETFL, fcntl(pair[0], F_GETFL) | O_NONBLOCK);
    *fd = pair[1];
    if (lp->linked && lp->greeted) {
        terminal_give(lp, lp->terminals_len - 1);
    } else if (lp->scroll_fd >= 0) {
        show_scroll(t, lp->scroll_fd);
        t->told = true;
    }
    return 0;
}

void terminal_adopt(struct lp *lp, const struct wire_record *values, const int *fds, u32 len)
{
    struct stat st;
    const char *sessions = wire_text(values, "sessions"); // "1:0,2:1": number, view
    if (len && lp->scroll_fd < 0 && fstat(fds[0], &st) == 0 && st.st_size == (off_t)sizeof(struct scroll) &&
        (fcntl(fds[0], F_GET_SEALS) & F_SEAL_SHRINK)) // else a read of ours could end us
        lp->scroll_fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 3);
    for (u32 i = 1; i < len && sessions && *sessions && lp->terminals_len < TERMINALS_MAX; i++) {
        char *end;
        u32 number = (u32)strtoul(sessions, &end, 10);
        bool view = end[0] == ':' && end[1] == '1';
        int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
            break;
        lp->terminals[lp->terminals_len++] = (struct terminal){.number = number, .fd = fd, .view = view, .told = true};
        lp->terminals_made = MAX(lp->terminals_made, number);
        sessions = strchr(end, ',');
        sessions = sessions ? sessions + 1 : NULL;
    }
}
