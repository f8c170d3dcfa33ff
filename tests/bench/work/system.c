// SPDX-License-Identifier: Apache-2.0
// What an operating system does.
#include "work.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

uint64_t work_syscalls(void)
{
    uint64_t count = 0;
    for (int i = 0; i < 800000; i++)
        count += syscall(SYS_getppid) > 0;
    return count;
}

static uint64_t reap(pid_t child)
{
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child)
        work_fail("fork");
    return (uint64_t)WEXITSTATUS(status);
}

uint64_t work_fork(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < 800; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(i & 7);
        sum += reap(child);
    }
    return sum;
}

uint64_t work_exec(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < 250; i++) {
        pid_t child;
        if (posix_spawn(&child, "/proc/self/exe", NULL, NULL, (char *[]){"work", "--nothing", NULL}, NULL))
            work_fail("exec");
        sum += reap(child) + 1;
    }
    return sum;
}

// One byte to and fro between two processes on one processor.
uint64_t work_pipe(void)
{
    int there[2], back[2];
    uint8_t byte = 0;
    if (pipe(there) || pipe(back))
        work_fail("pipe");
    pid_t child = fork();
    if (child == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1) {
            byte++;
            if (write(back[1], &byte, 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    for (int i = 0; i < 3000; i++)
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            work_fail("pipe");
    close(there[1]);
    close(there[0]);
    reap(child);
    close(back[0]);
    close(back[1]);
    return byte;
}

// Two processes on one processor that pass it on.
uint64_t work_switches(void)
{
    cpu_set_t before, one;
    sched_getaffinity(0, sizeof before, &before);
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
        if (CPU_ISSET(i, &before))
            CPU_SET(i, &one);
    sched_setaffinity(0, sizeof one, &one);
    pid_t child = fork();
    for (int i = 0; i < 6000; i++)
        sched_yield();
    if (child == 0)
        _exit(0);
    uint64_t status = reap(child);
    sched_setaffinity(0, sizeof before, &before);
    return status;
}

// Pages that come at the first touch, read and written.
uint64_t work_faults(void)
{
    enum { SIZE = 64 << 20 };
    uint64_t sum = 0;
    for (int round = 0; round < 6; round++) {
        uint8_t *area = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (area == MAP_FAILED)
            work_fail("mmap");
        // a host with large pages of its own for a process must take them one by one, as the guest does
        madvise(area, SIZE, MADV_NOHUGEPAGE);
        for (size_t i = 0; i < SIZE; i += 65536) {
            area[i + 100] = (uint8_t)(i >> 16);
            sum += area[i + 100] + area[i + 200];
        }
        munmap(area, SIZE);
    }
    return sum;
}

uint64_t work_mmaps(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < 10000; i++) {
        uint8_t *area = mmap(NULL, 65536 * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (area == MAP_FAILED)
            work_fail("mmap");
        area[5] = (uint8_t)i;
        sum += area[5];
        if (i % 3 == 0)
            mprotect(area, 65536, PROT_READ);
        munmap(area, 65536 * 2);
    }
    return sum;
}

static volatile sig_atomic_t signals_seen;

static void take_signal(int number)
{
    signals_seen += number;
}

uint64_t work_signals(void)
{
    struct sigaction action = {.sa_handler = take_signal}, before;
    signals_seen = 0;
    sigaction(SIGUSR1, &action, &before);
    pid_t self = getpid();
    for (int i = 0; i < 60000; i++)
        kill(self, SIGUSR1);
    sigaction(SIGUSR1, &before, NULL);
    return (uint64_t)(signals_seen / SIGUSR1);
}

// The guest's /tmp is in memory; on the host only /dev/shm is so for certain.
static const char *folder_in_memory(void)
{
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

uint64_t work_files(void)
{
    char name[64];
    static uint8_t data[32768];
    uint64_t sum = SUM_START;
    for (int i = 0; i < 4000; i++) {
        snprintf(name, sizeof name, "%s/work-%d-%d", folder_in_memory(), (int)getpid(), i);
        memset(data, i, sizeof data);
        int fd = open(name, O_CREAT | O_RDWR | O_EXCL, 0600);
        if (fd < 0 || write(fd, data, sizeof data) != sizeof data || lseek(fd, 100, SEEK_SET) != 100 ||
            read(fd, data, 20000) != 20000)
            work_fail("file");
        struct stat st;
        fstat(fd, &st);
        sum = sum_add(sum, (uint64_t)st.st_size + data[19999]);
        close(fd);
        unlink(name);
    }
    return sum;
}

// Looking up names: open, stat, read a folder.
uint64_t work_paths(void)
{
    char folder[64], name[96];
    snprintf(folder, sizeof folder, "%s/work-%d", folder_in_memory(), (int)getpid());
    if (mkdir(folder, 0700))
        work_fail("mkdir");
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "%s/entry-%d", folder, i);
        close(open(name, O_CREAT | O_WRONLY, 0600));
    }
    uint64_t found = 0;
    for (int round = 0; round < 300; round++) {
        for (int i = 0; i < 200; i++) {
            struct stat st;
            snprintf(name, sizeof name, "%s/../%s/entry-%d", folder, strrchr(folder, '/') + 1, i);
            found += stat(name, &st) == 0;
        }
        DIR *entries = opendir(folder);
        while (readdir(entries))
            found++;
        closedir(entries);
    }
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "%s/entry-%d", folder, i);
        unlink(name);
    }
    rmdir(folder);
    return found;
}
