// SPDX-License-Identifier: Apache-2.0
#include "lpar/console.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define RING_SIZE 0x10000u // bytes, a power of two
#define ESCAPE    0x01     // Ctrl-a
#define BREAK     0x0f     // Ctrl-o: Linux's hvc driver takes it for the break that begins a SysRq sequence
#define DRAIN_MS  10000

struct ring {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    u64 head, tail; // bytes ever taken out and put in
    bool closed;    // nobody reads it any more
    u8 data[RING_SIZE];
};

struct console {
    struct console_events events;
    struct ring in, out;
    pthread_t in_thread, out_thread;
    int stop_fd;  // readable: the input thread ends
    bool escaped; // Ctrl-a was the last byte; input thread
};

// The terminal's state belongs to the process: signal handlers need it.
static struct termios terminal_saved;
static _Atomic bool terminal_is_ours, terminal_raw; // lock-free: signal handlers look at them

void console_restore_terminal(void)
{
    if (terminal_raw) {
        terminal_raw = false;
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal_saved);
    }
}

void console_raw_terminal(void)
{
    if (!terminal_is_ours || terminal_raw)
        return;
    struct termios raw = terminal_saved;
    cfmakeraw(&raw);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0)
        terminal_raw = true;
}

bool console_is_raw(void)
{
    return terminal_raw;
}

static void ring_init(struct ring *ring)
{
    pthread_condattr_t attr;
    pthread_mutex_init(&ring->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&ring->changed, &attr);
    pthread_condattr_destroy(&attr);
}

static void ring_fini(struct ring *ring)
{
    pthread_mutex_destroy(&ring->lock);
    pthread_cond_destroy(&ring->changed);
}

// Under ring->lock.
static size_t ring_put(struct ring *ring, const u8 *data, size_t size)
{
    size_t room = RING_SIZE - (size_t)(ring->tail - ring->head), done = MIN(size, room);
    for (size_t i = 0; i < done; i++)
        ring->data[(ring->tail + i) % RING_SIZE] = data[i];
    ring->tail += done;
    if (done)
        pthread_cond_broadcast(&ring->changed);
    return done;
}

static size_t ring_get(struct ring *ring, u8 *data, size_t size)
{
    size_t have = (size_t)(ring->tail - ring->head), done = MIN(size, have);
    for (size_t i = 0; i < done; i++)
        data[i] = ring->data[(ring->head + i) % RING_SIZE];
    ring->head += done;
    if (done)
        pthread_cond_broadcast(&ring->changed);
    return done;
}

size_t console_write(struct console *con, const u8 *data, size_t size)
{
    pthread_mutex_lock(&con->out.lock);
    size_t done = con->out.closed ? size : ring_put(&con->out, data, size);
    pthread_mutex_unlock(&con->out.lock);
    return done;
}

size_t console_read(struct console *con, u8 *data, size_t size)
{
    pthread_mutex_lock(&con->in.lock);
    size_t done = ring_get(&con->in, data, size);
    pthread_mutex_unlock(&con->in.lock);
    return done;
}

