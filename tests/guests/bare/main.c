// SPDX-License-Identifier: Apache-2.0
//
// A freestanding big-endian guest. Talks to firmware through the client interface and to the
// console through H_PUT_TERM_CHAR, checks what endianness touches, and powers off by RTAS.
// Prints "bare: N passed, M failed".
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

long firmware_call(u64 entry, u64 r3, u64 r4);
long hcall(u64 number, u64 a, u64 b, u64 c, u64 d);
void guest_main(u64 unused, u64 client_entry);

#define H_PUT_TERM_CHAR 0x58

_Static_assert(__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__, "this guest proves big-endian execution");

static u64 client_entry_addr, vty;
static unsigned passed, failed;

static void put(const char *text)
{
    while (*text) {
        u64 words[2] = {0, 0};
        unsigned n = 0;
        u8 *bytes = (u8 *)words;
        while (n < 16 && text[n]) {
            bytes[n] = (u8)text[n];
            n++;
        }
        while (hcall(H_PUT_TERM_CHAR, vty, n, (words[0]), (words[1])) == 1)
            ;
        text += n;
    }
}

static void put_number(u64 v)
{
    char text[24], *p = text + 23;
    *p = 0;
    do {
        *--p = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    put(p);
}

static void check(const char *name, int ok)
{
    if (ok) {
        passed++;
        return;
    }
    failed++;
    put("FAILED ");
    put(name);
    put("\n");
}

static u32 args[16];

static u64 ptr(const void *p)
{
    return (u64)p;
}

// A client interface call with up to four arguments and one result: IEEE 1275 "client interface".
static u32 client(const char *service, u32 nargs, u32 a, u32 b, u32 c, u32 d)
{
    args[0] = (u32)ptr(service);
    args[1] = nargs;
    args[2] = 1;
    u32 in[4] = {a, b, c, d};
    for (u32 i = 0; i < nargs; i++)
        args[3 + i] = in[i];
    args[3 + nargs] = ~0u;
    if (firmware_call(client_entry_addr, ptr(args), 0))
        return ~0u;
    return args[3 + nargs];
}

static u32 cell;

static u32 property(u32 node, const char *name)
{
    cell = 0;
    u32 size = client("getprop", 4, node, (u32)ptr(name), (u32)ptr(&cell), 4);
    return size == 4 ? (cell) : ~0u;
}

static volatile u64 eight = 0x0102030405060708ul;
static volatile u8 bytes[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static void check_order(void)
{
    volatile u8 *p = (volatile u8 *)&eight;
    check("first byte of a doubleword", p[0] == 1);
    check("unaligned doubleword", *(volatile u64 *)(bytes + 3) == 0x0405060708090a0bul);
    check("unaligned word", *(volatile u32 *)(bytes + 5) == 0x06070809u);
    check("unaligned halfword", *(volatile u16 *)(bytes + 7) == 0x0809);
    u64 v;
    __asm__ volatile("ldbrx %0,0,%1" : "=r"(v) : "r"(&eight) : "memory");
    check("ldbrx", v == 0x0807060504030201ul);
    __asm__ volatile("lwbrx %0,0,%1" : "=r"(v) : "r"(bytes) : "memory");
    check("lwbrx", v == 0x04030201u);
    u64 old, one = 1;
    __asm__ volatile("1: ldarx %0,0,%2; add %0,%0,%3; stdcx. %0,0,%2; bne- 1b" : "=&r"(old), "+m"(eight) : "r"(&eight), "r"(one) : "cr0", "memory");
    check("ldarx and stdcx.", eight == 0x0102030405060709ul);
    u64 m[4] = {0, 0, 0, 0};
    static const u32 words[4] = {0x11111111, 0x22222222, 0x33333333, 0x44444444};
    __asm__ volatile("lmw 28,0(%4); mr %0,28; mr %1,29; mr %2,30; mr %3,31"
                     : "=&r"(m[0]), "=&r"(m[1]), "=&r"(m[2]), "=&r"(m[3]) : "b"(words) : "r28", "r29", "r30", "r31", "memory");
    check("lmw", m[0] == 0x11111111 && m[3] == 0x44444444);
    u64 msr;
    __asm__ volatile("mfmsr %0" : "=r"(msr));
    check("MSR[LE]", (msr & 1) == 0);
    check("MSR[SF]", msr >> 63);
    check("MSR[HV]", !(msr >> 60 & 1));
}

static void power_off(void)
{
    static u32 rtas_args[8];
    u32 rtas = client("finddevice", 1, (u32)ptr("/rtas"), 0, 0, 0);
    check("finddevice /rtas", rtas != ~0u);
    u32 size = property(rtas, "rtas-size");
    check("rtas-size", size != ~0u && size);
    u32 token = property(rtas, "power-off");
    check("power-off token", token != ~0u);
    u32 open = client("open", 1, (u32)ptr("/rtas"), 0, 0, 0);
    check("open /rtas", open != 0 && open != ~0u);
    // call-method instantiate-rtas: results are catch, then the entry point.
    u32 base = 0x2000000;
    args[0] = (u32)ptr("call-method");
    args[1] = 3;
    args[2] = 2;
    args[3] = (u32)ptr("instantiate-rtas");
    args[4] = open;
    args[5] = base;
    args[6] = args[7] = ~0u;
    firmware_call(client_entry_addr, ptr(args), 0);
    check("instantiate-rtas", args[6] == 0);
    u32 entry = args[7];
    put("bare: ");
    put_number(passed);
    put(" passed, ");
    put_number(failed);
    put(" failed\n");
    rtas_args[0] = token;
    rtas_args[1] = 2;
    rtas_args[2] = 1;
    rtas_args[3] = rtas_args[4] = ~0u;
    firmware_call(entry, ptr(rtas_args), base);
}

void guest_main(u64 unused, u64 client_entry)
{
    (void)unused;
    client_entry_addr = client_entry;
    u32 chosen = client("finddevice", 1, (u32)ptr("/chosen"), 0, 0, 0);
    vty = property(client("instance-to-package", 1, property(chosen, "stdout"), 0, 0, 0), "reg");
    put("bare: big-endian\n");
    check_order();
    u32 root = client("peer", 1, 0, 0, 0, 0);
    check("peer of 0 is the root", root != ~0u && root);
    check("#address-cells", property(root, "#address-cells") == 2);
    power_off();
    for (;;)
        ;
}
