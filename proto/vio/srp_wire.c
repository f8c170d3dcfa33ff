// SPDX-License-Identifier: Apache-2.0
#include "proto/vio/srp_wire.h"

#include "base/endian.h"

bool srp_buffers(const u8 *iu, u32 size, struct srp_buffers *b)
{
    u8 out = iu[CMD_FORMATS] >> 4, in = iu[CMD_FORMATS] & 15, format = out ? out : in;
    u32 at = CMD_SIZE + (iu[CMD_ADDITIONAL] & ~3u), count = out ? iu[CMD_OUT_COUNT] : iu[CMD_IN_COUNT];
    *b = (struct srp_buffers){.out = out, .in = in, .descriptors = iu + at};
    if ((out && in) || format > BUFFER_INDIRECT)
        return false;
    if (format == BUFFER_NONE)
        return true;
    if (format == BUFFER_DIRECT) {
        b->len = 1;
        return at + DESCRIPTOR_SIZE <= size;
    }
    if (at + INDIRECT_SIZE > size)
        return false;
    b->table = load_be64(iu + at);
    b->table_size = load_be32(iu + at + 12);
    b->len = b->table_size / DESCRIPTOR_SIZE;
    bool inside = b->len <= count && at + INDIRECT_SIZE + b->len * DESCRIPTOR_SIZE <= size;
    b->descriptors = inside ? iu + at + INDIRECT_SIZE : NULL;
    return inside || b->table_size % DESCRIPTOR_SIZE == 0;
}
