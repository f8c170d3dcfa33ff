// SPDX-License-Identifier: Apache-2.0
// openlpar-iscsi: reaches one LUN of an iSCSI target for a Virtual I/O Server's process, over a link (proto/vio/remote.h). It may use the network, and has nothing else to
// lose: what lies in partitions it sees as far as it is on that LUN.
//
// While the target is away requests wait: libiscsi logs in again and repeats them. One process at a time writes to a LUN from this host: it holds a lock, and its session has
// a name of its own, so that the target ends what an earlier process of it had under way before it takes anything from the next one.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <poll.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sanitized.h"
#include "ipc/ring.h"
#include "ipc/shut_in.h"
#include "proto/vio/config.h"
#include "proto/vio/remote.h"

SANITIZED_SHUT_IN

#define BLOCK       512u
#define CONNECT_MS  10000u // at the start: whoever waits for it has others to serve
#define PIECE       MIB    // of one command
#define SAME_BLOCKS 0xffffu
#define ZEROS       (256 * KIB)
#define LATER_MS    50
#define TRIES       600u // of what fails for a while, LATER_MS apart
#define KEEPALIVE   10   // seconds without a word before the target is asked for a sign of life
#define INITIATOR   "iqn.2026-01.org.openlpar"

static const int allowed[] = {
    SCMP_SYS(read),         SCMP_SYS(write),           SCMP_SYS(pread64),       SCMP_SYS(readv),
    SCMP_SYS(writev),       SCMP_SYS(close),           SCMP_SYS(fstat),         SCMP_SYS(stat),
    SCMP_SYS(newfstatat),   SCMP_SYS(lseek),           SCMP_SYS(poll),          SCMP_SYS(ppoll),
    SCMP_SYS(socket),       SCMP_SYS(connect),         SCMP_SYS(bind),          SCMP_SYS(shutdown),
    SCMP_SYS(getsockname),  SCMP_SYS(getpeername),     SCMP_SYS(getsockopt),    SCMP_SYS(setsockopt),
    SCMP_SYS(sendto),       SCMP_SYS(recvfrom),        SCMP_SYS(sendmsg),       SCMP_SYS(sendmmsg),
    SCMP_SYS(recvmsg),      SCMP_SYS(fcntl),           SCMP_SYS(ioctl),         SCMP_SYS(mmap),
    SCMP_SYS(munmap),       SCMP_SYS(mprotect),        SCMP_SYS(mremap),        SCMP_SYS(madvise),
    SCMP_SYS(brk),          SCMP_SYS(futex),           SCMP_SYS(uname),         SCMP_SYS(getpid),
    SCMP_SYS(gettid),       SCMP_SYS(getrandom),       SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
    SCMP_SYS(nanosleep),    SCMP_SYS(clock_nanosleep), SCMP_SYS(dup2),          SCMP_SYS(dup3),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),  SCMP_SYS(rt_sigreturn),  SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),         SCMP_SYS(exit_group),      SCMP_SYS(tgkill),
};

// A request of the server's: commands for a piece of it after the other.
struct request {
    struct reach *reach;
    struct remote_request m;
    u64 at;    // what is done of it
    u64 piece; // under way
    u32 tries;
    u8 way; // of the command under way: enum zeroing or enum flush
    bool busy, later;
    struct scsi_iovec iov;
};

// How ranges become zeros: what the target does not know is not tried again.
enum zeroing { BY_UNMAP, BY_SAME, BY_WRITES };
enum flush { BY_SYNC_16, BY_SYNC_10 };

struct reach {
    struct iscsi_context *iscsi;
    struct iscsi_url *url;
    struct ring *ring;
    u8 *data;
    u64 blocks, piece_max;
    u32 physical;
    bool read_only;
    u8 zeroing, flush; // enum zeroing, enum flush
    u8 zeros[ZEROS];
    struct request requests[REMOTE_REQUESTS];
};

// --- requests

static void advance(struct request *r);

static void finish(struct request *r, int err)
{
    struct reach *reach = r->reach;
    struct remote_done *m = ring_reserve(reach->ring, sizeof(*m));
    r->busy = r->later = false;
    if (!m) // there is room for an answer to each request: the server is not what it should be
        exit(1);
    *m = (struct remote_done){.id = r->m.id, .error = err};
    ring_commit(reach->ring, sizeof(*m));
}

static void try_later(struct request *r, int err)
{
    if (++r->tries > TRIES)
        finish(r, err);
    else
        r->later = true;
}

