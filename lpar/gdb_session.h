// SPDX-License-Identifier: Apache-2.0
// The gdb remote serial protocol, without sockets or threads: bytes in, bytes out, and a target behind callbacks.
// A session belongs to one thread.
#ifndef LPAR_GDB_SESSION_H
#define LPAR_GDB_SESSION_H

#include "base/types.h"

struct cpu;

enum gdb_stop { GDB_BREAKPOINT, GDB_STEP, GDB_INTERRUPT, GDB_WATCH, GDB_EXITED, GDB_CRASHED };

// The debugged partition. Everything but `resume` is called while it is stopped.
struct gdb_target {
    void *arg;
    // Hardware threads that the OS has started or may start; index < threads(arg).
    unsigned (*threads)(void *arg);
    struct cpu *(*cpu)(void *arg, unsigned index);
    // Copies memory by effective address as the thread sees it. false: not all of it is mapped.
    bool (*read)(void *arg, struct cpu *cpu, u64 ea, void *to, size_t size);
    bool (*write)(void *arg, struct cpu *cpu, u64 ea, const void *from, size_t size);
    // kind: 0, 1 breakpoint; 2 write, 3 read, 4 access watchpoint. false: no room.
    bool (*point)(void *arg, bool insert, unsigned kind, u64 ea, u64 size);
    // Lets all threads run (step < 0), or only thread `step` for one instruction. The stop is reported by gdb_session_stopped().
    void (*resume)(void *arg, int step);
    void (*interrupt)(void *arg); // asks for a stop
    void (*kill)(void *arg);      // the debugger ended the partition
    void (*detach)(void *arg);    // the partition goes on without us
    // Text for `monitor COMMAND`.
    void (*monitor)(void *arg, struct cpu *cpu, const char *command, char *text, size_t size);
};

#define GDB_PACKET_MAX 16384u

struct gdb_session {
    const struct gdb_target *target;
    unsigned current; // thread for register and memory access
    bool no_ack, running, detached;
    // Input: the packet being received.
    enum { GDB_IDLE, GDB_DATA, GDB_SUM1, GDB_SUM2 } state;
    char packet[GDB_PACKET_MAX + 1];
    size_t len;
    u8 sum, want;
    // Output not yet sent.
    char *out;
    size_t out_len, out_size;
};

int gdb_session_init(struct gdb_session *s, const struct gdb_target *target);
void gdb_session_fini(struct gdb_session *s);

// Handles bytes from the debugger; replies are appended to s->out.
void gdb_session_input(struct gdb_session *s, const void *data, size_t size);

// The target stopped at thread `index`; ea is the watched address for GDB_WATCH.
void gdb_session_stopped(struct gdb_session *s, unsigned index, enum gdb_stop why, u64 ea);

#endif
