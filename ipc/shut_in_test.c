// SPDX-License-Identifier: Apache-2.0
#include "ipc/shut_in.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"

// What the test does, and what a sanitizer's memory needs.
static const int calls[] = {SCMP_SYS(write),       SCMP_SYS(exit_group), SCMP_SYS(mmap),    SCMP_SYS(munmap),
                            SCMP_SYS(mremap),      SCMP_SYS(brk),        SCMP_SYS(madvise), SCMP_SYS(mprotect),
                            SCMP_SYS(futex),       SCMP_SYS(prctl),      SCMP_SYS(gettid),  SCMP_SYS(getpid),
                            SCMP_SYS(sigaltstack), SCMP_SYS(sched_yield)};

// What became of a process that is shut in: its exit status, or minus the signal.
static int outcome(unsigned rights, int (*body)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(shut_in(calls, ARRAY_LEN(calls), rights) ? 99 : body());
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int does_nothing(void)
{
    return 7;
}

static int makes_a_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EPERM ? 1 : 2;
}

static int reads_a_file(void)
{
    return open("/dev/null", O_RDONLY) >= 0 ? 1 : 2;
}

static int writes_a_file(void)
{
    return open("/dev/null", O_WRONLY) < 0 && errno == EPERM ? 1 : 2;
}

static int file = -1;

static int lengthens_a_file(void)
{
    return write(file, "x", 1) == 1 ? 1 : 2;
}

static void test_only_what_is_listed_is_left(void)
{
    CHECK_EQ(outcome(0, does_nothing), 7);
    CHECK_EQ(outcome(0, makes_a_socket), -SIGSYS);
    CHECK_EQ(outcome(SHUT_IN_REFUSE, makes_a_socket), 1);
}

static void test_files(void)
{
    file = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    CHECK(file >= 0);
    CHECK_EQ(outcome(0, reads_a_file), -SIGSYS);
    CHECK_EQ(outcome(SHUT_IN_READ_FILES | SHUT_IN_REFUSE, reads_a_file), 1);
    CHECK_EQ(outcome(SHUT_IN_READ_FILES | SHUT_IN_REFUSE, writes_a_file), 1);
    CHECK_EQ(outcome(SHUT_IN_REFUSE, lengthens_a_file), -SIGXFSZ);
    CHECK_EQ(outcome(SHUT_IN_WRITE_FILES, lengthens_a_file), 1);
    close(file);
}

int main(void)
{
    TEST(test_only_what_is_listed_is_left);
    TEST(test_files);
    return test_done();
}
