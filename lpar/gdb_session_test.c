// SPDX-License-Identifier: Apache-2.0
// The remote serial protocol, packet by packet, against a partition of two stopped threads.
#include "lpar/gdb_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "cpu/except.h"
#include "cpu/group.h"
#include "isa/isa.h"
#include "lpar/gdb_regs.h"

static u8 memory[3 * GUEST_PAGE_SIZE];
static struct guest_mem mem;
static struct cpu_group group;
static const struct cpu_hooks hooks;
static struct gdb_session session;
static int resumed; // the argument of the last resume, -2: none
static unsigned interrupted, killed, detached;
static struct {
    bool insert;
    unsigned kind;
    u64 ea, size;
} point;

static unsigned threads(void *arg)
{
    return group.len;
}

static struct cpu *thread(void *arg, unsigned index)
{
    return group.cpus[index];
}

static bool read_memory(void *arg, struct cpu *cpu, u64 ea, void *to, size_t size)
{
    if (ea >= sizeof(memory) || size > sizeof(memory) - ea)
        return false;
    memcpy(to, memory + ea, size);
    return true;
}

static bool write_memory(void *arg, struct cpu *cpu, u64 ea, const void *from, size_t size)
{
    if (ea >= sizeof(memory) || size > sizeof(memory) - ea)
        return false;
    memcpy(memory + ea, from, size);
    return true;
}

static bool set_point(void *arg, bool insert, unsigned kind, u64 ea, u64 size)
{
    point.insert = insert;
    point.kind = kind;
    point.ea = ea;
    point.size = size;
    return ea != 0xbad;
}

static void resume(void *arg, int step)
{
    resumed = step;
}

static void interrupt(void *arg)
{
    interrupted++;
}

static void kill_it(void *arg)
{
    killed++;
}

static void detach(void *arg)
{
    detached++;
}

static void monitor(void *arg, struct cpu *cpu, const char *command, char *text, size_t size)
{
    snprintf(text, size, "<%s>", command);
}

static const struct gdb_target target = {
    .threads = threads,
    .cpu = thread,
    .read = read_memory,
    .write = write_memory,
    .point = set_point,
    .resume = resume,
    .interrupt = interrupt,
    .kill = kill_it,
    .detach = detach,
    .monitor = monitor,
};

static void begin(void)
{
    if (!group.len) {
        isa_init();
        if (guest_mem_init(&mem, 64 * KIB) || group_init(&group, &mem, &hooks, NULL) ||
            !group_add_cpu(&group, 0, 0, 0, 0x4e1203) || !group_add_cpu(&group, 0, 1, 1, 0x4e1203))
            abort();
    }
    gdb_session_fini(&session);
    if (gdb_session_init(&session, &target))
        abort();
    resumed = -2;
    interrupted = killed = detached = 0;
}

// The output so far, without the acknowledgements in front and the frame: "+$OK#9a" is "OK".
static const char *output(void)
{
    static char text[2 * GDB_PACKET_MAX];
    size_t len = MIN(session.out_len, sizeof(text) - 1), skip = 0;
    memcpy(text, session.out, len);
    text[len] = 0;
    session.out_len = 0;
    while (text[skip] == '+' || text[skip] == '-')
        skip++;
    char *hash = strrchr(text, '#');
    if (hash)
        *hash = 0;
    return text[skip] == '$' ? text + skip + 1 : text;
}

// The reply to one packet.
static const char *ask(const char *packet)
{
    char framed[GDB_PACKET_MAX + 8];
    u8 sum = 0;
    for (const char *p = packet; *p; p++)
        sum = (u8)(sum + (u8)*p);
    int n = snprintf(framed, sizeof(framed), "$%s#%02x", packet, sum);
    gdb_session_input(&session, framed, (size_t)n);
    return output();
}

#define CHECK_REPLY(packet, reply) CHECK_STR(ask(packet), reply)

static void test_framing(void)
{
    begin();
    gdb_session_input(&session, "$qC#b4", 6);
    CHECK(session.out_len == 8 && !memcmp(session.out, "+$QC1#c5", 8));
    session.out_len = 0;
    gdb_session_input(&session, "$qC#00", 6); // wrong sum: asked for again
    CHECK(session.out_len == 1 && session.out[0] == '-');
    session.out_len = 0;
    for (const char *p = "noise$qC#b4"; *p; p++)
        gdb_session_input(&session, p, 1);
    CHECK_STR(output(), "QC1");
    CHECK_REPLY("QStartNoAckMode", "OK");
    gdb_session_input(&session, "$qC#00", 6); // sums are not looked at any more
    CHECK(session.out_len == 7 && !memcmp(session.out, "$QC1#c5", 7));
    session.out_len = 0;
    static char long_packet[GDB_PACKET_MAX + 64];
    memset(long_packet, 'x', sizeof(long_packet));
    long_packet[0] = '$';
    gdb_session_input(&session, long_packet, sizeof(long_packet));
    CHECK_REPLY("qC", "QC1");
}

