// SPDX-License-Identifier: Apache-2.0
//
// One lock (d->lock) for the policy and everything here; it is held for microseconds, never while a thread waits or calls the kernel for long.
//
// A processor's thread is the only one that gives the processor to somebody. It sleeps on the `event` of what runs there, without a timer (arming one costs as
// much as the switch), or on its own `bell` when nothing does; kick() reaches it in both places. The bell's thread looks after those who do not stop. A process that
// tampers with its `event` can delay the thread by ROUND_NS at most.
#include "hyper/dispatch/dispatcher.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "proto/hyper/share.h"

#define SECOND   1000000000ll
#define GRACE_NS 10000000ll // so long after its time is over somebody may go on before it is taken away
#define ROUND_NS \
    50000000ll // used processors are looked at that often; idle moments during which one is kept are shorter
#define BELL_NS     (4 * ROUND_NS) // without a bell: where processors' threads are awake they look, too
#define AUDIT_NS    (8 * ROUND_NS)
#define STACK_SIZE  (64 * KIB)
#define SLACK_NS    5000
#define FREE_PART   64            // of the time passed: what its other threads may use for the terminal and the like
#define OFFENCE_NS  (SECOND / 2)  // of using the host without a processor, then its process is held up
#define OFFENCE_END (30 * SECOND) // and then ended
#define HELD_UP_NS  (18 * ROUND_NS)

struct guest {
    u32 id, refs; // threads that wait on its memory
    struct share *share;
    int bell, pidfd;
    int pid;
    clockid_t clock; // of its processor time
    bool gone;
    struct policy_config config;
    u64 seen_ns[POLICY_VPS_MAX]; // share.ran_ns as of the last dispatch or settlement
    u64 told_ns
        [POLICY_VPS_MAX]; // what was said that it has run: of a present turn that is a guess, which does not go back
    s64 granted_at[POLICY_VPS_MAX];
    // Its process against the kernel's clock.
    u64 cpu_ns, ran_then, charged_ns, dispatches_then;
    s64 audited_at, offence_ns, held_since;
    const char *offence;
};

struct thread {
    struct dispatcher *d;
    u32 number;
    pthread_t thread;
    _Atomic u32 bell;
    _Atomic u32 *waits_on; // under the lock: an event, or NULL: its bell
    s64 plan;              // when it looks for somebody by itself
    u64 ran_ns;
};

struct dispatcher {
    pthread_mutex_t lock;
    struct policy policy;
    struct guest *guests[POLICY_LPS_MAX + 1];
    u32 guests_end; // there are none from here on
    struct thread *threads;
    u32 threads_len;
    u32 cpus[CPU_SETSIZE], cpus_len;
    pthread_t bell_thread;
    int epoll_fd, end_fd;
    bool have_bell, ending;
    s64 started, audit_at, watch_at, room_at;
    u64 gone_ns, lost_ns, decisions;
    u64 room_ns; // processor time that usable processors had until room_at
};

static struct share_vp *share_of(const struct dispatcher *d, const struct policy_vp *vp)
{
    return &d->guests[vp->lp->id]->share->vps[vp->index];
}

static void kick(struct dispatcher *d, u32 processor)
{
    struct thread *t = &d->threads[processor];
    atomic_fetch_add(&t->bell, 1);
    if (t->waits_on) {
        atomic_fetch_add(t->waits_on, 1);
        share_wake(t->waits_on);
    } else {
        futex_wake_all(&t->bell);
    }
}

static void publish(struct dispatcher *d, u32 processor)
{
    const struct policy_processor *proc = &d->policy.processors[processor];
    if (!proc->running)
        return;
    struct share_vp *vp = share_of(d, proc->running);
    bool contended = proc->contended != POLICY_NEVER;
    atomic_store_explicit(&vp->until, proc->until, memory_order_release);
    if (atomic_load(&vp->contended) != contended)
        atomic_store(&vp->contended, contended);
}

