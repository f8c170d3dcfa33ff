// SPDX-License-Identifier: Apache-2.0
// What a client partition's process sends to a Virtual I/O Server: link messages, information units, descriptors, commands and their data; and what its starter says.
//
// The input is a row of messages: a byte that says which, a byte of length, bytes.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/vio/config.h"
#include "proto/vio/vscsi.h"
#include "vios/srp.h"
#include "vios/store/memory.h"

#define DATA_SIZE (8 * MIB)

static struct memory_store memory, medium;
static struct ring_fds fds;
static struct ring *client;
static u32 session;

static void put(const void *message, u32 size)
{
    void *room = ring_reserve(client, size);
    if (!room)
        return;
    memcpy(room, message, size);
    ring_commit(client, size);
}

// The client's side as it should be: copies are answered, with the input's bytes as what is copied.
static void answer_all(const u8 *bytes, size_t len, bool failed)
{
    const struct vscsi_header *h;
    u32 size;
    while ((h = ring_peek(client, &size))) {
        const struct vscsi_copy *copy = (const struct vscsi_copy *)h;
        const struct vscsi_send *send = (const struct vscsi_send *)h;
        struct vscsi_copied copied = {.header = {VSCSI_COPIED, VSCSI_VERSION, h->session}, .failed = failed};
        if (h->type == VSCSI_COPY) {
            u64 at = copy->offset;
            for (u32 i = 0; i < copy->segments_len; i++) {
                if (copy->segments[i].size > DATA_SIZE - at)
                    abort(); // the server asked for what is not its own
                for (u32 n = 0; n < copy->segments[i].size && len; n++)
                    ((u8 *)ring_data(client))[at + n] = bytes[n % len];
                at += copy->segments[i].size;
            }
            copied.id = copy->id;
            put(&copied, sizeof(copied));
        } else if (h->type == VSCSI_SEND && send->segments_len) {
            u64 sum = send->offset;
            for (u32 i = 0; i < send->segments_len; i++)
                sum += send->segments[i].size;
            if (sum > DATA_SIZE)
                abort();
            copied.id = send->id;
            put(&copied, sizeof(copied));
        }
        ring_consume(client);
    }
}

static void put_element(const u8 *bytes, size_t len)
{
    struct vscsi_element m = {.header = {VSCSI_ELEMENT, VSCSI_VERSION, session}, .element = {0x80, 1}};
    memcpy(m.iu, bytes, len);
    if (len && bytes[0] & 0x40) // a datagram
        m.element[1] = 2, m.iu[0] = 0;
    m.iu_size = (u32)MAX(len, 64);
    put(&m, sizeof(m));
}

static void change_medium(struct scsi_lu *drive)
{
    if (!drive->store)
        memory_store_init(&medium);
    medium.store.read_only = true;
    scsi_change_medium(drive, drive->store ? NULL : &medium.store, NULL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct loop loop = {0};
    union vios_message message = {0};
    memcpy(&message, data, MIN(size, sizeof(message)));
    vios_message_valid(&message, size, size ? data[0] & 3 : 0);
    memory_store_init(&memory);
    if (ring_create(VSCSI_RING_SIZE, DATA_SIZE, &fds))
        abort();
    client = ring_attach(&fds, VSCSI_CLIENT);
    struct srp_port *port = srp_port_new(&loop, &fds, "vhost0", 1, 2);
    struct scsi_lu *lu = scsi_lu_new(&memory.store, false), *drive = scsi_lu_new(NULL, true);
    if (!client || !port || !lu || !drive || !srp_port_add(port, 1, lu) || !srp_port_add(port, 2, drive))
        abort();
    session = 1;
    put(&(struct vscsi_header){VSCSI_OPENED, VSCSI_VERSION, session}, sizeof(struct vscsi_header));
    // So that most inputs get past the login.
    u8 login[64] = {0};
    login[18] = 1;
    login[25] = 6;
    put_element(login, sizeof(login));
    while (size >= 2) {
        u8 what = data[0];
        size_t len = MIN((size_t)data[1], size - 2);
        const u8 *bytes = data + 2;
        switch (what & 7) {
        case 0: put(bytes, (u32)len); break; // whatever
        case 1:
            session++;
            put(&(struct vscsi_header){VSCSI_CLOSED, VSCSI_VERSION, session - 1}, sizeof(struct vscsi_header));
            put(&(struct vscsi_header){VSCSI_OPENED, VSCSI_VERSION, session}, sizeof(struct vscsi_header));
            put_element(login, sizeof(login));
            break;
        case 2:
            memory.error = what & 8 ? -ENOSPC : 0;
            if (what & 0x10)
                scsi_lu_resized(lu);
            if (what & 0x20 && !drive->changing)
                change_medium(drive);
            break;
        case 3: memory.held = what & 8; break;
        case 4:
            if (memory.waiting_len)
                memory_store_release(&memory);
            break;
        default: put_element(bytes, len); break;
        }
        loop.sources->work(loop.sources);
        if (!(what & 0x80))
            answer_all(bytes, len, what & 0x40);
        if (memory.waiting_len > ARRAY_LEN(memory.waiting) - 4)
            memory.held = false;
        while (!memory.held && memory.waiting_len)
            memory_store_release(&memory);
        data += 2 + len;
        size -= 2 + len;
    }
    memory.held = false;
    while (memory.waiting_len)
        memory_store_release(&memory);
    loop.sources->work(loop.sources);
    put(&(struct vscsi_header){VSCSI_CLOSED, VSCSI_VERSION, session}, sizeof(struct vscsi_header));
    loop.sources->work(loop.sources);
    srp_port_free(port);
    scsi_lu_free(lu);
    scsi_lu_free(drive);
    ring_detach(client);
    ring_close_fds(&fds);
    return 0;
}
