// SPDX-License-Identifier: Apache-2.0
// The client interface and what hangs on it: tree, negotiation, RTAS instantiation; and calls that no sane program makes.
#include "papr/of.h"

#include <libfdt.h>
#include <unistd.h>

#include "papr/cas.h"
#include "papr/test_partition.h"
#include "papr/tree.h"

#define ARGS    0x10000u // argument array
#define STRINGS 0x11000u // up to 8 strings of 0x200 bytes
#define BUFFER  0x20000u

static struct partition *lp;
static u32 strings_used;

static u32 text(const char *s)
{
    u32 at = STRINGS + 0x200 * (strings_used++ % 8);
    guest_mem_write(&lp->mem, at, s, strlen(s) + 1);
    return at;
}

static u32 rets[8];

static long call_raw(const char *service, const u32 *args, u32 nargs, u32 nrets)
{
    be32 array[32] = {be32_of(text(service)), be32_of(nargs), be32_of(nrets)};
    for (u32 i = 0; i < nargs; i++)
        array[3 + i] = be32_of(args[i]);
    guest_mem_write(&lp->mem, ARGS, array, sizeof(array));
    long rc = of_client_call(lp->group.cpus[0], ARGS);
    guest_mem_read(&lp->mem, ARGS, array, sizeof(array));
    for (u32 i = 0; i < nrets && i < ARRAY_LEN(rets); i++)
        rets[i] = be32_get(array[3 + nargs + i]);
    return rc;
}

static u32 call_first(const char *service, const u32 *args, u32 nargs, u32 nrets)
{
    rets[0] = 0;
    call_raw(service, args, nargs, nrets);
    return rets[0];
}

#define CALL(service, nrets, ...) \
    call_first(service, (const u32[]){__VA_ARGS__}, sizeof((const u32[]){__VA_ARGS__}) / sizeof(u32), nrets)

static u32 find(const char *path)
{
    return CALL("finddevice", 1, text(path));
}

static void test_walk(void)
{
    CHECK(find("/chosen") != ~0u);
    CHECK_EQ(find("/nowhere"), ~0u);
    u32 root = CALL("peer", 1, 0);
    CHECK_EQ(root, find("/"));
    CHECK_EQ(CALL("peer", 1, root), 0);
    CHECK_EQ(CALL("parent", 1, root), 0);
    unsigned children = 0, cpus = 0;
    for (u32 node = CALL("child", 1, root); node; node = CALL("peer", 1, node)) {
        children++;
        CHECK_EQ(CALL("parent", 1, node), root);
        CHECK(children < 100);
    }
    CHECK(children > 8);
    for (u32 node = CALL("child", 1, find("/cpus")); node && cpus < 100; node = CALL("peer", 1, node))
        cpus++;
    CHECK_EQ(cpus, 2);
}

static void test_properties(void)
{
    char value[64];
    u32 chosen = find("/chosen"), root = find("/");
    CHECK_EQ(CALL("getproplen", 1, root, text("model")), sizeof("IBM,9009-22A"));
    CHECK_EQ(CALL("getprop", 1, root, text("model"), BUFFER, 4), sizeof("IBM,9009-22A"));
    guest_mem_read(&lp->mem, BUFFER, value, 4);
    CHECK(memcmp(value, "IBM,", 4) == 0);
    CHECK_EQ(CALL("getprop", 1, root, text("none"), BUFFER, 4), ~0u);
    CHECK_EQ(CALL("getprop", 1, find("/cpus"), text("name"), BUFFER, 64), 5);
    guest_mem_write(&lp->mem, BUFFER, "abc", 4);
    CHECK_EQ(CALL("setprop", 1, chosen, text("test,property"), BUFFER, 4), 4);
    CHECK_EQ(CALL("getprop", 1, chosen, text("test,property"), BUFFER + 64, 64), 4);
    guest_mem_read(&lp->mem, BUFFER + 64, value, 4);
    CHECK_STR(value, "abc");
    CHECK_EQ(CALL("setprop", 1, chosen, text("test,property"), BUFFER, 0x7fffffff), ~0u);
    CHECK_EQ(CALL("setprop", 1, chosen, text("phandle"), BUFFER, 4), ~0u);

    // nextprop visits each property once
    unsigned seen = 0;
    guest_mem_write(&lp->mem, BUFFER, "", 1);
    while (CALL("nextprop", 1, root, BUFFER, BUFFER) == 1 && seen < 200)
        seen++;
    CHECK_EQ(rets[0], 0);
    CHECK(seen > 10 && seen < 200);
    CHECK_EQ(CALL("nextprop", 1, root, text("none"), BUFFER), ~0u);
}

