// SPDX-License-Identifier: Apache-2.0
// For unit tests: the client's side of a link, by hand.
#ifndef VIOS_TEST_CLIENT_H
#define VIOS_TEST_CLIENT_H

#include <string.h>

#include "base/endian.h"
#include "base/test.h"
#include "ipc/ring.h"
#include "proto/vio/srp_wire.h"
#include "proto/vio/vscsi.h"

#define IU_PLACE 0x7000u

static struct ring *client;
static u32 session;
static _Alignas(8) u8 received[16384];
static struct vscsi_grant grant; // what the server said last
static void work(void);          // lets the server work, by whoever includes this

static inline void put(const void *message, u32 size)
{
    void *room = ring_reserve(client, size);
    CHECK(room);
    memcpy(room, message, size);
    ring_commit(client, size);
}

static inline void put_header(enum vscsi_type type)
{
    put(&(struct vscsi_header){(u16)type, VSCSI_VERSION, session}, sizeof(struct vscsi_header));
}

static inline void put_unit(u8 format, const u8 *iu, u32 size, const char *tag)
{
    struct vscsi_element m = {
        .header = {VSCSI_ELEMENT, VSCSI_VERSION, session}, .iu_size = size, .element = {0x80, format}};
    store_be64(m.element + 8, IU_PLACE);
    memcpy(m.iu, iu, size);
    memcpy(m.iu + SRP_TAG, tag, 8);
    put(&m, sizeof(m));
}

// The next message of the server's, in `received`; NULL: there is none.
static inline const void *take(void)
{
    u32 size;
    work();
    const void *shared = ring_peek(client, &size);
    if (!shared)
        return NULL;
    memcpy(received, shared, MIN(size, sizeof(received)));
    ring_consume(client);
    if (((const struct vscsi_header *)received)->type == VSCSI_GRANT) {
        memcpy(&grant, received, sizeof(grant));
        return take();
    }
    return received;
}

static inline const struct vscsi_send *take_send(void)
{
    const struct vscsi_send *m = take();
    CHECK(m && m->header.type == VSCSI_SEND && m->header.session == session);
    return m;
}

static inline const struct vscsi_copy *take_copy(void)
{
    const struct vscsi_copy *m = take();
    CHECK(m && m->header.type == VSCSI_COPY && m->header.session == session);
    return m;
}

static inline void copied(u32 id, bool failed)
{
    put(&(struct vscsi_copied){{VSCSI_COPIED, VSCSI_VERSION, session}, id, failed}, sizeof(struct vscsi_copied));
}

static inline void login(void)
{
    u8 iu[64] = {SRP_LOGIN_REQ};
    session++;
    put_header(VSCSI_OPENED);
    store_be32(iu + LOGIN_IU_SIZE, 256);
    store_be16(iu + LOGIN_FORMATS, FORMAT_DIRECT | FORMAT_INDIRECT);
    put_unit(FORMAT_SRP, iu, sizeof(iu), "login000");
}

static u8 attribute; // of the task of the next commands

// A command with one direct descriptor, or none.
static inline void put_command(const char *tag, bool out, u32 size, const u8 *cdb, size_t cdb_size)
{
    u8 iu[64] = {SRP_CMD};
    iu[CMD_FORMATS] = (u8)(!size ? 0 : out ? BUFFER_DIRECT << 4 : BUFFER_DIRECT);
    iu[CMD_LUN] = 0x81;
    iu[CMD_ATTRIBUTE] = attribute;
    memcpy(iu + CMD_CDB, cdb, cdb_size);
    store_be64(iu + CMD_SIZE, 0x1000);
    store_be32(iu + CMD_SIZE + 12, size);
    put_unit(FORMAT_SRP, iu, sizeof(iu), tag);
}
#define COMMAND(tag, out, size, ...) \
    put_command(tag, out, size, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))

#endif
