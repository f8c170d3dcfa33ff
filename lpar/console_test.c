// SPDX-License-Identifier: Apache-2.0
// The console over a pseudo-terminal and over pipes: every byte, in order, both ways; the escape; the terminal's state.
#include "lpar/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/test.h"

#define BULK (1u << 20)

static u8 pattern(size_t i)
{
    return (u8)(i * 2654435761u >> 13);
}

// The child is a guest that echoes its input until it has seen `count` bytes or a key; its exit status tells which.
struct guest {
    struct console *con;
    _Atomic unsigned inputs, keys;
    _Atomic int last_key;
};

static void on_input(void *arg)
{
    ((struct guest *)arg)->inputs++;
}
static void on_drained(void *arg) {}
static void on_key(void *arg, enum console_key key)
{
    struct guest *g = arg;
    g->last_key = key;
    g->keys++;
}

static int echo_guest(size_t count)
{
    static struct guest g;
    struct console_events events = {.input = on_input, .drained = on_drained, .key = on_key, .arg = &g};
    signal(SIGPIPE, SIG_IGN);
    g.con = console_start(&events);
    if (!g.con)
        return 9;
    size_t seen = 0;
    u8 chunk[777];
    for (unsigned idle = 0; seen < count && !g.keys && idle < 20000;) {
        size_t got = console_read(g.con, chunk, sizeof(chunk));
        for (size_t done = 0; done < got;) {
            size_t took = console_write(g.con, chunk + done, got - done);
            done += took;
            if (!took)
                usleep(100);
        }
        seen += got;
        idle = got ? 0 : idle + 1;
        if (!got)
            usleep(500);
    }
    console_stop(g.con);
    return g.keys ? 10 + g.last_key : seen == count ? 0 : 8;
}

// in, out: what becomes the child's standard streams.
static pid_t start(int in, int out, size_t count)
{
    pid_t pid = fork();
    if (pid == 0) {
        dup2(in, 0);
        dup2(out, 1);
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        _exit(echo_guest(count));
    }
    return pid;
}

static int status_of(pid_t pid)
{
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

struct feed {
    int fd;
    size_t size;
    bool avoid_escape;
};

static u8 sent(const struct feed *f, size_t i)
{
    u8 byte = pattern(i);
    return f->avoid_escape && byte == 1 ? 2 : byte;
}

static void *feed_main(void *arg)
{
    const struct feed *f = arg;
    u8 chunk[4096];
    for (size_t at = 0; at < f->size;) {
        size_t n = MIN(sizeof(chunk), f->size - at);
        for (size_t i = 0; i < n; i++)
            chunk[i] = sent(f, at + i);
        for (size_t done = 0; done < n;) {
            ssize_t w = write(f->fd, chunk + done, n - done);
            if (w <= 0)
                return NULL;
            done += (size_t)w;
        }
        at += n;
    }
    return NULL;
}

// Feeds BULK bytes and compares what comes back. The value is the number of right bytes before the first wrong one or the end.
static size_t exchange(struct feed *f, int from)
{
    pthread_t thread;
    size_t right = 0;
    u8 chunk[4096];
    pthread_create(&thread, NULL, feed_main, f);
    while (right < f->size) {
        struct pollfd p = {.fd = from, .events = POLLIN};
        if (poll(&p, 1, 20000) <= 0)
            break;
        ssize_t got = read(from, chunk, sizeof(chunk));
        if (got <= 0)
            break;
        ssize_t i = 0;
        while (i < got && chunk[i] == sent(f, right))
            i++, right++;
        if (i < got)
            break;
    }
    if (right < f->size)
        pthread_cancel(thread);
    pthread_join(thread, NULL);
    return right;
}

static void test_pipes(void)
{
    int in[2], out[2];
    CHECK(pipe(in) == 0 && pipe(out) == 0);
    pid_t pid = start(in[0], out[1], BULK);
    close(in[0]);
    close(out[1]);
    struct feed f = {.fd = in[1], .size = BULK}; // binary: no terminal, no escape
    CHECK_EQ(exchange(&f, out[0]), BULK);
    CHECK_EQ(status_of(pid), 0);
    close(in[1]);
    close(out[0]);
}

static int open_pty(int *slave)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) || unlockpt(master))
        return -1;
    *slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    return master;
}

static void wait_raw(int fd)
{
    struct termios t;
    for (unsigned i = 0; i < 2000; i++) {
        if (tcgetattr(fd, &t) == 0 && !(t.c_lflag & ICANON))
            return;
        usleep(1000);
    }
}

static void test_terminal(void)
{
    int slave, master = open_pty(&slave);
    struct termios before, after;
    CHECK(master >= 0 && slave >= 0);
    tcgetattr(slave, &before);
    pid_t pid = start(slave, slave, BULK);
    wait_raw(slave);
    struct feed f = {.fd = master, .size = BULK, .avoid_escape = true};
    CHECK_EQ(exchange(&f, master), BULK);
    CHECK_EQ(status_of(pid), 0);
    tcgetattr(slave, &after);
    CHECK(before.c_lflag == after.c_lflag && before.c_iflag == after.c_iflag && before.c_oflag == after.c_oflag);
    close(slave);
    close(master);
}

static bool shows(int fd, const char *text)
{
    char seen[4096];
    size_t len = 0;
    while (len < sizeof(seen) - 1) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 5000) <= 0)
            return false;
        ssize_t got = read(fd, seen + len, sizeof(seen) - 1 - len);
        if (got <= 0)
            return false;
        len += (size_t)got;
        seen[len] = '\0';
        if (strstr(seen, text))
            return true;
    }
    return false;
}

static void type(int fd, const char *text)
{
    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static void test_escape(void)
{
    int slave, master = open_pty(&slave);
    pid_t pid = start(slave, slave, BULK);
    wait_raw(slave);
    type(master, "\001h");
    CHECK(shows(master, "send a break"));
    type(master, "ab\001\001cd");
    CHECK(shows(master, "ab\001cd"));
    type(master, "\001b");
    CHECK(shows(master, "\017"));
    type(master, "\001"); // the two bytes may come apart
    usleep(50000);
    type(master, "x");
    CHECK_EQ(status_of(pid), 10 + CONSOLE_QUIT);
    close(slave);
    close(master);
}

static void test_streams(void)
{
    int out[2], null = open("/dev/null", O_RDWR);
    // no input at all
    CHECK(pipe(out) == 0);
    pid_t pid = start(null, out[1], 0);
    CHECK_EQ(status_of(pid), 0);
    close(out[1]);
    close(out[0]);
    // nobody reads the output: it is dropped, the guest goes on
    int in[2];
    CHECK(pipe(in) == 0 && pipe(out) == 0);
    pid = start(in[0], out[1], 100000);
    close(in[0]);
    close(out[1]);
    close(out[0]);
    struct feed f = {.fd = in[1], .size = 100000};
    signal(SIGPIPE, SIG_IGN);
    feed_main(&f);
    CHECK_EQ(status_of(pid), 0);
    close(in[1]);
    close(null);
}

int main(void)
{
    TEST(test_pipes);
    TEST(test_terminal);
    TEST(test_escape);
    TEST(test_streams);
    return test_done();
}
