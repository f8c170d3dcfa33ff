// SPDX-License-Identifier: Apache-2.0
//
// Threads: the stub's own thread has the socket and the session. Hardware threads report stops by writing an event into a
// pipe before they wait at the gate, so once the partition is held every event is in the pipe; the end of the partition comes
// the same way.
#include "lpar/gdb.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "cpu/debug.h"
#include "cpu/group.h"
#include "cpu/mmu/mmu.h"
#include "lpar/gdb_session.h"
#include "papr/sched.h"

enum { EVENT_END = -1, EVENT_CRASH = -2 };

struct event {
    s32 index; // of the thread, or EVENT_*
    s32 why;   // enum gdb_stop
};

#define SEND_SECONDS 10 // a debugger that takes nothing for so long is gone

struct gdb {
    // Fixed after start.
    struct partition *lp;
    struct hold *hold;
    int listener, events[2]; // pipe of struct event, its reading end does not block
    bool serving;
    pthread_t thread;

    // The stub's thread only.
    struct gdb_session session;
    int client;
    bool done;
    s32 ended; // EVENT_* when the partition ended, or 0
};

static unsigned target_threads(void *arg)
{
    return ((struct gdb *)arg)->lp->group.len;
}

static struct cpu *target_cpu(void *arg, unsigned index)
{
    return ((struct gdb *)arg)->lp->group.cpus[index];
}

// Copies page by page; nothing is written when a page is missing.
static bool target_copy(struct gdb *g, struct cpu *cpu, u64 ea, u8 *data, size_t size, bool write)
{
    struct guest_mem *mem = &g->lp->mem;
    for (unsigned pass = write ? 0 : 1; pass < 2; pass++) {
        for (size_t done = 0; done < size;) {
            u64 gra;
            size_t n = MIN(size - done, (size_t)(GUEST_PAGE_SIZE - ((ea + done) & ~GUEST_PAGE_MASK)));
            if (mmu_translate_debug(cpu, ea + done, ACCESS_LOAD, &gra) &&
                mmu_translate_debug(cpu, ea + done, ACCESS_FETCH, &gra))
                return false;
            if (!guest_mem_contains(mem, gra, n))
                return false;
            if (pass && write)
                guest_mem_write(mem, gra, data + done, n);
            else if (pass)
                guest_mem_read(mem, gra, data + done, n);
            done += n;
        }
    }
    return true;
}

static bool target_read(void *arg, struct cpu *cpu, u64 ea, void *to, size_t size)
{
    return target_copy(arg, cpu, ea, to, size, false);
}

static bool target_write(void *arg, struct cpu *cpu, u64 ea, const void *from, size_t size)
{
    return target_copy(arg, cpu, ea, (u8 *)from, size, true);
}

static bool target_point(void *arg, bool insert, unsigned kind, u64 ea, u64 size)
{
    static const unsigned kinds[] = {0, 0, WATCH_WRITE, WATCH_READ, WATCH_READ | WATCH_WRITE};
    struct gdb *g = arg;
    int err = kind < 2 ? debug_set_breakpoint(&g->lp->group, ea, insert)
                       : debug_set_watchpoint(&g->lp->group, ea, MAX(size, 1), kinds[kind], insert);
    return !err || (!insert && err == -ENOENT);
}

static bool next_event(struct gdb *g, struct event *event)
{
    while (read(g->events[0], event, sizeof(*event)) == sizeof(*event)) {
        if (event->index >= 0)
            return true;
        g->ended = event->index;
    }
    return false;
}

static void post_event(struct gdb *g, s32 index, enum gdb_stop why)
{
    struct event event = {index, (s32)why};
    while (write(g->events[1], &event, sizeof(event)) < 0 && errno == EINTR)
        ;
}

static void target_resume(void *arg, int step)
{
    struct gdb *g = arg;
    struct event stale; // of a thread that stopped beside the one that was reported: it will meet its breakpoint again
    while (next_event(g, &stale))
        ;
    if (step < 0) {
        hold_resume(g->hold, -1);
        return;
    }
    // A thread that the OS stopped has nothing to step: it stays where it is.
    const struct papr_cpu *pc = cpu_papr(g->lp->group.cpus[step]);
    if (atomic_load(&pc->state) != THREAD_RUNNING) {
        post_event(g, step, GDB_STEP);
        return;
    }
    hold_resume(g->hold, step);
}

