// SPDX-License-Identifier: Apache-2.0
#include "vdev/vty.h"

#include "papr/irq.h"
#include "papr/test_partition.h"
#include "papr/xics.h"

static struct partition *lp;
static struct cpu *cpu;

static void begin(void)
{
    lp = test_partition(1, 1, LEVEL_V30);
    lp->xive_mode = false;
    cpu = lp->group.cpus[0];
    CHECK_EQ(vty_init(lp), 0);
}

static void end(void)
{
    vty_fini(lp);
    partition_fini(lp);
}

static long put(const char *text)
{
    u8 bytes[16] = {0};
    memcpy(bytes, text, strlen(text));
    return H(cpu, H_PUT_TERM_CHAR, VTY_UNIT, strlen(text), load_be64(bytes), load_be64(bytes + 8));
}

static void test_output(void)
{
    begin();
    CHECK_EQ(put("hello, "), H_SUCCESS);
    test_hv.accept = 3;
    CHECK_EQ(put("flow controlled"), H_SUCCESS); // the rest waits
    CHECK_EQ(put("!"), H_BUSY);
    CHECK(!vty_flush(lp));
    test_hv.accept = 4;
    CHECK_EQ(put("!"), H_BUSY);
    test_hv.accept = 100;
    CHECK_EQ(put("!"), H_SUCCESS);
    CHECK_STR((char *)test_hv.out, "hello, flow controlled!");
    CHECK_EQ(put(""), H_SUCCESS);
    CHECK_EQ(H(cpu, H_PUT_TERM_CHAR, VTY_UNIT, 17, 0, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_PUT_TERM_CHAR, VTY_UNIT + 1, 1, 0, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_PUT_TERM_CHAR, 0, 1, (u64)'0' << 56, 0), H_SUCCESS);
    CHECK_STR((char *)test_hv.out, "hello, flow controlled!0");
    end();
}

static void test_input(void)
{
    begin();
    H(cpu, H_CPPR, 0xff);
    xics_set_xive(lp, IRQ_VTY, 0, 5);
    test_hv.in = (const u8 *)"abcdefghijklmnopqrs";
    test_hv.in_len = 19;
    CHECK_EQ(H(cpu, H_VIO_SIGNAL, VTY_UNIT, 0), H_SUCCESS);
    vty_input_ready(lp); // not enabled
    CHECK(!(atomic_load(&cpu->lines) & LINE_EXTERNAL));
    CHECK_EQ(H(cpu, H_VIO_SIGNAL, VTY_UNIT, 1), H_SUCCESS);
    CHECK(atomic_load(&cpu->lines) & LINE_EXTERNAL); // what came before is announced
    H(cpu, H_XIRR, 0);
    H(cpu, H_EOI, cpu->gpr[4]);
    CHECK_EQ(H(cpu, H_GET_TERM_CHAR, VTY_UNIT), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], 16);
    CHECK_EQ(cpu->gpr[5], 0x6162636465666768ull);
    CHECK_EQ(cpu->gpr[6], 0x696a6b6c6d6e6f70ull);
    CHECK_EQ(H(cpu, H_GET_TERM_CHAR, VTY_UNIT), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], 3);
    CHECK_EQ(cpu->gpr[5], 0x7172730000000000ull);
    H(cpu, H_GET_TERM_CHAR, VTY_UNIT);
    CHECK_EQ(cpu->gpr[4], 0);
    vty_input_ready(lp);
    CHECK(atomic_load(&cpu->lines) & LINE_EXTERNAL);
    H(cpu, H_XIRR, 0);
    H(cpu, H_EOI, cpu->gpr[4]);
    CHECK_EQ(H(cpu, H_VIO_SIGNAL, VTY_UNIT, 0), H_SUCCESS);
    vty_input_ready(lp);
    CHECK(!(atomic_load(&cpu->lines) & LINE_EXTERNAL));
    CHECK_EQ(H(cpu, H_VIO_SIGNAL, VTY_UNIT, 2), H_PARAMETER);
    CHECK_EQ(H(cpu, H_VIO_SIGNAL, 1, 1), H_PARAMETER);
    CHECK_EQ(H(cpu, H_FREE_CRQ, VTY_UNIT), H_PARAMETER);
    end();
}

int main(void)
{
    TEST(test_output);
    TEST(test_input);
    return test_done();
}
