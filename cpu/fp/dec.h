// SPDX-License-Identifier: Apache-2.0
// Decimal floating point: the three formats in DPD coding, and exact arithmetic on them with Power's flags.
// ISA I "Decimal Floating-Point".
//
// A number is unpacked to sign, binary coefficient and exponent; results are computed exactly (with what was lost as one sticky
// bit), then rounded once to the format. Nothing here knows registers or raises interrupts. Environments are those of cpu/fp/fp.h,
// except that env->round is an enum dec_round.
#ifndef CPU_FP_DEC_H
#define CPU_FP_DEC_H

#include "cpu/fp/fp.h"

// Values of FPSCR[DRN].
enum dec_round {
    DEC_NEAREST,      // ties to even
    DEC_TRUNCATE,     // toward zero
    DEC_UP,           // toward +infinity
    DEC_DOWN,         // toward -infinity
    DEC_NEAREST_AWAY, // ties away from zero
    DEC_NEAREST_ZERO, // ties toward zero
    DEC_AWAY,         // away from zero
    DEC_SHORTER,      // to prepare for shorter precision: away when the last digit kept is 0 or 5
};

enum dec_class { DEC_FINITE, DEC_INF, DEC_QNAN, DEC_SNAN };

struct dec {
    u8 class; // enum dec_class
    bool sign;
    s32 exp;   // of a finite number: value = coef * 10^exp
    u128 coef; // of a NaN: its payload; of an infinity: what its coefficient field holds
};

struct dec_format {
    unsigned digits;   // precision
    unsigned bits;     // of the whole format
    unsigned exp_bits; // continuation of the exponent, below the combination field
    s32 bias;
    s32 exp_max; // of exp; the least is -bias
    s32 wrap;    // what enabled overflow and underflow adjust the exponent by
};

extern const struct dec_format dec32, dec64, dec128;

// The adjusted exponent of the smallest normal number.
static inline s32 dec_normal_min(const struct dec_format *f)
{
    return -f->bias + (s32)f->digits - 1;
}

struct dec dec_unpack(const struct dec_format *f, u128 bits);
// The canonical encoding. The payload of a NaN keeps its rightmost digits; infinities get their coefficient likewise.
u128 dec_pack(const struct dec_format *f, struct dec v);

u128 dec_pow10(unsigned n);     // n <= 38
unsigned dec_digits(u128 coef); // 0 for 0

static inline bool dec_is_nan(struct dec v)
{
    return v.class >= DEC_QNAN;
}

static inline bool dec_is_zero(struct dec v)
{
    return v.class == DEC_FINITE && !v.coef;
}

bool dec_is_subnormal(const struct dec_format *f, struct dec v);

// FPSCR[FPRF] for the value, in place.
u32 dec_fprf(const struct dec_format *f, struct dec v);

// Arithmetic. Operands and results in the format `f`.
struct dec dec_add(const struct dec_format *f, struct fp_env *env, struct dec a, struct dec b);
struct dec dec_sub(const struct dec_format *f, struct fp_env *env, struct dec a, struct dec b);
struct dec dec_mul(const struct dec_format *f, struct fp_env *env, struct dec a, struct dec b);
struct dec dec_div(const struct dec_format *f, struct fp_env *env, struct dec a, struct dec b);

// The default NaN, with the exception noted.
struct dec dec_invalid(struct fp_env *env, u32 flag);
// A NaN operand becomes the result, quieted.
struct dec dec_quiet(struct fp_env *env, struct dec v);

// No flags. fp_order is the CR field.
enum fp_order dec_compare(struct dec a, struct dec b);

// A finite v rounded to the format (from a wider one, or an integer): overflow, underflow, inexact.
struct dec dec_round_to(const struct dec_format *f, struct fp_env *env, struct dec v);
// A finite v with the given exponent: VXCVI when it has too many digits then.
struct dec dec_quantize(const struct dec_format *f, struct fp_env *env, struct dec v, s32 exp);
// A finite v rounded to so many significant digits (0: as it is).
struct dec dec_reround(const struct dec_format *f, struct fp_env *env, struct dec v, unsigned digits);
// To an integer, saturated with VXCVI.
s64 dec_to_s64(struct fp_env *env, struct dec v);

#endif
