// SPDX-License-Identifier: Apache-2.0
// Mixed load with verification, for hours if need be: memory and its reclaim, processes, storms of exits, signals, ptrace, address spaces
// changed under running threads, atomics, code that is made and changed while others run it, floating point and vectors under preemption,
// and a compiler. Runs as init, appended to a RAM disk that has a console:
//
//     openlpar boot --kernel K --initrd D --append "rdinit=/stress stress.seconds=600" --vcpus 4      (run-stress)
//
// Each kind of work is a process, several of each; one that finds something wrong says `STRESS name FAILED what`. The end is `STRESS DONE`.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *self_name = "?";
static time_t deadline;

static time_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static void fail(const char *format, ...)
{
    va_list args;
    char text[200];
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    printf("STRESS %s FAILED %s\n", self_name, text);
    fflush(stdout);
    _exit(1);
}

static uint64_t mix(uint64_t v)
{
    v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9ull;
    v = (v ^ v >> 27) * 0x94d049bb133111ebull;
    return v ^ v >> 31;
}

static uint64_t draw(uint64_t *state)
{
    return mix(*state += 0x9e3779b97f4a7c15ull);
}

// --- Memory: patterns that are written, thrown away, moved and verified

#define MEMORY_BYTES (24u << 20)
#define PAGE         65536u

static void do_memory(uint64_t seed)
{
    uint64_t *base = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        fail("mmap: %s", strerror(errno));
    size_t words = MEMORY_BYTES / 8, per_page = PAGE / 8;
    for (size_t i = 0; i < words; i++)
        base[i] = mix(seed + i);
    for (unsigned k = 0; k < 40; k++) {
        size_t page = draw(&seed) % (MEMORY_BYTES / PAGE);
        madvise(base + page * per_page, PAGE, MADV_DONTNEED);
        for (size_t i = 0; i < per_page; i++) {
            if (base[page * per_page + i] != 0)
                fail("a page that was thrown away is not empty");
            base[page * per_page + i] = mix((uint64_t)k << 32 | i);
        }
        for (size_t i = 0; i < per_page; i++) {
            if (base[page * per_page + i] != mix((uint64_t)k << 32 | i))
                fail("page %zu word %zu", page, i);
        }
        unsigned char *bytes = (unsigned char *)(base + page * per_page); // unaligned, across pages
        for (size_t i = 1; i + 9 < PAGE; i += 61) {
            uint64_t v = mix(i + k), got;
            memcpy(bytes + i, &v, 8);
            memcpy(&got, bytes + i, 8);
            if (got != v)
                fail("unaligned at %zu", i);
        }
    }
    munmap(base, MEMORY_BYTES);
}

// --- Processes

static void do_forks(uint64_t seed)
{
    pid_t pids[12];
    int shared = (int)(seed & 127);
    for (unsigned i = 0; i < 12; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            char stack[20000];
            memset(stack, (int)i, sizeof(stack));
            if (i % 3 == 0 && fork() == 0)
                _exit(0); // an orphan
            _exit((shared + (int)i + stack[i * 100]) & 127);
        }
        if (pids[i] < 0)
            fail("fork: %s", strerror(errno));
    }
    for (unsigned i = 0; i < 12; i++) {
        int status;
        if (waitpid(pids[i], &status, 0) != pids[i] || !WIFEXITED(status) ||
            WEXITSTATUS(status) != ((shared + 2 * (int)i) & 127))
            fail("exit status of child %u: %#x", i, status);
    }
}

// A program of its own, as a compiler's passes are: reads a pipe, computes, writes the sum.
static int sum_program(void)
{
    uint64_t h = 1, word;
    while (read(0, &word, 8) == 8)
        h = mix(h ^ word);
    return write(1, &h, 8) != 8;
}

static void do_exec(uint64_t seed)
{
    int to[2], from[2];
    uint64_t want = 1, got = 0;
    if (pipe(to) || pipe(from))
        fail("pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        for (int fd = 3; fd < 20; fd++)
            close(fd);
        execl("/proc/self/exe", "stress", "sum", (char *)NULL);
        _exit(99);
    }
    close(to[0]);
    close(from[1]);
    for (unsigned i = 0; i < 3000; i++) {
        uint64_t word = draw(&seed);
        want = mix(want ^ word);
        if (write(to[1], &word, 8) != 8)
            fail("write");
    }
    close(to[1]);
    ssize_t n = read(from[0], &got, 8);
    int status;
    waitpid(pid, &status, 0);
    close(from[0]);
    if (n != 8 || status || got != want)
        fail("sum program: %zd bytes, status %#x", n, status);
}

