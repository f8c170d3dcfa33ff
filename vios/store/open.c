// SPDX-License-Identifier: Apache-2.0
//
// A server that is killed leaves operations behind that the kernel still carries out. They hold the open file, and with it the file's lock: the next server
// gets the lock when the last one of them is done, so that an old write never comes after a newer one. For this reason each open file locks a byte of
// its own, for all others' writers to meet.
#include "vios/store/open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "vios/store/remote.h"
#include "vios/store/store.h"

#define SECTOR   512u
#define IDENTITY STORE_VALUE_PREFIX "identity"

// Byte `byte` for this open file; for readers others' reading is no obstacle.
static bool lock(int fd, bool read_only, s64 byte, u32 wait_ms)
{
    struct flock fl = {.l_type = read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    for (u32 waited = 0; fcntl(fd, F_OFD_SETLK, &fl); waited++) {
        if ((errno != EAGAIN && errno != EACCES) || waited >= wait_ms)
            return errno != EAGAIN && errno != EACCES; // a file system without locks has no other users to fear either
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return true;
}

// Where the file has no place for it, the identity comes from the path.
static void find_identity(struct vios_disk *m, int fd)
{
    char full[PATH_MAX];
    bool read_only = m->flags & VIOS_DISK_READ_ONLY;
    bool kept = fgetxattr(fd, IDENTITY, m->identity, sizeof(m->identity)) == (ssize_t)sizeof(m->identity);
    if (!kept && !read_only)
        kept = getrandom(m->identity, sizeof(m->identity), 0) == (ssize_t)sizeof(m->identity) &&
               !fsetxattr(fd, IDENTITY, m->identity, sizeof(m->identity), 0) && !fsync(fd);
    if (kept) {
        m->flags |= read_only ? 0 : VIOS_DISK_VALUES;
        return;
    }
    u64 hash = 14695981039346656037ull; // FNV-1a
    for (const char *p = realpath(m->path, full) ? full : m->path; *p; p++)
        hash = (hash ^ (u8)*p) * 1099511628211ull;
    memcpy(m->identity, &hash, sizeof(hash));
}

static void find_units(struct vios_disk *m, const char *path, int fd, const struct stat *st)
{
    struct statx x;
    int sector = SECTOR;
    m->place_unit = m->memory_unit = SECTOR;
    m->physical = (u32)MIN(MAX(st->st_blksize, (long)SECTOR), 4096l);
    if (S_ISBLK(st->st_mode)) {
        unsigned physical = SECTOR;
        if (!ioctl(fd, BLKPBSZGET, &physical) && physical >= SECTOR)
            m->physical = physical;
        if (!ioctl(fd, BLKSSZGET, &sector) && sector > (int)SECTOR)
            m->place_unit = m->memory_unit = (u32)sector;
    }
#ifdef STATX_DIOALIGN
    if (!statx(AT_FDCWD, path, 0, STATX_DIOALIGN, &x) && (x.stx_mask & STATX_DIOALIGN) && x.stx_dio_offset_align) {
        m->place_unit = MAX(x.stx_dio_offset_align, SECTOR);
        m->memory_unit = MAX(x.stx_dio_mem_align, 1u);
    }
#else
    (void)x;
#endif
}

static bool fail(int fds[VIOS_FDS_MAX], unsigned *fds_len, char *why, size_t why_size, const char *text, int err)
{
    snprintf(why, why_size, text, strerror(err));
    while (*fds_len)
        close(fds[--*fds_len]);
    return false;
}

static bool open_state(struct vios_disk *m, const char *state, int *fds, unsigned *fds_len)
{
    int fd = open(state, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    fds[(*fds_len)++] = fd;
    m->flags |= VIOS_DISK_STATE;
    return true;
}

static bool open_remote(struct vios_disk *m, const char *state, int fds[VIOS_FDS_MAX], unsigned *fds_len, char *why,
                        size_t why_size)
{
    if (!remote_open(m, fds, fds_len, why, why_size))
        return false;
    if (state && !(m->flags & VIOS_DISK_READ_ONLY) && !open_state(m, state, fds, fds_len))
        return fail(fds, fds_len, why, why_size, "its file of reservations cannot be opened: %s", errno);
    if (!m->name[0])
        snprintf(m->name, sizeof(m->name), "%.63s", m->path + strlen("iscsi://"));
    return true;
}

bool store_open(struct vios_disk *m, const char *state, int fds[VIOS_FDS_MAX], unsigned *fds_len, char *why,
                size_t why_size)
{
    struct stat st;
    *fds_len = 0;
    if (m->flags & VIOS_DISK_OPTICAL)
        m->flags |= VIOS_DISK_READ_ONLY;
    if (remote_is(m->path))
        return open_remote(m, state, fds, fds_len, why, why_size);
    bool read_only = m->flags & VIOS_DISK_READ_ONLY;
    int flags = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK, fd = open(m->path, flags);
    if (fd < 0 && errno == ENOENT)
        return fail(fds, fds_len, why, why_size, "there is no such file; make one with: truncate -s 20G FILE", 0);
    if (fd < 0 && (errno == EACCES || errno == EROFS) && !read_only)
        return fail(fds, fds_len, why, why_size, "%s; allow writing, or give it as read-only (FILE,ro)", errno);
    if (fd < 0)
        return fail(fds, fds_len, why, why_size, "%s", errno);
    fds[(*fds_len)++] = fd;
    m->flags |= VIOS_DISK_CACHED;
    if (fstat(fd, &st) || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)))
        return fail(fds, fds_len, why, why_size, "is neither a file nor a block device", 0);
    s64 size = lseek(fd, 0, SEEK_END);
    m->size = size > 0 ? (u64)size / SECTOR * SECTOR : 0;
    if (!m->size)
        return fail(fds, fds_len, why, why_size, "is empty; give it its size with: truncate -s 20G FILE", 0);
    int direct = open(m->path, flags | O_DIRECT);
    if (direct >= 0) {
        fds[(*fds_len)++] = direct;
        m->flags |= VIOS_DISK_DIRECT;
    }
    if (!lock(fd, read_only, 0, m->wait_ms) || (direct >= 0 && !lock(direct, read_only, 1, m->wait_ms)))
        return fail(
            fds, fds_len, why, why_size,
            "is in use by another partition; a disk that several use must be read-only (FILE,ro) for all of them", 0);
    find_units(m, m->path, fd, &st);
    find_identity(m, fd);
    if (state && !(m->flags & VIOS_DISK_VALUES) && !read_only && !open_state(m, state, fds, fds_len))
        return fail(fds, fds_len, why, why_size, "its file of reservations cannot be opened: %s", errno);
    const char *name = strrchr(m->path, '/');
    if (!m->name[0])
        snprintf(m->name, sizeof(m->name), "%.63s", name ? name + 1 : m->path);
    return true;
}

// Its pieces' bytes, of both ways to it.
static bool lock_pieces(const struct vios_disk *m, u32 file, int cached, int direct)
{
    bool read_only = m->flags & VIOS_DISK_READ_ONLY, all = true;
    for (u32 i = 0; i < m->pieces_len; i++) {
        const struct vios_piece *p = &m->pieces[i];
        if (p->file == file)
            all &= lock(cached, read_only, (s64)p->offset, m->wait_ms) &&
                   (direct < 0 || lock(direct, read_only, (s64)p->offset + 1, m->wait_ms));
    }
    return all;
}

// The larger needs of several files hold for the disk.
static void join_units(struct vios_disk *m, const char *path, int fd, const struct stat *st)
{
    struct vios_disk one = {0};
    find_units(&one, path, fd, st);
    m->place_unit = MAX(m->place_unit, one.place_unit);
    m->memory_unit = MAX(m->memory_unit, one.memory_unit);
    m->physical = MAX(m->physical, one.physical);
}

static bool end_within(const struct vios_disk *m, u32 file, int fd)
{
    s64 size = lseek(fd, 0, SEEK_END);
    for (u32 i = 0; i < m->pieces_len; i++) {
        const struct vios_piece *p = &m->pieces[i];
        if (p->file == file && (size < 0 || p->offset + p->size > (u64)size))
            return false;
    }
    return true;
}

bool store_open_pieces(struct vios_disk *m, const char *const *paths, const char *state, bool grows,
                       int fds[VIOS_FDS_MAX], unsigned *fds_len, char *why, size_t why_size)
{
    u32 files = vios_disk_files(m);
    int flags = (m->flags & VIOS_DISK_READ_ONLY ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK;
    bool all_direct = true;
    *fds_len = 0;
    if (!files)
        return fail(fds, fds_len, why, why_size, "is in too many pieces, or on too many disks", 0);
    for (u32 i = 0; i < files && all_direct; i++) {
        int fd = open(paths[i], flags | O_DIRECT);
        all_direct = fd >= 0;
        if (fd >= 0)
            close(fd);
    }
    m->flags |= VIOS_DISK_PIECES | VIOS_DISK_CACHED | (all_direct ? VIOS_DISK_DIRECT : 0);
    m->place_unit = m->memory_unit = m->physical = 0;
    for (u32 i = 0; i < files; i++) {
        struct stat st;
        int cached = open(paths[i], flags), direct = -1;
        if (cached < 0)
            return fail(fds, fds_len, why, why_size, "one of its disks cannot be opened: %s", errno);
        fds[(*fds_len)++] = cached;
        if (all_direct && (direct = open(paths[i], flags | O_DIRECT)) < 0)
            return fail(fds, fds_len, why, why_size, "one of its disks cannot be opened: %s", errno);
        if (direct >= 0)
            fds[(*fds_len)++] = direct;
        if (fstat(cached, &st) || !end_within(m, i, cached))
            return fail(fds, fds_len, why, why_size, "one of its disks is smaller than it was", 0);
        if (!lock_pieces(m, i, cached, direct) && !grows)
            return fail(fds, fds_len, why, why_size, "is in use by another server", 0);
        join_units(m, paths[i], cached, &st);
    }
    if (state && !(m->flags & VIOS_DISK_READ_ONLY) && !open_state(m, state, fds, fds_len))
        return fail(fds, fds_len, why, why_size, "its file of reservations cannot be opened: %s", errno);
    return true;
}
