// SPDX-License-Identifier: Apache-2.0
// Both ends of a TCP connection that checks each byte: for a partition and for the host.
//
//   peer listen ADDRESS PORT                  serves connections, one after the other, until it is killed; PORT 0: says which one it took
//   peer connect ADDRESS PORT UP DOWN         sends UP bytes while it receives DOWN bytes
//   peer ping ADDRESS PORT COUNT              COUNT round trips of one byte: their mean, median and 99th of a hundred
//   peer beat ADDRESS PORT FILE               round trips of one byte, fifty a second, until there is the file; says how many from time to time
//   peer blast ADDRESS PORT up|down SECONDS   as much as goes one way in that time, which is not checked: a benchmark
//
// connect, ping and blast end with a line on standard output and 0 when every byte was right.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 131072u

// What the side that connects asks for; in network order on the wire.
struct request {
    uint32_t magic, kind;
    uint64_t up, down;
};
#define MAGIC 0x4f4c5052u
enum kind { CHECKED, PING, BLAST };

static uint64_t words[CHUNK / 8], expected[CHUNK / 8];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// The next chunk of a direction's bytes, the same on each machine.
static void generate(uint64_t *to, uint64_t *state)
{
    for (unsigned i = 0; i < CHUNK / 8; i++) {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        to[i] = htobe64(*state);
    }
}

static int send_all(int fd, const void *data, uint64_t size)
{
    for (const char *p = data; size;) {
        ssize_t done = send(fd, p, size, MSG_NOSIGNAL);
        if (done <= 0)
            return -1;
        p += done;
        size -= (uint64_t)done;
    }
    return 0;
}

static int receive_all(int fd, void *data, uint64_t size)
{
    for (char *p = data; size;) {
        ssize_t got = recv(fd, p, size, 0);
        if (got <= 0)
            return -1;
        p += got;
        size -= (uint64_t)got;
    }
    return 0;
}

static int send_pattern(int fd, uint64_t size, uint64_t seed)
{
    for (uint64_t part; size; size -= part) {
        part = size < CHUNK ? size : CHUNK;
        generate(words, &seed);
        if (send_all(fd, words, part))
            return -1;
    }
    return 0;
}

static int receive_pattern(int fd, uint64_t size, uint64_t seed)
{
    for (uint64_t part, at = 0; size; size -= part, at += part) {
        part = size < CHUNK ? size : CHUNK;
        generate(expected, &seed);
        if (receive_all(fd, words, part)) {
            printf("the connection ended %llu bytes early\n", (unsigned long long)size);
            return -1;
        }
        if (memcmp(words, expected, part) != 0) {
            printf("wrong bytes after byte %llu\n", (unsigned long long)at);
            return -1;
        }
    }
    return 0;
}

// Both directions at once.
static int exchange(int fd, uint64_t out, uint64_t in, uint64_t out_seed, uint64_t in_seed)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(send_pattern(fd, out, out_seed) ? 1 : 0);
    int bad = receive_pattern(fd, in, in_seed), status = 1;
    waitpid(child, &status, 0);
    return bad || status ? -1 : 0;
}

// One direction until the other side ends it, or for a time.
static uint64_t blast_out(int fd, double seconds)
{
    double end = now() + seconds;
    uint64_t sent = 0;
    while (seconds <= 0 || now() < end) {
        ssize_t done = send(fd, words, CHUNK, MSG_NOSIGNAL);
        if (done <= 0)
            break;
        sent += (uint64_t)done;
    }
    return sent;
}

static uint64_t blast_in(int fd, double seconds)
{
    double end = now() + seconds;
    uint64_t received = 0;
    while (seconds <= 0 || now() < end) {
        ssize_t got = recv(fd, words, CHUNK, 0);
        if (got <= 0)
            break;
        received += (uint64_t)got;
    }
    return received;
}

static int serve(int fd)
{
    struct request r;
    if (receive_all(fd, &r, sizeof(r)) || ntohl(r.magic) != MAGIC)
        return -1;
    uint64_t up = be64toh(r.up), down = be64toh(r.down);
    char byte;
    switch (ntohl(r.kind)) {
    case CHECKED: return exchange(fd, down, up, 2, 1);
    case PING:
        for (uint64_t i = 0; i < up; i++)
            if (receive_all(fd, &byte, 1) || send_all(fd, &byte, 1))
                return -1;
        return 0;
    case BLAST:
        if (up) {
            uint64_t total = htobe64(blast_in(fd, 0));
            return send_all(fd, &total, sizeof(total));
        }
        blast_out(fd, 0);
        return 0;
    default: return -1;
    }
}

static struct sockaddr_in address_of(const char *address, const char *port)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    if (inet_pton(AF_INET, address, &where.sin_addr) != 1) {
        fprintf(stderr, "peer: '%s' is no address\n", address);
        exit(2);
    }
    return where;
}

