// SPDX-License-Identifier: Apache-2.0
#include "cli/image_cmd.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"

static struct image_options options;

static int parse(const char *const *words)
{
    char *argv[16] = {(char *)(uintptr_t) "build"};
    int argc = 1;
    for (; words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    fflush(stdout);
    return image_parse(argc, argv, &options);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void test_parse(void)
{
    CHECK_EQ(PARSE("debian-12"), 0);
    CHECK_STR(options.release, "debian-12");
    CHECK_EQ(options.size, 4 * GIB);
    CHECK(!options.output && !options.password && !options.ssh_key && !options.packages);
    CHECK_STR(options.hostname, "debian");
    CHECK_EQ(PARSE("--size=20G", "debian-13", "--output", "x y", "--hostname", "web-1", "--root-password", "a b",
                   "--packages", "g++,fio"),
             0);
    CHECK_EQ(options.size, 20 * GIB);
    CHECK_STR(options.output, "x y");
    CHECK_STR(options.hostname, "web-1");
    CHECK_STR(options.password, "a b");
    CHECK_STR(options.packages, "g++,fio");
}

static void test_refused(void)
{
    CHECK(PARSE("--size", "8G") > 0); // no release
    CHECK(PARSE("debian-11") > 0);
    CHECK(PARSE("debian-12", "debian-13") > 0);
    CHECK(PARSE("debian-12", "--size", "3G") > 0);
    CHECK(PARSE("debian-12", "--size", "20") > 0);
    CHECK(PARSE("debian-12", "--size") > 0);
    CHECK(PARSE("debian-12", "--nothing", "x") > 0);
    CHECK(PARSE("debian-12", "--hostname", "-x") > 0);
    CHECK(PARSE("debian-12", "--hostname", "a_b") > 0);
    CHECK(PARSE("debian-12", "--hostname", "") > 0);
    CHECK(PARSE("debian-12", "--packages", "a,,b") > 0);
    CHECK(PARSE("debian-12", "--packages", "a;b") > 0);
    CHECK(PARSE("debian-12", "--packages", "-o") > 0);
    CHECK(PARSE("debian-12", "--root-password", "a\nb") > 0);
    CHECK(PARSE("debian-12", "--ssh-key", "/nowhere") > 0);
    CHECK(PARSE("debian-12", "--output=") > 0);
}

static void test_ssh_key(void)
{
    char path[] = "/tmp/openlpar-key-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && dprintf(fd, "-----BEGIN OPENSSH PRIVATE KEY-----\n") > 0);
    CHECK(PARSE("debian-12", "--ssh-key", path) > 0); // the wrong half
    CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, "ssh-ed25519 AAAA x\n", 19, 0) == 19);
    CHECK_EQ(PARSE("debian-12", "--ssh-key", path), 0);
    CHECK_STR(options.ssh_key, path);
    close(fd);
    unlink(path);
}

int main(void)
{
    TEST(test_parse);
    TEST(test_refused);
    TEST(test_ssh_key);
    return test_done();
}
