// SPDX-License-Identifier: Apache-2.0
// Floating point in every rounding mode, against values that an x86-64 processor computed. Only operations that IEEE 754
// rounds exactly are used. NaNs count as one value, since their bits differ between architectures.
#include "checks.h"

#include <fenv.h>
#include <math.h>
#include <string.h>

static uint64_t bits_of(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return isnan(d) ? 0x7ff8000000000000ull : bits;
}

static double make_double(uint64_t *state)
{
    static const double special[] = {0.0, -0.0, 1.0, -1.0, INFINITY, -INFINITY, 5e-324, 2.2250738585072014e-308,
                                     1.7976931348623157e308, NAN, 4503599627370496.5, 0.1};
    uint64_t value = number_next(state);
    double d;
    if ((value & 15) < 12 && (value >> 60) < 3)
        return special[value & 15];
    if (value >> 63) // exponents near each other, so that sums round
        value = (value & 0x800fffffffffffffull) | ((1023 + ((value >> 52) & 31)) << 52);
    memcpy(&d, &value, sizeof d);
    return d;
}

static uint64_t arithmetic(int mode)
{
    uint64_t hash = HASH_START, state = 7;
    fesetround(mode);
    for (int i = 0; i < 4000; i++) {
        volatile double a = make_double(&state), b = make_double(&state), c = make_double(&state);
        volatile float x = (float)a, y = (float)b, z = (float)c;
        volatile double r;
        r = a + b, hash = hash_add(hash, bits_of(r));
        r = a - c, hash = hash_add(hash, bits_of(r));
        r = a * b, hash = hash_add(hash, bits_of(r));
        r = a / b, hash = hash_add(hash, bits_of(r));
        r = sqrt(c), hash = hash_add(hash, bits_of(r));
        r = fma(a, b, c), hash = hash_add(hash, bits_of(r));
        r = x + y, hash = hash_add(hash, bits_of(r));
        r = x * y, hash = hash_add(hash, bits_of(r));
        r = x / z, hash = hash_add(hash, bits_of(r));
        r = sqrtf(z), hash = hash_add(hash, bits_of(r));
        if (fabs(a) < 9e18)
            hash = hash_add(hash, (uint64_t)(int64_t)a);
        r = (double)(int64_t)state, hash = hash_add(hash, bits_of(r));
        r = (float)(uint64_t)state, hash = hash_add(hash, bits_of(r));
        hash = hash_add(hash, (a < b) | (a == b) << 1 | (a > c) << 2 | (isunordered(b, c) != 0) << 3);
    }
    fesetround(FE_TONEAREST);
    return hash;
}

static uint64_t exceptions(void)
{
    volatile double zero = 0, one = 1, huge = 1.7976931348623157e308, tiny = 2.2250738585072014e-308, result;
    uint64_t seen = 0;
    static const int flags[] = {FE_INVALID, FE_DIVBYZERO, FE_OVERFLOW, FE_UNDERFLOW, FE_INEXACT};
    for (int test = 0; test < 6; test++) {
        feclearexcept(FE_ALL_EXCEPT);
        switch (test) {
        case 0: result = zero / zero; break;
        case 1: result = one / zero; break;
        case 2: result = huge * huge; break;
        case 3: result = tiny / 3.0; break;
        case 4: result = one / 3.0; break;
        default: result = one + one; break;
        }
        (void)result;
        for (int f = 0; f < 5; f++)
            seen |= (uint64_t)(fetestexcept(flags[f]) != 0) << (test * 8 + f);
    }
    feclearexcept(FE_ALL_EXCEPT);
    return seen;
}

void checks_floats(void)
{
    check_value("float-nearest", arithmetic(FE_TONEAREST), 0x451a53c520f8edd0ull);
    check_value("float-up", arithmetic(FE_UPWARD), 0x0ba0d9b91a16c306ull);
    check_value("float-down", arithmetic(FE_DOWNWARD), 0xf6b3f38cf6066629ull);
    check_value("float-zero", arithmetic(FE_TOWARDZERO), 0xea83030381744e21ull);
    check_value("float-exceptions", exceptions(), 0x0000001018140201ull);
    // The C library's functions may differ in the last place between processors.
    double sum = 0;
    for (int i = 1; i <= 2000; i++)
        sum += exp(-i / 100.0) * sin(i / 10.0) + pow(i, -1.5);
    check("float-libm", fabs(sum - 12.4603149877129) < 1e-12, "sum %.15g", sum);
}
