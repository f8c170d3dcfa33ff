// SPDX-License-Identifier: Apache-2.0
#include "lpar/report.h"

#include "base/endian.h"
#include "cpu/mmu/mmu.h"
#include "isa/isa.h"
#include "papr/hcall.h"
#include "papr/rtas.h"

struct report {
    FILE *to;
    const char *end; // of a line
};

static const char *state_name(u32 state)
{
    return state == THREAD_STOPPED ? "stopped" : state == THREAD_RUNNING ? "running" : "in transition";
}

// The registers of fixed-point facilities fit in one line of four.
static void print_gprs(const struct report *r, const struct cpu *cpu)
{
    for (unsigned i = 0; i < 32; i += 4)
        fprintf(r->to, "  r%-2u %016llx %016llx %016llx %016llx%s", i, (unsigned long long)cpu->gpr[i],
                (unsigned long long)cpu->gpr[i + 1], (unsigned long long)cpu->gpr[i + 2],
                (unsigned long long)cpu->gpr[i + 3], r->end);
}

static void print_instruction(const struct report *r, struct cpu *cpu)
{
    u64 gra;
    u8 bytes[4];
    if (mmu_translate_debug(cpu, cpu->nia & cpu->ea_mask, ACCESS_FETCH, &gra) ||
        !guest_mem_read(cpu->group->mem, gra, bytes, sizeof(bytes))) {
        fprintf(r->to, "  next instruction: not in memory%s", r->end);
        return;
    }
    u32 insn = load_be32(bytes);
    if (!cpu->be)
        insn = __builtin_bswap32(insn);
    char text[96];
    isa_disassemble(insn, cpu->nia, cpu->isa_level, text, sizeof(text));
    fprintf(r->to, "  next instruction: %08x %s%s", insn, text, r->end);
}

static void print_last_hcalls(const struct report *r, const struct papr_cpu *pc)
{
    unsigned len = ARRAY_LEN(pc->last_hcalls), shown = 0;
    for (unsigned i = 0; i < len; i++) {
        u64 number = pc->last_hcalls[(pc->last_hcalls_pos + i) % len];
        if (!number)
            continue;
        const char *name = hcall_name(number);
        fprintf(r->to, "%s", shown++ ? " " : "  last hypervisor calls: ");
        if (name)
            fprintf(r->to, "%s", name);
        else
            fprintf(r->to, "%#llx", (unsigned long long)number);
    }
    if (shown)
        fprintf(r->to, "%s", r->end);
}

static void print_cpu(const struct report *r, struct cpu *cpu)
{
    const struct papr_cpu *pc = cpu->papr;
    u32 state = atomic_load(&pc->state), cr = 0;
    fprintf(r->to, "virtual processor %u thread %u (server %u): %s%s", cpu->vcpu, cpu->thread, cpu->server,
            state_name(state), r->end);
    if (state == THREAD_STOPPED && cpu->insns == 0)
        return;
    for (unsigned i = 0; i < 8; i++)
        cr = cr << 4 | cpu->crf[i];
    fprintf(r->to, "  nia %016llx msr %016llx cr %08x lr %016llx ctr %016llx%s", (unsigned long long)cpu->nia,
            (unsigned long long)cpu->msr, cr, (unsigned long long)cpu->lr, (unsigned long long)cpu->ctr, r->end);
    print_gprs(r, cpu);
    fprintf(r->to, "  srr0 %016llx srr1 %016llx dar %016llx dsisr %08llx lpcr %016llx pid %llu%s",
            (unsigned long long)cpu->srr0, (unsigned long long)cpu->srr1, (unsigned long long)cpu->dar,
            (unsigned long long)cpu->dsisr, (unsigned long long)cpu->lpcr, (unsigned long long)cpu->pidr, r->end);
    print_instruction(r, cpu);
    print_last_hcalls(r, pc);
}

void report_registers(FILE *to, const struct partition *lp, bool raw)
{
    struct report r = {to, raw ? "\r\n" : "\n"};
    char panel[64];
    if (rtas_panel_text(lp, panel, sizeof(panel)))
        fprintf(to, "operator panel: %s%s", panel, r.end);
    for (u32 i = 0; i < lp->group.len; i++)
        print_cpu(&r, lp->group.cpus[i]);
    fflush(to);
}

void report_crash(FILE *to, const struct partition *lp, bool raw)
{
    const char *end = raw ? "\r\n" : "\n";
    fprintf(to, "openlpar: partition %s crashed: %s%s", lp->config.name, lp->end_reason ? lp->end_reason : "unknown",
            end);
    report_registers(to, lp, raw);
}