// --- Signals that interrupt floating point and vectors

static volatile sig_atomic_t ticks;

static void on_tick(int number)
{
    volatile double x = 1.0 / (3.0 + ticks);
    typedef int v4 __attribute__((vector_size(16)));
    volatile v4 v = {number, 2, 3, 4};
    v = v * v + v;
    ticks += x > 0 && v[0] > 0;
}

static uint64_t float_work(void)
{
    typedef float v4 __attribute__((vector_size(16)));
    double a = 1.5, b = 0.3;
    v4 v = {1, 2, 3, 4}, w = {0.5f, 0.25f, 0.125f, 1.25f};
    uint64_t h = 7;
    for (unsigned i = 1; i < 60000; i++) {
        a = a * 1.0000003 + b / i;
        b = b - a * 1e-9;
        v = v * w + (v4){1, 1, 1, 1};
        if (i % 64 == 0) {
            uint64_t bits;
            memcpy(&bits, &a, 8);
            float lane = v[i / 64 % 4];
            uint32_t small;
            memcpy(&small, &lane, 4);
            h = mix(h ^ bits ^ small);
        }
    }
    return h;
}

// Queued signals arrive each once, in order, with their value.
static volatile uint32_t queued_count;
static volatile uint64_t queued_hash;

static void on_queued(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    queued_hash = mix(queued_hash ^ (uint32_t)info->si_value.sival_int);
    queued_count++;
}

#define QUEUED 400u

static void queued_signals(uint64_t seed)
{
    struct sigaction action = {.sa_sigaction = on_queued, .sa_flags = SA_SIGINFO};
    sigaction(SIGRTMIN, &action, NULL);
    queued_count = 0;
    queued_hash = seed;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        uint64_t values = seed;
        for (unsigned i = 0; i < QUEUED; i++) {
            union sigval value = {.sival_int = (int)draw(&values)};
            while (sigqueue(parent, SIGRTMIN, value) && errno == EAGAIN)
                sched_yield();
        }
        _exit(0);
    }
    if (pid < 0)
        fail("fork: %s", strerror(errno));
    volatile double x = 1;
    while (queued_count < QUEUED && now() < deadline + 60)
        x = x * 1.0000001 + 1e-9;
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    uint64_t want = seed, values = seed;
    for (unsigned i = 0; i < QUEUED; i++)
        want = mix(want ^ (uint32_t)draw(&values));
    if (status || queued_count != QUEUED || queued_hash != want)
        fail("%u queued signals, sum %#llx, sender %#x", queued_count, (unsigned long long)queued_hash, status);
}

static void do_signals(uint64_t seed)
{
    struct itimerval t = {{0, 300 + (long)(seed % 700)}, {0, 500}}, off = {{0, 0}, {0, 0}};
    uint64_t first = float_work();
    signal(SIGALRM, on_tick);
    setitimer(ITIMER_REAL, &t, NULL);
    for (unsigned i = 0; i < 8; i++) {
        if (float_work() != first)
            fail("floating point differs under signals");
        if (getppid() == 0)
            fail("no parent");
    }
    setitimer(ITIMER_REAL, &off, NULL);
    queued_signals(seed);
}

// --- ptrace: steps, and breakpoints put into the code of another process

static __attribute__((noinline)) uint64_t traced_function(uint64_t v)
{
    __asm__ volatile("nop; nop; nop" : "+r"(v));
    return v * 3 + 1;
}

