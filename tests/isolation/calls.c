// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/isolation/attacks.h"

#define CALL(name, ...)                      \
    static long name(const struct target *t) \
    {                                        \
        return syscall(__VA_ARGS__);         \
    }

static char word[] = "x", *const no_words[] = {NULL};
static char room[64];
static struct iovec here = {room, sizeof(room)};

static const char *in_folder(const struct target *t, const char *name)
{
    static char path[600];
    snprintf(path, sizeof(path), "%s/%s", t->folder, name);
    return path;
}

static const char *in_proc(int pid, const char *name)
{
    static char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    return path;
}

// Files.
CALL(file_read, SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY, 0)
CALL(file_create, SYS_openat, AT_FDCWD, "/tmp/made-by-a-partition", O_WRONLY | O_CREAT, 0600)
CALL(file_database, SYS_openat, AT_FDCWD, in_folder(t, "system.db"), O_RDWR, 0)
CALL(file_socket_folder, SYS_openat, AT_FDCWD, t->folder, O_PATH, 0)
CALL(file_proc_self, SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY, 0)
CALL(memory_of_daemon, SYS_openat, AT_FDCWD, in_proc(t->daemon, "mem"), O_RDWR, 0)
CALL(memory_of_other, SYS_openat, AT_FDCWD, in_proc(t->other, "mem"), O_RDWR, 0)
CALL(files_of_other, SYS_openat, AT_FDCWD, in_proc(t->other, "map_files"), O_RDONLY | O_DIRECTORY, 0)
CALL(file_openat2, SYS_openat2, AT_FDCWD, "/etc/passwd", room, 24)
CALL(file_by_handle, SYS_open_by_handle_at, AT_FDCWD, room, O_RDONLY)
CALL(file_stat, SYS_newfstatat, AT_FDCWD, "/etc/passwd", room, 0)
CALL(file_access, SYS_faccessat, AT_FDCWD, "/etc/passwd", R_OK, 0)
CALL(file_readlink, SYS_readlinkat, AT_FDCWD, "/proc/self/exe", room, sizeof(room))
CALL(file_unlink, SYS_unlinkat, AT_FDCWD, in_folder(t, "socket"), 0)
CALL(file_rename, SYS_renameat2, AT_FDCWD, in_folder(t, "system.db"), AT_FDCWD, "/tmp/taken", 0)
CALL(file_link, SYS_linkat, AT_FDCWD, "/etc/passwd", AT_FDCWD, "/tmp/linked", 0)
CALL(file_symlink, SYS_symlinkat, "/etc", AT_FDCWD, "/tmp/linked")
CALL(file_mkdir, SYS_mkdirat, AT_FDCWD, "/tmp/made", 0700)
CALL(file_mknod, SYS_mknodat, AT_FDCWD, "/tmp/null", S_IFCHR | 0600, 0x103)
CALL(file_chmod, SYS_fchmodat, AT_FDCWD, "/etc/passwd", 0666)
CALL(file_chown, SYS_fchownat, AT_FDCWD, "/etc/passwd", 1000, 1000, 0)
CALL(file_truncate, SYS_truncate, "/etc/passwd", 0)
CALL(file_size, SYS_ftruncate, 3, 1 << 30)
CALL(file_in_memory, SYS_memfd_create, "more", 0)
CALL(file_secret, SYS_memfd_secret, 0)
CALL(file_watch, SYS_inotify_init1, 0)
CALL(file_watch_all, SYS_fanotify_init, 0, O_RDONLY)
CALL(root_change, SYS_chroot, "/")
CALL(root_pivot, SYS_pivot_root, ".", ".")
CALL(mount_proc, SYS_mount, "none", "/", "proc", 0, NULL)
CALL(mount_new, SYS_fsopen, "proc", 0)
CALL(mount_tree, SYS_open_tree, AT_FDCWD, "/", 1)
CALL(mount_end, SYS_umount2, "/", MNT_DETACH)
CALL(files_sync, SYS_sync)
CALL(terminal_input, SYS_ioctl, 0, 0x5412, word)