static void test_handles(void)
{
    char path[64] = "";
    u32 chosen = find("/chosen");
    CALL("getprop", 1, chosen, text("stdout"), BUFFER, 4);
    be32 handle;
    guest_mem_read(&lp->mem, BUFFER, &handle, 4);
    u32 out = be32_get(handle), package = CALL("instance-to-package", 1, out);
    CHECK_EQ(package, find(TREE_CONSOLE_PATH));
    CHECK_EQ(CALL("package-to-path", 1, package, BUFFER, 64), strlen(TREE_CONSOLE_PATH));
    guest_mem_read(&lp->mem, BUFFER, path, sizeof(path));
    CHECK_STR(path, TREE_CONSOLE_PATH);
    guest_mem_write(&lp->mem, BUFFER, "hello", 5);
    CHECK_EQ(CALL("write", 1, out, BUFFER, 5), 5);
    CHECK(test_hv.out_len == 5 && memcmp(test_hv.out, "hello", 5) == 0);
    CHECK_EQ(CALL("write", 1, 12345, BUFFER, 5), ~0u);
    CHECK_EQ(CALL("write", 1, out, 0xfffffff0, 0x100), ~0u);
    // instances run out and come back
    u32 last = 0, handles[100];
    unsigned n = 0;
    while (n < 100 && (last = CALL("open", 1, text("/"))))
        handles[n++] = last;
    CHECK(n > 8 && n < 100);
    for (unsigned i = 0; i < n; i++)
        CALL("close", 0, handles[i]);
    CHECK(CALL("open", 1, text("/")) != 0);
    CHECK_EQ(CALL("open", 1, text("/nowhere")), 0);
}

static void test_claim(void)
{
    CHECK_EQ(CALL("claim", 1, 0x1000000, 0x10000, 0), 0x1000000);
    CHECK_EQ(CALL("claim", 1, 0x1008000, 0x10000, 0), ~0u);
    CHECK_EQ(CALL("claim", 1, 0x1010000, 0x10000, 0), 0x1010000);
    call_raw("release", (const u32[]){0x1008000, 0x4000}, 2, 0); // a hole
    CHECK_EQ(CALL("claim", 1, 0x1008000, 0x4000, 0), 0x1008000);
    u32 any = CALL("claim", 1, 0, 0x100000, 0x100000);
    CHECK(any != ~0u && (any & 0xfffff) == 0 && any != 0);
    CHECK(CALL("claim", 1, 0, 0x100000, 0x100000) != any);
    CHECK_EQ(CALL("claim", 1, (u32)TEST_MEMORY - 0x1000, 0x2000, 0), ~0u);
    CHECK_EQ(CALL("claim", 1, 0, 0xf0000000, 0x1000), ~0u);
    CHECK_EQ(CALL("claim", 1, 0, 0x1000, 3), ~0u);
    CHECK_EQ(CALL("claim", 1, 0, 0, 0x1000), ~0u);
}

static void test_rtas(void)
{
    u32 rtas = CALL("open", 1, text("/rtas"));
    CHECK(rtas != 0);
    call_raw("call-method", (const u32[]){text("instantiate-rtas"), rtas, 0x2000000}, 3, 2);
    CHECK_EQ(rets[0], 0);
    CHECK_EQ(rets[1], 0x2000000);
    CHECK_EQ(lp->rtas_base, 0x2000000);
    call_raw("call-method", (const u32[]){text("instantiate-rtas"), rtas, 0xfffffff0}, 3, 2);
    CHECK(rets[0] != 0);
    call_raw("call-method", (const u32[]){text("no-such-method"), rtas, 0}, 3, 2);
    CHECK(rets[0] != 0);
}