static void do_ptrace(uint64_t seed)
{
    pid_t pid = fork();
    int status;
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        uint64_t v = 1;
        for (unsigned i = 0; i < 3000; i++)
            v = traced_function(v) & 0xffff;
        _exit((int)(v & 127));
    }
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
        fail("the traced process does not stop");
    for (unsigned i = 0; i < 150; i++) {
        if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0) || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
            WSTOPSIG(status) != SIGTRAP)
            fail("step %u: status %#x", i, status);
    }
    uint64_t at = (uint64_t)(uintptr_t)&traced_function;
    errno = 0;
    long old = ptrace(PTRACE_PEEKTEXT, pid, at, 0);
    if (errno)
        fail("peek: %s", strerror(errno));
    for (unsigned i = 0; i < 12; i++) {
        long with = (long)(((uint64_t)old & ~0xffffffffull) | 0x7fe00008); // tw: the first word
        if (ptrace(PTRACE_POKETEXT, pid, at, with) || ptrace(PTRACE_CONT, pid, 0, 0) ||
            waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
            fail("breakpoint %u: status %#x", i, status);
        if (ptrace(PTRACE_POKETEXT, pid, at, old) || ptrace(PTRACE_SINGLESTEP, pid, 0, 0) ||
            waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
            fail("over breakpoint %u: status %#x", i, status);
    }
    ptrace(PTRACE_CONT, pid, 0, 0);
    uint64_t v = 1;
    for (unsigned i = 0; i < 3000; i++)
        v = traced_function(v) & 0xffff;
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != (int)(v & 127))
        fail("traced process: status %#x", status);
    (void)seed;
}

// --- Threads: one takes rights away and gives them back under the others

#define WINDOW_PAGES 16u
static unsigned char *window;
static _Atomic int window_stop;
static _Atomic uint64_t window_hits;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    unsigned char *at = info->si_addr;
    if (at < window || at >= window + WINDOW_PAGES * PAGE) {
        static const char text[] = "STRESS maps FAILED a fault elsewhere\n";
        if (write(1, text, sizeof(text) - 1)) {
        }
        _exit(1);
    }
    window_hits++;
    sched_yield();
}

static void *window_writer(void *arg)
{
    uint64_t seed = (uint64_t)(uintptr_t)arg;
    unsigned lane = (unsigned)(seed & 3);
    while (!window_stop) {
        uint64_t *word = (uint64_t *)(window + draw(&seed) % WINDOW_PAGES * PAGE) + lane * 8 + draw(&seed) % 64 * 32;
        uint64_t v = draw(&seed);
        __atomic_store_n(word, v, __ATOMIC_RELAXED);
        uint64_t got = __atomic_load_n(word, __ATOMIC_RELAXED);
        if (got != v && got != 0) // or the page was thrown away meanwhile
            fail("a word of this thread's alone is %#llx, not %#llx", (unsigned long long)got, (unsigned long long)v);
    }
    return NULL;
}

