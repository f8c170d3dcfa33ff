// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the virtual Ethernet adapter, from both sides: calls of the OS with descriptors and lists, and messages of the link's other side, right or
// wrong. The input is a series of steps, each a byte that chooses it.
#include <stdlib.h>
#include <string.h>

#include "papr/tce.h"
#include "papr/test_partition.h"
#include "papr/vdev_ops.h"
#include "proto/vio/offload.h"
#include "vdev/llan_int.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define UNIT      VIO_UNIT(1)
#define STEPS_MAX 64u
#define RUNS      200u

static struct ring_fds fds;
static struct llan *llan;
static struct ring *net;

// Mostly something that an adapter takes.
static u64 descriptor(struct input *in)
{
    u8 kind = take(in);
    if (kind & 1)
        return take_bytes(in, 8);
    u64 len = kind & 2 ? 2048 : kind & 4 ? 65536 : take_bytes(in, 2);
    return BUFFER_VALID | (u64)(kind >> 4 & 7) << 56 | len << 32 | (u64)take(in) << (kind & 8 ? 12 : 4);
}

static void call(struct input *in)
{
    static const u32 numbers[] = {
        H_REGISTER_LOGICAL_LAN,    H_FREE_LOGICAL_LAN, H_ADD_LOGICAL_LAN_BUFFER, H_ADD_LOGICAL_LAN_BUFFERS,
        H_FREE_LOGICAL_LAN_BUFFER, H_SEND_LOGICAL_LAN, H_MULTICAST_CTRL,         H_CHANGE_LOGICAL_LAN_MAC,
        H_ILLAN_ATTRIBUTES,        H_PUT_TCE};
    u32 number = numbers[take(in) % ARRAY_LEN(numbers)];
    u64 args[9] = {UNIT};
    for (unsigned i = 1; i < 9; i++)
        args[i] = descriptor(in);
    switch (number) {
    case H_REGISTER_LOGICAL_LAN:
        args[1] = (u64)take(in) << 12;
        args[3] = (u64)take(in) << 12;
        args[4] = 0x020000000001;
        break;
    case H_SEND_LOGICAL_LAN: args[7] = args[8] = take(in); break;
    case H_FREE_LOGICAL_LAN_BUFFER: args[1] &= 0xffff; break;
    case H_MULTICAST_CTRL:
        args[1] = (u64)take(in) << 12 | take(in) % 4;
        args[2] = 0x01005e000000 | take(in);
        break;
    case H_ILLAN_ATTRIBUTES:
        args[1] &= ILLAN_KNOWN;
        args[2] &= ILLAN_KNOWN;
        break;
    case H_PUT_TCE:
        args[0] = VIO_LIOBN(1);
        args[1] = (u64)take(in) << 12;
        args[2] = take_bytes(in, 3) << 12 | take(in) % 4;
        break;
    default: break;
    }
    test_hcall(test_lp.group.cpus[0], number, args, ARRAY_LEN(args));
}

static void message(struct input *in)
{
    u8 kind = take(in);
    u32 len = kind & 1 ? take(in) : FRAME_HEADER + (u32)take_bytes(in, 2);
    u8 *to = ring_reserve(net, len);
    if (!to)
        return;
    for (u32 i = 0; i < MIN(len, 96u); i++)
        to[i] = take(in);
    if (!(kind & 1)) {
        struct frame frame = {FRAME_DATA, kind >> 1 & 7, len - FRAME_HEADER, kind & 8 ? 1448 : 0};
        frame_put(to, &frame);
        memset(to + FRAME_HEADER, kind & 16 ? 0xff : 0, MIN(6u, len - FRAME_HEADER));
    }
    ring_commit(net, len);
    ring_notify(net);
}

static void take_what_comes(void)
{
    const void *bytes;
    u32 size;
    while ((bytes = ring_peek(net, &size))) {
        struct frame frame;
        struct tcp_frame tcp;
        // What the adapter sends keeps to the protocol, whatever the OS does.
        if (!frame_get(bytes, size, &frame))
            abort();
        if (frame.kind == FRAME_DATA && frame.flags & FRAME_CSUM_NEEDED &&
            !offload_parse((const u8 *)bytes + FRAME_HEADER, MIN(frame.size, OFFLOAD_HEAD_MAX), frame.size, &tcp))
            abort();
        ring_consume(net);
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static unsigned runs;
    struct input in = {data, size};
    if (runs++ % RUNS == 0) {
        struct llan_config config = {.slot = 1, .mac = {2, 0, 0, 0, 0, 1}};
        if (llan) {
            llan_free(llan, false);
            ring_detach(net);
            ring_close_fds(&fds);
            partition_fini(&test_lp);
        }
        test_partition(1, 1, LEVEL_V30);
        if (ring_create(0x40000, 0, &fds))
            abort();
        llan = llan_new(&test_lp, &config, &fds);
        net = ring_attach(&fds, 1);
        if (!llan || !net)
            abort();
    }
    for (u64 page = 0; page < 128; page++)
        H(test_lp.group.cpus[0], H_PUT_TCE, VIO_LIOBN(1), page << 12, page << 12 | TCE_READ | TCE_WRITE);
    for (unsigned steps = 0; in.size && steps < STEPS_MAX; steps++) {
        if (take(&in) % 3)
            call(&in);
        else
            message(&in);
        take_what_comes();
    }
    H(test_lp.group.cpus[0], H_FREE_LOGICAL_LAN, UNIT);
    return 0;
}
