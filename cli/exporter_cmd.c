// SPDX-License-Identifier: Apache-2.0
#include "cli/exporter_cmd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/metrics.h"
#include "cli/say.h"
#include "proto/hyper/attr.h"
#include "proto/hyper/place.h"

#define PORT_DEFAULT   "127.0.0.1:9817"
#define CLIENTS_MAX    16u
#define CLIENT_SECONDS 10u
#define CLIENT_MEMORY  (32u * 1024)
#define SYSTEMS_MAX    64u
#define KEPT_NS        1000000000ll

// What the server's one thread has.
struct exporter {
    const char *only; // a system's name; NULL: all that run
    struct snapshot list[SYSTEMS_MAX];
    u32 len;
    char *text; // of the last look
    size_t size;
    s64 at;
};

static int look(void *arg, const char *name, const char *path)
{
    struct exporter *e = arg;
    if ((e->only ? strcmp(e->only, name) != 0 : !place_running(path)) || e->len == SYSTEMS_MAX)
        return 0;
    struct snapshot *s = &e->list[e->len++];
    if (snapshot_open(path, s)) {
        snapshot_free(s); // without a state it is down
        *s->state = 0;
    }
    snprintf(s->name, sizeof(s->name), "%s", name);
    return 0;
}

static bool scrape(struct exporter *e)
{
    s64 now = clock_ns();
    if (e->text && now - e->at < KEPT_NS)
        return true;
    free(e->text);
    e->text = NULL;
    FILE *to = open_memstream(&e->text, &e->size);
    if (!to)
        return false;
    e->len = 0;
    place_each(look, e);
    metrics_write(to, e->list, e->len);
    for (u32 i = 0; i < e->len; i++)
        snapshot_free(&e->list[i]);
    e->at = now;
    return fclose(to) == 0 && e->text;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type, const char *text,
                              size_t size)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(size, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    if (!r)
        return MHD_NO;
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, status, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned status, const char *text)
{
    return answer(connection, status, "text/plain; charset=utf-8", text, strlen(text));
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **state)
{
    struct exporter *e = arg;
    if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
        return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "Only GET and HEAD are answered.\n");
    if (strcmp(url, "/") == 0)
        return say(connection, MHD_HTTP_OK, "OpenLPAR: metrics of managed systems are at /metrics\n");
    if (strcmp(url, "/metrics"))
        return say(connection, MHD_HTTP_NOT_FOUND, "There is nothing here; metrics are at /metrics\n");
    if (!scrape(e))
        return say(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "There is no memory for the metrics.\n");
    return answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", e->text, e->size);
}

bool exporter_parse_listen(const char *text, bool *ipv6, u16 *port)
{
    static const struct {
        const char *prefix;
        bool ipv6;
    } hosts[] = {{"127.0.0.1:", false}, {"localhost:", false}, {"[::1]:", true}, {"", false}};
    for (unsigned i = 0; i < ARRAY_LEN(hosts); i++) {
        size_t len = strlen(hosts[i].prefix);
        u64 number = 0;
        if (strncmp(text, hosts[i].prefix, len))
            continue;
        const char *p = text + len;
        if (!*p || strlen(p) > 5)
            return false;
        for (; *p >= '0' && *p <= '9'; p++)
            number = number * 10 + (u64)(*p - '0');
        *ipv6 = hosts[i].ipv6;
        *port = (u16)number;
        return !*p && number <= 65535;
    }
    return false;
}

static int listen_on(const struct sockaddr *address, socklen_t size)
{
    int one = 1, fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (address->sa_family != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, address, size) || listen(fd, 16)) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

