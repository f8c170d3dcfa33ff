// SPDX-License-Identifier: Apache-2.0
// Vector instructions with known answers: published test vectors, and cases in which element order, saturation or sign matter.
#include "base/test.h"

#include "cpu/cpu.h"

typedef void exec_fn(struct cpu *cpu, u32 insn);

#define V(high, low) ((u128)(high) << 64 | (low))

// VRT = v0, VRA = v1, VRB = v2, VRC = v3; `fields` are further operand bits.
struct vector_case {
    exec_fn *fn;
    const char *name;
    u32 fields;
    u128 t, a, b, c; // before
    u128 result;
    u8 cr6;
    bool sat;
};

#define CASE(id, ...)                             \
    {                                             \
        .fn = exec_##id, .name = #id, __VA_ARGS__ \
    }

exec_fn exec_vaddsbs, exec_vsubuws, exec_vaddecuq, exec_vsubecuq, exec_vmulesb, exec_vmulosb, exec_vmhraddshs,
    exec_vmsumshs, exec_vsum2sws, exec_vpkpx, exec_vupkhsb, exec_vupkhpx, exec_vmrghb, exec_vmrgew, exec_vspltb,
    exec_vspltish, exec_vperm, exec_vpermr, exec_vsldoi, exec_vslv, exec_vsrv, exec_vextractuh, exec_vinserth,
    exec_vbpermq, exec_vgbbd, exec_vcmpgtsb, exec_vcmpequw, exec_vrlwmi, exec_vrldnm, exec_vcipher, exec_vcipherlast,
    exec_vncipher, exec_vncipherlast, exec_vshasigmaw, exec_vpmsumd, exec_vpermxor, exec_vaddfp, exec_vnmsubfp,
    exec_vmaxfp, exec_vctsxs, exec_vcfux, exec_vcmpbfp, exec_vrfin, exec_vexptefp, exec_vlogefp, exec_bcdadd,
    exec_bcdsub, exec_bcdcfn, exec_bcdctz, exec_bcdcfsq, exec_bcdctsq, exec_bcds, exec_bcdsr, exec_bcdtrunc,
    exec_vmul10ecuq;

#define RECORD 0x400u
#define PS     0x200u

