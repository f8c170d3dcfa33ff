// SPDX-License-Identifier: Apache-2.0
//
// Locks: a gate's lock is innermost. A thread waits for its virtual processor's turn without it.
//
// A new daemon's memory is put in the place of the old one's, so that nobody has an address of what is gone; whoever slept there was woken by SHARE_GONE before.
#include "lpar/share.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "papr/hv_ops.h"

#define LEASE_NAP_NS 10000000 // a daemon that comes back is noticed meanwhile
#define CONFER_NS    50000    // nobody else waits for the processor: whoever it is conferred to runs, or sleeps

void share_init(struct share_client *c, struct dispatcher *alone)
{
    *c = (struct share_client){.alone = alone, .threads = 1, .bell = -1};
    lease_init(&c->lease);
    for (u32 i = 0; i < SHARE_VPS_MAX; i++)
        pthread_mutex_init(&c->gates[i].lock, NULL);
    for (u32 i = 0; i < GROUP_CPUS_MAX; i++)
        c->each[i].host_cpu = -1;
}

void share_fini(struct share_client *c)
{
    share_detach(c);
    if (c->map)
        munmap(c->map, sizeof(struct share));
    if (c->bell >= 0)
        close(c->bell);
    for (u32 i = 0; i < SHARE_VPS_MAX; i++)
        pthread_mutex_destroy(&c->gates[i].lock);
    lease_fini(&c->lease);
    c->map = NULL;
    c->bell = -1;
}

void share_set_threads(struct share_client *c, u32 threads_per_vp)
{
    c->threads = threads_per_vp;
}

int share_attach(struct share_client *c, int memory_fd, int bell_fd)
{
    struct stat st;
    if (fstat(memory_fd, &st) || st.st_size != (off_t)sizeof(struct share))
        return -EINVAL;
    share_detach(c);
    int bell = fcntl(bell_fd, F_DUPFD_CLOEXEC, 3);
    void *map = bell < 0 ? MAP_FAILED
                         : mmap(c->map, sizeof(struct share), PROT_READ | PROT_WRITE,
                                MAP_SHARED | (c->map ? MAP_FIXED : 0), memory_fd, 0);
    if (map == MAP_FAILED) {
        int err = -errno;
        if (bell >= 0)
            close(bell);
        return err;
    }
    for (u32 i = 0; i < SHARE_VPS_MAX; i++) { // so that nobody is between two looks at the old one
        pthread_mutex_lock(&c->gates[i].lock);
        pthread_mutex_unlock(&c->gates[i].lock);
    }
    if (c->bell >= 0)
        close(c->bell);
    c->bell = bell;
    if (!c->map) // else it is where it was
        c->map = map;
    atomic_store(&c->attached, 1);
    return 0;
}

void share_detach(struct share_client *c)
{
    if (!atomic_exchange(&c->attached, 0))
        return;
    lease_set(&c->lease, atomic_load(&c->map->facts.units), clock_ns());
    for (u32 i = 0; i < SHARE_VPS_MAX; i++) {
        struct share_gate *g = &c->gates[i];
        atomic_store(&c->map->vps[i].word, SHARE_GONE);
        share_wake(&c->map->vps[i].word);
        pthread_mutex_lock(&g->lock);
        g->closing = false;
        atomic_fetch_add(&g->turn, 1);
        pthread_mutex_unlock(&g->lock);
        futex_wake_all(&g->turn);
    }
}

// The word's new value after RUN or IDLE; the daemon hears of it.
static void give_back(struct share_vp *s, enum share_word to)
{
    u32 word = atomic_load(&s->word);
    while ((word == SHARE_RUN || word == SHARE_IDLE) && !atomic_compare_exchange_weak(&s->word, &word, to))
        ;
    atomic_fetch_add(&s->event, 1);
    share_wake(&s->event);
}

void share_quiet(struct share_client *c)
{
    for (u32 i = 0; i < SHARE_VPS_MAX && atomic_load(&c->attached); i++) {
        struct share_vp *s = &c->map->vps[i];
        u32 want = SHARE_WANT;
        c->gates[i].active = 0;
        c->gates[i].closing = false;
        atomic_compare_exchange_strong(&s->word, &want, SHARE_OUT);
        give_back(s, SHARE_OUT);
    }
    for (u32 i = 0; i < GROUP_CPUS_MAX; i++)
        c->each[i] = (struct share_thread){.host_cpu = -1};
}

