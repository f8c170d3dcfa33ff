// SPDX-License-Identifier: Apache-2.0
#include "lpar/gdb_regs.h"

#include <stdio.h>
#include <string.h>

#include "cpu/except.h"
#include "cpu/group.h"
#include "cpu/time.h"

// Where a register lives. Those that are no plain member have functions.
struct reg {
    const char *name;
    const char *type;
    u16 bits;
    u32 offset; // in struct cpu, when get is NULL
    u64 (*get)(const struct cpu *cpu);
    void (*set)(struct cpu *cpu, u64 value);
    bool read_only;
};

static u64 get_cr(const struct cpu *cpu)
{
    u64 cr = 0;
    for (unsigned i = 0; i < 8; i++)
        cr = cr << 4 | cpu->crf[i];
    return cr;
}

static void set_cr(struct cpu *cpu, u64 value)
{
    for (unsigned i = 0; i < 8; i++)
        cpu->crf[i] = value >> (28 - 4 * i) & 15;
}

// ISA I "Fixed-Point Exception Register"
static u64 get_xer(const struct cpu *cpu)
{
    return (u64)cpu->so << 31 | (u64)cpu->ov << 30 | (u64)cpu->ca << 29 | (u64)cpu->ov32 << 19 | (u64)cpu->ca32 << 18 |
           (cpu->xer_rest & 0x7f);
}

static void set_xer(struct cpu *cpu, u64 value)
{
    cpu->so = value >> 31 & 1;
    cpu->ov = value >> 30 & 1;
    cpu->ca = value >> 29 & 1;
    cpu->ov32 = value >> 19 & 1;
    cpu->ca32 = value >> 18 & 1;
    cpu->xer_rest = (cpu->xer_rest & ~0x7fu) | (value & 0x7f);
}

static void set_msr(struct cpu *cpu, u64 value)
{
    cpu_set_msr(cpu, value);
}

static u64 get_msr(const struct cpu *cpu)
{
    return cpu->msr;
}

static u64 get_timebase(const struct cpu *cpu)
{
    return cpu_timebase(cpu);
}

#define CORE        "org.gnu.gdb.power.core"
#define FPU         "org.gnu.gdb.power.fpu"
#define ALTIVEC     "org.gnu.gdb.power.altivec"
#define VSX         "org.gnu.gdb.power.vsx"
#define SPR_FEATURE "org.openlpar.power.spr"

#define PLAIN(nm, member, width)                                          \
    {                                                                     \
        .name = nm, .bits = width, .offset = offsetof(struct cpu, member) \
    }

static const struct reg core_regs[] = {
    {.name = "pc", .type = "code_ptr", .bits = 64, .offset = offsetof(struct cpu, nia)},
    {.name = "msr", .type = "uint64", .bits = 64, .get = get_msr, .set = set_msr},
    {.name = "cr", .type = "uint32", .bits = 32, .get = get_cr, .set = set_cr},
    {.name = "lr", .type = "code_ptr", .bits = 64, .offset = offsetof(struct cpu, lr)},
    {.name = "ctr", .type = "uint64", .bits = 64, .offset = offsetof(struct cpu, ctr)},
    {.name = "xer", .type = "uint32", .bits = 32, .get = get_xer, .set = set_xer},
};

static const struct reg spr_regs[] = {
    PLAIN("srr0", srr0, 64),
    PLAIN("srr1", srr1, 64),
    PLAIN("dar", dar, 64),
    PLAIN("dsisr", dsisr, 64),
    PLAIN("sprg0", sprg[0], 64),
    PLAIN("sprg1", sprg[1], 64),
    PLAIN("sprg2", sprg[2], 64),
    PLAIN("sprg3", sprg[3], 64),
    PLAIN("cfar", cfar, 64),
    PLAIN("tar", tar, 64),
    PLAIN("dscr", dscr, 64),
    PLAIN("amr", amr, 64),
    PLAIN("iamr", iamr, 64),
    PLAIN("uamor", uamor, 64),
    PLAIN("fscr", fscr, 64),
    PLAIN("pid", pidr, 64),
    PLAIN("lpcr", lpcr, 64),
    PLAIN("ppr", ppr, 64),
    PLAIN("purr", purr, 64),
    PLAIN("spurr", purr, 64),
    {.name = "tb", .bits = 64, .get = get_timebase, .read_only = true},
    PLAIN("pvr", pvr, 64),
    PLAIN("pir", pir, 64),
};

enum {
    FIRST_CORE = 32,
    FIRST_FPR = FIRST_CORE + 6, // 38, as the feature counts
    FPSCR = FIRST_FPR + 32,
    FIRST_VR,
    VSCR = FIRST_VR + 32,
    VRSAVE,
    FIRST_VSH,
    FIRST_SPR = FIRST_VSH + 32,
    REGS = FIRST_SPR + (int)ARRAY_LEN(spr_regs),
};

unsigned gdb_regs_len(void)
{
    return REGS;
}

unsigned gdb_regs_g_len(void)
{
    unsigned size = 0;
    for (unsigned n = 0; n < FIRST_SPR; n++)
        size += gdb_reg_size(n);
    return size;
}

static const struct reg *table_reg(unsigned n)
{
    if (n >= FIRST_CORE && n < FIRST_FPR)
        return &core_regs[n - FIRST_CORE];
    if (n >= FIRST_SPR && n < REGS)
        return &spr_regs[n - FIRST_SPR];
    return NULL;
}