// What the virtual processor says that it has run since it was last asked, as far as that can be.
static s64 ran_since(const struct guest *g, u32 index, s64 now, u64 *said)
{
    const struct share_vp *s = &g->share->vps[index];
    s64 since = atomic_load(&s->run_since), most = now - g->granted_at[index];
    *said = atomic_load(&s->ran_ns);
    if (since > 0 && since < now)
        *said += (u64)(now - since);
    return MAX(MIN((s64)(*said - g->seen_ns[index]), most), 0);
}

static void stop(struct dispatcher *d, u32 processor, bool wants, s64 now)
{
    struct policy_vp *vp = d->policy.processors[processor].running;
    struct guest *g = d->guests[vp->lp->id];
    // What is reported, not what may have passed: one that does not stop is perhaps one that the host did not let run. That comes with its next report, or by audit().
    u64 said = atomic_load(&g->share->vps[vp->index].ran_ns);
    s64 ran = MAX(MIN((s64)(said - g->seen_ns[vp->index]), now - g->granted_at[vp->index]), 0);
    if (wants) // it did nothing else meanwhile
        d->lost_ns += (u64)MAX(now - g->granted_at[vp->index] - ran, 0);
    g->seen_ns[vp->index] = said; // what was more than there was is not counted later either
    d->threads[processor].ran_ns += (u64)ran;
    policy_stop(&d->policy, processor, wants, ran, now);
}

// Whether what runs on the processor is still there; if not, it is stopped.
static void settle(struct dispatcher *d, u32 processor, s64 now)
{
    struct policy_processor *proc = &d->policy.processors[processor];
    struct policy_vp *vp = proc->running;
    if (!vp)
        return;
    struct share_vp *s = share_of(d, vp);
    u32 word = atomic_load(&s->word);
    if (word == SHARE_IDLE) {
        policy_refresh(&d->policy, processor, now);
        publish(d, processor);
        s64 since = -atomic_load(&s->run_since);
        bool kept = proc->contended == POLICY_NEVER && proc->usable && now - since < ROUND_NS;
        if (kept && !atomic_load(&s->contended))
            return;
        if (atomic_compare_exchange_strong(&s->word, &word, SHARE_OUT)) {
            stop(d, processor, false, now);
            return;
        }
    }
    if (word == SHARE_RUN) {
        if (proc->until == POLICY_NEVER || now < proc->until + GRACE_NS)
            return;
        if (atomic_compare_exchange_strong(&s->word, &word, SHARE_OUT)) {
            stop(d, processor, false, now);
            return;
        }
    }
    if (word == SHARE_IDLE || word == SHARE_RUN) // it changed at this moment
        return;
    bool wants = word == SHARE_WANT;
    s32 to = atomic_exchange(&s->confer, SHARE_NOBODY);
    stop(d, processor, wants, now);
    if (wants && to != SHARE_NOBODY)
        policy_confer(&d->policy, vp->lp->id, vp->index, to, now);
}

// What its virtual processors have run.
static u64 ran_now(const struct dispatcher *d, u32 id, s64 now)
{
    struct guest *g = d->guests[id];
    u64 sum = 0, said;
    for (u32 i = 0; i < d->policy.lps[id]->used; i++) {
        const struct policy_vp *vp = &d->policy.lps[id]->vps[i];
        u64 ran = vp->ran_ns + (vp->running >= 0 ? (u64)ran_since(g, i, now, &said) : 0);
        sum += g->told_ns[i] = MAX(g->told_ns[i], ran);
    }
    return sum;
}

static void tell_facts(struct dispatcher *d, struct guest *g, s64 now, u64 idle_ns, u32 idle, u32 shared)
{
    struct share_facts *f = &g->share->facts;
    const struct policy_config *c = &g->config;
    u32 pool_max = d->policy.pools[c->pool].max;
#define PUT(to, value) atomic_store_explicit(&(to), value, memory_order_relaxed)
    PUT(f->capped, c->mode == POLICY_CAPPED);
    PUT(f->dedicated, c->mode == POLICY_DEDICATED);
    PUT(f->weight, d->policy.lps[g->id]->config.weight);
    PUT(f->max_weight, c->weight);
    PUT(f->pool, c->pool);
    PUT(f->units, d->policy.lps[g->id]->config.units);
    PUT(f->max_units, c->units);
    PUT(f->pool_units, pool_max ? pool_max : shared * POLICY_UNITS);
    PUT(f->processors, shared);
    PUT(f->system_processors, d->policy.processors_len);
    PUT(f->pool_idle_ns, idle_ns);
    PUT(f->pool_idle_processors, idle);
    PUT(f->pool_idle_at, now);
#undef PUT
}