static void target_interrupt(void *arg)
{
    struct gdb *g = arg;
    hold_stop(g->hold);
    gdb_session_stopped(&g->session, g->session.current, GDB_INTERRUPT, 0);
}

static void target_kill(void *arg)
{
    struct gdb *g = arg;
    partition_end(g->lp, END_POWER_OFF, "the debugger ended it");
    hold_end(g->hold);
}

static void forget_points(struct gdb *g)
{
    hold_stop(g->hold);
    debug_clear(&g->lp->group);
    hold_resume(g->hold, -1);
}

static void target_detach(void *arg)
{
    forget_points(arg);
}

static void target_monitor(void *arg, struct cpu *cpu, const char *command, char *text, size_t size)
{
    struct gdb *g = arg;
    if (!strcmp(command, "translate") || !strncmp(command, "translate ", 10)) {
        u64 ea = strtoull(command + strlen("translate"), NULL, 0), gra;
        if (mmu_translate_debug(cpu, ea, ACCESS_LOAD, &gra))
            snprintf(text, size, "0x%llx has no translation\n", (unsigned long long)ea);
        else
            snprintf(text, size, "0x%llx is guest real 0x%llx\n", (unsigned long long)ea, (unsigned long long)gra);
    } else if (!strcmp(command, "threads")) {
        size_t at = 0;
        for (u32 i = 0; i < g->lp->group.len && at < size; i++) {
            const struct cpu *c = g->lp->group.cpus[i];
            static const char *const states[] = {"stopped", "running", "stopping"};
            u32 state = atomic_load(&cpu_papr(c)->state);
            int n = snprintf(text + at, size - at, "%u: virtual processor %u thread %u, %s, nia 0x%llx, msr 0x%llx\n",
                             i + 1, c->vcpu, c->thread, state < 3 ? states[state] : "?", (unsigned long long)c->nia,
                             (unsigned long long)c->msr);
            at += n > 0 ? (size_t)n : 0;
        }
    } else {
        snprintf(text, size, "monitor commands: threads; translate ADDRESS\n");
    }
}

// On a hardware thread's host thread.
static void thread_event(void *arg, struct cpu *cpu, enum cpu_exit why)
{
    struct gdb *g = arg;
    post_event(g, (s32)cpu->index,
               why == EXIT_STEPPED           ? GDB_STEP
               : cpu->watch_ea != WATCH_NONE ? GDB_WATCH
                                             : GDB_BREAKPOINT);
}

static void flush_output(struct gdb *g)
{
    struct gdb_session *s = &g->session;
    size_t done = 0;
    while (g->client >= 0 && done < s->out_len) {
        ssize_t n = send(g->client, s->out + done, s->out_len - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            s->detached = true;
            forget_points(g);
            break;
        }
        done += (size_t)n;
    }
    s->out_len = 0;
}

static void handle_events(struct gdb *g)
{
    struct event event;
    while (next_event(g, &event)) {
        if (!g->session.running)
            continue; // a second thread met its breakpoint while the first one's stop was being reported
        hold_stop(g->hold);
        gdb_session_stopped(&g->session, (unsigned)event.index, (enum gdb_stop)event.why,
                            g->lp->group.cpus[event.index]->watch_ea);
    }
    if (!g->ended)
        return;
    g->done = true;
    if (g->client >= 0)
        gdb_session_stopped(&g->session, 0, g->ended == EVENT_END ? GDB_EXITED : GDB_CRASHED, 0);
}

static void drop_client(struct gdb *g)
{
    if (g->client < 0)
        return;
    close(g->client);
    g->client = -1;
    if (!g->done && !g->session.detached)
        forget_points(g);
}

