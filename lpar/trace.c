// SPDX-License-Identifier: Apache-2.0
// Lines are composed in a local buffer and written by one call of stdio, whose lock keeps them whole.
#include "lpar/trace.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "cpu/msr.h"
#include "cpu/xlate/ir.h"
#include "cpu/xlate/xlate.h"
#include "isa/isa.h"
#include "lpar/console.h"
#include "papr/hcall.h"
#include "papr/rtas.h"

#define LINE_SIZE 512u

static struct {
    FILE *to;
    bool owned;
    unsigned what;
    const char *filter;
} trace;

static const struct {
    const char *name;
    unsigned bit;
} names[] = {{"insn", TRACE_INSN},     {"hcall", TRACE_HCALL}, {"rtas", TRACE_RTAS},
             {"except", TRACE_EXCEPT}, {"ir", TRACE_IR},       {"asm", TRACE_ASM}};

unsigned trace_parse(const char *list)
{
    unsigned what = 0;
    for (;;) {
        size_t len = strcspn(list, ",");
        unsigned bit = 0;
        for (unsigned i = 0; i < ARRAY_LEN(names); i++)
            if (strlen(names[i].name) == len && strncmp(list, names[i].name, len) == 0)
                bit = names[i].bit;
        if (!bit)
            return 0;
        what |= bit;
        if (!list[len])
            return what;
        list += len + 1;
    }
}

struct line {
    char text[LINE_SIZE];
    size_t len;
};

PRINTF_LIKE(2, 3) static void add(struct line *line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line->text + line->len, LINE_SIZE - line->len, fmt, ap);
    va_end(ap);
    if (n > 0)
        line->len = MIN(line->len + (size_t)n, LINE_SIZE - 1);
}

static void begin(struct line *line, const struct cpu *cpu, const char *what)
{
    line->len = 0;
    add(line, "vp%u.%u %s ", cpu->vcpu, cpu->thread, what);
}

static void end(struct line *line)
{
    if (trace.filter && !strstr(line->text, trace.filter))
        return;
    fprintf(trace.to, "%s%s", line->text, !trace.owned && console_is_raw() ? "\r\n" : "\n");
}

static void on_insn(struct cpu *cpu, u64 cia, u32 insn)
{
    struct line line;
    char text[96];
    isa_disassemble(insn, cia, cpu->isa_level, text, sizeof(text));
    begin(&line, cpu, "insn");
    add(&line, "%016llx %08x %s", (unsigned long long)cia, insn, text);
    end(&line);
}

static void on_hcall(struct cpu *cpu, u64 number, const struct hcall_row *row, const u64 *in, const u64 *out, long rc)
{
    struct line line;
    begin(&line, cpu, "hcall");
    if (row)
        add(&line, "%s(", row->name);
    else
        add(&line, "%#llx(", (unsigned long long)number);
    unsigned args = row ? row->args : 4, results = row ? row->results : 0;
    for (unsigned i = 0; i < args; i++)
        add(&line, "%s%#llx", i ? ", " : "", (unsigned long long)in[i]);
    add(&line, ") = %ld", rc);
    for (unsigned i = 0; i < results; i++)
        add(&line, "%s%#llx", i ? ", " : " -> ", (unsigned long long)out[i]);
    end(&line);
}

static void on_rtas(struct cpu *cpu, u32 token, const struct rtas_row *row, const struct rtas_call *call)
{
    struct line line;
    begin(&line, cpu, "rtas");
    if (row)
        add(&line, "%s(", row->name);
    else
        add(&line, "%#x(", token);
    for (u32 i = 0; i < call->nargs; i++)
        add(&line, "%s%#x", i ? ", " : "", call->args[i]);
    add(&line, ") = %d", (int)call->ret[0]);
    for (u32 i = 1; i < call->nret; i++)
        add(&line, "%s%#x", i > 1 ? ", " : " -> ", call->ret[i]);
    end(&line);
}