static const struct vector_case cases[] = {
    CASE(vaddsbs, .a = V(0x7f80000000000000, 0), .b = V(0x01ff000000000000, 0), .result = V(0x7f80000000000000, 0),
         .sat = true),
    CASE(vsubuws, .a = V(0x0000000100000005, 0), .b = V(0x0000000200000003, 0), .result = V(0x0000000000000002, 0),
         .sat = true),
    CASE(vaddecuq, .a = ~(u128)0, .b = 0, .c = 1, .result = 1),
    CASE(vsubecuq, .a = 5, .b = 5, .c = 0, .result = 0),
    CASE(vsubecuq, .a = 5, .b = 5, .c = 1, .result = 1),
    CASE(vmulesb, .a = V(0xff02000000000000, 0), .b = V(0x0203000000000000, 0), .result = V(0xfffe000000000000, 0)),
    CASE(vmulosb, .a = V(0xff02000000000000, 0), .b = V(0x0203000000000000, 0), .result = V(0x0006000000000000, 0)),
    CASE(vmhraddshs, .a = V(0x8000000000000000, 0), .b = V(0x8000000000000000, 0), .result = V(0x7fff000000000000, 0),
         .sat = true),
    CASE(vmsumshs, .a = V(0x8000800000000000, 0), .b = V(0x8000800000000000, 0), .result = V(0x7fffffff00000000, 0),
         .sat = true),
    CASE(vsum2sws, .a = V(0x0000000100000002, 0x00000003fffffffc), .b = V(0x0000000000000010, 0x20),
         .result = V(0x13, 0x1f)),
    CASE(vpkpx, .a = V(0x01f8f8f800000000, 0), .b = 0x00080808, .result = V(0xffff000000000000, 0x0421)),
    CASE(vupkhsb, .b = V(0x80017f0000000000, 0), .result = V(0xff800001007f0000, 0)),
    CASE(vupkhpx, .b = V(0x8421000000000000, 0), .result = V(0xff01010100000000, 0)),
    CASE(vmrghb, .a = V(0x0001020304050607, 0), .b = V(0x1011121314151617, 0),
         .result = V(0x0010011102120313, 0x0414051506160717)),
    CASE(vmrgew, .a = V(0x0000000000000001, 0x0000000200000003), .b = V(0x0000001000000011, 0x0000001200000013),
         .result = V(0x0000000000000010, 0x0000000200000012)),
    CASE(vspltb, .fields = 3 << 16, .b = V(0x0000004200000000, 0), .result = V(0x4242424242424242, 0x4242424242424242)),
    CASE(vspltish, .fields = 0x1f << 16, .result = ~(u128)0),
    CASE(vperm, .a = V(0x0001020304050607, 0x08090a0b0c0d0e0f), .b = V(0x1011121314151617, 0x18191a1b1c1d1e1f),
         .c = V(0x011f100f00000000, 0xe1), .result = V(0x011f100f00000000, 0x01)),
    CASE(vpermr, .a = V(0x0001020304050607, 0x08090a0b0c0d0e0f), .b = V(0x1011121314151617, 0x18191a1b1c1d1e1f),
         .c = V(0x1e000f101f1f1f1f, 0x1f1f1f1f1f1f1f1f), .result = V(0x011f100f00000000, 0)),
    CASE(vsldoi, .fields = 3 << 6, .a = V(0x0001020304050607, 0x08090a0b0c0d0e0f), .b = V(0x1011121314151617, 0),
         .result = V(0x030405060708090a, 0x0b0c0d0e0f101112)),
    CASE(vslv, .a = V(0x01c0000000000000, 0xff), .b = V(0x0201000000000000, 0x07),
         .result = V(0x0780000000000000, 0x80)),
    CASE(vsrv, .a = V(0x03c0000000000000, 0), .b = V(0x0102000000000000, 0), .result = V(0x01f0000000000000, 0)),
    CASE(vextractuh, .fields = 1 << 16, .b = V(0x00aabb0000000000, 0), .result = V(0xaabb, 0)),
    CASE(vinserth, .fields = 13 << 16, .t = ~(u128)0, .b = V(0x1234, 0), .result = V(~0ull, 0xffffffffff1234ff)),
    CASE(vbpermq, .a = V(0x8000000000000000, 1), .b = V(0x007f01ffffffffff, ~0ull), .result = V(0xc000, 0)),
    CASE(vgbbd, .b = V(0xff00000000000000, 0x8040201008040201), .result = V(0x8080808080808080, 0x8040201008040201)),
    CASE(vcmpgtsb, .fields = RECORD, .a = V(0x0101010101010101, 0x0101010101010101), .b = V(~0ull, ~0ull),
         .result = ~(u128)0, .cr6 = 8),
    CASE(vcmpequw, .fields = RECORD, .a = V(1, 1), .b = V(0x0000000200000003, 0x0000000400000005), .result = 0,
         .cr6 = 2),
    CASE(vrlwmi, .t = ~(u128)0, .a = 0x12345678, .b = 0x00081704, .result = V(0x7fffffff7fffffff, 0x7fffffffff4567ff)),
    CASE(vrldnm, .a = 0x123456789abcdef0, .b = 0x001f3f08, .result = 0xbcdef012),
    // FIPS 197 appendix B, round 1 and its inverse; appendix A's cipher example.
    CASE(vcipher, .a = V(0x193de3bea0f4e22b, 0x9ac68d2ae9f84808), .b = V(0xa0fafe1788542cb1, 0x23a339392a6c7605),
         .result = V(0xa49c7ff2689f352b, 0x6b5bea43026a5049)),
    CASE(vcipherlast, .a = V(0xeb40f21e592e3884, 0x8ba113e71bc342d2), .b = V(0xd014f9a8c9ee2589, 0xe13f0cc8b6630ca6),
         .result = V(0x3925841d02dc09fb, 0xdc118597196a0b32)),
    CASE(vncipherlast, .result = V(0x5252525252525252, 0x5252525252525252)),
    CASE(vpmsumd, .a = V(3, 0x8000000000000000), .b = V(3, 0x8000000000000000), .result = V(0x4000000000000000, 5)),
    CASE(vpermxor, .a = V(0x0100000000000000, 0), .b = 0x80, .c = 0x0f,
         .result = V(0x0101010101010101, 0x0101010101010181)),
    CASE(vaddfp, .a = V(0x3f8000007f800000, 0x7f80000100000001), .b = V(0x40000000ff800000, 0x3f80000080000001),
         .result = V(0x404000007fc00000, 0x7fc0000100000000)),
    CASE(vnmsubfp, .a = V(0x3f800000ffc12345, 0), .b = V(0x3f80000000000000, 0), .c = V(0x3f80000000000000, 0),
         .result = V(0x80000000ffc12345, 0x8000000080000000)),
    CASE(vmaxfp, .a = V(0x80000000bf800000, 0), .b = V(0x00000000c0000000, 0), .result = V(0x00000000bf800000, 0)),
    CASE(vctsxs, .fields = 1 << 16, .b = V(0x3fc000004f800000, 0xcf8000007fc00000),
         .result = V(0x000000037fffffff, 0x8000000000000000), .sat = true),
    CASE(vcfux, .fields = 4 << 16, .b = V(0x00000018ffffffff, 0), .result = V(0x3fc000004d800000, 0)),
    CASE(vcmpbfp, .fields = RECORD, .a = V(0x3f800000c0400000, 0x404000007fc00000),
         .b = V(0x4000000040000000, 0x400000003f800000), .result = V(0x0000000040000000, 0x80000000c0000000)),
    CASE(vrfin, .b = V(0x3f00000040200000, 0x40600000bf000000), .result = V(0x0000000040000000, 0x4080000080000000)),
    CASE(vexptefp, .b = V(0x4120000000000000, 0xc3150000ff800000), .result = V(0x448000003f800000, 0x0000000100000000)),
    CASE(vlogefp, .b = V(0x4480000000000000, 0xbf80000000000001), .result = V(0x41200000ff800000, 0x7fc00000c3150000)),
    CASE(bcdadd, .a = 0x999c, .b = 0x1a, .result = 0x1000c, .cr6 = 4),
    CASE(bcdadd, .fields = PS, .a = 0x5d, .b = 0x5c, .result = 0x0f, .cr6 = 2),
    CASE(bcdadd, .a = 0xac, .b = 0x5c, .result = ~(u128)0, .cr6 = 1),
    CASE(bcdsub, .a = 0x5c, .b = 0x12c, .result = 0x7d, .cr6 = 8),
    CASE(bcdadd, .a = V(0x9999999999999999, 0x999999999999999c), .b = 0x1c, .result = 0xc, .cr6 = 5),
    CASE(bcdcfn, .b = V(0x0030003100320033, 0x003400350036002d), .result = 0x0123456d, .cr6 = 8),
    CASE(bcdctz, .b = 0x12345d, .result = V(0x3030303030303030, 0x3030303132333475), .cr6 = 8),
    CASE(bcdcfsq, .b = -(u128)1234, .result = 0x1234d, .cr6 = 8),
    CASE(bcdctsq, .b = 0x1234b, .result = -(u128)1234, .cr6 = 8),
    CASE(bcds, .a = V(2, 0), .b = 0x12c, .result = 0x1200c, .cr6 = 4),
    CASE(bcds, .a = V(0xff, 0), .b = 0x5c, .result = 0xc, .cr6 = 4),
    CASE(bcdsr, .a = V(0xff, 0), .b = 0x1995c, .result = 0x200c, .cr6 = 4),
    CASE(bcdtrunc, .a = V(2, 0), .b = 0x123d, .result = 0x23d, .cr6 = 9),
    CASE(vmul10ecuq, .a = V(0x1999999999999999, 0x9999999999999999), .b = 6, .result = 1),
};

