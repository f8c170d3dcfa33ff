// SPDX-License-Identifier: Apache-2.0
// monhmc: the host on which the console runs.
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "hmc/service.h"

static void show_disk(void)
{
    FILE *mounts = setmntent("/proc/mounts", "re");
    printf("%-24s %12s %12s %12s %4s Mounted on\n", "Filesystem", "1K-blocks", "Used", "Available", "Use%");
    for (struct mntent *m; mounts && (m = getmntent(mounts));) {
        struct statvfs v;
        if (*m->mnt_fsname != '/' && strcmp(m->mnt_dir, "/"))
            continue; // not on a disk
        if (statvfs(m->mnt_dir, &v) || !v.f_blocks)
            continue;
        u64 unit = v.f_frsize, total = v.f_blocks * unit / 1024, used = (v.f_blocks - v.f_bfree) * unit / 1024,
            left = v.f_bavail * unit / 1024;
        printf("%-24s %12llu %12llu %12llu %3llu%% %s\n", m->mnt_fsname, (unsigned long long)total,
               (unsigned long long)used, (unsigned long long)left,
               (unsigned long long)(used + left ? (used * 100 + used + left - 1) / (used + left) : 0), m->mnt_dir);
    }
    if (mounts)
        endmntent(mounts);
}

#define CPUS_MAX 4096u

struct cpu_times {
    u64 user, nice, system, idle, wait, irq, softirq, steal;
};

static u32 read_cpus(struct cpu_times *times)
{
    FILE *from = fopen("/proc/stat", "re");
    char line[512];
    u32 len = 0;
    while (from && len < CPUS_MAX && fgets(line, sizeof(line), from)) {
        unsigned long long v[8] = {0};
        if (strncmp(line, "cpu", 3) || line[3] < '0' || line[3] > '9' ||
            sscanf(line, "%*s %llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6],
                   &v[7]) < 4)
            continue;
        times[len++] = (struct cpu_times){v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]};
    }
    if (from)
        fclose(from);
    return len;
}

// In the last half second.
static void show_proc(void)
{
    static struct cpu_times before[CPUS_MAX], now[CPUS_MAX];
    struct timespec half = {.tv_nsec = 500000000};
    u32 len = read_cpus(before);
    nanosleep(&half, NULL);
    len = MIN(read_cpus(now), len);
    for (u32 i = 0; i < len; i++) {
        const struct cpu_times *a = &before[i], *b = &now[i];
        const u64 part[] = {b->user - a->user, b->system - a->system, b->nice - a->nice,       b->idle - a->idle,
                            b->wait - a->wait, b->irq - a->irq,       b->softirq - a->softirq, b->steal - a->steal};
        static const char *const names[] = {"us", "sy", "ni", "id", "wa", "hi", "si", "st"};
        u64 sum = 0;
        for (unsigned j = 0; j < ARRAY_LEN(part); j++)
            sum += part[j];
        printf("Cpu%-4u: ", i);
        for (unsigned j = 0; j < ARRAY_LEN(part); j++)
            printf("%s%5.1f %s", j ? ", " : "", sum ? 100.0 * (double)part[j] / (double)sum : 0, names[j]);
        printf("\n");
    }
}

static u64 meminfo(const char *name)
{
    FILE *from = fopen("/proc/meminfo", "re");
    char line[256];
    unsigned long long value = 0;
    size_t len = strlen(name);
    while (from && fgets(line, sizeof(line), from))
        if (strncmp(line, name, len) == 0 && line[len] == ':')
            value = strtoull(line + len + 1, NULL, 10);
    if (from)
        fclose(from);
    return value;
}

static void show_memory(bool swap)
{
    u64 total = meminfo(swap ? "SwapTotal" : "MemTotal"), left = meminfo(swap ? "SwapFree" : "MemFree");
    printf("%-5s%12lluk total, %12lluk used, %12lluk free, %12lluk %s\n",
           swap ? "Swap:" : "Mem:", (unsigned long long)total, (unsigned long long)(total - left),
           (unsigned long long)left,
           (unsigned long long)(swap ? meminfo("SwapCached") : meminfo("Buffers") + meminfo("Cached")),
           swap ? "cached" : "buffers and cached");
}

int cmd_monhmc(const struct options *o)
{
    static const char *const kinds[] = {"disk", "proc", "mem", "swap"};
    unsigned kind = 0;
    char *end;
    while (kind < ARRAY_LEN(kinds) && strcmp(kinds[kind], o->resource))
        kind++;
    if (kind == ARRAY_LEN(kinds))
        return options_refuse("-r", "%s is none of disk, proc, mem and swap", o->resource);
    u64 interval = o->name ? strtoull(o->name, &end, 10) : 4;
    if (o->name && (*o->name < '0' || *o->name > '9' || *end || interval > 86400))
        return options_refuse("-n", "%s is no number of seconds from 0 to 86400", o->name);
    for (;;) {
        struct timespec wait = {.tv_sec = (time_t)interval};
        switch (kind) {
        case 0: show_disk(); break;
        case 1: show_proc(); break;
        default: show_memory(kind == 3); break;
        }
        if (fflush(stdout) || ferror(stdout))
            return 1;
        if (!interval)
            return 0;
        nanosleep(&wait, NULL);
    }
}
