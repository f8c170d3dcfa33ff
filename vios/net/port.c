// SPDX-License-Identifier: Apache-2.0
#include "vios/net/port.h"

#include <errno.h>
#include <string.h>

// Whoever has not heard it, as there was no room, asks.
static void say(struct port *port, const struct frame *frame, const u8 *bytes)
{
    if (port_send_frame(port, frame, bytes))
        ring_notify(port->ring);
}

static void say_state(struct port *port)
{
    struct frame state = {FRAME_PORT, PORT_CSUM | PORT_LARGE | PORT_MULTICAST | PORT_MULTICAST_ALL, 6, 0};
    state.flags |= port->open ? PORT_OPEN : 0;
    say(port, &state, port->config.mac);
}

int port_open(struct port *port, const struct uplink_port *config, const struct ring_fds *link)
{
    struct frame ask = {FRAME_ASK, 0, 0, 0};
    *port = (struct port){.config = *config, .open = !config->starts_closed, .ring = ring_attach(link, config->side)};
    if (!port->ring)
        return -errno;
    if (!config->side && ring_data_size(port->ring) >= sizeof(*port->counts))
        port->counts = ring_data(port->ring);
    if (config->side) {
        say(port, &ask, port->config.mac);
    } else {
        port->flags = PORT_OPEN | PORT_CSUM | PORT_LARGE; // the switch sees to what a partition does not take
        say_state(port);
    }
    return 0;
}

void port_close(struct port *port)
{
    ring_detach(port->ring);
    port->ring = NULL;
}

u8 *port_receive(struct port *port, struct frame *frame)
{
    const void *message;
    u32 size;
    while ((message = ring_peek(port->ring, &size))) {
        bool good = frame_get(message, size, frame);
        if (good && frame->kind == FRAME_DATA)
            return (u8 *)(uintptr_t)message + FRAME_HEADER;
        if (good && frame->kind == FRAME_PORT && port->config.side)
            port->flags = frame->flags;
        if (good && frame->kind == FRAME_ASK && !port->config.side)
            say_state(port);
        ring_consume(port->ring);
    }
    return NULL;
}

void port_consume(struct port *port)
{
    ring_consume(port->ring);
}

void port_count_received(const struct port *port, u32 size)
{
    if (!port->counts)
        return;
    port->counts->received++;
    port->counts->received_bytes += size;
}

void port_count_sent(const struct port *port, u32 size)
{
    if (!port->counts)
        return;
    port->counts->sent += size != 0;
    port->counts->sent_bytes += size;
    port->counts->send_drops += !size;
}

bool port_send_frame(struct port *port, const struct frame *frame, const u8 *bytes)
{
    u8 *to = ring_reserve(port->ring, FRAME_HEADER + frame->size);
    if (frame->kind == FRAME_DATA)
        port_count_sent(port, to ? frame->size : 0);
    if (!to)
        return false;
    frame_put(to, frame);
    memcpy(to + FRAME_HEADER, bytes, frame->size);
    ring_commit(port->ring, FRAME_HEADER + frame->size);
    return true;
}

void port_send(struct port *port, const u8 *bytes, u32 size)
{
    struct frame frame = {FRAME_DATA, 0, size, 0};
    if (port_send_frame(port, &frame, bytes))
        ring_notify(port->ring);
}

void port_set_open(struct port *port, bool open)
{
    port->open = open;
    say_state(port);
}