static struct cpu cpu;

static void test_cases(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        const struct vector_case *k = &cases[i];
        cpu.vsr[32].q = k->t;
        cpu.vsr[33].q = k->a;
        cpu.vsr[34].q = k->b;
        cpu.vsr[35].q = k->c;
        cpu.crf[6] = 0;
        cpu.vscr = 0;
        u32 registers = (k->fields & 0x1f0000 ? 0 : 1u << 16) | 2u << 11;
        if (!(k->fields & 0xffc0))
            registers |= 3u << 6;
        k->fn(&cpu, k->fields | registers);
        u128 got = cpu.vsr[32].q;
        if (got != k->result)
            printf("# case %u, %s\n", i, k->name);
        CHECK_EQ((u64)(got >> 64), (u64)(k->result >> 64));
        CHECK_EQ((u64)got, (u64)k->result);
        CHECK_EQ(cpu.crf[6], k->cr6);
        CHECK_EQ(cpu.vscr, k->sat);
    }
}

// The inverse cipher undoes the cipher when keys are applied as FIPS 197 does, in the straightforward order.
static void test_cipher_inverse(void)
{
    u128 state = V(0x0123456789abcdef, 0xfedcba9876543210), key = V(0x1122334455667788, 0x99aabbccddeeff00);
    cpu.vsr[33].q = state;
    cpu.vsr[34].q = key;
    exec_vcipherlast(&cpu, 1u << 16 | 2u << 11);
    cpu.vsr[33].q = cpu.vsr[32].q ^ key;
    cpu.vsr[34].q = 0;
    exec_vncipherlast(&cpu, 1u << 16 | 2u << 11);
    CHECK(cpu.vsr[32].q == state);
    // vcipher = MixColumns after the same steps; with a zero key vncipher applies InvMixColumns last.
    cpu.vsr[33].q = state;
    exec_vcipherlast(&cpu, 1u << 16 | 2u << 11);
    u128 plain = cpu.vsr[32].q;
    exec_vcipher(&cpu, 1u << 16 | 2u << 11);
    u128 mixed = cpu.vsr[32].q;
    CHECK(plain != mixed);
    cpu.vsr[33].q = 0;
    exec_vncipherlast(&cpu, 1u << 16 | 2u << 11);
    u128 key52 = cpu.vsr[32].q;
    cpu.vsr[34].q = key52 ^ mixed; // InvSubBytes(InvShiftRows(0)) + key = mixed
    exec_vncipher(&cpu, 1u << 16 | 2u << 11);
    CHECK(cpu.vsr[32].q == plain);
}

static void test_sigma(void)
{
    cpu.vsr[33].q = V(0x0000000100000001, 0x0000000100000001);
    exec_vshasigmaw(&cpu, 1u << 16 | 0x05u << 11); // ST = 0, SIX = 0101
    CHECK_EQ((u64)(cpu.vsr[32].q >> 64), 0x020040000000a000ull);
    exec_vshasigmaw(&cpu, 1u << 16 | 0x15u << 11); // ST = 1
    CHECK_EQ((u64)(cpu.vsr[32].q >> 64), 0x4008040004200080ull);
}

int main(void)
{
    TEST(test_cases);
    TEST(test_cipher_inverse);
    TEST(test_sigma);
    return test_done();
}
