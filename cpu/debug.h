// SPDX-License-Identifier: Apache-2.0
// A debugger's breakpoints and watchpoints, and the trace facility's single steps.
//
// Points are properties of the partition, by effective address, whatever the address space. They change only while no thread of
// the group runs, or inside group_exclusive_begin()/end(). The caller drops predecoded code (code_flush_all) and translations
// (TLB_ALL) afterwards; debug_set_*() do both.
#ifndef CPU_DEBUG_H
#define CPU_DEBUG_H

#include "cpu/cpu.h"
#include "cpu/group.h"

#define DEBUG_POINTS_MAX 64
#define WATCH_NONE       (~0ull) // cpu->watch_ea: no watchpoint was met

enum debug_watch { WATCH_READ = 1, WATCH_WRITE = 2 };

// 0, -ENOSPC or -ENOMEM; removing what is not there is -ENOENT. Call as said above.
int debug_set_breakpoint(struct cpu_group *group, u64 ea, bool set);
int debug_set_watchpoint(struct cpu_group *group, u64 ea, u64 size, unsigned kinds, bool set);
void debug_clear(struct cpu_group *group);

// Watchpoints do not stop while this is off: for the step over the instruction that hit one.
void debug_watch_enable(struct cpu_group *group, bool on);

// For the interpreter: an instruction at this guest real address may have a breakpoint (its offset in the page has); and the
// exact question.
bool debug_breakpoint_near(const struct cpu_group *group, u64 gra);
bool debug_breakpoint_at(const struct cpu *cpu, u64 ea);

// For the MMU: accesses to this effective page must take the slow path; and the access that is about to be made: stops the
// thread before it (EXIT_BREAKPOINT, does not return) when a watchpoint covers it.
bool debug_watch_page(const struct cpu_group *group, u64 ea);
void debug_watch_access(struct cpu *cpu, u64 ea, unsigned size, bool store);

// MSR[SE], MSR[BE] or CIABR need the thread to be stepped: ISA III "Trace Interrupt".
bool debug_trace_wanted(const struct cpu *cpu);
// After the one instruction at `cia` completed without an interrupt of its own: delivers the trace interrupt that is due. nia valid.
void debug_trace_deliver(struct cpu *cpu, u64 cia, u32 insn);

#endif