static const char *vector_name(unsigned vector)
{
    switch (vector) {
    case VEC_RESET: return "system reset";
    case VEC_MACHINE_CHECK: return "machine check";
    case VEC_DSI: return "data storage";
    case VEC_DATA_SEGMENT: return "data segment";
    case VEC_ISI: return "instruction storage";
    case VEC_INSN_SEGMENT: return "instruction segment";
    case VEC_EXTERNAL: return "external";
    case VEC_ALIGNMENT: return "alignment";
    case VEC_PROGRAM: return "program";
    case VEC_FP_UNAVAILABLE: return "floating-point unavailable";
    case VEC_DECREMENTER: return "decrementer";
    case VEC_DOORBELL: return "directed doorbell";
    case VEC_SYSCALL: return "system call";
    case VEC_TRACE: return "trace";
    case VEC_PERFMON: return "performance monitor";
    case VEC_VMX_UNAVAILABLE: return "vector unavailable";
    case VEC_VSX_UNAVAILABLE: return "VSX unavailable";
    case VEC_FACILITY_UNAVAILABLE: return "facility unavailable";
    case VEC_SCV: return "system call vectored";
    default: return "interrupt";
    }
}

static void on_interrupt(struct cpu *cpu, unsigned vector)
{
    struct line line;
    begin(&line, cpu, "except");
    add(&line, "%x %s: srr0 %016llx srr1 %016llx dar %016llx dsisr %08llx", vector, vector_name(vector),
        (unsigned long long)cpu->srr0, (unsigned long long)cpu->srr1, (unsigned long long)cpu->dar,
        (unsigned long long)cpu->dsisr);
    end(&line);
}

// Under the translator's lock: one region at a time. The filter applies to a region as a whole.
static void on_region(const struct ir_region *r, const void *code, size_t size)
{
    static char text[256 * KIB];
    ir_print(r, text, sizeof(text));
    if (trace.filter && !strstr(text, trace.filter))
        return;
    flockfile(trace.to);
    fprintf(trace.to, "region %016llx, %u instructions, %zu bytes of code at %p\n",
            (unsigned long long)r->page->gra + r->entry * 4, r->guest_insns, size, code);
    if (trace.what & TRACE_IR)
        fputs(text, trace.to);
    for (size_t i = 0; trace.what & TRACE_ASM && i < size; i++)
        fprintf(trace.to, "%02x%s", ((const u8 *)code)[i], i % 32 == 31 || i + 1 == size ? "\n" : " ");
    funlockfile(trace.to);
}

// The partition's hooks, with ours for interrupts in front of them.
static struct cpu_hooks traced_hooks;
static void (*next_interrupt)(struct cpu *cpu, unsigned vector);

static void traced_interrupt(struct cpu *cpu, unsigned vector)
{
    on_interrupt(cpu, vector);
    if (next_interrupt)
        next_interrupt(cpu, vector);
}

void trace_arm(struct partition *lp)
{
    if (!trace.what)
        return;
    hcall_trace = trace.what & TRACE_HCALL ? on_hcall : NULL;
    rtas_trace = trace.what & TRACE_RTAS ? on_rtas : NULL;
    xlate_trace = trace.what & (TRACE_IR | TRACE_ASM) ? on_region : NULL;
    if (trace.what & TRACE_EXCEPT && lp->group.hooks != &traced_hooks) {
        traced_hooks = *lp->group.hooks;
        next_interrupt = traced_hooks.interrupt;
        traced_hooks.interrupt = traced_interrupt;
        lp->group.hooks = &traced_hooks;
    }
    if (trace.what & TRACE_INSN)
        for (u32 i = 0; i < lp->group.len; i++) {
            lp->group.cpus[i]->trace_insn = on_insn;
            cpu_kick(lp->group.cpus[i], ATTN_STEP);
        }
}

int trace_start(struct partition *lp, unsigned what, const char *path, const char *filter)
{
    trace.what = what;
    trace.filter = filter;
    trace.owned = path != NULL;
    trace.to = path ? fopen(path, "we") : stderr;
    if (!trace.to)
        return -errno;
    trace_arm(lp);
    return 0;
}

void trace_stop(void)
{
    hcall_trace = NULL;
    rtas_trace = NULL;
    xlate_trace = NULL;
    if (trace.owned && trace.to)
        fclose(trace.to);
    else if (trace.to)
        fflush(trace.to);
    memset(&trace, 0, sizeof(trace));
}
