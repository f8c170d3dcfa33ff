// SPDX-License-Identifier: Apache-2.0
#include "hyper/veth.h"

#include "base/test.h"

static struct veth v[VETH_MAX];
static char why[256], text[256];

static void test_adapters(void)
{
    CHECK_EQ(veth_parse("", v, why, sizeof(why)), 0);
    CHECK_EQ(veth_parse("none", v, why, sizeof(why)), 0);
    CHECK_EQ(veth_parse("2/0/406//0/1/ETHERNET0//all/none", v, why, sizeof(why)), 1);
    CHECK(v[0].slot == 2 && !v[0].ieee && v[0].pvid == 406 && !v[0].vlans_len && !v[0].trunk && v[0].required);
    CHECK_STR(v[0].vswitch, "ETHERNET0");
    CHECK_STR(v[0].macs, "all");
    CHECK_EQ(v[0].qos, VETH_QOS_NONE);
    CHECK_EQ(
        veth_parse(
            "\"5/1/2/30,31/1/1/BACK//all/none\",\"6/0/3//0/0\",7/0/4//0/0/X/0200aabbcc01/020000000001,020000000002/5",
            v, why, sizeof(why)),
        3);
    CHECK(v[0].vlans_len == 2 && v[0].vlans[1] == 31 && v[0].trunk == 1);
    CHECK_STR(v[0].vswitch, "BACK");
    veth_vlans(&v[0], text, sizeof(text));
    CHECK_STR(text, "30,31");
    CHECK(v[1].slot == 6 && v[1].pvid == 3 && !v[1].required);
    CHECK_STR(v[1].vswitch, "ETHERNET0");
    CHECK_STR(v[2].macs, "020000000001,020000000002");
    CHECK_EQ(v[2].qos, 5);
    char mac[13], other[13];
    veth_mac(&v[2], "1234567", 1, mac);
    CHECK_STR(mac, "0200aabbcc01");
    veth_mac(&v[0], "1234567", 1, mac);
    veth_mac(&v[0], "1234567", 2, other);
    CHECK(strlen(mac) == 12 && strcmp(mac, other) != 0);
}

static void test_refusals(void)
{
    static const char *const texts[] = {
        "1/0/1//0/0",
        "64/0/1//0/0",
        "x/0/1//0/0",
        "2/2/1//0/0",
        "2/0/0//0/0",
        "2/0/4095//0/0",
        "2/0/1/5/0/0", // further VLANs without 802.1Q
        "2/1/1/1/0/0",
        "2/1/1/5,5/0/0",
        "2/1/1/5,/0/0",
        "2/0/1//16/0",
        "2/0/1//0/",
        "2/0/1//0/0/S/020000000001x",
        "2/0/1//0/0/S/010000000001",
        "2/0/1//0/0/S//some",
        "2/0/1//0/0/S//all/8",
        "2/0/1//0/0/S//all/none/x",
        "2/0/1//0/0/S//all/none/1/x",
        "2/0/1//0/0/S//all/none/1000001",
        "2/0/1//0/0,2/0/1//0/0",
        "2",
    };
    for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
        why[0] = 0;
        int got = veth_parse(texts[i], v, why, sizeof(why));
        if (got != -1)
            printf("# %s\n", texts[i]);
        CHECK(got == -1 && *why);
    }
    char many[1024] = "";
    for (unsigned i = 0; i <= VETH_MAX; i++)
        snprintf(many + strlen(many), sizeof(many) - strlen(many), "%s%u/0/1//0/0", i ? "," : "", i + 2);
    CHECK_EQ(veth_parse(many, v, why, sizeof(why)), -1);
}

// What is written is what is read.
static void test_format(void)
{
    static const char *const texts[] = {
        "none",
        "2/0/1//0/0/ETHERNET0//all/none",
        "\"5/1/2/30,31/1/1/outer/020000000001/all/7/1000\",6/1/3/9/0/0/ETHERNET0//none/none",
        "\"7/0/4094//15/1/S//020000000001,020000000002/0\"",
    };
    for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
        char small[8];
        int len = veth_parse(texts[i], v, why, sizeof(why));
        CHECK(len >= 0);
        CHECK_EQ(veth_format(v, (u32)len, text, sizeof(text)), strlen(texts[i]));
        CHECK_STR(text, texts[i]);
        CHECK_EQ(veth_format(v, (u32)len, small, sizeof(small)), strlen(texts[i]));
    }
}

int main(void)
{
    TEST(test_adapters);
    TEST(test_refusals);
    TEST(test_format);
    return test_done();
}