static u32 usable_len(const struct dispatcher *d)
{
    u32 usable = 0;
    for (u32 i = 0; i < d->policy.processors_len; i++)
        usable += d->policy.processors[i].usable;
    return usable;
}

// Processor time that there was so far; processors that come and go have it while they are there.
static u64 room(struct dispatcher *d, s64 now)
{
    d->room_ns += (u64)MAX(now - d->room_at, 0) * usable_len(d);
    d->room_at = MAX(d->room_at, now);
    return d->room_ns;
}

static u64 all_ran(const struct dispatcher *d, s64 now)
{
    u64 sum = d->gone_ns;
    for (u32 i = 1; i < d->guests_end; i++)
        if (d->guests[i])
            sum += ran_now(d, i, now);
    return sum;
}

// What partitions may know of their processors.
static void tell(struct dispatcher *d, s64 now)
{
    u32 shared = 0, idle = 0;
    u64 ran = all_ran(d, now), elapsed = room(d, now);
    for (u32 i = 0; i < d->policy.processors_len; i++) {
        const struct policy_processor *proc = &d->policy.processors[i];
        shared += proc->usable && !proc->owner;
        idle += proc->usable && !proc->owner &&
                (!proc->running || atomic_load(&share_of(d, proc->running)->word) == SHARE_IDLE);
    }
    for (u32 i = 1; i < d->guests_end; i++)
        if (d->guests[i])
            tell_facts(d, d->guests[i], now, elapsed > ran ? elapsed - ran : 0, idle, shared);
}

// What the partition itself wants of what its configuration allows (H_SET_PPP).
static void take_wishes(struct dispatcher *d, struct guest *g, s64 now)
{
    const struct share_facts *f = &g->share->facts;
    struct policy_config c = g->config;
    const struct policy_config *have = &d->policy.lps[g->id]->config;
    u32 units = atomic_load(&f->wanted_units), weight = atomic_load(&f->wanted_weight);
    if (c.mode != POLICY_DEDICATED && units >= c.vps)
        c.units = MIN(c.units, units);
    c.weight = MIN(c.weight, weight);
    if (c.units == have->units && c.weight == have->weight)
        return;
    policy_set_lp(&d->policy, g->id, &c, now);
    tell(d, now);
}

// Virtual processors that have work since somebody looked.
static void listen_to(struct dispatcher *d, struct guest *g, s64 now)
{
    struct policy_lp *lp = d->policy.lps[g->id];
    take_wishes(d, g, now);
    for (u32 i = 0; i < POLICY_VPS_MAX; i++) {
        struct policy_vp *vp = &lp->vps[i];
        bool wants = atomic_load(&g->share->vps[i].word) == SHARE_WANT;
        if (!wants && vp->wanting && vp->running < 0)
            policy_sleep(&d->policy, g->id, i, now);
        if (!wants || vp->wanting)
            continue;
        for (u32 p = 0; p < d->policy.processors_len; p++) {
            struct policy_processor *proc = &d->policy.processors[p];
            proc->resting = proc->running && atomic_load(&share_of(d, proc->running)->word) == SHARE_IDLE;
        }
        s32 where = policy_wake(&d->policy, g->id, i, now);
        for (u32 p = 0; p < d->policy.processors_len; p++)
            publish(d, p);
        for (u32 p = 0; p < d->policy.processors_len; p++) { // it began to idle before it could see that somebody waits
            const struct policy_processor *proc = &d->policy.processors[p];
            if (proc->running && (s32)p != where && proc->contended != POLICY_NEVER &&
                atomic_load(&share_of(d, proc->running)->word) == SHARE_IDLE)
                kick(d, p);
        }
        // One that runs stops by itself; whoever does not is seen by watch().
        if (where >= 0 && (!d->policy.processors[where].running || d->policy.processors[where].resting))
            kick(d, (u32)where);
    }
}