static void sense_failed(struct request *r, const struct scsi_task *task)
{
    struct reach *reach = r->reach;
    enum remote_op op = r->m.op;
    switch (task->sense.key) {
    case SCSI_SENSE_UNIT_ATTENTION:
    case SCSI_SENSE_COMMAND_ABORTED:
    case SCSI_SENSE_NOT_READY: try_later(r, -EIO); break;
    case SCSI_SENSE_ILLEGAL_REQUEST:
        if (op == REMOTE_FLUSH && r->way == BY_SYNC_16) {
            reach->flush = BY_SYNC_10;
            advance(r);
        } else if (op == REMOTE_FLUSH) { // a target that has neither command has no cache
            finish(r, 0);
        } else if ((op == REMOTE_ZERO || op == REMOTE_DISCARD) && r->way != BY_WRITES) {
            reach->zeroing = MAX(reach->zeroing, r->way + 1);
            advance(r);
        } else {
            finish(r, -EIO);
        }
        break;
    case SCSI_SENSE_DATA_PROTECTION: finish(r, task->sense.ascq == 0x2707 ? -ENOSPC : -EIO); break;
    default: finish(r, -EIO); break;
    }
}

static void command_done(struct iscsi_context *iscsi, int status, void *command_data, void *arg)
{
    struct request *r = arg;
    struct scsi_task *task = command_data;
    switch (status) {
    case SCSI_STATUS_GOOD:
        r->at += r->piece;
        r->tries = 0;
        if (r->m.op == REMOTE_FLUSH || r->at >= r->m.size)
            finish(r, 0);
        else
            advance(r);
        break;
    case SCSI_STATUS_CHECK_CONDITION: sense_failed(r, task); break;
    case SCSI_STATUS_RESERVATION_CONFLICT: finish(r, -EIO); break;
    default: try_later(r, -EIO); break; // busy, a full task set, a session that ended
    }
    scsi_free_scsi_task(task);
}

static struct scsi_task *send_command(struct request *r)
{
    struct reach *reach = r->reach;
    struct iscsi_context *iscsi = reach->iscsi;
    int lun = reach->url->lun;
    u64 lba = (r->m.offset + r->at) / BLOCK, rest = r->m.size - r->at;
    u8 *data = reach->data + r->m.data + r->at;
    enum remote_op op = r->m.op;
    bool zeros = op == REMOTE_ZERO || op == REMOTE_DISCARD;
    r->way = op == REMOTE_FLUSH ? reach->flush : reach->zeroing;
    if (r->way == BY_SYNC_10 && op == REMOTE_FLUSH)
        return iscsi_synchronizecache10_task(iscsi, lun, 0, 0, 0, 0, command_done, r);
    if (op == REMOTE_FLUSH)
        return iscsi_synchronizecache16_task(iscsi, lun, 0, 0, 0, 0, command_done, r);
    if (zeros && reach->zeroing != BY_WRITES) {
        r->piece = MIN(rest, (u64)SAME_BLOCKS * BLOCK);
        return iscsi_writesame16_task(iscsi, lun, lba, reach->zeros, BLOCK, (u32)(r->piece / BLOCK), 0,
                                      op == REMOTE_DISCARD && reach->zeroing == BY_UNMAP, 0, 0, command_done, r);
    }
    r->piece = MIN(rest, zeros ? MIN(reach->piece_max, (u64)ZEROS) : reach->piece_max);
    r->iov = (struct scsi_iovec){.iov_base = zeros ? reach->zeros : data, .iov_len = r->piece};
    if (op == REMOTE_READ)
        return iscsi_read16_iov_task(iscsi, lun, lba, (u32)r->piece, BLOCK, 0, 0, 0, 0, 0, command_done, r, &r->iov, 1);
    return iscsi_write16_iov_task(iscsi, lun, lba, NULL, (u32)r->piece, BLOCK, 0, 0, r->m.durable != 0, 0, 0,
                                  command_done, r, &r->iov, 1);
}

static void advance(struct request *r)
{
    r->later = false;
    if (!send_command(r))
        try_later(r, -EIO);
}

// Whether the range is on the LUN, which may have grown, is for the target to say.
static bool request_valid(const struct reach *reach, const struct remote_request *m)
{
    bool moves = m->op == REMOTE_READ || m->op == REMOTE_WRITE;
    if (m->op == REMOTE_FLUSH)
        return true;
    return m->op && m->op <= REMOTE_DISCARD && m->size && !((m->offset | m->size) % BLOCK) &&
           (!moves || (m->data <= REMOTE_DATA_SIZE && m->size <= REMOTE_DATA_SIZE - m->data)) &&
           (m->op == REMOTE_READ || !reach->read_only);
}

static void take_requests(struct reach *reach)
{
    const void *shared;
    u32 size;
    while ((shared = ring_peek(reach->ring, &size))) {
        struct remote_request m;
        if (size < sizeof(m))
            exit(1);
        memcpy(&m, shared, sizeof(m));
        ring_consume(reach->ring);
        struct request *r = m.id < REMOTE_REQUESTS ? &reach->requests[m.id] : NULL;
        if (!r || r->busy)
            exit(1);
        *r = (struct request){.reach = reach, .m = m, .busy = true};
        if (request_valid(reach, &m))
            advance(r);
        else
            finish(r, -EIO);
    }
    if (ring_broken(reach->ring))
        exit(1);
}

