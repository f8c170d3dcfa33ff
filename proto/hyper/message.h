// SPDX-License-Identifier: Apache-2.0
// The kinds of messages (message.def).
#ifndef PROTO_HYPER_MESSAGE_H
#define PROTO_HYPER_MESSAGE_H

enum message {
#define MESSAGE(number, name, sender) MESSAGE_##name = number,
#include "proto/hyper/message.def"
#undef MESSAGE
};

// NULL: there is none of this number.
const char *message_name(unsigned number);

#endif