// Gives an unused processor to whoever is next.
static void choose(struct dispatcher *d, u32 processor, s64 now)
{
    for (;;) {
        struct policy_vp *vp = policy_pick(&d->policy, processor, now);
        if (!vp)
            return;
        struct guest *g = d->guests[vp->lp->id];
        struct share_vp *s = share_of(d, vp);
        u32 want = SHARE_WANT;
        g->granted_at[vp->index] = now;
        u64 ran = atomic_load(&s->ran_ns);
        g->seen_ns[vp->index] = MAX(g->seen_ns[vp->index], ran);
        // It looks at these when it has seen RUN.
        atomic_store_explicit(&s->confer, SHARE_NOBODY, memory_order_relaxed);
        atomic_store_explicit(&s->processor, processor, memory_order_relaxed);
        atomic_store_explicit(&s->host_cpu, d->cpus[processor % d->cpus_len], memory_order_relaxed);
        publish(d, processor);
        if (atomic_compare_exchange_strong(&s->word, &want, SHARE_RUN)) {
            d->decisions++;
            share_wake(&s->word);
            return;
        }
        policy_stop(&d->policy, processor, false, 0, now); // it changed its mind
    }
}

// Others that could take what waits, or that have for themselves what they must share now. `stopped` had to leave, NULL: nobody.
static void tell_others(struct dispatcher *d, u32 processor, const struct policy_vp *stopped, s64 now)
{
    // Its new home may be used by somebody who does not know yet.
    bool moves = stopped && stopped->wanting && stopped->running < 0 &&
                 (!d->policy.processors[processor].usable || stopped->home >= 0);
    for (u32 p = 0; p < d->policy.processors_len && d->policy.waiting_len; p++) {
        const struct policy_processor *proc = &d->policy.processors[p];
        if (p == processor || !proc->usable)
            continue;
        if (proc->running && (moves || proc->until == POLICY_NEVER)) {
            policy_refresh(&d->policy, p, now);
            publish(d, p);
            if (proc->until <= now ||
                (proc->until != POLICY_NEVER && atomic_load(&share_of(d, proc->running)->word) == SHARE_IDLE))
                kick(d, p);
        } else if (!proc->running && d->threads[p].plan > now) {
            s64 next = policy_next(&d->policy, p, now);
            if (next < d->threads[p].plan)
                kick(d, p);
        }
    }
}

static u64 process_ns(const struct guest *g)
{
    struct timespec t;
    if (g->pid <= 0 || clock_gettime(g->clock, &t))
        return g->cpu_ns;
    return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

static void send_signal(const struct guest *g, int signal)
{
    if (g->pidfd >= 0)
        syscall(SYS_pidfd_send_signal, g->pidfd, signal, NULL, 0);
}

static u64 dispatches_of(const struct dispatcher *d, u32 id)
{
    u64 sum = 0;
    for (u32 i = 0; i < d->policy.lps[id]->used; i++)
        sum += d->policy.lps[id]->vps[i].dispatches;
    return sum;
}

static bool has_processor(const struct dispatcher *d, u32 id)
{
    for (u32 i = 0; i < d->policy.lps[id]->used; i++)
        if (d->policy.lps[id]->vps[i].running >= 0)
            return true;
    return false;
}

// A process that has no processor all the time and still uses the host's is held up, nine tenths of the time, and in the end ended.
static void judge(struct dispatcher *d, struct guest *g, u64 used, s64 passed, u64 dispatches, s64 now)
{
    bool without = dispatches && dispatches == g->dispatches_then && !has_processor(d, g->id);
    if (g->held_since) { // it could use nothing meanwhile
        if (now - g->held_since < HELD_UP_NS)
            return;
        send_signal(g, SIGCONT);
        g->held_since = 0;
        return;
    }
    g->offence_ns = without ? MAX(g->offence_ns + (s64)used - passed / FREE_PART, 0) : 0;
    if (g->offence_ns > OFFENCE_END) {
        g->offence = "its process used the host's processors without having been given one";
        send_signal(g, SIGKILL);
    } else if (without && g->offence_ns > OFFENCE_NS) {
        g->held_since = now;
        send_signal(g, SIGSTOP);
    }
}

static void audit(struct dispatcher *d, s64 now)
{
    for (u32 i = 1; i < d->guests_end; i++) {
        struct guest *g = d->guests[i];
        if (!g)
            continue;
        u64 cpu = process_ns(g), had = ran_now(d, i, now), dispatches = dispatches_of(d, i);
        u64 used = cpu - g->cpu_ns, given = had - g->ran_then;
        if (used > given && dispatches) {
            policy_charge(&d->policy, i, (s64)(used - given));
            g->charged_ns += used - given;
        }
        judge(d, g, used, now - g->audited_at, dispatches, now);
        g->cpu_ns = cpu;
        g->ran_then = had;
        g->dispatches_then = dispatches;
        g->audited_at = now;
    }
    d->audit_at = now + AUDIT_NS;
    tell(d, now);
}

static void bind_to(u32 cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set); // elsewhere it works, too, only slower
}