static int listen_main(const char *address, const char *port)
{
    struct sockaddr_in where = address_of(address, port);
    socklen_t len = sizeof(where);
    int server = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(server, (struct sockaddr *)&where, len) || listen(server, 8) ||
        getsockname(server, (struct sockaddr *)&where, &len)) {
        perror("peer: listen");
        return 1;
    }
    printf("LISTENING %u\n", ntohs(where.sin_port));
    for (;;) {
        fflush(stdout);
        int fd = accept(server, NULL, NULL);
        if (fd < 0)
            return 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        printf("SERVED %s\n", serve(fd) ? "wrong" : "right");
        close(fd);
    }
}

// A network that has just come up may need a moment.
static int connect_to(const char *address, const char *port)
{
    struct sockaddr_in where = address_of(address, port);
    int on = 1;
    for (unsigned tries = 0;; tries++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (!connect(fd, (struct sockaddr *)&where, sizeof(where))) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            return fd;
        }
        if (tries == 20) {
            perror("peer: connect");
            exit(1);
        }
        close(fd);
        sleep(1);
    }
}

static void ask(int fd, enum kind kind, uint64_t up, uint64_t down)
{
    struct request r = {htonl(MAGIC), htonl(kind), htobe64(up), htobe64(down)};
    if (send_all(fd, &r, sizeof(r)))
        exit(1);
}

static int connect_main(char **argv)
{
    int fd = connect_to(argv[0], argv[1]);
    uint64_t up = strtoull(argv[2], NULL, 0), down = strtoull(argv[3], NULL, 0);
    ask(fd, CHECKED, up, down);
    int bad = exchange(fd, up, down, 1, 2);
    printf("CHECKED %llu up %llu down %s\n", (unsigned long long)up, (unsigned long long)down, bad ? "wrong" : "right");
    return bad ? 1 : 0;
}

static int earlier(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return difference < 0 ? -1 : difference > 0;
}

static int ping_main(char **argv)
{
    int fd = connect_to(argv[0], argv[1]);
    uint64_t count = strtoull(argv[2], NULL, 0);
    char byte = 'p', got = 0;
    double *times = count ? calloc(count, sizeof(*times)) : NULL;
    if (!times)
        return 1;
    ask(fd, PING, count, 0);
    double start = now(), at = start;
    for (uint64_t i = 0; i < count; i++) {
        if (send_all(fd, &byte, 1) || receive_all(fd, &got, 1) || got != byte)
            return 1;
        double end = now();
        times[i] = (end - at) * 1e6;
        at = end;
    }
    qsort(times, count, sizeof(*times), earlier);
    printf("PING %llu %.1f us, p50 %.1f, p99 %.1f\n", (unsigned long long)count, (at - start) / (double)count * 1e6,
           times[count / 2], times[count - 1 - count / 100]);
    free(times);
    return 0;
}

static int beat_main(char **argv)
{
    int fd = connect_to(argv[0], argv[1]);
    unsigned long count = 0;
    char got = 0;
    ask(fd, PING, 1ull << 40, 0);
    while (access(argv[2], F_OK)) {
        char byte = (char)count;
        if (send_all(fd, &byte, 1) || receive_all(fd, &got, 1) || got != byte) {
            printf("BEAT wrong after %lu\n", count);
            return 1;
        }
        if (++count % 10 == 0) {
            printf("BEAT %lu\n", count);
            fflush(stdout);
        }
        usleep(20000);
    }
    printf("BEATS right\n");
    return 0;
}

static int blast_main(char **argv)
{
    int fd = connect_to(argv[0], argv[1]), up = strcmp(argv[2], "up") == 0;
    double seconds = atof(argv[3]), start;
    uint64_t bytes;
    ask(fd, BLAST, (uint64_t)up, 0);
    start = now();
    if (up) {
        blast_out(fd, seconds);
        shutdown(fd, SHUT_WR);
        if (receive_all(fd, &bytes, sizeof(bytes)))
            return 1;
        bytes = be64toh(bytes); // what arrived
    } else {
        bytes = blast_in(fd, seconds);
    }
    seconds = now() - start;
    printf("BLAST %s %.1f MB/s\n", argv[2], (double)bytes / seconds / 1e6);
    return 0;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc == 4 && strcmp(argv[1], "listen") == 0)
        return listen_main(argv[2], argv[3]);
    if (argc == 6 && strcmp(argv[1], "connect") == 0)
        return connect_main(argv + 2);
    if (argc == 5 && strcmp(argv[1], "ping") == 0)
        return ping_main(argv + 2);
    if (argc == 5 && strcmp(argv[1], "beat") == 0)
        return beat_main(argv + 2);
    if (argc == 6 && strcmp(argv[1], "blast") == 0)
        return blast_main(argv + 2);
    fprintf(stderr, "peer: listen ADDRESS PORT | connect ADDRESS PORT UP DOWN | ping ADDRESS PORT COUNT | beat "
                    "ADDRESS PORT FILE | blast ADDRESS PORT up|down SECONDS\n");
    return 2;
}