// Whether some wait still.
static bool retry_later(struct reach *reach)
{
    bool any = false;
    for (u32 i = 0; i < REMOTE_REQUESTS; i++) {
        struct request *r = &reach->requests[i];
        if (r->busy && r->later)
            advance(r);
        any |= r->busy && r->later;
    }
    return any;
}

static _Noreturn void serve(struct reach *reach)
{
    bool later = false, asleep;
    for (;;) {
        take_requests(reach);
        ring_notify(reach->ring);
        asleep = ring_sleep(reach->ring);
        struct pollfd p[] = {{.fd = VIOS_FD, .events = POLLIN},
                             {.fd = ring_bell(reach->ring), .events = POLLIN},
                             {.fd = iscsi_get_fd(reach->iscsi), .events = (short)iscsi_which_events(reach->iscsi)}};
        bool waits = later || iscsi_queue_length(reach->iscsi);
        if (poll(p, ARRAY_LEN(p), !asleep ? 0 : waits ? LATER_MS : 1000) < 0 && errno != EINTR)
            exit(1);
        if (p[0].revents)
            exit(0); // the server is gone
        if (p[1].revents & POLLIN)
            ring_woken(reach->ring);
        else if (asleep)
            ring_awake(reach->ring);
        // Without events too: a lost connection is made anew in its own time.
        if (iscsi_service(reach->iscsi, p[2].revents) < 0)
            iscsi_reconnect(reach->iscsi);
        later = retry_later(reach);
    }
}

// --- the start

static u64 identity_of(const struct iscsi_url *url)
{
    char text[MAX_STRING_SIZE + 32];
    u64 hash = 14695981039346656037ull; // FNV-1a
    snprintf(text, sizeof(text), "%s/%d", url->target, url->lun);
    for (const char *p = text; *p; p++)
        hash = (hash ^ (u8)*p) * 1099511628211ull;
    return hash;
}

