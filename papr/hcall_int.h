// SPDX-License-Identifier: Apache-2.0
// What the files that implement hypervisor calls share.
#ifndef PAPR_HCALL_INT_H
#define PAPR_HCALL_INT_H

#include "papr/hcall.h"
#include "papr/partition.h"

#define HCALL(number, name, handler, ...) hcall_fn handler;
#include "proto/papr/hcall.def"
#undef HCALL

// LoPAR: an unsupported flag is answered with a code that tells which; -256 stands for flag bit 0.
#define H_UNSUPPORTED_FLAG(bit) (-256l - (bit))

// A lock for a few instructions: never held while a thread waits for another to serve its requests (cpu/group.h).
struct spin {
    _Atomic u32 held;
};
void spin_wait(struct spin *lock);
static inline void spin_lock(struct spin *lock)
{
    if (unlikely(atomic_exchange_explicit(&lock->held, 1, memory_order_acquire)))
        spin_wait(lock);
}
static inline void spin_unlock(struct spin *lock)
{
    atomic_store_explicit(&lock->held, 0, memory_order_release);
}

#endif