// false: standard output takes no more, ever.
static bool write_all(const u8 *data, size_t size)
{
    while (size) {
        ssize_t done = write(STDOUT_FILENO, data, size);
        if (done >= 0) {
            data += done;
            size -= (size_t)done;
        } else if (errno == EAGAIN) { // somebody made the terminal non-blocking
            struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
            poll(&p, 1, 1000);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

static void *output_main(void *arg)
{
    struct console *con = arg;
    struct ring *ring = &con->out;
    static u8 chunk[4096]; // one output thread
    for (;;) {
        pthread_mutex_lock(&ring->lock);
        while (ring->head == ring->tail && !ring->closed)
            pthread_cond_wait(&ring->changed, &ring->lock);
        // Copied, but taken out only when it is written: an empty ring means that all is out.
        size_t have = (size_t)(ring->tail - ring->head), size = MIN(have, sizeof(chunk));
        for (size_t i = 0; i < size; i++)
            chunk[i] = ring->data[(ring->head + i) % RING_SIZE];
        bool end = ring->closed;
        pthread_mutex_unlock(&ring->lock);
        if (end)
            return NULL;
        bool ok = write_all(chunk, size);
        pthread_mutex_lock(&ring->lock);
        ring->head += size;
        if (!ok)
            ring->closed = true; // the reader went away: the guest's output is dropped from now on
        pthread_cond_broadcast(&ring->changed);
        pthread_mutex_unlock(&ring->lock);
        con->events.drained(con->events.arg);
    }
}

static void say(const char *text)
{
    write_all((const u8 *)text, strlen(text));
}

static const char help[] = "\r\nCtrl-a, then\r\n"
                           "  h       this help\r\n"
                           "  x       quit: end the partition\r\n"
                           "  b       send a break (SysRq: follow it by the SysRq key)\r\n"
                           "  s       show the processors' registers\r\n"
                           "  Ctrl-a  send Ctrl-a itself\r\n";

// A byte after the escape. true: *byte is to be sent.
static bool escape_key(struct console *con, u8 *byte)
{
    switch (*byte) {
    case 'h':
    case '?': say(help); return false;
    case 'x':
        say("\r\n");
        con->events.key(con->events.arg, CONSOLE_QUIT);
        return false;
    case 's': con->events.key(con->events.arg, CONSOLE_REGISTERS); return false;
    case 'b': *byte = BREAK; return true;
    case ESCAPE:
    case 'a': *byte = ESCAPE; return true;
    default: say("\r\nCtrl-a h shows the keys\r\n"); return false;
    }
}

// Takes the escape's sequences out of what was typed, in place. The value is what is left.
static size_t filter_escapes(struct console *con, u8 *data, size_t size)
{
    size_t kept = 0;
    for (size_t i = 0; i < size; i++) {
        u8 byte = data[i];
        if (con->escaped) {
            con->escaped = false;
            if (escape_key(con, &byte))
                data[kept++] = byte;
        } else if (byte == ESCAPE) {
            con->escaped = true;
        } else {
            data[kept++] = byte;
        }
    }
    return kept;
}

static bool stop_asked(const struct console *con)
{
    struct pollfd p = {.fd = con->stop_fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

// Puts all of it in, waiting for room: nothing is dropped.
static void deliver(struct console *con, const u8 *data, size_t size)
{
    struct ring *ring = &con->in;
    while (size && !stop_asked(con)) {
        pthread_mutex_lock(&ring->lock);
        size_t done = ring_put(ring, data, size);
        if (!done) {
            struct timespec until;
            clock_gettime(CLOCK_MONOTONIC, &until);
            until.tv_nsec += 100 * 1000 * 1000;
            if (until.tv_nsec >= 1000000000) {
                until.tv_sec++;
                until.tv_nsec -= 1000000000;
            }
            pthread_cond_timedwait(&ring->changed, &ring->lock, &until);
        }
        pthread_mutex_unlock(&ring->lock);
        data += done;
        size -= done;
        con->events.input(con->events.arg);
    }
}

static bool read_some(struct console *con)
{
    u8 data[1024];
    ssize_t got = read(STDIN_FILENO, data, sizeof(data));
    if (got < 0)
        return errno == EINTR || errno == EAGAIN;
    if (got == 0)
        return false;
    size_t size = (size_t)got;
    if (terminal_is_ours)
        size = filter_escapes(con, data, size);
    deliver(con, data, size);
    return true;
}

static void *input_main(void *arg)
{
    struct console *con = arg;
    struct pollfd p[] = {{.fd = con->stop_fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    for (;;) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (p[0].revents)
            return NULL;
        // End of input (also a terminal that went away): the partition goes on without.
        if (p[1].revents && (!(p[1].revents & (POLLIN | POLLHUP)) || !read_some(con)))
            return NULL;
    }
}

struct console *console_start(const struct console_events *events)
{
    struct console *con = calloc(1, sizeof(*con));
    if (!con)
        return NULL;
    con->events = *events;
    con->stop_fd = eventfd(0, EFD_CLOEXEC);
    ring_init(&con->in);
    ring_init(&con->out);
    if (con->stop_fd < 0 || pthread_create(&con->out_thread, NULL, output_main, con)) {
        if (con->stop_fd >= 0)
            close(con->stop_fd);
        free(con);
        return NULL;
    }
    if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &terminal_saved) == 0) {
        terminal_is_ours = true;
        console_raw_terminal();
    }
    if (pthread_create(&con->in_thread, NULL, input_main, con)) {
        con->in_thread = con->out_thread; // no input thread: marked so
        console_stop(con);
        return NULL;
    }
    return con;
}

static void drain(struct ring *ring)
{
    struct timespec until;
    u64 head = ring->head;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += DRAIN_MS / 1000;
    while (ring->head != ring->tail && !ring->closed) {
        if (pthread_cond_timedwait(&ring->changed, &ring->lock, &until) == ETIMEDOUT)
            break;
        if (ring->head != head) { // somebody takes it: as long as that goes on we wait
            head = ring->head;
            clock_gettime(CLOCK_MONOTONIC, &until);
            until.tv_sec += DRAIN_MS / 1000;
        }
    }
}

void console_drain(struct console *con)
{
    pthread_mutex_lock(&con->out.lock);
    drain(&con->out);
    pthread_mutex_unlock(&con->out.lock);
}

void console_stop(struct console *con)
{
    if (!con)
        return;
    u64 one = 1;
    if (!pthread_equal(con->in_thread, con->out_thread)) {
        if (write(con->stop_fd, &one, sizeof(one)) == sizeof(one))
            pthread_join(con->in_thread, NULL);
    }
    pthread_mutex_lock(&con->out.lock);
    drain(&con->out);
    bool stuck = con->out.head != con->out.tail && !con->out.closed;
    con->out.closed = true;
    pthread_cond_broadcast(&con->out.changed);
    pthread_mutex_unlock(&con->out.lock);
    console_restore_terminal();
    terminal_is_ours = false;
    if (stuck) { // the thread sits in write(2) for good; the process is about to end, and it with it
        pthread_detach(con->out_thread);
        return;
    }
    pthread_join(con->out_thread, NULL);
    close(con->stop_fd);
    ring_fini(&con->in);
    ring_fini(&con->out);
    free(con);
}