// Until this process ends.
static void lock(const struct vios_disk *m, u64 identity)
{
    char path[64];
    s64 until = clock_ns() + (s64)m->wait_ms * 1000000;
    snprintf(path, sizeof(path), "/dev/shm/openlpar-iscsi-%u-%016" PRIx64, geteuid(), identity);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        vios_fail(VIOS_FD, "%s: %s", path, strerror(errno));
    while (flock(fd, (m->flags & VIOS_DISK_READ_ONLY ? LOCK_SH : LOCK_EX) | LOCK_NB)) {
        if (clock_ns() >= until)
            vios_fail(VIOS_FD,
                      "is in use by another partition; a disk that several use must be read-only for all of them");
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

static struct iscsi_context *new_context(const struct vios_disk *m, bool sole, struct iscsi_url **url)
{
    char name[MAX_STRING_SIZE];
    struct utsname host;
    uname(&host);
    snprintf(name, sizeof(name), INITIATOR ":%.100s", host.nodename);
    struct iscsi_context *iscsi = iscsi_create_context(name);
    *url = iscsi ? iscsi_parse_full_url(iscsi, m->path) : NULL;
    if (!*url)
        vios_fail(VIOS_FD, "is not an address as iscsi://[USER%%PASSWORD@]HOST[:PORT]/TARGET/LUN");
    if (sole) { // the session's name: the next process's login ends what this one left
        u64 identity = identity_of(*url);
        iscsi_set_isid_random(iscsi, (u32)identity & 0xffffff, (u32)(identity >> 24) & 0xffff);
    }
    iscsi_set_targetname(iscsi, (*url)->target);
    iscsi_set_session_type(iscsi, ISCSI_SESSION_NORMAL);
    iscsi_set_header_digest(iscsi, ISCSI_HEADER_DIGEST_NONE_CRC32C);
    if ((*url)->user[0])
        iscsi_set_initiator_username_pwd(iscsi, (*url)->user, (*url)->passwd);
    if ((*url)->target_user[0])
        iscsi_set_target_username_pwd(iscsi, (*url)->target_user, (*url)->target_passwd);
    iscsi_set_reconnect_max_retries(iscsi, -1);
    return iscsi;
}

static void log_in(struct reach *reach, const struct vios_disk *m, bool sole)
{
    s64 until = clock_ns() + CONNECT_MS * 1000000ll;
    for (;;) {
        reach->iscsi = new_context(m, sole, &reach->url);
        iscsi_set_timeout(reach->iscsi, CONNECT_MS / 1000);
        if (!iscsi_full_connect_sync(reach->iscsi, reach->url->portal, reach->url->lun))
            break;
        struct pollfd gone = {.fd = VIOS_FD, .events = POLLIN};
        if (clock_ns() >= until)
            vios_fail(VIOS_FD, "the target %s at %s cannot be reached: %s", reach->url->target, reach->url->portal,
                      iscsi_get_error(reach->iscsi));
        if (poll(&gone, 1, 200) == 1)
            exit(1);
        iscsi_destroy_url(reach->url);
        iscsi_destroy_context(reach->iscsi);
    }
    iscsi_set_timeout(reach->iscsi, 0); // requests wait for the target
    iscsi_set_tcp_keepalive(reach->iscsi, KEEPALIVE, 3, KEEPALIVE);
}

static void find_size(struct reach *reach)
{
    struct scsi_task *task = iscsi_readcapacity16_sync(reach->iscsi, reach->url->lun);
    const struct scsi_readcapacity16 *c =
        task && task->status == SCSI_STATUS_GOOD ? scsi_datain_unmarshall(task) : NULL;
    if (!c)
        vios_fail(VIOS_FD, "LUN %d of the target is no disk, or there is none: %s", reach->url->lun,
                  iscsi_get_error(reach->iscsi));
    if (c->block_length != BLOCK)
        vios_fail(VIOS_FD, "LUN %d has blocks of %u bytes; only disks with blocks of %u bytes can be served",
                  reach->url->lun, c->block_length, BLOCK);
    reach->blocks = c->returned_lba + 1;
    reach->physical = BLOCK << MIN(c->lbppbe, 3);
    scsi_free_scsi_task(task);
}

static void find_limits(struct reach *reach)
{
    struct scsi_task *task =
        iscsi_inquiry_sync(reach->iscsi, reach->url->lun, 1, SCSI_INQUIRY_PAGECODE_BLOCK_LIMITS, 255);
    const struct scsi_inquiry_block_limits *limits =
        task && task->status == SCSI_STATUS_GOOD ? scsi_datain_unmarshall(task) : NULL;
    reach->piece_max = PIECE;
    if (limits && limits->max_xfer_len)
        reach->piece_max = MIN(PIECE, (u64)limits->max_xfer_len * BLOCK);
    if (task)
        scsi_free_scsi_task(task);
}

int main(void)
{
    static struct reach reach;
    union vios_message m;
    int fds[VIOS_FDS_MAX], type = 0;
    unsigned fds_len;
    socklen_t size = sizeof(type);
    if (getsockopt(VIOS_FD, SOL_SOCKET, SO_TYPE, &type, &size) || type != SOCK_SEQPACKET) {
        fprintf(stderr, "openlpar-iscsi: Virtual I/O Servers start this program: openlpar boot --disk iscsi://...\n");
        return 1;
    }
    // Whoever started it waits for this process, and is perhaps shut in soon.
    pid_t child = fork();
    if (child)
        return child < 0;
    if (vios_receive(VIOS_FD, &m, fds, &fds_len) != 1 || m.header.type != VIOS_DISK || (fds_len && fds_len != 3))
        vios_fail(VIOS_FD, "a message of another version of OpenLPAR, or none");
    struct vios_disk found = {
        .header = vios_header(VIOS_DISK), .target = 1, .flags = m.disk.flags & VIOS_DISK_READ_ONLY};
    reach.read_only = found.flags;
    bool sole = fds_len && !reach.read_only;
    struct iscsi_url *url;
    iscsi_destroy_context(new_context(&m.disk, false, &url));
    if (fds_len)
        lock(&m.disk, identity_of(url));
    iscsi_destroy_url(url);
    if (shut_in(allowed, ARRAY_LEN(allowed), SHUT_IN_READ_FILES | SHUT_IN_REFUSE))
        vios_fail(VIOS_FD, "the host refuses seccomp filters");
    log_in(&reach, &m.disk, sole);
    find_size(&reach);
    find_limits(&reach);
    u64 identity = identity_of(reach.url);
    found.size = reach.blocks * BLOCK;
    found.physical = reach.physical;
    memcpy(found.identity, &identity, sizeof(identity));
    if (fds_len) {
        const struct ring_fds link = {fds[0], {fds[1], fds[2]}};
        reach.ring = ring_attach(&link, REMOTE_REACHES);
        if (!reach.ring || ring_data_size(reach.ring) < REMOTE_DATA_SIZE)
            vios_fail(VIOS_FD, "the link to it is none");
        reach.data = ring_data(reach.ring);
    }
    if (vios_send(VIOS_FD, &found, sizeof(found), NULL, 0))
        return 0;
    if (fds_len)
        serve(&reach);
    iscsi_logout_sync(reach.iscsi);
    return 0;
}
