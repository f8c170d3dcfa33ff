// SPDX-License-Identifier: Apache-2.0
// Fuzz target: bytes from another process, as frames of the protocol of managed systems. What is accepted is used the way everybody uses it,
// and comes back the same when it is sent again.
#include <stdlib.h>
#include <string.h>

#include "proto/hyper/attr.h"
#include "proto/hyper/wire.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static struct wire_message message, again;

static void use(const struct wire_record *record, u8 object)
{
    char why[2300], text[WIRE_TEXT_MAX + 16];
    for (u32 i = 0; i < record->len; i++) {
        const struct attr *attr = attr_find(object, record->pairs[i].name);
        if (attr && attr_check(attr, &record->pairs[i].value, why, sizeof(why)) == 0)
            attr_format(attr, &record->pairs[i].value, text, sizeof(text));
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    s64 frame = wire_frame_size(data, size);
    if (frame <= 0 || (u64)frame > size)
        return 0;
    u8 *exact = malloc((size_t)frame); // a read beyond it is seen
    memcpy(exact, data, (size_t)frame);
    if (wire_decode(exact, (size_t)frame, &message) == 0) {
        use(&message.where, message.object);
        use(&message.values, message.object);
        size_t sent;
        u8 *copy = wire_encode(&message, &sent);
        if (!copy || wire_decode(copy, sent, &again) || again.values.len != message.values.len ||
            again.where.len != message.where.len)
            abort();
        free(copy);
    }
    free(exact);
    return 0;
}