static void test_queries(void)
{
    begin();
    CHECK(strstr(ask("qSupported:multiprocess+;hwbreak+"), "PacketSize=4000;qXfer:features:read+"));
    CHECK_REPLY("?", "T05thread:1;");
    CHECK_REPLY("qfThreadInfo", "m1,2");
    CHECK_REPLY("qsThreadInfo", "l");
    CHECK_REPLY("qThreadExtraInfo,2", "7669727475616c2070726f636573736f722030207468726561642031");
    CHECK_REPLY("qThreadExtraInfo,3", "E01");
    CHECK_REPLY("qAttached", "1");
    CHECK_REPLY("T2", "OK");
    CHECK_REPLY("T3", "E01");
    CHECK_REPLY("Hg2", "OK");
    CHECK_REPLY("qC", "QC2");
    CHECK_REPLY("Hg0", "OK");
    CHECK_REPLY("Hg-1", "OK");
    CHECK_REPLY("Hc-1", "OK");
    CHECK_REPLY("Hgffffffffffffffffff", "E01");
    CHECK_REPLY("vMustReplyEmpty", "");
    CHECK_REPLY("qSymbol::", "");
    CHECK_REPLY("qRcmd,68656c70", "3c68656c703e");
    CHECK_REPLY("qRcmd,6", "E01");
}

// The whole target description, in pieces.
static void test_description(void)
{
    begin();
    static char text[64 * KIB];
    size_t at = 0;
    for (unsigned i = 0; i < 100; i++) {
        char packet[80];
        snprintf(packet, sizeof(packet), "qXfer:features:read:target.xml:%zx,3e8", at);
        const char *reply = ask(packet);
        size_t len = strlen(reply + 1);
        CHECK(reply[0] == 'l' || (reply[0] == 'm' && len == 0x3e8));
        memcpy(text + at, reply + 1, len);
        at += len;
        if (reply[0] == 'l')
            break;
    }
    CHECK_STR(text, gdb_regs_xml());
    CHECK(strstr(text, "</target>") == text + strlen(text) - 9);
    CHECK_REPLY("qXfer:features:read:target.xml:ffffff,10", "E01");
    CHECK_REPLY("qXfer:features:read:other.xml:0,10", "");
}

static void test_registers(void)
{
    begin();
    struct cpu *cpu = group.cpus[0];
    cpu_set_msr(cpu, MSR_SF);
    cpu->gpr[3] = 0x0123456789abcdef;
    CHECK_REPLY("p3", "0123456789abcdef");
    CHECK_REPLY("P3=1122334455667788", "OK");
    CHECK_EQ(cpu->gpr[3], 0x1122334455667788);
    cpu_set_msr(cpu, MSR_SF | MSR_LE);
    CHECK_REPLY("p3", "8877665544332211");
    CHECK_REPLY("P3=11", "E01");
    CHECK_REPLY("P3=zz22334455667788", "E01");
    CHECK_REPLY("pffff", "E01");
    CHECK_REPLY("p", "E01");
    CHECK_REPLY("p20", "0000000000000000"); // pc
    CHECK_REPLY("P22=78563412", "OK");      // cr
    CHECK_EQ(cpu->crf[0], 1);
    CHECK_EQ(cpu->crf[7], 8);
    CHECK_REPLY("P25=7f000ca0", "OK"); // xer
    CHECK(cpu->so == 1 && cpu->ov == 0 && cpu->ca == 1 && cpu->ov32 == 1 && cpu->ca32 == 1 && cpu->xer_rest == 0x7f);
    CHECK_REPLY("p25", "7f000ca0");
    // All at once: what was read is what is written.
    for (unsigned n = 0; n < 32; n++)
        cpu->gpr[n] = n * 0x0101010101010101ull;
    VSR_D(&cpu->vsr[7], 1) = 77;
    char all[2 * 2048 + 2];
    snprintf(all, sizeof(all), "G%s", ask("g"));
    CHECK_EQ(strlen(all), 1 + 2 * gdb_regs_g_len());
    cpu->gpr[31] = 0;
    VSR_D(&cpu->vsr[7], 1) = 0;
    CHECK_REPLY(all, "OK");
    CHECK_EQ(cpu->gpr[31], 31 * 0x0101010101010101ull);
    CHECK_EQ(VSR_D(&cpu->vsr[7], 1), 77);
    all[40] = 0;
    CHECK_REPLY(all, "E01");
    for (unsigned n = 0; n < gdb_regs_len(); n++) {
        char packet[16];
        snprintf(packet, sizeof(packet), "p%x", n);
        CHECK_EQ(strlen(ask(packet)), 2 * gdb_reg_size(n));
    }
}

