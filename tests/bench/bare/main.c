// SPDX-License-Identifier: Apache-2.0
// A freestanding guest that measures what leaves a processor and comes back: hypervisor calls and interrupts. It prints START
// and END lines as the programs of tests/bench/work do. Entry and link script are those of tests/guests/bare.
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

long firmware_call(u64 entry, u64 r3, u64 r4);
long hcall(u64 number, u64 a, u64 b, u64 c, u64 d);
void guest_main(u64 unused, u64 client_entry);

#define H_SET_SPRG0     0x24 // LoPAR: takes a value for a register that nothing here uses
#define H_PUT_TERM_CHAR 0x58
#define COUNT           1000000

static u64 client_entry_addr, vty;
static u32 args[16];

static void put(const char *text)
{
    while (*text) {
        u64 words[2] = {0, 0};
        u8 *bytes = (u8 *)words;
        unsigned n = 0;
        for (; n < 16 && text[n]; n++)
            bytes[n] = (u8)text[n];
        while (hcall(H_PUT_TERM_CHAR, vty, n, words[0], words[1]) == 1)
            ;
        text += n;
    }
}

// IEEE 1275 "client interface"; the result is the last of the returned cells.
static u32 client(const char *service, u32 nargs, u32 nresults, u32 a, u32 b, u32 c, u32 d)
{
    u32 in[4] = {a, b, c, d};
    args[0] = (u32)(u64)service;
    args[1] = nargs;
    args[2] = nresults;
    for (u32 i = 0; i < nargs; i++)
        args[3 + i] = in[i];
    firmware_call(client_entry_addr, (u64)args, 0);
    return args[2 + nargs + nresults];
}

static u32 cell;

static u32 property(u32 node, const char *name)
{
    cell = 0;
    client("getprop", 4, 1, node, (u32)(u64)name, (u32)(u64)&cell, 4);
    return cell;
}

static void set_vector(u64 address, const u32 *code, unsigned count)
{
    volatile u32 *to = (volatile u32 *)address;
    for (unsigned i = 0; i < count; i++)
        to[i] = code[i];
    __asm__ volatile("dcbst 0,%0; sync; icbi 0,%0; sync; isync" : : "r"(address) : "memory");
}

static void measure_hcall(void)
{
    for (u64 i = 0; i < 3 * COUNT; i++)
        hcall(H_SET_SPRG0, i, 0, 0, 0);
}

static void measure_syscall(void)
{
    for (u64 i = 0; i < COUNT; i++)
        __asm__ volatile("sc" : : : "memory");
}

static void measure_trap(void)
{
    for (u64 i = 0; i < COUNT; i++)
        __asm__ volatile("trap" : : : "memory");
}

static void run(const char *name, void (*work)(void))
{
    put("START ");
    put(name);
    put("\n");
    work();
    put("END ");
    put(name);
    put(" done 0\n");
}

void guest_main(u64 unused, u64 client_entry)
{
    static const u32 back[] = {0x4c000024}; // rfid
    // mtsprg 0,r3; mfsrr0 r3; addi r3,r3,4; mtsrr0 r3; mfsprg r3,0; rfid
    static const u32 behind[] = {0x7c7043a6, 0x7c7a02a6, 0x38630004, 0x7c7a03a6, 0x7c7042a6, 0x4c000024};
    static u32 power_off[8];

    (void)unused;
    client_entry_addr = client_entry;
    u32 console = property(client("finddevice", 1, 1, (u32)(u64) "/chosen", 0, 0, 0), "stdout");
    vty = property(client("instance-to-package", 1, 1, console, 0, 0, 0), "reg");
    u32 base = 0x2000000, rtas = client("finddevice", 1, 1, (u32)(u64) "/rtas", 0, 0, 0);
    power_off[0] = property(rtas, "power-off");
    power_off[1] = 2;
    power_off[2] = 1;
    u32 instance = client("open", 1, 1, (u32)(u64) "/rtas", 0, 0, 0);
    u32 entry = client("call-method", 3, 2, (u32)(u64) "instantiate-rtas", instance, base, 0);

    // from here on the firmware's memory is ours
    set_vector(0x700, behind, 6);
    set_vector(0xc00, back, 1);
    run("hcall", measure_hcall);
    run("syscall", measure_syscall);
    run("trap", measure_trap);
    put("MARK done\n");
    // the reader of these lines looks at the processor's thread, which ends with the power
    for (u64 i = 0; i < 30 * COUNT; i++)
        __asm__ volatile("" : : : "memory");
    firmware_call(entry, (u64)power_off, base);
    for (;;)
        ;
}
