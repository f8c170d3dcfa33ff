// SPDX-License-Identifier: Apache-2.0
// The debugger's stub: a thread that listens on a TCP port and serves one gdb at a time.
#ifndef LPAR_GDB_H
#define LPAR_GDB_H

#include "lpar/hold.h"
#include "papr/partition.h"

struct gdb;

// Listens on "ADDRESS:PORT" (or ":PORT": the loopback address) before any hardware thread runs, and holds the partition until a
// debugger lets it go. NULL with *why (static text) when it cannot. The partition and `hold` must outlive it.
struct gdb *gdb_start(struct partition *lp, struct hold *hold, const char *address, const char **why);

// Serves debuggers from now on: all hardware threads have their host threads. 0 or a negative errno.
int gdb_serve(struct gdb *gdb);

// The partition ended: tells the debugger, closes and frees. NULL is fine.
void gdb_stop(struct gdb *gdb, bool crashed);

#endif