// Network and other sockets.
CALL(socket_internet, SYS_socket, AF_INET, SOCK_STREAM, 0)
CALL(socket_internet6, SYS_socket, AF_INET6, SOCK_DGRAM, 0)
CALL(socket_local, SYS_socket, AF_UNIX, SOCK_STREAM, 0)
CALL(socket_netlink, SYS_socket, AF_NETLINK, SOCK_RAW, 0)
CALL(socket_packet, SYS_socket, AF_PACKET, SOCK_RAW, 0)
CALL(socket_host, SYS_socket, AF_VSOCK, SOCK_STREAM, 0)
CALL(socket_pair, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, room)
CALL(socket_bind, SYS_bind, 3, room, 3)
CALL(socket_listen, SYS_listen, 3, 4096)
CALL(socket_option, SYS_setsockopt, 3, SOL_SOCKET, SO_SNDBUF, room, 4)
static long socket_connect(const struct target *t)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof(a.sun_path), "%.100s", in_folder(t, "socket"));
    return syscall(SYS_connect, 3, &a, sizeof(a));
}

// Other processes.
CALL(process_fork, SYS_clone, SIGCHLD, 0, 0, 0, 0)
CALL(process_clone_shared, SYS_clone, CLONE_VM | CLONE_FILES | SIGCHLD, 0, 0, 0, 0)
CALL(process_clone3, SYS_clone3, room, 64)
CALL(process_exec, SYS_execve, "/bin/sh", no_words, no_words)
CALL(process_exec_at, SYS_execveat, 3, "", no_words, no_words, AT_EMPTY_PATH)
CALL(signal_daemon, SYS_kill, t->daemon, SIGKILL)
CALL(signal_other, SYS_kill, t->other, SIGKILL)
CALL(signal_all, SYS_kill, -1, SIGKILL)
CALL(signal_thread, SYS_tkill, t->other, SIGKILL)
CALL(signal_thread_of_other, SYS_tgkill, t->other, t->other, SIGKILL)
CALL(signal_queue, SYS_rt_sigqueueinfo, t->daemon, SIGKILL, room)
CALL(signal_by_descriptor, SYS_pidfd_send_signal, 3, SIGKILL, NULL, 0)
CALL(process_descriptor, SYS_pidfd_open, t->daemon, 0)
CALL(process_take_file, SYS_pidfd_getfd, 3, 3, 0)
CALL(trace_daemon, SYS_ptrace, PTRACE_ATTACH, t->daemon, 0, 0)
CALL(trace_other, SYS_ptrace, PTRACE_SEIZE, t->other, 0, 0)
CALL(read_daemon, SYS_process_vm_readv, t->daemon, &here, 1, &here, 1, 0)
CALL(write_daemon, SYS_process_vm_writev, t->daemon, &here, 1, &here, 1, 0)
CALL(read_other, SYS_process_vm_readv, t->other, &here, 1, &here, 1, 0)
CALL(write_other, SYS_process_vm_writev, t->other, &here, 1, &here, 1, 0)
CALL(advise_other, SYS_process_madvise, 3, &here, 1, MADV_PAGEOUT, 0)
CALL(move_pages_of_other, SYS_move_pages, t->other, 0, NULL, NULL, NULL, 0)
CALL(limit_daemon, SYS_prlimit64, t->daemon, RLIMIT_NOFILE, room, NULL)
CALL(limit_self, SYS_prlimit64, 0, RLIMIT_AS, NULL, room)
CALL(limit_raise, SYS_setrlimit, RLIMIT_AS, room)
CALL(schedule_real_time, SYS_sched_setscheduler, 0, SCHED_FIFO, room)
CALL(schedule_attributes, SYS_sched_setattr, 0, room, 0)
CALL(schedule_other, SYS_sched_setaffinity, t->other, 8, room)
CALL(priority_of_daemon, SYS_setpriority, PRIO_PROCESS, t->daemon, 19)
CALL(session_new, SYS_setsid)
CALL(group_of_other, SYS_setpgid, 0, t->other)
CALL(wait_for_any, SYS_wait4, -1, NULL, 0, NULL)