static void bind_thread(struct share_thread *t, s32 cpu)
{
    cpu_set_t set;
    if (t->host_cpu == cpu)
        return;
    CPU_ZERO(&set);
    for (s32 i = 0; i < CPU_SETSIZE; i++)
        if (cpu < 0 || i == cpu)
            CPU_SET(i, &set);
    sched_setaffinity(0, sizeof(set), &set); // this thread; elsewhere it works, too
    t->host_cpu = cpu;
}

// Processor time that the calling thread has had.
static s64 thread_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (s64)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void ring(const struct share_client *c)
{
    u64 one = 1;
    ssize_t done = write(c->bell, &one, sizeof(one));
    (void)done; // full: it was rung
}

static void nap(s64 ns)
{
    struct timespec wait = {.tv_nsec = ns};
    nanosleep(&wait, NULL);
}

// What to wait for before looking again.
enum next { GO, WAIT_WORD, WAIT_TURN, AGAIN, ALONE };

static enum next try_enter(struct share_client *c, struct share_gate *g, struct share_vp *s)
{
    u32 word = atomic_load(&s->word);
    if (!atomic_load(&c->attached))
        return ALONE;
    if (g->closing)
        return WAIT_TURN;
    switch (word) {
    case SHARE_RUN: break;
    case SHARE_IDLE:
        if (!atomic_compare_exchange_strong(&s->word, &word, SHARE_RUN))
            return AGAIN;
        break;
    case SHARE_OUT:
        if (!atomic_compare_exchange_strong(&s->word, &word, SHARE_WANT))
            return AGAIN;
        ring(c);
        return WAIT_WORD;
    case SHARE_WANT: return WAIT_WORD;
    default: return ALONE; // gone
    }
    if (!g->active++)
        atomic_store(&s->run_since, clock_ns());
    return GO;
}

static void begin_alone(struct share_client *c, u32 thread)
{
    struct share_thread *t = &c->each[thread];
    s64 wait, turn;
    t->alone = true;
    bind_thread(t, -1);
    while ((wait = lease_wait(&c->lease, clock_ns(), &turn)) && !atomic_load(&c->attached))
        nap(MIN(wait, LEASE_NAP_NS));
    dispatch_begin(c->alone, thread);
    t->began_ns = thread_ns();
    t->lease_until = turn == INT64_MAX ? turn : clock_ns() + turn;
}

void share_begin(struct share_client *c, u32 thread)
{
    u32 vp = thread / c->threads;
    struct share_thread *t = &c->each[thread];
    if (t->naps)
        nap(CONFER_NS);
    t->naps = false;
    if (!atomic_load(&c->attached) || vp >= SHARE_VPS_MAX) {
        begin_alone(c, thread);
        return;
    }
    struct share_gate *g = &c->gates[vp];
    struct share_vp *s = &c->map->vps[vp];
    enum next next = AGAIN;
    pthread_mutex_lock(&g->lock);
    g->outside++;
    while (next != GO && next != ALONE) {
        u32 turn = atomic_load(&g->turn);
        next = try_enter(c, g, s);
        if (next == GO || next == ALONE || next == AGAIN)
            continue;
        pthread_mutex_unlock(&g->lock);
        if (next == WAIT_TURN)
            futex_wait(&g->turn, turn, -1);
        else
            share_wait(&s->word, SHARE_WANT, -1);
        pthread_mutex_lock(&g->lock);
    }
    g->outside--;
    pthread_mutex_unlock(&g->lock);
    if (next == ALONE) {
        begin_alone(c, thread);
        return;
    }
    t->alone = false;
    t->began_ns = thread_ns();
    bind_thread(t, (s32)atomic_load(&s->host_cpu));
}

static void leave(struct share_client *c, struct share_gate *g, struct share_vp *s, bool wants)
{
    s64 now = clock_ns();
    u32 run = SHARE_RUN;
    atomic_store(&s->run_since, -now);
    wants |= g->closing && g->outside;
    if (g->closing) {
        g->closing = false;
        atomic_fetch_add(&g->turn, 1);
        futex_wake_all(&g->turn);
    }
    if (wants || atomic_load(&s->contended) || now >= atomic_load(&s->until)) {
        give_back(s, wants ? SHARE_WANT : SHARE_OUT);
        return;
    }
    // Kept, unless somebody came to wait before he could see that.
    if (atomic_compare_exchange_strong(&s->word, &run, SHARE_IDLE) && atomic_load(&s->contended))
        give_back(s, SHARE_OUT);
}

