// SPDX-License-Identifier: Apache-2.0
// Reservations of load and reserve, on a host that has compare-and-swap. ISA II "Load and Reserve and Store Conditional Instructions".
//
// (1) A reservation remembers the real address, the size, the bytes that were loaded, and the version of the granule. The store conditional
//     succeeds only when address and size are those of the load, the version is still the same, and a compare-and-swap of the host
//     finds the same bytes. So no update is lost, whoever made it.
// (2) Versions are counted in a hashed table, one cache line per entry, shared by the partition's threads. A store conditional holds the
//     entry (bit 0) from the comparison of the version to the end of its store, and counts it up; so do atomic memory operations.
//     A conditional store that finds the entry held fails, as one does that loses a race. Hence a reservation
//     is lost by every store conditional and atomic memory operation of another thread to its granule: a value that was
//     changed and changed back by those (ABA) is seen.
// (3) What is left: plain stores do not count versions, which would double their cost. A reservation survives plain stores by others that
//     leave the bytes as they were when the store conditional looks: stores of the same value, to other parts of the granule, and
//     a change and its reversal that are both made by plain stores. The ISA's processors lose it. A program notices only where it uses the
//     pair to detect plain stores whose effect is not there any more.
// (4) The version is read before the bytes are loaded.
// (5) The only thread of a partition needs no versions: its own stores never take its reservation.
// (6) A conditional store to another address or of another size fails and ends the reservation: how Linux clears it when it
//     switches contexts.
//
// Translated code does the same in line: cpu/xlate/x86/atomic.c.
#ifndef CPU_RESERVE_H
#define CPU_RESERVE_H

#include <sched.h>
#include <stdatomic.h>

#include "cpu/cpu.h"

// A version is for half a granule, the host's cache line: finer than the ISA asks for.
#define RESERVE_LINES   1024u // a power of two
#define RESERVE_VERSION 64u

struct reserve_line {
    alignas(64) _Atomic u64 version; // bit 0: held
};

static inline struct reserve_line *reserve_line(const struct cpu *cpu, u64 gra)
{
    return &cpu->reserve_lines[gra / RESERVE_VERSION % RESERVE_LINES];
}

// (4)
static inline u64 reserve_version(const struct cpu *cpu, u64 gra)
{
    return cpu->reserve_lines ? atomic_load_explicit(&reserve_line(cpu, gra)->version, memory_order_acquire) : 0;
}

static inline void reserve_set(struct cpu *cpu, u64 gra, unsigned size, u64 version, u128 raw)
{
    cpu->reserve_addr = gra;
    cpu->reserve_version = version;
    cpu->reserve_value = raw;
    cpu->reserve_size = size;
}

static inline bool reserve_is_alone(const struct cpu *cpu)
{
    return cpu->reserve_alone || !cpu->reserve_lines;
}

// Holds the entry if it is as it was when the reservation was made; false: the reservation is lost.
static inline bool reserve_take(const struct cpu *cpu, u64 gra)
{
    if (reserve_is_alone(cpu))
        return true;
    _Atomic u64 *version = &reserve_line(cpu, gra)->version;
    u64 old = atomic_fetch_or(version, 1);
    if (old & 1)
        return false;
    if (old == cpu->reserve_version)
        return true;
    atomic_store_explicit(version, old, memory_order_release);
    return false;
}

// Holds the entry, whatever its version.
static inline void reserve_hold(const struct cpu *cpu, u64 gra)
{
    if (reserve_is_alone(cpu))
        return;
    _Atomic u64 *version = &reserve_line(cpu, gra)->version;
    for (unsigned i = 1; atomic_fetch_or(version, 1) & 1; i++) {
        if (i % 256 == 0)
            sched_yield();
    }
}

// Ends both, with a new version. Nobody else writes it meanwhile: an attempt to hold it stores what is there.
static inline void reserve_release(const struct cpu *cpu, u64 gra)
{
    if (reserve_is_alone(cpu))
        return;
    _Atomic u64 *version = &reserve_line(cpu, gra)->version;
    atomic_store_explicit(version, atomic_load_explicit(version, memory_order_relaxed) + 1, memory_order_release);
}

#endif