static void accept_client(struct gdb *g, const struct gdb_target *target)
{
    int fd = accept4(g->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (g->client >= 0) { // one debugger at a time
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){.tv_sec = SEND_SECONDS}, sizeof(struct timeval));
    gdb_session_fini(&g->session);
    if (gdb_session_init(&g->session, target)) {
        close(fd);
        return;
    }
    g->client = fd;
    hold_stop(g->hold); // a debugger finds the partition stopped
}

static void *stub_main(void *arg)
{
    struct gdb *g = arg;
    const struct gdb_target target = {
        .arg = g,
        .threads = target_threads,
        .cpu = target_cpu,
        .read = target_read,
        .write = target_write,
        .point = target_point,
        .resume = target_resume,
        .interrupt = target_interrupt,
        .kill = target_kill,
        .detach = target_detach,
        .monitor = target_monitor,
    };
    while (!g->done) {
        struct pollfd fds[3] = {{.fd = g->events[0], .events = POLLIN},
                                {.fd = g->listener, .events = POLLIN},
                                {.fd = g->client, .events = POLLIN}};
        if (poll(fds, 3, -1) < 0)
            continue;
        if (fds[0].revents)
            handle_events(g);
        if (fds[1].revents)
            accept_client(g, &target);
        if (fds[2].revents && g->client >= 0) {
            char data[4096];
            ssize_t n = recv(g->client, data, sizeof(data), 0);
            if (n <= 0)
                drop_client(g);
            else
                gdb_session_input(&g->session, data, (size_t)n);
        }
        flush_output(g);
        if (g->client >= 0 && g->session.detached)
            drop_client(g);
    }
    drop_client(g);
    gdb_session_fini(&g->session);
    return NULL;
}

// "ADDRESS:PORT", "[ADDRESS]:PORT" or ":PORT".
static int listen_on(const char *address, const char **why)
{
    char host[256];
    const char *colon = strrchr(address, ':');
    *why = "give --gdb as ADDRESS:PORT, such as 127.0.0.1:1234";
    if (!colon || !colon[1] || (size_t)(colon - address) >= sizeof(host))
        return -1;
    size_t len = (size_t)(colon - address);
    bool bracket = len >= 2 && address[0] == '[' && address[len - 1] == ']';
    snprintf(host, sizeof(host), "%.*s", (int)(bracket ? len - 2 : len), address + bracket);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
    if (getaddrinfo(len ? host : "127.0.0.1", colon + 1, &hints, &found) || !found)
        return -1;
    int fd = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, found->ai_protocol);
    *why = "the address of --gdb is in use or not this host's; choose another port";
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (fd >= 0 && (bind(fd, found->ai_addr, found->ai_addrlen) || listen(fd, 1))) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

struct gdb *gdb_start(struct partition *lp, struct hold *hold, const char *address, const char **why)
{
    struct gdb *g = calloc(1, sizeof(*g));
    *why = "no memory for the debugger's stub";
    if (!g)
        return NULL;
    g->lp = lp;
    g->hold = hold;
    g->client = g->events[0] = g->events[1] = -1;
    g->listener = listen_on(address, why);
    if (g->listener < 0)
        goto fail;
    *why = "no descriptors for the debugger's stub";
    if (pipe2(g->events, O_CLOEXEC) || fcntl(g->events[0], F_SETFL, O_NONBLOCK))
        goto fail;
    hold->event = thread_event;
    hold->arg = g;
    hold_closed(hold); // the debugger starts the partition
    return g;
fail:
    if (g->listener >= 0)
        close(g->listener);
    if (g->events[0] >= 0) {
        close(g->events[0]);
        close(g->events[1]);
    }
    free(g);
    return NULL;
}

int gdb_serve(struct gdb *g)
{
    int err = pthread_create(&g->thread, NULL, stub_main, g);
    g->serving = !err;
    return -err;
}

void gdb_stop(struct gdb *g, bool crashed)
{
    if (!g)
        return;
    post_event(g, crashed ? EVENT_CRASH : EVENT_END, GDB_EXITED);
    if (g->serving)
        pthread_join(g->thread, NULL);
    debug_clear(&g->lp->group);
    g->hold->event = NULL;
    close(g->listener);
    close(g->events[0]);
    close(g->events[1]);
    free(g);
}