static void test_memory(void)
{
    begin();
    memcpy(memory + 0x10, "power", 5);
    CHECK_REPLY("m10,5", "706f776572");
    CHECK_REPLY("M10,2:5041", "OK");
    CHECK(!memcmp(memory + 0x10, "PAwer", 5));
    CHECK_REPLY("M10,2:504", "E01");
    CHECK_REPLY("M10,2:504142", "E01");
    CHECK_REPLY("m10", "E01");
    CHECK_REPLY("m10,ffffffffffffffff", "E01");
    CHECK_REPLY("mffffffffffffffff,1", "E01");
    CHECK_EQ(strlen(ask("m2ff0,20")), 0x20); // what there is of it
    CHECK_EQ(strlen(ask("m0,2000")), 0x4000);
    CHECK_REPLY("m0,2001", "E01"); // more than a packet
}

static void test_points(void)
{
    begin();
    CHECK_REPLY("Z1,c000000000001000,4", "OK");
    CHECK(point.insert && point.kind == 1 && point.ea == 0xc000000000001000 && point.size == 4);
    CHECK_REPLY("z2,1000,8", "OK");
    CHECK(!point.insert && point.kind == 2 && point.ea == 0x1000 && point.size == 8);
    CHECK_REPLY("Z0,bad,4", "E01");
    CHECK_REPLY("Z5,1000,4", "");
    CHECK_REPLY("Z1,1000", "E01");
}

static void test_running(void)
{
    begin();
    CHECK_REPLY("vCont?", "vCont;c;C;s;S");
    ask("vCont;c");
    CHECK_EQ(resumed, -1);
    CHECK(session.running);
    resumed = -2;
    ask("vCont;c"); // not while it runs
    CHECK_EQ(resumed, -2);
    session.out_len = 0;
    gdb_session_stopped(&session, 1, GDB_BREAKPOINT, 0);
    CHECK_STR(output(), "T05thread:2;hwbreak:;");
    gdb_session_stopped(&session, 0, GDB_BREAKPOINT, 0); // reported once
    CHECK_EQ(session.out_len, 0);
    CHECK_REPLY("qC", "QC2");
    ask("vCont;s:1;c");
    CHECK_EQ(resumed, 0);
    gdb_session_stopped(&session, 0, GDB_STEP, 0);
    CHECK_STR(output(), "T05thread:1;");
    ask("vCont;S05:2;c:-1");
    CHECK_EQ(resumed, 1);
    gdb_session_stopped(&session, 1, GDB_WATCH, 0xc000000000000008);
    CHECK_STR(output(), "T05thread:2;watch:c000000000000008;");
    ask("s");
    CHECK_EQ(resumed, 1);
    CHECK_EQ(interrupted, 0);
    gdb_session_input(&session, "\3", 1);
    CHECK_EQ(interrupted, 1);
    gdb_session_stopped(&session, 0, GDB_INTERRUPT, 0);
    CHECK_STR(output(), "T02thread:1;");
    gdb_session_input(&session, "\3", 1); // stopped already
    CHECK_EQ(interrupted, 1);
    ask("c400100");
    CHECK_EQ(group.cpus[0]->nia, 0x400100);
    CHECK_EQ(resumed, -1);
    gdb_session_stopped(&session, 0, GDB_EXITED, 0);
    CHECK_STR(output(), "W00");
    resumed = -2;
    CHECK_REPLY("vCont", "E01");
    CHECK_REPLY("vCont;x", "E01");
    CHECK_REPLY("vCont;s:9", "E01");
    CHECK_EQ(resumed, -2);
    CHECK(!session.running);
}

static void test_leaving(void)
{
    begin();
    CHECK_REPLY("D", "OK");
    CHECK(session.detached && detached == 1);
    CHECK_REPLY("qC", ""); // nothing is heard any more
    begin();
    ask("k");
    CHECK(session.detached && killed == 1);
    // A debugger that takes no replies is left.
    begin();
    for (unsigned i = 0; i < 200 && !session.detached; i++)
        gdb_session_input(&session, "$m0,2000#8b", 11);
    CHECK(session.detached);
    CHECK(session.out_size <= 64 * GDB_PACKET_MAX);
}

int main(void)
{
    TEST(test_framing);
    TEST(test_queries);
    TEST(test_description);
    TEST(test_registers);
    TEST(test_memory);
    TEST(test_points);
    TEST(test_running);
    TEST(test_leaving);
    gdb_session_fini(&session);
    group_fini(&group);
    guest_mem_fini(&mem);
    return test_done();
}
