// SPDX-License-Identifier: Apache-2.0
#include "proto/hyper/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/hyper/attr.h"

int place_root(char path[PLACE_MAX], bool make)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int len;
    if (state && *state == '/') {
        len = snprintf(path, PLACE_MAX, "%s/openlpar", state);
    } else {
        const struct passwd *user = home && *home == '/' ? NULL : getpwuid(geteuid());
        if (user)
            home = user->pw_dir;
        if (!home || *home != '/')
            return -ENOENT;
        len = snprintf(path, PLACE_MAX, "%s/.local/state/openlpar", home);
    }
    if (len < 0 || (u32)len >= PLACE_MAX)
        return -ENAMETOOLONG;
    for (char *p = path + 1; make && p; p = strchr(p, '/'), p = p ? p + 1 : NULL) {
        char *slash = strchr(p, '/');
        if (slash)
            *slash = 0;
        int err = mkdir(path, 0700) ? errno : 0;
        if (slash)
            *slash = '/';
        if (err && err != EEXIST)
            return -err;
    }
    return 0;
}

int place_of(const char *name, char path[PLACE_MAX])
{
    int err = place_root(path, false);
    size_t len = err ? 0 : strlen(path);
    if (!err && (u32)snprintf(path + len, PLACE_MAX - len, "/%s", name) >= PLACE_MAX - len)
        err = -ENAMETOOLONG;
    return err;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int place_each(int (*each)(void *arg, const char *name, const char *path), void *arg)
{
    char path[PLACE_MAX], **names = NULL;
    size_t len = 0;
    int status = place_root(path, false);
    DIR *dir = status ? NULL : opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char **more = attr_system_name_valid(entry->d_name) ? realloc(names, (len + 1) * sizeof(*names)) : NULL;
        if (!more)
            continue;
        names = more;
        if ((names[len] = strdup(entry->d_name)))
            len++;
    }
    if (dir)
        closedir(dir);
    if (len)
        qsort(names, len, sizeof(*names), by_name);
    for (size_t i = 0; i < len; i++) {
        char database[PLACE_MAX + 16];
        if (!status && !place_of(names[i], path)) {
            snprintf(database, sizeof(database), "%s/system.db", path);
            if (access(database, F_OK) == 0)
                status = each(arg, names[i], path);
        }
        free(names[i]);
    }
    free(names);
    return status;
}

bool place_running(const char *path)
{
    char lock[PLACE_MAX + 16];
    snprintf(lock, sizeof(lock), "%s/lock", path);
    int fd = open(lock, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool running = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
    close(fd);
    return running;
}

// A socket's address holds 107 characters only: the folder is named by a descriptor.
static int socket_in(const char *folder, const char *name, int (*use)(int, const struct sockaddr *, socklen_t))
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return -errno;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int len = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir, name), err = 0;
    if (fd < 0 || len < 0 || (size_t)len >= sizeof(address.sun_path) ||
        use(fd, (struct sockaddr *)&address, sizeof(address)))
        err = fd < 0 || errno ? -errno : -ENAMETOOLONG;
    close(dir);
    if (err && fd >= 0)
        close(fd);
    return err ? err : fd;
}

int place_connect(const char *folder, const char *name)
{
    return socket_in(folder, name, connect);
}

int place_bind(const char *folder, const char *name)
{
    mode_t mask = umask(0177); // from the first moment nobody else may connect
    int fd = socket_in(folder, name, bind);
    umask(mask);
    return fd;
}

static char typed[WIRE_TEXT_MAX / 4];

void place_typed(int argc, char **argv)
{
    size_t at = 0;
    for (int i = 0; i < argc && at < sizeof(typed); i++) {
        const char *slash = i ? NULL : strrchr(argv[i], '/'), *word = slash ? slash + 1 : argv[i];
        const char *quote = *word && !strpbrk(word, " \t\n'\"\\") ? "" : "'";
        at += (size_t)snprintf(typed + at, sizeof(typed) - at, "%s%s%s%s", at ? " " : "", quote, word, quote);
    }
}

int place_open(const char *folder, struct link *link)
{
    static const struct wire_record none;
    struct wire_message *m = calloc(1, sizeof(*m));
    int fds[WIRE_FDS_MAX], fd = place_connect(folder, "socket"), err = fd < 0 ? fd : 0;
    if (err || !m) {
        free(m);
        return err ? err : -ENOMEM;
    }
    link_init(link, fd);
    link->patience_ms = PLACE_PATIENCE_MS;
    m->type = MESSAGE_HELLO;
    m->where = none;
    wire_put_num(&m->values, "version", WIRE_VERSION);
    if (*typed)
        wire_put_text(&m->values, "command", typed);
    err = link_peer_uid(fd) == (s64)geteuid() || link_peer_uid(fd) == 0 ? link_send_all(link, m, NULL, 0) : -EPERM;
    if (!err) {
        int got = link_wait(link, m, fds);
        err = got == 0 ? -ECONNREFUSED : got < 0 ? got : 0;
        for (u32 i = 0; got > 0 && i < m->fds; i++)
            close(fds[i]);
        if (!err && (m->type != MESSAGE_HELLO || wire_num(&m->values, "version", 0) != WIRE_VERSION))
            err = -EPROTO;
    }
    free(m);
    link->patience_ms = 0;
    if (err)
        link_fini(link);
    return err;
}