static const u8 linux_vectors[] = {
    0xff, 0xff, 0,    0,    0,    0x4d, 0,    0,                            // POWER8
    0xff, 0xff, 0,    0,    0,    0x4e, 0,    0,                            // POWER9
    0xff, 0xff, 0xff, 0xff, 0x0f, 0,    0,    5,                            // ISA 3.0
    0xff, 0xff, 0xff, 0xff, 0x0f, 0,    0,    4,                            // ISA 2.07
    0xff, 0xff, 0xff, 0xfe, 0x0f, 0,    0,    1,                            // end
    4,                                                                      // five vectors
    1,    0,    0xff,                                                       // 1
    1,    0,    0,                                                          // 2
    1,    0,    0,                                                          // 3
    1,    0,    0,                                                          // 4
    25,   0,    0xf0, 0,    0,    0x80, 0x05, 0, 0,    0,    0,    8,    0, // 5: index 1 ..
    0,    0,    0,    0,    0,    0,    0,    0, 0x01, 0xc0, 0x40, 0x40, 0, 0x40,
};

static u32 negotiate(const u8 *vectors, size_t size)
{
    u32 root = CALL("open", 1, text("/"));
    guest_mem_write(&lp->mem, 0x30000, vectors, size);
    call_raw("call-method", (const u32[]){text("ibm,client-architecture-support"), root, 0x30000}, 3, 2);
    u32 result = rets[0] ? rets[0] : rets[1];
    CALL("close", 0, root);
    return result;
}

static void test_negotiation(void)
{
    guest_mem_write(&lp->mem, BUFFER, "kept", 5);
    CALL("setprop", 1, find("/chosen"), text("test,kept"), BUFFER, 5);
    CALL("setprop", 1, find("/chosen"), text("bootargs"), BUFFER, 5); // another value of what firmware gave
    CHECK_EQ(negotiate(linux_vectors, sizeof(linux_vectors)), 0);
    CHECK(lp->radix && lp->xive_mode);
    CHECK_EQ(lp->compat_level, LEVEL_V30);
    CHECK(find("/ibm,dynamic-reconfiguration-memory") != ~0u);
    CHECK(find("/event-sources/hot-plug-events") != ~0u);
    CHECK_EQ(find("/interrupt-controller"), find("/interrupt-controller@60302031b0000"));
    CHECK_EQ(CALL("getproplen", 1, find("/chosen"), text("test,kept")), 5);
    CHECK_EQ(CALL("getproplen", 1, find("/chosen"), text("bootargs")), 5);
    CHECK_EQ(CALL("getproplen", 1, find("/chosen"), text("ibm,architecture-vec-5")), 27);

    // ISA 2.07 only: hash and XICS, whatever is asked for besides
    u8 old[sizeof(linux_vectors)];
    memcpy(old, linux_vectors, sizeof(old));
    memset(old + 16, 0xff, 4);
    old[23] = 3;
    old[sizeof(old) - 3] = 0; // no radix
    CHECK_EQ(negotiate(old, sizeof(old)), 0);
    CHECK(!lp->radix && !lp->xive_mode);
    CHECK_EQ(lp->compat_level, LEVEL_V207);
    CHECK_EQ(lp->group.cpus[3]->isa_level, LEVEL_V207);

    // nothing in common: refused, nothing changed
    u8 none[16] = {0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1};
    CHECK(negotiate(none, sizeof(none)) != 0);
    CHECK_EQ(lp->compat_level, LEVEL_V207);
}

