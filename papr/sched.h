// SPDX-License-Identifier: Apache-2.0
// Hardware threads as the OS starts, stops, idles and wakes them: RTAS start-cpu and stop-self, H_CEDE, H_PROD, H_JOIN.
#ifndef PAPR_SCHED_H
#define PAPR_SCHED_H

#include "cpu/spr.h"
#include "papr/partition.h"

#define LPCR_AIL_SHIFT 23

// All threads stopped, with the registers of power on. No thread runs.
void sched_reset(struct partition *lp);
// The same for one that is added.
void sched_reset_thread(struct cpu *cpu);

// RTAS start-cpu: the stopped thread with this server number begins at `nia` with `r3` in GPR3: real mode, 64-bit, big-endian.
// enum rtas_status. Any thread.
int sched_start_cpu(struct partition *lp, u64 server, u64 nia, u64 r3);

// The same for the boot thread: other registers as the caller has set them. No thread runs.
void sched_start_boot(struct cpu *cpu, u64 nia, u64 r3);

// RTAS stop-self: the calling thread stops as soon as it leaves the hypervisor call: ATTN_STOP is set, the engine's run() returns
// EXIT_STOPPED, and the thread's loop goes through sched_wait_runnable() again. Owner.
void sched_stop_self(struct cpu *cpu);

// The loop of each host thread that runs a hardware thread calls this before entering the engine: true at once when the
// thread is started; otherwise waits, using no host CPU, until it is started (true) or the partition ends (false). Takes over
// start-cpu's registers. Owner, outside the engine.
bool sched_wait_runnable(struct cpu *cpu);

// RTAS query-cpu-stopped-state: 0 stopped, 1 stopping, 2 not stopped; -1: no such thread. Any thread.
int sched_cpu_state(struct partition *lp, u64 server);

// A system reset on every thread that the OS has started: it dumps, or enters its debugger. Any thread.
void sched_system_reset(struct partition *lp);

#endif