static int open_port(const char *text)
{
    bool ipv6;
    u16 port;
    if (!exporter_parse_listen(text, &ipv6, &port))
        return -EINVAL;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = ipv6 ? listen_on((const struct sockaddr *)&v6, sizeof(v6))
                  : listen_on((const struct sockaddr *)&v4, sizeof(v4));
    socklen_t size = ipv6 ? sizeof(v6) : sizeof(v4);
    if (fd >= 0 && getsockname(fd, ipv6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4, &size) == 0)
        printf("listening on http://%s:%u/metrics\n", ipv6 ? "[::1]" : "127.0.0.1",
               ntohs(ipv6 ? v6.sin6_port : v4.sin_port));
    return fd;
}

// One that an exporter left which was killed is taken over; one where somebody listens is not.
static int open_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;
    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool dead = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) && errno == ECONNREFUSED;
        if (fd >= 0)
            close(fd);
        if (dead)
            unlink(path);
    }
    mode_t mask = umask(0077);
    int fd = listen_on((const struct sockaddr *)&address, sizeof(address));
    umask(mask);
    if (fd >= 0)
        printf("listening on %s\n", path);
    return fd;
}

static int help(void)
{
    printf("Usage: openlpar system exporter [NAME] [--listen ADDRESS:PORT | --socket PATH]\n\n"
           "Serves metrics of the managed systems that run, or of one, to Prometheus, until it is interrupted. The "
           "address is "
           "one of this host's own; give others access through a proxy that knows who they are.\n\n"
           "  --listen ADDRESS:PORT  127.0.0.1, localhost or [::1] and a port; 0: any port (" PORT_DEFAULT ")\n"
           "  --socket PATH          a Unix socket instead, for this user alone\n"
           "  --help                 this text\n");
    return fflush(stdout) ? 1 : 0;
}

static int serve(struct exporter *e, int fd)
{
    sigset_t ends;
    int number;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL); // before there is a second thread
    signal(SIGPIPE, SIG_IGN);
    struct MHD_Daemon *server =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, handle, e, MHD_OPTION_LISTEN_SOCKET, fd,
                         MHD_OPTION_CONNECTION_LIMIT, CLIENTS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, CLIENT_SECONDS,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CLIENT_MEMORY, MHD_OPTION_END);
    if (!server) {
        close(fd);
        return say_refusal("the HTTP server cannot be started");
    }
    fflush(stdout);
    sigwait(&ends, &number);
    MHD_stop_daemon(server);
    free(e->text);
    return 0;
}

int exporter_command(int argc, char **argv)
{
    static struct exporter e;
    const char *where = NULL, *socket_path = NULL;
    for (int i = 1; i < argc; i++) {
        size_t len = strcspn(argv[i], "=");
        const char **value = len == 8 && strncmp(argv[i], "--listen", len) == 0   ? &where
                             : len == 8 && strncmp(argv[i], "--socket", len) == 0 ? &socket_path
                                                                                  : NULL;
        if (strcmp(argv[i], "--help") == 0)
            return help();
        if (value) {
            if (!argv[i][len] && i + 1 == argc)
                return say_refusal("%s needs a value", argv[i]);
            *value = argv[i][len] ? argv[i] + len + 1 : argv[++i];
        } else if (argv[i][0] == '-' || e.only) {
            return say_refusal(
                "'%s' is no argument of openlpar system exporter; openlpar system exporter --help lists them", argv[i]);
        } else {
            e.only = argv[i];
        }
    }
    if (where && socket_path)
        return say_refusal("--listen and --socket exclude each other");
    char path[PLACE_MAX];
    if (e.only && say_system(e.only, path))
        return 1;
    const char *shown = socket_path ? socket_path : where ? where : PORT_DEFAULT;
    int fd = socket_path ? open_socket(socket_path) : open_port(shown);
    if (fd == -EINVAL && !socket_path)
        return say_refusal("--listen '%s': give 127.0.0.1, localhost or [::1] and a port, like " PORT_DEFAULT, shown);
    if (fd < 0)
        return say_refusal("%s: %s", shown, strerror(-fd));
    int status = serve(&e, fd);
    if (socket_path)
        unlink(socket_path);
    return status;
}
