// SPDX-License-Identifier: Apache-2.0
// `openlpar boot`: one partition in this process, from its boot image to its end.
#ifndef LPAR_BOOT_H
#define LPAR_BOOT_H

#include "lpar/embedded.h"
#include "lpar/firmware.h"
#include "lpar/uplink.h"

struct cpu_engine;

struct boot_options {
    const char *name;
    const char *kernel, *initrd, *append; // may be NULL; no kernel: the boot program of a disk
    enum boot_mode mode;
    const char *devices; // to boot from, with blanks between them; NULL: the usual order
    u64 memory;
    u32 vcpus, threads;
    u8 isa_level; // enum isa_level of the processor
    bool radix_allowed, hash_allowed;
    bool client_interface; // false: enter with a flattened tree, R5 = 0
    const struct cpu_engine *engine;
    const char *code_cache; // the file in which translated code is kept; NULL: code_cache_path(), "none": nowhere
    bool stats;
    bool perf_map;   // name translated code for `perf`
    const char *gdb; // ADDRESS:PORT, or NULL
    struct embedded_disk disks[EMBEDDED_DISKS_MAX];
    unsigned disks_len;
    unsigned trace; // enum trace_what
    const char *trace_file, *trace_filter;
    struct net_options nets[NETS_MAX];
    u32 nets_len;
};

#define BOOT_APPEND_MAX 2047u // Linux's COMMAND_LINE_SIZE on powerpc, less its terminator

// Exit statuses of the command.
enum boot_status { BOOT_POWERED_OFF = 0, BOOT_SETUP_ERROR = 1, BOOT_CRASHED = 2 };

// The user's file for translated code, its folder made where it was missing; NULL: there is no place for one.
const char *code_cache_path(void);

// Runs the partition; reboots happen inside. The value is enum boot_status, or 128 + the number of the signal that ended it.
// Set-up errors are one line on standard error.
int boot_run(const struct boot_options *options);

#endif
