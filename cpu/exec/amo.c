// SPDX-License-Identifier: Apache-2.0
//
// Atomic memory operations: lwat, ldat, stwat, stdat. ISA II "Atomic Memory Operations".
//
// Every function is one compare-and-swap loop. Those with two operands in memory (EA and its neighbour) compare and swap both
// together where the host can: two words always, two doublewords when they are an aligned quadword. Otherwise the
// neighbour is read first and the element swapped alone, which another thread's store to the neighbour in between could
// tell. Operands must lie in one aligned 32-byte block.
#include "cpu/exec/storage_int.h"
#include "cpu/reserve.h"

#define FC        INSN_FIELD(16, 20)
#define AMO_BLOCK 32u

// ISA II "Atomic Memory Operations": function codes.
enum amo {
    AMO_ADD = 0x00,
    AMO_XOR = 0x01,
    AMO_OR = 0x02,
    AMO_AND = 0x03,
    AMO_MAX_UNSIGNED = 0x04,
    AMO_MAX_SIGNED = 0x05,
    AMO_MIN_UNSIGNED = 0x06,
    AMO_MIN_SIGNED = 0x07,
    AMO_SWAP = 0x08,          // loads only
    AMO_CAS_NOT_EQUAL = 0x10, // loads only
    AMO_INC_BOUNDED = 0x18,   // stores: store twin
    AMO_INC_EQUAL = 0x19,     // loads only
    AMO_DEC_BOUNDED = 0x1c,   // loads only
};

static inline s64 sign_extend(u64 v, unsigned size)
{
    return sext64(v, 8 * size);
}

// The new value of a function with one operand in memory; `a` is (RT+1) or (RS), `b` is (RT+2).
static u64 amo_result(unsigned fc, unsigned size, u64 old, u64 a, u64 b)
{
    bool less = old < a, less_signed = sign_extend(old, size) < sign_extend(a, size);
    switch (fc) {
    case AMO_ADD: return old + a;
    case AMO_XOR: return old ^ a;
    case AMO_OR: return old | a;
    case AMO_AND: return old & a;
    case AMO_MAX_UNSIGNED: return less ? a : old;
    case AMO_MAX_SIGNED: return less_signed ? a : old;
    case AMO_MIN_UNSIGNED: return less ? old : a;
    case AMO_MIN_SIGNED: return less_signed ? old : a;
    case AMO_CAS_NOT_EQUAL: return old != a ? b : old;
    default: return a; // AMO_SWAP
    }
}

static u64 host_load(const struct cpu *cpu, const u8 *host, unsigned size)
{
    if (size == 4) {
        u32 v = __atomic_load_n((const u32 *)(const void *)host, __ATOMIC_RELAXED);
        return cpu->be ? __builtin_bswap32(v) : v;
    }
    u64 v = __atomic_load_n((const u64 *)(const void *)host, __ATOMIC_RELAXED);
    return cpu->be ? __builtin_bswap64(v) : v;
}

static bool host_cas(const struct cpu *cpu, u8 *host, unsigned size, u64 old, u64 new)
{
    if (size == 4) {
        u32 expected = cpu->be ? __builtin_bswap32((u32)old) : (u32)old;
        u32 desired = cpu->be ? __builtin_bswap32((u32) new) : (u32) new;
        return __atomic_compare_exchange_n((u32 *)(void *)host, &expected, desired, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_RELAXED);
    }
    u64 expected = cpu->be ? __builtin_bswap64(old) : old, desired = cpu->be ? __builtin_bswap64(new) : new;
    return __atomic_compare_exchange_n((u64 *)(void *)host, &expected, desired, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED);
}

// Both elements at `host` and `host + size` at once, where that is possible.
static bool host_cas_pair(const struct cpu *cpu, u8 *host, unsigned size, const u64 old[2], const u64 new[2])
{
#ifdef __x86_64__
    u64 e[2] = {old[0], old[1]}, n[2] = {new[0], new[1]};
    bool ok;
    for (unsigned i = 0; i < 2 && cpu->be; i++) {
        e[i] = size == 4 ? __builtin_bswap32((u32)e[i]) : __builtin_bswap64(e[i]);
        n[i] = size == 4 ? __builtin_bswap32((u32)n[i]) : __builtin_bswap64(n[i]);
    }
    if (size == 4) {
        // In one 32-byte block, hence in one cache line: no split lock although it may be aligned to 4 only.
        u64 expected = (e[0] & 0xffffffff) | e[1] << 32, desired = (n[0] & 0xffffffff) | n[1] << 32;
        __asm__ volatile("lock cmpxchgq %[new], (%[at])"
                         : "=@ccz"(ok), "+a"(expected)
                         : [at] "r"(host), [new] "r"(desired)
                         : "memory");
        return ok;
    }
    if (!((uintptr_t)host & 15)) {
        __asm__ volatile("lock cmpxchg16b (%[at])"
                         : "=@ccz"(ok), "+a"(e[0]), "+d"(e[1])
                         : [at] "r"(host), "b"(n[0]), "c"(n[1])
                         : "memory");
        return ok;
    }
#endif
    for (unsigned i = 0; i < 2; i++) {
        if (new[i] != old[i] && !host_cas(cpu, host + i * size, size, old[i], new[i]))
            return false;
        if (new[i] == old[i] && host_load(cpu, host + i * size, size) != old[i])
            return false;
    }
    return true;
}

