// SPDX-License-Identifier: Apache-2.0
// Mixed load with verification, for hours if need be: memory, processes, signals, ptrace, address spaces changed under running threads, atomics,
// code that is made and changed while others run it, floating point and vectors under preemption. Runs as init, appended to a RAM disk that has a console:
//
//     openlpar boot --kernel K --initrd D --append "rdinit=/stress stress.seconds=600" --vcpus 4      (tests/boot/run-stress)
//
// Each kind of work is a process, several of each; one that finds something wrong says `STRESS name FAILED what`. The end is `STRESS DONE`.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
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

static const struct {
    const char *name;
    void (*work)(uint64_t seed);
} kinds[] = {{"memory", do_memory},   {"forks", do_forks},     {"exec", do_exec},
             {"signals", do_signals}, {"ptrace", do_ptrace},   {"maps", do_maps},
             {"code", do_code},       {"atomics", do_atomics}, {"files", do_files}};
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
