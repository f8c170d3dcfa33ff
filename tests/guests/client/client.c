// SPDX-License-Identifier: Apache-2.0
// A 32-bit big-endian program of the client interface, as boot wrappers are (IEEE 1275, PowerPC binding): walks the tree, claims
// memory, writes to the console, starts RTAS, reads the clock and powers off. `client: all right` is its verdict.
typedef unsigned int u32;
typedef int (*entry_fn)(void *args);

// The compiler calls it for arrays.
void *memset(void *to, int value, unsigned long size);
void *memset(void *to, int value, unsigned long size)
{
    volatile char *p = to;
    while (size--)
        *p++ = (char)value;
    return to;
}

static entry_fn client;

static int call(const char *service, u32 nargs, u32 nrets, u32 *cells)
{
    u32 args[16] = {(u32)service, nargs, nrets};
    for (u32 i = 0; i < nargs; i++)
        args[3 + i] = cells[i];
    int rc = client(args);
    for (u32 i = 0; i < nrets; i++)
        cells[i] = args[3 + nargs + i];
    return rc;
}

static u32 stdout_handle;

static u32 length(const char *s)
{
    u32 n = 0;
    while (s[n])
        n++;
    return n;
}

static void say(const char *text)
{
    u32 cells[3] = {stdout_handle, (u32)text, length(text)};
    call("write", 3, 1, cells);
}

static u32 finddevice(const char *path)
{
    u32 cells[1] = {(u32)path};
    return call("finddevice", 1, 1, cells) ? ~0u : cells[0];
}

static u32 getprop(u32 node, const char *name, void *to, u32 size)
{
    u32 cells[4] = {node, (u32)name, (u32)to, size};
    return call("getprop", 4, 1, cells) ? ~0u : cells[0];
}

static int failures;

static void check(int ok, const char *what)
{
    if (ok)
        return;
    failures++;
    say("client: wrong: ");
    say(what);
    say("\r\n");
}

static u32 count_nodes(u32 node)
{
    u32 n = 1, cells[1] = {node};
    call("child", 1, 1, cells);
    for (u32 child = cells[0]; child;) {
        n += count_nodes(child);
        cells[0] = child;
        call("peer", 1, 1, cells);
        child = cells[0];
    }
    return n;
}

static u32 word_of_mode(void)
{
    u32 bits;
    // CTR = 2^32 + 1: less one it is zero in 32-bit mode, which looks at the lower word alone.
    __asm__ volatile("li 0,1\n\trldicr 0,0,32,31\n\tori 0,0,1\n\tmtctr 0\n\tli %0,64\n\tbdnz 1f\n\tli %0,32\n1:"
                     : "=r"(bits)
                     :
                     : "r0", "ctr");
    return bits;
}

// RTAS's environment: real mode, which we are in.
static int rtas(entry_fn enter, u32 token, u32 nargs, u32 nrets, u32 *cells)
{
    u32 args[19] = {token, nargs, nrets};
    for (u32 i = 0; i < nargs; i++)
        args[3 + i] = cells[i];
    enter(args);
    for (u32 i = 0; i < nrets; i++)
        cells[i] = args[3 + nargs + i];
    return (int)cells[0];
}

static int same(const void *a, const void *b, u32 size)
{
    const char *p = a, *q = b;
    while (size && *p == *q)
        size--, p++, q++;
    return !size;
}