// Fetch and increment bounded or equal, fetch and decrement bounded. `host` is EA's; the value for RT.
static u64 amo_bounded(struct cpu *cpu, unsigned fc, u8 *host, unsigned size)
{
    bool down = fc == AMO_DEC_BOUNDED;
    unsigned at = down ? 1 : 0; // which of the pair EA is
    u8 *pair = down ? host - size : host;
    for (;;) {
        u64 old[2] = {host_load(cpu, pair, size), host_load(cpu, pair + size, size)};
        bool equal = old[0] == old[1];
        if (equal != (fc == AMO_INC_EQUAL))
            return 1ull << (8 * size - 1);
        u64 new[2] = {old[0], old[1]};
        new[at] += down ? ~0ull : 1;
        if (size == 4)
            new[at] = (u32) new[at];
        if (host_cas_pair(cpu, pair, size, old, new))
            return old[at];
    }
}

static void amo_store_twin(struct cpu *cpu, u8 *host, unsigned size, u64 value)
{
    u64 new[2] = {value, value};
    for (;;) {
        u64 old[2] = {host_load(cpu, host, size), host_load(cpu, host + size, size)};
        if (old[0] != old[1] || host_cas_pair(cpu, host, size, old, new))
            return;
    }
}

// The reservation's entry of the block is held from here on.
static u8 *amo_host(struct cpu *cpu, u32 insn, unsigned size, bool pair, u64 *gra)
{
    u64 ea = ra_or_zero(cpu, insn) & cpu->ea_mask;
    unsigned offset = ea & (AMO_BLOCK - 1);
    if (pair && (FC == AMO_DEC_BOUNDED ? offset < size : offset + 2 * size > AMO_BLOCK))
        cpu_raise_alignment(cpu, ea);
    u8 *host = atomic_host(cpu, ea, size, true, gra);
    reserve_hold(cpu, *gra);
    return host;
}

_Noreturn static void amo_invalid(struct cpu *cpu, u32 insn, u64 dsisr)
{
    cpu_raise_dsi(cpu, ra_or_zero(cpu, insn) & cpu->ea_mask, dsisr | DSISR_BAD_AMO);
}

static inline u64 element(u64 v, unsigned size)
{
    return size == 4 ? (u32)v : v;
}

static void amo_load(struct cpu *cpu, u32 insn, unsigned size)
{
    unsigned fc = FC;
    u64 gra;
    if (fc == AMO_INC_BOUNDED || fc == AMO_INC_EQUAL || fc == AMO_DEC_BOUNDED) {
        u8 *host = amo_host(cpu, insn, size, true, &gra);
        GPR(RT) = amo_bounded(cpu, fc, host, size);
        reserve_release(cpu, gra);
        return;
    }
    if (fc > AMO_SWAP && fc != AMO_CAS_NOT_EQUAL)
        amo_invalid(cpu, insn, 0);
    u8 *host = amo_host(cpu, insn, size, false, &gra);
    u64 old, a = element(GPR((RT + 1) & 31), size), b = element(GPR((RT + 2) & 31), size);
    do {
        old = host_load(cpu, host, size);
    } while (!host_cas(cpu, host, size, old, amo_result(fc, size, old, a, b)));
    reserve_release(cpu, gra);
    GPR(RT) = old;
}

static void amo_store(struct cpu *cpu, u32 insn, unsigned size)
{
    unsigned fc = FC;
    u64 old, gra, a = element(GPR(RS), size);
    if (fc == AMO_INC_BOUNDED) {
        u8 *host = amo_host(cpu, insn, size, true, &gra);
        amo_store_twin(cpu, host, size, a);
        reserve_release(cpu, gra);
        return;
    }
    if (fc > AMO_MIN_SIGNED)
        amo_invalid(cpu, insn, DSISR_STORE);
    u8 *host = amo_host(cpu, insn, size, false, &gra);
    do {
        old = host_load(cpu, host, size);
    } while (!host_cas(cpu, host, size, old, amo_result(fc, size, old, a, 0)));
    reserve_release(cpu, gra);
}

EXEC(lwat)
{
    amo_load(cpu, insn, 4);
}

EXEC(ldat)
{
    amo_load(cpu, insn, 8);
}

EXEC(stwat)
{
    amo_store(cpu, insn, 4);
}

EXEC(stdat)
{
    amo_store(cpu, insn, 8);
}