void share_end(struct share_client *c, u32 thread, bool ceded)
{
    struct share_thread *t = &c->each[thread];
    bool gives_way = t->gives_way;
    t->gives_way = false;
    if (t->alone) {
        t->alone = false;
        lease_pay(&c->lease, thread_ns() - t->began_ns, clock_ns());
        dispatch_end(c->alone, thread);
        return;
    }
    struct share_gate *g = &c->gates[thread / c->threads];
    struct share_vp *s = &c->map->vps[thread / c->threads];
    bool wants = !ceded && !(gives_way && !atomic_load(&s->contended));
    t->naps = gives_way && !wants;
    pthread_mutex_lock(&g->lock);
    atomic_fetch_add(&s->ran_ns, (u64)(thread_ns() - t->began_ns));
    if (g->active)
        g->active--;
    if (wants && atomic_load(&c->attached))
        g->closing = true;
    if (!g->active && atomic_load(&c->attached))
        leave(c, g, s, wants);
    else if (!g->active)
        g->closing = false;
    pthread_mutex_unlock(&g->lock);
}

bool share_over(struct share_client *c, u32 thread)
{
    const struct share_thread *t = &c->each[thread];
    if (t->alone)
        return atomic_load_explicit(&c->attached, memory_order_relaxed) || clock_ns() >= t->lease_until ||
               dispatch_over(c->alone, thread);
    if (!atomic_load_explicit(&c->attached, memory_order_relaxed))
        return true;
    const struct share_vp *s = &c->map->vps[thread / c->threads];
    return atomic_load_explicit(&s->word, memory_order_relaxed) != SHARE_RUN ||
           clock_ns() >= atomic_load_explicit(&s->until, memory_order_relaxed);
}

bool share_alone(struct share_client *c, u32 thread)
{
    if (c->each[thread].alone)
        return !atomic_load_explicit(&c->alone->waiting, memory_order_relaxed) && !dispatch_crowded(c->alone, thread);
    if (!atomic_load_explicit(&c->attached, memory_order_relaxed))
        return false;
    const struct share_vp *s = &c->map->vps[thread / c->threads];
    return c->threads == 1 && !atomic_load_explicit(&s->contended, memory_order_relaxed) &&
           clock_ns() < atomic_load_explicit(&s->until, memory_order_relaxed);
}

void share_conferring(struct share_client *c, u32 thread, s32 to)
{
    struct share_thread *t = &c->each[thread];
    if (t->alone || !atomic_load(&c->attached))
        return;
    t->gives_way = true;
    atomic_store(&c->map->vps[thread / c->threads].confer, to < 0 ? SHARE_ANYBODY : to / (s32)c->threads);
}

void share_confer(struct share_client *c, s32 to)
{
    if (atomic_load(&c->attached)) // the daemon does it
        return;
    if (to >= 0)
        dispatch_promote(c->alone, (u32)to);
    if (!atomic_load(&c->alone->waiting)) // whoever it waits for runs already, or is no thread of ours
        nap(CONFER_NS);
}

bool share_ppp(struct share_client *c, struct hv_ppp *ppp)
{
    if (!atomic_load(&c->attached))
        return false;
    const struct share_facts *f = &c->map->facts;
    u64 idle = atomic_load(&f->pool_idle_ns);
    s64 passed = clock_ns() - atomic_load(&f->pool_idle_at);
    *ppp = (struct hv_ppp){
        .units = atomic_load(&f->units),
        .units_max = atomic_load(&f->max_units),
        .weight = atomic_load(&f->weight),
        .weight_max = atomic_load(&f->max_weight),
        .capped = atomic_load(&f->capped) || atomic_load(&f->dedicated),
        .dedicated = atomic_load(&f->dedicated),
        .pool = atomic_load(&f->pool),
        .pool_units = atomic_load(&f->pool_units),
        .pool_processors = atomic_load(&f->processors),
        .processors = atomic_load(&f->system_processors),
        .pool_idle_ns = idle + (u64)MAX(passed, 0) * atomic_load(&f->pool_idle_processors),
    };
    return true;
}

bool share_set_ppp(struct share_client *c, u32 units, u32 weight)
{
    if (!atomic_load(&c->attached))
        return false;
    atomic_store(&c->map->facts.wanted_units, units);
    atomic_store(&c->map->facts.wanted_weight, weight);
    ring(c);
    return true;
}
