// SPDX-License-Identifier: Apache-2.0
#include "proto/hyper/message.h"

#include <stddef.h>

const char *message_name(unsigned number)
{
    switch (number) {
#define MESSAGE(value, name, sender) \
    case value:                      \
        return #name;
#include "proto/hyper/message.def"
#undef MESSAGE
    default: return NULL;
    }
}