static void drop_guest(struct guest *g)
{
    munmap(g->share, sizeof(*g->share));
    close(g->bell);
    if (g->pidfd >= 0)
        close(g->pidfd);
    free(g);
}

static void put_guest(struct guest *g)
{
    if (--g->refs == 0 && g->gone)
        drop_guest(g);
}

// Sleeps until something happens on the processor, without the lock.
static void wait_for_news(struct thread *t, u32 bell, _Atomic u32 *event, u32 seen, struct guest *g, s64 ns)
{
    struct dispatcher *d = t->d;
    t->waits_on = event;
    if (g)
        g->refs++;
    pthread_mutex_unlock(&d->lock);
    if (event)
        share_wait(event, seen, ns);
    else
        futex_wait(&t->bell, bell, ns);
    pthread_mutex_lock(&d->lock);
    t->waits_on = NULL;
    if (g)
        put_guest(g);
}

// Processors whose threads sleep too long, as what runs there does not say when it stops.
static bool watch(struct dispatcher *d, s64 now)
{
    bool busy = d->policy.waiting_len;
    d->watch_at = now + ROUND_NS;
    for (u32 i = 0; i < d->policy.processors_len; i++) {
        const struct policy_processor *proc = &d->policy.processors[i];
        if (!proc->running)
            continue;
        const struct share_vp *s = share_of(d, proc->running);
        busy = true;
        if (atomic_load(&s->word) != SHARE_RUN || (proc->until != POLICY_NEVER && now > proc->until + GRACE_NS))
            kick(d, i);
    }
    return busy;
}

