// SPDX-License-Identifier: Apache-2.0
#include "cli/boot_cmd.h"

#include "cpu/run.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/test.h"
#include "cli/options.h"
#include "isa/isa.h"
#include "lpar/trace.h"

static void test_sizes(void)
{
    static const struct {
        const char *text;
        u64 size;
    } cases[] = {
        {"128M", 128 * MIB},
        {"1G", GIB},
        {"1.5G", GIB + 512 * MIB},
        {"2g", 2 * GIB},
        {"4GiB", 4 * GIB},
        {"1GB", GIB},
        {"1T", 1024 * GIB},
        {"64K", 64 * KIB},
        {"0.25G", 256 * MIB},
        {"", 0},
        {"G", 0},
        {"1", 0},
        {"1GG", 0},
        {"-1G", 0},
        {"1e3", 0},
        {"1.G", 0},
        {" 1G", 0},
        {"1 G", 0},
        {"0x1G", 0},
        {"99999999999999999999G", 0},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++)
        CHECK_EQ(parse_size(cases[i].text), cases[i].size);
}

static struct boot_options o;

#define PARSE(...) parse((char *[]){"boot", ##__VA_ARGS__, NULL})

static int parse(char **argv)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    return boot_parse(argc, argv, &o);
}

static void test_defaults(void)
{
    CHECK_EQ(PARSE("--kernel", "k"), 0);
    CHECK_EQ(o.memory, GIB);
    CHECK(o.vcpus == 1 && o.threads == 1 && o.isa_level == LEVEL_V30 && o.radix_allowed && o.hash_allowed &&
          o.client_interface);
}

static void test_forms(void)
{
    CHECK_EQ(PARSE("--kernel=k", "--memory=2G", "--append=a=b c", "--vcpus", "4", "--threads=8", "--trace=hcall,rtas"),
             0);
    CHECK_EQ(o.memory, 2 * GIB);
    CHECK_STR(o.append, "a=b c");
    CHECK_EQ(o.threads, 8);
    CHECK_EQ(o.trace, TRACE_HCALL | TRACE_RTAS);
    CHECK_EQ(PARSE("--kernel=k", "--cpu", "power8"), 0);
    CHECK(!o.radix_allowed && o.hash_allowed);
    CHECK_EQ(PARSE("--kernel=k", "--gdb", "1234"), 0);
    CHECK_STR(o.gdb, ":1234");
}

static void test_engines(void)
{
    CHECK_EQ(PARSE("--kernel", "k"), 0);
    CHECK(o.engine == engine_auto());
    CHECK_EQ(PARSE("--kernel", "k", "--engine", "jit"), 0);
    CHECK(o.engine == &jit_engine);
    CHECK_EQ(PARSE("--kernel", "k", "--engine", "interp"), 0);
    CHECK(o.engine == &interp_engine);
    CHECK_EQ(PARSE("--kernel", "k", "--engine", "check"), 0);
    CHECK(o.engine == &check_engine);
    CHECK_EQ(PARSE("--kernel", "k", "--engine", "auto"), 0);
    CHECK(o.engine == engine_auto());
}

static void test_refused(void)
{
    int saved = dup(2), null = open("/dev/null", O_WRONLY);
    dup2(null, 2);
    CHECK_EQ(PARSE(), 1);
    CHECK_EQ(PARSE("--kernel"), 1);
    CHECK_EQ(PARSE("--kernel", "k", "--memory", "100M"), 1);
    CHECK_EQ(PARSE("--kernel", "k", "--memory", "1025M"), 1);
    CHECK_EQ(PARSE("--kernel", "k", "--stats=1"), 1);
    CHECK_EQ(PARSE("--kernel", "k", "--kern", "x"), 1);
    CHECK_EQ(PARSE("--kernel", "k", "--trace", "hcall,"), 1);
    CHECK_EQ(PARSE("--kernel", "k", "--engine", "tcg"), 1);
    CHECK_EQ(PARSE("--kernel", "k", "--engine", "kvm"), 1);
    CHECK_EQ(PARSE("--kernel", "k", "--name", "two words"), 1);
    CHECK_EQ(PARSE("--kernel", "k", "--cpu", "power8", "--mmu", "radix"), 1);
    CHECK_EQ(PARSE("--kernel", "k", "--trace-file", "t"), 1);
    dup2(saved, 2);
    close(saved);
    close(null);
}

int main(void)
{
    TEST(test_sizes);
    TEST(test_defaults);
    TEST(test_forms);
    TEST(test_engines);
    TEST(test_refused);
    return test_done();
}
