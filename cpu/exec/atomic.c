// SPDX-License-Identifier: Apache-2.0
//
// Load and reserve, store conditional, atomic memory operations. ISA II "Storage Control Instructions".
//
// Reservations: cpu/reserve.h. Host read-modify-write operations are full barriers on x86-64, stronger than what the ISA asks for.
#include "cpu/exec/storage_int.h"
#include "cpu/reserve.h"

// 16 bytes at once: the compiler's builtins would need a library, or refuse.
static inline bool cas128(u128 *host, u128 *expected, u128 desired)
{
#ifdef __x86_64__
    bool ok;
    u64 low = (u64)*expected, high = (u64)(*expected >> 64);
    __asm__ volatile("lock cmpxchg16b %[mem]"
                     : [mem] "+m"(*host), "=@ccz"(ok), "+a"(low), "+d"(high)
                     : "b"((u64)desired), "c"((u64)(desired >> 64))
                     : "memory");
    *expected = (u128)high << 64 | low;
    return ok;
#else
    return __atomic_compare_exchange_n(host, expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
#endif
}

// Aligned 16-byte loads and stores of processors with AVX are atomic (Intel SDM, AMD APM); older ones swap.
#ifdef __x86_64__
static bool wide_moves_atomic(void)
{
    static int known = -1;
    int v = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (v < 0) {
        __builtin_cpu_init();
        v = !!__builtin_cpu_supports("avx");
        __atomic_store_n(&known, v, __ATOMIC_RELAXED);
    }
    return v;
}
#endif

static u128 host_load128(u128 *host)
{
    u128 v = 0;
#ifdef __x86_64__
    if (likely(wide_moves_atomic())) {
        typedef long long wide __attribute__((vector_size(16)));
        wide w;
        __asm__ volatile("movdqa %1, %0" : "=x"(w) : "m"(*host) : "memory");
        memcpy(&v, &w, sizeof(v));
        return v;
    }
#endif
    cas128(host, &v, 0); // writes back what is there
    return v;
}

static void host_store128(u128 *host, u128 v)
{
#ifdef __x86_64__
    if (likely(wide_moves_atomic())) {
        typedef long long wide __attribute__((vector_size(16)));
        wide w;
        memcpy(&w, &v, sizeof(v));
        __asm__ volatile("movdqa %1, %0" : "=m"(*host) : "x"(w) : "memory");
        return;
    }
#endif
    u128 expected = *host;
    while (!cas128(host, &expected, v))
        ;
}

static inline u128 order128(const struct cpu *cpu, u128 v)
{
    return cpu->be ? swap128(v) : v;
}

u128 atomic_read128(struct cpu *cpu, u64 ea)
{
    u64 gra;
    u128 *host = atomic_host(cpu, ea, 16, !likely(wide_moves_atomic()), &gra);
    return order128(cpu, host_load128(host));
}

void atomic_write128(struct cpu *cpu, u64 ea, u128 value)
{
    u64 gra;
    u128 *host = atomic_host(cpu, ea, 16, true, &gra);
    host_store128(host, order128(cpu, value));
}

// Values are compared as they lie in memory, so that a change of the byte order in between does no harm.
#define EXEC_RESERVE(id, bits, swap)                                 \
    EXEC(id)                                                         \
    {                                                                \
        u64 ea = ea_indexed(cpu, insn) & cpu->ea_mask, gra;          \
        u##bits *host = atomic_host(cpu, ea, bits / 8, false, &gra); \
        u64 version = reserve_version(cpu, gra);                     \
        u##bits raw = __atomic_load_n(host, __ATOMIC_ACQUIRE);       \
        reserve_set(cpu, gra, bits / 8, version, raw);               \
        GPR(RT) = unlikely(cpu->be) ? swap(raw) : raw;               \
    }

EXEC_RESERVE(lbarx, 8, swap8)
EXEC_RESERVE(lharx, 16, __builtin_bswap16)
EXEC_RESERVE(lwarx, 32, __builtin_bswap32)
EXEC_RESERVE(ldarx, 64, __builtin_bswap64)

EXEC(lqarx)
{
    u64 ea = ea_indexed(cpu, insn) & cpu->ea_mask, gra;
    // RT odd, RT = RA, RT = RB: invalid forms
    if (unlikely(RT & 1) || unlikely(RT == RA) || unlikely(RT == RB))
        cpu_raise_illegal(cpu);
    u128 *host = atomic_host(cpu, ea, 16, !likely(wide_moves_atomic()), &gra);
    u64 version = reserve_version(cpu, gra);
    u128 raw = host_load128(host);
    reserve_set(cpu, gra, 16, version, raw);
    u128 v = order128(cpu, raw);
    GPR(RT) = (u64)(v >> 64);
    GPR(RT + 1) = (u64)v;
}

// True: the entry of the granule's version is held.
static inline bool reserved(struct cpu *cpu, u64 gra, unsigned size)
{
    return cpu->reserve_addr == gra && cpu->reserve_size == size && reserve_take(cpu, gra);
}

static inline void end_reservation(struct cpu *cpu, bool stored)
{
    cpu->reserve_addr = RESERVE_NONE;
    cpu->crf[0] = (u8)((stored ? CR_EQ : 0) | cpu->so);
}

#define EXEC_CONDITIONAL(id, bits, swap)                                                                             \
    EXEC(id)                                                                                                         \
    {                                                                                                                \
        u64 ea = ea_indexed(cpu, insn) & cpu->ea_mask, gra;                                                          \
        u##bits *host = atomic_host(cpu, ea, bits / 8, true, &gra);                                                  \
        bool stored = false;                                                                                         \
        if (likely(reserved(cpu, gra, bits / 8))) {                                                                  \
            u##bits expected = (u##bits)cpu->reserve_value, value = (u##bits)GPR(RS);                                \
            value = unlikely(cpu->be) ? swap(value) : value;                                                         \
            stored = __atomic_compare_exchange_n(host, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED); \
            reserve_release(cpu, gra);                                                                               \
        }                                                                                                            \
        end_reservation(cpu, stored);                                                                                \
    }

EXEC_CONDITIONAL(stbcx_r, 8, swap8)
EXEC_CONDITIONAL(sthcx_r, 16, __builtin_bswap16)
EXEC_CONDITIONAL(stwcx_r, 32, __builtin_bswap32)
EXEC_CONDITIONAL(stdcx_r, 64, __builtin_bswap64)

EXEC(stqcx_r)
{
    u64 ea = ea_indexed(cpu, insn) & cpu->ea_mask, gra;
    if (unlikely(RS & 1))
        cpu_raise_illegal(cpu);
    u128 *host = atomic_host(cpu, ea, 16, true, &gra);
    bool stored = false;
    if (likely(reserved(cpu, gra, 16))) {
        u128 expected = cpu->reserve_value;
        stored = cas128(host, &expected, order128(cpu, (u128)GPR(RS) << 64 | GPR(RS + 1)));
        reserve_release(cpu, gra);
    }
    end_reservation(cpu, stored);
}
