// SPDX-License-Identifier: Apache-2.0
// Expected texts are what GNU objdump -Mraw prints for the same words.
#include "isa/isa.h"

#include "base/test.h"

static void test_samples(void)
{
    static const struct {
        u32 insn;
        const char *text;
    } samples[] = {
        {0x2c230005, "cmpi cr0,1,r3,5"},
        {0x2f830005, "cmpi cr7,0,r3,5"},
        {0x28230005, "cmpli cr0,1,r3,5"},
        {0x7ca32000, "cmp cr1,1,r3,r4"},
        {0x4e800020, "bclr 20,lt,0"},
        {0x4d821820, "bclr 12,eq,3"},
        {0x4e800421, "bcctrl 20,lt,0"},
        {0x42000000, "bc 16,lt,0x1000"},
        {0x41860008, "bc 12,4*cr1+eq,0x1008"},
        {0x4bfffff1, "bl 0xff0"},
        {0x48000103, "bla 0x100"},
        {0x7c602028, "lwarx r3,0,r4,0"},
        {0x7c602029, "lwarx r3,0,r4,1"},
        {0x7c0004ac, "sync 0"},
        {0x7c2004ac, "sync 1"},
        {0x7c6ff120, "mtcrf 255,r3"},
        {0x7c780026, "mfocrf r3,128"},
        {0x3c60ffff, "addis r3,0,-1"},
        {0x4c7effc4, "addpcis r3,-4"},
        {0x4c800000, "mcrf cr1,cr0"},
        {0x4c221a02, "crand gt,eq,so"},
        {0x7c60219e, "isel r3,0,r4,4*cr1+eq"},
        {0x7c640100, "setb r3,cr1"},
        {0x7c001a2c, "dcbt 0,r3,0"},
        {0x7e001a2c, "dcbt 0,r3,16"},
        {0xe0850010, "lq r4,16(r5)"},
        {0x788308a2, "rldicl r3,r4,33,34"},
        {0x788308a6, "rldicr r3,r4,33,34"},
        {0x5483298e, "rlwinm r3,r4,5,6,7"},
        {0x7c830e76, "sradi r3,r4,33"},
        {0x7c830ef6, "extswsli r3,r4,33"},
        {0x7c6105e6, "darn r3,1"},
        {0x7c642954, "addex r3,r4,r5,0"},
        {0x7c23260c, "copy r3,r4"},
        {0x7c23270d, "paste. r3,r4"},
        {0x7fe00008, "tw 31,r0,r0"},
        {0x0ca3fffb, "twi 5,r3,-5"},
        {0x7ca32180, "cmprb cr1,1,r3,r4"},
        {0x7c8321c0, "cmpeqb cr1,r3,r4"},
        {0x7d800480, "mcrxrx cr3"},
        {0x7c642c8c, "lwat r3,r4,5"},
        {0x60000000, "ori r0,r0,0"},
        {0x7083ffff, "andi. r3,r4,65535"},
        {0x8465fffc, "lwzu r3,-4(r5)"},
        {0x80600000, "lwz r3,0(0)"},
        {0x7c80296d, "stqcx. r4,0,r5"},
        {0x2064fffb, "subfic r3,r4,-5"},
        {0x7c642a15, "add. r3,r4,r5"},
        {0x7c642e15, "addo. r3,r4,r5"},
        {0x00000000, ".long 0x00000000"},
    };
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        char text[80];
        CHECK_STR(isa_disassemble(samples[i].insn, 0x1000, LEVEL_V30, text, sizeof(text)), samples[i].text);
    }
}

static void test_short_buffer(void)
{
    char text[8];
    memset(text, 'x', sizeof(text));
    CHECK_STR(isa_disassemble(0x41860008, 0, LEVEL_V30, text, sizeof(text)), "bc 12,4");
    char one[1] = {'x'};
    CHECK_STR(isa_disassemble(0, 0, LEVEL_V30, one, sizeof(one)), "");
}

int main(void)
{
    isa_init();
    TEST(test_samples);
    TEST(test_short_buffer);
    return test_done();
}
