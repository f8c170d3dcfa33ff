// SPDX-License-Identifier: Apache-2.0
// What translated code asks for when it does not know the page of an access (cpu->refill_what).
#ifndef CPU_XLATE_FIND_H
#define CPU_XLATE_FIND_H

#include "base/types.h"

enum find_what {
    FIND_SPAN = 0xfff,      // bytes that have to be in one page, less one
    FIND_MEMO_SHIFT = 12,   // which memo: the base register, and FIND_WRITE above it
    FIND_MEMO_MASK = 63,    // ..
    FIND_WRITE = 1 << 17,   // for storing
    FIND_MEMO = 1 << 18,    // the answer becomes the memo
    FIND_JUDGE = 1 << 19,   // which may be found not to pay
    FIND_INDEX_SHIFT = 20,  // the access's instruction in its page
    FIND_INDEX_MASK = 1023, // ..
    FIND_SHARED = 1 << 30,  // the bytes are those of several accesses
};

#define FIND_CROSSED    (1u << 31) // in cpu->memo_failed: that is what they were, and they are in two pages
#define FIND_SHARED_MAX 512u // bytes that accesses share an answer for: the more, the likelier they are in two pages

#endif