static void *processor_main(void *arg)
{
    struct thread *t = arg;
    struct dispatcher *d = t->d;
    struct policy_processor *proc = &d->policy.processors[t->number];
    bind_to(d->cpus[t->number % d->cpus_len]);
    prctl(PR_SET_TIMERSLACK, SLACK_NS, 0, 0, 0);
    pthread_mutex_lock(&d->lock);
    while (!d->ending) {
        s64 now = clock_ns(), wake;
        u32 bell = atomic_load(&t->bell), seen = 0;
        _Atomic u32 *event = proc->running ? &share_of(d, proc->running)->event : NULL;
        if (event)
            seen = atomic_load(event);
        const struct policy_vp *before = proc->running;
        settle(d, t->number, now);
        if (!proc->running) {
            choose(d, t->number, now);
            event = NULL;
            if (proc->running) { // it cannot have changed yet but by itself
                event = &share_of(d, proc->running)->event;
                seen = atomic_load(event);
                if (atomic_load(&share_of(d, proc->running)->word) != SHARE_RUN)
                    continue;
            }
        } else {
            policy_refresh(&d->policy, t->number, now);
            publish(d, t->number);
        }
        wake = proc->running ? POLICY_NEVER : policy_next(&d->policy, t->number, now);
        t->plan = wake;
        tell_others(d, t->number, before, now);
        if (now >= d->watch_at) // the bell's thread need not wake up for it
            watch(d, now);
        if (wake <= now && !proc->running)
            wake = now + 1000;
        wait_for_news(t, bell, event, seen, proc->running ? d->guests[proc->running->lp->id] : NULL,
                      wake == POLICY_NEVER ? -1 : MAX(wake - now, 1000));
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

static void *bell_main(void *arg)
{
    struct dispatcher *d = arg;
    struct epoll_event events[32];
    bool busy = false;
    for (;;) {
        int len = epoll_wait(d->epoll_fd, events, ARRAY_LEN(events), busy ? BELL_NS / 1000000 : -1);
        pthread_mutex_lock(&d->lock);
        s64 now = clock_ns();
        for (int i = 0; i < len && !d->ending; i++) {
            struct guest *g = events[i].data.u32 <= POLICY_LPS_MAX ? d->guests[events[i].data.u32] : NULL;
            u64 count;
            if (!g || read(g->bell, &count, sizeof(count)) < 0)
                continue;
            listen_to(d, g, now);
        }
        bool ending = d->ending;
        busy = ending || now < d->watch_at || watch(d, now);
        if (!ending && now >= d->audit_at)
            audit(d, now);
        pthread_mutex_unlock(&d->lock);
        if (ending)
            return NULL;
    }
}

static void find_cpus(struct dispatcher *d)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) || !CPU_COUNT(&set))
        CPU_SET(0, &set);
    for (u32 i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &set))
            d->cpus[d->cpus_len++] = i;
}

struct dispatcher *dispatcher_new(u32 processors)
{
    struct dispatcher *d = calloc(1, sizeof(*d));
    pthread_attr_t attr;
    if (!d)
        return NULL;
    pthread_mutex_init(&d->lock, NULL);
    find_cpus(d);
    d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    d->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    d->threads = calloc(processors, sizeof(*d->threads));
    d->started = d->room_at = clock_ns();
    bool ok = !policy_init(&d->policy, processors) && d->epoll_fd >= 0 && d->end_fd >= 0 && d->threads;
    struct epoll_event end = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    if (ok)
        ok = !epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, d->end_fd, &end);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, MAX(STACK_SIZE, (size_t)PTHREAD_STACK_MIN));
    if (ok) {
        ok = !pthread_create(&d->bell_thread, &attr, bell_main, d);
        d->have_bell = ok;
    }
    for (u32 i = 0; ok && i < d->policy.processors_len; i++) {
        d->threads[i].d = d;
        d->threads[i].number = i;
        ok = !pthread_create(&d->threads[i].thread, &attr, processor_main, &d->threads[i]);
        d->threads_len += ok;
    }
    pthread_attr_destroy(&attr);
    if (ok)
        return d;
    dispatcher_free(d);
    return NULL;
}

void dispatcher_free(struct dispatcher *d)
{
    u64 one = 1;
    if (!d)
        return;
    for (u32 i = 1; i < d->guests_end; i++)
        dispatcher_detach(d, i);
    pthread_mutex_lock(&d->lock);
    d->ending = true;
    for (u32 i = 0; i < d->threads_len; i++)
        kick(d, i);
    pthread_mutex_unlock(&d->lock);
    if (d->end_fd >= 0 && write(d->end_fd, &one, sizeof(one)) < 0)
        abort(); // an empty counter takes it
    for (u32 i = 0; i < d->threads_len; i++)
        pthread_join(d->threads[i].thread, NULL);
    if (d->have_bell)
        pthread_join(d->bell_thread, NULL);
    if (d->epoll_fd >= 0)
        close(d->epoll_fd);
    if (d->end_fd >= 0)
        close(d->end_fd);
    policy_fini(&d->policy);
    pthread_mutex_destroy(&d->lock);
    free(d->threads);
    free(d);
}

