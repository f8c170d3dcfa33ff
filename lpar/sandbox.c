// SPDX-License-Identifier: Apache-2.0
#include "lpar/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/sanitized.h"

#define FILES_MAX   384 // four for each virtual adapter
#define THREADS_MAX 1200

static bool write_file(const char *path, const char *text, size_t size)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, size) == (ssize_t)size;
    if (fd >= 0)
        close(fd);
    return ok;
}

// A user namespace of our own gives the right to the others. Ids stay as they are, so that the daemon knows us.
static int leave_namespaces(void)
{
    char map[64];
    unsigned uid = geteuid(), gid = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS))
        return 0;
    int len = snprintf(map, sizeof(map), "%u %u 1", uid, uid);
    write_file("/proc/self/setgroups", "deny", 4);
    if (!write_file("/proc/self/uid_map", map, (size_t)len))
        return SANDBOX_NETWORK;
    len = snprintf(map, sizeof(map), "%u %u 1", gid, gid);
    write_file("/proc/self/gid_map", map, (size_t)len);
    // An empty file system in the place of all others.
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,mode=0500") || chdir("/tmp") ||
        syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/") ||
        mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
        return SANDBOX_NETWORK;
    return SANDBOX_NETWORK | SANDBOX_MOUNTS;
}

static void set_limit(int what, rlim_t max)
{
    struct rlimit limit = {.rlim_cur = max, .rlim_max = max};
    setrlimit(what, &limit);
}

// What a running partition does: memory, threads, time, its sockets and events.
static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(lseek),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fallocate),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(mincore),
    SCMP_SYS(brk),
    SCMP_SYS(msync),
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(membarrier),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(getrusage),
    SCMP_SYS(getcpu),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(eventfd2),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(recvfrom),
    SCMP_SYS(accept4),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

// What a library may try, and does without.
static const int refused[] = {
    SCMP_SYS(open),       SCMP_SYS(openat), SCMP_SYS(access),    SCMP_SYS(readlink),
    SCMP_SYS(stat),       SCMP_SYS(ioctl),  SCMP_SYS(prlimit64), SCMP_SYS(getdents64),
    SCMP_SYS(readlinkat), SCMP_SYS(unlink), SCMP_SYS(mkdir),
};

// Allowed where argument `arg`, of the bits in `mask`, is `value`. (All bits: the library's own macros leave a member out, which clang warns of.)
static int allow_where(scmp_filter_ctx filter, int call, unsigned arg, scmp_datum_t mask, scmp_datum_t value)
{
    struct scmp_arg_cmp is = {.arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &is);
}

// Sends, as abort() and raise() do, only to ourselves.
static int filter_calls(void)
{
    const scmp_datum_t all = ~(scmp_datum_t)0;
    const scmp_datum_t thread_flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int err = filter ? 0 : -ENOMEM;
    if (!err) // calls of another kind of program (32 bits) are none of ours either
        err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    for (unsigned i = 0; !err && i < ARRAY_LEN(allowed); i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    for (unsigned i = 0; !err && i < ARRAY_LEN(refused); i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), refused[i], 0);
    // Threads, no processes. clone3's flags are in memory, where no filter sees them: the C library falls back.
    if (!err)
        err = allow_where(filter, SCMP_SYS(clone), 0, thread_flags, thread_flags);
    if (!err)
        err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (!err)
        err = allow_where(filter, SCMP_SYS(prctl), 0, all, PR_SET_NAME);
    if (!err)
        err = allow_where(filter, SCMP_SYS(prctl), 0, all, PR_SET_VMA);
    if (!err)
        err = allow_where(filter, SCMP_SYS(tgkill), 0, all, (scmp_datum_t)getpid());
    if (!err) // a thread binds itself to the host CPU of its processor, and no other one
        err = allow_where(filter, SCMP_SYS(sched_setaffinity), 0, all, 0);
    // Descriptors: their flags, and copies of them.
    static const int commands[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_GET_SEALS};
    for (unsigned i = 0; !err && i < ARRAY_LEN(commands); i++)
        err = allow_where(filter, SCMP_SYS(fcntl), 1, all, (scmp_datum_t)commands[i]);
    if (!err)
        err = seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
    return err;
}

// Whether the limit counts this process's threads only: in a user namespace of its own since Linux 5.14, else all that the user has.
static bool counts_threads_apart(int parts)
{
    struct utsname u;
    int major = 0, minor = 0;
    return (parts & SANDBOX_NETWORK) && !uname(&u) && sscanf(u.release, "%d.%d", &major, &minor) == 2 &&
           (major > 5 || (major == 5 && minor >= 14));
}

int sandbox_enter(void)
{
    int parts = leave_namespaces();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -errno;
    set_limit(RLIMIT_CORE, 0);
    set_limit(RLIMIT_NOFILE, FILES_MAX);
    set_limit(RLIMIT_MEMLOCK, 0);
    if (!SANITIZED)                 // whose findings go into a file
        set_limit(RLIMIT_FSIZE, 0); // it makes no file, and memory that it was given has its size
    if (counts_threads_apart(parts))
        set_limit(RLIMIT_NPROC, THREADS_MAX);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); // the user's other processes cannot look into it either
    int err = filter_calls();
    return err ? err : parts | SANDBOX_CALLS;
}
