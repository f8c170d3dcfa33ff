// SPDX-License-Identifier: Apache-2.0
// Units, adapters and media come and go under a client.
#include "vios/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vios/scsi/scsi.h"
#include "vios/store/open.h"
#include "vios/test_client.h"

#define SIZE (1 * MIB)

static struct loop loop;
static struct server *server;
static struct ring_fds fds;
static char folder[] = "/tmp/server_test.XXXXXX";
static union vios_message said;
static unsigned says;

static void on_said(void *arg, const void *message, size_t size)
{
    memcpy(&said, message, size);
    says++;
}

static bool at_once(void *arg)
{
    return true;
}

static void work(void)
{
    do
        io_uring_get_events(&loop.ring);
    while (loop_turn(&loop));
}

static const char *path_of(const char *name)
{
    static char path[64];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void make_file(const char *name, u64 size, char fill)
{
    char bytes[4096];
    memset(bytes, fill, sizeof(bytes));
    int fd = open(path_of(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    for (u64 at = 0; at < size; at += sizeof(bytes))
        CHECK_EQ(write(fd, bytes, sizeof(bytes)), (ssize_t)sizeof(bytes));
    close(fd);
}

static bool take_message(const void *message, size_t size, const int *with, unsigned with_len)
{
    static union vios_message m;
    char why[VIOS_TEXT_MAX];
    memcpy(&m, message, size);
    CHECK(vios_message_valid(&m, size, with_len));
    return server_take(server, &m, with, with_len, why, sizeof(why));
}

// The answer to what was sent last.
static int done(void)
{
    CHECK_EQ(said.header.type, VIOS_DONE);
    CHECK_EQ(said.header.token, 77);
    said.header.type = 0;
    return said.done.error;
}

static struct vios_disk disk(enum vios_type type, u32 target, u32 flags, const char *name)
{
    struct vios_disk m = {.header = vios_header(type), .target = target, .flags = flags};
    m.header.token = 77;
    if (name)
        snprintf(m.path, sizeof(m.path), "%s", path_of(name));
    return m;
}

static int add_running(enum vios_type type, u32 target, u32 flags, const char *name)
{
    struct vios_disk m = disk(type, target, flags, name);
    int with[VIOS_FDS_MAX];
    unsigned with_len = 0;
    char why[256];
    if (name)
        CHECK(store_open(&m, NULL, with, &with_len, why, sizeof(why)));
    take_message(&m, sizeof(m), with, with_len);
    return done();
}

static void send_place(enum vios_type type, u32 target, bool force)
{
    struct vios_place m = {.header = vios_header(type), .target = target, .force = force};
    m.header.token = 77;
    take_message(&m, sizeof(m), NULL, 0);
}

static void begin(void)
{
    says = 0;
    said.header.type = 0;
    CHECK_EQ(loop_init(&loop), 0);
    loop_run_until(&loop, at_once, NULL); // which enables it
    server = server_new(&loop, on_said, NULL);
    CHECK_EQ(ring_create(VSCSI_RING_SIZE, 1 * MIB, &fds), 0);
    client = ring_attach(&fds, VSCSI_CLIENT);
    struct vios_adapter a = {.header = vios_header(VIOS_ADAPTER), .kind = VIOS_SCSI, .partition = 3, .slot = 2};
    int with[] = {dup(fds.memory), dup(fds.bell[0]), dup(fds.bell[1])};
    CHECK(take_message(&a, sizeof(a), with, 3));
    make_file("a", SIZE, 'a');
    make_file("b", SIZE, 'b');
    make_file("c", SIZE, 'c');
    struct vios_disk m = disk(VIOS_DISK, 1, 0, "a");
    CHECK(take_message(&m, sizeof(m), NULL, 0));
    CHECK(!take_message(&m, sizeof(m), NULL, 0)); // twice
    m = disk(VIOS_DISK, 2, VIOS_DISK_OPTICAL, NULL);
    CHECK(take_message(&m, sizeof(m), NULL, 0));
    server_started(server);
    login();
    CHECK_EQ(take_send()->iu[0], SRP_LOGIN_RSP);
}

static void end(void)
{
    put_header(VSCSI_CLOSED);
    work();
    server_free(server);
    loop_fini(&loop);
    ring_detach(client);
    ring_close_fds(&fds);
}

// Sense of the command at a target: key, code and qualifier; 0: it went well.
static u32 sense_of(u32 target, u32 size, const u8 *cdb, size_t cdb_size)
{
    u8 iu[64] = {SRP_CMD};
    iu[CMD_FORMATS] = size ? BUFFER_DIRECT : 0;
    iu[CMD_LUN] = (u8)(0x80 | target);
    memcpy(iu + CMD_CDB, cdb, cdb_size);
    store_be64(iu + CMD_SIZE, 0x1000);
    store_be32(iu + CMD_SIZE + 12, size);
    put_unit(FORMAT_SRP, iu, sizeof(iu), "command0");
    const struct vscsi_send *m = NULL;
    for (unsigned n = 0; n < 60000 && !m; n++) {
        m = take();
        if (!m)
            usleep(1000);
    }
    CHECK(m && m->header.type == VSCSI_SEND);
    if (!m)
        return ~0u;
    if (m->segments_len)
        copied(m->id, false);
    const u8 *sense = m->iu + RSP_SIZE;
    return m->iu[RSP_STATUS] ? (u32)(sense[2] & 15) << 16 | load_be16(sense + 12) : 0;
}
#define SENSE_OF(target, size, ...) sense_of(target, size, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))
#define READY(target)               SENSE_OF(target, 0, 0, 0, 0, 0, 0, 0)

static u8 first_byte(void)
{
    return ((const u8 *)ring_data(client))[((const struct vscsi_send *)received)->offset];
}

static void test_units(void)
{
    begin();
    CHECK_EQ(READY(1), 0x062900);
    CHECK_EQ(READY(1), 0);
    CHECK_EQ(READY(3), 0x052500);
    CHECK_EQ(add_running(VIOS_DISK, 1, 0, "b"), -EEXIST);
    CHECK_EQ(add_running(VIOS_DISK, 3, 0, "b"), 0);
    CHECK_EQ(READY(1), 0x063f0e); // the others say so
    CHECK_EQ(READY(3), 0x062900);
    CHECK_EQ(SENSE_OF(3, 512, 0x28, 0, 0, 0, 0, 5, 0, 0, 1, 0), 0);
    CHECK_EQ(first_byte(), 'b');
    struct vios_disk m = disk(VIOS_DISK, 4, 0, "b");
    take_message(&m, sizeof(m), NULL, 0); // opens nothing by itself
    CHECK_EQ(done(), -EINVAL);

    // The same unit at another place: a reservation of one nexus is seen there.
    struct vios_share share = {.header = vios_header(VIOS_SHARE), .target = 4, .of_target = 3};
    share.header.token = 77;
    take_message(&share, sizeof(share), NULL, 0);
    CHECK_EQ(done(), 0);
    CHECK_EQ(READY(4), 0x062900);
    send_place(VIOS_REMOVE_DISK, 3, false);
    CHECK_EQ(done(), 0);
    CHECK_EQ(READY(3), 0x052500);
    CHECK_EQ(READY(4), 0x063f0e);
    CHECK_EQ(SENSE_OF(4, 512, 0x28, 0, 0, 0, 0, 5, 0, 0, 1, 0), 0);
    int fd = open(path_of("b"), O_RDWR | O_CLOEXEC);
    struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    CHECK(fcntl(fd, F_OFD_SETLK, &fl) < 0); // is still open
    send_place(VIOS_REMOVE_DISK, 4, false);
    CHECK_EQ(done(), 0);
    CHECK_EQ(fcntl(fd, F_OFD_SETLK, &fl), 0); // is not any more
    close(fd);
    send_place(VIOS_REMOVE_DISK, 4, false);
    CHECK_EQ(done(), -ENOENT);
    end();
}

static void test_resize(void)
{
    begin();
    CHECK_EQ(READY(1), 0x062900);
    CHECK_EQ(SENSE_OF(1, 512, 0x28, 0, 0, 0, 0x10, 0, 0, 0, 1, 0), 0x052100);
    CHECK_EQ(truncate(path_of("a"), 2 * SIZE), 0);
    struct vios_resize m = {.header = vios_header(VIOS_RESIZE), .target = 1, .size = 2 * SIZE};
    m.header.token = 77;
    take_message(&m, sizeof(m), NULL, 0);
    CHECK_EQ(done(), 0);
    CHECK_EQ(READY(1), 0x062a09);
    CHECK_EQ(SENSE_OF(1, 512, 0x28, 0, 0, 0, 0x08, 0, 0, 0, 1, 0), 0);
    CHECK_EQ(first_byte(), 0);
    m.target = 2;
    take_message(&m, sizeof(m), NULL, 0);
    CHECK_EQ(done(), -EINVAL); // a drive
    end();
}

static void test_counts(void)
{
    begin();
    CHECK_EQ(SENSE_OF(1, 512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 0x062900);
    CHECK_EQ(SENSE_OF(1, 512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 0);
    CHECK_EQ(SENSE_OF(1, 1024, 0x28, 0, 0, 0, 0, 0, 0, 0, 2, 0), 0);
    CHECK_EQ(SENSE_OF(1, 512, 0x28, 0, 0, 0, 0x10, 0, 0, 0, 1, 0), 0x052100); // behind its end
    send_place(VIOS_COUNT, 1, false);
    CHECK_EQ(said.done.reads, 2);
    CHECK_EQ(said.done.read_bytes, 1536);
    CHECK_EQ(said.done.writes, 0);
    CHECK_EQ(done(), 0);
    send_place(VIOS_COUNT, 4, false);
    CHECK_EQ(done(), -ENOENT);
    end();
}

// A logical volume: the end of one file, the beginning of another one; then more of the latter.
static int send_pieces(enum vios_type type, bool grows, u32 len)
{
    static const struct vios_piece pieces[] = {{0, 0, SIZE - 4096, 4096}, {1, 0, 8192, 8192}, {1, 0, 32768, 4096}};
    char a[64], c[64], why[256];
    struct vios_disk m = disk(type, 7, 0, NULL);
    int with[VIOS_FDS_MAX];
    unsigned with_len = 0;
    snprintf(a, sizeof(a), "%s", path_of("b"));
    snprintf(c, sizeof(c), "%s", path_of("c"));
    memcpy(m.pieces, pieces, len * sizeof(pieces[0]));
    m.pieces_len = len;
    for (u32 i = 0; i < len; i++)
        m.size += pieces[i].size;
    if (!store_open_pieces(&m, (const char *const[]){a, c}, path_of("state"), grows, with, &with_len, why, sizeof(why)))
        return -EIO;
    take_message(&m, sizeof(m), with, with_len);
    return done();
}

static void test_pieces(void)
{
    begin();
    CHECK_EQ(send_pieces(VIOS_GROW, false, 2), -ENOENT);
    CHECK_EQ(send_pieces(VIOS_DISK, false, 2), 0);
    CHECK_EQ(send_pieces(VIOS_DISK, false, 2), -EIO); // in use
    CHECK_EQ(READY(7), 0x062900);
    CHECK_EQ(SENSE_OF(7, 1024, 0x28, 0, 0, 0, 0, 7, 0, 0, 2, 0), 0); // over the border
    CHECK_EQ(first_byte(), 'b');
    CHECK_EQ(SENSE_OF(7, 512, 0x28, 0, 0, 0, 0, 8, 0, 0, 1, 0), 0);
    CHECK_EQ(first_byte(), 'c');
    CHECK_EQ(SENSE_OF(7, 512, 0x28, 0, 0, 0, 0, 24, 0, 0, 1, 0), 0x052100);
    CHECK_EQ(send_pieces(VIOS_GROW, true, 3), 0);
    CHECK_EQ(READY(7), 0x062a09);
    CHECK_EQ(SENSE_OF(7, 512, 0x28, 0, 0, 0, 0, 24, 0, 0, 1, 0), 0);
    CHECK_EQ(first_byte(), 'c');
    CHECK_EQ(send_pieces(VIOS_GROW, true, 1), -EINVAL); // it does not shrink
    send_place(VIOS_REMOVE_DISK, 7, false);
    work();
    CHECK_EQ(done(), 0);
    CHECK_EQ(send_pieces(VIOS_DISK, false, 3), 0); // nothing holds it any more
    end();
}

static void test_media(void)
{
    begin();
    CHECK_EQ(READY(2), 0x062900);
    CHECK_EQ(READY(2), 0x023a00);
    CHECK_EQ(add_running(VIOS_LOAD, 1, 0, "b"), -EINVAL); // no drive
    CHECK_EQ(add_running(VIOS_LOAD, 2, VIOS_DISK_OPTICAL, "b"), 0);
    CHECK_EQ(READY(2), 0x062800);
    CHECK_EQ(SENSE_OF(2, 2048, 0x28, 0, 0, 0, 0, 5, 0, 0, 1, 0), 0);
    CHECK_EQ(first_byte(), 'b');
    CHECK_EQ(add_running(VIOS_LOAD, 2, VIOS_DISK_OPTICAL, "c"), -EBUSY);
    CHECK_EQ(SENSE_OF(2, 0, 0x1e, 0, 0, 0, 1, 0), 0); // locked
    CHECK_EQ(SENSE_OF(2, 0, 0x1b, 0, 0, 0, 2, 0), 0x055302);
    send_place(VIOS_UNLOAD, 2, false);
    CHECK_EQ(done(), -EBUSY);
    CHECK_EQ(SENSE_OF(2, 8, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8, 0), 0);
    CHECK_EQ(((const u8 *)ring_data(client))[((const struct vscsi_send *)received)->offset + 4], 1); // please
    send_place(VIOS_UNLOAD, 2, true);
    CHECK_EQ(done(), 0);
    CHECK_EQ(READY(2), 0x023a00);
    // The client ejects it.
    CHECK_EQ(add_running(VIOS_LOAD, 2, VIOS_DISK_OPTICAL, "b"), 0);
    CHECK_EQ(READY(2), 0x062800);
    says = 0;
    CHECK_EQ(SENSE_OF(2, 0, 0x1b, 0, 0, 0, 2, 0), 0);
    CHECK_EQ(says, 1);
    CHECK_EQ(said.header.type, VIOS_EVENT);
    CHECK_EQ(said.event.kind, VIOS_EVENT_EJECTED);
    CHECK_EQ(said.event.target, 2);
    CHECK_EQ(READY(2), 0x023a00);
    end();
}

static void test_adapter(void)
{
    begin();
    struct vios_place m = {.header = vios_header(VIOS_REMOVE_ADAPTER), .adapter = 0};
    m.header.token = 77;
    CHECK_EQ(READY(1), 0x062900);
    // Once with the poll operation of its bell armed, as while it serves.
    take_message(&m, sizeof(m), NULL, 0);
    for (unsigned n = 0; n < 60000 && said.header.type != VIOS_DONE; n++)
        work();
    CHECK_EQ(done(), 0);
    take_message(&m, sizeof(m), NULL, 0);
    CHECK_EQ(done(), -ENODEV);
    CHECK_EQ(add_running(VIOS_DISK, 3, 0, NULL), -ENODEV);
    int fd = open(path_of("a"), O_RDWR | O_CLOEXEC);
    struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    CHECK_EQ(fcntl(fd, F_OFD_SETLK, &fl), 0);
    close(fd);
    // And another one in its place.
    struct vios_adapter a = {.header = vios_header(VIOS_ADAPTER), .kind = VIOS_SCSI, .partition = 3, .slot = 2};
    a.header.token = 77;
    int with[] = {dup(fds.memory), dup(fds.bell[0]), dup(fds.bell[1])};
    CHECK(take_message(&a, sizeof(a), with, 3));
    CHECK_EQ(done(), 0);
    CHECK_EQ(add_running(VIOS_DISK, 3, 0, "b"), 0);
    login();
    CHECK_EQ(take_send()->iu[0], SRP_LOGIN_RSP);
    CHECK_EQ(READY(3), 0x062900);
    end();
}

// What holds the data fails, and is full: sense for the client, an event for the administrator, but not one for each command.
static void test_errors(void)
{
    begin();
    CHECK_EQ(READY(1), 0x062900);
    CHECK_EQ(truncate(path_of("a"), 4096), 0);
    says = 0;
    CHECK_EQ(SENSE_OF(1, 512, 0x28, 0, 0, 0, 0, 100, 0, 0, 1, 0), 0x031100);
    CHECK_EQ(SENSE_OF(1, 512, 0x28, 0, 0, 0, 0, 100, 0, 0, 1, 0), 0x031100);
    CHECK_EQ(says, 1);
    CHECK(said.header.type == VIOS_EVENT && said.event.kind == VIOS_EVENT_IO_ERROR && said.event.target == 1);
    CHECK_EQ(SENSE_OF(1, 512, 0x28, 0, 0, 0, 0, 1, 0, 0, 1, 0), 0);
    end();
}

// The state file keeps reservations where the data's file does not.
static void test_state(void)
{
    struct vios_disk m = disk(VIOS_DISK, 5, 0, "c");
    int with[VIOS_FDS_MAX];
    unsigned with_len;
    char why[256], state[64];
    make_file("c", SIZE, 'c');
    snprintf(state, sizeof(state), "%s", path_of("state"));
    CHECK(store_open(&m, state, with, &with_len, why, sizeof(why)));
    bool separate = m.flags & VIOS_DISK_STATE;
    CHECK_EQ(separate, !(m.flags & VIOS_DISK_VALUES));
    if (!separate) { // as on a block device
        with[with_len++] = open(state, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        m.flags = (m.flags | VIOS_DISK_STATE) & ~(u32)VIOS_DISK_VALUES;
    }
    struct store *store = store_from_descriptors(&loop, &m, with);
    CHECK(store->keeps_values);
    CHECK_EQ(store->ops->set_value(store, "reservations", "mine", 5), 0);
    store->ops->close(store);
    m = disk(VIOS_DISK, 5, 0, "c");
    CHECK(store_open(&m, NULL, with, &with_len, why, sizeof(why)));
    m.flags = (m.flags | VIOS_DISK_STATE) & ~(u32)VIOS_DISK_VALUES;
    with[with_len++] = open(state, O_RDWR | O_CLOEXEC);
    store = store_from_descriptors(&loop, &m, with);
    char got[8];
    CHECK_EQ(store->ops->get_value(store, "reservations", got, sizeof(got)), 5);
    CHECK(!strcmp(got, "mine"));
    store->ops->close(store);
}

int main(void)
{
    CHECK(mkdtemp(folder));
    TEST(test_units);
    TEST(test_resize);
    TEST(test_counts);
    TEST(test_pieces);
    TEST(test_media);
    TEST(test_adapter);
    TEST(test_errors);
    TEST(test_state);
    static const char *const names[] = {"a", "b", "c", "state"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        unlink(path_of(names[i]));
    rmdir(folder);
    return test_done();
}
