// SPDX-License-Identifier: Apache-2.0
// The files of pools and of the media library, and those that commands read and write.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vios/admin/storage.h"

static int resize(int fd, u64 size, bool thick)
{
    struct stat st;
    int err = fstat(fd, &st) ? -errno : 0;
    if (!err && (u64)st.st_size < size && ftruncate(fd, (off_t)size))
        err = -errno;
    if (!err && thick && fallocate(fd, 0, 0, (off_t)size))
        err = -errno;
    if (!err && fsync(fd))
        err = -errno;
    close(fd);
    return err;
}

int file_make(struct ios *ios, const char *path, u64 size, bool thick)
{
    if (!ios->config.folder)
        return 0;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : resize(fd, size, thick);
}

int file_grow(struct ios *ios, const char *path, u64 size, bool thick)
{
    if (!ios->config.folder)
        return 0;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    return fd < 0 ? -errno : resize(fd, size, thick);
}

static int copy_bytes(int from, int to)
{
    if (!ioctl(to, FICLONE, from))
        return 0;
    for (;;) {
        ssize_t got = sendfile(to, from, NULL, 64 * MIB);
        if (got == 0)
            return 0;
        if (got < 0 && errno != EINTR)
            return -errno;
    }
}

int file_copy(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC), err = in < 0 ? -errno : 0;
    int out = err ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (!err && out < 0)
        err = -errno;
    if (!err)
        err = copy_bytes(in, out);
    if (!err && fsync(out))
        err = -errno;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return err;
}

int folder_make(struct ios *ios, const char *path)
{
    char parent[PATH_SIZE];
    if (!ios->config.folder)
        return 0;
    snprintf(parent, sizeof(parent), "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash) {
        *slash = 0;
        if (mkdir(parent, 0700) && errno != EEXIST)
            return -errno;
    }
    return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

// Whether a real path lies in a folder.
static bool inside(const char *path, const char *folder)
{
    char real[PATH_MAX];
    if (!realpath(folder, real))
        return false;
    size_t len = strlen(real);
    return strncmp(path, real, len) == 0 && path[len] == '/';
}

static bool may_read(struct ios *ios, const char *path)
{
    char home[PATH_SIZE], line[PATH_SIZE];
    bool may;
    snprintf(home, sizeof(home), "%s/home", ios->config.folder);
    may = inside(path, home);
    snprintf(home, sizeof(home), "%s/import_folders", ios->config.folder);
    FILE *from = may ? NULL : fopen(home, "re");
    while (from && !may && fgets(line, sizeof(line), from)) {
        line[strcspn(line, "\n")] = 0;
        may = *line == '/' && (inside(path, line) || strcmp(line, "/") == 0);
    }
    if (from)
        fclose(from);
    return may;
}

bool home_path(struct ios_call *call, const char *name, bool reading, char path[PATH_SIZE])
{
    struct ios *ios = call->ios;
    char home[PATH_SIZE], real[PATH_MAX];
    const char *beneath = strncmp(name, "/home/padmin/", 13) ? name : name + 13;
    if (!ios->config.folder) {
        refuse(call, NULL, "This server has no folder, and so no files.");
        return false;
    }
    snprintf(home, sizeof(home), "%.900s/home", ios->config.folder);
    folder_make(ios, home);
    if (!reading) {
        if (*beneath == '/' || strstr(beneath, "..") || strlen(beneath) > 100 || !*beneath) {
            refuse(call, NULL, "\"%s\" is not a file of the home folder; give a name without / at its beginning.",
                   name);
            return false;
        }
        snprintf(path, PATH_SIZE, "%.900s/home/%.100s", ios->config.folder, beneath);
        return true;
    }
    if (*beneath == '/')
        snprintf(path, PATH_SIZE, "%s", beneath);
    else
        snprintf(path, PATH_SIZE, "%.900s/home/%.100s", ios->config.folder, beneath);
    if (!realpath(path, real)) {
        refuse(call, NULL, "\"%s\": %s.", name, strerror(errno));
        return false;
    }
    if (!may_read(ios, real)) {
        refuse(call, NULL,
               "\"%s\" may not be read from here: put it into %s, or write its folder's path into %s/import_folders.",
               name, home, ios->config.folder);
        return false;
    }
    snprintf(path, PATH_SIZE, "%.1000s", real);
    return true;
}

static void settle(const char *path, u64 size)
{
    struct stat st;
    if (!stat(path, &st) && S_ISREG(st.st_mode) && (u64)st.st_size != size && truncate(path, (off_t)size))
        errno = 0; // the data path says what is wrong with it
}

void files_settle(struct ios *ios)
{
    char path[PATH_SIZE];
    struct query q;
    if (!ios->config.folder)
        return;
    query_begin(&q, ios, "SELECT pool, name, size FROM bd", "");
    while (query_next(&q)) {
        storage_path(ios, query_text(&q, 0), query_text(&q, 1), path);
        settle(path, (u64)query_number(&q, 2));
    }
    query_end(&q);
    query_begin(&q, ios, "SELECT name FROM lv WHERE file", "");
    while (query_next(&q)) {
        volume_path(ios, query_text(&q, 0), path);
        settle(path, volume_size(ios, query_text(&q, 0)));
    }
    query_end(&q);
}
