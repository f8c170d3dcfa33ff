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
// (7) Translated code knows pairs of a load and a store with nothing in between that another thread could have to do with
//     (cpu/xlate/pass_pair.c). Such a pair needs no version: its load might as well have been done together with the compare-and-swap. It must
//     only be seen by the reservations of others, without a second cache line that all of them write. So each thread
//     counts in a table of its own, once before its compare-and-swap (odd: it is about to be done) and once behind it, and a version is the sum
//     of the shared entry and all threads' entries; they only grow. The first count is a locked operation, like the taking of
//     an entry: of a pair and of a conditional store by (2), either the pair finds the entry held, and fails, or the other
//     one finds its count, and fails. With too many threads for such sums there are no pairs.
// (8) The reservation of a pair has RESERVE_PAIRED for its version. When the store turns out not to be in the pair's code (that was left
//     by another way, or the store goes to the reference semantics) it fails, which the ISA allows, and the thread makes
//     reservations with a version until one of them was used, so that the next attempt can succeed.
//
// Translated code does the same in line: cpu/xlate/x86/atomic.c.
#ifndef CPU_RESERVE_H
#define CPU_RESERVE_H

#include <sched.h>
#include <stdatomic.h>

#include "cpu/cpu.h"
#include "cpu/group.h"

// A version is for half a granule, the host's cache line: finer than the ISA asks for.
#define RESERVE_LINES       1024u // a power of two
#define RESERVE_VERSION     64u

#define RESERVE_PAIRED      ((u64)(s64)INT32_MIN)
#define RESERVE_COUNTED_MAX 16u // threads of a group with pairs

// cpu->reserve_slow: why its reservations have versions.
#define RESERVE_SLOW_NEXT  1u // (8)
#define RESERVE_SLOW_GROUP 2u // too many threads

struct reserve_line {
    alignas(64) _Atomic u64 version; // bit 0: held
};

static inline unsigned reserve_index(u64 gra)
{
    return gra / RESERVE_VERSION % RESERVE_LINES;
}

static inline struct reserve_line *reserve_line(const struct cpu *cpu, u64 gra)
{
    return &cpu->reserve_lines[reserve_index(gra)];
}

// Sum of what pairs have counted; *odd: one of them is about to store.
static inline u64 reserve_counted(const struct cpu *cpu, u64 gra, bool *odd)
{
    const struct cpu_group *group = cpu->group;
    u64 sum = 0, all = 0;
    for (u32 i = 0; group->len <= RESERVE_COUNTED_MAX && i < group->len; i++) {
        u64 n = atomic_load_explicit(&group->cpus[i]->reserve_counts[reserve_index(gra)], memory_order_acquire);
        sum += n;
        all |= n;
    }
    *odd = all & 1;
    return sum;
}

// (4)
static inline u64 reserve_version(const struct cpu *cpu, u64 gra)
{
    bool odd;
    if (cpu->reserve_alone || !cpu->reserve_lines)
        return 0;
    // Held, and let go without a store, it is as if it had not been held.
    u64 version = atomic_load_explicit(&reserve_line(cpu, gra)->version, memory_order_acquire) & ~1ull;
    return version + reserve_counted(cpu, gra, &odd);
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

// Holds the entry if it is as it was when the reservation was made; false: the reservation is lost.
static inline bool reserve_take(struct cpu *cpu, u64 gra)
{
    if (reserve_is_alone(cpu))
        return true;
    if (cpu->reserve_version == RESERVE_PAIRED) {
        if (cpu->checked != CHECKED_NOT) { // done twice, with the same result: nobody else runs
            reserve_hold(cpu, gra);
            return true;
        }
        cpu->reserve_slow |= RESERVE_SLOW_NEXT;
        return false;
    }
    cpu->reserve_slow &= (u8)~RESERVE_SLOW_NEXT;
    _Atomic u64 *version = &reserve_line(cpu, gra)->version;
    u64 old = atomic_fetch_or(version, 1);
    bool odd;
    if (old & 1)
        return false;
    if (old + reserve_counted(cpu, gra, &odd) == cpu->reserve_version && !odd)
        return true;
    atomic_store_explicit(version, old, memory_order_release);
    return false;
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