// Rights.
CALL(namespace_user, SYS_unshare, CLONE_NEWUSER)
CALL(namespace_of_daemon, SYS_setns, 3, 0)
CALL(namespace_by_thread, SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)
CALL(user_root, SYS_setuid, 0)
CALL(user_all, SYS_setresuid, 0, 0, 0)
CALL(group_root, SYS_setgid, 0)
CALL(capabilities, SYS_capset, room, room)
CALL(control_dump, SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)
CALL(control_filter, SYS_prctl, PR_SET_SECCOMP, 2, room, 0, 0)
CALL(control_privileges, SYS_prctl, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0)
CALL(control_tracer, SYS_prctl, PR_SET_PTRACER, -1L, 0, 0, 0)
CALL(control_parent_end, SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
CALL(filter_new, SYS_seccomp, 1, 0, room)
CALL(personality, SYS_personality, 0x0400000)

// The kernel's other doors.
CALL(kernel_uring, SYS_io_uring_setup, 8, room)
CALL(kernel_bpf, SYS_bpf, 0, room, sizeof(room))
CALL(kernel_perf, SYS_perf_event_open, room, 0, -1, -1, 0)
CALL(kernel_userfault, SYS_userfaultfd, 0)
CALL(kernel_key, SYS_add_key, "user", "k", "v", 1, -3)
CALL(kernel_keys, SYS_keyctl, 0, -3, 1)
CALL(kernel_module, SYS_finit_module, 3, "", 0)
CALL(kernel_load, SYS_kexec_load, 0, 0, NULL, 0)
CALL(kernel_restart, SYS_reboot, 0xfee1dead, 672274793, 0x89abcdef, NULL)
CALL(kernel_log, SYS_syslog, 3, room, sizeof(room))
CALL(kernel_time, SYS_clock_settime, 0, room)
CALL(kernel_adjust_time, SYS_clock_adjtime, 0, room)
CALL(kernel_host_name, SYS_sethostname, "x", 1)
CALL(kernel_swap, SYS_swapon, "/x", 0)
CALL(kernel_quota, SYS_quotactl, 0, NULL, 0, NULL)
CALL(kernel_accounting, SYS_acct, NULL)
CALL(shared_segment, SYS_shmget, 0x4c504152, 4096, 01600)
CALL(shared_messages, SYS_msgget, 0x4c504152, 01600)
CALL(shared_semaphores, SYS_semget, 0x4c504152, 1, 01600)
CALL(shared_queue, SYS_mq_open, "x", O_CREAT | O_RDWR, 0600, NULL)
CALL(pages_to_pipe, SYS_vmsplice, 3, &here, 1, 0)
CALL(file_to_file, SYS_copy_file_range, 3, NULL, 3, NULL, 1, 0)
CALL(send_file, SYS_sendfile, 3, 3, NULL, 1)
CALL(pipe_new, SYS_pipe2, room, 0)
CALL(timer_new, SYS_timer_create, 0, NULL, room)
CALL(number_unknown, 4000)

#ifdef __x86_64__
CALL(file_open_old, SYS_open, "/etc/passwd", O_RDONLY, 0)
CALL(process_fork_old, SYS_fork)
CALL(process_vfork_old, SYS_vfork)
CALL(ports, SYS_iopl, 3)
CALL(port_rights, SYS_ioperm, 0, 1024, 1)
CALL(segments, SYS_modify_ldt, 0, room, sizeof(room))
CALL(number_of_x32, 0x40000000 | SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY, 0)
static long call_of_32_bits(const struct target *t)
{
    long result = 5; // open() of the 32-bit kernel interface; the path is no address there, which must not matter
    __asm__ volatile("int $0x80" : "+a"(result) : "b"(0), "c"(0), "d"(0) : "memory", "r8", "r9", "r10", "r11");
    return result;
}
#endif

#define ROW(name)      \
    {                  \
#name, name, 0 \
    }
#define ANSWERED(name, refusal) \
    {                           \
#name, name, refusal    \
    }
const struct attack attacks_calls[] = {
    ANSWERED(file_read, EACCES),
    ANSWERED(file_create, EACCES),
    ANSWERED(file_database, EACCES),
    ANSWERED(file_socket_folder, EACCES),
    ANSWERED(file_proc_self, EACCES),
    ANSWERED(memory_of_daemon, EACCES),
    ANSWERED(memory_of_other, EACCES),
    ANSWERED(files_of_other, EACCES),
    ROW(file_openat2),
    ROW(file_by_handle),
    ANSWERED(file_stat, ENOENT),
    ROW(file_access),
    ANSWERED(file_readlink, EACCES),
    ROW(file_unlink),
    ROW(file_rename),
    ROW(file_link),
    ROW(file_symlink),
    ROW(file_mkdir),
    ROW(file_mknod),
    ROW(file_chmod),
    ROW(file_chown),
    ROW(file_truncate),
    ROW(file_size),
    ROW(file_in_memory),
    ROW(file_secret),
    ROW(file_watch),
    ROW(file_watch_all),
    ROW(root_change),
    ROW(root_pivot),
    ROW(mount_proc),
    ROW(mount_new),
    ROW(mount_tree),
    ROW(mount_end),
    ROW(files_sync),
    ANSWERED(terminal_input, EACCES),
    ROW(socket_internet),
    ROW(socket_internet6),
    ROW(socket_local),
    ROW(socket_netlink),
    ROW(socket_packet),
    ROW(socket_host),
    ROW(socket_pair),
    ROW(socket_bind),
    ROW(socket_listen),
    ROW(socket_option),
    ROW(socket_connect),
    ROW(process_fork),
    ROW(process_clone_shared),
    ANSWERED(process_clone3, ENOSYS),
    ROW(process_exec),
    ROW(process_exec_at),
    ROW(signal_daemon),
    ROW(signal_other),
    ROW(signal_all),
    ROW(signal_thread),
    ROW(signal_thread_of_other),
    ROW(signal_queue),
    ROW(signal_by_descriptor),
    ROW(process_descriptor),
    ROW(process_take_file),
    ROW(trace_daemon),
    ROW(trace_other),
    ROW(read_daemon),
    ROW(write_daemon),
    ROW(read_other),
    ROW(write_other),
    ROW(advise_other),
    ROW(move_pages_of_other),
    ANSWERED(limit_daemon, EACCES),
    ANSWERED(limit_self, EACCES),
    ROW(limit_raise),
    ROW(schedule_real_time),
    ROW(schedule_attributes),
    ROW(schedule_other),
    ROW(priority_of_daemon),
    ROW(session_new),
    ROW(group_of_other),
    ROW(wait_for_any),
    ROW(namespace_user),
    ROW(namespace_of_daemon),
    ROW(namespace_by_thread),
    ROW(user_root),
    ROW(user_all),
    ROW(group_root),
    ROW(capabilities),
    ROW(control_dump),
    ROW(control_filter),
    ROW(control_privileges),
    ROW(control_tracer),
    ROW(control_parent_end),
    ROW(filter_new),
    ROW(personality),
    ROW(kernel_uring),
    ROW(kernel_bpf),
    ROW(kernel_perf),
    ROW(kernel_userfault),
    ROW(kernel_key),
    ROW(kernel_keys),
    ROW(kernel_module),
    ROW(kernel_load),
    ROW(kernel_restart),
    ROW(kernel_log),
    ROW(kernel_time),
    ROW(kernel_adjust_time),
    ROW(kernel_host_name),
    ROW(kernel_swap),
    ROW(kernel_quota),
    ROW(kernel_accounting),
    ROW(shared_segment),
    ROW(shared_messages),
    ROW(shared_semaphores),
    ROW(shared_queue),
    ROW(pages_to_pipe),
    ROW(file_to_file),
    ROW(send_file),
    ROW(pipe_new),
    ROW(timer_new),
    ROW(number_unknown),
#ifdef __x86_64__
    ANSWERED(file_open_old, EACCES),
    ROW(process_fork_old),
    ROW(process_vfork_old),
    ROW(ports),
    ROW(port_rights),
    ROW(segments),
    ROW(number_of_x32),
    ROW(call_of_32_bits),
#endif
    {NULL, NULL, 0},
};