// Where it was booted from the network: asks the server, by the adapter's own methods, for its hardware address. RFC 826
static void check_network(u32 chosen)
{
    static const char lan[] = "/vdevice/l-lan@";
    char path[64];
    unsigned char mac[6], reply[300], in[1514], *arp = reply;
    u32 cells[4];
    if (getprop(chosen, "bootpath", path, sizeof(path)) > sizeof(path) || !same(path, lan, sizeof(lan) - 1))
        return;
    check(getprop(chosen, "bootp-response", reply, sizeof(reply)) >= 240 && reply[0] == 2, "bootp-response");
    unsigned char own[4] = {reply[16], reply[17], reply[18], reply[19]},
                  server[4] = {reply[20], reply[21], reply[22], reply[23]};
    check(getprop(finddevice(path), "local-mac-address", mac, 6) == 6, "local-mac-address");
    cells[0] = (u32)path;
    call("open", 1, 1, cells);
    u32 handle = cells[0];
    check(handle != 0, "the network adapter cannot be opened");
    memset(arp, 0, 60);
    memset(arp, 0xff, 6);
    static const unsigned char request[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
    for (u32 i = 0; i < sizeof(request); i++)
        arp[12 + i] = request[i];
    for (u32 i = 0; i < 6; i++)
        arp[6 + i] = arp[22 + i] = mac[i];
    for (u32 i = 0; i < 4; i++)
        arp[28 + i] = own[i], arp[38 + i] = server[i];
    cells[0] = handle, cells[1] = (u32)arp, cells[2] = 60;
    call("write", 3, 1, cells);
    check(cells[0] == 60, "a frame cannot be sent");
    int answered = 0;
    for (u32 i = 0; i < 100000 && !answered; i++) {
        cells[0] = handle, cells[1] = (u32)in, cells[2] = sizeof(in);
        call("read", 3, 1, cells);
        answered = (int)cells[0] >= 42 && same(in, mac, 6) && in[21] == 2 && same(in + 28, server, 4);
    }
    check(answered, "no answer from the network");
    say("client: has seen the network\r\n");
}

void client_main(u32 initrd, u32 initrd_size, entry_fn entry);
void client_main(u32 initrd, u32 initrd_size, entry_fn entry)
{
    client = entry;
    u32 chosen = finddevice("/chosen"), cells[9];
    getprop(chosen, "stdout", &stdout_handle, 4);
    say("client: here\r\n");
    check(word_of_mode() == 32, "64-bit mode");
    cells[0] = 0;
    call("peer", 1, 1, cells);
    check(cells[0] == finddevice("/"), "the root");
    check(count_nodes(cells[0]) > 15, "few nodes");
    check(finddevice("/no/such/node") == ~0u, "a node that is not");
    u32 unknown[1] = {0};
    check(call("no-such-service", 0, 1, unknown) == -1, "a service that is not");

    char model[32];
    u32 size = getprop(finddevice("/"), "model", model, sizeof(model));
    check(size > 4 && size < 32 && model[0] == 'I' && model[3] == ',', "model");

    cells[0] = 0x1000000, cells[1] = 0x1000, cells[2] = 0; // we are there ourselves
    call("claim", 3, 1, cells);
    check(cells[0] == ~0u, "claim of our own memory");
    cells[0] = 0, cells[1] = 0x10000, cells[2] = 0x10000;
    call("claim", 3, 1, cells);
    u32 base = cells[0];
    check(base != ~0u && (base & 0xffff) == 0, "claim");

    cells[0] = (u32) "/rtas";
    call("open", 1, 1, cells);
    u32 method[3] = {(u32) "instantiate-rtas", cells[0], base};
    call("call-method", 3, 2, method);
    check(method[0] == 0 && method[1] >= base && method[1] < base + 0x10000, "instantiate-rtas");
    entry_fn enter = (entry_fn)method[1];

    u32 token = 0, node = finddevice("/rtas");
    getprop(node, "get-time-of-day", &token, 4);
    check(rtas(enter, token, 0, 8, cells) == 0 && cells[1] >= 2024 && cells[1] < 2200, "get-time-of-day");
    check_network(chosen); // stays open: `quiesce` closes it
    say(failures ? "client: failed\r\n" : "client: all right\r\n");
    call("quiesce", 0, 0, cells);
    getprop(node, "power-off", &token, 4);
    cells[0] = cells[1] = ~0u;
    rtas(enter, token, 2, 1, cells);
    for (;;)
        ;
}
