// SPDX-License-Identifier: Apache-2.0
// A fuzzer's input, taken byte after byte. Behind its end there are zeros.
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include "base/types.h"

struct input {
    const u8 *data;
    size_t size;
};

static inline u8 take(struct input *in)
{
    if (!in->size)
        return 0;
    in->size--;
    return *in->data++;
}

// The first byte is the most significant one.
static inline u64 take_bytes(struct input *in, unsigned bytes)
{
    u64 value = 0;
    while (bytes--)
        value = value << 8 | take(in);
    return value;
}

#endif
