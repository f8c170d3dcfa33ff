// SPDX-License-Identifier: Apache-2.0
// What ISA 3.0 adds, when the processor says that it has it: quad precision, modulo, byte compares, random numbers, scv.
#include "checks.h"

#include <sys/auxv.h>
#include <unistd.h>

#ifdef __powerpc64__

static uint64_t quad_series(void)
{
    __float128 sum = 0, term = 1;
    for (int i = 1; i < 34; i++) {
        sum += term;
        term /= i;
    }
    // e with 113 bits is 0x4000_5bf0a8b145769 5355fb8ac404e7a79e; the series' last bits are rounding
    unsigned __int128 bits;
    __builtin_memcpy(&bits, &sum, 16);
    return (uint64_t)(bits >> 64);
}

static int64_t modulo(int64_t a, int64_t b)
{
    int64_t result;
    __asm__("modsd %0,%1,%2" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

static uint64_t darn(void)
{
    uint64_t value;
    __asm__ volatile("darn %0,1" : "=r"(value));
    return value;
}

static uint64_t reverse(uint64_t value)
{
    __asm__("mtvsrd 34,%1\n xxbrd 34,34\n mfvsrd %0,34" : "=r"(value) : "r"(value) : "v2");
    return value;
}

void checks_power9(void)
{
    if (!(getauxval(AT_HWCAP2) & 0x00800000)) // PPC_FEATURE2_ARCH_3_00
        return;
    check_value("power9-quad", quad_series(), 0x40005bf0a8b14576ull);
    check_value("power9-modulo", (uint64_t)modulo(-1000000007, 9973), (uint64_t)(-1000000007ll % 9973));
    check("power9-darn", darn() != darn() && darn() != ~0ull, "not random");
    check_value("power9-reverse", reverse(0x0123456789abcdefull), 0xefcdab8967452301ull);
    if (getauxval(AT_HWCAP2) & 0x00100000) { // PPC_FEATURE2_SCV
        register long number __asm__("r0") = 20, result __asm__("r3"); // getpid
        __asm__ volatile(".machine push\n .machine power9\n scv 0\n .machine pop"
                         : "+r"(number), "=r"(result)
                         :
                         : "memory", "cr0", "cr1", "cr5", "cr6", "cr7", "lr", "ctr", "xer", "r4", "r5", "r6", "r7", "r8", "r9",
                           "r10", "r11", "r12");
        check_value("power9-scv", (uint64_t)result, (uint64_t)getpid());
    }
}

#else
void checks_power9(void) {}
#endif