static void test_wild(void)
{
    static const char *const services[] = {
        "finddevice", "peer",     "child", "parent", "getproplen",      "getprop",
        "nextprop",   "setprop",  "canon", "open",   "package-to-path", "instance-to-path",
        "read",       "write",    "claim", "close",  "call-method",     "release",
        "test",       "interpret"};
    u64 seed = 1;
    CHECK_EQ(of_client_call(lp->group.cpus[0], 0xffffffff), -1);
    CHECK_EQ(of_client_call(lp->group.cpus[0], TEST_MEMORY - 4), -1);
    CHECK_EQ(call_raw("no-such-service", (const u32[]){0}, 1, 1), -1);
    CHECK_EQ(call_raw("getprop", (const u32[]){0}, 1, 1), -1); // too few arguments
    for (unsigned i = 0; i < 20000; i++) {
        u32 args[6];
        for (unsigned a = 0; a < 6; a++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            u32 v = (u32)(seed >> 32);
            static const u32 odd[] = {
                0, 1, ~0u, 0x7fffffff, STRINGS, ARGS, BUFFER, (u32)TEST_MEMORY - 1, (u32)TEST_MEMORY};
            args[a] = v & 1 ? odd[v / 2 % ARRAY_LEN(odd)] : v;
            if (a == 3 && (v & 6))
                args[a] = v % 300;
        }
        if (strcmp(services[i % ARRAY_LEN(services)], "write") == 0)
            test_hv.accept = sizeof(test_hv.out), test_hv.out_len = 0, args[2] &= 0xff;
        call_raw(services[i % ARRAY_LEN(services)], args, 6, i % 3);
    }
    CHECK(find("/chosen") != ~0u);
}

// dtc, where there is one, must find nothing to say about the structure.
static void test_tree_file(void)
{
    static const u8 levels[] = {LEVEL_V207, LEVEL_V30};
    for (unsigned i = 0; i < ARRAY_LEN(levels); i++) {
        partition_fini(lp);
        lp = test_partition(4, 8, levels[i]);
        if (i)
            negotiate(linux_vectors, sizeof(linux_vectors));
        const void *fdt = of_tree(lp);
        CHECK_EQ(fdt_check_full(fdt, fdt_totalsize(fdt)), 0);
        char name[] = "/tmp/openlpar-tree-XXXXXX", command[200];
        int fd = mkstemp(name);
        CHECK(fd >= 0 && write(fd, fdt, fdt_totalsize(fdt)) == (ssize_t)fdt_totalsize(fdt));
        close(fd);
        if (system("command -v dtc >/dev/null 2>&1") == 0) {
            // Checks of dtc's that PAPR's trees fail by design are off: interrupt parents by position, names without units.
            snprintf(command, sizeof(command), "dtc -q -I dtb -O dts -o /dev/null %s", name);
            CHECK_EQ(system(command), 0);
        }
        unlink(name);
    }
}

static void test_flat(void)
{
    u64 size;
    partition_fini(lp);
    lp = test_partition(2, 1, LEVEL_V30);
    CHECK_EQ(of_flatten(lp, 0x100000, 0x200000, TEST_MEMORY, &size), 0);
    const void *fdt = lp->mem.base + 0x200000;
    CHECK_EQ(fdt_check_full(fdt, size), 0);
    int rtas = fdt_path_offset(fdt, "/rtas"), len;
    const be32 *base = fdt_getprop(fdt, rtas, "linux,rtas-base", &len);
    CHECK(base && be32_get(*base) == 0x100000);
    CHECK(of_flatten(lp, 0x100000, TEST_MEMORY - 16, TEST_MEMORY, &size) < 0);
}

// The words that end a boot program.
static void test_interpret(void)
{
    partition_fini(lp);
    lp = test_partition(1, 1, LEVEL_V30);
    CHECK_EQ(CALL("interpret", 1, text("cursor-on")), ~0u);
    CHECK_EQ(atomic_load(&lp->end), END_NONE);
    CHECK_EQ(CALL("interpret", 1, text("reset-all")), 0);
    CHECK_EQ(atomic_load(&lp->end), END_REBOOT);
}

int main(void)
{
    lp = test_partition(2, 2, LEVEL_V30);
    TEST(test_walk);
    TEST(test_properties);
    TEST(test_handles);
    TEST(test_claim);
    TEST(test_rtas);
    TEST(test_negotiation);
    TEST(test_wild);
    TEST(test_tree_file);
    TEST(test_flat);
    TEST(test_interpret);
    partition_fini(lp);
    return test_done();
}