unsigned gdb_reg_size(unsigned n)
{
    const struct reg *r = table_reg(n);
    if (r)
        return r->bits / 8;
    if (n >= FIRST_VR && n < VSCR)
        return 16;
    if (n == VSCR || n == VRSAVE)
        return 4;
    return n < REGS ? 8 : 0;
}

static void store_ordered(const struct cpu *cpu, u8 *to, u128 value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        to[cpu->be ? size - 1 - i : i] = (u8)(value >> (8 * i));
}

static u128 load_ordered(const struct cpu *cpu, const u8 *from, unsigned size)
{
    u128 value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (u128)from[cpu->be ? size - 1 - i : i] << (8 * i);
    return value;
}

void gdb_reg_get(const struct cpu *cpu, unsigned n, u8 *to)
{
    const struct reg *r = table_reg(n);
    u128 value = 0;
    if (r && r->get)
        value = r->get(cpu);
    else if (r)
        memcpy(&value, (const u8 *)cpu + r->offset, 8);
    else if (n < 32)
        value = cpu->gpr[n];
    else if (n < FPSCR)
        value = VSR_D(&cpu->vsr[n - FIRST_FPR], 0);
    else if (n == FPSCR)
        value = (u64)cpu->fpscr_hi << 32 | cpu->fpscr;
    else if (n < VSCR)
        value = cpu->vsr[32 + n - FIRST_VR].q;
    else if (n == VSCR)
        value = cpu->vscr;
    else if (n == VRSAVE)
        value = cpu->vrsave;
    else
        value = VSR_D(&cpu->vsr[n - FIRST_VSH], 1);
    store_ordered(cpu, to, value, gdb_reg_size(n));
}

void gdb_reg_set(struct cpu *cpu, unsigned n, const u8 *from)
{
    const struct reg *r = table_reg(n);
    u128 value = load_ordered(cpu, from, gdb_reg_size(n));
    u64 low = (u64)value;
    if (r && r->read_only)
        return;
    if (r && r->set)
        r->set(cpu, low);
    else if (r)
        memcpy((u8 *)cpu + r->offset, &low, 8);
    else if (n < 32)
        cpu->gpr[n] = low;
    else if (n < FPSCR)
        VSR_D(&cpu->vsr[n - FIRST_FPR], 0) = low;
    else if (n == FPSCR) {
        cpu->fpscr_hi = (u32)(low >> 32);
        cpu->fpscr = (u32)low;
    } else if (n < VSCR)
        cpu->vsr[32 + n - FIRST_VR].q = value;
    else if (n == VSCR)
        cpu->vscr = (u32)low;
    else if (n == VRSAVE)
        cpu->vrsave = (u32)low;
    else if (n < FIRST_SPR)
        VSR_D(&cpu->vsr[n - FIRST_VSH], 1) = low;
}

static void feature(FILE *f, const char *name)
{
    fprintf(f, "<feature name=\"%s\">", name);
}

static void one(FILE *f, unsigned n, const char *name, const char *type)
{
    fprintf(f, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"/>", name, gdb_reg_size(n) * 8, type, n);
}

static void many(FILE *f, unsigned first, unsigned len, const char *format, const char *type)
{
    for (unsigned i = 0; i < len; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%s%u%s", format[0] == 'V' ? "vs" : format, i, format[0] == 'V' ? "h" : "");
        one(f, first + i, name, type);
    }
}

const char *gdb_regs_xml(void)
{
    static char text[24 * 1024];
    if (text[0])
        return text;
    FILE *f = fmemopen(text, sizeof(text), "w");
    if (!f)
        return text;
    fputs("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">"
          "<architecture>powerpc:common64</architecture>",
          f);
    feature(f, CORE);
    many(f, 0, 32, "r", "uint64");
    for (unsigned i = 0; i < ARRAY_LEN(core_regs); i++)
        one(f, FIRST_CORE + i, core_regs[i].name, core_regs[i].type);
    fputs("</feature>", f);
    feature(f, FPU);
    many(f, FIRST_FPR, 32, "f", "ieee_double");
    one(f, FPSCR, "fpscr", "uint64");
    fputs("</feature>", f);
    feature(f, ALTIVEC);
    fputs("<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/><vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
          "<vector id=\"v8i16\" type=\"int16\" count=\"8\"/><vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
          "<union id=\"vec128\"><field name=\"uint128\" type=\"uint128\"/><field name=\"v4_float\" type=\"v4f\"/>"
          "<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v8_int16\" type=\"v8i16\"/>"
          "<field name=\"v16_int8\" type=\"v16i8\"/></union>",
          f);
    many(f, FIRST_VR, 32, "vr", "vec128");
    one(f, VSCR, "vscr", "int");
    one(f, VRSAVE, "vrsave", "int");
    fputs("</feature>", f);
    feature(f, VSX);
    many(f, FIRST_VSH, 32, "V", "uint64");
    fputs("</feature>", f);
    feature(f, SPR_FEATURE);
    for (unsigned i = 0; i < ARRAY_LEN(spr_regs); i++)
        one(f, FIRST_SPR + i, spr_regs[i].name, "uint64");
    fputs("</feature></target>", f);
    fclose(f);
    return text;
}