static void do_maps(uint64_t seed)
{
    pthread_t threads[3];
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    window_stop = 0;
    window = mmap(NULL, WINDOW_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (uintptr_t i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, window_writer, (void *)(i + 4 * (seed & 0xffffff)));
    for (unsigned i = 0; i < 400; i++) {
        unsigned char *page = window + draw(&seed) % WINDOW_PAGES * PAGE;
        mprotect(page, PAGE, draw(&seed) & 1 ? PROT_READ : PROT_NONE);
        sched_yield();
        mprotect(page, PAGE, PROT_READ | PROT_WRITE);
        if (i % 8 == 0)
            madvise(page, PAGE, MADV_DONTNEED);
        if (i % 16 == 0)
            mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    }
    window_stop = 1;
    for (unsigned i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    munmap(window, WINDOW_PAGES * PAGE);
    signal(SIGSEGV, SIG_DFL);
}

// --- Atomics and locks

static struct {
    uint64_t doubles;
    uint32_t words;
    uint16_t halves;
    uint8_t bytes;
    uint32_t lock;
    uint64_t plain; // under the lock
} counters __attribute__((aligned(128)));
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t under_mutex;

#define ATOMIC_ROUNDS 30000u

static void *count_up(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < ATOMIC_ROUNDS; i++) {
        __atomic_fetch_add(&counters.doubles, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&counters.words, 1, __ATOMIC_SEQ_CST);
        __atomic_fetch_add(&counters.halves, 1, __ATOMIC_ACQUIRE);
        __atomic_fetch_add(&counters.bytes, 1, __ATOMIC_RELEASE);
        uint32_t free = 0;
        while (!__atomic_compare_exchange_n(&counters.lock, &free, 1, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            free = 0;
            if (i % 4 == 0)
                sched_yield();
        }
        counters.plain++;
        __atomic_store_n(&counters.lock, 0, __ATOMIC_RELEASE);
        if (i % 8 == 0) {
            pthread_mutex_lock(&mutex);
            under_mutex++;
            pthread_mutex_unlock(&mutex);
        }
    }
    return NULL;
}

static void do_atomics(uint64_t seed)
{
    pthread_t threads[4];
    memset(&counters, 0, sizeof(counters));
    under_mutex = 0;
    for (unsigned i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, count_up, NULL);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    uint64_t n = 4ull * ATOMIC_ROUNDS;
    if (counters.doubles != n || counters.words != n || counters.halves != (uint16_t)n ||
        counters.bytes != (uint8_t)n || counters.plain != n || under_mutex != n / 8)
        fail("counters %llu %u %u %u %llu %llu", (unsigned long long)counters.doubles, counters.words, counters.halves,
             counters.bytes, (unsigned long long)counters.plain, (unsigned long long)under_mutex);
    (void)seed;
}

// --- Code made at run time, changed while other threads execute it

static void publish(uint32_t *at, uint32_t word)
{
    __atomic_store_n(at, word, __ATOMIC_RELAXED);
    __asm__ volatile("dcbst 0,%0; sync; icbi 0,%0; sync; isync" ::"r"(at) : "memory");
}

static uint32_t *made_code;
static _Atomic int code_stop;
static _Atomic uint32_t code_low, code_high; // every call returns something between what was valid before and after it

static uint64_t call_made(const uint32_t *code)
{
    uint64_t result;
    __asm__ volatile("isync; mtctr %1; bctrl; mr %0,3" : "=r"(result) : "r"(code) : "r3", "ctr", "lr", "memory");
    return result;
}

static void *call_code(void *arg)
{
    (void)arg;
    while (!code_stop) {
        uint32_t low = code_low;
        for (unsigned i = 0; i < 50; i++) {
            uint64_t got = call_made(made_code);
            uint32_t high = code_high;
            if (got < low || got > high)
                fail("code returns %llu, not %u to %u", (unsigned long long)got, low, high);
        }
    }
    return NULL;
}

static void do_code(uint64_t seed)
{
    pthread_t threads[3];
    made_code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made_code == MAP_FAILED)
        fail("mmap: %s", strerror(errno));
    // Own code, a new function each time.
    for (unsigned i = 0; i < 300; i++) {
        uint32_t *code = made_code + 1024 + i % 64 * 8;
        uint32_t v = (uint32_t)draw(&seed) & 0x7fff;
        publish(code + 1, 0x4e800020);
        publish(code, 0x38600000 | v);
        for (unsigned k = 0; k < 20; k++) {
            if (call_made(code) != v)
                fail("new code returns another value than %u", v);
        }
    }
    // Changed under others: the value only rises.
    code_stop = 0;
    code_low = code_high = 0;
    publish(made_code + 1, 0x60000000);
    publish(made_code + 2, 0x4e800020);
    publish(made_code, 0x38600000);
    for (unsigned i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, call_code, NULL);
    for (uint32_t v = 1; v < 1500; v++) {
        code_high = v;
        publish(made_code, 0x38600000 | v);
        if (call_made(made_code) != v)
            fail("changed code returns an old value");
        if (v % 16 == 0)
            sched_yield();
    }
    code_stop = 1;
    for (unsigned i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    munmap(made_code, PAGE);
}

// --- Files, copies and the kernel's memory

static void do_files(uint64_t seed)
{
    char path[64];
    static uint64_t block[4096], back[4096];
    snprintf(path, sizeof(path), "/tmp/f%d", getpid());
    int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
    if (fd < 0)
        fail("open: %s", strerror(errno));
    for (unsigned k = 0; k < 40; k++) {
        for (unsigned i = 0; i < 4096; i++)
            block[i] = mix(seed + k * 4096 + i);
        if (pwrite(fd, block, sizeof(block), (off_t)k * 32761) != sizeof(block) ||
            pread(fd, back, sizeof(back), (off_t)k * 32761) != sizeof(back) || memcmp(block, back, sizeof(block)))
            fail("file block %u", k);
    }
    uint64_t *map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    map[777] = seed;
    if (pread(fd, back, 8, 777 * 8) != 8 || back[0] != seed)
        fail("mapped file");
    munmap(map, 1 << 20);
    close(fd);
    unlink(path);
}

// --- Storms of exits: many processes that end, or are killed, at once; threads whose process ends under them

#define STORM 48u

static void *spin_memory(void *arg)
{
    volatile uint64_t *words = arg;
    for (unsigned i = 0;; i++)
        words[i * 517 % 8192] += i;
    return NULL;
}

static void storm_child(unsigned i, int gate, int ready)
{
    char byte = 0;
    if (i % 3 == 0) { // killed among its threads
        static uint64_t words[2][8192];
        pthread_t thread;
        setpgid(0, 0);
        pthread_create(&thread, NULL, spin_memory, words[0]);
        if (write(ready, &byte, 1) == 1)
            spin_memory(words[1]);
    }
    if (i % 3 == 1) { // ends while its threads run
        static uint64_t words[2][8192];
        pthread_t thread;
        pthread_create(&thread, NULL, spin_memory, words[0]);
        pthread_create(&thread, NULL, spin_memory, words[1]);
    }
    if (write(ready, &byte, 1) != 1 || read(gate, &byte, 1) != 0) // opens for all at once
        _exit(126);
    exit((int)(i * 5 & 127));
}

static void do_exits(uint64_t seed)
{
    pid_t pids[STORM];
    int gate[2], ready[2];
    char byte;
    if (pipe(gate) || pipe(ready))
        fail("pipe: %s", strerror(errno));
    for (unsigned i = 0; i < STORM; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            close(gate[1]);
            storm_child(i, gate[0], ready[1]);
        }
        if (pids[i] < 0)
            fail("fork: %s", strerror(errno));
    }
    for (unsigned i = 0; i < STORM; i++) {
        if (read(ready[0], &byte, 1) != 1)
            fail("a child is not ready");
    }
    close(gate[1]);
    for (unsigned i = 0; i < STORM; i += 3) {
        if (kill(-pids[i], SIGKILL))
            fail("kill: %s", strerror(errno));
    }
    for (unsigned n = 0; n < STORM; n++) { // from both ends
        unsigned i = draw(&seed) & 1 ? n : STORM - 1 - n;
        if (pids[i] == 0)
            i = STORM - 1 - i;
        while (pids[i] == 0)
            i = (i + 1) % STORM;
        int status;
        if (waitpid(pids[i], &status, 0) != pids[i])
            fail("wait: %s", strerror(errno));
        if (i % 3 == 0 ? !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL
                       : !WIFEXITED(status) || WEXITSTATUS(status) != (int)(i * 5 & 127))
            fail("exit status of child %u in a storm: %#x", i, status);
        pids[i] = 0;
    }
    close(gate[0]);
    close(ready[0]);
    close(ready[1]);
}

// --- Reclaim: pages that the kernel may take, which then are empty; all others are as they were. More of them than there is memory.

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#define LAZY_PAGES 96u

static void tell_kernel(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        fail("%s: %s", path, strerror(errno));
    close(fd);
}

// A page is as it was written, or empty.
static void check_lazy(const uint64_t *page, uint64_t seed, bool may_be_empty, size_t step, const char *what)
{
    bool empty = may_be_empty && page[0] == 0;
    for (size_t i = 0; i < PAGE / 8; i += step) {
        if (page[i] != (empty ? 0 : mix(seed + i)))
            fail("%s: word %zu is %#llx", what, i, (unsigned long long)page[i]);
    }
}

static void do_reclaim(uint64_t seed)
{
    size_t bytes = LAZY_PAGES * PAGE, words = PAGE / 8;
    uint64_t *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        fail("mmap: %s", strerror(errno));
    for (unsigned p = 0; p < LAZY_PAGES; p++) {
        for (size_t i = 0; i < words; i++)
            base[p * words + i] = mix(seed + p * words + i);
    }
    for (unsigned p = 0; p < LAZY_PAGES; p += 2)
        madvise(base + p * words, PAGE, MADV_FREE);
    for (unsigned p = 0; p < LAZY_PAGES; p += 4) { // written again: no longer to be taken
        for (size_t i = 0; i < words; i++)
            base[p * words + i] = mix(seed + p * words + i);
    }
    if (madvise(base, bytes, MADV_PAGEOUT) && errno != EINVAL)
        fail("page out: %s", strerror(errno));
    if (draw(&seed) & 1)
        tell_kernel("/proc/sys/vm/compact_memory", "1"); // moves what is in use
    else
        tell_kernel("/proc/sys/vm/drop_caches", "3");
    seed -= 0x9e3779b97f4a7c15ull;
    for (unsigned p = 0; p < LAZY_PAGES; p++)
        check_lazy(base + p * words, seed + p * words, p % 4 == 2, 1, "reclaimed page");
    munmap(base, bytes);

    // Half as much again as there is memory, a piece at a time.
    size_t all = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE) / PAGE * 3 / 2, piece = 32;
    base = mmap(NULL, all * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        fail("mmap: %s", strerror(errno));
    for (size_t p = 0; p + piece <= all && now() < deadline; p += piece) {
        for (size_t q = p; q < p + piece; q++) {
            for (size_t i = 0; i < words; i += 512)
                base[q * words + i] = mix(seed + q * words + i);
        }
        madvise(base + p * words, piece * PAGE, MADV_FREE);
        size_t old = draw(&seed) % (p + 1); // one of an earlier piece
        seed -= 0x9e3779b97f4a7c15ull;
        for (size_t i = 0; i < words; i += 512) { // with 4 KiB pages each is taken for itself
            if (base[old * words + i] != 0 && base[old * words + i] != mix(seed + old * words + i))
                fail("page %zu of many, word %zu", old, i);
        }
    }
    munmap(base, all * PAGE);
}

// --- A compiler (run-stress brings it, its source and what it must make of it)

static void do_compile(uint64_t seed)
{
    char out[64];
    static char got[65536], want[65536];
    snprintf(out, sizeof(out), "/tmp/c%d.s", getpid());
    pid_t pid = fork();
    if (pid == 0) {
        if (chdir("/compile") == 0)
            execl("/compile/cc1", "cc1", "-quiet", "-fpreprocessed", "-O2", "-mcpu=power8", "-fno-ident", "source.i",
                  "-o", out, (char *)NULL);
        _exit(99);
    }
    int status;
    if (waitpid(pid, &status, 0) != pid || status)
        fail("the compiler ends with %#x", status);
    int a = open(out, O_RDONLY), b = open("/compile/expected.s", O_RDONLY);
    if (a < 0 || b < 0)
        fail("the compiler's output: %s", strerror(errno));
    for (ssize_t n = 1; n > 0;) {
        n = read(b, want, sizeof(want));
        if (n < 0 || read(a, got, sizeof(got)) != n || memcmp(got, want, (size_t)n))
            fail("the compiler's output differs");
    }
    close(a);
    close(b);
    unlink(out);
    (void)seed;
}

static const struct {
    const char *name;
    void (*work)(uint64_t seed);
} kinds[] = {{"memory", do_memory},   {"forks", do_forks},   {"exec", do_exec},       {"exits", do_exits},
             {"signals", do_signals}, {"ptrace", do_ptrace}, {"maps", do_maps},       {"code", do_code},
             {"atomics", do_atomics}, {"files", do_files},   {"reclaim", do_reclaim}, {"compile", do_compile}};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

static pid_t start(unsigned kind, unsigned copy)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    self_name = kinds[kind].name;
    uint64_t seed = mix(kind * 100 + copy + (uint64_t)time(NULL)), rounds = 0;
    while (now() < deadline) {
        kinds[kind].work(draw(&seed));
        rounds++;
    }
    printf("STRESS %s ok, %llu rounds\n", self_name, (unsigned long long)rounds);
    fflush(stdout);
    _exit(0);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "sum") == 0)
        return sum_program();
    char line[2048] = "";
    mkdir("/proc", 0755);
    mkdir("/tmp", 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    int fd = open("/proc/cmdline", O_RDONLY);
    if (fd < 0 || read(fd, line, sizeof(line) - 1) < 0)
        line[0] = 0;
    const char *seconds = strstr(line, "stress.seconds=");
    deadline = now() + (seconds ? atoi(seconds + 15) : 60);
    pid_t pids[2 * KINDS];
    unsigned failed = 0, left = 0;
    const char *only = strstr(line, "stress.only="); // one kind alone
    for (unsigned i = 0; i < 2 * KINDS; i++) {
        pids[i] = 0;
        if (kinds[i % KINDS].work == do_compile && access("/compile/cc1", X_OK))
            continue;
        if (!only || strncmp(only + 12, kinds[i % KINDS].name, strlen(kinds[i % KINDS].name)) == 0) {
            pids[i] = start(i % KINDS, i / KINDS);
            left++;
        }
    }
    while (left) {
        int status;
        pid_t pid = wait(&status);
        for (unsigned i = 0; i < 2 * KINDS; i++) {
            if (pids[i] != pid)
                continue;
            left--;
            if (status) {
                failed++;
                printf("STRESS %s FAILED status %#x\n", kinds[i % KINDS].name, status);
            }
        }
    }
    printf("STRESS DONE %u failed\n", failed);
    fflush(stdout);
    sync();
    reboot(RB_POWER_OFF);
    return 0;
}