static int make_share(struct guest *g, int fds[2])
{
    fds[0] = memfd_create("dispatch", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    fds[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    g->bell = fds[1] < 0 ? -1 : fcntl(fds[1], F_DUPFD_CLOEXEC, 3);
    if (fds[0] < 0 || g->bell < 0 || ftruncate(fds[0], sizeof(struct share)) ||
        fcntl(fds[0], F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
        return -errno;
    g->share = mmap(NULL, sizeof(struct share), PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
    if (g->share == MAP_FAILED) {
        g->share = NULL;
        return -errno;
    }
    for (u32 i = 0; i < SHARE_VPS_MAX; i++)
        atomic_store(&g->share->vps[i].confer, SHARE_NOBODY);
    atomic_store(&g->share->facts.wanted_units, UINT32_MAX);
    atomic_store(&g->share->facts.wanted_weight, UINT32_MAX);
    return 0;
}

int dispatcher_attach(struct dispatcher *d, u32 id, const struct policy_config *config, int pid, int fds[2])
{
    struct guest *g = calloc(1, sizeof(*g));
    fds[0] = fds[1] = -1;
    if (!g)
        return -ENOMEM;
    *g = (struct guest){.id = id, .pid = pid, .pidfd = -1, .bell = -1, .config = *config, .audited_at = clock_ns()};
    int err = make_share(g, fds);
    if (!err && pid > 0)
        g->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (!err && pid > 0 && clock_getcpuclockid(pid, &g->clock))
        g->pid = 0;
    g->cpu_ns = process_ns(g);
    dispatcher_detach(d, id);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = id};
    pthread_mutex_lock(&d->lock);
    if (!err)
        err = policy_set_lp(&d->policy, id, config, clock_ns());
    if (!err && epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, g->bell, &event)) {
        err = -errno;
        policy_remove_lp(&d->policy, id);
    }
    if (!err) {
        d->guests[id] = g;
        d->guests_end = MAX(d->guests_end, id + 1);
        tell(d, clock_ns());
    }
    pthread_mutex_unlock(&d->lock);
    if (!err)
        return 0;
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (g->share)
        munmap(g->share, sizeof(*g->share));
    if (g->bell >= 0)
        close(g->bell);
    if (g->pidfd >= 0)
        close(g->pidfd);
    free(g);
    return err;
}

void dispatcher_detach(struct dispatcher *d, u32 id)
{
    pthread_mutex_lock(&d->lock);
    struct guest *g = d->guests[id];
    s64 now = clock_ns();
    if (!g) {
        pthread_mutex_unlock(&d->lock);
        return;
    }
    for (u32 i = 0; i < d->policy.processors_len; i++) {
        const struct policy_vp *vp = d->policy.processors[i].running;
        if (!vp || vp->lp->id != id)
            continue;
        stop(d, i, false, now);
        kick(d, i);
    }
    for (u32 i = 0; i < POLICY_VPS_MAX; i++)
        policy_sleep(&d->policy, id, i, now);
    d->gone_ns += ran_now(d, id, now);
    policy_remove_lp(&d->policy, id);
    d->guests[id] = NULL;
    epoll_ctl(d->epoll_fd, EPOLL_CTL_DEL, g->bell, NULL);
    if (g->held_since)
        send_signal(g, SIGCONT);
    g->gone = true;
    g->refs++;
    put_guest(g);
    pthread_mutex_unlock(&d->lock);
}

// Somebody may have to be stopped, or could run.
static void look_at_all(struct dispatcher *d, s64 now)
{
    for (u32 i = 0; i < d->policy.processors_len; i++) {
        policy_refresh(&d->policy, i, now);
        publish(d, i);
        kick(d, i);
    }
}

int dispatcher_configure(struct dispatcher *d, u32 id, const struct policy_config *config)
{
    pthread_mutex_lock(&d->lock);
    struct guest *g = d->guests[id];
    if (g && !memcmp(&g->config, config, sizeof(*config))) {
        pthread_mutex_unlock(&d->lock);
        return 0;
    }
    int err = g ? policy_set_lp(&d->policy, id, config, clock_ns()) : -ENOENT;
    if (!err) {
        g->config = *config;
        take_wishes(d, g, clock_ns());
        tell(d, clock_ns());
        look_at_all(d, clock_ns());
    }
    pthread_mutex_unlock(&d->lock);
    return err;
}

void dispatcher_set_pool(struct dispatcher *d, u32 pool, u32 max_units, u32 reserved_units)
{
    pthread_mutex_lock(&d->lock);
    policy_set_pool(&d->policy, pool, max_units, reserved_units, clock_ns());
    look_at_all(d, clock_ns());
    pthread_mutex_unlock(&d->lock);
}

void dispatcher_set_processor(struct dispatcher *d, u32 processor, bool usable)
{
    pthread_mutex_lock(&d->lock);
    if (processor < d->policy.processors_len) {
        s64 now = clock_ns();
        room(d, now);
        policy_set_processor(&d->policy, processor, usable, now);
        look_at_all(d, now);
    }
    pthread_mutex_unlock(&d->lock);
}

bool dispatcher_usage(struct dispatcher *d, u32 id, struct dispatcher_usage *usage)
{
    *usage = (struct dispatcher_usage){0};
    pthread_mutex_lock(&d->lock);
    const struct guest *g = id <= POLICY_LPS_MAX ? d->guests[id] : NULL;
    const struct policy_lp *lp = g ? d->policy.lps[id] : NULL;
    if (lp) {
        s64 now = clock_ns();
        usage->elapsed_ns = now - d->started;
        usage->ran_ns = ran_now(d, id, now);
        usage->entitled_ns = lp->entitled_ns;
        usage->beyond_ns = lp->beyond_ns;
        usage->charged_ns = g->charged_ns;
        usage->held_up = g->held_since != 0;
    }
    for (u32 i = 0; lp && i < POLICY_VPS_MAX; i++) {
        const struct policy_vp *vp = &lp->vps[i];
        usage->waited_ns += vp->waited_ns;
        usage->dispatches += vp->dispatches;
        usage->moves += vp->moves;
        usage->running += vp->running >= 0 && atomic_load(&g->share->vps[i].word) == SHARE_RUN;
        usage->waiting += vp->wanting && vp->running < 0;
    }
    pthread_mutex_unlock(&d->lock);
    return lp != NULL;
}

static u64 thread_ns(pthread_t thread)
{
    struct timespec t;
    clockid_t clock;
    if (pthread_getcpuclockid(thread, &clock) || clock_gettime(clock, &t))
        return 0;
    return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

void dispatcher_totals(struct dispatcher *d, struct dispatcher_totals *totals)
{
    pthread_mutex_lock(&d->lock);
    s64 now = clock_ns();
    *totals = (struct dispatcher_totals){.elapsed_ns = now - d->started,
                                         .processors = usable_len(d),
                                         .ran_ns = all_ran(d, now),
                                         .lost_ns = d->lost_ns,
                                         .decisions = d->decisions,
                                         .room_ns = room(d, now)};
    for (u32 i = 0; i < d->policy.processors_len; i++)
        totals->own_ns += thread_ns(d->threads[i].thread);
    totals->own_ns += thread_ns(d->bell_thread);
    totals->idle_ns = totals->room_ns > totals->ran_ns ? totals->room_ns - totals->ran_ns : 0;
    pthread_mutex_unlock(&d->lock);
}

s64 dispatcher_tick(struct dispatcher *d)
{
    s64 next = 10 * SECOND, now = clock_ns();
    pthread_mutex_lock(&d->lock);
    audit(d, now);
    for (u32 i = 1; i < d->guests_end; i++) {
        const struct guest *g = d->guests[i];
        if (g && (g->offence_ns || g->held_since))
            next = MIN(next, ROUND_NS);
    }
    pthread_mutex_unlock(&d->lock);
    return next;
}

const char *dispatcher_offence(struct dispatcher *d, u32 id)
{
    pthread_mutex_lock(&d->lock);
    const char *offence = d->guests[id] ? d->guests[id]->offence : NULL;
    pthread_mutex_unlock(&d->lock);
    return offence;
}
