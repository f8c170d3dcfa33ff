// SPDX-License-Identifier: Apache-2.0
#include "proto/hyper/terminals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

void terminals_init(struct terminals *t)
{
    *t = (struct terminals){.scroll_fd = -1};
    pthread_mutex_init(&t->lock, NULL);
}

int terminals_map(struct terminals *t, int scroll_fd)
{
    void *map = mmap(NULL, sizeof(struct scroll), PROT_READ | PROT_WRITE, MAP_SHARED, scroll_fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    t->scroll_fd = fcntl(scroll_fd, F_DUPFD_CLOEXEC, 3);
    t->scroll = map;
    for (u32 i = 0; i < t->len; i++)
        t->sessions[i].at = atomic_load(&t->scroll->total);
    return t->scroll_fd < 0 ? -errno : 0;
}

void terminals_put(struct terminals *t, const u8 *data, size_t size)
{
    pthread_mutex_lock(&t->lock);
    u64 total = atomic_load(&t->scroll->total);
    for (size_t i = 0; i < size; i++)
        t->scroll->data[(total + i) % SCROLL_SIZE] = data[i];
    atomic_store(&t->scroll->total, total + size);
    pthread_mutex_unlock(&t->lock);
}

size_t terminals_get(struct terminals *t, u8 *data, size_t size)
{
    size_t done = 0;
    pthread_mutex_lock(&t->lock);
    while (done < size && t->input_head != t->input_tail)
        data[done++] = t->input[t->input_head++ % TERMINALS_INPUT];
    pthread_mutex_unlock(&t->lock);
    return done;
}

void terminals_add(struct terminals *t, u32 number, int fd, bool view, bool fresh)
{
    if (fd < 0)
        return;
    if (t->len == TERMINALS_MAX_SESSIONS || !t->scroll) {
        close(fd);
        return;
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    u64 total = atomic_load(&t->scroll->total);
    t->sessions[t->len++] = (struct terminals_session){.number = number,
                                                       .fd = fd,
                                                       .view = view,
                                                       .at = !fresh                ? total
                                                             : total > SCROLL_SIZE ? total - SCROLL_SIZE
                                                                                   : 0};
}

static void remove_session(struct terminals *t, u32 index)
{
    close(t->sessions[index].fd);
    t->len--;
    memmove(&t->sessions[index], &t->sessions[index + 1], (t->len - index) * sizeof(t->sessions[0]));
}

void terminals_end(struct terminals *t, u32 number)
{
    for (u32 i = 0; i < t->len; i++)
        if (t->sessions[i].number == number) {
            shutdown(t->sessions[i].fd, SHUT_RDWR);
            remove_session(t, i);
            return;
        }
}

// As much as it takes. Output is copied under the lock, as it may be overwritten meanwhile.
static void give(struct terminals *t, struct terminals_session *s)
{
    for (;;) {
        u8 chunk[4096];
        pthread_mutex_lock(&t->lock);
        u64 total = atomic_load(&t->scroll->total);
        if (total - s->at > SCROLL_SIZE)
            s->at = total - SCROLL_SIZE; // it was too slow
        size_t len = MIN(total - s->at, sizeof(chunk));
        for (size_t i = 0; i < len; i++)
            chunk[i] = t->scroll->data[(s->at + i) % SCROLL_SIZE];
        pthread_mutex_unlock(&t->lock);
        ssize_t done = len ? send(s->fd, chunk, len, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
        if (done <= 0)
            return;
        s->at += (u64)done;
    }
}

static size_t input_room(const struct terminals *t)
{
    return TERMINALS_INPUT - (size_t)(t->input_tail - t->input_head);
}

u32 terminals_poll(struct terminals *t, struct pollfd *p)
{
    u64 total = t->scroll ? atomic_load(&t->scroll->total) : 0;
    for (u32 i = 0; i < t->len; i++)
        give(t, &t->sessions[i]);
    pthread_mutex_lock(&t->lock);
    bool room = input_room(t) > 0;
    pthread_mutex_unlock(&t->lock);
    for (u32 i = 0; i < t->len; i++) {
        struct terminals_session *s = &t->sessions[i];
        bool reads = s->view || room; // what somebody who only looks sends is dropped
        p[i] = (struct pollfd){.fd = s->fd,
                               .events = (short)((reads ? POLLIN : 0) | POLLRDHUP | (s->at < total ? POLLOUT : 0))};
    }
    return t->len;
}

bool terminals_serve(struct terminals *t, const struct pollfd *p, u32 len)
{
    bool input = false;
    for (u32 i = len; i--;) {
        struct terminals_session *s = &t->sessions[i];
        if (!(p[i].revents & (POLLIN | POLLHUP | POLLERR | POLLRDHUP)))
            continue;
        u8 data[TERMINALS_INPUT];
        pthread_mutex_lock(&t->lock);
        size_t room = s->view ? sizeof(data) : input_room(t);
        ssize_t got = room ? recv(s->fd, data, room, MSG_DONTWAIT) : -1;
        for (ssize_t j = 0; j < got && !s->view; j++)
            t->input[t->input_tail++ % TERMINALS_INPUT] = data[j];
        pthread_mutex_unlock(&t->lock);
        input |= got > 0 && !s->view;
        if (got == 0 || (got < 0 && room && errno != EAGAIN && errno != EINTR))
            remove_session(t, i); // the daemon notices by itself
    }
    return input;
}

void terminals_flush(struct terminals *t, int ms)
{
    s64 end = clock_ns() + ms * 1000000ll;
    while (t->len && clock_ns() < end) {
        struct pollfd p[TERMINALS_MAX_SESSIONS];
        u32 len = terminals_poll(t, p);
        bool left = false;
        for (u32 i = 0; i < len; i++) {
            p[i].events &= POLLOUT;
            left |= p[i].events != 0;
        }
        if (!left)
            return;
        poll(p, len, 100);
        for (u32 i = len; i--;)
            if (p[i].revents & (POLLHUP | POLLERR))
                remove_session(t, i);
    }
}

u32 terminals_describe(const struct terminals *t, int *fds, u32 max, char *sessions, size_t size)
{
    u32 len = 0;
    size_t used = 0;
    *sessions = 0;
    if (t->scroll_fd < 0)
        return 0;
    fds[len++] = t->scroll_fd;
    for (u32 i = 0; i < t->len && len < max; i++) {
        fds[len++] = t->sessions[i].fd;
        used += (size_t)snprintf(sessions + used, size - used, "%s%u:%u", used ? "," : "", t->sessions[i].number,
                                 t->sessions[i].view);
    }
    return len;
}
